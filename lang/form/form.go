// SPDX-License-Identifier: EUPL-1.2

package form

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"mercator/lang/feel"
)

// Text is a text in several languages; German is always there.
type Text map[string]string

// For is the text in a language, else in German.
func (t Text) For(lang string) string {
	if s := t[lang]; s != "" {
		return s
	}
	if base, _, ok := strings.Cut(lang, "-"); ok && t[base] != "" {
		return t[base]
	}
	return t["de"]
}

// Form is a form as its author wrote it. It is immutable.
type Form struct {
	File          string
	ID            string
	SchemaVersion int
	Fields        []*Field // top level, in their order

	pages []*Page
	keys  map[string]*Field // by name, "children.*.name" below a list
	graph *graph
	tasks string             // list or pages; "": as the number of pages says
	needs map[*Page][]*Field // see needsOf
}

// Page is one topic.
type Page struct {
	ID    string
	Title Text
	// Section is what the pages from this one on are about, in the list of a long form.
	Section Text
	Fields  []*Field
	after   []string // pages that have to be done before it
	// titled: the title is the page's first text component, which is then not shown again.
	titleField *Field
}

// Field is a component of the form.
type Field struct {
	Type    string // of form-js: textfield, number, datetime, checkbox, select, group …
	Kind    string // what is asked: "text", "name", "date", "plate" …; see kindOf
	ID      string
	Key     string // last part of the name
	Name    string // "" for what holds no value; "children.*.name" in a dynamic list, "a.*.b.*.name" in one within another
	Page    string
	Label   Text
	Help    Text // description or help: what to enter
	Why     Text // why it is asked
	Use     Text // what happens with it; empty: what the service says
	Keep    Text // how long it is kept; empty: what the service says
	Section Text // see Page
	Row     Text // what one row of a dynamic list is called: "Person"
	Content Text // of text and html; the alternative text of an image
	Props   map[string]string

	Required                  bool
	MinLength, MaxLength      int
	Pattern                   *regexp.Regexp
	Min, Max                  string // numbers; FEEL expressions are minExpr, maxExpr
	Decimals                  int    // -1: any
	Options                   []Option
	ReadOnly                  bool
	Multiple                  bool // filepicker
	Accept                    string
	Prefix, Suffix            string // beside the field: "km/h"
	Listed                    bool   // only what the suggestions have
	Searchable                bool   // a select whose options are found by typing
	Columns                   []Column
	Register                  string // "resident.street"
	Default                   any
	AllowAddRemove            bool
	DefaultRows               int
	Children                  []*Field
	Parent                    *Field
	Line, Col                 int
	hide                      *feel.Program
	optionsExpr               *feel.Program
	compute                   *feel.Program
	check                     *feel.Program
	minExpr, maxExpr, defExpr *feel.Program
	source, columnsExpr       *feel.Program // of a table, an image, a document preview
	url                       []piece       // of an image or an iframe
	valuesKey                 string
	pieces                    map[string][]piece // of Content with {{ }}
	where                     map[string][2]int  // of properties
}

type piece struct {
	text string
	expr *feel.Program
}

// Option is one choice.
type Option struct {
	Value any
	Label Text
}

// Input tells whether a person can give this field a value.
func (f *Field) Input() bool {
	switch f.Type {
	case "textfield", "textarea", "number", "datetime", "checkbox", "checklist", "radio", "select", "taglist", "filepicker":
		return true
	}
	return false
}

// Autocomplete is the HTML token, "" if none.
func (f *Field) Autocomplete() string { return f.Props["autocomplete"] }

// Sensitive fields never stand in a list or a log.
func (f *Field) Sensitive() bool { return f.Props["sensitive"] == "true" }

func number(s string) json.Number { return json.Number(s) }

