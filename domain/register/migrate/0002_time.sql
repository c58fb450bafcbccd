-- Personal fields are sealed under the key of whom they are about (core/vault); data holds the others.
-- An assertion says that a record was, is or will be so from valid_from to valid_to; changed_at is when the city
-- came to know it. register_record holds the assertion that is in force, until turn_at: then another one is.
ALTER TABLE register_record ADD COLUMN sealed BYTEA NOT NULL DEFAULT '';
ALTER TABLE register_record ADD COLUMN valid_from BIGINT NOT NULL DEFAULT 0;
ALTER TABLE register_record ADD COLUMN valid_to BIGINT NOT NULL DEFAULT 9223372036854775807;
ALTER TABLE register_record ADD COLUMN last BIGINT NOT NULL DEFAULT 0;
ALTER TABLE register_record ADD COLUMN turn_at BIGINT NOT NULL DEFAULT 9223372036854775807;
UPDATE register_record SET last = version, valid_from = changed_at;

-- Every assertion that isn't the one in force: what was superseded, what is past, what is to come.
ALTER TABLE register_version ADD COLUMN sealed BYTEA NOT NULL DEFAULT '';
ALTER TABLE register_version ADD COLUMN valid_from BIGINT NOT NULL DEFAULT 0;
ALTER TABLE register_version ADD COLUMN valid_to BIGINT NOT NULL DEFAULT 9223372036854775807;
UPDATE register_version SET valid_from = changed_at;

-- That something was erased, when, under which rule and by whom; never what.
CREATE TABLE register_erasure (
	id TEXT NOT NULL PRIMARY KEY,
	register TEXT NOT NULL,
	at BIGINT NOT NULL,
	rule TEXT NOT NULL,
	who TEXT NOT NULL,
	case_id TEXT NOT NULL,
	records BIGINT NOT NULL,
	versions BIGINT NOT NULL
);

CREATE INDEX register_record_turn ON register_record (turn_at) WHERE turn_at < 9223372036854775807;
