// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"slices"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// The building blocks of boxed expressions (DMN 1.5, 7.3.1 and 10.2): what a box means
// is a FEEL expression, made here of nodes instead of text.

// Scope is what names are known where an expression is read, and what of their types.
type Scope struct{ names *names }

// NewScope holds the built-in functions.
func NewScope() *Scope { return &Scope{builtinScope} }

// With is the scope with one more name.
func (s *Scope) With(name string, t *Type) *Scope {
	n := &names{up: s.names}
	n.add(name, t)
	return &Scope{n}
}

// TypeOf is what a scope knows of the value of a node before it is planned.
func (s *Scope) TypeOf(n Node) *Type { return (&parser{scope: s.names}).typeOf(n) }

// Entry is an entry of a boxed context.
type Entry struct {
	Name  string
	Value Node
}

// Place is where a box stands, for messages.
type Place = at

// Where makes the place of a box; text is shown as its expression.
func Where(file string, line, col int, text string) Place {
	return at{&source{file, line, col, text, nil}, 0, len(text)}
}

// BoxConstant is a value.
func BoxConstant(v Value) Node { return &constant{val: v} }

// BoxName reads a variable.
func BoxName(a Place, name string) Node { return &nameRef{a, name} }

// BoxContext is a boxed context; result nil: its value is the context.
func BoxContext(a Place, entries []Entry, result Node) Node {
	c := &contextOf{at: a, result: result}
	for _, e := range entries {
		c.keys, c.vals = append(c.keys, e.Name), append(c.vals, e.Value)
	}
	return c
}

// BoxRow is a row of a relation: a context whose entries don't see each other.
func BoxRow(a Place, entries []Entry) Node {
	c := BoxContext(a, entries, nil).(*contextOf)
	c.apart = true
	return c
}

// BoxList is a boxed list, or the rows of a relation.
func BoxList(a Place, items []Node) Node { return &listOf{a, items} }

// BoxCall is a boxed invocation.
func BoxCall(a Place, fn Node, names []string, args []Node) Node {
	if len(names) == 0 {
		names = nil
	}
	return &call{a, fn, args, names}
}

// BoxFunction is a boxed function.
func BoxFunction(a Place, params []Param, body Node, result *Type) Node {
	return &function{at: a, params: params, body: body, result: result}
}

// BoxIf is a boxed conditional. Unlike "if" it is null where the condition is neither
// true nor false nor null.
func BoxIf(a Place, cond, then, other Node) Node {
	return &ifElse{at: a, cond: cond, then: then, other: other, strict: true}
}

// BoxFor is a boxed iterator that returns.
func BoxFor(a Place, name string, list, body Node) Node {
	return &forLoop{a, []iter{{name, list}}, body}
}

// BoxQuantified is a boxed some or every.
func BoxQuantified(a Place, every bool, name string, list, cond Node) Node {
	return &quantified{a, every, []iter{{name, list}}, cond}
}

// BoxFilter is a boxed filter. Unlike "[…]" it is null where the match of an item is
// neither true nor false nor null.
func BoxFilter(a Place, x, cond Node) Node { return &filter{at: a, x: x, cond: cond, strict: true} }

// BoxTyped holds the value of a node to a type.
func BoxTyped(a Place, x Node, t *Type) Node {
	if t.kind() == KindAny && (t == nil || t.Allow == nil) {
		return x
	}
	return &coerced{a, x, t}
}

// Custom is a box that this package doesn't know, such as a decision table.
type Custom struct {
	Children []Child
	Type     *Type
	Plan     func(programs []*Child) // called once, when the children are planned; may be nil
	Eval     func(c *Call) Value
}

// Child is an expression of a custom box. Its type is known after it was planned.
type Child struct {
	Node  Node
	Input *Type // of unary tests: what is known of "?"
	Unary bool
	Type  *Type
}

// BoxCustom is a custom box.
func BoxCustom(a Place, c Custom) Node { return &custom{a, c} }

// Call is the evaluation of a custom box.
type Call struct {
	f     *frame
	codes []code
	input []int
}

// Value evaluates a child.
func (c *Call) Value(i int) Value { return c.codes[i](c.f) }

// Test runs the unary tests of a child over an input.
func (c *Call) Test(i int, input Value) Value {
	c.f.st.step()
	c.f.slots[c.input[i]] = input
	return c.codes[i](c.f)
}

// Run is the run of the evaluation.
func (c *Call) Run() *Run { return c.f.st.run }

// User is what the run was started with.
func (c *Call) User() any { return c.f.st.user }

// Builtin calls a built-in function.
func (c *Call) Builtin(name string, args []Value) Value {
	return builtins[name].invoke(&site{st: c.f.st, name: name}, args, nil)
}

// Spend takes steps from the budget.
func (c *Call) Spend(n int) { c.f.st.spend(n) }

// Note tells why the value is null.
func (c *Call) Note(n Node, msg string) { c.f.st.note(n.where(), msg) }

