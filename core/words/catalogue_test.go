package words

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

// sources are the program's own files of a kind, without tests.
func sources(t *testing.T, ending string, folders ...string) (paths []string) {
	t.Helper()
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(path, ending) && !strings.HasSuffix(path, "_test.go") {
				paths = append(paths, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(paths) == 0 {
		t.Fatalf("no %s files below %v", ending, folders)
	}
	return paths
}

// keysOf are the keys that stand in one file of the catalogue.
func keysOf(t *testing.T, file string) (keys []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("en", file))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if key, _, ok := strings.Cut(line, ": "); ok && line[0] != '#' {
			keys = append(keys, key)
		}
	}
	return keys
}

// calls reads the calls of pkg.name, and hands over each argument that says
// which words are meant.
func calls(t *testing.T, path, pkg, name string, argument int, found func(at token.Position, arg ast.Expr)) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) <= argument {
			return true
		}
		if s, ok := call.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == name {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == pkg {
				found(set.Position(call.Pos()), call.Args[argument])
			}
		}
		return true
	})
}

// byName are the keys that are made of parts at run time: the beginning as it
// stands in a call, and where its words come from.
var byName = map[string]string{
	"attempt.":    "front/portal turns each end of an attempt into a page (S19)",
	"session.":    "front/portal turns each end of a session into a page (S19)",
	"duration.":   "the unit follows",
	"activity.":   "an event follows; front/portal draws each of them as a sample",
	"mail.":       "a kind of mail follows; core/message tests each",
	"key":         "a part of a mail follows; core/message tests each",
	"text-state.": "a state of a text follows; core/message tests each",
	"operators.":  "a kind of mail to operators follows; core/message tests each",
	"countryWord": "a region follows; core/phone tests that each has a name",
}

// beginning is the first part of a sum: a text, or the name of one.
func beginning(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BinaryExpr:
		return beginning(e.X)
	case *ast.BasicLit:
		text, _ := strconv.Unquote(e.Value)
		return text
	case *ast.Ident:
		return e.Name
	}
	return ""
}

func TestEveryWordThatIsSaidStandsInTheCatalogue(t *testing.T) {
	said := 0
	for _, path := range sources(t, ".go", "core", "front") {
		check := func(at token.Position, arg ast.Expr) {
			said++
			if sum, ok := arg.(*ast.BinaryExpr); ok {
				if begin := beginning(sum); byName[begin] == "" {
					t.Errorf("%s: words that begin with %q and go on in a way that nobody checks", at, begin)
				}
				return
			}
			lit, ok := arg.(*ast.BasicLit)
			if !ok {
				return // a name: its value stands as a text elsewhere, see the next test
			}
			if key, _ := strconv.Unquote(lit.Value); catalogue[key] == "" {
				t.Errorf("%s: %q has no words", at, key)
			}
		}
		calls(t, path, "fault", "New", 1, check)
		calls(t, path, "words", "Text", 0, check)
		calls(t, path, "words", "Pattern", 0, check)
	}
	if said < 80 {
		t.Errorf("%d words are said in all: the reader of sources is blind", said)
	}
}

var quoted = regexp.MustCompile(`"([a-z0-9]+[a-z0-9.-]*)"`)

// Every error, text message and length of time is said somewhere.
func TestNoErrorIsDeadWeight(t *testing.T) {
	texts := map[string]bool{}
	for _, ending := range []string{".go", ".html"} {
		for _, path := range sources(t, ending, "core", "front", "server", "cmd") {
			if strings.HasPrefix(filepath.Base(path), "samples") {
				continue // pages with sample data say everything
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range quoted.FindAllStringSubmatch(string(text), -1) {
				texts[match[1]] = true
			}
		}
	}
	for _, key := range keysOf(t, "errors.txt") {
		if !texts[key] && !strings.HasPrefix(key, "duration.") && laterWords[key] == "" {
			t.Errorf("nobody says %q", key)
		}
		if texts[key] && laterWords[key] != "" {
			t.Errorf("%q is said now: take it out of laterWords", key)
		}
	}
}

// laterWords wait for what says them.
var laterWords = map[string]string{
	"phone.opted-out": "the first gateway that tells who has sent STOP",
}

// Words that no page says (ux.md 2.6, 2.7).
var unwelcome = regexp.MustCompile(`(?i)\b(please|sorry|oops|invalid|forbidden|can't|don't|won't|otp|totp|pin|token|verification code|passcode|log ?in)\b`)

var word = regexp.MustCompile(`[\pL\pN']+`)

func TestTheCatalogueSpeaksPlainly(t *testing.T) {
	for _, key := range Keys() {
		text, _ := Pattern(key)
		plain := Fill(text, func(string) (string, bool) { return "x", true })
		if bad := unwelcome.FindString(plain); bad != "" {
			t.Errorf("%s says %q: %s", key, bad, text)
		}
		if strings.TrimSpace(text) == "" || strings.Contains(text, "  ") || strings.HasSuffix(text, " ") {
			t.Errorf("%s: spaces in %q", key, text)
		}
		if strings.Count(text, "{") != strings.Count(text, "}") {
			t.Errorf("%s: braces in %q", key, text)
		}
		for _, sentence := range strings.FieldsFunc(plain, func(r rune) bool { return strings.ContainsRune(".,:;\n()", r) }) {
			twice(t, key, sentence)
		}
	}
}

// twice finds a word that stands twice in a row.
func twice(t *testing.T, key, sentence string) {
	t.Helper()
	last := ""
	for _, w := range word.FindAllString(strings.ToLower(sentence), -1) {
		if w == last && w != "x" {
			t.Errorf("%s: %q stands twice in %q", key, w, sentence)
		}
		last = w
	}
}

func TestGapsAreListedInOrder(t *testing.T) {
	for pattern, want := range map[string]string{"": "", "plain": "", "{a} and {b-c}, {a}": "a b-c a", "open { brace": "", "{}": ""} {
		if got := strings.Join(Gaps(pattern), " "); got != want {
			t.Errorf("%q: %q", pattern, got)
		}
	}
}
