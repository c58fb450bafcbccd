// SPDX-License-Identifier: EUPL-1.2

package form

import (
	"encoding/json"
	"maps"
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
	// Only restricts the form to the one field of this name: everything else is
	// neither asked nor checked nor taken.
	Only string
}

// Item is a field as one person meets it.
type Item struct {
	*Field
	Name    string   // with the row's number: "children.0.name"
	Value   any      // nil: no answer
	Raw     string   // typed and not understood
	Known   bool     // a register knows it: shown, not asked
	Options []Option // of the person: fixed, or from an expression
	Text    Text     // content with its expressions filled in
	Shown   *Shown   // of a table, an image, an iframe, a document preview
	Items   []Item   // of a group
	Rows    [][]Item // of a dynamic list
}

// Asked tells whether the person is asked for a value here.
func (it *Item) Asked() bool { return it.Input() && !it.Known && !it.ReadOnly }

// View is a form with the answers of one person. It serves one request: it isn't
// safe for several goroutines.
type View struct {
	Form *Form
	ctx  Context
	in   Answers        // as given
	vars map[string]any // what expressions see: context, answers that count, computed values
	hid  map[string]bool
	keep map[*Field][]Option
	seen map[string][]Item
}

// Eval looks at the form with these answers. It changes neither.
func (f *Form) Eval(a Answers, ctx Context) *View {
	v := &View{Form: f, ctx: ctx, in: a, hid: map[string]bool{}, keep: map[*Field][]Option{}, seen: map[string][]Item{}}
	// A hidden answer doesn't count, and what doesn't count may hide or show
	// others: until nothing changes. A form that contradicts itself ends too.
	for range 5 {
		v.settle()
		next := map[string]bool{}
		v.hides(f.Fields, "", nil, false, next)
		done := v.unmoved(next)
		v.hid = next
		if done {
			break
		}
		clear(v.keep)
	}
	return v
}

// unmoved tells whether what expressions see is the same with the next set of
// hidden fields: a field without a value changes nothing by being hidden.
func (v *View) unmoved(next map[string]bool) bool {
	for name := range next {
		if !v.hid[name] && get(v.vars, name) != nil {
			return false
		}
	}
	for name := range v.hid {
		if !next[name] {
			if get(v.in, name) != nil {
				return false
			}
			if f := v.Form.Field(name); f != nil && (f.Default != nil || f.defExpr != nil || f.Register != "" || f.compute != nil) {
				return false
			}
		}
	}
	return true
}

// settle makes the variables: answers that count, over registers and defaults, then what is computed.
func (v *View) settle() {
	vars := make(map[string]any, len(v.ctx.Vars)+len(v.Form.keys))
	maps.Copy(vars, v.ctx.Vars)
	if !v.ctx.Today.IsZero() {
		vars[dayName] = v.ctx.Today.Format(time.DateOnly)
	}
	for name, f := range v.Form.keys {
		top, _, nested := strings.Cut(name, ".")
		switch {
		case f.compute != nil && !nested:
			vars[name] = nil
		case nested:
			if _, ok := v.in[top]; !ok {
				vars[top] = nil
			}
		case f.Type == "dynamiclist":
			vars[name] = v.in[name]
		default:
			vars[name] = v.answer(f, name, vars)
		}
	}
	// Groups with a path: an object of its fields.
	for name, f := range v.Form.keys {
		if strings.Contains(name, "*") || !strings.Contains(name, ".") || f.compute != nil {
			continue
		}
		top, _, _ := strings.Cut(name, ".")
		if _, fresh := vars[top].(ownMap); !fresh {
			vars[top] = ownMap{}
		}
		put(vars, name, v.answer(f, name, vars))
	}
	for name, val := range vars {
		if m, ok := val.(ownMap); ok {
			vars[name] = map[string]any(m)
		}
	}
	v.vars = vars
	for _, f := range v.Form.order {
		if strings.Contains(f.Name, "*") {
			continue
		}
		put(vars, f.Name, v.eval(f.compute, nil))
	}
}

// ownMap marks an object that settle has made, so that the answers are not written to.
type ownMap map[string]any

func put(m map[string]any, name string, val any) {
	parts := strings.Split(name, ".")
	for _, p := range parts[:len(parts)-1] {
		switch next := m[p].(type) {
		case ownMap:
			m = next
		case map[string]any:
			m = next
		default:
			n := map[string]any{}
			m[p] = n
			m = n
		}
	}
	m[parts[len(parts)-1]] = val
}

// answer is the value of a field that counts, nil if hidden.
func (v *View) answer(f *Field, name string, vars map[string]any) any {
	if v.hid[name] {
		return nil
	}
	if val := v.known(f); val != nil {
		return val
	}
	if val := get(v.in, name); val != nil {
		return val
	}
	if v.ctx.Raw[name] != "" {
		return nil
	}
	if f.Default != nil {
		return f.Default
	}
	if f.defExpr != nil {
		return evalWith(f.defExpr, vars, nil)
	}
	if f.Type == "checkbox" {
		return nil
	}
	return nil
}

