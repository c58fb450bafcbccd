// SPDX-License-Identifier: EUPL-1.2

package form

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"mercator/lang/feel"
)

// CheckOptions say what the form stands in.
type CheckOptions struct {
	// KnownNames are the variables besides the form's own: registers, lists, person, case, service.
	KnownNames []string
	// RegisterFields are what the service fetches, "resident.street".
	RegisterFields []string
	// Asked are fields that are asked though a register knows them, for a reason told elsewhere.
	Asked []string
	// Purposes: where personal data is asked, the form says what for.
	Purposes bool
	// Reasons: each question says why it is asked, whatever it asks.
	Reasons bool
	// Languages that every text is to be written in besides German.
	Languages []string
	// Marked: every translation says which German text it is a translation of.
	Marked bool
}

// Finding is a mistake that doesn't keep the form from being read.
type Finding struct {
	File      string
	Line, Col int
	Msg       string
}

// String is "file:line:col: what".
func (f Finding) String() string { return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Col, f.Msg) }

// Check looks for an author's mistakes.
func (f *Form) Check(o CheckOptions) []Finding {
	c := &checker{form: f, opt: o, known: map[string]bool{dayName: true}}
	for _, n := range o.KnownNames {
		c.known[n] = true
	}
	for name := range f.keys {
		top, _, _ := strings.Cut(name, ".")
		c.known[top] = true
	}
	c.fields(f.Fields, nil)
	c.conditions()
	c.circles()
	c.tasks()
	for _, p := range f.pages {
		asks := false
		walk(p.Fields, func(fd *Field) { asks = asks || fd.Input() || fd.Type == "expression" })
		if !asks {
			c.add(p.Fields[0], "page %q asks nothing", p.ID)
		}
		if p.Title.For("de") == "" {
			c.add(p.Fields[0], "page %q has no title: begin it with a text", p.ID)
		}
	}
	sort.SliceStable(c.out, func(i, j int) bool {
		return c.out[i].Line < c.out[j].Line || c.out[i].Line == c.out[j].Line && c.out[i].Col < c.out[j].Col
	})
	return c.out
}

type checker struct {
	form  *Form
	opt   CheckOptions
	known map[string]bool
	out   []Finding
}

func (c *checker) add(f *Field, format string, args ...any) {
	c.out = append(c.out, Finding{c.form.File, f.Line, f.Col, fmt.Sprintf(format, args...)})
}

func walk(fields []*Field, visit func(*Field)) {
	for _, f := range fields {
		visit(f)
		walk(f.Children, visit)
	}
}

func (c *checker) fields(fields []*Field, row map[string]bool) {
	for _, f := range fields {
		c.expressions(f, row)
		c.texts(f)
		c.translations(f)
		if f.Input() {
			c.register(f)
			c.reason(f)
			c.validations(f)
			if f.Label["de"] == "" {
				c.add(f, "field %q has no label", f.Name)
			}
		}
		c.visible(f)
		below := row
		if f.Type == "dynamiclist" {
			below = map[string]bool{}
			maps.Copy(below, row)
			for _, x := range c.form.graph.rows[f] {
				below[valuePath(x)[0]] = true
			}
		}
		c.fields(f.Children, below)
	}
}

func (c *checker) expressions(f *Field, row map[string]bool) {
	name := f.Name
	if name == "" {
		name = f.ID
	}
	progs := []*feel.Program{f.hide, f.optionsExpr, f.compute, f.check, f.minExpr, f.maxExpr, f.defExpr, f.source, f.columnsExpr}
	for _, p := range f.url {
		progs = append(progs, p.expr)
	}
	for _, pieces := range f.pieces {
		for _, p := range pieces {
			progs = append(progs, p.expr)
		}
	}
	seen := map[string]bool{}
	for _, p := range progs {
		if p == nil {
			continue
		}
		for _, n := range p.FreeNames() {
			if !c.known[n] && !row[n] && !seen[n] {
				seen[n] = true
				c.add(f, "%s: the variable %q is not known", name, n)
			}
		}
	}
	for _, p := range progs {
		for _, path := range pathsOf(p) {
			if why := c.unknown(path, row); why != "" && !seen[strings.Join(path, ".")] {
				seen[strings.Join(path, ".")] = true
				c.add(f, "%s: %s", name, why)
			}
		}
	}
	if f.valuesKey != "" {
		if top, _, _ := strings.Cut(f.valuesKey, "."); !c.known[top] {
			c.add(f, "%s: the variable %q is not known", name, top)
		}
	}
}

