package flow

import (
	"context"
	"fmt"
	"time"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/fault"
	"sallyport/core/limit"
	"sallyport/core/message"
	"sallyport/core/phone"
)

// sending is a code that is to go out.
type sending struct {
	person  string
	lane    limit.Lane
	purpose phone.Purpose
	number  string // E.164
	country string
	owner   string // the attempt or session that the code is bound to
	before  phone.TextCode
	proved  bool // the person proved the number before
}

// send makes the effects that send a code: the same one again while it lives,
// else a new one. What is spent is spent with it, so that of two posts at once
// one sends. A fault says how long to wait; what it comes with is applied too.
func (m *Machine) send(ctx context.Context, s sending, client Client, now time.Time) (phone.TextCode, change.Set, error) {
	budgets := m.textBudgets(s, client, now)
	wait, which, err := m.wait(ctx, now, budgets...)
	if err != nil {
		return s.before, nil, err
	}
	msg := message.New(s.person, message.CodeKind, s.number, s.country, "", now, 0)
	watch, err := m.watch(ctx, &msg, s, now)
	if err != nil {
		return s.before, nil, err
	}
	if wait > 0 {
		word := "text.wait"
		if which.Budget.Name == limit.TextNumber.Name && s.before.For(s.purpose, s.number, s.owner) && wait <= limit.TextNumber.Gaps[1] {
			word = "text.early"
		}
		return s.before, watch.Seen(), fault.New(fault.TooMany, word).After(wait)
	}
	if watch.Wait > 0 {
		m.Limited(watch.Why)
		return s.before, watch.Effect, fault.New(fault.TooMany, "text.wait").After(watch.Wait)
	}
	// The gap that the page names is the number's: it goes on over a new code.
	states, err := m.Changes.Limits(ctx, []string{budgets[0].Key})
	if err != nil {
		return s.before, nil, fmt.Errorf("read limits: %w", err)
	}
	code := s.before
	if !code.For(s.purpose, s.number, s.owner) || !code.Alive(now) {
		code = phone.NewTextCode(s.purpose, s.number, s.owner, now, s.before)
	}
	code.SentAt, code.Sends = now, 1+limit.TextNumber.Max-limit.TextNumber.Left(states[budgets[0].Key], now)
	if client.Address != "" {
		if key := limit.TextAddress.Key(client.Address); key != code.Address {
			code.Address, code.Asked = key, 0
		}
		code.Asked++
	}
	msg.Text, msg.ExpireAt, msg.Code = m.Writer.Code(code.Digits, s.purpose == phone.ForRecovery), code.FirstAt.Add(phone.CodeLife), code.ID
	code.Message = msg.ID
	entry := m.entry(audit.TextSent, s.person, client)
	entry.Method, entry.Attempt = string(s.purpose), s.owner
	set := watch.Effect
	for _, b := range append(budgets, watch.Spend...) {
		set.Add(b)
	}
	set.Add(message.Queued{Message: msg}, entry)
	return code, set, nil
}

// watch asks whether texts to this number's neighbours and country get answers,
// and whether the day still has money.
func (m *Machine) watch(ctx context.Context, msg *message.Message, s sending, now time.Time) (message.Verdict, error) {
	to := message.Destination{Prefix: phone.Prefix(s.number), Hash: m.PrefixKey(s.number), Country: s.country, Proved: s.proved}
	msg.Prefix = to.Hash
	traffic, err := m.Attempts.Traffic(ctx, to.Hash, to.Country, now)
	if err != nil {
		return message.Verdict{}, fmt.Errorf("read traffic: %w", err)
	}
	rows, err := m.Changes.Limits(ctx, append(to.Keys(), m.Writer.MoneyKey(now)))
	if err != nil {
		return message.Verdict{}, fmt.Errorf("read limits: %w", err)
	}
	return m.Writer.Judge(msg, to, traffic, rows, now), nil
}

// PrefixKey is how the start of a number is named in the database.
func (m *Machine) PrefixKey(e164 string) string { return m.derive("prefix", phone.Prefix(e164)) }

// answered is what a code that was entered does to what watches its text.
func (m *Machine) answered(code phone.TextCode, now time.Time) change.Set {
	return message.Answered(code.ID, m.PrefixKey(code.Number), code.Address, code.Asked, now)
}

// Gap is the least time between the newest text of a code and the next one.
func Gap(code phone.TextCode) time.Duration {
	return limit.TextNumber.Gaps[min(max(code.Sends, 1), 2)-1]
}

// underWay says whether a code to a number went out within the gap: asking for it
// once more, by a double click or by the way back, leads on to it.
func (s sending) underWay(now time.Time) bool {
	code := s.before
	return code.For(s.purpose, s.number, s.owner) && code.Alive(now) && now.Before(code.SentAt.Add(Gap(code)))
}

// textBudgets are what a code text costs: by number, person, lane and address.
func (m *Machine) textBudgets(s sending, client Client, now time.Time) (spent []limit.Spent) {
	number := m.numberKey(s.number, s.proved)
	add := func(b limit.Budget, of ...string) {
		spent = append(spent, limit.Spent{Budget: b, Key: b.Key(of...), Now: now})
	}
	add(limit.TextNumber, number)
	add(limit.TextNumberDay, number)
	add(limit.TextPersonDay, s.person)
	if s.lane.Known() {
		add(limit.TextKnownDay, s.person, string(s.lane))
	} else {
		add(limit.TextPersonHour, s.person)
		add(limit.TextOthersDay, s.person)
		if s.purpose == phone.ForRecovery {
			add(limit.TextOthersProof, s.person)
		}
	}
	if client.Address != "" {
		add(limit.TextAddress, client.Address)
	}
	return spent
}

// textFault is what a wrong guess at a text message code gets, when it neither
// counts as a try nor is right.
func textFault(answer phone.Answer) *fault.Fault {
	switch answer {
	case phone.Older:
		return fault.New(fault.Invalid, "text-code.older").On("code")
	case phone.GuessedOut:
		return fault.New(fault.Invalid, "text-code.guessed-out").On("code")
	}
	return fault.New(fault.Invalid, "text-code.wrong").On("code")
}

// guessed counts a wrong guess on the code and words it.
func guessed(code *phone.TextCode) *fault.Fault {
	code.Guesses++
	if code.GuessesLeft() == 0 {
		return textFault(phone.GuessedOut)
	}
	f := textFault(phone.Wrong)
	if left := code.GuessesLeft(); left <= 3 {
		f.TriesLeft(left)
	}
	return f
}

// Delivery is what is known of a code by its texts; nil when nothing is.
func (m *Machine) Delivery(ctx context.Context, code phone.TextCode) (*message.Message, error) {
	if code.Message == "" {
		return nil, nil
	}
	sends, err := m.Attempts.Sends(ctx, code.ID)
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	return message.Best(sends), nil
}
