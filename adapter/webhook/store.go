// SPDX-License-Identifier: EUPL-1.2

package webhook

import (
	"embed"
	"strings"

	"mercator/core/store"
)

//go:embed migrate/*.sql
var migrations embed.FS

// Migrations are the tables of subscriptions and deliveries.
func Migrations() store.Migrations { return store.Migrations{Room: "webhook", FS: migrations} }

const subscriptionColumns = `id, owner, office, url, types, description, state, secret, old_secret, old_until, given_up, created_at`

const addSubscription = `-- webhook.addSubscription
INSERT INTO webhook_subscription (` + subscriptionColumns + `) VALUES ($1, $2, $3, $4, $5, $6, 'active', $7, '', 0, 0, $8)`

const countSubscriptions = `-- webhook.countSubscriptions
SELECT COUNT(*) FROM webhook_subscription WHERE owner = $1`

const subscriptionsOf = `-- webhook.subscriptionsOf
SELECT ` + subscriptionColumns + ` FROM webhook_subscription WHERE owner = $1 ORDER BY id`

const subscriptionOf = `-- webhook.subscriptionOf
SELECT ` + subscriptionColumns + ` FROM webhook_subscription WHERE owner = $1 AND id = $2`

const activeSubscriptions = `-- webhook.activeSubscriptions
SELECT ` + subscriptionColumns + ` FROM webhook_subscription WHERE state = 'active' ORDER BY id`

const subscriptionByID = `-- webhook.subscriptionByID
SELECT ` + subscriptionColumns + ` FROM webhook_subscription WHERE id = $1`

const changeSubscription = `-- webhook.changeSubscription
UPDATE webhook_subscription SET url = $3, types = $4, description = $5, state = $6, given_up = $7 WHERE owner = $1 AND id = $2`

const rotateSecret = `-- webhook.rotateSecret
UPDATE webhook_subscription SET old_secret = secret, old_until = $3, secret = $4 WHERE owner = $1 AND id = $2`

const deleteSubscription = `-- webhook.deleteSubscription
DELETE FROM webhook_subscription WHERE owner = $1 AND id = $2`

const noteOutcome = `-- webhook.noteOutcome
UPDATE webhook_subscription SET given_up = $2, state = $3 WHERE id = $1`

const addDelivery = `-- webhook.addDelivery
INSERT INTO webhook_delivery (id, subscription, event_id, type, body, state, attempts, status, error, created_at, sent_at)
VALUES ($1, $2, $3, $4, $5, 'waiting', 0, 0, '', $6, 0) ON CONFLICT (subscription, event_id) DO NOTHING`

const deliveryColumns = `id, subscription, event_id, type, state, attempts, status, error, created_at, sent_at, body`

const deliveryByID = `-- webhook.deliveryByID
SELECT ` + deliveryColumns + ` FROM webhook_delivery WHERE id = $1`

const deliveriesOf = `-- webhook.deliveriesOf
SELECT ` + deliveryColumns + ` FROM webhook_delivery WHERE subscription = $1 AND id < $2 ORDER BY id DESC LIMIT $3`

const noteAttempt = `-- webhook.noteAttempt
UPDATE webhook_delivery SET state = $2, attempts = attempts + 1, status = $3, error = $4, sent_at = $5 WHERE id = $1 AND state = 'waiting'`

const giveUp = `-- webhook.giveUp
UPDATE webhook_delivery SET state = 'given_up', error = $2 WHERE id = $1 AND state = 'waiting'`

const sendAgain = `-- webhook.sendAgain
UPDATE webhook_delivery SET state = 'waiting' WHERE id = $1 AND subscription = $2 AND state <> 'waiting'`

const sweepDeliveries = `-- webhook.sweepDeliveries
DELETE FROM webhook_delivery WHERE created_at < $1 AND state <> 'waiting'`

func scanSubscription(s store.Scanner) (Subscription, error) {
	var x Subscription
	var types string
	var oldUntil, created int64
	err := s.Scan(&x.ID, &x.Owner, &x.Office, &x.URL, &types, &x.Description, &x.State, &x.secret, &x.oldSecret, &oldUntil, &x.givenUp, &created)
	x.Types, x.oldUntil, x.CreatedAt = strings.Fields(types), store.Time(oldUntil), store.Time(created)
	return x, err
}

func scanDelivery(s store.Scanner) (Delivery, error) {
	var d Delivery
	var created, sent int64
	err := s.Scan(&d.ID, &d.Subscription, &d.EventID, &d.Type, &d.State, &d.Attempts, &d.Status, &d.Error, &created, &sent, &d.body)
	d.CreatedAt, d.SentAt = store.Time(created), store.Time(sent)
	return d, err
}
