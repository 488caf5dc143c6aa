package store_test

import (
	"bytes"
	"testing"
	"time"

	"sallyport/back/backup"
	"sallyport/back/store"
	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/flow"
	"sallyport/core/person"
	"sallyport/core/policy"
	"sallyport/core/session"
)

// What went on when the backup was taken may have ended since: nothing of it goes
// on in the copy. What takes away stays, and what is spent is spent.
func TestWhatWentOnHasEndedInTheCopy(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		s := open(t, o)
		begun := func(id string, ends, ended time.Duration) session.Begun {
			row := session.Row{ID: id, Person: "ada", MadeAt: now, SeenAt: now, EndsAt: now.Add(ends), Version: 1}
			if ended != 0 {
				row.EndedAt, row.EndedWhy = now.Add(ended), session.EndedByOwner
			}
			one, err := session.Issue(session.Proved{Password: true, Factor: "app"}, policy.Need{Known: true, Factor: true}, row)
			if err != nil {
				t.Fatal(err)
			}
			return session.Begun{Session: one}
		}
		link := func(kind person.LinkKind, id string, ends time.Duration) person.LinkMade {
			return person.LinkMade{Link: person.Link{ID: id, Kind: kind, Person: "ada", MadeAt: now.Add(-time.Hour), EndsAt: now.Add(ends)}}
		}
		recovery := func(who string, until time.Duration) flow.RecoveryAsked {
			return flow.RecoveryAsked{Recovery: flow.Recovery{ID: "recovery of " + who, Person: who, AskedAt: now.Add(-time.Hour), OpenAt: now, Until: now.Add(until)}}
		}
		app := factor.New(factor.App, "ada", "Phone app", seed, now)
		app.Step = 42
		attempt := flow.Attempt{ID: "attempt", Person: "ada", MadeAt: now, SeenAt: now, Version: 1}
		over := flow.Attempt{ID: "over", Person: "ada", MadeAt: now, SeenAt: now, EndedAt: now, EndedWhy: flow.OverDone, Version: 1}
		if err := s.Apply(t.Context(), change.Set{
			begun("alive", time.Hour, 0), begun("past", -time.Hour, 0), begun("signed out", time.Hour, -time.Hour),
			flow.AttemptBegun{Attempt: attempt}, flow.AttemptBegun{Attempt: over},
			flow.SetupBegun{Setup: flow.Setup{ID: "setup", Person: "ada", Kind: flow.SetupFirst, SeenAt: now, EndsAt: now.Add(time.Hour), Version: 1}},
			session.Recognised{Browser: session.KnownBrowser{ID: "b", Token: "t", Person: "ada", MadeAt: now, SeenAt: now, EndsAt: now.Add(time.Hour)}},
			link(person.Invitation, "invitation", time.Hour), link(person.SetupCode, "setup code", time.Hour), link(person.PasswordLink, "password", time.Hour),
			link(person.MailLink, "mail", time.Hour), link(person.Dispute, "dispute", time.Hour), link(person.Invitation, "late", -time.Minute),
			link(person.PasswordLink, "spent", time.Hour), person.LinkSpent{ID: "spent", At: now},
			recovery("ada", time.Hour), recovery("bob", -time.Minute), factor.Bound{Factor: app},
		}); err != nil {
			t.Fatal(err)
		}
		file := taken(t, o)
		for name, place := range places(t, o.Keys) {
			t.Run(name, func(t *testing.T) {
				place.Now = clock
				done, err := backup.Restore(t.Context(), place, bytes.NewReader(file), "cli:test")
				if err != nil {
					t.Fatal(err)
				}
				if want := (backup.Ended{Sessions: 1, Browsers: 1, Links: 4, Recoveries: 1}); done.Ended != want {
					t.Errorf("it says %+v, want %+v", done.Ended, want)
				}
				checkEnded(t, open(t, place))
			})
		}
	})
}

func checkEnded(t *testing.T, c *store.Store) {
	t.Helper()
	k, err := c.Kept(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	ended := map[string]string{}
	for _, s := range k.Sessions {
		ended[s.ID] = s.EndedWhy
	}
	for _, a := range k.Attempts {
		ended[a.ID] = a.EndedWhy
	}
	for _, r := range k.Recoveries {
		ended[r.ID] = r.Ended
	}
	for _, l := range k.Links {
		ended[l.ID] = map[bool]string{true: "replaced"}[l.ReplacedAt.Equal(now)] + map[bool]string{true: "spent"}[!l.SpentAt.IsZero()]
	}
	for id, why := range map[string]string{"alive": session.EndedByOperator, "past": "", "signed out": session.EndedByOwner, "attempt": flow.OverLeft, "over": flow.OverDone,
		"recovery of ada": flow.ByRestoring, "invitation": "replaced", "setup code": "replaced", "password": "replaced", "mail": "replaced", "dispute": "", "late": "", "spent": "spent"} {
		if got, there := ended[id]; got != why || !there {
			t.Errorf("%s: %q, there %v, want %q", id, got, there, why)
		}
	}
	if len(k.Known)+len(k.Setups) > 0 || len(k.Factors) != 1 || k.Factors[0].Step != 42 {
		t.Errorf("%d known browsers, %d set-ups, factors %+v", len(k.Known), len(k.Setups), k.Factors)
	}
	if r, err := c.Recovery(t.Context(), "bob"); err != nil || r == nil || r.Ended != "" {
		t.Errorf("a recovery that had lapsed is %+v, %v", r, err)
	}
}

// A table whose rows can end, or be used up, has something that goes on, and a copy
// must not go on with what may have ended since.
func TestWhatCanGoOnIsKnown(t *testing.T) {
	settled := map[string]string{
		"sessions": "", "doors": "a door is as good as its session", "attempts": "", "recoveries": "", "links": "", "known": "", "setups": "",
		"grants": "", "tokens": "", "assertions": "what is used up stays so", "signers": "keys, which a copy needs to prove what it signed",
		"factors": "proofs, not what goes on: a step that was spent since can be used for 90 seconds at the most",
		"phones":  "the same", "limits": "what is used up stays so", "leases": "",
		"audit_heads": "signed moments of the log, which end when they are pruned",
	}
	for _, table := range tablesAt(t, newest(t)) {
		for _, column := range table.Columns {
			if _, known := settled[table.Name]; !known && (column == "ended_at" || column == "ends_at" || column == "spent_at" || column == "until_at") {
				t.Errorf("%s has %s: does back/backup know what of it goes on, and that it may have ended since?", table.Name, column)
			}
		}
	}
}
