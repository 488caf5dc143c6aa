package config

import (
	"reflect"
	"strings"
	"testing"
)

const localURL = "url: http://localhost:8080\n"

func TestPricesAreReadToTheMillionth(t *testing.T) {
	c, err := Parse([]byte(localURL+"sms:\n  prices: [GB 0.04, US 0.007925, FR 1, others 0.12]\n  currency: EUR\n"), "f", nil)
	if err != nil {
		t.Fatal(err)
	}
	of, others := c.Price()
	if want := map[string]int64{"GB": 40_000, "US": 7_925, "FR": 1_000_000}; !reflect.DeepEqual(of, want) || others != 120_000 {
		t.Errorf("got %v, others %d", of, others)
	}
	if c.SMS.BudgetDay != 20 {
		t.Errorf("a day may cost %d", c.SMS.BudgetDay)
	}
}

func TestFaultsOfPricesAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		"prices: [GB 0.04, others 1]":                           "sms.currency: is missing beside sms.prices",
		"prices: [GB 0.04, others 1]\n  currency: euro":         `"euro" is not a currency`,
		"prices: [GB0.04, others 1]\n  currency: EUR":           `"GB0.04" is not a price`,
		"prices: [UK 0.04, others 1]\n  currency: EUR":          "write GB",
		"prices: [GB -1, others 1]\n  currency: EUR":            `"-1" is not a price`,
		"prices: [GB 0.1234567, others 1]\n  currency: EUR":     "at most six digits",
		"prices: [GB 99999, others 1]\n  currency: EUR":         `"99999" is not a price`,
		"prices: [GB 1, GB 2, others 1]\n  currency: EUR":       "a price for GB is given twice",
		"prices: [GB 0.04]\n  currency: EUR":                    "names no price for others",
		"prices: [GB 0.04]\n  currency: EUR\n  countries: [US]": "names no price for US",
		"budget_day: 5": "without prices no money is counted",
		"prices: [others 1]\n  currency: EUR\n  budget_day: 0":     "sms.budget_day",
		"prices: [others 1]\n  currency: EUR\n  budget_day: 20.50": "is not a whole number",
	} {
		_, err := Parse([]byte(localURL+"sms:\n  "+text+"\n"), "f", nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
