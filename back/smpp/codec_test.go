package smpp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// read puts the parts of a text together, as a phone does.
func read(t *testing.T, parts []Part) string {
	t.Helper()
	var all []byte
	for i, p := range parts {
		octets := p.Octets
		if p.Headed != (len(parts) > 1) {
			t.Errorf("part %d of %d says that it has a header: %v", i+1, len(parts), p.Headed)
		}
		if p.Headed {
			if !bytes.Equal(octets[:6], []byte{5, 0, 3, 7, byte(len(parts)), byte(i + 1)}) {
				t.Errorf("part %d begins with % x", i+1, octets[:6])
			}
			octets = octets[6:]
		}
		if most := map[byte]int{0: gsmPart, 8: ucsPart}[p.Coding]; p.Headed && len(octets) > most {
			t.Errorf("part %d has %d octets", i+1, len(octets))
		}
		if p.Coding == 0 && octets[len(octets)-1] == escape || p.Coding == 8 && len(octets)%2 == 1 {
			t.Errorf("part %d ends within a letter", i+1)
		}
		all = append(all, octets...)
	}
	var b strings.Builder
	if parts[0].Coding == 8 {
		var units []uint16
		for i := 0; i < len(all); i += 2 {
			units = append(units, binary.BigEndian.Uint16(all[i:]))
		}
		return string(utf16.Decode(units))
	}
	letters, escaped := []rune(alphabet), false
	for _, c := range all {
		switch {
		case escaped:
			for r, e := range extended {
				if e == c {
					b.WriteRune(r)
				}
			}
			escaped = false
		case c == escape:
			escaped = true
		default:
			b.WriteRune(letters[c])
		}
	}
	return b.String()
}

func TestATextIsSplitIntoParts(t *testing.T) {
	for _, row := range []struct {
		text   string
		coding byte
		parts  int
	}{
		{"", 0, 1},
		{"123456 is your code\n\n@login.example.org #123456", 0, 1},
		{strings.Repeat("@", 160), 0, 1},
		{strings.Repeat("@", 161), 0, 2},
		{strings.Repeat("a", 306), 0, 2},
		{strings.Repeat("a", 307), 0, 3},
		{strings.Repeat("€", 80), 0, 1},
		{strings.Repeat("€", 81), 0, 2},
		{strings.Repeat("€", 153), 0, 3}, // no escape at the end of a part
		{alphabet[:strings.IndexByte(alphabet, escape)] + "^{}\\[~]|€\f", 0, 1},
		{"żółw", 8, 1},
		{strings.Repeat("ж", 70), 8, 1},
		{strings.Repeat("ж", 71), 8, 2},
		{strings.Repeat("ж", 134), 8, 2},
		{strings.Repeat("ж", 135), 8, 3},
		{strings.Repeat("🙂", 35), 8, 1},
		{"a" + strings.Repeat("🙂", 66), 8, 2}, // no half of a pair at the end of a part
		{"a" + strings.Repeat("🙂", 67), 8, 3},
	} {
		parts := Parts(row.text, 7)
		if len(parts) != row.parts || parts[0].Coding != row.coding {
			t.Errorf("%.20q… are %d parts in %d, not %d in %d", row.text, len(parts), parts[0].Coding, row.parts, row.coding)
		}
		if row.text != "" && read(t, parts) != row.text {
			t.Errorf("%q came out as %q", row.text, read(t, parts))
		}
	}
	if n := len(Parts(strings.Repeat("a", 1<<16), 7)); n != partsMost {
		t.Errorf("the longest has %d parts", n)
	}
}

func TestTheAlphabetHasItsOrder(t *testing.T) {
	if n := len([]rune(alphabet)); n != 128 || len(basic) != 127 {
		t.Errorf("it has %d letters, %d of them for texts", n, len(basic))
	}
	for r, want := range map[rune]byte{'@': 0, '\n': 0x0a, '\r': 0x0d, 'Δ': 0x10, 'É': 0x1f, ' ': 0x20, '¤': 0x24, '0': 0x30, '¡': 0x40, 'A': 0x41, '§': 0x5f, '¿': 0x60, 'z': 0x7a, 'à': 0x7f} {
		if basic[r] != want {
			t.Errorf("%q is 0x%02x, not 0x%02x", r, basic[r], want)
		}
	}
}

