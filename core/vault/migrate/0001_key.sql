-- The key of each subject, wrapped by the keyset of the house. No part of a backup of the database.
CREATE TABLE vault_key (
	subject TEXT NOT NULL PRIMARY KEY,
	wrapped BYTEA NOT NULL
);
