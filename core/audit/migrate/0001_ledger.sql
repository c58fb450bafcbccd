-- SPDX-License-Identifier: EUPL-1.2
CREATE TABLE audit_entry (
	id TEXT PRIMARY KEY,
	at BIGINT NOT NULL,
	actor_kind TEXT NOT NULL,
	actor_id TEXT NOT NULL,
	actor_name TEXT NOT NULL,
	office TEXT NOT NULL,
	action TEXT NOT NULL,
	resource TEXT NOT NULL,
	purpose TEXT NOT NULL,
	basis TEXT NOT NULL,
	service TEXT NOT NULL,
	case_id TEXT NOT NULL,
	outcome TEXT NOT NULL,
	rule TEXT NOT NULL,
	fields TEXT NOT NULL
);
CREATE INDEX audit_entry_case ON audit_entry (case_id, id) WHERE case_id <> '';

-- Whose data an entry is about. Entry ids are UUIDv7, so their order is the order of time.
-- own: the person's own access, which the person isn't shown.
CREATE TABLE audit_subject (
	person TEXT NOT NULL,
	entry TEXT NOT NULL REFERENCES audit_entry (id),
	own BOOLEAN NOT NULL,
	PRIMARY KEY (person, entry)
);
CREATE INDEX audit_subject_others ON audit_subject (person, entry) WHERE NOT own;
