package seal_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"sallyport/back/seal"
)

const place = "factors.secret:42"

// newLine is a random line of a key file.
func newLine() string {
	key := make([]byte, 32)
	rand.Read(key)
	return base64.StdEncoding.EncodeToString(key)
}

func keyFile(t testing.TB, lines ...string) *seal.KeyFile {
	t.Helper()
	f, err := seal.ParseKeyFile("test.key", []byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func newKey(t testing.TB, f *seal.KeyFile, id int64, purpose string) seal.Wrapped {
	t.Helper()
	row, err := f.NewDataKey(id, purpose, 1_790_000_000_000)
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func open(t testing.TB, f *seal.KeyFile, rows ...seal.Wrapped) *seal.Box {
	t.Helper()
	b, err := seal.Open(f, rows)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newBox(t testing.TB) *seal.Box {
	f := keyFile(t, newLine())
	return open(t, f, newKey(t, f, 1, seal.Index), newKey(t, f, 2, seal.Data))
}

func TestWhatIsSealedOpensAtItsPlace(t *testing.T) {
	b := newBox(t)
	for _, plain := range [][]byte{nil, {}, []byte("a"), bytes.Repeat([]byte("long "), 1000)} {
		sealed := b.Seal(place, plain)
		got, err := b.Open(place, sealed)
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes: got %d bytes, %v", len(plain), len(got), err)
		}
		if want := 1 + 4 + 12 + 16 + len(plain); len(sealed) != want {
			t.Errorf("%d bytes sealed are %d, want %d", len(plain), len(sealed), want)
		}
	}
}

func TestNothingIsSealedTheSameWayTwice(t *testing.T) {
	b := newBox(t)
	seen := map[string]bool{}
	for range 1000 {
		nonce := string(b.Seal(place, []byte("same"))[5:17])
		if seen[nonce] {
			t.Fatal("a nonce came twice")
		}
		seen[nonce] = true
	}
}

func TestAValueOpensNowhereElse(t *testing.T) {
	b := newBox(t)
	sealed := b.Seal(place, []byte("attack at dawn"))
	for name, other := range map[string]string{
		"another row":             "factors.secret:43",
		"another column":          "factors.note:42",
		"another table":           "phones.secret:42",
		"a row that begins alike": "factors.secret:4",
		"a row with more":         "factors.secret:42:1",
		"no row":                  "factors.secret:",
		"no column":               "factors:42",
		"nowhere":                 "",
	} {
		plain, err := b.Open(other, sealed)
		if !errors.Is(err, seal.ErrTampered) || plain != nil {
			t.Errorf("%s: got %q, %v", name, plain, err)
		}
	}
}

func TestEveryChangedByteIsRefused(t *testing.T) {
	b := newBox(t)
	sealed := b.Seal(place, []byte("attack at dawn"))
	for i := range sealed {
		for bit := range 8 {
			changed := slices.Clone(sealed)
			changed[i] ^= 1 << bit
			plain, err := b.Open(place, changed)
			if !errors.Is(err, seal.ErrTampered) && !errors.Is(err, seal.ErrUnknownKey) || plain != nil {
				t.Errorf("byte %d bit %d: got %q, %v", i, bit, plain, err)
			}
		}
	}
	for n := range sealed {
		if _, err := b.Open(place, sealed[:n]); err == nil {
			t.Errorf("the first %d bytes of %d open", n, len(sealed))
		}
	}
	if _, err := b.Open(place, append(slices.Clone(sealed), 0)); err == nil {
		t.Error("a byte more opens")
	}
}

func TestTheKeyNumberOfAValueCannotBeChanged(t *testing.T) {
	f := keyFile(t, newLine())
	index, one, two := newKey(t, f, 1, seal.Index), newKey(t, f, 2, seal.Data), newKey(t, f, 3, seal.Data)
	b := open(t, f, index, one, two)
	sealed := b.Seal(place, []byte("x"))
	sealed[4] = 2
	if _, err := b.Open(place, sealed); !errors.Is(err, seal.ErrTampered) {
		t.Errorf("got %v", err)
	}
}

func TestErrorsDoNotShowWhatWasSealed(t *testing.T) {
	b := newBox(t)
	sealed := b.Seal(place, []byte("hunter2"))
	sealed[len(sealed)-1]++
	_, err := b.Open(place, sealed)
	for _, secret := range []string{"hunter2", fmt.Sprintf("%x", sealed[17:]), string(sealed[17:])} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows it: %v", err)
		}
	}
	if !strings.Contains(err.Error(), place) {
		t.Errorf("the error does not say where: %v", err)
	}
}

func TestSealingForNoPlacePanics(t *testing.T) {
	b := newBox(t)
	for _, place := range []string{"", "factors", "factors.secret", "factors.secret:", ".secret:1", "factors:1"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q was accepted", place)
				}
			}()
			b.Seal(place, nil)
		}()
	}
}

