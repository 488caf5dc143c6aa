package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"sallyport/back/seal"
	"sallyport/core/audit"
	"sallyport/core/change"
)

// A data key is in use on every node a moment after it was made; it seals nothing
// any more keysRest after the next one was.
const (
	keysEvery = time.Second
	keysRest  = 5 * time.Minute
	keysTime  = 5 * time.Second // of one read of the table
)

// sealedColumns are the columns that hold sealed values, and what each is sealed as.
var sealedColumns = []struct{ table, column, place string }{
	{"people", "email", "people.email"},
	{"people", "password", "people.password"},
	{"factors", "data", "factors.data"},
	{"phones", "number", "phones.number"},
	{"attempts", "data", "attempts.data"},
	{"setups", "data", "setups.data"},
	{"setups", "codes", "setups.codes"},
	{"sessions", "data", "sessions.data"},
	{"sessions", "codes", "sessions.codes"},
	{"links", "data", "links.data"},
	{"messages", "address", messageAddress},
	{"messages", "subject", "messages.subject"},
	{"messages", "body", "messages.body"},
	{"audit", "detail", "audit.detail"},
	{"signers", "private", "signers.private"},
}

// keyring reads the table of keys again and again, so that what another process
// did to it holds here too.
type keyring struct {
	mu    sync.Mutex
	file  *seal.KeyFile
	again func() (*seal.KeyFile, error) // reads the key file; or nil
	read  time.Time
	now   *keysRead // under way
}

// keysRead is one reading of the table, for all who wait for it.
type keysRead struct {
	done chan struct{}
	err  error
}

