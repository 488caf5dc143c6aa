package grant

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/core/audit"
	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/core/session"
)

func kind(err error) fault.Kind {
	if f, ok := errors.AsType[*fault.Fault](err); ok {
		return f.Kind
	}
	return 0
}

func TestTheLivesOfWhatAGrantGives(t *testing.T) {
	for what, row := range map[string][2]time.Duration{
		"code": {CodeLife, 60 * time.Second}, "ID token": {IDLife, 3600 * time.Second}, "family": {OfflineLife, 2592000 * time.Second}, "refresh token that nobody uses": {OfflineIdle, 604800 * time.Second},
		"request": {RequestLife, 3600 * time.Second}, "logout token": {FarewellLife, 120 * time.Second},
	} {
		if row[0] != row[1] {
			t.Errorf("%s: %s, want %s", what, row[0], row[1])
		}
	}
}

func TestACodeIsGoodOnceAndForAMinute(t *testing.T) {
	for _, row := range []struct {
		after time.Duration
		good  bool
	}{{0, true}, {CodeLife - 1, true}, {CodeLife, false}} {
		v, k := opened()
		code := give(t, v, k, ScopeOpenID)
		v.now = now.Add(row.after)
		_, err := k.Spend(t.Context(), code, "wiki")
		if (err == nil) != row.good || err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("after %s: %v", row.after, err)
		}
		// Who comes too late is no thief.
		if g := v.by(code); !g.EndedAt.IsZero() || g.SpentAt.IsZero() == row.good {
			t.Errorf("after %s: spent at %s, ended %s", row.after, g.SpentAt, g.EndedWhy)
		}
	}
}

func TestACodeThatIsShownTwiceEndsWhatItGave(t *testing.T) {
	v, k := opened()
	code := give(t, v, k, ScopeOpenID, ScopeOffline)
	_, tokens := redeem(t, k, code)
	v.events()
	for _, unknown := range []struct{ code, client string }{{"ac_x", "wiki"}, {"", "wiki"}, {code, "other"}, {code, ""}} {
		if _, err := k.Spend(t.Context(), unknown.code, unknown.client); !errors.Is(err, ErrInvalid) {
			t.Errorf("%v: %v", unknown, err)
		}
	}
	// Or a client could end what another was given.
	if _, err := k.Token(t.Context(), tokens.Access, Access); err != nil {
		t.Errorf("after another client has shown the code: %v", err)
	}
	if _, err := k.Spend(t.Context(), code, "wiki"); !errors.Is(err, ErrInvalid) || v.by(code).EndedWhy != EndedByReuse {
		t.Errorf("shown twice: %v, ended %q", err, v.by(code).EndedWhy)
	}
	if len(v.wrote) != 1 || v.wrote[0].Actor != audit.Portal || v.wrote[0].Person != "ADA" || v.wrote[0].Note != "wiki" {
		t.Errorf("written down is %+v", v.wrote)
	}
	same(t, "shown twice", v.events(), []audit.Event{audit.CodeReused})
	for _, token := range []string{tokens.Access, tokens.Refresh} {
		if _, err := k.Token(t.Context(), token, ""); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s after its end: %v", token[:3], err)
		}
	}
	if _, err := k.Refreshed(t.Context(), tokens.Refresh, "wiki"); !errors.Is(err, ErrInvalid) {
		t.Errorf("refreshed after its end: %v", err)
	}
}

// The code is spent whatever comes of it, so that nobody tries it again later.
func TestACodeIsSpentBeforeItIsJudged(t *testing.T) {
	v, k := opened()
	code := give(t, v, k, ScopeOpenID)
	v.ada.Groups = nil
	if _, err := k.Spend(t.Context(), code, "wiki"); !errors.Is(err, ErrInvalid) {
		t.Errorf("out of the group: %v", err)
	}
	v.ada.Groups = []string{"staff"}
	if _, err := k.Spend(t.Context(), code, "wiki"); !errors.Is(err, ErrInvalid) || v.by(code).EndedWhy != EndedByReuse {
		t.Errorf("in it again: %v, ended %q", err, v.by(code).EndedWhy)
	}
}

