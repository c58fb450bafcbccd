// SPDX-License-Identifier: EUPL-1.2

package intake

import (
	"bytes"
	"embed"
	"encoding/json"
	"time"

	"mercator/core/store"
)

//go:embed migrate/*.sql
var migrations embed.FS

// Migrations are the tables of the room.
func Migrations() store.Migrations { return store.Migrations{Room: "intake", FS: migrations} }

const draftColumns = `id, owner, service, version, state, consent, answers, raw, registers, fetched_at, case_id, rev, created_at, changed_at, expires_at, mandate, by_name, sealed, bundle`

const insertDraft = `-- intake.insertDraft
INSERT INTO intake_draft (` + draftColumns + `, origin) VALUES ($1, $2, $3, $4, 'open', '', '{}', '{}', 'null', 0, '', 1, $5, $5, $6, $7, $8, $9, '', $10)
ON CONFLICT DO NOTHING`

const readDraft = `-- intake.readDraft
SELECT ` + draftColumns + ` FROM intake_draft WHERE id = $1 AND owner = $2 AND expires_at > $3 AND ($4 = '' OR mandate = $4)`

const openDraft = `-- intake.openDraft
SELECT ` + draftColumns + ` FROM intake_draft WHERE owner = $1 AND service = $2 AND mandate = $3 AND bundle = '' AND state = 'open'`

const listDrafts = `-- intake.listDrafts
SELECT ` + draftColumns + ` FROM intake_draft WHERE owner = $1 AND state = 'open' AND expires_at > $2 AND ($3 = '' OR mandate = $3)
ORDER BY changed_at DESC, id DESC LIMIT 100`

// Holds a draft as it was read while something is put beside it.
const holdDraft = `-- intake.holdDraft
UPDATE intake_draft SET rev = rev WHERE id = $1 AND owner = $2 AND rev = $3 AND state = 'open'`

const saveDraft = `-- intake.saveDraft
UPDATE intake_draft SET sealed = $4, answers = '{}', raw = '{}', registers = 'null', consent = $5, fetched_at = $6, version = $7, rev = rev + 1,
	changed_at = $8, expires_at = $9, warned_at = 0
WHERE id = $1 AND owner = $2 AND rev = $3 AND state = 'open'`

// A submitted draft keeps nothing but the way to its case.
const submitDraft = `-- intake.submitDraft
UPDATE intake_draft SET state = 'submitted', sealed = $6, answers = '{}', raw = '{}', registers = 'null', rev = rev + 1, changed_at = $4, expires_at = $5
WHERE id = $1 AND owner = $2 AND rev = $3 AND state = 'open'`

const caseOfDraft = `-- intake.caseOfDraft
UPDATE intake_draft SET case_id = $3 WHERE id = $1 AND owner = $2 AND state = 'submitted' AND case_id = ''`

const mandateOfCase = `-- intake.mandateOfCase
SELECT mandate FROM intake_draft WHERE case_id = $1 AND owner = $2`

const discardDraft = `-- intake.discardDraft
DELETE FROM intake_draft WHERE id = $1 AND owner = $2 AND state = 'open' AND bundle = '' AND ($3 = '' OR mandate = $3)`

const expireDrafts = `-- intake.expireDrafts
DELETE FROM intake_draft WHERE expires_at <= $1 RETURNING owner, origin`

const expireOne = `-- intake.expireOne
DELETE FROM intake_draft WHERE owner = $1 AND service = $2 AND mandate = $4 AND state = 'open' AND expires_at <= $3`

// Drafts of before there were seals, which hold something.
const plainDrafts = `-- intake.plainDrafts
SELECT ` + draftColumns + ` FROM intake_draft WHERE id > $1 AND (answers <> '{}' OR raw <> '{}' OR registers <> 'null') ORDER BY id LIMIT $2`

const sealDraft = `-- intake.sealDraft
UPDATE intake_draft SET sealed = $3, answers = '{}', raw = '{}', registers = 'null' WHERE id = $1 AND rev = $2`

// Those that will go soon and whose owners don't know yet; of a life event one. Who hasn't signed in can't be told.
const fadingDrafts = `-- intake.fadingDrafts
SELECT ` + draftColumns + ` FROM intake_draft WHERE state = 'open' AND warned_at = 0 AND origin = '' AND expires_at > $1 AND expires_at <= $2
AND (bundle = '' OR NOT EXISTS (SELECT 1 FROM intake_draft o WHERE o.bundle = intake_draft.bundle AND o.state = 'open' AND o.id < intake_draft.id))
ORDER BY expires_at, id LIMIT $3`

const warnedDraft = `-- intake.warnedDraft
UPDATE intake_draft SET warned_at = $3 WHERE id = $1 AND rev = $2 AND warned_at = 0 AND state = 'open'`

// --- without having signed in

const guestDrafts = `-- intake.guestDrafts
SELECT COALESCE(SUM(CASE WHEN origin = $1 THEN 1 ELSE 0 END), 0), COUNT(*) FROM (SELECT origin FROM intake_draft WHERE origin <> '' AND expires_at > $2
	UNION ALL SELECT origin FROM intake_bundle WHERE origin <> '' AND expires_at > $2) AS begun`

