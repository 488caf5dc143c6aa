package message

import (
	"strings"
	"testing"
	"time"

	"sallyport/core/change"
	"sallyport/core/limit"
	"sallyport/core/person"
	"sallyport/core/phone"
)

var (
	ada   = person.Person{ID: "ada-id", Name: "ada"}
	newer = phone.Phone{ID: "newer", Person: "ada-id", Number: "+447700900123", Region: "GB"}
	older = phone.Phone{ID: "older", Person: "ada-id", Number: "+12025550143", Region: "US"}
)

// sort takes a set of effects apart; anything else than links and messages fails.
func sort(t *testing.T, set change.Set) (links []person.LinkMade, texts []QueuedOnce) {
	t.Helper()
	for _, effect := range set {
		switch e := effect.(type) {
		case person.LinkMade:
			links = append(links, e)
		case QueuedOnce:
			texts = append(texts, e)
		default:
			t.Errorf("%T", effect)
		}
	}
	return links, texts
}

func TestANoticeGoesToEveryNumberWithOneLink(t *testing.T) {
	w := longest(t)
	for _, n := range Notices {
		links, texts := sort(t, w.Notify(n, Told{Person: ada, Phones: []phone.Phone{older, newer},
			About: person.Disputed{Factor: "app-id", Where: "Firefox on Linux"}}, moment))
		if len(texts) != 2 || texts[0].Message.To != older.Number || texts[1].Message.To != newer.Number {
			t.Errorf("%s: %d texts", n, len(texts))
			continue
		}
		if n.disputable() != (len(links) == 1) || len(links) > 1 {
			t.Errorf("%s: %d links", n, len(links))
			continue
		}
		for i, text := range texts {
			m := text.Message
			if m.Person != "ada-id" || m.Kind != string(n) || m.State != Waiting || m.Country != []string{"US", "GB"}[i] ||
				!m.MadeAt.Equal(moment) || !m.ExpireAt.Equal(moment.Add(24*time.Hour)) || m.ID == texts[1-i].Message.ID {
				t.Errorf("%s: %+v", n, m)
			}
			if text.Message.Text != texts[0].Message.Text {
				t.Errorf("%s: two texts: %q and %q", n, text.Message.Text, texts[0].Message.Text)
			}
		}
		if len(links) == 1 {
			checkLink(t, n, links[0], texts[0].Message.Text)
		}
	}
}

// checkLink: what is kept is the hash of what was sent, for a week, and says
// what the notice was about.
func checkLink(t *testing.T, n Notice, made person.LinkMade, text string) {
	t.Helper()
	_, token, ok := strings.Cut(text, "https://"+host30+"/not-me/")
	l := made.Link
	if !ok || len(token) != 26 || l.ID != "hash of "+token || strings.Contains(string(l.Data), token) {
		t.Errorf("%s: %q with link %q", n, text, l.ID)
	}
	if l.Kind != person.Dispute || l.Person != "ada-id" || !l.MadeAt.Equal(moment) || !l.EndsAt.Equal(moment.Add(7*24*time.Hour)) || made.Replace {
		t.Errorf("%s: %+v", n, made)
	}
	want := person.Disputed{Event: string(n), At: moment, Factor: "app-id", Where: "Firefox on Linux"}
	if string(l.Data) != string(want.Encode()) {
		t.Errorf("%s: about %s", n, l.Data)
	}
}

func TestTwoNoticesHaveTwoTokens(t *testing.T) {
	w := longest(t)
	told := Told{Person: ada, Phones: []phone.Phone{newer}}
	first, _ := sort(t, w.Notify(AppAdded, told, moment))
	second, _ := sort(t, w.Notify(AppAdded, told, moment))
	if first[0].Link.ID == second[0].Link.ID {
		t.Error("two changes have one link")
	}
}

func TestTheSameNoticeGoesOutOnceInAWhile(t *testing.T) {
	w := longest(t)
	for _, n := range Notices {
		_, texts := sort(t, w.Notify(n, Told{Person: ada, Phones: []phone.Phone{older, newer}}, moment))
		window := 10 * time.Minute
		if n == WrongCodes || n == WrongPasswords {
			window = 24 * time.Hour
		}
		for i, text := range texts {
			once := text.Once
			if once.Budget.Max != 1 || once.Budget.Window != window || once.Free || !once.Now.Equal(moment) {
				t.Errorf("%s: %+v", n, once)
			}
			if once.Key != once.Budget.Key("ada-id", string(n), []string{"older", "newer"}[i]) {
				t.Errorf("%s: key %q", n, once.Key)
			}
		}
		if texts[0].Once.Key == texts[1].Once.Key {
			t.Errorf("%s: the second number gets none", n)
		}
	}
	if limit.NoticeDay.Name == limit.NoticeKind.Name {
		t.Error("both budgets have one row")
	}
}

func TestWithoutANumberOrAGatewayOnlyTheActivityPageCanDispute(t *testing.T) {
	w := longest(t)
	for _, told := range []Told{{Person: ada}, {Person: ada, Phones: []phone.Phone{newer}}} {
		links, texts := sort(t, w.Notify(AppAdded, told, moment))
		if len(links) != 1 || len(texts) != 0 {
			t.Errorf("%d numbers, no text %v: %d links, %d texts", len(told.Phones), w.NoText, len(links), len(texts))
		}
		w.NoText = true
	}
	if set := w.Notify(NewBrowser, Told{Person: ada, Phones: []phone.Phone{newer}}, moment); len(set) != 0 {
		t.Errorf("what cannot be disputed: %d effects", len(set))
	}
}

func TestANoticeNamesItsMoment(t *testing.T) {
	w := longest(t)
	at := moment.Add(24 * time.Hour)
	_, texts := sort(t, w.Notify(RecoveryWaiting, Told{Person: ada, Phones: []phone.Phone{newer}, When: at}, moment))
	if !strings.HasPrefix(texts[0].Message.Text, "A new "+name20+" app can be set up from 24 Nov 14:32 +0545. ") {
		t.Errorf("%q", texts[0].Message.Text)
	}
}

func TestAMessageBeginsWaitingUnderANameOfItsOwn(t *testing.T) {
	a := New("ada-id", CodeKind, "+12025550143", "US", "text", moment, time.Minute)
	b := New("ada-id", CodeKind, "+12025550143", "US", "text", moment, time.Minute)
	if a.ID == b.ID || len(a.ID) < 26 || a.State != Waiting || !a.ExpireAt.Equal(moment.Add(time.Minute)) {
		t.Errorf("%+v, %+v", a, b)
	}
}