func TestARefreshTokenIsReplacedWithEachUse(t *testing.T) {
	v, k := opened()
	known, first := redeem(t, k, give(t, v, k, ScopeOpenID, ScopeEmail, ScopeOffline))
	v.events()
	if !strings.HasPrefix(first.Access, "at_") || !strings.HasPrefix(first.Refresh, "rt_") || len(first.Access) != 55 || len(first.Refresh) != 55 {
		t.Errorf("tokens %s, %s", first.Access, first.Refresh)
	}
	v.now = now.Add(OfflineIdle - 1)
	again, err := k.Refreshed(t.Context(), first.Refresh, "wiki")
	if err != nil || again.Grant.ID != known.Grant.ID || again.Person.ID != "ADA" || again.App.ID != "wiki" {
		t.Fatalf("%+v, %v", again, err)
	}
	second, err := k.Issue(t.Context(), again.Grant, []string{ScopeOpenID}, first.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	if got := v.tokens[flow.HashToken(second.Access)]; got.Kind != Access || !slices.Equal(got.Scopes, []string{ScopeOpenID}) || !got.EndsAt.Equal(v.now.Add(10*time.Minute)) || !second.EndsAt.Equal(got.EndsAt) || !got.MadeAt.Equal(v.now) {
		t.Errorf("the access token is %+v", got)
	}
	// Who asks for less this time may ask for all the next.
	if got := v.tokens[flow.HashToken(second.Refresh)]; got.Kind != Refresh || !slices.Equal(got.Scopes, []string{ScopeOpenID, ScopeEmail, ScopeOffline}) || !got.EndsAt.Equal(v.now.Add(OfflineIdle)) {
		t.Errorf("the refresh token is %+v", got)
	}
	same(t, "refreshed", v.events(), nil)
	for _, row := range []struct{ token, client string }{{"rt_x", "wiki"}, {second.Access, "wiki"}, {second.Refresh, "other"}, {first.Refresh, "other"}} {
		if _, err := k.Refreshed(t.Context(), row.token, row.client); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s of %s: %v", row.token[:3], row.client, err)
		}
	}
	if _, err := k.Refreshed(t.Context(), second.Refresh, "wiki"); err != nil {
		t.Fatalf("after others have shown it: %v", err)
	}
	if _, err := k.Refreshed(t.Context(), first.Refresh, "wiki"); !errors.Is(err, ErrInvalid) || v.grants[known.Grant.ID].EndedWhy != EndedByReuse {
		t.Errorf("the old one: %v, ended %q", err, v.grants[known.Grant.ID].EndedWhy)
	}
	same(t, "the old one", v.events(), []audit.Event{audit.RefreshReused})
	if _, err := k.Refreshed(t.Context(), second.Refresh, "wiki"); !errors.Is(err, ErrInvalid) {
		t.Errorf("the new one, after the old one was shown: %v", err)
	}
}

func TestOfTwoWhoRefreshAtOnceOneEndsTheGrant(t *testing.T) {
	v, k := opened()
	known, first := redeem(t, k, give(t, v, k, ScopeOpenID, ScopeOffline))
	v.events()
	if _, err := k.Issue(t.Context(), known.Grant, nil, first.Refresh); err != nil {
		t.Fatal(err)
	}
	tokens, err := k.Issue(t.Context(), known.Grant, nil, first.Refresh)
	if !errors.Is(err, ErrInvalid) || tokens != (Tokens{}) || v.grants[known.Grant.ID].EndedWhy != EndedByReuse {
		t.Errorf("%v, %+v, ended %q", err, tokens, v.grants[known.Grant.ID].EndedWhy)
	}
	same(t, "at once", v.events(), []audit.Event{audit.RefreshReused})
}

