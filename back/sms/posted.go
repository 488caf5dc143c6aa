package sms

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"sallyport/core/message"
)

// turnedAway is a receipt that counts for nothing, as the status that says so. Its
// sender reads no reason: who forges receipts would learn from it.
type turnedAway int

func (e turnedAway) Error() string { return http.StatusText(int(e)) }

const (
	forged    = turnedAway(http.StatusForbidden)
	malformed = turnedAway(http.StatusBadRequest)
)

// errNothingNew is a receipt of a state that changes nothing, and is no error.
var errNothingNew = errors.New("nothing new")

const receiptMost = 64 << 10

// take answers a request that should be a receipt. read makes one of it, once it
// has seen that the request is the provider's.
func (to Receipts) take(w http.ResponseWriter, r *http.Request, read func(r *http.Request, body []byte) (message.Receipt, error)) {
	w.Header().Set("Cache-Control", "no-store")
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, receiptMost))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	receipt, err := read(r, body)
	if err == nil {
		err = to.hand(r, receipt)
	}
	w.WriteHeader(statusOf(err))
}

// hand passes a receipt on. What does not fit into a name is none of ours.
func (to Receipts) hand(r *http.Request, receipt message.Receipt) error {
	if to == nil || receipt.Ref == "" && receipt.ID == "" {
		return ErrNoSuch
	}
	return to(r.Context(), receipt)
}

func statusOf(err error) int {
	if away, ok := errors.AsType[turnedAway](err); ok {
		return int(away)
	}
	switch {
	case err == nil || errors.Is(err, errNothingNew):
		return http.StatusNoContent
	case errors.Is(err, ErrNoSuch):
		return http.StatusNotFound
	}
	return http.StatusServiceUnavailable // the provider comes again
}

// methods says whether a request has one of some methods, and answers it if not.
func methods(w http.ResponseWriter, r *http.Request, allowed ...string) bool {
	for _, m := range allowed {
		if r.Method == m {
			return true
		}
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	w.WriteHeader(http.StatusMethodNotAllowed)
	return false
}

// single reads a form in which no name comes twice: whoever checks a signature
// and whoever acts on it must not read two different values.
func single(text string) (url.Values, error) {
	form, err := url.ParseQuery(text)
	if err != nil {
		return nil, malformed
	}
	for _, values := range form {
		if len(values) != 1 {
			return nil, malformed
		}
	}
	return form, nil
}

var plainCode = regexp.MustCompile(`^[!-~]{1,60}$`)

// reason is a provider's code, or nothing where it may hold a number.
func reason(text string) string {
	if !plainCode.MatchString(text) || hidden.MatchString(text) {
		return ""
	}
	return text
}

// nameIn is the name of a message in a receipt, or "".
func nameIn(text string) string {
	if !visible.MatchString(text) {
		return ""
	}
	return text
}
