package backup

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"

	"sallyport/back/store"
)

// writer writes a backup. The first error stays and comes back from close.
type writer struct {
	zip    *gzip.Writer
	sum    hash.Hash
	buffer bytes.Buffer
	lines  *json.Encoder // into the buffer
	of     store.Table
	rows   map[string]int64
	err    error
}

func newWriter(to io.Writer, h Head) *writer {
	w := &writer{sum: sha256.New(), rows: map[string]int64{}}
	w.zip, _ = gzip.NewWriterLevel(to, gzip.BestSpeed) // a level that there is
	w.lines = json.NewEncoder(&w.buffer)
	w.lines.SetEscapeHTML(false)
	h.Format = form
	w.line(h)
	return w
}

// table begins the rows of a table.
func (w *writer) table(t store.Table) {
	w.line(t)
	w.of, w.rows[t.Name] = t, 0
}

// row writes one row. It says when it is no use to go on.
func (w *writer) row(cells []any) error {
	w.rows[w.of.Name]++
	for i, cell := range cells {
		if err := exact(cell); err != nil && w.err == nil {
			w.err = fmt.Errorf("row %d of %s has in %s %w", w.rows[w.of.Name], w.of.Name, w.of.Columns[i], err)
		}
	}
	w.line(cells)
	return w.err
}

// close ends the backup with the MAC of its sum.
func (w *writer) close(mac func(sum []byte) []byte) error {
	sum := w.sum.Sum(nil)
	end := ending{Rows: w.rows, Sum: hex.EncodeToString(sum), MAC: mac(sum)}
	w.line(end)
	return errors.Join(w.err, w.zip.Close())
}

func (w *writer) line(v any) {
	if w.err != nil {
		return
	}
	w.buffer.Reset()
	if w.err = w.lines.Encode(v); w.err == nil && w.buffer.Len() > lineMax {
		w.err = fmt.Errorf("a line of %d bytes is longer than a backup can hold", w.buffer.Len())
	}
	if w.err == nil {
		w.sum.Write(w.buffer.Bytes())
		_, w.err = w.zip.Write(w.buffer.Bytes())
	}
}
