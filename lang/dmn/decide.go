// SPDX-License-Identifier: EUPL-1.2

package dmn

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"mercator/lang/feel"
)

// Result is the answer of a decision.
type Result struct {
	Value any        // as JSON data
	FEEL  feel.Value // as a FEEL value
	Trace []DecisionTrace
	Nulls []feel.Note // where nulls came from
}

// DecisionTrace is how one decision was made.
type DecisionTrace struct {
	ID, Name  string
	HitPolicy string       // of a decision table, such as "UNIQUE"
	Inputs    []InputTrace // of a decision table
	Rules     []RuleHit    // that matched
	Value     any          // as JSON data
}

// InputTrace is what an input expression of a table gave.
type InputTrace struct {
	Label, Expr string
	Value       any
}

// Condition is an input entry of a rule that matched, with what it was held against.
type Condition struct {
	Label string // of the input
	Test  string // as it is written, "-" for none
	Value any
}

// RuleHit is a rule that matched.
type RuleHit struct {
	Index       int // from 0
	ID          string
	Conditions  []Condition // its input entries
	Outputs     map[string]any
	Annotations []Annotation
}

// EvalOptions say how a decision is made.
type EvalOptions struct {
	Now   time.Time // of now() and today()
	Trace bool      // fill Result.Trace and Result.Nulls
}

// Decide makes a decision, runs a decision service or calls knowledge, of a name or id,
// over JSON data, with its trace. Under feel.Now the data may say what time it is. The error is that
// there is no such decision, or feel.ErrBudget.
func (d *Definitions) Decide(name string, in map[string]any) (*Result, error) {
	now, _ := in[feel.Now].(time.Time)
	return d.Evaluate(name, in, EvalOptions{Now: now, Trace: true})
}

// asked is the decision, service or knowledge of a name or id, which may stand beside
// the namespace of its model ("urn:lib#fee").
func (d *Definitions) asked(name string) *element {
	if ns, rest, ok := strings.Cut(name, "#"); ok && ns != "" {
		if m := d.model(ns); m != nil {
			return m.asked(rest)
		}
	}
	if e := d.find(name, decision); e != nil {
		return e
	}
	if e := d.find(name, service); e != nil {
		return e
	}
	return d.find(name, knowledge)
}

// unknown is the error that nothing of a name can be asked.
func (d *Definitions) unknown(name string) error {
	var names []string
	for _, e := range d.elements {
		if e.sort != inputData && len(names) < 10 {
			names = append(names, quote(e.label))
		}
	}
	if len(names) == 0 {
		return fmt.Errorf("there is no decision %q in %s: it has none", name, d.file)
	}
	return fmt.Errorf("there is no decision %q in %s: it has %s", name, d.file, strings.Join(names, ", "))
}

// model is this model or an imported one, by its namespace.
func (d *Definitions) model(namespace string) *Definitions {
	if d.namespace == namespace {
		return d
	}
	for _, im := range d.imports {
		if m := im.defs.model(namespace); m != nil {
			return m
		}
	}
	return nil
}

// Outputs is how many decisions a service answers with; 1 for a decision.
func (d *Definitions) Outputs(name string) int {
	if e := d.asked(name); e != nil && e.sort == service {
		return len(e.output)
	}
	return 1
}

// Evaluate makes a decision over data that is JSON or FEEL values. Texts become what
// the type of the input data says: dates, times, durations.
func (d *Definitions) Evaluate(name string, in map[string]any, o EvalOptions) (*Result, error) {
	e := d.asked(name)
	if e == nil {
		return nil, d.unknown(name)
	}
	return newEvaluation(d, in, o).result(e)
}

func (ev *evaluation) result(e *element) (*Result, error) {
	var v feel.Value
	err := ev.run.Guard(func() { v = ev.answer(e) })
	if *ev.err != nil { // where it came about
		return nil, *ev.err
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", e.defs.file, e, err)
	}
	r := &Result{Value: feel.ToJSON(v), FEEL: v, Nulls: ev.run.Notes()}
	if ev.traces != nil {
		for _, t := range ev.traces.list {
			r.Trace = append(r.Trace, *t)
		}
	}
	return r, nil
}

