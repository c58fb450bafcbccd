-- SPDX-License-Identifier: EUPL-1.2
-- What a person has agreed to have read, and when they took it back (Art. 7 (1) and (3) GDPR).
CREATE TABLE intake_consent (
	id TEXT PRIMARY KEY,
	owner TEXT NOT NULL,
	service TEXT NOT NULL,
	version TEXT NOT NULL,
	draft TEXT NOT NULL,
	case_id TEXT NOT NULL, -- once submitted
	uses TEXT NOT NULL, -- JSON: which registers and fields, on which basis, as the notice said then
	given_at BIGINT NOT NULL,
	withdrawn_at BIGINT NOT NULL -- 0: it holds
);
CREATE INDEX intake_consent_owner ON intake_consent (owner, id);
CREATE INDEX intake_consent_case ON intake_consent (case_id) WHERE case_id <> '';
CREATE UNIQUE INDEX intake_consent_live ON intake_consent (draft) WHERE withdrawn_at = 0;
INSERT INTO intake_consent (id, owner, service, version, draft, case_id, uses, given_at, withdrawn_at)
SELECT id, owner, service, version, id, case_id, '[]', fetched_at, 0 FROM intake_draft WHERE consent = 'yes';
