-- SPDX-License-Identifier: EUPL-1.2
CREATE TABLE identity_session (
	hash TEXT PRIMARY KEY,
	kind TEXT NOT NULL,
	actor TEXT NOT NULL,
	name TEXT NOT NULL,
	office TEXT NOT NULL,
	roles TEXT NOT NULL,
	level BIGINT NOT NULL,
	csrf TEXT NOT NULL,
	sealed_hint BYTEA NOT NULL,
	begun_at BIGINT NOT NULL,
	seen_at BIGINT NOT NULL,
	ends_at BIGINT NOT NULL
);
CREATE INDEX identity_session_actor ON identity_session (kind, actor, seen_at);
CREATE INDEX identity_session_ends ON identity_session (ends_at);
CREATE INDEX identity_session_seen ON identity_session (seen_at);

-- Which account of a provider is which person. proven: the link rests on a sign-in at the level substantial or higher.
CREATE TABLE identity_account (
	issuer TEXT NOT NULL,
	subject TEXT NOT NULL,
	actor TEXT NOT NULL,
	proven BOOLEAN NOT NULL,
	begun_at BIGINT NOT NULL,
	PRIMARY KEY (issuer, subject)
);
