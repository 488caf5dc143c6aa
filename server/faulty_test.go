package server_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// failure is how a statement fails.
type failure struct {
	On   bool          // so do all after it, until the answer
	Late bool          // the statement is done, and its answer is lost
	Hang time.Duration // it takes so long to fail, or as long as its caller waits
	Kill bool          // the process ends with it
	Only string        // no other statements are counted
}

// faulty is a database of which one statement fails.
type faulty struct {
	mu    sync.Mutex
	n, at int
	how   failure
	last  string // the statement that failed
	hung  sync.WaitGroup
}

var errFaulty = errors.New("the database does not do this one")

// arm lets the nth statement from now on fail; none where n is 0.
func (f *faulty) arm(n int, how failure) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n, f.at, f.how, f.last = 0, n, how, ""
}

// seen is how many statements there were, and which of them failed first. It waits for
// one that hangs: others may wait for what it is to find.
func (f *faulty) seen() (n int, failed string) {
	f.hung.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n, f.last
}

// fails counts a statement and says whether it is one that fails.
func (f *faulty) fails(text string) (how failure, fails bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.how.Only != "" && !strings.HasPrefix(strings.ToUpper(text), f.how.Only) {
		return f.how, false
	}
	f.n++
	if f.at == 0 || f.n != f.at && (!f.how.On || f.n < f.at) {
		return f.how, false
	}
	if f.last == "" {
		f.last = text
	}
	return f.how, true
}

// meet does a statement, or lets it fail.
func (f *faulty) meet(ctx context.Context, text string, do func() error) error {
	how, fails := f.fails(text)
	if !fails {
		return do()
	}
	if how.Late {
		if err := do(); err != nil {
			return err
		}
	}
	if how.Kill {
		die()
	}
	if how.Hang == 0 {
		return errFaulty
	}
	f.hung.Add(1)
	defer f.hung.Done()
	select {
	case <-ctx.Done():
	case <-time.After(how.Hang):
	}
	return context.DeadlineExceeded
}

// die is a kill of the process, which nothing follows.
func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// wrap puts it before a driver.
func (f *faulty) wrap(to driver.Connector) driver.Connector { return faultyConnector{to, f} }

type faultyConnector struct {
	driver.Connector
	faulty *faulty
}

func (c faultyConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return faultyConn{conn, c.faulty}, nil
}

type faultyConn struct {
	driver.Conn
	faulty *faulty
}

func (c faultyConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	s, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	return faultyStmt{s, c.faulty, text}, nil
}

func (c faultyConn) BeginTx(ctx context.Context, o driver.TxOptions) (tx driver.Tx, err error) {
	err = c.faulty.meet(ctx, "BEGIN", func() (err error) {
		tx, err = c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	return faultyTx{tx, c.faulty}, nil
}

func (c faultyConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (result driver.Result, err error) {
	err = c.faulty.meet(ctx, text, func() (err error) {
		result, err = c.Conn.(driver.ExecerContext).ExecContext(ctx, text, args)
		return err
	})
	return result, err
}

func (c faultyConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (rows driver.Rows, err error) {
	err = c.faulty.meet(ctx, text, func() (err error) {
		rows, err = c.Conn.(driver.QueryerContext).QueryContext(ctx, text, args)
		return err
	})
	return opened(rows, err)
}

// opened closes rows whose answer was lost.
func opened(rows driver.Rows, err error) (driver.Rows, error) {
	if err != nil && rows != nil {
		return nil, errors.Join(err, rows.Close())
	}
	return rows, err
}

func (c faultyConn) ResetSession(ctx context.Context) error {
	if r, ok := c.Conn.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

func (c faultyConn) IsValid() bool {
	v, ok := c.Conn.(driver.Validator)
	return !ok || v.IsValid()
}

func (c faultyConn) CheckNamedValue(v *driver.NamedValue) error {
	if check, ok := c.Conn.(driver.NamedValueChecker); ok {
		return check.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

type faultyTx struct {
	driver.Tx
	faulty *faulty
}

func (t faultyTx) Commit() error {
	err := t.faulty.meet(context.Background(), "COMMIT", t.Tx.Commit)
	if errors.Is(err, errFaulty) || errors.Is(err, context.DeadlineExceeded) {
		_ = t.Rollback() // as a server does whose client has gone away
	}
	return err
}

func (t faultyTx) Rollback() error { return t.Tx.Rollback() }

type faultyStmt struct {
	driver.Stmt
	faulty *faulty
	text   string
}

func (s faultyStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (result driver.Result, err error) {
	err = s.faulty.meet(ctx, s.text, func() (err error) {
		result, err = s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
		return err
	})
	return result, err
}

func (s faultyStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (rows driver.Rows, err error) {
	err = s.faulty.meet(ctx, s.text, func() (err error) {
		rows, err = s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
		return err
	})
	return opened(rows, err)
}
