package database_test

import (
	"context"
	"testing"

	"sallyport/back/database"
)

// A server answers COMMIT with ROLLBACK, and no error, where a statement failed.
func TestWhatWasRolledBackIsNotCommitted(t *testing.T) {
	db := behind(t, &pooler{})
	err := db.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
		_, _ = tx.Exec(ctx, database.Statement{Query: "SELECT 1 / 0"})
		return nil
	})
	if err == nil {
		t.Error("it passes for committed")
	}
}
