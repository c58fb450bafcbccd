// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"cmp"
	"context"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"
)

// A record has two times: when something is so in the world (valid), and when the city
// knew it (recorded). Each change is an assertion that is added; for a moment of the world
// and a moment of knowledge the newest assertion that covers both holds. So the past is
// corrected without being overwritten, and a change can be known before it comes.

// AsOf is a record as it was at a moment by what the city knew at another: what did it
// know on 3 May about 3 May, and what does it know now? A grant like Get's.
func (s *Service) AsOf(ctx context.Context, g access.Grant, register, key string, valid, known time.Time) (Record, error) {
	const op = "register.asOf"
	d, err := s.definition(op, register)
	if err != nil {
		return Record{}, err
	}
	id, err := s.idAt(d, key)
	if err != nil {
		return Record{}, fault.Wrap(op, err)
	}
	if _, err := store.One(ctx, s.db, scanRow, readableByID, d.ID, id, s.reaches(g.Request().Purpose)); err != nil {
		return Record{}, fault.Wrap(op, err)
	}
	r, err := s.asOf(ctx, s.db, d.ID, id, store.Micros(valid), store.Micros(known))
	if err != nil {
		return Record{}, fault.Wrap(op, err)
	}
	if r.none() {
		return Record{}, fault.New(fault.NotFound, op, "")
	}
	return s.show(ctx, op, g, d, r, when{store.Micros(valid), store.Micros(known)})
}

// none reports whether the assertion is that there is nothing any more.
func (r row) none() bool { return string(r.Data) == nothing }

// nothing is the data of a record that has ended.
const nothing = "null"

// End says that a record holds no longer: from why.From on, for good or until why.To. What
// it was is still known.
func (s *Service) End(ctx context.Context, tx *store.Tx, g access.Grant, register, key string, why Why) error {
	const op = "register.end"
	d, err := s.definition(op, register)
	if err != nil {
		return err
	}
	id, err := s.idAt(d, key)
	if err != nil {
		return fault.Wrap(op, err)
	}
	old, err := store.One(ctx, tx, scanRow, recordByID, d.ID, id)
	if err != nil {
		return fault.Wrap(op, err)
	}
	n := prepared{row: row{Record: Record{Register: d.ID, ID: id, Data: []byte(nothing)}, person: old.person}, placed: true}
	return s.change(ctx, tx, op, g, d, n, why)
}

// asOf looks at the assertion in force first, which is mostly the one.
func (s *Service) asOf(ctx context.Context, q store.Q, register, id string, valid, known int64) (row, error) {
	now, err := store.One(ctx, q, scanRow, recordByID, register, id)
	if err != nil {
		return row{}, err
	}
	fits := now.covers(valid) && store.Micros(now.ChangedAt) <= known
	if fits && now.Version == now.last {
		return now, nil
	}
	old, err := store.One(ctx, q, scanRow, versionInForce, register, id, valid, known)
	switch {
	case err == nil && (!fits || old.Version > now.Version):
		old.last, old.turn = now.last, now.turn
		return old, nil
	case err != nil && !fault.Is(err, fault.NotFound):
		return row{}, err
	case fits:
		return now, nil
	}
	return row{}, fault.New(fault.NotFound, "register.asOf", "")
}

// inForce is the assertion of a record that holds now; the row says mostly itself. Not
// ok: there is none, or it says that the record has ended.
func (s *Service) inForce(ctx context.Context, q store.Q, r row) (row, bool, error) {
	r, ok, err := s.holds(ctx, q, r)
	return r, ok && !r.none(), err
}

func (s *Service) holds(ctx context.Context, q store.Q, r row) (row, bool, error) {
	now := store.Micros(s.now())
	if now < r.turn && r.covers(now) {
		return r, true, nil
	}
	got, err := s.asOf(ctx, q, r.Register, r.ID, now, ever)
	if fault.Is(err, fault.NotFound) {
		return row{}, false, nil
	}
	return got, err == nil, err
}

