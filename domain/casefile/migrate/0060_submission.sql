-- SPDX-License-Identifier: EUPL-1.2
-- What was submitted, as it was: the data, a paper that shows questions and answers, and a signed file; a correction makes a
-- new set. It goes with its case.
CREATE TABLE casefile_submission (
	case_id TEXT NOT NULL REFERENCES casefile_case (id) ON DELETE CASCADE,
	revision BIGINT NOT NULL, -- 1: the application; more: after a correction
	kind TEXT NOT NULL, -- data, paper, signed
	at BIGINT NOT NULL,
	version TEXT NOT NULL, -- of the service
	lang TEXT NOT NULL,
	hash TEXT NOT NULL, -- SHA-256 of the content
	size BIGINT NOT NULL,
	content BYTEA NOT NULL,
	PRIMARY KEY (case_id, revision, kind)
);
