package server

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/config"
)

// logged is what a server writes to its log.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write adds to the log.
func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// certify writes a certificate of this machine and its key, and returns its number.
func certify(t *testing.T, certFile, keyFile string) *big.Int {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	number, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{SerialNumber: number, DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, of, of, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, certFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	write(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})))
	return number
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// listening is a web server as the portal has it, over TLS or not, whose times
// are short.
func listening(t *testing.T, overTLS bool) (address string, c *config.Config, log *logged) {
	t.Helper()
	c, log = &config.Config{}, &logged{}
	if overTLS {
		dir := t.TempDir()
		c.TLS.CertFile, c.TLS.KeyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
		certify(t, c.TLS.CertFile, c.TLS.KeyFile)
	}
	s := &Server{log: slog.New(slog.NewTextHandler(log, nil))}
	h, err := s.httpServer(c, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "here") }))
	if err != nil {
		t.Fatal(err)
	}
	h.ReadHeaderTimeout, h.IdleTimeout = 300*time.Millisecond, 300*time.Millisecond
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.serve(h, l, c)
	t.Cleanup(func() { h.Close() })
	return l.Addr().String(), c, log
}

func dial(t *testing.T, address string, overTLS bool) net.Conn {
	t.Helper()
	var c net.Conn
	var err error
	if overTLS {
		c, err = tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true}) // whose it is does not matter here
	} else {
		c, err = net.Dial("tcp", address)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(10 * time.Second))
	return c
}

const whole = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

func TestAHeaderThatDoesNotEndIsAnswered(t *testing.T) {
	address, _, _ := listening(t, false)
	for _, before := range []string{"", whole} { // the second request of a connection too
		c := dial(t, address, false)
		in := bufio.NewReader(c)
		asked(t, c, in, before)
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: local")
		if got := answer(t, in); got != "HTTP/1.1 408 Request Timeout " {
			t.Errorf("a header that does not end is answered %q", got)
		}
	}
}

// An answer to nobody would be taken for the one to the next request, and below
// TLS for an attack.
func TestAConnectionThatIsNotUsedEndsWithoutAWord(t *testing.T) {
	for name, overTLS := range map[string]bool{"http": false, "https": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, _, _ := listening(t, overTLS)
			for _, before := range []string{"", whole, whole + whole + whole} {
				c := dial(t, address, overTLS)
				in := bufio.NewReader(c)
				asked(t, c, in, before)
				if rest, err := io.ReadAll(in); err != nil || len(rest) > 0 {
					t.Errorf("it ends with %q, %v", rest, err)
				}
			}
		})
	}
}

func asked(t *testing.T, c net.Conn, in *bufio.Reader, requests string) {
	t.Helper()
	io.WriteString(c, requests)
	for range strings.Count(requests, "GET") {
		if got := answer(t, in); got != "HTTP/1.1 200 OK here" {
			t.Fatalf("a whole request is answered %q", got)
		}
	}
}

// answer is the first line of an answer, and its body.
func answer(t *testing.T, in *bufio.Reader) string {
	t.Helper()
	a, err := http.ReadResponse(in, nil)
	if err != nil {
		return err.Error()
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a.Proto + " " + a.Status + " " + string(body)
}
