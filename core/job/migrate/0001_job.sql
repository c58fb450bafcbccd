CREATE TABLE job_task (
	id TEXT PRIMARY KEY,
	kind TEXT NOT NULL,
	-- unique while the job waits; NULL is never equal to NULL
	key TEXT UNIQUE,
	args TEXT NOT NULL,
	state TEXT NOT NULL,
	due_at BIGINT NOT NULL,
	attempt BIGINT NOT NULL,
	max_attempts BIGINT NOT NULL,
	lease TEXT NOT NULL,
	error TEXT NOT NULL,
	created_at BIGINT NOT NULL
);
-- waiting jobs by due time; a claimed one is due again when its lease runs out
CREATE INDEX job_task_due ON job_task (due_at, id) WHERE state = 'waiting';
CREATE INDEX job_task_dead ON job_task (created_at, id) WHERE state = 'dead';
