-- SPDX-License-Identifier: EUPL-1.2

-- Where who acted came in, and the program that they came with. What was on record before says neither, and its leaves in the
-- log stay as they are.
ALTER TABLE audit_entry ADD COLUMN door TEXT NOT NULL DEFAULT '';
ALTER TABLE audit_entry ADD COLUMN client TEXT NOT NULL DEFAULT '';
