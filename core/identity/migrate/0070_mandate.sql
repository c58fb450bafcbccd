-- SPDX-License-Identifier: EUPL-1.2

-- For whom the person of the session has chosen to act. A choice, no right: whether the mandate is in force is asked at every
-- request.
ALTER TABLE identity_session ADD COLUMN mandate TEXT NOT NULL DEFAULT '';
