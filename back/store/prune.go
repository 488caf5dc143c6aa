package store

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
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
	Entries  []doomed
	Old, New []gap
}

func (t txn) pruned(e pruned) error {
	for _, d := range e.Entries {
		if err := t.must(e, "DELETE FROM audit WHERE id = $1 AND seq = $2", d.ID, d.Seq); err != nil {
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

// doomed is an entry that goes.
type doomed struct {
	ID string
	place
}

func scanDoomed(row scanner) (*doomed, error) {
	var d doomed
	return &d, row.Scan(&d.ID, &d.Seq, &d.Link)
}

// prune takes one batch of linked entries away. It says whether there is more.
func (s *Store) prune(ctx context.Context, which string, args ...any) (more bool, err error) {
	list, err := list(ctx, s, scanDoomed, "SELECT id, seq, link FROM audit WHERE seq > 0 AND "+which+" LIMIT "+strconv.Itoa(sweepBatch), args...)
	if err != nil || len(list) == 0 {
		return false, err
	}
	slices.SortFunc(list, func(a, b doomed) int { return cmp.Compare(a.Seq, b.Seq) })
	set := pruned{Entries: list}
	for _, d := range list {
		if last := len(set.New) - 1; last >= 0 && set.New[last].Last == d.Seq-1 {
			set.New[last].Last, set.New[last].Link = d.Seq, d.Link
			continue
		}
		set.New = append(set.New, gap{First: d.Seq, Last: d.Seq, Link: d.Link})
	}
	if set.Old, err = s.besides(ctx, set.New); err != nil {
		return false, err
	}
	set.New = s.joined(append(slices.Clone(set.Old), set.New...))
	err = s.Apply(ctx, change.Set{set})
	if _, overtaken := errors.AsType[*change.Refused](err); overtaken {
		return true, nil // by the sweeper of another node
	}
	return len(list) == sweepBatch, err
}

// besides are the gaps that end or begin right beside others.
func (s *Store) besides(ctx context.Context, gaps []gap) (found []gap, err error) {
	err = s.ask(ctx, func() (questions []database.Question) {
		found = nil
		for _, g := range gaps {
			questions = append(questions, into(&found, scanGap, "SELECT "+gapColumns+" FROM audit_gaps WHERE last_seq = $1 OR first_seq = $2", g.First-1, g.Last+1))
		}
		return questions
	})
	slices.SortFunc(found, func(a, b gap) int { return cmp.Compare(a.First, b.First) })
	return slices.Compact(found), err // one may lie between two of them
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
	for n := sweepBatch; n == sweepBatch; {
		var err error
		if n, err = s.LinkEntries(ctx, sweepBatch); err != nil {
			return err
		}
	}
	for _, k := range Retention {
		if k.table != "audit" {
			continue
		}
		if err := s.pruneAll(ctx, k.where, ms(now.Add(-k.For))); err != nil {
			return err
		}
	}
	return s.pruneAll(ctx, "id IN (SELECT id FROM audit WHERE person = '' AND actor = '' ORDER BY at DESC LIMIT $1 OFFSET $2)", sweepBatch, unknownMost)
}

func (s *Store) pruneAll(ctx context.Context, which string, args ...any) error {
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		if more, err = s.prune(ctx, which, args...); err != nil {
			return err
		}
	}
	return nil
}

// PruneAudit drops all linked entries from before a moment, and says how many.
func (s *Store) PruneAudit(ctx context.Context, before time.Time) (n int, err error) {
	if err = s.count(ctx, &n, "SELECT COUNT(*) FROM audit WHERE seq > 0 AND at < $1", ms(before)); err != nil {
		return 0, err
	}
	return n, s.pruneAll(ctx, "at < $1", ms(before))
}

var _ audit.Chain = (*Store)(nil)
