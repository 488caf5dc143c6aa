package flow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/fault"
	"sallyport/core/limit"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/session"
	"sallyport/core/tally"
)

// Post is what every form of an attempt sends besides its fields.
type Post struct {
	Token string // the attempt's cookie
	Form  string // the id of the form
	Setup string // the set-up that the form was drawn for, or empty
}

// open reads the attempt that a post belongs to. A post to an attempt that is
// over gets its first answer again when it is the same post, else a fault.
func (m *Machine) open(ctx context.Context, post Post, value string, client Client) (*Under, *Result, error) {
	u, err := m.Look(ctx, post.Token, client)
	if err != nil {
		return nil, nil, err
	}
	if u == nil {
		return nil, nil, over(OverLeft)
	}
	if u.Over != "" {
		result, same, err := m.again(ctx, u, client, post.Form, value)
		if err != nil {
			return nil, nil, err
		}
		if same {
			return u, &result, nil
		}
		return nil, nil, over(u.Over)
	}
	u.Attempt.SeenAt = u.Now
	return u, nil, nil
}

// act runs a decision inside an attempt, at one of the steps it is meant for.
func (m *Machine) act(ctx context.Context, post Post, value string, client Client,
	decision func(u *Under) (change.Set, Result, error), at ...Step) (Result, error) {
	var result Result
	err := m.decide(ctx, func() (change.Set, error) {
		u, same, err := m.open(ctx, post, value, client)
		if err != nil {
			return nil, err
		}
		if same != nil {
			result = *same
			return nil, nil
		}
		if post.Setup != "" && (u.Setup == nil || SetupMark(u.Setup) != post.Setup) {
			result = Result{Step: u.Step}
			return nil, m.unlessMoved(ctx, u, fault.New(fault.Denied, "started-again"))
		}
		allowed := false
		for _, step := range at {
			allowed = allowed || u.Step == step
		}
		if !allowed {
			result = Result{Step: u.Step}
			return nil, m.unlessMoved(ctx, u, fault.New(fault.Denied, "step.first"))
		}
		var set change.Set
		set, result, err = decision(u)
		if f, ok := errors.AsType[*fault.Fault](err); ok && f.Kind == fault.TooMany && len(set) == 0 {
			return nil, m.unlessMoved(ctx, u, f) // not to wait for a text of this very form
		}
		return set, err
	})
	return result, err
}

// unlessMoved is a fault about where an attempt stands. What it was read from may
// be half of before and half of after the same form, which was quicker.
func (m *Machine) unlessMoved(ctx context.Context, u *Under, f *fault.Fault) error {
	now, err := m.Attempts.Attempt(ctx, u.Attempt.ID)
	if err != nil {
		return fmt.Errorf("read attempt: %w", err)
	}
	if now == nil || now.Version != u.Attempt.Version {
		return errOvertaken
	}
	return f
}

// SubmitFactor checks the answer to a factor at sign-in: a code from an app.
func (m *Machine) SubmitFactor(ctx context.Context, post Post, entered string, client Client) (Result, error) {
	return m.tried(tally.App)(m.act(ctx, post, entered, client, func(u *Under) (change.Set, Result, error) {
		if u.Wait > 0 {
			return nil, Result{}, m.codesWait(u)
		}
		try := factor.Try{Entered: entered, Now: u.Now, Last: u.Attempt.Data.Hint}
		if u.Attempt.Data.TextCode.Alive(u.Now) {
			try.Text = u.Attempt.Data.TextCode.Digits
		}
		v := factor.Apps{App: m.AppName, Name: u.Person.Name}.Verify(u.Factors, try)
		if !v.Right {
			v.Fault = m.skew.Soften(v.Fault)
			return m.missed(ctx, u, v, factor.App, client)
		}
		return m.appCodeRight(ctx, u, v, client, post.Form, entered)
	}, AskFactor))
}

// appCodeRight signs in, and cancels a recovery that waits: whoever has the app
// needs none.
func (m *Machine) appCodeRight(ctx context.Context, u *Under, v factor.Verdict, client Client, form, value string) (change.Set, Result, error) {
	set, result, err := m.signedIn(ctx, u, string(factor.App), client, form, value)
	if err != nil {
		return nil, Result{}, err
	}
	m.skew.Saw(v.Offset)
	// Burn first, then grant: the step is spent before anything is given.
	set = append(append(change.Set{m.within(u)}, v.Effects...), set...)
	if u.Recovery.Alive(u.Now) {
		set.Add(RecoveryEnded{Person: u.Person.ID, Why: ByAppCode, At: u.Now},
			AttemptsEnded{Person: u.Person.ID, Except: u.Attempt.ID, Why: OverByChange, At: u.Now}, m.entry(audit.RecoveryStopped, u.Person.ID, client))
		set.Add(m.Writer.Notify(message.RecoveryStopped, message.Told{Person: u.Person, Phones: u.Phones}, u.Now)...)
	}
	return set, result, nil
}

// within is the condition that the lane still had a try when the change is
// applied.
func (m *Machine) within(u *Under) limit.Within {
	return limit.Within{Budget: limit.Codes, Key: codesKey(u.Person.ID, u.Attempt.Lane), Now: u.Now}
}

func (m *Machine) codesWait(u *Under) *fault.Fault {
	m.Limited(limit.Codes.Name)
	return fault.New(fault.TooMany, "code.wait").After(u.Wait)
}

