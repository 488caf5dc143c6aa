package door

import (
	"errors"
	"testing"
	"time"

	"sallyport/core/flow"
	"sallyport/core/person"
	"sallyport/core/session"
)

func TestWhereADoorIsGood(t *testing.T) {
	m := remember(t)
	at := func(origin string) *Held {
		return m.keeper.Hold(Pass{Door: Door{Person: "ada", Origin: origin, EndsAt: noon.Add(time.Hour)},
			Session: session.Stored(session.Row{ID: flow.HashToken("ada"), Person: "ada", Level: session.Two, SeenAt: noon, ConfirmedAt: noon, EndsAt: noon.Add(time.Hour)}),
			Person:  person.Person{ID: "ada", Name: "ada"}}, noon)
	}
	one, all := at("https://wiki.example.org"), at(Domain("example.org"))
	if !one.At("https://wiki.example.org") || one.At("https://bank.example.org") || one.Below("example.org") || one.Below("ttps://wiki.example.org") {
		t.Error("a door at one host")
	}
	for domain, good := range map[string]bool{"example.org": true, "xample.org": false, "example.com": false, "": false, "wiki.example.org": false, ".example.org": false} {
		if all.Below(domain) != good {
			t.Errorf("a door to all hosts of a domain, below %q", domain)
		}
	}
	if all.At("https://wiki.example.org") {
		t.Error("a door to all hosts is one at a host")
	}
}

func TestHowLongADoorIsAlive(t *testing.T) {
	m := remember(t)
	for _, row := range []struct {
		name  string
		ends  time.Duration
		idles time.Duration // after noon
		want  time.Duration // when it is alive no more
	}{
		{"until it idles", 2 * time.Hour, 0, time.Hour},
		{"until it ends", 30 * time.Minute, 0, 30 * time.Minute},
		{"used once more", 2 * time.Hour, 50 * time.Minute, 110 * time.Minute},
	} {
		h := m.keeper.Hold(Pass{Door: Door{Person: "ada", EndsAt: noon.Add(row.ends)},
			Session: session.Stored(session.Row{ID: flow.HashToken("ada"), Person: "ada", Level: session.Two, SeenAt: noon, ConfirmedAt: noon, EndsAt: noon.Add(12 * time.Hour)}),
			Person:  person.Person{ID: "ada", Name: "ada"}}, noon)
		if row.idles > 0 {
			h.Touch(noon.Add(row.idles))
		}
		if end := noon.Add(row.want); !h.Alive(end.Add(-time.Millisecond)) || h.Alive(end) {
			t.Errorf("%s: a millisecond before its end %v, at it %v", row.name, h.Alive(end.Add(-time.Millisecond)), h.Alive(end))
		}
	}
}

func TestTheIdleEndIsWrittenOnceAMinute(t *testing.T) {
	h := remember(t).read("ada", noon)
	for _, step := range []struct {
		at     time.Duration
		writes bool
	}{{0, false}, {time.Minute - time.Millisecond, false}, {time.Minute, true}, {time.Minute, false}, {30 * time.Second, false}, {2*time.Minute - time.Millisecond, false}, {2 * time.Minute, true}} {
		if got := h.Touch(noon.Add(step.at)); got != step.writes {
			t.Errorf("after %v: %v", step.at, got)
		}
	}
	if h.Touch(noon); h.seen.Load() != noon.Add(2*time.Minute).UnixMilli() {
		t.Error("a clock that was set back moves the idle end back")
	}
}

func TestATokenIsSignedAnewWhenItIsOld(t *testing.T) {
	h := remember(t).read("ada", noon)
	signed := 0
	ask := func(app string, at time.Duration) string {
		value, err := h.TokenFor(app, noon.Add(at), time.Minute, func() (string, error) { signed++; return app, nil })
		if err != nil || len(value) != 1 {
			t.Fatal(value, err)
		}
		return value[0]
	}
	for _, step := range []struct {
		app    string
		at     time.Duration
		signed int
	}{{"wiki", 0, 1}, {"wiki", 0, 1}, {"wiki", time.Minute - time.Millisecond, 1}, {"wiki", time.Minute, 2}, {"wiki", time.Minute - time.Millisecond, 3}, {"bank", time.Minute, 4}, {"wiki", time.Minute, 5}} {
		if got := ask(step.app, step.at); got != step.app || signed != step.signed {
			t.Errorf("%s after %v: %q, signed %d times, want %d", step.app, step.at, got, signed, step.signed)
		}
	}
	if _, err := h.TokenFor("bank", noon, time.Minute, func() (string, error) { return "", errDown }); !errors.Is(err, errDown) {
		t.Error(err)
	}
	if got := h.signed(noon.Add(2*time.Minute - time.Millisecond)); got != 96+len("wiki") {
		t.Errorf("%d bytes", got)
	}
	if h.signed(noon.Add(2*time.Minute)) != 0 || h.token.Load() != nil {
		t.Error("a token that is too old is kept")
	}
}

