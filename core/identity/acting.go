// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"context"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
)

// Act makes a session act under a mandate from its next request on; "" ends that. Whether the mandate is theirs and in force is
// asked at every request, not here.
func (s *Sessions) Act(ctx context.Context, session Session, mandate string) error {
	const op = "identity.act"
	return fault.Wrap(op, s.cfg.DB.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, setMandate, session.ID, mandate)
		if err == nil && n == 0 {
			return fault.New(fault.Unauthenticated, op, "")
		}
		return err
	}))
}

// acting is the actor with whom they act for. When that is over the actor still carries the mandate, so that the frame of the
// page can say so, with nobody to act for.
func (s *Sessions) acting(ctx context.Context, a access.Actor) (access.Actor, error) {
	if s.cfg.Acting == nil {
		return a, fault.New(fault.Denied, "identity.acting", access.MandateEnded)
	}
	found, err := s.cfg.Acting(ctx, a)
	if err != nil {
		return a, err
	}
	return found, nil
}
