package flow

import (
	"go/ast"
	"go/parser"
	"go/token"
	"math/bits"
	"reflect"
	"runtime/debug"
	"testing"

	"sallyport/core/policy"
)

// What the policy may ask. byGrace lets somebody who never enrolled put it off.
var (
	both         = policy.Need{Known: true, Factor: true, Phone: true, TextProof: true}
	bothNoPhone  = policy.Need{Known: true, Factor: true}
	byGrace      = policy.Need{Known: true, Factor: true, Phone: true, OneFactor: true}
	byInvitation = policy.Need{Known: true, Factor: true, Phone: true, Invitation: true}
	byCode       = policy.Need{Known: true, Factor: true, Phone: true, SetupCode: true}
	byBoth       = policy.Need{Known: true, Factor: true, Phone: true, SetupCode: true, Invitation: true}
	oneAlone     = policy.Need{Known: true, OneFactor: true}
)

// The attempts of the table: each is a base with what was added to it.
var (
	stranger = Facts{}
	newcomer = Facts{Password: true}
	holder   = Facts{Password: true, EverEnrolled: true, Working: true}
	burnt    = Facts{Password: true, EverEnrolled: true}
	without  = Facts{Password: true, EverEnrolled: true, TurnedOff: true}
)

// with adds to a base what the row is about.
func with(base Facts, add func(*Facts)) Facts {
	add(&base)
	return base
}

