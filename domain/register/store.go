// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"context"
	"embed"
	"encoding/json"
	"strconv"
	"strings"

	"mercator/core/store"
)

//go:embed migrate/*.sql
var migrations embed.FS

// Migrations are the room's tables.
func Migrations() store.Migrations { return store.Migrations{Room: "register", FS: migrations} }

const recordByID = `-- register.recordByID
SELECT register, id, person, version, data, changed_at, changed_by, reason, case_id
FROM register_record WHERE register = $1 AND id = $2`

const recordsByPerson = `-- register.recordsByPerson
SELECT register, id, person, version, data, changed_at, changed_by, reason, case_id
FROM register_record WHERE person = $1 AND register = $2 AND person <> '' ORDER BY id LIMIT $3`

const recordsByValue = `-- register.recordsByValue
SELECT r.register, r.id, r.person, r.version, r.data, r.changed_at, r.changed_by, r.reason, r.case_id
FROM register_index i JOIN register_record r ON r.register = i.register AND r.id = i.id
WHERE i.register = $1 AND i.field = $2 AND i.value = $3 ORDER BY i.id LIMIT $4`

const recordsFrom = `-- register.recordsFrom
SELECT register, id, person, version, data, changed_at, changed_by, reason, case_id
FROM register_record WHERE register = $1 AND id > $2 ORDER BY id LIMIT $3`

const idsByValue = `-- register.idsByValue
SELECT id FROM register_index WHERE register = $1 AND field = $2 AND value = $3 LIMIT 2`

const versionsByID = `-- register.versionsByID
SELECT register, id, person, version, data, changed_at, changed_by, reason, case_id
FROM register_version WHERE register = $1 AND id = $2 ORDER BY version DESC LIMIT $3`

const insertRecord = `-- register.insertRecord
INSERT INTO register_record (register, id, person, version, data, changed_at, changed_by, reason, case_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

const updateRecord = `-- register.updateRecord
UPDATE register_record SET person = $3, version = $4, data = $5, changed_at = $6, changed_by = $7, reason = $8, case_id = $9
WHERE register = $1 AND id = $2 AND version = $10`

const insertVersion = `-- register.insertVersion
INSERT INTO register_version (register, id, person, version, data, changed_at, changed_by, reason, case_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

const insertIndex = `-- register.insertIndex
INSERT INTO register_index (register, field, value, id)
VALUES ($1, $2, $3, $4)`

const deleteIndex = `-- register.deleteIndex
DELETE FROM register_index WHERE register = $1 AND field = $2 AND value = $3 AND id = $4`

const loadState = `-- register.loadState
SELECT done, finished_at FROM register_load WHERE name = $1`

const setLoadState = `-- register.setLoadState
INSERT INTO register_load (name, done, finished_at) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET done = excluded.done, finished_at = excluded.finished_at`

// row is a record with the person it belongs to.
type row struct {
	Record
	person string
}

func scanRow(s store.Scanner) (row, error) {
	var r row
	var data string
	var at int64
	err := s.Scan(&r.Register, &r.ID, &r.person, &r.Version, &data, &at, &r.ChangedBy, &r.Reason, &r.Case)
	r.Data = json.RawMessage(data)
	r.ChangedAt = store.Time(at)
	return r, err
}

func scanID(s store.Scanner) (id string, err error) {
	err = s.Scan(&id)
	return id, err
}

func (r row) args() []any {
	return []any{r.Register, r.ID, r.person, r.Version, string(r.Data), store.Micros(r.ChangedAt), r.ChangedBy, r.Reason, r.Case}
}

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
