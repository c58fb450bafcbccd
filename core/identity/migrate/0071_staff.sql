-- SPDX-License-Identifier: EUPL-1.2

-- Which person of the registers an actor is who works for the city, as the register of staff said when they signed in last.
CREATE TABLE identity_staff (
	actor TEXT PRIMARY KEY,
	person TEXT NOT NULL
);
