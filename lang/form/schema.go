// SPDX-License-Identifier: EUPL-1.2

package form

import (
	"encoding/json"
)

// SchemaDialect is the version of JSON Schema that Schema writes.
const SchemaDialect = "https://json-schema.org/draft/2020-12/schema"

// Schema describes what View.Submission gives of a form that is filled in without mistakes, as a JSON Schema in that
// dialect. It says what every submission has: a field that a condition may hide isn't required, and may be null, since a
// correction of another field can bring it up. Options from an expression or a list depend on the day, so they are any.
func (f *Form) Schema() ([]byte, error) {
	root := newObject()
	root.all["$schema"] = SchemaDialect
	if f.ID != "" {
		root.all["title"] = f.ID
	}
	root.fields(f.Fields, false)
	return json.MarshalIndent(root.schema(), "", "  ")
}

// object is the schema of an object while its properties are collected.
type object struct {
	all      map[string]any
	props    map[string]any
	required []string
}

func newObject() *object {
	return &object{all: map[string]any{"type": "object", "additionalProperties": false}, props: map[string]any{}}
}

func (o *object) schema() map[string]any {
	props := make(map[string]any, len(o.props))
	for name, p := range o.props {
		if in, ok := p.(*object); ok {
			p = in.schema()
		}
		props[name] = p
	}
	o.all["properties"] = props
	if len(o.required) > 0 {
		o.all["required"] = o.required
	}
	return o.all
}

// fields adds what fields give; maybe says that something above them can hide them.
func (o *object) fields(fields []*Field, maybe bool) {
	for _, f := range fields {
		hidden := maybe || f.hide != nil
		switch {
		case f.Type == "group":
			o.fields(f.Children, hidden)
		case f.Type == "dynamiclist":
			row := newObject()
			row.fields(f.Children, hidden)
			o.put(f, map[string]any{"type": "array", "maxItems": MaxRows, "items": row.schema()}, !hidden)
		case f.Name != "":
			o.put(f, f.schema(hidden), !hidden)
		}
	}
}

// put adds a property under its name, with the objects on the way.
func (o *object) put(f *Field, schema map[string]any, always bool) {
	if s := f.Label.For("de"); s != "" {
		schema["title"] = s
	}
	if s := f.Help.For("de"); s != "" {
		schema["description"] = s
	}
	if id := f.Props["xdf"]; id != "" {
		schema["x-xdatenfeld"] = id
	}
	parts := valuePath(f)
	for i, part := range parts {
		last := i == len(parts)-1
		if always && !contains(o.required, part) {
			o.required = append(o.required, part)
		}
		if last {
			o.props[part] = schema
			return
		}
		next, ok := o.props[part].(*object)
		if !ok {
			next = newObject()
			o.props[part] = next
		}
		o = next
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// schema is what one answer may be.
func (f *Field) schema(hidden bool) map[string]any {
	// Only what is always asked and always needed is never null.
	null := !f.Required || hidden || f.ReadOnly
	s := map[string]any{}
	is := func(t string) {
		if s["type"] = t; null {
			s["type"] = []any{t, "null"}
		}
	}
	// What a register says isn't held against the rules for what people type.
	typed := f.Register == ""
	switch f.Type {
	case "checkbox":
		if s["type"] = "boolean"; !null {
			s["const"] = true
		}
	case "radio", "select":
		if o := f.oneOf(null); o != nil {
			s["oneOf"] = o
		}
	case "checklist", "taglist":
		is("array")
		if o := f.oneOf(false); o != nil {
			s["items"] = map[string]any{"oneOf": o}
		}
		if !null {
			s["minItems"] = 1
		}
	case "filepicker":
		is("array")
		s["items"] = map[string]any{
			"type": "object", "required": []any{"name", "hash", "type", "size"},
			"properties": map[string]any{
				"name": map[string]any{"type": "string"}, "type": map[string]any{"type": "string"},
				"hash": map[string]any{"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "SHA-256"},
				"size": map[string]any{"type": "integer", "minimum": 0},
			},
		}
		if !f.Multiple {
			s["maxItems"] = 1
		}
		if !null {
			s["minItems"] = 1
		}
	case "number":
		if is("number"); f.Kind == "money" {
			is("integer")
			s["description"] = "cents"
			break
		}
		if f.Decimals == 0 && typed {
			is("integer")
		}
		if typed && isNumber(f.Min) {
			s["minimum"] = number(f.Min)
		}
		if typed && isNumber(f.Max) {
			s["maximum"] = number(f.Max)
		}
	case "datetime", "textfield", "textarea":
		f.textSchema(s, is, typed)
	}
	return s
}

func (f *Field) textSchema(s map[string]any, is func(string), typed bool) {
	is("string")
	switch f.Kind {
	case "money":
		is("integer")
		s["description"] = "cents"
	case "birthdate":
		s["pattern"] = `^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$`
	case "date":
		s["format"] = "date"
	case "datetime":
		s["pattern"] = `^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}$`
	case "time":
		s["pattern"] = `^[0-9]{2}:[0-9]{2}$`
	default:
		if typed && f.MinLength > 0 {
			s["minLength"] = f.MinLength
		}
		if typed {
			s["maxLength"] = f.limit()
		}
	}
}

// oneOf are the choices with what they are called; nil: they aren't fixed.
func (f *Field) oneOf(null bool) []any {
	if f.optionsExpr != nil || f.valuesKey != "" {
		return nil
	}
	out := make([]any, 0, len(f.Options)+1)
	for _, o := range f.Options {
		out = append(out, map[string]any{"const": o.Value, "title": o.Label.For("de")})
	}
	if null {
		out = append(out, map[string]any{"const": nil})
	}
	return out
}

// Conditional tells whether a condition may hide the field, or something that it stands in.
func (f *Field) Conditional() bool {
	for ; f != nil; f = f.Parent {
		if f.hide != nil {
			return true
		}
	}
	return false
}

// Asked are the fields of a page without the text that is its title.
func (p *Page) Asked() []*Field {
	out := make([]*Field, 0, len(p.Fields))
	for _, f := range p.Fields {
		if f != p.titleField {
			out = append(out, f)
		}
	}
	return out
}

// OptionsOf are the choices of a field as far as they depend on no row, shown or hidden.
func (v *View) OptionsOf(f *Field) []Option {
	if v.Form.graph.part[f][chooses] == nil {
		return f.Options
	}
	return v.choices(f, v.root())
}

// Lang is the language in which the form was filled in.
func (v *View) Lang() string { return v.ctx.Lang }
