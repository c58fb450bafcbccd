// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"embed"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"mercator/core/store"
)

//go:embed migrate/*.sql
var migrations embed.FS

// Migrations are the room's tables.
func Migrations() store.Migrations { return store.Migrations{Room: "register", FS: migrations} }

const recordByID = `-- register.recordByID
SELECT register, id, person, version, data, sealed, valid_from, valid_to, changed_at, changed_by, reason, case_id, last, turn_at
FROM register_record WHERE register = $1 AND id = $2`

const recordsByPerson = `-- register.recordsByPerson
SELECT register, id, person, version, data, sealed, valid_from, valid_to, changed_at, changed_by, reason, case_id, last, turn_at
FROM register_record WHERE person = $1 AND register = $2 AND person <> '' ORDER BY id LIMIT $3`

const recordsByToken = `-- register.recordsByToken
SELECT r.register, r.id, r.person, r.version, r.data, r.sealed, r.valid_from, r.valid_to, r.changed_at, r.changed_by, r.reason, r.case_id, r.last, r.turn_at
FROM register_find f JOIN register_record r ON r.register = $1 AND r.id = f.id
WHERE f.token = $2 ORDER BY f.id LIMIT $3`

const recordsFrom = `-- register.recordsFrom
SELECT register, id, person, version, data, sealed, valid_from, valid_to, changed_at, changed_by, reason, case_id, last, turn_at
FROM register_record WHERE register = $1 AND id > $2 ORDER BY id LIMIT $3`

const versionsByID = `-- register.versionsByID
SELECT register, id, person, version, data, sealed, valid_from, valid_to, changed_at, changed_by, reason, case_id, version, 0
FROM register_version WHERE register = $1 AND id = $2 ORDER BY version DESC LIMIT $3`

const insertRecord = `-- register.insertRecord
INSERT INTO register_record (register, id, person, version, data, sealed, valid_from, valid_to, changed_at, changed_by, reason, case_id, last, turn_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`

const updateRecord = `-- register.updateRecord
UPDATE register_record SET person = $3, version = $4, data = $5, sealed = $6, valid_from = $7, valid_to = $8, changed_at = $9, changed_by = $10, reason = $11, case_id = $12, last = $13, turn_at = $14
WHERE register = $1 AND id = $2 AND last = $15`

const insertVersion = `-- register.insertVersion
INSERT INTO register_version (register, id, person, version, data, sealed, valid_from, valid_to, changed_at, changed_by, reason, case_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`

const deleteVersion = `-- register.deleteVersion
DELETE FROM register_version WHERE register = $1 AND id = $2 AND version = $3`

const versionInForce = `-- register.versionInForce
SELECT register, id, person, version, data, sealed, valid_from, valid_to, changed_at, changed_by, reason, case_id, version, 0
FROM register_version WHERE register = $1 AND id = $2 AND valid_from <= $3 AND valid_to > $3 AND changed_at <= $4 ORDER BY version DESC LIMIT 1`

const nextTurn = `-- register.nextTurn
SELECT COALESCE(MIN(CASE WHEN valid_from > $3 THEN valid_from ELSE valid_to END), 9223372036854775807)
FROM register_version WHERE register = $1 AND id = $2 AND valid_to > $3`

const dueTurns = `-- register.dueTurns
SELECT register, id FROM register_record WHERE turn_at <= $1 AND turn_at < 9223372036854775807 ORDER BY turn_at LIMIT $2`

const unsealedRecords = `-- register.unsealedRecords
SELECT register, id, person, version, data, sealed, valid_from, valid_to, changed_at, changed_by, reason, case_id, last, turn_at
FROM register_record WHERE register = $1 AND id > $2 AND length(sealed) = 0 ORDER BY id LIMIT $3`

const deleteRecord = `-- register.deleteRecord
DELETE FROM register_record WHERE register = $1 AND id = $2`

