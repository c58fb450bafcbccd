// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
)

// ErrNoToken says that the token of an event isn't there, or doesn't wait for such
// an event: it has come twice or too late. The state is unchanged.
var ErrNoToken = errors.New("bpmn: no token waits for this")

// Bounds of one step and of one instance. What goes beyond is an incident at the
// element where it happened.
const (
	maxMoves  = 10_000
	maxTokens = 10_000
	maxItems  = 5_000
)

// Step takes an event and says what the state is afterwards and what is to be done.
// It is pure: now is the only time there is, and s isn't changed. An error means
// that nothing happened.
func Step(p *Process, s State, now time.Time, ev Event) (State, []Command, error) {
	r := &run{p: p, s: s.clone(), now: now, moves: maxMoves}
	if err := r.take(ev); err != nil {
		return s, nil, err
	}
	r.settle()
	r.s.Tokens = slices.DeleteFunc(r.s.Tokens, func(t *Token) bool { return t.dead })
	return r.s, r.cmds, nil
}

type run struct {
	p     *Process
	s     State
	now   time.Time
	cmds  []Command
	queue []*Token
	moves int
}

func (r *run) do(c Command) { r.cmds = append(r.cmds, c) }

func (r *run) take(ev Event) error {
	if ev, ok := ev.(Start); ok {
		return r.begin(ev)
	}
	if r.s.Status != Running {
		return ErrNoToken
	}
	waits := func(id string, w ...Wait) (*Token, *Element, error) {
		t := r.s.Token(id)
		if t == nil || !slices.Contains(w, t.Wait) {
			return nil, nil, ErrNoToken
		}
		el := r.p.byID[t.Element]
		if el == nil {
			return nil, nil, fmt.Errorf("bpmn: process %q has no element %q", r.p.ID, t.Element)
		}
		return t, el, nil
	}
	switch ev := ev.(type) {
	case JobDone:
		t, el, err := waits(ev.Token, ForJob)
		if err != nil {
			return err
		}
		r.finish(t, el, ev.Vars)
	case TaskDone:
		t, el, err := waits(ev.Token, ForTask)
		if err != nil {
			return err
		}
		r.finish(t, el, ev.Vars)
	case Decided:
		t, el, err := waits(ev.Token, ForDecision)
		if err != nil {
			return err
		}
		r.finish(t, el, map[string]any{el.ResultVar: ev.Value})
	case JobFailed:
		t, el, err := waits(ev.Token, ForJob, ForDecision)
		if err != nil {
			return err
		}
		r.incident(t, el, working, ev.Reason)
	case BpmnError:
		t, el, err := waits(ev.Token, ForJob, ForTask)
		if err != nil {
			return err
		}
		if !r.raise(t, ErrorEvent, ev.Code, ev.Vars) {
			r.takeBack(t)
			r.incident(t, el, working, fmt.Sprintf("nothing handles the error %q", ev.Code))
		}
	case TimerFired:
		t, el, err := waits(ev.Token, ForTimer, Watching)
		if err != nil {
			return err
		}
		if el.Trigger != Timer {
			return ErrNoToken
		}
		r.happened(t, el, nil)
	case MessageReceived:
		t, el, err := waits(ev.Token, ForMessage, Watching)
		if err != nil {
			return err
		}
		if el.Trigger != Message && el.Kind != ReceiveTask {
			return ErrNoToken
		}
		r.happened(t, el, ev.Vars)
	case SignalReceived:
		t, el, err := waits(ev.Token, ForSignal, Watching)
		if err != nil {
			return err
		}
		if el.Trigger != Signal {
			return ErrNoToken
		}
		r.happened(t, el, ev.Vars)
	case Activate:
		t, el, err := waits(ev.Token, ForScope)
		if err != nil {
			return err
		}
		return r.activate(t, el, ev.Elements, ev.Vars)
	case Conclude:
		t, el, err := waits(ev.Token, ForScope)
		if err != nil {
			return err
		}
		if el.Kind != AdHoc || el.repeats() && t.Item == 0 {
			return ErrNoToken
		}
		r.conclude(r.inside(t))
	case Cancel:
		r.kill(0)
		r.s.Status = Cancelled
	case SetVars:
		r.setAll(0, ev.Vars)
	case Modify:
		return r.modify(ev)
	case Retry:
		t, el, err := waits(ev.Token, ForOperator)
		if err != nil {
			return err
		}
		phase := t.Phase
		t.Wait, t.Phase, t.Reason = Moving, "", ""
		switch phase {
		case entering:
			r.move(t)
		case working:
			r.work(t, el)
		case finishing:
			r.finish(t, el, nil)
		case leaving:
			r.leave(t, el)
		case arming:
			r.move(t)
			r.watchScope(t, el.Parent, t.Scope)
		case checking:
			t.Wait = ForScope
			r.checkAdHoc(t, el, r.inside(t))
		}
	default:
		return fmt.Errorf("bpmn: unknown event %T", ev)
	}
	return nil
}

