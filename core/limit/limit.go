// Package limit is how tries and messages are rationed. A budget is a row in
// the database, so that it holds across sessions, addresses, nodes and
// restarts; no counter in a process decides about guesses or sends. The figures
// are those of the one table of numbers (docs/security/limits.md).
package limit

import (
	"fmt"
	"strings"
	"time"

	"sallyport/core/change"
)

// Lane is one of the two ways in which a person's tries are counted: each known
// browser has its own, all other browsers share one. What strangers do in their
// lane never makes the owner wait.
type Lane string

// Others is the lane of all browsers that are not known.
const Others Lane = "others"

// Known is the lane of one known browser.
func Known(id string) Lane { return Lane("known:" + id) }

// Browser is the known browser whose lane it is.
func (l Lane) Browser() (id string, known bool) { return strings.CutPrefix(string(l), "known:") }

// Known says whether the lane belongs to a known browser.
func (l Lane) Known() bool { return l != Others && l != "" }

// Budget is how much may be spent on a key, and what follows when it is used up.
// Without Waits it is refused until Window has passed since the first of them;
// with Waits the last one allowed starts a wait, longer each time.
type Budget struct {
	Name   string
	Max    int
	Window time.Duration
	Gaps   [2]time.Duration // the least time after the first and after the second
	Waits  [3]time.Duration // the first, second and every later wait
}

const minute, hour, day = time.Minute, time.Hour, 24 * time.Hour

// The budgets.
var (
	// PasswordPair is for wrong passwords of one typed name from one address.
	PasswordPair = Budget{Name: "password-pair", Max: 10, Window: 15 * minute, Waits: [3]time.Duration{15 * minute, 15 * minute, 15 * minute}}
	// PasswordAddress is for wrong passwords from one address over all names.
	PasswordAddress = Budget{Name: "password-address", Max: 100, Window: 15 * minute, Waits: [3]time.Duration{15 * minute, 15 * minute, 15 * minute}}
	// PasswordKnown is for wrong passwords in the lane of a known browser.
	PasswordKnown = Budget{Name: "password-known", Max: 10, Window: 15 * minute, Waits: [3]time.Duration{15 * minute, 15 * minute, 15 * minute}}
	// PasswordName never refuses; over Max an hour the name's tries are taken
	// one at a time and last in the hashing queue, and the person is told.
	PasswordName = Budget{Name: "password-name", Max: 100, Window: hour}
	// Codes is for wrong codes of one person in one lane, all methods together.
	Codes = Budget{Name: "codes", Max: 10, Window: 15 * minute, Waits: [3]time.Duration{15 * minute, 30 * minute, hour}}

	// TextNumber and the following are for code texts.
	TextNumber      = Budget{Name: "text-number", Max: 3, Window: 10 * minute, Gaps: [2]time.Duration{30 * time.Second, 2 * minute}}
	TextNumberDay   = Budget{Name: "text-number-day", Max: 10, Window: day}
	TextPersonHour  = Budget{Name: "text-person-hour", Max: 5, Window: hour}
	TextPersonDay   = Budget{Name: "text-person-day", Max: 10, Window: day}
	TextOthersDay   = Budget{Name: "text-others-day", Max: 5, Window: day}
	TextOthersProof = Budget{Name: "text-others-proved-hour", Max: 2, Window: hour}
	TextKnownDay    = Budget{Name: "text-known-day", Max: 3, Window: day}
	TextAddress     = Budget{Name: "text-address", Max: 20, Window: hour}

	// LinkHour and the following are for mailed links: to one person, asked for
	// from one address, and to one address that is to be confirmed.
	LinkHour    = Budget{Name: "link-hour", Max: 3, Window: hour}
	LinkDay     = Budget{Name: "link-day", Max: 10, Window: day}
	LinkAddress = Budget{Name: "link-address", Max: 20, Window: hour}
	MailConfirm = Budget{Name: "mail-confirm", Max: 3, Window: 10 * minute, Gaps: [2]time.Duration{30 * time.Second, 2 * minute}}
	// MailAddress is for mails that confirm one address, whoever asks for them.
	MailAddress = Budget{Name: "mail-address", Max: 10, Window: day}
	// Told is for what a person or an operator is told of once.
	Told = Budget{Name: "told", Max: 1, Window: 60 * day}

	// TextProbe lets one text at a time to new numbers of a prefix that was
	// closed, until a code that went there is entered.
	TextProbe = Budget{Name: "text-probe", Max: 1, Window: 10 * minute}
	// TextAlert tells the operators once a day what has stopped.
	TextAlert = Budget{Name: "text-alert", Max: 1, Window: day}

	// NoticeKind keeps texts of one kind to one person apart.
	NoticeKind = Budget{Name: "notice-kind", Max: 1, Window: 10 * minute}
	// NoticeDay is for notices that go out once a day.
	NoticeDay = Budget{Name: "notice-day", Max: 1, Window: day}
	// Disputes is how many disputes of one person hold the account in a day.
	Disputes = Budget{Name: "disputes", Max: 3, Window: day}
)

