package stories_test

import (
	"strings"
	"testing"
	"time"
)

// Where no receipt can come, the command says so and does not stand there for a minute.
func TestATestTextWaitsForNoReceiptThatCannotCome(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func() *portal{
		"an http gateway": func() *portal { p, _ := provided(t, ""); return p },
		"vonage":          func() *portal { p, _ := names(t, "kind: vonage", "account: abcd1234"); return p },
	} {
		p := set().opened()
		began := time.Now()
		said := p.cli("sms", "test", number)
		if took := time.Since(began); took > 15*time.Second || !strings.Contains(said, "the gateway has it, and tells no more: look at the phone") {
			t.Errorf("%s: after %s it said\n%s", name, took, said)
		}
	}
}
