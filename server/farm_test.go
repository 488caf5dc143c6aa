//go:build !race

package server_test

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/config"
	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/manage"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/server"
)

// farm is a portal whose texts strangers try to sell: by set-ups of accounts whose
// passwords they have. Nothing leaves it, since only what is queued is counted.
type farm struct {
	*testing.T
	core  *server.Core
	now   time.Time
	thief *caller
}

// layer is a part of the defence, by what has to be left out to be without it.
type layer struct {
	name    string
	budgets []string
	prefix  bool
	country bool
}

// layers stand in the order in which an attack meets its end by them.
var layers = []layer{
	{name: "accounts", budgets: []string{"text-others-day", "text-person-day", "text-person-hour"}},
	{name: "prefixes", budgets: []string{"text-prefix", "text-probe"}, prefix: true},
	{name: "countries", country: true},
	{name: "money", budgets: []string{"text-money"}},
	{name: "addresses", budgets: []string{"text-address"}},
	{name: "numbers", budgets: []string{"text-number", "text-number-day"}},
}

// lessBudgets are changes without some budgets.
type lessBudgets struct {
	flow.Changes
	off map[string]bool
}

func (l lessBudgets) Limits(ctx context.Context, keys []string) (map[string]limit.State, error) {
	rows, err := l.Changes.Limits(ctx, keys)
	maps.DeleteFunc(rows, func(key string, _ limit.State) bool {
		name, _, _ := strings.Cut(key, "/")
		return l.off[name]
	})
	return rows, err
}

func (l lessBudgets) Apply(ctx context.Context, set change.Set) error {
	return l.Changes.Apply(ctx, slices.DeleteFunc(slices.Clone(set), func(e change.Effect) bool {
		s, ok := e.(limit.Spent)
		return ok && l.off[s.Budget.Name]
	}))
}

// lessTraffic is a watch that sees less.
type lessTraffic struct {
	flow.Attempts
	prefix, country bool
}

func (l lessTraffic) Traffic(ctx context.Context, prefix, country string, now time.Time) (message.Traffic, error) {
	t, err := l.Attempts.Traffic(ctx, prefix, country, now)
	if l.prefix {
		t.Prefix = nil
	}
	if l.country {
		t.Country = 0
	}
	return t, err
}

