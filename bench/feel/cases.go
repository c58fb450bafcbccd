// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"fmt"
	"strings"
)

// benchCase is an expression and its data. Both engines read it from the same file,
// which the runner writes.
type benchCase struct {
	Name       string         `json:"name"`
	Expression string         `json:"expression"`
	Unary      bool           `json:"unary"`
	Context    map[string]any `json:"context"`
}

// data is the context of an expression: JSON data, the same at each run.
type data = map[string]any

func rows(n int) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = data{"plate": fmt.Sprintf("DU-AB %d", i), "amount": float64(i%100) + 0.5, "zone": []string{"NN", "AL", "RU"}[i%3]}
	}
	return out
}

func cases() []benchCase {
	chain, table := "", []any{}
	for i := range 12 {
		chain += fmt.Sprintf(`if kind = "K%d" and months <= %d then %d.50 else `, i/3, i%3*6+6, 10+i)
		table = append(table, data{"kind": fmt.Sprintf("K%d", i/3), "from": i % 3 * 6, "to": i%3*6 + 6, "fee": 10 + i})
	}
	ten, one := data{"rows": rows(10_000), "limit": 50}, data{"rows": rows(1_000)}
	span := data{"since": "2023-09-15", "until": "2026-12-15"}
	return []benchCase{
		{"fee table of 12 rules, as if and else", chain + "0", false, data{"kind": "K3", "months": 18}},
		{"fee table of 12 rules, as a filter", `rules[kind = k and months > from and months <= to].fee`, false, data{"rules": table, "k": "K3", "months": 18}},
		{"expression 60 deep", strings.Repeat("(a + ", 60) + "b" + strings.Repeat(") * 0.5 - c", 60), false, data{"a": 1.5, "b": 2, "c": 0.25}},
		{"date and duration", `date(since) + duration("P1Y6M") - duration("P1D")`, false, span},
		{"difference of dates", `(date(until) - date(since)) > duration("P1000D") and date(since) < date(until)`, false, span},
		// Dates on the same day of the month: with others feelin 8.2.0 gives days too.
		{"years and months duration", `years and months duration(date(since), date(until))`, false, span},
		{"filter over 10,000 rows", `rows[amount > limit and zone = "NN"]`, false, ten},
		{"count of a filter over 10,000 rows", `count(rows[amount > limit and zone = "NN"])`, false, ten},
		{"sum of a filter over 10,000 rows", `sum(rows[zone = "NN"].amount)`, false, ten},
		{"for over 1,000", `for r in rows return r.amount * 2`, false, one},
		{"some of 1,000, the last", `some r in rows satisfies r.plate = "DU-AB 999"`, false, one},
		{"every of 1,000", `every r in rows satisfies r.amount >= 0.5`, false, one},
		{"texts", `upper case(substring(plate, 1, 2)) + "-77" = "DU-77" and contains(plate, "AB") and matches(plate, "^[A-Z]{1,3}-[A-Z]{1,2} [0-9]+$")`, false, data{"plate": "DU-AB 77"}},
		{"unary tests", `[0..10), (20..30], 45, > 100`, true, data{"?": 45}},
		{"context", `{total: a + b, share: a / b, both: [total, share], ok: both[1] = 3}`, false, data{"a": 1, "b": 2}},
	}
}