// Prefix names the row that says until when new numbers of a prefix get no text;
// it outlives that moment by a day, in which one text at a time goes there.
func Prefix(hash string) string { return "text-prefix/" + hash }

// Money is the budget of one day's text messages, in millionths of the currency
// of the price list. Its window outlasts the day that stands in its key.
func Money(most int64) Budget { return Budget{Name: "text-money", Max: int(most), Window: 2 * day} }

// YearMax is how many wrong codes from other browsers in 365 days close that
// lane until the password is changed: 300 × 3 × 10⁻⁶ is the chance to guess an
// app code in a year with a stolen password. A code that was compared with more
// than one app, or with a text message code too, counts once for each of them, so
// that the chance is the same however many there are.
const YearMax = 300

// KnownYear is for wrong codes in the lane of one known browser: a browser that
// uses it up is forgotten, so that who has its cookie and the password guesses no
// further than anybody else.
var KnownYear = Budget{Name: "codes-known", Max: 100, Window: 365 * day}

// YearKeys lists the rows, one a month, that hold a person's misses of the last
// 365 days; the first is the month of now.
func YearKeys(person string, now time.Time) []string {
	keys := make([]string, 13)
	month := time.Date(now.UTC().Year(), now.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
	for i := range keys {
		keys[i] = fmt.Sprintf("year/%s/%s", person, month.AddDate(0, -i, 0).Format("200601"))
	}
	return keys
}

// Year is the budget behind YearKeys: it only counts.
var Year = Budget{Name: "year", Max: 1 << 30, Window: 400 * day}

// Key names the row of a budget for these things, for example a person and a lane.
func (b Budget) Key(of ...string) string {
	key := b.Name
	for _, part := range of {
		key += "/" + part
	}
	return key
}

// State is a row as it was read. The zero State is a key that nobody spent on.
type State struct {
	Key   string
	Used  int
	Since time.Time // of the first in the window
	Next  time.Time // a gap ends
	Until time.Time // a wait ends
	Level int       // how many waits there were
}

// Wait says how long the next spending would be refused; zero when it would not.
func (b Budget) Wait(s State, now time.Time) time.Duration {
	switch {
	case s.Until.After(now):
		return s.Until.Sub(now)
	case !now.Before(s.Since.Add(b.Window)):
		return 0
	case b.Waits[0] == 0 && s.Used >= b.Max:
		return s.Since.Add(b.Window).Sub(now)
	case s.Next.After(now):
		return s.Next.Sub(now)
	}
	return 0
}

// Left says how many more can be spent now.
func (b Budget) Left(s State, now time.Time) int {
	switch {
	case b.Wait(s, now) > 0:
		return 0
	case !now.Before(s.Since.Add(b.Window)):
		return b.Max
	}
	return b.Max - s.Used
}

// Spent takes from a budget. The condition: what it takes is still there.
type Spent struct {
	change.Mark
	Budget Budget
	Key    string
	Now    time.Time
	Amount int64 // zero is one; a budget with Waits is spent one by one
	Free   bool  // count without ever refusing
}

// Takes is how much it takes.
func (s Spent) Takes() int64 { return max(1, s.Amount) }

// Wait is how long it would be refused on a row as it was read.
func (s Spent) Wait(row State) time.Duration {
	if s.Takes() > int64(s.Budget.Max) {
		return s.Budget.Window
	}
	row.Used += int(s.Takes()) - 1
	return s.Budget.Wait(row, s.Now)
}

// Closed starts a wait at once, whatever was spent. The condition: none goes on.
type Closed struct {
	change.Mark
	Key        string
	Now, Until time.Time
}

// Within changes nothing. The condition: the budget is not used up, at the
// moment at which the change is applied; without it sixty parallel guesses
// would all be judged by the same old count.
type Within struct {
	change.Mark
	Budget Budget
	Key    string
	Now    time.Time
}

// Refunded gives one back, as for a text message whose code was entered.
type Refunded struct {
	change.Mark
	Key string
}

// Cleared forgets rows. It has no condition.
type Cleared struct {
	change.Mark
	Keys []string
}
