package stories_test

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sallyport/back/store"
	"sallyport/back/storetest"
)

// capSysAdmin is the capability that mounting takes.
const capSysAdmin = 21

const mountHint = "hint: run the tests as root, or let users have namespaces: " +
	"sysctl -w user.max_user_namespaces=10000 kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0; a container needs --cap-add SYS_ADMIN"

// apart runs the test once more in a process that may mount what it likes: root
// in a mount namespace, anybody else in one of a user namespace, with their own
// uid. What is mounted there goes with the process, however it ends. It says
// whether this is that process. without names what its environment lacks.
func apart(t *testing.T, without ...string) bool {
	t.Helper()
	if os.Getenv("STORIES_APART") == t.Name() {
		alone(t)
		return true
	}
	attributes := []*syscall.SysProcAttr{{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}},
		AmbientCaps: []uintptr{capSysAdmin}}}
	if os.Geteuid() == 0 {
		attributes = append([]*syscall.SysProcAttr{{Cloneflags: syscall.CLONE_NEWNS}}, attributes...)
	}
	var out []byte
	var err error
	for _, a := range attributes {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=4m")
		cmd.Env = append(os.Environ(), "STORIES_APART="+t.Name(), "STORIES_PROGRAM="+program)
		for _, name := range without {
			cmd.Env = append(cmd.Env, name+"=")
		}
		cmd.SysProcAttr = a
		out, err = cmd.CombinedOutput()
		if cmd.Process != nil {
			break
		}
	}
	switch {
	case err != nil && len(out) == 0:
		t.Fatalf("no namespace: %v\n%s", err, mountHint)
	case err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()+" "):
		t.Fatalf("%v\n%s", err, out)
	}
	return false
}

var alone = func() func(*testing.T) {
	var once sync.Once
	return func(t *testing.T) {
		once.Do(func() {
			if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
				t.Fatalf("keep mounts to ourselves: %v\n%s", err, mountHint)
			}
		})
	}
}()

// disk is a file system of a few megabytes.
type disk struct {
	t      *testing.T
	folder string
}

func newDisk(t *testing.T, folder, options string) disk {
	t.Helper()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("none", folder, "tmpfs", 0, options); err != nil {
		t.Fatalf("mount: %v\n%s", err, mountHint)
	}
	t.Cleanup(func() { syscall.Unmount(folder, syscall.MNT_DETACH) })
	return disk{t, folder}
}

// fill leaves no byte free.
func (d disk) fill() {
	d.t.Helper()
	f, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	for page := make([]byte, 4096); err == nil; {
		_, err = f.Write(page)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		d.t.Fatal(err)
	}
}

// fillNames leaves no name for another file, and all the bytes.
func (d disk) fillNames() {
	d.t.Helper()
	var err error
	for i := 0; err == nil; i++ {
		err = os.WriteFile(fmt.Sprintf("%s-%d", d.ballast(), i), nil, 0o600)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		d.t.Fatal(err)
	}
}

