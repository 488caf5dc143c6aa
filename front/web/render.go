package web

import (
	"bytes"
	"fmt"
	"html"
	"html/template"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/unicode/bidi"

	"sallyport/core/fault"
	"sallyport/core/words"
)

// Parse takes the pages of a front: each file is one page and defines the block
// "main", which stands in the layout. A page is read when it is first asked for:
// all of them are a third of the start, and most are never asked for. That none is
// broken is what the tests of the front see to, for the pages are in the program.
func Parse(s *Site, pages fs.FS) error {
	names, err := fs.Glob(pages, "*.html")
	if err != nil {
		return err
	}
	for _, file := range names {
		s.pages[strings.TrimSuffix(path.Base(file), ".html")] = sync.OnceValues(func() (*template.Template, error) {
			page, err := template.New("layout.html").Funcs(s.funcs()).ParseFS(files, "layout.html")
			if err != nil {
				return nil, fmt.Errorf("parse the layout: %w", err)
			}
			if page, err = page.ParseFS(pages, file); err != nil {
				return nil, fmt.Errorf("parse page: %w", err)
			}
			return page, nil
		})
	}
	return nil
}

// Render writes the page of a view. Nothing is written when it fails, so that
// an error page can still take its place.
func (s *Site) Render(w io.Writer, view any) error {
	v, ok := view.(View)
	if !ok {
		return fmt.Errorf("render %T: it is not a view", view)
	}
	read := s.pages[v.Template()]
	if read == nil {
		return fmt.Errorf("render %T: there is no page %q", view, v.Template())
	}
	page, err := read()
	if err != nil {
		return err
	}
	v.Base()
	var b bytes.Buffer
	if err := page.ExecuteTemplate(&b, "layout.html", v); err != nil {
		return fmt.Errorf("render %s: %w", v.Template(), err)
	}
	_, err = b.WriteTo(w)
	return err
}

// funcs is what templates can call.
func (s *Site) funcs() template.FuncMap {
	return template.FuncMap{
		"site":   func() *Site { return s },
		"t":      s.Say,
		"tn":     s.SayCount,
		"plain":  s.Plain,
		"help":   s.HelpHTML,
		"url":    safeURL,
		"title":  s.title,
		"h1":     func(f *Frame) template.HTML { return s.Say(f.Heading, f.Gaps...) },
		"say":    func(key string, args []any) template.HTML { return s.Say(key, args...) },
		"bold":   func(v string) template.HTML { return template.HTML("<b>" + template.HTMLEscapeString(v) + "</b>") },
		"code":   code,
		"tick":   s.tick,
		"ltr":    func(v any) template.HTML { return s.value("", LTR(fmt.Sprint(v))) },
		"date":   func(t time.Time) template.HTML { return s.moment("date", t) },
		"day":    func(t time.Time) template.HTML { return s.moment("day", t) },
		"clock":  func(t time.Time) template.HTML { return s.moment("time", t) },
		"when":   func(t time.Time) template.HTML { return s.moment("when", t) },
		"hour":   func(t time.Time) template.HTML { return s.moment("hour", t) },
		"exact":  func(t time.Time) template.HTML { return s.moment("exact", t) },
		"recent": s.recent,
		"ago":    s.ago,
		"used":   s.used,
		"unlink": unlink,
		"by":     by,
		"icon":   icon,
	}
}

// LTR is text that reads from left to right on every page: a number or a code.
type LTR string

// Say returns the words of a key as HTML; args alternate the name of a gap and
// its value. Values are escaped, except template.HTML. A time is written in the
// way that its gap is named: {date}, {day}, {month-day}, {time} or {when}.
func (s *Site) Say(key string, args ...any) template.HTML {
	pattern, ok := words.Pattern(key)
	if !ok {
		return template.HTML("!" + template.HTMLEscapeString(key) + "!")
	}
	pattern = template.HTMLEscapeString(pattern)
	// Escaping turns a straight apostrophe into a reference, which is right in
	// HTML and hard to read in a test or a screen recording.
	pattern = strings.ReplaceAll(pattern, "&#39;", "'")
	return template.HTML(words.Fill(pattern, func(gap string) (string, bool) {
		for i := 0; i+1 < len(args); i += 2 {
			if args[i] == gap {
				return string(s.value(gap, args[i+1])), true
			}
		}
		switch gap {
		case "Portal":
			return template.HTMLEscapeString(s.Name), true
		case "app-name":
			return template.HTMLEscapeString(s.AppName), true
		case "help":
			return string(s.HelpHTML()), true
		case "host":
			return string(s.value(gap, LTR(s.Host))), true
		}
		return "", false
	}))
}

// SayCount is Say for one and for many: it adds `.one` to the key where n is 1,
// and fills {n}.
func (s *Site) SayCount(key string, n int, args ...any) template.HTML {
	if n == 1 {
		key += ".one"
	}
	return s.Say(key, append([]any{"n", n}, args...)...)
}

// Plain returns the words of a key without markup, for titles and attributes.
func (s *Site) Plain(key string, args ...any) string { return unmark(s.Say(key, args...)) }

