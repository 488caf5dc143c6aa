package stories_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	landline  = "This looks like a landline number. Enter a mobile number that can get text messages."
	wrongKind = "This kind of number cannot get our text messages. Enter an ordinary mobile number."
	refused   = "We cannot send a text message to this number. Check it, or use a different number."
)

// onlyTo are settings under which text messages go to some countries only.
func onlyTo(countries string) settings {
	return settings{noSMS: true, more: "sms:\n  countries: [" + countries + "]\n  gateways:\n    - name: outbox\n      kind: outbox\n      path: ./outbox.jsonl\n"}
}

// atNumber is a browser on the page that asks for a mobile number, in the wizard.
func (p *portal) atNumber(name string) *browser {
	p.t.Helper()
	b := p.browser()
	b.enter(name, password)
	b.click("Configure 2FA")
	b.do("Continue").is(want{page: "setup-phone", step: "3"})
	return b
}

// The rows of a number, in the wizard and in the account.
func TestNumberRows(t *testing.T) {
	t.Parallel()
	p := open(t, settings{policy: "  block_internet_numbers: true\n"})
	p.add("grace")
	wizard, account := p.atNumber("grace"), p.enrol("ada")
	account.get("/account/phone").is(want{page: "setup-phone", step: "0"})
	const check = " Check the number and the country."
	for _, b := range []*browser{wizard, account} {
		for _, row := range []struct{ country, typed, words string }{
			{"US", "", "Enter your mobile number"},
			{"US", " ", "Enter your mobile number"},
			{"GB", "07911-FLOWER", "Mobile number can only include digits, spaces and + ( ) - ."},
			{"GB", "07911 123456 📱", "Mobile number can only include digits, spaces and + ( ) - ."},
			{"US", "(202) 555-0143 ext. 12", "Enter the number without an extension"},
			{"US", "(202) 555-0143 x12", "Enter the number without an extension"},
			{"US", "(202) 555-0143;12", "Enter the number without an extension"},
			{"US", "(202) 555-0143 #12", "Enter the number without an extension"},
			{"FR", "06 12 34 56", "This number is too short for France." + check},
			{"FR", "06 12 34 56 78 90", "This number is too long for France." + check},
			{"FR", "06 39 12 34 56", "This does not look like a mobile number in France." + check},
			{"GB", "020 7946 0000", landline},
			{"GB", "0900 123 4567", wrongKind},   // premium
			{"GB", "0845 123 4567", wrongKind},   // shared cost
			{"GB", "0800 123 4567", wrongKind},   // free
			{"GB", "07640 123456", wrongKind},    // pager
			{"GB", "070 1234 5678", wrongKind},   // personal
			{"GB", "+881 612 345678", wrongKind}, // of no country
			{"GB", "056 1234 5678", "This looks like an internet phone number. Enter a number from a mobile network."},
			{"US", "+999 123 4567", "We do not know the country code +999. Check the start of the number."},
		} {
			b.do("Send SMS", "country", row.country, "phone", row.typed).
				marked(want{page: "setup-phone", problem: "#phone " + row.words, kept: []string{"phone", row.typed}})
			if f, _ := b.page.button("Send SMS"); !strings.Contains(strings.Join(f.fields, " "), "country "+row.country) {
				t.Errorf("%s: the country is not kept: %v", row.typed, f.fields)
			}
		}
	}
	if list := p.lines(""); len(list) != 2 { // code and notice of the enrolment
		t.Errorf("text messages: %v", list)
	}
}

func TestCountriesThatGetNoTexts(t *testing.T) {
	t.Parallel()
	p := open(t, onlyTo("US"))
	p.add("ada")
	b := p.atNumber("ada")
	b.is(want{texts: []string{"Country or region United States (+1)"}})
	if strings.Contains(b.page.body, "<select") {
		t.Error("a list of one country")
	}
	for typed, country := range map[string]string{"(876) 210-1234": "Jamaica", "+1 416 555 0143": "Canada", "+33 6 12 34 56 78": "France"} {
		b.do("Send SMS", "phone", typed).marked(want{page: "setup-phone", kept: []string{"phone", typed},
			problem: "#phone We cannot send text messages to " + country + ". Use another number or contact the service desk."})
	}
	p = open(t, onlyTo("US, GB"))
	p.add("ada")
	b = p.atNumber("ada")
	if n := strings.Count(b.page.body, "<option "); n != 2 {
		t.Errorf("%d countries in the list", n)
	}
	b.do("Send SMS", "country", "GB", "phone", "07797 712345").is(want{page: "setup-phone-code"}) // Jersey goes with it
	b.get("/2fa/setup/phone")
	b.do("Send SMS", "country", "GB", "phone", "+33 6 12 34 56 78").marked(want{page: "setup-phone",
		problem: "#phone We cannot send text messages to France. Use another number or contact the service desk."})
}

// A number may serve five accounts; the sixth hears what a refused number does,
// and nothing of whose it is.
func TestFiveAccountsShareANumber(t *testing.T) {
	t.Parallel()
	p := open(t)
	other := p.browser()
	for i := range 5 {
		name := fmt.Sprintf("ada%d", i)
		p.add(name)
		p.browser().wizard(name, number, e164)
		p.move(11 * time.Minute)
	}
	p.add("grace")
	b := p.atNumber("grace")
	b.do("Send SMS", "phone", number).marked(want{page: "setup-phone", problem: "#phone " + refused, kept: []string{"phone", number}, absent: []string{"account"}})
	b.do("Send SMS", "phone", number2).is(want{page: "setup-phone-code"})
	p.code(e164two)
	p.add("mary")
	other.wizard("mary", "(202) 555-0177", "+12025550177")
	other.get("/account/phone")
	other.do("Send SMS", "phone", number).marked(want{page: "setup-phone", problem: "#phone " + refused, kept: []string{"phone", number}})
	p.quiet(e164)
}

