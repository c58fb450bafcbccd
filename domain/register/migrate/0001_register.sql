-- The current version of each record. data is JSON text.
CREATE TABLE register_record (
	register TEXT NOT NULL,
	id TEXT NOT NULL,
	person TEXT NOT NULL,
	version BIGINT NOT NULL,
	data TEXT NOT NULL,
	changed_at BIGINT NOT NULL,
	changed_by TEXT NOT NULL,
	reason TEXT NOT NULL,
	case_id TEXT NOT NULL,
	PRIMARY KEY (register, id)
);

-- Records about a person whose key isn't the person's id: their vehicles, their permits.
CREATE INDEX register_record_person ON register_record (person, register, id) WHERE person <> '';

-- What a record was before: superseded versions, never changed.
CREATE TABLE register_version (
	register TEXT NOT NULL,
	id TEXT NOT NULL,
	version BIGINT NOT NULL,
	person TEXT NOT NULL,
	data TEXT NOT NULL,
	changed_at BIGINT NOT NULL,
	changed_by TEXT NOT NULL,
	reason TEXT NOT NULL,
	case_id TEXT NOT NULL,
	PRIMARY KEY (register, id, version)
);

-- Declared searchable fields in their folded form. Field '=' is the identity of a person.
CREATE TABLE register_index (
	register TEXT NOT NULL,
	field TEXT NOT NULL,
	value TEXT NOT NULL,
	id TEXT NOT NULL,
	PRIMARY KEY (register, field, value, id)
);

-- How far a bulk load has come, so that it goes on after a crash where it was.
CREATE TABLE register_load (
	name TEXT NOT NULL,
	done BIGINT NOT NULL,
	finished_at BIGINT NOT NULL,
	PRIMARY KEY (name)
);
