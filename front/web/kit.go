package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"sallyport/core/fault"
)

// Kit is what the web fronts share: cookies, form tokens, the address of the
// client, the checks that every request passes, and the one place that turns an
// error into a page.
type Kit struct {
	Site    *Site
	Secrets interface {
		MAC(purpose string, parts ...[]byte) []byte
	}
	Proxies []netip.Prefix
	Now     func() time.Time
	Log     *slog.Logger
	// ErrorPage makes the view of an error.
	ErrorPage func(r *http.Request, status int, err *fault.Fault, reference string) View
	// Hosts says whether a host that is not the portal's is an app's, for this request.
	Hosts func(r *http.Request) bool
	// Leads says what app an address to return to leads to, and at which origins a
	// form may end that goes there; nothing where it stays on the portal.
	Leads func(returnTo string) (name string, origins []string)
	// Open are addresses to which other sites may post, as each finds out by itself
	// who asks; where true, scripts of other sites may read the answers too.
	Open map[string]bool
	// Seen, where it is set, hears of each request after its answer.
	Seen  func(Seen)
	cross http.CrossOriginProtection
}

// The bounds of a request.
const (
	BodyMax  = 64 << 10
	BodyTime = 20 * time.Second
	WorkTime = 25 * time.Second // of the 30 for an answer: a database that hangs must leave time to say so
)

// StatusError is an error with a status of its own.
type StatusError int

// Error names the status.
func (s StatusError) Error() string { return http.StatusText(int(s)) }

type requestKey struct{}

// Reference is the short number of a request, which its log line has too.
func Reference(r *http.Request) string {
	ref, _ := r.Context().Value(requestKey{}).(string)
	return ref
}

// Handle makes a handler of a function that may fail. It is the only place that
// turns an error into a page, and the only one that logs it.
func (k *Kit) Handle(h func(w http.ResponseWriter, r *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			k.Fail(w, r, err)
		}
	})
}

// Fail answers with the page of an error.
func (k *Kit) Fail(w http.ResponseWriter, r *http.Request, err error) {
	f, status := fault.Of(err), http.StatusInternalServerError
	var own StatusError
	switch {
	case errors.As(err, &own):
		status = int(own)
	case f != nil:
		status = Status(f)
	case errors.Is(err, fault.ErrDown):
		status = http.StatusServiceUnavailable
	}
	reference := ""
	if status >= 500 && f == nil {
		reference = Reference(r)
		if gone := errors.Is(r.Context().Err(), context.Canceled); !gone {
			k.Log.Error("request failed", "request", reference, "method", r.Method, "route", r.Pattern, "error", err)
		}
	}
	RetryAfter(w, status, f)
	view := k.ErrorPage(r, status, f, reference)
	if err := k.Page(w, r, status, view); err != nil {
		k.Log.Error("error page failed", "request", Reference(r), "error", err)
		http.Error(w, http.StatusText(status), status)
	}
}

// RetryAfter says when to come again, with a status that asks for it. A problem
// at our end knows no time: five seconds.
func RetryAfter(w http.ResponseWriter, status int, f *fault.Fault) {
	if status != http.StatusServiceUnavailable && status != http.StatusTooManyRequests {
		return
	}
	wait := 5 * time.Second
	if f != nil && f.Wait > 0 {
		wait = f.Wait
	}
	w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
}

// Status is the status of a fault.
func Status(f *fault.Fault) int {
	switch f.Kind {
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.Denied:
		return http.StatusForbidden
	case fault.Missing:
		return http.StatusNotFound
	case fault.Gone:
		return http.StatusGone
	case fault.TooMany:
		return http.StatusTooManyRequests
	}
	return http.StatusServiceUnavailable
}

// Page writes a view. It is compressed although it holds tokens, because these
// are made anew for each answer: nothing secret in it repeats (BREACH).
func (k *Kit) Page(w http.ResponseWriter, r *http.Request, status int, view View) error {
	frame := view.Base()
	if frame.FormToken == "" {
		frame.FormToken, _ = k.Token(w, r, k.owned(frame.Owner))
	}
	var page bytes.Buffer
	if err := k.Site.Render(&page, view); err != nil {
		return err
	}
	h := w.Header()
	if _, origins := k.leads(r); len(origins) > 0 {
		// Browsers follow the redirects of a posted form only to where the page says.
		h.Set("Content-Security-Policy", Policy+" "+strings.Join(origins, " "))
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Add("Vary", "Accept-Encoding")
	if takesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		page = packed(page)
	}
	h.Set("Content-Length", strconv.Itoa(page.Len()))
	w.WriteHeader(status)
	page.WriteTo(w)
	return nil
}

// packers are used again: to make one takes 800 KB of memory, more than all else about a page.
var packers = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // that level is there
	return z
}}

// packed is compressed before it is sent, so that nobody keeps a packer by reading slowly.
func packed(page bytes.Buffer) (small bytes.Buffer) {
	z := packers.Get().(*gzip.Writer)
	defer packers.Put(z)
	z.Reset(&small)
	page.WriteTo(z) // a buffer takes all
	z.Close()
	return small
}

