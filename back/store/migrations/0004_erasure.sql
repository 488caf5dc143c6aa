-- +goose Up
-- The personal parts of an entry can be erased; their keyed hash stays, so that
-- the entry can still be verified.
ALTER TABLE audit ADD COLUMN parts_hash TEXT NOT NULL DEFAULT '';
CREATE INDEX messages_person ON messages (person);
