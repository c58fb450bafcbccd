// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"context"
	"fmt"
	"maps"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
)

// A change of some fields of a record, said of a time that has no end, holds until the next change of these fields that is
// known: whoever puts a telephone number right today doesn't take back the move of next month, and a move of last week that is
// told today takes back nothing that has happened since.

// stretch is a stretch of time in which one assertion about a record holds.
type stretch struct {
	from, to int64
	row      row
}

// stretches are what holds of a record from a moment until another, by all that is known, in the order of time.
func (s *Service) stretches(ctx context.Context, tx *store.Tx, register, id string, from, until int64) (out []stretch, err error) {
	now, err := store.One(ctx, tx, scanRow, recordByID, register, id)
	if err != nil {
		return nil, err
	}
	for at := from; at < until; {
		r, err := s.asOf(ctx, tx, register, id, at, ever)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		if err != nil {
			r = row{Record: Record{Register: register, ID: id, Data: []byte(nothing)}}
		}
		next, err := s.nextTurn(ctx, tx, now, at) // r is that one, or stands among its versions
		if err != nil {
			return nil, err
		}
		next = min(next, until)
		if n := len(out); n > 0 && out[n-1].row.Version == r.Version && out[n-1].row.none() == r.none() {
			out[n-1].to = next
		} else {
			out = append(out, stretch{at, next, r})
		}
		at = next
	}
	return out, nil
}

// lay lays fields over what holds of a record from why.From (zero: now) until why.To. With a time that
// has an end they hold in all of it, without one until their next change that is known, the end of the record, or until it is
// about somebody else. keep stores each assertion that this makes.
func (s *Service) lay(ctx context.Context, tx *store.Tx, op string, d *Definition, id string, fields map[string]any, why Why, keep func(prepared, Why) error) error {
	at := why.From
	if at.IsZero() {
		at = s.now()
	}
	switch {
	case !why.To.IsZero() && !why.To.After(at):
		return fault.New(fault.Invalid, op, "register.nothingBetween")
	case len(fields) == 0:
		return nil
	}
	list, err := s.stretches(ctx, tx, d.ID, id, store.Micros(at), to(why.To))
	if err != nil {
		return fault.Wrap(op, err)
	}
	fields = maps.Clone(fields)
	var base map[string]any
	for i, x := range list {
		if x.row.none() || d.personOf(x.row) != d.personOf(list[0].row) {
			break
		}
		plain, err := s.open(ctx, tx, d, x.row, nil)
		if err != nil {
			return fault.Wrap(op, err)
		}
		all, err := object(plain.Data)
		if err != nil {
			return fault.Wrap(op, err)
		}
		if base == nil {
			base = all
		}
		if i > 0 && why.To.IsZero() {
			maps.DeleteFunc(fields, func(name string, _ any) bool { return differs(base, all, name) })
			if len(fields) == 0 {
				break
			}
		}
		data := maps.Clone(all)
		for name, v := range fields {
			if v == gone {
				delete(data, name)
			} else {
				data[name] = v
			}
		}
		if len(changes(all, data)) == 0 {
			continue
		}
		n, err := d.prepare("", data)
		if err != nil {
			return fault.Wrap(op, err)
		}
		if is, err := s.idOf(d, n.ID); err != nil || is != id {
			return fault.New(fault.Invalid, op, "register.edit.key", "field", d.Key)
		}
		n.ID, n.placed = id, true
		w := why
		if i > 0 {
			w.From = moment(x.from)
		}
		w.To = moment(x.to)
		if err := keep(n, w); err != nil {
			return err
		}
	}
	return nil
}

// differs reports whether a field isn't the same in two records.
func differs(a, b map[string]any, name string) bool {
	x, had := a[name]
	y, has := b[name]
	return had != has || !equal(x, y)
}

// gone stands for a field that a record has no more; nil is a value (null).
var gone any = new(int)

// changes are the fields with which one record becomes another.
func changes(before, after map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range after {
		if differs(before, after, name) {
			out[name] = v
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			out[name] = gone
		}
	}
	return out
}

// Amend lays fields over the record with this key from why.From on, and stores that as new
// versions; the others stay as they are. A field that is nil is taken out. A
// record that isn't there can't be amended. The grant is one like Put's: the caller learns
// nothing of the record.
func (s *Service) Amend(ctx context.Context, tx *store.Tx, g access.Grant, register, key string, fields map[string]any, why Why) error {
	const op = "register.amend"
	d, err := s.definition(op, register)
	if err != nil {
		return err
	}
	if err := g.Must(access.Change, Resource(d.ID)); err != nil {
		return fault.Wrap(op, err)
	}
	id, err := s.idOf(d, key)
	if err != nil {
		return fault.Wrap(op, err)
	}
	at := why.From
	if at.IsZero() {
		at = s.now()
	}
	old, err := s.asOf(ctx, tx, d.ID, id, store.Micros(at), ever)
	if err == nil && old.none() {
		err = fault.New(fault.NotFound, op, "")
	}
	// Whose it is not may not find out whether there is one.
	if owner := g.Request().Owner; err == nil && owner != "" && d.Person != "" && d.personOf(old) != owner {
		err = fault.New(fault.NotFound, op, "")
	}
	if fault.Is(err, fault.NotFound) {
		return fault.Because(fault.Invalid, op, "", fmt.Errorf("the register %s has no such record of the person at that time: there is nothing to amend", d.ID))
	}
	if err != nil {
		return fault.Wrap(op, err)
	}
	fields = maps.Clone(fields)
	for name, v := range fields {
		if v == nil {
			fields[name] = gone
		}
	}
	return s.lay(ctx, tx, op, d, id, fields, why, func(n prepared, why Why) error {
		return s.change(ctx, tx, op, g, d, n, why)
	})
}

// said reports whether a case has said exactly this about another time than now already: a
// step that is done again after a crash makes no second version.
func (s *Service) said(ctx context.Context, tx *store.Tx, d *Definition, n prepared, why Why) (bool, error) {
	if why.Case == "" || why.From.IsZero() && why.To.IsZero() {
		return false, nil
	}
	id, err := n.ID, error(nil)
	if !n.placed {
		if id, err = s.idOf(d, n.ID); err != nil {
			return false, err
		}
	}
	rows, err := store.All(ctx, tx, scanRow, versionsByID, d.ID, id, maxVersions)
	if err != nil {
		return false, err
	}
	for _, r := range rows {
		if r.Case != why.Case || store.Micros(r.ValidFrom) != store.Micros(why.From) || to(r.ValidTo) != to(why.To) || r.none() {
			continue
		}
		if r, err = s.open(ctx, tx, d, r, nil); err != nil {
			return false, err
		}
		if same, err := d.same(r.Data, n.Data); err != nil || same {
			return same, err
		}
	}
	return false, nil
}
