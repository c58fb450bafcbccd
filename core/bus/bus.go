// SPDX-License-Identifier: EUPL-1.2

package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/store"
)

// Event is a fact. Its subject is the id of what it is about, mostly a case.
type Event struct {
	ID      string
	Type    string // "eu.mercator.case.opened"
	Subject string
	Time    time.Time
	Data    json.RawMessage // no personal data
}

// MarshalJSON is the event as a CloudEvent 1.0 in structured mode.
func (e Event) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		SpecVersion string          `json:"specversion"`
		ID          string          `json:"id"`
		Source      string          `json:"source"`
		Type        string          `json:"type"`
		Subject     string          `json:"subject,omitempty"`
		Time        string          `json:"time"`
		ContentType string          `json:"datacontenttype"`
		Data        json.RawMessage `json:"data,omitempty"`
	}{"1.0", e.ID, "/mercator", e.Type, e.Subject, e.Time.UTC().Format(time.RFC3339Nano), "application/json", e.Data})
}

// Handler is a room that listens. Handle stores its effect in the transaction; the
// receipt is in it too, so the effect happens exactly once for each event.
type Handler struct {
	Name   string   // names the receipt: never change it
	Types  []string // prefixes of event types
	Handle func(ctx context.Context, tx *store.Tx, e Event) error
}

func (h Handler) wants(typ string) bool {
	return slices.ContainsFunc(h.Types, func(p string) bool { return strings.HasPrefix(typ, p) })
}

// Stream carries events out of the house. Open finds or makes it; fresh says that it
// has just been made, and is empty. Publish returns when the stream has acknowledged
// all of the events. Holds gives the ids of those that it has got since then.
type Stream interface {
	Open(ctx context.Context) (fresh bool, err error)
	Publish(ctx context.Context, events []Event) error
	Holds(ctx context.Context, since time.Time) (map[string]bool, error)
}

const (
	streamTarget = "stream"
	batch        = 200
	maxData      = 256 << 10
	// together is how many events share a transaction with their effects.
	together = 20
	// again is how much of the newest history a start compares with the stream: more
	// than the two minutes after which JetStream syncs to disk.
	again = 10 * time.Minute
	// pollEvery is for events that another process wrote.
	pollEvery = 5 * time.Second
	retryMin  = 100 * time.Millisecond
	retryMax  = 30 * time.Second
)

// Config is what an outbox needs.
type Config struct {
	DB       *store.DB
	Handlers []Handler
	Stream   Stream // nil: no stream
	Log      *slog.Logger
	Now      func() time.Time
	Keep     time.Duration // how long events are kept for the stream; 0: 14 days
}

// Outbox takes events and brings them to handlers and stream.
type Outbox struct {
	db       *store.DB
	handlers []Handler
	stream   Stream
	log      *slog.Logger
	now      func() time.Time
	keep     time.Duration
	mu       sync.Mutex
	wakes    []chan struct{}
	// Of the one goroutine that feeds the stream: when it is tried again, and whether it
	// holds what is older than what waits for it.
	streamRests time.Time
	filled      bool
}

// New makes an outbox.
func New(c Config) (*Outbox, error) {
	o := &Outbox{db: c.DB, stream: c.Stream, log: c.Log, now: c.Now, keep: c.Keep}
	if o.log == nil {
		o.log = slog.New(slog.DiscardHandler)
	}
	if o.now == nil {
		o.now = time.Now
	}
	if o.keep == 0 {
		o.keep = 14 * 24 * time.Hour
	}
	return o, o.Register(c.Handlers...)
}

// Register adds handlers. Call it before Run and before the first event.
func (o *Outbox) Register(handlers ...Handler) error {
	for _, h := range handlers {
		if h.Name == "" || h.Name == streamTarget || h.Handle == nil || slices.ContainsFunc(o.handlers, func(x Handler) bool { return x.Name == h.Name }) {
			return fault.Internalf("bus.register", "the handler %q has no name, no function or a name that is taken", h.Name)
		}
		o.handlers = append(o.handlers, h)
	}
	return nil
}

// Publish writes an event in the transaction of the change that it tells of.
func (o *Outbox) Publish(ctx context.Context, tx *store.Tx, e Event) error {
	const op = "bus.publish"
	if e.ID == "" {
		e.ID = ident.New()
	}
	if e.Time.IsZero() {
		e.Time = o.now()
	}
	if len(e.Data) == 0 {
		e.Data = json.RawMessage("null")
	}
	if e.Type == "" || len(e.Data) > maxData || !json.Valid(e.Data) {
		return fault.Internalf(op, "%q: an event has a type and JSON data of at most %d bytes", e.Type, maxData)
	}
	if _, err := tx.Exec(ctx, addEvent, e.ID, e.Type, e.Subject, store.Micros(e.Time), string(e.Data)); err != nil {
		return fault.Wrap(op, err)
	}
	for _, h := range o.handlers {
		if h.wants(e.Type) {
			if _, err := tx.Exec(ctx, addPending, h.Name, e.ID); err != nil {
				return fault.Wrap(op, err)
			}
		}
	}
	if o.stream != nil {
		if _, err := tx.Exec(ctx, addPending, streamTarget, e.ID); err != nil {
			return fault.Wrap(op, err)
		}
	}
	tx.AfterCommit(o.wake)
	return nil
}

