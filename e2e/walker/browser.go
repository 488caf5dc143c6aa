package walker

import (
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Browser is one browser with its cookies and two tabs.
type Browser struct {
	Name    string // "ada/1"
	Actor   string
	Cookies map[string]string
	Sites   map[string]map[string]string // cookies at the hosts of apps
	Typed   map[string]bool              // numbers
	Tabs    [2]*Tab
	address string
}

// Tab is the pages that a tab has shown, and the one that it stands on.
type Tab struct {
	Pages []*Page
	At    int
}

// Page is what a tab shows.
type Page struct {
	Path, Body string
	Status     int
	Retry      string
	csrf       string // the cookie that its forms are bound to
}

func (t *Tab) page() *Page {
	if len(t.Pages) == 0 {
		return &Page{}
	}
	return t.Pages[t.At]
}

func (t *Tab) show(p *Page) {
	if len(t.Pages) > 0 {
		t.Pages = t.Pages[:t.At+1]
	}
	t.Pages = append(t.Pages, p)
	if len(t.Pages) > 12 {
		t.Pages = t.Pages[1:]
	}
	t.At = len(t.Pages) - 1
}

// Exchange is one request with its answer.
type Exchange struct {
	Actor, Browser, Method, Path string
	Query, Form                  url.Values
	Sent, Set                    map[string]string // cookies; one that is removed is set to ""
	Typed                        map[string]bool
	Before, After                time.Time // the portal's time around it
	Status                       int
	Location, Body, Retry        string
	Site                         *Site               // the app whose host it is, or nil
	URI                          string              // there, as it was sent
	Told                         map[string][]string // what the app hears of who it is
	Foreign                      bool                // the form's token is another browser's
	Lost                         bool                // no answer came
	open                         bool                // its session was, before it
}

func (x *Exchange) cookie(name string) string { return x.Sent[name] }

// effective is a cookie as the browser has it after the answer.
func (x *Exchange) effective(name string) string {
	if v, ok := x.Set[name]; ok {
		return v
	}
	return x.Sent[name]
}

func (x *Exchange) String() string {
	at := x.Path
	if x.Site != nil {
		at = x.Site.Origin + x.URI
	}
	return fmt.Sprintf("%s: %s %s → %d %s %s", x.Browser, x.Method, at, x.Status, pageName(x.Body), x.Location)
}

var client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 8},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

const agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

// send sends a request with the cookies that the browser has now; it keeps none
// and follows nothing.
func (b *Browser) send(p *Portal, method, to string, form url.Values) *Exchange {
	if site, uri := siteOf(to); site != nil {
		return b.visit(p, method, site, uri)
	}
	to = strings.TrimPrefix(to, p.URL)
	u := must2(url.Parse(to))
	x := &Exchange{Actor: b.Actor, Browser: b.Name, Method: method, Path: u.Path, Query: u.Query(), Form: form, Sent: maps.Clone(b.Cookies), Set: map[string]string{}, Typed: b.Typed}
	r := must2(http.NewRequest(method, p.URL+to, strings.NewReader(form.Encode())))
	r.Header.Set("User-Agent", agent)
	r.Header.Set("X-Forwarded-For", b.address)
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	b.exchange(p, x, r)
	return x
}

