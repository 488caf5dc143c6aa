package policy

import (
	"testing"
	"time"
)

const day = 24 * time.Hour

var now = time.Date(2026, 11, 23, 14, 32, 0, 0, time.UTC)

// required is the default: 2FA at once.
var required = Policy{DelayOperators: day, MailedPasswordLag: day}

// graced lets people put it off for a fortnight.
func graced(p Policy, days int) Policy { p.GraceDays = days; return p }

func optional(p Policy) Policy { p.Optional = true; return p }

func by(how Enrol) Policy { p := required; p.Enrol = how; return p }

// basic is what is asked of everybody where texts can be sent.
func basic(change func(*Need)) Need {
	n := Need{Known: true, Factor: true, Phone: true, TextProof: true}
	if change != nil {
		change(&n)
	}
	return n
}

func TestWhatIsAskedByItsTable(t *testing.T) {
	for _, row := range []struct {
		about  string
		policy Policy
		facts  Facts
		want   Need
	}{
		{"the default: 2FA at once, on a password", required, Facts{Gateway: true}, basic(nil)},
		{"the zero policy is as strict", Policy{}, Facts{Gateway: true}, basic(nil)},
		{"enrolled", required, Facts{Gateway: true, Enrolled: true, HasPhone: true}, basic(nil)},

		// Texts.
		{"without a gateway there are neither numbers nor texts", required, Facts{}, Need{Known: true, Factor: true}},
		{"the policy asks for no number", Policy{NoPhone: true}, Facts{Gateway: true}, basic(func(n *Need) { n.Phone = false })},
		{"a text message is no way back", Policy{NoTextRecovery: true}, Facts{Gateway: true}, basic(func(n *Need) { n.TextProof = false })},

		// The grace.
		{"a grace begins and is stored", graced(required, 14), Facts{Gateway: true},
			basic(func(n *Need) { n.OneFactor, n.MustBy, n.Begin = true, now.Add(14*day), true })},
		{"on later days it is as stored", graced(required, 14), Facts{Gateway: true, MustBy: now.Add(3 * day)},
			basic(func(n *Need) { n.OneFactor, n.MustBy = true, now.Add(3*day) })},
		{"in its last moment", graced(required, 14), Facts{Gateway: true, MustBy: now.Add(1)},
			basic(func(n *Need) { n.OneFactor, n.MustBy = true, now.Add(1) })},
		{"at its end", graced(required, 14), Facts{Gateway: true, MustBy: now}, basic(func(n *Need) { n.MustBy = now })},
		{"long after", graced(required, 14), Facts{Gateway: true, MustBy: now.Add(-100 * day)}, basic(func(n *Need) { n.MustBy = now.Add(-100 * day) })},
		{"a longer grace moves nothing later", graced(required, 90), Facts{Gateway: true, MustBy: now.Add(3 * day)},
			basic(func(n *Need) { n.OneFactor, n.MustBy = true, now.Add(3*day) })},
		{"a longer grace does not bring back one that has passed", graced(required, 90), Facts{Gateway: true, MustBy: now.Add(-day)},
			basic(func(n *Need) { n.MustBy = now.Add(-day) })},
		{"a shorter grace ends it sooner, and that is stored", graced(required, 2), Facts{Gateway: true, MustBy: now.Add(10 * day)},
			basic(func(n *Need) { n.OneFactor, n.MustBy, n.Begin = true, now.Add(2*day), true })},
		{"no grace any more ends it at once", required, Facts{Gateway: true, MustBy: now.Add(10 * day)}, basic(nil)},
		{"whoever enrolled has none", graced(required, 14), Facts{Gateway: true, Enrolled: true, MustBy: now.Add(10 * day)}, basic(nil)},
		{"administrators have none", graced(required, 14), Facts{Gateway: true, Operator: true}, basic(nil)},
		{"after a reset there is none", graced(required, 14), Facts{Gateway: true, SetupDue: true, MustBy: now.Add(10 * day)},
			basic(func(n *Need) { n.SetupCode = true })},

		// Optional.
		{"where it is optional people may do without", optional(required), Facts{Gateway: true}, basic(func(n *Need) { n.OneFactor = true })},
		{"administrators never", optional(required), Facts{Gateway: true, Operator: true}, basic(nil)},
		{"who has a factor is asked for it", optional(required), Facts{Gateway: true, Enrolled: true}, basic(nil)},
		{"who turned it off is not", optional(required), Facts{Gateway: true, Enrolled: true, TurnedOff: true}, basic(func(n *Need) { n.OneFactor = true })},
		{"who turned it off and became an administrator is", optional(required), Facts{Gateway: true, Enrolled: true, TurnedOff: true, Operator: true}, basic(nil)},
		{"who turned it off and was reset is", optional(required), Facts{Gateway: true, Enrolled: true, TurnedOff: true, SetupDue: true},
			basic(func(n *Need) { n.SetupCode = true })},
		{"who turned it off where it is required again is", graced(required, 14), Facts{Gateway: true, Enrolled: true, TurnedOff: true}, basic(nil)},
		{"where it is optional after a reset it is not", optional(required), Facts{Gateway: true, SetupDue: true}, basic(func(n *Need) { n.SetupCode = true })},

		// What a first set-up asks.
		{"by password", by(ByPassword), Facts{Gateway: true}, basic(nil)},
		{"by invitation", by(ByInvitation), Facts{Gateway: true}, basic(func(n *Need) { n.Invitation = true })},
		{"by code", by(BySetupCode), Facts{Gateway: true}, basic(func(n *Need) { n.SetupCode = true })},
		{"by code, administrators too", by(BySetupCode), Facts{Gateway: true, Operator: true}, basic(func(n *Need) { n.SetupCode = true; n.Delay, n.DelayWhy = day, "operator" })},
		{"by code, but it is no first set-up", by(BySetupCode), Facts{Gateway: true, Enrolled: true}, basic(nil)},
		{"by invitation, but it is no first set-up", by(ByInvitation), Facts{Gateway: true, Enrolled: true}, basic(nil)},
		{"by invitation within a grace", graced(by(ByInvitation), 14), Facts{Gateway: true, MustBy: now.Add(day)},
			basic(func(n *Need) { n.Invitation, n.OneFactor, n.MustBy = true, true, now.Add(day) })},

		// After a reset or a hold.
		{"reset: the setup code", required, Facts{Gateway: true, Enrolled: true, SetupDue: true, HasPhone: true}, basic(func(n *Need) { n.SetupCode = true })},
		{"released before a first set-up: the setup code, not the invitation", by(ByInvitation), Facts{Gateway: true, SetupDue: true}, basic(func(n *Need) { n.SetupCode = true })},
		{"reset without code: a kept number leads on", Policy{NoResetCode: true}, Facts{Gateway: true, Enrolled: true, SetupDue: true, HasPhone: true}, basic(nil)},
		{"reset without code, but no number was kept", Policy{NoResetCode: true}, Facts{Gateway: true, Enrolled: true, SetupDue: true}, basic(func(n *Need) { n.SetupCode = true })},
		{"reset without code, but a text message is no way back", Policy{NoResetCode: true, NoTextRecovery: true}, Facts{Gateway: true, Enrolled: true, SetupDue: true, HasPhone: true},
			basic(func(n *Need) { n.SetupCode, n.TextProof = true, false })},
		{"reset without code, but nothing can be sent", Policy{NoResetCode: true}, Facts{Enrolled: true, SetupDue: true, HasPhone: true}, Need{Known: true, Factor: true, SetupCode: true}},
	} {
		row.facts.Now = now
		if row.facts.Operator && row.want.Delay == 0 {
			row.want.Delay, row.want.DelayWhy = row.policy.DelayOperators, "operator"
		}
		if got := row.policy.For(row.facts); got != row.want {
			t.Errorf("%s:\n got %+v\nwant %+v", row.about, got, row.want)
		}
	}
}

