// SPDX-License-Identifier: EUPL-1.2

package process_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"

	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/process"
)

const fillTask = `INSERT INTO process_task (id, instance_id, token, case_id, ref, label, service, version, office, element, name, form, roles, properties,
	assignee, assignee_name, state, priority, due_at, created_at, done_at, revision)
VALUES ($1, $1, 't1', $1, $2, $3, $4, 'v1', $5, 'review', 'Review', 'decision', '[]', '{}', $6, $6, $7, 50, $8, $8, $8, 1)`

const fillWord = `INSERT INTO process_word (office, word, task_id) VALUES ($1, $2, $3)`

// BenchmarkWorklist asks for worklists among $MERCATOR_BENCH_CASES cases (100,000),
// a tenth of them with an open task, half of those in one office.
func BenchmarkWorklist(b *testing.B) {
	n := 100_000
	if s := os.Getenv("MERCATOR_BENCH_CASES"); s != "" {
		n, _ = strconv.Atoi(s)
	}
	for name, open := range map[string]func(testing.TB, []store.Migrations) *store.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			db := open(b, rooms())
			ctx := context.Background()
			for at := 0; at < n; at += 5000 {
				if err := db.Write(ctx, func(tx *store.Tx) error {
					for i := at; i < min(at+5000, n); i++ {
						id, state, office, assignee := ident.New(), "done", "40", ""
						if i%10 == 0 {
							state = "open"
						}
						if i%20 == 0 {
							office = "32"
						}
						if i%60 == 0 {
							assignee = fmt.Sprint("clerk-", i%17)
						}
						if _, err := tx.Exec(ctx, fillTask, id, fmt.Sprint("2026-", i), "Anna Müller", fmt.Sprint("s", i%7), office, assignee, state, int64(i)*7919%1_000_003); err != nil {
							return err
						}
						if state == "open" {
							if _, err := tx.Exec(ctx, fillWord, office, fmt.Sprint("w", i%5000), id); err != nil {
								return err
							}
						}
					}
					return nil
				}); err != nil {
					b.Fatal(err)
				}
			}
			if db.Engine() == store.Postgres {
				if err := db.Write(ctx, func(tx *store.Tx) error { _, err := tx.Exec(ctx, "ANALYZE process_task"); return err }); err != nil {
					b.Fatal(err)
				}
			}
			h := openHouse(b, db)
			g := accesstest.Grant(b, h.check, access.Request{Actor: accesstest.Clerk("32"), Action: access.List, Resource: "task"})
			for _, f := range []struct {
				name string
				f    process.Filter
			}{{"open", process.Filter{}}, {"free", process.Filter{Free: true}}, {"mine", process.Filter{Mine: true}}, {"service", process.Filter{Service: "s0"}},
				{"search", process.Filter{Search: "w40"}}, {"done", process.Filter{Done: true}}} {
				b.Run(f.name, func(b *testing.B) {
					for b.Loop() {
						if _, err := h.engine.Worklist(ctx, g, f.f, process.After{}, 25); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
			b.Run("counts", func(b *testing.B) {
				for b.Loop() {
					if _, err := h.engine.Counts(ctx, g); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// BenchmarkCase takes cases from their start to the payment and the permit's job.
func BenchmarkCase(b *testing.B) {
	h := openHouse(b, storetest.SQLite(b, rooms()))
	i := 0
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			h.mu.Lock()
			i++
			id := fmt.Sprint("c", i)
			h.mu.Unlock()
			if err := h.db.Write(context.Background(), func(tx *store.Tx) error {
				_, err := h.engine.Start(context.Background(), tx, h.def, process.StartParams{CaseID: id, CaseRef: id, Label: "Anna Müller", Service: "permit", Office: "32",
					Vars: map[string]any{"zone": "granted", "case": map[string]any{"id": id}}})
				return err
			}); err != nil {
				b.Error(err)
			}
		}
	})
}
