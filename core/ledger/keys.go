// SPDX-License-Identifier: EUPL-1.2

package ledger

import (
	"context"
	"strings"

	"mercator/core/audit"
	"mercator/core/store"
	"mercator/core/vault"
)

// Keys are the keys of persons in a vault: no backup of the database has them, so whom the city forgets is forgotten by
// its backups too.
func Keys(v *vault.Vault) audit.Keys { return keys{v} }

type keys struct{ vault *vault.Vault }

// subjectOf sets the key of the ledger apart from the one under which the person's data are sealed: what the registers
// hold and what is on record about it end at different times.
const subjectOf = "ledger:"

func (k keys) Of(ctx context.Context, q store.Q, persons []string) (map[string]string, error) {
	subjects := make([]string, len(persons))
	for i, p := range persons {
		subjects[i] = subjectOf + p
	}
	found, err := k.vault.Secrets(ctx, q, subjects)
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(found))
	for subject, secret := range found {
		out[strings.TrimPrefix(subject, subjectOf)] = string(secret)
	}
	return out, nil
}

func (k keys) Keep(ctx context.Context, tx *store.Tx, person, key string) error {
	return k.vault.Keep(ctx, tx, subjectOf+person, []byte(key))
}

func (k keys) Destroy(ctx context.Context, tx *store.Tx, person string) error {
	_, err := k.vault.Destroy(ctx, tx, subjectOf+person)
	return err
}
