// SPDX-License-Identifier: EUPL-1.2

package notice

import (
	"embed"
	"encoding/json"

	"mercator/core/store"
)

//go:embed migrate/*.sql
var migrations embed.FS

// Migrations are the tables of the writing office.
func Migrations() store.Migrations { return store.Migrations{Room: "notice", FS: migrations} }

const columns = ` id, case_id, person, office, service, template, kind, title, blob, size, code, valid_from, valid_until, issued_at, fetched_at, revoked_at `

const insert = `-- notice.insert
INSERT INTO notice_document (id, case_id, person, office, service, template, kind, title, blob, size, code, valid_from, valid_until,
	issued_at, fetched_at, revoked_at, revoked_by, revoked_why)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, 0, '', '')`

// Somebody who acts for the person reaches the services that their mandate covers (access.Grant.Reach).
const withinReach = `($3 = '' OR replace($3, '|' || service || '|', '') <> $3)`

const byIDAndPerson = `-- notice.byIDAndPerson
SELECT` + columns + `FROM notice_document WHERE id = $1 AND person = $2 AND person <> '' AND ` + withinReach

const byIDAndOffice = `-- notice.byIDAndOffice
SELECT` + columns + `FROM notice_document WHERE id = $1 AND office = $2`

const byCode = `-- notice.byCode
SELECT` + columns + `FROM notice_document WHERE code = $1 AND code <> ''`

const ofCaseAndPerson = `-- notice.ofCaseAndPerson
SELECT` + columns + `FROM notice_document WHERE case_id = $1 AND person = $2 AND person <> '' AND ` + withinReach + ` ORDER BY id LIMIT 200`

const ofCaseAndOffice = `-- notice.ofCaseAndOffice
SELECT` + columns + `FROM notice_document WHERE case_id = $1 AND office = $2 ORDER BY id LIMIT 200`

const setFetched = `-- notice.setFetched
UPDATE notice_document SET fetched_at = $2 WHERE id = $1 AND fetched_at = 0`

const revoke = `-- notice.revoke
UPDATE notice_document SET revoked_at = $3, revoked_by = $4, revoked_why = $5 WHERE id = $1 AND office = $2 AND revoked_at = 0`

func scan(s store.Scanner) (d Document, err error) {
	var kind []byte
	var issued, fetched, revoked int64
	if err := s.Scan(&d.ID, &d.CaseID, &d.Person, &d.Office, &d.Service, &d.Template, &kind, &d.Title, &d.Blob, &d.Size, &d.Code,
		&d.ValidFrom, &d.ValidUntil, &issued, &fetched, &revoked); err != nil {
		return d, err
	}
	d.IssuedAt, d.FetchedAt, d.RevokedAt = store.Time(issued), store.Time(fetched), store.Time(revoked)
	return d, json.Unmarshal(kind, &d.Kind)
}

const pageOfPerson = `-- notice.pageOfPerson
SELECT` + columns + `FROM notice_document WHERE person = $1 AND person <> '' AND id < $2 AND ` + withinReach + ` ORDER BY id DESC LIMIT $4`
