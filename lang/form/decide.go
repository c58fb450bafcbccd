// SPDX-License-Identifier: EUPL-1.2

package form

import (
	"math"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds of trying out: more combinations of answers than that are left undecided.
const maxTries = 4000

// trial finds what is so whatever is answered, by giving every answer: as far as
// conditions depend on closed questions alone (boxes, choices with fixed options).
// What depends on anything else (a register, a text, a day) is left undecided.
type trial struct {
	form *Form
	in   map[*vertex][]*vertex // what a vertex reads
}

func newTrial(f *Form) *trial {
	t := &trial{form: f, in: map[*vertex][]*vertex{}}
	for _, n := range f.graph.all {
		for _, m := range n.out {
			t.in[m] = append(t.in[m], n)
		}
	}
	return t
}

// questions are the closed questions that vertices depend on; false: they depend on more.
func (t *trial) questions(from ...*vertex) ([]*Field, bool) {
	var out []*Field
	seen := map[*vertex]bool{}
	for len(from) > 0 {
		n := from[len(from)-1]
		from = from[:len(from)-1]
		if n == nil || seen[n] {
			continue
		}
		seen[n] = true
		if n.list != nil || n.field.Type == "dynamiclist" || n.field.Register != "" {
			return nil, false
		}
		for _, path := range n.reads() {
			if !slices.ContainsFunc(t.in[n], func(m *vertex) bool { return m.part == counts && overlap(valuePath(m.field), path) }) {
				return nil, false // of the house, or a name that nobody gives
			}
		}
		if n.part == counts && n.field.compute == nil {
			if closedAnswers(n.field) == nil {
				return nil, false
			}
			out = append(out, n.field)
		}
		from = append(from, t.in[n]...)
	}
	slices.SortFunc(out, func(a, b *Field) int { return strings.Compare(a.Name, b.Name) })
	return out, true
}

// closedAnswers are all answers that a question can have, none included; nil: too many to tell.
func closedAnswers(f *Field) []any {
	switch {
	case f.Type == "checkbox":
		return []any{nil, true, false}
	case (f.Type == "radio" || f.Type == "select") && f.optionsExpr == nil && f.valuesKey == "":
		out := []any{nil}
		for _, o := range f.Options {
			out = append(out, o.Value)
		}
		return out
	}
	return nil
}

// every gives every combination of answers until stop; false: there are too many.
func (t *trial) every(questions []*Field, look func(v *View) (stop bool)) bool {
	n := 1
	for _, q := range questions {
		if n *= len(closedAnswers(q)); n > maxTries {
			return false
		}
	}
	v := t.form.Eval(nil, Context{})
	for i := range n {
		a := Answers{}
		for _, q := range questions {
			all := closedAnswers(q)
			set(a, q.Name, all[i%len(all)])
			i /= len(all)
		}
		v.Update(a, nil)
		if look(v) {
			break
		}
	}
	return true
}

// conditions finds conditions that always or never hide, and choices that can never be right.
func (c *checker) conditions() {
	t := newTrial(c.form)
	never := map[*Field]bool{}
	walk(c.form.Fields, func(f *Field) {
		n := c.form.graph.part[f][hides]
		if n == nil || len(f.hide.FreeNames()) == 0 || c.selfish(f) || f.Parent != nil && never[f.Parent] {
			never[f] = f.Parent != nil && never[f.Parent]
			return
		}
		questions, ok := t.questions(n)
		if !ok {
			return
		}
		shown, hid := false, false
		if !t.every(questions, func(v *View) bool {
			h := v.isHidden(n, v.root())
			around := f.Parent != nil && v.hidden(f.Parent, v.root())
			shown, hid = shown || !h, hid || h && !around
			return shown && hid
		}) {
			return
		}
		switch {
		case !shown:
			never[f] = true
			c.add(f, "%s: nobody can ever see this: its conditions hide it whatever is answered", cmpName(f))
		case !hid:
			c.add(f, "%s: its condition never hides it: take it out, or put it right", cmpName(f))
		}
	})
	walk(c.form.Fields, func(f *Field) {
		own := c.form.graph.part[f]
		if never[f] || own[judges] == nil || f.check == nil && own[chooses] == nil {
			return
		}
		questions, ok := t.questions(own[judges])
		if !ok {
			return
		}
		if !slices.Contains(questions, f) {
			return
		}
		right := map[string]bool{}
		if !t.every(questions, func(v *View) bool {
			it := v.item(f, v.root())
			if _, wrong := v.verdict(&it); !wrong && !v.hidden(f, v.root()) {
				right[optionText(it.Value)] = true
			}
			return false
		}) {
			return
		}
		for _, o := range f.Options {
			if s := optionText(o.Value); !right[s] {
				c.add(f, "%s: the option %q can never be chosen: check refuses it whatever else is answered", f.Name, s)
			}
		}
		if f.Type == "checkbox" && !right["true"] {
			c.add(f, "%s: check refuses the tick whatever else is answered", f.Name)
		}
	})
	walk(c.form.Fields, func(f *Field) {
		own := c.form.graph.part[f]
		if own[chooses] == nil || f.optionsExpr == nil {
			return
		}
		questions, ok := t.questions(own[chooses])
		if !ok {
			return
		}
		some := false
		if t.every(questions, func(v *View) bool {
			some = some || len(v.options(f, v.root())) > 0
			return some
		}) && !some {
			c.add(f, "%s: there is never anything to choose from", f.Name)
		}
	})
}

// selfish tells whether a field is hidden until it is answered, which visible says.
func (c *checker) selfish(f *Field) bool {
	names := f.hide.FreeNames()
	if len(names) != 1 || names[0] != f.Name {
		return false
	}
	v := bare(nil)
	h, _ := v.eval(f.hide, v.root()).(bool)
	return h
}

// circles finds conditions that depend on what they hide.
func (c *checker) circles() {
	for _, s := range c.form.graph.steps {
		if !s.circle {
			continue
		}
		var names []string
		var first *Field
		for _, n := range s.members {
			if n.part == hides {
				if first == nil {
					first = n.field
				}
				names = append(names, cmpName(n.field))
			}
		}
		switch {
		case first == nil:
			// Computed from the group that it stands in: settled by repeating it.
		case len(names) == 1 && c.selfish(first):
		case len(names) == 1:
			c.add(first, "%s: its condition reads what it hides: an answer that hides its own question doesn't count", names[0])
		default:
			c.add(first, "%s: their conditions read each other's answers in a circle, so that which of them is shown depends on the order: let only one read the other",
				strings.Join(names, ", "))
		}
	}
}

// validations finds rules of one field that no input can satisfy.
func (c *checker) validations(f *Field) {
	if !f.Input() {
		return
	}
	lo, hi := f.MinLength, f.limit()
	text := f.Type == "textfield" || f.Type == "textarea"
	if text && lo > hi {
		c.add(f, "%s: minLength %d is more than the %d characters that the field takes: nothing can be entered", f.Name, lo, hi)
	} else if text && f.Pattern != nil {
		if re, err := syntax.Parse(f.Pattern.String(), syntax.Perl); err == nil {
			if a, b := lengths(re); a > hi || b < lo {
				c.add(f, "%s: pattern takes %s characters, and the field %d to %d: nothing can be entered", f.Name, span(a, b), lo, hi)
			}
		}
	}
	if f.Type == "number" && f.Decimals >= 0 && f.Decimals < 10 && f.Min != "" && f.Max != "" && f.Kind == "number" {
		a, _ := strconv.ParseFloat(f.Min, 64) // the parser has read both
		b, _ := strconv.ParseFloat(f.Max, 64)
		unit := math.Pow10(f.Decimals)
		if math.Ceil(a*unit) > math.Floor(b*unit) {
			c.add(f, "%s: no number with %d decimal places lies between min and max: nothing can be entered", f.Name, f.Decimals)
		}
	}
	c.bounds(f)
	c.preset(f)
}

// bounds finds computed bounds that contradict each other on any day.
func (c *checker) bounds(f *Field) {
	if f.minExpr == nil && f.Min == "" || f.maxExpr == nil && f.Max == "" || f.minExpr == nil && f.maxExpr == nil {
		return
	}
	for _, r := range f.rules() {
		if (r.name == "min" || r.name == "max") && slices.ContainsFunc(r.prog.FreeNames(), func(n string) bool { return n != dayName }) {
			return
		}
	}
	for _, day := range []time.Time{time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), time.Date(2025, 12, 31, 0, 0, 0, 0, time.UTC), time.Date(2026, 7, 15, 0, 0, 0, 0, time.UTC)} {
		v := bare(map[string]any{dayName: day.Format(time.DateOnly)})
		it := &Item{Field: f, row: v.root()}
		lo, hi := v.bound(it, f.Min, f.minExpr), v.bound(it, f.Max, f.maxExpr)
		if lo == "" || hi == "" {
			return
		}
		if f.Type == "datetime" && lo <= hi || f.Type != "datetime" && compareNumbers(lo, hi) <= 0 {
			return
		}
	}
	c.add(f, "%s: min is greater than max on every day: nothing can be entered", f.Name)
}

