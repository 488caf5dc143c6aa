package manage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/fault"
	"sallyport/core/limit"
	"sallyport/core/message"
	"sallyport/core/phone"
	"sallyport/core/words"
)

// Texts reads the log of text messages.
type Texts interface {
	// TextsSince are the texts made since a moment, the newest first.
	TextsSince(ctx context.Context, since time.Time, most int) ([]message.Message, error)
	// Sends are all texts of a chain, the newest first.
	Sends(ctx context.Context, chain string) ([]message.Message, error)
}

// TextLine is a text as operators see it: never its number, but for the end of it.
type TextLine struct {
	ID      string    `json:"id"`
	Time    time.Time `json:"time"`
	Person  string    `json:"person,omitempty"`
	Ending  string    `json:"number_ending"`
	Country string    `json:"country"`
	Use     string    `json:"use"`
	State   string    `json:"state"`
	Words   string    `json:"state_text"`
	Seconds float64   `json:"seconds,omitempty"` // from the call to the receipt
	Gateway string    `json:"gateway,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Entered bool      `json:"code_entered,omitempty"`
}

// textDay is what the figures are counted over.
const (
	textDay  = 24 * time.Hour
	textMost = 200_000 // texts that a status looks at
)

// TextLog is the newest texts, of one person where a name is given.
func (m *Manager) TextLog(ctx context.Context, log Texts, name string, most int) ([]TextLine, error) {
	who, look := "", most
	if name != "" {
		look = textMost // those of one person may lie far apart
		p, err := m.Person(ctx, name)
		if err != nil {
			return nil, err
		}
		who = p.ID
	}
	texts, err := log.TextsSince(ctx, time.Time{}, look)
	if err != nil {
		return nil, fmt.Errorf("read texts: %w", err)
	}
	names, lines := map[string]string{}, []TextLine{}
	for _, t := range texts {
		if who != "" && t.Person != who {
			continue
		}
		if len(lines) == most {
			break
		}
		if names[t.Person], err = m.nameOf(ctx, names, t.Person); err != nil {
			return nil, err
		}
		lines = append(lines, textLine(t, names[t.Person]))
	}
	return lines, nil
}

// TextChain is every send of a text, the newest first.
func (m *Manager) TextChain(ctx context.Context, log Texts, chain string) (lines []TextLine, err error) {
	sends, err := log.Sends(ctx, chain)
	if err != nil {
		return nil, fmt.Errorf("read texts: %w", err)
	}
	if len(sends) == 0 {
		return nil, fault.New(fault.Gone, "removed-already")
	}
	for _, t := range sends {
		lines = append(lines, textLine(t, ""))
	}
	return lines, nil
}

// Coming is how far a text is.
type Coming int

// How far: it may still arrive, it has, or it will not.
const (
	OnItsWay Coming = iota
	Arrived
	Stuck
)

// Came says how far the newest send of a text is.
func Came(l TextLine) Coming {
	switch state := message.State(l.State); {
	case state == message.Delivered:
		return Arrived
	case state.Lost(), state == message.Refused, state == message.Failed, state == message.Late, state == message.Unknown:
		return Stuck
	}
	return OnItsWay
}

func (m *Manager) nameOf(ctx context.Context, known map[string]string, id string) (string, error) {
	if name, ok := known[id]; ok || id == "" {
		return name, nil
	}
	p, err := m.People.Person(ctx, id)
	if err != nil || p == nil {
		return "", err
	}
	return p.Name, nil
}

func textLine(t message.Message, name string) TextLine {
	line := TextLine{ID: t.ID, Time: t.MadeAt, Person: name, Ending: phone.Number{E164: t.To}.Ending(), Country: t.Country, Use: t.Kind,
		State: string(t.State), Words: words.Text("text-state." + string(t.State)), Gateway: t.Gateway, Reason: t.Reason, Entered: !t.EnteredAt.IsZero()}
	if !t.ToldAt.IsZero() {
		line.Seconds = t.ToldAt.Sub(t.CalledAt).Seconds()
	}
	return line
}

// TextStatus is how text messages have done for a day.
type TextStatus struct {
	Since     time.Time     `json:"since"`
	Gateways  []GatewayDay  `json:"gateways"`
	Countries []CountryDay  `json:"countries"`
	Spent     string        `json:"spent_today,omitempty"`
	Budget    string        `json:"budget_day,omitempty"`
	Stopped   []TextStopped `json:"stopped,omitempty"` // what operators were told of
	Waiting   int           `json:"waiting"`
}

// GatewayDay is what one gateway did.
type GatewayDay struct {
	Gateway   string    `json:"gateway"`
	Sent      int       `json:"sent"`      // taken by the gateway, whatever came of them
	Delivered int       `json:"delivered"` // of these
	Lost      int       `json:"not_delivered"`
	NoReport  int       `json:"no_report"`
	Failed    int       `json:"failed"` // not taken
	Unknown   int       `json:"not_known"`
	Median    float64   `json:"median_seconds,omitempty"` // to delivery
	Failing   time.Time `json:"failing_since,omitzero"`   // nothing was taken since
}

// CountryDay is what went to one country.
type CountryDay struct {
	Country string `json:"country"`
	Codes   int    `json:"codes"`
	Entered int    `json:"entered"`
	Costly  bool   `json:"many_texts_few_codes_entered,omitempty"`
}

// TextStopped is an alert of the day.
type TextStopped struct {
	Time time.Time `json:"time"`
	Text string    `json:"text"`
}

// TextStatus counts the last day.
func (m *Manager) TextStatus(ctx context.Context, log Texts, records Records) (*TextStatus, error) {
	now := m.Now()
	s := &TextStatus{Since: now.Add(-textDay), Gateways: []GatewayDay{}, Countries: []CountryDay{}}
	texts, err := log.TextsSince(ctx, s.Since, textMost)
	if err != nil {
		return nil, fmt.Errorf("read texts: %w", err)
	}
	s.count(texts, now)
	if m.Writer.Prices.Set() {
		key := m.Writer.MoneyKey(now)
		rows, err := m.Changes.Limits(ctx, []string{key})
		if err != nil {
			return nil, fmt.Errorf("read limits: %w", err)
		}
		s.Spent, s.Budget = m.Writer.Amount(int64(rows[key].Used)), m.Writer.Amount(m.Writer.Prices.Day)
	}
	err = records.EachRecord(ctx, audit.Filter{Since: s.Since, Events: []audit.Event{audit.TextsStopped}}, func(r audit.Record) error {
		kind, args := message.StoppedKind(r.Entry)
		s.Stopped = append(s.Stopped, TextStopped{Time: r.At, Text: words.Text("operators."+kind+".body", args...)})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read alerts: %w", err)
	}
	return s, nil
}

// count adds texts up, which come newest first.
func (s *TextStatus) count(texts []message.Message, now time.Time) {
	gateways, countries := map[string]*GatewayDay{}, map[string]*CountryDay{}
	seconds, well, chains := map[string][]float64{}, map[string]bool{}, map[string][]message.Message{}
	for _, t := range texts {
		chains[t.Chain()] = append(chains[t.Chain()], t)
	}
	for _, t := range texts {
		if t.State == message.Waiting || t.State == message.Calling {
			s.Waiting++
			continue
		}
		if now.Sub(t.MadeAt) >= message.Ripe && t.Counts(chains[t.Chain()]) {
			c := in(countries, t.Country, func(c *CountryDay) { c.Country = t.Country })
			c.Codes++
			if !t.EnteredAt.IsZero() {
				c.Entered++
			}
		}
		if t.Gateway == "" {
			continue
		}
		g := in(gateways, t.Gateway, func(g *GatewayDay) { g.Gateway = t.Gateway })
		g.add(t, well)
		if t.State == message.Delivered {
			seconds[t.Gateway] = append(seconds[t.Gateway], t.ToldAt.Sub(t.CalledAt).Seconds())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(gateways)) {
		g := gateways[name]
		if all := seconds[name]; len(all) > 0 {
			slices.Sort(all)
			g.Median = all[len(all)/2]
		}
		s.Gateways = append(s.Gateways, *g)
	}
	for _, name := range slices.Sorted(maps.Keys(countries)) {
		c := countries[name]
		c.Costly = message.Traffic{Country: c.Codes, CountryEntered: c.Entered}.Costly()
		s.Countries = append(s.Countries, *c)
	}
}

// in is the value of a key, made where there is none.
func in[T any](all map[string]*T, key string, made func(*T)) *T {
	if all[key] == nil {
		all[key] = new(T)
		made(all[key])
	}
	return all[key]
}

// add counts a text. The newest are added first: until one was taken, the gateway
// is failing, since the oldest of those that were not.
func (g *GatewayDay) add(t message.Message, well map[string]bool) {
	switch {
	case t.State == message.Failed:
		g.Failed++
		if !well[g.Gateway] {
			g.Failing = t.CalledAt
		}
		return
	case t.State == message.Unknown:
		g.Unknown++
		return
	case t.State == message.Refused, t.State == message.Late:
		return // nobody's fault but the number's
	case t.State == message.Delivered:
		g.Delivered++
	case t.State.Lost():
		g.Lost++
	default:
		g.NoReport++
	}
	g.Sent++
	well[g.Gateway] = true
}

// ErrNoGateway means that nothing can be sent.
var ErrNoGateway = errors.New("no gateway is set; hint: sms.gateways in sallyport.yaml, see docs/operate/sms.md")

// TestText queues a text without a code to a number, in E.164 or as it is written
// in a country, and returns its name. It counts in the day's money.
func (m *Manager) TestText(ctx context.Context, actor, number, country string) (id string, err error) {
	if m.Writer.NoText {
		return "", ErrNoGateway
	}
	to, err := phone.Parse(number, country, m.Flow.Numbers)
	if f := fault.Of(err); f != nil && f.Word == "phone.country" {
		return "", fmt.Errorf("%q is in a country that texts may not go to; hint: add it to sms.countries", number)
	}
	if err != nil {
		return "", fmt.Errorf("%q is no number that texts may go to: %w; hint: write it with + and the country's code, and see sms.countries", number, err)
	}
	now := m.Now()
	trial := m.Writer.Trial(to.E164, to.Country, now)
	e := m.entry(audit.TextSent, actor, "", "")
	e.Method = message.TestKind
	return trial.Message.ID, m.Changes.Apply(ctx, change.Set{trial, e})
}

// Forgive lets texts go again to a prefix ("+44 791") or a country ("GB") that was
// closed because nobody entered its codes: what went there until now no longer
// counts.
func (m *Manager) Forgive(ctx context.Context, actor, where string) error {
	e := m.entry(audit.TextsOpened, actor, "", where)
	f := message.Forgiven{At: m.Now()}
	set := change.Set{}
	if digits := strings.ReplaceAll(where, " ", ""); strings.HasPrefix(digits, "+") {
		prefix := phone.Prefix(digits)
		if !strings.Contains(prefix, " ") || strings.ReplaceAll(prefix, " ", "") != digits {
			return fmt.Errorf("%q is not a prefix; hint: + with the country's code and the next 3 digits, as \"+44 791\"", where)
		}
		d := message.Destination{Hash: m.Flow.PrefixKey(digits)}
		f.Prefix, e.Note = d.Hash, prefix
		set.Add(limit.Cleared{Keys: d.Keys()})
	} else {
		if phone.Name(where) == "" {
			return fmt.Errorf("%q is neither a country nor a prefix; hint: two capital letters, as GB, or a prefix, as \"+44 791\"", where)
		}
		f.Country = where
	}
	set.Add(f, e)
	return m.Changes.Apply(ctx, set)
}
