package store

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"sallyport/back/database"
	"sallyport/core/audit"
	"sallyport/core/change"
)

// gap stands where entries of the audit log were: signed, so that only the portal
// can take entries away without its being seen. Neighbours become one.
type gap struct {
	First, Last int64
	Link, Sign  string
}

// pruned takes entries away and leaves their gaps.
type pruned struct {
	change.Mark
	Entries  []waiting
	Old, New []gap
}

func (t txn) pruned(e pruned) error {
	for _, d := range e.Entries {
		if err := t.must(e, "DELETE FROM audit WHERE id = $1 AND (seq = $2 AND link = $3 OR seq = 0 AND EXISTS (SELECT 1 FROM audit_places AS p WHERE p.entry = $1 AND p.seq = $2 AND p.link = $3))",
			d.ID, d.Seq, d.Link); err != nil {
			return err
		}
		if err := t.do("DELETE FROM audit_places WHERE entry = $1", d.ID); err != nil {
			return err
		}
	}
	for _, g := range e.Old {
		if err := t.must(e, "DELETE FROM audit_gaps WHERE id = $1 AND last_seq = $2", strconv.FormatInt(g.First, 10), g.Last); err != nil {
			return err
		}
	}
	for _, g := range e.New {
		if err := t.must(e, "INSERT INTO audit_gaps (id, first_seq, last_seq, link, sign) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
			strconv.FormatInt(g.First, 10), g.First, g.Last, g.Link, g.Sign); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) gapSign(g gap) string {
	return base64.RawURLEncoding.EncodeToString(s.box.MAC("audit.gap", []byte(strconv.FormatInt(g.First, 10)), []byte(strconv.FormatInt(g.Last, 10)), []byte(g.Link)))
}

const gapColumns = "first_seq, last_seq, link, sign"

func scanGap(row scanner) (*gap, error) {
	var g gap
	return &g, row.Scan(&g.First, &g.Last, &g.Link, &g.Sign)
}

// unsound is an entry that would have gone, had it been as the portal wrote it.
type unsound struct{ seq int64 }

func (u unsound) Error() string {
	return fmt.Sprintf("entry %d of the audit log is not as it was signed, and stays; hint: sallyport audit verify", u.seq)
}

// prune takes one batch of linked entries away. It says whether there is more. A
// gap is signed only for entries which are as they were when they were linked: who
// can write the database must not have the portal take away what they choose.
func (s *Store) prune(ctx context.Context, which string, args ...any) (more bool, err error) {
	for range pruneTries {
		more, err = s.pruneOnce(ctx, which, args...)
		if _, overtaken := errors.AsType[*change.Refused](err); !overtaken {
			return more, err
		} // by the sweeper of another node
	}
	return false, fmt.Errorf("prune the audit log: %w; hint: sallyport audit verify", err)
}

const pruneTries = 5

func (s *Store) pruneOnce(ctx context.Context, which string, args ...any) (more bool, err error) {
	rows, err := list(ctx, s, scanRow, "SELECT "+verifyColumns+" FROM "+placed+" WHERE seq > 0 AND "+which+" LIMIT "+strconv.Itoa(sweepBatch), args...)
	if err != nil || len(rows) == 0 {
		return false, err
	}
	slices.SortFunc(rows, func(a, b auditRow) int { return cmp.Compare(a.Seq, b.Seq) })
	links, gaps, err := s.beside(ctx, rows)
	if err != nil {
		return false, err
	}
	set, bad := pruned{}, []place(nil)
	for i := range rows {
		d := &rows[i]
		before, known := links[d.Seq-1]
		if intact, _ := s.intact(d); !intact || !known || s.linkOf(place{d.Seq - 1, before}, d.MAC).Link != d.Link {
			bad = append(bad, place{d.Seq, d.Link})
			continue
		}
		set.Entries = append(set.Entries, waiting{d.ID, d.MAC, place{d.Seq, d.Link}})
		set.New = append(set.New, gap{First: d.Seq, Last: d.Seq, Link: d.Link})
	}
	if len(set.Entries) == 0 {
		return false, s.stays(ctx, bad)
	}
	set.New = s.joined(set.New)
	for _, g := range gaps {
		if slices.ContainsFunc(set.New, func(n gap) bool { return n.First-1 == g.Last || n.Last+1 == g.First }) {
			set.Old = append(set.Old, g)
		}
	}
	set.New = s.joined(append(slices.Clone(set.Old), set.New...))
	if err = s.Apply(ctx, change.Set{set}); err != nil {
		return false, err
	}
	return len(rows) == sweepBatch, s.stays(ctx, bad)
}

// stays is an error about the first of some entries that are not as they were
// signed, if it is there: what the sweeper of another node took looks like that too.
func (s *Store) stays(ctx context.Context, bad []place) error {
	for _, p := range bad {
		there, err := first(list(ctx, s, scanPlace, "SELECT seq, link FROM "+placed+" WHERE seq = $1", p.Seq))
		if err != nil {
			return err
		}
		if there != nil && *there == p {
			return unsound{p.Seq}
		}
	}
	return nil
}

// beside reads what lies right before and behind entries: the links of those before,
// and the gaps, as far as they are signed.
func (s *Store) beside(ctx context.Context, rows []auditRow) (links map[int64]string, gaps []gap, err error) {
	var before []place
	err = s.ask(ctx, func() (questions []database.Question) {
		before, gaps = nil, nil
		for i, row := range rows {
			if i == 0 || rows[i-1].Seq != row.Seq-1 {
				questions = append(questions, into(&before, scanPlace, "SELECT seq, link FROM "+placed+" WHERE seq = $1", row.Seq-1),
					into(&gaps, scanGap, "SELECT "+gapColumns+" FROM audit_gaps WHERE last_seq = $1", row.Seq-1))
			}
			if i == len(rows)-1 || rows[i+1].Seq != row.Seq+1 {
				questions = append(questions, into(&gaps, scanGap, "SELECT "+gapColumns+" FROM audit_gaps WHERE first_seq = $1", row.Seq+1))
			}
		}
		return questions
	})
	slices.SortFunc(gaps, func(a, b gap) int { return cmp.Compare(a.First, b.First) })
	gaps = slices.Compact(gaps) // one may lie between two entries
	gaps = slices.DeleteFunc(gaps, func(g gap) bool { return g.Sign != s.gapSign(g) })
	links = map[int64]string{0: ""}
	for _, g := range gaps {
		links[g.Last] = g.Link
	}
	for _, p := range before {
		links[p.Seq] = p.Link
	}
	for _, row := range rows {
		links[row.Seq] = row.Link
	}
	return links, gaps, err
}

// joined makes one signed gap of each row of neighbours.
func (s *Store) joined(gaps []gap) (whole []gap) {
	slices.SortFunc(gaps, func(a, b gap) int { return cmp.Compare(a.First, b.First) })
	for _, g := range gaps {
		if last := len(whole) - 1; last >= 0 && whole[last].Last == g.First-1 {
			whole[last].Last, whole[last].Link = g.Last, g.Link
			continue
		}
		whole = append(whole, g)
	}
	for i := range whole {
		whole[i].Sign = s.gapSign(whole[i])
	}
	return whole
}

// sweepAudit drops entries that have passed their time, and those of strangers
// over their bound. Only what is linked can go, so it links first.
func (s *Store) sweepAudit(ctx context.Context, now time.Time) error {
	if err := s.adopt(ctx, now); err != nil {
		return err
	}
	for n := sweepBatch; n == sweepBatch; {
		var err error
		if n, err = s.LinkEntries(ctx, sweepBatch); err != nil {
			return err
		}
	}
	var errs []error
	for _, k := range Retention {
		if k.table == "audit" {
			errs = append(errs, s.pruneAll(ctx, k.where, ms(now.Add(-k.For))))
		}
	}
	return errors.Join(append(errs, s.pruneAll(ctx, "id IN (SELECT id FROM audit WHERE person = '' AND actor = '' ORDER BY at DESC LIMIT $1 OFFSET $2)", sweepBatch, unknownMost))...)
}

// adopted lets entries wait for their place that somebody wrote who knows of no such
// thing: a node of an earlier program.
type adopted struct {
	change.Mark
	Since time.Time
}

func (t txn) adopted(e adopted) error {
	return t.do("WITH taken AS (UPDATE audit SET link = '"+placeless+"' WHERE at >= $1 AND seq = 0 AND link = '' RETURNING id, mac) "+
		"INSERT INTO audit_waiting (entry, mac) SELECT id, mac FROM taken ON CONFLICT DO NOTHING", ms(e.Since))
}

// adopt adopts at the first sweep of a process, and once an hour. The embedded database
// has no other node.
func (s *Store) adopt(ctx context.Context, now time.Time) error {
	if since := now.Sub(at(s.adoptedAt.Load())); s.embedded || since >= 0 && since < time.Hour {
		return nil
	}
	err := s.Apply(ctx, change.Set{adopted{Since: now.Add(-adoptFor)}})
	if err == nil {
		s.adoptedAt.Store(ms(now))
	}
	return err
}

// adoptFor is how old an entry may be that is adopted: nodes are not replaced for longer.
const adoptFor = 25 * time.Hour

// pruneAll prunes on where an entry is unsound, and tells of it at the end.
func (s *Store) pruneAll(ctx context.Context, which string, args ...any) error {
	var bad error
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		more, err = s.prune(ctx, which, args...)
		if _, stays := errors.AsType[unsound](err); err != nil && !stays {
			return err
		}
		bad = cmp.Or(bad, err)
	}
	return bad
}

// PruneAudit drops all linked entries from before a moment, and says how many.
func (s *Store) PruneAudit(ctx context.Context, before time.Time) (n int, err error) {
	if err = s.count(ctx, &n, "SELECT COUNT(*) FROM "+placed+" WHERE seq > 0 AND at < $1", ms(before)); err != nil {
		return 0, err
	}
	return n, s.pruneAll(ctx, "at < $1", ms(before))
}

var _ audit.Chain = (*Store)(nil)