// steps and guards of the whole machine, a row each.
var nextRows = []struct {
	about string
	facts Facts
	need  policy.Need
	want  Step
}{
	{"a need that nobody set refuses", with(holder, func(f *Facts) { f.Factor = "app" }), policy.Need{}, Refuse},
	{"a need that nobody set refuses before anything else", stranger, policy.Need{}, Refuse},
	{"a need that the policy did not look at refuses", holder, policy.Need{Factor: true, OneFactor: true}, Refuse},
	{"a need that asks for nothing refuses", holder, policy.Need{Known: true}, Refuse},
	{"a need that asks for nothing refuses though all was proved", with(holder, func(f *Facts) { f.Factor = "app" }), policy.Need{Known: true, Phone: true}, Refuse},
	{"a need of one factor alone offers a newcomer nothing", newcomer, oneAlone, Refuse},

	{"nothing before the password", stranger, both, AskPassword},
	{"nothing before the password, not even where one factor is enough", stranger, byGrace, AskPassword},
	{"a factor without a password is nothing", Facts{Factor: "app", EverEnrolled: true, Working: true}, both, AskPassword},
	{"without the password nobody learns that an account is on hold", Facts{Held: true, Disabled: true}, both, AskPassword},

	{"turned off by an operator", with(newcomer, func(f *Facts) { f.Disabled = true }), both, TurnedOff},
	{"turned off comes before on hold", with(holder, func(f *Facts) { f.Disabled, f.Held = true, true }), both, TurnedOff},
	{"turned off though both were proved", with(holder, func(f *Facts) { f.Disabled, f.Factor = true, "app" }), both, TurnedOff},
	{"on hold after a dispute", with(holder, func(f *Facts) { f.Held = true }), both, Held},
	{"on hold though both were proved", with(holder, func(f *Facts) { f.Held, f.Factor = true, "app" }), both, Held},
	{"on hold though a setup code was shown", with(burnt, func(f *Facts) { f.Held, f.SetupCode = true, true }), byCode, Held},

	{"a factor is asked for", holder, both, AskFactor},
	{"a factor is asked for where a newcomer could put it off", holder, byGrace, AskFactor},
	{"2FA turned off, but an app works: it is asked for", with(without, func(f *Facts) { f.Working = true }), byGrace, AskFactor},
	{"both proved with an app code", with(holder, func(f *Facts) { f.Factor = "app" }), both, Done},
	{"both proved with a recovery code and the app kept", with(holder, func(f *Facts) { f.Factor, f.Code = "recovery", true }), both, Done},
	{"both proved, but the password must change", with(holder, func(f *Facts) { f.Factor, f.MustChange = "app", true }), both, AskNewPassword},
	{"the password must change, but not before the factor", with(holder, func(f *Facts) { f.MustChange = true }), both, AskFactor},

	{"the lane is closed to a holder", with(holder, func(f *Facts) { f.Closed = true }), both, LaneClosed},
	{"the lane is closed to a newcomer", with(newcomer, func(f *Facts) { f.Closed = true }), byGrace, LaneClosed},
	{"the lane is closed to a recovery too", with(burnt, func(f *Facts) { f.Closed, f.Replacing = true, true }), both, LaneClosed},
	{"a closed lane takes nothing back from who proved both", with(holder, func(f *Facts) { f.Closed, f.Factor = true, "app" }), both, Done},

	{"never had a factor: offer the set-up", newcomer, both, OfferSetup},
	{"never had a factor, within the grace: offer the set-up", newcomer, byGrace, OfferSetup},
	{"where policy asks, the invitation comes first", newcomer, byInvitation, AskInvitation},
	{"invited: offer the set-up", with(newcomer, func(f *Facts) { f.Invited = true }), byInvitation, OfferSetup},
	{"where policy asks, the setup code comes first", newcomer, byCode, AskSetupCode},
	{"the setup code was shown: offer the set-up", with(newcomer, func(f *Facts) { f.SetupCode = true }), byCode, OfferSetup},
	{"an invitation is no setup code", with(newcomer, func(f *Facts) { f.Invited = true }), byBoth, AskSetupCode},
	{"a setup code is no invitation", with(newcomer, func(f *Facts) { f.SetupCode = true }), byBoth, AskInvitation},
	{"the setup code comes first though a set-up was begun", with(newcomer, func(f *Facts) { f.Installed, f.SecretSeen = true, true }), byCode, AskSetupCode},
	{"the number comes before the app", with(newcomer, func(f *Facts) { f.Installed = true }), both, AskNumber},
	{"the number comes before a secret that was seen", with(newcomer, func(f *Facts) { f.Installed, f.SecretSeen = true, true }), both, AskNumber},
	{"the number is proved before the app", with(newcomer, func(f *Facts) { f.Installed, f.Number = true, true }), both, AskTextCode},
	{"the number was proved: the secret", with(newcomer, func(f *Facts) { f.Installed, f.Number, f.NumberProved = true, true, true }), both, ShowSecret},
	{"without numbers the secret comes at once", with(newcomer, func(f *Facts) { f.Installed = true }), bothNoPhone, ShowSecret},
	{"the secret was seen: its code", with(newcomer, func(f *Facts) { f.Installed, f.NumberProved, f.SecretSeen = true, true, true }), both, AskNewFactor},
	{"without numbers the secret was seen: its code", with(newcomer, func(f *Facts) { f.Installed, f.SecretSeen = true, true }), bothNoPhone, AskNewFactor},
	{"a set-up that was begun goes back to where it was not begun", with(newcomer, func(f *Facts) { f.NumberProved, f.SecretSeen = true, true }), both, OfferSetup},

	{"the factor ended: another proof, never a set-up", burnt, both, AskOtherProof},
	{"the factor ended: no grace either", burnt, byGrace, AskOtherProof},
	{"the factor ended: an invitation leads nowhere", with(burnt, func(f *Facts) { f.Invited = true }), byInvitation, AskOtherProof},
	{"the factor ended: a set-up begun elsewhere leads nowhere", with(burnt, func(f *Facts) { f.Installed, f.NumberProved, f.SecretSeen = true, true, true }), both, AskOtherProof},
	{"reset: the setup code", burnt, byCode, AskSetupCode},
	{"reset, the setup code was shown: offer the set-up", with(burnt, func(f *Facts) { f.SetupCode = true }), byCode, OfferSetup},
	{"reset, begun: the number", with(burnt, func(f *Facts) { f.SetupCode, f.Installed = true, true }), byCode, AskNumber},

	{"a recovery code with an app that works: does it still exist?", with(holder, func(f *Facts) { f.Code = true }), both, AskStillHave},
	{"a text message with an app that works: stop it first", with(holder, func(f *Facts) { f.Text = true }), both, AskReplace},
	{"a text message and a recovery code: does the app still exist?", with(holder, func(f *Facts) { f.Text, f.Code = true, true }), both, AskStillHave},
	{"a text message, no app works: replace", with(burnt, func(f *Facts) { f.Text = true }), both, AskReplace},
	{"a recovery code, no app works: replace", with(burnt, func(f *Facts) { f.Code = true }), both, AskReplace},
	{"a text message comes before the setup code of a reset", with(burnt, func(f *Facts) { f.Text = true }), byCode, AskReplace},
	{"replacing: an app first, with nothing to put off", with(burnt, func(f *Facts) { f.Replacing = true }), byGrace, AskInstall},
	{"replacing, an app is ready: the number again", with(burnt, func(f *Facts) { f.Replacing, f.Installed = true, true }), both, AskNumber},
	{"replacing: the number is proved again", with(burnt, func(f *Facts) { f.Replacing, f.Installed, f.Number = true, true, true }), both, AskTextCode},
	{"replacing: the secret", with(burnt, func(f *Facts) { f.Replacing, f.Installed, f.NumberProved = true, true, true }), both, ShowSecret},
	{"replacing: the code of the new app", with(burnt, func(f *Facts) { f.Replacing, f.Installed, f.NumberProved, f.SecretSeen = true, true, true, true }), both, AskNewFactor},
	{"replacing, but meanwhile another attempt bound an app: it is asked for", with(holder, func(f *Facts) { f.Replacing, f.SecretSeen = true, true }), both, AskFactor},
	{"a delay has to pass", with(holder, func(f *Facts) { f.Waits = true }), both, Waiting},
	{"a delay has to pass, whatever else was proved", with(burnt, func(f *Facts) { f.Waits, f.Text, f.Replacing, f.SetupCode = true, true, true, true }), both, Waiting},
	{"a delay does not get past a hold", with(burnt, func(f *Facts) { f.Waits, f.Held = true, true }), both, Held},

	{"2FA turned off by its owner, where the policy lets them", without, byGrace, Done},
	{"2FA turned off, and the policy no longer lets them: another proof", without, both, AskOtherProof},
	{"2FA turned off, but wanted again: another proof", with(without, func(f *Facts) { f.Wants = true }), byGrace, AskOtherProof},
	{"2FA turned off: a text message leads to a new app, not in", with(without, func(f *Facts) { f.Text = true }), byGrace, AskReplace},
	{"2FA turned off: a recovery leads on to a new app", with(without, func(f *Facts) { f.Replacing = true }), byGrace, AskInstall},
	{"wanting it again means nothing to a newcomer", with(newcomer, func(f *Facts) { f.Wants = true }), byGrace, OfferSetup},
}

