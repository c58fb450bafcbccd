// SPDX-License-Identifier: EUPL-1.2

package xdatenfelder

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"mercator/lang/form"

	"golang.org/x/text/unicode/norm"
)

// Import makes a form of a message, in the JSON of form-js. The findings tell what the form
// can't say; it is kept as a note. The error is a form that would be too large.
func Import(m *Message, lists Lists) ([]byte, []Finding, error) {
	im := &importer{m: m, lists: lists, pageIDs: map[string]bool{}}
	root := m.Root
	if root.Kind != Schema { // a part of the box of bricks becomes a form of its own
		root = &Element{Name: root.Name, Label: root.Label, Children: []Child{{Count: Count{1, 1}, Element: root}}, Line: root.Line, Col: root.Col}
	}
	im.root = im.place(&place{el: root, count: Count{1, 1}})
	im.root.walk(func(p *place) { im.choice(p) })
	im.root.walk(func(p *place) { im.rules(p) })
	im.paginate()
	im.root.walk(func(p *place) { im.check(p) })
	im.emit()
	if im.size > form.MaxSource {
		return nil, im.findings, Finding{m.File, root.Line, root.Col, fmt.Sprintf("the schema makes a form of more than %d bytes: import its groups as forms of their own", form.MaxSource)}
	}
	out := formJSON{SchemaVersion: 18, Type: "default", ID: "form", Components: []*component{}}
	out.Exporter.Name, out.Exporter.Version = "Mercator", "1"
	if root.ID != "" {
		out.ID = "Form_" + root.ID
	}
	for _, pg := range im.pages {
		out.Components = append(out.Components, pg.comps...)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(out); err != nil {
		return nil, im.findings, err
	}
	if _, err := form.Parse(m.File, b.Bytes()); err != nil {
		// Positions are those of the form, which nobody has seen.
		return nil, im.findings, Finding{m.File, root.Line, root.Col, "the schema makes no form: " + strings.ReplaceAll(err.Error(), m.File+":", "form:")}
	}
	return b.Bytes(), im.findings, nil
}

// The JSON of form-js, as far as it is written here.
type formJSON struct {
	SchemaVersion int `json:"schemaVersion"`
	Exporter      struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	} `json:"exporter"`
	Type       string       `json:"type"`
	ID         string       `json:"id"`
	Components []*component `json:"components"`
}

type component struct {
	Type               string            `json:"type"`
	ID                 string            `json:"id"`
	Key                string            `json:"key,omitempty"`
	Path               string            `json:"path,omitempty"`
	Label              string            `json:"label,omitempty"`
	Subtype            string            `json:"subtype,omitempty"`
	DateLabel          string            `json:"dateLabel,omitempty"`
	TimeLabel          string            `json:"timeLabel,omitempty"`
	Text               string            `json:"text,omitempty"`
	Description        string            `json:"description,omitempty"`
	Expression         string            `json:"expression,omitempty"`
	DefaultValue       string            `json:"defaultValue,omitempty"`
	Readonly           bool              `json:"readonly,omitempty"`
	DecimalDigits      *int              `json:"decimalDigits,omitempty"`
	Multiple           bool              `json:"multiple,omitempty"`
	Accept             string            `json:"accept,omitempty"`
	Values             []option          `json:"values,omitempty"`
	Validate           *validate         `json:"validate,omitempty"`
	Conditional        *conditional      `json:"conditional,omitempty"`
	IsRepeating        bool              `json:"isRepeating,omitempty"`
	AllowAddRemove     bool              `json:"allowAddRemove,omitempty"`
	DefaultRepetitions *int              `json:"defaultRepetitions,omitempty"`
	Components         []*component      `json:"components,omitempty"`
	Properties         map[string]string `json:"properties,omitempty"`
}

type option struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

type validate struct {
	Required  bool         `json:"required,omitempty"`
	MinLength *int         `json:"minLength,omitempty"`
	MaxLength *int         `json:"maxLength,omitempty"`
	Min       *json.Number `json:"min,omitempty"`
	Max       *json.Number `json:"max,omitempty"`
	Pattern   string       `json:"pattern,omitempty"`
}

type conditional struct {
	Hide string `json:"hide"`
}