// ParseNumber reads a number as it is written in FEEL or JSON.
func ParseNumber(s string) (Value, bool) {
	d, ok := signed(s)
	if !ok {
		return nil, false
	}
	return d, true
}

// ParseAs reads a text as a value of a temporal kind.
func ParseAs(k Kind, s string) (Value, bool) {
	switch k {
	case KindDate:
		v, ok := ParseDate(s)
		return v, ok
	case KindTime:
		v, ok := ParseTime(s)
		return v, ok
	case KindDateTime:
		v, ok := ParseDateTime(s)
		return v, ok
	case KindSpan, KindMonths:
		v, ok := ParseDuration(s)
		return v, ok && kindOf(v) == k
	}
	return nil, false
}

func (p *planner) custom(n *custom, s *scope) (code, *Type) {
	codes := make([]code, len(n.Children))
	input := make([]int, len(n.Children))
	planned := make([]*Child, len(n.Children))
	for i := range n.Children {
		ch := n.Children[i]
		inner := s
		if ch.Unary {
			inner = s.child()
			input[i] = inner.add("?", ch.Input)
		}
		codes[i], ch.Type = p.plan(ch.Node, inner)
		planned[i] = &ch
	}
	if n.Plan != nil {
		n.Plan(planned)
	}
	eval := n.Eval
	return func(f *frame) Value {
		f.st.step()
		return eval(&Call{f, codes, input})
	}, n.Type
}

// Walk visits a node and what is in it, as long as f says so.
func Walk(n Node, f func(Node) bool) {
	if n == nil || !f(n) {
		return
	}
	all := func(l ...Node) {
		for _, x := range l {
			if x != nil {
				Walk(x, f)
			}
		}
	}
	iters := func(l []iter) {
		for _, it := range l {
			Walk(it.list, f)
		}
	}
	switch n := n.(type) {
	case *member:
		all(n.x)
	case *filter:
		all(n.x, n.cond)
	case *call:
		all(n.fn)
		all(n.args...)
	case *listOf:
		all(n.items...)
	case *contextOf:
		all(n.vals...)
		all(n.result)
	case *rangeOf:
		all(n.lo, n.hi)
	case *loopRange:
		all(n.lo, n.hi)
	case *negate:
		all(n.x)
	case *binary:
		all(n.x, n.y)
	case *between:
		all(n.x, n.lo, n.hi)
	case *inTests:
		all(n.x)
		all(n.tests...)
	case *ifElse:
		all(n.cond, n.then, n.other)
	case *forLoop:
		iters(n.iters)
		all(n.body)
	case *quantified:
		iters(n.iters)
		all(n.cond)
	case *instanceOf:
		all(n.x)
	case *function:
		all(n.body)
	case *unaryTests:
		all(n.tests...)
	case *compareTest:
		all(n.x)
	case *coerced:
		all(n.x)
	case *custom:
		for _, c := range n.Children {
			all(c.Node)
		}
	}
}

// --- looking into expressions, for indexes and for the check of tables

// Constant is the value of an expression that is always the same: a literal, or a
// list or negation of literals.
func Constant(n Node) (Value, bool) {
	switch n := n.(type) {
	case *constant:
		return n.val, true
	case *negate:
		if v, ok := Constant(n.x); ok {
			if d, ok := v.(*apd.Decimal); ok {
				return negated(d), true
			}
			if v = negTemporal(v); v != nil {
				return v, true
			}
		}
	case *listOf:
		out := make([]Value, len(n.items))
		for i, x := range n.items {
			v, ok := Constant(x)
			if !ok {
				return nil, false
			}
			out[i] = v
		}
		return out, true
	case *call:
		return constantCall(n)
	}
	return nil, false
}

// constantCall is date("2026-12-31") and its like.
func constantCall(n *call) (Value, bool) {
	r, ok := n.fn.(*nameRef)
	if !ok || n.names != nil || len(n.args) != 1 {
		return nil, false
	}
	v, ok := Constant(n.args[0])
	s, text := v.(string)
	if !ok || !text {
		return nil, false
	}
	switch r.name {
	case "date":
		if d, ok := ParseDate(s); ok {
			return d, true
		}
	case "time":
		if t, ok := ParseTime(s); ok {
			return t, true
		}
	case "date and time":
		if d, ok := ParseDateTime(s); ok {
			return d, true
		}
	case "duration":
		return ParseDuration(s)
	}
	return nil, false
}

// Cell is what unary tests say, where they compare with constants only: the input is
// in one of the parts, or in none of them where Negated is set.
type Cell struct {
	Any     bool // "-"
	Negated bool
	Parts   []*Range // a value is the range from itself to itself
}

// CellOf reads unary tests; ok is false where they compute something.
func CellOf(n Node) (Cell, bool) {
	u, ok := n.(*unaryTests)
	if !ok {
		return Cell{}, false
	}
	c := Cell{Any: len(u.tests) == 0, Negated: u.negated}
	for _, t := range u.tests {
		parts, ok := partsOf(t)
		if !ok {
			return Cell{}, false
		}
		c.Parts = append(c.Parts, parts...)
	}
	return c, true
}

