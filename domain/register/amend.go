// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"context"
	"fmt"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
)

// Amend lays fields over the record with this key as it is from why.From on, and stores
// that as a new version; the others stay as they are. A field that is nil is taken out. A
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
	if old, err = s.open(ctx, tx, d, old, nil); err != nil {
		return fault.Wrap(op, err)
	}
	all, err := old.All()
	if err != nil {
		return fault.Wrap(op, err)
	}
	for name, v := range fields {
		if v == nil {
			delete(all, name)
		} else {
			all[name] = v
		}
	}
	n, err := d.prepare(key, all)
	if err != nil {
		return fault.Wrap(op, err)
	}
	return s.change(ctx, tx, op, g, d, n, why)
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
