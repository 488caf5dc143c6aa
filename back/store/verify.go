package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"

	"sallyport/back/database"
	"sallyport/core/audit"
)

// auditRow is an entry as it lies.
type auditRow struct {
	audit.Record
	sealed []byte
	parts  string
	late   bool // it follows one whose tags are signed
}

const (
	verifyColumns = auditColumns + ", seq, link"
	looseColumns  = auditColumns + ", seq, ''"
	// waits is not 0 of an entry that waits for its place, or that an earlier program wrote.
	waits = "CASE WHEN link = '' THEN 1 ELSE (SELECT COUNT(*) FROM audit_waiting AS w WHERE w.entry = audit.id) END"
)

func (r *auditRow) scan(row scanner, more ...any) error {
	return row.Scan(append([]any{&r.ID, when{&r.At}, &r.Person, &r.Actor, &r.Event, &r.Method, &r.Reason, &r.Attempt, &r.sealed, &r.MAC, &r.parts, &r.Seq, &r.Link}, more...)...)
}

func scanRow(row scanner) (*auditRow, error) {
	var r auditRow
	return &r, r.scan(row)
}

// openDetail opens the personal parts, also while a long reading goes on.
func (s *Store) openDetail(r *auditRow) error {
	var d detail
	err := s.openJSON("audit.detail", r.ID, r.sealed, &d)
	if s.learnt(context.Background(), err) {
		err = s.openJSON("audit.detail", r.ID, r.sealed, &d)
	}
	if err != nil {
		return err
	}
	r.Note, r.Address, r.Agent, r.Request, r.Entry.Link = d.Note, d.Address, d.Agent, d.Request, d.Link
	return nil
}

const verifyBatch = 256

// batch is a run of rows with what stands before it.
type batch struct {
	before place
	rows   []auditRow
	// at n the place before row n is another than the row before it: a gap
	after map[int]place
}

// verifier checks entries as they are read, with every core.
type verifier struct {
	store   *Store
	mu      sync.Mutex
	report  audit.Report
	erased  map[string]int64 // tag of a deleted person: the first entry that bears it
	gone    map[string]bool  // tags that deletions name
	heads   map[int64][]audit.Head
	newest  int64 // of them
	gaps    []gap // not passed yet
	end     *place
	last    place
	placed  int64  // entries that have a place
	beside  int64  // those of them whose place is beside them
	places  int64  // such places
	tags    bool   // an entry was met whose tags are signed
	batch   *batch // being filled
	batches chan *batch
}

// VerifyAudit checks every entry, its link, the signed gaps and heads, and heads
// that were kept elsewhere. The fault that it reports is the first in order. It
// reads one moment of the database, which others write meanwhile.
func (s *Store) VerifyAudit(ctx context.Context, kept []audit.Head) (*audit.Report, error) {
	v := &verifier{store: s, erased: map[string]int64{}, gone: map[string]bool{}, heads: map[int64][]audit.Head{}, batches: make(chan *batch, 2*runtime.GOMAXPROCS(0))}
	var checking sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		checking.Go(func() {
			for b := range v.batches {
				v.check(b)
			}
		})
	}
	err := v.read(ctx, kept)
	close(v.batches)
	checking.Wait()
	if err == nil && v.places != v.beside {
		err = v.misplaced(ctx)
	}
	if err != nil {
		return nil, down("verify", err)
	}
	v.ends()
	return &v.report, nil
}

// misplaced names a place beside an entry that is not there, or that has one in its row.
func (v *verifier) misplaced(ctx context.Context) error {
	found, err := first(list(ctx, v.store, scanMisplaced, "SELECT p.entry, p.seq FROM audit_places AS p LEFT JOIN audit AS a ON a.id = p.entry "+
		"WHERE a.id IS NULL OR a.seq <> 0 OR p.seq <= 0 ORDER BY p.seq LIMIT 1"))
	if err != nil {
		return err
	}
	if found == nil { // it was mended meanwhile
		found = &waiting{}
	}
	v.found(found.Seq, found.ID, "it has a place beside it, and another in its row or no row")
	return nil
}

func scanMisplaced(row scanner) (*waiting, error) {
	var w waiting
	return &w, row.Scan(&w.ID, &w.Seq)
}

