package message

import (
	"strings"
	"testing"
	"time"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/limit"
	"sallyport/core/phone"
)

// texts are the newest ripe texts of a prefix: n of them, of which the given were
// entered.
func texts(n int, entered ...int) []bool {
	list := make([]bool, n)
	for _, i := range entered {
		list[i] = true
	}
	return list
}

var closedKey, probeKey = limit.Prefix("hash"), limit.TextProbe.Key("hash")

func TestTheWatchByItsTable(t *testing.T) {
	const day = "text-money/2026-11-23"
	paid := Prices{Currency: "EUR", Of: map[string]int64{"GB": 40_000}, Others: 120_000, Day: 20_000_000}
	closed := func(until time.Duration) map[string]limit.State {
		return map[string]limit.State{closedKey: {Level: 1, Until: moment.Add(until)}}
	}
	probing := closed(0)
	probing[probeKey] = limit.State{Used: 1, Since: moment.Add(-4 * time.Minute)}
	spent := func(millionths int) map[string]limit.State {
		return map[string]limit.State{day: {Used: millionths, Since: moment.Add(-time.Hour)}}
	}
	for _, row := range []struct {
		about   string
		traffic Traffic
		rows    map[string]limit.State
		prices  Prices
		proved  bool
		wait    time.Duration
		alert   string // the reason that operators read
	}{
		{about: "the first text ever"},
		{about: "four that nobody entered", traffic: Traffic{Prefix: texts(4)}},
		{about: "five that nobody entered", traffic: Traffic{Prefix: texts(5)}, wait: time.Hour, alert: "prefix"},
		{about: "one of five was entered", traffic: Traffic{Prefix: texts(5, 4)}},
		{about: "a number that was proved is no new one", traffic: Traffic{Prefix: texts(5), Country: 99}, proved: true},
		{about: "a closed prefix", rows: closed(20 * time.Minute), wait: 20 * time.Minute},
		{about: "a closed prefix is told of once, by who closed it", traffic: Traffic{Prefix: texts(5)}, rows: closed(time.Minute), wait: time.Minute},
		{about: "a proved number of a closed prefix", rows: closed(20 * time.Minute), proved: true},
		{about: "after the hour one text goes", rows: closed(0)},
		{about: "and no second while it may be typed", rows: probing, wait: 6 * time.Minute},
		{about: "after the hour five more close it again", traffic: Traffic{Prefix: texts(5)}, rows: probing, wait: time.Hour, alert: "prefix"},

		{about: "49 texts to a country", traffic: Traffic{Country: 49}},
		{about: "50 without an answer", traffic: Traffic{Country: 50}, wait: time.Hour, alert: "country"},
		{about: "50 with nine answers", traffic: Traffic{Country: 50, CountryEntered: 9}, wait: time.Hour, alert: "country"},
		{about: "50 with a fifth of them answered", traffic: Traffic{Country: 50, CountryEntered: 10}},

		{about: "the first of the day", prices: paid},
		{about: "below four fifths", prices: paid, rows: spent(15_959_999)},
		{about: "four fifths", prices: paid, rows: spent(15_960_000), alert: "money-most"},
		{about: "the last that the day pays", prices: paid, rows: spent(19_960_000), alert: "money-most"},
		{about: "one too many", prices: paid, rows: spent(19_960_001), wait: 15*time.Hour + 13*time.Minute, alert: "money-all"},
		{about: "money holds a proved number too", prices: paid, rows: spent(20_000_000), proved: true, wait: 15*time.Hour + 13*time.Minute, alert: "money-all"},
		{about: "what one text costs is more than the day has", prices: Prices{Currency: "EUR", Others: 2_000_000, Day: 1_000_000}, wait: 15*time.Hour + 13*time.Minute, alert: "money-all"},
		{about: "without prices nothing is counted", rows: spent(99_000_000)},
	} {
		w := Writer{Prices: row.prices}
		m := Message{Country: "GB"}
		v := w.Judge(&m, Destination{Prefix: "+44 791", Hash: "hash", Country: "GB", Proved: row.proved}, row.traffic, row.rows, moment)
		if v.Wait != row.wait {
			t.Errorf("%s: wait %v, want %v", row.about, v.Wait, row.wait)
		}
		checkTold(t, row.about, row.alert, v.Effect)
		if cost := row.prices.Price("GB"); m.Cost != cost || row.prices.Set() != (m.Paid == day) {
			t.Errorf("%s: it costs %d from %q, want %d", row.about, m.Cost, m.Paid, cost)
		}
	}
}