// known is what a register, fetched with consent, says about the field.
func (v *View) known(f *Field) any {
	if f.Register == "" || !v.ctx.Prefill {
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

func (v *View) eval(p *feel.Program, row map[string]any) any { return evalWith(p, v.vars, row) }

// evalWith gives an expression only the names that it reads. An expression that
// fails at run time gives null, as FEEL has it.
func evalWith(p *feel.Program, vars, row map[string]any) any {
	if p == nil {
		return nil
	}
	names := p.FreeNames()
	m := make(map[string]any, len(names))
	for _, n := range names {
		if val, ok := row[n]; ok {
			m[n] = val
		} else {
			m[n] = vars[n]
		}
	}
	val, err := p.EvalJSON(m)
	if err != nil {
		return nil
	}
	return val
}

// hides finds every hidden name below fields.
func (v *View) hides(fields []*Field, prefix string, row map[string]any, hidden bool, out map[string]bool) {
	for _, f := range fields {
		h := hidden
		if !h && f.hide != nil {
			h, _ = v.eval(f.hide, row).(bool)
		}
		if h {
			out[v.itemID(f, prefix)] = true
		}
		switch f.Type {
		case "group":
			v.hides(f.Children, prefix, row, h, out)
		case "dynamiclist":
			for i := range v.rows(f) {
				p := f.Name + "." + strconv.Itoa(i)
				v.hides(f.Children, p, v.rowVars(f, i), h, out)
			}
		}
	}
}

// itemID names an item: by its value's name, else by the address of its field.
func (v *View) itemID(f *Field, prefix string) string {
	if f.Name == "" {
		return "#" + strconv.Itoa(f.Line) + ":" + strconv.Itoa(f.Col) + "@" + prefix
	}
	return v.itemName(f, prefix)
}

func (v *View) itemName(f *Field, prefix string) string {
	if prefix == "" {
		return f.Name
	}
	_, rest, _ := strings.Cut(f.Name, ".*.")
	return prefix + "." + rest
}

func (v *View) rows(f *Field) []any {
	l, ok := get(v.in, f.Name).([]any)
	if !ok {
		l = make([]any, f.DefaultRows)
	}
	return l[:min(len(l), MaxRows)]
}

func (v *View) rowVars(f *Field, i int) map[string]any {
	out := map[string]any{}
	if m, ok := v.rows(f)[i].(map[string]any); ok {
		maps.Copy(out, m)
	}
	for name := range v.Form.keys {
		if rest, ok := strings.CutPrefix(name, f.Name+".*."); ok {
			if _, has := out[rest]; !has && !strings.Contains(rest, ".") {
				out[rest] = nil
			}
		}
	}
	return out
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
	items := v.items(p.Fields, p.titleField, "", nil)
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

func (v *View) items(fields []*Field, skip *Field, prefix string, row map[string]any) []Item {
	var out []Item
	for _, f := range fields {
		if f == skip || v.hid[v.itemID(f, prefix)] {
			continue
		}
		it := Item{Field: f, Name: v.itemName(f, prefix)}
		if f.Name == "" {
			it.Name = ""
		}
		if v.ctx.Only != "" && f.Type != "group" && f.Type != "dynamiclist" && it.Name != v.ctx.Only {
			continue
		}
		switch {
		case f.Type == "group":
			if it.Items = v.items(f.Children, skip, prefix, row); len(it.Items) == 0 {
				continue
			}
		case f.Type == "dynamiclist":
			for i := range v.rows(f) {
				it.Rows = append(it.Rows, v.items(f.Children, skip, f.Name+"."+strconv.Itoa(i), v.rowVars(f, i)))
			}
		case f.Type == "expression":
			if row != nil {
				it.Value = evalWith(f.compute, v.vars, row)
			} else {
				it.Value = get(v.vars, f.Name)
			}
		case f.Input():
			it.Known = v.known(f) != nil
			it.Raw = v.ctx.Raw[it.Name]
			it.Value = v.answer(f, it.Name, v.vars)
			it.Options = v.options(f, row)
		default:
			it.Text, it.Shown = v.words(f, row), v.show(f, row)
		}
		out = append(out, it)
	}
	return out
}

// options are the choices of a field for this person.
func (v *View) options(f *Field, row map[string]any) []Option {
	var val any
	switch {
	case f.optionsExpr != nil:
		if o, ok := v.keep[f]; ok && row == nil {
			return o
		}
		val = v.eval(f.optionsExpr, row)
	case f.valuesKey != "":
		val = get(v.vars, f.valuesKey)
	default:
		return f.Options
	}
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
	if row == nil {
		v.keep[f] = out
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
