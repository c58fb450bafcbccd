// SPDX-License-Identifier: EUPL-1.2

package vault

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"

	"mercator/base/fault"
	"mercator/core/store"
)

type line struct {
	Subject string `json:"s"`
	Wrapped []byte `json:"k"`
}

// exportBatch is how many keys are read, or stored, at once.
const exportBatch = 1000

// Export writes all keys, wrapped as they are, a line of JSON for each.
func Export(ctx context.Context, db *store.DB, w io.Writer) (n int, err error) {
	const op = "vault.export"
	out := json.NewEncoder(w)
	for last := ""; ; {
		keys, err := store.All(ctx, db, scanKey, keysFrom, last, exportBatch)
		if err != nil || len(keys) == 0 {
			return n, fault.Wrap(op, err)
		}
		for _, k := range keys {
			if err := out.Encode(line(k)); err != nil {
				return n, fault.Wrap(op, err)
			}
		}
		n += len(keys)
		last = keys[len(keys)-1].Subject
	}
}

// Import stores the keys that Export has written, beside those that are there.
func Import(ctx context.Context, db *store.DB, r io.Reader) (n int, err error) {
	const op = "vault.import"
	in := json.NewDecoder(bufio.NewReader(r))
	for end := false; !end; {
		var batch []line
		for len(batch) < exportBatch {
			var l line
			err := in.Decode(&l)
			if errors.Is(err, io.EOF) {
				end = true
				break
			}
			if err != nil || l.Subject == "" || len(l.Wrapped) == 0 || len(l.Wrapped) > 1000 {
				return n, fault.Internalf(op, "the file of keys is damaged after %d keys", n+len(batch))
			}
			batch = append(batch, l)
		}
		if err := db.Write(ctx, func(tx *store.Tx) error {
			for _, l := range batch {
				if _, err := tx.Exec(ctx, addKey, l.Subject, l.Wrapped); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return n, fault.Wrap(op, err)
		}
		n += len(batch)
	}
	return n, nil
}
