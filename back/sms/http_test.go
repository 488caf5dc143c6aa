package sms_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport/back/sms"
)

func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// golden compares a request with the one that was accepted before.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "http", name+".http")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the request is\n%s\nnot\n%s", got, want)
	}
}

func TestRequestsAreThoseOfTheSettings(t *testing.T) {
	p := newProvider(t, answering(200, ""))
	for _, row := range []struct {
		name  string
		lines []string
	}{
		{"json", []string{`headers: ['Content-Type: application/json', 'Authorization: Bearer {{base64 (secret "token")}}', 'Idempotency-Key: {{.ID}}']`,
			`body: '{"from": {{json .Sender}}, "to": [{{digits .To}}], "text": {{json .Text}}, "key": {{json (secret "token")}}}'`}},
		{"form", []string{`method: PUT`, `headers: ['Content-Type: application/x-www-form-urlencoded', 'user-agent: acme/1']`,
			`body: From={{form .Sender}}&To={{form .To}}&Body={{form .Text}}&key={{form (secret "token")}}`}},
		{"query", []string{`method: GET`, `address: ` + p.URL + `/{{path .Text}}/{{path .To}}?id={{form .ID}}&to={{form .To}}&text={{form .Text}}&key={{form (secret "token")}}`}},
		{"bare", []string{`address: ` + p.URL + `?to={{digits .To}}&text={{form .Text}}`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			before := len(p.got())
			if ref, err := p.gateway(row.lines...).Send(t.Context(), letter); err != nil || ref != "" {
				t.Errorf("it answers %q, %v", ref, err)
			}
			got := p.got()[before:]
			if len(got) != 1 {
				t.Fatalf("%d requests: %q", len(got), got)
			}
			golden(t, row.name, got[0])
		})
	}
}

func TestWhatAnAnswerMeans(t *testing.T) {
	status := append([]string{`ok_status: [202]`, `refused_status: [404]`}, plain...)
	both := append([]string{`refused_status: [400]`, `refused_field: error.code`, `refused_values: [21211]`}, plain...)
	huge := `{"messages": [{"status": "0", "x": "` + strings.Repeat("x", 65<<10) + `"}]}`
	const (
		sent    = "sent"
		refused = "refused"
		failed  = "failed"
		unknown = "not known"
	)
	for _, row := range []struct {
		name   string
		lines  []string
		status int
		body   string
		want   string
		says   string // the reference, or what the error begins with
	}{
		{"taken", plain, 200, "", sent, ""},
		{"taken with another status", plain, 204, "", sent, ""},
		{"a redirect", plain, 302, "", failed, "answered 302"},
		{"not authorized", plain, 401, `{"message": "key hunter2/+&é is wrong"}`, failed, "answered 401"},
		{"too many", plain, 429, "", failed, "answered 429"},
		{"broken", plain, 500, "", failed, "answered 500"},
		{"busy", plain, 503, "", failed, "answered 503"},
		{"the status of the settings", status, 202, "", sent, ""},
		{"and no other", status, 200, "", failed, "answered 200"},
		{"refused by its status", status, 404, "", refused, "answered 404: the gateway refused"},
		{"refused by both", both, 400, `{"error": {"code": 21211, "to": "+12025550143"}}`, refused, "answered 400, error.code 21211: the gateway refused"},
		{"the status alone refuses nobody", both, 400, `{"error": {"code": 20003}}`, failed, "answered 400, error.code 20003"},
		{"the field alone refuses nobody", both, 500, `{"error": {"code": 21211}}`, failed, "answered 500, error.code 21211"},
		{"a page where a code should be", both, 400, `<html>`, failed, "answered 400"},

		{"a field says so", fields, 200, `{"messages": [{"status": "0", "id": "0C00-F00A"}]}`, sent, "0C00-F00A"},
		{"a field says so as a number", fields, 200, ` {"messages":[{"id":17,"status":0}]} `, sent, "17"},
		{"after a byte order mark", fields, 200, "\ufeff" + `{"messages": [{"status": "queued"}]}`, sent, ""},
		{"a lie", fields, 200, `{"messages": [{"status": "4", "error-text": "Bad Credentials"}]}`, failed, "answered 200, messages.0.status 4"},
		{"a lie about a number", fields, 200, `{"messages": [{"status": "bad_number"}]}`, refused, "answered 200, messages.0.status bad_number: the gateway refused"},
		{"no such field", fields, 200, `{"status": "0"}`, failed, "answered 200"},
		{"an empty list", fields, 200, `{"messages": []}`, failed, "answered 200"},
		{"another kind of value", fields, 200, `{"messages": [{"status": {"0": "0"}}]}`, failed, "answered 200"},
		{"nothing", fields, 200, `{"messages": [{"status": null}]}`, failed, "answered 200"},
		{"an echo is not shown", fields, 200, `{"messages": [{"status": "+12025550143"}]}`, failed, "answered 200"},
		{"nor a code", fields, 200, `{"messages": [{"status": "code 123456"}]}`, failed, "answered 200"},
		{"nor a long text", fields, 200, `{"messages": [{"status": "` + strings.Repeat("x", 61) + `"}]}`, failed, "answered 200"},
		{"a field and a bad status", fields, 500, `{"messages": [{"status": "0"}]}`, failed, "answered 500, messages.0.status 0"},
		{"truncated", fields, 200, `{"messages": [{"status": "0", "id": "0C`, unknown, "answered 200 with what is not JSON, or not all of it"},
		{"another kind of content", fields, 200, `<html>OK</html>`, unknown, "answered 200 with what is not JSON"},
		{"empty", fields, 200, ``, unknown, "answered 200 with what is not JSON"},
		{"two answers", fields, 200, `{"messages": [{"status": "0"}]}{"messages": [{"status": "4"}]}`, unknown, "answered 200 with what is not JSON"},
		{"huge", fields, 200, huge, unknown, "answered 200 with what is not JSON"},
		{"huge, and a bad status", fields, 500, huge, failed, "answered 500"},
		{"huge, where nobody looks", plain, 200, huge, sent, ""},
		{"a reference that is none", fields, 200, `{"messages": [{"status": "0", "id": "a b\n"}]}`, sent, ""},
		{"a reference too long", fields, 200, `{"messages": [{"status": "0", "id": "` + strings.Repeat("x", 129) + `"}]}`, sent, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := newProvider(t, answering(row.status, row.body))
			ref, err := p.gateway(row.lines...).Send(t.Context(), letter)
			told(t, err)
			got := failed
			switch {
			case err == nil:
				got = sent
			case errors.Is(err, sms.ErrRefused):
				got = refused
			case errors.Is(err, sms.ErrUnknown):
				got = unknown
			}
			if got != row.want || err == nil && ref != row.says || err != nil && !strings.HasPrefix(err.Error(), row.says) || err != nil && ref != "" {
				t.Errorf("it is %s (%q, %v), not %s (%s)", got, ref, err, row.want, row.says)
			}
			if row.want == failed && err.Error() != row.says {
				t.Errorf("it says %q, not %q", err, row.says)
			}
			if n := len(p.got()); n != 1 {
				t.Errorf("it was called %d times", n)
			}
		})
	}
}

