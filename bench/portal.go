package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"sallyport/back/seal"
	"sallyport/back/store"
)

// portal is an installation in a folder of its own.
type portal struct {
	*process
	bench    *bench
	folder   string
	host     string // its name and port
	database string // a postgres:// address, or "" for the embedded one
}

// The costs of a password that groups choose which do not measure it: those of
// the settings' floor.
const cheapPasswords = "hashing:\n  memory: 19456\n  time: 2\n  threads: 1\n"

// install makes an installation with an outbox. What differs from the defaults is
// lines of its settings; clients tell their own addresses, as if behind a proxy.
func (b *bench) install(database, settings string) (*portal, error) {
	folder, err := os.MkdirTemp(b.scratch, "portal-")
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	p := &portal{bench: b, folder: folder, host: "localhost:" + strconv.Itoa(port), database: database}
	text := fmt.Sprintf("url: http://%s\nlisten: 127.0.0.1:%d\nproxies: [127.0.0.1]\nlog:\n  level: error\n"+
		"sms:\n  gateways:\n    - name: outbox\n      kind: outbox\n      path: ./outbox.jsonl\n%s", p.host, port, settings)
	if database != "" {
		text += fmt.Sprintf("database: %q\n", database)
	}
	init := exec.CommandContext(b, b.program, "init", "--config", "first.yaml")
	init.Dir = folder
	if out, err := init.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("init: %w\n%s", err, out)
	}
	return p, os.WriteFile(filepath.Join(folder, "sallyport.yaml"), []byte(text), 0o600)
}

// freePort finds a port below those that the system gives to clients, so that none
// of them takes it before the portal listens.
func freePort() (int, error) {
	for range 100 {
		port := 20_000 + rand.IntN(10_000)
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("no port is free")
}

// serve starts the portal.
func (p *portal) serve() (took time.Duration, err error) {
	p.process, took, err = run(p.folder, p.bench.program, "serve")
	return took, err
}

// stop ends the portal in order.
func (p *portal) stop() error { return p.end(syscall.SIGTERM) }

func (p *portal) pid() int { return p.Process.Pid }

// open opens the portal's database, beside it or while it is down.
func (p *portal) open(ctx context.Context) (*store.Store, error) {
	keys, err := seal.ReadKeyFile(filepath.Join(p.folder, "sallyport.key"))
	if err != nil {
		return nil, err
	}
	return store.Open(ctx, store.Options{Folder: filepath.Join(p.folder, "data"), Postgres: p.database, Keys: keys, Now: time.Now})
}

// bareServer starts the limit of a server: the same headers and nothing else.
func (b *bench) bareServer() (p *process, host string, took time.Duration, err error) {
	port, err := freePort()
	if err != nil {
		return nil, "", 0, err
	}
	host = "localhost:" + strconv.Itoa(port)
	p, took, err = run(b.scratch, b.bare, strconv.Itoa(port))
	return p, host, took, err
}
