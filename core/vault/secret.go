// SPDX-License-Identifier: EUPL-1.2

package vault

import (
	"context"
	"slices"

	"mercator/base/fault"
	"mercator/core/store"
)

// A room that needs a key of its own for a subject, because others compute with it too (the ledger's commitments), keeps
// it here: as a secret it lies with the keys, goes with them into their backup and nowhere else, and is destroyed by Destroy.

// Keep keeps a secret for a subject, unless there is one.
func (v *Vault) Keep(ctx context.Context, tx *store.Tx, subject string, secret []byte) error {
	const op = "vault.keep"
	wrapped, err := v.encrypt(secret, subject)
	if err != nil {
		return fault.Wrap(op, err)
	}
	return fault.Wrap(op, tx.Later(ctx, addKey, subject, wrapped))
}

// Secrets are those of many subjects, as far as there are any.
func (v *Vault) Secrets(ctx context.Context, q store.Q, subjects []string) (map[string][]byte, error) {
	const op = "vault.secrets"
	out := make(map[string][]byte, len(subjects))
	for part := range slices.Chunk(subjects, keysAtOnce) {
		there, err := store.All(ctx, q, scanKey, keysOf, padded(part)...)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		for _, w := range there {
			if out[w.Subject], err = v.decrypt(w.Wrapped, w.Subject); err != nil {
				return nil, fault.Internalf(op, "a key doesn't open: it was changed, or belongs to another keyset")
			}
		}
	}
	return out, nil
}

// padded are the arguments of keysOf: it has always the same number, so that it is prepared once.
func padded(subjects []string) []any {
	args := make([]any, keysAtOnce)
	for i := range args {
		args[i] = subjects[min(i, len(subjects)-1)]
	}
	return args
}
