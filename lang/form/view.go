// SPDX-License-Identifier: EUPL-1.2

package form

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"mercator/lang/feel"
)

// Answers are the values that a person has given, by name; JSON only.
type Answers = map[string]any

// Context is what a form may know besides the answers.
type Context struct {
	// Vars are what expressions read besides the answers: registers, lists, person, case, service.
	Vars map[string]any
	// Raw is what was typed and couldn't be read, by name, word for word.
	Raw map[string]string
	// Lang is the language of the person; numbers are read and labels chosen by it.
	Lang string
	// Today is the legal day in the town.
	Today time.Time
	// Prefill: what registers know answers for the person and isn't asked: while an
	// application is filled in. Without it the answers count as they were given.
	Prefill bool
	// Elsewhere are answers that the person gives in another form of the same application, by name. They count here, before what a
	// register knows, and aren't asked again.
	Elsewhere map[string]any
	// Afresh are fields of which registers don't know any more what holds: they are asked.
	Afresh map[string]bool
	// Only restricts the form to the one field of this name: everything else is
	// neither asked nor checked nor taken.
	Only string
}

// Item is a field as one person meets it.
type Item struct {
	*Field
	Name      string   // with the rows' numbers, as Place writes it: "children.0.name"
	Value     any      // nil: no answer
	Raw       string   // typed and not understood
	Known     bool     // a register knows it: shown, not asked
	Elsewhere bool     // asked in another form of the same application: shown, not asked
	Options   []Option // of the person: fixed, or from an expression
	Text      Text     // content with its expressions filled in
	Shown     *Shown   // of a table, an image, an iframe, a document preview
	Items     []Item   // of a group
	Rows      [][]Item // of a dynamic list
	Full      bool     // a dynamic list that takes no more rows

	row *row // that it stands in
}

// Asked tells whether the person is asked for a value here.
func (it *Item) Asked() bool { return it.Input() && !it.Known && !it.Elsewhere && !it.ReadOnly }

// View is a form with the answers of one person. It serves one request: it isn't
// safe for several goroutines.
type View struct {
	Form *Form
	ctx  Context
	in   Answers // as given
	// rows are those of each dynamic list, those in all rows around it in one sequence; of nil: the form itself, whose variables
	// what stands in no row has.
	rows map[*Field][]*row
	feel map[string]feel.Value // variables of the form itself, as far as an expression has read them
	// state is what hides and counts have settled, by vertex and row.
	state [][]any
	// looked is what somebody has looked at (chooses, says, judges), by vertex and row; nil: nobody has.
	looked [][]any
	seen   map[string][]Item
	todo   []mark
	stale  []cell
	moved  map[cell]bool
	// evaluated counts expressions, for those who measure.
	evaluated int
	// torn are the fields in circles that contradict themselves with these answers.
	torn map[*Field]bool
}

// mark says what of a step has to be looked at again.
type mark struct {
	all  bool
	rows []*row
}

// cell is a vertex in one row.
type cell struct {
	vertex *vertex
	row    *row
}

// Eval looks at the form with these answers. It changes neither. Every expression
// that decides what is shown or counts is evaluated once, after what it reads.
func (f *Form) Eval(a Answers, ctx Context) *View {
	v := bare(make(map[string]any, len(ctx.Vars)+len(f.keys)+1))
	v.Form, v.ctx, v.in = f, ctx, a
	v.seen, v.moved, v.torn = map[string][]Item{}, map[cell]bool{}, map[*Field]bool{}
	g := f.graph
	vars := v.root().vars
	maps.Copy(vars, ctx.Vars)
	if !ctx.Today.IsZero() {
		vars[dayName] = ctx.Today.Format(time.DateOnly)
	}
	for name := range f.keys { // a form's own names hide those of the house
		top, _, _ := strings.Cut(name, ".")
		vars[top] = nil
	}
	for _, fd := range g.rows[nil] {
		put(vars, fd.Name, nil)
	}
	for _, l := range g.lists {
		v.rows[l] = v.freshRows(l)
	}
	v.state, v.looked, v.todo = make([][]any, len(g.all)), make([][]any, len(g.all)), make([]mark, len(g.steps))
	for _, n := range g.all {
		v.size(n)
	}
	for i := range v.todo {
		v.todo[i].all = true
	}
	v.settle()
	v.stale, v.moved = nil, map[cell]bool{}
	return v
}

