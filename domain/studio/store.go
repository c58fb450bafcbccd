// SPDX-License-Identifier: EUPL-1.2

package studio

import (
	"embed"
	"io/fs"

	"mercator/core/store"
)

//go:embed migrate/*.sql
var migrations embed.FS

// Migrations are the tables of the room.
func Migrations() store.Migrations { return store.Migrations{Room: "studio", FS: migrations} }

//go:embed messages.*.toml
var messages embed.FS

// Messages are the texts of the room's errors.
func Messages() fs.FS { return messages }

const columns = `id, service, file, base, text, author, author_name, rev, created_at, changed_at`

const insertDraft = `-- studio.insertDraft
INSERT INTO studio_draft (` + columns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8)`

const readDraft = `-- studio.readDraft
SELECT ` + columns + ` FROM studio_draft WHERE id = $1`

// The list has no texts.
const listDrafts = `-- studio.listDrafts
SELECT id, service, file, base, '', author, author_name, rev, created_at, changed_at FROM studio_draft ORDER BY changed_at DESC, id DESC LIMIT $1`

const countDrafts = `-- studio.countDrafts
SELECT COUNT(*) FROM studio_draft`

const saveDraft = `-- studio.saveDraft
UPDATE studio_draft SET text = $3, author = $4, author_name = $5, rev = rev + 1, changed_at = $6 WHERE id = $1 AND rev = $2`

const dropDraft = `-- studio.dropDraft
DELETE FROM studio_draft WHERE id = $1`

// The scenarios of a draft go with it.
const dropScenarios = `-- studio.dropScenarios
DELETE FROM studio_scenario WHERE draft = $1`

const scenariosOf = `-- studio.scenariosOf
SELECT id, draft, text, author, author_name, created_at FROM studio_scenario WHERE draft = $1 ORDER BY id LIMIT $2`

const insertScenario = `-- studio.insertScenario
INSERT INTO studio_scenario (id, draft, text, author, author_name, created_at) VALUES ($1, $2, $3, $4, $5, $6)`

const countScenarios = `-- studio.countScenarios
SELECT COUNT(*) FROM studio_scenario WHERE draft = $1`

const dropScenario = `-- studio.dropScenario
DELETE FROM studio_scenario WHERE id = $1 AND draft = $2`

func scanScenario(s store.Scanner) (Scenario, error) {
	var x Scenario
	var created int64
	err := s.Scan(&x.ID, &x.Draft, &x.Text, &x.Author, &x.AuthorName, &created)
	x.CreatedAt = store.Time(created)
	return x, err
}

func scanDraft(s store.Scanner) (Draft, error) {
	var d Draft
	var created, changed int64
	err := s.Scan(&d.ID, &d.Service, &d.File, &d.Base, &d.Text, &d.Author, &d.AuthorName, &d.Rev, &created, &changed)
	d.CreatedAt, d.ChangedAt = store.Time(created), store.Time(changed)
	return d, err
}

func scanCount(s store.Scanner) (n int, err error) { return n, s.Scan(&n) }
