package store

import (
	"context"
	"errors"
	"strings"

	"sallyport/core/manage"
)

// entriesMost bounds what is read of one person's history.
const entriesMost = 1_000_000

// Kept is everything that is stored about a person, ended or not.
func (s *Store) Kept(ctx context.Context, who string) (k manage.Kept, err error) {
	var errs [12]error
	k.Factors, errs[0] = s.Factors(ctx, who)
	k.Phones, errs[1] = list(ctx, s, s.scanPhone, "SELECT "+phoneColumns+" FROM phones WHERE person = $1 ORDER BY proved_at, id", who)
	k.Sessions, errs[2] = list(ctx, s, s.scanSession, "SELECT "+sessionColumns+" FROM sessions WHERE person = $1 ORDER BY made_at, id", who)
	k.Known, errs[3] = s.KnownBrowsers(ctx, who)
	k.Attempts, errs[4] = list(ctx, s, s.scanAttempt, "SELECT "+attemptColumns+" FROM attempts WHERE person = $1 ORDER BY made_at, id", who)
	k.Setups, errs[5] = list(ctx, s, s.scanSetup, "SELECT "+setupColumns+" FROM setups WHERE person = $1 ORDER BY made_at, id", who)
	k.Recoveries, errs[6] = list(ctx, s, scanRecovery, "SELECT "+recoveryColumns+" FROM recoveries WHERE person = $1 ORDER BY asked_at, id", who)
	k.Links, errs[7] = list(ctx, s, s.scanLink, "SELECT "+linkColumns+" FROM links WHERE person = $1 ORDER BY made_at, id", who)
	k.Messages, errs[8] = list(ctx, s, s.scanMessage, "SELECT "+messageColumns+" FROM messages WHERE person = $1 ORDER BY made_at, id", who)
	k.Entries, errs[9] = s.Events(ctx, who, entriesMost, 0)
	let, err := s.Consents(ctx, who)
	errs[10] = err
	for _, c := range let {
		k.LetIn = append(k.LetIn, manage.Item{Name: c.Client, Kind: strings.Join(c.Scopes, " "), Since: c.MadeAt})
	}
	entered, err := s.GrantsOf(ctx, who)
	errs[11] = err
	for _, g := range entered {
		k.Entered = append(k.Entered, manage.Item{Name: g.Client, Kind: strings.Join(g.Data.Scopes, " "), Since: g.MadeAt, Ends: g.EndsAt, Ended: g.EndedAt, Why: g.EndedWhy})
	}
	return k, errors.Join(errs[:]...)
}
