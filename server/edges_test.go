package server_test

import (
	"crypto/rand"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/manage"
	"sallyport/core/person"
	"sallyport/core/session"
)

// edge is a moment at which something opens or closes. try says whether it is open.
type edge struct {
	name  string
	opens bool // else it closes
	begin func(h *house) (at time.Time, try func() bool)
}

// TestEveryTimeEndsAtItsMillisecond tries each a millisecond before its moment and
// in it: a rule that is right by the minute alone would be wrong for those who wait.
func TestEveryTimeEndsAtItsMillisecond(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.time = h.time.Truncate(time.Millisecond)
	h.core.Manage.Writer.NoMail = false
	for _, e := range edges() {
		t.Run(e.name, func(t *testing.T) {
			h.T = t
			for _, side := range []struct {
				name string
				by   time.Duration
				open bool
			}{{"a millisecond before", -time.Millisecond, !e.opens}, {"at its moment", 0, e.opens}} {
				at, try := e.begin(h)
				h.machine.Wait()
				if h.time = at.Add(side.by); try() != side.open {
					t.Errorf("%s, %s: open is %v", side.name, at, !side.open)
				}
				h.machine.Wait()
			}
		})
	}
}

func edges() []edge {
	list := []edge{
		{"a session without a request", false, func(h *house) (time.Time, func() bool) {
			m := h.holder().signedIn()
			return h.time.Add(time.Hour), m.in
		}},
		{"a session in use", false, func(h *house) (time.Time, func() bool) {
			m := h.holder().signedIn()
			return m.busy(h.time.Add(12 * time.Hour)), m.in
		}},
		{"a session that was confirmed", false, func(h *house) (time.Time, func() bool) {
			m := h.holder().signedIn()
			end := h.time.Add(12 * time.Hour)
			m.confirmed()
			return m.busy(end), m.in
		}},
		{"a session that went on after idling", false, func(h *house) (time.Time, func() bool) {
			m := h.holder().signedIn()
			end := h.time.Add(12 * time.Hour)
			h.time = h.time.Add(61 * time.Minute)
			m.must(m.machine.SignIn(h.Context(), m.entry(), m.client))
			return m.busy(end), m.in
		}},
		{"going on with an idle session by password", false, func(h *house) (time.Time, func() bool) {
			m := h.holder().signedIn()
			return h.time.Add(12 * time.Hour), func() bool {
				r, err := m.machine.SignIn(h.Context(), m.entry(), m.client)
				return err == nil && r.Session != ""
			}
		}},
		{"a session of level one, at the end of the grace", false, func(h *house) (time.Time, func() bool) {
			m, end := h.graced()
			h.time = end.Add(-time.Minute)
			m.enter()
			m.must(m.machine.NotNow(h.Context(), m.post(), m.client))
			return end, m.in
		}},
		{"putting the set-up off", false, func(h *house) (time.Time, func() bool) {
			m, end := h.graced()
			return end, func() bool {
				_, err := m.enter().machine.NotNow(h.Context(), m.post(), m.client)
				return err == nil
			}
		}},
		{"between password and code", false, func(h *house) (time.Time, func() bool) {
			m := h.holder().enter()
			return h.time.Add(15 * time.Minute), func() bool { return m.codeIsTaken() }
		}},
		{"a set-up without a click", false, func(h *house) (time.Time, func() bool) {
			m := h.newcomer(nil).enter()
			m.must(m.machine.Install(h.Context(), m.post(), m.client))
			return h.time.Add(time.Hour), func() bool { return m.look().Over == "" }
		}},
		{"a set-up in all", false, func(h *house) (time.Time, func() bool) {
			m := h.newcomer(nil).enter()
			end := h.time.Add(4 * time.Hour)
			for ; h.time.Before(end.Add(-time.Hour)); h.time = h.time.Add(50 * time.Minute) {
				m.must(m.machine.Install(h.Context(), m.post(), m.client))
			}
			m.must(m.machine.Install(h.Context(), m.post(), m.client))
			return end, func() bool { return m.look().Over == "" }
		}},
		{"a QR code and a proved number", false, func(h *house) (time.Time, func() bool) {
			m := h.newcomer(nil).numbered()
			m.must(m.machine.TextCode(h.Context(), m.post(), m.look().Setup.Data.Text.Digits, m.client))
			key := m.look().Setup.Data.Secret.Text()
			return h.time.Add(24 * time.Hour), func() bool {
				u := m.enter().look()
				return u.Step == flow.ShowSecret && u.Setup.Data.Secret.Text() == key
			}
		}},
		{"the same form again", false, func(h *house) (time.Time, func() bool) {
			m := h.holder().enter()
			post, code := m.post(), m.now()
			first, err := m.machine.SubmitFactor(h.Context(), post, code, m.client)
			m.must(first, err)
			return h.time.Add(time.Minute + time.Millisecond), func() bool {
				again, err := m.machine.SubmitFactor(h.Context(), post, code, m.client)
				return err == nil && again.Session == first.Session
			}
		}},
		{"a wait after ten wrong codes", true, func(h *house) (time.Time, func() bool) {
			m := h.holder().enter()
			m.wrong(10)
			return h.time.Add(15 * time.Minute), func() bool { return m.enter().codeIsTaken() }
		}},
		{"a known browser", false, func(h *house) (time.Time, func() bool) {
			m := h.holder().signedIn()
			m.client.Session = ""
			return h.time.Add(180 * 24 * time.Hour), func() bool { return m.enter().look().Attempt.Lane.Known() }
		}},

		{"a text message code at recovery", false, func(h *house) (time.Time, func() bool) {
			m := h.holder().enter()
			m.must(m.machine.AskText(h.Context(), m.post(), m.client))
			code := m.look().Attempt.Data.TextCode.Digits
			return h.time.Add(10 * time.Minute), func() bool {
				_, err := m.machine.TextProof(h.Context(), m.post(), code, m.client)
				return err == nil
			}
		}},
		{"a text message code of a set-up", false, func(h *house) (time.Time, func() bool) {
			m := h.newcomer(nil).numbered()
			code := m.look().Setup.Data.Text.Digits
			return h.time.Add(10 * time.Minute), func() bool {
				_, err := m.machine.TextCode(h.Context(), m.post(), code, m.client)
				return err == nil
			}
		}},
		{"a recovery that waits", true, func(h *house) (time.Time, func() bool) {
			m := h.administrator()
			if step := m.byText(); step != flow.Waiting {
				h.Fatalf("nothing waits: step %d", step)
			}
			return h.time.Add(24 * time.Hour), func() bool { return m.byText() == flow.AskReplace }
		}},
		{"a recovery that is open", false, func(h *house) (time.Time, func() bool) {
			m := h.administrator()
			m.byText()
			return h.time.Add(96 * time.Hour), func() bool { return m.byText() == flow.AskReplace }
		}},
		{"a recovery after a mailed password", true, func(h *house) (time.Time, func() bool) {
			m := h.holder()
			m.mailed()
			m.byText()
			return h.time.Add(24 * time.Hour), func() bool { return m.byText() == flow.AskReplace }
		}},
		{"a number that replaced another", true, func(h *house) (time.Time, func() bool) {
			m := h.holder().signedIn()
			m.renumber()
			return h.time.Add(72 * time.Hour), func() bool { return m.byText() == flow.AskReplace }
		}},
		{"a number after one that was removed", true, func(h *house) (time.Time, func() bool) {
			m := h.holder()
			m.setMail()
			h.machine.Policy.PhoneOptional = true
			m.signedIn()
			if err := h.core.Manage.RemoveNumber(h.Context(), m.owner(), h.machine.Policy); err != nil {
				h.Fatal(err)
			}
			removed := h.time
			h.time = h.time.Add(time.Minute)
			m.renumber()
			if phones, err := h.core.Store.Phones(h.Context(), m.ID); err != nil || len(phones) != 1 || !phones[0].UsableAt.Equal(h.time.Add(72*time.Hour)) {
				h.Errorf("removed at %v, another at %v: %+v, %v", removed, h.time, phones, err)
			}
			return h.time.Add(72 * time.Hour), func() bool { return m.byText() == flow.AskReplace }
		}},
		{"how long a removed number is remembered", true, func(h *house) (time.Time, func() bool) {
			m := h.holder()
			m.setMail()
			h.machine.Policy.PhoneOptional = true
			m.signedIn()
			if err := h.core.Manage.RemoveNumber(h.Context(), m.owner(), h.machine.Policy); err != nil {
				h.Fatal(err)
			}
			return h.time.Add(72 * time.Hour), func() bool { // a first number is free of the hold
				h.time = h.time.Add(-31 * time.Second) // signing in takes that long
				m.elsewhere().signedIn().renumber()
				h.time = h.time.Add(time.Minute)
				return m.byText() == flow.AskReplace
			}
		}},

		{"an invitation", false, func(h *house) (time.Time, func() bool) {
			m := h.newcomer(func(p *person.Person) { p.Password = "" })
			token, err := h.core.Manage.Invite(h.Context(), "test", m.ID, manage.ByHand)
			if err != nil {
				h.Fatal(err)
			}
			return h.time.Add(72 * time.Hour), func() bool {
				_, err := m.machine.AcceptInvitation(h.Context(), token, word, m.post(), m.client)
				return err == nil
			}
		}},
		{"a link to choose a new password", false, func(h *house) (time.Time, func() bool) {
			m := h.holder()
			token := m.forgot()
			return h.time.Add(24 * time.Hour), func() bool {
				_, err := h.core.Manage.ResetPassword(h.Context(), token, "teapot meadow signal ant", m.client)
				return err == nil
			}
		}},
		{"a link that confirms a mail address", false, func(h *house) (time.Time, func() bool) {
			m := h.holder().signedIn()
			if err := h.core.Manage.AskMail(h.Context(), m.owner(), m.Name+"@example.net"); err != nil {
				h.Fatal(err)
			}
			token := m.letter("/account/mail/")
			return h.time.Add(24 * time.Hour), func() bool { return h.core.Manage.ConfirmMail(h.Context(), token, m.client) == nil }
		}},
		{"a setup code", false, func(h *house) (time.Time, func() bool) {
			m := h.holder()
			code, err := h.core.Manage.Reset(h.Context(), "test", m.ID, manage.Checked{How: "video", Note: "x"}, false)
			if err != nil {
				h.Fatal(err)
			}
			return h.time.Add(24 * time.Hour), func() bool {
				_, err := m.enter().machine.SetupCodeProof(h.Context(), m.post(), code, m.client)
				return err == nil
			}
		}},
		{"a link that disputes a change", false, func(h *house) (time.Time, func() bool) {
			m, token := h.holder(), person.NewToken()
			h.apply(person.LinkMade{Link: person.Link{ID: m.machine.LinkID(token), Kind: person.Dispute, Person: m.ID, MadeAt: h.time,
				EndsAt: h.time.Add(person.DisputeLife), Data: person.Disputed{Event: "set-up", At: h.time}.Encode()}})
			return h.time.Add(7 * 24 * time.Hour), func() bool {
				_, err := h.core.Manage.Press(h.Context(), manage.Objection{Token: token}, m.client)
				return err == nil
			}
		}},
	}
	for _, c := range changes {
		list = append(list, edge{"a confirmation: " + c.name, false, func(h *house) (time.Time, func() bool) {
			m := h.holder().withCode()
			m.setMail()
			m.signedIn()
			at := h.time.Add(5 * time.Minute)
			do := c.begin(m)
			return at, func() bool {
				f := fault.Of(do())
				return f == nil || f.Word != flow.Unconfirmed
			}
		}})
	}
	return list
}