// place is an element where the form asks for it.
type place struct {
	el     *Element
	count  Count
	basis  []string
	parent *place
	kids   []*place
	key    string
	order  int // in the form
	page   int

	list     bool // shown as a dynamic list
	copies   int  // shown so many times, if more than one
	required bool // whenever it is shown
	hides    []string
	checks   []check
	pick     *made // the question that comes before it
	states   map[string]string
	options  []option // of its code list
}

type check struct {
	rule   int // of the rule's element
	at     *place
	target *place
	expr   string
	msg    [3]string // de, en, tr
}

// made is a question that the import adds: which of several parts, or whether a part at all.
type made struct {
	key      string
	label    [3]string
	options  []option // none: a checkbox
	required bool
}

func (p *place) walk(visit func(*place)) {
	visit(p)
	for _, k := range p.kids {
		k.walk(visit)
	}
}

type importer struct {
	m        *Message
	lists    Lists
	root     *place
	findings []Finding
	order    int
	ids      int
	size     int // about so large the form is: copies of copies are not written beyond the bound
	pages    []*page
	pageIDs  map[string]bool
}

type page struct {
	id, title string
	places    []*place
	part      int // of a group that is split; its children are the places
	split     *place
	inputs    int
	comps     []*component
}

func (im *importer) say(e *Element, format string, args ...any) {
	im.sayAt(e.Line, e.Col, e.ID+": "+format, args...)
}

func (im *importer) sayAt(line, col int, format string, args ...any) {
	if len(im.findings) < 2000 {
		im.findings = append(im.findings, Finding{im.m.File, line, col, fmt.Sprintf(format, args...)})
	}
}

// place gives an element and all below it their keys.
func (im *importer) place(p *place) *place {
	p.order, p.states = im.order, map[string]string{}
	im.order++
	lists := 0
	for q := p.parent; q != nil; q = q.parent {
		if q.list {
			lists++
		}
	}
	choices := p.el.Kind == Field && p.el.Input == "select" || p.el.Type == "file" // take several values at once
	switch max := p.count.Max; {
	case max == 1 || p.el.Input == "label" || p.el.Input == "hidden" || p.el.Type == "obj":
	case choices:
		if p.count != (Count{0, Many}) && p.count != (Count{1, Many}) {
			im.say(p.el, "the form doesn't hold how many may be chosen (%s)", p.count)
		}
	case p.el.Kind == Field && max != Many && max <= maxCopies:
		p.copies = max
	case lists == form.MaxLists: // deeper than a form can have lists
		p.copies = min(max, maxCopies)
		if max == Many {
			p.copies = maxCopies
		}
		im.say(p.el, "is there %s times inside of %d lists: the form asks for it %d times", p.count, lists, p.copies)
	default:
		p.list = true
		if p.count != (Count{0, Many}) && p.count != (Count{1, Many}) {
			im.say(p.el, "the form begins with %d entries, but doesn't hold to %s", p.count.Min, p.count)
		}
	}
	taken := map[string]bool{}
	for _, c := range p.el.Children {
		k := &place{el: c.Element, count: c.Count, basis: c.Basis, parent: p}
		k.key = freeKey(taken, c.Name, c.ID, p.parent == nil)
		p.kids = append(p.kids, im.place(k))
	}
	return p
}

// Names that expressions of a form read besides its own, and words of FEEL.
var reserved = map[string]bool{"registers": true, "lists": true, "person": true, "case": true, "service": true, "application": true,
	"about": true, "lang": true, "if": true, "then": true, "else": true, "for": true, "in": true, "return": true, "and": true, "or": true, "not": true,
	"true": true, "false": true, "null": true, "some": true, "every": true, "satisfies": true, "between": true, "instance": true,
	"of": true, "function": true, "external": true, "date": true, "time": true, "duration": true, "item": true, "partial": true}

// freeKey is a name made of a German one, of its own among its siblings.
func freeKey(taken map[string]bool, name, id string, top bool) string {
	key := slug(name, '_', 40)
	if key == "" || key[0] >= '0' && key[0] <= '9' {
		key = strings.Trim("f_"+key, "_")
	}
	if reserved[key] {
		key += "_"
	}
	for n := 1; ; n++ {
		try := key
		switch {
		case n == 2:
			try = key + "_" + slug(id, '_', 30)
		case n > 2:
			try = key + "_" + slug(id, '_', 30) + "_" + strconv.Itoa(n)
		}
		if !taken[try] {
			taken[try] = true
			return try
		}
	}
}

