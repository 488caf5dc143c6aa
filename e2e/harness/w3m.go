package harness

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// Reader is somebody before w3m: a browser of text, without scripts, styles and
// pictures. It is driven by its keys, on a terminal of its own.
type Reader struct {
	t      testing.TB
	tty    *os.File
	folder string
	saves  int

	mu   sync.Mutex
	last time.Time // when w3m last drew
}

// Write takes what w3m draws, of which only the time is of interest.
func (r *Reader) Write(drawn []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = time.Now()
	return len(drawn), nil
}

// drawn waits until w3m has drawn something and is still: keys that come while it
// makes its terminal ready are lost.
func (r *Reader) drawn(since time.Time) {
	r.t.Helper()
	const still = 80 * time.Millisecond
	for end := since.Add(step); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		r.mu.Lock()
		last := r.last
		r.mu.Unlock()
		if last.After(since) && time.Since(last) > still {
			return
		}
	}
	r.t.Fatal("w3m does not draw")
}

// Read opens an address in w3m.
func Read(t testing.TB, address string) *Reader {
	t.Helper()
	path := Need(t, "w3m")
	r := &Reader{t: t, folder: t.TempDir()}
	var slave *os.File
	r.tty, slave = openTerminal(t)
	c := exec.Command(path, "-cookie", "-o", "accept_cookie=1", "-o", "wrap_search=1", "-o", "ignorecase_search=0", "-o", "display_charset=UTF-8", "-o", "confirm_qq=0", address)
	c.Env = append(os.Environ(), "HOME="+r.folder, "TERM=vt100", "LANG=C.UTF-8")
	c.Stdin, c.Stdout, c.Stderr = slave, slave, slave
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Pdeathsig: syscall.SIGKILL}
	began := time.Now()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	_ = slave.Close()
	drained := make(chan struct{})
	go func() { _, _ = io.Copy(r, r.tty); close(drained) }()
	t.Cleanup(func() {
		_ = c.Process.Kill() // w3m asks before it quits
		_ = c.Wait()
		_ = r.tty.Close()
		<-drained
	})
	r.drawn(began)
	return r
}

// openTerminal makes a pseudo-terminal of 100 by 200.
func openTerminal(t testing.TB) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	var locked, number int32
	size := [4]uint16{200, 100, 0, 0}
	for _, one := range []struct {
		request uintptr
		value   unsafe.Pointer
	}{{syscall.TIOCSPTLCK, unsafe.Pointer(&locked)}, {syscall.TIOCGPTN, unsafe.Pointer(&number)}, {syscall.TIOCSWINSZ, unsafe.Pointer(&size)}} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, master.Fd(), one.request, uintptr(one.value)); errno != 0 {
			t.Fatalf("make a terminal: %v", errno)
		}
	}
	if slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	return master, slave
}

func (r *Reader) keys(text string) {
	r.t.Helper()
	began := time.Now()
	defer r.drawn(began)
	if _, err := r.tty.WriteString(text); err != nil {
		r.t.Fatal(err)
	}
}

const clear = "\x15" // Ctrl-U empties a line that is being typed

// Text is the page as w3m shows it. Keys that come while it loads a page are
// lost, so it is asked again.
func (r *Reader) Text() string {
	r.t.Helper()
	for end := time.Now().Add(step); time.Now().Before(end); {
		r.saves++
		path := filepath.Join(r.folder, fmt.Sprintf("page-%d", r.saves))
		r.keys("S" + clear + path + "\r")
		for range 20 {
			if raw, err := os.ReadFile(path); err == nil && len(raw) > 0 {
				time.Sleep(20 * time.Millisecond) // the rest of it
				raw, _ = os.ReadFile(path)
				return strings.Join(strings.Fields(string(raw)), " ")
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	r.t.Fatalf("w3m does not answer; the last page was %d", r.saves)
	return ""
}

// Says waits for words.
func (r *Reader) Says(words string) string {
	r.t.Helper()
	text := ""
	for end := time.Now().Add(step); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if text = r.Text(); strings.Contains(text, words) {
			return text
		}
	}
	r.t.Fatalf("w3m does not show %q but:\n%s", words, text)
	return ""
}

// search puts the cursor on the first place with these words.
func (r *Reader) search(words string) {
	r.t.Helper()
	r.keys("g/" + clear + regexp.QuoteMeta(words) + "\r")
}

// Fill types into the field after a label.
func (r *Reader) Fill(label, text string) {
	r.t.Helper()
	r.search(label)
	r.keys("\t\r" + clear + text + "\r")
}

// Press presses the last button with these words; a heading may say the same.
func (r *Reader) Press(button string) {
	r.t.Helper()
	r.keys("G?" + clear + regexp.QuoteMeta(button) + "\r")
	r.keys("\r")
}

// Follow follows the first link, or presses the first button, with these words.
func (r *Reader) Follow(link string) { r.t.Helper(); r.search(link); r.keys("\r") }

// Tick ticks the box before a label.
func (r *Reader) Tick(label string) { r.t.Helper(); r.search("[ ]"); r.keys("\t\r") }

// Go opens an address.
func (r *Reader) Go(address string) { r.t.Helper(); r.keys("U" + clear + address + "\r") }
