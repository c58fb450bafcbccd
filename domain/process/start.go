// SPDX-License-Identifier: EUPL-1.2

package process

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/job"
	"mercator/core/store"
	"mercator/lang/bpmn"
)

// Deployment is a service in force: what it listens to is what its process begins by.
type Deployment struct {
	Service, Version, Office string
	Def                      *bpmn.Definitions
	Process                  string // id of the process
	Called                   func(process string) *bpmn.Definitions
}

// Occasion is what begins a process by itself. Whoever opens the case for it
// (Hooks.Open) gives what the process begins with: the numbers and the label of the case,
// and variables, which nobody who sends a message can set in their place.
type Occasion struct {
	Service, Version, Office string
	Element                  string
	Trigger                  bpmn.Trigger
	Name, Key                string         // of the message; of the signal its name
	Vars                     map[string]any // that came with it
	Sender                   string         // the program that sent it, or ""
	Person                   string         // whom the house knows that it is about, or ""; never from outside
	Origin                   string         // one for each occasion
}

// start is a start event that is listened to.
type start struct {
	service, element, version, office string
	kind, name, source                string
	model, process, calls             string
	timer, value                      string
	business                          bool
	due                               time.Time // zero: it doesn't fire any more
	times                             int       // … yet, -1: for ever
}

// same reports whether two versions of a start event wait for the same, so that the
// schedule of the one is that of the other.
func (s start) same(o start) bool {
	return s.kind == o.kind && s.name == o.name && s.source == o.source && s.timer == o.timer && s.business == o.business
}

const (
	startTimerKind = "process.start"
	beginKind      = "process.begin"
	nextKind       = "process.next"
)

// The bounds of what begins by itself.
const (
	// maxMissed is how many missed times of a cycle are made up for: after a longer
	// downtime the latest of them count, and the others are on the log.
	maxMissed = 100
	// maxBehind is how far a cycle is counted to find them; what is behind further begins
	// its rhythm anew.
	maxBehind = 10_000
	// maxDepth bounds cases that begin cases by signals without ever waiting.
	maxDepth = 10
)

// startArgs are the arguments of a timer that begins cases.
type startArgs struct {
	Service string    `json:"service"`
	Element string    `json:"element"`
	Due     time.Time `json:"due"`
}

// beginArgs are the arguments of a job that begins a case by a signal or a condition.
type beginArgs struct {
	Service string         `json:"service"`
	Element string         `json:"element"`
	Kind    string         `json:"kind"`
	Name    string         `json:"name,omitempty"`
	Vars    map[string]any `json:"vars,omitempty"`
	Sender  string         `json:"sender,omitempty"`
	Person  string         `json:"person,omitempty"`
	Depth   int            `json:"depth,omitempty"`
}

// nextArgs name messages that wait for the instance before them to end.
type nextArgs struct {
	Name string `json:"name"`
	Key  string `json:"key"`
}

type depthKey struct{}

func depthOf(ctx context.Context) int {
	n, _ := ctx.Value(depthKey{}).(int)
	return n
}

// Deploy makes the engine listen to the start events of all services that are in force,
// and to no others: a new version takes the place of the older one, and what is in force
// no more begins nothing, in one transaction. Where nothing differs it only reads. A
// service that can't be listened to is named in the error; the others are.
func (e *Engine) Deploy(ctx context.Context, all []Deployment) error {
	const op = "process.deploy"
	want, bad := e.starts(all)
	have, err := store.All(ctx, e.db, scanStart, allStarts)
	if err != nil {
		return fault.Wrap(op, err)
	}
	if want, twice := oneEach(want, have); !differs(want, have) {
		return errors.Join(append(bad, twice...)...)
	}
	var twice []error
	err = e.db.Write(ctx, func(tx *store.Tx) error {
		// Nodes that come up together do it one after the other.
		if _, err := tx.Exec(ctx, turn, "process.deploy", ""); err != nil {
			return err
		}
		have, err := store.All(ctx, tx, scanStart, allStarts)
		if err != nil {
			return err
		}
		var list []start
		list, twice = oneEach(want, have)
		if err := e.listen(ctx, tx, all, list, have); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, endTurn, "process.deploy", "")
		return err
	})
	return errors.Join(append(append(bad, twice...), fault.Wrap(op, err))...)
}