// Parse reads a form. It reports every mistake, each with its place.
func Parse(file string, data []byte) (*Form, error) {
	root, err := readJSON(file, data)
	if err != nil {
		return nil, err
	}
	p := &parser{form: &Form{File: file, keys: map[string]*Field{}}}
	if root.kind != 'o' {
		p.fail(root, "a form is a JSON object")
		return nil, errors.Join(p.errs...)
	}
	p.form.ID = root.str("id")
	if t := root.str("type"); t != "default" {
		p.fail(root, "the type of a form is \"default\", not %q", t)
	}
	if v := root.get("schemaVersion"); v != nil && v.kind == 'n' {
		p.form.SchemaVersion, _ = strconv.Atoi(v.text)
	}
	if props := root.get("properties"); props != nil {
		switch p.form.tasks = props.str("tasks"); p.form.tasks {
		case "", "list", "pages":
		default:
			p.fail(props, "tasks is \"list\" or \"pages\", not %q", p.form.tasks)
		}
	}
	comps := root.get("components")
	if comps == nil || comps.kind != 'a' {
		p.fail(root, "a form has a list \"components\"")
		return nil, errors.Join(p.errs...)
	}
	p.form.Fields = p.fields(comps, nil, "", "")
	p.pages()
	p.computedCircles()
	if len(p.errs) > 0 {
		return nil, errors.Join(p.errs...)
	}
	p.form.graph = newGraph(p.form)
	p.form.needs = needsOf(p.form)
	return p.form, nil
}

type parser struct {
	form  *Form
	errs  []error
	count int
}

func (p *parser) fail(n *node, format string, args ...any) {
	if len(p.errs) < 200 {
		p.errs = append(p.errs, &Error{p.form.File, n.line, n.col, fmt.Sprintf(format, args...)})
	}
}

func (p *parser) fields(list *node, parent *Field, prefix, page string) []*Field {
	var out []*Field
	for _, n := range list.items {
		if p.count++; p.count > MaxFields {
			p.fail(n, "more than %d fields", MaxFields)
			return out
		}
		if n.kind != 'o' {
			p.fail(n, "a component is a JSON object")
			continue
		}
		f := p.field(n, parent, prefix, page)
		if f == nil {
			continue
		}
		if parent == nil {
			page = f.Page // what has no page of its own belongs to the page before it
		}
		out = append(out, f)
	}
	return out
}

