// SPDX-License-Identifier: EUPL-1.2

package process

import (
	"cmp"
	"context"
	"slices"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
)

// Bounds of what is said about external work.
const (
	// WorkCountLimit is how far the work of a type is counted in each office; a number above
	// it means "more than".
	WorkCountLimit = 1_000
	maxWorkTypes   = 200
	maxWorkOffices = 100             // of a type
	maxWorkers     = 100             // programs of a type that are named, types of a program that are remembered
	seenEvery      = 5 * time.Minute // how exactly it is known when a program came last
	maxSeen        = 10_000          // programs and types kept in memory
)

// ExternalType is how the work of a type stands that programs outside do.
type ExternalType struct {
	Type    string
	Waiting int       // for somebody to take it, pauses after a failure included
	Oldest  time.Time // since when the oldest of it waits; zero: none does
	Locked  int       // taken, and not done yet
	Failed  int       // has failed at least once, and waits or is tried again
	More    bool      // a number stops at what was counted: there is more
	Holders []WorkHolder
	Clients []WorkClient // that have come with the grant for it; none: nobody has ever
}

// WorkHolder is a program that has work of a type now.
type WorkHolder struct {
	Client string
	N      int
}

// WorkClient is a program that has come with the grant for a type.
type WorkClient struct {
	Client, Office string // Office: the only one it works for; "": any
	Seen           time.Time
}

// ExternalTypes are the types of external work that wait, or that a program has come for.
// An operator sees all of them, with a grant for incidents; a program with a grant for
// jobs sees the types that it was granted, of its office if it is tied to one, and no
// other program.
func (e *Engine) ExternalTypes(ctx context.Context, g access.Grant) ([]ExternalType, error) {
	const op = "process.externalTypes"
	office, own := "", []string(nil)
	worker := g.Must(access.Read, "job") == nil
	if worker {
		office, own = g.Actor().Office, granted(g.Actor())
	} else {
		_, o, err := operator(op, g, access.List)
		if err != nil {
			return nil, err
		}
		office = o
	}
	out, err := e.externalTypes(ctx, office, own, worker)
	return out, fault.Wrap(op, err)
}

// WorkNumbers is how external work stands, in numbers of no case and no program. No grant:
// it is for the meters of the house.
func (e *Engine) WorkNumbers(ctx context.Context) ([]ExternalType, error) {
	out, err := e.externalTypes(ctx, "", nil, false)
	for i := range out {
		out[i].Holders, out[i].Clients = nil, nil
	}
	return out, fault.Wrap("process.workNumbers", err)
}

func (e *Engine) externalTypes(ctx context.Context, office string, own []string, worker bool) ([]ExternalType, error) {
	byType := map[string]*ExternalType{}
	of := func(typ string) *ExternalType {
		x := byType[typ]
		if x == nil {
			x = &ExternalType{Type: typ}
			byType[typ] = x
		}
		return x
	}
	types := own
	if !worker {
		var err error
		if types, err = store.All(ctx, e.db, scanText, workTypes, maxWorkTypes); err != nil {
			return nil, err
		}
	}
	now := store.Micros(e.now())
	for _, typ := range types {
		offices := []string{office}
		if office == "" {
			var err error
			if offices, err = store.All(ctx, e.db, scanText, workOffices, typ, maxWorkOffices); err != nil {
				return nil, err
			}
		}
		if !worker && office != "" { // what isn't there isn't named to an office
			var n int
			if err := e.db.QueryRow(ctx, anyWorkOf, typ, office).Scan(&n); err != nil {
				return nil, err
			}
			if n == 0 {
				continue
			}
		}
		for _, o := range offices {
			if err := e.countWorkOf(ctx, of(typ), typ, o, now, !worker); err != nil {
				return nil, err
			}
		}
	}
	for _, typ := range own {
		of(typ)
	}
	if !worker {
		list, err := store.All(ctx, e.db, scanSeen, workersSeen, maxWorkTypes*maxWorkers)
		if err != nil {
			return nil, err
		}
		for _, s := range list {
			if office != "" && s.Office != "" && s.Office != office {
				continue
			}
			if x := of(s.typ); len(x.Clients) < maxWorkers {
				x.Clients = append(x.Clients, s.WorkClient)
			}
		}
	}
	out := make([]ExternalType, 0, len(byType))
	for _, x := range byType {
		slices.SortFunc(x.Holders, func(a, b WorkHolder) int { return cmp.Or(b.N-a.N, cmp.Compare(a.Client, b.Client)) })
		out = append(out, *x)
	}
	slices.SortFunc(out, func(a, b ExternalType) int { return cmp.Compare(a.Type, b.Type) })
	return out, nil
}

