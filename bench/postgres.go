package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// postgresServer is a server of our own that waits for the disk, as one does that
// people rely on; the tests' server does not.
type postgresServer struct {
	*exec.Cmd
	folder, address string
}

const noPostgres = "PostgreSQL is not installed; apt-get install postgresql"

// postgres lays out a server and starts it.
func (b *bench) postgres() (*postgresServer, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(found) == 0 {
		return nil, errors.Join(errors.New(noPostgres), err)
	}
	slices.Sort(found)
	bin := found[len(found)-1]
	folder, err := os.MkdirTemp("", "sallyport-bench-postgres-")
	if err != nil {
		return nil, err
	}
	s := &postgresServer{folder: folder}
	as, err := s.owner()
	if err != nil {
		return nil, errors.Join(err, s.remove())
	}
	data := filepath.Join(folder, "data")
	lay := exec.CommandContext(b, filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	lay.Dir, lay.SysProcAttr = folder, &syscall.SysProcAttr{Credential: as}
	if out, err := lay.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("initdb: %w\n%s", err, out), s.remove())
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s.address = fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port)
	s.Cmd = exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-p", strconv.Itoa(port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "shared_buffers=128MB")
	s.Dir, s.SysProcAttr = folder, &syscall.SysProcAttr{Credential: as, Pdeathsig: syscall.SIGQUIT}
	if err := s.Start(); err != nil {
		return nil, errors.Join(err, s.remove())
	}
	return s, s.answers(b)
}

// owner is the user postgres for root, whom PostgreSQL refuses.
func (s *postgresServer) owner() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return nil, errors.New(noPostgres)
	}
	uid, uidErr := strconv.Atoi(account.Uid)
	gid, gidErr := strconv.Atoi(account.Gid)
	if err := errors.Join(uidErr, gidErr, os.Chown(s.folder, uid, gid)); err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

func (s *postgresServer) answers(ctx context.Context) error {
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		db, err := pgx.Connect(ctx, s.address)
		if err == nil {
			return db.Close(ctx)
		}
		if time.Now().After(end) {
			return errors.Join(fmt.Errorf("PostgreSQL does not answer: %w", err), s.remove())
		}
	}
}

// remove ends the server at once and takes its folder away.
func (s *postgresServer) remove() error {
	if s.Cmd != nil && s.Process != nil {
		s.Process.Signal(syscall.SIGQUIT)
		s.Wait() // its status after that says nothing
	}
	return os.RemoveAll(s.folder)
}

// postgresRate is the database's own rate: each connection counts in its own row.
func postgresRate(ctx context.Context, address string, length time.Duration) (float64, error) {
	var all []*pgx.Conn
	for i := range desks {
		db, err := pgx.Connect(ctx, address)
		if err != nil {
			return 0, err
		}
		defer db.Close(ctx)
		if i == 0 {
			if _, err := db.Exec(ctx, "CREATE TABLE IF NOT EXISTS raw (id INT PRIMARY KEY, n INT NOT NULL)"); err != nil {
				return 0, err
			}
		}
		if _, err := db.Exec(ctx, "INSERT INTO raw VALUES ($1, 0) ON CONFLICT DO NOTHING", i); err != nil {
			return 0, err
		}
		all = append(all, db)
	}
	n, _, err := rate(desks, length, func(writer int) error {
		_, err := all[writer].Exec(ctx, "UPDATE raw SET n = n + 1 WHERE id = $1", writer)
		return err
	})
	return n, err
}
