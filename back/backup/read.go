package backup

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"

	"sallyport/back/store"
)

// reader reads a backup. It believes nothing: the tables, their columns and types
// are those of the schema, or the file is refused.
type reader struct {
	of  store.Options                          // whose schema it is
	use func(t store.Table, cells []any) error // takes a row; the cells are its own

	head Head
	end  ending
	sum  []byte // of all lines before the last

	hash   hash.Hash
	tables []store.Table // from the one whose rows come
	rows   map[string]int64
	cells  []any
}

// damaged is an error about a file that is no whole backup.
func damaged(why string) error {
	return fmt.Errorf("the file is no whole backup: %s; hint: nothing was written; use another copy of it, or another backup", why)
}

// read reads from the start to the end. Only when it returns no error the rows
// that it handed over were those of a whole backup.
func (r *reader) read(ctx context.Context, from io.ReadSeeker) error {
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read the backup: %w", err)
	}
	in := bufio.NewReaderSize(from, 1<<16)
	if got, _ := in.Peek(len(start)); string(got) != start {
		return errors.New("the file is no backup of Sallyport; hint: sallyport backup FILE makes one")
	}
	zip, err := gzip.NewReader(in)
	if err != nil {
		return damaged(err.Error())
	}
	zip.Multistream(false)
	r.hash, r.rows = sha256.New(), map[string]int64{}
	lines := bufio.NewReaderSize(zip, lineMax)
	for last := false; !last; {
		if err := ctx.Err(); err != nil {
			return err
		}
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return damaged("it breaks off (" + err.Error() + ")")
		}
		if last, err = r.line(ctx, line); err != nil {
			return err
		}
		r.hash.Write(line)
	}
	if _, err := lines.ReadByte(); err != io.EOF { // gzip checks its own sum here
		return damaged("it does not end where it should")
	}
	if _, err := in.ReadByte(); err != io.EOF {
		return damaged("something follows its end")
	}
	return nil
}

// line takes a line, and says whether it is the last.
func (r *reader) line(ctx context.Context, line []byte) (last bool, err error) {
	switch {
	case r.tables == nil:
		return false, r.first(ctx, line)
	case line[0] == '[':
		return false, r.row(line)
	case bytes.HasPrefix(line, []byte(`{"table":`)):
		return false, r.table(line)
	default:
		return true, r.last(line)
	}
}

func (r *reader) first(ctx context.Context, line []byte) error {
	if err := json.Unmarshal(line, &r.head); err != nil || r.head.Format < 1 || r.head.Schema < 1 {
		return damaged("its first line says nothing")
	}
	if r.head.Format > form {
		return fmt.Errorf("the backup has format %d, this program knows %d; hint: restore it with the newer sallyport", r.head.Format, form)
	}
	tables, err := r.of.Tables(ctx, r.head.Schema)
	if errors.Is(err, store.ErrNewer) {
		return fmt.Errorf("the backup has schema version %d, which this program does not know; hint: restore it with the newer sallyport", r.head.Schema)
	}
	r.tables = append([]store.Table{{}}, tables...) // no table, until the first comes
	return err
}

func (r *reader) table(line []byte) (err error) {
	var t store.Table
	if err := json.Unmarshal(line, &t); err != nil || len(r.tables) < 2 || !same(t, r.tables[1]) {
		return damaged(fmt.Sprintf("table %q is not as version %d has it", t.Name, r.head.Schema))
	}
	r.tables, r.rows[t.Name] = r.tables[1:], 0
	r.cells, err = Cells(t)
	return err
}

func (r *reader) row(line []byte) error {
	t, cells := r.tables[0], slices.Clone(r.cells)
	if err := json.Unmarshal(line, &cells); err != nil || t.Name == "" || len(cells) != len(t.Columns) {
		return damaged(fmt.Sprintf("a row of table %q cannot be read", t.Name))
	}
	r.rows[t.Name]++
	return r.use(t, cells)
}

func (r *reader) last(line []byte) error {
	r.sum = r.hash.Sum(nil)
	if err := json.Unmarshal(line, &r.end); err != nil || len(r.tables) != 1 {
		return damaged("its last line says nothing")
	}
	if r.end.Sum != hex.EncodeToString(r.sum) || !maps.Equal(r.end.Rows, r.rows) {
		return damaged("its sum is wrong")
	}
	return nil
}