// TestTheGraceNeverMovesLater signs in each day for a year under a policy that
// changes all the time: what was stored only ever moves to an earlier moment.
func TestTheGraceNeverMovesLater(t *testing.T) {
	policies := []Policy{graced(required, 30), graced(required, 90), optional(required), graced(required, 14), required, graced(required, 60)}
	var stored time.Time
	for i := range 365 {
		facts := Facts{MustBy: stored, Now: now.Add(time.Duration(i) * day), SetupDue: i%17 == 0, Operator: i%23 == 0}
		need := policies[i%len(policies)].For(facts)
		if !need.Begin {
			continue
		}
		if !stored.IsZero() && need.MustBy.After(stored) {
			t.Fatalf("day %d moves %v to %v", i, stored, need.MustBy)
		}
		stored = need.MustBy
	}
	if stored.IsZero() || stored.After(now.Add(60*day)) {
		t.Errorf("stored %v", stored)
	}
}

func TestDelaysByTheirTable(t *testing.T) {
	people := Policy{DelayPeople: 2 * time.Hour, DelayOperators: day, MailedPasswordLag: day}
	long := Policy{DelayPeople: 3 * day, DelayOperators: day, MailedPasswordLag: day}
	for _, row := range []struct {
		about  string
		policy Policy
		facts  Facts
		wait   time.Duration
		why    string
	}{
		{"people wait for nothing", required, Facts{}, 0, ""},
		{"administrators wait a day", required, Facts{Operator: true}, day, "operator"},
		{"after a mailed password everybody waits a day", required, Facts{MailedPassword: true}, day, "mail"},
		{"a mailed password of an administrator adds nothing", required, Facts{Operator: true, MailedPassword: true}, day, "operator"},
		{"where people wait, they do", people, Facts{}, 2 * time.Hour, ""},
		{"a mailed password waits longer", people, Facts{MailedPassword: true}, day, "mail"},
		{"nobody waits less than people do", long, Facts{Operator: true, MailedPassword: true}, 3 * day, ""},
		{"a mailed password waits longer than an administrator", Policy{DelayOperators: time.Hour, MailedPasswordLag: day}, Facts{Operator: true, MailedPassword: true}, day, "mail"},
		{"the zero policy has none", Policy{}, Facts{Operator: true, MailedPassword: true}, 0, ""},
	} {
		need := row.policy.For(row.facts)
		if need.Delay != row.wait || need.DelayWhy != row.why {
			t.Errorf("%s: %v because of %q", row.about, need.Delay, need.DelayWhy)
		}
	}
}

