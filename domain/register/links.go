// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
)

// A field with Through and Shows is a view: it isn't stored, it is what the record that a
// link leads to says at the moment of reading. So what is said once (an address) is the same
// everywhere at the next read, and nothing has to be copied. Reading it is reading the other
// register, under a grant for that one.

// View reports whether a field is what a linked record shows.
func (f Field) View() bool { return f.Through != "" }

// checkViews holds the views of all registers against what they show.
func (rs *Registers) checkViews() []error {
	var errs []error
	for _, d := range rs.All() {
		for _, f := range d.Fields {
			if f.Through == "" && f.Shows == "" {
				continue
			}
			wrong := func(format string, args ...any) {
				errs = append(errs, fmt.Errorf("%s/register.toml: field %s %s", d.ID, f.Name, fmt.Sprintf(format, args...)))
			}
			link, ok := d.Field(f.Through)
			switch {
			case f.Through == "" || f.Shows == "":
				wrong("needs both through (a link of this register) and shows (a field of the linked one)")
				continue
			case !ok || link.Link == "" || link.View():
				wrong("goes through %q, which is no link of this register", f.Through)
				continue
			case f.Link != "" || f.Search != NoSearch || f.Name == d.Key || f.Name == d.Person || slices.Contains(d.Match, f.Name):
				wrong("shows another record: it can be neither a key, a person, a link nor searched")
			}
			to, ok := rs.Get(link.Link)
			if !ok {
				continue // said already
			}
			shown, ok := to.Field(f.Shows)
			switch {
			case !ok || shown.View():
				wrong("shows %s.%s, which isn't kept there", to.ID, f.Shows)
			case shown.Class != f.Class:
				wrong("is %s, and %s.%s is %s: what it shows has one class", f.Class, to.ID, f.Shows, shown.Class)
			}
		}
	}
	return errs
}

// when is a moment of the world and one of knowledge.
type when struct{ valid, known int64 }

func (s *Service) thisMoment() when { return when{store.Micros(s.now()), ever} }

// showLinks puts into opened records what their views among the fields show. What the
// grant's holder may not read in the linked register stays out, and that is on record.
func (s *Service) showLinks(ctx context.Context, g access.Grant, d *Definition, rows []row, fields []string, at when) error {
	views := map[string][]Field{} // by link
	if at == (when{}) {
		return nil
	}
	for _, f := range d.Fields {
		if f.View() && slices.Contains(fields, f.Name) {
			views[f.Through] = append(views[f.Through], f)
		}
	}
	for _, link := range slices.Sorted(maps.Keys(views)) {
		if err := s.showLink(ctx, g, d, rows, link, views[link], at); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) showLink(ctx context.Context, g access.Grant, d *Definition, rows []row, link string, views []Field, at when) error {
	const op = "register.showLink"
	f, _ := d.Field(link)
	to, err := s.definition(op, f.Link)
	if err != nil {
		return err
	}
	linked := map[string]row{}
	keys := make([]string, len(rows))
	var persons []string
	for i, r := range rows {
		if r.none() {
			continue
		}
		all, err := r.All()
		if err != nil {
			return fault.Wrap(op, err)
		}
		if keys[i] = textOf(all[link]); keys[i] == "" {
			continue
		}
		if _, seen := linked[keys[i]]; seen {
			continue
		}
		id, err := s.idOf(to, keys[i])
		if err != nil {
			return fault.Wrap(op, err)
		}
		x, err := s.asOf(ctx, s.db, to.ID, id, at.valid, at.known)
		if fault.Is(err, fault.NotFound) || err == nil && x.none() {
			continue
		}
		if err != nil {
			return fault.Wrap(op, err)
		}
		linked[keys[i]] = x
		if p := to.personOf(x); p != "" && !slices.Contains(persons, p) {
			persons = append(persons, p)
		}
	}
	if len(linked) == 0 {
		return nil
	}
	names := make([]string, len(views))
	for i, v := range views {
		names[i] = v.Shows
	}
	if !to.Public {
		if s.linked == nil {
			return nil
		}
		r := g.Request()
		slices.Sort(persons)
		r.Action, r.Resource, r.Office, r.Fields, r.Subjects, r.Owner = access.Read, Resource(to.ID), to.Office, names, persons, ""
		if len(persons) == 1 {
			r.Owner = persons[0]
		}
		of, err := s.linked(ctx, r)
		if fault.Is(err, fault.Denied) || fault.Is(err, fault.StepUp) {
			return nil
		}
		if err != nil {
			return fault.Wrap(op, err)
		}
		for _, p := range append(persons, "") {
			if err := granted(op, of, access.Read, to, names, p); err != nil {
				return err
			}
		}
	}
	for i, r := range rows {
		x, ok := linked[keys[i]]
		if !ok {
			continue
		}
		if x, err = s.open(ctx, s.db, to, x, names); err != nil {
			return fault.Wrap(op, err)
		}
		theirs, err := x.only(names)
		if err != nil {
			return fault.Wrap(op, err)
		}
		all, err := r.All()
		if err != nil {
			return fault.Wrap(op, err)
		}
		for _, v := range views {
			if val, ok := theirs[v.Shows]; ok {
				all[v.Name] = val
			}
		}
		if rows[i].Data, err = json.Marshal(all); err != nil {
			return fault.Wrap(op, err)
		}
	}
	return nil
}
