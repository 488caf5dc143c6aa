package server_test

import (
	"fmt"
	"testing"
	"time"

	"sallyport/core/fault"
	"sallyport/core/limit"
	"sallyport/core/manage"
)

// owner is the session of somebody who has just confirmed who they are.
func (m *member) owner() manage.Owner {
	m.Helper()
	s, err := m.machine.Signed(m.Context(), m.session)
	if err != nil || s == nil || s.Over != "" {
		m.Fatalf("no session: %v", err)
	}
	return manage.Owner{Signed: s, Client: m.client}
}

func TestManyAccountsFillNobodysMailbox(t *testing.T) {
	t.Parallel()
	h := open(t)
	ask := func(address string) error {
		return h.core.Manage.AskMail(t.Context(), h.holder().signedIn().owner(), address)
	}
	for n := range limit.MailAddress.Max {
		address := []string{"victim@example.org", "Victim@example.org", fmt.Sprintf("victim+%d@example.org", n)}[n%3]
		if err := ask(address); err != nil {
			t.Fatalf("mail %d to %s: %v", n+1, address, err)
		}
	}
	for _, address := range []string{"victim@example.org", "VICTIM+once+more@example.org"} {
		f := fault.Of(ask(address))
		if f == nil || f.Kind != fault.TooMany || f.Word != "mail.wait" || f.Field != "mail" || f.Wait < 23*time.Hour {
			t.Errorf("one more to %s: %+v", address, f)
		}
	}
	if err := ask("somebody@example.org"); err != nil {
		t.Errorf("to another address: %v", err)
	}
	rows, err := h.store.Limits(t.Context(), []string{limit.MailAddress.Key(h.machine.MailID("victim@example.org")), limit.MailAddress.Key("victim@example.org")})
	if err != nil || len(rows) != 1 {
		t.Errorf("the address stands in clear in %v, %v", rows, err)
	}
	h.time = h.time.Add(25 * time.Hour)
	if err := ask("victim@example.org"); err != nil {
		t.Errorf("a day later: %v", err)
	}
}
