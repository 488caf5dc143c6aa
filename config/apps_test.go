package config

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// apps parses settings with these lines under apps, in a folder with a secret and a
// set of keys.
func apps(t *testing.T, lines string) (*Config, error) {
	t.Helper()
	folder := t.TempDir()
	write(t, filepath.Join(folder, "wiki.secret"), strings.Repeat("s3", 16)+"\n")
	write(t, filepath.Join(folder, "short.secret"), strings.Repeat("s", 31))
	write(t, filepath.Join(folder, "wiki.jwks"), `{"keys":[]}`)
	return Parse([]byte("url: https://login.example.org\napps:\n"+lines), filepath.Join(folder, "sallyport.yaml"), nil)
}

func TestAnAppIsReadWhole(t *testing.T) {
	c, err := apps(t, `
  - id: wiki
    name: Wiki
    addresses: [https://wiki.example.org, https://w.example.org]
    groups: [staff]
    need: two within 15m
    rules:
      - paths: [/admin/*, /setup]
        methods: [POST]
        groups: [admins]
        need: two
      - paths: [/public/*]
        need: none
    tell: [name, email]
    share: example.org
    token: true
    client:
      redirects: [https://wiki.example.org/callback]
      after_sign_out: [https://wiki.example.org/]
      back_channel: https://wiki.example.org/out
      auth: client_secret_post
      secret_file: wiki.secret
      keys_file: wiki.jwks
      native: true
      without_pkce: true
      algorithm: EdDSA
      refresh: true
      no_consent: true
      access_minutes: 5
  - id: chat
    client:
`)
	if err != nil {
		t.Fatal(err)
	}
	wiki, chat := c.Apps[0], c.Apps[1]
	if wiki.Client.Secret().Reveal() != strings.Repeat("s3", 16) || wiki.Client.Keys() != `{"keys":[]}` || !filepath.IsAbs(wiki.Client.SecretFile) {
		t.Errorf("the secret is %q, the keys are %q, the file is %q", wiki.Client.Secret().Reveal(), wiki.Client.Keys(), wiki.Client.SecretFile)
	}
	if text := fmt.Sprintf("%v %+v %#v", wiki, wiki, *c); strings.Contains(text, "s3s3") {
		t.Error("the secret shows")
	}
	wiki.Client.secret, wiki.Client.keys, wiki.Client.SecretFile, wiki.Client.KeysFile = nil, nil, "", ""
	want := App{
		ID: "wiki", Name: "Wiki", Addresses: []string{"https://wiki.example.org", "https://w.example.org"}, Groups: []string{"staff"}, Need: "two within 15m",
		Rules: []AppRule{{Paths: []string{"/admin/*", "/setup"}, Methods: []string{"POST"}, Groups: []string{"admins"}, Need: "two"}, {Paths: []string{"/public/*"}, Need: "none"}},
		Tell:  []string{"name", "email"}, Share: "example.org", Token: true,
		Client: AppClient{
			Redirects: []string{"https://wiki.example.org/callback"}, AfterSignOut: []string{"https://wiki.example.org/"}, BackChannel: "https://wiki.example.org/out",
			Auth: "client_secret_post", Native: true, WithoutPKCE: true, Algorithm: "EdDSA", Refresh: true, NoConsent: true, AccessMinutes: 5,
		},
	}
	if !reflect.DeepEqual(wiki, want) {
		t.Errorf("read  %+v\nwant %+v", wiki, want)
	}
	if !wiki.Client.Given() || chat.Client.Given() {
		t.Error("who speaks OpenID Connect is told wrongly")
	}
}

func TestFaultsOfAppsAreToldWithTheirLines(t *testing.T) {
	for name, row := range map[string]struct{ lines, want string }{
		"no id":                        {"  - name: Wiki\n", "3: apps[0].id: is missing"},
		"an id twice":                  {"  - id: wiki\n  - id: chat\n  - id: wiki\n", `5: apps[2].id: "wiki" is the id of another app`},
		"an unknown key":               {"  - id: wiki\n    colour: red\n", "4: apps[0].colour: there is no such key"},
		"an unknown key of a rule":     {"  - id: wiki\n    rules:\n      - path: /x\n", "5: apps[0].rules[0].path: there is no such key"},
		"an unknown key of a client":   {"  - id: wiki\n    client:\n      secret: x\n", "5: apps[0].client.secret: there is no such key"},
		"a text where a list belongs":  {"  - id: wiki\n    groups: staff\n", "4: apps[0].groups: wants a list"},
		"a number where a text stands": {"  - id: wiki\n    token: 1\n", "4: apps[0].token: "},
		"an empty group":               {"  - id: wiki\n    groups: [staff, ~]\n", "4: apps[0].groups[1]: has no value"},
		"minutes that are no number":   {"  - id: wiki\n    client:\n      access_minutes: ten\n", "5: apps[0].client.access_minutes: "},
		"no such file":                 {"  - id: wiki\n    client:\n      secret_file: none.secret\n", "5: apps[0].client.secret_file: "},
		"no such keys":                 {"  - id: wiki\n    client:\n      keys_file: none.jwks\n", "5: apps[0].client.keys_file: "},
		"a secret that can be guessed": {"  - id: wiki\n    client:\n      secret_file: short.secret\n", "5: apps[0].client.secret_file: the file holds less than 32 characters (hint: "},
		"a key that is given twice":    {"  - id: wiki\n    need: one\n    need: two\n", "5: apps[0].need: is given twice"},
	} {
		_, err := apps(t, row.lines)
		if err == nil || !strings.Contains(err.Error(), ".yaml:"+row.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v; want %s", name, err, row.want)
		}
	}
	if _, err := Parse([]byte("url: https://login.example.org\n"), "f", []string{"SALLYPORT_APPS=wiki"}); err == nil || !strings.Contains(err.Error(), "apps can be given in the file only") {
		t.Errorf("a variable: %v", err)
	}
}