func TestTheWholeMachineByItsTable(t *testing.T) {
	reached := map[Step]bool{}
	for _, row := range nextRows {
		got := Next(row.facts, row.need)
		if reached[got] = true; got != row.want {
			t.Errorf("%s: step %d, want %d", row.about, got, row.want)
		}
	}
	for step := range steps {
		if !reached[step] {
			t.Errorf("no row reaches step %d", step)
		}
	}
}

// TestEachStepHasANameOfItsOwn reads the constants: the last is the number of
// the steps, and none was put behind it or given a number by hand.
func TestEachStepHasANameOfItsOwn(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "next.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, decl := range file.Decls {
		block, ok := decl.(*ast.GenDecl)
		if !ok || block.Tok != token.CONST {
			continue
		}
		for i, spec := range block.Specs {
			v := spec.(*ast.ValueSpec)
			if (len(v.Values) > 0) != (i == 0) || len(v.Names) != 1 {
				t.Errorf("step %s is not counted by iota", v.Names[0].Name)
			}
			names = append(names, v.Names[0].Name)
		}
	}
	if len(names) != int(steps)+1 || names[0] != "Refuse" || names[steps] != "steps" {
		t.Errorf("%d steps, named %v", steps, names)
	}
	if Refuse != 0 {
		t.Error("the zero step does not refuse")
	}
}

