// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"fmt"
	"strings"
	"testing"
)

// rows is a register of cars as JSON data.
func rows(n int) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = map[string]any{"plate": fmt.Sprintf("DU-AB %d", i), "amount": float64(i%100) + 0.5, "zone": []string{"NN", "AL", "RU"}[i%3], "since": fmt.Sprintf("20%02d-03-%02d", i%25, 1+i%28)}
	}
	return out
}

// deep is an expression nested n deep.
func deep(n int) string {
	return strings.Repeat("(a + ", n) + "b" + strings.Repeat(") * 1.01 - c", n)
}

func bench(b *testing.B, src string, vars map[string]any) {
	b.Helper()
	p, err := Compile(src, Config{})
	if err != nil {
		b.Fatal(err)
	}
	in := make(map[string]Value, len(vars))
	for k, v := range vars {
		in[k] = FromJSON(v)
	}
	if v, err := p.Eval(in); err != nil || v == nil {
		b.Fatal(v, err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Eval(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEval(b *testing.B) {
	for _, c := range []struct {
		name, src string
		vars      map[string]any
	}{
		{"condition", `if months > 12 then 61.40 else if months > 6 then 30.70 else 15.35`, map[string]any{"months": 12}},
		{"deep", deep(60), map[string]any{"a": 1.5, "b": 2, "c": 0.25}},
		{"dates", `date(since) + duration("P" + string(months) + "M") - duration("P1D") > date("2026-12-31") and years and months duration(date(since), date("2026-12-31")).years >= 2`, map[string]any{"since": "2023-04-15", "months": 12}},
		{"filter-10000", `rows[amount > limit and zone = "NN"]`, map[string]any{"rows": rows(10_000), "limit": 50}},
		{"sum-10000", `sum(rows[zone = "NN"].amount)`, map[string]any{"rows": rows(10_000)}},
		{"for-1000", `for r in rows return r.amount * 1.19`, map[string]any{"rows": rows(1_000)}},
		{"some-1000", `some r in rows satisfies r.plate = "DU-AB 999"`, map[string]any{"rows": rows(1_000)}},
		{"texts", `upper case(substring(plate, 1, 2)) + "-" + string(number) = "DU-77" and contains(plate, "AB") and matches(plate, "^[A-Z]{1,3}-[A-Z]{1,2} [0-9]+$")`, map[string]any{"plate": "DU-AB 77", "number": 77}},
	} {
		b.Run(c.name, func(b *testing.B) { bench(b, c.src, c.vars) })
	}
}

func BenchmarkParse(b *testing.B) {
	for name, src := range map[string]string{"condition": `if months > 12 then 61.40 else if months > 6 then 30.70 else 15.35`, "deep": deep(60)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(src, Config{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPlan(b *testing.B) {
	n, err := Parse(deep(60), Config{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		Plan(n, Config{})
	}
}

func BenchmarkFromJSON(b *testing.B) {
	data := rows(10_000)
	b.ReportAllocs()
	for b.Loop() {
		FromJSON(data)
	}
}
