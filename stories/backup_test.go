package stories_test

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/back/storetest"
)

// onDisk makes an installation one of SQLite, whatever database the stories run on.
func (p *portal) onDisk() *portal {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, "sallyport.yaml"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.write("sallyport.yaml", regexp.MustCompile(`(?m)^database: .*\n`).ReplaceAllString(string(text), ""))
	return p
}

// beside is another installation with the key file of this one.
func (p *portal) beside(of settings) *portal {
	p.t.Helper()
	q := install(p.t, of)
	if of.database == "" {
		q.onDisk()
	}
	key, err := os.ReadFile(filepath.Join(p.dir, "sallyport.key"))
	if err != nil {
		p.t.Fatal(err)
	}
	q.write("sallyport.key", string(key))
	p.t.Cleanup(func() {
		q.stop()
		if p.t.Failed() {
			p.t.Logf("log of the portal beside:\n%s", q.log)
		}
	})
	return q
}

// at sets the clock of a portal.
func (p *portal) at(when time.Time) { p.move(time.Until(when) - p.offset) }

// in is the same browser, as it is now, at another portal.
func (b *browser) in(q *portal) *browser {
	c := b.twin()
	c.p, c.app.p = q, q
	return c
}

// busy lets people sign in, all at once and again and again, until it is stopped.
// It counts the rounds.
func (p *portal) busy(owners []*browser) (rounds *atomic.Int32, stop func()) {
	var stopped atomic.Bool
	rounds = &atomic.Int32{}
	var all sync.WaitGroup
	all.Go(func() {
		for !stopped.Load() {
			p.move(31 * time.Second)
			var round sync.WaitGroup
			for i, owner := range owners {
				round.Go(func() {
					c := p.browser()
					c.get("/sign-in")
					a := c.follow(c.press("Sign in", "username", fmt.Sprint("person", i), "password", password))
					if a.name() == "app-code" {
						a = c.follow(c.press("Verify", "code", owner.app.code()))
					}
					if a.name() != "security" {
						p.t.Errorf("person%d comes to %d %s: %s", i, a.status, a.name(), a.brief())
					}
				})
			}
			round.Wait()
			rounds.Add(1)
		}
	})
	return rounds, func() { stopped.Store(true); all.Wait() }
}

