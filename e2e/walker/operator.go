package walker

import (
	"bytes"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

func (w *World) restart(how string) {
	signal := syscall.SIGTERM
	if how == "kill" {
		signal = syscall.SIGKILL
	}
	w.Portal.End(signal)
	w.Portal.Start()
}

var setupCodeText = regexp.MustCompile(`(?m)^[0-9A-Z]{4}-[0-9A-Z]{4}$`)

// group is which group the board is for, and which everybody else is in.
func group(board bool) string {
	if board {
		return "board"
	}
	return "staff"
}

// operate is what an operator does by the command line.
func (w *World) operate(what string, p *Person) {
	if p == nil {
		return
	}
	m, now := w.Model, w.Portal.Now()
	checked := []string{"--checked", "in-person", "--note", "came to the desk"}
	all := func() { m.endSessions(p, nil, "operator"); m.endAttempts(p, nil) }
	switch what {
	case "reset", "reset keep":
		if p.Held {
			return
		}
		args := append([]string{"person", "reset-2fa", p.Name}, checked...)
		if what == "reset keep" {
			args = append(args, "--keep-phone")
		}
		m.StartAgain(p, setupCodeText.FindString(w.Portal.Run("", args...)), now, what == "reset keep")
	case "release":
		if !p.Held {
			return
		}
		out := w.Portal.Run("", append([]string{"person", "release", p.Name}, checked...)...)
		m.StartAgain(p, setupCodeText.FindString(out), now, true)
		w.link(out, p)
	case "invite":
		if !p.Held && !p.Disabled {
			w.link(w.Portal.Run("", "person", "invite", p.Name, "--no-mail"), p)
		}
	case "disable":
		w.Portal.Run("", "person", "disable", p.Name)
		p.Disabled = true
		all()
	case "group":
		p.Board = !p.Board
		w.Portal.Run("", "person", "set", p.Name, "--group", group(p.Board))
	case "enable":
		w.Portal.Run("", "person", "enable", p.Name)
		p.Disabled = false
	case "sign-out":
		w.Portal.Run("", "person", "sign-out", p.Name)
		all()
	case "new password":
		w.Portal.Run("", "person", "set", p.Name, "--ask-for-new-password")
		p.MustChange = true
		all()
	}
}

// copied looks for secrets in a copy of the database, and in the log.
func (w *World) copied() *Breach {
	raw, log := w.Portal.Database(), []byte(w.Portal.Log())
	look := func(what, secret string) *Breach {
		if secret != "" && (bytes.Contains(raw, []byte(secret)) || bytes.Contains(log, []byte(secret))) {
			return breach("a secret in the database or the log", "%s", what)
		}
		return nil
	}
	for _, b := range w.Browsers {
		for _, jar := range b.Sites {
			if found := look("the cookie of a door", jar[doorCookie]); found != nil {
				return found
			}
		}
		for _, name := range []string{"session", "attempt", "known", "setup"} {
			if found := look("a cookie "+name, b.Cookies[name]); found != nil {
				return found
			}
		}
	}
	for key := range w.Model.Keys {
		for _, form := range []string{key, string(decoded(key)), hex.EncodeToString(decoded(key))} {
			if found := look("the key of an app", form); found != nil {
				return found
			}
		}
	}
	for path := range w.Model.Links {
		if found := look("a link", path[strings.LastIndex(path, "/")+1:]); found != nil && strings.Count(path, "/") == 2 {
			return found
		}
	}
	for _, p := range w.Model.People {
		secrets := slices.Concat(p.Passwords, []string{p.SetupCode, letters(p.SetupCode), p.Number, strings.TrimPrefix(p.Number, "+")})
		for _, c := range p.Recovery {
			secrets = append(secrets, c.Code, letters(c.Code))
		}
		for _, s := range secrets {
			if found := look("a secret of "+p.Name, s); found != nil {
				return found
			}
		}
	}
	return nil
}
