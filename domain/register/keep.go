// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"context"
	"fmt"
	"slices"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"
)

// What a retention rule ([keep] of register.toml) says is over is erased once a day. Indexes
// propose the records that can be over, so that no other is touched; each proposed one is held
// against its rule in a transaction of its own, which takes its permission, erases, leaves the
// proof and tells who listens. Killed in the middle, the day is begun again: what is gone is gone,
// and nothing is half.

// RetentionPurpose is for what retention rules let go.
const RetentionPurpose = "retention"

// retentionActor is the part of the platform that erases by retention rules.
const retentionActor = "retention"

const (
	keepPage = 200 // proposed records that are read at once
	// keepSlack makes the span of proposed days a little too long: months differ in length, and
	// each record is held against its rule again.
	keepSlack = 4 * 24 * time.Hour
	// keepFirst is the first year of which a personal date is looked for.
	keepFirst = 1850
	// keepMark is the state of the daily work.
	keepMark = "kept"
)

// Forgetting is what the daily work of forgetting needs from outside.
type Forgetting struct {
	// Permit gives the grant to erase one record, in its transaction; access.Checker.PermitTx.
	Permit func(ctx context.Context, tx *store.Tx, r access.Request) (access.Grant, error)
	// Needed tells whether an open case works with a register's record about a person ("": about
	// nobody) that was changed last in a case ("": in none); nil: none ever does.
	Needed func(ctx context.Context, q store.Q, register, person, caseID string) (bool, error)
	// Feed is how long the feed keeps its changes; 0: for ever.
	Feed time.Duration
}

// Forgotten is what the work of a day came to.
type Forgotten struct {
	Erased  int   // records
	Failed  int   // that couldn't be looked at, and have their own tomorrow
	Left    int   // whose time has come, but that are restricted or of an open case
	Changes int64 // positions of the feed
}

// today is the number of the city's day.
func (s *Service) today() int {
	y, m, d := s.now().In(s.zone).Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
}

// ForgotToday reports whether the work of today is done.
func (s *Service) ForgotToday(ctx context.Context) (bool, error) {
	day, err := s.Loaded(ctx, keepMark)
	return day >= s.today(), err
}

// Forget does what is left of the work of today: it erases what retention rules say is over, and
// takes old changes out of the feed. One record that fails keeps no other from its turn; the error of the
// first is given.
func (s *Service) Forget(ctx context.Context, f Forgetting) (out Forgotten, err error) {
	const op = "register.forget"
	today := s.today()
	if done, err := s.ForgotToday(ctx); err != nil || done {
		return out, fault.Wrap(op, err)
	}
	var first error
	for _, d := range s.regs.All() {
		if d.Keep == nil {
			continue
		}
		if err := s.proposed(ctx, d, func(id string) error {
			gone, left, err := s.eraseOver(ctx, d, id, f)
			out.Erased += gone
			out.Left += left
			if err == nil || ctx.Err() != nil || fault.Is(err, fault.Denied) { // of the policies: they say the same of the next one
				return err
			}
			if out.Failed++; first == nil {
				first = err
			}
			return nil
		}); err != nil {
			return out, fault.Wrap(op, err)
		}
	}
	if f.Feed > 0 {
		if out.Changes, err = s.forgetBefore(ctx, s.now().Add(-f.Feed)); err != nil {
			return out, fault.Wrap(op, err)
		}
	}
	if err := s.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, setLoadState, keepMark, today, store.Micros(s.now()))
		return err
	}); err != nil {
		return out, fault.Wrap(op, err)
	}
	return out, fault.Wrap(op, first)
}

// forgetBefore takes all changes before a moment out of the feed, and tells how many positions those were.
func (s *Service) forgetBefore(ctx context.Context, before time.Time) (int64, error) {
	_, was, err := s.numbered(ctx, 0)
	for more := true; more && err == nil; {
		more, err = s.ForgetChanges(ctx, before)
	}
	if err != nil {
		return 0, err
	}
	_, is, err := s.numbered(ctx, 0)
	return is - was, err
}

