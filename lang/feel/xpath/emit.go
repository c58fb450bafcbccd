// SPDX-License-Identifier: EUPL-1.2

package xpath

import (
	"fmt"
	"regexp"
	"strings"
)

// size is about the number of instructions of the program that n becomes, at most a
// little more than maxSize.
func size(n *node) int {
	total := 1
	switch n.op {
	case opRepeat:
		sub := size(n.subs[0])
		total += n.min * sub
		if n.max < 0 {
			total += 1 + sub
		} else {
			total += (n.max - n.min) * (1 + sub)
		}
	default:
		for _, s := range n.subs {
			if total += size(s); total > maxSize {
				break
			}
		}
	}
	return min(total, maxSize+1)
}

// far says whether it may take to look far behind a match to know that it is one, as in
// "a.*b|a", where every "a" is held against the whole rest of the text. Only repetitions
// do that, but for one of a set that ends the expression: it ends where the match does.
func far(n *node, last bool) bool {
	switch n.op {
	case opRepeat:
		if n.max >= 0 && n.max <= 4 {
			return far(n.subs[0], false)
		}
		return !last || n.subs[0].op != opSet
	case opConcat, opAlt:
		for i, s := range n.subs {
			if far(s, last && (n.op == opAlt || i == len(n.subs)-1)) {
				return true
			}
		}
	case opCapture:
		return far(n.subs[0], last)
	}
	return false
}

// writer writes an expression for package regexp.
type writer struct {
	b      strings.Builder
	spans  int   // of all sets written so far
	labels []int // group number for each capture of the program, from 1
	lines  bool  // flag m
	wide   bool  // something is too large
	lazies bool  // a lazy repetition that can't be written
}

// write writes n. Everything it writes is one atom, or a sequence of them.
func (w *writer) write(n *node) {
	if w.wide || w.b.Len() > maxText || w.spans > maxSpans {
		w.wide = true
		return
	}
	switch n.op {
	case opSet:
		w.set(n)
	case opBegin:
		w.either(`(?m:^)`, `\A`)
	case opEnd:
		w.either(`(?m:$)`, `\z`)
	case opConcat:
		for _, s := range n.subs {
			if s.op == opAlt {
				w.atom(s)
			} else {
				w.write(s)
			}
		}
	case opAlt:
		for i, s := range n.subs {
			if i > 0 {
				w.b.WriteByte('|')
			}
			w.write(s)
		}
	case opRepeat:
		w.repeat(n)
	case opCapture:
		w.labels = append(w.labels, n.n)
		w.b.WriteByte('(')
		w.write(n.subs[0])
		w.b.WriteByte(')')
	}
}

func (w *writer) either(lines, text string) {
	if w.lines {
		w.b.WriteString(lines)
	} else {
		w.b.WriteString(text)
	}
}

// atom writes n so that a quantifier or a neighbour can follow.
func (w *writer) atom(n *node) {
	if n.op == opSet || n.op == opCapture {
		w.write(n)
		return
	}
	w.b.WriteString("(?:")
	w.write(n)
	w.b.WriteByte(')')
}

// repeat writes a repetition. Package regexp takes counts up to 1000, and only as long
// as nested counts multiply to no more; what is larger is written out in blocks.
func (w *writer) repeat(n *node) {
	sub, lazy := n.subs[0], ""
	if n.lazy {
		lazy = "?"
	}
	block := max(1, 1000/product(sub))
	suffix := func(s string) {
		w.atom(sub)
		w.b.WriteString(s + lazy)
	}
	switch {
	case n.max == 0:
		// The groups inside exist and match nothing.
		w.atom(sub)
		w.b.WriteString("{0}")
		return
	case n.min == 0 && n.max < 0:
		suffix("*")
		return
	case n.min == 1 && n.max < 0:
		suffix("+")
		return
	case n.min == 0 && n.max == 1:
		suffix("?")
		return
	case n.min == 1 && n.max == 1:
		w.atom(sub)
		return
	case max(n.min, n.max) <= block:
		if n.max < 0 {
			suffix(fmt.Sprintf("{%d,}", n.min))
		} else {
			suffix(fmt.Sprintf("{%d,%d}", n.min, n.max))
		}
		return
	}
	blocks := func(times int, format string) {
		for ; times > 0 && !w.wide; times -= block {
			suffix(fmt.Sprintf(format, min(times, block)))
		}
	}
	blocks(n.min, "{%d}")
	switch rest := n.max - n.min; {
	case n.max < 0:
		suffix("*")
	case rest > block && n.lazy && sub.op != opSet:
		w.lazies = true // blocks would try the ways in another order
	default:
		blocks(rest, "{0,%d}")
	}
}

// product is the largest product of nested counts in n, as it is written.
func product(n *node) int {
	most := 1
	for _, s := range n.subs {
		most = max(most, product(s))
	}
	if n.op == opRepeat {
		if count := max(n.min, n.max); count > 1 {
			most *= min(count, max(1, 1000/most))
		}
	}
	return most
}

// set writes the characters of a set.
func (w *writer) set(n *node) {
	s := n.set
	w.spans += len(s)
	switch {
	case n.src != "":
		w.b.WriteString(n.src)
		return
	case len(s) == 0:
		w.b.WriteString(`[^\x{0}-\x{10FFFF}]`)
		return
	case len(s) == 1 && s[0].lo == s[0].hi:
		w.b.WriteString(regexp.QuoteMeta(string(s[0].lo)))
		return
	}
	w.b.WriteByte('[')
	if s[0].lo == 0 && s[len(s)-1].hi == maxRune {
		if neg := s.negate(); len(neg) > 0 {
			w.b.WriteByte('^')
			s = neg
		}
	}
	for _, p := range s {
		fmt.Fprintf(&w.b, `\x{%X}`, p.lo)
		if p.hi > p.lo {
			fmt.Fprintf(&w.b, `-\x{%X}`, p.hi)
		}
	}
	w.b.WriteByte(']')
}
