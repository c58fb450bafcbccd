// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"context"
	"embed"
	"encoding/json"

	"mercator/core/access"
	"mercator/core/store"
)

//go:embed migrate/*.sql
var migrations embed.FS

// Migrations are the tables of sessions and accounts.
func Migrations() store.Migrations { return store.Migrations{Room: "identity", FS: migrations} }

const insertSession = `-- identity.insertSession
INSERT INTO identity_session (hash, kind, actor, name, office, roles, level, csrf, sealed_hint, begun_at, seen_at, ends_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`

const selectSession = `-- identity.selectSession
SELECT s.hash, s.kind, s.actor, s.name, s.office, s.roles, s.level, s.csrf, s.sealed_hint, s.begun_at, s.seen_at, s.ends_at, s.mandate, COALESCE(p.person, '')
FROM identity_session s LEFT JOIN identity_staff p ON p.actor = s.actor AND s.kind = 'clerk' WHERE s.hash = $1`

const setStaff = `-- identity.setStaff
INSERT INTO identity_staff (actor, person) VALUES ($1, $2) ON CONFLICT (actor) DO UPDATE SET person = excluded.person`

const dropStaff = `-- identity.dropStaff
DELETE FROM identity_staff WHERE actor = $1`

const personOfStaff = `-- identity.personOfStaff
SELECT person FROM identity_staff WHERE actor = $1`

const touch = `-- identity.touch
UPDATE identity_session SET seen_at = $2 WHERE hash = $1 AND seen_at < $2`

const setMandate = `-- identity.setMandate
UPDATE identity_session SET mandate = $2 WHERE hash = $1`

const endSession = `-- identity.endSession
DELETE FROM identity_session WHERE hash = $1`

const endActor = `-- identity.endActor
DELETE FROM identity_session WHERE kind = $1 AND actor = $2`

const endSurplus = `-- identity.endSurplus
DELETE FROM identity_session WHERE hash IN (
	SELECT hash FROM identity_session WHERE kind = $1 AND actor = $2 ORDER BY seen_at DESC, hash LIMIT 1000 OFFSET $3
)`

const sweep = `-- identity.sweep
DELETE FROM identity_session WHERE ends_at <= $1 OR seen_at <= $2`

const selectAccount = `-- identity.selectAccount
SELECT actor, proven FROM identity_account WHERE issuer = $1 AND subject = $2`

const insertAccount = `-- identity.insertAccount
INSERT INTO identity_account (issuer, subject, actor, proven, begun_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (issuer, subject) DO NOTHING`

const proveAccount = `-- identity.proveAccount
UPDATE identity_account SET actor = $3, proven = TRUE WHERE issuer = $1 AND subject = $2 AND NOT proven`

func addSession(ctx context.Context, tx *store.Tx, s Session) error {
	roles, err := json.Marshal(append([]string{}, s.Actor.Roles...))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, insertSession, s.ID, string(s.Actor.Kind), s.Actor.ID, s.Actor.Name, s.Actor.Office, string(roles),
		int64(s.Actor.Level), s.CSRF, s.hint, store.Micros(s.Begun), store.Micros(s.seen), store.Micros(s.Ends))
	return err
}

func findSession(ctx context.Context, q store.Q, hash string) (Session, error) {
	return store.One(ctx, q, func(row store.Scanner) (Session, error) {
		var s Session
		var kind, roles string
		var level, begun, seen, ends int64
		if err := row.Scan(&s.ID, &kind, &s.Actor.ID, &s.Actor.Name, &s.Actor.Office, &roles, &level, &s.CSRF, &s.hint,
			&begun, &seen, &ends, &s.Actor.Mandate, &s.Actor.Self); err != nil {
			return s, err
		}
		s.Actor.Kind, s.Actor.Level = access.Kind(kind), access.Level(level)
		s.Actor = cameIn(s.Actor)
		s.Begun, s.seen, s.Ends = store.Time(begun), store.Time(seen), store.Time(ends)
		return s, json.Unmarshal([]byte(roles), &s.Actor.Roles)
	}, selectSession, hash)
}

type account struct {
	actor  string
	proven bool
}

func findAccount(ctx context.Context, q store.Q, issuer, subject string) (account, error) {
	return store.One(ctx, q, func(row store.Scanner) (account, error) {
		var a account
		err := row.Scan(&a.actor, &a.proven)
		return a, err
	}, selectAccount, issuer, subject)
}
