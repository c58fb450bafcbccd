// SPDX-License-Identifier: EUPL-1.2

package process

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

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

// Note is a message that somebody sends.
type Note struct {
	Name string
	Key  string // whose it is; "": nobody's, it can only begin a case
	Vars map[string]any
	// TTL is how long it waits for somebody who wants it; nil: as configured, 0: not at all.
	TTL *time.Duration
	// ID is the sender's: the same again within its life, at least a day, does nothing.
	ID string
	By access.Actor // zero: the house itself
	// Record puts on record which case it has reached, in the same transaction; it may be nil.
	Record func(ctx context.Context, tx *store.Tx, c Ref) error
}

// Fate is what became of a message.
type Fate string

// The fates of a message.
const (
	Taken    Fate = "taken"    // by a case that has waited for it
	Begun    Fate = "begun"    // it has begun a case
	Kept     Fate = "kept"     // nobody waits for it yet, or it waits for its turn
	Unwanted Fate = "unwanted" // nobody waits for it, and it wasn't to be kept
)

// Delivery is what became of a message, and of which case.
type Delivery struct {
	Fate     Fate
	Case     Ref  // of Taken and Begun
	Repeated bool // it had come before: this is what became of it then
}

// The bounds of a message.
const (
	maxName = 200
	maxVars = 256 << 10
	maxTTL  = 365 * 24 * time.Hour
	// minSent is how long an id is known at least: a message that isn't kept can be repeated, too.
	minSent = 24 * time.Hour
	// maxKept is how many messages of one program wait at the same time.
	maxKept = 10_000
)

// Message brings a message to the one instance that has waited for it longest, or begins
// a case with it, or keeps it until somebody wants it.
func (e *Engine) Message(ctx context.Context, tx *store.Tx, name, key string, vars map[string]any) error {
	if key == "" {
		return fault.Internalf("process.message", "a message needs a name and a key")
	}
	_, err := e.Deliver(ctx, tx, Note{Name: name, Key: key, Vars: vars})
	return err
}

// Deliver is Message, and tells what became of it. With a key a service has at most one
// case at a time that a message of the name has begun: another one waits for the end of
// that case, unless the case wants it.
func (e *Engine) Deliver(ctx context.Context, tx *store.Tx, n Note) (Delivery, error) {
	const op = "process.message"
	if n.Name == "" {
		return Delivery{}, fault.Internalf(op, "a message needs a name")
	}
	vars, err := plain(n.Vars)
	if err != nil {
		return Delivery{}, fault.Wrap(op, err)
	}
	n.Vars = vars
	if n.By.Kind == "" {
		n.By = access.SystemActor("process")
	}
	if n.TTL == nil {
		n.TTL = &e.ttl
	}
	if n.ID == "" {
		out, err := e.deliver(ctx, tx, n)
		return out, fault.Wrap(op, err)
	}
	now := e.now()
	fresh, err := tx.Exec(ctx, insertSent, n.By.ID, n.Name, n.Key, n.ID, store.Micros(now.Add(max(*n.TTL, minSent))), store.Micros(now))
	if err != nil {
		return Delivery{}, fault.Wrap(op, err)
	}
	if fresh == 0 {
		var text string
		out := Delivery{}
		err := tx.QueryRow(ctx, readSent, n.By.ID, n.Name, n.Key, n.ID).Scan(&text)
		if err == nil {
			err = json.Unmarshal([]byte(text), &out)
		}
		out.Repeated = true
		return out, fault.Wrap(op, err)
	}
	out, err := e.deliver(ctx, tx, n)
	if err != nil {
		return out, fault.Wrap(op, err)
	}
	kept := out
	kept.Case.Label = "" // who somebody is stands in their case, not beside it for the life of the message
	b, err := json.Marshal(kept)
	if err != nil {
		return out, fault.Wrap(op, err)
	}
	if _, err := tx.Exec(ctx, markSent, n.By.ID, n.Name, n.Key, n.ID, string(b)); err != nil {
		return out, fault.Wrap(op, err)
	}
	return out, fault.Wrap(op, e.planSweep(ctx, tx))
}