var german = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "Ä", "ae", "Ö", "oe", "Ü", "ue")

// slug is a text in small letters, digits and one other sign.
func slug(s string, between rune, longest int) string {
	var b strings.Builder
	gap := false
	for _, r := range norm.NFD.String(german.Replace(norm.NFC.String(s))) {
		switch {
		case r >= 'A' && r <= 'Z':
			r += 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
		case r >= 0x300 && r <= 0x36f: // a mark on the letter before
			continue
		default:
			gap = b.Len() > 0
			continue
		}
		if b.Len() >= longest {
			break
		}
		if gap {
			b.WriteRune(between)
			gap = false
		}
		b.WriteRune(r)
	}
	return strings.TrimRight(b.String(), string(between))
}

// scope is the list that a place stands in, nil: the form itself.
func (p *place) scope() *place {
	for q := p; q != nil; q = q.parent {
		if q.list && (q != p || p.el.Kind == Field) {
			return q
		}
	}
	return nil
}

// read is the name by which an expression at a place reads another one; ok: it can.
func (p *place) read(to *place, key string) (name string, ok bool) {
	top := to.parent.scope()
	if to.list || to.copies > 1 || top != nil && top != p.parent.scope() {
		return "", false
	}
	name = key
	for q := to.parent; q != nil && q.parent != nil && q != top; q = q.parent {
		if q.copies > 1 {
			return "", false
		}
		name = q.key + "." + name
	}
	return name, true
}

// needs tells whether something below a group has to be filled in once the group is.
func (p *place) needs() bool {
	for _, k := range p.kids {
		if k.count.Min > 0 && k.asks() > 0 && (k.el.Kind == Field || k.needs()) {
			return true
		}
	}
	return false
}

// asks is how many questions a place has.
func (p *place) asks() int {
	if p.el.Kind == Field {
		switch {
		case p.el.Input == "label" || p.el.Input == "hidden" || p.el.Type == "obj":
			return 0
		case p.copies > 1:
			return p.copies
		}
		return 1
	}
	n := 0
	for _, k := range p.kids {
		n += k.asks()
	}
	return n
}

// pickOne lets the person say which of the parts they fill in.
func (im *importer) pickOne(parent *place, parts []*place, required bool) {
	m := &made{label: [3]string{"Was möchten Sie angeben?", "What would you like to enter?", "Neyi girmek istiyorsunuz?"}, required: required}
	taken := map[string]bool{}
	for _, k := range parent.kids {
		taken[k.key] = true
		if k.pick != nil {
			taken[k.pick.key] = true
		}
	}
	m.key = freeKey(taken, "auswahl_"+parts[0].key, parts[0].el.ID, false)
	if _, ok := parts[0].read(&place{parent: parent}, m.key); !ok {
		im.say(parts[0].el, "the form doesn't ask which part is filled in, because the group is shown several times")
		return
	}
	parts[0].pick = m
	for _, k := range parts {
		value := k.key
		m.options = append(m.options, option{short(k.el.Label, 200), value})
		name, _ := k.read(&place{parent: parent}, m.key)
		k.hides = append(k.hides, name+" != "+quote(value))
		k.required = true
	}
}

// choice is a group of which one part is filled in (version 3), and a group that may be left out.
func (im *importer) choice(p *place) {
	if p.el.Choice && len(p.kids) > 1 {
		required := false
		for _, k := range p.kids {
			required = required || k.count.Min > 0
		}
		im.pickOne(p, p.kids, required)
	}
}