// unknown says what is wrong with a path whose first name is known.
func (c *checker) unknown(path []string, row map[string]bool) string {
	if len(path) < 2 || row[path[0]] {
		return ""
	}
	if path[0] == "registers" && c.opt.RegisterFields != nil && c.form.keys["registers"] == nil {
		for _, r := range c.opt.RegisterFields {
			as, field, _ := strings.Cut(r, ".")
			if as == path[1] && (len(path) == 2 || field == path[2]) {
				return ""
			}
		}
		return fmt.Sprintf("the service doesn't fetch %q", strings.Join(path[1:], "."))
	}
	group := false
	for key := range c.form.keys {
		have := strings.Split(strings.ReplaceAll(key, ".*", ""), ".")
		if have[0] != path[0] {
			continue
		}
		list := c.form.keys[key].Type == "dynamiclist"
		if len(have) == 1 && !list || overlap(have, path) && !(list && len(path) > len(have)) {
			return "" // of a plain value FEEL may ask for a property, such as a date's year
		}
		group = true
	}
	if group {
		return fmt.Sprintf("the variable %q is not known", strings.Join(path, "."))
	}
	return ""
}

// personal are the kinds of fields that say something about a person.
var personal = map[string]bool{"name": true, "birthdate": true, "iban": true, "tax_id": true, "phone": true, "email": true, "street": true, "house_number": true,
	"postcode": true, "plate": true, "nationality": true, "signature": true}

// reason finds what is asked without saying why (Art. 13 (1) c and Art. 5 (1) b GDPR). Where
// each question says it, that is at the field or at the group around it, as whoever fills in
// the form is shown it there; else only personal data needs it, and a field before it on its
// page, which is of one topic, may have said it.
func (c *checker) reason(f *Field) {
	if f.ReadOnly || len(f.Why) > 0 {
		return
	}
	if c.opt.Reasons {
		for g := f.Parent; g != nil; g = g.Parent {
			if g.Type == "group" && len(g.Why) > 0 {
				return
			}
		}
		c.add(f, "%s: say in the property \"why\" of the field, or of its group, why this is asked: without it people are shown no more than what the whole service is for", f.Name)
		return
	}
	if !c.opt.Purposes || !personal[f.Kind] && !f.Sensitive() && len(f.Means()) == 0 {
		return
	}
	told := false
	walk(c.form.Page(f.Page).Fields, func(g *Field) {
		told = told || len(g.Why) > 0 && (g.Line < f.Line || g.Line == f.Line && g.Col < f.Col)
	})
	if !told {
		c.add(f, "%s: personal data is asked: say in the property \"why\" of the field, or of its group, what it is needed for", f.Name)
	}
}

