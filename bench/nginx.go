package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// nginxSettings are those of a proxy with three ways to the same app: without a
// question, with one that the portal answers, and with one that a bare handler
// does.
const nginxSettings = `daemon off;
pid nginx.pid;
error_log stderr crit;
worker_processes 1;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  keepalive_requests 1000000;
  upstream app { server %[2]s; keepalive 64; keepalive_requests 1000000; }
  upstream portal { server %[3]s; keepalive 64; keepalive_requests 1000000; }
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  server {
    listen 127.0.0.1:%[1]d;
    location /none/ { proxy_pass http://app/app/; }
    location /ours/ { auth_request /ask; proxy_pass http://app/app/; }
    location /bare/ { auth_request /bare; proxy_pass http://app/app/; }
    location = /ask {
      internal;
      proxy_pass http://portal/.sallyport/auth-request;
      proxy_pass_request_body off;
      proxy_set_header Connection "";
      proxy_set_header Content-Length "";
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Method $request_method;
      proxy_set_header X-Forwarded-Proto http;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Uri $request_uri;
    }
    location = /bare {
      internal;
      proxy_pass http://app/check/allowed;
      proxy_pass_request_body off;
      proxy_set_header Connection "";
      proxy_set_header Content-Length "";
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Method $request_method;
      proxy_set_header X-Forwarded-Proto http;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Uri $request_uri;
    }
  }
}
`

// nginx measures what a check adds to a request through a real proxy, of somebody
// signed in: beside none, and beside one that a bare handler answers.
func (b *bench) nginx() error {
	p, cookies, err := b.guarded(50, 2)
	if err != nil {
		return err
	}
	bare, host, _, err := b.bareServer()
	if err != nil {
		return err
	}
	defer bare.end(syscall.SIGKILL)
	proxy, at, err := b.proxy(host, p.host)
	if err != nil {
		return err
	}
	c, err := dialChecker(at)
	if err != nil {
		return errors.Join(err, proxy.end(syscall.SIGTERM))
	}
	defer c.Close()
	ways := map[string]*figures{"none": {}, "ours": {}, "bare": {}}
	for n := range few(b, 100, 3000) + warm {
		for way, took := range ways {
			t, err := c.through(way, cookies[n%len(cookies)])
			if err != nil {
				return errors.Join(err, proxy.end(syscall.SIGTERM))
			}
			if n >= warm { // before, connections are made and doors become known
				*took = append(*took, t.Seconds()*1e6)
			}
		}
	}
	through := row{what: "request through nginx with a check", unit: "µs", ours: *ways["ours"], limit: *ways["none"], by: "without a check",
		note: fmt.Sprintf("a check adds %s µs at the median, and one that a bare handler answers %s", digits(ways["ours"].median()-ways["none"].median()), digits(ways["bare"].median()-ways["none"].median()))}
	beside := row{what: "the same", unit: "µs", ours: *ways["ours"], limit: *ways["bare"], by: "checked by bare net/http", goals: []goal{most("ratio", 1.2)}}
	b.rows = append(b.rows, through, beside)
	return errors.Join(proxy.end(syscall.SIGTERM), p.stop())
}

const warm = 100

// through is a request by one of the ways.
func (c *checker) through(way, cookie string) (took time.Duration, err error) {
	ask := question("wiki.localhost", "/"+way+"/page.html", "door"+cookie)
	began := time.Now()
	if err := c.ask(ask, "200"); err != nil {
		return 0, fmt.Errorf("through nginx, %s: %w", way, err)
	}
	_, err = c.r.Discard(len("an app behind a proxy\n"))
	return time.Since(began), err
}

// proxy starts nginx in front of an app and a portal.
func (b *bench) proxy(app, portal string) (*process, string, error) {
	port, err := freePort()
	if err != nil {
		return nil, "", err
	}
	folder, err := os.MkdirTemp(b.scratch, "nginx-")
	if err != nil {
		return nil, "", err
	}
	text := fmt.Sprintf(nginxSettings, port, loopback(app), loopback(portal))
	if err := os.WriteFile(filepath.Join(folder, "nginx.conf"), []byte(text), 0o600); err != nil {
		return nil, "", err
	}
	path, err := exec.LookPath("nginx")
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/nginx"); err != nil {
			return nil, "", fmt.Errorf("%w (hint: apt-get install nginx)", err)
		}
	}
	p := &process{Cmd: exec.Command(path, "-p", folder, "-c", filepath.Join(folder, "nginx.conf"), "-e", "stderr")}
	p.Dir, p.Stderr = folder, os.Stderr
	p.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := p.Start(); err != nil {
		return nil, "", err
	}
	at := fmt.Sprintf("127.0.0.1:%d", port)
	for range 100 {
		if c, err := net.Dial("tcp", at); err == nil {
			return p, at, c.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, "", errors.Join(fmt.Errorf("nginx does not listen"), p.end(syscall.SIGTERM))
}

// loopback is a host of ours as nginx can look it up.
func loopback(host string) string { return strings.Replace(host, "localhost", "127.0.0.1", 1) }
