// SPDX-License-Identifier: EUPL-1.2

package model

import (
	"fmt"
	"strings"
)

var kinds = func() map[string]Kind {
	m := make(map[string]Kind, len(kindNames))
	for i, s := range kindNames {
		m[s] = Kind(i)
	}
	return m
}()

// expressions are the children that are expressions. What is neither one nor known
// here is a mistake, since an author meant it as one.
func (r *reader) expressions(n *node, known map[string]bool) []*Expr {
	var es []*Expr
	for _, k := range n.kids {
		if kind, ok := kinds[k.name]; ok {
			es = append(es, r.expr(k, kind))
		} else if k.name != "description" && !known[k.name] {
			r.add(k.pos, fmt.Sprintf("<%s> is no expression of DMN", clip(k.name)), "one of "+strings.Join(kindNames[:], ", "))
		}
	}
	return es
}

// only is the one expression of an element, or nil.
func (r *reader) only(n *node, what string, known map[string]bool) *Expr {
	es := r.expressions(n, known)
	if len(es) == 0 {
		return nil
	}
	if len(es) > 1 {
		r.add(es[1].Pos, what+" has more than one expression", "one")
	}
	return es[0]
}

// must is the one expression that an element has to have.
func (r *reader) must(n *node, what string, known map[string]bool) *Expr {
	before := len(r.errs)
	e := r.only(n, what, known)
	if e == nil && len(r.errs) == before {
		r.add(n.pos, what+" has no expression", "one")
	}
	return e
}

// child is the expression in a part of an expression, such as <if>.
func (r *reader) child(n *node, part string) *Expr {
	k := n.kid(part)
	if k == nil {
		r.add(n.pos, fmt.Sprintf("<%s> has no <%s>", n.name, part), "one")
		return nil
	}
	e := r.must(k, "<"+part+">", nil)
	if e != nil && e.TypeRef == "" {
		e.TypeRef = r.typeRef(k)
	}
	return e
}

var (
	inEntry      = set("variable")
	inInvocation = set("binding")
	inBinding    = set("parameter")
	inFunction   = set("formalParameter")
)

func (r *reader) expr(n *node, kind Kind) *Expr {
	if kind == Function {
		return r.function(n)
	}
	e := r.head(n, kind)
	switch kind {
	case Literal:
		e.Text, e.Language = r.entry(n), n.attr("expressionLanguage")
		e.ImportedText = n.kid("importedValues") != nil
	case Context:
		for _, k := range n.kids {
			if k.name != "contextEntry" {
				continue
			}
			entry := Entry{Pos: k.pos}
			if v := k.kid("variable"); v != nil {
				variable := r.variable(v)
				entry.Variable = &variable
			}
			entry.Value = r.must(k, "The context entry", inEntry)
			e.Entries = append(e.Entries, entry)
		}
	case Invocation:
		e.Callee = r.only(n, "The invocation", inInvocation)
		for _, k := range n.kids {
			if k.name != "binding" {
				continue
			}
			b := Binding{Pos: k.pos}
			if p := k.kid("parameter"); p != nil {
				b.Param = r.variable(p)
			} else {
				r.add(k.pos, "The binding names no parameter", "<parameter>")
			}
			b.Value = r.only(k, "The binding", inBinding)
			e.Bindings = append(e.Bindings, b)
		}
	case Relation:
		for _, k := range n.kids {
			if k.name == "column" {
				e.Columns = append(e.Columns, r.variable(k))
			}
		}
		for _, k := range n.kids {
			if k.name == "row" {
				row := r.expressions(k, nil)
				if len(row) != len(e.Columns) {
					r.add(k.pos, fmt.Sprintf("The row has %s", count(len(row), "cell", "cells")), fmt.Sprintf("%d, one for each column", len(e.Columns)))
				}
				e.Rows = append(e.Rows, row)
			}
		}
	case List:
		e.Items = r.expressions(n, nil)
	case Conditional:
		e.If, e.Then, e.Else = r.child(n, "if"), r.child(n, "then"), r.child(n, "else")
	case For, Some, Every:
		if e.Iterator = strings.Trim(n.attr("iteratorVariable"), " "); e.Iterator == "" {
			r.add(n.pos, fmt.Sprintf("<%s> names no variable", n.name), `an attribute iteratorVariable="…"`)
		}
		e.In = r.child(n, "in")
		body := "satisfies"
		if kind == For {
			body = "return"
		}
		e.Body = r.child(n, body)
	case Filter:
		e.In, e.Match = r.child(n, "in"), r.child(n, "match")
	case DecisionTable:
		e.Table = r.table(n)
	}
	return e
}

func (r *reader) head(n *node, kind Kind) *Expr {
	return &Expr{Pos: n.pos, Kind: kind, ID: n.attr("id"), Label: n.attr("label"), TypeRef: r.typeRef(n), Description: plain(n, "description")}
}

