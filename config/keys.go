package config

import (
	"reflect"
	"strings"
	"time"
)

const prefix = "SALLYPORT_" // of every variable

// key is one setting: its name in the file and its place in the struct.
type key struct {
	name  string // policy.grace_days
	index []int  // for reflect.Value.FieldByIndex
	typ   reflect.Type
	file  bool // it names a file or folder
}

// variable is the key's name in the environment.
func (k key) variable() string {
	return prefix + strings.ToUpper(strings.ReplaceAll(k.name, ".", "_"))
}

// inFileOnly tells the keys that no variable can hold: lists of structs.
func (k key) inFileOnly() bool {
	return k.typ.Kind() == reflect.Slice && k.typ.Elem().Kind() == reflect.Struct
}

// keys returns the settings of a struct and of the structs in it, in their order.
func keys(t reflect.Type) []key {
	var all []key
	for f := range t.Fields() {
		name := f.Tag.Get("yaml")
		if name == "" {
			continue
		}
		if f.Type.Kind() != reflect.Struct {
			all = append(all, key{name, f.Index, f.Type, f.Tag.Get("is") == "file"})
			continue
		}
		for _, k := range keys(f.Type) {
			k.name = name + "." + k.name
			k.index = append([]int{f.Index[0]}, k.index...)
			all = append(all, k)
		}
	}
	return all
}

// field finds the field of a struct that a key of the file names.
func field(v reflect.Value, name string) (reflect.Value, bool) {
	for f := range v.Type().Fields() {
		if tag := f.Tag.Get("yaml"); tag != "" && tag == name {
			return v.FieldByIndex(f.Index), true
		}
	}
	return reflect.Value{}, false
}

// want says in words what a type wants to be given.
func want(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "a length of time"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Int:
		return "a whole number"
	case t.Kind() == reflect.Slice:
		return "a list"
	case t.Kind() == reflect.Struct:
		return "keys of its own"
	}
	return "one text"
}

// nearest finds the key that was probably meant: the same last part somewhere
// else, or a name that is a slip or two away.
func nearest(name string) string {
	best, least := "", 3
	last := name[strings.LastIndexByte(name, '.')+1:]
	for _, k := range keys(reflect.TypeFor[Config]()) {
		if k.name == last || strings.HasSuffix(k.name, "."+last) {
			return k.name
		}
		if d := distance(name, k.name); d < least {
			best, least = k.name, d
		}
	}
	return best
}

// distance counts the letters to change between two names; past 64 letters it
// does not look.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
