package config

import (
	"strings"
	"testing"
)

func TestAMailServerIsReadInItsParts(t *testing.T) {
	for text, want := range map[string]MailServer{
		"smtp://ada@mail.example.org":          {Host: "mail.example.org", Port: "587", User: "ada"},
		"smtps://ada%40example.org@mail.test/": {Host: "mail.test", Port: "465", User: "ada@example.org", TLS: true},
		"smtp://localhost:25":                  {Host: "localhost", Port: "25", Local: true},
		"smtp://[::1]:2525":                    {Host: "::1", Port: "2525", Local: true},
		"smtps://ada@mail.example.org:8465":    {Host: "mail.example.org", Port: "8465", User: "ada", TLS: true},
	} {
		text = localURL + "mail:\n  server: " + text + "\n  from: login@example.org\n"
		if want.User != "" {
			text += "  password: secret\n"
		}
		c, err := Parse([]byte(text), "f", nil)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := c.MailServer(); got != want {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
}

func TestFaultsOfMailAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		"server: mail.example.org":                                         "mail.server: is not a mail server",
		"server: https://mail.example.org":                                 "mail.server: is not a mail server",
		"server: smtp://mail.example.org/x":                                "has more than a host and a port",
		"server: smtp://mail.example.org":                                  "mail.from: is missing",
		"server: smtp://mail.example.org\n  from: Ada <ada@example.org>":   "is not a mail address",
		"server: smtp://mail.example.org\n  from: a@b.test\n  password: x": "names no user",
		"server: smtp://ada@mail.example.org\n  from: a@b.test":            "mail.password: is missing",
		"from: a@b.test": "is given without mail.server",
	} {
		_, err := Parse([]byte(localURL+"mail:\n  "+text+"\n"), "f", nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	_, err := Parse([]byte(localURL+"mail:\n  server: smtp://ada:hunter2@mail.test\n  from: a@b.test\n"), "f", nil)
	if err == nil || !strings.Contains(err.Error(), "holds a password") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a password in the address: %v", err)
	}
}

func TestMetricsHaveAListenerOfTheirOwn(t *testing.T) {
	for text, want := range map[string]string{"metrics: 9090": "is not an address", "metrics: 127.0.0.1:8080": "is the same as listen"} {
		_, err := Parse([]byte(localURL+text+"\n"), "f", nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
