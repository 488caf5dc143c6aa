package web

import "testing"

func TestAnAccentThatIsTooLightIsDarkenedForLinks(t *testing.T) {
	p, warnings, err := paletteOf("#FFE000")
	if err != nil {
		t.Fatal(err)
	}
	if len(warnings) != 1 || warnings[0] != "accent #FFE000 is too light for links; using #7A6A00" {
		t.Errorf("warnings: %q", warnings)
	}
	if p.Light.Accent != "#ffe000" || p.Light.OnAccent != ink {
		t.Errorf("buttons are %s with %s", p.Light.Accent, p.Light.OnAccent)
	}
}

func TestEveryAccentCanBeRead(t *testing.T) {
	for _, accent := range []string{
		"#000000", "#FFFFFF", "#FFE000", "#0B5E57", "#FF0000", "#00FF00", "#0000FF", "#808080", "#777777",
		"#E83E8C", "#123", "#FF8800", "#33CCFF", "#5B2C83", "#7C8A00",
	} {
		p, _, err := paletteOf(accent)
		if err != nil {
			t.Fatal(err)
		}
		for _, ground := range []struct {
			tones   Tones
			grounds []string
		}{{p.Light, lightGrounds}, {p.Dark, darkGrounds}} {
			for _, g := range ground.grounds {
				if c := contrast(mustColour(ground.tones.Link), mustColour(g)); c < enough {
					t.Errorf("%s: link %s on %s has %.2f", accent, ground.tones.Link, g, c)
				}
			}
			for _, fill := range []string{ground.tones.Accent, ground.tones.Hover} {
				if c := contrast(mustColour(fill), mustColour(ground.tones.OnAccent)); c < enough {
					t.Errorf("%s: %s on %s has %.2f", accent, ground.tones.OnAccent, fill, c)
				}
			}
		}
	}
}

func TestContrastIsThatOfWCAG(t *testing.T) {
	for _, row := range []struct {
		a, b string
		want float64
	}{{"#000000", "#ffffff", 21}, {"#ffffff", "#ffffff", 1}, {"#777777", "#ffffff", 4.48}, {"#0b5e57", "#ffffff", 7.6}} {
		if got := contrast(mustColour(row.a), mustColour(row.b)); got < row.want-0.05 || got > row.want+0.05 {
			t.Errorf("%s on %s: %.2f, want %.2f", row.a, row.b, got, row.want)
		}
	}
}

func TestOnlyColoursAreTaken(t *testing.T) {
	for _, bad := range []string{"red", "#12345", "#1234567", "#GGGGGG", "#", "#+12345", "#-12", "0x1234"} {
		if _, _, err := paletteOf(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
