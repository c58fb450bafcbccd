// SPDX-License-Identifier: EUPL-1.2

package register_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/register"
)

// What is laid over a record holds as a list of days says: until the next change of that field that is known, or in all of a
// time that has an end.
func TestFieldsAreLaidOverAgainstAList(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		const days = 20
		n := 0
		rapid.Check(t, func(rt *rapid.T) {
			if n++; n > 40 && db.Engine() == store.Postgres {
				return // each commits
			}
			now := day("2026-06-10").Add(9 * time.Hour)
			h := openAt(t, db, &now)
			at := func(i int) time.Time { return day("2026-06-01").AddDate(0, 0, i) }
			id := fmt.Sprintf("p%d-%s", n, db.Engine())
			must(t, h.put(t, "residents", "", resident(id, "Anna", "Schmidt", "1990-01-01"), register.Why{From: at(0)}))
			model := map[string][]string{"street": make([]string, days), "family_name": make([]string, days)}
			for i := range days {
				model["street"][i], model["family_name"][i] = "Kantstraße", "Schmidt"
			}
			read := h.grant(t, access.Request{Action: access.Read, Resource: "register:residents", Owner: id, Fields: []string{"street", "family_name"}})
			for range rapid.IntRange(1, 8).Draw(rt, "changes") {
				now = now.Add(time.Hour)
				fields := map[string]any{}
				for f := range model {
					if rapid.Bool().Draw(rt, f) {
						fields[f] = rapid.SampledFrom([]string{"Kantstraße", "Schmidt", "Hafen", "Ufer"}).Draw(rt, "is")
					}
				}
				from := rapid.IntRange(0, days-2).Draw(rt, "from")
				why := register.Why{From: at(from), Reason: "test"}
				to := days
				if rapid.IntRange(0, 3).Draw(rt, "ends") == 0 {
					to = rapid.IntRange(from+1, days-1).Draw(rt, "to")
					why.To = at(to)
				}
				for f, v := range fields {
					was := model[f][from]
					for i := from; i < to && (!why.To.IsZero() || model[f][i] == was); i++ {
						model[f][i] = v.(string)
					}
				}
				g := h.grant(t, access.Request{Action: access.Change, Resource: "register:residents", Owner: id, Fields: []string{"street", "family_name"}})
				if err := db.Write(t.Context(), func(tx *store.Tx) error {
					if rapid.Bool().Draw(rt, "as an edit") && why.To.IsZero() && len(fields) > 0 {
						r, err := h.Get(t.Context(), read, "residents", id)
						if err != nil {
							return err
						}
						mark := r.Mark()
						_, err = h.Edit(t.Context(), tx, g, "residents", register.Edit{Key: id, Patch: fields, Only: &mark, Why: why})
						return err
					}
					return h.Amend(t.Context(), tx, g, "residents", id, fields, why)
				}); err != nil {
					rt.Fatal(err)
				}
				for i := range days {
					r, err := h.AsOf(t.Context(), read, "residents", id, at(i).Add(12*time.Hour), now.Add(time.Second))
					if err != nil {
						rt.Fatal(err)
					}
					var is struct {
						Street string `json:"street"`
						Name   string `json:"family_name"`
					}
					must(t, json.Unmarshal(r.Data, &is))
					if is.Street != model["street"][i] || is.Name != model["family_name"][i] {
						rt.Fatalf("on day %d: %+v, want %s, %s", i, is, model["street"][i], model["family_name"][i])
					}
				}
			}
		})
	})
}

