package sms_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"sallyport/back/sms"
	"sallyport/back/store"
	"sallyport/core/change"
	"sallyport/core/message"
)

// handed queues a text and hands it to the gateway main, which calls it ref.
func handed(t *testing.T, s *store.Store, ref string, state message.State) message.Message {
	t.Helper()
	m := newMessage(now)
	set := change.Set{message.Queued{Message: m}, message.Called{ID: m.ID, Gateway: "main", At: now}}
	if state != message.Calling {
		set.Add(message.Settled{ID: m.ID, Ref: ref, State: state, At: now})
	}
	if err := s.Apply(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestReceiptsByTheirTable(t *testing.T) {
	rows := []struct {
		name     string
		at       message.State
		receipts []message.Receipt
		want     message.State
		err      error
	}{
		{"it arrived", message.Sent, []message.Receipt{{Ref: "r", State: message.Delivered}}, message.Delivered, nil},
		{"on its way is no news", message.Sent, []message.Receipt{{Ref: "r", State: message.Sent}}, message.Sent, nil},
		{"the phone is off", message.Sent, []message.Receipt{{Ref: "r", State: message.Away, Reason: "30003"}}, message.Away, nil},
		{"twice", message.Sent, []message.Receipt{{Ref: "r", State: message.Gone}, {Ref: "r", State: message.Gone}}, message.Gone, nil},
		{"on its way after it arrived", message.Sent, []message.Receipt{{Ref: "r", State: message.Delivered}, {Ref: "r", State: message.Sent}}, message.Delivered, nil},
		{"an old failure after it arrived", message.Sent, []message.Receipt{{Ref: "r", State: message.Delivered}, {Ref: "r", State: message.Away}}, message.Delivered, nil},
		{"what nobody knew", message.Unknown, []message.Receipt{{ID: "own", State: message.Delivered}}, message.Delivered, nil},
		{"what nobody knew is on its way", message.Unknown, []message.Receipt{{ID: "own", Ref: "r", State: message.Sent}, {Ref: "r", State: message.Delivered}}, message.Delivered, nil},
		{"another way to write its name", message.Sent, []message.Receipt{{Ref: "x", Also: []string{"y", "r"}, State: message.Delivered}}, message.Delivered, nil},
		{"a text that failed stays so", message.Failed, []message.Receipt{{Ref: "r", State: message.Delivered}}, message.Failed, nil},
		{"a refused one too", message.Refused, []message.Receipt{{Ref: "r", State: message.Delivered}}, message.Refused, nil},
		{"another name", message.Sent, []message.Receipt{{Ref: "other", State: message.Delivered}}, message.Sent, sms.ErrNoSuch},
		{"no name", message.Sent, []message.Receipt{{State: message.Delivered}}, message.Sent, sms.ErrNoSuch},
		{"another gateway", message.Sent, []message.Receipt{{Gateway: "other", Ref: "r", State: message.Delivered}}, message.Sent, sms.ErrNoSuch},
		{"another gateway by our name", message.Sent, []message.Receipt{{Gateway: "other", ID: "own", State: message.Delivered}}, message.Sent, sms.ErrNoSuch},
	}
	databases(t, func(t *testing.T, open func() *store.Store) {
		s := open()
		var wg sync.WaitGroup // those that are not found wait a little
		for i, row := range rows {
			m := handed(t, s, "r"+row.name, row.at)
			wg.Go(func() {
				heard := 0
				r := sms.NewReceiver(s, clock, func(message.Message, message.Receipt) { heard++ })
				var err error
				for _, receipt := range row.receipts {
					if receipt.Gateway == "" {
						receipt.Gateway = "main"
					}
					if receipt.ID == "own" {
						receipt.ID = m.ID
					}
					if receipt.Ref == "r" {
						receipt.Ref = "r" + row.name
					}
					for j := range receipt.Also {
						if receipt.Also[j] == "r" {
							receipt.Also = []string{"r" + row.name}
						}
					}
					err = r.Take(t.Context(), receipt)
				}
				got, readErr := s.Message(t.Context(), m.ID)
				if readErr != nil || !errors.Is(err, row.err) || got.State != row.want {
					t.Errorf("%d %s: %s, %v, want %s, %v (%v)", i, row.name, got.State, err, row.want, row.err, readErr)
				}
				if (heard > 0) != (row.want != row.at) {
					t.Errorf("%s: %d were heard of", row.name, heard)
				}
			})
		}
		wg.Wait()
	})
}

// Where one name is written in two ways, it may be that of two texts: the number
// that the receipt is of says which.
func TestOfTextsOfOneNameTheNumberSaysWhich(t *testing.T) {
	databases(t, func(t *testing.T, open func() *store.Store) {
		s := open()
		to := map[string]message.Message{}
		for ref, number := range map[string]string{"16": "+12025550116", "10": "+12025550110"} {
			m := newMessage(now)
			m.To = number
			if err := s.Apply(t.Context(), change.Set{message.Queued{Message: m}, message.Called{ID: m.ID, Gateway: "main", At: now}, message.Settled{ID: m.ID, Ref: ref, State: message.Sent, At: now}}); err != nil {
				t.Fatal(err)
			}
			to[ref] = m
		}
		r := sms.NewReceiver(s, clock, nil)
		for _, row := range []struct {
			numbers []string
			state   message.State
			want    string
		}{
			{[]string{"12025550110", "80808"}, message.Delivered, "10"}, // 10 in hexadecimal digits is 16
			{[]string{"5550116"}, message.Away, "16"},                   // as the network writes it: the plainest name
		} {
			if err := r.Take(t.Context(), message.Receipt{Gateway: "main", Ref: "16", Also: []string{"10", "22"}, Numbers: row.numbers, State: row.state}); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Message(t.Context(), to[row.want].ID); err != nil || got.State != row.state {
				t.Errorf("%v: it is %s, %v", row.numbers, got.State, err)
			}
		}
	})
}

// A gateway may report before its answer to the call has been read.
func TestAReceiptWaitsForTheCallThatItOvertook(t *testing.T) {
	databases(t, func(t *testing.T, open func() *store.Store) {
		s := open()
		m := handed(t, s, "", message.Calling)
		r := sms.NewReceiver(s, clock, nil)
		took := make(chan error, 2)
		go func() {
			took <- r.Take(t.Context(), message.Receipt{Gateway: "main", Ref: "early", State: message.Delivered})
		}()
		go func() {
			took <- r.Take(t.Context(), message.Receipt{Gateway: "main", ID: m.ID, State: message.Delivered})
		}()
		time.Sleep(300 * time.Millisecond)
		if got, err := s.Message(t.Context(), m.ID); err != nil || got.State != message.Calling {
			t.Fatalf("during the call it is %s, %v", got.State, err)
		}
		if err := s.Apply(t.Context(), change.Set{message.Settled{ID: m.ID, Ref: "early", State: message.Sent, At: now}}); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(<-took, <-took); err != nil {
			t.Error(err)
		}
		if got, err := s.Message(t.Context(), m.ID); err != nil || got.State != message.Delivered || !got.ToldAt.Equal(now) {
			t.Errorf("in the end it is %s at %s, %v", got.State, got.ToldAt, err)
		}
	})
}
