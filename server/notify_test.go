package server

import (
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSystemdIsTold(t *testing.T) {
	for name, at := range map[string]string{"a file": filepath.Join(t.TempDir(), "notify"), "a name without a file": "@" + t.Name() + t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: at, Net: "unixgram"})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			t.Setenv("NOTIFY_SOCKET", at)
			s := &Server{log: slog.New(slog.NewTextHandler(io.Discard, nil))}
			s.notify("READY=1")
			l.SetDeadline(time.Now().Add(5 * time.Second))
			text := make([]byte, 100)
			n, err := l.Read(text)
			if err != nil || string(text[:n]) != "READY=1" {
				t.Errorf("it is told %q, %v", text[:n], err)
			}
		})
	}
}

func TestWithoutSystemdNobodyIsTold(t *testing.T) {
	log := &logged{}
	s := &Server{log: slog.New(slog.NewTextHandler(log, nil))}
	t.Setenv("NOTIFY_SOCKET", "")
	s.notify("READY=1")
	if log.String() != "" {
		t.Errorf("the log says\n%s", log)
	}
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "nobody"))
	s.notify("READY=1")
	if !strings.Contains(log.String(), "systemd not told") {
		t.Errorf("of a socket where nobody listens the log says %q", log)
	}
}
