// SPDX-License-Identifier: EUPL-1.2

package dmn

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mercator/internal/suites"
	"mercator/lang/feel"
)

const dmn15 = "https://www.omg.org/spec/DMN/20230324/MODEL/"

// inSpace wraps the elements of a model; the prefix t: means its own types.
func inSpace(xmlns, namespace, body string) string {
	return fmt.Sprintf(`<definitions xmlns=%q name="m" namespace=%q xmlns:t=%q>%s</definitions>`, xmlns, namespace, namespace, body)
}

func asModel(t testing.TB, body string) *Definitions {
	t.Helper()
	d, err := ParseWith("m.dmn", []byte(inSpace(dmn15, "urn:m", body)), Options{Lenient: true})
	if err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	return d
}

// lit is a literal expression, and a decision of one.
func lit(s string) string {
	return "<literalExpression><text><![CDATA[" + s + "]]></text></literalExpression>"
}

func dec(name, typ, logic string, needs ...string) string {
	s := fmt.Sprintf(`<decision id="_%s" name=%q><variable name=%q`, strings.ReplaceAll(name, " ", "_"), name, name)
	if typ != "" {
		s += fmt.Sprintf(" typeRef=%q", typ)
	}
	return s + "/>" + requires(needs) + logic + "</decision>"
}

// requires writes requirements: "?x" of an input, "!x" of a decision, "f()" of knowledge
// or a service.
func requires(needs []string) string {
	var b strings.Builder
	for _, n := range needs {
		ref := func(s string) string { return strings.ReplaceAll(s, " ", "_") }
		switch {
		case strings.HasPrefix(n, "?"):
			fmt.Fprintf(&b, `<informationRequirement><requiredInput href="#_%s"/></informationRequirement>`, ref(n[1:]))
		case strings.HasPrefix(n, "!"):
			fmt.Fprintf(&b, `<informationRequirement><requiredDecision href="#_%s"/></informationRequirement>`, ref(n[1:]))
		case strings.HasSuffix(n, "()"):
			fmt.Fprintf(&b, `<knowledgeRequirement><requiredKnowledge href="#_%s"/></knowledgeRequirement>`, ref(strings.TrimSuffix(n, "()")))
		default:
			panic(n)
		}
	}
	return b.String()
}

func input(name, typ string) string {
	return fmt.Sprintf(`<inputData id="_%s" name=%q><variable name=%q typeRef=%q/></inputData>`, strings.ReplaceAll(name, " ", "_"), name, name, typ)
}

func bkm(name, params, logic string, needs ...string) string {
	var b strings.Builder
	for _, p := range strings.Split(params, ",") {
		if n, typ, _ := strings.Cut(strings.TrimSpace(p), ":"); n != "" {
			fmt.Fprintf(&b, "<formalParameter name=%q", n)
			if typ != "" {
				fmt.Fprintf(&b, " typeRef=%q", strings.TrimSpace(typ))
			}
			b.WriteString("/>")
		}
	}
	return fmt.Sprintf(`<businessKnowledgeModel id="_%s" name=%q><variable name=%q/><encapsulatedLogic>%s%s</encapsulatedLogic>%s</businessKnowledgeModel>`,
		strings.ReplaceAll(name, " ", "_"), name, name, b.String(), logic, requires(needs))
}

// invoke is a boxed invocation: its arguments are "name=expression".
func invoke(f string, args ...string) string {
	s := "<invocation>" + lit(f)
	for _, a := range args {
		n, x, _ := strings.Cut(a, "=")
		s += fmt.Sprintf("<binding><parameter name=%q/>%s</binding>", n, lit(x))
	}
	return s + "</invocation>"
}

func boxCtx(entries ...string) string {
	s := "<context>"
	for _, e := range entries {
		n, x, ok := strings.Cut(e, "=")
		if !ok || n == "" {
			s += "<contextEntry>" + x + "</contextEntry>"
			continue
		}
		s += fmt.Sprintf("<contextEntry><variable name=%q/>%s</contextEntry>", n, x)
	}
	return s + "</context>"
}

// svc is a service: what it gives, has inside, and is given.
func svc(name, typ string, out, inside, decisions, inputs []string) string {
	s := fmt.Sprintf(`<decisionService id="_%s" name=%q><variable name=%q`, name, name, name)
	if typ != "" {
		s += fmt.Sprintf(" typeRef=%q", typ)
	}
	s += "/>"
	for _, l := range []struct {
		el   string
		refs []string
	}{{"outputDecision", out}, {"encapsulatedDecision", inside}, {"inputDecision", decisions}, {"inputData", inputs}} {
		for _, r := range l.refs {
			s += fmt.Sprintf(`<%s href="#_%s"/>`, l.el, strings.ReplaceAll(r, " ", "_"))
		}
	}
	return s + "</decisionService>"
}

// tab is a decision table in lines: "in: expression [: type]", "values:" of the input
// before, "out: name [: type]", "order:" and "default:" of the output before, and rules
// "a | b => x | y".
func tab(policy, aggregation, text string) string {
	var cols, rules strings.Builder
	open := ""
	shut := func() {
		if open != "" {
			cols.WriteString("</" + open + ">")
		}
		open = ""
	}
	cell := func(el, s string) string {
		return "<" + el + "><text><![CDATA[" + strings.TrimSpace(s) + "]]></text></" + el + ">"
	}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		line = strings.TrimSpace(line)
		kind, rest, _ := strings.Cut(line, ":")
		what, typ, _ := strings.Cut(rest, " : ")
		what = strings.TrimSpace(what)
		switch {
		case line == "":
		case strings.Contains(line, "=>"):
			in, out, _ := strings.Cut(line, "=>")
			rules.WriteString("<rule>")
			if strings.TrimSpace(in) != "" || strings.HasPrefix(line, "=>") && strings.Contains(text, "in:") {
				for _, c := range strings.Split(in, "|") {
					rules.WriteString(cell("inputEntry", c))
				}
			}
			for _, c := range strings.Split(out, "|") {
				rules.WriteString(cell("outputEntry", c))
			}
			rules.WriteString("</rule>")
		case kind == "in":
			shut()
			open = "input"
			cols.WriteString("<input><inputExpression")
			if typ != "" {
				fmt.Fprintf(&cols, " typeRef=%q", strings.TrimSpace(typ))
			}
			cols.WriteString("><text>" + what + "</text></inputExpression>")
		case kind == "values":
			cols.WriteString(cell("inputValues", rest))
		case kind == "out":
			shut()
			open = "output"
			cols.WriteString("<output")
			if what != "" {
				fmt.Fprintf(&cols, " name=%q", what)
			}
			if typ != "" {
				fmt.Fprintf(&cols, " typeRef=%q", strings.TrimSpace(typ))
			}
			cols.WriteString(">")
		case kind == "order":
			cols.WriteString(cell("outputValues", rest))
		case kind == "default":
			cols.WriteString(cell("defaultOutputEntry", rest))
		default:
			panic(line)
		}
	}
	shut()
	s := `<decisionTable hitPolicy="` + policy + `"`
	if aggregation != "" {
		s += ` aggregation="` + aggregation + `"`
	}
	return s + ">" + cols.String() + rules.String() + "</decisionTable>"
}