// freshKeys reads the table of keys unless that was done a moment ago; by force it
// reads at least once from here on. Nothing is written by who cannot: it would seal
// with a key that others may have retired. However many wait, they wait for one
// reading, and each no longer than its own time.
func (s *Store) freshKeys(ctx context.Context, force bool) error {
	k := &s.ring
	for waited := false; ; waited = true {
		k.mu.Lock()
		if !force && time.Since(k.read) < keysEvery {
			k.mu.Unlock()
			return nil
		}
		r := k.now
		ours := r == nil
		if ours {
			r = &keysRead{done: make(chan struct{})}
			k.now = r
			go s.readKeys(r)
		}
		k.mu.Unlock()
		select {
		case <-r.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if ours || waited || !force || r.err != nil {
			return r.err
		}
	}
}

func (s *Store) readKeys(r *keysRead) {
	ctx, stop := context.WithTimeout(context.Background(), keysTime)
	defer stop()
	begun := time.Now()
	r.err = s.learnKeys(ctx)
	k := &s.ring
	k.mu.Lock()
	if r.err == nil {
		k.read = begun
	}
	k.now = nil
	k.mu.Unlock()
	close(r.done)
}

func (s *Store) learnKeys(ctx context.Context) error {
	rows, err := s.wrappedKeys(ctx)
	if err != nil {
		return err
	}
	err = s.box.Learn(s.keyFile(), rows)
	if err != nil && s.ring.again != nil { // a line was put into the key file since
		if file, gone := s.ring.again(); gone == nil {
			s.ring.mu.Lock()
			s.ring.file = file
			s.ring.mu.Unlock()
			err = s.box.Learn(file, rows)
		}
	}
	if err != nil {
		return fmt.Errorf("read the keys of the database: %w", err)
	}
	return nil
}

func (s *Store) keyFile() *seal.KeyFile {
	s.ring.mu.Lock()
	defer s.ring.mu.Unlock()
	return s.ring.file
}

// learnt says whether something failed for want of a key that was made elsewhere
// since, and that is here now.
func (s *Store) learnt(ctx context.Context, err error) bool {
	return errors.Is(err, seal.ErrUnknownKey) && s.freshKeys(ctx, true) == nil
}

// keyRotated puts a new data key beside the others, and wraps those anew that
// another key of the file wraps.
type keyRotated struct {
	change.Mark
	Made     seal.Wrapped
	Was, Now []seal.Wrapped
}

// resealed are values of one column that were sealed anew.
type resealed struct {
	change.Mark
	table, column string
	values        []sealedValue
}

type sealedValue struct {
	id       string
	old, new []byte
}

// keysRetired drops data keys that no value names.
type keysRetired struct {
	change.Mark
	IDs []int64
}

func (t txn) keys(effect change.Effect) error {
	switch e := effect.(type) {
	case keyRotated:
		k := e.Made
		if err := t.must(e, "INSERT INTO keys (id, purpose, kek, wrapped, made_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING", k.ID, k.Purpose, k.KEK, k.Blob, k.MadeAt); err != nil {
			return err
		}
		for i, was := range e.Was {
			if err := t.must(e, "UPDATE keys SET kek = $2, wrapped = $3 WHERE id = $1 AND kek = $4", was.ID, e.Now[i].KEK, e.Now[i].Blob, was.KEK); err != nil {
				return err
			}
		}
		return nil
	case resealed:
		for _, v := range e.values { // one that was written since is sealed anew already
			if err := t.do("UPDATE "+e.table+" SET "+e.column+" = $2 WHERE id = $1 AND "+e.column+" = $3", v.id, v.new, v.old); err != nil {
				return err
			}
		}
		return nil
	case keysRetired:
		for _, id := range e.IDs {
			if err := t.do("DELETE FROM keys WHERE id = $1 AND purpose = $2", id, seal.Data); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("no such effect on keys")
}

// RotateKey makes a new data key, which seals from here on, and wraps every key
// with the first one of the key file; the entry tells of it in the same change. It
// returns the number of the new key.
func (s *Store) RotateKey(ctx context.Context, now time.Time, entry audit.Entry) (int64, error) {
	for range 5 {
		rows, err := s.wrappedKeys(ctx)
		if err != nil {
			return 0, err
		}
		e, file := keyRotated{}, s.keyFile()
		last := int64(0)
		for _, row := range rows {
			last = max(last, row.ID)
			if row.KEK == file.First() {
				continue
			}
			again, err := file.Rewrap(row)
			if err != nil {
				return 0, err
			}
			e.Was, e.Now = append(e.Was, row), append(e.Now, again)
		}
		if e.Made, err = file.NewDataKey(last+1, seal.Data, ms(now)); err != nil {
			return 0, err
		}
		entry.Reason = fmt.Sprint(e.Made.ID)
		err = s.Apply(ctx, change.Set{e, entry})
		if _, overtaken := errors.AsType[*change.Refused](err); overtaken {
			continue // somebody else rotates too
		}
		if err == nil {
			err = s.freshKeys(ctx, true)
		}
		return e.Made.ID, err
	}
	return 0, errors.New("rotate the key: always overtaken; hint: somebody else rotates it too: sallyport key status")
}

// KeyState is a key in the database.
type KeyState struct {
	ID      int64
	Purpose string
	MadeAt  time.Time
	KEK     string // which key of the key file wraps it
	Values  int64  // that it seals
}

// KeyStates are the keys of the database, in their order.
func (s *Store) KeyStates(ctx context.Context) (states []KeyState, err error) {
	rows, err := s.wrappedKeys(ctx)
	if err != nil {
		return nil, down("read keys", err)
	}
	values := map[int64]int64{}
	for _, c := range sealedColumns {
		counted, err := list(ctx, s, scanCounted, fmt.Sprintf("SELECT substr(%[1]s, 1, 5), COUNT(*) FROM %[2]s WHERE length(%[1]s) > 0 GROUP BY substr(%[1]s, 1, 5)", c.column, c.table))
		if err != nil {
			return nil, err
		}
		for _, n := range counted {
			values[seal.KeyOf(n.head)] += n.n
		}
	}
	for _, row := range rows {
		states = append(states, KeyState{ID: row.ID, Purpose: row.Purpose, MadeAt: at(row.MadeAt), KEK: row.KEK, Values: values[row.ID]})
	}
	return states, nil
}

type counted struct {
	head []byte
	n    int64
}

func scanCounted(row scanner) (*counted, error) {
	var c counted
	return &c, row.Scan(&c.head, &c.n)
}

// Reseal seals anew, with the newest data key, what older ones seal, and then drops
// these. It begins where it likes: what is done needs no doing again, so that a
// kill in the middle costs nothing.
type Reseal struct {
	Store  *Store
	Node   string // names this one; random
	Now    func() time.Time
	Log    *slog.Logger
	Done   func()        // after each look that worked
	Every  time.Duration // between looks; 0 is 5 seconds
	Rested time.Duration // how long a key that was replaced stays at least; 0 is 5 minutes

	clean int64 // the newest key when a pass found nothing to do
}

const (
	resealBatch = 200
	resealEvery = 5 * time.Second
	resealLease = 30 * time.Second
)

// Run looks again and again until ctx ends.
func (r *Reseal) Run(ctx context.Context) {
	every := r.Every
	if every == 0 {
		every = resealEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		switch err := r.Look(ctx); {
		case err == nil:
			r.Done()
		case ctx.Err() == nil:
			r.Log.Warn("values not sealed anew yet", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Look does what there is to do.
func (r *Reseal) Look(ctx context.Context) error {
	s := r.Store
	if err := s.freshKeys(ctx, true); err != nil {
		return err
	}
	keys := s.box.DataKeys()
	if len(keys) < 2 {
		return nil
	}
	newest := keys[len(keys)-1]
	made, err := first(list(ctx, s, scanPlace, "SELECT made_at, '' FROM keys WHERE id = $1", newest))
	if err != nil || made == nil {
		return err
	}
	rest := r.Rested
	if rest == 0 {
		rest = keysRest
	}
	begun := r.Now()
	rested := begun.Sub(at(made.Seq)) >= rest
	if r.clean == newest && !rested {
		return nil // until others have surely begun to use the new key
	}
	ours, sealed, err := r.pass(ctx)
	if err != nil || !ours {
		return err
	}
	if sealed > 0 {
		r.Log.Info("values sealed anew", "values", sealed, "key", newest)
		return nil
	}
	r.clean = newest
	if !rested {
		return nil
	}
	if err := s.Apply(ctx, change.Set{keysRetired{IDs: keys[:len(keys)-1]}}); err != nil {
		return err
	}
	r.Log.Info("old data keys dropped", "keys", fmt.Sprint(keys[:len(keys)-1]))
	return s.freshKeys(ctx, true)
}

// pass goes over every sealed value once, as long as the lease is ours.
func (r *Reseal) pass(ctx context.Context) (ours bool, sealed int, err error) {
	for _, c := range sealedColumns {
		for after := ""; ; {
			now := r.Now()
			if ours, err = r.Store.Hold(ctx, audit.Leased{Name: "reseal", Holder: r.Node, Now: now, Until: now.Add(resealLease)}); err != nil || !ours {
				return ours, sealed, err
			}
			values, err := list(ctx, r.Store, scanValue, fmt.Sprintf("SELECT id, %s FROM %s WHERE id > $1 ORDER BY id LIMIT %d", c.column, c.table, resealBatch), after)
			if err != nil {
				return true, sealed, err
			}
			if len(values) == 0 {
				break
			}
			after = values[len(values)-1].id
			set := resealed{table: c.table, column: c.column}
			for _, v := range values {
				if len(v.old) == 0 || !r.Store.box.Stale(v.old) {
					continue
				}
				plain, err := r.Store.box.Open(c.place+":"+v.id, v.old)
				if err != nil {
					return true, sealed, fmt.Errorf("%s: %w", strings.ReplaceAll(c.place, ".", " "), err)
				}
				v.new = r.Store.box.Seal(c.place+":"+v.id, plain)
				set.values = append(set.values, v)
			}
			if len(set.values) == 0 {
				continue
			}
			if err := r.Store.Apply(ctx, change.Set{set}); err != nil {
				return true, sealed, err
			}
			sealed += len(set.values)
		}
	}
	return true, sealed, nil
}

func scanValue(row scanner) (*sealedValue, error) {
	var v sealedValue
	err := row.Scan(&v.id, &v.old)
	v.old = bytes.Clone(v.old)
	return &v, err
}
