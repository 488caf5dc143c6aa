package config

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	maxFile   = 256 << 10 // bytes of a settings file
	maxTokens = 10_000    // the parser's time grows with their square: 52,000 keys took minutes
)

// refused are the parts of YAML that settings have no use for. Aliases and
// merges make a small file large; tags and directives change what a value is.
var refused = map[token.Type]string{
	token.AnchorType:     "an anchor (&)",
	token.AliasType:      "an alias (*)",
	token.MergeKeyType:   "a merge (<<)",
	token.TagType:        "a tag (!)",
	token.DirectiveType:  "a directive (%)",
	token.MappingKeyType: "a key with ?",
}

// tree parses a file into the node of its keys: nil when it says nothing.
func tree(text []byte) (root ast.Node, faults []Fault) {
	if fault := outside(text); fault != nil {
		return nil, []Fault{*fault}
	}
	text = lineEnds(bytes.TrimPrefix(text, []byte("\ufeff")))
	// The parser is not ours: whatever it trips over is a file that cannot be read.
	defer func() {
		if recover() != nil {
			root, faults = nil, []Fault{{Problem: "cannot be read as YAML"}}
		}
	}()
	tokens := lexer.Tokenize(string(text))
	if faults := vet(tokens); len(faults) > 0 {
		return nil, faults
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey()) // doubled keys are told by read
	if err != nil {
		return nil, []Fault{syntax(err)}
	}
	return body(file)
}

// outside looks at the text before anything parses it.
func outside(text []byte) *Fault {
	if len(text) > maxFile {
		return &Fault{Problem: fmt.Sprintf("is larger than %d KiB", maxFile>>10)}
	}
	for i, line := range bytes.Split(text, []byte("\n")) {
		if !utf8.Valid(line) {
			return &Fault{Line: i + 1, Problem: "is not valid UTF-8"}
		}
		if bytes.IndexByte(line, 0) >= 0 {
			return &Fault{Line: i + 1, Problem: "holds a NUL character"}
		}
	}
	return nil
}

// lineEnds makes every end of a line one character: the parser counts some of
// two as two lines.
func lineEnds(text []byte) []byte {
	return bytes.ReplaceAll(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
}

// vet looks at the tokens: what settings never need is refused before the
// parser resolves it.
func vet(tokens token.Tokens) []Fault {
	var faults []Fault
	count := 0
	for _, t := range tokens {
		if t.Type != token.CommentType {
			count++
		}
		if what, bad := refused[t.Type]; bad {
			faults = append(faults, Fault{Line: t.Position.Line, Problem: what + " is not allowed here",
				Hint: "write the value out, in quotes if it begins with that sign"})
		}
	}
	if count > maxTokens {
		return []Fault{{Problem: "holds too many values"}}
	}
	return faults
}

// syntax makes a fault of the parser's error, without its picture of the file:
// the lines around a fault may hold secrets.
func syntax(err error) Fault {
	fault := Fault{Problem: "cannot be read as YAML"}
	e, ok := err.(interface {
		GetToken() *token.Token
		GetMessage() string
	})
	if !ok {
		return fault
	}
	if t := e.GetToken(); t != nil && t.Position != nil {
		fault.Line = t.Position.Line
	}
	fault.Problem += ": " + e.GetMessage()
	fault.Hint = "look at the indentation and the quotes there and in the line before"
	return fault
}

// body is the one document of a file.
func body(file *ast.File) (ast.Node, []Fault) {
	var root ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if root != nil {
			return nil, []Fault{{Line: lineOf(doc.Body), Problem: "begins a second document",
				Hint: "leave out the lines of ---"}}
		}
		root = doc.Body
	}
	return root, nil
}

// lineOf is the line where a node begins.
func lineOf(n ast.Node) int {
	switch v := n.(type) {
	case *ast.MappingNode:
		if len(v.Values) > 0 && !v.IsFlowStyle {
			return lineOf(v.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return lineOf(v.Key)
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}
