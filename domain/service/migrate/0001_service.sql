-- Every version of a package that was ever in force, as a ZIP of its files.
CREATE TABLE service_version (
	service TEXT NOT NULL,
	version TEXT NOT NULL,
	files BYTEA NOT NULL,
	loaded_at BIGINT NOT NULL,
	PRIMARY KEY (service, version)
);
