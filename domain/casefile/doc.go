// SPDX-License-Identifier: EUPL-1.2

// Package casefile is the registry of the city: one case (Vorgang) for each
// application, with its electronic file (eAkte): what was applied for, every
// document, message, decision and status in the order of time.
//
// It opens cases, adds to them, closes them, and shows them to the person they
// belong to and to the clerks of the office that is responsible. Nothing in a file
// is ever changed or taken out; what was wrong is followed by what is right.
//
// What was submitted is kept as it was: the data, a PDF/A with questions and answers, and
// a signed file that binds both (submission.go); a correction makes another.
//
// It doesn't decide (domain/process with the rules of the service), doesn't write
// letters (domain/notice) and doesn't know any service.
//
// Law: § 29 VwVfG NRW (inspection of files), § 37 and § 39 VwVfG NRW (form and
// reasons of a decision), § 3 EGovG NRW and § 9 EGovG NRW (electronic file).
package casefile
