-- What the detector has found. Of persons it has ids only, of fields nothing.
CREATE TABLE oversight_finding (
	id TEXT PRIMARY KEY,
	once TEXT NOT NULL UNIQUE,
	rule TEXT NOT NULL,
	at BIGINT NOT NULL,
	last_at BIGINT NOT NULL,
	times BIGINT NOT NULL,
	actor_kind TEXT NOT NULL,
	actor TEXT NOT NULL,
	actor_name TEXT NOT NULL,
	office TEXT NOT NULL,
	resource TEXT NOT NULL,
	person TEXT NOT NULL,
	persons BIGINT NOT NULL,
	purpose TEXT NOT NULL,
	case_id TEXT NOT NULL,
	entry TEXT NOT NULL,
	seen_at BIGINT NOT NULL,
	seen_by TEXT NOT NULL,
	remark TEXT NOT NULL
);
CREATE INDEX oversight_finding_open ON oversight_finding (id) WHERE seen_at = 0;
-- How far the detector has read the log of the ledger.
CREATE TABLE oversight_state (
	id BIGINT PRIMARY KEY,
	leaf BIGINT NOT NULL
);
INSERT INTO oversight_state (id, leaf) VALUES (1, 0);
-- Who has read whom lately, to count rates.
CREATE TABLE oversight_recent (
	actor TEXT NOT NULL,
	person TEXT NOT NULL,
	at BIGINT NOT NULL,
	PRIMARY KEY (actor, person)
);
CREATE INDEX oversight_recent_at ON oversight_recent (actor, at);
CREATE INDEX oversight_recent_old ON oversight_recent (at);
-- Persons whose records tempt: colleagues, celebrities.
CREATE TABLE oversight_mark (
	person TEXT PRIMARY KEY,
	kind TEXT NOT NULL,
	at BIGINT NOT NULL,
	marked_by TEXT NOT NULL
);
-- Emergency accesses.
CREATE TABLE oversight_glass (
	id TEXT PRIMARY KEY,
	at BIGINT NOT NULL,
	until_at BIGINT NOT NULL,
	actor TEXT NOT NULL,
	actor_name TEXT NOT NULL,
	office TEXT NOT NULL,
	resource TEXT NOT NULL,
	person TEXT NOT NULL,
	reason TEXT NOT NULL
);
CREATE INDEX oversight_glass_actor ON oversight_glass (actor, until_at);
-- Requests that wait for a second person.
CREATE TABLE oversight_approval (
	id TEXT PRIMARY KEY,
	digest TEXT NOT NULL,
	state TEXT NOT NULL,
	at BIGINT NOT NULL,
	until_at BIGINT NOT NULL,
	actor TEXT NOT NULL,
	actor_name TEXT NOT NULL,
	office TEXT NOT NULL,
	request TEXT NOT NULL,
	entry TEXT NOT NULL,
	ruled_at BIGINT NOT NULL,
	ruled_by TEXT NOT NULL,
	ruled_name TEXT NOT NULL,
	reason TEXT NOT NULL,
	used_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX oversight_approval_open ON oversight_approval (digest) WHERE state IN ('waiting', 'approved');
CREATE INDEX oversight_approval_office ON oversight_approval (office, id);
