-- SPDX-License-Identifier: EUPL-1.2

-- Under which id the content of a file lies in the drawer: its own, or that of the upload it was shared from, when a file was given
-- once for several services. The content goes with the last of them.
ALTER TABLE intake_upload ADD COLUMN content TEXT NOT NULL DEFAULT '';
UPDATE intake_upload SET content = id;
CREATE INDEX intake_upload_content ON intake_upload (content);
