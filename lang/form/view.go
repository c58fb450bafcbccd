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
	Name      string   // with the row's number: "children.0.name"
	Value     any      // nil: no answer
	Raw       string   // typed and not understood
	Known     bool     // a register knows it: shown, not asked
	Elsewhere bool     // asked in another form of the same application: shown, not asked
	Options   []Option // of the person: fixed, or from an expression
	Text      Text     // content with its expressions filled in
	Shown     *Shown   // of a table, an image, an iframe, a document preview
	Items     []Item   // of a group
	Rows      [][]Item // of a dynamic list

	row int // that it stands in
}

// Asked tells whether the person is asked for a value here.
func (it *Item) Asked() bool { return it.Input() && !it.Known && !it.Elsewhere && !it.ReadOnly }

// View is a form with the answers of one person. It serves one request: it isn't
// safe for several goroutines.
type View struct {
	Form *Form
	ctx  Context
	in   Answers // as given
	vars map[string]any
	feel map[string]feel.Value       // of vars, as far as an expression has read them
	rows map[*Field][]map[string]any // variables of the rows of a dynamic list
	// state is what hides and counts have settled, by vertex and row; a field that stands
	// in no row has one.
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
	rows []int
}

// cell is a vertex in one row; 0 where there are none.
type cell struct {
	vertex *vertex
	row    int
}

// Eval looks at the form with these answers. It changes neither. Every expression
// that decides what is shown or counts is evaluated once, after what it reads.
func (f *Form) Eval(a Answers, ctx Context) *View {
	v := &View{Form: f, ctx: ctx, in: a, feel: map[string]feel.Value{}, rows: map[*Field][]map[string]any{}, seen: map[string][]Item{},
		moved: map[cell]bool{}, torn: map[*Field]bool{}}
	g := f.graph
	v.vars = make(map[string]any, len(ctx.Vars)+len(f.keys)+1)
	maps.Copy(v.vars, ctx.Vars)
	if !ctx.Today.IsZero() {
		v.vars[dayName] = ctx.Today.Format(time.DateOnly)
	}
	for name := range f.keys { // a form's own names hide those of the house
		top, _, _ := strings.Cut(name, ".")
		v.vars[top] = nil
	}
	for _, fd := range slices.Concat(g.named, g.lists) {
		put(v.vars, fd.Name, nil)
	}
	for _, l := range g.lists {
		v.rows[l] = freshRows(g, l, len(v.given(l)))
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

func freshRows(g *graph, list *Field, n int) []map[string]any {
	rows := make([]map[string]any, n)
	for i := range rows {
		rows[i] = make(map[string]any, len(g.rows[list]))
		for _, f := range g.rows[list] {
			put(rows[i], strings.Join(valuePath(f), "."), nil)
		}
	}
	return rows
}

// size gives a vertex its room: a place for each row.
func (v *View) size(n *vertex) {
	rows := 1
	if n.list != nil {
		rows = len(v.rows[n.list])
	}
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
			rows = nil
			for row := range v.room(n) {
				rows = append(rows, row)
			}
		}
		for _, row := range rows {
			if n.part > counts {
				v.forget(n, row)
				continue
			}
			if val := v.look(n, row, false); !same(v.state[n.id][row], val) {
				v.set(n, row, val)
				v.spread(n, row)
			}
		}
	}
}