func TestNoTokenOutlivesItsGrant(t *testing.T) {
	v, k := opened()
	code := give(t, v, k, ScopeOpenID, ScopeOffline)
	g := v.by(code)
	if !g.Offline || !g.EndsAt.Equal(now.Add(OfflineLife)) {
		t.Fatalf("%+v", g)
	}
	for _, row := range []struct {
		left            time.Duration
		access, refresh time.Duration
	}{
		{OfflineIdle + 1, 10 * time.Minute, OfflineIdle}, {OfflineIdle, 10 * time.Minute, OfflineIdle}, {OfflineIdle - 1, 10 * time.Minute, OfflineIdle - 1},
		{10 * time.Minute, 10 * time.Minute, 10 * time.Minute}, {10*time.Minute - 1, 10*time.Minute - 1, 10*time.Minute - 1},
	} {
		v.now = g.EndsAt.Add(-row.left)
		tokens, err := k.Issue(t.Context(), g, nil, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := v.tokens[flow.HashToken(tokens.Refresh)].EndsAt.Sub(v.now); !tokens.EndsAt.Equal(v.now.Add(row.access)) || got != row.refresh {
			t.Errorf("%s before its end: access for %s, refresh for %s", row.left, tokens.EndsAt.Sub(v.now), got)
		}
	}
	v.now, v.app.Client.AccessMinutes, g.Offline = now, 3, false
	tokens, err := k.Issue(t.Context(), g, nil, "")
	if err != nil || tokens.Refresh != "" || !tokens.EndsAt.Equal(now.Add(3*time.Minute)) {
		t.Errorf("of what is not offline: %+v, %v", tokens, err)
	}
	v.gone = true
	if _, err := k.Issue(t.Context(), g, nil, ""); !errors.Is(err, ErrInvalid) {
		t.Errorf("the app is gone: %v", err)
	}
}

func TestWhetherAHeldTokenIsInTime(t *testing.T) {
	good := Held{Token: Token{EndsAt: now.Add(1)}, Grant: Grant{EndsAt: now.Add(1)}}
	for name, row := range map[string]struct {
		change func(h *Held)
		want   bool
	}{
		"both a moment before their end": {func(*Held) {}, true}, "the token at its end": {func(h *Held) { h.Token.EndsAt = now }, false}, "the grant at its end": {func(h *Held) { h.Grant.EndsAt = now }, false},
		"the token spent": {func(h *Held) { h.Token.SpentAt = now }, false}, "the grant ended": {func(h *Held) { h.Grant.EndedAt = now }, false}, "nothing": {func(h *Held) { *h = Held{} }, false},
	} {
		h := good
		if row.change(&h); h.good(now) != row.want {
			t.Errorf("%s: %v", name, h.good(now))
		}
	}
}

func TestATokenIsWorthWhatItsGrantIsWorthNow(t *testing.T) {
	for _, row := range []struct {
		name    string
		change  func(v *vault)
		online  bool // what hangs on the session is worth something
		offline bool // what outlives it is
	}{
		{"as it was", func(*vault) {}, true, true},
		{"the person is disabled", func(v *vault) { v.ada.DisabledAt = now }, false, false},
		{"the person is held", func(v *vault) { v.ada.HeldAt = now }, false, false},
		{"the person is gone", func(v *vault) { v.ada = nil }, false, false},
		{"the person is in no group", func(v *vault) { v.ada.Groups = nil }, false, false},
		{"the app is gone", func(v *vault) { v.gone = true }, false, false},
		{"the app speaks no OpenID Connect", func(v *vault) { v.app.Client, v.app.Addresses = nil, []string{"https://wiki.example.org"} }, false, false},
		{"the app asks for both within half an hour", func(v *vault) { v.app.Need.Within = 30 * time.Minute }, false, false},
		{"within a minute more", func(v *vault) { v.app.Need.Within = 31 * time.Minute }, true, true},
		{"the session has ended", func(v *vault) { v.session = nil }, false, true},
		{"the session is another's", func(v *vault) { v.session.Person = "EVE" }, false, true},
		{"the session is at its end", func(v *vault) { v.session.EndsAt = v.now }, false, true},
		{"the session is a moment before it", func(v *vault) { v.session.EndsAt = v.now.Add(1) }, true, true},
		{"the session idles", func(v *vault) { v.session.SeenAt = v.now.Add(-8 * time.Hour) }, false, true},
		{"the session proves one factor now", func(v *vault) {
			s := v.session.Row
			s.Level = session.One
			*v.session = session.Stored(s)
		}, false, true},
		{"the grant has ended with an incident", func(v *vault) {
			for id, g := range v.grants {
				g.EndedAt, g.EndedWhy = now, EndedByIncident
				v.grants[id] = g
			}
		}, false, false},
	} {
		for _, scopes := range [][]string{{ScopeOpenID}, {ScopeOpenID, ScopeOffline}} {
			v, k := opened()
			_, tokens := redeem(t, k, give(t, v, k, scopes...))
			row.change(v)
			want := row.online
			if len(scopes) == 2 {
				want = row.offline
				if _, err := k.Refreshed(t.Context(), tokens.Refresh, "wiki"); (err == nil) != want || err != nil && !errors.Is(err, ErrInvalid) {
					t.Errorf("%s: refreshed: %v", row.name, err)
				}
			}
			known, err := k.Token(t.Context(), tokens.Access, Access)
			if (err == nil) != want || err != nil && !errors.Is(err, ErrInvalid) || (known != nil) != want {
				t.Errorf("%s, %v: %v", row.name, scopes, err)
			}
		}
	}
}

func TestAClientThatMayNoLongerRefresh(t *testing.T) {
	v, k := opened()
	_, tokens := redeem(t, k, give(t, v, k, ScopeOpenID, ScopeOffline))
	v.app.Client.Refresh = false
	if _, err := k.Refreshed(t.Context(), tokens.Refresh, "wiki"); !errors.Is(err, ErrInvalid) {
		t.Errorf("refreshed: %v", err)
	}
	if _, err := k.Token(t.Context(), tokens.Access, Access); err != nil {
		t.Errorf("what it has still counts: %v", err)
	}
}

func TestARefreshTokenAtItsEnd(t *testing.T) {
	v, k := opened()
	_, tokens := redeem(t, k, give(t, v, k, ScopeOpenID, ScopeOffline))
	v.now = now.Add(OfflineIdle)
	if _, err := k.Refreshed(t.Context(), tokens.Refresh, "wiki"); !errors.Is(err, ErrInvalid) {
		t.Errorf("%v", err)
	}
	for _, g := range v.grants {
		if !g.EndedAt.IsZero() {
			t.Errorf("who comes too late has ended it: %s", g.EndedWhy)
		}
	}
}

func TestATokenIsOfOneKind(t *testing.T) {
	v, k := opened()
	_, tokens := redeem(t, k, give(t, v, k, ScopeOpenID, ScopeOffline))
	for _, row := range []struct {
		token string
		kind  Kind
		good  bool
	}{
		{tokens.Access, Access, true}, {tokens.Access, "", true}, {tokens.Access, Refresh, false}, {tokens.Refresh, Refresh, true}, {tokens.Refresh, "", true}, {tokens.Refresh, Access, false},
		{"at_x", Access, false}, {"at_x", "", false}, {"", "", false},
	} {
		if _, err := k.Token(t.Context(), row.token, row.kind); (err == nil) != row.good || err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("%.3s as %q: %v", row.token, row.kind, err)
		}
	}
}