// Somebody whose name has changed today tells of the move of last week; somebody whose move next month is known has a field put
// right; and the move is called off.
func TestWhatIsKnownOfOtherTimesStays(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		now := day("2026-06-10").Add(9 * time.Hour)
		h := openAt(t, db, &now)
		must(t, h.put(t, "residents", "", resident("p1", "Anna", "Schmidt", "1990-01-01"), register.Why{From: day("2020-01-01")}))
		all := []string{"id", "given_names", "family_name", "street", "house_number", "postcode", "city", "quarter", "birth_date", "nationality", "residence_since"}
		change := h.grant(t, access.Request{Action: access.Change, Resource: "register:residents", Owner: "p1", Fields: all})
		read := h.grant(t, access.Request{Action: access.Read, Resource: "register:residents", Owner: "p1", Fields: all})
		amend := func(fields map[string]any, from string) {
			t.Helper()
			now = now.Add(time.Minute)
			why := register.Why{}
			if from != "" {
				why.From = day(from)
			}
			must(t, db.Write(t.Context(), func(tx *store.Tx) error { return h.Amend(t.Context(), tx, change, "residents", "p1", fields, why) }))
		}
		edit := func(e register.Edit) {
			t.Helper()
			now = now.Add(time.Minute)
			r, err := h.Get(t.Context(), read, "residents", "p1")
			must(t, err)
			mark := r.Mark()
			e.Key, e.Only = "p1", &mark
			must(t, db.Write(t.Context(), func(tx *store.Tx) error { _, err := h.Edit(t.Context(), tx, change, "residents", e); return err }))
		}
		is := func(on string) map[string]any {
			t.Helper()
			r, err := h.AsOf(t.Context(), read, "residents", "p1", day(on).Add(20*time.Hour), now.Add(time.Second))
			must(t, err)
			var m map[string]any
			must(t, json.Unmarshal(r.Data, &m))
			return m
		}
		expect := func(on, street, name, number string) {
			t.Helper()
			if m := is(on); m["street"] != street || m["family_name"] != name || m["house_number"] != number {
				t.Errorf("on %s: %v %v %v, want %s %s %s", on, m["street"], m["house_number"], m["family_name"], street, number, name)
			}
		}
		amend(map[string]any{"family_name": "Kaya"}, "")
		amend(map[string]any{"street": "Hafenstraße"}, "2026-06-03")
		expect("2026-06-02", "Kantstraße", "Schmidt", "14")
		expect("2026-06-04", "Hafenstraße", "Schmidt", "14")
		expect("2026-06-11", "Hafenstraße", "Kaya", "14")
		amend(map[string]any{"street": "Uferstraße", "house_number": "1"}, "2026-07-01")
		edit(register.Edit{Patch: map[string]any{"house_number": "15"}})
		expect("2026-06-11", "Hafenstraße", "Kaya", "15")
		expect("2026-07-02", "Uferstraße", "Kaya", "1")
		whole := is("2026-06-11")
		whole["family_name"] = "Kaya-Schmidt"
		edit(register.Edit{Data: whole})
		expect("2026-06-11", "Hafenstraße", "Kaya-Schmidt", "15")
		expect("2026-07-02", "Uferstraße", "Kaya-Schmidt", "1")
		// An import that says the same, or something new, takes nothing back.
		now = now.Add(time.Minute)
		whole["family_name"] = "Kaya"
		text, err := json.Marshal(whole)
		must(t, err)
		load := func(name string) {
			t.Helper()
			must(t, h.Load(t.Context(), h.grant(t, access.Request{Action: access.Change, Resource: "register:residents"}), register.Loading{Name: name, Upsert: true,
				Records: func(yield func(register.Item) bool) { yield(register.Item{Register: "residents", Data: text}) }}))
		}
		load("a")
		load("b")
		expect("2026-06-11", "Hafenstraße", "Kaya", "15")
		expect("2026-07-02", "Uferstraße", "Kaya", "1")
		// As it is now it stays: the move is called off.
		edit(register.Edit{Patch: map[string]any{}, Why: register.Why{From: day("2026-07-01")}})
		expect("2026-07-02", "Hafenstraße", "Kaya", "15")
		if err := db.Write(t.Context(), func(tx *store.Tx) error {
			return h.Amend(t.Context(), tx, change, "residents", "p1", map[string]any{"street": "x"}, register.Why{From: day("2026-07-02"), To: day("2026-07-01")})
		}); !fault.Is(err, fault.Invalid) {
			t.Errorf("a time that ends before it begins: %v", err)
		}
		// A whole record that says the same of all time to come calls a change off, too.
		amend(map[string]any{"street": "Ringstraße"}, "2026-08-01")
		expect("2026-08-02", "Ringstraße", "Kaya", "15")
		now = now.Add(time.Minute)
		must(t, h.put(t, "residents", "p1", is("2026-06-11"), register.Why{}))
		expect("2026-08-02", "Hafenstraße", "Kaya", "15")
	})
}
