-- SPDX-License-Identifier: EUPL-1.2

-- Who was asked to help with a draft. The code is a hash, and gone once it is used; the names are sealed under the key of the
-- owner's drafts.
CREATE TABLE intake_invitation (
	id TEXT PRIMARY KEY,
	draft TEXT NOT NULL,
	owner TEXT NOT NULL,
	code TEXT NOT NULL,
	helper TEXT NOT NULL, -- once taken up
	names BYTEA NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL, -- of the code
	taken_at BIGINT NOT NULL,
	ended_at BIGINT NOT NULL
);
CREATE INDEX intake_invitation_draft ON intake_invitation (draft, owner);
CREATE UNIQUE INDEX intake_invitation_code ON intake_invitation (code) WHERE code <> '';
CREATE INDEX intake_invitation_helper ON intake_invitation (helper) WHERE helper <> '';
