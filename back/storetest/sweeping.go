package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/session"
)

// sweeping fills what strangers or time can fill, and lets the time pass.
func sweeping(w *world) {
	const many = 600 // more than a batch
	who := id()
	var set change.Set
	var attempts, setups, sessions, links, browsers, sent, keys []string
	for i := range many {
		a, s, o, l, b, m := newAttempt(id()), newSetup(id()), newSession(id()), newLink(id()), newBrowser(id()), newMessage()
		key := limit.PasswordAddress.Key(fmt.Sprintf("192.0.2.%d/%s", i, who))
		attempts, setups, sessions, links = append(attempts, a.ID), append(setups, s.ID), append(sessions, o.ID), append(links, l.ID)
		browsers, sent, keys = append(browsers, b.Token+" "+b.Person), append(sent, m.ID), append(keys, key)
		stranger := audit.New(now, audit.PasswordWrong, "")
		set.Add(flow.AttemptBegun{Attempt: a}, flow.SetupBegun{Setup: s}, session.Begun{Session: o}, person.LinkMade{Link: l},
			session.Recognised{Browser: b}, message.Queued{Message: m}, limit.Spent{Budget: limit.PasswordAddress, Key: key, Now: now}, stranger)
	}
	for part := range slices.Chunk(set, 800) {
		w.apply(part...)
	}
	old := newApp(who)
	r := newRecovery(who)
	old.EndedAt, old.EndedWhy = now, factor.EndedByReplace
	codes := newApp(who)
	codes.Kind = factor.Recovery
	p := newPerson()
	w.apply(person.Added{Person: p}, factor.Bound{Factor: old}, factor.Bound{Factor: codes}, factor.Bound{Factor: newApp(who)},
		flow.RecoveryAsked{Recovery: r}, audit.New(now, audit.SignedIn, who))

	count := func(ids []string, there func(id string) bool) (n int) {
		for _, id := range ids {
			if there(id) {
				n++
			}
		}
		return n
	}
	left := func(most int) []int {
		return []int{
			count(attempts[:most], func(id string) bool { return must(w.Attempt(ctx(), id)) != nil }),
			count(setups[:most], func(id string) bool { return must(w.Setup(ctx(), id)) != nil }),
			count(sessions[:most], func(id string) bool { return must(w.Session(ctx(), id)) != nil }),
			count(links[:most], func(id string) bool { return must(w.Link(ctx(), id)) != nil }),
			count(sent[:most], func(id string) bool { return must(w.Message(ctx(), id)) != nil }),
			count(browsers[:most], func(id string) bool {
				token, who, _ := strings.Cut(id, " ")
				return must(w.KnownBrowser(ctx(), token, who)) != nil
			}),
			len(must(w.Limits(ctx(), keys[:most]))),
			len(must(w.Events(ctx(), "", most, 0))),
		}
	}
	if err := w.Sweep(ctx(), now); err != nil {
		w.Fatal(err)
	}
	if n := left(10); !slices.Equal(n, slices.Repeat([]int{10}, 8)) {
		w.Errorf("of 10 each %d are left before their time", n)
	}
	if err := w.Sweep(ctx(), at(366*24*time.Hour)); err != nil {
		w.Fatal(err)
	}
	if n := left(many); !slices.Equal(n, make([]int, 8)) {
		w.Errorf("of %d each %d are left after a year", many, n)
	}
	if must(w.Recovery(ctx(), who)) != nil {
		w.Error("the recovery is left")
	}
	if n := len(must(w.Factors(ctx(), who))); n != 2 {
		w.Errorf("%d factors are left: of three one had ended", n)
	}
	if must(w.Person(ctx(), p.ID)) == nil || len(must(w.Events(ctx(), who, 5, 0))) != 1 {
		w.Error("the sweep took more than its own")
	}
}
