// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/cockroachdb/apd/v3"
)

// builtins are the functions of table 71 and following, by name.
var builtins = func() map[string]*builtin {
	out := map[string]*builtin{}
	for _, group := range []map[string][]signature{conversions, texts, numeric, lists, contexts, calendar, intervals} {
		for name, sigs := range group {
			out[name] = &builtin{name, sigs}
		}
	}
	return out
}()

var functionNames = func() (out []string) {
	for n := range builtins {
		out = append(out, n)
	}
	sort.Strings(out)
	return
}()

// builtinScope knows where the names of the functions end.
var builtinScope = func() *names {
	n := &names{}
	for _, name := range functionNames {
		n.add(name, nil)
	}
	return n
}()

var conversions = map[string][]signature{
	"not": {sig("negand:a", TypeBoolean, func(c *site, a []Value) Value { return not(a[0]) })},
	"string": {sig("from:a", TypeString, func(c *site, a []Value) Value {
		if a[0] == nil {
			return nil
		}
		s := Text(a[0])
		c.st.size(len(s))
		return s
	})},
	"number": {
		sig("from:x", TypeNumber, func(c *site, a []Value) Value {
			switch v := a[0].(type) {
			case *apd.Decimal:
				return v
			case string:
				if d, ok := signed(strings.TrimSpace(v)); ok {
					return d
				}
				return c.null("the text is no number")
			}
			return c.null("%s is no text", brief(a[0]))
		}),
		sig("from:s, grouping separator:s~, decimal separator:s~", TypeNumber, func(c *site, a []Value) Value {
			s := a[0].(string)
			group, dec := ".", "."
			if c.has(2) {
				if dec = a[2].(string); dec != "." && dec != "," {
					return c.null("the decimal separator is a point or a comma")
				}
			}
			if c.has(1) {
				if group = a[1].(string); group != " " && group != "." && group != "," || group == dec {
					return c.null("the grouping separator is a blank, a point or a comma, and not the decimal separator")
				}
				s = strings.ReplaceAll(s, group, "")
			}
			if dec == "," {
				if strings.Contains(s, ".") {
					return c.null("the text is no number")
				}
				s = strings.Replace(s, ",", ".", 1)
			}
			if d, ok := signed(s); ok {
				return d
			}
			return c.null("the text is no number")
		}),
	},
	"range": {sig("from:s", argTypes['r'], func(c *site, a []Value) Value {
		r, why := parseRange(a[0].(string))
		if r == nil {
			return c.null("%s", why)
		}
		return r
	})},
	"is": {sig("value1:a, value2:a", TypeBoolean, func(c *site, a []Value) Value {
		x, y := a[0], a[1]
		if kindOf(x) != kindOf(y) {
			return false
		}
		switch x.(type) {
		case Date, Time, DateTime, Span, Months:
			return isTemporal(x, y)
		}
		return c.st.equal(x, y, 0) == true
	})},
}

func signed(s string) (*apd.Decimal, bool) {
	if s == "" || s[0] == '+' {
		return nil, false
	}
	return parseNumber(s)
}

// --- texts (10.3.4.3)