// changes are all that ask for a fresh password and code.
var changes = []struct {
	name  string
	begin func(m *member) (do func() error)
}{
	{"another number", func(m *member) func() error {
		return plain(func() (flow.Result, error) {
			m.people++
			return m.machine.ChangeNumber(m.Context(), m.session, m.number(), "US", m.client)
		})
	}},
	{"its code again", func(m *member) func() error {
		m.people++
		m.must(m.machine.ChangeNumber(m.Context(), m.session, m.number(), "US", m.client))
		return plain(func() (flow.Result, error) { return m.machine.ChangeNumberAgain(m.Context(), m.session, m.client) })
	}},
	{"its code", func(m *member) func() error {
		m.people++
		m.must(m.machine.ChangeNumber(m.Context(), m.session, m.number(), "US", m.client))
		return plain(func() (flow.Result, error) {
			return m.machine.ChangeNumberCode(m.Context(), m.session, "000000", m.client)
		})
	}},
	{"no number", func(m *member) func() error {
		return func() error { return m.core.Manage.RemoveNumber(m.Context(), m.owner(), m.machine.Policy) }
	}},
	{"another app", func(m *member) func() error {
		return func() error {
			_, err := m.machine.NewApp(m.Context(), m.session, "", false, m.client)
			return err
		}
	}},
	{"it was scanned", func(m *member) func() error {
		m.newApp()
		return plain(func() (flow.Result, error) { return m.machine.NewAppScanned(m.Context(), m.session, m.client) })
	}},
	{"its first code", func(m *member) func() error {
		m.newApp()
		return plain(func() (flow.Result, error) {
			return m.machine.NewAppCode(m.Context(), m.session, "000000", m.client)
		})
	}},
	{"an app less", func(m *member) func() error {
		return func() error { return m.core.Manage.RemoveApp(m.Context(), m.owner(), m.app()) }
	}},
	{"an app by another name", func(m *member) func() error {
		return func() error { return m.core.Manage.RenameApp(m.Context(), m.owner(), m.app(), "Tablet") }
	}},
	{"other recovery codes", func(m *member) func() error {
		return plain(func() (flow.Result, error) { return m.machine.NewCodes(m.Context(), m.session, m.client) })
	}},
	{"another password", func(m *member) func() error {
		return plain(func() (flow.Result, error) {
			return m.machine.ChangePassword(m.Context(), m.session, flow.NewPassword{Form: "form", Password: "short", Others: true}, m.client)
		})
	}},
	{"another mail address", func(m *member) func() error {
		return func() error { return m.core.Manage.AskMail(m.Context(), m.owner(), m.Name+"@example.net") }
	}},
	{"its link again", func(m *member) func() error {
		if err := m.core.Manage.AskMail(m.Context(), m.owner(), m.Name+"@example.net"); err != nil {
			m.Fatal(err)
		}
		return func() error { return m.core.Manage.AskMailAgain(m.Context(), m.owner()) }
	}},
	{"no mail address", func(m *member) func() error {
		return func() error { return m.core.Manage.RemoveMail(m.Context(), m.owner()) }
	}},
	{"no 2FA", func(m *member) func() error {
		return func() error { return m.core.Manage.TurnOff(m.Context(), m.owner(), m.machine.Policy) }
	}},
	{"signing out elsewhere", func(m *member) func() error {
		return func() error { return m.core.Manage.SignOutOthers(m.Context(), m.owner()) }
	}},
	{"forgetting a browser", func(m *member) func() error {
		return func() error { return m.core.Manage.Forget(m.Context(), m.owner(), "nobody's") }
	}},
}

