package seal_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/back/seal"
)

func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sallyport.key")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestANewKeyFileCanBeRead(t *testing.T) {
	text := string(seal.NewKeyFile())
	f, err := seal.ReadKeyFile(write(t, text))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Warnings()) != 0 || len(f.First()) != 8 {
		t.Errorf("first %q, warnings %q", f.First(), f.Warnings())
	}
	for line := range strings.Lines(text) {
		if len(line) > 81 {
			t.Errorf("a line is too long: %q", line)
		}
	}
	if text == string(seal.NewKeyFile()) {
		t.Error("two key files are the same")
	}
}

func TestTheFirstLineOfAKeyFileWraps(t *testing.T) {
	one, two := newLine(), newLine()
	f := keyFile(t, "\ufeff# comment", "", "  "+two+"\t\r", "   # another", one, two)
	if want := keyFile(t, two).First(); f.First() != want {
		t.Errorf("got %s, want %s", f.First(), want)
	}
}

func TestAKeyFileThatIsNotOneSaysWhatToDo(t *testing.T) {
	short, long := newLine()[:24], newLine()[:43]+"A"
	for name, row := range map[string]struct{ text, want string }{
		"empty":         {"", "holds no key (hint: "},
		"only comments": {"# a\n\n# b\n", "holds no key (hint: "},
		"a word":        {newLine() + "\n\npass-word\n", "sallyport.key:3: is not base64 (hint: "},
		"cut short":     {"# a\n" + newLine()[:40] + "\n", "sallyport.key:2: a key has 32 bytes, this has 30 (hint: "},
		"18 bytes":      {short, "sallyport.key:1: a key has 32 bytes, this has 18 (hint: "},
		"33 bytes":      {long, "sallyport.key:1: a key has 32 bytes, this has 33 (hint: "},
		"a comment behind": {newLine() + " # mine",
			"sallyport.key:1: is not base64 (hint: a line holds one key or begins with #"},
		"too long": {strings.Repeat("# x\n", 20_000), "is longer than 65536 bytes (hint: "},
	} {
		_, err := seal.ReadKeyFile(write(t, row.text))
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want %q", name, err, row.want)
			continue
		}
		for _, line := range strings.Fields(row.text) {
			if len(line) > 3 && strings.Contains(err.Error(), line) {
				t.Errorf("%s: the error shows the file: %v", name, err)
			}
		}
	}
}

func TestAKeyFileThatCannotBeReadSaysWhatToDo(t *testing.T) {
	_, err := seal.ReadKeyFile(filepath.Join(t.TempDir(), "none"))
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), `"sallyport init" makes one`) {
		t.Errorf("missing: %v", err)
	}
	if _, err = seal.ReadKeyFile(t.TempDir()); err == nil || !strings.Contains(err.Error(), "key file") {
		t.Errorf("a folder: %v", err)
	}
}

func TestAKeyFileThatOthersMayUseIsWarnedOf(t *testing.T) {
	path := write(t, newLine())
	for mode, warned := range map[fs.FileMode]bool{0o600: false, 0o400: false, 0o640: true, 0o604: true, 0o620: true} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		f, err := seal.ReadKeyFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(f.Warnings()) == 1; got != warned {
			t.Errorf("%04o: warnings %q", mode, f.Warnings())
		} else if warned && !strings.Contains(f.Warnings()[0], "hint: chmod 600 "+path) {
			t.Errorf("%04o: %q", mode, f.Warnings())
		}
	}
}

func FuzzKeyFile(f *testing.F) {
	f.Add([]byte(newLine()))
	f.Add(seal.NewKeyFile())
	f.Add([]byte("\ufeff# x\r\n\x00\xff="))
	f.Add([]byte("====\n"))
	path := filepath.Join(f.TempDir(), "sallyport.key")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := seal.ReadKeyFile(path)
		if (file == nil) == (err == nil) {
			t.Fatalf("got %v and %v", file, err)
		}
		if err != nil {
			return
		}
		row, err := file.NewDataKey(1, seal.Data, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.Rewrap(row); err != nil {
			t.Error(err)
		}
	})
}
