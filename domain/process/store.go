// SPDX-License-Identifier: EUPL-1.2

package process

import (
	"embed"
	"encoding/json"
	"math"
	"time"

	"mercator/core/store"
	"mercator/lang/bpmn"
)

//go:embed migrate/*.sql
var migrations embed.FS

// Messages are the texts of the faults of this office (base/i18n).
//
//go:embed messages.*.toml
var Messages embed.FS

// Migrations are the tables of the office.
func Migrations() store.Migrations { return store.Migrations{Room: "process", FS: migrations} }

const insertModel = `-- process.insertModel
INSERT INTO process_model (hash, file, source, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (hash) DO NOTHING`

const readModel = `-- process.readModel
SELECT file, source FROM process_model WHERE hash = $1`

const insertInstance = `-- process.insertInstance
INSERT INTO process_instance (id, case_id, ref, label, service, version, office, model, process, status, state, revision, created_at, changed_at, calls)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12, $12, $13)`

// The row is locked on PostgreSQL, so that the steps of an instance come one after the
// other; on SQLite there is one writer anyway.
const lockSQLite = `-- process.lockSQLite
SELECT id, case_id, ref, label, service, version, office, model, process, status, state, revision, calls FROM process_instance WHERE id = $1`

const lockPostgres = `-- process.lockPostgres
SELECT id, case_id, ref, label, service, version, office, model, process, status, state, revision, calls FROM process_instance WHERE id = $1 FOR UPDATE`

// Who ends work of an instance takes the instance first, as every step does before it takes work
// away: so nobody waits in a circle. On SQLite there is one writer anyway.
const holdInstancePostgres = `-- process.holdInstancePostgres
SELECT id FROM process_instance WHERE id = $1 FOR UPDATE`

const saveInstance = `-- process.saveInstance
UPDATE process_instance SET status = $2, state = $3, changed_at = $4, revision = revision + 1 WHERE id = $1`

const instanceOfCase = `-- process.instanceOfCase
SELECT id, case_id, ref, label, service, version, office, model, process, status, state, revision, calls
FROM process_instance WHERE case_id = $1 ORDER BY id LIMIT 1`

const readInstance = `-- process.readInstance
SELECT id, case_id, ref, label, service, version, office, model, process, status, state, revision, calls
FROM process_instance WHERE id = $1`