// answer is what an element answers to a caller: a service and knowledge are called.
func (ev *evaluation) answer(e *element) feel.Value {
	v := ev.value(e)
	f, ok := v.(*feel.Function)
	if !ok || e.sort == decision {
		return v
	}
	args := make([]feel.Value, len(e.params))
	for i, p := range e.params {
		if e.sort == service {
			args[i] = ev.input(e.given[i])
		} else {
			args[i] = typed(ev.run, p.Type, ev.in[p.Name])
		}
	}
	return f.Call(ev.run, args)
}

// What a decision and a call of a service cost beside the steps of their logic: they
// leave a trace, and a service begins with nothing known.
const (
	decisionSteps = 5
	serviceSteps  = 20
)

// evaluation is one evaluation of a decision with all that it requires.
type evaluation struct {
	in     map[string]any
	run    *feel.Run
	traces *tracer // nil: none
	known  map[*element]feel.Value
	busy   map[*element]bool
	err    *error // the first; shared with the services that are called
	// given are values of inputs that stand instead of those in "in"; nil: none.
	given map[*element]feel.Value
	top   string // the namespace of the model that is asked
}

// tracer is shared by an evaluation and the services that it calls.
type tracer struct {
	list    []*DecisionTrace
	current *DecisionTrace
}

func newEvaluation(d *Definitions, in map[string]any, o EvalOptions) *evaluation {
	ev := &evaluation{in: in, known: make(map[*element]feel.Value, 8), busy: make(map[*element]bool, 8), err: new(error), top: d.namespace}
	if o.Trace {
		ev.traces = &tracer{}
	}
	ev.run = feel.NewRun(feel.RunOptions{Now: o.Now, Trace: o.Trace, User: ev.traces, Budget: d.budget})
	return ev
}

// input is the value of input data, or of a decision that the caller gives.
// That of an imported model stands under the name of the import ("lib": {"age": 7}), or
// beside the namespace of its model ("urn:lib#age"), or simply under its name.
func (ev *evaluation) input(e *element) feel.Value {
	if v, ok := ev.given[e]; ok {
		return v
	}
	raw, ok := ev.raw(e)
	if !ok {
		return nil
	}
	v := typed(ev.run, e.typ, raw)
	if v == nil && raw != nil && e.typ != nil && ev.traces != nil {
		where, why := misfit(ev.run, e.typ, shaped(e.typ, feel.FromJSON(raw), 0), e.name, 0)
		ev.run.Note(feel.Note{File: e.defs.file, Line: e.pos.Line, Col: e.pos.Col, Expr: where, Msg: noteGiven + why})
	}
	return v
}

// noteGiven begins the note of an input that isn't of its type.
const noteGiven = "what is given doesn't fit: "

// raw is what the caller gives for an element.
func (ev *evaluation) raw(e *element) (any, bool) {
	if len(e.defs.path) > 0 {
		in := feel.Value(nil)
		for i, p := range e.defs.path {
			if i == 0 {
				v, ok := ev.in[p]
				if !ok {
					v = ev.in[ev.top+"#"+p]
				}
				in = feel.FromJSON(v)
			} else if c, ok := in.(*feel.Context); ok {
				in, _ = c.Get(p)
			}
		}
		if c, ok := in.(*feel.Context); ok {
			if v, ok := c.Get(e.name); ok {
				return v, true
			}
		}
	}
	for _, name := range []string{e.defs.namespace + "#" + e.name, e.name, e.label, e.id} {
		if v, ok := ev.in[name]; ok {
			return v, true
		}
	}
	return nil, false
}

