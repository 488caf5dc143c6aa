package storetest

import (
	"slices"
	"time"

	"sallyport/core/audit"
	"sallyport/core/limit"
	"sallyport/core/message"
	"sallyport/core/person"
)

// messages are the rows of the outbox.
func messages(w *world) {
	w.run("waiting, oldest first, until they expire", func(w *world) {
		first, second, late := newMessage(), newMessage(), newMessage()
		first.MadeAt, late.ExpireAt = at(-minute), now
		w.apply(message.Queued{Message: second}, message.Queued{Message: first}, message.Queued{Message: late})
		var ids []string
		for _, m := range must(w.WaitingMessages(ctx(), now, 1000)) {
			ids = append(ids, m.ID)
		}
		i, j := slices.Index(ids, first.ID), slices.Index(ids, second.ID)
		if i < 0 || j < i || slices.Contains(ids, late.ID) {
			w.Errorf("first %d, second %d, late %v", i, j, slices.Contains(ids, late.ID))
		}
		if n := len(must(w.WaitingMessages(ctx(), now, 1))); n != 1 {
			w.Errorf("%d of at most 1", n)
		}
		if err := w.GiveUp(ctx(), at(-10*time.Second), now); err != nil {
			w.Fatal(err)
		}
		if got := must(w.Message(ctx(), late.ID)); got.State != message.Late || got.Text != "" || !got.DoneAt.Equal(now) {
			w.Errorf("the late one is %+v", got)
		}
		if got := must(w.Message(ctx(), first.ID)); got.State != message.Waiting || got.Text == "" {
			w.Errorf("one in time is %+v", got)
		}
	})
	w.run("what was being called in a crash", func(w *world) {
		old, under := newMessage(), newMessage()
		w.apply(message.Queued{Message: old}, message.Queued{Message: under},
			message.Called{ID: old.ID, Gateway: "g", At: at(-11 * time.Second)}, message.Called{ID: under.ID, Gateway: "g", At: at(-9 * time.Second)})
		if err := w.GiveUp(ctx(), at(-10*time.Second), now); err != nil {
			w.Fatal(err)
		}
		if got := must(w.Message(ctx(), old.ID)); got.State != message.Unknown || got.Text != "" {
			w.Errorf("the old one is %+v", got)
		}
		if got := must(w.Message(ctx(), under.ID)); got.State != message.Calling {
			w.Errorf("the one under way is %+v", got)
		}
		w.refused(message.Called{ID: old.ID, Gateway: "g", At: now})
	})
	w.run("once", func(w *world) {
		b := limit.Budget{Name: id(), Max: 1, Window: 10 * minute}
		var sent []string
		p := newPerson()
		w.apply(person.Added{Person: p})
		for _, at := range []time.Time{now, at(minute), at(10 * minute)} {
			m := newMessage()
			sent = append(sent, m.ID)
			w.apply(message.QueuedOnce{Message: m, Once: limit.Spent{Budget: b, Key: b.Name, Now: at}})
		}
		for i, want := range []bool{true, false, true} {
			if got := must(w.Message(ctx(), sent[i])) != nil; got != want {
				w.Errorf("message %d is queued: %v", i, got)
			}
		}
	})
	w.run("waking", func(w *world) {
		woken := w.Woken()
		w.apply(audit.New(now, audit.Confirmed, id()))
		select {
		case <-woken:
			w.Error("a change without a message wakes the sender")
		default:
		}
		w.apply(message.Queued{Message: newMessage()})
		w.apply(message.Queued{Message: newMessage()})
		select {
		case <-woken:
		case <-time.After(5 * time.Second):
			w.Error("a message does not wake the sender")
		}
	})
}
