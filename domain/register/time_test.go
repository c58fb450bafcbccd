// SPDX-License-Identifier: EUPL-1.2

package register_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/core/vault/vaulttest"
	"mercator/domain/register"
)

// openAt is a house with a clock of its own.
func openAt(t testing.TB, db *store.DB, now *time.Time) *house {
	h := &house{db: db, checker: accesstest.AllowAll(t, db), vault: vaulttest.Open(t, db)}
	var err error
	h.Service, err = register.New(register.Config{DB: db, Vault: h.vault, Registers: declared(t), Now: func() time.Time { return *now },
		Publish: func(_ context.Context, _ *store.Tx, c register.Changed) error {
			h.published = append(h.published, c)
			return nil
		}})
	must(t, err)
	return h
}

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func street(name string) map[string]any {
	r := resident("p1", "Anna", "Schmidt", "1990-01-01")
	r["street"] = name
	return r
}

// What did the city know on 3 May, and what does it know now about 3 May?
func TestTwoTimes(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		now := day("2026-01-10")
		h := openAt(t, db, &now)
		must(t, h.put(t, "residents", "", street("Kantstraße"), register.Why{From: day("2020-01-01")}))
		now = day("2026-05-01") // she says in advance that she'll move
		must(t, h.put(t, "residents", "", street("Hafenstraße"), register.Why{From: day("2026-06-01")}))
		now = day("2026-05-20") // it turns out that she was away for a while
		must(t, h.put(t, "residents", "", street("Parkstraße"), register.Why{From: day("2026-04-15"), To: day("2026-05-10")}))
		g := h.grant(t, access.Request{Action: access.Read, Resource: "register:residents", Owner: "p1", Fields: []string{"street"}})
		asOf := func(valid, known string) string {
			t.Helper()
			r, err := h.AsOf(t.Context(), g, "residents", "p1", day(valid), day(known))
			if fault.Is(err, fault.NotFound) {
				return ""
			}
			must(t, err)
			var m map[string]string
			must(t, json.Unmarshal(r.Data, &m))
			return m["street"]
		}
		is := func() string {
			t.Helper()
			r, err := h.Get(t.Context(), g, "residents", "p1")
			must(t, err)
			var m map[string]string
			must(t, json.Unmarshal(r.Data, &m))
			return m["street"]
		}
		for _, x := range [][3]string{
			{"2026-05-03", "2026-05-03", "Kantstraße"}, {"2026-05-03", "2026-05-20", "Parkstraße"},
			{"2026-05-12", "2026-05-20", "Kantstraße"}, {"2026-07-01", "2026-04-30", "Kantstraße"}, {"2026-07-01", "2026-05-20", "Hafenstraße"},
			{"2019-12-31", "2026-05-20", ""}, {"2026-05-03", "2026-01-09", ""},
		} {
			if got := asOf(x[0], x[1]); got != x[2] {
				t.Errorf("on %s by what was known on %s: %q, want %q", x[0], x[1], got, x[2])
			}
		}
		if is() != "Kantstraße" {
			t.Errorf("before she moves: %s", is())
		}
		now = day("2026-06-01") // whether or not anything has turned meanwhile
		if is() != "Hafenstraße" {
			t.Errorf("when she has moved: %s", is())
		}
		before := len(h.published)
		more, err := h.Turn(t.Context())
		if must(t, err); more || len(h.published) != before+1 || is() != "Hafenstraße" {
			t.Errorf("turned: %v %v %s", more, h.published[before:], is())
		}
		if _, err := h.Turn(t.Context()); err != nil || len(h.published) != before+1 {
			t.Errorf("turned twice: %v", err)
		}
		hist, err := h.History(t.Context(), g, "residents", "p1")
		if must(t, err); len(hist) != 3 || hist[0].Version != 3 || hist[2].ValidFrom != day("2020-01-01") || !hist[2].ValidTo.IsZero() {
			t.Errorf("%+v", hist)
		}
		// The same again is no news; a span without a day is a mistake.
		must(t, h.put(t, "residents", "", street("Hafenstraße"), register.Why{}))
		if hist, _ = h.History(t.Context(), g, "residents", "p1"); len(hist) != 3 {
			t.Errorf("%d versions after saying it again", len(hist))
		}
		if err := h.put(t, "residents", "", street("X"), register.Why{From: now, To: now}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%v", err)
		}
		// She moves away: nothing holds from then on, in no list either, and all of it is still known.
		change := h.grant(t, access.Request{Action: access.Change, Resource: "register:residents", Owner: "p1"})
		end := func(key string) error {
			return db.Write(t.Context(), func(tx *store.Tx) error {
				return h.End(t.Context(), tx, change, "residents", key, register.Why{From: day("2026-08-01"), Reason: "moved away"})
			})
		}
		must(t, end("p1"))
		if err := end("p9"); !fault.Is(err, fault.NotFound) {
			t.Errorf("%v", err)
		}
		if is() != "Hafenstraße" {
			t.Errorf("before she leaves: %s", is())
		}
		now = day("2026-08-02")
		if _, err := h.Get(t.Context(), g, "residents", "p1"); !fault.Is(err, fault.NotFound) {
			t.Errorf("she has moved away: %v", err)
		}
		if list, err := h.Fetch(t.Context(), g, register.Use{Register: "residents", Person: "p1", Fields: []string{"street"}}); err != nil || len(list.([]any)) != 0 {
			t.Errorf("%v %v", list, err)
		}
		if asOf("2026-07-01", "2026-08-02") != "Hafenstraße" || asOf("2026-08-02", "2026-08-02") != "" || asOf("2026-08-02", "2026-05-25") != "Hafenstraße" {
			t.Errorf("%q %q", asOf("2026-07-01", "2026-08-02"), asOf("2026-08-02", "2026-08-02"))
		}
		if _, err := h.Turn(t.Context()); err != nil {
			t.Error(err)
		}
		if hist, err = h.History(t.Context(), g, "residents", "p1"); err != nil || len(hist) != 4 || hist[0].Reason != "moved away" {
			t.Errorf("%v %+v", err, hist)
		}
		must(t, h.put(t, "residents", "", street("Kantstraße"), register.Why{})) // she's back
		if is() != "Kantstraße" {
			t.Error(is())
		}
	})
}

