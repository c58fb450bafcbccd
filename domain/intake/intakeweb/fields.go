// SPDX-License-Identifier: EUPL-1.2

package intakeweb

import (
	"cmp"
	"html/template"
	"net/url"
	"slices"
	"strings"

	"mercator/base/i18n"
	"mercator/base/person"
	"mercator/domain/citymap"
	"mercator/domain/intake"
	"mercator/lang/form"
	"mercator/web/ui"
)

// block is one thing on a page: a component of the kit, prose, or a group of blocks.
type block struct {
	Item   ui.Component
	HTML   template.HTML
	Rule   bool
	Space  bool
	Legend string // of a group
	ID     string // of a list or a row: where somebody goes on who has pressed its button
	Level  int    // of the legend's heading
	Row    bool   // of a list
	Blocks []block
	Why    *ui.Details
	Button *ui.Button
	Older  []string // German texts that are newer than what is shown
	Rival  *rival
	By     string // who has filled it in, if that wasn't the owner
}

// rival is what was written elsewhere into the field above it.
type rival struct {
	Field string
	Text  string
	Shown ui.Hidden
	Take  ui.Button
}

// builder turns the items of a form into what the page shows.
type builder struct {
	form   *form.Form
	loc    *i18n.Localizer
	errs   map[string]string // by field name
	draft  string
	source func(register string) string
	known  ui.SummaryList
	posted []ui.Hidden
	locate bool // a field asks where something is: the browser may say where the device is
	// Why something is asked, what happens with the answers and how long they are kept, where a field doesn't say it itself.
	reason, use, keep string
	said              map[string]string
	kept              []intake.Upload
	rows              string // intake.Draft.Rows
	rivals            []intake.Rivalry
	filled            map[string]string
	above             ui.SummaryList
	askedBy           func(field string) (service, there string) // who asks it in the place of this form
	fewFiles          string                                     // what is said of files to who isn't signed in
	desk              bool                                       // a clerk looks on at the counter
	level             int                                        // groups, lists and rows around
	// The map beside a field for a position, nil: there is none, and what it shows.
	city *citymap.Map
	view func(field string) (citymap.View, bool)
}

func (b *builder) blocks(items []form.Item) []block {
	var out []block
	lang := b.loc.Lang()
	for i := range items {
		it := &items[i]
		before := len(out)
		switch {
		case it.Type == "group":
			around := b.reason
			b.reason = cmp.Or(it.Why.For(lang), around)
			out = append(out, block{Legend: it.Label.For(lang), Level: b.heading(), Blocks: b.below(it.Items)})
			b.reason = around
		case it.Type == "dynamiclist":
			out = append(out, b.list(it))
		case it.Type == "text":
			out = append(out, block{HTML: ui.Markdown(it.Text.For(lang))})
		case it.Type == "html":
			out = append(out, block{HTML: ui.HTML(it.Text.For(lang))})
		case it.Type == "separator":
			out = append(out, block{Rule: true})
		case it.Type == "spacer":
			out = append(out, block{Space: true})
		case it.Shown != nil:
			out = append(out, b.shown(it)...)
		case it.Type == "expression":
			if len(it.Label) > 0 && it.Value != nil {
				out = append(out, block{Item: ui.SummaryList{Rows: []ui.SummaryRow{{Key: it.Label.For(lang), Value: form.Format(*it, b.loc)}}}})
			}
		case it.Elsewhere:
			service, _ := b.askedBy(it.Name)
			b.above.Rows = append(b.above.Rows, ui.SummaryRow{Key: it.Label.For(lang), Value: cmp.Or(form.Format(*it, b.loc), b.loc.T("intake.unanswered")), Source: service})
		case it.Known:
			b.known.Rows = append(b.known.Rows, ui.SummaryRow{Key: it.Label.For(lang), Value: form.Format(*it, b.loc), Source: b.source(it.Register)})
		case it.Input():
			c := b.field(it)
			if c == nil {
				continue
			}
			bl := block{Item: c}
			bl.Why = b.why(it)
			bl.Rival = b.rival(it.Name)
			if by := b.filled[it.Name]; by != "" {
				bl.By = b.loc.T("intake.help.filled", "name", by)
			}
			if !it.ReadOnly && !(b.desk && intake.Declares(it.Field)) {
				b.posted = append(b.posted, ui.Hidden{Name: form.PostedField, Value: it.Name})
			}
			out = append(out, bl)
		}
		if len(out) > before {
			out[before].Older = b.older(it)
		}
	}
	return out
}

