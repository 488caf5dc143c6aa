-- +goose Up
-- A text may go by a second gateway, and what became of it is told later by a
-- receipt, which names it as its gateway does. Operators can vouch for texts that
-- nobody answered.
ALTER TABLE messages ADD COLUMN hop BIGINT NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN told_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN vouched BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX messages_ref ON messages (ref, gateway) WHERE ref <> '';
-- Without statistics SQLite took all rows in use (ended_at = 0) for the ones to
-- look among, so that each number that was bound cost as much as there are people.
DROP INDEX phones_number;
CREATE INDEX phones_number ON phones (number_hash, ended_at);
DROP INDEX phones_person;
CREATE INDEX phones_person ON phones (person, ended_at);
DROP INDEX factors_person;
CREATE INDEX factors_person ON factors (person, ended_at);
DROP INDEX sessions_person;
CREATE INDEX sessions_person ON sessions (person, ended_at);
CREATE INDEX sessions_codes ON sessions (codes_until) WHERE codes_until > 0;
