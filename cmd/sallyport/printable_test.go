package main

import (
	"os"
	"strings"
	"testing"
)

// Whoever may write the database must not write what an operator reads.
func TestTheTerminalObeysNobody(t *testing.T) {
	evil := "x)\x1b[2K\rthe audit log verifies\u009b1m\u202e"
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r := &run{Commands: &Commands{}, out: write}
	if err := r.say(nil, "a %s\nb\n", evil); err != nil {
		t.Fatal(err)
	}
	write.Close()
	told := make([]byte, 1000)
	n, err := read.Read(told)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(told[:n]), printable(evil)} {
		if strings.ContainsAny(text, "\x1b\r\u009b\u202e") || !strings.Contains(text, "the audit log verifies·1m·") {
			t.Errorf("%q", text)
		}
	}
	if text := string(told[:n]); strings.Count(text, "\n") != 2 {
		t.Errorf("%q", text)
	}
}

func TestNoCellIsAFormula(t *testing.T) {
	for cell, want := range map[string]string{
		"=1+1": "'=1+1", " \t+1": "' \t+1", "\uff1d1": "'\uff1d1", "ada": "ada", "": "", "Mozilla/5.0 (X11; Linux)": "Mozilla/5.0 (X11; Linux)",
		// Where a semicolon or a tab parts cells, as in half of Europe.
		"Mozilla;=1+1": "Mozilla;'=1+1", "a; @x;\t-1": "a;' @x;'\t-1", "a\n=1": "a\n'=1",
	} {
		if got := inert(cell); got != want {
			t.Errorf("%q becomes %q, want %q", cell, got, want)
		}
	}
}
