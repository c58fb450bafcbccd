// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// code is a planned expression. Names are resolved: a variable is a slot of a frame.
type code func(f *frame) Value

// frame holds the variables of one call of a function; the outermost those that the
// caller gives.
type frame struct {
	slots []Value
	up    *frame
	st    *state
	seen  []seenShape // of the plan that the code is from
}

// seenShape remembers where an entry was in the last context, so that rows that were
// made alike are read without looking a name up.
type seenShape struct {
	shape *shape
	i     int
}

// scope is where a name is looked for while planning.
type scope struct {
	up    *scope
	fn    *funcScope
	slots map[string]slot
	item  int   // slot of the item of a filter, whose entries are names too; -1: none
	typ   *Type // what is known of the item
}

type slot struct {
	i   int
	typ *Type
}

type funcScope struct {
	up *funcScope
	n  int
}

func (f *funcScope) slot() int { f.n++; return f.n - 1 }

type planner struct {
	c        *Config
	root     *funcScope
	free     map[string]slot
	order    []string
	shapes   int
	problems []*Error
	paths    map[string][]string
	whole    map[string][]string // paths that are no beginning of a longer chain
	inside   map[Node]bool       // nodes of longer chains
}

func (p *planner) problem(a at, msg, expected string) {
	if len(p.problems) < maxErrors {
		p.problems = append(p.problems, errorAt(a, msg, expected))
	}
}

func (s *scope) child() *scope { return &scope{up: s, fn: s.fn, item: -1} }

func (s *scope) add(name string, t *Type) int {
	if s.slots == nil {
		s.slots = map[string]slot{}
	}
	i := s.fn.slot()
	s.slots[name] = slot{i, t}
	return i
}

// --- names

func (p *planner) name(n *nameRef, s *scope) (code, *Type) {
	hops, fn := 0, s.fn
	var items []item
	for x := s; x != nil; x = x.up {
		for fn != x.fn {
			hops, fn = hops+1, fn.up
		}
		if v, ok := x.slots[n.name]; ok {
			if x.item >= 0 && n.name == "item" { // unless the item has an entry of that name
				items = append(items, item{hops, x.item})
			}
			return p.dynamic(n, items, variable(hops, v.i)), dynType(items, v.typ)
		}
		if x.item >= 0 && n.name != "?" {
			if t := x.typ.field(n.name); t != nil { // it is known to be there
				get, up := p.entry(n.name), variable(hops, x.item)
				return p.dynamic(n, items, func(f *frame) Value { v, _ := get(f, up(f)); return v }), dynType(items, t)
			}
			items = append(items, item{hops, x.item})
		}
	}
	for fn != p.root {
		hops, fn = hops+1, fn.up
	}
	if _, used := p.free[n.name]; !used && !p.c.declares(n.name) {
		if b, ok := builtins[n.name]; ok {
			v := Value(&Function{name: b.name, builtin: b})
			return func(*frame) Value { return v }, b.typ()
		}
	}
	v, ok := p.free[n.name]
	if !ok {
		v = slot{p.root.slot(), p.c.types(n.name)}
		p.free[n.name] = v
		p.order = append(p.order, n.name)
		if p.c.Closed && len(p.problems) < maxErrors && len(items) == 0 && n.name != "?" && !slices.Contains(p.c.Names, n.name) {
			p.problem(n.at, "nothing here is called "+quote(n.name), p.nearName(n.name, s))
		}
	}
	return p.dynamic(n, items, variable(hops, v.i)), dynType(items, v.typ)
}

func dynType(items []item, t *Type) *Type {
	if len(items) > 0 {
		return nil
	}
	return t
}

// nearName is the name that could have been meant, or the word.
func (p *planner) nearName(name string, s *scope) string {
	if w := elsewhere[name]; keyword(w) {
		return quote(w)
	}
	return near(name, p.visible(s))
}

// visible are the names that could have been meant.
func (p *planner) visible(s *scope) []string {
	out := slices.Clone(p.c.Names)
	for ; s != nil; s = s.up {
		for n := range s.slots {
			out = append(out, n)
		}
	}
	sort.Strings(out)
	return out
}

type item struct{ hops, slot int }

func variable(hops, i int) code {
	switch hops {
	case 0:
		return func(f *frame) Value { return f.slots[i] }
	case 1:
		return func(f *frame) Value { return f.up.slots[i] }
	}
	return func(f *frame) Value {
		for range hops {
			f = f.up
		}
		return f.slots[i]
	}
}

// dynamic is a name that may be an entry of the item of a filter around it.
func (p *planner) dynamic(n *nameRef, items []item, outer code) code {
	for _, it := range slices.Backward(items) {
		get, up, next := p.entry(n.name), variable(it.hops, it.slot), outer
		outer = func(f *frame) Value {
			if v, ok := get(f, up(f)); ok {
				return v
			}
			return next(f)
		}
	}
	return outer
}

// entry reads an entry of a context by name.
func (p *planner) entry(name string) func(f *frame, v Value) (Value, bool) {
	id := p.shapes
	p.shapes++
	return func(f *frame, v Value) (Value, bool) {
		c, ok := v.(*Context)
		if !ok {
			return nil, false
		}
		if id < len(f.seen) {
			if s := &f.seen[id]; s.shape == c.shape {
				if s.i < 0 {
					return nil, false
				}
				return c.vals[s.i], true
			} else {
				s.shape, s.i = c.shape, c.shape.find(name)
				if s.i < 0 {
					return nil, false
				}
				return c.vals[s.i], true
			}
		}
		return c.Get(name)
	}
}

// --- planning

