// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"fmt"
	"maps"
	"slices"
)

// Modify changes a running instance by hand: all of its instructions, in their order,
// or none of them. Then the tokens move on as after any other event.
//
//   - A cancelled token goes with all that hangs on it. A sub-process that is left
//     without tokens goes as well, outwards; one item or round of an activity that
//     runs several times, and one activity of an ad-hoc sub-process, counts as over. An instance that
//     would be left without tokens is refused: to end it is Cancel, which has
//     consequences of its own.
//   - A token is added in the scope that is named, or in the only run of the
//     sub-process that the element is in. A sub-process that isn't running begins
//     around it: its inputs are evaluated, its boundary events and event sub-processes
//     listen, its start event is passed over.
//   - A token that is moved is cancelled, and one is added as near as possible to where
//     it was: it doesn't leave the runs of sub-processes that the new element is in.
//   - At a join the token counts as one that came over Flow; without it, over the first
//     flow that has brought none.
//   - An event sub-process begins as it would after its event, but it interrupts
//     nothing: a modification does what it says and no more.
//   - A boundary event can't be given a token: it happens to an activity. What follows
//     it can. What undoes something isn't touched: cancel the token that waits for it.
type Modify struct{ Instructions []Instruction }

func (Modify) event() {}

// Verb says what an instruction does.
type Verb string

// The instructions.
const (
	AddToken    Verb = "add"    // at Element, in Scope
	MoveToken   Verb = "move"   // Token, to Element
	CancelToken Verb = "cancel" // Token
	ChangeVars  Verb = "set"    // Vars, of Scope; with Token: those local to it
)

// Instruction is a part of a modification.
type Instruction struct {
	Do      Verb           `json:"do"`
	Token   string         `json:"token,omitempty"`
	Element string         `json:"element,omitempty"`
	Flow    string         `json:"flow,omitempty"`
	Scope   int            `json:"scope,omitempty"` // 0: the process
	Vars    map[string]any `json:"vars,omitempty"`
}

// Refused says why a modification can't be done.
type Refused struct {
	At             int    // the instruction, from 1; 0: all of them together
	Rule           string // a stable word: "no-token", "boundary" …
	Token, Element string
	Text           string
}

func (e *Refused) Error() string {
	if e.At == 0 {
		return e.Text
	}
	return fmt.Sprintf("instruction %d: %s", e.At, e.Text)
}

// maxInstructions bounds one modification.
const maxInstructions = 200

func (r *run) modify(ev Modify) error {
	if n := len(ev.Instructions); n == 0 || n > maxInstructions {
		return &Refused{Rule: "how-many", Text: fmt.Sprintf("%d instructions: want 1 to %d", n, maxInstructions)}
	}
	lost := map[int]bool{} // scopes that have lost a token
	for i, in := range ev.Instructions {
		if err := r.instruct(in, lost); err != nil {
			err.At, err.Token, err.Element = i+1, in.Token, in.Element
			return err
		}
	}
	return r.empty(lost)
}

func refuse(rule, format string, args ...any) *Refused {
	return &Refused{Rule: rule, Text: fmt.Sprintf(format, args...)}
}

func (r *run) instruct(in Instruction, lost map[int]bool) *Refused {
	var t *Token
	switch in.Do {
	case MoveToken, CancelToken, ChangeVars:
		if in.Token == "" && in.Do == ChangeVars {
			break
		}
		if t = r.s.Token(in.Token); t == nil {
			return refuse("no-token", "there is no token %q", in.Token)
		}
		if t.Wait == Watching {
			return refuse("watcher", "token %q only listens for %q: cancel what it listens for", t.ID, t.Element)
		}
		if t.For != "" || r.undoing(t.Scope) {
			return refuse("undoing", "token %q undoes what was done before: cancel the token that waits for it", t.ID)
		}
	case AddToken:
		if r.undoing(in.Scope) {
			return refuse("undoing", "scope %d is being compensated", in.Scope)
		}
	default:
		return refuse("no-verb", "%q is not one of add, move, cancel and set", string(in.Do))
	}
	if in.Do != ChangeVars && len(in.Vars) > 0 {
		return refuse("vars", "variables are changed by an instruction of their own")
	}
	switch in.Do {
	case CancelToken:
		lost[t.Scope] = true
		r.cancel(t)
	case MoveToken:
		el, via, err := r.target(in)
		if err != nil {
			return err
		}
		scope := r.near(t.Scope, el)
		lost[t.Scope] = true
		r.cancel(t)
		return r.add(el, via, scope)
	case AddToken:
		el, via, err := r.target(in)
		if err != nil {
			return err
		}
		sc := r.scope(in.Scope)
		if sc == nil {
			return refuse("no-scope", "there is no scope %d", in.Scope)
		}
		if r.near(sc.ID, el) != sc.ID {
			return refuse("scope", "%q is not inside of scope %d", el.ID, sc.ID)
		}
		return r.add(el, via, sc.ID)
	case ChangeVars:
		return r.setHere(t, in)
	}
	return nil
}