// ofNow leaves in a list of records what holds now.
func (s *Service) ofNow(ctx context.Context, q store.Q, rows []row) ([]row, error) {
	out := rows[:0]
	for _, r := range rows {
		r, ok, err := s.inForce(ctx, q, r)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, r)
		}
	}
	return out, nil
}

// turnBatch is how many records are turned in one go.
const turnBatch = 200

// Turn brings records up to date whose assertion in force has changed by the passing of
// time: their index, and who listens. Reading doesn't depend on it. It reports whether
// there may be more.
func (s *Service) Turn(ctx context.Context) (more bool, err error) { return s.turnSome(ctx, turnBatch) }

// turnSome turns so many. What is wrong with one record doesn't hold up the others.
func (s *Service) turnSome(ctx context.Context, n int) (more bool, err error) {
	const op = "register.turn"
	type due struct{ register, id string }
	list, err := store.All(ctx, s.db, func(r store.Scanner) (d due, err error) {
		err = r.Scan(&d.register, &d.id)
		return d, err
	}, dueTurns, store.Micros(s.now()), n)
	if err != nil {
		return false, fault.Wrap(op, err)
	}
	var failed error
	for _, x := range list {
		d, ok := s.regs.Get(x.register)
		if !ok {
			continue // its package is gone; its records stay as they are
		}
		if err := s.db.Write(ctx, func(tx *store.Tx) error {
			old, err := store.One(ctx, tx, scanRow, recordByID, d.ID, x.id)
			if err != nil {
				return err
			}
			_, err = s.turn(ctx, tx, d, old)
			return err
		}); err != nil && !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Conflict) {
			failed = cmp.Or(failed, err)
		}
	}
	return len(list) == n && failed == nil, fault.Wrap(op, failed)
}

// turn puts the assertion in force that holds now, and gives the row as it then is.
func (s *Service) turn(ctx context.Context, tx *store.Tx, d *Definition, old row) (row, error) {
	const op = "register.turn"
	now := store.Micros(s.now())
	if now < old.turn {
		return old, nil
	}
	next, ok, err := s.holds(ctx, tx, old)
	if err != nil {
		return row{}, err
	}
	if !ok {
		next = old // nothing holds: the last one stays, and isn't shown
	}
	if next.turn, err = s.nextTurn(ctx, tx, next, now); err != nil {
		return row{}, err
	}
	n, err := tx.Exec(ctx, updateRecord, append(next.current(), old.last)...)
	if err != nil || n != 1 {
		return row{}, conflict(op, err)
	}
	if next.Version == old.Version {
		switch {
		case !ok:
			err = s.note(ctx, tx, Change{Register: d.ID, ID: next.ID, Version: next.Version, Kind: Ended, Case: next.Case, At: s.now()})
		case next.ValidFrom.After(next.ChangedAt): // it was known before it came
			err = s.note(ctx, tx, Change{Register: d.ID, ID: next.ID, Version: next.Version, Kind: Turned, Case: next.Case, At: s.now()})
		}
		return next, fault.Wrap(op, err)
	}
	if _, err := tx.Exec(ctx, deleteVersion, d.ID, next.ID, next.Version); err != nil {
		return row{}, fault.Wrap(op, err)
	}
	if _, err := tx.Exec(ctx, insertVersion, old.args()...); err != nil {
		return row{}, fault.Wrap(op, err)
	}
	if err := s.reindex(ctx, tx, d, old, next); err != nil {
		return row{}, fault.Wrap(op, err)
	}
	return next, s.tell(ctx, tx, next, Turned)
}

// nextTurn is when another assertion than r may be in force.
func (s *Service) nextTurn(ctx context.Context, q store.Q, r row, now int64) (int64, error) {
	next, err := store.One(ctx, q, func(sc store.Scanner) (n int64, err error) {
		err = sc.Scan(&n)
		return n, err
	}, nextTurn, r.Register, r.ID, now)
	for _, at := range [...]int64{from(r.ValidFrom), to(r.ValidTo)} {
		if at > now {
			next = min(next, at)
		}
	}
	return next, fault.Wrap("register.nextTurn", err)
}

