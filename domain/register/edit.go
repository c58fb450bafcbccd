// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// ByID stands before the id of a record where its key is expected. Where a key tells
// something about a person (a number plate), the id is what addresses and links hold.
const ByID = "~"

// Address is how a record is named in a link: by its key, or by its id if that isn't it.
func (d *Definition) Address(id string) string {
	if f, _ := d.Field(d.Key); d.sealed(f) || strings.HasPrefix(id, ByID) {
		return ByID + id
	}
	return id
}

func (s *Service) idAt(d *Definition, key string) (string, error) {
	if id, ok := strings.CutPrefix(key, ByID); ok {
		return id, nil
	}
	return s.idOf(d, key)
}

// Whom tells whom a record is about, and whether there is one, for the request for a
// grant: nothing of the record is shown. One that has ended is there.
func (s *Service) Whom(ctx context.Context, register, key string) (person string, ok bool, err error) {
	const op = "register.whom"
	d, err := s.definition(op, register)
	if err != nil {
		return "", false, err
	}
	id, err := s.idAt(d, key)
	if err != nil {
		return "", false, fault.Wrap(op, err)
	}
	r, err := store.One(ctx, s.db, scanRow, recordByID, d.ID, id)
	if fault.Is(err, fault.NotFound) {
		return "", false, nil
	}
	return d.personOf(r), err == nil, fault.Wrap(op, err)
}

// Mark is the state in which somebody has seen a record. Both numbers, because either may
// change without the other: another version comes into force as time passes, or something
// becomes known about another time.
type Mark struct{ Version, Last int64 }

// Mark is the state that the record is in.
func (r Record) Mark() Mark { return Mark{r.Version, r.Last} }

// Edit is a change of one record by somebody who has seen it, or who believes that there
// is none.
type Edit struct {
	Key   string
	Data  map[string]any // the record as a whole …
	Patch map[string]any // … or what changes of it (RFC 7396) …
	End   bool           // … or that it holds no longer
	Only  *Mark          // as it was seen; nil: it must be new
	Why   Why
}

// What becomes of an edit.
var (
	// ErrStale is in the error of who has seen another state of the record.
	ErrStale = fault.New(fault.Conflict, "register.edit", "register.edit.stale")
	// ErrThere is in the error of who wants a new record where there is one.
	ErrThere = fault.New(fault.Conflict, "register.edit", "register.edit.there")
)

