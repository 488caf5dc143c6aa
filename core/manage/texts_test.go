package manage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/core/audit"
	"sallyport/core/limit"
	"sallyport/core/message"
)

// log is a log of texts, newest first.
type log []message.Message

func (l log) TextsSince(_ context.Context, since time.Time, most int) (list []message.Message, _ error) {
	for _, t := range l {
		if !t.MadeAt.Before(since) && len(list) < most {
			list = append(list, t)
		}
	}
	return list, nil
}

func (l log) Sends(_ context.Context, chain string) (list []message.Message, _ error) {
	for _, t := range l {
		if t.Chain() == chain {
			list = append(list, t)
		}
	}
	return list, nil
}

// came is a text of so long ago, by a gateway, and what it came to.
func came(gateway string, state message.State, ago time.Duration, more ...func(t *message.Message)) message.Message {
	t := message.New(ada, message.CodeKind, "+12025550143", "US", "", now.Add(-ago), 10*time.Minute)
	t.Code, t.Gateway, t.State, t.CalledAt = t.ID, gateway, state, t.MadeAt.Add(time.Second)
	for _, one := range more {
		one(&t)
	}
	return t
}

func toldAfter(seconds int) func(t *message.Message) {
	return func(t *message.Message) { t.ToldAt = t.CalledAt.Add(time.Duration(seconds) * time.Second) }
}

func entered(t *message.Message) { t.EnteredAt = now }
func aNotice(t *message.Message) { t.Kind = "app-added" }
func in2(country string) func(t *message.Message) {
	return func(t *message.Message) { t.Country = country }
}

// hop makes a text the one that a gateway got after another.
func hop(of message.Message, n int) func(t *message.Message) {
	return func(t *message.Message) { t.Code, t.Hop = of.Code, n }
}

func TestADayOfTexts(t *testing.T) {
	many := func(n, answered int) (list log) {
		for i := range n {
			one := came("a", message.Sent, time.Hour, in2("GB"))
			if i < answered {
				entered(&one)
			}
			list = append(list, one)
		}
		return list
	}
	first := came("a", message.Unknown, 10*time.Minute)
	dead := came("a", message.Failed, 10*time.Minute)
	for _, row := range []struct {
		name string
		log  log
		want string
	}{
		{"nothing", nil, "0 waiting"},
		{"what waits and what is being called", log{came("", message.Waiting, 0), came("a", message.Calling, 0)}, "2 waiting"},
		{"each state", log{
			came("a", message.Delivered, 9*time.Minute, toldAfter(4), entered), came("a", message.Sent, 10*time.Minute), came("a", message.Gone, 11*time.Minute),
			came("a", message.Failed, 12*time.Minute), came("a", message.Unknown, 13*time.Minute), came("a", message.Refused, 14*time.Minute), came("", message.Late, 15*time.Minute)},
			"0 waiting; a 3 sent 1 delivered 1 lost 1 silent 1 failed 1 unknown 4 s; US 4 codes 1 entered"},
		{"half within", log{came("a", message.Delivered, time.Hour, toldAfter(9)), came("a", message.Delivered, time.Hour, toldAfter(1)), came("a", message.Delivered, time.Hour, toldAfter(5))},
			"0 waiting; a 3 sent 3 delivered 0 lost 0 silent 0 failed 0 unknown 5 s; US 3 codes 0 entered"},
		{"a gateway that fails since its oldest failure", log{came("a", message.Failed, time.Minute), came("a", message.Unknown, 2*time.Minute), came("a", message.Failed, 3*time.Minute), came("a", message.Sent, 4*time.Minute), came("a", message.Failed, 5*time.Minute)},
			"0 waiting; a 1 sent 0 delivered 0 lost 1 silent 3 failed 1 unknown 0 s failing since -2m59s; US 1 codes 0 entered"},
		{"one that is well again", log{came("a", message.Sent, time.Minute), came("a", message.Failed, 5*time.Minute), came("b", message.Failed, 5*time.Minute)},
			"0 waiting; a 1 sent 0 delivered 0 lost 1 silent 1 failed 0 unknown 0 s; b 0 sent 0 delivered 0 lost 0 silent 1 failed 0 unknown 0 s failing since -4m59s"},
		{"a code that may still be typed is none yet, and a notice never", log{came("a", message.Sent, message.Ripe-time.Millisecond), came("a", message.Sent, message.Ripe), came("a", message.Sent, time.Hour, aNotice)},
			"0 waiting; a 3 sent 0 delivered 0 lost 3 silent 0 failed 0 unknown 0 s; US 1 codes 0 entered"},
		{"one text by two gateways is one code", log{came("b", message.Sent, 10*time.Minute, hop(first, 1)), first, came("b", message.Sent, 10*time.Minute, hop(dead, 1)), dead},
			"0 waiting; a 0 sent 0 delivered 0 lost 0 silent 1 failed 1 unknown 0 s failing since -9m59s; b 2 sent 0 delivered 0 lost 2 silent 0 failed 0 unknown 0 s; US 2 codes 0 entered"},
		{"a day and no more", log{came("a", message.Sent, 24*time.Hour), came("a", message.Sent, 24*time.Hour+time.Second)},
			"0 waiting; a 1 sent 0 delivered 0 lost 1 silent 0 failed 0 unknown 0 s; US 1 codes 0 entered"},
		{"fifty, and nine entered", many(50, 9), "0 waiting; a 50 sent 0 delivered 0 lost 50 silent 0 failed 0 unknown 0 s; GB 50 codes 9 entered costly"},
		{"fifty, and ten entered", many(50, 10), "0 waiting; a 50 sent 0 delivered 0 lost 50 silent 0 failed 0 unknown 0 s; GB 50 codes 10 entered"},
	} {
		s, err := atHome().manager().TextStatus(ctx, row.log, &records{})
		if err != nil {
			t.Fatal(err)
		}
		parts := []string{fmt.Sprintf("%d waiting", s.Waiting)}
		for _, g := range s.Gateways {
			part := fmt.Sprintf("%s %d sent %d delivered %d lost %d silent %d failed %d unknown %.0f s", g.Gateway, g.Sent, g.Delivered, g.Lost, g.NoReport, g.Failed, g.Unknown, g.Median)
			if !g.Failing.IsZero() {
				part += " failing since " + sinceNow(g.Failing)
			}
			parts = append(parts, part)
		}
		for _, c := range s.Countries {
			parts = append(parts, fmt.Sprintf("%s %d codes %d entered%s", c.Country, c.Codes, c.Entered, flags(c.Costly, "costly")))
		}
		if got := strings.Join(parts, "; "); got != row.want {
			t.Errorf("%s:\n%s\nwant\n%s", row.name, got, row.want)
		}
	}
}

