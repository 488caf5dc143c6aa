package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// pages weighs what a browser with an empty cache loads for a page, as transferred.
func (b *bench) pages() error {
	p, err := b.install("", cheapPasswords)
	if err != nil {
		return err
	}
	if err := p.addNewcomer(); err != nil {
		return err
	}
	if _, err := p.serve(); err != nil {
		return err
	}
	bare, host, _, err := b.bareServer()
	if err != nil {
		return err
	}
	defer bare.end(syscall.SIGKILL)
	plain, err := weightOf(host, "/")
	if err != nil {
		return err
	}
	signIn, err := weightOf(p.host, "/sign-in")
	if err != nil {
		return err
	}
	scan, picture, err := p.scan()
	if err != nil {
		return err
	}
	if err := p.stop(); err != nil {
		return err
	}
	worst, name, err := b.heaviest(signIn.head)
	if err != nil {
		return err
	}
	limit := figures{plain.kb()}
	b.rows = append(b.rows,
		row{what: "sign-in page, cold cache", unit: "KB", ours: figures{signIn.kb()}, limit: limit, by: "plain HTML form", goals: []goal{most("median", 12)}},
		row{what: "its requests", ours: figures{float64(signIn.requests)}, limit: figures{1}, by: "plain HTML form", goals: []goal{most("median", 3)}},
		row{what: "set-up page with QR code, cold cache", unit: "KB", ours: figures{scan.kb()}, limit: limit, by: "plain HTML form", goals: []goal{most("median", 20)}},
		row{what: "its requests", ours: figures{float64(scan.requests)}, limit: figures{1}, by: "plain HTML form", goals: []goal{most("median", 4)}},
		row{what: "its QR code", unit: "KB", ours: figures{float64(picture) / 1024}, goals: []goal{most("median", 4)}},
		row{what: "heaviest other page, cold cache", unit: "KB", ours: figures{worst}, limit: limit, by: "plain HTML form", goals: []goal{most("median", 30)}, note: name})
	return nil
}

// weight is what a page takes with all that it names.
type weight struct {
	requests, bytes int
	head            int // of the page's answer
	at              map[string]int
}

func (w weight) kb() float64 { return float64(w.bytes) / 1024 }

var named = regexp.MustCompile(`<(?:link|script|img|source)\b[^>]*\b(?:href|src|srcset)="(/[^"]+)"`)

func weightOf(host, path string) (weight, error) {
	b, err := browse(host, from(0))
	if err != nil {
		return weight{}, err
	}
	defer b.Close()
	return b.weigh(path)
}

// weigh loads a page and everything that it names, each once.
func (b *browser) weigh(path string) (weight, error) {
	a, err := b.get(path)
	if err != nil {
		return weight{}, err
	}
	w := weight{requests: 1, bytes: a.bytes, head: a.bytes - len(a.body), at: map[string]int{}}
	for _, m := range named.FindAllStringSubmatch(b.page, -1) {
		if w.at[m[1]] > 0 {
			continue
		}
		part, err := b.do(request(b.host, m[1], b.address, b.jar(), ""))
		if err != nil || part.status != 200 {
			return w, errors.Join(fmt.Errorf("%s names %s, which answers %d", path, m[1], part.status), err)
		}
		w.at[m[1]] = part.bytes
		w.requests, w.bytes = w.requests+1, w.bytes+part.bytes
	}
	return w, nil
}

// scan walks somebody new up to the QR code, and weighs page and picture there.
func (p *portal) scan() (w weight, picture int, err error) {
	b, err := browse(p.host, from(1))
	if err != nil {
		return w, 0, err
	}
	defer b.Close()
	if _, err := b.password(member{name: newcomer}); err != nil {
		return w, 0, err
	}
	for _, step := range []struct {
		page, to string
		fields   func() ([]string, error)
	}{
		{"/2fa/setup/app", "/2fa/setup/app", nil},
		{"/2fa/setup/phone", "/2fa/setup/phone", func() ([]string, error) { return []string{"phone", "(202) 555-0143", "country", "US"}, nil }},
		{"/2fa/setup/phone/code", "/2fa/setup/phone/code", func() ([]string, error) {
			line, err := p.text(0)
			return []string{"code", line.Text[:min(6, len(line.Text))]}, err
		}},
	} {
		if _, err := b.get(step.page); err != nil {
			return w, 0, err
		}
		var fields []string
		if step.fields != nil {
			if fields, err = step.fields(); err != nil {
				return w, 0, err
			}
		}
		if err := b.follow(b.post(step.to, fields...)); err != nil {
			return w, 0, fmt.Errorf("%s: %w", step.page, err)
		}
	}
	if w, err = b.weigh("/2fa/setup/scan"); err != nil {
		return w, 0, err
	}
	for at, bytes := range w.at {
		if strings.Contains(at, "qr.png") {
			return w, bytes, nil
		}
	}
	return w, 0, fmt.Errorf("there is no QR code on %s", between(b.page, "<main", ">"))
}

// heaviest weighs every page in every state, by its sample, as the portal packs
// it: with the head that its answers have.
func (b *bench) heaviest(head int) (kb float64, name string, err error) {
	port, err := freePort()
	if err != nil {
		return 0, "", err
	}
	samples, _, err := run(b.scratch, b.program, "pages", "--json", "--port", strconv.Itoa(port))
	if err != nil {
		return 0, "", err
	}
	defer samples.end(syscall.SIGKILL)
	c, err := browse("localhost:"+strconv.Itoa(port), from(0))
	if err != nil {
		return 0, "", err
	}
	defer c.Close()
	if _, err := c.get("/"); err != nil {
		return 0, "", err
	}
	for _, one := range strings.Fields(c.page) {
		w, err := c.weigh("/page/" + one)
		if err != nil {
			return 0, "", err
		}
		if strings.HasPrefix(one, "sign-in") || strings.HasPrefix(one, "setup-scan") {
			continue // these have rows of their own
		}
		packed, err := packed(c.page)
		if err != nil {
			return 0, "", err
		}
		all := head + packed
		for _, bytes := range w.at {
			all += bytes
		}
		if here := float64(all) / 1024; here > kb {
			kb, name = here, one
		}
	}
	return kb, name, nil
}

func packed(text string) (int, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		return 0, err
	}
	err := z.Close()
	return b.Len(), err
}
