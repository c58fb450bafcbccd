-- SPDX-License-Identifier: EUPL-1.2
-- Records with which little may be done but to keep them (Art. 18 GDPR): who reads for another purpose doesn't find them.
CREATE TABLE register_restriction (
	register TEXT NOT NULL,
	id TEXT NOT NULL,
	person TEXT NOT NULL,
	at BIGINT NOT NULL,
	case_id TEXT NOT NULL,
	lifted_at BIGINT NOT NULL, -- 0: it holds
	lifted_case TEXT NOT NULL,
	PRIMARY KEY (register, id, at)
);
CREATE UNIQUE INDEX register_restriction_live ON register_restriction (register, id) WHERE lifted_at = 0;
CREATE INDEX register_restriction_person ON register_restriction (person, register) WHERE lifted_at = 0;