// Edit changes a record if it still is as it was seen. Only declared fields that the grant
// names can change, its key and whom it is about never do. What changes is held against the
// record as it is at Why.From, and holds as lay says; a patch without a field says that the
// record was, or will be, from then on as it is now. It gives the new state.
func (s *Service) Edit(ctx context.Context, tx *store.Tx, g access.Grant, register string, e Edit) (Record, error) {
	const op = "register.edit"
	d, err := s.definition(op, register)
	if err != nil {
		return Record{}, err
	}
	if err := g.Must(access.Change, Resource(d.ID)); err != nil {
		return Record{}, fault.Wrap(op, err)
	}
	id, err := s.idAt(d, e.Key)
	if err != nil {
		return Record{}, fault.Wrap(op, err)
	}
	stored, err := store.One(ctx, tx, scanRow, recordByID, d.ID, id)
	there := err == nil
	if err != nil && !fault.Is(err, fault.NotFound) {
		return Record{}, fault.Wrap(op, err)
	}
	old, holds := row{}, false
	if there {
		if old, holds, err = s.inForce(ctx, tx, stored); err != nil {
			return Record{}, fault.Wrap(op, err)
		}
		if holds {
			old.last = stored.last
		}
	}
	switch {
	case e.Only == nil && (e.Patch != nil || e.End):
		return Record{}, fault.Internalf(op, "only a whole record can be new")
	case e.Only == nil && holds:
		return Record{}, fault.Wrap(op, ErrThere)
	case e.Only != nil && (!holds || *e.Only != Mark{old.Version, old.last}):
		return Record{}, fault.Wrap(op, ErrStale)
	}
	before, now := map[string]any{}, map[string]any{}
	base := holds // is there a record at that time for the change to be laid over?
	if holds {
		of := func(r row) (map[string]any, error) {
			plain, err := s.open(ctx, tx, d, r, nil)
			if err != nil {
				return nil, err
			}
			return object(plain.Data)
		}
		if now, err = of(old); err != nil {
			return Record{}, fault.Wrap(op, err)
		}
		before = now
		if !e.Why.From.IsZero() {
			then, err := s.asOf(ctx, tx, d.ID, id, store.Micros(e.Why.From), ever)
			if base = err == nil && !then.none() && d.personOf(then) == d.personOf(old); base {
				before, err = of(then)
			} else if fault.Is(err, fault.NotFound) {
				err = nil
			}
			if err != nil {
				return Record{}, fault.Wrap(op, err)
			}
		}
	}
	n := prepared{row: row{Record: Record{Register: d.ID, ID: id, Data: []byte(nothing)}, person: old.person}}
	after := e.Data
	switch {
	case e.End:
		after = map[string]any{}
	case e.Patch != nil && len(e.Patch) == 0:
		after = now
	case e.Patch != nil:
		after, _ = MergePatch(before, e.Patch).(map[string]any)
	}
	if err := d.mayChange(op, g, before, after, holds && !e.End); err != nil {
		return Record{}, err
	}
	if !e.End {
		if n, err = d.prepare("", after); err != nil {
			return Record{}, fault.Wrap(op, err)
		}
		is, err := s.idOf(d, n.ID)
		if err != nil {
			return Record{}, fault.Wrap(op, err)
		}
		if is != id {
			return Record{}, fault.New(fault.Invalid, op, "register.edit.key", "field", d.Key)
		}
		n.ID = id
		if holds && d.personOf(n.row) != d.personOf(old) {
			return Record{}, fault.New(fault.Invalid, op, "register.edit.person", "field", d.Person)
		}
	}
	// A grant for some persons is none for others; change holds that of an owner.
	if r := g.Request(); d.Person != "" && r.Owner == "" && len(r.Subjects) > 0 && !slices.Contains(r.Subjects, d.personOf(n.row)) {
		return Record{}, fault.Because(fault.Denied, op, "", fmt.Errorf("the record of %s is about somebody else than the grant", d.ID))
	}
	last := stored.last
	seen := &last
	keep := func(n prepared, why Why) error {
		n.placed, n.seen, seen = true, seen, nil // of several assertions the first one tells
		return s.change(ctx, tx, op, g, d, n, why)
	}
	if base && !e.End {
		err = s.lay(ctx, tx, op, d, id, changes(before, after), e.Why, keep)
	} else {
		err = keep(n, e.Why)
	}
	switch {
	case fault.Is(err, fault.Conflict) && e.Only == nil: // somebody else was first, in this moment
		return Record{}, fault.Wrap(op, ErrThere)
	case fault.Is(err, fault.Conflict):
		return Record{}, fault.Wrap(op, ErrStale)
	case err != nil:
		return Record{}, err
	}
	is, err := store.One(ctx, tx, scanRow, recordByID, d.ID, id)
	is.Record.Last = is.last
	is.Record.Data = nil
	return is.Record, fault.Wrap(op, err)
}

// mayChange holds that only declared fields change, and of those only what the grant names.
func (d *Definition) mayChange(op string, g access.Grant, before, after map[string]any, keep bool) error {
	for name := range after {
		switch f, ok := d.Field(name); {
		case !ok:
			return fault.New(fault.Invalid, op, "register.edit.unknown", "field", short(name))
		case f.View():
			return fault.New(fault.Invalid, op, "register.edit.view", "field", name, "register", f.Source)
		}
	}
	granted := g.Request().Fields
	for _, f := range d.Fields {
		a, had := before[f.Name]
		b, has := after[f.Name]
		if had == has && equal(a, b) {
			continue
		}
		switch {
		case keep && f.Name == d.Key:
			return fault.New(fault.Invalid, op, "register.edit.key", "field", d.Key)
		case keep && f.Name == d.Person:
			return fault.New(fault.Invalid, op, "register.edit.person", "field", d.Person)
		case !slices.Contains(granted, f.Name):
			return fault.Because(fault.Denied, op, "", fmt.Errorf("field %s.%s is not in the grant", d.ID, f.Name))
		}
	}
	return nil
}

func object(text json.RawMessage) (map[string]any, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text)) // numbers stay as they are written
	m, _ := doc.(map[string]any)
	return m, err
}

func equal(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

// MergePatch is what a value is with a patch (RFC 7396): null takes a member away, an
// object is merged, anything else replaces. Neither is changed.
func MergePatch(target, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	t, _ := target.(map[string]any)
	out := make(map[string]any, len(t)+len(p))
	for name, v := range t {
		out[name] = v
	}
	for name, v := range p {
		if v == nil {
			delete(out, name)
			continue
		}
		out[name] = MergePatch(out[name], v)
	}
	return out
}
