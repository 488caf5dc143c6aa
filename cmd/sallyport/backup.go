package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"sallyport/config"
	"sallyport/server"
)

// BackupCmd writes all that a portal has into one file, but for its key file.
type BackupCmd struct {
	File string `arg:"" help:"The new file; - is standard output."`
}

// kept is what a backup holds, as commands print it.
type kept struct {
	File   string    `json:"file"`
	At     time.Time `json:"at"`
	URL    string    `json:"url"`
	Schema int64     `json:"schema"`
	People int64     `json:"people"`
	Rows   int64     `json:"rows"`
	Keys   []string  `json:"keys"`
	Ended  *ended    `json:"ended,omitempty"` // by a restore
}

// ended is what went on when the backup was taken, and does not after a restore.
type ended struct {
	Sessions   int64 `json:"sessions"`
	Browsers   int64 `json:"known_browsers"`
	Links      int64 `json:"links_and_setup_codes"`
	Recoveries int64 `json:"waiting_recoveries"`
}

func count(rows map[string]int64) (n int64) {
	for _, of := range rows {
		n += of
	}
	return n
}

// Run writes the file under another name and renames it when it is whole.
func (b BackupCmd) Run(r *run) error {
	c, err := r.settings()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(r.Config)
	if err != nil {
		return fmt.Errorf("read the settings: %w", err)
	}
	if b.File == "-" {
		_, err := server.Backup(r, c, text, r.out)
		return err
	}
	var k kept
	err = writeWhole(b.File, func(to io.Writer) error {
		done, err := server.Backup(r, c, text, to)
		if err == nil {
			k = kept{b.File, done.At, done.URL, done.Schema, done.Rows["people"], count(done.Rows), done.Keys, nil}
		}
		return err
	})
	if err != nil {
		return err
	}
	return r.say(k, "backed up %d people, %d rows, to %s\nkeep %s too, apart from it: without that file nobody can read the backup\n", k.People, k.Rows, k.File, c.KeyFile)
}

// writeWhole writes a file that must not be there, for its owner alone. Whatever
// happens, under its name there is a whole file or none.
func writeWhole(path string, write func(to io.Writer) error) (err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already; hint: choose another name", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.part") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(f.Name())
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	// A link takes no name that somebody else has taken meanwhile, as a rename would.
	if err := os.Link(f.Name(), path); err != nil && (errors.Is(err, fs.ErrExist) || os.Rename(f.Name(), path) != nil) {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// RestoreCmd makes a portal again from a backup.
type RestoreCmd struct {
	File string `arg:"" help:"The backup; - is standard input."`
	Key  string `help:"The key file, where there is no settings file yet." default:"./sallyport.key" placeholder:"FILE"`
}

// Run restores into the place that the settings name. Where there is no settings
// file it takes the one in the backup, and writes it when all is done.
func (c RestoreCmd) Run(r *run) error {
	from, err := open(c.File)
	if err != nil {
		return err
	}
	defer from.Close()
	settings, err := r.settings()
	var text []byte
	if _, there := os.Lstat(r.Config); errors.Is(there, fs.ErrNotExist) {
		if text, err = server.Settings(r, c.Key, from); err == nil {
			if settings, err = config.Parse(text, r.Config, os.Environ(), server.ClockVariables...); err != nil {
				err = fmt.Errorf("the settings in the backup do not fit this machine: %w; hint: bring the files that they name, or write a settings file first: it is used in their place", err)
			}
		}
	}
	if err != nil {
		return err
	}
	done, err := server.Restore(r, settings, from, actor())
	if err == nil && text != nil {
		err = writeNew(r.Config, text, 0o640)
	}
	if err != nil {
		return err
	}
	k := kept{c.File, done.At, done.URL, done.Schema, done.Rows["people"], count(done.Rows), done.Keys, (*ended)(&done.Ended)}
	at := k.At.Format("2 January 2006 15:04:05 MST")
	if err := r.say(k, "restored %d people, %d rows, as they were on %s\n", k.People, k.Rows, at); err != nil || r.JSON {
		return err
	}
	fmt.Fprintf(r.out, "everybody signs in again: ended %d sessions, forgot %d known browsers; requests to set up a new app that waited: %d cancelled\n",
		k.Ended.Sessions, k.Ended.Browsers, k.Ended.Recoveries)
	fmt.Fprintf(r.out, "%d invitations, setup codes and mailed links work no more; hint: sallyport person invite NAME, or reset-2fa NAME\n", k.Ended.Links)
	fmt.Fprintf(r.out, "what happened since is not in it: before you start the portal, compare who was put on hold, turned off, reset or deleted after %s; hint: sallyport person list\n", at)
	if text != nil {
		fmt.Fprintf(r.out, "wrote %s\n", r.Config)
	}
	if settings.URL != k.URL {
		fmt.Fprintf(r.out, "the portal was at %s and is at %s now: links that were sent before lead there\n", k.URL, settings.URL)
	}
	return nil
}

// open opens a backup. Standard input is read twice like a file: by way of one
// that has no name any more.
func open(path string) (*os.File, error) {
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("read the backup: %w", err)
		}
		return f, nil
	}
	f, err := os.CreateTemp("", "sallyport-*")
	if err != nil {
		return nil, fmt.Errorf("read the backup: %w", err)
	}
	os.Remove(f.Name())
	if _, err := io.Copy(f, os.Stdin); err != nil {
		return nil, errors.Join(fmt.Errorf("read the backup: %w", err), f.Close())
	}
	return f, nil
}
