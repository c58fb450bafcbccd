-- SPDX-License-Identifier: EUPL-1.2
-- Forms on paper that a clerk types in for somebody at the counter. What is typed is sealed under a key of its own, which is
-- destroyed with it.
CREATE TABLE intake_paper (
	id TEXT PRIMARY KEY,
	code TEXT NOT NULL UNIQUE, -- as printed: one paper, one draft, one case
	office TEXT NOT NULL, -- of the clerk
	clerk_name TEXT NOT NULL,
	service TEXT NOT NULL,
	version TEXT NOT NULL,
	lang TEXT NOT NULL,
	sealed BYTEA NOT NULL,
	case_id TEXT NOT NULL, -- once submitted
	rev BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	changed_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL
);
CREATE INDEX intake_paper_office ON intake_paper (office, changed_at DESC) WHERE case_id = '';
CREATE INDEX intake_paper_expiry ON intake_paper (expires_at);
