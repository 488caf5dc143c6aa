package store_test

import (
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"sallyport/back/store"
	"sallyport/core/change"
	"sallyport/core/limit"
	"sallyport/core/message"
)

// sends is a store whose texts are called by gateways.
type sends struct {
	*testing.T
	*store.Store
}

func onSends(t *testing.T, test func(s sends)) {
	on(t, func(t *testing.T, o store.Options) { test(sends{t, open(t, o)}) })
}

func (s sends) apply(effects ...change.Effect) {
	s.Helper()
	if err := s.Apply(s.Context(), effects); err != nil {
		s.Fatalf("%T: %v", effects[len(effects)-1], err)
	}
}

func (s sends) refused(effect change.Effect) {
	s.Helper()
	if err := s.Apply(s.Context(), change.Set{effect}); err == nil {
		s.Errorf("%+v is not refused", effect)
	}
}

// text is one with a code, to a prefix and a country of its own.
func text(age time.Duration) message.Message {
	m := message.New(rand.Text(), message.CodeKind, "+12125550199", rand.Text(), "123456 is your code", now.Add(-age), 10*time.Minute)
	m.Code, m.Prefix = rand.Text(), rand.Text()
	return m
}

// However many gateways may have taken a text, somebody who does not read it is one.
func TestATextThatIsPassedOnCountsOnce(t *testing.T) {
	onSends(t, func(s sends) {
		for _, row := range []struct {
			came []message.State // of the first gateway, the second, …
			want int
		}{
			{[]message.State{message.Sent}, 1},
			{[]message.State{message.Failed, message.Sent}, 1},
			{[]message.State{message.Unknown, message.Sent}, 1},
			{[]message.State{message.Unknown, message.Failed}, 1}, // the first may have sent it
			{[]message.State{message.Unknown, message.Failed, message.Sent}, 1},
			{[]message.State{message.Failed, message.Unknown, message.Unknown, message.Sent}, 1},
			{[]message.State{message.Failed, message.Failed}, 0},
		} {
			m := text(5 * time.Minute)
			s.apply(message.Queued{Message: m})
			at := m.MadeAt
			for i, state := range row.came {
				s.apply(message.Called{ID: m.ID, Gateway: "g", At: at})
				settled := message.Settled{ID: m.ID, State: state, At: at}
				if i == len(row.came)-1 {
					s.apply(settled)
					break
				}
				next := m.Next(at)
				s.apply(message.PassedOn{Was: settled, Next: next})
				m = next
			}
			all, err := s.Sends(s.Context(), m.Code)
			if err != nil || len(all) != len(row.came) {
				s.Fatalf("%v: %d sends, %v", row.came, len(all), err)
			}
			listed := 0
			for _, one := range all {
				if one.Counts(all) {
					listed++
				}
			}
			got, err := s.Traffic(s.Context(), m.Prefix, m.Country, now)
			if err != nil || len(got.Prefix) != row.want || got.Country != row.want || listed != row.want {
				s.Errorf("%v: %d of the prefix, %d of the country, %d for operators, want %d (%v)", row.came, len(got.Prefix), got.Country, listed, row.want, err)
			}
			s.apply(message.Entered{Code: m.Code, At: now})
			if got, err = s.Traffic(s.Context(), m.Prefix, m.Country, now); err != nil || slices.Contains(got.Prefix, false) || got.CountryEntered != row.want {
				s.Errorf("%v: entered, it is %+v, %v", row.came, got, err)
			}
		}
	})
}

// A code that nobody can enter any more goes no further: neither what waits of it,
// nor what another gateway was to get.
func TestACodeThatIsWorthNothingGoesNoFurther(t *testing.T) {
	onSends(t, func(s sends) {
		money := limit.Money(100)
		money.Name = rand.Text()
		later := now.Add(time.Minute)
		waiting, calling, other, notice := text(0), text(0), text(0), text(0)
		waiting.Cost, waiting.Paid, notice.Code = 30, money.Name, ""
		s.apply(message.Queued{Message: waiting}, message.Queued{Message: calling}, message.Queued{Message: other}, message.Queued{Message: notice},
			limit.Spent{Budget: money, Key: money.Name, Now: now, Amount: 30}, message.Called{ID: calling.ID, Gateway: "g", At: now})
		s.apply(message.Expired{Code: waiting.Code, At: later}, message.Expired{Code: calling.Code, At: later}, message.Expired{At: later})
		s.refused(message.Called{ID: waiting.ID, Gateway: "g", At: later})
		next := calling.Next(later)
		s.apply(message.PassedOn{Was: message.Settled{ID: calling.ID, State: message.Unknown, At: later}, Next: next})
		s.refused(message.Called{ID: next.ID, Gateway: "h", At: later})
		if err := s.GiveUp(s.Context(), now.Add(-time.Minute), later); err != nil {
			s.Fatal(err)
		}
		for want, ids := range map[message.State][]string{message.Late: {waiting.ID, next.ID}, message.Unknown: {calling.ID}, message.Waiting: {other.ID, notice.ID}} {
			for _, id := range ids {
				if m, err := s.Message(s.Context(), id); err != nil || m.State != want || (m.Text == "") != (want != message.Waiting) {
					s.Errorf("want %s: %+v, %v", want, m, err)
				}
			}
		}
		if rows, err := s.Limits(s.Context(), []string{money.Name}); err != nil || rows[money.Name].Used != 0 {
			s.Errorf("what was not sent costs %d, %v", rows[money.Name].Used, err)
		}
	})
}

// An operator who opens a country need not know which of its prefixes are closed.
func TestACountryThatIsOpenedOpensItsPrefixes(t *testing.T) {
	onSends(t, func(s sends) {
		here, there := text(0), text(0)
		var keys []string
		for _, m := range []message.Message{here, there} {
			s.apply(message.Queued{Message: m}, limit.Closed{Key: limit.Prefix(m.Prefix), Now: now, Until: now.Add(time.Hour)},
				limit.Spent{Budget: limit.TextProbe, Key: limit.TextProbe.Key(m.Prefix), Now: now})
			keys = append(keys, message.Destination{Hash: m.Prefix}.Keys()...)
		}
		s.apply(message.Forgiven{Country: here.Country, At: now})
		rows, err := s.Limits(s.Context(), keys)
		if err != nil {
			s.Fatal(err)
		}
		for i, key := range keys {
			if state := rows[key]; (state.Level > 0 || state.Used > 0) != (i >= 2) {
				s.Errorf("row %d is %+v", i, state)
			}
		}
	})
}
