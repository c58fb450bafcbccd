// SPDX-License-Identifier: EUPL-1.2

package dmn

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mercator/lang/feel"
)

// tableOf writes a model of one table: inputs are "name:type" or "name:type:input
// values", each row its cells and then its output.
func tableOf(hit string, inputs []string, rows ...[]string) string {
	esc := func(s string) string {
		var b strings.Builder
		xml.EscapeText(&b, []byte(s))
		return b.String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<definitions xmlns=\"https://www.omg.org/spec/DMN/20230324/MODEL/\" name=\"t\" namespace=\"urn:t\">\n")
	needs, cols := "", ""
	for _, in := range inputs {
		p := strings.SplitN(in, ":", 3)
		fmt.Fprintf(&b, `<inputData id="%s" name="%s"><variable name="%s" typeRef="%s"/></inputData>`+"\n", p[0], p[0], p[0], p[1])
		needs += fmt.Sprintf(`<informationRequirement><requiredInput href="#%s"/></informationRequirement>`, p[0])
		values := ""
		if len(p) > 2 {
			values = "<inputValues><text>" + esc(p[2]) + "</text></inputValues>"
		}
		cols += fmt.Sprintf(`<input><inputExpression typeRef="%s"><text>%s</text></inputExpression>%s</input>`, p[1], p[0], values)
	}
	fmt.Fprintf(&b, `<decision id="d" name="d"><variable name="d"/>%s<decisionTable hitPolicy="%s">%s<output name="o"/>`+"\n", needs, hit, cols)
	for _, r := range rows {
		b.WriteString("<rule>")
		for i, c := range r {
			tag := "inputEntry"
			if i == len(r)-1 {
				tag = "outputEntry"
			}
			fmt.Fprintf(&b, "<%s><text>%s</text></%s>", tag, esc(c), tag)
		}
		b.WriteString("</rule>\n")
	}
	b.WriteString("</decisionTable></decision></definitions>")
	return b.String()
}

func findings(t testing.TB, text string) string {
	t.Helper()
	d, err := ParseWith("t.dmn", []byte(text), Options{Lenient: true})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range d.Check(CheckOptions{}) {
		out = append(out, fmt.Sprintf("%s %s: %s", f.Severity, f.Rule, f.Msg))
	}
	return strings.Join(out, "\n")
}

