-- SPDX-License-Identifier: EUPL-1.2

-- What hides an entry in the public log (docs/ledger.md); entries of before get theirs when they are logged.
ALTER TABLE audit_entry ADD COLUMN salt TEXT NOT NULL DEFAULT '';

-- By entry first: the log, the proof and the end of retention go from an entry to its persons. record: the one of
-- audit_seen that added the person, or empty: the entry itself did. No REFERENCES: the log holds more than a key could,
-- and every read pays for it.
CREATE TABLE audit_person_of (
	entry TEXT NOT NULL,
	person TEXT NOT NULL,
	own BOOLEAN NOT NULL,
	record TEXT NOT NULL,
	PRIMARY KEY (entry, person)
);
INSERT INTO audit_person_of (entry, person, own, record) SELECT entry, person, own, '' FROM audit_subject;
DROP TABLE audit_subject;
ALTER TABLE audit_person_of RENAME TO audit_subject;
CREATE INDEX audit_subject_person ON audit_subject (person, own, entry);

-- Persons that were added to an entry after it: a record of its own in the log.
CREATE TABLE audit_seen (
	id TEXT PRIMARY KEY,
	entry TEXT NOT NULL,
	at BIGINT NOT NULL,
	salt TEXT NOT NULL
);
CREATE INDEX audit_seen_entry ON audit_seen (entry);

-- What the ledger did itself: began with a key, marked a day, erased, forgot a person.
CREATE TABLE audit_act (
	id TEXT PRIMARY KEY,
	kind TEXT NOT NULL,
	at BIGINT NOT NULL,
	upto BIGINT NOT NULL,
	n BIGINT NOT NULL,
	note TEXT NOT NULL,
	salt TEXT NOT NULL
);

-- What isn't in the log yet. A row is there as soon as its transaction is, so nothing that commits late is overlooked.
CREATE TABLE audit_pending (
	record TEXT PRIMARY KEY,
	kind TEXT NOT NULL
);
INSERT INTO audit_pending (record, kind) SELECT id, 'access' FROM audit_entry;

-- Where a record stands in the log.
CREATE TABLE audit_leaf (
	leaf BIGINT PRIMARY KEY,
	record TEXT NOT NULL UNIQUE,
	kind TEXT NOT NULL
);

-- The key that a person's commitments are made with. Without it nobody can say whom an entry was about.
CREATE TABLE audit_person (
	person TEXT PRIMARY KEY,
	key TEXT NOT NULL
);

-- What is left of forgotten persons, so that the log still verifies.
CREATE TABLE audit_forgotten (
	record TEXT NOT NULL,
	role TEXT NOT NULL,
	commitment TEXT NOT NULL,
	PRIMARY KEY (record, role, commitment)
);