var texts = map[string][]signature{
	"substring": {sig("string:s, start position:n, length:n?", TypeString, func(c *site, a []Value) Value {
		s := a[0].(string)
		n := int64(utf8.RuneCountInString(s))
		start, ok := whole(a[1].(*apd.Decimal))
		if !ok || start == 0 || start > n || start < -n {
			return c.null("the text has no position %s", Text(a[1]))
		}
		if start < 0 {
			start += n + 1
		}
		end := n
		if c.has(2) {
			l, ok := whole(a[2].(*apd.Decimal))
			if !ok || l < 1 {
				return c.null("the length is 1 or more")
			}
			end = min(n, start-1+min(l, n))
		}
		return runes(s, start-1, end)
	})},
	"string length": {sig("string:s", TypeNumber, func(c *site, a []Value) Value { return small(int64(utf8.RuneCountInString(a[0].(string)))) })},
	"upper case":    {sig("string:s", TypeString, func(c *site, a []Value) Value { return upper(a[0].(string)) })},
	"lower case":    {sig("string:s", TypeString, func(c *site, a []Value) Value { return lower(a[0].(string)) })},
	"substring before": {sig("string:s, match:s", TypeString, func(c *site, a []Value) Value {
		before, _, found := strings.Cut(a[0].(string), a[1].(string))
		if !found {
			return ""
		}
		return before
	})},
	"substring after": {sig("string:s, match:s", TypeString, func(c *site, a []Value) Value {
		_, after, _ := strings.Cut(a[0].(string), a[1].(string))
		return after
	})},
	"replace": {sig("input:s, pattern:s, replacement:s, flags:s?~", TypeString, func(c *site, a []Value) Value {
		re, err := c.regex(a[1].(string), text(a[3]))
		if err != nil {
			return c.null("%s", err)
		}
		c.st.spend(len(a[0].(string)) / 16)
		s, err := re.Replace(a[0].(string), a[2].(string))
		if err != nil {
			return c.null("%s", err)
		}
		c.st.size(len(s))
		return s
	})},
	"contains":    {sig("string:s, match:s", TypeBoolean, func(c *site, a []Value) Value { return strings.Contains(a[0].(string), a[1].(string)) })},
	"starts with": {sig("string:s, match:s", TypeBoolean, func(c *site, a []Value) Value { return strings.HasPrefix(a[0].(string), a[1].(string)) })},
	"ends with":   {sig("string:s, match:s", TypeBoolean, func(c *site, a []Value) Value { return strings.HasSuffix(a[0].(string), a[1].(string)) })},
	"matches": {sig("input:s, pattern:s, flags:s?~", TypeBoolean, func(c *site, a []Value) Value {
		re, err := c.regex(a[1].(string), text(a[2]))
		if err != nil {
			return c.null("%s", err)
		}
		c.st.spend(len(a[0].(string)) / 16)
		return re.Match(a[0].(string))
	})},
	"split": {sig("string:s, delimiter:s", &Type{Kind: KindList, Elem: TypeString}, func(c *site, a []Value) Value {
		re, err := c.regex(a[1].(string), "")
		if err != nil {
			return c.null("%s", err)
		}
		c.st.spend(len(a[0].(string)) / 16)
		parts := re.Split(a[0].(string))
		c.st.spend(len(parts))
		out := make([]Value, len(parts))
		for i, s := range parts {
			out[i] = s
		}
		return out
	})},
	"string join": {sig("list:l, delimiter:s?~", TypeString, func(c *site, a []Value) Value {
		var b strings.Builder
		sep, first := text(a[1]), true
		for _, v := range a[0].([]Value) {
			s, ok := v.(string)
			if v != nil && !ok {
				return c.null("%s is no text", brief(v))
			}
			if v == nil {
				continue
			}
			if !first {
				b.WriteString(sep)
			}
			first = false
			b.WriteString(s)
			c.st.size(b.Len())
		}
		return b.String()
	})},
}

func text(v Value) string { s, _ := v.(string); return s }

// runes is a part of a text by characters.
func runes(s string, from, to int64) string {
	i, n := 0, int64(0)
	for ; n < from; n++ {
		_, w := utf8.DecodeRuneInString(s[i:])
		i += w
	}
	j := i
	for ; n < to && j < len(s); n++ {
		_, w := utf8.DecodeRuneInString(s[j:])
		j += w
	}
	return s[i:j]
}

// --- numbers (10.3.4.5)

