-- A token keeps its id on its way from one task to the next: only open tasks are one for
-- each token. A constraint of a table can't be taken away on both engines, so the table is made anew.
CREATE TABLE process_task_new (
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
	revision BIGINT NOT NULL
);
INSERT INTO process_task_new (id, instance_id, token, case_id, ref, label, service, version, office, element, name, form, roles, properties,
	assignee, assignee_name, state, priority, due_at, created_at, done_at, revision)
SELECT id, instance_id, token, case_id, ref, label, service, version, office, element, name, form, roles, properties,
	assignee, assignee_name, state, priority, due_at, created_at, done_at, revision FROM process_task;
DROP TABLE process_task;
ALTER TABLE process_task_new RENAME TO process_task;
CREATE UNIQUE INDEX process_task_token ON process_task (instance_id, token) WHERE state = 'open';
CREATE INDEX process_task_case ON process_task (case_id);
CREATE INDEX process_task_open ON process_task (office, due_at, id) WHERE state = 'open';
CREATE INDEX process_task_open_service ON process_task (office, service, due_at, id) WHERE state = 'open';
CREATE INDEX process_task_free ON process_task (office, due_at, id) WHERE state = 'open' AND assignee = '';
CREATE INDEX process_task_free_service ON process_task (office, service, due_at, id) WHERE state = 'open' AND assignee = '';
CREATE INDEX process_task_mine ON process_task (assignee, due_at, id) WHERE state = 'open' AND assignee <> '';
CREATE INDEX process_task_done ON process_task (office, done_at DESC, id DESC) WHERE state = 'done';
