-- The models of the processes that an instance calls, by the id of the process (JSON), as they were when it began.
ALTER TABLE process_instance ADD COLUMN calls TEXT NOT NULL DEFAULT '';