// countWorkOf adds the work of one office to its type.
func (e *Engine) countWorkOf(ctx context.Context, x *ExternalType, typ, office string, now int64, holders bool) error {
	const limit = WorkCountLimit + 1
	waiting, oldest := 0, int64(0)
	if err := e.db.QueryRow(ctx, countWork, typ, office, now, limit).Scan(&waiting); err != nil {
		return err
	}
	if err := e.db.QueryRow(ctx, oldestWork, typ, office, now).Scan(&oldest); ignoreNoRow(err) != nil {
		return err
	}
	failed, locked := 0, 0
	if err := e.db.QueryRow(ctx, countFailed, typ, office, limit).Scan(&failed); err != nil {
		return err
	}
	list, err := store.All(ctx, e.db, scanHolder, holdersOf, typ, office, now, limit)
	if err != nil {
		return err
	}
	for _, h := range list {
		locked += h.N
		if !holders {
			continue
		}
		i := slices.IndexFunc(x.Holders, func(o WorkHolder) bool { return o.Client == h.Client })
		if i < 0 {
			x.Holders = append(x.Holders, h)
			continue
		}
		x.Holders[i].N += h.N
	}
	x.More = x.More || waiting >= limit || failed >= limit || locked >= limit
	x.Waiting += min(waiting, WorkCountLimit)
	x.Locked += min(locked, WorkCountLimit)
	x.Failed += min(failed, WorkCountLimit)
	if oldest > 0 && (x.Oldest.IsZero() || store.Time(oldest).Before(x.Oldest)) {
		x.Oldest = store.Time(oldest)
	}
	return nil
}

// came remembers that a program has come with grants for types of work; to write it down
// now and then is enough.
func (e *Engine) came(ctx context.Context, a access.Actor, types []string) error {
	now := e.now()
	var due []string
	e.mu.Lock()
	for _, typ := range types[:min(len(types), maxWorkers)] {
		if at, ok := e.seen[typ+" "+a.ID]; !ok || now.Sub(at) >= seenEvery || at.After(now) {
			due = append(due, typ)
		}
	}
	e.mu.Unlock()
	if len(due) == 0 {
		return nil
	}
	slices.Sort(due) // everybody writes in this order
	return e.db.Write(ctx, func(tx *store.Tx) error {
		for _, typ := range due {
			if _, err := tx.Exec(ctx, workerSeen, typ, a.ID, a.Office, store.Micros(now)); err != nil {
				return err
			}
		}
		tx.AfterCommit(func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			if len(e.seen) >= maxSeen {
				clear(e.seen)
			}
			for _, typ := range due {
				e.seen[typ+" "+a.ID] = now
			}
		})
		return nil
	})
}

func scanText(s store.Scanner) (string, error) {
	var text string
	return text, s.Scan(&text)
}

func scanHolder(s store.Scanner) (WorkHolder, error) {
	var h WorkHolder
	return h, s.Scan(&h.Client, &h.N)
}

type seenWorker struct {
	typ string
	WorkClient
}

func scanSeen(s store.Scanner) (seenWorker, error) {
	var w seenWorker
	var at int64
	err := s.Scan(&w.typ, &w.Client, &w.Office, &at)
	w.Seen = store.Time(at)
	return w, err
}
