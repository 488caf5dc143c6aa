package person

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestCostsAreCheckedUpToTheirBounds(t *testing.T) {
	for _, row := range []struct {
		about string
		p     Params
		fine  bool
	}{
		{"the most of everything", Params{maxMemoryKiB, maxTime, maxThreads}, true},
		{"a KiB more", Params{maxMemoryKiB + 1, maxTime, maxThreads}, false},
		{"a round more", Params{maxMemoryKiB, maxTime + 1, maxThreads}, false},
		{"a thread more", Params{maxMemoryKiB, maxTime, maxThreads + 1}, false},
		{"the least of everything", Params{8, 1, 1}, true},
		{"8 KiB a thread", Params{64, 1, 8}, true},
		{"a KiB less than the threads need", Params{63, 1, 8}, false},
	} {
		if err := row.p.bearable(); (err == nil) != row.fine {
			t.Errorf("%s: %v", row.about, err)
		}
	}
}

func TestSaltAndTagHaveTheirBounds(t *testing.T) {
	for _, row := range []struct {
		salt, tag int
		fine      bool
	}{
		{8, 32, true}, {7, 32, false}, {64, 32, true}, {65, 32, false},
		{16, 16, true}, {16, 15, false}, {16, 64, true}, {16, 65, false},
	} {
		of := func(n int) string { return base64.RawStdEncoding.EncodeToString(make([]byte, n)) }
		_, _, _, err := decode(fmt.Sprintf("$argon2id$v=19$m=64,t=1,p=1$%s$%s", of(row.salt), of(row.tag)))
		if (err == nil) != row.fine {
			t.Errorf("salt of %d, tag of %d: %v", row.salt, row.tag, err)
		}
	}
}

func TestMailAddressesHaveTheirBounds(t *testing.T) {
	// long makes an address of n bytes whose labels are as long as they may be.
	long := func(n int) string {
		domain := strings.Repeat(strings.Repeat("b", 63)+".", 4)
		return "ada@" + domain[:n-len("ada@")-2] + ".x"
	}
	for _, row := range []struct {
		about, typed string
		fine         bool
	}{
		{"one letter", "a@example.org", true},
		{"no letter", "@example.org", false},
		{"254 bytes", long(254), true},
		{"255 bytes", long(255), false},
		{"a label of 63", "ada@" + strings.Repeat("b", 63) + ".org", true},
		{"a label of 64", "ada@" + strings.Repeat("b", 64) + ".org", false},
		{"a label of one", "ada@b.org", true},
		{"a dash within", "ada@b-b.org", true},
	} {
		if got, bad := MailAddress(row.typed); (bad == nil) != row.fine || row.fine && got != row.typed {
			t.Errorf("%s: %q, %v", row.about, got, bad)
		}
	}
}

// What is longer than any name could be is not even mapped.
func TestANameIsMappedUpToItsBound(t *testing.T) {
	if _, err := MapName(strings.Repeat("a", 4*MaxName*4)); err == nil || !strings.Contains(err.Error(), "characters; it may have") {
		t.Errorf("at the bound: %v", err)
	}
	if _, err := MapName(strings.Repeat("a", 4*MaxName*4+1)); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("past it: %v", err)
	}
}

func TestTheLivesOfLinks(t *testing.T) {
	const day = 24 * time.Hour
	for about, life := range map[string][2]time.Duration{
		"invitation": {InvitationLife, 3 * day}, "setup code": {SetupCodeLife, day}, "dispute": {DisputeLife, 7 * day},
		"password link": {PasswordLife, day}, "mail link": {MailLife, day}, "what is dead": {LinkKept, 30 * day},
	} {
		if life[0] != life[1] {
			t.Errorf("%s: %v, want %v", about, life[0], life[1])
		}
	}
}

func TestHowCloseIsTooClose(t *testing.T) {
	context := []string{"Eve Jo Smith", "@babbage", "Sallyport", "408", "51"}
	for _, row := range []struct{ about, password, word string }{
		{"a part of three letters is a name", "eve1234567890", "context"},
		{"a part of two means nothing", "jo12345678901", ""},
		{"a letter after the name makes a word of its own", "sallyportx", ""},
		{"a letter before the name does too", "xsallyport", ""},
		{"ones for its letters", "sa11yport", "context"},
		{"what a keyboard has besides letters after it", "sallyport====", "context"},
		{"pictures after it", "sallyport😀😀", ""},
		{"a name that begins with @ is no mail address", "babbage1871", "context"},
		{"a name of three figures, again and again", "408408408408", "context"},
		{"a name of two figures refuses nothing", "515151515151", ""},
	} {
		normal, err := CheckNew(row.password, Rules{Min: 8}, context...)
		checkFault(t, row.about, row.word, normal, err)
	}
}

func TestAPasswordFromAnEasierTimeIsShort(t *testing.T) {
	for _, row := range []struct {
		about, entered string
		min            int
		want           bool
	}{
		{"seven of eight", "xk7#q2v", 8, true},
		{"eight of eight", "xk7#q2vd", 8, false},
		{"fourteen of fifteen", "xk7#q2vdxk7#q2", 15, true},
		{"fifteen of fifteen", "xk7#q2vdxk7#q2v", 15, false},
		{"accents apart count as one", strings.Repeat("e\u0301", 7), 8, true},
		{"no text at all is nobody's", "x\xff", 8, false},
	} {
		if got := (Rules{Min: row.min}).Short(row.entered); got != row.want {
			t.Errorf("%s: %v", row.about, got)
		}
	}
}

// Three marks that come to one letter are the most that a keyboard sends apart.
func TestTheLongestPasswordMayComeApart(t *testing.T) {
	apart := strings.Repeat("ι\u0308\u0301", MaxPassword/2)
	if len(apart) != 3*MaxPassword {
		t.Fatalf("%d bytes", len(apart))
	}
	set, err := CheckNew(apart, Rules{})
	if entered, ok := Normal(apart); err != nil || !ok || entered != set || len(set) != MaxPassword {
		t.Errorf("%d bytes, %v, %v", len(set), ok, err)
	}
	if _, ok := Normal(apart + "ι"); ok {
		t.Error("longer is somebody's")
	}
}
