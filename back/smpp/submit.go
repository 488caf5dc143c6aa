package smpp

import (
	"fmt"
	"strings"
	"time"
)

// Address is a number or a word, and of which kind.
type Address struct {
	Kind, Plan byte
	Value      string
}

// The most digits of a number and letters of a word.
const (
	digitsMost = 20
	shortMost  = 8 // digits of a short code
)

// Number is one in the form of E.164, with its +.
func Number(e164 string) Address { return Address{1, 1, strings.TrimPrefix(e164, "+")} }

// Sender is what the settings call the sender: a number, a short code or a word.
// Without one, the provider puts in its own.
func Sender(s string) Address {
	digits := strings.TrimPrefix(s, "+")
	switch {
	case s == "":
		return Address{}
	case strings.Trim(digits, "0123456789") != "":
		return Address{Kind: 5, Value: s}
	case digits == s && len(s) <= shortMost:
		return Address{Kind: 3, Value: s}
	}
	return Number(s)
}

// Submit is one submit_sm.
type Submit struct {
	From, To Address
	Part     Part
	Life     time.Duration // how long the network may try
	Receipt  bool          // tell us what becomes of it
}

func (m Submit) body() []byte {
	var class, receipt byte
	if m.Part.Headed {
		class = 0x40
	}
	if m.Receipt {
		receipt = 1
	}
	b := text(nil, "", 0) // service_type
	b = append(b, m.From.Kind, m.From.Plan)
	b = text(b, m.From.Value, digitsMost)
	b = append(b, m.To.Kind, m.To.Plan)
	b = text(b, m.To.Value, digitsMost)
	b = append(b, class, 0, 0)
	b = text(b, "", 0) // at once
	b = text(b, life(m.Life), 16)
	b = append(b, receipt, 0, m.Part.Coding, 0, byte(len(m.Part.Octets)))
	return append(b, m.Part.Octets...)
}

// The shortest and longest that a network is asked to try.
const (
	lifeLeast = time.Minute
	lifeMost  = 7 * 24 * time.Hour
)

// life is a length of time as validity_period has it.
func life(d time.Duration) string {
	s := int(min(max(d, lifeLeast), lifeMost) / time.Second)
	return fmt.Sprintf("0000%02d%02d%02d%02d000R", s/86400, s/3600%24, s/60%60, s%60)
}