// bare is a view of nothing but variables.
func bare(vars map[string]any) *View {
	return &View{rows: map[*Field][]*row{nil: {{vars: vars}}}, feel: map[string]feel.Value{}}
}

// root is the form itself, outside of all rows.
func (v *View) root() *row { return v.rows[nil][0] }

// freshRows are the rows of a list with these answers, in the order of the document, before anything is settled in them.
func (v *View) freshRows(list *Field) []*row {
	g := v.Form.graph
	var rows []*row
	for _, up := range v.rows[listAround(list)] {
		name := up.nameOf(list)
		for at := range min(v.given(list, name), MaxRows-len(rows)) {
			r := &row{list: list, up: up, at: at, id: len(rows), name: name + "." + strconv.Itoa(at), vars: make(map[string]any, len(g.rows[list]))}
			for _, f := range g.rows[list] {
				put(r.vars, f.below(), nil)
			}
			rows = append(rows, r)
		}
	}
	return rows
}

// given is how many rows of a dynamic list were answered, or how many it begins with.
func (v *View) given(list *Field, name string) int {
	if l, ok := get(v.in, name).([]any); ok {
		return len(l)
	}
	return list.DefaultRows
}

// fits tells whether the view has the rows that a list has with these answers.
func (v *View) fits(list *Field) bool {
	rows, i := v.rows[list], 0
	for _, up := range v.rows[listAround(list)] {
		for at := range min(v.given(list, up.nameOf(list)), MaxRows-i) {
			if i >= len(rows) || rows[i].up != up || rows[i].at != at {
				return false
			}
			i++
		}
	}
	return i == len(rows)
}

// under are the rows of a list that stand in a row, at any depth; the row itself if it is of the list.
func (v *View) under(r *row, list *Field) []*row {
	if r.up == nil {
		return v.rows[list]
	}
	if r.list == list {
		return []*row{r}
	}
	var out []*row
	for _, x := range v.rows[list] {
		if x.within(r.list) == r {
			out = append(out, x)
		}
	}
	return out
}

// size gives a vertex its room: a place for each row.
func (v *View) size(n *vertex) {
	rows := len(v.rows[n.list])
	if n.part == hides || n.part == counts {
		v.state[n.id] = make([]any, rows)
	} else {
		v.looked[n.id] = make([]any, rows)
	}
}

// settle goes through the steps in their order and looks at what is marked. What
// changes marks what reads it, which comes later.
func (v *View) settle() {
	for i := range v.todo {
		m := v.todo[i]
		if !m.all && len(m.rows) == 0 {
			continue
		}
		v.todo[i] = mark{}
		s := v.Form.graph.steps[i]
		if s.circle {
			v.circle(s)
			continue
		}
		n := s.members[0]
		rows := m.rows
		if m.all {
			rows = v.rows[n.list]
		}
		for _, row := range rows {
			if n.part > counts {
				v.forget(n, row)
				continue
			}
			if val := v.look(n, row, false); !same(v.state[n.id][row.id], val) {
				v.set(n, row, val)
				v.spread(n, row)
			}
		}
	}
}

// circle settles vertices that read each other. They begin as if nothing of them were
// hidden, computed or answered, and are looked at in the order of the document until
// nothing changes, so the outcome depends on what they read from outside alone and
// not on how it came about. A circle that finds no rest contradicts itself: then its
// conditions hide nothing, because a question too many can be answered and one that
// is missing can't. (Form.Check names such circles.)
func (v *View) circle(s step) {
	before := make([][]any, len(s.members))
	for i, n := range s.members {
		before[i] = slices.Clone(v.state[n.id])
		delete(v.torn, n.field)
		for _, row := range v.rows[n.list] {
			v.set(n, row, nil)
		}
	}
	round := func(shown bool) (calm bool) {
		calm = true
		for _, n := range s.members {
			for _, row := range v.rows[n.list] {
				if val := v.look(n, row, shown); !same(v.state[n.id][row.id], val) {
					v.set(n, row, val)
					calm = false
				}
			}
		}
		return calm
	}
	calm := false
	for i := 0; i < 8 && !calm; i++ {
		calm = round(false)
	}
	if !calm {
		for _, n := range s.members {
			v.torn[n.field] = true
		}
		round(true)
		round(true) // what is computed from what comes later
	}
	for i, n := range s.members {
		for _, row := range v.rows[n.list] {
			if !same(before[i][row.id], v.state[n.id][row.id]) {
				v.spread(n, row)
			}
		}
	}
}

