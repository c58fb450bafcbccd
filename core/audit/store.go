// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"maps"
	"math"
	"slices"
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
	// Keys are needed by who reads or writes the log; to put something on record needs none.
	Keys Keys
}

// Keys keep the keys that the commitments of persons are made with: elsewhere than the entries, so that a copy of these
// has none of them.
type Keys interface {
	// Of are the keys of persons, as far as they have one.
	Of(ctx context.Context, q store.Q, persons []string) (map[string]string, error)
	// Keep keeps a key, unless the person has one.
	Keep(ctx context.Context, tx *store.Tx, person, key string) error
	Destroy(ctx context.Context, tx *store.Tx, person string) error
}

const addEntry = `-- audit.addEntry
INSERT INTO audit_entry (id, at, actor_kind, actor_id, actor_name, office, action, resource, purpose, basis, service, case_id, outcome, rule, fields, salt, mandate, door, client)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`

const addSubject = `-- audit.addSubject
INSERT INTO audit_subject (person, entry, own, record) VALUES ($1, $2, $3, $4) ON CONFLICT (entry, person) DO NOTHING`

const addSeen = `-- audit.addSeen
INSERT INTO audit_seen (id, entry, at, salt) VALUES ($1, $2, $3, $4)`

const addPending = `-- audit.addPending
INSERT INTO audit_pending (record, kind) VALUES ($1, $2)`

const entryColumns = `e.id, e.at, e.actor_kind, e.actor_id, e.actor_name, e.office, e.action, e.resource, e.purpose, e.basis, e.service, e.case_id, e.outcome, e.rule, e.fields, e.mandate, e.door, e.client`

const forPerson = `-- audit.forPerson
SELECT ` + entryColumns + `
FROM audit_subject s JOIN audit_entry e ON e.id = s.entry
WHERE s.person = $1 AND s.own = FALSE AND s.entry < $2
ORDER BY s.entry DESC LIMIT $3`

const forCase = `-- audit.forCase
SELECT ` + entryColumns + `
FROM audit_entry e WHERE case_id = $1 AND case_id <> '' AND id < $2
ORDER BY id DESC LIMIT $3`

