package manage

import (
	"context"
	"errors"
	"fmt"
	"regexp"
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
	"sallyport/core/phone"
	"sallyport/core/session"
)

var now = time.Date(2026, 11, 23, 14, 32, 0, 0, time.UTC)

// house is everything that a manager reads and writes, for one person: Ada.
type house struct {
	flow.People
	flow.Attempts
	flow.History

	ada      *person.Person
	factors  []factor.Factor
	phones   []phone.Phone
	ended    []phone.Phone
	sessions []session.Session
	browsers []session.KnownBrowser
	links    map[string]person.Link
	alive    map[person.LinkKind]person.Link
	events   []audit.Entry
	sends    []message.Message
	limits   map[string]limit.State

	applied []change.Set
	refuse  []change.Effect // of the next changes, one each

	calls, breaks int // the call that fails, from 1; 0 is none
}

var errDown = errors.New("database unavailable")

// call counts what is asked of the database, and says when it fails.
func (h *house) call() error {
	if h.calls++; h.calls == h.breaks {
		return errDown
	}
	return nil
}

func (h *house) Person(_ context.Context, id string) (*person.Person, error) {
	if err := h.call(); err != nil {
		return nil, err
	}
	if h.ada == nil || h.ada.ID != id {
		return nil, nil
	}
	copied := *h.ada
	return &copied, nil
}

func (h *house) PersonByName(_ context.Context, name string) (*person.Person, error) {
	if h.ada == nil || h.ada.Name != name {
		return nil, nil
	}
	return h.Person(context.Background(), h.ada.ID)
}

func (h *house) Factors(context.Context, string) ([]factor.Factor, error) { return h.factors, h.call() }
func (h *house) Phones(context.Context, string) ([]phone.Phone, error)    { return h.phones, h.call() }

func (h *house) PhonesEnded(_ context.Context, _ string, after time.Time) (list []phone.Phone, _ error) {
	for _, p := range h.ended {
		if p.EndedAt.After(after) {
			list = append(list, p)
		}
	}
	return list, h.call()
}

func (h *house) Link(_ context.Context, id string) (*person.Link, error) {
	if l, ok := h.links[id]; ok {
		return &l, h.call()
	}
	return nil, h.call()
}

func (h *house) LinkAlive(_ context.Context, kind person.LinkKind, _ string, _ time.Time) (*person.Link, error) {
	if l, ok := h.alive[kind]; ok {
		return &l, h.call()
	}
	return nil, h.call()
}

func (h *house) Everyone(context.Context, string, int) ([]person.Person, error) { return nil, nil }
func (h *house) SetupsOpen(context.Context, string, time.Time) ([]flow.Setup, error) {
	return nil, nil
}
func (h *house) SessionsOf(context.Context, string) ([]session.Session, error) {
	return h.sessions, h.call()
}
func (h *house) KnownBrowsers(context.Context, string) ([]session.KnownBrowser, error) {
	return h.browsers, h.call()
}

func (h *house) EventsOf(_ context.Context, _ string, kinds []audit.Event, most int) (list []audit.Entry, _ error) {
	for _, e := range h.events {
		if slices.Contains(kinds, e.Event) && len(list) < most {
			list = append(list, e)
		}
	}
	return list, h.call()
}

func (h *house) Sends(context.Context, string) ([]message.Message, error) { return h.sends, h.call() }

func (h *house) Limits(_ context.Context, keys []string) (map[string]limit.State, error) {
	states := map[string]limit.State{}
	for _, key := range keys {
		states[key] = h.limits[key]
	}
	return states, h.call()
}

func (h *house) Apply(_ context.Context, set change.Set) error {
	if err := h.call(); err != nil {
		return err
	}
	if len(h.refuse) > 0 {
		effect := h.refuse[0]
		h.refuse = h.refuse[1:]
		return &change.Refused{Effect: effect}
	}
	h.applied = append(h.applied, set)
	for _, effect := range set {
		switch e := effect.(type) {
		case person.Saved:
			h.ada = &e.Person
		case person.LinkSpent:
			l := h.links[e.ID]
			l.SpentAt = e.At
			h.links[e.ID] = l
		}
	}
	return nil
}