// Whatever is asserted in whatever order: for each pair of moments the newest assertion that
// covers both holds, and reading says the same before and after turning.
func TestTimesAgainstAList(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		n := 0
		var now time.Time
		h := openAt(t, db, &now)
		rapid.Check(t, func(rt *rapid.T) {
			n++
			id := fmt.Sprint("p", n)
			now = day("2026-01-01")
			type said struct {
				from, to, at time.Time
				street       string
			}
			var log []said
			days := func(name string) time.Time {
				return day("2026-01-01").AddDate(0, 0, rapid.IntRange(-20, 40).Draw(rt, name))
			}
			for i := range rapid.IntRange(1, 7).Draw(rt, "assertions") {
				now = now.AddDate(0, 0, rapid.IntRange(0, 5).Draw(rt, "later")).Add(time.Second)
				s := said{from: days("from"), at: now, street: fmt.Sprint("S", i)}
				if rapid.Bool().Draw(rt, "ends") {
					s.to = s.from.AddDate(0, 0, rapid.IntRange(1, 20).Draw(rt, "days"))
				}
				r := street(s.street)
				r["id"] = id
				if err := h.put(t, "residents", "", r, register.Why{From: s.from, To: s.to}); err != nil {
					rt.Fatal(err)
				}
				log = append(log, s)
				if rapid.Bool().Draw(rt, "turn") {
					if _, err := h.Turn(t.Context()); err != nil {
						rt.Fatal(err)
					}
				}
			}
			g := h.grant(t, access.Request{Action: access.Read, Resource: "register:residents", Owner: id, Fields: []string{"street"}})
			want := func(valid, known time.Time) string {
				for _, s := range slices.Backward(log) {
					if !s.at.After(known) && !s.from.After(valid) && (s.to.IsZero() || valid.Before(s.to)) {
						return s.street
					}
				}
				return ""
			}
			of := func(r register.Record, err error) string {
				if fault.Is(err, fault.NotFound) {
					return ""
				}
				if err != nil {
					rt.Fatal(err)
				}
				var m map[string]string
				if err := json.Unmarshal(r.Data, &m); err != nil {
					rt.Fatal(err)
				}
				return m["street"]
			}
			for range 6 {
				valid, known := days("valid"), now.AddDate(0, 0, -rapid.IntRange(0, 20).Draw(rt, "known"))
				if got := of(h.AsOf(t.Context(), g, "residents", id, valid, known)); got != want(valid, known) {
					rt.Fatalf("on %v by %v: %q, want %q of %+v", valid, known, got, want(valid, known), log)
				}
			}
			for range 3 {
				now = now.AddDate(0, 0, rapid.IntRange(0, 15).Draw(rt, "on"))
				if got := of(h.Get(t.Context(), g, "residents", id)); got != want(now, now) {
					rt.Fatalf("now, %v: %q, want %q of %+v", now, got, want(now, now), log)
				}
			}
		})
	})
}

