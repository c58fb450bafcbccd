// SPDX-License-Identifier: EUPL-1.2

package postbox

import (
	"embed"
	"encoding/json"
	"io/fs"

	"mercator/core/store"
)

//go:embed migrate/*.sql
var migrations embed.FS

//go:embed messages.*.toml
var messageFS embed.FS

// Messages are the words of the postbox's refusals.
func Messages() fs.FS { return messageFS }

// Migrations are the tables of the postbox.
func Migrations() store.Migrations { return store.Migrations{Room: "postbox", FS: migrations} }

const columns = ` id, person, case_id, office, subject, body, documents, sent_at, read_at, link `

const insert = `-- postbox.insert
INSERT INTO postbox_message (id, person, case_id, office, subject, body, documents, sent_at, read_at, link)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9)`

const byPerson = `-- postbox.byPerson
SELECT` + columns + `FROM postbox_message
WHERE person = $1 AND (sent_at, id) < ($2, $3) ORDER BY sent_at DESC, id DESC LIMIT $4`

const byIDAndPerson = `-- postbox.byIDAndPerson
SELECT` + columns + `FROM postbox_message WHERE id = $1 AND person = $2`

const ofCaseAndPerson = `-- postbox.ofCaseAndPerson
SELECT` + columns + `FROM postbox_message WHERE case_id = $1 AND person = $2 ORDER BY id LIMIT 200`

const ofCaseAndOffice = `-- postbox.ofCaseAndOffice
SELECT` + columns + `FROM postbox_message WHERE case_id = $1 AND office = $2 AND office <> '' ORDER BY id LIMIT 200`

const unread = `-- postbox.unread
SELECT count(*) FROM postbox_message WHERE person = $1 AND read_at = 0`

const setRead = `-- postbox.setRead
UPDATE postbox_message SET read_at = $3 WHERE id = $1 AND person = $2 AND read_at = 0`

func scan(s store.Scanner) (m Message, err error) {
	var subject, body, documents []byte
	var sent, read int64
	if err := s.Scan(&m.ID, &m.Person, &m.CaseID, &m.Office, &subject, &body, &documents, &sent, &read, &m.Link); err != nil {
		return m, err
	}
	m.SentAt, m.ReadAt = store.Time(sent), store.Time(read)
	for _, x := range []struct {
		raw  []byte
		into any
	}{{subject, &m.Subject}, {body, &m.Body}, {documents, &m.Documents}} {
		if err := json.Unmarshal(x.raw, x.into); err != nil {
			return m, err
		}
	}
	return m, nil
}
