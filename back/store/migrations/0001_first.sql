-- +goose Up
-- One text for SQLite and PostgreSQL. Times are milliseconds since 1970, zero
-- for none. BYTEA columns are sealed, unless they are named a hash.
CREATE TABLE meta (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
);
CREATE TABLE keys (
  id BIGINT PRIMARY KEY,
  purpose TEXT NOT NULL,
  kek TEXT NOT NULL,
  wrapped BYTEA NOT NULL,
  made_at BIGINT NOT NULL
);
CREATE TABLE people (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  display TEXT NOT NULL,
  email BYTEA NOT NULL,
  groups TEXT NOT NULL,
  operator BOOLEAN NOT NULL,
  password BYTEA NOT NULL,
  password_at BIGINT NOT NULL,
  mailed_password BOOLEAN NOT NULL,
  must_change BOOLEAN NOT NULL,
  made_at BIGINT NOT NULL,
  enrolled_at BIGINT NOT NULL,
  must_by BIGINT NOT NULL,
  turned_off BOOLEAN NOT NULL,
  setup_due BOOLEAN NOT NULL,
  reset_at BIGINT NOT NULL,
  reset_why TEXT NOT NULL,
  held_at BIGINT NOT NULL,
  held_why TEXT NOT NULL,
  disabled_at BIGINT NOT NULL,
  version BIGINT NOT NULL
);
CREATE TABLE factors (
  id TEXT PRIMARY KEY,
  person TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  data BYTEA NOT NULL,
  step BIGINT NOT NULL,
  misses BIGINT NOT NULL,
  added_at BIGINT NOT NULL,
  used_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  ended_why TEXT NOT NULL,
  version BIGINT NOT NULL
);
CREATE INDEX factors_person ON factors (person);
CREATE INDEX factors_ended ON factors (ended_at);
CREATE TABLE phones (
  id TEXT PRIMARY KEY,
  person TEXT NOT NULL,
  number BYTEA NOT NULL,
  number_hash TEXT NOT NULL,
  region TEXT NOT NULL,
  proved_at BIGINT NOT NULL,
  usable_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL
);
CREATE INDEX phones_person ON phones (person);
CREATE INDEX phones_number ON phones (number_hash);
CREATE INDEX phones_ended ON phones (ended_at);
CREATE TABLE attempts (
  id TEXT PRIMARY KEY,
  person TEXT NOT NULL,
  lane TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  ended_why TEXT NOT NULL,
  agent TEXT NOT NULL,
  address TEXT NOT NULL,
  data BYTEA NOT NULL,
  version BIGINT NOT NULL
);
CREATE INDEX attempts_person ON attempts (person);
CREATE INDEX attempts_seen ON attempts (seen_at);
CREATE TABLE setups (
  id TEXT PRIMARY KEY,
  person TEXT NOT NULL,
  kind TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  agent TEXT NOT NULL,
  data BYTEA NOT NULL,
  codes BYTEA NOT NULL,
  version BIGINT NOT NULL
);
CREATE INDEX setups_person ON setups (person);
CREATE INDEX setups_end ON setups (ends_at);
CREATE TABLE recoveries (
  id TEXT PRIMARY KEY,
  person TEXT NOT NULL,
  phone TEXT NOT NULL,
  asked_at BIGINT NOT NULL,
  open_at BIGINT NOT NULL,
  until_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  ended_why TEXT NOT NULL
);
CREATE INDEX recoveries_person ON recoveries (person, asked_at);
CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  person TEXT NOT NULL,
  level BIGINT NOT NULL,
  method TEXT NOT NULL,
  known TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  ended_why TEXT NOT NULL,
  confirmed_at BIGINT NOT NULL,
  password_at BIGINT NOT NULL,
  agent TEXT NOT NULL,
  address TEXT NOT NULL,
  data BYTEA NOT NULL,
  codes BYTEA NOT NULL,
  codes_until BIGINT NOT NULL,
  version BIGINT NOT NULL
);
CREATE INDEX sessions_person ON sessions (person);
CREATE INDEX sessions_end ON sessions (ends_at);
CREATE INDEX sessions_ended ON sessions (ended_at);
CREATE TABLE known (
  id TEXT PRIMARY KEY,
  token TEXT NOT NULL,
  person TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  agent TEXT NOT NULL,
  address TEXT NOT NULL
);
CREATE INDEX known_token ON known (token);
CREATE INDEX known_person ON known (person);
CREATE TABLE links (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  person TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  spent_at BIGINT NOT NULL,
  replaced_at BIGINT NOT NULL,
  data BYTEA NOT NULL
);
CREATE INDEX links_person ON links (person, kind);
CREATE INDEX links_end ON links (ends_at);
CREATE TABLE messages (
  id TEXT PRIMARY KEY,
  person TEXT NOT NULL,
  kind TEXT NOT NULL,
  number BYTEA NOT NULL,
  country TEXT NOT NULL,
  body BYTEA NOT NULL,
  state TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  expire_at BIGINT NOT NULL,
  lease_at BIGINT NOT NULL,
  called_at BIGINT NOT NULL,
  done_at BIGINT NOT NULL,
  gateway TEXT NOT NULL,
  ref TEXT NOT NULL,
  reason TEXT NOT NULL
);
CREATE INDEX messages_state ON messages (state, made_at);
CREATE INDEX messages_made ON messages (made_at);
CREATE TABLE limits (
  key TEXT PRIMARY KEY,
  used BIGINT NOT NULL,
  since_at BIGINT NOT NULL,
  next_at BIGINT NOT NULL,
  until_at BIGINT NOT NULL,
  level BIGINT NOT NULL,
  ends_at BIGINT NOT NULL
);
CREATE INDEX limits_end ON limits (ends_at);
CREATE TABLE audit (
  id TEXT PRIMARY KEY,
  at BIGINT NOT NULL,
  person TEXT NOT NULL,
  actor TEXT NOT NULL,
  event TEXT NOT NULL,
  method TEXT NOT NULL,
  reason TEXT NOT NULL,
  attempt TEXT NOT NULL,
  detail BYTEA NOT NULL,
  mac TEXT NOT NULL
);
CREATE INDEX audit_person ON audit (person, at);
CREATE INDEX audit_at ON audit (at);
