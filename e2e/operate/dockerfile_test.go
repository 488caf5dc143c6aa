package operate

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sallyport/e2e/harness"
)

// build makes the image as the Dockerfile says, with this machine's Go and
// certificates in place of those of the image that it begins with.
func (m *machine) build() {
	m.t.Helper()
	text, err := os.ReadFile(filepath.Join(source, "Dockerfile"))
	m.must(err)
	i, last := image{Root: "/image"}, false
	m.must(syscall.Mount("proc", m.at("proc"), "proc", 0, ""))
	root := m.at("image")
	m.must(os.Mkdir(root, 0o755))
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		verb, rest, _ := strings.Cut(line, " ")
		words := strings.Fields(rest)
		switch {
		case line == "" || line[0] == '#':
		case line == "FROM golang:1.26 AS build", line == "WORKDIR /src", line == "COPY . .", verb == "VOLUME", verb == "EXPOSE":
		case line == "FROM scratch":
			last = true
		case !last && verb == "RUN":
			m.plain(rest)
		case last && verb == "COPY" && len(words) > 2 && words[0] == "--from=build":
			owner := "0:0"
			if words = words[1:]; strings.HasPrefix(words[0], "--chown=") {
				owner, words = strings.TrimPrefix(words[0], "--chown="), words[1:]
			}
			to := filepath.Join(root, words[1])
			m.must(os.MkdirAll(filepath.Dir(to), 0o755))
			m.output("cp", "-LrT", m.at(words[0]), to)
			m.output("chown", "-R", owner, to)
		case last && verb == "ENV":
			i.Environment = append(i.Environment, words...)
		case last && verb == "WORKDIR":
			i.Folder = rest
		case last && verb == "USER":
			_, err = fmt.Sscanf(rest, "%d:", &i.User)
		case last && verb == "ENTRYPOINT":
			err = json.Unmarshal([]byte(rest), &i.Entrypoint)
		case last && verb == "CMD":
			err = json.Unmarshal([]byte(rest), &i.Command)
		default:
			m.t.Fatalf("the test does not know what a line of the Dockerfile does: %s", line)
		}
		if err != nil {
			m.t.Fatalf("%s: %v", line, err)
		}
	}
	m.must(keep(m.at(imageFile), i))
	self, err := os.Executable()
	m.must(err)
	m.write("usr/local/sbin/docker", "")
	m.must(os.Chmod(m.at("usr/local/sbin/docker"), 0o755))
	m.must(bind(self, m.at("usr/local/sbin/docker"), false))
}

// plain runs a script on a machine that is not switched on.
func (m *machine) plain(script string) string {
	m.t.Helper()
	c := exec.Command("chroot", m.root, "bash", "-euo", "pipefail", "-c", "cd /src\n"+script)
	c.Env = m.environment()
	out, err := c.CombinedOutput()
	if err != nil {
		m.t.Fatalf("%v\n%s\nfails:\n%s", err, script, out)
	}
	return string(out)
}

// tlsProxy ends TLS for a container, out of the network of Docker.
func tlsProxy(t *testing.T, m *machine, a *harness.Authority) {
	t.Helper()
	m.output("ip", "address", "add", "172.17.0.1/32", "dev", "lo")
	t.Cleanup(func() { m.output("ip", "address", "delete", "172.17.0.1/32", "dev", "lo") })
	m.certified(a, time.Hour)
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(172, 17, 0, 1)}}
	p := &httputil.ReverseProxy{Transport: &http.Transport{DialContext: dialer.DialContext}, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: "127.0.0.1:8080"})
		r.Out.Host = r.In.Host
		r.SetXForwarded()
	}}
	s := &http.Server{Addr: "127.0.0.1:443", Handler: p, ReadHeaderTimeout: patience, ErrorLog: log.New(io.Discard, "", 0)}
	ended := make(chan error, 1)
	go func() {
		ended <- s.ListenAndServeTLS(m.at("certificate/fullchain.pem"), m.at("certificate/privkey.pem"))
	}()
	t.Cleanup(func() {
		s.Close()
		if err := <-ended; err != http.ErrServerClosed {
			t.Error(err)
		}
	})
}

// The page's words with a root that holds the static program, and nothing else of
// a system.
func TestAContainer(t *testing.T) {
	m := newMachine(t)
	m.build()
	var files []string
	m.must(filepath.WalkDir(m.at("image"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, strings.TrimPrefix(path, m.at("image")))
		}
		return err
	}))
	if got := strings.Join(files, " "); got != "/etc/ssl/certs/ca-certificates.crt /sallyport" {
		t.Errorf("the image holds %s", got)
	}
	if out := m.plain("ldd /image/sallyport || true"); !strings.Contains(out, "not a dynamic executable") {
		t.Errorf("the program needs libraries:\n%s", out)
	}

	a := harness.NewAuthority(t)
	tlsProxy(t, m, a)
	list := blocks(page(t, "docker.md"), "sh")
	m.plain(list[0])
	var pid int
	t.Cleanup(func() {
		if pid != 0 {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended in order
		}
		if t.Failed() {
			said, _ := os.ReadFile(m.at("sallyport.log"))
			t.Logf("the log of the container:\n%s", said)
		}
	})
	text, err := os.ReadFile(m.at("sallyport.pid"))
	m.must(err)
	pid, err = strconv.Atoi(string(text))
	m.must(err)
	m.until("the container is ready", func() bool {
		answer, err := http.Get("http://127.0.0.1:8080/readyz")
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	said := m.plain(strings.Join(list[1:], "\n"))
	link := invitation.FindString(said)
	if link == "" || !strings.Contains(said, "sallyport is ready on "+base) || strings.Contains(said, "\nfault ") || strings.Contains(said, "limits per address") {
		t.Fatalf("the commands say\n%s", said)
	}
	everywhere(t, m, link, a.Root)

	t.Run("it is nobody, without rights", func(t *testing.T) {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		m.must(err)
		for _, line := range []string{"Uid:\t65534\t65534\t65534\t65534\n", "Gid:\t65534\t65534\t65534\t65534\n", "Groups:\t \n", "CapEff:\t0000000000000000\n", "CapBnd:\t0000000000000000\n", "NoNewPrivs:\t1\n"} {
			if !strings.Contains(string(status), line) {
				t.Errorf("%q is not in\n%s", line, status)
			}
		}
	})
	t.Run("it ends in order, and leaves what only it can read", func(t *testing.T) {
		m.must(syscall.Kill(pid, syscall.SIGTERM))
		m.until("the container ends", func() bool {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			return err != nil || strings.Contains(string(stat), ") Z ")
		})
		said, err := os.ReadFile(m.at("sallyport.log"))
		m.must(err)
		if !strings.Contains(string(said), "msg=draining") || strings.Contains(string(said), "level=WARN") || strings.Contains(string(said), "level=ERROR") {
			t.Errorf("it says\n%s", said)
		}
		if open := m.plain("find /srv/sallyport ! -uid 65534 -o -perm /037 -o -perm /077 ! -name sallyport.yaml"); open != "" {
			t.Errorf("others could have\n%s", open)
		}
		if m.plain("find /srv/sallyport/data -name sallyport.db") == "" {
			t.Error("there is no database in its folder")
		}
		pid = 0
	})
}