// What an author gets wrong in a table is shown with an input.
func TestGapsAndOverlaps(t *testing.T) {
	for _, c := range []struct {
		name, hit string
		inputs    []string
		rows      [][]string
		want      string
	}{
		{"complete", "UNIQUE", []string{"age:number"}, [][]string{{"< 18", "1"}, {"[18..65)", "2"}, {">= 65", "3"}}, ""},
		{"the border belongs to nobody", "UNIQUE", []string{"age:number"}, [][]string{{"< 18", "1"}, {"> 18", "2"}}, "warning gap: the decision “d” has no rule for age = 18"},
		{"the border belongs to both", "UNIQUE", []string{"age:number"}, [][]string{{"<= 18", "1"}, {">= 18", "2"}},
			"error overlap: rules 1 and 2 (<= 18; >= 18) of the decision “d” both match age = 18, and only one may (UNIQUE)"},
		{"between whole numbers", "UNIQUE", []string{"age:number"}, [][]string{{"<= 17", "1"}, {">= 18", "2"}}, "warning gap: the decision “d” has no rule for age = 17.5, which lies between whole numbers"},
		{"two columns", "UNIQUE", []string{"age:number", "student:boolean"}, [][]string{{"< 18", "-", "1"}, {">= 18", "true", "2"}}, "warning gap: the decision “d” has no rule for age = 18, student = false"},
		{"a gap that doesn't depend on the rest", "UNIQUE", []string{"age:number", "student:boolean"}, [][]string{{"< 18", "-", "1"}}, "warning gap: the decision “d” has no rule for age = 18"},
		{"texts", "UNIQUE", []string{"form:string"}, [][]string{{`"gbr", "gmbh"`, "1"}}, "warning gap: the decision “d” has no rule for form = another text"},
		{"texts that are all there are", "UNIQUE", []string{`form:string:"gbr", "gmbh", "ag"`}, [][]string{{`"gbr"`, "1"}, {`"gmbh"`, "2"}}, `warning gap: the decision “d” has no rule for form = "ag"`},
		{"not", "UNIQUE", []string{"form:string"}, [][]string{{`"gbr"`, "1"}, {`not("gbr")`, "2"}}, ""},
		{"days", "UNIQUE", []string{"day:date"}, [][]string{{`<= @"2026-12-31"`, "1"}, {`>= @"2027-01-01"`, "2"}}, ""},
		{"days with a hole", "UNIQUE", []string{"day:date"}, [][]string{{`<= @"2026-12-30"`, "1"}, {`>= date("2027-01-01")`, "2"}}, `warning gap: the decision “d” has no rule for day = @"2026-12-31"`},
		{"the first that matches", "FIRST", []string{"age:number"}, [][]string{{"< 18", "1"}, {"-", "2"}}, ""},
		{"behind one that matches all", "FIRST", []string{"age:number"}, [][]string{{"-", "1"}, {"< 18", "2"}}, "warning unreachable: rule 2 (< 18) of the decision “d” is never reached: rules before it match all that it does"},
		{"behind two that match all together", "FIRST", []string{"age:number"}, [][]string{{"< 18", "1"}, {">= 18", "2"}, {"[10..30]", "3"}},
			"warning unreachable: rule 3 ([10..30]) of the decision “d” is never reached: rules before it match all that it does"},
		{"outside of the values", "UNIQUE", []string{"age:number:[0..120]"}, [][]string{{"<= 120", "1"}, {"> 130", "2"}}, "warning unreachable: rule 2 (> 130) of the decision “d” is never reached"},
		{"any that agree", "ANY", []string{"age:number"}, [][]string{{"<= 18", "1"}, {">= 18", "1"}}, ""},
		{"any that don't", "ANY", []string{"age:number"}, [][]string{{"<= 18", "1"}, {">= 18", "2"}}, "error overlap: rules 1 and 2 (<= 18; >= 18) of the decision “d” both match age = 18 with different outputs, and they must agree (ANY)"},
		{"collected", "COLLECT", []string{"age:number"}, [][]string{{"<= 18", "1"}, {">= 18", "2"}}, ""},
		{"what computes isn't judged", "UNIQUE", []string{"age:number", "limit:number"}, [][]string{{"< limit", "-", "1"}, {">= limit", "-", "2"}}, ""},
		{"a cell of another kind", "UNIQUE", []string{"age:number"}, [][]string{{`"old"`, "1"}, {"-", "2"}}, "error expression: “\"old\"” is a string, the input is a number\nerror overlap"},
		{"an unknown name", "UNIQUE", []string{"age:number"}, [][]string{{"< agee", "1"}, {">= 5", "2"}}, "error expression: nothing here is called “agee”"},
	} {
		got := findings(t, tableOf(c.hit, c.inputs, c.rows...))
		if c.want == "" && got != "" || !strings.HasPrefix(got, c.want) || strings.Count(got, "\n") > strings.Count(c.want, "\n") {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

// The findings are those of somebody who tries every input.
func TestGapsAgainstBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.Custom(func(t *rapid.T) string {
			a, b := rapid.IntRange(0, 4).Draw(t, "a"), rapid.IntRange(0, 4).Draw(t, "b")
			if a > b {
				a, b = b, a
			}
			switch rapid.IntRange(0, 6).Draw(t, "kind") {
			case 0:
				return "-"
			case 1:
				return fmt.Sprintf("< %d", a)
			case 2:
				return fmt.Sprintf(">= %d", a)
			case 3:
				return fmt.Sprintf("[%d..%d]", a, b)
			case 4:
				return fmt.Sprintf("not(%d)", a)
			case 5:
				return fmt.Sprintf("%d, %d", a, b)
			}
			return fmt.Sprintf("(%d..%d]", a, b)
		})
		var rows [][]string
		for i := range rapid.IntRange(1, 5).Draw(t, "rules") {
			rows = append(rows, []string{cell.Draw(t, "x"), cell.Draw(t, "y"), fmt.Sprint(i)})
		}
		d, err := Parse("t.dmn", []byte(tableOf("UNIQUE", []string{"x:number", "y:number"}, rows...)))
		if err != nil {
			t.Fatal(err)
		}
		var tab *table
		for _, e := range d.elements {
			for _, x := range e.tables {
				tab = x
			}
		}
		match := func(at []feel.Value) (out []int) {
			for i, r := range tab.rules {
				ok := true
				for c := range at {
					cell, _ := feel.CellOf(r.tests[c])
					v := at[c]
					if v == nil {
						v = feel.FromJSON(0)
					}
					ok = ok && matches(&cell, v)
				}
				if ok {
					out = append(out, i)
				}
			}
			return
		}
		gaps, overlaps := 0, map[[2]int]bool{}
		for x := -2; x <= 10; x++ {
			for y := -2; y <= 10; y++ {
				m := match([]feel.Value{feel.FromJSON(float64(x) / 2), feel.FromJSON(float64(y) / 2)})
				if len(m) == 0 {
					gaps++
				}
				for i, a := range m {
					for _, b := range m[i+1:] {
						overlaps[[2]int{a, b}] = true
					}
				}
			}
		}
		a := analyse(tab)
		if a.limited || (gaps > 0) != (len(a.gaps) > 0) || len(overlaps) != len(a.overlaps) {
			t.Fatalf("%v: %d gaps found, %d by trying; %d overlaps, %d by trying", rows, len(a.gaps), gaps, len(a.overlaps), len(overlaps))
		}
		for _, g := range a.gaps {
			if m := match(g.at); len(m) != 0 {
				t.Fatalf("%v: %s is no gap: %v", rows, tab.input(g.at, g.any), m)
			}
		}
		for _, o := range a.overlaps {
			if m := fmt.Sprint(match(o.at)); !strings.Contains(m, fmt.Sprint(o.a)) || !strings.Contains(m, fmt.Sprint(o.b)) {
				t.Fatalf("%v: %s isn't matched by %d and %d: %s", rows, tab.input(o.at, nil), o.a, o.b, m)
			}
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	d, err := Parse("big.dmn", []byte(bigTable(1000)))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		d.Check(CheckOptions{})
	}
}
