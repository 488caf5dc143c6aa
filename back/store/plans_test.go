//go:build !race

package store_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"sallyport/back/store"
	"sallyport/back/storetest"
)

// heard is a database whose statements are heard.
type heard struct {
	driver.Connector
	mu    sync.Mutex
	texts map[string]bool
}

type heardConn struct {
	driver.Conn
	by *heard
}

func (h *heard) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := h.Connector.Connect(ctx)
	return &heardConn{c, h}, err
}

func (c *heardConn) hear(text string) {
	c.by.mu.Lock()
	defer c.by.mu.Unlock()
	c.by.texts[text] = true
}

func (c *heardConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	c.hear(text)
	return c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, text)
}

func (c *heardConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
}

func (c *heardConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	c.hear(text)
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, text, args)
}

func (c *heardConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	c.hear(text)
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, text, args)
}

// large are the tables that grow with people.
const large = "people|factors|phones|attempts|setups|recoveries|sessions|known|links|messages|limits|audit|grants|tokens|consents|assertions"

// walks are statements that look at all there is, and may: sweeping, figures,
// lists, the whole of the log and of what is sealed, and erasing somebody from it,
// are no part of a request.
var walks = regexp.MustCompile(`(?i)^(DELETE FROM|WITH)|COUNT\(\*\)|GROUP BY|MAX\(|MIN\(|LIMIT|key_id|sealed|SET actor|ORDER BY (seq|name)`)

// A statement of a request must not cost more the more people there are. SQLite
// plans without statistics: one that may take the index of all rows in use
// (ended_at = 0) for a person's own does so.
func TestNoRequestWalksThroughEverybody(t *testing.T) {
	h := &heard{texts: map[string]bool{}}
	o := store.Options{Folder: folder(t), Keys: keyFile(t), Wrap: func(c driver.Connector) driver.Connector {
		h.Connector = c
		return h
	}}
	t.Run("contract", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) *store.Store { return open(t, o) })
	})
	db := raw(t, o)
	scans := regexp.MustCompile(`^SCAN (` + large + `)\b`)
	wrong := regexp.MustCompile(`_(ended|end|ends|seen|made)\b.*\((ended_at|ends_at)=\?\)`)
	looked := 0
	for _, text := range slices.Sorted(maps.Keys(h.texts)) {
		verb, _, _ := strings.Cut(text, " ")
		if !slices.Contains([]string{"SELECT", "UPDATE", "DELETE", "INSERT"}, verb) || walks.MatchString(text) && !strings.Contains(text, "AS others") || strings.HasSuffix(text, ";") { // those of migrations
			continue
		}
		args := make([]any, strings.Count(text, "$")+9)
		most := 0
		for _, n := range regexp.MustCompile(`\$(\d+)`).FindAllStringSubmatch(text, -1) {
			var i int
			fmt.Sscan(n[1], &i)
			most = max(most, i)
		}
		rows, err := db.Query("EXPLAIN QUERY PLAN "+text, args[:most]...)
		if err != nil {
			continue // a statement of the contract's own, over a table that is gone
		}
		looked++
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			if scans.MatchString(detail) || wrong.MatchString(detail) {
				t.Errorf("%s\n\tis planned as %s", text, detail)
			}
		}
		rows.Close()
	}
	if looked < 60 {
		t.Errorf("only %d statements were looked at, of %d", looked, len(h.texts))
	}
}
