package store

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"sallyport/back/database"
	"sallyport/core/audit"
	"sallyport/core/change"
)

// chainName is the one row of audit_chain.
const chainName = "audit"

// headOfDay is how much longer than others the first head of a day is kept.
const headOfDay = 10 * 365 * 24 * time.Hour

// place is a number in the chain and the link there.
type place struct {
	Seq  int64
	Link string
}

// waiting is an entry that waits for its place in the chain, and what it gets.
type waiting struct {
	ID, MAC string
	place
}

// linked is one batch of links. It stands on the end of the chain as it was read,
// so that of two nodes that link at once one is refused.
type linked struct {
	change.Mark
	From, To place
	Entries  []waiting
}

// headKeeps is a signed head to be kept.
type headKeeps struct {
	change.Mark
	Head   audit.Head
	EndsAt time.Time
}

func (t txn) chain(effect change.Effect) error {
	switch e := effect.(type) {
	case audit.Leased:
		return t.must(e, "INSERT INTO leases (id, holder, until_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, until_at = excluded.until_at "+
			"WHERE leases.holder = excluded.holder OR leases.until_at < $4 OR leases.until_at > $5", e.Name, e.Holder, ms(e.Until), ms(e.Now),
			ms(e.Until.Add(e.Until.Sub(e.Now)))) // a clock that was ahead when it was taken, or somebody who wants no links
	case linked:
		return t.linked(e)
	case headKeeps:
		h := e.Head
		return t.must(e, "INSERT INTO audit_heads (id, seq, link, at, sign, ends_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
			strconv.FormatInt(h.Seq, 10), h.Seq, h.Link, ms(h.At), h.Sign, ms(e.EndsAt))
	case pruned:
		return t.pruned(e)
	case adopted:
		return t.adopted(e)
	}
	return fmt.Errorf("no such effect on the chain")
}

// appended is an entry on its way into the log.
type appended struct {
	of     change.Effect
	mac    string
	values []any // of auditColumns
	place
}

// appends writes the entries of the changes that the embedded database commits as one,
// and erases whom they delete. Nobody else can write there meanwhile, so that the entries
// are linked at once, all by one step of the chain. Where its end is not known, because
// another process has moved it, they are left to the linker.
func (s *Store) appends(ctx context.Context, tx database.Tx, kept []any) (committed func(), err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	from, linked, err := s.linkKept(ctx, tx, kept)
	if err != nil {
		return nil, fmt.Errorf("link entries: %w", err)
	}
	var rows []*appended
	for _, k := range kept {
		switch k := k.(type) {
		case *appended:
			rows = append(rows, k)
		case erased:
			if err := write(ctx, tx, rows); err != nil {
				return nil, err
			}
			if err := k.from(ctx, tx); err != nil {
				return nil, err
			}
			rows = nil
		}
	}
	return func() { s.moved(from, linked) }, write(ctx, tx, rows)
}

// linkKept gives entries their places behind the end of the chain, and moves it to the
// last of them. Where that cannot be, no entry has a place, and the end stays.
func (s *Store) linkKept(ctx context.Context, tx database.Tx, kept []any) (from, to place, err error) {
	from = s.place()
	if from.Seq == 0 || s.linkers.Load() > 0 {
		return from, from, nil
	}
	to = from
	for _, k := range kept {
		if e, ok := k.(*appended); ok {
			to = s.linkOf(to, e.mac)
			e.place = to
		}
	}
	if to == from {
		return from, to, nil
	}
	rows, err := tx.Exec(ctx, database.Statement{Query: moveEnd, Args: []any{chainName, to.Seq, to.Link, from.Seq, from.Link}})
	if err != nil || rows == 1 {
		return from, to, err
	}
	for _, k := range kept {
		if e, ok := k.(*appended); ok {
			e.place = place{}
		}
	}
	return from, from, nil
}

// write writes entries, many with one statement. Those that have no place wait for one.
func write(ctx context.Context, tx database.Tx, rows []*appended) error {
	for len(rows) > 0 {
		n := 1
		if len(rows) >= manyEntries {
			n = manyEntries
		}
		e := database.Statement{Of: rows[0].of, Query: appendRows[n]}
		for _, row := range rows[:n] {
			link := row.Link
			if row.Seq == 0 {
				link = placeless
			}
			e.Args = append(append(e.Args, row.values...), row.Seq, link)
		}
		if err := tx.Run(ctx, e); err != nil {
			return err
		}
		for _, row := range rows[:n] {
			if row.Seq > 0 {
				continue
			}
			if err := tx.Run(ctx, database.Statement{Of: row.of, Query: "INSERT INTO audit_waiting (entry, mac) VALUES ($1, $2)", Args: []any{row.values[0], row.mac}}); err != nil {
				return err
			}
		}
		rows = rows[n:]
	}
	return nil
}

