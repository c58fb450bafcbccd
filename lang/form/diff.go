// SPDX-License-Identifier: EUPL-1.2

package form

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"mercator/base/i18n"
	"mercator/lang/feel"
)

// Difference is one thing that a new version of a form does otherwise.
type Difference struct {
	Name  string // of the field, or the component's id; "" for pages
	Msg   string // message key
	Args  []any  // alternating names and values
	label Text
}

// Diff tells what is different for who fills in the form, and for who reads the
// answers, from the old version to the new one: what is gone first, then the rest in the order of the new form.
func Diff(old, now *Form) []Difference {
	d := &differ{}
	before, after := old.byName(), now.byName()
	for _, p := range old.pages {
		if now.Page(p.ID) == nil {
			d.page(p, "form.diff.pageRemoved")
		}
	}
	walk(old.Fields, func(f *Field) {
		if f.says() && after[nameOf(f)] == nil {
			d.add(f, "form.diff.removed")
		}
	})
	for _, p := range now.pages {
		switch o := old.Page(p.ID); {
		case o == nil:
			d.page(p, "form.diff.pageAdded")
		case o.Title["de"] != p.Title["de"]:
			d.page(p, "form.diff.pageTitle", "old", o.Title)
		}
	}
	walk(now.Fields, func(f *Field) {
		if !f.says() {
			return
		}
		o := before[nameOf(f)]
		switch {
		case o == nil && f.Required:
			d.add(f, "form.diff.addedRequired")
		case o == nil:
			d.add(f, "form.diff.added")
		default:
			d.field(o, f, now)
		}
	})
	if a, b := order(old, after), order(now, before); !slices.Equal(a, b) && len(a) == len(b) {
		d.out = append(d.out, Difference{Msg: "form.diff.order"})
	}
	return d.out
}

// order are the names of the fields that both versions have.
func order(f *Form, both map[string]*Field) []string {
	var out []string
	walk(f.Fields, func(x *Field) {
		if x.Input() && both[nameOf(x)] != nil && both[nameOf(x)].Page == x.Page {
			out = append(out, nameOf(x))
		}
	})
	return out
}

func (f *Form) byName() map[string]*Field {
	out := map[string]*Field{}
	walk(f.Fields, func(x *Field) {
		if x.says() {
			out[nameOf(x)] = x
		}
	})
	return out
}

// says tells whether a change of the field is worth a word.
func (f *Field) says() bool {
	return nameOf(f) != "" && f.Type != "separator" && f.Type != "spacer" && f.Type != "button"
}

func nameOf(f *Field) string {
	if f.Name != "" {
		return f.Name
	}
	return f.ID
}

type differ struct{ out []Difference }

func (d *differ) add(f *Field, msg string, args ...any) {
	label := f.Label
	if len(label) == 0 {
		label = f.Content
	}
	if lists := listsAround(f); len(lists) > 0 { // a name in the rows of which list
		in := Text{}
		for lang := range label {
			for _, list := range lists {
				in[lang] += list.Label.For(lang) + " › "
			}
			in[lang] += label[lang]
		}
		label = in
	}
	d.out = append(d.out, Difference{Name: nameOf(f), Msg: msg, Args: args, label: label})
}

func (d *differ) page(p *Page, msg string, args ...any) {
	label := p.Title
	if len(label) == 0 {
		label = Text{"de": p.ID}
	}
	d.out = append(d.out, Difference{Msg: msg, Args: args, label: label})
}

