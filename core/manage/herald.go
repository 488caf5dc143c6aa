package manage

import (
	"context"
	"errors"
	"fmt"
	"iter"
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
	// EventsAfter are the entries of some kinds that follow one, oldest first; a
	// moment alone stands before all entries of that moment.
	EventsAfter(ctx context.Context, kinds []audit.Event, after audit.Entry, most int) ([]audit.Entry, error)
	// Operators are the people who may look after others.
	Operators(ctx context.Context) ([]person.Person, error)
	// RecoveriesOver are recoveries that lapsed, or that a change or a restoring
	// cancelled, since a moment: those that follow one, by when they were asked for.
	RecoveriesOver(ctx context.Context, since, now time.Time, after flow.Recovery, most int) ([]flow.Recovery, error)
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
	heraldMost = 200            // so many are read at once
	// heraldLate is when no entry of a day comes any more that is over.
	heraldLate = time.Minute
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

// told is the row of what is told once.
func told(what string, now time.Time) limit.Spent {
	return limit.Spent{Budget: limit.Told, Key: limit.Told.Key(what), Now: now}
}

// untold are those of some things that nobody was told of yet, in one read: the
// rounds of all nodes come by every few seconds.
func (h Herald) untold(ctx context.Context, now time.Time, whats ...string) (map[string]bool, error) {
	keys := make([]string, len(whats))
	for i, what := range whats {
		keys[i] = told(what, now).Key
	}
	rows, err := h.Changes.Limits(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("read limits: %w", err)
	}
	due := map[string]bool{}
	for i, what := range whats {
		if told(what, now).Wait(rows[keys[i]]) == 0 {
			due[what] = true
		}
	}
	return due, nil
}

// once applies a change unless another node did. One that was overtaken by
// something else comes again in the next round.
func (h Herald) once(ctx context.Context, what string, now time.Time, set change.Set) error {
	err := h.Changes.Apply(ctx, append(change.Set{told(what, now)}, set...))
	if _, refused := errors.AsType[*change.Refused](err); err != nil && !refused {
		return fmt.Errorf("tell of %s: %w", what, err)
	}
	return nil
}

// toAll is one mail to each operator who has an address.
func (h Herald) toAll(operators []person.Person, kind string, now time.Time, args ...any) (set change.Set) {
	for _, o := range operators {
		if o.Email != "" && !o.Disabled() && !o.Held() {
			set.Add(person.Unchanged{ID: o.ID, Version: o.Version}, message.Queued{Message: h.Writer.ToOperator(o, kind, now, args...)})
		}
	}
	return set
}

// pages are the entries of some kinds since a moment, oldest first, until there are
// no more.
func (h Herald) pages(ctx context.Context, since time.Time, kinds ...audit.Event) iter.Seq2[[]audit.Entry, error] {
	return func(yield func([]audit.Entry, error) bool) {
		for after := (audit.Entry{At: since}); ; {
			page, err := h.Log.EventsAfter(ctx, kinds, after, heraldMost)
			if err != nil {
				err = fmt.Errorf("read events: %w", err)
			}
			if !yield(page, err) || len(page) < heraldMost {
				return
			}
			after = page[len(page)-1]
		}
	}
}

// each tells operators of what they should know at once. Each kind is read by
// itself: many of one must not stand before another.
func (h Herald) each(ctx context.Context, operators []person.Person, now time.Time) (err error) {
	for _, kind := range []audit.Event{audit.Disputed, audit.TextsStopped} {
		for page, readErr := range h.pages(ctx, now.Add(-heraldBack), kind) {
			if failed := errors.Join(readErr, h.eachOf(ctx, page, operators, now)); failed != nil {
				err = errors.Join(err, failed)
				break
			}
		}
	}
	return err
}

func (h Herald) eachOf(ctx context.Context, page []audit.Entry, operators []person.Person, now time.Time) error {
	ids := make([]string, len(page))
	for i, e := range page {
		ids[i] = e.ID
	}
	due, err := h.untold(ctx, now, ids...)
	if err != nil {
		return err
	}
	for _, e := range page {
		if !due[e.ID] {
			continue
		}
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
			if e.Method == audit.DisputedOnly {
				kind = "disputed-again"
			}
			args = []any{"who", who.Shown(), "username", who.Name, "when", h.Writer.When(e.At),
				"what", words.Text("activity." + string(message.Notice(e.Reason).Record()))}
		}
		if err := h.once(ctx, e.ID, now, h.toAll(operators, kind, now, args...)); err != nil {
			return err
		}
	}
	return nil
}