func (c *checker) texts(f *Field) {
	name := f.Name
	if name == "" {
		name = f.ID
	}
	need := func(what string, t Text) {
		if t["de"] == "" {
			for lang := range t {
				c.add(f, "%s: %s is written in %s, but not in German", name, what, lang)
				return
			}
			return
		}
		for _, lang := range c.opt.Languages {
			if lang != "de" && t[lang] == "" {
				c.add(f, "%s: %s is missing in %s", name, what, lang)
			}
		}
	}
	need("label", f.Label)
	need("help", f.Help)
	need("why", f.Why)
	need("use", f.Use)
	need("keep", f.Keep)
	need("section", f.Section)
	need("row", f.Row)
	need("text", f.Content)
	for _, o := range f.Options {
		if f.Kind == "nationality" {
			break // the states' names are the house's
		}
		if digits := strings.Trim(o.Label["de"], "0123456789.,- "); digits != "" {
			need("option "+optionText(o.Value), o.Label)
		}
	}
	messages := map[string]Text{}
	options := map[string]bool{}
	for _, o := range f.Options {
		options[optionText(o.Value)] = true
	}
	for k, v := range f.Props {
		head, rest, _ := strings.Cut(k, ".")
		switch head {
		case "message":
			msg, lang, ok := strings.Cut(rest, ".")
			if !ok {
				lang = "de"
			}
			if messages[msg] == nil {
				messages[msg] = Text{}
			}
			messages[msg][lang] = v
		case "column":
		case "value":
			if i := strings.LastIndexByte(rest, '.'); i < 0 || !options[rest[:i]] {
				c.add(f, "%s: property %q translates an option that there isn't", name, k)
			}
		case "page", "type", "register", "ask", "autocomplete", "xdf", "help", "why", "use", "keep", "section", "row", "after", "suggest", "listed", "alt", "sensitive", "home", "partial", "min", "max", "check", "label", "description", "text", "content", "source":
		default:
			c.add(f, "%s: property %q is not known", name, k)
		}
	}
	for msg, t := range messages {
		need("message."+msg, t)
	}
	if f.check != nil && f.Props["message.check"] == "" {
		c.add(f, "%s: check has no message.check that says what to do", name)
	}
}

// byToken says which register field an autocomplete token asks for.
func byToken(token string) []string {
	switch token {
	case "given-name":
		return []string{"givenname", "givennames"}
	case "family-name":
		return []string{"familyname"}
	case "bday":
		return []string{"birthdate"}
	case "address-line1", "street-address":
		return []string{"street"}
	case "postal-code":
		return []string{"postcode", "postalcode"}
	case "address-level2":
		return []string{"city", "town"}
	}
	return nil
}

// Means are the names of what the field asks of the person who fills in the form, as the
// browser is told (autocomplete), squashed: "givennames".
func (f *Field) Means() []string {
	if f.Others() {
		return nil
	}
	return byToken(f.Autocomplete())
}

// Others reports whether the field says by its token that it is asked of somebody else: "section-child bday", "shipping …".
func (f *Field) Others() bool { return strings.Contains(f.Autocomplete(), " ") }

// register finds questions that a register has answered already.
func (c *checker) register(f *Field) {
	if f.Register != "" {
		if !slices.Contains(c.opt.RegisterFields, f.Register) {
			c.add(f, "%s: the service doesn't fetch %q", f.Name, f.Register)
		}
		return
	}
	if f.Props["ask"] != "" || slices.Contains(c.opt.Asked, f.Name) || f.Others() {
		return
	}
	key := squash(f.Key)
	for _, r := range c.opt.RegisterFields {
		_, field, _ := strings.Cut(r, ".")
		if s := squash(field); s == key || slices.Contains(f.Means(), s) {
			c.add(f, "%s: the register knows this as %q: name it in the property \"register\", or say in \"ask\" why it is asked again", f.Name, r)
			return
		}
	}
}

func squash(s string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(s))
}

// visible finds fields that nobody ever sees: hidden whatever is answered, or
// hidden until they are answered.
func (c *checker) visible(f *Field) {
	if f.hide == nil {
		return
	}
	if len(f.hide.FreeNames()) == 0 {
		v := bare(nil)
		if h, _ := v.eval(f.hide, v.root()).(bool); h {
			c.add(f, "%s: nobody can ever see this", cmpName(f))
		}
		return
	}
	if c.selfish(f) {
		c.add(f, "%s: is hidden until it is answered, so nobody can answer it", f.Name)
	}
}

func cmpName(f *Field) string {
	if f.Name != "" {
		return f.Name
	}
	return f.ID
}