func (d disk) free() {
	d.t.Helper()
	names, err := filepath.Glob(d.ballast() + "*")
	for _, name := range names {
		err = errors.Join(err, os.Remove(name))
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d disk) ballast() string { return filepath.Join(d.folder, "ballast") }

// base is the database of a portal without the portal.
func (p *portal) base() *sql.DB {
	p.t.Helper()
	driver, address := "sqlite", "file:"+filepath.Join(p.dir, "data", "sallyport.db")+"?_pragma=busy_timeout(5000)"
	text, err := os.ReadFile(filepath.Join(p.dir, "sallyport.yaml"))
	if err != nil {
		p.t.Fatal(err)
	}
	if m := regexp.MustCompile(`(?m)^database: "(.*)"$`).FindSubmatch(text); m != nil {
		driver, address = "pgx", string(m[1])
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { db.Close() })
	return db
}

// query is one value of the database.
func (p *portal) query(text string) (value string) {
	p.t.Helper()
	db := p.base()
	defer db.Close()
	if err := db.QueryRow(text).Scan(&value); err != nil {
		p.t.Fatalf("%s: %v", text, err)
	}
	return value
}

// tables are all that a database has, as the migrations make them.
func tables(t *testing.T, db *sql.DB) (names []string) {
	t.Helper()
	version, err := store.SchemaVersion(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	list, err := store.Options{}.Tables(t.Context(), version)
	if err != nil || len(list) < 25 {
		t.Fatal(list, err)
	}
	for _, table := range list {
		names = append(names, table.Name)
	}
	return names
}

// byItself is what a portal writes whoever asks for what: no digest takes it.
var byItself = map[string]string{
	"audit_chain":   "the linker moves its end, within a second of a commit",
	"audit_heads":   "the linker signs where the chain ends",
	"audit_places":  "the linker gives entries their places, within a second of their commit",
	"audit_waiting": "entries wait there for the linker",
	"leases":        "the node that links renews its own",
	"nodes":         "each node gives a sign of life",
}

// inPart is what a digest takes of tables of which something is written by itself.
var inPart = map[string]string{
	"audit": "SELECT id, at, person, actor, event, method, reason, attempt, detail, mac, parts_hash FROM audit", // without what the linker fills in
	"meta":  "SELECT * FROM meta WHERE name <> 'probe'",                                                         // /readyz asks whether a write is taken by one
}

// digest tells apart any two states of the database, by its tables, when what is under
// way has ended.
func (p *portal) digest() map[string]string {
	p.t.Helper()
	db := p.base()
	defer db.Close()
	all := tables(p.t, db)
	take := func() map[string]string {
		sums := map[string]string{}
		for _, table := range all {
			if byItself[table] != "" {
				continue
			}
			query := inPart[table]
			if query == "" {
				query = "SELECT * FROM " + table
			}
			rows, err := db.Query(query + " ORDER BY 1")
			if err != nil {
				p.t.Fatal(err)
			}
			names, _ := rows.Columns()
			sum := sha256.New()
			for rows.Next() {
				values, into := make([]any, len(names)), make([]any, len(names))
				for i := range values {
					into[i] = &values[i]
				}
				if err := rows.Scan(into...); err != nil {
					p.t.Fatal(err)
				}
				fmt.Fprintf(sum, "%q\n", values)
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil {
				p.t.Fatal(err)
			}
			sums[table] = hex.EncodeToString(sum.Sum(nil)[:4])
		}
		return sums
	}
	for before, n := take(), 0; ; n++ {
		time.Sleep(300 * time.Millisecond)
		now := take()
		if maps.Equal(now, before) {
			return now
		}
		if before = now; n > 30 {
			p.t.Fatal("the database does not come to rest")
		}
	}
}

// outage is the page of S18 for a problem at our end that passes: nothing is
// opened by it and no cookie changes but that of the forms.
func (p *page) outage() {
	p.t.Helper()
	p.is(want{status: 503, page: "error", h1: "There is a problem with Example", title: "There is a problem with Example – Example", retry: "5",
		texts: []string{"Try again in a few minutes. What you entered before this page is saved."}})
	if !regexp.MustCompile(`\b[A-Z2-7]{4}-[A-Z2-7]{4}\b`).MatchString(p.text()) {
		p.t.Errorf("%s: no reference in %q", p.url, p.text())
	}
	p.opensNothing()
}

func (p *page) opensNothing() {
	p.t.Helper()
	for _, c := range (&http.Response{Header: p.header}).Cookies() {
		if c.Name != "csrf" {
			p.t.Errorf("%s sets the cookie %s", p.url, c.Name)
		}
	}
}

// rewind takes the clock of the portal back to where it was at a moment, so that a
// code of then is still right, however busy this machine is.
func (p *portal) rewind(to time.Time) { p.move(-time.Since(to)) }

const signInOutage = "We cannot check passwords right now. This is a problem at our end. Try again in a few minutes."

// TestFullDisk fills the file system of the data folder in the middle of every
// kind of step, and gives it room again.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	if !apart(t, "STORIES_DATABASE") {
		return
	}
	p := install(t)
	d := newDisk(t, filepath.Join(p.dir, "data"), "size=4m")
	p.serve()

	owner := p.enrol("ada")
	dispute := dispute(p.lines(e164)[1].Text)
	p.add("grace")
	wizard := p.browser()
	wizard.enter("grace", password)
	wizard.click("Configure 2FA")
	wizard.do("Continue")
	wizard.do("Send SMS", "phone", number2).is(want{page: "setup-phone-code"})
	texted := p.code(e164two)
	p.add("linus")
	offered := p.browser()
	offered.enter("linus", password)
	offered.click("Configure 2FA").is(want{page: "setup-app"})
	guest := p.browser()
	guest.get(p.invitation("person", "add", "eve"))
	p.move(31 * time.Second)
	coming := p.browser()
	coming.enter("ada", password).is(want{page: "app-code"})
	lost := p.browser()
	lost.enter("ada", password)
	lost.get("/2fa/recovery-code").is(want{page: "recovery-code"})
	stranger, outside := p.browser(), p.browser()
	outside.get(dispute)
	code, made := owner.app.code(), time.Now()
	not := "000000"
	if not == texted {
		not = "000001"
	}
	before := p.digest()

	d.fill()
	p.becomes("/readyz", http.StatusServiceUnavailable)
	if got := p.status("/healthz"); got != http.StatusOK {
		t.Errorf("/healthz: %d", got)
	}
	for _, name := range []string{"ada", "nobody"} {
		for _, word := range []string{password, "wrong words here"} {
			b := p.browser()
			b.get("/sign-in").is(want{page: "sign-in"})
			b.press("Sign in", "username", name, "password", word).is(want{status: 503, page: "sign-in", h1: "Sign in", notice: signInOutage, retry: "5",
				kept: []string{"username", name, "password", ""}}).opensNothing()
		}
	}
	for range 12 { // more than the budget of either has
		stranger.get("/sign-in")
		stranger.press("Sign in", "username", "ada", "password", "wrong words here").is(want{status: 503, notice: signInOutage})
		coming.press("Verify", "code", owner.app.wrong()).outage()
		wizard.press("Verify", "code", not).outage()
	}
	coming.press("Verify", "code", code).outage()
	lost.press("Verify", "recovery", owner.codes[0]).outage()
	wizard.press("Verify", "code", texted).outage()
	wizard.press("Send SMS again").outage()
	offered.press("Continue").outage()
	guest.press("Save password", "password", password).outage()
	outside.press("It was not me").is(want{status: 503, page: "not-me", h1: "Was this not you?", retry: "5",
		notice: "We cannot do this right now. Try again in a few minutes, and contact the service desk.",
		texts:  []string{p.now().UTC().Format("2 Jan") + " ", " 2FA was set up for your Example account."}})
	owner.get("/account/security").is(want{page: "security"}) // what reads alone goes on
	owner.get("/account/password")
	owner.press("Save password", "password", password2).outage()
	owner.get("/sign-out")
	owner.press("Sign out").outage()
	owner.get("/account/security").is(want{page: "security"})
	if a := p.run(p.dir, nil, "", "person", "add", "mallory"); a.code != 1 || !strings.Contains(a.err, "\nhint: ") || a.out != "" {
		t.Errorf("person add: %d\n%s%s", a.code, a.out, a.err)
	}
	p.quiet(e164)
	p.quiet(e164two)

	d.free()
	p.becomes("/readyz", http.StatusOK)
	if after := p.digest(); !maps.Equal(before, after) {
		t.Errorf("something was written:\n%v\n%v", before, after)
	}
	stranger.get("/sign-in")
	stranger.do("Sign in", "username", "ada", "password", password).is(want{page: "app-code"})
	for range 6 {
		stranger.do("Verify", "code", owner.app.wrong()).is(want{page: "app-code", status: 422, problem: "#code That code is not correct. Enter the code showing now for Example (ada)."})
	}
	stranger.do("Verify", "code", owner.app.wrong()).is(want{problem: "#code That code is not correct. Enter the code showing now for Example (ada). You have 3 tries left."})
	coming.get("/2fa")
	p.rewind(made)
	coming.do("Verify", "code", code).is(want{page: "security"})
	lost.get("/2fa/recovery-code")
	lost.do("Verify", "recovery", owner.codes[0]).is(want{page: "replace"})
	wizard.get("/2fa/setup/phone/code")
	wizard.do("Verify", "code", texted).is(want{page: "setup-scan"})
	offered.get("/2fa/setup/app")
	offered.do("Continue").is(want{page: "setup-phone"})
	guest.do("Save password", "password", password).is(want{page: "two-factor-prompt"})
	owner.get("/sign-out")
	owner.do("Sign out").is(want{page: "signed-out"})
	outside.get(dispute)
	outside.do("It was not me").is(want{page: "not-me", h1: "Your account is on hold"})

	// Stopped and started while it is full it waits for room; what was written
	// before is whole.
	d.fill()
	p.stop()
	p.start()
	p.becomes("/readyz", http.StatusServiceUnavailable)
	d.free()
	p.becomes("/readyz", http.StatusOK)
	p.stop()
	if verdict := p.query("PRAGMA integrity_check"); verdict != "ok" {
		t.Errorf("the database is %s", verdict)
	}
	p.start()
	p.browser().enter("ada", password).is(want{status: 403, page: "held"})
	wizard.get("/2fa/setup/scan")
	wizard.app = wizard.scan()
	wizard.do("Continue")
	wizard.do("Verify", "code", wizard.app.code()).is(want{page: "setup-finish"})
}

const textOutage = "We could not send the text message. This is a problem at our end. Try again in a few minutes. Your number is kept."

// shows waits until a page has a notice, as people do who load it again.
func (b *browser) shows(path, notice string) {
	b.t.Helper()
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		b.get(path)
		if strings.Contains(strings.Join(b.page.notices(), "|"), notice) {
			break
		}
		if time.Now().After(end) {
			b.t.Fatalf("%s has the notices %q, not %q", path, b.page.notices(), notice)
		}
	}
	if strings.Contains(b.page.body, "data-delivery") {
		b.t.Error("the script would go on to ask, and load the page again and again")
	}
}

