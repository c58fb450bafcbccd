// SPDX-License-Identifier: EUPL-1.2

package form

import (
	"slices"
	"strings"

	"mercator/lang/feel"
)

// part is what a vertex of the graph settles about a field.
type part int

const (
	hides   part = iota // whether the field is hidden
	counts              // the value that counts: typed, known, default or computed
	chooses             // the options
	says                // a text with its expressions filled in
	judges              // whether the value is right
)

// vertex is one thing that a form settles about a field, of each row if the field
// stands in a dynamic list. hides and counts feed others and are settled at once;
// chooses, says and judges feed nobody and wait until somebody looks.
type vertex struct {
	id     int
	part   part
	field  *Field
	list   *Field  // the dynamic list that the field stands in
	up     *vertex // hides: of the group around; counts: whether the field is hidden; nil: never
	covers []*Field
	out    []*vertex // what has to be looked at again when this one changes
	step   int       // its place in the order
}

// step is what is settled together: one vertex, or a circle of them that read each other.
type step struct {
	members []*vertex
	circle  bool
}

// graph says which vertex reads which, and in what order they are settled. It is
// made when a form is parsed and doesn't change.
type graph struct {
	all   []*vertex
	steps []step
	hide  map[*Field]*vertex // of the field itself or of what it stands in; nil: never hidden
	part  map[*Field]*[5]*vertex
	rows  map[*Field][]*Field // what has a value in each row of a dynamic list, lists too; of nil: what stands in no row
	lists []*Field            // an outer one before those within it
}

func newGraph(f *Form) *graph {
	g := &graph{hide: map[*Field]*vertex{}, part: map[*Field]*[5]*vertex{}, rows: map[*Field][]*Field{}}
	g.add(f.Fields, nil, nil)
	// Who gives a value, by the first part of its name: in each list, and outside of them (nil).
	givers := map[*Field]map[string][]*vertex{}
	for _, n := range g.all {
		if n.part != counts {
			continue
		}
		if givers[n.list] == nil {
			givers[n.list] = map[string][]*vertex{}
		}
		top := valuePath(n.field)[0]
		givers[n.list][top] = append(givers[n.list][top], n)
	}
	link := func(from, to *vertex) {
		if !slices.Contains(from.out, to) {
			from.out = append(from.out, to)
		}
	}
	for _, n := range g.all {
		for _, path := range n.reads() {
			list := n.list
			for list != nil && givers[list][path[0]] == nil { // what the row hasn't, those around it may have
				list = listAround(list)
			}
			for _, giver := range givers[list][path[0]] {
				if overlap(valuePath(giver.field), path) {
					link(giver, n)
				}
			}
		}
		if n.up != nil {
			link(n.up, n)
		}
		own := g.part[n.field]
		switch n.part {
		case judges:
			link(own[counts], n)
			if own[chooses] != nil {
				link(own[chooses], n)
			}
		case counts:
			if n.list != nil {
				link(n, g.part[n.list][counts])
			}
		}
	}
	g.order()
	return g
}

// add makes the vertices of fields, in the order of the document.
func (g *graph) add(fields []*Field, up *vertex, list *Field) {
	for _, f := range fields {
		own := &[5]*vertex{}
		g.part[f] = own
		add := func(p part, up *vertex) *vertex {
			n := &vertex{id: len(g.all), part: p, field: f, list: list, up: up}
			g.all = append(g.all, n)
			own[p] = n
			return n
		}
		if f.hide != nil {
			g.hide[f] = add(hides, up)
		} else if up != nil {
			g.hide[f] = up
		}
		h := g.hide[f]
		if h != nil {
			h.covers = append(h.covers, f)
		}
		if f.Name != "" {
			add(counts, h)
			g.rows[list] = append(g.rows[list], f)
			if f.Type == "dynamiclist" {
				g.lists = append(g.lists, f)
			}
		}
		if f.optionsExpr != nil || f.valuesKey != "" {
			add(chooses, nil)
		}
		if len(f.pieces) > 0 || f.source != nil || len(f.url) > 0 {
			add(says, nil)
		}
		if f.Input() {
			add(judges, h)
		}
		below := list
		if f.Type == "dynamiclist" {
			below = f
		}
		g.add(f.Children, h, below)
	}
}

