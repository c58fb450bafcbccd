-- What was looked at and what was opened: the name of a record and a hash of the occasion, nothing about anybody.
CREATE TABLE watch_occasion (
	service TEXT NOT NULL,
	watch TEXT NOT NULL,
	register TEXT NOT NULL,
	record TEXT NOT NULL,
	occasion TEXT NOT NULL,
	opened BIGINT NOT NULL, -- 1: something was opened; 0: it was looked at
	at BIGINT NOT NULL,
	PRIMARY KEY (service, watch, record, occasion)
);
CREATE INDEX watch_occasion_record ON watch_occasion (register, record);
CREATE INDEX watch_occasion_at ON watch_occasion (at);

-- Who doesn't want a service to begin by itself.
CREATE TABLE watch_out (
	person TEXT NOT NULL,
	service TEXT NOT NULL,
	at BIGINT NOT NULL,
	PRIMARY KEY (person, service)
);

-- How far the look of a day has come, so that it goes on after a crash where it was.
CREATE TABLE watch_pass (
	service TEXT NOT NULL,
	watch TEXT NOT NULL,
	version TEXT NOT NULL,
	today TEXT NOT NULL,
	day TEXT NOT NULL,
	record TEXT NOT NULL,
	done BIGINT NOT NULL,
	PRIMARY KEY (service, watch)
);
