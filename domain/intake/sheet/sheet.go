// SPDX-License-Identifier: EUPL-1.2

// Package sheet sets a form on paper: with the answers that somebody has given, as they were asked, for the file (§ 9 EGovG
// NRW); or empty, for those who want to fill it in by hand. It is pure.
package sheet

import (
	"embed"
	"encoding/json"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"mercator/base/i18n"
	"mercator/core/pdf"
	"mercator/lang/form"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
	"golang.org/x/net/html"
)

//go:embed messages.*.toml
var messages embed.FS

// Messages are the catalogues of the room.
func Messages() fs.FS { return messages }

// manyOptions is from how many options on only the one chosen is printed, or a line to write on.
const manyOptions = 25

// emptyRows is how many rows of a list there is room for on paper.
const emptyRows = 3

// Sources tells from which register an answer is; "": the person has given it.
type Sources func(it *form.Item) string

// FromRegisters says that an answer is a register's if that is what the register said. title names a register by the name
// that it has in the form ("resident").
func FromRegisters(registers map[string]any, title func(as string) string) Sources {
	return func(it *form.Item) string {
		if it.Register == "" || it.Value == nil {
			return ""
		}
		var cur any = registers
		for part := range strings.SplitSeq(it.Register, ".") {
			m, _ := cur.(map[string]any)
			if cur = m[part]; cur == nil {
				return ""
			}
		}
		said, err1 := json.Marshal(cur)
		given, err2 := json.Marshal(it.Value)
		if err1 != nil || err2 != nil || string(said) != string(given) {
			return ""
		}
		as, _, _ := strings.Cut(it.Register, ".")
		return title(as)
	}
}

// Answered are the questions and answers of a view: every page that somebody met, with labels, help, options, groups and
// rows, files with size and hash, and where an answer came from.
func Answered(v *form.View, loc *i18n.Localizer, from Sources) []pdf.SheetPart {
	var out []pdf.SheetPart
	for _, p := range v.Form.Pages() {
		part := pdf.SheetPart{Title: p.Title.For(loc.Lang())}
		answers(v.Page(p.ID), loc, from, &part.Items)
		if len(part.Items) > 0 {
			out = append(out, part)
		}
	}
	return out
}

func answers(items []form.Item, loc *i18n.Localizer, from Sources, out *[]pdf.SheetItem) {
	lang := loc.Lang()
	for i := range items {
		it := &items[i]
		label := it.Label.For(lang)
		switch {
		case it.Type == "group":
			if label != "" {
				*out = append(*out, pdf.SheetItem{Heading: label})
			}
			answers(it.Items, loc, from, out)
		case it.Type == "dynamiclist":
			for n, row := range it.Rows {
				*out = append(*out, pdf.SheetItem{Heading: it.RowAt(n).Title(loc)})
				answers(row, loc, from, out)
			}
			if len(it.Rows) == 0 {
				*out = append(*out, pdf.SheetItem{Label: label, Value: loc.T("sheet.none")})
			} else {
				again(it.Place(), i+1 < len(items), loc, out)
			}
		case it.Type == "text":
			prose(markdown(it.Text.For(lang)), out)
		case it.Type == "html":
			prose(plain(it.Text.For(lang)), out)
		case it.Type == "expression":
			if label != "" && it.Value != nil {
				*out = append(*out, pdf.SheetItem{Label: label, Value: form.Format(*it, loc), Source: loc.T("sheet.computed")})
			}
		case it.Name != "":
			*out = append(*out, answer(it, loc, from))
		}
	}
}

// again is the heading of the row around a list, for what follows in the row.
func again(list form.Place, follows bool, loc *i18n.Localizer, out *[]pdf.SheetItem) {
	if row, in := list.Around(); in && follows {
		*out = append(*out, pdf.SheetItem{Heading: row.Title(loc)})
	}
}

