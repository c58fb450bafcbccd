-- Service tasks that programs outside do. due_at is when the task can be had: now, after
-- the pause that follows a failure, or when the lock of whoever has it runs out.
CREATE TABLE process_work (
	id TEXT PRIMARY KEY,
	instance_id TEXT NOT NULL,
	token TEXT NOT NULL,
	type TEXT NOT NULL,
	office TEXT NOT NULL,
	retries BIGINT NOT NULL,
	attempt BIGINT NOT NULL,
	due_at BIGINT NOT NULL,
	lock TEXT NOT NULL,
	worker TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	UNIQUE (instance_id, token)
);
CREATE INDEX process_work_due ON process_work (type, due_at, id);
