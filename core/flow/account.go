package flow

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"time"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/fault"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/session"
	"sallyport/core/tally"
	"sallyport/core/words"
)

// Unconfirmed is the fault of a change whose confirmation is more than five
// minutes old, or was never given: the front asks for it and comes back.
const Unconfirmed = "session.unconfirmed"

// confirmed is Signed for a change that needs a fresh password and code.
func (m *Machine) confirmed(ctx context.Context, token string) (*Signed, error) {
	s, err := m.signed(ctx, token)
	if err != nil {
		return nil, err
	}
	if !s.Session.Confirmed(s.Now) {
		return nil, fault.New(fault.Denied, Unconfirmed)
	}
	return s, nil
}

// Changing is a session with the set-up of the change that is under way in it.
type Changing struct {
	*Signed
	Setup *Setup
}

// Change reads the change under way of a session; its Setup is nil when there is
// none of these kinds.
func (m *Machine) Change(ctx context.Context, token string, kinds ...string) (*Changing, error) {
	s, err := m.confirmed(ctx, token)
	if err != nil {
		return nil, err
	}
	c := &Changing{Signed: s}
	if s.Session.Data.Change == "" {
		return c, nil
	}
	setup, err := m.Attempts.Setup(ctx, m.setupID("session:"+s.Session.Data.Change, s.Person.ID))
	if err != nil {
		return nil, fmt.Errorf("read change: %w", err)
	}
	if setup == nil || !s.Now.Before(setup.EndsAt) {
		return c, nil
	}
	for _, kind := range kinds {
		if setup.Kind == kind {
			c.Setup = setup
		}
	}
	return c, nil
}

// changing runs a decision in a change under way; begin says whether one may
// start with it.
func (m *Machine) changing(ctx context.Context, token string, client Client, begin string,
	decision func(c *Changing) (change.Set, Result, error), kinds ...string) (Result, error) {
	var result Result
	err := m.decide(ctx, func() (change.Set, error) {
		c, err := m.Change(ctx, token, kinds...)
		if err != nil {
			return nil, err
		}
		var set change.Set
		if c.Setup == nil {
			if begin == "" {
				return nil, fault.New(fault.Denied, "step.first")
			}
			c.Setup = m.beginChange(c.Signed, begin, client)
			set.Add(session.Saved{Session: c.Session}, SetupBegun{Setup: *c.Setup})
		}
		more, r, err := decision(c)
		result = r
		if f := fault.Of(err); f != nil && f.Kind == fault.TooMany && len(more) == 0 {
			return nil, m.unlessChanged(ctx, c, f)
		}
		if err != nil && len(more) == 0 {
			return nil, err
		}
		return append(set, more...), err
	})
	return result, err
}

// unlessChanged is unlessMoved for a change in a session: nobody waits for a text of
// this very form, which was quicker.
func (m *Machine) unlessChanged(ctx context.Context, c *Changing, f *fault.Fault) error {
	now, err := m.Sessions.Session(ctx, c.Session.ID)
	if err != nil {
		return fmt.Errorf("read session: %w", err)
	}
	setup, err := m.Attempts.Setup(ctx, c.Setup.ID)
	if err != nil {
		return fmt.Errorf("read change: %w", err)
	}
	if now == nil || now.Version != c.Session.Version || setup != nil && setup.Version != c.Setup.Version {
		return errOvertaken
	}
	return f
}

func (m *Machine) beginChange(s *Signed, kind string, client Client) *Setup {
	s.Session.Data.Change = rand.Text()
	return &Setup{ID: m.setupID("session:"+s.Session.Data.Change, s.Person.ID), Person: s.Person.ID, Kind: kind, MadeAt: s.Now,
		SeenAt: s.Now, EndsAt: s.Now.Add(SetupIdle), Agent: client.Agent, Version: 1}
}

