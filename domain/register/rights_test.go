// SPDX-License-Identifier: EUPL-1.2

package register_test

import (
	"testing"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/register"
)

// TestARestrictedRecordIsFoundByNobodyElse: every way to read a record comes to nothing for a purpose that doesn't reach
// restricted ones, and is as before for the others and after the mark is taken off.
func TestARestrictedRecordIsFoundByNobodyElse(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		ctx, anna := t.Context(), accesstest.Anna()
		must(t, h.put(t, "residents", "", resident(anna.ID, "Anna", "Schmidt", "1985-03-27"), register.Why{Reason: "moved in"}))
		must(t, h.put(t, "vehicles", "", car("DU-AB 1", anna.ID), register.Why{Reason: "registered"}))
		must(t, h.put(t, "vehicles", "", car("DU-AB 2", anna.ID), register.Why{Reason: "registered"}))
		own, err := h.Own(ctx, h.checker.Permit, anna, "vehicles")
		must(t, err)
		ids := map[string]string{}
		for _, r := range own {
			all, err := r.All()
			must(t, err)
			ids[all["plate"].(string)] = r.ID
		}
		mark := func(on bool, reg, id, owner string) error {
			g := h.grant(t, access.Request{Action: access.Change, Resource: register.Resource(reg), Owner: owner, Case: "c1"})
			return db.Write(ctx, func(tx *store.Tx) error {
				if on {
					return h.Restrict(ctx, tx, g, reg, id)
				}
				return h.Unrestrict(ctx, tx, g, reg, id)
			})
		}
		// What a purpose finds of the vehicle, by each way to read it.
		found := func(purpose string) int {
			t.Helper()
			g := h.grant(t, access.Request{Action: access.Read, Resource: "register:vehicles", Owner: anna.ID, Fields: []string{"plate", "make"}, Purpose: purpose})
			n := 0
			count := func(ok bool, err error) {
				t.Helper()
				if err != nil && !fault.Is(err, fault.NotFound) {
					t.Fatal(err)
				}
				if ok && err == nil {
					n++
				}
			}
			_, err := h.Get(ctx, g, "vehicles", "DU-AB 1")
			count(true, err)
			hist, err := h.History(ctx, g, "vehicles", "DU-AB 1")
			count(len(hist) > 0, err)
			_, err = h.AsOf(ctx, g, "vehicles", "DU-AB 1", time.Now(), time.Now().Add(time.Hour))
			count(true, err)
			list, err := h.find(t, g, "vehicles", "plate", "DU-AB 1", []string{"plate"})
			count(len(list) > 0, err)
			all, err := h.Fetch(ctx, g, register.Use{Register: "vehicles", Person: anna.ID, Fields: []string{"plate"}})
			must(t, err)
			for _, x := range all.([]any) {
				if x.(map[string]any)["plate"] == "DU-AB 1" {
					n++
				}
			}
			return n
		}
		if n := found("parking"); n != 5 {
			t.Fatalf("found in %d ways before, want 5", n)
		}
		if err := mark(true, "vehicles", ids["DU-AB 1"], accesstest.Bora().ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("somebody else's record is restricted: %v", err)
		}
		for range 2 {
			must(t, mark(true, "vehicles", ids["DU-AB 1"], anna.ID))
		}
		if n := found("parking"); n != 0 {
			t.Errorf("found in %d ways although it is restricted", n)
		}
		if n := found(register.OwnDataPurpose); n != 5 {
			t.Errorf("the person concerned finds it in %d ways, want 5", n)
		}
		for purpose, want := range map[string]bool{"parking": true, register.OwnDataPurpose: false} {
			if yes, err := h.Restricted(ctx, db, "vehicles", anna.ID, purpose); err != nil || yes != want {
				t.Errorf("restricted for %s: %v %v", purpose, yes, err)
			}
		}
		own, err = h.Own(ctx, h.checker.Permit, anna, "vehicles")
		must(t, err)
		if len(own) != 2 || own[0].Restricted.IsZero() == own[1].Restricted.IsZero() {
			t.Errorf("which one is restricted isn't told: %+v", own)
		}
		// Sold: the mark was Anna's.
		must(t, h.put(t, "vehicles", "", car("DU-AB 1", accesstest.Bora().ID), register.Why{Reason: "sold"}))
		g := h.grant(t, access.Request{Action: access.Read, Resource: "register:vehicles", Owner: accesstest.Bora().ID, Fields: []string{"plate"}, Purpose: "parking"})
		if _, err := h.Get(ctx, g, "vehicles", "DU-AB 1"); err != nil {
			t.Errorf("the next holder's record is restricted: %v", err)
		}
		must(t, h.put(t, "vehicles", "", car("DU-AB 1", anna.ID), register.Why{Reason: "bought back"}))
		must(t, mark(false, "vehicles", ids["DU-AB 1"], anna.ID))
		if n := found("parking"); n != 5 {
			t.Errorf("found in %d ways after the mark is off, want 5", n)
		}
	})
}

