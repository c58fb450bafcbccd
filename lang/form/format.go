// SPDX-License-Identifier: EUPL-1.2

package form

import (
	"strconv"
	"strings"

	"mercator/base/i18n"
	"mercator/base/person"
)

// Format writes an item's value the way people read it: on the page that checks
// the answers, at the desk, in a letter.
func Format(it Item, l *i18n.Localizer) string {
	label := func(v any) string {
		s := optionText(v)
		for _, o := range it.Options {
			if optionText(o.Value) == s {
				return o.Label.For(l.Lang())
			}
		}
		return s
	}
	switch it.Type {
	case "radio", "select":
		if it.Value == nil {
			return ""
		}
		return label(it.Value)
	case "checklist", "taglist":
		vals, _ := it.Value.([]any)
		out := make([]string, len(vals))
		for i, v := range vals {
			out[i] = label(v)
		}
		return strings.Join(out, "; ")
	case "filepicker":
		vals, _ := it.Value.([]any)
		var out []string
		for _, v := range vals {
			if m, ok := v.(map[string]any); ok {
				out = append(out, optionText(m["name"]))
			}
		}
		return strings.Join(out, "; ")
	}
	return FormatValue(it.Kind, it.Value, l)
}

// FormatValue writes a value of a kind (see Field.Kind).
func FormatValue(kind string, v any, l *i18n.Localizer) string {
	s := optionText(v)
	switch v := v.(type) {
	case bool:
		if v {
			return l.T("form.yes")
		}
		return l.T("form.no")
	case map[string]any:
		switch {
		case kind == "position":
			return position(v).String()
		case kind == "signature" || v["name"] != nil:
			return optionText(v["name"])
		}
	case []any:
		out := make([]string, len(v))
		for i, x := range v {
			out[i] = FormatValue(kind, x, l)
		}
		return strings.Join(out, "; ")
	}
	if s == "" {
		return ""
	}
	switch kind {
	case "date", "birthdate":
		switch len(s) {
		case 4:
			return s
		case 7:
			return s[5:] + "/" + s[:4]
		}
		return l.Date(s)
	case "datetime":
		d, t, ok := strings.Cut(s, "T")
		if !ok {
			return s
		}
		return l.Date(d) + ", " + t
	case "money":
		if n, err := number(s).Int64(); err == nil {
			return l.Money(n)
		}
	case "number":
		return l.Decimal(s)
	case "iban":
		return person.FormatIBAN(s)
	case "phone":
		return person.FormatPhone(s)
	case "tax_id":
		return person.FormatTaxID(s)
	case "nationality":
		return person.FormatNationality(s, l.Lang())
	}
	return s
}

// position reads the parts of a position's value.
func position(m map[string]any) person.Position {
	if a := optionText(m["address"]); a != "" {
		return person.Position{Address: a}
	}
	lat, _ := strconv.ParseFloat(optionText(m["lat"]), 64)
	lon, _ := strconv.ParseFloat(optionText(m["lon"]), 64)
	return person.Position{Lat: lat, Lon: lon}
}

// PositionOf is the point that the value of a field for a position holds; ok is false if
// it holds none: an address in words, or nothing.
func PositionOf(value any) (p person.Position, ok bool) {
	m, _ := value.(map[string]any)
	if m == nil {
		return p, false
	}
	p = position(m)
	return p, p.Address == ""
}

// EditText is the value as it stands in the field that changes it: what Decode
// reads back as the same value, or what was typed and not understood.
func EditText(it Item, l *i18n.Localizer) string {
	if it.Raw != "" {
		return it.Raw
	}
	s := optionText(it.Value)
	switch it.Kind {
	case "date", "birthdate":
		// Digits, so that it reads back in every language.
		switch p := strings.Split(s, "-"); len(p) {
		case 3:
			return strings.TrimLeft(p[2], "0") + "." + strings.TrimLeft(p[1], "0") + "." + p[0]
		case 2:
			return strings.TrimLeft(p[1], "0") + "." + p[0]
		}
		return s
	case "datetime":
		return strings.Replace(s, "T", " ", 1)
	case "money":
		if n, err := number(s).Int64(); err == nil {
			return strings.TrimRight(strings.TrimLeft(l.Money(n), "€"), "\u00a0€")
		}
	case "number":
		if _, frac, _ := strings.Cut(s, "."); len(frac) == 3 { // "1.234" would be read as thousands
			s += "0"
		}
		return l.Decimal(s)
	case "iban":
		return person.FormatIBAN(s)
	case "position", "signature":
		return FormatValue(it.Kind, it.Value, l)
	case "nationality":
		if it.Type == "textfield" {
			return FormatValue(it.Kind, it.Value, l)
		}
	}
	return s
}

// Section is a page in the summary of a form.
type Section struct {
	Page  string
	Title string
	Rows  []Row
}

// Row is one question with its answer.
type Row struct {
	Name      string
	Label     string // in the row of a list with the row: "Person 2: Name"
	Value     string // "" : not answered
	Known     bool   // from a register
	Computed  bool
	Sensitive bool
	Item      Item
}

// Summary is the whole form, question by question, as one person meets it: for
// the page that checks the answers, the desk and the PDF.
func (v *View) Summary(l *i18n.Localizer) []Section {
	var out []Section
	for _, p := range v.Form.pages {
		s := Section{Page: p.ID, Title: p.Title.For(l.Lang())}
		each(v.Page(p.ID), func(it *Item) {
			if it.Name == "" || it.Type == "dynamiclist" || it.Type == "group" || it.Type == "expression" && len(it.Label) == 0 {
				return
			}
			if it.Type == "checkbox" && it.Value == nil && !it.Required {
				it.Value = false // a box that is left empty is an answer
			}
			s.Rows = append(s.Rows, Row{Name: it.Name, Label: it.Place().Title(l), Value: Format(*it, l), Known: it.Known,
				Computed: it.Type == "expression", Sensitive: it.Sensitive(), Item: *it})
		})
		if len(s.Rows) > 0 {
			out = append(out, s)
		}
	}
	return out
}
