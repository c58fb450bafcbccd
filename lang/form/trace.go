// SPDX-License-Identifier: EUPL-1.2

package form

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"mercator/lang/feel"
)

// Trace tells of one field why it is as it is: what a debugger shows.
type Trace struct {
	Name  string `json:"name"` // of the item; of what has no value, the component's id
	Page  string `json:"page"`
	State string `json:"state"` // IsShown, IsHidden, IsKnown
	// HiddenBy is the field or group whose condition hides it; itself, most of the time.
	HiddenBy string `json:"hiddenBy,omitempty"`
	// Contradicts: its conditions and answers go round in a circle that finds no rest.
	Contradicts bool   `json:"contradicts,omitempty"`
	Value       any    `json:"value,omitempty"`
	Source      string `json:"source,omitempty"` // of the value: Typed, FromRegister, Preset, Computed
	Raw         string `json:"raw,omitempty"`    // typed and not understood
	Problem     string `json:"problem,omitempty"`
	Rules       []Rule `json:"rules,omitempty"`
}

// The states of a field and the sources of its value.
const (
	IsShown, IsHidden, IsKnown            = "shown", "hidden", "known"
	Typed, FromRegister, Preset, Computed = "typed", "register", "default", "computed"
)

// Rule is an expression of a form at work: what it read and what came of it.
type Rule struct {
	Name   string  `json:"name"` // hide, expression, default, options, check, min, max, text
	Expr   string  `json:"expr"`
	Line   int     `json:"line"`
	Inputs []Input `json:"inputs,omitempty"`
	Result any     `json:"result"`
	// Nulls say where a null came from, if one did.
	Nulls []string `json:"nulls,omitempty"`
}

// Input is a value that an expression read; nil where there was none.
type Input struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
}

// rule is an expression of a field, by the name that it has in the form's JSON.
type rule struct {
	name string
	prog *feel.Program
}

func (f *Field) rules() []rule {
	all := []rule{{"hide", f.hide}, {"expression", f.compute}, {"default", f.defExpr}, {"options", f.optionsExpr}, {"min", f.minExpr}, {"max", f.maxExpr}, {"check", f.check}, {"dataSource", f.source}, {"columnsExpression", f.columnsExpr}}
	for _, p := range f.url {
		all = append(all, rule{"source", p.expr})
	}
	for _, p := range f.pieces["de"] {
		all = append(all, rule{"text", p.expr})
	}
	return slices.DeleteFunc(all, func(r rule) bool { return r.prog == nil })
}

// source is the expression as its author may have written it.
func (r rule) source() string {
	return strings.ReplaceAll(r.prog.String(), "date("+dayName+")", "today()")
}

// Trace tells of every field why it is shown, hidden, wrong or computed, in the
// order of the document; each row of a list has its own. The text of what is wrong
// is its message key.
func (v *View) Trace() []Trace {
	var out []Trace
	v.visit(func(f *Field, r *row) {
		if f.Name != "" || f.hide != nil || len(f.rules()) > 0 {
			out = append(out, v.traceOf(f, r))
		}
	})
	return out
}

// visit goes through the components in the order of the document, shown or not, through those in a list once for each row.
func (v *View) visit(see func(f *Field, r *row)) {
	var visit func(fields []*Field, r *row)
	visit = func(fields []*Field, r *row) {
		for _, f := range fields {
			see(f, r)
			if f.Type != "dynamiclist" {
				visit(f.Children, r)
				continue
			}
			for _, x := range v.under(r, f) {
				visit(f.Children, x)
			}
		}
	}
	visit(v.Form.Fields, v.root())
}

