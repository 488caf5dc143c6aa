package seal

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
)

// The purposes of the keys in table keys.
const (
	Data  = "data"  // seals values; there may be several, the newest seals, all open
	Index = "index" // keyed hashes and derived tokens; exactly one, for life
)

// Wrapped is a row of table keys: a data key as the database may see it.
type Wrapped struct {
	ID      int64  // 1 and up; stands in every value that the key seals
	Purpose string // Data or Index
	KEK     string // which key of the key file wraps it
	Blob    []byte // version | nonce | ciphertext and tag
	MadeAt  int64  // milliseconds
}

// NewDataKey makes a random key and wraps it with the first key of the file.
// Store the row before anything is sealed with it.
func (f *KeyFile) NewDataKey(id int64, purpose string, now int64) (Wrapped, error) {
	if !validID(id) {
		return Wrapped{}, fmt.Errorf("a data key cannot have the number %d", id)
	}
	if purpose != Data && purpose != Index {
		return Wrapped{}, fmt.Errorf("a data key cannot have the purpose %q", purpose)
	}
	key := make(Secret, keySize)
	rand.Read(key)
	return f.wrap(Wrapped{ID: id, Purpose: purpose, MadeAt: now}, key), nil
}

// Rewrap wraps the key of a row with the first key of the file, so that the
// key that wrapped it before can leave the file. Nothing has to be sealed again.
func (f *KeyFile) Rewrap(row Wrapped) (Wrapped, error) {
	key, err := f.unwrap(row)
	if err != nil {
		return Wrapped{}, err
	}
	return f.wrap(row, key), nil
}

func (f *KeyFile) wrap(row Wrapped, key Secret) Wrapped {
	row.KEK = f.first
	row.Blob = newAEAD(derive(f.keys[f.first], useWrap)).Seal([]byte{version}, nil, key, row.place())
	return row
}

func (f *KeyFile) unwrap(row Wrapped) (Secret, error) {
	kek, ok := f.keys[row.KEK]
	if !ok {
		return nil, fmt.Errorf("the key file does not hold the key %s that this database was made with "+
			"(hint: put back the key file that belongs to this database, or add its line below the first key; "+
			"without it the database cannot be read)", row.KEK)
	}
	if !validID(row.ID) || len(row.Blob) != 1+overhead+keySize || row.Blob[0] != version {
		return nil, fmt.Errorf("data key %d: %w", row.ID, ErrTampered)
	}
	key, err := newAEAD(derive(kek, useWrap)).Open(nil, nil, row.Blob[1:], row.place())
	if err != nil {
		return nil, fmt.Errorf("data key %d: %w", row.ID, ErrTampered)
	}
	return key, nil
}

const useWrap = "sallyport wrap 1"

// place binds a wrapped key to its number and purpose.
func (w Wrapped) place() []byte {
	place := append([]byte{version}, "keys.blob:"...)
	place = binary.BigEndian.AppendUint64(place, uint64(w.ID))
	return append(place, w.Purpose...)
}
