// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"slices"
	"strings"
)

// The sound-check plays every choice of one scope and looks where tokens get stuck or
// pile up. A marking is how many tokens are on each flow; it is bounded, so a scope
// with very many parallel branches is checked only in part, as is a file with very many scopes.
const (
	maxMarkings = 3000
	maxWork     = 3_000_000 // elements looked at, in all scopes of a file
	pileUp      = 2
)

type marking struct {
	tokens string // one byte for each flow
	from   int    // the marking before, -1: none
	by     *Element
}

// sound checks the scope of a sub-process, or of the process for nil.
func (c *checker) sound(of *Element) {
	var all []*Element
	var flows []*Flow
	index := map[*Flow]int{}
	for _, e := range c.p.children(of) {
		if len(e.In)+len(e.Out) > 0 {
			all = append(all, e)
		}
		for _, f := range e.Out {
			index[f] = len(flows)
			flows = append(flows, f)
		}
	}
	if len(flows) == 0 || len(flows) > 500 {
		return
	}
	seen := map[string]bool{}
	var todo []marking
	reported := map[*Element]bool{}
	push := func(t []byte, from int, by *Element) {
		for i, n := range t {
			if n > 1 {
				if e := flows[i].To; n == pileUp && !reported[e] && len(e.In) > 0 && e.Kind != ParallelGateway {
					reported[e] = true
					c.add(Warning, e.Pos, e.ID, "pile-up", "two tokens can come to <%s> %q over %q, so that what follows happens twice: %s",
						e.Kind, e.ID, flows[i].ID, trail(todo, from, by))
				}
				if n > pileUp {
					t[i] = pileUp
				}
			}
		}
		k := string(t)
		if !seen[k] && len(todo) < maxMarkings {
			seen[k] = true
			todo = append(todo, marking{k, from, by})
		}
	}
	for _, e := range all {
		if e.Kind == StartEvent {
			for _, out := range outcomes(c.p, e) {
				t := make([]byte, len(flows))
				for _, f := range out {
					t[index[f]]++
				}
				push(t, -1, e)
			}
		}
	}
	for i := 0; i < len(todo); i++ {
		if c.work > maxWork {
			return
		}
		m := todo[i]
		tokens := []byte(m.tokens)
		stuck := map[*Element]bool{}
		moved := false
		for _, e := range all {
			if c.work++; e.Kind == InclusiveGateway {
				c.work += len(all) // it looks at all that leads to it
			}
			takes := takes(c.p, e, tokens, index, flows)
			if takes == nil {
				for _, f := range e.In {
					if tokens[index[f]] > 0 {
						stuck[e] = true
					}
				}
				continue
			}
			moved = true
			for _, take := range takes {
				base := slices.Clone(tokens)
				for _, f := range take {
					base[index[f]]--
				}
				if e.Kind == EndEvent && e.Trigger == Terminate {
					continue
				}
				for _, out := range outcomes(c.p, e) {
					t := slices.Clone(base)
					for _, f := range out {
						t[index[f]]++
					}
					push(t, i, e)
				}
			}
		}
		if moved || len(stuck) == 0 {
			continue
		}
		for _, e := range all {
			if !stuck[e] || reported[e] {
				continue
			}
			reported[e] = true
			var missing []string
			for _, f := range e.In {
				if tokens[index[f]] == 0 {
					missing = append(missing, f.ID)
				}
			}
			c.add(Error, e.Pos, e.ID, "deadlock", "<%s> %q can wait for ever for %s: %s", e.Kind, e.ID, strings.Join(missing, ", "), trail(todo, i, nil))
		}
	}
}

// takes are the ways in which an element can use up the tokens before it; nil: it can't.
func takes(p *Process, e *Element, tokens []byte, index map[*Flow]int, flows []*Flow) [][]*Flow {
	var have []*Flow
	for _, f := range e.In {
		if tokens[index[f]] > 0 {
			have = append(have, f)
		}
	}
	if len(have) == 0 {
		return nil
	}
	switch e.Kind {
	case ParallelGateway:
		if len(have) < len(e.In) {
			return nil
		}
		return [][]*Flow{have}
	case InclusiveGateway:
		if len(have) < len(e.In) {
			var empty []*Flow
			for _, f := range e.In {
				if tokens[index[f]] == 0 {
					empty = append(empty, f)
				}
			}
			toEmpty, toFilled := p.upstream(empty, e), p.upstream(have, e)
			for i, n := range tokens {
				if at := flows[i].To; n > 0 && at != e && toEmpty[at.ID] && !toFilled[at.ID] {
					return nil
				}
			}
		}
		return [][]*Flow{have}
	}
	out := make([][]*Flow, len(have))
	for i, f := range have {
		out[i] = []*Flow{f}
	}
	return out
}

// outcomes are the sets of flows that an element can take when it is left.
func outcomes(p *Process, e *Element) [][]*Flow {
	var out [][]*Flow
	var always, maybe []*Flow
	for _, f := range e.Out {
		if f.Condition == nil && f != e.Default {
			always = append(always, f)
		} else {
			maybe = append(maybe, f)
		}
	}
	switch {
	case e.Kind == ExclusiveGateway || e.Kind == EventBasedGateway:
		for _, f := range e.Out {
			out = append(out, []*Flow{f})
		}
	case e.Kind == ThrowEvent && e.Trigger == Link:
		if t := e.linked; t != nil {
			return outcomes(p, t)
		}
	case e.Kind == InclusiveGateway || len(maybe) > 0:
		for _, f := range maybe {
			out = append(out, append(slices.Clone(always), f))
		}
		if len(maybe) > 1 {
			out = append(out, e.Out)
		}
		if len(always) > 0 {
			out = append(out, always)
		}
	default:
		out = append(out, e.Out)
	}
	if len(e.Out) == 0 && len(out) == 0 {
		out = append(out, nil)
	}
	normal := len(out)
	for _, b := range e.Boundary {
		if b.Trigger == Compensate { // its handler runs on its own
			continue
		}
		for _, o := range outcomes(p, b) {
			if b.Interrupting {
				out = append(out, o)
				continue
			}
			for _, n := range out[:normal] {
				out = append(out, append(slices.Clone(n), o...))
			}
		}
	}
	return out
}

// trail names how a marking came about.
func trail(all []marking, i int, by *Element) string {
	var ids []string
	if by != nil {
		ids = append(ids, by.ID)
	}
	for ; i >= 0; i = all[i].from {
		ids = append(ids, all[i].by.ID)
	}
	slices.Reverse(ids)
	if len(ids) > 12 {
		ids = append(append(slices.Clone(ids[:6]), "…"), ids[len(ids)-5:]...)
	}
	return strings.Join(ids, " → ")
}
