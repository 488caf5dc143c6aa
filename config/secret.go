package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// Secret is a text that never shows itself: whichever way it is printed,
// logged or encoded it reads "[secret]", or "" when there is none.
type Secret string

const maxSecret = 64 << 10 // bytes in a file that holds a secret

// Reveal returns the secret itself, for the one who has to use it.
func (s Secret) Reveal() string { return string(s) }

// String hides the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "[secret]"
}

// Format hides the secret from every verb of fmt, %x and %#v too.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText hides the secret from encoders and from slog.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// readSecret reads a secret from a file, without the end of its line.
func readSecret(name string) (Secret, error) {
	info, err := os.Stat(name)
	if err != nil {
		return "", reason(err)
	}
	if !info.Mode().IsRegular() { // a pipe would keep the start waiting
		return "", errors.New("it is not a file")
	}
	if info.Size() > maxSecret {
		return "", fmt.Errorf("it is larger than %d KiB", maxSecret>>10)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return "", reason(err)
	}
	secret := strings.TrimRight(string(text), "\r\n")
	if secret == "" {
		return "", errors.New("it is empty")
	}
	return Secret(secret), nil
}

// unread is the hint for a secret that cannot be read. Who puts it there is often
// root, and the portal somebody else.
func unread(err error, name string) string {
	if errors.Is(err, fs.ErrPermission) {
		return "let the user that runs sallyport own it: chown USER " + name + "; chmod 600 " + name
	}
	return ""
}

// reason leaves the path out of an error: the fault has named the file.
func reason(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
