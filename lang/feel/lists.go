// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"slices"

	"github.com/cockroachdb/apd/v3"
)

// --- lists (10.3.4.4)

var (
	listAny  = argTypes['l']
	listNums = &Type{Kind: KindList, Elem: TypeNumber}
)

// over is a function of a list that may also be called with its items.
func over(result *Type, f func(c *site, l []Value) Value) []signature {
	return []signature{
		sig("list:l", result, func(c *site, a []Value) Value {
			l := a[0].([]Value)
			c.st.spend(len(l))
			return f(c, l)
		}),
		sig("list:a, more:a*", result, func(c *site, a []Value) Value { return f(c, a) }),
	}
}

var lists = map[string][]signature{
	"list contains": {sig("list:l, element:a", TypeBoolean, func(c *site, a []Value) Value {
		for _, v := range a[0].([]Value) {
			c.st.step()
			if c.st.equal(v, a[1], 0) == true {
				return true
			}
		}
		return false
	})},
	"count": {sig("list:l", TypeNumber, func(c *site, a []Value) Value { return small(int64(len(a[0].([]Value)))) })},
	"min":   over(nil, func(c *site, l []Value) Value { return extreme(c, l, -1) }),
	"max":   over(nil, func(c *site, l []Value) Value { return extreme(c, l, 1) }),
	"sum": over(TypeNumber, func(c *site, l []Value) Value {
		if len(l) == 0 {
			return c.null("the list is empty")
		}
		return fold(c, "+", l)
	}),
	"product": over(TypeNumber, func(c *site, l []Value) Value {
		if len(l) == 0 {
			return c.null("the list is empty")
		}
		return fold(c, "*", l)
	}),
	"mean": over(TypeNumber, func(c *site, l []Value) Value {
		if len(l) == 0 {
			return c.null("the list is empty")
		}
		if d, ok := fold(c, "+", l).(*apd.Decimal); ok {
			return quotient(d, small(int64(len(l))))
		}
		return nil
	}),
	"median": over(TypeNumber, func(c *site, l []Value) Value {
		s, ok := sortedNumbers(l)
		if !ok || len(s) == 0 {
			return c.null("the list isn't one of numbers")
		}
		m := len(s) / 2
		if len(s)%2 == 1 {
			return s[m]
		}
		if d, ok := numbers("+", s[m-1].(*apd.Decimal), s[m].(*apd.Decimal)).(*apd.Decimal); ok {
			return quotient(d, small(2))
		}
		return nil
	}),
	"stddev": over(TypeNumber, func(c *site, l []Value) Value {
		if len(l) < 2 {
			return c.null("a standard deviation needs two numbers")
		}
		sum, ok := fold(c, "+", l).(*apd.Decimal)
		if !ok {
			return nil
		}
		c.st.spend(5 * len(l)) // in more digits than numbers have
		n := small(int64(len(l)))
		wide := decimal128
		wide.Precision = 50
		var mean, squares, diff apd.Decimal
		wide.Quo(&mean, sum, n)
		for _, v := range l {
			c.st.spend(magnitude(v.(*apd.Decimal)) / 64)
			wide.Sub(&diff, v.(*apd.Decimal), &mean)
			wide.Mul(&diff, &diff, &diff)
			wide.Add(&squares, &squares, &diff)
		}
		out := new(apd.Decimal)
		wide.Quo(&squares, &squares, small(int64(len(l)-1)))
		cond, err := decimal128.Sqrt(out, &squares)
		if v := rounded(out, cond, err); v == nil || cond.Inexact() {
			return v
		}
		return trimTo(out, 0)
	}),
	"mode": over(listNums, func(c *site, l []Value) Value {
		s, ok := sortedNumbers(l)
		if !ok {
			return c.null("the list isn't one of numbers")
		}
		out, best := []Value{}, 0
		for i := 0; i < len(s); {
			j := i
			for j < len(s) && equal(s[i], s[j]) == true {
				j++
			}
			if j-i > best {
				out, best = out[:0], j-i
			}
			if j-i == best {
				out = append(out, s[i])
			}
			i = j
		}
		return out
	}),
	"all": over(TypeBoolean, func(c *site, l []Value) Value { return quantify(c, l, false) }),
	"any": over(TypeBoolean, func(c *site, l []Value) Value { return quantify(c, l, true) }),
	"sublist": {sig("list:l, start position:n, length:n?", listAny, func(c *site, a []Value) Value {
		l := a[0].([]Value)
		n := int64(len(l))
		start, ok := whole(a[1].(*apd.Decimal))
		if !ok || start == 0 || start > n || start < -n {
			return c.null("the list has no position %s", Text(a[1]))
		}
		if start < 0 {
			start += n + 1
		}
		end := n
		if c.has(2) {
			k, ok := whole(a[2].(*apd.Decimal))
			if !ok || k < 0 || k > n-start+1 {
				return c.null("the list has no %s items from there on", Text(a[2]))
			}
			end = start - 1 + k
		}
		return l[start-1 : end : end]
	})},
	"append": {sig("list:l, item:a*", listAny, func(c *site, a []Value) Value {
		l := a[0].([]Value)
		c.st.spend(len(l) + len(a))
		return append(l[:len(l):len(l)], a[1:]...)
	})},
	"concatenate": {sig("list:l*", listAny, func(c *site, a []Value) Value { return concatenate(c, a) })},
	"insert before": {sig("list:l, position:n, newItem:a", listAny, func(c *site, a []Value) Value {
		l := a[0].([]Value)
		k, ok := position(a[1], len(l))
		if !ok {
			return c.null("the list has no position %s", Text(a[1]))
		}
		c.st.spend(len(l))
		return slices.Insert(slices.Clone(l), k, a[2])
	})},
	"remove": {sig("list:l, position:n", listAny, func(c *site, a []Value) Value {
		l := a[0].([]Value)
		k, ok := position(a[1], len(l))
		if !ok {
			return c.null("the list has no position %s", Text(a[1]))
		}
		c.st.spend(len(l))
		return slices.Delete(slices.Clone(l), k, k+1)
	})},
	"list replace": {
		sig("list:l, position:n, newItem:a", listAny, func(c *site, a []Value) Value {
			l := a[0].([]Value)
			k, ok := position(a[1], len(l))
			if !ok {
				return c.null("the list has no position %s", Text(a[1]))
			}
			c.st.spend(len(l))
			out := slices.Clone(l)
			out[k] = a[2]
			return out
		}),
		sig("list:l, match:f, newItem:a", listAny, func(c *site, a []Value) Value {
			l := a[0].([]Value)
			out := slices.Clone(l)
			for i, v := range l {
				switch a[1].(*Function).call(c.st, c.at, []Value{v, a[2]}, nil) {
				case true:
					out[i] = a[2]
				case false:
				default:
					return c.null("match doesn't say true or false")
				}
			}
			return out
		}),
	},
	"reverse": {sig("list:l", listAny, func(c *site, a []Value) Value {
		out := slices.Clone(a[0].([]Value))
		c.st.spend(len(out))
		slices.Reverse(out)
		return out
	})},
	"index of": {sig("list:l, match:a", listNums, func(c *site, a []Value) Value {
		out := []Value{}
		for i, v := range a[0].([]Value) {
			c.st.step()
			if c.st.equal(v, a[1], 0) == true {
				out = append(out, small(int64(i+1)))
			}
		}
		return out
	})},
	"union":           {sig("list:l*", listAny, func(c *site, a []Value) Value { return distinct(c, concatenate(c, a)) })},
	"distinct values": {sig("list:l", listAny, func(c *site, a []Value) Value { return distinct(c, a[0].([]Value)) })},
	"flatten":         {sig("list:l", listAny, func(c *site, a []Value) Value { return flatten(c, []Value{}, a[0].([]Value), 0) })},
	"sort": {sig("list:l, precedes:f?", listAny, func(c *site, a []Value) Value {
		out := slices.Clone(a[0].([]Value))
		fn, given := a[1].(*Function)
		bad := false
		slices.SortStableFunc(out, func(x, y Value) int {
			c.st.step()
			if !given {
				k, ok := order(x, y)
				bad = bad || !ok
				return k
			}
			if v := fn.call(c.st, c.at, []Value{x, y}, nil); v == true {
				return -1
			} else if v != false {
				bad = true
			}
			if fn.call(c.st, c.at, []Value{y, x}, nil) == true {
				return 1
			}
			return 0
		})
		if bad {
			return c.null("the items have no order")
		}
		return out
	})},
}

