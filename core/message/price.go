package message

import (
	"time"

	"sallyport/core/limit"
)

// Prices are what a text message costs, and how much of it may be spent in a day.
// Without prices nothing is counted and nothing is refused.
type Prices struct {
	Currency string           // as ISO 4217 has it
	Of       map[string]int64 // by country (ISO 3166), in millionths of the currency
	Others   int64            // every other country
	Day      int64            // the most that code texts may bring a day to
}

// Set says whether there are prices.
func (p Prices) Set() bool { return p.Currency != "" }

// Price is what one text to a country costs, in millionths.
func (p Prices) Price(country string) int64 {
	if price, ok := p.Of[country]; ok {
		return price
	}
	return p.Others
}

// charge notes on a message what it costs, and returns what takes it from the
// money of the day, as the portal's zone counts days. Without prices that takes
// nothing.
func (w Writer) charge(m *Message, now time.Time) limit.Spent {
	if m.Cost = w.Prices.Price(m.Country); !w.Prices.Set() || m.Cost == 0 {
		m.Cost = 0
		return limit.Spent{}
	}
	m.Paid = w.MoneyKey(now)
	return limit.Spent{Budget: limit.Money(w.Prices.Day), Key: m.Paid, Now: now, Amount: m.Cost}
}

// MoneyKey names the row of limits that holds what a day's texts have cost.
func (w Writer) MoneyKey(now time.Time) string {
	return limit.Money(0).Key(w.day(now).Format(time.DateOnly))
}

// day is a moment in the portal's zone.
func (w Writer) day(now time.Time) time.Time { return now.In(w.ZoneOr()) }

// tomorrow is how long the day of the portal's zone still lasts.
func (w Writer) tomorrow(now time.Time) time.Duration {
	at := w.day(now)
	return time.Date(at.Year(), at.Month(), at.Day()+1, 0, 0, 0, 0, at.Location()).Sub(now)
}
