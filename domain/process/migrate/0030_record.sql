-- What came with each event of a step, as far as a replay needs it: a JSON list, or ''
-- where nothing was kept or it was forgotten again.
ALTER TABLE process_history ADD COLUMN record TEXT NOT NULL DEFAULT '';
