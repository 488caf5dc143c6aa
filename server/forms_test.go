//go:build !race

package server_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// noErrand are forms that no errand posts, and why.
var noErrand = map[string]string{
	"POST /account/stay":     "it keeps a session from idling, as every page of the account does that errands open",
	"POST /oidc/authorize":   "it writes nothing, and leads to its GET, with which an errand begins",
	"POST /oidc/userinfo":    "it reads, as introspection does",
	"POST /oidc/introspect":  "it reads: errands ask it what stands after each of their acts",
	"POST /oidc/end-session": "it writes nothing, and leads to its GET, with which an errand begins",
}

// TestEveryFormIsPartOfAnErrand does each errand once, and finds every route that takes
// a form among them.
func TestEveryFormIsPartOfAnErrand(t *testing.T) {
	t.Parallel()
	forms, table := map[string]bool{}, http.NewServeMux()
	for _, pattern := range site(t, "", false).core.Patterns() {
		forms[pattern] = strings.HasPrefix(pattern, "POST ")
		table.Handle(pattern, http.NotFoundHandler())
	}
	maps.DeleteFunc(forms, func(_ string, form bool) bool { return !form })
	if len(forms) < 40 {
		t.Fatalf("%d forms: this test is blind", len(forms))
	}
	doors, posted := map[string]door{}, map[string]bool{}
	for _, e := range errands {
		if doors[e.more] == nil {
			doors[e.more] = site(t, e.more, false)
		}
		v := e.begin(t, doors[e.more])
		v.posts = map[string]bool{}
		v.until(e.done)
		for at := range v.posts {
			_, pattern := table.Handler(httptest.NewRequest(http.MethodPost, at, nil))
			posted[pattern] = true
		}
	}
	for _, pattern := range slices.Sorted(maps.Keys(forms)) {
		if why := noErrand[pattern]; posted[pattern] == (why != "") {
			t.Errorf("%s: posted by an errand is %v, why it need not be: %q", pattern, posted[pattern], why)
		}
	}
	for pattern := range noErrand {
		if !forms[pattern] {
			t.Errorf("%s takes no form", pattern)
		}
	}
}
