// Package smpp speaks SMPP 3.4 as a client does that sends text messages and
// hears what became of them: how its units are written and read, and a bound
// session with a window. It knows nothing of Sallyport. It believes nothing that
// the other end says: a unit has a greatest length, and nothing piles up.
package smpp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// command is what a unit asks or answers; an answer has the highest bit set.
type command uint32

const (
	genericNack     command = 0x80000000
	submitSM        command = 0x00000004
	deliverSM       command = 0x00000005
	unbind          command = 0x00000006
	bindTransceiver command = 0x00000009
	enquireLink     command = 0x00000015
	answers         command = 0x80000000
)

// Status is what an answer says; 0 is good.
type Status uint32

// The statuses that a client must tell apart.
const (
	OK          Status = 0x00
	badLength   Status = 0x02
	badCommand  Status = 0x03
	AlreadyUp   Status = 0x05 // this account is bound elsewhere
	BadNumber   Status = 0x0b
	BindFailed  Status = 0x0d
	BadPassword Status = 0x0e
	BadSystemID Status = 0x0f
	QueueFull   Status = 0x14
	Throttled   Status = 0x58
	Again       Status = 0x64 // send it again later
	Never       Status = 0x65 // do not send it again
)

var named = map[Status]string{
	0x01: "RINVMSGLEN", badLength: "RINVCMDLEN", badCommand: "RINVCMDID", 0x04: "RINVBNDSTS", AlreadyUp: "RALYBND", 0x08: "RSYSERR",
	0x0a: "RINVSRCADR", BadNumber: "RINVDSTADR", BindFailed: "RBINDFAIL", BadPassword: "RINVPASWD", BadSystemID: "RINVSYSID", QueueFull: "RMSGQFUL",
	0x15: "RINVSERTYP", 0x43: "RINVESMCLASS", 0x45: "RSUBMITFAIL", 0x48: "RINVSRCTON", 0x49: "RINVSRCNPI", 0x50: "RINVDSTTON", 0x51: "RINVDSTNPI",
	0x53: "RINVSYSTYP", Throttled: "RTHROTTLED", 0x62: "RINVEXPIRY", Again: "RX_T_APPN", Never: "RX_P_APPN",
}

func (s Status) Error() string {
	if name := named[s]; name != "" {
		return fmt.Sprintf("answered 0x%02X, ESME_%s", uint32(s), name)
	}
	return fmt.Sprintf("answered 0x%02X", uint32(s))
}

const (
	headLength = 16
	// unitMost is far more than any unit that we wait for: a receipt of the
	// longest kind has about 64 KiB of message_payload, which nobody sends.
	unitMost = 64 << 10
)

// head is what every unit begins with.
type head struct {
	command  command
	status   Status
	sequence uint32
}

var errLength = errors.New("a unit has an impossible length")

// readUnit reads a unit into the buffer, which has unitMost octets and is used
// again for the next one.
func readUnit(r io.Reader, buffer []byte) (h head, body []byte, err error) {
	if _, err := io.ReadFull(r, buffer[:headLength]); err != nil {
		return h, nil, err
	}
	length := binary.BigEndian.Uint32(buffer)
	h = head{command(binary.BigEndian.Uint32(buffer[4:])), Status(binary.BigEndian.Uint32(buffer[8:])), binary.BigEndian.Uint32(buffer[12:])}
	if length < headLength || length > unitMost {
		return h, nil, errLength
	}
	body = buffer[:length-headLength]
	_, err = io.ReadFull(r, body)
	return h, body, err
}

// unit writes a unit.
func unit(h head, body []byte) []byte {
	u := binary.BigEndian.AppendUint32(make([]byte, 0, headLength+len(body)), uint32(headLength+len(body)))
	u = binary.BigEndian.AppendUint32(u, uint32(h.command))
	u = binary.BigEndian.AppendUint32(u, uint32(h.status))
	u = binary.BigEndian.AppendUint32(u, h.sequence)
	return append(u, body...)
}

// text appends a text that ends with a zero, as long as its field allows.
func text(b []byte, s string, most int) []byte {
	return append(append(b, s[:min(len(s), most)]...), 0)
}

// fields reads the fields of a body, in their order. After the first that is not
// there, nothing is.
type fields struct {
	rest   []byte
	broken bool
}

func (f *fields) octet() byte {
	if f.broken = f.broken || len(f.rest) == 0; f.broken {
		return 0
	}
	b := f.rest[0]
	f.rest = f.rest[1:]
	return b
}

func (f *fields) octets(n int) []byte {
	if f.broken = f.broken || n > len(f.rest); f.broken {
		return nil
	}
	b := f.rest[:n]
	f.rest = f.rest[n:]
	return b
}

// text reads one that ends with a zero and has at most so many octets before it.
func (f *fields) text(most int) string {
	for i := 0; i <= most && i < len(f.rest) && !f.broken; i++ {
		if f.rest[i] == 0 {
			s := string(f.rest[:i])
			f.rest = f.rest[i+1:]
			return s
		}
	}
	f.broken = true
	return ""
}

// optional reads what may stand at the end: tag, length, value.
func (f *fields) optional() (tag uint16, value []byte, ok bool) {
	if f.broken || len(f.rest) == 0 {
		return 0, nil, false
	}
	begin := f.octets(4)
	if f.broken {
		return 0, nil, false
	}
	value = f.octets(int(binary.BigEndian.Uint16(begin[2:])))
	return binary.BigEndian.Uint16(begin), value, !f.broken
}
