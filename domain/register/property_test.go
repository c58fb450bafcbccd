// SPDX-License-Identifier: EUPL-1.2

package register_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/register"
)

// Whatever grant somebody holds and whatever they ask: no way of reading gives a
// field or a person that the grant doesn't name.
func TestNoReadGivesMoreThanTheGrantNames(t *testing.T) {
	h := open(t, storetest.SQLite(t, rooms))
	people := []string{"p1", "p2", "p3"}
	for i, p := range people {
		must(t, h.put(t, "residents", "", resident(p, "Anna", "Schmidt", fmt.Sprintf("1990-01-0%d", i+1)), register.Why{}))
		must(t, h.put(t, "vehicles", "", car(fmt.Sprintf("DU-A %d", i+1), p), register.Why{}))
		must(t, h.put(t, "vehicles", "", car(fmt.Sprintf("DU-C %d", i+1), people[(i+1)%3]), register.Why{}))
		must(t, h.put(t, "vehicles", "", car(fmt.Sprintf("DU-C %d", i+1), p), register.Why{Reason: "sold"}))
	}
	fields := map[string][]string{"residents": {"id", "given_names", "family_name", "birth_date", "street"}, "vehicles": {"plate", "holder", "make"}}
	rapid.Check(t, func(rt *rapid.T) {
		granted := rapid.SampledFrom([]string{"residents", "vehicles", "businesses"}).Draw(rt, "granted register")
		asked := rapid.SampledFrom([]string{"residents", "vehicles"}).Draw(rt, "asked register")
		some := func(name string, list []string) []string {
			return slices.DeleteFunc(slices.Clone(list), func(string) bool { return rapid.Bool().Draw(rt, name) })
		}
		all := append(slices.Clone(fields["residents"]), fields["vehicles"]...)
		r := access.Request{Actor: access.SystemActor("test"), Purpose: "test", Action: rapid.SampledFrom([]string{access.Read, access.Read, access.Read, access.List, access.Change}).Draw(rt, "action"),
			Resource: register.Resource(granted), Fields: some("granted field", all), Subjects: some("subject", people),
			Owner: rapid.SampledFrom(append([]string{""}, people...)).Draw(rt, "owner")}
		g, err := h.checker.Permit(t.Context(), r)
		if err != nil {
			rt.Fatal(err)
		}
		person := rapid.SampledFrom(people).Draw(rt, "person")
		want := some("asked field", fields[asked])
		var got []map[string]any
		add := func(raw json.RawMessage) {
			var m map[string]any
			if err := json.Unmarshal(raw, &m); err != nil {
				rt.Fatal(err)
			}
			got = append(got, m)
		}
		if v, err := h.Fetch(t.Context(), g, register.Use{Register: asked, Person: person, Fields: want}); err == nil {
			if person != r.Owner && !slices.Contains(r.Subjects, person) {
				rt.Fatalf("fetched for %s", person)
			}
			for _, m := range v.([]any) {
				got = append(got, m.(map[string]any))
			}
		}
		by, value := "family_name", "Schmidt"
		key := person
		if asked == "vehicles" {
			by, value, key = "plate", "DU-A 1", "DU-C "+person[1:]
		}
		if rec, err := h.Get(t.Context(), g, asked, key); err == nil {
			add(rec.Data)
		}
		if list, err := h.History(t.Context(), g, asked, key); err == nil {
			for _, rec := range list {
				add(rec.Data)
			}
		}
		if len(got) > 0 && (r.Action != access.Read || granted != asked) {
			rt.Fatalf("a grant to %s %s reads %s", r.Action, granted, asked)
		}
		// A list of all is what a grant to list gives that names nobody; else a search finds the persons of the grant.
		everybody := r.Action == access.List && r.Owner == "" && len(r.Subjects) == 0
		if list, err := h.find(t, g, asked, by, value, want); err == nil {
			if len(list) > 0 && (r.Action == access.Change || granted != asked) {
				rt.Fatalf("a grant to %s %s searches %s", r.Action, granted, asked)
			}
			got = append(got, list...)
		}
		for _, m := range got {
			for f, v := range m {
				if !slices.Contains(r.Fields, f) {
					rt.Fatalf("field %s isn't granted", f)
				}
				if !everybody && (f == "holder" || f == "id") {
					if p := v.(string); p != r.Owner && !slices.Contains(r.Subjects, p) {
						rt.Fatalf("the record of %s isn't granted", p)
					}
				}
			}
		}
	})
}

// Writers at the same record wait for or refuse each other; no version is lost.
func TestWritersAtOneRecordLoseNoVersion(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		var mu sync.Mutex
		stored := 0
		var wg sync.WaitGroup
		g := h.grant(t, access.Request{Action: access.Change, Resource: register.Resource("vehicles")})
		s, err := register.New(register.Config{DB: db, Vault: h.vault, Registers: declared(t)})
		must(t, err)
		for i := range 8 {
			wg.Go(func() {
				for k := range 5 {
					err := db.Write(t.Context(), func(tx *store.Tx) error {
						return s.Put(t.Context(), tx, g, "vehicles", "DU-AB 1", car("DU-AB 1", fmt.Sprintf("p%d-%d", i, k)), register.Why{})
					})
					switch {
					case err == nil:
						mu.Lock()
						stored++
						mu.Unlock()
					case !fault.Is(err, fault.Conflict):
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		var subjects []string
		for i := range 8 {
			for k := range 5 {
				subjects = append(subjects, fmt.Sprintf("p%d-%d", i, k))
			}
		}
		read := h.grant(t, access.Request{Action: access.Read, Resource: register.Resource("vehicles"), Subjects: subjects, Fields: []string{"plate"}})
		hist, err := h.History(t.Context(), read, "vehicles", "DU-AB 1")
		must(t, err)
		if stored == 0 || len(hist) != stored || hist[0].Version != int64(stored) {
			t.Errorf("%d changes were stored, %d versions are there, the last is %d", stored, len(hist), hist[0].Version)
		}
	})
}
