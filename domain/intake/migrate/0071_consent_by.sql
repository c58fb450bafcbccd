-- SPDX-License-Identifier: EUPL-1.2

-- Under which mandate a consent was given in the owner's name, and by whom; empty: by the owner.
ALTER TABLE intake_consent ADD COLUMN mandate TEXT NOT NULL DEFAULT '';
ALTER TABLE intake_consent ADD COLUMN by_name TEXT NOT NULL DEFAULT '';
