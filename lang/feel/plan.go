// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

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
		if p.c.Closed && len(items) == 0 && n.name != "?" && !slices.Contains(p.c.Names, n.name) {
			p.problem(n.at, "nothing here is called "+quote(n.name), near(n.name, p.visible(s)))
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
	for {
		switch x := n.(type) {
		case *member:
			parts = append(parts, x.name)
			n = x.x
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
		p.problem(a, "there is no type "+quote(t.Name), near(t.Name, names))
	case KindList, KindRange:
		if t.Name == "" && t.Elem != nil {
			p.typeName(a, t.Elem)
		}
	}
}

func (p *planner) member(n *member, s *scope) (code, *Type) {
	x, t := p.plan(n.x, s)
	get := p.entry(n.name)
	var typ *Type
	switch t.kind() {
	case KindContext:
		if t.Fields != nil {
			if typ = t.field(n.name); typ == nil && !slices.ContainsFunc(t.Fields, func(f Param) bool { return f.Name == n.name }) {
				var names []string
				for _, f := range t.Fields {
					names = append(names, f.Name)
				}
				p.problem(n.at, fmt.Sprintf("%s has no entry %s", quote(n.x.where().text()), quote(n.name)), near(n.name, names))
			}
		}
	case KindList:
		if e := t.Elem.field(n.name); e != nil {
			typ = listType(e)
		}
	case KindNumber, KindString, KindBoolean:
		p.problem(n.at, fmt.Sprintf("%s is a %s and has no entry %s", quote(n.x.where().text()), t, quote(n.name)), "a context")
	case KindDate, KindTime, KindDateTime, KindSpan, KindMonths:
		typ = TypeNumber
		if n.name == "timezone" {
			typ = TypeString
		} else if n.name == "time offset" {
			typ = TypeSpan
		}
	}
	var read func(f *frame, v Value) Value
	read = func(f *frame, v Value) Value {
		switch v := v.(type) {
		case *Context:
			r, ok := get(f, v)
			if !ok && f.st.notes != nil {
				f.st.note(n.at, fmt.Sprintf("there is no entry %s", quote(n.name)))
			}
			return r
		case []Value:
			out := make([]Value, len(v))
			for i, e := range v {
				f.st.step()
				out[i] = read(f, e)
			}
			return out
		case nil:
			return nil
		case *Range:
			switch n.name {
			case "start":
				return v.Lo
			case "end":
				return v.Hi
			case "start included":
				return v.Lo != nil && !v.OpenLo
			case "end included":
				return v.Hi != nil && !v.OpenHi
			}
		case Date, Time, DateTime, Span, Months:
			if r, ok := property(v, n.name); ok {
				return r
			}
		}
		f.st.note(n.at, fmt.Sprintf("a %s has no %s", kindOf(v), quote(n.name)))
		return nil
	}
	return func(f *frame) Value {
		v := x(f)
		if c, ok := v.(*Context); ok {
			if r, ok := get(f, c); ok {
				return r
			}
		}
		return read(f, v)
	}, typ
}

func (p *planner) filter(n *filter, s *scope) (code, *Type) {
	x, t := p.plan(n.x, s)
	inner := s.child()
	e := itemType(t)
	inner.item = inner.add("item", e)
	inner.typ = e
	slot := inner.item
	out := t
	if t != nil && t.Kind != KindList {
		out = listType(t)
	}
	if c, ok := n.cond.(*constant); ok {
		if k, ok := integer(c.val); ok {
			return func(f *frame) Value { return nth(f, n, x(f), k) }, e
		}
	}
	cond, ct := p.plan(n.cond, inner)
	if ct.kind() == KindNumber {
		out = e
	}
	p.operand(n.cond, ct, "a filter", "a condition or a number", KindBoolean, KindNumber)
	return func(f *frame) Value {
		v := x(f)
		if v == nil {
			return nil
		}
		l, ok := v.([]Value)
		if !ok {
			l = []Value{v}
		}
		if len(l) == 0 {
			f.slots[slot] = nil
			if r := cond(f); isNumber(r) {
				return nil
			}
			return []Value{}
		}
		out := []Value{}
		for i, it := range l {
			f.st.step()
			f.slots[slot] = it
			switch r := cond(f).(type) {
			case bool:
				if r {
					out = append(out, it)
				}
			case *apd.Decimal:
				if i == 0 {
					k, ok := integer(r)
					if !ok {
						f.st.note(n.at, "an index is a whole number")
						return nil
					}
					return nth(f, n, v, k)
				}
			case nil:
			default:
				if n.strict {
					f.st.note(n.cond.where(), "the match is "+brief(r))
					return nil
				}
			}
		}
		return out
	}, out
}

func nth(f *frame, n *filter, v Value, k int64) Value {
	if v == nil {
		return nil
	}
	l, ok := v.([]Value)
	if !ok {
		l = []Value{v}
	}
	if k < 0 {
		k += int64(len(l)) + 1
	}
	if k < 1 || k > int64(len(l)) {
		f.st.note(n.at, fmt.Sprintf("the list has %d items", len(l)))
		return nil
	}
	return l[k-1]
}

func (p *planner) list(n *listOf, s *scope) (code, *Type) {
	items := make([]code, len(n.items))
	var elem *Type
	fixed := len(items) <= 10_000
	for i, x := range n.items {
		var t *Type
		items[i], t = p.plan(x, s)
		switch {
		case i == 0:
			elem = t
		case elem != nil && !t.Is(elem):
			elem = nil
		}
		if _, ok := x.(*constant); !ok {
			fixed = false
		}
	}
	t := &Type{Kind: KindList, Elem: elem}
	if elem.kind() == KindNull {
		t.Elem = nil
	}
	if fixed { // a list of constants is made once
		out := make([]Value, len(items))
		for i, x := range n.items {
			out[i] = x.(*constant).val
		}
		return func(f *frame) Value { f.st.step(); return out }, t
	}
	return func(f *frame) Value {
		out := make([]Value, len(items))
		for i, x := range items {
			f.st.step()
			out[i] = x(f)
		}
		return out
	}, t
}

func (p *planner) context(n *contextOf, s *scope) (code, *Type) {
	inner := s.child()
	codes := make([]code, len(n.vals))
	slots := make([]int, len(n.vals))
	self := make([]bool, len(n.vals))
	t := &Type{Kind: KindContext, Fields: make([]Param, len(n.keys))}
	twice := -1
	for i, k := range n.keys {
		if slices.Contains(n.keys[:i], k) {
			twice = i
			p.problem(n.vals[i].where(), "the entry "+quote(k)+" is there twice", "each name once")
		}
		fn := n.vals[i]
		if c, ok := fn.(*coerced); ok {
			fn = c.x
		}
		if _, self[i] = fn.(*function); self[i] { // a function may call itself
			slots[i] = inner.add(k, nil)
		}
		in := inner
		if n.apart {
			in = s
		}
		c, ct := p.plan(n.vals[i], in)
		codes[i], t.Fields[i] = c, Param{k, ct}
		if !self[i] {
			slots[i] = inner.add(k, ct)
		}
	}
	fill := func(f *frame, vals []Value) {
		for i, c := range codes {
			f.st.step()
			v := c(f)
			if self[i] {
				if fn, ok := v.(*Function); ok && fn.env != nil {
					fn.env.slots[slots[i]] = fn
				}
			}
			f.slots[slots[i]] = v
			if vals != nil {
				vals[i] = v
			}
		}
	}
	if n.result != nil {
		result, rt := p.plan(n.result, inner)
		return func(f *frame) Value {
			fill(f, nil)
			return result(f)
		}, rt
	}
	if twice >= 0 {
		return func(f *frame) Value {
			f.st.note(n.at, "the entry "+quote(n.keys[twice])+" is there twice")
			return nil
		}, nil
	}
	shape := newShape(n.keys)
	return func(f *frame) Value {
		vals := make([]Value, len(codes))
		fill(f, vals)
		return &Context{shape, vals}
	}, t
}

func (p *planner) rangeOf(n *rangeOf, s *scope) (code, *Type) {
	lo, hi := code(nil), code(nil)
	var t, u *Type
	if n.lo != nil {
		lo, t = p.plan(n.lo, s)
	}
	if n.hi != nil {
		hi, u = p.plan(n.hi, s)
	}
	if t == nil {
		t = u
	}
	make := func(f *frame) Value {
		r := &Range{OpenLo: n.openLo, OpenHi: n.openHi}
		if lo != nil {
			r.Lo = lo(f)
		}
		if hi != nil {
			r.Hi = hi(f)
		}
		if why := r.wrong(lo != nil, hi != nil); why != "" {
			f.st.note(n.at, why)
			return nil
		}
		return r
	}
	typ := &Type{Kind: KindRange, Elem: t}
	if constantOrNil(n.lo) && constantOrNil(n.hi) {
		st := &NewRun(RunOptions{}).st
		v := make(&frame{st: st, slots: []Value{}})
		if v == nil {
			r := Range{}
			if n.lo != nil && n.hi != nil {
				r.Lo, r.Hi = lo(&frame{st: st}), hi(&frame{st: st})
			}
			p.problem(n.at, r.wrong(n.lo != nil, n.hi != nil), "the smaller value first")
			return make, typ
		}
		return func(*frame) Value { return v }, typ
	}
	return make, typ
}

func constantOrNil(n Node) bool {
	if n == nil {
		return true
	}
	if m, ok := n.(*negate); ok {
		n = m.x
	}
	_, ok := n.(*constant)
	return ok
}

// wrong says why a range isn't one.
func (r *Range) wrong(lo, hi bool) string {
	switch {
	case lo && r.Lo == nil || hi && r.Hi == nil:
		return "an end of the range is null"
	case lo && !ordered(r.Lo) || hi && !ordered(r.Hi):
		return "the ends of a range are numbers, texts, dates, times or durations"
	case lo && hi:
		c, ok := order(r.Lo, r.Hi)
		if !ok {
			return "the ends of the range can't be compared with each other"
		}
		if c > 0 {
			return "the range starts after it ends"
		}
	}
	return ""
}

func ordered(v Value) bool {
	switch v.(type) {
	case *apd.Decimal, string, Date, Time, DateTime, Span, Months:
		return true
	}
	return false
}

func (p *planner) binary(n *binary, s *scope) (code, *Type) {
	x, tx := p.plan(n.x, s)
	y, ty := p.plan(n.y, s)
	switch n.op {
	case "and":
		p.operand(n.x, tx, "and", "a condition", KindBoolean)
		p.operand(n.y, ty, "and", "a condition", KindBoolean)
		return func(f *frame) Value {
			v := x(f)
			if v == false {
				return false
			}
			return and(v, y(f))
		}, TypeBoolean
	case "or":
		p.operand(n.x, tx, "or", "a condition", KindBoolean)
		p.operand(n.y, ty, "or", "a condition", KindBoolean)
		return func(f *frame) Value {
			v := x(f)
			if v == true {
				return true
			}
			switch w := y(f); {
			case w == true:
				return true
			case v == false && w == false:
				return false
			}
			return nil
		}, TypeBoolean
	}
	if c, ok := cmps[n.op]; ok {
		if kx, ky := tx.kind(), ty.kind(); kx != ky && known(kx) && known(ky) {
			p.problem(n.at, fmt.Sprintf("a %s is compared with a %s, which is never true", tx, ty), "two values of one type")
		}
		return func(f *frame) Value {
			a, b := x(f), y(f)
			v := f.st.compare(c, a, b)
			if v == nil && f.st.notes != nil {
				f.st.note(n.at, fmt.Sprintf("%s and %s can't be compared", brief(a), brief(b)))
			}
			return v
		}, TypeBoolean
	}
	t := arithmeticType(n.op, tx, ty)
	if t == nil && known(tx.kind()) && known(ty.kind()) {
		p.problem(n.at, fmt.Sprintf("%s has no meaning for a %s and a %s", quote(n.op), tx, ty), "two numbers, or values that go together")
	}
	op := n.op
	return func(f *frame) Value {
		a, b := x(f), y(f)
		v := arithmetic(op, a, b)
		if v == nil {
			if f.st.notes != nil {
				f.st.note(n.at, whyNot(op, a, b))
			}
			return nil
		}
		if s, ok := v.(string); ok {
			f.st.size(len(s))
		}
		return v
	}, t
}

func known(k Kind) bool { return k != KindAny && k != KindNull && k != KindUnknown }

func whyNot(op string, a, b Value) string {
	switch {
	case a == nil && b == nil:
		return "both sides of " + quote(op) + " are null"
	case a == nil:
		return "the left side of " + quote(op) + " is null"
	case b == nil:
		return "the right side of " + quote(op) + " is null"
	case op == "/" && isNumber(a) && isNumber(b):
		return "division by zero"
	case isNumber(a) && isNumber(b):
		return "the result is no number that fits"
	}
	return fmt.Sprintf("%s has no meaning for %s and %s", quote(op), brief(a), brief(b))
}

// brief names a value in a message without telling what is in it: it may be personal.
func brief(v Value) string {
	switch k := kindOf(v); k {
	case KindNull:
		return "null"
	default:
		return "a " + k.String()
	}
}

func arithmeticType(op string, a, b *Type) *Type {
	x, y := a.kind(), b.kind()
	if x == KindNumber && y == KindNumber {
		return TypeNumber
	}
	dur := func(k Kind) bool { return k == KindSpan || k == KindMonths }
	day := func(k Kind) bool { return k == KindDate || k == KindDateTime }
	switch op {
	case "+":
		switch {
		case x == KindString && y == KindString:
			return TypeString
		case dur(x) && x == y, day(x) && dur(y), x == KindTime && y == KindSpan:
			return a
		case dur(x) && day(y), y == KindTime && x == KindSpan:
			return b
		}
	case "-":
		switch {
		case day(x) && day(y), x == KindTime && y == KindTime:
			return TypeSpan
		case dur(x) && x == y, day(x) && dur(y), x == KindTime && y == KindSpan:
			return a
		}
	case "*":
		switch {
		case dur(x) && y == KindNumber:
			return a
		case dur(y) && x == KindNumber:
			return b
		}
	case "/":
		switch {
		case dur(x) && y == KindNumber:
			return a
		case dur(x) && x == y:
			return TypeNumber
		}
	}
	return nil
}

func (p *planner) ifElse(n *ifElse, s *scope) (code, *Type) {
	cond, ct := p.plan(n.cond, s)
	p.operand(n.cond, ct, "if", "a condition", KindBoolean)
	then, t := p.plan(n.then, s)
	other, u := p.plan(n.other, s)
	if t.kind() == KindNull {
		t = u
	} else if !u.Is(t) {
		t = nil
	}
	return func(f *frame) Value {
		v := cond(f)
		if v == true {
			return then(f)
		}
		if v != false {
			if _, ok := v.(bool); !ok && v != nil && n.strict {
				f.st.note(n.cond.where(), "the condition is "+brief(v))
				return nil
			}
			f.st.note(n.cond.where(), "the condition is "+brief(v)+" and counts as false")
		}
		return other(f)
	}, t
}

// --- loops

type planned struct {
	slot   int
	list   code
	lo, hi code // of "1..n"
	at     at
}

func (p *planner) iters(in []iter, s *scope) ([]planned, *scope) {
	out := make([]planned, len(in))
	for i, it := range in {
		pl := planned{at: it.list.where()}
		var t *Type
		if r, ok := it.list.(*loopRange); ok {
			pl.lo, t = p.plan(r.lo, s)
			pl.hi, _ = p.plan(r.hi, s)
		} else {
			pl.list, t = p.plan(it.list, s)
			if t.kind() == KindRange {
				t = t.Elem
			} else {
				t = itemType(t)
			}
		}
		s = s.child()
		pl.slot = s.add(it.name, t)
		out[i] = pl
	}
	return out, s
}

// each runs body for every combination; body says whether to go on. It is false where
// something to go through isn't a list.
func each(f *frame, iters []planned, body func() bool) (ok bool) {
	if len(iters) == 0 {
		f.st.step()
		return body()
	}
	it, rest := &iters[0], iters[1:]
	one := func(v Value) bool {
		f.slots[it.slot] = v
		return each(f, rest, body)
	}
	if it.lo != nil {
		return span(f, it.at, it.lo(f), it.hi(f), true, one)
	}
	switch v := it.list(f).(type) {
	case []Value:
		for _, x := range v {
			f.st.step()
			if !one(x) {
				return false
			}
		}
		return true
	case *Range:
		lo, hi := v.Lo, v.Hi
		if v.OpenLo {
			lo = next(lo, 1)
		}
		if v.OpenHi {
			hi = next(hi, -1)
		}
		return span(f, it.at, lo, hi, false, one)
	case nil:
		f.st.note(it.at, "there is no list to go through, it is null")
		f.st.broken = true
		return false
	default:
		return one(v)
	}
}

// next is the whole number or day after or before a value.
func next(v Value, by int64) Value {
	switch v := v.(type) {
	case *apd.Decimal:
		return numbers("+", v, small(by))
	case Date:
		return addTemporal(v, SpanOf(time.Duration(by)*24*time.Hour))
	}
	return nil
}

// span goes from one whole number or day to another, down too where it may.
func span(f *frame, a at, lo, hi Value, down bool, one func(Value) bool) bool {
	bad := func() bool {
		f.st.note(a, "only whole numbers and dates can be counted through")
		f.st.broken = true
		return false
	}
	switch x := lo.(type) {
	case *apd.Decimal:
		i, ok1 := integer(x)
		j, ok2 := integer(hi)
		if !ok1 || !ok2 {
			return bad()
		}
		if i > j && down {
			for ; i >= j; i-- {
				f.st.step()
				if !one(small(i)) {
					return false
				}
			}
			return true
		}
		for ; i <= j; i++ {
			f.st.step()
			if !one(small(i)) {
				return false
			}
		}
		return true
	case Date:
		if _, ok := hi.(Date); !ok {
			return bad()
		}
		c, ok := order(lo, hi)
		if !ok {
			return bad()
		}
		by := int64(1)
		if c > 0 {
			if !down {
				return true
			}
			by = -1
		}
		for v := lo; v != nil; v = next(v, by) {
			f.st.step()
			if c, _ := order(v, hi); int64(c)*by > 0 {
				return true
			}
			if !one(v) {
				return false
			}
		}
		return true
	}
	return bad()
}

func (p *planner) forLoop(n *forLoop, s *scope) (code, *Type) {
	iters, inner := p.iters(n.iters, s)
	inner = inner.child()
	partial := inner.add("partial", &Type{Kind: KindList})
	body, t := p.plan(n.body, inner)
	looks := reads(n.body, "partial")
	return func(f *frame) Value {
		saved := f.slots[partial]
		broken := f.st.broken
		f.st.broken = false
		if len(iters) == 1 && iters[0].list != nil && !looks { // the usual loop, over one list
			if l, ok := iters[0].list(f).([]Value); ok {
				out := make([]Value, len(l))
				for i, x := range l {
					f.st.step()
					f.slots[iters[0].slot] = x
					out[i] = body(f)
				}
				f.st.broken = broken
				return out
			}
		}
		out := []Value{}
		each(f, iters, func() bool {
			if looks {
				f.slots[partial] = out
			}
			out = append(out, body(f))
			return true
		})
		failed := f.st.broken
		f.st.broken = broken
		f.slots[partial] = saved
		if failed {
			return nil
		}
		return out
	}, listType(t)
}

func (p *planner) quantified(n *quantified, s *scope) (code, *Type) {
	iters, inner := p.iters(n.iters, s)
	cond, t := p.plan(n.cond, inner)
	p.operand(n.cond, t, "satisfies", "a condition", KindBoolean)
	return func(f *frame) Value {
		broken := f.st.broken
		f.st.broken = false
		result := Value(n.every)
		each(f, iters, func() bool {
			switch v := cond(f); {
			case v == !n.every:
				result = !n.every
				return false
			case v != n.every:
				result = nil
			}
			return true
		})
		failed := f.st.broken
		f.st.broken = broken
		if failed {
			return nil
		}
		return result
	}, TypeBoolean
}

// --- tests

// tests plans unary tests over the variable "?".
func (p *planner) tests(n *unaryTests, s *scope) (code, *Type) {
	codes := make([]code, len(n.tests))
	for i, t := range n.tests {
		codes[i], _ = p.test(t, s)
	}
	if len(codes) == 0 {
		return func(*frame) Value { return true }, TypeBoolean
	}
	return func(f *frame) Value {
		result := Value(false)
		for _, c := range codes {
			switch c(f) {
			case true:
				return !n.negated
			case nil:
				result = nil
			}
		}
		if n.negated {
			return not(result)
		}
		return result
	}, TypeBoolean
}

func (p *planner) test(n Node, s *scope) (code, *Type) {
	input, it := p.name(&nameRef{n.where(), "?"}, s)
	if c, ok := n.(*compareTest); ok {
		x, t := p.plan(c.x, s)
		if kx, ky := t.kind(), it.kind(); kx != ky && known(kx) && known(ky) {
			p.problem(c.at, fmt.Sprintf("a %s is compared with a %s, which is never true", it, t), "a "+it.String())
		}
		op := cmps[c.op]
		return func(f *frame) Value {
			a, b := input(f), x(f)
			v := f.st.compare(op, a, b)
			if v == nil && f.st.notes != nil {
				f.st.note(c.at, fmt.Sprintf("%s and %s can't be compared", brief(a), brief(b)))
			}
			return v
		}, TypeBoolean
	}
	x, t := p.plan(n, s)
	if usesInput(n) {
		return x, t
	}
	if k := testedKind(t); known(k) && known(it.kind()) && k != it.kind() && it.kind() != KindList && !(t.kind() == KindBoolean && !isConstant(n)) {
		p.problem(n.where(), fmt.Sprintf("%s is a %s, the input is a %s", quote(n.where().text()), k, it), "a "+it.String())
	}
	_, ranged := n.(*rangeOf)
	return func(f *frame) Value {
		v, in := x(f), input(f)
		if b, ok := v.(bool); ok {
			if _, is := in.(bool); !is {
				if isConstant(n) {
					return equal(in, v)
				}
				return b
			}
		}
		if v == nil && ranged {
			return nil
		}
		return f.st.contains(v, in)
	}, TypeBoolean
}

func testedKind(t *Type) Kind {
	for t.kind() == KindRange || t.kind() == KindList {
		t = t.Elem
	}
	return t.kind()
}

func isConstant(n Node) bool { _, ok := n.(*constant); return ok }

// reads says whether a name stands in an expression.
func reads(n Node, name string) bool {
	found := false
	Walk(n, func(n Node) bool {
		r, ok := n.(*nameRef)
		found = found || ok && r.name == name
		return !found
	})
	return found
}

// usesInput says whether an expression reads "?".
func usesInput(n Node) bool {
	found := false
	Walk(n, func(n Node) bool {
		if r, ok := n.(*nameRef); ok && r.name == "?" {
			found = true
		}
		_, nested := n.(*inTests)
		return !found && !nested
	})
	if in, ok := n.(*inTests); ok && !found {
		return usesInput(in.x)
	}
	return found
}

func (p *planner) in(n *inTests, s *scope) (code, *Type) {
	x, t := p.plan(n.x, s)
	inner := s.child()
	slot := inner.add("?", t)
	codes := make([]code, len(n.tests))
	for i, t := range n.tests {
		codes[i], _ = p.test(t, inner)
	}
	return func(f *frame) Value {
		v := x(f)
		result := Value(false)
		for _, c := range codes {
			f.slots[slot] = v
			switch c(f) {
			case true:
				return true
			case nil:
				result = nil
			}
		}
		return result
	}, TypeBoolean
}

// --- functions

func (p *planner) function(n *function, s *scope) (code, *Type) {
	fn := &funcScope{up: s.fn}
	inner := &scope{up: s, fn: fn, item: -1}
	t := &Type{Kind: KindFunction, Params: []*Type{}}
	for _, x := range n.params {
		p.typeName(n.at, x.Type)
		inner.add(x.Name, x.Type)
		t.Params = append(t.Params, x.Type)
	}
	if n.external {
		p.problem(n.at, "a function of another language can't be called here", "a FEEL function")
		params, result := n.params, n.result
		return func(f *frame) Value {
			return NewFunction("external", params, result, func([]Value) (Value, error) { return nil, nil })
		}, t
	}
	body, rt := p.plan(n.body, inner)
	if n.result != nil {
		rt = n.result
	}
	t.Result = rt
	params := n.params
	return func(f *frame) Value {
		// A function keeps the variables as they are now.
		env := &frame{slots: slices.Clone(f.slots), up: f.up, st: f.st, seen: f.seen}
		return &Function{params: params, result: rt, body: body, env: env, slots: fn.n, src: n}
	}, t
}

const maxErrors = 50

func (p *planner) call(n *call, s *scope) (code, *Type) {
	args := make([]code, len(n.args))
	types := make([]*Type, len(n.args))
	for i, a := range n.args {
		args[i], types[i] = p.plan(a, s)
	}
	if r, ok := n.fn.(*nameRef); ok {
		if shadowed, maybe := p.shadowed(r.name, s); !shadowed && builtins[r.name] != nil {
			call, t := p.builtin(n, builtins[r.name], args, types)
			if !maybe {
				return call, t
			}
			// A variable of that name may be a function; if it is none, the built-in one is meant.
			v, _ := p.name(r, s)
			names := n.names
			return func(f *frame) Value {
				fn, ok := v(f).(*Function)
				if !ok || fn.builtin != nil {
					return call(f)
				}
				vals := make([]Value, len(args))
				for i, a := range args {
					vals[i] = a(f)
				}
				return fn.call(f.st, n.at, vals, names)
			}, nil
		}
	}
	if r, ok := n.fn.(*nameRef); ok && !p.isName(r.name, s) {
		p.problem(r.at, "there is no function "+quote(r.name), near(r.name, functionNames))
		return func(f *frame) Value {
			f.st.note(r.at, "there is no function "+quote(r.name))
			return nil
		}, nil
	}
	fn, ft := p.plan(n.fn, s)
	if known(ft.kind()) && ft.kind() != KindFunction {
		p.problem(n.fn.where(), fmt.Sprintf("%s is a %s and can't be called", quote(n.fn.where().text()), ft), "a function")
	}
	if ft.kind() == KindFunction && ft.Params != nil && n.names == nil && len(ft.Params) != len(args) {
		p.problem(n.at, fmt.Sprintf("the function takes %d arguments and gets %d", len(ft.Params), len(args)), "")
	}
	var rt *Type
	if ft.kind() == KindFunction {
		rt = ft.Result
	}
	names := n.names
	return func(f *frame) Value {
		fv, ok := fn(f).(*Function)
		if !ok {
			f.st.note(n.at, "what is called here is no function")
			return nil
		}
		vals := make([]Value, len(args))
		for i, a := range args {
			vals[i] = a(f)
		}
		return fv.call(f.st, n.at, vals, names)
	}, rt
}

// isName says whether a name is a variable here.
func (p *planner) isName(name string, s *scope) bool {
	for x := s; x != nil; x = x.up {
		if _, ok := x.slots[name]; ok || x.item >= 0 {
			return true
		}
	}
	_, ok := p.free[name]
	return ok || slices.Contains(p.c.Names, name)
}

// shadowed says whether a variable stands before the built-in function of a name; maybe:
// nobody knows whether that variable is a function. One that is known to be none leaves
// the function in sight: date("2026-12-31") beside an input called date.
func (p *planner) shadowed(name string, s *scope) (shadowed, maybe bool) {
	look := func(t *Type) (bool, bool) {
		switch k := t.kind(); {
		case k == KindFunction:
			return true, false
		case known(k):
			return false, false
		}
		return false, true
	}
	for x := s; x != nil; x = x.up {
		if v, ok := x.slots[name]; ok {
			return look(v.typ)
		}
	}
	if v, ok := p.free[name]; ok {
		return look(v.typ)
	}
	if p.c.declares(name) {
		return look(p.c.Vars[name])
	}
	return false, false
}

// Call calls a function in a run, with its arguments by position. It is for Go code
// that is itself called in that run.
func (fn *Function) Call(r *Run, args []Value) Value { return fn.call(&r.st, at{}, args, nil) }

// call calls a function with values.
func (fn *Function) call(st *state, a at, args []Value, names []string) Value {
	st.step()
	if fn.builtin != nil {
		return fn.builtin.invoke(&site{st: st, at: a, name: fn.name}, args, names)
	}
	if names != nil {
		ordered := make([]Value, len(fn.params)) // what isn't given is null
		given := 0
		for i, p := range fn.params {
			if k := slices.Index(names, p.Name); k >= 0 {
				ordered[i] = args[k]
				given++
			}
		}
		if given != len(names) {
			st.note(a, "the names of the arguments aren't those of the parameters")
			return nil
		}
		args = ordered
	}
	if len(args) != len(fn.params) {
		st.note(a, fmt.Sprintf("the function takes %d arguments and gets %d", len(fn.params), len(args)))
		return nil
	}
	for i, p := range fn.params {
		if p.Type == nil || args[i] == nil {
			continue
		}
		v, ok := p.Type.Coerce(st.run, args[i])
		if !ok {
			st.note(a, fmt.Sprintf("the argument %s isn't of the type %s", quote(p.Name), p.Type))
			return nil
		}
		args[i] = v
	}
	if st.depth++; st.depth > st.maxDepth {
		panic(overBudget{"functions call each other too deeply"})
	}
	defer func() { st.depth-- }()
	var v Value
	if fn.extern != nil {
		var err error
		if v, err = fn.extern(args); err != nil {
			panic(overBudget{err.Error()})
		}
	} else {
		fr := &frame{slots: make([]Value, fn.slots), up: fn.env, st: st, seen: fn.env.seen}
		copy(fr.slots, args)
		v = fn.body(fr)
	}
	if fn.result != nil && v != nil {
		w, ok := fn.result.Coerce(st.run, v)
		if !ok {
			st.note(a, fmt.Sprintf("the result isn't of the type %s", fn.result))
		}
		return w
	}
	return v
}
