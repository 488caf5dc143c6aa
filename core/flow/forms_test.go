package flow_test

import (
	"context"
	"fmt"
	"time"

	"sallyport/core/factor"
	"sallyport/core/flow"
)

// What follows are the forms of the portal: each sends itself from the browser of
// the moment, and writes down what came of it.

func (h *house) appCode(code string) (flow.Result, error) {
	return h.post("app code", func(p flow.Post) (flow.Result, error) { return h.m.SubmitFactor(h.Context(), p, code, h.b.Client) })
}

func (h *house) install() (flow.Result, error) {
	return h.post("install", func(p flow.Post) (flow.Result, error) { return h.m.Install(h.Context(), p, h.b.Client) })
}

func (h *house) typeNumber(number string) (flow.Result, error) {
	return h.post("number "+number, func(p flow.Post) (flow.Result, error) {
		return h.m.Number(h.Context(), p, number, "US", h.b.Client)
	})
}

func (h *house) ownNumber() (flow.Result, error) {
	return h.post("own number", func(p flow.Post) (flow.Result, error) { return h.m.OwnNumber(h.Context(), p, h.b.Client) })
}

func (h *house) sameNumber() (flow.Result, error) {
	return h.post("same number", func(p flow.Post) (flow.Result, error) { return h.m.SameNumber(h.Context(), p, h.b.Client) })
}

func (h *house) sendAgain() (flow.Result, error) {
	return h.post("send again", func(p flow.Post) (flow.Result, error) { return h.m.SendAgain(h.Context(), p, h.b.Client) })
}

func (h *house) textCode(code string) (flow.Result, error) {
	return h.post("text code", func(p flow.Post) (flow.Result, error) { return h.m.TextCode(h.Context(), p, code, h.b.Client) })
}

// secret finds the recovery codes hashed, unless hashing is what it is about: ten
// hashes at the least cost that there is take longer than all the rest.
func (h *house) secret() (flow.Result, error) {
	if s := h.under().Setup; !h.hashes && s != nil {
		set := listed()
		h.quietly(flow.CodesPrepared{ID: s.ID, Codes: flow.Prepared{Codes: make([]string, factor.CodesPerSet), Set: &set}})
	}
	return h.post("secret", func(p flow.Post) (flow.Result, error) {
		_, err := h.m.Secret(h.Context(), p, h.b.Client)
		return flow.Result{}, err
	})
}

func (h *house) newSecret() (flow.Result, error) {
	return h.post("new secret", func(p flow.Post) (flow.Result, error) { return h.m.NewSecret(h.Context(), p, h.b.Client) })
}

func (h *house) scanned() (flow.Result, error) {
	return h.post("scanned", func(p flow.Post) (flow.Result, error) { return h.m.Scanned(h.Context(), p, h.b.Client) })
}

func (h *house) newFactor(code string) (flow.Result, error) {
	return h.post("new app's code", func(p flow.Post) (flow.Result, error) { return h.m.NewFactor(h.Context(), p, code, h.b.Client) })
}

func (h *house) startAgain() (flow.Result, error) {
	return h.post("start again", func(p flow.Post) (flow.Result, error) { return h.m.StartAgain(h.Context(), p, h.b.Client) })
}

func (h *house) notNow() (flow.Result, error) {
	return h.post("not now", func(p flow.Post) (flow.Result, error) { return h.m.NotNow(h.Context(), p, h.b.Client) })
}

func (h *house) askText() (flow.Result, error) {
	return h.post("ask for a text", func(p flow.Post) (flow.Result, error) { return h.m.AskText(h.Context(), p, h.b.Client) })
}

func (h *house) textProof(code string) (flow.Result, error) {
	return h.post("recovery text", func(p flow.Post) (flow.Result, error) { return h.m.TextProof(h.Context(), p, code, h.b.Client) })
}

func (h *house) codeProof(code string) (flow.Result, error) {
	return h.post("recovery code", func(p flow.Post) (flow.Result, error) { return h.m.CodeProof(h.Context(), p, code, h.b.Client) })
}

func (h *house) stillHave(answer string) (flow.Result, error) {
	return h.post("still have: "+answer, func(p flow.Post) (flow.Result, error) { return h.m.StillHave(h.Context(), p, answer, h.b.Client) })
}

func (h *house) setupCode(code string) (flow.Result, error) {
	return h.post("setup code", func(p flow.Post) (flow.Result, error) { return h.m.SetupCodeProof(h.Context(), p, code, h.b.Client) })
}