func (p *parser) field(n *node, parent *Field, prefix, page string) *Field {
	f := &Field{
		Type: n.str("type"), ID: n.str("id"), Key: n.str("key"), Parent: parent, Props: map[string]string{}, where: map[string][2]int{},
		Line: n.line, Col: n.col, Decimals: -1, Label: Text{}, Help: Text{}, Why: Text{}, Use: Text{}, Keep: Text{}, Section: Text{}, Row: Text{}, Content: Text{},
	}
	if props := n.get("properties"); props != nil && props.kind == 'o' {
		for i, k := range props.keys {
			v := props.items[i]
			if v.kind != 's' {
				p.fail(v, "property %q is a text in quotation marks", k)
				continue
			}
			f.Props[k] = v.text
			f.where[k] = [2]int{v.line, v.col}
		}
	}
	if f.Page = f.Props["page"]; f.Page == "" {
		f.Page = page
	}
	f.Kind = kindOf(n, f)
	if f.Kind == "" {
		if k := f.Props["type"]; k != "" {
			p.fail(n, "type %q of a %s is not known", k, f.Type)
		} else {
			p.fail(n, "component %q is not known", f.Type)
		}
		return nil
	}
	p.texts(n, f)
	p.validation(n, f)
	p.options(n, f)
	p.shown(n, f)
	for _, k := range [...]string{"readonly", "disabled"} {
		if r := n.get(k); r != nil && r.kind == 's' && r.text != "" {
			p.fail(r, "%s can't be an expression here: show the value with an expression field, and hide the one or the other", k)
		}
	}
	f.ReadOnly = n.isTrue("readonly") || n.isTrue("disabled")
	if a := n.get("appearance"); a != nil {
		f.Prefix, f.Suffix = a.str("prefixAdorner"), a.str("suffixAdorner")
	}
	f.Multiple, f.Accept = n.isTrue("multiple"), n.str("accept")
	f.Searchable = n.isTrue("searchable")
	f.Register = f.Props["register"]
	if d := n.get("defaultValue"); d != nil {
		if d.kind == 's' && strings.HasPrefix(d.text, "=") {
			f.defExpr = p.feel(d)
		} else if d.kind != '0' && !(d.kind == 's' && d.text == "") {
			f.Default = d.value()
			if s, ok := f.Default.(string); ok && f.Kind == "date" && len(s) > 10 { // the editor writes an instant: its day
				f.Default = s[:10]
			}
		}
	}
	if c := n.get("conditional"); c != nil {
		if h := c.get("hide"); h != nil && h.kind == 's' && h.text != "" {
			f.hide = p.feel(h)
		}
	}
	if m := n.get("decimalDigits"); m != nil && m.kind == 'n' {
		f.Decimals, _ = strconv.Atoi(m.text)
	}
	if f.Type == "expression" {
		e := n.get("expression")
		if e == nil || e.kind != 's' || strings.TrimSpace(strings.TrimPrefix(e.text, "=")) == "" {
			p.fail(n, "an expression field has an \"expression\"")
		} else {
			f.compute = p.feel(e)
		}
	}
	f.check = p.propFEEL(f, "check")
	if f.Type == "datetime" {
		f.minExpr, f.maxExpr = p.propFEEL(f, "min"), p.propFEEL(f, "max")
		if n.isTrue("disallowPassedDates") && f.minExpr == nil && f.Kind != "time" {
			f.minExpr = p.compile(n.line, n.col, "string(today())")
		}
	}
	path := prefix
	switch f.Type {
	case "group", "dynamiclist":
		if q := n.str("path"); q != "" {
			path = join(prefix, q)
		}
		if f.Type == "dynamiclist" {
			if n.str("path") == "" {
				p.fail(n, "a dynamic list has a \"path\"")
				return nil
			}
			f.Name, f.Key = path, n.str("path")
			p.claim(n, f)
			path += ".*"
			f.AllowAddRemove = n.get("allowAddRemove") == nil || n.isTrue("allowAddRemove")
			f.DefaultRows = 1
			if d := n.get("defaultRepetitions"); d != nil && d.kind == 'n' {
				f.DefaultRows, _ = strconv.Atoi(d.text)
			}
			f.DefaultRows = max(0, min(f.DefaultRows, MaxRows))
			if strings.Count(path, "*") > MaxLists {
				p.fail(n, "dynamic lists stand in one another no more than %d deep", MaxLists)
				return nil
			}
		}
		if c := n.get("components"); c != nil && c.kind == 'a' {
			f.Children = p.fields(c, f, path, f.Page)
		}
	default:
		if f.Input() || f.Type == "expression" {
			if f.Key == "" {
				p.fail(n, "a %s has a \"key\"", f.Type)
				return nil
			}
			f.Name = join(prefix, f.Key)
			p.claim(n, f)
		}
	}
	return f
}

func join(prefix, key string) string {
	if prefix == "" {
		return key
	}
	return prefix + "." + key
}

// claim gives the field its name. Names are what posts and expressions use, so
// they are plain, and each is there once.
func (p *parser) claim(n *node, f *Field) {
	for _, part := range strings.Split(strings.ReplaceAll(f.Name, ".*", ""), ".") {
		if !plainName(part) {
			p.fail(n, "key %q: letters, digits and _ only, beginning with a letter", f.Name)
			return
		}
	}
	if old := p.form.keys[f.Name]; old != nil {
		p.fail(n, "key %q is already the key of the field in line %d", f.Name, old.Line)
		return
	}
	p.form.keys[f.Name] = f
}

func plainName(s string) bool {
	if s == "" || len(s) > 80 {
		return false
	}
	for i, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || i > 0 && (r == '_' || r >= '0' && r <= '9')) {
			return false
		}
	}
	return true
}

