-- SPDX-License-Identifier: EUPL-1.2

-- From which network a life event was begun by somebody who hasn't signed in, blind, as of a draft; '' once it is a person's.
ALTER TABLE intake_bundle ADD COLUMN origin TEXT NOT NULL DEFAULT '';
CREATE INDEX intake_bundle_origin ON intake_bundle (origin) WHERE origin <> '';
