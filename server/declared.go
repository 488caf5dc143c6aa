package server

import (
	"cmp"

	"sallyport/config"
	"sallyport/core/app"
)

// declared are the apps of the settings file. What cannot be read passes on as it is
// written, for Check to refuse.
func declared(c *config.Config) (all []app.App) {
	for _, a := range c.Apps {
		one := app.App{
			ID: a.ID, Name: cmp.Or(a.Name, a.ID), Addresses: a.Addresses, Share: a.Share, Token: a.Token,
			Access: app.Access{Groups: a.Groups, Need: need(cmp.Or(a.Need, string(app.Two)))},
		}
		for _, r := range a.Rules {
			rule := app.Rule{Paths: r.Paths, Methods: r.Methods, Access: app.Access{Groups: r.Groups}}
			if r.Need != "" {
				rule.Need = need(r.Need)
			}
			one.Rules = append(one.Rules, rule)
		}
		for _, fact := range a.Tell {
			one.Tell = append(one.Tell, app.Fact(fact))
		}
		if a.Client.Given() {
			one.Client = client(a.Client)
		}
		all = append(all, one)
	}
	return all
}

// need is what a text asks; of one that nobody understands, something that nobody can
// show.
func need(text string) app.Need {
	if n, err := app.ParseNeed(text); err == nil {
		return n
	}
	return app.Need{Factors: app.Factors(text)}
}

func client(c config.AppClient) *app.Client {
	made := &app.Client{
		Redirects: c.Redirects, AfterSignOut: c.AfterSignOut, BackChannel: c.BackChannel, Auth: app.Auth(cmp.Or(c.Auth, string(app.AuthBasic))), Keys: c.Keys(),
		Native: c.Native, WithoutPKCE: c.WithoutPKCE, Algorithm: c.Algorithm, Refresh: c.Refresh, NoConsent: c.NoConsent, AccessMinutes: c.AccessMinutes,
	}
	if secret := c.Secret().Reveal(); secret != "" {
		made.Secret = app.Kept(secret)
	}
	return made
}
