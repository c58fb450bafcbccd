// SPDX-License-Identifier: EUPL-1.2

package form_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"mercator/lang/form"
)

// rules is a form of n fields on pages of 50, each with a condition that reads the
// first field of its page or the one before it; one of five is computed.
func rules(n int) string {
	var parts []string
	for i := range n {
		page := fmt.Sprintf(`"page":"p%d"`, i/50)
		switch {
		case i%50 == 0:
			parts = append(parts, fmt.Sprintf(`{"type":"radio","key":"f%d","label":"L","values":[{"value":"a"},{"value":"b"}],"conditional":{"hide":"=f%d = \"x\""},"properties":{%s}}`, i, max(i-50, 0)+1, page))
		case i%5 == 4:
			parts = append(parts, fmt.Sprintf(`{"type":"expression","key":"f%[1]d","expression":"=if f%[2]d = null then f%[3]d else f%[2]d","properties":{%[4]s}}`, i, i-1, i/50*50, page))
		default:
			parts = append(parts, fmt.Sprintf(`{"type":"textfield","key":"f%d","label":"L","conditional":{"hide":"=f%d = \"b\" and f%d != null"},"properties":{%s}}`, i, i/50*50, i-1, page))
		}
	}
	return strings.Join(parts, ",")
}

// BenchmarkChange changes one answer in a form with 500 rules, back and forth.
func BenchmarkChange(b *testing.B) {
	f := mustParse(b, rules(500))
	for _, c := range []struct {
		name, field string
		to          [2]any
	}{{"that few read", "f312", [2]any{"x", "y"}}, {"that hides a page", "f300", [2]any{"a", "b"}}} {
		b.Run(c.name, func(b *testing.B) {
			a := form.Answers{}
			for i := range 500 {
				a[fmt.Sprint("f", i)] = "a"
			}
			v := f.Eval(a, form.Context{Lang: "de", Today: today})
			v.Validate("")
			n := v.Evaluated()
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				i++
				v.Change(c.field, c.to[i%2])
			}
			b.ReportMetric(float64(v.Evaluated()-n)/float64(i), "evaluated/op")
		})
	}
	b.Run("in one of 100 rows within 10 rows", func(b *testing.B) {
		f := mustParse(b, `{"type":"dynamiclist","path":"a","label":"A","components":[{"type":"dynamiclist","path":"b","label":"B","components":[`+rules(5)+`]}]}`)
		rows := make([]any, 10)
		for i := range rows {
			inner := make([]any, 10)
			for j := range inner {
				inner[j] = map[string]any{"f0": "a", "f1": "x", "f2": "x", "f3": "x"}
			}
			rows[i] = map[string]any{"b": inner}
		}
		v := f.Eval(form.Answers{"a": rows}, form.Context{Lang: "de", Today: today})
		v.Validate("")
		n := v.Evaluated()
		i := 0
		b.ReportAllocs()
		for b.Loop() {
			i++
			v.Change("a.7.b.3.f2", [2]any{"x", "y"}[i%2])
		}
		b.ReportMetric(float64(v.Evaluated()-n)/float64(i), "evaluated/op")
	})
	b.Run("anew", func(b *testing.B) {
		n := 0
		b.ReportAllocs()
		for b.Loop() {
			v := f.Eval(form.Answers{"f312": "x"}, form.Context{Lang: "de", Today: today})
			v.Validate("")
			n = v.Evaluated()
		}
		b.ReportMetric(float64(n), "evaluated/op")
	})
}

// BenchmarkParse reads a form of 500 rules and orders its graph.
func BenchmarkParse(b *testing.B) {
	src := []byte(`{"type":"default","components":[` + rules(500) + `]}`)
	for b.Loop() {
		if _, err := form.Parse("b.form", src); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecodeOne takes one posted field of a form with 500 rules.
func BenchmarkDecodeOne(b *testing.B) {
	f := mustParse(b, rules(500))
	in := url.Values{"_f": {"f312"}, "f312": {"x"}}
	for b.Loop() {
		f.Decode("p6", in, nil, form.Context{Lang: "de", Today: today})
	}
}
