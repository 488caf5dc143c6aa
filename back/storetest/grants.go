package storetest

import (
	"time"

	"sallyport/core/change"
	"sallyport/core/grant"
	"sallyport/core/person"
	"sallyport/core/session"
)

// newGrant is a grant in a session that has been begun.
func newGrant(w *world) grant.Grant {
	w.Helper()
	s := newSession(id())
	s = issued(session.Row{ID: s.ID, Person: s.Person, Family: id(), MadeAt: now, SeenAt: now, EndsAt: at(12 * time.Hour), Version: 1})
	w.apply(session.Begun{Session: s})
	return grant.Grant{ID: id(), Client: "wiki", Person: s.Person, Family: s.Family, Code: id(), MadeAt: now, CodeEndsAt: at(grant.CodeLife), EndsAt: s.EndsAt, TellAt: s.EndsAt,
		Data: grant.Data{Redirect: "https://wiki.example.org/cb?a=b", Challenge: "c", Nonce: "n ä", Scopes: []string{"openid", "email"}, Level: session.Two, Method: "app", AuthAt: now, Class: grant.ClassTwo}}
}

func newToken(g grant.Grant, kind grant.Kind) grant.Token {
	return grant.Token{ID: id(), Kind: kind, Grant: g.ID, Scopes: []string{"openid", "email"}, MadeAt: now, EndsAt: at(10 * minute)}
}