func plain(do func() (flow.Result, error)) func() error {
	return func() error { _, err := do(); return err }
}

// in says whether the session goes on.
func (m *member) in() bool {
	m.Helper()
	s, err := m.machine.Signed(m.Context(), m.session)
	if err != nil || s == nil {
		m.Fatalf("no session: %v", err)
	}
	return s.Over == ""
}

// busy uses the session up to less than an hour before a moment.
func (m *member) busy(until time.Time) time.Time {
	m.Helper()
	for ; m.time.Before(until.Add(-59 * time.Minute)); m.time = m.time.Add(50 * time.Minute) {
		if !m.in() {
			m.Fatalf("over %v before its end", until.Sub(m.time))
		}
		m.machine.Wait() // the idle end is moved beside the answer
	}
	m.in()
	return until
}

// confirmed shows password and code again.
func (m *member) confirmed() {
	m.Helper()
	before := m.session
	m.must(m.machine.Confirm(m.Context(), m.session, flow.Confirmation{Form: rand.Text(), Password: word, Code: m.now()}, m.client))
	if m.session == before {
		m.Error("the session kept its name")
	}
}

// graced is somebody within a grace of 14 days, and its end.
func (h *house) graced() (*member, time.Time) {
	h.Helper()
	m := h.newcomer(nil)
	h.machine.Policy.GraceDays = 14
	m.enter()
	return m, m.stored().MustBy
}