func answer(it *form.Item, loc *i18n.Localizer, from Sources) pdf.SheetItem {
	lang := loc.Lang()
	q := pdf.SheetItem{Label: it.Label.For(lang), Help: it.Help.For(lang)}
	if q.Label == "" {
		q.Label = it.Name
	}
	if src := from(it); src != "" {
		q.Source = loc.T("sheet.from", "register", src)
	}
	switch it.Type {
	case "checkbox":
		q.Choices = []pdf.Choice{{Label: loc.T("sheet.yes"), Ticked: it.Value == true}}
		return q
	case "radio", "select", "checklist", "taglist":
		if len(it.Options) == 0 || len(it.Options) > manyOptions {
			break
		}
		chosen := map[string]bool{}
		list, many := it.Value.([]any)
		if !many && it.Value != nil {
			list = []any{it.Value}
		}
		for _, x := range list {
			chosen[form.Option{Value: x}.OptionText()] = true
		}
		for _, o := range it.Options {
			q.Choices = append(q.Choices, pdf.Choice{Label: o.Label.For(lang), Ticked: chosen[o.OptionText()]})
			delete(chosen, o.OptionText())
		}
		if len(chosen) > 0 { // an option that isn't offered any more
			q.Value = form.Format(*it, loc)
		}
		return q
	case "filepicker":
		list, _ := it.Value.([]any)
		var lines []string
		for _, x := range list {
			if m, ok := x.(map[string]any); ok {
				lines = append(lines, file(m, loc))
			}
		}
		q.Value = strings.Join(lines, "\n")
	default:
		q.Value = form.Format(*it, loc)
	}
	if q.Value == "" {
		q.Value = loc.T("sheet.none")
	}
	return q
}

// file names an uploaded file with size and hash, so that the paper says which one it was.
func file(m map[string]any, loc *i18n.Localizer) string {
	word := func(key string) string { s, _ := m[key].(string); return s }
	size := int64(0)
	switch n := m["size"].(type) {
	case json.Number:
		size, _ = n.Int64()
	case int64:
		size = n
	case float64:
		size = int64(n)
	}
	return loc.T("sheet.file", "name", word("name"), "type", word("type"), "size", loc.Bytes(size)) + "\nSHA-256: " + word("hash")
}

// Empty is a form to be filled in by hand: everything that it may ask, with room to write, options to tick, why it is asked.
// lists are the public lists that its options come from.
func Empty(f *form.Form, lists map[string]any, loc *i18n.Localizer) []pdf.SheetPart {
	v := f.Eval(nil, form.Context{Vars: map[string]any{"lists": lists}, Lang: loc.Lang()})
	var out []pdf.SheetPart
	if f.Field("family_name") == nil { // online that is known from the sign-in
		who := pdf.SheetPart{Title: loc.T("sheet.who")}
		for _, key := range []string{"given_names", "family_name", "birth_date", "address"} {
			who.Items = append(who.Items, pdf.SheetItem{Label: loc.T("sheet." + key), Lines: 1})
		}
		out = append(out, who)
	}
	for _, p := range f.Pages() {
		part := pdf.SheetPart{Title: p.Title.For(loc.Lang())}
		asks := false
		questions(v, p.Asked(), nil, loc, &part.Items, &asks)
		if asks {
			out = append(out, part)
		}
	}
	return append(out, pdf.SheetPart{Title: loc.T("sheet.sign"), Items: []pdf.SheetItem{
		{Label: loc.T("sheet.place"), Lines: 1}, {Label: loc.T("sheet.signature"), Lines: 2},
	}})
}

// questions are those of fields in a row, which is numbered with those around it.
func questions(v *form.View, fields []*form.Field, row []int, loc *i18n.Localizer, out *[]pdf.SheetItem, asks *bool) {
	lang := loc.Lang()
	for i, f := range fields {
		label := f.Label.For(lang)
		switch {
		case f.Type == "group":
			if label != "" {
				*out = append(*out, pdf.SheetItem{Heading: label})
			}
			questions(v, f.Children, row, loc, out, asks)
		case f.Type == "dynamiclist":
			for n := range emptyRows {
				at := form.Place{Field: f, Rows: append(slices.Clip(row), n)}
				*out = append(*out, pdf.SheetItem{Heading: at.Title(loc)})
				questions(v, f.Children, at.Rows, loc, out, asks)
			}
			if f.AllowAddRemove {
				*out = append(*out, pdf.SheetItem{Text: loc.T("sheet.more")})
			}
			again(form.Place{Field: f, Rows: row}, i+1 < len(fields), loc, out)
		case f.Type == "text":
			if s := f.Content.For(lang); !strings.Contains(s, "{{") { // what depends on answers can't be said yet
				prose(markdown(s), out)
			}
		case f.Type == "html":
			prose(plain(f.Content.For(lang)), out)
		case f.Input() && !f.ReadOnly:
			*asks = true
			*out = append(*out, question(v, f, loc))
		}
	}
}

