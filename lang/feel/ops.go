// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"math"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// units is a number as an integer of its own exponent, where that fits: the way past
// big integers that nearly every number of an office takes.
func units(d *apd.Decimal) (int64, bool) {
	if !d.Coeff.IsInt64() {
		return 0, false
	}
	n := d.Coeff.Int64()
	if d.Negative {
		n = -n
	}
	return n, true
}

func decimalOf(n int64, exp int32) *apd.Decimal {
	if exp == 0 {
		return small(n)
	}
	return apd.New(n, exp)
}

// arithmetic is + - * / ** on whatever two values there are; nil where the standard
// has no meaning for them.
func arithmetic(op string, a, b Value) Value {
	x, ok1 := a.(*apd.Decimal)
	y, ok2 := b.(*apd.Decimal)
	if ok1 && ok2 {
		return numbers(op, x, y)
	}
	if a == nil || b == nil {
		return nil
	}
	switch op {
	case "+":
		s, ok1 := a.(string)
		t, ok2 := b.(string)
		if ok1 && ok2 {
			return s + t
		}
		if ok1 || ok2 {
			return nil
		}
		return addTemporal(a, b)
	case "-":
		return subTemporal(a, b)
	case "*":
		if ok1 {
			return mulTemporal(b, x)
		}
		if ok2 {
			return mulTemporal(a, y)
		}
	case "/":
		return divTemporal(a, b)
	}
	return nil
}

func numbers(op string, x, y *apd.Decimal) Value {
	var d *apd.Decimal
	ok := false
	switch op {
	case "+", "-":
		if x.Exponent == y.Exponent {
			if m, ok1 := units(x); ok1 {
				if n, ok2 := units(y); ok2 {
					if op == "-" {
						n = -n
					}
					if s := m + n; (s > m) == (n > 0) && n != math.MinInt64 {
						return decimalOf(s, x.Exponent)
					}
				}
			}
		}
		d, ok = wideAdd(x, y, op == "-")
	case "*":
		d, ok = wideMul(x, y)
	case "/":
		return quotient(x, y)
	default:
		return power(x, y)
	}
	if ok {
		return d
	}
	d = new(apd.Decimal)
	var c apd.Condition
	var err error
	if op != "*" {
		x, y = closer(x, y)
	}
	switch op {
	case "+":
		c, err = decimal128.Add(d, x, y)
	case "-":
		c, err = decimal128.Sub(d, x, y)
	case "*":
		c, err = decimal128.Mul(d, x, y)
	}
	return rounded(d, c, err)
}

// closer gives two numbers with the same sum and difference when rounded: one that is too
// small to show in 34 digits beside the other is moved up to just below them, so that
// adding 1e-6000 to 1e6000 doesn't write out 12,000 digits.
func closer(x, y *apd.Decimal) (*apd.Decimal, *apd.Decimal) {
	if x.IsZero() || y.IsZero() {
		return x, y
	}
	shown := func(d *apd.Decimal) int64 { // the place of the last digit that may show
		return min(int64(d.Exponent), int64(d.Exponent)+d.NumDigits()-int64(decimal128.Precision)) - 3
	}
	beside := func(d *apd.Decimal, place int64) *apd.Decimal {
		if int64(d.Exponent)+d.NumDigits() > place {
			return d
		}
		e := apd.New(1, int32(place))
		e.Negative = d.Negative
		return e
	}
	return beside(x, shown(y)), beside(y, shown(x))
}

// quotient divides; an exact quotient has the exponent that IEEE 754 prefers, so that
// 10 / 4 is 2.5 and not 2.500.
func quotient(x, y *apd.Decimal) Value {
	if y.IsZero() {
		return nil
	}
	if x.Exponent == y.Exponent {
		m, ok1 := units(x)
		n, ok2 := units(y)
		if ok1 && ok2 && m%n == 0 && m != math.MinInt64 {
			return small(m / n)
		}
	}
	d := new(apd.Decimal)
	c, err := decimal128.Quo(d, x, y)
	v := rounded(d, c, err)
	if v == nil || c.Inexact() {
		return v
	}
	return trimTo(d, min(0, x.Exponent-y.Exponent))
}

