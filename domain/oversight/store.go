// SPDX-License-Identifier: EUPL-1.2

package oversight

import (
	"embed"
	"encoding/json"

	"mercator/core/store"
)

//go:embed migrate/*.sql
var migrations embed.FS

// Migrations are the tables of the room.
func Migrations() store.Migrations { return store.Migrations{Room: "oversight", FS: migrations} }

const findingColumns = ` id, rule, at, last_at, times, actor_kind, actor, actor_name, office, resource, person, persons, purpose, case_id, entry, seen_at, seen_by, remark `

// addFinding counts on where the same was found before, the same day.
const addFinding = `-- oversight.addFinding
INSERT INTO oversight_finding (id, once, rule, at, last_at, times, actor_kind, actor, actor_name, office, resource, person, persons, purpose, case_id, entry, seen_at, seen_by, remark)
VALUES ($1, $2, $3, $4, $4, 1, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, '', '')
ON CONFLICT (once) DO UPDATE SET times = oversight_finding.times + 1, last_at = excluded.last_at,
	persons = CASE WHEN excluded.persons > oversight_finding.persons THEN excluded.persons ELSE oversight_finding.persons END
RETURNING` + findingColumns

const findingsOpen = `-- oversight.findingsOpen
SELECT` + findingColumns + `FROM oversight_finding WHERE seen_at = 0 AND id < $1 ORDER BY id DESC LIMIT $2`

const findingsSeen = `-- oversight.findingsSeen
SELECT` + findingColumns + `FROM oversight_finding WHERE seen_at > 0 AND id < $1 ORDER BY id DESC LIMIT $2`

const findingByID = `-- oversight.findingByID
SELECT` + findingColumns + `FROM oversight_finding WHERE id = $1`

const markSeen = `-- oversight.markSeen
UPDATE oversight_finding SET seen_at = $2, seen_by = $3, remark = $4 WHERE id = $1 AND seen_at = 0`

const dropFindings = `-- oversight.dropFindings
DELETE FROM oversight_finding WHERE last_at < $1`

const stateLeaf = `-- oversight.stateLeaf
SELECT leaf FROM oversight_state WHERE id = 1`

const moveLeaf = `-- oversight.moveLeaf
UPDATE oversight_state SET leaf = $1 WHERE id = 1 AND leaf = $2`

const stateTold = `-- oversight.stateTold
SELECT told_at FROM oversight_state WHERE id = 1`

const setTold = `-- oversight.setTold
UPDATE oversight_state SET told_at = $1 WHERE id = 1`

// untold has, with each, the newest of all.
const untold = `-- oversight.untold
SELECT id, rule, at, MAX(id) OVER () FROM oversight_finding WHERE told_at = 0 AND seen_at = 0
ORDER BY CASE WHEN rule = $1 THEN 0 ELSE 1 END, id DESC LIMIT $2`

const anyUntold = `-- oversight.anyUntold
SELECT COUNT(*) FROM (SELECT id FROM oversight_finding WHERE told_at = 0 AND seen_at = 0 LIMIT 1) AS x`

const markTold = `-- oversight.markTold
UPDATE oversight_finding SET told_at = $1 WHERE told_at = 0 AND seen_at = 0 AND id <= $2`

const noteRecent = `-- oversight.noteRecent
INSERT INTO oversight_recent (actor, person, at) VALUES ($1, $2, $3)
ON CONFLICT (actor, person) DO UPDATE SET at = CASE WHEN excluded.at > oversight_recent.at THEN excluded.at ELSE oversight_recent.at END`

const countRecent = `-- oversight.countRecent
SELECT COUNT(*) FROM oversight_recent WHERE actor = $1 AND at > $2`

const dropRecent = `-- oversight.dropRecent
DELETE FROM oversight_recent WHERE at < $1`

const setMark = `-- oversight.setMark
INSERT INTO oversight_mark (person, kind, at, marked_by) VALUES ($1, $2, $3, $4)
ON CONFLICT (person) DO UPDATE SET kind = excluded.kind, at = excluded.at, marked_by = excluded.marked_by`

const dropMark = `-- oversight.dropMark
DELETE FROM oversight_mark WHERE person = $1`

const markOf = `-- oversight.markOf
SELECT kind FROM oversight_mark WHERE person = $1`

const marks = `-- oversight.marks
SELECT person, kind, at FROM oversight_mark ORDER BY person LIMIT 500`

const forgetInFindings = `-- oversight.forgetInFindings
UPDATE oversight_finding SET person = '' WHERE person = $1`

const forgetInRecent = `-- oversight.forgetInRecent
DELETE FROM oversight_recent WHERE person = $1`

const forgetInGlasses = `-- oversight.forgetInGlasses
UPDATE oversight_glass SET person = '', reason = '' WHERE person = $1`