// lists tells operators what they should know once a day: of the day that is over,
// as the portal's zone counts days. That there was nothing is noted too, or every
// round would read the day again.
func (h Herald) lists(ctx context.Context, operators []person.Person, now time.Time) error {
	at := now.In(h.Writer.ZoneOr())
	end := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, at.Location())
	start := end.AddDate(0, 0, -1)
	noMail, tried := "no-mail/"+start.Format(time.DateOnly), "guessed/"+start.Format(time.DateOnly)
	due, err := h.untold(ctx, now, noMail, tried)
	if err != nil || len(due) == 0 {
		return err
	}
	var quiet, guessed names
	for page, err := range h.pages(ctx, start, audit.SetUp, audit.Limited) {
		if err != nil {
			return err
		}
		if err := h.listed(ctx, page, end, &quiet, &guessed); err != nil {
			return err
		}
		if n := len(page); n > 0 && !page[n-1].At.Before(end) {
			break
		}
	}
	kind := "no-mail"
	if len(quiet.list) == 1 {
		kind = "no-mail-one"
	}
	for _, l := range []struct {
		what, kind string
		names
	}{{noMail, kind, quiet}, {tried, "guessed", guessed}} {
		var mails change.Set
		switch n := len(l.list); {
		case !due[l.what], n == 0 && now.Sub(end) < heraldLate:
			continue
		case n > 0:
			mails = h.toAll(operators, l.kind, now, "n", n, "names", l.join())
		}
		err = errors.Join(err, h.once(ctx, l.what, now, mails))
	}
	return err
}

// listed puts those of a page who belong to a list on it, up to the end of the day.
func (h Herald) listed(ctx context.Context, page []audit.Entry, end time.Time, quiet, guessed *names) error {
	for _, e := range page {
		if !e.At.Before(end) {
			return nil
		}
		who, err := h.People.Person(ctx, e.Person)
		if err != nil {
			return fmt.Errorf("read person: %w", err)
		}
		switch {
		case who == nil:
		case e.Event == audit.SetUp && who.Email == "":
			quiet.add(who.Name)
		case e.Event == audit.Limited && e.Method == audit.LimitedLane:
			guessed.add(words.Text("operators.guessed.lane", "username", who.Name))
		case e.Event == audit.Limited:
			guessed.add(words.Text("operators.guessed.passwords", "username", who.Name))
		}
	}
	return nil
}

// names are the people of a list, each once.
type names struct {
	list []string
	on   map[string]bool
}

func (n *names) add(one string) {
	if n.on == nil {
		n.on = map[string]bool{}
	}
	if !n.on[one] {
		n.list, n.on[one] = append(n.list, one), true
	}
}

// join writes them out: as many as somebody reads, and how many more there are.
func (n names) join() string {
	shown := n.list[:min(len(n.list), heraldMost)]
	text := strings.Join(shown, ", ")
	if more := len(n.list) - len(shown); more > 0 {
		text = words.Text("operators.more", "names", text, "n", more)
	}
	return text
}

// recoveries tells people of a recovery that lapsed, or that something cancelled
// which tells nothing itself.
func (h Herald) recoveries(ctx context.Context, now time.Time) error {
	for after := (flow.Recovery{}); ; {
		page, err := h.Log.RecoveriesOver(ctx, now.Add(-heraldBack), now, after, heraldMost)
		if err != nil {
			return fmt.Errorf("read recoveries: %w", err)
		}
		if err := h.recoveriesOf(ctx, page, now); err != nil || len(page) < heraldMost {
			return err
		}
		after = page[len(page)-1]
	}
}

func (h Herald) recoveriesOf(ctx context.Context, page []flow.Recovery, now time.Time) error {
	whats := make([]string, len(page))
	for i, r := range page {
		whats[i] = "recovery/" + r.ID
	}
	due, err := h.untold(ctx, now, whats...)
	if err != nil {
		return err
	}
	for i, r := range page {
		if !due[whats[i]] {
			continue
		}
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
		switch {
		case r.EndedAt.IsZero():
			told.When, told.Variant = r.Until, "lapsed"
		case r.Ended == flow.ByRestoring:
			told.Variant = "restored"
		}
		// Who is deleted at this moment is told nothing more.
		set := append(change.Set{person.Unchanged{ID: who.ID, Version: who.Version}}, h.Writer.Notify(message.RecoveryStopped, told, now)...)
		if err := h.once(ctx, whats[i], now, set); err != nil {
			return err
		}
	}
	return nil
}
