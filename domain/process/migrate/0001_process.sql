-- Every model that an instance has begun with, by the hash of its file.
CREATE TABLE process_model (
	hash TEXT PRIMARY KEY,
	file TEXT NOT NULL,
	source BYTEA NOT NULL,
	created_at BIGINT NOT NULL
);

CREATE TABLE process_instance (
	id TEXT PRIMARY KEY,
	case_id TEXT NOT NULL,
	ref TEXT NOT NULL,
	label TEXT NOT NULL,
	service TEXT NOT NULL,
	version TEXT NOT NULL,
	office TEXT NOT NULL,
	model TEXT NOT NULL REFERENCES process_model (hash),
	process TEXT NOT NULL,
	status TEXT NOT NULL,
	state TEXT NOT NULL,
	revision BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	changed_at BIGINT NOT NULL
);
CREATE INDEX process_instance_case ON process_instance (case_id);

CREATE TABLE process_task (
	id TEXT PRIMARY KEY,
	instance_id TEXT NOT NULL,
	token TEXT NOT NULL,
	case_id TEXT NOT NULL,
	ref TEXT NOT NULL,
	label TEXT NOT NULL,
	service TEXT NOT NULL,
	version TEXT NOT NULL,
	office TEXT NOT NULL,
	element TEXT NOT NULL,
	name TEXT NOT NULL,
	form TEXT NOT NULL,
	roles TEXT NOT NULL,
	properties TEXT NOT NULL,
	assignee TEXT NOT NULL,
	assignee_name TEXT NOT NULL,
	state TEXT NOT NULL,
	priority BIGINT NOT NULL,
	-- Without a due date it is the end of time, so that one order serves the worklist.
	due_at BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	done_at BIGINT NOT NULL,
	revision BIGINT NOT NULL,
	UNIQUE (instance_id, token)
);
CREATE INDEX process_task_case ON process_task (case_id);
CREATE INDEX process_task_open ON process_task (office, due_at, id) WHERE state = 'open';
CREATE INDEX process_task_open_service ON process_task (office, service, due_at, id) WHERE state = 'open';
CREATE INDEX process_task_free ON process_task (office, due_at, id) WHERE state = 'open' AND assignee = '';
CREATE INDEX process_task_free_service ON process_task (office, service, due_at, id) WHERE state = 'open' AND assignee = '';
CREATE INDEX process_task_mine ON process_task (assignee, due_at, id) WHERE state = 'open' AND assignee <> '';
CREATE INDEX process_task_done ON process_task (office, done_at DESC, id DESC) WHERE state = 'done';

-- The words by which an open task is found.
CREATE TABLE process_word (
	office TEXT NOT NULL,
	word TEXT NOT NULL,
	task_id TEXT NOT NULL,
	PRIMARY KEY (office, word, task_id)
);
CREATE INDEX process_word_task ON process_word (task_id);

CREATE TABLE process_subscription (
	instance_id TEXT NOT NULL,
	token TEXT NOT NULL,
	name TEXT NOT NULL,
	key TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (instance_id, token)
);
CREATE INDEX process_subscription_key ON process_subscription (name, key, created_at);

-- Messages that came before anybody waited for them.
CREATE TABLE process_message (
	id TEXT PRIMARY KEY,
	name TEXT NOT NULL,
	key TEXT NOT NULL,
	vars TEXT NOT NULL,
	expires_at BIGINT NOT NULL
);
CREATE INDEX process_message_key ON process_message (name, key, id);
CREATE INDEX process_message_expires ON process_message (expires_at);

-- Who brings a message and who begins to wait for it take turns on this row.
CREATE TABLE process_turn (
	name TEXT NOT NULL,
	key TEXT NOT NULL,
	n BIGINT NOT NULL,
	PRIMARY KEY (name, key)
);

CREATE TABLE process_incident (
	id TEXT PRIMARY KEY,
	instance_id TEXT NOT NULL,
	token TEXT NOT NULL,
	case_id TEXT NOT NULL,
	service TEXT NOT NULL,
	element TEXT NOT NULL,
	reason TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	resolved_at BIGINT NOT NULL,
	resolved_by TEXT NOT NULL
);
CREATE INDEX process_incident_open ON process_incident (id) WHERE resolved_at = 0;
CREATE INDEX process_incident_instance ON process_incident (instance_id) WHERE resolved_at = 0;

-- One row a step: what happened and which elements were entered and left.
CREATE TABLE process_history (
	id TEXT PRIMARY KEY,
	instance_id TEXT NOT NULL,
	at BIGINT NOT NULL,
	event TEXT NOT NULL,
	actor_kind TEXT NOT NULL,
	actor_id TEXT NOT NULL,
	trace TEXT NOT NULL
);
CREATE INDEX process_history_instance ON process_history (instance_id, id);