// laws hold of every attempt, whatever is put together; each says when it is broken.
var laws = []struct {
	about  string
	broken func(f *Facts, n *policy.Need, s Step) bool
}{
	{"there is such a step", func(_ *Facts, _ *policy.Need, s Step) bool { return s < Refuse || s >= steps }},
	{"a need that nobody set refuses, and nothing else does but a need of one factor alone", func(f *Facts, n *policy.Need, s Step) bool {
		return (!n.Known || !n.Factor && !n.OneFactor) && s != Refuse || s == Refuse && n.Known && n.Factor
	}},
	{"nothing before the password", func(f *Facts, n *policy.Need, s Step) bool {
		return !f.Password && s != AskPassword && s != Refuse || f.Password && s == AskPassword
	}},
	{"turned off and held are above all else", func(f *Facts, n *policy.Need, s Step) bool {
		return s > AskPassword && (f.Disabled != (s == TurnedOff) || f.Held && !f.Disabled != (s == Held))
	}},
	{"a delay lets nothing through", func(f *Facts, n *policy.Need, s Step) bool { return f.Waits && s > Held && s != Waiting }},
	{"a session takes a second factor, or the owner's choice to do without where one factor is enough", func(f *Facts, n *policy.Need, s Step) bool {
		return s == Done && f.Factor == "" && !(f.EverEnrolled && f.TurnedOff && n.OneFactor && !f.Working && !f.Wants)
	}},
	{"a text message or a recovery code opens no session by itself", func(f *Facts, n *policy.Need, s Step) bool {
		return (f.Text || f.Code || f.Replacing) && f.Factor == "" && (s == Done || s == AskNewPassword && !f.MustChange)
	}},
	{"who was ever enrolled sets nothing up on a password", func(f *Facts, n *policy.Need, s Step) bool {
		proof := f.Text || f.Code || f.SetupCode || f.Replacing
		return f.EverEnrolled && !proof && bindsAnApp(s)
	}},
	{"a text message and a recovery code bind nothing before the old app was stopped", func(f *Facts, n *policy.Need, s Step) bool {
		return f.EverEnrolled && !f.SetupCode && !f.Replacing && bindsAnApp(s)
	}},
	{"nothing is bound beside an app that works", func(f *Facts, n *policy.Need, s Step) bool {
		return f.EverEnrolled && f.Working && bindsAnApp(s)
	}},
	{"a first set-up has what the policy asks for it", func(f *Facts, n *policy.Need, s Step) bool {
		return !f.EverEnrolled && bindsAnApp(s) && (n.Invitation && !f.Invited || n.SetupCode && !f.SetupCode)
	}},
	{"no app without a proved number, where the policy asks for one", func(f *Facts, n *policy.Need, s Step) bool {
		return n.Phone && !f.NumberProved && (s == ShowSecret || s == AskNewFactor)
	}},
	{"no number is asked for where the policy asks for none", func(f *Facts, n *policy.Need, s Step) bool {
		return !n.Phone && (s == AskNumber || s == AskTextCode)
	}},
	{"what replaces an app cannot be put off", func(f *Facts, n *policy.Need, s Step) bool { return f.Replacing && s == OfferSetup }},
	{"a closed lane opens for nobody without a second factor", func(f *Facts, n *policy.Need, s Step) bool {
		return f.Closed && f.Factor == "" && s > LaneClosed && s != Waiting
	}},
	{"a password that must change comes before any session and any new app", func(f *Facts, n *policy.Need, s Step) bool {
		return f.MustChange && (s == Done || bindsAnApp(s))
	}},
}

func bindsAnApp(s Step) bool {
	switch s {
	case OfferSetup, AskInstall, AskNumber, AskTextCode, ShowSecret, AskNewFactor:
		return true
	}
	return false
}

// TestNoCombinationBreaksALaw goes through every combination of what Next looks
// at. Each differs from the one before in one field (a Gray code), so the tens of
// millions take seconds. Fields that are added later are in it by themselves.
func TestNoCombinationBreaksALaw(t *testing.T) {
	var f Facts
	var n policy.Need
	flags := append(switches(&f), switches(&n)...)
	factor := len(flags) // one place more, for the second factor
	all := uint64(1) << (factor + 1)
	stride := uint64(1)
	if testing.Short() || underRace() {
		stride = 61 // odd, so that every field still takes both values beside every other
	}
	last := uint64(0)
	for i := uint64(0); i < all; i += stride {
		gray := i ^ i>>1
		for changed := gray ^ last; changed != 0; changed &= changed - 1 {
			if at := bits.TrailingZeros64(changed); at == factor {
				f.Factor = map[bool]string{true: "app"}[f.Factor == ""]
			} else {
				*flags[at] = !*flags[at]
			}
		}
		last = gray
		step := Next(f, n)
		for _, law := range laws {
			if law.broken(&f, &n, step) {
				t.Fatalf("%s: %+v lead to step %d with %+v", law.about, f, step, n)
			}
		}
	}
}

// underRace says whether this is built with the race detector, under which a
// loop without goroutines has nothing to find and takes ten times as long.
func underRace() bool {
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		if s.Key == "-race" {
			return s.Value == "true"
		}
	}
	return false
}

// unseen are the fields of a need that Next does not look at: they are for pages
// and for the change that is made.
var unseen = map[string]bool{"Begin": true, "TextProof": true}

// switches are the boolean fields of a struct.
func switches(of any) (flags []*bool) {
	v := reflect.ValueOf(of).Elem()
	for i := range v.NumField() {
		if at, ok := v.Field(i).Addr().Interface().(*bool); ok && !unseen[v.Type().Field(i).Name] {
			flags = append(flags, at)
		}
	}
	return flags
}

func TestNextDoesNotLookAtWhatIsForPages(t *testing.T) {
	for _, row := range nextRows {
		row.need.Begin, row.need.TextProof = !row.need.Begin, !row.need.TextProof
		if got := Next(row.facts, row.need); got != row.want {
			t.Errorf("%s: step %d, want %d", row.about, got, row.want)
		}
	}
}