// grants are codes, tokens and what they hang on.
func grants(w *world) {
	w.run("they come back whole", func(w *world) {
		g := newGrant(w)
		g.Offline = true
		access := newToken(g, grant.Access)
		w.apply(grant.Begun{Grant: g}, grant.Issued{Token: access})
		same(w.T, g, must(w.GrantByCode(ctx(), g.Code)))
		same(w.T, grant.Held{Token: access, Grant: g}, must(w.TokenHeld(ctx(), access.ID)))
		same(w.T, []grant.Grant{g}, new(must(w.GrantsOf(ctx(), g.Person))))
		c := grant.Consent{ID: id(), Person: g.Person, Client: "wiki", Scopes: []string{"openid"}, MadeAt: now}
		w.apply(grant.Consented{Consent: c})
		c.Scopes, c.MadeAt = []string{"openid", "email"}, at(minute)
		w.apply(grant.Consented{Consent: c})
		same(w.T, c, must(w.Consent(ctx(), g.Person, "wiki")))
		same(w.T, []grant.Consent{c}, new(must(w.Consents(ctx(), g.Person))))
		k := grant.Key{ID: id(), Algorithm: id(), KID: id(), Private: []byte("private"), MadeAt: now, UseAt: at(minute)}
		w.apply(grant.KeyMade{Key: k})
		w.refused(grant.KeyMade{Key: k})
		next := k
		next.ID = id()
		w.apply(grant.KeyMade{Key: next}, grant.KeyReplaced{ID: next.ID, Of: k.Algorithm, EndsAt: at(time.Hour)})
		k.EndsAt = at(time.Hour)
		for _, got := range must(w.SigningKeys(ctx())) {
			switch got.ID {
			case k.ID:
				same(w.T, k, &got)
			case next.ID:
				same(w.T, next, &got)
			}
		}
	})
	w.run("a code is spent by its client, in time, once", func(w *world) {
		g := newGrant(w)
		w.apply(grant.Begun{Grant: g})
		w.refused(grant.Begun{Grant: g})
		spend := grant.CodeSpent{Code: g.Code, Client: "wiki", At: at(time.Second)}
		other, late, none := spend, spend, spend
		other.Client, late.At, none.Code = "shop", at(grant.CodeLife), id()
		w.refused(other)
		w.refused(late)
		w.refused(none)
		w.apply(spend)
		w.refused(spend)
		ended := newGrant(w)
		w.apply(grant.Begun{Grant: ended}, grant.Ended{ID: ended.ID, Why: grant.EndedByReuse, At: now})
		w.refused(grant.CodeSpent{Code: ended.Code, Client: "wiki", At: now})
	})
	w.run("no grant without its session", func(w *world) {
		g := newGrant(w)
		stolen := g
		stolen.Person = id()
		w.refused(grant.Begun{Grant: stolen})
		w.apply(session.EndedAll{Person: g.Person, Why: session.EndedByOwner, At: now})
		w.refused(grant.Begun{Grant: g})
	})
	w.run("a refresh token is spent in time, once; an access token never", func(w *world) {
		g := newGrant(w)
		refresh, access, late := newToken(g, grant.Refresh), newToken(g, grant.Access), newToken(g, grant.Refresh)
		w.apply(grant.Begun{Grant: g}, grant.Issued{Token: refresh}, grant.Issued{Token: access}, grant.Issued{Token: late})
		w.refused(grant.Issued{Token: refresh})
		w.refused(grant.RefreshSpent{ID: access.ID, At: now})
		w.refused(grant.RefreshSpent{ID: late.ID, At: late.EndsAt})
		w.apply(grant.RefreshSpent{ID: refresh.ID, At: at(minute)})
		w.refused(grant.RefreshSpent{ID: refresh.ID, At: at(minute)})
		if got := must(w.TokenHeld(ctx(), refresh.ID)); !got.Token.SpentAt.Equal(at(minute)) {
			w.Errorf("it was spent at %v", got.Token.SpentAt)
		}
		w.apply(grant.AccessEnded{ID: late.ID}, grant.AccessEnded{ID: access.ID})
		if must(w.TokenHeld(ctx(), access.ID)) != nil || must(w.TokenHeld(ctx(), late.ID)) == nil {
			w.Error("the wrong one of two tokens is gone")
		}
	})
	w.run("of 64 one spends", func(w *world) {
		g, ended := newGrant(w), newGrant(w)
		refresh := newToken(g, grant.Refresh)
		w.apply(grant.Begun{Grant: g}, grant.Begun{Grant: ended}, grant.Issued{Token: refresh})
		name := id()
		for about, effect := range map[string]change.Effect{
			"a code":             grant.CodeSpent{Code: g.Code, Client: "wiki", At: now},
			"a refresh token":    grant.RefreshSpent{ID: refresh.ID, At: now},
			"an assertion":       grant.AssertionSpent{ID: name, EndsAt: at(minute)},
			"a signing key":      grant.KeyMade{Key: grant.Key{ID: name, Algorithm: name, Private: []byte{1}}},
			"its end":            grant.Ended{ID: ended.ID, Why: grant.EndedByReuse, At: now},
			"a farewell in hand": grant.Told{Farewell: grant.Farewell{Grant: g.ID, TellAt: g.TellAt}, Again: at(minute)},
		} {
			if won := w.race(writers, func(int) change.Set { return change.Set{effect} }); len(won) != 1 {
				w.Errorf("%s: %d won", about, len(won))
			}
		}
	})
	w.run("what is withdrawn ends, of that person at that app", func(w *world) {
		g := newGrant(w)
		elsewhere := g
		elsewhere.ID, elsewhere.Code, elsewhere.Client = id(), id(), "shop"
		w.refused(grant.Withdrawn{Person: g.Person, Client: "wiki", At: now})
		w.apply(grant.Begun{Grant: g}, grant.Begun{Grant: elsewhere}, grant.Consented{Consent: grant.Consent{ID: id(), Person: g.Person, Client: "wiki", MadeAt: now}})
		w.apply(grant.Withdrawn{Person: g.Person, Client: "wiki", At: at(minute)})
		if got := must(w.GrantByCode(ctx(), g.Code)); !got.EndedAt.Equal(at(minute)) || got.EndedWhy != grant.EndedByPerson {
			w.Errorf("it is %+v", got)
		}
		if got := must(w.GrantByCode(ctx(), elsewhere.Code)); !got.EndedAt.IsZero() {
			w.Errorf("that of another app is %+v", got)
		}
		if must(w.Consent(ctx(), g.Person, "wiki")) != nil {
			w.Error("the consent is still there")
		}
	})
	w.run("farewells", farewells)
}

