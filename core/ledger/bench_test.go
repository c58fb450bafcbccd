// SPDX-License-Identifier: EUPL-1.2

package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"mercator/core/store"
	"mercator/core/store/storetest"
)

// engines are those that benchmarks run on.
var engines = map[string]func(testing.TB, []store.Migrations) *store.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres}

// BenchmarkProof is what a person with 1,000 entries downloads, among others' 20,000, and its check.
func BenchmarkProof(b *testing.B) {
	for name, open := range engines {
		h := newHouse(b, open(b, rooms()))
		for range 20 {
			h.reads(1000, func(i int) []string { return []string{fmt.Sprint("p", i)} })
			h.reads(50, func(int) []string { return []string{"anna"} })
		}
		h.append()
		p := must(h.log.prove(context.Background(), "anna", shown, "", MaxRecords))
		b.Run(name+"/make", func(b *testing.B) {
			for b.Loop() {
				if p, err := h.log.prove(context.Background(), "anna", shown, "", MaxRecords); err != nil || len(p.Records) != 1000 {
					b.Fatal(len(p.Records), err)
				}
				must(json.Marshal(p))
			}
		})
		file := must(json.Marshal(p))
		b.Run(name+"/check", func(b *testing.B) {
			for b.Loop() {
				if c, err := must(ReadProof(bytes.NewReader(file))).Check(h.log.PublicKey()); err != nil || c.Entries != 1000 {
					b.Fatal(c, err)
				}
			}
			b.ReportMetric(float64(len(file)), "bytes")
		})
	}
}

// BenchmarkWhoRead is a page of a person with 100,000 entries, the first and one in the middle.
func BenchmarkWhoRead(b *testing.B) {
	for name, open := range engines {
		h := newHouse(b, open(b, rooms()))
		middle := ""
		for i := range 100 {
			ids := h.reads(1000, func(i int) []string { return []string{"anna", fmt.Sprint("p", i)} })
			if i == 50 {
				middle = ids[0]
			}
		}
		for page, before := range map[string]string{"first": "", "middle": middle} {
			b.Run(name+"/"+page, func(b *testing.B) {
				for b.Loop() {
					if list, err := h.audit.ForPerson(context.Background(), "anna", before, 31); err != nil || len(list) != 31 {
						b.Fatal(len(list), err)
					}
				}
			})
		}
	}
}

// BenchmarkAppend is how fast records get from the database into the log, and the database learns where they stand.
func BenchmarkAppend(b *testing.B) {
	for name, open := range engines {
		b.Run(name, func(b *testing.B) {
			h := newHouse(b, open(b, rooms()))
			const n = 10_000
			for b.Loop() {
				b.StopTimer()
				h.reads(n, func(int) []string { return []string{"anna"} })
				b.StartTimer()
				h.append()
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// BenchmarkVerify holds 20,000 records against the log.
func BenchmarkVerify(b *testing.B) {
	for name, open := range engines {
		h := newHouse(b, open(b, rooms()))
		for range 20 {
			h.reads(1000, func(i int) []string { return []string{fmt.Sprint("p", i%100)} })
		}
		h.append()
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				h.sound()
			}
			b.ReportMetric(20_000*float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
