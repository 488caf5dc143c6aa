package stories_test

import (
	"net/http"
	"testing"
	"time"

	"sallyport/back/storetest"
)

// status asks for one of the addresses of load balancers.
func (p *portal) status(path string) int {
	p.t.Helper()
	r, err := http.Get(p.url + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer r.Body.Close()
	return r.StatusCode
}

// becomes waits until an address answers with a status.
func (p *portal) becomes(path string, status int) {
	p.t.Helper()
	got := 0
	for range 100 {
		if got = p.status(path); got == status {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	p.t.Errorf("%s answers %d, not %d, after ten seconds", path, got, status)
}

func TestTheDatabaseMayGoInTheMiddleOfAStep(t *testing.T) {
	t.Parallel()
	server := storetest.StartServer(t)
	p := open(t, settings{database: server.DSN()})
	b := p.enrol("ada")
	c := p.browser()
	p.move(31 * time.Second)
	c.enter("ada", password).is(want{page: "app-code"})
	code := b.app.code()
	p.becomes("/readyz", http.StatusOK)

	server.Stop()
	gone := c.do("Verify", "code", code)
	if gone.status != http.StatusServiceUnavailable || gone.name() != "error" || gone.header.Get("Retry-After") == "" {
		t.Errorf("without its database it answers %d, page %q, Retry-After %q", gone.status, gone.name(), gone.header.Get("Retry-After"))
	}
	for _, cookie := range (&http.Response{Header: gone.header}).Cookies() {
		if cookie.Name == "session" {
			t.Error("a session was given away without a database to keep it in")
		}
	}
	p.becomes("/readyz", http.StatusServiceUnavailable)
	if got := p.status("/healthz"); got != http.StatusOK {
		t.Errorf("/healthz answers %d: the process is alive", got)
	}
	signIn := p.browser().get("/sign-in")
	if signIn.status != http.StatusOK {
		t.Errorf("the form needs no database, but answers %d", signIn.status)
	}

	server.Start()
	p.becomes("/readyz", http.StatusOK)
	c.get("/2fa").is(want{page: "app-code"})
	c.do("Verify", "code", code).is(want{page: "security"}) // the same code: nothing was used up
}
