package person

import (
	"strings"
	"testing"
)

func TestMailAddresses(t *testing.T) {
	for typed, want := range map[string]string{
		"ada@example.org":                        "ada@example.org",
		"  Ada.Lovelace@Example.ORG  ":           "Ada.Lovelace@example.org",
		"ada+news@mail.example.org":              "ada+news@mail.example.org",
		"o'brien@example.org":                    "o'brien@example.org",
		strings.Repeat("a", 64) + "@example.org": strings.Repeat("a", 64) + "@example.org",
	} {
		if got, bad := MailAddress(typed); bad != nil || got != want {
			t.Errorf("%q: %q, %v", typed, got, bad)
		}
	}
	for _, typed := range []string{"ada", "ada@", "@example.org", "ada@example", "ada@@example.org", "a b@example.org", "ada@exa mple.org", "ada@example..org",
		"ada@-example.org", "ada@example.org-", ".ada@example.org", "ada.@example.org", "a..b@example.org", `"ada"@example.org`, "ada@[192.0.2.1]",
		"ada@example.org,eve@example.org", "ada@example.org\nBcc: eve@example.org", "Ada <ada@example.org>", "ada@example.org;eve@x.org", "ädä@example.org",
		"ada@exämple.org", "ada@example.org\x00", strings.Repeat("a", 65) + "@example.org", "a@" + strings.Repeat("b.", 130) + "org"} {
		if got, bad := MailAddress(typed); bad == nil || bad.Word != "mail.wrong" || bad.Field != "mail" {
			t.Errorf("%q: %q, %v", typed, got, bad)
		}
	}
	if _, bad := MailAddress("  "); bad == nil || bad.Word != "mail.empty" {
		t.Errorf("empty: %v", bad)
	}
}

func TestAMaskedAddressShowsItsFirstLetterAndItsDomain(t *testing.T) {
	for address, want := range map[string]string{"ada@example.org": "a•••@example.org", "": "", "@example.org": "", "nonsense": ""} {
		if got := MaskMail(address); got != want {
			t.Errorf("%q: %q", address, got)
		}
	}
}

func TestOneMailboxHasManyAddresses(t *testing.T) {
	for address, want := range map[string]string{"ada@example.org": "ada@example.org", "Ada@example.org": "ada@example.org",
		"ada+1@example.org": "ada@example.org", "ADA+a+b@example.org": "ada@example.org", "a.da@example.org": "a.da@example.org", "ada@x.example.org": "ada@x.example.org"} {
		if got := Mailbox(address); got != want {
			t.Errorf("%q: %q", address, got)
		}
	}
}

func FuzzMailAddress(f *testing.F) {
	f.Add("ada@example.org")
	f.Add("a@b.c\r\nTo: x")
	f.Fuzz(func(t *testing.T, typed string) {
		got, bad := MailAddress(typed)
		if bad != nil {
			return
		}
		if again, bad := MailAddress(got); bad != nil || again != got || strings.ContainsAny(got, " \t\r\n<>,;:\"\\()[]") || strings.Count(got, "@") != 1 {
			t.Errorf("%q became %q, then %q, %v", typed, got, again, bad)
		}
	})
}
