package manage

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"sallyport/core/audit"
	"sallyport/core/factor"
	"sallyport/core/flow"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/session"
)

// archive holds everything that is kept about Ada.
type archive Kept

func (a archive) Kept(context.Context, string) (Kept, error) { return Kept(a), nil }

// What somebody is handed who asks what is kept about them: all of it, in a golden
// file, and no secret among it.
func TestWhatIsHandedOutAboutSomebody(t *testing.T) {
	at := func(hours int) time.Time { return now.Add(time.Duration(hours) * time.Hour) }
	h := atHome()
	h.ada.Groups, h.ada.Operator, h.ada.MustBy, h.ada.ResetAt, h.ada.HeldAt, h.ada.DisabledAt = []string{"staff"}, true, at(1), at(2), at(3), at(4)
	text := message.New(ada, message.CodeKind, "+12025550143", "US", "123456 is your code", at(5), time.Hour)
	text.State, text.Gateway, text.DoneAt = message.Delivered, "twilio", at(6)
	mail := message.NewMail(ada, "set-up", "ada@example.org", "2FA is on", "secret words", at(7), time.Hour)
	attempt := flow.Attempt{ID: "attempt", Person: ada, Agent: "Firefox", Address: "198.51.100.7", MadeAt: at(8), SeenAt: at(9), EndedAt: at(10), EndedWhy: "done"}
	attempt.Data.TextCode.Number, attempt.Data.TextCode.Digits = "+12025550143", "654321"
	setup := flow.Setup{ID: "setup", Person: ada, Kind: flow.SetupFirst, Agent: "Firefox", MadeAt: at(11), SeenAt: at(12), EndsAt: at(13)}
	setup.Data.Number.E164 = "+12025550199"
	app := h.factors[0]
	app.UsedAt, app.EndedAt, app.EndedWhy = at(14), at(15), factor.EndedByRemoval
	number := h.phones[0]
	number.EndedAt = at(16)
	begun := h.sessions[0]
	begun.Address, begun.EndedAt, begun.EndedWhy = "198.51.100.7", at(17), session.EndedByFactor
	own, others := audit.New(at(18), audit.SignedIn, ada), audit.New(at(19), audit.Reset, ada)
	own.Actor, own.Method, own.Agent, own.Address = ada, "app", "Firefox", "198.51.100.7"
	others.Actor, others.Reason, others.Note = "cli:bob", "in-person", "showed her badge"
	kept := archive{
		Factors: []factor.Factor{app}, Phones: []phone.Phone{number}, Sessions: []session.Session{begun},
		Known:    []session.KnownBrowser{{ID: "known", Token: "cookie", Person: ada, Agent: "Firefox", Address: "198.51.100.7", MadeAt: at(20), SeenAt: at(21), EndsAt: at(22)}},
		Attempts: []flow.Attempt{attempt}, Setups: []flow.Setup{setup},
		Recoveries: []flow.Recovery{{ID: "recovery", Person: ada, AskedAt: at(23), Until: at(24), EndedAt: at(25), Ended: flow.ByChange}},
		Links: []person.Link{{ID: "link", Kind: person.Invitation, MadeAt: at(26), EndsAt: at(27), SpentAt: at(28)},
			{ID: "link", Kind: person.MailLink, MadeAt: at(29), EndsAt: at(30), Data: person.MailAsked{Address: "new@example.org"}.Encode()}},
		Messages: []message.Message{text, mail}, Entries: []audit.Entry{own, others}}
	d, err := h.manager().Export(ctx, kept, "cli:bob", ada)
	if err != nil {
		t.Fatal(err)
	}
	if want := "if ada-id is at 1\nlogs person-exported of ada-id by cli:bob"; h.said() != want {
		t.Errorf("that it was handed out is written as %q", h.said())
	}
	raw, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"argon", "secret", "123456", "654321", "cookie", "\"link\"", "recovery\"", "setup\""} {
		if strings.Contains(string(raw), secret) {
			t.Errorf("it holds %q", secret)
		}
	}
	const file = "testdata/dossier.json"
	if *update {
		if err := os.WriteFile(file, append(raw, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(raw)+"\n" != string(want) {
		t.Errorf("it is now\n%s", raw)
	}
	for n := range 3 {
		h := atHome()
		h.breaks = n + 1
		if d, err := h.manager().Export(ctx, kept, "cli:bob", ada); d != nil || !errors.Is(err, errDown) {
			t.Errorf("call %d fails: %v, %v", n+1, d, err)
		}
	}
	if _, err := atHome().manager().Export(ctx, kept, "cli:bob", "nobody"); err != ErrNoPerson {
		t.Errorf("of nobody: %v", err)
	}
}
