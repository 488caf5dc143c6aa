package sms_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"log"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/back/sms"
	"sallyport/config"
	"sallyport/core/message"
	"sallyport/server"
)

var update = flag.Bool("update", false, "accept the requests as they are")

// authority signs the certificates of providers.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, file: filepath.Join(t.TempDir(), "ca.pem")}
	a.cert, a.key = a.sign(&x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, NotAfter: time.Now().Add(time.Hour)})
	if err := os.WriteFile(a.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *authority) sign(template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber, template.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: "test"}
	template.NotBefore = time.Now().Add(-48 * time.Hour)
	by, with := template, key
	if a.cert != nil {
		by, with = a.cert, a.key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, by, key.Public(), with)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// certificate is one for a host.
func (a *authority) certificate(host string, until time.Time) tls.Certificate {
	a.t.Helper()
	template := &x509.Certificate{NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	cert, key := a.sign(template)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

// provider is one that answers as it is told, over TLS, and keeps what it got.
type provider struct {
	*httptest.Server
	t      *testing.T
	ca     *authority
	folder string

	mu       sync.Mutex
	requests []string
}

// secret is what the settings of the tests keep in a file; nobody may see it.
const secret = "hunter2/+&é"

func newProvider(t *testing.T, answer http.HandlerFunc, tuned ...func(p *provider)) *provider {
	t.Helper()
	p := &provider{t: t, ca: newAuthority(t), folder: t.TempDir()}
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.keep(r)
		answer(w, r)
	}))
	p.TLS = &tls.Config{Certificates: []tls.Certificate{p.ca.certificate("127.0.0.1", time.Now().Add(time.Hour))}}
	for _, tune := range tuned {
		tune(p)
	}
	p.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.StartTLS()
	t.Cleanup(p.Close)
	if err := os.WriteFile(filepath.Join(p.folder, "token"), []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// keep writes a request down as it came.
func (p *provider) keep(r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		p.t.Errorf("the request broke off: %v", err)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s %s\nHost: %s\n", r.Method, r.RequestURI, r.Proto, strings.Replace(r.Host, p.Listener.Addr().String(), "PROVIDER", 1))
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(r.Header[name], " | "))
	}
	fmt.Fprintf(&b, "\n%s\n", raw)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, b.String())
}

func (p *provider) got() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

// plain is a gateway whose answers mean something by their status alone.
var plain = []string{`body: '{"to": {{json .To}}, "text": {{json .Text}}, "key": {{json (secret "token")}}}'`, `headers: ['Content-Type: application/json']`}

// fields is one whose answers say more.
var fields = append(slices.Clone(plain), `ok_field: messages.0.status`, `ok_values: [0, queued]`, `ref_field: messages.0.id`, `refused_field: messages.0.status`, `refused_values: [6, bad_number]`)

// gateway is made of lines of the settings, as serve makes it.
func (p *provider) gateway(lines ...string) *sms.HTTP {
	p.t.Helper()
	text := "url: https://login.example.org\ndefault_country: US\nbrand:\n  sms_sender: ACME\nsms:\n  gateways:\n    - name: main\n      kind: http\n" +
		"      secrets: [{name: token, file: token}]\n      ca_file: " + p.ca.file + "\n"
	if !strings.Contains(strings.Join(lines, "\n"), "address: ") {
		text += "      address: " + p.URL + "/send\n"
	}
	return made(p.t, p.folder, text+"      "+strings.Join(lines, "\n      ")+"\n")
}

// made makes the one gateway of a settings file, of kind http.
func made(t *testing.T, folder, text string) *sms.HTTP {
	t.Helper()
	return ofAnyKind(t, folder, text).(*sms.HTTP)
}

// ofAnyKind makes the one gateway of a settings file.
func ofAnyKind(t *testing.T, folder, text string) sms.Gateway {
	t.Helper()
	c, err := config.Parse([]byte(text), filepath.Join(folder, "sallyport.yaml"), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	list, err := server.Gateways(c)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d gateways, %v", len(list), err)
	}
	return list[0]
}

// letter is a message as people get them.
var letter = message.Message{ID: "ID-1", To: "+12025550143", Country: "US", Text: "123456 is your Acme & \"Co\" code. 100 %\n\n@login.example.org #123456"}

// told fails when an error shows what only the provider may know.
func told(t *testing.T, err error) {
	t.Helper()
	for _, hidden := range []string{"hunter2", "2025550143", "202555", "123456", "Acme"} {
		if err != nil && strings.Contains(err.Error(), hidden) {
			t.Errorf("the error shows %q: %v", hidden, err)
		}
	}
}
