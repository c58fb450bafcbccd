-- SPDX-License-Identifier: EUPL-1.2
-- What was filled in while trying a draft, to be played through again with each change of it.
CREATE TABLE studio_scenario (
	id TEXT PRIMARY KEY,
	draft TEXT NOT NULL,
	text TEXT NOT NULL, -- as it stands in scenarios/forms of a package
	author TEXT NOT NULL,
	author_name TEXT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE INDEX studio_scenario_draft ON studio_scenario (draft);
