// SPDX-License-Identifier: EUPL-1.2

package process

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/lang/bpmn"
)

// ExternalPrefix begins the types of work that programs outside do: "external.print".
const ExternalPrefix = "external."

// Bounds of external work.
const (
	maxTake        = 100
	maxTypes       = 20
	maxLock        = time.Hour
	maxWait        = 15 * time.Second
	maxRetries     = 100
	defaultRetries = 3
	maxPause       = 24 * time.Hour
)

// A Worker is the program that asks: a machine with the scope "job:" + type for each
// type of work that it was granted.
func worker(op string, g access.Grant) (access.Actor, error) {
	if err := g.Must(access.Change, "job"); err != nil {
		return access.Actor{}, err
	}
	return g.Actor(), nil
}

// granted are the types that the machine may do.
func granted(a access.Actor) []string {
	var out []string
	for _, r := range a.Roles {
		if t, ok := strings.CutPrefix(r, "job:"); ok && strings.HasPrefix(t, ExternalPrefix) {
			out = append(out, t)
		}
	}
	return out
}

// ExternalJob is work that a program outside has taken.
type ExternalJob struct {
	ID, Lock    string // both name the work when it is ended; Lock is a secret of this taking
	LockedUntil time.Time
	Attempt     int // 1 for the first
	Retries     int // how often it may be tried yet, this time included
	Work
}

// Take asks for work: at most N of the types, each locked for a while. When there is
// none it waits for some.
type Take struct {
	Types []string // none: all that the machine was granted
	N     int
	Lock  time.Duration // up to an hour; 0: a minute
	Wait  time.Duration // up to 15 s
}

// offer puts work where programs outside find it.
func (s *stepping) offer(ctx context.Context, c bpmn.CreateJob) error {
	retries := c.Retries
	if retries == 0 {
		retries = defaultRetries
	}
	now := store.Micros(s.e.now())
	if _, err := s.tx.Exec(ctx, insertWork, ident.New(), s.row.InstanceID, c.Token, c.Type, s.row.Office, min(retries, maxRetries), now); err != nil {
		return err
	}
	s.tx.AfterCommit(s.e.offered.wake)
	return nil
}

// TakeJobs gives work to a program. It sees the types that it was granted and, when it
// is tied to an office, the cases of that office. Work whose lock runs out is given to
// whoever asks next.
func (e *Engine) TakeJobs(ctx context.Context, g access.Grant, t Take) ([]ExternalJob, error) {
	const op = "process.takeJobs"
	a, err := worker(op, g)
	if err != nil {
		return nil, err
	}
	may := granted(a)
	if len(t.Types) == 0 {
		t.Types = may
	}
	for _, typ := range t.Types {
		if !slices.Contains(may, typ) {
			return nil, fault.New(fault.Denied, op, "process.typeNotGranted", "type", typ)
		}
	}
	if len(t.Types) > maxTypes {
		return nil, fault.New(fault.Invalid, op, "process.tooManyTypes", "n", maxTypes)
	}
	if t.Lock == 0 {
		t.Lock = time.Minute
	}
	t.N, t.Lock, t.Wait = min(max(t.N, 1), maxTake), min(max(t.Lock, time.Second), maxLock), min(max(t.Wait, 0), maxWait)
	end := time.NewTimer(t.Wait)
	defer end.Stop()
	for {
		woken := e.offered.wait() // before looking, so that nothing is missed in between
		out, err := e.take(ctx, a, t)
		if err != nil || len(out) > 0 || t.Wait == 0 {
			return out, fault.Wrap(op, err)
		}
		again := time.NewTimer(time.Second) // for what another node offers, pauses that end and locks that run out
		select {
		case <-ctx.Done():
			again.Stop()
			return nil, fault.Because(fault.Unavailable, op, "", ctx.Err())
		case <-end.C:
			again.Stop()
			return nil, nil
		case <-woken:
		case <-again.C:
		}
		again.Stop()
	}
}

func (e *Engine) take(ctx context.Context, a access.Actor, t Take) ([]ExternalJob, error) {
	type taken struct {
		id, instance, token, typ string
		retries, attempt         int
	}
	// Look before locking: who waits for work must not write.
	now := e.now()
	due := false
	for _, typ := range t.Types {
		var n int
		if err := e.db.QueryRow(ctx, anyWork, typ, store.Micros(now), a.Office).Scan(&n); err != nil {
			return nil, err
		}
		due = due || n > 0
	}
	if !due {
		return nil, nil
	}
	var out []ExternalJob
	err := e.db.Write(ctx, func(tx *store.Tx) error {
		out = nil
		until := now.Add(t.Lock)
		for _, typ := range t.Types {
			if len(out) == t.N {
				break
			}
			lock := ident.Secret(18)
			list, err := store.All(ctx, tx, func(s store.Scanner) (taken, error) {
				var x taken
				return x, s.Scan(&x.id, &x.instance, &x.token, &x.typ, &x.retries, &x.attempt)
			}, takeWork, typ, store.Micros(now), lock, a.ID, store.Micros(until), a.Office, t.N-len(out))
			if err != nil {
				return err
			}
			for _, x := range list {
				w, ok, err := e.load(ctx, tx, tokenArgs{Instance: x.instance, Token: x.token})
				if err != nil {
					return err
				}
				if !ok { // the process has gone on without it
					if _, err := tx.Exec(ctx, deleteWork, x.instance, x.token); err != nil {
						return err
					}
					continue
				}
				if w.mapped != nil { // data minimisation: what the model gives, and nothing else
					w.Vars = w.mapped
				}
				out = append(out, ExternalJob{ID: x.id, Lock: lock, LockedUntil: until.UTC(), Attempt: x.attempt, Retries: x.retries, Work: w})
			}
		}
		return nil
	})
	return out, err
}

