package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// otherCountries is the word that stands for all countries without a price of
// their own.
const otherCountries = "others"

var (
	currencyCode = regexp.MustCompile(`^[A-Z]{3}$`)
	priceForm    = regexp.MustCompile(`^([0-9]{1,4})(?:\.([0-9]{1,6}))?$`)
)

// Price returns what a text message to each country costs, in millionths of the
// currency; others is the price where none is named.
func (c *Config) Price() (of map[string]int64, others int64) {
	of = map[string]int64{}
	for _, row := range c.SMS.Prices {
		country, price, problem, _ := readPrice(row)
		switch {
		case problem != "":
		case country == otherCountries:
			others = price
		default:
			of[country] = price
		}
	}
	return of, others
}

// readPrice reads "GB 0.04".
func readPrice(row string) (country string, millionths int64, problem, hint string) {
	const form = "write a country and a price, as GB 0.04"
	country, text, ok := strings.Cut(row, " ")
	if !ok {
		return "", 0, quote(row) + " is not a price", form
	}
	if country != otherCountries {
		if problem, hint = checkCountry(country); problem != "" {
			return "", 0, problem, hint
		}
	}
	m := priceForm.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return "", 0, quote(text) + " is not a price", "write at most six digits after the point, as 0.0425"
	}
	whole, _ := strconv.ParseInt(m[1], 10, 64)
	part, _ := strconv.ParseInt((m[2] + "000000")[:6], 10, 64)
	return country, whole*1_000_000 + part, "", ""
}

// priceChecks are the rows of money: each price, and what goes with them.
func (c *Config) priceChecks() []check {
	rows := []check{
		{"sms.currency", c.checkCurrency, "sms.prices"},
		{"sms.budget_day", between(c.SMS.BudgetDay, 1, 1_000_000), ""},
		{"sms.prices", c.checkPrices, ""},
	}
	seen := map[string]bool{}
	for i, row := range c.SMS.Prices {
		rows = append(rows, check{fmt.Sprintf("sms.prices[%d]", i), func() (string, string) {
			country, _, problem, hint := readPrice(row)
			if problem == "" && seen[country] {
				problem = "a price for " + country + " is given twice"
			}
			seen[country] = true
			return problem, hint
		}, ""})
	}
	return rows
}

func (c *Config) checkCurrency() (problem, hint string) {
	switch {
	case c.SMS.Currency == "" && len(c.SMS.Prices) > 0:
		return "is missing beside sms.prices", "give it as three letters, as EUR"
	case c.SMS.Currency != "" && !currencyCode.MatchString(c.SMS.Currency):
		return quote(c.SMS.Currency) + " is not a currency", "write three capital letters, as EUR"
	}
	return "", ""
}

// checkPrices wants a price for every country that texts may go to: one that is
// forgotten would cost nothing.
func (c *Config) checkPrices() (problem, hint string) {
	if len(c.SMS.Prices) == 0 {
		if c.Declared("sms.budget_day") || c.Declared("sms.currency") {
			return "is missing: without prices no money is counted", "give prices, or take sms.budget_day and sms.currency out"
		}
		return "", ""
	}
	of, others := c.Price()
	if others > 0 {
		return "", ""
	}
	list := c.Countries()
	if list == nil {
		return "names no price for others", "add one, as others 0.12"
	}
	for _, country := range list {
		if of[country] == 0 {
			return "names no price for " + country, "add one, or one for all others, as others 0.12"
		}
	}
	return "", ""
}
