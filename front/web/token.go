package web

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// FormLife is how long a form can be sent after it was drawn.
const FormLife = 12 * time.Hour

// Form is what a form's token says: which form it is, when it was drawn, and the
// address to return to. The token is bound to the csrf cookie that it comes with.
type Form struct {
	ID       string
	At       time.Time
	ReturnTo string
}

// Owned says whether the form was drawn for an account.
func (f Form) Owned() bool { return strings.HasPrefix(f.ReturnTo, ownerMark) }

// FormFault is what is wrong with a form's token.
type FormFault int

// The faults.
const (
	FormGood FormFault = iota
	FormNoCookie
	FormForged
	FormStale
)

// CookieName is the name of one of our cookies: where the portal is on https it
// can neither be set by another host nor be sent in clear.
func (k *Kit) CookieName(name string) string {
	if k.Site.HTTPS {
		return "__Host-" + name
	}
	return name
}

// Cookie returns the value of one of our cookies, or "".
func (k *Kit) Cookie(r *http.Request, name string) string {
	if c, err := r.Cookie(k.CookieName(name)); err == nil && len(c.Value) <= 128 {
		return c.Value
	}
	return ""
}

// SetCookie sets one of our cookies; life zero ends with the browser's run, a
// negative one removes it.
func (k *Kit) SetCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	c := &http.Cookie{Name: k.CookieName(name), Value: value, Path: "/", HttpOnly: true, Secure: k.Site.HTTPS, SameSite: http.SameSiteLaxMode}
	if life != 0 {
		c.MaxAge = int(life.Seconds())
	}
	http.SetCookie(w, c)
}

// browser returns the csrf cookie of a request, or "" when there is none that
// this installation made.
func (k *Kit) browser(r *http.Request) string {
	value := k.Cookie(r, "csrf")
	name, mac, ok := strings.Cut(value, ".")
	if !ok || subtle.ConstantTimeCompare([]byte(mac), []byte(k.mac("csrf", name))) != 1 {
		return ""
	}
	return value
}

// Token makes the token of a form in an answer, and with it the csrf cookie where
// the browser has none. Each answer's token is another, so that its length and
// bytes tell nothing when the page is compressed.
func (k *Kit) Token(w http.ResponseWriter, r *http.Request, returnTo string) (token, id string) {
	browser := k.browser(r)
	if browser == "" {
		name := rand.Text()
		browser = name + "." + k.mac("csrf", name)
		k.SetCookie(w, "csrf", browser, 0)
		r.AddCookie(&http.Cookie{Name: k.CookieName("csrf"), Value: browser}) // for a second form of this answer
	}
	id = rand.Text()
	at := strconv.FormatInt(k.Now().Unix(), 36)
	back := base64.RawURLEncoding.EncodeToString([]byte(returnTo))
	return strings.Join([]string{id, at, back, k.mac("form", browser, id, at, back)}, "."), id
}

// ReadToken checks the token of a posted form.
func (k *Kit) ReadToken(r *http.Request) (Form, FormFault) {
	browser := k.browser(r)
	if browser == "" {
		return Form{}, FormNoCookie
	}
	parts := strings.Split(r.PostFormValue("token"), ".")
	if len(parts) != 4 || subtle.ConstantTimeCompare([]byte(parts[3]), []byte(k.mac("form", browser, parts[0], parts[1], parts[2]))) != 1 {
		return Form{}, FormForged
	}
	at, err := strconv.ParseInt(parts[1], 36, 64)
	back, err2 := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || err2 != nil {
		return Form{}, FormForged
	}
	form := Form{ID: parts[0], At: time.Unix(at, 0), ReturnTo: string(back)}
	if age := k.Now().Sub(form.At); age > FormLife || age < -FormLife {
		return form, FormStale
	}
	return form, FormGood
}

// ownerMark stands before the mark of an account in the token of a form that changes it.
const ownerMark = "account:"

// owned is what the token of a form says instead of an address, that was drawn for an account.
func (k *Kit) owned(person string) string {
	if person == "" {
		return ""
	}
	return ownerMark + k.mac("owner", person)
}

// For says whether a form may change an account: it was drawn for that, or for none. Somebody
// else may have signed in since, in another tab of the browser.
func (k *Kit) For(form Form, person string) bool {
	return !form.Owned() || form.ReturnTo == k.owned(person)
}

func (k *Kit) mac(purpose string, parts ...string) string {
	raw := make([][]byte, len(parts))
	for i, p := range parts {
		raw[i] = []byte(p)
	}
	return base64.RawURLEncoding.EncodeToString(k.Secrets.MAC("web/"+purpose, raw...))
}

// Browser is the csrf cookie that the request came with; it names the browser
// before anything is proved.
func (k *Kit) Browser(r *http.Request) string { return k.browser(r) }