// farewells are due when a session ends, and not when it goes on under a new name.
func farewells(w *world) {
	due := func(g grant.Grant, when time.Time) *grant.Farewell {
		for _, f := range must(w.Farewells(ctx(), when, 1000)) {
			if f.Grant == g.ID {
				return &f
			}
		}
		return nil
	}
	entered := func(w *world) grant.Grant {
		g := newGrant(w)
		w.apply(grant.Begun{Grant: g}, grant.CodeSpent{Code: g.Code, Client: "wiki", At: now})
		return g
	}
	g := entered(w)
	own := must(w.SessionOfFamily(ctx(), g.Family))
	renewed := issued(session.Row{ID: id(), Person: g.Person, Family: g.Family, MadeAt: now, SeenAt: now, EndsAt: own.EndsAt, Version: 1})
	w.apply(session.Ended{ID: own.ID, Person: g.Person, Why: session.EndedByRenewal, At: now}, session.Begun{Session: renewed})
	if due(g, at(minute)) != nil {
		w.Error("a session under a new name is over")
	}
	w.apply(session.Ended{ID: renewed.ID, Person: g.Person, Why: session.EndedByOwner, At: at(minute)})
	f := due(g, at(minute))
	if f == nil || f.Client != "wiki" || f.Person != g.Person || f.Family != g.Family {
		w.Fatalf("after it was signed out: %+v", f)
	}
	w.apply(grant.Told{Farewell: *f, Again: at(2 * minute)})
	if due(g, at(minute)) != nil || due(g, at(2*minute)) == nil {
		w.Error("taken in hand it is due at the wrong time")
	}
	again := due(g, at(2*minute))
	if again.Tries != 1 {
		w.Errorf("after one try they are %d", again.Tries)
	}
	w.apply(grant.Told{Farewell: *again})
	if due(g, at(24*time.Hour)) != nil {
		w.Error("told it is still due")
	}
	if timed := entered(w); due(timed, timed.EndsAt.Add(-time.Millisecond)) != nil || due(timed, timed.EndsAt) == nil {
		w.Error("a session that nobody ends is not told of at its end")
	}
	unspent := newGrant(w)
	w.apply(grant.Begun{Grant: unspent}, session.EndedAll{Person: unspent.Person, Why: session.EndedByOwner, At: now})
	if due(unspent, at(minute)) != nil {
		w.Error("an app that never redeemed its code is told")
	}
	for why, ends := range map[string]bool{session.EndedByOwner: false, session.EndedByRenewal: false, session.EndedElsewhere: true, session.EndedByPassword: true,
		session.EndedByFactor: true, session.EndedByOperator: true, session.EndedByDispute: true} {
		g := entered(w)
		w.apply(session.EndedAll{Person: g.Person, Why: why, At: now})
		if got := must(w.GrantByCode(ctx(), g.Code)).EndedWhy; (got == grant.EndedByIncident) != ends {
			w.Errorf("all sessions ended, %s: the grant %q", why, got)
		}
	}
	p := newPerson()
	s := issued(session.Row{ID: id(), Person: p.ID, Family: id(), MadeAt: now, SeenAt: now, EndsAt: at(time.Hour), Version: 1})
	gone := grant.Grant{ID: id(), Client: "wiki", Person: p.ID, Family: s.Family, Code: id(), MadeAt: now, CodeEndsAt: at(minute), EndsAt: s.EndsAt, TellAt: s.EndsAt}
	quiet, token := gone, newToken(gone, grant.Access)
	quiet.ID, quiet.Code, quiet.TellAt = id(), id(), never
	w.apply(person.Added{Person: p}, session.Begun{Session: s}, grant.Begun{Grant: gone}, grant.Begun{Grant: quiet}, grant.CodeSpent{Code: gone.Code, Client: "wiki", At: now},
		grant.Issued{Token: token}, grant.Consented{Consent: grant.Consent{ID: id(), Person: p.ID, Client: "wiki", MadeAt: now}})
	w.apply(person.Deleted{ID: p.ID})
	if must(w.GrantByCode(ctx(), quiet.Code)) != nil || must(w.TokenHeld(ctx(), token.ID)) != nil || len(must(w.Consents(ctx(), p.ID))) > 0 {
		w.Error("something of somebody deleted is still there")
	}
	last := due(gone, time.Now().Add(time.Hour))
	if last == nil {
		w.Fatal("nobody hears that somebody deleted is gone")
	}
	w.apply(grant.Told{Farewell: *last})
	if must(w.GrantByCode(ctx(), gone.Code)) != nil {
		w.Error("told, it is still there")
	}
}