func TestAPasswordIsLongWhereItIsEverAlone(t *testing.T) {
	for _, row := range []struct {
		about  string
		policy Policy
		want   int
	}{
		{"2FA at once", required, 8},
		{"within a grace", graced(required, 1), 15},
		{"where it is optional", optional(required), 15},
		{"optional, with days that do not count", optional(graced(required, 14)), 15},
	} {
		if got := row.policy.MinPassword(); got != row.want {
			t.Errorf("%s: %d", row.about, got)
		}
		// Whoever may have a session with the password alone has a long one.
		if need := row.policy.For(Facts{Now: now}); need.OneFactor && row.policy.MinPassword() < 15 {
			t.Errorf("%s: one factor, and the password may be short", row.about)
		}
	}
}

// Whatever is put together, an administrator and whoever is to set up again
// never gets in with one factor, and the answer is always known.
func TestOneFactorIsNeverEnoughForSome(t *testing.T) {
	for bits := range 1 << 12 {
		is := func(n int) bool { return bits>>n&1 == 1 }
		p := Policy{Optional: is(0), NoPhone: is(1), NoTextRecovery: is(2), NoResetCode: is(3), GraceDays: map[bool]int{true: 14}[is(4)]}
		f := Facts{Operator: is(5), Enrolled: is(6), TurnedOff: is(7), SetupDue: is(8), HasPhone: is(9), MailedPassword: is(10), Gateway: is(11), Now: now}
		need := p.For(f)
		switch {
		case !need.Known || !need.Factor:
			t.Fatalf("%+v of %+v: %+v", p, f, need)
		case need.OneFactor && (f.Operator || need.SetupCode):
			t.Fatalf("one factor is enough: %+v of %+v: %+v", p, f, need)
		case need.OneFactor && !p.Optional && (p.GraceDays == 0 || f.Enrolled || f.SetupDue):
			t.Fatalf("one factor is enough: %+v of %+v: %+v", p, f, need)
		case need.Begin && (need.MustBy.IsZero() || !need.OneFactor):
			t.Fatalf("nothing to store: %+v of %+v: %+v", p, f, need)
		}
	}
}