// plain is the kept form of tokens: for all to read.
type plain struct{ flow.Secrets }

func (plain) MAC(purpose string, parts ...[]byte) []byte {
	out := []byte(purpose)
	for _, p := range parts {
		out = append(append(out, '/'), p...)
	}
	return out
}

// kept is a token as the house keeps it.
func (h *house) kept(token string) string { return h.manager().Flow.LinkID(token) }

func (h *house) manager() *Manager {
	writer := message.Writer{Title: "Example", Name: "Example", URL: "https://login.example.org", Host: "login.example.org", Hash: func(token string) string { return "hash " + token }}
	m := &flow.Machine{People: h, Attempts: h, History: h, Changes: h, Secrets: plain{}, Writer: writer, Now: func() time.Time { return now },
		Params: person.Params{MemoryKiB: 8, Time: 1, Threads: 1}, Numbers: phone.Rules{Countries: []string{"US"}}}
	m.Policy.Idle, m.Policy.Length = time.Hour, 12*time.Hour
	return &Manager{People: h, Changes: h, Flow: m, Writer: writer, Now: m.Now}
}

const password = "walnut orbit ladder sky"

// atHome is the house of somebody with two apps, a number, a mail address and two
// sessions, of which the first is confirmed.
func atHome() *house {
	ada := person.New("ada", now.Add(-1000*time.Hour))
	ada.ID, ada.Display, ada.Email, ada.Password, ada.PasswordAt, ada.EnrolledAt = "ada-id", "Ada", "ada@example.org", "argon", now.Add(-900*time.Hour), now.Add(-800*time.Hour)
	app := func(id, name string) factor.Factor {
		f := factor.New(factor.App, ada.ID, name, []byte("secret"), now.Add(-800*time.Hour))
		f.ID = id
		return f
	}
	of := func(id, browser string) session.Session {
		return session.Stored(session.Row{ID: id, Person: ada.ID, Level: session.Two, Method: "app", MadeAt: now.Add(-time.Hour), SeenAt: now.Add(-time.Minute), EndsAt: now.Add(time.Hour),
			ConfirmedAt: now.Add(-time.Minute), PasswordAt: now.Add(-time.Minute), Agent: browser, Known: "known-1", Version: 1})
	}
	number := phone.New(ada.ID, phone.Number{E164: "+12025550143", Country: "US"}, now.Add(-800*time.Hour), false)
	number.ID = "phone-1"
	return &house{ada: &ada, factors: []factor.Factor{app("app-1", "Phone"), app("app-2", "Tablet")}, phones: []phone.Phone{number},
		sessions: []session.Session{of("session-1", "Firefox"), of("session-2", "Safari")},
		browsers: []session.KnownBrowser{{ID: "known-1", Person: ada.ID, Agent: "Firefox"}, {ID: "known-2", Person: ada.ID, Agent: "Safari"}},
		links:    map[string]person.Link{}, alive: map[person.LinkKind]person.Link{}, limits: map[string]limit.State{}}
}

// owner is Ada in her first session.
func (h *house) owner() Owner {
	return Owner{Signed: &flow.Signed{Session: h.sessions[0], Person: *h.ada, Factors: h.factors, Phones: h.phones, Now: now},
		Client: flow.Client{Agent: "Firefox", Shown: "198.51.100.7"}}
}

// said is what the house was told to change, an effect a line.
func (h *house) said() string {
	var lines []string
	for _, set := range h.applied {
		for _, effect := range set {
			lines = append(lines, worded(effect))
		}
	}
	return random.ReplaceAllString(strings.Join(lines, "\n"), "NEW")
}

// random is the id of a row that was made.
var random = regexp.MustCompile(`[A-Z2-7]{26}`)

// sinceNow is a moment as the golden file writes it.
func sinceNow(at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return at.Sub(now).String()
}

func flags(pairs ...any) (text string) {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i].(bool) {
			text += " " + pairs[i+1].(string)
		}
	}
	return text
}

