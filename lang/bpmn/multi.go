// SPDX-License-Identifier: EUPL-1.2

package bpmn

import "fmt"

// An activity that runs several times, for each item of a list or in a loop, is a
// token that waits for a scope; in the scope each item or round has a token at the same
// element with its number.

func (r *run) repeat(t *Token, el *Element) {
	if el.Loop != nil {
		r.enterLoop(t, el)
		return
	}
	v, err := r.eval(el.Multi.Collection, t.Scope, t.Vars)
	if err != nil {
		r.incident(t, el, entering, err.Error())
		return
	}
	items, ok := v.([]any)
	switch {
	case !ok:
		r.incident(t, el, entering, fmt.Sprintf("line %d: want a list to run over", el.Multi.Collection.Pos.Line))
		return
	case len(items) > maxItems:
		r.incident(t, el, entering, fmt.Sprintf("the list has %d items: more than %d are not run", len(items), maxItems))
		return
	}
	if err := r.watchBoundary(t, el); err != nil {
		r.incident(t, el, entering, err.Error())
		return
	}
	t.Wait = ForScope
	sc := r.newScope(t, nil)
	sc.Items = items
	sc.Result = make([]any, len(items))
	if len(items) == 0 {
		r.complete(sc)
		return
	}
	n := len(items)
	if el.Multi.Sequential {
		n = 1
	}
	for range n {
		r.nextItem(el, sc)
	}
}

func (r *run) nextItem(el *Element, sc *Scope) {
	sc.Next++
	t := r.token(el, sc.ID)
	t.Item = sc.Next
	t.Vars = map[string]any{"loopCounter": float64(sc.Next)}
	if el.Multi != nil && el.Multi.Item != "" {
		t.Vars[el.Multi.Item] = sc.Items[sc.Next-1]
	}
	r.move(t)
}

// enterLoop begins the first round, if there is one. A loop counts its rounds in
// loopCounter; what a round sets is seen by the next one.
func (r *run) enterLoop(t *Token, el *Element) {
	if err := r.watchBoundary(t, el); err != nil {
		r.incident(t, el, entering, err.Error())
		return
	}
	t.Wait = ForScope
	sc := r.newScope(t, nil)
	if el.Loop.Before {
		more, err := r.another(el, sc)
		if err != nil {
			r.disarm(t.ID)
			r.kill(sc.ID)
			r.incident(t, el, entering, err.Error())
			return
		}
		if !more {
			r.complete(sc)
			return
		}
	}
	r.nextItem(el, sc)
}

// another reports whether a loop goes round once more; its condition sees the number of
// the rounds that are done as loopCounter.
func (r *run) another(el *Element, sc *Scope) (bool, error) {
	if el.Loop.Max > 0 && sc.Next >= el.Loop.Max {
		return false, nil
	}
	if el.Loop.While == nil {
		return true, nil
	}
	v, err := r.eval(el.Loop.While, sc.ID, map[string]any{"loopCounter": float64(sc.Next)})
	if err != nil {
		return false, err
	}
	yes, ok := v.(bool)
	if !ok {
		return false, fmt.Errorf("line %d: the condition of the loop is neither true nor false", el.Loop.While.Pos.Line)
	}
	if yes && sc.Next >= maxItems {
		return false, fmt.Errorf("more than %d rounds of a loop are not run", maxItems)
	}
	return yes, nil
}

func (r *run) itemDone(t *Token, el *Element) {
	sc := r.scope(t.Scope)
	if el.Loop != nil {
		more, err := r.another(el, sc)
		if err != nil {
			r.incident(t, el, finishing, err.Error())
			return
		}
		r.do(Left{Token: t.ID, Element: el.ID})
		r.pass(t, sc)
		t.dead = true
		if more {
			r.nextItem(el, sc)
			return
		}
		r.end(t)
		return
	}
	if el.Multi.Output != nil {
		v, err := r.eval(el.Multi.Output, t.Scope, t.Vars)
		if err != nil {
			r.incident(t, el, finishing, err.Error())
			return
		}
		result := append([]any(nil), sc.Result...)
		result[t.Item-1] = v
		sc.Result = result
	}
	if el.Multi.Until != nil {
		v, err := r.eval(el.Multi.Until, t.Scope, t.Vars)
		yes, ok := v.(bool)
		if err == nil && !ok {
			err = fmt.Errorf("line %d: the completion condition is neither true nor false", el.Multi.Until.Pos.Line)
		}
		if err != nil {
			r.incident(t, el, finishing, err.Error())
			return
		}
		if yes {
			r.do(Left{Token: t.ID, Element: el.ID})
			r.pass(t, sc)
			t.dead = true
			for _, o := range r.s.Tokens {
				if o.Scope == sc.ID {
					r.cancel(o)
				}
			}
			r.complete(sc)
			return
		}
	}
	r.do(Left{Token: t.ID, Element: el.ID})
	r.pass(t, sc)
	if sc.Next < len(sc.Items) && el.Multi.Sequential {
		t.dead = true
		r.nextItem(el, sc)
		return
	}
	r.end(t)
}

// pass hands what an item or round leaves to be compensated to the activity as a whole.
func (r *run) pass(t *Token, sc *Scope) {
	sc.Done = append(sc.Done[:len(sc.Done):len(sc.Done)], t.Undo...)
	t.Undo = nil
}

// repeated is the end of an activity that ran several times.
func (r *run) repeated(t *Token, el *Element, sc *Scope) {
	if el.Multi != nil && el.Multi.Result != "" {
		r.set(t.Scope, el.Multi.Result, sc.Result)
	}
	t.Wait, t.Vars = Moving, nil
	r.leave(t, el)
}
