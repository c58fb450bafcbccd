-- SPDX-License-Identifier: EUPL-1.2

-- The keys of persons are the vault's from now on, wrapped, and in no backup of the database. Only the program can wrap:
-- it takes these over at its next start (audit.MoveKeys), after which the table is empty. Under another name, so that a
-- node of before can't make second keys for persons meanwhile: it stops adding to the log.
ALTER TABLE audit_person RENAME TO audit_key_before;