const insertHistory = `-- process.insertHistory
INSERT INTO process_history (id, instance_id, at, event, actor_kind, actor_id, trace, record, actor_name) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

// Of the cases of a model that began in a time, a page, the last first.
const begunIn = `-- process.begunIn
SELECT id, case_id, ref, label, service, version, office, model, process, status, state, revision, calls, created_at
FROM process_instance WHERE service = $1 AND model = $2 AND created_at >= $3 AND (created_at, id) < ($4, $5) AND ($6 = '' OR office = $6)
ORDER BY created_at DESC, id DESC LIMIT $7`

const recordOf = `-- process.recordOf
SELECT at, event, trace, record FROM process_history WHERE instance_id = $1 ORDER BY id LIMIT 10001`

// Ids are in the order of time, so what is old is found without an index of its own.
const oldestKept = `-- process.oldestKept
SELECT COALESCE(max(id), '') FROM (SELECT id FROM process_history WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3) t`

const forgetRecords = `-- process.forgetRecords
UPDATE process_history SET record = '' WHERE id > $1 AND id <= $2 AND record <> ''`

const historyOf = `-- process.historyOf
SELECT at, event, actor_kind, actor_id, trace FROM process_history WHERE instance_id = $1 ORDER BY id LIMIT 2000`

// From a step on, that step included, a piece at a time.
const historyFrom = `-- process.historyFrom
SELECT id, at, event, actor_kind, actor_name, trace FROM process_history WHERE instance_id = $1 AND id >= $2 ORDER BY id LIMIT $3`

const instanceOfOffice = `-- process.instanceOfOffice
SELECT id, case_id, ref, label, service, version, office, model, process, status, state, revision, calls
FROM process_instance WHERE case_id = $1 AND office = $2 ORDER BY id LIMIT 1`

const clerkOfTask = `-- process.clerkOfTask
SELECT assignee_name FROM process_task WHERE instance_id = $1 AND token = $2 AND state = 'open'`

// Who did a task, where the step itself doesn't say: the last one that was done before the step.
const clerkOfDone = `-- process.clerkOfDone
SELECT assignee_name FROM process_task WHERE case_id = $1 AND instance_id = $2 AND token = $3 AND element = $4 AND state = 'done' AND done_at <= $5
ORDER BY id DESC LIMIT 1`

const incidentsAt = `-- process.incidentsAt
SELECT count(*) FROM (SELECT 1 FROM process_incident
WHERE instance_id = $1 AND token = $2 AND element = $3 AND created_at >= $4 AND created_at <= $5 LIMIT 1000) t`

const insertTask = `-- process.insertTask
INSERT INTO process_task (id, instance_id, token, case_id, ref, label, service, version, office, element, name, form, roles, properties,
	assignee, assignee_name, state, priority, due_at, created_at, done_at, revision)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 'open', $17, $18, $19, 0, 1)`

const insertWord = `-- process.insertWord
INSERT INTO process_word (office, word, task_id) VALUES ($1, $2, $3) ON CONFLICT (office, word, task_id) DO NOTHING`

const deleteWords = `-- process.deleteWords
DELETE FROM process_word WHERE task_id = $1`

const withdrawTask = `-- process.withdrawTask
UPDATE process_task SET state = 'withdrawn', done_at = $3, revision = revision + 1
WHERE instance_id = $1 AND token = $2 AND state = 'open' RETURNING id`

const taskColumns = `id, instance_id, token, case_id, ref, label, service, version, office, element, name, form, roles, properties,
	assignee, assignee_name, state, priority, due_at, created_at, done_at, revision`

const claimTask = `-- process.claimTask
UPDATE process_task SET assignee = $3, assignee_name = $4, revision = revision + 1
WHERE id = $1 AND office = $2 AND state = 'open' AND assignee = ''`

const releaseTask = `-- process.releaseTask
UPDATE process_task SET assignee = '', assignee_name = '', revision = revision + 1
WHERE id = $1 AND office = $2 AND state = 'open' AND assignee = $3`

const completeTask = `-- process.completeTask
UPDATE process_task SET state = 'done', assignee = $3, assignee_name = $4, done_at = $5, revision = revision + 1
WHERE id = $1 AND office = $2 AND state = 'open' AND (assignee = '' OR assignee = $3) AND revision = $6`

const taskOfOffice = `-- process.taskOfOffice
SELECT ` + taskColumns + ` FROM process_task WHERE id = $1 AND office = $2`

const tasksOfCase = `-- process.tasksOfCase
SELECT ` + taskColumns + ` FROM process_task WHERE case_id = $1 AND office = $2 ORDER BY id LIMIT 200`

const allTasksOfCase = `-- process.allTasksOfCase
SELECT ` + taskColumns + ` FROM process_task WHERE case_id = $1 ORDER BY id LIMIT 200`

const listOpen = `-- process.listOpen
SELECT ` + taskColumns + ` FROM process_task
WHERE office = $1 AND state = 'open' AND (due_at, id) > ($2, $3) AND due_at < $4 ORDER BY due_at, id LIMIT $5`

const listOpenService = `-- process.listOpenService
SELECT ` + taskColumns + ` FROM process_task
WHERE office = $1 AND service = $6 AND state = 'open' AND (due_at, id) > ($2, $3) AND due_at < $4 ORDER BY due_at, id LIMIT $5`

const listFree = `-- process.listFree
SELECT ` + taskColumns + ` FROM process_task
WHERE office = $1 AND state = 'open' AND assignee = '' AND (due_at, id) > ($2, $3) AND due_at < $4 ORDER BY due_at, id LIMIT $5`

const listFreeService = `-- process.listFreeService
SELECT ` + taskColumns + ` FROM process_task
WHERE office = $1 AND service = $6 AND state = 'open' AND assignee = '' AND (due_at, id) > ($2, $3) AND due_at < $4
ORDER BY due_at, id LIMIT $5`

const listMine = `-- process.listMine
SELECT ` + taskColumns + ` FROM process_task
WHERE office = $1 AND state = 'open' AND assignee <> '' AND assignee = $6 AND (due_at, id) > ($2, $3) AND due_at < $4
AND ($7 = '' OR service = $7) ORDER BY due_at, id LIMIT $5`

const listDone = `-- process.listDone
SELECT ` + taskColumns + ` FROM process_task
WHERE office = $1 AND state = 'done' AND (done_at, id) < ($2, $3) AND ($5 = '' OR service = $5) AND ($6 = '' OR assignee = $6)
ORDER BY done_at DESC, id DESC LIMIT $4`

// The first word narrows down, at most 500 tasks are looked at.
const searchOpen = `-- process.searchOpen
SELECT ` + taskColumns + ` FROM process_task
WHERE id IN (SELECT task_id FROM process_word WHERE office = $1 AND word >= $6 AND word < $7 LIMIT 500)
AND ($8 = '' OR EXISTS (SELECT 1 FROM process_word w WHERE w.office = $1 AND w.task_id = process_task.id AND w.word >= $8 AND w.word < $9))
AND state = 'open' AND (due_at, id) > ($2, $3) AND due_at < $4
AND ($10 = '' OR service = $10) AND ($11 = '' OR ($11 = 'free' AND assignee = '') OR assignee = $11)
ORDER BY due_at, id LIMIT $5`

const countOverdue = `-- process.countOverdue
SELECT count(*) FROM (SELECT 1 FROM process_task WHERE office = $1 AND state = 'open' AND due_at < $2 LIMIT $3) t`

const countFree = `-- process.countFree
SELECT count(*) FROM (SELECT 1 FROM process_task WHERE office = $1 AND state = 'open' AND assignee = '' LIMIT $2) t`

const countMine = `-- process.countMine
SELECT count(*) FROM (SELECT 1 FROM process_task WHERE office = $1 AND state = 'open' AND assignee <> '' AND assignee = $2 LIMIT $3) t`

// The services are found by leaping from one to the next in the index.
const countServices = `-- process.countServices
WITH RECURSIVE s (service) AS (
	SELECT min(service) FROM process_task WHERE office = $1 AND state = 'open'
	UNION ALL
	SELECT (SELECT min(service) FROM process_task WHERE office = $1 AND state = 'open' AND service > s.service) FROM s WHERE s.service IS NOT NULL
)
SELECT s.service, (SELECT count(*) FROM (SELECT 1 FROM process_task t WHERE t.office = $1 AND t.state = 'open' AND t.service = s.service LIMIT $2) c)
FROM s WHERE s.service IS NOT NULL LIMIT 100`

const turn = `-- process.turn
INSERT INTO process_turn (name, key, n) VALUES ($1, $2, 1) ON CONFLICT (name, key) DO UPDATE SET n = process_turn.n + 1`

const endTurn = `-- process.endTurn
DELETE FROM process_turn WHERE name = $1 AND key = $2`

const insertSubscription = `-- process.insertSubscription
INSERT INTO process_subscription (instance_id, token, name, key, created_at) VALUES ($1, $2, $3, $4, $5)`

const deleteSubscription = `-- process.deleteSubscription
DELETE FROM process_subscription WHERE instance_id = $1 AND token = $2`

const findSubscription = `-- process.findSubscription
SELECT instance_id, token FROM process_subscription s WHERE name = $1 AND key = $2
AND ($3 = '' OR EXISTS (SELECT 1 FROM process_instance i WHERE i.id = s.instance_id AND i.office = $3))
ORDER BY created_at, instance_id, token LIMIT 1`

const insertMessage = `-- process.insertMessage
INSERT INTO process_message (id, name, key, vars, expires_at, sender, office) VALUES ($1, $2, $3, $4, $5, $6, $7)`

const takeMessage = `-- process.takeMessage
DELETE FROM process_message WHERE id = (SELECT id FROM process_message WHERE name = $1 AND key = $2 AND expires_at > $3
AND (office = '' OR office = $4) ORDER BY id LIMIT 1)
RETURNING vars, sender`

const waitingMessage = `-- process.waitingMessage
SELECT count(*) FROM (SELECT 1 FROM process_message WHERE name = $1 AND key = $2 AND expires_at > $3 AND (office = '' OR office = $4) LIMIT 1) t`

const keptOf = `-- process.keptOf
SELECT count(*) FROM (SELECT 1 FROM process_message WHERE sender = $1 AND sender <> '' LIMIT $2) t`

// An id is free again when its message has had its life.
const insertSent = `-- process.insertSent
INSERT INTO process_sent (sender, name, key, id, outcome, expires_at) VALUES ($1, $2, $3, $4, '', $5)
ON CONFLICT (sender, name, key, id) DO UPDATE SET outcome = '', expires_at = excluded.expires_at WHERE process_sent.expires_at <= $6`

const readSent = `-- process.readSent
SELECT outcome FROM process_sent WHERE sender = $1 AND name = $2 AND key = $3 AND id = $4`

const markSent = `-- process.markSent
UPDATE process_sent SET outcome = $5 WHERE sender = $1 AND name = $2 AND key = $3 AND id = $4`

const sweepSent = `-- process.sweepSent
DELETE FROM process_sent WHERE expires_at <= $1`

const anySent = `-- process.anySent
SELECT count(*) FROM (SELECT 1 FROM process_sent LIMIT 1) t`

const startColumns = `service, element, kind, name, source, version, office, model, process, calls, timer, value, business, due_at, times`

const allStarts = `-- process.allStarts
SELECT ` + startColumns + ` FROM process_start ORDER BY service, element`

const readStart = `-- process.readStart
SELECT ` + startColumns + ` FROM process_start WHERE service = $1 AND element = $2`

const lockStartPostgres = `-- process.lockStartPostgres
SELECT ` + startColumns + ` FROM process_start WHERE service = $1 AND element = $2 FOR UPDATE`

const startOfMessage = `-- process.startOfMessage
SELECT ` + startColumns + ` FROM process_start WHERE kind = 'message' AND name = $1 AND ($2 = '' OR office = $2)`

const startsOf = `-- process.startsOf
SELECT ` + startColumns + ` FROM process_start WHERE kind = $1 AND ($2 = '' OR name = $2) AND ($3 = '' OR office = $3) ORDER BY service, element`

const insertStart = `-- process.insertStart
INSERT INTO process_start (` + startColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`

const updateStart = `-- process.updateStart
UPDATE process_start SET version = $3, office = $4, model = $5, process = $6, calls = $7 WHERE service = $1 AND element = $2`

const scheduleStart = `-- process.scheduleStart
UPDATE process_start SET due_at = $3, times = $4 WHERE service = $1 AND element = $2`

const deleteStart = `-- process.deleteStart
DELETE FROM process_start WHERE service = $1 AND element = $2`

// The instance that was begun before is over, or there is none.
const insertBegun = `-- process.insertBegun
INSERT INTO process_begun (service, name, key, instance_id) VALUES ($1, $2, $3, $4)
ON CONFLICT (service, name, key) DO UPDATE SET instance_id = excluded.instance_id`

const runningFor = `-- process.runningFor
SELECT count(*) FROM process_begun b JOIN process_instance i ON i.id = b.instance_id
WHERE b.service = $1 AND b.name = $2 AND b.key = $3 AND i.status = 'running'`

const deleteBegun = `-- process.deleteBegun
DELETE FROM process_begun WHERE instance_id = $1 RETURNING name, key`
const sweepMessages = `-- process.sweepMessages
DELETE FROM process_message WHERE expires_at <= $1`

const anyMessage = `-- process.anyMessage
SELECT count(*) FROM (SELECT 1 FROM process_message LIMIT 1) t`

const insertSignal = `-- process.insertSignal
INSERT INTO process_signal (instance_id, token, name) VALUES ($1, $2, $3)`

const deleteSignal = `-- process.deleteSignal
DELETE FROM process_signal WHERE instance_id = $1 AND token = $2`

const waitingForSignal = `-- process.waitingForSignal
SELECT instance_id, token FROM process_signal s WHERE name = $1 AND (instance_id, token) > ($2, $3)
AND ($4 = '' OR EXISTS (SELECT 1 FROM process_instance i WHERE i.id = s.instance_id AND i.office = $4)) ORDER BY instance_id, token LIMIT 500`

const insertWork = `-- process.insertWork
INSERT INTO process_work (id, instance_id, token, type, office, retries, attempt, due_at, lock, worker, created_at)
VALUES ($1, $2, $3, $4, $5, $6, 0, $7, '', '', $7)`

const deleteWork = `-- process.deleteWork
DELETE FROM process_work WHERE instance_id = $1 AND token = $2`

// What is due is looked for type by type, so that the index serves it. A lock that is still there has
// run out: that was a try.
const takeWorkSQLite = `-- process.takeWorkSQLite
UPDATE process_work SET retries = CASE WHEN lock = '' THEN retries ELSE retries - 1 END, lock = $3, worker = $4, due_at = $5, attempt = attempt + 1
WHERE id IN (SELECT id FROM process_work WHERE type = $1 AND due_at <= $2 AND ($6 = '' OR office = $6) ORDER BY due_at, id LIMIT $7)
RETURNING id, instance_id, token, type, retries, attempt`

const takeWorkPostgres = `-- process.takeWorkPostgres
WITH due AS MATERIALIZED (
	SELECT id FROM process_work WHERE type = $1 AND due_at <= $2 AND ($6 = '' OR office = $6) ORDER BY due_at, id LIMIT $7 FOR UPDATE SKIP LOCKED
)
UPDATE process_work SET retries = CASE WHEN lock = '' THEN retries ELSE retries - 1 END, lock = $3, worker = $4, due_at = $5, attempt = attempt + 1
FROM due WHERE process_work.id = due.id
RETURNING process_work.id, instance_id, token, type, retries, attempt`

// Work that can't be given to anybody any more is nobody's until it is an incident.
const lapseWork = `-- process.lapseWork
DELETE FROM process_work WHERE id = $1 AND instance_id = $2 AND token = $3 AND lock = $4`

const anyWork = `-- process.anyWork
SELECT count(*) FROM (SELECT 1 FROM process_work WHERE type = $1 AND due_at <= $2 AND ($3 = '' OR office = $3) LIMIT 1) t`

// The types, and the offices of one, are found by leaping from one to the next in the index:
// one column at a time, because a comparison of two would read all of a type.
const workTypes = `-- process.workTypes
WITH RECURSIVE g (type, n) AS (
	SELECT min(type), 1 FROM process_work
	UNION ALL
	SELECT (SELECT min(type) FROM process_work WHERE type > g.type), g.n + 1 FROM g WHERE g.type IS NOT NULL AND g.n < $1
)
SELECT type FROM g WHERE type IS NOT NULL`

const workOffices = `-- process.workOffices
WITH RECURSIVE g (office, n) AS (
	SELECT min(office), 1 FROM process_work WHERE type = $1
	UNION ALL
	SELECT (SELECT min(office) FROM process_work WHERE type = $1 AND office > g.office), g.n + 1 FROM g WHERE g.office IS NOT NULL AND g.n < $2
)
SELECT office FROM g WHERE office IS NOT NULL`

const anyWorkOf = `-- process.anyWorkOf
SELECT count(*) FROM (SELECT 1 FROM process_work WHERE type = $1 AND office = $2 LIMIT 1) t`

const countWork = `-- process.countWork
SELECT count(*) FROM (SELECT 1 FROM process_work WHERE type = $1 AND office = $2 AND (worker = '' OR due_at <= $3) LIMIT $4) t`

// The first that isn't taken; before it are only those that somebody has.
const oldestWork = `-- process.oldestWork
SELECT created_at FROM process_work WHERE type = $1 AND office = $2 AND (worker = '' OR due_at <= $3) ORDER BY created_at LIMIT 1`

// What has failed waits without a worker, or has one again for another try.
const countFailed = `-- process.countFailed
SELECT (SELECT count(*) FROM (SELECT 1 FROM process_work WHERE type = $1 AND office = $2 AND attempt > 0 AND worker = '' LIMIT $3) a)
	+ (SELECT count(*) FROM (SELECT attempt FROM process_work WHERE type = $1 AND office = $2 AND attempt > 0 AND worker > '' LIMIT $3) b WHERE attempt > 1)`

const holdersOf = `-- process.holdersOf
SELECT worker, count(*) FROM (SELECT worker, due_at FROM process_work WHERE type = $1 AND office = $2 AND attempt > 0 AND worker > '' LIMIT $4) t
WHERE due_at > $3 GROUP BY worker ORDER BY worker`

const workersSeen = `-- process.workersSeen
SELECT type, client, office, seen_at FROM process_worker ORDER BY type, client LIMIT $1`

const workerSeen = `-- process.workerSeen
INSERT INTO process_worker (type, client, office, seen_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (type, client) DO UPDATE SET office = excluded.office, seen_at = excluded.seen_at`

const extendWork = `-- process.extendWork
UPDATE process_work SET due_at = $5 WHERE id = $1 AND lock = $2 AND worker = $3 AND due_at > $4`

// The lock is the authorisation: only who has it ends the task, and only before it runs out.
const endWork = `-- process.endWork
DELETE FROM process_work WHERE id = $1 AND lock = $2 AND worker = $3 AND due_at > $4 RETURNING instance_id, token, retries, attempt`

const failWork = `-- process.failWork
UPDATE process_work SET retries = $5, due_at = $6, lock = '', worker = '' WHERE id = $1 AND lock = $2 AND worker = $3 AND due_at > $4`

const lockedWork = `-- process.lockedWork
SELECT instance_id, token, retries, attempt FROM process_work WHERE id = $1 AND lock = $2 AND worker = $3 AND due_at > $4`

// The models are found by leaping from one to the next in the index.
const modelsOf = `-- process.modelsOf
WITH RECURSIVE m (model) AS (
	SELECT min(model) FROM process_instance WHERE service = $1
	UNION ALL
	SELECT (SELECT min(model) FROM process_instance WHERE service = $1 AND model > m.model) FROM m WHERE m.model IS NOT NULL
)
SELECT m.model, (SELECT max(created_at) FROM process_instance i WHERE i.service = $1 AND i.model = m.model) FROM m WHERE m.model IS NOT NULL LIMIT 200`

const lastBegun = `-- process.lastBegun
SELECT id, case_id, ref, label, service, version, office, model, process, status, state, revision, calls
FROM process_instance WHERE service = $1 AND model = $2 ORDER BY created_at DESC LIMIT $3`

const historyOfMany = `-- process.historyOfMany
SELECT instance_id, at, trace FROM process_history
WHERE instance_id IN (SELECT id FROM process_instance WHERE service = $1 AND model = $2 ORDER BY created_at DESC LIMIT $3)
ORDER BY instance_id, id`

const insertIncident = `-- process.insertIncident
INSERT INTO process_incident (id, instance_id, token, case_id, service, element, reason, cause, office, created_at, resolved_at, resolved_by, masked)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, '', 1)`

const unmasked = `-- process.unmasked
SELECT id, reason FROM process_incident WHERE masked = 0 ORDER BY id LIMIT $1`

const maskCause = `-- process.maskCause
UPDATE process_incident SET cause = $2, masked = 1 WHERE id = $1`

const resolveIncident = `-- process.resolveIncident
UPDATE process_incident SET resolved_at = $2, resolved_by = $3, resolved_name = $4 WHERE id = $1 AND resolved_at = 0`

const resolveIncidents = `-- process.resolveIncidents
UPDATE process_incident SET resolved_at = $2, resolved_by = $3, resolved_name = $4 WHERE instance_id = $1 AND resolved_at = 0`

const openIncidents = `-- process.openIncidents
SELECT id, instance_id, case_id, service, token, element, reason, created_at FROM process_incident
WHERE resolved_at = 0 AND id > $1 ORDER BY id LIMIT $2`

const incidentsOf = `-- process.incidentsOf
SELECT id, instance_id, case_id, service, token, element, reason, created_at FROM process_incident
WHERE instance_id = $1 AND resolved_at = 0 ORDER BY id LIMIT 100`

const moveIncident = `-- process.moveIncident
UPDATE process_incident SET element = $2 WHERE id = $1`

const insertModification = `-- process.insertModification
INSERT INTO process_modification (id, instance_id, at, actor_kind, actor_id, actor_name, reason, instructions)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

const modificationsOf = `-- process.modificationsOf
SELECT at, actor_name, reason, instructions FROM process_modification WHERE instance_id = $1 ORDER BY id LIMIT 200`

const retarget = `-- process.retarget
UPDATE process_instance SET model = $2, process = $3, version = $4, calls = $5 WHERE id = $1`

const retargetTasks = `-- process.retargetTasks
UPDATE process_task SET version = $2, revision = revision + 1 WHERE instance_id = $1 AND state = 'open'`

const openTask = `-- process.openTask
SELECT ` + taskColumns + ` FROM process_task WHERE instance_id = $1 AND token = $2 AND state = 'open'`

const changeTask = `-- process.changeTask
UPDATE process_task SET office = $2, element = $3, name = $4, form = $5, roles = $6, properties = $7, assignee = $8, assignee_name = $9,
	priority = $10, due_at = $11, revision = revision + 1
WHERE id = $1`

const readSubscription = `-- process.readSubscription
SELECT name, key, created_at FROM process_subscription WHERE instance_id = $1 AND token = $2`

const readSignal = `-- process.readSignal
SELECT name FROM process_signal WHERE instance_id = $1 AND token = $2`

const migrationColumns = `id, service, version, model, process, to_version, to_model, to_process, plan, reason, state, place, seen, done, problems, undone,
	report, actor_kind, actor_id, actor_name, run_by, created_at, changed_at, to_calls`

const insertMigration = `-- process.insertMigration
INSERT INTO process_migration (` + migrationColumns + `)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'rehearsing', '', 0, 0, 0, 0, $11, $12, $13, $14, '', $15, $15, $16)`

const readMigration = `-- process.readMigration
SELECT ` + migrationColumns + ` FROM process_migration WHERE id = $1`

const listMigrations = `-- process.listMigrations
SELECT ` + migrationColumns + ` FROM process_migration WHERE id < $1 ORDER BY id DESC LIMIT $2`

// Whoever was at this place last goes on; a second one at the same place changes nothing.
const rehearseOn = `-- process.rehearseOn
UPDATE process_migration SET place = $3, seen = $4, problems = $5, report = $6, state = $7, changed_at = $8
WHERE id = $1 AND state = 'rehearsing' AND place = $2`

const migrateOn = `-- process.migrateOn
UPDATE process_migration SET place = $3, state = $4, changed_at = $5 WHERE id = $1 AND state = $6 AND place = $2`

const turnMigration = `-- process.turnMigration
UPDATE process_migration SET state = $3, place = '', changed_at = $4, run_by = $5, actor_kind = $6,
	done = CASE WHEN $3 = 'running' THEN 0 ELSE done END, problems = CASE WHEN $3 = 'running' THEN 0 ELSE problems END
