package flow

import (
	"context"
	"time"

	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/person"
)

// Secret returns the set-up with a secret to scan, making one when there is
// none or the old one is over a day old; the recovery codes are hashed while
// the person scans. Reading it again changes nothing.
func (m *Machine) Secret(ctx context.Context, post Post, client Client) (*Under, error) {
	var under *Under
	_, err := m.act(ctx, post, "", client, func(u *Under) (change.Set, Result, error) {
		under = u
		if u.Setup.secretFresh(u.Now) {
			return nil, Result{}, nil
		}
		m.secretDue(u)
		return m.saveSetup(u, nil), Result{}, nil
	}, ShowSecret, AskNewFactor)
	if err == nil {
		m.prepare(under.Setup, under.Factors)
	}
	return under, err
}

// secretDue makes the secret as soon as nothing comes before it, so that drawing
// its page changes nothing.
func (m *Machine) secretDue(u *Under) {
	if (!u.Need.Phone || u.Setup.NumberProved(u.Now)) && !u.Setup.secretFresh(u.Now) {
		renewed := ""
		if len(u.Setup.Data.Secret.Key) > 0 {
			renewed = "old"
		}
		m.newSecret(u.Setup, u.Person, u.Now, renewed)
	}
}

// newSecret puts a new secret into a set-up and remembers the old one, for
// telling somebody who reads the older entry.
func (m *Machine) newSecret(s *Setup, who person.Person, now time.Time, why string) {
	if len(s.Data.Secret.Key) > 0 {
		s.Data.Old = append(s.Data.Old, s.Data.Secret)
		s.Data.Old = s.Data.Old[max(0, len(s.Data.Old)-5):]
	}
	s.Data.Secret, s.Data.SecretAt, s.Data.Scanned, s.Data.Renewed = factor.NewSecret(), now, false, why
	s.Data.Label = who.Name
	if who.Enrolled() {
		s.Data.Label = entryLabel(who.Name, now)
	}
}

// entryLabel is the account part of an entry that is not the first: it carries
// the date, because people otherwise read the old one.
func entryLabel(name string, now time.Time) string {
	date := " (" + now.UTC().Format("2 Jan 2006") + ")"
	r := []rune(name)
	return string(r[:min(len(r), 25-len(date))]) + date
}

// NewSecret makes a new QR code because the person asked for one.
func (m *Machine) NewSecret(ctx context.Context, post Post, client Client) (Result, error) {
	return m.act(ctx, post, "", client, func(u *Under) (change.Set, Result, error) {
		m.newSecret(u.Setup, u.Person, u.Now, "asked")
		return m.saveSetup(u, nil), Result{}, nil
	}, ShowSecret, AskNewFactor)
}

// Scanned records that the person has put the secret into the app.
func (m *Machine) Scanned(ctx context.Context, post Post, client Client) (Result, error) {
	return m.act(ctx, post, "", client, func(u *Under) (change.Set, Result, error) {
		if !u.Setup.secretFresh(u.Now) {
			return nil, Result{}, nil
		}
		u.Setup.Data.Scanned = true
		return m.saveSetup(u, nil), Result{}, nil
	}, ShowSecret, AskNewFactor)
}
