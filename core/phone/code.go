package phone

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// The life of a text message code.
const (
	CodeLife   = 10 * time.Minute
	GuessesMax = 5
	// ExpiredFor is how long an expired code is recognised, so that its owner
	// is told so and gets a new one.
	ExpiredFor = time.Hour
)

// Purpose is what a code is for; a code for one thing is nothing for another.
type Purpose string

// The purposes.
const (
	ForSetup    Purpose = "set-up"
	ForRecovery Purpose = "recovery"
	ForChange   Purpose = "change"
)

// TextCode is a code that was sent to a number: bound to one attempt or session
// (Owner), one purpose and one number. The zero TextCode is none.
type TextCode struct {
	ID      string    `json:",omitempty"` // its name in the log of texts
	Digits  string    `json:",omitempty"`
	Purpose Purpose   `json:",omitempty"`
	Number  string    `json:",omitempty"`
	Owner   string    `json:",omitempty"`
	FirstAt time.Time `json:",omitzero"`
	SentAt  time.Time `json:",omitzero"`  // the last send
	Sends   int       `json:",omitempty"` // to the number, up to and with it
	Guesses int       `json:",omitempty"`
	TakenAt time.Time `json:",omitzero"`  // it was entered and was right
	Old     []string  `json:",omitempty"` // codes that this one replaced
	Message string    `json:",omitempty"` // the newest message, to ask what became of it
	Address string    `json:",omitempty"` // the key of the address's budget, given back when it is entered
	Asked   int       `json:",omitempty"` // how many of its texts were asked for from there
}

// NewTextCode makes a code of six digits, evenly spread, zeros kept.
func NewTextCode(purpose Purpose, number, owner string, now time.Time, before TextCode) TextCode {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	c := TextCode{ID: rand.Text(), Digits: fmt.Sprintf("%06d", n), Purpose: purpose, Number: number, Owner: owner, FirstAt: now}
	if before.Digits != "" && before.Owner == owner {
		c.Old = append(slices.Clone(before.Old), before.Digits)
		c.Old = c.Old[max(0, len(c.Old)-5):]
	}
	return c
}

// Alive says whether the code can still be entered.
func (c TextCode) Alive(now time.Time) bool {
	return c.Digits != "" && c.TakenAt.IsZero() && c.Guesses < GuessesMax && now.Before(c.FirstAt.Add(CodeLife))
}

// For says whether the code belongs to this owner, purpose and number.
func (c TextCode) For(purpose Purpose, number, owner string) bool {
	return c.Digits != "" && c.Purpose == purpose && c.Number == number && c.Owner == owner
}

// Answer is what a guess at a text message code was.
type Answer int

// The answers.
const (
	Wrong Answer = iota
	Right
	Again      // it was right before, in the same attempt
	Expired    // right, but too late: whoever typed it holds the phone
	Older      // a code that this one replaced
	GuessedOut // the code has been guessed at five times
)

// Judge says what a guess is. It changes nothing: a wrong one is to be counted.
func (c TextCode) Judge(entered string, now time.Time) Answer {
	right := subtle.ConstantTimeCompare([]byte(c.Digits), []byte(entered)) == 1 && c.Digits != ""
	older := false
	for _, old := range c.Old {
		older = subtle.ConstantTimeCompare([]byte(old), []byte(entered)) == 1 || older
	}
	switch {
	case right && !c.TakenAt.IsZero():
		return Again
	case c.Guesses >= GuessesMax:
		return GuessedOut
	case right && now.Before(c.FirstAt.Add(CodeLife)):
		return Right
	case right && now.Before(c.FirstAt.Add(CodeLife+ExpiredFor)):
		return Expired
	case older:
		return Older
	}
	return Wrong
}

// GuessesLeft is how many guesses the code still has.
func (c TextCode) GuessesLeft() int { return max(0, GuessesMax-c.Guesses) }