func (h *house) mustChange(entered string) (flow.Result, error) {
	return h.post("new password", func(p flow.Post) (flow.Result, error) { return h.m.MustChange(h.Context(), p, entered, h.b.Client) })
}

func (h *house) accept(token, entered string) (flow.Result, error) {
	return h.post("accept the invitation", func(p flow.Post) (flow.Result, error) {
		return h.m.AcceptInvitation(h.Context(), token, entered, p, h.b.Client)
	})
}

// inSession is a form of somebody who is signed in.
func (h *house) inSession(what string, send func(ctx context.Context, token string) (flow.Result, error)) (flow.Result, error) {
	h.Helper()
	r, err := h.do(what, func() (flow.Result, error) { return send(h.Context(), h.b.Session) })
	h.b.take(r)
	return r, err
}

func (h *house) confirm(in flow.Confirmation) (flow.Result, error) {
	if in.Form == "" {
		in.Form = h.b.form()
	}
	return h.inSession("confirm", func(ctx context.Context, token string) (flow.Result, error) {
		return h.m.Confirm(ctx, token, in, h.b.Client)
	})
}

func (h *house) changeNumber(number string) (flow.Result, error) {
	return h.inSession("change the number to "+number, func(ctx context.Context, token string) (flow.Result, error) {
		return h.m.ChangeNumber(ctx, token, number, "US", h.b.Client)
	})
}

func (h *house) changeAgain() (flow.Result, error) {
	return h.inSession("send the code again", func(ctx context.Context, token string) (flow.Result, error) {
		return h.m.ChangeNumberAgain(ctx, token, h.b.Client)
	})
}

func (h *house) changeCode(code string) (flow.Result, error) {
	return h.inSession("code of the new number", func(ctx context.Context, token string) (flow.Result, error) {
		return h.m.ChangeNumberCode(ctx, token, code, h.b.Client)
	})
}

func (h *house) newApp(replaces string, again bool) (flow.Result, error) {
	return h.inSession(fmt.Sprintf("new app for %q, again %t", replaces, again), func(ctx context.Context, token string) (flow.Result, error) {
		_, err := h.m.NewApp(ctx, token, replaces, again, h.b.Client)
		return flow.Result{}, err
	})
}

func (h *house) newAppScanned() (flow.Result, error) {
	return h.inSession("scanned", func(ctx context.Context, token string) (flow.Result, error) {
		return h.m.NewAppScanned(ctx, token, h.b.Client)
	})
}

func (h *house) newAppCode(code string) (flow.Result, error) {
	return h.inSession("code of the new app", func(ctx context.Context, token string) (flow.Result, error) {
		return h.m.NewAppCode(ctx, token, code, h.b.Client)
	})
}

func (h *house) newCodes() (flow.Result, error) {
	return h.inSession("new codes", func(ctx context.Context, token string) (flow.Result, error) {
		return h.m.NewCodes(ctx, token, h.b.Client)
	})
}

func (h *house) finishCodes(saved bool) (flow.Result, error) {
	return h.inSession(fmt.Sprintf("saved %t", saved), func(ctx context.Context, token string) (flow.Result, error) {
		return h.m.FinishCodes(ctx, token, saved, h.b.Client)
	})
}

func (h *house) changePassword(in flow.NewPassword) (flow.Result, error) {
	if in.Form == "" {
		in.Form = h.b.form()
	}
	return h.inSession("change the password", func(ctx context.Context, token string) (flow.Result, error) {
		return h.m.ChangePassword(ctx, token, in, h.b.Client)
	})
}

func (h *house) signOut(forget bool) (flow.Result, error) {
	return h.inSession("sign out", func(ctx context.Context, token string) (flow.Result, error) {
		return flow.Result{}, h.m.SignOut(ctx, token, forget, h.b.Client)
	})
}

func (h *house) leave() (flow.Result, error) {
	return h.inSession("leave", func(ctx context.Context, _ string) (flow.Result, error) {
		return flow.Result{}, h.m.Leave(ctx, h.b.attempt, h.b.Client)
	})
}

// signedIn is Ada, enrolled, in a session that is a moment old.
func (h *house) signedIn() {
	h.Helper()
	if len(h.factors()) == 0 {
		h.enrolled()
	}
	h.unseen(func() {
		h.signIn(password)
		h.appCode(h.code("phone"))
	})
	h.later(time.Minute)
}

// sent is the text message code of the set-up.
func (h *house) sent() string { return h.set().Data.Text.Digits }

// fresh is the code of the set-up's secret.
func (h *house) fresh() string { return codeOf(h.set().Data.Secret, h.now) }
