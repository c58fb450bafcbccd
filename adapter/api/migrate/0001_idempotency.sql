-- Answers to requests that carry an Idempotency-Key, sealed, for a day.
CREATE TABLE api_idempotency (
	client TEXT NOT NULL,
	key TEXT NOT NULL,
	request TEXT NOT NULL,
	state TEXT NOT NULL,
	answer TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	lease_until BIGINT NOT NULL,
	PRIMARY KEY (client, key)
);
CREATE INDEX api_idempotency_age ON api_idempotency (created_at);
