package grant

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/core/app"
	"sallyport/core/audit"
	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/core/session"
)

func TestARequestTravelsSealedForAnHour(t *testing.T) {
	v, k := opened()
	r := v.request(ScopeOpenID)
	r.At, r.State, r.MaxAge = 0, "s", seconds(5)
	text, err := k.Seal(r)
	if err != nil {
		t.Fatal(err)
	}
	r.At = now.UnixMilli()
	body, mac, _ := strings.Cut(text, ".")
	forged := base64.RawURLEncoding.EncodeToString([]byte(`{"Client":"wiki"}`))
	blank := base64.RawURLEncoding.EncodeToString([]byte(`not JSON`))
	for _, row := range []struct {
		name, text string
		after      time.Duration
		want       fault.Kind
	}{
		{"at once", text, 0, 0}, {"at an hour", text, RequestLife, 0}, {"a moment after", text, RequestLife + 1, fault.Gone},
		{"nothing", "", 0, fault.Denied}, {"without its seal", body, 0, fault.Denied}, {"with an empty one", body + ".", 0, fault.Denied}, {"another request", forged + "." + mac, 0, fault.Denied},
		{"a seal for another purpose", body + "." + k.mac("sid", body), 0, fault.Denied},
		{"the seal of nothing, alone", k.mac("request", ""), 0, fault.Denied},
		{"sealed, and no JSON", blank + "." + k.mac("request", blank), 0, fault.Denied}, {"sealed, and no base64", "{}." + k.mac("request", "{}"), 0, fault.Denied},
	} {
		v.now = now.Add(row.after)
		got, err := k.Open(row.text)
		if (err == nil) != (row.want == 0) || kind(err) != row.want || err == nil && !reflect.DeepEqual(got, r) {
			t.Errorf("%s: %+v, %v", row.name, got, err)
		}
	}
}

func TestWhatADecisionRestsOn(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(v *vault, r *Request, s *flow.Signed)
		want   Step
	}{
		{"agreed to just that", func(*vault, *Request, *flow.Signed) {}, Enter},
		{"agreed to more", func(v *vault, _ *Request, _ *flow.Signed) { v.consent.Scopes = []string{ScopeEmail, ScopeOpenID} }, Enter},
		{"agreed to less", func(_ *vault, r *Request, _ *flow.Signed) { r.Scopes = []string{ScopeOpenID, ScopeEmail} }, Ask},
		{"agreed to nothing", func(v *vault, _ *Request, _ *flow.Signed) { v.consent = nil }, Ask},
		{"the operator's own", func(v *vault, _ *Request, _ *flow.Signed) { v.consent, v.app.Client.NoConsent = nil, true }, Enter},
		{"anybody may listen there", func(_ *vault, r *Request, _ *flow.Signed) { r.Redirect = "http://127.0.0.1:7/cb" }, Ask},
		{"anybody may listen there, and it proves itself", func(v *vault, r *Request, _ *flow.Signed) {
			r.Redirect, v.app.Client.Auth, v.app.Client.Secret = "http://127.0.0.1:7/cb", app.AuthBasic, app.Kept("x")
		}, Enter},
		{"the session is over", func(_ *vault, _ *Request, s *flow.Signed) { s.Over = session.EndedByIdling }, SignIn},
		{"from before there were families", func(_ *vault, _ *Request, s *flow.Signed) { s.Session.Family = "" }, SignIn},
		{"in no group", func(_ *vault, _ *Request, s *flow.Signed) { s.Person.Groups = nil }, Forbid},
	} {
		v, k := opened()
		r, s := v.request(ScopeOpenID), v.signed()
		v.consent = &Consent{Person: "ADA", Client: "wiki", Scopes: []string{ScopeOpenID}}
		row.change(v, &r, s)
		asked, err := k.Look(t.Context(), r, k.Client("wiki"), s)
		if step := Next(r, asked); err != nil || step != row.want {
			t.Errorf("%s: step %d, want %d; %v", row.name, step, row.want, err)
		}
	}
	v, k := opened()
	v.down = "consent"
	if _, err := k.Look(t.Context(), v.request(), k.Client("wiki"), v.signed()); !errors.Is(err, errDown) {
		t.Errorf("not read: %v", err)
	}
	v.app.Client.NoConsent = true
	if _, err := k.Look(t.Context(), v.request(), k.Client("wiki"), v.signed()); err != nil {
		t.Errorf("read where nobody is asked: %v", err)
	}
	if asked, err := k.Look(t.Context(), v.request(), k.Client("wiki"), nil); err != nil || asked.Signed || !asked.Now.Equal(now) {
		t.Errorf("of nobody: %+v, %v", asked, err)
	}
}

