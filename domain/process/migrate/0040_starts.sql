-- What begins a process by itself: the start events with a trigger of each service in force.
-- source is a timer or condition as it is written: while it stays the same, a new version
-- takes the schedule over. due_at is 0 when a timer doesn't fire any more, times is how
-- often it fires yet (-1: for ever).
CREATE TABLE process_start (
	service TEXT NOT NULL,
	element TEXT NOT NULL,
	kind TEXT NOT NULL,
	name TEXT NOT NULL,
	source TEXT NOT NULL,
	version TEXT NOT NULL,
	office TEXT NOT NULL,
	model TEXT NOT NULL REFERENCES process_model (hash),
	process TEXT NOT NULL,
	calls TEXT NOT NULL,
	timer TEXT NOT NULL,
	value TEXT NOT NULL,
	business BOOLEAN NOT NULL,
	due_at BIGINT NOT NULL,
	times BIGINT NOT NULL,
	PRIMARY KEY (service, element)
);
CREATE INDEX process_start_name ON process_start (kind, name, service, element);
-- A message begins one case: no two services begin with the same.
CREATE UNIQUE INDEX process_start_message ON process_start (name) WHERE kind = 'message';

-- The instance that runs for a message and its key: of each service one at a time.
CREATE TABLE process_begun (
	service TEXT NOT NULL,
	name TEXT NOT NULL,
	key TEXT NOT NULL,
	instance_id TEXT NOT NULL,
	PRIMARY KEY (service, name, key)
);
CREATE INDEX process_begun_instance ON process_begun (instance_id);

-- Who sent a message that waits, and the office whose cases it may reach ('': of all).
ALTER TABLE process_message ADD COLUMN sender TEXT NOT NULL DEFAULT '';
ALTER TABLE process_message ADD COLUMN office TEXT NOT NULL DEFAULT '';
CREATE INDEX process_message_sender ON process_message (sender) WHERE sender <> '';

-- Messages that came with an id of their sender, and what became of them.
CREATE TABLE process_sent (
	sender TEXT NOT NULL,
	name TEXT NOT NULL,
	key TEXT NOT NULL,
	id TEXT NOT NULL,
	outcome TEXT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (sender, name, key, id)
);
CREATE INDEX process_sent_expires ON process_sent (expires_at);
