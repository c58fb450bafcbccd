// SPDX-License-Identifier: EUPL-1.2

package bpmn

// Line is a line of an outline.
type Line struct {
	Element      string
	Name         string
	Kind         Kind
	Depth        int // 0: directly in the process
	Active, Done bool
	Next         []string // names of the ways on, where there are several
}

// Outline is a process as a list, in the order in which it is walked from its start:
// what a screen reader gets instead of the drawing.
func Outline(p *Process, active, done []string) []Line {
	isActive, isDone := set(active), set(done)
	var out []Line
	seen := map[*Element]bool{}
	var walk func(of *Element, depth int)
	walk = func(of *Element, depth int) {
		var todo []*Element
		for _, e := range p.children(of) {
			if e.Kind == StartEvent {
				todo = append(todo, e)
			}
		}
		all := p.children(of)
		for i := 0; len(todo) > 0 || i < len(all); {
			if len(todo) == 0 { // what no flow leads to comes last
				if !seen[all[i]] {
					todo = append(todo, all[i])
				}
				i++
				continue
			}
			e := todo[0]
			todo = todo[1:]
			if seen[e] {
				continue
			}
			seen[e] = true
			l := Line{Element: e.ID, Name: first(e.Name, e.ID), Kind: e.Kind, Depth: depth, Active: isActive[e.ID], Done: isDone[e.ID]}
			if len(e.Out) > 1 {
				for _, f := range e.Out {
					name := first(f.To.Name, f.To.ID)
					if f.Name != "" {
						name = f.Name + ": " + name
					}
					l.Next = append(l.Next, name)
				}
			}
			out = append(out, l)
			if e.Scope() && depth < maxDepth {
				walk(e, depth+1)
			}
			next := p.next(e) // one way to its end, then the next
			todo = append(append(make([]*Element, 0, len(next)+len(todo)), next...), todo...)
		}
	}
	walk(nil, 0)
	return out
}
