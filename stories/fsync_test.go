package stories_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"sallyport/back/storetest"
)

const straceHint = "hint: apt-get install -y --no-install-recommends strace; it must be allowed to trace what it starts: a container may need --cap-add SYS_PTRACE, and kernel.yama.ptrace_scope must not be 3"

// shaky is a folder on a disk that can lose what was written: while it goes by its
// second name, strace lets no file in it be synced. A count of calls would not do,
// for strace counts by thread, and Go runs a goroutine now on this, now on that.
type shaky struct {
	t            *testing.T
	folder, lost string
	under        []string // what is to run on it runs under this
}

func newShaky(t *testing.T, folder string, files ...string) shaky {
	t.Helper()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	parent, err := filepath.EvalSymlinks(filepath.Dir(folder)) // as strace reads them
	if err != nil {
		t.Fatal(err)
	}
	s := shaky{t, folder, filepath.Join(parent, "lost"), nil}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatalf("%v\n%s", err, straceHint)
	}
	s.under = []string{strace, "-D", "-f", "-q", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO"}
	for _, name := range append(files, "", "probe") {
		s.under = append(s.under, "-P", filepath.Join(s.lost, name))
	}

	// Without leave to trace, strace would just run what it is given.
	probe := filepath.Join(folder, "probe")
	if err := os.WriteFile(probe, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	sync := append(slices.Clone(s.under[1:]), "sync", probe)
	if out, err := exec.Command(strace, sync...).CombinedOutput(); err != nil {
		t.Fatalf("a sync that is let pass: %v\n%s\n%s", err, out, straceHint)
	}
	s.fails()
	if out, err := exec.Command(strace, sync...).CombinedOutput(); err == nil || !strings.Contains(string(out), "Input/output error") {
		t.Fatalf("no sync can be made fail: %v\n%s\n%s", err, out, straceHint)
	}
	s.works()
	if err := os.Remove(probe); err != nil {
		t.Fatal(err)
	}
	return s
}

// fails lets no sync succeed from now on. The folder is found by its first name still.
func (s shaky) fails() {
	s.t.Helper()
	if err := os.Rename(s.folder, s.lost); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Symlink(s.lost, s.folder); err != nil {
		s.t.Fatal(err)
	}
}

func (s shaky) works() {
	s.t.Helper()
	if err := os.Remove(s.folder); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(s.lost, s.folder); err != nil {
		s.t.Fatal(err)
	}
}

// use is a code that serves once, and the browser of whoever is about to enter it.
type use struct {
	t                  *testing.T
	p                  *portal
	b, other           *browser
	field, code        string
	event, leads, used string // what it writes, where it leads, what other is told afterwards
	made               time.Time
	before             int
}

func (u *use) enter(b *browser) *page {
	u.t.Helper()
	u.p.rewind(u.made)
	u.made = time.Now()
	return b.press("Verify", u.field, u.code)
}

func (u *use) written() int {
	u.t.Helper()
	return u.p.count("SELECT COUNT(*) FROM audit WHERE event = '" + u.event + "'")
}

// lost enters the code while nothing can be kept, from that moment on: nobody is let in.
func (u *use) lost(disk shaky) {
	u.t.Helper()
	disk.fails()
	answer := u.enter(u.b)
	answer.outage()
	answer.tellsNoInside()
	if u.b.cookies["session"] != "" {
		u.t.Errorf("%s: a session of what was not kept", u.event)
	}
}

// once enters the code again, when all is well: it serves whoever entered it first,
// unless the disk had it after all, and nobody else.
func (u *use) once() {
	u.t.Helper()
	kept := u.written() - u.before
	page := u.b.follow(u.enter(u.b))
	told := strings.Join(page.problems(), "")
	switch {
	case page.name() == u.leads:
	case kept == 1 && told == u.used:
	default:
		u.t.Errorf("%s, kept %d times, leads to %s (%d), %q: %s", u.event, kept, page.name(), page.status, told, page.brief())
	}
	u.t.Logf("%s: kept %d times, then %s %q", u.event, kept, page.name(), told)
	if u.used != "" {
		u.other.follow(u.enter(u.other)).is(want{problem: u.used})
	} else {
		u.enter(u.other)
	}
	if n := u.written() - u.before; n != 1 {
		u.t.Errorf("%s is written %d times of one code", u.event, n)
	}
}

// tellsNoInside says that a page has nothing that helps only who made the program.
func (p *page) tellsNoInside() {
	p.t.Helper()
	for _, word := range []string{"disk", "I/O", "SQLITE", "database", "commit", "goroutine", ".go:", "PANIC"} {
		if strings.Contains(p.body, word) {
			p.t.Errorf("%s tells %q: %s", p.url, word, p.brief())
		}
	}
}

// uses are codes of ada, who has an app, and of somebody new for each text.
func (p *portal) uses(owner *browser, n int) []*use {
	p.t.Helper()
	name := fmt.Sprintf("person%d", n)
	typed, to := washington(n)
	p.add(name)
	wizard := p.atNumber(name)
	wizard.do("Send SMS", "phone", typed).is(want{page: "setup-phone-code"})
	texted := p.code(to)
	p.move(31 * time.Second)
	at := func(path string) *browser {
		b := p.browser()
		b.enter("ada", password)
		b.get(path)
		return b
	}
	now := time.Now()
	uses := []*use{
		{p.t, p, at("/2fa"), at("/2fa"), "code", owner.app.code(), "signed-in", "security", "#code " + usedCode, now, 0},
		{p.t, p, at("/2fa/recovery-code"), at("/2fa/recovery-code"), "recovery", owner.codes[n], "recovery-code-used", "replace",
			"#recovery You have used that recovery code already. Try the next one on your list.", now, 0},
		{p.t, p, wizard, wizard.twin(), "code", texted, "number-proved", "setup-scan", "", now, 0},
	}
	for _, u := range uses {
		u.before = u.written()
	}
	return uses
}

// sallyportDB are the files of the embedded database.
var sallyportDB = []string{"sallyport.db", "sallyport.db-wal", "sallyport.db-journal"}

const diskHint = "hint: see what the system says of the disk of the data folder (dmesg); where it fails, move the folder to another"

// TestFailedSyncs lets the disk lose what the embedded database has written: once,
// until the portal is killed, and until somebody has seen to it.
func TestFailedSyncs(t *testing.T) {
	t.Parallel()
	p := install(t, settings{embedded: true})
	disk := newShaky(t, filepath.Join(p.dir, "data"), sallyportDB...)
	p.under = disk.under
	p.serve()
	owner := p.enrol("ada")

	for _, u := range p.uses(owner, 0) {
		u.lost(disk)
		disk.works()
		u.once()
	}

	// Nobody knows whether the last change is there then, but what was answered is.
	for i, u := range p.uses(owner, 1) {
		late := fmt.Sprintf("late%d", i)
		p.add(late)
		u.lost(disk)
		p.end(syscall.SIGKILL)
		disk.works()
		p.start()
		u.once()
		owner.get("/account/security").is(want{page: "security"})
		p.browser().enter(late, password).is(want{page: "two-factor-prompt"})
	}

	guest, wizard := p.browser(), p.atNumber("late0")
	guest.get("/sign-in")
	typed, to := washington(9)
	owner.get("/account/password")
	disk.fails()
	p.becomes("/readyz", http.StatusServiceUnavailable)
	if got := p.status("/healthz"); got != http.StatusOK {
		t.Errorf("/healthz: %d", got)
	}
	refused := guest.press("Sign in", "username", "ada", "password", password)
	refused.is(want{status: 503, page: "sign-in", notice: signInOutage, retry: "5"}).opensNothing()
	refused.tellsNoInside()
	wizard.press("Send SMS", "phone", typed).outage()
	owner.press("Save password", "password", password2).outage()
	owner.get("/sign-out")
	owner.press("Sign out").outage()
	owner.get("/account/security").is(want{page: "security"})
	if a := p.run(p.dir, nil, "", "person", "add", "mallory"); a.code != 1 || !strings.Contains(a.err, "disk I/O error") || !strings.Contains(a.err, "\n"+diskHint) || a.out != "" {
		t.Errorf("person add: %d\n%s%s", a.code, a.out, a.err)
	}
	p.quiet(to)
	p.becomes("/readyz", http.StatusServiceUnavailable) // if any change is found at the new start, it is the last one: this
	p.stop()                                            // its last sync fails too
	p.start()
	p.becomes("/readyz", http.StatusServiceUnavailable)
	for _, message := range []string{"request failed", "sign-in failed", "not ready"} {
		if !regexp.MustCompile(`msg="` + message + `".* error="[^"]*disk I/O error \(\d+\); ` + regexp.QuoteMeta(diskHint) + `"`).MatchString(p.log.String()) {
			t.Errorf("no %q says what to do", message)
		}
	}

	disk.works()
	p.becomes("/readyz", http.StatusOK)
	p.end(syscall.SIGKILL)
	p.under = nil
	p.start()
	guest.do("Sign in", "username", "ada", "password", password).is(want{page: "app-code"})
	wizard.do("Send SMS", "phone", typed).is(want{page: "setup-phone-code"})
	wizard.do("Verify", "code", p.code(to)).is(want{page: "setup-scan"})
	owner.get("/sign-out")
	owner.do("Sign out").is(want{page: "signed-out"})
	p.add("mallory")
	p.stop()
	if verdict := p.query("PRAGMA integrity_check"); verdict != "ok" {
		t.Errorf("the database is %s", verdict)
	}
}

// TestAnInstallationThatBeganWithFailedSyncs goes on when there are others.
func TestAnInstallationThatBeganWithFailedSyncs(t *testing.T) {
	t.Parallel()
	p := install(t, settings{embedded: true})
	disk := newShaky(t, filepath.Join(p.dir, "data"), sallyportDB...)
	p.under = disk.under
	disk.fails()
	for range 2 {
		if a := p.run(p.dir, nil, "", "serve"); a.code != 1 || !strings.Contains(a.err, "disk I/O error") || !strings.Contains(a.err, "\n"+diskHint) {
			t.Errorf("exit %d\n%s%s", a.code, a.out, a.err)
		}
	}
	disk.works()
	p.serve()
	p.add("ada")
	p.browser().enter("ada", password).is(want{page: "two-factor-prompt"})
}

// TestFailedSyncsOfPostgreSQL: the server panics, and ends when its log cannot be
// synced at its new start either.
func TestFailedSyncsOfPostgreSQL(t *testing.T) {
	t.Parallel()
	server := storetest.StartServer(t)
	server.Stop()
	disk := newShaky(t, server.Log(), "000000010000000000000001", "000000010000000000000002", "000000010000000000000003")
	server.Under(disk.under...)
	server.Start()
	p := open(t, settings{database: server.DSN()})
	owner := p.enrol("ada")
	uses := p.uses(owner, 0)
	p.add("late")
	uses[0].lost(disk)
	p.becomes("/readyz", http.StatusServiceUnavailable)
	if got := p.status("/healthz"); got != http.StatusOK {
		t.Errorf("/healthz: %d", got)
	}
	for _, u := range uses[1:] {
		u.enter(u.b).outage()
	}
	disk.works()
	server.Stop()
	server.Start()
	p.becomes("/readyz", http.StatusOK)
	for _, u := range uses {
		u.once()
	}
	owner.get("/account/security").is(want{page: "security"})
	p.browser().enter("late", password).is(want{page: "two-factor-prompt"})
}