var numeric = map[string][]signature{
	"decimal":         {sig("n:n, scale:n", TypeNumber, rounding(apd.RoundHalfEven))},
	"floor":           {sig("n:n, scale:n?", TypeNumber, rounding(apd.RoundFloor))},
	"ceiling":         {sig("n:n, scale:n?", TypeNumber, rounding(apd.RoundCeiling))},
	"round up":        {sig("n:n, scale:n", TypeNumber, rounding(apd.RoundUp))},
	"round down":      {sig("n:n, scale:n", TypeNumber, rounding(apd.RoundDown))},
	"round half up":   {sig("n:n, scale:n", TypeNumber, rounding(apd.RoundHalfUp))},
	"round half down": {sig("n:n, scale:n", TypeNumber, rounding(apd.RoundHalfDown))},
	"abs": {
		sig("n:n", TypeNumber, func(c *site, a []Value) Value {
			if d := a[0].(*apd.Decimal); d.Negative {
				return negated(d)
			}
			return a[0]
		}),
		sig("n:p", TypeSpan, absDuration), sig("n:m", TypeMonths, absDuration),
	},
	"modulo": {sig("dividend:n, divisor:n", TypeNumber, func(c *site, a []Value) Value {
		x, y := a[0].(*apd.Decimal), a[1].(*apd.Decimal)
		if y.IsZero() {
			return c.null("division by zero")
		}
		if m, ok := units(x); ok && x.Exponent == y.Exponent {
			if n, ok := units(y); ok {
				r := m % n
				if r != 0 && (r < 0) != (n < 0) {
					r += n
				}
				return decimalOf(r, x.Exponent)
			}
		}
		wide := decimal128
		wide.Precision = 7000
		if d := int64(x.Exponent) + x.NumDigits() - int64(y.Exponent); d > 6000 || d < -6000 {
			return c.null("the numbers are too far apart")
		}
		var q, r apd.Decimal
		if _, err := wide.QuoInteger(&q, x, y); err != nil {
			return c.null("%s", err)
		}
		wide.Mul(&r, &q, y)
		wide.Sub(&r, x, &r)
		if !r.IsZero() && r.Negative != y.Negative {
			wide.Add(&r, &r, y)
		}
		out := new(apd.Decimal)
		cond, err := decimal128.Round(out, &r)
		return rounded(out, cond, err)
	})},
	"sqrt": {sig("number:n", TypeNumber, func(c *site, a []Value) Value {
		d := a[0].(*apd.Decimal)
		if d.Negative {
			return c.null("the number is negative")
		}
		out := new(apd.Decimal)
		cond, err := decimal128.Sqrt(out, d)
		if v := rounded(out, cond, err); v != nil {
			if cond.Inexact() {
				return v
			}
			return trimTo(out, min(0, d.Exponent/2))
		}
		return nil
	})},
	"log": {sig("number:n", TypeNumber, func(c *site, a []Value) Value {
		d := a[0].(*apd.Decimal)
		if d.Negative || d.IsZero() {
			return c.null("the number isn't above zero")
		}
		c.st.spend(200)
		out := new(apd.Decimal)
		cond, err := decimal128.Ln(out, d)
		return rounded(out, cond, err)
	})},
	"exp": {sig("number:n", TypeNumber, func(c *site, a []Value) Value {
		d := a[0].(*apd.Decimal)
		if n, ok := whole(d); !ok || n > 14_200 || n < -14_200 {
			return c.null("the result doesn't fit")
		}
		c.st.spend(200)
		out := new(apd.Decimal)
		cond, err := decimal128.Exp(out, d)
		return rounded(out, cond, err)
	})},
	"odd":  {sig("number:n", TypeBoolean, func(c *site, a []Value) Value { return parity(c, a[0], true) })},
	"even": {sig("number:n", TypeBoolean, func(c *site, a []Value) Value { return parity(c, a[0], false) })},
}

func absDuration(c *site, a []Value) Value {
	switch v := a[0].(type) {
	case Months:
		if v < 0 {
			return negTemporal(v)
		}
	case Span:
		if v.sec < 0 {
			return negTemporal(v)
		}
	}
	return a[0]
}

func parity(c *site, v Value, odd bool) Value {
	d := v.(*apd.Decimal)
	if n, ok := integer(d); ok {
		return (n%2 != 0) == odd
	}
	if d.Exponent > 0 {
		return !odd
	}
	var r, two apd.Decimal
	two.SetInt64(2)
	wide := decimal128
	wide.Precision = 80
	if _, err := wide.Rem(&r, d, &two); err != nil {
		return c.null("the number doesn't fit")
	}
	return !r.IsZero() == odd && r.Exponent >= 0
}

