package main

import (
	"path/filepath"
	"testing"
)

// A mutant whose text the product no longer holds would show nothing.
func TestEachMutantFitsTheProduct(t *testing.T) {
	for _, m := range mutants {
		for _, e := range m.edits {
			if _, err := e.made(filepath.Join("..", "..", "..")); err != nil {
				t.Errorf("%s: %v", m.name, err)
			}
		}
	}
}
