// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"slices"
	"time"

	"mercator/core/job"
	"mercator/core/store"
	"mercator/domain/register"
	"mercator/domain/service"
)

// jobForget is the daily work of forgetting. One key: one node at a time.
const jobForget = "registers.forget"

func (h *House) forgetWorker() job.Worker {
	return job.Worker{Kind: jobForget, Limit: 1, Timeout: 30 * time.Minute, Work: func(ctx context.Context, _ *job.Job) error { return h.forget(ctx) }}
}

// forget erases what the retention rules of the registers say is over, and old changes of their feed, once a day.
func (h *House) forget(ctx context.Context) error {
	n, err := h.registers.Forget(ctx, register.Forgetting{Permit: h.access.PermitTx, Needed: h.needed, Feed: h.config.Registers.Feed})
	if n != (register.Forgotten{}) {
		h.log.Info("what the retention rules let go is erased", "records", n.Erased, "left for open cases or restrictions", n.Left, "failed", n.Failed, "changes of the feed", n.Changes)
	}
	return err
}

// keepRetention has the work of a day done that isn't yet.
func (h *House) keepRetention(ctx context.Context) error {
	return h.every(ctx, 5*time.Minute, "what retention rules let go waits", func() (bool, error) {
		if done, err := h.registers.ForgotToday(ctx); err != nil || done {
			return false, err
		}
		return false, h.db.Write(ctx, func(tx *store.Tx) error {
			return h.jobs.Add(ctx, tx, job.New{Kind: jobForget, Key: jobForget})
		})
	})
}

// maxNeeded is how many open cases of a person are looked at; with more of them everything is kept.
const maxNeeded = 200

// needed tells whether an open case works with a record: the one in which it was changed last, or one of the person whose
// service reads or writes that register, or is about the person's rights.
func (h *House) needed(ctx context.Context, q store.Q, reg, person, caseID string) (bool, error) {
	if caseID != "" {
		if f, ok, err := h.caseFacts(ctx, q, caseID); err != nil || ok && f.Open {
			return true, err
		}
	}
	open, err := h.cases.OpenOf(ctx, q, person, maxNeeded)
	if err != nil || len(open) == maxNeeded {
		return true, err
	}
	for _, c := range open {
		s, err := h.services.Version(ctx, c.Service, c.Version)
		if err != nil {
			return true, err
		}
		if len(s.Rights) > 0 || slices.ContainsFunc(s.Data, func(u service.RegisterUse) bool { return h.reads(u, reg) }) ||
			slices.ContainsFunc(s.Write, func(w service.Write) bool { return w.Register == reg }) {
			return true, nil
		}
	}
	return false, nil
}
