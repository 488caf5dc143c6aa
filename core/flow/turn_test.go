package flow_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/phone"
)

// From the sixth wrong password of a pair on, a try is held back before its turn. The
// request ends when the budgets are read: where it ended tells whether it was held.
func TestATryIsHeldBackAfterTheFifthOfItsPair(t *testing.T) {
	for used, held := range map[int]bool{0: false, 4: false, 5: true, 9: true} {
		h := atHome(t)
		h.spend(limit.PasswordPair, used, name("ada"), h.b.Address)
		ctx, end := context.WithCancel(t.Context())
		h.breaks, h.after = 3, end
		_, err := h.m.SignIn(ctx, flow.SignIn{Name: "ada", Password: password, Form: "form"}, h.b.Client)
		if err == nil || strings.Contains(err.Error(), "place to hash") == held {
			t.Errorf("after %d wrong ones it says %v", used, err)
		}
		end()
		h.close()
	}
}

// A name under attack takes its turns one at a time, from the hundredth wrong
// password of an hour on.
func TestANameUnderAttackTakesItsTurnsOneAtATime(t *testing.T) {
	for used, waits := range map[int]bool{99: false, 100: true} {
		h := atHome(t)
		h.spend(limit.PasswordName, used, name("ada"))
		free, begun, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go h.m.Hasher.Do(t.Context(), person.Turn{Class: person.Slow, Name: "ada"}, func() { close(begun); <-free })
		<-begun
		go func() {
			_, err := h.m.SignIn(t.Context(), flow.SignIn{Name: "ada", Password: password, Form: "form"}, h.b.Client)
			done <- err
		}()
		for waited := false; ; time.Sleep(time.Millisecond) {
			waited = waited || h.m.Hasher.Waiting() == 1
			if waited != waits && (waited || len(done) > 0) {
				t.Errorf("after %d wrong ones it waits: %t", used, waited)
			}
			if waited || len(done) > 0 {
				break
			}
		}
		close(free)
		if err := <-done; err != nil {
			t.Error(err)
		}
		h.close()
	}
}

// A decision that others overtake again and again gives up, and says what it was.
func TestADecisionThatAlwaysLosesGivesUp(t *testing.T) {
	h := atHome(t)
	h.enrolled()
	h.unseen(func() { h.signIn(password) })
	lose := func() { h.with(func(p *person.Person) { p.Display += "a" }) }
	h.always = lose
	_, err := h.m.SubmitFactor(t.Context(), flow.Post{Token: h.b.attempt, Form: "form"}, h.code("phone"), h.b.Client)
	if err == nil || !strings.Contains(err.Error(), "lost 100 times, last to person.Unchanged") {
		t.Errorf("it says %v", err)
	}
	h.always = nil

	newcomer(h)
	h.with(func(p *person.Person) { p.Display = "" })
	h.before, h.each = lose, true // at every call: it is overtaken before it writes
	_, err = h.m.AcceptInvitation(t.Context(), "token", changed, flow.Post{Form: "form"}, h.b.Client)
	if err == nil || !strings.Contains(err.Error(), "overtaken 100 times") {
		t.Errorf("it says %v", err)
	}
}

// The pure rules, at their edges.
func TestHowARecoveryStands(t *testing.T) {
	r := flow.Recovery{OpenAt: start, Until: start.Add(flow.RecoveryOpen)}
	for at, want := range map[time.Duration]string{-1: flow.RecoveryWaits, 0: flow.RecoveryIsOpen, flow.RecoveryOpen - 1: flow.RecoveryIsOpen, flow.RecoveryOpen: flow.RecoveryLapsed} {
		if got := r.State(start.Add(at)); got != want {
			t.Errorf("%s after it opened it is %s", at, got)
		}
	}
	used, stopped := r, r
	used.Ended, used.EndedAt = flow.ByUse, start
	stopped.Ended, stopped.EndedAt = flow.ByDispute, start
	if used.State(start) != flow.RecoveryUsed || stopped.State(start) != flow.RecoveryCancelled || used.Alive(start) || !r.Alive(start.Add(-1)) || (*flow.Recovery)(nil).Alive(start) {
		t.Error("one that ended, or none, is alive")
	}
}