// codeIsTaken enters the code of now.
func (m *member) codeIsTaken() bool {
	r, err := m.machine.SubmitFactor(m.Context(), m.post(), m.secret.Code(m.secret.Step(m.time)), m.client)
	return err == nil && r.Session != ""
}

// wrong enters wrong codes, which no clock explains.
func (m *member) wrong(n int) {
	m.Helper()
	near := map[string]bool{}
	for o := range int64(4000) {
		near[m.secret.Code(m.secret.Step(m.time)+o-2000)] = true
	}
	for i := 0; n > 0; i++ {
		if code := fmt.Sprintf("%06d", i); !near[code] {
			n--
			if _, err := m.machine.SubmitFactor(m.Context(), m.post(), code, m.client); fault.Of(err) == nil || !fault.Of(err).Missed {
				m.Fatalf("a wrong code: %v", err)
			}
		}
	}
}

// numbered is in a set-up whose number waits for its code.
func (m *member) numbered() *member {
	m.Helper()
	m.enter()
	m.must(m.machine.Install(m.Context(), m.post(), m.client))
	m.must(m.machine.Number(m.Context(), m.post(), m.number(), "US", m.client))
	return m
}

// administrator is somebody with an app who waits for a day.
func (h *house) administrator() *member {
	h.Helper()
	m, yes := h.holder(), true
	if err := h.core.Manage.Set(h.Context(), "test", m.ID, manage.Setting{Operator: &yes}); err != nil {
		h.Fatal(err)
	}
	return m
}

