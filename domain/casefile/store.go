// SPDX-License-Identifier: EUPL-1.2

package casefile

import (
	"context"
	"embed"
	"encoding/json"

	"mercator/base/fault"
	"mercator/core/store"
)

//go:embed migrate/*.sql
var migrations embed.FS

// Migrations are the tables of the registry.
func Migrations() store.Migrations { return store.Migrations{Room: "casefile", FS: migrations} }

const caseOfRef = `-- casefile.caseOfRef
SELECT id FROM casefile_case WHERE ref = $1`

const columns = ` id, ref, service, version, office, person, person_name, client, channel, lang, state, status, outcome,
	application, registers, opened_at, changed_at, closed_at `

const insertCase = `-- casefile.insertCase
INSERT INTO casefile_case (id, ref, origin, service, version, office, person, person_name, client, channel, lang, state, status, outcome,
	application, registers, opened_at, changed_at, closed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'open', '{}', '', $12, $13, $14, $14, 0)
ON CONFLICT (origin) DO NOTHING`

const byOrigin = `-- casefile.byOrigin
SELECT` + columns + `FROM casefile_case WHERE origin = $1`

const byID = `-- casefile.byID
SELECT` + columns + `FROM casefile_case WHERE id = $1`

// Somebody who acts for the person reaches the cases of the services that their mandate covers (access.Grant.Reach).
const (
	withinReach3 = `($3 = '' OR replace($3, '|' || service || '|', '') <> $3)`
	withinReach5 = `($5 = '' OR replace($5, '|' || service || '|', '') <> $5)`
)
const factsOf = `-- casefile.factsOf
SELECT office, person, state, closed_at FROM casefile_case WHERE id = $1`

const byIDAndPerson = `-- casefile.byIDAndPerson
SELECT` + columns + `FROM casefile_case WHERE id = $1 AND person = $2 AND ` + withinReach3

const byIDAndOffice = `-- casefile.byIDAndOffice
SELECT` + columns + `FROM casefile_case WHERE id = $1 AND office = $2`

const byIDAndClient = `-- casefile.byIDAndClient
SELECT` + columns + `FROM casefile_case WHERE id = $1 AND client = $2`

// As many as a page of the desk lists; places that are left over are empty.
const byIDsAndOffice = `-- casefile.byIDsAndOffice
SELECT` + columns + `FROM casefile_case WHERE office = $1 AND id IN ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`

const byPerson = `-- casefile.byPerson
SELECT` + columns + `FROM casefile_case
WHERE person = $1 AND (opened_at, id) < ($2, $3) AND ` + withinReach5 + ` ORDER BY opened_at DESC, id DESC LIMIT $4`

const byOffice = `-- casefile.byOffice
SELECT` + columns + `FROM casefile_case
WHERE office = $1 AND (opened_at, id) < ($2, $3) ORDER BY opened_at DESC, id DESC LIMIT $4`

const byClient = `-- casefile.byClient
SELECT` + columns + `FROM casefile_case
WHERE client = $1 AND client <> '' AND (opened_at, id) < ($2, $3) ORDER BY opened_at DESC, id DESC LIMIT $4`

const openOfPerson = `-- casefile.openOfPerson
SELECT` + columns + `FROM casefile_case WHERE person = $1 AND state = 'open' ORDER BY opened_at DESC, id DESC LIMIT $2`

const setStatus = `-- casefile.setStatus
UPDATE casefile_case SET status = $2, changed_at = $3 WHERE id = $1`

const setOutcome = `-- casefile.setOutcome
UPDATE casefile_case SET outcome = $2, changed_at = $3 WHERE id = $1 AND state = 'open'`

const setApplication = `-- casefile.setApplication
UPDATE casefile_case SET application = $2, changed_at = $3 WHERE id = $1 AND state = 'open'`

const closeCase = `-- casefile.closeCase
UPDATE casefile_case SET state = 'closed', closed_at = $2, changed_at = $2 WHERE id = $1 AND state = 'open'`

