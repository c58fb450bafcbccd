// SPDX-License-Identifier: EUPL-1.2

package xpath

import "fmt"

// A back-reference can't be matched in linear time in general. It can where its group
// matches only a few texts that are known beforehand, which is what people use it for:
//
//	(['"])[^'"]*\1   becomes   (?:(['])[^'"]*['] | (["])[^'"]*["])
//
// The alternatives keep the order in which the group would have tried them, so the
// match is the same one. Everything else is refused by name.

// text is one way for a group to match: the piece that replaces the group's content,
// and what a back-reference then matches.
type text struct {
	n   *node
	ref []set
}

// resolve replaces the back-references of root, group by group in the order in
// which they close, so that a group which holds a back-reference has lost it when its turn comes.
func (p *parser) resolve(root *node) (*node, *Error) {
	referred := 0
	for _, g := range p.order {
		if !p.referred[g] {
			continue
		}
		ref := findRef(root, g)
		name := fmt.Sprintf(`back-reference \%d`, g)
		if referred++; referred > maxReferred {
			return nil, &Error{Pattern: p.pattern, Pos: ref.pos, Construct: name, Msg: fmt.Sprintf("more than %d groups are referred back to", maxReferred)}
		}
		r := &resolver{group: g, fold: p.fold, left: maxSize}
		root = r.walk(root)
		if r.why == "" && findRef(root, g) != nil {
			r.why = fmt.Sprintf("group %d may have matched nothing, or something else, when it is referred to", g)
		}
		if r.why != "" {
			return nil, &Error{Pattern: p.pattern, Pos: ref.pos, Construct: name, Msg: r.why}
		}
		if size(root) > maxSize {
			return nil, &Error{Pattern: p.pattern, Pos: ref.pos, Construct: name, Msg: "written out, the expression is too large"}
		}
	}
	return root, nil
}

// findRef finds a back-reference to group g.
func findRef(n *node, g int) *node {
	if n.op == opBackref && n.n == g {
		return n
	}
	for _, s := range n.subs {
		if r := findRef(s, g); r != nil {
			return r
		}
	}
	return nil
}

// always says that n can't be passed without passing group g exactly once.
func always(n *node, g int) bool {
	switch n.op {
	case opCapture:
		return n.n == g || always(n.subs[0], g)
	case opConcat:
		for _, s := range n.subs {
			if always(s, g) {
				return true
			}
		}
	case opRepeat:
		return n.min == 1 && n.max == 1 && always(n.subs[0], g)
	}
	return false
}

// find gives the node of group g.
func find(n *node, g int) *node {
	if n.op == opCapture && n.n == g {
		return n
	}
	for _, s := range n.subs {
		if c := find(s, g); c != nil {
			return c
		}
	}
	return nil
}

type resolver struct {
	group int
	fold  bool
	left  int // how much larger the expression may become
	why   string
}

// walk replaces the references in every concatenation that passes the group first.
func (r *resolver) walk(n *node) *node {
	if r.why != "" || findRef(n, r.group) == nil {
		return n
	}
	if n.op == opConcat {
		for j, s := range n.subs {
			tail := concat(n.subs[j:]...)
			if !always(s, r.group) || findRef(tail, r.group) == nil {
				continue
			}
			texts := r.texts(find(s, r.group).subs[0])
			if r.why != "" {
				return n
			}
			if r.left -= len(texts) * size(tail); r.left < 0 {
				r.why = "written out, the expression is too large"
				return n
			}
			ways := make([]*node, len(texts))
			for i, t := range texts {
				ways[i] = r.put(tail, t)
			}
			var all *node
			switch len(ways) {
			case 0: // the group can match nothing at all
				all = &node{op: opSet}
			case 1:
				all = ways[0]
			default:
				all = &node{op: opAlt, subs: ways}
			}
			return concat(append(append([]*node(nil), n.subs[:j]...), all)...)
		}
	}
	m := *n
	m.subs = make([]*node, len(n.subs))
	for i, s := range n.subs {
		m.subs[i] = r.walk(s)
	}
	return &m
}

