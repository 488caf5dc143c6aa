package flow

import (
	"context"
	"errors"

	"sallyport/core/change"
	"sallyport/core/fault"
	"sallyport/core/phone"
	"sallyport/core/session"
)

// late keeps a number that came after the end of its attempt or session, within
// bounds: it stands in the field when the person is back at the step. Nothing else
// is done with it, and the fault stays what it is.
func (m *Machine) late(ctx context.Context, err error, typed, country string, keep func() (change.Set, error)) error {
	if f := fault.Of(err); f == nil || f.Kind != fault.Gone && f.Word != Unconfirmed || len(typed) > 64 || len(country) > 2 {
		return err
	}
	return errors.Join(err, m.decide(ctx, keep))
}

func (m *Machine) keepTyped(ctx context.Context, token, typed, country string, client Client) (change.Set, error) {
	u, err := m.Look(ctx, token, client)
	if err != nil || u == nil || u.Setup == nil || u.Setup.NumberProved(u.Now) {
		return nil, err
	}
	d := &u.Setup.Data
	d.Typed, d.Country, d.Number, d.Text = typed, country, phone.Number{}, phone.TextCode{}
	return change.Set{SetupSaved{Setup: *u.Setup}}, nil
}

// keepChange keeps it with a session that goes on after the password.
func (m *Machine) keepChange(ctx context.Context, token, typed, country string, client Client) (change.Set, error) {
	s, err := m.Signed(ctx, token)
	if err != nil || s == nil || s.Over != "" && s.Over != session.EndedByIdling {
		return nil, err
	}
	setup := m.beginChange(s, SetupNumber, client)
	setup.Data.Typed, setup.Data.Country = typed, country
	return change.Set{session.Saved{Session: s.Session}, SetupBegun{Setup: *setup}}, nil
}