// newest is what the database says of the newest text message.
func (p *portal) newest(column string) string {
	p.t.Helper()
	return p.query("SELECT " + column + " FROM messages ORDER BY made_at DESC LIMIT 1")
}

// TestFullDiskOfTexts fills the file system of the outbox alone, so that a line
// of it would be cut in the middle.
func TestFullDiskOfTexts(t *testing.T) {
	t.Parallel()
	if !apart(t) {
		return
	}
	p := install(t)
	folder := filepath.Join(p.dir, "texts")
	d := newDisk(t, folder, "size=64k")
	if err := os.Symlink(filepath.Join("texts", "outbox.jsonl"), filepath.Join(p.dir, "outbox.jsonl")); err != nil {
		t.Fatal(err)
	}
	earlier := `{"to":"+12025550100","text":"` + strings.Repeat("x", 4000) + "\"}\n" // the page of 4096 bytes has room for half of the next
	p.write("outbox.jsonl", earlier)
	p.serve()
	p.add("ada")
	b := p.browser()
	b.enter("ada", password)
	b.click("Configure 2FA")
	b.do("Continue")

	d.fill()
	b.do("Send SMS", "phone", number).is(want{page: "setup-phone-code"})
	b.shows("/2fa/setup/phone/code", textOutage)
	if state, reason := p.newest("state"), p.newest("reason"); state != "failed" || !strings.Contains(reason, "no space left on device") {
		t.Errorf("the row is %s: %s", state, reason)
	}
	if raw, err := os.ReadFile(filepath.Join(p.dir, "outbox.jsonl")); err != nil || string(raw) != earlier {
		t.Errorf("the outbox ends in %q, %v", raw[max(0, len(raw)-200):], err)
	}
	if got := p.status("/readyz"); got != http.StatusOK {
		t.Errorf("/readyz: %d: the database takes writes", got)
	}
	b.get("/2fa/setup/phone?other=yes").is(want{page: "setup-phone", kept: []string{"phone", number}})

	d.free()
	p.quiet(e164) // what was told as failed is not sent by itself
	p.move(31 * time.Second)
	b.get("/2fa/setup/phone/code")
	b.do("Send SMS again").is(want{page: "setup-phone-code", notice: "We sent the code again. It is the same code."})
	b.do("Verify", "code", p.code(e164)).is(want{page: "setup-scan"})
}

