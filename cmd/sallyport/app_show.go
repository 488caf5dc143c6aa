package main

import (
	"fmt"
	"strings"

	"sallyport/core/app"
	"sallyport/server"
)

// appRow is an app as commands print it, by the keys of the settings file: never a
// secret.
type appRow struct {
	ID        string     `json:"id"`
	Name      string     `json:"name,omitempty"`
	Addresses []string   `json:"addresses,omitempty"`
	Groups    []string   `json:"groups,omitempty"`
	Need      string     `json:"need,omitempty"`
	Rules     []ruleRow  `json:"rules,omitempty"`
	Tell      []app.Fact `json:"tell,omitempty"`
	Share     string     `json:"share,omitempty"`
	Token     bool       `json:"token,omitempty"`
	Client    *clientRow `json:"client,omitempty"`
	Declared  bool       `json:"declared"`
	LeftOut   []string   `json:"left_out,omitempty"`
}

type ruleRow struct {
	Paths   []string `json:"paths,omitempty"`
	Methods []string `json:"methods,omitempty"`
	Groups  []string `json:"groups,omitempty"`
	Need    string   `json:"need,omitempty"`
}

type clientRow struct {
	ID            string            `json:"client_id"`
	Redirects     []string          `json:"redirects"`
	AfterSignOut  []string          `json:"after_sign_out,omitempty"`
	BackChannel   string            `json:"back_channel,omitempty"`
	Auth          app.Auth          `json:"auth"`
	Keys          string            `json:"keys,omitempty"`
	Native        bool              `json:"native,omitempty"`
	WithoutPKCE   bool              `json:"without_pkce,omitempty"`
	Algorithm     string            `json:"algorithm"`
	Refresh       bool              `json:"refresh,omitempty"`
	NoConsent     bool              `json:"no_consent,omitempty"`
	AccessMinutes int               `json:"access_minutes"`
	Endpoints     map[string]string `json:"endpoints"`
}

func rowOf(c *server.Core, a *app.App) appRow {
	row := appRow{ID: a.ID, Name: a.Name, Addresses: a.Addresses, Groups: a.Groups, Need: a.Need.String(), Tell: a.Tell, Share: a.Share, Token: a.Token, Declared: a.Declared}
	for _, r := range a.Rules {
		row.Rules = append(row.Rules, ruleRow{r.Paths, r.Methods, r.Groups, r.Need.String()})
	}
	if o := a.Client; o != nil {
		row.Client = &clientRow{ID: a.ID, Redirects: o.Redirects, AfterSignOut: o.AfterSignOut, BackChannel: o.BackChannel, Auth: o.Auth, Keys: o.Keys, Native: o.Native, WithoutPKCE: o.WithoutPKCE,
			Algorithm: "RS256", Refresh: o.Refresh, NoConsent: o.NoConsent, AccessMinutes: int(o.AccessFor().Minutes()), Endpoints: map[string]string{}}
		if o.Algorithm != "" {
			row.Client.Algorithm = o.Algorithm
		}
		for _, e := range server.Endpoints(c.Config) {
			row.Client.Endpoints[e.Name] = e.Address
		}
	}
	return row
}

// AppList lists all apps.
type AppList struct{}

// Run lists apps by name, then those that are left out, with why.
func (AppList) Run(r *run) error {
	return r.guarded(func(c *server.Core) error {
		book, err := c.Apps.Fresh(r)
		if err != nil {
			return err
		}
		if !r.JSON {
			fmt.Fprintf(r.out, "%-16s %-16s %-20s %-8s %s\n", "ID", "NEED", "GROUPS", "SET BY", "WHERE")
		}
		for _, a := range book.All() {
			by, where := "command", strings.Join(a.Addresses, " ")
			if a.Declared {
				by = "file"
			}
			if a.Client != nil {
				where = strings.TrimSpace(where + " OpenID Connect")
			}
			switch n := len(a.Rules); {
			case n == 1:
				where += " (1 rule)"
			case n > 1:
				where += fmt.Sprintf(" (%d rules)", n)
			}
			if err := r.say(rowOf(c, &a), "%-16s %-16s %-20s %-8s %s\n", a.ID, a.Need, strings.Join(a.Groups, ","), by, where); err != nil {
				return err
			}
		}
		for _, left := range book.Left() {
			row := appRow{ID: left.App.ID}
			for _, why := range left.Why {
				row.LeftOut = append(row.LeftOut, why.Error())
			}
			if err := r.say(row, "%-16s left out: nobody enters\n%-16s %s\n", left.App.ID, "", strings.Join(row.LeftOut, fmt.Sprintf("\n%-16s ", ""))); err != nil {
				return err
			}
		}
		return nil
	})
}

// AppShow shows one app.
type AppShow struct {
	ID string `arg:"" help:"The id."`
}

// Run prints all that is known, but for the secret.
func (f AppShow) Run(r *run) error {
	return r.guarded(func(c *server.Core) error {
		a, err := c.Manage.Guarded(r, f.ID)
		if err != nil {
			return err
		}
		row := rowOf(c, a)
		if r.JSON {
			return r.say(row, "")
		}
		yes := func(name string, value bool) {
			if value {
				r.line(name, "yes")
			}
		}
		each := func(name string, values []string) {
			for _, v := range values {
				r.line(name, v)
			}
		}
		r.line("id", a.ID)
		r.line("name", a.Name)
		each("address", a.Addresses)
		r.line("groups", strings.Join(a.Groups, ", "))
		r.line("need", a.Need.String())
		for i, rule := range a.Rules {
			r.line(fmt.Sprintf("rule %d", i+1), rule.String())
		}
		r.line("told", strings.Join(append([]string{"username"}, texts(a.Tell)...), ", "))
		r.line("share", a.Share)
		yes("token", a.Token)
		if a.Declared {
			r.line("set by", "the settings file")
		} else {
			r.line("set by", "command")
		}
		if o := row.Client; o != nil {
			r.line("client id", o.ID)
			each("redirect", o.Redirects)
			each("after sign-out", o.AfterSignOut)
			r.line("back channel", o.BackChannel)
			r.line("auth", string(o.Auth))
			yes("native", o.Native)
			yes("without PKCE", o.WithoutPKCE)
			r.line("algorithm", o.Algorithm)
			yes("refresh", o.Refresh)
			yes("no consent", o.NoConsent)
			r.line("access tokens", fmt.Sprintf("%d minutes", o.AccessMinutes))
			for _, e := range server.Endpoints(c.Config) {
				r.line(e.Name, e.Address)
			}
		}
		return nil
	})
}

func texts(facts []app.Fact) (all []string) {
	for _, f := range facts {
		all = append(all, string(f))
	}
	return all
}
