package stories_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// postfix is a real mail server with a queue, a certificate and a mailbox of its
// own.
type postfix struct {
	t    *testing.T
	dir  string
	port int
	read map[string]bool // names of mails that were read
}

// certify makes a certificate for a name that signs itself.
func certify(t *testing.T, dir, name string, until time.Time) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: signed}, key: {Type: "EC PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// openPostfix starts Postfix on a port of its own, which wants STARTTLS, with a
// certificate for a name.
func openPostfix(t *testing.T, certFor string, until time.Time) *postfix {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("Postfix starts for root alone (hint: sudo ./test)")
	}
	if _, err := exec.LookPath("postfix"); err != nil {
		t.Fatal("Postfix is missing (hint: apt-get install -y --no-install-recommends postfix)")
	}
	dir, err := os.MkdirTemp("", "sallyport-postfix-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	owner, nobody := account(t, "postfix"), account(t, "nobody")
	for name, uid := range map[string]*user.User{"conf": nil, "queue": nil, "data": owner, "box": nobody} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if uid != nil {
			shell(t, "chown", uid.Uid, filepath.Join(dir, name))
		}
	}
	os.Chmod(dir, 0o755)
	cert, key := certify(t, dir, certFor, until)
	p := &postfix{t: t, dir: dir, port: freePort(t), read: map[string]bool{}}
	main := fmt.Sprintf(`compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = localhost
mydestination =
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = example.org, example.net
virtual_mailbox_base = %[1]s/box
virtual_mailbox_maps = static:all/
virtual_minimum_uid = 1
virtual_uid_maps = static:%[2]s
virtual_gid_maps = static:%[3]s
alias_maps =
alias_database =
maillog_file = %[1]s/log
maillog_file_prefixes = %[1]s
smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = %[4]s
smtpd_tls_key_file = %[5]s
`, dir, nobody.Uid, nobody.Gid, cert, key)
	master := fmt.Sprintf(`%d inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
`, p.port)
	for name, text := range map[string]string{"main.cf": main, "master.cf": master} {
		if err := os.WriteFile(filepath.Join(dir, "conf", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p.start()
	t.Cleanup(p.stop)
	return p
}

func account(t *testing.T, name string) *user.User {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func shell(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

func (p *postfix) start() {
	p.t.Helper()
	shell(p.t, "postfix", "-c", filepath.Join(p.dir, "conf"), "start")
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.port))
		if err == nil {
			c.Close()
			return
		}
	}
	log, _ := os.ReadFile(filepath.Join(p.dir, "log"))
	p.t.Fatalf("Postfix did not start:\n%s", log)
}

func (p *postfix) stop() {
	exec.Command("postfix", "-c", filepath.Join(p.dir, "conf"), "stop").Run()
}

// letter is a mail as it arrived.
type letter struct {
	name, from, to, subject, text string
	header                        mail.Header
}

// letters are the mails to an address; their order is the file system's.
func (p *postfix) letters(to string) (list []letter) {
	p.t.Helper()
	names, _ := filepath.Glob(filepath.Join(p.dir, "box", "all", "new", "*"))
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			p.t.Fatal(err)
		}
		m, err := mail.ReadMessage(f)
		if err != nil {
			p.t.Fatal(err)
		}
		var body io.Reader = m.Body
		if m.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
			body = quotedprintable.NewReader(body)
		}
		text, err := io.ReadAll(body)
		f.Close()
		if err != nil {
			p.t.Fatal(err)
		}
		l := letter{name: name, from: m.Header.Get("From"), to: strings.Trim(m.Header.Get("To"), "<>"), subject: m.Header.Get("Subject"),
			text: strings.ReplaceAll(string(text), "\r\n", "\n"), header: m.Header}
		if l.to == to {
			list = append(list, l)
		}
	}
	return list
}

// unread are the mails to an address that no story has read yet.
func (p *postfix) unread(to string) (list []letter) {
	p.t.Helper()
	for _, l := range p.letters(to) {
		if !p.read[l.name] {
			list = append(list, l)
		}
	}
	return list
}

// mail is a mail to an address with these words in its subject, once it has come.
func (p *postfix) mail(to, subject string) letter {
	p.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		for _, l := range p.unread(to) {
			if strings.Contains(l.subject, subject) {
				p.read[l.name] = true
				return l
			}
		}
	}
	log, _ := os.ReadFile(filepath.Join(p.dir, "log"))
	p.t.Fatalf("no mail to %s about %q within 20 seconds; there are %v\n%s", to, subject, p.unread(to), log)
	return letter{}
}

// quiet says that no mail more has come to an address.
func (p *postfix) quiet(to string) {
	p.t.Helper()
	time.Sleep(1500 * time.Millisecond)
	for _, l := range p.unread(to) {
		p.t.Errorf("a mail that nobody asked for: %q\n%s", l.subject, l.text)
	}
}

var pathMark = regexp.MustCompile(`http://[^/\s]+(/(?:invitation|password|not-me|account/mail)/\S+)`)

// link is the path of the link in a mail.
func (l letter) link(t *testing.T) string {
	t.Helper()
	m := pathMark.FindStringSubmatch(l.text)
	if m == nil {
		t.Fatalf("no link in %q:\n%s", l.subject, l.text)
	}
	return m[1]
}
