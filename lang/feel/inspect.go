// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"slices"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// ParseNumber reads a number as it is written in FEEL or JSON.
func ParseNumber(s string) (Value, bool) {
	d, ok := signed(s)
	if !ok {
		return nil, false
	}
	return d, true
}

// ParseAs reads a text as a value of a temporal kind.
func ParseAs(k Kind, s string) (Value, bool) {
	switch k {
	case KindDate:
		v, ok := ParseDate(s)
		return v, ok
	case KindTime:
		v, ok := ParseTime(s)
		return v, ok
	case KindDateTime:
		v, ok := ParseDateTime(s)
		return v, ok
	case KindSpan, KindMonths:
		v, ok := ParseDuration(s)
		return v, ok && kindOf(v) == k
	}
	return nil, false
}

// Walk visits a node and what is in it, as long as f says so.
func Walk(n Node, f func(Node) bool) {
	if n == nil || !f(n) {
		return
	}
	all := func(l ...Node) {
		for _, x := range l {
			if x != nil {
				Walk(x, f)
			}
		}
	}
	iters := func(l []iter) {
		for _, it := range l {
			Walk(it.list, f)
		}
	}
	switch n := n.(type) {
	case *member:
		all(n.x)
	case *filter:
		all(n.x, n.cond)
	case *call:
		all(n.fn)
		all(n.args...)
	case *listOf:
		all(n.items...)
	case *contextOf:
		all(n.vals...)
		all(n.result)
	case *rangeOf:
		all(n.lo, n.hi)
	case *loopRange:
		all(n.lo, n.hi)
	case *negate:
		all(n.x)
	case *binary:
		all(n.x, n.y)
	case *between:
		all(n.x, n.lo, n.hi)
	case *inTests:
		all(n.x)
		all(n.tests...)
	case *ifElse:
		all(n.cond, n.then, n.other)
	case *forLoop:
		iters(n.iters)
		all(n.body)
	case *quantified:
		iters(n.iters)
		all(n.cond)
	case *instanceOf:
		all(n.x)
	case *function:
		all(n.body)
	case *unaryTests:
		all(n.tests...)
	case *compareTest:
		all(n.x)
	case *coerced:
		all(n.x)
	case *custom:
		for _, c := range n.Children {
			all(c.Node)
		}
	}
}

// --- looking into expressions, for indexes and for the check of tables

// Constant is the value of an expression that is always the same: a literal, or a
// list or negation of literals.
func Constant(n Node) (Value, bool) {
	switch n := n.(type) {
	case *constant:
		return n.val, true
	case *negate:
		if v, ok := Constant(n.x); ok {
			if d, ok := v.(*apd.Decimal); ok {
				return negated(d), true
			}
			if v = negTemporal(v); v != nil {
				return v, true
			}
		}
	case *listOf:
		out := make([]Value, len(n.items))
		for i, x := range n.items {
			v, ok := Constant(x)
			if !ok {
				return nil, false
			}
			out[i] = v
		}
		return out, true
	case *call:
		return constantCall(n)
	}
	return nil, false
}

// constantCall is date("2026-12-31") and its like.
func constantCall(n *call) (Value, bool) {
	r, ok := n.fn.(*nameRef)
	if !ok || n.names != nil || len(n.args) != 1 {
		return nil, false
	}
	v, ok := Constant(n.args[0])
	s, text := v.(string)
	if !ok || !text {
		return nil, false
	}
	switch r.name {
	case "date":
		if d, ok := ParseDate(s); ok {
			return d, true
		}
	case "time":
		if t, ok := ParseTime(s); ok {
			return t, true
		}
	case "date and time":
		if d, ok := ParseDateTime(s); ok {
			return d, true
		}
	case "duration":
		return ParseDuration(s)
	}
	return nil, false
}

// Cell is what unary tests say, where they compare with constants only: the input is
// in one of the parts, or in none of them where Negated is set.
type Cell struct {
	Any     bool // "-"
	Negated bool
	Parts   []*Range // a value is the range from itself to itself
}

// CellOf reads unary tests; ok is false where they compute something.
func CellOf(n Node) (Cell, bool) {
	u, ok := n.(*unaryTests)
	if !ok {
		return Cell{}, false
	}
	c := Cell{Any: len(u.tests) == 0, Negated: u.negated}
	for _, t := range u.tests {
		parts, ok := partsOf(t)
		if !ok {
			return Cell{}, false
		}
		c.Parts = append(c.Parts, parts...)
	}
	return c, true
}