// optional asks whether a group is wanted that may be left out, but not be filled in half. The
// rules come first: they may say when it is.
func (im *importer) optional(p *place) {
	if p.el.Kind != Group || p.count.Min > 0 || p.list || len(p.hides) > 0 || p.parent == nil || !p.needs() {
		return
	}
	taken := map[string]bool{}
	for _, k := range p.parent.kids {
		taken[k.key] = true
		if k.pick != nil {
			taken[k.pick.key] = true
		}
	}
	m := &made{key: freeKey(taken, p.key+"_angeben", p.el.ID, false)}
	label := short(p.el.Label, 200)
	m.label = [3]string{label + " angeben", "Enter: " + label, label + " gir"}
	name, ok := p.read(&place{parent: p.parent}, m.key)
	if !ok {
		im.say(p.el, "the form doesn't ask whether the group is filled in, because it is shown several times")
		return
	}
	p.pick = m
	p.hides = append(p.hides, name+" != true")
}

// paginate gives each topic its page: a group of the first level, in parts if it is long, and
// the fields between groups together.
func (im *importer) paginate() {
	im.root.walk(func(p *place) { im.optional(p) })
	add := func(title string) *page {
		pg := &page{title: title}
		im.pages = append(im.pages, pg)
		return pg
	}
	put := func(pg *page, p *place) {
		pg.places = append(pg.places, p)
		pg.inputs += p.asks()
	}
	full := func(pg *page, p *place) bool {
		return pg.inputs > 0 && p.asks() > 0 && pg.inputs+p.asks() > pageFields && !p.tied()
	}
	var loose *page
	for _, p := range im.root.kids {
		if p.el.Kind == Field || p.list {
			if loose == nil || full(loose, p) {
				title := p.el.Name
				if p.el.Kind == Group {
					title = p.el.Label
				}
				loose = add(title)
			}
			put(loose, p)
			continue
		}
		loose = nil
		if p.pick != nil || len(p.hides) > 0 || p.copies > 1 || len(p.kids) < 2 || p.asks() <= pageFields {
			put(add(p.el.Label), p)
			continue
		}
		var pg *page
		for _, k := range p.kids {
			switch {
			case pg == nil:
				pg = add(p.el.Label)
				pg.split, pg.part = p, 1
			case full(pg, k):
				part := pg.part + 1
				pg = add(k.el.Label)
				pg.split, pg.part = p, part
			}
			put(pg, k)
		}
	}
	// A page that asks nothing belongs to the one before it.
	kept := im.pages[:0]
	for _, pg := range im.pages {
		if pg.inputs == 0 && len(kept) > 0 && pg.split == nil && kept[len(kept)-1].split == nil {
			prev := kept[len(kept)-1]
			prev.places = append(prev.places, pg.places...)
			continue
		}
		kept = append(kept, pg)
	}
	im.pages = kept
	for i, pg := range im.pages {
		for _, p := range pg.places {
			p.walk(func(q *place) { q.page = i })
		}
		pg.id = im.pageID(pg.title)
	}
}

// tied places stay on the page of the question that shows them.
func (p *place) tied() bool { return len(p.hides) > 0 && p.pick == nil }

func (im *importer) pageID(title string) string {
	id := slug(title, '-', 30)
	if id == "" {
		id = "seite"
	}
	for n, base := 2, id; im.pageIDs[id]; n++ {
		id = base + "-" + strconv.Itoa(n)
	}
	im.pageIDs[id] = true
	return id
}

func (im *importer) emit() {
	if len(im.pages) == 0 {
		im.say(im.root.el, "the schema has no fields: the form asks nothing")
		im.pages = append(im.pages, &page{id: im.pageID(im.root.el.Label), title: im.root.el.Label})
	}
	for i, pg := range im.pages {
		title := &component{Type: "text", ID: im.id(), Text: plain(pg.title), Properties: map[string]string{}}
		if i == 0 {
			title.Properties = im.props(im.root)
		}
		pg.comps = append(pg.comps, title)
		var body []*component
		for _, p := range pg.places {
			body = append(body, im.components(p)...)
		}
		if pg.split != nil {
			g := im.group(pg.split, body)
			g.Label = ""
			g.Properties["xdf.label"] = pg.split.el.Label
			if g.Properties["xdf.part"] = strconv.Itoa(pg.part); pg.part > 1 {
				g.Properties = map[string]string{"xdf": pg.split.el.ID, "xdf.part": strconv.Itoa(pg.part)}
			}
			body = []*component{g}
		}
		pg.comps = append(pg.comps, body...)
		// What the page is called needs no second heading.
		for first := body; len(first) > 0 && first[0].Type == "group"; first = first[0].Components {
			if g := first[0]; g.Label == pg.title {
				g.Properties["xdf.label"], g.Label = g.Label, ""
			}
		}
		for _, c := range pg.comps {
			c.Properties["page"] = pg.id
		}
	}
}