// look settles a vertex anew. shown: own conditions don't count.
func (v *View) look(n *vertex, r *row, shown bool) any {
	f := n.field
	hidden := n.up != nil && v.isHidden(n.up, r)
	if n.part == hides {
		if hidden || shown {
			return hidden
		}
		h, _ := v.eval(f.hide, r).(bool)
		return h
	}
	name := r.nameOf(f)
	switch {
	case f.Type == "dynamiclist":
		if _, given := get(v.in, name).([]any); hidden || !given {
			return nil
		}
		out := []any{}
		for _, x := range v.under(r, f) {
			out = append(out, clone(x.vars))
		}
		return out
	case f.compute != nil:
		return v.eval(f.compute, r)
	case hidden:
		return nil
	}
	return v.answer(f, name, r)
}

// isHidden is what a vertex has settled for a row, or for those around it.
func (v *View) isHidden(n *vertex, r *row) bool {
	h, _ := v.state[n.id][r.within(n.list).id].(bool)
	return h
}

// hidden tells whether the person doesn't see the field.
func (v *View) hidden(f *Field, r *row) bool {
	n := v.Form.graph.hide[f]
	return n != nil && v.isHidden(n, r)
}

// set keeps what a vertex has settled, and puts values where expressions read them.
func (v *View) set(n *vertex, r *row, val any) {
	v.state[n.id][r.id] = val
	if n.part != counts {
		return
	}
	put(r.vars, n.field.below(), val)
	if r.up == nil {
		top, _, _ := strings.Cut(n.field.Name, ".")
		delete(v.feel, top)
	}
}

// spread marks what reads a vertex: in the same row, in the rows that stand in it, or in the row that it stands in.
func (v *View) spread(n *vertex, r *row) {
	v.moved[cell{n, r}] = true
	for _, m := range n.out {
		around := r.within(m.list)
		switch {
		case around.list == m.list:
			v.mark(m, around)
		case r.up == nil:
			v.todo[m.step] = mark{all: true}
		default:
			for _, x := range v.under(r, m.list) {
				v.mark(m, x)
			}
		}
	}
}

func (v *View) mark(n *vertex, r *row) {
	if m := &v.todo[n.step]; !m.all && !slices.Contains(m.rows, r) {
		m.rows = append(m.rows, r)
	}
}

// forget has something looked at again, if anybody has looked at all.
func (v *View) forget(n *vertex, r *row) {
	if v.looked[n.id][r.id] == nil {
		return
	}
	v.stale = append(v.stale, cell{n, r})
	for _, m := range n.out { // the options are part of what is judged
		v.mark(m, r)
	}
}

