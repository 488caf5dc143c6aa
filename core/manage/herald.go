package manage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/words"
)

// Log reads what the herald tells of.
type Log interface {
	// EventsSince are the entries of some kinds since a moment, oldest first.
	EventsSince(ctx context.Context, kinds []audit.Event, since time.Time, most int) ([]audit.Entry, error)
	// Operators are the people who may look after others.
	Operators(ctx context.Context) ([]person.Person, error)
	// RecoveriesOver are recoveries that lapsed, or that a change cancelled, since
	// a moment.
	RecoveriesOver(ctx context.Context, since, now time.Time, most int) ([]flow.Recovery, error)
}

// Herald tells what no request tells: operators of disputes, of texts that have
// stopped and, once a day, of people set up without a mail address and of accounts
// that are guessed at; and people of a recovery that came to nothing. What was
// told is a row of its own, so that any number of nodes may try.
type Herald struct {
	*Manager
	Log Log
}

const (
	heraldBack = 24 * time.Hour // what happened longer ago is told no more
	heraldMost = 200
)

// Tell tells what is due. What cannot be told now is told by the next round.
func (h Herald) Tell(ctx context.Context) error {
	now := h.Now()
	err := h.recoveries(ctx, now)
	if h.Writer.NoMail {
		return err // operators have no other address
	}
	operators, readErr := h.Log.Operators(ctx)
	if readErr != nil {
		return errors.Join(err, readErr)
	}
	return errors.Join(err, h.each(ctx, operators, now), h.lists(ctx, operators, now))
}

// once applies a change unless it was made before.
func (h Herald) once(ctx context.Context, what string, now time.Time, set change.Set) error {
	spent := limit.Spent{Budget: limit.Told, Key: limit.Told.Key(what), Now: now}
	rows, err := h.Changes.Limits(ctx, []string{spent.Key})
	if err != nil || spent.Wait(rows[spent.Key]) > 0 {
		return err
	}
	err = h.Changes.Apply(ctx, append(change.Set{spent}, set...))
	if _, told := errors.AsType[*change.Refused](err); told {
		return nil
	}
	return err
}

// toAll is one mail to each operator who has an address.
func (h Herald) toAll(operators []person.Person, kind string, now time.Time, args ...any) (set change.Set) {
	for _, o := range operators {
		if o.Email != "" && !o.Disabled() && !o.Held() {
			set.Add(message.Queued{Message: h.Writer.ToOperator(o, kind, now, args...)})
		}
	}
	return set
}

// each tells operators of what they should know at once.
func (h Herald) each(ctx context.Context, operators []person.Person, now time.Time) error {
	entries, err := h.Log.EventsSince(ctx, []audit.Event{audit.Disputed, audit.TextsStopped}, now.Add(-heraldBack), heraldMost)
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	for _, e := range entries {
		kind, args := message.StoppedKind(e)
		if e.Event == audit.Disputed {
			who, err := h.People.Person(ctx, e.Person)
			if err != nil {
				return fmt.Errorf("read person: %w", err)
			}
			if who == nil {
				continue
			}
			kind = "disputed"
			args = []any{"who", who.Shown(), "username", who.Name, "when", h.Writer.When(e.At), "what", words.Text("activity." + e.Reason)}
		}
		if err := h.once(ctx, e.ID, now, h.toAll(operators, kind, now, args...)); err != nil {
			return fmt.Errorf("tell operators: %w", err)
		}
	}
	return nil
}

// lists tells operators what they should know once a day: of the day that is over,
// as the portal's zone counts days.
func (h Herald) lists(ctx context.Context, operators []person.Person, now time.Time) error {
	at := now.In(h.Writer.ZoneOr())
	end := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, at.Location())
	start := end.AddDate(0, 0, -1)
	entries, err := h.Log.EventsSince(ctx, []audit.Event{audit.SetUp, audit.Limited}, start, 10*heraldMost)
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	var quiet, guessed []string
	for _, e := range entries {
		if !e.At.Before(end) {
			break
		}
		who, err := h.People.Person(ctx, e.Person)
		if err != nil {
			return fmt.Errorf("read person: %w", err)
		}
		switch {
		case who == nil:
		case e.Event == audit.SetUp && who.Email == "":
			quiet = add(quiet, who.Name)
		case e.Event == audit.Limited && e.Method == audit.LimitedLane:
			guessed = add(guessed, words.Text("operators.guessed.lane", "username", who.Name))
		case e.Event == audit.Limited:
			guessed = add(guessed, words.Text("operators.guessed.passwords", "username", who.Name))
		}
	}
	day := start.Format(time.DateOnly)
	if len(quiet) > 0 {
		kind := "no-mail"
		if len(quiet) == 1 {
			kind = "no-mail-one"
		}
		set := h.toAll(operators, kind, now, "n", len(quiet), "names", strings.Join(quiet, ", "))
		if err := h.once(ctx, "no-mail/"+day, now, set); err != nil {
			return fmt.Errorf("tell operators: %w", err)
		}
	}
	if len(guessed) > 0 {
		if err := h.once(ctx, "guessed/"+day, now, h.toAll(operators, "guessed", now, "names", strings.Join(guessed, ", "))); err != nil {
			return fmt.Errorf("tell operators: %w", err)
		}
	}
	return nil
}

func add(list []string, one string) []string {
	for _, other := range list {
		if other == one {
			return list
		}
	}
	return append(list, one)
}

// recoveries tells people of a recovery that lapsed, or that a change cancelled.
func (h Herald) recoveries(ctx context.Context, now time.Time) error {
	over, err := h.Log.RecoveriesOver(ctx, now.Add(-heraldBack), now, heraldMost)
	if err != nil {
		return fmt.Errorf("read recoveries: %w", err)
	}
	for _, r := range over {
		who, err := h.People.Person(ctx, r.Person)
		if err != nil {
			return fmt.Errorf("read person: %w", err)
		}
		if who == nil {
			continue
		}
		phones, err := h.People.Phones(ctx, who.ID)
		if err != nil {
			return fmt.Errorf("read numbers: %w", err)
		}
		told := message.Told{Person: *who, Phones: phones, When: r.EndedAt, Variant: "changed"}
		if r.EndedAt.IsZero() {
			told.When, told.Variant = r.Until, "lapsed"
		}
		if err := h.once(ctx, "recovery/"+r.ID, now, h.Writer.Notify(message.RecoveryStopped, told, now)); err != nil {
			return fmt.Errorf("tell of a recovery: %w", err)
		}
	}
	return nil
}
