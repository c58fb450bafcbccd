// SPDX-License-Identifier: EUPL-1.2

package dmn

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"mercator/lang/feel"
)

// asSmallModel reads a model whose evaluations may take a tenth of the usual steps.
func asSmallModel(t testing.TB, body string) *Definitions {
	t.Helper()
	d, err := ParseWith("m.dmn", []byte(inSpace(dmn15, "urn:m", body)), Options{Lenient: true, Budget: feel.Budget{Steps: 200_000}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Models that are small to write down and endless to work out end at their budget, with
// one sentence about where, or are worked out.
func TestHostileModels(t *testing.T) {
	twice := func(n int, first, text string) string { // each decision needs the one before it
		var b strings.Builder
		b.WriteString(dec("d0", "", lit(first)))
		for i := 1; i < n; i++ {
			b.WriteString(dec(fmt.Sprintf("d%d", i), "", lit(strings.ReplaceAll(text, "$", fmt.Sprintf("d%d", i-1))), fmt.Sprintf("!d%d", i-1)))
		}
		return b.String()
	}
	services := dec("d0", "", lit("1")) + svc("s0", "", []string{"d0"}, nil, nil, nil)
	for i := 1; i < 60; i++ {
		services += dec(fmt.Sprintf("d%d", i), "", lit(fmt.Sprintf("s%d() + s%d()", i-1, i-1)), fmt.Sprintf("s%d()", i-1)) +
			svc(fmt.Sprintf("s%d", i), "", []string{fmt.Sprintf("d%d", i)}, nil, nil, nil)
	}
	shared := `<itemDefinition name="t0"><itemComponent name="a"><typeRef>number</typeRef></itemComponent></itemDefinition>`
	for i := 1; i < 60; i++ {
		shared += fmt.Sprintf(`<itemDefinition name="t%d"><itemComponent name="a"><typeRef>t%d</typeRef></itemComponent><itemComponent name="b"><typeRef>t%d</typeRef></itemComponent></itemDefinition>`, i, i-1, i-1)
	}
	for _, c := range []struct {
		what, body, ask string
		want            string // "" : over the budget
	}{
		{"a long chain", twice(3000, "0", "$ + 1"), "d2999", "2999"},
		{"a diamond of numbers", twice(200, "0", "$ + $ * 0 + 1"), "d199", "199"},
		{"a diamond of values", twice(60, "{x: 1}", "{a: $, b: $}"), "d59", ""},
		{"services that are called twice each", services, "d59", ""},
		{"knowledge in a circle", dec("a", "", lit("f(1)"), "f()") + bkm("f", "x", lit("g(x) + 1"), "g()") + bkm("g", "x", lit("f(x) + 1"), "f()"), "a", ""},
		{"knowledge in a circle that ends", dec("a", "", lit("f(10)"), "f()") + bkm("f", "x", lit("if x = 0 then 0 else g(x - 1) + 1"), "g()") + bkm("g", "x", lit("if x = 0 then 0 else f(x - 1) + 1"), "f()"), "a", "10"},
		{"types that share their parts", shared + input("x", "t59") + dec("a", "t59", tab("U", "", "in: x : t59\nout: : t59\n- => x"), "?x"), "a", "null"},
	} {
		d := asSmallModel(t, c.body)
		d.Check(CheckOptions{})
		r, err := d.Decide(c.ask, map[string]any{"x": map[string]any{"a": 1}})
		switch {
		case c.want == "" && !errors.Is(err, feel.ErrBudget):
			t.Errorf("%s: %v, want it to end at its budget", c.what, err)
		case c.want == "" && len(err.Error()) > 300:
			t.Errorf("%s: the error is %d bytes long: %.300s", c.what, len(err.Error()), err)
		case c.want != "" && (err != nil || feel.Text(r.FEEL) != c.want):
			t.Errorf("%s: %v %v, want %s", c.what, r, err, c.want)
		}
	}
	// What is found out about values isn't written out in a message.
	d := asModel(t, twice(40, "{x: 1}", "{a: $, b: $}")+dec("e", "", tab("U", "", "in: d39\nout: : number\n- => d39"), "!d39"))
	if found := d.Check(CheckOptions{}); len(found) != 1 || len(found[0].Msg) > 5000 || !strings.Contains(found[0].Msg, "the column “e” wants a number") {
		t.Errorf("%v", found)
	}
}

// Decisions that need one another are refused, all circles at once, also those that go
// through a service or through knowledge.
func TestCircles(t *testing.T) {
	l := func(s ...string) []string { return s }
	for _, c := range []struct {
		what, body string
		want       []string
	}{
		{"two circles", dec("a", "", lit("1"), "!b") + dec("b", "", lit("1"), "!c") + dec("c", "", lit("1"), "!a") + dec("d", "", lit("1"), "!d") + dec("e", "", lit("1"), "!a"), l("“a” → “b” → “c” → “a”", "“d” → “d”")},
		{"through a service", dec("a", "", lit("s()"), "s()") + svc("s", "", l("a"), nil, nil, nil), l("“a” → “s” → “a”")},
		{"through knowledge and a service", dec("a", "", lit("f()"), "f()") + bkm("f", "", lit("s()"), "s()") + svc("s", "", l("a"), nil, nil, nil), l("“a” → “f” → “s” → “a”")},
		{"knowledge alone", dec("a", "", lit("f(1)"), "f()") + bkm("f", "x", lit("g(x)"), "g()") + bkm("g", "x", lit("1"), "f()"), nil},
	} {
		_, err := ParseWith("m.dmn", []byte(inSpace(dmn15, "urn:m", c.body)), Options{Lenient: true})
		if c.want == nil && err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		for _, w := range c.want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v, want %s", c.what, err, w)
			}
		}
	}
}

// Data that are large or deep are cut or end at the budget.
func TestHostileData(t *testing.T) {
	d := asModel(t, `<itemDefinition name="tNumbers" isCollection="true"><typeRef>number</typeRef></itemDefinition>`+
		`<inputData id="_u" name="u"/>`+dec("c", "", lit("u"), "?u")+input("x", "Any")+input("ns", "tNumbers")+dec("a", "", lit("x.a.a != null"), "?x")+dec("b", "", lit("sum(ns)"), "?ns"))
	var deep any = 1
	for range 100_000 {
		deep = map[string]any{"a": deep}
	}
	if r, err := d.Decide("a", map[string]any{"x": deep}); err != nil || r.Value != true {
		t.Errorf("%v %v", r, err)
	}
	// What is no value of JSON or FEEL is null.
	for _, ask := range []string{"a", "b", "c"} {
		x := struct{ A int }{1}
		if _, err := d.Decide(ask, map[string]any{"x": x, "ns": x, "u": x}); err != nil {
			t.Errorf("%s: %v", ask, err)
		}
	}
	many := make([]any, 1_000_000)
	for i := range many {
		many[i] = 1
	}
	if r, err := d.Decide("b", map[string]any{"ns": many}); err != nil || feel.Text(r.FEEL) != "1000000" {
		t.Errorf("%v %v", r, err)
	}
}

// A table that is too large to be looked through as a whole is looked through in part,
// and the findings say so.
func TestLargeTableSaysThatItGaveUp(t *testing.T) {
	var table, body strings.Builder
	var needs []string
	for i := range 20 {
		fmt.Fprintf(&table, "in: x%d : number\n", i)
		body.WriteString(input(fmt.Sprintf("x%d", i), "number"))
		needs = append(needs, fmt.Sprintf("?x%d", i))
	}
	table.WriteString("out: : number\n")
	for i := range 200 {
		var cells []string
		for j := range 20 {
			cells = append(cells, fmt.Sprintf("[%d..%d]", (i*7+j*3)%50, (i*7+j*3)%50+30))
		}
		fmt.Fprintf(&table, "%s => %d\n", strings.Join(cells, " | "), i)
	}
	d := asModel(t, body.String()+dec("a", "", tab("U", "", table.String()), needs...))
	found := map[string]int{}
	for _, f := range d.Check(CheckOptions{}) {
		found[f.Rule]++
	}
	if found["gap"] == 0 || found["limit"] != 1 {
		t.Errorf("%v", found)
	}
	in := map[string]any{}
	for j := range 20 {
		in[fmt.Sprintf("x%d", j)] = 25
	}
	if c, err := d.Counterfactuals("a", in, CounterOptions{}); err != nil || c.Complete && len(c.Changes) == 0 && c.Answer == nil {
		t.Errorf("%+v %v", c, err)
	}
}

// A search for changes ends when its evaluations together take too much.
func TestCounterfactualsOfSlowDecisions(t *testing.T) {
	d := asSmallModel(t, input("x", "number")+dec("a", "", lit("count(for i in 1..30000 return i) + x * 0"), "?x")+
		dec("b", "", lit("if x > 5 then count(for i in 1..10000000 return i) else 1"), "?x"))
	c, err := d.Counterfactuals("a", map[string]any{"x": 3}, CounterOptions{})
	if err != nil || c.Complete {
		t.Errorf("%+v %v", c, err)
	}
	// An answer that takes too much isn't known, and ends nothing.
	if c, err = d.Counterfactuals("b", map[string]any{"x": 3}, CounterOptions{}); err != nil || c.Complete || len(c.Changes) != 0 {
		t.Errorf("%+v %v", c, err)
	}
}

// What may change are also inputs of imported models and what a service is given.
func TestCounterfactualsOfImportsAndServices(t *testing.T) {
	lib := inSpace(dmn15, "urn:lib", input("age", "number")+dec("adult", "boolean", lit("age >= 18"), "?age"))
	top := inSpace(dmn15, "urn:top", importing("lib", "urn:lib")+input("n", "number")+
		dec("direct", "", `<informationRequirement><requiredInput href="urn:lib#_age"/></informationRequirement>`+lit("lib.age >= 21"))+
		dec("above", "", `<informationRequirement><requiredDecision href="urn:lib#_adult"/></informationRequirement>`+lit("lib.adult"))+
		dec("given", "number", lit("n * 2"), "?n")+dec("big", "boolean", lit("given > 10"), "!given")+
		svc("s", "", []string{"big"}, nil, []string{"given"}, nil)+bkm("f", "x: number", lit("x > 1")))
	d, err := ParseWith("top.dmn", []byte(top), Options{Import: files(map[string]string{"urn:lib": lib})})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		ask, in, path, to string
		complete          bool
	}{
		{"direct", `{"lib": {"age": 17}}`, "age", "21", true},
		{"above", `{"lib": {"age": 17}}`, "age", "18", true},
		{"above", `{"urn:lib#age": 17}`, "age", "18", true},
		{"s", `{"given": 9}`, "given", "11", true},
		{"f", `{"x": 1}`, "", "", false},
	} {
		got, err := d.Counterfactuals(c.ask, given(t, c.in), CounterOptions{})
		if err != nil || got.Complete != c.complete {
			t.Errorf("%s: %+v %v", c.ask, got, err)
			continue
		}
		path, to := "", ""
		if x := got.Smallest(); x != nil {
			path, to = strings.Join(x.Path, "."), fmt.Sprint(x.To)
		}
		if path != c.path || to != c.to {
			t.Errorf("%s: %s = %s, want %s = %s", c.ask, path, to, c.path, c.to)
		}
	}
}

