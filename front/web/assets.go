package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

//go:embed assets/sallyport.css assets/sallyport.js assets/mark.svg layout.html
var files embed.FS

// asset is one file that browsers load beside the page. Its address holds a
// hash of its content, so it may be kept for ever.
type asset struct {
	kind   string
	plain  []byte
	packed func() []byte
}

// buildAssets makes the stylesheet with the operator's colours in it (the
// content policy forbids inline styles), the script and the mark.
func (s *Site) buildAssets() error {
	s.assets = map[string]asset{}
	for _, one := range []struct {
		name, kind string
		at         *string
		change     func(string) string
	}{
		{"sallyport.css", "text/css; charset=utf-8", &s.sheet, func(css string) string { return css + s.palette.css() }},
		{"sallyport.js", "text/javascript; charset=utf-8", &s.script, func(js string) string { return js }},
		{"mark.svg", "image/svg+xml", &s.icon, s.palette.mark},
	} {
		text, err := files.ReadFile("assets/" + one.name)
		if err != nil {
			return fmt.Errorf("read %s: %w", one.name, err)
		}
		a := asset{kind: one.kind, plain: []byte(one.change(string(text)))}
		a.packed = sync.OnceValue(func() []byte { return pack(a.plain) })
		sum := sha256.Sum256(a.plain)
		name, end, _ := strings.Cut(one.name, ".")
		*one.at = "/assets/" + name + "-" + hex.EncodeToString(sum[:5]) + "." + end
		s.assets[*one.at] = a
	}
	return nil
}

// mark colours the mark for the tab.
func (p Palette) mark(svg string) string {
	return strings.NewReplacer(plain.Light.Accent, p.Light.Link, plain.Dark.Accent, p.Dark.Accent).Replace(svg)
}

// pack packs what is kept for ever, once, as well as can be.
func pack(plain []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // that level is there
	w.Write(plain)                                        // a buffer takes everything
	w.Close()
	return b.Bytes()
}

// Stylesheet, Script and Icon are the addresses of what every page loads.
func (s *Site) Stylesheet() string { return s.sheet }

// Script is the address of the one script.
func (s *Site) Script() string { return s.script }

// Icon is the address of the picture in the browser's tab.
func (s *Site) Icon() string {
	if s.Favicon != "" {
		return s.Favicon
	}
	return s.icon
}

// Assets serves the stylesheet, the script and the mark under /assets/.
func (s *Site) Assets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := s.assets[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h, body := w.Header(), a.plain
		h.Set("Content-Type", a.kind)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("Vary", "Accept-Encoding")
		if takesGzip(r) {
			h.Set("Content-Encoding", "gzip")
			body = a.packed()
		}
		h.Set("Content-Length", fmt.Sprint(len(body)))
		// The answer is on its way: a browser that hung up needs no other.
		_, _ = w.Write(body)
	})
}

func takesGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(strings.ReplaceAll(part, " ", ""), ";")
		if strings.EqualFold(name, "gzip") && weight != "q=0" {
			return true
		}
	}
	return false
}
