// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"context"
	"slices"

	"mercator/base/fault"
	"mercator/core/store"
)

// sealedBatch is how many records are sealed in one transaction.
const sealedBatch = 500

// Upgrade seals the records of before there were seals, once for each register, and then builds
// the index of what has come to be searchable. It can be stopped and begun again.
func (s *Service) Upgrade(ctx context.Context) error {
	const op = "register.upgrade"
	for _, d := range s.regs.All() {
		if !slices.ContainsFunc(d.Fields, d.sealed) {
			continue
		}
		mark := "sealed:" + d.ID
		if n, err := s.Loaded(ctx, mark); err != nil || n > 0 {
			if err != nil {
				return fault.Wrap(op, err)
			}
			continue
		}
		for last, more := "", true; more; {
			rows, err := store.All(ctx, s.db, scanRow, unsealedRecords, d.ID, last, sealedBatch)
			if err != nil {
				return fault.Wrap(op, err)
			}
			if more = len(rows) == sealedBatch; more {
				last = rows[len(rows)-1].ID
			}
			if err := s.db.Write(ctx, func(tx *store.Tx) error {
				for _, r := range rows {
					if err := s.upgrade(ctx, tx, d, r); err != nil {
						return err
					}
				}
				if more {
					return nil
				}
				_, err := tx.Exec(ctx, setLoadState, mark, 1, store.Micros(s.now()))
				return err
			}); err != nil {
				return fault.Wrap(op, err)
			}
		}
	}
	return fault.Wrap(op, s.build(ctx))
}

// upgrade stores a record and its versions anew, sealed and under its blind name.
func (s *Service) upgrade(ctx context.Context, tx *store.Tx, d *Definition, r row) error {
	old, err := store.All(ctx, tx, scanRow, versionsByID, d.ID, r.ID, maxVersions)
	if err != nil {
		return err
	}
	index := d.entriesOf(r.Data)
	if _, err := tx.Exec(ctx, deleteVersions, d.ID, r.ID); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, deleteRecord, d.ID, r.ID); err != nil {
		return err
	}
	seal := func(r row) (row, error) {
		var err error
		if r.ID, err = s.idOf(d, r.ID); err != nil {
			return r, err
		}
		k, err := s.keyOf(ctx, tx, d, r)
		if err != nil {
			return r, err
		}
		return d.seal(k, r)
	}
	for _, v := range old {
		if v, err = seal(v); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, insertVersion, v.args()...); err != nil {
			return err
		}
	}
	if r, err = seal(r); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, insertRecord, r.current()...); err != nil {
		return err
	}
	return s.writeIndex(ctx, tx, d, r.ID, index, findAgain, keyAgain)
}
