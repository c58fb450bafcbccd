-- SPDX-License-Identifier: EUPL-1.2

-- What a person types and what registers said is sealed under a key of their drafts (core/vault). Drafts of before are sealed at
-- the next start, and the columns in clear are empty from then on.
ALTER TABLE intake_draft ADD COLUMN sealed BYTEA NOT NULL DEFAULT '';
-- When the owner was told that the draft will go; 0: not yet. From which network a draft without an owner was begun, blind.
ALTER TABLE intake_draft ADD COLUMN warned_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE intake_draft ADD COLUMN origin TEXT NOT NULL DEFAULT '';
CREATE INDEX intake_draft_origin ON intake_draft (origin) WHERE origin <> '';

-- Pages that were sent after the session had ended, until their browser comes back signed in. The key is in its cookie only.
CREATE TABLE intake_parked (
	id TEXT PRIMARY KEY, -- hash of the browser's token
	origin TEXT NOT NULL, -- blind
	sealed BYTEA NOT NULL,
	expires_at BIGINT NOT NULL
);
CREATE INDEX intake_parked_origin ON intake_parked (origin);
CREATE INDEX intake_parked_expiry ON intake_parked (expires_at);