// ChangeNumber takes the number that is to replace the present one and sends it
// a code. The present one works until the code was right.
func (m *Machine) ChangeNumber(ctx context.Context, token, typed, country string, client Client) (Result, error) {
	result, err := m.changing(ctx, token, client, SetupNumber, func(c *Changing) (change.Set, Result, error) {
		number, err := phone.Parse(typed, country, m.Numbers)
		if err != nil {
			return nil, Result{}, err
		}
		for _, p := range c.Phones {
			if p.Number == number.E164 {
				return nil, Result{}, fault.New(fault.Invalid, "phone.same").On("phone")
			}
		}
		if err := m.mayShare(ctx, number.E164, c.Phones); err != nil {
			return nil, Result{}, err
		}
		d := &c.Setup.Data
		d.Typed, d.Country, d.Number, d.ProvedAt = typed, country, number, time.Time{}
		if c.sending().underWay(c.Now) {
			return nil, Result{}, nil
		}
		return m.sendChange(ctx, c, client)
	}, SetupNumber)
	return result, m.late(ctx, err, typed, country, func() (change.Set, error) { return m.keepChange(ctx, token, typed, country, client) })
}

func (c *Changing) sending() sending {
	d := c.Setup.Data
	return sending{person: c.Person.ID, lane: c.lane(), purpose: phone.ForChange, number: d.Number.E164,
		country: d.Number.Country, owner: c.Session.Data.Change, before: d.Text}
}

func (m *Machine) sendChange(ctx context.Context, c *Changing, client Client) (change.Set, Result, error) {
	d := &c.Setup.Data
	before := d.Text
	code, set, err := m.send(ctx, c.sending(), client, c.Now)
	if err != nil {
		return set, Result{}, err
	}
	d.Text = code
	set.Add(SetupSaved{Setup: *c.Setup})
	return set, Result{Notice: sentAgain(before, code)}, nil
}

// ChangeNumberAgain sends the code of the changed number again.
func (m *Machine) ChangeNumberAgain(ctx context.Context, token string, client Client) (Result, error) {
	return m.changing(ctx, token, client, "", func(c *Changing) (change.Set, Result, error) {
		if c.Setup.Data.Number.E164 == "" {
			return nil, Result{}, fault.New(fault.Denied, "step.first")
		}
		return m.sendChange(ctx, c, client)
	}, SetupNumber)
}

// ChangeNumberCode checks the code sent to the new number and, when it is right,
// puts the number in the place of the old one, on hold for recovery.
func (m *Machine) ChangeNumberCode(ctx context.Context, token, entered string, client Client) (Result, error) {
	return m.tried(tally.Number)(m.changing(ctx, token, client, "", func(c *Changing) (change.Set, Result, error) {
		digits, bad := factor.Digits(entered, "code", "text-code.empty")
		if bad != nil {
			return nil, Result{}, bad
		}
		u, err := m.under(ctx, c.Signed)
		if err != nil {
			return nil, Result{}, err
		}
		if u.Wait > 0 {
			return nil, Result{}, m.codesWait(u)
		}
		d := &c.Setup.Data
		switch answer := d.Text.Judge(digits, c.Now); answer {
		case phone.Right, phone.Again:
			return m.changeNumber(ctx, c, u, client)
		case phone.Expired:
			set, _, err := m.sendChange(ctx, c, client)
			if f := fault.Of(err); f != nil {
				return set, Result{}, fault.New(fault.Invalid, "text-code.expired-wait").On("code").After(f.Wait)
			}
			if err != nil {
				return nil, Result{}, err
			}
			return set, Result{}, fault.New(fault.Invalid, "text-code.expired").On("code")
		default:
			f := textFault(answer)
			if answer == phone.Wrong {
				f = guessed(&d.Text)
			}
			set := append(m.miss(u, "text", "wrong", client), message.GuessedOut(d.Text.ID, d.Text.GuessesLeft(), c.Now)...)
			set.Add(SetupSaved{Setup: *c.Setup})
			return set, Result{}, m.fewest(u, f)
		}
	}, SetupNumber))
}

