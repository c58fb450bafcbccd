-- Incidents are looked at in groups: of one service, at one element, with one cause, which is the
-- reason without what differs from case to case.
ALTER TABLE process_incident ADD COLUMN cause TEXT NOT NULL DEFAULT '';
ALTER TABLE process_incident ADD COLUMN resolved_name TEXT NOT NULL DEFAULT '';
ALTER TABLE process_incident ADD COLUMN office TEXT NOT NULL DEFAULT '';
UPDATE process_incident SET cause = substr(reason, 1, 200),
	office = COALESCE((SELECT i.office FROM process_instance i WHERE i.id = process_incident.instance_id), '');
CREATE INDEX process_incident_group ON process_incident (service, element, cause, id) WHERE resolved_at = 0;

-- Many incidents tried again at once, by whom, and how far that is. It ends at the incidents that
-- were there when it began: what fails again isn't tried for ever.
CREATE TABLE process_retry (
	id TEXT PRIMARY KEY,
	service TEXT NOT NULL,
	element TEXT NOT NULL,
	cause TEXT NOT NULL,
	office TEXT NOT NULL,
	-- a JSON list of the incidents that were chosen, or '' for all of the group
	chosen TEXT NOT NULL,
	last TEXT NOT NULL,
	upto TEXT NOT NULL,
	total BIGINT NOT NULL,
	resolved BIGINT NOT NULL,
	again BIGINT NOT NULL,
	gone BIGINT NOT NULL,
	failed BIGINT NOT NULL,
	state TEXT NOT NULL,
	actor_kind TEXT NOT NULL,
	actor_id TEXT NOT NULL,
	actor_name TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	changed_at BIGINT NOT NULL
);
CREATE INDEX process_retry_recent ON process_retry (created_at, id);