func given(t testing.TB, s string) map[string]any {
	t.Helper()
	if s == "" {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var in map[string]any
	if err := d.Decode(&in); err != nil {
		t.Fatal(err)
	}
	return in
}

// question asks a decision or service of a model; want is the answer as FEEL writes it
// ("x" for a text), or "error: " with a part of the message.
type question struct {
	what, ask, given, want string
}

func asks(t *testing.T, d *Definitions, qs []question) {
	t.Helper()
	for _, q := range qs {
		name := q.what
		if name == "" {
			name = q.ask
		}
		t.Run(name, func(t *testing.T) {
			t.Helper()
			got := ""
			r, err := d.Evaluate(q.ask, given(t, q.given), EvalOptions{Trace: true})
			if err != nil {
				got = "error: " + err.Error()
			} else if got = feel.Text(r.FEEL); feel.KindOf(r.FEEL) == feel.KindString {
				got = `"` + got + `"`
			}
			if want, is := strings.CutPrefix(q.want, "error: "); is {
				if err == nil || !strings.Contains(got, want) {
					t.Errorf("%s: got %s, want %s", q.ask, got, q.want)
				}
			} else if got != q.want {
				why := ""
				if r != nil {
					for _, n := range r.Nulls {
						why += "\n  null: " + n.Msg + " in " + n.Expr
					}
				}
				t.Errorf("%s: got %s, want %s%s", q.ask, got, q.want, why)
			}
		})
	}
}

// Boxed iterators and quantifiers (DMN 1.5, 10.2.2.8 to 10.2.2.11): what they mean is the
// FEEL expression of the same words.
func TestBoxedLoops(t *testing.T) {
	loop := func(kind, variable, in, part, body string) string {
		return fmt.Sprintf(`<%s iteratorVariable=%q><in>%s</in><%s>%s</%s></%s>`, kind, variable, lit(in), part, lit(body), part, kind)
	}
	forOf := func(in, body string) string { return loop("for", "x", in, "return", body) }
	some := func(in, body string) string { return loop("some", "x", in, "satisfies", body) }
	every := func(in, body string) string { return loop("every", "x", in, "satisfies", body) }
	d := asModel(t, dec("squares", "", forOf("[1, 2, 3]", "x * x"))+
		dec("running", "", forOf("[1, 2, 3]", "x + count(partial)"))+
		dec("overRange", "", forOf("1..3", "x"))+
		dec("overRangeValue", "", forOf("[1..3]", "x + 1"))+
		dec("none", "", forOf("[]", "x"))+
		dec("nulls", "", forOf("[1, null]", "x"))+
		dec("ofNull", "", forOf("null", "1"))+
		dec("long", "", `<for iteratorVariable="the item"><in>`+lit(`["a","b"]`)+`</in><return>`+lit(`the item + "!"`)+`</return></for>`)+
		dec("nested", "", `<for iteratorVariable="x"><in>`+lit(`[1, 2]`)+`</in><return><for iteratorVariable="y"><in>`+lit(`[10, 20]`)+`</in><return>`+lit(`x * y`)+`</return></for></return></for>`)+
		dec("aContextEach", "", `<for iteratorVariable="x"><in>`+lit(`[1, 2]`)+`</in><return>`+boxCtx("a="+lit("x"), "b="+lit("a + 1"))+`</return></for>`)+
		dec("typed", "tNumbers", forOf(`["a"]`, "x"))+
		`<itemDefinition name="tNumbers" isCollection="true"><typeRef>number</typeRef></itemDefinition>`+
		dec("someYes", "", some("[1, 2]", "x > 1"))+
		dec("someNo", "", some("[1, 2]", "x > 2"))+
		dec("someOfNone", "", some("[]", "true"))+
		dec("someNoBoolean", "", some("[1, 2]", `"no"`))+
		dec("someEarly", "", some("[1, 2]", `if x = 1 then true else "no"`))+
		dec("everyYes", "", every("[1, 2]", "x > 0"))+
		dec("everyNo", "", every("[1, 2]", "x > 1"))+
		dec("everyOfNone", "", every("[]", "false"))+
		dec("everyNoBoolean", "", every("[1, 2]", `"no"`))+
		dec("everyNull", "", every("[1, 2]", `null`)))
	asks(t, d, []question{
		{"", "squares", "", "[1, 4, 9]"},
		{"partial is what is there so far", "running", "", "[1, 3, 5]"},
		{"", "overRangeValue", "", "[2, 3, 4]"},
		{"", "none", "", "[]"},
		{"", "nulls", "", "[1, null]"},
		{"", "ofNull", "", "null"},
		{"", "long", "", `["a!", "b!"]`},
		{"", "nested", "", "[[10, 20], [20, 40]]"},
		{"", "aContextEach", "", "[{a: 1, b: 2}, {a: 2, b: 3}]"},
		{"texts are no numbers", "typed", "", "null"},
		{"", "someYes", "", "true"},
		{"", "someNo", "", "false"},
		{"", "someOfNone", "", "false"},
		{"", "someNoBoolean", "", "null"},
		{"", "someEarly", "", "true"},
		{"", "everyYes", "", "true"},
		{"", "everyNo", "", "false"},
		{"", "everyOfNone", "", "true"},
		{"", "everyNoBoolean", "", "null"},
		{"", "everyNull", "", "null"},
	})
}

// Boxed lists, relations, contexts, conditionals and filters (10.2.1 and 10.2.2).
func TestBoxes(t *testing.T) {
	d := asModel(t, dec("list", "", `<list>`+lit("1")+lit(`"a"`)+`<list>`+lit("2")+`</list></list>`)+
		dec("emptyList", "", `<list/>`)+
		dec("listOfBoxes", "", `<list>`+boxCtx("a="+lit("1"))+`<conditional><if>`+lit("true")+`</if><then>`+lit("1")+`</then><else>`+lit("2")+`</else></conditional></list>`)+
		dec("typedList", "", `<list typeRef="tNumbers">`+lit("1")+lit(`2`)+`</list>`)+
		dec("mistypedList", "", `<list typeRef="tNumbers">`+lit("1")+lit(`"a"`)+`</list>`)+
		dec("asOneNumber", "number", `<list>`+lit("1")+`</list>`)+
		`<itemDefinition name="tNumbers" isCollection="true"><typeRef>number</typeRef></itemDefinition>`+
		dec("relation", "", `<relation><column name="n" typeRef="number"/><column name="name"/><row>`+lit("1")+lit(`"a"`)+`</row><row>`+lit("2")+lit("null")+`</row></relation>`)+
		dec("emptyRelation", "", `<relation><column name="n"/></relation>`)+
		dec("mistypedRelation", "", `<relation><column name="n" typeRef="number"/><row>`+lit(`"a"`)+`</row></relation>`)+
		dec("context", "", boxCtx("a="+lit("1"), "b b="+lit("a + 1"), "c="+boxCtx("d="+lit("b b * 2"))))+
		dec("contextResult", "", boxCtx("a="+lit("1"), "="+lit("a + 41")))+
		dec("hiddenInside", "", boxCtx("a="+lit("1"), "b="+boxCtx("a="+lit("2"), "c="+lit("a")), "d="+lit("a")))+
		dec("functionInside", "", boxCtx("double=<functionDefinition><formalParameter name=\"x\" typeRef=\"number\"/>"+lit("x * 2")+"</functionDefinition>", "="+lit("double(21)")))+
		dec("functionByName", "", boxCtx("f=<functionDefinition><formalParameter name=\"x\"/><formalParameter name=\"y\"/>"+lit("x - y")+"</functionDefinition>", "="+invoke("f", "y=1", "x=10")))+
		dec("conditional", "", `<conditional><if>`+lit("null")+`</if><then>`+lit("1")+`</then><else>`+lit("2")+`</else></conditional>`)+
		dec("filter", "", `<filter><in>`+lit(`[{n: 1}, {n: 2}]`)+`</in><match>`+lit("n > 1")+`</match></filter>`)+
		dec("filterItem", "", `<filter><in>`+lit(`[{n: 1}, {n: 2}]`)+`</in><match>`+lit("item.n > 1")+`</match></filter>`)+
		dec("filterEmpty", "", `<filter><in>`+lit(`[]`)+`</in><match>`+lit("true")+`</match></filter>`)+
		dec("typedEntry", "", `<context><contextEntry><variable name="a" typeRef="number"/>`+lit(`"x"`)+`</contextEntry></context>`)+
		dec("callNothing", "", invoke("nothing", "a=1"))+
		dec("builtinBoxed", "", invoke("abs", "n=-3"))+
		dec("builtinMisnamed", "", invoke("abs", "m=-3"))+
		dec("noArguments", "", invoke("now is not here")))
	asks(t, d, []question{
		{"", "list", "", `[1, "a", [2]]`},
		{"", "emptyList", "", "[]"},
		{"", "listOfBoxes", "", "[{a: 1}, 1]"},
		{"", "typedList", "", "[1, 2]"},
		{"", "mistypedList", "", "null"},
		{"", "asOneNumber", "", "1"},
		{"", "relation", "", `[{n: 1, name: "a"}, {n: 2, name: null}]`},
		{"", "emptyRelation", "", "[]"},
		{"", "mistypedRelation", "", "[{n: null}]"},
		{"", "context", "", `{a: 1, b b: 2, c: {d: 4}}`},
		{"", "contextResult", "", "42"},
		{"", "hiddenInside", "", "{a: 1, b: {a: 2, c: 2}, d: 1}"},
		{"", "functionInside", "", "42"},
		{"", "functionByName", "", "9"},
		{"", "conditional", "", "2"},
		{"", "filter", "", "[{n: 2}]"},
		{"", "filterItem", "", "[{n: 2}]"},
		{"", "filterEmpty", "", "[]"},
		{"", "typedEntry", "", "{a: null}"},
		{"", "callNothing", "", "null"},
		{"", "builtinBoxed", "", "3"},
		{"", "builtinMisnamed", "", "null"},
		{"", "noArguments", "", "null"},
	})
}

// Decision services are functions of their input data and input decisions, in that order
// (DMN 1.5, 10.4); they know nothing of what is around them.
func TestServices(t *testing.T) {
	l := func(s ...string) []string { return s }
	d := asModel(t, input("n", "number")+input("s", "string")+input("other", "number")+
		`<itemDefinition name="tFunction"><functionItem outputTypeRef="string"/></itemDefinition>`+
		`<itemDefinition name="tOut"><itemComponent name="twice"><typeRef>number</typeRef></itemComponent><itemComponent name="more"><typeRef>number</typeRef></itemComponent></itemDefinition>`+
		dec("constant", "", lit(`"const"`))+
		dec("outer", "number", lit("100"))+
		dec("twice", "number", lit("n * 2"), "?n")+
		dec("more", "number", lit("twice + 1"), "!twice")+
		dec("given", "", lit("if outer = null then s else s + string(outer)"), "!outer", "?s")+
		dec("minus", "", lit("n - outer"), "?n", "!outer")+
		dec("unknown", "", lit("other"), "?other")+
		dec("answer", "", lit("1000"))+
		svc("sConstant", "", l("constant"), nil, nil, nil)+
		svc("sMore", "", l("more"), l("twice"), nil, l("n"))+
		svc("sMoreOfTwice", "", l("more"), nil, l("twice"), nil)+
		svc("sBoth", "", l("twice", "more"), nil, nil, l("n"))+
		svc("sBothTyped", "tOut", l("twice", "more"), nil, nil, l("n"))+
		svc("sMinus", "", l("minus"), nil, l("outer"), l("n"))+
		svc("sGiven", "", l("given"), nil, l("outer"), l("s"))+
		svc("sUnknown", "", l("unknown"), nil, nil, nil)+
		svc("sMistyped", "tFunction", l("answer"), nil, nil, nil)+
		svc("sTypedPlain", "string", l("answer"), nil, nil, nil)+
		svc("sInner", "", l("constant"), nil, nil, nil)+
		dec("callsInner", "", lit("sInner()"), "sInner()")+
		svc("sOuter", "", l("callsInner"), nil, nil, nil)+
		dec("c0", "", lit("sConstant()"), "sConstant()")+
		dec("c0tooMany", "", lit("sConstant(1)"), "sConstant()")+
		dec("c1", "", lit("sMore(5)"), "sMore()")+
		dec("c1named", "", lit("sMore(n: 5)"), "sMore()")+
		dec("c1misnamed", "", lit("sMore(x: 5)"), "sMore()")+
		dec("c1few", "", lit("sMore()"), "sMore()")+
		dec("c1mistyped", "", lit(`sMore("five")`), "sMore()")+
		dec("c1list", "", lit(`sMore([5])`), "sMore()")+
		dec("c1null", "", lit(`sMore(null)`), "sMore()")+
		dec("c1boxed", "", invoke("sMore", "n=5"), "sMore()")+
		dec("c1boxedMisnamed", "", invoke("sMore", "x=5"), "sMore()")+
		dec("cOfTwice", "", lit("sMoreOfTwice(7)"), "sMoreOfTwice()")+
		dec("cOfTwiceNamed", "", lit("sMoreOfTwice(twice: 7)"), "sMoreOfTwice()")+
		dec("cOfTwiceMistyped", "", lit(`sMoreOfTwice("7")`), "sMoreOfTwice()")+
		dec("cBoth", "", lit("sBoth(3)"), "sBoth()")+
		dec("cBothTyped", "", lit("sBothTyped(3).more"), "sBothTyped()")+
		dec("cBothPath", "", lit("sBoth(3).more"), "sBoth()")+
		dec("cMinus", "", lit("sMinus(10, 3)"), "sMinus()")+
		dec("cMinusNamed", "", lit("sMinus(outer: 3, n: 10)"), "sMinus()")+
		dec("cMinusBoxed", "", invoke("sMinus", "outer=3", "n=10"), "sMinus()")+
		dec("cGiven", "", lit(`sGiven("a", 3)`), "sGiven()")+
		dec("cGivenPart", "", lit(`sGiven(s: "a")`), "sGiven()")+
		dec("cUnknown", "", lit(`{r: sUnknown(), o: other}`), "sUnknown()", "?other")+
		dec("cOuter", "", lit("sOuter()"), "sOuter()")+
		dec("asValue", "", lit("for f in [1, 2] return sMore(f)"), "sMore()")+
		bkm("inBKM", "x: number", lit("sMore(x) * 10"), "sMore()")+
		dec("cInBKM", "", lit("inBKM(1)"), "inBKM()")+
		dec("passed", "", boxCtx("apply=<functionDefinition><formalParameter name=\"f\"/>"+lit("f(4)")+"</functionDefinition>", "="+lit("apply(sMore)")), "sMore()"))
	asks(t, d, []question{
		{"", "c0", "", `"const"`},
		{"one argument too many", "c0tooMany", "", "null"},
		{"", "c1", "", "11"},
		{"", "c1named", "", "11"},
		{"", "c1misnamed", "", "null"},
		{"one argument too few", "c1few", "", "null"},
		{"the argument has to have the type of the input", "c1mistyped", "", "null"},
		{"a list of one is its item", "c1list", "", "11"},
		{"", "c1null", "", "null"},
		{"", "c1boxed", "", "11"},
		{"", "c1boxedMisnamed", "", "null"},
		{"an input decision isn't made again", "cOfTwice", `{"n": 1}`, "8"},
		{"", "cOfTwiceNamed", `{"n": 1}`, "8"},
		{"", "cOfTwiceMistyped", `{"n": 1}`, "null"},
		{"several outputs are a context", "cBoth", "", "{twice: 6, more: 7}"},
		{"", "cBothTyped", "", "7"},
		{"", "cBothPath", "", "7"},
		{"first input data, then input decisions", "cMinus", "", "7"},
		{"", "cMinusNamed", "", "7"},
		{"", "cMinusBoxed", "", "7"},
		{"", "cGiven", "", `"a3"`},
		{"a service doesn't see what isn't given to it", "cUnknown", `{"other": 5}`, "{r: null, o: 5}"},
		{"", "cOuter", "", `"const"`},
		{"", "asValue", "", "[3, 5]"},
		{"", "cInBKM", "", "30"},
		{"a service is a value", "passed", "", "9"},
		{"run as a whole", "sMore", `{"n": 5}`, "11"},
		{"run as a whole with an input decision", "sMinus", `{"n": 5, "outer": 2}`, "3"},
		{"", "sMoreOfTwice", `{"twice": 5}`, "6"},
		{"", "sBoth", `{"n": 5}`, "{twice: 10, more: 11}"},
		{"", "sMistyped", "", "null"},
		{"", "sTypedPlain", "", "null"},
		{"", "sUnknown", `{"other": 5}`, "null"},
	})
}

// What is written in Java or PMML is null here, and nothing else breaks (10.3.2.13.3).
func TestForeignFunctions(t *testing.T) {
	java := func(params string) string {
		return `<functionDefinition kind="Java">` + params + boxCtx(`class=`+lit(`"java.lang.Math"`), `method signature=`+lit(`"cos(double)"`)) + `</functionDefinition>`
	}
	d := asModel(t, dec("boxed", "", boxCtx("cos="+java(`<formalParameter name="angle"/>`), "="+lit("cos(0)")))+
		dec("literal", "", boxCtx(`f=`+lit(`function(angle: number) external {java: {class: "java.lang.Math", method signature: "cos(double)"}}`), "="+lit("f(0)")))+
		dec("literalNamed", "", lit(`{f: function(a) external {java: {class: "java.lang.Math", method signature: "max(int, int)"}}, r: [f(a: 1), 2]}.r`))+
		dec("varargs", "", lit(`{f: function(mask, values) external {java: {class: "java.lang.String", method signature: "format(java.lang.String, [Ljava.lang.Object;)"}}, r: f("%s", ["a"])}.r`))+
		dec("pmml", "", boxCtx(`f=<functionDefinition kind="PMML"><formalParameter name="x"/>`+boxCtx(`document=`+lit(`"a.pmml"`), `model=`+lit(`"m"`))+`</functionDefinition>`, "="+lit("f(1)")))+
		`<businessKnowledgeModel id="_k" name="k"><variable name="k"/><encapsulatedLogic kind="Java"><formalParameter name="x"/>`+boxCtx(`class=`+lit(`"java.lang.Math"`), `method signature=`+lit(`"cos(double)"`))+`</encapsulatedLogic></businessKnowledgeModel>`+
		dec("knowledge", "", lit("[k(1), 1]"), "k()")+
		dec("noBody", "", boxCtx(`f=<functionDefinition kind="Java"><formalParameter name="x"/></functionDefinition>`, "="+lit("f(1)")))+
		dec("instance", "", boxCtx(`f=`+java(`<formalParameter name="x" typeRef="number"/>`), "="+lit("f instance of function<number> -> number"))))
	asks(t, d, []question{
		{"", "boxed", "", "null"},
		{"", "literal", "", "null"},
		{"", "literalNamed", "", "[null, 2]"},
		{"", "varargs", "", "null"},
		{"", "pmml", "", "null"},
		{"", "knowledge", "", "[null, 1]"},
		{"", "noBody", "", "null"},
	})
}

// Every hit policy where it is empty, crowded or at odds (DMN 1.5, 8.2.8 to 8.2.11).
func TestTables(t *testing.T) {
	ab := "in: x : number\nout:\n"
	abo := "in: x : number\nout:\norder: \"high\", \"mid\", \"low\"\n"
	two := "in: x : number\nout: a\norder: \"high\", \"low\"\nout: b\norder: 2, 1, 0\n"
	rows := `
	>= 1 => "low"
	>= 2 => "high"
	>= 3 => "mid"`
	pairs := `
	>= 1 => "low" | 1
	>= 2 => "low" | 2
	>= 3 => "high" | 0
	>= 4 => "high" | 1`
	var body strings.Builder
	body.WriteString(input("x", "number") + input("y", "Any") + input("words", "tWords") +
		`<itemDefinition name="tWords" isCollection="true"><typeRef>string</typeRef></itemDefinition>` +
		`<itemDefinition name="tGrade"><typeRef>string</typeRef><allowedValues><text>"high", "mid", "low"</text></allowedValues></itemDefinition>`)
	add := func(name, typ, policy, agg, text string, needs ...string) {
		if needs == nil {
			needs = []string{"?x"}
		}
		body.WriteString(dec(name, typ, tab(policy, agg, text), needs...))
	}
	for _, p := range []string{"UNIQUE", "FIRST", "ANY", "RULE ORDER", "COLLECT"} {
		add(strings.ReplaceAll(p, " ", ""), "", p, "", ab+rows)
	}
	add("PRIORITY", "", "PRIORITY", "", abo+rows)
	add("OUTPUTORDER", "", "OUTPUT ORDER", "", abo+rows)
	add("PRIORITY2", "", "PRIORITY", "", two+pairs)
	add("OUTPUTORDER2", "", "OUTPUT ORDER", "", two+pairs)
	add("PRIORITYbyType", "", "PRIORITY", "", "in: x : number\nout: : tGrade\n"+rows)
	add("ANY2", "", "ANY", "", "in: x : number\nout: a\nout: b\n>= 1 => 1 | 2\n>= 2 => 1 | 2\n>= 3 => 1 | 3")
	add("defaults", "", "UNIQUE", "", "in: x : number\nout: a\ndefault: \"none\"\nout: b\ndefault: 0\n1 => \"one\" | 1")
	add("oneDefault", "", "UNIQUE", "", "in: x : number\nout: a\ndefault: \"none\"\nout: b\n1 => \"one\" | 1")
	add("defaultCollect", "", "COLLECT", "", "in: x : number\nout:\ndefault: 7\n1 => 1")
	add("defaultIsExpression", "", "UNIQUE", "", "in: x : number\nout:\ndefault: x * 2\n1 => 1")
	for _, a := range []string{"SUM", "MIN", "MAX", "COUNT"} {
		add("C"+a, "", "COLLECT", a, ab+"\n>= 1 => 10\n>= 2 => 5\n>= 3 => 5")
		add("T"+a, "", "COLLECT", a, ab+"\n>= 1 => \"b\"\n>= 2 => \"a\"\n>= 3 => \"a\"")
		add("D"+a, "", "COLLECT", a, ab+"\n>= 1 => date(\"2026-02-01\")\n>= 2 => date(\"2026-01-01\")")
	}
	add("emptyCell", "", "UNIQUE", "", ab+"=> 1")
	add("dash", "", "UNIQUE", "", ab+"- => 1")
	add("values", "", "UNIQUE", "", "in: x : number\nvalues: [1..5]\nout:\ndefault: \"d\"\n<= 3 => \"s\"\n> 3 => \"l\"")
	add("nullCell", "", "FIRST", "", "in: y\nout:\nnull => \"null\"\n- => \"some\"", "?y")
	add("notNull", "", "FIRST", "", "in: y\nout:\nnot(null) => \"some\"\n- => \"null\"", "?y")
	add("listCell", "", "FIRST", "", "in: y\nout:\n[1, 2] => \"in\"\n- => \"out\"", "?y")
	add("listInput", "", "FIRST", "", "in: words\nout:\n[\"a\", \"b\"] => \"same\"\nlist contains(?, \"c\") => \"c\"\n- => \"other\"", "?words")
	add("boolCell", "", "FIRST", "", "in: y\nout:\ntrue => \"yes\"\nfalse => \"no\"\n- => \"?\"", "?y")
	add("question", "", "FIRST", "", "in: x : number\nout:\n? * 2 = 4 => \"two\"\nodd(?) => \"odd\"\n- => \"even\"")
	add("several", "", "FIRST", "", "in: x : number\nout:\n1, 3, [5..7) => \"in\"\nnot(2, 4) => \"not 2 or 4\"\n- => \"2 or 4\"")
	add("noInputs", "", "UNIQUE", "", "out:\n=> \"always\"", []string{}...)
	add("typedOutput", "number", "UNIQUE", "", "in: x : number\nout: : number\n1 => \"one\"\n2 => 2")
	add("outputUsesInput", "", "UNIQUE", "", "in: x : number\nout:\n- => x + 1")
	add("expressionInput", "", "UNIQUE", "", "in: x + 1 : number\nout:\n2 => \"one\"\n3 => \"two\"")
	add("valueOfOther", "", "FIRST", "", "in: x : number\nout:\n< y => \"less\"\n[y..y + 2] => \"near\"\n- => \"more\"", "?x", "?y")
	body.WriteString(bkm("grade", "n: number, limit: number", tab("FIRST", "", "in: n : number\nout:\n>= limit => \"pass\"\n- => \"fail\"")) +
		dec("graded", "", lit("[grade(3, 2), grade(limit: 4, n: 3), grade(null, 1)]"), "grade()"))
	d := asModel(t, body.String())
	asks(t, d, []question{
		{"no hit", "UNIQUE", `{"x": 0}`, "null"},
		{"no hit", "FIRST", `{"x": 0}`, "null"},
		{"no hit", "ANY", `{"x": 0}`, "null"},
		{"no hit", "PRIORITY", `{"x": 0}`, "null"},
		{"one hit", "UNIQUE", `{"x": 1}`, `"low"`},
		{"two hits", "UNIQUE", `{"x": 2}`, "null"},
		{"two hits", "FIRST", `{"x": 2}`, `"low"`},
		{"two hits at odds", "ANY", `{"x": 2}`, "null"},
		{"three hits", "PRIORITY", `{"x": 3}`, `"high"`},
		{"three hits", "OUTPUTORDER", `{"x": 3}`, `["high", "mid", "low"]`},
		{"three hits", "RULEORDER", `{"x": 3}`, `["low", "high", "mid"]`},
		{"three hits", "COLLECT", `{"x": 3}`, `["low", "high", "mid"]`},
		{"one hit is a list of one", "COLLECT", `{"x": 1}`, `["low"]`},
		{"null input", "UNIQUE", `{}`, "null"},
		{"", "PRIORITY2", `{"x": 2}`, `{a: "low", b: 2}`},
		{"the first output goes before the second", "PRIORITY2", `{"x": 3}`, `{a: "high", b: 0}`},
		{"", "PRIORITY2", `{"x": 4}`, `{a: "high", b: 1}`},
		{"", "OUTPUTORDER2", `{"x": 4}`, `[{a: "high", b: 1}, {a: "high", b: 0}, {a: "low", b: 2}, {a: "low", b: 1}]`},
		{"the order is that of the type", "PRIORITYbyType", `{"x": 3}`, `"high"`},
		{"agreeing", "ANY2", `{"x": 2}`, "{a: 1, b: 2}"},
		{"at odds in one output", "ANY2", `{"x": 3}`, "null"},
		{"", "defaults", `{"x": 2}`, `{a: "none", b: 0}`},
		{"", "defaults", `{"x": 1}`, `{a: "one", b: 1}`},
		{"", "oneDefault", `{"x": 2}`, `{a: "none", b: null}`},
		{"", "defaultIsExpression", `{"x": 2}`, "4"},
		{"", "CSUM", `{"x": 3}`, "20"},
		{"", "CMIN", `{"x": 3}`, "5"},
		{"", "CMAX", `{"x": 3}`, "10"},
		{"outputs that are the same count each", "CCOUNT", `{"x": 3}`, "3"},
		{"texts have no sum", "TSUM", `{"x": 3}`, "null"},
		{"", "TMIN", `{"x": 3}`, `"a"`},
		{"", "TMAX", `{"x": 3}`, `"b"`},
		{"", "DMIN", `{"x": 3}`, `2026-01-01`},
		{"", "DMAX", `{"x": 3}`, `2026-02-01`},
		{"", "DCOUNT", `{"x": 3}`, `2`},
		{"", "emptyCell", `{"x": 3}`, "1"},
		{"", "dash", `{}`, "1"},
		{"", "values", `{"x": 3}`, `"s"`},
		{"an input that isn't allowed is an error", "values", `{"x": 9}`, `null`},
		{"", "nullCell", `{}`, `"null"`},
		{"", "nullCell", `{"y": 1}`, `"some"`},
		{"", "notNull", `{"y": 1}`, `"some"`},
		{"", "notNull", `{}`, `"null"`},
		{"", "listCell", `{"y": 2}`, `"in"`},
		{"", "listCell", `{"y": 3}`, `"out"`},
		{"", "listCell", `{"y": [1, 2]}`, `"in"`},
		{"", "listInput", `{"words": ["a", "b"]}`, `"same"`},
		{"", "listInput", `{"words": ["c", "b"]}`, `"c"`},
		{"", "listInput", `{"words": ["b", "a"]}`, `"other"`},
		{"", "boolCell", `{"y": true}`, `"yes"`},
		{"", "boolCell", `{"y": false}`, `"no"`},
		{"", "boolCell", `{}`, `"?"`},
		{"", "question", `{"x": 2}`, `"two"`},
		{"", "question", `{"x": 3}`, `"odd"`},
		{"", "question", `{"x": 4}`, `"even"`},
		{"", "several", `{"x": 5}`, `"in"`},
		{"", "several", `{"x": 7}`, `"not 2 or 4"`},
		{"", "several", `{"x": 2}`, `"2 or 4"`},
		{"", "noInputs", ``, `"always"`},
		{"", "typedOutput", `{"x": 1}`, `null`},
		{"", "typedOutput", `{"x": 2}`, `2`},
		{"", "outputUsesInput", `{"x": 2}`, `3`},
		{"", "expressionInput", `{"x": 2}`, `"two"`},
		{"", "valueOfOther", `{"x": 2, "y": 3}`, `"less"`},
		{"", "valueOfOther", `{"x": 5, "y": 3}`, `"near"`},
		{"", "valueOfOther", `{"x": 6, "y": 3}`, `"more"`},
		{"", "graded", ``, `["pass", "fail", "fail"]`},
	})
}

// Types: parts, collections of collections, allowed values and constraints, functions,
// types that hold themselves (7.3.2, 7.3.3, 10.3.2.9.4).
func TestItemDefinitions(t *testing.T) {
	d := asModel(t, `
	<itemDefinition name="tPlain"><typeRef>string</typeRef><allowedValues><text>"a", "b"</text></allowedValues></itemDefinition>
	<itemDefinition name="tPlains" isCollection="true"><typeRef>tPlain</typeRef></itemDefinition>
	<itemDefinition name="tItems" isCollection="true"><typeRef>number</typeRef><allowedValues><text>[0..9]</text></allowedValues></itemDefinition>
	<itemDefinition name="tWhole" isCollection="true"><typeRef>number</typeRef><typeConstraint><text>count(?) &lt;= 2</text></typeConstraint></itemDefinition>
	<itemDefinition name="tRows" isCollection="true"><typeRef>tItems</typeRef></itemDefinition>
	<itemDefinition name="tPerson"><itemComponent name="name"><typeRef>string</typeRef></itemComponent>
		<itemComponent name="home"><itemComponent name="city"><typeRef>string</typeRef></itemComponent><itemComponent name="since"><typeRef>date</typeRef></itemComponent></itemComponent>
		<itemComponent name="marks" isCollection="true"><typeRef>number</typeRef><allowedValues><text>[1..6]</text></allowedValues></itemComponent></itemDefinition>
	<itemDefinition name="tTree"><itemComponent name="value"><typeRef>number</typeRef></itemComponent><itemComponent name="children" isCollection="true"><typeRef>tTree</typeRef></itemComponent></itemDefinition>
	<itemDefinition name="tSmall"><typeRef>tDigit</typeRef><allowedValues><text>&lt; 5</text></allowedValues></itemDefinition>
	<itemDefinition name="tDigit"><typeRef>number</typeRef><allowedValues><text>[0..9]</text></allowedValues></itemDefinition>
	<itemDefinition name="tFn"><functionItem outputTypeRef="number"><parameters name="a" typeRef="number"/></functionItem></itemDefinition>`+
		input("plain", "tPlain")+input("plains", "tPlains")+input("items", "tItems")+input("whole", "tWhole")+input("rows", "tRows")+
		input("person", "tPerson")+input("tree", "tTree")+input("small", "tSmall")+
		dec("dPlain", "", lit("plain"), "?plain")+dec("dPlains", "", lit("plains"), "?plains")+dec("dItems", "", lit("items"), "?items")+
		dec("dWhole", "", lit("whole"), "?whole")+dec("dRows", "", lit("rows"), "?rows")+
		dec("dPerson", "", lit("person.home.city"), "?person")+dec("dSince", "", lit("person.home.since.year"), "?person")+
		dec("dTree", "", lit("sum(tree.children.value)"), "?tree")+dec("dSmall", "", lit("small"), "?small")+
		dec("outPlain", "tPlain", lit(`"c"`))+dec("outPlainOK", "tPlain", lit(`"a"`))+dec("outPlains", "tPlains", lit(`["a", "c"]`))+
		dec("outOne", "tPlains", lit(`"b"`))+
		dec("isPlain", "", lit(`["a" instance of tPlain, "c" instance of tPlain, 1 instance of tPlain]`))+
		dec("isFn", "", boxCtx("f="+lit("function(a: number) a + 1"), "="+lit("f instance of tFn")))+
		dec("fn", "tFn", lit("function(a: number) a + 1"))+
		dec("callFn", "", lit("fn(1)"), "!fn")+
		dec("fnNone", "tFn", lit("1")))
	ok := `{"person": {"name": "A", "home": {"city": "D", "since": "2020-05-01"}, "marks": [1]}}`
	asks(t, d, []question{
		{"", "dPlain", `{"plain": "a"}`, `"a"`},
		{"not allowed", "dPlain", `{"plain": "c"}`, `null`},
		{"", "dPlain", `{}`, `null`},
		{"", "dPlains", `{"plains": ["a", "b"]}`, `["a", "b"]`},
		{"", "dPlains", `{"plains": ["a", "c"]}`, `null`},
		{"", "dItems", `{"items": [1, 2, 3]}`, `[1, 2, 3]`},
		{"allowed values of a collection hold for its items", "dItems", `{"items": [1, 20]}`, `null`},
		{"a constraint holds for the whole", "dWhole", `{"whole": [1, 20]}`, `[1, 20]`},
		{"", "dWhole", `{"whole": [1, 20, 3]}`, `null`},
		{"", "dRows", `{"rows": [[1], [2, 3]]}`, `[[1], [2, 3]]`},
		{"", "dRows", `{"rows": [[1], [20]]}`, `null`},
		{"", "dPerson", ok, `"D"`},
		{"", "dSince", ok, `2020`},
		{"a part that isn't allowed", "dPerson", strings.Replace(ok, "[1]", "[7]", 1), `null`},
		{"a part of the wrong type", "dPerson", strings.Replace(ok, `"D"`, "7", 1), `null`},
		{"", "dTree", `{"tree": {"value": 1, "children": [{"value": 2, "children": []}, {"value": 3, "children": [{"value": 9, "children": []}]}]}}`, `5`},
		{"", "dSmall", `{"small": 3}`, `3`},
		{"", "dSmall", `{"small": 7}`, `null`},
		{"what the type under it allows counts too", "dSmall", `{"small": -1}`, `null`},
		{"", "outPlain", "", "null"},
		{"", "outPlainOK", "", `"a"`},
		{"", "outPlains", "", "null"},
		{"", "outOne", "", `["b"]`},
		{"", "isPlain", "", "[true, false, false]"},
		{"", "isFn", "", "true"},
		{"", "callFn", "", "2"},
		{"", "fnNone", "", "null"},
	})
}

// Knowledge may call itself, and what has no end ends by its budget.
func TestRecursion(t *testing.T) {
	d := asModel(t, bkm("fac", "n: number", lit("if n <= 1 then 1 else n * fac(n - 1)"))+
		bkm("isEven", "n: number", lit("if n = 0 then true else isOdd(n - 1)"), "isOdd()")+
		bkm("isOdd", "n: number", lit("if n = 0 then false else isEven(n - 1)"), "isEven()")+
		bkm("forever", "n: number", lit("forever(n + 1)"))+
		bkm("ping", "n: number", lit("pong(n)"), "pong()")+bkm("pong", "n: number", lit("ping(n)"), "ping()")+
		dec("fac20", "", lit("fac(20)"), "fac()")+dec("even10", "", lit("[isEven(10), isOdd(10)]"), "isEven()", "isOdd()")+
		dec("endless", "", lit("forever(1)"), "forever()")+dec("endless2", "", lit("ping(1)"), "ping()")+
		dec("wide", "", lit("count(for a in 1..3000, b in 1..3000 return a)"))+
		svc("endlessS", "", []string{"endless"}, nil, nil, nil)+dec("callsEndless", "", lit("endlessS()"), "endlessS()")+
		dec("noLogic", "number", "")+dec("usesNoLogic", "", lit("noLogic"), "!noLogic")+
		`<businessKnowledgeModel id="_empty" name="empty"><variable name="empty"/></businessKnowledgeModel>`+
		dec("callsEmpty", "", lit("[empty(1), 2]"), "empty()"))
	over := "error: " + feel.ErrBudget.Error()
	asks(t, d, []question{
		{"", "fac20", "", "2432902008176640000"},
		{"", "even10", "", "[true, false]"},
		{"", "endless", "", over},
		{"", "endless2", "", over},
		{"", "wide", "", over},
		{"", "endlessS", "", over},
		{"", "callsEndless", "", over},
		{"", "noLogic", "", "null"},
		{"", "usesNoLogic", `{"noLogic": 5}`, "5"},
		{"", "usesNoLogic", `{"noLogic": "x"}`, "null"},
		{"", "callsEmpty", "", "[null, 2]"},
	})
	if _, err := d.Evaluate("endless", nil, EvalOptions{}); !errors.Is(err, feel.ErrBudget) {
		t.Errorf("%v is no budget error", err)
	}
}

// What a file may not hold is refused, with its name.
func TestRefusedModels(t *testing.T) {
	deep := strings.Repeat("<list>", 60) + lit("1") + strings.Repeat("</list>", 60)
	for what, c := range map[string][2]string{
		"two decisions in a circle":    {dec("a", "", lit("b"), "!b") + dec("b", "", lit("a"), "!a"), "circle"},
		"through a service":            {svc("again", "", []string{"a"}, nil, nil, nil) + dec("a", "", lit("again()"), "again()"), "circle"},
		"a decision that needs itself": {dec("a", "", lit("a"), "!a"), "circle"},
		"boxes in boxes":               {dec("a", "", deep+""), ""},
		"lists without end":            {dec("a", "", strings.Repeat("<list>", 5000)+strings.Repeat("</list>", 5000)), "deep"},
		"what it needs isn't there":    {dec("a", "", lit("1"), "!b"), "b"},
		"an input as a decision":       {input("i", "number") + dec("a", "", lit("i"), "!i"), "inputData"},
		"two logics":                   {dec("a", "", lit("1")+lit("2")), "more than one"},
		"an unknown hit policy":        {dec("a", "", `<decisionTable hitPolicy="BEST"><output/></decisionTable>`), "BEST"},
	} {
		_, err := ParseWith("m.dmn", []byte(inSpace(dmn15, "urn:m", c[0])), Options{})
		switch {
		case c[1] == "" && err != nil:
			t.Errorf("%s: %v", what, err)
		case c[1] != "" && err == nil:
			t.Errorf("%s isn't refused", what)
		case c[1] != "" && !strings.Contains(err.Error(), c[1]):
			t.Errorf("%s: %v doesn't name %s", what, err, c[1])
		}
	}
}

// files finds imports among models by their namespace.
func files(m map[string]string) func(namespace, location string) (string, []byte, error) {
	return func(namespace, location string) (string, []byte, error) {
		if s, ok := m[namespace]; ok {
			return namespace + ".dmn", []byte(s), nil
		}
		return "", nil, fmt.Errorf("there is no %s", namespace)
	}
}

func importing(name, namespace string) string {
	return fmt.Sprintf(`<import name=%q namespace=%q importType=%q/>`, name, namespace, dmn15)
}

// Imported elements are known under the name of their import, and compute in their own
// model (6.3.3, 10.3.1.6).
func TestImports(t *testing.T) {
	lib := inSpace(dmn15, "urn:lib", `<itemDefinition name="tPerson"><itemComponent name="name"><typeRef>string</typeRef></itemComponent><itemComponent name="age"><typeRef>number</typeRef></itemComponent></itemDefinition>`+
		input("who", "tPerson")+
		bkm("helper", "s: string", lit(`s + "!"`))+
		bkm("say hello", "p: tPerson", lit(`"Hello " + helper(p.name)`), "helper()")+
		dec("greeting", "string", lit(`say hello(who)`), "say hello()", "?who")+
		svc("greet", "", []string{"greeting"}, nil, nil, []string{"who"})+
		dec("answer", "", lit("42")))
	needs := func(kind, href string) string {
		return map[string]string{"k": `<knowledgeRequirement><requiredKnowledge href="` + href + `"/></knowledgeRequirement>`,
			"d": `<informationRequirement><requiredDecision href="` + href + `"/></informationRequirement>`,
			"i": `<informationRequirement><requiredInput href="` + href + `"/></informationRequirement>`}[kind]
	}
	body := importing("my lib", "urn:lib") + input("guest", "my lib.tPerson") +
		dec("invites", "", needs("k", "urn:lib#_say_hello")+lit("my lib.say hello(guest)"), "?guest") +
		dec("invitesBoxed", "", needs("k", "urn:lib#_say_hello")+invoke("my lib.say hello", "p=guest"), "?guest") +
		dec("uses", "", needs("d", "urn:lib#_answer")+lit("my lib.answer + 1")) +
		dec("relays", "", needs("d", "urn:lib#_greeting")+lit("my lib.greeting")) +
		dec("reads", "", needs("i", "urn:lib#_who")+lit("my lib.who.age")) +
		dec("serves", "", needs("k", "urn:lib#_greet")+lit(`my lib.greet({name: "S", age: 1})`)) +
		dec("typed", "my lib.tPerson", lit(`{name: "x", age: "old"}`)) +
		dec("instance", "", lit(`{name: "x", age: 1} instance of my lib.tPerson`)) +
		dec("hidden", "", lit("my lib.answer"))
	d, err := ParseWith("m.dmn", []byte(inSpace(dmn15, "urn:m", body)), Options{Lenient: true, Import: files(map[string]string{"urn:lib": lib})})
	if err != nil {
		t.Fatal(err)
	}
	asks(t, d, []question{
		{"", "invites", `{"guest": {"name": "A", "age": 3}}`, `"Hello A!"`},
		{"", "invites", `{"guest": {"name": "A"}}`, `null`},
		{"", "invitesBoxed", `{"guest": {"name": "A", "age": 3}}`, `"Hello A!"`},
		{"", "uses", ``, `43`},
		{"the input by its name alone", "relays", `{"who": {"name": "W", "age": 3}}`, `"Hello W!"`},
		{"", "reads", `{"who": {"name": "W", "age": 3}}`, `3`},
		{"", "serves", ``, `"Hello S!"`},
		{"", "typed", ``, `null`},
		{"", "instance", ``, `true`},
		{"what isn't required isn't known", "hidden", ``, `null`},
	})
}

// What a model reaches only through another computes there, from the input of that name.
func TestNestedImports(t *testing.T) {
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
		{"one for all", "all", `{"person": "T"}`, `"B Hello T, C Hello T, T"`},
	})
}

