package sms

import (
	"crypto/sha256"
	"crypto/subtle"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"sallyport/core/message"
)

// ReportingHTTP is a provider with an HTTP API that also tells what became of
// messages: how its receipts are read are settings.
type ReportingHTTP struct {
	*HTTP
	Receipts Receipts
	Secret   func() string            // every receipt brings it; a function prints as its address
	Fields   ReceiptFields            // where they say what
	States   map[string]message.State // what they say, and mean; others change nothing
}

// ReceiptFields are paths in JSON, or names in a form or a query.
type ReceiptFields struct{ Ref, ID, State, Reason string }

// ServeHTTP takes receipts. Some providers report by GET.
func (h *ReportingHTTP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if methods(w, r, http.MethodPost, http.MethodGet) {
		h.Receipts.take(w, r, h.read)
	}
}

// read makes a receipt of a request that brings the secret.
func (h *ReportingHTTP) read(r *http.Request, body []byte) (receipt message.Receipt, err error) {
	form, err := parameters(r, body)
	if !h.proved(r, form) {
		return receipt, forged
	}
	if err != nil {
		return receipt, err
	}
	field := func(name string) string { return form.Get(name) }
	if isJSON(r) {
		a := &answer{body: body}
		field = func(name string) string { value, _ := a.field(name); return value }
	}
	said := field(h.Fields.State)
	receipt = message.Receipt{Gateway: h.Label, Ref: nameIn(field(h.Fields.Ref)), ID: nameIn(field(h.Fields.ID)), State: h.States[said]}
	switch {
	case said == "" || receipt.Ref == "" && receipt.ID == "":
		return receipt, malformed
	case receipt.State == "":
		return receipt, errNothingNew
	case receipt.State.Lost():
		receipt.Reason = reason(field(h.Fields.Reason))
	}
	return receipt, nil
}

// parameters are those of the address and, where the body is a form, of the body.
func parameters(r *http.Request, body []byte) (url.Values, error) {
	text := r.URL.RawQuery
	if r.Method == http.MethodPost && !isJSON(r) && len(body) > 0 {
		if text != "" {
			text += "&"
		}
		text += string(body)
	}
	return single(text)
}

func isJSON(r *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return r.Method == http.MethodPost && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}

// proved says whether a request brings the secret: as a bearer token, as the
// password of basic, or as the parameter key. Where there is a header, it decides.
func (h *ReportingHTTP) proved(r *http.Request, form url.Values) bool {
	headers := r.Header.Values("Authorization")
	if len(headers) == 0 {
		return h.is(form.Get("key"))
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	_, password, basic := r.BasicAuth()
	switch {
	case len(headers) > 1:
		return false
	case basic:
		return h.is(password)
	}
	return strings.EqualFold(scheme, "Bearer") && h.is(token)
}

// is compares in a time that tells nothing, of the length either.
func (h *ReportingHTTP) is(given string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(h.Secret()))
	return given != "" && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
