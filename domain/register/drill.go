// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"mercator/core/store"
	"mercator/core/vault"
)

// Counts are the records of each register, for whoever holds a backup against what it was made of.
func Counts(ctx context.Context, q store.Q) (map[string]int64, error) {
	out := map[string]int64{}
	_, err := store.All(ctx, q, func(row store.Scanner) (struct{}, error) {
		var id string
		var n int64
		err := row.Scan(&id, &n)
		out[id] = n
		return struct{}{}, err
	}, recordCounts)
	return out, err
}

// Sampled is what came of opening a sample.
type Sampled struct{ Opened, Erased int }

// Sample opens what is sealed in about n records of each register, from all over it, and shows nothing of it: a drill
// wants to know whether the keys at hand are the ones. Erased are records whose key is destroyed.
func (s *Service) Sample(ctx context.Context, n int) (out Sampled, err error) {
	const page = 1000
	counts, err := Counts(ctx, s.db)
	if err != nil {
		return out, err
	}
	for _, d := range s.regs.All() {
		every := max(1, int(counts[d.ID])/max(n, 1))
		for last := ""; ; {
			rows, err := store.All(ctx, s.db, scanRow, recordsFrom, d.ID, last, page)
			if err != nil {
				return out, err
			}
			for _, r := range rows {
				last = r.ID
				if len(r.sealed) == 0 || rand.IntN(every) > 0 {
					continue
				}
				k, err := s.vault.Key(ctx, s.db, d.subject(r))
				if errors.Is(err, vault.ErrDestroyed) {
					out.Erased++
					continue
				}
				if err == nil {
					_, err = k.Open(r.place(), r.sealed)
				}
				if err != nil {
					return out, fmt.Errorf("the register %s: %w", d.ID, err)
				}
				out.Opened++
			}
			if len(rows) < page {
				break
			}
		}
	}
	return out, nil
}
