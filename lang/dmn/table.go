// SPDX-License-Identifier: EUPL-1.2

package dmn

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"mercator/lang/dmn/model"
	"mercator/lang/feel"
)

// table is a decision table (8 and 10.3.2.10), planned as one box of FEEL: its children
// are the input expressions, then the input values, then row by row the tests and the
// outputs, then the defaults.
type table struct {
	src     *model.Table
	node    feel.Node
	outputs []string
	inputs  []feel.Node // expressions
	allowed []feel.Node // the input values of each input, nil: all
	rules   []*rule
	values  []*feel.Cell   // the output values of each output, nil: not given
	rank    [][]feel.Value // the output values of each output, in their order; nil: not given
	types   []*feel.Type   // of the inputs
	inner   []*feel.Type   // of their expressions, as far as it is known
	outType []*feel.Type
	index   *index

	firstAllowed, firstRule, firstDefault, width int
	hasDefault                                   bool
}

type rule struct {
	src     *model.Rule
	tests   []feel.Node
	outputs []feel.Node
	notes   []Annotation
}

// Annotation is a note of a rule.
type Annotation struct{ Name, Text string }

func (b *boxer) table(x *model.Expr, s *feel.Scope) (*table, feel.Node) {
	m := x.Table
	t := &table{src: m}
	var kids []feel.Child
	for _, in := range m.Inputs {
		n := b.literal(in.Expr, s)
		if in.Expr.S == "" {
			n = feel.BoxConstant(nil)
		}
		typ, inner := b.named(in.TypeRef, in.Pos, nil), s.TypeOf(n)
		if typ == nil {
			typ = inner
		}
		t.inner = append(t.inner, inner)
		t.inputs, t.types = append(t.inputs, n), append(t.types, typ)
		kids = append(kids, feel.Child{Node: n})
	}
	t.firstAllowed = len(kids)
	for i, in := range m.Inputs {
		var n feel.Node
		if in.Values != nil && in.Values.S != "" {
			n = b.unary(*in.Values, s)
		}
		t.allowed = append(t.allowed, n)
		if n == nil {
			n = b.unary(model.Text{Pos: in.Pos, S: "-"}, s)
		}
		kids = append(kids, feel.Child{Node: n, Unary: true, Input: t.types[i]})
	}
	for _, o := range m.Outputs {
		name := o.Name
		if name == "" {
			name = o.Label
		}
		t.outputs = append(t.outputs, name)
		typ := b.named(o.TypeRef, o.Pos, nil)
		values := b.listed(o, typ, s)
		t.outType, t.values, t.rank = append(t.outType, typ), append(t.values, values), append(t.rank, ranks(values))
	}
	t.firstRule = len(kids)
	t.width = len(m.Inputs) + len(m.Outputs)
	for i := range m.Rules {
		mr := &m.Rules[i]
		r := &rule{src: mr}
		for k := range m.Inputs {
			cell := model.Text{S: "-"}
			if k < len(mr.Inputs) {
				cell = mr.Inputs[k]
			}
			if cell.Line == 0 {
				cell.Pos = mr.Pos
			}
			n := b.unary(cell, s)
			if n == nil { // unreadable: it never matches
				n = b.unary(model.Text{Pos: cell.Pos, S: "not(-1 = -1)"}, s)
			}
			r.tests = append(r.tests, n)
			kids = append(kids, feel.Child{Node: n, Unary: true, Input: t.types[k]})
		}
		for k := range m.Outputs {
			cell := model.Text{S: "null"}
			if k < len(mr.Outputs) {
				cell = mr.Outputs[k]
			}
			if cell.Line == 0 {
				cell.Pos = mr.Pos
			}
			var n feel.Node = feel.BoxConstant(nil)
			if cell.S == "" {
				b.problem(cell.Pos, "the output entry is empty", "an expression, or null")
			} else if cell.S != "-" {
				n = b.literal(cell, s)
			}
			r.outputs = append(r.outputs, n)
			kids = append(kids, feel.Child{Node: n})
		}
		for k, a := range mr.Annotations {
			if k < len(m.Annotations) {
				r.notes = append(r.notes, Annotation{m.Annotations[k], a.S})
			}
		}
		t.rules = append(t.rules, r)
	}
	t.firstDefault = len(kids)
	for _, o := range m.Outputs {
		n := feel.Node(feel.BoxConstant(nil))
		if o.Default != nil && o.Default.S != "" {
			t.hasDefault = true
			n = b.literal(*o.Default, s)
		}
		kids = append(kids, feel.Child{Node: n})
	}
	t.index = newIndex(t)
	e := b.e
	t.node = feel.BoxCustom(b.where(x.Pos, ""), feel.Custom{
		Children: kids, Type: t.typ(),
		Plan: func(planned []*feel.Child) { b.outputsFit(t, planned) },
		Eval: func(c *feel.Call) feel.Value { return t.eval(c, e) },
	})
	return t, t.node
}

