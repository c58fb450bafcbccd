// SPDX-License-Identifier: EUPL-1.2

package mandate

import (
	"embed"
	"encoding/json"

	"mercator/core/store"
)

//go:embed migrate/*.sql
var migrations embed.FS

// Migrations are the tables of the room.
func Migrations() store.Migrations { return store.Migrations{Room: "mandate", FS: migrations} }

const columns = ` id, kind, state, principal, principal_name, delegate, delegate_name, organisation, office, every, services, topics, actions,
	from_at, until_at, code_until, created_at, accepted_at, confirmed_at, confirmed_by, proof, ended_at, ended_by, used_at, uses, principal_sealed, delegate_sealed `

const insert = `-- mandate.insert
INSERT INTO mandate_mandate (id, kind, state, principal, principal_name, principal_sealed, delegate, delegate_name, delegate_sealed, organisation, office, every, services, topics, actions,
	from_at, until_at, code_hash, code_until, created_at, accepted_at, confirmed_at, confirmed_by, proof, ended_at, ended_by, used_at, uses)
VALUES ($1, $2, $3, $4, '', $5, $6, '', $7, '', $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, 0, '', 0, 0)`

// inForce is the condition under which a mandate can be used: $1 the mandate, $2 who uses it, $3 when.
const inForce = `id = $1 AND delegate = $2 AND delegate <> '' AND state = 'active' AND from_at <= $3 AND until_at > $3`

// use takes the row: whoever revokes it waits for the transaction that uses it, or comes before.
const use = `-- mandate.use
UPDATE mandate_mandate SET uses = uses + 1, used_at = $3 WHERE ` + inForce + `
RETURNING` + columns

const current = `-- mandate.current
SELECT` + columns + `FROM mandate_mandate WHERE ` + inForce

const principalOf = `-- mandate.principalOf
SELECT principal FROM mandate_mandate WHERE id = $1`

const given = `-- mandate.given
SELECT` + columns + `FROM mandate_mandate WHERE principal = $1 AND id < $2 ORDER BY id DESC LIMIT $3`

const received = `-- mandate.received
SELECT` + columns + `FROM mandate_mandate WHERE delegate = $1 AND delegate <> '' AND id < $2 ORDER BY id DESC LIMIT $3`

const ofEither = `-- mandate.ofEither
SELECT` + columns + `FROM mandate_mandate WHERE id = $1 AND (principal = $2 OR delegate = $2 AND delegate <> '')`

const ofOffice = `-- mandate.ofOffice
SELECT` + columns + `FROM mandate_mandate WHERE id = $1 AND office = $2 AND office <> '' AND state <> 'invited'`

const listOffice = `-- mandate.listOffice
SELECT` + columns + `FROM mandate_mandate WHERE office = $1 AND office <> '' AND state = $2 AND id < $3 ORDER BY id DESC LIMIT $4`

const openInvitations = `-- mandate.openInvitations
SELECT count(*) FROM mandate_mandate WHERE principal = $1 AND state = 'invited' AND code_until > $2`

const byCode = `-- mandate.byCode
SELECT` + columns + `FROM mandate_mandate WHERE code_hash = $1 AND code_hash <> '' AND state = 'invited' AND code_until > $2 AND until_at > $2 AND principal <> $3`

// accept redeems a code once: whoever comes second finds none.
const accept = `-- mandate.accept
UPDATE mandate_mandate SET state = $2, delegate = $3, delegate_sealed = $4, organisation = $5, accepted_at = $6, code_hash = ''
WHERE code_hash = $1 AND code_hash <> '' AND state = 'invited' AND code_until > $6 AND until_at > $6 AND principal <> $3
RETURNING` + columns

// revoke ends a mandate that a person gave, from either side.
const revoke = `-- mandate.revoke
UPDATE mandate_mandate SET state = 'ended', ended_at = $3, ended_by = CASE WHEN principal = $2 THEN 'principal' ELSE 'delegate' END, code_hash = ''
WHERE id = $1 AND (principal = $2 OR delegate = $2 AND delegate <> '') AND state <> 'ended'
RETURNING` + columns

const confirm = `-- mandate.confirm
UPDATE mandate_mandate SET state = 'active', confirmed_at = $3, confirmed_by = $4, proof = $5 WHERE id = $1 AND office = $2 AND office <> '' AND state = 'unconfirmed'
RETURNING` + columns

const endByOffice = `-- mandate.endByOffice
UPDATE mandate_mandate SET state = 'ended', ended_at = $3, ended_by = 'office', confirmed_by = $4, proof = $5, code_hash = ''
WHERE id = $1 AND office = $2 AND office <> '' AND state IN ('unconfirmed', 'active')
RETURNING` + columns

// endOfPerson ends what somebody gave or has, because they are no longer there.
const endOfPerson = `-- mandate.endOfPerson
UPDATE mandate_mandate SET state = 'ended', ended_at = $2, ended_by = 'office', code_hash = '' WHERE (principal = $1 OR delegate = $1) AND state <> 'ended'`

const same = `-- mandate.same
SELECT count(*) FROM mandate_mandate WHERE principal = $1 AND delegate = $2 AND kind = $3 AND state = 'active' AND until_at > $4`

const addGuess = `-- mandate.addGuess
INSERT INTO mandate_guess (id, person, at) VALUES ($1, $2, $3)`

const guesses = `-- mandate.guesses
SELECT count(*) FROM mandate_guess WHERE person = $1 AND at > $2`

