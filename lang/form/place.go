// SPDX-License-Identifier: EUPL-1.2

package form

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"mercator/base/i18n"
)

// Place is where something stands in a form that is filled in: the field and, of each dynamic list around it, the row, from the
// outermost on. A dynamic list with a row of its own behind those around it is that row.
type Place struct {
	Field *Field
	Rows  []int
}

// Name is the place as posts, answers and errors write it: "households.0.persons.1.name".
func (p Place) Name() string {
	var b strings.Builder
	name := p.Field.Name
	if p.IsRow() {
		name += ".*"
	}
	for _, n := range p.Rows {
		before, after, _ := strings.Cut(name, "*")
		b.WriteString(before)
		b.WriteString(strconv.Itoa(n))
		name = after
	}
	b.WriteString(name)
	return b.String()
}

// IsRow tells whether it is a row of a dynamic list, not the list or what stands in the row.
func (p Place) IsRow() bool {
	return p.Field.Type == "dynamiclist" && len(p.Rows) > strings.Count(p.Field.Name, "*")
}

// Around is the row that a list or a question stands in; false: it stands in none.
func (p Place) Around() (Place, bool) {
	list := listAround(p.Field)
	if list == nil {
		return Place{}, false
	}
	return Place{list, p.Rows[:strings.Count(p.Field.Name, "*")]}, true
}

// list is the name of the list that a row is of, and the row's number.
func (p Place) list() (name string, row int) {
	last := len(p.Rows) - 1
	return Place{p.Field, p.Rows[:last]}.Name(), p.Rows[last]
}

// Title is what people call the place: a question with the rows that it stands in ("Person 2 von Haushalt 1: Vorname"), or a row.
func (p Place) Title(l *i18n.Localizer) string {
	lists := listsAround(p.Field)
	if p.IsRow() {
		lists = append(lists, p.Field)
	}
	rows := ""
	for i, list := range lists {
		row := l.T("form.row.entry", "label", list.Label.For(l.Lang()), "n", p.Rows[i]+1)
		if name := list.Row.For(l.Lang()); name != "" {
			row = l.T("form.row.named", "name", name, "n", p.Rows[i]+1)
		}
		if rows != "" {
			row = l.T("form.row.of", "row", row, "around", rows)
		}
		rows = row
	}
	label := p.Field.Label.For(l.Lang())
	switch {
	case p.IsRow():
		return rows
	case rows == "" || label == "":
		return label
	}
	return l.T("form.row.label", "row", rows, "label", label)
}

// Place is where the item stands; only of what has a name.
func (it *Item) Place() Place { return Place{it.Field, it.row.place()} }

// RowAt is a row of a dynamic list, by its number.
func (it *Item) RowAt(n int) Place { return Place{it.Field, append(it.row.place(), n)} }

// place are the numbers of the row and of those around it.
func (r *row) place() []int {
	if r.up == nil {
		return nil
	}
	return append(r.up.place(), r.at)
}

// Place reads what Name writes; false: the form has no such place.
func (f *Form) Place(name string) (Place, bool) {
	if len(name) > maxName {
		return Place{}, false
	}
	var p Place
	parts := strings.Split(name, ".")
	for i, part := range parts {
		switch {
		case i > 0 && isIndex(part):
			n, _ := strconv.Atoi(part)
			p.Rows = append(p.Rows, n)
			parts[i] = "*"
		case part == "*": // of every row
			return Place{}, false
		}
	}
	pattern := strings.Join(parts, ".")
	p.Field = f.keys[pattern]
	if p.Field == nil {
		list, isRow := strings.CutSuffix(pattern, ".*")
		if p.Field = f.keys[list]; !isRow || p.Field == nil || p.Field.Type != "dynamiclist" {
			return Place{}, false
		}
	}
	return p, true
}

// Field finds a field by its name; "children.0.name" finds the field of every row.
func (f *Form) Field(name string) *Field {
	if g := f.keys[name]; g != nil {
		return g
	}
	if p, ok := f.Place(name); ok && !p.IsRow() {
		return p.Field
	}
	return nil
}

// At is the answer that stands at a name, nil if there is none.
func At(a Answers, name string) any { return get(a, name) }

