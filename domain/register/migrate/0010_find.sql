-- How records are found. A token is a keyed hash (core/vault) of a register, a field, a way
-- to search and a value: the value written alike, a beginning of it, its sound, its month,
-- a word. 64 bits: two values may rarely share one, so what is found is looked at again.
-- It takes the place of register_index, at a third of its size.
CREATE TABLE register_find (
	token BIGINT NOT NULL,
	id TEXT NOT NULL,
	PRIMARY KEY (token, id)
)/* WITHOUT ROWID */;

-- Fields in their order, and the cells of a map that a geometry lies in. Only what isn't
-- personal stands here.
CREATE TABLE register_key (
	register TEXT NOT NULL,
	field TEXT NOT NULL,
	value TEXT NOT NULL,
	id TEXT NOT NULL,
	PRIMARY KEY (register, field, value, id)
)/* WITHOUT ROWID */;

-- How far the two above are built for what a register declares as searchable.
CREATE TABLE register_build (
	register TEXT NOT NULL PRIMARY KEY,
	declared TEXT NOT NULL,
	last TEXT NOT NULL,
	done BIGINT NOT NULL
);

DROP TABLE register_index;
