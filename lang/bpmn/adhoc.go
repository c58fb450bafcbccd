// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"fmt"
	"maps"
	"slices"
)

// An ad-hoc sub-process (BPMN 2.0.2, 13.3.5) has no start: its activities begin because a
// list names them when it is entered, or because whoever leads the case chooses them
// (Activate). It is complete when its completion condition is true after one of them has
// ended, without a condition when none runs any more, or when it is concluded.

func (r *run) enterAdHoc(t *Token, el *Element) {
	var begin []string
	if el.AdHoc.Begin != nil {
		var err error
		if begin, err = r.texts(el.AdHoc.Begin, t.Scope, t.Vars); err == nil {
			err = startable(r.p, el, begin)
		}
		if err != nil {
			r.incident(t, el, working, err.Error())
			return
		}
	}
	sc := r.newScope(t, t.Vars)
	t.Wait = ForScope
	r.watchScope(t, el, sc.ID)
	if t.Wait == ForOperator {
		r.kill(sc.ID)
		t.Phase = working
		return
	}
	r.beginAdHoc(el, sc, begin)
	if el.AdHoc.Begin != nil && el.AdHoc.Until == nil && !r.busy(sc) {
		r.complete(sc)
	}
}

// startable reports which of the ids isn't an element with which an ad-hoc sub-process can begin.
func startable(p *Process, el *Element, ids []string) error {
	for _, id := range ids {
		c := p.within(el, id)
		if c == nil || len(c.In) > 0 || !c.Activity() && c.Kind != CatchEvent && c.Kind != ThrowEvent || c.ByEvent || c.ForCompensation {
			return fmt.Errorf("%q is no activity with which the ad-hoc sub-process %q can begin", short(id), el.ID)
		}
	}
	return nil
}

// within is the element of a sub-process with the id that it has in its file, or nil.
func (p *Process) within(el *Element, id string) *Element {
	for _, c := range el.Children {
		if c.ID == id || c.ID == prefix(el.ID)+id {
			return c
		}
	}
	return nil
}

func (r *run) beginAdHoc(el *Element, sc *Scope, ids []string) {
	for _, id := range ids {
		if el.AdHoc.Sequential && r.busy(sc) {
			sc.Items = append(sc.Items[:len(sc.Items):len(sc.Items)], id)
			continue
		}
		r.move(r.token(r.p.within(el, id), sc.ID))
	}
}

// activate begins activities on request.
func (r *run) activate(t *Token, el *Element, ids []string, vars map[string]any) error {
	if el.Kind != AdHoc || el.repeats() && t.Item == 0 {
		return ErrNoToken
	}
	if len(ids) == 0 {
		return fmt.Errorf("bpmn: name the activities of %q to begin", el.ID)
	}
	if err := startable(r.p, el, ids); err != nil {
		return fmt.Errorf("bpmn: %w", err)
	}
	sc := r.inside(t)
	if len(vars) > 0 {
		all := maps.Clone(sc.Vars)
		if all == nil {
			all = map[string]any{}
		}
		maps.Copy(all, vars)
		sc.Vars = all
	}
	r.beginAdHoc(el, sc, ids)
	return nil
}

// adHocStep looks whether an ad-hoc sub-process is complete, now that something in it has ended.
func (r *run) adHocStep(t *Token, el *Element, sc *Scope) {
	a := el.AdHoc
	if a.Output != nil {
		v, err := r.eval(a.Output, sc.ID, nil)
		if err != nil {
			r.incident(t, el, checking, err.Error())
			return
		}
		sc.Result = append(sc.Result[:len(sc.Result):len(sc.Result)], v)
	}
	r.checkAdHoc(t, el, sc)
}

func (r *run) checkAdHoc(t *Token, el *Element, sc *Scope) {
	a := el.AdHoc
	done := a.Until == nil
	if a.Until != nil {
		v, err := r.eval(a.Until, sc.ID, nil)
		yes, ok := v.(bool)
		if err == nil && !ok {
			err = fmt.Errorf("line %d: the completion condition is neither true nor false", a.Until.Pos.Line)
		}
		if err != nil {
			r.incident(t, el, checking, err.Error())
			return
		}
		done = yes
		if yes {
			sc.Items = nil
		}
		if yes && a.CancelRest {
			r.conclude(sc)
			return
		}
	}
	if r.busy(sc) {
		return
	}
	if len(sc.Items) > 0 {
		next := sc.Items[0].(string)
		sc.Items = slices.Clone(sc.Items[1:])
		r.beginAdHoc(el, sc, []string{next})
		return
	}
	if done {
		r.complete(sc)
	}
}

// conclude completes an ad-hoc sub-process; what still runs in it is cancelled.
func (r *run) conclude(sc *Scope) {
	for _, o := range r.s.Tokens {
		if o.Scope == sc.ID {
			r.cancel(o)
		}
	}
	r.complete(sc)
}

// AdHocRun is an ad-hoc sub-process that runs, and what can begin in it.
type AdHocRun struct {
	Token   string
	Element *Element
	Item    int // which item or round it runs for, from 1
	Choices []AdHocChoice
}

// AdHocChoice is an activity that can begin in an ad-hoc sub-process.
type AdHocChoice struct {
	Element *Element
	Running int // how many of it run
	Waiting int // … are to begin when their turn comes
}

// AdHoc are the ad-hoc sub-processes that run, in the order of their tokens. One that
// stands at an incident doesn't.
func (p *Process) AdHoc(s State) []AdHocRun {
	var out []AdHocRun
	if s.Status != Running {
		return nil
	}
	for _, t := range s.Tokens {
		el := p.byID[t.Element]
		if el == nil || el.Kind != AdHoc || t.Wait != ForScope || el.Body(t) {
			continue
		}
		run := AdHocRun{Token: t.ID, Element: el, Item: t.Item}
		i := slices.IndexFunc(s.Scopes, func(sc *Scope) bool { return sc.Token == t.ID })
		if i < 0 {
			continue
		}
		sc := s.Scopes[i]
		for _, c := range el.Children {
			if startable(p, el, []string{c.ID}) != nil {
				continue
			}
			choice := AdHocChoice{Element: c}
			for _, o := range s.Tokens {
				if o.Scope == sc.ID && o.Element == c.ID && o.Wait != Watching {
					choice.Running++
				}
			}
			for _, x := range sc.Items {
				if id, ok := x.(string); ok && p.within(el, id) == c {
					choice.Waiting++
				}
			}
			run.Choices = append(run.Choices, choice)
		}
		out = append(out, run)
	}
	return out
}
