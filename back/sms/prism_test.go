package sms_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/back/sms"
)

// mock is a server that answers as a description says, and refuses what does not
// fit it. Which of the described answers it gives, a door before it asks for.
func mock(t *testing.T) (origin string, prefer *atomic.Pointer[string]) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().(*net.TCPAddr)
	free.Close()
	main := filepath.Join(npm(t, npmPrism), "node_modules", "@stoplight", "prism-cli", "dist", "index.js")
	var log bytes.Buffer
	c := exec.CommandContext(t.Context(), "node", main, "mock", "-h", "127.0.0.1", "-p", fmt.Sprint(address.Port), filepath.Join("testdata", "judges", "vendors.yaml"))
	c.Stdout, c.Stderr = &log, &log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	for by := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if conn, err := net.Dial("tcp", address.String()); err == nil {
			conn.Close()
			break
		}
		if time.Now().After(by) {
			_ = c.Process.Kill()
			_ = c.Wait()
			t.Fatalf("the mock does not start:\n%s", log.String())
		}
	}
	prefer = &atomic.Pointer[string]{}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address.String()})
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if code := prefer.Load(); code != nil {
			r.Header.Set("Prefer", "code="+*code)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(door.Close)
	return door.URL, prefer
}

// The requests fit what both providers describe, and their answers are understood.
func TestTwilioAndVonageAsTheyAreDescribed(t *testing.T) {
	t.Parallel()
	origin, prefer := mock(t)
	twilio := vendor(t, "https://login.example.org", "kind: twilio", "account: "+twilioAccount, "secret_file: twilio.token", "address: "+origin).(*sms.Twilio)
	vonage := vendor(t, "https://login.example.org", "kind: vonage", "account: abcd1234", "secret_file: vonage.secret", "address: "+origin, "receipt_secret_file: vonage.signature", "").(*sms.ReportingVonage)
	m := letter
	m.ExpireAt = time.Now().Add(10 * time.Minute)
	odd := m
	odd.To = "12025550143 or so"
	for _, row := range []struct {
		gateway sms.Gateway
		code    string
		want    string
	}{
		{twilio, "", isSent}, {twilio, "400", isRefused}, {twilio, "401", isFailed}, {twilio, "429", isBusy},
		{vonage, "", isSent}, {vonage, "422", isRefused}, {vonage, "401", isFailed}, {vonage, "429", isBusy},
	} {
		prefer.Store(nil)
		if row.code != "" {
			prefer.Store(&row.code)
		}
		ref, err := row.gateway.Send(t.Context(), m)
		told(t, err)
		if got := outcome(err); got != row.want || (err == nil) != (ref != "") {
			t.Errorf("%T %s: it is %s (%q, %v), not %s", row.gateway, row.code, got, ref, err, row.want)
		}
	}
	prefer.Store(nil)
	for _, g := range []sms.Gateway{twilio, vonage} { // the mock does look at what comes
		if _, err := g.Send(t.Context(), odd); outcome(err) != isRefused {
			t.Errorf("%T: a number that is none: %v", g, err)
		}
	}
	for want, g := range map[string]interface {
		Balance(ctx context.Context) (string, error)
	}{"12.5 USD": twilio, "10.28 EUR": vonage} {
		if left, err := g.Balance(t.Context()); err != nil || left != want {
			t.Errorf("%T: %q, %v", g, left, err)
		}
	}
}
