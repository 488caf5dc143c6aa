// Package portal is the way in for people: sign-in, set-up, recovery and the
// account. A page is a typed struct in a file named after it and a template of
// the same name; everything is complete without script.
package portal

import (
	"embed"
	"fmt"
	"io/fs"

	"sallyport/front/web"
)

//go:embed pages/*.html
var files embed.FS

// ParsePages reads the pages of this package into the site.
func ParsePages(site *web.Site) error {
	pages, err := fs.Sub(files, "pages")
	if err != nil {
		return fmt.Errorf("open the pages: %w", err)
	}
	return web.Parse(site, pages)
}