// There tells whether the rows around a place are there, among the answers or among those that their lists begin with.
func (p Place) There(a Answers) bool {
	for i, l := range listsAround(p.Field) {
		rows, given := get(a, Place{l, p.Rows[:i]}.Name()).([]any)
		if n := len(rows); given && p.Rows[i] >= n || !given && p.Rows[i] >= l.DefaultRows {
			return false
		}
	}
	return true
}

// With is a copy of answers with another one at a place (nil: none), whose rows are there.
func (f *Form) With(a Answers, p Place, val any) Answers {
	out, _ := clone(a).(Answers)
	if out == nil {
		out = Answers{}
	}
	if f.rowsOf(out).open(out, p) == "" {
		set(out, p.Name(), val)
	}
	return out
}

func isIndex(s string) bool {
	if s == "" || len(s) > 3 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s == "0" || s[0] != '0'
}

// below is the name of a field among the values of its row, or of the form if it stands in none.
func (f *Field) below() string {
	if i := strings.LastIndex(f.Name, ".*."); i >= 0 {
		return f.Name[i+len(".*."):]
	}
	return f.Name
}

// listAround is the dynamic list that a field stands in, or nil.
func listAround(f *Field) *Field {
	for p := f.Parent; p != nil; p = p.Parent {
		if p.Type == "dynamiclist" {
			return p
		}
	}
	return nil
}

// listsAround are the dynamic lists around a field, from the outermost on.
func listsAround(f *Field) []*Field {
	l := listAround(f)
	if l == nil {
		return nil
	}
	return append(listsAround(l), l)
}

// row is a row of a dynamic list as one person has it, or the form itself, around all of them.
type row struct {
	list *Field // nil: the form itself
	up   *row   // the row, or the form, that its list stands in
	at   int    // in its list there
	id   int    // among all rows of the list, those in other rows included
	name string // as Place writes it; "" of the form itself
	vars map[string]any
}

// nameOf is the name of a field in this row.
func (r *row) nameOf(f *Field) string { return join(r.name, f.below()) }

// within is the row of a list around, or the form (nil), that this row stands in, or is.
func (r *row) within(list *Field) *row {
	for r.list != list && r.up != nil {
		r = r.up
	}
	return r
}

// find is what an expression in this row means by a name: what the row has, what the rows around it have, what the form has.
func (r *row) find(name string) map[string]any {
	for ; r.up != nil; r = r.up {
		if _, ok := r.vars[name]; ok {
			break
		}
	}
	return r.vars
}

// rowsOf counts the rows of each list in answers, those in all rows of the lists around it together.
func (f *Form) rowsOf(a Answers) rowCount {
	c := rowCount{}
	if len(f.graph.lists) == 0 {
		return c
	}
	c.add(f.graph, nil, a)
	return c
}

// rowCount is how many rows of a list there are. None has more than MaxRows.
type rowCount map[*Field]int

func (c rowCount) add(g *graph, list *Field, in map[string]any) {
	for _, l := range g.rows[list] {
		if l.Type != "dynamiclist" {
			continue
		}
		rows, _ := get(in, l.below()).([]any)
		c[l] += len(rows)
		for _, r := range rows {
			if m, ok := r.(map[string]any); ok {
				c.add(g, l, m)
			}
		}
	}
}

// open makes the rows that a place stands in, with those that its lists begin with. It makes none, and names the list, if one of
// them would have too many.
func (c rowCount) open(a Answers, p Place) (full string) {
	lists := listsAround(p.Field)
	type step struct {
		name string
		rows []any
		more int
	}
	steps := make([]step, len(lists))
	for i, l := range lists {
		s := step{name: Place{l, p.Rows[:i]}.Name()}
		rows, given := get(a, s.name).([]any)
		want := p.Rows[i] + 1
		if !given {
			want = max(want, l.DefaultRows)
		}
		if s.rows, s.more = rows, max(want-len(rows), 0); s.more > 0 && c[l]+s.more > MaxRows {
			return s.name
		}
		steps[i] = s
	}
	for i, s := range steps {
		if s.more == 0 {
			continue
		}
		for range s.more {
			s.rows = append(s.rows, map[string]any{})
		}
		c[lists[i]] += s.more
		set(a, s.name, s.rows)
	}
	return ""
}

