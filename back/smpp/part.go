package smpp

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

// Part is a text message, or a part of one that is too long for one.
type Part struct {
	Coding byte // 0: the alphabet of GSM 03.38, 8: UCS-2
	Headed bool // the octets begin with a header that says which part it is
	Octets []byte
}

// How much one message holds, and a part of several beside its header: letters
// of GSM 03.38, which travel an octet each here, or octets of UCS-2.
const (
	gsmWhole, gsmPart = 160, 153
	ucsWhole, ucsPart = 140, 134
	partsMost         = 255
)

// alphabet is GSM 03.38 in its order; the escape stands for itself.
const alphabet = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"

const escape = 0x1b

// extended are the letters behind an escape.
var extended = map[rune]byte{'\f': 0x0a, '^': 0x14, '{': 0x28, '}': 0x29, '\\': 0x2f, '[': 0x3c, '~': 0x3d, ']': 0x3e, '|': 0x40, '€': 0x65}

var basic = func() map[rune]byte {
	letters := map[rune]byte{}
	for _, r := range alphabet {
		if r != escape {
			letters[r] = byte(utf8.RuneCountInString(alphabet[:strings.IndexRune(alphabet, r)]))
		}
	}
	return letters
}()

// Parts are a text in the alphabet that holds it. The parts of one text share a
// reference, by which a phone puts them together.
func Parts(s string, reference byte) []Part {
	if letters, ok := gsm(s); ok {
		return split(letters, 0, reference, gsmWhole, gsmPart)
	}
	var letters [][]byte
	for _, r := range s {
		letters = append(letters, ucs(r))
	}
	return split(letters, 8, reference, ucsWhole, ucsPart)
}

// gsm is a text in GSM 03.38, a letter at a time.
func gsm(s string) (letters [][]byte, ok bool) {
	for _, r := range s {
		if b, ok := basic[r]; ok {
			letters = append(letters, []byte{b})
		} else if b, ok := extended[r]; ok {
			letters = append(letters, []byte{escape, b})
		} else {
			return nil, false
		}
	}
	return letters, true
}

// ucs is a letter in UTF-16, which is what phones take for UCS-2.
func ucs(r rune) []byte {
	if r < 0x10000 {
		return binary.BigEndian.AppendUint16(nil, uint16(r))
	}
	r -= 0x10000
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, 0xd800|uint16(r>>10)), 0xdc00|uint16(r&0x3ff))
}

// split fills parts with whole letters.
func split(letters [][]byte, coding, reference byte, whole, most int) (parts []Part) {
	total := 0
	for _, l := range letters {
		total += len(l)
	}
	if total <= whole {
		most = whole
	}
	filled := [][]byte{nil}
	for _, l := range letters {
		if last := len(filled) - 1; len(filled[last])+len(l) <= most {
			filled[last] = append(filled[last], l...)
		} else {
			filled = append(filled, l)
		}
	}
	filled = filled[:min(len(filled), partsMost)]
	for i, octets := range filled {
		if len(filled) > 1 {
			octets = append([]byte{5, 0, 3, reference, byte(len(filled)), byte(i + 1)}, octets...)
		}
		parts = append(parts, Part{Coding: coding, Headed: len(filled) > 1, Octets: octets})
	}
	return parts
}
