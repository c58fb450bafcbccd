// SPDX-License-Identifier: EUPL-1.2

package dmn

import "testing"

// Imported types, inputs, decisions, knowledge and services, all with names of several words
// (6.3.3, 7.3.2): they are held to their types on both sides.
func TestImportedTypes(t *testing.T) {
	lib := inSpace(dmn15, "urn:lib", `<itemDefinition name="t Age"><typeRef>number</typeRef><allowedValues><text>[0..150]</text></allowedValues></itemDefinition>`+
		`<itemDefinition name="tAge"><typeRef>number</typeRef><allowedValues><text>[0..150]</text></allowedValues></itemDefinition>`+
		`<itemDefinition name="tP"><itemComponent name="age"><typeRef>tAge</typeRef></itemComponent></itemDefinition>`+
		input("the age", "tAge")+input("p", "tP")+
		dec("is adult", "boolean", lit("the age >= 18"), "?the age")+
		dec("twice", "number", lit("the age * 2"), "?the age")+
		bkm("add one", "x: number", lit("x + 1"))+
		bkm("inner", "x: number", lit("add one(add one(x))"), "add one()")+
		svc("svc", "", []string{"is adult", "twice"}, nil, nil, []string{"the age"})+
		svc("svc1", "", []string{"twice"}, nil, nil, []string{"the age"}))
	top := inSpace(dmn15, "urn:top", importing("my lib", "urn:lib")+input("n", "number")+input("q", "my lib.tP")+input("age", "my lib.tAge")+input("a2", "my lib.t Age")+
		`<itemDefinition name="tQ"><itemComponent name="who"><typeRef>my lib.tP</typeRef></itemComponent><itemComponent name="l" isCollection="true"><typeRef>my lib.tAge</typeRef></itemComponent></itemDefinition>`+
		input("qq", "tQ")+
		dec("a", "", `<informationRequirement><requiredDecision href="urn:lib#_is_adult"/></informationRequirement>`+lit("if my lib.is adult then \"y\" else \"n\""))+
		dec("b", "", `<informationRequirement><requiredInput href="urn:lib#_the_age"/></informationRequirement>`+lit("my lib.the age + 1"))+
		dec("c", "", `<knowledgeRequirement><requiredKnowledge href="urn:lib#_inner"/></knowledgeRequirement>`+lit("my lib.inner(n)"), "?n")+
		dec("c2", "", `<knowledgeRequirement><requiredKnowledge href="urn:lib#_inner"/></knowledgeRequirement>`+invoke("my lib.inner", "x=n"), "?n")+
		dec("d", "", `<knowledgeRequirement><requiredKnowledge href="urn:lib#_svc"/></knowledgeRequirement>`+lit("my lib.svc(n)"), "?n")+
		dec("d1", "", `<knowledgeRequirement><requiredKnowledge href="urn:lib#_svc"/></knowledgeRequirement>`+lit("my lib.svc(the age: n).is adult"), "?n")+
		dec("d2", "", `<knowledgeRequirement><requiredKnowledge href="urn:lib#_svc1"/></knowledgeRequirement>`+invoke("my lib.svc1", "the age=n"), "?n")+
		dec("e", "", lit("q.age instance of my lib.tAge"), "?q")+
		dec("e2", "", lit("q.age"), "?q")+
		dec("f", "my lib.tAge", lit("n"), "?n")+
		dec("f2", "my lib.t Age", lit("a2"), "?a2")+
		dec("g", "", lit("qq.who.age + sum(qq.l)"), "?qq")+
		svc("mine", "", []string{"a"}, nil, nil, nil)+
		bkm("wrap", "x: my lib.tAge", lit("x * 10"))+
		dec("h", "", lit("wrap(n)"), "wrap()", "?n"))
	d, err := ParseWith("top.dmn", []byte(top), Options{Lenient: true, Import: files(map[string]string{"urn:lib": lib})})
	if err != nil {
		t.Fatal(err)
	}
	asks(t, d, []question{
		{"", "a", `{"my lib": {"the age": 20}}`, `"y"`},
		{"", "a", `{"urn:top#my lib": {"the age": 20}}`, `"y"`},
		{"", "a", `{"the age": 20}`, `"y"`},
		{"", "b", `{"my lib": {"the age": 20}}`, `21`},
		{"", "b", `{"my lib": {"the age": 200}}`, `null`},
		{"", "c", `{"n": 1}`, `3`},
		{"", "c2", `{"n": 1}`, `3`},
		{"", "d", `{"n": 10}`, `{is adult: false, twice: 20}`},
		{"", "d", `{"n": 1000}`, `null`},
		{"", "d1", `{"n": 18}`, `true`},
		{"", "d2", `{"n": 18}`, `36`},
		{"", "e", `{"q": {"age": 7}}`, `true`},
		{"", "e2", `{"q": {"age": 700}}`, `null`},
		{"", "f", `{"n": 7}`, `7`},
		{"", "f", `{"n": 700}`, `null`},
		{"", "f2", `{"a2": 70}`, `70`},
		{"", "g", `{"qq": {"who": {"age": 7}, "l": [1, 2]}}`, `10`},
		{"", "g", `{"qq": {"who": {"age": 7}, "l": [1, 200]}}`, `null`},
		{"", "h", `{"n": 7}`, `70`},
		{"", "h", `{"n": 700}`, `null`},
		{"", "mine", `{"the age": 70}`, `"n"`},
		{"", "urn:lib#twice", `{"the age": 70}`, `140`},
		{"", "urn:lib#svc1", `{"the age": 70}`, `140`},
	})
}

