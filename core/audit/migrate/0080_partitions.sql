-- SPDX-License-Identifier: EUPL-1.2

-- The ledger by time. On PostgreSQL entries, their persons and what lists have shown lie in partitions, one a quarter, by
-- their ids, which begin with their time: partition.go makes them ahead and drops one when the end of retention has emptied
-- it. What is there already, and what no partition is there for, stands in the one called _rest. SQLite has no partitions:
-- there the ids are the order in which a table lies on the disk, and what ends is one stretch of it.
-- Tables that are little more than their key are stored once on SQLite, not twice: each read that is put on record pays for it.

CREATE TABLE audit_subject_2 (
	entry TEXT NOT NULL,
	person TEXT NOT NULL,
	own BOOLEAN NOT NULL,
	record TEXT NOT NULL,
	PRIMARY KEY (entry, person)
)/* WITHOUT ROWID *//* postgres: PARTITION BY RANGE (entry) */;
/* postgres: CREATE TABLE audit_subject_rest PARTITION OF audit_subject_2 DEFAULT; */
INSERT INTO audit_subject_2 (entry, person, own, record) SELECT entry, person, own, record FROM audit_subject;
DROP TABLE audit_subject;
ALTER TABLE audit_subject_2 RENAME TO audit_subject;
CREATE INDEX audit_subject_person ON audit_subject (person, own, entry);

CREATE TABLE audit_pending_2 (
	record TEXT NOT NULL PRIMARY KEY,
	kind TEXT NOT NULL
)/* WITHOUT ROWID */;
INSERT INTO audit_pending_2 (record, kind) SELECT record, kind FROM audit_pending;
DROP TABLE audit_pending;
ALTER TABLE audit_pending_2 RENAME TO audit_pending;

CREATE TABLE audit_leaf_2 (
	leaf BIGINT NOT NULL PRIMARY KEY,
	record TEXT NOT NULL UNIQUE,
	kind TEXT NOT NULL
)/* WITHOUT ROWID */;
INSERT INTO audit_leaf_2 (leaf, record, kind) SELECT leaf, record, kind FROM audit_leaf;
DROP TABLE audit_leaf;
ALTER TABLE audit_leaf_2 RENAME TO audit_leaf;

/* postgres:
CREATE TABLE audit_entry_2 (LIKE audit_entry INCLUDING DEFAULTS, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE audit_entry_rest PARTITION OF audit_entry_2 DEFAULT;
INSERT INTO audit_entry_2 SELECT * FROM audit_entry;
DROP TABLE audit_entry;
ALTER TABLE audit_entry_2 RENAME TO audit_entry;
CREATE INDEX audit_entry_case ON audit_entry (case_id, id) WHERE case_id <> '';
CREATE INDEX audit_entry_mandate ON audit_entry (mandate, id) WHERE mandate <> '';

CREATE TABLE audit_seen_2 (LIKE audit_seen INCLUDING DEFAULTS, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE audit_seen_rest PARTITION OF audit_seen_2 DEFAULT;
INSERT INTO audit_seen_2 SELECT * FROM audit_seen;
DROP TABLE audit_seen;
ALTER TABLE audit_seen_2 RENAME TO audit_seen;
CREATE INDEX audit_seen_entry ON audit_seen (entry);

CREATE FUNCTION audit_add_partition(parent TEXT, part TEXT, first TEXT, next TEXT) RETURNS BOOLEAN LANGUAGE plpgsql AS $body$
DECLARE
	taken BOOLEAN;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtext('audit_partition')); -- one node at a time
	IF to_regclass(part) IS NOT NULL THEN
		RETURN FALSE;
	END IF;
	EXECUTE format('SELECT EXISTS (SELECT 1 FROM %1$I WHERE %2$I >= $1 AND %2$I < $2)', parent || '_rest',
		CASE parent WHEN 'audit_subject' THEN 'entry' ELSE 'id' END) INTO taken USING first, next;
	IF taken THEN
		RETURN FALSE;
	END IF;
	EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', part, parent, first, next);
	RETURN TRUE;
END $body$;

CREATE FUNCTION audit_drop_partition(part TEXT) RETURNS BOOLEAN LANGUAGE plpgsql AS $body$
DECLARE
	used BOOLEAN;
BEGIN
	EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', part) INTO used;
	IF used THEN
		RETURN FALSE;
	END IF;
	EXECUTE format('DROP TABLE %I', part);
	RETURN TRUE;
END $body$;
*/
