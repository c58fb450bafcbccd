// SPDX-License-Identifier: EUPL-1.2

package form

import (
	"slices"
	"sort"
)

// Outcome is one thing that can come of a rule of a form.
type Outcome struct {
	Field string // name, or the component's id
	Rule  string // hide, check, min, max, expression, options, option, default, register
	Is    string // hidden, shown; kept, broken; value, null; some, none; the option; used, replaced; known, asked
	Line  int
}

// Coverage collects which outcomes of a form's rules came about in scenarios.
type Coverage struct {
	form *Form
	seen map[Outcome]bool
}

// NewCoverage begins with none.
func NewCoverage(f *Form) *Coverage { return &Coverage{form: f, seen: map[Outcome]bool{}} }

// outcomes are those that a field's rules can have.
func (f *Field) outcomes() []Outcome {
	var out []Outcome
	add := func(rule string, is ...string) {
		for _, s := range is {
			out = append(out, Outcome{cmpName(f), rule, s, f.Line})
		}
	}
	if f.hide != nil {
		add("hide", "hidden", "shown")
	}
	if f.compute != nil {
		add("expression", "value", "null")
	}
	if f.Default != nil || f.defExpr != nil {
		add("default", "used", "replaced")
	}
	if f.Register != "" {
		add("register", "known", "asked")
	}
	if f.optionsExpr != nil || f.valuesKey != "" {
		add("options", "some", "none")
	}
	for _, o := range f.Options {
		add("option", optionText(o.Value))
	}
	if f.minExpr != nil || f.Min != "" {
		add("min", "kept", "broken")
	}
	if f.maxExpr != nil || f.Max != "" {
		add("max", "kept", "broken")
	}
	if f.check != nil {
		add("check", "kept", "broken")
	}
	return out
}

// Add notes what the rules of the form come to with the answers of a view.
func (c *Coverage) Add(v *View) {
	if v.Form != c.form {
		return
	}
	v.visit(func(f *Field, r *row) { c.note(v, f, r) })
}

func (c *Coverage) note(v *View, f *Field, r *row) {
	saw := func(rule, is string) { c.seen[Outcome{cmpName(f), rule, is, f.Line}] = true }
	either := func(rule string, yes bool, is, not string) {
		if !yes {
			is = not
		}
		saw(rule, is)
	}
	hidden := v.hidden(f, r)
	if f.hide != nil && !(f.Parent != nil && v.hidden(f.Parent, r)) {
		either("hide", hidden, "hidden", "shown")
	}
	n := v.Form.graph.part[f][counts]
	if n == nil {
		return
	}
	val := v.state[n.id][r.id]
	if f.compute != nil {
		either("expression", val != nil, "value", "null")
	}
	if hidden || !f.Input() {
		return
	}
	it := v.item(f, r)
	if f.Register != "" {
		either("register", it.Known, "known", "asked")
	}
	if f.Default != nil || f.defExpr != nil {
		either("default", v.source(f, it.Name, val) == Preset, "used", "replaced")
	}
	if f.optionsExpr != nil || f.valuesKey != "" {
		either("options", len(it.Options) > 0, "some", "none")
	}
	if empty(val) {
		return
	}
	vals, many := val.([]any)
	if !many {
		vals = []any{val}
	}
	for _, x := range vals {
		if hasOption(f.Options, optionText(x)) {
			saw("option", optionText(x))
		}
	}
	e, wrong := v.verdict(&it)
	if !wrong {
		for _, rule := range []string{"min", "max", "check"} {
			saw(rule, "kept")
		}
		return
	}
	switch e.Msg {
	case "form.error.min", "form.error.dateMin":
		saw("min", "broken")
	case "form.error.max", "form.error.dateMax":
		saw("max", "broken")
	case "form.error.check":
		saw("check", "broken")
	}
}

// Touched is how many outcomes came about, and how many there are.
func (c *Coverage) Touched() (seen, all int) {
	for _, o := range c.all() {
		all++
		if c.seen[o] {
			seen++
		}
	}
	return seen, all
}

// Untouched are the outcomes that never came about, in the order of the document.
func (c *Coverage) Untouched() []Outcome {
	out := slices.DeleteFunc(c.all(), func(o Outcome) bool { return c.seen[o] })
	sort.SliceStable(out, func(i, j int) bool { return out[i].Line < out[j].Line })
	return out
}

func (c *Coverage) all() []Outcome {
	var out []Outcome
	walk(c.form.Fields, func(f *Field) { out = append(out, f.outcomes()...) })
	return out
}

// String names an outcome: "zone: hide was never hidden".
func (o Outcome) String() string { return o.Field + ": " + o.Rule + " " + o.Is }
