// SPDX-License-Identifier: EUPL-1.2

package registerweb

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"mercator/domain/register"
)

// searched reports whether records can be found by a field.
func searched(f register.Field) bool { return f.Search != register.NoSearch }

// fullText reports whether the register has words to look for.
func (v *visit) fullText() bool { return false }

// shape is what a schema says about one field, as far as a form needs it.
type shape struct {
	Kind      string // string, integer, number, boolean, list, other
	Format    string // date …
	Choices   []string
	MaxLength int
	Required  bool
	Text      string // of the schema, for the hint
}

// shapes are those of all fields of a register.
func shapes(d *register.Definition) (map[string]shape, error) {
	var schema struct {
		Required   []string `json:"required"`
		Properties map[string]struct {
			Type        any    `json:"type"`
			Format      string `json:"format"`
			Enum        []any  `json:"enum"`
			MaxLength   int    `json:"maxLength"`
			Description string `json:"description"`
			Items       struct {
				Type any `json:"type"`
			} `json:"items"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(d.Schema(), &schema); err != nil {
		return nil, err
	}
	out := map[string]shape{}
	for name, p := range schema.Properties {
		s := shape{Format: p.Format, MaxLength: p.MaxLength, Required: slices.Contains(schema.Required, name), Text: p.Description, Kind: "other"}
		kind := firstKind(p.Type)
		switch kind {
		case "string", "integer", "number", "boolean":
			s.Kind = kind
		case "array":
			if firstKind(p.Items.Type) == "string" {
				s.Kind = "list"
			}
		case "":
			if len(p.Enum) > 0 {
				s.Kind = "string"
			}
		}
		for _, e := range p.Enum {
			if t, ok := e.(string); ok {
				s.Choices = append(s.Choices, t)
			}
		}
		out[name] = s
	}
	return out, nil
}

// firstKind is the type of a schema, "null" aside.
func firstKind(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		for _, x := range v {
			if t, ok := x.(string); ok && t != "null" {
				return t
			}
		}
	}
	return ""
}

// value is a field's value as a person reads it.
func (v *visit) value(f register.Field, x any) string {
	switch x := x.(type) {
	case nil:
		return ""
	case string:
		if len(x) == len("2006-01-02") && x[4] == '-' && x[7] == '-' {
			if s := v.loc.Date(x); s != "" {
				return s
			}
		}
		return x
	case bool:
		if x {
			return v.loc.T("registerweb.yes")
		}
		return v.loc.T("registerweb.no")
	case []any:
		var list []string
		for _, e := range x {
			if t := v.value(f, e); t != "" {
				list = append(list, t)
			}
		}
		return strings.Join(list, ", ")
	}
	return plain(x)
}

// plain is a value as text: what a form field holds.
func plain(x any) string {
	switch x := x.(type) {
	case nil:
		return ""
	case string:
		return x
	case json.Number:
		return x.String()
	case bool:
		return fmt.Sprint(x)
	case []any:
		if !slices.ContainsFunc(x, func(e any) bool { _, ok := e.(string); return !ok }) {
			var lines []string
			for _, e := range x {
				lines = append(lines, e.(string))
			}
			return strings.Join(lines, "\n")
		}
	}
	b, err := json.Marshal(x)
	if err != nil {
		return ""
	}
	return string(b)
}

// data is a record's data with numbers as they are written.
func data(r register.Record) (map[string]any, error) {
	m := map[string]any{}
	if string(r.Data) == "null" || len(r.Data) == 0 {
		return m, nil
	}
	dec := json.NewDecoder(bytes.NewReader(r.Data))
	dec.UseNumber()
	return m, dec.Decode(&m)
}
