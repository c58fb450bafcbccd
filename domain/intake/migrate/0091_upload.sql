-- SPDX-License-Identifier: EUPL-1.2

-- A file that was uploaded into a draft, with which it lives and goes; once submitted it belongs to the case.
-- Its content lies in the drawer under its id. How much of it has come is the length of that file: nothing counts it twice.
CREATE TABLE intake_upload (
	id TEXT PRIMARY KEY,
	draft TEXT NOT NULL,
	field TEXT NOT NULL,
	name TEXT NOT NULL,
	size BIGINT NOT NULL, -- as announced
	sum TEXT NOT NULL, -- SHA-256 as announced, or ''
	state TEXT NOT NULL, -- receiving, kept, gone
	type TEXT NOT NULL, -- by content
	pages BIGINT NOT NULL,
	picture BOOLEAN NOT NULL, -- it has a preview and a PDF/A
	hash TEXT NOT NULL, -- SHA-256 of what came
	found TEXT NOT NULL, -- what the scanner found
	checked_at BIGINT NOT NULL, -- 0: nobody has looked for malware
	case_id TEXT NOT NULL, -- once submitted
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL -- while it is being received
);
CREATE INDEX intake_upload_draft ON intake_upload (draft);
CREATE INDEX intake_upload_case ON intake_upload (case_id) WHERE case_id <> '';
CREATE INDEX intake_upload_waiting ON intake_upload (id) WHERE state = 'kept' AND checked_at = 0;
CREATE INDEX intake_upload_gone ON intake_upload (id) WHERE state = 'gone';
CREATE INDEX intake_upload_loose ON intake_upload (id) WHERE case_id = '' AND state <> 'gone';
