// SPDX-License-Identifier: EUPL-1.2

// Package register is the office that keeps the city's registers: residents,
// vehicles, streets, parking zones, businesses, permits.
//
// A register is declared, not programmed: a folder of content/registers holds
// register.toml (titles, owner, legal basis, retention, and for each field its
// class, source and how it is searched) and schema.json (JSON Schema 2020-12). A new
// folder is a new register, without Go.
//
// What it does: keeps records with versions (who, when, why, in which case), finds
// them by declared fields, hands them out to whoever holds an access.Grant and then
// only the fields and the person that the grant names, matches a signed-in person
// with the residents' register, and tells a person all that is held about them.
//
// What it does not: decide who may read (core/access does), know any register by
// name, or erase (retention is a rule to come).
//
// Terms: a register (Register, Fachregister) holds records (Datensatz); a record
// belongs to a person if its register declares a person field; public registers
// (streets, zones) hold nothing about persons and need no grant.
//
// Law: Art. 5, 6, 15 and 30 GDPR; §§ 3, 34 BMG (residents); §§ 33, 35 StVG
// (vehicles); § 14 GewO (businesses); § 45 Abs. 1b StVO (parking zones, permits).
package register