// The database holds nothing personal in the clear, and an erased person is gone from it
// and from every copy.
func TestSealedAndErased(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		must(t, h.put(t, "residents", "", resident("p1", "Annabell", "Schmidtbauer", "1990-01-01"), register.Why{}))
		must(t, h.put(t, "residents", "", resident("p2", "Bernhard", "Unverzagt", "1980-01-01"), register.Why{}))
		must(t, h.put(t, "vehicles", "", car("DU-AB 4711", "p1"), register.Why{}))
		must(t, h.put(t, "vehicles", "", car("DU-CD 815", "p1"), register.Why{}))
		must(t, h.put(t, "vehicles", "", car("DU-CD 815", "p2"), register.Why{Reason: "sold"}))
		dump := func() string {
			var b strings.Builder
			for _, q := range []string{"SELECT register, id, person, data, sealed FROM register_record", "SELECT register, id, person, data, sealed FROM register_version"} {
				rows, err := db.Query(t.Context(), q)
				must(t, err)
				for rows.Next() {
					var a, c, d, e, s string
					must(t, rows.Scan(&a, &c, &d, &e, &s))
					fmt.Fprintln(&b, a, c, d, e, s)
				}
				must(t, rows.Close())
			}
			rows, err := db.Query(t.Context(), "SELECT register || field, value, id FROM register_key")
			must(t, err)
			defer rows.Close()
			for rows.Next() {
				var a, c, d string
				must(t, rows.Scan(&a, &c, &d))
				fmt.Fprintln(&b, a, c, d)
			}
			return b.String()
		}
		for _, secret := range []string{"Annabell", "Schmidtbauer", "schmidtbauer", "1990-01-01", "Kantstra", "4711", "815", "Astra"} {
			if strings.Contains(dump(), secret) {
				t.Errorf("%q stands in the database", secret)
			}
		}
		fields := []string{"plate", "holder", "make"}
		read := h.grant(t, access.Request{Action: access.Read, Resource: "register:vehicles", Subjects: []string{"p1", "p2"}, Fields: fields})
		if list, err := h.find(t, read, "vehicles", "plate", "du ab 4711", fields); err != nil || len(list) != 1 || list[0]["make"] != "Opel" {
			t.Errorf("%v %v", list, err)
		}
		change := h.grant(t, access.Request{Action: access.Change, Resource: "register", Owner: "p1"})
		g := h.grant(t, access.Request{Action: access.Erase, Resource: "register", Owner: "p1"})
		erase := func(g access.Grant, person string, why register.Erasure) (n int, err error) {
			err = db.Write(t.Context(), func(tx *store.Tx) (err error) { n, err = h.Erase(t.Context(), tx, g, person, why); return err })
			return n, err
		}
		if _, err := erase(change, "p1", register.Erasure{Rule: "§ 14 BMG"}); err == nil {
			t.Error("erased by a grant to change")
		}
		if _, err := erase(g, "p2", register.Erasure{Rule: "§ 14 BMG"}); err == nil {
			t.Error("erased somebody whom the grant doesn't name")
		}
		if _, err := erase(g, "p1", register.Erasure{}); err == nil {
			t.Error("erased without a rule")
		}
		if n, err := erase(g, "p1", register.Erasure{Rule: "§ 14 BMG"}); err != nil || n != 2 {
			t.Fatalf("%d %v", n, err)
		}
		if list, err := h.find(t, read, "vehicles", "plate", "DU-AB 4711", fields); err != nil || len(list) != 0 {
			t.Errorf("%v %v", list, err)
		}
		// What p1 had of a car that is p2's now can't be read either; p2's can.
		hist, err := h.History(t.Context(), read, "vehicles", "DU-CD 815")
		must(t, err)
		if len(hist) != 2 || !strings.Contains(string(hist[0].Data), "Opel") || strings.Contains(string(hist[1].Data), "Opel") {
			t.Errorf("%s %s", hist[0].Data, hist[1].Data)
		}
		var rule string
		var records, versions int
		must(t, db.QueryRow(t.Context(), "SELECT rule, records, versions FROM register_erasure WHERE register = 'vehicles'").Scan(&rule, &records, &versions))
		if rule != "§ 14 BMG" || records != 1 || versions != 1 {
			t.Errorf("%s %d %d", rule, records, versions)
		}
		if strings.Contains(dump(), "residents p1") {
			t.Error("a record of the erased person is there")
		}
	})
}

