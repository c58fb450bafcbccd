// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"context"
	"fmt"
	"slices"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
)

// The feed tells programs what has changed in a register, so that they can keep a copy
// up to date: each change has a position, the positions have no gaps, and who asks for
// what comes after a position never misses a change and never sees one twice.
//
// A sequence of the database can't do that: it gives numbers when a transaction writes,
// and a reader that has seen 8 never learns of 7, which was committed afterwards. A
// counter that each transaction raises can, but holds all others up until its commit is
// on disk. So a change is written without a position, in its own transaction, and gets
// one when it is visible to others: whoever reads the feed first numbers what waits,
// under the lock of one row, many changes in one statement. Writers never wait for it.
//
// What was committed before another change began has the smaller position, as far as
// the clocks of the nodes agree; for one record always, whatever they say.

// Bounds of the feed.
const (
	feedBatch  = 2000 // changes that are numbered in one transaction
	feedWindow = 5000 // positions that one call looks at: a register's changes may be rare among others
	maxChanges = 1000
)

// ChangeKind says what a change has done.
type ChangeKind string

// The kinds of change.
const (
	Put        ChangeKind = "put"        // a new record, or a new version of it
	Ended      ChangeKind = "ended"      // a version that says that the record holds no longer
	Turned     ChangeKind = "turned"     // a version that was known before is in force now
	Restricted ChangeKind = "restricted" // the record may only be kept now (Art. 18 GDPR): whoever has a copy uses it no more (Art. 19)
	Released   ChangeKind = "released"   // … it may be used again
	Erased     ChangeKind = "erased"     // the record was erased: whoever has a copy erases it, too
	Loaded     ChangeKind = "loaded"     // many new records came in one go: the register's list tells which
)

// Change is an entry of the feed. ID says which record, as rows, events and addresses do:
// it isn't the key where the key tells something about a person.
type Change struct {
	Position int64
	Register string
	ID       string // empty: of Loaded
	Version  int64
	Kind     ChangeKind
	Case     string
	At       time.Time
	// Record is the version, with the fields that the grant names; nil: it names none, or
	// there is nothing to show.
	Record *Record
}

// ErrForgotten is in the error of who asks for changes that are no longer kept: they have
// to read the register anew.
var ErrForgotten = fault.New(fault.Conflict, "register.changes", "register.feed.forgotten")

// Changes gives what has changed in a register after a position (0: from the beginning of
// the feed), at most n changes, and the position to ask from next. It takes a grant to
// list the whole register. With fields in the grant each change comes with its version,
// and whom it is about is on record.
func (s *Service) Changes(ctx context.Context, g access.Grant, register string, since int64, n int) ([]Change, int64, error) {
	const op = "register.changes"
	d, err := s.definition(op, register)
	if err != nil {
		return nil, 0, err
	}
	r, err := reachOf(op, g, d)
	if err != nil {
		return nil, 0, err
	}
	if !d.Public {
		if err := g.Must(access.List, Resource(d.ID)); err != nil {
			return nil, 0, fault.Wrap(op, err)
		}
	}
	if q := g.Request(); !r.all || q.Owner != "" || len(q.Subjects) > 0 {
		return nil, 0, fault.Because(fault.Denied, op, "", fmt.Errorf("the changes of %s are for who may list all of it", d.ID))
	}
	if n <= 0 || n > maxChanges {
		n = maxChanges
	}
	if len(r.fields) > 0 {
		n = min(n, MaxPage)
	}
	last, forgotten, err := s.numbered(ctx, since+feedWindow)
	switch {
	case err != nil:
		return nil, 0, fault.Wrap(op, err)
	case since < 0 || since > last:
		return nil, 0, fault.New(fault.Invalid, op, "register.feed.unknown", "last", last)
	case since > 0 && since < forgotten:
		return nil, 0, fault.Wrap(op, ErrForgotten)
	}
	since = max(since, forgotten)
	next := min(last, since+feedWindow)
	list, err := store.All(ctx, s.db, scanChange, changesAfter, since, next, d.ID, n)
	if err != nil {
		return nil, 0, fault.Wrap(op, err)
	}
	if len(list) == n {
		next = list[n-1].Position
	}
	if len(r.fields) > 0 {
		err = s.withVersions(ctx, g, d, list, r.fields)
	}
	return list, next, fault.Wrap(op, err)
}

func scanChange(s store.Scanner) (c Change, err error) {
	var at int64
	err = s.Scan(&c.Position, &c.Register, &c.ID, &c.Version, &c.Kind, &c.Case, &at)
	c.At = store.Time(at)
	return c, err
}