// An input that isn't of its type is null; the trace names the part, the explanation does
// so in each language, and the change that is found makes it fit.
func TestInputThatDoesntFit(t *testing.T) {
	d := asModel(t, `<itemDefinition name="tA"><itemComponent name="months"><typeRef>number</typeRef></itemComponent><itemComponent name="part"><typeRef>string</typeRef><allowedValues><text>"north", "south"</text></allowedValues></itemComponent><itemComponent name="dates" isCollection="true"><typeRef>date</typeRef></itemComponent></itemDefinition>`+
		input("a", "tA")+dec("fee", "number", tab("U", "", "in: a.months : number\nin: a.part : string\nout: : number\n<= 6 | \"north\" => 10\n> 6 | - => 20"), "?a"))
	for _, c := range []struct{ in, part, msg string }{
		{`{"a": {"months": 3, "part": "west", "dates": []}}`, "a.part", "what is given doesn't fit: “a.part” isn't one of the values that its type allows"},
		{`{"a": {"months": "x", "part": "north", "dates": []}}`, "a.months", "what is given doesn't fit: “a.months” is a string, not a number"},
		{`{"a": {"months": 3, "part": "north", "dates": ["2026-01-01", "2026-02-31"]}}`, "a.dates[2]", "what is given doesn't fit: “a.dates[2]” is a string, not a date"},
		{`{"a": {"months": 3, "part": "north"}}`, "a.dates", "what is given doesn't fit: “a.dates” is missing"},
		{`{"a": 3}`, "a", "what is given doesn't fit: “a” is a number, not a tA"},
	} {
		r, err := d.Decide("fee", given(t, c.in))
		if err != nil || len(r.Nulls) == 0 {
			t.Fatalf("%s: %v %v", c.in, r, err)
		}
		if n := r.Nulls[0]; n.Expr != c.part || n.Msg != c.msg || n.Line == 0 {
			t.Errorf("%s: %+v", c.in, n)
		}
		for _, lang := range []string{"de", "en", "tr"} {
			text := strings.Join(r.Explain(localizer(t, lang)), "\n")
			if !strings.Contains(text, c.part) || strings.Contains(text, "[dmn.") || lang != "en" && (strings.Contains(text, " is ") || strings.Contains(text, " the ")) {
				t.Errorf("%s: %s", lang, text)
			}
		}
	}
	got, err := d.Counterfactuals("fee", given(t, `{"a": {"months": 3, "part": "west", "dates": []}}`), CounterOptions{})
	if err != nil || len(got.Changes) != 1 || got.Changes[0].To != "north" || got.Changes[0].From != "west" || fmt.Sprint(got.Changes[0].Answer) != "10" {
		t.Errorf("%+v %v", got, err)
	}
}