// found keeps the first fault in the chain's order; entries without a link come last.
func (v *verifier) found(seq int64, id, why string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	order := func(seq int64) int64 {
		if seq <= 0 {
			return math.MaxInt64
		}
		return seq
	}
	if f := v.report.Fault; f == nil || order(seq) < order(f.Seq) {
		v.report.Fault = &audit.Fault{Seq: seq, ID: id, Why: why}
	}
}

// named takes the id of an entry that has a fault.
func (v *verifier) named(why string) func(database.Row) error {
	return func(row database.Row) error {
		var id string
		err := row.Scan(&id)
		v.found(0, id, why)
		return err
	}
}

// read reads everything that is checked, as it was at one moment.
func (v *verifier) read(ctx context.Context, kept []audit.Head) error {
	var ends []place
	var heads []audit.Head
	begun, all, waiting, others := false, int64(0), int64(0), []any{0}
	count := func(query string, n *int64) database.Question {
		return database.Question{Query: query, Each: func(row database.Row) error { return row.Scan(n) }}
	}
	pieces, err := v.store.inOrder(ctx, verifyColumns+", beside", func(row database.Row) error {
		if !begun {
			begun = true
			v.begin(heads, kept)
		}
		return v.next(row)
	})
	if err != nil {
		return err
	}
	before := []database.Question{
		into(&ends, scanPlace, "SELECT seq, link FROM audit_chain WHERE id = $1", chainName),
		into(&heads, scanHead, "SELECT "+headColumns+" FROM audit_heads ORDER BY seq"),
		into(&v.gaps, scanGap, "SELECT "+gapColumns+" FROM audit_gaps ORDER BY first_seq"),
	}
	if v.store.embedded { // SQLite takes bytes for a text, as another value, which comes after all texts
		before = append(before, database.Question{Query: "SELECT CAST(id AS TEXT) FROM audit WHERE id >= x'' LIMIT 1", Each: v.named("its id is not text")})
	}
	return v.store.db.Snapshot(ctx, slices.Concat(before, pieces, []database.Question{
		count("SELECT COUNT(*) FROM audit_places", &v.places),
		count("SELECT COUNT(*) FROM audit", &all),
		count("SELECT COUNT(*) FROM audit_waiting", &waiting),
		// Where as many wait as have no place, and what waits is there, these are all: to look
		// for others costs a reading of the whole log.
		{Query: "SELECT 1", Each: func(database.Row) error {
			if all != v.placed+waiting {
				others[0] = 1
			}
			return nil
		}},
		{Query: "SELECT " + looseColumns + ", " + waits + " FROM audit WHERE CAST($1 AS BIGINT) = 1 AND " + loose + " ORDER BY at, id", Args: others, Each: v.unlinked},
		{Query: "SELECT " + looseColumns + ", " + waits + " FROM (SELECT entry FROM audit_waiting) AS waiting JOIN audit ON audit.id = waiting.entry WHERE CAST($1 AS BIGINT) = 0 AND " + loose + " ORDER BY at, id", Args: others, Each: v.unlinked},
		{Query: "SELECT w.entry FROM audit_waiting AS w LEFT JOIN audit AS a ON a.id = w.entry LEFT JOIN audit_places AS p ON p.entry = w.entry " +
			"WHERE a.id IS NULL OR a.seq <> 0 OR p.entry IS NOT NULL ORDER BY w.entry LIMIT 1", Each: v.named("it waits for a place, and has one or is not there")},
		{Query: "SELECT 1", Each: func(database.Row) error { // the last: nothing was there to begin with
			if !begun {
				v.begin(heads, kept)
			}
			if len(ends) > 0 {
				v.end = &ends[0]
			}
			return nil
		}},
	}))
}

// begin takes the heads: those of the database, and those that were kept elsewhere.
func (v *verifier) begin(heads, kept []audit.Head) {
	for _, h := range append(heads, kept...) {
		if h.Sign != v.store.headSign(h) {
			v.found(h.Seq, "", "its head is not one that this portal signed")
			continue
		}
		v.heads[h.Seq] = append(v.heads[h.Seq], h)
		v.newest = max(v.newest, h.Seq)
	}
	v.batch = &batch{after: map[int]place{}}
}

