package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"sallyport/config"
	"sallyport/core/person"
	"sallyport/server"
)

// DoctorCmd looks for what is wrong.
type DoctorCmd struct{}

// finding is one thing that the doctor saw.
type finding struct {
	Level string `json:"level"` // ok, note or fault
	What  string `json:"what"`
	Do    string `json:"do,omitempty"`
}

// Run prints what it found; a fault makes it fail.
func (DoctorCmd) Run(r *run) error {
	var found []finding
	c, err := r.settings()
	if err != nil {
		return err
	}
	found = append(found, finding{"ok", "the settings file has no faults", ""})
	found = append(found, looks(c)...)
	found = append(found, gateways(r, c)...)
	found = append(found, data(r, c)...)
	core, err := server.Look(r, c)
	if err != nil {
		found = append(found, fault(err, "look at data, database and key_file in the settings file"))
	} else {
		found = append(found, finding{"ok", "the database and its keys open", ""})
		found = append(found, clockLooks(core)...)
		found = append(found, mailLooks(r, core)...)
		found = append(found, appLooks(r, core)...)
		more, err := unreachable(r, core)
		if err != nil {
			return errors.Join(err, core.Close())
		}
		found = append(found, more...)
		if err := core.Close(); err != nil {
			return err
		}
	}
	faults := 0
	for _, f := range found {
		if f.Level == "fault" {
			faults++
		}
		line := fmt.Sprintf("%-6s %s\n", f.Level, f.What)
		if f.Do != "" {
			line += fmt.Sprintf("%-6s hint: %s\n", "", f.Do)
		}
		if err := r.say(f, "%s", line); err != nil {
			return err
		}
	}
	switch {
	case faults == 1:
		return errors.New("1 fault found; hint: mend it, and look again")
	case faults > 1:
		return fmt.Errorf("%d faults found; hint: mend them from the top", faults)
	}
	return nil
}

var hinted = regexp.MustCompile(`(?s)^(.*)(?:; hint: (.*)| \(hint: (.*)\))$`)

// fault makes a finding of what would keep serve from starting. What to do is
// the hint of the error, where it has one.
func fault(err error, do string) finding {
	if m := hinted.FindStringSubmatch(err.Error()); m != nil {
		return finding{"fault", m[1], m[2] + m[3]}
	}
	return finding{"fault", err.Error(), do}
}

// looks is what can be seen without the database.
func looks(c *config.Config) (found []finding) {
	for _, path := range []string{c.KeyFile, c.TLS.KeyFile} {
		if info, err := os.Stat(path); path != "" && err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
			found = append(found, finding{"fault", fmt.Sprintf("%s can be read by others (%v)", path, info.Mode().Perm()), "chmod 600 " + path})
		}
	}
	found = append(found, tlsLooks(c, time.Now())...)
	if _, _, _, err := server.NewSite(c, false); err != nil {
		found = append(found, fault(err, "check the files that brand names"))
	}
	if info, err := os.Stat(c.Data); err == nil && c.Database.Reveal() == "" && info.Mode().Perm()&0o022 != 0 {
		found = append(found, finding{"fault", fmt.Sprintf("others may take the database out of %s (%v)", c.Data, info.Mode().Perm()), "chmod 700 " + c.Data})
	}
	if within, err := filepath.Rel(c.Data, c.KeyFile); err == nil && !strings.HasPrefix(within, "..") && c.Database.Reveal() == "" {
		found = append(found, finding{"note", "the key file lies in the data folder: a copy of the folder holds both lock and key", "move the key file elsewhere and set key_file"})
	}
	if len(c.SMS.Gateways) == 0 {
		found = append(found, finding{"note", "no SMS gateway is set: nobody can recover by text message", "see sms.gateways in the settings file"})
	}
	if !c.Loopback() && slices.ContainsFunc(c.SMS.Gateways, func(g config.Gateway) bool { return g.Kind == config.KindOutbox }) {
		found = append(found, finding{"note", "an outbox keeps codes readable in a file, and others reach the portal: this is for trials only", "take the outbox and insecure out of the settings before people use it"})
	}
	if !c.HTTPS() {
		found = append(found, finding{"note", "the address is http: only browsers on this machine can sign in", "set url to https, and tls.cert_file or a proxy in front"})
	}
	if server.Hidden(c) {
		found = append(found, finding{"note", server.HiddenNote, "set proxies to its address"})
	}
	if host, _, err := net.SplitHostPort(c.Listen); err == nil && c.TLS.CertFile == "" && host != "localhost" {
		if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
			found = append(found, finding{"note", "the portal listens beyond this machine without TLS", "listen on 127.0.0.1 behind a proxy, or set tls.cert_file"})
		}
	}
	if old(runtime.Version()) {
		found = append(found, finding{"note", "built with " + runtime.Version() + ", whose HTTP/2 a client can crash: HTTP/2 is off", "build with Go 1.26.10 or newer"})
	}
	return found
}

// old says whether a Go release has the fault of CVE-2026-97032.
func old(version string) bool {
	var major, minor, patch int
	fmt.Sscanf(version, "go%d.%d.%d", &major, &minor, &patch)
	return major == 1 && (minor < 26 || minor == 26 && patch < 10)
}

// unreachable lists who could not be told of a change to their account.
func unreachable(r *run, c *server.Core) (found []finding, err error) {
	var names []string
	for after := ""; ; {
		page, err := c.Store.Everyone(r, after, 500)
		if err != nil {
			return nil, err
		}
		if len(page) == 0 {
			break
		}
		for _, p := range page {
			if only, err := onlyNumber(r, c, p); err != nil {
				return nil, err
			} else if only {
				names = append(names, p.Name)
			}
			after = p.Name
		}
	}
	if len(names) > 0 {
		found = append(found, finding{"note", fmt.Sprintf("%d people have no address but the number they proved: %s", len(names), strings.Join(names[:min(len(names), 20)], ", ")),
			"sallyport person set NAME --email ADDRESS"})
	}
	return found, nil
}

func onlyNumber(r *run, c *server.Core, p person.Person) (bool, error) {
	if p.Email != "" || !p.Enrolled() {
		return false, nil
	}
	phones, err := c.Store.Phones(r, p.ID)
	return err == nil && len(phones) > 0, err
}
