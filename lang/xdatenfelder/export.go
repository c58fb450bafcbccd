// SPDX-License-Identifier: EUPL-1.2

package xdatenfelder

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"mercator/lang/form"
)

// Export makes a message of a form: what it asks, without pages and looks. What came from
// FIM keeps its id, version, texts, counts and rules; what is new gets a provisional id, and
// a finding that says so. now is when the message is made.
func Export(f *form.Form, now time.Time) (*Message, []Finding) {
	x := &exporter{f: f, now: now.UTC().Format(time.RFC3339)}
	root := &Element{Kind: Schema, Status: "2", Changed: x.now, Line: 1, Col: 1}
	// The first text carries what is said of the schema.
	if len(f.Fields) > 0 && f.Fields[0].Type == "text" && !x.fromField(f.Fields[0]) {
		first := f.Fields[0]
		x.describe(root, first.Props)
		root.ID, root.Version, root.Label = first.Props["xdf"], first.Props["xdf.version"], first.Props["xdf.label"]
		root.Help = first.Props["xdf.help"]
		root.Name = first.Props["xdf.name"]
		root.Line, root.Col = first.Line, first.Col
	}
	if root.Label == "" {
		root.Label = f.ID
	}
	if root.Name == "" {
		root.Name = root.Label
	}
	x.identify(root, "S")
	for _, p := range f.Pages() {
		for i, fd := range p.Fields {
			if i == 0 && fd.Type == "text" && !x.fromField(fd) {
				continue // the page's title
			}
			x.add(root, fd)
		}
	}
	x.sweep(root)
	return &Message{File: f.File, Version: 3, ID: "mercator-" + longID(root.ID), Created: x.now, Root: root}, x.findings
}

type exporter struct {
	f        *form.Form
	now      string
	next     int
	findings []Finding
}

func (x *exporter) say(f *form.Field, format string, args ...any) {
	x.findings = append(x.findings, Finding{x.f.File, f.Line, f.Col, fmt.Sprintf(format, args...)})
}

// fromField tells whether a text is a field of the schema: a label field.
func (x *exporter) fromField(f *form.Field) bool { return f.Props["xdf.type"] != "" }

// describe fills in what props note of an element.
func (x *exporter) describe(e *Element, p map[string]string) {
	e.Description, e.Definition = p["xdf.description"], p["xdf.definition"]
	e.Basis = lines(p["xdf.basis"])
	for _, k := range slices.Sorted(maps.Keys(p)) {
		id, ok := strings.CutPrefix(k, "xdf.rule.")
		if !ok {
			continue
		}
		// A rule is where one of its notes is; its text may be empty.
		id, _, _ = strings.Cut(id, ".")
		if n := len(e.Rules); n > 0 && e.Rules[n-1].ID == id {
			continue
		}
		key := "xdf.rule." + id
		r := Rule{ID: id, Text: p[key], Name: p[key+".name"], Version: p[key+".version"], Type: p[key+".type"], Script: p[key+".script"]}
		if r.Name == "" {
			r.Name = r.ID
		}
		if r.Type == "" {
			r.Type = "K"
		}
		e.Rules = append(e.Rules, r)
	}
}

