package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"sallyport/core/person"
	"sallyport/server"
)

// PersonExport prints all that is kept about somebody.
type PersonExport struct {
	Name string `arg:"" help:"The name."`
}

// Run prints it as JSON. It holds no secret, but everything else: mind who reads it.
func (e PersonExport) Run(r *run) error {
	return r.with(e.Name, func(c *server.Core, who *person.Person) error {
		dossier, err := c.Manage.Export(r, c.Store, actor(), who.ID)
		if err != nil {
			return err
		}
		out := json.NewEncoder(r.out)
		out.SetIndent("", "  ")
		out.SetEscapeHTML(false)
		return out.Encode(dossier)
	})
}

// PersonDelete drops somebody.
type PersonDelete struct {
	Name string `arg:"" help:"The name."`
	Yes  bool   `help:"Do it: it cannot be taken back."`
}

// Run deletes the person and everything that is bound to them.
func (d PersonDelete) Run(r *run) error {
	return r.with(d.Name, func(c *server.Core, who *person.Person) error {
		if !d.Yes {
			return usage{fmt.Errorf("%s and everything kept about them would be gone for good; hint: sallyport person delete %s --yes, after sallyport person export %s if they want it",
				who.Name, who.Name, who.Name)}
		}
		if err := c.Manage.Delete(r, actor(), who.ID); err != nil {
			return errors.Join(fmt.Errorf("delete %s", who.Name), err)
		}
		return r.say(map[string]string{"name": who.Name}, "deleted %s\n", who.Name)
	})
}