// Redirect answers a post that did what it was asked.
func Redirect(w http.ResponseWriter, r *http.Request, to string) error {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// Policy is the content policy of every page: nothing from elsewhere, nothing inline.
const Policy = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'self'"

type homeKey struct{}

// visit is what is known of a request at the portal's own host.
type visit struct{ returnTo string }

// Home says whether a request is at the portal's own host, not at an app's.
func (k *Kit) Home(r *http.Request) bool { return r.Context().Value(homeKey{}) != nil }

// Returning notes where this request's person is going when all is shown, so that
// its page may say so, and its form may end there.
func Returning(r *http.Request, to string) {
	if v, ok := r.Context().Value(homeKey{}).(*visit); ok && to != "" {
		v.returnTo = to
	}
}

// Destination is the app that this request's person is going to, or "".
func (k *Kit) Destination(r *http.Request) string {
	name, _ := k.leads(r)
	return name
}

func (k *Kit) leads(r *http.Request) (string, []string) {
	v, ok := r.Context().Value(homeKey{}).(*visit)
	if !ok || v.returnTo == "" || k.Leads == nil {
		return "", nil
	}
	return k.Leads(v.returnTo)
}

// Receipts is where gateways tell what became of a text.
const Receipts = "/receipts/"

// Guard is what every request passes before any route: headers on every answer,
// the host, cross-site requests, and a body that is a plain form of bounded size.
func (k *Kit) Guard(next http.Handler) http.Handler {
	hosts := map[string]bool{k.Site.Host: true}
	if !strings.Contains(k.Site.Host[strings.LastIndex(k.Site.Host, "]")+1:], ":") {
		// Some clients name the scheme's own port.
		hosts[k.Site.Host+map[bool]string{true: ":443", false: ":80"}[k.Site.HTTPS]] = true
	}
	return http.HandlerFunc(func(plain http.ResponseWriter, r *http.Request) {
		r = r.WithContext(context.WithValue(r.Context(), requestKey{}, reference()))
		w := &answer{ResponseWriter: plain}
		defer func(begun time.Time) { k.seeing(r, w, begun) }(time.Now())
		k.Headers(w.Header())
		if home := hosts[strings.ToLower(r.Host)]; home {
			r = r.WithContext(context.WithValue(r.Context(), homeKey{}, &visit{}))
		} else if k.Hosts == nil || !k.Hosts(r) {
			http.Error(w, "421 Misdirected Request", http.StatusMisdirectedRequest) // nothing of ours
			return
		} else if k.Site.HTTPS {
			w.Header().Set("Strict-Transport-Security", "max-age=31536000") // what is below an app's host is not ours
		}
		if !clean(r.URL.Path) {
			k.Fail(w, r, StatusError(http.StatusBadRequest))
			return
		}
		shared, open := k.Open[r.URL.Path]
		open = open && k.Home(r)
		if open && shared {
			share(w.Header())
			if r.Method == http.MethodOptions {
				preflight(w)
				return
			}
		}
		switch r.Method {
		case http.MethodGet, http.MethodHead, http.MethodPost:
		default:
			w.Header().Set("Allow", "GET, HEAD, POST")
			k.Fail(w, r, StatusError(http.StatusMethodNotAllowed))
			return
		}
		if err := k.cross.Check(r); err != nil && !open {
			k.Fail(w, r, StatusError(http.StatusForbidden))
			return
		}
		switch {
		case r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, Receipts):
			// A provider's: no browser comes there, and its signature is over the
			// body as it was sent.
			r.Body = http.MaxBytesReader(plain, r.Body, BodyMax)
		case r.Method == http.MethodPost && open:
			r.Body = http.MaxBytesReader(plain, r.Body, BodyMax) // programs want another answer than a page: they call ReadForm
		case r.Method == http.MethodPost:
			// The plain writer, which net/http knows: it closes the connection when
			// too much is sent.
			if err := ReadForm(plain, r); err != nil {
				k.Fail(w, r, err)
				return
			}
		}
		ctx, cancel := context.WithTimeout(r.Context(), WorkTime)
		defer cancel()
		r = r.WithContext(ctx)
		defer k.recovered(w, r)
		next.ServeHTTP(w, r)
	})
}

// recovered is the last resort: a panic in a page is that page's fault only.
func (k *Kit) recovered(w http.ResponseWriter, r *http.Request) {
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler {
			panic(p)
		}
		k.Log.Error("panic", "request", Reference(r), "route", r.Pattern, "panic", p)
		k.Fail(w, r, StatusError(http.StatusInternalServerError))
	}
}

// Headers sets what every answer carries.
func (k *Kit) Headers(h http.Header) {
	h.Set("Content-Security-Policy", Policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Frame-Options", "DENY")
	if k.Site.HTTPS {
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
}

// share lets scripts of other sites read an answer. Nothing there depends on a
// cookie, and none is sent along.
func share(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "WWW-Authenticate")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
}

func preflight(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}

// ReadForm reads a posted form: urlencoded, at most 64 KiB, within 20 seconds,
// each field once, and nothing in it that a database would refuse.
func ReadForm(w http.ResponseWriter, r *http.Request) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return StatusError(http.StatusUnsupportedMediaType)
	}
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(BodyTime))
	r.Body = http.MaxBytesReader(w, r.Body, BodyMax)
	if err := r.ParseForm(); err != nil {
		_, large := errors.AsType[*http.MaxBytesError](err)
		netErr, slow := errors.AsType[net.Error](err)
		switch {
		case large:
			return StatusError(http.StatusRequestEntityTooLarge)
		case slow && netErr.Timeout(), errors.Is(err, os.ErrDeadlineExceeded):
			return StatusError(http.StatusRequestTimeout)
		case errors.Is(err, io.ErrUnexpectedEOF):
			return StatusError(http.StatusBadRequest)
		}
		return StatusError(http.StatusBadRequest)
	}
	for name, values := range r.PostForm {
		if len(values) != 1 || !clean(name) || !clean(values[0]) {
			return fault.New(fault.Invalid, "form.broken")
		}
	}
	return nil
}

func clean(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }

// reference makes the short number of a request, easy to read over the phone.
func reference() string {
	text := rand.Text()
	return text[:4] + "-" + text[4:8]
}

// JSON writes a small answer for our own script.
func JSON(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	return json.NewEncoder(w).Encode(v)
}
