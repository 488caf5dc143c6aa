package stories_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"sallyport/back/storetest"
)

// embedded makes a portal use the embedded database, whatever the others use.
func (p *portal) embedded() {
	p.t.Helper()
	p.write("sallyport.yaml", regexp.MustCompile(`(?m)^database: .*\n`).ReplaceAllString(p.file("sallyport.yaml"), ""))
}

func (p *portal) file(name string) string {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

// nobody is a user whom permissions bind: ourselves, but for root.
func nobody() int {
	if uid := os.Geteuid(); uid != 0 {
		return uid
	}
	return 65534
}

// own gives all of the portal's folder to nobody.
func (p *portal) own() {
	p.t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	for _, folder := range []string{filepath.Dir(p.dir), filepath.Dir(program)} { // the ways there
		if err := os.Chmod(folder, 0o711); err != nil {
			p.t.Fatal(err)
		}
	}
	if out, err := exec.Command("chown", "-R", fmt.Sprint(nobody()), p.dir).CombinedOutput(); err != nil {
		p.t.Fatalf("%v\n%s", err, out)
	}
}

// served runs serve as nobody until it ends, or is ready and is ended then.
func (p *portal) served() (a answer, ready bool) {
	p.t.Helper()
	cmd := exec.Command(program, "serve")
	cmd.Dir, cmd.Env = p.dir, p.env()
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(nobody()), Gid: uint32(nobody())}}
	}
	var bad bytes.Buffer
	cmd.Stderr = &bad
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		p.t.Fatal(err)
	}
	late := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() })
	defer late.Stop()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		a.out += lines.Text() + "\n"
		if strings.Contains(lines.Text(), "is ready on") {
			ready = true
			cmd.Process.Signal(syscall.SIGTERM)
		}
	}
	cmd.Wait()
	return answer{cmd.ProcessState.ExitCode(), a.out, bad.String()}, ready
}

// refuses says that the portal does not start, says why, and what to do.
func (p *portal) refuses(name, words, hint string) {
	p.t.Helper()
	a, ready := p.served()
	if ready || a.code != 1 || !strings.Contains(a.err, words) || !strings.Contains(a.err, hint) {
		p.t.Errorf("%s: ready %v, exit %d\n%s%s", name, ready, a.code, a.out, a.err)
	}
}

