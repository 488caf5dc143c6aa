package smpp

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

const (
	growthMost = 6 << 20 // 64 receipts in hand, of 60 KiB each, and what is being read
	floodTime  = 400 * time.Millisecond
)

// live is how much memory is in use.
func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// held is what samples say is held on to: the median of their second half. A single
// one counts, besides, what was read between the collection and the counting, at two
// hundred megabytes a second; what piles up is there in all of them.
func held(seen []uint64) uint64 {
	late := slices.Clone(seen[len(seen)/2:])
	slices.Sort(late)
	return late[len(late)/2]
}

// flood writes the same again and again for a while, or until nobody takes it. It
// makes nothing meanwhile, which would be counted too.
func flood(conn net.Conn, units [][]byte) (sent int) {
	_ = conn.SetWriteDeadline(time.Now().Add(floodTime))
	for i := 0; ; i++ {
		n, err := conn.Write(units[i%len(units)])
		if sent += n; err != nil {
			return sent
		}
	}
}

// Whatever the other end sends, however fast, we hold on to little of it, while
// the store hangs and after.
func TestAHostileSMSCFillsNoMemory(t *testing.T) {
	large := make([]byte, 60000)
	receipt := delivery(4, "", tag(tagPayload, string(bytes.Repeat([]byte(appendixB), 400))))
	random := rand.NewChaCha8([32]byte{1})
	for _, row := range []struct {
		name string
		deaf bool // reads none of our answers
		next func(i int) []byte
	}{
		{"receipts without end", false, func(i int) []byte { return unit(head{deliverSM, OK, uint32(i)}, receipt) }},
		{"receipts, and it reads no answers", true, func(i int) []byte { return unit(head{deliverSM, OK, uint32(i)}, receipt) }},
		{"answers to nothing", false, func(i int) []byte { return unit(head{submitSM | answers, OK, uint32(i)}, large) }},
		{"answers with endless names", false, func(i int) []byte {
			return unit(head{submitSM | answers, OK, uint32(i % 64)}, bytes.Repeat([]byte("9"), 60000))
		}},
		{"optional fields without end", false, func(i int) []byte {
			return unit(head{deliverSM, OK, uint32(i)}, delivery(4, "", string(bytes.Repeat([]byte(tag(tagID, "x")), 12000))))
		}},
		{"what nobody knows", false, func(i int) []byte { return unit(head{command(i & 0x7fffff00), OK, uint32(i)}, large) }},
		{"enquiries", false, func(i int) []byte { return unit(head{enquireLink, OK, uint32(i)}, nil) }},
		{"huge lengths", false, func(i int) []byte {
			return append(binary.BigEndian.AppendUint32(nil, 0xfffffff0-uint32(i)), make([]byte, 1<<16)...)
		}},
		{"noise", false, func(int) []byte { b := make([]byte, 1<<16); _, _ = random.Read(b); b[0], b[1] = 0, 0; return b }},
	} {
		t.Run(row.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			ours, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			theirs, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer theirs.Close()
			c := &centre{t, theirs, make([]byte, unitMost)}
			go c.answer(bindTransceiver, OK, "")
			o := good
			o.Deliver = func(ctx context.Context, _ Delivery) Status { <-ctx.Done(); return Again } // the store hangs
			s, err := Bind(t.Context(), ours, o)
			if err != nil {
				t.Fatal(err)
			}
			var units [][]byte
			for i := range 32 {
				units = append(units, row.next(i))
			}
			before, goroutines := live(), runtime.NumGoroutine()
			var all sync.WaitGroup
			done, sent := make(chan struct{}), 0
			all.Go(func() { defer close(done); sent = flood(theirs, units) })
			if !row.deaf {
				all.Go(func() { _, _ = io.Copy(io.Discard, theirs) })
			}
			var seen []uint64
			for sampling := true; sampling; {
				seen = append(seen, live())
				select {
				case <-done:
					sampling = false
				case <-time.After(20 * time.Millisecond):
				}
			}
			if n := runtime.NumGoroutine() - goroutines; n > handsMost+8 {
				t.Errorf("%d goroutines", n)
			}
			if grown := int64(held(seen)) - int64(before); grown > growthMost {
				t.Errorf("%d KiB were sent, and memory grew by %d KiB", sent>>10, grown>>10)
			} else {
				t.Logf("%d KiB were sent, memory grew by %d KiB", sent>>10, grown>>10)
			}
			_ = theirs.Close()
			s.Close()
			all.Wait()
		})
	}
}
