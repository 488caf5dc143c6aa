// Package cli tells the stories of the command line: each file of testdata is one
// noun or verb, told through the program that ships, and reads as its manual.
//
// Besides testscript's own commands a story has these:
//
//	sallyport ARG…       runs the program; it succeeds and complains of nothing
//	fails ARG…           runs it; it exits 1, says what to do, and answers nothing
//	misused ARG…         the same with exit 2, for a wrong call
//	exits CODE ARG…      runs it; it exits with CODE
//	ready [PATH]         waits until /readyz, or PATH, answers at $PORT
//	signal NAME          sends INT, TERM or HUP to all that runs beside the story
//	certificate FILE KEY makes a certificate for localhost and id.example.org, with its key
//	clock DURATION       moves the portal's clock, from now on
//	browser              takes a new browser, which nobody has signed in with
//	visit ADDRESS        opens a page; stdout has status and name, then its text
//	press BUTTON NAME=…  sends a form of that page; =@FILE is a value in a file
//	enrol NAME FILE      takes a new one, signs somebody in whose password is in
//	                     FILE, and sets up 2FA
//	await FILE PATTERN   waits until a file says something, and makes it stdout
//	take NAME PATTERN    makes a variable of the group in stdout
//
// A story has a folder of its own, and these variables: PORT is a free port and
// BUSY one that is taken; OPERATOR is the user of the system.
package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "accept what cmp finds in place of what the stories say")

// scratch holds the program in a folder of its own, for the PATH, and the folders
// of the stories.
var scratch string

func TestMain(m *testing.M) {
	// Programs of these tests obey a terminal that closes, even where nohup runs the
	// tests: what we listen to is no longer ignored by whom we start.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if scratch, err = os.MkdirTemp("", "sallyport-cli-"); err != nil {
		return 0, err
	}
	defer os.RemoveAll(scratch)
	build := exec.Command("go", "build", "-tags", "testclock", "-o", filepath.Join(scratch, "bin", "sallyport"), "./cmd/sallyport")
	build.Dir, build.Env = filepath.Join("..", ".."), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build: %w\n%s", err, out)
	}
	return m.Run(), nil
}

func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", WorkdirRoot: scratch, Setup: begin, Cmds: commands, RequireUniqueNames: true, UpdateScripts: *update})
}

// begin gives a story its folder, clock, ports and browser.
func begin(e *testscript.Env) error {
	operator, err := user.Current()
	if err != nil {
		return err
	}
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	e.Defer(func() { busy.Close() })
	port, err := freePort()
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"PATH": filepath.Join(scratch, "bin") + string(os.PathListSeparator) + e.Getenv("PATH"), "HOME": e.WorkDir,
		"PORT": port, "BUSY": strconv.Itoa(busy.Addr().(*net.TCPAddr).Port), "OPERATOR": operator.Username,
		"SALLYPORT_CLOCK": filepath.Join(e.WorkDir, ".clock"),
	} {
		e.Setenv(name, value)
	}
	b := &browser{base: "http://localhost:" + port}
	b.fresh()
	e.Values[browserKey{}] = b
	return nil
}

// The ports of the portals: below those that the system gives to whoever asks,
// so that no client's connection can take one before its portal listens.
const firstPort, manyPorts = 14000, 2000

var nextPort atomic.Int64

func init() { nextPort.Store(rand.Int64N(manyPorts)) }

func freePort() (string, error) {
	for range manyPorts {
		port := strconv.FormatInt(firstPort+nextPort.Add(1)%manyPorts, 10)
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			return port, l.Close()
		}
	}
	return "", errors.New("no port is free")
}

