// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"context"
	"slices"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
)

// A day on which something becomes due, the end of a document's validity, a deadline, is found
// by the index of dates (search = "date"): of a personal field by the token of the day, so that
// no day stands anywhere in the clear. A span is looked through day by day; no record is
// touched whose day isn't in it.

// Due is a record with a day that falls into a span.
type Due struct{ ID, Day string }

// maxDueDays is how many days one span has at most.
const maxDueDays = 800

// DueBetween gives up to n records of a register whose day lies from one day to another,
// both counted, in the order of day and record, after the one given. The grant is one to
// list the register with that field; it tells no person and nothing else of the record, and
// nothing at all of one that is restricted. An index proposes: whoever reads the record holds
// its day against the span again.
func (s *Service) DueBetween(ctx context.Context, g access.Grant, register, field, first, last string, after Due, n int) ([]Due, error) {
	const op = "register.dueBetween"
	d, err := s.definition(op, register)
	if err != nil {
		return nil, err
	}
	f, ok := d.Field(field)
	if !ok || !f.By(Dates) {
		return nil, fault.Internalf(op, "%s.%s isn't searched as a date", register, field)
	}
	if err := g.Must(access.List, Resource(d.ID)); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if !slices.Contains(g.Request().Fields, field) {
		return nil, fault.New(fault.Denied, op, "")
	}
	from, err1 := time.Parse(time.DateOnly, max(first, after.Day))
	to, err2 := time.Parse(time.DateOnly, last)
	if err1 != nil || err2 != nil || to.Sub(from) > maxDueDays*24*time.Hour {
		return nil, fault.Internalf(op, "%q to %q is no span of days", first, last)
	}
	var out []Due
	for t := from; !t.After(to) && len(out) < n; t = t.AddDate(0, 0, 1) {
		day, past := t.Format(time.DateOnly), ""
		if day == after.Day {
			past = after.ID
		}
		ids, err := s.dueOn(ctx, d, f, day, past, n-len(out), s.reaches(g.Request().Purpose))
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		for _, id := range ids {
			out = append(out, Due{ID: id, Day: day})
		}
	}
	return out, nil
}

// dueOn are the next records of one day, after an id.
func (s *Service) dueOn(ctx context.Context, d *Definition, f Field, day, past string, n int, reaches bool) ([]string, error) {
	if !s.built(d, f.Name) {
		return nil, errBuilding("register.dueOn")
	}
	scan := func(r store.Scanner) (id string, err error) {
		err = r.Scan(&id)
		return id, err
	}
	if !d.sealed(f) {
		return store.All(ctx, s.db, scan, dueByKey, d.ID, f.Name, day, past, n, reaches)
	}
	t, err := s.token(d, entry{f.Name, byDay, day})
	if err != nil {
		return nil, err
	}
	return store.All(ctx, s.db, scan, dueByToken, d.ID, t, past, n, reaches)
}

// PersonOf is whom a record is about now, by its id as events name it; "": nobody, or there
// is no such record. No grant: it is for other rooms' own steps and shows it to nobody.
func (s *Service) PersonOf(ctx context.Context, q store.Q, register, id string) (string, error) {
	const op = "register.personOf"
	d, err := s.definition(op, register)
	if err != nil {
		return "", err
	}
	r, err := store.One(ctx, q, scanRow, recordByID, d.ID, id)
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	r, ok, err := s.inForce(ctx, q, r)
	if err != nil || !ok {
		return "", fault.Wrap(op, err)
	}
	return d.personOf(r), nil
}

// Names tells whether a record names a person in a field that is searched, and Named is whom the record with a key names there;
// "": nobody. No grant: they are for the house's own guards, which show nobody what they have found.
func (s *Service) Names(ctx context.Context, q store.Q, register, field, person string) (bool, error) {
	const op = "register.names"
	d, err := s.definition(op, register)
	if err != nil {
		return false, err
	}
	rows, err := s.byValue(ctx, q, d, field, person, 1, []string{field}, true)
	return len(rows) > 0, fault.Wrap(op, err)
}

// Named is the other way round of Names.
func (s *Service) Named(ctx context.Context, q store.Q, register, key, field string) (string, error) {
	const op = "register.named"
	d, err := s.definition(op, register)
	if err != nil {
		return "", err
	}
	rows, err := s.byValue(ctx, q, d, d.Key, key, 1, []string{field}, true)
	if err != nil || len(rows) == 0 {
		return "", fault.Wrap(op, err)
	}
	all, err := rows[0].All()
	return textOf(all[field]), fault.Wrap(op, err)
}

// ByID reads one record by its id as events name it, under a grant for it, with what the
// caller's transaction has written. A restricted one isn't there for who may not use it.
func (s *Service) ByID(ctx context.Context, q store.Q, g access.Grant, register, id string) (Record, error) {
	const op = "register.byID"
	d, err := s.definition(op, register)
	if err != nil {
		return Record{}, err
	}
	r, err := store.One(ctx, q, scanRow, readableByID, d.ID, id, s.reaches(g.Request().Purpose))
	if err != nil {
		return Record{}, fault.Wrap(op, err)
	}
	r, ok, err := s.inForce(ctx, q, r)
	if err != nil {
		return Record{}, fault.Wrap(op, err)
	}
	if !ok {
		return Record{}, fault.New(fault.NotFound, op, "")
	}
	if err := granted(op, g, access.Read, d, nil, d.personOf(r)); err != nil {
		return Record{}, err
	}
	fields := orNone(g.Request().Fields)
	if r, err = s.open(ctx, q, d, r, fields); err != nil {
		return Record{}, fault.Wrap(op, err)
	}
	r.Record.Data, err = limited(r.Record, fields)
	return r.Record, fault.Wrap(op, err)
}
