// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
)

// Concerning reports whether a field says who else than the person is in a record: the
// person concerned isn't given it (Art. 15 (4) GDPR). So does a view of somebody else's
// record, or of a link to one.
func (rs *Registers) Concerning(d *Definition, f Field) bool {
	if f.View() {
		link, _ := d.Field(f.Through)
		to, ok := rs.Get(link.Link)
		if !ok {
			return false
		}
		shown, _ := to.Field(f.Shows)
		return rs.Concerning(d, link) || rs.Concerning(to, shown)
	}
	if f.Link == "" || f.Name == d.Person {
		return false
	}
	to, ok := rs.Get(f.Link)
	return ok && to.Person != ""
}

// Given are the fields that a person is given of a record about them: all, but for who
// else is in it and for the id that stands for themselves.
func (rs *Registers) Given(d *Definition) []Field {
	var out []Field
	for _, f := range d.Fields {
		if f.Name != d.Person && !rs.Concerning(d, f) {
			out = append(out, f)
		}
	}
	return out
}

func names(fields []Field) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.Name
	}
	return out
}

// ownGrant asks for a grant for a person's own records of a register.
func ownGrant(ctx context.Context, permit Permit, actor access.Actor, d *Definition, fields []string) (access.Grant, error) {
	const op = "register.own"
	g, err := permit(ctx, access.Request{
		Actor: actor, Action: access.Read, Resource: Resource(d.ID), Purpose: OwnDataPurpose, Basis: "Art. 15 DSGVO",
		Owner: actor.Person(), Office: d.Office, Fields: fields,
	})
	if fault.Is(err, fault.Denied) && actor.Level < access.Substantial {
		return g, fault.Because(fault.StepUp, op, "", err, "level", access.Substantial.String())
	}
	return g, fault.Wrap(op, err)
}

// Own are the records of one register about the person who asks, or whom they act for, that hold now, with what
// they are given of them. What they show of another register is read there, under a grant
// for that one. A register about nobody holds none.
func (s *Service) Own(ctx context.Context, permit Permit, actor access.Actor, register string) ([]Record, error) {
	const op = "register.own"
	d, err := s.definition(op, register)
	if err != nil || d.Person == "" {
		return nil, err
	}
	fields := names(s.regs.Given(d))
	g, err := ownGrant(ctx, permit, actor, d, fields)
	if err != nil {
		return nil, err
	}
	if err := granted(op, g, access.Read, d, fields, actor.Person()); err != nil {
		return nil, err
	}
	rows, err := s.ofPerson(ctx, d, actor.Person(), fields, OwnDataPurpose)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	if err := s.showLinks(ctx, g, d, rows, fields, s.thisMoment()); err != nil {
		return nil, fault.Wrap(op, err)
	}
	out := make([]Record, 0, len(rows))
	marks, err := s.restrictions(ctx, d, actor.Person())
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	for _, r := range rows {
		r.Restricted = marks[r.ID]
		if r.Record.Data, err = limited(r.Record, fields); err != nil {
			return nil, fault.Wrap(op, err)
		}
		out = append(out, r.Record)
	}
	return out, nil
}

// OwnHistory are the versions of the record with that id, the newest first, of which the
// person who asks was the one concerned. A record that was never theirs isn't there.
func (s *Service) OwnHistory(ctx context.Context, permit Permit, actor access.Actor, register, id string) ([]Record, error) {
	const op = "register.ownHistory"
	d, err := s.definition(op, register)
	if err != nil {
		return nil, err
	}
	if d.Person == "" || len(id) > maxIndexed {
		return nil, fault.New(fault.NotFound, op, "")
	}
	g, err := ownGrant(ctx, permit, actor, d, names(s.regs.Given(d)))
	if err != nil {
		return nil, err
	}
	now, err := store.One(ctx, s.db, scanRow, recordByID, d.ID, id)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	list, err := s.versions(ctx, op, g, d, now)
	if fault.Is(err, fault.Denied) { // that there is such a record is nobody else's business
		return nil, fault.Because(fault.NotFound, op, "", errors.New("the record was never about who asks"))
	}
	return list, err
}

// Shown is the register that a view shows a field of, or nil.
func (rs *Registers) Shown(d *Definition, f Field) *Definition {
	if !f.View() {
		return nil
	}
	link, _ := d.Field(f.Through)
	to, _ := rs.Get(link.Link)
	return to
}

// Where is where a field comes from, for who wants it put right: its own source (the
// office that keeps the register decides), another register, or another authority.
type Where struct {
	Own      bool
	Register *Definition // the register that it is taken from, or nil
	Name     string      // the source's name in the package
	Title    Text        // how another authority is called
}

// Source says where a field of a register comes from.
func (rs *Registers) Source(d *Definition, f Field) Where {
	switch f.Source {
	case "", "own":
		return Where{Own: true}
	}
	if to, ok := rs.Get(f.Source); ok {
		return Where{Register: to, Name: f.Source}
	}
	return Where{Name: f.Source, Title: d.Sources[f.Source].Title}
}

// Fix puts one field of a person's record right: a new version with the case as its
// reason. It takes only a field whose source is the register itself, of a record about
// the owner of the grant.
func (s *Service) Fix(ctx context.Context, tx *store.Tx, g access.Grant, register, id, field, value string, why Why) error {
	const op = "register.fix"
	d, r, err := s.ownRecord(ctx, op, tx, g, access.Change, register, id)
	if err != nil {
		return err
	}
	owner := g.Request().Owner
	f, ok := d.Field(field)
	switch {
	case !ok || f.Name == d.Key || f.Name == d.Person || s.regs.Concerning(d, f):
		return fault.Because(fault.Invalid, op, "", fmt.Errorf("%s.%s can't be put right one by one", d.ID, field))
	case !s.regs.Source(d, f).Own:
		return fault.Because(fault.Invalid, op, "", fmt.Errorf("%s.%s comes from %s", d.ID, field, f.Source))
	}
	r, ok, err = s.inForce(ctx, tx, r)
	if err != nil {
		return fault.Wrap(op, err)
	}
	if !ok || d.personOf(r) != owner {
		return fault.Because(fault.NotFound, op, "", errors.New("there is no such record about the owner of the grant"))
	}
	if r, err = s.open(ctx, tx, d, r, nil); err != nil {
		return fault.Wrap(op, err)
	}
	all, err := r.All()
	if err != nil {
		return fault.Wrap(op, err)
	}
	for _, v := range readings(value) {
		all[field] = v
		if _, err = d.prepare("", all); err == nil {
			return s.lay(ctx, tx, op, d, r.ID, map[string]any{field: v}, why, func(n prepared, why Why) error {
				return s.change(ctx, tx, op, g, d, n, why)
			})
		}
	}
	return fault.Wrap(op, err)
}

// readings are what a typed value can mean, for the schema to choose: the text, a number,
// yes or no, nothing.
func readings(value string) []any {
	out := []any{value}
	var v any
	if jsonScalar(value, &v) {
		out = append(out, v)
	}
	return out
}

// jsonScalar reads a number, true, false or null.
func jsonScalar(s string, v *any) bool {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	if d.Decode(v) != nil || d.More() {
		return false
	}
	switch (*v).(type) {
	case json.Number, bool, nil:
		return true
	}
	return false
}
