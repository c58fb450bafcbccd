-- SPDX-License-Identifier: EUPL-1.2
CREATE TABLE notice_document (
	id TEXT PRIMARY KEY,
	case_id TEXT NOT NULL,
	person TEXT NOT NULL,
	office TEXT NOT NULL,
	service TEXT NOT NULL,
	template TEXT NOT NULL,
	kind TEXT NOT NULL,        -- what it is, in several languages: JSON
	title TEXT NOT NULL,
	blob TEXT NOT NULL,        -- SHA-256 of the PDF
	size BIGINT NOT NULL,
	code TEXT NOT NULL,        -- '' : none
	valid_from TEXT NOT NULL,  -- legal dates, '' : none
	valid_until TEXT NOT NULL,
	issued_at BIGINT NOT NULL,
	fetched_at BIGINT NOT NULL, -- when the person first opened it, 0: not yet
	revoked_at BIGINT NOT NULL, -- 0: not
	revoked_by TEXT NOT NULL,
	revoked_why TEXT NOT NULL
);
CREATE UNIQUE INDEX notice_document_code ON notice_document (code) WHERE code <> '';
CREATE INDEX notice_document_case ON notice_document (case_id, id);
