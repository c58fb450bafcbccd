// SPDX-License-Identifier: EUPL-1.2

package payment

import (
	"context"
	"embed"
	"time"

	"mercator/core/store"
)

//go:embed migrate/*.sql
var migrations embed.FS

// Migrations are the tables of the cash desk.
func Migrations() store.Migrations { return store.Migrations{Room: "payment", FS: migrations} }

const insertPayment = `-- payment.insertPayment
INSERT INTO payment_payment (id, case_id, order_key, person, office, service, cents, purpose, lang, state, attempt, refund_due, created_at, changed_at, paid_at, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', 0, $11, $11, $12, 1)
ON CONFLICT (case_id, order_key) DO NOTHING`

const byOrder = `-- payment.byOrder
SELECT id, case_id, order_key, person, office, service, cents, purpose, lang, state, attempt, refund_due, created_at, changed_at, paid_at
FROM payment_payment WHERE case_id = $1 AND order_key = $2`

const byID = `-- payment.byID
SELECT id, case_id, order_key, person, office, service, cents, purpose, lang, state, attempt, refund_due, created_at, changed_at, paid_at
FROM payment_payment WHERE id = $1`

const ofPerson = `-- payment.ofPerson
SELECT id, case_id, order_key, person, office, service, cents, purpose, lang, state, attempt, refund_due, created_at, changed_at, paid_at
FROM payment_payment WHERE id = $1 AND person = $2`

const ofOffice = `-- payment.ofOffice
SELECT id, case_id, order_key, person, office, service, cents, purpose, lang, state, attempt, refund_due, created_at, changed_at, paid_at
FROM payment_payment WHERE id = $1 AND office = $2`

const openOfCase = `-- payment.openOfCase
SELECT id, case_id, order_key, person, office, service, cents, purpose, lang, state, attempt, refund_due, created_at, changed_at, paid_at
FROM payment_payment WHERE case_id = $1 AND state IN ('open', 'initiated', 'cancelled', 'failed')
ORDER BY id LIMIT 1`

const listOfCase = `-- payment.listOfCase
SELECT id, case_id, order_key, person, office, service, cents, purpose, lang, state, attempt, refund_due, created_at, changed_at, paid_at
FROM payment_payment WHERE case_id = $1 ORDER BY id LIMIT 100`

// lockPayment comes first in every transaction that changes a payment: on PostgreSQL it holds the row, on SQLite there is
// one writer anyway.
const lockPayment = `-- payment.lockPayment
UPDATE payment_payment SET version = version + 1 WHERE id = $1
RETURNING id, case_id, order_key, person, office, service, cents, purpose, lang, state, attempt, refund_due, created_at, changed_at, paid_at`

const updatePayment = `-- payment.updatePayment
UPDATE payment_payment SET state = $2, attempt = $3, refund_due = $4, changed_at = $5, paid_at = $6 WHERE id = $1`

const insertAttempt = `-- payment.insertAttempt
INSERT INTO payment_attempt (id, payment, transaction_id, redirect, state, detail, method, reference, cents, created_at, changed_at, checks, next_check)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, 0, $11)`

const updateAttempt = `-- payment.updateAttempt
UPDATE payment_attempt SET transaction_id = $2, redirect = $3, state = $4, detail = $5, method = $6, reference = $7, cents = $8, changed_at = $9, next_check = $10
WHERE id = $1`

const postpone = `-- payment.postpone
UPDATE payment_attempt SET checks = checks + 1, next_check = $2 WHERE id = $1`

const attemptByID = `-- payment.attemptByID
SELECT id, payment, transaction_id, redirect, state, detail, method, reference, cents, created_at, checks
FROM payment_attempt WHERE id = $1`

const attemptByTransaction = `-- payment.attemptByTransaction
SELECT id, payment, transaction_id, redirect, state, detail, method, reference, cents, created_at, checks
FROM payment_attempt WHERE transaction_id = $1 AND transaction_id <> ''`