const deleteVersions = `-- register.deleteVersions
DELETE FROM register_version WHERE register = $1 AND id = $2`

const addErasure = `-- register.addErasure
INSERT INTO register_erasure (id, register, at, rule, who, case_id, records, versions) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

const lockRecord = `-- register.lockRecord
UPDATE register_record SET turn_at = turn_at WHERE register = $1 AND id = $2 AND last = $3 AND turn_at = $4`

// endedBefore and ranOutBefore go on after a place.
const endedBefore = `-- register.endedBefore
SELECT valid_from, id FROM register_record WHERE register = $1 AND data = 'null' AND valid_from <= $2 AND (valid_from, id) > ($3, $4) ORDER BY valid_from, id LIMIT $5`

const ranOutBefore = `-- register.ranOutBefore
SELECT valid_to, id FROM register_record WHERE register = $1 AND valid_to < 9223372036854775807 AND valid_to <= $2 AND (valid_to, id) > ($3, $4) ORDER BY valid_to, id LIMIT $5`

const loadState = `-- register.loadState
SELECT done, finished_at FROM register_load WHERE name = $1`

const setLoadState = `-- register.setLoadState
INSERT INTO register_load (name, done, finished_at) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET done = excluded.done, finished_at = excluded.finished_at`

const recordCounts = `-- register.recordCounts
SELECT register, COUNT(*) FROM register_record GROUP BY register`

// row is an assertion as it is stored: with the person it belongs to, and what is sealed.
type row struct {
	Record
	person string
	sealed []byte
	last   int64 // the newest version of the record; of the one in force
	turn   int64 // when another one will be in force
}

func scanRow(s store.Scanner) (row, error) {
	var r row
	var data string
	var from, to, at int64
	err := s.Scan(&r.Register, &r.ID, &r.person, &r.Version, &data, &r.sealed, &from, &to, &at, &r.ChangedBy, &r.Reason, &r.Case, &r.last, &r.turn)
	r.Data = json.RawMessage(data)
	r.ValidFrom, r.ValidTo, r.ChangedAt = moment(from), moment(to), store.Time(at)
	return r, err
}

// ever is the end of what is valid without an end, and 0 the beginning of what has none.
const ever = math.MaxInt64

// moment is a bound of validity: zero if it has none.
func moment(micros int64) time.Time {
	if micros == 0 || micros == ever {
		return time.Time{}
	}
	return store.Time(micros)
}

func from(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return store.Micros(t)
}

func to(t time.Time) int64 {
	if t.IsZero() {
		return ever
	}
	return store.Micros(t)
}

// covers reports whether the assertion is about a moment.
func (r row) covers(micros int64) bool { return from(r.ValidFrom) <= micros && micros < to(r.ValidTo) }

func scanID(s store.Scanner) (id string, err error) {
	err = s.Scan(&id)
	return id, err
}

// args are the columns of an assertion.
func (r row) args() []any {
	sealed := r.sealed
	if sealed == nil {
		sealed = []byte{}
	}
	return []any{r.Register, r.ID, r.person, r.Version, string(r.Data), sealed, from(r.ValidFrom), to(r.ValidTo), store.Micros(r.ChangedAt), r.ChangedBy, r.Reason, r.Case}
}

// current are those of the one in force.
func (r row) current() []any { return append(r.args(), r.last, r.turn) }

// bulkRows is how many rows one statement of a bulk load inserts on PostgreSQL,
// where each statement is a round trip. On SQLite it is one: a statement of several
// rows keeps a journal of its own, which costs more than it saves.
const bulkRows = 64

// bulk is an insert statement with its VALUES repeated for n rows of cols columns.
func bulk(statement string, cols, n int) string {
	var b strings.Builder
	b.WriteString(statement)
	for i := 1; i < n; i++ {
		for c := range cols {
			if c == 0 {
				b.WriteString(", ($")
			} else {
				b.WriteString(", $")
			}
			b.WriteString(strconv.Itoa(i*cols + c + 1))
		}
		b.WriteByte(')')
	}
	return b.String()
}

// Search. Lists of values have a fixed length; what is left over repeats the last one.

const fifty = `$4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51, $52, $53`

// --- bulk: imports, exports, packages, retention

// idsAtOnce is how many ids one statement asks for.
const idsAtOnce = 100

const idsThere = `-- register.idsThere
SELECT id FROM register_record WHERE register = $1 AND id IN ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51, $52, $53, $54, $55, $56, $57, $58, $59, $60, $61, $62, $63, $64, $65, $66, $67, $68, $69, $70, $71, $72, $73, $74, $75, $76, $77, $78, $79, $80, $81, $82, $83, $84, $85, $86, $87, $88, $89, $90, $91, $92, $93, $94, $95, $96, $97, $98, $99, $100, $101)`

const dropLoadState = `-- register.dropLoadState
DELETE FROM register_load WHERE name = $1`

const beginImport = `-- register.beginImport
INSERT INTO register_import (id, register, source, mapping, entry, who, reason, began_at, ended_at, records, fresh, changed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, 0, 0)`

const endImport = `-- register.endImport
UPDATE register_import SET ended_at = $2, fresh = $3, changed = $4 WHERE id = $1`

const importsOf = `-- register.importsOf
SELECT id, register, source, mapping, entry, who, reason, began_at, ended_at, records, fresh, changed
FROM register_import WHERE register = $1 ORDER BY began_at DESC LIMIT $2`

// --- versions of packages

const packagesAll = `-- register.packagesAll
SELECT register, version, hash, files, at, who, state FROM register_package ORDER BY register, version`

const addPackage = `-- register.addPackage
INSERT INTO register_package (register, version, hash, files, at, who, state) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (register, version) DO NOTHING`

const judgePackage = `-- register.judgePackage
UPDATE register_package SET state = $3 WHERE register = $1 AND version = $2`

const shelfState = `-- register.shelfState
SELECT changes FROM register_shelf WHERE id = 1`

const touchShelf = `-- register.touchShelf
UPDATE register_shelf SET changes = changes + 1 WHERE id = 1`

const turnShelf = `-- register.turnShelf
UPDATE register_shelf SET changes = changes + 1 WHERE id = 1 AND changes = $1`

const comingVersions = `-- register.comingVersions
SELECT v.register, v.id, v.person, v.version, v.data, v.sealed, v.valid_from, v.valid_to, v.changed_at, v.changed_by, v.reason, v.case_id, v.version, 0
FROM register_version v WHERE v.register = $1 AND (v.id, v.version) > ($2, $3) AND v.valid_from > $4
AND NOT EXISTS (SELECT 1 FROM register_version w WHERE w.register = v.register AND w.id = v.id AND w.version > v.version AND w.valid_from <= v.valid_from AND w.valid_to >= v.valid_to)
ORDER BY v.id, v.version LIMIT $5`

// The feed of changes.

const addChange = `-- register.addChange
INSERT INTO register_change (register, id, at, version, kind, case_id)
VALUES ($1, $2, COALESCE((SELECT MAX(at) + 1 FROM register_change WHERE register = $1 AND id = $2 AND at >= $3), $3), $4, $5, $6)`

const lockFeed = `-- register.lockFeed
UPDATE register_feed SET last = last WHERE id = 1`

const numberChanges = `-- register.numberChanges
UPDATE register_change SET position = n.position
FROM (SELECT register, id, at, (SELECT last FROM register_feed WHERE id = 1) + ROW_NUMBER() OVER (ORDER BY at, register, id) AS position
	FROM register_change WHERE position = 0 ORDER BY at, register, id LIMIT $1) n