func (im *importer) id() string {
	im.ids++
	return "Field_" + strconv.Itoa(im.ids)
}

// components are what the form shows at a place.
func (im *importer) components(p *place) []*component {
	if im.size > form.MaxSource {
		return nil
	}
	var out []*component
	if p.pick != nil {
		out = append(out, im.question(p))
	}
	var body []*component
	switch {
	case p.el.Kind == Field:
		body = im.fields(p)
	default:
		var kids []*component
		if p.el.Help != "" {
			kids = append(kids, &component{Type: "text", ID: im.id(), Text: plain(p.el.Help), Properties: map[string]string{"xdf.made": "help"}})
		}
		for _, k := range p.kids {
			kids = append(kids, im.components(k)...)
		}
		if len(kids) == 0 {
			im.say(p.el, "the group has no fields: the form doesn't show it")
			return out
		}
		if p.copies < 2 {
			body = append(body, im.group(p, kids))
		}
		for i := 1; i <= p.copies && p.copies > 1; i++ {
			var again []*component
			for _, k := range p.kids {
				again = append(again, im.components(k)...)
			}
			g := im.group(p, again)
			g.Path += "_" + strconv.Itoa(i)
			g.Properties["xdf.label"], g.Label = g.Label, g.Label+" "+strconv.Itoa(i)
			g.Properties["xdf.copy"] = strconv.Itoa(i)
			body = append(body, g)
		}
	}
	for _, c := range body {
		if len(p.hides) > 0 {
			c.Conditional = &conditional{Hide: "=" + strings.Join(p.hides, " or ")}
		}
	}
	return append(out, body...)
}

func (im *importer) question(p *place) *component {
	m := p.pick
	c := &component{Type: "checkbox", ID: im.id(), Key: m.key, Label: plain(m.label[0]),
		Properties: map[string]string{"xdf.made": "choice", "label.en": m.label[1], "label.tr": m.label[2]}}
	if len(m.options) > 0 {
		c.Type, c.Values = "radio", m.options
		if m.required {
			c.Validate = &validate{Required: true}
		}
	}
	return c
}

func (im *importer) group(p *place, kids []*component) *component {
	c := &component{Type: "group", ID: im.id(), Label: plain(p.el.Label), Path: p.key, Components: kids, Properties: im.props(p)}
	if p.list {
		c.Type = "dynamiclist"
		im.repeat(c, p)
	}
	return c
}

func (im *importer) repeat(c *component, p *place) {
	n := max(p.count.Min, 0)
	if n > form.MaxRows {
		n = form.MaxRows
	}
	c.IsRepeating, c.AllowAddRemove, c.DefaultRepetitions = true, true, &n
}

// props are the notes on an element.
func (im *importer) props(p *place) map[string]string {
	e := p.el
	out := map[string]string{}
	set := func(key, val string) {
		if val != "" {
			out["xdf"+key] = val
		}
	}
	set("", e.ID)
	set(".version", e.Version)
	if e.Name != e.Label {
		set(".name", e.Name)
	}
	set(".description", e.Description)
	set(".definition", e.Definition)
	set(".basis", strings.Join(e.Basis, "\n"))
	if e.Kind == Schema {
		set(".label", e.Label)
		set(".help", e.Help)
	} else {
		set(".count", p.count.String())
		if p.required {
			set(".required", "rule")
		}
		set(".kind", e.Art)
		if e.OutputLabel != e.Label {
			set(".output", e.OutputLabel)
		}
		set(".outputhelp", e.OutputHelp)
		set(".placebasis", strings.Join(p.basis, "\n"))
	}
	if e.Kind == Field {
		set(".type", e.Input+" "+e.Type)
		set(".note", e.Limits.Text)
		if e.Prefill != "keine" {
			set(".prefill", e.Prefill)
		}
	}
	if e.Choice {
		set(".choice", "yes")
	}
	for _, r := range e.Rules {
		key := ".rule." + r.ID
		set(key, r.Text)
		set(key+".name", r.Name)
		set(key+".version", r.Version)
		set(key+".type", r.Type)
		set(key+".script", r.Script)
		set(key+".state", p.states[r.ID])
	}
	im.size += 100 + len(e.Label) + len(e.Help)
	for k, v := range out {
		im.size += len(k) + len(v)
	}
	return out
}

