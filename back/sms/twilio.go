package sms

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"sallyport/core/message"
)

// Twilio is the provider of that name, by its API of messages (2010-04-01). Its
// receipts are signed with the Auth Token.
type Twilio struct {
	*Caller
	Receipts Receipts
	Label    string
	Only     []string // countries; empty means all
	Origin   string   // scheme and host of the API
	Account  string
	Token    func() string // a function prints as its address
	Sender   string
	Service  string // picks the sender instead
	Callback string // where receipts are to go, as people reach it
	NoReport bool   // the provider refuses an address of this machine
}

// Name is the gateway's name in the settings.
func (g *Twilio) Name() string { return g.Label }

// Countries are those that the gateway serves.
func (g *Twilio) Countries() []string { return g.Only }

// twilioRefused are the codes that are the number's fault: none (21211), not
// reachable (21214, 21217), a short one (21265), without texts (21614), a landline
// (21635), and one that sent STOP (21610). 21612 is not among them: another sender
// or provider may reach the number.
var twilioRefused = []string{"21211", "21214", "21217", "21265", "21610", "21614", "21635"}

// twilioBusy are the codes of too many at once: for the account, for the sender.
var twilioBusy = []string{"20429", "21611"}

// Send calls Twilio once.
func (g *Twilio) Send(ctx context.Context, m message.Message) (ref string, err error) {
	r, err := g.request(ctx, http.MethodPost, "/Messages.json", strings.NewReader(g.form(m).Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	a, err := g.call(r, true)
	if err != nil {
		return "", err
	}
	said, _ := a.field("code")
	switch {
	case a.status == http.StatusCreated && !a.whole():
		return "", fmt.Errorf("answered %d with what is not JSON, or not all of it: %w", a.status, ErrUnknown)
	case a.status == http.StatusCreated:
		return a.ref("sid"), nil
	case a.status == http.StatusTooManyRequests, a.status == http.StatusBadRequest && slices.Contains(twilioBusy, said):
		return "", Busy{After: a.after}
	case a.status == http.StatusBadRequest && slices.Contains(twilioRefused, said):
		return "", fmt.Errorf("%s: %w", a.words("code"), ErrRefused)
	}
	return "", a.fault("code")
}

func (g *Twilio) request(ctx context.Context, method, path string, body *strings.Reader) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, g.Origin+"/2010-04-01/Accounts/"+g.Account+path, body)
	if err != nil {
		return nil, errors.New("the address of the API is none")
	}
	r.SetBasicAuth(g.Account, g.Token())
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "sallyport")
	return r, nil
}

// The least and the most seconds that Twilio may keep a message.
const twilioLeast, twilioMost = 1, 36000

// form is a message in the words of Twilio. Its receipts bring our name for it
// back, so that one is found too whose answer we never saw.
func (g *Twilio) form(m message.Message) url.Values {
	form := url.Values{"To": {m.To}, "Body": {m.Text}}
	if g.Service != "" {
		form.Set("MessagingServiceSid", g.Service)
	} else {
		form.Set("From", g.Sender)
	}
	if !g.NoReport {
		form.Set("StatusCallback", g.Callback+"?id="+m.ID)
	}
	if !m.ExpireAt.IsZero() {
		form.Set("ValidityPeriod", strconv.Itoa(seconds(m.ExpireAt.Sub(g.now()), twilioLeast, twilioMost)))
	}
	return form
}

// seconds is a time in whole seconds, between a least and a most.
func seconds(d time.Duration, least, most int) int { return min(max(int(d/time.Second), least), most) }

// Reach says whether Twilio can be called and knows the account.
func (g *Twilio) Reach(ctx context.Context) error {
	_, err := g.Balance(ctx)
	return err
}

// Balance is the money that is left, with its currency.
func (g *Twilio) Balance(ctx context.Context) (amount string, err error) {
	r, err := g.request(ctx, http.MethodGet, "/Balance.json", strings.NewReader(""))
	if err != nil {
		return "", err
	}
	a, err := g.ask(r, g.Origin)
	if err != nil {
		return "", err
	}
	left, _ := a.field("balance")
	currency, _ := a.field("currency")
	return money(left, currency), nil
}

// ServeHTTP takes receipts.
func (g *Twilio) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if methods(w, r, http.MethodPost) {
		g.Receipts.take(w, r, g.read)
	}
}

var (
	ourQuery  = regexp.MustCompile(`^id=([A-Za-z0-9-]{1,64})$`)
	twilioSID = regexp.MustCompile(`^(SM|MM)[0-9a-f]{32}$`)
)

// read makes a receipt of a request that Twilio has signed. Signed is a text in
// which names and values follow each other without a mark, so that each value that
// counts must have its own form to its end.
func (g *Twilio) read(r *http.Request, body []byte) (receipt message.Receipt, err error) {
	form, err := single(string(body))
	id := ourQuery.FindStringSubmatch(r.URL.RawQuery)
	switch {
	case err != nil || r.URL.RawQuery != "" && id == nil:
		return receipt, malformed
	case !g.signed(r.Header.Values("X-Twilio-Signature"), r.URL.RawQuery, form):
		return receipt, forged
	case form.Get("AccountSid") != g.Account:
		return receipt, forged
	}
	state, ok := twilioState(form.Get("MessageStatus"), form.Get("ErrorCode"))
	if !ok || !twilioSID.MatchString(form.Get("MessageSid")) {
		return receipt, malformed
	}
	receipt = message.Receipt{Gateway: g.Label, Ref: form.Get("MessageSid"), State: state}
	if id != nil {
		receipt.ID = id[1]
	}
	if state != message.Sent && state != message.Delivered {
		receipt.Reason = reason(form.Get("ErrorCode"))
	}
	return receipt, nil
}

// signed checks X-Twilio-Signature over the address that the settings give, since
// the Host of a request is whatever its sender likes. Twilio signs it with its port
// or without.
func (g *Twilio) signed(signatures []string, query string, form url.Values) bool {
	if len(signatures) != 1 {
		return false
	}
	var said strings.Builder
	for _, key := range slices.Sorted(maps.Keys(form)) {
		said.WriteString(key + form.Get(key))
	}
	good := false
	for _, address := range ports(g.Callback) {
		if query != "" {
			address += "?" + query
		}
		mac := hmac.New(sha1.New, []byte(g.Token()))
		mac.Write([]byte(address + said.String()))
		good = hmac.Equal([]byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))), []byte(signatures[0])) || good
	}
	return good
}

// ports are the ways to write an address: as it is, and with its port or without.
func ports(address string) []string {
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	without := strings.TrimSuffix(u.Host, ":"+u.Port())
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return []string{u.Scheme + "://" + without + ":" + port + u.Path, u.Scheme + "://" + without + u.Path}
}

var twilioErrors = map[string]message.State{
	"30003": message.Away, "30005": message.Gone, "30006": message.Unfit, "21614": message.Unfit, "21635": message.Unfit,
	"30004": message.Blocked, "30007": message.Blocked, "30032": message.Blocked, "30034": message.Blocked, // the last two: a sender that is not registered
	"21610": message.OptedOut,
}

// twilioState is what a status and an error of Twilio mean to us.
func twilioState(status, fault string) (message.State, bool) {
	switch status {
	case "accepted", "scheduled", "queued", "sending", "sent":
		return message.Sent, true
	case "delivered", "read":
		return message.Delivered, true
	case "undelivered", "failed", "canceled":
		if state, ok := twilioErrors[fault]; ok {
			return state, true
		}
		return message.Undelivered, true
	}
	return "", false
}
