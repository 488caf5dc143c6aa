package sms

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"sallyport/core/message"
)

// SNS is Amazon's Simple Notification Service with the keys of one user. It tells
// nobody but CloudWatch what became of a message, so it has no receipts.
type SNS struct {
	*Caller
	Label   string
	Only    []string // countries; empty means all
	Origin  string   // scheme and host
	Region  string
	Account string        // the access key ID
	Secret  func() string // the secret access key; a function prints as its address
	Sender  string
}

// Name is the gateway's name in the settings.
func (g *SNS) Name() string { return g.Label }

// Countries are those that the gateway serves.
func (g *SNS) Countries() []string { return g.Only }

// Send calls Amazon once.
func (g *SNS) Send(ctx context.Context, m message.Message) (ref string, err error) {
	a, said, err := g.act(ctx, g.form(m))
	if err != nil {
		return "", err
	}
	number := strings.HasPrefix(said.Code, "InvalidParameter") && strings.Contains(said.Message, "PhoneNumber")
	switch {
	case a.status == http.StatusOK && said.XMLName.Local != "PublishResponse":
		return "", fmt.Errorf("answered %d with what is not its XML, or not all of it: %w", a.status, ErrUnknown)
	case a.status == http.StatusOK:
		return nameIn(said.MessageID), nil
	case a.status == http.StatusTooManyRequests || strings.HasPrefix(said.Code, "Thrott"):
		return "", Busy{After: a.after}
	case number || strings.HasPrefix(said.Code, "OptedOut"):
		return "", fmt.Errorf("%s: %w", said.words(a), ErrRefused)
	}
	return "", errors.New(said.words(a))
}

// form is a message as a call of Publish. A sender with a + is a number of the
// account, one without is a name.
func (g *SNS) form(m message.Message) url.Values {
	form := url.Values{"Action": {"Publish"}, "Version": {"2010-03-31"}, "PhoneNumber": {m.To}, "Message": {m.Text}}
	attributes := [][2]string{{"AWS.SNS.SMS.SMSType", "Transactional"}}
	switch {
	case strings.HasPrefix(g.Sender, "+"):
		attributes = append(attributes, [2]string{"AWS.MM.SMS.OriginationNumber", g.Sender})
	case g.Sender != "":
		attributes = append(attributes, [2]string{"AWS.SNS.SMS.SenderID", g.Sender})
	}
	for i, pair := range attributes {
		entry := fmt.Sprintf("MessageAttributes.entry.%d.", i+1)
		form.Set(entry+"Name", pair[0])
		form.Set(entry+"Value.DataType", "String")
		form.Set(entry+"Value.StringValue", pair[1])
	}
	return form
}

// snsSaid is an answer, good or not.
type snsSaid struct {
	XMLName   xml.Name
	MessageID string `xml:"PublishResult>MessageId"`
	Code      string `xml:"Error>Code"`
	Message   string `xml:"Error>Message"` // never shown: it names the number
}

func (s snsSaid) words(a *answer) string {
	if !shown.MatchString(s.Code) || hidden.MatchString(s.Code) {
		return fmt.Sprintf("answered %d", a.status)
	}
	return fmt.Sprintf("answered %d, code %s", a.status, s.Code)
}

// act makes a signed call and reads its answer.
func (g *SNS) act(ctx context.Context, form url.Values) (a *answer, said snsSaid, err error) {
	r, err := g.request(ctx, form)
	if err != nil {
		return nil, said, err
	}
	if a, err = g.call(r, true); err != nil {
		return nil, said, err
	}
	if xml.Unmarshal(a.body, &said) != nil {
		said = snsSaid{}
	}
	return a, said, nil
}

func (g *SNS) request(ctx context.Context, form url.Values) (*http.Request, error) {
	body := form.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.Origin+"/", strings.NewReader(body))
	if err != nil {
		return nil, errors.New("the address of the API is none")
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set("User-Agent", "sallyport")
	g.sign(r, body)
	return r, nil
}

// sign signs a request by Signature Version 4: what is hashed is the request in a
// fixed form, and the key is the secret bound to a day, a region and a service.
func (g *SNS) sign(r *http.Request, body string) {
	at := g.now().UTC().Format("20060102T150405Z")
	r.Header.Set("X-Amz-Date", at)
	const names = "content-type;host;x-amz-date"
	whole := strings.Join([]string{r.Method, "/", "", "content-type:" + r.Header.Get("Content-Type"), "host:" + r.URL.Host, "x-amz-date:" + at, "", names, digest(body)}, "\n")
	scope := strings.Join([]string{at[:8], g.Region, "sns", "aws4_request"}, "/")
	key := []byte("AWS4" + g.Secret())
	for _, step := range strings.Split(scope, "/") {
		key = keyed(key, step)
	}
	signature := hex.EncodeToString(keyed(key, strings.Join([]string{"AWS4-HMAC-SHA256", at, scope, digest(whole)}, "\n")))
	r.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s", g.Account, scope, names, signature))
}

func keyed(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// unsigned are the codes of keys that Amazon does not know, or not in this form.
var unsigned = []string{"InvalidClientTokenId", "SignatureDoesNotMatch", "IncompleteSignature", "RequestExpired", "ExpiredToken", "OptInRequired"}

// Reach says whether Amazon can be called and knows the keys. Whether they may send
// it does not say: a user who may only publish is told no here, and that is well.
func (g *SNS) Reach(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	r, err := g.request(ctx, url.Values{"Action": {"GetSMSAttributes"}, "Version": {"2010-03-31"}})
	if err != nil {
		return err
	}
	a, err := g.tried(r, g.Origin)
	if err != nil {
		return err
	}
	var said snsSaid
	_ = xml.Unmarshal(a.body, &said)
	if slices.Contains(unsigned, said.Code) {
		return fmt.Errorf("%s does not know the account and its secret (%s); hint: check account, secret_file and region, and the clock of this machine", g.Origin, said.words(a))
	}
	return nil
}