// kinds are the bricks of the federal box that Mercator has a kind of field for.
var kinds = map[string]string{
	"F60000227": "name", "F60000228": "name", "F60000240": "phone", "F60000241": "phone", "F60000242": "email",
	"F60000243": "street", "F60000246": "postcode",
}

// fields are the components that ask for a field: one, several copies, or a list.
func (im *importer) fields(p *place) []*component {
	if p.list {
		c := im.field(p)
		c.Properties["xdf.count"] = p.count.String()
		l := &component{Type: "dynamiclist", ID: im.id(), Label: c.title(), Path: p.key, Components: []*component{c},
			Properties: map[string]string{"xdf.made": "list"}}
		im.repeat(l, p)
		return []*component{l}
	}
	if p.copies < 2 {
		return []*component{im.field(p)}
	}
	var out []*component
	for i := 1; i <= p.copies; i++ {
		c := im.field(p)
		n := strconv.Itoa(i)
		c.Key += "_" + n
		c.Properties["xdf.copy"] = n
		c.Properties["xdf.label"] = p.el.Label
		c.retitle(c.title() + " " + n)
		if c.Validate != nil {
			c.Validate.Required = i <= p.count.Min
		}
		out = append(out, c)
	}
	return out
}

func (c *component) title() string { return c.Label + c.DateLabel + c.TimeLabel }

func (c *component) retitle(s string) {
	switch {
	case c.DateLabel != "":
		c.DateLabel = s
	case c.TimeLabel != "":
		c.TimeLabel = s
	default:
		c.Label = s
	}
}

func (im *importer) field(p *place) *component {
	e := p.el
	c := &component{Type: "textfield", ID: im.id(), Key: p.key, Label: plain(e.Label), Description: plain(e.Help), Properties: im.props(p), Validate: &validate{}}
	c.Validate.Required = p.count.Min > 0 || p.required
	for i, k := range p.checks {
		if i > 0 {
			c.Properties["check"] += " and "
			for _, lang := range []string{"", ".en", ".tr"} {
				c.Properties["message.check"+lang] += " "
			}
		}
		c.Properties["check"] += "(" + k.expr + ")"
		c.Properties["message.check"] += k.msg[0]
		c.Properties["message.check.en"] += k.msg[1]
		c.Properties["message.check.tr"] += k.msg[2]
	}
	if ch := c.Properties["check"]; ch != "" {
		c.Properties["check"] = "=" + ch
	}
	asText := func(text string) *component {
		return &component{Type: "text", ID: c.ID, Text: plain(text), Properties: c.Properties}
	}
	switch {
	case e.Input == "label":
		if e.Content != "" {
			c.Properties["xdf.label"] = e.Label
			return asText(e.Content)
		}
		return asText(e.Label)
	case e.Type == "obj":
		im.say(e, "a fixed object (datentyp obj) is not shown: its label stands in its place")
		return asText(e.Label)
	case e.Input == "hidden":
		// No label: it isn't shown, but sent.
		c.Properties["xdf.label"] = e.Label
		x := "null"
		if e.Content != "" {
			x = quote(e.Content)
			c.Properties["xdf.content"] = e.Content
		}
		return &component{Type: "expression", ID: c.ID, Key: c.Key, Expression: "=" + x, Properties: c.Properties}
	case e.Input == "locked":
		c.Readonly, c.DefaultValue, c.Validate = true, e.Content, nil
		return c
	case e.Input == "select":
		im.choose(p, c)
		return c
	}
	if e.Content != "" {
		c.Properties["xdf.content"] = e.Content
		c.DefaultValue = im.preset(e)
	}
	switch e.Type {
	case "bool":
		c.Type, c.Values, c.DefaultValue = "radio", []option{{"Ja", "true"}, {"Nein", "false"}}, ""
		for k, v := range map[string]string{"true.en": "Yes", "false.en": "No", "true.tr": "Evet", "false.tr": "Hayır"} {
			c.Properties["value."+k] = v
		}
	case "num", "num_int", "num_currency":
		c.Type = "number"
		switch e.Type {
		case "num_int":
			zero := 0
			c.DecimalDigits = &zero
		case "num_currency":
			two := 2
			c.DecimalDigits, c.Properties["type"] = &two, "money"
		}
		im.range_(e, c)
	case "date", "datetime":
		c.Type, c.Subtype, c.DateLabel, c.Label = "datetime", e.Type, c.Label, ""
		im.days(e, c)
	case "time":
		c.Type, c.Subtype, c.TimeLabel, c.Label = "datetime", e.Type, c.Label, ""
	case "file":
		c.Type, c.DefaultValue = "filepicker", ""
		c.Multiple = p.count.Max != 1
		c.Accept = strings.Join(e.MediaTypes, ",")
		if e.MaxSize != "" {
			c.Properties["xdf.maxsize"] = e.MaxSize
			im.say(e, "the form doesn't hold the size of the file (%s)", e.MaxSize)
		}
	default:
		im.lengths(e, c)
		if k := kinds[ShortID(e.ID)]; k != "" && c.Type == "textfield" {
			c.Properties["type"] = k
		}
	}
	return c
}

