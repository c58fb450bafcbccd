-- Incidents from before causes were masked have the beginning of their reason for one, which may quote
-- data. SQL can't mask it: the engine does, some at a time, until none is left.
ALTER TABLE process_incident ADD COLUMN masked BIGINT NOT NULL DEFAULT 0;
CREATE INDEX process_incident_unmasked ON process_incident (id) WHERE masked = 0;
