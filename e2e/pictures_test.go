package e2e

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sallyport/e2e/harness"
)

// guide is where our user guide and its pictures lie.
const guide = "../docs/guide"

// pictures are those of the guide, in its order: the seven of the set-up, then
// signing in, the way back, and the account page.
var pictures = []struct{ file, page string }{
	{"1-prompt", "two-factor-prompt"}, {"2-install", "setup-app"}, {"3-number", "setup-phone"}, {"4-text-code", "setup-phone-code"},
	{"5-scan", "setup-scan"}, {"6-app-code", "setup-app-code"}, {"7-finish", "setup-finish"},
	{"sign-in-code", "app-code"}, {"other-way", "other-way"}, {"recovery-text", "text-code"}, {"replace", "replace-text"}, {"security", "security"},
}

// digest is what a picture shows, in words: what stands on the page in its order,
// and how it is drawn. It does not change with fonts or with the browser.
type digest struct {
	Page  string
	Title string
	Shown []string          // tag, style and text of everything, in order
	Style map[string]string // what the names of the styles mean
}

// digestOf reads the page as it stands.
const digestOf = `(() => {
	const style = {}, shown = [];
	const name = (e) => {
		const s = getComputedStyle(e);
		const v = [s.color, s.backgroundColor, s.borderTopWidth + ' ' + s.borderTopColor, s.borderTopLeftRadius, s.fontSize + '/' + s.lineHeight, s.fontWeight, s.letterSpacing, s.textDecorationLine, 'padding ' + s.padding].join('; ');
		style[v] ??= 's' + (Object.keys(style).length + 1);
		return style[v];
	};
	const flat = (s) => s.replace(/\s+/g, ' ').trim();
	for (const e of document.body.querySelectorAll('*')) {
		if (!e.checkVisibility() || e.closest('svg') && e.tagName !== 'svg' || e.closest('.skip, .vh') || e.tagName === 'OPTION' && !e.selected) continue;
		const own = flat([...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.textContent).join(' '));
		const more = [e.type && e.tagName === 'INPUT' ? e.type : '', e.value && e.tagName !== 'LI' ? '= ' + e.value : '', e.alt ?? ''].filter(Boolean).join(' ');
		if (own || more || /^(IMG|svg|INPUT|SELECT|BUTTON|HR)$/.test(e.tagName)) shown.push((e.tagName.toLowerCase() + ' ' + name(e) + ' ' + [own, more].filter(Boolean).join(' | ')).trim());
	}
	return { Page: document.querySelector('main').dataset.page, Title: document.title, Shown: shown, Style: Object.fromEntries(Object.entries(style).map(([k, v]) => [v, k])) };
})()`

// The pictures of our guide show what the product shows. PICTURES=1 makes them
// and their digests anew.
func TestPicturesOfTheGuideAreUpToDate(t *testing.T) {
	t.Parallel()
	p, _ := harness.Pages(t)
	b := harness.Open(t, p.URL)
	b.Before(still)
	b.Look(harness.Look{Width: 720, Height: 600})
	text, err := os.ReadFile(filepath.Join(guide, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	at := -1
	for _, one := range pictures {
		if i := strings.Index(string(text), "("+one.file+".png)"); i <= at {
			t.Errorf("%s.png does not stand in its place in the guide", one.file)
		} else {
			at = i
		}
		b.Go("/page/" + one.page)
		b.Settle()
		harness.Eval[bool](b, `(document.activeElement.blur(), true)`)
		picture(t, b, filepath.Join(guide, one.file))
	}
}

func picture(t *testing.T, b *harness.Tab, path string) {
	t.Helper()
	now, err := json.MarshalIndent(harness.Eval[digest](b, digestOf), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	now = append(now, '\n')
	if os.Getenv("PICTURES") != "" {
		for file, content := range map[string][]byte{".digest": now, ".png": smaller(t, b.Screenshot())} {
			if err := os.WriteFile(path+file, content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	then, err := os.ReadFile(path + ".digest")
	if err != nil {
		t.Fatalf("%v; make the pictures anew: ./test -pictures", err)
	}
	if !bytes.Equal(now, then) {
		t.Errorf("%s.png is out of date (./test -pictures makes it anew):\n%s", path, difference(string(then), string(now)))
	}
	raw, err := os.ReadFile(path + ".png")
	if err != nil {
		t.Fatal(err)
	}
	const most = 60 << 10
	if config, err := png.DecodeConfig(bytes.NewReader(raw)); err != nil || config.Width != 720 || len(raw) > most {
		t.Errorf("%s.png: %d bytes, %d wide (%v); want at most %d bytes, 720 wide", path, len(raw), config.Width, err, most)
	}
}

// colours is how many colours a picture keeps: flat grounds and letters need few.
const colours = 64

// smaller gives a picture a palette of its most frequent colours, and packs it as
// well as Go can.
func smaller(t *testing.T, raw []byte) []byte {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	count := map[color.RGBA]int{}
	size := img.Bounds()
	for y := size.Min.Y; y < size.Max.Y; y++ {
		for x := size.Min.X; x < size.Max.X; x++ {
			count[color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)]++
		}
	}
	all := slices.SortedFunc(maps.Keys(count), func(a, b color.RGBA) int {
		return cmp.Or(count[b]-count[a], int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B))
	})
	var palette color.Palette
	for _, c := range all[:min(colours, len(all))] {
		palette = append(palette, c)
	}
	few := image.NewPaletted(size, palette)
	draw.Draw(few, size, img, size.Min, draw.Src)
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, few); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// difference is the first lines that differ.
func difference(then, now string) string {
	a, b := strings.Split(then, "\n"), strings.Split(now, "\n")
	var out []string
	const most = 6
	for i := 0; i < max(len(a), len(b)) && len(out) < most; i++ {
		var was, is string
		if i < len(a) {
			was = a[i]
		}
		if i < len(b) {
			is = b[i]
		}
		if was != is {
			out = append(out, fmt.Sprintf("line %d was %s\n      now is %s", i+1, strings.TrimSpace(was), strings.TrimSpace(is)))
		}
	}
	return strings.Join(out, "\n")
}

// What the guide names in bold stands on the page whose picture follows or went
// before.
func TestTheGuideNamesWhatIsThere(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(guide, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var shown strings.Builder
	for _, one := range pictures {
		raw, err := os.ReadFile(filepath.Join(guide, one.file+".digest"))
		if err != nil {
			t.Fatal(err)
		}
		shown.Write(raw)
	}
	for _, m := range regexp.MustCompile(`\*\*([^*]+)\*\*`).FindAllStringSubmatch(string(text), -1) {
		if !strings.Contains(shown.String(), strings.TrimSuffix(m[1], ".")) {
			t.Errorf("the guide speaks of %q, which no page in it shows", m[1])
		}
	}
}
