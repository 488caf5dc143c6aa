// Command mutants shows that the walker can find faults: it breaks the program on
// purpose, one rule at a time, and says how many steps of the walk in CI it takes
// until somebody is where the model says that nobody may be.
//
//	go run ./walker/mutants            all of them, from the folder e2e
//	go run ./walker/mutants WORD…      those whose name holds one of the words
//	go run ./walker/mutants -shrink 1m also finds as few steps as show each
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"sallyport/e2e/walker"
)

// mutant is one rule that the program forgets.
type mutant struct {
	name  string
	edits []edit
}

// edit is a text of the product's source in the place of another.
type edit struct{ file, old, new string }

func one(name, file, old, new string) mutant { return mutant{name, []edit{{file, old, new}}} }

var mutants = []mutant{
	{"a code works twice", []edit{{"core/factor/app.go", "if step > app.factor.Step && ", "if "},
		{"back/store/factor.go", "WHERE id = $1 AND step < $2 AND", "WHERE id = $1 AND step < $2 + 100 AND"}}},
	one("a recovery code works twice", "core/factor/recovery.go", "set.Used[found] = true", "set.Used[found] = false"),
	one("an ended factor enrols on the password", "core/flow/next.go", "\tdefault:\n\t\treturn AskOtherProof", "\tdefault:\n\t\treturn setup(f, need)"),
	{"a dispute leaves the sessions", []edit{{"core/manage/dispute.go", "\t\tsession.EndedAll{Person: who.ID, Why: session.EndedByDispute, At: now},\n", ""},
		{"core/flow/signed.go", "if who.Disabled() || who.Held() {", "if who.Disabled() {"}}},
	one("a dispute does not hold", "core/manage/dispute.go", "who.HeldAt, who.HeldWhy = now, d.About.Event", "who.HeldWhy = d.About.Event"),
	one("the password opens an operator's session", "core/flow/signin.go", "\tif u.Step == Done { //", "\tif who.Operator {\n\t\tset.Add(AttemptBegun{Attempt: u.Attempt})\n"+
		"\t\tissued, result, err := m.issue(ctx, u, \"app\", client, in.Form, in.Password)\n\t\treturn append(set, issued...), result, err\n\t}\n\tif u.Step == Done { //"),
	one("the number's code is skipped", "core/flow/next.go", "\tcase need.Phone && !f.NumberProved:\n\t\treturn AskTextCode\n", ""),
	one("the question after a recovery code is skipped", "core/flow/next.go", "\tcase f.Text || f.Code:\n\t\treturn AskReplace\n", "\tcase !f.Working:\n\t\treturn AskReplace\n"),
	one("a text message code of any attempt", "core/phone/code.go", "c.Digits != \"\" && c.Purpose == purpose && c.Number == number && c.Owner == owner", "c.Digits != \"\""),
	one("a recovery opens at once", "core/flow/recovery.go", "case now.Before(r.OpenAt):", "case now.Before(r.AskedAt):"),
	one("a confirmation lasts for ever", "core/session/session.go", "s.Proven() == Two && now.Before(s.ConfirmedAt.Add(Fresh)) && !now.Before(s.ConfirmedAt)", "s.Proven() == Two"),
	one("a confirmation takes any code", "core/flow/signed.go", "\tif !v.Right {\n\t\tset := m.miss(u, string(kind)", "\tif !v.Right && v.Fault == nil {\n\t\tset := m.miss(u, string(kind)"),
	one("signing out forgets the session", "core/flow/signed.go", "if s.Session.EndedAt.IsZero() {", "if false {"),
	one("a new app leaves the other sessions", "core/flow/account.go", "\t\tsession.EndedAll{Person: s.Person.ID, Except: s.Session.ID, Why: session.EndedByFactor, At: s.Now},\n", ""),
	one("sessions never idle", "core/session/session.go", "case !now.Before(s.SeenAt.Add(times.Idle)):", "case false:"),
	one("the old app goes on", "core/flow/recover.go", "\t\tfactor.EndedAll{Person: u.Person.ID, Kind: factor.App, Why: factor.EndedByRecovery, At: u.Now},\n", ""),
	one("a replaced app goes on", "core/flow/account.go", "set.Add(factor.Ended{ID: old, Person: c.Person.ID, Why: factor.EndedByReplace, At: c.Now})", ""),
	one("set-ups are shared between browsers", "core/flow/under.go", "return m.derive(\"setup\", cookie, person)", "return m.derive(\"setup\", person)"),
	one("an app never ends", "core/factor/factor.go", "const MissesMax = 100", "const MissesMax = 1000"),
	one("a form works in any browser", "front/web/token.go", "[]byte(k.mac(\"form\", browser, parts[0]", "[]byte(k.mac(\"form\", parts[3], parts[0]"),
	one("the whole number is shown", "core/phone/phone.go", "return p.Number[max(0, len(p.Number)-3):]", "return p.Number"),
	{"a turned-off account goes on", []edit{{"core/flow/signed.go", "if who.Disabled() || who.Held() {", "if who.Held() {"},
		{"core/manage/manage.go", "At: who.DisabledAt}}, // it would be open when the account is on again\n\t\t\tm.everything(who.ID, session.EndedByOperator)...), nil", "At: who.DisabledAt}}), nil"}}},
	one("a setup code works twice", "core/flow/recover.go", "|| !link.SpentAt.IsZero():", "|| false:"),
	one("an app forgets how long ago", "core/app/judge.go", "case a.Need.Within > 0 && (", "case a.Need.Within > 24*time.Hour && ("),
	one("an app forgets who is a member", "core/app/judge.go", "case !a.admits(who.Groups):", "case len(who.Groups) == 0:"),
	one("level one enters where two are asked for", "core/app/judge.go", "case who.Level != session.Two:\n\t\treturn SetUp", "case who.Level == 0:\n\t\treturn SetUp"),
	one("a door outlives its session in memory", "core/door/held.go", "at < h.seen.Load()+h.idle && !h.gone.Load()", "at < h.seen.Load()+h.idle"),
	one("a hand-over is good in any browser", "core/door/keeper.go", "if subtle.ConstantTimeCompare([]byte(h.Bind), []byte(Bind(browser))) != 1 {", "if browser == \"\" {"),
	one("a hand-over is good for an hour", "core/door/keeper.go", "const HandOverLife = 30 * time.Second", "const HandOverLife = time.Hour"),
	one("a hand-over works twice", "back/store/app.go", "t.must(e, insert(\"doors\", doorColumns)", "t.do(insert(\"doors\", doorColumns)"),
	one("a cookie of one app is good at all", "front/gate/gate.go", "domain == \"\" && h.At(origin) ||", "domain == \"\" ||"),
	one("the gate reads paths as they are written", "core/app/judge.go", "if p, _, _ := strings.Cut(to.URI, \"?\"); simple(p) {", "if p, _, _ := strings.Cut(to.URI, \"?\"); p != \"\" {"),
	one("a step up leads round in a circle", "front/web/step_up.go", "at = \"/confirm?to=\"", "at = \"/sign-in?rd=\""),
	one("nobody finds the way back", "core/flow/recover.go", "return w.Number != \"\" && !w.HeldTill.After(now)", "return false && !w.HeldTill.After(now)"),
}