func newFarm(t *testing.T, off ...layer) *farm {
	t.Helper()
	folder := t.TempDir()
	const prices = "currency: EUR\n  budget_day: 20\n  prices: [LV 0.10, TN 0.20, others 0.05]\n"
	if err := furnish(folder, "", false); err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse([]byte("url: http://"+host+"\nsms:\n  gateways:\n    - name: outbox\n      kind: outbox\n      path: ./outbox.jsonl\n  "+prices),
		filepath.Join(folder, "sallyport.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	f := &farm{T: t, now: time.Date(2026, 11, 25, 0, 0, 10, 0, time.UTC)}
	if f.core, err = server.Open(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.core.Close() })
	now := func() time.Time { return f.now }
	f.core.Flow.Params = person.Floor
	f.core.Now, f.core.Flow.Now, f.core.Manage.Now = now, now, now
	budgets, traffic := lessBudgets{f.core.Flow.Changes, map[string]bool{}}, lessTraffic{Attempts: f.core.Flow.Attempts}
	for _, l := range off {
		for _, name := range l.budgets {
			budgets.off[name] = true
		}
		traffic.prefix, traffic.country = traffic.prefix || l.prefix, traffic.country || l.country
	}
	f.core.Flow.Changes, f.core.Flow.Attempts = budgets, traffic
	return f
}

const stolen = "orchard-lantern-granite"

// account makes somebody who has only a password.
func (f *farm) account(name string) {
	f.Helper()
	if _, err := f.core.Manage.Add(f.Context(), "cli:test", manage.Adding{Name: name, Password: stolen}); err != nil {
		f.Fatal(err)
	}
}

// caller is a browser that is at the number of a set-up.
type caller struct {
	*farm
	name, address string
	token, setUp  string
	n             int
}

func (v *caller) client() flow.Client {
	return flow.Client{Address: v.address, Shown: v.address, Setup: v.setUp}
}

func (v *caller) post() flow.Post {
	v.n++ // no form is posted twice
	return flow.Post{Token: v.token, Form: fmt.Sprint(v.n)}
}

// enter signs in and comes to the number.
func (v *caller) enter() error {
	r, err := v.core.Flow.SignIn(v.Context(), flow.SignIn{Name: v.name, Password: stolen, Form: fmt.Sprint(v.name, v.n), Browser: v.name}, v.client())
	if err != nil {
		return err
	}
	v.token = r.Attempt
	r, err = v.core.Flow.Install(v.Context(), v.post(), v.client())
	v.setUp = r.Setup
	return err
}

// ask asks for a code to a number, and signs in again where the sign-in is over.
func (v *caller) ask(number string) error {
	var err error
	for range 2 {
		if v.token == "" {
			if err := v.enter(); err != nil {
				return err
			}
		}
		_, err = v.core.Flow.Number(v.Context(), v.post(), number, "US", v.client())
		if f := fault.Of(err); f == nil || f.Kind == fault.TooMany || f.Kind == fault.Invalid {
			return err
		}
		v.token, v.setUp = "", ""
	}
	return fmt.Errorf("no sign-in lasts: %w", err)
}

// costly are five prefixes that strangers could earn from.
var costly = []string{"+371261", "+371262", "+371263", "+371291", "+371292"}

// attack asks for codes to numbers all day long, each number once, one prefix after
// the other, from 500 addresses with five passwords, and says how many were sent.
func (f *farm) attack(numbers int, half func()) (sent, refused int) {
	f.Helper()
	began := f.now
	var callers []*caller
	for i := range 5 {
		name := fmt.Sprintf("victim%d", i)
		f.account(name)
		callers = append(callers, &caller{farm: f, name: name})
	}
	for i := range numbers {
		v := callers[i%len(callers)]
		v.address = fmt.Sprintf("203.0.%d.%d", 113+i%2, i%250+1)
		block := i * len(costly) / numbers
		switch err := v.ask(fmt.Sprintf("%s%05d", costly[block], i)); {
		case err == nil:
			sent++
		case fault.Of(err) != nil && fault.Of(err).Kind == fault.TooMany:
			refused++
		default:
			f.Fatalf("request %d: %v", i, err)
		}
		f.now = began.Add(time.Duration(i+1) * 23 * time.Hour / time.Duration(numbers))
		if i == numbers/2 {
			half()
		}
	}
	return sent, refused
}

// honest is somebody in another prefix, in the middle of it all.
func (f *farm) honest() {
	f.Helper()
	f.account("honest")
	v := &caller{farm: f, name: "honest", address: "198.51.100.7"}
	if err := v.ask("+12025550143"); err != nil {
		f.Errorf("somebody in another prefix gets no code: %v", err)
	}
}

// alerts are what operators were told, by what it was about.
func (f *farm) alerts() map[string]int {
	f.Helper()
	told := map[string]int{}
	err := f.core.Store.EachRecord(f.Context(), audit.Filter{Events: []audit.Event{audit.TextsStopped}}, func(r audit.Record) error {
		told[r.Reason+" "+strings.ReplaceAll(r.Note, "\n", " ")]++
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
	return told
}

func TestADayOfFarmingEndsAtFewTexts(t *testing.T) {
	f := newFarm(t)
	sent, refused := f.attack(10_000, f.honest)
	told := f.alerts()
	t.Logf("%d texts were sent and %d refused; operators were told of %v", sent, refused, told)
	if sent > 25 || sent < 5 || sent+refused != 10_000 {
		t.Errorf("%d texts were sent, %d refused", sent, refused)
	}
	if want := map[string]int{"prefix about +371 261 n 5": 1}; !maps.Equal(told, want) {
		t.Errorf("operators were told of %v", told)
	}
}

// Each layer is left out with those before it: every one of them makes more texts
// go, so that none stands only on paper.
func TestEachLayerAgainstFarmingMatters(t *testing.T) {
	const numbers = 1000
	before := 0
	for n := range 5 { // the address and the number are below
		f := newFarm(t, layers[:n]...)
		sent, _ := f.attack(numbers, func() {})
		name := "all layers stand"
		if n > 0 {
			name = "without " + layers[n-1].name + " too"
		}
		t.Logf("%s: %d of %d texts are sent", name, sent, numbers)
		if sent <= before && n != 0 {
			t.Errorf("%s: %d texts are sent, %d were before", name, sent, before)
		}
		before = sent
	}
	for _, row := range []struct {
		layer string
		ask   func(f *farm, i int) error
		least int // that one address or number takes with its layer
	}{
		{"addresses", func(f *farm, i int) error {
			return f.thief.from("203.0.113.1").ask(fmt.Sprintf("%s%05d", costly[i%5], i))
		}, 480},
		{"numbers", func(f *farm, i int) error {
			return f.thief.from(fmt.Sprintf("203.0.113.%d", i%250)).ask(costly[0] + "00001")
		}, 10},
	} {
		others := slices.DeleteFunc(slices.Clone(layers), func(l layer) bool { return l.name == row.layer })
		counts := map[bool]int{}
		for _, with := range []bool{true, false} {
			f := newFarm(t, map[bool][]layer{true: others, false: layers}[with]...)
			f.account("victim0")
			f.thief = &caller{farm: f, name: "victim0"}
			for i := range 700 {
				if row.ask(f, i) == nil {
					counts[with]++
				}
				f.now = f.now.Add(2 * time.Minute)
			}
		}
		t.Logf("%s: %d with their layer alone, %d without any", row.layer, counts[true], counts[false])
		if counts[true] >= counts[false] || counts[true] > row.least {
			t.Errorf("%s: %d with their layer, %d without", row.layer, counts[true], counts[false])
		}
	}
}

// from is the same browser at another address.
func (v *caller) from(address string) *caller {
	v.address = address
	return v
}
