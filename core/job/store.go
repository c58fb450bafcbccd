// SPDX-License-Identifier: EUPL-1.2

package job

import (
	"embed"

	"mercator/core/store"
)

//go:embed migrate/*.sql
var migrations embed.FS

// Migrations are the tables of the queue.
func Migrations() store.Migrations { return store.Migrations{Room: "job", FS: migrations} }

const enqueue = `-- job.enqueue
INSERT INTO job_task (id, kind, key, args, state, due_at, attempt, max_attempts, lease, error, created_at)
VALUES ($1, $2, $3, $4, 'waiting', $5, $8, $6, $9, '', $7) ON CONFLICT (key) DO NOTHING`

const cancelKey = `-- job.cancelKey
DELETE FROM job_task WHERE key = $1 AND state = 'waiting'`

const waiting = `-- job.waiting
SELECT args FROM job_task WHERE key = $1 AND state = 'waiting'`

// The kinds that have reached their limit come as a JSON list.
const nextDueSQLite = `-- job.nextDueSQLite
SELECT COALESCE((SELECT due_at FROM job_task WHERE state = 'waiting' AND kind NOT IN (SELECT value FROM json_each($1)) ORDER BY due_at, id LIMIT 1), 0)`

const nextDuePostgres = `-- job.nextDuePostgres
SELECT COALESCE((SELECT due_at FROM job_task WHERE state = 'waiting' AND kind NOT IN (SELECT jsonb_array_elements_text(CAST($1 AS JSONB))) ORDER BY due_at, id LIMIT 1), 0)`

// A claimed job stays 'waiting', due again when its lease runs out: nothing has to
// find out that its worker died.
const claimSQLite = `-- job.claimSQLite
UPDATE job_task SET due_at = $3, attempt = attempt + 1, lease = $4
WHERE id IN (SELECT id FROM job_task WHERE state = 'waiting' AND due_at <= $1
	AND kind NOT IN (SELECT value FROM json_each($5)) ORDER BY due_at, id LIMIT $2)
RETURNING id, kind, key, args, due_at, attempt, max_attempts`

const claimPostgres = `-- job.claimPostgres
WITH due AS MATERIALIZED (
	SELECT id FROM job_task WHERE state = 'waiting' AND due_at <= $1
	AND kind NOT IN (SELECT jsonb_array_elements_text(CAST($5 AS JSONB))) ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE job_task SET due_at = $3, attempt = attempt + 1, lease = $4 FROM due WHERE job_task.id = due.id
RETURNING job_task.id, kind, key, args, due_at, attempt, max_attempts`

const giveBack = `-- job.giveBack
UPDATE job_task SET due_at = $3, attempt = attempt - 1, lease = '' WHERE id = $1 AND lease = $2`

const extend = `-- job.extend
UPDATE job_task SET due_at = $3 WHERE id = $1 AND lease = $2`

// The empty name stands for everybody. What was under way goes before what has waited
// meanwhile, or a node that is killed again and again never gets to it. Only what waits
// has a lease; saying so here would let SQLite go through all that waits to find it.
const release = `-- job.release
UPDATE job_task SET due_at = created_at, lease = '' WHERE lease <> '' AND substr(lease, 1, length(CAST($1 AS TEXT))) = $1`

const keep = `-- job.keep
UPDATE job_task SET due_at = $1 WHERE lease <> '' AND substr(lease, 1, length(CAST($2 AS TEXT))) = $2 AND due_at < $1`

// $1 is now, $2 when a lease taken now runs out; what is due after $3 can't be meant.
const setBack = `-- job.setBack
UPDATE job_task SET due_at = CASE WHEN attempt = 0 THEN CAST($1 AS BIGINT) ELSE CAST($2 AS BIGINT) END
WHERE state = 'waiting' AND due_at > $1 AND due_at <= $3 AND (attempt = 0 AND due_at <= created_at OR attempt > 0 AND due_at > $2)`

const finish = `-- job.finish
DELETE FROM job_task WHERE id = $1 AND lease = $2`

const owns = `-- job.owns
SELECT 1 FROM job_task WHERE id = $1 AND lease = $2`

const retry = `-- job.retry
UPDATE job_task SET due_at = $3, lease = '', error = $4 WHERE id = $1 AND lease = $2`

const bury = `-- job.bury
UPDATE job_task SET state = 'dead', key = NULL, lease = '', error = $3 WHERE id = $1 AND lease = $2`

const listDead = `-- job.listDead
SELECT id, kind, error, created_at FROM job_task WHERE state = 'dead' ORDER BY created_at DESC, id DESC LIMIT $1`

const revive = `-- job.revive
UPDATE job_task SET state = 'waiting', lease = '', due_at = $2, attempt = 0, error = '' WHERE id = $1 AND state = 'dead'`
