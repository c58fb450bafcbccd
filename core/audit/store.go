// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"context"
	"embed"
	"encoding/json"

	"mercator/base/fault"
	"mercator/core/store"
)

//go:embed migrate/*.sql
var migrations embed.FS

// Migrations are the tables of the ledger.
func Migrations() store.Migrations {
	return store.Migrations{Room: "audit", FS: migrations}
}

// Ledger adds entries and reads them.
type Ledger struct {
	DB *store.DB
}

const addEntry = `-- audit.addEntry
INSERT INTO audit_entry (id, at, actor_kind, actor_id, actor_name, office, action, resource, purpose, basis, service, case_id, outcome, rule, fields)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`

const addSubject = `-- audit.addSubject
INSERT INTO audit_subject (person, entry, own) VALUES ($1, $2, $3) ON CONFLICT (person, entry) DO NOTHING`

const forPerson = `-- audit.forPerson
SELECT e.id, e.at, e.actor_kind, e.actor_id, e.actor_name, e.office, e.action, e.resource, e.purpose, e.basis, e.service, e.case_id, e.outcome, e.rule, e.fields
FROM audit_subject s JOIN audit_entry e ON e.id = s.entry
WHERE s.person = $1 AND NOT s.own AND s.entry < $2
ORDER BY s.entry DESC LIMIT $3`

const forCase = `-- audit.forCase
SELECT id, at, actor_kind, actor_id, actor_name, office, action, resource, purpose, basis, service, case_id, outcome, rule, fields
FROM audit_entry WHERE case_id = $1 AND case_id <> '' AND id < $2
ORDER BY id DESC LIMIT $3`

// afterAll is above every id: ids are lower-case hexadecimal.
const afterAll = "g"

// Add writes an entry and the persons whose data it's about.
func (l *Ledger) Add(ctx context.Context, tx *store.Tx, e Entry, subjects []string) error {
	const op = "audit.add"
	if e.Fields == nil {
		e.Fields = []string{}
	}
	fields, err := json.Marshal(e.Fields)
	if err != nil {
		return fault.Wrap(op, err)
	}
	if _, err := tx.Exec(ctx, addEntry, e.ID, store.Micros(e.At), e.ActorKind, e.ActorID, e.ActorName, e.Office, e.Action,
		e.Resource, e.Purpose, e.Basis, e.Service, e.Case, e.Outcome, e.Rule, string(fields)); err != nil {
		return fault.Wrap(op, err)
	}
	return l.AddSubjects(ctx, tx, e, subjects)
}

// AddSubjects adds persons to an entry: a list has shown them.
func (l *Ledger) AddSubjects(ctx context.Context, tx *store.Tx, e Entry, subjects []string) error {
	for _, person := range subjects {
		own := e.ActorKind == "resident" && e.ActorID == person
		if _, err := tx.Exec(ctx, addSubject, person, e.ID, own); err != nil {
			return fault.Wrap("audit.addSubjects", err)
		}
	}
	return nil
}

// ForPerson lists what others did with a person's data, newest first; before is the id of the last entry of the page
// before, or empty. The person's own accesses are on record too, but aren't listed: they would bury the others.
func (l *Ledger) ForPerson(ctx context.Context, personID, before string, n int) ([]Entry, error) {
	return l.list(ctx, forPerson, personID, before, n)
}

// ForCase lists every access to a case, newest first.
func (l *Ledger) ForCase(ctx context.Context, caseID, before string, n int) ([]Entry, error) {
	return l.list(ctx, forCase, caseID, before, n)
}

const maxPage = 200

func (l *Ledger) list(ctx context.Context, query, key, before string, n int) ([]Entry, error) {
	if before == "" {
		before = afterAll
	}
	entries, err := store.All(ctx, l.DB, scanEntry, query, key, before, min(max(n, 1), maxPage))
	return entries, fault.Wrap("audit.list", err)
}

func scanEntry(row store.Scanner) (Entry, error) {
	var e Entry
	var at int64
	var fields string
	err := row.Scan(&e.ID, &at, &e.ActorKind, &e.ActorID, &e.ActorName, &e.Office, &e.Action, &e.Resource, &e.Purpose,
		&e.Basis, &e.Service, &e.Case, &e.Outcome, &e.Rule, &fields)
	if err != nil {
		return Entry{}, err
	}
	e.At = store.Time(at)
	return e, json.Unmarshal([]byte(fields), &e.Fields)
}
