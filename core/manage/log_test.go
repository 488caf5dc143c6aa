package manage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/core/audit"
)

func TestWhatAnOperatorAsksOfTheLog(t *testing.T) {
	zone := time.FixedZone("CET", 3600)
	for _, row := range []struct {
		wanted  Wanted
		want    string
		refused string
	}{
		{Wanted{}, " [] never never", ""},
		{Wanted{Since: "2026-11-22"}, " [] -39h32m0s never", ""},
		{Wanted{Since: "2026-11-23T14:31:59Z", Until: "2026-11-23T14:32:00Z"}, " [] -1s 0s", ""},
		{Wanted{Since: "2026-11-23T14:32:00Z", Until: "2026-11-23T14:32:00Z"}, "", "nothing done: the beginning must be before the end"},
		{Wanted{Since: "yesterday"}, "", `nothing done: "yesterday" is no day and no time`},
		{Wanted{Until: "tomorrow"}, "", `nothing done: "tomorrow" is no day and no time`},
		{Wanted{Person: "Ada", Events: []string{"signed-in", "disputed"}}, "ada-id [signed-in disputed] never never", ""},
		{Wanted{Person: "bob"}, "", "there is nobody of that name"},
		{Wanted{Events: []string{"signed"}}, "", `nothing done: there is no event "signed"`},
	} {
		m := atHome().manager()
		m.Writer.Zone = zone
		f, err := m.Filter(ctx, row.wanted)
		if row.refused != "" {
			if err == nil || !strings.HasPrefix(err.Error(), row.refused) {
				t.Errorf("%+v: %v", row.wanted, err)
			}
			continue
		}
		if got := fmt.Sprintf("%s %v %s %s", f.Person, f.Events, sinceNow(f.Since), sinceNow(f.Until)); err != nil || got != row.want {
			t.Errorf("%+v: %q, %v, want %q", row.wanted, got, err, row.want)
		}
	}
}

// entry is one of the log, so long before now.
func entry(seq int64, ago time.Duration, who, actor string) audit.Record {
	r := audit.Record{Entry: audit.New(now.Add(-ago), audit.SignedIn, who), Seq: seq}
	r.ID, r.Actor = fmt.Sprint("entry-", seq), actor
	return r
}

func TestTheLogNamesPeopleAndNobodyElse(t *testing.T) {
	h := atHome()
	list := &records{list: []audit.Record{entry(1, 4*time.Second, ada, ada), entry(2, 3*time.Second, ada, "cli:bob"), entry(3, 2*time.Second, audit.Erased, audit.Portal), entry(4, time.Second, "left", "")}}
	var got []string
	if err := h.manager().ExportLog(ctx, list, "cli:bob", Wanted{}, func(l LogLine) error {
		got = append(got, fmt.Sprintf("%d %s/%s by %s/%s", l.Entry, l.Person, l.PersonID, l.Actor, l.ActorID))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := "1 ada/ada-id by ada/ada-id; 2 ada/ada-id by cli:bob/; 3 erased/ by portal/; 4 /left by /"
	if strings.Join(got, "; ") != want {
		t.Errorf("%s\nwant\n%s", strings.Join(got, "; "), want)
	}
	if h.said() != "logs audit-exported of  by cli:bob" {
		t.Errorf("taking the log is logged as %q", h.said())
	}
	broken := errors.New("broken pipe")
	if err := h.manager().ExportLog(ctx, list, "cli:bob", Wanted{}, func(LogLine) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("a reader that goes away: %v", err)
	}
	if err := h.manager().ExportLog(ctx, list, "cli:bob", Wanted{Person: "bob"}, nil); err != ErrNoPerson || len(h.applied) != 2 {
		t.Errorf("of nobody: %v, after %d entries", err, len(h.applied))
	}
}

// growing is a log that gets entries while it is followed.
type growing struct {
	records
	more  [][]audit.Record // of each look
	since []time.Time
	stop  func()
}

func (g *growing) EachRecord(ctx context.Context, f audit.Filter, use func(audit.Record) error) error {
	g.since = append(g.since, f.Since)
	if len(g.more) == 0 {
		g.stop()
		return nil
	}
	g.list, g.more = append(g.list, g.more[0]...), g.more[1:]
	return g.records.EachRecord(ctx, f, use)
}

func TestTheLogIsFollowed(t *testing.T) {
	synctest.Test(t, followed)
}

func followed(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	// The third is committed after the fourth, though it is older.
	g := &growing{records: records{list: []audit.Record{entry(1, 20*time.Second, ada, ada)}}, stop: stop,
		more: [][]audit.Record{{entry(2, 12*time.Second, ada, ada), entry(4, 5*time.Second, ada, ada)}, {entry(3, 9*time.Second, ada, ada)}}}
	var seen []int64
	if err := atHome().manager().TailLog(ctx, g, 10, true, func(l LogLine) error { seen = append(seen, l.Entry); return nil }); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(seen) != "[1 2 4 3]" {
		t.Errorf("it shows %v", seen)
	}
	if len(g.since) != 3 || sinceNow(g.since[0]) != "-30s" || sinceNow(g.since[1]) != "-15s" {
		t.Errorf("it looks from %v on", g.since)
	}
	seen = nil
	if err := atHome().manager().TailLog(context.Background(), g, 10, false, func(l LogLine) error { seen = append(seen, l.Entry); return nil }); err != nil || len(seen) != 4 {
		t.Errorf("without following: %v, %v", seen, err)
	}
}

func TestHeadsAmongOtherLines(t *testing.T) {
	heads, err := Heads(strings.NewReader("the portal began\n{\"level\":\"INFO\"}\n{\"seq\":5,\"sign\":\"s\"}\n{broken\n{\"seq\":9,\"sign\":\"t\"}\n"))
	if err != nil || len(heads) != 2 {
		t.Errorf("%+v, %v", heads, err)
	}
	for _, text := range []string{"", "{\"seq\":5}\n"} {
		if _, err := Heads(strings.NewReader(text)); !errors.Is(err, ErrWanted) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := Heads(strings.NewReader(strings.Repeat("x", 2<<20))); err == nil {
		t.Error("a line without an end is read")
	}
}
