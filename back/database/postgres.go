package database

import (
	"context"
	"database/sql"
	"errors"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// dialTime bounds one try to reach a server.
const dialTime = 5 * time.Second

// OpenPostgres makes the connections of an address.
func OpenPostgres(address string) (*sql.DB, error) {
	c, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, errors.New("open PostgreSQL: the address cannot be read; hint: postgres://user:password@host/database") // err would show the password
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = dialTime
	}
	if c.DefaultQueryExecMode != pgx.QueryExecModeCacheStatement {
		return stdlib.OpenDB(*c), nil // the address says how
	}
	var d direct
	return stdlib.OpenDB(*c, stdlib.OptionBeforeConnect(d.before), stdlib.OptionAfterConnect(d.after)), nil
}

// direct is true once a connection was seen to lead to the server itself. Only there
// are statements prepared: they belong to a server's connection, and behind pgbouncer
// in transaction mode the next transaction may run on another.
type direct struct{ atomic.Bool }

// errPooled ends a connection that was taken for a direct one. The next is not.
var errPooled = errors.New("a pooler stands before the database now")

func (d *direct) before(_ context.Context, c *pgx.ConnConfig) error {
	if !d.Load() {
		c.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	return nil
}

// after asks the server for the number of its process. A pooler has told the client
// one of its own, since whoever would cancel has to ask the pooler.
func (d *direct) after(ctx context.Context, conn *pgx.Conn) error {
	var pid int64
	if err := conn.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&pid); err != nil {
		return err
	}
	is := uint32(pid) == conn.PgConn().PID()
	d.Store(is)
	if !is && conn.Config().DefaultQueryExecMode == pgx.QueryExecModeCacheStatement {
		return errPooled
	}
	return nil
}

// Postgres is the connections to a PostgreSQL server. What can be sent together is
// sent together: a round trip costs more than most statements.
//
// It applies each change in a transaction of its own. Conditions are updates that
// lock their row, so that of two at once the second waits and then sees what the
// first did (READ COMMITTED).
type Postgres struct {
	db       *sql.DB
	observer Observer
	idle     int // connections that are kept open
}

// NewPostgres takes over the connections. Those that were made before it was known
// what they lead to are not used again.
func NewPostgres(db *sql.DB, o Observer) *Postgres {
	p := &Postgres{db: db, observer: o, idle: 4 * max(4, runtime.NumCPU())}
	db.SetMaxOpenConns(p.idle)
	db.SetConnMaxIdleTime(time.Minute)
	p.redial()
	return p
}

// Pool is how the connections are used.
func (p *Postgres) Pool() sql.DBStats { return p.db.Stats() }

// Close ends the connections.
func (p *Postgres) Close() error { return p.db.Close() }

// on lends a connection.
func (p *Postgres) on(ctx context.Context, do func(*pgx.Conn) error) error {
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(driver any) error { return do(driver.(*stdlib.Conn).Conn()) })
}

// Read answers questions in one round trip.
func (p *Postgres) Read(ctx context.Context, questions []Question) error {
	return p.on(ctx, func(conn *pgx.Conn) (err error) {
		var batch pgx.Batch
		for _, q := range questions {
			batch.Queue(q.Query, q.Args...)
		}
		answers := conn.SendBatch(ctx, &batch)
		defer func() {
			if closed := answers.Close(); err == nil {
				err = closed
			}
		}()
		for _, q := range questions {
			rows, err := answers.Query()
			if err != nil {
				return err
			}
			for rows.Next() {
				if err := q.take(rows); err != nil {
					return err
				}
			}
			if err := rows.Err(); err != nil {
				return err
			}
		}
		return nil
	})
}

// Snapshot answers questions about one moment.
func (p *Postgres) Snapshot(ctx context.Context, questions []Question) error {
	return snapshot(ctx, p.db, sql.LevelRepeatableRead, questions)
}

// retries is how often a change is tried again when PostgreSQL broke it off in
// favour of another.
const retries = 5

// applyTime bounds a change whose caller has gone away.
const applyTime = 20 * time.Second

// Write keeps to the caller's deadline, because a database that hangs must not
// hold up the answer; that the caller has gone away ends nothing.
func (w *Postgres) Write(ctx context.Context, c Change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	bound := applyTime
	if deadline, ok := ctx.Deadline(); ok {
		bound = min(bound, time.Until(deadline))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), bound)
	defer cancel()
	for try := 0; ; try++ {
		err := w.once(ctx, c)
		if err == nil {
			w.observer.Committed(1)
			return nil
		}
		if demoted(err) {
			w.redial()
		}
		if !broken(err) && !demoted(err) || try == retries {
			return err
		}
		w.observer.Retried()
		time.Sleep(time.Duration(1+try) * 5 * time.Millisecond)
	}
}

func (w *Postgres) once(ctx context.Context, c Change) error {
	return w.on(ctx, func(conn *pgx.Conn) error {
		p := &pipeline{conn: conn, waiting: []Statement{{Query: "BEGIN"}}}
		err := c(ctx, p)
		if err == nil {
			_, err = p.flush(ctx)
		}
		if err == nil {
			var tag pgconn.CommandTag
			if tag, err = conn.Exec(ctx, "COMMIT"); err == nil && tag.String() != "COMMIT" {
				err = pgx.ErrTxCommitRollback // some change went on after an error
			}
			return err
		}
		if !conn.IsClosed() && conn.PgConn().TxStatus() != 'I' {
			if _, undo := conn.Exec(ctx, "ROLLBACK"); undo != nil {
				conn.Close(ctx) // nobody commits what it has open
			}
		}
		return err
	})
}

// broken says whether PostgreSQL ended the transaction for another's sake
// (serialization failure or deadlock), or it was not begun.
func broken(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == "40001" || e.Code == "40P01") || errors.Is(err, errPooled)
}

// Taken says whether PostgreSQL refused a row because another has its key (unique_violation).
func Taken(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == "23505"
}

// demoted says whether the server refuses writes: it is a standby now, or was made
// read-only.
func demoted(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == "25006"
}

// redial drops the connections that rest, so that the next ones find the server
// that takes writes, where the address names several with target_session_attrs.
func (w *Postgres) redial() {
	w.db.SetMaxIdleConns(-1)
	w.db.SetMaxIdleConns(w.idle)
}

// pipeline sends the statements of a change together, as far as none has to know
// what came of one before.
type pipeline struct {
	conn    *pgx.Conn
	waiting []Statement
}

// Run queues a statement.
func (p *pipeline) Run(_ context.Context, s Statement) error {
	p.waiting = append(p.waiting, s)
	return nil
}

// Exec runs a statement with those that have queued.
func (p *pipeline) Exec(ctx context.Context, s Statement) (int64, error) {
	p.waiting = append(p.waiting, s)
	return p.flush(ctx)
}

// Later keeps nothing: each change is committed by itself.
func (p *pipeline) Later(any) bool { return false }

// flush looks at the answers in the order of the statements, so that the first
// condition that does not hold is the one that is told; those behind it have run in
// vain. It returns the rows of the last one.
func (p *pipeline) flush(ctx context.Context) (rows int64, err error) {
	var batch pgx.Batch
	for _, s := range p.waiting {
		batch.Queue(s.Query, s.Args...)
	}
	answers := p.conn.SendBatch(ctx, &batch)
	for _, s := range p.waiting {
		tag, failed := answers.Exec()
		rows = tag.RowsAffected()
		if err = s.came(rows, failed); err != nil {
			break
		}
	}
	p.waiting = p.waiting[:0]
	if closed := answers.Close(); err == nil {
		err = closed
	}
	return rows, err
}