func (p *planner) plan(n Node, s *scope) (code, *Type) {
	switch n := n.(type) {
	case *constant:
		v := n.val
		if v == nil && n.src != "" {
			p.problem(n.at, n.src[1:]+" is no date, time or duration", "such as @\"2026-12-31\", @\"08:30:00\", @\"P1Y2M\" or @\"PT36H\"")
		}
		return func(*frame) Value { return v }, typeOfValue(v)
	case *nameRef:
		p.path(n, s)
		return p.name(n, s)
	case *member:
		p.path(n, s)
		return p.member(n, s)
	case *filter:
		return p.filter(n, s)
	case *call:
		return p.call(n, s)
	case *listOf:
		return p.list(n, s)
	case *contextOf:
		return p.context(n, s)
	case *rangeOf:
		return p.rangeOf(n, s)
	case *loopRange:
		return p.rangeOf(n.rangeOf, s)
	case *negate:
		x, t := p.plan(n.x, s)
		if c, ok := n.x.(*constant); ok {
			if d, ok := c.val.(*apd.Decimal); ok {
				v := negated(d)
				return func(*frame) Value { return v }, TypeNumber
			}
		}
		p.operand(n.x, t, "-", "a number or a duration", KindNumber, KindSpan, KindMonths)
		return func(f *frame) Value {
			v := x(f)
			if d, ok := v.(*apd.Decimal); ok {
				return negated(d)
			}
			if v = negTemporal(v); v == nil && f.st.notes != nil {
				f.st.note(n.at, "only a number or a duration can be negated")
			}
			return v
		}, t
	case *binary:
		return p.binary(n, s)
	case *between:
		x, _ := p.plan(n.x, s)
		lo, _ := p.plan(n.lo, s)
		hi, _ := p.plan(n.hi, s)
		return func(f *frame) Value {
			v := x(f)
			r := and(f.st.compare(cmpGe, v, lo(f)), f.st.compare(cmpLe, v, hi(f)))
			if r == nil && f.st.notes != nil {
				f.st.note(n.at, "the values of between can't be compared")
			}
			return r
		}, TypeBoolean
	case *inTests:
		return p.in(n, s)
	case *ifElse:
		return p.ifElse(n, s)
	case *forLoop:
		return p.forLoop(n, s)
	case *quantified:
		return p.quantified(n, s)
	case *instanceOf:
		x, _ := p.plan(n.x, s)
		t := n.typ
		p.typeName(n.at, t)
		if t.kind() == KindUnknown || t.bare() {
			return func(f *frame) Value { f.st.note(n.at, "there is no type "+quote(t.String())); return nil }, TypeBoolean
		}
		return func(f *frame) Value { return t.Has(f.st.run, x(f), false) }, TypeBoolean
	case *function:
		return p.function(n, s)
	case *unaryTests:
		return p.tests(n, s)
	case *compareTest:
		return p.test(n, s)
	case *coerced:
		x, _ := p.plan(n.x, s)
		t := n.typ
		return func(f *frame) Value {
			v := x(f)
			if v == nil {
				return nil
			}
			w, ok := t.Coerce(f.st.run, v)
			if !ok {
				f.st.note(n.where(), fmt.Sprintf("%s isn't of the type %s", brief(v), t))
			}
			return w
		}, t
	case *custom:
		return p.custom(n, s)
	}
	panic(fmt.Sprintf("feel: no plan for %T", n))
}

func negated(d *apd.Decimal) Value {
	if n, ok := units(d); ok {
		return decimalOf(-n, d.Exponent)
	}
	return new(apd.Decimal).Neg(d)
}

func typeOfValue(v Value) *Type {
	switch k := kindOf(v); k {
	case KindNull:
		return TypeNull
	case KindNumber, KindString, KindBoolean, KindDate, KindTime, KindDateTime, KindSpan, KindMonths:
		return typeNames[k.String()]
	}
	return nil
}

// path notes which data a program reads, as far as it is a chain of names.
func (p *planner) path(n Node, s *scope) {
	var parts []string
	whole := !p.inside[n]
	for {
		switch x := n.(type) {
		case *member:
			parts = append(parts, x.name)
			n = x.x
			p.inside[n] = true
			continue
		case *nameRef:
			for y := s; y != nil; y = y.up {
				if _, local := y.slots[x.name]; local {
					return
				}
			}
			if _, used := p.free[x.name]; builtins[x.name] != nil && !used && !p.c.declares(x.name) {
				return
			}
			parts = append(parts, x.name)
			slices.Reverse(parts)
			p.paths[strings.Join(parts, "\x00")] = parts
			if whole {
				p.whole[strings.Join(parts, "\x00")] = parts
			}
		}
		return
	}
}

// operand reports a part whose type is known and has no meaning for an operator.
func (p *planner) operand(n Node, t *Type, op, want string, kinds ...Kind) {
	if k := t.kind(); k == KindAny || k == KindNull || k == KindUnknown || slices.Contains(kinds, k) {
		return
	}
	p.problem(n.where(), fmt.Sprintf("%s is a %s, which %s has no meaning for", quote(n.where().text()), t, op), want)
}

func (p *planner) typeName(a at, t *Type) {
	if t.bare() {
		p.problem(a, quote(t.String())+" alone is no type", "what is in it, such as list<number>")
		return
	}
	switch t.kind() {
	case KindUnknown:
		names := []string{"number", "string", "boolean", "date", "time", "date and time", "days and time duration", "years and months duration", "Any"}
		for n := range p.c.Types {
			names = append(names, n)
		}
		p.problem(a, "there is no type "+quote(t.Name), nearest(t.Name, names))
	case KindList, KindRange:
		if t.Name == "" && t.Elem != nil {
			p.typeName(a, t.Elem)
		}
	}
}

func known(k Kind) bool { return k != KindAny && k != KindNull && k != KindUnknown }

const maxErrors = 50
