// SPDX-License-Identifier: EUPL-1.2

package register_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/register"
)

func (h *house) feed(t testing.TB, reg string, fields ...string) access.Grant {
	return h.grant(t, access.Request{Action: access.List, Resource: register.Resource(reg), Fields: fields})
}

// Whoever follows the feed while many write misses nothing, sees nothing twice and sees
// the versions of a record in their order; and positions have no gap.
func TestAReaderOfTheFeedMissesNothingWhileManyWrite(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		h.published = nil
		const writers, each, records = 6, 30, 4
		change := h.grant(t, access.Request{Action: access.Change, Resource: "register:vehicles"})
		zones := h.grant(t, access.Request{Action: access.Change, Resource: "register:parking_zones"})
		svc, err := register.New(register.Config{DB: db, Vault: h.vault, Registers: h.Registers()})
		must(t, err)
		var wg sync.WaitGroup
		var done atomic.Bool
		var failed atomic.Int64
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					reg, g, data := "vehicles", change, car(fmt.Sprintf("DU-W %d", 100+(w+i)%records), "p1")
					data["model"] = fmt.Sprintf("M%d-%d", w, i)
					if i%5 == 4 { // of another register: it takes positions of the same feed
						reg, g, data = "parking_zones", zones, map[string]any{"code": fmt.Sprintf("Z%d%d", w, i), "name": "Zone", "quarter": "505", "spaces": 1, "hours": "9-20", "streets": []any{"Kantstraße"}}
					}
					for {
						err := db.Write(context.Background(), func(tx *store.Tx) error {
							if err := svc.Put(context.Background(), tx, g, reg, "", data, register.Why{Reason: "test"}); err != nil {
								return err
							}
							if i%7 == 6 {
								return fault.New(fault.TooMany, "test", "") // rolled back: it must leave no gap
							}
							return nil
						})
						if fault.Is(err, fault.TooMany) {
							break
						}
						if fault.Is(err, fault.Conflict) { // somebody else was first
							continue
						}
						if err != nil {
							failed.Add(1)
							t.Error(err)
						}
						break
					}
				}
			})
		}
		go func() { wg.Wait(); done.Store(true) }()

		list := h.feed(t, "vehicles")
		seen := map[string]int64{}
		total, since, before := 0, int64(0), int64(0)
		for {
			end := done.Load()
			got, next, err := svc.Changes(t.Context(), list, "vehicles", since, 7)
			must(t, err)
			for _, c := range got {
				if c.Position <= before {
					t.Fatalf("position %d comes after %d", c.Position, before)
				}
				before = c.Position
				if c.Version != seen[c.ID]+1 {
					t.Fatalf("version %d of a record comes after %d", c.Version, seen[c.ID])
				}
				seen[c.ID] = c.Version
				total++
			}
			if next < since {
				t.Fatalf("the next position %d is before %d", next, since)
			}
			if end && next == since {
				break
			}
			since = next
		}
		stored := 0
		must(t, db.QueryRow(t.Context(), "SELECT COUNT(*) FROM register_change WHERE register = 'vehicles'").Scan(&stored))
		if total != stored || len(seen) != records {
			t.Errorf("%d changes of %d records seen, %d stored", total, len(seen), stored)
		}
		var n, first, last int64
		must(t, db.QueryRow(t.Context(), "SELECT COUNT(*), MIN(position), MAX(position) FROM register_change").Scan(&n, &first, &last))
		if first != 1 || last != n || since != last {
			t.Errorf("%d changes have positions %d to %d, and the reader is at %d", n, first, last, since)
		}
	})
}

