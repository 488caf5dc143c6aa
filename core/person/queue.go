package person

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/core/fault"
)

// The bounds of the hashing queue (PW-11).
const (
	maxWaiting    = 64
	maxPerAddress = maxWaiting / 4
	maxWait       = 3 * time.Second
	retryAfter    = 5 * time.Second
	idleBefore    = 5 * time.Second // memory is given back after so long without work
)

// Class is how soon a place in the queue comes up; the zero value comes last.
type Class uint8

// The classes, the last first.
const (
	Slow  Class = iota // a name under attack: after all others, one at a time
	Plain              // whoever comes
	Known              // a browser that signed in before: first
)

// Turn is whose hash it is.
type Turn struct {
	Class   Class
	Address string // as limits count it
	Name    string // mapped; tells names under attack apart
}

// Queue runs hashing jobs, few at once, so that a flood of sign-ins exhausts
// neither memory nor processors. Only a known browser can push others out, so
// a flood of strangers does not shut out who signs in every day.
type Queue struct {
	parallel int
	giveBack func() // hands free memory to the system

	// Collect ends what finished jobs leave behind. Tests whose hashes are small do without.
	Collect func()

	// Seen, where it is set, hears of each job: how long it waited and ran, or
	// that no place came free.
	Seen func(waited, ran time.Duration, busy bool)

	mu      sync.Mutex
	running int
	slow    map[string]bool // names under attack whose job is running
	waiting []*place        // in the order of arrival
	idle    *time.Timer

	sweep sync.Mutex
	spent atomic.Bool // a job has ended since the last collection
}

// place is somebody's place in the queue.
type place struct {
	turn   Turn
	status status
	called chan struct{} // closed when the status is no longer waits
}

type status uint8

const (
	waits status = iota
	runs
	pushedOut
)

// NewQueue makes a queue that runs so many jobs at once.
func NewQueue(parallel int) *Queue {
	return &Queue{
		parallel: max(parallel, 1),
		Collect:  runtime.GC,
		giveBack: debug.FreeOSMemory,
		slow:     map[string]bool{},
	}
}

// Do runs a job when its turn comes. Where none comes in time it runs nothing
// and returns a fault of kind Busy; when ctx ends first, the error of ctx. A job
// should make one hash: the bound on memory is that of one for each place.
func (q *Queue) Do(ctx context.Context, turn Turn, job func()) error {
	begun := time.Now()
	if err := q.enter(ctx, turn); err != nil {
		if fault.Is(err, fault.Busy) {
			q.saw(begun, time.Now(), true)
		}
		return err
	}
	entered := time.Now()
	defer func() {
		q.leave(turn)
		q.saw(begun, entered, false)
	}()
	q.clear()
	job()
	return nil
}

func (q *Queue) saw(begun, entered time.Time, busy bool) {
	if q.Seen != nil {
		q.Seen(entered.Sub(begun), time.Since(entered), busy)
	}
}

// Parallel is how many jobs may run at once.
func (q *Queue) Parallel() int { return q.parallel }

// Running is how many jobs run.
func (q *Queue) Running() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.running
}

// Waiting is how many jobs wait.
func (q *Queue) Waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// enter returns when the turn has come.
func (q *Queue) enter(ctx context.Context, turn Turn) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("wait for a place to hash: %w", err)
	}
	p := q.lineUp(turn)
	if p == nil {
		return busy()
	}
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	select {
	case <-p.called:
	case <-timer.C:
	case <-ctx.Done():
	}
	status := q.settle(p)
	if err := ctx.Err(); err != nil {
		if status == runs {
			q.leave(turn)
		}
		return fmt.Errorf("wait for a place to hash: %w", err)
	}
	if status != runs {
		return busy()
	}
	return nil
}

func busy() error { return fault.New(fault.Busy, "busy").After(retryAfter) }

// lineUp takes a place, or nil when there is none for this turn.
func (q *Queue) lineUp(turn Turn) *place {
	q.mu.Lock()
	defer q.mu.Unlock()
	p := &place{turn: turn, called: make(chan struct{})}
	if q.running < q.parallel && q.mayRun(turn) {
		q.start(p)
		return p
	}
	if !q.makeRoom(turn) {
		return nil
	}
	q.waiting = append(q.waiting, p)
	return p
}

// makeRoom says whether one more may wait. A full queue, or an address with its
// whole share of it, makes room for a better class.
func (q *Queue) makeRoom(turn Turn) bool {
	same := 0
	for _, w := range q.waiting {
		if w.turn.Address == turn.Address {
			same++
		}
	}
	share := same >= maxPerAddress
	if !share && len(q.waiting) < maxWaiting {
		return true
	}
	last := -1
	for i, w := range q.waiting {
		if w.turn.Class >= turn.Class || share && w.turn.Address != turn.Address {
			continue
		}
		if last < 0 || w.turn.Class <= q.waiting[last].turn.Class {
			last = i // of the lowest class the youngest
		}
	}
	if last < 0 {
		return false
	}
	q.waiting[last].call(pushedOut)
	q.remove(last)
	return true
}

// settle ends the waiting of a place and says how it ended.
func (q *Queue) settle(p *place) status {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, w := range q.waiting {
		if w == p {
			q.remove(i)
			break
		}
	}
	return p.status
}

// leave frees a place that ran and starts whoever is next.
func (q *Queue) leave(turn Turn) {
	q.spent.Store(true)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running--
	if turn.Class == Slow {
		delete(q.slow, turn.Name)
	}
	for q.running < q.parallel {
		next := q.next()
		if next < 0 {
			break
		}
		q.start(q.waiting[next])
		q.remove(next)
	}
	if q.running == 0 {
		q.restSoon()
	}
}

// next is the best class's oldest that may run, or -1.
func (q *Queue) next() int {
	best := -1
	for i, w := range q.waiting {
		if q.mayRun(w.turn) && (best < 0 || w.turn.Class > q.waiting[best].turn.Class) {
			best = i
		}
	}
	return best
}

func (q *Queue) mayRun(turn Turn) bool { return turn.Class != Slow || !q.slow[turn.Name] }

func (q *Queue) start(p *place) {
	q.running++
	if q.idle != nil {
		q.idle.Stop()
	}
	if p.turn.Class == Slow {
		q.slow[p.turn.Name] = true
	}
	p.call(runs)
}

func (q *Queue) remove(i int) {
	q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
	q.waiting[:cap(q.waiting)][len(q.waiting)] = nil
}

func (p *place) call(s status) {
	p.status = s
	close(p.called)
}

// clear frees the memory of finished jobs before another takes its own. Left to
// itself the collector lets the heap double first, which would be twice the
// bound; a collection takes a hundredth of the time of a hash.
func (q *Queue) clear() {
	q.sweep.Lock()
	defer q.sweep.Unlock()
	if q.spent.Swap(false) {
		q.Collect()
	}
}

// restSoon gives memory back when nothing has run for a while.
func (q *Queue) restSoon() {
	if q.idle == nil {
		q.idle = time.AfterFunc(idleBefore, q.rest)
		return
	}
	q.idle.Reset(idleBefore)
}

func (q *Queue) rest() {
	if q.Running() > 0 {
		return // it will come to rest again
	}
	q.spent.Store(false)
	q.giveBack()
}