const parkedPages = `-- intake.parkedPages
SELECT COALESCE(SUM(CASE WHEN origin = $1 THEN 1 ELSE 0 END), 0), COUNT(*) FROM intake_parked WHERE expires_at > $2`

const claimDraft = `-- intake.claimDraft
UPDATE intake_draft SET owner = $4, bundle = $5, origin = '', rev = rev + 1 WHERE id = $1 AND owner = $2 AND rev = $3 AND state = 'open'`

const takeDraft = `-- intake.takeDraft
DELETE FROM intake_draft WHERE id = $1 AND owner = $2 AND rev = $3 AND state = 'open'`

const claimBundle = `-- intake.claimBundle
UPDATE intake_bundle SET owner = $4, origin = '', rev = rev + 1 WHERE id = $1 AND owner = $2 AND rev = $3 AND state = 'open'`

const takeBundle = `-- intake.takeBundle
DELETE FROM intake_bundle WHERE id = $1 AND owner = $2 AND rev = $3 AND state = 'open'`

const insertParked = `-- intake.insertParked
INSERT INTO intake_parked (id, origin, sealed, expires_at) VALUES ($1, $2, $3, $4)`

const readParked = `-- intake.readParked
SELECT sealed FROM intake_parked WHERE id = $1 AND expires_at > $2`

const dropParked = `-- intake.dropParked
DELETE FROM intake_parked WHERE id = $1`

const expireParked = `-- intake.expireParked
DELETE FROM intake_parked WHERE expires_at <= $1`

// --- life events

const bundleColumns = `id, owner, event, state, choices, mandate, by_name, rev, created_at, changed_at, expires_at, origin`

const insertBundle = `-- intake.insertBundle
INSERT INTO intake_bundle (` + bundleColumns + `) VALUES ($1, $2, $3, 'open', '{}', $4, $5, 1, $6, $6, $7, $8) ON CONFLICT DO NOTHING`

const expireBundle = `-- intake.expireBundle
DELETE FROM intake_bundle WHERE owner = $1 AND event = $2 AND mandate = $3 AND state = 'open' AND expires_at <= $4`

const openBundle = `-- intake.openBundle
SELECT ` + bundleColumns + ` FROM intake_bundle WHERE owner = $1 AND event = $2 AND mandate = $3 AND state = 'open'`

const readBundle = `-- intake.readBundle
SELECT ` + bundleColumns + ` FROM intake_bundle WHERE id = $1 AND owner = $2 AND expires_at > $3 AND ($4 = '' OR mandate = $4)`

const listBundles = `-- intake.listBundles
SELECT ` + bundleColumns + ` FROM intake_bundle WHERE owner = $1 AND state = 'open' AND expires_at > $2 AND ($3 = '' OR mandate = $3)
ORDER BY changed_at DESC, id DESC LIMIT 100`

// Whoever changes a draft of a life event changes the bundle first, so that one waits for the other and all live on together.
const holdBundle = `-- intake.holdBundle
UPDATE intake_bundle SET rev = rev + 1, changed_at = $3, expires_at = $4 WHERE id = $1 AND owner = $2 AND state = 'open'`

const chooseBundle = `-- intake.chooseBundle
UPDATE intake_bundle SET choices = $4, rev = rev + 1 WHERE id = $1 AND owner = $2 AND rev = $3 AND state = 'open'`

const submitBundle = `-- intake.submitBundle
UPDATE intake_bundle SET state = 'submitted', choices = '{}', rev = rev + 1, changed_at = $4, expires_at = $5 WHERE id = $1 AND owner = $2 AND rev = $3 AND state = 'open'`

const discardBundle = `-- intake.discardBundle
DELETE FROM intake_bundle WHERE id = $1 AND owner = $2 AND state = 'open' AND ($3 = '' OR mandate = $3)`

const expireBundles = `-- intake.expireBundles
DELETE FROM intake_bundle WHERE expires_at <= $1`

const dropBundles = `-- intake.dropBundles
DELETE FROM intake_bundle WHERE owner = $1 AND state = 'open' AND NOT EXISTS (SELECT 1 FROM intake_draft d WHERE d.bundle = intake_bundle.id AND d.owner = intake_bundle.owner)`

const bundleDrafts = `-- intake.bundleDrafts
SELECT ` + draftColumns + ` FROM intake_draft WHERE bundle = $1 AND bundle <> '' AND owner = $2 ORDER BY id`

const renewDrafts = `-- intake.renewDrafts
UPDATE intake_draft SET expires_at = $3, warned_at = 0 WHERE bundle = $1 AND owner = $2 AND state = 'open'`

const joinBundle = `-- intake.joinBundle
UPDATE intake_draft SET bundle = $4, rev = rev + 1 WHERE id = $1 AND owner = $2 AND rev = $3 AND bundle = '' AND state = 'open'`