const dropGlasses = `-- oversight.dropGlasses
DELETE FROM oversight_glass WHERE until_at < $1`

const dropApprovals = `-- oversight.dropApprovals
DELETE FROM oversight_approval WHERE until_at < $1 AND state NOT IN ('waiting', 'approved')`

const glassColumns = ` id, at, until_at, actor, actor_name, office, resource, person, reason `

const addGlass = `-- oversight.addGlass
INSERT INTO oversight_glass (id, at, until_at, actor, actor_name, office, resource, person, reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

const glassFor = `-- oversight.glassFor
SELECT` + glassColumns + `FROM oversight_glass WHERE actor = $1 AND until_at > $2 AND resource = $3 AND person = $4 ORDER BY id DESC LIMIT 1`

const glassesOf = `-- oversight.glassesOf
SELECT` + glassColumns + `FROM oversight_glass WHERE actor = $1 AND until_at > $2 ORDER BY id DESC LIMIT 50`

const glassByID = `-- oversight.glassByID
SELECT` + glassColumns + `FROM oversight_glass WHERE id = $1 AND actor = $2 AND until_at > $3`

const approvalColumns = ` id, state, at, until_at, actor, actor_name, office, request, entry, ruled_at, ruled_by, ruled_name, reason, used_at `

// addApproval asks once: the same request that waits, or is approved and not yet used, is there already.
const addApproval = `-- oversight.addApproval
INSERT INTO oversight_approval (id, digest, state, at, until_at, actor, actor_name, office, request, entry, ruled_at, ruled_by, ruled_name, reason, used_at)
VALUES ($1, $2, 'waiting', $3, $4, $5, $6, $7, $8, $9, 0, '', '', '', 0) ON CONFLICT DO NOTHING`

const approvedFor = `-- oversight.approvedFor
SELECT id FROM oversight_approval WHERE digest = $1 AND state = 'approved' AND until_at > $2`

const useApproval = `-- oversight.useApproval
UPDATE oversight_approval SET state = 'used', used_at = $2 WHERE id = $1 AND state = 'approved' AND until_at > $2`

const ruleApproval = `-- oversight.ruleApproval
UPDATE oversight_approval SET state = $2, ruled_at = $3, ruled_by = $4, ruled_name = $5, reason = $6, until_at = $7
WHERE id = $1 AND state = 'waiting' AND until_at > $3 AND actor <> $4`

const lapse = `-- oversight.lapse
UPDATE oversight_approval SET state = 'lapsed' WHERE state IN ('waiting', 'approved') AND until_at <= $1`

const approvalsOf = `-- oversight.approvalsOf
SELECT` + approvalColumns + `FROM oversight_approval WHERE (office = $1 OR actor = $2) AND id < $3 ORDER BY id DESC LIMIT $4`

const approvalByID = `-- oversight.approvalByID
SELECT` + approvalColumns + `FROM oversight_approval WHERE id = $1 AND (office = $2 OR actor = $3)`

const standing = `-- oversight.standing
SELECT` + approvalColumns + `FROM oversight_approval WHERE id = $1`

func scanFinding(s store.Scanner) (f Finding, err error) {
	var at, last, seen int64
	err = s.Scan(&f.ID, &f.Rule, &at, &last, &f.Times, &f.ActorKind, &f.Actor, &f.ActorName, &f.Office, &f.Resource, &f.Person, &f.Persons, &f.Purpose, &f.Case, &f.Entry, &seen, &f.SeenBy, &f.Remark)
	f.At, f.Last = store.Time(at), store.Time(last)
	if seen > 0 {
		f.SeenAt = store.Time(seen)
	}
	return f, err
}

func scanGlass(s store.Scanner) (g Broken, err error) {
	var at, until int64
	err = s.Scan(&g.ID, &at, &until, &g.Actor, &g.ActorName, &g.Office, &g.Resource, &g.Person, &g.Reason)
	g.At, g.Until = store.Time(at), store.Time(until)
	return g, err
}

func scanApproval(s store.Scanner) (a Approval, err error) {
	var at, until, ruled, used int64
	var request string
	err = s.Scan(&a.ID, &a.State, &at, &until, &a.Actor, &a.ActorName, &a.Office, &request, &a.Entry, &ruled, &a.RuledBy, &a.RuledName, &a.Reason, &used)
	if err != nil {
		return a, err
	}
	a.At, a.Until = store.Time(at), store.Time(until)
	if ruled > 0 {
		a.RuledAt = store.Time(ruled)
	}
	if used > 0 {
		a.UsedAt = store.Time(used)
	}
	return a, json.Unmarshal([]byte(request), &a.Request)
}

// Mark is a person whose records tempt.
type Mark struct {
	Person, Kind string
}

func scanMark(s store.Scanner) (m Mark, err error) {
	var at int64
	err = s.Scan(&m.Person, &m.Kind, &at)
	return m, err
}
