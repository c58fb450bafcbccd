// SPDX-License-Identifier: EUPL-1.2

// Package play plays a process in memory, for its author: what happens step by step when
// people, machines and the clock answer as a file says.
//
//	answers, err := play.ReadAnswers(data)
//	outcome, err := play.Run(p, vars, play.Options{Answers: answers, Decide: …}, func(s play.Step) error { … })
//
// What waits is answered in the order in which it began to wait. An element that the
// answers don't name is answered with nothing: the work is done and brings no variables.
// What only listens (boundary events, event sub-processes, the branches of an event-based
// gateway) happens when the answers name it. When nothing else can be answered the clock
// goes on to the next timer. So a run depends on its input alone.
package play

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"mercator/lang/bpmn"
)

// Answer is what comes back for an element, once.
type Answer struct {
	Vars    map[string]any
	Value   any    // of a decision
	Error   string // code of a BPMN error
	Failure string // why the work failed: an incident
	Begin   []string
	None    bool // nobody answers
}

// Replies are the answers for an element: the same each time, or a list that is used up
// one after the other; what is asked after its end isn't answered.
type Replies struct {
	Same bool
	List []Answer
}

// Answers are what comes back, by the id of the element.
type Answers map[string]Replies

// ReadAnswers reads answers from JSON: an object by the id of the element. Each is the
// object of variables that comes back, or {"$error": CODE, …} for a BPMN error,
// {"$fail": REASON} for work that failed, {"$value": …} or any other value for a decision,
// {"$begin": [IDS]} for what to begin in an ad-hoc sub-process, null for nobody answers;
// or a list of such, one after the other.
func ReadAnswers(data []byte) (Answers, error) {
	var raw map[string]any
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&raw); err != nil {
		return nil, fmt.Errorf("want a JSON object of answers by element id: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows the JSON object")
	}
	out := Answers{}
	for id, v := range raw {
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		r := Replies{Same: !ok}
		for _, x := range list {
			a, err := answer(x)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", id, err)
			}
			r.List = append(r.List, a)
		}
		out[id] = r
	}
	return out, nil
}

func answer(v any) (Answer, error) {
	m, ok := v.(map[string]any)
	if v == nil {
		return Answer{None: true}, nil
	}
	if !ok {
		return Answer{Value: v}, nil
	}
	a := Answer{Vars: map[string]any{}, Value: v}
	for name, x := range m {
		text, isText := x.(string)
		switch name {
		case "$error", "$fail":
			if !isText || text == "" {
				return a, fmt.Errorf("%s wants a text", name)
			}
			if name == "$error" {
				a.Error = text
			} else {
				a.Failure = text
			}
		case "$value":
			a.Value = x
		case "$begin":
			ids, ok := x.([]any)
			for _, id := range ids {
				s, isText := id.(string)
				ok = ok && isText
				a.Begin = append(a.Begin, s)
			}
			if !ok || len(ids) == 0 {
				return a, errors.New("$begin wants a list of element ids")
			}
		default:
			if name != "" && name[0] == '$' {
				return a, fmt.Errorf("%q is unknown: want $error, $fail, $value, $begin or the names of variables", name)
			}
			a.Vars[name] = x
		}
	}
	return a, nil
}

// Options say how a process is played.
type Options struct {
	Answers Answers
	Now     time.Time // when it begins
	Start   string    // id of the start event; "": the one without a trigger, else the first
	// Decide makes a decision that the answers don't name; not ok: there is none of the
	// name, and the process waits for it. nil: there are none.
	Decide   func(now time.Time, decision string, vars map[string]any) (value any, ok bool, err error)
	Calendar bpmn.Calendar // for timers that count in business days; nil: every day is one
	Steps    int           // at most; 0: 10,000
}

// Step is what happened at once, as a line of JSON.
type Step struct {
	Step   int       `json:"step"`
	At     time.Time `json:"at"`
	Event  Did       `json:"event"`
	Did    []Did     `json:"did,omitempty"`
	Tokens []At      `json:"tokens"`
}

// Did is an event that was taken, or a command that came of it.
type Did struct {
	What    string         `json:"what"`
	Element string         `json:"element,omitempty"`
	Token   string         `json:"token,omitempty"`
	Name    string         `json:"name,omitempty"` // of a job, a decision, a message, a signal, a form, a milestone
	Value   any            `json:"value,omitempty"`
	Vars    map[string]any `json:"vars,omitempty"`
	Reason  string         `json:"reason,omitempty"`
}

// At is a token that waits.
type At struct {
	Token   string `json:"token"`
	Element string `json:"element"`
	For     string `json:"for"`
	Reason  string `json:"reason,omitempty"` // of an incident
}

