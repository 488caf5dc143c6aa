package grant

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"sallyport/core/app"
	"sallyport/core/session"
)

// Request is what a client asks for, as it travels with the browser until there is
// an answer: nothing of it is stored, so that strangers fill no table.
type Request struct {
	Client    string
	Redirect  string
	State     string   `json:",omitempty"`
	Nonce     string   `json:",omitempty"`
	Challenge string   `json:",omitempty"`
	Scopes    []string `json:",omitempty"`
	Prompt    []string `json:",omitempty"`
	MaxAge    *int64   `json:",omitempty"` // seconds
	Classes   []string `json:",omitempty"` // acr_values, or those of the claims parameter
	Essential bool     `json:",omitempty"` // one of Classes, or an error
	Subject   string   `json:",omitempty"` // whom an id_token_hint or a claim names
	Login     string   `json:",omitempty"` // login_hint: fills the name in
	Post      bool     `json:",omitempty"` // response_mode=form_post
	At        int64    // milliseconds
}

// RequestLife is how long a request can be answered.
const RequestLife = time.Hour

func (r Request) prompts(p string) bool { return slices.Contains(r.Prompt, p) }

// Quiet says that no page may be shown.
func (r Request) Quiet() bool { return r.prompts("none") }

// Step is what stands between a request and its code.
type Step int

// The steps. The zero Step refuses.
const (
	Refuse  Step = iota
	SignIn       // nobody is signed in
	Again        // the password again: it is all that the session showed
	Confirm      // both factors again
	SetUp        // a second factor, which the session never showed
	Other        // somebody else is signed in than the client means
	Unmet        // an essential class that nobody can reach
	Forbid       // not for this person
	Ask          // for consent
	Enter        // here is the code
)

// Asked is what a decision rests on besides the request.
type Asked struct {
	Signed     bool
	Person     string
	Who        app.Standing
	PasswordAt time.Time
	Verdict    app.Answer
	Agreed     []string // the scopes that the person has agreed to before
	Consent    bool     // it was given for all that is asked, or is not needed
	Answered   bool     // the person has just said yes on the consent page
	Now        time.Time
}

// AuthAt is when what a session shows was last shown.
func (a Asked) AuthAt() time.Time {
	if a.Who.Level == session.Two {
		return a.Who.BothAt
	}
	return a.PasswordAt
}

// Next says what stands between a request and its code. It is the whole of it: what
// it does not know it refuses.
func Next(r Request, a Asked) Step {
	two := a.Who.Level == session.Two
	switch {
	case !a.Signed || a.Verdict == app.SignIn:
		return SignIn
	case r.Subject != "" && r.Subject != a.Person:
		return Other
	case a.Verdict == app.Forbid:
		return Forbid
	case a.Verdict != app.Allow && a.Verdict != app.Confirm && a.Verdict != app.SetUp:
		return Refuse
	case r.Essential && !slices.ContainsFunc(r.Classes, known):
		return Unmet
	case a.Verdict == app.SetUp, !two && r.wantsTwo():
		return SetUp
	case r.stale(a) && two, a.Verdict == app.Confirm:
		return Confirm
	case r.stale(a):
		return Again
	case !a.Answered && (!a.Consent || r.prompts("consent") || r.prompts("select_account")):
		return Ask
	}
	return Enter
}

func known(class string) bool { return class == ClassOne || class == ClassTwo }

// wantsTwo: a voluntary wish for the higher class is granted where it can be; where
// no page may be shown it is let go.
func (r Request) wantsTwo() bool {
	at := slices.IndexFunc(r.Classes, known)
	if at < 0 || r.Classes[at] != ClassTwo {
		return false
	}
	if r.Essential {
		return !slices.Contains(r.Classes, ClassOne)
	}
	return !r.Quiet()
}

// stale says whether what was shown is older than the client lets it be. What was
// shown after the request was made is always good, or max_age=0 could not be met.
func (r Request) stale(a Asked) bool {
	at, asked := a.AuthAt(), time.UnixMilli(r.At)
	switch {
	case !at.Before(asked):
		return false
	case r.prompts("login"):
		return true
	}
	return r.MaxAge != nil && a.Now.Sub(at) > time.Duration(min(*r.MaxAge, 1<<31))*time.Second
}

// Class is the acr of an answer: the class that the session met, or the lower one
// where that is all the client takes.
func (r Request) Class(level session.Level) string {
	if level != session.Two || r.Essential && !slices.Contains(r.Classes, ClassTwo) {
		return ClassOne
	}
	return ClassTwo
}

// Redirects says whether an address is one of a client's, letter by letter; for one
// on people's own machines the port of loopback is free (RFC 8252 7.3).
func Redirects(c *app.Client, address string) bool {
	if c == nil || address == "" {
		return false
	}
	return listed(c, c.Redirects, address)
}

// AfterSignOut is the same for where a client wants people after signing out.
func AfterSignOut(c *app.Client, address string) bool {
	return c != nil && address != "" && listed(c, c.AfterSignOut, address)
}

func listed(c *app.Client, list []string, address string) bool {
	if slices.Contains(list, address) {
		return true
	}
	if !c.Native {
		return false
	}
	bare, ok := portless(address)
	return ok && slices.ContainsFunc(list, func(own string) bool {
		other, ok := portless(own)
		return ok && other == bare
	})
}

// portless is an address on loopback without its port.
func portless(address string) (string, bool) {
	rest, ok := strings.CutPrefix(address, "http://")
	if !ok || strings.ContainsAny(address, "#\\ ") {
		return "", false
	}
	for _, host := range []string{"127.0.0.1", "[::1]", "localhost"} {
		tail, ok := strings.CutPrefix(rest, host)
		if !ok {
			continue
		}
		end := strings.IndexAny(tail, "/?")
		if end < 0 {
			end = len(tail)
		}
		port := tail[:end]
		if port != "" && (len(port) < 2 || len(port) > 6 || port[0] != ':' || strings.Trim(port[1:], "0123456789") != "") {
			return "", false
		}
		return host + tail[end:], true
	}
	return "", false
}

// Assured says whether what comes to a redirect address surely comes to the client:
// it proves itself, or the address is its own. What listens on loopback is anybody's.
func Assured(c *app.Client, redirect string) bool {
	if c.Auth != app.AuthNone {
		return true
	}
	u, err := url.Parse(redirect)
	return err == nil && u.Scheme == "https"
}

// Verifier says whether the verifier of RFC 7636 4.1 is one.
func Verifier(text string) bool {
	return len(text) >= 43 && len(text) <= 128 && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._~", r)
	})
}

// Challenge says whether a challenge is one that S256 makes.
func Challenge(text string) bool {
	return len(text) == 43 && Verifier(text) && !strings.ContainsAny(text, ".~")
}