func point(v Value) *Range { return &Range{Lo: v, Hi: v} }

func partsOf(n Node) ([]*Range, bool) {
	if v, ok := Constant(n); ok {
		if l, ok := v.([]Value); ok {
			out := make([]*Range, len(l))
			for i, x := range l {
				if !simple(x) {
					return nil, false
				}
				out[i] = point(x)
			}
			return out, true
		}
		return []*Range{point(v)}, simple(v)
	}
	switch n := n.(type) {
	case *compareTest:
		v, ok := Constant(n.x)
		if !ok || !simple(v) {
			return nil, false
		}
		switch n.op {
		case "=":
			return []*Range{point(v)}, true
		case "!=":
			if b, ok := v.(bool); ok {
				return []*Range{point(!b)}, true
			}
			if ordered(v) {
				return []*Range{{Hi: v, OpenLo: true, OpenHi: true}, {Lo: v, OpenLo: true, OpenHi: true}}, true
			}
			return nil, false
		case "<", "<=":
			return []*Range{{Hi: v, OpenLo: true, OpenHi: n.op == "<"}}, ordered(v)
		}
		return []*Range{{Lo: v, OpenLo: n.op == ">", OpenHi: true}}, ordered(v)
	case *rangeOf:
		r := &Range{OpenLo: n.openLo, OpenHi: n.openHi}
		for _, e := range []struct {
			n Node
			v *Value
		}{{n.lo, &r.Lo}, {n.hi, &r.Hi}} {
			if e.n == nil {
				continue
			}
			v, ok := Constant(e.n)
			if !ok {
				return nil, false
			}
			*e.v = v
		}
		if r.wrong(n.lo != nil, n.hi != nil) != "" || n.lo != nil && r.Lo == nil || n.hi != nil && r.Hi == nil {
			return nil, false
		}
		return []*Range{r}, true
	}
	return nil, false
}

func simple(v Value) bool {
	_, b := v.(bool)
	return b || ordered(v)
}

// Literal writes a value as FEEL reads it.
func Literal(v Value) string {
	var b strings.Builder
	literal(&b, v, 0)
	return b.String()
}

// Order compares two values of one ordered type (-1, 0, 1); ok is false where they
// have no order.
func Order(a, b Value) (int, bool) { return order(a, b) }

// Arithmetic is + - * / or ** on two values; nil where it has no meaning for them.
func Arithmetic(op string, a, b Value) Value { return arithmetic(op, a, b) }

// Constants are the literal values in an expression, each once.
func Constants(n Node) []Value {
	var out []Value
	Walk(n, func(n Node) bool {
		v, ok := Constant(n)
		if l, is := v.([]Value); is {
			out = append(out, l...)
		} else if ok && v != nil {
			out = append(out, v)
		}
		return !ok
	})
	return slices.CompactFunc(out, func(a, b Value) bool { return equal(a, b) == true })
}

// Equal is "=": true, false or nil, which it also is of values that are too large.
func Equal(a, b Value) (v Value) {
	r := NewRun(RunOptions{})
	var err error
	defer r.recover(0, &v, &err)
	return r.st.equal(a, b, 0)
}

// Contains says whether a range has a point.
func (r *Range) Contains(v Value) bool { return (*state)(nil).inRange(r, v) == true }

// KindOf is the kind of a value.
func KindOf(v Value) Kind { return kindOf(v) }

// parseRange reads the text of range(): its ends are literals (10.3.4.1).
func parseRange(s string) (*Range, string) {
	base := &names{}
	for _, n := range []string{"date", "time", "date and time", "duration"} {
		base.add(n, nil)
	}
	n, err := parseIn(s, &Config{Budget: Budget{Source: 4096, Depth: 20}, ranges: true}, false, base)
	if err != nil {
		return nil, "the text is no range such as [1..3]"
	}
	r, ok := n.(*rangeOf)
	if !ok || !strings.Contains(s, "..") {
		return nil, "the text is no range such as [1..3]"
	}
	parts, ok := partsOf(r)
	if !ok {
		return nil, "the ends of the range are literals of one kind, the smaller first"
	}
	return parts[0], ""
}
