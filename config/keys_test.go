package config

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
	"testing"
)

func TestThereAreFewerThanFortyKeysOutsideGatewaysAppsAndBrand(t *testing.T) {
	n := 0
	for _, k := range keys(reflect.TypeFor[Config]()) {
		if k.name != "sms.gateways" && k.name != "apps" && !strings.HasPrefix(k.name, "brand.") {
			n++
		}
	}
	if n >= 40 {
		t.Errorf("%d keys", n)
	}
}

func TestEveryKeyHasAVariableOfItsOwn(t *testing.T) {
	seen := map[string]string{}
	for _, k := range keys(reflect.TypeFor[Config]()) {
		if other, ok := seen[k.variable()]; ok {
			t.Errorf("%s and %s are both %s", other, k.name, k.variable())
		}
		seen[k.variable()] = k.name
	}
	if seen["SALLYPORT_POLICY_GRACE_DAYS"] != "policy.grace_days" || seen["SALLYPORT_TLS_CERT_FILE"] != "tls.cert_file" {
		t.Errorf("got %v", seen)
	}
}

func TestEverySecretHasItsFileBesideIt(t *testing.T) {
	all := keys(reflect.TypeFor[Config]())
	for i, k := range all {
		if k.typ != reflect.TypeFor[Secret]() {
			continue
		}
		if i+1 == len(all) || all[i+1].name != k.name+"_file" || !all[i+1].file {
			t.Errorf("%s is not followed by %s_file", k.name, k.name)
		}
	}
}

// The comment of a field is the documentation of its key.
func TestEveryFieldIsDocumentedAndTagged(t *testing.T) {
	for _, file := range []string{"config.go", "apps.go", "brand.go"} {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			s, ok := n.(*ast.StructType)
			if !ok {
				return true
			}
			for _, f := range s.Fields.List {
				name := f.Names[0].Name
				if !ast.IsExported(name) {
					continue
				}
				if f.Tag == nil || !strings.HasPrefix(f.Doc.Text(), name+" ") {
					t.Errorf("%s: %s has no tag, or no comment that begins with its name", file, name)
				}
			}
			return true
		})
	}
}

func TestASlipFindsTheKeyThatWasMeant(t *testing.T) {
	for name, want := range map[string]string{
		"ur":                "url",
		"grace_days":        "policy.grace_days",
		"policy.grace_day":  "policy.grace_days",
		"server.listen":     "listen",
		"brand.colour":      "",
		"polcy":             "",
		"defaultcountry":    "default_country",
		"tls.cert":          "",
		"policy.Grace_days": "policy.grace_days",
	} {
		if got := nearest(name); got != want {
			t.Errorf("nearest(%q) is %q, not %q", name, got, want)
		}
	}
}
