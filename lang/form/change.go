// SPDX-License-Identifier: EUPL-1.2

package form

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
)

// Change is what a change of answers did to one field.
type Change struct {
	Name  string // of the item; of what has no value, the component's id
	Page  string
	Field *Field
	// Appeared and Vanished tell of what is shown, Value of what counts. Options,
	// Text and Validity are told of what somebody has looked at (Page, Validate).
	Appeared, Vanished, Value, Options, Text, Validity bool
}

// Update puts other answers, and other words that couldn't be read, in the place of
// those that the view was made with, and tells what is different. Only expressions
// that read what has changed are evaluated. The view is then what Eval would have
// made of these answers, whatever came before. It takes the answers over.
func (v *View) Update(a Answers, raw map[string]string) []Change {
	old, oldRaw := v.in, v.ctx.Raw
	v.in, v.ctx.Raw = a, raw
	g := v.Form.graph
	grown := map[*Field]bool{}
	differs := func(name string) bool { return !same(get(old, name), get(a, name)) || oldRaw[name] != raw[name] }
	touch := func(f *Field, r *row) {
		v.mark(g.part[f][counts], r)
		if n := g.part[f][judges]; n != nil {
			v.mark(n, r)
		}
	}
	sameRaw := maps.Equal(oldRaw, raw)
	for _, l := range append([]*Field{nil}, g.lists...) {
		if l != nil && !v.fits(l) {
			v.rows[l], grown[l] = v.freshRows(l), true
			for _, x := range g.all {
				if x.list == l {
					v.size(x)
					v.todo[x.step] = mark{all: true}
				}
			}
			continue
		}
		for _, r := range v.rows[l] {
			if l != nil && sameRaw && same(get(old, r.name), get(a, r.name)) {
				continue
			}
			for _, f := range g.rows[l] {
				if differs(r.nameOf(f)) {
					touch(f, r)
				}
			}
		}
	}
	v.seen = map[string][]Item{}
	v.settle()
	out := v.changes(grown)
	v.stale, v.moved = nil, map[cell]bool{}
	return out
}

// Change is Update with another answer to one question; nil takes the answer away.
func (v *View) Change(name string, val any) []Change {
	a, _ := clone(v.in).(Answers)
	if a == nil {
		a = Answers{}
	}
	set(a, name, clone(val))
	raw := maps.Clone(v.ctx.Raw)
	delete(raw, name)
	return v.Update(a, raw)
}

// Answers are those that the view was made with. They aren't to be changed.
func (v *View) Answers() Answers { return v.in }

// Raw is what was typed and couldn't be read. It isn't to be changed.
func (v *View) Raw() map[string]string { return v.ctx.Raw }

// changes tells what is different, in the order of the document; of a list whose rows
// have become more or fewer only that.
func (v *View) changes(grown map[*Field]bool) []Change {
	type place struct {
		f *Field
		r *row
	}
	found := map[place]*Change{}
	at := func(f *Field, r *row) *Change {
		p := place{f, r}
		c := found[p]
		if c == nil {
			c = &Change{Name: f.ID, Page: f.Page, Field: f}
			if v.Form.graph.part[f][counts] != nil {
				c.Name = r.nameOf(f)
			}
			found[p] = c
		}
		return c
	}
	for c := range v.moved {
		n := c.vertex
		switch {
		case grown[n.list]:
		case n.part == counts:
			at(n.field, c.row).Value = true
		default:
			gone := v.isHidden(n, c.row)
			for _, f := range n.covers {
				for _, r := range v.under(c.row, listAround(f)) { // of a list that is hidden, all that stands in its rows
					if x := at(f, r); gone {
						x.Vanished = true
					} else {
						x.Appeared = true
					}
				}
			}
		}
	}
	for _, c := range v.stale {
		n := c.vertex
		old := v.looked[n.id][c.row.id]
		if old == nil {
			continue
		}
		v.looked[n.id][c.row.id] = nil
		if v.hidden(n.field, c.row) {
			continue
		}
		it := v.item(n.field, c.row)
		if n.part == judges {
			v.verdict(&it)
		}
		if reflect.DeepEqual(old, v.looked[n.id][c.row.id]) {
			continue
		}
		switch x := at(n.field, c.row); n.part {
		case chooses:
			x.Options = true
		case says:
			x.Text = true
		default:
			x.Validity = true
		}
	}
	places := slices.SortedFunc(maps.Keys(found), func(a, b place) int {
		return cmp.Or(a.f.Line-b.f.Line, a.f.Col-b.f.Col, a.r.id-b.r.id)
	})
	out := make([]Change, 0, len(places))
	for _, p := range places {
		out = append(out, *found[p])
	}
	return out
}

// ruling is what check said of an item.
type ruling struct {
	err   FieldError
	wrong bool
}

// verdict is check, asked once as long as nothing that it reads has changed.
func (v *View) verdict(it *Item) (FieldError, bool) {
	n := v.Form.graph.part[it.Field][judges]
	if n == nil {
		return FieldError{}, false
	}
	if r, ok := v.looked[n.id][it.row.id].(ruling); ok {
		return r.err, r.wrong
	}
	err, wrong := v.check(it)
	v.looked[n.id][it.row.id] = ruling{err, wrong}
	return err, wrong
}

// Moves tells whether an answer to this question can change what else its page
// shows: other questions, their options, texts, computed values.
func (f *Form) Moves(fd *Field) bool {
	if f.graph.part[fd] == nil || f.graph.part[fd][counts] == nil {
		return false
	}
	seen := map[*vertex]bool{}
	todo := []*vertex{f.graph.part[fd][counts]}
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, m := range n.out {
			if seen[m] {
				continue
			}
			seen[m] = true
			if m.field.Page == fd.Page && m.part != judges && (m.part != counts || m.field.Type == "expression" || m.field.defExpr != nil) {
				return true
			}
			todo = append(todo, m)
		}
	}
	return false
}

// Has tells whether a component of this type stands on the page, shown or not.
func (p *Page) Has(typ string) bool {
	has := false
	walk(p.Fields, func(f *Field) { has = has || f.Type == typ })
	return has
}

// History is a sequence of changes of one person's answers, through which somebody
// can go back and forth: the debugger's.
type History struct {
	view  *View
	steps []past
	at    int
}

type past struct {
	answers Answers
	raw     map[string]string
}

// NewHistory begins with these answers.
func (f *Form) NewHistory(a Answers, ctx Context) *History {
	return &History{view: f.Eval(a, ctx), steps: []past{{a, ctx.Raw}}}
}

// View is the form at the moment that the history stands at. It changes with it.
func (h *History) View() *View { return h.view }

// Len is how many moments there are; At is the one it stands at, from 0.
func (h *History) Len() int { return len(h.steps) }

// At is the moment that the history stands at, from 0.
func (h *History) At() int { return h.at }

// Add goes on from here with other answers. What came after here is forgotten.
func (h *History) Add(a Answers, raw map[string]string) []Change {
	h.steps = append(h.steps[:h.at+1], past{a, raw})
	h.at++
	return h.view.Update(a, raw)
}

// Go goes to another moment and tells what is different there.
func (h *History) Go(at int) []Change {
	h.at = max(0, min(at, len(h.steps)-1))
	return h.view.Update(h.steps[h.at].answers, h.steps[h.at].raw)
}
