package manage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"sallyport/core/audit"
	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/person"
)

// news is what a herald reads, oldest first.
type news struct {
	entries    []audit.Entry
	operators  []person.Person
	recoveries []flow.Recovery
	reads      int
}

func (n *news) EventsAfter(_ context.Context, kinds []audit.Event, after audit.Entry, most int) (list []audit.Entry, _ error) {
	n.reads++
	for _, e := range n.entries {
		later := e.At.After(after.At) || e.At.Equal(after.At) && e.ID > after.ID
		for _, kind := range kinds {
			if e.Event == kind && later && len(list) < most {
				list = append(list, e)
			}
		}
	}
	return list, nil
}

func (n *news) Operators(context.Context) ([]person.Person, error) { return n.operators, nil }

func (n *news) RecoveriesOver(_ context.Context, _, _ time.Time, after flow.Recovery, most int) (list []flow.Recovery, _ error) {
	for _, r := range n.recoveries {
		if r.ID > after.ID && len(list) < most {
			list = append(list, r)
		}
	}
	return list, nil
}

// happened is an entry of so long ago about Ada.
func happened(id string, event audit.Event, ago time.Duration, more ...func(e *audit.Entry)) audit.Entry {
	e := audit.New(now.Add(-ago), event, ada)
	e.ID = id
	for _, one := range more {
		one(&e)
	}
	return e
}

func by(method, reason, note string) func(e *audit.Entry) {
	return func(e *audit.Entry) { e.Method, e.Reason, e.Note = method, reason, note }
}

// tell lets a herald tell, and returns what the house was told to write.
func tell(t *testing.T, h *house, n *news) []string {
	t.Helper()
	if err := (Herald{Manager: h.manager(), Log: n}).Tell(ctx); err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, set := range h.applied {
		var words []string
		for _, effect := range set {
			words = append(words, worded(effect))
		}
		list = append(list, random.ReplaceAllString(strings.Join(words, "; "), "NEW"))
	}
	return list
}

func grace(change ...func(p *person.Person)) person.Person {
	p := person.New("grace", now)
	p.ID, p.Operator, p.Email = "grace-id", true, "grace@example.org"
	for _, one := range change {
		one(&p)
	}
	return p
}

// day are the rows of the lists of yesterday, as told.
func listsTold(h *house) {
	for _, what := range []string{"no-mail/2026-11-22", "guessed/2026-11-22"} {
		used(limit.Told, 1, what)(h)
	}
}

func TestWhatOperatorsAreTold(t *testing.T) {
	const toGrace = "if grace-id is at 1; mail operators.%s to grace@example.org"
	mail := func(what, kind string) string { return "takes told/" + what + "; " + fmt.Sprintf(toGrace, kind) }
	one := []person.Person{grace()}
	for _, row := range []struct {
		name  string
		ready func(h *house)
		news  news
		want  []string
	}{
		{"a dispute", nil, news{operators: one, entries: []audit.Entry{happened("e1", audit.Disputed, time.Hour, by("", "app-added", ""))}}, []string{mail("e1", "disputed")}},
		{"one past those of a day", nil, news{operators: one, entries: []audit.Entry{happened("e1", audit.Disputed, time.Hour, by(audit.DisputedOnly, "app-added", ""))}}, []string{mail("e1", "disputed-again")}},
		{"one of somebody who is gone", stranger, news{operators: one, entries: []audit.Entry{happened("e1", audit.Disputed, time.Hour, by("", "app-added", ""))}}, nil},
		{"one that was told", used(limit.Told, 1, "e1"), news{operators: one, entries: []audit.Entry{happened("e1", audit.Disputed, time.Hour, by("", "app-added", ""))}}, nil},
		{"texts that stopped, and a dispute", nil, news{operators: one, entries: []audit.Entry{happened("e1", audit.TextsStopped, 2*time.Hour, by("", "prefix", "about\n+44 791\nn\n5")), happened("e2", audit.Disputed, time.Hour, by("", "app-added", ""))}},
			[]string{mail("e2", "disputed"), mail("e1", "texts-stopped.prefix")}},
		{"what is a day old", nil, news{operators: one, entries: []audit.Entry{happened("e1", audit.Disputed, heraldBack+time.Second, by("", "app-added", ""))}}, nil},
		{"nobody to tell", nil, news{entries: []audit.Entry{happened("e1", audit.Disputed, time.Hour, by("", "app-added", ""))}}, []string{"takes told/e1"}},
		{"operators without an address, turned off and on hold", nil, news{operators: []person.Person{grace(func(p *person.Person) { p.Email = "" }), grace(func(p *person.Person) { p.DisabledAt = now }), grace(func(p *person.Person) { p.HeldAt = now })},
			entries: []audit.Entry{happened("e1", audit.Disputed, time.Hour, by("", "app-added", ""))}}, []string{"takes told/e1"}},
	} {
		h := atHome()
		listsTold(h)
		if row.ready != nil {
			row.ready(h)
		}
		if got := tell(t, h, &row.news); fmt.Sprint(got) != fmt.Sprint(row.want) {
			t.Errorf("%s:\n%q\nwant\n%q", row.name, got, row.want)
		}
	}
}

