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
	w.run("passed on, with its cost, and told of", func(w *world) {
		b := limit.Money(100)
		m := newMessage()
		m.Code, m.Cost, m.Paid = id(), 40, b.Key(id())
		paid := limit.Spent{Budget: b, Key: m.Paid, Now: now, Amount: 40}
		next := m.Next(at(time.Second))
		again := paid
		again.Free = true
		w.apply(paid, message.Queued{Message: m}, message.Called{ID: m.ID, Gateway: "g", At: now},
			message.PassedOn{Was: message.Settled{ID: m.ID, State: message.Failed, Reason: "down", At: now}, Next: next, Cost: again})
		if got := must(w.Limits(ctx(), []string{m.Paid}))[m.Paid].Used; got != 80 {
			w.Errorf("%d is spent on two sends", got)
		}
		w.apply(message.Called{ID: next.ID, Gateway: "h", At: now}, message.Settled{ID: next.ID, Ref: "ref-" + m.ID, State: message.Sent, At: now},
			message.Received{ID: next.ID, Ref: "other", From: message.Sent, State: message.Gone, Reason: "30005", At: at(minute)})
		sends := must(w.Sends(ctx(), m.Code))
		if len(sends) != 2 || sends[0].ID != next.ID || sends[0].Text != "" || sends[1].State != message.Failed || sends[1].Text != "" {
			w.Fatalf("the sends are %+v", sends)
		}
		if got := sends[0]; got.State != message.Gone || got.Hop != 1 || got.Ref != "ref-"+m.ID || got.Reason != "30005" || !got.ToldAt.Equal(at(minute)) {
			w.Errorf("in the end it is %+v", got)
		}
		if got := must(w.MessageByRef(ctx(), "h", "ref-"+m.ID)); got == nil || got.ID != next.ID {
			w.Errorf("by its reference it is %+v", got)
		}
		if got := must(w.MessageByRef(ctx(), "g", "ref-"+m.ID)); got != nil {
			w.Errorf("another gateway's is %+v", got)
		}
		if got := must(w.MessageByRef(ctx(), "g", "")); got != nil {
			w.Errorf("without a reference it is %+v", got)
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
	w.run("mails", mails)
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

// mails wait like texts, but are tried again, and are sent again after a crash.
func mails(w *world) {
	due, later, text, old, under := newMail(), newMail(), newMessage(), newMail(), newMail()
	later.LeaseAt = at(minute)
	for _, m := range []message.Message{due, later, text, old, under} {
		w.apply(message.Queued{Message: m})
	}
	listed := func(now time.Time) (ids []string) {
		for _, m := range must(w.WaitingMails(ctx(), now, 1000)) {
			ids = append(ids, m.ID)
			if m.Way != message.ByMail || m.Subject == "" {
				w.Errorf("it is %+v", m)
			}
		}
		return ids
	}
	if ids := listed(now); !slices.Contains(ids, due.ID) || slices.Contains(ids, later.ID) || slices.Contains(ids, text.ID) {
		w.Errorf("due are %v", ids)
	}
	if ids := listed(at(minute)); !slices.Contains(ids, later.ID) {
		w.Error("what is due later is never due")
	}
	for _, m := range must(w.WaitingMessages(ctx(), now, 1000)) {
		if m.Way != message.ByText {
			w.Error("a mail waits among the texts")
		}
	}
	w.refused(message.Deferred{ID: due.ID, Until: at(minute)}) // nobody was sending it
	w.apply(message.Called{ID: due.ID, Gateway: "mail", At: now}, message.Deferred{ID: due.ID, Reason: "down", Until: at(2 * minute)})
	if got := must(w.Message(ctx(), due.ID)); got.State != message.Waiting || got.Reason != "down" || !got.LeaseAt.Equal(at(2*minute)) || got.Text == "" {
		w.Errorf("deferred it is %+v", got)
	}
	w.apply(message.Called{ID: old.ID, Gateway: "mail", At: at(-41 * time.Second)}, message.Called{ID: under.ID, Gateway: "mail", At: at(-39 * time.Second)})
	if err := w.GiveUp(ctx(), at(-40*time.Second), now); err != nil { // that is for texts
		w.Fatal(err)
	}
	if err := w.Again(ctx(), at(-40*time.Second)); err != nil {
		w.Fatal(err)
	}
	if got := must(w.Message(ctx(), old.ID)); got.State != message.Waiting || got.Text == "" {
		w.Errorf("what a crash left is %+v", got)
	}
	if got := must(w.Message(ctx(), under.ID)); got.State != message.Calling {
		w.Errorf("what is being sent is %+v", got)
	}
	w.apply(message.Settled{ID: under.ID, State: message.Sent, At: now})
	if got := must(w.Message(ctx(), under.ID)); got.Text != "" || got.Subject != "" {
		w.Errorf("sent, it still says %q: %q", got.Subject, got.Text)
	}
	always := newMail()
	for range 2 {
		always.ID = id()
		w.apply(message.QueuedOnce{Message: always})
		if must(w.Message(ctx(), always.ID)) == nil {
			w.Error("without a budget it is not queued")
		}
	}
}
