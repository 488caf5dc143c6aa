package main

import (
	"errors"
	"fmt"
	"os"

	"sallyport/back/seal"
	"sallyport/config"
	"sallyport/server"
)

// ServeCmd runs the portal.
type ServeCmd struct{}

// Run runs the portal until it is told to stop.
func (ServeCmd) Run(r *run) error {
	c, err := r.settings()
	if err != nil {
		return err
	}
	return server.Run(r, server.Options{Config: c, Out: r.out})
}

// InitCmd writes a settings file and a key file.
type InitCmd struct {
	URL string `help:"The address of the portal." default:"http://localhost:8080" placeholder:"URL"`
	Key string `help:"The key file." default:"./sallyport.key" placeholder:"FILE"`
}

// Run writes both files, and overwrites neither.
func (c InitCmd) Run(r *run) error {
	for _, path := range []string{r.Config, c.Key} {
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%s is there already; hint: move it away first", path)
		}
	}
	if _, err := config.Parse(config.Sample(c.URL), r.Config, nil); err != nil {
		return usage{fmt.Errorf("--url %s: %w", c.URL, err)}
	}
	if err := writeNew(c.Key, seal.NewKeyFile(), 0o600); err != nil {
		return err
	}
	if err := writeNew(r.Config, config.Sample(c.URL), 0o640); err != nil {
		return err
	}
	fmt.Fprintf(r.out, "wrote %s and %s\n", r.Config, c.Key)
	fmt.Fprintf(r.out, "keep %s safe and apart from backups: without it the database cannot be read\n", c.Key)
	fmt.Fprintln(r.out, "no SMS gateway is set yet: see sms.gateways in the settings file")
	fmt.Fprintln(r.out, "next: sallyport person add NAME --operator, then sallyport serve")
	return nil
}

// writeNew writes a file that must not be there.
func writeNew(path string, text []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if _, err := f.Write(text); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}