func TestWhoIsTheSameGuest(t *testing.T) {
	who := person.Person{ID: "ada", Name: "ada", Email: "ada@example.org", Groups: []string{"staff"}}
	join := func(change func(p *person.Person), idle time.Duration, gone bool) bool {
		g := newGuest(who, time.Hour)
		g.gone.Store(gone)
		other := who
		other.Groups = []string{"staff"}
		change(&other)
		h := &Held{Guest: newGuest(other, idle)}
		joined := h.join(g)
		if joined != (h.Guest == g) {
			t.Error("joined, and is another guest; or the other way round")
		}
		return joined
	}
	same := func(*person.Person) {}
	if !join(same, time.Hour, false) {
		t.Error("the same person is another guest")
	}
	for name, joined := range map[string]bool{
		"gone":            join(same, time.Hour, true),
		"another person":  join(func(p *person.Person) { p.ID = "bob" }, time.Hour, false),
		"another address": join(func(p *person.Person) { p.Email = "x@example.org" }, time.Hour, false),
		"another idle":    join(same, time.Minute, false),
		"other groups":    join(func(p *person.Person) { p.Groups = []string{"board"} }, time.Hour, false),
		"groups that read alike": func() bool {
			g, h := newGuest(person.Person{Groups: []string{"a", "b"}}, time.Hour), &Held{Guest: newGuest(person.Person{Groups: []string{"a,b"}}, time.Hour)}
			return h.join(g)
		}(),
	} {
		if joined {
			t.Errorf("%s: the same guest", name)
		}
	}
	who.Groups = []string{"staff", "board"}
	if got := newGuest(who, time.Hour).size(); got != 176+len("ada")+2*16+len("staff,board")+2*len("ada")+len("ada@example.org") {
		t.Errorf("a guest takes %d bytes", got)
	}
}

func TestMomentsOfTheMemory(t *testing.T) {
	m := remember(t)
	at := Moment{noon, 90 * time.Second}
	if at.Age() != 90*time.Second || at.Began() != noon.Add(-90*time.Second).UnixNano() {
		t.Errorf("%v, %d", at.Age(), at.Began())
	}
	if got := m.Until(m.begun.Add(time.Minute)); got != time.Minute {
		t.Errorf("%v", got)
	}
	h := m.read("ada", noon)
	h.since = 60
	if end := time.Minute + memoryFor; !(Moment{noon, end - time.Millisecond}).counts(h) || (Moment{noon, end}).counts(h) {
		t.Error("what was read counts for another time")
	}
}

// What finds no place takes that of the same door, else one that is free, else of the
// door that was used least lately.
func TestWhosePlaceIsTaken(t *testing.T) {
	m := remember(t)
	var all []*Held
	same := func(h *Held, n byte) *Held { // in one row
		h.id = [32]byte{4: n + 1, 31: n + 1}
		return h
	}
	for n := range byte(7) {
		h := same(m.read("ada", noon.Add(-time.Duration(n)*time.Minute)), n)
		m.keep(h)
		all = append(all, h)
	}
	again := same(m.read("ada", noon), 3)
	m.keep(again)
	if m.knows(all[3]) || !m.knows(again) {
		t.Error("a door that was read again is there twice")
	}
	all[3] = again
	eighth := same(m.read("ada", noon), 7)
	m.keep(eighth)
	for n, h := range all {
		if !m.knows(h) {
			t.Errorf("door %d is dropped, though there was a free place", n)
		}
	}
	m.keep(same(m.read("ada", noon), 8))
	for n, h := range all {
		if m.knows(h) != (n != 6) {
			t.Errorf("a ninth took the place of another than the one that was used least lately: %d", n)
		}
	}
}
