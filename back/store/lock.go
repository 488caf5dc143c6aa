package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// lockFolder keeps two programs from migrating one embedded database at once:
// SQLite has no lock of its own for that. The lock goes with the process.
func lockFolder(ctx context.Context, folder string) (unlock func(), err error) {
	file := filepath.Join(folder, "migrate.lock")
	f, err := create(file)
	if errors.Is(err, fs.ErrExist) {
		f, err = os.OpenFile(file, os.O_RDWR, 0)
	}
	if err != nil {
		hint := "set data to a folder that this user may write"
		if errors.Is(err, fs.ErrPermission) {
			hint = mayWrite
		}
		return nil, fmt.Errorf("lock the data folder: %w; hint: %s", err, hint)
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("lock the data folder: %w", err), f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), f.Close())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
