package seal

import (
	"fmt"
	"maps"
	"slices"
)

// Learn takes the table of keys as it is now: new data keys are used from here on,
// those that are gone are forgotten. Keys that the box has already are not
// unwrapped again, so that it goes on while their wrapping changes. When it fails
// the box stays as it was.
func (b *Box) Learn(f *KeyFile, rows []Wrapped) error {
	b.learning.Lock()
	defer b.learning.Unlock()
	was := b.keys.Load()
	next := &keySet{data: map[uint32]*dataKey{}}
	for _, row := range rows {
		if row.Purpose != Data {
			continue // the index key is for life
		}
		id := uint32(row.ID)
		if known, ok := was.data[id]; ok {
			next.data[id] = known
		} else {
			key, err := f.unwrap(row)
			if err != nil {
				return err
			}
			next.data[id] = &dataKey{key: key}
		}
		next.newest = max(next.newest, id)
	}
	if next.newest == 0 {
		return fmt.Errorf("the table of keys has no key for %q any more (hint: restore the table from a backup)", Data)
	}
	if !maps.Equal(was.data, next.data) {
		b.keys.Store(next)
	}
	return nil
}

// DataKeys are the numbers of the data keys in the box, the newest last.
func (b *Box) DataKeys() (ids []int64) {
	for id := range b.keys.Load().data {
		ids = append(ids, int64(id))
	}
	slices.Sort(ids)
	return ids
}

// KeyOf is the number of the data key that a value names, or 0.
func KeyOf(sealed []byte) int64 {
	if len(sealed) < header || sealed[0] != version {
		return 0
	}
	return int64(keyNumber(sealed))
}

// IDs name the keys of the file, the first one first.
func (f KeyFile) IDs() []string {
	ids := []string{f.first}
	for _, id := range slices.Sorted(maps.Keys(f.keys)) {
		if id != f.first {
			ids = append(ids, id)
		}
	}
	return ids
}
