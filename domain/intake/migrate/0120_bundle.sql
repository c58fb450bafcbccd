-- SPDX-License-Identifier: EUPL-1.2

-- A life event that somebody has begun: applications for several services that are filled in and handed over together. Each is a
-- draft as any other; what is here is which belong together.
CREATE TABLE intake_bundle (
	id TEXT PRIMARY KEY,
	owner TEXT NOT NULL,
	event TEXT NOT NULL,
	state TEXT NOT NULL, -- open, submitted
	choices TEXT NOT NULL, -- JSON: which of the services that are offered the person wants, and which not
	mandate TEXT NOT NULL,
	by_name TEXT NOT NULL,
	rev BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	changed_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX intake_bundle_open ON intake_bundle (owner, event, mandate) WHERE state = 'open';
CREATE INDEX intake_bundle_expiry ON intake_bundle (expires_at);

ALTER TABLE intake_draft ADD COLUMN bundle TEXT NOT NULL DEFAULT '';
CREATE INDEX intake_draft_bundle ON intake_draft (bundle) WHERE bundle <> '';
-- Beside the one draft of a service that stands for itself there may be one in each life event.
DROP INDEX intake_draft_open;
CREATE UNIQUE INDEX intake_draft_open ON intake_draft (owner, service, mandate, bundle) WHERE state = 'open';