// position is the index of a position from the front or the back; a fraction is cut off.
func position(v Value, n int) (int, bool) {
	d, ok := v.(*apd.Decimal)
	if !ok {
		return 0, false
	}
	k, ok := whole(d)
	if !ok || k == 0 || k > int64(n) || k < -int64(n) {
		return 0, false
	}
	if k < 0 {
		return int(k) + n, true
	}
	return int(k) - 1, true
}

func fold(c *site, op string, l []Value) Value {
	out, ok := l[0].(*apd.Decimal)
	for _, v := range l[1:] {
		d, is := v.(*apd.Decimal)
		if !ok || !is {
			return c.null("the list isn't one of numbers")
		}
		out, ok = numbers(op, out, d).(*apd.Decimal)
	}
	if !ok {
		return c.null("the list isn't one of numbers")
	}
	return out
}

func extreme(c *site, l []Value, sign int) Value {
	if len(l) == 0 {
		return c.null("the list is empty")
	}
	out := l[0]
	if !ordered(out) {
		return c.null("%s has no order", brief(out))
	}
	for _, v := range l[1:] {
		k, ok := order(v, out)
		if !ok {
			return c.null("%s and %s can't be compared", brief(v), brief(out))
		}
		if k*sign > 0 {
			out = v
		}
	}
	return out
}

