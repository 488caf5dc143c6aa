package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"
)

// MAC is a keyed hash, HMAC-SHA-256 with a key of its own for each purpose. The
// length of each part goes in before it, so that no two lists of parts give the
// same hash. Its results are stored: neither key nor form may ever change.
func (b *Box) MAC(purpose string, parts ...[]byte) []byte {
	ready := b.ready(purpose)
	mac := ready.Get().(hash.Hash)
	defer ready.Put(mac)
	mac.Reset()
	var length [8]byte
	for _, part := range parts {
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		mac.Write(length[:])
		mac.Write(part)
	}
	return mac.Sum(nil)
}

// ready are hashes that have taken in the key of a purpose, which costs more than a
// short part does. Purposes are names in the program, so there is an end to them.
func (b *Box) ready(purpose string) *sync.Pool {
	if ready, ok := b.macs.Load(purpose); ok {
		return ready.(*sync.Pool)
	}
	key := derive(b.index, "sallyport mac 1 "+purpose)
	ready, _ := b.macs.LoadOrStore(purpose, &sync.Pool{New: func() any { return hmac.New(sha256.New, key) }})
	return ready.(*sync.Pool)
}
