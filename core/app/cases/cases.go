// Package cases is the table of what Judge answers: people, what they have shown,
// apps and places. It is for tests alone: every door is held to it, so that all give
// the same answer.
package cases

import (
	_ "embed"
	"fmt"
	"strings"
	"time"

	"sallyport/core/app"
	"sallyport/core/session"
)

//go:embed cases.txt
var text string

// Table is the whole table.
type Table struct {
	Apps  map[string]*app.App // each at https:// its id and .example.org
	Cases []Case
}

// Case is one line.
type Case struct {
	Line   int
	App    *app.App
	Person string // or "" of a stranger
	Groups []string
	Level  session.Level // or 0
	Age    time.Duration // since both factors were shown
	Place  app.Place     // the zero Place is the app as a whole
	Answer string
	Rule   int
}

// String names a case in what a test says.
func (c Case) String() string {
	return fmt.Sprintf("line %d: %s of %q, level %d %s ago, %s %s", c.Line, c.App.ID, c.Person, c.Level, c.Age, c.Place.Method, c.Place.URI)
}

// Session is what the person of a case has shown by now; none of a stranger.
func (c Case) Session(now time.Time) session.Session {
	if c.Level == 0 {
		return session.Session{}
	}
	return session.Stored(session.Row{ID: strings.Repeat("0d", 32), Family: "family", Person: c.Person, Level: c.Level, MadeAt: now.Add(-c.Age), SeenAt: now, EndsAt: now.Add(time.Hour), ConfirmedAt: now.Add(-c.Age)})
}

// Read reads the table.
func Read() (t Table, err error) {
	t.Apps = map[string]*app.App{}
	people := map[string][]string{}
	var last *app.App
	n := 0
	for line := range strings.Lines(text) {
		n++
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
		case words[0] == "app":
			var r app.Rule
			r, err = app.ParseRule(strings.Join(words[2:], " "))
			last = &app.App{ID: words[1], Name: words[1], Addresses: []string{"https://" + words[1] + ".example.org"}, Access: r.Access}
			t.Apps[last.ID] = last
		case words[0] == "rule":
			var r app.Rule
			r, err = app.ParseRule(strings.Join(words[1:], " "))
			last.Rules = append(last.Rules, r)
		case words[0] == "person":
			people[words[1]] = strings.FieldsFunc(strings.Join(words[2:], ""), func(c rune) bool { return c == ',' })
		default:
			err = t.add(n, words, people)
		}
		if err != nil {
			return t, fmt.Errorf("line %d: %w", n, err)
		}
	}
	return t, nil
}

func (t *Table) add(line int, words []string, people map[string][]string) (err error) {
	if len(words) != 7 {
		return fmt.Errorf("%d words", len(words))
	}
	c := Case{Line: line, App: t.Apps[words[0]], Answer: words[5]}
	groups, known := people[words[1]]
	if c.App == nil || !known {
		return fmt.Errorf("no app %s, or nobody named %s", words[0], words[1])
	}
	level, age, aged := strings.Cut(words[2], "/")
	switch level {
	case "nothing":
	case "one":
		c.Level = session.One
	case "two":
		c.Level = session.Two
	default:
		return fmt.Errorf("%s is nothing that can be shown", level)
	}
	if c.Level != 0 {
		c.Person, c.Groups = words[1], groups
	}
	if aged {
		if c.Age, err = time.ParseDuration(age); err != nil {
			return err
		}
	}
	if words[3] != "-" {
		c.Place = app.Place{Method: words[3], URI: words[4]}
	}
	if _, err = fmt.Sscan(words[6], &c.Rule); err == nil {
		t.Cases = append(t.Cases, c)
	}
	return err
}
