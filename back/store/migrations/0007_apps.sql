-- +goose Up
-- Apps with their doors. A session keeps its family through every new name, so that
-- what hangs on it need not be renamed with it. One from before has none until its
-- next name.
ALTER TABLE sessions ADD COLUMN family TEXT NOT NULL DEFAULT '';
CREATE INDEX sessions_family ON sessions (family, ended_at);
CREATE TABLE apps (
  id TEXT PRIMARY KEY,
  data TEXT NOT NULL,
  version BIGINT NOT NULL
);
CREATE TABLE doors (
  id TEXT PRIMARY KEY,
  family TEXT NOT NULL,
  person TEXT NOT NULL,
  origin TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL
);
CREATE INDEX doors_person ON doors (person);
CREATE INDEX doors_end ON doors (ends_at);
-- What doors on other nodes must know: whom a change was about. Rows last minutes.
CREATE TABLE changes (
  id TEXT PRIMARY KEY,
  about TEXT NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX changes_at ON changes (at);
CREATE TABLE nodes (
  id TEXT PRIMARY KEY,
  alive_at BIGINT NOT NULL,
  passed_at BIGINT NOT NULL
);