func (m *Machine) changeNumber(ctx context.Context, c *Changing, u *Under, client Client) (change.Set, Result, error) {
	if err := m.mayShare(ctx, c.Setup.Data.Number.E164, c.Phones); err != nil { // others were quicker
		return change.Set{SetupsDropped{ID: c.Setup.ID, Person: c.Person.ID}}, Result{}, err
	}
	replaces, err := m.replaces(ctx, c.Signed)
	if err != nil {
		return nil, Result{}, err
	}
	p := phone.New(c.Person.ID, c.Setup.Data.Number, c.Now, replaces)
	set := change.Set{m.within(u), person.Unchanged{ID: c.Person.ID, Version: c.Person.Version},
		phone.EndedAll{Person: c.Person.ID, At: c.Now}, phone.Bound{Phone: p},
		SetupsDropped{ID: c.Setup.ID, Person: c.Person.ID}, m.entry(audit.NumberChanged, c.Person.ID, client)}
	set.Add(m.answered(c.Setup.Data.Text, c.Now)...)
	notice, args := "security.number-changed", []string(nil)
	if p.UsableAt.After(c.Now) {
		notice, args = "security.number-changed-from", []string{"when", m.Writer.When(p.UsableAt)}
	}
	more, err := m.changed(ctx, c.Signed, notice, args)
	if err != nil {
		return nil, Result{}, err
	}
	set.Add(more...)
	numbers, err := m.Hearing(ctx, c.Person.ID, append(c.Phones, p)...)
	if err != nil {
		return nil, Result{}, err
	}
	set.Add(m.Writer.Notify(message.NumberChanged, message.Told{Person: c.Person, Phones: numbers,
		Args:  []any{"ending", p.Ending(), "from", m.Writer.When(p.UsableAt)},
		About: person.Disputed{Phone: p.ID, Where: client.Browser()}}, c.Now)...)
	return set, Result{}, nil
}

// replaces says whether a number that is bound now takes the place of another: of
// the present one, or of one that was removed a short while ago. Else who took over
// an account would remove the number first, and recover by one of their own at once.
func (m *Machine) replaces(ctx context.Context, s *Signed) (bool, error) {
	if len(s.Phones) > 0 {
		return true, nil
	}
	removed, err := m.History.EventsOf(ctx, s.Person.ID, []audit.Event{audit.NumberRemoved}, 1)
	if err != nil {
		return false, fmt.Errorf("read removed numbers: %w", err)
	}
	return len(removed) > 0 && s.Now.Before(removed[0].At.Add(phone.Hold)), nil
}

// Hearing are the numbers that hear of a change of number: those of the moment, and
// those that were replaced a short while ago. Else who took over an account would
// change the number twice, and the owner would not hear of the second.
func (m *Machine) Hearing(ctx context.Context, who string, numbers ...phone.Phone) ([]phone.Phone, error) {
	ended, err := m.People.PhonesEnded(ctx, who, m.Now().Add(-phone.Heard))
	if err != nil {
		return nil, fmt.Errorf("read replaced numbers: %w", err)
	}
	for _, p := range ended {
		if !slices.ContainsFunc(numbers, func(n phone.Phone) bool { return n.Number == p.Number }) {
			numbers = append(numbers, p)
		}
	}
	return numbers, nil
}

// changed is what every changed app, number or set of codes does: the other
// sessions end, a recovery that waits is cancelled, and the next page says so.
func (m *Machine) changed(ctx context.Context, s *Signed, notice string, args []string) (change.Set, error) {
	others, err := m.othersSignedIn(ctx, s.Person.ID, s.Session.ID, s.Now)
	if err != nil {
		return nil, err
	}
	row := s.Session
	row.Data.Change = ""
	row.Data.Notice, row.Data.NoticeArgs, row.Data.SignedOut = notice, args, others
	return change.Set{session.Saved{Session: row},
		session.EndedAll{Person: s.Person.ID, Except: s.Session.ID, Why: session.EndedByFactor, At: s.Now},
		AttemptsEnded{Person: s.Person.ID, Why: OverByChange, At: s.Now},
		RecoveryEnded{Person: s.Person.ID, Why: ByChange, At: s.Now}}, nil
}

// AppsMax is how many apps a person may have.
const AppsMax = 3