// Outcome is how it ended.
type Outcome struct {
	Outcome string         `json:"outcome"` // "completed", "waiting" or "incident"
	At      time.Time      `json:"at"`
	Steps   int            `json:"steps"`
	Waiting []At           `json:"waiting,omitempty"`
	Vars    map[string]any `json:"vars"`
}

// owed is what a token waits for from outside.
type owed struct {
	token, element string
	watcher        bool
	cmd            bpmn.Command
	due            time.Time // of a timer
}

type player struct {
	p     *bpmn.Process
	o     Options
	s     bpmn.State
	now   time.Time
	owed  []owed
	next  []bpmn.Event // what the instance brings to itself
	steps int
	tell  func(Step) error
}

// Run plays a process to its end, or to where nothing goes on any more, and tells each
// step. An error is one of the process's definition or of tell.
func Run(p *bpmn.Process, vars map[string]any, o Options, tell func(Step) error) (Outcome, error) {
	if o.Steps == 0 {
		o.Steps = 10_000
	}
	left := Answers{} // lists are used up
	for id, r := range o.Answers {
		if p.Element(id) == nil {
			return Outcome{}, fmt.Errorf("the answers name %q, which is no element of process %q", id, p.ID)
		}
		left[id] = r
	}
	o.Answers = left
	if o.Start == "" {
		o.Start = begin(p)
	}
	pl := &player{p: p, o: o, now: o.Now, tell: tell}
	vars, err := plain(vars)
	if err != nil {
		return Outcome{}, err
	}
	if err := pl.do(bpmn.Start{Element: o.Start, Vars: vars}); err != nil {
		return Outcome{}, err
	}
	for pl.s.Status == bpmn.Running {
		if pl.steps >= o.Steps {
			return Outcome{}, fmt.Errorf("no end after %d steps: it goes on at %s", o.Steps, strings.Join(pl.s.Active(), ", "))
		}
		ev := pl.choose()
		if ev == nil {
			break
		}
		if err := pl.do(ev); err != nil {
			return Outcome{}, err
		}
	}
	out := Outcome{Outcome: string(pl.s.Status), At: pl.now, Steps: pl.steps, Vars: pl.s.Vars()}
	if pl.s.Status == bpmn.Running {
		out.Outcome, out.Waiting = "waiting", pl.tokens()
		for _, t := range out.Waiting {
			if t.For == string(bpmn.ForOperator) {
				out.Outcome = "incident"
			}
		}
	}
	return out, nil
}

// begin is the start event: the one without a trigger, else the first.
func begin(p *bpmn.Process) string {
	first := ""
	for _, e := range p.Elements {
		if e.Kind != bpmn.StartEvent || e.Parent != nil {
			continue
		}
		if e.Trigger == bpmn.NoTrigger {
			return e.ID
		}
		if first == "" {
			first = e.ID
		}
	}
	return first
}

// plain makes data what it is after it was stored.
func plain(vars map[string]any) (map[string]any, error) {
	b, err := json.Marshal(vars)
	if err != nil {
		return nil, err
	}
	var out map[string]any
	return out, json.Unmarshal(b, &out)
}

// do takes an event, and notes what is owed after it.
func (pl *player) do(ev bpmn.Event) error {
	line := Step{Step: pl.steps + 1, At: pl.now, Event: pl.event(ev)}
	s, cmds, err := bpmn.Step(pl.p, pl.s, pl.now, ev)
	if err != nil {
		return err
	}
	pl.s = s
	pl.steps++
	for _, c := range cmds {
		line.Did = append(line.Did, did(c))
		pl.note(c)
	}
	line.Tokens = pl.tokens()
	return pl.tell(line)
}

func (pl *player) tokens() []At {
	out := []At{}
	for _, t := range pl.s.Tokens {
		out = append(out, At{t.ID, t.Element, string(t.Wait), t.Reason})
	}
	return out
}

