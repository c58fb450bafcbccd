-- SPDX-License-Identifier: EUPL-1.2

-- An invitation is to help with a draft, or to sign it with its owner: part is then which signature the service asks for. A signature
-- is of the answers with this hash (SHA-256) under this version of the service. void_at is when it ceased to be of what the draft says.
ALTER TABLE intake_invitation ADD COLUMN kind TEXT NOT NULL DEFAULT 'help';
ALTER TABLE intake_invitation ADD COLUMN part TEXT NOT NULL DEFAULT '';
ALTER TABLE intake_invitation ADD COLUMN signed_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE intake_invitation ADD COLUMN signed_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE intake_invitation ADD COLUMN signed_version TEXT NOT NULL DEFAULT '';
ALTER TABLE intake_invitation ADD COLUMN void_at BIGINT NOT NULL DEFAULT 0;
-- One person for each signature, and no two signatures of one person.
CREATE UNIQUE INDEX intake_invitation_part ON intake_invitation (draft, part) WHERE kind = 'sign' AND helper <> '' AND ended_at = 0;
CREATE UNIQUE INDEX intake_invitation_signer ON intake_invitation (draft, helper) WHERE kind = 'sign' AND helper <> '' AND ended_at = 0;