// older are the German texts of an item that have changed since they were translated
// into the language of the page.
func (b *builder) older(it *form.Item) []string {
	var out []string
	for _, x := range it.Outdated(b.loc.Lang()) {
		switch {
		case strings.HasPrefix(x.Name, "message."): // shown when it is needed
		case x.Name == "text" && it.Text["de"] != "":
			out = append(out, it.Text["de"])
		default:
			out = append(out, x.German)
		}
	}
	return out
}

// why says at a field why it is asked, what happens with the answer and how long it is kept (Art. 13 GDPR): in the words of the
// field, else of the group around it, else of the service.
func (b *builder) why(it *form.Item) *ui.Details {
	lang := b.loc.Lang()
	why, use, keep := cmp.Or(it.Why.For(lang), b.reason), it.Use.For(lang), it.Keep.For(lang)
	if it.ReadOnly || why == "" && use+b.use == "" && keep+b.keep == "" {
		return nil
	}
	lines := make([]string, 0, 3)
	for _, s := range [...]string{why, b.sentence("intake.use", use, b.use), b.sentence("intake.keep", keep, b.keep)} {
		if s != "" {
			lines = append(lines, s)
		}
	}
	return &ui.Details{Summary: b.loc.T("intake.why"), Hidden: it.Label.For(lang), Text: strings.Join(lines, "\n"), Small: true}
}

// sentence says something in the words of the field, else in those of the service, which are the same at each field.
func (b *builder) sentence(key, own, service string) string {
	if own != "" {
		return b.loc.T(key, "text", own)
	}
	if service == "" {
		return ""
	}
	if s, ok := b.said[key]; ok {
		return s
	}
	if b.said == nil {
		b.said = map[string]string{}
	}
	b.said[key] = b.loc.T(key, "text", service)
	return b.said[key]
}

// shown is a component that asks nothing.
func (b *builder) shown(it *form.Item) []block {
	lang := b.loc.Lang()
	label := it.Label.For(lang)
	switch it.Type {
	case "table":
		t := ui.Table{Caption: label, Empty: b.loc.T("intake.emptyTable", "label", label)}
		for _, c := range it.Shown.Columns {
			t.Columns = append(t.Columns, ui.Column{Label: c.Label.For(lang)})
		}
		for _, r := range it.Shown.Rows {
			cells := make([]ui.Cell, len(r))
			for i, v := range r {
				cells[i].Text = form.FormatValue("", v, b.loc)
			}
			t.Rows = append(t.Rows, ui.Row{Cells: cells})
		}
		out := []block{{Item: t}}
		if it.Shown.More > 0 {
			out = append(out, block{Item: ui.Text{Text: b.loc.T("intake.moreRows", "n", it.Shown.More), Muted: true}})
		}
		return out
	case "image":
		if it.Shown.URL != "" {
			// form.Shown lets nothing pass but a picture in the form and a path of this house.
			return []block{{Item: ui.Image{Src: template.URL(it.Shown.URL), Alt: it.Text.For(lang)}}}
		}
	case "iframe": // another site isn't loaded into ours: it would learn who is here
		if u, err := url.Parse(it.Shown.URL); err == nil && u.Host != "" {
			return []block{{Item: ui.Links{Items: []ui.Link{{Text: b.loc.T("intake.leaves", "label", cmp.Or(label, u.Host), "host", u.Host), Href: it.Shown.URL}}}}}
		}
	case "documentPreview":
		return b.documents(it, label)
	}
	return nil
}

// rival shows what was written elsewhere into a field, and offers it.
func (b *builder) rival(name string) *rival {
	for _, x := range b.rivals {
		if x.Item.Name != name {
			continue
		}
		text := x.Rival.Raw
		if text == "" {
			text = form.Format(x.Rival, b.loc)
		}
		if text == "" {
			text = b.loc.T("intake.unanswered")
		}
		return &rival{Field: name, Text: b.loc.T("intake.rivalIs", "value", text), Shown: ui.Hidden{Name: intake.RivalField, Value: name + ":" + x.Mark},
			Take: ui.Button{Text: b.loc.T("intake.rivalTake"), Hidden: text, Kind: "secondary", Name: intake.TakeField, Value: name}}
	}
	return nil
}