func TestWhenATextMayBeAskedFor(t *testing.T) {
	open := flow.Recovery{OpenAt: start, Until: start.Add(time.Hour)}
	waits := flow.Recovery{OpenAt: start.Add(time.Hour), Until: start.Add(2 * time.Hour)}
	for _, row := range []struct {
		about string
		way   flow.TextWay
		want  bool
	}{
		{"no number", flow.TextWay{}, false},
		{"a number", flow.TextWay{Number: "143"}, true},
		{"on hold until now", flow.TextWay{Number: "143", HeldTill: start}, true},
		{"on hold", flow.TextWay{Number: "143", HeldTill: start.Add(1)}, false},
		{"one that waits", flow.TextWay{Number: "143", Recovery: &waits}, false},
		{"one that is open", flow.TextWay{Number: "143", Recovery: &open}, true},
	} {
		if got := row.way.Usable(start); got != row.want {
			t.Errorf("%s: %t", row.about, got)
		}
	}
}

func TestTheGapBeforeTheNextText(t *testing.T) {
	for sends, want := range map[int]time.Duration{0: 30 * time.Second, 1: 30 * time.Second, 2: 2 * time.Minute, 3: 2 * time.Minute} {
		if got := flow.Gap(phone.TextCode{Sends: sends}); got != want {
			t.Errorf("after %d texts it is %s", sends, got)
		}
	}
}

func TestABrowserIsNamedByWhatIsKnownOfIt(t *testing.T) {
	for _, c := range []flow.Client{{Agent: "Firefox"}, {Agent: "Firefox", Shown: "198.51.100.7"}} {
		want := "Firefox"
		if c.Shown != "" {
			want = "Firefox, 198.51.100.7"
		}
		if got := c.Browser(); got != want {
			t.Errorf("it is called %q", got)
		}
	}
}

// alarmed is what the alarm says of Ada to somebody in the attempt of the browser.
func (h *house) alarmed(attempt string) string {
	h.Helper()
	e, err := h.m.Alarm(h.Context(), h.ada.ID, attempt)
	if err != nil {
		h.Fatal(err)
	}
	if e == nil {
		return ""
	}
	return e.Agent
}

func TestARightPasswordWithoutACodeIsToldToWhoSignsInNext(t *testing.T) {
	h := atHome(t)
	h.enrolled()
	try := func() { h.unseen(func() { h.signIn(password) }); h.later(time.Minute) }
	in := func() string {
		attempt := flow.HashToken(h.b.attempt)
		h.unseen(func() { h.appCode(h.code("phone")) })
		h.later(time.Minute)
		return attempt
	}
	try()
	first := in()
	if got := h.alarmed(first); got != "" {
		t.Errorf("with nobody else it says %q", got)
	}
	h.elsewhere(try)
	try()
	if got := h.alarmed(flow.HashToken(h.b.attempt)); got != "Safari" {
		t.Errorf("before the code it says %q", got)
	}
	second := in()
	if got := h.alarmed(second); got != "Safari" {
		t.Errorf("to the first who signs in it says %q", got)
	}
	if got := h.alarmed("another"); got != "Safari" {
		t.Errorf("on the activity page it says %q", got)
	}
	try()
	third := in()
	if got := h.alarmed(third); got != "Safari" {
		t.Errorf("with one sign-in between it says %q", got)
	}
	try()
	if got := h.alarmed(in()); got != "" {
		t.Errorf("with two between it says %q", got)
	}
}

