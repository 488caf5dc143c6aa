package store_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"testing"
	"time"

	"sallyport/back/store"
	"sallyport/core/change"
	"sallyport/core/door"
	"sallyport/core/flow"
	"sallyport/core/person"
	"sallyport/core/policy"
	"sallyport/core/session"
)

// node is a store with a clock of its own.
func node(t *testing.T, o store.Options, off time.Duration) (*store.Store, func() time.Time) {
	t.Helper()
	now := func() time.Time { return now.Add(off) }
	o.Now = now
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, now
}

// What one node changes is heard by another whose clock differs, and a command waits
// for it, whichever of the two is ahead.
func TestNodesHearOfChangesAcrossClocksThatDiffer(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		one, nowOne := node(t, o, 0)
		keeper := &door.Keeper{Flow: &flow.Machine{Policy: policy.Policy{Idle: time.Hour, Length: 12 * time.Hour}, Now: nowOne}}
		passes := store.NewPasses(one, nowOne, keeper.Hold)
		running, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		watch := &store.Watch{Store: one, Now: nowOne, Log: slog.New(slog.DiscardHandler), Fresh: passes.Fresh, Done: func() {}}
		go func() { watch.Run(running); close(done) }()
		defer func() { cancel(); <-done }()
		for end := time.Now().Add(5 * time.Second); !passes.Known(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("nothing is read of what others change")
			}
		}
		for _, off := range []time.Duration{0, 2 * time.Minute, -2 * time.Minute, 30 * time.Second, -30 * time.Second} {
			o.Command = off > -time.Minute && off <= 0 // one that is beside a portal has its clock, more or less
			other, _ := node(t, o, off)
			p := person.New("name-"+hex.EncodeToString([]byte(rand.Text()[:8])), now)
			s, err := session.Issue(session.Proved{Password: true, Factor: "app"}, policy.Need{Known: true, Factor: true},
				session.Row{ID: flow.HashToken(rand.Text()), Person: p.ID, Family: rand.Text(), MadeAt: now, SeenAt: now, EndsAt: now.Add(12 * time.Hour), Version: 1})
			if err != nil {
				t.Fatal(err)
			}
			id := sha256.Sum256([]byte(rand.Text()))
			if err := one.Apply(t.Context(), change.Set{person.Added{Person: p}, session.Begun{Session: s},
				door.Opened{Door: door.Door{ID: hex.EncodeToString(id[:]), Family: s.Family, Person: p.ID, Origin: "https://wiki.example.org", MadeAt: now, EndsAt: s.EndsAt}}}); err != nil {
				t.Fatal(err)
			}
			held := func() bool {
				h, err := passes.Held(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				return h != nil
			}
			if !held() {
				t.Fatal("the door does not open")
			}
			if err := other.Apply(t.Context(), change.Set{session.EndedAll{Person: p.ID, Why: session.EndedByOwner, At: now}}); err != nil {
				t.Fatal(err)
			}
			if o.Command && held() {
				t.Errorf("clock %s: a command has answered, and the door is open", off)
			}
			for end := time.Now().Add(time.Second); held(); time.Sleep(5 * time.Millisecond) {
				if time.Now().After(end) {
					t.Errorf("clock %s: a second later the door is open", off)
					break
				}
			}
		}
	})
}
