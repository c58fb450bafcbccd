-- The instances of a model, the last begun first: what the heat map looks at.
CREATE INDEX process_instance_begun ON process_instance (service, model, created_at);
