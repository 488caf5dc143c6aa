package factor

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// RFC 4226 appendix D.
func TestCodesAreThoseOfRFC4226(t *testing.T) {
	s := Secret{Key: []byte("12345678901234567890")}
	for counter, want := range []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"} {
		if got := s.Code(int64(counter)); got != want {
			t.Errorf("count %d: %s, want %s", counter, got, want)
		}
	}
}

// RFC 6238 appendix B; the keys are those of its errata, as long as the hash.
func TestCodesAreThoseOfRFC6238(t *testing.T) {
	key := []byte(strings.Repeat("1234567890", 7))
	for _, row := range []struct {
		at                   int64
		sha1, sha256, sha512 string
	}{
		{59, "94287082", "46119246", "90693936"},
		{1111111109, "07081804", "68084774", "25091201"},
		{1111111111, "14050471", "67062674", "99943326"},
		{1234567890, "89005924", "91819424", "93441116"},
		{2000000000, "69279037", "90698825", "38618901"},
		{20000000000, "65353130", "77737706", "47863826"},
	} {
		for _, by := range []struct {
			algorithm string
			length    int
			want      string
		}{{"SHA1", 20, row.sha1}, {"SHA256", 32, row.sha256}, {"SHA512", 64, row.sha512}} {
			s := Secret{Key: key[:by.length], Algorithm: by.algorithm, Digits: 8}
			if got := s.Code(s.Step(time.Unix(row.at, 0))); got != by.want {
				t.Errorf("%s at %d: %s, want %s", by.algorithm, row.at, got, by.want)
			}
		}
	}
}

// An independent program agrees over a thousand secrets and times: half as
// Sallyport makes them, half as they may be imported.
func TestOathtoolAgrees(t *testing.T) {
	if _, err := exec.LookPath("oathtool"); err != nil {
		t.Fatal("oathtool is missing; install it: apt-get install oathtool")
	}
	seed := time.Now().UnixNano()
	var wait sync.WaitGroup
	for lane := range 4 {
		wait.Go(func() {
			random := rand.New(rand.NewPCG(uint64(seed), uint64(lane)))
			for i := range 250 {
				if err := oathtoolAgrees(randomSecret(random, i%2 == 0), time.Unix(random.Int64N(1<<34), 0)); err != nil {
					t.Errorf("seed %d: %v", seed, err)
					return
				}
			}
		})
	}
	wait.Wait()
}

func randomSecret(random *rand.Rand, ours bool) Secret {
	s := NewSecret()
	if ours {
		return s
	}
	s.Key = make([]byte, 16+random.IntN(49))
	for i := range s.Key {
		s.Key[i] = byte(random.Uint32())
	}
	s.Algorithm = []string{"SHA1", "SHA256", "SHA512"}[random.IntN(3)]
	s.Digits, s.Period = 6+random.IntN(3), []int{15, 30, 60}[random.IntN(3)]
	return s
}

func oathtoolAgrees(s Secret, at time.Time) error {
	out, err := exec.Command("oathtool", "--totp="+s.algorithm(), "--base32", "--digits="+strconv.Itoa(s.digits()),
		fmt.Sprintf("--time-step-size=%ds", s.period()), fmt.Sprintf("--now=@%d", at.Unix()), s.Text()).CombinedOutput()
	if err != nil {
		return fmt.Errorf("oathtool: %w: %s", err, out)
	}
	if want, got := string(bytes.TrimSpace(out)), s.Code(s.Step(at)); got != want {
		return fmt.Errorf("%+v at %d: %s, oathtool says %s", s, at.Unix(), got, want)
	}
	return nil
}

func TestAThousandSecretsAreAllDifferent(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		s := NewSecret()
		if len(s.Key) != 20 || seen[string(s.Key)] {
			t.Fatalf("%d bytes, seen before: %v", len(s.Key), seen[string(s.Key)])
		}
		seen[string(s.Key)] = true
	}
}

var keyText = regexp.MustCompile(`^[A-Z2-7]{32}$`)

// TOTP-03: a strict reader of the link finds what was put in, and nothing that a
// common app is known to stumble over.
func TestTheLinkIsReadByAStrictReader(t *testing.T) {
	for _, row := range []struct{ issuer, account, wantIssuer, wantAccount string }{
		{"Sallyport", "ada", "Sallyport", "ada"},
		{"My Portal & Co", "a+b@x.org", "My Portal & Co", "a+b@x.org"},
		{"My: Portal", "ada:lovelace", "My  Portal", "ada lovelace"},
		{"Größe 100%?#/", "žofie=&", "Größe 100%?#/", "žofie=&"},
		{"A portal with a very long name", "somebody.with.a.very.long.name@example.org", "A portal with a very", "somebody.with.a.very.long"},
	} {
		s := NewSecret()
		link := s.Link(row.issuer, row.account)
		if strings.ContainsAny(link, " +") || strings.Count(link, ":") != 2 {
			t.Errorf("%q holds a space, a plus sign or a colon too many", link)
		}
		u, err := url.Parse(link)
		if err != nil {
			t.Errorf("%q: %v", link, err)
			continue
		}
		if want := "/" + row.wantIssuer + ":" + row.wantAccount; u.Scheme != "otpauth" || u.Host != "totp" || u.Path != want || u.Fragment != "" {
			t.Errorf("%q: scheme %q, host %q, path %q, want %q", link, u.Scheme, u.Host, u.Path, want)
		}
		want := [][2]string{{"secret", s.Text()}, {"issuer", row.wantIssuer}, {"algorithm", "SHA1"}, {"digits", "6"}, {"period", "30"}}
		for i, pair := range strings.Split(u.RawQuery, "&") {
			name, value, _ := strings.Cut(pair, "=")
			if value, err = url.PathUnescape(value); err != nil || i >= len(want) || [2]string{name, value} != want[i] {
				t.Errorf("%q: part %d is %q = %q (%v)", link, i, name, value, err)
			}
		}
		if !keyText.MatchString(s.Text()) {
			t.Errorf("the secret is %q", s.Text())
		}
	}
}

func TestTheKeyIsShownInGroupsOfFour(t *testing.T) {
	s := Secret{Key: []byte("12345678901234567890")}
	if got := s.Groups(); got != "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ" || strings.ReplaceAll(got, " ", "") != s.Text() {
		t.Error(got)
	}
}

func TestASecretComesBackAsItWasKept(t *testing.T) {
	for _, s := range []Secret{NewSecret(), {Key: []byte("k"), Algorithm: "SHA512", Digits: 8, Period: 60, Refused: []int64{1, 2}}} {
		got, err := DecodeSecret(s.Encode())
		if err != nil || !bytes.Equal(got.Encode(), s.Encode()) {
			t.Errorf("%+v came back as %+v, %v", s, got, err)
		}
	}
}

func TestWhatIsNoSecretIsRefused(t *testing.T) {
	for _, data := range []string{"", "null", "{}", "[]", `{"Key":""}`, `{"Key":"AAAA","Algorithm":"MD5"}`, `{"Key":"AAAA","Algorithm":"sha1"}`,
		`{"Key":"AAAA","Digits":5}`, `{"Key":"AAAA","Digits":40}`, `{"Key":"AAAA","Period":-30}`, `{"Key":"AAAA","Period":301}`, `{"Key":"?"}`} {
		if s, err := DecodeSecret([]byte(data)); err == nil {
			t.Errorf("%s was read as %+v", data, s)
		}
	}
}