// starts are the start events of services, without their models, which may not be on disk yet.
func (e *Engine) starts(all []Deployment) (out []start, bad []error) {
	now := e.now().In(e.zone)
	for _, d := range all {
		proc, ok := d.Def.Process(d.Process)
		if !ok || !proc.Executable {
			bad = append(bad, fault.Internalf("process.deploy", "%s: %s has no executable process %q", d.Service, d.Def.File, d.Process))
			continue
		}
		list, err := proc.Begins(now)
		if err != nil {
			bad = append(bad, fault.Internalf("process.deploy", "%s: %w", d.Service, err))
			continue
		}
		for _, b := range list {
			out = append(out, start{service: d.Service, element: b.Element, version: d.Version, office: d.Office, kind: string(b.Trigger), name: b.Name, source: b.Source,
				model: d.Def.Hash, process: proc.ID, timer: string(b.Kind), value: b.Value, business: b.Business})
		}
	}
	return out, bad
}

// oneEach leaves a message to one service: the one that has it, else the first.
func oneEach(want, have []start) (out []start, bad []error) {
	holder := map[string]string{}
	message := string(bpmn.Message)
	for _, h := range have {
		for _, w := range want {
			if h.kind == message && w.kind == message && w.name == h.name && w.service == h.service {
				holder[w.name] = w.service
			}
		}
	}
	for _, w := range want {
		if w.kind == message && holder[w.name] == "" {
			holder[w.name] = w.service
		}
		if w.kind == message && holder[w.name] != w.service {
			bad = append(bad, fault.Internalf("process.deploy", "the message %q begins cases of the service %s already, so it begins none of %s", w.name, holder[w.name], w.service))
			continue
		}
		out = append(out, w)
	}
	return out, bad
}

func find(list []start, service, element string) *start {
	for i := range list {
		if list[i].service == service && list[i].element == element {
			return &list[i]
		}
	}
	return nil
}

func differs(want, have []start) bool {
	if len(want) != len(have) {
		return true
	}
	for _, w := range want {
		h := find(have, w.service, w.element)
		if h == nil || !h.same(w) || h.version != w.version || h.office != w.office || h.model != w.model || h.process != w.process {
			return true
		}
	}
	return false
}

// listen puts the start events in the place of those that are there.
func (e *Engine) listen(ctx context.Context, tx *store.Tx, all []Deployment, want, have []start) error {
	for _, h := range have {
		if w := find(want, h.service, h.element); w != nil && w.same(h) {
			continue
		}
		if _, err := tx.Exec(ctx, deleteStart, h.service, h.element); err != nil {
			return err
		}
		if err := e.jobs.CancelKey(ctx, tx, jobKey(startTimerKind, h.service, h.element)); err != nil {
			return err
		}
	}
	calls := map[string]string{}
	for _, w := range want {
		i := slices.IndexFunc(all, func(d Deployment) bool { return d.Service == w.service })
		if _, ok := calls[w.service]; !ok {
			if err := e.keepModel(ctx, tx, all[i].Def); err != nil {
				return err
			}
			proc, _ := all[i].Def.Process(all[i].Process)
			_, pinned, err := e.pin(ctx, tx, all[i].Def, proc, all[i].Called)
			if err != nil {
				return err
			}
			calls[w.service] = pinned
		}
		w.calls = calls[w.service]
		if h := find(have, w.service, w.element); h != nil && h.same(w) {
			if _, err := tx.Exec(ctx, updateStart, w.service, w.element, w.version, w.office, w.model, w.process, w.calls); err != nil {
				return err
			}
			continue
		}
		if err := e.arm(&w); err != nil {
			return err
		}
		due := int64(0)
		if !w.due.IsZero() {
			due = store.Micros(w.due)
		}
		if _, err := tx.Exec(ctx, insertStart, w.service, w.element, w.kind, w.name, w.source, w.version, w.office, w.model, w.process, w.calls,
			w.timer, w.value, w.business, due, w.times); err != nil {
			return err
		}
		if err := e.plan(ctx, tx, w); err != nil {
			return err
		}
	}
	return nil
}