WHERE register_change.register = n.register AND register_change.id = n.id AND register_change.at = n.at`

const raiseFeed = `-- register.raiseFeed
UPDATE register_feed SET last = last + $1 WHERE id = 1`

const feedState = `-- register.feedState
SELECT last, forgotten FROM register_feed WHERE id = 1`

const changeWaits = `-- register.changeWaits
SELECT id FROM register_change WHERE position = 0 LIMIT 1`

const changesAfter = `-- register.changesAfter
SELECT position, register, id, version, kind, case_id, at FROM register_change
WHERE position > $1 AND position > 0 AND position <= $2 AND register = $3 AND kind <> 'gone' ORDER BY position LIMIT $4`

const versionOf = `-- register.versionOf
SELECT register, id, person, version, data, sealed, valid_from, valid_to, changed_at, changed_by, reason, case_id, version, 0
FROM register_version WHERE register = $1 AND id = $2 AND version = $3`

const blankChanges = `-- register.blankChanges
UPDATE register_change SET id = '', at = -position, version = 0, kind = 'gone', case_id = '' WHERE register = $1 AND id = $2 AND position > 0`

const dropWaiting = `-- register.dropWaiting
DELETE FROM register_change WHERE register = $1 AND id = $2 AND position = 0`

const oldChange = `-- register.oldChange
SELECT position FROM register_change WHERE position > $1 AND position > 0 AND position <= $2 AND at >= $3 ORDER BY position LIMIT 1`

const forgetChanges = `-- register.forgetChanges
DELETE FROM register_change WHERE position > 0 AND position <= $1`

const setForgotten = `-- register.setForgotten
UPDATE register_feed SET forgotten = $1 WHERE id = 1 AND forgotten < $1`

// --- restriction (Art. 18 GDPR): what reads records for a purpose says so in its query. The last argument is whether the
// purpose reaches restricted records.

// unrestricted is the condition for the records r, to go before the argument. A mark is that person's whose record it was.
const unrestricted = `NOT EXISTS (SELECT 1 FROM register_restriction x WHERE x.register = r.register AND x.id = r.id AND (r.person = '' OR x.person = r.person) AND x.lifted_at = 0) OR TRUE = `

const readableByID = `-- register.readableByID
SELECT r.register, r.id, r.person, r.version, r.data, r.sealed, r.valid_from, r.valid_to, r.changed_at, r.changed_by, r.reason, r.case_id, r.last, r.turn_at
FROM register_record r WHERE r.register = $1 AND r.id = $2 AND (` + unrestricted + `$3)`

const readableByPerson = `-- register.readableByPerson
SELECT r.register, r.id, r.person, r.version, r.data, r.sealed, r.valid_from, r.valid_to, r.changed_at, r.changed_by, r.reason, r.case_id, r.last, r.turn_at
FROM register_record r WHERE r.person = $1 AND r.register = $2 AND r.person <> '' AND (` + unrestricted + `$4) ORDER BY r.id LIMIT $3`

const readableByToken = `-- register.readableByToken
SELECT r.register, r.id, r.person, r.version, r.data, r.sealed, r.valid_from, r.valid_to, r.changed_at, r.changed_by, r.reason, r.case_id, r.last, r.turn_at
FROM register_find f JOIN register_record r ON r.register = $1 AND r.id = f.id
WHERE f.token = $2 AND (` + unrestricted + `$4) ORDER BY f.id LIMIT $3`

const readableFrom = `-- register.readableFrom
SELECT r.register, r.id, r.person, r.version, r.data, r.sealed, r.valid_from, r.valid_to, r.changed_at, r.changed_by, r.reason, r.case_id, r.last, r.turn_at
FROM register_record r WHERE r.register = $1 AND r.id > $2 AND (` + unrestricted + `$4) ORDER BY r.id LIMIT $3`

const readableOfPersons = `-- register.readableOfPersons
SELECT r.register, r.id, r.person, r.version, r.data, r.sealed, r.valid_from, r.valid_to, r.changed_at, r.changed_by, r.reason, r.case_id, r.last, r.turn_at
FROM register_record r WHERE r.register = $1 AND r.id > $2 AND r.person <> '' AND r.person IN (` + fifty + `) AND (` + unrestricted + `$54) ORDER BY r.id LIMIT $3`

const readableByIDs = `-- register.readableByIDs
SELECT r.register, r.id, r.person, r.version, r.data, r.sealed, r.valid_from, r.valid_to, r.changed_at, r.changed_by, r.reason, r.case_id, r.last, r.turn_at
FROM register_record r WHERE r.register = $1 AND r.id > $2 AND r.id IN (` + fifty + `) AND (` + unrestricted + `$54) ORDER BY r.id LIMIT $3`

const addRestriction = `-- register.addRestriction
INSERT INTO register_restriction (register, id, person, at, case_id, lifted_at, lifted_case) VALUES ($1, $2, $3, $4, $5, 0, '')
ON CONFLICT DO NOTHING`

const liftRestriction = `-- register.liftRestriction
UPDATE register_restriction SET lifted_at = $3, lifted_case = $4 WHERE register = $1 AND id = $2 AND lifted_at = 0`

const dropRestrictions = `-- register.dropRestrictions
DELETE FROM register_restriction WHERE register = $1 AND id = $2`

const restrictionsOf = `-- register.restrictionsOf
SELECT id, at FROM register_restriction WHERE person = $1 AND register = $2 AND lifted_at = 0`

const recordRestricted = `-- register.recordRestricted
SELECT EXISTS (SELECT 1 FROM register_restriction WHERE register = $1 AND id = $2 AND lifted_at = 0)`

const isRestricted = `-- register.isRestricted
SELECT EXISTS (SELECT 1 FROM register_restriction WHERE person = $1 AND register = $2 AND lifted_at = 0)`

const insertFind = `-- register.insertFind
INSERT INTO register_find (token, id) VALUES ($1, $2)`

const insertKey = `-- register.insertKey
INSERT INTO register_key (register, field, value, id) VALUES ($1, $2, $3, $4)`

const findAgain = `-- register.findAgain
INSERT INTO register_find (token, id) VALUES ($1, $2) ON CONFLICT DO NOTHING`

const keyAgain = `-- register.keyAgain
INSERT INTO register_key (register, field, value, id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`

const deleteFind = `-- register.deleteFind
DELETE FROM register_find WHERE token = $1 AND id = $2`

const deleteKey = `-- register.deleteKey
DELETE FROM register_key WHERE register = $1 AND field = $2 AND value = $3 AND id = $4`

const deleteKeys = `-- register.deleteKeys
DELETE FROM register_key WHERE register = $1`

const buildState = `-- register.buildState
SELECT declared, last, done FROM register_build WHERE register = $1`

const beginBuild = `-- register.beginBuild
INSERT INTO register_build (register, declared, last, done) VALUES ($1, $2, '', 0)
ON CONFLICT (register) DO UPDATE SET declared = excluded.declared, last = '', done = 0 WHERE register_build.declared = $3`

const deleteKeysOf = `-- register.deleteKeysOf
DELETE FROM register_key WHERE register = $1 AND field = $2`

const setBuildState = `-- register.setBuildState
UPDATE register_build SET last = $3, done = $4 WHERE register = $1 AND declared = $2`

// idsByToken goes on after an id.
const idsByToken = `-- register.idsByToken
SELECT id FROM register_find WHERE token = $1 AND id > $2 ORDER BY id LIMIT $3`

// lastByToken is the last of the next ids of a token, and how many they are.
const lastByToken = `-- register.lastByToken
SELECT COALESCE(MAX(id), ''), COUNT(*) FROM (SELECT id FROM register_find WHERE token = $1 AND id > $2 ORDER BY id LIMIT $3) a`

// idsBySet are the ids of a token in a part of its order that have one of a set of tokens as well; idsBySets, one of each of
// two. Why "= 1" and not EXISTS: PostgreSQL would make a join of that, and begin it with all that the other token has.
const idsBySet = `-- register.idsBySet
SELECT a.id FROM register_find a WHERE a.token = $1 AND a.id > $2 AND a.id <= $3
AND (SELECT 1 FROM register_find b WHERE b.token IN ($4, $5, $6, $7) AND b.id = a.id LIMIT 1) = 1 ORDER BY a.id`

const idsBySets = `-- register.idsBySets
SELECT a.id FROM register_find a WHERE a.token = $1 AND a.id > $2 AND a.id <= $3
AND (SELECT 1 FROM register_find b WHERE b.token IN ($4, $5, $6, $7) AND b.id = a.id LIMIT 1) = 1
AND (SELECT 1 FROM register_find c WHERE c.token IN ($8, $9, $10, $11) AND c.id = a.id LIMIT 1) = 1 ORDER BY a.id`

// idsHaving are those of some ids that have one of a set of tokens.
const idsHaving = `-- register.idsHaving
SELECT v.column1 FROM (VALUES ($5), ($6), ($7), ($8), ($9), ($10), ($11), ($12), ($13), ($14), ($15), ($16), ($17), ($18), ($19), ($20), ($21), ($22), ($23), ($24), ($25), ($26), ($27), ($28), ($29), ($30), ($31), ($32), ($33), ($34), ($35), ($36), ($37), ($38), ($39), ($40), ($41), ($42), ($43), ($44), ($45), ($46), ($47), ($48), ($49), ($50), ($51), ($52), ($53), ($54)) v
WHERE (SELECT 1 FROM register_find f WHERE f.token IN ($1, $2, $3, $4) AND f.id = v.column1 LIMIT 1) = 1`

// idsByTokens are the ids of some tokens, in no order; countTokens counts them no further than it is told.
const idsByTokens = `-- register.idsByTokens
SELECT id FROM register_find WHERE token IN ($1, $2, $3, $4, $5, $6, $7, $8)`

const countTokens = `-- register.countTokens
SELECT COUNT(*) FROM (SELECT 1 FROM register_find WHERE token IN ($1, $2, $3, $4, $5, $6, $7, $8) LIMIT $9) a`

const idsByRange = `-- register.idsByRange
SELECT id FROM register_key WHERE register = $1 AND field = $2 AND value >= $3 AND value < $4 LIMIT $5`

const idsByKeys = `-- register.idsByKeys
SELECT id FROM register_key WHERE register = $1 AND field = $2 AND value IN (` + fifty + `) LIMIT $3`

const keysUp = `-- register.keysUp
SELECT value, id FROM register_key
WHERE register = $1 AND field = $2 AND value >= $3 AND value < $4 AND (value, id) > ($5, $6) ORDER BY value, id LIMIT $7`

const keysDown = `-- register.keysDown
SELECT value, id FROM register_key
WHERE register = $1 AND field = $2 AND value >= $3 AND value < $4 AND (value, id) < ($5, $6) ORDER BY value DESC, id DESC LIMIT $7`

// turnsOf looks as far as one Turn goes. The constant names the index: with a parameter alone SQLite reads all records.
const turnsOf = `-- register.turnsOf
SELECT id FROM (SELECT register, id FROM register_record WHERE turn_at <= $2 AND turn_at < 9223372036854775807 ORDER BY turn_at LIMIT 200) x
WHERE x.register = $1 LIMIT 21`

// Days that become due.

const dueByToken = `-- register.dueByToken
SELECT f.id FROM register_find f JOIN register_record r ON r.register = $1 AND r.id = f.id
WHERE f.token = $2 AND f.id > $3 AND (` + unrestricted + `$5) ORDER BY f.id LIMIT $4`

const dueByKey = `-- register.dueByKey
SELECT f.id FROM register_key f JOIN register_record r ON r.register = f.register AND r.id = f.id
WHERE f.register = $1 AND f.field = $2 AND f.value = $3 AND f.id > $4 AND (` + unrestricted + `$6) ORDER BY f.id LIMIT $5`