func (r *run) begin(ev Start) error {
	if r.s.Status != NotStarted {
		return errors.New("bpmn: the instance has begun already")
	}
	if !r.p.Executable {
		return fmt.Errorf("bpmn: process %q isn't marked executable", r.p.ID)
	}
	el := r.p.start(nil)
	if ev.Element != "" {
		el = r.p.byID[ev.Element]
		if el == nil || el.Kind != StartEvent || el.Parent != nil {
			return fmt.Errorf("bpmn: %q is not a start event of process %q", ev.Element, r.p.ID)
		}
	}
	if el == nil {
		return fmt.Errorf("bpmn: process %q has no start event without a trigger: name one", r.p.ID)
	}
	r.s.Status = Running
	vars := maps.Clone(ev.Vars)
	if vars == nil {
		vars = map[string]any{}
	}
	r.s.Scopes = append(r.s.Scopes, &Scope{ID: 0, Parent: -1, Vars: vars})
	t := r.token(el, 0)
	if len(el.Outputs) > 0 { // what began it is seen there only
		t.Vars = maps.Clone(ev.Brought)
	} else {
		maps.Copy(vars, ev.Brought)
	}
	r.move(t)
	r.watchScope(t, nil, 0)
	return nil
}

// token makes a token.
func (r *run) token(el *Element, scope int) *Token {
	r.s.Seq++
	t := &Token{ID: "t" + strconv.Itoa(r.s.Seq), Element: el.ID, Scope: scope}
	r.s.Tokens = append(r.s.Tokens, t)
	if len(r.s.Tokens) > maxTokens {
		r.moves = 0
	}
	return t
}

// move lets a token enter its element.
func (r *run) move(t *Token) {
	t.moving = true
	r.queue = append(r.queue, t)
}

// settle moves tokens until each of them waits.
func (r *run) settle() {
	for {
		for len(r.queue) > 0 {
			t := r.queue[0]
			r.queue = r.queue[1:]
			if t.dead || t.Wait != Moving {
				continue
			}
			t.moving = false
			el := r.p.byID[t.Element]
			if r.moves--; r.moves < 0 {
				r.incident(t, el, entering, fmt.Sprintf("more than %d moves or %d tokens without waiting: an endless loop?", maxMoves, maxTokens))
				continue
			}
			r.enter(t, el)
		}
		if !r.inclusive() && !r.conditions() {
			return
		}
	}
}

func (r *run) incident(t *Token, el *Element, p phase, reason string) {
	t.Wait, t.Phase, t.Reason = ForOperator, p, reason
	r.do(Incident{Token: t.ID, Element: el.ID, Reason: reason})
}

// enter begins an element.
func (r *run) enter(t *Token, el *Element) {
	r.do(Entered{t.ID, el.ID})
	if el.Unchecked != "" {
		r.incident(t, el, entering, el.Unchecked)
		return
	}
	if el.repeats() && t.Item == 0 {
		r.repeat(t, el)
		return
	}
	local, err := r.inputs(el, t.Scope, t.Vars)
	if err != nil {
		r.incident(t, el, entering, err.Error())
		return
	}
	t.Vars = local
	if t.Item == 0 {
		if err := r.watchBoundary(t, el); err != nil {
			r.incident(t, el, entering, err.Error())
			return
		}
	}
	r.work(t, el)
}