// arm says when a timer fires first. A date that has passed before anybody listened doesn't.
func (e *Engine) arm(s *start) error {
	if s.kind != string(bpmn.Timer) {
		return nil
	}
	now := e.now().In(e.zone)
	due, err := e.dueAt(bpmn.TimerKind(s.timer), s.value, now, s.business)
	if err != nil {
		return err
	}
	s.times = 1
	if bpmn.TimerKind(s.timer) == bpmn.Cycle {
		if s.times, err = bpmn.Times(s.value); err != nil {
			return err
		}
	}
	if due.Before(now) {
		e.log.Warn("a date at which a case was to begin has passed already", "service", s.service, "element", s.element)
		s.times = 0
		return nil
	}
	s.due = store.Time(store.Micros(due)) // as it is stored: the timer knows its time by it
	return nil
}

// plan has the queue wake a timer.
func (e *Engine) plan(ctx context.Context, tx *store.Tx, s start) error {
	if s.due.IsZero() {
		return nil
	}
	return e.jobs.Add(ctx, tx, job.New{Kind: startTimerKind, Key: jobKey(startTimerKind, s.service, s.element), RunAt: s.due,
		Args: startArgs{Service: s.service, Element: s.element, Due: s.due.UTC()}})
}

// fire begins a case whose time has come, and plans the next one of a cycle, which
// counts from when this one was due.
func (e *Engine) fire(ctx context.Context, j *job.Job) error {
	var a startArgs
	if err := j.Read(&a); err != nil {
		return err
	}
	return e.db.Write(ctx, func(tx *store.Tx) error {
		s, err := e.due(ctx, tx, a)
		if err != nil {
			return ignoreNoRow(err)
		}
		if err := j.Done(ctx, tx); err != nil {
			return err
		}
		if _, err := e.begin(ctx, tx, s, Occasion{Trigger: bpmn.Timer}); err != nil {
			return err
		}
		return e.onwards(ctx, tx, s)
	})
}

// due is the start event that a timer belongs to, which nobody else changes until the
// transaction ends. One that waits for another time, or for nothing, isn't there.
func (e *Engine) due(ctx context.Context, tx *store.Tx, a startArgs) (start, error) {
	s, err := store.One(ctx, tx, scanStart, e.text(readStart, lockStartPostgres), a.Service, a.Element)
	if err == nil && (s.kind != string(bpmn.Timer) || !s.due.Equal(a.Due)) {
		err = fault.New(fault.NotFound, "process.due", "")
	}
	return s, err
}

// onwards plans the next time of a timer.
func (e *Engine) onwards(ctx context.Context, tx *store.Tx, s start) error {
	if err := e.after(&s); err != nil {
		return err
	}
	due := int64(0)
	if !s.due.IsZero() {
		due = store.Micros(s.due)
	}
	if _, err := tx.Exec(ctx, scheduleStart, s.service, s.element, due, s.times); err != nil {
		return err
	}
	return e.plan(ctx, tx, s)
}

// after is the time after the one that s has. After a long downtime those are left out
// that are too many to be made up for.
func (e *Engine) after(s *start) error {
	last := s.due
	s.due = time.Time{}
	if s.times > 0 {
		s.times--
	}
	if s.times == 0 {
		return nil
	}
	now := e.now().In(e.zone)
	following := func(t time.Time) (time.Time, error) {
		return e.dueAt(bpmn.TimerKind(s.timer), s.value, t.In(e.zone), s.business)
	}
	var missed []time.Time // the latest
	n := 0
	at, err := following(last)
	for err == nil && !at.After(now) && n < maxBehind {
		if missed = append(missed, at); len(missed) > maxMissed {
			missed = missed[1:]
		}
		n++
		at, err = following(at)
	}
	if err != nil {
		return err
	}
	left := max(n-maxMissed, 0)
	switch {
	case n == maxBehind:
		if at, err = following(now); err != nil {
			return err
		}
		left = n
	case n > 0:
		at = missed[0]
	}
	if left > 0 {
		e.log.Warn("a timer that begins cases was away for long: times that it has missed are left out", "service", s.service, "element", s.element, "times", left, "at_least", n == maxBehind)
		if s.times > 0 {
			if s.times = max(s.times-left, 0); s.times == 0 {
				return nil
			}
		}
	}
	s.due = store.Time(store.Micros(at))
	return nil
}