// worded puts an effect into words: all of it that a rule decides.
func worded(effect change.Effect) string {
	switch e := effect.(type) {
	case person.Added:
		return "added " + described(e.Person)
	case person.Saved:
		return "saved " + described(e.Person)
	case person.Unchanged:
		return fmt.Sprintf("if %s is at %d", e.ID, e.Version)
	case person.LinkMade:
		return fmt.Sprintf("link %s of %s for %s%s %s", e.Link.Kind, e.Link.Person, e.Link.EndsAt.Sub(e.Link.MadeAt), flags(e.Replace, "in place of others"), about(e.Link))
	case person.LinkSpent:
		return "link spent " + sinceNow(e.At)
	case person.LinksReplaced:
		return fmt.Sprintf("links %s of %s replaced", e.Kind, e.Person)
	case factor.Ended:
		return fmt.Sprintf("app %s of %s ends: %s", e.ID, e.Person, e.Why)
	case factor.EndedAll:
		return fmt.Sprintf("factors %s of %s end: %s", e.Kind, e.Person, e.Why)
	case factor.Voided:
		return fmt.Sprintf("factor %s of %s is void", e.ID, e.Person)
	case factor.Renamed:
		return fmt.Sprintf("app %s of %s is called %s", e.ID, e.Person, e.Name)
	case phone.EndedAll:
		return "numbers of " + e.Person + " end"
	case phone.Voided:
		return fmt.Sprintf("number %s of %s is void", e.ID, e.Person)
	case session.EndedAll:
		return fmt.Sprintf("sessions of %s end but %q: %s", e.Person, e.Except, e.Why)
	case session.Ended:
		return fmt.Sprintf("session %s of %s ends: %s", e.ID, e.Person, e.Why)
	case session.Saved:
		return fmt.Sprintf("banner %s %v %d", e.Session.Data.Notice, e.Session.Data.NoticeArgs, e.Session.Data.SignedOut)
	case session.ForgotAll:
		return fmt.Sprintf("browsers of %s forgotten but %q", e.Person, e.Except)
	case session.Forgot:
		return fmt.Sprintf("browser %s of %s forgotten", e.ID, e.Person)
	case flow.AttemptsEnded:
		return fmt.Sprintf("attempts of %s end: %s", e.Person, e.Why)
	case flow.SetupsDropped:
		return "set-ups of " + e.Person + " dropped"
	case flow.RecoveryEnded:
		return fmt.Sprintf("recovery of %s ends: %s", e.Person, e.Why)
	case message.Queued:
		return fmt.Sprintf("%s %s to %s", e.Message.Way, e.Message.Kind, e.Message.To)
	case message.QueuedOnce:
		return fmt.Sprintf("%s %s to %s", e.Message.Way, e.Message.Kind, e.Message.To)
	case message.Forgiven:
		return fmt.Sprintf("forgiven %q %q %s", e.Prefix, e.Country, sinceNow(e.At))
	case limit.Spent:
		return fmt.Sprintf("takes %s", e.Key)
	case limit.Cleared:
		return fmt.Sprintf("clears %q", e.Keys)
	case audit.Entry:
		return fmt.Sprintf("logs %s of %s by %s%s", e.Event, e.Person, e.Actor, strings.Join(noted(" method ", e.Method, " reason ", e.Reason, " note ", e.Note, " from ", e.Address), ""))
	}
	return fmt.Sprintf("%T", effect)
}

func noted(pairs ...string) (list []string) {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			list = append(list, pairs[i]+pairs[i+1])
		}
	}
	return list
}

// about is what a link is tied to.
func about(l person.Link) string {
	if l.Kind != person.Dispute {
		return string(l.Data)
	}
	return "about " + string(l.Data)[:min(len(l.Data), 40)]
}

func described(p person.Person) string {
	return fmt.Sprintf("%s %q %s %v%s, reset %s %s, held %s %s, off %s", p.Name, p.Display, p.Email, p.Groups,
		flags(p.Operator, "operator", p.Password != "", "password", p.MustChange, "must-change", p.SetupDue, "setup-due", p.TurnedOff, "2fa-off", p.MailedPassword, "mailed", p.Enrolled(), "enrolled"),
		sinceNow(p.ResetAt), p.ResetWhy, sinceNow(p.HeldAt), p.HeldWhy, sinceNow(p.DisabledAt))
}
