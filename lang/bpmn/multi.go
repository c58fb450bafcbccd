// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"fmt"
)

// An activity that runs for each item of a list is a token that waits for a scope;
// in the scope each item has a token at the same element with its number.

func (r *run) enterMulti(t *Token, el *Element) {
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
	if el.Multi.Item != "" {
		t.Vars[el.Multi.Item] = sc.Items[sc.Next-1]
	}
	r.queue = append(r.queue, t)
}

func (r *run) itemDone(t *Token, el *Element) {
	sc := r.scope(t.Scope)
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
	if sc.Next < len(sc.Items) && el.Multi.Sequential {
		t.dead = true
		r.nextItem(el, sc)
		return
	}
	r.end(t)
}

func (r *run) multiDone(t *Token, el *Element, sc *Scope) {
	if el.Multi.Result != "" {
		r.set(t.Scope, el.Multi.Result, sc.Result)
	}
	t.Wait, t.Vars = Moving, nil
	r.leave(t, el)
}
