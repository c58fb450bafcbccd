// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"fmt"
	"slices"

	"github.com/cockroachdb/apd/v3"
)

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
		r.unsure = lo != nil && r.Lo == nil || hi != nil && r.Hi == nil
		return r
	}
	typ := &Type{Kind: KindRange, Elem: t}
	if constantOrNil(n.lo) && constantOrNil(n.hi) {
		st := &NewRun(RunOptions{}).st
		v := make(&frame{st: st, slots: []Value{}})
		if r, ok := v.(*Range); ok && r.unsure {
			p.problem(n.at, "an end of the range is null", "a value, or a comparison such as (>= 1)")
		} else if v == nil {
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
	if lo && hi { // an open end may be null, one of the two
		lo, hi = r.Lo != nil || !r.OpenLo || r.Hi == nil, r.Hi != nil || !r.OpenHi || r.Lo == nil
	}
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
		if op == "**" {
			f.st.power(a, b)
		}
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
	if t := arithmeticType(op, typeOfValue(a), typeOfValue(b)); t != nil {
		switch {
		case op == "/":
			return "division by zero"
		case op == "-" && t.kind() == KindSpan && kindOf(b) != KindSpan:
			return "one side has a time zone and the other has none"
		}
		return "the result is outside of what " + "a " + t.String() + " can be"
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
