package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

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
	Key string `help:"The key file; without it sallyport.key beside the settings file." placeholder:"FILE"`
}

// Run writes both files, and overwrites neither.
func (c InitCmd) Run(r *run) error {
	key, setting, err := c.keyFile(r.Config)
	if err != nil {
		return err
	}
	for _, path := range []string{r.Config, key} {
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%s is there already; hint: move it away first", path)
		}
	}
	text := config.Sample(c.URL, setting)
	if _, err := config.Parse(text, r.Config, nil); err != nil {
		return usage{fmt.Errorf("--url %s: %w", c.URL, err)}
	}
	if err := writeNew(key, seal.NewKeyFile(), 0o600); err != nil {
		return err
	}
	if err := writeNew(r.Config, text, 0o640); err != nil {
		return errors.Join(err, os.Remove(key)) // or the next try would find it in its way
	}
	return r.say(map[string]string{"settings": r.Config, "key_file": key}, `wrote %s and %s
keep %[2]s safe and apart from backups: without it the database cannot be read
no SMS gateway is set yet: see sms.gateways in the settings file
next: sallyport person add NAME --operator, then sallyport serve
`, r.Config, key)
}

// keyFile is where the key file goes, and what the settings say of it: nothing
// where they look for it anyway.
func (c InitCmd) keyFile(settings string) (path, setting string, err error) {
	beside := filepath.Dir(settings) + "/sallyport.key"
	if c.Key == "" {
		return beside, "", nil
	}
	full, err := filepath.Abs(c.Key)
	if err != nil {
		return "", "", fmt.Errorf("--key %s: %w", c.Key, err)
	}
	if usual, err := filepath.Abs(beside); err == nil && usual == full {
		return c.Key, "", nil
	}
	return c.Key, full, nil
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