const forgetGuesses = `-- mandate.forgetGuesses
DELETE FROM mandate_guess WHERE at <= $1`

// forgetMandates forgets what nobody can claim anything from any more, and invitations that came to nothing.
const forgetMandates = `-- mandate.forgetMandates
DELETE FROM mandate_mandate WHERE until_at <= $1 OR ended_at <> 0 AND ended_at <= $1 OR state = 'invited' AND code_until <= $2`

const forgetDeputies = `-- mandate.forgetDeputies
DELETE FROM mandate_deputy WHERE until_at <= $1 OR ended_at <> 0 AND ended_at <= $1`

// unsealed are mandates of before names were sealed: $1 the last one seen, $2 how many.
const unsealed = `-- mandate.unsealed
SELECT` + columns + `FROM mandate_mandate WHERE id > $1 AND (principal_name <> '' OR delegate_name <> '') ORDER BY id LIMIT $2`

const setSealed = `-- mandate.setSealed
UPDATE mandate_mandate SET principal_name = '', principal_sealed = $2, delegate_name = '', delegate_sealed = $3 WHERE id = $1`

func scan(s store.Scanner) (m Mandate, err error) {
	var services, topics, actions string
	var from, until, codeUntil, created, accepted, confirmed, ended, used int64
	if err := s.Scan(&m.ID, &m.Kind, &m.State, &m.Principal, &m.PrincipalName, &m.Delegate, &m.DelegateName, &m.Organisation, &m.Office, &m.All,
		&services, &topics, &actions, &from, &until, &codeUntil, &created, &accepted, &confirmed, &m.ConfirmedBy, &m.Proof, &ended, &m.EndedBy, &used, &m.Uses, &m.principalSealed, &m.delegateSealed); err != nil {
		return m, err
	}
	m.From, m.Until, m.CodeUntil, m.CreatedAt = store.Time(from), store.Time(until), store.Time(codeUntil), store.Time(created)
	m.AcceptedAt, m.ConfirmedAt, m.EndedAt, m.UsedAt = store.Time(accepted), store.Time(confirmed), store.Time(ended), store.Time(used)
	for _, x := range []struct {
		raw  string
		into *[]string
	}{{services, &m.Services}, {topics, &m.Topics}, {actions, &m.Actions}} {
		if err := json.Unmarshal([]byte(x.raw), x.into); err != nil {
			return m, err
		}
	}
	return m, nil
}

func texts(l []string) string {
	if l == nil {
		l = []string{}
	}
	b, _ := json.Marshal(l) // strings always marshal
	return string(b)
}

// --- deputies

const setStaff = `-- mandate.setStaff
INSERT INTO mandate_staff (id, name, office, roles, seen_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, office = excluded.office, roles = excluded.roles, seen_at = excluded.seen_at`

const listStaff = `-- mandate.listStaff
SELECT id, name, office, roles FROM mandate_staff ORDER BY office, name, id LIMIT 1000`

const dropStaff = `-- mandate.dropStaff
DELETE FROM mandate_staff WHERE id = $1`

const staffOf = `-- mandate.staffOf
SELECT id, name, office, roles FROM mandate_staff WHERE id = $1`

const deputyColumns = ` id, represented, represented_name, office, deputy, deputy_name, reserved, from_at, until_at, created_at, created_by, created_name, ended_at, ended_name, used_at, uses `

const insertDeputy = `-- mandate.insertDeputy
INSERT INTO mandate_deputy (` + deputyColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, '', 0, 0)`

const deputyInForce = `id = $1 AND deputy = $2 AND ended_at = 0 AND from_at <= $3 AND until_at > $3`

const useDeputy = `-- mandate.useDeputy
UPDATE mandate_deputy SET uses = uses + 1, used_at = $3 WHERE ` + deputyInForce + `
RETURNING` + deputyColumns

const currentDeputy = `-- mandate.currentDeputy
SELECT` + deputyColumns + `FROM mandate_deputy WHERE ` + deputyInForce

const deputiesOf = `-- mandate.deputiesOf
SELECT` + deputyColumns + `FROM mandate_deputy WHERE (represented = $1 OR deputy = $1 OR $2 <> '' AND office = $2) AND until_at > $3 AND ended_at = 0 ORDER BY id DESC LIMIT 200`

const endDeputy = `-- mandate.endDeputy
UPDATE mandate_deputy SET ended_at = $4, ended_name = $5
WHERE id = $1 AND (represented = $2 OR deputy = $2 OR $3 <> '' AND office = $3) AND ended_at = 0`

func scanDeputy(s store.Scanner) (d Deputy, err error) {
	var from, until, created, ended, used int64
	err = s.Scan(&d.ID, &d.Represented, &d.RepresentedName, &d.Office, &d.Deputy, &d.DeputyName, &d.Reserved, &from, &until, &created, &d.CreatedBy, &d.CreatedName, &ended, &d.EndedName, &used, &d.Uses)
	d.From, d.Until, d.CreatedAt, d.EndedAt, d.UsedAt = store.Time(from), store.Time(until), store.Time(created), store.Time(ended), store.Time(used)
	return d, err
}

func scanStaff(s store.Scanner) (m Member, err error) {
	var roles string
	if err := s.Scan(&m.ID, &m.Name, &m.Office, &roles); err != nil {
		return m, err
	}
	return m, json.Unmarshal([]byte(roles), &m.Roles)
}