// after checks that Retry-After is a wait which the words round up.
func (p *page) after(about time.Duration) *page {
	p.t.Helper()
	unit := time.Minute
	if about > 90*time.Minute {
		unit = time.Hour
	}
	got, err := strconv.Atoi(p.header.Get("Retry-After"))
	if wait := time.Duration(got) * time.Second; err != nil || wait > about || wait <= about-unit {
		p.t.Errorf("%s: Retry-After is %q, not about %v", p.url, p.header.Get("Retry-After"), about)
	}
	return p
}

// Twenty text messages an hour to whoever asks from one address.
func TestTooManyTextMessages(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.add("eve")
	last := p.atNumber("eve")
	for i := range 4 {
		name := fmt.Sprintf("ada%d", i)
		p.add(name)
		b := p.atNumber(name)
		b.address = last.address
		for n := range 5 {
			b.get("/2fa/setup/phone?other=yes")
			b.do("Send SMS", "phone", fmt.Sprintf("(%d) 555-01%02d", []int{212, 312, 415, 617}[i], 10+n)).is(want{page: "setup-phone-code"}) // no prefix has six
		}
	}
	p.move(20 * time.Minute)
	const words = "Too many text messages have been sent. Try again in 40 minutes."
	last.get("/2fa/setup/phone")
	last.do("Send SMS", "phone", number).marked(want{status: 429, page: "setup-phone", problem: "#phone " + words, kept: []string{"phone", number}}).after(40 * time.Minute)
	// In the account and at recovery the words are the same.
	owner := p.enrol("grace")
	owner.address = last.address
	owner.get("/account/phone")
	owner.do("Send SMS", "phone", number2).marked(want{status: 429, page: "setup-phone", problem: "#phone " + words, kept: []string{"phone", number2}}).after(40 * time.Minute)
	c := p.browser()
	c.address = last.address
	c.enter("grace", password)
	c.get("/2fa/other")
	c.do("Send SMS").is(want{status: 429, page: "other-way", problem: " " + words}).after(40 * time.Minute)
	p.move(40 * time.Minute)
	last.enter("eve", password)
	last.click("Carry on").is(want{page: "setup-phone"})
	last.do("Send SMS", "phone", number2).is(want{page: "setup-phone-code"})
}

// The provider is down: it is a problem at our end, nothing is lost, and when it
// goes on everybody is told before they ask for a text.
func TestTextMessagesAreDelayed(t *testing.T) {
	t.Parallel()
	const delayed = "Text messages are delayed at the moment."
	const down = "We could not send the text message. This is a problem at our end. Try again in a few minutes. Your number is kept."
	p := open(t)
	owner := p.enrol("ada")
	if err := os.Rename(filepath.Join(p.dir, "outbox.jsonl"), filepath.Join(p.dir, "before.jsonl")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(p.dir, "outbox.jsonl"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		name := fmt.Sprintf("grace%d", i)
		p.add(name)
		b := p.atNumber(name)
		b.is(want{absent: []string{delayed}})
		for n := range 5 {
			b.get("/2fa/setup/phone?other=yes")
			b.do("Send SMS", "phone", fmt.Sprintf("(202) 555-01%02d", 50+5*i+n)).is(want{page: "setup-phone-code"})
			for end := time.Now().Add(10 * time.Second); b.page.notice() != down && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
				b.get("/2fa/setup/phone/code")
			}
			b.page.shows(down)
		}
		b.click("Use a different number").is(want{page: "setup-phone", kept: []string{"phone", fmt.Sprintf("(202) 555-01%02d", 54+5*i)}})
	}
	p.add("mary")
	b := p.atNumber("mary")
	b.page.shows(delayed)
	owner.get("/account/phone").is(want{page: "setup-phone"}).shows(delayed)
	c := p.lost("ada")
	c.get("/2fa/other").is(want{page: "other-way"}).shows(delayed)
	c.do("Send SMS").is(want{page: "text-code"})
	if !strings.Contains(c.page.notice(), delayed) {
		t.Errorf("S11: %q", c.page.notice())
	}
}

// Send SMS for the same number within the gap goes on to the code, and sends nothing.
func TestSameNumberWithinTheGap(t *testing.T) {
	t.Parallel()
	for _, way := range codeWays[:2] {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			p := open(t)
			b := way.begin(p)
			p.code(way.to)
			form := strings.TrimSuffix(b.page.url, "/code")
			within := func() {
				t.Helper()
				b.get(form).is(want{page: "setup-phone"})
				b.do("Send SMS").is(want{page: "setup-phone-code"}).shows("")
				p.quiet(way.to)
			}
			p.move(20 * time.Second)
			within()
			p.move(11 * time.Second)
			b.do("Send SMS again").is(want{notice: "We sent the code again. It is the same code."})
			p.code(way.to)
			within()
			p.move(100 * time.Second) // of two minutes
			within()
		})
	}
}