// valuePath is where a value stands among the variables, or among those of its row.
func valuePath(f *Field) []string { return strings.Split(f.below(), ".") }

// overlap tells whether one path is the beginning of the other.
func overlap(a, b []string) bool {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// expressions are those that settle the vertex.
func (n *vertex) expressions() []*feel.Program {
	f := n.field
	switch n.part {
	case hides:
		return []*feel.Program{f.hide}
	case counts:
		return []*feel.Program{f.compute, f.defExpr}
	case chooses:
		return []*feel.Program{f.optionsExpr}
	case judges:
		return []*feel.Program{f.check, f.minExpr, f.maxExpr}
	}
	out := []*feel.Program{f.source, f.columnsExpr}
	for _, p := range f.url {
		out = append(out, p.expr)
	}
	for _, pieces := range f.pieces {
		for _, p := range pieces {
			out = append(out, p.expr)
		}
	}
	return out
}

// reads are the paths of the variables that the expressions read.
func (n *vertex) reads() [][]string {
	var out [][]string
	for _, p := range n.expressions() {
		out = append(out, pathsOf(p)...)
	}
	if n.part == chooses && n.field.valuesKey != "" {
		out = append(out, strings.Split(n.field.valuesKey, "."))
	}
	return out
}

func pathsOf(p *feel.Program) [][]string {
	if p == nil {
		return nil
	}
	out := slices.Clone(p.Reads())
	for _, name := range p.FreeNames() {
		if !slices.ContainsFunc(out, func(path []string) bool { return path[0] == name }) {
			out = append(out, []string{name})
		}
	}
	return out
}

// order sorts the vertices so that each comes after those that it reads (Tarjan's
// algorithm); those that read each other form one step. The same form gives the same order.
func (g *graph) order() {
	index := make([]int, len(g.all)) // 0: not visited
	low := make([]int, len(g.all))
	on := make([]bool, len(g.all))
	var stack []*vertex
	next := 0
	var found []step
	// By hand, not by recursion: a form may be a chain of thousands.
	type frame struct {
		n *vertex
		i int
	}
	for _, root := range g.all {
		if index[root.id] != 0 {
			continue
		}
		calls := []frame{{n: root}}
		for len(calls) > 0 {
			c := &calls[len(calls)-1]
			n := c.n
			if c.i == 0 && index[n.id] == 0 {
				next++
				index[n.id], low[n.id], on[n.id] = next, next, true
				stack = append(stack, n)
			}
			if c.i < len(n.out) {
				m := n.out[c.i]
				c.i++
				if index[m.id] == 0 {
					calls = append(calls, frame{n: m})
				} else if on[m.id] {
					low[n.id] = min(low[n.id], index[m.id])
				}
				continue
			}
			if low[n.id] == index[n.id] {
				var s step
				for {
					m := stack[len(stack)-1]
					stack = stack[:len(stack)-1]
					on[m.id] = false
					s.members = append(s.members, m)
					if m == n {
						break
					}
				}
				s.circle = len(s.members) > 1 || slices.Contains(n.out, n)
				slices.SortFunc(s.members, func(a, b *vertex) int { return a.id - b.id })
				found = append(found, s)
			}
			calls = calls[:len(calls)-1]
			if len(calls) > 0 {
				up := calls[len(calls)-1].n
				low[up.id] = min(low[up.id], low[n.id])
			}
		}
	}
	slices.Reverse(found) // what is read comes before what reads it
	g.steps = found
	for i, s := range found {
		for _, n := range s.members {
			n.step = i
		}
	}
}
