package factor

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"net/url"
	"strings"
	"time"
)

// Secret is a shared key and how codes are made of it. What Sallyport makes is
// always SHA-1, six digits, 30 seconds and 160 bits, because common apps ignore
// every other setting; a key imported from elsewhere may be different.
type Secret struct {
	Key       []byte
	Algorithm string  `json:",omitempty"` // SHA1, SHA256 or SHA512
	Digits    int     `json:",omitempty"`
	Period    int     `json:",omitempty"` // seconds
	Refused   []int64 `json:",omitempty"` // steps of the future that were shown to match
}

// NewSecret makes a key of 160 random bits (RFC 4226 R6).
func NewSecret() Secret {
	key := make([]byte, 20)
	rand.Read(key)
	return Secret{Key: key}
}

func (s Secret) algorithm() string {
	if s.Algorithm == "" {
		return "SHA1"
	}
	return s.Algorithm
}

func (s Secret) digits() int {
	if s.Digits == 0 {
		return 6
	}
	return s.Digits
}

func (s Secret) period() int64 {
	if s.Period == 0 {
		return 30
	}
	return int64(s.Period)
}

// hashes are the algorithms that a secret may name.
var hashes = map[string]func() hash.Hash{"SHA1": sha1.New, "SHA256": sha256.New, "SHA512": sha512.New}

// Step is the time step of now: T0 = 0 (RFC 6238 section 4).
func (s Secret) Step(now time.Time) int64 { return now.Unix() / s.period() }

// Code is the code of a time step (RFC 4226 section 5.3).
func (s Secret) Code(step int64) string {
	h := hmac.New(hashes[s.algorithm()], s.Key)
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(step))
	h.Write(counter[:])
	sum := h.Sum(nil)
	at := sum[len(sum)-1] & 15
	n := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff
	mod := uint32(1)
	for range s.digits() {
		mod *= 10
	}
	return fmt.Sprintf("%0*d", s.digits(), n%mod)
}

// Text is the key as apps take it: base 32 without padding.
func (s Secret) Text() string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(s.Key)
}

// Groups is Text in groups of four letters, for the eye and the screen reader.
func (s Secret) Groups() string {
	text := s.Text()
	var b strings.Builder
	for i := 0; i < len(text); i += 4 {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(text[i:min(i+4, len(text))])
	}
	return b.String()
}

// Link is the otpauth address that a QR code holds (Key URI Format). Apps cut
// long names, so the account has at most 25 characters; colons would end the
// issuer early.
func (s Secret) Link(issuer, account string) string {
	clean := func(text string, most int) string {
		r := []rune(strings.ReplaceAll(text, ":", " "))
		return string(r[:min(len(r), most)])
	}
	issuer, account = clean(issuer, 20), clean(account, 25)
	// PathEscape and a hand-made query: apps show a plus sign instead of a space.
	escape := func(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
	return fmt.Sprintf("otpauth://totp/%s:%s?secret=%s&issuer=%s&algorithm=%s&digits=%d&period=%d",
		escape(issuer), escape(account), s.Text(), escape(issuer), s.algorithm(), s.digits(), s.period())
}

// Encode is the secret as a factor's data.
func (s Secret) Encode() []byte {
	data, err := json.Marshal(s)
	if err != nil {
		panic(err) // a struct of plain fields always encodes
	}
	return data
}

// DecodeSecret reads what Encode wrote.
func DecodeSecret(data []byte) (Secret, error) {
	var s Secret
	if err := json.Unmarshal(data, &s); err != nil {
		return Secret{}, fmt.Errorf("decode secret: %w", err)
	}
	switch {
	case len(s.Key) == 0:
		return Secret{}, fmt.Errorf("decode secret: no key")
	case hashes[s.algorithm()] == nil:
		return Secret{}, fmt.Errorf("decode secret: algorithm %q is not known", s.Algorithm)
	case s.digits() < 6 || s.digits() > 8 || s.period() < 1 || s.period() > 300:
		return Secret{}, fmt.Errorf("decode secret: %d digits every %d seconds cannot be", s.Digits, s.Period)
	}
	return s, nil
}

// same compares two codes in constant time.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
