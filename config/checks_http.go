package config

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"sallyport/config/blank"
)

var (
	secretName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)
	fieldPath  = regexp.MustCompile(`^[^.\s]+(\.[^.\s]+){0,9}$`)
)

// httpChecks are the rows of what an http gateway needs.
func (c *Config) httpChecks(key string, g Gateway) (rows []check) {
	add := func(name string, test func() (string, string)) {
		rows = append(rows, check{key + "." + name, test, key + ".kind"})
	}
	if g.Kind != KindHTTP {
		return nil
	}
	add("method", oneOf(g.verb(), http.MethodPost, http.MethodPut, http.MethodGet))
	add("address", func() (string, string) { return c.checkAddress(g) })
	for i := range g.Headers {
		add(fmt.Sprintf("headers[%d]", i), func() (string, string) { return c.checkHeader(g, i) })
	}
	add("body", func() (string, string) { return c.checkBody(g) })
	for i := range g.Secrets {
		add(fmt.Sprintf("secrets[%d].name", i), func() (string, string) { return g.checkSecretName(i) })
		add(fmt.Sprintf("secrets[%d].file", i), notEmpty(g.Secrets[i].File))
	}
	add("kind", func() (string, string) { return checkSaysAll(g) })
	return append(rows, g.answerChecks(key)...)
}

func (c *Config) checkAddress(g Gateway) (problem, hint string) {
	if _, problem, hint = g.origin(); problem == "" {
		_, problem, hint = c.source(g).ReadAddress(g.Address)
	}
	return problem, hint
}

func (c *Config) checkHeader(g Gateway, i int) (problem, hint string) {
	h, problem, hint := c.source(g).ReadHeader(g.Headers[i])
	for _, before := range g.Headers[:i] {
		if name, _ := blank.SplitHeader(before); problem == "" && name == h.Name {
			return name + " is given twice", ""
		}
	}
	return problem, hint
}

func (c *Config) checkBody(g Gateway) (problem, hint string) {
	switch {
	case g.Body == "":
		return "", ""
	case g.verb() == http.MethodGet:
		return "is given, and method is GET", "write the values into the address, after a ?"
	}
	_, problem, hint = c.source(g).ReadBody(g.contentType(), g.Body)
	return problem, hint
}

// checkSaysAll: a request without number or text is a slip that the provider
// would tell only once somebody waits for a code.
func checkSaysAll(g Gateway) (problem, hint string) {
	all := strings.Join(append([]string{g.Address, g.Body}, g.Headers...), "\n")
	for _, name := range []string{".To", ".Text"} {
		if !strings.Contains(all, name) {
			return "the request says {{" + name + "}} nowhere", "write it into the body, or into the address after a ?"
		}
	}
	return "", ""
}

// answerChecks are the rows of what an answer means.
func (g Gateway) answerChecks(key string) (rows []check) {
	add := func(name string, test func() (string, string)) {
		rows = append(rows, check{key + "." + name, test, key + ".kind"})
	}
	for i, n := range g.OKStatus {
		add(fmt.Sprintf("ok_status[%d]", i), between(n, 200, 599))
	}
	add("ok_field", checkField(g.OKField))
	add("ok_values", besides(len(g.OKValues) > 0, "ok_values", g.OKField != "", "ok_field"))
	add("ref_field", checkField(g.RefField))
	for i, n := range g.RefusedStatus {
		add(fmt.Sprintf("refused_status[%d]", i), func() (problem, hint string) {
			if g.RefusedField == "" && g.okStatus(n) {
				return fmt.Sprintf("%d is a success too", n), "name the field that tells a refusal: refused_field"
			}
			return between(n, 200, 599)()
		})
	}
	add("refused_field", checkField(g.RefusedField))
	add("refused_values", besides(len(g.RefusedValues) > 0, "refused_values", g.RefusedField != "", "refused_field"))
	return rows
}

func (g Gateway) okStatus(n int) bool {
	return slices.Contains(g.OKStatus, n) || len(g.OKStatus) == 0 && n/100 == 2
}

func checkField(path string) func() (string, string) {
	return func() (string, string) {
		if path != "" && !fieldPath.MatchString(path) {
			return quote(path) + " is not the path of a field", "write the names from the outermost on with dots, and a number for a place in a list, as messages.0.status"
		}
		return "", ""
	}
}

// besides says that of a field and its values both are given, or none.
func besides(values bool, valuesKey string, field bool, fieldKey string) func() (string, string) {
	return func() (string, string) {
		switch {
		case values && !field:
			return "is given without " + fieldKey, "name the field of the answer that has one of these values"
		case field && !values:
			return "is missing beside " + fieldKey, "list its values, as " + valuesKey + ": [ok]"
		}
		return "", ""
	}
}

func (g Gateway) checkSecretName(i int) (problem, hint string) {
	name := g.Secrets[i].Name
	same := func(s GatewaySecret) bool { return s.Name == name }
	switch {
	case name == "":
		return "is missing", "a short name, as token"
	case !secretName.MatchString(name):
		return quote(name) + " is not made of small letters, digits, _ and -", "at most 32, and a letter first"
	case slices.IndexFunc(g.Secrets, same) < i:
		return quote(name) + " is the name of another secret", ""
	}
	return "", ""
}
