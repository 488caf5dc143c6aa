package storetest

import (
	"slices"
	"time"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/limit"
	"sallyport/core/message"
)

// traffic is what is known of texts that nobody reads, and of what texts cost.
func traffic(w *world) {
	w.run("ripe texts of a prefix, newest first", func(w *world) {
		prefix, code := id(), id()
		send := func(age time.Duration, change func(m *message.Message)) {
			m := newMessage()
			m.Prefix, m.Country, m.MadeAt, m.Code = prefix, prefix, at(-age), id()
			change(&m)
			w.apply(message.Queued{Message: m})
		}
		none := func(*message.Message) {}
		send(message.PrefixWindow, none) // an hour old: not of the last hour
		send(50*minute, func(m *message.Message) { m.Code = code })
		send(40*minute, func(m *message.Message) { m.Code = code }) // sent again
		send(30*minute, func(m *message.Message) { m.State = message.Failed })
		send(30*minute, func(m *message.Message) { m.State = message.Refused })
		send(30*minute, func(m *message.Message) { m.State = message.Late })
		send(30*minute, func(m *message.Message) { m.Kind = string(message.SetUpDone) })
		send(30*minute, func(m *message.Message) { m.Prefix, m.Country = id(), id() })
		send(20*minute, none)
		send(message.Ripe, none)
		send(message.Ripe-time.Millisecond, none)
		w.apply(message.Entered{Code: code, At: now})
		got := must(w.Traffic(ctx(), prefix, prefix, now))
		if want := []bool{false, false, true, true}; !slices.Equal(got.Prefix, want) {
			w.Errorf("the newest of the prefix are %v, want %v", got.Prefix, want)
		}
		if got.Country != 5 || got.CountryEntered != 2 {
			w.Errorf("of the country there are %d, %d entered; want 5 and 2", got.Country, got.CountryEntered)
		}
		for range 4 {
			send(10*minute, none)
		}
		if got := must(w.Traffic(ctx(), prefix, prefix, now)); !slices.Equal(got.Prefix, make([]bool, message.PrefixTexts)) {
			w.Errorf("of nine the newest are %v, want five that are not entered", got.Prefix)
		}
	})
	w.run("closing", func(w *world) {
		key := limit.Prefix(id())
		read := func() limit.State { return must(w.Limits(ctx(), []string{key}))[key] }
		w.apply(limit.Closed{Key: key, Now: now, Until: at(time.Hour)})
		w.refused(limit.Closed{Key: key, Now: at(minute), Until: at(2 * time.Hour)})
		if got := read(); !got.Until.Equal(at(time.Hour)) || got.Level != 1 {
			w.Errorf("closed it is %+v", got)
		}
		w.apply(limit.Closed{Key: key, Now: at(time.Hour), Until: at(2 * time.Hour)})
		if got := read(); !got.Until.Equal(at(2*time.Hour)) || got.Level != 2 {
			w.Errorf("closed again it is %+v", got)
		}
		w.apply(limit.Cleared{Keys: []string{key}})
		if got := read(); got.Level != 0 || !got.Until.IsZero() {
			w.Errorf("open again it is %+v", got)
		}
		if taken := w.race(16, func(int) change.Set { return change.Set{limit.Closed{Key: key, Now: now, Until: at(time.Hour)}} }); len(taken) != 1 {
			w.Errorf("%d of 16 closed it", len(taken))
		}
	})
	w.run("amounts", func(w *world) {
		day := limit.Money(100)
		day.Name = id()
		spend := func(amount int64, free bool) limit.Spent {
			return limit.Spent{Budget: day, Key: day.Name, Now: now, Amount: amount, Free: free}
		}
		w.refused(spend(101, false)) // though nobody has spent yet
		w.apply(spend(60, false))
		w.refused(spend(41, false))
		w.apply(spend(40, false))
		w.refused(spend(1, false))
		w.apply(spend(7, true))
		if got := must(w.Limits(ctx(), []string{day.Name}))[day.Name]; got.Used != 107 {
			w.Errorf("%d are spent, want 107", got.Used)
		}
	})
	w.run("what was not sent is paid back, once", paidBack)
	w.run("operators are told once", func(w *world) {
		alert := message.Alert{Entry: audit.New(now, audit.TextsStopped, ""), Once: limit.Spent{Budget: limit.TextAlert, Key: id(), Now: now}}
		alert.Entry.Person = id() // to find it by
		for i := range 3 {
			alert.Entry.ID = id()
			alert.Once.Now = at(time.Duration(i) * 12 * time.Hour)
			w.apply(alert)
		}
		if n := len(must(w.Events(ctx(), alert.Entry.Person, 10, 0))); n != 2 {
			w.Errorf("in 24 hours and a moment they are told %d times, want 2", n)
		}
	})
}

func paidBack(w *world) {
	day := limit.Money(1000)
	day.Name = id()
	used := func() int { return must(w.Limits(ctx(), []string{day.Name}))[day.Name].Used }
	queue := func(life time.Duration) message.Message {
		m := newMessage()
		m.Cost, m.Paid, m.ExpireAt = 30, day.Name, at(life)
		w.apply(message.Queued{Message: m}, limit.Spent{Budget: day, Key: day.Name, Now: now, Amount: 30})
		return m
	}
	for _, row := range []struct {
		state message.State
		want  int
	}{{message.Sent, 30}, {message.Unknown, 60}, {message.Failed, 60}, {message.Refused, 60}, {message.Late, 60}} {
		m := queue(10 * minute)
		w.apply(message.Called{ID: m.ID, Gateway: "g", At: now}, message.Settled{ID: m.ID, State: row.state, At: now})
		if got := used(); got != row.want {
			w.Errorf("after one that is %s %d are spent, want %d", row.state, got, row.want)
		}
	}
	queue(minute)
	queue(minute)
	for range 2 {
		if err := w.GiveUp(ctx(), at(-minute), at(minute)); err != nil {
			w.Fatal(err)
		}
		if got := used(); got != 60 {
			w.Errorf("after two that came too late %d are spent, want 60", got)
		}
	}
	notice := newMessage()
	notice.Cost, notice.Paid = 30, day.Name
	once := limit.Spent{Budget: limit.NoticeKind, Key: id(), Now: now}
	for range 2 {
		notice.ID = id()
		w.apply(message.QueuedOnce{Message: notice, Once: once, Cost: limit.Spent{Budget: day, Key: day.Name, Now: now, Amount: 30, Free: true}})
	}
	if got := used(); got != 90 {
		w.Errorf("a notice that is queued once costs until %d are spent, want 90", got)
	}
}
