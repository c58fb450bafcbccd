// SPDX-License-Identifier: EUPL-1.2

package feel

// Node is a parsed expression, or a box of a boxed expression that holds some. A node
// doesn't change once it is made.
type Node interface{ where() at }

type (
	constant struct { // a number, text, boolean, null or @"literal"
		at
		val Value
		src string // as it was written, for numbers and @
	}
	nameRef struct {
		at
		name string
	}
	member struct {
		at
		x    Node
		name string
	}
	filter struct {
		at
		x, cond Node
		strict  bool
	}
	call struct {
		at
		fn    Node
		args  []Node
		names []string // nil: by position
	}
	listOf struct {
		at
		items []Node
	}
	contextOf struct {
		at
		keys   []string
		vals   []Node
		apart  bool // the entries don't see each other
		result Node // of a boxed context with a result: its value is the value of all
	}
	rangeOf struct { // lo or hi nil: no end on this side
		at
		lo, hi         Node
		openLo, openHi bool
	}
	negate struct {
		at
		x Node
	}
	binary struct {
		at
		op   string
		x, y Node
	}
	between struct {
		at
		x, lo, hi Node
	}
	inTests struct {
		at
		x     Node
		tests []Node
		list  bool // in brackets
	}
	ifElse struct {
		at
		cond, then, other Node
		strict            bool // what is neither true nor false nor null is a mistake
	}
	iter struct {
		name string
		list Node
	}
	forLoop struct {
		at
		iters []iter
		body  Node
	}
	quantified struct {
		at
		every bool
		iters []iter
		cond  Node
	}
	instanceOf struct {
		at
		x   Node
		typ *Type
	}
	function struct {
		at
		params   []Param
		body     Node
		external bool
		result   *Type
	}
	unaryTests struct {
		at
		negated bool
		tests   []Node // empty: "-"
	}
	compareTest struct { // "< 5" where a unary test is expected
		at
		op string
		x  Node
	}
	coerced struct {
		at
		x   Node
		typ *Type
	}
	custom struct {
		at
		Custom
	}
)

// Param is a parameter of a function; Type nil: any.
type Param struct {
	Name string
	Type *Type
}
