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

const saveInstance = `-- process.saveInstance
UPDATE process_instance SET status = $2, state = $3, changed_at = $4, revision = revision + 1 WHERE id = $1`

const instanceOfCase = `-- process.instanceOfCase
SELECT id, case_id, ref, label, service, version, office, model, process, status, state, revision, calls
FROM process_instance WHERE case_id = $1 ORDER BY id LIMIT 1`

const readInstance = `-- process.readInstance
SELECT id, case_id, ref, label, service, version, office, model, process, status, state, revision, calls
FROM process_instance WHERE id = $1`

const insertHistory = `-- process.insertHistory
INSERT INTO process_history (id, instance_id, at, event, actor_kind, actor_id, trace) VALUES ($1, $2, $3, $4, $5, $6, $7)`

const historyOf = `-- process.historyOf
SELECT at, event, actor_kind, actor_id, trace FROM process_history WHERE instance_id = $1 ORDER BY id LIMIT 2000`

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
SELECT instance_id, token FROM process_subscription WHERE name = $1 AND key = $2 ORDER BY created_at, instance_id, token LIMIT 1`

const insertMessage = `-- process.insertMessage
INSERT INTO process_message (id, name, key, vars, expires_at) VALUES ($1, $2, $3, $4, $5)`

const takeMessage = `-- process.takeMessage
DELETE FROM process_message WHERE id = (SELECT id FROM process_message WHERE name = $1 AND key = $2 AND expires_at > $3 ORDER BY id LIMIT 1)
RETURNING vars`

const sweepMessages = `-- process.sweepMessages
DELETE FROM process_message WHERE expires_at <= $1`

const anyMessage = `-- process.anyMessage
SELECT count(*) FROM (SELECT 1 FROM process_message LIMIT 1) t`

const insertSignal = `-- process.insertSignal
INSERT INTO process_signal (instance_id, token, name) VALUES ($1, $2, $3)`

const deleteSignal = `-- process.deleteSignal
DELETE FROM process_signal WHERE instance_id = $1 AND token = $2`

const waitingForSignal = `-- process.waitingForSignal
SELECT instance_id, token FROM process_signal WHERE name = $1 AND (instance_id, token) > ($2, $3) ORDER BY instance_id, token LIMIT 500`

const insertWork = `-- process.insertWork
INSERT INTO process_work (id, instance_id, token, type, office, retries, attempt, due_at, lock, worker, created_at)
VALUES ($1, $2, $3, $4, $5, $6, 0, $7, '', '', $7)`

const deleteWork = `-- process.deleteWork
DELETE FROM process_work WHERE instance_id = $1 AND token = $2`

// What is due is looked for type by type, so that the index serves it. Who loses the race for a row on
// PostgreSQL finds its due_at in the future and goes without it.
const takeWork = `-- process.takeWork
UPDATE process_work SET lock = $3, worker = $4, due_at = $5, attempt = attempt + 1
WHERE id IN (SELECT id FROM process_work WHERE type = $1 AND due_at <= $2 AND ($6 = '' OR office = $6) ORDER BY due_at, id LIMIT $7) AND due_at <= $2
RETURNING id, instance_id, token, type, retries, attempt`

const anyWork = `-- process.anyWork
SELECT count(*) FROM (SELECT 1 FROM process_work WHERE type = $1 AND due_at <= $2 AND ($3 = '' OR office = $3) LIMIT 1) t`

const extendWork = `-- process.extendWork
UPDATE process_work SET due_at = $5 WHERE id = $1 AND lock = $2 AND worker = $3 AND due_at > $4`

// The lock is the authorisation: only who has it ends the task, and only before it runs out.
const endWork = `-- process.endWork
DELETE FROM process_work WHERE id = $1 AND lock = $2 AND worker = $3 AND due_at > $4 RETURNING instance_id, token, retries, attempt`

const failWork = `-- process.failWork
UPDATE process_work SET retries = $5, due_at = $6, lock = '', worker = '' WHERE id = $1 AND lock = $2 AND worker = $3 AND due_at > $4`

const lockedWork = `-- process.lockedWork
SELECT instance_id, token, retries, attempt FROM process_work WHERE id = $1 AND lock = $2 AND worker = $3 AND due_at > $4`

const insertIncident = `-- process.insertIncident
INSERT INTO process_incident (id, instance_id, token, case_id, service, element, reason, created_at, resolved_at, resolved_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, '')`

const resolveIncident = `-- process.resolveIncident
UPDATE process_incident SET resolved_at = $2, resolved_by = $3 WHERE id = $1 AND resolved_at = 0 RETURNING instance_id, token`

const resolveIncidents = `-- process.resolveIncidents
UPDATE process_incident SET resolved_at = $2, resolved_by = $3 WHERE instance_id = $1 AND resolved_at = 0`

const openIncidents = `-- process.openIncidents
SELECT id, instance_id, case_id, service, token, element, reason, created_at FROM process_incident
WHERE resolved_at = 0 AND id > $1 ORDER BY id LIMIT $2`

const incidentsOf = `-- process.incidentsOf
SELECT id, instance_id, case_id, service, token, element, reason, created_at FROM process_incident
WHERE instance_id = $1 AND resolved_at = 0 ORDER BY id LIMIT 100`

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