func point(v Value) *Range { return &Range{Lo: v, Hi: v} }

func partsOf(n Node) ([]*Range, bool) {
	if v, ok := Constant(n); ok {
		if l, ok := v.([]Value); ok {
			out := make([]*Range, len(l))
			for i, x := range l {
				if !simple(x) {
					return nil, false
				}
				out[i] = point(x)
			}
			return out, true
		}
		return []*Range{point(v)}, simple(v)
	}
	switch n := n.(type) {
	case *compareTest:
		v, ok := Constant(n.x)
		if !ok || !simple(v) {
			return nil, false
		}
		switch n.op {
		case "=":
			return []*Range{point(v)}, true
		case "!=":
			if b, ok := v.(bool); ok {
				return []*Range{point(!b)}, true
			}
			if ordered(v) {
				return []*Range{{Hi: v, OpenLo: true, OpenHi: true}, {Lo: v, OpenLo: true, OpenHi: true}}, true
			}
			return nil, false
		case "<", "<=":
			return []*Range{{Hi: v, OpenLo: true, OpenHi: n.op == "<"}}, ordered(v)
		}
		return []*Range{{Lo: v, OpenLo: n.op == ">", OpenHi: true}}, ordered(v)
	case *rangeOf:
		r := &Range{OpenLo: n.openLo, OpenHi: n.openHi}
		for _, e := range []struct {
			n Node
			v *Value
		}{{n.lo, &r.Lo}, {n.hi, &r.Hi}} {
			if e.n == nil {
				continue
			}
			v, ok := Constant(e.n)
			if !ok {
				return nil, false
			}
			*e.v = v
		}
		if r.wrong(n.lo != nil, n.hi != nil) != "" {
			return nil, false
		}
		return []*Range{r}, true
	}
	return nil, false
}

func simple(v Value) bool {
	_, b := v.(bool)
	return b || ordered(v)
}

// Literal writes a value as FEEL reads it.
func Literal(v Value) string {
	var b strings.Builder
	literal(&b, v, 0)
	return b.String()
}

// Order compares two values of one ordered type (-1, 0, 1); ok is false where they
// have no order.
func Order(a, b Value) (int, bool) { return order(a, b) }

// Arithmetic is + - * / or ** on two values; nil where it has no meaning for them.
func Arithmetic(op string, a, b Value) Value { return arithmetic(op, a, b) }

// Constants are the literal values in an expression, each once.
func Constants(n Node) []Value {
	var out []Value
	Walk(n, func(n Node) bool {
		v, ok := Constant(n)
		if l, is := v.([]Value); is {
			out = append(out, l...)
		} else if ok && v != nil {
			out = append(out, v)
		}
		return !ok
	})
	return slices.CompactFunc(out, func(a, b Value) bool { return equal(a, b) == true })
}

// Equal is "=": true, false or nil, which it also is of values that are too large.
func Equal(a, b Value) (v Value) {
	r := NewRun(RunOptions{})
	var err error
	defer r.recover(0, &v, &err)
	return r.st.equal(a, b, 0)
}

// Contains says whether a range has a point.
func (r *Range) Contains(v Value) bool { return inRange(r, v) == true }

// KindOf is the kind of a value.
func KindOf(v Value) Kind { return kindOf(v) }

// near names what could have been meant: the closest of some names.
func near(name string, among []string) string {
	best, at := 3, -1
	if len(name) < 4 {
		best = 2
	}
	for i, n := range among {
		if d := distance(name, n, best); d < best {
			best, at = d, i
		}
	}
	if at < 0 {
		return ""
	}
	return quote(among[at])
}

// distance is Levenshtein's, as far as it is below a bound.
func distance(a, b string, bound int) int {
	x, y := []rune(a), []rune(b)
	if len(x)-len(y) >= bound || len(y)-len(x) >= bound || len(x) > 200 || len(y) > 200 {
		return bound
	}
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range x {
		prev := row[0]
		row[0] = i + 1
		for j, s := range y {
			d := prev
			if r != s {
				d++
			}
			prev = row[j+1]
			row[j+1] = min(d, prev+1, row[j]+1)
		}
	}
	return min(row[len(y)], bound)
}

// parseRange reads the text of range(): its ends are literals (10.3.4.1).
func parseRange(s string) (*Range, string) {
	base := &names{}
	for _, n := range []string{"date", "time", "date and time", "duration"} {
		base.add(n, nil)
	}
	n, err := parseIn(s, &Config{Budget: Budget{Source: 4096, Depth: 20}, ranges: true}, false, base)
	if err != nil {
		return nil, "the text is no range such as [1..3]"
	}
	r, ok := n.(*rangeOf)
	if !ok || !strings.Contains(s, "..") {
		return nil, "the text is no range such as [1..3]"
	}
	parts, ok := partsOf(r)
	if !ok {
		return nil, "the ends of the range are literals of one kind, the smaller first"
	}
	return parts[0], ""
}
