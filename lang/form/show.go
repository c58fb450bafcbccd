// SPDX-License-Identifier: EUPL-1.2

package form

import (
	"html"
	"net/url"
	"strings"

	"mercator/base/person"
)

// What components show that ask nothing: tables, images, documents, what lies elsewhere.

// Column is a column of a table.
type Column struct {
	Key   string
	Label Text
}

// Shown is what such a component shows this person.
type Shown struct {
	Columns   []Column
	Rows      [][]any // of a table: a value for each column
	More      int     // rows beyond MaxRows, not shown
	URL       string  // of an image ("data:image/…" or of this house), or of what an iframe would load (https)
	Documents []Document
}

// Document is one of a document preview: a file that was uploaded in this form, or one that a
// program named.
type Document struct {
	Name, Type string
	Field      string // the file picker it was uploaded with; "" if none
	Hash       string
}

// shown reads what a component shows. What makes no sense in a form that is filled in by
// the public, or would tell others who fills it in, is refused here or shown harmlessly:
// a button does nothing (the page has its own, and nothing that loses answers), an iframe
// is a link, an image comes with the form or from this house.
func (p *parser) shown(n *node, f *Field) {
	text := func(key string) (s string, at *node) {
		if m := n.get(key); m != nil && m.kind == 's' {
			return strings.TrimSpace(m.text), m
		}
		return "", n
	}
	expr := func(key string) (src string, at *node) {
		s, at := text(key)
		if s = strings.TrimSpace(strings.TrimPrefix(s, "=")); s == "" {
			p.fail(n, "a %s has a %q", f.Type, key)
		}
		return s, at
	}
	switch f.Type {
	case "table":
		if s, at := expr("dataSource"); s != "" {
			f.source = p.compile(at.line, at.col+1, s)
		}
		if s, at := text("columnsExpression"); s != "" {
			f.columnsExpr = p.compile(at.line, at.col+1, s)
			return
		}
		cols := n.get("columns")
		if cols == nil || cols.kind != 'a' || len(cols.items) == 0 {
			p.fail(n, "a table has \"columns\" or a \"columnsExpression\"")
			return
		}
		for _, c := range cols.items {
			key := c.str("key")
			if key == "" {
				p.fail(c, "a column has a \"key\"")
				continue
			}
			col := Column{Key: key, Label: Text{"de": c.str("label")}}
			if col.Label["de"] == "" {
				col.Label["de"] = key
			}
			for k, t := range f.Props {
				if lang, ok := strings.CutPrefix(k, "column."+key+"."); ok {
					col.Label[lang] = t
				}
			}
			f.Columns = append(f.Columns, col)
		}
	case "documentPreview":
		if s, at := expr("dataSource"); s != "" {
			f.source = p.compile(at.line, at.col+1, s)
		}
	case "image":
		s, at := text("source")
		switch {
		case s == "":
			p.fail(n, "an image has a \"source\"")
		case !strings.HasPrefix(s, "=") && !strings.Contains(s, "{{") && imageURL(s) == "":
			p.fail(at, "an image comes with the form (data:image/…;base64,…): another place would learn who fills it in")
		}
		f.url = p.template(at, s)
	case "iframe":
		s, at := text("url")
		switch {
		case s == "":
			p.fail(n, "an iframe has a \"url\"")
		case !strings.HasPrefix(s, "=") && !strings.Contains(s, "{{") && webURL(s) == "":
			p.fail(at, "the url of an iframe begins with https://")
		}
		f.url = p.template(at, s)
	}
}

// imageURL is a source that a page may show: the image itself, or a path of this house.
func imageURL(s string) string {
	for _, kind := range [...]string{"png", "jpeg", "gif", "webp", "svg+xml"} {
		if strings.HasPrefix(s, "data:image/"+kind+";base64,") || strings.HasPrefix(s, "data:image/"+kind+",") {
			return s
		}
	}
	if strings.HasPrefix(s, "/assets/") && !strings.Contains(s, "..") {
		return s
	}
	return ""
}

