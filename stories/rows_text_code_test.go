package stories_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	wrongText  = "That code is not correct. Check the text message and enter the code again."
	guessedOut = "That code no longer works, because it was entered wrong 5 times. Choose ‘Send SMS again’ for a new one."
)

// not are codes that a text message code is not.
func not(n int, codes ...string) (list []string) {
	for i := 0; len(list) < n; i++ {
		if code := fmt.Sprintf("%06d", i); !strings.Contains(strings.Join(codes, " "), code) {
			list = append(list, code)
		}
	}
	return list
}

// codeWay leads to a page of a text message code, with a code on its way.
type codeWay struct {
	name, to string
	often    string // the wait of who asks for one text more
	wait     time.Duration
	begin    func(p *portal) *browser
}

// codeWays are all of them.
var codeWays = []codeWay{
	{"in the wizard", e164, "5 minutes", 5 * time.Minute, func(p *portal) *browser {
		p.add("ada")
		b := p.atNumber("ada")
		b.do("Send SMS", "phone", number).is(want{page: "setup-phone-code", step: "4"})
		return b
	}},
	{"in the account", e164two, "24 hours", 24 * time.Hour, func(p *portal) *browser {
		b := p.enrol("ada")
		b.get("/account/phone")
		b.do("Send SMS", "phone", number2).is(want{page: "setup-phone-code", step: "0"})
		return b
	}},
	{"at recovery", e164, "58 minutes", 58 * time.Minute, func(p *portal) *browser {
		app := p.enrol("ada").app
		p.move(11 * time.Minute)
		b := p.lost("ada")
		b.app = app
		b.click("I cannot use my app")
		b.do("Send SMS").is(want{page: "text-code", step: "0"})
		return b
	}},
}

// enrolled adds a person and walks the wizard with a number.
func (p *portal) enrolled(name, typed, to string, more ...string) *browser {
	p.t.Helper()
	p.add(name, more...)
	b := p.browser()
	b.wizard(name, typed, to)
	return b
}

func TestTextCodeRows(t *testing.T) {
	t.Parallel()
	for _, way := range codeWays {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			p := open(t)
			way.rows(p, way.begin(p))
		})
	}
}

func (way codeWay) rows(p *portal, b *browser) {
	page, to, code := b.page.name(), way.to, p.code(way.to)
	b.is(want{h1: "Enter the code from the text message", texts: []string{"6-digit text message code", "It works for 10 minutes."}})
	for _, row := range []struct{ typed, words string }{
		{"", "Enter the 6-digit code from the text message"},
		{" - ", "Enter the 6-digit code from the text message"},
		{code[:5], "The code has 6 digits. You entered 5."},
		{code + "0", "The code has 6 digits. You entered 7."},
		{"1", "The code has 6 digits. You entered 1."},
		{"12a456", "The code is 6 digits, with no letters."},
		{"hello", "The code is 6 digits, with no letters."},
	} {
		b.do("Verify", "code", row.typed).marked(want{page: page, problem: "#code " + row.words})
	}
	wrongs := not(5, code, b.app.codes())
	b.do("Verify", "code", wrongs[0]).marked(want{page: page, problem: "#code " + wrongText}) // none of those before was a try
	b.do("Verify", "code", wrongs[1]).marked(want{page: page, problem: "#code " + wrongText + " You have 3 tries left."})
	b.do("Verify", "code", wrongs[2]).marked(want{page: page, problem: "#code " + wrongText + " You have 2 tries left."})
	b.do("Verify", "code", wrongs[3]).marked(want{page: page, problem: "#code " + wrongText + " You have 1 try left."})
	b.do("Verify", "code", wrongs[4]).marked(want{page: page, problem: "#code " + guessedOut})
	b.do("Verify", "code", code).marked(want{page: page, problem: "#code " + guessedOut}) // it is right, and too late
	if page == "text-code" {
		p.text(to, "entered with wrong codes") // notice 18
	}
	p.move(31 * time.Second)
	b.do("Send SMS again").is(want{page: page, notice: "We sent a new code.", texts: []string{"You can send again 2 minutes after the last one."}})
	b.do("Verify", "code", code).marked(want{page: page, problem: "#code That is an older code. Use the code in the newest text message. You have 3 tries left."})
	newest := p.code(to)
	b.do("Verify", "code", not(1, code, newest, b.app.codes())[0]).marked(want{page: page, problem: "#code " + wrongText + " You have 2 tries left."})
	b.do("Verify", "code", not(1, code, newest, b.app.codes())[0]).marked(want{page: page, problem: "#code " + wrongText + " You have 1 try left."})
	b.do("Verify", "code", not(1, code, newest, b.app.codes())[0]).is(want{status: 429, page: "wait", h1: "Wait before you try again", retry: "900",
		texts: []string{"You entered too many wrong codes. You can try again in 15 minutes"}})
	b.tryAgain().is(want{status: 429, page: "wait"})
}