// Imports that can't be had, or that lead in a circle, are refused.
func TestRefusedImports(t *testing.T) {
	a := inSpace(dmn15, "urn:a", importing("b", "urn:b")+dec("d", "", lit("1")))
	b := inSpace(dmn15, "urn:b", importing("a", "urn:a")+dec("d", "", lit("1")))
	self := inSpace(dmn15, "urn:s", importing("me", "urn:s"))
	for what, c := range map[string]struct {
		file string
		all  map[string]string
		want string
	}{
		"a circle of two":         {a, map[string]string{"urn:a": a, "urn:b": b}, "circle"},
		"itself":                  {self, map[string]string{"urn:s": self}, "circle"},
		"a file that isn't there": {a, nil, "can't be read"},
		"a file that is broken":   {a, map[string]string{"urn:b": "<definitions"}, "urn:b.dmn"},
	} {
		if _, err := ParseWith("m.dmn", []byte(c.file), Options{Lenient: true, Import: files(c.all)}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
}

// Files of all versions load.
func TestVersions(t *testing.T) {
	for version, ns := range map[string]string{
		"1.1": "http://www.omg.org/spec/DMN/20151101/dmn.xsd",
		"1.2": "http://www.omg.org/spec/DMN/20180521/MODEL/",
		"1.3": "https://www.omg.org/spec/DMN/20191111/MODEL/",
		"1.4": "https://www.omg.org/spec/DMN/20211108/MODEL/",
		"1.5": dmn15,
		"1.6": "https://www.omg.org/spec/DMN/20240513/MODEL/",
	} {
		typ := "number"
		if version == "1.1" { // types are qualified names of XML there
			typ = "feel:number"
		}
		text := strings.Replace(inSpace(ns, "urn:m", input("n", typ)+dec("d", typ, lit("n + 1"), "?n")+dec("t", "", tab("U", "", "in: n\nout:\n1 => \"one\""), "?n")), "<definitions ", `<definitions xmlns:feel="http://www.omg.org/spec/FEEL/20140401" `, 1)
		d, err := Parse("m.dmn", []byte(text))
		if err != nil {
			t.Errorf("%s: %v", version, err)
			continue
		}
		asks(t, d, []question{{version, "d", `{"n": 1}`, "2"}, {version, "t", `{"n": 1}`, `"one"`}})
	}
}

// Lists in tables and where one value stands for a list of one (10.3.2.9.4, table 55).
func TestListsAndSingles(t *testing.T) {
	d := asModel(t, `<itemDefinition name="tStrings" isCollection="true"><typeRef>string</typeRef></itemDefinition>`+
		`<itemDefinition name="tNumbers" isCollection="true"><typeRef>number</typeRef></itemDefinition>`+
		input("staff", "tStrings")+input("name", "string")+input("symptom", "string")+input("flu", "tStrings")+input("nums", "tNumbers")+input("n", "number")+
		dec("jack", "string", lit(`staff[item = "Jack"]`), "?staff")+
		dec("jacks", "", lit(`staff[item = "Jack"]`), "?staff")+
		dec("upper", "", lit(`upper case(staff[item = "Jack"])`), "?staff")+
		dec("append", "tStrings", lit(`append(staff, name)`), "?staff", "?name")+
		dec("flatten", "tStrings", lit(`flatten([staff, [[name]]])`), "?staff", "?name")+
		dec("concat", "tStrings", lit(`concatenate(staff, ["x"], [])`), "?staff", "?name")+
		dec("insert", "tStrings", lit(`insert before(staff, 1, name)`), "?staff", "?name")+
		dec("remove", "tStrings", lit(`remove(staff, 1)`), "?staff", "?name")+
		dec("symptoms", "", tab("FIRST", "", "in: symptom : string\nout:\n\"a\", \"b\" => \"first\"\n[\"c\", \"d\"] => \"second\"\nflu => \"third\"\n- => \"none\""), "?symptom", "?flu")+
		dec("symptomsNot", "", tab("FIRST", "", "in: symptom : string\nout:\nnot(flu, \"q\") => \"healthy\"\n- => \"ill\""), "?symptom", "?flu")+
		dec("listAll", "", tab("FIRST", "", "in: nums : tNumbers\nout:\nevery n in ? satisfies n > 0 => \"all\"\ncount(?) = 0 => \"empty\"\n- => \"none\""), "?nums")+
		dec("listRanges", "", tab("FIRST", "", "in: n : number\nout:\n[[1..3], [7..9]] => \"in\"\n[< 0, 5] => \"in2\"\n- => \"out\""), "?n")+
		dec("listInSingle", "", tab("FIRST", "", "in: nums\nout:\n1 => \"one\"\n- => \"none\""), "?nums")+
		dec("listInEmpty", "", tab("FIRST", "", "in: nums\nout:\n[] => \"empty\"\n- => \"none\""), "?nums")+
		dec("someTrue", "", lit("some i in nums satisfies i > 2"), "?nums")+
		dec("outlist", "tNumbers", tab("UNIQUE", "", "in: n : number\nout: : tNumbers\n1 => [1, 2]\n2 => 3\n3 => []\n4 => [\"a\"]"), "?n")+
		dec("collectLists", "", tab("COLLECT", "", "in: n : number\nout:\n>= 1 => [1, 2]\n>=2 => 3"), "?n"))
	asks(t, d, []question{
		{"", "jack", `{"staff": ["Jack", "Jill"]}`, `"Jack"`},
		{"", "jack", `{"staff": ["Jack", "Jack"]}`, `null`},
		{"", "jacks", `{"staff": ["Jack", "Jill"]}`, `["Jack"]`},
		{"", "upper", `{"staff": ["Jack", "Jill"]}`, `"JACK"`},
		{"", "append", `{"staff": ["Jack", "Jill"], "name": "N"}`, `["Jack", "Jill", "N"]`},
		{"", "append", `{"staff": "Jack", "name": "N"}`, `["Jack", "N"]`},
		{"", "flatten", `{"staff": ["Jack", "Jill"], "name": "N"}`, `["Jack", "Jill", "N"]`},
		{"", "concat", `{"staff": ["Jack", "Jill"], "name": "N"}`, `["Jack", "Jill", "x"]`},
		{"", "insert", `{"staff": ["Jack", "Jill"], "name": "N"}`, `["N", "Jack", "Jill"]`},
		{"", "remove", `{"staff": ["Jack", "Jill"], "name": "N"}`, `["Jill"]`},
		{"", "symptoms", `{"symptom": "a", "flu": ["f"]}`, `"first"`},
		{"", "symptoms", `{"symptom": "d", "flu": ["f"]}`, `"second"`},
		{"", "symptoms", `{"symptom": "f", "flu": ["f"]}`, `"third"`},
		{"", "symptoms", `{"symptom": "g", "flu": ["f"]}`, `"none"`},
		{"", "symptomsNot", `{"symptom": "g", "flu": ["f"]}`, `"healthy"`},
		{"", "symptomsNot", `{"symptom": "f", "flu": ["f"]}`, `"ill"`},
		{"", "listAll", `{"nums": [1, 2]}`, `"all"`},
		{"", "listAll", `{"nums": [0, 2]}`, `"none"`},
		{"", "listRanges", `{"n": 2}`, `"in"`},
		{"", "listRanges", `{"n": 8}`, `"in"`},
		{"", "listRanges", `{"n": -8}`, `"in2"`},
		{"", "listRanges", `{"n": 5}`, `"in2"`},
		{"", "listRanges", `{"n": 6}`, `"out"`},
		{"", "listInSingle", `{"nums": [1]}`, `"none"`},
		{"", "listInEmpty", `{"nums": []}`, `"empty"`},
		{"", "someTrue", `{"nums": [1,3]}`, `true`},
		{"", "outlist", `{"n": 1}`, `[1, 2]`},
		{"", "outlist", `{"n": 2}`, `[3]`},
		{"", "outlist", `{"n": 3}`, `[]`},
		{"", "outlist", `{"n": 4}`, `null`},
		{"", "collectLists", `{"n": 2}`, `[[1, 2], 3]`},
	})
}

// Knowledge over knowledge, contexts, invocations and tables, with names of several words.
func TestInstallments(t *testing.T) {
	d := asModel(t, `<itemDefinition name="tApp"><itemComponent name="Monthly"><itemComponent name="Income"><typeRef>number</typeRef></itemComponent><itemComponent name="Repayments"><typeRef>number</typeRef></itemComponent></itemComponent><itemComponent name="Age"><typeRef>number</typeRef></itemComponent><itemComponent name="ExistingCustomer"><typeRef>boolean</typeRef></itemComponent></itemDefinition>`+
		`<itemDefinition name="tProd"><itemComponent name="Type"><typeRef>string</typeRef><allowedValues><text>"STD","SPECIAL"</text></allowedValues></itemComponent><itemComponent name="Rate"><typeRef>number</typeRef></itemComponent><itemComponent name="Term"><typeRef>number</typeRef></itemComponent><itemComponent name="Amount"><typeRef>number</typeRef></itemComponent></itemDefinition>`+
		input("Applicant data", "tApp")+input("Requested product", "tProd")+
		bkm("PMT", "p: number, r: number, n: number", lit("(p * r/12) / (1 - (1 + r/12)**-n)"))+
		bkm("Installment calculation", "Product Type: string, Rate: number, Term: number, Amount: number",
			boxCtx("Monthly Fee="+lit(`if Product Type = "STD" then 20.00 else if Product Type = "SPECIAL" then 25.00 else null`), "Monthly Repayment="+lit("PMT(Amount, Rate, Term)"), "="+lit("Monthly Repayment + Monthly Fee")), "PMT()")+
		dec("Required monthly installment", "number", invoke("Installment calculation", "Product Type=Requested product.Type", "Rate=Requested product.Rate", "Term=Requested product.Term", "Amount=Requested product.Amount"), "Installment calculation()", "?Requested product")+
		dec("Pre-bureau risk category", "string", tab("U", "", "in: Applicant data.ExistingCustomer : boolean\nin: score-value : number\nout: Pre-Bureau Risk Category : string\nfalse | < 100 => \"HIGH\"\nfalse | [100..120) => \"MEDIUM\"\ntrue | - => \"LOW\""), "?Applicant data", "!score-value")+
		dec("score-value", "number", tab("C+", "", "in: Applicant data.Age\nvalues: [18..120]\nin: Applicant data.Monthly.Income\nout: Partial score\n< 30 | - => 40\n>= 30 | - => 60\n- | > 1000 => 50"), "?Applicant data")+
		dec("Post-bureau", "string", lit(`if Pre-bureau risk category = "MEDIUM" then "ok-" + Pre-bureau risk category else string(score-value - 1)`), "!Pre-bureau risk category", "!score-value"))
	lend := `{"Applicant data": {"Age": 35, "Monthly": {"Income": 6000, "Repayments": 10}, "ExistingCustomer": false}, "Requested product": {"Type": "STD", "Rate": 0.06, "Term": 12, "Amount": 1200}}`
	young := strings.Replace(lend, `"Age": 35`, `"Age": 12`, 1)
	asks(t, d, []question{
		{"", "Required monthly installment", lend, "123.2797156484967952233121277741241"},
		{"a product of no known type", "Required monthly installment", strings.Replace(lend, "STD", "XXL", 1), "null"},
		{"", "score-value", lend, "110"},
		{"a value that the table doesn't allow", "score-value", young, "null"},
		{"", "Pre-bureau risk category", lend, `"MEDIUM"`},
		{"", "Post-bureau", lend, `"ok-MEDIUM"`},
		{"", "Post-bureau", strings.Replace(lend, "6000", "60", 1), `"59"`},
	})
}

// Functions are values; what a table, a relation or a service gives is reached by paths.
func TestFunctionsAndPaths(t *testing.T) {
	l := func(s ...string) []string { return s }
	d := asModel(t, input("n", "number")+
		bkm("twice", "f: Any, x: number", lit("f(f(x))"))+
		dec("higher", "", lit("twice(function(y) y + 3, 1)"), "twice()")+
		bkm("inc", "x: number", lit("x + 1"))+
		dec("higher2", "", lit("twice(inc, 1)"), "twice()", "inc()")+
		dec("knowledgeList", "", lit("for g in [inc, inc] return g(1)"), "inc()")+
		dec("sortBy", "", lit("sort([3,1,2], less)"), "less()")+
		bkm("less", "x: number, y: number", lit("x < y"))+
		bkm("grade", "n: number", tab("U", "", "in: n : number\nout: a\nout: b\n1 => \"x\" | n\n2 => \"y\" | n * 2"))+
		dec("byPath", "", lit("grade(2).b"), "grade()")+
		dec("ofTable", "", lit("res.b"), "!res")+
		dec("res", "", tab("U", "", "in: n : number\nout: a\nout: b\n1 => \"x\" | n\n2 => \"y\" | n * 2"), "?n")+
		dec("single", "", tab("U", "", "in: n : number\nout: Named : string\n1 => \"x\""), "?n")+
		dec("rel", "", `<relation><column name="a"/><column name="b c"/><row>`+lit("1")+lit("2")+`</row></relation>`)+
		dec("relPath", "", lit("rel[a = 1].b c"), "!rel")+
		dec("ut", "", tab("FIRST", "", "in: n : number\nout:\n? > 3 and ? < 5 => \"4\"\n(1..3) => \"2\"\n]4..6[ => \"5\"\n- => \"x\""), "?n")+
		svc("svc1", "", l("res"), nil, nil, l("n"))+
		dec("svcCtx", "", lit("svc1(2)"), "svc1()")+
		dec("svcOutName", "", lit("svc1(2).b"), "svc1()")+
		dec("partialNamed", "", lit("grade()"), "grade()")+
		dec("ctxFn", "", boxCtx("f="+lit("function(x) if x <= 0 then 0 else x + f(x - 1)"), "="+lit("f(3)")))+
		dec("deepCtx", "", boxCtx("a="+boxCtx("b="+boxCtx("c="+lit("1"))), "d="+lit("a.b.c + 1"))))
	asks(t, d, []question{
		{"", "higher", ``, "7"},
		{"", "higher2", ``, "3"},
		{"", "knowledgeList", ``, "[2, 2]"},
		{"", "sortBy", ``, "[1, 2, 3]"},
		{"", "byPath", ``, "4"},
		{"", "ofTable", `{"n": 2}`, "4"},
		{"", "single", `{"n": 1}`, `"x"`},
		{"", "relPath", ``, "[2]"},
		{"", "ut", `{"n": 4}`, `"4"`},
		{"", "ut", `{"n": 2}`, `"2"`},
		{"", "ut", `{"n": 5}`, `"5"`},
		{"", "ut", `{"n": 6}`, `"x"`},
		{"", "svcCtx", ``, `{a: "y", b: 4}`},
		{"", "svcOutName", ``, `4`},
		{"", "partialNamed", ``, `null`},
		{"", "ctxFn", ``, `6`},
		{"", "deepCtx", ``, `{a: {b: {c: 1}}, d: 2}`},
	})
}

// A decision that needs another through 6,000 more is made, within its budget.
func TestLongChain(t *testing.T) {
	var b strings.Builder
	b.WriteString(dec("d0", "", lit("0")))
	for i := 1; i < 6000; i++ {
		b.WriteString(dec(fmt.Sprintf("d%d", i), "", lit(fmt.Sprintf("d%d + 1", i-1)), fmt.Sprintf("!d%d", i-1)))
	}
	asks(t, asModel(t, b.String()), []question{{"", "d5999", "", "5999"}})
}

// Models of the official suite that are cut off or damaged are errors, never a crash.
func TestDamagedModels(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(suites.Dir(t, "dmn_tck", "TestCases"), "*", "*", "*.dmn"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, f := range names {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > 40_000 {
			continue
		}
		try := func(b []byte) {
			if d, err := ParseWith(f, b, Options{Lenient: true}); err == nil {
				for _, x := range d.Decisions() {
					d.Decide(x.ID, nil)
				}
			}
		}
		if _, err := Parse(f, b[:r.IntN(len(b)-20)]); err == nil {
			t.Errorf("%s cut off isn't refused", f)
		}
		for range 8 {
			c := append([]byte{}, b...)
			i := r.IntN(len(c))
			c[i] ^= byte(1 + r.IntN(60))
			try(c)
			j := min(len(c), i+r.IntN(60))
			try(append(append([]byte{}, b[:i]...), b[j:]...))
		}
	}
}

// FuzzModels starts from a model of every box and every part; Check doesn't break either.
func FuzzModels(f *testing.F) {
	for _, body := range []string{
		input("n", "number") + dec("a", "number", lit("n + f(n)"), "?n", "f()") + bkm("f", "x: number", boxCtx("y="+lit("x"), "="+lit("y * 2"))),
		dec("a", "", `<for iteratorVariable="x"><in>`+lit("[1, 2]")+`</in><return>`+lit("x + 1")+`</return></for>`) +
			dec("b", "", `<filter><in>`+lit("a")+`</in><match>`+lit("item > 1")+`</match></filter>`, "!a") +
			dec("c", "", `<some iteratorVariable="x"><in>`+lit("b")+`</in><satisfies>`+lit("x > 1")+`</satisfies></some>`, "!b"),
		dec("a", "t:tX", `<relation><column name="x"/><row>`+lit("1")+`</row></relation>`) + `<itemDefinition name="tX" isCollection="true"><itemComponent name="x"><typeRef>tX</typeRef><allowedValues><text>&lt; 3</text></allowedValues></itemComponent></itemDefinition>`,
		input("n", "number") + dec("a", "", tab("C+", "", "in: n : number\nvalues: [1..5]\nout: : number\norder: 1, 2\ndefault: 7\n1, 2 => n\nnot(3) => 2"), "?n") +
			svc("s", "", []string{"a"}, nil, nil, []string{"n"}) + dec("b", "", invoke("s", "n=1"), "s()"),
		dec("a", "", `<conditional><if>`+lit("true")+`</if><then><list>`+lit("1")+`</list></then><else><functionDefinition><formalParameter name="x"/>`+lit("x")+`</functionDefinition></else></conditional>`),
	} {
		f.Add([]byte(inSpace(dmn15, "urn:m", body)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := ParseWith("fuzz.dmn", data, Options{Lenient: true})
		if err != nil {
			return
		}
		for _, x := range d.Decisions() {
			if _, err := d.Decide(x.ID, map[string]any{"n": 2}); err != nil && !errors.Is(err, feel.ErrBudget) && !strings.Contains(err.Error(), "no decision") {
				t.Error(err)
			}
		}
		d.Check(CheckOptions{})
	})
}
