package main

import (
	"fmt"
	"strings"
	"time"

	"sallyport/back/seal"
	"sallyport/server"
)

// KeyCmd is what operators do about the keys that seal the database.
type KeyCmd struct {
	Rotate        KeyRotate        `cmd:"" help:"Make a new data key, in use at once; the running portal seals everything anew."`
	RotateSigning KeyRotateSigning `cmd:"" help:"Make the next keys that sign tokens: published at once, in use ten minutes later."`
	Status        KeyStatus        `cmd:"" help:"List the keys, what each seals, and how far the portal is."`
}

// KeyRotate makes a new data key.
type KeyRotate struct{}

// Run makes it, and wraps every key with the first line of the key file.
func (KeyRotate) Run(r *run) error {
	return r.logged(func(c *server.Core) error {
		id, err := c.Manage.RotateKey(r, c.Store, actor())
		if err != nil {
			return err
		}
		return r.say(map[string]int64{"key": id}, "data key %d is in use\nthe running portal seals everything with it, and then drops the ones before: sallyport key status\n", id)
	})
}

// KeyRotateSigning makes the next keys that sign tokens.
type KeyRotateSigning struct{}

// Run makes one of each algorithm in use; the old ones stay published for 25 hours.
func (KeyRotateSigning) Run(r *run) error {
	return r.logged(func(c *server.Core) error {
		made, err := c.Manage.RotateSigning(r, c.Signer, actor())
		if err != nil {
			return err
		}
		if len(made) == 0 {
			made = []string{}
		}
		return r.say(map[string][]string{"keys": made}, "%s\n", signingMade(made))
	})
}

func signingMade(made []string) string {
	if len(made) == 0 {
		return "no key has signed a token yet: the first is made when it is needed"
	}
	return "signing from ten minutes on: " + strings.Join(made, ", ") + "\nthe ones before stay published for 25 hours"
}

// KeyStatus lists the keys.
type KeyStatus struct{}

// keyLine is a data key as it is printed.
type keyLine struct {
	ID      int64     `json:"key"`
	Purpose string    `json:"purpose"`
	Made    time.Time `json:"made"`
	Line    string    `json:"wrapped_by"`
	Values  int64     `json:"values"`
	State   string    `json:"state"`
}

// keyReport is what key status prints.
type keyReport struct {
	Keys  []keyLine `json:"keys"`
	Lines []string  `json:"key_file"`
	Free  []string  `json:"unused"` // lines of the key file that wrap nothing
	Left  int64     `json:"left"`   // values that an older key seals
	All   int64     `json:"values"`
}

// Run prints what the database and the key file say.
func (KeyStatus) Run(r *run) error {
	return r.logged(func(c *server.Core) error {
		states, err := c.Store.KeyStates(r)
		if err != nil {
			return err
		}
		file, err := seal.ReadKeyFile(c.Config.KeyFile)
		if err != nil {
			return err
		}
		report := keyReport{Lines: file.IDs()}
		newest := int64(0)
		wraps := map[string]bool{}
		for _, k := range states {
			wraps[k.KEK] = true
			if k.Purpose == seal.Data {
				newest = max(newest, k.ID)
			}
		}
		for _, k := range states {
			line := keyLine{k.ID, k.Purpose, k.MadeAt, k.KEK, k.Values, "in use"}
			report.All += k.Values
			switch {
			case k.Purpose == seal.Index:
				line.State = "for keyed hashes, for life"
			case k.ID != newest && k.Values > 0:
				line.State = "being replaced"
				report.Left += k.Values
			case k.ID != newest:
				line.State = "empty, dropped soon"
			}
			report.Keys = append(report.Keys, line)
		}
		for _, id := range report.Lines[1:] {
			if !wraps[id] {
				report.Free = append(report.Free, id)
			}
		}
		if r.JSON {
			return r.say(report, "")
		}
		for _, k := range report.Keys {
			fmt.Fprint(r.out, printable(fmt.Sprintf("key %-4d %-6s made %s, wrapped by %s, seals %d values: %s\n", k.ID, k.Purpose, k.Made.UTC().Format("2006-01-02 15:04:05Z"), k.Line, k.Values, k.State)))
		}
		if report.Left > 0 {
			fmt.Fprintf(r.out, "sealed anew: %d of %d values; the running portal goes on with it\n", report.All-report.Left, report.All)
		}
		for i, id := range report.Lines {
			use := "wraps, as the first line"
			if i > 0 && wraps[id] {
				use = "still wraps a key: sallyport key rotate wraps all with the first line"
			} else if i > 0 {
				use = "wraps nothing here: the line may go, once no backup needs it"
			}
			fmt.Fprintf(r.out, "key file line %s %s\n", id, use)
		}
		return nil
	})
}