// documents lists the files of a document preview; a picture is shown.
func (b *builder) documents(it *form.Item, label string) []block {
	var bl block
	for _, d := range it.Shown.Documents {
		if d.Field == "" || d.Hash == "" || b.draft == "" {
			bl.Blocks = append(bl.Blocks, block{Item: ui.Text{Text: d.Name}})
			continue
		}
		href := path("apply", b.draft, "file", d.Field, d.Hash)
		if strings.HasPrefix(d.Type, "image/") {
			bl.Blocks = append(bl.Blocks, block{Item: ui.Image{Src: template.URL(href), Alt: d.Name}})
		}
		bl.Blocks = append(bl.Blocks, block{Item: ui.Links{Items: []ui.Link{{Text: d.Name, Href: href}}}})
	}
	if len(bl.Blocks) == 0 {
		bl.Blocks = []block{{Item: ui.Text{Text: b.loc.T("intake.noDocuments"), Muted: true}}}
	}
	if bl.Legend = label; label == "" {
		return bl.Blocks
	}
	return []block{bl}
}

// Fields renders items of a form as residents meet them, for who tries it out.
func (p *Pages) Fields(loc *i18n.Localizer, f *form.Form, items []form.Item, errs []form.FieldError) (template.HTML, error) {
	b := builder{form: f, loc: loc, errs: errorTexts(f, errs, loc), source: func(register string) string { return register }}
	blocks := b.blocks(items)
	if len(b.known.Rows) > 0 {
		blocks = append([]block{{Item: b.known}}, blocks...)
	}
	for _, posted := range b.posted {
		blocks = append(blocks, block{Item: posted})
	}
	return p.page.Part(loc.Lang(), "blocks", blocks)
}

// full tells whether the button of a list did nothing: it has no room for the row that was asked for, or the row to take away isn't
// what was shown any more.
func full(errs []form.FieldError) bool {
	return slices.ContainsFunc(errs, func(e form.FieldError) bool { return e.Msg == form.RowsMsg || e.Msg == intake.RowMovedMsg })
}

// rowAnchor leads to where somebody goes on who has pressed the button of a list, "" if nobody has.
func rowAnchor(pages []string, in url.Values, v *form.View) string {
	if at := v.Form.Pressed(pages, in).Goes(v); at != "" {
		return "#" + ui.FieldID(at)
	}
	return ""
}

func pageIDs(f *form.Form) []string {
	var out []string
	for _, p := range f.Pages() {
		out = append(out, p.ID)
	}
	return out
}

// heading is the level of a heading for what comes next.
func (b *builder) heading() int { return min(2+b.level, 6) }

// below are the blocks of what stands under a heading.
func (b *builder) below(items []form.Item) []block {
	b.level++
	defer func() { b.level-- }()
	return b.blocks(items)
}

// list is a dynamic list with its rows, each with a name of its own: "Person 2 von Haushalt 1".
func (b *builder) list(it *form.Item) block {
	lang := b.loc.Lang()
	named := it.Field.Row.For(lang) != ""
	bl := block{Legend: it.Label.For(lang), ID: ui.FieldID(it.Name), Level: b.heading()}
	if e := b.errs[it.Name]; e != "" {
		bl.Blocks = append(bl.Blocks, block{Item: ui.Alert{Tone: ui.Danger, Title: e}})
	}
	b.level++
	defer func() { b.level-- }()
	for i, row := range it.Rows {
		at := it.RowAt(i)
		title := at.Title(b.loc)
		r := block{Legend: title, Row: true, ID: ui.FieldID(at.Name()), Level: b.heading(), Blocks: b.below(row)}
		if it.AllowAddRemove {
			remove := ui.Button{Text: b.loc.T("intake.removeRow"), Hidden: title, Kind: "tertiary", Name: form.RemoveRow, Value: at.Name()}
			if named {
				remove.Text, remove.Hidden = b.loc.T("intake.removeNamed", "name", title), ""
			}
			r.Blocks = append(r.Blocks, block{Button: &remove})
		}
		bl.Blocks = append(bl.Blocks, r)
	}
	if it.AllowAddRemove && !it.Full {
		add := ui.Button{Text: b.loc.T("intake.addRow"), Hidden: it.Place().Title(b.loc), Kind: "secondary", Name: form.AddRow, Value: it.Name}
		if named {
			add.Text = b.loc.T("intake.addNamed", "name", it.Field.Row.For(lang))
		}
		bl.Blocks = append(bl.Blocks, block{Button: &add})
	}
	return bl
}

// manyOptions is how many ticks of a taglist are seen at one glance.
const manyOptions = 12