func TestTheFeedShowsWhatTheGrantNamesAndTellsOfErasure(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		must(t, h.put(t, "residents", "p1", resident("p1", "Ada", "Muster", "1990-01-01"), register.Why{Reason: "moved in"}))
		must(t, h.put(t, "residents", "p2", resident("p2", "Ben", "Muster", "1991-01-01"), register.Why{Reason: "moved in", Case: "c7"}))
		bare, next, err := h.Changes(t.Context(), h.feed(t, "residents"), "residents", 0, 10)
		must(t, err)
		if len(bare) != 2 || bare[0].Record != nil || bare[0].ID != "p1" || bare[1].Case != "c7" || bare[1].Kind != register.Put || next != 2 {
			t.Errorf("%+v, next %d", bare, next)
		}
		full, _, err := h.Changes(t.Context(), h.feed(t, "residents", "family_name"), "residents", 1, 10)
		must(t, err)
		if len(full) != 1 || full[0].Record == nil || string(full[0].Record.Data) != `{"family_name":"Muster"}` {
			t.Errorf("%+v", full)
		}
		for _, g := range []access.Grant{
			{}, h.grant(t, access.Request{Action: access.Read, Resource: "register:residents", Owner: "p1"}),
			h.grant(t, access.Request{Action: access.List, Resource: "register:residents", Owner: "p1"}),
			h.grant(t, access.Request{Action: access.List, Resource: "register:vehicles"}),
		} {
			if got, _, err := h.Changes(t.Context(), g, "residents", 0, 10); err == nil {
				t.Errorf("%+v gives %v", g.Request(), got)
			}
		}
		erase := h.grant(t, access.Request{Action: access.Erase, Resource: "register", Owner: "p1"})
		must(t, h.db.Write(t.Context(), func(tx *store.Tx) error {
			_, err := h.Erase(t.Context(), tx, erase, "p1", register.Erasure{Rule: "§ 14 BMG"})
			return err
		}))
		after, next, err := h.Changes(t.Context(), h.feed(t, "residents", "family_name"), "residents", 0, 10)
		must(t, err)
		if len(after) != 2 || after[0].ID != "p2" || after[1].Kind != register.Erased || after[1].ID != "p1" || after[1].Record != nil || after[1].Position != 3 || next != 3 {
			t.Errorf("after the erasure: %+v, next %d", after, next)
		}
		if _, _, err := h.Changes(t.Context(), h.feed(t, "residents"), "residents", 4, 10); !fault.Is(err, fault.Invalid) {
			t.Errorf("a position that there isn't: %v", err)
		}
	})
}

func TestWhoComesTooLateForTheFeedIsTold(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		for i := range 5 {
			must(t, h.put(t, "vehicles", "", car(fmt.Sprintf("DU-X %d", i+1), "p1"), register.Why{Reason: "registered"}))
		}
		if more, err := h.ForgetChanges(t.Context(), time.Now().Add(-time.Hour)); err != nil || more {
			t.Fatal(more, err)
		}
		if got, _, err := h.Changes(t.Context(), h.feed(t, "vehicles"), "vehicles", 1, 10); err != nil || len(got) != 4 {
			t.Fatalf("%v %v: nothing was old enough to forget", got, err)
		}
		must(t, h.put(t, "vehicles", "", car("DU-X 9", "p1"), register.Why{Reason: "registered"}))
		for {
			more, err := h.ForgetChanges(t.Context(), time.Now().Add(time.Hour))
			must(t, err)
			if !more {
				break
			}
		}
		if _, _, err := h.Changes(t.Context(), h.feed(t, "vehicles"), "vehicles", 2, 10); !fault.Is(err, fault.Conflict) {
			t.Errorf("changes that are forgotten: %v", err)
		}
		must(t, h.put(t, "vehicles", "", car("DU-X 10", "p1"), register.Why{Reason: "registered"}))
		for _, since := range []int64{0, 6} {
			got, next, err := h.Changes(t.Context(), h.feed(t, "vehicles"), "vehicles", since, 10)
			if err != nil || len(got) != 1 || got[0].Position != 7 || next != 7 {
				t.Errorf("from %d: %+v %d %v", since, got, next, err)
			}
		}
	})
}

// Who has a copy is told that a record may only be kept, and that it may be used again (Art. 19 GDPR).
func TestTheFeedTellsOfRestriction(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		must(t, h.put(t, "residents", "p1", resident("p1", "Ada", "Muster", "1990-01-01"), register.Why{}))
		g := h.grant(t, access.Request{Action: access.Change, Resource: "register:residents", Owner: "p1", Case: "c1"})
		do := func(f func(context.Context, *store.Tx, access.Grant, string, string) error) []register.Change {
			t.Helper()
			must(t, db.Write(t.Context(), func(tx *store.Tx) error { return f(t.Context(), tx, g, "residents", "p1") }))
			list, _, err := h.Changes(t.Context(), h.feed(t, "residents", "family_name"), "residents", 1, 10)
			must(t, err)
			return list
		}
		if list := do(h.Restrict); len(list) != 1 || list[0].Kind != register.Restricted || list[0].Record != nil {
			t.Errorf("restricted: %+v", list)
		}
		if list := do(h.Unrestrict); len(list) != 2 || list[1].Kind != register.Released || list[1].Record == nil {
			t.Errorf("released: %+v", list)
		}
	})
}
