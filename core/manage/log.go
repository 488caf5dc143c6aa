package manage

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/words"
)

// Records reads and prunes the audit log.
type Records interface {
	EachRecord(ctx context.Context, f audit.Filter, use func(audit.Record) error) error
	// NewestRecords are the newest entries, oldest first.
	NewestRecords(ctx context.Context, most int) ([]audit.Record, error)
	PruneAudit(ctx context.Context, before time.Time) (int, error)
}

// LogLine is an entry as operators and their machines read it.
type LogLine struct {
	Entry    int64     `json:"entry,omitempty"` // its number in the chain
	ID       string    `json:"id"`
	Time     time.Time `json:"time"`
	Event    string    `json:"event"`
	Text     string    `json:"text"`
	Method   string    `json:"method,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	Person   string    `json:"person,omitempty"`
	PersonID string    `json:"person_id,omitempty"`
	Actor    string    `json:"actor,omitempty"`
	ActorID  string    `json:"actor_id,omitempty"`
	Note     string    `json:"note,omitempty"`
	Address  string    `json:"address,omitempty"`
	Browser  string    `json:"browser,omitempty"`
	Request  string    `json:"request,omitempty"`
	Attempt  string    `json:"attempt,omitempty"`
	MAC      string    `json:"mac,omitempty"`
	Link     string    `json:"link,omitempty"`
}

// Wanted is which entries an operator asks for, in words; empty fields want all.
type Wanted struct {
	Since, Until string // a day of the portal's zone, or a time of RFC 3339
	Person       string // a name
	Events       []string
}

// ErrWanted is about a wish that cannot be read.
var ErrWanted = errors.New("nothing done")

// Filter reads a wish.
func (m *Manager) Filter(ctx context.Context, w Wanted) (f audit.Filter, err error) {
	if f.Since, err = m.Moment(w.Since); err == nil {
		f.Until, err = m.Moment(w.Until)
	}
	if err != nil {
		return f, err
	}
	if !f.Until.IsZero() && !f.Since.Before(f.Until) {
		return f, fmt.Errorf("%w: the beginning must be before the end; hint: a day begins at midnight", ErrWanted)
	}
	if w.Person != "" {
		who, err := m.Person(ctx, w.Person)
		if err != nil {
			return f, err
		}
		f.Person = who.ID
	}
	for _, e := range w.Events {
		if !slices.Contains(audit.Events, audit.Event(e)) {
			return f, fmt.Errorf("%w: there is no event %q; hint: see docs/reference/events.md", ErrWanted, e)
		}
		f.Events = append(f.Events, audit.Event(e))
	}
	return f, nil
}

// Moment reads a day of the portal's zone, or a time. An empty text is the zero time.
func (m *Manager) Moment(text string) (at time.Time, err error) {
	if text == "" {
		return at, nil
	}
	if at, err = time.ParseInLocation(time.DateOnly, text, m.Writer.ZoneOr()); err == nil {
		return at, nil
	}
	if at, err = time.Parse(time.RFC3339, text); err != nil {
		return at, fmt.Errorf("%w: %q is no day and no time; hint: 2026-11-25, or 2026-11-25T08:00:00Z", ErrWanted, text)
	}
	return at, nil
}

// ExportLog hands out entries in their order, those that are not linked yet last.
// That somebody took them is an entry too, written first, so that nobody takes them
// unseen.
func (m *Manager) ExportLog(ctx context.Context, log Records, actor string, w Wanted, use func(LogLine) error) error {
	f, err := m.Filter(ctx, w)
	if err != nil {
		return err
	}
	if err := m.Changes.Apply(ctx, change.Set{m.entry(audit.Exported, actor, "", "")}); err != nil {
		return fmt.Errorf("export the audit log: %w", err)
	}
	names := m.namer()
	return log.EachRecord(ctx, f, func(e audit.Record) error {
		line, err := names.line(ctx, e)
		if err != nil {
			return err
		}
		return use(line)
	})
}

// tailEvery is how often a tail that follows looks, tailBack how long entries may
// be committed out of their order.
const (
	tailEvery = time.Second
	tailBack  = 10 * time.Second
)

// TailLog hands out the newest entries, and those that come until ctx ends where it
// follows.
func (m *Manager) TailLog(ctx context.Context, log Records, most int, follow bool, use func(LogLine) error) error {
	names, seen, last := m.namer(), map[string]time.Time{}, m.Now()
	show := func(e audit.Record) error {
		if _, twice := seen[e.ID]; twice {
			return nil
		}
		seen[e.ID], last = e.At, e.At
		line, err := names.line(ctx, e)
		if err != nil {
			return err
		}
		return use(line)
	}
	newest, err := log.NewestRecords(ctx, most)
	for _, e := range newest {
		if err == nil {
			err = show(e)
		}
	}
	for err == nil && follow {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(tailEvery):
		}
		from := last.Add(-tailBack)
		if most == 0 {
			from, most = last, 1
		}
		if err = log.EachRecord(ctx, audit.Filter{Since: from}, show); ctx.Err() != nil {
			return nil
		}
		for id, at := range seen {
			if at.Before(from) {
				delete(seen, id)
			}
		}
	}
	return err
}

// namer finds the names of people, each once.
type namer struct {
	people People
	of     map[string]string
}

func (m *Manager) namer() namer { return namer{m.People, map[string]string{}} }

func (n namer) line(ctx context.Context, e audit.Record) (l LogLine, err error) {
	l = LogLine{Entry: e.Seq, ID: e.ID, Time: e.At, Event: string(e.Event), Text: words.Text("activity." + string(e.Event)), Method: e.Method, Reason: e.Reason,
		Note: e.Note, Address: e.Address, Browser: e.Agent, Request: e.Request, Attempt: e.Attempt, MAC: e.MAC, Link: e.Link}
	if l.Person, l.PersonID, err = n.name(ctx, e.Person); err == nil {
		l.Actor, l.ActorID, err = n.name(ctx, e.Actor)
	}
	return l, err
}

// name is the name of somebody, and their id where they are a person: a command,
// the portal and somebody deleted are none.
func (n namer) name(ctx context.Context, id string) (name, is string, err error) {
	if id == "" || strings.Contains(id, ":") || id == audit.Erased || id == audit.Portal {
		return id, "", nil
	}
	name, ok := n.of[id]
	if !ok {
		who, err := n.people.Person(ctx, id)
		if err != nil {
			return "", "", fmt.Errorf("read person: %w", err)
		}
		if who != nil {
			name = who.Name
		}
		n.of[id] = name
	}
	return name, id, nil
}

// PruneLog drops the entries from before a moment. The chain goes on over the gap,
// which is signed; who did it is written first.
func (m *Manager) PruneLog(ctx context.Context, log Records, actor string, before time.Time) (int, error) {
	if before.After(m.Now().AddDate(0, 0, -1)) {
		return 0, fmt.Errorf("%w: entries of the last day stay; hint: name an earlier day", ErrWanted)
	}
	if err := m.Changes.Apply(ctx, change.Set{m.entry(audit.Pruned, actor, "", "up to "+before.UTC().Format(time.RFC3339))}); err != nil {
		return 0, fmt.Errorf("prune the audit log: %w", err)
	}
	return log.PruneAudit(ctx, before)
}

// Heads reads signed heads, one a line, among whatever else a log has.
func Heads(from io.Reader) (heads []audit.Head, err error) {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var h audit.Head
		if json.Unmarshal(lines.Bytes(), &h) == nil && h.Sign != "" {
			heads = append(heads, h)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read heads: %w", err)
	}
	if len(heads) == 0 {
		return nil, fmt.Errorf("%w: there is no signed head; hint: --head takes a file with what sallyport audit head printed, or with the portal's log in JSON", ErrWanted)
	}
	return heads, nil
}

// Keys seal what is stored.
type Keys interface {
	RotateKey(ctx context.Context, now time.Time, entry audit.Entry) (int64, error)
}

// RotateKey makes a new data key, which is in use at once.
func (m *Manager) RotateKey(ctx context.Context, keys Keys, actor string) (int64, error) {
	return keys.RotateKey(ctx, m.Now(), m.entry(audit.KeyRotated, actor, "", ""))
}

// Signers makes the next keys that sign tokens.
type Signers interface {
	Rotate(ctx context.Context, entry audit.Entry) ([]string, error)
}

// RotateSigning makes the next keys that sign tokens; an operator does it.
func (m *Manager) RotateSigning(ctx context.Context, keys Signers, actor string) ([]string, error) {
	return keys.Rotate(ctx, m.entry(audit.KeyRotated, actor, "", ""))
}
