// SPDX-License-Identifier: EUPL-1.2

package dmn

import (
	"sort"

	"mercator/lang/feel"
)

// index finds the rules of a large table that can match, by the one column that tells
// them apart best. Its axis is cut at all ends of the column's cells; each stretch
// between knows its rules. A column that computes something has no index.
type index struct {
	column int
	kind   feel.Kind
	cuts   []feel.Value // ascending
	rules  [][]int32    // of the stretches: below cuts[0], cuts[0], between, cuts[1], …, above
}

const (
	indexFrom = 16      // rules; fewer are tested one by one
	indexMax  = 4 << 20 // entries
)

func newIndex(t *table) *index {
	if len(t.rules) < indexFrom {
		return nil
	}
	var best *index
	var cost float64
	for col := range t.inputs {
		x := indexOf(t, col)
		if x == nil {
			continue
		}
		// what a lookup in the middle of the stretches leaves to be tested
		total := 0.0
		for _, r := range x.rules {
			total += float64(len(r))
		}
		if c := total / float64(len(x.rules)); best == nil || c < cost {
			best, cost = x, c
		}
	}
	if best == nil || cost > float64(len(t.rules))*0.7 {
		return nil
	}
	return best
}

func indexOf(t *table, col int) *index {
	cells := make([]feel.Cell, len(t.rules))
	x := &index{column: col}
	for i, r := range t.rules {
		c, ok := feel.CellOf(r.tests[col])
		if !ok {
			return nil
		}
		cells[i] = c
		for _, p := range c.Parts {
			for _, v := range []feel.Value{p.Lo, p.Hi} {
				if v == nil {
					continue
				}
				k := feel.KindOf(v)
				if x.kind == 0 {
					x.kind = k
				}
				if k != x.kind || k == feel.KindBoolean {
					return nil
				}
				x.cuts = append(x.cuts, v)
			}
		}
	}
	// Times with and without a zone have no order that holds together.
	if len(x.cuts) == 0 || x.kind == feel.KindTime || x.kind == feel.KindDateTime {
		return nil
	}
	sort.Slice(x.cuts, func(i, j int) bool { c, _ := feel.Order(x.cuts[i], x.cuts[j]); return c < 0 })
	n := 1
	for _, v := range x.cuts[1:] {
		if c, _ := feel.Order(v, x.cuts[n-1]); c != 0 {
			x.cuts[n] = v
			n++
		}
	}
	x.cuts = x.cuts[:n]
	x.rules = make([][]int32, 2*n+1)
	entries := 0
	for i, c := range cells {
		in := make([]bool, len(x.rules))
		for _, p := range c.Parts {
			from, to := 0, len(x.rules)-1
			if p.Lo != nil {
				if from, _ = x.stretch(p.Lo); p.OpenLo {
					from++
				}
			}
			if p.Hi != nil {
				if to, _ = x.stretch(p.Hi); p.OpenHi {
					to--
				}
			}
			for k := from; k <= to; k++ {
				in[k] = true
			}
		}
		for k := range in {
			if c.Any || in[k] != c.Negated {
				x.rules[k] = append(x.rules[k], int32(i))
				if entries++; entries > indexMax {
					return nil
				}
			}
		}
	}
	return x
}

// stretch is where a value lies on the axis.
func (x *index) stretch(v feel.Value) (int, bool) {
	lo, hi := 0, len(x.cuts)
	for lo < hi {
		m := (lo + hi) / 2
		c, ok := feel.Order(v, x.cuts[m])
		switch {
		case !ok:
			return 0, false
		case c == 0:
			return 2*m + 1, true
		case c < 0:
			hi = m
		default:
			lo = m + 1
		}
	}
	return 2 * lo, true
}

// find gives the rules that can match, in their order; false: all can.
func (x *index) find(in []feel.Value) ([]int32, bool) {
	if x == nil || feel.KindOf(in[x.column]) != x.kind {
		return nil, false
	}
	k, ok := x.stretch(in[x.column])
	if !ok {
		return nil, false
	}
	return x.rules[k], true
}
