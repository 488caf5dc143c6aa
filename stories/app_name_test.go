package stories_test

import "testing"

// What a name may hold ends up in mails to whoever the account belongs to.
func TestAnAppIsNotNamedLikeAnAddress(t *testing.T) {
	t.Parallel()
	b := open(t).enrol("ada")
	b.get("/account/security")
	b.click("Rename Phone app")
	for _, row := range []struct{ name, problem string }{
		{"call www.evil", "A name cannot look like a web address. Leave out the dot, or put a space after it."},
		{"evil.example", "A name cannot look like a web address. Leave out the dot, or put a space after it."},
		{"Tab\u202elet", "A name cannot hold characters that are not seen. Type it again."},
	} {
		b.do("Save", "name", row.name).is(want{page: "security", problem: "#name " + row.problem})
	}
	b.do("Save", "name", "Dr. Smith's tablet").is(want{page: "security", notice: "The app is now called Dr. Smith's tablet.", texts: []string{"Dr. Smith's tablet"}})
}