// work is what an element is there for.
func (r *run) work(t *Token, el *Element) {
	switch el.Kind {
	case StartEvent, Task, ManualTask:
		r.finish(t, el, nil)
	case UserTask:
		r.userTask(t, el)
	case ServiceTask, SendTask, BusinessRuleTask:
		if el.Decision != nil {
			r.decide(t, el)
		} else {
			r.job(t, el)
		}
	case ScriptTask:
		if el.Script == nil {
			r.job(t, el)
			return
		}
		v, err := r.eval(el.Script, t.Scope, t.Vars)
		if err != nil {
			r.incident(t, el, working, err.Error())
			return
		}
		r.finish(t, el, map[string]any{el.ResultVar: v})
	case ReceiveTask:
		r.wait(t, el, ForMessage)
	case CatchEvent:
		switch el.Trigger {
		case Message:
			r.wait(t, el, ForMessage)
		case Timer:
			r.wait(t, el, ForTimer)
		case Signal:
			r.wait(t, el, ForSignal)
		case Conditional:
			t.Wait = ForChange
		default:
			r.finish(t, el, nil)
		}
	case ThrowEvent, EndEvent:
		r.throw(t, el)
	case ExclusiveGateway:
		r.leave(t, el)
	case ParallelGateway:
		r.parallel(t, el)
	case InclusiveGateway:
		if len(el.In) > 1 {
			t.Wait = ForJoin
		} else {
			r.leave(t, el)
		}
	case EventBasedGateway:
		t.Wait = ForBranch
		for _, f := range el.Out {
			w := r.token(f.To, t.Scope)
			w.Owner, w.Wait, w.Via = t.ID, Watching, f.ID
			if err := r.listen(w, f.To, false); err != nil {
				w.dead = true
				r.disarm(t.ID)
				r.incident(t, el, working, err.Error())
				return
			}
		}
	case SubProcess:
		r.enterScope(t, el, passable)
	case CallActivity:
		if !el.Call.linked {
			r.incident(t, el, working, fmt.Sprintf("the process %q, which %q calls, isn't there", el.Call.Process, el.ID))
			return
		}
		b := own
		if el.Call.Shut {
			b = shut
		}
		r.enterScope(t, el, b)
	case AdHoc:
		r.enterAdHoc(t, el)
	default:
		r.incident(t, el, working, fmt.Sprintf("<%s> is not executed", el.Kind))
	}
}

// enterScope begins a sub-process or a called process at its start event.
func (r *run) enterScope(t *Token, el *Element, b border) {
	sc := r.newScope(t, t.Vars)
	sc.Border = b
	t.Wait = ForScope
	first := r.token(r.p.start(el), sc.ID)
	r.move(first)
	r.watchScope(first, el, sc.ID)
}

// inside is the scope that a token waits for, or nil.
func (r *run) inside(t *Token) *Scope {
	for _, sc := range r.s.Scopes {
		if sc.Token == t.ID {
			return sc
		}
	}
	return nil
}

func (r *run) newScope(t *Token, vars map[string]any) *Scope {
	id := 0
	for _, sc := range r.s.Scopes {
		id = max(id, sc.ID)
	}
	sc := &Scope{ID: id + 1, Parent: t.Scope, Token: t.ID, Vars: maps.Clone(vars)}
	r.s.Scopes = append(r.s.Scopes, sc)
	return sc
}

func (r *run) job(t *Token, el *Element) {
	typ, err := r.text(el.JobType, t.Scope, t.Vars)
	if err == nil && typ == "" {
		err = errors.New("the type of the job is empty")
	}
	if err != nil {
		r.incident(t, el, working, err.Error())
		return
	}
	retries, err := r.text(el.Retries, t.Scope, t.Vars)
	n := 0
	if err == nil && retries != "" {
		if n, err = strconv.Atoi(retries); err == nil && (n < 0 || n > 1000) {
			err = fmt.Errorf("%d retries: want at most 1000", n)
		}
	}
	if err != nil {
		r.incident(t, el, working, err.Error())
		return
	}
	t.Wait = ForJob
	c := CreateJob{Token: t.ID, Element: el.ID, Type: typ, Retries: n, Headers: el.Headers, Vars: r.visible(t.Scope, t.Vars)}
	if len(el.Inputs) > 0 {
		c.Mapped = t.Vars
	}
	r.do(c)
}

// JobOf is the job that a token waits for, once more.
func JobOf(p *Process, s State, now time.Time, token string) (CreateJob, error) {
	t := s.Token(token)
	if t == nil || t.Wait != ForJob {
		return CreateJob{}, ErrNoToken
	}
	r := &run{p: p, s: s.clone(), now: now}
	r.job(r.s.Token(token), p.byID[t.Element])
	for _, c := range r.cmds {
		if c, ok := c.(CreateJob); ok {
			return c, nil
		}
	}
	return CreateJob{}, fmt.Errorf("bpmn: the job of token %s can't be made again", token)
}

func (r *run) decide(t *Token, el *Element) {
	id, err := r.text(el.Decision, t.Scope, t.Vars)
	if err == nil && id == "" {
		err = errors.New("the id of the decision is empty")
	}
	if err != nil {
		r.incident(t, el, working, err.Error())
		return
	}
	t.Wait = ForDecision
	r.do(Decide{Token: t.ID, Element: el.ID, Decision: id, ResultVar: el.ResultVar, Vars: r.visible(t.Scope, t.Vars)})
}

