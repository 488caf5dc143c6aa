package sms

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"sallyport/core/message"
)

// Vonage is the provider of that name, by its Messages API. Of its two APIs that
// is the one whose receipts can be checked well: a JWT (HS256) holds the hash of
// the body as it was sent, and an age. The SMS API signs names and values by one of
// five methods that the account chooses, MD5 without a key among them.
type Vonage struct {
	*Caller
	Label    string
	Only     []string // countries; empty means all
	Origin   string   // scheme and host of the API
	Money    string   // scheme and host of the API of accounts
	Account  string
	Secret   func() string // a function prints as its address
	Sender   string
	Callback string // where receipts are to go, or ""
}

// Name is the gateway's name in the settings.
func (g *Vonage) Name() string { return g.Label }

// Countries are those that the gateway serves.
func (g *Vonage) Countries() []string { return g.Only }

// vonageRefused are the codes that are the number's fault: a beginning that nobody
// knows, a barred one, none, and one that sent STOP.
var vonageRefused = []string{"1040", "1050", "1170", "1240"}

// vonageBusy is the code of too many at once, which comes with 429 as a rule.
const vonageBusy = "1000"

// Send calls Vonage once.
func (g *Vonage) Send(ctx context.Context, m message.Message) (ref string, err error) {
	body, err := json.Marshal(g.words(m))
	if err != nil {
		return "", errors.New("the message cannot be written as JSON")
	}
	r, err := g.request(ctx, http.MethodPost, g.Origin+"/v1/messages", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	a, err := g.call(r, true)
	if err != nil {
		return "", err
	}
	fault := vonageCode(a, "")
	wrong, _ := a.field("invalid_parameters.0.name")
	switch {
	case a.status == http.StatusAccepted && !a.whole():
		return "", fmt.Errorf("answered %d with what is not JSON, or not all of it: %w", a.status, ErrUnknown)
	case a.status == http.StatusAccepted:
		return a.ref("message_uuid"), nil
	case a.status == http.StatusTooManyRequests || fault == vonageBusy:
		return "", Busy{After: a.after}
	case a.status == http.StatusUnprocessableEntity && (wrong == "to" || slices.Contains(vonageRefused, fault)):
		return "", fmt.Errorf("%s: %w", saying(a, fault), ErrRefused)
	}
	return "", errors.New(saying(a, fault))
}

// saying are the words of a fault for the log.
func saying(a *answer, fault string) string {
	if fault == "" {
		return a.words("title")
	}
	return fmt.Sprintf("answered %d, error %s", a.status, fault)
}

// vonageCode is the number behind # in the address of an error.
func vonageCode(a *answer, within string) string {
	address, _ := a.field(within + "type")
	_, code, _ := strings.Cut(address, "#")
	if n, err := strconv.ParseUint(code, 10, 16); err != nil || n == 0 {
		return ""
	}
	return code
}

// The least and the most seconds that Vonage may keep a message.
const vonageLeast, vonageMost = 20, 604800

// words is a message as Vonage wants it. Its receipts bring our name for it back.
func (g *Vonage) words(m message.Message) map[string]any {
	all := map[string]any{"channel": "sms", "message_type": "text", "to": strings.TrimPrefix(m.To, "+"), "from": strings.TrimPrefix(g.Sender, "+"),
		"text": m.Text, "client_ref": m.ID}
	if !m.ExpireAt.IsZero() {
		all["ttl"] = seconds(m.ExpireAt.Sub(g.now()), vonageLeast, vonageMost)
	}
	if g.Callback != "" {
		all["webhook_url"], all["webhook_version"] = g.Callback, "v1"
	}
	return all
}

func (g *Vonage) request(ctx context.Context, method, address string, body *bytes.Reader) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, errors.New("the address of the API is none")
	}
	r.SetBasicAuth(g.Account, g.Secret())
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "sallyport")
	return r, nil
}

// Reach says whether Vonage can be called, without sending anything.
func (g *Vonage) Reach(ctx context.Context) error { return g.reach(ctx, g.Origin) }

// Balance is the money that is left. Vonage tells it in euros.
func (g *Vonage) Balance(ctx context.Context) (amount string, err error) {
	r, err := g.request(ctx, http.MethodGet, g.Money+"/account/get-balance", bytes.NewReader(nil))
	if err != nil {
		return "", err
	}
	a, err := g.ask(r, g.Money)
	if err != nil {
		return "", err
	}
	left, _ := a.field("value")
	return money(left, "EUR"), nil
}

