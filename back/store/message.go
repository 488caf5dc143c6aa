package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"sallyport/core/change"
	"sallyport/core/limit"
	"sallyport/core/message"
)

const messageColumns = "id, person, kind, way, address, country, subject, body, state, made_at, expire_at, lease_at, called_at, done_at, gateway, ref, reason, " +
	"code, prefix_hash, cost, paid, entered_at, hop, told_at"

// messageAddress is what the address is sealed as. It was called a number before
// there were mails.
const messageAddress = "messages.number"

// messagesGivenUp marks texts that were being sent when a process died: nobody
// knows whether they went out. It gives up what can no longer be of use.
type messagesGivenUp struct {
	change.Mark
	Before, At time.Time
}

// mailsAgain puts back mails that were being sent when a process died: one that
// comes twice harms nobody, one that never comes hides a change.
type mailsAgain struct {
	change.Mark
	Before time.Time
}

func (t txn) message(effect change.Effect) error {
	switch e := effect.(type) {
	case message.Queued:
		return t.queued(e.Message)
	case message.QueuedOnce:
		if e.Once.Key != "" {
			if n, err := t.spend(e.Once); err != nil || n == 0 {
				return err
			}
		}
		if e.Cost.Key != "" {
			if _, err := t.spend(e.Cost); err != nil {
				return err
			}
		}
		return t.queued(e.Message)
	case message.Alert:
		n, err := t.spend(e.Once)
		if err != nil || n == 0 {
			return err
		}
		return t.audit(e.Entry)
	case message.Entered:
		return t.do("UPDATE messages SET entered_at = $2 WHERE code = $1 AND entered_at = 0", e.Code, ms(e.At))
	case message.Expired:
		return t.do("UPDATE messages SET expire_at = $2 WHERE code = $1 AND code <> '' AND expire_at > $2", e.Code, ms(e.At))
	case message.Forgiven:
		closed := "SELECT CAST($2 AS TEXT) || prefix_hash FROM messages WHERE country = $1 AND prefix_hash <> ''"
		if err := t.do("DELETE FROM limits WHERE key IN ("+closed+" UNION "+strings.Replace(closed, "$2", "$3", 1)+")", e.Country, limit.Prefix(""), limit.TextProbe.Key("")); err != nil {
			return err
		}
		return t.do("UPDATE messages SET vouched = TRUE WHERE kind = 'code' AND made_at <= $3 AND (prefix_hash = $1 AND prefix_hash <> '' OR country = $2)", e.Prefix, e.Country, ms(e.At))
	case message.Called:
		return t.must(e, "UPDATE messages SET state = 'calling', gateway = $2, called_at = $3 WHERE id = $1 AND state = 'waiting' AND expire_at > $3", e.ID, e.Gateway, ms(e.At))
	case message.Settled:
		return t.settled(e)
	case message.PassedOn:
		return t.passedOn(e)
	case message.Received:
		return t.must(e, "UPDATE messages SET state = $3, ref = CASE WHEN ref = '' THEN $4 ELSE ref END, reason = $5, told_at = $6 WHERE id = $1 AND state = $2",
			e.ID, string(e.From), string(e.State), e.Ref, e.Reason, ms(e.At))
	case message.Deferred:
		return t.must(e, "UPDATE messages SET state = 'waiting', reason = $2, lease_at = $3 WHERE id = $1 AND state = 'calling'", e.ID, e.Reason, ms(e.Until))
	case mailsAgain:
		return t.do("UPDATE messages SET state = 'waiting' WHERE state = 'calling' AND way = 'mail' AND called_at < $1", ms(e.Before))
	case messagesGivenUp:
		if err := t.do("UPDATE messages SET state = 'unknown', done_at = $2, body = $3 WHERE state = 'calling' AND way = 'text' AND called_at < $1", ms(e.Before), ms(e.At), []byte{}); err != nil {
			return err
		}
		if err := t.repaid("state = 'waiting' AND expire_at <= $1", ms(e.At)); err != nil {
			return err
		}
		return t.do("UPDATE messages SET state = 'late', done_at = $1, body = $2, subject = $2 WHERE state = 'waiting' AND expire_at <= $1", ms(e.At), []byte{})
	}
	return fmt.Errorf("no such effect on messages")
}