// target is the element that a token is to come to, and the flow over which.
func (r *run) target(in Instruction) (*Element, string, *Refused) {
	el := r.p.byID[in.Element]
	if el == nil {
		return nil, "", refuse("no-element", "process %q has no element %q", r.p.ID, in.Element)
	}
	if el.Kind == BoundaryEvent {
		return nil, "", refuse("boundary", "%q happens to the activity %q: choose what follows it", el.ID, el.Host.ID)
	}
	if el.Unchecked != "" {
		return nil, "", refuse("unchecked", "%q can't be executed: %s", el.ID, el.Unchecked)
	}
	if el.ForCompensation || el.Kind == StartEvent && el.Trigger == Compensate || el.ByEvent && el.eventStart() != nil && el.eventStart().Trigger == Compensate {
		return nil, "", refuse("compensation", "%q runs only to undo what was done", el.ID)
	}
	if el.ByEvent {
		if len(el.Children) == 0 || el.eventStart() == nil {
			return nil, "", refuse("no-start", "the event sub-process %q has no start event", el.ID)
		}
		el = el.eventStart()
	}
	if in.Flow != "" && !slices.ContainsFunc(el.In, func(f *Flow) bool { return f.ID == in.Flow }) {
		return nil, "", refuse("no-flow", "no flow %q leads to %q", in.Flow, el.ID)
	}
	return el, in.Flow, nil
}

// eventStart is the start event of an event sub-process.
func (e *Element) eventStart() *Element {
	for _, c := range e.Children {
		if c.Kind == StartEvent {
			return c
		}
	}
	return nil
}

// around are the sub-processes that an element is in, from the outside in.
func around(el *Element) []*Element {
	var out []*Element
	for p := el.Parent; p != nil; p = p.Parent {
		out = append(out, p)
	}
	slices.Reverse(out)
	return out
}

// body reports whether a scope holds the items or rounds of an activity that runs
// several times, rather than one run of a sub-process.
func (r *run) body(sc *Scope) bool {
	if sc.ID == 0 {
		return false
	}
	t := r.s.Token(sc.Token)
	return r.p.byID[t.Element].Body(t)
}

// Body reports whether a token at e stands for all of its items or rounds together.
func (e *Element) Body(t *Token) bool { return e.repeats() && t.Item == 0 }

// undoing reports whether a scope belongs to something that is being compensated.
func (r *run) undoing(scope int) bool {
	for sc := r.scope(scope); sc != nil && sc.ID != 0; sc = r.scope(sc.Parent) {
		if t := r.s.Token(sc.Token); t.Wait == ForUndo || t.For != "" {
			return true
		}
	}
	return false
}

// near is the innermost scope that holds the element, of those that the scope is in.
func (r *run) near(scope int, el *Element) int {
	in := around(el)
	for sc := r.scope(scope); sc != nil && sc.ID != 0; sc = r.scope(sc.Parent) {
		if !r.body(sc) && slices.Contains(in, r.p.byID[r.s.Token(sc.Token).Element]) {
			return sc.ID
		}
	}
	return 0
}

// runs are the scopes of a sub-process that run in a scope.
func (r *run) runs(sub *Element, scope int) []*Scope {
	var out []*Scope
	for _, sc := range r.s.Scopes {
		if sc.ID == 0 || r.body(sc) || r.s.Token(sc.Token).Element != sub.ID || r.s.Token(sc.Token).Wait == ForUndo {
			continue
		}
		in := r.scope(sc.Parent)
		if in.ID != scope && r.body(in) {
			in = r.scope(in.Parent)
		}
		if in.ID == scope {
			out = append(out, sc)
		}
	}
	return out
}

