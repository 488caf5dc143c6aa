-- +goose Up
-- Entries of the audit log that are linked after their commit get a row of their own for
-- their place in the chain: to change an entry costs all of its indexes. Those that wait
-- for a place stand in a table. An entry that was linked as it was committed, or by an
-- earlier program, keeps its place in its own row.
-- The index goes first: on PostgreSQL that waits until no earlier program is linking.
DROP INDEX audit_unlinked;
CREATE TABLE audit_places (
  entry TEXT PRIMARY KEY,
  seq BIGINT NOT NULL UNIQUE,
  link TEXT NOT NULL
);
CREATE TABLE audit_waiting (
  entry TEXT PRIMARY KEY,
  mac TEXT NOT NULL
);
INSERT INTO audit_waiting (entry, mac) SELECT id, mac FROM audit WHERE seq = 0;
-- An earlier program that still runs links no entry whose link is not empty.
UPDATE audit SET link = '-' WHERE seq = 0;
