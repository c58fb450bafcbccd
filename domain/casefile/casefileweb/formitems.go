// SPDX-License-Identifier: EUPL-1.2

package casefileweb

import (
	"strings"

	"mercator/base/i18n"
	"mercator/lang/form"
	"mercator/web/ui"
)

// formItems shows the fields of a task's form. Task forms are short: one page, no
// lists of rows.
func formItems(items []form.Item, loc *i18n.Localizer, errs map[string]string) []ui.Component {
	var out []ui.Component
	lang := loc.Lang()
	for i := range items {
		it := items[i]
		f := ui.Field{Name: it.Name, Label: it.Label.For(lang), Hint: it.Help.For(lang), Error: errs[it.Name], Optional: !it.Required}
		switch it.Type {
		case "group":
			out = append(out, ui.Fieldset{Legend: f.Label, Hint: f.Hint, Items: formItems(it.Items, loc, errs)})
			continue
		case "text", "html":
			if s := it.Text.For(lang); s != "" {
				out = append(out, ui.Text{Text: strings.TrimLeft(s, "# ")})
			}
			continue
		}
		if it.Name == "" {
			continue
		}
		if !it.Asked() {
			if it.Type != "expression" && it.Input() {
				out = append(out, ui.SummaryList{Rows: []ui.SummaryRow{{Key: f.Label, Value: form.Format(it, loc)}}})
			}
			continue
		}
		out = append(out, ui.Hidden{Name: form.PostedField, Value: it.Name})
		value := form.EditText(it, loc)
		switch it.Type {
		case "textarea":
			out = append(out, ui.TextArea{Field: f, Value: value, MaxLength: it.MaxLength, Rows: 6})
		case "radio":
			out = append(out, ui.Radios{Field: f, Value: value, Options: options(it, lang)})
		case "select":
			out = append(out, ui.Select{Field: f, Value: value, Options: options(it, lang)})
		case "checklist", "taglist":
			out = append(out, ui.Checkboxes{Field: f, Values: chosen(it), Options: options(it, lang)})
		case "checkbox":
			out = append(out, ui.Checkbox{Field: f, Checked: it.Value == true})
		default:
			in := ui.Input{Field: f, Value: value, MaxLength: it.MaxLength}
			switch it.Kind {
			case "date", "birthdate":
				in.Width, in.InputMode = 10, "numeric"
				if in.Hint == "" {
					in.Hint = loc.T("casefileweb.dateHint")
				}
			case "money":
				in.Width, in.InputMode, in.Prefix = 10, "decimal", "€"
			case "number":
				in.Width, in.InputMode = 10, "decimal"
			}
			out = append(out, in)
		}
	}
	return out
}

func options(it form.Item, lang string) []ui.Option {
	out := make([]ui.Option, 0, len(it.Options))
	for _, o := range it.Options {
		out = append(out, ui.Option{Value: o.OptionText(), Label: o.Label.For(lang)})
	}
	return out
}

func chosen(it form.Item) []string {
	list, ok := it.Value.([]any)
	if !ok {
		return nil
	}
	out := make([]string, 0, len(list))
	for _, v := range list {
		out = append(out, form.Option{Value: v}.OptionText())
	}
	return out
}