// rounding rounds to a number of decimal places, which may be negative.
func rounding(mode apd.Rounder) func(c *site, a []Value) Value {
	ctx := decimal128
	ctx.Rounding = mode
	return func(c *site, a []Value) Value {
		d := a[0].(*apd.Decimal)
		scale := int64(0)
		if c.has(1) {
			var ok bool
			if scale, ok = whole(a[1].(*apd.Decimal)); !ok || scale < -6111 || scale > 6176 {
				return c.null("the scale is a whole number from -6111 to 6176")
			}
		}
		if int64(d.Exponent) >= -scale && c.name != "decimal" || d.Exponent == int32(-scale) {
			return d
		}
		out := new(apd.Decimal)
		cond, err := ctx.Quantize(out, d, int32(-scale))
		if cond.InvalidOperation() || err != nil {
			return d // has fewer places than that, and no room for their zeros
		}
		if v := rounded(out, cond, err); v == nil || out.Exponent <= 0 {
			return v
		}
		// a whole number reads better without an exponent
		cond, err = ctx.Quantize(out, out, 0)
		if err != nil || cond.InvalidOperation() {
			ctx.Quantize(out, d, int32(-scale))
		}
		return out
	}
}

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
		n := small(int64(len(l)))
		wide := decimal128
		wide.Precision = 50
		var mean, squares, diff apd.Decimal
		wide.Quo(&mean, sum, n)
		for _, v := range l {
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

// --- contexts (10.3.4.9)

var contextType = argTypes['c']

var contexts = map[string][]signature{
	"get value": {sig("m:c, key:s", nil, func(c *site, a []Value) Value {
		v, ok := a[0].(*Context).Get(a[1].(string))
		if !ok {
			return c.null("there is no entry of that name")
		}
		return v
	})},
	"get entries": {sig("m:c", listAny, func(c *site, a []Value) Value {
		m := a[0].(*Context)
		out := make([]Value, len(m.vals))
		for i, n := range m.shape.names {
			c.st.step()
			out[i] = &Context{entryShape, []Value{n, m.vals[i]}}
		}
		return out
	})},
	"context": {sig("entries:l", contextType, func(c *site, a []Value) Value {
		var names []string
		var vals []Value
		seen := map[string]bool{}
		for _, e := range a[0].([]Value) {
			c.st.step()
			m, ok := e.(*Context)
			if !ok {
				return c.null("an entry is %s, not a context", brief(e))
			}
			k, _ := m.Get("key")
			name, ok := k.(string)
			v, has := m.Get("value")
			if !ok || !has || seen[name] {
				return c.null("an entry has a key of its own and a value")
			}
			seen[name] = true
			names, vals = append(names, name), append(vals, v)
		}
		return NewContext(names, vals)
	})},
	"context put": {
		sig("context:c, key:s, value:a", contextType, func(c *site, a []Value) Value {
			c.st.spend(len(a[0].(*Context).vals))
			return a[0].(*Context).With(a[1].(string), a[2])
		}),
		sig("context:c, keys:l, value:a", contextType, func(c *site, a []Value) Value { return put(c, a[0].(*Context), a[1].([]Value), a[2]) }),
	},
	"context merge": {sig("contexts:l", contextType, func(c *site, a []Value) Value {
		out := NewContext(nil, nil)
		var names []string
		var vals []Value
		at := map[string]int{}
		for _, e := range a[0].([]Value) {
			m, ok := e.(*Context)
			if !ok {
				return c.null("%s is no context", brief(e))
			}
			for i, n := range m.shape.names {
				c.st.step()
				if k, ok := at[n]; ok {
					vals[k] = m.vals[i]
					continue
				}
				at[n] = len(names)
				names, vals = append(names, n), append(vals, m.vals[i])
			}
		}
		if len(names) > 0 {
			out = NewContext(names, vals)
		}
		return out
	})},
}

var entryShape = newShape([]string{"key", "value"})

func put(c *site, m *Context, keys []Value, v Value) Value {
	if len(keys) == 0 {
		return c.null("there is no key")
	}
	k, ok := keys[0].(string)
	if !ok {
		return c.null("a key is a text")
	}
	c.st.spend(len(m.vals))
	if len(keys) > 1 {
		in, _ := m.Get(k)
		inner, ok := in.(*Context)
		if !ok {
			return c.null("there is no context under one of the keys")
		}
		if v = put(c, inner, keys[1:], v); v == nil {
			return nil
		}
	}
	return m.With(k, v)
}

// --- calendar (10.3.4.1, 10.3.4.6, 10.3.4.7)

var calendar = map[string][]signature{
	"date": {
		sig("from:x", TypeDate, func(c *site, a []Value) Value {
			if s, ok := a[0].(string); ok {
				d, ok := ParseDate(s)
				if !ok {
					return c.null("the text is no date such as 2026-12-31")
				}
				return d
			}
			if v := toDate(a[0]); v != nil {
				return v
			}
			return c.null("%s has no date", brief(a[0]))
		}),
		sig("year:n, month:n, day:n", TypeDate, func(c *site, a []Value) Value {
			y, ok1 := integer(a[0])
			m, ok2 := integer(a[1])
			d, ok3 := integer(a[2])
			if ok1 && ok2 && ok3 {
				if v, ok := NewDate(y, m, d); ok {
					return v
				}
			}
			return c.null("there is no such day")
		}),
	},
	"time": {
		sig("from:x", TypeTime, func(c *site, a []Value) Value {
			if s, ok := a[0].(string); ok {
				t, ok := ParseTime(s)
				if !ok {
					return c.null("the text is no time such as 08:30:00")
				}
				return t
			}
			if v := toTime(a[0]); v != nil {
				return v
			}
			return c.null("%s has no time", brief(a[0]))
		}),
		sig("hour:n, minute:n, second:n, offset:p?~", TypeTime, func(c *site, a []Value) Value {
			h, ok1 := integer(a[0])
			m, ok2 := integer(a[1])
			var off *Span
			if c.has(3) {
				s := a[3].(Span)
				off = &s
			}
			if ok1 && ok2 {
				if t, ok := NewTime(h, m, a[2].(*apd.Decimal), off); ok {
					return t
				}
			}
			return c.null("there is no such time")
		}),
	},
	"date and time": {
		sig("from:x", TypeDateTime, func(c *site, a []Value) Value {
			if s, ok := a[0].(string); ok {
				if d, ok := ParseDateTime(s); ok {
					return d
				}
				if d, ok := ParseDate(s); ok {
					return toLocalMidnight(d)
				}
				return c.null("the text is no date and time such as 2026-12-31T08:30:00")
			}
			if v := toDateTime(a[0]); v != nil {
				return v
			}
			return c.null("%s has no date and time", brief(a[0]))
		}),
		sig("date:x, time:t", TypeDateTime, func(c *site, a []Value) Value {
			d, ok := toDate(a[0]).(Date)
			if !ok {
				return c.null("%s is no date", brief(a[0]))
			}
			return NewDateTime(d, a[1].(Time))
		}),
		sig("year:n, month:n, day:n, hour:n, minute:n, second:n, offset:p?~", TypeDateTime, clock),
		sig("year:n, month:n, day:n, hour:n, minute:n, second:n, timezone:s", TypeDateTime, clock),
	},
	"duration": {sig("from:x", nil, func(c *site, a []Value) Value {
		switch v := a[0].(type) {
		case string:
			d, ok := ParseDuration(v)
			if !ok {
				return c.null("the text is no duration such as P1Y2M or PT36H")
			}
			return d
		case Span, Months:
			return v
		}
		return c.null("%s is no text", brief(a[0]))
	})},
	"years and months duration": {sig("from:x, to:x", TypeMonths, func(c *site, a []Value) Value {
		if v := yearsMonthsBetween(a[0], a[1]); v != nil {
			return v
		}
		return c.null("%s and %s are no dates", brief(a[0]), brief(a[1]))
	})},
	"now":           {sig("", TypeDateTime, func(c *site, a []Value) Value { return c.now(false) })},
	"today":         {sig("", TypeDate, func(c *site, a []Value) Value { return c.now(true) })},
	"day of year":   {sig("date:x", TypeNumber, ofDate(dayOfYear))},
	"day of week":   {sig("date:x", TypeString, ofDate(dayOfWeek))},
	"month of year": {sig("date:x", TypeString, ofDate(monthOfYear))},
	"week of year":  {sig("date:x", TypeNumber, ofDate(weekOfYear))},
}

func (c *site) now(day bool) Value {
	if c.st.clock.IsZero() {
		return c.null("nobody said what time it is")
	}
	t := fromGoTime(c.st.clock)
	if day {
		return t.Date()
	}
	return t
}

func ofDate(f func(any) any) func(c *site, a []Value) Value {
	return func(c *site, a []Value) Value {
		if v := f(a[0]); v != nil {
			return v
		}
		return c.null("%s is no date", brief(a[0]))
	}
}

func toLocalMidnight(d Date) Value {
	t, _ := NewTime(0, 0, small(0), nil)
	return NewDateTime(d, t)
}

func clock(c *site, a []Value) Value {
	var n [5]int64
	for i := range n {
		k, ok := integer(a[i])
		if !ok {
			return c.null("there is no such time")
		}
		n[i] = k
	}
	d, ok := NewDate(n[0], n[1], n[2])
	if !ok {
		return c.null("there is no such day")
	}
	var off *Span
	if s, ok := a[6].(Span); ok {
		off = &s
	}
	t, ok := NewTime(n[3], n[4], a[5].(*apd.Decimal), off)
	if !ok {
		return c.null("there is no such time")
	}
	if zone, ok := a[6].(string); ok {
		if t, ok = ParseTime(t.String() + "@" + zone); !ok {
			return c.null("there is no such time zone")
		}
	}
	return NewDateTime(d, t)
}