// elsewhere is another browser, which nobody has used.
func (m *member) elsewhere() *member {
	m.client.Known, m.client.Session, m.client.Setup = "", "", ""
	return m
}

// byText proves the number in another browser, and says where that leads.
func (m *member) byText() flow.Step {
	m.Helper()
	m.elsewhere().enter()
	r, err := m.machine.AskText(m.Context(), m.post(), m.client)
	if fault.Of(err) != nil || r.Notice == flow.RecoveryWaits {
		return m.look().Step
	}
	m.must(r, err)
	m.must(m.machine.TextProof(m.Context(), m.post(), m.look().Attempt.Data.TextCode.Digits, m.client))
	return m.look().Step
}

// renumber changes the number, or adds one.
func (m *member) renumber() {
	m.Helper()
	m.people++
	m.must(m.machine.ChangeNumber(m.Context(), m.session, m.number(), "US", m.client))
	c, err := m.machine.Change(m.Context(), m.session, flow.SetupNumber)
	if err != nil {
		m.Fatal(err)
	}
	m.must(m.machine.ChangeNumberCode(m.Context(), m.session, c.Setup.Data.Text.Digits, m.client))
}

// newApp begins to add an app.
func (m *member) newApp() {
	m.Helper()
	if _, err := m.machine.NewApp(m.Context(), m.session, "", false, m.client); err != nil {
		m.Fatal(err)
	}
}