// codes are the codes of an app that would be taken now.
func (a app) codes() string {
	if a.p == nil {
		return ""
	}
	return a.code() + " " + a.code(-1) + " " + a.code(1)
}

// Too early, again, too often.
func TestSendAgainRows(t *testing.T) {
	t.Parallel()
	for _, way := range codeWays {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			p := open(t)
			way.again(p, way.begin(p))
		})
	}
}

func (way codeWay) again(p *portal, b *browser) {
	page, to, code := b.page.name(), way.to, p.code(way.to)
	early := func(most int) { // seconds; some pass while the story is told
		p.t.Helper()
		b.do("Send SMS again").is(want{status: 429, page: page}).shows(`Wait (\d+ more seconds|2 minutes), then choose ‘Send SMS again’\.`)
		n, err := strconv.Atoi(between(b.page.notice(), "Wait ", " more seconds"))
		if minutes := strings.Contains(b.page.notice(), "2 minutes"); minutes != (most > 90) || !minutes && (err != nil || n > most || n < most-10) {
			p.t.Errorf("%q, not at most %d seconds", b.page.notice(), most)
		}
		p.quiet(to)
	}
	b.is(want{texts: []string{"No text message?", "Texts can take a minute or two. You can send again 30 seconds after the last one."}})
	p.move(17 * time.Second)
	early(13)
	p.move(13 * time.Second)
	b.do("Send SMS again").is(want{page: page, notice: "We sent the code again. It is the same code.", texts: []string{"You can send again 2 minutes after the last one."}})
	if again := p.code(to); again != code {
		p.t.Errorf("another code: %s, %s", code, again)
	}
	tooOften := func(life string) {
		p.t.Helper()
		b.do("Send SMS again").is(want{status: 429, page: "wait", h1: "Wait before you try again",
			texts: []string{"You asked for too many text messages. You can ask again in " + way.often + ". The last code still works for " + life + "."}})
		b.page.after(way.wait)
		b.click("Back to the text message code").is(want{page: page})
		p.quiet(to)
	}
	if page == "text-code" { // two an hour to a number that was proved before
		p.move(2 * time.Minute)
		tooOften("8 minutes")
		return
	}
	early(120)
	p.move(50 * time.Second)
	early(70)
	p.move(70 * time.Second)
	b.do("Send SMS again").is(want{page: page, notice: "We sent the code again. It is the same code."})
	p.code(to)
	if !b.setsUp() { // five minutes have passed: a change in the account is confirmed again, and goes on
		p.move(150 * time.Second)
		b.do("Send SMS again")
		b.confirm("change your mobile number").is(want{page: page})
	} else {
		p.move(181 * time.Second)
	}
	tooOften("5 minutes")
}

// setsUp says whether the browser is in the wizard.
func (b *browser) setsUp() bool { return b.page.step() != "0" }

// Right, and too late: who types it holds the phone, so a new one goes out where
// no limit stops it.
func TestExpiredCodeRows(t *testing.T) {
	t.Parallel()
	for _, way := range codeWays {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			p := open(t)
			way.expires(p, way.begin(p))
		})
	}
}

func (way codeWay) expires(p *portal, b *browser) {
	page, code := b.page.name(), p.code(way.to)
	late := func(words string) {
		p.t.Helper()
		p.move(10*time.Minute + time.Second)
		if page == "setup-phone-code" && !b.setsUp() {
			b.get(b.page.url)
			b.confirm("change your mobile number").is(want{page: page})
		}
		b.do("Verify", "code", code).marked(want{page: page, problem: "#code " + words})
	}
	late("That code has expired. We have sent a new one.")
	next := p.code(way.to)
	if next == code {
		p.t.Fatal("the same code after it expired")
	}
	b.do("Verify", "code", code).marked(want{page: page, problem: "#code That is an older code. Use the code in the newest text message."})
	if code = next; page == "text-code" { // that was the hour's second
		late("That code has expired. Choose ‘Send SMS again’ in 40 minutes.")
	} else {
		for b.setsUp() && len(p.lines(way.to)) < 5 || len(p.lines(way.to)) < 3 {
			late("That code has expired. We have sent a new one.")
			code = p.code(way.to)
		}
		late("That code has expired. Choose ‘Send SMS again’ in 24 hours.")
	}
	p.quiet(way.to)
	b.do("Verify", "code", not(1, code, b.app.codes())[0]).marked(want{page: page, problem: "#code " + wrongText})
}