func TestWhatAGrantSays(t *testing.T) {
	v, k := opened()
	code := give(t, v, k, ScopeOpenID, ScopeEmail)
	g := v.by(code)
	shown := now.Add(-30 * time.Minute)
	want := Grant{ID: g.ID, Client: "wiki", Person: "ADA", Family: "F", Code: flow.HashToken(code), MadeAt: now, CodeEndsAt: now.Add(CodeLife), EndsAt: v.session.EndsAt, TellAt: v.session.EndsAt,
		Data: Data{Redirect: "https://wiki.example.org/cb", Challenge: "c", Nonce: "n", Scopes: []string{ScopeOpenID, ScopeEmail}, Level: session.Two, Method: "app", AuthAt: shown, Class: ClassTwo}}
	if !reflect.DeepEqual(g, want) || len(g.ID) != 26 || !strings.HasPrefix(code, "ac_") || len(code) != 29 {
		t.Errorf("%+v\nwant %+v", g, want)
	}
	if entered := v.wrote[1]; entered.Event != audit.AppEntered || entered.Note != "wiki" || entered.Address != "192.0.2.7" || entered.Agent != "Firefox" || entered.Request != "R" || entered.Actor != "ADA" {
		t.Errorf("%+v", entered)
	}
	same(t, "said yes", v.events(), []audit.Event{audit.ConsentGiven, audit.AppEntered})
	if c := v.consent; c.ID != consentID("ADA", "wiki") || c.Person != "ADA" || c.Client != "wiki" || !slices.Equal(c.Scopes, []string{ScopeOpenID, ScopeEmail}) || !c.MadeAt.Equal(now) {
		t.Errorf("%+v", c)
	}
	give(t, v, k, ScopeGroups, ScopeEmail)
	if !slices.Equal(v.consent.Scopes, []string{ScopeOpenID, ScopeEmail, ScopeGroups}) {
		t.Errorf("agreed to %v", v.consent.Scopes)
	}
	v.events()
	v.app.Client.BackChannel = ""
	if g := v.by(give(t, v, k, ScopeOpenID)); !g.TellAt.IsZero() {
		t.Errorf("told at %s where nobody listens", g.TellAt)
	}
	v.events()
	v.consent, v.app.Client.NoConsent = nil, true
	give(t, v, k, ScopeOpenID)
	same(t, "where nobody is asked", v.events(), []audit.Event{audit.AppEntered})
	if v.consent != nil {
		t.Errorf("remembered is %+v", v.consent)
	}
	v.app.Client.NoConsent = false
	if _, err := k.Give(t.Context(), v.request(ScopeOpenID), k.Client("wiki"), v.signed(), Asked{Now: now}, flow.Client{}); err != nil || v.consent != nil {
		t.Errorf("who was not asked agreed to %+v, %v", v.consent, err)
	}
}

func TestConsentsHaveTheirOwnNames(t *testing.T) {
	names := map[string]bool{}
	for _, pair := range [][2]string{{"a", "b"}, {"b", "a"}, {"ab", ""}, {"", "ab"}, {"a", "bc"}, {"ab", "c"}} {
		names[consentID(pair[0], pair[1])] = true
	}
	if len(names) != 6 {
		t.Error(slices.Collect(maps.Keys(names)))
	}
}

func TestWhatOutlivesASession(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(v *vault)
		scopes []string
		want   bool
	}{
		{"asked for, allowed, by both factors", func(*vault) {}, []string{ScopeOpenID, ScopeOffline}, true},
		{"not asked for", func(*vault) {}, []string{ScopeOpenID}, false},
		{"not allowed", func(v *vault) { v.app.Client.Refresh = false }, []string{ScopeOpenID, ScopeOffline}, false},
		{"by one factor", func(v *vault) {
			s := v.session.Row
			s.Level = session.One
			*v.session = session.Stored(s)
		}, []string{ScopeOpenID, ScopeOffline}, false},
	} {
		v, k := opened()
		row.change(v)
		g := v.by(give(t, v, k, row.scopes...))
		want, ends := []string{ScopeOpenID}, v.session.EndsAt
		if row.want {
			want, ends = []string{ScopeOpenID, ScopeOffline}, now.Add(OfflineLife)
		}
		if g.Offline != row.want || !slices.Equal(g.Data.Scopes, want) || !g.EndsAt.Equal(ends) {
			t.Errorf("%s: %+v", row.name, g)
		}
		tokens, err := k.Issue(t.Context(), g, g.Data.Scopes, "")
		if err != nil || (tokens.Refresh != "") != row.want {
			t.Errorf("%s: %+v, %v", row.name, tokens, err)
		}
	}
}

