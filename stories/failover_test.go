package stories_test

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/back/storetest"
)

// pgbouncer stands in front of a server, in transaction mode: each transaction may
// run on another of few connections.
func pgbouncer(t *testing.T, server *storetest.Server) (dsn string) {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer"
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatal("pgbouncer is missing (hint: apt-get install -y --no-install-recommends pgbouncer)")
	}
	port := freePort(t)
	dir, err := os.MkdirTemp("", "sallyport-pgbouncer-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	ini := filepath.Join(dir, "pgbouncer.ini")
	text := fmt.Sprintf("[databases]\npostgres = host=127.0.0.1 port=%d user=postgres password=%s dbname=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\n"+
		"unix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 4\nserver_lifetime = 1\nlogfile = %s/log\n", server.Port(), server.Password(), port, dir)
	os.Chmod(dir, 0o777)
	if err := os.WriteFile(ini, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := server.As(t, program, ini)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if log, _ := os.ReadFile(filepath.Join(dir, "log")); t.Failed() {
			t.Logf("log of pgbouncer:\n%s", log)
		}
	})
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			c.Close()
			break
		}
		if time.Now().After(end) {
			t.Fatal("pgbouncer does not listen")
		}
	}
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port)
}

func TestBehindPgbouncer(t *testing.T) {
	t.Parallel()
	server := storetest.StartServer(t)
	p := open(t, settings{database: pgbouncer(t, server)})
	p.enrol("ada")
	var wg sync.WaitGroup
	for i := range 8 { // more at once than there are connections
		name := fmt.Sprintf("person%d", i)
		p.add(name)
		wg.Go(func() {
			b := p.browser()
			for range 5 {
				if page := b.enter(name, password); page.name() != "two-factor-prompt" {
					t.Errorf("%s is shown %s (%d)", name, page.name(), page.status)
				}
				b.do("Sign out")
			}
		})
	}
	wg.Wait()
	p.crash() // the migrations' lock is not left behind
	p.browser().enter("ada", password).is(want{page: "app-code"})
	p.becomes("/readyz", http.StatusOK)
}

func TestAPrimaryThatRefusesWrites(t *testing.T) {
	t.Parallel()
	server := storetest.StartServer(t)
	p := open(t, settings{database: server.DSN()})
	b := p.enrol("ada")
	c := p.browser()
	p.move(31 * time.Second)
	c.enter("ada", password).is(want{page: "app-code"})
	code := b.app.code()
	server.Set("default_transaction_read_only", "on")
	p.becomes("/readyz", http.StatusServiceUnavailable)
	gone := c.do("Verify", "code", code)
	if gone.status != http.StatusServiceUnavailable || gone.name() != "error" || c.cookies["session"] != "" {
		t.Errorf("it answers %d, page %q, session %q", gone.status, gone.name(), c.cookies["session"])
	}
	server.Set("default_transaction_read_only", "off")
	p.becomes("/readyz", http.StatusOK)
	c.get("/2fa").is(want{page: "app-code"})
	c.do("Verify", "code", code).is(want{page: "security"})
}

func TestConnectionsDieInTheMiddle(t *testing.T) {
	t.Parallel()
	server := storetest.StartServer(t)
	p := open(t, settings{database: server.DSN()})
	b := p.enrol("ada")
	stop := make(chan struct{})
	var killer sync.WaitGroup
	killer.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond): // all but the killer's own
				server.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'")
			}
		}
	})
	signedIn := 0
	for range 12 {
		p.move(31 * time.Second)
		if p.persistent("ada", b.app) {
			signedIn++
		}
	}
	close(stop)
	killer.Wait()
	if signedIn != 12 {
		t.Errorf("of 12 sign-ins %d came through", signedIn)
	}
	p.move(31 * time.Second)
	p.browser().signIn("ada", b.app).is(want{page: "security"}) // and nothing is left behind
}

// persistent signs somebody in who tries again when there is a problem at our end.
func (p *portal) persistent(name string, a app) bool {
	c := p.browser()
	for range 40 {
		page := c.get("/account/security")
		switch page.name() {
		case "security":
			return true
		case "sign-in":
			page = c.do("Sign in", "username", name, "password", password)
		}
		if page.name() == "app-code" {
			c.do("Verify", "code", a.code())
		} else if page.status != http.StatusServiceUnavailable && page.name() != "security" && page.name() != "sign-in" {
			p.t.Errorf("%s is shown %s (%d): %s", name, page.name(), page.status, page.brief())
		}
	}
	return false
}

func TestFailoverToAPromotedReplica(t *testing.T) {
	t.Parallel()
	primary := storetest.StartServer(t)
	replica := primary.Replica()
	address := (&url.URL{Scheme: "postgres", User: url.UserPassword("postgres", primary.Password()), Path: "postgres",
		Host:     fmt.Sprintf("127.0.0.1:%d,127.0.0.1:%d", primary.Port(), replica.Port()),
		RawQuery: "sslmode=disable&target_session_attrs=read-write&connect_timeout=2"}).String()
	p := open(t, settings{database: address})
	b := p.enrol("ada")
	p.move(31 * time.Second)
	c := p.browser()
	c.enter("ada", password).is(want{page: "app-code"})
	spent := b.app.code()
	c.do("Verify", "code", spent).is(want{page: "security"})
	late := p.browser()
	late.enter("ada", password).is(want{page: "app-code"})

	primary.Stop()
	p.becomes("/readyz", http.StatusServiceUnavailable)
	if gone := late.do("Verify", "code", spent); gone.status != http.StatusServiceUnavailable || late.cookies["session"] != "" {
		t.Errorf("without a primary it answers %d", gone.status)
	}
	replica.Promote()
	p.becomes("/readyz", http.StatusOK)
	c.get("/account/security").is(want{page: "security"}) // a session of before
	late.get("/2fa").is(want{page: "app-code"})
	late.do("Verify", "code", spent).is(want{page: "app-code", problem: "#code That code has been used already. Wait for the next one, then enter it."})
	p.move(31 * time.Second)
	late.do("Verify", "code", b.app.code()).is(want{page: "security"})
	p.crash() // a node that starts now finds the new primary too
	p.browser().enter("ada", password).is(want{page: "app-code"})
	if strings.Contains(p.log.String(), primary.Password()) {
		t.Error("the log holds the database's password")
	}
}
