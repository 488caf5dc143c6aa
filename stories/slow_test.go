package stories_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// trickle sends the head of a request and then a body, byte by byte, for as long as
// the other side takes it. It says what came back, and when the connection ended.
func trickle(t *testing.T, p *portal, head, each string) (answer string, after time.Duration) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Error(err)
		return "", 0
	}
	defer c.Close()
	begun := time.Now()
	io.WriteString(c, head)
	go func() {
		for {
			if _, err := io.WriteString(c, each); err != nil {
				return
			}
			time.Sleep(200 * time.Millisecond)
		}
	}()
	c.SetReadDeadline(begun.Add(50 * time.Second))
	raw, err := io.ReadAll(io.LimitReader(c, 64<<10))
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		t.Errorf("the connection is still open; it answered %.40q", raw)
	}
	return string(raw), time.Since(begun)
}

// A body that never ends holds a connection of no method and at no address for
// longer than a form may take.
func TestSlowBodiesOfEveryMethod(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for twenty seconds and more")
	}
	p := open(t)
	host := strings.TrimPrefix(p.url, "http://")
	var all sync.WaitGroup
	for _, row := range []struct{ name, line, status string }{
		{"PUT", "PUT /sign-in", "405"},
		{"DELETE", "DELETE /account/security", "405"},
		{"PATCH", "PATCH /", "405"},
		{"OPTIONS", "OPTIONS /sign-in", "405"},
		{"an unknown method", "BREW /sign-in", "405"},
		{"GET", "GET /sign-in", "200"},
		{"HEAD", "HEAD /sign-in", "200"},
		{"POST of what is no form", "POST /sign-in", "415"},
		{"GET of a load balancer", "GET /healthz", "200"},
		{"GET of a file", "GET /assets/nothing", "404"},
	} {
		for how, body := range map[string][2]string{"": {"Content-Length: 60000", "x"}, " in chunks": {"Transfer-Encoding: chunked", "1\r\nx\r\n"}} {
			all.Go(func() { // not as parallel tests: they would take turns to wait
				answer, after := trickle(t, p, row.line+" HTTP/1.1\r\nHost: "+host+"\r\nContent-Type: text/plain\r\n"+body[0]+"\r\n\r\n", body[1])
				if !strings.HasPrefix(answer, "HTTP/1.1 "+row.status) {
					t.Errorf("%s%s: answer %.40q, not %s", row.name, how, answer, row.status)
				}
				if n := strings.Count(answer, "HTTP/1.1 "); n != 1 {
					t.Errorf("%s%s: %d answers to one request: %q", row.name, how, n, answer)
				}
				if after > 32*time.Second {
					t.Errorf("%s%s: after %v", row.name, how, after)
				}
			})
		}
	}
	all.Wait()
}

// Whoever says nothing, or one byte after the other, or all but the end of a header, as
// often as is hung up on them, keeps nobody from getting in.
func TestConnectionsThatSayNothingStopNobody(t *testing.T) {
	t.Parallel()
	p := open(t)
	host := strings.TrimPrefix(p.url, "http://")
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	var opened, refused atomic.Int64
	hold := func(text, each string) {
		var d net.Dialer
		for ctx.Err() == nil {
			c, err := d.DialContext(ctx, "tcp", host)
			if err != nil {
				refused.Add(1)
				time.Sleep(100 * time.Millisecond)
				continue
			}
			opened.Add(1)
			end := context.AfterFunc(ctx, func() { c.Close() })
			io.WriteString(c, text)
			go func() {
				for each != "" {
					if _, err := io.WriteString(c, each); err != nil {
						return
					}
					time.Sleep(200 * time.Millisecond)
				}
			}()
			io.Copy(io.Discard, c) // until it is hung up
			end()
			c.Close()
		}
	}
	kinds := [][2]string{
		{"", ""},
		{"GET /sign-in HTTP/1.1\r\nHost: " + host + "\r\nX-Long: ", "x"},
		{"GET /sign-in HTTP/1.1\r\nHost: " + host + "\r\n", "X-More: x\r\n"},
		{"POST /sign-in HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 60000\r\n\r\n", "x"},
		{"GET /healthz HTTP/1.1\r\nHost: " + host + "\r\n\r\n", ""},
	}
	const count = 1000
	for i := range count {
		kind := kinds[i%len(kinds)]
		all.Go(func() { hold(kind[0], kind[1]) })
	}
	for opened.Load() < count && t.Context().Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	p.add("ada")
	p.browser().wizard("ada", "(202) 555-0143", "+12025550143")
	if n := refused.Load(); n > 0 {
		t.Errorf("%d connections were refused", n)
	}
}

// The second header of a connection has the time of the first, and its answer.
func TestASlowHeaderAfterAnother(t *testing.T) {
	t.Parallel()
	p := open(t)
	host := strings.TrimPrefix(p.url, "http://")
	c, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(40 * time.Second))
	in := bufio.NewReader(c)
	for range 2 {
		io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
		first, err := http.ReadResponse(in, nil)
		if err != nil || first.StatusCode != 200 {
			t.Fatalf("the first: %v", err)
		}
		io.Copy(io.Discard, first.Body)
	}
	io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: ")
	if rest, err := io.ReadAll(in); err != nil || !strings.HasPrefix(string(rest), "HTTP/1.1 408 ") {
		t.Errorf("the answer is %q, %v", rest, err)
	}
}

// Inside TLS nothing is said to a header that does not come: plain words there
// would be a fault of the protocol.
func TestASlowHeaderInsideTLS(t *testing.T) {
	t.Parallel()
	p := install(t, settings{url: "https://localhost", more: "tls:\n  cert_file: ./cert.pem\n  key_file: ./key.pem\n"})
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	p.write("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	p.write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	p.start()
	t.Cleanup(p.stop)
	text, err := os.ReadFile(filepath.Join(p.dir, "sallyport.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	listen := strings.TrimSpace(between(string(text), "listen: ", "\n"))
	c, err := tls.Dial("tcp", listen, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(40 * time.Second))
	io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
	in := bufio.NewReader(c)
	first, err := http.ReadResponse(in, nil)
	if err != nil || first.StatusCode != 200 {
		t.Fatalf("the first: %v", err)
	}
	io.Copy(io.Discard, first.Body)
	io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: ")
	if rest, err := io.ReadAll(in); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) || len(rest) > 0 {
		t.Errorf("it ends with %q, %v", rest, err)
	}
}
