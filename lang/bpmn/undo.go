// SPDX-License-Identifier: EUPL-1.2

package bpmn

import "slices"

// Compensation (BPMN 2.0.2, 10.4.6 and 13.5.5). A scope remembers which of its activities
// were completed and can be undone: those with a handler, sub-processes with an event
// sub-process for it, and those in which something can be undone. A compensation event
// takes what is remembered and has it undone one after the other, the last first. What
// was interrupted or is under way isn't undone.

// remember notes that an activity is complete, for a compensation that may come.
func (r *run) remember(t *Token, el *Element) {
	left := t.Undo
	t.Undo = nil
	if !el.Activity() || el.ForCompensation || el.ByEvent {
		return
	}
	if el.compensation() != nil {
		left = []Done{{Element: el.ID}}
	}
	if len(left) > 0 {
		sc := r.scope(t.Scope)
		sc.Done = append(sc.Done[:len(sc.Done):len(sc.Done)], left...)
	}
}

// throwCompensation is a compensation throw or end event.
func (r *run) throwCompensation(t *Token, el *Element) {
	undo := r.recall(t, el)
	if len(undo) == 0 {
		r.finish(t, el, nil)
		return
	}
	waits := t
	if !el.Wait { // another token waits in its place, so that the scope doesn't end before
		waits = r.token(el, t.Scope)
		r.do(Entered{waits.ID, el.ID})
	}
	waits.Wait, waits.Undo = ForUndo, undo
	if waits != t {
		r.finish(t, el, nil)
	}
	r.undo(waits)
}

// recall takes what a compensation event means from what its scope remembers; an event
// sub-process speaks for the scope around it as well.
func (r *run) recall(t *Token, el *Element) []Done {
	var out []Done
	for sc := r.scope(t.Scope); sc != nil; sc = r.scope(sc.Parent) {
		var stay []Done
		for _, d := range slices.Backward(sc.Done) {
			if el.Compensated != nil && d.Element != el.Compensated.ID {
				stay = append(stay, d)
				continue
			}
			d.Scope = sc.ID
			out = append(out, d)
		}
		slices.Reverse(stay)
		sc.Done = stay
		owner := r.s.Token(sc.Token)
		if owner == nil || !r.p.byID[owner.Element].ByEvent {
			break
		}
	}
	return out
}

// undo begins the next compensation that a token waits for, or lets it go on.
func (r *run) undo(t *Token) {
	el := r.p.byID[t.Element]
	if len(t.Undo) == 0 {
		switch {
		case el.Trigger != Compensate:
			r.restored(t)
		case el.Wait:
			r.finish(t, el, nil)
		default:
			r.do(Left{Token: t.ID, Element: el.ID})
			r.end(t)
		}
		return
	}
	d := t.Undo[0]
	t.Undo = t.Undo[1:]
	of := r.p.byID[d.Element]
	if of == nil { // the process was changed meanwhile
		r.undo(t)
		return
	}
	if h := of.compensation(); h != nil {
		n := r.token(h, d.Scope)
		n.For = t.ID
		r.move(n)
		return
	}
	// A sub-process is there again with the variables that it had at its end.
	n := r.token(of, d.Scope)
	n.For, n.Wait = t.ID, ForUndo
	r.do(Entered{n.ID, of.ID})
	sc := r.newScope(n, d.Vars)
	if of.Kind == CallActivity && !d.Rounds {
		sc.Border = own
	}
	if st := of.compensationStart(); st != nil && !d.Rounds {
		sc.Done = d.Inner
		r.startEventSub(st, sc.ID, nil)
		return
	}
	for _, x := range slices.Backward(d.Inner) {
		x.Scope = sc.ID
		n.Undo = append(n.Undo, x)
	}
	r.undo(n)
}

// restored is the end of a sub-process that was there again to be undone.
func (r *run) restored(t *Token) {
	if sc := r.inside(t); sc != nil {
		r.kill(sc.ID)
	}
	r.do(Left{Token: t.ID, Element: t.Element})
	t.dead = true
	r.undone(t.For)
}

// undone says that one compensation is done that a token waits for.
func (r *run) undone(by string) {
	if t := r.s.Token(by); t != nil {
		r.undo(t)
	}
}
