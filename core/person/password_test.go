package person

import (
	"strings"
	"testing"
	"time"

	"sallyport/core/fault"
)

func TestANewPasswordIsJudged(t *testing.T) {
	eight, fifteen := Rules{Min: 8}, Rules{Min: 15}
	for _, c := range []struct {
		why      string
		password string
		rules    Rules
		word     string // "" where it is accepted
	}{
		{"nothing", "", eight, "empty"},
		{"7 is always too short", "xk7#q2v", Rules{Min: 5}, "short"},
		{"8 where a second factor is always asked", "xk7#q2vd", eight, ""},
		{"14 of 15", "xk7#q2vdxk7#q2", fifteen, "short"},
		{"15 of 15", "xk7#q2vdxk7#q2v", fifteen, ""},
		{"unset rules ask for 15", "xk7#q2vdxk7#q2", Rules{}, "short"},
		{"15 emoji count as 15", strings.Repeat("😀", 15), fifteen, ""},
		{"14 emoji count as 14", strings.Repeat("😀", 14), fifteen, "short"},
		{"accents apart count as one", strings.Repeat("e\u0301", 7), eight, "short"},
		{"20 lower-case letters", "qmwnebrvtcyxuzialskd", fifteen, ""},
		{"all printable ASCII and space", " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ x9Q", fifteen, ""},
		{"1,024 bytes", strings.Repeat("xk7#q2vd", 128), fifteen, ""},
		{"1,025 bytes", strings.Repeat("xk7#q2vd", 128) + "x", fifteen, "long"},
		{"very long", strings.Repeat("x", 1<<20), fifteen, "long"},
		{"1,024 bytes that came apart", strings.Repeat("e\u0301", 512), fifteen, ""},
		{"a control character", "xk7#q2vd\x07xk7#q2v", fifteen, "characters"},
		{"a tab", "xk7#q2vd\txk7#q2v", fifteen, "characters"},
		{"a line separator", "xk7#q2vd\u2028xk7#q2v", fifteen, "characters"},
		{"not UTF-8", "xk7#q2vd\xffxk7#q2v", fifteen, "characters"},
		{"a lost character", "xk7#q2vd\ufffdxk7#q2v", fifteen, "characters"},
		{"on the list", "trustno1", eight, "common"},
		{"on the list in other case", "TrustNo1", eight, "common"},
		{"long and on the list", "passwordpassword", fifteen, "common"},
		{"a phrase that holds a listed word", "trustno1 in the old garden", fifteen, ""},
		{"a listed word and more is not on the list", "trustno1trustno2x", fifteen, ""},
	} {
		normal, err := CheckNew(c.password, c.rules)
		checkFault(t, c.why, c.word, normal, err)
	}
}

func checkFault(t *testing.T, why, word, normal string, err error) {
	t.Helper()
	f := fault.Of(err)
	switch {
	case word == "" && (err != nil || normal == ""):
		t.Errorf("%s: refused: %v", why, err)
	case word != "" && (f == nil || f.Word != "new-password."+word || f.Kind != fault.Invalid || f.Field != "password" || normal != ""):
		t.Errorf("%s: %q, %#v; want new-password.%s", why, normal, f, word)
	}
}

func TestAPasswordTooCloseToANameIsRefused(t *testing.T) {
	context := []string{"ada", "Ada Lovelace", "byron.ada+mail@engine.example", "Sallyport", "", "7", "20240131"}
	for _, c := range []struct{ why, password, word string }{
		{"the portal itself", "sallyport", "context"},
		{"other case", "SallyPort", "context"},
		{"figures for letters", "54llyp0r7", "context"},
		{"marks for letters", "$@!!yport", "context"},
		{"figures after", "sallyport2026", "context"},
		{"marks before and after", "!!sallyport##1", "context"},
		{"figures for letters and after", "S4llyp0rt!2026", "context"},
		{"backwards", "tropyllas", "context"},
		{"backwards with figures", "tr0pyllas99", "context"},
		{"doubled", "sallyportsallyport", "context"},
		{"doubled with a mark between", "Sallyport-Sallyport", "context"},
		{"five times a short name", "adaadaadaadaada", "context"},
		{"a short name filled up with figures", "ada123456789012", "context"},
		{"the shown name in one word", "AdaLovelace", "context"},
		{"the shown name with a stop", "ada.lovelace1815", "context"},
		{"the second name", "lovelace1815", "context"},
		{"the mail name", "byronada", "context"},
		{"the mail address", "byron.ada+mail@engine.example", "context"},
		{"full width", "ｓａｌｌｙｐｏｒｔ", "context"},
		{"spread out", "s a l l y p o r t", "context"},
		{"a name in figures", "20240131", "context"},
		{"a name in figures with a mark", "20240131!", "context"},
		{"a phrase that holds the portal", "behind the sallyport waits a moat", ""},
		{"a phrase that starts with the name", "ada walks slowly", ""},
		{"the name inside a word", "armadashipxq", ""},
		{"figures alone are no disguised name", "404040404058", ""},
		{"a name of one figure refuses nothing", "91735284", ""},
		{"another word", "drawbridge", ""},
	} {
		normal, err := CheckNew(c.password, Rules{Min: 8}, context...)
		checkFault(t, c.why, c.word, normal, err)
	}
}

