package seal_test

import (
	"bytes"
	"testing"

	"sallyport/back/seal"
)

func TestNoTwoListsOfPartsHaveTheSameHash(t *testing.T) {
	b := newBox(t)
	parts := func(texts ...string) [][]byte {
		var list [][]byte
		for _, text := range texts {
			list = append(list, []byte(text))
		}
		return list
	}
	seen := map[string]int{}
	for i, list := range [][][]byte{
		parts(), parts(""), parts("", ""), parts("ab"), parts("a", "b"), parts("", "ab"), parts("ab", ""),
		parts("b", "a"), parts("a", "", "b"), parts("a\x00\x00\x00\x00\x00\x00\x00\x01b"),
	} {
		hash := string(b.MAC("phone", list...))
		if before, ok := seen[hash]; ok {
			t.Errorf("lists %d and %d have the same hash", before, i)
		}
		seen[hash] = i
	}
}

func TestAHashBelongsToItsPurposeAndDatabase(t *testing.T) {
	f := keyFile(t, newLine())
	index, data := newKey(t, f, 1, seal.Index), newKey(t, f, 2, seal.Data)
	b := open(t, f, index, data)
	one := b.MAC("phone", []byte("x"))
	switch {
	case len(one) != 32:
		t.Errorf("it has %d bytes", len(one))
	case !bytes.Equal(one, b.MAC("phone", []byte("x"))):
		t.Error("it changes from call to call")
	case !bytes.Equal(one, open(t, f, data, index).MAC("phone", []byte("x"))):
		t.Error("it changes from start to start")
	case bytes.Equal(one, b.MAC("mail", []byte("x"))):
		t.Error("two purposes share it")
	case bytes.Equal(one, newBox(t).MAC("phone", []byte("x"))):
		t.Error("two databases share it")
	}
}