// typed makes a FEEL value of what a caller gives: of the type, or null.
func typed(r *feel.Run, t *feel.Type, v any) feel.Value {
	w := shaped(t, feel.FromJSON(v), 0)
	if t != nil {
		w, _ = t.Coerce(r, w)
	}
	return w
}

// misfit says where a value isn't of a type, and why.
func misfit(r *feel.Run, t *feel.Type, v feel.Value, path string, depth int) (where, why string) {
	if l, ok := v.([]feel.Value); ok && t.Kind == feel.KindList && depth < maxNest {
		for i, x := range l {
			if t.Elem != nil && !t.Elem.Has(r, x, true) {
				return misfit(r, t.Elem, x, fmt.Sprintf("%s[%d]", path, i+1), depth+1)
			}
		}
	}
	if c, ok := v.(*feel.Context); ok && t.Kind == feel.KindContext && depth < maxNest {
		for _, f := range t.Fields {
			x, has := c.Get(f.Name)
			if !has {
				return path + "." + f.Name, quote(path+"."+f.Name) + " is missing"
			}
			if !f.Type.Has(r, x, true) {
				return misfit(r, f.Type, x, path+"."+f.Name, depth+1)
			}
		}
	}
	bare := *t
	bare.Allow = nil
	if t.Allow != nil && bare.Has(r, v, true) {
		return path, quote(path) + " isn't one of the values that its type allows"
	}
	return path, fmt.Sprintf("%s is a %s, not a %s", quote(path), feel.KindOf(v), t)
}

const maxNest = 100

// shaped reads texts as the dates, times and durations that the type wants: JSON has
// none.
func shaped(t *feel.Type, v feel.Value, depth int) feel.Value {
	if t == nil || depth > maxNest {
		return v
	}
	switch v := v.(type) {
	case string:
		switch t.Kind {
		case feel.KindDate, feel.KindTime, feel.KindDateTime, feel.KindSpan, feel.KindMonths:
			if x, ok := feel.ParseAs(t.Kind, v); ok {
				return x
			}
		case feel.KindList:
			return shaped(t.Elem, v, depth+1)
		}
	case []feel.Value:
		if t.Kind == feel.KindList && t.Elem != nil {
			out := make([]feel.Value, len(v))
			for i, x := range v {
				out[i] = shaped(t.Elem, x, depth+1)
			}
			return out
		}
	case *feel.Context:
		if t.Kind == feel.KindContext && len(t.Fields) > 0 {
			names := v.Names()
			vals := make([]feel.Value, len(names))
			for i, n := range names {
				x, _ := v.Get(n)
				for _, f := range t.Fields {
					if f.Name == n {
						x = shaped(f.Type, x, depth+1)
					}
				}
				vals[i] = x
			}
			return feel.NewContext(names, vals)
		}
	}
	return v
}

// value is what an element stands for in the logic of another.
func (ev *evaluation) value(e *element) feel.Value {
	if v, ok := ev.known[e]; ok {
		return v
	}
	if *ev.err != nil {
		return nil
	}
	var v feel.Value
	switch e.sort {
	case inputData:
		v = ev.input(e)
	case decision:
		v = ev.decide(e)
	case knowledge:
		if ev.busy[e] { // it calls itself: found when it is called
			return feel.NewFunction(e.name, e.params, e.result, func(args []feel.Value) (feel.Value, error) {
				f, ok := ev.value(e).(*feel.Function)
				if !ok {
					return nil, *ev.err
				}
				return f.Call(ev.run, args), *ev.err
			})
		}
		ev.busy[e] = true
		v = ev.eval(e)
		ev.busy[e] = false
	case service:
		v = ev.service(e)
	}
	ev.known[e] = v
	return v
}

func (ev *evaluation) decide(e *element) feel.Value {
	if e.prog == nil { // a decision without logic is given, if at all
		return ev.input(e)
	}
	ev.run.Spend(decisionSteps)
	var t, above *DecisionTrace
	if ev.traces != nil {
		t, above = &DecisionTrace{ID: e.id, Name: e.label}, ev.traces.current
		ev.traces.current = t
	}
	v := ev.eval(e)
	if ev.traces != nil {
		t.Value = feel.ToJSON(v)
		ev.traces.current, ev.traces.list = above, append(ev.traces.list, t)
	}
	return v
}

