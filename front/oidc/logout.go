package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	protocol "github.com/zitadel/oidc/v3/pkg/oidc"

	"sallyport/core/app"
	"sallyport/core/fault"
	"sallyport/core/grant"
	"sallyport/front/web"
)

const leaveAt = "/oidc/sign-out"

// hinted is what an ID token says that comes back to us.
type hinted struct {
	Issuer   string            `json:"iss"`
	Subject  string            `json:"sub"`
	Audience protocol.Audience `json:"aud"`
	Party    string            `json:"azp"`
	Session  string            `json:"sid"`
	Hash     string            `json:"at_hash"`
}

// hint reads an ID token of ours, an old one too: by then it mostly is. What else we
// sign is none.
func (p *Provider) hint(ctx context.Context, text string) (h hinted, err error) {
	token, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA})
	if err != nil || len(token.Signatures) != 1 {
		return h, errors.New("no token of ours")
	}
	all, err := p.Signer.Published(ctx)
	if err != nil {
		return h, err
	}
	head := token.Signatures[0].Protected
	if head.ExtraHeaders[jose.HeaderType] != grant.TypeID {
		return h, errors.New("another sort of token")
	}
	at := slices.IndexFunc(all, func(k grant.Signing) bool { return k.KID == head.KeyID && k.Algorithm == head.Algorithm })
	if at < 0 {
		return h, errors.New("no key of ours")
	}
	body, err := token.Verify(all[at].Signer.Public())
	if err != nil {
		return h, err
	}
	if err := json.Unmarshal(body, &h); err != nil {
		return h, err
	}
	if h.Issuer != p.Site.BaseURL || h.Party == "" || h.Hash == "" || h.Subject == "" {
		return h, errors.New("no ID token of ours")
	}
	return h, nil
}

// leaving is what a client asks for that wants a person signed out.
type leaving struct {
	app   *app.App
	to    string // where to go after it; "" is a page of ours
	state string
}

func (l leaving) address() string {
	if l.to == "" {
		return "/signed-out"
	}
	if l.state == "" {
		return l.to
	}
	join := "?"
	if strings.Contains(l.to, "?") {
		join = "&"
	}
	return l.to + join + url.Values{"state": {l.state}}.Encode()
}

// read looks at the client and where it wants people to go; only what is registered,
// letter by letter.
func (p *Provider) readLeaving(id, to, state string) (l leaving, err error) {
	if id != "" {
		if l.app = p.Grants.Client(id); l.app == nil {
			return l, fault.New(fault.Denied, "oidc.unknown-app")
		}
	}
	if to == "" {
		return l, nil
	}
	if l.app == nil || !grant.AfterSignOut(l.app.Client, to) {
		return l, fault.New(fault.Denied, "oidc.redirect-out")
	}
	l.to, l.state = to, state
	return l, nil
}

// endSession signs a person out because an app asks for it. Only who shows an ID token
// of this very session is believed; else the person is asked, for any site can send
// a browser here.
func (p *Provider) endSession(w http.ResponseWriter, r *http.Request) error {
	if !p.Home(r) {
		return web.StatusError(http.StatusNotFound)
	}
	if r.Method == http.MethodPost { // from another site without our cookies: see authorizePosted
		if err := web.ReadForm(w, r); err != nil {
			return err
		}
		query := r.PostForm.Encode()
		if len(query) > 2*requestMax {
			return fault.New(fault.Denied, "oidc.broken")
		}
		return web.Redirect(w, r, EndSession+"?"+query)
	}
	q := r.URL.Query()
	id, text := q.Get("client_id"), q.Get("id_token_hint")
	var h hinted
	if text != "" {
		var err error
		if h, err = p.hint(r.Context(), text); err != nil || id != "" && id != h.Party {
			return fault.New(fault.Denied, "oidc.broken")
		}
		id = h.Party
	}
	l, err := p.readLeaving(id, q.Get("post_logout_redirect_uri"), q.Get("state"))
	if err != nil {
		return err
	}
	s, err := p.Flow.Signed(r.Context(), p.Cookie(r, "session"))
	switch {
	case err != nil:
		return err
	case s == nil || s.Over != "":
		return web.Redirect(w, r, l.address())
	case r.Method != http.MethodHead && h.Session != "" && h.Subject == s.Person.ID && h.Session == p.Grants.Sid(s.Session.Family, id):
		return p.signOut(w, r, l)
	}
	action := url.Values{}
	if l.to != "" {
		action = url.Values{"client_id": {l.app.ID}, "post_logout_redirect_uri": {l.to}, "state": {l.state}}
		web.Returning(r, EndSession+"?"+action.Encode())
	}
	return p.Page(w, r, http.StatusOK, p.Pages.SignOut(leaveAt+"?"+action.Encode()))
}

// leave is the person's yes.
func (p *Provider) leave(w http.ResponseWriter, r *http.Request) error {
	if _, err := p.posted(r); err != nil {
		return err
	}
	q := r.URL.Query()
	l, err := p.readLeaving(q.Get("client_id"), q.Get("post_logout_redirect_uri"), q.Get("state"))
	if err != nil {
		return err
	}
	return p.signOut(w, r, l)
}

func (p *Provider) signOut(w http.ResponseWriter, r *http.Request, l leaving) error {
	by := p.Client(r)
	if err := p.Flow.SignOut(r.Context(), p.Cookie(r, "session"), false, by); err != nil {
		return err
	}
	if err := p.Flow.Leave(r.Context(), p.Cookie(r, "attempt"), by); err != nil {
		return err
	}
	p.SetCookie(w, "session", "", -time.Second)
	p.SetCookie(w, "attempt", "", -time.Second)
	if p.Ended != nil {
		p.Ended(w, r)
	}
	w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	return web.Redirect(w, r, l.address())
}
