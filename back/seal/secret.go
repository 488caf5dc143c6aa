package seal

import (
	"fmt"
	"io"
	"log/slog"
)

const hidden = "[secret]"

// Secret is bytes that never show themselves: printed with any verb, logged or
// encoded they read "[secret]". fmt does not ask the unexported fields of a
// struct how they want to be printed: a struct that keeps secrets in such
// fields and may be printed itself needs a Format of its own, as KeyFile has.
type Secret []byte

// Reveal returns the bytes themselves, for the one who has to use them.
func (s Secret) Reveal() []byte { return s }

// String hides the secret.
func (s Secret) String() string { return hidden }

// Format hides the secret from every verb of fmt, %x and %#v too.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// LogValue hides the secret from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText hides the secret from JSON and every other encoder of text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
