-- +goose Up
-- Entries of the audit log stand in an order: each is linked to the one before it,
-- by whoever holds the lease. What was pruned leaves a signed gap.
ALTER TABLE audit ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;
ALTER TABLE audit ADD COLUMN link TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX audit_seq ON audit (seq) WHERE seq > 0;
CREATE INDEX audit_unlinked ON audit (at, id) WHERE seq = 0;
CREATE TABLE audit_chain (
  id TEXT PRIMARY KEY,
  seq BIGINT NOT NULL,
  link TEXT NOT NULL
);
CREATE TABLE audit_heads (
  id TEXT PRIMARY KEY,
  seq BIGINT NOT NULL,
  link TEXT NOT NULL,
  at BIGINT NOT NULL,
  sign TEXT NOT NULL,
  ends_at BIGINT NOT NULL
);
CREATE INDEX audit_heads_seq ON audit_heads (seq);
CREATE INDEX audit_heads_ends ON audit_heads (ends_at);
CREATE TABLE audit_gaps (
  id TEXT PRIMARY KEY,
  first_seq BIGINT NOT NULL UNIQUE,
  last_seq BIGINT NOT NULL UNIQUE,
  link TEXT NOT NULL,
  sign TEXT NOT NULL
);
CREATE TABLE leases (
  id TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  until_at BIGINT NOT NULL
);
