package server

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"sallyport/config"
	"sallyport/core/app"
)

// declared are the apps of the settings file, with what holds where a key is left
// out. What else is wrong with them is found when they are judged.
func declared(c *config.Config) (list []app.App, err error) {
	for _, in := range c.Apps {
		a := app.App{ID: in.ID, Name: in.Name, Addresses: in.Addresses, Share: in.Share, Token: in.Token}
		if a.Name == "" {
			a.Name = a.ID
		}
		if a.Access, err = access(in.Groups, in.Need, app.Need{Factors: app.Two}); err != nil {
			return nil, fmt.Errorf("apps: app %s: need: %w", in.ID, err)
		}
		for i, r := range in.Rules {
			rule := app.Rule{Paths: r.Paths, Methods: r.Methods}
			if rule.Access, err = access(r.Groups, r.Need, a.Need); err != nil {
				return nil, fmt.Errorf("apps: app %s: rule %d: need: %w", in.ID, i+1, err)
			}
			a.Rules = append(a.Rules, rule)
		}
		for _, f := range in.Tell {
			a.Tell = append(a.Tell, app.Fact(f))
		}
		if in.Client.Given() {
			a.Client = client(in.Client)
		}
		list = append(list, a)
	}
	return list, nil
}

func access(groups []string, need string, otherwise app.Need) (app.Access, error) {
	if need == "" {
		return app.Access{Groups: groups, Need: otherwise}, nil
	}
	n, err := app.ParseNeed(need)
	return app.Access{Groups: groups, Need: n}, err
}

func client(in config.AppClient) *app.Client {
	c := &app.Client{Redirects: in.Redirects, AfterSignOut: in.AfterSignOut, BackChannel: in.BackChannel, Auth: app.Auth(in.Auth), Keys: in.Keys(),
		Native: in.Native, WithoutPKCE: in.WithoutPKCE, Algorithm: in.Algorithm, Refresh: in.Refresh, NoConsent: in.NoConsent, AccessMinutes: in.AccessMinutes}
	if c.Auth == "" {
		c.Auth = app.AuthBasic
	}
	if secret := in.Secret().Reveal(); secret != "" {
		sum := sha256.Sum256([]byte(secret))
		c.Secret = hex.EncodeToString(sum[:])
	}
	return c
}
