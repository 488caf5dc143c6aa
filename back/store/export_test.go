package store

import "io/fs"

// With is the options of a program with other migrations.
func (o Options) With(files fs.FS) Options {
	o.files = files
	return o
}

// Newest is the schema version of the program.
func (o Options) Newest() (int64, error) { return o.newest() }

// Migrations are those of this program.
var Migrations = migrations

// SealedColumns are those that are sealed anew.
func SealedColumns() (names []string) {
	for _, c := range sealedColumns {
		names = append(names, c.table+"."+c.column)
	}
	return names
}