func (pl *player) note(c bpmn.Command) {
	add := func(token, element string) {
		t := pl.s.Token(token)
		pl.owed = append(pl.owed, owed{token: token, element: element, watcher: t != nil && t.Wait == bpmn.Watching, cmd: c})
	}
	drop := func(token string) {
		pl.owed = slices.DeleteFunc(pl.owed, func(o owed) bool { return o.token == token })
	}
	switch c := c.(type) {
	case bpmn.CreateJob:
		add(c.Token, c.Element)
	case bpmn.Decide:
		add(c.Token, c.Element)
	case bpmn.CreateUserTask:
		add(c.Token, c.Element)
	case bpmn.Subscribe:
		add(c.Token, c.Element)
	case bpmn.AwaitSignal:
		add(c.Token, c.Element)
	case bpmn.SetTimer:
		due, err := bpmn.DueAt(c.Kind, c.Value, pl.now)
		if c.Business && pl.o.Calendar != nil {
			due, err = bpmn.BusinessDueAt(c.Kind, c.Value, pl.now, pl.o.Calendar)
		}
		if err == nil {
			add(c.Token, c.Element)
			pl.owed[len(pl.owed)-1].due = due
		}
	case bpmn.Broadcast:
		for _, o := range pl.owed {
			if w, ok := o.cmd.(bpmn.AwaitSignal); ok && w.Signal == c.Signal {
				pl.next = append(pl.next, bpmn.SignalReceived{Token: o.token, Vars: c.Vars})
			}
		}
	case bpmn.CancelJob:
		drop(c.Token)
	case bpmn.CancelTask:
		drop(c.Token)
	case bpmn.CancelTimer:
		drop(c.Token)
	case bpmn.Unsubscribe:
		drop(c.Token)
	case bpmn.ForgetSignal:
		drop(c.Token)
	}
}

// choose is the event that comes next, or nil.
func (pl *player) choose() bpmn.Event {
	for len(pl.next) > 0 {
		ev := pl.next[0]
		pl.next = pl.next[1:]
		if s, ok := ev.(bpmn.SignalReceived); ok && pl.take(s.Token) {
			return ev
		}
	}
	for _, o := range pl.owed {
		if ev := pl.answer(o); ev != nil {
			pl.take(o.token)
			return ev
		}
	}
	for _, t := range pl.s.Tokens { // whoever leads an ad-hoc sub-process
		if el := pl.p.Element(t.Element); el.Kind == bpmn.AdHoc && t.Wait == bpmn.ForScope {
			if a, ok := pl.answered(t.Element, true); ok {
				if len(a.Begin) > 0 {
					return bpmn.Activate{Token: t.ID, Elements: a.Begin, Vars: a.Vars}
				}
				return bpmn.Conclude{Token: t.ID}
			}
		}
	}
	var next *owed
	for i, o := range pl.owed {
		if !o.due.IsZero() && (next == nil || o.due.Before(next.due)) {
			if r, named := pl.o.Answers[o.element]; named && r.none() {
				continue
			}
			next = &pl.owed[i]
		}
	}
	if next == nil {
		return nil
	}
	if next.due.After(pl.now) {
		pl.now = next.due
	}
	ev := bpmn.TimerFired{Token: next.token}
	pl.take(next.token)
	return ev
}

// take takes what is owed to a token, if it still is.
func (pl *player) take(token string) bool {
	n := len(pl.owed)
	pl.owed = slices.DeleteFunc(pl.owed, func(o owed) bool { return o.token == token })
	return len(pl.owed) < n
}

// answered is the next answer for an element; without one there is an empty one, unless
// it has to be named.
func (pl *player) answered(element string, named bool) (Answer, bool) {
	r, ok := pl.o.Answers[element]
	switch {
	case !ok:
		return Answer{}, !named
	case r.none():
		return Answer{}, false
	}
	a := r.List[0]
	if !r.Same || named { // what only listens happens once
		r.List = r.List[1:]
		pl.o.Answers[element] = r
	}
	return a, true
}

// none reports whether nobody answers.
func (r Replies) none() bool { return len(r.List) == 0 || r.List[0].None }

func (pl *player) answer(o owed) bpmn.Event {
	switch c := o.cmd.(type) {
	case bpmn.CreateJob:
		if a, ok := pl.answered(o.element, false); ok {
			return result(a, bpmn.JobDone{Token: o.token, Vars: a.Vars}, o.token)
		}
	case bpmn.CreateUserTask:
		if a, ok := pl.answered(o.element, false); ok {
			return result(a, bpmn.TaskDone{Token: o.token, Vars: a.Vars}, o.token)
		}
	case bpmn.Decide:
		if _, named := pl.o.Answers[o.element]; !named {
			if pl.o.Decide == nil {
				return nil
			}
			v, ok, err := pl.o.Decide(pl.now, c.Decision, c.Vars)
			switch {
			case err != nil:
				return bpmn.JobFailed{Token: o.token, Reason: err.Error()}
			case !ok:
				return nil
			}
			return bpmn.Decided{Token: o.token, Value: v}
		}
		if a, ok := pl.answered(o.element, false); ok {
			return result(a, bpmn.Decided{Token: o.token, Value: a.Value}, o.token)
		}
	case bpmn.Subscribe:
		if a, ok := pl.answered(o.element, o.watcher); ok {
			return bpmn.MessageReceived{Token: o.token, Vars: a.Vars}
		}
	case bpmn.AwaitSignal:
		if a, ok := pl.answered(o.element, o.watcher); ok {
			return bpmn.SignalReceived{Token: o.token, Vars: a.Vars}
		}
	}
	return nil
}

