// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"github.com/cockroachdb/apd/v3"
)

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
