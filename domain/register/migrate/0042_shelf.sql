-- SPDX-License-Identifier: EUPL-1.2
-- Counts the changes of register_package, so that every node of the house notices one with a small question.
CREATE TABLE register_shelf (
	id BIGINT NOT NULL PRIMARY KEY,
	changes BIGINT NOT NULL
);

INSERT INTO register_shelf (id, changes) VALUES (1, 0);
