-- SPDX-License-Identifier: EUPL-1.2

-- Under which mandate somebody fills it in for the owner, and what they are called; empty: the owner.
ALTER TABLE intake_draft ADD COLUMN mandate TEXT NOT NULL DEFAULT '';
ALTER TABLE intake_draft ADD COLUMN by_name TEXT NOT NULL DEFAULT '';
-- One open draft of a service for each person, and for each mandate one of its own: who acts for a person doesn't see what that
-- person has typed for themself.
DROP INDEX intake_draft_open;
CREATE UNIQUE INDEX intake_draft_open ON intake_draft (owner, service, mandate) WHERE state = 'open';
