package web

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Palette holds the colours that come from the operator's one accent. All
// others are fixed, because they carry meaning or contrast.
type Palette struct{ Light, Dark Tones }

// Tones are the accent's colours on one ground.
type Tones struct{ Accent, Hover, OnAccent, Link string }

// plain is the look without an accent of the operator's.
var plain = Palette{
	Light: Tones{"#0b5e57", "#08473f", "#ffffff", "#0b5e57"},
	Dark:  Tones{"#6cc7ba", "#93dbd0", "#06211d", "#7fd2c6"},
}

// enough is the least contrast of text (WCAG 2.2, 1.4.3).
const enough = 4.5

// The grounds that a link may stand on: surface, page and tile.
var (
	lightGrounds = []string{"#ffffff", "#f4f5f2", "#edf0ec"}
	darkGrounds  = []string{"#19201e", "#101513", "#232c29"}
)

const (
	white = "#ffffff"
	ink   = "#06211d"
)

// paletteOf derives the colours of an accent and says where it had to bend.
func paletteOf(accent string) (Palette, []string, error) {
	if accent == "" {
		return plain, nil, nil
	}
	c, err := parseColour(accent)
	if err != nil {
		return Palette{}, nil, err
	}
	light := tones(c, -1, lightGrounds)
	light.Accent, light.OnAccent = fill(c, -1)
	light.Hover = hover(light)
	dark := tones(c, +1, darkGrounds)
	var warnings []string
	if light.Link != c.String() {
		warnings = append(warnings, fmt.Sprintf("accent %s is too light for links; using %s",
			strings.ToUpper(c.String()), strings.ToUpper(light.Link)))
	}
	return Palette{Light: light, Dark: dark}, warnings, nil
}

// tones moves a colour, darker or lighter, until it can be read on all grounds.
func tones(c colour, towards int, grounds []string) Tones {
	c = c.until(towards, func(c colour) bool {
		for _, ground := range grounds {
			if contrast(c, mustColour(ground)) < enough {
				return false
			}
		}
		return true
	})
	t := Tones{Link: c.String()}
	t.Accent, t.OnAccent = fill(c, towards)
	t.Hover = hover(t)
	return t
}

// fill is a colour to stand under text, and the text: white where that can be
// read, else ink. Between the two the colour moves until one of them can.
func fill(c colour, towards int) (ground, text string) {
	text = white
	c = c.until(towards, func(c colour) bool {
		for _, text = range []string{white, ink} {
			if contrast(c, mustColour(text)) >= enough {
				return true
			}
		}
		return false
	})
	return c.String(), text
}

// hover moves away from the text, so that it only gains contrast.
func hover(t Tones) string {
	towards := -1
	if t.OnAccent == ink {
		towards = +1
	}
	steps := 0
	return mustColour(t.Accent).until(towards, func(colour) bool { steps++; return steps > 7 }).String()
}

// css writes the colours as the last word of the stylesheet.
func (p Palette) css() string {
	return ":root{" + p.Light.css() + "}\n@media (prefers-color-scheme:dark){:root{" + p.Dark.css() + "}}\n"
}

func (t Tones) css() string {
	return fmt.Sprintf("--accent:%s;--hover:%s;--on-accent:%s;--link:%s", t.Accent, t.Hover, t.OnAccent, t.Link)
}

// colour is one colour of the screen; parts run from 0 to 255.
type colour struct{ r, g, b uint8 }

func parseColour(hex string) (colour, error) {
	digits := strings.TrimPrefix(hex, "#")
	if len(digits) == 3 {
		digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
	}
	n, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || len(digits) != 6 {
		return colour{}, fmt.Errorf("%q is not a colour like #0B5E57", hex)
	}
	return colour{uint8(n >> 16), uint8(n >> 8), uint8(n)}, nil
}

// mustColour reads a colour of this file or one that was written by String.
func mustColour(hex string) colour {
	c, err := parseColour(hex)
	if err != nil {
		panic(err)
	}
	return c
}

func (c colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c.r, c.g, c.b) }

// until steps towards black or white until a colour is good, or is black or
// white. Hue and lightness are whole numbers, so that the same accent gives the
// same colours everywhere.
func (c colour) until(towards int, good func(colour) bool) colour {
	h, s, l := c.hsl()
	h, l = math.Floor(h), math.Round(l*100)
	for !good(c) && l >= 0 && l <= 100 {
		l += float64(towards)
		c = fromHSL(h, s, min(max(l, 0), 100)/100)
	}
	return c
}

// luminance is the relative luminance of WCAG 2.
func (c colour) luminance() float64 {
	linear := func(v uint8) float64 {
		f := float64(v) / 255
		if f <= 0.04045 {
			return f / 12.92
		}
		return math.Pow((f+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.r) + 0.7152*linear(c.g) + 0.0722*linear(c.b)
}

// contrast is the contrast ratio of WCAG 2, from 1 to 21.
func contrast(a, b colour) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func (c colour) hsl() (h, s, l float64) {
	r, g, b := float64(c.r)/255, float64(c.g)/255, float64(c.b)/255
	high, low := max(r, g, b), min(r, g, b)
	spread := high - low
	l = (high + low) / 2
	if spread == 0 {
		return 0, 0, l
	}
	s = spread / (1 - math.Abs(2*l-1))
	switch high {
	case r:
		h = math.Mod((g-b)/spread+6, 6)
	case g:
		h = (b-r)/spread + 2
	default:
		h = (r-g)/spread + 4
	}
	return h * 60, s, l
}

func fromHSL(h, s, l float64) colour {
	chroma := (1 - math.Abs(2*l-1)) * s
	x := chroma * (1 - math.Abs(math.Mod(h/60, 2)-1))
	low := l - chroma/2
	parts := [][3]float64{{chroma, x, 0}, {x, chroma, 0}, {0, chroma, x}, {0, x, chroma}, {x, 0, chroma}, {chroma, 0, x}}
	p := parts[int(h/60)%6]
	part := func(v float64) uint8 { return uint8(math.Floor((min(max(v+low, 0), 1)) * 255)) }
	return colour{part(p[0]), part(p[1]), part(p[2])}
}