// kindOf is what the field asks for, "" if that isn't known.
func kindOf(n *node, f *Field) string {
	want := f.Props["type"]
	pick := func(base string, others ...string) string {
		if want == "" {
			return base
		}
		for _, o := range others {
			if want == o {
				return o
			}
		}
		return ""
	}
	switch f.Type {
	case "textfield":
		base := "text"
		if v := n.get("validate"); v != nil && want == "" {
			switch v.str("validationType") {
			case "email":
				base = "email"
			case "phone":
				base = "phone"
			}
		}
		return pick(base, "text", "name", "plate", "iban", "tax_id", "phone", "email", "money", "street", "house_number", "postcode", "birthdate", "date", "company",
			"nationality", "register_number", "position", "signature")
	case "number":
		return pick("number", "number", "money")
	case "datetime":
		switch n.str("subtype") {
		case "time":
			return pick("time", "time")
		case "datetime":
			return pick("datetime", "datetime")
		}
		return pick("date", "date", "birthdate")
	case "checkbox":
		return pick("checkbox", "checkbox", "consent")
	case "radio", "select", "checklist", "taglist":
		return pick(f.Type, f.Type, "nationality")
	case "expression":
		return pick(f.Type, f.Type, "money", "date", "number", "nationality", "iban", "phone", "tax_id")
	case "textarea", "group", "dynamiclist", "text", "html", "separator", "spacer", "button", "image", "table", "iframe", "documentPreview":
		return pick(f.Type, f.Type)
	case "filepicker":
		return "file"
	}
	return ""
}

func (p *parser) texts(n *node, f *Field) {
	native := func(t Text, names ...string) {
		for _, name := range names {
			if s := n.str(name); s != "" && t["de"] == "" {
				t["de"] = s
			}
		}
	}
	native(f.Label, "label", "dateLabel", "timeLabel")
	native(f.Help, "description")
	native(f.Content, "text", "content", "alt")
	into := map[string]Text{"label": f.Label, "description": f.Help, "help": f.Help, "why": f.Why, "use": f.Use, "keep": f.Keep,
		"section": f.Section, "row": f.Row, "text": f.Content, "content": f.Content, "alt": f.Content}
	for k, v := range f.Props {
		name, lang, ok := strings.Cut(k, ".")
		t := into[name]
		if t == nil {
			continue
		}
		if !ok {
			lang = "de"
			if t["de"] != "" && name != "help" {
				continue // the native attribute is the German text
			}
		}
		t[lang] = v
	}
	for lang, s := range f.Label {
		if strings.HasPrefix(s, "=") || strings.Contains(s, "{{") {
			p.fail(n, "a label can't be an expression (%s): put it into a text above the field", lang)
		}
	}
	switch f.Type {
	case "text", "html", "image":
		f.pieces = map[string][]piece{}
		for lang, s := range f.Content {
			f.pieces[lang] = p.template(n, s)
		}
	}
}

// template cuts a text at its {{ expressions }}; one that begins with = is an expression.
func (p *parser) template(n *node, s string) []piece {
	var out []piece
	if strings.HasPrefix(s, "=") {
		if e := p.compile(n.line, n.col, s); e != nil {
			out = append(out, piece{expr: e})
		}
		return out
	}
	for {
		i := strings.Index(s, "{{")
		if i < 0 {
			return append(out, piece{text: s})
		}
		j := strings.Index(s[i:], "}}")
		if j < 0 {
			p.fail(n, "a text has {{ without }}")
			return out
		}
		out = append(out, piece{text: s[:i]})
		if strings.HasPrefix(strings.TrimSpace(s[i+2:i+j]), "#") {
			p.fail(n, "a text has no {{#if}} and {{#loop}}: use a condition, or a table")
			return out
		}
		if e := p.compile(n.line, n.col, s[i+2:i+j]); e != nil {
			out = append(out, piece{expr: e})
		}
		s = s[i+j+2:]
	}
}

func (p *parser) feel(n *node) *feel.Program {
	return p.compile(n.line, n.col+1, n.text)
}

func (p *parser) propFEEL(f *Field, key string) *feel.Program {
	src, ok := f.Props[key]
	if !ok {
		return nil
	}
	w := f.where[key]
	return p.compile(w[0], w[1]+1, src)
}

func (p *parser) compile(line, col int, src string) *feel.Program {
	if strings.HasPrefix(src, "=") {
		src = src[1:]
		col++
	}
	prog, err := feel.Compile(pinDay(src), feel.Config{File: p.form.File, Line: line, Col: col})
	if err != nil {
		if len(p.errs) < 200 {
			p.errs = append(p.errs, err)
		}
		return nil
	}
	return prog
}