// TestDataThatCannotBeUsed starts on a data folder and a key file in every state
// that they should not be in.
func TestDataThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	p := install(t)
	p.embedded()
	p.add("ada")
	data, base, key := filepath.Join(p.dir, "data"), filepath.Join(p.dir, "data", "sallyport.db"), filepath.Join(p.dir, "sallyport.key")
	p.own()
	copied, secret := p.file("data/sallyport.db"), p.file("sallyport.key")
	cut := func(size int64) func() error { return func() error { return os.Truncate(base, size) } }
	put := func(at int64, text string) func() error {
		return func() error {
			f, err := os.OpenFile(base, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteAt([]byte(text), at)
			return err
		}
	}
	do := func(statement string) func() error {
		return func() error { _, err := p.base().Exec(statement); return err }
	}
	mode := func(path string, mode os.FileMode) func() error {
		return func() error { return os.Chmod(path, mode) }
	}
	const back, own, elsewhere = "hint: stop every sallyport, move the damaged files of the data folder away, and bring back a backup: sallyport restore FILE",
		"hint: let the user that runs sallyport own the data folder", "hint: set data to a folder that this user may write"
	for _, row := range []struct {
		name        string
		spoil       func() error
		words, hint string
	}{
		{"no database", func() error { return os.WriteFile(base, []byte(strings.Repeat("this is no database\n", 500)), 0o600) }, "sallyport.db: open the database: file is not a database", back},
		{"cut in the middle", cut(int64(len(copied) / 2)), "sallyport.db: open the database: database disk image is malformed", back},
		{"cut within a page", cut(int64(len(copied) - 100)), "sallyport.db is cut short: it has ", back},
		{"one page left", cut(4096), "malformed", back},
		{"less than a page left", cut(100), "malformed", back},
		{"nothing left", cut(0), "sallyport.db is empty", back},
		{"another head", put(0, "SQLite format 4"), "file is not a database", back},
		{"a page spoiled", put(4096, strings.Repeat("\xaa", 4096)), "sallyport.db: open the database: ", back},
		{"no keys in it", do("DROP TABLE keys"), "no such table: keys", back},
		{"somebody else's database", func() error {
			if err := os.Remove(base); err != nil {
				return err
			}
			return do("CREATE TABLE people (x)")()
		}, "table people already exists", back},
		{"newer", do("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)"), "the database has version 9999, this program knows ", "hint: run the newer sallyport again"},
		{"a folder in its place", func() error { os.Remove(base); return os.Mkdir(base, 0o700) }, "unable to open database file", own},
		{"a folder that may not be written", mode(data, 0o500), "attempt to write a readonly database", own},
		{"a folder that may not be entered", mode(data, 0), "permission denied", own},
		{"a file in place of the folder", func() error { os.RemoveAll(data); return os.WriteFile(data, nil, 0o600) }, "make the data folder", elsewhere},
		{"a lock that may not be opened", mode(filepath.Join(data, "migrate.lock"), 0), "permission denied", own},
		{"a key file that may not be read", mode(key, 0), "key file sallyport.key: permission denied", "hint: chown it to the user that runs sallyport, chmod 600"},
		{"a key file cut short", func() error { return os.WriteFile(key, []byte(secret[:len(secret)-9]+"\n"), 0o600) }, "key file sallyport.key:", "hint: "},
		{"a folder in place of the key file", func() error { os.Remove(key); return os.Mkdir(key, 0o700) }, "key file: read sallyport.key: is a directory", "hint: "},
	} {
		if err := row.spoil(); err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		p.own()
		sum := func() any {
			text, err := os.ReadFile(base)
			return [2]any{sha256.Sum256(text), err == nil}
		}
		before := sum()
		p.refuses(row.name, row.words, row.hint)
		if after := sum(); after != before && row.name != "somebody else's database" {
			t.Errorf("%s: the database was changed", row.name)
		}
		if a := p.run(p.dir, nil, "", "doctor"); row.hint == back && (a.code != 1 || !strings.Contains(a.out, row.words) || !strings.Contains(a.out, back)) {
			t.Errorf("%s: the doctor says %d\n%s%s", row.name, a.code, a.out, a.err)
		}
		// The copy, as it was.
		os.Chmod(data, 0o700)
		for _, path := range []string{data, key} {
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Mkdir(data, 0o700); err != nil {
			t.Fatal(err)
		}
		p.write("data/migrate.lock", "")
		p.write("data/sallyport.db", copied)
		p.write("sallyport.key", secret)
		p.own()
	}
	p.serve()
	p.browser().enter("ada", password).is(want{page: "two-factor-prompt"})
}

// TestDataThatOthersMayUse starts, and says what to put right.
func TestDataThatOthersMayUse(t *testing.T) {
	t.Parallel()
	p := install(t)
	p.embedded()
	p.add("ada")
	p.own()
	if a, ready := p.served(); !ready || strings.Contains(a.out, "hint: ") {
		t.Errorf("in order: ready %v\n%s%s", ready, a.out, a.err)
	}
	for _, row := range []struct {
		name, path string
		mode, good os.FileMode
		note, cure string
	}{
		{"a data folder that others may change", "data", 0o777, 0o700, "others than its owner may take the database away (mode 0777)", "chmod 700 data"},
		{"a key file that others may read", "sallyport.key", 0o644, 0o600, "others than its owner may use it (mode 0644)", "chmod 600 sallyport.key"},
	} {
		path := filepath.Join(p.dir, row.path)
		if err := os.Chmod(path, row.mode); err != nil {
			t.Fatal(err)
		}
		a, ready := p.served()
		if !ready || !strings.Contains(a.out, row.note+" (hint: "+row.cure+")\n") {
			t.Errorf("%s: ready %v\n%s%s", row.name, ready, a.out, a.err)
		}
		if a := p.run(p.dir, nil, "", "doctor"); a.code != 1 || !strings.Contains(a.out, "hint: "+row.cure) {
			t.Errorf("%s: the doctor says %d\n%s%s", row.name, a.code, a.out, a.err)
		}
		if err := os.Chmod(path, row.good); err != nil {
			t.Fatal(err)
		}
	}
	// What was made for everybody is for its owner alone once it was opened.
	base := filepath.Join(p.dir, "data", "sallyport.db")
	if err := os.Chmod(base, 0o666); err != nil {
		t.Fatal(err)
	}
	if a, ready := p.served(); !ready {
		t.Errorf("exit %d\n%s%s", a.code, a.out, a.err)
	}
	if info, err := os.Stat(base); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the database file: %v, %v", info.Mode(), err)
	}
}

