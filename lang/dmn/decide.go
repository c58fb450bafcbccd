// SPDX-License-Identifier: EUPL-1.2

package dmn

import (
	"encoding/json"
	"fmt"
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

// RuleHit is a rule that matched.
type RuleHit struct {
	Index       int // from 0
	ID          string
	Conditions  []string // the input entries as they are written
	Outputs     map[string]any
	Annotations []Annotation
}

// EvalOptions say how a decision is made.
type EvalOptions struct {
	Now   time.Time // of now() and today()
	Trace bool      // fill Result.Trace and Result.Nulls
}

// Decide makes a decision, or runs a decision service, of a name or id over JSON data,
// with its trace. Under feel.Now the data may say what time it is. The error is that
// there is no such decision, or feel.ErrBudget.
func (d *Definitions) Decide(name string, in map[string]any) (*Result, error) {
	now, _ := in[feel.Now].(time.Time)
	return d.Evaluate(name, in, EvalOptions{Now: now, Trace: true})
}

// Evaluate makes a decision over data that is JSON or FEEL values. Texts become what
// the type of the input data says: dates, times, durations.
func (d *Definitions) Evaluate(name string, in map[string]any, o EvalOptions) (*Result, error) {
	e := d.find(name, decision, service)
	if e == nil {
		return nil, fmt.Errorf("there is no decision %q in %s", name, d.file)
	}
	ev := newEvaluation(in, o)
	v := ev.value(e)
	if ev.err != nil {
		return nil, ev.err
	}
	if f, ok := v.(*feel.Function); ok && e.sort == service {
		args := make([]feel.Value, len(e.given))
		for i, g := range e.given {
			args[i] = ev.input(g)
		}
		if v, ev.err = f.CallSafe(ev.run, args); ev.err != nil {
			return nil, ev.err
		}
	}
	r := &Result{Value: feel.ToJSON(v), FEEL: v, Nulls: ev.run.Notes()}
	for _, t := range ev.trace {
		r.Trace = append(r.Trace, *t)
	}
	return r, nil
}

// evaluation is one evaluation of a decision with all that it requires.
type evaluation struct {
	in      map[string]any
	run     *feel.Run
	tracing bool
	trace   []*DecisionTrace
	current *DecisionTrace
	known   map[*element]feel.Value
	busy    map[*element]bool
	err     error
}

func newEvaluation(in map[string]any, o EvalOptions) *evaluation {
	ev := &evaluation{in: in, tracing: o.Trace, known: make(map[*element]feel.Value, 8), busy: make(map[*element]bool, 8)}
	ev.run = feel.NewRun(feel.RunOptions{Now: o.Now, Trace: o.Trace, User: ev})
	return ev
}

// input is the value of input data, or of a decision that the caller gives.
func (ev *evaluation) input(e *element) feel.Value {
	v, ok := ev.in[e.name]
	if !ok {
		if v, ok = ev.in[e.label]; !ok {
			if v, ok = ev.in[e.id]; !ok {
				return nil
			}
		}
	}
	return typed(e.typ, v)
}

// typed makes a FEEL value of what a caller gives: of the type, or null.
func typed(t *feel.Type, v any) feel.Value {
	w := shaped(t, feel.FromJSON(v), 0)
	if t != nil {
		w, _ = t.Coerce(w)
	}
	return w
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
	if ev.err != nil {
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
					return nil, ev.err
				}
				return f.Call(ev.run, args), ev.err
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
	var t, above *DecisionTrace
	if ev.tracing {
		t, above = &DecisionTrace{ID: e.id, Name: e.label}, ev.current
		ev.current = t
	}
	v := ev.eval(e)
	if ev.tracing {
		ev.current = above
		t.Value = feel.ToJSON(v)
		ev.trace = append(ev.trace, t)
	}
	return v
}

func (ev *evaluation) eval(e *element) feel.Value {
	if e.prog == nil {
		return nil
	}
	v, err := e.prog.EvalIn(ev.run, func(name string) feel.Value { return ev.lookup(e, name) })
	if err != nil && ev.err == nil {
		ev.err = fmt.Errorf("%s: %s: %w", e.defs.file, e, err)
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
		inner := &evaluation{run: ev.run, tracing: ev.tracing, in: map[string]any{}, known: map[*element]feel.Value{}, busy: map[*element]bool{}}
		// A service knows nothing of what is around it: what isn't given is null.
		for i, g := range e.given {
			inner.known[g] = args[i]
		}
		vals := make([]feel.Value, len(e.output))
		names := make([]string, len(e.output))
		for i, o := range e.output {
			names[i], vals[i] = o.name, inner.value(o)
		}
		ev.trace = append(ev.trace, inner.trace...)
		if inner.err != nil {
			return nil, inner.err
		}
		if len(vals) == 1 {
			return vals[0], nil
		}
		return feel.NewContext(names, vals), nil
	})
}

// record notes how a table was decided.
func (t *table) record(c *feel.Call, e *element, in []feel.Value, hits []hit) {
	ev, ok := c.User().(*evaluation)
	if !ok || !ev.tracing || ev.current == nil {
		return
	}
	tr := ev.current
	if tr.HitPolicy == "" {
		tr.HitPolicy = t.src.HitPolicy
		for i, v := range in {
			tr.Inputs = append(tr.Inputs, InputTrace{Label: label(t.src.Inputs[i].Label, t.src.Inputs[i].Expr.S), Expr: t.src.Inputs[i].Expr.S, Value: feel.ToJSON(v)})
		}
	}
	for _, h := range hits {
		r := t.rules[h.rule]
		hit := RuleHit{Index: h.rule, ID: r.src.ID, Outputs: map[string]any{}, Annotations: r.notes}
		for _, cell := range r.src.Inputs {
			s := cell.S
			if s == "" {
				s = "-"
			}
			hit.Conditions = append(hit.Conditions, s)
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