// notFired says that a case couldn't be begun at its time; a cycle goes on.
func (e *Engine) notFired(ctx context.Context, tx *store.Tx, j *job.Job, lastErr string) error {
	var a startArgs
	if j.Read(&a) != nil {
		return nil
	}
	s, err := e.due(ctx, tx, a)
	if err != nil {
		return ignoreNoRow(err)
	}
	e.log.Error("a case couldn't be begun at its time", "service", s.service, "element", s.element, "due", s.due, "err", lastErr)
	return e.onwards(ctx, tx, s)
}

// begin opens a case and begins its process at a start event.
func (e *Engine) begin(ctx context.Context, tx *store.Tx, s start, o Occasion) (Ref, error) {
	const op = "process.begin"
	if e.hooks.Open == nil {
		return Ref{}, fault.Internalf(op, "nobody opens cases here")
	}
	brought, err := plain(o.Vars)
	if err != nil {
		return Ref{}, fault.Wrap(op, err)
	}
	o.Service, o.Version, o.Office, o.Element, o.Origin = s.service, s.version, s.office, s.element, ident.New()
	o.Vars = maps.Clone(brought)
	p, err := e.hooks.Open(ctx, tx, o)
	if err != nil {
		return Ref{}, fault.Wrap(op, err)
	}
	vars, err := plain(p.Vars)
	if err != nil {
		return Ref{}, fault.Wrap(op, err)
	}
	maps.DeleteFunc(brought, func(name string, _ any) bool { _, ours := vars[name]; return ours })
	r := &row{Ref: Ref{InstanceID: ident.New(), CaseID: p.CaseID, CaseRef: p.CaseRef, Label: p.Label, Service: s.service, Version: s.version, Office: s.office},
		model: s.model, process: s.process, calls: s.calls}
	_, proc, err := e.process(ctx, tx, r)
	if err != nil {
		return Ref{}, fault.Wrap(op, err)
	}
	if o.Trigger == bpmn.Message && o.Key != "" {
		if _, err := tx.Exec(ctx, insertBegun, s.service, o.Name, o.Key, r.InstanceID); err != nil {
			return Ref{}, fault.Wrap(op, err)
		}
	}
	if err := e.planForget(ctx, tx); err != nil {
		return Ref{}, fault.Wrap(op, err)
	}
	st := &stepping{e: e, tx: tx, row: r, proc: proc, actor: access.SystemActor("process"), fresh: true}
	return r.Ref, fault.Wrap(op, st.run(ctx, bpmn.Start{Element: s.element, Vars: vars, Brought: brought}))
}

// ended makes room for the next case when one is over that a message has begun.
func (s *stepping) ended(ctx context.Context) error {
	if !slices.ContainsFunc(s.proc.Elements, func(el *bpmn.Element) bool {
		return el.Kind == bpmn.StartEvent && el.Parent == nil && el.Trigger == bpmn.Message
	}) {
		return nil
	}
	var a nextArgs
	if err := s.tx.QueryRow(ctx, deleteBegun, s.row.InstanceID).Scan(&a.Name, &a.Key); err != nil {
		return ignoreNoRow(err)
	}
	// In a step of its own: that the next case can't begin mustn't keep this one from its end.
	return s.e.jobs.Add(ctx, s.tx, job.New{Kind: nextKind, Args: a})
}

// succeed begins the case of the message that has waited longest for its turn.
func (e *Engine) succeed(ctx context.Context, j *job.Job) error {
	var a nextArgs
	if err := j.Read(&a); err != nil {
		return err
	}
	return e.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, turn, a.Name, a.Key); err != nil {
			return err
		}
		if err := j.Done(ctx, tx); err != nil {
			return err
		}
		s, err := store.One(ctx, tx, scanStart, startOfMessage, a.Name, "")
		if err != nil {
			return ignoreNoRow(err)
		}
		if running, err := e.runsFor(ctx, tx, s, a.Key); err != nil || running {
			return err
		}
		vars, sender, ok, err := e.takeKept(ctx, tx, a.Name, a.Key, s.office)
		if err != nil || !ok {
			return err
		}
		if _, err := e.begin(ctx, tx, s, Occasion{Trigger: bpmn.Message, Name: a.Name, Key: a.Key, Vars: vars, Sender: sender}); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, endTurn, a.Name, a.Key)
		return err
	})
}

