// SPDX-License-Identifier: EUPL-1.2

package dmn

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestCorrected: what once went wrong: names of built-in functions, trees, typed outputs, names with operators.
func TestCorrected(t *testing.T) {
	l := func(s ...string) []string { return s }
	d := asModel(t, input("count", "number")+input("even", "string")+input("date", "date")+input("max", "number")+input("n", "number")+
		dec("count plus", "", lit("count + 1"), "?count")+
		dec("even is", "", lit("even"), "?even")+
		dec("year", "", lit("date.year"), "?date")+
		dec("max in a table", "", tab("FIRST", "", "in: max\nout:\n1 => max + 1\n- => 0"), "?max")+
		bkm("mean", "a: number, b: number", lit("(a + b) / 2 + 100"))+
		dec("mean called", "", lit("mean(1, 3)"), "mean()")+
		dec("mean invoked", "", invoke("mean", "a=1", "b=3"), "mean()")+
		`<itemDefinition name="tTree"><itemComponent name="value"><typeRef>number</typeRef></itemComponent><itemComponent name="children" isCollection="true"><typeRef>tTree</typeRef></itemComponent></itemDefinition>`+
		dec("tree", "tTree", lit(`{value: 1, children: [{value: "x", children: []}]}`))+
		`<itemDefinition name="tNumbers" isCollection="true"><typeRef>number</typeRef></itemDefinition>`+
		dec("output made a list", "", tab("U", "", "out: : tNumbers\n=> 3"))+
		dec("output of another type", "", tab("U", "", "out: : number\n=> \"three\""))+
		dec("output a date and time", "", tab("U", "", "out: : date and time\n=> date(\"2020-01-01\")"))+
		dec("p", "number", lit("1"))+dec("the-q", "number", lit("2"))+svc("both", "", l("p", "the-q"), nil, nil, nil)+
		dec("of both", "", lit("both().p + both().the-q"), "both()")+
		dec("untyped", "", boxCtx("a-b="+lit("1")))+dec("of untyped", "", lit("untyped.a-b + 1"), "!untyped")+
		dec("untyped table", "", tab("U", "", "out: a-b : number\nout: c : number\n=> 1 | 2"))+dec("of untyped table", "", lit("untyped table.a-b + 1"), "!untyped table")+
		bkm("fctx", "x: number", boxCtx("a-b="+lit("x")))+dec("of knowledge", "", lit("fctx(1).a-b + 1"), "fctx()")+
		dec("untyped rows", "", `<relation><column name="a-b" typeRef="number"/><row>`+lit("1")+`</row></relation>`)+dec("of untyped rows", "", lit("sum(untyped rows.a-b)"), "!untyped rows"))
	asks(t, d, []question{
		{"", "count plus", `{"count": 2}`, "3"},
		{"", "even is", `{"even": "x"}`, `"x"`},
		{"", "year", `{"date": "2026-01-01"}`, "2026"},
		{"", "max in a table", `{"max": 1}`, "2"},
		{"", "mean called", ``, "102"},
		{"", "mean invoked", ``, "102"},
		{"", "tree", ``, "null"},
		{"", "output made a list", ``, "[3]"},
		{"", "output of another type", ``, "null"},
		{"", "output a date and time", ``, "2020-01-01T00:00:00Z"},
		{"", "of both", ``, "3"},
		{"", "of untyped", ``, "2"},
		{"", "of untyped table", ``, "2"},
		{"", "of knowledge", ``, "2"},
		{"", "of untyped rows", ``, "1"},
	})
}

// The trace of a table inside a service belongs to its own decision.
func TestCorrectedTrace(t *testing.T) {
	d := asModel(t, input("n", "number")+dec("tabled", "", tab("UNIQUE", "", "in: n : number\nout:\n1 => \"one\"\n2 => \"two\""), "?n")+
		svc("S", "", []string{"tabled"}, nil, nil, []string{"n"})+dec("caller", "", lit("S(n)"), "S()", "?n"))
	for _, ask := range []string{"S", "caller"} {
		r, err := d.Decide(ask, given(t, `{"n": 2}`))
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range r.Trace {
			if got, want := len(x.Rules), map[string]int{"tabled": 1}[x.Name]; got != want {
				t.Errorf("%s: %s has %d rules in its trace, want %d", ask, x.Name, got, want)
			}
		}
	}
}