const attemptsOf = `-- payment.attemptsOf
SELECT id, payment, transaction_id, redirect, state, detail, method, reference, cents, created_at, checks
FROM payment_attempt WHERE payment = $1 ORDER BY created_at, id LIMIT 200`

const due = `-- payment.due
SELECT id, payment, transaction_id, redirect, state, detail, method, reference, cents, created_at, checks
FROM payment_attempt WHERE next_check > 0 AND next_check <= $1 ORDER BY next_check, id LIMIT $2`

const insertRefund = `-- payment.insertRefund
INSERT INTO payment_refund (id, payment, attempt, cents, reason, state, created_at) VALUES ($1, $2, $3, $4, $5, 'due', $6)`

const listRefunds = `-- payment.listRefunds
SELECT r.id, r.payment, p.case_id, p.person, r.attempt, r.cents, r.reason, r.created_at
FROM payment_refund r JOIN payment_payment p ON p.id = r.payment
WHERE r.state = 'due' AND p.office = $1 AND r.id > $2 ORDER BY r.id LIMIT $3`

const finishRefund = `-- payment.finishRefund
UPDATE payment_refund SET state = 'done' WHERE id = $1 AND state = 'due' AND payment IN (
	SELECT id FROM payment_payment WHERE office = $2
) RETURNING payment, cents`

const takeCall = `-- payment.takeCall
INSERT INTO payment_call (nonce, at) VALUES ($1, $2)`

const wasTaken = `-- payment.wasTaken
SELECT COUNT(*) FROM payment_call WHERE nonce = $1`

const forgetCalls = `-- payment.forgetCalls
DELETE FROM payment_call WHERE at < $1`

func scanPayment(row store.Scanner) (Payment, error) {
	var p Payment
	var state string
	var created, changed, paid int64
	err := row.Scan(&p.ID, &p.Case, &p.Key, &p.Person, &p.Office, &p.Service, &p.Cents, &p.Purpose, &p.Lang, &state, &p.Attempt,
		&p.RefundDue, &created, &changed, &paid)
	p.State, p.Created, p.Changed, p.PaidAt = State(state), store.Time(created), store.Time(changed), store.Time(paid)
	return p, err
}

func scanAttempt(row store.Scanner) (Attempt, error) {
	var a Attempt
	var state string
	var created int64
	err := row.Scan(&a.ID, &a.Payment, &a.Transaction, &a.Redirect, &state, &a.Detail, &a.Method, &a.Reference, &a.Cents, &created, &a.Checks)
	a.State, a.Created = AttemptState(state), store.Time(created)
	return a, err
}

func savePayment(ctx context.Context, tx *store.Tx, p Payment, now time.Time) error {
	_, err := tx.Exec(ctx, updatePayment, p.ID, string(p.State), p.Attempt, p.RefundDue, store.Micros(now), store.Micros(p.PaidAt))
	return err
}

func addAttempt(ctx context.Context, tx *store.Tx, a Attempt, next time.Time) error {
	_, err := tx.Exec(ctx, insertAttempt, a.ID, a.Payment, a.Transaction, a.Redirect, string(a.State), a.Detail, a.Method, a.Reference,
		a.Cents, store.Micros(a.Created), store.Micros(next))
	return err
}

func saveAttempt(ctx context.Context, tx *store.Tx, a Attempt, now, next time.Time) error {
	_, err := tx.Exec(ctx, updateAttempt, a.ID, a.Transaction, a.Redirect, string(a.State), a.Detail, a.Method, a.Reference, a.Cents,
		store.Micros(now), store.Micros(next))
	return err
}

const pageOfPerson = `-- payment.pageOfPerson
SELECT id, case_id, order_key, person, office, service, cents, purpose, lang, state, attempt, refund_due, created_at, changed_at, paid_at
FROM payment_payment WHERE person = $1 AND person <> '' AND id < $2 ORDER BY id DESC LIMIT $3`
