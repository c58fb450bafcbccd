// SPDX-License-Identifier: EUPL-1.2

package dmn

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strings"

	"mercator/lang/feel"
)

type xmlText struct {
	Text string `xml:"text"`
}

type xmlDefinitions struct {
	XMLName   xml.Name
	Decisions []struct {
		ID    string `xml:"id,attr"`
		Name  string `xml:"name,attr"`
		Table *struct {
			HitPolicy   string `xml:"hitPolicy,attr"`
			Aggregation string `xml:"aggregation,attr"`
			Inputs      []struct {
				Label      string  `xml:"label,attr"`
				Expression xmlText `xml:"inputExpression"`
			} `xml:"input"`
			Outputs []struct {
				Name string `xml:"name,attr"`
			} `xml:"output"`
			Annotations []struct {
				Name string `xml:"name,attr"`
			} `xml:"annotation"`
			Rules []struct {
				ID          string    `xml:"id,attr"`
				Inputs      []xmlText `xml:"inputEntry"`
				Outputs     []xmlText `xml:"outputEntry"`
				Annotations []xmlText `xml:"annotationEntry"`
			} `xml:"rule"`
		} `xml:"decisionTable"`
		Literal *xmlText `xml:"literalExpression"`
		Needs   []struct {
			Decision struct {
				Href string `xml:"href,attr"`
			} `xml:"requiredDecision"`
		} `xml:"informationRequirement"`
	} `xml:"decision"`
}

// Definitions is a DMN file.
type Definitions struct {
	file      string
	decisions []*decision
}

type decision struct {
	id, name string
	needs    []string
	literal  *feel.Program
	hit      string
	inputs   []*feel.Program
	outputs  []string
	rules    []rule
}

type rule struct {
	id          string
	line        int // in the file, 0: unknown
	tests       []*feel.Program
	outputs     []*feel.Program
	annotations []Annotation
}

// Annotation is a note of a rule.
type Annotation struct{ Name, Text string }

// RuleHit is a rule that matched.
type RuleHit struct {
	Index       int
	ID          string
	Outputs     map[string]any
	Annotations []Annotation
}

// DecisionTrace is how a decision was made.
type DecisionTrace struct {
	ID, Name string
	Rules    []RuleHit
}

// Result is what a decision gives.
type Result struct {
	Value any
	Trace []DecisionTrace
}

// DecisionInfo names a decision.
type DecisionInfo struct{ ID, Name string }

// CheckOptions say what is checked: the annotations that every rule must have, such
// as the law it rests on.
type CheckOptions struct{ Annotations []string }

// Finding is a mistake in a file.
type Finding struct {
	File      string
	Line, Col int
	Msg       string
}

// maxSource bounds a file, in bytes.
const maxSource = 4 << 20

// Parse reads a file. The error names every expression that can't be read.
func Parse(file string, data []byte) (*Definitions, error) {
	var x xmlDefinitions
	if len(data) > maxSource {
		return nil, fmt.Errorf("%s: larger than %d bytes", file, maxSource)
	}
	if err := xml.Unmarshal(data, &x); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	d := &Definitions{file: file}
	var bad []error
	compile := func(src string, line int, f func(string, feel.Config) (*feel.Program, error)) *feel.Program {
		p, err := f(strings.TrimSpace(src), feel.Config{File: file, Line: line, Col: 1})
		if err != nil {
			bad = append(bad, err)
		}
		return p
	}
	for _, xd := range x.Decisions {
		dec := &decision{id: xd.ID, name: xd.Name}
		at := lineOf(data, xd.ID)
		for _, n := range xd.Needs {
			if h := strings.TrimPrefix(n.Decision.Href, "#"); h != "" {
				dec.needs = append(dec.needs, h)
			}
		}
		if xd.Literal != nil {
			dec.literal = compile(xd.Literal.Text, at, feel.Compile)
		}
		if t := xd.Table; t != nil {
			dec.hit = t.HitPolicy + t.Aggregation
			for _, in := range t.Inputs {
				dec.inputs = append(dec.inputs, compile(in.Expression.Text, at, feel.Compile))
			}
			for _, o := range t.Outputs {
				dec.outputs = append(dec.outputs, o.Name)
			}
			for _, xr := range t.Rules {
				r := rule{id: xr.ID, line: lineOf(data, xr.ID)}
				for _, in := range xr.Inputs {
					r.tests = append(r.tests, compile(in.Text, r.line, feel.CompileUnary))
				}
				for _, o := range xr.Outputs {
					r.outputs = append(r.outputs, compile(o.Text, r.line, feel.Compile))
				}
				for i, a := range xr.Annotations {
					if i < len(t.Annotations) {
						r.annotations = append(r.annotations, Annotation{t.Annotations[i].Name, strings.TrimSpace(a.Text)})
					}
				}
				if len(r.tests) != len(dec.inputs) || len(r.outputs) != len(dec.outputs) {
					bad = append(bad, fmt.Errorf("%s:%d: rule %s has the wrong number of entries", file, r.line, r.id))
				}
				dec.rules = append(dec.rules, r)
			}
		}
		d.decisions = append(d.decisions, dec)
	}
	return d, errors.Join(bad...)
}