// preset is a content that the form can begin with.
func (im *importer) preset(e *Element) string {
	if e.Type == "text" || e.Type == "text_latin" {
		if strings.HasPrefix(e.Content, "=") {
			return "=" + quote(e.Content)
		}
		return e.Content
	}
	im.say(e, "the form doesn't begin with the value %.60q", e.Content)
	return ""
}

func (im *importer) lengths(e *Element, c *component) {
	l := e.Limits
	number := func(what, s string) *int {
		if s == "" {
			return nil
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 || n > form.MaxText {
			im.note(e, c, what, s, "a whole number from 0 to "+strconv.Itoa(form.MaxText)+" is expected")
			return nil
		}
		return &n
	}
	v := c.Validate
	v.MinLength, v.MaxLength = number("minLength", l.MinLength), number("maxLength", l.MaxLength)
	if v.MinLength != nil && v.MaxLength != nil && *v.MinLength > *v.MaxLength {
		im.note(e, c, "minLength", l.MinLength, "it is greater than maxLength")
		v.MinLength = nil
	}
	if v.MaxLength != nil && *v.MaxLength == 0 {
		im.note(e, c, "maxLength", l.MaxLength, "nothing could be entered")
		v.MaxLength = nil
	}
	if v.MaxLength != nil && *v.MaxLength > 1000 {
		c.Type = "textarea"
	}
	if l.Pattern != "" {
		if _, err := regexp.Compile("^(?:" + l.Pattern + ")$"); err != nil || len(l.Pattern) > 1000 {
			im.note(e, c, "pattern", l.Pattern, "it can't be held in linear time, or is no regular expression")
		} else {
			v.Pattern = l.Pattern
		}
	}
	im.unused(e, c, "minValue", l.MinValue)
	im.unused(e, c, "maxValue", l.MaxValue)
}

// note keeps a limit that the form can't hold.
func (im *importer) note(e *Element, c *component, what, val, why string) {
	if val != "" {
		c.Properties["xdf."+strings.ToLower(what)] = val
		im.say(e, "%s %.80q is kept as a note: %s", what, val, why)
	}
}

func (im *importer) unused(e *Element, c *component, what, val string) {
	im.note(e, c, what, val, "a "+e.Input+" of type "+e.Type+" doesn't hold it")
}

var decimal = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?$`)

func (im *importer) range_(e *Element, c *component) {
	number := func(what, s string) *json.Number {
		s = strings.Replace(strings.TrimPrefix(s, "+"), ",", ".", 1)
		if s == "" {
			return nil
		}
		if !decimal.MatchString(s) {
			im.note(e, c, what, s, "it is no number")
			return nil
		}
		n := json.Number(s)
		return &n
	}
	v := c.Validate
	v.Min, v.Max = number("minValue", e.Limits.MinValue), number("maxValue", e.Limits.MaxValue)
	if v.Min != nil && v.Max != nil {
		lo, _ := v.Min.Float64()
		if hi, _ := v.Max.Float64(); lo > hi {
			im.note(e, c, "minValue", e.Limits.MinValue, "it is greater than maxValue")
			v.Min = nil
		}
	}
	im.unused(e, c, "minLength", e.Limits.MinLength)
	im.unused(e, c, "maxLength", e.Limits.MaxLength)
	im.unused(e, c, "pattern", e.Limits.Pattern)
}

var day = regexp.MustCompile(`^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$`)

func (im *importer) days(e *Element, c *component) {
	for _, x := range [][3]string{{"min", "minValue", e.Limits.MinValue}, {"max", "maxValue", e.Limits.MaxValue}} {
		switch {
		case x[2] == "":
		case day.MatchString(x[2]) && e.Type == "date":
			c.Properties[x[0]] = "=" + quote(x[2])
		default:
			im.note(e, c, x[1], x[2], "it is no day such as 2026-12-31")
		}
	}
	im.unused(e, c, "minLength", e.Limits.MinLength)
	im.unused(e, c, "maxLength", e.Limits.MaxLength)
	im.unused(e, c, "pattern", e.Limits.Pattern)
}

// codes are the options of a select field: of the schema itself, or of a list at hand.
func (im *importer) codes(p *place) []option {
	if p.options != nil {
		return p.options
	}
	e := p.el
	codes := e.Values
	if e.Codes != nil {
		l := im.lists.Find(*e.Codes)
		if l == nil {
			return nil
		}
		codes = l.Codes(e.CodeKey, e.NameKey, e.HelpKey)
	}
	seen := map[string]bool{}
	p.options = []option{}
	for _, k := range codes {
		if seen[k.Code] {
			im.say(e, "the code %.60q is there twice: the first one counts", k.Code)
			continue
		}
		seen[k.Code] = true
		p.options = append(p.options, option{plain(k.Name), k.Code})
	}
	return p.options
}

func (im *importer) choose(p *place, c *component) {
	e := p.el
	if e.Codes != nil {
		c.Properties["xdf.codes"] = e.Codes.Key()
		if e.Codes.URI != "" {
			c.Properties["xdf.codes.uri"], c.Properties["xdf.codes.version"] = e.Codes.URI, e.Codes.Version
		}
		for k, v := range map[string]string{"code": e.CodeKey, "name": e.NameKey, "help": e.HelpKey} {
			if v != "" {
				c.Properties["xdf.codes."+k] = v
			}
		}
	}
	options := im.codes(p)
	switch {
	case len(options) == 0 && e.Codes != nil:
		im.say(e, "the code list %q isn't at hand: the form takes any text; import again with its genericode file", e.Codes.Key())
		return
	case len(options) == 0:
		im.say(e, "is a choice without a code list: the form takes any text")
		return
	}
	c.Values = options
	for _, o := range options {
		im.size += 30 + len(o.Label) + len(o.Value)
	}
	several := p.count.Max != 1
	switch few := len(options) <= 7; {
	case several && len(options) <= 20:
		c.Type = "checklist"
	case several:
		c.Type = "taglist"
	case few:
		c.Type = "radio"
	default:
		c.Type = "select"
	}
	if e.Content != "" {
		c.Properties["xdf.content"] = e.Content
		for _, o := range options {
			if o.Value == e.Content && !several {
				c.DefaultValue = e.Content
			}
		}
	}
	for _, x := range [][2]string{{"minLength", e.Limits.MinLength}, {"maxLength", e.Limits.MaxLength}, {"minValue", e.Limits.MinValue}, {"maxValue", e.Limits.MaxValue}, {"pattern", e.Limits.Pattern}} {
		im.unused(e, c, x[0], x[1])
	}
}

// plain keeps a text from being read as an expression or a template.
func plain(s string) string {
	s = strings.ReplaceAll(s, "{{", "{ {")
	if strings.HasPrefix(s, "=") {
		s = " " + s
	}
	return s
}

func short(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// quote is a text of FEEL.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s) + `"`
}