// What wasn't wanted in the end stands for itself again, where there is no such draft.
const leaveBundle = `-- intake.leaveBundle
UPDATE intake_draft SET bundle = '', rev = rev + 1 WHERE id = $1 AND owner = $2 AND bundle = $3 AND state = 'open'
AND NOT EXISTS (SELECT 1 FROM intake_draft o WHERE o.owner = intake_draft.owner AND o.service = intake_draft.service AND o.mandate = intake_draft.mandate AND o.bundle = '' AND o.state = 'open')`

const dropBundled = `-- intake.dropBundled
DELETE FROM intake_draft WHERE id = $1 AND owner = $2 AND bundle = $3 AND state = 'open'`

// A file that is given for another service, too, has its content where it was.
const shareUpload = `-- intake.shareUpload
INSERT INTO intake_upload (` + uploadColumns + `)
SELECT $6, $4, $5, name, size, sum, state, type, pages, picture, hash, found, checked_at, '', created_at, expires_at, content, sealed, sealed_name
FROM intake_upload WHERE draft IN (SELECT d.id FROM intake_draft d WHERE d.owner = $1) AND id = $2 AND draft = $3 AND state = 'kept' AND case_id = ''`

func scanBundle(s store.Scanner) (Bundle, error) {
	var b Bundle
	var choices string
	var created, changed, expires int64
	if err := s.Scan(&b.ID, &b.Owner, &b.Event, &b.State, &choices, &b.Mandate, &b.By, &b.rev, &created, &changed, &expires, &b.origin); err != nil {
		return b, err
	}
	b.CreatedAt, b.ChangedAt, b.ExpiresAt = store.Time(created), store.Time(changed), store.Time(expires)
	return b, decodeJSON(choices, &b.Choices)
}

// --- help

const invitationColumns = `i.id, COALESCE(d.id, ''), COALESCE(b.id, ''), i.owner, i.helper, COALESCE(d.service, ''), COALESCE(b.event, ''), i.names,
	i.created_at, i.expires_at, i.taken_at, i.ended_at, i.kind, i.part, i.signed_at, i.signed_hash, i.signed_version, i.void_at, i.office, i.clerk_name`

// What an invitation lets into is a draft, or a life event with all its drafts: intake_invitation.draft is the id of the one or the other.
const invitationPlaces = `FROM intake_invitation i LEFT JOIN intake_draft d ON d.id = i.draft AND d.owner = i.owner
LEFT JOIN intake_bundle b ON b.id = i.draft AND b.owner = i.owner`

const insertInvitation = `-- intake.insertInvitation
INSERT INTO intake_invitation (id, draft, owner, code, helper, names, created_at, expires_at, taken_at, ended_at, kind, part)
VALUES ($1, $2, $3, $4, '', $5, $6, $7, 0, 0, $8, $9)`

const invitationsOf = `-- intake.invitationsOf
SELECT ` + invitationColumns + ` ` + invitationPlaces + `
WHERE i.draft = $1 AND i.owner = $2 AND i.kind <> 'together' AND (d.state = 'open' OR b.state = 'open') ORDER BY i.id DESC LIMIT 50`

const invitationOfCode = `-- intake.invitationOfCode
SELECT ` + invitationColumns + ` ` + invitationPlaces + `
WHERE i.code = $1 AND i.kind <> 'together' AND i.helper = '' AND i.ended_at = 0 AND i.expires_at > $2
AND (d.state = 'open' AND d.expires_at > $2 OR b.state = 'open' AND b.expires_at > $2)`

const takeInvitation = `-- intake.takeInvitation
UPDATE intake_invitation SET helper = $3, names = $4, taken_at = $5, code = ''
WHERE id = $1 AND code = $2 AND helper = '' AND ended_at = 0 AND expires_at > $5 AND owner <> $3`

// As the owner, or as who was invited; a clerk at the counter is neither.
const invitationFor = `-- intake.invitationFor
SELECT ` + invitationColumns + ` ` + invitationPlaces + `
WHERE i.id = $1 AND (i.owner = $2 OR i.helper = $2 AND i.kind <> 'together') AND i.ended_at = 0 AND (d.state = 'open' OR b.state = 'open')`

const endInvitation = `-- intake.endInvitation
UPDATE intake_invitation SET ended_at = $3, code = '' WHERE id = $1 AND (owner = $2 OR helper = $2 AND kind <> 'together') AND ended_at = 0
AND (EXISTS (SELECT 1 FROM intake_draft d WHERE d.id = intake_invitation.draft AND d.owner = intake_invitation.owner AND d.state = 'open')
	OR EXISTS (SELECT 1 FROM intake_bundle b WHERE b.id = intake_invitation.draft AND b.owner = intake_invitation.owner AND b.state = 'open'))`

const helpsWith = `-- intake.helpsWith
SELECT ` + invitationColumns + ` ` + invitationPlaces + `
WHERE i.helper = $1 AND i.kind <> 'together' AND i.ended_at = 0
AND (d.state = 'open' AND d.expires_at > $2 OR b.state = 'open' AND b.expires_at > $2) ORDER BY i.id DESC LIMIT 100`

const helpOf = `-- intake.helpOf
SELECT ` + invitationColumns + ` ` + invitationPlaces + `
WHERE i.draft = $1 AND i.helper = $2 AND i.kind <> 'together' AND i.ended_at = 0 ORDER BY i.kind DESC, i.id DESC LIMIT 1`

