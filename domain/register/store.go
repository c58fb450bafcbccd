// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"context"
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

const recordsByValue = `-- register.recordsByValue
SELECT r.register, r.id, r.person, r.version, r.data, r.sealed, r.valid_from, r.valid_to, r.changed_at, r.changed_by, r.reason, r.case_id, r.last, r.turn_at
FROM register_index i JOIN register_record r ON r.register = i.register AND r.id = i.id
WHERE i.register = $1 AND i.field = $2 AND i.value = $3 ORDER BY i.id LIMIT $4`

const recordsFrom = `-- register.recordsFrom
SELECT register, id, person, version, data, sealed, valid_from, valid_to, changed_at, changed_by, reason, case_id, last, turn_at
FROM register_record WHERE register = $1 AND id > $2 ORDER BY id LIMIT $3`

const idsByValue = `-- register.idsByValue
SELECT id FROM register_index WHERE register = $1 AND field = $2 AND value = $3 LIMIT 2`

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

const insertIndex = `-- register.insertIndex
INSERT INTO register_index (register, field, value, id)
VALUES ($1, $2, $3, $4)`

const deleteIndex = `-- register.deleteIndex
DELETE FROM register_index WHERE register = $1 AND field = $2 AND value = $3 AND id = $4`

const deleteVersion = `-- register.deleteVersion
DELETE FROM register_version WHERE register = $1 AND id = $2 AND version = $3`

const versionInForce = `-- register.versionInForce
SELECT register, id, person, version, data, sealed, valid_from, valid_to, changed_at, changed_by, reason, case_id, version, 0
FROM register_version WHERE register = $1 AND id = $2 AND valid_from <= $3 AND valid_to > $3 AND changed_at <= $4 ORDER BY version DESC LIMIT 1`

const nextTurn = `-- register.nextTurn
SELECT COALESCE(MIN(CASE WHEN valid_from > $3 THEN valid_from ELSE valid_to END), 9223372036854775807)
FROM register_version WHERE register = $1 AND id = $2 AND valid_to > $3`

const dueTurns = `-- register.dueTurns
SELECT register, id FROM register_record WHERE turn_at <= $1 ORDER BY turn_at LIMIT $2`

const unsealedRecords = `-- register.unsealedRecords
SELECT register, id, person, version, data, sealed, valid_from, valid_to, changed_at, changed_by, reason, case_id, last, turn_at
FROM register_record WHERE register = $1 AND id > $2 AND length(sealed) = 0 ORDER BY id LIMIT $3`

const deleteRecord = `-- register.deleteRecord
DELETE FROM register_record WHERE register = $1 AND id = $2`

const deleteVersions = `-- register.deleteVersions
DELETE FROM register_version WHERE register = $1 AND id = $2`

const addErasure = `-- register.addErasure
INSERT INTO register_erasure (id, register, at, rule, who, case_id, records, versions) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

const loadState = `-- register.loadState
SELECT done, finished_at FROM register_load WHERE name = $1`

const setLoadState = `-- register.setLoadState
INSERT INTO register_load (name, done, finished_at) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET done = excluded.done, finished_at = excluded.finished_at`

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

// entry is one line of the index.
type entry struct{ field, value string }

func addIndex(ctx context.Context, tx *store.Tx, register, id string, e entry) error {
	_, err := tx.Exec(ctx, insertIndex, register, e.field, e.value, id)
	return err
}

func dropIndex(ctx context.Context, tx *store.Tx, register, id string, e entry) error {
	_, err := tx.Exec(ctx, deleteIndex, register, e.field, e.value, id)
	return err
}

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

// Days that become due, in their order.

const dueBetween = `-- register.dueBetween
SELECT id, value FROM register_index WHERE register = $1 AND field = $2 AND (value, id) > ($3, $4) AND value <= $5 ORDER BY value, id LIMIT $6`
