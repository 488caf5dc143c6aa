package message

import (
	"testing"
	"time"

	"sallyport/core/limit"
)

// What makes a text wait is named for those who count; what may go has no name
// that counts.
func TestAWaitSaysWhatMakesIt(t *testing.T) {
	closed := map[string]limit.State{closedKey: {Level: 1, Until: moment.Add(time.Minute)}}
	probing := map[string]limit.State{closedKey: {Level: 1, Until: moment}, probeKey: {Used: 1, Since: moment.Add(-time.Minute)}}
	for _, row := range []struct {
		why     string
		traffic Traffic
		rows    map[string]limit.State
		prices  Prices
	}{
		{"text-prefix", Traffic{Prefix: texts(5)}, nil, Prices{}},
		{"text-prefix", Traffic{}, closed, Prices{}},
		{"text-country", Traffic{Country: 50}, nil, Prices{}},
		{limit.TextProbe.Name, Traffic{}, probing, Prices{}},
		{limit.Money(0).Name, Traffic{}, nil, Prices{Currency: "EUR", Others: 2, Day: 1}},
	} {
		v := Writer{Prices: row.prices}.Judge(&Message{}, Destination{Hash: "hash"}, row.traffic, row.rows, moment)
		if v.Wait == 0 || v.Why != row.why {
			t.Errorf("it waits %v for %q, not for %q", v.Wait, v.Why, row.why)
		}
	}
	if v := (Writer{}).Judge(&Message{}, Destination{Hash: "hash"}, Traffic{}, nil, moment); v.Wait != 0 || v.Why != "" {
		t.Errorf("nothing makes it wait: %v for %q", v.Wait, v.Why)
	}
}