// NewApp begins to add an app, or to replace one, and makes its secret. Reading
// it again changes nothing, unless another QR code is asked for.
func (m *Machine) NewApp(ctx context.Context, token, replaces string, again bool, client Client) (*Changing, error) {
	kind := SetupAdd
	if replaces != "" {
		kind = SetupReplace
	}
	var under *Changing
	_, err := m.changing(ctx, token, client, kind, func(c *Changing) (change.Set, Result, error) {
		under = c
		apps := factor.Of(c.Factors, factor.App)
		if kind == SetupAdd && len(apps) >= AppsMax {
			return nil, Result{}, fault.New(fault.Denied, "apps.full")
		}
		if kind == SetupReplace && !has(apps, replaces) {
			return nil, Result{}, fault.New(fault.Gone, "removed-already")
		}
		d := &c.Setup.Data
		if c.Setup.secretFresh(c.Now) && d.Factor == replaces && !again {
			return nil, Result{}, nil
		}
		why := ""
		if again {
			why = "asked"
		}
		m.newSecret(c.Setup, c.Person, c.Now, why)
		d.Factor = replaces
		return change.Set{SetupSaved{Setup: *c.Setup}}, Result{}, nil
	}, kind)
	return under, err
}

func has(apps []factor.Factor, id string) bool {
	for _, f := range apps {
		if f.ID == id {
			return true
		}
	}
	return false
}

// NewAppScanned records that the secret is in the app.
func (m *Machine) NewAppScanned(ctx context.Context, token string, client Client) (Result, error) {
	return m.changing(ctx, token, client, "", func(c *Changing) (change.Set, Result, error) {
		c.Setup.Data.Scanned = true
		return change.Set{SetupSaved{Setup: *c.Setup}}, Result{}, nil
	}, SetupAdd, SetupReplace)
}

// NewAppCode checks the code of the new app and switches it on; a replaced app
// works until then.
func (m *Machine) NewAppCode(ctx context.Context, token, entered string, client Client) (Result, error) {
	return m.tried(tally.NewApp)(m.changing(ctx, token, client, "", func(c *Changing) (change.Set, Result, error) {
		u, err := m.under(ctx, c.Signed)
		if err != nil {
			return nil, Result{}, err
		}
		if u.Wait > 0 {
			return nil, Result{}, m.codesWait(u)
		}
		d := &c.Setup.Data
		if !c.Setup.secretFresh(c.Now) {
			return nil, Result{}, fault.New(fault.Denied, "step.first")
		}
		step, v := factor.Candidate{Secret: d.Secret, Old: d.Old, Rows: c.Factors}.Verify(entered, c.Now)
		if v.Free {
			return nil, Result{}, v.Fault
		}
		v.Fault = m.skew.Soften(v.Fault)
		if !v.Right {
			d.Misses++
			set := m.miss(u, "app", v.Reason, client)
			set.Add(SetupSaved{Setup: *c.Setup})
			return set, Result{}, m.leftover(u, v.Fault)
		}
		return m.bindApp(ctx, c, u, step, client)
	}, SetupAdd, SetupReplace))
}

func (m *Machine) bindApp(ctx context.Context, c *Changing, u *Under, step int64, client Client) (change.Set, Result, error) {
	app := factor.New(factor.App, c.Person.ID, appName(c.Factors, c.Setup.Data.Factor), c.Setup.Data.Secret.Encode(), c.Now)
	app.Step, app.UsedAt = step, c.Now
	event, notice, banner := audit.AppAdded, message.AppAdded, "security.app-added"
	set := change.Set{m.within(u), person.Unchanged{ID: c.Person.ID, Version: c.Person.Version}}
	if old := c.Setup.Data.Factor; old != "" {
		event, notice, banner = audit.AppReplaced, message.AppReplaced, "security.app-on"
		set.Add(factor.Ended{ID: old, Person: c.Person.ID, Why: factor.EndedByReplace, At: c.Now})
	}
	set.Add(factor.Bound{Factor: app}, SetupsDropped{ID: c.Setup.ID, Person: c.Person.ID}, m.entry(event, c.Person.ID, client))
	more, err := m.changed(ctx, c.Signed, banner, nil)
	if err != nil {
		return nil, Result{}, err
	}
	set.Add(more...)
	set.Add(m.Writer.Notify(notice, message.Told{Person: c.Person, Phones: c.Phones, Args: []any{"app", app.Name},
		About: person.Disputed{Factor: app.ID, Where: client.Browser()}}, c.Now)...)
	return set, Result{}, nil
}