func (r *run) userTask(t *Token, el *Element) {
	c := CreateUserTask{
		Token: t.ID, Element: el.ID, Name: el.Name, Form: el.Form, Priority: 50, Business: el.Business,
		Properties: el.Properties, Headers: el.Headers,
	}
	var errs [6]error
	c.Assignee, errs[0] = r.text(el.Assignee, t.Scope, t.Vars)
	c.Groups, errs[1] = r.texts(el.Groups, t.Scope, t.Vars)
	c.Users, errs[2] = r.texts(el.Users, t.Scope, t.Vars)
	c.Due, errs[3] = r.text(el.Due, t.Scope, t.Vars)
	c.FollowUp, errs[4] = r.text(el.FollowUp, t.Scope, t.Vars)
	var prio string
	prio, errs[5] = r.text(el.Priority, t.Scope, t.Vars)
	err := errors.Join(errs[:]...)
	if err == nil && prio != "" {
		f, e := strconv.ParseFloat(prio, 64)
		if e != nil || math.IsNaN(f) || f < 0 || f > 100 {
			err = fmt.Errorf("the priority %q is not a number from 0 to 100", short(prio))
		} else {
			c.Priority = int(f)
		}
	}
	if err != nil {
		r.incident(t, el, working, err.Error())
		return
	}
	t.Wait = ForTask
	c.Vars = r.visible(t.Scope, t.Vars)
	r.do(c)
}

// throw is a throw or end event.
func (r *run) throw(t *Token, el *Element) {
	switch {
	case el.JobType != nil:
		r.job(t, el)
	case el.Trigger == Signal:
		name, err := r.text(el.SignalName, t.Scope, t.Vars)
		if err == nil && name == "" {
			err = errors.New("the name of the signal is empty")
		}
		if err != nil {
			r.incident(t, el, working, err.Error())
			return
		}
		r.do(Broadcast{Element: el.ID, Signal: name, Vars: t.Vars})
		r.finish(t, el, nil)
	case el.Trigger == Escalation:
		r.raise(t, Escalation, el.Code, t.Vars)
		if !t.dead {
			r.finish(t, el, nil)
		}
	case el.Trigger == ErrorEvent:
		if !r.raise(t, ErrorEvent, el.Code, t.Vars) {
			r.incident(t, el, working, fmt.Sprintf("nothing handles the error %q", el.Code))
		}
	case el.Trigger == Compensate:
		r.throwCompensation(t, el)
	case el.Trigger == Terminate:
		for _, o := range r.s.Tokens {
			if o.Scope == t.Scope && o != t && !o.dead {
				r.cancel(o)
			}
		}
		r.finish(t, el, nil)
	default:
		if el.Kind == ThrowEvent && el.Trigger != Link {
			r.do(Milestone{Element: el.ID, Name: el.Name, Properties: el.Properties})
		}
		r.finish(t, el, nil)
	}
}

// wait makes a token listen at its own element.
func (r *run) wait(t *Token, el *Element, w Wait) {
	if err := r.listen(t, el, false); err != nil {
		r.incident(t, el, working, err.Error())
		return
	}
	t.Wait = w
}

// listen sets the timer or the subscription of an event.
func (r *run) listen(t *Token, el *Element, again bool) error {
	if el.Trigger == Timer {
		v, err := r.text(el.TimerValue, t.Scope, t.Vars)
		if err != nil {
			return err
		}
		if err := CheckTimer(el.TimerKind, v); err != nil {
			return fmt.Errorf("line %d: %w", el.TimerValue.Pos.Line, err)
		}
		if el.Business {
			if _, err := BusinessDueAt(el.TimerKind, v, time.Unix(0, 0).UTC(), everyDay{}); err != nil {
				return fmt.Errorf("line %d: %w", el.TimerValue.Pos.Line, err)
			}
		}
		if el.TimerKind == Cycle && !again {
			c, _ := parseCycle(v)
			t.Left = c.n
		}
		r.do(SetTimer{Token: t.ID, Element: el.ID, Kind: el.TimerKind, Value: v, Business: el.Business, Again: again})
		return nil
	}
	if el.Trigger == Conditional {
		return nil // looked at whenever the tokens have come to rest
	}
	if el.Trigger == Signal {
		name, err := r.text(el.SignalName, t.Scope, t.Vars)
		if err == nil && name == "" {
			err = fmt.Errorf("the name of the signal of %q is empty", el.ID)
		}
		if err != nil {
			return err
		}
		r.do(AwaitSignal{Token: t.ID, Element: el.ID, Signal: name})
		return nil
	}
	name, err := r.text(el.MessageName, t.Scope, t.Vars)
	if err != nil {
		return err
	}
	key, err := r.text(el.Key, t.Scope, t.Vars)
	if err != nil {
		return err
	}
	if name == "" {
		return fmt.Errorf("the name of the message of %q is empty", el.ID)
	}
	if key == "" {
		return fmt.Errorf("the correlation key of the message %q of %q is empty: nothing says whose message", name, el.ID)
	}
	r.do(Subscribe{Token: t.ID, Element: el.ID, Message: name, Key: key})
	return nil
}

