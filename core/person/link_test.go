package person

import (
	"encoding/json"
	"testing"
	"time"
)

func TestWhatALinkIsAboutComesBack(t *testing.T) {
	asked := MailAsked{Address: "ada@example.org", Message: "m"}
	for about, row := range map[string]struct {
		data []byte
		want MailAsked
	}{
		"whole": {asked.Encode(), asked}, "nothing": {nil, MailAsked{}}, "no JSON": {[]byte(Mailed), MailAsked{}},
		"half of it": {[]byte(`{"Address":"ada@example.org","Message":7}`), MailAsked{}},
	} {
		if got := AskedMail(Link{Data: row.data}); got != row.want {
			t.Errorf("%s: %+v", about, got)
		}
	}
	disputed := Disputed{Event: "3", At: time.Date(2026, 11, 23, 14, 32, 0, 0, time.UTC), Factor: "f", Codes: true, Where: "Firefox"}
	var got Disputed
	if err := json.Unmarshal(disputed.Encode(), &got); err != nil || got != disputed {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAPersonIsShownByNameWhereNothingElseIsSet(t *testing.T) {
	for want, p := range map[string]Person{"ada": {Name: "ada"}, "Ada Lovelace": {Name: "ada", Display: "Ada Lovelace"}} {
		if got := p.Shown(); got != want {
			t.Errorf("%q", got)
		}
	}
}
