CREATE TABLE webhook_subscription (
	id TEXT PRIMARY KEY,
	owner TEXT NOT NULL,
	office TEXT NOT NULL,
	url TEXT NOT NULL,
	types TEXT NOT NULL,
	description TEXT NOT NULL,
	state TEXT NOT NULL,
	-- sealed with the key of the installation
	secret TEXT NOT NULL,
	old_secret TEXT NOT NULL,
	old_until BIGINT NOT NULL,
	given_up BIGINT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE INDEX webhook_subscription_owner ON webhook_subscription (owner, id);
CREATE TABLE webhook_delivery (
	id TEXT PRIMARY KEY,
	subscription TEXT NOT NULL REFERENCES webhook_subscription (id) ON DELETE CASCADE,
	event_id TEXT NOT NULL,
	type TEXT NOT NULL,
	body TEXT NOT NULL,
	state TEXT NOT NULL,
	attempts BIGINT NOT NULL,
	status BIGINT NOT NULL,
	error TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	sent_at BIGINT NOT NULL,
	UNIQUE (subscription, event_id)
);
CREATE INDEX webhook_delivery_list ON webhook_delivery (subscription, id);
CREATE INDEX webhook_delivery_ended ON webhook_delivery (created_at) WHERE state <> 'waiting';
