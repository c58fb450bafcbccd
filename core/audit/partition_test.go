// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"context"
	"slices"
	"testing"
	"time"

	"mercator/base/ident"
	"mercator/core/store"
	"mercator/core/store/storetest"
)

func TestQuarters(t *testing.T) {
	for at, want := range map[string]string{
		"2026-01-01T00:00:00Z": "x_2026q1", "2026-03-31T23:59:59Z": "x_2026q1", "2026-04-01T01:00:00+02:00": "x_2026q1",
		"2026-06-30T12:00:00Z": "x_2026q2", "2026-12-31T23:59:59Z": "x_2026q4",
	} {
		m, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := quarterName("x", quarter(m)); got != want {
			t.Errorf("%s: %s, want %s", at, got, want)
		}
	}
}

func TestTheLedgerLiesInQuarters(t *testing.T) {
	storetest.Each(t, []store.Migrations{Migrations()}, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		l := &Ledger{DB: db}
		now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
		at := func(day string) (time.Time, string) {
			d, err := time.Parse(time.DateOnly, day)
			if err != nil {
				t.Fatal(err)
			}
			return d, ident.Before(d.Add(time.Minute)) + ident.New()[14:]
		}
		add := func(day string) string {
			d, id := at(day)
			if err := db.Write(ctx, func(tx *store.Tx) error {
				return l.Add(ctx, tx, Entry{ID: id, At: d, ActorKind: "clerk", ActorID: "staff-1", Action: "read", Resource: "case", Purpose: "x", Outcome: Permitted}, []string{"anna"})
			}); err != nil {
				t.Fatal(err)
			}
			return id
		}
		partition := func(now, before time.Time) {
			t.Helper()
			if err := l.Partition(ctx, now, before); err != nil {
				t.Fatal(err)
			}
		}
		early := add("2026-02-10") // before there is a partition: in the rest
		partition(now.AddDate(-2, 0, 0), time.Time{})
		partition(now, time.Time{})
		partition(now, time.Time{}) // again
		partition(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), time.Time{})
		old := add("2024-10-05")
		this, next := add("2026-11-30"), add("2027-03-31")
		far := add("2027-04-01")
		var got []string
		list, err := l.ForPerson(ctx, "anna", "", 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			got = append(got, e.ID)
		}
		if want := []string{far, next, this, early, old}; !slices.Equal(got, want) {
			t.Errorf("who read Anna's data: %v, want %v", got, want)
		}
		if db.Engine() != store.Postgres {
			return
		}
		in := func(table string) (n int) {
			t.Helper()
			if err := db.QueryRow(ctx, "SELECT COUNT(*) FROM "+table).Scan(&n); err != nil {
				t.Error(err)
			}
			return n
		}
		for _, table := range partitioned[:2] {
			for part, want := range map[string]int{"_2024q4": 1, "_2025q1": 0, "_2026q4": 1, "_2027q1": 1, "_rest": 2} {
				if n := in(table + part); n != want {
					t.Errorf("%s%s has %d rows, want %d", table, part, n, want)
				}
			}
		}
		there := func(name string) bool {
			var n int
			if err := db.QueryRow(ctx, "SELECT COUNT(*) FROM pg_class WHERE relname = $1", name).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n > 0
		}
		if there("audit_entry_2026q1") {
			t.Error("a quarter of which the rest has something got a partition")
		}
		partition(now, now) // its end is before now, but it isn't empty
		if !there("audit_entry_2024q4") || there("audit_entry_2025q1") {
			t.Error("what isn't empty is dropped, or what is empty isn't")
		}
		for _, q := range []string{"DELETE FROM audit_subject WHERE entry = $1", "DELETE FROM audit_entry WHERE id = $1"} {
			if err := db.Write(ctx, func(tx *store.Tx) error { _, err := tx.Exec(context.Background(), q, old); return err }); err != nil {
				t.Fatal(err)
			}
		}
		partition(now, now)
		for _, table := range partitioned {
			if there(table+"_2024q4") || !there(table+"_2026q4") || !there(table+"_2027q1") || !there(table+"_rest") {
				t.Errorf("%s: only what is over and empty goes", table)
			}
		}
	})
}
