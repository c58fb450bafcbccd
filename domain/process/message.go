// SPDX-License-Identifier: EUPL-1.2

package process

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/job"
	"mercator/core/store"
	"mercator/lang/bpmn"
)

func ignoreNoRow(err error) error {
	if errors.Is(err, sql.ErrNoRows) || fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// Message brings a message to the one instance that has waited for it longest, or
// keeps it until one does.
func (e *Engine) Message(ctx context.Context, tx *store.Tx, name, key string, vars map[string]any) error {
	const op = "process.message"
	if name == "" || key == "" {
		return fault.Internalf(op, "a message needs a name and a key")
	}
	vars, err := plain(vars)
	if err != nil {
		return fault.Wrap(op, err)
	}
	if _, err := tx.Exec(ctx, turn, name, key); err != nil {
		return fault.Wrap(op, err)
	}
	for range maxLooks {
		var instance, token string
		err := tx.QueryRow(ctx, findSubscription, name, key).Scan(&instance, &token)
		if errors.Is(err, sql.ErrNoRows) {
			b, err := json.Marshal(vars)
			if err != nil {
				return fault.Wrap(op, err)
			}
			if _, err = tx.Exec(ctx, insertMessage, ident.New(), name, key, string(b), store.Micros(e.now().Add(e.ttl))); err != nil {
				return fault.Wrap(op, err)
			}
			return fault.Wrap(op, e.planSweep(ctx, tx))
		}
		if err != nil {
			return fault.Wrap(op, err)
		}
		var taken int64
		err = e.stepOn(ctx, tx, instance, access.SystemActor("process"), func(ctx context.Context) (bpmn.Event, error) {
			var err error
			if taken, err = tx.Exec(ctx, deleteSubscription, instance, token); err != nil || taken == 0 {
				return nil, err
			}
			if _, err := tx.Exec(ctx, endTurn, name, key); err != nil {
				return nil, err
			}
			return bpmn.MessageReceived{Token: token, Vars: vars}, nil
		})
		if errors.Is(err, bpmn.ErrNoToken) {
			return fault.Internalf(op, "instance %s has a subscription for token %s, which doesn't wait", instance, token)
		}
		if err != nil || taken > 0 {
			return fault.Wrap(op, err)
		}
		// Its process has gone another way on while we waited for the lock: who is next?
	}
	return fault.New(fault.Unavailable, op, "")
}

// maxLooks bounds how often a message is snatched from before its nose.
const maxLooks = 100

// subscribe waits for a message; one that has come before is taken at once.
func (s *stepping) subscribe(ctx context.Context, c bpmn.Subscribe) error {
	if _, err := s.tx.Exec(ctx, turn, c.Message, c.Key); err != nil {
		return err
	}
	now := store.Micros(s.e.now())
	var text string
	err := s.tx.QueryRow(ctx, takeMessage, c.Message, c.Key, now).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = s.tx.Exec(ctx, insertSubscription, s.row.InstanceID, c.Token, c.Message, c.Key, now)
		return err
	}
	if err != nil {
		return err
	}
	var vars map[string]any
	if err := json.Unmarshal([]byte(text), &vars); err != nil {
		return err
	}
	s.queue = append(s.queue, bpmn.MessageReceived{Token: c.Token, Vars: vars})
	return nil
}

// Signal reaches everybody who waits for it now, each in a step of its own: a job for
// each is written in the transaction of whoever sends it.
func (e *Engine) Signal(ctx context.Context, tx *store.Tx, name string, vars map[string]any) error {
	const op = "process.signal"
	vars, err := plain(vars)
	if err != nil {
		return fault.Wrap(op, err)
	}
	type waiting struct{ instance, token string }
	last := waiting{}
	for {
		list, err := store.All(ctx, tx, func(s store.Scanner) (waiting, error) {
			var w waiting
			return w, s.Scan(&w.instance, &w.token)
		}, waitingForSignal, name, last.instance, last.token)
		if err != nil {
			return fault.Wrap(op, err)
		}
		for _, w := range list {
			if _, err := e.jobs.Enqueue(ctx, tx, job.New{Kind: signalKind, Args: tokenArgs{Instance: w.instance, Token: w.token, Vars: vars}}); err != nil {
				return fault.Wrap(op, err)
			}
			last = w
		}
		if len(list) == 0 {
			return nil
		}
	}
}

// signal brings a signal to one token that waits for it.
func (e *Engine) signal(ctx context.Context, j *job.Job) error {
	a, err := args(j)
	if err != nil {
		return err
	}
	return e.db.Write(ctx, func(tx *store.Tx) error {
		err := e.stepOn(ctx, tx, a.Instance, access.SystemActor("process"), func(ctx context.Context) (bpmn.Event, error) {
			if err := j.Done(ctx, tx); err != nil {
				return nil, err
			}
			n, err := tx.Exec(ctx, deleteSignal, a.Instance, a.Token)
			if err != nil || n == 0 {
				return nil, err // it waits no longer
			}
			return bpmn.SignalReceived{Token: a.Token, Vars: a.Vars}, nil
		})
		if errors.Is(err, bpmn.ErrNoToken) {
			return fault.Internalf("process.signal", "instance %s waits for a signal with token %s, which doesn't wait", a.Instance, a.Token)
		}
		return err
	})
}
