package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// MAC is a keyed hash, HMAC-SHA-256 with a key of its own for each purpose. The
// length of each part goes in before it, so that no two lists of parts give the
// same hash. Its results are stored: neither key nor form may ever change.
func (b *Box) MAC(purpose string, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, b.macKey(purpose))
	var length [8]byte
	for _, part := range parts {
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		mac.Write(length[:])
		mac.Write(part)
	}
	return mac.Sum(nil)
}

// macKey is the key for one purpose. Purposes are names in the program, so the
// cache has an end.
func (b *Box) macKey(purpose string) Secret {
	if key, ok := b.macs.Load(purpose); ok {
		return key.(Secret)
	}
	key, _ := b.macs.LoadOrStore(purpose, derive(b.index, "sallyport mac 1 "+purpose))
	return key.(Secret)
}