// missed counts a wrong code: in the lane, for the year, and on the
// authenticators that it was compared with. What cannot be read counts nowhere.
func (m *Machine) missed(ctx context.Context, u *Under, v factor.Verdict, kind factor.Kind, client Client) (change.Set, Result, error) {
	if v.Free {
		return nil, Result{}, v.Fault
	}
	set := m.miss(u, string(kind), v.Reason, client)
	set.Add(v.Effects...)
	set.Add(m.ended(u, v.Effects, client)...)
	u.Attempt.Data.Failures++
	u.Attempt.Data.Hint = v.Hint
	if u.Attempt.Data.TextCode.Alive(u.Now) {
		u.Attempt.Data.TextCode.Guesses++
	}
	set.Add(AttemptSaved{Attempt: u.Attempt})
	more, err := m.alarms(ctx, u)
	if err != nil {
		return nil, Result{}, err
	}
	set.Add(more...)
	return set, Result{}, m.leftover(u, v.Fault)
}

// miss is what every wrong code costs, whichever page it was entered on.
func (m *Machine) miss(u *Under, method, reason string, client Client) change.Set {
	entry := m.entry(audit.CodeWrong, u.Person.ID, client)
	entry.Method, entry.Reason, entry.Attempt = method, reason, u.Attempt.ID
	set := change.Set{
		limit.Spent{Budget: limit.Codes, Key: codesKey(u.Person.ID, u.Attempt.Lane), Now: u.Now},
		entry,
	}
	u.counted = compared(u, method)
	if id, known := u.Attempt.Lane.Browser(); known {
		set.Add(limit.Spent{Budget: limit.KnownYear, Key: limit.KnownYear.Key(u.Person.ID, id), Now: u.Now, Amount: int64(u.counted), Free: true})
		if u.year+u.counted >= limit.KnownYear.Max {
			set.Add(session.Forgot{ID: id, Person: u.Person.ID, Lenient: true}, m.entry(audit.BrowserForgot, u.Person.ID, client))
			set.Add(m.Writer.Notify(message.WrongCodes, message.Told{Person: u.Person, Phones: u.Phones, About: person.Disputed{Where: client.Browser()}}, u.Now)...)
		}
		return set
	}
	set.Add(limit.Spent{Budget: limit.Year, Key: limit.YearKeys(u.Person.ID, u.Now)[0], Now: u.Now, Amount: int64(u.counted), Free: true})
	return set
}

// compared says with how many authenticators and text message codes a wrong code
// was compared: it was as good as so many guesses.
func compared(u *Under, method string) int {
	apps := len(factor.Of(u.Factors, factor.App))
	switch {
	case method == "text", method == string(factor.App) && u.Attempt.Data.TextCode.Alive(u.Now):
		return apps + 1
	case method == string(factor.App):
		return max(1, apps)
	}
	return 1
}

// ended ends the apps that these misses bring to a hundred in a row.
func (m *Machine) ended(u *Under, misses change.Set, client Client) (set change.Set) {
	for _, effect := range misses {
		missed, ok := effect.(factor.Missed)
		if !ok {
			continue
		}
		for _, f := range factor.Of(u.Factors, factor.App) {
			if f.ID != missed.ID || f.Misses < factor.MissesMax-1 {
				continue
			}
			set.Add(factor.Ended{ID: f.ID, Person: u.Person.ID, Why: factor.EndedByMisses, At: u.Now}, m.entry(audit.AppEnded, u.Person.ID, client))
			set.Add(m.Writer.Notify(message.AppEnded, message.Told{Person: u.Person, Phones: u.Phones}, u.Now)...)
		}
	}
	return set
}

// leftover adds to a fault how many tries are left, once few are, and turns the
// last one into the wait that it starts.
func (m *Machine) leftover(u *Under, f *fault.Fault) error {
	switch left := u.Left - 1; {
	case left <= 0:
		return fault.New(fault.TooMany, "code.wait").After(u.nextWait()).Miss()
	case left <= 3:
		f.TriesLeft(left)
	}
	return f.Miss()
}

// fewest is leftover for a text message code, which has tries of its own: of both
// figures the lower one counts.
func (m *Machine) fewest(u *Under, f *fault.Fault) error {
	onCode := f.Left
	err := m.leftover(u, f)
	if onCode > 0 && (f.Left == 0 || onCode < f.Left) {
		f.Left = onCode
	}
	return err
}

// nextWait is the wait that the lane's last try starts.
func (u *Under) nextWait() time.Duration { return limit.Codes.Waits[min(u.level, 2)] }

// alarms tells the person that a password thief is at work: from the fifth wrong
// code in the lane of other browsers, and when that lane is closed.
func (m *Machine) alarms(ctx context.Context, u *Under) (set change.Set, err error) {
	if u.Attempt.Lane.Known() {
		return nil, nil
	}
	told := message.Told{Person: u.Person, Phones: u.Phones, About: person.Disputed{Where: u.Attempt.browser()}}
	states, err := m.Changes.Limits(ctx, limit.YearKeys(u.Person.ID, u.Now))
	if err != nil {
		return nil, fmt.Errorf("read limits: %w", err)
	}
	year := 0
	for _, s := range states {
		year += s.Used
	}
	if year < limit.YearMax && year+u.counted >= limit.YearMax {
		entry := audit.New(u.Now, audit.Limited, u.Person.ID)
		entry.Method = audit.LimitedLane
		set.Add(entry)
		set.Add(m.Writer.Notify(message.LaneClosed, told, u.Now)...)
	}
	if limit.Codes.Max-u.Left+1 >= 5 {
		set.Add(m.Writer.Notify(message.WrongCodes, told, u.Now)...)
	}
	return set, nil
}