// checkTold: one alert of that reason, from the portal itself, once a day.
func checkTold(t *testing.T, about, reason string, set change.Set) {
	t.Helper()
	found := ""
	for _, effect := range set {
		switch e := effect.(type) {
		case Alert:
			found = e.Entry.Reason
			if e.Entry.Actor != audit.Portal || e.Entry.Person != "" || e.Entry.Note == "" || e.Once.Budget != limit.TextAlert {
				t.Errorf("%s: %+v", about, e)
			}
		case limit.Closed:
			if e.Key != closedKey || !e.Until.Equal(moment.Add(PrefixClosed)) || reason != "prefix" {
				t.Errorf("%s: %+v", about, e)
			}
		default:
			t.Errorf("%s: %T", about, e)
		}
	}
	if found != reason {
		t.Errorf("%s: operators are told %q, want %q", about, found, reason)
	}
}

func TestATextAfterTheHourTakesTheOnlyPlace(t *testing.T) {
	v := Writer{}.Judge(&Message{}, Destination{Hash: "hash"}, Traffic{}, map[string]limit.State{closedKey: {Level: 1, Until: moment}}, moment)
	if len(v.Spend) != 1 || v.Spend[0].Key != probeKey || v.Spend[0].Budget.Max != 1 || !v.Spend[0].Now.Equal(moment) {
		t.Errorf("it takes %+v", v.Spend)
	}
}

func TestTheDayOfMoneyIsThePortalsOwn(t *testing.T) {
	zone := time.FixedZone("", 16*3600)
	w := Writer{Zone: zone, Prices: Prices{Currency: "EUR", Others: 1, Day: 1}}
	m := Message{}
	if cost := w.charge(&m, moment); cost.Key != "text-money/2026-11-24" {
		t.Errorf("at %v it is taken from %q", moment.In(zone), cost.Key)
	}
	if got := w.tomorrow(moment); got != 23*time.Hour+13*time.Minute {
		t.Errorf("tomorrow is in %v", got)
	}
}

func TestAnAnswerOpensThePrefixAndGivesTheAddressItsTextBack(t *testing.T) {
	set := Answered("code", "hash", "text-address/192.0.2.1", 1, moment)
	if len(set) != 3 {
		t.Fatalf("%d effects", len(set))
	}
	if e, ok := set[0].(Entered); !ok || e.Code != "code" || !e.At.Equal(moment) {
		t.Errorf("%+v", set[0])
	}
	if e, ok := set[1].(limit.Cleared); !ok || strings.Join(e.Keys, " ") != closedKey+" "+probeKey {
		t.Errorf("%+v", set[1])
	}
	if e, ok := set[2].(limit.Refunded); !ok || e.Key != "text-address/192.0.2.1" {
		t.Errorf("%+v", set[2])
	}
	if set := Answered("code", "hash", "text-address/192.0.2.1", 3, moment); len(set) != 5 {
		t.Errorf("of a code that was sent three times: %d effects", len(set))
	}
	if set := Answered("", "", "", 0, moment); len(set) != 0 {
		t.Errorf("a code from before this was watched does %v", set)
	}
}

func TestNoticesCostButAreNeverHeldBack(t *testing.T) {
	w := longest(t)
	w.Prices = Prices{Currency: "EUR", Others: 50_000, Day: 1}
	_, queued := sort(t, w.Notify(AppAdded, Told{Person: ada, Phones: []phone.Phone{newer}}, moment))
	cost := queued[0].Cost
	if cost.Amount != 50_000 || !cost.Free || queued[0].Message.Cost != 50_000 || queued[0].Message.Paid != cost.Key {
		t.Errorf("%+v", queued[0])
	}
}
