// SPDX-License-Identifier: EUPL-1.2

package xpath

import (
	"regexp/syntax"
	"unicode/utf8"
)

// machine runs a program of package regexp/syntax in two cases that package regexp isn't
// made for. Under flag m, in a text that ends with a newline, there is no line behind that
// newline, so neither ^ nor $ holds there (F&O 3.1, 5.6.2). And where every match may look
// to the end of a long text, all matches take the square of its length, which nobody can
// tell beforehand: here the work is counted as it is done.
//
// It is Thompson's simulation: every place of the program at once, in the order of
// preference, one character after the other; time is length × program.
type machine struct {
	prog      *syntax.Prog
	now, next *queue
	spend     func(int) // told of the work; it may panic to end it
}

func newMachine(prog *syntax.Prog, spend func(int)) *machine {
	q := func() *queue { return &queue{seen: make([]uint32, len(prog.Inst))} }
	return &machine{prog, q(), q(), spend}
}

type thread struct {
	pc  uint32
	cap []int
}

// queue holds the threads of one position, each place of the program once.
type queue struct {
	seen    []uint32 // generation in which the place was added
	gen     uint32
	threads []thread
	work    int // places visited
}

func (q *queue) clear() {
	q.gen++
	q.threads = q.threads[:0]
}

// find gives the leftmost match at or behind from, with its captures, or nil.
func (v *machine) find(s string, from int) []int {
	now, next := v.now, v.next
	now.clear()
	var match []int
	for pos := from; ; {
		r, width := rune(-1), 0
		if pos < len(s) {
			r, width = utf8.DecodeRuneInString(s[pos:])
		}
		if match == nil {
			start := make([]int, v.prog.NumCap)
			start[0] = pos + 1
			v.add(now, uint32(v.prog.Start), s, pos, start)
		}
		if now.work >= 1024 {
			v.spend(now.work / 4)
			now.work = 0
		}
		next.clear()
		for _, t := range now.threads {
			inst := &v.prog.Inst[t.pc]
			if inst.Op == syntax.InstMatch {
				match = t.cap
				match[1] = pos + 1
				for i := range match {
					match[i]--
				}
				break // what follows is less preferred
			}
			if width > 0 && inst.MatchRune(r) {
				v.add(next, inst.Out, s, pos+width, t.cap)
			}
		}
		if width == 0 || match != nil && len(next.threads) == 0 {
			return match
		}
		now, next = next, now
		pos += width
	}
}

// add follows the program from pc to all places that read a character. Captures are
// held plus one, so that zero is "none", and copied where they change.
func (v *machine) add(q *queue, pc uint32, s string, pos int, cap []int) {
	type todo struct {
		pc  uint32
		cap []int
	}
	stack := []todo{{pc, cap}}
	for len(stack) > 0 {
		t := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for {
			if q.seen[t.pc] == q.gen {
				break
			}
			q.seen[t.pc] = q.gen
			q.work++
			inst := &v.prog.Inst[t.pc]
			switch inst.Op {
			case syntax.InstAlt, syntax.InstAltMatch:
				stack = append(stack, todo{inst.Arg, t.cap})
				t.pc = inst.Out
				continue
			case syntax.InstNop:
				t.pc = inst.Out
				continue
			case syntax.InstCapture:
				if int(inst.Arg) < len(t.cap) {
					t.cap = append([]int(nil), t.cap...)
					t.cap[inst.Arg] = pos + 1
				}
				t.pc = inst.Out
				continue
			case syntax.InstEmptyWidth:
				if holds(syntax.EmptyOp(inst.Arg), s, pos) {
					t.pc = inst.Out
					continue
				}
			case syntax.InstFail:
			case syntax.InstMatch:
				q.threads = append(q.threads, thread{t.pc, append([]int(nil), t.cap...)})
			default:
				q.threads = append(q.threads, thread(t))
			}
			break
		}
	}
}

// holds says whether all conditions of op are met at pos.
func holds(op syntax.EmptyOp, s string, pos int) bool {
	behind := pos == len(s) && pos > 0 && s[pos-1] == '\n'
	if op&syntax.EmptyBeginLine != 0 && (behind || pos > 0 && s[pos-1] != '\n') {
		return false
	}
	if op&syntax.EmptyEndLine != 0 && (behind || pos < len(s) && s[pos] != '\n') {
		return false
	}
	if op&syntax.EmptyBeginText != 0 && pos != 0 {
		return false
	}
	return op&syntax.EmptyEndText == 0 || pos == len(s)
}
