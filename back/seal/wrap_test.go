package seal_test

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"sallyport/back/seal"
)

func TestADatabaseWithoutKeysSaysSo(t *testing.T) {
	if _, err := seal.Open(keyFile(t, newLine()), nil); !errors.Is(err, seal.ErrNoKeys) {
		t.Errorf("got %v", err)
	}
}

func TestAnotherKeyFileIsRefusedByName(t *testing.T) {
	f, other := keyFile(t, newLine()), keyFile(t, newLine())
	_, err := seal.Open(other, []seal.Wrapped{newKey(t, f, 1, seal.Index), newKey(t, f, 2, seal.Data)})
	if err == nil {
		t.Fatal("it was accepted")
	}
	for _, want := range []string{"the key file does not hold the key " + f.First() + " that this database was made with", "hint: "} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
}

func TestANewFirstKeyWrapsAndTheOldOneStillOpens(t *testing.T) {
	old, young := newLine(), newLine()
	before, both, after := keyFile(t, old), keyFile(t, young, old), keyFile(t, young)
	rows := []seal.Wrapped{newKey(t, before, 1, seal.Index), newKey(t, before, 2, seal.Data)}
	sealed := open(t, before, rows...).Seal(place, []byte("x"))

	rows = append(rows, newKey(t, both, 3, seal.Data))
	if rows[2].KEK != after.First() {
		t.Error("the second line wrapped")
	}
	if _, err := open(t, both, rows...).Open(place, sealed); err != nil {
		t.Error(err)
	}

	for i := range rows {
		row, err := both.Rewrap(rows[i])
		if err != nil {
			t.Fatal(err)
		}
		if row.ID != rows[i].ID || row.Purpose != rows[i].Purpose || row.MadeAt != rows[i].MadeAt {
			t.Errorf("wrapping again changed the row: %v, was %v", row, rows[i])
		}
		rows[i] = row
	}
	if _, err := open(t, after, rows...).Open(place, sealed); err != nil {
		t.Errorf("with the old line gone: %v", err)
	}
	if _, err := before.Rewrap(rows[2]); err == nil {
		t.Error("a key that cannot be unwrapped was wrapped again")
	}
}

func TestAChangedRowOfKeysIsRefused(t *testing.T) {
	f := keyFile(t, newLine())
	index, data, more := newKey(t, f, 1, seal.Index), newKey(t, f, 2, seal.Data), newKey(t, f, 3, seal.Data)
	other := newKey(t, keyFile(t, newLine()), 2, seal.Data)
	change := func(w seal.Wrapped, how func(*seal.Wrapped)) seal.Wrapped {
		w.Blob = slices.Clone(w.Blob)
		how(&w)
		return w
	}
	for name, rows := range map[string][]seal.Wrapped{
		"another number":    {index, change(data, func(w *seal.Wrapped) { w.ID = 9 })},
		"another purpose":   {index, change(data, func(w *seal.Wrapped) { w.Purpose = seal.Index })},
		"the index as data": {data, change(index, func(w *seal.Wrapped) { w.Purpose = seal.Data })},
		"an unknown one":    {index, data, change(more, func(w *seal.Wrapped) { w.Purpose = "x" })},
		"blobs swapped":     {index, change(data, func(w *seal.Wrapped) { w.Blob = more.Blob })},
		"a foreign blob":    {index, change(other, func(w *seal.Wrapped) { w.KEK = f.First() })},
		"no blob":           {index, change(data, func(w *seal.Wrapped) { w.Blob = nil })},
		"number 0":          {index, change(data, func(w *seal.Wrapped) { w.ID = 0 })},
		"a number too high": {index, change(data, func(w *seal.Wrapped) { w.ID = math.MaxUint32 + 3 })},
		"twice the same":    {index, data, data},
		"two for the index": {index, data, newKey(t, f, 8, seal.Index)},
		"none for the data": {index},
		"none for an index": {data},
		"another version":   {index, change(data, func(w *seal.Wrapped) { w.Blob[0] = 2 })},
	} {
		if _, err := seal.Open(f, rows); err == nil {
			t.Errorf("%s: was accepted", name)
		} else if errors.Is(err, seal.ErrNoKeys) {
			t.Errorf("%s: looks like a new database", name)
		}
	}
	for i := range data.Blob {
		changed := change(data, func(w *seal.Wrapped) { w.Blob[i] ^= 1 })
		if _, err := seal.Open(f, []seal.Wrapped{index, changed}); !errors.Is(err, seal.ErrTampered) {
			t.Errorf("byte %d: got %v", i, err)
		}
	}
}

func TestADataKeyNeedsANumberAndAPurpose(t *testing.T) {
	f := keyFile(t, newLine())
	for _, id := range []int64{-1, 0, math.MaxUint32 + 1} {
		if _, err := f.NewDataKey(id, seal.Data, 1); err == nil {
			t.Errorf("number %d was accepted", id)
		}
	}
	if _, err := f.NewDataKey(1, "other", 1); err == nil {
		t.Error("an unknown purpose was accepted")
	}
	row := newKey(t, f, math.MaxUint32, seal.Data)
	if row.MadeAt != 1_790_000_000_000 || row.KEK != f.First() {
		t.Errorf("got %v", row)
	}
	if bytes.Equal(newKey(t, f, 1, seal.Data).Blob, newKey(t, f, 1, seal.Data).Blob) {
		t.Error("two keys are the same")
	}
}