func TestAClientGivesBackItsOwnAlone(t *testing.T) {
	v, k := opened()
	known, tokens := redeem(t, k, give(t, v, k, ScopeOpenID, ScopeOffline))
	alive := func(want ...bool) {
		t.Helper()
		for i, token := range []string{tokens.Access, tokens.Refresh} {
			if _, err := k.Token(t.Context(), token, ""); (err == nil) != want[i] {
				t.Errorf("%s: %v", token[:3], err)
			}
		}
	}
	for _, row := range []struct{ token, client string }{{"at_x", "wiki"}, {"", ""}, {tokens.Access, "other"}, {tokens.Refresh, "other"}, {tokens.Refresh, ""}} {
		if err := k.Revoke(t.Context(), row.token, row.client); err != nil {
			t.Errorf("%v: %v", row, err)
		}
	}
	alive(true, true)
	if err := k.Revoke(t.Context(), tokens.Access, "wiki"); err != nil {
		t.Error(err)
	}
	alive(false, true)
	_, tokens = redeem(t, k, give(t, v, k, ScopeOpenID, ScopeOffline))
	if err := k.Revoke(t.Context(), tokens.Refresh, "wiki"); err != nil {
		t.Error(err)
	}
	alive(false, false)
	ended := 0
	for _, g := range v.grants {
		if g.EndedWhy == EndedByClient {
			ended++
		}
	}
	if ended != 1 || v.grants[known.Grant.ID].EndedWhy != "" {
		t.Errorf("%d have ended", ended)
	}
}

func TestAnAssertionIsGoodOnceForEachClient(t *testing.T) {
	v, k := opened()
	for _, row := range []struct {
		client, name string
		good         bool
	}{{"wiki", "J", true}, {"wiki", "J", false}, {"wiki", "K", true}, {"chat", "J", true}} {
		if err := k.SpendAssertion(t.Context(), row.client, row.name, now.Add(time.Minute)); (err == nil) != row.good || err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("%v: %v", row, err)
		}
	}
	v.down = "apply"
	if err := k.SpendAssertion(t.Context(), "wiki", "L", now); !errors.Is(err, errDown) {
		t.Errorf("not written: %v", err)
	}
}

