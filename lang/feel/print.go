// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"strings"
)

// Print writes an expression as text. Parsing that text gives the same expression.
func Print(n Node) string {
	var p printer
	p.node(n, 0)
	return p.String()
}

type printer struct{ strings.Builder }

// levels of precedence, loosest first
const (
	lExpr = iota
	lOr
	lAnd
	lCompare
	lAdd
	lMul
	lPow
	lNeg
	lInstance
	lPostfix
)

var levels = map[string]int{"or": lOr, "and": lAnd, "=": lCompare, "!=": lCompare, "<": lCompare, "<=": lCompare, ">": lCompare, ">=": lCompare,
	"+": lAdd, "-": lAdd, "*": lMul, "/": lMul, "**": lPow}

func (p *printer) put(s ...string) {
	for _, x := range s {
		p.WriteString(x)
	}
}

// in writes brackets around a node that binds looser than what is around it.
func (p *printer) in(level, around int, f func()) {
	if level < around {
		p.put("(")
		f()
		p.put(")")
		return
	}
	f()
}

func (p *printer) list(l []Node, level int) {
	for i, x := range l {
		if i > 0 {
			p.put(", ")
		}
		p.node(x, level)
	}
}

func (p *printer) iters(l []iter) {
	for i, it := range l {
		if i > 0 {
			p.put(", ")
		}
		p.put(it.name, " in ")
		if r, ok := it.list.(*loopRange); ok {
			p.node(r.lo, lOr)
			p.put(" .. ")
			p.node(r.hi, lOr)
			continue
		}
		p.node(it.list, lExpr)
	}
}

func (p *printer) node(n Node, around int) {
	switch n := n.(type) {
	case *constant:
		switch {
		case n.src != "" && isNumber(n.val) && n.src[0] != '@':
			p.put(n.src)
		case n.src != "":
			p.put(n.src)
		default:
			literal(&p.Builder, n.val, 0)
		}
	case *nameRef:
		p.put(n.name)
	case *member:
		p.node(n.x, lPostfix)
		p.put(".", memberName(n.name))
	case *filter:
		p.node(n.x, lPostfix)
		p.put("[")
		p.node(n.cond, lExpr)
		p.put("]")
	case *call:
		p.node(n.fn, lPostfix)
		p.put("(")
		for i, a := range n.args {
			if i > 0 {
				p.put(", ")
			}
			if n.names != nil {
				p.put(n.names[i], ": ")
			}
			p.node(a, lExpr)
		}
		p.put(")")
	case *listOf:
		p.put("[")
		p.list(n.items, lExpr)
		p.put("]")
	case *contextOf:
		p.put("{")
		for i, k := range n.keys {
			if i > 0 {
				p.put(", ")
			}
			p.put(entryName(k), ": ")
			p.node(n.vals[i], lExpr)
		}
		if n.result != nil {
			p.put("}.result")
			return
		}
		p.put("}")
	case *loopRange:
		p.node(n.rangeOf, around)
	case *rangeOf:
		switch {
		case n.lo == nil:
			p.in(lExpr, around, func() {
				p.put(map[bool]string{true: "< ", false: "<= "}[n.openHi])
				p.node(n.hi, lAdd)
			})
		case n.hi == nil:
			p.in(lExpr, around, func() {
				p.put(map[bool]string{true: "> ", false: ">= "}[n.openLo])
				p.node(n.lo, lAdd)
			})
		default:
			p.put(map[bool]string{true: "(", false: "["}[n.openLo])
			p.node(n.lo, lOr)
			p.put(" .. ")
			p.node(n.hi, lOr)
			p.put(map[bool]string{true: ")", false: "]"}[n.openHi])
		}
	case *negate:
		p.in(lNeg, around, func() { p.put("-"); p.node(n.x, lNeg) })
	case *binary:
		l := levels[n.op]
		p.in(l, around, func() {
			p.node(n.x, l)
			p.put(" ", n.op, " ")
			p.node(n.y, l+1)
		})
	case *between:
		p.in(lCompare, around, func() {
			p.node(n.x, lCompare)
			p.put(" between ")
			p.node(n.lo, lAdd)
			p.put(" and ")
			p.node(n.hi, lAdd)
		})
	case *inTests:
		p.in(lCompare, around, func() {
			p.node(n.x, lCompare)
			p.put(" in ")
			if n.list {
				p.put("(")
				p.list(n.tests, lExpr)
				p.put(")")
				return
			}
			p.node(n.tests[0], lAdd)
		})
	case *ifElse:
		p.in(lExpr, around, func() {
			p.put("if ")
			p.node(n.cond, lExpr)
			p.put(" then ")
			p.node(n.then, lExpr)
			p.put(" else ")
			p.node(n.other, lExpr)
		})
	case *forLoop:
		p.in(lExpr, around, func() {
			p.put("for ")
			p.iters(n.iters)
			p.put(" return ")
			p.node(n.body, lExpr)
		})
	case *quantified:
		p.in(lExpr, around, func() {
			p.put(map[bool]string{true: "every ", false: "some "}[n.every])
			p.iters(n.iters)
			p.put(" satisfies ")
			p.node(n.cond, lExpr)
		})
	case *instanceOf:
		p.in(lInstance, around, func() {
			p.node(n.x, lInstance)
			p.put(" instance of ", n.typ.whole())
		})
	case *function:
		p.in(lExpr, around, func() {
			p.put("function(")
			for i, x := range n.params {
				if i > 0 {
					p.put(", ")
				}
				p.put(x.Name)
				if x.Type != nil {
					p.put(": ", x.Type.whole())
				}
			}
			p.put(")")
			if n.result != nil {
				p.put(": ", n.result.whole())
			}
			if n.external {
				p.put(" external")
			}
			p.put(" ")
			p.node(n.body, lExpr)
		})
	case *unaryTests:
		switch {
		case len(n.tests) == 0:
			p.put("-")
		case n.negated:
			p.put("not(")
			p.list(n.tests, lExpr)
			p.put(")")
		default:
			p.list(n.tests, lExpr)
		}
	case *compareTest:
		p.put(n.op, " ")
		p.node(n.x, lAdd)
	case *coerced:
		p.node(n.x, around)
	case *custom:
		p.put("null")
	}
}

// memberName writes the name of an entry behind a dot.
func memberName(n string) string {
	w := words(n)
	for _, x := range w {
		for i, r := range x {
			if i == 0 && !nameStart(r) || !namePart(r) {
				return quoted(n)
			}
		}
		if keyword(x) {
			return quoted(n)
		}
	}
	if len(w) == 0 || oneSpace(n) != n {
		return quoted(n)
	}
	return n
}

func entryName(n string) string { return memberName(n) }
