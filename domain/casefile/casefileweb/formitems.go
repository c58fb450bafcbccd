// SPDX-License-Identifier: EUPL-1.2

package casefileweb

import (
	"cmp"
	"html/template"
	"strings"

	"mercator/base/i18n"
	"mercator/lang/form"
	"mercator/web/ui"
)

// formItems shows the fields of a task's form. focus is the row or the list at which somebody goes on, "" if none.
func formItems(items []form.Item, loc *i18n.Localizer, errs map[string]string, focus string) []ui.Component {
	var out []ui.Component
	lang := loc.Lang()
	for i := range items {
		it := items[i]
		f := ui.Field{Name: it.Name, Label: it.Label.For(lang), Hint: it.Help.For(lang), Error: errs[it.Name], Optional: !it.Required}
		switch it.Type {
		case "group":
			out = append(out, ui.Fieldset{Legend: f.Label, Hint: f.Hint, Items: formItems(it.Items, loc, errs, focus)})
			continue
		case "dynamiclist":
			out = append(out, rowItems(it, loc, errs, focus))
			continue
		case "text", "html":
			if s := it.Text.For(lang); s != "" {
				out = append(out, ui.Text{Text: strings.TrimLeft(s, "# ")})
			}
			continue
		case "filepicker": // files come from the applicant, or by post
			continue
		}
		if it.Shown != nil {
			out = append(out, shown(it, loc, nil)...)
			continue
		}
		if it.Name == "" {
			continue
		}
		if !it.Asked() {
			if it.Type != "expression" && it.Input() {
				out = append(out, ui.SummaryList{Rows: []ui.SummaryRow{answer(it, loc, nil)}})
			}
			continue
		}
		out = append(out, ui.Hidden{Name: form.PostedField, Value: it.Name})
		value := form.EditText(it, loc)
		switch it.Type {
		case "textarea":
			out = append(out, ui.TextArea{Field: f, Value: value, MaxLength: it.MaxLength, Whole: true, Rows: 6})
		case "radio":
			out = append(out, ui.Radios{Field: f, Value: value, Options: options(it, lang)})
		case "select":
			out = append(out, ui.Select{Field: f, Value: value, Options: options(it, lang)})
		case "checklist", "taglist":
			out = append(out, ui.Checkboxes{Field: f, Values: chosen(it), Options: options(it, lang)})
		case "checkbox":
			out = append(out, ui.Checkbox{Field: f, Checked: it.Value == true})
		default:
			in := ui.Input{Field: f, Value: value} // one that is too long is told, not cut
			switch it.Kind {
			case "signature":
				sig := ui.Signature{Field: f, Value: value}
				if m, ok := it.Value.(map[string]any); ok {
					sig.Confirmed = m["confirmed"] == true
					sig.Drawing, _ = m["drawing"].(string)
				}
				out = append(out, sig)
				continue
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

// rowItems are the rows of a list in a task's form, each with its fields.
func rowItems(it form.Item, loc *i18n.Localizer, errs map[string]string, focus string) ui.Component {
	list := ui.Fieldset{Legend: it.Label.For(loc.Lang()), Error: errs[it.Name], ID: ui.FieldID(it.Name), Focus: it.Name == focus}
	for i, row := range it.Rows {
		items, at := formItems(row, loc, errs, focus), it.RowAt(i)
		title := at.Title(loc)
		if it.AllowAddRemove {
			items = append(items, ui.Button{Text: loc.T("casefileweb.rows.remove"), Hidden: title, Kind: "tertiary", Name: form.RemoveRow, Value: at.Name()})
		}
		list.Items = append(list.Items, ui.Fieldset{Legend: title, ID: ui.FieldID(at.Name()), Focus: at.Name() == focus, Items: items})
	}
	if it.AllowAddRemove && !it.Full {
		list.Items = append(list.Items, ui.Button{Text: loc.T("casefileweb.rows.add"), Hidden: it.Place().Title(loc), Kind: "secondary", Name: form.AddRow, Value: it.Name})
	}
	return list
}

// files finds the address of a file that came with an application, by its hash; "": it can't be opened from here.
type files func(hash string) string

// shown is a component that asks nothing: a table, a picture, a link to elsewhere, documents.
func shown(it form.Item, loc *i18n.Localizer, open files) []ui.Component {
	lang := loc.Lang()
	label := it.Label.For(lang)
	switch it.Type {
	case "table":
		t := ui.Table{Caption: label, Empty: loc.T("casefileweb.rows.none", "label", label)}
		for _, c := range it.Shown.Columns {
			t.Columns = append(t.Columns, ui.Column{Label: c.Label.For(lang)})
		}
		for _, r := range it.Shown.Rows {
			row := ui.Row{}
			for _, v := range r {
				row.Cells = append(row.Cells, ui.Cell{Text: form.FormatValue("", v, loc)})
			}
			t.Rows = append(t.Rows, row)
		}
		out := []ui.Component{t}
		if it.Shown.More > 0 {
			out = append(out, ui.Text{Text: loc.T("casefileweb.rows.more", "n", it.Shown.More), Muted: true})
		}
		return out
	case "image":
		if it.Shown.URL != "" {
			// form.Shown lets nothing pass but a picture in the form and a path of this house.
			return []ui.Component{ui.Image{Src: template.URL(it.Shown.URL), Alt: it.Text.For(lang)}}
		}
	case "iframe": // another site isn't loaded into ours
		if it.Shown.URL != "" {
			return []ui.Component{ui.Links{Items: []ui.Link{{Text: cmp.Or(label, it.Shown.URL), Href: it.Shown.URL}}}}
		}
	case "documentPreview":
		var docs []link
		for _, d := range it.Shown.Documents {
			docs = append(docs, link{d.Name, d.Hash})
		}
		if len(docs) == 0 {
			return []ui.Component{ui.Text{Text: loc.T("casefileweb.rows.none", "label", cmp.Or(label, loc.T("casefileweb.documents"))), Muted: true}}
		}
		return []ui.Component{ui.SummaryList{Rows: []ui.SummaryRow{{Key: cmp.Or(label, loc.T("casefileweb.documents")), Item: links(docs, open)}}}}
	}
	return nil
}

// link is a file by its name and its hash.
type link struct{ name, hash string }

func links(list []link, open files) ui.Component {
	var out ui.Stack
	for _, x := range list {
		href := ""
		if open != nil {
			href = open(x.hash)
		}
		if href == "" {
			out.Items = append(out.Items, ui.Text{Text: x.name})
			continue
		}
		out.Items = append(out.Items, ui.Link{Text: x.name, Href: href})
	}
	return out
}

// answer is a question with its answer as it was given: files can be opened, a drawn signature is seen.
func answer(it form.Item, loc *i18n.Localizer, open files) ui.SummaryRow {
	label := it.Label.For(loc.Lang())
	row := ui.SummaryRow{Key: label, Value: form.Format(it, loc)}
	if m, ok := it.Value.(map[string]any); ok && it.Kind == "signature" {
		if d, ok := m["drawing"].(string); ok && form.IsDrawing(d) {
			row.Item = ui.Drawing{Path: d, Alt: loc.T("casefileweb.rows.drawn", "label", label)}
		}
	}
	if it.Type == "filepicker" && open != nil {
		var list []link
		all, _ := it.Value.([]any)
		for _, x := range all {
			if m, ok := x.(map[string]any); ok {
				name, _ := m["name"].(string)
				hash, _ := m["hash"].(string)
				list = append(list, link{name, hash})
			}
		}
		if len(list) > 0 {
			row.Value, row.Item = "", links(list, open)
		}
	}
	return row
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