func TestABackupUnderLoadMakesTheSamePortal(t *testing.T) {
	t.Parallel()
	p := open(t)
	ada := p.enrol("ada")
	var load []*browser
	for i := range 2 {
		typed, to := washington(10 + i)
		b := p.browser()
		p.add(fmt.Sprint("person", i))
		b.wizard(fmt.Sprint("person", i), typed, to)
		load = append(load, b)
	}
	ada.other("ada")
	stranger := p.lost("person1") // who uses up the tries of all strange browsers
	for _, code := range load[1].app.wrongs(10) {
		stranger.do("Verify", "code", code)
	}
	stranger.is(want{status: 429, page: "wait"})
	load = load[:1]
	spent := p.invitation("person", "add", "grace")
	unspent := p.invitation("person", "add", "mary", "--operator")
	grace := p.browser()
	grace.get(spent)
	grace.do("Save password", "password", password2).is(want{page: "two-factor-prompt"})
	lost := p.lost("ada")
	lost.get("/2fa/recovery-code")
	lost.do("Verify", "recovery", ada.codes[0]).is(want{page: "replace"})
	p.text(e164, "recovery code was used")
	b := p.lost("ada")
	then, used := p.now(), ada.app.code()
	b.do("Verify", "code", used).is(want{page: "security"})

	rounds, stop := p.busy(load)
	wait := func() {
		for from := rounds.Load(); rounds.Load() == from; time.Sleep(20 * time.Millisecond) {
			if t.Failed() {
				t.FailNow()
			}
		}
	}
	wait()
	out := p.cli("backup", "portal.backup")
	wait() // they sign in while it is taken and after
	stop()
	if !strings.HasPrefix(out, "backed up 5 people, ") || !strings.Contains(out, "\nkeep ") {
		t.Errorf("backup says %q", out)
	}
	file := filepath.Join(p.dir, "portal.backup")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	for name, database := range map[string]string{"another folder": "", "PostgreSQL": storetest.Postgres(t)} {
		q := p.beside(settings{database: database})
		out := q.cli("restore", file)
		if !strings.HasPrefix(out, "restored 5 people, ") || !strings.Contains(out, "the portal was at "+p.url+" and is at "+q.url+" now") ||
			!strings.Contains(out, "\neverybody signs in again: ended ") || !strings.Contains(out, "\n1 invitations, setup codes and mailed links work no more; hint: ") ||
			!strings.Contains(out, "compare who was put on hold, turned off, reset or deleted after ") {
			t.Errorf("%s: restore says %q", name, out)
		}
		if a := q.run(q.dir, nil, "", "restore", file); a.code != 1 || !strings.Contains(a.err, "not empty") || !strings.Contains(a.err, "\nhint: ") {
			t.Errorf("%s: a second time: %d %s", name, a.code, a.err)
		}
		q.at(then)
		q.start()
		q.quiet("")
		for _, who := range []string{"ada", "person0", "grace", "mary"} {
			forget := regexp.MustCompile(`(?m)^.*(sessions|told).*$`)
			mine, theirs := p.cli("person", "show", who), q.cli("person", "show", who)
			if forget.ReplaceAllString(mine, "") != forget.ReplaceAllString(theirs, "") {
				t.Errorf("%s: %s is\n%s, was\n%s", name, who, theirs, mine)
			}
		}
		// Who was signed in signs in again: it may have ended since (docs/decisions/0023).
		for _, b := range []*browser{ada, load[0]} {
			b.in(q).get("/account/security").is(want{page: "signed-out", texts: []string{"You were signed out by an administrator."}})
		}
		grace.in(q).get("/2fa/start").is(want{page: "sign-in"})
		// What was spent is.
		c := q.browser()
		c.enter("ada", password).is(want{page: "app-code"})
		c.do("Verify", "code", used).is(want{page: "app-code", problem: "#code That code has been used already. Wait for the next one, then enter it."})
		c.get("/2fa/recovery-code")
		c.do("Verify", "recovery", ada.codes[0]).is(want{problem: "#recovery You have used that recovery code already. Try the next one on your list."})
		c.do("Verify", "recovery", ada.codes[1]).is(want{page: "replace"})
		q.browser().get(spent).is(want{status: 410, page: "error"})
		q.browser().get(unspent).is(want{status: 410, page: "error", texts: []string{"There is a newer invitation."}})
		q.browser().enter("person1", password).is(want{status: 429, page: "wait"})
		q.browser().enter("grace", password2).is(want{page: "two-factor-prompt"})
		// And the next is not.
		d := q.browser()
		d.app = app{ada.app.secret, q}
		d.signIn("ada", d.app).is(want{page: "security", texts: []string{"Number ending 143", "8 of 10 left"}})
		d.get("/account/activity").is(want{page: "activity", texts: []string{"2FA set up", "Recovery code used"}})
	}
	ada.get("/account/security").is(want{page: "security"}) // the original goes on
}