func (ev *evaluation) eval(e *element) feel.Value {
	if e.prog == nil {
		return nil
	}
	v, err := e.prog.EvalIn(ev.run, func(name string) feel.Value { return ev.lookup(e, name) })
	if err != nil && *ev.err == nil {
		*ev.err = fmt.Errorf("%s: %s: %w", e.defs.file, e, err)
	}
	return v
}

// lookup is what a name means in the logic of an element.
func (ev *evaluation) lookup(e *element, name string) feel.Value {
	if x, ok := e.byName[name]; ok {
		return ev.value(x)
	}
	if l, ok := e.groups[name]; ok {
		names := make([]string, len(l))
		vals := make([]feel.Value, len(l))
		for i, x := range l {
			names[i], vals[i] = x.name, ev.value(x)
		}
		return feel.NewContext(names, vals)
	}
	if e.sort == knowledge && name == e.name {
		return ev.value(e)
	}
	return nil
}

// service is a decision service as a function of its inputs (6.3.7, 10.4).
func (ev *evaluation) service(e *element) feel.Value {
	return feel.NewFunction(e.name, e.params, e.result, func(args []feel.Value) (feel.Value, error) {
		ev.run.Spend(serviceSteps)
		inner := &evaluation{run: ev.run, traces: ev.traces, err: ev.err, known: map[*element]feel.Value{}, busy: map[*element]bool{}}
		// A service knows nothing of what is around it: what isn't given is null.
		for i, g := range e.given {
			inner.known[g] = args[i]
		}
		vals := make([]feel.Value, len(e.output))
		names := make([]string, len(e.output))
		for i, o := range e.output {
			names[i], vals[i] = o.name, inner.value(o)
		}
		if *ev.err != nil {
			return nil, *ev.err
		}
		if len(vals) == 1 {
			return vals[0], nil
		}
		return feel.NewContext(names, vals), nil
	})
}

// record notes how a table was decided.
func (t *table) record(c *feel.Call, e *element, in []feel.Value, hits []hit) {
	traces, _ := c.User().(*tracer)
	if traces == nil || traces.current == nil {
		return
	}
	tr := traces.current
	if tr.HitPolicy == "" {
		tr.HitPolicy = t.src.HitPolicy
		for i, v := range in {
			tr.Inputs = append(tr.Inputs, InputTrace{Label: label(t.src.Inputs[i].Label, t.src.Inputs[i].Expr.S), Expr: t.src.Inputs[i].Expr.S, Value: feel.ToJSON(v)})
		}
	}
	for _, h := range hits {
		r := t.rules[h.rule]
		hit := RuleHit{Index: h.rule, ID: r.src.ID, Outputs: map[string]any{}, Annotations: r.notes}
		for i, cell := range r.src.Inputs {
			if i < len(in) {
				hit.Conditions = append(hit.Conditions, Condition{label(t.src.Inputs[i].Label, t.src.Inputs[i].Expr.S), label(cell.S, "-"), feel.ToJSON(in[i])})
			}
		}
		for o, v := range h.out {
			hit.Outputs[t.outputs[o]] = feel.ToJSON(v)
		}
		tr.Rules = append(tr.Rules, hit)
	}
}

func label(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}

// MarshalJSON writes the answer in full precision, its entries in order.
func (r *Result) MarshalJSON() ([]byte, error) {
	type plain struct {
		Value json.RawMessage `json:"value"`
		Trace []DecisionTrace `json:"trace,omitempty"`
		Nulls []feel.Note     `json:"nulls,omitempty"`
	}
	return json.Marshal(plain{feel.AppendJSON(nil, r.FEEL), r.Trace, r.Nulls})
}
