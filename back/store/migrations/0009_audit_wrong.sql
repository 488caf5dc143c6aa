-- +goose Up
-- Of all events only wrong passwords are looked for by themselves, when their time has
-- passed. No other entry needs to be in an index of events.
DROP INDEX audit_event;
CREATE INDEX audit_wrong ON audit (at) WHERE event = 'password-wrong';