// commands are those of the package comment.
var commands = map[string]func(s *testscript.TestScript, not bool, args []string){
	"sallyport": plainly(func(s *testscript.TestScript, args []string) {
		exits(s, 0, args)
		if s.ReadFile("stderr") != "" {
			s.Fatalf("it succeeds, but complains")
		}
	}),
	"fails":   plainly(func(s *testscript.TestScript, args []string) { refuses(s, 1, args) }),
	"misused": plainly(func(s *testscript.TestScript, args []string) { refuses(s, 2, args) }),
	"exits": plainly(func(s *testscript.TestScript, args []string) {
		code, err := strconv.Atoi(args[0])
		s.Check(err)
		exits(s, code, args[1:])
	}),
	"ready":       plainly(ready),
	"signal":      plainly(send),
	"certificate": plainly(certificate),
	"clock":       plainly(clock),
	"await":       plainly(await),
	"take":        plainly(take),
	"browser":     plainly(func(s *testscript.TestScript, _ []string) { browserOf(s).fresh() }),
	"visit":       plainly(func(s *testscript.TestScript, args []string) { browserOf(s).visit(s, args[0]) }),
	"press":       plainly(func(s *testscript.TestScript, args []string) { browserOf(s).press(s, args[0], args[1:]) }),
	"enrol":       plainly(func(s *testscript.TestScript, args []string) { browserOf(s).enrol(s, args[0], args[1]) }),
}

// plainly makes a command of what has no opposite.
func plainly(do func(s *testscript.TestScript, args []string)) func(s *testscript.TestScript, not bool, args []string) {
	return func(s *testscript.TestScript, not bool, args []string) {
		if not {
			s.Fatalf("this command has no opposite")
		}
		do(s, args)
	}
}

func exits(s *testscript.TestScript, want int, args []string) {
	code := 0
	err := s.Exec("sallyport", args...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else {
		s.Check(err)
	}
	if code != want {
		s.Fatalf("exit %d, not %d", code, want)
	}
}

func refuses(s *testscript.TestScript, code int, args []string) {
	exits(s, code, args)
	words := s.ReadFile("stderr")
	if !strings.HasPrefix(words, "sallyport: ") || !strings.Contains(words, "hint: ") {
		s.Fatalf("it does not say what is wrong and what to do")
	}
	if s.ReadFile("stdout") != "" {
		s.Fatalf("it fails, and still answers")
	}
}

// patience is how long a story waits for something that must come.
const patience = 15 * time.Second

// until waits until something is so.
func until(s *testscript.TestScript, what string, so func() bool) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if so() {
			return
		}
	}
	s.Fatalf("%s: not within %s", what, patience)
}

func ready(s *testscript.TestScript, args []string) {
	address := "http://localhost:" + s.Getenv("PORT") + append(args, "/readyz")[0]
	until(s, address+" answers", func() bool {
		answer, err := http.Get(address)
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}

func send(s *testscript.TestScript, args []string) {
	signal, known := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP}[args[0]]
	if !known {
		s.Fatalf("no signal %s", args[0])
	}
	for _, c := range s.BackgroundCmds() {
		s.Check(c.Process.Signal(signal))
		time.AfterFunc(patience, func() { c.Process.Kill() }) // or wait would have no end
	}
}

func clock(s *testscript.TestScript, args []string) {
	by, err := time.ParseDuration(args[0])
	s.Check(err)
	path := s.Getenv("SALLYPORT_CLOCK")
	s.Check(os.WriteFile(path+".next", []byte(strconv.FormatFloat(by.Seconds(), 'f', 0, 64)), 0o600))
	s.Check(os.Rename(path+".next", path))
}

func await(s *testscript.TestScript, args []string) {
	pattern, err := regexp.Compile("(?m)" + args[1])
	s.Check(err)
	var text []byte
	until(s, args[0]+" has "+args[1], func() bool {
		text, _ = os.ReadFile(s.MkAbs(args[0])) // until it is there
		return pattern.Match(text)
	})
	fmt.Fprintf(s.Stdout(), "%s", text)
}

func take(s *testscript.TestScript, args []string) {
	pattern, err := regexp.Compile("(?m)" + args[1])
	s.Check(err)
	m := pattern.FindStringSubmatch(s.ReadFile("stdout"))
	if len(m) != 2 {
		s.Fatalf("no %s in stdout", args[1])
	}
	s.Setenv(args[0], m[1])
}

func certificate(s *testscript.TestScript, args []string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), nil)
	s.Check(err)
	of := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost", "id.example.org"}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	public, err := x509.CreateCertificate(nil, of, of, key.Public(), key)
	s.Check(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	s.Check(err)
	for i, block := range []*pem.Block{{Type: "CERTIFICATE", Bytes: public}, {Type: "PRIVATE KEY", Bytes: private}} {
		s.Check(os.WriteFile(s.MkAbs(args[i]), pem.EncodeToMemory(block), 0o600))
	}
}