// Names of the buttons of a dynamic list in a post.
const (
	AddRow    = "_add"    // name of the list that gets a row: "households.0.persons"
	RemoveRow = "_remove" // name of the row that goes: "households.0.persons.1"
)

// Pressed is a button that adds a row to a dynamic list, or takes one away.
type Pressed struct {
	At Place // the list that gets a row, or the row that goes
	ok bool
}

// Pressed is the button of a list on these pages that was pressed, if one was.
func (f *Form) Pressed(pages []string, in url.Values) Pressed {
	for _, name := range [...]string{AddRow, RemoveRow} {
		p, ok := f.Place(in.Get(name))
		if ok && p.Field.Type == "dynamiclist" && p.IsRow() == (name == RemoveRow) && slices.Contains(pages, p.Field.Page) && p.Field.AllowAddRemove {
			return Pressed{p, true}
		}
	}
	return Pressed{}
}

// Name is the list or the row that the button is of, "" if none was pressed.
func (p Pressed) Name() string {
	if !p.ok {
		return ""
	}
	return p.At.Name()
}

// full tells whether the page has no room for one more row.
func (p Pressed) full(v *View) bool {
	if p.At.IsRow() {
		return false
	}
	it, _, _ := v.Item(p.Name())
	return it.Full
}

// do adds the row or takes it away; false: there is no room for more.
func (p Pressed) do(a Answers, count rowCount) bool {
	l, around := p.At.Field, p.At.Rows[:strings.Count(p.At.Field.Name, "*")]
	if count.open(a, Place{l, around}) != "" {
		return false
	}
	name := Place{l, around}.Name()
	rows, given := get(a, name).([]any)
	if !given { // those that were shown
		for range min(l.DefaultRows, MaxRows-count[l]) {
			rows = append(rows, map[string]any{})
		}
		count[l] += len(rows)
	}
	if !p.At.IsRow() {
		if count[l] >= MaxRows {
			return false
		}
		set(a, name, append(rows, map[string]any{}))
		return true
	}
	if _, at := p.At.list(); at < len(rows) {
		set(a, name, append(rows[:at:at], rows[at+1:]...))
	}
	return true
}

// Renamed is what a name is called after a row was taken away: rows behind it move up. "": it has gone with the row.
func (p Pressed) Renamed(name string) string {
	if !p.ok || !p.At.IsRow() {
		return name
	}
	return Without(p.Name(), name)
}

// Without is what a name is called after a row ("households.0.persons.1") was taken away, as Renamed says.
func Without(row, name string) string {
	list, last, _ := cutLast(row)
	gone, err := strconv.Atoi(last)
	if err != nil {
		return name
	}
	rest, in := strings.CutPrefix(name, list+".")
	num, tail, deeper := strings.Cut(rest, ".")
	if !in || !isIndex(num) {
		return name
	}
	n, _ := strconv.Atoi(num)
	switch {
	case n < gone:
		return name
	case n == gone:
		return ""
	}
	name = list + "." + strconv.Itoa(n-1)
	if deeper {
		name += "." + tail
	}
	return name
}

// Renamed is a map by names after a button was pressed; what has gone with a row isn't in it.
func Renamed[T any](m map[string]T, p Pressed) map[string]T {
	if !p.ok || !p.At.IsRow() || m == nil {
		return m
	}
	out := make(map[string]T, len(m))
	for name, x := range m {
		if name = p.Renamed(name); name != "" {
			out[name] = x
		}
	}
	return out
}

// Goes is where the person goes on after a button was pressed: the new row, what stands in the place of the row that has gone, or
// the list if it has none. "": no button was.
func (p Pressed) Goes(v *View) string {
	if !p.ok {
		return ""
	}
	name, at := p.At.Name(), MaxRows
	if p.At.IsRow() {
		name, at = p.At.list()
	}
	if it, _, ok := v.Item(name); ok && len(it.Rows) > 0 {
		name += "." + strconv.Itoa(min(at, len(it.Rows)-1))
	}
	return name
}