func lines(s string) []string {
	var out []string
	for l := range strings.SplitSeq(s, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}

// identify gives an element that FIM doesn't know a provisional id.
func (x *exporter) identify(e *Element, letter string) {
	if e.ID != "" {
		return
	}
	x.next++
	// 99 is no number range of FIM: nobody takes these for real ones.
	e.ID, e.Version = letter+"99000"+fmt.Sprintf("%06d", x.next), "1.0.0"
	note := "Vorläufige Id: Das Element kommt nicht aus FIM und braucht dort eine neue."
	e.Description = strings.TrimSpace(e.Description + "\n" + note)
	x.findings = append(x.findings, Finding{x.f.File, e.Line, e.Col, fmt.Sprintf("%q has no id of FIM: it gets the provisional %s", short(e.Label, 60), e.ID)})
}

// add puts a component below an element.
func (x *exporter) add(parent *Element, f *form.Field) {
	p := f.Props
	if n := p["xdf.copy"]; n != "" && n != "1" {
		return
	}
	switch p["xdf.made"] {
	case "list":
		for _, c := range f.Children {
			x.add(parent, c)
		}
		return
	case "":
	default:
		return
	}
	e := &Element{Version: p["xdf.version"], ID: p["xdf"], Name: p["xdf.name"], Label: f.Label["de"], OutputLabel: p["xdf.output"],
		OutputHelp: p["xdf.outputhelp"], Art: p["xdf.kind"], Status: "2", Changed: x.now, Line: f.Line, Col: f.Col}
	if l := p["xdf.label"]; l != "" {
		e.Label = l
	}
	x.describe(e, p)
	child := Child{Element: e, Basis: lines(p["xdf.placebasis"])}
	switch f.Type {
	case "group", "dynamiclist":
		e.Kind, e.Choice = Group, p["xdf.choice"] == "yes"
		child.Count = Count{1, 1}
		if f.Type == "dynamiclist" {
			child.Count = Count{0, Many}
		}
		if n, ok := ParseCount(p["xdf.count"]); ok && (n.Max == 1) == (f.Type == "group" && p["xdf.copy"] == "") {
			child.Count = n
		}
		if p["xdf.part"] != "" && p["xdf.part"] != "1" {
			// A later page of a group that stands there already.
			for _, c := range parent.Children {
				if c.Kind == Group && c.ID == e.ID && e.ID != "" {
					e = c.Element
				}
			}
		}
		for _, k := range f.Children {
			if k.Props["xdf.made"] == "help" {
				e.Help = k.Content["de"]
				continue
			}
			x.add(e, k)
		}
		if e != child.Element {
			return
		}
		x.finish(e, "G", p)
	default:
		e.Kind = Field
		if !x.field(e, f) {
			return
		}
		child.Count = x.count(f)
		x.finish(e, "F", p)
	}
	parent.Children = append(parent.Children, child)
}

func (x *exporter) finish(e *Element, letter string, p map[string]string) {
	if e.Label == "" {
		e.Label = e.Name
	}
	if e.Label == "" {
		e.Label = letter
	}
	if e.Name == "" {
		e.Name = e.Label
	}
	if e.Art == "" {
		e.Art = "RNG"
	}
	if e.OutputLabel == "" {
		e.OutputLabel = e.Label
	}
	x.identify(e, letter)
}

// sweep drops groups without fields: a form has them for looks.
func (x *exporter) sweep(e *Element) {
	kept := e.Children[:0]
	for _, c := range e.Children {
		if c.Kind == Group {
			if x.sweep(c.Element); len(c.Children) == 0 {
				continue
			}
		}
		kept = append(kept, c)
	}
	e.Children = kept
}

// count is how often a field is there: as FIM had it, unless the author has changed whether it
// has to be filled in.
func (x *exporter) count(f *form.Field) Count {
	c, ok := ParseCount(f.Props["xdf.count"])
	listed := f.Parent != nil && f.Parent.Props["xdf.made"] == "list"
	several := f.Type == "checklist" || f.Type == "taglist" || f.Multiple || listed
	if !ok {
		c = Count{0, 1}
		if f.Required {
			c.Min = 1
		}
		if several {
			c.Max = Many
		}
		return c
	}
	fixed := f.Type == "text" || f.Type == "expression" || f.ReadOnly || f.Props["xdf.copy"] != "" || listed
	if !fixed && c.Min > 0 && !f.Required {
		c.Min = 0
	}
	// Required only where a rule shows it: that is what the rule says, not the count.
	if !fixed && c.Min == 0 && f.Required && f.Props["xdf.required"] == "" {
		c.Min = 1
	}
	return c
}

// field says what a field asks; false: it is none.
func (x *exporter) field(e *Element, f *form.Field) bool {
	p := f.Props
	e.Help, e.Prefill, e.Content, e.MaxSize = f.Help["de"], p["xdf.prefill"], p["xdf.content"], p["xdf.maxsize"]
	if e.Prefill == "" {
		e.Prefill = "keine"
	}
	e.Input = "input"
	switch f.Type {
	case "textfield", "textarea":
		e.Type = "text"
		switch f.Kind {
		case "money":
			e.Type = "num_currency"
		case "date", "birthdate":
			e.Type = "date"
		}
	case "number":
		switch {
		case f.Kind == "money":
			e.Type = "num_currency"
		case f.Decimals == 0:
			e.Type = "num_int"
		default:
			e.Type = "num"
		}
	case "datetime":
		e.Type = f.Kind
		if f.Kind == "birthdate" {
			e.Type = "date"
		}
	case "checkbox":
		e.Type = "bool"
	case "radio", "select", "checklist", "taglist":
		e.Input, e.Type = "select", "text"
	case "filepicker":
		e.Type = "file"
		for m := range strings.SplitSeq(f.Accept, ",") {
			if m = strings.TrimSpace(m); m != "" {
				e.MediaTypes = append(e.MediaTypes, m)
			}
		}
	case "text", "html":
		if len(f.Content["de"]) == 0 {
			return false
		}
		e.Input, e.Type, e.Content = "label", "text", f.Content["de"]
		switch {
		case e.Label != "":
		case p["xdf"] != "": // the text is what the field is called
			e.Label, e.Content = e.Content, ""
		default:
			e.Label = short(strings.Join(strings.Fields(e.Content), " "), 120)
		}
	case "expression":
		e.Input, e.Type = "hidden", "text"
		if p["xdf"] == "" {
			x.say(f, "the computed field %q is exported as a hidden one; how it is computed is not", f.Name)
		}
		if e.Label == "" {
			e.Label = f.Key
		}
	default:
		if f.Type != "separator" && f.Type != "spacer" && f.Type != "button" {
			x.say(f, "a %s is not exported: XDatenfelder has nothing like it", f.Type)
		}
		return false
	}
	if in, typ, ok := strings.Cut(p["xdf.type"], " "); ok && slices.Contains(inputs3, in) && slices.Contains(types3, typ) {
		e.Input, e.Type = in, typ
	}
	if s, ok := f.Default.(string); ok && e.Input != "label" {
		e.Content = s
	}
	x.limits(e, f)
	x.choices(e, f)
	return true
}

func (x *exporter) limits(e *Element, f *form.Field) {
	p := f.Props
	l := Limits{MinLength: p["xdf.minlength"], MaxLength: p["xdf.maxlength"], MinValue: p["xdf.minvalue"], MaxValue: p["xdf.maxvalue"],
		Pattern: p["xdf.pattern"], Text: p["xdf.note"]}
	if f.MinLength > 0 {
		l.MinLength = strconv.Itoa(f.MinLength)
	}
	if f.MaxLength > 0 {
		l.MaxLength = strconv.Itoa(f.MaxLength)
	}
	if f.Pattern != nil {
		l.Pattern = strings.TrimSuffix(strings.TrimPrefix(f.Pattern.String(), "^(?:"), ")$")
	}
	if f.Min != "" {
		l.MinValue = f.Min
	}
	if f.Max != "" {
		l.MaxValue = f.Max
	}
	if f.Type == "datetime" {
		for k, into := range map[string]*string{"min": &l.MinValue, "max": &l.MaxValue} {
			if s := strings.Trim(p[k], `="`); day.MatchString(s) {
				*into = s
			} else if p[k] != "" {
				x.say(f, "%q: the bound %s is an expression: it is not exported", f.Name, p[k])
			}
		}
	}
	e.Limits = l
}

func (x *exporter) choices(e *Element, f *form.Field) {
	if e.Input != "select" {
		return
	}
	p := f.Props
	e.CodeKey, e.NameKey, e.HelpKey = p["xdf.codes.code"], p["xdf.codes.name"], p["xdf.codes.help"]
	if key := p["xdf.codes"]; key != "" {
		e.Codes = &CodesRef{URI: p["xdf.codes.uri"], Version: p["xdf.codes.version"], VersionURI: key}
		return
	}
	for _, o := range f.Options {
		e.Values = append(e.Values, Code{Code: o.OptionText(), Name: o.Label["de"]})
	}
	if len(e.Values) == 0 {
		x.say(f, "%q: its choices come from an expression or a list of the service: they are not exported", f.Name)
	}
}