// ended writes what came of a call, as part of an effect.
func (t txn) ended(of change.Effect, e message.Settled) error {
	return t.must(of, "UPDATE messages SET state = $2, ref = $3, reason = $4, done_at = $5, body = $6, subject = $6 WHERE id = $1 AND state = 'calling'",
		e.ID, string(e.State), e.Ref, e.Reason, ms(e.At), []byte{})
}

func (t txn) passedOn(e message.PassedOn) error {
	if err := t.ended(e, e.Was); err != nil {
		return err
	}
	if e.Cost.Key != "" {
		if _, err := t.spend(e.Cost); err != nil {
			return err
		}
	}
	if err := t.queued(e.Next); err != nil {
		return err
	}
	// What ended during the call ends here too; and it counts once in the watch.
	return t.do("UPDATE messages SET expire_at = (SELECT expire_at FROM messages AS was WHERE was.id = $2), "+
		"vouched = (SELECT was.vouched OR was.state = 'unknown' FROM messages AS was WHERE was.id = $2) WHERE id = $1", e.Next.ID, e.Was.ID)
}

func (t txn) settled(e message.Settled) error {
	err := t.ended(e, e)
	if err != nil || message.Handed(e.State) {
		return err
	}
	return t.repaid("id = $1", e.ID)
}

// repaid gives back what messages have cost that were not sent after all.
func (t txn) repaid(where string, arg any) error {
	const sum = "(SELECT SUM(cost) FROM messages WHERE paid = limits.key AND "
	return t.do("UPDATE limits SET used = used - "+sum+where+") WHERE key IN (SELECT paid FROM messages WHERE cost > 0 AND "+where+")", arg)
}

func (t txn) queued(m message.Message) error {
	return t.do(insert("messages", messageColumns), m.ID, m.Person, m.Kind, string(m.Way), t.seal(messageAddress, m.ID, m.To), m.Country,
		t.seal("messages.subject", m.ID, m.Subject), t.seal("messages.body", m.ID, m.Text), string(m.State), ms(m.MadeAt), ms(m.ExpireAt), ms(m.LeaseAt), ms(m.CalledAt), ms(m.DoneAt),
		m.Gateway, m.Ref, m.Reason, m.Code, m.Prefix, m.Cost, m.Paid, ms(m.EnteredAt), m.Hop, ms(m.ToldAt))
}

func (s *Store) scanMessage(row scanner) (*message.Message, error) {
	var m message.Message
	var address, subject, body []byte
	if err := row.Scan(&m.ID, &m.Person, &m.Kind, &m.Way, &address, &m.Country, &subject, &body, &m.State, when{&m.MadeAt}, when{&m.ExpireAt}, when{&m.LeaseAt},
		when{&m.CalledAt}, when{&m.DoneAt}, &m.Gateway, &m.Ref, &m.Reason,
		&m.Code, &m.Prefix, &m.Cost, &m.Paid, when{&m.EnteredAt}, &m.Hop, when{&m.ToldAt}); err != nil {
		return nil, err
	}
	if err := s.open(messageAddress, m.ID, address, &m.To); err != nil {
		return nil, err
	}
	if err := s.open("messages.subject", m.ID, subject, &m.Subject); err != nil {
		return nil, err
	}
	return &m, s.open("messages.body", m.ID, body, &m.Text)
}

// Message is a message by id, or nil.
func (s *Store) Message(ctx context.Context, id string) (*message.Message, error) {
	return first(list(ctx, s, s.scanMessage, "SELECT "+messageColumns+" FROM messages WHERE id = $1", id))
}

// WaitingMessages are the oldest text messages that wait to be sent and are due.
func (s *Store) WaitingMessages(ctx context.Context, now time.Time, most int) ([]message.Message, error) {
	return list(ctx, s, s.scanMessage, "SELECT "+messageColumns+" FROM messages WHERE state = 'waiting' AND way = 'text' AND expire_at > $1 AND lease_at <= $1 ORDER BY made_at LIMIT $2", ms(now), most)
}

