// Package blank is requests in which a message is still missing: an address,
// headers and a body with blanks, as the settings of an http gateway have them. It
// knows no provider and sends nothing. What could be filled in once, when the
// settings were read, can be filled in always; and a value that nobody made safe
// for its place is a fault of the settings, never a request that says something else.
package blank

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"text/template"
	"text/template/parse"
)

// Source is what blanks are filled with besides the message. It shows no secret
// however it is printed, and neither does what is made of it.
type Source struct {
	Sender string
	Secret func(name string) (secret string, ok bool)
}

// Text is a text with blanks. Of the language of text/template it has values and
// a few functions alone.
type Text struct{ parsed *template.Template }

// filling is what a blank may name.
type filling struct{ To, Text, ID, Sender string }

// sample has in it what is awkward in JSON, in forms and in headers.
func (s Source) sample() filling {
	return filling{To: "+12025550143", Text: "123456 is \"your\" code & more: 100 %+1\n\n@login.example.org #123456", ID: "SAMPLE", Sender: s.Sender}
}

const form = `a blank is {{.To}}, {{.Text}}, {{.ID}}, {{.Sender}} or {{secret "name"}}, through json, form, path, base64 or digits`

func (s Source) functions() template.FuncMap {
	return template.FuncMap{
		"secret": func(name string) (string, error) {
			secret, ok := s.Secret(name)
			if !ok {
				return "", errors.New("there is none of that name")
			}
			return secret, nil
		},
		"json": quoted,
		"form": url.QueryEscape,
		"path": url.PathEscape,
		"base64": func(parts ...string) string {
			return base64.StdEncoding.EncodeToString([]byte(strings.Join(parts, "")))
		},
		"digits": digits,
	}
}

// quoted is a text as JSON.
func quoted(text string) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(text)
	return strings.TrimSuffix(b.String(), "\n"), err
}

func digits(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}

// ending is the function that has to come last in a blank, by the text before it;
// "" asks for none.
type ending func(before string) string

func always(name string) ending { return func(string) string { return name } }

// read reads a text and fills it in once, with a sample.
func (s Source) read(text string, must ending) (t *Text, filled, problem, hint string) {
	known := s.functions()
	parsed, err := template.New("").Funcs(known).Parse(text)
	if err != nil {
		return nil, "", "cannot be read: " + plain(err), form
	}
	if len(parsed.Templates()) > 1 {
		return nil, "", "defines another template", form
	}
	look := looker{source: s, known: known}
	before := ""
	for _, node := range parsed.Root.Nodes {
		switch n := node.(type) {
		case *parse.TextNode:
			before += string(n.Text)
		case *parse.ActionNode:
			problem, hint = look.blank(n, must(before))
		default:
			problem = "holds a command, and blanks are values"
		}
		if problem != "" {
			return nil, "", problem, cmp.Or(hint, form)
		}
	}
	t = &Text{parsed}
	if filled, err = t.fill(s.sample()); err != nil {
		return nil, "", "cannot be filled in: " + plain(err), form
	}
	return t, filled, "", ""
}

func (t *Text) fill(with filling) (string, error) {
	var out strings.Builder
	err := t.parsed.Execute(&out, with)
	return out.String(), err
}

var beginning = regexp.MustCompile(`^template: [^:]*:[0-9]+(:[0-9]+)?: (executing "[^"]*" at )?`)

// plain is an error of text/template without its beginning, which names nothing
// that the reader knows.
func plain(err error) string { return beginning.ReplaceAllString(err.Error(), "") }

// looker looks through the blanks of a text for what they may not hold.
type looker struct {
	source Source
	known  template.FuncMap
}

func (l looker) blank(n *parse.ActionNode, must string) (problem, hint string) {
	if problem, hint = l.pipe(n.Pipe); problem != "" || must == "" {
		return problem, hint
	}
	last := n.Pipe.Cmds[len(n.Pipe.Cmds)-1].Args[0]
	if name, ok := last.(*parse.IdentifierNode); ok && (name.Ident == must || name.Ident == "digits") {
		return "", ""
	}
	return fmt.Sprintf("%s does not end in %s", n, must), fmt.Sprintf("%s makes a value safe there, as {{%s .Text}}", must, must)
}

func (l looker) pipe(p *parse.PipeNode) (problem, hint string) {
	if len(p.Decl) > 0 {
		return "sets a variable", ""
	}
	for _, c := range p.Cmds {
		for i, arg := range c.Args {
			switch a := arg.(type) {
			case *parse.StringNode:
			case *parse.PipeNode:
				problem, hint = l.pipe(a)
			case *parse.FieldNode:
				problem, hint = l.value(a.String())
			case *parse.IdentifierNode:
				problem, hint = l.function(a.Ident, c, i)
			default:
				problem = fmt.Sprintf("holds %s, which is no value", arg)
			}
			if problem != "" {
				return problem, hint
			}
		}
	}
	return "", ""
}

func (l looker) value(name string) (problem, hint string) {
	switch name {
	case ".To", ".Text", ".ID":
	case ".Sender":
		if l.source.Sender == "" {
			return "names {{.Sender}}, and brand.sms_sender is not given", "give it, or write the sender here"
		}
	default:
		return "names " + name + ", which there is not", ""
	}
	return "", ""
}

// function looks at a call: text/template has functions of its own, and a secret
// has to be one that is there.
func (l looker) function(name string, c *parse.CommandNode, at int) (problem, hint string) {
	if l.known[name] == nil || at > 0 {
		return "calls " + name + ", which is no function here", ""
	}
	if name != "secret" {
		return "", ""
	}
	if len(c.Args) == 2 {
		if s, ok := c.Args[1].(*parse.StringNode); ok {
			if _, ok := l.source.Secret(s.Text); !ok {
				return "names the secret " + s.Quoted + ", which is not among secrets", "add it there, with its file"
			}
			return "", ""
		}
	}
	return "calls secret without one name in quotes", ""
}
