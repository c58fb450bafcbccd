// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"context"
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/core/vault"
)

// How many records a bulk load stores in one transaction. Large on SQLite, because each
// transaction touches most pages of the index; others' changes wait half a second for it.
// On PostgreSQL nobody waits, but a change must be over within thirty seconds, on a busy
// machine too.
const (
	loadBatch         = 16384
	loadBatchPostgres = 4096
)

// analyzeAfter is how many times as many records as the last time a load has stored when the database counts its tables anew.
const analyzeAfter = 8

// Item is a record of a bulk load.
type Item struct {
	Register string
	Data     json.RawMessage
	// Value gives a field's text without decoding Data, for sources that have it at
	// hand. With it the record isn't checked against its schema: its source is tested.
	Value func(field string) string
	// Err ends the load before this record: its source is broken.
	Err error
}

// Loading is a bulk load of many records, in a fixed order.
type Loading struct {
	// Name marks the load: begun again after a crash, or with more records than the
	// last time, it goes on after the last stored record.
	Name    string
	Records iter.Seq[Item]
	Why     Why
	// Update begins from the start each time and makes new versions of what differs:
	// for small sets of reference data. Without it only new records are stored.
	Update bool
	// Upsert makes new versions of what is there already and differs; what is new is stored
	// as fast as without it. Who listens is told of each, but for the first records that a register
	// gets: of these that there are many.
	Upsert bool
	// Seen puts on record whose data a batch changes, in its transaction; nil: the load's one
	// entry stands for all.
	Seen func(ctx context.Context, tx *store.Tx, persons []string) error
	// Done is told after each batch how many of its records were new, and how many have a new version.
	Done func(fresh, changed int)
	// Progress is told how many records are stored, after each batch.
	Progress func(done int)
}

type batch struct {
	rows  []prepared
	count int
	err   error
}

// sealed is a batch that is ready to be stored.
type sealed struct {
	batch
	at         time.Time
	there      []prepared // of rows those whose key is there already (Upsert); rows are the others
	persons    []string
	fresh      []vault.Wrapped
	find, keys []any // lines of the index
}

// Load stores the records of a source that has them all in a fixed order. The
// grant is one to change "register" (every register) or the one register that the records
// are of; one entry of the ledger stands for the load. Records are prepared, and sealed, while the ones before are written.
func (s *Service) Load(ctx context.Context, g access.Grant, l Loading) error {
	const op = "register.loadRecords"
	if err := g.Must(access.Change, "register"); err != nil {
		return fault.Wrap(op, err)
	}
	only := ""
	if id, one := strings.CutPrefix(g.Request().Resource, "register:"); one {
		only = id
		if _, err := s.definition(op, only); err != nil {
			return err
		}
	}
	if l.Why.Who == "" {
		l.Why.Who = string(g.Actor().Kind) + ":" + g.Actor().ID
	}
	done, err := s.Loaded(ctx, l.Name)
	if err != nil {
		return fault.Wrap(op, err)
	}
	if l.Update {
		done = 0
	}
	first := false
	if l.Upsert && only != "" {
		if first, err = s.first(ctx, l.Name, only); err != nil {
			return fault.Wrap(op, err)
		}
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	batches, ready := make(chan batch, 1), make(chan sealed)
	go s.prepareBatches(ctx, l, done, batches)
	go s.sealBatches(ctx, l, only, batches, ready)
	rows := 1
	if s.db.Engine() == store.Postgres {
		rows = bulkRows
	}
	many := func(ctx context.Context, tx *store.Tx, statement string, cols int, args []any) error {
		return insertMany(ctx, tx, bulk(statement, cols, rows), statement, cols, rows, args)
	}
	stored, counted := 0, 0
	for b := range ready {
		if b.err != nil {
			return fault.Wrap(op, b.err)
		}
		changed := 0
		if err := s.db.Write(ctx, func(tx *store.Tx) error {
			if l.Update {
				for _, n := range b.rows {
					if _, err := s.renew(ctx, tx, n, l.Why); err != nil {
						return err
					}
				}
				_, err := tx.Exec(ctx, setLoadState, l.Name, done+b.count, store.Micros(b.at))
				return err
			}
			if l.Seen != nil {
				if err := l.Seen(ctx, tx, b.persons); err != nil {
					return err
				}
			}
			// Before the new versions: they may be sealed under the same keys.
			if err := s.vault.Add(ctx, tx, b.fresh, many); err != nil {
				return err
			}
			changed = 0
			for _, n := range b.there {
				differs, err := s.renew(ctx, tx, n, l.Why)
				if err != nil {
					return err
				}
				if differs {
					changed++
				}
			}
			var records []any
			for _, n := range b.rows {
				records = append(records, n.current()...)
			}
			if err := many(ctx, tx, insertRecord, 14, records); err != nil {
				return err
			}
			if err := many(ctx, tx, insertFind, 2, b.find); err != nil {
				return err
			}
			if err := many(ctx, tx, insertKey, 4, b.keys); err != nil {
				return err
			}
			if l.Upsert && !first {
				for _, n := range b.rows {
					if err := s.tell(ctx, tx, n.row, Put); err != nil {
						return err
					}
				}
			} else if err := s.noteLoaded(ctx, tx, b.rows, b.at); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, setLoadState, l.Name, done+b.count, store.Micros(b.at))
			return err
		}); err != nil {
			return fault.Wrap(op, err)
		}
		done += b.count
		if stored += len(b.rows); stored > analyzeAfter*counted {
			counted = stored
			if err := s.db.Analyze(ctx); err != nil {
				return fault.Wrap(op, err)
			}
		}
		if l.Done != nil {
			l.Done(len(b.rows), changed)
		}
		if l.Progress != nil {
			l.Progress(done)
		}
	}
	return fault.Wrap(op, ctx.Err())
}

