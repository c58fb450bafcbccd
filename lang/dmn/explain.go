// SPDX-License-Identifier: EUPL-1.2

package dmn

import (
	"embed"
	"slices"
	"strconv"
	"strings"

	"mercator/base/i18n"
	"mercator/lang/feel"

	"github.com/cockroachdb/apd/v3"
)

// Messages are the texts of this room (base/i18n).
//
//go:embed messages.*.toml
var Messages embed.FS

// languages are the names of annotations that hold the reason in words of a language.
var languages = []string{"de", "en", "tr", "de-simple"}

// Explain says in the language of a localizer why the answer is what it is: for every
// decision down the graph the answer, the rules that applied with what they asked and
// got, and their annotations. An annotation whose name is a language is the reason in
// that language; "law" is the legal basis; others are told under their names.
func (r *Result) Explain(l *i18n.Localizer) []string {
	var out []string
	for _, t := range slices.Backward(r.Trace) { // the answer first, then what it rests on
		out = append(out, l.T("dmn.answer", "name", t.Name, "value", show(l, t.Value)))
		switch {
		case t.HitPolicy == "":
			out = append(out, l.T("dmn.computed"))
		case len(t.Rules) == 0:
			s := ""
			for _, in := range t.Inputs {
				v := l.T("dmn.missing")
				if in.Value != nil {
					v = show(l, in.Value)
				}
				s = join(l, s, l.T("dmn.input", "label", in.Label, "value", v))
			}
			out = append(out, l.T("dmn.norule", "inputs", s))
		}
		for _, rule := range t.Rules {
			s := ""
			for _, c := range rule.Conditions {
				if c.Test != "-" {
					s = join(l, s, l.T("dmn.condition", "label", c.Label, "value", show(l, c.Value), "condition", c.Test))
				}
			}
			number := strconv.Itoa(rule.Index + 1)
			if s == "" {
				out = append(out, l.T("dmn.always", "number", number))
			} else {
				out = append(out, l.T("dmn.rule", "number", number, "conditions", s))
			}
			out = append(out, rule.notes(l)...)
		}
	}
	if r.Value == nil {
		for i, n := range r.Nulls {
			// What is null because a part of it is says nothing new.
			if slices.ContainsFunc(r.Nulls[:i], func(m feel.Note) bool {
				return m.Expr != "" && len(m.Expr) < len(n.Expr) && m.File == n.File && strings.Contains(n.Expr, m.Expr)
			}) {
				continue
			}
			if line := reason(l, n); !slices.Contains(out, line) {
				out = append(out, line)
			}
		}
	}
	return out
}

// reason says in words where a null came from. What an author is told about an
// expression is in English and stays in Result.Nulls; people are shown which it is.
func reason(l *i18n.Localizer, n feel.Note) string {
	at := []any{"line", strconv.Itoa(n.Line), "column", strconv.Itoa(n.Col), "expression", n.Expr}
	switch {
	case strings.HasPrefix(n.Msg, noteGiven):
		if strings.HasSuffix(n.Msg, " is missing") {
			return l.T("dmn.null.lacking", "label", n.Expr)
		}
		return l.T("dmn.null.given", "label", n.Expr)
	case n.Msg == noteNoRule:
		return l.T("dmn.null.norule", at...)
	case strings.HasSuffix(n.Msg, noteOnlyOne):
		return l.T("dmn.null.onlyone", append(at, "number", strings.TrimSuffix(n.Msg, noteOnlyOne))...)
	case n.Msg == noteDisagree:
		return l.T("dmn.null.disagree", at...)
	case n.Msg == noteInputValues, strings.HasPrefix(n.Msg, noteInputType):
		return l.T("dmn.null.input", at...)
	case strings.HasPrefix(n.Msg, noteOutputType):
		return l.T("dmn.null.output", at...)
	case strings.Contains(n.Msg, "null"):
		return l.T("dmn.null.absent", at...)
	}
	return l.T("dmn.null.other", at...)
}

func (h RuleHit) notes(l *i18n.Localizer) []string {
	var out []string
	texts := map[string]string{}
	for _, a := range h.Annotations {
		switch {
		case a.Text == "":
		case slices.Contains(languages, a.Name):
			texts[a.Name] = a.Text
		case a.Name == "law":
			out = append(out, l.T("dmn.law", "text", a.Text))
		default:
			out = append(out, l.T("dmn.note", "name", a.Name, "text", a.Text))
		}
	}
	if len(texts) > 0 {
		out = append([]string{l.T("dmn.because", "text", l.Pick(texts))}, out...)
	}
	return out
}

func join(l *i18n.Localizer, a, b string) string {
	if a == "" {
		return b
	}
	return l.T("dmn.list", "first", a, "second", b)
}

// show writes a value for people.
func show(l *i18n.Localizer, v any) string {
	switch v := feel.FromJSON(v).(type) {
	case nil:
		return l.T("dmn.nothing")
	case bool:
		if v {
			return l.T("dmn.yes")
		}
		return l.T("dmn.no")
	case *apd.Decimal:
		return l.Decimal(feel.Text(v))
	case string:
		if d, ok := feel.ParseDate(v); ok {
			return l.Date(d.String())
		}
		return v
	case feel.Date:
		return l.Date(v.String())
	case []feel.Value:
		s := ""
		for _, x := range v {
			s = join(l, s, show(l, x))
		}
		return s
	case *feel.Context:
		var parts []string
		for _, n := range v.Names() {
			x, _ := v.Get(n)
			parts = append(parts, n+" = "+show(l, x))
		}
		return strings.Join(parts, ", ")
	default:
		return feel.Text(v)
	}
}
