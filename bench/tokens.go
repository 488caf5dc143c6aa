package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// till is the client of the row of tokens. Its verifier and challenge are those of
// RFC 7636, appendix B.
const (
	till = "  - id: till\n    name: Till\n    groups: [everyone]\n    need: two\n    client:\n      redirects: [http://127.0.0.1/cb]\n      auth: none\n      no_consent: true\n"

	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// atOnce does something so many times, 64 at once, and says how often a second.
func atOnce(times int, do func(n int) error) (perSecond float64, err error) {
	const clients = 64
	var wg sync.WaitGroup
	failed := make(chan error, clients)
	began := time.Now()
	for c := range clients {
		wg.Go(func() {
			for n := c; n < times; n += clients {
				if err := do(n); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	select {
	case err := <-failed:
		return 0, err
	default:
		return float64(times) / took.Seconds(), nil
	}
}

// tokens measures the token endpoint: a code is spent, durably, for an access token
// and a signed ID token. The limit is the signature alone, on all cores.
func (b *bench) tokens() error {
	p, cookies, err := b.guarded(64, 1)
	if err != nil {
		return err
	}
	key, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: answerTime, Transport: &http.Transport{MaxIdleConnsPerHost: 64},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r := row{what: "tokens for a code, 64 at once", unit: "/s", by: "one RSA-3072 signature each"}
	codes := make([]string, few(b, 128, 1280))
	for range few(b, 2, 5) {
		if _, err := atOnce(len(codes), func(n int) (err error) {
			codes[n], err = authorized(client, loopback(p.host), p.host, cookies[n%len(cookies)])
			return err
		}); err != nil {
			return err
		}
		ours, err := atOnce(len(codes), func(n int) error { return redeemed(client, loopback(p.host), p.host, codes[n]) })
		if err != nil {
			return err
		}
		sum := sha256.Sum256([]byte("a token"))
		limit, err := atOnce(len(codes), func(int) error {
			_, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
			return err
		})
		if err != nil {
			return err
		}
		r.ours, r.limit = append(r.ours, ours), append(r.limit, limit)
	}
	b.rows = append(b.rows, r)
	return p.stop()
}

// authorized is a code for somebody who is signed in.
func authorized(client *http.Client, at, host, session string) (string, error) {
	request, err := http.NewRequest("GET", "http://"+at+"/oidc/authorize?"+url.Values{"client_id": {"till"}, "redirect_uri": {"http://127.0.0.1/cb"}, "response_type": {"code"},
		"scope": {"openid"}, "state": {"s"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"}}.Encode(), nil)
	if err != nil {
		return "", err
	}
	request.Host = host
	request.AddCookie(&http.Cookie{Name: "session", Value: session})
	answer, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, answer.Body)
	to, err := url.Parse(answer.Header.Get("Location"))
	if err != nil || to.Query().Get("code") == "" {
		return "", fmt.Errorf("authorize answers %s to %q", answer.Status, answer.Header.Get("Location"))
	}
	return to.Query().Get("code"), nil
}

// redeemed spends a code.
func redeemed(client *http.Client, at, host, code string) error {
	request, err := http.NewRequest("POST", "http://"+at+"/oidc/token", strings.NewReader(url.Values{"grant_type": {"authorization_code"}, "client_id": {"till"},
		"redirect_uri": {"http://127.0.0.1/cb"}, "code": {code}, "code_verifier": {verifier}}.Encode()))
	if err != nil {
		return err
	}
	request.Host = host
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(body), `"id_token"`) {
		return fmt.Errorf("the token endpoint answers %s: %s", answer.Status, body)
	}
	return nil
}
