-- SPDX-License-Identifier: EUPL-1.2

-- Under which mandate or deputyship somebody acted for somebody else.
ALTER TABLE audit_entry ADD COLUMN mandate TEXT NOT NULL DEFAULT '';
CREATE INDEX audit_entry_mandate ON audit_entry (mandate, id) WHERE mandate <> '';