// trimTo takes trailing zeros away until the exponent is the one that is wanted.
func trimTo(d *apd.Decimal, exp int32) *apd.Decimal {
	if d.Exponent >= exp {
		return d
	}
	var r apd.Decimal
	r.Reduce(d)
	if r.Exponent > exp {
		q := new(apd.Decimal)
		if _, err := decimal128.Quantize(q, &r, exp); err == nil {
			return q
		}
	}
	return &r
}

// power spends what x ** y takes: squarings, or logarithms where y has a fraction.
func (s *state) power(x, y Value) {
	if _, ok := integer(y); ok {
		s.spend(20)
	} else if d, ok := x.(*apd.Decimal); ok && isNumber(y) {
		n, ok := whole(y.(*apd.Decimal))
		if !ok {
			n = 1
		}
		s.spend(500 + magnitude(d) + int(min(uint64(max(n, -n))*uint64(magnitude(d)), 50_000)))
	}
}

// magnitude is what the logarithm of a number takes beyond the usual, for it is made
// smaller or larger step by step.
func magnitude(d *apd.Decimal) int {
	n := int64(d.Exponent) + d.NumDigits()
	return int(max(n, -n)) * 8
}

func power(x, y *apd.Decimal) Value {
	if n, ok := integer(y); ok && n >= 0 && n <= 1<<20 {
		// exact as long as it fits, by squaring
		out, base := Value(small(1)), Value(x)
		for {
			if n&1 == 1 {
				if out = numbers("*", out.(*apd.Decimal), base.(*apd.Decimal)); out == nil {
					return nil
				}
			}
			if n >>= 1; n == 0 {
				return out
			}
			if base = numbers("*", base.(*apd.Decimal), base.(*apd.Decimal)); base == nil {
				return nil
			}
		}
	}
	if n, ok := integer(y); ok && n < 0 && n > -1<<20 {
		p := power(x, small(-n))
		if p == nil || p.(*apd.Decimal).IsZero() {
			return nil
		}
		return quotient(small(1), p.(*apd.Decimal))
	}
	if x.IsZero() && !y.Negative {
		return small(0)
	}
	if n, ok := units(x); ok && n == -1 && x.Exponent == 0 { // however large the exponent is
		if k, ok := integer(y); ok {
			return small(1 - 2*(k&1))
		}
	}
	if x.Negative || x.IsZero() {
		return nil
	}
	if y.Exponent > 8 || y.NumDigits() > 40 {
		return nil
	}
	d := new(apd.Decimal)
	c, err := decimal128.Pow(d, x, y)
	v := rounded(d, c, err)
	if v == nil {
		return nil
	}
	return trimTo(d, 0) // 4 ** 0.5 is 2
}

// --- comparing

// order compares two values of one ordered type; ok is false where they have no order.
func order(a, b Value) (int, bool) {
	switch x := a.(type) {
	case *apd.Decimal:
		if y, ok := b.(*apd.Decimal); ok {
			if x.Exponent == y.Exponent {
				m, ok1 := units(x)
				n, ok2 := units(y)
				if ok1 && ok2 {
					switch {
					case m < n:
						return -1, true
					case m > n:
						return 1, true
					}
					return 0, true
				}
			}
			if c, ok := wideCmp(x, y); ok {
				return c, true
			}
			return x.Cmp(y), true
		}
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y), true
		}
	case Date, Time, DateTime, Span, Months:
		return compareTemporal(a, b)
	}
	return 0, false
}

// equal is "=" in three values (10.3.2.13): nil where the kinds differ.
func equal(a, b Value) Value { return (*state)(nil).equal(a, b, 0) }