// lost is the answer to who ends work that isn't theirs any more; nothing has changed.
func lost(op string) error { return fault.New(fault.Conflict, op, "process.lockLost") }

// ExtendJob keeps the lock of work for d from now.
func (e *Engine) ExtendJob(ctx context.Context, g access.Grant, id, lock string, d time.Duration) (time.Time, error) {
	const op = "process.extendJob"
	a, err := worker(op, g)
	if err != nil {
		return time.Time{}, err
	}
	now := e.now()
	until := now.Add(min(max(d, time.Second), maxLock))
	err = e.db.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, extendWork, id, lock, a.ID, store.Micros(now), store.Micros(until))
		if err == nil && n == 0 {
			err = lost(op)
		}
		return err
	})
	return until.UTC(), fault.Wrap(op, err)
}

// end ends work and brings the event to the process, in one transaction.
func (e *Engine) end(ctx context.Context, op string, g access.Grant, id, lock string, event func(token string) bpmn.Event) error {
	a, err := worker(op, g)
	if err != nil {
		return err
	}
	return fault.Wrap(op, e.db.Write(ctx, func(tx *store.Tx) error {
		var instance, token string
		var retries, attempt int
		err := tx.QueryRow(ctx, endWork, id, lock, a.ID, store.Micros(e.now())).Scan(&instance, &token, &retries, &attempt)
		if errors.Is(err, sql.ErrNoRows) {
			return lost(op)
		}
		if err != nil {
			return err
		}
		return stale(op, e.step(ctx, tx, instance, a, event(token)))
	}))
}

// FinishJob ends work with its results; the process moves on in the same transaction. A
// lock that was lost is a Conflict, and nothing has changed.
func (e *Engine) FinishJob(ctx context.Context, g access.Grant, id, lock string, vars map[string]any) error {
	const op = "process.finishJob"
	vars, err := plain(vars)
	if err != nil {
		return fault.Wrap(op, err)
	}
	return e.end(ctx, op, g, id, lock, func(token string) bpmn.Event { return bpmn.JobDone{Token: token, Vars: vars} })
}

// ThrowJob ends work with an error that the model may handle; one that nothing handles
// is an incident.
func (e *Engine) ThrowJob(ctx context.Context, g access.Grant, id, lock, code string, vars map[string]any) error {
	const op = "process.throwJob"
	vars, err := plain(vars)
	if err != nil {
		return fault.Wrap(op, err)
	}
	return e.end(ctx, op, g, id, lock, func(token string) bpmn.Event {
		return bpmn.BpmnError{Token: token, Code: code, Vars: vars}
	})
}

// Failure is why work failed this time.
type Failure struct {
	Reason  string
	Retries *int          // how often it may be tried yet; nil: once less than before
	Pause   time.Duration // before it is tried again; 0: a second, doubled each time, at most an hour, ±20 %
}

// FailJob gives work back that failed. Without a retry left it is an incident at its
// element, with the reason, which an operator resolves.
func (e *Engine) FailJob(ctx context.Context, g access.Grant, id, lock string, f Failure) error {
	const op = "process.failJob"
	a, err := worker(op, g)
	if err != nil {
		return err
	}
	return fault.Wrap(op, e.db.Write(ctx, func(tx *store.Tx) error {
		now := e.now()
		var instance, token string
		var retries, attempt int
		err := tx.QueryRow(ctx, lockedWork, id, lock, a.ID, store.Micros(now)).Scan(&instance, &token, &retries, &attempt)
		if errors.Is(err, sql.ErrNoRows) {
			return lost(op)
		}
		if err != nil {
			return err
		}
		retries--
		if f.Retries != nil {
			retries = min(max(*f.Retries, 0), maxRetries)
		}
		if retries <= 0 {
			if _, err := tx.Exec(ctx, deleteWork, instance, token); err != nil {
				return err
			}
			return stale(op, e.step(ctx, tx, instance, a, bpmn.JobFailed{Token: token, Reason: fmt.Sprintf("tried %d times, the last error: %s", attempt, f.Reason)}))
		}
		pause := f.Pause
		if pause <= 0 {
			pause = min(time.Second<<min(attempt-1, 12), time.Hour)
			pause = time.Duration(float64(pause) * (0.8 + 0.4*rand.Float64()))
		}
		n, err := tx.Exec(ctx, failWork, id, lock, a.ID, store.Micros(now), retries, store.Micros(now.Add(min(pause, maxPause))))
		if err == nil && n == 0 {
			err = lost(op)
		}
		return err
	}))
}

// wakeup wakes all who wait.
type wakeup struct {
	mu sync.Mutex
	ch chan struct{}
}

func newWakeup() *wakeup { return &wakeup{ch: make(chan struct{})} }

func (w *wakeup) wait() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ch
}

func (w *wakeup) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.ch)
	w.ch = make(chan struct{})
}
