package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// place is where a key was given: a line of the file, or a variable.
type place struct {
	line     int
	variable string
}

// reader fills a configuration and gathers what is wrong on the way.
type reader struct {
	config *Config
	faults []Fault
	bad    map[string]bool // keys whose value could not be read, so that no check adds to it
}

// fault notes a fault that leaves the key without its value.
func (r *reader) fault(key string, at place, problem, hint string) {
	r.note(key, at, problem, hint)
	r.bad[key] = true
}

// note notes a fault; the key has a value, which is checked like any other.
func (r *reader) note(key string, at place, problem, hint string) {
	r.faults = append(r.faults, Fault{Line: at.line, Key: key, Variable: at.variable, Problem: problem, Hint: hint})
}

// file reads the tree of the file.
func (r *reader) file(root ast.Node) {
	v := reflect.ValueOf(r.config).Elem()
	switch n := root.(type) {
	case nil, *ast.NullNode:
	case *ast.MappingNode, *ast.MappingValueNode:
		r.mapping(n, v, "")
	default:
		r.fault("", place{line: lineOf(n)}, "the file does not hold keys", "begin it with url: https://…")
	}
}

// mapping reads keys into a struct; section is the name they begin with.
func (r *reader) mapping(n ast.Node, v reflect.Value, section string) {
	seen := map[string]int{}
	for _, pair := range pairs(n) {
		at := place{line: lineOf(pair.Key)}
		last := pair.Key.GetToken().Value
		name := last
		if section != "" {
			name = section + "." + last
		}
		target, known := field(v, last)
		switch first, doubled := seen[last]; {
		case !known:
			r.unknown(name, at)
		case doubled:
			r.note(name, at, fmt.Sprintf("is given twice, first in line %d", first), "")
		default:
			seen[last] = at.line
			r.value(pair.Value, target, name, at)
		}
	}
}

// pairs are the keys of a mapping with their values.
func pairs(n ast.Node) []*ast.MappingValueNode {
	switch v := n.(type) {
	case *ast.MappingNode:
		return v.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{v}
	}
	return nil
}

func (r *reader) unknown(name string, at place) {
	hint := ""
	if near := nearest(name); near != "" {
		hint = "did you mean " + near + "?"
	}
	if len(name) > 100 {
		name = name[:100]
	}
	r.fault(strings.ToValidUTF8(name, ""), at, "there is no such key", hint)
}

// value reads what stands behind a key.
func (r *reader) value(n ast.Node, v reflect.Value, name string, at place) {
	_, null := n.(*ast.NullNode)
	switch v.Kind() {
	case reflect.Struct:
		if null || n == nil {
			return // a section whose keys are all comments
		}
		if pairs(n) == nil && n.Type() != ast.MappingType {
			r.fault(name, at, "wants "+want(v.Type()), "")
			return
		}
		r.mapping(n, v, name)
	case reflect.Slice:
		if null || n == nil {
			return
		}
		r.list(n, v, name, at)
	default:
		r.scalar(n, v, name, at)
	}
}

// list reads the items of a list.
func (r *reader) list(n ast.Node, v reflect.Value, name string, at place) {
	sequence, ok := n.(*ast.SequenceNode)
	if !ok {
		r.fault(name, at, "wants "+want(v.Type()), "write each item on a line of its own, after a hyphen")
		return
	}
	r.took(name, at)
	items := reflect.MakeSlice(v.Type(), len(sequence.Values), len(sequence.Values))
	for i, item := range sequence.Values {
		itemName, itemAt := fmt.Sprintf("%s[%d]", name, i), at
		if item != nil && lineOf(item) > 0 {
			itemAt = place{line: lineOf(item)}
		}
		r.config.places[itemName] = itemAt
		if _, null := item.(*ast.NullNode); null || item == nil {
			r.fault(itemName, itemAt, "has no value", "")
			continue
		}
		r.value(item, items.Index(i), itemName, itemAt)
	}
	v.Set(items)
}

// scalar reads one value.
func (r *reader) scalar(n ast.Node, v reflect.Value, name string, at place) {
	text, quoted, ok := scalarText(n)
	switch {
	case n == nil || n.Type() == ast.NullType:
		r.fault(name, at, "has no value", "take the line out; a value that begins with # needs quotes")
		return
	case !ok:
		hint := ""
		if pairs(n) != nil {
			hint = "a text with a colon in it needs quotes"
		}
		r.fault(name, at, "wants "+want(v.Type()), hint)
		return
	case quoted && (v.Kind() == reflect.Bool || v.Kind() == reflect.Int):
		r.fault(name, at, "wants "+want(v.Type())+", not a text", "take the quotes away")
		return
	}
	r.give(v, text, name, at)
}

// give sets a field.
func (r *reader) give(v reflect.Value, text, name string, at place) {
	if problem, hint := set(v, text); problem != "" {
		r.fault(name, at, problem, hint)
		return
	}
	r.took(name, at)
}

// took remembers where the value of a key came from.
func (r *reader) took(name string, at place) {
	r.config.places[name] = at
	delete(r.bad, name) // a variable mends what the file has wrong, though the file stays at fault
}

// scalarText is the text of a scalar as it was written: 0123 stays 0123, and
// NO is Norway.
func scalarText(n ast.Node) (text string, quoted, ok bool) {
	switch v := n.(type) {
	case *ast.LiteralNode:
		return strings.TrimSuffix(v.Value.Value, "\n"), true, true
	case *ast.StringNode:
		t := v.GetToken().Type
		return v.Value, t == token.SingleQuoteType || t == token.DoubleQuoteType, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, false, true
	}
	return "", false, false
}