var steps = flag.Int("steps", 5000, "how many steps each is walked, if it is not found before: as many as in CI")
var shrink = flag.Duration("shrink", 0, "how long to look for as few steps as show each")

func main() {
	root, err := filepath.Abs("..")
	if err != nil {
		panic(err)
	}
	flag.Parse()
	missed := 0
	for _, m := range mutants {
		if words := flag.Args(); len(words) > 0 && !slices.ContainsFunc(words, func(w string) bool { return strings.Contains(m.name, w) }) {
			continue
		}
		text, ok := try(root, m)
		fmt.Printf("%-50s %s\n", m.name, text)
		if !ok {
			missed++
		}
	}
	if missed > 0 {
		fmt.Printf("%d were not found\n", missed)
		os.Exit(1)
	}
}

// try builds one mutant and walks until it is found.
func try(root string, m mutant) (string, bool) {
	folder, err := os.MkdirTemp("", "sallyport-mutant-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	program, err := build(root, folder, m)
	if err != nil {
		return err.Error(), false
	}
	const seed, each = 1, 500 // as in CI
	walked := 0
	for i := range *steps / each {
		k := walker.Walk{Program: program, Seed: seed + uint64(i), Steps: each, Policy: walker.Policies[i%len(walker.Policies)], Shrink: *shrink}
		res, err := k.Go()
		walked += res.Steps
		if err != nil {
			return err.Error(), false
		}
		if res.Found != nil {
			text := fmt.Sprintf("step %4d: %s", walked, res.Found.Breach.Rule)
			if *shrink > 0 {
				text += fmt.Sprintf(" (%d steps show it)", len(res.Found.Steps))
			}
			return text, true
		}
	}
	return fmt.Sprintf("not found in %d steps", walked), false
}

// made is the file with the edit.
func (e edit) made(root string) (string, error) {
	raw, err := os.ReadFile(filepath.Join(root, e.file))
	if err != nil {
		return "", err
	}
	if strings.Count(string(raw), e.old) != 1 {
		return "", fmt.Errorf("%s does not hold once: %q", e.file, e.old)
	}
	return strings.Replace(string(raw), e.old, e.new, 1), nil
}

// build compiles the program with the changed files laid over the source.
func build(root, folder string, m mutant) (string, error) {
	laid := map[string]string{}
	for i, e := range m.edits {
		path := filepath.Join(root, e.file)
		text, err := e.made(root)
		if err != nil {
			return "", err
		}
		laid[path] = filepath.Join(folder, fmt.Sprintf("%d.go", i))
		if err := os.WriteFile(laid[path], []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": laid})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(folder, "overlay.json"), overlay, 0o600); err != nil {
		return "", err
	}
	program := filepath.Join(folder, "sallyport")
	c := exec.Command("go", "build", "-tags", "testclock", "-overlay", filepath.Join(folder, "overlay.json"), "-o", program, "./cmd/sallyport")
	c.Dir, c.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return program, nil
}
