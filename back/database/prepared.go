package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// prepared is a connection to the embedded database which prepares each statement
// once: to prepare one takes several times as long as to run it.
type prepared struct {
	db    *sql.DB
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	stuck bool // in a transaction that did not end: nothing begins on it any more
}

func prepare(ctx context.Context, db *sql.DB) (*prepared, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &prepared{db: db, conn: conn, stmts: map[string]*sql.Stmt{}}, nil
}

func (p *prepared) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt, ok := p.stmts[query]; ok {
		return stmt, nil
	}
	stmt, err := p.conn.PrepareContext(ctx, query)
	if err == nil {
		p.stmts[query] = stmt
	}
	return stmt, err
}

func (p *prepared) exec(ctx context.Context, query string, args ...any) (int64, error) {
	stmt, err := p.stmt(ctx, query)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// answers answers questions about one moment, which is also quicker: SQLite looks
// once, not for each, whether somebody has written.
func (p *prepared) answers(ctx context.Context, questions []Question) (err error) {
	if len(questions) == 1 {
		return p.answer(ctx, questions[0])
	}
	if _, err := p.exec(ctx, "BEGIN"); err != nil {
		p.stuck = true
		return err
	}
	defer func() {
		_, ended := p.exec(ctx, "ROLLBACK") // nothing was written
		p.stuck = ended != nil
		err = errors.Join(err, ended)
	}()
	for _, q := range questions {
		if err := p.answer(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

func (p *prepared) answer(ctx context.Context, q Question) (err error) {
	stmt, err := p.stmt(ctx, q.Query)
	if err != nil {
		return err
	}
	return q.each(stmt.QueryContext(ctx, q.Args...))
}

// close leaves no statement open: with one the connection would not be closed, and
// the log would stay beside the database.
func (p *prepared) close() (err error) {
	for query, stmt := range p.stmts {
		err = errors.Join(err, stmt.Close())
		delete(p.stmts, query)
	}
	if p.stuck {
		_ = p.conn.Raw(func(any) error { return driver.ErrBadConn }) // else its pool would hand it out again
	}
	return errors.Join(err, p.conn.Close())
}
