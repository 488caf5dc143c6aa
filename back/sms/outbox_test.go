package sms_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sallyport/back/sms"
	"sallyport/core/message"
)

func TestTheOutboxIsALineOfJSONForEachMessage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outbox.jsonl")
	var tapped []sms.Line
	o := &sms.Outbox{Label: "outbox", Path: path, Now: func() time.Time { return now.In(time.FixedZone("", 3600)) }, Tap: func(l sms.Line) { tapped = append(tapped, l) }}
	m := message.New("ada", message.CodeKind, "+12125550198", "US", "123456 is your \"code\"\n@a.example <b> é #123456", now, time.Hour)
	ref, err := o.Send(t.Context(), m)
	if err != nil || ref != m.ID {
		t.Errorf("it answers %q, %v", ref, err)
	}
	if _, err := o.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(lines) != 2 || !strings.HasSuffix(string(text), "\n") {
		t.Fatalf("two messages are %d lines: %q", len(lines), text)
	}
	for _, line := range lines {
		var fields map[string]string
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"time": "2026-11-23T14:32:00Z", "to": "+12125550198", "text": m.Text, "id": m.ID}
		if fmt.Sprint(fields) != fmt.Sprint(want) {
			t.Errorf("the line is %v, want %v", fields, want)
		}
	}
	if len(tapped) != 2 || tapped[0].Text != m.Text {
		t.Errorf("the tap saw %v", tapped)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has the mode %v, %v", info.Mode(), err)
	}
}

func TestLinesOfTheOutboxAreNotMixed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outbox.jsonl")
	o := &sms.Outbox{Path: path, Now: clock}
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			m := message.New("", "k", "+1", "US", strings.Repeat(fmt.Sprint(i%10), 8000), now, time.Hour)
			if _, err := o.Send(t.Context(), m); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(read(t, path)); n != 50 {
		t.Errorf("%d lines of 50", n)
	}
}

// read reads an outbox, of which every line must be whole.
func read(t *testing.T, path string) (lines []sms.Line) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for raw := range bytes.Lines(text) {
		var line sms.Line
		if err := json.Unmarshal(raw, &line); err != nil {
			t.Errorf("a line of the outbox: %v", err)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestAnOutboxOnAFullDiskKeepsNoHalfLine(t *testing.T) {
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	path := filepath.Join(t.TempDir(), "outbox.jsonl")
	o := &sms.Outbox{Path: path, Now: clock}
	send := func() error {
		_, err := o.Send(t.Context(), message.New("", "k", "+1", "US", strings.Repeat("x", 900), now, time.Hour))
		return err
	}
	// The file is the largest that this process writes: the limit below meets it
	// alone, and not what the testing package writes meanwhile.
	size, lines := int64(0), 0
	for ; size < 1<<20; lines++ {
		if err := send(); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		size = info.Size()
	}
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	limited := before
	limited.Cur = uint64(size) + 500
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limited); err != nil {
		t.Fatal(err)
	}
	err := send()
	if back := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); back != nil {
		t.Fatal(back)
	}
	if err == nil {
		t.Error("it says that it was written")
	}
	if err := send(); err != nil {
		t.Fatal(err)
	}
	if n := len(read(t, path)); n != lines+1 {
		t.Errorf("%d lines of %d", n, lines+1)
	}
}
