package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// conn is one kept connection. Requests are written as bytes and answers read
// with as little work as can be: the load shares its cores with what it measures.
type conn struct {
	net.Conn
	r    *bufio.Reader
	read *int // bytes that have arrived
}

// answerTime is the longest that anything waits for an answer.
const answerTime = 30 * time.Second

func dial(host string) (*conn, error) {
	c, err := net.DialTimeout("tcp", strings.Replace(host, "localhost", "127.0.0.1", 1), answerTime)
	if err != nil {
		return nil, err
	}
	count := &counter{of: c}
	return &conn{c, bufio.NewReader(count), &count.n}, nil
}

type counter struct {
	of io.Reader
	n  int
}

// Read counts what it reads.
func (c *counter) Read(b []byte) (int, error) {
	n, err := c.of.Read(b)
	c.n += n
	return n, err
}

// answer is what a request got.
type answer struct {
	status int
	header http.Header
	body   []byte
	bytes  int // as transferred
}

// do sends a request and reads the whole answer.
func (c *conn) do(request []byte) (answer, error) {
	before := *c.read
	if err := c.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return answer{}, err
	}
	if _, err := c.Write(request); err != nil {
		return answer{}, err
	}
	r, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return answer{}, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	return answer{r.StatusCode, r.Header, body, *c.read - before}, err
}

// cookie is the value that an answer gives to a cookie, or "".
func (a answer) cookie(name string) string {
	for _, line := range a.header["Set-Cookie"] {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			value, _, _ = strings.Cut(value, ";")
			return value
		}
	}
	return ""
}

var unpackers = sync.Pool{New: func() any { return new(gzip.Reader) }}

// text is the body, unpacked.
func (a answer) text() string {
	if a.header.Get("Content-Encoding") != "gzip" {
		return string(a.body)
	}
	z := unpackers.Get().(*gzip.Reader)
	defer unpackers.Put(z)
	if err := z.Reset(bytes.NewReader(a.body)); err != nil {
		return ""
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		return ""
	}
	return string(plain)
}

// from makes an address of somebody's own, because limits are by address.
func from(n int) string { return fmt.Sprintf("198.%d.%d.%d", 18+n>>16&1, n>>8&255, n&255) }

// request writes a request; a body makes it a post.
func request(host, path, address, cookies, body string) []byte {
	var b bytes.Buffer
	method := "GET"
	if body != "" {
		method = "POST"
	}
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"+
		"Accept-Encoding: gzip, deflate\r\nX-Forwarded-For: %s\r\n", method, path, host, address)
	if cookies != "" {
		fmt.Fprintf(&b, "Cookie: %s\r\n", cookies)
	}
	if body != "" {
		fmt.Fprintf(&b, "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n" + body)
	return b.Bytes()
}

// browser keeps cookies and the page on show.
type browser struct {
	*conn
	host, address string
	cookies       map[string]string
	page          string
}

func browse(host, address string) (*browser, error) {
	c, err := dial(host)
	return &browser{conn: c, host: host, address: address, cookies: map[string]string{}}, err
}

// jar is the cookies as a header.
func (b *browser) jar() string {
	var list []string
	for name, value := range b.cookies {
		list = append(list, name+"="+value)
	}
	return strings.Join(list, "; ")
}

func (b *browser) send(path, body string) (answer, error) {
	a, err := b.do(request(b.host, path, b.address, b.jar(), body))
	for _, line := range a.header["Set-Cookie"] {
		name, value, _ := strings.Cut(line, "=")
		if value, _, _ = strings.Cut(value, ";"); value == "" {
			delete(b.cookies, name)
		} else {
			b.cookies[name] = value
		}
	}
	b.page = a.text()
	return a, err
}

// get asks for a page and follows where it leads.
func (b *browser) get(path string) (answer, error) {
	a, err := b.send(path, "")
	for range 5 {
		if err != nil || a.status != http.StatusSeeOther {
			break
		}
		a, err = b.send(a.header.Get("Location"), "")
	}
	return a, err
}

// post sends a form with the token of the page on show, and does not follow.
func (b *browser) post(path string, pairs ...string) (answer, error) {
	form := url.Values{"token": {b.token()}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return b.send(path, form.Encode())
}

// follow goes where a post leads; what is no redirect is a fault.
func (b *browser) follow(a answer, err error) error {
	if err == nil && a.status != http.StatusSeeOther {
		err = fmt.Errorf("%d instead of a redirect: %s", a.status, between(b.page, "<main", "</main>"))
	}
	if err != nil {
		return err
	}
	_, err = b.get(a.header.Get("Location"))
	return err
}

func (b *browser) token() string { return between(b.page, `name="token" value="`, `"`) }

func between(text, before, after string) string {
	_, rest, ok := strings.Cut(text, before)
	if !ok {
		return ""
	}
	inner, _, _ := strings.Cut(rest, after)
	return html.UnescapeString(inner)
}