// TestAnInstallationThatBeganOnAFullDisk goes on when there is room.
func TestAnInstallationThatBeganOnAFullDisk(t *testing.T) {
	t.Parallel()
	if !apart(t, "STORIES_DATABASE") {
		return
	}
	p := install(t)
	d := newDisk(t, filepath.Join(p.dir, "data"), "size=1m")
	d.fill()
	for range 2 {
		if a := p.run(p.dir, nil, "", "serve"); a.code != 1 || !strings.Contains(a.err, "full") || !strings.Contains(a.err, "\nhint: make room on the disk of the data folder") {
			t.Errorf("exit %d\n%s%s", a.code, a.out, a.err)
		}
	}
	d.free()
	p.serve()
	p.add("ada")
	p.browser().enter("ada", password).is(want{page: "two-factor-prompt"})
}

// TestASecretThatTheUserMayNotRead: whoever put it there as root is told whose it has to be.
func TestASecretThatTheUserMayNotRead(t *testing.T) {
	t.Parallel()
	p := install(t)
	text, secret := p.file("sallyport.yaml"), filepath.Join(p.dir, "secret")
	p.write("secret", "swordfish")
	gateway := "sms:\n  gateways:\n    - {name: own, kind: http, address: 'https://sms.example.org/', headers: ['Content-Type: application/json'], body: '[{{json .To}}, {{json .Text}}]', secrets: [{name: token, file: ./secret}]}\n"
	for name, more := range map[string]string{"of the mail server": "mail: {server: 'smtp://u@127.0.0.1:1', password_file: ./secret, from: a@example.org}\n", "of a gateway": gateway + "default_country: GB\n"} {
		p.write("sallyport.yaml", regexp.MustCompile(`(?ms)^(sms|mail|default_country):.*?(^\S|\z)`).ReplaceAllString(text, "$2")+more)
		p.own()
		if err := os.Chmod(secret, 0); err != nil {
			t.Fatal(err)
		}
		p.refuses(name, "cannot be read: permission denied", "hint: let the user that runs sallyport own it: chown USER secret; chmod 600 secret)")
	}
}

// TestPostgreSQLThatCannotBeUsed: what is wrong with it is said, but never its password.
func TestPostgreSQLThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	address, err := url.Parse(storetest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	word, _ := address.User.Password()
	p := install(t, settings{database: address.String()})
	p.add("ada")
	text := p.file("sallyport.yaml")
	refuses := func(name string, change func(*url.URL), words, hint string) {
		t.Helper()
		u := *address
		change(&u)
		p.write("sallyport.yaml", strings.Replace(text, address.String(), u.String(), 1))
		a := p.run(p.dir, nil, "", "serve")
		if a.code != 1 || !strings.Contains(a.err, words) || !strings.Contains(a.err, "\nhint: "+hint) || strings.Contains(a.out, "ready") {
			t.Errorf("%s: exit %d\n%s%s", name, a.code, a.out, a.err)
		}
		if strings.Contains(a.out+a.err, word) || strings.Contains(a.out+a.err, "swordfish") {
			t.Errorf("%s: the password is told\n%s%s", name, a.out, a.err)
		}
	}
	const reach = "see that PostgreSQL runs, and that database is its address"
	refuses("nobody listens", func(u *url.URL) { u.Host = "127.0.0.1:1" }, "connection refused", reach)
	refuses("no such database", func(u *url.URL) { u.Path = "/nowhere" }, `database "nowhere" does not exist`, reach)
	refuses("another password", func(u *url.URL) { u.User = url.UserPassword("postgres", "swordfish") }, "password authentication failed", reach)
	p.write("sallyport.yaml", text)
	if _, err := p.base().Exec("CREATE ROLE without_rights LOGIN PASSWORD 'swordfish'"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.base().Exec("DROP ROLE without_rights") })
	refuses("a user without rights", func(u *url.URL) { u.User = url.UserPassword("without_rights", "swordfish") }, "permission denied", "let the user in the address own the database")
	p.write("sallyport.yaml", text)
	if _, err := p.base().Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)"); err != nil {
		t.Fatal(err)
	}
	refuses("newer", func(*url.URL) {}, "the database has version 9999, this program knows ", "run the newer sallyport again")
	if _, err := p.base().Exec("DELETE FROM goose_db_version WHERE version_id = 9999"); err != nil {
		t.Fatal(err)
	}
	p.serve()
	p.browser().enter("ada", password).is(want{page: "two-factor-prompt"})
}