// manyEntries is how many entries one statement writes, if it is not one: few forms, so
// that each is prepared once.
const manyEntries = 8

var appendRows = map[int]string{1: appendStatement(1), manyEntries: appendStatement(manyEntries)}

func appendStatement(n int) string {
	const columns = auditColumns + ", seq, link"
	one := makeInsert("audit", columns)
	width := strings.Count(columns, ",") + 1
	for row := 1; row < n; row++ {
		places := make([]string, width)
		for i := range places {
			places[i] = fmt.Sprintf("$%d", row*width+i+1)
		}
		one += ", (" + strings.Join(places, ", ") + ")"
	}
	return one
}

// placeless is the link in an entry's own row while it has none there: programs before
// schema 10 link what has an empty one.
const placeless = "-"

// appendAndWait writes an entry and lets it wait for its place (PostgreSQL alone).
var appendAndWait = "WITH entry AS (" + makeInsert("audit", auditColumns+", link") + " RETURNING id, mac) INSERT INTO audit_waiting (entry, mac) SELECT id, mac FROM entry"

// moveEnd moves the end of the chain on, if it is where it was thought to be.
const moveEnd = "UPDATE audit_chain SET seq = $2, link = $3 WHERE id = $1 AND seq = $4 AND link = $5"

func (t txn) linked(e linked) error {
	if e.From.Seq == 0 {
		if err := t.do("INSERT INTO audit_chain (id, seq, link) VALUES ($1, 0, '') ON CONFLICT DO NOTHING", chainName); err != nil {
			return err
		}
	}
	moved, err := t.rows(moveEnd, chainName, e.To.Seq, e.To.Link, e.From.Seq, e.From.Link) // before anything takes the places
	if err != nil {
		return err
	} else if moved != 1 {
		return &change.Refused{Effect: e}
	}
	if t.store.embedded {
		for _, w := range e.Entries {
			if err := t.must(e, "INSERT INTO audit_places (entry, seq, link) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", w.ID, w.Seq, w.Link); err != nil {
				return err
			}
			if err := t.must(e, "DELETE FROM audit_waiting WHERE entry = $1", w.ID); err != nil {
				return err
			}
		}
		return nil
	}
	ids, numbers, links := make([]string, len(e.Entries)), make([]int64, len(e.Entries)), make([]string, len(e.Entries))
	for i, w := range e.Entries {
		ids[i], numbers[i], links[i] = w.ID, w.Seq, w.Link
	}
	if _, err := t.rows(placeAll, ids, numbers, links); database.Taken(err) {
		return &change.Refused{Effect: e}
	} else if err != nil {
		return err
	}
	gone, err := t.rows(unwaitAll, ids)
	if err == nil && gone != int64(len(ids)) {
		err = &change.Refused{Effect: e}
	}
	return err
}

// placeAll and unwaitAll are for PostgreSQL: a list is one value there, and half of the
// cost of one for each entry. To ask for conflicts would double what placing costs: there
// is one only where somebody has put a place in.
const (
	placeAll = "INSERT INTO audit_places (entry, seq, link) SELECT entry, seq, link FROM unnest(CAST($1 AS TEXT[]), CAST($2 AS BIGINT[]), CAST($3 AS TEXT[])) " +
		"AS given (entry, seq, link)"
	unwaitAll = "DELETE FROM audit_waiting WHERE entry = ANY(CAST($1 AS TEXT[]))"
)

// placed are the entries that have a place, in their own row or beside it; it stands for
// the table. One that has a place in its row has none beside.
const placed = "(SELECT " + auditColumns + ", seq, link, 0 AS beside FROM audit WHERE seq > 0 UNION ALL " +
	"SELECT a.id, a.at, a.person, a.actor, a.event, a.method, a.reason, a.attempt, a.detail, a.mac, a.parts_hash, p.seq, p.link, 1 " +
	"FROM audit_places AS p JOIN audit AS a ON a.id = p.entry AND a.seq = 0) AS audit"

