-- +goose Up
-- Messages go by text or by mail, to a number or to an address.
ALTER TABLE messages RENAME COLUMN number TO address;
ALTER TABLE messages ADD COLUMN way TEXT NOT NULL DEFAULT 'text';
ALTER TABLE messages ADD COLUMN subject BYTEA NOT NULL DEFAULT '';
DROP INDEX messages_state;
CREATE INDEX messages_state ON messages (state, way, made_at);
CREATE INDEX audit_event ON audit (event, at);
CREATE INDEX recoveries_until ON recoveries (until_at);
