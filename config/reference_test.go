package config

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
	"testing"
	"time"

	"sallyport/docs/docstest"
)

// comments are the comments of the fields, by struct and field.
func comments(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, file := range []string{"config.go", "apps.go", "brand.go"} {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if s, ok := spec.Type.(*ast.StructType); ok {
				for _, f := range s.Fields.List {
					all[spec.Name.Name+"."+f.Names[0].Name] = f.Doc.Text()
				}
			}
			return true
		})
	}
	return all
}

// documentation is the comment of a field as a page says it: without its name.
func documentation(owner reflect.Type, f reflect.StructField, said map[string]string) string {
	text := strings.TrimPrefix(said[owner.Name()+"."+f.Name], f.Name+" ")
	for _, verb := range []string{"is ", "are "} {
		text = strings.TrimPrefix(text, verb)
	}
	text = docstest.Cell(text)
	return strings.ToUpper(text[:1]) + text[1:]
}

func fallback(v reflect.Value) string {
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		return "`" + short(time.Duration(v.Int())) + "`"
	case v.Kind() == reflect.Slice || v.IsZero() && v.Kind() == reflect.String:
		return ""
	}
	return fmt.Sprintf("`%v`", v)
}

// rows are the keys of a struct, those of the structs in it at their place.
func rows(v reflect.Value, section string, said map[string]string, env bool) (list []string) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		tag := f.Tag.Get("yaml")
		if tag == "" {
			continue
		}
		name := strings.TrimPrefix(section+"."+tag, ".")
		if f.Type.Kind() == reflect.Struct {
			list = append(list, rows(v.Field(i), name, said, env)...)
			continue
		}
		k := key{name: name, typ: f.Type}
		variable := ""
		if env && !k.inFileOnly() {
			variable = " `" + k.variable() + "` |"
		} else if env {
			variable = " in the file only |"
		}
		list = append(list, fmt.Sprintf("| `%s` |%s %s | %s | %s |", name, variable, want(f.Type), fallback(v.Field(i)), documentation(v.Type(), f, said)))
	}
	return list
}

func TestTheReferenceOfSettingsIsFresh(t *testing.T) {
	said := comments(t)
	base := Default()
	var page strings.Builder
	page.WriteString("# Settings\n\nGenerated from the program. A key has the value of its variable, else of the file (`sallyport.yaml`), else its default; an unknown key or variable is an\n" +
		"error. Files with a relative name are looked for from the folder of the settings file; lists in variables are separated by commas.\n\n" +
		"| key | variable | wants | default | what it is |\n|---|---|---|---|---|\n")
	page.WriteString(strings.Join(rows(reflect.ValueOf(base), "", said, true), "\n"))
	page.WriteString("\n\n## Each of `sms.gateways`\n\n| key | wants | default | what it is |\n|---|---|---|---|\n")
	page.WriteString(strings.Join(rows(reflect.ValueOf(Gateway{}), "", said, false), "\n") + "\n")
	page.WriteString("\n## Each of `apps`\n\nWhat an app is, how paths are read and what a need asks: [apps](../operate/apps.md).\n\n| key | wants | default | what it is |\n|---|---|---|---|\n")
	page.WriteString(strings.Join(rows(reflect.ValueOf(App{}), "", said, false), "\n") + "\n")
	page.WriteString("\n## Each of `rules` of an app\n\n| key | wants | default | what it is |\n|---|---|---|---|\n")
	page.WriteString(strings.Join(rows(reflect.ValueOf(AppRule{}), "", said, false), "\n") + "\n")
	docstest.Page(t, "..", "settings.md", page.String())
}