func sortedNumbers(l []Value) ([]Value, bool) {
	for _, v := range l {
		if !isNumber(v) {
			return nil, false
		}
	}
	out := slices.Clone(l)
	slices.SortStableFunc(out, func(a, b Value) int { k, _ := order(a, b); return k })
	return out, true
}

// quantify is any() and all(): one item that decides, decides; what is neither true
// nor false leaves it open.
func quantify(c *site, l []Value, decides bool) Value {
	open, wrong := false, false
	result := false
	for _, v := range l {
		switch v {
		case decides:
			result = true
		case !decides:
		default:
			open = true
			wrong = wrong || v != nil
		}
	}
	switch {
	case wrong:
		return c.null("an item is neither true nor false")
	case result:
		return decides
	case open:
		return c.null("an item is neither true nor false")
	}
	return !decides
}

func concatenate(c *site, a []Value) []Value {
	out := []Value{}
	for _, l := range a {
		c.st.spend(len(l.([]Value)))
		out = append(out, l.([]Value)...)
	}
	return out
}

func distinct(c *site, l []Value) []Value {
	out := make([]Value, 0, len(l))
	seen := make(map[any]bool, len(l))
	for _, v := range l {
		k, simple := hashable(v)
		if simple {
			c.st.step()
			if seen[k] {
				continue
			}
			seen[k] = true
		} else {
			c.st.spend(1 + len(out)/4)
			if slices.ContainsFunc(out, func(o Value) bool { return c.st.equal(o, v, 0) == true }) {
				continue
			}
		}
		out = append(out, v)
	}
	return out
}

// hashable gives a key under which equal values, and only they, are found.
func hashable(v Value) (any, bool) {
	switch v := v.(type) {
	case nil, bool, string, Date, Months, Span:
		return v, true
	case *apd.Decimal:
		var r apd.Decimal
		r.Reduce(v)
		if n, ok := units(&r); ok {
			return [2]int64{n, int64(r.Exponent)}, true
		}
		return "\x00" + r.String(), true
	}
	return nil, false
}

func flatten(c *site, out, l []Value, depth int) []Value {
	for _, v := range l {
		c.st.step()
		if inner, ok := v.([]Value); ok && depth < maxNest {
			out = flatten(c, out, inner, depth+1)
		} else {
			out = append(out, v)
		}
	}
	return out
}
