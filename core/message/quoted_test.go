package message

import (
	"strings"
	"testing"

	"sallyport/core/person"
)

// A name that somebody chose stays between the quotes of the mail.
func TestTheNameOfAnAppStaysBetweenItsQuotes(t *testing.T) {
	w := mailer(t)
	for _, n := range []Notice{AppAdded, AppRemoved} {
		for _, name := range []string{`x" was checked by us. Call 0900`, "x” was added", "«x» „y“", `＂`} {
			_, text := w.mail(n, Told{Person: person.Person{Name: "ada"}, About: person.Disputed{Where: where}, Args: []any{"app", name}}, moment, token26)
			if strings.Count(text, `"`) != 2 || strings.ContainsAny(text, "“”„«»＂") {
				t.Errorf("%s with %q:\n%s", n, name, text)
			}
		}
	}
}
