// SPDX-License-Identifier: EUPL-1.2

// Package notice is the city's writing office: it makes letters, decisions and
// permits out of the templates of a service package, keeps what was issued, and
// tells anybody who holds a permit's code whether it is valid.
//
// A document is rendered outside any transaction (Prepare) and issued in one
// transaction (Issue): document, postbox message, entry in the file, event. What is
// issued is never changed; it can be revoked.
//
// The document is in German, the official language (§ 23 (1) VwVfG NRW); the
// message that brings it says the same in the languages that the package has.
//
// A code has 130 random bits. The public page tells of it: valid, not yet valid,
// expired, revoked, unknown, what kind of document it is and until when, and nothing
// about the person.
//
// It doesn't decide anything and doesn't keep the postbox (domain/postbox).
//
// Terms: document (Dokument, Bescheid), template (Vorlage), code (Prüfcode),
// revoke (widerrufen or zurücknehmen, §§ 48, 49 VwVfG NRW), remedy
// (Rechtsbehelfsbelehrung, § 37 (6) VwVfG NRW), reasons (Begründung, § 39 VwVfG
// NRW), automatic decision (§ 35a VwVfG NRW), fetched (Abruf, § 41 (2a) VwVfG NRW:
// a decision counts as notified the day after it was fetched).
package notice
