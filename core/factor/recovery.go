package factor

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"sallyport/core/change"
	"sallyport/core/fault"
)

// Recovery codes: ten, of sixteen letters in Crockford's base 32 (80 bits).
const (
	CodesPerSet = 10
	alphabet    = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
)

// CodeSet is a person's recovery codes as they are kept: hashed, with one salt
// per person that is drawn once and kept, so that a check against the current,
// the used and the previous codes costs one hash.
type CodeSet struct {
	Salt   []byte
	Hashes [][]byte
	Used   []bool
	MadeAt time.Time
	Before [][]byte `json:",omitempty"` // the set before, recognised and refused
	Saved  bool     // the person said so
}

// RandomCode makes a code of n letters.
func RandomCode(n int) string {
	raw := make([]byte, n)
	rand.Read(raw)
	for i, b := range raw {
		raw[i] = alphabet[b&31]
	}
	return string(raw)
}

// NewCodes makes a set of codes, as people see them.
func NewCodes() []string {
	codes := make([]string, CodesPerSet)
	for i := range codes {
		codes[i] = Grouped(RandomCode(16))
	}
	return codes
}

// Grouped puts a dash after each four letters.
func Grouped(code string) string {
	var groups []string
	for i := 0; i < len(code); i += 4 {
		groups = append(groups, code[i:min(i+4, len(code))])
	}
	return strings.Join(groups, "-")
}

// NewSet makes the kept form of codes. hash is slow; salt is the person's, or
// nil for a first set; before is the set that this one replaces.
func NewSet(codes []string, salt []byte, before *CodeSet, now time.Time, hash func(code string, salt []byte) []byte) CodeSet {
	if before != nil {
		salt = before.Salt
	}
	if salt == nil {
		salt = make([]byte, 32)
		rand.Read(salt)
	}
	set := CodeSet{Salt: salt, Used: make([]bool, len(codes)), MadeAt: now}
	for _, code := range codes {
		set.Hashes = append(set.Hashes, hash(Letters(code), salt))
	}
	if before != nil {
		set.Before = before.Hashes
	}
	return set
}

// Left is how many codes are unused.
func (s CodeSet) Left() (n int) {
	for _, used := range s.Used {
		if !used {
			n++
		}
	}
	return n
}

// Encode is the set as a factor's data.
func (s CodeSet) Encode() []byte {
	data, err := json.Marshal(s)
	if err != nil {
		panic(err) // a struct of plain fields always encodes
	}
	return data
}

// DecodeCodes reads what Encode wrote.
func DecodeCodes(data []byte) (CodeSet, error) {
	var s CodeSet
	if err := json.Unmarshal(data, &s); err != nil {
		return CodeSet{}, fmt.Errorf("decode recovery codes: %w", err)
	}
	if len(s.Used) != len(s.Hashes) {
		return CodeSet{}, fmt.Errorf("decode recovery codes: %d codes, %d marks", len(s.Hashes), len(s.Used))
	}
	return s, nil
}

// Codes is the verifier of recovery codes. Hash is slow and goes through the
// hashing queue; when it fails (busy) nothing was used up.
type Codes struct {
	Hash func(code string, salt []byte) ([]byte, error)
	Date func(time.Time) string
}

// Challenge is nothing: the codes are on paper.
func (Codes) Challenge([]Factor, time.Time) ([]byte, error) { return nil, nil }

// Verify judges a recovery code. One success a code: the effect writes the
// marks on the condition that nobody else has written them.
func (c Codes) Verify(rows []Factor, try Try) Verdict {
	wrong := func(word, reason string, args ...any) Verdict {
		return Verdict{Fault: fault.New(fault.Invalid, word, args...).On("recovery"), Reason: reason}
	}
	code := Letters(try.Entered)
	if v, bad := unreadableCode(code); bad {
		return v
	}
	sets := Of(rows, Recovery)
	if len(sets) == 0 {
		return wrong("recovery-code.wrong", "none left")
	}
	row := sets[0]
	set, err := DecodeCodes(row.Data)
	if err != nil {
		return wrong("recovery-code.wrong", "unreadable set")
	}
	hash, err := c.Hash(code, set.Salt)
	if err != nil {
		f := fault.Of(err)
		if f == nil { // the caller went away while it waited its turn
			f = fault.New(fault.Busy, "busy")
		}
		return Verdict{Free: true, Fault: f, Reason: "busy"}
	}
	found, old := -1, false
	for i, h := range set.Hashes {
		if subtle.ConstantTimeCompare(h, hash) == 1 {
			found = i
		}
	}
	for _, h := range set.Before {
		old = subtle.ConstantTimeCompare(h, hash) == 1 || old
	}
	switch {
	case old:
		return wrong("recovery-code.older", "older list", "date", c.Date(set.MadeAt))
	case found < 0:
		v := wrong("recovery-code.wrong", "wrong")
		v.Effects.Add(Missed{ID: row.ID})
		return v
	case set.Used[found]:
		return wrong("recovery-code.used", "used already")
	}
	set.Used[found] = true
	row.Data, row.UsedAt, row.Misses = set.Encode(), try.Now, 0
	return Verdict{Right: true, Factor: row.ID, Effects: change.Set{DataSaved{Factor: row}}}
}

func unreadableCode(code string) (Verdict, bool) {
	free := func(word string, args ...any) (Verdict, bool) {
		return Verdict{Free: true, Reason: "unreadable", Fault: fault.New(fault.Invalid, word, args...).On("recovery")}, true
	}
	switch {
	case code == "":
		return free("recovery-code.empty")
	case len(code) == 6 && allDigits(code):
		return free("recovery-code.is-app")
	case len([]rune(code)) != 16:
		return free("recovery-code.length", "n", len([]rune(code)))
	case !validCode(code):
		return Verdict{Fault: fault.New(fault.Invalid, "recovery-code.wrong").On("recovery"), Reason: "wrong"}, true
	}
	return Verdict{}, false
}

func validCode(code string) bool {
	for _, r := range code {
		if !strings.ContainsRune(alphabet, r) {
			return false
		}
	}
	return code != ""
}