// appName names a new app: like the one that it replaces, else by what is free.
func appName(rows []factor.Factor, replaced string) string {
	used := map[string]bool{}
	for _, f := range factor.Of(rows, factor.App) {
		if f.ID == replaced {
			return f.Name
		}
		used[f.Name] = true
	}
	name := words.Text("app.name")
	for n := 2; used[name]; n++ {
		name = fmt.Sprintf("%s %d", words.Text("app.name"), n)
	}
	return name
}

// NewCodes makes a new set of recovery codes and leaves it with the session, to
// be saved; the old set stops working now.
func (m *Machine) NewCodes(ctx context.Context, token string, client Client) (Result, error) {
	s, err := m.confirmed(ctx, token)
	if err != nil {
		return Result{}, err
	}
	made, err := m.makeCodes(ctx, lastSet(s.Factors), person.Turn{Class: person.Known, Address: client.Address, Name: s.Person.Name})
	if err != nil {
		return Result{}, busyWords(err, "busy")
	}
	return Result{}, m.decide(ctx, func() (change.Set, error) {
		s, err := m.confirmed(ctx, token)
		if err != nil {
			return nil, err
		}
		set := change.Set{person.Unchanged{ID: s.Person.ID, Version: s.Person.Version},
			factor.EndedAll{Person: s.Person.ID, Kind: factor.Recovery, Why: factor.EndedByReplace, At: s.Now},
			factor.Bound{Factor: factor.New(factor.Recovery, s.Person.ID, "", made.Set.Encode(), s.Now)},
			m.entry(audit.CodesMade, s.Person.ID, client)}
		more, err := m.changed(ctx, s, "", nil)
		if err != nil {
			return nil, err
		}
		showInSession(more, made.Codes, s.Now)
		set.Add(more...)
		set.Add(m.Writer.Notify(message.CodesMade, message.Told{Person: s.Person, Phones: s.Phones,
			About: person.Disputed{Codes: true, Where: client.Browser()}}, s.Now)...)
		return set, nil
	})
}

func showInSession(set change.Set, codes []string, now time.Time) {
	for i, effect := range set {
		if saved, ok := effect.(session.Saved); ok {
			saved.Session.Codes, saved.Session.CodesUntil, saved.Session.Data.CodesWhy = codes, now.Add(CodesShown), "codes"
			saved.Session.Data.ReturnTo = "" // where the sign-in led to is long reached
			set[i] = saved
		}
	}
}

// FinishCodes takes the codes off the screen: the person says that they are saved.
func (m *Machine) FinishCodes(ctx context.Context, token string, saved bool, client Client) (Result, error) {
	result := Result{}
	err := m.decide(ctx, func() (change.Set, error) {
		s, err := m.signed(ctx, token)
		if err != nil {
			return nil, err
		}
		d := &s.Session.Data
		result = Result{ReturnTo: d.ReturnTo}
		if d.CodesWhy == "" {
			return nil, nil
		}
		if !saved {
			return nil, fault.New(fault.Invalid, "saved.untick").On("saved")
		}
		set := change.Set{m.entry(audit.CodesSaved, s.Person.ID, client)}
		for _, row := range factor.Of(s.Factors, factor.Recovery) {
			if codes, err := factor.DecodeCodes(row.Data); err == nil {
				codes.Saved = true
				row.Data = codes.Encode()
				set.Add(factor.DataSaved{Factor: row})
			}
		}
		d.Notice, d.NoticeArgs = "security.finished", []string{"n", strconv.Itoa(codesLeft(s.Factors))}
		s.Session.Codes, s.Session.CodesUntil = nil, time.Time{}
		d.CodesWhy, d.ReturnTo = "", ""
		set.Add(session.Saved{Session: s.Session})
		return set, nil
	})
	return result, err
}

// Noticed takes the banner off a session once it has been shown.
func (m *Machine) Noticed(ctx context.Context, s *Signed) error {
	row := s.Session
	row.Data.Notice, row.Data.NoticeArgs, row.Data.SignedOut = "", nil, 0
	return m.Changes.Apply(ctx, change.Set{session.Saved{Session: row}})
}
