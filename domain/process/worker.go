// SPDX-License-Identifier: EUPL-1.2

package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/job"
	"mercator/core/store"
	"mercator/lang/bpmn"
)

// Workers are the jobs of this office, for the queue that it was made with.
func (e *Engine) Workers() []job.Worker {
	return []job.Worker{
		{Kind: timerKind, Work: e.timer},
		{Kind: workKind, Work: e.work, Timeout: 2 * time.Minute, OnDead: e.workDead},
		{Kind: sweepKind, Work: e.sweep},
		{Kind: signalKind, Work: e.signal},
		{Kind: migrateKind, Work: e.migrateOn, Limit: 1, Timeout: 2 * time.Minute},
		{Kind: lapseKind, Work: e.lapsed},
		{Kind: forgetKind, Work: e.forget, Limit: 1},
		{Kind: retryKind, Work: e.retryOn, Limit: 2, OnDead: e.retryDead},
		{Kind: startTimerKind, Work: e.fire, OnDead: e.notFired},
		{Kind: beginKind, Work: e.beginJob},
		{Kind: nextKind, Work: e.succeed},
	}
}

func args(j *job.Job) (tokenArgs, error) {
	var a tokenArgs
	if err := json.Unmarshal(j.Args, &a); err != nil {
		return a, fault.Because(fault.Invalid, "process.job", "", err)
	}
	return a, nil
}

// timer fires a timer. One that nobody waits for any more just ends.
func (e *Engine) timer(ctx context.Context, j *job.Job) error {
	a, err := args(j)
	if err != nil {
		return err
	}
	return e.db.Write(ctx, func(tx *store.Tx) error {
		err := e.stepOn(context.WithValue(ctx, dueKey{}, a.Due), tx, a.Instance, access.SystemActor("process"), func(ctx context.Context) (bpmn.Event, error) {
			return bpmn.TimerFired{Token: a.Token}, j.Done(ctx, tx)
		})
		if errors.Is(err, bpmn.ErrNoToken) {
			return nil
		}
		return err
	})
}

// load is the work that a token waits for, or not ok.
func (e *Engine) load(ctx context.Context, q store.Q, a tokenArgs) (Work, bool, error) {
	r, err := store.One(ctx, q, scanRow, readInstance, a.Instance)
	if err != nil {
		return Work{}, false, ignoreNoRow(err)
	}
	t := r.state.Token(a.Token)
	if t == nil || t.Wait != bpmn.ForJob {
		return Work{}, false, nil
	}
	_, proc, err := e.process(ctx, q, &r)
	if err != nil {
		return Work{}, false, err
	}
	c, err := bpmn.JobOf(proc, r.state, e.now().In(e.zone), a.Token)
	if err != nil {
		return Work{}, false, err
	}
	s := stepping{row: &r}
	return s.work(c), true, nil
}

// work does an asynchronous service task: outside any transaction, then its effect,
// the end of the job and the step in one.
func (e *Engine) work(ctx context.Context, j *job.Job) error {
	a, err := args(j)
	if err != nil {
		return err
	}
	// What this process has just stored needn't be read again; it's what would be read.
	w, ok := j.Local.(Work)
	if ok {
		w.Vars, err = plain(w.Vars)
	} else {
		w, ok, err = e.load(ctx, e.db, a)
	}
	if err != nil || !ok {
		return err // without a token the job ends by itself
	}
	h := e.handlers[w.Type]
	if h.Async == nil {
		return fault.New(fault.Invalid, "process.work", "process.noHandler", "type", w.Type)
	}
	effect, err := h.Async(ctx, w)
	if err != nil {
		return e.workFailed(ctx, j, a, err)
	}
	err = e.db.Write(ctx, func(tx *store.Tx) error {
		return e.stepOn(ctx, tx, a.Instance, access.SystemActor("process"), func(ctx context.Context) (bpmn.Event, error) {
			if err := j.Done(ctx, tx); err != nil {
				return nil, err
			}
			vars := map[string]any(nil)
			if effect != nil {
				var err error
				if vars, err = effect(ctx, tx); err != nil {
					return nil, err
				}
			}
			vars, err := plain(vars)
			return bpmn.JobDone{Token: a.Token, Vars: vars}, err
		})
	})
	if errors.Is(err, bpmn.ErrNoToken) {
		return nil // cancelled meanwhile: nothing was stored
	}
	return e.workFailed(ctx, j, a, err)
}

// workFailed lets the model take an error that is meant for it; others are tried again or given up by the queue.
func (e *Engine) workFailed(ctx context.Context, j *job.Job, a tokenArgs, err error) error {
	var m *ModelError
	if !errors.As(err, &m) {
		return err
	}
	ev, ok := failure(a.Token, err)
	if !ok {
		return err
	}
	return e.db.Write(ctx, func(tx *store.Tx) error {
		return e.stepOn(ctx, tx, a.Instance, access.SystemActor("process"), func(ctx context.Context) (bpmn.Event, error) { return ev, j.Done(ctx, tx) })
	})
}

// workDead makes an incident of a service task that was tried often enough.
func (e *Engine) workDead(ctx context.Context, tx *store.Tx, j *job.Job, lastErr string) error {
	a, err := args(j)
	if err != nil {
		return nil
	}
	err = e.step(ctx, tx, a.Instance, access.SystemActor("process"),
		bpmn.JobFailed{Token: a.Token, Reason: fmt.Sprintf("tried %d times, the last error: %s", j.Attempt, lastErr)})
	if errors.Is(err, bpmn.ErrNoToken) {
		return nil
	}
	return ignoreNoRow(err)
}

// JobDone completes a service task from outside; completing it twice is a Conflict.
func (e *Engine) JobDone(ctx context.Context, tx *store.Tx, instance, token string, vars map[string]any) error {
	const op = "process.jobDone"
	vars, err := plain(vars)
	if err != nil {
		return fault.Wrap(op, err)
	}
	return stale(op, e.step(ctx, tx, instance, access.SystemActor("process"), bpmn.JobDone{Token: token, Vars: vars}))
}

// JobFailed makes an incident of a service task.
func (e *Engine) JobFailed(ctx context.Context, tx *store.Tx, instance, token, reason string) error {
	return stale("process.jobFailed", e.step(ctx, tx, instance, access.SystemActor("process"), bpmn.JobFailed{Token: token, Reason: reason}))
}

func stale(op string, err error) error {
	if errors.Is(err, bpmn.ErrNoToken) {
		return fault.Because(fault.Conflict, op, "process.stale", err)
	}
	return fault.Wrap(op, err)
}

// sweep throws away messages that nobody has waited for in time, once a day while there are any.
func (e *Engine) sweep(ctx context.Context, j *job.Job) error {
	return e.db.Write(ctx, func(tx *store.Tx) error {
		if err := j.Done(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, sweepMessages, store.Micros(e.now())); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, sweepSent, store.Micros(e.now())); err != nil {
			return err
		}
		var left, sent int
		if err := tx.QueryRow(ctx, anyMessage).Scan(&left); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, anySent).Scan(&sent); err != nil || left+sent == 0 {
			return err
		}
		return e.planSweep(ctx, tx)
	})
}

// planSweep plans the next clearing of messages; it waits once only.
func (e *Engine) planSweep(ctx context.Context, tx *store.Tx) error {
	_, err := e.jobs.Enqueue(ctx, tx, job.New{Kind: sweepKind, Key: sweepKind, RunAt: e.now().Add(24 * time.Hour), Args: struct{}{}})
	return err
}
