-- The folder that the documents of this database are in, by the name that stands in it.
CREATE TABLE blob_folder (
  id TEXT NOT NULL PRIMARY KEY,
  one BIGINT NOT NULL UNIQUE -- always 1: there is one
);
