package server_test

import (
	"sync"
	"testing"
	"time"
)

// A database that hangs holds those who ask about apps as long as one reading, and
// not one after the other: they would be more and more.
func TestWhoAsksWhileTheDatabaseHangsWaitsForOneReading(t *testing.T) {
	t.Parallel()
	p := furnished(t, &premises{}, "", false)
	p.db.arm(1, failure{On: true, Hang: time.Second, Only: "SELECT ID, DATA"})
	begun := time.Now()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if p.core.Apps.Book() != nil {
				t.Error("somebody knows which apps there are")
			}
		})
	}
	all.Wait()
	if took := time.Since(begun); took < time.Second || took > 4*time.Second {
		t.Errorf("they waited for %s", took)
	}
	p.db.arm(0, failure{})
	for end := time.Now().Add(2 * time.Second); p.core.Apps.Book() == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nobody knows afterwards which apps there are")
		}
	}
}
