CREATE TABLE bus_event (
	id TEXT PRIMARY KEY,
	type TEXT NOT NULL,
	subject TEXT NOT NULL,
	at BIGINT NOT NULL,
	data TEXT NOT NULL
);
CREATE INDEX bus_event_at ON bus_event (at);
-- Who still has to see an event.
CREATE TABLE bus_pending (
	target TEXT NOT NULL,
	event_id TEXT NOT NULL REFERENCES bus_event (id),
	PRIMARY KEY (target, event_id)
);
CREATE INDEX bus_pending_event ON bus_pending (event_id);
