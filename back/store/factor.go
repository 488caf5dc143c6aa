package store

import (
	"context"
	"fmt"

	"sallyport/core/change"
	"sallyport/core/factor"
)

const factorColumns = "id, person, kind, name, data, step, misses, added_at, used_at, ended_at, ended_why, version"

func (t txn) factor(effect change.Effect) error {
	switch e := effect.(type) {
	case factor.Bound:
		f := e.Factor
		return t.must(e, insert("factors", factorColumns), f.ID, f.Person, string(f.Kind), f.Name, t.seal("factors.data", f.ID, string(f.Data)),
			f.Step, f.Misses, ms(f.AddedAt), ms(f.UsedAt), ms(f.EndedAt), f.EndedWhy, f.Version)
	case factor.Ended:
		return t.must(e, "UPDATE factors SET ended_at = $3, ended_why = $4, version = version + 1 WHERE id = $1 AND person = $2 AND ended_at = 0",
			e.ID, e.Person, ms(e.At), e.Why)
	case factor.EndedAll:
		return t.do("UPDATE factors SET ended_at = $3, ended_why = $4, version = version + 1 WHERE person = $1 AND id <> $2 AND ended_at = 0 AND (kind = $5 OR $5 = '')",
			e.Person, e.Except, ms(e.At), e.Why, string(e.Kind))
	case factor.Voided:
		return t.do("UPDATE factors SET ended_at = $3, ended_why = $4, version = version + 1 WHERE id = $1 AND person = $2 AND ended_at = 0",
			e.ID, e.Person, ms(e.At), factor.EndedByDispute)
	case factor.StepSpent:
		// The condition is the whole of replay protection: one statement, so that
		// it holds across attempts, nodes and restarts.
		return t.must(e, "UPDATE factors SET step = $2, used_at = $3, misses = 0 WHERE id = $1 AND step < $2 AND ended_at = 0 AND misses < $4",
			e.ID, e.Step, ms(e.At), factor.MissesMax)
	case factor.Missed:
		return t.do("UPDATE factors SET misses = misses + 1 WHERE id = $1 AND ended_at = 0", e.ID)
	case factor.DataSaved:
		f := e.Factor
		return t.must(e, "UPDATE factors SET data = $2, used_at = $3, misses = $4, version = version + 1 WHERE id = $1 AND version = $5 AND ended_at = 0",
			f.ID, t.seal("factors.data", f.ID, string(f.Data)), ms(f.UsedAt), f.Misses, f.Version)
	case factor.Renamed:
		return t.must(e, "UPDATE factors SET name = $3 WHERE id = $1 AND person = $2 AND ended_at = 0", e.ID, e.Person, e.Name)
	}
	return fmt.Errorf("no such effect on factors")
}

func (s *Store) scanFactor(row scanner) (*factor.Factor, error) {
	var f factor.Factor
	var data []byte
	var plain string
	if err := row.Scan(&f.ID, &f.Person, &f.Kind, &f.Name, &data, &f.Step, &f.Misses, when{&f.AddedAt}, when{&f.UsedAt},
		when{&f.EndedAt}, &f.EndedWhy, &f.Version); err != nil {
		return nil, err
	}
	err := s.open("factors.data", f.ID, data, &plain)
	f.Data = []byte(plain)
	return &f, err
}

const factorsOf = "SELECT " + factorColumns + " FROM factors WHERE person = $1 ORDER BY added_at, id"

// Factors are all of a person's, ended ones too, oldest first.
func (s *Store) Factors(ctx context.Context, who string) ([]factor.Factor, error) {
	return list(ctx, s, s.scanFactor, factorsOf, who)
}
