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
	"mercator/core/job"
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
	// maxWaiting bounds who waits for work at this node at the same time.
	maxWaiting = 1000
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
	// Record puts on record what is given, before it leaves the house and in the same
	// transaction: a refusal gives nothing. It may be nil in tests only.
	Record func(ctx context.Context, tx *store.Tx, j ExternalJob) error
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
	if err := e.came(ctx, a, may); err != nil {
		return nil, fault.Wrap(op, err)
	}
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
	if t.Wait > 0 {
		if !e.offered.enter() {
			return nil, fault.New(fault.TooMany, op, "")
		}
		defer e.offered.leave()
	}
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
		case <-e.offered.closed:
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
	text := takeWorkSQLite
	if e.db.Engine() == store.Postgres {
		text = takeWorkPostgres
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
			}, text, typ, store.Micros(now), lock, a.ID, store.Micros(until), a.Office, t.N-len(out))
			if err != nil {
				return err
			}
			for _, x := range list {
				if x.retries <= 0 {
					if err := e.lapse(ctx, tx, lapsed{x.id, x.instance, x.token, lock, fmt.Sprintf("tried %d times, the last time whoever took it let the lock run out", x.attempt-1)}); err != nil {
						return err
					}
					continue
				}
				w, ok, err := e.load(ctx, tx, tokenArgs{Instance: x.instance, Token: x.token})
				if err != nil { // it can't be given to anybody; the others can
					if err := e.lapse(ctx, tx, lapsed{x.id, x.instance, x.token, lock, "the work can't be given to anybody with the variables as they are: " + err.Error()}); err != nil {
						return err
					}
					continue
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
				j := ExternalJob{ID: x.id, Lock: lock, LockedUntil: until.UTC(), Attempt: x.attempt, Retries: x.retries, Work: w}
				if t.Record != nil {
					if err := t.Record(ctx, tx, j); err != nil {
						return err
					}
				}
				out = append(out, j)
			}
		}
		return nil
	})
	return out, err
}

// lapsed is work that nobody can be given any more.
type lapsed struct {
	ID       string `json:"id"`
	Instance string `json:"instance"`
	Token    string `json:"token"`
	Lock     string `json:"lock"`
	Reason   string `json:"reason"`
}

const lapseKind = "process.lapse"

// lapse has a step of its own make the incident: who takes work mustn't wait for instances.
func (e *Engine) lapse(ctx context.Context, tx *store.Tx, l lapsed) error {
	l.Reason = l.Reason[:min(len(l.Reason), 2000)]
	_, err := e.jobs.Enqueue(ctx, tx, job.New{Kind: lapseKind, Args: l})
	return err
}

func (e *Engine) lapsed(ctx context.Context, j *job.Job) error {
	var l lapsed
	if err := j.Read(&l); err != nil {
		return err
	}
	return e.db.Write(ctx, func(tx *store.Tx) error {
		if err := e.hold(ctx, tx, l.Instance); err != nil {
			return err
		}
		if err := j.Done(ctx, tx); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, lapseWork, l.ID, l.Instance, l.Token, l.Lock)
		if err != nil || n == 0 {
			return err // it was taken away, or given to somebody after all
		}
		err = e.step(ctx, tx, l.Instance, access.SystemActor("process"), bpmn.JobFailed{Token: l.Token, Reason: l.Reason})
		if errors.Is(err, bpmn.ErrNoToken) {
			return nil
		}
		return ignoreNoRow(err)
	})
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
		instance, _, _, _, err := e.locked(ctx, tx, op, a, id, lock)
		if err != nil {
			return err
		}
		if err := e.hold(ctx, tx, instance); err != nil {
			return err
		}
		var token string
		var retries, attempt int
		err = tx.QueryRow(ctx, endWork, id, lock, a.ID, store.Micros(e.now())).Scan(&instance, &token, &retries, &attempt)
		if errors.Is(err, sql.ErrNoRows) {
			return lost(op)
		}
		if err != nil {
			return err
		}
		return stale(op, e.step(ctx, tx, instance, a, event(token)))
	}))
}

// locked reads work that a worker has, without taking its row.
func (e *Engine) locked(ctx context.Context, tx *store.Tx, op string, a access.Actor, id, lock string) (instance, token string, retries, attempt int, err error) {
	err = tx.QueryRow(ctx, lockedWork, id, lock, a.ID, store.Micros(e.now())).Scan(&instance, &token, &retries, &attempt)
	if errors.Is(err, sql.ErrNoRows) {
		err = lost(op)
	}
	return instance, token, retries, attempt, err
}

// hold takes an instance before what hangs on it.
func (e *Engine) hold(ctx context.Context, tx *store.Tx, instance string) error {
	if tx.Engine() != store.Postgres || under(ctx, instance) != nil {
		return nil
	}
	var id string
	return ignoreNoRow(tx.QueryRow(ctx, holdInstancePostgres, instance).Scan(&id))
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
		instance, token, retries, attempt, err := e.locked(ctx, tx, op, a, id, lock)
		if err != nil {
			return err
		}
		retries--
		if f.Retries != nil {
			retries = min(max(*f.Retries, 0), maxRetries)
		}
		if retries <= 0 {
			if err := e.hold(ctx, tx, instance); err != nil {
				return err
			}
			err := tx.QueryRow(ctx, endWork, id, lock, a.ID, store.Micros(now)).Scan(&instance, &token, new(int), &attempt)
			if errors.Is(err, sql.ErrNoRows) {
				return lost(op)
			}
			if err != nil {
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

// EndWaiting answers all who wait for work, now and from now on: the house closes.
func (e *Engine) EndWaiting() { e.offered.close() }

// wakeup wakes all who wait.
type wakeup struct {
	mu      sync.Mutex
	ch      chan struct{}
	waiting int
	once    sync.Once
	closed  chan struct{}
}

func newWakeup() *wakeup { return &wakeup{ch: make(chan struct{}), closed: make(chan struct{})} }

func (w *wakeup) close() { w.once.Do(func() { close(w.closed) }) }

// enter counts one who waits, unless there are too many.
func (w *wakeup) enter() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting >= maxWaiting {
		return false
	}
	w.waiting++
	return true
}

func (w *wakeup) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting--
}

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
