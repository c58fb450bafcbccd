// SPDX-License-Identifier: EUPL-1.2

package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/job"
	"mercator/core/store"
	"mercator/lang/bpmn"
	"mercator/lang/bpmn/replay"
)

// Config is what an engine needs.
type Config struct {
	DB       *store.DB
	Jobs     *job.Queue // give it Engine.Workers
	Handlers []Handler
	Hooks    Hooks
	Now      func() time.Time
	Zone     *time.Location // of days and months in timers; nil: UTC
	Calendar bpmn.Calendar  // of business days; nil: every day is one
	Log      *slog.Logger
	// MessageTTL is how long a message waits for somebody who wants it; 0: 90 days.
	MessageTTL time.Duration
	// RecordFor is how long the answers that a process got are kept, for replays of other
	// versions over them; 0: 100 days, below 0: they aren't kept at all.
	RecordFor time.Duration
}

// Engine runs processes.
type Engine struct {
	db        *store.DB
	jobs      *job.Queue
	handlers  map[string]Handler
	hooks     Hooks
	now       func() time.Time
	zone      *time.Location
	calendar  bpmn.Calendar
	log       *slog.Logger
	ttl       time.Duration
	recordFor time.Duration

	offered *wakeup // external work

	mu      sync.Mutex
	models  map[string]*bpmn.Definitions // by hash
	linked  map[string]*bpmn.Process     // by hash, process and what it calls
	stored  map[string]bool              // models known to be on disk
	forgets bool                         // the job that forgets records waits
}

// New makes an engine.
func New(c Config) (*Engine, error) {
	const op = "process.new"
	if c.DB == nil || c.Jobs == nil {
		return nil, fault.Internalf(op, "needs a database and a queue of jobs")
	}
	e := &Engine{
		db: c.DB, jobs: c.Jobs, hooks: c.Hooks, now: c.Now, zone: c.Zone, calendar: c.Calendar, log: c.Log, ttl: c.MessageTTL, recordFor: c.RecordFor,
		offered: newWakeup(), handlers: map[string]Handler{}, models: map[string]*bpmn.Definitions{}, linked: map[string]*bpmn.Process{}, stored: map[string]bool{},
	}
	if e.now == nil {
		e.now = time.Now
	}
	if e.zone == nil {
		e.zone = time.UTC
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if e.ttl == 0 {
		e.ttl = 90 * 24 * time.Hour
	}
	if e.recordFor == 0 {
		e.recordFor = 100 * 24 * time.Hour
	}
	return e, e.Handle(c.Handlers...)
}

// Handle adds handlers. Call it before the first instance starts.
func (e *Engine) Handle(handlers ...Handler) error {
	for _, h := range handlers {
		if _, ok := e.handlers[h.Type]; ok || h.Type == "" || (h.Inline == nil) == (h.Async == nil) {
			return fault.Internalf("process.handle", "type %q is empty, is taken or isn't either inline or asynchronous", h.Type)
		}
		e.handlers[h.Type] = h
	}
	return nil
}

// maxModels bounds the models kept in memory.
const maxModels = 500

// model is the model of an instance.
func (e *Engine) model(ctx context.Context, q store.Q, hash string) (*bpmn.Definitions, error) {
	e.mu.Lock()
	d := e.models[hash]
	e.mu.Unlock()
	if d != nil {
		return d, nil
	}
	var file string
	var source []byte
	if err := q.QueryRow(ctx, readModel, hash).Scan(&file, &source); err != nil {
		return nil, fault.Wrap("process.model", err)
	}
	d, err := bpmn.Parse(file, source)
	if err != nil {
		return nil, fault.Internalf("process.model", "a model that ran before doesn't load any more: %w", err)
	}
	e.keep(d)
	return d, nil
}

func (e *Engine) keep(d *bpmn.Definitions) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.models) >= maxModels {
		clear(e.models)
	}
	e.models[d.Hash] = d
}