// equal is "=" in an evaluation: what is in lists and contexts costs steps, since it may
// be shared and many times as much as was made.
func (s *state) equal(a, b Value, depth int) Value {
	if depth > maxNest {
		return nil
	}
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	switch x := a.(type) {
	case bool:
		if y, ok := b.(bool); ok {
			return x == y
		}
	case string:
		if y, ok := b.(string); ok {
			s.texts(x, y)
			return x == y
		}
	case *apd.Decimal:
		if c, ok := order(a, b); ok {
			return c == 0
		}
	case []Value:
		y, ok := b.([]Value)
		if !ok {
			return nil
		}
		if len(x) != len(y) {
			return false
		}
		s.costs(len(x))
		for i := range x {
			if s.equal(x[i], y[i], depth+1) != true {
				return false
			}
		}
		return true
	case *Context:
		y, ok := b.(*Context)
		if !ok {
			return nil
		}
		if len(x.vals) != len(y.vals) {
			return false
		}
		s.costs(len(x.vals))
		for i, n := range x.shape.names {
			v, has := y.Get(n)
			if !has || s.equal(x.vals[i], v, depth+1) != true {
				return false
			}
		}
		return true
	case *Range:
		y, ok := b.(*Range)
		if !ok {
			return nil
		}
		return x.OpenLo == y.OpenLo && x.OpenHi == y.OpenHi && equal(x.Lo, y.Lo) == true && equal(x.Hi, y.Hi) == true
	case *Function:
		if y, ok := b.(*Function); ok {
			return x == y || x.builtin != nil && x.builtin == y.builtin || x.src != nil && x.src == y.src && x.sameScope(s, y, depth+1)
		}
	case Date, Time, DateTime, Span, Months:
		if eq, ok := equalTemporal(a, b); ok {
			return eq
		}
	}
	return nil
}

// texts spends what it takes to compare long texts.
func (s *state) texts(x, y string) {
	if n := min(len(x), len(y)); n >= 1<<10 {
		s.costs(n >> 10)
	}
}

// costs spends steps, if there are any to spend.
func (s *state) costs(n int) {
	if s != nil {
		s.spend(n)
	}
}

// sameScope: the same function of the same text, with the same values around it.
func (f *Function) sameScope(s *state, g *Function, depth int) bool {
	if f.env.up != g.env.up || len(f.env.slots) != len(g.env.slots) {
		return false
	}
	for i, v := range f.env.slots {
		if w := g.env.slots[i]; v != f && w != g && s.equal(v, w, depth) != true {
			return false
		}
	}
	return true
}

type relation uint8

const (
	cmpEq relation = iota
	cmpNe
	cmpLt
	cmpLe
	cmpGt
	cmpGe
)

var cmps = map[string]relation{"=": cmpEq, "!=": cmpNe, "<": cmpLt, "<=": cmpLe, ">": cmpGt, ">=": cmpGe}

// compare is a comparison in three values.
func (s *state) compare(op relation, a, b Value) Value {
	switch op {
	case cmpEq:
		return s.equal(a, b, 0)
	case cmpNe:
		return not(s.equal(a, b, 0))
	}
	if x, ok := a.(string); ok {
		if y, ok := b.(string); ok {
			s.texts(x, y)
		}
	}
	c, ok := order(a, b)
	if !ok {
		return nil
	}
	switch op {
	case cmpLt:
		return c < 0
	case cmpLe:
		return c <= 0
	case cmpGt:
		return c > 0
	}
	return c >= 0
}

func not(v Value) Value {
	if b, ok := v.(bool); ok {
		return !b
	}
	return nil
}

// and is the conjunction of three-valued logic (table 50).
func and(a, b Value) Value {
	switch {
	case a == false || b == false:
		return false
	case a == true && b == true:
		return true
	}
	return nil
}

// contains says whether v, a range, list or value, has x in it: "x in v".
func (s *state) contains(v, x Value) Value {
	switch v := v.(type) {
	case *Range:
		if v.Lo == nil && v.Hi == nil {
			return nil
		}
		return s.inRange(v, x)
	case []Value:
		s.costs(len(v))
		for _, e := range v {
			if r, ok := e.(*Range); ok && kindOf(x) != KindRange {
				if s.inRange(r, x) == true {
					return true
				}
			} else if s.equal(x, e, 0) == true {
				return true
			}
		}
		if _, ok := x.([]Value); ok {
			return s.equal(x, v, 0) == true
		}
		return false
	}
	return s.equal(x, v, 0)
}

func (s *state) inRange(r *Range, x Value) Value {
	lo, hi := Value(true), Value(true)
	if r.unsure && r.Lo == nil {
		lo = nil
	} else if r.unsure {
		hi = nil
	}
	if r.Lo != nil {
		if r.OpenLo {
			lo = s.compare(cmpGt, x, r.Lo)
		} else {
			lo = s.compare(cmpGe, x, r.Lo)
		}
	}
	if r.Hi != nil {
		if r.OpenHi {
			hi = s.compare(cmpLt, x, r.Hi)
		} else {
			hi = s.compare(cmpLe, x, r.Hi)
		}
	}
	return and(lo, hi)
}
