package walker

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// Step is the step of an authenticator app at a time (RFC 6238).
func Step(at time.Time) int64 { return at.Unix() / 30 }

// Code is what an app with this key shows in a step (RFC 4226, section 5.3).
func Code(key string, step int64) string {
	mac := hmac.New(sha1.New, decoded(key))
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(step))
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:])&0x7fffffff%1_000_000)
}

// codeStep is the step around two times in which a key shows a code, or 0.
func codeStep(key, code string, from, to time.Time) int64 {
	if key == "" {
		return 0
	}
	for step := Step(from) - 1; step <= Step(to)+1; step++ {
		if Code(key, step) == code {
			return step
		}
	}
	return 0
}

// digits is a code as the program reads it.
func digits(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, text)
}

// letters is a code of letters as the program reads it.
func letters(text string) string {
	return strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(text))
}

// E164 is an American number, however it is written.
func E164(text string) string {
	d := digits(text)
	if len(d) == 11 && d[0] == '1' {
		d = d[1:]
	}
	if len(d) != 10 {
		return ""
	}
	return "+1" + d
}

func decoded(key string) []byte {
	return must2(base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key))
}
