-- SPDX-License-Identifier: EUPL-1.2
CREATE TABLE payment_payment (
	id TEXT PRIMARY KEY,
	case_id TEXT NOT NULL,
	order_key TEXT NOT NULL,
	person TEXT NOT NULL,
	office TEXT NOT NULL,
	service TEXT NOT NULL,
	cents BIGINT NOT NULL,
	purpose TEXT NOT NULL,
	lang TEXT NOT NULL,
	state TEXT NOT NULL,
	attempt TEXT NOT NULL,
	refund_due BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	changed_at BIGINT NOT NULL,
	paid_at BIGINT NOT NULL,
	version BIGINT NOT NULL,
	UNIQUE (case_id, order_key)
);
CREATE INDEX payment_payment_person ON payment_payment (person, id);

-- One transaction at the provider. The id is the requestId that the provider knows.
CREATE TABLE payment_attempt (
	id TEXT PRIMARY KEY,
	payment TEXT NOT NULL REFERENCES payment_payment (id),
	transaction_id TEXT NOT NULL,
	redirect TEXT NOT NULL,
	state TEXT NOT NULL,
	detail TEXT NOT NULL,
	method TEXT NOT NULL,
	reference TEXT NOT NULL,
	cents BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	changed_at BIGINT NOT NULL,
	checks BIGINT NOT NULL,
	next_check BIGINT NOT NULL
);
CREATE UNIQUE INDEX payment_attempt_transaction ON payment_attempt (transaction_id) WHERE transaction_id <> '';
CREATE INDEX payment_attempt_payment ON payment_attempt (payment, created_at);
CREATE INDEX payment_attempt_due ON payment_attempt (next_check, id) WHERE next_check > 0;

CREATE TABLE payment_refund (
	id TEXT PRIMARY KEY,
	payment TEXT NOT NULL REFERENCES payment_payment (id),
	attempt TEXT NOT NULL UNIQUE REFERENCES payment_attempt (id),
	cents BIGINT NOT NULL,
	reason TEXT NOT NULL,
	state TEXT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE INDEX payment_refund_state ON payment_refund (state, id);

-- Calls of the provider that were taken. A call is taken once.
CREATE TABLE payment_call (
	nonce TEXT PRIMARY KEY,
	at BIGINT NOT NULL
);
CREATE INDEX payment_call_at ON payment_call (at);
