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

// Whoever is first makes the key.
const addKey = `-- vault.addKey
INSERT INTO vault_key (subject, wrapped) VALUES ($1, $2) ON CONFLICT (subject) DO NOTHING`

const destroyKey = `-- vault.destroyKey
DELETE FROM vault_key WHERE subject = $1`

const keysFrom = `-- vault.keysFrom
SELECT subject, wrapped FROM vault_key WHERE subject > $1 ORDER BY subject LIMIT $2`

const rewrapKey = `-- vault.rewrapKey
UPDATE vault_key SET wrapped = $2 WHERE subject = $1`
