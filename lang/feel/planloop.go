// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"time"

	"github.com/cockroachdb/apd/v3"
)

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
