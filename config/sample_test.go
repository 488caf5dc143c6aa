package config

import (
	"bytes"
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestTheSampleParsesAsItIsWritten(t *testing.T) {
	for _, url := range []string{"https://login.example.org", "http://127.0.0.1:8080", "http://[::1]:9000", "https://a.test/"} {
		c, err := Parse(Sample(url, ""), "sallyport.yaml", nil)
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.TrimSuffix(url, "/"); c.URL != want {
			t.Errorf("the url is %q, not %q", c.URL, want)
		}
		for _, k := range keys(reflect.TypeFor[Config]()) {
			if k.name != "url" && c.Declared(k.name) {
				t.Errorf("%s is not commented out", k.name)
			}
		}
	}
}

func TestAnOddURLInTheSampleStaysOneValue(t *testing.T) {
	_, err := Parse(Sample("https://a.test\ninsecure: true # x", ""), "f", nil)
	faults, ok := err.(*Faults)
	if !ok || len(faults.List) != 1 || faults.List[0].Key != "url" {
		t.Fatalf("got %v", err)
	}
}

func TestTheSampleNamesAKeyFileThatLiesElsewhere(t *testing.T) {
	for _, name := range []string{"/etc/keys/a.key", `/a "b" \c: #d`} {
		c, err := Parse(Sample("https://a.test", name), "sallyport.yaml", nil)
		if err != nil || c.KeyFile != name || c.TLS.KeyFile != "" {
			t.Errorf("%s: %v %v", name, c, err)
		}
	}
}

var commentedKey = regexp.MustCompile(`(?m)^( *)#(\S|  )`)

// uncommented takes the # from every key; prose has a space after it.
func uncommented(except ...string) []byte {
	text := Sample("https://localhost", "")
	for _, key := range except {
		text = bytes.ReplaceAll(text, []byte("#"+key+":"), []byte("# "+key+":"))
	}
	return commentedKey.ReplaceAll(text, []byte("$1$2"))
}

func TestTheSampleHoldsEveryKeyWithItsDefault(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"provider.token", "receipts.secret", "twilio.token", "vonage.secret", "vonage.signature", "amazon.key", "smsc.password", "wiki.secret", "robot.jwks"} {
		write(t, filepath.Join(folder, name), "a-secret-of-enough-letters-for-all")
	}
	c, err := Parse(uncommented("database_file", "password_file"), filepath.Join(folder, "sallyport.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	c.places["database_file"] = c.places["database"] // those that cannot stand beside them
	c.places["mail.password_file"] = c.places["mail.password"]
	base := Default()
	for _, k := range keys(reflect.TypeFor[Config]()) {
		if !c.Declared(k.name) {
			t.Errorf("the sample does not hold %s", k.name)
		}
		want := reflect.ValueOf(base).FieldByIndex(k.index)
		got := reflect.ValueOf(*c).FieldByIndex(k.index)
		if k.file || want.IsZero() && (k.typ.Kind() == reflect.String || k.typ.Kind() == reflect.Slice) {
			continue // an example
		}
		if !reflect.DeepEqual(got.Interface(), want.Interface()) {
			t.Errorf("%s is %v in the sample, %v by default", k.name, got, want)
		}
	}
	for _, k := range keys(reflect.TypeFor[Gateway]()) {
		if !slices.ContainsFunc([]int{0, 1, 2, 3, 4, 5}, func(i int) bool { return c.Declared(fmt.Sprintf("sms.gateways[%d].%s", i, k.name)) }) {
			t.Errorf("the sample does not hold %s of a gateway", k.name)
		}
	}
	for _, k := range slices.Concat(keys(reflect.TypeFor[App]()), below("rules[0].", keys(reflect.TypeFor[AppRule]()))) {
		if !c.Declared("apps[0]."+k.name) && !c.Declared("apps[1]."+k.name) {
			t.Errorf("the sample does not hold %s of an app", k.name)
		}
	}
}

func below(section string, all []key) []key {
	for i := range all {
		all[i].name = section + all[i].name
	}
	return all
}
