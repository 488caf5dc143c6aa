package storetest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// Exec runs one statement as the server's owner.
func (s *Server) Exec(statement string) {
	s.t.Helper()
	if err := s.s.exec(statement); err != nil {
		s.t.Fatalf("%s: %v", statement, err)
	}
}

// Set changes a setting of the running server.
func (s *Server) Set(name, value string) {
	s.t.Helper()
	s.Exec(fmt.Sprintf("ALTER SYSTEM SET %s = '%s'", name, value))
	s.Exec("SELECT pg_reload_conf()")
}

// Port is where the server listens, on 127.0.0.1.
func (s *Server) Port() int { return s.s.port }

// Password is that of its one user, postgres.
func (s *Server) Password() string { return s.s.password }

// Replica starts a second server that follows this one, which from then on answers
// a commit only when the replica has it too.
func (s *Server) Replica() *Server {
	s.t.Helper()
	r, err := s.s.replica()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(r.remove)
	if err := r.start(); err != nil {
		s.t.Fatal(err)
	}
	s.Set("synchronous_standby_names", "*")
	return &Server{s.t, r}
}

// Promote makes a replica take writes.
func (s *Server) Promote() {
	s.t.Helper()
	s.Exec("ALTER SYSTEM SET synchronous_standby_names = ''")
	s.Exec("SELECT pg_promote()")
}

func (s *server) replica() (*server, error) {
	dir, err := os.MkdirTemp("", "sallyport-postgres-")
	if err != nil {
		return nil, err
	}
	r := &server{bin: s.bin, dir: dir, owner: s.owner, password: s.password}
	if s.owner != nil {
		err = os.Chown(dir, s.owner.uid, s.owner.gid)
	}
	if err == nil {
		err = s.copyTo(filepath.Join(dir, "data"))
	}
	if err == nil {
		r.port, err = freePort()
	}
	if err != nil {
		r.remove()
		return nil, err
	}
	return r, nil
}

// copyTo copies the running server, ready to follow it.
func (s *server) copyTo(folder string) error {
	cmd := exec.Command(filepath.Join(s.bin, "pg_basebackup"), "-D", folder, "-R", "-X", "stream", "-c", "fast", "-N",
		"-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-U", "postgres")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "PGPASSWORD=" + s.password}
	if s.owner != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(s.owner.uid), Gid: uint32(s.owner.gid)}}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("copy PostgreSQL: %w\n%s", err, out)
	}
	return nil
}

// As runs a program as whoever runs the servers: some refuse root, as they do.
func (s *Server) As(t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(name, args...)
	if s.s.owner != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(s.s.owner.uid), Gid: uint32(s.s.owner.gid)}}
	}
	return cmd
}