// inOrder reads the whole log in the order of its places. PostgreSQL would sort all of it
// at once, so that it is asked for a piece at a time, and looks each entry up by its place.
func (s *Store) inOrder(ctx context.Context, columns string, each func(database.Row) error) (questions []database.Question, err error) {
	if s.embedded {
		return []database.Question{{Query: "SELECT " + columns + " FROM " + placed + " WHERE seq > 0 ORDER BY seq", Each: each}}, nil
	}
	end, err := s.chainEnd(ctx)
	if err != nil {
		return nil, err
	}
	const lookedUp = "(SELECT " + auditColumns + ", seq, link, 0 AS beside FROM audit WHERE seq > 0 UNION ALL SELECT a.*, p.seq, p.link, 1 FROM audit_places AS p, " +
		"LATERAL (SELECT " + auditColumns + " FROM audit WHERE id = p.entry AND seq = 0 LIMIT 1) AS a) AS audit"
	reach := max(end.Seq, 0)
	step := max(pieceOfLog, reach/pieceOfLog+1) // whoever writes the database may have made the end any number
	for from := int64(0); ; from += step {
		last, to := from >= reach-step, from+step
		if last {
			to = math.MaxInt64
		}
		questions = append(questions, database.Question{Query: "SELECT " + columns + " FROM " + lookedUp + " WHERE seq > $1 AND seq <= $2 ORDER BY seq", Args: []any{from, to}, Each: each})
		if last {
			return questions, nil
		}
	}
}

// pieceOfLog is how many places are read by one question, and into how many pieces the
// log is cut at most.
const pieceOfLog = 4096

// loose says of an entry that it has no place: together with those that are placed these
// are all.
const loose = "seq <= 0 AND (seq < 0 OR NOT EXISTS (SELECT 1 FROM audit_places AS p WHERE p.entry = audit.id AND p.seq > 0))"

// linkOf ties an entry to the one before it.
func (s *Store) linkOf(before place, mac string) place {
	next := before.Seq + 1
	return place{next, base64.RawURLEncoding.EncodeToString(s.box.MAC("audit.link", []byte(before.Link), []byte(strconv.FormatInt(next, 10)), []byte(mac)))}
}

// Unlinked says whether entries wait for their link.
func (s *Store) Unlinked(ctx context.Context) (bool, error) {
	one, err := first(list(ctx, s, scanWaiting, "SELECT entry, mac FROM audit_waiting ORDER BY entry LIMIT 1"))
	return one != nil, err
}

func scanWaiting(row scanner) (*waiting, error) {
	var w waiting
	return &w, row.Scan(&w.ID, &w.MAC)
}

// Hold takes or keeps a lease; false means that somebody else has it.
func (s *Store) Hold(ctx context.Context, l audit.Leased) (bool, error) {
	err := s.Apply(ctx, change.Set{l})
	if _, taken := errors.AsType[*change.Refused](err); taken {
		return false, nil
	}
	return err == nil, err
}

// LinkEntries links entries that were committed, oldest first, at most some of them. That
// another node was faster is no error: it did the work.
func (s *Store) LinkEntries(ctx context.Context, most int) (int, error) {
	s.linkers.Add(1) // what is appended now waits, or the end of the chain would run away from this
	defer s.linkers.Add(-1)
	for try := 0; ; try++ {
		end, err := s.reached(ctx)
		if err != nil {
			return 0, err
		}
		entries, err := list(ctx, s, scanWaiting, "SELECT entry, mac FROM audit_waiting ORDER BY entry LIMIT $1", most)
		if err != nil || len(entries) == 0 {
			return 0, err
		}
		at := end
		for i := range entries {
			at = s.linkOf(at, entries[i].MAC)
			entries[i].place = at
		}
		err = s.Apply(ctx, change.Set{linked{From: end, To: at, Entries: entries}})
		if err == nil {
			s.moved(end, at)
			return len(entries), nil
		}
		if _, refused := errors.AsType[*change.Refused](err); !refused {
			return 0, err
		}
		now, err := s.chainEnd(ctx)
		if err == nil && now == end {
			err = fmt.Errorf("one of %d entries from %s on cannot be linked; hint: sallyport audit verify", len(entries), entries[0].ID)
		}
		if err != nil || try == linkTries {
			return 0, err // by another node otherwise
		}
	}
}

// linkTries is how often others may be faster before the linker leaves it to them.
const linkTries = 2

