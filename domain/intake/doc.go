// SPDX-License-Identifier: EUPL-1.2

// Package intake is the counter where applications are filled in and handed over
// (Antragsannahme).
//
// It keeps drafts: what a person has typed so far, saved field by field, and what
// registers said after the person agreed. It takes the submission, once, and opens the case in the
// same transaction. It asks again for the one field that a clerk wants corrected.
//
// It prints forms for those who want paper, knows a printed form by its code, and keeps
// what a clerk types of it until it is submitted for the person (paper.go).
//
// It doesn't decide anything, doesn't know any service, and forgets a draft's
// content as soon as it is in the case, or when the draft expires.
//
// Terms: a draft (Entwurf) is not yet an application; an application (Antrag, § 22
// VwVfG NRW) exists from the submission on. The data notice (Datenübersicht) says
// before anything is fetched which data comes from which register, for which purpose and on
// which legal basis (Art. 13 and 14 GDPR, § 5 EGovG); without consent the person
// fills in the same form by hand.
//
// A draft follows the form in force: migrate.go carries it over and tells its owner what has changed. A long form is filled in from a
// list of its topics (tasks.go).
//
// Drafts are sealed under a key of their owner, files under one of their own (seal.go). What comes from several devices is put together field by field
// (merge.go). A service may let people begin before they sign in, and a page that was sent after the session had ended waits for
// them (guest.go).
//
// Others can be let into a draft by an invitation: to help with it (help.go), to sign it and, where the package says so, to fill in
// their part of it (cosign.go), or a clerk at the counter for an hour (together.go). It stays its owner's: they alone hand over.
//
// A life event (Lebenslage, bundle.go) is several services applied for at once: a bundle of drafts, filled in one after
// the other, in which a question or a file that several ask is given once, and handed over together or not at all.
//
// A draft belongs to the one person who writes it. Every statement carries the
// owner, so that a foreign draft is not found rather than forbidden. What somebody
// does with their own draft is not put on the access ledger, which tells people
// who else looked at their data: fetching from registers and submitting are, with a
// grant of core/access.
package intake
