package stories_test

import (
	"fmt"
	"testing"
	"time"
)

// toNumber walks a new person's browser to the page that asks for a number.
func (p *portal) toNumber(name string) *browser {
	p.t.Helper()
	p.add(name)
	b := p.browser()
	b.enter(name, password)
	b.click("Configure 2FA")
	b.do("Continue").is(want{page: "setup-phone"})
	return b
}

// washington is a number of the prefix +1 202, which nobody has.
func washington(n int) (typed, e164 string) {
	return fmt.Sprintf("(202) 555-01%02d", n), fmt.Sprintf("+120255501%02d", n)
}

// pumped sends five texts to a prefix whose codes nobody enters.
func (p *portal) pumped() {
	p.t.Helper()
	for i := range 5 {
		typed, to := washington(i)
		p.toNumber(fmt.Sprintf("thief%d", i)).do("Send SMS", "phone", typed).is(want{page: "setup-phone-code"})
		p.code(to)
	}
}

const stopped = "#phone Too many text messages have been sent. Try again in "

func TestAPrefixThatNobodyAnswersIsClosed(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.enrol("ada") // (202) 555-0143 is a number of the same prefix, and proved
	p.move(2 * time.Hour)
	p.pumped()
	honest := p.toNumber("grace")
	typed, to := washington(50)
	p.move(2 * time.Minute) // they may still be typing
	honest.do("Send SMS", "phone", typed).is(want{page: "setup-phone-code"})
	p.code(to)
	p.move(4 * time.Minute)

	late := p.toNumber("mary")
	typed, to = washington(51)
	late.do("Send SMS", "phone", typed)
	late.page.is(want{status: 429, page: "setup-phone", problem: stopped + "60 minutes.", kept: []string{"phone", typed}, retry: "3600"})
	p.quiet(to)
	p.move(20 * time.Minute)
	late.do("Send SMS", "phone", typed)
	late.page.is(want{status: 429, problem: stopped + "40 minutes."})
	late.do("Send SMS", "phone", "212 555 0143").is(want{page: "setup-phone-code"}) // another prefix goes on
	p.code("+12125550143")

	// The owner's number was proved: it is a way back, whatever strangers do.
	thief := p.lost("ada")
	thief.click("I cannot use my app")
	thief.do("Send SMS").is(want{page: "text-code"})
	p.text(e164, "to set up a new app")

	// After the hour one text at a time goes there.
	p.move(41 * time.Minute)
	first, second := p.toNumber("first"), p.toNumber("second")
	typed, to = washington(60)
	first.do("Send SMS", "phone", typed).is(want{page: "setup-phone-code"})
	code := p.code(to)
	typed, to = washington(61)
	second.do("Send SMS", "phone", typed)
	second.page.is(want{status: 429, page: "setup-phone", problem: stopped + "10 minutes."})
	first.do("Verify", "code", code).is(want{page: "setup-scan"})
	second.do("Send SMS", "phone", typed).is(want{page: "setup-phone-code"}) // an answer opens it
	p.code(to)
}

func TestADayHasAnEndOfMoney(t *testing.T) {
	t.Parallel()
	p := open(t, settings{sms: "  prices: [US 0.30, others 0.12]\n  currency: EUR\n  budget_day: 1\n"})
	noon := p.now().UTC().Truncate(24 * time.Hour).Add(36 * time.Hour)
	p.move(noon.Sub(p.now()))
	owner := p.enrol("ada") // a code and a notice: 0.60
	grace := p.toNumber("grace")
	typed, to := washington(50)
	grace.do("Send SMS", "phone", typed).is(want{page: "setup-phone-code"}) // 0.90
	p.code(to)
	mary := p.toNumber("mary")
	typed, to = washington(51)
	mary.do("Send SMS", "phone", typed)
	mary.page.is(want{status: 429, page: "setup-phone", problem: stopped + "12 hours."})
	p.quiet(to)
	// Notices go on, and cost.
	p.move(6 * time.Minute)
	owner.click("Make new codes")
	owner.confirm("make new recovery codes")
	owner.do("Make new codes").is(want{page: "setup-finish"})
	p.text(e164, "New Example recovery codes were made")
	p.move(12 * time.Hour)
	mary = p.browser()
	mary.enter("mary", password)
	mary.click("Configure 2FA")
	mary.do("Continue")
	mary.do("Send SMS", "phone", typed).is(want{page: "setup-phone-code"})
	p.code(to)
}