// typ is the type of the answer, as far as it is known.
func (t *table) typ() *feel.Type {
	var one *feel.Type
	if len(t.outputs) == 1 {
		one = t.outType[0]
	} else {
		one = &feel.Type{Kind: feel.KindContext, Fields: []feel.Param{}}
		for i, n := range t.outputs {
			one.Fields = append(one.Fields, feel.Param{Name: n, Type: t.outType[i]})
		}
	}
	switch {
	case t.src.Aggregation == "COUNT":
		return feel.TypeNumber
	case t.multiple() && t.src.Aggregation == "":
		return &feel.Type{Kind: feel.KindList, Elem: one}
	}
	return one
}

func (t *table) multiple() bool {
	return t.src.HitPolicy == "COLLECT" || t.src.HitPolicy == "RULE ORDER" || t.src.HitPolicy == "OUTPUT ORDER"
}

// outputsFit holds the output entries to the type of their column.
func (b *boxer) outputsFit(t *table, planned []*feel.Child) {
	for i, r := range t.rules {
		for k := range r.outputs {
			ch := planned[t.firstRule+i*t.width+len(t.inputs)+k]
			if want := t.outType[k]; want != nil && !ch.Type.Fits(want) {
				cell := model.Text{Pos: r.src.Pos}
				if k < len(r.src.Outputs) {
					cell = r.src.Outputs[k]
				}
				b.problemIn(cell, fmt.Sprintf("the output is a %s, the column %s wants a %s", ch.Type, quote(cmp.Or(t.outputs[k], b.e.label)), want), "a "+want.String())
			}
		}
	}
}

// listed are the output values of a column: of its clause, else those that its type
// allows; nil: not given.
func (b *boxer) listed(o model.Output, t *feel.Type, s *feel.Scope) *feel.Cell {
	var n feel.Node
	if o.Values != nil && o.Values.S != "" {
		n = b.unary(*o.Values, s)
	} else if t != nil {
		n = t.Allowed
	}
	if n == nil {
		return nil
	}
	c, ok := feel.CellOf(n)
	if !ok {
		return nil
	}
	return &c
}

// ranks are output values in the order of their clause: what PRIORITY and OUTPUT ORDER
// go by.
func ranks(c *feel.Cell) []feel.Value {
	if c == nil || c.Negated {
		return nil
	}
	out := []feel.Value{}
	for _, p := range c.Parts {
		if feel.Equal(p.Lo, p.Hi) == true {
			out = append(out, p.Lo)
		}
	}
	return out
}

// Why a table gives null, as a note says it.
const (
	noteInputType   = "the input isn't of the type "
	noteInputValues = "the input isn't one of the values that the table allows"
	noteOutputType  = "the output isn't of the type "
	noteNoRule      = "no rule of the table matches"
	noteOnlyOne     = " rules of the table match, and only one may"
	noteDisagree    = "the rules that match don't agree"
)

// hit is a rule that matched.
type hit struct {
	rule int
	out  []feel.Value
}