// dayName is the variable that stands for today() in a form's expressions.
const dayName = "legal_today"

// pinDay lets today() be the legal day that the caller gives (Context.Today): a
// form has no clock, so the same answers give the same form at any time, and a
// draft at a quarter past midnight in the town is not of yesterday by UTC.
func pinDay(src string) string {
	const call = "today()"
	if !strings.Contains(src, call) {
		return src
	}
	var b strings.Builder
	text := false
	for i := 0; i < len(src); i++ {
		switch {
		case src[i] == '\\' && text && i+1 < len(src):
			b.WriteString(src[i : i+2])
			i++
			continue
		case src[i] == '"':
			text = !text
		case !text && strings.HasPrefix(src[i:], call) && (i == 0 || !nameByte(src[i-1])):
			b.WriteString("date(" + dayName + ")")
			i += len(call) - 1
			continue
		}
		b.WriteByte(src[i])
	}
	return b.String()
}

func nameByte(c byte) bool {
	return c == '_' || c == '.' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func (p *parser) validation(n *node, f *Field) {
	v := n.get("validate")
	if v == nil || v.kind != 'o' {
		return
	}
	f.Required = v.isTrue("required")
	length := func(key string) int {
		m := v.get(key)
		if m == nil || m.kind == '0' || m.kind == 's' && m.text == "" {
			return 0
		}
		k, err := strconv.Atoi(m.text)
		if err != nil || k < 0 || k > MaxText {
			p.fail(m, "%s is a whole number from 0 to %d", key, MaxText)
		}
		return k
	}
	f.MinLength, f.MaxLength = length("minLength"), length("maxLength")
	if f.MaxLength > 0 && f.MinLength > f.MaxLength {
		p.fail(v, "minLength is greater than maxLength: nothing can be entered")
	}
	if s := v.str("pattern"); s != "" {
		re, err := regexp.Compile("^(?:" + s + ")$")
		if err != nil || len(s) > 1000 {
			p.fail(v.get("pattern"), "pattern is no regular expression")
		}
		f.Pattern = re
	}
	bound := func(key string) (string, *feel.Program) {
		m := v.get(key)
		switch {
		case m == nil || m.kind == '0' || m.kind == 's' && m.text == "":
		case m.kind == 's' && strings.HasPrefix(m.text, "="):
			return "", p.feel(m)
		case m.kind == 'n' || m.kind == 's':
			if _, err := strconv.ParseFloat(m.text, 64); err != nil {
				p.fail(m, "%s is a number or an expression that begins with =", key)
			}
			return m.text, nil
		}
		return "", nil
	}
	f.Min, f.minExpr = bound("min")
	f.Max, f.maxExpr = bound("max")
	if f.Min != "" && f.Max != "" && compareNumbers(f.Min, f.Max) > 0 {
		p.fail(v, "min is greater than max: nothing can be entered")
	}
}

func (p *parser) options(n *node, f *Field) {
	switch f.Type {
	case "textfield":
		f.optionsExpr = p.propFEEL(f, "suggest")
		if f.Listed = f.Props["listed"] == "true"; f.Listed && f.optionsExpr == nil {
			p.fail(n, "a field that is \"listed\" has the list in \"suggest\"")
		}
		if f.Kind == "nationality" {
			f.Options = nationalities()
		}
		return
	case "radio", "select", "checklist", "taglist":
	default:
		return
	}
	if f.Kind == "nationality" {
		f.Options = nationalities()
		return
	}
	if e := n.get("valuesExpression"); e != nil && e.kind == 's' && e.text != "" {
		f.optionsExpr = p.feel(e)
		return
	}
	if f.valuesKey = n.str("valuesKey"); f.valuesKey != "" {
		return
	}
	vals := n.get("values")
	if vals == nil || vals.kind != 'a' || len(vals.items) == 0 {
		p.fail(n, "a %s has \"values\", \"valuesKey\" or \"valuesExpression\"", f.Type)
		return
	}
	seen := map[string]bool{}
	for _, it := range vals.items {
		v := it.get("value")
		if v == nil || v.kind == 'o' || v.kind == 'a' || v.kind == '0' {
			p.fail(it, "an option has a \"value\"")
			continue
		}
		o := Option{Value: v.value(), Label: Text{"de": it.str("label")}}
		s := optionText(o.Value)
		if seen[s] {
			p.fail(it, "the option %q is there twice", s)
		}
		seen[s] = true
		for k, t := range f.Props {
			if lang, ok := strings.CutPrefix(k, "value."+s+"."); ok {
				o.Label[lang] = t
			}
		}
		if o.Label["de"] == "" {
			o.Label["de"] = s
		}
		f.Options = append(f.Options, o)
	}
}

// pages sorts the top-level fields into pages, in the order of each page's first field.
func (p *parser) pages() {
	byID := map[string]*Page{}
	for _, f := range p.form.Fields {
		if f.Page == "" {
			f.Page = "form"
		}
		walk(f.Children, func(c *Field) { c.Page = f.Page })
		if !plainPage(f.Page) {
			p.errs = append(p.errs, &Error{p.form.File, f.Line, f.Col, fmt.Sprintf("page %q: lower-case letters, digits, - and _ only", f.Page)})
			continue
		}
		pg := byID[f.Page]
		if pg == nil {
			pg = &Page{ID: f.Page}
			byID[f.Page] = pg
			p.form.pages = append(p.form.pages, pg)
		}
		if len(pg.Fields) == 0 {
			pg.Section, pg.after = f.Section, strings.Fields(f.Props["after"])
		}
		if pg.Title == nil && len(pg.Fields) == 0 {
			switch f.Type {
			case "text":
				pg.Title, pg.titleField = Text{}, f
				for lang, s := range f.Content {
					pg.Title[lang] = plainTitle(s)
				}
			case "group":
				pg.Title = f.Label
			}
		}
		pg.Fields = append(pg.Fields, f)
	}
	for i, pg := range p.form.pages {
		if len(pg.Section) == 0 && i > 0 {
			pg.Section = p.form.pages[i-1].Section
		}
		if len(pg.Title) > 0 {
			continue
		}
		for _, f := range pg.Fields {
			if f.Input() {
				pg.Title = f.Label
				break
			}
		}
	}
}

func plainTitle(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return strings.TrimSpace(strings.TrimLeft(s, "# "))
}

func plainPage(s string) bool {
	if len(s) > 40 {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return false
		}
	}
	return s != ""
}

