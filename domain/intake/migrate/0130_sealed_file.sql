-- SPDX-License-Identifier: EUPL-1.2

-- What lies in the drawer is sealed under a key of its own (core/vault). Files of before are sealed at the next start.
ALTER TABLE intake_upload ADD COLUMN sealed BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX intake_upload_plain ON intake_upload (id) WHERE sealed = FALSE;
