-- What has changed, in the order in which others are told of it. A change is written with position 0 in its own
-- transaction; afterwards, when it can be seen by others, it is given the next position (feed.go says why). at rises with
-- each change of a record. It holds no personal data.
CREATE TABLE register_change (
	register TEXT NOT NULL,
	id TEXT NOT NULL,
	at BIGINT NOT NULL,
	version BIGINT NOT NULL,
	kind TEXT NOT NULL,
	case_id TEXT NOT NULL,
	position BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (register, id, at)
);

CREATE UNIQUE INDEX register_change_position ON register_change (position) WHERE position > 0;
CREATE INDEX register_change_waiting ON register_change (at, register, id) WHERE position = 0;

-- The last position that was given, and the last that is no longer kept.
CREATE TABLE register_feed (
	id BIGINT NOT NULL PRIMARY KEY,
	last BIGINT NOT NULL,
	forgotten BIGINT NOT NULL
);

INSERT INTO register_feed (id, last, forgotten) VALUES (1, 0, 0);
