// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"context"
	"embed"
	"encoding/json"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
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
INSERT INTO audit_entry (id, at, actor_kind, actor_id, actor_name, office, action, resource, purpose, basis, service, case_id, outcome, rule, fields, salt)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`

const addSubject = `-- audit.addSubject
INSERT INTO audit_subject (person, entry, own, record) VALUES ($1, $2, $3, $4) ON CONFLICT (entry, person) DO NOTHING`

const addSeen = `-- audit.addSeen
INSERT INTO audit_seen (id, entry, at, salt) VALUES ($1, $2, $3, $4)`

const addPending = `-- audit.addPending
INSERT INTO audit_pending (record, kind) VALUES ($1, $2)`

const entryColumns = `e.id, e.at, e.actor_kind, e.actor_id, e.actor_name, e.office, e.action, e.resource, e.purpose, e.basis, e.service, e.case_id, e.outcome, e.rule, e.fields`

const forPerson = `-- audit.forPerson
SELECT ` + entryColumns + `
FROM audit_subject s JOIN audit_entry e ON e.id = s.entry
WHERE s.person = $1 AND s.own = FALSE AND s.entry < $2
ORDER BY s.entry DESC LIMIT $3`

const forCase = `-- audit.forCase
SELECT ` + entryColumns + `
FROM audit_entry e WHERE case_id = $1 AND case_id <> '' AND id < $2
ORDER BY id DESC LIMIT $3`

// afterAll is above every id: ids are lower-case hexadecimal.
const afterAll = "g"

// saltBytes hide what a record says from who has only its hash.
const saltBytes = 16

// Add writes an entry and the persons whose data it's about. What is wrong comes out at the latest with the commit.
func (l *Ledger) Add(ctx context.Context, tx *store.Tx, e Entry, subjects []string) error {
	const op = "audit.add"
	if e.Fields == nil {
		e.Fields = []string{}
	}
	fields, err := json.Marshal(e.Fields)
	if err != nil {
		return fault.Wrap(op, err)
	}
	if err := tx.Later(ctx, addEntry, e.ID, store.Micros(e.At), e.ActorKind, e.ActorID, e.ActorName, e.Office, e.Action,
		e.Resource, e.Purpose, e.Basis, e.Service, e.Case, e.Outcome, e.Rule, string(fields), ident.Secret(saltBytes)); err != nil {
		return fault.Wrap(op, err)
	}
	if err := tx.Later(ctx, addPending, e.ID, Access); err != nil {
		return fault.Wrap(op, err)
	}
	return fault.Wrap(op, l.addSubjects(ctx, tx, e, "", subjects))
}

// AddSubjects adds persons to an entry that is on record: a list has shown them. The log may have the entry already, so
// this is a record of its own.
func (l *Ledger) AddSubjects(ctx context.Context, tx *store.Tx, e Entry, at time.Time, subjects []string) error {
	const op = "audit.addSubjects"
	if len(subjects) == 0 {
		return nil
	}
	record := ident.New()
	if err := tx.Later(ctx, addSeen, record, e.ID, store.Micros(at), ident.Secret(saltBytes)); err != nil {
		return fault.Wrap(op, err)
	}
	if err := tx.Later(ctx, addPending, record, Seen); err != nil {
		return fault.Wrap(op, err)
	}
	return fault.Wrap(op, l.addSubjects(ctx, tx, e, record, subjects))
}

func (l *Ledger) addSubjects(ctx context.Context, tx *store.Tx, e Entry, record string, subjects []string) error {
	for _, person := range subjects {
		own := e.ActorKind == Resident && e.ActorID == person
		if err := tx.Later(ctx, addSubject, person, e.ID, own, record); err != nil {
			return err
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
	entries, err := store.All(ctx, l.DB, func(row store.Scanner) (Entry, error) { return scanEntry(row) }, query, key, before, min(max(n, 1), maxPage))
	return entries, fault.Wrap("audit.list", err)
}

// scanEntry reads the entryColumns and what comes after them.
func scanEntry(row store.Scanner, more ...any) (Entry, error) {
	var e Entry
	var at int64
	var fields string
	err := row.Scan(append([]any{&e.ID, &at, &e.ActorKind, &e.ActorID, &e.ActorName, &e.Office, &e.Action, &e.Resource, &e.Purpose,
		&e.Basis, &e.Service, &e.Case, &e.Outcome, &e.Rule, &fields}, more...)...)
	if err != nil {
		return Entry{}, err
	}
	e.At = store.Time(at)
	return e, json.Unmarshal([]byte(fields), &e.Fields)
}