// Sends are all messages of a chain, the newest first.
func (s *Store) Sends(ctx context.Context, chain string) ([]message.Message, error) {
	return list(ctx, s, s.scanMessage, "SELECT "+messageColumns+" FROM messages WHERE (code = $1 OR id = $1) AND $1 <> '' ORDER BY made_at DESC, hop DESC", chain)
}

// TextsSince are the texts made since a moment, the newest first.
func (s *Store) TextsSince(ctx context.Context, since time.Time, most int) ([]message.Message, error) {
	return list(ctx, s, s.scanMessage, "SELECT "+messageColumns+" FROM messages WHERE way = 'text' AND made_at >= $1 ORDER BY made_at DESC, hop DESC LIMIT $2", ms(since), most)
}

// MessageByRef is the newest text that a gateway calls so, or nil.
func (s *Store) MessageByRef(ctx context.Context, gateway, ref string) (*message.Message, error) {
	return first(list(ctx, s, s.scanMessage, "SELECT "+messageColumns+" FROM messages WHERE ref = $2 AND ref <> '' AND gateway = $1 ORDER BY made_at DESC LIMIT 1", gateway, ref))
}

// WaitingMails are the oldest mails that wait to be sent and are due.
func (s *Store) WaitingMails(ctx context.Context, now time.Time, most int) ([]message.Message, error) {
	return list(ctx, s, s.scanMessage, "SELECT "+messageColumns+" FROM messages WHERE state = 'waiting' AND way = 'mail' AND expire_at > $1 AND lease_at <= $1 ORDER BY made_at LIMIT $2", ms(now), most)
}

// RecentMessages are the newest texts that were finished with, but for those that
// their own number kept from arriving, for telling whether text messages are delayed.
func (s *Store) RecentMessages(ctx context.Context, most int) ([]message.Message, error) {
	return list(ctx, s, s.scanMessage, "SELECT "+messageColumns+" FROM messages WHERE way = 'text' AND state IN ('sent', 'delivered', 'failed', 'unknown', 'undelivered', 'blocked') ORDER BY made_at DESC LIMIT $1", most)
}

// handed are code texts that a gateway may have taken, and that count.
const handed = "kind = 'code' AND NOT vouched AND state NOT IN ('failed', 'refused', 'late')"

// Traffic is what became of the ripe code texts to a prefix and to a country.
func (s *Store) Traffic(ctx context.Context, prefix, country string, now time.Time) (t message.Traffic, err error) {
	ripe := ms(now.Add(-message.Ripe))
	scan := func(row scanner) (*bool, error) {
		var entered bool
		return &entered, row.Scan(&entered)
	}
	t.Prefix, err = list(ctx, s, scan, "SELECT entered_at > 0 FROM messages WHERE prefix_hash = $1 AND made_at > $2 AND made_at <= $3 AND "+handed+
		" ORDER BY made_at DESC LIMIT $4", prefix, ms(now.Add(-message.PrefixWindow)), ripe, message.PrefixTexts)
	if err != nil {
		return t, err
	}
	count := func(row scanner) (*message.Traffic, error) {
		return &t, row.Scan(&t.Country, &t.CountryEntered)
	}
	_, err = list(ctx, s, count, "SELECT COUNT(*), COUNT(CASE WHEN entered_at > 0 THEN 1 END) FROM messages WHERE country = $1 AND made_at > $2 AND made_at <= $3 AND "+handed,
		country, ms(now.Add(-message.CountryWindow)), ripe)
	return t, err
}

// Again puts mails back that were being sent before a moment.
func (s *Store) Again(ctx context.Context, before time.Time) error {
	return s.Apply(ctx, change.Set{mailsAgain{Before: before}})
}

// GiveUp marks texts that were being sent before a moment as not known, and what
// has expired as late.
func (s *Store) GiveUp(ctx context.Context, before, now time.Time) error {
	return s.Apply(ctx, change.Set{messagesGivenUp{Before: before, At: now}})
}
