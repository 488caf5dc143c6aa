-- +goose Up
-- What people gave to clients of OpenID Connect. A grant is one authorization with
-- its code, spent once; tokens hang on it. tell_at is when its client has to hear
-- that the session is over; 0 when it has nothing to hear.
CREATE TABLE grants (
  id TEXT PRIMARY KEY,
  client TEXT NOT NULL,
  person TEXT NOT NULL,
  family TEXT NOT NULL,
  offline BOOLEAN NOT NULL,
  data TEXT NOT NULL,
  code TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  code_ends_at BIGINT NOT NULL,
  spent_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  ended_why TEXT NOT NULL,
  tell_at BIGINT NOT NULL,
  tries BIGINT NOT NULL
);
CREATE UNIQUE INDEX grants_code ON grants (code);
CREATE INDEX grants_person ON grants (person, client);
CREATE INDEX grants_family ON grants (family);
CREATE INDEX grants_end ON grants (ends_at);
CREATE INDEX grants_tell ON grants (tell_at);
CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  under TEXT NOT NULL,
  scopes TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  spent_at BIGINT NOT NULL
);
CREATE INDEX tokens_under ON tokens (under);
CREATE INDEX tokens_end ON tokens (ends_at);
CREATE TABLE consents (
  id TEXT PRIMARY KEY,
  person TEXT NOT NULL,
  client TEXT NOT NULL,
  scopes TEXT NOT NULL,
  made_at BIGINT NOT NULL
);
CREATE INDEX consents_person ON consents (person);
-- Names of clients' assertions that were used.
CREATE TABLE assertions (
  id TEXT PRIMARY KEY,
  ends_at BIGINT NOT NULL
);
CREATE INDEX assertions_end ON assertions (ends_at);
-- The keys that sign tokens. ends_at is 0 while a key is the newest of its algorithm.
CREATE TABLE signers (
  id TEXT PRIMARY KEY,
  algorithm TEXT NOT NULL,
  kid TEXT NOT NULL,
  private BYTEA NOT NULL,
  made_at BIGINT NOT NULL,
  use_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL
);