func TestADayOfTextsTellsMoneyAndAlerts(t *testing.T) {
	h := atHome()
	m := h.manager()
	m.Writer.Prices = message.Prices{Currency: "EUR", Day: 10_000_000}
	h.limits[m.Writer.MoneyKey(now)] = limit.State{Used: 3_100_000}
	stopped := audit.Record{Entry: audit.New(now.Add(-time.Hour), audit.TextsStopped, "")}
	stopped.Reason, stopped.Note = "prefix", "about\n+44 791\nn\n5"
	s, err := m.TextStatus(ctx, log{}, &records{list: []audit.Record{stopped}})
	if err != nil || s.Spent != "3.10 EUR" || s.Budget != "10.00 EUR" || len(s.Stopped) != 1 || !strings.Contains(s.Stopped[0].Text, "+44 791") {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestTheLogOfTexts(t *testing.T) {
	h := atHome()
	other := came("b", message.Refused, 2*time.Minute, func(t *message.Message) { t.Person = "bob"; t.Reason = "21610" })
	texts := log{came("a", message.Delivered, time.Minute, toldAfter(7), entered), other, came("a", message.Sent, 3*time.Minute, func(t *message.Message) { t.Person = "" })}
	for _, row := range []struct {
		who  string
		most int
		want []string
	}{
		{"", 10, []string{"ada …143 US code delivered 7 s a entered", " …143 US code refused 0 s b 21610", " …143 US code sent 0 s a"}},
		{"", 2, []string{"ada …143 US code delivered 7 s a entered", " …143 US code refused 0 s b 21610"}},
		{"", 0, nil},
		{"ada", 10, []string{"ada …143 US code delivered 7 s a entered"}},
	} {
		lines, err := h.manager().TextLog(ctx, texts, row.who, row.most)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, l := range lines {
			got = append(got, strings.TrimRight(fmt.Sprintf("%s …%s %s %s %s %.0f s %s %s", l.Person, l.Ending, l.Country, l.Use, l.State, l.Seconds, l.Gateway, strings.TrimSpace(l.Reason+flags(l.Entered, "entered"))), " "))
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%q, %d: %q, want %q", row.who, row.most, got, row.want)
		}
	}
	if _, err := h.manager().TextLog(ctx, texts, "nobody", 10); err != ErrNoPerson {
		t.Errorf("of nobody: %v", err)
	}
	chain, err := h.manager().TextChain(ctx, texts, texts[0].ID)
	if err != nil || len(chain) != 1 || chain[0].ID != texts[0].ID {
		t.Errorf("a chain: %+v, %v", chain, err)
	}
	if _, err := h.manager().TextChain(ctx, texts, "none"); err == nil {
		t.Error("no chain is one")
	}
}

func TestHowFarATextIs(t *testing.T) {
	for _, s := range message.States {
		want := Stuck
		switch s {
		case message.Delivered:
			want = Arrived
		case message.Waiting, message.Calling, message.Sent:
			want = OnItsWay
		}
		if got := Came(TextLine{State: string(s)}); got != want {
			t.Errorf("%s: %v, want %v", s, got, want)
		}
	}
}
