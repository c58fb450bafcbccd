// SPDX-License-Identifier: EUPL-1.2

package form

import (
	"slices"
	"strings"
)

// longForm is from how many pages on a form is filled in from a list of its topics, unless its author says otherwise: up to
// there a progress bar tells as much.
const longForm = 8

// The states of a topic.
const (
	ToDo     = "todo"     // nothing of it is answered
	Begun    = "begun"    // something is missing or wrong
	Done     = "done"     // all that is asked is answered, and right
	Waits    = "waits"    // what it asks depends on topics that aren't done
	Unneeded = "unneeded" // nothing of it is asked with these answers
)

// Topic is a page in the list of a long form, as it stands with one person's answers.
type Topic struct {
	Page  *Page
	State string
	For   []*Page // of one that waits: what has to be done first
}

// TaskList tells whether the form is filled in from a list of its topics, to which every page leads back (property "tasks"
// of the form: list or pages).
func (f *Form) TaskList() bool {
	if f.tasks != "" {
		return f.tasks == "list"
	}
	return len(f.pages) >= longForm
}

// Topics are the pages that ask something, needed or not, in their order. A page is done when nothing of it is wrong and the
// person has been there: they have answered something, or sent it as it was (sent), or nothing was left to ask. It can't begin
// before the pages that it comes after (property "after"), and not before the questions of earlier pages are answered that
// decide what it asks. Only earlier pages count, so there is always one to go on with.
func (v *View) Topics(sent []string) []Topic {
	var out []Topic
	open := map[*Page]bool{} // what others may have to wait for
	shown := v.Pages()
	for _, p := range v.Form.pages {
		if !p.asks() {
			continue
		}
		t := Topic{Page: p}
		for _, id := range p.after {
			if first := v.Form.Page(id); open[first] {
				t.For = append(t.For, first)
			}
		}
		for _, f := range v.Form.needs[p] {
			if first := v.Form.Page(f.Page); open[first] && v.unanswered(f) && !slices.Contains(t.For, first) {
				t.For = append(t.For, first)
			}
		}
		switch {
		case len(t.For) > 0:
			t.State = Waits
		case !slices.Contains(shown, p):
			t.State = Unneeded
		default:
			t.State = v.progress(p, slices.Contains(sent, p.ID))
		}
		open[p] = t.State != Done && t.State != Unneeded
		out = append(out, t)
	}
	return out
}

// progress is the state of a page that is shown and can be filled in.
func (v *View) progress(p *Page, sent bool) string {
	asked := false
	each(v.Page(p.ID), func(it *Item) {
		if it.Asked() {
			asked = true
			sent = sent || get(v.in, it.Name) != nil || it.Raw != ""
		}
	})
	switch {
	case len(v.Validate(p.ID)) > 0 && sent:
		return Begun
	case len(v.Validate(p.ID)) > 0:
		return ToDo
	case sent || !asked:
		return Done
	}
	return ToDo
}

// unanswered tells whether a question that the person is asked has no answer yet.
func (v *View) unanswered(f *Field) bool {
	n := v.Form.graph.part[f][counts]
	return !f.ReadOnly && !v.hidden(f, v.root()) && v.known(f) == nil && v.state[n.id][0] == nil
}

// asks tells whether the page has questions at all.
func (p *Page) asks() bool {
	asks := false
	walk(p.Fields, func(f *Field) { asks = asks || f.Input() || f.Type == "dynamiclist" })
	return asks
}

// needsOf finds, for each page, the questions of earlier pages that decide what it shows or offers, by way of computed values
// and groups too. Questions in the rows of a list are left out: a list may have none.
func needsOf(f *Form) map[*Page][]*Field {
	in := map[*vertex][]*vertex{}
	for _, n := range f.graph.all {
		for _, m := range n.out {
			in[m] = append(in[m], n)
		}
	}
	place := map[string]int{}
	for i, p := range f.pages {
		place[p.ID] = i
	}
	out := map[*Page][]*Field{}
	for i, p := range f.pages {
		seen := map[*vertex]bool{}
		var todo []*vertex
		for _, n := range f.graph.all {
			if n.field.Page == p.ID && (n.part == hides || n.part == chooses) {
				todo = append(todo, n)
			}
		}
		for len(todo) > 0 {
			n := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			for _, m := range in[n] {
				switch {
				case seen[m]:
					continue
				case m.part == counts && m.field.Input():
					if m.list == nil && place[m.field.Page] < i {
						out[p] = append(out[p], m.field)
					}
				default:
					todo = append(todo, m)
				}
				seen[m] = true
			}
		}
		slices.SortFunc(out[p], func(a, b *Field) int { return strings.Compare(a.Name, b.Name) })
	}
	return out
}

// tasks finds what a form says wrongly of its list of topics.
func (c *checker) tasks() {
	for i, p := range c.form.pages {
		for _, id := range p.after {
			if at := slices.IndexFunc(c.form.pages, func(q *Page) bool { return q.ID == id }); at < 0 {
				c.add(p.Fields[0], "page %q comes after %q, which isn't a page of the form", p.ID, id)
			} else if at >= i {
				c.add(p.Fields[0], "page %q comes after %q, which stands behind it: put it before it", p.ID, id)
			}
		}
	}
	walk(c.form.Fields, func(f *Field) {
		for _, name := range [...]string{"section", "after"} {
			if _, ok := f.Props[name]; ok && (f.Parent != nil || c.form.Page(f.Page).Fields[0] != f) {
				c.add(f, "%s: property %q stands at the first component of a page", cmpName(f), name)
			}
		}
	})
}
