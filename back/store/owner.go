package store

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// create makes a file that must not be there, readable by one user alone: by the
// one whose folder it is, so that a command which root runs before the portal
// leaves nothing that the portal cannot open. (SQLite does the same for the files
// beside the database.) O_EXCL follows no link: nobody can have root give away
// another file.
func create(file string) (*os.File, error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil || os.Geteuid() != 0 {
		return f, err
	}
	folder, err := os.Stat(filepath.Dir(file))
	if err == nil {
		of := folder.Sys().(*syscall.Stat_t)
		err = f.Chown(int(of.Uid), int(of.Gid))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(file))
	}
	return f, nil
}