// Of an owner who has asked this person, for as long as they have. One that is filled in under a mandate is for nobody to help with. A
// draft of a life event is helped with by who was asked to help with that, and by nobody else.
const helpedDraft = `-- intake.helpedDraft
SELECT ` + draftColumns + ` FROM intake_draft WHERE id = $1 AND state = 'open' AND expires_at > $3
AND EXISTS (SELECT 1 FROM intake_invitation i WHERE i.draft = CASE WHEN intake_draft.bundle = '' THEN intake_draft.id ELSE intake_draft.bundle END AND i.owner = intake_draft.owner AND i.helper = $2 AND i.ended_at = 0
	AND (i.kind = 'sign' OR i.kind = 'help' AND intake_draft.mandate = ''))`

const helpedBundle = `-- intake.helpedBundle
SELECT ` + bundleColumns + ` FROM intake_bundle WHERE id = $1 AND state = 'open' AND mandate = '' AND expires_at > $3
AND EXISTS (SELECT 1 FROM intake_invitation i WHERE i.draft = intake_bundle.id AND i.owner = intake_bundle.owner AND i.helper = $2 AND i.ended_at = 0 AND i.kind = 'help')`

// What a clerk waits for a person with has no draft yet.
const dropInvitations = `-- intake.dropInvitations
DELETE FROM intake_invitation WHERE NOT EXISTS (SELECT 1 FROM intake_draft d WHERE d.id = intake_invitation.draft AND d.owner = intake_invitation.owner AND d.state = 'open')
AND NOT EXISTS (SELECT 1 FROM intake_bundle b WHERE b.id = intake_invitation.draft AND b.owner = intake_invitation.owner AND b.state = 'open')
AND NOT (kind = 'together' AND draft = '' AND ended_at = 0 AND expires_at > $1)`

const forgetInvitations = `-- intake.forgetInvitations
DELETE FROM intake_invitation WHERE owner = $1 OR helper = $1`

func scanInvitation(s store.Scanner) (Invitation, error) {
	var x Invitation
	var created, expires, taken, ended, signed, void int64
	err := s.Scan(&x.ID, &x.Draft, &x.Bundle, &x.Owner, &x.Helper, &x.Service, &x.Event, &x.sealed, &created, &expires, &taken, &ended,
		&x.Kind, &x.Part, &signed, &x.SignedHash, &x.signedVersion, &void, &x.Office, &x.ClerkName)
	x.CreatedAt, x.ExpiresAt = store.Time(created), store.Time(expires)
	for at, to := range map[*time.Time]int64{&x.TakenAt: taken, &x.EndedAt: ended, &x.SignedAt: signed, &x.VoidAt: void} {
		if to != 0 {
			*at = store.Time(to)
		}
	}
	return x, err
}

// --- signatures

// A person can send the link anew: the one before is of no use then.
const endUntaken = `-- intake.endUntaken
UPDATE intake_invitation SET ended_at = $4, code = '' WHERE draft = $1 AND owner = $2 AND kind = 'sign' AND part = $3 AND helper = '' AND ended_at = 0`

// Of the draft as it was read.
const signInvitation = `-- intake.signInvitation
UPDATE intake_invitation SET signed_at = $4, signed_hash = $5, signed_version = $6, void_at = 0
WHERE id = $1 AND helper = $2 AND kind = 'sign' AND ended_at = 0
AND EXISTS (SELECT 1 FROM intake_draft d WHERE d.id = intake_invitation.draft AND d.owner = intake_invitation.owner AND d.state = 'open' AND d.rev = $3)`

const signedInvitations = `-- intake.signedInvitations
SELECT ` + invitationColumns + ` ` + invitationPlaces + `
WHERE i.draft = $1 AND i.owner = $2 AND i.kind = 'sign' AND i.ended_at = 0 AND i.signed_at <> 0 ORDER BY i.id LIMIT 50`

// Nobody withdraws between the look at the signatures and the end of the transaction that hands over.
const holdSignatures = `-- intake.holdSignatures
UPDATE intake_invitation SET code = '' WHERE draft = $1 AND owner = $2 AND kind = 'sign' AND ended_at = 0 AND signed_at <> 0`

const voidSignature = `-- intake.voidSignature
UPDATE intake_invitation SET signed_at = 0, signed_hash = '', signed_version = '', void_at = $3 WHERE id = $1 AND signed_hash = $2 AND ended_at = 0`

// --- together at the counter

const insertTogether = `-- intake.insertTogether
INSERT INTO intake_invitation (id, draft, owner, code, helper, names, created_at, expires_at, taken_at, ended_at, kind, office, clerk_name)
VALUES ($1, '', '', $2, $3, $4, $5, $6, 0, 0, 'together', $7, $8)`

const togetherOfCode = `-- intake.togetherOfCode
SELECT ` + invitationColumns + ` ` + invitationPlaces + `
WHERE i.code = $1 AND i.kind = 'together' AND i.draft = '' AND i.ended_at = 0 AND i.expires_at > $2`