func TestTheGuideOfAnotherBrowserIsSeen(t *testing.T) {
	h := atHome(t)
	seen := func() string {
		s, err := h.m.Elsewhere(t.Context(), h.under())
		if err != nil {
			t.Fatal(err)
		}
		if s == nil {
			return ""
		}
		return s.Agent
	}
	h.unseen(func() { h.signIn(password) })
	if got := seen(); got != "" {
		t.Errorf("without any it is %q", got)
	}
	h.elsewhere(func() { h.unseen(func() { h.signIn(password); h.install() }) })
	if got := seen(); got != "Safari" {
		t.Errorf("it is %q", got)
	}
	h.later(time.Second)
	h.unseen(func() { h.install() })
	if got := seen(); got != "Safari" {
		t.Errorf("beside its own it is %q", got)
	}
	h.elsewhere(func() {
		h.b.Agent = "Opera"
		h.later(time.Second)
		h.unseen(func() { h.signIn(password); h.install() })
	})
	if got := seen(); got != "Opera" {
		t.Errorf("of two it is %q", got)
	}
}

func TestWhatIsKnownOfATextIsThatOfItsSends(t *testing.T) {
	h := atHome(t)
	if m, err := h.m.Delivery(t.Context(), phone.TextCode{ID: "none"}); m != nil || err != nil {
		t.Errorf("of none it is %v, %v", m, err)
	}
	h.unseen(func() { toText(h) })
	code := h.set().Data.Text
	if m, err := h.m.Delivery(t.Context(), code); err != nil || m == nil || m.ID != code.Message {
		t.Errorf("it is %v, %v", m, err)
	}
}

// A set-up says how far it is; the mark tells it from another.
func TestHowFarASetUpIs(t *testing.T) {
	h := atHome(t)
	h.unseen(func() { h.signIn(password) })
	var begun []int
	note := func() { begun = append(begun, h.under().Begun()) }
	note()
	h.unseen(func() { h.install() })
	note()
	one := flow.SetupMark(h.set())
	h.unseen(func() { h.typeNumber(mobile) })
	note()
	h.unseen(func() { h.textCode(h.sent()) })
	note()
	h.unseen(func() { h.secret(); h.scanned() })
	note()
	if got := fmt.Sprint(begun); got != "[0 3 4 5 6]" {
		t.Errorf("the steps are %s", got)
	}
	if again := flow.SetupMark(h.set()); again != one || len(one) != 12 || flow.SetupMark(nil) != "" {
		t.Errorf("the mark was %q and is %q", one, again)
	}
}

// The text of a recovery says that a new app follows; that of a set-up does not.
func TestATextSaysWhatItsCodeIsFor(t *testing.T) {
	h := atHome(t)
	h.enrolled()
	h.unseen(func() { h.signIn(password); h.askText() })
	h.says(h.textSent(), true)
	h = atHome(t)
	h.unseen(func() { toText(h) })
	h.says(h.sent(), false)
}

// says looks at the text that went out in the last step.
func (h *house) says(digits string, newApp bool) {
	h.Helper()
	for _, set := range h.applied {
		for _, effect := range set {
			if q, ok := effect.(message.Queued); ok {
				if want := h.m.Writer.Code(digits, newApp); q.Message.Text != want {
					h.Errorf("it says %q, not %q", q.Message.Text, want)
				}
				return
			}
		}
	}
	h.Error("no text went out")
}

// The lives of what is under way: no other test has all of them stand in figures.
func TestHowLongWhatIsUnderWayLives(t *testing.T) {
	const hour = time.Hour
	for got, want := range map[time.Duration]time.Duration{flow.CodeIdle: hour / 4, flow.SetupIdle: hour, flow.SetupLength: 4 * hour, flow.MovedFor: hour / 60,
		flow.RecoveryOpen: 72 * hour, flow.SetupKept: 48 * hour, flow.CodesShown: hour / 2} {
		if got != want {
			t.Errorf("%s, and it was %s", got, want)
		}
	}
	if flow.AttemptKept != 24*hour || flow.SetupLife != 24*hour {
		t.Error("what is kept for a day is not")
	}
}