// listens reports whether an event has to be waited for.
func listens(t Trigger) bool {
	return t == Message || t == Timer || t == Signal || t == Conditional
}

// watchBoundary makes the watchers of an activity's boundary events.
func (r *run) watchBoundary(t *Token, el *Element) error {
	for _, b := range el.Boundary {
		if !listens(b.Trigger) {
			continue
		}
		w := r.token(b, t.Scope)
		w.Owner, w.Wait = t.ID, Watching
		if err := r.listen(w, b, false); err != nil {
			w.dead = true
			r.disarm(t.ID)
			return err
		}
	}
	return nil
}

// watchScope makes the watchers of the event sub-processes of a scope; of is its
// sub-process, nil for the process. When one can't listen, the token that is about
// to begin the scope stops.
func (r *run) watchScope(first *Token, of *Element, scope int) {
	for _, e := range r.p.children(of) {
		if !e.ByEvent {
			continue
		}
		for _, st := range e.Children {
			if st.Kind != StartEvent || !listens(st.Trigger) {
				continue
			}
			w := r.token(st, scope)
			w.Wait = Watching
			if err := r.listen(w, st, false); err != nil {
				w.dead = true
				r.disarmScope(scope)
				r.incident(first, r.p.byID[first.Element], arming, err.Error())
				return
			}
		}
	}
}

// happened takes the event that a token or watcher was waiting for.
func (r *run) happened(w *Token, el *Element, vars map[string]any) {
	if w.Wait != Watching {
		r.finish(w, el, vars)
		return
	}
	switch {
	case el.Kind == BoundaryEvent:
		host := r.s.Token(w.Owner)
		if el.Interrupting {
			w.dead = true
			t := r.token(el, w.Scope)
			r.cancel(host)
			r.arrive(t, el, vars)
			return
		}
		r.again(w, el)
		r.arrive(r.token(el, w.Scope), el, vars)
	case el.Kind == StartEvent:
		if el.Interrupting {
			w.dead = true
		} else {
			r.again(w, el)
		}
		r.startEventSub(el, w.Scope, vars)
	default: // a branch of an event-based gateway
		gw := r.s.Token(w.Owner)
		w.Owner, w.Wait = "", Moving
		r.disarm(gw.ID)
		gw.dead = true
		r.do(Left{Token: gw.ID, Element: gw.Element})
		r.arrive(w, el, vars)
	}
}

// arrive is an event that has happened: its token goes on from there.
func (r *run) arrive(t *Token, el *Element, vars map[string]any) {
	r.do(Entered{t.ID, el.ID})
	r.finish(t, el, vars)
}

// again lets a watcher that doesn't interrupt wait for the next time, if there is one.
func (r *run) again(w *Token, el *Element) {
	if el.Trigger == Timer {
		if el.TimerKind != Cycle || w.Left == 1 {
			w.dead = true
			return
		}
		if w.Left > 0 {
			w.Left--
		}
	}
	if el.Trigger == Conditional {
		return // again when it has been false in between
	}
	if err := r.listen(w, el, true); err != nil {
		w.dead = true
		r.do(Incident{Token: w.ID, Element: el.ID, Reason: err.Error()})
	}
}

// startEventSub runs an event sub-process in a scope.
func (r *run) startEventSub(start *Element, scope int, vars map[string]any) {
	sub := start.Parent
	if start.Interrupting {
		for _, o := range r.s.Tokens {
			if o.Scope == scope && !o.dead {
				r.cancel(o)
			}
		}
	}
	t := r.token(sub, scope)
	t.Wait = ForScope
	r.do(Entered{t.ID, sub.ID})
	sc := r.newScope(t, nil)
	first := r.token(start, sc.ID)
	// What the event brought lives in the event sub-process.
	if len(start.Outputs) == 0 {
		sc.Vars = maps.Clone(vars)
		vars = nil
	}
	r.arrive(first, start, vars)
	r.watchScope(first, sub, sc.ID)
}

