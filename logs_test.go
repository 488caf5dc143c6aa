package sallyport

import (
	"go/ast"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// logged are the calls that write a line: by the method's name, its level.
var logged = map[string]string{"Debug": "debug", "Info": "info", "Warn": "warn", "Error": "error"}

// strangers are what a request says of itself: no line holds it.
var strangers = []string{"URL", "RequestURI", "RemoteAddr", "Header", "Form", "PostForm", "PathValue", "PostFormValue", "FormValue", "Cookie", "Cookies", "UserAgent", "Referer"}

// Every line of the log is explained where operators look, and nothing is
// explained that is never written.
func TestEveryLogLineIsExplained(t *testing.T) {
	written := map[string]bool{}
	for name, r := range house(t) {
		if tests[name] != "" || outside[name] != "" {
			continue
		}
		for _, file := range r.files {
			ast.Inspect(file, func(n ast.Node) bool {
				call, level := logCall(n)
				if level == "" {
					return true
				}
				lit, ok := call.Args[0].(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING {
					t.Errorf("%s: the message is made of something: say it in words, and put the rest beside it", fileSet.Position(call.Pos()))
					return true
				}
				message, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				written[level+" "+message] = true
				ast.Inspect(call, func(n ast.Node) bool {
					if s, ok := n.(*ast.SelectorExpr); ok && slices.Contains(strangers, s.Sel.Name) {
						t.Errorf("%s: %s goes into the log", fileSet.Position(s.Pos()), s.Sel.Name)
					}
					return true
				})
				return true
			})
		}
	}
	page, err := os.ReadFile("docs/operate/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	explained := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| (debug|info|warn|error) \\| `([^`]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		explained[row[1]+" "+row[2]] = true
	}
	for line := range written {
		if !explained[line] {
			t.Errorf("docs/operate/metrics.md does not explain %q", line)
		}
	}
	for line := range explained {
		if !written[line] {
			t.Errorf("docs/operate/metrics.md explains %q, which is never written", line)
		}
	}
	if len(written) < 10 {
		t.Errorf("only %d lines were found: this test is blind", len(written))
	}
}

// logCall is a call of a method of a logger, and its level; else "".
func logCall(n ast.Node) (*ast.CallExpr, string) {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return nil, ""
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return nil, ""
	}
	logger := ""
	switch x := method.X.(type) {
	case *ast.Ident:
		logger = x.Name
	case *ast.SelectorExpr:
		logger = x.Sel.Name
	}
	if !slices.Contains([]string{"log", "slog", "logger"}, strings.ToLower(logger)) {
		return nil, ""
	}
	return call, logged[strings.TrimSuffix(method.Sel.Name, "Context")]
}
