// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"fmt"
)

// --- tests

// tests plans unary tests over the variable "?".
func (p *planner) tests(n *unaryTests, s *scope) (code, *Type) {
	codes := make([]code, len(n.tests))
	for i, t := range n.tests {
		codes[i], _ = p.test(t, s)
	}
	if len(codes) == 0 {
		return func(*frame) Value { return true }, TypeBoolean
	}
	return func(f *frame) Value {
		result := Value(false)
		for _, c := range codes {
			switch c(f) {
			case true:
				return !n.negated
			case nil:
				result = nil
			}
		}
		if n.negated {
			return not(result)
		}
		return result
	}, TypeBoolean
}

func (p *planner) test(n Node, s *scope) (code, *Type) {
	input, it := p.name(&nameRef{n.where(), "?"}, s)
	if c, ok := n.(*compareTest); ok {
		x, t := p.plan(c.x, s)
		if kx, ky := t.kind(), it.kind(); kx != ky && known(kx) && known(ky) {
			p.problem(c.at, fmt.Sprintf("a %s is compared with a %s, which is never true", it, t), "a "+it.String())
		}
		op := cmps[c.op]
		return func(f *frame) Value {
			a, b := input(f), x(f)
			v := f.st.compare(op, a, b)
			if v == nil && f.st.notes != nil {
				f.st.note(c.at, fmt.Sprintf("%s and %s can't be compared", brief(a), brief(b)))
			}
			return v
		}, TypeBoolean
	}
	x, t := p.plan(n, s)
	if usesInput(n) {
		return x, t
	}
	if k := testedKind(t); known(k) && known(it.kind()) && k != it.kind() && it.kind() != KindList && !(t.kind() == KindBoolean && !isConstant(n)) {
		p.problem(n.where(), fmt.Sprintf("%s is a %s, the input is a %s", quote(n.where().text()), k, it), "a "+it.String())
	}
	_, ranged := n.(*rangeOf)
	return func(f *frame) Value {
		v, in := x(f), input(f)
		if b, ok := v.(bool); ok {
			if _, is := in.(bool); !is {
				if isConstant(n) {
					return equal(in, v)
				}
				return b
			}
		}
		if v == nil && ranged {
			return nil
		}
		return f.st.contains(v, in)
	}, TypeBoolean
}

func testedKind(t *Type) Kind {
	for t.kind() == KindRange || t.kind() == KindList {
		t = t.Elem
	}
	return t.kind()
}

func isConstant(n Node) bool { _, ok := n.(*constant); return ok }

// reads says whether a name stands in an expression.
func reads(n Node, name string) bool {
	found := false
	Walk(n, func(n Node) bool {
		r, ok := n.(*nameRef)
		found = found || ok && r.name == name
		return !found
	})
	return found
}

// usesInput says whether an expression reads "?".
func usesInput(n Node) bool {
	found := false
	Walk(n, func(n Node) bool {
		if r, ok := n.(*nameRef); ok && r.name == "?" {
			found = true
		}
		_, nested := n.(*inTests)
		return !found && !nested
	})
	if in, ok := n.(*inTests); ok && !found {
		return usesInput(in.x)
	}
	return found
}

func (p *planner) in(n *inTests, s *scope) (code, *Type) {
	x, t := p.plan(n.x, s)
	inner := s.child()
	slot := inner.add("?", t)
	codes := make([]code, len(n.tests))
	for i, t := range n.tests {
		codes[i], _ = p.test(t, inner)
	}
	return func(f *frame) Value {
		v := x(f)
		result := Value(false)
		for _, c := range codes {
			f.slots[slot] = v
			switch c(f) {
			case true:
				return true
			case nil:
				result = nil
			}
		}
		return result
	}, TypeBoolean
}
