package manage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/flow"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/session"
)

// Kept is everything that is stored about a person.
type Kept struct {
	Factors    []factor.Factor
	Phones     []phone.Phone
	Sessions   []session.Session
	Known      []session.KnownBrowser
	Attempts   []flow.Attempt
	Setups     []flow.Setup
	Recoveries []flow.Recovery
	Links      []person.Link
	Messages   []message.Message
	LetIn      []Item // apps, by OpenID Connect
	Entered    []Item
	Entries    []audit.Entry
}

// Archive reads everything that is stored about a person.
type Archive interface {
	Kept(ctx context.Context, person string) (Kept, error)
}

// Dossier is what a person is given who asks what is kept about them (GDPR,
// articles 15 and 20): everything, in words that other programs read, without
// secrets. Keys, codes, tokens and hashes are not theirs to take elsewhere, and
// would open the account to whoever finds the file.
type Dossier struct {
	Made          time.Time   `json:"made_at"`
	Name          string      `json:"username"`
	Display       string      `json:"name,omitempty"`
	Mail          string      `json:"mail,omitempty"`
	Groups        []string    `json:"groups,omitempty"`
	Operator      bool        `json:"operator"`
	Added         time.Time   `json:"added_at"`
	PasswordSet   time.Time   `json:"password_set_at,omitzero"`
	Enrolled      time.Time   `json:"two_factor_since,omitzero"`
	MustBy        time.Time   `json:"two_factor_due,omitzero"`
	Reset         time.Time   `json:"reset_at,omitzero"`
	Held          time.Time   `json:"on_hold_since,omitzero"`
	Disabled      time.Time   `json:"turned_off_at,omitzero"`
	Factors       []Item      `json:"factors,omitempty"`
	Numbers       []Item      `json:"mobile_numbers,omitempty"`
	Sessions      []Item      `json:"sessions,omitempty"`
	KnownBrowsers []Item      `json:"known_browsers,omitempty"`
	Attempts      []Item      `json:"sign_ins_under_way,omitempty"`
	Setups        []Item      `json:"set_ups_under_way,omitempty"`
	Recoveries    []Item      `json:"recoveries,omitempty"`
	Links         []Item      `json:"links,omitempty"`
	Messages      []Item      `json:"messages,omitempty"`
	LetIn         []Item      `json:"apps_let_in,omitempty"`
	Entered       []Item      `json:"apps_entered,omitempty"`
	Activity      []Happening `json:"activity,omitempty"`
}

// Item is a thing with its times; what does not apply is left out.
type Item struct {
	Kind    string    `json:"kind,omitempty"`
	Name    string    `json:"name,omitempty"`
	Number  string    `json:"number,omitempty"`
	Mail    string    `json:"mail,omitempty"`
	Country string    `json:"country,omitempty"`
	Browser string    `json:"browser,omitempty"`
	Address string    `json:"address,omitempty"`
	State   string    `json:"state,omitempty"`
	Gateway string    `json:"gateway,omitempty"`
	Since   time.Time `json:"since,omitzero"`
	Last    time.Time `json:"last,omitzero"`
	Ends    time.Time `json:"ends,omitzero"`
	Ended   time.Time `json:"ended_at,omitzero"`
	Why     string    `json:"ended_why,omitempty"`
}