func TestABackupOnABareMachine(t *testing.T) {
	t.Parallel()
	p := install(t).onDisk()
	p.add("ada")
	a := p.run(p.dir, nil, "", "backup", "-")
	if a.code != 0 || a.err != "" {
		t.Fatalf("%d %s", a.code, a.err)
	}
	p.write("by-pipe", a.out)
	p.write("some.key", strings.Join([]string{"", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}, "\n"))
	settings, _ := os.ReadFile(filepath.Join(p.dir, "sallyport.yaml"))
	key, _ := os.ReadFile(filepath.Join(p.dir, "sallyport.key"))

	dir := t.TempDir()
	bare := func(in string, args ...string) answer { return p.run(dir, nil, in, args...) }
	if got := bare(a.out, "restore", "-"); got.code != 1 || !strings.Contains(got.err, "key file ./sallyport.key") {
		t.Errorf("without a key: %d %s", got.code, got.err)
	}
	if got := bare(a.out, "restore", "-", "--key", filepath.Join(p.dir, "some.key")); got.code != 1 || !strings.Contains(got.err, "does not hold the key") {
		t.Errorf("with another key: %d %s", got.code, got.err)
	}
	if err := os.WriteFile(filepath.Join(dir, "sallyport.key"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := bare(a.out[:len(a.out)/2], "restore", "-"); got.code != 1 || !strings.Contains(got.err, "no whole backup") {
		t.Errorf("with half of it: %d %s", got.code, got.err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("refused, it wrote %v", files)
	}
	got := bare("", "restore", filepath.Join(p.dir, "by-pipe"), "--json")
	if got.code != 0 || !strings.Contains(got.out, `"people":1,`) || !strings.Contains(got.out, fmt.Sprintf("%q", p.url)) {
		t.Fatalf("%d %s %s", got.code, got.out, got.err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "sallyport.yaml")); string(text) != string(settings) {
		t.Errorf("the settings are %q, %v", text, err)
	}
	if got := bare("", "person", "list"); got.code != 0 || !strings.Contains(got.out, "ada") {
		t.Errorf("%d %s %s", got.code, got.out, got.err)
	}
	for _, row := range []struct {
		words string
		args  []string
	}{
		{"is there already", []string{"backup", filepath.Join(p.dir, "by-pipe")}},
		{"no such file or directory", []string{"backup", "nowhere/x"}},
		{"no such file or directory", []string{"restore", "nowhere/x"}},
		{"no backup of Sallyport", []string{"restore", "sallyport.yaml"}},
	} {
		if got := bare("", row.args...); got.code != 1 || !strings.Contains(got.err, row.words) || !strings.Contains(got.err, "\nhint: ") {
			t.Errorf("%v: %d %s", row.args, got.code, got.err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(p.dir, "by-pipe")); string(text) != a.out {
		t.Errorf("a backup was written over another, %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// Who moves to a new machine is told which files go along, and nothing is written before.
func TestARestoreWithoutTheFilesThatTheSettingsName(t *testing.T) {
	t.Parallel()
	p := install(t)
	p.add("ada")
	p.write("sallyport.yaml", p.file("sallyport.yaml")+"mail: {server: 'smtp://u@127.0.0.1:1', password_file: ./mail.secret, from: a@example.org}\n")
	p.write("mail.secret", "swordfish")
	p.cli("backup", "portal.backup")
	dir := p.bare("portal.backup", "sallyport.key")
	a := p.run(dir, nil, "", "restore", "portal.backup")
	if a.code != 1 || !strings.Contains(a.err, "sallyport: the settings in the backup do not fit this machine: ") || !strings.Contains(a.err, `"mail.secret" cannot be read: no such file`) ||
		!strings.Contains(a.err, "\nhint: bring the files that they name, or write a settings file first") {
		t.Errorf("%d %s", a.code, a.err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("refused, it wrote %v", left)
	}
}

// A backup that fails leaves no file of its name, nor any other.
func TestABackupThatFails(t *testing.T) {
	t.Parallel()
	p := install(t)
	p.add("ada")
	key, _ := os.ReadFile(filepath.Join(p.dir, "sallyport.key"))
	p.write("sallyport.key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
	if a := p.run(p.dir, nil, "", "backup", "portal.backup"); a.code != 1 || !strings.Contains(a.err, "does not hold the key") || !strings.Contains(a.err, "hint: ") {
		t.Errorf("%d %s", a.code, a.err)
	}
	if left, _ := filepath.Glob(filepath.Join(p.dir, "*portal.backup*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if left, _ := filepath.Glob(filepath.Join(p.dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	p.write("sallyport.key", string(key))
	p.cli("backup", "portal.backup")
}

var shMark = regexp.MustCompile("(?ms)^(## [^\n]*)$|^```sh\n(.*?)^```$")

// What docs/operate/backup.md prints is run, from its top to its end.
func TestTheManualOfBackups(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/operate/backup.md")
	if err != nil {
		t.Fatal(err)
	}
	p := install(t).onDisk()
	p.start()
	t.Cleanup(p.stop)
	p.add("ada")
	if err := os.Symlink(program, filepath.Join(p.dir, "sallyport")); err != nil {
		t.Fatal(err)
	}
	database := storetest.Postgres(t)
	const address = "postgres://sallyport:secret@db.example.org/sallyport"
	section, n := "", 0
	for _, m := range shMark.FindAllStringSubmatch(string(text), -1) {
		if m[1] != "" {
			section, n = m[1], 0
			continue
		}
		n++
		script := strings.ReplaceAll(m[2], address, "'"+database+"'")
		dir := p.dir
		where := fmt.Sprint(section, " ", n)
		switch where {
		case "## Back up 1", "## Back up 2", "## Upgrade, and the way back 1", "## Upgrade, and the way back 2": // beside the portal
		case "## Restore 1":
			p.cli("backup", "sallyport.backup")
			dir = p.bare("sallyport.backup", "sallyport.key")
		case "## Restore 2", "## Move from SQLite to PostgreSQL, or back 1", "## Upgrade, and the way back 3":
			p.stop()
		default:
			t.Errorf("%s: nobody knows how this is run:\n%s", where, script)
			continue
		}
		cmd := exec.Command("sh", "-euc", script)
		cmd.Dir, cmd.Env = dir, append(p.env(), "PATH="+p.dir+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s\n%s", where, err, script, out)
		}
		switch where {
		case "## Back up 2":
			if !strings.Contains(string(out), "\nada ") {
				t.Errorf("%s: the trial shows\n%s", where, out)
			}
		case "## Restore 1":
			if a := p.run(dir, nil, "", "person", "list"); !strings.Contains(a.out, "\nada ") {
				t.Errorf("%s: on the new machine are\n%s%s", where, a.out, a.err)
			}
		case "## Restore 2", "## Upgrade, and the way back 3":
			p.start()
		case "## Move from SQLite to PostgreSQL, or back 1":
			settings, _ := os.ReadFile(filepath.Join(p.dir, "sallyport.yaml"))
			p.write("sallyport.yaml", string(settings)+fmt.Sprintf("database: %q\n", database))
			p.start()
			p.browser().enter("ada", password).is(want{page: "two-factor-prompt"})
			p.stop()
			p.write("sallyport.yaml", string(settings))
			p.start()
		}
		p.browser().enter("ada", password).is(want{page: "two-factor-prompt"})
	}
	if section != "## Upgrade, and the way back" || n != 3 {
		t.Errorf("the manual ends with block %d of %q", n, section)
	}
}

// bare is a new folder with some of the portal's files alone.
func (p *portal) bare(names ...string) string {
	p.t.Helper()
	dir := p.t.TempDir()
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(p.dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
		}
		if err != nil {
			p.t.Fatal(err)
		}
	}
	return dir
}

func TestTheDoctorLooksAtTheDatabase(t *testing.T) {
	t.Parallel()
	p := install(t).onDisk()
	doctor := func(code int, has ...string) {
		t.Helper()
		a := p.run(p.dir, nil, "", "doctor")
		for _, has := range has {
			if a.code != code || !strings.Contains(a.out, has) {
				t.Errorf("exit %d, not %d, or without %q:\n%s%s", a.code, code, has, a.out, a.err)
			}
		}
	}
	doctor(0, "note   there is no database yet")
	file := filepath.Join(p.dir, "data", "sallyport.db")
	doctor(0, "ok     the database has schema version ", "ok     data has ", " GiB free of ")
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	doctor(1, "fault  data/sallyport.db can be read by others", "hint: chmod 600 data/sallyport.db")
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	doctor(0, "the database and its keys open")

	// Of a program that was replaced but not started yet.
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("DELETE FROM goose_db_version WHERE version_id > 1"); err != nil {
		t.Fatal(err)
	}
	doctor(1, "fault  the database has schema version 1, which sallyport serve brings to ", "hint: take a backup, then restart the portal")
	var have int
	if err := db.QueryRow("SELECT MAX(version_id) FROM goose_db_version").Scan(&have); err != nil || have != 1 {
		t.Errorf("looking brought the database to version %d, %v", have, err)
	}
}
