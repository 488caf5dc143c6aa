package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"sallyport/back/database"
)

// made keeps the statements that insert and update have made: there is one for each
// table, and to put it together takes half as long as to run it.
var made sync.Map

func once(make func(table, columns string) string, kind, table, columns string) string {
	key := [3]string{kind, table, columns}
	if query, ok := made.Load(key); ok {
		return query.(string)
	}
	query, _ := made.LoadOrStore(key, make(table, columns))
	return query.(string)
}

// insert and update are the statement of a table's one list of columns, whose
// first is the id.
func insert(table, columns string) string { return once(makeInsert, "insert", table, columns) }

func update(table, columns string) string { return once(makeUpdate, "update", table, columns) }

func makeInsert(table, columns string) string {
	n := strings.Count(columns, ",") + 1
	places := make([]string, n)
	for i := range places {
		places[i] = fmt.Sprintf("$%d", i+1)
	}
	return "INSERT INTO " + table + " (" + columns + ") VALUES (" + strings.Join(places, ", ") + ")"
}

func makeUpdate(table, columns string) string {
	var sets []string
	for i, column := range strings.Split(columns, ", ")[1:] {
		sets = append(sets, fmt.Sprintf("%s = $%d", column, i+2))
	}
	return "UPDATE " + table + " SET " + strings.Join(sets, ", ") + " WHERE id = $1"
}

// into collects the rows of a query.
func into[T any](all *[]T, scan func(scanner) (*T, error), query string, args ...any) database.Question {
	return database.Question{Query: query, Args: args, Each: func(row database.Row) error {
		one, err := scan(row)
		if err == nil {
			*all = append(*all, *one)
		}
		return err
	}}
}

// count reads the one number that a query has.
func (s *Store) count(ctx context.Context, n *int, query string, args ...any) error {
	return s.ask(ctx, func() []database.Question {
		return []database.Question{{Query: query, Args: args, Each: func(row database.Row) error { return row.Scan(n) }}}
	})
}

// list reads rows with their scan.
func list[T any](ctx context.Context, s *Store, scan func(scanner) (*T, error), query string, args ...any) (all []T, err error) {
	err = s.ask(ctx, func() []database.Question {
		all = nil
		return []database.Question{into(&all, scan, query, args...)}
	})
	return all, err
}

// ask reads the answers of some questions together. They are made anew for each try:
// also where a key is missing, which cannot be read meanwhile, as who holds a
// connection must not wait for another.
func (s *Store) ask(ctx context.Context, questions func() []database.Question) error {
	err := database.Ask(ctx, s.db, questions)
	if s.learnt(ctx, err) {
		err = database.Ask(ctx, s.db, questions)
	}
	if _, ours := errors.AsType[*database.Unreadable](err); ours {
		return fmt.Errorf("read: %w", err)
	}
	return down("read", err)
}

// first is the first of a list, or nil.
func first[T any](all []T, err error) (*T, error) {
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}