// add puts a token at an element, in a scope that holds it or in one further inside.
func (r *run) add(el *Element, via string, scope int) *Refused {
	in := around(el)
	from := 0
	if scope != 0 {
		from = slices.Index(in, r.p.byID[r.s.Token(r.scope(scope).Token).Element]) + 1
	}
	for _, sub := range in[from:] {
		switch runs := r.runs(sub, scope); {
		case len(runs) == 1:
			scope = runs[0].ID
		case len(runs) > 1:
			return refuse("which-scope", "%q runs %d times: say in which scope", sub.ID, len(runs))
		case sub.repeats():
			return refuse("each-item", "%q runs several times: begin it as a whole", sub.ID)
		case sub.ForCompensation || sub.ByEvent && sub.eventStart() != nil && sub.eventStart().Trigger == Compensate:
			return refuse("compensation", "%q runs only to undo what was done", sub.ID)
		case sub.Kind != SubProcess && sub.Kind != AdHoc && sub.Kind != CallActivity:
			return refuse("not-running", "%q isn't running: begin it as a whole", sub.ID)
		default:
			sc, err := r.open(sub, scope)
			if err != nil {
				return err
			}
			scope = sc.ID
		}
	}
	if via == "" && len(el.In) > 1 && (el.Kind == ParallelGateway || el.Kind == InclusiveGateway) {
		for _, f := range el.In {
			if !slices.ContainsFunc(r.s.Tokens, func(o *Token) bool {
				return !o.dead && o.Element == el.ID && o.Scope == scope && o.Via == f.ID
			}) {
				via = f.ID
				break
			}
		}
		if via == "" {
			return refuse("full", "each flow to the join %q has a token already: say over which one this comes", el.ID)
		}
	}
	t := r.token(el, scope)
	t.Via = via
	r.move(t)
	return nil
}

// open begins a sub-process without its start event.
func (r *run) open(sub *Element, scope int) (*Scope, *Refused) {
	t := r.token(sub, scope)
	r.do(Entered{t.ID, sub.ID})
	local, err := r.inputs(sub, scope, nil)
	if err == nil {
		t.Vars = local
		err = r.watchBoundary(t, sub)
	}
	if err != nil {
		return nil, refuse("inputs", "%q can't begin: %s", sub.ID, err)
	}
	t.Wait = ForScope
	sc := r.newScope(t, t.Vars)
	if sub.Kind == CallActivity {
		if sc.Border = own; sub.Call.Shut {
			sc.Border = shut
		}
	}
	if r.watchScope(t, sub, sc.ID); t.Wait == ForOperator {
		return nil, refuse("inputs", "%q can't begin: %s", sub.ID, t.Reason)
	}
	return sc, nil
}

// setHere changes variables in the very scope that is named, or those of a token.
func (r *run) setHere(t *Token, in Instruction) *Refused {
	if len(in.Vars) == 0 {
		return refuse("vars", "no variables are given")
	}
	v, err := plain(in.Vars)
	if err != nil {
		return refuse("vars", "%s", err)
	}
	vars := v.(map[string]any)
	if t != nil {
		t.Vars = merged(t.Vars, vars)
		return nil
	}
	sc := r.scope(in.Scope)
	if sc == nil {
		return refuse("no-scope", "there is no scope %d", in.Scope)
	}
	sc.Vars = merged(sc.Vars, vars)
	return nil
}

// empty deals with scopes that were left without tokens, from the inside out.
func (r *run) empty(lost map[int]bool) error {
	for _, sc := range slices.Backward(slices.Clone(r.s.Scopes)) {
		if r.s.Status != Running { // the last item was the last there was to do
			return nil
		}
		if !lost[sc.ID] || !slices.Contains(r.s.Scopes, sc) {
			continue
		}
		if r.busy(sc) {
			continue
		}
		if sc.ID == 0 {
			return refuse("nothing-left", "no token would be left: to end the instance, cancel it")
		}
		owner := r.s.Token(sc.Token)
		el := r.p.byID[owner.Element]
		switch {
		case r.body(sc):
			more := el.Multi != nil && el.Multi.Sequential && sc.Next < len(sc.Items)
			if el.Loop != nil {
				var err error
				if more, err = r.another(el, sc); err != nil {
					return refuse("inputs", "%q can't go on: %s", el.ID, err)
				}
			}
			if more {
				r.nextItem(el, sc)
			} else {
				r.complete(sc)
			}
			continue
		case el.Kind == AdHoc: // as after an activity in it that has ended
			r.checkAdHoc(owner, el, sc)
			continue
		}
		lost[owner.Scope] = true
		r.cancel(owner)
	}
	return nil
}

// merged is old with the values of vars; old isn't changed.
func merged(old, vars map[string]any) map[string]any {
	out := make(map[string]any, len(old)+len(vars))
	maps.Copy(out, old)
	maps.Copy(out, vars)
	return out
}