const entryByID = `-- audit.entryByID
SELECT ` + entryColumns + `
FROM audit_entry e WHERE e.id = $1`

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
		e.Resource, e.Purpose, e.Basis, e.Service, e.Case, e.Outcome, e.Rule, string(fields), ident.Secret(saltBytes), e.Mandate, e.Door, e.Client); err != nil {
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

// MaxPage is how many entries a list has at most.
const MaxPage = 200

func (l *Ledger) list(ctx context.Context, query, key, before string, n int) ([]Entry, error) {
	if before == "" {
		before = afterAll
	}
	entries, err := store.All(ctx, l.DB, func(row store.Scanner) (Entry, error) { return scanEntry(row) }, query, key, before, min(max(n, 1), MaxPage))
	return entries, fault.Wrap("audit.list", err)
}

// scanEntry reads the entryColumns and what comes after them.
func scanEntry(row store.Scanner, more ...any) (Entry, error) {
	var e Entry
	var at int64
	var fields string
	err := row.Scan(append([]any{&e.ID, &at, &e.ActorKind, &e.ActorID, &e.ActorName, &e.Office, &e.Action, &e.Resource, &e.Purpose,
		&e.Basis, &e.Service, &e.Case, &e.Outcome, &e.Rule, &fields, &e.Mandate, &e.Door, &e.Client}, more...)...)
	if err != nil {
		return Entry{}, err
	}
	e.At = store.Time(at)
	return e, json.Unmarshal([]byte(fields), &e.Fields)
}

// --- what the log reads and writes. p is where the records are looked for: what isn't in the log yet, a range of leaves, or
// what is about a person.

const loadEntries = entryColumns + `, e.salt, COALESCE(f.commitment, '')
FROM `

const joinEntries = ` p JOIN audit_entry e ON e.id = p.record
LEFT JOIN audit_forgotten f ON f.record = e.id AND f.role = 'actor'
WHERE p.kind = 'access'`

const loadSeen = `n.id, n.entry, n.at, n.salt FROM `

const joinSeen = ` p JOIN audit_seen n ON n.id = p.record WHERE p.kind = 'seen'`

const loadActs = `a.id, a.kind, a.at, a.upto, a.n, a.note, a.salt FROM `

const joinActs = ` p JOIN audit_act a ON a.id = p.record WHERE p.kind = 'act'`

const loadSubjects = `p.record, s.person, '' FROM `

const joinOwn = ` p JOIN audit_subject s ON s.entry = p.record AND s.record = '' WHERE p.kind = 'access'`

const joinAdded = ` p JOIN audit_seen n ON n.id = p.record JOIN audit_subject s ON s.entry = n.entry AND s.record = n.id WHERE p.kind = 'seen'`

const loadForgotten = `p.record, '', f.commitment FROM `

const joinForgotten = ` p JOIN audit_forgotten f ON f.record = p.record AND f.role = 'subject' WHERE p.kind <> 'act'`

const inPending = ` AND p.record >= $1 AND p.record <= $2`

const pendingIDs = `-- audit.pendingIDs
SELECT record, kind FROM audit_pending WHERE record > $1 ORDER BY record LIMIT $2`

const pendingEntries = `-- audit.pendingEntries
SELECT ` + loadEntries + `audit_pending` + joinEntries + inPending

const pendingSeen = `-- audit.pendingSeen
SELECT ` + loadSeen + `audit_pending` + joinSeen + inPending

const pendingActs = `-- audit.pendingActs
SELECT ` + loadActs + `audit_pending` + joinActs + inPending

const pendingSubjects = `-- audit.pendingSubjects
SELECT ` + loadSubjects + `audit_pending` + joinOwn + inPending + `
UNION ALL SELECT ` + loadSubjects + `audit_pending` + joinAdded + inPending + `
UNION ALL SELECT ` + loadForgotten + `audit_pending` + joinForgotten + inPending

const inLeaves = ` AND p.leaf >= $1 AND p.leaf < $2`

const leafIDs = `-- audit.leafIDs
SELECT leaf, record, kind FROM audit_leaf WHERE leaf >= $1 AND leaf < $2 ORDER BY leaf`

const leafEntries = `-- audit.leafEntries
SELECT ` + loadEntries + `audit_leaf` + joinEntries + inLeaves

const leafSeen = `-- audit.leafSeen
SELECT ` + loadSeen + `audit_leaf` + joinSeen + inLeaves

const leafActs = `-- audit.leafActs
SELECT ` + loadActs + `audit_leaf` + joinActs + inLeaves

const leafSubjects = `-- audit.leafSubjects
SELECT ` + loadSubjects + `audit_leaf` + joinOwn + inLeaves + `
UNION ALL SELECT ` + loadSubjects + `audit_leaf` + joinAdded + inLeaves + `
UNION ALL SELECT ` + loadForgotten + `audit_leaf` + joinForgotten + inLeaves

// ofPerson are the records of a page of a person's entries, and those that added them to a list.
const ofPerson = `(SELECT entry AS record, 'access' AS kind FROM audit_subject WHERE person = $1 AND own = FALSE AND entry >= $2 AND entry <= $3
	UNION ALL SELECT record, 'seen' AS kind FROM audit_subject WHERE person = $1 AND own = FALSE AND entry >= $2 AND entry <= $3 AND record <> '')`

const personIDs = `-- audit.personIDs
SELECT entry FROM audit_subject WHERE person = $1 AND own = FALSE AND entry < $2 ORDER BY entry DESC LIMIT $3`

const personLeaves = `-- audit.personLeaves
SELECT l.leaf, l.record, l.kind FROM ` + ofPerson + ` p JOIN audit_leaf l ON l.record = p.record ORDER BY l.leaf`

const personEntries = `-- audit.personEntries
SELECT ` + loadEntries + ofPerson + joinEntries

const personSeen = `-- audit.personSeen
SELECT ` + loadSeen + ofPerson + joinSeen

const personSubjects = `-- audit.personSubjects
SELECT ` + loadSubjects + ofPerson + joinOwn + `
UNION ALL SELECT ` + loadSubjects + ofPerson + joinAdded + `
UNION ALL SELECT ` + loadForgotten + ofPerson + joinForgotten

const keysBefore = `-- audit.keysBefore
SELECT person, key FROM audit_key_before ORDER BY person LIMIT $1`

const dropKeyBefore = `-- audit.dropKeyBefore
DELETE FROM audit_key_before WHERE person = $1`

const setSalt = `-- audit.setSalt
UPDATE audit_entry SET salt = $2 WHERE id = $1 AND salt = ''`

const addAct = `-- audit.addAct
INSERT INTO audit_act (id, kind, at, upto, n, note, salt) VALUES ($1, $2, $3, $4, $5, $6, $7)`

const acts = `-- audit.acts
SELECT a.id, a.kind, a.at, a.upto, a.n, a.note, a.salt, COALESCE(l.leaf, -1) FROM audit_act a LEFT JOIN audit_leaf l ON l.record = a.id ORDER BY a.id`

const addLeaf = `-- audit.addLeaf
INSERT INTO audit_leaf (leaf, record, kind) VALUES ($1, $2, $3) ON CONFLICT (record) DO NOTHING`

const notPending = `-- audit.notPending
DELETE FROM audit_pending WHERE record = $1`

const nextLeaf = `-- audit.nextLeaf
SELECT COALESCE(MAX(leaf), -1) + 1 FROM audit_leaf`

const leafOf = `-- audit.leafOf
SELECT leaf FROM audit_leaf WHERE record = $1`

const unlogged = `-- audit.unlogged
SELECT e.id, 'access' FROM audit_entry e WHERE e.at < $1 AND NOT EXISTS (SELECT 1 FROM audit_leaf l WHERE l.record = e.id)
UNION ALL SELECT n.id, 'seen' FROM audit_seen n WHERE n.at < $1 AND NOT EXISTS (SELECT 1 FROM audit_leaf l WHERE l.record = n.id)
UNION ALL SELECT a.id, 'act' FROM audit_act a WHERE a.at < $1 AND NOT EXISTS (SELECT 1 FROM audit_leaf l WHERE l.record = a.id)
LIMIT 10000`

// strays are persons put to an entry by nothing that the log has.
const strays = `-- audit.strays
SELECT s.entry, s.record FROM audit_subject s WHERE s.record = '' AND NOT EXISTS (SELECT 1 FROM audit_entry e WHERE e.id = s.entry)
UNION ALL SELECT s.entry, s.record FROM audit_subject s WHERE s.record <> '' AND NOT EXISTS (SELECT 1 FROM audit_seen n WHERE n.id = s.record AND n.entry = s.entry)
LIMIT 10000`

const anyPending = `-- audit.anyPending
SELECT EXISTS (SELECT 1 FROM audit_pending)`

// --- the end of retention, a thousand leaves at a time; what the ledger did itself stays.

const oldest = `-- audit.oldest
SELECT leaf FROM audit_leaf WHERE leaf < $1 AND kind <> 'act' ORDER BY leaf LIMIT 1`

const endSubjects = `-- audit.endSubjects
DELETE FROM audit_subject WHERE entry IN (SELECT record FROM audit_leaf WHERE leaf >= $1 AND leaf < $2 AND kind = 'access')`

const endAdded = `-- audit.endAdded
DELETE FROM audit_subject WHERE entry IN (SELECT n.entry FROM audit_seen n JOIN audit_leaf l ON l.record = n.id WHERE l.leaf >= $1 AND l.leaf < $2)
	AND record IN (SELECT record FROM audit_leaf WHERE leaf >= $1 AND leaf < $2 AND kind = 'seen')`

const endForgotten = `-- audit.endForgotten
DELETE FROM audit_forgotten WHERE record IN (SELECT record FROM audit_leaf WHERE leaf >= $1 AND leaf < $2 AND kind <> 'act')`

const endEntries = `-- audit.endEntries
DELETE FROM audit_entry WHERE id IN (SELECT record FROM audit_leaf WHERE leaf >= $1 AND leaf < $2 AND kind = 'access')`

const endSeen = `-- audit.endSeen
DELETE FROM audit_seen WHERE id IN (SELECT record FROM audit_leaf WHERE leaf >= $1 AND leaf < $2 AND kind = 'seen')`

const endLeaves = `-- audit.endLeaves
DELETE FROM audit_leaf WHERE leaf >= $1 AND leaf < $2 AND kind <> 'act'`

// --- a person is forgotten

const subjectRows = `-- audit.subjectRows
SELECT entry, record FROM audit_subject WHERE person = $1 ORDER BY entry LIMIT $2`

const actorRows = `-- audit.actorRows
SELECT id FROM audit_entry WHERE actor_kind = 'resident' AND actor_id = $1 ORDER BY id`

const addForgotten = `-- audit.addForgotten
INSERT INTO audit_forgotten (record, role, commitment) VALUES ($1, $2, $3) ON CONFLICT (record, role, commitment) DO NOTHING`

const dropSubject = `-- audit.dropSubject
DELETE FROM audit_subject WHERE person = $1 AND entry = $2`

const dropActor = `-- audit.dropActor
UPDATE audit_entry SET actor_id = '', actor_name = '' WHERE id = $1`

const forgottenFrom = `-- audit.forgottenFrom
SELECT record, role, commitment FROM audit_forgotten WHERE (record, role, commitment) > ($1, $2, $3) ORDER BY record, role, commitment LIMIT $4`

const subjectsOf = `-- audit.subjectsOf
SELECT person, entry FROM audit_subject WHERE entry = $1 AND record = ''
UNION ALL SELECT s.person, s.entry FROM audit_seen n JOIN audit_subject s ON s.entry = n.entry AND s.record = n.id WHERE n.id = $1`

// Leaf is a place in the log and the record that stands there; Found tells whether the record is still there.
type Leaf struct {
	Leaf   int64
	Record Record
	Found  bool
}

type where struct {
	ids                           string
	entries, seen, acts, subjects string
}

func scanLeaf(row store.Scanner) (Leaf, error) {
	var l Leaf
	err := row.Scan(&l.Leaf, &l.Record.ID, &l.Record.Kind)
	return l, err
}

// load fills records from the four tables that they are kept in.
func (l *Ledger) load(ctx context.Context, w where, args ...any) (map[string]*Record, error) {
	out := map[string]*Record{}
	keep := func(r Record) { out[r.ID] = &r }
	if _, err := store.All(ctx, l.DB, func(row store.Scanner) (struct{}, error) {
		r := Record{Kind: Access}
		var err error
		if r.Entry, err = scanEntry(row, &r.Salt, &r.Actor); err == nil {
			r.ID, r.At = r.Entry.ID, r.Entry.At
			keep(r)
		}
		return struct{}{}, err
	}, w.entries, args...); err != nil {
		return nil, err
	}
	if _, err := store.All(ctx, l.DB, func(row store.Scanner) (struct{}, error) {
		r := Record{Kind: Seen}
		var at int64
		err := row.Scan(&r.ID, &r.Entry.ID, &at, &r.Salt)
		r.At = store.Time(at)
		keep(r)
		return struct{}{}, err
	}, w.seen, args...); err != nil {
		return nil, err
	}
	if w.acts != "" {
		if _, err := store.All(ctx, l.DB, func(row store.Scanner) (struct{}, error) {
			r, err := scanAct(row)
			keep(r)
			return struct{}{}, err
		}, w.acts, args...); err != nil {
			return nil, err
		}
	}
	_, err := store.All(ctx, l.DB, func(row store.Scanner) (struct{}, error) {
		var id string
		var s Subject
		err := row.Scan(&id, &s.Person, &s.Commitment)
		if r := out[id]; r != nil {
			r.Subjects = append(r.Subjects, s)
		}
		return struct{}{}, err
	}, w.subjects, args...)
	if err != nil {
		return nil, err
	}
	return out, l.giveKeys(ctx, out)
}

// giveKeys puts to the persons of records the keys that they have.
func (l *Ledger) giveKeys(ctx context.Context, records map[string]*Record) error {
	persons := map[string]bool{}
	for _, r := range records {
		if r.actsItself() {
			persons[r.Entry.ActorID] = true
		}
		for _, s := range r.Subjects {
			if s.Commitment == "" {
				persons[s.Person] = true
			}
		}
	}
	if len(persons) == 0 {
		return nil
	}
	if l.Keys == nil {
		return fault.Internalf("audit.giveKeys", "the ledger was opened without the keys of persons")
	}
	keys, err := l.Keys.Of(ctx, l.DB, slices.Collect(maps.Keys(persons)))
	if err != nil {
		return err
	}
	for _, r := range records {
		if r.actsItself() {
			r.ActorKey = keys[r.Entry.ActorID]
		}
		for i, s := range r.Subjects {
			if s.Commitment == "" {
				r.Subjects[i].Key = keys[s.Person]
			}
		}
	}
	return nil
}

// actsItself tells whether a resident acted who isn't forgotten.
func (r *Record) actsItself() bool {
	return r.Kind == Access && r.Entry.ActorKind == Resident && r.Actor == ""
}

// Keyless tells whether a person in a record has no key: it was destroyed.
func (r *Record) Keyless() bool {
	return r.actsItself() && r.ActorKey == "" || slices.ContainsFunc(r.Subjects, func(s Subject) bool { return s.Commitment == "" && s.Key == "" })
}

// MoveKeys takes over the keys of before they were kept elsewhere. It can be broken off and begun again.
func (l *Ledger) MoveKeys(ctx context.Context) (n int, err error) {
	const op, step = "audit.moveKeys", 500
	for {
		list, err := store.All(ctx, l.DB, scanPair, keysBefore, step)
		if err != nil || len(list) == 0 {
			return n, fault.Wrap(op, err)
		}
		if err := l.DB.Write(ctx, func(tx *store.Tx) error {
			for _, x := range list {
				if err := l.Keys.Keep(ctx, tx, x[0], x[1]); err != nil {
					return err
				}
				if err := tx.Later(ctx, dropKeyBefore, x[0]); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return n, fault.Wrap(op, err)
		}
		n += len(list)
	}
}

func scanAct(row store.Scanner, more ...any) (Record, error) {
	r := Record{Kind: Act}
	var at int64
	err := row.Scan(append([]any{&r.ID, &r.Act, &at, &r.Upto, &r.N, &r.Note, &r.Salt}, more...)...)
	r.At = store.Time(at)
	return r, err
}

// Pending are records that aren't in the log yet, by their ids after one, so about as they came. Each has its salt, and
// each person a key.
func (l *Ledger) Pending(ctx context.Context, after string, n int) ([]Record, error) {
	const op = "audit.pending"
	ids, err := store.All(ctx, l.DB, func(row store.Scanner) (Record, error) {
		var r Record
		err := row.Scan(&r.ID, &r.Kind)
		return r, err
	}, pendingIDs, after, n)
	if err != nil || len(ids) == 0 {
		return nil, fault.Wrap(op, err)
	}
	for range 3 {
		found, err := l.load(ctx, where{entries: pendingEntries, seen: pendingSeen, acts: pendingActs, subjects: pendingSubjects}, ids[0].ID, ids[len(ids)-1].ID)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		salts, keys := map[string]bool{}, map[string]bool{}
		out := make([]Record, 0, len(ids))
		for _, id := range ids {
			r := found[id.ID]
			if r == nil {
				// The row is gone: nothing can be logged, and verify has nothing to find.
				r = &Record{ID: id.ID, Kind: id.Kind, Act: "lost"}
			} else if r.Salt == "" {
				salts[r.ID] = true
			}
			if r.actsItself() && r.ActorKey == "" {
				keys[r.Entry.ActorID] = true
			}
			for _, s := range r.Subjects {
				if s.Commitment == "" && s.Key == "" {
					keys[s.Person] = true
				}
			}
			out = append(out, *r)
		}
		if len(salts) == 0 && len(keys) == 0 {
			return out, nil
		}
		if err := l.DB.Write(ctx, func(tx *store.Tx) error {
			for id := range salts {
				if err := tx.Later(ctx, setSalt, id, ident.Secret(saltBytes)); err != nil {
					return err
				}
			}
			for _, person := range slices.Sorted(maps.Keys(keys)) {
				if err := l.Keys.Keep(ctx, tx, person, ident.Secret(keyBytes)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return nil, fault.Wrap(op, err)
		}
	}
	return nil, fault.Internalf(op, "persons of entries are forgotten faster than the log can read them")
}

// keyBytes is the length of the key of a person.
const keyBytes = 32

// Store says where records stand in the log; they aren't pending any more.
func (l *Ledger) Store(ctx context.Context, leaves []Leaf) error {
	// A few at a time: others wait for the one writer of SQLite.
	for chunk := range slices.Chunk(leaves, 256) {
		if err := l.DB.Write(ctx, func(tx *store.Tx) error {
			for _, x := range chunk {
				if err := tx.Later(ctx, addLeaf, x.Leaf, x.Record.ID, x.Record.Kind); err != nil {
					return err
				}
				if err := tx.Later(ctx, notPending, x.Record.ID); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return fault.Wrap("audit.store", err)
		}
	}
	return nil
}

// Waits tells whether there is something to add to the log.
func (l *Ledger) Waits(ctx context.Context) (yes bool, err error) {
	err = l.DB.QueryRow(ctx, anyPending).Scan(&yes)
	return yes, fault.Wrap("audit.waits", err)
}

// NextLeaf is the first place behind all that Store has been told of.
func (l *Ledger) NextLeaf(ctx context.Context) (n int64, err error) {
	err = l.DB.QueryRow(ctx, nextLeaf).Scan(&n)
	return n, fault.Wrap("audit.nextLeaf", err)
}

// LeafOf is where a record stands.
func (l *Ledger) LeafOf(ctx context.Context, record string) (n int64, ok bool, err error) {
	n, err = store.One(ctx, l.DB, func(row store.Scanner) (n int64, err error) { return n, row.Scan(&n) }, leafOf, record)
	if fault.Is(err, fault.NotFound) {
		return 0, false, nil
	}
	return n, err == nil, err
}

// Leaves are the records of a range of the log, as far as they are there.
func (l *Ledger) Leaves(ctx context.Context, from, to int64) ([]Leaf, error) {
	return l.leaves(ctx, where{leafIDs, leafEntries, leafSeen, leafActs, leafSubjects}, from, to)
}

func (l *Ledger) leaves(ctx context.Context, w where, args ...any) ([]Leaf, error) {
	const op = "audit.leaves"
	ids, err := store.All(ctx, l.DB, scanLeaf, w.ids, args...)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	var found map[string]*Record
	for again := range 3 {
		if found, err = l.load(ctx, w, args...); err != nil {
			return nil, fault.Wrap(op, err)
		}
		// Persons are read before their keys: between the two somebody may have been forgotten, and stands there as such now.
		if again == 2 || !slices.ContainsFunc(slices.Collect(maps.Values(found)), (*Record).Keyless) {
			break
		}
	}
	for i, x := range ids {
		if r := found[x.Record.ID]; r != nil {
			ids[i].Record, ids[i].Found = *r, true
		}
	}
	return ids, nil
}

// OfPerson are the leaves of a page of a person's entries and of what added the person to them; waiting is how many of
// the entries aren't in the log yet, last the id of the oldest entry: what the next page is before.
func (l *Ledger) OfPerson(ctx context.Context, person, before string, n int) (leaves []Leaf, waiting int, last string, err error) {
	const op = "audit.ofPerson"
	if before == "" {
		before = afterAll
	}
	ids, err := store.All(ctx, l.DB, func(row store.Scanner) (id string, err error) { return id, row.Scan(&id) }, personIDs, person, before, n)
	if err != nil || len(ids) == 0 {
		return nil, 0, "", fault.Wrap(op, err)
	}
	last = ids[len(ids)-1]
	leaves, err = l.leaves(ctx, where{ids: personLeaves, entries: personEntries, seen: personSeen, subjects: personSubjects}, person, last, ids[0])
	if err != nil {
		return nil, 0, "", fault.Wrap(op, err)
	}
	waiting = len(ids)
	for _, x := range leaves {
		if x.Record.Kind == Access {
			waiting--
		}
	}
	return leaves, waiting, last, nil
}

// EntryByID is an entry that is on record, for who watches over the ledger.
func (l *Ledger) EntryByID(ctx context.Context, id string) (Entry, error) {
	e, err := store.One(ctx, l.DB, func(row store.Scanner) (Entry, error) { return scanEntry(row) }, entryByID, id)
	return e, fault.Wrap("audit.entryByID", err)
}

// Key is the key of a person, "" if no entry of the log is about them.
func (l *Ledger) Key(ctx context.Context, person string) (string, error) {
	keys, err := l.Keys.Of(ctx, l.DB, []string{person})
	return keys[person], fault.Wrap("audit.key", err)
}

// AddAct puts on record what the ledger does itself.
func (l *Ledger) AddAct(ctx context.Context, tx *store.Tx, r Record) error {
	id := ident.New()
	if err := tx.Later(ctx, addAct, id, r.Act, store.Micros(r.At), r.Upto, r.N, r.Note, ident.Secret(saltBytes)); err != nil {
		return fault.Wrap("audit.addAct", err)
	}
	return fault.Wrap("audit.addAct", tx.Later(ctx, addPending, id, Act))
}

// Acts are all that the ledger did itself, in order; a leaf below 0: not in the log yet.
func (l *Ledger) Acts(ctx context.Context) ([]Leaf, error) {
	list, err := store.All(ctx, l.DB, func(row store.Scanner) (Leaf, error) {
		x := Leaf{Found: true}
		var err error
		x.Record, err = scanAct(row, &x.Leaf)
		return x, err
	}, acts)
	return list, fault.Wrap("audit.acts", err)
}

// Unlogged are the ids and kinds of records of before a time that aren't in the log.
func (l *Ledger) Unlogged(ctx context.Context, before time.Time) ([][2]string, error) {
	list, err := store.All(ctx, l.DB, scanPair, unlogged, store.Micros(before))
	return list, fault.Wrap("audit.unlogged", err)
}

// Strays are the entries and records of persons that no record added.
func (l *Ledger) Strays(ctx context.Context) ([][2]string, error) {
	list, err := store.All(ctx, l.DB, scanPair, strays)
	return list, fault.Wrap("audit.strays", err)
}

func scanPair(row store.Scanner) (p [2]string, err error) { return p, row.Scan(&p[0], &p[1]) }

// End removes what stands before a leaf of the log, whose end of retention is on record (Erased). It can be broken off
// and begun again.
func (l *Ledger) End(ctx context.Context, upto int64) (n int, err error) {
	const op, step = "audit.end", 1000
	for ctx.Err() == nil {
		from, err := store.One(ctx, l.DB, func(row store.Scanner) (n int64, err error) { return n, row.Scan(&n) }, oldest, upto)
		if fault.Is(err, fault.NotFound) {
			return n, nil
		}
		if err != nil {
			return n, fault.Wrap(op, err)
		}
		to := min(from+step, upto)
		if err := l.DB.Write(ctx, func(tx *store.Tx) error {
			for _, q := range []string{endAdded, endSubjects, endForgotten, endEntries, endSeen, endLeaves} {
				if err := tx.Later(ctx, q, from, to); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return n, fault.Wrap(op, err)
		}
		n += int(to - from)
	}
	return n, ctx.Err()
}

// The roles in which a person can stand in a record.
const (
	roleSubject = "subject"
	roleActor   = "actor"
)

// Forget makes it impossible to say which entries a person is in: commitments take the person's place, and the key that
// they were made with is destroyed. commit makes one. It can be broken off and begun again; the key goes last.
func (l *Ledger) Forget(ctx context.Context, person string, at time.Time, commit func(role, key, record string) string) error {
	const op, step = "audit.forget", 200
	if person == "" {
		return fault.Internalf(op, "nobody")
	}
	var key string
	if err := l.DB.Write(ctx, func(tx *store.Tx) error {
		if err := l.Keys.Keep(ctx, tx, person, ident.Secret(keyBytes)); err != nil {
			return err
		}
		keys, err := l.Keys.Of(ctx, tx, []string{person})
		key = keys[person]
		return err
	}); err != nil {
		return fault.Wrap(op, err)
	}
	var n int64
	for {
		rows, err := store.All(ctx, l.DB, scanPair, subjectRows, person, step)
		if err != nil {
			return fault.Wrap(op, err)
		}
		if len(rows) == 0 {
			break
		}
		if err := l.DB.Write(ctx, func(tx *store.Tx) error {
			for _, row := range rows {
				record := cmp.Or(row[1], row[0])
				if err := tx.Later(ctx, addForgotten, record, roleSubject, commit(roleSubject, key, record)); err != nil {
					return err
				}
				if err := tx.Later(ctx, dropSubject, person, row[0]); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return fault.Wrap(op, err)
		}
		n += int64(len(rows))
	}
	own, err := store.All(ctx, l.DB, func(row store.Scanner) (id string, err error) { return id, row.Scan(&id) }, actorRows, person)
	if err != nil {
		return fault.Wrap(op, err)
	}
	for chunk := range slices.Chunk(own, step) {
		if err := l.DB.Write(ctx, func(tx *store.Tx) error {
			for _, id := range chunk {
				if err := tx.Later(ctx, addForgotten, id, roleActor, commit(roleActor, key, id)); err != nil {
					return err
				}
				if err := tx.Later(ctx, dropActor, id); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return fault.Wrap(op, err)
		}
	}
	return fault.Wrap(op, l.DB.Write(ctx, func(tx *store.Tx) error {
		if err := l.Keys.Destroy(ctx, tx, person); err != nil {
			return err
		}
		return l.AddAct(ctx, tx, Record{Act: Forgot, At: at, N: n})
	}))
}

// --- what a person looks for among the entries about them

const forPersonWhere = `-- audit.forPersonWhere
SELECT ` + entryColumns + `
FROM audit_subject s JOIN audit_entry e ON e.id = s.entry
WHERE s.person = $1 AND s.own = FALSE AND s.entry < $2 AND e.at >= $3 AND e.at < $4 AND ($5 = '' OR e.office = $5) AND ($6 = '' OR e.resource = $6)
ORDER BY s.entry DESC LIMIT $7`

const onePersonEntry = `-- audit.onePersonEntry
SELECT ` + entryColumns + `
FROM audit_subject s JOIN audit_entry e ON e.id = s.entry
WHERE s.person = $1 AND s.own = FALSE AND s.entry = $2`

// Narrow narrows a person's entries; what is zero narrows nothing.
type Narrow struct {
	Office   string
	Resource string
	From, To time.Time // To is the first moment after
}

// ForPersonWhere is ForPerson with only what fits.
func (l *Ledger) ForPersonWhere(ctx context.Context, personID, before string, w Narrow, n int) ([]Entry, error) {
	if w == (Narrow{}) { // PostgreSQL reads all entries of a person for the conditions, even where they hold for every one
		return l.ForPerson(ctx, personID, before, n)
	}
	if before == "" {
		before = afterAll
	}
	from, to := int64(0), int64(math.MaxInt64)
	if !w.From.IsZero() {
		from = store.Micros(w.From)
	}
	if !w.To.IsZero() {
		to = store.Micros(w.To)
	}
	entries, err := store.All(ctx, l.DB, func(row store.Scanner) (Entry, error) { return scanEntry(row) }, forPersonWhere,
		personID, before, from, to, w.Office, w.Resource, min(max(n, 1), MaxPage))
	return entries, fault.Wrap("audit.forPersonWhere", err)
}

// OneForPerson is an entry about a person that others made; anything else is fault.NotFound.
func (l *Ledger) OneForPerson(ctx context.Context, personID, id string) (Entry, error) {
	e, err := store.One(ctx, l.DB, func(row store.Scanner) (Entry, error) { return scanEntry(row) }, onePersonEntry, personID, id)
	return e, fault.Wrap("audit.oneForPerson", err)
}

// --- what was done under mandates

const underMandate = `-- audit.underMandate
SELECT ` + entryColumns + `
FROM audit_entry e JOIN audit_subject s ON s.entry = e.id
WHERE e.mandate = $1 AND e.mandate <> '' AND s.person = $2 AND e.id < $3
ORDER BY e.id DESC LIMIT $4`

// UnderMandate lists what was done under a mandate with a person's data, newest first.
func (l *Ledger) UnderMandate(ctx context.Context, mandate, person, before string, n int) ([]Entry, error) {
	const op = "audit.underMandate"
	if before == "" {
		before = afterAll
	}
	entries, err := store.All(ctx, l.DB, func(row store.Scanner) (Entry, error) { return scanEntry(row) }, underMandate, mandate, person, before, min(max(n, 1), MaxPage))
	return entries, fault.Wrap(op, err)
}
