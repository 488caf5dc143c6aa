package door

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/core/flow"
)

// Memory remembers doors. A door has eight places, which its hash names: who looks
// reads them as they are, and who changes one holds the mutex. What finds no place
// takes that of the door there that was used least lately, and so does what would be
// more than a number of bytes.
type Memory struct {
	begun time.Time
	rows  []places

	mu     sync.Mutex
	epoch  uint64            // grows with each change
	guests map[uint64]*Guest // by the beginning of the key of the person
	bytes  int               // what is remembered takes
	signed int               // tokens take, as the last sweep found
	next   int               // the row that is next to give something up
}

// places are where the doors of some hashes are remembered. The tags, pieces of those
// hashes, spare a look at most doors that are not meant.
type places struct {
	tags [8]atomic.Uint32
	held [8]atomic.Pointer[Held]
}

const (
	memoryRows  = 8192
	memoryBytes = 8 << 20
	memoryFor   = 5 * time.Minute // and then read again, whatever was or was not told
	heldBytes   = 144             // a door and its place
)

// NewMemory is empty.
func NewMemory() *Memory {
	return &Memory{begun: time.Now(), rows: make([]places, memoryRows), guests: map[uint64]*Guest{}}
}

// Moment is now, by the clock on the wall and by one that nobody sets.
type Moment struct {
	now time.Time
	age time.Duration // of the memory
}

// At is the moment that the wall calls now.
func (m *Memory) At(now time.Time) Moment { return Moment{now, time.Since(m.begun)} }

// Age is how long ago the memory began.
func (m Moment) Age() time.Duration { return m.age }

// Began is when the memory began, by the clock as it goes now, in nanoseconds since 1970.
func (m Moment) Began() int64 { return m.now.UnixNano() - int64(m.age) }

// Until is the age that the memory has at a time.
func (m *Memory) Until(at time.Time) time.Duration { return at.Sub(m.begun) }

// Held is the door of a cookie's hash, or nil where none that counts now is known.
func (m *Memory) Held(id [32]byte, at Moment) *Held {
	if h := m.row(id).find(id); h != nil && at.counts(h) {
		return h
	}
	return nil
}

// counts says whether a door is as good as one that was just read.
func (m Moment) counts(h *Held) bool {
	return m.age-time.Duration(h.since)*time.Second < memoryFor && h.Alive(m.now)
}

// row and tag are two pieces of a hash: both are as good as random.
func (m *Memory) row(id [32]byte) *places {
	return &m.rows[int(binary.LittleEndian.Uint32(id[:]))%len(m.rows)]
}

func tag(id [32]byte) uint32 { return binary.LittleEndian.Uint32(id[4:]) }

func (r *places) find(id [32]byte) *Held {
	want := tag(id)
	for i := range r.tags {
		if r.tags[i].Load() != want {
			continue
		}
		if h := r.held[i].Load(); h != nil && h.id == id {
			return h
		}
	}
	return nil
}

// Reading is a door about to be read.
type Reading struct {
	Moment
	epoch uint64
}

// Begin notes what is known before a door is read.
func (m *Memory) Begin(at Moment) Reading {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Reading{at, m.epoch}
}

// Keep remembers a door that was read, unless something changed meanwhile: then it is
// good for this once.
func (m *Memory) Keep(r Reading, id [32]byte, h *Held) {
	h.id, h.since = id, uint32(r.age/time.Second)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.epoch == r.epoch {
		m.keep(h, r.Moment)
	}
}

// keep remembers a door.
func (m *Memory) keep(h *Held, at Moment) {
	h.key = short(flow.HashToken(h.person))
	if g := m.guests[h.key]; g != nil && !h.join(g) {
		g.gone.Store(true) // whoever changed them has not been heard yet
		delete(m.guests, h.key)
	}
	used := func(other *Held) int64 {
		if !at.counts(other) {
			return 0
		}
		return other.seen.Load()
	}
	r := m.row(h.id)
	i, _ := r.least(func(other *Held) int64 {
		switch {
		case other == nil:
			return -1
		case other.id == h.id:
			return -2
		}
		return used(other)
	})
	m.drop(r, i, at.now)
	r.tags[i].Store(tag(h.id))
	r.held[i].Store(h)
	m.bytes += heldBytes
	if h.doors++; h.doors == 1 {
		m.guests[h.key] = h.Guest
		m.bytes += h.size()
	}
	for m.bytes > 0 && m.bytes+m.signed > memoryBytes {
		m.giveUp(used, at.now)
	}
}

// giveUp drops what is worth least in the next few rows.
func (m *Memory) giveUp(used func(*Held) int64, now time.Time) {
	const rows = 4
	var from *places
	at, least := 0, int64(math.MaxInt64)
	for range rows {
		m.next = (m.next + 1) % len(m.rows)
		r := &m.rows[m.next]
		i, worth := r.least(func(h *Held) int64 {
			if h == nil {
				return math.MaxInt64
			}
			return used(h)
		})
		if worth < least {
			from, at, least = r, i, worth
		}
	}
	if from != nil {
		m.drop(from, at, now)
	}
}

// least is the place of a row that is worth least.
func (r *places) least(worth func(*Held) int64) (at int, least int64) {
	least = math.MaxInt64
	for i := range r.held {
		if w := worth(r.held[i].Load()); w < least {
			at, least = i, w
		}
	}
	return at, least
}

// short is the beginning of a person's key. Whoever shares it with somebody else is
// forgotten with them.
func short(key string) uint64 {
	var b [8]byte
	hex.Decode(b[:], []byte(key[:min(len(key), 16)]))
	return binary.LittleEndian.Uint64(b[:])
}

// drop forgets what is remembered at a place.
func (m *Memory) drop(r *places, i int, now time.Time) {
	h := r.held[i].Swap(nil)
	if h == nil {
		return
	}
	m.bytes -= heldBytes
	m.signed = max(0, m.signed-h.signed(now))
	if h.doors--; h.doors > 0 {
		return
	}
	m.bytes -= h.size()
	if m.guests[h.key] == h.Guest {
		delete(m.guests, h.key)
	}
}

// Forget shuts the doors of persons, by their keys.
func (m *Memory) Forget(keys []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.epoch++
	for _, id := range keys {
		if g := m.guests[short(id)]; g != nil {
			g.gone.Store(true)
			delete(m.guests, short(id))
		}
	}
}

// Sweep drops what counts no more, and tokens that nobody asks for.
func (m *Memory) Sweep(now time.Time) {
	at, signed := m.At(now), 0
	for n := range m.rows {
		for i := range m.rows[n].held {
			h := m.rows[n].held[i].Load()
			if h == nil {
				continue
			}
			if at.counts(h) {
				signed += h.signed(now)
				continue
			}
			m.mu.Lock()
			if m.rows[n].held[i].Load() == h {
				m.drop(&m.rows[n], i, now)
			}
			m.mu.Unlock()
		}
	}
	m.mu.Lock()
	m.signed = signed
	m.mu.Unlock()
}
