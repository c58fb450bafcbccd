// SPDX-License-Identifier: EUPL-1.2

package feel

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

// Note tells why the value is null.
func (c *Call) Note(n Node, msg string) { c.f.st.note(n.where(), msg) }

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