// Valid models that Parse, which is strict, may not refuse (10.3.2.9.4).
func TestCorrectedStrict(t *testing.T) {
	typ := `<itemDefinition name="tN" isCollection="true"><typeRef>number</typeRef></itemDefinition><itemDefinition name="tC"><itemComponent name="l"><typeRef>tN</typeRef></itemComponent></itemDefinition>`
	for what, body := range map[string]string{
		"an empty list for a list of numbers": tab("U", "", "out: : tN\n=> []"),
		"a number for a list of numbers":      tab("U", "", "out: : tN\n=> 3"),
		"a list of one for a number":          tab("U", "", "out: : number\n=> [3]"),
		"a date for a date and time":          tab("U", "", "out: : date and time\n=> date(\"2020-01-01\")"),
		"an empty list in a context":          tab("U", "", "out: : tC\n=> {l: []}"),
	} {
		if _, err := Parse("m.dmn", []byte(inSpace(dmn15, "urn:m", typ+dec("a", "", body)))); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestCorrectedRefusals(t *testing.T) {
	if _, err := ParseWith("m.dmn", []byte(inSpace(dmn15, "urn:m", `<itemDefinition name="a"><typeRef>b</typeRef></itemDefinition><itemDefinition name="b"><typeRef>a</typeRef></itemDefinition>`)), Options{}); err == nil {
		t.Error("a type that is nothing but itself isn't refused")
	}
	other := inSpace(dmn15, "urn:x", dec("d", "", lit("1")))
	if _, err := ParseWith("m.dmn", []byte(inSpace(dmn15, "urn:a", importing("b", "urn:b"))), Options{Import: files(map[string]string{"urn:b": other})}); err == nil {
		t.Error("an import that gives another model than it names isn't refused")
	}
}

// An input of a model that is imported is given under the path of its imports, or with
// its namespace; two paths to one model are two inputs.
func TestCorrectedInputsOfImports(t *testing.T) {
	a := inSpace(dmn15, "urn:a", input("person", "string")+dec("hello", "", lit(`"Hello " + person`), "?person"))
	middle := func(ns, word string) string {
		return inSpace(dmn15, ns, importing("a", "urn:a")+dec("said", "", `<informationRequirement><requiredDecision href="urn:a#_hello"/></informationRequirement>`+lit(`"`+word+` " + a.hello`)))
	}
	top := inSpace(dmn15, "urn:top", importing("b", "urn:b")+importing("c", "urn:c")+input("person", "string")+
		dec("all", "", `<informationRequirement><requiredDecision href="urn:b#_said"/></informationRequirement><informationRequirement><requiredDecision href="urn:c#_said"/></informationRequirement>`+
			lit(`b.said + ", " + c.said + ", " + person`), "?person"))
	d, err := ParseWith("top.dmn", []byte(top), Options{Lenient: true, Import: files(map[string]string{"urn:a": a, "urn:b": middle("urn:b", "B"), "urn:c": middle("urn:c", "C")})})
	if err != nil {
		t.Fatal(err)
	}
	asks(t, d, []question{
		{"each under its path", "all", `{"person": "T", "b": {"a": {"person": "X"}}, "c": {"a": {"person": "Y"}}}`, `"B Hello X, C Hello Y, T"`},
		{"with its namespace", "all", `{"person": "T", "urn:a#person": "N"}`, `"B Hello N, C Hello N, T"`},
	})
}

// Small files that take for ever to read.
func TestCorrectedTime(t *testing.T) {
	soon := func(what string, f func()) {
		done := make(chan bool)
		go func() { f(); close(done) }()
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			t.Errorf("%s takes for ever", what)
		}
	}
	var b strings.Builder
	for i := range 60 {
		for _, n := range []string{"t", "u"} {
			fmt.Fprintf(&b, `<itemDefinition name="%s%d"><itemComponent name="l"><typeRef>%s%d</typeRef></itemComponent><itemComponent name="r"><typeRef>%s%d</typeRef></itemComponent></itemDefinition>`, n, i, n, i+1, n, i+1)
		}
	}
	b.WriteString(`<itemDefinition name="t60"><typeRef>number</typeRef></itemDefinition><itemDefinition name="u60"><typeRef>number</typeRef></itemDefinition>`)
	soon("comparing two types of 60 levels", func() {
		ParseWith("m", []byte(inSpace(dmn15, "urn:m", b.String()+input("a", "t0")+dec("d", "", tab("UNIQUE", "", "in: a\nout: : u0\n- => a"), "?a"))), Options{Lenient: true})
	})
	wide := map[string]string{}
	for i := range 24 {
		wide[fmt.Sprintf("urn:%d", i)] = inSpace(dmn15, fmt.Sprintf("urn:%d", i), importing("a", fmt.Sprintf("urn:%d", i+1))+importing("b", fmt.Sprintf("urn:%d", i+1)))
	}
	wide["urn:24"] = inSpace(dmn15, "urn:24", "")
	soon("25 files that import the next twice", func() {
		ParseWith("m.dmn", []byte(wide["urn:0"]), Options{Import: files(wide)})
	})
}
