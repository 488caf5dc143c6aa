package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// insert and update make the statement of a table's one list of columns, whose
// first is the id.
func insert(table, columns string) string {
	n := strings.Count(columns, ",") + 1
	places := make([]string, n)
	for i := range places {
		places[i] = fmt.Sprintf("$%d", i+1)
	}
	return "INSERT INTO " + table + " (" + columns + ") VALUES (" + strings.Join(places, ", ") + ")"
}

func update(table, columns string) string {
	var sets []string
	for i, column := range strings.Split(columns, ", ")[1:] {
		sets = append(sets, fmt.Sprintf("%s = $%d", column, i+2))
	}
	return "UPDATE " + table + " SET " + strings.Join(sets, ", ") + " WHERE id = $1"
}

// list reads rows with their scan. A connection that dies under it is no reason to
// fail: reading again changes nothing.
func list[T any](ctx context.Context, s *Store, scan func(scanner) (*T, error), query string, args ...any) (all []T, err error) {
	for try := 0; ; try++ {
		if all, err = listOnce(ctx, s, scan, query, args...); err == nil || try == 2 || !lost(err) {
			return all, err
		}
	}
}

func listOnce[T any](ctx context.Context, s *Store, scan func(scanner) (*T, error), query string, args ...any) (all []T, err error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, down("read", err)
	}
	defer rows.Close()
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("read: %w", err)
		}
		all = append(all, *one)
	}
	return all, down("read", rows.Err())
}

// lost says whether the connection is gone, and not more than that: the server
// ended it (57P), or the network did (08, and what has no code).
func lost(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return strings.HasPrefix(e.Code, "57P") || strings.HasPrefix(e.Code, "08")
	}
	_, network := errors.AsType[net.Error](err)
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || network && !errors.Is(err, context.DeadlineExceeded)
}

// first is the first of a list, or nil.
func first[T any](all []T, err error) (*T, error) {
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}
