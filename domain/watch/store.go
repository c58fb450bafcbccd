// SPDX-License-Identifier: EUPL-1.2

package watch

import (
	"embed"

	"mercator/core/store"
)

//go:embed migrate/*.sql
var migrations embed.FS

// Migrations are the tables of the room.
func Migrations() store.Migrations { return store.Migrations{Room: "watch", FS: migrations} }

const addOccasion = `-- watch.addOccasion
INSERT INTO watch_occasion (service, watch, register, record, occasion, opened, at) VALUES ($1, $2, $3, $4, $5, 1, $6)
ON CONFLICT DO NOTHING`

const addLook = `-- watch.addLook
INSERT INTO watch_occasion (service, watch, register, record, occasion, opened, at) VALUES ($1, $2, $3, $4, $5, 0, $6)
ON CONFLICT DO NOTHING`

const countOccasions = `-- watch.countOccasions
SELECT COUNT(*) FROM watch_occasion WHERE service = $1 AND watch = $2 AND record = $3 AND occasion = $4`

const forgetRecord = `-- watch.forgetRecord
DELETE FROM watch_occasion WHERE register = $1 AND record = $2`

const forgetOld = `-- watch.forgetOld
DELETE FROM watch_occasion WHERE opened = 0 AND at < $1`

const isOut = `-- watch.isOut
SELECT COUNT(*) FROM watch_out WHERE person = $1 AND service = $2`

const outOf = `-- watch.outOf
SELECT service FROM watch_out WHERE person = $1 ORDER BY service`

const optOut = `-- watch.optOut
INSERT INTO watch_out (person, service, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`

const optIn = `-- watch.optIn
DELETE FROM watch_out WHERE person = $1 AND service = $2`

const forgetPerson = `-- watch.forgetPerson
DELETE FROM watch_out WHERE person = $1`

const readPass = `-- watch.readPass
SELECT version, today, day, record, done FROM watch_pass WHERE service = $1 AND watch = $2`

const writePass = `-- watch.writePass
INSERT INTO watch_pass (service, watch, version, today, day, record, done) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (service, watch) DO UPDATE SET version = excluded.version, today = excluded.today, day = excluded.day, record = excluded.record, done = excluded.done`

// pass is how far the look of a day has come.
type pass struct {
	version, today, day, record string
	done                        int64
}

func scanPass(s store.Scanner) (p pass, err error) {
	err = s.Scan(&p.version, &p.today, &p.day, &p.record, &p.done)
	return p, err
}

func scanText(s store.Scanner) (t string, err error) {
	err = s.Scan(&t)
	return t, err
}

func scanCount(s store.Scanner) (n int, err error) {
	err = s.Scan(&n)
	return n, err
}
