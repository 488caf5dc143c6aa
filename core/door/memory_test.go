package door

import (
	"crypto/rand"
	"fmt"
	"sync"
	"testing"
	"time"

	"sallyport/core/flow"
	"sallyport/core/person"
	"sallyport/core/policy"
	"sallyport/core/session"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// memory remembers doors of which no database knows.
type memory struct {
	*testing.T
	*Memory
	keeper *Keeper
}

func remember(t *testing.T) memory {
	now := func() time.Time { return noon }
	keeper := &Keeper{Flow: &flow.Machine{Policy: policy.Policy{Idle: time.Hour, Length: 12 * time.Hour}, Now: now}}
	return memory{t, NewMemory(), keeper}
}

// read is a door of somebody, last used at a moment.
func (m memory) read(who string, seen time.Time) *Held {
	h := m.keeper.Hold(Pass{Door: Door{Person: who, Origin: "https://wiki.example.org", EndsAt: noon.Add(time.Hour)},
		Session: session.Stored(session.Row{ID: flow.HashToken(who), Person: who, Level: session.Two, SeenAt: seen, ConfirmedAt: noon, EndsAt: noon.Add(time.Hour)}),
		Person:  person.Person{ID: who, Name: who, Email: who + "@example.org", Groups: []string{"staff"}}}, noon)
	if h == nil {
		m.Fatal("nothing holds")
	}
	rand.Read(h.id[:])
	return h
}

func (m memory) keep(h *Held) { m.Keep(m.Begin(m.At(noon)), h.id, h) }

func (m memory) knows(h *Held) bool { return m.row(h.id).find(h.id) == h }

// count is how many doors there are, and what they take with their guests.
func (m memory) count() (doors, bytes int) {
	guests := map[*Guest]int32{}
	for n := range m.rows {
		for i := range m.rows[n].held {
			if h := m.rows[n].held[i].Load(); h != nil {
				doors++
				guests[h.Guest]++
			}
		}
	}
	bytes = doors * heldBytes
	for g, n := range guests {
		bytes += g.size()
		if g.doors != n {
			m.Errorf("of %s are %d doors, and %d counted", g.Person(), n, g.doors)
		}
	}
	return doors, bytes
}

func TestDoorsOfAPersonShareWhoTheyAre(t *testing.T) {
	m := remember(t)
	one, two, other := m.read("ada", noon), m.read("ada", noon), m.read("bob", noon)
	for _, h := range []*Held{one, two, other} {
		m.keep(h)
	}
	if one.Guest != two.Guest || one.Guest == other.Guest || len(m.guests) != 2 {
		t.Errorf("%p, %p and %p of %d guests", one.Guest, two.Guest, other.Guest, len(m.guests))
	}
	m.Forget([]string{flow.HashToken("ada")})
	if one.Alive(noon) || two.Alive(noon) || !other.Alive(noon) {
		t.Error("a change about one person is not one about all their doors, and of nobody else")
	}
	again := m.read("ada", noon)
	m.keep(again)
	if !again.Alive(noon) || again.Guest == one.Guest {
		t.Error("who was forgotten is not read anew")
	}
	m.Sweep(noon)
	if m.knows(one) || m.knows(two) || !m.knows(again) || !m.knows(other) {
		t.Error("a sweep keeps what counts no more, or drops what does")
	}
	if _, bytes := m.count(); bytes != m.bytes {
		t.Errorf("%d bytes, and %d counted", bytes, m.bytes)
	}
}

// Another node has changed somebody, and the news is still on its way.
func TestADoorThatFindsAPersonChangedShutsTheOthers(t *testing.T) {
	m := remember(t)
	old := m.read("ada", noon)
	m.keep(old)
	changed := m.read("ada", noon)
	changed.Groups()[0] = "board"
	m.keep(changed)
	if old.Alive(noon) || !changed.Alive(noon) || changed.Groups()[0] != "board" {
		t.Errorf("the old one: %v; the new one: %v, in %q", old.Alive(noon), changed.Alive(noon), changed.Groups()[0])
	}
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	m := remember(t)
	used := m.read("used", noon.Add(time.Minute))
	m.keep(used)
	for n := range 120_000 {
		m.keep(m.read(fmt.Sprintf("person-%d", n/2), noon.Add(-time.Minute)))
	}
	doors, bytes := m.count()
	if bytes != m.bytes || bytes > memoryBytes || bytes < memoryBytes-1000 {
		t.Errorf("%d bytes, %d counted, of %d", bytes, m.bytes, memoryBytes)
	}
	if doors < 20_000 || len(m.guests) > doors {
		t.Errorf("%d doors of %d guests", doors, len(m.guests))
	}
	if !m.knows(used) {
		t.Error("what was used last is dropped before what was not")
	}
	for n := range m.rows { // all are forgotten
		for i := range m.rows[n].held {
			m.drop(&m.rows[n], i, noon)
		}
	}
	if m.bytes != 0 || len(m.guests) != 0 {
		t.Errorf("%d bytes and %d guests are left", m.bytes, len(m.guests))
	}
}

// A token takes more than its door, and is worth nothing after a minute.
func TestTokensCountAndGo(t *testing.T) {
	m := remember(t)
	for n := range 3000 {
		h := m.read(fmt.Sprintf("person-%d", n), noon)
		h.TokenFor("wiki", noon, time.Minute, func() (string, error) { return fmt.Sprintf("%4000d", n), nil })
		m.keep(h)
	}
	m.Sweep(noon)
	if m.signed < 3000*4000 {
		t.Errorf("%d bytes of tokens", m.signed)
	}
	m.keep(m.read("another", noon))
	if m.bytes+m.signed > memoryBytes {
		t.Errorf("%d bytes and %d of tokens, of %d", m.bytes, m.signed, memoryBytes)
	}
	if m.Sweep(noon.Add(2 * time.Minute)); m.signed != 0 || m.bytes == 0 {
		t.Errorf("%d bytes of tokens, %d of doors", m.signed, m.bytes)
	}
}

func TestADoorIsReadAgainAfterAWhile(t *testing.T) {
	m := remember(t)
	h := m.read("ada", noon)
	m.keep(h)
	if m.Held(h.id, m.At(noon)) != h || m.Held(h.id, m.At(noon.Add(time.Hour))) != nil {
		t.Fatal("it is worth something for another time than its session is")
	}
	m.begun = m.begun.Add(-memoryFor - time.Second) // so much later
	if m.Held(h.id, m.At(noon)) != nil {
		t.Error("it counts for ever")
	}
	if m.Sweep(noon); m.knows(h) {
		t.Error("it is remembered for ever")
	}
}

func TestWhatChangedWhileItWasReadIsNotRemembered(t *testing.T) {
	m := remember(t)
	reading, h := m.Begin(m.At(noon)), m.read("ada", noon)
	m.Forget([]string{flow.HashToken("bob")})
	if m.Keep(reading, h.id, h); m.Held(h.id, m.At(noon)) != nil {
		t.Error("it is")
	}
}

func TestAKnownDoorIsFoundWithoutAllocating(t *testing.T) {
	m := remember(t)
	h := m.read("ada", noon)
	m.keep(h)
	if n := testing.AllocsPerRun(100, func() {
		if got := m.Held(h.id, m.At(noon)); got == nil || got.Who().Person != "ada" || got.User()[0] != "ada" {
			t.Fatal(got)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if h.Session() != flow.HashToken("ada") {
		t.Error(h.Session())
	}
}

// Whoever looks holds no lock: what is found is whole, and of who was forgotten
// nothing is found.
func TestManyLookWhileOthersChange(t *testing.T) {
	m := remember(t)
	var doors []*Held
	for n := range 400 {
		doors = append(doors, m.read(fmt.Sprintf("person-%d", n/2), noon))
	}
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for n := range 4000 {
				h := doors[(n*7+worker)%len(doors)]
				got := m.Held(h.id, m.At(noon))
				if got != nil && (got.id != h.id || got.Person() != h.Person() || got.User()[0] != h.Person()) {
					t.Errorf("the door of %s is that of %s", h.Person(), got.Person())
				}
				switch {
				case n%50 == 0:
					m.Forget([]string{flow.HashToken(h.Person())})
					if got != nil && m.Held(h.id, m.At(noon)) == got {
						t.Errorf("%s was forgotten", h.Person())
					}
				case got == nil:
					again := m.read(h.Person(), noon)
					m.Keep(m.Begin(m.At(noon)), h.id, again)
				case n%1000 == 1:
					m.Sweep(noon)
				}
			}
		})
	}
	wg.Wait()
	if doors, bytes := m.count(); bytes != m.bytes || doors == 0 {
		t.Errorf("%d doors of %d bytes, %d counted", doors, bytes, m.bytes)
	}
}