// Notice makes a notice of the words of a key.
func (s *Site) Notice(kind, key string, args ...any) Notice {
	return Notice{Kind: kind, Text: s.Say(key, args...)}
}

// Problem turns a fault into words, with the tries left where they are few.
func (s *Site) Problem(f *fault.Fault) Problem {
	args := f.Args
	if f.Wait > 0 {
		args = append(args[:len(args):len(args)], "wait", f.Wait)
	}
	p := Problem{Field: f.Field, Text: s.Say(f.Word, args...)}
	switch {
	case f.Left == 1:
		p.Text += " " + s.Say("try-left")
	case f.Left > 1:
		p.Text += " " + s.Say("tries-left", "n", f.Left)
	}
	return p
}

// value is what stands in a gap.
func (s *Site) value(gap string, v any) template.HTML {
	switch v := v.(type) {
	case template.HTML:
		return v
	case LTR:
		return template.HTML(`<bdi dir="ltr">` + template.HTMLEscapeString(string(v)) + `</bdi>`)
	case time.Time:
		return s.moment(gap, v)
	case time.Duration:
		return template.HTML(Duration(v))
	}
	text := template.HTMLEscapeString(fmt.Sprint(v))
	if strings.ContainsFunc(text, turns) {
		text = "<bdi>" + text + "</bdi>"
	}
	return template.HTML(text)
}

// turns says whether a character can change the direction of what stands beside it.
func turns(r rune) bool {
	p, _ := bidi.LookupRune(r)
	return p.Class() == bidi.R || p.Class() == bidi.AL || p.Class() == bidi.Control
}

// forms are the ways of writing a time, by the name of the gap. The script
// leaves "hour" alone: it stands on pages that say which zone they are in.
var forms = map[string]string{
	"date":      "2 January 2006",
	"day":       "2 Jan 2006",
	"month-day": "2 January",
	"short-day": "2 Jan",
	"time":      "15:04 MST",
	"when":      "2 Jan 15:04 MST",
	"exact":     "15:04:05 MST",
	"hour":      "15:04",
}

// moment writes a time in the portal's zone and names it; the script writes it
// again in the zone of the person.
func (s *Site) moment(form string, t time.Time) template.HTML {
	layout, ok := forms[form]
	if !ok {
		form, layout = "when", forms["when"]
	}
	t = t.In(s.TimeZone)
	return template.HTML(fmt.Sprintf(`<time datetime="%s" data-form="%s">%s</time>`,
		t.UTC().Format(time.RFC3339), form, template.HTMLEscapeString(t.Format(layout))))
}

// Day is the beginning of a moment's day in the portal's zone.
func (s *Site) Day(t time.Time) time.Time {
	y, m, d := t.In(s.TimeZone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, s.TimeZone)
}

