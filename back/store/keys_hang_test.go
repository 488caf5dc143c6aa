package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"sallyport/back/store"
	"sallyport/back/storetest"
	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/fault"
	"sallyport/core/person"
)

// Where the keys cannot be read nothing is written, and nobody waits for the turns
// of all who came before.
func TestNobodyWaitsLongForKeys(t *testing.T) {
	o := store.Options{Postgres: storetest.Postgres(t), Keys: keyFile(t)}
	s := open(t, o)
	db := raw(t, o)
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(t.Context(), "LOCK TABLE keys IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond)
	write := func(ctx context.Context) (took time.Duration, err error) {
		began := time.Now()
		err = s.Apply(ctx, change.Set{audit.New(now, audit.SignedIn, "ada")})
		return time.Since(began), err
	}
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			if took, err := write(t.Context()); !errors.Is(err, fault.ErrDown) || took > 8*time.Second {
				t.Errorf("%v after %v", err, took)
			}
		})
	}
	time.Sleep(100 * time.Millisecond)
	ctx, stop := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer stop()
	if took, err := write(ctx); err == nil || took > 2*time.Second {
		t.Errorf("who has no more time is told %v after %v", err, took)
	}
	all.Wait()
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if took, err := write(t.Context()); err != nil || took > time.Second {
		t.Errorf("when they can be read again: %v after %v", err, took)
	}
}

// Everybody meets the new key at once, on all connections there are.
func TestANewKeyIsLearntUnderLoad(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		s, other := open(t, o), open(t, o)
		rotated(t, other)
		bob := person.New("bob", now)
		bob.Email = "bob@example.org"
		if err := other.Apply(t.Context(), change.Set{person.Added{Person: bob}}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		start := make(chan struct{})
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() {
				<-start
				if got, err := s.PersonByName(t.Context(), "bob"); err != nil || got.Email != bob.Email {
					t.Errorf("%+v, %v", got, err)
				}
			})
		}
		close(start)
		all.Wait()
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}
