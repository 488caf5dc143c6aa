package store

import (
	"context"
	"fmt"
	"strings"
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

// list reads rows with their scan.
func list[T any](ctx context.Context, s *Store, scan func(scanner) (*T, error), query string, args ...any) (all []T, err error) {
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

// first is the first of a list, or nil.
func first[T any](all []T, err error) (*T, error) {
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}