func question(v *form.View, f *form.Field, loc *i18n.Localizer) pdf.SheetItem {
	lang := loc.Lang()
	q := pdf.SheetItem{Label: f.Label.For(lang), Help: f.Help.For(lang), Lines: 1}
	if !f.Required && f.Type != "checkbox" {
		q.Label = loc.T("sheet.optional", "label", q.Label)
	}
	if why := f.Why.For(lang); why != "" {
		q.Why = loc.T("sheet.why", "why", why)
	}
	if f.Conditional() {
		q.Help = strings.TrimSpace(q.Help + " " + loc.T("sheet.ifApplies"))
	}
	switch f.Type {
	case "checkbox":
		q.Choices, q.Lines = []pdf.Choice{{Label: loc.T("sheet.yes")}}, 0
	case "filepicker":
		q.Choices, q.Lines = []pdf.Choice{{Label: loc.T("sheet.enclosed")}}, 0
	case "radio", "select", "checklist", "taglist":
		options := v.OptionsOf(f)
		if len(options) == 0 || len(options) > manyOptions {
			break
		}
		q.Lines = 0
		for _, o := range options {
			q.Choices = append(q.Choices, pdf.Choice{Label: o.Label.For(lang)})
		}
	case "textarea":
		q.Lines = 5
	default:
		if (f.Kind == "date" || f.Kind == "birthdate") && q.Help == "" {
			q.Help = loc.T("sheet.date")
		}
	}
	return q
}

func prose(s string, out *[]pdf.SheetItem) {
	if s = strings.TrimSpace(s); s != "" {
		*out = append(*out, pdf.SheetItem{Text: s})
	}
}

// markdown is what Markdown says, a line for each block.
func markdown(s string) string {
	src := []byte(s)
	var b strings.Builder
	number := 0
	ast.Walk(goldmark.DefaultParser().Parse(text.NewReader(src)), func(n ast.Node, in bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Text:
			if in {
				b.Write(n.Segment.Value(src))
				if n.SoftLineBreak() || n.HardLineBreak() {
					b.WriteByte(' ')
				}
			}
		case *ast.String:
			if in {
				b.Write(n.Value)
			}
		case *ast.AutoLink:
			if in {
				b.Write(n.URL(src))
			}
		case *ast.Link:
			if !in {
				b.WriteString(" (" + string(n.Destination) + ")")
			}
		case *ast.List:
			number = n.Start
		case *ast.ListItem:
			if in {
				if l, ok := n.Parent().(*ast.List); ok && l.IsOrdered() {
					b.WriteString(strconv.Itoa(number) + ". ")
					number++
				} else {
					b.WriteString("• ")
				}
			}
		case *ast.RawHTML, *ast.HTMLBlock:
			return ast.WalkSkipChildren, nil
		}
		if !in && n.Type() == ast.TypeBlock && b.Len() > 0 && !strings.HasSuffix(b.String(), "\n") {
			b.WriteByte('\n')
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// plain is what HTML says: its text, a line for each block.
func plain(s string) string {
	z := html.NewTokenizer(strings.NewReader(s))
	var b strings.Builder
	hidden := 0
	for {
		tt := z.Next()
		if tt == html.ErrorToken {
			lines := strings.Split(b.String(), "\n")
			for i, l := range lines {
				lines[i] = strings.Join(strings.Fields(l), " ")
			}
			return strings.Join(lines, "\n")
		}
		name, _ := z.TagName()
		switch tag := string(name); {
		case tt == html.TextToken && hidden == 0:
			b.WriteString(strings.ReplaceAll(string(z.Text()), "\n", " "))
		case tag == "script" || tag == "style" || tag == "title":
			if tt == html.StartTagToken {
				hidden++
			} else if hidden > 0 {
				hidden--
			}
		case tag == "p" || tag == "div" || tag == "br" || tag == "li" || len(tag) == 2 && tag[0] == 'h':
			b.WriteByte('\n')
		}
	}
}