// TestAFieldIsPutRight: only the person's own record, only what the register itself is the source of, as a new version.
func TestAFieldIsPutRight(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		ctx, anna, bora := t.Context(), accesstest.Anna(), accesstest.Bora()
		must(t, h.put(t, "residents", "", resident(anna.ID, "Anna", "Schmidt", "1985-03-27"), register.Why{Reason: "moved in"}))
		fix := func(owner, field, value string) error {
			g := h.grant(t, access.Request{Action: access.Change, Resource: "register:residents", Owner: owner, Case: "c9"})
			return db.Write(ctx, func(tx *store.Tx) error {
				return h.Fix(ctx, tx, g, "residents", anna.ID, field, value, register.Why{Reason: "Art. 16"})
			})
		}
		for name, try := range map[string]struct {
			owner, field, value string
			kind                fault.Kind
		}{
			"another person's":       {bora.ID, "street", "Ostweg", fault.NotFound},
			"the key":                {anna.ID, "id", bora.ID, fault.Invalid},
			"no field":               {anna.ID, "'; DROP", "x", fault.Invalid},
			"of another register":    {anna.ID, "quarter", "101", fault.Invalid},
			"not as the schema says": {anna.ID, "postcode", "somewhere", fault.Invalid},
			"not a day":              {anna.ID, "birth_date", "1985-02-31", fault.Invalid},
		} {
			if err := fix(try.owner, try.field, try.value); !fault.Is(err, try.kind) {
				t.Errorf("%s: %v", name, err)
			}
		}
		must(t, fix(anna.ID, "given_names", "Anna Maria"))
		hist, err := h.OwnHistory(ctx, h.checker.Permit, anna, "residents", anna.ID)
		must(t, err)
		if len(hist) != 2 || hist[0].Case != "c9" || hist[0].Reason != "Art. 16" {
			t.Fatalf("%+v", hist)
		}
		all, err := hist[0].All()
		must(t, err)
		if all["given_names"] != "Anna Maria" || all["family_name"] != "Schmidt" || all["id"] != nil {
			t.Errorf("%v", all)
		}
		if _, err := h.OwnHistory(ctx, h.checker.Permit, bora, "residents", anna.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("somebody else looks at the versions: %v", err)
		}
	})
}

// TestOnlyWhatNeedntBeKeptIsErased: a record goes when its retention has ended, and no day before.
func TestOnlyWhatNeedntBeKeptIsErased(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		now := day("2026-01-10")
		h := openAt(t, db, &now)
		ctx, anna := t.Context(), accesstest.Anna()
		must(t, h.put(t, "vehicles", "", car("DU-AB 1", anna.ID), register.Why{Reason: "registered"}))
		must(t, h.put(t, "vehicles", "", car("DU-AB 2", anna.ID), register.Why{Reason: "registered"}))
		g := h.grant(t, access.Request{Action: access.Change, Resource: "register:vehicles", Owner: anna.ID})
		must(t, db.Write(ctx, func(tx *store.Tx) error {
			return h.End(ctx, tx, g, "vehicles", "DU-AB 1", register.Why{Reason: "scrapped"})
		}))
		kept := func() map[bool]register.Kept {
			t.Helper()
			list, err := h.Kept(ctx, db, anna.ID)
			must(t, err)
			out := map[bool]register.Kept{}
			for _, k := range list {
				out[k.Holds] = k
			}
			if len(list) != 2 || len(out) != 2 {
				t.Fatalf("%+v", list)
			}
			return out
		}
		erasing := h.grant(t, access.Request{Action: access.Erase, Resource: "register:vehicles", Owner: anna.ID})
		erase := func(k register.Kept) error {
			return db.Write(ctx, func(tx *store.Tx) error {
				return h.EraseKept(ctx, tx, erasing, "vehicles", k.ID, register.Erasure{Rule: "Art. 17 DSGVO", Case: "c1"})
			})
		}
		k := kept()
		due := k[false].Due
		if due.IsZero() || k[false].Past || k[true].Past || !k[true].Due.IsZero() {
			t.Fatalf("%+v", k)
		}
		now = due.Add(-time.Second)
		if err := erase(kept()[false]); !fault.Is(err, fault.Denied) {
			t.Errorf("erased too early: %v", err)
		}
		now = due
		if err := erase(kept()[true]); !fault.Is(err, fault.Denied) {
			t.Errorf("what holds is erased: %v", err)
		}
		if err := db.Write(ctx, func(tx *store.Tx) error {
			return h.EraseKept(ctx, tx, g, "vehicles", kept()[false].ID, register.Erasure{Rule: "Art. 17 DSGVO"})
		}); err == nil {
			t.Error("erased by a grant to change")
		}
		must(t, erase(kept()[false]))
		list, err := h.Kept(ctx, db, anna.ID)
		must(t, err)
		if len(list) != 1 || !list[0].Holds {
			t.Errorf("left: %+v", list)
		}
	})
}
