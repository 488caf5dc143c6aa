// Package flow is sign-in, set-up and recovery as one machine. It decides what
// is asked next and what an answer opens, and it is the only caller of
// session.Issue. It renders nothing and stores nothing: it reads what it needs,
// decides, and hands a change to the store.
//
//	[password] ── wrong ──► spend a try; the same answer for every name
//	    │ right: the attempt is stored now, not before
//	    ├─ held, turned off ─► that page, nothing else
//	    ├─ same cookie, idle, within its hours ─► Session (new name, old end)
//	    ├─ never had a factor ─► [offer] ► [install] ► [number] ► [text code] ► [secret] ► [new app's code] ─► Session
//	    ├─ has a working factor ─► [app code] ── right, step unspent ─► Session
//	    │        └─ cannot use it ─► [other proof]
//	    └─ had one, none works ───► [other proof]
//	              [recovery code] ─► still have the app? yes ─► Session
//	              │                        no ─► revoke, tell ─► [number] ► … [new app's code] ─► Session
//	              [text message]  ─► (delay? wait) ─► revoke, tell ─► … [new app's code] ─► Session
//	              [setup code]    ─► [offer] ► … ─► Session
//
// Of two decisions about the same thing one wins: each change carries, as a
// condition, what the decision rested on. The loser reads again and decides
// again, and then sees what the winner did.
package flow

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/fault"
	"sallyport/core/limit"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/policy"
	"sallyport/core/session"
	"sallyport/core/tally"
)

// Secrets are the keyed hashes of the installation.
type Secrets interface {
	// MAC is a keyed hash; parts are kept apart, so no two lists give the same.
	MAC(purpose string, parts ...[]byte) []byte
}

// Machine is the flow with what it needs from the world.
type Machine struct {
	People   People
	History  History
	Attempts Attempts
	Sessions Sessions
	Changes  Changes
	Secrets  Secrets
	Hasher   *person.Queue
	Params   person.Params
	Policy   policy.Policy
	Writer   message.Writer
	Numbers  phone.Rules
	Context  []string // words that make a password easy to guess: the portal's names
	AppName  string   // the name of the entry in an authenticator app
	Now      func() time.Time
	Tally    tally.Counter // or nil

	skew       factor.Skew
	background sync.WaitGroup
	preparing  sync.Map // the recovery codes being made, by set-up
}

// Client is the browser that asks.
type Client struct {
	Address string // as limits count it: IPv6 by /64; empty when it is not known
	Shown   string // as pages and the audit log show it
	Agent   string // browser and system in words
	Known   string // the cookies, as they came
	Setup   string
	Session string
	Request string
}

// Browser names browser, system and address, as messages do.
func (c Client) Browser() string {
	if c.Shown == "" {
		return c.Agent
	}
	return c.Agent + ", " + c.Shown
}

// Result is what a decision opened. Empty tokens mean: leave that cookie alone.
type Result struct {
	Step     Step
	Attempt  string // tokens for cookies
	Session  string
	Known    string
	Setup    string
	Finished bool // the attempt is over: its cookie goes
	Notice   string
	Args     []any
	ReturnTo string
	Level    session.Level
	Codes    bool // recovery codes wait with the session to be saved
}

// Times are the limits of sessions, from the policy.
func (m *Machine) Times() session.Times {
	return session.Times{Idle: m.Policy.Idle, Length: m.Policy.Length}
}

// Wait returns when the work begun in the background has ended.
func (m *Machine) Wait() { m.background.Wait() }

// HashToken is the kept form of a random name of 128 bits or more.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// derive makes a token from others, so that the same post gets the same cookie
// again without its being stored.
func (m *Machine) derive(purpose string, parts ...string) string {
	raw := make([][]byte, len(parts))
	for i, p := range parts {
		raw[i] = []byte(p)
	}
	return base64.RawURLEncoding.EncodeToString(m.Secrets.MAC(purpose, raw...))
}

// value is the keyed hash of what was entered in a form.
func (m *Machine) value(form, entered string) []byte {
	return m.Secrets.MAC("moved", []byte(form), []byte(entered))
}

// numberKey is how a number is named in limits. Those who have proved it are counted apart:
// whoever types a number must not use up its owners' way back.
func (m *Machine) numberKey(e164 string, proved bool) string {
	if proved {
		return m.derive("proved number", e164)
	}
	return m.derive("number", e164)
}

// tried counts what came of a try, and hands it on.
func (m *Machine) tried(at tally.Try) func(Result, error) (Result, error) {
	return func(result Result, err error) (Result, error) {
		came := tally.Of(err)
		if err == nil && (result.Step == Held || result.Step == TurnedOff || result.Step == LaneClosed) {
			came = tally.Stopped
		}
		if m.Tally != nil {
			m.Tally.Tried(at, came)
		}
		return result, err
	}
}

// Limited counts what was refused because a budget is used up.
func (m *Machine) Limited(budget string) {
	if m.Tally != nil {
		m.Tally.Limited(budget)
	}
}

const decisions = 100

// errOvertaken is what a decision returns that found out by itself that another
// has won.
var errOvertaken = errors.New("flow: overtaken")

// decide runs a decision until its change is applied. A decision that lost to
// another reads again: next time it sees what the other did.
func (m *Machine) decide(ctx context.Context, decision func() (change.Set, error)) error {
	var refused *change.Refused
	for range decisions {
		set, outcome := decision()
		if errors.Is(outcome, errOvertaken) {
			continue
		}
		if outcome != nil && fault.Of(outcome) == nil {
			return outcome
		}
		if len(set) == 0 {
			return outcome
		}
		message.Tie(set)
		err := m.Changes.Apply(ctx, set)
		if err == nil {
			return outcome
		}
		if !errors.As(err, &refused) {
			return err
		}
	}
	if refused == nil {
		return fmt.Errorf("decide: overtaken %d times", decisions)
	}
	return fmt.Errorf("decide: lost %d times, last to %T", decisions, refused.Effect)
}

// wait says how long the fullest of some budgets refuses what is asked.
func (m *Machine) wait(ctx context.Context, now time.Time, spent ...limit.Spent) (time.Duration, *limit.Spent, error) {
	keys := make([]string, len(spent))
	for i, s := range spent {
		keys[i] = s.Key
	}
	states, err := m.Changes.Limits(ctx, keys)
	if err != nil {
		return 0, nil, fmt.Errorf("read limits: %w", err)
	}
	var longest time.Duration
	var which *limit.Spent
	for i, s := range spent {
		if w := s.Budget.Wait(states[s.Key], now); w > longest {
			longest, which = w, &spent[i]
		}
	}
	if which != nil {
		m.Limited(which.Budget.Name)
	}
	return longest, which, nil
}