func (e *Engine) deliver(ctx context.Context, tx *store.Tx, n Note) (Delivery, error) {
	if n.Key == "" {
		return e.beginBy(ctx, tx, n)
	}
	if _, err := tx.Exec(ctx, turn, n.Name, n.Key); err != nil {
		return Delivery{}, err
	}
	for range maxLooks {
		var instance, token string
		err := tx.QueryRow(ctx, findSubscription, n.Name, n.Key, n.By.Office).Scan(&instance, &token)
		if errors.Is(err, sql.ErrNoRows) {
			return e.beginBy(ctx, tx, n)
		}
		if err != nil {
			return Delivery{}, err
		}
		var taken int64
		err = e.stepOn(ctx, tx, instance, n.By, func(ctx context.Context) (bpmn.Event, error) {
			var err error
			if taken, err = tx.Exec(ctx, deleteSubscription, instance, token); err != nil || taken == 0 {
				return nil, err
			}
			if _, err := tx.Exec(ctx, endTurn, n.Name, n.Key); err != nil {
				return nil, err
			}
			return bpmn.MessageReceived{Token: token, Vars: n.Vars}, nil
		})
		if errors.Is(err, bpmn.ErrNoToken) {
			return Delivery{}, fault.Internalf("process.message", "instance %s has a subscription for token %s, which doesn't wait", instance, token)
		}
		if err != nil {
			return Delivery{}, err
		}
		if taken > 0 {
			return e.reached(ctx, tx, n, Taken, instance)
		}
		// Its process has gone another way on while we waited for the lock: who is next?
	}
	return Delivery{}, fault.New(fault.Unavailable, "process.message", "")
}

// reached says which case a message has reached, if anybody wants to know.
func (e *Engine) reached(ctx context.Context, tx *store.Tx, n Note, f Fate, instance string) (Delivery, error) {
	out := Delivery{Fate: f}
	if n.Record == nil {
		return out, nil
	}
	r, err := store.One(ctx, tx, scanRow, readInstance, instance)
	if err != nil {
		return out, err
	}
	out.Case = r.Ref
	return out, n.Record(ctx, tx, r.Ref)
}

// beginBy begins a case with a message that nobody waits for, or keeps it.
func (e *Engine) beginBy(ctx context.Context, tx *store.Tx, n Note) (Delivery, error) {
	s, err := store.One(ctx, tx, scanStart, startOfMessage, n.Name, n.By.Office)
	switch {
	case fault.Is(err, fault.NotFound) && n.Key == "":
		return Delivery{}, fault.New(fault.NotFound, "process.message", "process.noStart")
	case fault.Is(err, fault.NotFound):
		return e.hoard(ctx, tx, n)
	case err != nil:
		return Delivery{}, err
	}
	if n.Key != "" {
		running, err := e.runsFor(ctx, tx, s, n.Key)
		if err != nil {
			return Delivery{}, err
		}
		var before int
		if err := tx.QueryRow(ctx, waitingMessage, n.Name, n.Key, store.Micros(e.now()), s.office).Scan(&before); err != nil {
			return Delivery{}, err
		}
		if before > 0 && !running { // it's not yet the turn of this one
			if err := e.jobs.Add(ctx, tx, job.New{Kind: nextKind, Args: nextArgs{Name: n.Name, Key: n.Key}}); err != nil {
				return Delivery{}, err
			}
		}
		if running || before > 0 {
			return e.hoard(ctx, tx, n)
		}
	}
	r, err := e.begin(ctx, tx, s, Occasion{Trigger: bpmn.Message, Name: n.Name, Key: n.Key, Vars: n.Vars, Sender: senderOf(n.By)})
	if err != nil {
		return Delivery{}, err
	}
	if n.Key != "" {
		if _, err := tx.Exec(ctx, endTurn, n.Name, n.Key); err != nil {
			return Delivery{}, err
		}
	}
	return e.reached(ctx, tx, n, Begun, r.InstanceID)
}

