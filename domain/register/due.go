// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"context"
	"slices"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
)

// A field that is declared as due is a day on which something becomes due: the end of a
// document's validity, a deadline. Its days stand in order in the index, so that what falls
// into a span is found without looking at every record. The day stands there in the clear,
// beside the name of the record, which says nothing about the person.

// dueMark begins the name of the index of such a field; no declared field can have it.
const dueMark = "@"

// dueEntry is the place of a day in the index; "" is none.
func dueEntry(f Field, value string) (entry, bool) {
	if !f.Due {
		return entry{}, false
	}
	_, err := time.Parse(time.DateOnly, value)
	return entry{dueMark + f.Name, value}, err == nil
}

// Due is a record with a day that falls into a span.
type Due struct{ ID, Day string }

// DueBetween gives up to n records of a register whose day lies from one day to another,
// both counted, in the order of day and record, after the one given. The grant is one to
// list the register with that field; it tells no person and nothing else of the record.
func (s *Service) DueBetween(ctx context.Context, g access.Grant, register, field, first, last string, after Due, n int) ([]Due, error) {
	const op = "register.dueBetween"
	d, err := s.definition(op, register)
	if err != nil {
		return nil, err
	}
	f, ok := d.Field(field)
	if !ok || !f.Due {
		return nil, fault.Internalf(op, "%s.%s isn't declared as due", register, field)
	}
	if err := g.Must(access.List, Resource(d.ID)); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if !slices.Contains(g.Request().Fields, field) {
		return nil, fault.New(fault.Denied, op, "")
	}
	if after.Day < first {
		after = Due{Day: first}
	}
	out, err := store.All(ctx, s.db, func(r store.Scanner) (d Due, err error) {
		err = r.Scan(&d.ID, &d.Day)
		return d, err
	}, dueBetween, d.ID, dueMark+field, after.Day, after.ID, last, n)
	return out, fault.Wrap(op, err)
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

// ByID reads one record by its id as events name it, under a grant for it, with what the
// caller's transaction has written.
func (s *Service) ByID(ctx context.Context, q store.Q, g access.Grant, register, id string) (Record, error) {
	const op = "register.byID"
	d, err := s.definition(op, register)
	if err != nil {
		return Record{}, err
	}
	r, err := store.One(ctx, q, scanRow, recordByID, d.ID, id)
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

// isDue reports whether an entry is of a due field's index, which is kept in the clear.
func isDue(e entry) bool { return strings.HasPrefix(e.field, dueMark) }