const joinTogether = `-- intake.joinTogether
UPDATE intake_invitation SET draft = $3, owner = $4, names = $5, taken_at = $6, expires_at = $7, code = ''
WHERE id = $1 AND code = $2 AND kind = 'together' AND draft = '' AND ended_at = 0 AND expires_at > $6`

// A clerk's own, of the office where they work: waiting, or of a draft that is still there.
const togetherOf = `-- intake.togetherOf
SELECT ` + invitationColumns + ` ` + invitationPlaces + `
WHERE i.helper = $1 AND i.office = $2 AND i.kind = 'together' AND i.ended_at = 0 AND i.expires_at > $3 AND (i.draft = '' OR d.state = 'open' OR b.state = 'open')
AND ($4 = '' OR i.id = $4) ORDER BY i.id DESC LIMIT 1`

const togetherDraft = `-- intake.togetherDraft
SELECT ` + draftColumns + ` FROM intake_draft WHERE id = $1 AND state = 'open' AND mandate = '' AND expires_at > $4
AND EXISTS (SELECT 1 FROM intake_invitation i WHERE i.draft = CASE WHEN intake_draft.bundle = '' THEN intake_draft.id ELSE intake_draft.bundle END
	AND i.owner = intake_draft.owner AND i.kind = 'together' AND i.helper = $2 AND i.office = $3 AND i.ended_at = 0 AND i.expires_at > $4)`

const togetherBundle = `-- intake.togetherBundle
SELECT ` + bundleColumns + ` FROM intake_bundle WHERE id = $1 AND state = 'open' AND mandate = '' AND expires_at > $4
AND EXISTS (SELECT 1 FROM intake_invitation i WHERE i.draft = intake_bundle.id AND i.owner = intake_bundle.owner AND i.kind = 'together'
	AND i.helper = $2 AND i.office = $3 AND i.ended_at = 0 AND i.expires_at > $4)`

const togetherOfDraft = `-- intake.togetherOfDraft
SELECT ` + invitationColumns + ` ` + invitationPlaces + `
WHERE i.draft = $1 AND i.owner = $2 AND i.kind = 'together' AND i.ended_at = 0 AND i.expires_at > $3 AND (d.state = 'open' OR b.state = 'open')
ORDER BY i.id DESC LIMIT 1`

const endTogether = `-- intake.endTogether
UPDATE intake_invitation SET ended_at = $3, code = '' WHERE helper = $1 AND kind = 'together' AND ended_at = 0 AND ($2 = '' OR id = $2)`

// A draft that becomes part of a life event is for nobody else to see, nor what it holds when it is released.
const endInvitations = `-- intake.endInvitations
UPDATE intake_invitation SET ended_at = $3, code = '' WHERE draft = $1 AND owner = $2 AND ended_at = 0`

const endOfDraft = `-- intake.endOfDraft
UPDATE intake_invitation SET ended_at = $3, code = '' WHERE draft = $1 AND owner = $2 AND kind = 'together' AND ended_at = 0`

const correctionColumns = `id, owner, case_id, service, version, field, message, state, raw, rev, created_at, done_at`