func (o *Outbox) wake() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, w := range o.wakes {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}

// Run brings events to everybody until ctx ends.
func (o *Outbox) Run(ctx context.Context) error {
	if err := o.prepare(ctx); err != nil {
		return err
	}
	var wg sync.WaitGroup
	loop := func(f func(context.Context) (wait time.Duration)) {
		w := make(chan struct{}, 1)
		o.mu.Lock()
		o.wakes = append(o.wakes, w)
		o.mu.Unlock()
		wg.Go(func() { o.loop(ctx, w, f) })
	}
	for _, h := range o.handlers {
		d := delivery{Handler: h, failing: map[string]failure{}}
		loop(func(ctx context.Context) time.Duration {
			wait, err := o.deliver(ctx, &d)
			if err != nil && ctx.Err() == nil {
				o.log.Error("an event waits for a handler that fails", "handler", h.Name, "err", err)
			}
			return wait
		})
	}
	if o.stream != nil {
		pause := time.Duration(0)
		loop(func(ctx context.Context) time.Duration {
			if time.Now().Before(o.streamRests) {
				return time.Until(o.streamRests) // a failure isn't cured by the next event
			}
			more, err := o.flow(ctx)
			switch {
			case err != nil:
				o.filled = false // whatever comes back may have lost something
				pause = min(max(2*pause, retryMin), retryMax)
				o.streamRests = time.Now().Add(pause)
				if ctx.Err() == nil {
					o.log.Error("events wait for the stream", "err", err, "next", pause)
				}
				return pause
			case more:
				return 0
			}
			pause = 0
			return pollEvery
		})
	}
	wg.Go(func() {
		t := time.NewTicker(time.Hour)
		defer t.Stop()
		for {
			if err := o.Sweep(ctx); err != nil && ctx.Err() == nil {
				o.log.Error("old events can't be removed", "err", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-t.C:
			}
		}
	})
	wg.Wait()
	return ctx.Err()
}

// prepare forgets handlers that no longer exist.
func (o *Outbox) prepare(ctx context.Context) error {
	const op = "bus.prepare"
	known, err := store.All(ctx, o.db, func(s store.Scanner) (string, error) {
		var t string
		return t, s.Scan(&t)
	}, targets)
	if err != nil {
		return fault.Wrap(op, err)
	}
	return fault.Wrap(op, o.db.Write(ctx, func(tx *store.Tx) error {
		for _, t := range known {
			if t != streamTarget && !slices.ContainsFunc(o.handlers, func(h Handler) bool { return h.Name == t }) || t == streamTarget && o.stream == nil {
				if _, err := tx.Exec(ctx, forgetTarget, t); err != nil {
					return err
				}
			}
		}
		return nil
	}))
}

// refill gives the stream again what it may have lost.
func (o *Outbox) refill(ctx context.Context) error {
	const op = "bus.refill"
	fresh, err := o.stream.Open(ctx)
	if err != nil {
		return fault.Wrap(op, err)
	}
	if fresh {
		return fault.Wrap(op, o.db.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, publishAll, streamTarget)
			return err
		}))
	}
	var last int64
	if err := o.db.QueryRow(ctx, newest).Scan(&last); err != nil || last == 0 {
		return fault.Wrap(op, err)
	}
	from := store.Time(last).Add(-again)
	// The stream got an event after it happened; a minute for clocks that disagree.
	holds, err := o.stream.Holds(ctx, from.Add(-time.Minute))
	if err != nil {
		return fault.Wrap(op, err)
	}
	recent, err := store.All(ctx, o.db, func(s store.Scanner) (string, error) {
		var id string
		return id, s.Scan(&id)
	}, recentIDs, store.Micros(from))
	if err != nil {
		return fault.Wrap(op, err)
	}
	lost := slices.DeleteFunc(recent, func(id string) bool { return holds[id] })
	if len(lost) > 0 {
		o.log.Warn("the stream lacks events, which are published again", "events", len(lost))
	}
	for part := range slices.Chunk(lost, batch) {
		if err := o.db.Write(ctx, func(tx *store.Tx) error {
			for _, id := range part {
				if _, err := tx.Exec(ctx, publishAgain, streamTarget, id); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return fault.Wrap(op, err)
		}
	}
	return nil
}

// loop calls f when it is woken or the pause that it asked for is over.
func (o *Outbox) loop(ctx context.Context, wake <-chan struct{}, f func(context.Context) time.Duration) {
	for ctx.Err() == nil {
		wait := f(ctx)
		if wait <= 0 {
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// delivery is a handler with what it can't digest at the moment: an event that fails
// holds back the later ones of its subject, and no others.
type delivery struct {
	Handler
	failing map[string]failure
}

type failure struct {
	until time.Time
	pause time.Duration
}

// deliver brings everything that waits to a handler, and says when to come again.
func (o *Outbox) deliver(ctx context.Context, d *delivery) (wait time.Duration, failed error) {
	held := map[string]bool{}
	for subject, f := range d.failing {
		held[subject] = time.Now().Before(f.until)
	}
	for last, more := "", true; more; {
		events, err := store.All(ctx, o.db, scanEvent, pendingOf, d.Name, last, batch)
		if err != nil {
			return time.Second, fault.Wrap("bus.deliver", err)
		}
		if more = len(events) == batch; more {
			last = events[batch-1].ID
		}
		for part := range slices.Chunk(events, together) {
			part = slices.DeleteFunc(part, func(e Event) bool { return held[e.Subject] })
			// One commit for several effects; if one fails, each for itself.
			if len(part) > 1 && o.give(ctx, d.Handler, part) == nil {
				continue
			}
			for _, e := range part {
				if held[e.Subject] {
					continue
				}
				err := o.give(ctx, d.Handler, []Event{e})
				switch {
				case err == nil:
					delete(d.failing, e.Subject)
				case ctx.Err() != nil:
					return 0, ctx.Err()
				default:
					held[e.Subject] = true
					pause := min(max(2*d.failing[e.Subject].pause, retryMin), retryMax)
					d.failing[e.Subject] = failure{until: time.Now().Add(pause), pause: pause}
					failed = fmt.Errorf("%s: %s %s: %w", d.Name, e.Type, e.ID, err)
				}
			}
		}
	}
	wait = pollEvery
	for _, f := range d.failing {
		wait = min(wait, max(time.Until(f.until), time.Millisecond))
	}
	return wait, failed
}

// give lets a handler store the effects of events, each with its receipt.
func (o *Outbox) give(ctx context.Context, h Handler, events []Event) error {
	return o.db.Write(ctx, func(tx *store.Tx) (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fault.Internalf("bus.handle", "panic: %v\n%s", p, debug.Stack())
			}
		}()
		for _, e := range events {
			n, err := tx.Exec(ctx, receipt, h.Name, e.ID)
			if err != nil {
				return err
			}
			if n == 0 {
				continue // another process was first
			}
			if err := h.Handle(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

// flow brings the next events to the stream.
func (o *Outbox) flow(ctx context.Context) (more bool, err error) {
	const op = "bus.flow"
	if !o.filled {
		if err := o.refill(ctx); err != nil {
			return false, err
		}
		o.filled = true
	}
	events, err := store.All(ctx, o.db, scanEvent, pendingOf, streamTarget, "", batch)
	if err != nil || len(events) == 0 {
		return false, fault.Wrap(op, err)
	}
	if err := o.stream.Publish(ctx, events); err != nil {
		return false, fault.Wrap(op, err)
	}
	err = o.db.Write(ctx, func(tx *store.Tx) error {
		for _, e := range events {
			if _, err := tx.Exec(ctx, receipt, streamTarget, e.ID); err != nil {
				return err
			}
		}
		return nil
	})
	return len(events) == batch, fault.Wrap(op, err)
}

// Drain delivers what waits to the handlers, and what they publish in turn, and
// returns: for tests and scenarios.
func (o *Outbox) Drain(ctx context.Context) error {
	for {
		for _, h := range o.handlers {
			if _, err := o.deliver(ctx, &delivery{Handler: h, failing: map[string]failure{}}); err != nil {
				return err
			}
		}
		var waits int
		if err := o.db.QueryRow(ctx, countForHandlers, streamTarget).Scan(&waits); err != nil || waits == 0 {
			return fault.Wrap("bus.drain", err)
		}
	}
}

// Sweep removes events that everybody has seen and that are older than Keep.
func (o *Outbox) Sweep(ctx context.Context) error {
	return fault.Wrap("bus.sweep", o.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, sweep, store.Micros(o.now().Add(-o.keep)))
		return err
	}))
}

// Pending counts what waits, up to 100,000, for the operator.
func (o *Outbox) Pending(ctx context.Context) (int, error) {
	var n int
	err := o.db.QueryRow(ctx, countPending).Scan(&n)
	return n, fault.Wrap("bus.pending", err)
}
