-- SPDX-License-Identifier: EUPL-1.2

-- Together at the counter, it is the clerk (helper) who invites and the owner who takes it up with a draft of theirs: until then there
-- is no draft, and expires_at is of the code; from then on it is when both cease to see the same. The code is blind.
ALTER TABLE intake_invitation ADD COLUMN office TEXT NOT NULL DEFAULT '';
ALTER TABLE intake_invitation ADD COLUMN clerk_name TEXT NOT NULL DEFAULT '';