const insertCorrection = `-- intake.insertCorrection
INSERT INTO intake_correction (` + correctionColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, 'open', '', 1, $8, 0)`

const readCorrection = `-- intake.readCorrection
SELECT ` + correctionColumns + ` FROM intake_correction WHERE id = $1 AND owner = $2`

const caseCorrections = `-- intake.caseCorrections
SELECT ` + correctionColumns + ` FROM intake_correction WHERE case_id = $1 AND owner = $2 AND state = 'open' ORDER BY created_at, id`

const saveCorrection = `-- intake.saveCorrection
UPDATE intake_correction SET raw = $4, rev = rev + 1 WHERE id = $1 AND owner = $2 AND rev = $3 AND state = 'open'`

const finishCorrection = `-- intake.finishCorrection
UPDATE intake_correction SET state = 'done', raw = '', rev = rev + 1, done_at = $3 WHERE id = $1 AND owner = $2 AND state = 'open'`

func scanDraft(s store.Scanner) (Draft, error) {
	var d Draft
	var answers, raw, registers string
	var fetched, created, changed, expires int64
	if err := s.Scan(&d.ID, &d.Owner, &d.Service, &d.Version, &d.State, &d.Consent, &answers, &raw, &registers, &fetched, &d.CaseID, &d.rev, &created, &changed, &expires, &d.Mandate, &d.By, &d.sealed, &d.Bundle); err != nil {
		return d, err
	}
	d.FetchedAt, d.CreatedAt, d.ChangedAt, d.ExpiresAt = store.Time(fetched), store.Time(created), store.Time(changed), store.Time(expires)
	if err := decodeJSON(answers, &d.Answers); err != nil {
		return d, err
	}
	if err := decodeJSON(raw, &d.Raw); err != nil {
		return d, err
	}
	return d, decodeJSON(registers, &d.Registers)
}

// decodeJSON keeps numbers exact.
func decodeJSON(s string, v any) error {
	dec := json.NewDecoder(bytes.NewReader([]byte(s)))
	dec.UseNumber()
	return dec.Decode(v)
}

func scanText(s store.Scanner) (text string, err error) {
	err = s.Scan(&text)
	return text, err
}

func encode(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

func scanCorrection(s store.Scanner) (Correction, error) {
	var c Correction
	var created, done int64
	err := s.Scan(&c.ID, &c.Owner, &c.CaseID, &c.Service, &c.Version, &c.Field, &c.Message, &c.State, &c.Raw, &c.rev, &created, &done)
	c.CreatedAt, c.DoneAt = store.Time(created), store.Time(done)
	return c, err
}

// --- consents

const consentColumns = `id, owner, service, version, draft, case_id, uses, given_at, withdrawn_at, mandate, by_name`

const insertConsent = `-- intake.insertConsent
INSERT INTO intake_consent (` + consentColumns + `) VALUES ($1, $2, $3, $4, $5, '', $6, $7, 0, $8, $9)`

const listConsents = `-- intake.listConsents
SELECT ` + consentColumns + ` FROM intake_consent WHERE owner = $1 AND id < $2 ORDER BY id DESC LIMIT $3`

const readConsent = `-- intake.readConsent
SELECT ` + consentColumns + ` FROM intake_consent WHERE id = $1 AND owner = $2`

const consentOfCase = `-- intake.consentOfCase
SELECT ` + consentColumns + ` FROM intake_consent WHERE case_id = $1 AND case_id <> '' AND owner = $2 AND withdrawn_at = 0 LIMIT 1`

const withdrawConsent = `-- intake.withdrawConsent
UPDATE intake_consent SET withdrawn_at = $3 WHERE id = $1 AND owner = $2 AND withdrawn_at = 0`

const withdrawOfDraft = `-- intake.withdrawOfDraft
UPDATE intake_consent SET withdrawn_at = $3 WHERE draft = $1 AND owner = $2 AND withdrawn_at = 0 AND case_id = ''`

const submitConsent = `-- intake.submitConsent
UPDATE intake_consent SET case_id = $3 WHERE draft = $1 AND owner = $2 AND withdrawn_at = 0`

// A consent ends with the draft that it was given for.
const endConsents = `-- intake.endConsents
UPDATE intake_consent SET withdrawn_at = $1
WHERE withdrawn_at = 0 AND case_id = '' AND NOT EXISTS (SELECT 1 FROM intake_draft d WHERE d.id = intake_consent.draft)`

const dropConsents = `-- intake.dropConsents
DELETE FROM intake_consent WHERE withdrawn_at <> 0 AND withdrawn_at < $1`

const dropWithdrawn = `-- intake.dropWithdrawn
DELETE FROM intake_consent WHERE owner = $1 AND withdrawn_at <> 0`

const countWithdrawn = `-- intake.countWithdrawn
SELECT COUNT(*) FROM intake_consent WHERE owner = $1 AND withdrawn_at <> 0`

const dropDrafts = `-- intake.dropDrafts
DELETE FROM intake_draft WHERE owner = $1 AND state = 'open' AND service <> $2 RETURNING id`

const draftOfConsent = `-- intake.draftOfConsent
SELECT ` + draftColumns + ` FROM intake_draft WHERE id = $1 AND owner = $2 AND state = 'open'`

const resealDraft = `-- intake.resealDraft
UPDATE intake_draft SET sealed = $3, answers = '{}', raw = '{}', registers = 'null', rev = rev + 1 WHERE id = $1 AND owner = $2`

const draftsOfOwner = `-- intake.draftsOfOwner
SELECT ` + draftColumns + ` FROM intake_draft WHERE owner = $1 AND state = 'open'`

const dropErased = `-- intake.dropErased
DELETE FROM intake_draft WHERE owner = $1 AND service = $2 AND mandate = $3 AND state = 'open'`

func scanConsent(s store.Scanner) (Consent, error) {
	var c Consent
	var uses string
	var given, withdrawn int64
	if err := s.Scan(&c.ID, &c.Owner, &c.Service, &c.Version, &c.Draft, &c.CaseID, &uses, &given, &withdrawn, &c.Mandate, &c.By); err != nil {
		return c, err
	}
	c.GivenAt = store.Time(given)
	if withdrawn != 0 {
		c.WithdrawnAt = store.Time(withdrawn)
	}
	return c, decodeJSON(uses, &c.Uses)
}

// --- papers

const paperColumns = `id, code, office, clerk_name, service, version, lang, sealed, case_id, rev, changed_at, expires_at`

const insertPaper = `-- intake.insertPaper
INSERT INTO intake_paper (id, code, office, clerk_name, service, version, lang, sealed, case_id, rev, created_at, changed_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', 1, $9, $9, $10) ON CONFLICT (code) DO NOTHING`

const paperOfCode = `-- intake.paperOfCode
SELECT id, office FROM intake_paper WHERE code = $1`

const readPaper = `-- intake.readPaper
SELECT ` + paperColumns + ` FROM intake_paper WHERE id = $1 AND office = $2 AND expires_at > $3`

const openPapers = `-- intake.openPapers
SELECT ` + paperColumns + ` FROM intake_paper WHERE office = $1 AND case_id = '' AND expires_at > $2 ORDER BY changed_at DESC LIMIT 50`

const savePaper = `-- intake.savePaper
UPDATE intake_paper SET sealed = $4, clerk_name = $5, rev = rev + 1, changed_at = $6, expires_at = $7
WHERE id = $1 AND office = $2 AND rev = $3 AND case_id = ''`

// A paper that was handed over keeps nothing but the way to its case.
const submitPaper = `-- intake.submitPaper
UPDATE intake_paper SET case_id = $4, sealed = '', rev = rev + 1, changed_at = $5, expires_at = $6
WHERE id = $1 AND office = $2 AND rev = $3 AND case_id = ''`

const discardPaper = `-- intake.discardPaper
DELETE FROM intake_paper WHERE id = $1 AND office = $2 AND case_id = ''`

const expiredPapers = `-- intake.expiredPapers
SELECT id FROM intake_paper WHERE expires_at <= $1 ORDER BY expires_at LIMIT 500`

const dropPaper = `-- intake.dropPaper
DELETE FROM intake_paper WHERE id = $1`

func scanPaper(s store.Scanner) (Paper, error) {
	var p Paper
	var changed, expires int64
	err := s.Scan(&p.ID, &p.Code, &p.Office, &p.ClerkName, &p.Service, &p.Version, &p.Lang, &p.sealed, &p.CaseID, &p.rev, &changed, &expires)
	p.ChangedAt, p.ExpiresAt = store.Time(changed), store.Time(expires)
	return p, err
}

// --- uploads

const uploadColumns = `id, draft, field, name, size, sum, state, type, pages, picture, hash, found, checked_at, case_id, created_at, expires_at, content, sealed, sealed_name`

// Whose an upload is, is whose its draft is: no statement of a person names one without that.
const insertUpload = `-- intake.insertUpload
INSERT INTO intake_upload (` + uploadColumns + `) VALUES ($1, $2, $3, '', $4, $5, 'receiving', '', 0, FALSE, '', '', 0, '', $6, $7, $1, TRUE, $8)`

const readUpload = `-- intake.readUpload
SELECT ` + uploadColumns + ` FROM intake_upload WHERE draft IN (SELECT d.id FROM intake_draft d WHERE d.owner = $1) AND id = $2 AND draft = $3 AND case_id = '' AND state <> 'gone' AND (state = 'kept' OR expires_at > $4)`

const uploadsOfDraft = `-- intake.uploadsOfDraft
SELECT ` + uploadColumns + ` FROM intake_upload WHERE draft IN (SELECT d.id FROM intake_draft d WHERE d.owner = $1) AND draft = $2 AND case_id = '' AND state <> 'gone' AND (state = 'kept' OR expires_at > $3)
ORDER BY id LIMIT 200`

const countUploads = `-- intake.countUploads
SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT), COUNT(*) FILTER (WHERE draft = $2), CAST(COALESCE(SUM(size) FILTER (WHERE draft = $2), 0) AS BIGINT),
	COUNT(*) FILTER (WHERE draft = $2 AND field = $3)
FROM intake_upload WHERE draft IN (SELECT d.id FROM intake_draft d WHERE d.owner = $1) AND case_id = '' AND state <> 'gone'`

// What people have who haven't signed in: of an owner, the network of a draft, and in all. A file that is given for several services counts once.
const countGuestUploads = `-- intake.countGuestUploads
SELECT COUNT(*) FILTER (WHERE owner = $1), COUNT(*), CAST(COALESCE(SUM(size) FILTER (WHERE owner = $1), 0) AS BIGINT),
	CAST(COALESCE(SUM(size) FILTER (WHERE origin = (SELECT o.origin FROM intake_draft o WHERE o.id = $2)), 0) AS BIGINT), CAST(COALESCE(SUM(size), 0) AS BIGINT)
FROM (SELECT DISTINCT d.owner, d.origin, u.content, u.size FROM intake_draft d JOIN intake_upload u ON u.draft = d.id
	WHERE d.origin <> '' AND u.case_id = '' AND u.state <> 'gone') AS held`

const claimUploads = `-- intake.claimUploads
UPDATE intake_upload SET draft = $3, expires_at = CASE WHEN state = 'receiving' THEN $4 ELSE expires_at END
WHERE draft IN (SELECT d.id FROM intake_draft d WHERE d.owner = $1) AND draft = $2 AND case_id = ''`

const keepUpload = `-- intake.keepUpload
UPDATE intake_upload SET state = 'kept', type = $3, pages = $4, picture = $5, hash = $6, checked_at = $7
WHERE draft IN (SELECT d.id FROM intake_draft d WHERE d.owner = $1) AND id = $2 AND state = 'receiving'`

// One that has come whole by now stands in the answers, and is taken out there.
const dropUpload = `-- intake.dropUpload
UPDATE intake_upload SET state = 'gone' WHERE draft IN (SELECT d.id FROM intake_draft d WHERE d.owner = $1) AND id = $2 AND draft = $3 AND state = 'receiving'`

// A file goes with the row that it stood in, or because it is there twice, whether it has come whole or not.
const dropFromDraft = `-- intake.dropFromDraft
UPDATE intake_upload SET state = 'gone' WHERE draft IN (SELECT d.id FROM intake_draft d WHERE d.owner = $1) AND id = $2 AND draft = $3 AND case_id = ''`

const renameUpload = `-- intake.renameUpload
UPDATE intake_upload SET field = $4 WHERE draft IN (SELECT d.id FROM intake_draft d WHERE d.owner = $1) AND id = $2 AND draft = $3 AND case_id = ''`

const dropFile = `-- intake.dropFile
UPDATE intake_upload SET state = 'gone' WHERE draft IN (SELECT d.id FROM intake_draft d WHERE d.owner = $1) AND draft = $2 AND field = $3 AND hash = $4 AND state = 'kept' AND case_id = ''`

const dropUploads = `-- intake.dropUploads
UPDATE intake_upload SET state = 'gone' WHERE draft IN (SELECT d.id FROM intake_draft d WHERE d.owner = $1) AND draft = $2 AND case_id = ''`

const dropOthers = `-- intake.dropOthers
UPDATE intake_upload SET state = 'gone' WHERE draft IN (SELECT d.id FROM intake_draft d WHERE d.owner = $1) AND draft = $2 AND field = $3 AND id <> $4 AND case_id = ''`

const submitUpload = `-- intake.submitUpload
UPDATE intake_upload SET case_id = $5 WHERE draft IN (SELECT d.id FROM intake_draft d WHERE d.owner = $1) AND draft = $2 AND field = $3 AND hash = $4 AND state = 'kept' AND case_id = ''`

const uploadsOfCase = `-- intake.uploadsOfCase
SELECT ` + uploadColumns + ` FROM intake_upload WHERE case_id = $1 AND case_id <> '' ORDER BY id LIMIT 200`

const uncheckedUploads = `-- intake.uncheckedUploads
SELECT ` + uploadColumns + ` FROM intake_upload WHERE state = 'kept' AND checked_at = 0 AND id > $1 ORDER BY id LIMIT $2`

const countUnchecked = `-- intake.countUnchecked
SELECT COUNT(*) FROM intake_upload WHERE state = 'kept' AND checked_at = 0`

const checkUpload = `-- intake.checkUpload
UPDATE intake_upload SET found = $2, checked_at = $3 WHERE id = $1 AND checked_at = 0`

const caseOfUpload = `-- intake.caseOfUpload
SELECT case_id FROM intake_upload WHERE id = $1`

// A draft's files go with it, and what never came whole when its time is over.
const expireUploads = `-- intake.expireUploads
UPDATE intake_upload SET state = 'gone' WHERE case_id = '' AND state <> 'gone' AND (state = 'receiving' AND expires_at <= $1
	OR NOT EXISTS (SELECT 1 FROM intake_draft d WHERE d.id = intake_upload.draft AND d.state = 'open'))`

// What is gone, and whether its content goes with it: that of a shared file goes with the first row, when it is the last that is left.
const goneUploads = `-- intake.goneUploads
SELECT id, content, NOT EXISTS (SELECT 1 FROM intake_upload o WHERE o.content = intake_upload.content AND o.id <> intake_upload.id) FROM intake_upload
WHERE state = 'gone' AND (EXISTS (SELECT 1 FROM intake_upload o WHERE o.content = intake_upload.content AND o.id < intake_upload.id)
	OR NOT EXISTS (SELECT 1 FROM intake_upload o WHERE o.content = intake_upload.content AND o.id > intake_upload.id))
ORDER BY id LIMIT 200`

// The files of a draft that was erased.
const eraseUploads = `-- intake.eraseUploads
UPDATE intake_upload SET state = 'gone' WHERE draft = $1 AND case_id = '' RETURNING content`

const contentHeld = `-- intake.contentHeld
SELECT COUNT(*) FROM intake_upload WHERE content = $1 AND state <> 'gone'`

// Files of before there were seals.
const plainUploads = `-- intake.plainUploads
SELECT ` + uploadColumns + ` FROM intake_upload WHERE sealed = FALSE ORDER BY id LIMIT $1`

const sealUploads = `-- intake.sealUploads
UPDATE intake_upload SET sealed = TRUE WHERE content = $1`

const plainNames = `-- intake.plainNames
SELECT ` + uploadColumns + ` FROM intake_upload WHERE name <> '' ORDER BY id LIMIT $1`

const sealName = `-- intake.sealName
UPDATE intake_upload SET name = '', sealed_name = $2 WHERE id = $1 AND name <> ''`

const deleteUpload = `-- intake.deleteUpload
DELETE FROM intake_upload WHERE id = $1 AND state = 'gone'`

func scanUpload(s store.Scanner) (Upload, error) {
	var u Upload
	var checked, created, expires int64
	err := s.Scan(&u.ID, &u.Draft, &u.Field, &u.Name, &u.Size, &u.sum, &u.state, &u.Type, &u.Pages, &u.Picture, &u.Hash, &u.Found, &checked, &u.Case, &created, &expires, &u.content, &u.sealed, &u.sealedName)
	if u.CreatedAt, u.ExpiresAt = store.Time(created), store.Time(expires); checked != 0 {
		u.CheckedAt = store.Time(checked)
	}
	return u, err
}