// next takes the next entry of the chain, and hands batches out to be checked.
func (v *verifier) next(row database.Row) error {
	v.placed++
	v.batch.rows = append(v.batch.rows, auditRow{})
	r := &v.batch.rows[len(v.batch.rows)-1]
	var beside int64
	if err := r.scan(row, &beside); err != nil {
		v.found(v.last.Seq+1, r.ID, "it cannot be read")
		v.batch.rows = v.batch.rows[:len(v.batch.rows)-1]
		return nil
	}
	v.beside += beside
	r.late = v.tags
	v.tags = v.tags || strings.HasPrefix(r.MAC, second)
	if r.Seq != v.last.Seq+1 {
		if passed := v.pass(v.last, r.Seq); passed != v.last {
			v.batch.after[len(v.batch.rows)-1], v.last = passed, passed
		}
		if r.Seq > v.last.Seq+1 {
			v.found(v.last.Seq+1, "", "it is missing")
		} else if r.Seq <= v.last.Seq {
			v.found(r.Seq, r.ID, "it was pruned, and is there")
		}
	}
	v.last = place{r.Seq, r.Link}
	v.heed(v.last)
	if len(v.batch.rows) == verifyBatch {
		v.batches <- v.batch
		v.batch = &batch{before: v.last, after: map[int]place{}}
	}
	return nil
}

// unlinked takes an entry that is in no place of the chain.
func (v *verifier) unlinked(row database.Row) error {
	r, waits := &auditRow{}, 0
	if err := r.scan(row, &waits); err != nil {
		v.found(0, r.ID, "it cannot be read")
		return nil
	}
	if waits == 0 && r.Seq == 0 {
		v.found(0, r.ID, "it waits for no place")
	}
	if r.Seq < 0 {
		v.found(r.Seq, r.ID, "it is in a place that no entry can have")
		return nil
	}
	r.late = v.tags
	v.report.Unlinked++
	v.entry(r)
	return nil
}

// ends looks at what lies behind the last entry.
func (v *verifier) ends() {
	v.check(v.batch)
	v.last = v.pass(v.last, math.MaxInt64)
	last := v.last
	if len(v.gaps) > 0 {
		v.found(last.Seq+1, "", "it is missing, before a gap that is signed")
	}
	v.report.Last = last.Seq
	switch end := v.end; {
	case end == nil && last.Seq > 0:
		v.found(last.Seq, "", "the end of the chain is not kept")
	case end != nil && end.Seq > last.Seq:
		v.found(last.Seq+1, "", "it is missing, as all that were behind it")
	case end != nil && (end.Seq < last.Seq || end.Link != last.Link):
		v.found(max(1, end.Seq), "", "the end of the chain was changed")
	}
	if v.newest > last.Seq {
		v.found(last.Seq+1, "", fmt.Sprintf("the log is cut off here: a head was signed at entry %d", v.newest))
	}
	for tag, seq := range v.erased {
		if !v.gone[tag] {
			if seq == math.MaxInt64 {
				seq = 0
			}
			v.found(seq, "", "its personal parts are erased, and nobody was deleted whose they were")
		}
	}
}

// pass goes over the signed gaps that lie between the end and an entry.
func (v *verifier) pass(last place, to int64) place {
	for len(v.gaps) > 0 && v.gaps[0].First == last.Seq+1 && v.gaps[0].First < to {
		g := v.gaps[0]
		if g.Sign != v.store.gapSign(g) {
			v.found(g.First, "", "it is missing: its gap is not one that this portal signed")
		}
		v.report.Pruned += g.Last - g.First + 1
		last, v.gaps = place{g.Last, g.Link}, v.gaps[1:]
		v.heed(last)
	}
	return last
}

// heed compares the heads of a place.
func (v *verifier) heed(p place) {
	for _, h := range v.heads[p.Seq] {
		v.mu.Lock()
		v.report.Heads++
		v.mu.Unlock()
		if h.Link != p.Link {
			v.found(p.Seq, "", "it is not the entry that was there when its head was signed")
		}
	}
}

func (v *verifier) check(b *batch) {
	before := b.before
	for i := range b.rows {
		row := &b.rows[i]
		if other, ok := b.after[i]; ok {
			before = other
		}
		v.entry(row)
		if before.Seq+1 == row.Seq && v.store.linkOf(before, row.MAC).Link != row.Link {
			v.found(row.Seq, row.ID, "it does not follow the entry before it: one of the two was changed, or their order")
		}
		before = place{row.Seq, row.Link}
	}
	v.mu.Lock()
	v.report.Entries += int64(len(b.rows))
	v.mu.Unlock()
}

