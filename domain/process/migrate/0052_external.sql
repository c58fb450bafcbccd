-- What operators look at without counting a million: how long the oldest work of a type has
-- waited in an office, and what has been taken or has failed.
CREATE INDEX process_work_age ON process_work (type, office, created_at);
CREATE INDEX process_work_tried ON process_work (type, office, worker) WHERE attempt > 0;

-- Programs that have come with the grant for a type of work, and when last. Who is granted
-- what is the identity provider's to know: here it's known once a program has come.
CREATE TABLE process_worker (
	type TEXT NOT NULL,
	client TEXT NOT NULL,
	office TEXT NOT NULL,
	seen_at BIGINT NOT NULL,
	PRIMARY KEY (type, client)
);
