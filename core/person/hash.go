package person

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Params are the costs of an Argon2id hash.
type Params struct {
	MemoryKiB uint32
	Time      uint32
	Threads   uint8
}

// Default is what new passwords are hashed with where the configuration says
// nothing; Floor is the least it may say, and what recovery codes are hashed
// with (PW-09, C-12).
var (
	Default = Params{MemoryKiB: 64 << 10, Time: 3, Threads: 4}
	Floor   = Params{MemoryKiB: 19456, Time: 2, Threads: 1}
)

// The most that a stored hash may cost to check: a string that came from
// elsewhere must not stop the portal.
const (
	maxMemoryKiB = 256 << 10
	maxTime      = 10
	maxThreads   = 64
)

const (
	saltBytes = 16
	tagBytes  = 32
)

// Check says why new passwords may not be hashed at these costs.
func (p Params) Check() error {
	switch {
	case p.MemoryKiB < Floor.MemoryKiB:
		return fmt.Errorf("argon2 memory of %d KiB is too little; hint: %d or more, %d is usual", p.MemoryKiB, Floor.MemoryKiB, Default.MemoryKiB)
	case p.Time < Floor.Time:
		return fmt.Errorf("argon2 time of %d is too little; hint: %d or more, %d is usual", p.Time, Floor.Time, Default.Time)
	case p.Threads < Floor.Threads:
		return fmt.Errorf("argon2 needs a thread; hint: %d is usual", Default.Threads)
	}
	return p.bearable()
}

// bearable says why a hash is not checked at these costs.
func (p Params) bearable() error {
	switch {
	case p.MemoryKiB > maxMemoryKiB:
		return fmt.Errorf("argon2 memory of %d KiB is too much; hint: %d at most", p.MemoryKiB, maxMemoryKiB)
	case p.Time > maxTime:
		return fmt.Errorf("argon2 time of %d is too much; hint: %d at most", p.Time, maxTime)
	case p.Threads > maxThreads:
		return fmt.Errorf("argon2 with %d threads is too much; hint: %d at most", p.Threads, maxThreads)
	case p.Time < 1, p.Threads < 1, p.MemoryKiB < 8*uint32(p.Threads):
		return errors.New("argon2 parameters are not possible") // RFC 9106, section 3.1
	}
	return nil
}

func (p Params) tag(secret string, salt []byte, size uint32) []byte {
	return argon2.IDKey([]byte(secret), salt, p.Time, p.MemoryKiB, p.Threads, size)
}

// Hash makes the argon2 string of a password, with a salt of its own. It costs
// what the parameters say and runs in the queue.
func Hash(password string, p Params) string {
	salt := make([]byte, saltBytes)
	rand.Read(salt) // never fails (crypto/rand)
	return encode(p, salt, p.tag(password, salt, tagBytes))
}

// Verify says whether a password is that of an argon2 string, and at what costs
// it was hashed. An error means that the string is broken or costs too much.
func Verify(phc, password string) (ok bool, params Params, err error) {
	params, salt, tag, err := decode(phc)
	if err != nil {
		return false, Params{}, err
	}
	fresh := params.tag(password, salt, uint32(len(tag)))
	return subtle.ConstantTimeCompare(fresh, tag) == 1, params, nil
}

// Dummy is what the password of an unknown name is checked against, so that it
// takes as long as a known one. Its tag is no password's hash: checking it costs
// the same and never succeeds.
func Dummy(p Params) string {
	salt := sha256.Sum256([]byte("sallyport: the salt of nobody"))
	tag := sha256.Sum256([]byte("sallyport: the password of nobody"))
	return encode(p, salt[:saltBytes], tag[:tagBytes])
}

// HashWithSalt is the slow hash of a recovery code. All codes of a person share
// one salt, so that one hash finds a code in all sets (C-12).
func HashWithSalt(secret string, salt []byte) []byte {
	return Floor.tag(secret, salt, tagBytes)
}

var b64 = base64.RawStdEncoding.Strict()

func encode(p Params, salt, tag []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		p.MemoryKiB, p.Time, p.Threads, b64.EncodeToString(salt), b64.EncodeToString(tag))
}

var errPHC = errors.New("not an argon2id string of version 19")

func decode(phc string) (p Params, salt, tag []byte, err error) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 {
		return p, nil, nil, errPHC
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.MemoryKiB, &p.Time, &p.Threads); err != nil {
		return p, nil, nil, errPHC
	}
	if err := p.bearable(); err != nil {
		return p, nil, nil, err
	}
	salt, badSalt := b64.DecodeString(parts[4])
	tag, badTag := b64.DecodeString(parts[5])
	if badSalt != nil || badTag != nil || outside(len(salt), 8, 64) || outside(len(tag), 16, 64) {
		return p, nil, nil, errPHC
	}
	// Written back it must be the same: no other order, no sign, no line break.
	if encode(p, salt, tag) != phc {
		return p, nil, nil, errPHC
	}
	return p, salt, tag, nil
}

func outside(n, least, most int) bool { return n < least || n > most }
