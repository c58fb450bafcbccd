// SPDX-License-Identifier: EUPL-1.2

package dmn

import (
	"fmt"
	"strings"
	"testing"
)

// bigTable is a model with a table of n rules: a fee by district and amount.
func bigTable(n int) string {
	var b strings.Builder
	b.WriteString(`<definitions xmlns="https://www.omg.org/spec/DMN/20230324/MODEL/" id="d" name="big" namespace="urn:big">
<inputData id="amount" name="amount"><variable name="amount" typeRef="number"/></inputData><inputData id="district" name="district"><variable name="district" typeRef="string"/></inputData>
<decision id="fee" name="fee"><variable name="fee" typeRef="number"/><informationRequirement><requiredInput href="#amount"/></informationRequirement><informationRequirement><requiredInput href="#district"/></informationRequirement>
<decisionTable hitPolicy="UNIQUE"><input><inputExpression typeRef="number"><text>amount</text></inputExpression></input><input><inputExpression typeRef="string"><text>district</text></inputExpression></input><output name="fee" typeRef="number"/>
`)
	for i := range n {
		fmt.Fprintf(&b, `<rule id="r%d"><inputEntry><text>[%d..%d)</text></inputEntry><inputEntry><text>"D%02d"</text></inputEntry><outputEntry><text>%d.%02d</text></outputEntry></rule>`+"\n", i, i/10*100, i/10*100+100, i%10, i, i%100)
	}
	b.WriteString(`</decisionTable></decision></definitions>`)
	return b.String()
}

func benchDecide(b *testing.B, d *Definitions, name string, in map[string]any, o EvalOptions) {
	b.Helper()
	if r, err := d.Evaluate(name, in, o); err != nil || r.Value == nil {
		b.Fatal(r, err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Evaluate(name, in, o); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	for _, n := range []int{12, 1000, 10_000} {
		d, err := Parse("big.dmn", []byte(bigTable(n)))
		if err != nil {
			b.Fatal(err)
		}
		in := map[string]any{"amount": n / 20 * 100, "district": fmt.Sprintf("D%02d", 7%min(n, 10))}
		b.Run(fmt.Sprintf("%d-rules", n), func(b *testing.B) { benchDecide(b, d, "fee", in, EvalOptions{}) })
		b.Run(fmt.Sprintf("%d-rules-traced", n), func(b *testing.B) { benchDecide(b, d, "fee", in, EvalOptions{Trace: true}) })
		for _, e := range d.elements { // what the index saves
			for _, t := range e.tables {
				t.index = nil
			}
		}
		b.Run(fmt.Sprintf("%d-rules-without-index", n), func(b *testing.B) { benchDecide(b, d, "fee", in, EvalOptions{}) })
	}
	b.Run("parking-permit", func(b *testing.B) {
		in := map[string]any{"registers": nil, "address_zone": map[string]any{"code": "NN"}, "application": map[string]any{"zone": "NN", "plate": "X"}}
		benchDecide(b, read(b, "resident-parking-permit/eligibility.dmn"), "eligibility", in, EvalOptions{})
	})
}

func BenchmarkParse(b *testing.B) {
	for _, n := range []int{12, 1000} {
		text := []byte(bigTable(n))
		b.Run(fmt.Sprintf("%d-rules", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse("big.dmn", text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The index finds the same rules as a look at all of them.
func TestIndex(t *testing.T) {
	d := parsed(t, bigTable(200))
	slow := parsed(t, bigTable(200))
	for _, e := range d.elements {
		for _, tab := range e.tables {
			if tab.index == nil {
				t.Fatal("no index")
			}
		}
	}
	for _, e := range slow.elements {
		for _, tab := range e.tables {
			tab.index = nil
		}
	}
	for amount := -50; amount < 2200; amount += 25 {
		for _, district := range []any{"D00", "D07", "D99", nil, 3} {
			in := map[string]any{"amount": amount, "district": district}
			a, err1 := d.Evaluate("fee", in, EvalOptions{})
			b, err2 := slow.Evaluate("fee", in, EvalOptions{})
			if err1 != nil || err2 != nil || a.Value != b.Value {
				t.Fatalf("%v: %v %v %v %v", in, a, err1, b, err2)
			}
		}
	}
}