// app is the id of the one app.
func (m *member) app() string {
	m.Helper()
	rows, err := m.core.Store.Factors(m.Context(), m.ID)
	if err != nil || len(rows) == 0 {
		m.Fatalf("no app: %v", err)
	}
	return rows[0].ID
}

// setMail gives somebody a mail address.
func (m *member) setMail() {
	m.Helper()
	address := m.Name + "@example.org"
	if err := m.core.Manage.Set(m.Context(), "test", m.ID, manage.Setting{Email: &address}); err != nil {
		m.Fatal(err)
	}
}

// letter is the token of the newest mail to somebody that holds a link.
func (m *member) letter(path string) (token string) {
	m.Helper()
	list, err := m.core.Store.WaitingMails(m.Context(), m.time, 1000)
	if err != nil {
		m.Fatal(err)
	}
	newest := time.Time{}
	for _, l := range list {
		if found := regexp.MustCompile(path + `([A-Z2-7]{26})`).FindStringSubmatch(l.Text); l.Person == m.ID && found != nil && !l.MadeAt.Before(newest) {
			token, newest = found[1], l.MadeAt
		}
	}
	if token == "" {
		m.Fatalf("no mail with %s among %d", path, len(list))
	}
	return token
}

// forgot asks for a link to choose a new password.
func (m *member) forgot() string {
	m.Helper()
	m.setMail()
	if err := m.core.Manage.Forgot(m.Context(), m.Name, m.client); err != nil {
		m.Fatal(err)
	}
	return m.letter("/password/")
}

// mailed has a password that came by mail; it is the one before.
func (m *member) mailed() {
	m.Helper()
	m.time = m.time.Add(time.Second)
	token := m.forgot()
	who := m.stored()
	who.Password = person.Hash("teapot meadow signal ant", m.machine.Params) // else it would be the present one
	m.apply(person.Saved{Person: *who})
	if _, err := m.core.Manage.ResetPassword(m.Context(), token, word, m.client); err != nil {
		m.Fatal(err)
	}
}