func (v *View) traceOf(f *Field, in *row) Trace {
	t := Trace{Name: f.ID, Page: f.Page, State: IsShown, Contradicts: v.torn[f]}
	own := v.Form.graph.part[f]
	if v.hidden(f, in) {
		t.State = IsHidden
		for g := f; g != nil; g = g.Parent {
			if n := v.Form.graph.part[g][hides]; n != nil && v.isHidden(n, in) {
				t.HiddenBy = cmpName(g) // the outermost of those that are hidden
			}
		}
	}
	if n := own[counts]; n != nil {
		t.Name = in.nameOf(f)
		t.Value = v.state[n.id][in.id]
		if t.State == IsShown {
			t.Source = v.source(f, t.Name, t.Value)
			t.Raw = v.ctx.Raw[t.Name]
			if t.Source == FromRegister {
				t.State = IsKnown
			}
		} else if f.compute != nil {
			t.Source = Computed
		}
	}
	if t.State == IsShown && f.Input() {
		it := v.item(f, in)
		if e, wrong := v.verdict(&it); wrong {
			t.Problem = e.Msg
		}
	}
	for _, r := range f.rules() {
		if t.State == IsHidden && r.name != "hide" && r.name != "expression" {
			continue // it isn't asked
		}
		t.Rules = append(t.Rules, v.explain(f, r, in))
	}
	return t
}

func (v *View) source(f *Field, name string, val any) string {
	switch {
	case f.compute != nil:
		return Computed
	case v.known(f) != nil:
		return FromRegister
	case get(v.in, name) != nil:
		return Typed
	case val != nil && f.Type != "dynamiclist":
		return Preset
	}
	return ""
}

// explain evaluates a rule once more, and looks at what it reads.
func (v *View) explain(f *Field, r rule, in *row) Rule {
	out := Rule{Name: r.name, Expr: r.source(), Line: f.Line}
	for _, path := range pathsOf(r.prog) {
		from := in.find(path[0])
		name := strings.Join(path, ".")
		if name == dayName {
			out.Inputs = append(out.Inputs, Input{"today()", from[name]})
			continue
		}
		out.Inputs = append(out.Inputs, Input{name, get(from, name)})
	}
	run := feel.NewRun(feel.RunOptions{Trace: true})
	val, err := r.prog.EvalIn(run, v.lookup(in))
	if err != nil {
		out.Nulls = append(out.Nulls, err.Error())
		return out
	}
	out.Result = feel.ToJSON(val)
	for _, n := range run.Notes() {
		out.Nulls = append(out.Nulls, fmt.Sprintf("%s: %s", n.Expr, n.Msg))
	}
	return out
}

// Print writes a trace for people: a line for the field, one for each rule.
func (t Trace) Print(w io.Writer) error {
	line := t.Name + ": " + t.State
	if t.HiddenBy != "" && t.HiddenBy != t.Name {
		line += " by " + t.HiddenBy
	}
	if t.Value != nil {
		line += " = " + shorten(t.Value)
	}
	if t.Source != "" {
		line += " (" + t.Source + ")"
	}
	if t.Raw != "" {
		line += ", typed " + strconv.Quote(clip(t.Raw))
	}
	if t.Problem != "" {
		line += ", wrong: " + t.Problem
	}
	if t.Contradicts {
		line += ", its conditions contradict themselves: nothing is hidden by them"
	}
	if _, err := fmt.Fprintln(w, line); err != nil {
		return err
	}
	for _, r := range t.Rules {
		in := make([]string, len(r.Inputs))
		for i, x := range r.Inputs {
			in[i] = x.Name + " = " + shorten(x.Value)
		}
		line := fmt.Sprintf("    %s: %s → %s", r.Name, r.Expr, shorten(r.Result))
		if len(in) > 0 {
			line += "  [" + strings.Join(in, ", ") + "]"
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
		for _, n := range r.Nulls {
			if _, err := fmt.Fprintln(w, "        null: "+n); err != nil {
				return err
			}
		}
	}
	return nil
}

func shorten(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return clip(string(b))
}

// String tells of a change in a line.
func (c Change) String() string {
	var what []string
	for _, x := range []struct {
		is   bool
		text string
	}{{c.Appeared, "appears"}, {c.Vanished, "vanishes"}, {c.Value, "has another value"}, {c.Options, "has other options"}, {c.Text, "says something else"}, {c.Validity, "is judged otherwise"}} {
		if x.is {
			what = append(what, x.text)
		}
	}
	return c.Name + " " + strings.Join(what, ", ")
}