// TestFullDiskOfAll has data and outbox on one file system: at first there is no
// name left for the outbox, then no byte for anything.
func TestFullDiskOfAll(t *testing.T) {
	t.Parallel()
	if !apart(t, "STORIES_DATABASE") {
		return
	}
	p := install(t)
	d := newDisk(t, filepath.Join(p.dir, "data"), "size=4m,nr_inodes=50")
	if err := os.Symlink(filepath.Join("data", "outbox.jsonl"), filepath.Join(p.dir, "outbox.jsonl")); err != nil {
		t.Fatal(err)
	}
	p.serve()
	p.add("ada")
	b := p.browser()
	b.enter("ada", password)
	b.click("Configure 2FA")
	b.do("Continue")

	d.fillNames()
	b.do("Send SMS", "phone", number).is(want{page: "setup-phone-code"})
	b.shows("/2fa/setup/phone/code", textOutage)
	if state, reason := p.newest("state"), p.newest("reason"); state != "failed" || !strings.Contains(reason, "no space left on device") {
		t.Errorf("the row is %s: %s", state, reason)
	}
	p.becomes("/readyz", http.StatusOK)
	d.free()
	p.move(31 * time.Second)
	b.do("Send SMS again").is(want{page: "setup-phone-code"})
	code := p.code(e164)

	p.add("grace")
	g := p.browser()
	g.enter("grace", password)
	g.click("Configure 2FA")
	g.do("Continue").is(want{page: "setup-phone"})
	before := p.digest()
	d.fill()
	p.becomes("/readyz", http.StatusServiceUnavailable)
	g.press("Send SMS", "phone", number2).outage()
	b.press("Verify", "code", code).outage()
	p.quiet(e164two)
	d.free()
	p.becomes("/readyz", http.StatusOK)
	if after := p.digest(); !maps.Equal(before, after) {
		t.Errorf("something was written:\n%v\n%v", before, after)
	}
	p.quiet(e164two)
	g.get("/2fa/setup/phone")
	g.do("Send SMS", "phone", number2).is(want{page: "setup-phone-code"})
	g.do("Verify", "code", p.code(e164two)).is(want{page: "setup-scan"})
	b.get("/2fa/setup/phone/code")
	b.do("Verify", "code", code).is(want{page: "setup-scan"})
	p.stop()
	if verdict := p.query("PRAGMA integrity_check"); verdict != "ok" {
		t.Errorf("the database is %s", verdict)
	}
}

