// Package tally is what there is to count of tries, for those who watch the
// portal: what was asked and what came of it, and which budgets were used up. It
// hears neither whose try it was nor from where.
package tally

import (
	"context"
	"errors"

	"sallyport/core/fault"
)

// Counter counts. It must not wait.
type Counter interface {
	// Tried counts one try by what was asked and what came of it.
	Tried(at Try, came Outcome)
	// Limited counts what was refused because a budget is used up.
	Limited(budget string)
}

// Try is what a try answers.
type Try string

// The tries.
const (
	Password  Try = "password"
	App       Try = "app-code"
	Text      Try = "text"          // the code of a recovery by text message
	Recovery  Try = "recovery-code" // in the place of an app code
	SetupCode Try = "setup-code"
	Number    Try = "number"  // the code that proves a number
	NewApp    Try = "new-app" // the code that switches an app on
	Confirm   Try = "confirm" // password and code of somebody who is signed in
)

// Tries are all of them.
var Tries = []Try{Password, App, Text, Recovery, SetupCode, Number, NewApp, Confirm}

// Outcome is what came of a try.
type Outcome string

// The outcomes.
const (
	Right   Outcome = "right"
	Wrong   Outcome = "wrong"   // it cost a try
	Free    Outcome = "free"    // empty, no code at all, expired: it cost nothing
	Limited Outcome = "limited" // a wait is on: it was not looked at
	Busy    Outcome = "busy"    // no place in the hashing queue came free
	Stopped Outcome = "stopped" // right, but nothing may follow: on hold, turned off, lane closed
	Undue   Outcome = "undue"   // nobody asked: the attempt is over, or at another step
	Gone    Outcome = "gone"    // the browser went away before the answer
	Failed  Outcome = "failed"  // at our end
)

// Outcomes are all of them.
var Outcomes = []Outcome{Right, Wrong, Free, Limited, Busy, Stopped, Undue, Gone, Failed}

// Of reads the answer to a try. The one that begins a wait was still a wrong one.
func Of(err error) Outcome {
	f := fault.Of(err)
	switch {
	case err == nil:
		return Right
	case f == nil && errors.Is(err, context.Canceled):
		return Gone
	case f == nil:
		return Failed
	case f.Missed:
		return Wrong
	}
	switch f.Kind {
	case fault.Invalid:
		return Free
	case fault.TooMany:
		return Limited
	case fault.Busy:
		return Busy
	case fault.Outage:
		return Failed
	}
	return Undue
}
