// SPDX-License-Identifier: EUPL-1.2

package dmn

import (
	"fmt"
	"slices"
	"strings"

	"mercator/lang/feel"
)

// CheckOptions say what is checked beyond what the standard asks.
type CheckOptions struct {
	// Annotations that every rule of a table must have, such as the law it rests on.
	Annotations []string
}

// Severity says how bad a finding is.
type Severity string

// An Error makes a decision wrong or null where its author didn't mean it; a Warning
// is worth a look.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Finding is something that is wrong in a file, or looks wrong.
type Finding struct {
	feel.Error
	Severity Severity
	Rule     string // "expression", "annotation", "output", "gap", "overlap", "unreachable", "limit"
}

func (f Finding) String() string {
	s := f.Error.Error()
	if f.Severity == Warning {
		s += " (warning)"
	}
	return s
}

// Check looks for what goes wrong only when a decision is made: unknown names, values
// that don't go together, rules that lack an annotation, gaps and overlaps of tables
// with an input that shows them, rules that nothing reaches. It is sorted by place.
func (d *Definitions) Check(o CheckOptions) []Finding {
	var out []Finding
	for _, p := range d.problems {
		out = append(out, Finding{*p, Error, "expression"})
	}
	for _, e := range d.elements {
		for _, t := range e.tables {
			for _, r := range t.rules {
				for _, want := range o.Annotations {
					if !slices.ContainsFunc(r.notes, func(a Annotation) bool { return a.Name == want && a.Text != "" }) {
						out = append(out, d.finding(r, Error, "annotation", fmt.Sprintf("rule %s of %s has no annotation %q", r.name(), e, want)))
					}
				}
			}
			out = append(out, d.unlisted(e, t)...)
			out = append(out, d.tableFindings(e, t)...)
		}
	}
	slices.SortStableFunc(out, func(a, b Finding) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Col - b.Col
	})
	// Up to a limit, errors and warnings apart, so that no error is lost behind warnings.
	count := map[Severity]int{}
	kept := out[:0]
	for _, f := range out {
		if count[f.Severity]++; count[f.Severity] <= maxFindings {
			kept = append(kept, f)
		}
	}
	for _, s := range []Severity{Error, Warning} {
		if n := count[s] - maxFindings; n > 0 {
			kept = append(kept, Finding{feel.Error{File: d.file, Msg: fmt.Sprintf("there are %d more findings of the severity “%s”", n, s)}, s, "limit"})
		}
	}
	return kept
}

const maxFindings = 100

// unlisted are the outputs that aren't among the output values of their column, which
// are all that it may give (8.2.6).
func (d *Definitions) unlisted(e *element, t *table) []Finding {
	var out []Finding
	for k, o := range t.src.Outputs {
		if t.values[k] == nil {
			continue
		}
		for _, r := range t.rules {
			v, ok := feel.Constant(r.outputs[k])
			if !ok || v == nil || matches(t.values[k], v) || k >= len(r.src.Outputs) {
				continue
			}
			f := d.finding(r, Warning, "output", fmt.Sprintf("the output %s of %s isn't one of the values of its column", r.src.Outputs[k].S, e))
			f.Line, f.Col, f.Expr = r.src.Outputs[k].Line, r.src.Outputs[k].Col, r.src.Outputs[k].S
			if o.Values != nil {
				f.Expected = "one of " + o.Values.S
			}
			out = append(out, f)
		}
	}
	return out
}

func (d *Definitions) finding(r *rule, s Severity, kind, msg string) Finding {
	return Finding{feel.Error{File: d.file, Line: r.src.Line, Col: r.src.Col, Msg: msg}, s, kind}
}

// name is what a message calls a rule.
func (r *rule) name() string {
	if r.src.ID != "" {
		return quote(r.src.ID)
	}
	return fmt.Sprintf("in line %d", r.src.Line)
}

// conditions writes the inputs of a rule on one line.
func (r *rule) conditions() string {
	var out []string
	for _, c := range r.src.Inputs {
		if c.S == "" {
			out = append(out, "-")
		} else {
			out = append(out, c.S)
		}
	}
	return strings.Join(out, " | ")
}