// withVersions adds to changes what the record was said to be.
func (s *Service) withVersions(ctx context.Context, g access.Grant, d *Definition, list []Change, fields []string) error {
	var rows []row
	var of []int
	reaches := s.reaches(g.Request().Purpose)
	for i, c := range list {
		if c.Kind != Put && c.Kind != Turned && c.Kind != Released {
			continue
		}
		r, err := store.One(ctx, s.db, scanRow, readableByID, d.ID, c.ID, reaches)
		if err == nil && r.Version != c.Version {
			r, err = store.One(ctx, s.db, scanRow, versionOf, d.ID, c.ID, c.Version)
			if fault.Is(err, fault.NotFound) { // it has come into force between the two questions
				r, err = store.One(ctx, s.db, scanRow, readableByID, d.ID, c.ID, reaches)
			}
		}
		switch {
		case fault.Is(err, fault.NotFound): // restricted, or being erased: a later change says so
			continue
		case err != nil:
			return err
		case r.Version != c.Version || r.none():
			continue
		}
		rows, of = append(rows, r), append(of, i)
	}
	records, err := s.shown(ctx, g, d, rows, fields)
	if err != nil {
		return err
	}
	for i := range records {
		list[of[i]].Record = &records[i]
	}
	return nil
}

// numbered gives positions to the changes that wait for one until there are so many, and
// says which is the last and which the last that isn't kept any more.
func (s *Service) numbered(ctx context.Context, until int64) (last, forgotten int64, err error) {
	type state struct{ last, forgotten int64 }
	read := func() error {
		st, err := store.One(ctx, s.db, func(r store.Scanner) (st state, err error) {
			err = r.Scan(&st.last, &st.forgotten)
			return st, err
		}, feedState)
		last, forgotten = st.last, st.forgotten
		return err
	}
	for {
		if err := read(); err != nil || last >= until {
			return last, forgotten, err
		}
		_, err := store.One(ctx, s.db, scanID, changeWaits)
		if fault.Is(err, fault.NotFound) {
			return last, forgotten, read() // who numbered what waited may have done so since
		}
		if err != nil {
			return 0, 0, err
		}
		if err := s.db.Write(ctx, func(tx *store.Tx) error {
			if _, err := tx.Exec(ctx, lockFeed); err != nil {
				return err
			}
			n, err := tx.Exec(ctx, numberChanges, feedBatch)
			if err != nil {
				return err
			}
			_, err = tx.Exec(ctx, raiseFeed, n)
			return err
		}); err != nil {
			return 0, 0, err
		}
	}
}

// note writes a change down for the feed, in the transaction that makes it and after the
// record is written: its row's lock is what keeps the changes of one record in order.
func (s *Service) note(ctx context.Context, tx *store.Tx, c Change) error {
	return tx.Later(ctx, addChange, c.Register, c.ID, store.Micros(c.At), c.Version, string(c.Kind), c.Case)
}

// noteErased says that a record was erased, and takes back what was said about it: under
// the lock of the feed, so that nobody is numbering what goes.
func (s *Service) noteErased(ctx context.Context, tx *store.Tx, c Change) error {
	if _, err := tx.Exec(ctx, lockFeed); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, dropWaiting, c.Register, c.ID); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, blankChanges, c.Register, c.ID); err != nil {
		return err
	}
	return s.note(ctx, tx, c)
}

// noteLoaded says once for each register that records came in one go.
func (s *Service) noteLoaded(ctx context.Context, tx *store.Tx, rows []prepared, at time.Time) error {
	var told []string
	for _, r := range rows {
		if slices.Contains(told, r.Register) {
			continue
		}
		told = append(told, r.Register)
		if err := s.note(ctx, tx, Change{Register: r.Register, Kind: Loaded, At: at}); err != nil {
			return err
		}
	}
	return nil
}

// ForgetChanges takes out of the feed what changed before a moment. It does a bounded
// part of it and reports whether there is more.
func (s *Service) ForgetChanges(ctx context.Context, before time.Time) (more bool, err error) {
	const op = "register.forgetChanges"
	_, forgotten, err := s.numbered(ctx, 0)
	if err != nil {
		return false, fault.Wrap(op, err)
	}
	last, _, err := s.numbered(ctx, forgotten+feedWindow)
	if err != nil {
		return false, fault.Wrap(op, err)
	}
	end := min(last, forgotten+feedWindow)
	kept, err := store.One(ctx, s.db, func(r store.Scanner) (p int64, err error) {
		err = r.Scan(&p)
		return p, err
	}, oldChange, forgotten, end, store.Micros(before))
	if err == nil {
		end = kept - 1
	} else if !fault.Is(err, fault.NotFound) {
		return false, fault.Wrap(op, err)
	}
	if end <= forgotten {
		return false, nil
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, forgetChanges, end); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, setForgotten, end)
		return err
	})
	return kept == 0 && end < last, fault.Wrap(op, err)
}