// preset finds default values that the field itself refuses.
func (c *checker) preset(f *Field) {
	if f.Default == nil || listAround(f) != nil {
		return
	}
	v := c.form.Eval(nil, Context{Lang: "de"})
	if v.hidden(f, v.root()) {
		return
	}
	it := v.item(f, v.root())
	if e, wrong := v.check(&it); wrong && e.Msg != "form.error.check" && !(f.Options == nil && e.Msg == "form.error.option") && !empty(f.Default) {
		c.add(f, "%s: its defaultValue %s isn't a right answer (%s)", f.Name, shorten(f.Default), e.Msg)
	}
}

// lengths are the fewest and the most characters of what an expression matches.
func lengths(re *syntax.Regexp) (lo, hi int) {
	const most = 1 << 20
	times := func(n, k int) int { return min(n*k, most) }
	switch re.Op {
	case syntax.OpNoMatch:
		return most, 0
	case syntax.OpLiteral:
		return len(re.Rune), len(re.Rune)
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1, 1
	case syntax.OpCapture:
		return lengths(re.Sub[0])
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		a, b := lengths(re.Sub[0])
		from, to := re.Min, re.Max
		switch re.Op {
		case syntax.OpStar:
			from, to = 0, -1
		case syntax.OpPlus:
			from, to = 1, -1
		case syntax.OpQuest:
			from, to = 0, 1
		}
		if to < 0 {
			to = most
		}
		return times(a, from), times(b, to)
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			a, b := lengths(sub)
			lo, hi = min(lo+a, most), min(hi+b, most)
		}
		return lo, hi
	case syntax.OpAlternate:
		lo = most
		for _, sub := range re.Sub {
			a, b := lengths(sub)
			lo, hi = min(lo, a), max(hi, b)
		}
		return lo, hi
	}
	return 0, 0 // anchors, the empty match
}

func span(lo, hi int) string {
	switch {
	case lo == hi:
		return strconv.Itoa(lo)
	case hi >= 1<<20:
		return strconv.Itoa(lo) + " or more"
	}
	return strconv.Itoa(lo) + " to " + strconv.Itoa(hi)
}
