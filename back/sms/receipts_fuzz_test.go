package sms_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// Whatever comes to a door without its secret, nothing of it is taken.
func FuzzReceipts(f *testing.F) {
	form := receiptForm()
	f.Add("id=ID-1", formKind, form.Encode(), "", twilioSigned(hook, form)[1:])
	f.Add("", jsonKind, vonageStatus("rejected", "1240"), "Bearer "+vonageToken(hs256, vonageClaims("x"), "x"), "")
	f.Add("key=&status=DELIVRD&id=r1", "", "", "Basic Og==", "")
	f.Add("%", "application/json;", "{", "Bearer ..", "=")
	var once sync.Once
	var doors []http.Handler
	var l *ledger
	f.Fuzz(func(t *testing.T, query, kind, body, authorization, signature string) {
		once.Do(func() {
			_, twilio := asTwilio(t)
			_, vonage := asVonage(t)
			over, ledger := reported(t)
			twilio.Receipts, vonage.Receipts = ledger.take, ledger.take
			doors, l = []http.Handler{twilio, vonage, over}, ledger
		})
		for _, door := range doors {
			for _, method := range []string{http.MethodPost, http.MethodGet} {
				r := httptest.NewRequest(method, hook, strings.NewReader(body))
				r.URL.RawQuery = query
				r.Header = http.Header{"Content-Type": {kind}, "X-Twilio-Signature": {signature}}
				if authorization != "" {
					r.Header.Set("Authorization", authorization)
				}
				if got := posted(t, door, r); got < 400 || got > 405 || len(l.taken) > 0 {
					t.Fatalf("%T, %s: answered %d, taken %v", door, method, got, l.taken)
				}
			}
		}
	})
}