func TestASenderIsANumberAShortCodeOrAWord(t *testing.T) {
	for s, want := range map[string]Address{
		"": {}, "ACME": {5, 0, "ACME"}, "Acme 2": {5, 0, "Acme 2"}, "+447700900123": {1, 1, "447700900123"}, "447700900123": {1, 1, "447700900123"},
		"80808": {3, 0, "80808"}, "+80808": {1, 1, "80808"},
	} {
		if got := Sender(s); got != want {
			t.Errorf("%q is %+v, not %+v", s, got, want)
		}
	}
}

func TestTheLifeOfAMessage(t *testing.T) {
	for d, want := range map[time.Duration]string{
		5 * time.Minute: "000000000500000R", 0: "000000000100000R", -time.Hour: "000000000100000R", 26*time.Hour + 61*time.Second: "000001020101000R", 900 * time.Hour: "000007000000000R",
	} {
		if got := life(d); got != want {
			t.Errorf("%s is %s, not %s", d, got, want)
		}
	}
}

// tag is an optional field.
func tag(tag uint16, value string) string {
	b := binary.BigEndian.AppendUint16(nil, tag)
	return string(append(binary.BigEndian.AppendUint16(b, uint16(len(value))), value...))
}

// delivery is the body of a deliver_sm.
func delivery(class byte, said, options string) []byte {
	b := append(text(nil, "", 0), 1, 1)
	b = append(text(b, "12025550143", 20), 3, 0)
	b = append(text(b, "80808", 20), class, 0, 0)
	b = text(text(b, "", 0), "", 0)
	b = append(b, 0, 0, 0, 0, byte(len(said)))
	return append(append(b, said...), options...)
}

const appendixB = "id:0000006703 sub:001 dlvrd:001 submit date:2611251200 done date:2611251201 stat:DELIVRD err:000 text:123456 is your code"

func TestAReceiptIsReadInEachForm(t *testing.T) {
	numbers := []string{"12025550143", "80808"}
	for _, row := range []struct {
		name          string
		class         byte
		said, options string
		want          Delivery
	}{
		{"as in appendix B", 4, appendixB, "", Delivery{ID: "0000006703", Stat: "DELIVRD"}},
		{"in small letters, with seconds", 4, "ID: 1A2F sub:001 dlvrd:000 submit date:261125120000 done date:261125120159 Stat:undeliv ERR:1f TEXT:", "", Delivery{ID: "1A2F", Stat: "UNDELIV", Err: "1f"}},
		{"in another order", 4, "stat:EXPIRED id:7 err:027", "", Delivery{ID: "7", Stat: "EXPIRED", Err: "027"}},
		{"in optional fields", 4, "", tag(tagID, "1A2F\x00") + tag(tagState, "\x02"), Delivery{ID: "1A2F", Stat: "DELIVRD"}},
		{"optional fields come first", 4, appendixB, tag(tagID, "1a2f\x00") + tag(tagState, "\x05") + tag(tagError, "\x03\x00\x01"), Delivery{ID: "1a2f", Stat: "UNDELIV", Err: "3/1", GSM: 1}},
		{"in a payload", 4, "", tag(tagPayload, appendixB), Delivery{ID: "0000006703", Stat: "DELIVRD"}},
		{"not said to be one", 0, "", tag(tagID, "x") + tag(tagState, "\x08"), Delivery{ID: "x", Stat: "REJECTD"}},
		{"a message that looks like a receipt", 4, "id:1 stat:UNDELIV err:0 text:id:2 stat:DELIVRD", "", Delivery{ID: "1", Stat: "UNDELIV"}},
		{"codes as long as numbers", 4, "id:1 stat:UNDELIV err:12025550143", "", Delivery{ID: "1", Stat: "UNDELIV"}},
		{"nothing of use", 4, "hello", tag(tagState, "\x63") + tag(tagState, "") + tag(tagID, "a b"), Delivery{}},
		{"a broken end", 4, appendixB, "\x00\x1e\x00\xffab", Delivery{ID: "0000006703", Stat: "DELIVRD"}},
	} {
		row.want.Numbers, row.want.receipt, row.want.readable = numbers, true, true
		got := readDelivery(delivery(row.class, row.said, row.options))
		if got.ID != row.want.ID || got.Stat != row.want.Stat || got.Err != row.want.Err || got.GSM != row.want.GSM || !slices.Equal(got.Numbers, numbers) || !got.receipt || !got.readable {
			t.Errorf("%s: %+v, not %+v", row.name, got, row.want)
		}
	}
	for name, body := range map[string][]byte{"an answer of a person": delivery(0, appendixB, ""), "an acknowledgement of a person": delivery(8, appendixB, tag(tagID, "x")), "on the way": delivery(0x20, appendixB, "")} {
		if d := readDelivery(body); d.receipt || !d.readable {
			t.Errorf("%s is %+v", name, d)
		}
	}
	for n := range len(delivery(4, appendixB, "")) {
		if d := readDelivery(delivery(4, appendixB, "")[:n]); d.readable {
			t.Errorf("the first %d octets are %+v", n, d)
		}
	}
}