// chainEnd is the end of the chain, or its beginning.
func (s *Store) chainEnd(ctx context.Context) (place, error) {
	end, err := first(list(ctx, s, scanPlace, "SELECT seq, link FROM audit_chain WHERE id = $1", chainName))
	if err != nil || end == nil {
		return place{}, err
	}
	return *end, nil
}

func scanPlace(row scanner) (*place, error) {
	var p place
	return &p, row.Scan(&p.Seq, &p.Link)
}

// reached is the end of the chain. Whoever can write the database could set it back
// and have what follows linked anew without an entry: that this process has seen
// more is told once. Then it goes on, as what comes wants its links.
func (s *Store) reached(ctx context.Context) (end place, err error) {
	for {
		seen := s.place()
		if end, err = s.chainEnd(ctx); err != nil || end == seen {
			return end, err
		}
		back := seen.Seq > 0
		if end.Seq > seen.Seq && back {
			there, err := first(list(ctx, s, scanPlace, "SELECT seq, link FROM "+placed+" WHERE seq = $1", seen.Seq))
			if err != nil {
				return end, err
			}
			back = there != nil && *there != seen // else it was pruned
		}
		if !s.moved(seen, end) {
			continue // by this process, meanwhile
		}
		if back {
			return end, fmt.Errorf("the audit log was set back: this portal has seen entry %d with the link %s; hint: sallyport audit verify --head, with the heads of the portal's log", seen.Seq, seen.Link)
		}
		return end, nil
	}
}

// place is how far this process has seen the chain.
func (s *Store) place() place {
	s.seenMu.Lock()
	defer s.seenMu.Unlock()
	return s.seen
}

// moved notes that the chain goes on behind what was seen.
func (s *Store) moved(from, to place) bool {
	s.seenMu.Lock()
	defer s.seenMu.Unlock()
	if s.seen != from {
		return false
	}
	s.seen = to
	return true
}

// SignHead signs the head of now and keeps it; nil where it is signed already.
func (s *Store) SignHead(ctx context.Context, now time.Time) (*audit.Head, error) {
	end, err := s.reached(ctx)
	if err != nil || end.Seq == 0 {
		return nil, err
	}
	last, err := first(list(ctx, s, scanHead, "SELECT "+headColumns+" FROM audit_heads ORDER BY seq DESC LIMIT 1"))
	if err != nil || s.signedAt(last, end) {
		return nil, err
	}
	keep := time.Duration(0)
	if last == nil || last.At.UTC().Format(time.DateOnly) != now.UTC().Format(time.DateOnly) {
		keep = headOfDay
	}
	head := s.signed(end, now)
	err = s.Apply(ctx, change.Set{headKeeps{Head: head, EndsAt: now.Add(keep)}})
	if _, there := errors.AsType[*change.Refused](err); there {
		last, err = first(list(ctx, s, scanHead, "SELECT "+headColumns+" FROM audit_heads WHERE id = $1", strconv.FormatInt(end.Seq, 10)))
		if s.signedAt(last, end) { // by another node
			return nil, err
		} // else somebody put one in, which must not keep this one out of the log
	}
	return &head, err
}

// signedAt says whether a head is one that the portal signed of a place.
func (s *Store) signedAt(h *audit.Head, p place) bool {
	return h != nil && h.Seq == p.Seq && h.Link == p.Link && h.Sign == s.headSign(*h)
}

// AuditHead is the head of now, signed, without keeping it.
func (s *Store) AuditHead(ctx context.Context, now time.Time) (*audit.Head, error) {
	end, err := s.chainEnd(ctx)
	if err != nil || end.Seq == 0 {
		return nil, err
	}
	head := s.signed(end, now)
	return &head, nil
}

func (s *Store) signed(end place, now time.Time) audit.Head {
	h := audit.Head{Seq: end.Seq, Link: end.Link, At: now.UTC().Truncate(time.Millisecond)}
	h.Sign = s.headSign(h)
	return h
}

func (s *Store) headSign(h audit.Head) string {
	return base64.RawURLEncoding.EncodeToString(s.box.MAC("audit.head", []byte(strconv.FormatInt(h.Seq, 10)), []byte(h.Link), []byte(signedTime(h.At))))
}

const headColumns = "seq, link, at, sign"

func scanHead(row scanner) (*audit.Head, error) {
	var h audit.Head
	return &h, row.Scan(&h.Seq, &h.Link, when{&h.At}, &h.Sign)
}
