-- +goose Up
-- What is needed to see whether anybody reads the texts that go to a prefix or a
-- country, and what they cost.
ALTER TABLE messages ADD COLUMN code TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN prefix_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN cost BIGINT NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN paid TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN entered_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX messages_code ON messages (code);
CREATE INDEX messages_prefix ON messages (prefix_hash, made_at);
CREATE INDEX messages_country ON messages (country, made_at);