// process is the process of an instance with what it calls, as it was when it began.
func (e *Engine) process(ctx context.Context, q store.Q, r *row) (*bpmn.Definitions, *bpmn.Process, error) {
	const op = "process.process"
	def, err := e.model(ctx, q, r.model)
	if err != nil {
		return nil, nil, err
	}
	proc, ok := def.Process(r.process)
	if !ok {
		return nil, nil, fault.Internalf(op, "%s has no process %q", def.File, r.process)
	}
	if r.calls == "" {
		return def, proc, nil
	}
	key := r.model + " " + r.process + " " + r.calls
	e.mu.Lock()
	linked := e.linked[key]
	e.mu.Unlock()
	if linked != nil {
		return def, linked, nil
	}
	var calls map[string]string
	if err := json.Unmarshal([]byte(r.calls), &calls); err != nil {
		return nil, nil, fault.Wrap(op, err)
	}
	files := map[string]*bpmn.Definitions{}
	for id, hash := range calls {
		if files[id], err = e.model(ctx, q, hash); err != nil {
			return nil, nil, err
		}
	}
	linked, err = link(proc, func(id string) *bpmn.Definitions { return files[id] })
	if err != nil {
		return nil, nil, fault.Internalf(op, "a process that ran before calls what it can't call any more: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.linked) >= maxModels {
		clear(e.linked)
	}
	e.linked[key] = linked
	return def, linked, nil
}

// link is the process with what it calls.
func link(proc *bpmn.Process, called func(id string) *bpmn.Definitions) (*bpmn.Process, error) {
	return proc.Link(func(id string) *bpmn.Process {
		if d := called(id); d != nil {
			if p, ok := d.Process(id); ok {
				return p
			}
		}
		return nil
	})
}

// Start begins an instance for a case and runs it to where it waits first.
func (e *Engine) Start(ctx context.Context, tx *store.Tx, def *bpmn.Definitions, p StartParams) (string, error) {
	const op = "process.start"
	proc, ok := def.Process(p.Process)
	if !ok || !proc.Executable {
		return "", fault.Internalf(op, "%s has no executable process %q", def.File, p.Process)
	}
	if err := e.keepModel(ctx, tx, def); err != nil {
		return "", fault.Wrap(op, err)
	}
	proc, calls, err := e.pin(ctx, tx, def, proc, p.Called)
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	vars, err := plain(p.Vars)
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	r := &row{Ref: Ref{InstanceID: ident.New(), CaseID: p.CaseID, CaseRef: p.CaseRef, Label: p.Label, Service: p.Service, Version: p.Version, Office: p.Office},
		model: def.Hash, process: proc.ID, calls: calls}
	if err := e.planForget(ctx, tx); err != nil {
		return "", fault.Wrap(op, err)
	}
	s := &stepping{e: e, tx: tx, row: r, proc: proc, actor: p.Actor, fresh: true}
	return r.InstanceID, fault.Wrap(op, s.run(ctx, bpmn.Start{Vars: vars}))
}

// pin fixes the versions of what a process calls: the process with all of it, and the
// models by the id of the process as they are stored with an instance.
func (e *Engine) pin(ctx context.Context, tx *store.Tx, def *bpmn.Definitions, proc *bpmn.Process, called func(string) *bpmn.Definitions) (*bpmn.Process, string, error) {
	if len(proc.Calls()) == 0 {
		return proc, "", nil
	}
	used := map[string]string{}
	var files []*bpmn.Definitions
	linked, err := link(proc, func(id string) *bpmn.Definitions {
		d := def
		if called != nil {
			d = called(id)
		}
		if d != nil {
			used[id] = d.Hash
			files = append(files, d)
		}
		return d
	})
	if err != nil {
		return nil, "", fault.Internalf("process.pin", "%w", err)
	}
	for _, d := range files {
		if err := e.keepModel(ctx, tx, d); err != nil {
			return nil, "", err
		}
	}
	b, err := json.Marshal(used)
	return linked, string(b), err
}

// text is a statement that is written twice.
func (e *Engine) text(sqlite, postgres string) string {
	if e.db.Engine() == store.Postgres {
		return postgres
	}
	return sqlite
}

// keepModel stores a model before an instance begins with it.
func (e *Engine) keepModel(ctx context.Context, tx *store.Tx, def *bpmn.Definitions) error {
	e.mu.Lock()
	stored := e.stored[def.Hash]
	e.mu.Unlock()
	if stored {
		return nil
	}
	if _, err := tx.Exec(ctx, insertModel, def.Hash, def.File, def.Source, store.Micros(e.now())); err != nil {
		return err
	}
	tx.AfterCommit(func() {
		e.keep(def)
		e.mu.Lock()
		e.stored[def.Hash] = true
		e.mu.Unlock()
	})
	return nil
}

// plain makes data what it is after it was stored, so that a step sees the same
// values whether it runs at once or after a restart.
func plain(vars map[string]any) (map[string]any, error) {
	b, err := json.Marshal(vars)
	if err != nil {
		return nil, err
	}
	var out map[string]any
	return out, json.Unmarshal(b, &out)
}

// step takes an event of an instance that is there.
func (e *Engine) step(ctx context.Context, tx *store.Tx, instance string, actor access.Actor, ev bpmn.Event) error {
	return e.stepOn(ctx, tx, instance, actor, func(context.Context) (bpmn.Event, error) { return ev, nil })
}

// stepOn is step for an event that takes something away from others, a job or a
// subscription: ready does that, and says which event it is (nil: none after all), once
// the instance is locked. Everybody locks in this order, or two nodes wait for each other.
// What ready brings about for this very instance comes before the event.
func (e *Engine) stepOn(ctx context.Context, tx *store.Tx, instance string, actor access.Actor, ready func(context.Context) (bpmn.Event, error)) error {
	if s := under(ctx, instance); s != nil {
		// A handler of this very instance brought it about: its turn comes when the handler is done.
		ev, err := ready(ctx)
		if err == nil && ev != nil {
			s.queue = append(s.queue, ev)
		}
		return err
	}
	locked := store.Lock(ctx, tx, scanRow, e.text(lockSQLite, lockPostgres), instance)
	s := &stepping{e: e, tx: tx, actor: actor}
	ev, err := ready(context.WithValue(ctx, underKey(instance), s))
	if err != nil || ev == nil {
		return err
	}
	r, err := locked()
	if err != nil {
		return err
	}
	s.row = &r
	if _, s.proc, err = e.process(ctx, tx, &r); err != nil {
		return err
	}
	return s.run(ctx, ev)
}

// stepping is one transaction of one instance.
type stepping struct {
	e      *Engine
	tx     *store.Tx
	row    *row
	proc   *bpmn.Process
	actor  access.Actor
	fresh  bool
	queue  []bpmn.Event
	trace  []Trace
	record []replay.Record
	at     time.Time
	went   bool // something followed at once upon a migration
}

// maxFollowUps bounds what one transaction may do; a model that goes on for longer
// without waiting gets an incident.
const maxFollowUps = 500

type underKey string

// under is the stepping of an instance that ctx belongs to, or nil.
func under(ctx context.Context, instance string) *stepping {
	s, _ := ctx.Value(underKey(instance)).(*stepping)
	return s
}

func (s *stepping) run(ctx context.Context, ev bpmn.Event) error {
	ctx = context.WithValue(ctx, underKey(s.row.InstanceID), s)
	event := fmt.Sprintf("%T", ev)[len("bpmn."):]
	s.queue = append(s.queue, ev)
	if err := s.drain(ctx, true); err != nil {
		return err
	}
	return s.save(ctx, event)
}

// drain takes the events that are queued, and those that they bring about. The first
// has to be one that a token waits for, if it came from outside.
func (s *stepping) drain(ctx context.Context, first bool) error {
	now := s.instant().In(s.e.zone)
	for n := 0; len(s.queue) > 0; n++ {
		var ev bpmn.Event
		ev, s.queue = s.queue[0], s.queue[1:]
		if n > maxFollowUps {
			switch x := ev.(type) {
			case bpmn.JobDone:
				ev = bpmn.JobFailed{Token: x.Token, Reason: "the process goes on and on without waiting"}
			case bpmn.Decided:
				ev = bpmn.JobFailed{Token: x.Token, Reason: "the process goes on and on without waiting"}
			}
		}
		if n > 2*maxFollowUps {
			return fault.Internalf("process.step", "instance %s doesn't come to rest", s.row.InstanceID)
		}
		record := replay.Of(s.row.state, ev)
		state, cmds, err := bpmn.Step(s.proc, s.row.state, now, ev)
		if errors.Is(err, bpmn.ErrNoToken) && !first {
			continue // what the event was for went away within this step
		}
		if err != nil {
			return err
		}
		first = false
		if _, ok := ev.(bpmn.TimerFired); ok {
			if due, ok := ctx.Value(dueKey{}).(time.Time); ok {
				record.Due = due.UTC()
			}
		}
		s.record = append(s.record, record)
		s.row.state = state
		for _, c := range cmds {
			if err := s.carryOut(ctx, c, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// instant is when the step happens: one moment for its timers and its place in the
// history, as exact as it is stored.
func (s *stepping) instant() time.Time {
	if s.at.IsZero() {
		s.at = s.e.now().Truncate(time.Microsecond)
	}
	return s.at
}

func (s *stepping) save(ctx context.Context, event string) error {
	now := store.Micros(s.instant())
	state, err := json.Marshal(s.row.state)
	if err != nil {
		return err
	}
	trace, err := json.Marshal(s.trace)
	if err != nil {
		return err
	}
	record := ""
	if s.e.recordFor > 0 {
		b, err := json.Marshal(s.record)
		if err != nil {
			return err
		}
		record = string(b)
	}
	r := s.row
	if s.fresh {
		err = s.tx.Later(ctx, insertInstance, r.InstanceID, r.CaseID, r.CaseRef, r.Label, r.Service, r.Version, r.Office, r.model, r.process,
			string(r.state.Status), string(state), now, r.calls)
	} else {
		err = s.tx.Later(ctx, saveInstance, r.InstanceID, string(r.state.Status), string(state), now)
	}
	if err != nil {
		return err
	}
	if r.state.Status != bpmn.Running && !s.fresh { // what is over has no incident
		if err := s.tx.Later(ctx, resolveIncidents, r.InstanceID, now, s.actor.ID, s.actor.Name); err != nil {
			return err
		}
	}
	if r.state.Status != bpmn.Running {
		if err := s.ended(ctx); err != nil {
			return err
		}
	}
	if event == "Cancel" && s.e.hooks.Cancelled != nil {
		if err := s.e.hooks.Cancelled(ctx, s.tx, r.Ref); err != nil {
			return err
		}
	}
	return s.tx.Later(ctx, insertHistory, ident.New(), r.InstanceID, now, event, string(s.actor.Kind), s.actor.ID, string(trace), record, named(s.actor))
}

// tokenArgs are the arguments of the jobs of this office.
type tokenArgs struct {
	Instance string    `json:"instance"`
	Token    string    `json:"token"`
	Due      time.Time `json:"due,omitzero"`

	Vars map[string]any `json:"vars,omitempty"` // of a signal
}

const (
	timerKind  = "process.timer"
	workKind   = "process.work"
	sweepKind  = "process.sweep"
	signalKind = "process.signal"
	forgetKind = "process.forget"
)

func jobKey(kind, instance, token string) string { return kind + "/" + instance + "/" + token }

func (s *stepping) carryOut(ctx context.Context, c bpmn.Command, now time.Time) error {
	e, tx, r := s.e, s.tx, s.row
	switch c := c.(type) {
	case bpmn.Entered:
		s.trace = append(s.trace, Trace{c.Element, "in", c.Token})
	case bpmn.Left:
		what := "out"
		if c.Cancelled {
			what = "x"
		}
		s.trace = append(s.trace, Trace{c.Element, what, c.Token})
	case bpmn.CreateJob:
		return s.job(ctx, c)
	case bpmn.Decide:
		if e.hooks.Decide == nil {
			s.queue = append(s.queue, bpmn.JobFailed{Token: c.Token, Reason: "nobody decides here"})
			return nil
		}
		v, err := e.hooks.Decide(ctx, tx, r.Ref, c.Decision, c.Vars)
		if err != nil {
			return s.failed(c.Token, err)
		}
		if v, err = plainValue(v); err != nil {
			return err
		}
		s.queue = append(s.queue, bpmn.Decided{Token: c.Token, Value: v})
	case bpmn.CreateUserTask:
		return s.task(ctx, c, now)
	case bpmn.UpdateUserTask:
		return s.updateTask(ctx, c)
	case bpmn.CancelTask:
		id := ""
		if err := tx.QueryRow(ctx, withdrawTask, r.InstanceID, c.Token, store.Micros(now)).Scan(&id); err != nil {
			return ignoreNoRow(err)
		}
		_, err := tx.Exec(ctx, deleteWords, id)
		return err
	case bpmn.SetTimer:
		from := now
		if c.Again {
			if due, ok := ctx.Value(dueKey{}).(time.Time); ok {
				from = due.In(e.zone)
			}
		}
		due, err := e.dueAt(c.Kind, c.Value, from, c.Business)
		if err != nil {
			return err // the engine has checked it
		}
		return e.jobs.Add(ctx, tx, job.New{Kind: timerKind, Key: jobKey(timerKind, r.InstanceID, c.Token), RunAt: due,
			Args: tokenArgs{Instance: r.InstanceID, Token: c.Token, Due: due.UTC()}})
	case bpmn.CancelTimer:
		return e.jobs.CancelKey(ctx, tx, jobKey(timerKind, r.InstanceID, c.Token))
	case bpmn.CancelJob:
		if _, err := tx.Exec(ctx, deleteWork, r.InstanceID, c.Token); err != nil {
			return err
		}
		return e.jobs.CancelKey(ctx, tx, jobKey(workKind, r.InstanceID, c.Token))
	case bpmn.Subscribe:
		return s.subscribe(ctx, c)
	case bpmn.Unsubscribe:
		_, err := tx.Exec(ctx, deleteSubscription, r.InstanceID, c.Token)
		return err
	case bpmn.AwaitSignal:
		_, err := tx.Exec(ctx, insertSignal, r.InstanceID, c.Token, c.Signal)
		return err
	case bpmn.ForgetSignal:
		_, err := tx.Exec(ctx, deleteSignal, r.InstanceID, c.Token)
		return err
	case bpmn.Broadcast:
		return e.Signal(ctx, tx, c.Signal, c.Vars)
	case bpmn.Milestone:
		if e.hooks.Milestone != nil {
			return e.hooks.Milestone(ctx, tx, r.Ref, c.Name, pairs(c.Properties))
		}
	case bpmn.Incident:
		i := Incident{ID: ident.New(), InstanceID: r.InstanceID, CaseID: r.CaseID, Service: r.Service, Token: c.Token, Element: c.Element, Reason: c.Reason, At: now.UTC()}
		if _, err := tx.Exec(ctx, insertIncident, i.ID, i.InstanceID, i.Token, i.CaseID, i.Service, i.Element, i.Reason, cause(i.Reason), r.Office, store.Micros(now)); err != nil {
			return err
		}
		// The reason may quote data: the log names the place only.
		e.log.Warn("a process can't go on", "instance", r.InstanceID, "service", r.Service, "element", c.Element, "incident", i.ID)
		if e.hooks.Incident != nil {
			return e.hooks.Incident(ctx, tx, r.Ref, i)
		}
	case bpmn.Finished:
		if e.hooks.Completed != nil {
			return e.hooks.Completed(ctx, tx, r.Ref, c.Vars)
		}
	default:
		return fault.Internalf("process.step", "unknown command %T", c)
	}
	return nil
}

// dueAt is when a timer is due.
func (e *Engine) dueAt(kind bpmn.TimerKind, value string, from time.Time, business bool) (time.Time, error) {
	if business && e.calendar != nil {
		return bpmn.BusinessDueAt(kind, value, from, e.calendar)
	}
	return bpmn.DueAt(kind, value, from)
}

// dueKey carries when the timer under way was due, so that a cycle doesn't drift.
type dueKey struct{}

func (s *stepping) work(c bpmn.CreateJob) Work {
	return Work{Ref: s.row.Ref, Token: c.Token, Element: c.Element, Type: c.Type, Headers: pairs(c.Headers), Vars: c.Vars, mapped: c.Mapped}
}

func (s *stepping) job(ctx context.Context, c bpmn.CreateJob) error {
	h, ok := s.e.handlers[c.Type]
	switch {
	case !ok && strings.HasPrefix(c.Type, ExternalPrefix):
		return s.offer(ctx, c)
	case !ok:
		s.queue = append(s.queue, bpmn.JobFailed{Token: c.Token, Reason: fmt.Sprintf("nobody does work of the type %q", c.Type)})
		return nil
	case h.Async != nil:
		return s.e.jobs.Add(ctx, s.tx, job.New{Kind: workKind, MaxAttempts: c.Retries, Key: jobKey(workKind, s.row.InstanceID, c.Token),
			Args: tokenArgs{Instance: s.row.InstanceID, Token: c.Token}, Local: s.work(c)})
	}
	vars, err := h.Inline(ctx, s.tx, s.work(c))
	if err != nil {
		return s.failed(c.Token, err)
	}
	if vars, err = plain(vars); err != nil {
		return err
	}
	s.queue = append(s.queue, bpmn.JobDone{Token: c.Token, Vars: vars})
	return nil
}

// failed turns the error of a handler into what the model or an operator deals with,
// or gives it back to undo the step.
func (s *stepping) failed(token string, err error) error {
	ev, ok := failure(token, err)
	if !ok {
		return err
	}
	s.queue = append(s.queue, ev)
	return nil
}

func failure(token string, err error) (bpmn.Event, bool) {
	var m *ModelError
	if errors.As(err, &m) {
		vars, e := plain(m.Vars)
		if e != nil {
			return nil, false
		}
		return bpmn.BpmnError{Token: token, Code: m.Code, Vars: vars}, true
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.NotFound, fault.Denied, fault.Unsupported:
		return bpmn.JobFailed{Token: token, Reason: err.Error()}, true
	}
	return nil, false
}

func plainValue(v any) (any, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var out any
	return out, json.Unmarshal(b, &out)
}

func pairs(list []bpmn.Property) map[string]string {
	out := make(map[string]string, len(list))
	for _, p := range list {
		out[p.Name] = p.Value
	}
	return out
}