func (t *table) eval(c *feel.Call, e *element) feel.Value {
	var buf [8]feel.Value
	in := buf[:0]
	for i := range t.inputs {
		v := c.Value(i)
		if t.types[i] != nil && v != nil {
			w, ok := t.types[i].Coerce(c.Run(), v)
			if !ok {
				c.Note(t.inputs[i], noteInputType+t.types[i].String())
			}
			v = w
		}
		in = append(in, v)
		if t.allowed[i] != nil && c.Test(t.firstAllowed+i, v) != true {
			c.Note(t.inputs[i], noteInputValues)
			t.record(c, e, in, nil)
			return nil
		}
	}
	single := t.src.HitPolicy == "FIRST"
	var hbuf [4]hit
	hits := hbuf[:0]
	match := func(k int) bool { // false: enough
		base := t.firstRule + k*t.width
		for i, v := range in {
			if c.Test(base+i, v) != true {
				return true
			}
		}
		out := make([]feel.Value, len(t.outputs))
		for o := range out {
			out[o] = t.typed(c, t.rules[k].outputs[o], o, c.Value(base+len(in)+o))
		}
		hits = append(hits, hit{k, out})
		return !single
	}
	if rules, ok := t.index.find(in); ok {
		for _, k := range rules {
			if !match(int(k)) {
				break
			}
		}
	} else {
		for k := range t.rules {
			if !match(k) {
				break
			}
		}
	}
	t.record(c, e, in, hits)
	return t.answer(c, hits)
}

// typed holds an output to the type of its column.
func (t *table) typed(c *feel.Call, n feel.Node, o int, v feel.Value) feel.Value {
	want := t.outType[o]
	if want == nil || v == nil {
		return v
	}
	w, ok := want.Coerce(c.Run(), v)
	if !ok {
		c.Note(n, noteOutputType+want.String())
	}
	return w
}

// value is the output of a rule: its one value, or a context of all.
func (t *table) value(out []feel.Value) feel.Value {
	if len(out) == 1 {
		return out[0]
	}
	return feel.NewContext(t.outputs, out)
}

func (t *table) answer(c *feel.Call, hits []hit) feel.Value {
	if len(hits) == 0 {
		if !t.hasDefault {
			c.Note(t.node, noteNoRule)
			return nil
		}
		out := make([]feel.Value, len(t.outputs))
		for o := range out {
			out[o] = t.typed(c, t.node, o, c.Value(t.firstDefault+o))
		}
		return t.value(out)
	}
	switch t.src.HitPolicy {
	case "UNIQUE":
		if len(hits) > 1 {
			c.Note(t.node, fmt.Sprintf("%d%s", len(hits), noteOnlyOne))
			return nil
		}
	case "ANY":
		for _, h := range hits[1:] {
			if feel.Equal(t.value(h.out), t.value(hits[0].out)) != true {
				c.Note(t.node, noteDisagree)
				return nil
			}
		}
	case "PRIORITY":
		return t.value(t.ordered(hits)[0].out)
	case "OUTPUT ORDER":
		hits = t.ordered(hits)
	}
	if !t.multiple() {
		return t.value(hits[0].out)
	}
	list := make([]feel.Value, len(hits))
	for i, h := range hits {
		list[i] = t.value(h.out)
	}
	switch t.src.Aggregation {
	case "SUM", "MIN", "MAX", "COUNT":
		return c.Builtin(strings.ToLower(t.src.Aggregation), []feel.Value{list})
	}
	return list
}

// ordered sorts hits by the output values, the leftmost output first (8.2.10).
func (t *table) ordered(hits []hit) []hit {
	place := func(o int, v feel.Value) int {
		for i, r := range t.rank[o] {
			if feel.Equal(r, v) == true {
				return i
			}
		}
		return len(t.rank[o])
	}
	out := slices.Clone(hits)
	slices.SortStableFunc(out, func(a, b hit) int {
		for o := range t.outputs {
			if d := place(o, a.out[o]) - place(o, b.out[o]); d != 0 {
				return d
			}
		}
		return 0
	})
	return out
}