func TestTheLongestPasswordIsJudgedQuickly(t *testing.T) {
	began := time.Now()
	for _, p := range []string{strings.Repeat("1", MaxPassword), strings.Repeat("\ufdfa", MaxPassword/3)} {
		if tooClose(p, []string{"lll", "Ada Lovelace", "Sallyport", "x"}) {
			t.Errorf("refused %.9q", p)
		}
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestWithoutContextNothingIsTooClose(t *testing.T) {
	for _, context := range [][]string{nil, {""}, {" "}, {"--", "..."}} {
		if tooClose("xk7#q2vd--...", context) || tooClose("--------", []string{""}) {
			t.Errorf("refused with context %q", context)
		}
	}
}

func TestAPasswordIsComparedAsReceivedButForNFC(t *testing.T) {
	for _, c := range []struct {
		why, entered, want string
		ok                 bool
	}{
		{"accents apart are joined", "caffe\u0301", "caff\u00e9", true},
		{"spaces stay", " x ", " x ", true},
		{"case stays", "Xy", "Xy", true},
		{"full width stays", "Ａ", "Ａ", true},
		{"the longest", strings.Repeat("x", 1024), strings.Repeat("x", 1024), true},
		{"the longest that came apart", strings.Repeat("e\u0301", 512), strings.Repeat("é", 512), true},
		{"too long", strings.Repeat("x", 1025), "", false},
		{"not UTF-8", "x\xff", "", false},
	} {
		got, ok := Normal(c.entered)
		if got != c.want || ok != c.ok {
			t.Errorf("%s: %q, %v", c.why, got, ok)
		}
	}
}

func TestWhatIsAcceptedIsWhatIsCompared(t *testing.T) {
	for _, p := range []string{"caffe\u0301 corretto al banco", "ﬁfteen characters", "Åbo-\u212b-xyz-0123456"} {
		set, err := CheckNew(p, Rules{})
		if err != nil {
			t.Fatal(err)
		}
		if entered, ok := Normal(p); !ok || entered != set {
			t.Errorf("%q was set as %q and is compared as %q", p, set, entered)
		}
	}
}

func FuzzAnAcceptedPasswordCanBeEntered(f *testing.F) {
	f.Add("xk7#q2vdxk7#q2v", "ada")
	f.Add("e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301", "é")
	f.Fuzz(func(t *testing.T, password, context string) {
		set, err := CheckNew(password, Rules{Min: 8}, context)
		if err != nil {
			return
		}
		if entered, ok := Normal(password); !ok || entered != set {
			t.Fatalf("%q was set as %q and is compared as %q, %v", password, set, entered, ok)
		}
	})
}

func TestTheListHoldsTenThousandPasswords(t *testing.T) {
	if n := len(common()); n < 10_000 {
		t.Errorf("%d passwords", n)
	}
	for p := range common() {
		if normal, ok := Normal(p); !ok || len([]rune(p)) < MinPassword || normal != p || strings.ToLower(p) != p {
			t.Errorf("%q cannot be met", p)
		}
	}
	if head, _, _ := strings.Cut(commonText, "\npassword\n"); !strings.Contains(head, "Source: npm package") {
		t.Errorf("the head names no source: %q", head)
	}
}