// TestTheClassesOfProof: mail and text message are one class, so that whoever reads
// both has no more than one of them (REC-06). An app code or a recovery code ends it.
func TestTheClassesOfProof(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.core.Manage.Writer.NoMail = false
	own := func(*member) {}
	invited := func(by manage.Invite) func(m *member) {
		return func(m *member) {
			m.setMail()
			token, err := m.core.Manage.Invite(m.Context(), "test", m.ID, by)
			if err != nil {
				m.Fatal(err)
			}
			who := m.stored()
			who.Password = ""
			m.apply(person.Saved{Person: *who})
			m.must(m.machine.AcceptInvitation(m.Context(), token, word, m.post(), m.client))
		}
	}
	then := func(first func(*member), more ...func(*member)) func(*member) {
		return func(m *member) {
			first(m)
			for _, f := range more {
				f(m)
			}
		}
	}
	mailed := func(m *member) { m.mailed() }
	byApp := func(m *member) { m.elsewhere().signedIn() }
	byCode := func(answer string) func(m *member) {
		return func(m *member) {
			m.elsewhere().enter()
			m.must(m.machine.CodeProof(m.Context(), m.post(), m.code, m.client))
			m.must(m.machine.StillHave(m.Context(), m.post(), answer, m.client))
		}
	}
	text := func(m *member) flow.Step { return m.byText() }
	code := func(m *member) flow.Step {
		m.elsewhere().enter()
		m.must(m.machine.CodeProof(m.Context(), m.post(), m.code, m.client))
		return m.look().Step
	}
	app := func(m *member) flow.Step {
		if m.elsewhere().signedIn(); m.session == "" {
			m.Fatal("no session")
		}
		return flow.Done
	}
	for _, row := range []struct {
		name     string
		password func(m *member)
		proof    func(m *member) flow.Step
		want     flow.Step
	}{
		{"a password of one's own and a text message", own, text, flow.AskReplace},
		{"a password of one's own and a recovery code", own, code, flow.AskStillHave},
		{"a password of one's own and an app code", own, app, flow.Done},
		{"a mailed password and a text message", mailed, text, flow.Waiting},
		{"a mailed password and a recovery code", mailed, code, flow.AskStillHave},
		{"a mailed password and an app code", mailed, app, flow.Done},
		{"a mailed invitation and a text message", invited(manage.ByMail), text, flow.Waiting},
		{"an invitation handed over and a text message", invited(manage.ByHand), text, flow.AskReplace},
		{"a mailed password, twice, and a text message", then(mailed, func(m *member) { m.time = m.time.Add(time.Minute); m.mailed() }), text, flow.Waiting},
		{"a mailed password after an app code, and a text message", then(byApp, mailed), text, flow.Waiting},
		{"an app code after a mailed password, and a text message", then(mailed, byApp), text, flow.AskReplace},
		{"a recovery code after a mailed password, and a text message", then(mailed, byCode("yes")), text, flow.AskReplace},
		{"a recovery begun and left after a mailed password, and a text message", then(mailed, byCode("no")), text, flow.Waiting},
		{"wrong app codes after a mailed password, and a text message", then(mailed, func(m *member) { m.elsewhere().enter(); m.wrong(3) }), text, flow.Waiting},
	} {
		t.Run(row.name, func(t *testing.T) {
			h.T = t
			m := h.holder().withCode()
			row.password(m)
			h.time = h.time.Add(time.Minute)
			if got := row.proof(m); got != row.want {
				t.Errorf("it leads to step %d, not %d", got, row.want)
			}
		})
	}
}

// TestAPasswordConfirmsNoChangeOfAFactor: it ends sessions, and changes nothing that
// signs anybody in.
func TestAPasswordConfirmsNoChangeOfAFactor(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.core.Manage.Writer.NoMail = false
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			h.T = t
			m := h.holder().withCode()
			m.setMail()
			m.signedIn()
			do := c.begin(m)
			h.time = h.time.Add(6 * time.Minute)
			m.must(m.machine.Confirm(t.Context(), m.session, flow.Confirmation{Form: rand.Text(), Password: word, PasswordOnly: true}, m.client))
			err := do()
			f := fault.Of(err)
			refused := f != nil && f.Word == flow.Unconfirmed
			if ends := strings.HasPrefix(c.name, "signing out") || strings.HasPrefix(c.name, "forgetting"); refused == ends {
				t.Errorf("refused: %v (%v)", refused, err)
			}
		})
	}
}

// TestARaisedCostHashesAnew: the parameters stand in the string, and a good sign-in
// brings it to those of now, once.
func TestARaisedCostHashesAnew(t *testing.T) {
	t.Parallel()
	h := open(t)
	m := h.newcomer(nil)
	before := m.stored().Password
	if !strings.HasPrefix(before, "$argon2id$v=19$m=8,t=1,p=1$") {
		t.Fatalf("it begins as %s", before)
	}
	h.machine.Params = person.Params{MemoryKiB: 16, Time: 2, Threads: 1}
	in := m.entry()
	in.Password = "wrong"
	if _, err := h.machine.SignIn(t.Context(), in, m.client); err == nil || m.stored().Password != before {
		t.Errorf("a wrong password: %v, %s", err, m.stored().Password)
	}
	m.enter()
	after := m.stored().Password
	if !strings.HasPrefix(after, "$argon2id$v=19$m=16,t=2,p=1$") {
		t.Errorf("raised: %s", after)
	}
	m.enter()
	if again := m.stored().Password; again != after {
		t.Errorf("hashed once more: %s", again)
	}
}

