-- SPDX-License-Identifier: EUPL-1.2
CREATE TABLE mandate_mandate (
	id TEXT PRIMARY KEY,
	kind TEXT NOT NULL,
	state TEXT NOT NULL, -- invited, unconfirmed, active, ended
	principal TEXT NOT NULL,
	principal_name TEXT NOT NULL,
	delegate TEXT NOT NULL, -- empty until the invitation is redeemed
	delegate_name TEXT NOT NULL,
	organisation TEXT NOT NULL,
	office TEXT NOT NULL, -- that enters or confirms it
	every BOOLEAN NOT NULL, -- of every service
	services TEXT NOT NULL, -- JSON
	topics TEXT NOT NULL, -- JSON
	actions TEXT NOT NULL, -- JSON
	from_at BIGINT NOT NULL,
	until_at BIGINT NOT NULL,
	code_hash TEXT NOT NULL, -- the code itself is nowhere; empty once it was redeemed
	code_until BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	accepted_at BIGINT NOT NULL,
	confirmed_at BIGINT NOT NULL,
	confirmed_by TEXT NOT NULL,
	proof TEXT NOT NULL,
	ended_at BIGINT NOT NULL,
	ended_by TEXT NOT NULL,
	used_at BIGINT NOT NULL,
	uses BIGINT NOT NULL
);
CREATE INDEX mandate_mandate_principal ON mandate_mandate (principal, id);
CREATE INDEX mandate_mandate_delegate ON mandate_mandate (delegate, id) WHERE delegate <> '';
CREATE INDEX mandate_mandate_office ON mandate_mandate (office, state, id) WHERE office <> '';
CREATE UNIQUE INDEX mandate_mandate_code ON mandate_mandate (code_hash) WHERE code_hash <> '';

-- Codes that were tried and weren't one: who goes on guessing is stopped.
CREATE TABLE mandate_guess (
	id TEXT PRIMARY KEY,
	person TEXT NOT NULL,
	at BIGINT NOT NULL
);
CREATE INDEX mandate_guess_person ON mandate_guess (person, at);

-- Members of staff, as the identity provider described them when they signed in last.
CREATE TABLE mandate_staff (
	id TEXT PRIMARY KEY,
	name TEXT NOT NULL,
	office TEXT NOT NULL,
	roles TEXT NOT NULL, -- JSON
	seen_at BIGINT NOT NULL
);
CREATE INDEX mandate_staff_office ON mandate_staff (office, name, id);

CREATE TABLE mandate_deputy (
	id TEXT PRIMARY KEY,
	represented TEXT NOT NULL,
	represented_name TEXT NOT NULL,
	office TEXT NOT NULL,
	deputy TEXT NOT NULL,
	deputy_name TEXT NOT NULL,
	reserved BOOLEAN NOT NULL, -- the reserved roles, too
	from_at BIGINT NOT NULL,
	until_at BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	created_by TEXT NOT NULL,
	created_name TEXT NOT NULL,
	ended_at BIGINT NOT NULL,
	ended_name TEXT NOT NULL,
	used_at BIGINT NOT NULL,
	uses BIGINT NOT NULL
);
CREATE INDEX mandate_deputy_represented ON mandate_deputy (represented, id);
CREATE INDEX mandate_deputy_deputy ON mandate_deputy (deputy, id);
CREATE INDEX mandate_deputy_office ON mandate_deputy (office, id);