// A provider that says how long to wait is taken at its word, an hour at the most.
func TestAProviderThatAsksToWait(t *testing.T) {
	for said, want := range map[string]time.Duration{"7": 7 * time.Second, "86400": time.Hour, "0": 0, "-1": 0, "soon": 0, "": 0} {
		p := newProvider(t, func(w http.ResponseWriter, _ *http.Request) {
			if said != "" {
				w.Header().Set("Retry-After", said)
			}
			w.WriteHeader(http.StatusTooManyRequests)
		})
		_, err := p.gateway(plain...).Send(t.Context(), letter)
		busy, ok := errors.AsType[sms.Busy](err)
		if ok != (want > 0) || busy.After != want || !ok && err.Error() != "answered 429" {
			t.Errorf("%q: %v", said, err)
		}
	}
}

func TestNoRedirectIsFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		p := newProvider(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/other" {
				http.Redirect(w, r, "/other", status)
			}
		})
		_, err := p.gateway(plain...).Send(t.Context(), letter)
		if err == nil || err.Error() != fmt.Sprintf("answered %d", status) {
			t.Errorf("%d: %v", status, err)
		}
		if n := len(p.got()); n != 1 {
			t.Errorf("%d: %d requests", status, n)
		}
	}
}

func TestAGatewayShowsNoSecretHoweverItIsPrinted(t *testing.T) {
	g := newProvider(t, answering(200, "")).gateway(plain...)
	for _, v := range []any{g, *g, sms.Gateway(g)} {
		if all := fmt.Sprintf("%v %+v %#v %s %q", v, v, v, v, v); strings.Contains(all, "hunter2") {
			t.Error(all)
		}
	}
}

func TestTheDateOfAnAnswerIsHeldAgainstOurClock(t *testing.T) {
	off, age := time.Duration(0), ""
	p := newProvider(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(-off).UTC().Format(http.TimeFormat))
		if age != "" {
			w.Header().Set("Age", age)
		}
		w.WriteHeader(503)
	})
	g := p.gateway(plain...)
	if _, at := g.ClockOff(); !at.IsZero() {
		t.Error("it knows before it asked")
	}
	for _, want := range []time.Duration{0, 40 * time.Second, -3 * time.Hour} {
		off = want
		_, _ = g.Send(t.Context(), letter)
		got, at := g.ClockOff()
		if (got-want).Abs() > 1500*time.Millisecond || time.Since(at) > time.Minute {
			t.Errorf("it is off by %v at %v, not by %v", got, at, want)
		}
	}
	off, age = 0, "3600"
	_, _ = g.Send(t.Context(), letter)
	if got, _ := g.ClockOff(); got > -2*time.Hour {
		t.Errorf("an answer out of a cache counts: %v", got)
	}
}

func TestReachSendsNothingThatCosts(t *testing.T) {
	p := newProvider(t, answering(404, "nothing here"))
	g := p.gateway(plain...)
	if err := g.Reach(t.Context()); err != nil {
		t.Error(err)
	}
	golden(t, "reach", strings.Join(p.got(), ""))
	if _, at := g.ClockOff(); at.IsZero() {
		t.Error("the date was not read")
	}
	p.Close()
	if err := g.Reach(t.Context()); err == nil || !strings.Contains(err.Error(), "connection refused; hint: ") {
		t.Errorf("it is gone: %v", err)
	}
}

func TestAGatewayServesItsCountries(t *testing.T) {
	g := newProvider(t, answering(200, "")).gateway(append([]string{`countries: [US, CA]`}, plain...)...)
	if g.Name() != "main" || strings.Join(g.Countries(), " ") != "US CA" {
		t.Errorf("%s serves %v", g.Name(), g.Countries())
	}
}

func TestTheContextEndsACall(t *testing.T) {
	p := newProvider(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := p.gateway(plain...).Send(ctx, letter)
	told(t, err)
	if !errors.Is(err, sms.ErrUnknown) || time.Since(began) > 2*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}
