// SPDX-License-Identifier: EUPL-1.2

package vault

import (
	"embed"

	"mercator/core/store"
)

//go:embed migrate/*.sql
var migrations embed.FS

// Migrations are the table of keys.
func Migrations() store.Migrations { return store.Migrations{Room: "vault", FS: migrations} }

// KeyTable is the table that is no part of a backup of the database.
const KeyTable = "vault_key"

const keyOf = `-- vault.keyOf
SELECT wrapped FROM vault_key WHERE subject = $1`

const keysOf = `-- vault.keysOf
SELECT subject, wrapped FROM vault_key WHERE subject IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51, $52, $53, $54, $55, $56, $57, $58, $59, $60, $61, $62, $63, $64, $65, $66, $67, $68, $69, $70, $71, $72, $73, $74, $75, $76, $77, $78, $79, $80, $81, $82, $83, $84, $85, $86, $87, $88, $89, $90, $91, $92, $93, $94, $95, $96, $97, $98, $99, $100)`

const addFresh = `-- vault.addFresh
INSERT INTO vault_key (subject, wrapped) VALUES ($1, $2)`

// Whoever is first makes the key.
const addKey = `-- vault.addKey
INSERT INTO vault_key (subject, wrapped) VALUES ($1, $2) ON CONFLICT (subject) DO NOTHING`

const destroyKey = `-- vault.destroyKey
DELETE FROM vault_key WHERE subject = $1`

const keysFrom = `-- vault.keysFrom
SELECT subject, wrapped FROM vault_key WHERE subject > $1 ORDER BY subject LIMIT $2`

const rewrapKey = `-- vault.rewrapKey
UPDATE vault_key SET wrapped = $2 WHERE subject = $1`
