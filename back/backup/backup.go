// Package backup takes a portal into one file and makes it again from that, on
// either database. It writes into no place where anything is, and only what it has
// read to the end. The file has a form of its own:
//
//	{"format":1,"schema":2,"url":…,"at":…,"keys":[…],"settings":…}   what it is of
//	{"table":"people","columns":[…],"types":[…]}                     for each table
//	["6TBQ…","ada",true,1795444320000,"AQAAAAI…"]                    its rows
//	{"rows":{"people":1,…},"sha256":…,"mac":…}                       the end
//
// are lines of JSON in a stream of gzip. BYTEA is in base64 and stays sealed as it
// was. The sum is that of all lines before the last. The MAC is of the sum, under
// a key of the installation, so that a file which broke off or was edited is
// refused, be it by somebody who can make sums.
package backup

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"sallyport/back/store"
)

// form is the form of the file that this program writes; it reads those before.
const form = 1

// start is the header that gzip gives every backup, to the byte, as the sum does
// not cover it.
const start = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"

// lineMax is the longest line.
const lineMax = 8 << 20

// Head says what a backup is of.
type Head struct {
	Format   int       `json:"format"`
	Schema   int64     `json:"schema"`
	URL      string    `json:"url"`
	At       time.Time `json:"at"`
	Keys     []string  `json:"keys"`     // the keys of the key file that open it, by id
	Settings []byte    `json:"settings"` // the text of the settings file, sealed
}

// Copy says what a backup is of, and how much is in it.
type Copy struct {
	Head
	Rows map[string]int64 // of each table
	Ended
}

// Ended is what went on when the backup was taken, and does not in the copy.
type Ended struct {
	Sessions, Browsers, Links, Recoveries int64
}

// ending is the last line.
type ending struct {
	Rows map[string]int64 `json:"rows"` // of each table
	Sum  string           `json:"sha256"`
	MAC  []byte           `json:"mac"`
}

func same(a, b store.Table) bool {
	return a.Name == b.Name && slices.Equal(a.Columns, b.Columns) && slices.Equal(a.Types, b.Types)
}

func list(t store.Table) string { return strings.Join(t.Columns, ", ") }

// Cells are places for the values of one row, for sql.Rows and for JSON: pointers
// to pointers, as any value may be none.
func Cells(t store.Table) (cells []any, err error) {
	for i, kind := range t.Types {
		switch kind {
		case "TEXT":
			cells = append(cells, new(*string))
		case "BIGINT":
			cells = append(cells, new(*int64))
		case "BOOLEAN":
			cells = append(cells, new(*bool))
		case "BYTEA":
			cells = append(cells, new(*[]byte))
		default:
			return nil, fmt.Errorf("%s.%s has the type %q, which no backup knows", t.Name, t.Columns[i], kind)
		}
	}
	return cells, nil
}

// Plain is the value in a cell, or nil.
func Plain(cell any) any {
	switch v := cell.(type) {
	case **string:
		if *v != nil {
			return **v
		}
	case **int64:
		if *v != nil {
			return **v
		}
	case **bool:
		if *v != nil {
			return **v
		}
	case **[]byte:
		if *v != nil {
			return **v
		}
	}
	return nil
}

// exact makes sure that JSON keeps a value as it is.
func exact(cell any) error {
	switch v := cell.(type) {
	case **string:
		if *v != nil && !utf8.ValidString(**v) {
			return errors.New("text that is not UTF-8; hint: mend that row")
		}
	case **[]byte:
		if *v != nil && **v == nil {
			**v = []byte{} // empty, not none
		}
	}
	return nil
}