// same tells whether two values are the same.
func same(a, b any) bool {
	switch a := a.(type) {
	case nil, bool, string, json.Number, int, int64, float64:
		return a == b
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k, x := range a {
			if y, has := b[k]; !has || !same(x, y) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !same(a[i], b[i]) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(a, b)
}

func put(m map[string]any, name string, val any) {
	parts := strings.Split(name, ".")
	for _, p := range parts[:len(parts)-1] {
		next, ok := m[p].(map[string]any)
		if !ok {
			next = map[string]any{}
			m[p] = next
		}
		m = next
	}
	m[parts[len(parts)-1]] = val
}

// answer is the value of a field that is shown: what was answered elsewhere, what a register knows, what was
// typed, what its author has set.
func (v *View) answer(f *Field, name string, r *row) any {
	if val, there := v.ctx.Elsewhere[name]; there {
		return val
	}
	if val := v.known(f); val != nil {
		return val
	}
	if val := get(v.in, name); val != nil {
		return val
	}
	switch {
	case v.ctx.Raw[name] != "":
		return nil
	case f.Default != nil:
		return f.Default
	}
	return v.eval(f.defExpr, r)
}

// known is what a register, fetched with consent, says about the field.
func (v *View) known(f *Field) any {
	if f.Register == "" || !v.ctx.Prefill || v.ctx.Afresh[f.Name] {
		return nil
	}
	regs, _ := v.ctx.Vars["registers"].(map[string]any)
	if regs == nil {
		return nil
	}
	val := get(regs, f.Register)
	if s, ok := val.(string); ok && strings.TrimSpace(s) == "" {
		return nil
	}
	return val
}

// get follows a dotted name through objects and lists.
func get(m map[string]any, name string) any {
	var cur any = m
	for name != "" {
		var part string
		part, name, _ = strings.Cut(name, ".")
		switch c := cur.(type) {
		case map[string]any:
			cur = c[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(c) {
				return nil
			}
			cur = c[i]
		default:
			return nil
		}
	}
	return cur
}

// eval evaluates an expression in a row. An expression that fails at run time gives null, as FEEL has it.
func (v *View) eval(p *feel.Program, r *row) any {
	if p == nil {
		return nil
	}
	v.evaluated++
	val, err := p.EvalIn(feel.NewRun(feel.RunOptions{}), v.lookup(r))
	if err != nil {
		return nil
	}
	return feel.ToJSON(val)
}

// lookup gives expressions in a row their variables.
func (v *View) lookup(r *row) func(string) feel.Value {
	root := v.root()
	return func(name string) feel.Value {
		for x := r; x != root; x = x.up {
			if val, ok := x.vars[name]; ok {
				return feel.FromJSON(val)
			}
		}
		val, ok := v.feel[name]
		if !ok {
			val = feel.FromJSON(root.vars[name])
			v.feel[name] = val
		}
		return val
	}
}

// Evaluated is how many expressions have been evaluated so far.
func (v *View) Evaluated() int { return v.evaluated }

// Page is what the person sees of a page; empty if there is nothing. The list is
// the view's own.
func (v *View) Page(id string) []Item {
	if items, ok := v.seen[id]; ok {
		return items
	}
	p := v.Form.Page(id)
	if p == nil {
		return nil
	}
	items := v.items(p.Fields, p.titleField, v.root())
	asked := 0
	each(items, func(it *Item) {
		if it.Asked() {
			asked++
		}
	})
	each(items, func(it *Item) {
		if it.Type == "dynamiclist" && asked+rowSize(it.Field) > maxAsked {
			it.Full = true
		}
	})
	v.seen[id] = items
	return items
}

// rowSize is how many fields a new row of a list has.
func rowSize(list *Field) int {
	n := 0
	walk(list.Children, func(f *Field) {
		if listAround(f) != list {
			return
		}
		switch {
		case f.Input():
			n++
		case f.Type == "dynamiclist":
			n += f.DefaultRows * rowSize(f)
		}
	})
	return n
}

// Pages are the pages on which there is something to read or to answer, in their order.
func (v *View) Pages() []*Page {
	var out []*Page
	for _, p := range v.Form.pages {
		if hasInput(v.Page(p.ID)) {
			out = append(out, p)
		}
	}
	return out
}

func hasInput(items []Item) bool {
	for i := range items {
		if items[i].Input() || items[i].Type == "dynamiclist" || hasInput(items[i].Items) {
			return true
		}
	}
	return false
}

func (v *View) items(fields []*Field, skip *Field, r *row) []Item {
	var out []Item
	for _, f := range fields {
		if f == skip || v.hidden(f, r) {
			continue
		}
		it := v.item(f, r)
		if v.ctx.Only != "" && f.Type != "group" && f.Type != "dynamiclist" && it.Name != v.ctx.Only {
			continue
		}
		switch f.Type {
		case "group":
			if it.Items = v.items(f.Children, skip, r); len(it.Items) == 0 {
				continue
			}
		case "dynamiclist":
			it.Full = len(v.rows[f]) >= MaxRows
			for _, x := range v.under(r, f) {
				it.Rows = append(it.Rows, v.items(f.Children, skip, x))
			}
		}
		out = append(out, it)
	}
	return out
}

// item is a field that is shown, without what stands in it.
func (v *View) item(f *Field, r *row) Item {
	own := v.Form.graph.part[f]
	it := Item{Field: f, row: r}
	if n := own[counts]; n != nil {
		it.Name = r.nameOf(f)
		if f.Type != "dynamiclist" {
			it.Value = v.state[n.id][r.id]
		}
	}
	switch {
	case f.Input():
		if _, it.Elsewhere = v.ctx.Elsewhere[it.Name]; !it.Elsewhere {
			it.Known = v.known(f) != nil
			it.Raw = v.ctx.Raw[it.Name]
		}
		it.Options = v.options(f, r)
	case own[says] != nil:
		n := own[says]
		if v.looked[n.id][r.id] == nil {
			v.looked[n.id][r.id] = said{v.words(f, r), v.show(f, r)}
		}
		told := v.looked[n.id][r.id].(said)
		it.Text, it.Shown = told.text, told.shown
	default:
		it.Text = f.Content
	}
	return it
}

// said is what a component shows that asks nothing.
type said struct {
	text  Text
	shown *Shown
}

// options are the choices of a field for this person.
func (v *View) options(f *Field, r *row) []Option {
	n := v.Form.graph.part[f][chooses]
	if n == nil {
		return f.Options
	}
	if o, ok := v.looked[n.id][r.id].([]Option); ok {
		return o
	}
	out := v.choices(f, r)
	v.looked[n.id][r.id] = out
	return out
}

// choices are options that an expression or a list gives.
func (v *View) choices(f *Field, r *row) []Option {
	if f.optionsExpr != nil {
		return optionsOf(v.eval(f.optionsExpr, r))
	}
	for ; r != nil; r = r.up {
		if val := get(r.vars, f.valuesKey); val != nil {
			return optionsOf(val)
		}
	}
	return optionsOf(nil)
}

// optionsOf reads choices: values, or objects with value and label.
func optionsOf(val any) []Option {
	l, _ := val.([]any)
	out := make([]Option, 0, min(len(l), MaxOptions))
	for _, x := range l {
		if len(out) == MaxOptions {
			break
		}
		switch x := x.(type) {
		case map[string]any:
			o := Option{Value: x["value"], Label: Text{}}
			if o.Value == nil {
				continue
			}
			switch label := x["label"].(type) {
			case map[string]any:
				for lang, s := range label {
					o.Label[lang] = optionText(s)
				}
			case nil:
				o.Label["de"] = optionText(o.Value)
			default:
				o.Label["de"] = optionText(label)
			}
			out = append(out, o)
		case nil:
		default:
			out = append(out, Option{Value: x, Label: Text{"de": optionText(x)}})
		}
	}
	return out
}

// optionText is how a value stands in HTML and in a list of choices.
func optionText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		if v {
			return "true"
		}
		return "false"
	case json.Number:
		return v.String()
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// OptionText is an option's value as text: what HTML posts.
func (o Option) OptionText() string { return optionText(o.Value) }

// Visible are the names of the fields that the person sees.
func (f *Form) Visible(a Answers, ctx Context) map[string]bool {
	out := map[string]bool{}
	v := f.Eval(a, ctx)
	for _, p := range f.pages {
		each(v.Page(p.ID), func(it *Item) {
			if it.Name != "" {
				out[it.Name] = true
			}
		})
	}
	return out
}

// each visits every item, those of groups and rows too.
func each(items []Item, visit func(it *Item)) {
	for i := range items {
		visit(&items[i])
		each(items[i].Items, visit)
		for _, r := range items[i].Rows {
			each(r, visit)
		}
	}
}

// Each visits every item of a page, those of groups and rows too.
func Each(items []Item, visit func(it *Item)) { each(items, visit) }

// Item finds a visible item by its name on any page.
func (v *View) Item(name string) (it Item, page string, ok bool) {
	for _, p := range v.Form.pages {
		each(v.Page(p.ID), func(x *Item) {
			if !ok && x.Name == name && name != "" {
				it, page, ok = *x, p.ID, true
			}
		})
		if ok {
			return
		}
	}
	return
}

// Submission is what counts: the values of all visible fields, what registers
// know, and what is computed. What was hidden and sent anyway isn't in it.
func (v *View) Submission() Answers {
	out := Answers{}
	for _, p := range v.Form.pages {
		v.collect(v.Page(p.ID), "", out)
	}
	return out
}

// collect puts the values of items into an object; prefix is the beginning of their names that says which object it is.
func (v *View) collect(items []Item, prefix string, out Answers) {
	for i := range items {
		it := &items[i]
		name := strings.TrimPrefix(it.Name, prefix)
		switch {
		case it.Type == "group":
			v.collect(it.Items, prefix, out)
		case it.Type == "dynamiclist":
			rows := make([]any, 0, len(it.Rows))
			for j, r := range it.Rows {
				row := Answers{}
				v.collect(r, it.RowAt(j).Name()+".", row)
				rows = append(rows, row)
			}
			put(out, name, rows)
		case it.Name != "":
			val := it.Value
			if val == nil && it.Type == "checkbox" {
				val = false
			}
			put(out, name, val)
		}
	}
}