WHERE id = $1 AND state = $2`

const countMigrated = `-- process.countMigrated
UPDATE process_migration SET done = done + $2, problems = problems + $3, undone = undone + $4 WHERE id = $1 AND state = $5`

const toMigrate = `-- process.toMigrate
SELECT id, case_id, ref, label, service, version, office, model, process, status, state, revision, calls
FROM process_instance WHERE service = $1 AND status = 'running' AND id > $2
AND ($3 = '' OR version = $3) AND ($4 = '' OR model = $4) AND ($5 = '' OR process = $5) AND NOT (model = $6 AND process = $7 AND version = $8 AND calls = $9)
ORDER BY id LIMIT $10`

const insertMigrated = `-- process.insertMigrated
INSERT INTO process_migrated (migration_id, instance_id, state, reason, before, revision, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (migration_id, instance_id) DO NOTHING`

const readMigrated = `-- process.readMigrated
SELECT instance_id, state, reason, before, revision FROM process_migrated WHERE migration_id = $1 AND instance_id = $2`

const markMigrated = `-- process.markMigrated
UPDATE process_migrated SET state = $3, reason = $4, at = $5 WHERE migration_id = $1 AND instance_id = $2`

const listMigrated = `-- process.listMigrated
SELECT instance_id, state, reason, before, revision FROM process_migrated
WHERE migration_id = $1 AND state = $2 AND instance_id > $3 ORDER BY instance_id LIMIT $4`

// Versions of a service that cases run in, found one instance after the other; few
// services have many, so they are counted up to a bound.
const versionsRunning = `-- process.versionsRunning
SELECT version, model, process, calls, count(*) FROM
(SELECT version, model, process, calls FROM process_instance WHERE service = $1 AND status = 'running' ORDER BY id LIMIT $2) t
GROUP BY version, model, process, calls ORDER BY version, model, process, calls`

// The groups are found by leaping from one to the next in the index; each is counted up to a bound.
const incidentGroups = `-- process.incidentGroups
WITH RECURSIVE g (service, element, cause, n) AS (
	SELECT * FROM (SELECT service, element, cause, 1 FROM process_incident WHERE resolved_at = 0 AND ($1 = '' OR office = $1) ORDER BY service, element, cause LIMIT 1) f
	UNION ALL
	SELECT x.service, x.element, x.cause, g.n + 1 FROM g JOIN process_incident x ON x.id = (
		SELECT y.id FROM process_incident y WHERE y.resolved_at = 0 AND ($1 = '' OR y.office = $1) AND (y.service, y.element, y.cause) > (g.service, g.element, g.cause)
		ORDER BY y.service, y.element, y.cause, y.id LIMIT 1) WHERE g.n < $2
)
SELECT g.service, g.element, g.cause,
	(SELECT count(*) FROM (SELECT 1 FROM process_incident i WHERE i.resolved_at = 0 AND i.service = g.service AND i.element = g.element AND i.cause = g.cause AND ($1 = '' OR i.office = $1) LIMIT $3) c),
	(SELECT min(created_at) FROM (SELECT i.created_at FROM process_incident i WHERE i.resolved_at = 0 AND i.service = g.service AND i.element = g.element AND i.cause = g.cause AND ($1 = '' OR i.office = $1) ORDER BY i.id LIMIT 1) f),
	(SELECT max(created_at) FROM (SELECT i.created_at FROM process_incident i WHERE i.resolved_at = 0 AND i.service = g.service AND i.element = g.element AND i.cause = g.cause AND ($1 = '' OR i.office = $1) ORDER BY i.id DESC LIMIT 1) l)
FROM g LIMIT $2`

const openIncidentColumns = `x.id, x.instance_id, x.case_id, x.service, x.token, x.element, x.reason, x.created_at, x.cause, x.office, x.resolved_at, x.resolved_by, x.resolved_name, p.ref, p.version`

const groupIncidents = `-- process.groupIncidents
SELECT ` + openIncidentColumns + ` FROM process_incident x JOIN process_instance p ON p.id = x.instance_id
WHERE x.resolved_at = 0 AND x.service = $1 AND x.element = $2 AND x.cause = $3 AND x.id > $4 AND ($5 = '' OR x.office = $5) ORDER BY x.id LIMIT $6`

const oneIncident = `-- process.oneIncident
SELECT ` + openIncidentColumns + ` FROM process_incident x JOIN process_instance p ON p.id = x.instance_id WHERE x.id = $1 AND ($2 = '' OR x.office = $2)`

const incidentAt = `-- process.incidentAt
SELECT id FROM process_incident WHERE instance_id = $1 AND token = $2 AND resolved_at = 0 AND id > $3 ORDER BY id LIMIT 1`

const groupBounds = `-- process.groupBounds
SELECT count(*), COALESCE(max(id), '') FROM (SELECT id FROM process_incident
WHERE resolved_at = 0 AND service = $1 AND element = $2 AND cause = $3 AND ($4 = '' OR office = $4) ORDER BY id LIMIT $5) t`

const nextIncident = `-- process.nextIncident
SELECT id FROM process_incident WHERE resolved_at = 0 AND service = $1 AND element = $2 AND cause = $3 AND id > $4 AND id <= $5 AND ($6 = '' OR office = $6)
ORDER BY id LIMIT 1`

const insertRetry = `-- process.insertRetry
INSERT INTO process_retry (id, service, element, cause, office, chosen, last, upto, total, resolved, again, gone, failed, state, actor_kind, actor_id, actor_name, created_at, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, '', $7, $8, 0, 0, 0, 0, 'running', $9, $10, $11, $12, $12)`

// Only who read the place can move it on: each incident has one turn.
const retryHadTurn = `-- process.retryHadTurn
UPDATE process_retry SET last = $3, resolved = resolved + $4, again = again + $5, gone = gone + $6, failed = failed + $7, changed_at = $8
WHERE id = $1 AND last = $2 AND state = 'running'`

const endRetry = `-- process.endRetry
UPDATE process_retry SET state = 'done', changed_at = $2 WHERE id = $1 AND state = 'running'`

const retryColumns = `id, service, element, cause, office, chosen, last, upto, total, resolved, again, gone, failed, state, actor_kind, actor_id, actor_name, created_at, changed_at`

const oneRetry = `-- process.oneRetry
SELECT ` + retryColumns + ` FROM process_retry WHERE id = $1 AND ($2 = '' OR office = $2)`

const recentRetries = `-- process.recentRetries
SELECT ` + retryColumns + ` FROM process_retry WHERE ($1 = '' OR office = $1) ORDER BY created_at DESC, id DESC LIMIT $2`

// row is an instance as it is stored.
type row struct {
	Ref
	model, process string
	status         bpmn.Status
	state          bpmn.State
	revision       int64
	calls          string
}

func scanRow(s store.Scanner) (row, error) {
	var r row
	var state string
	err := s.Scan(&r.InstanceID, &r.CaseID, &r.CaseRef, &r.Label, &r.Service, &r.Version, &r.Office, &r.model, &r.process, &r.status, &state, &r.revision, &r.calls)
	if err != nil {
		return row{}, err
	}
	return r, json.Unmarshal([]byte(state), &r.state)
}

func scanStart(s store.Scanner) (start, error) {
	var st start
	var due int64
	err := s.Scan(&st.service, &st.element, &st.kind, &st.name, &st.source, &st.version, &st.office, &st.model, &st.process, &st.calls,
		&st.timer, &st.value, &st.business, &due, &st.times)
	if due != 0 {
		st.due = store.Time(due)
	}
	return st, err
}

// noDue stands for "no due date"; it sorts last, and a bound can still be above it.
const noDue = math.MaxInt64 - 1

func dueMicros(t time.Time) int64 {
	if t.IsZero() {
		return noDue
	}
	return store.Micros(t)
}

func scanTask(s store.Scanner) (UserTask, error) {
	var t UserTask
	var roles, properties string
	var due, created, done int64
	if err := s.Scan(&t.ID, &t.InstanceID, &t.Token, &t.CaseID, &t.CaseRef, &t.Label, &t.Service, &t.Version, &t.Office, &t.Element, &t.Name,
		&t.Form, &roles, &properties, &t.Assignee, &t.AssigneeName, &t.State, &t.Priority, &due, &created, &done, &t.Revision); err != nil {
		return UserTask{}, err
	}
	if due != noDue {
		t.Due = store.Time(due)
	}
	t.Created, t.DoneAt = store.Time(created), store.Time(done)
	if err := json.Unmarshal([]byte(roles), &t.Roles); err != nil {
		return UserTask{}, err
	}
	return t, json.Unmarshal([]byte(properties), &t.Properties)
}

func scanIncident(s store.Scanner) (Incident, error) {
	var i Incident
	var at int64
	err := s.Scan(&i.ID, &i.InstanceID, &i.CaseID, &i.Service, &i.Token, &i.Element, &i.Reason, &at)
	i.At = store.Time(at)
	return i, err
}

func scanOpenIncident(s store.Scanner) (OpenIncident, error) {
	var i OpenIncident
	var at, resolved int64
	err := s.Scan(&i.ID, &i.InstanceID, &i.CaseID, &i.Service, &i.Token, &i.Element, &i.Reason, &at, &i.Cause, &i.Office, &resolved, &i.ResolvedBy, &i.ResolvedName, &i.CaseRef, &i.Version)
	i.At = store.Time(at)
	if resolved != 0 {
		i.ResolvedAt = store.Time(resolved)
	}
	return i, err
}

func scanGroup(s store.Scanner) (GroupCount, error) {
	var g GroupCount
	var first, last int64
	err := s.Scan(&g.Service, &g.Element, &g.Cause, &g.N, &first, &last)
	g.First, g.Last = store.Time(first), store.Time(last)
	return g, err
}

func scanRetry(s store.Scanner) (BulkRetry, error) {
	var b BulkRetry
	var chosen string
	var at, changed int64
	if err := s.Scan(&b.ID, &b.Service, &b.Element, &b.Cause, &b.office, &chosen, &b.last, &b.upto, &b.Total, &b.Resolved, &b.Again, &b.Gone, &b.Failed,
		&b.State, &b.By.Kind, &b.By.ID, &b.By.Name, &at, &changed); err != nil {
		return b, err
	}
	b.At, b.Changed = store.Time(at), store.Time(changed)
	if chosen == "" {
		return b, nil
	}
	return b, json.Unmarshal([]byte(chosen), &b.Chosen)
}

func scanStep(s store.Scanner) (Step, error) {
	var st Step
	var at int64
	var trace string
	if err := s.Scan(&at, &st.Event, &st.ActorKind, &st.ActorID, &trace); err != nil {
		return Step{}, err
	}
	st.At = store.Time(at)
	return st, json.Unmarshal([]byte(trace), &st.Trace)
}