// What was stored before there were seals is sealed at the next start, once, and found as before.
func TestUpgradeSealsWhatIsThere(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		raw := func(q string, args ...any) {
			t.Helper()
			must(t, db.Write(t.Context(), func(tx *store.Tx) error { _, err := tx.Exec(t.Context(), q, args...); return err }))
		}
		text := func(v any) string { b, err := json.Marshal(v); must(t, err); return string(b) }
		const record = "INSERT INTO register_record (register, id, person, version, data, changed_at, changed_by, reason, case_id, last) VALUES ($1, $2, $3, $4, $5, 1, 'x', '', '', $4)"
		raw(record, "vehicles", "DU-AB 1", "p2", 2, text(car("DU-AB 1", "p2")))
		raw("INSERT INTO register_version (register, id, version, person, data, changed_at, changed_by, reason, case_id) VALUES ('vehicles', 'DU-AB 1', 1, 'p1', $1, 1, 'x', '', '')", text(car("DU-AB 1", "p1")))
		for i := range 1200 { // several batches
			id := fmt.Sprintf("r%04d", i)
			raw(record, "residents", id, "", 1, text(resident(id, "Anna", "Schmidt"+id, "1990-01-01")))
		}
		must(t, h.Upgrade(t.Context()))
		must(t, h.Upgrade(t.Context()))
		fields := []string{"plate", "holder", "make"}
		g := h.grant(t, access.Request{Action: access.Read, Resource: "register:vehicles", Subjects: []string{"p1", "p2"}, Fields: fields})
		if list, err := h.find(t, g, "vehicles", "plate", "DU-AB 1", fields); err != nil || len(list) != 1 || list[0]["make"] != "Opel" {
			t.Errorf("%v %v", list, err)
		}
		hist, err := h.History(t.Context(), g, "vehicles", "DU-AB 1")
		if must(t, err); len(hist) != 2 || !strings.Contains(string(hist[1].Data), "p1") {
			t.Errorf("%+v", hist)
		}
		people := h.grant(t, access.Request{Action: access.Read, Resource: "register:residents", Subjects: []string{"r1199"}, Fields: []string{"id", "given_names", "family_name"}})
		if list, err := h.find(t, people, "residents", "family_name", "Schmidtr1199", []string{"given_names"}); err != nil || len(list) != 1 || list[0]["given_names"] != "Anna" {
			t.Errorf("%v %v", list, err)
		}
		for _, q := range []string{"SELECT count(*) FROM register_record WHERE data LIKE '%Schmidt%' OR data LIKE '%Opel%'", "SELECT count(*) FROM register_version WHERE data LIKE '%Opel%'", "SELECT count(*) FROM register_key WHERE value LIKE 'schmidt%'"} {
			var n int
			must(t, db.QueryRow(t.Context(), q).Scan(&n))
			if n != 0 {
				t.Errorf("%d by %s", n, q)
			}
		}
	})
}
