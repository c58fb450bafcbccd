-- The instances of a service that run, in the order in which a migration takes them.
CREATE INDEX process_instance_running ON process_instance (service, id) WHERE status = 'running';

-- What an operator changed by hand, and why. Names of variables only, never values.
CREATE TABLE process_modification (
	id TEXT PRIMARY KEY,
	instance_id TEXT NOT NULL,
	at BIGINT NOT NULL,
	actor_kind TEXT NOT NULL,
	actor_id TEXT NOT NULL,
	actor_name TEXT NOT NULL,
	reason TEXT NOT NULL,
	instructions TEXT NOT NULL
);
CREATE INDEX process_modification_instance ON process_modification (instance_id, id);

-- A plan to take running instances over into another version: rehearsed, run, undone.
CREATE TABLE process_migration (
	id TEXT PRIMARY KEY,
	service TEXT NOT NULL,
	-- Which instances: '' is any.
	version TEXT NOT NULL,
	model TEXT NOT NULL,
	process TEXT NOT NULL,
	to_version TEXT NOT NULL,
	to_model TEXT NOT NULL REFERENCES process_model (hash),
	to_process TEXT NOT NULL,
	to_calls TEXT NOT NULL,
	plan TEXT NOT NULL,
	reason TEXT NOT NULL,
	state TEXT NOT NULL,
	-- The last instance that was looked at in this state.
	place TEXT NOT NULL,
	seen BIGINT NOT NULL,
	done BIGINT NOT NULL,
	problems BIGINT NOT NULL,
	undone BIGINT NOT NULL,
	report TEXT NOT NULL,
	actor_kind TEXT NOT NULL,
	actor_id TEXT NOT NULL,
	actor_name TEXT NOT NULL,
	run_by TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	changed_at BIGINT NOT NULL
);

-- What became of an instance in a migration; before is what an undo needs, without
-- the variables of the case.
CREATE TABLE process_migrated (
	migration_id TEXT NOT NULL REFERENCES process_migration (id),
	instance_id TEXT NOT NULL,
	state TEXT NOT NULL,
	reason TEXT NOT NULL,
	before TEXT NOT NULL,
	revision BIGINT NOT NULL,
	at BIGINT NOT NULL,
	PRIMARY KEY (migration_id, instance_id)
);
CREATE INDEX process_migrated_state ON process_migrated (migration_id, state, instance_id);
