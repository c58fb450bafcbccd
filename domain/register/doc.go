// SPDX-License-Identifier: EUPL-1.2

// Package register is the office that keeps the city's registers: residents,
// vehicles, streets, parking zones, businesses, permits.
//
// A register is declared, not programmed: a folder of content/registers holds
// register.toml (titles, owner, legal basis, retention, and for each field its
// class, source and how it is searched) and schema.json (JSON Schema 2020-12). A new
// folder is a new register, without Go.
//
// What it does: keeps records with versions (who, when, why, in which case, what was so
// and what was known), seals what is personal under the key of the person, searches by
// declared fields with a bounded piece of work for each page, hands records out to
// whoever holds an access.Grant and then only the fields and the persons that the grant
// names, shows through links what another register says, takes records in and gives them
// out in bulk, follows its own changes without gaps, restricts and erases (Art. 16 to 18
// GDPR), and matches a signed-in person with the residents' register.
//
// Where to look: package.go, compare.go and shelf.go (packages and their versions),
// service.go and edit.go (reading and changing one record), time.go (the two times),
// search.go, filter.go and index.go (search), seal.go (keys), links.go (views),
// feed.go (changes), load.go and import.go (bulk), rights.go
// (restriction, erasure), keep.go (retention rules), takeup.go (new versions in a running house).
//
// What it does not: decide who may read (core/access does), or know any register by name.
//
// Terms: a register (Register, Fachregister) holds records (Datensatz); a record
// belongs to a person if its register declares a person field; public registers
// (streets, zones) hold nothing about persons and need no grant.
//
// Law: Art. 5, 6, 15 and 30 GDPR; §§ 3, 34 BMG (residents); §§ 33, 35 StVG
// (vehicles); § 14 GewO (businesses); § 45 Abs. 1b StVO (parking zones, permits).
package register
