-- SPDX-License-Identifier: EUPL-1.2
CREATE TABLE intake_draft (
	id TEXT PRIMARY KEY,
	owner TEXT NOT NULL,
	service TEXT NOT NULL,
	version TEXT NOT NULL,
	state TEXT NOT NULL, -- open, submitted
	consent TEXT NOT NULL, -- '', yes, no
	answers TEXT NOT NULL, -- JSON, by field name
	raw TEXT NOT NULL, -- JSON: what was typed and could not be read
	registers TEXT NOT NULL, -- JSON: what was fetched, 'null' without consent
	fetched_at BIGINT NOT NULL,
	case_id TEXT NOT NULL,
	rev BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	changed_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL
);
-- One open draft of a service for each person: starting again goes on with it.
CREATE UNIQUE INDEX intake_draft_open ON intake_draft (owner, service) WHERE state = 'open';
CREATE INDEX intake_draft_expiry ON intake_draft (expires_at);

CREATE TABLE intake_correction (
	id TEXT PRIMARY KEY,
	owner TEXT NOT NULL,
	case_id TEXT NOT NULL,
	service TEXT NOT NULL,
	version TEXT NOT NULL,
	field TEXT NOT NULL,
	message TEXT NOT NULL,
	state TEXT NOT NULL, -- open, done
	raw TEXT NOT NULL,
	rev BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	done_at BIGINT NOT NULL
);
CREATE INDEX intake_correction_case ON intake_correction (case_id, owner);
CREATE UNIQUE INDEX intake_correction_open ON intake_correction (case_id, field) WHERE state = 'open';