// Many of one kind do not stand before another, and all of them are told.
func TestMoreDisputesThanAPage(t *testing.T) {
	h := atHome()
	listsTold(h)
	n := &news{operators: []person.Person{grace()}}
	for i := range heraldMost + 1 {
		n.entries = append(n.entries, happened(fmt.Sprintf("e%03d", i), audit.Disputed, time.Hour, by("", "app-added", "")))
	}
	if got := tell(t, h, n); len(got) != heraldMost+1 {
		t.Errorf("%d of %d are told", len(got), heraldMost+1)
	}
}

func TestWhatOperatorsAreToldOnceADay(t *testing.T) {
	yesterday := 20 * time.Hour // 18:32
	quiet, guessed := "takes told/no-mail/2026-11-22", "takes told/guessed/2026-11-22"
	toGrace := func(kind string) string {
		return "; if grace-id is at 1; mail operators." + kind + " to grace@example.org"
	}
	for _, row := range []struct {
		name    string
		ready   func(h *house)
		entries []audit.Entry
		want    []string
	}{
		{"a day of nothing is noted", nil, nil, []string{quiet, guessed}},
		{"somebody set up without an address", noMail, []audit.Entry{happened("e1", audit.SetUp, yesterday)}, []string{quiet + toGrace("no-mail-one"), guessed}},
		{"somebody with one", nil, []audit.Entry{happened("e1", audit.SetUp, yesterday)}, []string{quiet, guessed}},
		{"of today", noMail, []audit.Entry{happened("e1", audit.SetUp, 14*time.Hour+32*time.Minute)}, []string{quiet, guessed}},
		{"of the last moment of yesterday", noMail, []audit.Entry{happened("e1", audit.SetUp, 14*time.Hour+32*time.Minute+time.Millisecond)}, []string{quiet + toGrace("no-mail-one"), guessed}},
		{"of the day before", noMail, []audit.Entry{happened("e1", audit.SetUp, 38*time.Hour+33*time.Minute)}, []string{quiet, guessed}},
		{"an account that is guessed at", nil, []audit.Entry{happened("e1", audit.Limited, yesterday, by(audit.LimitedLane, "", "")), happened("e2", audit.Limited, yesterday)}, []string{quiet, guessed + toGrace("guessed")}},
		{"lists that were told", listsTold, []audit.Entry{happened("e1", audit.Limited, yesterday)}, nil},
	} {
		h := atHome()
		if row.ready != nil {
			row.ready(h)
		}
		if got := tell(t, h, &news{operators: []person.Person{grace()}, entries: row.entries}); fmt.Sprint(got) != fmt.Sprint(row.want) {
			t.Errorf("%s:\n%q\nwant\n%q", row.name, got, row.want)
		}
	}
}

func TestPeopleAreToldOfARecoveryThatCameToNothing(t *testing.T) {
	over := flow.Recovery{ID: "r1", Person: ada, Until: now.Add(-time.Hour)}
	for _, row := range []struct {
		name  string
		ready func(h *house)
		want  int
	}{{"one that lapsed", nil, 1}, {"one that was told", used(limit.Told, 1, "recovery/r1"), 0}, {"of somebody who is gone", stranger, 0}} {
		h := atHome()
		listsTold(h)
		if row.ready != nil {
			row.ready(h)
		}
		got := tell(t, h, &news{recoveries: []flow.Recovery{over}})
		if len(got) != row.want || row.want == 1 && (!strings.HasPrefix(got[0], "takes told/recovery/r1; if ada-id is at 1; ") || !strings.Contains(got[0], " to ada@example.org")) {
			t.Errorf("%s: %q", row.name, got)
		}
	}
}

func TestALongListIsCut(t *testing.T) {
	var n names
	for i := range heraldMost + 2 {
		n.add(fmt.Sprintf("p%03d", i))
		n.add("p000")
	}
	if got := n.join(); len(n.list) != heraldMost+2 || !strings.Contains(got, "p199") || strings.Contains(got, "p200") || !strings.Contains(got, "2") {
		t.Errorf("%d, %s", len(n.list), got)
	}
	n.list = n.list[:heraldMost]
	if got := n.join(); !strings.HasSuffix(got, "p199") {
		t.Errorf("%s", got)
	}
}

// What could not be told is an error, and comes again in the next round.
func TestAHeraldThatCannotTellSaysSo(t *testing.T) {
	n := &news{operators: []person.Person{grace()}, recoveries: []flow.Recovery{{ID: "r1", Person: ada, Until: now.Add(-time.Hour)}},
		entries: []audit.Entry{happened("e1", audit.Disputed, time.Hour, by("", "app-added", "")), happened("e2", audit.Limited, 20*time.Hour)}}
	for i := 1; ; i++ {
		h := atHome()
		h.breaks = i
		err := (Herald{Manager: h.manager(), Log: n}).Tell(ctx)
		if h.calls < i {
			break
		}
		if !errors.Is(err, errDown) {
			t.Errorf("call %d fails, and it says %v", i, err)
		}
	}
}
