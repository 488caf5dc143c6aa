package stories_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// count asks the database itself.
func (p *portal) count(query string) (n int) {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, "sallyport.yaml"))
	if err != nil {
		p.t.Fatal(err)
	}
	driver, address := "pgx", between(string(text), `database: "`, `"`)
	if address == "" {
		driver, address = "sqlite", "file:"+filepath.Join(p.dir, "data", "sallyport.db")+"?mode=ro&_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		p.t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(p.t.Context(), query).Scan(&n); err != nil {
		p.t.Fatal(err)
	}
	return n
}

const (
	copies   = "SELECT COUNT(*) FROM sessions WHERE length(codes) > 0"
	alive    = copies + " AND ended_at = 0"
	prepared = "SELECT COUNT(*) FROM setups WHERE length(codes) > 0"
)

// toCodes walks the wizard up to the page of the recovery codes.
func (p *portal) toCodes(name, typed, to string) *browser {
	p.t.Helper()
	p.add(name)
	b := p.browser()
	b.enter(name, password)
	b.toScan(typed, to)
	b.do("Continue")
	b.do("Verify", "code", b.app.code()).is(want{page: "setup-finish"})
	return b
}

// The codes that are on screen are kept, sealed, until Finish or for thirty
// minutes: then they are gone from the database, and not from the page alone.
func TestCopiesOfRecoveryCodesAreDropped(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.toCodes("ada", number, e164)
	codes := b.saved()
	if n := p.count(copies); n != 1 {
		t.Fatalf("%d copies: this test is blind", n)
	}
	if n := p.count(prepared); n != 0 {
		t.Errorf("%d copies are left with the set-up", n)
	}
	g := p.toCodes("grace", number2, e164two)
	if n := p.count(copies); n != 2 {
		t.Errorf("%d copies of two", n)
	}
	g.do("Finish", "saved", "yes").is(want{page: "security"})
	if n := p.count(copies); n != 1 {
		t.Errorf("Finish leaves %d copies, not the one of somebody else", n)
	}

	p.move(28 * time.Minute)
	p.crash() // a portal sweeps when it starts, and every minute
	b.get("/2fa/setup/finish").is(want{page: "setup-finish"})
	if got := b.saved(); len(got) != 10 || got[9] != codes[9] {
		t.Errorf("before their time the codes are %q", got)
	}
	p.move(3 * time.Minute)
	p.crash()
	left := 1
	for end := time.Now().Add(15 * time.Second); left > 0 && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		left = p.count(copies)
	}
	if left > 0 {
		t.Error("the sealed copy is kept after thirty minutes")
	}
	b.get("/2fa/setup/finish").is(want{page: "setup-finish", texts: []string{"Your recovery codes are hidden now. You can make new ones."}})
	b.ask("/2fa/setup/codes.txt").leads("/2fa/setup/finish")
	for _, code := range codes {
		if strings.Contains(b.get("/2fa/setup/finish").body, code) {
			t.Error("a code is on the page")
		}
	}
	// What was on screen works all the same.
	c := p.lost("ada")
	c.get("/2fa/recovery-code")
	c.do("Verify", "recovery", codes[0]).is(want{page: "replace"})
}

// A session that goes on under a new name takes no old copy along.
func TestCopiesOfRecoveryCodesAreNotRenewed(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.toCodes("ada", number, e164)
	p.move(4 * time.Minute)
	b.get("/account/phone") // the wizard has just confirmed who it is
	p.move(2 * time.Minute)
	b.get("/account/phone")
	b.confirm("change your mobile number")
	if n := p.count(alive); n != 1 {
		t.Errorf("after six minutes %d copies are alive, and one was on screen", n)
	}
	p.move(61 * time.Minute)
	b.get("/account/activity").is(want{page: "signed-out"})
	b.click("Sign in")
	b.do("Sign in", "password", password)
	b.get("/account/activity").is(want{page: "activity"})
	if n := p.count(alive); n != 0 {
		t.Errorf("the session that goes on has %d copies", n)
	}
	b.get("/2fa/setup/finish").is(want{page: "setup-finish", texts: []string{"Your recovery codes are hidden now. You can make new ones."}})
}