func (r *reader) function(n *node) *Expr {
	e := r.head(n, Function)
	switch e.FunctionKind = strings.Trim(n.attr("kind"), " "); e.FunctionKind {
	case "":
		e.FunctionKind = "FEEL"
	case "FEEL", "Java", "PMML":
	default:
		r.add(n.pos, fmt.Sprintf("There is no kind of function %s", quote(e.FunctionKind)), "FEEL, Java or PMML")
	}
	for _, k := range n.kids {
		if k.name == "formalParameter" {
			e.Params = append(e.Params, r.variable(k))
		}
	}
	e.Body = r.only(n, "The function", inFunction)
	return e
}

// policies are the hit policies by name and by letter.
var policies = map[string]string{
	"UNIQUE": "UNIQUE", "FIRST": "FIRST", "PRIORITY": "PRIORITY", "ANY": "ANY", "COLLECT": "COLLECT",
	"RULE ORDER": "RULE ORDER", "OUTPUT ORDER": "OUTPUT ORDER",
	"": "UNIQUE", "U": "UNIQUE", "F": "FIRST", "P": "PRIORITY", "A": "ANY", "C": "COLLECT",
	"R": "RULE ORDER", "O": "OUTPUT ORDER",
}

// aggregators are the aggregations by name and by the sign after a C.
var aggregators = map[string]string{"SUM": "SUM", "COUNT": "COUNT", "MIN": "MIN", "MAX": "MAX",
	"+": "SUM", "#": "COUNT", "<": "MIN", ">": "MAX", "": ""}

func (r *reader) table(n *node) *Table {
	t := &Table{Pos: n.pos, ID: n.attr("id"), Orientation: n.attr("preferredOrientation"), OutputLabel: n.attr("outputLabel")}
	r.policy(n, t)
	for _, k := range n.kids {
		switch k.name {
		case "input":
			t.Inputs = append(t.Inputs, r.input(k))
		case "output":
			o := Output{Pos: k.pos, ID: k.attr("id"), Name: strings.Trim(k.attr("name"), " "), Label: k.attr("label"), TypeRef: r.typeRef(k)}
			if v := k.kid("outputValues"); v != nil {
				o.Values = r.text(v)
			}
			if v := k.kid("defaultOutputEntry"); v != nil {
				o.Default = r.text(v)
			}
			t.Outputs = append(t.Outputs, o)
		case "annotation":
			t.Annotations = append(t.Annotations, k.attr("name"))
		}
	}
	if len(t.Outputs) == 0 {
		r.add(n.pos, "The table has no output", "<output>")
	}
	for _, k := range n.kids {
		if k.name == "rule" {
			t.Rules = append(t.Rules, r.rule(k, t))
		}
	}
	return t
}

func (r *reader) policy(n *node, t *Table) {
	name, agg := strings.Trim(n.attr("hitPolicy"), " "), strings.Trim(n.attr("aggregation"), " ")
	if len(name) == 2 && name[0] == 'C' && agg == "" {
		name, agg = "C", name[1:]
	}
	var ok bool
	if t.HitPolicy, ok = policies[name]; !ok {
		r.add(n.pos, fmt.Sprintf("There is no hit policy %s", quote(n.attr("hitPolicy"))), "UNIQUE, FIRST, PRIORITY, ANY, COLLECT, RULE ORDER or OUTPUT ORDER")
		t.HitPolicy = name
	}
	known := ok
	if t.Aggregation, ok = aggregators[agg]; !ok {
		r.add(n.pos, fmt.Sprintf("There is no aggregation %s", quote(agg)), "SUM, COUNT, MIN or MAX")
		t.Aggregation = agg
	} else if known && t.Aggregation != "" && t.HitPolicy != "COLLECT" {
		r.add(n.pos, fmt.Sprintf("The hit policy %s has an aggregation", t.HitPolicy), "it with COLLECT only")
	}
}

func (r *reader) input(n *node) Input {
	i := Input{Pos: n.pos, ID: n.attr("id"), Label: n.attr("label"), Expr: Text{Pos: n.pos}}
	if k := n.kid("inputExpression"); k != nil {
		i.Expr, i.TypeRef = r.entry(k), r.typeRef(k)
	} else {
		r.add(n.pos, "The input has no expression", "<inputExpression>")
	}
	if k := n.kid("inputValues"); k != nil {
		i.Values = r.text(k)
	}
	return i
}

func (r *reader) rule(n *node, t *Table) Rule {
	u := Rule{Pos: n.pos, ID: n.attr("id"), Description: plain(n, "description")}
	for _, k := range n.kids {
		switch k.name {
		case "inputEntry":
			u.Inputs = append(u.Inputs, r.entry(k))
		case "outputEntry":
			u.Outputs = append(u.Outputs, r.entry(k))
		case "annotationEntry":
			u.Annotations = append(u.Annotations, r.entry(k))
		}
	}
	if len(u.Inputs) != len(t.Inputs) {
		r.add(n.pos, "The rule has "+count(len(u.Inputs), "input entry", "input entries"), fmt.Sprintf("%d, one for each input of the table", len(t.Inputs)))
	}
	if len(u.Outputs) != len(t.Outputs) {
		r.add(n.pos, "The rule has "+count(len(u.Outputs), "output entry", "output entries"), fmt.Sprintf("%d, one for each output of the table", len(t.Outputs)))
	}
	return u
}

func count(n int, one, many string) string {
	switch n {
	case 0:
		return "no " + one
	case 1:
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
