-- An import into a register: of which file by which mapping (their SHA-256), under which entry of the ledger, by whom, why.
CREATE TABLE register_import (
	id TEXT NOT NULL PRIMARY KEY,
	register TEXT NOT NULL,
	source TEXT NOT NULL,
	mapping TEXT NOT NULL,
	entry TEXT NOT NULL,
	who TEXT NOT NULL,
	reason TEXT NOT NULL,
	began_at BIGINT NOT NULL,
	ended_at BIGINT NOT NULL,
	records BIGINT NOT NULL,
	fresh BIGINT NOT NULL,
	changed BIGINT NOT NULL
);
CREATE INDEX register_import_of ON register_import (register, began_at);

-- The versions of a register's package that were in force; the newest is.
CREATE TABLE register_package (
	register TEXT NOT NULL,
	version BIGINT NOT NULL,
	hash TEXT NOT NULL,
	files TEXT NOT NULL,
	at BIGINT NOT NULL,
	who TEXT NOT NULL,
	state TEXT NOT NULL,
	PRIMARY KEY (register, version)
);

-- What has ended, for retention rules.
CREATE INDEX register_record_ended ON register_record (register, valid_from, id) WHERE data = 'null';
