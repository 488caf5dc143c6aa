package proxies

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"sallyport/e2e/harness"
)

// postgres is the portal's database: a server that can go away and come back. It
// keeps no promise about the disk.
type postgres struct {
	address        string
	folder, binary string
	port           int
	as             *syscall.Credential
	command        *exec.Cmd
}

func startPostgres(t *testing.T, below string) *postgres {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(found) == 0 {
		t.Fatal("PostgreSQL is missing; install it: apt-get install -y --no-install-recommends postgresql")
	}
	slices.Sort(found)
	p := &postgres{folder: filepath.Join(below, "postgres"), binary: found[len(found)-1], port: harness.FreePort(t)}
	p.address = fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", p.port)
	if err := os.Mkdir(p.folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // whom it refuses
		account, err := user.Lookup("postgres")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.Atoi(account.Uid)
		gid, _ := strconv.Atoi(account.Gid)
		p.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(p.folder, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := p.program("initdb", "-D", p.folder, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	p.start(t)
	return p
}

func (p *postgres) program(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(p.binary, name), args...)
	c.Dir, c.SysProcAttr = p.folder, &syscall.SysProcAttr{Credential: p.as}
	return c
}

func (p *postgres) start(t *testing.T) {
	t.Helper()
	p.command = p.program("postgres", "-D", p.folder, "-p", strconv.Itoa(p.port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off")
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, harness.Patience, "PostgreSQL answers", func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.port))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// stop pulls the plug.
func (p *postgres) stop() {
	_ = p.command.Process.Signal(syscall.SIGQUIT)
	_ = p.command.Wait()
}