// Types of collections, constraints, restrictions of restrictions, and tables where they are
// empty, typed or compare (7.3.3, 8.2, 10.3.2.9.4).
func TestTypesAndTables(t *testing.T) {
	d := asModel(t, input("n", "number")+input("s", "string")+input("dt", "date")+input("l", "tL")+input("u", "tU")+input("f", "tF")+
		`<itemDefinition name="tL" isCollection="true"><typeRef>number</typeRef><allowedValues><text>&gt; 0</text></allowedValues></itemDefinition>`+
		`<itemDefinition name="tLC" isCollection="true"><typeRef>number</typeRef><typeConstraint><text>count(?) &lt; 3</text></typeConstraint></itemDefinition>`+
		`<itemDefinition name="tLL" isCollection="true"><typeRef>tL</typeRef></itemDefinition>`+
		`<itemDefinition name="tU"><typeRef>string</typeRef><allowedValues><text>"a", "b"</text></allowedValues></itemDefinition>`+
		`<itemDefinition name="tU2"><typeRef>tU</typeRef><allowedValues><text>"b", "c"</text></allowedValues></itemDefinition>`+
		`<itemDefinition name="tC"><itemComponent name="u"><typeRef>tU</typeRef></itemComponent><itemComponent name="sub"><itemComponent name="x"><typeRef>number</typeRef></itemComponent></itemComponent><itemComponent name="ls" isCollection="true"><itemComponent name="y"><typeRef>number</typeRef></itemComponent></itemComponent></itemDefinition>`+
		`<itemDefinition name="tCC"><itemComponent name="a"><typeRef>number</typeRef></itemComponent><itemComponent name="b"><typeRef>number</typeRef></itemComponent><typeConstraint><text>?.a &lt; ?.b</text></typeConstraint></itemDefinition>`+
		`<itemDefinition name="tF"><functionItem outputTypeRef="number"><parameters name="x" typeRef="number"/></functionItem></itemDefinition>`+
		`<itemDefinition name="tAny"><typeRef>Any</typeRef></itemDefinition>`+
		`<itemDefinition name="tR"><typeRef>number</typeRef><allowedValues><text>[1..10], 20</text></allowedValues></itemDefinition>`+
		dec("coll", "tL", lit("l"), "?l")+
		dec("collBad", "tL", lit("[1, -1]"))+
		dec("cons", "tLC", lit("[1, 2]"))+dec("consBad", "tLC", lit("[1, 2, 3]"))+
		dec("ll", "tLL", lit("[[1], [2, 3]]"))+dec("llBad", "tLL", lit("[[1], [2, -3]]"))+
		dec("ll1", "tLL", lit("[1, 2]"))+
		dec("uu", "tU2", lit(`"b"`))+dec("uuBad", "tU2", lit(`"a"`))+dec("uuBad2", "tU2", lit(`"c"`))+
		dec("comp", "tC", lit(`{u: "a", sub: {x: 1}, ls: [{y: 1}]}`))+
		dec("comp1", "tC", lit(`{u: "a", sub: {x: 1}, ls: {y: 1}}`))+
		dec("compMiss", "tC", lit(`{u: "a", sub: {x: 1}}`))+
		dec("compMore", "tC", lit(`{u: "a", sub: {x: 1}, ls: [], z: 1}`))+
		dec("compNull", "tC", lit(`{u: null, sub: null, ls: null}`))+
		dec("cc", "tCC", lit("{a: 1, b: 2}"))+dec("ccBad", "tCC", lit("{a: 3, b: 2}"))+
		dec("fn", "tF", lit("function(x: number) x + 1"))+
		dec("fnr", "", lit("fn(1)"), "!fn")+
		dec("any", "tAny", lit("[1]"))+
		dec("rr", "tR", lit("20"))+dec("rrBad", "tR", lit("15"))+dec("rr1", "tR", lit("[5]"))+
		dec("dateIn", "", lit("dt.year"), "?dt")+
		dec("inst", "", lit(`[1, 2] instance of tL`))+dec("instBad", "", lit(`[1, -2] instance of tL`))+
		dec("dtNoRule", "", tab("U", "", "in: n : number\nout: a : number"), "?n")+
		dec("tU table", "", tab("U", "", "in: s : tU\nout: a : string\n\"a\" => \"is a\"\n- => \"other\""), "?s")+
		dec("prioMulti", "", tab("PRIORITY", "", "in: n : number\nout: a : string\norder: \"x\", \"y\"\nout: b : number\norder: 2, 1\n>0 => \"y\" | 2\n>1 => \"x\" | 1\n>2 => \"x\" | 2"), "?n")+
		dec("ooMulti", "", tab("OUTPUT ORDER", "", "in: n : number\nout: a : string\norder: \"x\", \"y\"\nout: b : number\norder: 2, 1\n>0 => \"y\" | 2\n>1 => \"x\" | 1\n>2 => \"x\" | 2"), "?n")+
		dec("sumEmpty", "", tab("COLLECT", "SUM", "in: n : number\nout: : number\n1 => 5"), "?n")+
		dec("countEmpty", "", tab("COLLECT", "COUNT", "in: n : number\nout: : number\n1 => 5"), "?n")+
		dec("countDup", "", tab("COLLECT", "COUNT", "in: n : number\nout: : number\n>0 => 5\n>1 => 5"), "?n")+
		dec("sumMulti", "", tab("COLLECT", "SUM", "in: n : number\nout: a : number\nout: b : number\n>0 => 5 | 1\n>1 => 5 | 2"), "?n")+
		dec("minNull", "", tab("COLLECT", "MIN", "in: n : number\nout: : number\n>0 => 5\n>1 => null"), "?n")+
		dec("collectDefault", "", tab("COLLECT", "SUM", "in: n : number\nout: : number\ndefault: 3\n>0 => 5"), "?n")+
		dec("firstDefault", "", tab("FIRST", "", "in: n : number\nout: : number\ndefault: 3, 4\n>0 => 5"), "?n")+
		dec("typedTable", "number", tab("C", "", "in: n : number\nout: : number\n>0 => 5"), "?n")+
		dec("compareInput", "", tab("U", "", "in: n : number\nout: : number\n? > 3 and ? < 10 => 1\n<= 3 => 2\n>= 10 => n * 2"), "?n")+
		dec("bools", "", tab("U", "", "in: n > 3 : boolean\nout: : number\ntrue => 1\nfalse => 2"), "?n")+
		dec("boolAsCell", "", tab("U", "", "in: n : number\nout: : number\nn > 3 => 1\nn <= 3 => 2"), "?n")+
		dec("nulls", "", tab("U", "", "in: n : number\nout: : number\nnull => 1\nnot(null) => 2"), "?n"))
	asks(t, d, []question{
		{"", "coll", `{"l": [1, 2]}`, "[1, 2]"},
		{"", "coll", `{"l": [1, -2]}`, "null"},
		{"", "coll", `{"l": 1}`, "[1]"},
		{"", "collBad", "", "null"},
		{"", "cons", "", "[1, 2]"}, {"", "consBad", "", "null"},
		{"", "ll", "", "[[1], [2, 3]]"}, {"", "llBad", "", "null"},
		{"", "uu", "", `"b"`}, {"", "uuBad", "", `null`}, {"", "uuBad2", "", `null`},
		{"", "comp", "", `{u: "a", sub: {x: 1}, ls: [{y: 1}]}`},
		{"", "comp1", "", `null`},
		{"", "compMiss", "", `null`},
		{"", "compMore", "", `{u: "a", sub: {x: 1}, ls: [], z: 1}`},
		{"", "compNull", "", `{u: null, sub: null, ls: null}`},
		{"", "cc", "", `{a: 1, b: 2}`}, {"", "ccBad", "", `null`},
		{"", "fnr", "", "2"}, {"", "any", "", "[1]"},
		{"", "rr", "", "20"}, {"", "rrBad", "", "null"}, {"", "rr1", "", "5"},
		{"", "dateIn", `{"dt": "2020-01-01"}`, "2020"}, {"", "dateIn", `{"dt": "2020-01-51"}`, "null"},
		{"", "inst", "", "true"}, {"", "instBad", "", "false"},
		{"", "dtNoRule", `{"n": 1}`, "null"},
		{"", "tU table", `{"s": "a"}`, `null`},
		{"", "tU table", `{"s": "b"}`, `"other"`},
		{"", "prioMulti", `{"n": 3}`, `{a: "x", b: 2}`},
		{"", "ooMulti", `{"n": 3}`, `[{a: "x", b: 2}, {a: "x", b: 1}, {a: "y", b: 2}]`},
		{"", "sumEmpty", `{"n": 3}`, `null`}, {"", "countEmpty", `{"n": 3}`, `null`}, {"", "countDup", `{"n": 3}`, `2`},
		{"", "sumMulti", `{"n": 3}`, `null`}, {"", "minNull", `{"n": 3}`, `null`},
		{"", "collectDefault", `{"n": -3}`, `3`}, {"", "firstDefault", `{"n": -3}`, `null`},
		{"", "typedTable", `{"n": 3}`, `5`},
		{"", "compareInput", `{"n": 4}`, `1`}, {"", "compareInput", `{"n": 2}`, `2`}, {"", "compareInput", `{"n": 12}`, `24`},
		{"", "bools", `{"n": 4}`, `1`}, {"", "boolAsCell", `{"n": 4}`, `1`}, {"", "boolAsCell", `{"n": 3}`, `2`},
		{"", "nulls", `{}`, `1`}, {"", "nulls", `{"n": 1}`, `2`},
	})
}