// raise looks for what handles an error or an escalation, from the inside out.
func (r *run) raise(t *Token, trigger Trigger, code string, vars map[string]any) bool {
	for at := t; at != nil; {
		el := r.p.byID[at.Element]
		sc := r.scope(at.Scope)
		owner := r.s.Token(sc.Token)
		if at.Item > 0 || at.For != "" && !el.ForCompensation {
			// boundary events belong to the activity as a whole, and not to one that is being undone
			at = owner
			continue
		}
		if b := match(el.Boundary, trigger, code); b != nil {
			nt := r.token(b, at.Scope)
			if b.Interrupting {
				r.cancel(at)
			}
			r.arrive(nt, b, vars)
			return true
		}
		if !el.ByEvent {
			var of *Element
			if owner != nil {
				of = r.p.byID[owner.Element]
			}
			var starts []*Element
			for _, e := range r.p.children(of) {
				if e.ByEvent {
					starts = append(starts, e.Children...)
				}
			}
			if st := match(starts, trigger, code); st != nil {
				r.startEventSub(st, at.Scope, vars)
				return true
			}
		}
		at = owner
	}
	return false
}

// match is the event for the code, else one that takes every code.
func match(events []*Element, trigger Trigger, code string) *Element {
	var any *Element
	for _, e := range events {
		if e.Trigger != trigger || e.Kind != BoundaryEvent && e.Kind != StartEvent {
			continue
		}
		if e.Code == code {
			return e
		}
		if e.Code == "" && any == nil {
			any = e
		}
	}
	return any
}

// finish takes the results of an element and leaves it.
func (r *run) finish(t *Token, el *Element, vars map[string]any) {
	t.Wait = Moving
	if el.Spill && (len(el.Outputs) > 0 || t.Item > 0) {
		r.spill(t, vars)
	}
	if len(el.Outputs) > 0 || t.Item > 0 && el.Multi != nil {
		if len(vars) > 0 {
			t.Vars = maps.Clone(t.Vars)
			if t.Vars == nil {
				t.Vars = map[string]any{}
			}
			maps.Copy(t.Vars, vars)
		}
	}
	if len(el.Outputs) > 0 {
		if err := r.outputs(el, t.Scope, t.Vars); err != nil {
			r.incident(t, el, finishing, err.Error())
			return
		}
	} else {
		for _, name := range slices.Sorted(maps.Keys(vars)) {
			if _, ok := t.Vars[name]; !ok {
				r.set(t.Scope, name, vars[name])
			}
		}
	}
	if t.Item > 0 {
		r.itemDone(t, el)
		return
	}
	r.leave(t, el)
}

// leave takes the outgoing flows.
func (r *run) leave(t *Token, el *Element) {
	flows, err := r.choose(t, el)
	if err != nil {
		r.incident(t, el, leaving, err.Error())
		return
	}
	r.disarm(t.ID)
	r.do(Left{Token: t.ID, Element: el.ID})
	r.remember(t, el)
	t.Vars, t.Wait, t.Left = nil, Moving, 0
	if t.For != "" {
		t.dead = true
		r.undone(t.For)
		return
	}
	if el.linked != nil { // the beginning of a link
		t.Element, t.Via = el.linked.ID, ""
		r.move(t)
		return
	}
	if len(flows) == 0 {
		r.end(t)
		return
	}
	scope := t.Scope
	for i, f := range flows {
		n := t
		if i > 0 {
			n = r.token(f.To, scope)
		}
		n.Element, n.Via = f.To.ID, f.ID
		r.move(n)
	}
}

// choose says which flows are taken.
func (r *run) choose(t *Token, el *Element) ([]*Flow, error) {
	gateway := el.Kind == ExclusiveGateway || el.Kind == InclusiveGateway
	if len(el.Out) == 1 && (gateway && el.Out[0].Condition == nil) {
		return el.Out, nil
	}
	var out []*Flow
	for _, f := range el.Out {
		if f == el.Default {
			continue
		}
		if f.Condition == nil {
			out = append(out, f)
			continue
		}
		v, err := r.eval(f.Condition, t.Scope, t.Vars)
		if err != nil {
			return nil, err
		}
		yes, ok := v.(bool)
		if !ok {
			return nil, fmt.Errorf("line %d: the condition of flow %q is neither true nor false", f.Condition.Pos.Line, f.ID)
		}
		if yes {
			out = append(out, f)
			if el.Kind == ExclusiveGateway {
				return out, nil
			}
		}
	}
	if len(out) == 0 && el.Default != nil {
		out = append(out, el.Default)
	}
	if len(out) == 0 && len(el.Out) > 0 {
		return nil, fmt.Errorf("no condition out of %q is true and there is no default flow", el.ID)
	}
	return out, nil
}

