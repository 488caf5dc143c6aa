// Package seal is encryption at rest: what the database must not show whoever
// steals it – keys of apps, mobile numbers, codes on their way – is stored
// sealed, and found by keyed hashes.
//
// Three layers of keys:
//
//	key file       keys outside the database; the first wraps, all unwrap
//	table keys     data keys, each wrapped by a key of the file (Wrapped)
//	sealed value   under a key derived from the newest data key for its column
//
// A sealed value opens only at the place it was sealed for, table, column and
// row: who can write the database cannot move Ada's key into Bob's row. The
// format is
//
//	version (1) | number of the data key (4) | nonce (12) | AES-256-GCM ciphertext and tag
//
// with the first five bytes and the place as additional data. The package knows
// no database and refuses whatever it did not make; its errors never hold what
// was sealed.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"sync/atomic"
)

const (
	version  = 1
	keySize  = 32
	header   = 1 + 4   // version and number of the data key
	overhead = 12 + 16 // nonce and tag
)

var (
	// ErrNoKeys says that the table of keys is empty: the database is new.
	ErrNoKeys = errors.New("the database holds no data keys yet")
	// ErrTampered says that a value was changed, or was sealed for another place.
	ErrTampered = errors.New("the sealed value was changed, or belongs to another place")
	// ErrUnknownKey says that a value names a data key that the box does not
	// hold: another node has made a new one since, so read the keys again.
	ErrUnknownKey = errors.New("the value is sealed with a data key that is not loaded")
)

// Box seals and opens with the data keys of one database. It may be used by
// many goroutines at once.
type Box struct {
	keys     atomic.Pointer[keySet]
	learning sync.Mutex
	index    Secret
	macs     sync.Map // purpose → *sync.Pool of hashes
}

// keySet is the data keys of a moment. It does not change.
type keySet struct {
	newest uint32
	data   map[uint32]*dataKey
}

// dataKey is one data key and the ciphers derived from it, one per column.
type dataKey struct {
	key     Secret
	columns sync.Map // table.column → cipher.AEAD
}

// Open unwraps the rows of table keys. Rows that the key file cannot unwrap are
// refused all together: a portal that reads only part of its data must not start.
func Open(f *KeyFile, rows []Wrapped) (*Box, error) {
	if len(rows) == 0 {
		return nil, ErrNoKeys
	}
	b, keys := &Box{}, &keySet{data: map[uint32]*dataKey{}}
	seen := map[int64]bool{}
	for _, row := range rows {
		key, err := f.unwrap(row)
		if err != nil {
			return nil, err
		}
		if seen[row.ID] {
			return nil, fmt.Errorf("the table of keys holds data key %d twice", row.ID)
		}
		seen[row.ID] = true
		if err := b.add(keys, row, key); err != nil {
			return nil, err
		}
	}
	if b.index == nil || keys.newest == 0 {
		return nil, fmt.Errorf("the table of keys has no key for %q or none for %q (hint: restore the table from a backup)", Data, Index)
	}
	b.keys.Store(keys)
	return b, nil
}

func (b *Box) add(keys *keySet, row Wrapped, key Secret) error {
	switch {
	case row.Purpose == Data:
		keys.data[uint32(row.ID)] = &dataKey{key: key}
		keys.newest = max(keys.newest, uint32(row.ID))
	case row.Purpose == Index && b.index == nil:
		b.index = key
	case row.Purpose == Index:
		return fmt.Errorf("the table of keys holds more than one key for %q", Index)
	default:
		return fmt.Errorf("data key %d has the unknown purpose %q (hint: a newer Sallyport made it)", row.ID, row.Purpose)
	}
	return nil
}

// Seal encrypts plain for its place, "table.column:row", with the newest data
// key. A place without table, column or row is a mistake in the program, which
// would bind the value to nothing: it panics.
func (b *Box) Seal(place string, plain []byte) []byte {
	column, ok := columnOf(place)
	if !ok {
		panic(fmt.Sprintf("seal: the place %q is not table.column:row", place))
	}
	keys := b.keys.Load()
	aead := keys.data[keys.newest].column(column)
	sealed := make([]byte, header, header+overhead+len(plain))
	sealed[0] = version
	binary.BigEndian.PutUint32(sealed[1:], keys.newest)
	return aead.Seal(sealed, nil, plain, additional(sealed[:header], place))
}

// Open decrypts what Seal made for that place.
func (b *Box) Open(place string, sealed []byte) ([]byte, error) {
	column, ok := columnOf(place)
	if !ok || len(sealed) < header+overhead || sealed[0] != version {
		return nil, fmt.Errorf("open %s: %w", place, ErrTampered)
	}
	id := keyNumber(sealed)
	key, ok := b.keys.Load().data[id]
	if !ok {
		return nil, fmt.Errorf("open %s: %w (number %d)", place, ErrUnknownKey, id)
	}
	plain, err := key.column(column).Open(nil, nil, sealed[header:], additional(sealed[:header], place))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", place, ErrTampered)
	}
	return plain, nil
}

// Stale says whether a value should be sealed again, because a newer data key
// than its own is in use.
func (b *Box) Stale(sealed []byte) bool {
	return len(sealed) < header || sealed[0] != version || keyNumber(sealed) != b.keys.Load().newest
}

func keyNumber(sealed []byte) uint32 { return binary.BigEndian.Uint32(sealed[1:header]) }

// Format hides the keys from every verb of fmt.
func (b *Box) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// column is the cipher for one column. Every column has a key of its own, so
// that random nonces stay far below the 2^32 that NIST SP 800-38D allows a key.
// Columns are names in the program, so the cache has an end.
func (k *dataKey) column(name string) cipher.AEAD {
	if aead, ok := k.columns.Load(name); ok {
		return aead.(cipher.AEAD)
	}
	aead, _ := k.columns.LoadOrStore(name, newAEAD(derive(k.key, "sallyport seal 1 "+name)))
	return aead.(cipher.AEAD)
}

// columnOf is the part "table.column" of a place.
func columnOf(place string) (string, bool) {
	name, row, _ := strings.Cut(place, ":")
	table, column, _ := strings.Cut(name, ".")
	return name, table != "" && column != "" && row != ""
}

func additional(head []byte, place string) []byte {
	return append(append(make([]byte, 0, len(head)+len(place)), head...), place...)
}

// derive makes a key of its own for one use of another key.
func derive(key Secret, use string) Secret {
	derived, err := hkdf.Key(sha256.New, key, nil, use, keySize)
	if err != nil {
		panic(err) // only a key that is too long is refused
	}
	return derived
}

// newAEAD is AES-256-GCM that makes its own random nonce and puts it in front.
func newAEAD(key Secret) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // keys have 32 bytes
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return aead
}

func validID(id int64) bool { return 0 < id && id <= math.MaxUint32 }
