//go:build !race

package server_test

import (
	"testing"

	"sallyport/back/storetest"
)

func there(t *testing.T, more string) door {
	return site(t, "database: "+storetest.Postgres(t)+"\n"+more, false)
}
func letThere(t *testing.T, more string) door {
	return rent(t, "database: "+storetest.Postgres(t)+"\n"+more)
}

// TestABrokenWireOpensNothing loses the connection to PostgreSQL in the middle of
// every errand.
func TestABrokenWireOpensNothing(t *testing.T) {
	t.Parallel()
	t.Run("before a statement", func(t *testing.T) { failing(t, there, failure{}, 1) })
	t.Run("after a commit", func(t *testing.T) { failing(t, there, failure{Late: true, Only: "COMMIT"}, 1) })
}

// TestAHangingWireOpensNothing hears nothing of PostgreSQL for longer than a request may take.
func TestAHangingWireOpensNothing(t *testing.T) {
	t.Parallel()
	t.Run("before a statement", func(t *testing.T) { failing(t, there, failure{Hang: hang}, 1) })
	t.Run("after a commit", func(t *testing.T) { failing(t, there, failure{Hang: hang, Late: true, Only: "COMMIT"}, 1) })
}

// TestAKillOnTheWireOpensNothing ends the process with a statement to PostgreSQL.
func TestAKillOnTheWireOpensNothing(t *testing.T) {
	t.Parallel()
	t.Run("before a statement", func(t *testing.T) { failing(t, letThere, failure{Kill: true}, 1) })
	t.Run("after a commit", func(t *testing.T) { failing(t, letThere, failure{Kill: true, Late: true, Only: "COMMIT"}, 1) })
}