func (s *Service) prepareBatches(ctx context.Context, l Loading, skip int, out chan<- batch) {
	defer close(out)
	cur := batch{}
	send := func() bool {
		select {
		case out <- cur:
			cur = batch{}
			return true
		case <-ctx.Done():
			return false
		}
	}
	for n := range l.Records {
		if n.Err != nil {
			cur = batch{err: n.Err} // nothing of what isn't stored yet
			send()
			return
		}
		if skip > 0 {
			skip--
			continue
		}
		d, ok := s.regs.Get(n.Register)
		if !ok {
			cur.err = fault.Internalf("register.loadRecords", "no register %q", n.Register)
			send()
			return
		}
		var p prepared
		if n.Value != nil {
			p = d.indexed(n.Data, n.Value)
		} else {
			var err error
			if p, err = d.prepare("", n.Data); err != nil {
				cur.err = err
				send()
				return
			}
		}
		cur.rows = append(cur.rows, p)
		if cur.count++; cur.count == s.batch && !send() {
			return
		}
	}
	if cur.count > 0 {
		send()
	}
}

// renew makes a record what its source says. What differs from what holds is laid over it: what is known of the time to come
// stays, whether the source says the same again or something new. It tells which.
func (s *Service) renew(ctx context.Context, tx *store.Tx, n prepared, why Why) (differs bool, err error) {
	d, _ := s.regs.Get(n.Register)
	id, err := s.idOf(d, n.ID)
	if err != nil {
		return false, err
	}
	at := why.From
	if at.IsZero() {
		at = s.now()
	}
	old, err := s.asOf(ctx, tx, d.ID, id, store.Micros(at), ever)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return false, err
	}
	if err != nil || old.none() || d.personOf(old) != d.personOf(n.row) {
		return true, s.put(ctx, tx, d, n, why)
	}
	plain, err := s.open(ctx, tx, d, old, nil)
	if err != nil {
		return false, err
	}
	before, err := object(plain.Data)
	if err != nil {
		return false, err
	}
	after, err := object(n.Data)
	if err != nil {
		return false, err
	}
	fields := changes(before, after)
	return len(fields) > 0, s.lay(ctx, tx, "register.renew", d, id, fields, why, func(n prepared, why Why) error {
		return s.put(ctx, tx, d, n, why)
	})
}

// first reports whether a load brings the first records of a register, and remembers it for the load's going on after a crash.
func (s *Service) first(ctx context.Context, load, register string) (bool, error) {
	if n, err := s.Loaded(ctx, load+firstLoad); err != nil || n > 0 {
		return n > 0, err
	}
	rows, err := store.All(ctx, s.db, scanRow, recordsFrom, register, "", 1)
	if err != nil || len(rows) > 0 {
		return false, err
	}
	return true, s.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, setLoadState, load+firstLoad, 1, store.Micros(s.now()))
		return err
	})
}

const firstLoad = ":first"

// sealBatches makes batches ready while the one before is stored, of which it therefore has to know what the database
// doesn't yet: a batch is handed over when the one before it has been stored, so it is only ever one.
func (s *Service) sealBatches(ctx context.Context, l Loading, only string, in <-chan batch, out chan<- sealed) {
	defer close(out)
	made := map[string]vault.Key{}
	var ids map[string]bool
	for b := range in {
		x := sealed{batch: b, at: s.now().UTC()}
		if b.err == nil && only != "" && slices.ContainsFunc(b.rows, func(n prepared) bool { return n.Register != only }) {
			x.err = fault.Internalf("register.loadRecords", "the grant is for %s only", only)
		}
		if x.err == nil && !l.Update {
			made, ids, x.err = s.ready(ctx, l, &x, made, ids)
		}
		select {
		case out <- x:
		case <-ctx.Done():
			return
		}
		if x.err != nil {
			return
		}
	}
}