// end takes a token away where it has nowhere to go, and completes its scope when it was the last.
func (r *run) end(t *Token) {
	t.dead = true
	sc := r.scope(t.Scope)
	if owner := r.s.Token(sc.Token); owner != nil {
		if el := r.p.byID[owner.Element]; el.Kind == AdHoc && !(el.repeats() && owner.Item == 0) {
			r.adHocStep(owner, el, sc)
			return
		}
	}
	if r.busy(sc) || len(sc.Items) > sc.Next { // the next item is on its way
		return
	}
	r.complete(sc)
}

// busy reports whether a scope has a token that isn't just a watcher.
func (r *run) busy(sc *Scope) bool {
	for _, o := range r.s.Tokens {
		if o.Scope == sc.ID && !o.dead && o.Wait != Watching {
			return true
		}
	}
	return false
}

// complete ends a scope that has no tokens left.
func (r *run) complete(sc *Scope) {
	for _, w := range r.s.Tokens {
		if w.Scope == sc.ID && !w.dead {
			r.takeBack(w)
			w.dead = true
		}
	}
	if sc.ID == 0 {
		r.s.Status = Completed
		r.do(Finished{Vars: sc.Vars})
		return
	}
	owner := r.s.Token(sc.Token)
	el := r.p.byID[owner.Element]
	r.s.Scopes = slices.DeleteFunc(r.s.Scopes, func(x *Scope) bool { return x == sc })
	if owner.Wait == ForUndo { // its compensation event sub-process has run
		r.restored(owner)
		return
	}
	rounds := el.repeats() && owner.Item == 0
	if len(sc.Done) > 0 || !rounds && el.compensationStart() != nil {
		owner.Undo = []Done{{Element: el.ID, Vars: sc.Vars, Inner: sc.Done, Rounds: rounds}}
	}
	if rounds {
		r.repeated(owner, el, sc)
		return
	}
	if el.ByEvent {
		r.do(Left{Token: owner.ID, Element: el.ID})
		r.end(owner)
		return
	}
	switch el.Kind {
	case CallActivity:
		vars := sc.Vars
		if el.Call.Keep && len(el.Outputs) == 0 {
			vars = nil
		}
		r.finish(owner, el, vars)
		return
	case AdHoc:
		if el.AdHoc.Result != "" {
			r.set(owner.Scope, el.AdHoc.Result, sc.Result)
		}
	}
	// What was local to the sub-process can be read by its outputs and is gone after them.
	owner.Vars = sc.Vars
	r.finish(owner, el, nil)
}

// disarmScope takes the watchers of a scope away.
func (r *run) disarmScope(scope int) {
	for _, w := range r.s.Tokens {
		if w.Scope == scope && w.Owner == "" && w.Wait == Watching && !w.dead {
			r.takeBack(w)
			w.dead = true
		}
	}
}

// disarm takes the watchers of a token away.
func (r *run) disarm(owner string) {
	for _, w := range r.s.Tokens {
		if w.Owner == owner && !w.dead {
			r.takeBack(w)
			w.dead = true
		}
	}
}

// takeBack takes back what a token asked for.
func (r *run) takeBack(t *Token) {
	switch t.Wait {
	case ForJob:
		r.do(CancelJob{t.ID})
	case ForTask:
		r.do(CancelTask{t.ID})
	case ForTimer:
		r.do(CancelTimer{t.ID})
	case ForMessage:
		r.do(Unsubscribe{t.ID})
	case ForSignal:
		r.do(ForgetSignal{t.ID})
	case Watching:
		switch r.p.byID[t.Element].Trigger {
		case Timer:
			r.do(CancelTimer{t.ID})
		case Signal:
			r.do(ForgetSignal{t.ID})
		case Conditional:
		default:
			r.do(Unsubscribe{t.ID})
		}
	}
}

