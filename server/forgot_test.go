package server_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/core/change"
	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/person"
)

// doorway lets something happen when somebody is looked up by name.
type doorway struct {
	*asked
	enter func(name string)
}

func (d doorway) PersonByName(ctx context.Context, name string) (*person.Person, error) {
	d.enter(name)
	return d.Store.PersonByName(ctx, name)
}

// gated lets a change that takes from a budget wait until the gate is open.
type gated struct {
	flow.Changes
	key  string
	gate chan struct{}
}

func (g gated) Apply(ctx context.Context, set change.Set) error {
	for _, effect := range set {
		if spent, ok := effect.(limit.Spent); ok && spent.Key == g.key {
			<-g.gate
		}
	}
	return g.Changes.Apply(ctx, set)
}

// looking gives a house whose look-ups are handed over.
func looking(t *testing.T, enter func(name string)) *house {
	h := open(t)
	h.core.Manage.People = doorway{&asked{Store: h.core.Store}, enter}
	return h
}

func from(address string) flow.Client { return flow.Client{Address: address, Shown: address} }

func TestOneAddressTakesNobodysPlace(t *testing.T) {
	t.Parallel()
	looked := make(chan string, 1000)
	h := looking(t, func(name string) { looked <- name })
	gate := make(chan struct{})
	h.core.Manage.Changes = gated{h.core.Manage.Changes, limit.LinkAddress.Key("192.0.2.66"), gate}
	fail := func(err error) { t.Error(err) }
	var flood sync.WaitGroup
	for range 100 {
		flood.Go(func() { h.core.Manage.ForgotLater(t.Context(), "eve", from("192.0.2.66"), fail) })
	}
	time.Sleep(100 * time.Millisecond)
	h.core.Manage.ForgotLater(t.Context(), "ada", from("192.0.2.7"), fail)
	select {
	case name := <-looked:
		if name != "ada" {
			t.Errorf("%s was looked up", name)
		}
	case <-time.After(10 * time.Second):
		t.Error("ada was not looked up")
	}
	close(gate)
	flood.Wait()
	h.core.Manage.Wait()
	if n := len(looked); n != limit.LinkAddress.Max {
		t.Errorf("the other address asked %d times", n)
	}
}

func TestWhatIsDroppedIsHeard(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	h := looking(t, func(string) { <-gate })
	heard := make(chan error, 100)
	for n := range 66 {
		h.core.Manage.ForgotLater(t.Context(), "ada", from(fmt.Sprint("192.0.2.", n)), func(err error) { heard <- err })
	}
	close(gate)
	h.core.Manage.Wait()
	if len(heard) != 2 {
		t.Fatalf("of 66 at once %d were told of", len(heard))
	}
	if err := <-heard; !strings.Contains(err.Error(), "over 64 questions for a new password at once") {
		t.Error(err)
	}
}

func TestAPanicBehindTheAnswerTakesNothingDown(t *testing.T) {
	t.Parallel()
	h := looking(t, func(string) { panic("a mistake") })
	heard := make(chan error, 1000)
	for n := range 200 {
		h.core.Manage.ForgotLater(t.Context(), "ada", from(fmt.Sprint("192.0.2.", n)), func(err error) { heard <- err })
		h.core.Manage.Wait()
	}
	for range 200 { // each gave its place back
		if err := <-heard; err.Error() != "panic: a mistake" {
			t.Fatal(err)
		}
	}
}