// ReportingVonage is Vonage where the signature secret is known.
type ReportingVonage struct {
	*Vonage
	Receipts  Receipts
	Signature func() string // the signature secret
}

// ServeHTTP takes receipts.
func (g *ReportingVonage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if methods(w, r, http.MethodPost) {
		g.Receipts.take(w, r, g.read)
	}
}

// How old a token may be. Vonage sends a receipt again for a day, and does not say
// that it then signs it anew: an old one is worth nothing to a thief, since
// receipts only move a message forward.
const (
	tokenAhead = 5 * time.Minute
	tokenOld   = 24*time.Hour + tokenAhead
)

// read makes a receipt of a request that Vonage has signed.
func (g *ReportingVonage) read(r *http.Request, body []byte) (receipt message.Receipt, err error) {
	if !g.signed(r.Header.Values("Authorization"), body) {
		return receipt, forged
	}
	a := &answer{body: body}
	status, _ := a.field("status")
	fault := vonageCode(a, "error.")
	if fault == "" {
		fault, _ = a.field("error.title")
	}
	state, ok := vonageState(status, fault)
	uuid, _ := a.field("message_uuid")
	ours, _ := a.field("client_ref")
	receipt = message.Receipt{Gateway: g.Label, Ref: nameIn(uuid), ID: nameIn(ours), State: state}
	if !ok || receipt.Ref == "" {
		return receipt, malformed
	}
	if state.Lost() {
		receipt.Reason = reason(fault)
	}
	return receipt, nil
}

// claims are what a token says. Pointers, since what is missing is not zero.
type claims struct {
	Issued  *int64  `json:"iat"`
	Expires *int64  `json:"exp"`
	Hash    *string `json:"payload_hash"`
	Account *string `json:"api_key"`
}

// signed checks the token of a request and that it is of this body. No method but
// HS256 is known, whatever its head says.
func (g *ReportingVonage) signed(headers []string, body []byte) bool {
	if len(headers) != 1 {
		return false
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	parts := strings.Split(token, ".")
	if !strings.EqualFold(scheme, "Bearer") || len(parts) != 3 {
		return false
	}
	mac := hmac.New(sha256.New, []byte(g.Signature()))
	mac.Write([]byte(parts[0] + "." + parts[1]))
	given, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !hmac.Equal(given, mac.Sum(nil)) {
		return false
	}
	var head struct{ Alg string }
	var said claims
	if !part(parts[0], &head) || !part(parts[1], &said) || head.Alg != "HS256" || said.Issued == nil || said.Hash == nil || said.Account == nil {
		return false
	}
	hash := sha256.Sum256(body)
	same := hmac.Equal([]byte(strings.ToLower(*said.Hash)), []byte(hex.EncodeToString(hash[:])))
	return same && *said.Account == g.Account && g.fresh(said)
}

func (g *ReportingVonage) fresh(said claims) bool {
	age := g.now().Sub(time.Unix(*said.Issued, 0))
	return age >= -tokenAhead && age <= tokenOld && (said.Expires == nil || g.now().Sub(time.Unix(*said.Expires, 0)) <= tokenAhead)
}

// part reads a part of a token.
func part(text string, v any) bool {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	return err == nil && json.Unmarshal(raw, v) == nil
}

var vonageErrors = map[string]message.State{
	"1180": message.Away, "1220": message.Away, "1360": message.Away, "1170": message.Gone, "1190": message.Gone,
	"1050": message.Unfit, "1300": message.Unfit, "1310": message.Unfit,
	"1120": message.Blocked, "1210": message.Blocked, "1270": message.Blocked, "1280": message.Blocked,
	"1240": message.OptedOut,
}

// vonageState is what a status and an error of Vonage mean to us.
func vonageState(status, fault string) (message.State, bool) {
	switch status {
	case "submitted":
		return message.Sent, true
	case "delivered", "read":
		return message.Delivered, true
	case "rejected", "undeliverable":
		if state, ok := vonageErrors[fault]; ok {
			return state, true
		}
		return message.Undelivered, true
	}
	return "", false
}