// cancel takes a token away with all that hangs on it.
func (r *run) cancel(t *Token) {
	if t.dead {
		return
	}
	t.dead = true
	r.takeBack(t)
	for _, sc := range r.s.Scopes {
		if sc.Token == t.ID {
			r.kill(sc.ID)
			break
		}
	}
	r.disarm(t.ID)
	for _, o := range r.s.Tokens {
		if o.For == t.ID {
			r.cancel(o)
		}
	}
	if t.Wait != Watching && !t.moving {
		r.do(Left{Token: t.ID, Element: t.Element, Cancelled: true})
	}
}

// kill takes away everything in a scope.
func (r *run) kill(scope int) {
	for _, t := range r.s.Tokens {
		if t.Scope == scope && !t.dead {
			r.cancel(t)
		}
	}
	if scope != 0 {
		r.s.Scopes = slices.DeleteFunc(r.s.Scopes, func(x *Scope) bool { return x.ID == scope })
	}
}

// parallel joins: the gateway fires when each incoming flow has brought a token.
func (r *run) parallel(t *Token, el *Element) {
	if len(el.In) < 2 {
		r.leave(t, el)
		return
	}
	t.Wait = ForJoin
	r.join(el, t.Scope, len(el.In))
}

// join fires a gateway when at least need of its flows have brought a token; one
// token of each flow is used up.
func (r *run) join(el *Element, scope, need int) bool {
	var used []*Token
	for _, f := range el.In {
		for _, o := range r.s.Tokens {
			if o.Element == el.ID && o.Scope == scope && o.Wait == ForJoin && o.Via == f.ID && !o.dead {
				used = append(used, o)
				break
			}
		}
	}
	if len(used) < need {
		return false
	}
	for _, o := range used[1:] {
		o.dead = true
		r.do(Left{Token: o.ID, Element: el.ID})
	}
	r.leave(used[0], el)
	return true
}

// conditions lets one event happen whose condition has become true. A condition that
// can't be evaluated isn't true.
func (r *run) conditions() bool {
	for _, t := range r.s.Tokens {
		if t.dead || t.Wait != ForChange && t.Wait != Watching {
			continue
		}
		el := r.p.byID[t.Element]
		if el.Trigger != Conditional {
			continue
		}
		v, err := r.eval(el.Condition, t.Scope, t.Vars)
		if yes, ok := v.(bool); err != nil || !ok || !yes {
			t.Left = 0
			continue
		}
		if r.moves--; t.Left == 1 || r.moves < 0 {
			continue
		}
		t.Left = 1
		r.happened(t, el, nil)
		return true
	}
	return false
}

// inclusive fires one inclusive join that needs to wait no longer (BPMN 2.0.2, 13.4.3):
// for every flow that has brought no token, no other token can still reach it without
// passing the gateway, unless that token can also reach a flow that has brought one.
func (r *run) inclusive() bool {
	for _, t := range r.s.Tokens {
		if t.dead || t.Wait != ForJoin {
			continue
		}
		el := r.p.byID[t.Element]
		if el.Kind != InclusiveGateway {
			continue
		}
		var filled, empty []*Flow
		for _, f := range el.In {
			has := false
			for _, o := range r.s.Tokens {
				has = has || !o.dead && o.Element == el.ID && o.Scope == t.Scope && o.Wait == ForJoin && o.Via == f.ID
			}
			if has {
				filled = append(filled, f)
			} else {
				empty = append(empty, f)
			}
		}
		toEmpty, toFilled := r.p.upstream(empty, el), r.p.upstream(filled, el)
		wait := false
		for _, o := range r.s.Tokens {
			if !o.dead && o.Scope == t.Scope && o.Wait != Watching && o.Element != el.ID && toEmpty[o.Element] && !toFilled[o.Element] {
				wait = true
			}
		}
		if !wait && r.join(el, t.Scope, 1) {
			return true
		}
	}
	return false
}

// upstream are the elements from which one of the flows can be reached without passing gw.
func (p *Process) upstream(flows []*Flow, gw *Element) map[string]bool {
	out := map[string]bool{}
	var todo []*Element
	add := func(e *Element) {
		if e != gw && !out[e.ID] {
			out[e.ID] = true
			todo = append(todo, e)
		}
	}
	for _, f := range flows {
		add(f.From)
	}
	for len(todo) > 0 {
		e := todo[0]
		todo = todo[1:]
		for _, f := range e.In {
			add(f.From)
		}
		if e.Host != nil {
			add(e.Host)
		}
		if e.Kind == CatchEvent && e.Trigger == Link {
			for _, x := range p.children(e.Parent) {
				if x.Kind == ThrowEvent && x.Trigger == Link && x.LinkName == e.LinkName {
					add(x)
				}
			}
		}
	}
	return out
}
