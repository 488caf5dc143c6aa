package message

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/limit"
)

// Pumping (toll fraud) is strangers who make a portal send texts to numbers that
// earn them money. Nobody reads those texts, so nobody enters their codes: that
// is what is watched, by prefix and by country. It is held against new numbers
// alone. A number that its person proved before has shown that somebody reads it,
// and is somebody's way back.

// The figures of the watch.
const (
	// Ripe is the age at which a text counts: younger ones may still be typed.
	Ripe = 3 * time.Minute
	// PrefixTexts is how many ripe texts of the last hour in a row, none of them
	// entered, close a prefix.
	PrefixTexts  = 5
	PrefixWindow = time.Hour
	// PrefixClosed is for how long. After it one text at a time goes there.
	PrefixClosed = time.Hour
	// CountryTexts is how many ripe texts a day a country may have before a
	// fifth of them must have been entered.
	CountryTexts  = 50
	CountryWindow = 24 * time.Hour
	CountryShare  = 5 // one in so many

	// What makes a text wait besides the budgets of limit.
	whyPrefix, whyCountry = "text-prefix", "text-country"

	countryWait = time.Hour // what somebody is told to wait, where only answers help
)

// Traffic is what became of the ripe code texts to one destination.
type Traffic struct {
	Prefix         []bool // the newest PrefixTexts of the last hour: was it entered
	Country        int    // how many in the last day
	CountryEntered int    // and of these entered
}

// deaf says whether nobody reads what goes to the prefix.
func (t Traffic) deaf() bool {
	for _, entered := range t.Prefix {
		if entered {
			return false
		}
	}
	return len(t.Prefix) >= PrefixTexts
}

// Costly says whether too few in the country answer.
func (t Traffic) Costly() bool {
	return t.Country >= CountryTexts && t.CountryEntered*CountryShare < t.Country
}

// Destination is where a code text is about to go.
type Destination struct {
	Prefix  string // for operators: "+44 791"
	Hash    string // for the database
	Country string
	Proved  bool // its person proved the number before
}

// Keys are the rows of limits that Judge looks at.
func (d Destination) Keys() []string { return []string{limit.Prefix(d.Hash), d.probe().Key} }

func (d Destination) probe() limit.Spent {
	return limit.Spent{Budget: limit.TextProbe, Key: limit.TextProbe.Key(d.Hash)}
}

// Verdict is what the watch says of one text.
type Verdict struct {
	Wait   time.Duration // not now; for the person it is a limit like any other
	Why    string        // what makes it wait, as limits are named
	Spend  []limit.Spent // what the text takes when it goes
	Effect change.Set    // what is to be written either way: closing, telling operators
}

// Seen is what is written of a text that a budget holds back: that nobody reads
// what goes there. Otherwise an attack that uses its budgets up at once would end
// without anybody hearing of it.
func (v Verdict) Seen() change.Set {
	if v.Why == whyPrefix || v.Why == whyCountry {
		return v.Effect
	}
	return nil
}

// Judge says whether a code text may go to a destination now, and charges it.
func (w Writer) Judge(m *Message, d Destination, t Traffic, rows map[string]limit.State, now time.Time) (v Verdict) {
	if cost := w.charge(m, now); cost.Amount > 0 {
		w.money(&v, cost, rows[cost.Key], now)
	}
	if d.Proved || v.Wait > 0 {
		return v
	}
	row := rows[limit.Prefix(d.Hash)]
	switch {
	case row.Until.After(now):
		v.Wait, v.Why = row.Until.Sub(now), whyPrefix
	case t.deaf():
		v.Wait, v.Why = PrefixClosed, whyPrefix
		v.Effect.Add(limit.Closed{Key: limit.Prefix(d.Hash), Now: now, Until: now.Add(PrefixClosed)})
		v.Effect.Add(alert("prefix", now, "about", d.Prefix, "n", strconv.Itoa(PrefixTexts)))
	case t.Costly():
		v.Wait, v.Why = countryWait, whyCountry
		v.Effect.Add(alert("country", now, "about", d.Country, "n", strconv.Itoa(t.Country), "entered", strconv.Itoa(t.CountryEntered)))
	case row.Level > 0:
		probe := d.probe()
		probe.Now = now
		v.Wait, v.Why = probe.Wait(rows[probe.Key]), probe.Budget.Name
		v.Spend = append(v.Spend, probe)
	}
	return v
}

// money takes the price from the day, and tells operators when most of it and
// when all of it is spent.
func (w Writer) money(v *Verdict, cost limit.Spent, row limit.State, now time.Time) {
	after := int64(row.Used) + cost.Amount
	v.Spend = append(v.Spend, cost)
	day := w.day(now).Format(time.DateOnly)
	switch {
	case after > w.Prices.Day:
		v.Wait, v.Why = w.tomorrow(now), cost.Budget.Name
		v.Effect.Add(alert("money-all", now, "about", day, "most", w.Amount(w.Prices.Day)))
	case after*10 >= w.Prices.Day*8:
		v.Effect.Add(alert("money-most", now, "about", day, "spent", w.Amount(after), "most", w.Amount(w.Prices.Day)))
	}
}

// Amount is money as people write it: "3.10 EUR".
func (w Writer) Amount(millionths int64) string {
	return fmt.Sprintf("%d.%02d %s", millionths/1e6, millionths%1e6/1e4, w.Prices.Currency)
}

// Alert tells the operators, once a day about the same thing. It never refuses a
// change.
type Alert struct {
	change.Mark
	Entry audit.Entry
	Once  limit.Spent
}

// alert makes one. The first of facts, names and values by turns, is what it is
// about; all of them stand in the note, for the mail to operators.
func alert(reason string, now time.Time, facts ...string) Alert {
	entry := audit.New(now, audit.TextsStopped, "")
	entry.Actor, entry.Reason, entry.Note = audit.Portal, reason, strings.Join(facts, "\n")
	return Alert{Entry: entry, Once: limit.Spent{Budget: limit.TextAlert, Key: limit.TextAlert.Key(reason, facts[1]), Now: now}}
}

// StoppedKind is the kind of mail that tells operators of an entry TextsStopped,
// and what fills its gaps.
func StoppedKind(e audit.Entry) (kind string, args []any) {
	for fact := range strings.SplitSeq(e.Note, "\n") {
		args = append(args, fact)
	}
	return string(audit.TextsStopped) + "." + e.Reason, args
}

// Forgiven lets texts go again to a prefix, or to a country and to every prefix of
// it that is closed: what went there until now no longer counts. It has no
// condition.
type Forgiven struct {
	change.Mark
	Prefix  string // its keyed hash, or ""
	Country string
	At      time.Time
}

// GuessedOut is what a wrong guess does to the texts of a code: what still waits
// of one that takes no more guesses would be a code that never works.
func GuessedOut(code string, left int, now time.Time) (set change.Set) {
	if code != "" && left == 0 {
		set.Add(Expired{Code: code, At: now})
	}
	return set
}

// Answered is what a code that was entered does: its texts are answered, its
// prefix is open, and the address that asked for them gets its texts back.
func Answered(code, prefixHash, addressKey string, texts int, now time.Time) (set change.Set) {
	if code != "" {
		set.Add(Entered{Code: code, At: now})
	}
	if prefixHash != "" {
		d := Destination{Hash: prefixHash}
		set.Add(limit.Cleared{Keys: d.Keys()})
	}
	if addressKey != "" {
		for range max(texts, 1) {
			set.Add(limit.Refunded{Key: addressKey})
		}
	}
	return set
}
