package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"sallyport/core/change"
	"sallyport/core/phone"
)

const phoneColumns = "id, person, number, number_hash, region, proved_at, usable_at, ended_at"

// numberHash finds a number without reading it.
func (s *Store) numberHash(e164 string) string {
	return hex.EncodeToString(s.box.MAC("phones.number", []byte(e164)))
}

func (t txn) phone(effect change.Effect) error {
	switch e := effect.(type) {
	case phone.Bound:
		p, hash := e.Phone, t.store.numberHash(e.Phone.Number)
		if err := t.alone("phones", hash, p.ProvedAt); err != nil {
			return err
		}
		if err := t.must(e, insert("phones", phoneColumns), p.ID, p.Person, t.seal("phones.number", p.ID, p.Number), hash, p.Region,
			ms(p.ProvedAt), ms(p.UsableAt), ms(p.EndedAt)); err != nil {
			return err
		}
		return t.must(e, "UPDATE phones SET region = region WHERE id = $1 AND "+
			"(SELECT COUNT(*) FROM phones AS others WHERE others.number_hash = $2 AND others.ended_at = 0 AND others.id <> $1) < $3", p.ID, hash, phone.PerNumber)
	case phone.EndedAll:
		return t.do("UPDATE phones SET ended_at = $3 WHERE person = $1 AND id <> $2 AND ended_at = 0", e.Person, e.Except, ms(e.At))
	case phone.Voided:
		return t.do("DELETE FROM phones WHERE id = $1 AND person = $2", e.ID, e.Person)
	}
	return fmt.Errorf("no such effect on phones")
}

func (s *Store) scanPhone(row scanner) (*phone.Phone, error) {
	var p phone.Phone
	var number []byte
	var hash string
	if err := row.Scan(&p.ID, &p.Person, &number, &hash, &p.Region, when{&p.ProvedAt}, when{&p.UsableAt}, when{&p.EndedAt}); err != nil {
		return nil, err
	}
	return &p, s.open("phones.number", p.ID, number, &p.Number)
}

const phonesOf = "SELECT " + phoneColumns + " FROM phones WHERE person = $1 AND ended_at = 0 ORDER BY proved_at, id"

// Phones are those of a person that have not ended, oldest first.
func (s *Store) Phones(ctx context.Context, who string) ([]phone.Phone, error) {
	return list(ctx, s, s.scanPhone, phonesOf, who)
}

// PhonesEnded are those of a person that were replaced or removed after a moment,
// oldest first.
func (s *Store) PhonesEnded(ctx context.Context, who string, after time.Time) ([]phone.Phone, error) {
	return list(ctx, s, s.scanPhone, "SELECT "+phoneColumns+" FROM phones WHERE person = $1 AND ended_at > $2 ORDER BY ended_at, id", who, ms(after))
}

// Sharing is how many persons have proved this number.
func (s *Store) Sharing(ctx context.Context, e164 string) (n int, err error) {
	err = s.count(ctx, &n, "SELECT COUNT(*) FROM phones WHERE number_hash = $1 AND ended_at = 0", s.numberHash(e164))
	return n, err
}
