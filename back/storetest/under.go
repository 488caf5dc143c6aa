package storetest

import "path/filepath"

// Under lets the server run under a program, with its arguments, from its next
// start on. It syncs then, which servers of tests do not.
func (s *Server) Under(words ...string) { s.s.under = words }

// Log is the folder of its write-ahead log.
func (s *Server) Log() string { return filepath.Join(s.s.dir, "data", "pg_wal") }
