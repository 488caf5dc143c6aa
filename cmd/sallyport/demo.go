package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"sallyport/back/seal"
	"sallyport/back/sms"
	"sallyport/config"
	"sallyport/core/manage"
	"sallyport/server"
)

// DemoCmd starts a complete portal on loopback, in a folder of its own that goes
// with it.
type DemoCmd struct {
	Port int `help:"The port on this machine; 0 takes a free one." default:"8080"`
}

// Run starts the demo and ends with it. No other installation has any password
// that was known before.
func (c DemoCmd) Run(r *run) error {
	folder, err := os.MkdirTemp("", "sallyport-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer os.RemoveAll(folder)
	listener, err := c.listen()
	if err != nil {
		return err
	}
	beside, err := DemoCmd{Port: besidePort(c.Port)}.listen()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	settings, keys, err := demoSettings(folder, listener, beside)
	var end func()
	if err == nil {
		end, err = serveDemoApp(settings.URL, beside)
	}
	if err != nil {
		return errors.Join(err, listener.Close(), beside.Close())
	}
	defer end()
	path := "/demo/outbox/" + strings.ToLower(rand.Text())
	d := &server.Demo{OutboxPath: path, OnText: func(line sms.Line) {
		fmt.Fprintf(r.out, "\ntext message to %s:\n  %s\n", line.To, strings.ReplaceAll(line.Text, "\n", "\n  "))
	}, OnReady: func(core *server.Core) error { return people(r, core, settings.URL, path) }}
	return server.Run(r, server.Options{Config: settings, Keys: keys, Listen: listener, Out: r.out, Demo: d})
}

// listen takes the port, or a free one when somebody else has it.
func (c DemoCmd) listen() (net.Listener, error) {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", c.Port))
	if err == nil {
		return l, nil
	}
	if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("listen on this machine: %w", err)
	}
	return l, nil
}

// besidePort is the port of the example app, when the portal's is asked for.
func besidePort(port int) int {
	if port == 0 {
		return 0
	}
	return port + 1
}

func demoSettings(folder string, l, beside net.Listener) (*config.Config, *seal.KeyFile, error) {
	keyFile := filepath.Join(folder, "sallyport.key")
	if err := writeNew(keyFile, seal.NewKeyFile(), 0o600); err != nil {
		return nil, nil, err
	}
	text := fmt.Sprintf(`url: http://localhost:%d
data: %q
key_file: %q
log:
  level: warn
brand:
  help_text: the person who started this demo
sms:
  gateways:
    - name: demo
      kind: outbox
      path: %q
proxies: [127.0.0.1]
apps:
  - id: example
    name: Example app
    addresses: ["http://%s"]
    groups: [everyone]
    need: two
    rules:
      - paths: [/pay]
        need: two within 2m
    tell: [name, email, groups]
`, l.Addr().(*net.TCPAddr).Port, folder, keyFile, filepath.Join(folder, "outbox.jsonl"), beside.Addr())
	settings, err := config.Parse([]byte(text), filepath.Join(folder, "sallyport.yaml"), nil)
	if err != nil {
		return nil, nil, err
	}
	keys, err := seal.ReadKeyFile(keyFile)
	return settings, keys, err
}

// passwordLength is that of the demo's random passwords: 20 characters.
const passwordLength = 20

func people(r *run, core *server.Core, url, outbox string) error {
	fmt.Fprintf(r.out, "Sallyport demo\n\n  address   %s\n", url)
	for _, who := range []manage.Adding{{Name: "ada", Display: "Ada Lovelace", Groups: []string{"staff"}}, {Name: "grace", Display: "Grace Hopper", Operator: true}} {
		who.Password = strings.ToLower(rand.Text()[:passwordLength])
		if _, err := core.Manage.Add(context.WithoutCancel(r), actor(), who); err != nil {
			return fmt.Errorf("add %s: %w", who.Name, err)
		}
		kind := "person"
		if who.Operator {
			kind = "operator"
		}
		fmt.Fprintf(r.out, "  %-9s %s, password %s\n", kind, who.Name, who.Password)
	}
	fmt.Fprintf(r.out, "  app       %s, an example behind its own proxy\n", core.Apps.Book().App("example").Addresses[0])
	fmt.Fprintf(r.out, "  texts     here, and at %s%s\n\n", url, outbox)
	fmt.Fprintln(r.out, "Use any number, for example (202) 555-0143: no text message leaves this machine.")
	fmt.Fprintln(r.out, "Ctrl-C ends the demo and leaves nothing behind.")
	return nil
}