// Every reason for a null is told in each language.
func TestReasonsInEachLanguage(t *testing.T) {
	d := asModel(t, input("n", "number")+
		dec("none", "", tab("U", "", "in: n : number\nout: : number\n1 => 1"), "?n")+
		dec("several", "", tab("U", "", "in: n : number\nout: : number\n> 1 => 1\n> 2 => 2"), "?n")+
		dec("disagree", "", tab("A", "", "in: n : number\nout: : number\n> 1 => 1\n> 2 => 2"), "?n")+
		dec("outside", "", tab("U", "", "in: n : number\nvalues: [1..2]\nout: : number\n- => 1"), "?n")+
		dec("mistyped", "", tab("U", "", "in: n : number\nout: : number\n- => if n > 0 then \"x\" else 1"), "?n")+
		dec("absent", "", lit("n + null"), "?n")+
		dec("impossible", "", lit("n + \"x\""), "?n"))
	for ask, want := range map[string]string{
		"none":       "Ohne Wert: Keine Regel der Tabelle trifft zu (Zeile 1).",
		"several":    "Ohne Wert: 2 Regeln der Tabelle treffen zu, und nur eine darf es (Zeile 1).",
		"disagree":   "Ohne Wert: Die Regeln, die zutreffen, widersprechen sich (Zeile 1).",
		"outside":    "Ohne Wert: „n“ ist keiner der Werte, die die Tabelle zulässt",
		"mistyped":   "Ohne Wert: Das Ergebnis „if n > 0 then \"x\" else 1“ ist von falscher Art",
		"absent":     "Ohne Wert: In „n + null“ fehlt eine Angabe",
		"impossible": "Ohne Wert: „n + \"x\"“ lässt sich mit diesen Angaben nicht bestimmen",
	} {
		r, err := d.Decide(ask, map[string]any{"n": 9})
		if err != nil || r.FEEL != nil {
			t.Fatalf("%s: %v %v", ask, r, err)
		}
		if got := strings.Join(r.Explain(localizer(t, "de")), "\n"); !strings.Contains(got, want) {
			t.Errorf("%s: %s", ask, got)
		}
		if got := strings.Join(r.Explain(localizer(t, "tr")), "\n"); !strings.Contains(got, "Değer yok: ") {
			t.Errorf("%s: %s", ask, got)
		}
	}
}
