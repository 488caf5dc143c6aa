package database_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"sallyport/back/database"
)

// A transaction that does not end on a connection is the end of that connection,
// not of reading.
func TestAReaderThatIsStuckIsNotUsedAgain(t *testing.T) {
	file := "file:" + filepath.Join(t.TempDir(), "a.db") + "?_pragma=journal_mode(WAL)"
	open := func() *sql.DB {
		db, err := sql.Open("sqlite", file)
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	db, err := database.NewSQLite(t.Context(), open(), open(), 1, silent{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	ask := func(queries ...string) error {
		var list []database.Question
		for _, q := range queries {
			list = append(list, database.Question{Query: q, Each: func(database.Row) error { return nil }})
		}
		return db.Read(t.Context(), list)
	}
	if err := ask("BEGIN"); err != nil {
		t.Fatal(err)
	}
	if err := ask("SELECT 1", "SELECT 2"); err == nil {
		t.Error("it began twice: this test is blind")
	}
	for range 3 {
		if err := ask("SELECT 1", "SELECT 2"); err != nil {
			t.Errorf("after it: %v", err)
		}
	}
}