// TestAFloodOfWrongPasswordsKeepsNobodyOut: a thousand from 500 addresses end
// nothing, and the owner signs in at the first try.
func TestAFloodOfWrongPasswordsKeepsNobodyOut(t *testing.T) {
	t.Parallel()
	h := open(t)
	m := h.holder().signedIn()
	m.client.Session = ""
	for i := range 1000 {
		at := fmt.Sprintf("198.51.%d.%d", i%500/250, i%250)
		in := m.entry()
		in.Password = "wrong"
		if _, err := h.machine.SignIn(t.Context(), in, flow.Client{Address: at, Shown: at}); fault.Of(err) == nil || fault.Of(err).Word != "sign-in.wrong" {
			t.Fatalf("wrong password %d: %v", i, err)
		}
		h.time = h.time.Add(time.Second)
	}
	lane := limit.PasswordKnown.Key(m.knownID())
	if states, err := h.store.Limits(t.Context(), []string{lane}); err != nil || states[lane].Used != 0 {
		t.Errorf("the owner's lane: %+v, %v", states, err)
	}
	begun := time.Now()
	if m.enter(); time.Since(begun) > 2*time.Second {
		t.Errorf("the owner waited %v", time.Since(begun))
	}
	if !m.look().Attempt.Lane.Known() || !m.nextCodeIsTaken() {
		t.Error("the owner is not in")
	}
	if m.elsewhere().client.Address = "203.0.113.9"; !m.enter().nextCodeIsTaken() { // nor is anybody else refused
		t.Error("the owner is kept out elsewhere")
	}
	list, err := h.core.Store.WaitingMessages(t.Context(), h.time, 1000)
	told := 0
	for _, l := range list {
		if strings.Contains(l.Text, "wrong passwords an hour") {
			told++
		}
	}
	if err != nil || told != 1 {
		t.Errorf("told %d times, %v", told, err)
	}
}

// knownID is the id of the known browser.
func (m *member) knownID() string {
	m.Helper()
	b, err := m.core.Store.KnownBrowser(m.Context(), flow.HashToken(m.client.Known), m.ID)
	if err != nil || b == nil {
		m.Fatalf("not known: %v", err)
	}
	return b.ID
}

// nextCodeIsTaken enters the code of the next step.
func (m *member) nextCodeIsTaken() bool {
	m.time = m.time.Add(31 * time.Second)
	return m.codeIsTaken()
}

// TestNothingTakesAMissBack: neither another text, nor the password again, nor the
// owner's success in another browser.
func TestNothingTakesAMissBack(t *testing.T) {
	t.Parallel()
	h := open(t)
	m := h.holder().signedIn()
	owner := *m
	m.elsewhere().client.Address = "198.51.100.7"
	m.enter()
	year := limit.YearKeys(m.ID, h.time)[0]
	counts := func(about string, want, inYear int) {
		t.Helper()
		states, err := h.store.Limits(t.Context(), []string{year})
		if left := m.enter().look().Left; err != nil || left != 10-want || states[year].Used != inYear {
			t.Errorf("%s: %d left, %d in the year, %v", about, left, states[year].Used, err)
		}
	}
	m.wrong(4)
	counts("four misses", 4, 4)
	m.must(m.machine.AskText(t.Context(), m.post(), m.client))
	m.wrong(4)
	counts("a text, and four more, each compared with its code too", 8, 12)
	owner.client.Session = ""
	if owner.enter(); !owner.nextCodeIsTaken() {
		t.Fatal("the owner is not in")
	}
	counts("the owner signed in", 8, 12)
	if s, err := h.core.Store.Session(t.Context(), flow.HashToken(owner.session)); err != nil || s == nil || s.Level != session.Two {
		t.Errorf("the owner's session: %+v, %v", s, err)
	}
}
