package main

import (
	"context"
	"fmt"
	"os"

	"sallyport/core/app"
	"sallyport/server"
)

// appLooks looks at what people sign in to.
func appLooks(ctx context.Context, c *server.Core) (found []finding) {
	for _, set := range c.Config.Apps {
		file := set.Client.SecretFile
		if info, err := os.Stat(file); file != "" && err == nil && info.Mode().Perm()&0o077 != 0 {
			found = append(found, finding{"note", fmt.Sprintf("%s can be read by others (%v)", file, info.Mode().Perm()), "chmod 600 " + file})
		}
	}
	book, err := c.Apps.Fresh(ctx)
	if err != nil {
		return append(found, fault(err, "look at the database"))
	}
	asked := false
	for _, a := range book.All() {
		asked = asked || len(a.Addresses) > 0
		if a.Share != "" && !app.Below(c.Config.Hostname(), a.Share) {
			found = append(found, finding{"fault", fmt.Sprintf("app %s: share %s is not above %s, where its cookie comes from: nobody can sign in to it", a.ID, a.Share, c.Config.Hostname()),
				"take share out, or give the portal a host below " + a.Share})
		}
		if a.Client != nil && a.Client.WithoutPKCE {
			found = append(found, finding{"note", fmt.Sprintf("app %s signs in without PKCE: a stolen code is worth more", a.ID), "turn PKCE on in the client, then here"})
		}
	}
	for _, left := range book.Left() {
		found = append(found, faulty(left.Err()))
	}
	if asked && len(c.Config.Proxies) == 0 {
		found = append(found, finding{"note", "apps have addresses, and proxies is empty: no proxy may ask whom to let through, so nobody enters", "set proxies to the addresses of those that stand before the apps"})
	}
	if n := len(book.All()); n > 0 && len(book.Left()) == 0 {
		found = append(found, finding{"ok", fmt.Sprintf("%d apps can be judged", n), ""})
	}
	return found
}
