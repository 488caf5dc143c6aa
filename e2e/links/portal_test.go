package links

import (
	"flag"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

var program string

func TestMain(m *testing.M) {
	flag.Parse()
	folder, err := os.MkdirTemp("", "sallyport-links-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program = filepath.Join(folder, "sallyport")
	build := exec.Command("go", "build", "-o", program, "./cmd/sallyport")
	build.Dir, build.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	code := 1
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
	} else {
		flag.Set("test.parallel", "10") // they wait for most of the time
		code = m.Run()
	}
	os.RemoveAll(folder)
	os.Exit(code)
}

const password = "correct horse staple 9"

// portal is a running sallyport in a folder of its own.
type portal struct {
	t           *testing.T
	url, folder string
}

// start runs a portal with gateways, given as lines of the settings.
func start(t *testing.T, gateways string) *portal {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	p := &portal{t: t, folder: t.TempDir(), url: "http://" + address}
	p.run("init", "--url", p.url)
	p.write("sallyport.yaml", "url: "+p.url+"\nlisten: "+address+"\ndefault_country: US\nhashing: {memory: 19456, time: 2, threads: 1}\nbrand:\n  sms_sender: ACME\nsms:\n  gateways:\n"+gateways)
	p.write("secret", "hunter2\n")
	c := p.command("person", "add", "ada", "--password-stdin")
	c.Stdin = strings.NewReader(password + "\n")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("person add: %v\n%s", err, out)
	}
	p.serve()
	return p
}

func (p *portal) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.folder, name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *portal) command(args ...string) *exec.Cmd {
	c := exec.Command(program, args...)
	c.Dir = p.folder
	return c
}

// run runs a command beside the portal and returns what it printed.
func (p *portal) run(args ...string) string {
	p.t.Helper()
	out, err := p.command(args...).Output()
	if err != nil {
		p.t.Fatalf("sallyport %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// serve runs the portal until the test ends.
func (p *portal) serve() {
	p.t.Helper()
	log, err := os.Create(filepath.Join(p.folder, "log"))
	if err != nil {
		p.t.Fatal(err)
	}
	c := p.command("serve")
	c.Stdout, c.Stderr = log, log
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		dead := time.AfterFunc(15*time.Second, func() { _ = c.Process.Kill() })
		if err := c.Wait(); err != nil {
			p.t.Errorf("the portal ended with %v", err)
		}
		dead.Stop()
		_ = log.Close()
		if p.t.Failed() {
			p.t.Logf("log of the portal:\n%s", p.said())
		}
	})
	p.logged("is ready on")
}

func (p *portal) said() string {
	raw, _ := os.ReadFile(filepath.Join(p.folder, "log"))
	return string(raw)
}

// logged waits until the portal has written some words.
func (p *portal) logged(words string) {
	p.t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if strings.Contains(p.said(), words) {
			return
		}
	}
	p.t.Fatalf("the portal never says %q:\n%s", words, p.said())
}

// visitor is a browser with one page.
type visitor struct {
	*http.Client
	t    *testing.T
	base string
	main string
}

var (
	nameMark   = regexp.MustCompile(`data-page="([^"]*)"`)
	formMark   = regexp.MustCompile(`(?s)<form[^>]* action="([^"]*)".*?</form>`)
	hiddenMark = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
)

// atNumber is somebody who is asked for a number.
func (p *portal) atNumber(name string) *visitor {
	p.t.Helper()
	jar, _ := cookiejar.New(nil) // it has no error
	v := &visitor{Client: &http.Client{Jar: jar, Timeout: 30 * time.Second}, t: p.t, base: p.url}
	v.show(v.Get(v.base + "/sign-in"))
	v.press("Sign in", "username", name, "password", password)
	v.show(v.Get(v.base + "/2fa/setup/app"))
	v.press("Continue")
	if v.page() != "setup-phone" {
		p.t.Fatalf("the page is %s", v.page())
	}
	return v
}

func (v *visitor) show(answer *http.Response, err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	v.main = string(body)
}

// page is the name of the page.
func (v *visitor) page() string {
	if m := nameMark.FindStringSubmatch(v.main); m != nil {
		return m[1]
	}
	return ""
}

// press sends the form of a button, with fields as pairs of names and values.
func (v *visitor) press(button string, fields ...string) {
	v.t.Helper()
	for _, form := range formMark.FindAllStringSubmatch(v.main, -1) {
		if !strings.Contains(form[0], ">"+button+"</button>") {
			continue
		}
		values := url.Values{}
		for _, m := range hiddenMark.FindAllStringSubmatch(form[0], -1) {
			values.Set(m[1], html.UnescapeString(m[2]))
		}
		for i := 0; i < len(fields); i += 2 {
			values.Set(fields[i], fields[i+1])
		}
		v.show(v.PostForm(v.base+html.UnescapeString(form[1]), values))
		return
	}
	v.t.Fatalf("there is no button %q on the page %s", button, v.page())
}
