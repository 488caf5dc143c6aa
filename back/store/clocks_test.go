package store_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"sync/atomic"
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
	return nodeBy(t, o, func() time.Time { return now.Add(off) })
}

func nodeBy(t *testing.T, o store.Options, now func() time.Time) (*store.Store, func() time.Time) {
	t.Helper()
	o.Now = now
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, now
}

// doorkeeper is a node that remembers doors and hears of changes.
type doorkeeper struct {
	*testing.T
	store  *store.Store
	passes *store.Passes
}

func keepDoors(t *testing.T, s *store.Store, now func() time.Time) doorkeeper {
	t.Helper()
	keeper := &door.Keeper{Flow: &flow.Machine{Policy: policy.Policy{Idle: 24 * time.Hour, Length: 24 * time.Hour}, Now: now}}
	k := doorkeeper{t, s, store.NewPasses(s, now, keeper.Hold)}
	running, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	watch := &store.Watch{Store: s, Now: now, Log: slog.New(slog.DiscardHandler), Fresh: k.passes.Fresh, Done: func() {}}
	go func() { watch.Run(running); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	k.listens()
	return k
}

// listens waits until what others change is heard.
func (k doorkeeper) listens() {
	k.Helper()
	for end := time.Now().Add(5 * time.Second); !k.passes.Known(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			k.Fatal("nothing is read of what others change")
		}
	}
}

// opens opens a door of somebody new, and says whether it still is.
func (k doorkeeper) opens() (who string, held func() bool) {
	k.Helper()
	p := person.New("name-"+hex.EncodeToString([]byte(rand.Text()[:8])), now)
	s, err := session.Issue(session.Proved{Password: true, Factor: "app"}, policy.Need{Known: true, Factor: true},
		session.Row{ID: flow.HashToken(rand.Text()), Person: p.ID, Family: rand.Text(), MadeAt: now, SeenAt: now, EndsAt: now.Add(24 * time.Hour), Version: 1})
	if err != nil {
		k.Fatal(err)
	}
	id := sha256.Sum256([]byte(rand.Text()))
	if err := k.store.Apply(k.Context(), change.Set{person.Added{Person: p}, session.Begun{Session: s},
		door.Opened{Door: door.Door{ID: hex.EncodeToString(id[:]), Family: s.Family, Person: p.ID, Origin: "https://wiki.example.org", MadeAt: now, EndsAt: s.EndsAt}}}); err != nil {
		k.Fatal(err)
	}
	held = func() bool {
		h, err := k.passes.Held(k.Context(), id)
		if err != nil {
			k.Fatal(err)
		}
		return h != nil
	}
	if !held() {
		k.Fatal("the door does not open")
	}
	return p.ID, held
}

// endAll ends somebody's sessions from another node, or by a command.
func (k doorkeeper) endAll(from *store.Store, who string) {
	k.Helper()
	if err := from.Apply(k.Context(), change.Set{session.EndedAll{Person: who, Why: session.EndedByOwner, At: now}}); err != nil {
		k.Fatal(err)
	}
}

// What one node changes is heard by another whose clock differs, and a command waits
// for it, whichever of the two is ahead.
func TestNodesHearOfChangesAcrossClocksThatDiffer(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		one, nowOne := node(t, o, 0)
		k := keepDoors(t, one, nowOne)
		for _, off := range []time.Duration{0, 2 * time.Minute, -2 * time.Minute, 30 * time.Second, -30 * time.Second} {
			o.Command = off > -time.Minute && off <= 0 // one that is beside a portal has its clock, more or less
			other, _ := node(t, o, off)
			who, held := k.opens()
			k.endAll(other, who)
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

// A clock that is set makes a node look dead to commands, or far ahead of them: no door
// is open when they have answered, though the node has had no time to look.
func TestAClockThatIsSetLeavesNoDoorOpen(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		var off atomic.Int64
		clock := func() time.Time { return now.Add(time.Duration(off.Load())) }
		one, _ := nodeBy(t, o, clock)
		o.Command = true
		command, _ := nodeBy(t, o, clock)
		k := keepDoors(t, one, clock)
		for _, by := range []time.Duration{6 * time.Minute, 3 * time.Hour, -2 * time.Hour, -time.Minute, 5 * time.Second} {
			for range 3 { // the second time it has looked
				who, held := k.opens()
				off.Add(int64(by))
				by = 0
				k.endAll(command, who)
				if held() {
					t.Errorf("at %s: a command has answered, and the door is open", clock().Sub(now))
				}
				k.listens()
			}
		}
	})
}
