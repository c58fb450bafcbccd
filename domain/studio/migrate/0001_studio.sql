-- SPDX-License-Identifier: EUPL-1.2
CREATE TABLE studio_draft (
	id TEXT PRIMARY KEY,
	service TEXT NOT NULL,
	file TEXT NOT NULL, -- of the package: application.form
	base TEXT NOT NULL, -- the version that it was begun from
	text TEXT NOT NULL,
	author TEXT NOT NULL, -- who saved it last
	author_name TEXT NOT NULL,
	rev BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	changed_at BIGINT NOT NULL
);
CREATE INDEX studio_draft_changed ON studio_draft (changed_at);