// hoard has a message wait for somebody who wants it.
func (e *Engine) hoard(ctx context.Context, tx *store.Tx, n Note) (Delivery, error) {
	if *n.TTL <= 0 {
		_, err := tx.Exec(ctx, endTurn, n.Name, n.Key)
		return Delivery{Fate: Unwanted}, err
	}
	sender := senderOf(n.By)
	if sender != "" { // a program that runs wild fills its own room only
		var kept int
		if err := tx.QueryRow(ctx, keptOf, sender, maxKept).Scan(&kept); err != nil {
			return Delivery{}, err
		}
		if kept >= maxKept {
			return Delivery{}, fault.New(fault.TooMany, "process.message", "process.tooManyKept", "n", maxKept)
		}
	}
	b, err := json.Marshal(n.Vars)
	if err != nil {
		return Delivery{}, err
	}
	if _, err = tx.Exec(ctx, insertMessage, ident.New(), n.Name, n.Key, string(b), store.Micros(e.now().Add(*n.TTL)), sender, n.By.Office); err != nil {
		return Delivery{}, err
	}
	return Delivery{Fate: Kept}, e.planSweep(ctx, tx)
}

// takeKept takes the message that has waited longest for a case of an office.
func (e *Engine) takeKept(ctx context.Context, tx *store.Tx, name, key, office string) (vars map[string]any, sender string, ok bool, err error) {
	var text string
	err = tx.QueryRow(ctx, takeMessage, name, key, store.Micros(e.now()), office).Scan(&text, &sender)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, "", false, nil
	}
	if err != nil {
		return nil, "", false, err
	}
	return vars, sender, true, json.Unmarshal([]byte(text), &vars)
}

// maxLooks bounds how often a message is snatched from before its nose.
const maxLooks = 100

// subscribe waits for a message; one that has come before is taken at once.
func (s *stepping) subscribe(ctx context.Context, c bpmn.Subscribe) error {
	if _, err := s.tx.Exec(ctx, turn, c.Message, c.Key); err != nil {
		return err
	}
	vars, _, ok, err := s.e.takeKept(ctx, s.tx, c.Message, c.Key, s.row.Office)
	if err != nil {
		return err
	}
	if !ok {
		_, err = s.tx.Exec(ctx, insertSubscription, s.row.InstanceID, c.Token, c.Message, c.Key, store.Micros(s.e.now()))
		return err
	}
	s.queue = append(s.queue, bpmn.MessageReceived{Token: c.Token, Vars: vars})
	return nil
}

// Signal reaches everybody who waits for it now, and begins a case of each service that
// begins by it, each in a step of its own: a job for each is written in the transaction of
// whoever sends it.
func (e *Engine) Signal(ctx context.Context, tx *store.Tx, name string, vars map[string]any) error {
	_, _, err := e.broadcast(ctx, tx, name, vars, access.Actor{})
	return err
}

// broadcast is Signal, and says how many have waited for it and how many cases it begins.
// Who is tied to an office reaches the cases of that office.
func (e *Engine) broadcast(ctx context.Context, tx *store.Tx, name string, vars map[string]any, by access.Actor) (waited, begins int, err error) {
	const op = "process.signal"
	if vars, err = plain(vars); err != nil {
		return 0, 0, fault.Wrap(op, err)
	}
	type waiting struct{ instance, token string }
	last := waiting{}
	for {
		list, err := store.All(ctx, tx, func(s store.Scanner) (waiting, error) {
			var w waiting
			return w, s.Scan(&w.instance, &w.token)
		}, waitingForSignal, name, last.instance, last.token, by.Office)
		if err != nil {
			return 0, 0, fault.Wrap(op, err)
		}
		for _, w := range list {
			if _, err := e.jobs.Enqueue(ctx, tx, job.New{Kind: signalKind, Args: tokenArgs{Instance: w.instance, Token: w.token, Vars: vars}}); err != nil {
				return 0, 0, fault.Wrap(op, err)
			}
			last = w
		}
		waited += len(list)
		if len(list) == 0 {
			break
		}
	}
	starts, err := store.All(ctx, tx, scanStart, startsOf, string(bpmn.Signal), name, by.Office)
	if err != nil {
		return 0, 0, fault.Wrap(op, err)
	}
	for _, s := range starts {
		if err := e.beginLater(ctx, tx, s, vars, by, ""); err != nil {
			return 0, 0, fault.Wrap(op, err)
		}
	}
	return waited, len(starts), nil
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
