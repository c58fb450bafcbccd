-- SPDX-License-Identifier: EUPL-1.2

-- What a file is called says what it is about and of whom ("Scheidungsurteil Schmidt.pdf"): it is sealed under the key of the file. Names
-- of before are sealed at the next start, and the column in clear is empty from then on.
ALTER TABLE intake_upload ADD COLUMN sealed_name BYTEA NOT NULL DEFAULT '';
CREATE INDEX intake_upload_named ON intake_upload (id) WHERE name <> '';
