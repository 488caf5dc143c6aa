package seal

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

const maxKeyFile = 64 << 10 // bytes; a larger file is not a key file

// KeyFile is the keys that stay outside the database. The first wraps data
// keys, all unwrap them.
type KeyFile struct {
	first    string            // the id of the first key
	keys     map[string]Secret // id → key
	warnings []string
}

// ReadKeyFile reads a key file: a key a line, 32 bytes in base64; blank lines
// and lines that begin with # do not count. What an operator should put right,
// though it can be read, is in Warnings.
func ReadKeyFile(path string) (*KeyFile, error) {
	file, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("key file %s: %w (hint: for a new installation \"sallyport init\" makes one; "+
			"for a database that is in use bring back its own)", path, fs.ErrNotExist)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("key file %s: %w (hint: chown it to the user that runs sallyport, chmod 600)", path, fs.ErrPermission)
	case err != nil:
		return nil, fmt.Errorf("key file: %w", err)
	}
	defer file.Close()

	text, err := io.ReadAll(io.LimitReader(file, maxKeyFile+1))
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	f, err := ParseKeyFile(path, text)
	if err != nil {
		return nil, err
	}
	// A secret that a container mounts is often readable by a group, or by all
	// within it, and nothing can be done about it there: so this only warns.
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		f.warnings = append(f.warnings, fmt.Sprintf("key file %s: others than its owner may use it (mode %04o) (hint: chmod 600 %s)",
			path, info.Mode().Perm(), path))
	}
	return f, nil
}

// ParseKeyFile reads the text of a key file; name is for its errors, which hold
// nothing of the text.
func ParseKeyFile(name string, text []byte) (*KeyFile, error) {
	if len(text) > maxKeyFile {
		return nil, fmt.Errorf("key file %s: is longer than %d bytes (hint: this is some other file)", name, maxKeyFile)
	}
	f := &KeyFile{keys: map[string]Secret{}}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil {
			return nil, fmt.Errorf("key file %s:%d: is not base64 (hint: a line holds one key or begins with #; %s)", name, number, howToMake)
		}
		if len(key) != keySize {
			return nil, fmt.Errorf("key file %s:%d: a key has %d bytes, this has %d (hint: %s)", name, number, keySize, len(key), howToMake)
		}
		f.add(key)
	}
	if f.first == "" {
		return nil, fmt.Errorf("key file %s: holds no key (hint: for a new installation %s; for a database that is in use bring back its own)", name, howToMake)
	}
	return f, nil
}

const howToMake = "`openssl rand -base64 32` makes one"

func (f *KeyFile) add(key Secret) {
	id := kekID(key)
	if f.first == "" {
		f.first = id
	}
	f.keys[id] = key
}

// kekID names a key of the file in the database without giving any of it away.
func kekID(key Secret) string {
	sum := sha256.Sum256(derive(key, "id"))
	return hex.EncodeToString(sum[:4])
}

// NewKeyFile is the text of a new key file, commented, with one random key.
// Write it with mode 0600.
func NewKeyFile() []byte {
	key := make([]byte, keySize)
	rand.Read(key)
	return fmt.Appendf(nil, `# The key file of Sallyport: it opens what is sealed in the database.
#
# Keep a copy of this file apart from the backups of the database. Whoever has
# both can read everything; without this file nobody can, you neither.
#
# A key a line, 32 random bytes in base64. The first key is the one in use;
# lines below it are former keys, which open what was made with them. To replace
# the key, put a new line above the old one: openssl rand -base64 32

%s
`, base64.StdEncoding.EncodeToString(key))
}

// First is the id of the key that wraps, as it stands in table keys.
func (f KeyFile) First() string { return f.first }

// Warnings says what an operator should put right.
func (f KeyFile) Warnings() []string { return f.warnings }

// Format hides the keys from every verb of fmt.
func (f KeyFile) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, hidden) }
