// SPDX-License-Identifier: EUPL-1.2

package feel

import (
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
				c.digits(v)
				if d, ok := signed(strings.TrimSpace(v)); ok {
					return d
				}
				return c.null("the text is no number")
			}
			return c.null("%s is no text", brief(a[0]))
		}),
		sig("from:s, grouping separator:s~, decimal separator:s~", TypeNumber, func(c *site, a []Value) Value {
			s := a[0].(string)
			c.digits(s)
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

// digits spends what it takes to read a long number: the square of its length.
func (c *site) digits(s string) {
	if n := min(len(s), maxDigits); n > 64 {
		c.st.spend(n * n >> 13)
	}
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
		c.st.spend(len(s) >> 5) // the characters are counted to get to a position
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
	"upper case":    {sig("string:s", TypeString, func(c *site, a []Value) Value { return c.mapped(upper, a[0].(string)) })},
	"lower case":    {sig("string:s", TypeString, func(c *site, a []Value) Value { return c.mapped(lower, a[0].(string)) })},
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
		s, err := re.Replace(a[0].(string), a[2].(string), c.st.spend)
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
		return re.Match(a[0].(string), c.st.spend)
	})},
	"split": {sig("string:s, delimiter:s", &Type{Kind: KindList, Elem: TypeString}, func(c *site, a []Value) Value {
		re, err := c.regex(a[1].(string), "")
		if err != nil {
			return c.null("%s", err)
		}
		parts := re.Split(a[0].(string), c.st.spend)
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
			c.st.spend(1)
			if b.Len() > maxText {
				c.st.size(b.Len())
			}
		}
		return b.String()
	})},
}

func text(v Value) string { s, _ := v.(string); return s }

// mapped is a text with each of its letters changed, which costs more than to read them.
func (c *site) mapped(f func(string) string, s string) Value {
	c.st.spend(len(s) >> 4)
	out := f(s)
	c.st.size(len(out))
	return out
}

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