// Decisions lists the decisions.
func (d *Definitions) Decisions() []DecisionInfo {
	var out []DecisionInfo
	for _, x := range d.decisions {
		out = append(out, DecisionInfo{x.id, x.name})
	}
	return out
}

// lineOf is the line of the element with an id, for a message.
func lineOf(data []byte, id string) int {
	i := bytes.Index(data, []byte(`id="`+id+`"`))
	if id == "" || i < 0 {
		return 0
	}
	return 1 + bytes.Count(data[:i], []byte("\n"))
}

// Check finds rules that don't say what every rule must say. Gaps and overlaps of a
// table are not looked for yet.
func (d *Definitions) Check(o CheckOptions) []Finding {
	var out []Finding
	for _, x := range d.decisions {
		for _, r := range x.rules {
			for _, want := range o.Annotations {
				if !slices.ContainsFunc(r.annotations, func(a Annotation) bool { return a.Name == want && a.Text != "" }) {
					out = append(out, Finding{File: d.file, Line: r.line, Msg: fmt.Sprintf("rule %q of the decision %q has no annotation %q", r.id, x.id, want)})
				}
			}
		}
	}
	return out
}

// Decide evaluates a decision.
func (d *Definitions) Decide(name string, in map[string]any) (*Result, error) {
	r := &Result{}
	vars := map[string]any{}
	for k, v := range in {
		vars[k] = v
	}
	var err error
	r.Value, err = d.decide(name, vars, r, 0)
	return r, err
}

func (d *Definitions) decide(name string, vars map[string]any, r *Result, depth int) (any, error) {
	if depth > 20 {
		return nil, errors.New("decisions need one another in a circle")
	}
	for _, x := range d.decisions {
		if x.id != name && x.name != name {
			continue
		}
		for _, n := range x.needs {
			v, err := d.decide(n, vars, r, depth+1)
			if err != nil {
				return nil, err
			}
			vars[n] = v
		}
		if x.literal != nil {
			return x.literal.EvalJSON(vars)
		}
		return x.table(vars, r)
	}
	return nil, fmt.Errorf("there is no decision %q", name)
}

func (x *decision) table(vars map[string]any, r *Result) (any, error) {
	tr := DecisionTrace{ID: x.id, Name: x.name}
	ins := make([]any, len(x.inputs))
	for i, p := range x.inputs {
		v, err := p.EvalJSON(vars)
		if err != nil {
			return nil, err
		}
		ins[i] = v
	}
	var values []any
	for k, rl := range x.rules {
		ok := true
		for i, t := range rl.tests {
			m, err := t.Test(ins[i], vars)
			if err != nil {
				return nil, err
			}
			if ok = m; !ok {
				break
			}
		}
		if !ok {
			continue
		}
		out := map[string]any{}
		for i, p := range rl.outputs {
			v, err := p.EvalJSON(vars)
			if err != nil {
				return nil, err
			}
			out[x.outputs[i]] = v
		}
		tr.Rules = append(tr.Rules, RuleHit{Index: k, ID: rl.id, Outputs: out, Annotations: rl.annotations})
		var v any = out
		if len(x.outputs) == 1 {
			v = out[x.outputs[0]]
		}
		values = append(values, v)
		if x.hit == "FIRST" {
			break
		}
	}
	r.Trace = append(r.Trace, tr)
	if strings.HasPrefix(x.hit, "COLLECT") || x.hit == "RULE ORDER" {
		return values, nil
	}
	if len(values) == 0 || (len(values) > 1 && x.hit != "ANY") {
		return nil, nil
	}
	return values[0], nil
}