// ready fills in what is stored of a batch. made and ids are the keys that the batch before it has made and the records that
// it stores; they come back for the next one.
func (s *Service) ready(ctx context.Context, l Loading, x *sealed, made map[string]vault.Key, ids map[string]bool) (map[string]vault.Key, map[string]bool, error) {
	x.persons = s.personsOf(x.rows)
	var err error
	if l.Upsert {
		if x.rows, x.there, err = s.known(ctx, x.rows, ids); err != nil {
			return nil, nil, err
		}
	}
	keys, fresh, err := s.sealBatch(ctx, x.rows, x.at, l.Why, made)
	if err != nil {
		return nil, nil, err
	}
	x.fresh = fresh
	made = make(map[string]vault.Key, len(fresh))
	for _, w := range fresh {
		made[w.Subject] = keys[w.Subject]
	}
	if l.Upsert {
		ids = make(map[string]bool, len(x.rows))
		for _, n := range x.rows {
			ids[n.Register+"/"+n.ID] = true
		}
	}
	x.find, x.keys, err = s.lines(x.rows)
	return made, ids, err
}

// sealBatch makes records ready to be stored as they are, since ever; what is new of the
// keys of whom they are about is stored with them. made are keys that are being stored.
func (s *Service) sealBatch(ctx context.Context, rows []prepared, at time.Time, why Why, made map[string]vault.Key) (map[string]vault.Key, []vault.Wrapped, error) {
	var subjects []string
	for i := range rows {
		n := &rows[i]
		d, _ := s.regs.Get(n.Register)
		var err error
		if n.ID, err = s.idOf(d, n.ID); err != nil {
			return nil, nil, err
		}
		n.ValidFrom, n.ValidTo = why.From, why.To
		n.Version, n.last, n.turn, n.ChangedAt, n.ChangedBy, n.Reason, n.Case = 1, 1, ever, at, why.Who, why.Reason, why.Case
		if slices.ContainsFunc(d.Fields, d.sealed) {
			subjects = append(subjects, d.subject(n.row))
		}
	}
	slices.Sort(subjects)
	subjects = slices.DeleteFunc(slices.Compact(subjects), func(p string) bool { _, ok := made[p]; return ok })
	keys, fresh, err := s.vault.Keys(ctx, subjects)
	if err != nil {
		return nil, nil, err
	}
	maps.Copy(keys, made)
	for i := range rows {
		n := &rows[i]
		d, _ := s.regs.Get(n.Register)
		if n.row, err = d.seal(keys[d.subject(n.row)], n.row); err != nil {
			return nil, nil, err
		}
	}
	return keys, fresh, nil
}

// known splits records into those that are new and those whose key is there, or is being stored.
func (s *Service) known(ctx context.Context, rows []prepared, stored map[string]bool) (fresh, there []prepared, err error) {
	ids := make([]string, len(rows))
	for i, n := range rows {
		d, _ := s.regs.Get(n.Register)
		if ids[i], err = s.idOf(d, n.ID); err != nil {
			return nil, nil, err
		}
	}
	for from := 0; from < len(rows); {
		to := from + 1
		for to < len(rows) && to-from < idsAtOnce && rows[to].Register == rows[from].Register {
			to++
		}
		args := make([]any, 1, idsAtOnce+1)
		args[0] = rows[from].Register
		for i := range idsAtOnce {
			args = append(args, ids[min(from+i, to-1)])
		}
		found, err := store.All(ctx, s.db, scanID, idsThere, args...)
		if err != nil {
			return nil, nil, err
		}
		for i := from; i < to; i++ {
			if slices.Contains(found, ids[i]) || stored[rows[i].Register+"/"+ids[i]] {
				there = append(there, rows[i])
			} else {
				fresh = append(fresh, rows[i])
			}
		}
		from = to
	}
	return fresh, there, nil
}

// personsOf are the persons whom records are about.
func (s *Service) personsOf(rows []prepared) []string {
	var out []string
	for _, n := range rows {
		d, _ := s.regs.Get(n.Register)
		if p := d.personOf(n.row); d.Person != "" && p != "" {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// insertMany runs the statement for many rows as often as it goes, and the one for
// one row for the rest.
func insertMany(ctx context.Context, tx *store.Tx, many, one string, cols, rows int, args []any) error {
	for len(args) >= cols*rows {
		if _, err := tx.Exec(ctx, many, args[:cols*rows]...); err != nil {
			return err
		}
		args = args[cols*rows:]
	}
	for len(args) > 0 {
		if _, err := tx.Exec(ctx, one, args[:cols]...); err != nil {
			return err
		}
		args = args[cols:]
	}
	return nil
}

// Loaded tells how many records of a bulk load are stored.
func (s *Service) Loaded(ctx context.Context, name string) (int, error) {
	type state struct{ done, at int64 }
	st, err := store.One(ctx, s.db, func(r store.Scanner) (st state, err error) {
		err = r.Scan(&st.done, &st.at)
		return st, err
	}, loadState, name)
	if fault.Is(err, fault.NotFound) {
		return 0, nil
	}
	return int(st.done), fault.Wrap("register.loaded", err)
}

// Check tells whether a record would be taken, without storing it.
func (s *Service) Check(register string, data any) error {
	const op = "register.check"
	d, err := s.definition(op, register)
	if err != nil {
		return err
	}
	_, err = d.prepare("", data)
	return err
}
