package smpp

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"strconv"
	"strings"
)

// Delivery is a deliver_sm that tells of a message of ours.
type Delivery struct {
	ID       string   // the provider's name for the message
	Stat     string   // what became of it, as DELIVRD
	Err      string   // why, in the words of the provider, or ""
	GSM      int      // the error of the GSM network, or 0
	Numbers  []string // digits of the sender and receiver that it names
	receipt  bool
	readable bool
}

// The optional fields that are read.
const (
	tagPayload = 0x0424
	tagError   = 0x0423
	tagID      = 0x001e
	tagState   = 0x0427
)

// states are those of message_state, as the text of a receipt calls them.
var states = []string{"SCHEDULED", "ENROUTE", "DELIVRD", "EXPIRED", "DELETED", "UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD", "SKIPPED"}

const (
	receiptMost = 1 << 10 // of the text of a receipt
	idMost      = 64
	optionsMost = 64 // optional fields that are looked at
)

// readDelivery reads a deliver_sm. What it returns holds on to nothing of body.
func readDelivery(body []byte) (d Delivery) {
	f := &fields{rest: body}
	f.text(5)
	f.octets(2)
	from := f.text(idMost)
	f.octets(2)
	to := f.text(idMost)
	class := f.octet()
	f.octets(2)
	f.text(16)
	f.text(16)
	f.octets(4)
	said := f.octets(int(f.octet()))
	d.readable = !f.broken
	state, network := "", ""
	for range optionsMost {
		tag, value, ok := f.optional()
		if !ok {
			break
		}
		switch {
		case tag == tagID:
			d.ID = plain(value)
		case tag == tagState && len(value) == 1 && int(value[0]) < len(states):
			state = states[value[0]]
		case tag == tagError && len(value) == 3:
			code := int(binary.BigEndian.Uint16(value[1:]))
			if value[0] == 3 {
				d.GSM = code
			}
			network = strconv.Itoa(int(value[0])) + "/" + strconv.Itoa(code)
		case tag == tagPayload && len(said) == 0:
			said = value
		}
	}
	// Some providers forget to say that it is a receipt, and name the message.
	d.receipt = class&0x3c == 0x04 || class&0x3c == 0 && d.ID != ""
	if !d.readable || !d.receipt {
		return d
	}
	d.read(said)
	if state != "" {
		d.Stat = state
	}
	if d.Err == "" {
		d.Err = network
	}
	for _, number := range []string{from, to} {
		if n := strings.TrimPrefix(number, "+"); n != "" && strings.Trim(n, "0123456789") == "" {
			d.Numbers = append(d.Numbers, n)
		}
	}
	return d
}

var (
	part = regexp.MustCompile(`(?i)\b(id|stat|err):[ \t]*([^\s:]*)`)
	rest = regexp.MustCompile(`(?i)\btext:`)
	word = regexp.MustCompile(`^[A-Z]{1,12}$`)
	code = regexp.MustCompile(`^[0-9A-Za-z]{1,5}$`) // too short for a number
)

// read reads the text of a receipt, as in appendix B of SMPP 3.4: what stands
// behind "text:" is the message, which may look like anything.
func (d *Delivery) read(said []byte) {
	said = said[:min(len(said), receiptMost)]
	if at := rest.FindIndex(said); at != nil {
		said = said[:at[0]]
	}
	for _, m := range part.FindAllSubmatch(said, -1) {
		value := string(m[2])
		switch strings.ToLower(string(m[1])) {
		case "id":
			if d.ID == "" {
				d.ID = plain(m[2])
			}
		case "stat":
			if stat := strings.ToUpper(value); d.Stat == "" && word.MatchString(stat) {
				d.Stat = stat
			}
		case "err":
			if d.Err == "" && code.MatchString(value) && strings.Trim(value, "0") != "" {
				d.Err = value
			}
		}
	}
}

// plain is a name for a message, or "" where it is none: visible, and short.
func plain(b []byte) string {
	b = bytes.TrimRight(b, "\x00")
	if len(b) > idMost {
		return ""
	}
	for _, c := range b {
		if c < '!' || c > '~' {
			return ""
		}
	}
	return string(b)
}

// Names are the ways to write a provider's name for a message, the plainest first:
// many a provider answers with hexadecimal digits and reports with decimal ones,
// and fills either up with zeros.
func Names(id string) (names []string) {
	names = []string{Name(id)}
	if n, err := strconv.ParseUint(id, 10, 64); err == nil {
		names = append(names, strconv.FormatUint(n, 16))
	}
	if n, err := strconv.ParseUint(id, 16, 64); err == nil {
		names = append(names, strconv.FormatUint(n, 10))
	}
	return names
}

// Name is the one way to write such a name that we keep.
func Name(id string) string {
	if _, err := strconv.ParseUint(id, 16, 64); err != nil {
		return id
	}
	if n := strings.TrimLeft(strings.ToLower(id), "0"); n != "" {
		return n
	}
	return "0"
}
