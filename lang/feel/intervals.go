// SPDX-License-Identifier: EUPL-1.2

package feel

// The relations of points and ranges (10.3.4.8, tables 78 and 79, after Allen).

var intervals = func() map[string][]signature {
	pair := func(f func(a, b *Range) (bool, bool)) func(c *site, a []Value) Value {
		return func(c *site, a []Value) Value {
			if v, ok := f(asRange(a[0]), asRange(a[1])); ok {
				return v
			}
			return c.null("%s and %s can't be compared", brief(a[0]), brief(a[1]))
		}
	}
	swap := func(f func(a, b *Range) (bool, bool)) func(a, b *Range) (bool, bool) {
		return func(a, b *Range) (bool, bool) { return f(b, a) }
	}
	points := func(f func(a, b *Range) (bool, bool)) []signature {
		return []signature{
			sig("range1:r, range2:r", TypeBoolean, pair(f)), sig("point:x, range:r", TypeBoolean, pair(f)),
			sig("range:r, point:x", TypeBoolean, pair(f)), sig("point1:x, point2:x", TypeBoolean, pair(f)),
		}
	}
	ranges := func(f func(a, b *Range) (bool, bool)) []signature {
		return []signature{sig("range1:r, range2:r", TypeBoolean, pair(f))}
	}
	into := func(f func(a, b *Range) (bool, bool)) []signature {
		return []signature{sig("range1:r, range2:r", TypeBoolean, pair(f)), sig("point:x, range:r", TypeBoolean, pair(f))}
	}
	from := func(f func(a, b *Range) (bool, bool)) []signature {
		return []signature{sig("range1:r, range2:r", TypeBoolean, pair(f)), sig("range:r, point:x", TypeBoolean, pair(f))}
	}
	return map[string][]signature{
		"before": points(before), "after": points(swap(before)), "coincides": points(coincides),
		"meets": ranges(meets), "met by": ranges(swap(meets)),
		"overlaps": ranges(overlaps), "overlaps before": ranges(overlapsBefore), "overlaps after": ranges(swap(overlapsBefore)),
		"finishes": into(finishes), "finished by": from(swap(finishes)),
		"includes": from(includes), "during": into(swap(includes)),
		"starts": into(starts), "started by": from(swap(starts)),
	}
}()

// asRange makes a point the range of itself.
func asRange(v Value) *Range {
	if r, ok := v.(*Range); ok {
		return r
	}
	return &Range{Lo: v, Hi: v}
}

// end is one end of a range: its value, whether it is the lower one, and whether it
// belongs to the range.
type end struct {
	v       Value
	lower   bool
	include bool
}

func (r *Range) start() end { return end{r.Lo, true, r.Lo != nil && !r.OpenLo} }
func (r *Range) stop() end  { return end{r.Hi, false, r.Hi != nil && !r.OpenHi} }

// values compares the values of two ends; one that isn't there is infinite.
func values(a, b end) (int, bool) {
	switch {
	case a.v == nil && b.v == nil:
		if a.lower == b.lower {
			return 0, true
		}
		fallthrough
	case a.v == nil || b.v == nil:
		if a.v == nil && a.lower || b.v == nil && !b.lower {
			return -1, true
		}
		return 1, true
	}
	return order(a.v, b.v)
}

func before(a, b *Range) (bool, bool) {
	c, ok := values(a.stop(), b.start())
	return c < 0 || c == 0 && !(a.stop().include && b.start().include), ok
}

func meets(a, b *Range) (bool, bool) {
	c, ok := values(a.stop(), b.start())
	return c == 0 && a.stop().include && b.start().include, ok
}

func coincides(a, b *Range) (bool, bool) {
	c, ok1 := values(a.start(), b.start())
	d, ok2 := values(a.stop(), b.stop())
	return c == 0 && d == 0 && a.start().include == b.start().include && a.stop().include == b.stop().include, ok1 && ok2
}

func overlaps(a, b *Range) (bool, bool) {
	x, ok := before(a, b)
	y, ok2 := before(b, a)
	return !x && !y, ok && ok2
}

// earlier: a starts before b does.
func earlier(a, b *Range) (strictly, same, ok bool) {
	c, ok := values(a.start(), b.start())
	i, j := a.start().include, b.start().include
	return c < 0 || c == 0 && i && !j, c == 0 && i == j, ok
}

// sooner: a ends before b does.
func sooner(a, b *Range) (strictly, same, ok bool) {
	c, ok := values(a.stop(), b.stop())
	i, j := a.stop().include, b.stop().include
	return c < 0 || c == 0 && !i && j, c == 0 && i == j, ok
}

func overlapsBefore(a, b *Range) (bool, bool) {
	o, ok1 := overlaps(a, b)
	s, _, ok2 := earlier(a, b)
	e, same, ok3 := sooner(a, b)
	return o && s && (e || same), ok1 && ok2 && ok3
}

func includes(a, b *Range) (bool, bool) {
	s, same1, ok1 := earlier(a, b)
	e, same2, ok2 := sooner(b, a)
	return (s || same1) && (e || same2), ok1 && ok2
}

func finishes(a, b *Range) (bool, bool) {
	_, end, ok1 := sooner(a, b)
	s, same, ok2 := earlier(b, a)
	return end && (s || same), ok1 && ok2
}

func starts(a, b *Range) (bool, bool) {
	_, start, ok1 := earlier(a, b)
	e, same, ok2 := sooner(a, b)
	return start && (e || same), ok1 && ok2
}