// runsFor reports whether a case of the service runs that a message with the key has begun.
func (e *Engine) runsFor(ctx context.Context, tx *store.Tx, s start, key string) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, runningFor, s.service, s.name, key).Scan(&n)
	return n > 0, err
}

// Tell tells the engine data: each service that begins under a condition which is true for
// them begins a case. It says how many.
func (e *Engine) Tell(ctx context.Context, tx *store.Tx, vars map[string]any) (int, error) {
	return e.tell(ctx, tx, vars, access.Actor{}, "", "")
}

// TellOf tells one service data about a person, and no other: what a register says is for
// whoever has a purpose and a basis for it.
func (e *Engine) TellOf(ctx context.Context, tx *store.Tx, service, person string, vars map[string]any) (int, error) {
	return e.tell(ctx, tx, vars, access.Actor{}, service, person)
}

func (e *Engine) tell(ctx context.Context, tx *store.Tx, vars map[string]any, by access.Actor, service, person string) (int, error) {
	const op = "process.tell"
	vars, err := plain(vars)
	if err != nil {
		return 0, fault.Wrap(op, err)
	}
	list, err := store.All(ctx, tx, scanStart, startsOf, string(bpmn.Conditional), "", by.Office)
	if err != nil {
		return 0, fault.Wrap(op, err)
	}
	n := 0
	for _, s := range list {
		if service != "" && s.service != service {
			continue
		}
		_, proc, err := e.process(ctx, tx, &row{model: s.model, process: s.process, calls: s.calls})
		if err != nil {
			return n, fault.Wrap(op, err)
		}
		if !proc.Holds(s.element, vars, e.now().In(e.zone)) {
			continue
		}
		if err := e.beginLater(ctx, tx, s, vars, by, person); err != nil {
			return n, fault.Wrap(op, err)
		}
		n++
	}
	return n, nil
}

// beginLater begins a case in a step of its own, for each start event one.
func (e *Engine) beginLater(ctx context.Context, tx *store.Tx, s start, vars map[string]any, by access.Actor, person string) error {
	depth := depthOf(ctx) + 1
	if depth > maxDepth {
		return fault.Because(fault.Invalid, "process.begin", "", fmt.Errorf("cases begin cases by the signal %q, %d times over without waiting", s.name, maxDepth))
	}
	_, err := e.jobs.Enqueue(ctx, tx, job.New{Kind: beginKind,
		Args: beginArgs{Service: s.service, Element: s.element, Kind: s.kind, Name: s.name, Vars: vars, Sender: senderOf(by), Person: person, Depth: depth}})
	return err
}

// beginJob is that step. A service that listens no longer begins nothing.
func (e *Engine) beginJob(ctx context.Context, j *job.Job) error {
	var a beginArgs
	if err := j.Read(&a); err != nil {
		return err
	}
	return e.db.Write(context.WithValue(ctx, depthKey{}, a.Depth), func(tx *store.Tx) error {
		if err := j.Done(ctx, tx); err != nil {
			return err
		}
		s, err := store.One(ctx, tx, scanStart, readStart, a.Service, a.Element)
		if err != nil || s.kind != a.Kind || s.name != a.Name {
			return ignoreNoRow(err)
		}
		_, err = e.begin(context.WithValue(ctx, depthKey{}, a.Depth), tx, s, Occasion{Trigger: bpmn.Trigger(a.Kind), Name: a.Name, Vars: a.Vars, Sender: a.Sender, Person: a.Person})
		return err
	})
}

// senderOf is the program that sends something, or "".
func senderOf(a access.Actor) string {
	if a.Kind == access.Machine {
		return a.ID
	}
	return ""
}
