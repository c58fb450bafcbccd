// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
)

// A record that is restricted (Art. 18 GDPR) is kept and, but for a few purposes, not read:
// the queries that read for a purpose don't find it. Which purposes reach it, the city says
// (content/policies/restriction.toml); the person concerned always does.

// reaches reports whether a purpose reaches restricted records.
func (s *Service) reaches(purpose string) bool {
	return purpose == OwnDataPurpose || s.restricted != nil && s.restricted(purpose)
}

// ownRecord is a record that is about the owner of a grant for an action on its register.
func (s *Service) ownRecord(ctx context.Context, op string, tx *store.Tx, g access.Grant, action, register, id string) (*Definition, row, error) {
	d, err := s.definition(op, register)
	if err != nil {
		return nil, row{}, err
	}
	if err := g.Must(action, Resource(d.ID)); err != nil {
		return nil, row{}, fault.Wrap(op, err)
	}
	owner := g.Request().Owner
	if owner == "" {
		return nil, row{}, fault.Internalf(op, "the grant names no owner")
	}
	r, err := store.One(ctx, tx, scanRow, recordByID, d.ID, id)
	if err != nil {
		return nil, row{}, fault.Wrap(op, err)
	}
	if d.personOf(r) != owner {
		return nil, row{}, fault.Because(fault.NotFound, op, "", errors.New("there is no such record about the owner of the grant"))
	}
	return d, r, nil
}

// Restrict marks a record of the grant's owner; doing it twice does nothing more.
func (s *Service) Restrict(ctx context.Context, tx *store.Tx, g access.Grant, register, id string) error {
	const op = "register.restrict"
	d, r, err := s.ownRecord(ctx, op, tx, g, access.Change, register, id)
	if err != nil {
		return err
	}
	// It mustn't be erased by its retention rule in this moment.
	n, err := tx.Exec(ctx, lockRecord, d.ID, r.ID, r.last, r.turn)
	if err != nil || n != 1 {
		return conflict(op, err)
	}
	n, err = tx.Exec(ctx, addRestriction, d.ID, r.ID, d.personOf(r), store.Micros(s.now()), g.Request().Case)
	if err != nil || n == 0 {
		return fault.Wrap(op, err)
	}
	return fault.Wrap(op, s.tell(ctx, tx, r, Restricted))
}

// Unrestrict takes the mark off again.
func (s *Service) Unrestrict(ctx context.Context, tx *store.Tx, g access.Grant, register, id string) error {
	const op = "register.unrestrict"
	d, r, err := s.ownRecord(ctx, op, tx, g, access.Change, register, id)
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, liftRestriction, d.ID, r.ID, store.Micros(s.now()), g.Request().Case)
	if err != nil || n == 0 {
		return fault.Wrap(op, err)
	}
	return fault.Wrap(op, s.tell(ctx, tx, r, Released))
}

// Restricted reports whether the register holds a restricted record of a person that a
// purpose doesn't reach: for the policies, which refuse before anything is read.
func (s *Service) Restricted(ctx context.Context, q store.Q, register, person, purpose string) (yes bool, err error) {
	if person == "" || s.reaches(purpose) {
		return false, nil
	}
	err = q.QueryRow(ctx, isRestricted, person, register).Scan(&yes)
	return yes, fault.Wrap("register.restricted", err)
}

// restrictions are since when which records of a person are restricted, by their ids.
func (s *Service) restrictions(ctx context.Context, d *Definition, person string) (map[string]time.Time, error) {
	type mark struct {
		id string
		at int64
	}
	list, err := store.All(ctx, s.db, func(r store.Scanner) (m mark, err error) { return m, r.Scan(&m.id, &m.at) }, restrictionsOf, person, d.ID)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	out := map[string]time.Time{}
	for _, m := range list {
		out[m.id] = store.Time(m.at)
	}
	return out, nil
}

// Kept is a record about a person, and how long it is kept.
type Kept struct {
	Register *Definition
	ID       string
	Holds    bool      // it holds now, or will
	Due      time.Time // from when it needn't be kept; zero: the rule doesn't say yet
	Past     bool      // that time has come
}

// Kept lists the records about a person with what their retention rules say (Art. 17 (3) b
// GDPR: what the law demands to be kept isn't erased). It shows nothing of what they say.
func (s *Service) Kept(ctx context.Context, q store.Q, person string) ([]Kept, error) {
	const op = "register.kept"
	var out []Kept
	for _, d := range s.regs.All() {
		if d.Person == "" {
			continue
		}
		rows, err := s.rowsOf(ctx, q, d, person)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		for _, r := range rows {
			k, err := s.kept(ctx, q, d, r)
			if err != nil {
				return nil, fault.Wrap(op, err)
			}
			out = append(out, k)
		}
	}
	return out, nil
}