// Happening is an entry of the audit log.
type Happening struct {
	At      time.Time `json:"at"`
	Event   string    `json:"event"`
	Method  string    `json:"method,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Actor   string    `json:"by,omitempty"`
	Note    string    `json:"note,omitempty"`
	Browser string    `json:"browser,omitempty"`
	Address string    `json:"address,omitempty"`
}

// Export gathers everything that is kept about a person, and records that it was
// handed out.
func (m *Manager) Export(ctx context.Context, from Archive, actor, id string) (*Dossier, error) {
	if err := m.change(ctx, id, func(who *person.Person) (change.Set, error) {
		return change.Set{person.Unchanged{ID: who.ID, Version: who.Version}, m.entry(audit.PersonExported, actor, who.ID, "")}, nil
	}); err != nil {
		return nil, err
	}
	who, err := m.People.Person(ctx, id)
	if err != nil || who == nil {
		return nil, errors.Join(err, ErrNoPerson)
	}
	k, err := from.Kept(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read what is kept: %w", err)
	}
	return m.dossier(*who, k), nil
}

func (m *Manager) dossier(p person.Person, k Kept) *Dossier {
	d := &Dossier{Made: m.Now(), Name: p.Name, Display: p.Display, Mail: p.Email, Groups: p.Groups, Operator: p.Operator, Added: p.MadeAt,
		PasswordSet: p.PasswordAt, Enrolled: p.EnrolledAt, MustBy: p.MustBy, Reset: p.ResetAt, Held: p.HeldAt, Disabled: p.DisabledAt}
	for _, f := range k.Factors {
		d.Factors = append(d.Factors, Item{Kind: string(f.Kind), Name: f.Name, Since: f.AddedAt, Last: f.UsedAt, Ended: f.EndedAt, Why: f.EndedWhy})
	}
	for _, n := range k.Phones {
		d.Numbers = append(d.Numbers, Item{Number: n.Number, Country: n.Region, Since: n.ProvedAt, Ended: n.EndedAt})
	}
	for _, s := range k.Sessions {
		d.Sessions = append(d.Sessions, Item{Kind: s.Method, Browser: s.Agent, Address: s.Address, Since: s.MadeAt, Last: s.SeenAt, Ends: s.EndsAt, Ended: s.EndedAt, Why: s.EndedWhy})
	}
	for _, b := range k.Known {
		d.KnownBrowsers = append(d.KnownBrowsers, Item{Browser: b.Agent, Address: b.Address, Since: b.MadeAt, Last: b.SeenAt, Ends: b.EndsAt})
	}
	for _, a := range k.Attempts {
		d.Attempts = append(d.Attempts, Item{Browser: a.Agent, Address: a.Address, Number: a.Data.TextCode.Number, Since: a.MadeAt, Last: a.SeenAt, Ended: a.EndedAt, Why: a.EndedWhy})
	}
	for _, s := range k.Setups {
		d.Setups = append(d.Setups, Item{Kind: s.Kind, Browser: s.Agent, Number: s.Data.Number.E164, Since: s.MadeAt, Last: s.SeenAt, Ends: s.EndsAt})
	}
	for _, r := range k.Recoveries {
		d.Recoveries = append(d.Recoveries, Item{Since: r.AskedAt, Ends: r.Until, Ended: r.EndedAt, Why: r.Ended})
	}
	for _, l := range k.Links {
		item := Item{Kind: string(l.Kind), Since: l.MadeAt, Ends: l.EndsAt, Ended: l.SpentAt}
		if l.Kind == person.MailLink {
			item.Mail = person.AskedMail(l).Address
		}
		d.Links = append(d.Links, item)
	}
	for _, msg := range k.Messages {
		item := Item{Kind: msg.Kind, Country: msg.Country, State: string(msg.State), Gateway: msg.Gateway, Since: msg.MadeAt, Ended: msg.DoneAt}
		if item.Number = msg.To; msg.Way == message.ByMail {
			item.Number, item.Mail = "", msg.To
		}
		d.Messages = append(d.Messages, item)
	}
	d.LetIn, d.Entered = k.LetIn, k.Entered
	for _, e := range k.Entries {
		actor := e.Actor
		if actor == p.ID {
			actor = p.Name
		}
		d.Activity = append(d.Activity, Happening{At: e.At, Event: string(e.Event), Method: e.Method, Reason: e.Reason, Actor: actor, Note: e.Note, Browser: e.Agent, Address: e.Address})
	}
	return d
}

// Delete drops a person with everything that is bound to them. What the audit log
// keeps names nobody any more, but keeps the hash of what it was.
func (m *Manager) Delete(ctx context.Context, actor, id string) error {
	return m.change(ctx, id, func(who *person.Person) (change.Set, error) {
		entry := m.entry(audit.PersonDeleted, actor, audit.Erased, "")
		return change.Set{person.Unchanged{ID: who.ID, Version: who.Version}, person.Deleted{ID: who.ID}, entry}, nil
	})
}