// result is done, or what went wrong instead.
func result(a Answer, done bpmn.Event, token string) bpmn.Event {
	switch {
	case a.Error != "":
		return bpmn.BpmnError{Token: token, Code: a.Error, Vars: a.Vars}
	case a.Failure != "":
		return bpmn.JobFailed{Token: token, Reason: a.Failure}
	}
	return done
}

func (pl *player) event(ev bpmn.Event) Did {
	d := Did{What: fmt.Sprintf("%T", ev)[len("bpmn."):]}
	switch ev := ev.(type) {
	case bpmn.Start:
		d.Element, d.Vars = ev.Element, ev.Vars
	case bpmn.JobDone:
		d.Token, d.Vars = ev.Token, ev.Vars
	case bpmn.JobFailed:
		d.Token, d.Reason = ev.Token, ev.Reason
	case bpmn.BpmnError:
		d.Token, d.Name, d.Vars = ev.Token, ev.Code, ev.Vars
	case bpmn.Decided:
		d.Token, d.Value = ev.Token, ev.Value
	case bpmn.TaskDone:
		d.Token, d.Vars = ev.Token, ev.Vars
	case bpmn.TimerFired:
		d.Token = ev.Token
	case bpmn.MessageReceived:
		d.Token, d.Vars = ev.Token, ev.Vars
	case bpmn.SignalReceived:
		d.Token, d.Vars = ev.Token, ev.Vars
	case bpmn.Activate:
		d.Token, d.Value, d.Vars = ev.Token, ev.Elements, ev.Vars
	case bpmn.Conclude:
		d.Token = ev.Token
	}
	if t := pl.s.Token(d.Token); t != nil {
		d.Element = t.Element
	}
	return d
}

func did(c bpmn.Command) Did {
	d := Did{What: fmt.Sprintf("%T", c)[len("bpmn."):]}
	switch c := c.(type) {
	case bpmn.Entered:
		d.Element, d.Token = c.Element, c.Token
	case bpmn.Left:
		d.Element, d.Token = c.Element, c.Token
		if c.Cancelled {
			d.What = "Cancelled"
		}
	case bpmn.CreateJob:
		d.Element, d.Token, d.Name = c.Element, c.Token, c.Type
	case bpmn.Decide:
		d.Element, d.Token, d.Name = c.Element, c.Token, c.Decision
	case bpmn.CreateUserTask:
		d.Element, d.Token, d.Name, d.Value = c.Element, c.Token, c.Name, work(c)
	case bpmn.SetTimer:
		d.Element, d.Token, d.Value = c.Element, c.Token, c.Value
	case bpmn.Subscribe:
		d.Element, d.Token, d.Name, d.Value = c.Element, c.Token, c.Message, c.Key
	case bpmn.AwaitSignal:
		d.Element, d.Token, d.Name = c.Element, c.Token, c.Signal
	case bpmn.ForgetSignal:
		d.Token = c.Token
	case bpmn.Broadcast:
		d.Element, d.Name, d.Vars = c.Element, c.Signal, c.Vars
	case bpmn.Unsubscribe:
		d.Token = c.Token
	case bpmn.CancelTimer:
		d.Token = c.Token
	case bpmn.CancelJob:
		d.Token = c.Token
	case bpmn.CancelTask:
		d.Token = c.Token
	case bpmn.Milestone:
		d.Element, d.Name = c.Element, c.Name
	case bpmn.Incident:
		d.Element, d.Token, d.Reason = c.Element, c.Token, c.Reason
	case bpmn.Finished:
		d.Vars = c.Vars
	}
	return d
}

// work is who does a user task, when and with which form.
func work(c bpmn.CreateUserTask) map[string]any {
	out := map[string]any{}
	for name, v := range map[string]string{"form": c.Form, "assignee": c.Assignee, "due": c.Due, "follow_up": c.FollowUp} {
		if v != "" {
			out[name] = v
		}
	}
	if len(c.Groups) > 0 {
		out["groups"] = c.Groups
	}
	if len(c.Users) > 0 {
		out["users"] = c.Users
	}
	if c.Priority != 50 {
		out["priority"] = c.Priority
	}
	return out
}
