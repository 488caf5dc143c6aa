//go:build !race

package server_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain is the premises of a folder instead, where a variable says so: in a
// process of their own they can be killed.
func TestMain(m *testing.M) {
	if folder := os.Getenv("SALLYPORT_PREMISES"); folder != "" {
		fmt.Println("failed", inhabit(folder))
		os.Exit(1)
	}
	flag.Parse()
	if flag.Lookup("test.parallel").Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = flag.Set("test.parallel", strconv.Itoa(4*runtime.GOMAXPROCS(0))) // much of it is waiting
	}
	os.Exit(m.Run())
}

// said is how an order is answered over the wire.
type said struct {
	Obeyed obeyed
	Err    string
}

func inhabit(folder string) error {
	p, err := settle(&premises{}, folder)
	if err != nil {
		return err
	}
	if at, err := strconv.ParseInt(os.Getenv("SALLYPORT_PREMISES_CLOCK"), 10, 64); err == nil {
		p.clock.Store(at)
	}
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	back, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	failed := make(chan error)
	go func() { failed <- http.Serve(front, p.handler) }()
	go func() {
		failed <- http.Serve(back, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var o order
			var s said
			err := json.NewDecoder(r.Body).Decode(&o)
			if err == nil {
				s.Obeyed, err = p.obey(o)
			}
			if err != nil {
				s.Err = err.Error()
			}
			_ = json.NewEncoder(w).Encode(s)
		}))
	}()
	fmt.Println("ready", front.Addr(), back.Addr())
	return <-failed
}

// tenant is premises in a process of their own. When it dies it is started again.
type tenant struct {
	*testing.T
	folder      string
	cmd         *exec.Cmd
	front, back string
	clock       time.Time
	died        bool // since something was armed
}

// rent opens premises that can be killed.
func rent(t *testing.T, more string) *tenant {
	t.Helper()
	folder, err := os.MkdirTemp("/dev/shm", "sallyport-test-")
	if err != nil {
		folder = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := furnish(folder, more, false); err != nil {
		t.Fatal(err)
	}
	d := &tenant{T: t, folder: folder, clock: time.Now()}
	t.Cleanup(d.end)
	d.begin()
	return d
}

func (d *tenant) begin() {
	d.Helper()
	d.cmd = exec.Command(os.Args[0], "-test.run=^$")
	d.cmd.Env = append(os.Environ(), "SALLYPORT_PREMISES="+d.folder, fmt.Sprintf("SALLYPORT_PREMISES_CLOCK=%d", d.clock.UnixNano()))
	d.cmd.Stderr, d.cmd.SysProcAttr = os.Stderr, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		d.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		d.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if n, scanErr := fmt.Sscanf(line, "ready %s %s", &d.front, &d.back); n != 2 {
		d.Fatalf("it says %q: %v %v", line, err, scanErr)
	}
}

func (d *tenant) end() {
	_ = d.cmd.Process.Kill()
	_ = d.cmd.Wait()
}

// again starts it after its end.
func (d *tenant) again() {
	d.Helper()
	d.end()
	d.died = true
	d.begin()
}

var wireClient = &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 4},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func (d *tenant) ask(r *http.Request) (*http.Response, error) {
	r.URL.Host = d.front
	r.GetBody = nil // what breaks off is not sent again by itself
	a, err := wireClient.Do(r)
	if err != nil {
		d.again()
	}
	return a, err
}

func (d *tenant) obey(o order) (obeyed, error) {
	if o.Do == "seen" && d.died {
		return obeyed{N: o.N, Text: "killed"}, nil
	}
	if o.Do == "arm" {
		d.died = false
	}
	text, err := json.Marshal(o)
	if err != nil {
		return obeyed{}, err
	}
	a, err := wireClient.Post("http://"+d.back, "application/json", bytes.NewReader(text))
	var s said
	if err == nil {
		err = errors.Join(json.NewDecoder(a.Body).Decode(&s), a.Body.Close())
	}
	if err != nil { // in the middle of it, or of what goes on beside it
		d.again()
		if strings.Contains("arm seen move letters", o.Do) {
			if o.Do == "arm" || o.Do == "seen" {
				return obeyed{Text: "killed"}, nil
			}
			return d.obey(o)
		}
		return obeyed{}, err
	}
	if s.Err != "" {
		return s.Obeyed, errors.New(s.Err)
	}
	d.clock = s.Obeyed.At
	if o.Do == "seen" && s.Obeyed.Text != "" {
		d.again() // what goes on beside requests met it, and it is about to die
	}
	return s.Obeyed, nil
}