// entry checks what is signed of one entry.
func (v *verifier) entry(row *auditRow) {
	intact, vague := v.store.intact(row)
	if !intact || vague && row.late {
		v.found(row.Seq, row.ID, "it was changed")
		return
	}
	whole := len(row.sealed) > 0
	v.mu.Lock()
	defer v.mu.Unlock()
	if !strings.HasPrefix(row.MAC, second) {
		if row.erased() {
			v.report.Erased++
		}
		return
	}
	if row.Event == audit.PersonDeleted {
		v.gone[row.Reason] = true
	}
	if !whole {
		v.report.Erased++
		tag, _ := strings.CutPrefix(row.Person, erasedBefore)
		v.erase(tag, row.Seq)
	}
	if tag, ok := strings.CutPrefix(row.Actor, erasedBefore); ok {
		v.erase(tag, row.Seq)
	}
}

func (v *verifier) erase(tag string, seq int64) {
	if seq == 0 {
		seq = math.MaxInt64
	}
	if before, ok := v.erased[tag]; !ok || seq < before {
		v.erased[tag] = seq
	}
}

// EachRecord reads entries in their order, those without a link last, as they are
// wanted. A use that fails ends it.
func (s *Store) EachRecord(ctx context.Context, f audit.Filter, use func(audit.Record) error) error {
	where, args := []string{"1 = 1"}, []any{}
	add := func(text string, arg any) {
		args = append(args, arg)
		where = append(where, strings.ReplaceAll(text, "?", fmt.Sprintf("$%d", len(args))))
	}
	if !f.Since.IsZero() {
		add("at >= ?", ms(f.Since))
	}
	if !f.Until.IsZero() {
		add("at < ?", ms(f.Until))
	}
	if f.Person != "" {
		add("(person = ? OR actor = ?)", f.Person)
	}
	if len(f.Events) > 0 {
		places := make([]string, len(f.Events))
		for i, e := range f.Events {
			args = append(args, string(e))
			places[i] = fmt.Sprintf("$%d", len(args))
		}
		where = append(where, "event IN ("+strings.Join(places, ", ")+")")
	}
	each := func(row database.Row) error {
		var r auditRow
		if err := r.scan(row); err != nil {
			return err
		}
		if err := s.openDetail(&r); err != nil {
			return fmt.Errorf("read entry %s: %w", r.ID, err)
		}
		return use(r.Record)
	}
	wanted := " WHERE " + strings.Join(where, " AND ") + " AND "
	questions := []database.Question{{Query: "SELECT " + verifyColumns + " FROM " + placed + wanted + "seq > 0 ORDER BY seq", Args: args, Each: each}}
	if len(where) == 1 { // all of it
		var err error
		if questions, err = s.inOrder(ctx, verifyColumns, each); err != nil {
			return err
		}
	}
	err := s.db.Snapshot(ctx, append(questions, database.Question{Query: "SELECT " + looseColumns + " FROM audit" + wanted + loose + " ORDER BY at, id", Args: args, Each: each}))
	if _, ours := errors.AsType[*database.Unreadable](err); ours {
		return err
	}
	return down("read entries", err)
}

// NewestRecords are the newest entries, oldest first.
func (s *Store) NewestRecords(ctx context.Context, most int) ([]audit.Record, error) {
	newest, err := list(ctx, s, s.scanRecord, "SELECT "+auditColumns+", COALESCE(p.seq, audit.seq), COALESCE(p.link, CASE WHEN audit.seq > 0 THEN audit.link ELSE '' END) "+
		"FROM audit LEFT JOIN (SELECT entry, seq, link FROM audit_places) AS p ON p.entry = audit.id AND audit.seq = 0 ORDER BY at DESC, id DESC LIMIT $1", most)
	slices.Reverse(newest)
	return newest, err
}

func (s *Store) scanRecord(row scanner) (*audit.Record, error) {
	var r auditRow
	if err := r.scan(row); err != nil {
		return nil, err
	}
	return &r.Record, s.openDetail(&r)
}
