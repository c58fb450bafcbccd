// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// compare says what differs between two versions of a package; what no record may be, because its
// meaning or the way it is stored would change under it; and whether the records must be looked at: they
// needn't if the new schema takes all that the old one took.
func compare(old, next *Definition) (changes []string, rules []rule, look bool) {
	say := func(format string, args ...any) { changes = append(changes, fmt.Sprintf(format, args...)) }
	differ := func(what string, a, b any) {
		if a != b {
			say("%s: %v, was %v", what, orNothing(b), orNothing(a))
		}
	}
	if old.Key != next.Key {
		differ("key", old.Key, next.Key)
		rules = append(rules, rule{"", "the key of a register that has records can't change"})
	}
	if old.Person != next.Person {
		differ("person", old.Person, next.Person)
		rules = append(rules, rule{"", "whom the records of a register are about can't change while it has some"})
	}
	differ("office", old.Office, next.Office)
	differ("basis", old.Basis, next.Basis)
	differ("public", old.Public, next.Public)
	differ("match", strings.Join(old.Match, ", "), strings.Join(next.Match, ", "))
	differ("keep", keepText(old.Keep), keepText(next.Keep))
	for _, t := range [...]struct {
		name string
		a, b Text
	}{{"title", old.Title, next.Title}, {"purpose", old.Purpose, next.Purpose}, {"retention", old.Retention, next.Retention}, {"description", old.Description, next.Description}} {
		if !reflect.DeepEqual(t.a, t.b) {
			say("%s: other words", t.name)
		}
	}
	if !reflect.DeepEqual(old.Sources, next.Sources) {
		say("sources: others")
	}
	for _, f := range old.Fields {
		if _, ok := next.Field(f.Name); ok {
			continue
		}
		if f.View() {
			say("field %s, which showed another record, is gone", f.Name)
			continue
		}
		say("field %s is gone", f.Name)
		look = true
	}
	for _, f := range next.Fields {
		o, ok := old.Field(f.Name)
		switch {
		case !ok && f.View():
			say("new field %s, which shows %s of the record that %s leads to", f.Name, f.Shows, f.Through)
			continue
		case !ok && next.needed[f.Name]:
			say("new field %s, which every record must have", f.Name)
			look = true
			continue
		case !ok:
			say("new field %s", f.Name)
			continue
		}
		what := "field " + f.Name + ": "
		if o.View() != f.View() {
			say("%sit is stored in one version, and shows another record in the other", what)
			rules, look = append(rules, rule{"", "field " + f.Name + " can't turn into a view, or back, while there are records"}), true
			continue
		}
		differ(what+"class", o.Class, f.Class)
		if old.sealed(o) != next.sealed(f) {
			rules = append(rules, rule{f.Name, "field " + f.Name + " would be stored sealed instead of open, or the other way round"})
		}
		differ(what+"unit", o.Unit, f.Unit)
		if o.Unit != f.Unit && o.Unit != "" {
			rules = append(rules, rule{f.Name, "field " + f.Name + " has numbers in " + o.Unit})
		}
		differ(what+"source", o.Source, f.Source)
		differ(what+"link", o.Link, f.Link)
		differ(what+"shows", o.Through+" "+o.Shows, f.Through+" "+f.Shows)
		differ(what+"geometry", o.Geometry, f.Geometry)
		if a, b := waysText(o.Ways), waysText(f.Ways); a != b {
			say("%sindex %s, was %s: it is built anew", what, orNothing(b), orNothing(a))
		}
		if !reflect.DeepEqual(o.Title, f.Title) {
			say("%sother words", what)
		}
		if !reflect.DeepEqual(old.props[f.Name], next.props[f.Name]) {
			say("%sits schema is another", what)
			look = true
		}
		if a, b := old.needed[f.Name], next.needed[f.Name]; !a && b {
			say("%severy record must have it", what)
			look = true
		} else if a && !b {
			say("%sa record needn't have it any more", what)
		}
		if compareCodes(what, old.lists[f.Name], next.lists[f.Name], say) {
			look = true
		}
	}
	if a, b := old.rest(), next.rest(); !reflect.DeepEqual(a, b) {
		say("what the schema says beside its fields is another")
		look = true
	}
	if len(changes) == 0 {
		say("nothing that means something: comments, or the order of things")
	}
	return changes, rules, look
}

// compareCodes reports whether the list takes less than before.
func compareCodes(what string, a, b *CodeList, say func(string, ...any)) (less bool) {
	switch {
	case a == nil && b == nil:
		return false
	case b == nil:
		say("%sno code list any more", what)
		return false
	case a == nil:
		say("%sits values are codes of %s from now on", what, b.URN)
		return true
	}
	if a.URN != b.URN || a.Version != b.Version {
		say("%scode list %s %s, was %s %s", what, b.URN, b.Version, a.URN, a.Version)
	}
	var more, ended, gone []string
	for _, c := range b.Codes {
		if was, ok := a.Has(c.Code); !ok {
			more = append(more, c.Code)
		} else if was.From != c.From || was.Until != c.Until {
			ended = append(ended, c.Code)
		}
	}
	for _, c := range a.Codes {
		if !b.known(c.Code) {
			gone = append(gone, c.Code)
		}
	}
	for _, x := range [...]struct {
		what string
		list []string
	}{{"new codes", more}, {"codes with another time of validity", ended}, {"codes that are gone", gone}} {
		if n := len(x.list); n > 12 {
			say("%s%d %s: %s …", what, n, x.what, strings.Join(x.list[:12], ", "))
		} else if n > 0 {
			say("%s%s: %s", what, x.what, strings.Join(x.list, ", "))
		}
	}
	return len(gone) > 0
}

// rest is what the schema says beside the properties, which are looked at one by one.
func (d *Definition) rest() map[string]any {
	v, _ := decode(d.text)
	root, _ := v.(map[string]any)
	for _, k := range [...]string{"properties", "required", "title", "description", "$comment", "$id", "$schema"} {
		delete(root, k)
	}
	return root
}

func waysText(w Ways) string {
	list := make([]string, len(w))
	for i, x := range w {
		list[i] = string(x)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

func keepText(k *Keep) string {
	if k == nil {
		return ""
	}
	return k.Period + " after " + k.After + " (" + k.Basis + ")"
}

func orNothing(v any) any {
	if s := fmt.Sprint(v); strings.TrimSpace(s) == "" {
		return "none"
	}
	return v
}
