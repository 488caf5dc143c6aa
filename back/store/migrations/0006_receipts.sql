-- +goose Up
-- A text may go by a second gateway, and what became of it is told later by a
-- receipt, which names it as its gateway does. Operators can vouch for texts that
-- nobody answered.
ALTER TABLE messages ADD COLUMN hop BIGINT NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN told_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN vouched BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX messages_ref ON messages (ref, gateway) WHERE ref <> '';
