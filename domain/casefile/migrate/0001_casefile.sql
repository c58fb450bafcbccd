CREATE TABLE casefile_case (
	id TEXT PRIMARY KEY,
	ref TEXT NOT NULL UNIQUE,
	-- One case for each draft, however often it is sent: the draft's id, or a key of the machine that submits.
	origin TEXT NOT NULL UNIQUE,
	service TEXT NOT NULL,
	version TEXT NOT NULL,
	office TEXT NOT NULL,
	person TEXT NOT NULL,
	person_name TEXT NOT NULL,
	client TEXT NOT NULL,
	channel TEXT NOT NULL,
	lang TEXT NOT NULL,
	state TEXT NOT NULL,
	status TEXT NOT NULL,
	outcome TEXT NOT NULL,
	application TEXT NOT NULL,
	registers TEXT NOT NULL,
	opened_at BIGINT NOT NULL,
	changed_at BIGINT NOT NULL,
	closed_at BIGINT NOT NULL
);
CREATE INDEX casefile_case_person ON casefile_case (person, opened_at DESC, id DESC);
CREATE INDEX casefile_case_office ON casefile_case (office, opened_at DESC, id DESC);
CREATE INDEX casefile_case_client ON casefile_case (client, opened_at DESC, id DESC) WHERE client <> '';

CREATE TABLE casefile_entry (
	id TEXT PRIMARY KEY,
	case_id TEXT NOT NULL REFERENCES casefile_case (id),
	at BIGINT NOT NULL,
	kind TEXT NOT NULL,
	actor_kind TEXT NOT NULL,
	actor_name TEXT NOT NULL,
	title TEXT NOT NULL,
	body TEXT NOT NULL,
	document TEXT NOT NULL,
	internal BOOLEAN NOT NULL
);
CREATE INDEX casefile_entry_case ON casefile_entry (case_id, id);

CREATE TABLE casefile_decision (
	id TEXT PRIMARY KEY,
	case_id TEXT NOT NULL REFERENCES casefile_case (id),
	at BIGINT NOT NULL,
	decision TEXT NOT NULL,
	name TEXT NOT NULL,
	outcome TEXT NOT NULL,
	rules TEXT NOT NULL
);
CREATE INDEX casefile_decision_case ON casefile_decision (case_id, id);
