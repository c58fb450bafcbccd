// SPDX-License-Identifier: EUPL-1.2

package api

import (
	"embed"
	"io/fs"

	"mercator/core/store"
)

//go:embed migrate/*.sql
var migrations embed.FS

// Migrations are the answers kept for repeated requests.
func Migrations() store.Migrations { return store.Migrations{Room: "api", FS: migrations} }

//go:embed messages.*.toml
var messages embed.FS

// Messages are the texts of the room.
func Messages() fs.FS { return messages }

// A key whose answer never came (the process was killed) is free again when its lease
// has run out, and so is one that has expired.
const takeKey = `-- api.takeKey
INSERT INTO api_idempotency (client, key, request, state, answer, created_at, lease_until) VALUES ($1, $2, $3, 'running', '', $4, $5)
ON CONFLICT (client, key) DO UPDATE SET request = excluded.request, state = 'running', answer = '', created_at = excluded.created_at, lease_until = excluded.lease_until
WHERE api_idempotency.created_at < $6 OR api_idempotency.state = 'running' AND api_idempotency.lease_until < $4 AND api_idempotency.request = excluded.request`

const readKey = `-- api.readKey
SELECT request, state, answer FROM api_idempotency WHERE client = $1 AND key = $2`

const keepAnswer = `-- api.keepAnswer
UPDATE api_idempotency SET state = 'done', answer = $4 WHERE client = $1 AND key = $2 AND state = 'running' AND lease_until = $3`

const freeKey = `-- api.freeKey
DELETE FROM api_idempotency WHERE client = $1 AND key = $2 AND state = 'running' AND lease_until = $3`

const sweepKeys = `-- api.sweepKeys
DELETE FROM api_idempotency WHERE created_at < $1`