// put replaces the group's content and the references to it in n.
func (r *resolver) put(n *node, t text) *node {
	switch {
	case n.op == opCapture && n.n == r.group:
		return &node{op: opCapture, n: n.n, subs: []*node{t.n}}
	case n.op == opBackref && n.n == r.group:
		pieces := make([]*node, len(t.ref))
		for i, s := range t.ref {
			pieces[i] = &node{op: opSet, set: s}
		}
		return concat(pieces...)
	case len(n.subs) == 0:
		return n
	}
	m := *n
	m.subs = make([]*node, len(n.subs))
	for i, s := range n.subs {
		m.subs[i] = r.put(s, t)
	}
	return &m
}

// texts lists what n can match, in the order of preference.
func (r *resolver) texts(n *node) []text {
	if r.why != "" {
		return nil
	}
	switch n.op {
	case opSet:
		return r.letters(n.set)
	case opConcat:
		out := []text{{n: concat()}}
		for _, s := range n.subs {
			out = r.product(out, r.texts(s))
		}
		return out
	case opAlt:
		var out []text
		for _, s := range n.subs {
			out = append(out, r.texts(s)...)
		}
		return r.few(out)
	case opRepeat:
		return r.repeated(n)
	case opCapture:
		out := r.texts(n.subs[0])
		for i, t := range out {
			out[i].n = &node{op: opCapture, n: n.n, subs: []*node{t.n}}
		}
		return out
	case opBackref:
		r.why = fmt.Sprintf("group %d itself refers back to another group", r.group)
		return nil
	}
	return []text{{n: n}} // empty, ^ and $ match the empty text
}

// few refuses too many texts.
func (r *resolver) few(texts []text) []text {
	if len(texts) > maxTexts && r.why == "" {
		r.why = fmt.Sprintf("group %d can match more than %d different texts, so it can't be compared in linear time", r.group, maxTexts)
	}
	if r.why != "" {
		return nil
	}
	return texts
}

// letters lists the characters of a set; case-variants count as one under flag i.
func (r *resolver) letters(s set) []text {
	if s.count(4*maxTexts) > 4*maxTexts {
		return r.few(make([]text, maxTexts+1))
	}
	var out []text
	var done set
	for _, p := range s {
		for c := p.lo; c <= p.hi; c++ {
			if done.has(c) {
				continue
			}
			same := chars(c)
			if r.fold {
				same = (&folder{}).fold(same)
			}
			done = union(done, same)
			out = append(out, text{n: &node{op: opSet, set: same.intersect(s)}, ref: []set{same}})
		}
	}
	return r.few(out)
}

// product joins every text of a with every text of b.
func (r *resolver) product(a, b []text) []text {
	if len(a)*len(b) > maxTexts {
		return r.few(make([]text, maxTexts+1))
	}
	var out []text
	for _, x := range a {
		for _, y := range b {
			if len(x.ref)+len(y.ref) > maxLength {
				r.why = fmt.Sprintf("group %d is too long to be written out", r.group)
				return nil
			}
			out = append(out, text{n: concat(x.n, y.n), ref: append(append([]set(nil), x.ref...), y.ref...)})
		}
	}
	return out
}

// repeated lists what a repetition can match.
func (r *resolver) repeated(n *node) []text {
	if n.max < 0 || n.max > maxTexts {
		return r.few(make([]text, maxTexts+1))
	}
	sub := r.texts(n.subs[0])
	out := []text{{n: concat()}} // what the last of the repetitions match, from the right
	for k := n.max; k >= 1 && r.why == ""; k-- {
		next := r.product(sub, out)
		switch {
		case k > n.min: // the k-th may be left out, and all after it
			stop := []text{{n: concat()}}
			if n.lazy {
				out = append(stop, next...)
			} else {
				out = append(next, stop...)
			}
		default:
			out = next
		}
		out = r.few(out)
	}
	return out
}