// field compares the two versions of a field.
func (d *differ) field(o, f *Field, now *Form) {
	if o.Label["de"] != f.Label["de"] {
		d.add(f, "form.diff.label", "old", o.Label)
	}
	if o.Kind != f.Kind {
		d.add(f, "form.diff.kind", "old", o.Kind, "new", f.Kind)
	}
	switch {
	case f.Required && !o.Required:
		d.add(f, "form.diff.required")
	case o.Required && !f.Required:
		d.add(f, "form.diff.optional")
	}
	if o.Page != f.Page {
		title := Text{"de": f.Page}
		if p := now.Page(f.Page); p != nil && len(p.Title) > 0 {
			title = p.Title
		}
		d.add(f, "form.diff.moved", "page", title)
	}
	if o.ReadOnly != f.ReadOnly {
		d.add(f, either(f.ReadOnly, "form.diff.readOnly", "form.diff.editable"))
	}
	if o.Register != f.Register {
		d.add(f, either(f.Register != "", "form.diff.register", "form.diff.noRegister"), "register", f.Register)
	}
	d.number(f, o.MinLength, f.MinLength, "form.diff.minLength", "form.diff.noMinLength")
	d.number(f, o.MaxLength, f.MaxLength, "form.diff.maxLength", "form.diff.noMaxLength")
	d.bound(f, o.Min, f.Min, o.minExpr, f.minExpr, "form.diff.min", "form.diff.noMin")
	d.bound(f, o.Max, f.Max, o.maxExpr, f.maxExpr, "form.diff.max", "form.diff.noMax")
	if a, b := fmt.Sprint(o.Pattern), fmt.Sprint(f.Pattern); a != b {
		d.add(f, either(f.Pattern != nil, "form.diff.pattern", "form.diff.noPattern"))
	}
	d.options(o, f)
	switch a, b := text(o.hide), text(f.hide); {
	case a == b:
	case f.hide == nil:
		d.add(f, "form.diff.noHide")
	case o.hide == nil:
		d.add(f, "form.diff.hide", "rule", b)
	default:
		d.add(f, "form.diff.hideChanged", "rule", b)
	}
	switch a, b := text(o.check), text(f.check); {
	case a == b:
	case f.check == nil:
		d.add(f, "form.diff.noCheck")
	default:
		d.add(f, "form.diff.check", "rule", b)
	}
	if a, b := text(o.compute), text(f.compute); a != b {
		d.add(f, "form.diff.compute", "rule", b)
	}
	switch a, b := preset(o), preset(f); {
	case a == b:
	case b == "":
		d.add(f, "form.diff.noDefault")
	default:
		d.add(f, "form.diff.default", "value", b)
	}
	if o.Multiple != f.Multiple {
		d.add(f, either(f.Multiple, "form.diff.multiple", "form.diff.single"))
	}
	if o.Accept != f.Accept {
		d.add(f, "form.diff.accept", "types", f.Accept)
	}
	if !maps.Equal(o.Help, f.Help) || !maps.Equal(o.Row, f.Row) || !maps.Equal(o.Why, f.Why) || !maps.Equal(o.Content, f.Content) && len(o.Content) > 0 ||
		o.Label["de"] == f.Label["de"] && !maps.Equal(o.Label, f.Label) {
		d.add(f, "form.diff.texts")
	}
	if o.Sensitive() != f.Sensitive() {
		d.add(f, either(f.Sensitive(), "form.diff.sensitive", "form.diff.notSensitive"))
	}
}

func either(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

func text(p *feel.Program) string {
	if p == nil {
		return ""
	}
	return rule{prog: p}.source()
}

func preset(f *Field) string {
	if f.defExpr != nil {
		return text(f.defExpr)
	}
	return optionText(f.Default)
}

func (d *differ) number(f *Field, old, now int, msg, none string) {
	switch {
	case old == now:
	case now == 0:
		d.add(f, none)
	default:
		d.add(f, msg, "n", strconv.Itoa(now))
	}
}

func (d *differ) bound(f *Field, old, now string, oldExpr, nowExpr *feel.Program, msg, none string) {
	a, b := old+text(oldExpr), now+text(nowExpr)
	switch {
	case a == b || old != "" && now != "" && compareNumbers(old, now) == 0:
	case b == "":
		d.add(f, none)
	default:
		d.add(f, msg, "value", b)
	}
}

func (d *differ) options(o, f *Field) {
	if a, b := text(o.optionsExpr)+o.valuesKey, text(f.optionsExpr)+f.valuesKey; a != b {
		d.add(f, "form.diff.optionsRule")
		return
	}
	find := func(in []Option, s string) *Option {
		for i := range in {
			if optionText(in[i].Value) == s {
				return &in[i]
			}
		}
		return nil
	}
	for _, x := range o.Options {
		if find(f.Options, optionText(x.Value)) == nil {
			d.add(f, "form.diff.optionRemoved", "option", x.Label)
		}
	}
	for _, x := range f.Options {
		switch y := find(o.Options, optionText(x.Value)); {
		case y == nil:
			d.add(f, "form.diff.optionAdded", "option", x.Label)
		case y.Label["de"] != x.Label["de"]:
			d.add(f, "form.diff.optionLabel", "old", y.Label, "option", x.Label)
		}
	}
}

// Words is the difference in the reader's language.
func (d Difference) Words(l *i18n.Localizer) string {
	args := []any{"label", oneLine(d.label.For(l.Lang()))}
	for _, a := range d.Args {
		switch t := a.(type) {
		case Text:
			a = oneLine(t.For(l.Lang()))
		case answered:
			a = t.words(l)
		}
		args = append(args, a)
	}
	return l.T(d.Msg, args...)
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 80 {
		s = string(r[:79]) + "…"
	}
	return s
}
