// SPDX-License-Identifier: EUPL-1.2

package dmn

import (
	"fmt"
	"math/bits"
	"slices"
	"sort"
	"strings"
	"time"

	"mercator/lang/dmn/model"
	"mercator/lang/feel"

	"github.com/cockroachdb/apd/v3"
)

// Gaps and overlaps of a table are found as geometry. Each input is an axis, cut where
// any cell begins or ends; between the cuts all rules answer alike. The space of all
// inputs is walked stretch by stretch, with the rules that can still match as bits: where
// none is left there is a gap, where two are left at the end they overlap. Stretches
// with the same rules are one. A cell that computes something may match or not: it fills
// a gap, and overlaps with nothing. Null isn't an input here.

// set is a set of rules.
type set []uint64

func newSet(n int) set       { return make(set, (n+63)/64) }
func (s set) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s set) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }
func (s set) empty() bool    { return !slices.ContainsFunc(s, func(w uint64) bool { return w != 0 }) }
func (s set) and(t, into set) set {
	for i := range s {
		into[i] = s[i] & t[i]
	}
	return into
}

func (s set) count() (n int) {
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// each calls f with the members in order, as long as it says so.
func (s set) each(f func(i int) bool) {
	for k, w := range s {
		for w != 0 {
			if !f(k*64 + bits.TrailingZeros64(w)) {
				return
			}
			w &= w - 1
		}
	}
}

// stretch is a part of an axis on which all rules answer alike.
type stretch struct {
	example feel.Value
	whole   bool // an example between two whole numbers that follow each other
	may     set  // rules that match or may match
	sure    set  // rules that match for sure
}

type analysis struct {
	t       *table
	axes    [][]stretch
	opaque  set   // rules that compute something
	free    []set // by column: rules without a condition from there on
	left    int   // of maxWork
	limited bool
	point   []feel.Value
	whole   int // stretches of point between whole numbers

	gaps     []gap
	overlaps []overlap
	pairs    map[[2]int]bool
	reached  set
	first    bool
}

type gap struct {
	at      []feel.Value // nil: anything
	any     []bool
	between bool
}

type overlap struct {
	a, b int
	at   []feel.Value
}

const (
	maxWork  = 3_000_000 // words of sets of rules that are looked at
	maxCells = 4_000_000 // cells held against the stretches of one axis
	maxFound = 20
)

func analyse(t *table) *analysis {
	n := len(t.rules)
	a := &analysis{t: t, left: maxWork, opaque: newSet(n), pairs: map[[2]int]bool{}, reached: newSet(n), first: t.src.HitPolicy == "FIRST"}
	cells := make([][]*feel.Cell, len(t.inputs))
	for c := range t.inputs {
		cells[c] = make([]*feel.Cell, n)
		for i, r := range t.rules {
			if cell, ok := feel.CellOf(r.tests[c]); ok {
				cells[c][i] = &cell
			} else {
				a.opaque.add(i)
			}
		}
	}
	a.free = make([]set, len(t.inputs)+1)
	a.free[len(t.inputs)] = newSet(n)
	for i := range n {
		if !a.opaque.has(i) {
			a.free[len(t.inputs)].add(i)
		}
	}
	for c := len(t.inputs) - 1; c >= 0; c-- {
		a.free[c] = newSet(n)
		a.free[c+1].each(func(i int) bool {
			if cells[c][i] != nil && cells[c][i].Any {
				a.free[c].add(i)
			}
			return true
		})
	}
	for c := range t.inputs {
		axis, ok := a.axis(c, cells[c])
		if !ok { // values of different kinds, or too many: nothing can be said
			a.limited = true
			return a
		}
		a.axes = append(a.axes, axis)
	}
	all, sure := newSet(n), newSet(n)
	for i := range n {
		all.add(i)
		if !a.opaque.has(i) {
			sure.add(i)
		}
	}
	a.point = make([]feel.Value, len(t.inputs))
	a.walk(0, all, sure)
	return a
}

// axis cuts the axis of a column.
func (a *analysis) axis(c int, cells []*feel.Cell) ([]stretch, bool) {
	var allowed *feel.Cell
	if n := a.t.allowed[c]; n != nil {
		if cell, ok := feel.CellOf(n); ok {
			allowed = &cell
		}
	} else {
		for _, t := range []*feel.Type{a.t.types[c], a.t.inner[c]} {
			if t == nil || t.Allowed == nil || allowed != nil {
				continue
			}
			if cell, ok := feel.CellOf(t.Allowed); ok {
				allowed = &cell
			}
		}
	}
	var cuts []feel.Value
	points := true // no range but single values
	kind := feel.KindNull
	if t := a.t.types[c]; t != nil && t.Kind == feel.KindBoolean {
		cuts, kind = []feel.Value{false, true}, feel.KindBoolean
	}
	for _, cell := range append(slices.Clone(cells), allowed) {
		if cell == nil {
			continue
		}
		for _, p := range cell.Parts {
			if p.Lo == nil || p.Hi == nil || feel.Equal(p.Lo, p.Hi) != true {
				points = false
			}
			for _, v := range []feel.Value{p.Lo, p.Hi} {
				if v == nil {
					continue
				}
				if k := feel.KindOf(v); kind == feel.KindNull {
					kind = k
				} else if k != kind {
					return nil, false
				}
				cuts = append(cuts, v)
			}
		}
	}
	sort.SliceStable(cuts, func(i, j int) bool { return before(cuts[i], cuts[j]) })
	cuts = slices.CompactFunc(cuts, func(x, y feel.Value) bool { return feel.Equal(x, y) == true })
	if 2*len(cuts)*len(cells) > maxCells {
		return nil, false
	}
	wholes := !slices.ContainsFunc(cuts, func(v feel.Value) bool { return !isWhole(v) })

	var out []stretch
	add := func(example feel.Value, between bool) {
		if allowed != nil && !matches(allowed, example) {
			return
		}
		s := stretch{example: example, whole: between, may: newSet(len(cells)), sure: newSet(len(cells))}
		for i, cell := range cells {
			if cell == nil || matches(cell, example) {
				s.may.add(i)
				if !a.opaque.has(i) {
					s.sure.add(i)
				}
			}
		}
		if n := len(out); n > 0 && slices.Equal(out[n-1].may, s.may) && !out[n-1].whole == !s.whole {
			return // answers like the one before
		}
		out = append(out, s)
	}
	switch {
	case len(cuts) == 0: // it doesn't depend on this input
		s := stretch{may: newSet(len(cells)), sure: newSet(len(cells))}
		for i, cell := range cells {
			s.may.add(i)
			if cell != nil && !a.opaque.has(i) {
				s.sure.add(i)
			}
		}
		return []stretch{s}, true
	case kind == feel.KindBoolean:
		for _, v := range cuts {
			add(v, false)
		}
	case kind == feel.KindString && points:
		for _, v := range cuts {
			add(v, false)
		}
		add(otherText(cuts), false)
	default:
		for i := range 2*len(cuts) + 1 {
			if i%2 == 1 {
				add(cuts[i/2], false)
				continue
			}
			var lo, hi feel.Value
			if i > 0 {
				lo = cuts[i/2-1]
			}
			if i/2 < len(cuts) {
				hi = cuts[i/2]
			}
			if v, between, ok := inside(lo, hi); ok {
				add(v, between && wholes)
			}
		}
	}
	return out, true
}

func before(a, b feel.Value) bool {
	if x, ok := a.(bool); ok {
		return !x && b == true
	}
	c, _ := feel.Order(a, b)
	return c < 0
}

func matches(c *feel.Cell, v feel.Value) bool {
	if c.Any {
		return true
	}
	in := slices.ContainsFunc(c.Parts, func(p *feel.Range) bool {
		if _, ok := v.(bool); ok {
			return feel.Equal(p.Lo, v) == true
		}
		return p.Contains(v)
	})
	return in != c.Negated
}

func isWhole(v feel.Value) bool {
	d, ok := v.(*apd.Decimal)
	if !ok {
		return false
	}
	var i, f apd.Decimal
	d.Modf(&i, &f)
	return f.IsZero()
}

// otherText is a text that no cell names.
func otherText(cuts []feel.Value) feel.Value {
	s := "…"
	for slices.Contains(cuts, feel.Value(s)) {
		s += "…"
	}
	return s
}

// inside is a value strictly between two; nil: no end. ok is false where there is none,
// such as between two days. between: they are whole numbers that follow each other.
func inside(lo, hi feel.Value) (v feel.Value, between, ok bool) {
	unit := func(like feel.Value) feel.Value {
		switch like.(type) {
		case *apd.Decimal:
			return apd.New(1, 0)
		case feel.Date:
			return feel.SpanOf(24 * time.Hour)
		case feel.DateTime, feel.Time, feel.Span:
			return feel.SpanOf(time.Second)
		case feel.Months:
			return feel.Months(1)
		}
		return nil
	}
	if s, is := lo.(string); is {
		v = s + "a"
		if hi != nil {
			if c, _ := feel.Order(v, hi); c >= 0 {
				return nil, false, false
			}
		}
		return v, false, true
	}
	switch {
	case lo == nil:
		if _, is := hi.(string); is {
			return "", false, hi != ""
		}
		v = feel.Arithmetic("-", hi, unit(hi))
		return v, false, v != nil && before(v, hi)
	case hi == nil:
		v = feel.Arithmetic("+", lo, unit(lo))
		return v, false, v != nil && before(lo, v)
	}
	if d, is := lo.(*apd.Decimal); is { // a whole number, if one lies between
		var floor apd.Decimal
		if _, err := apd.BaseContext.WithPrecision(40).Floor(&floor, d); err == nil {
			if next := feel.Arithmetic("+", &floor, apd.New(1, 0)); next != nil && before(next, hi) {
				return next, false, true
			}
		}
		v = feel.Arithmetic("/", feel.Arithmetic("+", lo, hi), apd.New(2, 0))
		return v, true, v != nil && before(lo, v) && before(v, hi)
	}
	v = feel.Arithmetic("+", lo, unit(lo))
	return v, false, v != nil && before(v, hi)
}

// walk looks at a column with the rules that are left.
func (a *analysis) walk(c int, may, sure set) {
	if a.limited {
		return
	}
	if c == len(a.axes) {
		a.leaf(may, sure)
		return
	}
	// A rule without further conditions settles the rest, if no other is left.
	settled := newSet(len(a.t.rules))
	sure.and(a.free[c], settled)
	if !settled.empty() && (may.count() == 1 || a.first && firstOf(settled) == firstOf(may)) {
		a.reached.add(firstOf(settled))
		return
	}
	nextMay, nextSure := newSet(len(a.t.rules)), newSet(len(a.t.rules))
	for i := range a.axes[c] {
		s := &a.axes[c][i]
		if a.left -= len(may); a.left < 0 {
			a.limited = true
			return
		}
		a.point[c] = s.example
		if s.whole {
			a.whole++
		}
		if may.and(s.may, nextMay).empty() {
			a.gap(c)
		} else {
			sure.and(s.sure, nextSure)
			a.walk(c+1, nextMay, nextSure)
		}
		if s.whole {
			a.whole--
		}
	}
	a.point[c] = nil
}

func firstOf(s set) int {
	n := -1
	s.each(func(i int) bool { n = i; return false })
	return n
}

// gap notes that nothing matches here, whatever the columns behind c are.
func (a *analysis) gap(c int) {
	if len(a.gaps) >= maxFound {
		return
	}
	g := gap{at: slices.Clone(a.point), any: make([]bool, len(a.point)), between: a.whole > 0}
	for i := range g.any {
		g.any[i] = i > c || len(a.axes[i]) == 1 && a.axes[i][0].example == nil
	}
	a.gaps = append(a.gaps, g)
}

func (a *analysis) leaf(may, sure set) {
	if a.first {
		// what comes before a rule for sure hides it
		may.each(func(i int) bool {
			a.reached.add(i)
			return !sure.has(i)
		})
		return
	}
	may.each(func(i int) bool { a.reached.add(i); return true })
	if sure.count() < 2 {
		return
	}
	sure.each(func(i int) bool {
		sure.each(func(j int) bool {
			if j > i && !a.pairs[[2]int{i, j}] && len(a.overlaps) < maxFound {
				a.pairs[[2]int{i, j}] = true
				a.overlaps = append(a.overlaps, overlap{i, j, slices.Clone(a.point)})
			}
			return len(a.overlaps) < maxFound
		})
		return len(a.overlaps) < maxFound
	})
}

// tableFindings are the gaps, overlaps and unreachable rules of a table, each with an
// input that shows it.
func (d *Definitions) tableFindings(e *element, t *table) []Finding {
	if len(t.rules) == 0 || len(t.inputs) == 0 {
		return nil
	}
	a := analyse(t)
	var out []Finding
	at := Finding{feel.Error{File: d.file, Line: t.src.Line, Col: t.src.Col}, Warning, "gap"}
	if !t.hasDefault && !t.multiple() {
		for _, g := range a.gaps {
			f := at
			f.Msg = fmt.Sprintf("%s has no rule for %s", e, t.input(g.at, g.any))
			if g.between {
				f.Msg += ", which lies between whole numbers"
			}
			f.Expected = "a rule, or a default output"
			out = append(out, f)
		}
	}
	for _, o := range a.overlaps {
		x, y := t.rules[o.a], t.rules[o.b]
		where := fmt.Sprintf("rules %d and %d (%s; %s) of %s both match %s", o.a+1, o.b+1, x.conditions(), y.conditions(), e, t.input(o.at, nil))
		switch t.src.HitPolicy {
		case "UNIQUE":
			f := d.finding(y, Error, "overlap", where+", and only one may (UNIQUE)")
			out = append(out, f)
		case "ANY":
			if !sameOutputs(x, y) {
				out = append(out, d.finding(y, Error, "overlap", where+" with different outputs, and they must agree (ANY)"))
			}
		}
	}
	if !a.limited {
		for i, r := range t.rules {
			if !a.reached.has(i) {
				f := d.finding(r, Warning, "unreachable", fmt.Sprintf("rule %d (%s) of %s is never reached", i+1, r.conditions(), e))
				if a.first {
					f.Msg += ": rules before it match all that it does"
				}
				out = append(out, f)
			}
		}
	}
	f := at
	f.Rule = "limit"
	switch {
	case a.limited && len(a.gaps)+len(a.overlaps) == 0:
		f.Msg = fmt.Sprintf("%s is too large or too mixed to be looked through for gaps and overlaps", e)
	case a.limited:
		f.Msg = fmt.Sprintf("%s is too large to be looked through as a whole: there may be more gaps, overlaps and rules that are never reached", e)
	case len(a.gaps) >= maxFound && !t.hasDefault && !t.multiple() || len(a.overlaps) >= maxFound && (t.src.HitPolicy == "UNIQUE" || t.src.HitPolicy == "ANY"):
		f.Msg = fmt.Sprintf("%s has more gaps or overlaps than the %d that are named", e, maxFound)
	default:
		return out
	}
	return append(out, f)
}

// input writes an input of a table.
func (t *table) input(at []feel.Value, any []bool) string {
	var parts []string
	for i, v := range at {
		name := label(t.src.Inputs[i].Label, t.src.Inputs[i].Expr.S)
		switch {
		case any != nil && any[i] || v == nil:
			continue
		case v == "…":
			parts = append(parts, name+" = another text")
		default:
			parts = append(parts, name+" = "+feel.Literal(v))
		}
	}
	if len(parts) == 0 {
		return "any input"
	}
	return strings.Join(parts, ", ")
}

// sameOutputs says whether two rules write the same outputs.
func sameOutputs(x, y *rule) bool {
	return slices.EqualFunc(x.src.Outputs, y.src.Outputs, func(a, b model.Text) bool { return a.S == b.S })
}