// webURL is an address that a link may lead to.
func webURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || len(s) > 2000 {
		return ""
	}
	return u.String()
}

// show says what a component shows with these answers; nil if it shows nothing.
func (v *View) show(f *Field, r *row) *Shown {
	switch f.Type {
	case "table":
		out := &Shown{Columns: f.Columns}
		if f.columnsExpr != nil {
			cols, _ := v.eval(f.columnsExpr, r).([]any)
			for _, c := range cols[:min(len(cols), 50)] {
				if m, ok := c.(map[string]any); ok && m["key"] != nil {
					label := optionText(m["label"])
					if label == "" {
						label = optionText(m["key"])
					}
					out.Columns = append(out.Columns, Column{Key: optionText(m["key"]), Label: Text{"de": label}})
				}
			}
		}
		rows, _ := v.eval(f.source, r).([]any)
		if len(rows) > MaxRows {
			out.More, rows = len(rows)-MaxRows, rows[:MaxRows]
		}
		for _, r := range rows {
			m, ok := r.(map[string]any)
			if !ok {
				continue
			}
			cells := make([]any, len(out.Columns))
			for i, c := range out.Columns {
				cells[i] = get(m, c.Key)
			}
			out.Rows = append(out.Rows, cells)
		}
		return out
	case "image":
		return &Shown{URL: imageURL(v.join(f.url, r, nil))}
	case "iframe":
		return &Shown{URL: webURL(v.join(f.url, r, nil))}
	case "documentPreview":
		field := ""
		if names := f.source.FreeNames(); len(names) == 1 {
			field = v.picker(names[0], r)
		}
		out := &Shown{}
		docs, _ := v.eval(f.source, r).([]any)
		for _, d := range docs[:min(len(docs), MaxRows)] {
			m, ok := d.(map[string]any)
			if !ok {
				continue
			}
			doc := Document{Name: optionText(m["name"]), Type: optionText(m["type"]), Hash: optionText(m["hash"])}
			if meta, ok := m["metadata"].(map[string]any); ok { // as Camunda's programs name a document
				doc.Name, doc.Type = optionText(meta["fileName"]), optionText(meta["contentType"])
			}
			if doc.Hash != "" {
				doc.Field = field
			}
			if doc.Name != "" {
				out.Documents = append(out.Documents, doc)
			}
		}
		return out
	}
	return nil
}

// join puts a template together; quote, if not nil, makes a value fit for where it stands.
func (v *View) join(pieces []piece, r *row, quote func(string) string) string {
	var b strings.Builder
	for _, p := range pieces {
		s := p.text
		if p.expr != nil {
			if s = optionText(v.eval(p.expr, r)); quote != nil {
				s = quote(s)
			}
		}
		b.WriteString(s)
	}
	return b.String()
}

// words fills in the expressions of a text in every language. In HTML a value is text, whatever it holds.
func (v *View) words(f *Field, r *row) Text {
	var quote func(string) string
	if f.Type == "html" {
		quote = html.EscapeString
	}
	out := Text{}
	for lang, pieces := range f.pieces {
		out[lang] = v.join(pieces, r, quote)
	}
	return out
}

// nationalities are the choices of a field that asks for one.
func nationalities() []Option {
	states := person.States("de")
	out := make([]Option, len(states))
	for i, s := range states {
		out[i] = Option{Value: s.Code, Label: Text(s.Names)}
	}
	return out
}

// picker is where the file picker stands that an expression in a row means by a name, in the row or around it; "": it means none.
func (v *View) picker(name string, r *row) string {
	for ; r != nil; r = r.up {
		pattern := name
		if r.list != nil {
			pattern = r.list.Name + ".*." + name
		}
		if fd := v.Form.keys[pattern]; fd != nil {
			if fd.Type != "filepicker" {
				return ""
			}
			return r.nameOf(fd)
		}
	}
	return ""
}
