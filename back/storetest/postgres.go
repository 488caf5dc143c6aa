package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Postgres returns the address of an empty PostgreSQL database of the test's
// own. The first test that asks starts a server for the whole test program,
// which ends with the program, however it ends. Without PostgreSQL the test
// fails; it is never skipped.
func Postgres(t testing.TB) string {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	name := "test_" + strings.ToLower(rand.Text())
	if err := s.exec("CREATE DATABASE " + name + " TEMPLATE template0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return s.dsn(name)
}

// shared is the server of this test program.
var shared = sync.OnceValues(func() (*server, error) {
	s, err := newServer("")
	if err != nil {
		return nil, err
	}
	if err := s.start(); err != nil {
		s.remove()
		return nil, err
	}
	return s, nil
})

// Server is a PostgreSQL server that a test has to itself and may take away.
type Server struct {
	t testing.TB
	s *server
}

// StartServer starts a server that ends with the test. Its data are within a
// folder, if one is given.
func StartServer(t testing.TB, within ...string) *Server {
	t.Helper()
	s, err := newServer(strings.Join(within, ""))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.remove)
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	return &Server{t, s}
}

// DSN is the address of its one database; it stays the same after a new start.
func (s *Server) DSN() string { return s.s.dsn("postgres") }

// Stop ends the server as a crash would, if it has not ended by itself:
// connections break, what was committed stays. Like every method that may fail the test it belongs on its goroutine.
func (s *Server) Stop() {
	s.t.Helper()
	if err := s.s.stop(); err != nil {
		s.t.Fatal(err)
	}
}

// Start starts the server again, on the same port and with the same data.
func (s *Server) Start() {
	s.t.Helper()
	if err := s.s.start(); err != nil {
		s.t.Fatal(err)
	}
}

// server is one PostgreSQL server in a folder of its own.
type server struct {
	bin, dir, password string
	port               int
	owner              *owner         // nil: runs as we do
	under              []string       // what it runs under; then it syncs
	hold               io.WriteCloser // while it is open the server runs
	ended              chan struct{}  // closed when the server has ended
}

// supervise runs the server and ends it when its standard input does: that is
// when this program lets go of it, or is killed.
//
//go:embed postgres.sh
var supervise string

const missing = "PostgreSQL is needed for this test and is not installed (hint: apt-get install postgresql)"

func newServer(within string) (*server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	as, err := whoMayRun()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(within, "sallyport-postgres-")
	if err != nil {
		return nil, err
	}
	s := &server{bin: bin, dir: dir, owner: as}
	if as != nil {
		err = os.Chown(dir, as.uid, as.gid)
	}
	if err == nil {
		err = s.prepare()
	}
	if err == nil {
		s.port, err = freePort()
	}
	if err != nil {
		s.remove()
		return nil, err
	}
	return s, nil
}

// prepare lays out the data. What initdb makes is kept as one archive for the
// next test program, because initdb takes longer than most tests.
func (s *server) prepare() error {
	version, err := exec.Command(filepath.Join(s.bin, "postgres"), "--version").Output()
	if err != nil {
		return fmt.Errorf("ask PostgreSQL for its version: %w", err)
	}
	number := regexp.MustCompile(`\d[\w.]*`).FindString(string(version))
	archive := filepath.Join(os.TempDir(), fmt.Sprintf("sallyport-postgres-%s-%d.tar", number, s.uid()))
	cmd := s.command("prepare", archive, rand.Text())
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("prepare PostgreSQL: %w\n%s", err, out)
	}
	password, err := os.ReadFile(filepath.Join(s.dir, "password"))
	if err != nil {
		return err
	}
	s.password = string(bytes.TrimSpace(password))
	return nil
}

func (s *server) start() error {
	if s.hold != nil {
		return errors.New("the PostgreSQL server runs already")
	}
	log, err := os.Create(s.log())
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := s.command(append([]string{"run", strconv.Itoa(s.port)}, s.under...)...)
	cmd.Stdout, cmd.Stderr = log, log // not ours: go test would wait for them
	hold, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	s.hold, s.ended = hold, make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(s.ended)
	}()
	return s.ready()
}

// ready waits until the server answers.
func (s *server) ready() error {
	deadline := time.Now().Add(time.Minute)
	for {
		err := s.exec("SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-s.ended:
			log, _ := os.ReadFile(s.log())
			return fmt.Errorf("PostgreSQL ended while it started:\n%s", log)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(s.log())
			return fmt.Errorf("PostgreSQL does not answer: %w\n%s", err, log)
		}
	}
}

// stop ends the server and keeps its data.
func (s *server) stop() error {
	if s.hold == nil {
		return errors.New("the PostgreSQL server does not run")
	}
	_, err := io.WriteString(s.hold, "keep\n")
	if errors.Is(err, syscall.EPIPE) {
		err = nil // it has ended
	}
	return errors.Join(err, s.end())
}

func (s *server) end() error {
	err := s.hold.Close()
	<-s.ended
	s.hold = nil
	return err
}

// remove ends the server and takes its folder away.
func (s *server) remove() {
	if s.hold != nil {
		_ = s.end()
	}
	_ = os.RemoveAll(s.dir)
}

// exec runs one statement, not within a transaction.
func (s *server) exec(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	db, err := pgx.Connect(ctx, s.dsn("postgres"))
	if err != nil {
		return err
	}
	defer db.Close(ctx)
	_, err = db.Exec(ctx, statement)
	return err
}

func (s *server) dsn(database string) string {
	return (&url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword("postgres", s.password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)),
		Path:     database,
		RawQuery: "sslmode=disable",
	}).String()
}

func (s *server) log() string { return filepath.Join(s.dir, "log") }

// command runs a part of the script as whoever may run PostgreSQL, in a process
// group of its own, so that Ctrl-C reaches the tests and not the server.
func (s *server) command(args ...string) *exec.Cmd {
	cmd := exec.Command("/bin/sh", append([]string{"-c", supervise, "postgres.sh", s.bin, s.dir}, args...)...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC", "HOME=" + s.dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if s.owner != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(s.owner.uid), Gid: uint32(s.owner.gid)}
	}
	return cmd
}

func (s *server) uid() int {
	if s.owner != nil {
		return s.owner.uid
	}
	return os.Geteuid()
}

type owner struct{ uid, gid int }

// whoMayRun is the user postgres for root, as whom PostgreSQL refuses to run.
func whoMayRun() (*owner, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return nil, errors.New(missing)
	}
	uid, err := strconv.Atoi(account.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(account.Gid)
	return &owner{uid, gid}, err
}

// binaries is the folder of the newest PostgreSQL: Debian's, which is not in
// the search path, or the one in the path.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	slices.SortFunc(found, func(a, b string) int { return release(a) - release(b) })
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), nil
	}
	initdb, err := exec.LookPath("initdb")
	if err != nil {
		return "", errors.New(missing)
	}
	return filepath.Dir(initdb), nil
}

func release(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}

// freePort finds a port below those that the system gives to outgoing
// connections: while the server is stopped nobody else is given its port, and
// no client that tries again connects to itself.
func freePort() (int, error) {
	for range 100 {
		port := 12_000 + mathrand.IntN(20_000)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("no port is free for PostgreSQL")
}
