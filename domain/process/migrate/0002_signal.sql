-- Who waits for a signal; a signal reaches everybody who waits for it at that moment.
CREATE TABLE process_signal (
	instance_id TEXT NOT NULL,
	token TEXT NOT NULL,
	name TEXT NOT NULL,
	PRIMARY KEY (instance_id, token)
);
CREATE INDEX process_signal_name ON process_signal (name, instance_id, token);
