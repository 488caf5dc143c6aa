package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"sallyport/config"
	"sallyport/server"
)

// The least room that a data folder should have left.
const (
	roomLeast    = 1 << 30 // bytes
	roomFraction = 20      // one part in so many
)

// data looks at the database as it lies there, before anything opens it.
func data(r *run, c *config.Config) (found []finding) {
	have, newest, err := server.Schema(r, c)
	switch {
	case err != nil: // opening it says the same
	case have == 0:
		found = append(found, finding{"note", "there is no database yet: the first command that opens it makes one", ""})
	case have == newest:
		found = append(found, finding{"ok", fmt.Sprintf("the database has schema version %d, the newest", have), ""})
	}
	if c.Database.Reveal() != "" {
		return found
	}
	at, err := os.Stat(c.Data)
	if err != nil || !at.IsDir() {
		return found // there is no folder yet
	}
	if room, ok := roomIn(c.Data); ok {
		found = append(found, room)
	}
	return append(found, modes(c.Data, at)...)
}

// roomIn notes when a folder is nearly full: then nobody can sign in any more.
func roomIn(folder string) (finding, bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return finding{}, false
	}
	free, all := s.Bavail*uint64(s.Bsize), s.Blocks*uint64(s.Bsize)
	return room(folder, free, all), true
}

func room(folder string, free, all uint64) finding {
	left := fmt.Sprintf("%s has %.1f GiB free of %.1f", folder, float64(free)/(1<<30), float64(all)/(1<<30))
	if free < roomLeast || free < all/roomFraction {
		return finding{"note", left + ": when it is full, nobody can sign in", "make room, or set data to a larger disk"}
	}
	return finding{"ok", left, ""}
}

// modes looks for files of the database that others can read or change, and for
// some that the portal may not be able to open.
func modes(folder string, at fs.FileInfo) (found []finding) {
	for _, end := range []string{"", "-wal", "-shm"} {
		file := filepath.Join(folder, "sallyport.db"+end)
		info, err := os.Stat(file)
		if err != nil {
			continue
		}
		if info.Mode().Perm()&0o077 != 0 {
			found = append(found, finding{"fault", fmt.Sprintf("%s can be read by others (%v)", file, info.Mode().Perm()), "chmod 600 " + file})
		}
		if a, b := owner(at), owner(info); a != b {
			found = append(found, finding{"fault", fmt.Sprintf("%s belongs to user %d, its folder to user %d: a portal that runs as that one cannot use it", file, b, a),
				"run sallyport as the user of the portal, and: chown --reference=" + folder + " " + file})
		}
	}
	return found
}

func owner(info fs.FileInfo) uint32 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Uid
	}
	return 0
}