// idSource is a list of ids in an order, by pages.
type idSource func(after proposal) ([]proposal, error)

// proposal is an id, and where it stands in an order.
type proposal struct {
	at, id string
	micros int64
}

// proposed calls a function for every record of a register that can be over, and for few others.
func (s *Service) proposed(ctx context.Context, d *Definition, each func(id string) error) error {
	now := s.now()
	cutoff := now.AddDate(-d.Keep.years, -d.Keep.months, -d.Keep.days).Add(keepSlack)
	if d.Keep.After == AfterEnd {
		if err := s.pages(s.byMoment(ctx, endedBefore, d, cutoff), each); err != nil {
			return err
		}
		return s.pages(s.byMoment(ctx, ranOutBefore, d, cutoff), each)
	}
	// A record that has ended stands in no index of its fields.
	if err := s.pages(s.byMoment(ctx, endedBefore, d, now), each); err != nil {
		return err
	}
	f, _ := d.Field(d.Keep.After)
	if !s.built(d, f.Name) {
		return errBuilding("register.proposed") // the work of the day is begun again
	}
	day := cutoff.Format(time.DateOnly)
	switch {
	case !f.By(Dates) && !d.Ordered(f):
		return s.pages(func(after proposal) ([]proposal, error) {
			rows, err := store.All(ctx, s.db, scanRow, recordsFrom, d.ID, after.id, keepPage)
			out := make([]proposal, len(rows))
			for i, r := range rows {
				out[i] = proposal{id: r.ID}
			}
			return out, err
		}, each)
	case d.Ordered(f):
		return s.pages(func(after proposal) ([]proposal, error) {
			return store.All(ctx, s.db, func(r store.Scanner) (p proposal, err error) {
				err = r.Scan(&p.at, &p.id)
				return p, err
			}, keysUp, d.ID, f.Name, "0", day+top, after.at, after.id, keepPage) // "": it has no day
		}, each)
	}
	for _, e := range daysUntil(f.Name, day) {
		t, err := s.token(d, e)
		if err != nil {
			return err
		}
		if err := s.pages(func(after proposal) ([]proposal, error) {
			return store.All(ctx, s.db, func(r store.Scanner) (p proposal, err error) {
				err = r.Scan(&p.id)
				return p, err
			}, idsByToken, t, after.id, keepPage)
		}, each); err != nil {
			return err
		}
	}
	return nil
}

// byMoment are the records of a register whose moment, by a statement, lies before another.
func (s *Service) byMoment(ctx context.Context, statement string, d *Definition, before time.Time) idSource {
	return func(after proposal) ([]proposal, error) {
		return store.All(ctx, s.db, func(r store.Scanner) (p proposal, err error) {
			err = r.Scan(&p.micros, &p.id)
			return p, err
		}, statement, d.ID, store.Micros(before), after.micros, after.id, keepPage)
	}
}

// pages goes through a source to its end. What is erased on the way makes no difference: each page
// begins after a place, not after a number of records.
func (s *Service) pages(from idSource, each func(id string) error) error {
	for at := (proposal{}); ; {
		list, err := from(at)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, p := range list {
			if err := each(p.id); err != nil {
				return err
			}
		}
		at = list[len(list)-1]
	}
}

// daysUntil are the entries of the index under which all days of a personal date until one stand:
// years, then months, then days.
func daysUntil(field, day string) (out []entry) {
	last, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return nil
	}
	for y := keepFirst; y < last.Year(); y++ {
		out = append(out, entry{field, byYear, fmt.Sprintf("%04d", y)})
	}
	for m := time.January; m < last.Month(); m++ {
		out = append(out, entry{field, byMonth, fmt.Sprintf("%04d-%02d", last.Year(), m)})
	}
	for d := 1; d <= last.Day(); d++ {
		out = append(out, entry{field, byDay, fmt.Sprintf("%s-%02d", day[:len("2006-01")], d)})
	}
	return out
}