// computedCircles refuses computed fields that read each other: no value satisfies them.
func (p *parser) computedCircles() {
	state := map[*Field]int{}
	var visit func(f *Field) bool
	visit = func(f *Field) bool {
		switch state[f] {
		case 1:
			return false
		case 2:
			return true
		}
		state[f] = 1
		if f.compute != nil {
			for _, name := range f.compute.FreeNames() {
				if g := p.form.keys[name]; g != nil && g.compute != nil && !visit(g) {
					p.errs = append(p.errs, &Error{p.form.File, f.Line, f.Col, fmt.Sprintf("%q is computed in a circle by way of %q", f.Name, name)})
					state[f] = 2
					return true
				}
			}
		}
		state[f] = 2
		return true
	}
	var all []*Field
	for _, f := range p.form.keys {
		if f.compute != nil {
			all = append(all, f)
		}
	}
	sort.Slice(all, func(i, j int) bool {
		return all[i].Line < all[j].Line || all[i].Line == all[j].Line && all[i].Col < all[j].Col
	})
	for _, f := range all {
		visit(f)
	}
}

// Pages are the form's pages in their order.
func (f *Form) Pages() []*Page { return f.pages }

// Page finds a page, nil if there is none of that id.
func (f *Form) Page(id string) *Page {
	for _, p := range f.pages {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// Names are the names under which the form gives values, sorted: what the
// expressions of a process or a decision may read below "application".
func (f *Form) Names() []string {
	out := make([]string, 0, len(f.keys))
	for name := range f.keys {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}
