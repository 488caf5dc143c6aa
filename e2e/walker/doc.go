// Package walker examines the program at random: several browsers of several actors
// do over HTTP whatever comes to mind, and a small model says after each answer
// whether it may have been given.
//
// The actors hold what thieves hold: names only; the password; the phone, with the
// texts and mails on it; both; apps that ended; stolen session cookies; stolen
// known-browser cookies with the password; stolen cookies of apps, and hand-overs on
// their way to them; a copy of the database without its key.
// The owners hold all of theirs, and use it. They go forward and back, reload, use
// a second tab, send a form several times at once, in several browsers at once, with
// another browser's token, without the pages before it; they make cookies up, change
// them and move them; the program is killed and stopped, and its clock moves.
//
// The model (model.go, judge.go) knows only what browsers were shown. After each step
// the account page is asked for with the cookies of whoever acted, and of everybody
// whose session has ended: whose it is, and at which level. Every answer is looked
// through for passwords, keys, codes, full numbers and other people's names. From
// time to time, and at the end, an honest owner signs in from wherever that has led
// (finish.go), with what they hold, and an operator helps only where the rules say
// that nothing else does.
//
// Steps are data. What is found is told with its seed and with as few steps as show
// it, found by leaving out others. Longer walks, with another seed:
//
//	go test ./walker -steps 1000000 -seed 7 -timeout 0
//
// The command mutants breaks the program on purpose and shows that the walk in CI
// finds it; docs/security/walker.md says after how many steps.
package walker