// TestFullDiskOfPostgreSQL fills the file system of a server: at first its tables
// cannot grow, then it cannot write its log, and it ends.
func TestFullDiskOfPostgreSQL(t *testing.T) {
	t.Parallel()
	if !apart(t) {
		return
	}
	folder, err := os.MkdirTemp("", "sallyport-full-") // its owner is not the server's, nor may go in
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(folder) })
	d := newDisk(t, folder, "size=128m")
	server := storetest.StartServer(t, folder)
	p := open(t, settings{database: server.DSN()})
	owner := p.enrol("ada")
	p.move(31 * time.Second)
	b := p.browser()
	b.enter("ada", password).is(want{page: "app-code"})
	code, made := owner.app.code(), time.Now()

	// Rows that were linked leave room in their pages, which is to be filled too.
	for p.count("SELECT COUNT(*) FROM audit_waiting") > 0 {
		time.Sleep(50 * time.Millisecond)
	}
	db := p.base()
	if _, err := db.Exec("VACUUM"); err != nil {
		t.Fatal(err)
	}
	p.digest() // a new connection writes the file that VACUUM has made void
	d.fill()
	for i := 0; err == nil; i++ {
		// Linked already, so that the linker does not make room again by failing.
		_, err = db.Exec("INSERT INTO audit VALUES ($1, 0, '', '', '', '', '', '', '', '', '', $2)", fmt.Sprint("filling ", i), 1_000_000+i)
	}
	if !strings.Contains(err.Error(), "No space left on device") {
		t.Fatal(err)
	}
	before := p.digest()
	b.press("Verify", "code", code).outage()
	p.becomes("/readyz", http.StatusServiceUnavailable)
	if got := p.status("/healthz"); got != http.StatusOK {
		t.Errorf("/healthz: %d", got)
	}
	if after := p.digest(); !maps.Equal(before, after) {
		t.Errorf("something was written:\n%v\n%v", before, after)
	}

	if _, err := db.Exec("SELECT pg_switch_wal()"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	b.press("Verify", "code", code).outage()
	p.becomes("/readyz", http.StatusServiceUnavailable)
	d.free()
	server.Stop()
	server.Start()
	p.becomes("/readyz", http.StatusOK)
	if after := p.digest(); !maps.Equal(before, after) {
		t.Errorf("something was written:\n%v\n%v", before, after)
	}
	b.get("/2fa")
	p.rewind(made)
	b.do("Verify", "code", code).is(want{page: "security"})
}