func (s *Service) kept(ctx context.Context, q store.Q, d *Definition, r row) (Kept, error) {
	k := Kept{Register: d, ID: r.ID}
	held, holds, err := s.inForce(ctx, q, r)
	if err != nil {
		return k, err
	}
	turn := r.turn
	if now := store.Micros(s.now()); turn <= now {
		if turn, err = s.nextTurn(ctx, q, r, now); err != nil {
			return k, err
		}
	}
	coming := turn != ever // another assertion, or the end of this one
	k.Holds = holds || coming
	if d.Keep == nil {
		return k, nil
	}
	var from time.Time
	switch {
	case d.Keep.After != AfterEnd:
		if !holds {
			held = r
		}
		if from, err = s.dayOf(ctx, q, d, held); err != nil || from.IsZero() {
			return k, err
		}
	case k.Holds:
		return k, nil
	default:
		now, err := s.asOf(ctx, q, d.ID, r.ID, store.Micros(s.now()), ever)
		switch {
		case err == nil && now.none():
			from = now.ValidFrom
		case !r.ValidTo.IsZero():
			from = r.ValidTo
		default:
			return k, nil
		}
	}
	k.Due = d.Keep.Due(from.In(s.zone))
	k.Past = !coming && !s.now().Before(k.Due)
	return k, nil
}

// dayOf is the day in a record from which its retention rule counts; none: zero. Of one that has ended it
// is the last day that was ever said, so that it isn't counted from a day that was put right.
func (s *Service) dayOf(ctx context.Context, q store.Q, d *Definition, r row) (day time.Time, err error) {
	rows := []row{r}
	if r.none() {
		if rows, err = store.All(ctx, q, scanRow, versionsByID, d.ID, r.ID, maxVersions); err != nil {
			return day, err
		}
	}
	for _, r := range rows {
		if r.none() {
			continue
		}
		if r, err = s.open(ctx, q, d, r, []string{d.Keep.After}); err != nil {
			return day, err
		}
		all, err := r.All()
		if err != nil {
			return day, err
		}
		t, err := time.ParseInLocation(time.DateOnly, textOf(all[d.Keep.After]), s.zone)
		if err == nil && t.After(day) {
			day = t
		}
	}
	return day, nil
}

// EraseKept erases one record of the grant's owner whose retention has ended, all versions
// of it. What remains is that it happened. A record that must be kept is refused.
func (s *Service) EraseKept(ctx context.Context, tx *store.Tx, g access.Grant, register, id string, why Erasure) error {
	const op = "register.eraseKept"
	d, r, err := s.ownRecord(ctx, op, tx, g, access.Erase, register, id)
	if err != nil {
		return err
	}
	k, err := s.kept(ctx, tx, d, r)
	if err != nil {
		return fault.Wrap(op, err)
	}
	if !k.Past {
		return fault.Because(fault.Denied, op, "", fmt.Errorf("the record of %s has to be kept", d.ID))
	}
	if why, err = why.by(op, g); err != nil {
		return err
	}
	return fault.Wrap(op, s.eraseOne(ctx, tx, d, r, why))
}

// eraseRow takes a record away with all its versions, and tells how many those were.
func (s *Service) eraseRow(ctx context.Context, tx *store.Tx, d *Definition, r row, why Erasure) (int64, error) {
	if err := s.reindex(ctx, tx, d, r, row{}); err != nil {
		return 0, err
	}
	n, err := tx.Exec(ctx, deleteVersions, d.ID, r.ID)
	if err != nil {
		return 0, err
	}
	for _, statement := range [...]string{deleteRecord, dropRestrictions} {
		if _, err := tx.Exec(ctx, statement, d.ID, r.ID); err != nil {
			return 0, err
		}
	}
	if err := s.noteErased(ctx, tx, Change{Register: d.ID, ID: r.ID, Version: r.last + 1, Kind: Erased, Case: why.Case, At: s.now()}); err != nil {
		return 0, err
	}
	if s.publish != nil {
		if err := s.publish(ctx, tx, Changed{Register: d.ID, ID: r.ID, Version: r.last + 1, Case: why.Case, Erased: true}); err != nil {
			return 0, err
		}
	}
	return n + 1, nil
}