// days says how many midnights lie between t and now in the portal's zone.
func (s *Site) days(now, t time.Time) int {
	midnight := func(t time.Time) time.Time {
		y, m, d := t.In(s.TimeZone).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int(midnight(now).Sub(midnight(t)).Hours() / 24)
}

// recent writes a past time for a list: today by the clock, else with the day.
func (s *Site) recent(now, t time.Time) template.HTML {
	key, form := "time.day", "short-day"
	if s.days(now, t) == 0 {
		key = "time.today"
	}
	// One element around both parts, so that the script can change both.
	t = t.In(s.TimeZone)
	text := s.Plain(key, "day", t.Format(forms[form]), "time", t.Format(forms["hour"]))
	return template.HTML(fmt.Sprintf(`<time datetime="%s" data-form="recent">%s</time>`,
		t.UTC().Format(time.RFC3339), template.HTMLEscapeString(text)))
}

// ago says how long ago somebody was active.
func (s *Site) ago(now, t time.Time) template.HTML {
	past := now.Sub(t)
	switch {
	case past < 5*time.Minute:
		return s.Say("active.now")
	case past < time.Hour:
		return s.Say("active.ago", "length", past.Truncate(time.Minute))
	case past < 12*time.Hour:
		// Two hours and a half are "2 hours ago": past times are rounded down.
		return s.Say("active.ago", "length", past.Truncate(time.Hour))
	case s.days(now, t) == 1:
		return s.Say("active.yesterday")
	}
	return s.Say("active.day", "day", t)
}

// used says on which day something was used last.
func (s *Site) used(now, t time.Time) template.HTML {
	switch {
	case t.IsZero():
		return s.Say("used.never")
	case s.days(now, t) == 0:
		return s.Say("used.today")
	case s.days(now, t) == 1:
		return s.Say("used.yesterday")
	}
	return s.Say("used.day", "day", t)
}

// Duration says a length of time in words: seconds under 90 of them, then whole
// minutes and hours, rounded up, so that nobody is sent back too early.
func Duration(d time.Duration) string {
	up := func(unit time.Duration) int { return int((d + unit - 1) / unit) }
	unit, n := "second", max(up(time.Second), 1)
	switch {
	case n < 90:
	case up(time.Minute) <= 90:
		unit, n = "minute", up(time.Minute)
	default:
		unit, n = "hour", up(time.Hour)
	}
	if n == 1 {
		return words.Text("duration." + unit)
	}
	return words.Text("duration."+unit+"s", "n", n)
}

// tick is an empty place where the script counts minutes or hours down, with
// the words for it. Nobody hears it: the element named by tell says the end.
func (s *Site) tick(seconds int, key, end, tell string) template.HTML {
	var b strings.Builder
	fmt.Fprintf(&b, `<span aria-hidden="true" data-slow="yes" data-countdown="%d" data-tell="%s"`, seconds, tell)
	attribute := func(name, key string) {
		fmt.Fprintf(&b, ` data-%s="%s"`, name, template.HTMLEscapeString(s.Plain(key)))
	}
	attribute("tick", key)
	attribute("end", end)
	for _, unit := range []string{"second", "seconds", "minute", "minutes", "hour", "hours"} {
		attribute(unit, "duration."+unit)
	}
	return template.HTML(b.String() + "></span>")
}

// title is what the tab says: the heading, the step, the name of the portal.
func (s *Site) title(f *Frame) string {
	title := s.Plain(f.Heading, f.Gaps...)
	if f.StepLine != "" {
		title += " – " + s.Plain(f.StepLine)
	}
	title += " – " + s.Name
	if len(f.Problems) > 0 {
		title = s.Plain("page.error-title", "title", title)
	}
	return title
}

var (
	anyMark = regexp.MustCompile(`<[^>]*>`)
	aMark   = regexp.MustCompile(`</?a\b[^>]*>`)
)

// unmark takes the markup out of words, for where only text may stand.
func unmark(h template.HTML) string {
	return html.UnescapeString(anyMark.ReplaceAllString(string(h), ""))
}

// unlink takes the links out of words that stand inside a link themselves.
func unlink(h template.HTML) template.HTML {
	return template.HTML(aMark.ReplaceAllString(string(h), ""))
}

// Field is one field of a form, as the parts of the layout draw it.
type Field struct {
	*Frame
	ID    string
	Label string // keys
	Hint  string
	Args  map[string]any
}

// by makes a field for the parts of the layout: id, keys of label and hint,
// then names and values of what else the part asks.
func by(f *Frame, id, label, hint string, more ...any) (Field, error) {
	field := Field{Frame: f, ID: id, Label: label, Hint: hint, Args: map[string]any{}}
	for i := 0; i+1 < len(more); i += 2 {
		name, ok := more[i].(string)
		if !ok {
			return field, fmt.Errorf("field %s: %v is no name", id, more[i])
		}
		field.Args[name] = more[i+1]
	}
	return field, nil
}

// Wrong returns the words of what is wrong with the field.
func (f Field) Wrong() template.HTML { return f.Problem(f.ID) }

// Invalid says whether the field is marked as wrong: it is so itself, or
// shares the fate of another.
func (f Field) Invalid() bool { return f.Wrong() != "" || f.Args["shares"] != nil }

// Described lists the ids of what describes the field, for aria-describedby.
func (f Field) Described() string {
	var ids []string
	if id, ok := f.Args["described"].(string); ok {
		ids = append(ids, id)
	}
	if f.Hint != "" {
		ids = append(ids, f.ID+"-hint")
	}
	if f.Wrong() != "" {
		ids = append(ids, f.ID+"-err")
	}
	if other, ok := f.Args["shares"].(string); ok && f.Wrong() == "" {
		ids = append(ids, other+"-err")
	}
	return strings.Join(ids, " ")
}

// code is a code that somebody reads or copies.
func code(v string) template.HTML {
	return template.HTML(`<bdi dir="ltr"><code>` + template.HTMLEscapeString(v) + `</code></bdi>`)
}

// paths draw the icons, in the colour of the text around them.
var paths = map[string]string{
	"error":   "M10 0a10 10 0 1 0 0 20 10 10 0 0 0 0-20ZM9 4.5V12h2V4.5Zm0 9v2h2v-2Z",
	"info":    "M10 0a10 10 0 1 0 0 20 10 10 0 0 0 0-20ZM9 4.5v2h2v-2Zm0 4v7h2v-7Z",
	"done":    "M10 0a10 10 0 1 0 0 20 10 10 0 0 0 0-20ZM4.6 10.4l1.6-1.6 2.6 2.6 5-5.2 1.6 1.6-6.6 6.8Z",
	"warning": "M10 .8a1.2 1.2 0 0 1 1 .6l8.8 15.8a1.2 1.2 0 0 1-1 1.8H1.2a1.2 1.2 0 0 1-1-1.8L9 1.4a1.2 1.2 0 0 1 1-.6ZM9 7v6h2V7Zm0 7.5v2h2v-2Z",
}

// icon draws an icon; words beside it always say the same.
func icon(name string) template.HTML {
	return template.HTML(`<svg class="icon" viewBox="0 0 20 20" aria-hidden="true"><path fill-rule="evenodd" d="` + paths[name] + `"/></svg>`)
}
