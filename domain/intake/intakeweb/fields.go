// SPDX-License-Identifier: EUPL-1.2

package intakeweb

import (
	"bytes"
	"fmt"
	"html/template"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"mercator/base/i18n"
	"mercator/domain/intake"
	"mercator/lang/form"
	"mercator/web/ui"

	"github.com/yuin/goldmark"
	"golang.org/x/net/html"
)

// block is one thing on a page: a component of the kit, prose, or a group of blocks.
type block struct {
	Item   ui.Component
	HTML   template.HTML
	Rule   bool
	Legend string // of a group
	Blocks []block
	Why    *ui.Details
	Button *ui.Button
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
	files  bool
}

func (b *builder) blocks(items []form.Item) []block {
	var out []block
	lang := b.loc.Lang()
	for i := range items {
		it := &items[i]
		switch {
		case it.Type == "group":
			out = append(out, block{Legend: it.Label.For(lang), Blocks: b.blocks(it.Items)})
		case it.Type == "dynamiclist":
			out = append(out, b.list(it))
		case it.Type == "text":
			out = append(out, block{HTML: prose(it.Text.For(lang))})
		case it.Type == "html":
			// An author's HTML is shown as what it says, without its markup.
			out = append(out, block{Item: ui.Text{Text: plainText(it.Text.For(lang))}})
		case it.Type == "separator":
			out = append(out, block{Rule: true})
		case it.Type == "expression":
			if len(it.Label) > 0 && it.Value != nil {
				out = append(out, block{Item: ui.SummaryList{Rows: []ui.SummaryRow{{Key: it.Label.For(lang), Value: form.Format(*it, b.loc)}}}})
			}
		case it.Known:
			b.known.Rows = append(b.known.Rows, ui.SummaryRow{Key: it.Label.For(lang), Value: form.Format(*it, b.loc), Source: b.source(it.Register)})
		case it.Input():
			c := b.field(it)
			if c == nil {
				continue
			}
			bl := block{Item: c}
			if why := it.Why.For(lang); why != "" {
				bl.Why = &ui.Details{Summary: b.loc.T("intake.why"), Text: why}
			}
			if !it.ReadOnly {
				b.posted = append(b.posted, ui.Hidden{Name: form.PostedField, Value: it.Name})
			}
			out = append(out, bl)
		}
	}
	return out
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

func (b *builder) list(it *form.Item) block {
	lang := b.loc.Lang()
	bl := block{Legend: it.Label.For(lang)}
	for i, row := range it.Rows {
		r := block{Legend: b.loc.T("intake.row", "n", i+1), Blocks: b.blocks(row)}
		if it.AllowAddRemove {
			r.Blocks = append(r.Blocks, block{Button: &ui.Button{Text: b.loc.T("intake.removeRow"), Hidden: strconv.Itoa(i + 1), Kind: "tertiary",
				Name: form.RemoveRow, Value: it.Name + "." + strconv.Itoa(i)}})
		}
		bl.Blocks = append(bl.Blocks, r)
	}
	if it.AllowAddRemove && len(it.Rows) < form.MaxRows {
		bl.Blocks = append(bl.Blocks, block{Button: &ui.Button{Text: b.loc.T("intake.addRow"), Hidden: it.Label.For(lang), Kind: "secondary", Name: form.AddRow, Value: it.Name}})
	}
	return bl
}

// field is the component that asks for an item.
func (b *builder) field(it *form.Item) ui.Component {
	lang := b.loc.Lang()
	f := ui.Field{Name: it.Name, Label: it.Label.For(lang), Hint: it.Help.For(lang), Error: b.errs[it.Name], Optional: !it.Required && it.Type != "checkbox", ReadOnly: it.ReadOnly}
	var options []ui.Option
	for _, o := range it.Options {
		options = append(options, ui.Option{Value: o.OptionText(), Label: o.Label.For(lang)})
	}
	value := form.EditText(*it, b.loc)
	switch it.Type {
	case "textarea":
		return ui.TextArea{Field: f, Value: value, MaxLength: it.MaxLength}
	case "checkbox":
		checked, _ := it.Value.(bool)
		return ui.Checkbox{Field: f, Checked: checked}
	case "select":
		return ui.Select{Field: f, Value: value, Options: options}
	case "radio":
		return ui.Radios{Field: f, Value: value, Options: options}
	case "checklist", "taglist":
		var vals []string
		l, _ := it.Value.([]any)
		for _, x := range l {
			vals = append(vals, form.Option{Value: x}.OptionText())
		}
		return ui.Checkboxes{Field: f, Values: vals, Options: options}
	case "filepicker":
		b.files = true
		in := ui.FileInput{Field: f, Accept: it.Accept, Multiple: it.Multiple}
		if in.Accept == "" {
			in.Accept = "application/pdf,image/jpeg,image/png"
		}
		for _, file := range intake.Files(it.Value) {
			in.Files = append(in.Files, ui.UploadedFile{Name: file.Name, Size: b.loc.Bytes(file.Size), Value: file.Hash,
				Href: path("apply", b.draft, "file", it.Name, file.Hash)})
		}
		return in
	}
	in := ui.Input{Field: f, Value: value, Autocomplete: it.Autocomplete(), MaxLength: it.MaxLength}
	if it.Raw != "" && len([]rune(it.Raw)) > it.MaxLength {
		in.MaxLength = 0 // what was typed is shown whole
	}
	switch it.Kind {
	case "name", "street", "company":
		in.NoSpelling = true
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
		if f.Hint == "" {
			in.Hint = b.loc.T("intake.dateHint")
		}
	case "time":
		in.Width = 10
		if f.Hint == "" {
			in.Hint = b.loc.T("intake.timeHint")
		}
	}
	return in
}

// prose renders an author's Markdown. Raw HTML and dangerous links in it are left
// out (goldmark's default).
func prose(s string) template.HTML {
	var buf bytes.Buffer
	if err := goldmark.Convert([]byte(s), &buf); err != nil {
		return template.HTML(template.HTMLEscapeString(s))
	}
	return template.HTML(buf.String())
}

// plainText is what HTML says: its text, a paragraph for each block.
func plainText(s string) string {
	z := html.NewTokenizer(strings.NewReader(s))
	var b strings.Builder
	hidden := 0
	for {
		tt := z.Next()
		if tt == html.ErrorToken {
			return strings.TrimSpace(b.String())
		}
		name, _ := z.TagName()
		switch tag := string(name); {
		case tt == html.TextToken && hidden == 0:
			b.Write(z.Text())
		case tag == "script" || tag == "style" || tag == "title":
			if tt == html.StartTagToken {
				hidden++
			} else if hidden > 0 {
				hidden--
			}
		case tag == "p" || tag == "div" || tag == "br" || tag == "li" || len(tag) == 2 && tag[0] == 'h':
			b.WriteString("\n\n")
		}
	}
}

// serveFile sends an uploaded file so that a browser can't take it for anything
// but what its content was found to be.
func serveFile(w http.ResponseWriter, r *http.Request, ref intake.FileRef, body io.Reader) error {
	h := w.Header()
	h.Set("Content-Type", ref.Type)
	h.Set("Content-Length", strconv.FormatInt(ref.Size, 10))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": ref.Name}))
	if r.Method == http.MethodHead {
		return nil
	}
	if _, err := io.Copy(w, body); err != nil {
		return fmt.Errorf("intakeweb.file: %w", err)
	}
	return nil
}
