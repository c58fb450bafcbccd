// SPDX-License-Identifier: EUPL-1.2

package bus

import (
	"embed"
	"encoding/json"

	"mercator/core/store"
)

//go:embed migrate/*.sql
var migrations embed.FS

// Migrations are the tables of the outbox.
func Migrations() store.Migrations { return store.Migrations{Room: "bus", FS: migrations} }

const addEvent = `-- bus.addEvent
INSERT INTO bus_event (id, type, subject, at, data) VALUES ($1, $2, $3, $4, $5)`

const addPending = `-- bus.addPending
INSERT INTO bus_pending (target, event_id) VALUES ($1, $2)`

const pendingOf = `-- bus.pendingOf
SELECT e.id, e.type, e.subject, e.at, e.data FROM bus_pending p JOIN bus_event e ON e.id = p.event_id
WHERE p.target = $1 AND p.event_id > $2 ORDER BY p.event_id LIMIT $3`

const receipt = `-- bus.receipt
DELETE FROM bus_pending WHERE target = $1 AND event_id = $2`

const publishAgain = `-- bus.publishAgain
INSERT INTO bus_pending (target, event_id) SELECT CAST($1 AS TEXT), id FROM bus_event WHERE id = $2 ON CONFLICT DO NOTHING`

const publishAll = `-- bus.publishAll
INSERT INTO bus_pending (target, event_id) SELECT CAST($1 AS TEXT), id FROM bus_event WHERE TRUE ON CONFLICT DO NOTHING`

const recentIDs = `-- bus.recentIDs
SELECT id FROM bus_event WHERE at >= $1 ORDER BY id`

const newest = `-- bus.newest
SELECT COALESCE(MAX(at), 0) FROM bus_event`

const forgetTarget = `-- bus.forgetTarget
DELETE FROM bus_pending WHERE target = $1`

const targets = `-- bus.targets
SELECT DISTINCT target FROM bus_pending`

const sweep = `-- bus.sweep
DELETE FROM bus_event WHERE at < $1 AND NOT EXISTS (SELECT 1 FROM bus_pending p WHERE p.event_id = bus_event.id)`

const countPending = `-- bus.countPending
SELECT COUNT(*) FROM (SELECT 1 FROM bus_pending LIMIT 100000) AS waiting`

const countForHandlers = `-- bus.countForHandlers
SELECT COUNT(*) FROM (SELECT 1 FROM bus_pending WHERE target <> $1 LIMIT 1) AS waiting`

func scanEvent(s store.Scanner) (Event, error) {
	var e Event
	var at int64
	var data string
	err := s.Scan(&e.ID, &e.Type, &e.Subject, &at, &data)
	e.Time, e.Data = store.Time(at), json.RawMessage(data)
	return e, err
}