// field is the component that asks for an item.
func (b *builder) field(it *form.Item) ui.Component {
	lang := b.loc.Lang()
	f := ui.Field{Name: it.Name, Label: it.Label.For(lang), Hint: it.Help.For(lang), Error: b.errs[it.Name], Optional: !it.Required && it.Type != "checkbox", ReadOnly: it.ReadOnly}
	var options []ui.Option
	for _, o := range it.Options {
		options = append(options, ui.Option{Value: o.OptionText(), Label: o.Label.For(lang)})
	}
	if it.Kind == "nationality" { // the states by their names in the reader's language
		slices.SortStableFunc(options, func(a, b ui.Option) int { return strings.Compare(person.Fold(a.Label), person.Fold(b.Label)) })
	}
	if b.desk && intake.Declares(it.Field) { // what somebody declares is theirs to declare
		answer := b.loc.T("intake.together.declares")
		if s := form.Format(*it, b.loc); it.Value != nil && it.Value != false && s != "" {
			answer = s
		}
		return ui.SummaryList{Rows: []ui.SummaryRow{{Key: f.Label, Value: answer}}}
	}
	value := form.EditText(*it, b.loc)
	switch it.Type {
	case "textarea":
		return ui.TextArea{Field: f, Value: value, MaxLength: it.MaxLength, Whole: true}
	case "checkbox":
		checked, _ := it.Value.(bool)
		return ui.Checkbox{Field: f, Checked: checked}
	case "select":
		return ui.Select{Field: f, Value: value, Options: options, Search: it.Searchable}
	case "radio":
		return ui.Radios{Field: f, Value: value, Options: options}
	case "checklist", "taglist":
		var vals []string
		l, _ := it.Value.([]any)
		for _, x := range l {
			vals = append(vals, form.Option{Value: x}.OptionText())
		}
		return ui.Checkboxes{Field: f, Values: vals, Options: options, Filter: it.Type == "taglist" && len(options) > manyOptions}
	case "filepicker":
		if b.desk { // what was enclosed is the owner's to enclose
			names := b.loc.T("intake.noDocuments")
			if s := form.Format(*it, b.loc); s != "" {
				names = s
			}
			return ui.SummaryList{Rows: []ui.SummaryRow{{Key: f.Label, Value: names}}}
		}
		if b.fewFiles != "" && !f.ReadOnly {
			f.Hint = strings.TrimSpace(f.Hint + " " + b.fewFiles)
		}
		return b.fileInput(f, it)
	}
	in := ui.Input{Field: f, Value: value, Autocomplete: it.Autocomplete(), Prefix: it.Prefix, Suffix: it.Suffix}
	for _, o := range options {
		if in.List = append(in.List, o.Value); it.Kind == "nationality" {
			in.List[len(in.List)-1] = o.Label
		}
	}
	hint := func(key string) {
		if in.Hint == "" {
			in.Hint = b.loc.T(key)
		}
	}
	switch it.Kind {
	case "signature":
		sig := ui.Signature{Field: f, Value: value}
		if m, ok := it.Value.(map[string]any); ok {
			sig.Confirmed = m["confirmed"] == true
			sig.Drawing, _ = m["drawing"].(string)
		}
		return sig
	case "name", "street", "company", "nationality":
		in.NoSpelling = true
	case "register_number":
		in.NoSpelling = true
		hint("intake.registerNumberHint")
	case "position":
		in.NoSpelling, in.Locate = true, true
		b.locate = true
		hint("intake.positionHint")
		if b.city != nil && !it.ReadOnly {
			in.Map = b.mapOf(it)
		}
	case "email":
		// Not type=email: the browser would refuse what we take.
		in.InputMode, in.NoSpelling = "email", true
	case "phone":
		in.Type = "tel"
	case "plate", "iban":
		in.NoSpelling = true
	case "postcode":
		in.InputMode, in.Width = "numeric", 10
	case "house_number":
		in.Width = 10
	case "tax_id":
		in.InputMode = "numeric"
	case "number":
		in.Width = 10
		if in.InputMode = "decimal"; it.Decimals == 0 {
			in.InputMode = "numeric"
		}
	case "money":
		in.InputMode, in.Width, in.Suffix = "decimal", 10, "€"
	case "date", "birthdate":
		// One field that takes any notation: three would not take "3. Mai 1990".
		in.Width = 20
		if it.Props["partial"] == "true" {
			hint("intake.partialHint")
		}
		if it.Kind == "birthdate" {
			hint("intake.birthdateHint")
		}
		hint("intake.dateHint")
	case "time":
		in.Width = 10
		hint("intake.timeHint")
	case "datetime":
		in.Width = 20
		hint("intake.dateTimeHint")
	}
	return in
}
