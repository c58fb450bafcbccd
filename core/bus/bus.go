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

// Stream carries events out of the house. Publish returns when the stream has
// acknowledged all of them; fresh says that it has just been made, and is empty.
type Stream interface {
	Publish(ctx context.Context, events []Event) error
	Fresh() bool
}

const (
	streamTarget = "stream"
	batch        = 200
	maxData      = 256 << 10
	// again is how much of the newest history is published again at a start: more
	// than the two minutes after which JetStream syncs to disk.
	again = 10 * time.Minute
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
	loop := func(f func(context.Context) (more bool, err error)) {
		w := make(chan struct{}, 1)
		o.mu.Lock()
		o.wakes = append(o.wakes, w)
		o.mu.Unlock()
		wg.Go(func() { o.loop(ctx, w, f) })
	}
	for _, h := range o.handlers {
		loop(func(ctx context.Context) (bool, error) { return o.deliver(ctx, h) })
	}
	if o.stream != nil {
		loop(o.flow)
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

// prepare forgets handlers that no longer exist, and gives the stream again what
// it may have lost.
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
		if o.stream == nil {
			return nil
		}
		var last int64
		if err := tx.QueryRow(ctx, newest).Scan(&last); err != nil {
			return err
		}
		from := last - again.Microseconds()
		if o.stream.Fresh() {
			from = 0
		}
		_, err := tx.Exec(ctx, publishAgain, streamTarget, from)
		return err
	}))
}

func (o *Outbox) loop(ctx context.Context, wake <-chan struct{}, f func(context.Context) (bool, error)) {
	pause := time.Duration(0)
	for ctx.Err() == nil {
		more, err := f(ctx)
		wait := 5 * time.Second // another process may have written some
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			pause = min(max(2*pause, 100*time.Millisecond), 30*time.Second)
			wait = pause
			o.log.Error("events wait", "err", err, "next", wait)
		case more:
			pause = 0
			continue
		default:
			pause = 0
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-wake:
			if err != nil {
				<-timer.C // a failure isn't cured by the next event
			}
		case <-timer.C:
		}
		timer.Stop()
	}
}

// deliver brings the next events to a handler. An event that fails holds back the
// later ones of its subject, and no others.
func (o *Outbox) deliver(ctx context.Context, h Handler) (more bool, err error) {
	events, err := store.All(ctx, o.db, scanEvent, pendingOf, h.Name, batch)
	if err != nil {
		return false, fault.Wrap("bus.deliver", err)
	}
	var failed error
	held := map[string]bool{}
	for _, e := range events {
		if held[e.Subject] {
			continue
		}
		err := o.db.Write(ctx, func(tx *store.Tx) (err error) {
			n, err := tx.Exec(ctx, receipt, h.Name, e.ID)
			if err != nil || n == 0 {
				return err
			}
			defer func() {
				if p := recover(); p != nil {
					err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
				}
			}()
			return h.Handle(ctx, tx, e)
		})
		if err != nil {
			if ctx.Err() != nil {
				return false, ctx.Err()
			}
			held[e.Subject] = true
			failed = fmt.Errorf("%s: %s %s: %w", h.Name, e.Type, e.ID, err)
		}
	}
	return len(events) == batch && failed == nil, failed
}

// flow brings the next events to the stream.
func (o *Outbox) flow(ctx context.Context) (more bool, err error) {
	const op = "bus.flow"
	events, err := store.All(ctx, o.db, scanEvent, pendingOf, streamTarget, batch)
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

// Drain delivers what waits to the handlers and returns: for tests and scenarios.
func (o *Outbox) Drain(ctx context.Context) error {
	for {
		again := false
		for _, h := range o.handlers {
			more, err := o.deliver(ctx, h)
			if err != nil {
				return err
			}
			again = again || more
		}
		if !again {
			return nil
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