// What a provider answered and what it reports are found to be the same.
func TestANameIsFoundInItsOtherForms(t *testing.T) {
	for _, row := range []struct{ answered, reported string }{
		{"1A2F", "0000006703"}, {"00001a2f", "6703"}, {"6703", "1A2F"}, {"0000006703", "00001A2F"}, {"0000006703", "6703"}, {"1a2f", "1A2F"}, {"10", "16"}, {"16", "10"},
		{"x-7/ab", "x-7/ab"}, {"0", "000"}, {"d3b07384-d113-4ec6-a5d8-11c3a1b2c3d4", "d3b07384-d113-4ec6-a5d8-11c3a1b2c3d4"},
		{"123456789012345678901234567890", "123456789012345678901234567890"},
	} {
		if !slices.Contains(Names(row.reported), Name(row.answered)) {
			t.Errorf("%s is not among %v", row.answered, Names(row.reported))
		}
	}
	if got := Names("6703"); got[0] != "6703" {
		t.Errorf("the plainest is %q", got[0])
	}
	if slices.Contains(Names("x1"), "1") || Name("Ab-1") != "Ab-1" {
		t.Error("what is no number was taken for one")
	}
}

func TestAUnitHasAGreatestLength(t *testing.T) {
	buffer := make([]byte, unitMost)
	for length, good := range map[uint32]bool{0: false, 15: false, 16: true, unitMost: true, unitMost + 1: false, 0xffffffff: false} {
		raw := append(binary.BigEndian.AppendUint32(nil, length), make([]byte, unitMost)...)
		if _, _, err := readUnit(bytes.NewReader(raw), buffer); (err == nil) != good || !good && !errors.Is(err, errLength) {
			t.Errorf("%d octets: %v", length, err)
		}
	}
	h := head{submitSM, Throttled, 9}
	got, body, err := readUnit(bytes.NewReader(unit(h, []byte("body"))), buffer)
	if got != h || string(body) != "body" || err != nil {
		t.Errorf("%+v %q %v", got, body, err)
	}
}

func FuzzUnits(f *testing.F) {
	f.Add(unit(head{deliverSM, OK, 1}, delivery(4, appendixB, "")))
	f.Add(unit(head{deliverSM, OK, 1}, delivery(4, "", tag(tagID, "1A2F\x00")+tag(tagState, "\x02")+tag(tagError, "\x03\x00\x1b"))))
	f.Add([]byte("\xff\xff\xff\xff\x80\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x01"))
	f.Add([]byte("\x00\x00\x00\x0f\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x01"))
	buffer := make([]byte, unitMost)
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, body, err := readUnit(bytes.NewReader(raw), buffer)
		if err != nil {
			return
		}
		if again := unit(h, body); !bytes.Equal(again, raw[:len(again)]) {
			t.Errorf("% x became % x", raw, again)
		}
		judge(t, readDelivery(body))
	})
}

func FuzzReceipts(f *testing.F) {
	for _, said := range []string{appendixB, "id:1A2F stat:UNDELIV err:12025550143", "ID: STAT: ERR:", "id:\x00 stat:\xff text:", strings.Repeat("id:", 300)} {
		f.Add(said, byte(4))
	}
	f.Fuzz(func(t *testing.T, said string, class byte) {
		judge(t, readDelivery(delivery(class, said[:min(len(said), 255)], "")))
		judge(t, readDelivery(delivery(class, "", tag(tagPayload, said[:min(len(said), 60000)]))))
	})
}

// judge holds a delivery to what may reach the store and the log.
func judge(t *testing.T, d Delivery) {
	if !d.receipt && d.Stat+d.Err != "" {
		t.Errorf("no receipt, and %+v", d)
	}
	if len(d.ID) > idMost || strings.ContainsFunc(d.ID, func(r rune) bool { return r < '!' || r > '~' }) {
		t.Errorf("the name is %q", d.ID)
	}
	if len(d.Err) > 9 || len(d.Stat) > 12 || strings.Trim(d.Stat, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" || strings.ContainsFunc(d.Err, func(r rune) bool { return r < '!' || r > '~' }) {
		t.Errorf("it says %q, %q", d.Stat, d.Err)
	}
	for _, name := range Names(d.ID) {
		if len(name) > idMost {
			t.Errorf("a name is %q", name)
		}
	}
}