func TestTheNewestDataKeySealsAndAllOpen(t *testing.T) {
	f := keyFile(t, newLine())
	index, one, two := newKey(t, f, 7, seal.Index), newKey(t, f, 2, seal.Data), newKey(t, f, 3, seal.Data)
	before, after := open(t, f, index, one), open(t, f, two, one, index)

	old, young := before.Seal(place, []byte("x")), after.Seal(place, []byte("x"))
	if old[4] != 2 || young[4] != 3 {
		t.Errorf("sealed with keys %d and %d, want 2 and 3", old[4], young[4])
	}
	if _, err := after.Open(place, old); err != nil {
		t.Error(err)
	}
	if _, err := before.Open(place, young); !errors.Is(err, seal.ErrUnknownKey) {
		t.Errorf("a node that has not read the new key: got %v", err)
	}
	if before.Stale(old) || !after.Stale(old) || after.Stale(young) || !after.Stale(nil) {
		t.Error("stale is not what an older key sealed")
	}
	if !bytes.Equal(before.MAC("p"), after.MAC("p")) {
		t.Error("a new data key changed the keyed hashes")
	}
}

func TestManyMaySealAtOnce(t *testing.T) {
	b := newBox(t)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			place := fmt.Sprintf("t.c%d:1", i%3)
			if _, err := b.Open(place, b.Seal(place, []byte("x"))); err != nil {
				t.Error(err)
			}
			b.MAC(fmt.Sprint(i % 3))
		})
	}
	all.Wait()
}

// The figures were computed by a program of its own (Python, hmac and
// cryptography). Data of every installation depends on them: never change them.
func TestTheFormatStaysAsItWasReleased(t *testing.T) {
	f := keyFile(t, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	if f.First() != "3372e9c5" {
		t.Errorf("the key is called %s", f.First())
	}
	b := open(t, f,
		seal.Wrapped{ID: 1, Purpose: "index", KEK: "3372e9c5", Blob: unhex(t, "01000102030405060708090a0be9461898d1545ec607790d345fdfcbf28a2f63ba7465891e47053f294b7058a8099af0cab0e5c990e1045f447b36c28d")},
		seal.Wrapped{ID: 2, Purpose: "data", KEK: "3372e9c5", Blob: unhex(t, "010c0d0e0f10111213141516173939761d7035ce6b23d3dc9f026e0f079eeed079864c93b99e0fda4c78d8807b23bcb8d5c5f57f543362611b7af9f845")},
	)
	plain, err := b.Open("factors.secret:42", unhex(t, "010000000218191a1b1c1d1e1f20212223b19caaabc4315ca2e3b5588f5f89f472e850fb030d93253add3740e8bbe5"))
	if err != nil || string(plain) != "attack at dawn" {
		t.Errorf("got %q, %v", plain, err)
	}
	mac := b.MAC("phone", []byte("+15550100"), nil)
	if got := hex.EncodeToString(mac); got != "6d47ae4bfb77938313f3a4782cbdb8daf9084d543343e49b46ec66bbf7896ccd" {
		t.Errorf("the keyed hash is %s", got)
	}
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func FuzzOpen(f *testing.F) {
	b := newBox(f)
	whole := b.Seal(place, []byte("attack at dawn"))
	f.Add(place, whole)
	f.Add(place, whole[:20])
	f.Add("", []byte{})
	f.Add("a.b:c", []byte{1, 0, 0, 0, 2})
	f.Fuzz(func(t *testing.T, where string, sealed []byte) {
		plain, err := b.Open(where, sealed)
		if (err == nil) != (where == place && bytes.Equal(sealed, whole)) {
			t.Errorf("opened %q at %q: %q, %v", sealed, where, plain, err)
		}
		b.Stale(sealed)
	})
}