func conflict(op string, err error) error {
	if err != nil {
		return fault.Wrap(op, err)
	}
	return fault.New(fault.Conflict, op, "")
}

// Erasure says why something is erased.
type Erasure struct {
	Rule string // the retention rule or the request: § 14 BMG, Art. 17 DSGVO …
	Who  string // empty: the grant's actor
	Case string
}

// by is the erasure under a grant: it needs a rule, and is the actor's where nobody else is named.
func (e Erasure) by(op string, g access.Grant) (Erasure, error) {
	if e.Rule == "" {
		return e, fault.Internalf(op, "erasing needs a rule")
	}
	if e.Who == "" {
		e.Who = string(g.Actor().Kind) + ":" + g.Actor().ID
	}
	return e, nil
}

// Erase erases what the registers hold about a person, all versions of it, and destroys
// the key of the person: copies of the database can't be read there either. What remains
// is that it happened. The registers of the grant ("register": all) that aren't about the
// person are untouched. It tells how many records are gone.
func (s *Service) Erase(ctx context.Context, tx *store.Tx, g access.Grant, person string, why Erasure) (int, error) {
	const op = "register.erase"
	if err := g.Must(access.Erase, "register"); err != nil {
		return 0, fault.Wrap(op, err)
	}
	if g.Request().Resource != "register" || person == "" || g.Request().Owner != person {
		return 0, fault.Internalf(op, "a person is erased by a grant to erase in all registers that names the person")
	}
	why, err := why.by(op, g)
	if err != nil {
		return 0, err
	}
	total := 0
	for _, d := range s.regs.All() {
		if d.Person == "" {
			continue
		}
		records, err := s.eraseIn(ctx, tx, d, person, why)
		if err != nil {
			return 0, fault.Wrap(op, err)
		}
		total += records
	}
	// Former holders' versions in records of others are sealed under the key that goes now.
	_, err = s.vault.Destroy(ctx, tx, person)
	return total, fault.Wrap(op, err)
}

// EraseIn erases what one register holds about the person that a grant to erase names, all versions of it, and tells how many
// records are gone. The key of the person stays: other registers hold what is sealed with it.
func (s *Service) EraseIn(ctx context.Context, tx *store.Tx, g access.Grant, register string, why Erasure) (int, error) {
	const op = "register.eraseIn"
	d, err := s.definition(op, register)
	if err != nil {
		return 0, err
	}
	if err := g.Must(access.Erase, Resource(d.ID)); err != nil {
		return 0, fault.Wrap(op, err)
	}
	person := g.Request().Owner
	if d.Person == "" || person == "" {
		return 0, fault.Internalf(op, "erasing needs a register about persons and a grant that names one")
	}
	if why, err = why.by(op, g); err != nil {
		return 0, err
	}
	n, err := s.eraseIn(ctx, tx, d, person, why)
	return n, fault.Wrap(op, err)
}

// eraseIn erases a person's records of one register, and leaves the proof that it happened. The errors are bare.
func (s *Service) eraseIn(ctx context.Context, tx *store.Tx, d *Definition, person string, why Erasure) (int, error) {
	records, versions := 0, int64(0)
	for {
		rows, err := s.rowsOf(ctx, tx, d, person)
		if err != nil {
			return 0, err
		}
		if len(rows) == 0 {
			break
		}
		for _, r := range rows {
			n, err := s.eraseRow(ctx, tx, d, r, why)
			if err != nil {
				return 0, err
			}
			records++
			versions += n
		}
	}
	if records == 0 {
		return 0, nil
	}
	_, err := tx.Exec(ctx, addErasure, ident.New(), d.ID, store.Micros(s.now()), why.Rule, why.Who, why.Case, records, versions)
	return records, err
}
