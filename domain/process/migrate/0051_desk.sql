-- Who brought a step about, by name, where that is a clerk or a program: what happened stays
-- readable when an account is gone. Residents are never named here.
ALTER TABLE process_history ADD COLUMN actor_name TEXT NOT NULL DEFAULT '';

-- All incidents of an instance, for its history.
CREATE INDEX process_incident_all ON process_incident (instance_id, token);