func TestAWithdrawnConsentEndsWhatRestedOnIt(t *testing.T) {
	v, k := opened()
	_, tokens := redeem(t, k, give(t, v, k, ScopeOpenID, ScopeOffline))
	v.events()
	if err := k.Withdraw(t.Context(), v.signed(), "wiki", flow.Client{}); kind(err) != fault.Denied || v.consent == nil {
		t.Errorf("without a password: %v", err)
	}
	v.session.PasswordAt = now.Add(-session.Fresh)
	if err := k.Withdraw(t.Context(), v.signed(), "wiki", flow.Client{}); kind(err) != fault.Denied || v.consent == nil {
		t.Errorf("with one from five minutes ago: %v", err)
	}
	if _, err := k.Token(t.Context(), tokens.Access, Access); err != nil {
		t.Errorf("refused, and worth nothing: %v", err)
	}
	v.session.PasswordAt = now.Add(-session.Fresh + 1)
	v.down = "apply"
	if err := k.Withdraw(t.Context(), v.signed(), "wiki", flow.Client{}); !errors.Is(err, errDown) {
		t.Errorf("not written: %v", err)
	}
	v.down = ""
	if err := k.Withdraw(t.Context(), v.signed(), "wiki", flow.Client{Shown: "192.0.2.7"}); err != nil {
		t.Errorf("a moment before five minutes: %v", err)
	}
	if len(v.wrote) != 1 || v.wrote[0].Actor != "ADA" || v.wrote[0].Note != "wiki" || v.wrote[0].Address != "192.0.2.7" {
		t.Errorf("written down is %+v", v.wrote)
	}
	same(t, "withdrawn", v.events(), []audit.Event{audit.ConsentWithdrawn})
	for _, token := range []string{tokens.Access, tokens.Refresh} {
		if _, err := k.Token(t.Context(), token, ""); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", token[:3], err)
		}
	}
	if err := k.Withdraw(t.Context(), v.signed(), "wiki", flow.Client{}); kind(err) != fault.Gone {
		t.Errorf("twice: %v", err)
	}
	asked, err := k.Look(t.Context(), v.request(ScopeOpenID), k.Client("wiki"), v.signed())
	if err != nil || asked.Consent || Next(v.request(ScopeOpenID), asked) != Ask {
		t.Errorf("the app does not ask again: %+v, %v", asked, err)
	}
}

// What a database cannot say is a fault of ours, never the client's.
func TestWhatCannotBeReadIsNotCalledInvalid(t *testing.T) {
	for down, rows := range map[string][]func(k *Keeper, code string, t Tokens) error{
		"code": {func(k *Keeper, code string, _ Tokens) error { _, err := k.Spend(t.Context(), code, "wiki"); return err }},
		"apply": {
			func(k *Keeper, code string, _ Tokens) error { _, err := k.Spend(t.Context(), code, "wiki"); return err },
			func(k *Keeper, _ string, _ Tokens) error {
				_, err := k.Issue(t.Context(), Grant{Client: "wiki"}, nil, "")
				return err
			},
			func(k *Keeper, _ string, o Tokens) error {
				_, err := k.Issue(t.Context(), Grant{Client: "wiki"}, nil, o.Refresh)
				return err
			},
			func(k *Keeper, _ string, o Tokens) error { return k.Revoke(t.Context(), o.Access, "wiki") },
		},
		"token": {
			func(k *Keeper, _ string, o Tokens) error {
				_, err := k.Refreshed(t.Context(), o.Refresh, "wiki")
				return err
			},
			func(k *Keeper, _ string, o Tokens) error { _, err := k.Token(t.Context(), o.Access, ""); return err },
			func(k *Keeper, _ string, o Tokens) error { return k.Revoke(t.Context(), o.Access, "wiki") },
		},
		"person":  {func(k *Keeper, code string, _ Tokens) error { _, err := k.Spend(t.Context(), code, "wiki"); return err }},
		"session": {func(k *Keeper, code string, _ Tokens) error { _, err := k.Spend(t.Context(), code, "wiki"); return err }},
	} {
		for i, do := range rows {
			v, k := opened()
			_, tokens := redeem(t, k, give(t, v, k, ScopeOpenID, ScopeOffline))
			code := give(t, v, k, ScopeOpenID)
			v.down = down
			if err := do(k, code, tokens); !errors.Is(err, errDown) || errors.Is(err, ErrInvalid) {
				t.Errorf("%s, %d: %v", down, i, err)
			}
		}
	}
}

func TestOnlyAnAppThatSpeaksItIsAClient(t *testing.T) {
	_, k := opened()
	if a := k.Client("wiki"); a == nil || a.ID != "wiki" {
		t.Errorf("wiki is %+v", a)
	}
	for _, id := range []string{"site", "none", ""} {
		if a := k.Client(id); a != nil {
			t.Errorf("%q is %+v", id, a)
		}
	}
}