const insertEntry = `-- casefile.insertEntry
INSERT INTO casefile_entry (id, case_id, at, kind, actor_kind, actor_name, title, body, document, internal)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

const entriesOf = `-- casefile.entriesOf
SELECT id, case_id, at, kind, actor_kind, actor_name, title, body, document, internal
FROM casefile_entry WHERE case_id = $1 AND (internal = FALSE OR $2 = 'all') ORDER BY id LIMIT 1000`

const insertDecision = `-- casefile.insertDecision
INSERT INTO casefile_decision (id, case_id, at, decision, name, outcome, rules) VALUES ($1, $2, $3, $4, $5, $6, $7)`

const decisionsOf = `-- casefile.decisionsOf
SELECT id, case_id, at, decision, name, outcome, rules FROM casefile_decision WHERE case_id = $1 ORDER BY id LIMIT 200`

const nextRevision = `-- casefile.nextRevision
SELECT COALESCE(MAX(revision), 0) + 1 FROM casefile_submission WHERE case_id = $1`

const insertSubmission = `-- casefile.insertSubmission
INSERT INTO casefile_submission (case_id, revision, kind, at, version, lang, hash, size, content) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

const submissionsOf = `-- casefile.submissionsOf
SELECT case_id, revision, kind, at, version, lang, hash, size FROM casefile_submission WHERE case_id = $1 ORDER BY revision, kind LIMIT 600`

const readSubmission = `-- casefile.readSubmission
SELECT hash, content FROM casefile_submission WHERE case_id = $1 AND revision = $2 AND kind = $3`

func scanSubmission(s store.Scanner) (Submission, error) {
	var out Submission
	var file SubmissionFile
	var at int64
	err := s.Scan(&out.CaseID, &out.Revision, &file.Part, &at, &out.Version, &out.Lang, &file.Hash, &file.Size)
	out.At, out.Files = store.Time(at), []SubmissionFile{file}
	return out, err
}

func scanCase(s store.Scanner) (Case, error) {
	var c Case
	var status, application, registers string
	var opened, changed, closed int64
	if err := s.Scan(&c.ID, &c.Ref, &c.Service, &c.Version, &c.Office, &c.Person, &c.PersonName, &c.Client, &c.Channel, &c.Lang,
		&c.State, &status, &c.Outcome, &application, &registers, &opened, &changed, &closed); err != nil {
		return Case{}, err
	}
	c.Application, c.Registers = json.RawMessage(application), json.RawMessage(registers)
	c.OpenedAt, c.ChangedAt, c.ClosedAt = store.Time(opened), store.Time(changed), store.Time(closed)
	return c, json.Unmarshal([]byte(status), &c.Status)
}

func scanEntry(s store.Scanner) (Entry, error) {
	var e Entry
	var at int64
	var title, body string
	if err := s.Scan(&e.ID, &e.CaseID, &at, &e.Kind, &e.ActorKind, &e.ActorName, &title, &body, &e.Document, &e.Internal); err != nil {
		return Entry{}, err
	}
	e.At = store.Time(at)
	if err := json.Unmarshal([]byte(title), &e.Title); err != nil {
		return Entry{}, err
	}
	return e, json.Unmarshal([]byte(body), &e.Body)
}

func scanRuling(s store.Scanner) (Ruling, error) {
	var r Ruling
	var at int64
	var outcome, rules string
	if err := s.Scan(&r.ID, &r.CaseID, &at, &r.Decision, &r.Name, &outcome, &rules); err != nil {
		return Ruling{}, err
	}
	r.At, r.Outcome = store.Time(at), json.RawMessage(outcome)
	return r, json.Unmarshal([]byte(rules), &r.Rules)
}

// text is a JSON object as the database holds it.
func text(t Text) string {
	if t == nil {
		return "{}"
	}
	b, _ := json.Marshal(t) // a map of strings always marshals
	return string(b)
}

func raw(m json.RawMessage) string {
	if len(m) == 0 {
		return "null"
	}
	return string(m)
}

// changed turns "no row" into a conflict: somebody closed the case before.
func changed(op string, n int64, err error) error {
	if err != nil {
		return fault.Wrap(op, err)
	}
	if n == 0 {
		return fault.New(fault.Conflict, op, "casefile.closed")
	}
	return nil
}

func one(ctx context.Context, q store.Q, query string, args ...any) (Case, error) {
	return store.One(ctx, q, scanCase, query, args...)
}
