package sms_test

import (
	"encoding/json"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"sallyport/back/sms"
)

const (
	snsAccount = "AKIAIOSFODNN7EXAMPLE"
	snsTaken   = `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>94f20ce6-13c5-43a0-9a9e-ca52d816e90b</MessageId></PublishResult><ResponseMetadata><RequestId>f187a3c1</RequestId></ResponseMetadata></PublishResponse>`
)

func snsFault(code, words string) string {
	return `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>` + code + `</Code><Message>` + words + `</Message></Error><RequestId>x</RequestId></ErrorResponse>`
}

// asSNS is a gateway of kind sns whose provider is a stand.
func asSNS(t *testing.T) (*stand, *sms.SNS) {
	t.Helper()
	s := newStand(t, nil)
	return s, vendor(t, "https://login.example.org", "kind: sns", "account: "+snsAccount, "secret_file: amazon.key", "region: eu-west-1", "address: "+s.URL).(*sms.SNS)
}

func TestWhatAmazonAnswers(t *testing.T) {
	s, g := asSNS(t)
	answers{
		{"taken", 200, snsTaken, isSent, "94f20ce6-13c5-43a0-9a9e-ca52d816e90b"},
		{"no number", 400, snsFault("InvalidParameter", "Invalid parameter: PhoneNumber Reason: +12025550143 is not valid to publish to"), isRefused, "answered 400, code InvalidParameter: the gateway refused"},
		{"sent STOP", 400, snsFault("OptedOut", "x"), isRefused, "answered 400, code OptedOut"},
		{"another parameter", 400, snsFault("InvalidParameter", "Invalid parameter: Message too long"), isFailed, "answered 400, code InvalidParameter"},
		{"keys that nobody knows", 403, snsFault("InvalidClientTokenId", "x"), isFailed, "answered 403, code InvalidClientTokenId"},
		{"keys that may not", 403, snsFault("AuthorizationError", "User: arn:aws:iam::123456789012:user/x"), isFailed, "answered 403, code AuthorizationError"},
		{"too many", 400, snsFault("Throttling", "Rate exceeded"), isBusy, ""},
		{"too many, as it is now", 429, snsFault("Throttled", "x"), isBusy, ""},
		{"an echo is not shown", 400, snsFault("+12025550143", "x"), isFailed, "answered 400"},
		{"broken", 500, `<html>`, isFailed, "answered 500"},
		{"taken, but half of the answer", 200, snsTaken[:120], isUnknown, "answered 200 with what is not its XML"},
		{"a page", 200, `<html>OK</html>`, isUnknown, "answered 200 with what is not its XML"},
	}.hold(t, s, g)
}

// The form is that of Amazon's own client, and the signature the one that its
// library gives the same request.
func TestTheRequestToAmazonIsThatOfItsClient(t *testing.T) {
	t.Parallel()
	for sender, attribute := range map[string]string{"ACME": "AWS.SNS.SMS.SenderID", "+447700900123": "AWS.MM.SMS.OriginationNumber", "": ""} {
		t.Run("from "+sender, func(t *testing.T) {
			s, g := asSNS(t)
			g.Sender = sender
			s.says(200, snsTaken, "Content-Type", "text/xml")
			if _, err := g.Send(t.Context(), letter); err != nil {
				t.Fatal(err)
			}
			ours := s.last()
			attributes := map[string]any{"AWS.SNS.SMS.SMSType": map[string]string{"DataType": "String", "StringValue": "Transactional"}}
			if attribute != "" {
				attributes[attribute] = map[string]string{"DataType": "String", "StringValue": sender}
			}
			in, _ := json.Marshal(map[string]any{"account": snsAccount, "secret": "hunter2 of amazon.key", "region": "eu-west-1", "origin": s.URL,
				"url": s.URL + ours.path, "body": ours.body, "at": ours.header.Get("X-Amz-Date"), "headers": map[string]string{"Content-Type": ours.header.Get("Content-Type")},
				"publish": map[string]any{"PhoneNumber": letter.To, "Message": letter.Text, "MessageAttributes": attributes}})
			judge := said[struct{ Signed, Ref string }](t, run(t, in, nil, "python3", "testdata/judges/sns.py"))
			if got := ours.header.Get("Authorization"); got != judge.Signed {
				t.Errorf("we sign\n%s, the library\n%s", got, judge.Signed)
			}
			if !strings.Contains(snsTaken, "<MessageId>"+judge.Ref+"</MessageId>") {
				t.Errorf("its client read %q", judge.Ref)
			}
			theirs := s.last()
			if a, b := flatAttributes(t, ours.body), flatAttributes(t, theirs.body); !reflect.DeepEqual(a, b) || ours.method != theirs.method || ours.path != theirs.path ||
				ours.header.Get("Content-Type") != theirs.header.Get("Content-Type") {
				t.Errorf("the request is %s %s %v %v\nnot %s %s %v %v", ours.method, ours.path, ours.header, a, theirs.method, theirs.path, theirs.header, b)
			}
		})
	}
}

// flatAttributes reads a form in which the order of attributes does not count.
func flatAttributes(t *testing.T, body string) url.Values {
	t.Helper()
	form, err := url.ParseQuery(body)
	if err != nil {
		t.Fatal(err)
	}
	flat := url.Values{}
	for key, values := range form {
		parts := strings.SplitN(key, ".", 4)
		if len(parts) == 4 {
			key = "attribute " + form.Get(strings.Join(parts[:3], ".")+".Name") + " " + parts[3]
		}
		flat[key] = values
	}
	return flat
}

func TestReachingAmazon(t *testing.T) {
	s, g := asSNS(t)
	for _, row := range []struct {
		status int
		body   string
		want   string
	}{
		{200, `<GetSMSAttributesResponse/>`, ""}, {403, snsFault("AuthorizationError", "may not"), ""},
		{403, snsFault("InvalidClientTokenId", "x"), "does not know the account"}, {403, snsFault("SignatureDoesNotMatch", "x"), "hint: check account, secret_file and region, and the clock"},
	} {
		s.says(row.status, row.body)
		err := g.Reach(t.Context())
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%d %s: %v", row.status, row.body, err)
		}
	}
	if form, err := url.ParseQuery(s.last().body); err != nil || form.Get("Action") != "GetSMSAttributes" {
		t.Errorf("it asks %v, %v", form, err)
	}
	s.Close()
	if err := g.Reach(t.Context()); err == nil || !strings.Contains(err.Error(), "; hint: ") {
		t.Error(err)
	}
}