func (v *View) room(n *vertex) int { return max(len(v.state[n.id]), len(v.looked[n.id])) }

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
		for row := range v.room(n) {
			v.set(n, row, nil)
		}
	}
	round := func(shown bool) (calm bool) {
		calm = true
		for _, n := range s.members {
			for row := range v.room(n) {
				if val := v.look(n, row, shown); !same(v.state[n.id][row], val) {
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
		for row := range v.room(n) {
			if row >= len(before[i]) || !same(before[i][row], v.state[n.id][row]) {
				v.spread(n, row)
			}
		}
	}
}

// look settles a vertex anew. shown: own conditions don't count.
func (v *View) look(n *vertex, row int, shown bool) any {
	f := n.field
	hidden := n.up != nil && v.isHidden(n.up, row)
	if n.part == hides {
		if hidden || shown {
			return hidden
		}
		h, _ := v.eval(f.hide, v.rowVars(n.list, row)).(bool)
		return h
	}
	switch {
	case f.Type == "dynamiclist":
		if _, given := get(v.in, f.Name).([]any); hidden || !given {
			return nil
		}
		out := make([]any, len(v.rows[f]))
		for i, r := range v.rows[f] {
			out[i] = clone(r)
		}
		return out
	case f.compute != nil:
		return v.eval(f.compute, v.rowVars(n.list, row))
	case hidden:
		return nil
	}
	return v.answer(f, v.nameIn(n, row), v.rowVars(n.list, row))
}

func (v *View) isHidden(n *vertex, row int) bool {
	if n.list == nil {
		row = 0
	}
	h, _ := v.state[n.id][row].(bool)
	return h
}

// hidden tells whether the person doesn't see the field.
func (v *View) hidden(f *Field, row int) bool {
	n := v.Form.graph.hide[f]
	return n != nil && v.isHidden(n, row)
}

// set keeps what a vertex has settled, and puts values where expressions read them.
func (v *View) set(n *vertex, row int, val any) {
	v.state[n.id][row] = val
	if n.part != counts {
		return
	}
	if n.list != nil {
		_, rest, _ := strings.Cut(n.field.Name, ".*.")
		put(v.rows[n.list][row], rest, val)
		return
	}
	put(v.vars, n.field.Name, val)
	top, _, _ := strings.Cut(n.field.Name, ".")
	delete(v.feel, top)
}

// spread marks what reads a vertex.
func (v *View) spread(n *vertex, row int) {
	v.moved[cell{n, row}] = true
	for _, m := range n.out {
		switch {
		case m.list == nil:
			v.mark(m, 0)
		case m.list == n.list:
			v.mark(m, row)
		default:
			v.todo[m.step] = mark{all: true}
		}
	}
}

func (v *View) mark(n *vertex, row int) {
	if m := &v.todo[n.step]; !m.all && !slices.Contains(m.rows, row) {
		m.rows = append(m.rows, row)
	}
}

// forget has something looked at again, if anybody has looked at all.
func (v *View) forget(n *vertex, row int) {
	if v.looked[n.id][row] == nil {
		return
	}
	v.stale = append(v.stale, cell{n, row})
	for _, m := range n.out { // the options are part of what is judged
		v.mark(m, row)
	}
}

func (v *View) nameIn(n *vertex, row int) string {
	if n.list == nil {
		return n.field.Name
	}
	return itemName(n.field, n.list.Name+"."+strconv.Itoa(row))
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
func (v *View) answer(f *Field, name string, row map[string]any) any {
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
	return v.eval(f.defExpr, row)
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

// eval evaluates an expression, in a row if row isn't nil. An expression that fails
// at run time gives null, as FEEL has it.
func (v *View) eval(p *feel.Program, row map[string]any) any {
	if p == nil {
		return nil
	}
	v.evaluated++
	val, err := p.EvalIn(feel.NewRun(feel.RunOptions{}), v.lookup(row))
	if err != nil {
		return nil
	}
	return feel.ToJSON(val)
}

// lookup gives expressions their variables.
func (v *View) lookup(row map[string]any) func(string) feel.Value {
	return func(name string) feel.Value {
		if val, ok := row[name]; ok {
			return feel.FromJSON(val)
		}
		val, ok := v.feel[name]
		if !ok {
			val = feel.FromJSON(v.vars[name])
			v.feel[name] = val
		}
		return val
	}
}

// Evaluated is how many expressions have been evaluated so far.
func (v *View) Evaluated() int { return v.evaluated }

func itemName(f *Field, prefix string) string {
	if prefix == "" {
		return f.Name
	}
	_, rest, _ := strings.Cut(f.Name, ".*.")
	return prefix + "." + rest
}

// given are the rows of a dynamic list as they were answered, or those that it begins with.
func (v *View) given(f *Field) []any {
	l, ok := get(v.in, f.Name).([]any)
	if !ok {
		l = make([]any, f.DefaultRows)
	}
	return l[:min(len(l), MaxRows)]
}

// rowVars are the variables of a row; nil outside of lists.
func (v *View) rowVars(list *Field, row int) map[string]any {
	if list == nil {
		return nil
	}
	return v.rows[list][row]
}

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
	items := v.items(p.Fields, p.titleField, nil, 0)
	v.seen[id] = items
	return items
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

func (v *View) items(fields []*Field, skip, list *Field, row int) []Item {
	var out []Item
	for _, f := range fields {
		if f == skip || v.hidden(f, row) {
			continue
		}
		it := v.item(f, list, row)
		if v.ctx.Only != "" && f.Type != "group" && f.Type != "dynamiclist" && it.Name != v.ctx.Only {
			continue
		}
		switch f.Type {
		case "group":
			if it.Items = v.items(f.Children, skip, list, row); len(it.Items) == 0 {
				continue
			}
		case "dynamiclist":
			for i := range v.rows[f] {
				it.Rows = append(it.Rows, v.items(f.Children, skip, f, i))
			}
		}
		out = append(out, it)
	}
	return out
}

// item is a field that is shown, without what stands in it.
func (v *View) item(f, list *Field, row int) Item {
	own := v.Form.graph.part[f]
	it := Item{Field: f, row: row}
	if n := own[counts]; n != nil {
		it.Name = v.nameIn(n, row)
		if f.Type != "dynamiclist" {
			it.Value = v.state[n.id][row]
		}
	}
	switch {
	case f.Input():
		if _, it.Elsewhere = v.ctx.Elsewhere[it.Name]; !it.Elsewhere {
			it.Known = v.known(f) != nil
			it.Raw = v.ctx.Raw[it.Name]
		}
		it.Options = v.options(f, list, row)
	case own[says] != nil:
		n := own[says]
		if v.looked[n.id][row] == nil {
			vars := v.rowVars(list, row)
			v.looked[n.id][row] = said{v.words(f, vars), v.show(f, vars)}
		}
		told := v.looked[n.id][row].(said)
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
func (v *View) options(f, list *Field, row int) []Option {
	n := v.Form.graph.part[f][chooses]
	if n == nil {
		return f.Options
	}
	if o, ok := v.looked[n.id][row].([]Option); ok {
		return o
	}
	var val any
	if f.optionsExpr != nil {
		val = v.eval(f.optionsExpr, v.rowVars(list, row))
	} else if val = get(v.vars, f.valuesKey); list != nil {
		if own := get(v.rowVars(list, row), f.valuesKey); own != nil {
			val = own
		}
	}
	out := optionsOf(val)
	v.looked[n.id][row] = out
	return out
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
		v.collect(v.Page(p.ID), out)
	}
	return out
}

func (v *View) collect(items []Item, out Answers) {
	for i := range items {
		it := &items[i]
		switch {
		case it.Type == "group":
			v.collect(it.Items, out)
		case it.Type == "dynamiclist":
			rows := make([]any, 0, len(it.Rows))
			for j, r := range it.Rows {
				flat := Answers{}
				v.collect(r, flat)
				row := Answers{}
				prefix := it.Name + "." + strconv.Itoa(j) + "."
				for name, val := range flat {
					put(row, strings.TrimPrefix(name, prefix), val)
				}
				rows = append(rows, row)
			}
			putAnswer(out, it.Name, rows)
		case it.Name != "":
			val := it.Value
			if val == nil && it.Type == "checkbox" {
				val = false
			}
			if strings.Contains(it.Field.Name, "*") {
				out[it.Name] = val
			} else {
				putAnswer(out, it.Name, val)
			}
		}
	}
}

func putAnswer(m Answers, name string, val any) { put(m, name, val) }