// Between the decision and the grant somebody may have ended what it rests on.
func TestNoGrantOfWhatHasChangedMeanwhile(t *testing.T) {
	for name, row := range map[string]struct {
		change func(v *vault)
		want   fault.Kind
	}{
		"the person": {func(v *vault) { v.ada.Version++ }, fault.Gone}, "the session": {func(v *vault) { v.session = nil }, fault.Gone}, "the database is down": {func(v *vault) { v.down = "apply" }, 0},
	} {
		v, k := opened()
		s := v.signed()
		row.change(v)
		code, err := k.Give(t.Context(), v.request(ScopeOpenID), k.Client("wiki"), s, Asked{Now: now, Answered: true}, flow.Client{})
		if code != "" || err == nil || kind(err) != row.want || len(v.grants) != 0 || len(v.wrote) != 0 || row.want == 0 && !errors.Is(err, errDown) {
			t.Errorf("%s: %q, %v", name, code, err)
		}
	}
}

func TestASessionHasAnotherNameForEachClient(t *testing.T) {
	_, k := opened()
	names := map[string]bool{}
	for _, pair := range [][2]string{{"F", "wiki"}, {"F", "chat"}, {"G", "wiki"}, {"Fw", "iki"}} {
		names[k.Sid(pair[0], pair[1])] = true
	}
	again := k.Sid("F", "wiki")
	if len(names) != 4 || !names[again] || strings.ContainsAny(k.Sid("F", "wiki"), "+/=") {
		t.Errorf("%d names, %s", len(names), k.Sid("F", "wiki"))
	}
}

func TestAnAppIsToldThatASessionIsOver(t *testing.T) {
	v, k := opened()
	kept := &shelf{}
	w := Words{Keeper: k, Signer: &Signer{Issuer: "https://id.example.org", Store: kept, Changes: kept, Now: func() time.Time { return now }}}
	v.app.Client.Algorithm = ES256
	address, token, err := w.Farewell(t.Context(), Farewell{Grant: "G", Client: "wiki", Person: "ADA", Family: "F"})
	if err != nil || address != "https://wiki.example.org/bye" {
		t.Fatalf("told at %q, %v", address, err)
	}
	parts := strings.Split(token, ".")
	var head, all map[string]any
	for i, into := range []*map[string]any{&head, &all} {
		text, _ := base64.RawURLEncoding.DecodeString(parts[i])
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatal(err)
		}
	}
	jti, _ := all["jti"].(string)
	delete(all, "jti")
	want := map[string]any{"iss": "https://id.example.org", "aud": "wiki", "sub": "ADA", "sid": k.Sid("F", "wiki"), "iat": float64(now.Unix()), "exp": float64(now.Unix() + 120),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}
	if !reflect.DeepEqual(all, want) || len(jti) != 26 || head["typ"] != "logout+jwt" || head["alg"] != ES256 || head["kid"] != kept.keys[0].KID {
		t.Errorf("%v %v\nwant %v", head, all, want)
	}
	for name, silent := range map[string]func(){
		"no address": func() { v.app.Client.BackChannel = "" }, "no client": func() { v.app.Client, v.app.Addresses = nil, []string{"https://wiki.example.org"} }, "no app": func() { v.gone = true },
	} {
		v, k = opened()
		w.Keeper = k
		silent()
		if address, token, err := w.Farewell(t.Context(), Farewell{Client: "wiki", Person: "ADA", Family: "F"}); address != "" || token != "" || err != nil {
			t.Errorf("%s: %q, %q, %v", name, address, token, err)
		}
	}
	_, w.Keeper = opened()
	w.Signer.Store = broken{}
	w.Signer.read = time.Time{}
	if _, token, err := w.Farewell(t.Context(), Farewell{Client: "wiki"}); !errors.Is(err, errDown) || token != "" {
		t.Errorf("no key can be read: %q, %v", token, err)
	}
}