// exchange sends a request and takes its answer in.
func (b *Browser) exchange(p *Portal, x *Exchange, r *http.Request) {
	for name, value := range x.Sent {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	x.Before = p.Now()
	defer func() { x.After = p.Now() }()
	res, err := client.Do(r)
	if err != nil {
		x.Lost = true
		return
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		x.Lost = true
		return
	}
	x.Told = res.Header
	x.Status, x.Location, x.Body, x.Retry = res.StatusCode, res.Header.Get("Location"), string(body), res.Header.Get("Retry-After")
	for _, c := range res.Cookies() {
		if c.MaxAge < 0 {
			c.Value = ""
		}
		x.Set[c.Name] = c.Value
	}
}

// keep takes the cookies of an answer.
func (b *Browser) keep(x *Exchange) {
	jar := b.Cookies
	if x.Site != nil {
		jar = b.at(x.Site.Origin)
	}
	for name, value := range x.Set {
		if value == "" {
			delete(jar, name)
		} else {
			jar[name] = value
		}
	}
}

// Form is a form on a page.
type Form struct {
	Action, Method, Button string
	Fields                 url.Values
	Asks                   []string // the fields that somebody types in
}

var (
	formMark   = regexp.MustCompile(`(?s)<form([^>]*)>(.*?)</form>`)
	inputMark  = regexp.MustCompile(`(?s)<input[^>]*>`)
	selectMark = regexp.MustCompile(`(?s)<select[^>]*\sname="([^"]*)".*?<option value="([^"]*)" selected`)
	buttonMark = regexp.MustCompile(`(?s)<button((?:\s[^>]*)?)>(.*?)</button>`)
	linkMark   = regexp.MustCompile(`(?s)<a\s[^>]*?href="([^"]*)"[^>]*>(.*?)</a>`)
	attrMark   = regexp.MustCompile(`([a-z-]+)(?:="([^"]*)")?`)
	tagMark    = regexp.MustCompile(`(?s)<svg.*?</svg>|<[^>]*>`)
)

func attributes(tag string) map[string]string {
	all := map[string]string{}
	for _, m := range attrMark.FindAllStringSubmatch(strings.TrimPrefix(tag, "<input"), -1) {
		all[m[1]] = html.UnescapeString(m[2])
	}
	return all
}

// plain is the text of markup, as it is read.
func plain(markup string) string {
	return strings.Join(strings.Fields(html.UnescapeString(tagMark.ReplaceAllString(markup, " "))), " ")
}

// Forms are the forms of a page.
func (p *Page) Forms() (list []Form) {
	for _, m := range formMark.FindAllStringSubmatch(p.Body, -1) {
		head := attributes(m[1])
		f := Form{Action: head["action"], Method: strings.ToUpper(head["method"]), Fields: url.Values{}}
		for _, tag := range inputMark.FindAllString(m[2], -1) {
			in := attributes(tag)
			_, checked := in["checked"]
			switch in["type"] {
			case "hidden":
				f.Fields.Set(in["name"], in["value"])
			case "checkbox", "radio":
				f.Asks = append(f.Asks, in["name"])
				if checked {
					f.Fields.Set(in["name"], in["value"])
				}
			default:
				f.Asks = append(f.Asks, in["name"])
				f.Fields.Set(in["name"], in["value"])
			}
		}
		for _, s := range selectMark.FindAllStringSubmatch(m[2], -1) {
			f.Fields.Set(s[1], s[2])
		}
		for _, b := range buttonMark.FindAllStringSubmatch(m[2], -1) {
			if !strings.Contains(b[1], `type="button"`) {
				f.Button = plain(b[2])
			}
		}
		if f.Button != "" && f.Method == "POST" {
			list = append(list, f)
		}
	}
	return list
}

// Form finds the form that a button sends.
func (p *Page) Form(button string) (Form, bool) {
	for _, f := range p.Forms() {
		if f.Button == button {
			return f, true
		}
	}
	return Form{}, false
}

// Links are the words of a page's links, with where they lead.
func (p *Page) Links() (words, to []string) {
	_, body, _ := strings.Cut(p.Body, "<main")
	for _, m := range linkMark.FindAllStringSubmatch(body, -1) {
		at := html.UnescapeString(m[1])
		if strings.HasPrefix(at, "/") && plain(m[2]) != "" {
			words, to = append(words, plain(m[2])), append(to, at)
		}
	}
	return words, to
}

// Link finds the first link with these words, or that begins with them.
func (p *Page) Link(words string) string {
	all, to := p.Links()
	at := slices.Index(all, words)
	if at < 0 {
		at = slices.IndexFunc(all, func(w string) bool { return strings.HasPrefix(w, words) })
	}
	if at < 0 {
		return ""
	}
	return to[at]
}

// Name is the name of a page.
func (p *Page) Name() string { return pageName(p.Body) }

func pageName(body string) string {
	_, rest, ok := strings.Cut(body, `data-page="`)
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, `"`)
	return name
}

var savedMark = regexp.MustCompile(`<code>([0-9A-Z-]{19})</code>`)

// Saved are the recovery codes on a page.
func Saved(body string) (codes []string) {
	_, list, ok := strings.Cut(body, `id="recovery-codes"`)
	if !ok {
		return nil
	}
	list, _, _ = strings.Cut(list, "</ol>")
	for _, m := range savedMark.FindAllStringSubmatch(list, -1) {
		codes = append(codes, m[1])
	}
	return codes
}

var whoMark = regexp.MustCompile(`(?s)<div class="who"><span[^>]*>([^<]*)</span>`)

// Who is the name that a page greets.
func Who(body string) string {
	if m := whoMark.FindStringSubmatch(body); m != nil {
		return html.UnescapeString(m[1])
	}
	return ""
}

// Level is the level of the session that a security page shows.
func Level(body string) int {
	if strings.Contains(body, `id="apps"`) {
		return 2
	}
	return 1
}