// eraseOver erases a record whose retention has ended, unless it is restricted (Art. 18 GDPR) or an
// open case works with it: then it is left for another day.
func (s *Service) eraseOver(ctx context.Context, d *Definition, id string, f Forgetting) (gone, left int, err error) {
	if r, k, err := s.keptByID(ctx, s.db, d, id); err != nil || r.ID == "" || !k.Past {
		return 0, 0, err
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		gone, left = 0, 0
		r, k, err := s.keptByID(ctx, tx, d, id)
		if err != nil || r.ID == "" || !k.Past {
			return err
		}
		// From here on nobody changes or restricts it; who has just done so is waited for.
		if n, err := tx.Exec(ctx, lockRecord, d.ID, r.ID, r.last, r.turn); err != nil || n == 0 {
			return err
		}
		needed, err := s.stillNeeded(ctx, tx, d, r, f)
		if err != nil {
			return err
		}
		if needed {
			left = 1
			return nil
		}
		if err := s.eraseByRule(ctx, tx, d, r, f); err != nil {
			return err
		}
		gone = 1
		return nil
	})
	return gone, left, err
}

// keptByID is a record with what its rule says of it; a row without an id: it isn't there any more.
func (s *Service) keptByID(ctx context.Context, q store.Q, d *Definition, id string) (row, Kept, error) {
	r, err := store.One(ctx, q, scanRow, recordByID, d.ID, id)
	if fault.Is(err, fault.NotFound) {
		return row{}, Kept{}, nil
	}
	if err != nil {
		return row{}, Kept{}, err
	}
	k, err := s.kept(ctx, q, d, r)
	return r, k, err
}

// stillNeeded reports whether a record that is over mustn't go yet.
func (s *Service) stillNeeded(ctx context.Context, tx *store.Tx, d *Definition, r row, f Forgetting) (yes bool, err error) {
	if err := tx.QueryRow(ctx, recordRestricted, d.ID, r.ID).Scan(&yes); err != nil || yes {
		return yes, err
	}
	if f.Needed == nil {
		return false, nil
	}
	return f.Needed(ctx, tx, d.ID, d.personOf(r), r.Case)
}

// eraseByRule erases under a grant of its own. On record are all whom an assertion of the record was
// about: a car that was sold tells of its holders before, too.
func (s *Service) eraseByRule(ctx context.Context, tx *store.Tx, d *Definition, r row, f Forgetting) error {
	const op = "register.eraseByRule"
	old, err := store.All(ctx, tx, scanRow, versionsByID, d.ID, r.ID, maxVersions)
	if err != nil {
		return err
	}
	var persons []string
	for _, v := range append(old, r) {
		if p := d.personOf(v); d.Person != "" && p != "" && !slices.Contains(persons, p) {
			persons = append(persons, p)
		}
	}
	request := access.Request{Actor: access.SystemActor(retentionActor), Action: access.Erase, Resource: Resource(d.ID), Purpose: RetentionPurpose,
		Basis: d.Keep.Basis, Office: d.Office, Subjects: persons}
	if d.Person != "" {
		request.Owner = d.personOf(r)
	}
	g, err := f.Permit(ctx, tx, request)
	if err != nil {
		return err
	}
	if err := g.Must(access.Erase, Resource(d.ID)); err != nil {
		return fault.Wrap(op, err)
	}
	why, err := Erasure{Rule: d.Keep.Basis}.by(op, g)
	if err != nil {
		return err
	}
	return s.eraseOne(ctx, tx, d, r, why)
}

// eraseOne erases a record and leaves the proof of it.
func (s *Service) eraseOne(ctx context.Context, tx *store.Tx, d *Definition, r row, why Erasure) error {
	n, err := s.eraseRow(ctx, tx, d, r, why)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, addErasure, ident.New(), d.ID, store.Micros(s.now()), why.Rule, why.Who, why.Case, 1, n)
	return err
}
