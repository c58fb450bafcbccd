// SPDX-License-Identifier: EUPL-1.2

package model_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"mercator/internal/suites"
	"mercator/lang/dmn/model"
)

const dmn15 = "https://www.omg.org/spec/DMN/20230324/MODEL/"

// file is a DMN file whose second line begins with the body.
func file(body string) string {
	return `<definitions xmlns="` + dmn15 + `" name="n" namespace="urn:n">` + "\n" + body + "\n</definitions>\n"
}

// decision is a file with one decision, its logic on the third line.
func decision(logic string) string {
	return file("<decision id=\"d\" name=\"D\">\n" + logic + "\n</decision>")
}

func TestMistakesAreToldWithTheirPlace(t *testing.T) {
	const (
		in  = `<input><inputExpression><text>a</text></inputExpression></input>`
		out = `<output name="o"/>`
		lit = `<literalExpression><text>1</text></literalExpression>`
	)
	for _, c := range []struct {
		name, file string
		want       []string // parts of what is told; in order of place
	}{
		// The XML.
		{"nothing", "", []string{"f.dmn:1:1: The file has no element: expected <definitions> of DMN"}},
		{"only a comment", "<!-- a -->\n", []string{"f.dmn:2:1: The file has no element: expected <definitions> of DMN"}},
		{"a < in a text", decision("<literalExpression><text>a < b</text></literalExpression>"), []string{"f.dmn:3:28: A < stands here that begins no element: expected &lt; in a text"}},
		{"an & in a text", decision("<literalExpression><text>ä & b</text></literalExpression>"), []string{"f.dmn:3:28: An & stands here that begins no character that XML knows: expected &amp; in a text"}},
		{"an entity of HTML", decision("<literalExpression><text>&nbsp;</text></literalExpression>"), []string{"f.dmn:3:26: An & stands here that begins no character that XML knows: expected &amp; in a text"}},
		{"a wrong end tag", decision("<list></context>"), []string{"f.dmn:3:7: The end tag closes another element than the one that is open: expected </list>"}},
		{"an end tag too much", file("") + "</definitions>", []string{"f.dmn:4:1: The end tag closes another element than the one that is open: expected no end tag"}},
		{"cut off", `<definitions xmlns="` + dmn15 + "\" name=\"n\" namespace=\"urn:n\">\n<decision id=\"d\"", []string{"f.dmn:2:17: The file ends inside of <definitions>: expected </definitions>"}},
		{"an attribute without quotes", file("<decision id=d name='D'/>"), []string{"f.dmn:2:14: The XML is not well-formed (unquoted or missing attribute value in element): expected well-formed XML"}},
		{"an attribute twice", file("<decision id='d' name='D' name='E'/>"), []string{"f.dmn:2:1: The attribute name stands twice in <decision>: expected it once"}},
		{"a prefix that isn't declared", file("<x:decision id='d' name='D'/>"), []string{"f.dmn:2:1: The prefix x of <x:decision> isn't declared: expected an attribute xmlns:x"}},
		{"two roots", file("") + "<definitions/>", []string{"f.dmn:4:1: A second element follows <definitions>: expected the end of the file"}},
		{"text after the end", file("") + " x", []string{"f.dmn:4:2: Text stands outside of the elements: expected a file that begins with <definitions> and ends with it"}},
		{"a DTD", "<?xml version='1.0'?>\n<!DOCTYPE definitions [<!ENTITY a 'b'>]>\n" + file(""), []string{"f.dmn:2:1: The file has a document type declaration (<!DOCTYPE): expected none, since entities of its own are not read"}},
		{"Latin-1", "<?xml version='1.0' encoding='ISO-8859-1'?>" + file(""), []string{`f.dmn:1:1: The file says that it is written in "ISO-8859-1": expected UTF-8`}},
		{"UTF-16", "\xff\xfe<\x00d\x00", []string{"f.dmn:1:1: The file is written in UTF-16 or UTF-32: expected UTF-8"}},
		{"a byte that isn't UTF-8", file("<decision id='d' name='\xfc'/>"), []string{"f.dmn:2:24: The text isn't UTF-8: expected UTF-8"}},

		// The root.
		{"another root", "<bpmn xmlns='" + dmn15 + "'/>", []string{"f.dmn:1:1: The file begins with <bpmn>: expected <definitions> of DMN"}},
		{"a BPMN file", "<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL'/>", []string{`f.dmn:1:1: The namespace "http://www.omg.org/spec/BPMN/20100524/MODEL" is none of DMN 1.1 to 1.6: expected one of http://www.omg.org/spec/DMN/20151101/dmn.xsd (DMN 1.1), http://www.omg.org/spec/DMN/20180521/MODEL/ (DMN 1.2), https://www.omg.org/spec/DMN/20191111/MODEL/ (DMN 1.3), https://www.omg.org/spec/DMN/20211108/MODEL/ (DMN 1.4), https://www.omg.org/spec/DMN/20230324/MODEL/ (DMN 1.5), https://www.omg.org/spec/DMN/20240513/MODEL/ (DMN 1.6)`}},
		{"no namespace", "<definitions/>", []string{"f.dmn:1:1: <definitions> has no namespace: expected one of http"}},
		{"DMN 1.0", "<Definitions xmlns='http://www.omg.org/spec/DMN/20130901'/>", []string{"f.dmn:1:1: The namespace \"http://www.omg.org/spec/DMN/20130901\" is none of DMN 1.1 to 1.6"}},
		{"no name and namespace", "<definitions xmlns='" + dmn15 + "'/>", []string{"f.dmn:1:1: <definitions> has no name", "f.dmn:1:1: <definitions> has no namespace of its own"}},
		{"another version within", file("<decision xmlns='https://www.omg.org/spec/DMN/20191111/MODEL/' id='d' name='D'/>"), []string{"f.dmn:2:1: <decision> is of DMN 1.3 in a file of DMN 1.5: expected one version in a file"}},

		// Names, ids, references.
		{"no names", file("<inputData id='a'/>\n <decision id='b'/>\n<businessKnowledgeModel id='c'><variable/></businessKnowledgeModel>"),
			[]string{`f.dmn:2:1: <inputData> has no name: expected an attribute name="…"`, "f.dmn:3:2: <decision> has no name", "f.dmn:4:1: <businessKnowledgeModel> has no name", "f.dmn:4:32: <variable> has no name"}},
		{"a type without names", file("<itemDefinition><itemComponent><typeRef>string</typeRef></itemComponent></itemDefinition>"), []string{"f.dmn:2:1: <itemDefinition> has no name", "f.dmn:2:17: <itemComponent> has no name"}},
		{"an import without name and namespace", file("<import importType='x'/>"), []string{"f.dmn:2:1: <import> has no name", "f.dmn:2:1: <import> doesn't say what it imports"}},
		{"an id twice", file("<inputData id='a' name='A'/>\n<decision id='a' name='B'/>"), []string{`f.dmn:3:1: The id "a" stands twice, first at line 2 in <inputData>: expected an id of its own`}},
		{"names twice", file("<decision id='a' name='A'/>\n<decision id='b' name='A'/>\n<inputData name='A'/>"), []string{`f.dmn:3:1: There are two of the sort decision with the name "A", the first at line 2: expected a name of its own`}},
		{"a reference to nothing", decision("<informationRequirement>\n<requiredInput href='#x'/></informationRequirement>"), []string{`f.dmn:4:1: Nothing in the file has the id "x": expected the id of a <inputData>`}},
		{"a reference to nothing by the full name", decision("<knowledgeRequirement><requiredKnowledge href='urn:n#x'/></knowledgeRequirement>"), []string{`f.dmn:3:23: Nothing in the file has the id "x": expected the id of a <businessKnowledgeModel> or <decisionService>`}},
		{"a reference to another sort", decision("<informationRequirement><requiredInput href='#d'/></informationRequirement>"), []string{`f.dmn:3:25: The id "d" belongs to a <decision>: expected the id of a <inputData>`}},
		{"a reference to what has no id", file("<inputData name='x'/>\n<decision name='D'><informationRequirement><requiredInput href='#x'/></informationRequirement></decision>"), []string{`f.dmn:3:44: The <inputData> with the name "x" has no id: expected id="x" there`}},
		{"references without an id", decision("<informationRequirement><requiredInput href='x'/></informationRequirement><informationRequirement><requiredInput/></informationRequirement>"), []string{`f.dmn:3:25: The reference "x" has no id: expected "#id" or "namespace#id"`, `f.dmn:3:99: <requiredInput> doesn't say what it means: expected an attribute href="#id"`}},
		{"requirements of nothing", decision("<informationRequirement/><knowledgeRequirement/>"), []string{"f.dmn:3:1: The informationRequirement requires nothing: expected <requiredInput> or <requiredDecision>", "f.dmn:3:26: The knowledgeRequirement requires nothing: expected <requiredKnowledge>"}},
		{"a service of nothing", file("<decisionService name='S'><outputDecision href='#a'/><inputData href='#b'/></decisionService>"), []string{`f.dmn:2:27: Nothing in the file has the id "a"`, `f.dmn:2:54: Nothing in the file has the id "b"`}},
		{"a list or none", file("<itemDefinition name='t' isCollection='yes'><typeRef>string</typeRef></itemDefinition>"), []string{`f.dmn:2:1: isCollection is "yes": expected true or false`}},

		// Expressions.
		{"two expressions", decision(lit + "\n" + lit), []string{"f.dmn:4:1: The decision has more than one expression: expected one"}},
		{"no expression of DMN", decision("<decisionTabel/>"), []string{"f.dmn:3:1: <decisionTabel> is no expression of DMN: expected one of literalExpression, context, "}},
		{"an entry without a value", decision("<context><contextEntry><variable name='a'/></contextEntry></context>"), []string{"f.dmn:3:10: The context entry has no expression: expected one"}},
		{"half a conditional", decision("<conditional><if>" + lit + "</if><then/></conditional>"), []string{"f.dmn:3:1: <conditional> has no <else>: expected one", "f.dmn:3:76: <then> has no expression: expected one"}},
		{"half a loop", decision("<for><in>" + lit + "</in></for>"), []string{`f.dmn:3:1: <for> names no variable: expected an attribute iteratorVariable="…"`, "f.dmn:3:1: <for> has no <return>: expected one"}},
		{"a row too short", decision("<relation><column name='a'/><column name='b'/><row>" + lit + "</row></relation>"), []string{"f.dmn:3:47: The row has 1 cell: expected 2, one for each column"}},
		{"a binding of nothing", decision("<invocation>" + lit + "<binding/></invocation>"), []string{"f.dmn:3:66: The binding names no parameter: expected <parameter>"}},
		{"a kind of function", decision("<functionDefinition kind='Perl'/>"), []string{`f.dmn:3:1: There is no kind of function "Perl": expected FEEL, Java or PMML`}},
		{"a text without <text>", decision("<literalExpression>\n1</literalExpression>"), []string{"f.dmn:4:1: Text stands directly in <literalExpression>: expected a <text> around it"}},

		// Tables.
		{"an entry too few", decision("<decisionTable>" + in + in + out + "\n<rule><inputEntry><text>-</text></inputEntry><outputEntry><text>1</text></outputEntry></rule>\n</decisionTable>"),
			[]string{"f.dmn:4:1: The rule has 1 input entry: expected 2, one for each input of the table"}},
		{"entries too many", decision("<decisionTable>" + out + "\n<rule><outputEntry/><outputEntry/></rule><rule/>\n</decisionTable>"),
			[]string{"f.dmn:4:1: The rule has 2 output entries: expected 1, one for each output of the table", "f.dmn:4:42: The rule has no output entry: expected 1"}},
		{"a hit policy", decision("<decisionTable hitPolicy='BEST'>" + out + "</decisionTable>"), []string{`f.dmn:3:1: There is no hit policy "BEST": expected UNIQUE, FIRST, PRIORITY, ANY, COLLECT, RULE ORDER or OUTPUT ORDER`}},
		{"an aggregation", decision("<decisionTable hitPolicy='COLLECT' aggregation='AVG'>" + out + "</decisionTable>"), []string{`f.dmn:3:1: There is no aggregation "AVG": expected SUM, COUNT, MIN or MAX`}},
		{"an aggregation of one", decision("<decisionTable hitPolicy='FIRST' aggregation='SUM'>" + out + "</decisionTable>"), []string{"f.dmn:3:1: The hit policy FIRST has an aggregation: expected it with COLLECT only"}},
		{"a table of nothing", decision("<decisionTable><input/></decisionTable>"), []string{"f.dmn:3:1: The table has no output: expected <output>", "f.dmn:3:16: The input has no expression: expected <inputExpression>"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, errs := model.Read("f.dmn", []byte(c.file), model.Limits{})
			if d == nil {
				t.Fatal("no model")
			}
			for i, e := range errs {
				if i >= len(c.want) || !strings.HasPrefix(e.Error(), c.want[i]) {
					t.Errorf("told:   %s\nwanted: %s", e, strings.Join(c.want[min(i, len(c.want)):], "\n        "))
				}
			}
			if len(errs) < len(c.want) {
				t.Errorf("not told: %s", strings.Join(c.want[len(errs):], "\n"))
			}
		})
	}
}

func TestAFileIsBounded(t *testing.T) {
	deep := decision(strings.Repeat("<list>", 50) + strings.Repeat("</list>", 50))
	for _, c := range []struct {
		name, file string
		limits     model.Limits
		want       string
	}{
		{"size", deep, model.Limits{Bytes: 100}, fmt.Sprintf("f.dmn: The file has %d bytes: expected no more than 100", len(deep))},
		{"depth", deep, model.Limits{Depth: 12}, "f.dmn:3:61: The elements are nested too deeply: expected no more than 12 levels"},
		{"depth of what is skipped", file("<x xmlns='urn:x'><y><z/></y></x>"), model.Limits{Depth: 3}, "f.dmn:2:21: The elements are nested too deeply: expected no more than 3 levels"},
		{"elements", deep, model.Limits{Elements: 12}, "f.dmn:3:61: The file has too many elements: expected no more than 12"},
		{"the default depth", decision(strings.Repeat("<list>", 100) + strings.Repeat("</list>", 100)), model.Limits{}, "f.dmn:3:589: The elements are nested too deeply: expected no more than 100 levels"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, errs := model.Read("f.dmn", []byte(c.file), c.limits)
			if len(errs) != 1 || errs[0].Error() != c.want {
				t.Errorf("told %v, wanted %s", errs, c.want)
			}
		})
	}
	t.Run("places", func(t *testing.T) {
		text := good(t, decision("<literalExpression><text>"+strings.Repeat("&gt;", 300_000)+"</text></literalExpression>")).Decisions[0].Logic.Text
		if got, want := text.At(1000), (model.Pos{Line: 3, Col: 26 + 4000}); got != want || len(text.S) != 300_000 || text.At(300_000).Line != 3 {
			t.Errorf("%v, not %v", got, want)
		}
	})
	t.Run("mistakes", func(t *testing.T) {
		_, errs := model.Read("f.dmn", []byte(file(strings.Repeat("<decision/>\n", 3000))), model.Limits{})
		if len(errs) != 50 || errs[0].Line != 2 || errs[49].Line != 51 {
			t.Errorf("%d mistakes, the first %v", len(errs), errs[0])
		}
	})
}

func TestABrokenFileIsReadAsFarAsItGoes(t *testing.T) {
	d, errs := model.Read("f.dmn", []byte(decision("<literalExpression><text>1</text></literalExpression>\n<")), model.Limits{})
	if len(errs) != 1 || len(d.Decisions) != 1 || d.Decisions[0].Logic.Text.S != "1" {
		t.Errorf("%v, %+v", errs, d.Decisions)
	}
}

func TestEachVersionIsRead(t *testing.T) {
	for version, space := range map[string]string{
		"1.1": "http://www.omg.org/spec/DMN/20151101/dmn.xsd",
		"1.2": "http://www.omg.org/spec/DMN/20180521/MODEL/",
		"1.3": "https://www.omg.org/spec/DMN/20191111/MODEL/",
		"1.4": "https://www.omg.org/spec/DMN/20211108/MODEL/",
		"1.5": dmn15,
		"1.6": "https://www.omg.org/spec/DMN/20240513/MODEL/",
	} {
		d := good(t, "\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?><s:definitions xmlns:s='"+space+"' name='n' namespace='urn:n'><s:decision name='D'/></s:definitions>")
		if d.Version != version || len(d.Decisions) != 1 || d.Decisions[0].Col != strings.Index("<?xml version='1.0' encoding='utf-8'?><s:definitions xmlns:s='"+space+"' name='n' namespace='urn:n'><s:decision", "<s:decision")+1 {
			t.Errorf("%s: %+v", version, d)
		}
	}
}

func good(t testing.TB, file string) *model.Definitions {
	t.Helper()
	d, errs := model.Read("f.dmn", []byte(file), model.Limits{})
	for _, e := range errs {
		t.Error(e)
	}
	return d
}

func TestTypeNamesAreFreedOfTheirPrefixes(t *testing.T) {
	d := good(t, `<semantic:definitions xmlns:semantic="http://www.omg.org/spec/DMN/20151101/dmn.xsd" xmlns:feel="http://www.omg.org/spec/FEEL/20140401"
	 xmlns:own="urn:own" xmlns:lib="urn:lib" xmlns:merged="urn:merged" xmlns:xsd="http://www.w3.org/2001/XMLSchema" name="n" namespace="urn:own">
	<semantic:itemDefinition name="t" isCollection="true"><semantic:typeRef>
		feel:string</semantic:typeRef><semantic:allowedValues><semantic:text>"a", "b"</semantic:text></semantic:allowedValues></semantic:itemDefinition>
	<semantic:import namespace="urn:lib" name="the lib" importType="http://www.omg.org/spec/DMN/20151101/dmn.xsd"/>
	<semantic:import namespace="urn:merged" importType="http://www.omg.org/spec/DMN/20151101/dmn.xsd"/>
	<semantic:inputData id="a" name="a"><semantic:variable name="a" typeRef="own:t"/></semantic:inputData>
	<semantic:inputData id="b" name="b"><semantic:variable name="b" typeRef="lib:t"/></semantic:inputData>
	<semantic:inputData id="c" name="c"><semantic:variable name="c" typeRef="merged:t"/></semantic:inputData>
	<semantic:inputData id="d" name="d"><semantic:variable name="d" typeRef="the lib.t"/></semantic:inputData>
	<semantic:inputData id="e" name="e"><semantic:variable name="e" typeRef="xsd:decimal"/></semantic:inputData>
	<semantic:inputData id="f" name="f"><semantic:variable name="f" typeRef="no:prefix"/></semantic:inputData>
	<semantic:inputData id="g" name="g"><semantic:variable xmlns:feel="urn:lib" name="g" typeRef="feel:t"/></semantic:inputData>
	<semantic:inputData id="h" name="h"/>
	<semantic:decision id="o" name="o"/>
	<semantic:decisionService id="s" name="s"><semantic:outputDecisions href="#o"/><semantic:inputData href="urn:own#a"/></semantic:decisionService>
	</semantic:definitions>`)
	if d.Version != "1.1" || len(d.Types) != 1 || d.Types[0].TypeRef != "string" || !d.Types[0].Collection || d.Types[0].AllowedValues.S != `"a", "b"` {
		t.Errorf("%+v", d.Types)
	}
	var got []string
	for _, i := range d.Inputs {
		got = append(got, i.Variable.Name+": "+i.Variable.TypeRef)
	}
	want := []string{"a: t", "b: the lib.t", "c: t", "d: the lib.t", "e: xsd:decimal", "f: no:prefix", "g: the lib.t", "h: "}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
	s := d.Services[0]
	if len(s.Output) != 1 || s.Output[0].Href != "#o" {
		t.Errorf("%+v", s)
	}
	if ns, id := s.InputData[0].Split(); ns != "urn:own" || id != "a" {
		t.Error(ns, id)
	}
}

func TestEveryExpressionIsRead(t *testing.T) {
	lit := func(s string) string { return "<literalExpression><text>" + s + "</text></literalExpression>" }
	d := good(t, decision(`<description> what </description><question>Why?</question><extensionElements><x xmlns="urn:x"/><literalExpression/></extensionElements><context label="L" typeRef="T">
	<contextEntry><variable name="a b" typeRef="number"/><invocation>`+lit("f")+`<binding><parameter name="p"/>`+lit("1")+`</binding><binding><parameter name="q"/></binding></invocation></contextEntry>
	<contextEntry><variable name="f"/><functionDefinition kind="Java"><formalParameter name="x" typeRef="number"/>`+lit("x")+`</functionDefinition></contextEntry>
	<contextEntry><variable name="r"/><relation><column name="a"/><column name="b"/><row>`+lit("1")+lit("2")+`</row><row>`+lit("3")+`<list>`+lit("4")+`</list></row></relation></contextEntry>
	<contextEntry><variable name="c"/><conditional><if>`+lit("c")+`</if><then>`+lit("t")+`</then><else>`+lit("e")+`</else></conditional></contextEntry>
	<contextEntry><variable name="l"/><for iteratorVariable="i"><in typeRef="numbers">`+lit("xs")+`</in><return>`+lit("i")+`</return></for></contextEntry>
	<contextEntry><variable name="s"/><some iteratorVariable="i"><in>`+lit("xs")+`</in><satisfies>`+lit("i")+`</satisfies></some></contextEntry>
	<contextEntry><variable name="e"/><every iteratorVariable="i"><in>`+lit("xs")+`</in><satisfies>`+lit("i")+`</satisfies></every></contextEntry>
	<contextEntry><filter><in>`+lit("xs")+`</in><match>`+lit("m")+`</match></filter></contextEntry>
	</context>`)).Decisions[0]
	e := d.Logic
	if d.Description != "what" || d.Question != "Why?" || e.Kind != model.Context || e.Label != "L" || e.TypeRef != "T" || len(e.Entries) != 8 {
		t.Fatalf("%+v %+v", d, e)
	}
	var got []string
	for _, entry := range e.Entries {
		name := "result"
		if entry.Variable != nil {
			name = entry.Variable.Name
		}
		v := entry.Value
		line := name + " = " + v.Kind.String()
		switch v.Kind {
		case model.Invocation:
			line += " " + v.Callee.Text.S + " " + v.Bindings[0].Param.Name + "=" + v.Bindings[0].Value.Text.S
			if v.Bindings[1].Param.Name != "q" || v.Bindings[1].Value != nil {
				t.Errorf("%+v", v.Bindings[1])
			}
		case model.Function:
			line += " " + v.FunctionKind + " " + v.Params[0].Name + " " + v.Params[0].TypeRef + " " + v.Body.Text.S
		case model.Relation:
			line += fmt.Sprint(" ", len(v.Columns), " ", v.Rows[0][1].Text.S, " ", v.Rows[1][1].Items[0].Text.S)
		case model.Conditional:
			line += " " + v.If.Text.S + v.Then.Text.S + v.Else.Text.S
		case model.For, model.Some, model.Every:
			line += " " + v.Iterator + " in " + v.In.Text.S + ": " + v.In.TypeRef + " " + v.Body.Text.S
		case model.Filter:
			line += " " + v.In.Text.S + " " + v.Match.Text.S
		}
		got = append(got, line)
	}
	want := []string{"a b = invocation f p=1", "f = functionDefinition Java x number x", "r = relation 2 2 4", "c = conditional cte",
		"l = for i in xs: numbers i", "s = some i in xs:  i", "e = every i in xs:  i", "result = filter xs m"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestTablesAreRead(t *testing.T) {
	d := good(t, decision(`<decisionTable id="t" hitPolicy="C+" preferredOrientation="Rule-as-Column" outputLabel="fee">
	<input id="i" label="Age"><inputExpression typeRef="number"><text>age</text></inputExpression><inputValues><text>[0..120]</text></inputValues></input>
	<output name="o" label="Out" typeRef="string"><outputValues><text>"a", "b"</text></outputValues><defaultOutputEntry><text>"b"</text></defaultOutputEntry></output>
	<annotation name="law"/>
	<rule id="r"><description>first</description><inputEntry><text>&lt; 18</text></inputEntry><outputEntry><text>"a"</text></outputEntry><annotationEntry><text>§ 1</text></annotationEntry></rule>
	<rule><inputEntry><text/></inputEntry><outputEntry/></rule>
	</decisionTable>`))
	b := d.Decisions[0].Logic.Table
	if b.HitPolicy != "COLLECT" || b.Aggregation != "SUM" || b.Orientation != "Rule-as-Column" || b.OutputLabel != "fee" || b.ID != "t" || !reflect.DeepEqual(b.Annotations, []string{"law"}) {
		t.Errorf("%+v", b)
	}
	i, o := b.Inputs[0], b.Outputs[0]
	if i.ID != "i" || i.Label != "Age" || i.Expr.S != "age" || i.TypeRef != "number" || i.Values.S != "[0..120]" {
		t.Errorf("%+v", i)
	}
	if o.Name != "o" || o.Label != "Out" || o.TypeRef != "string" || o.Values.S != `"a", "b"` || o.Default.S != `"b"` {
		t.Errorf("%+v", o)
	}
	u := b.Rules[0]
	if u.ID != "r" || u.Description != "first" || u.Inputs[0].S != "< 18" || u.Outputs[0].S != `"a"` || u.Annotations[0].S != "§ 1" {
		t.Errorf("%+v", u)
	}
	if u := b.Rules[1]; u.Inputs[0].S != "" || u.Outputs[0].S != "" || u.Inputs[0].Line != 8 {
		t.Errorf("%+v", u)
	}
	for attrs, want := range map[string]string{
		"": "UNIQUE ", "hitPolicy='U'": "UNIQUE ", "hitPolicy='A'": "ANY ", "hitPolicy='P'": "PRIORITY ", "hitPolicy='F'": "FIRST ",
		"hitPolicy='R'": "RULE ORDER ", "hitPolicy='O'": "OUTPUT ORDER ", "hitPolicy='C'": "COLLECT ", "hitPolicy='C#'": "COLLECT COUNT",
		"hitPolicy='C&lt;'": "COLLECT MIN", "hitPolicy='C>'": "COLLECT MAX", "hitPolicy='COLLECT' aggregation='MAX'": "COLLECT MAX",
	} {
		b := good(t, decision("<decisionTable "+attrs+"><output/></decisionTable>")).Decisions[0].Logic.Table
		if got := b.HitPolicy + " " + b.Aggregation; got != want {
			t.Errorf("%s: %q", attrs, got)
		}
	}
}

func TestATextKnowsItsPlace(t *testing.T) {
	for _, c := range []struct {
		name, text, s string
		places        map[string]model.Pos // where the first such part of S stands; the text begins at 3:26
	}{
		{"plain", "abc + d", "abc + d", map[string]model.Pos{"abc": {3, 26}, "d": {3, 32}}},
		{"lines", "\n\t if ä\n\t then b\n", "if ä\n\t then b", map[string]model.Pos{"if": {4, 3}, "ä": {4, 6}, "then": {5, 3}}},
		{"Windows lines", "a\r\n b\r\nc", "a\n b\nc", map[string]model.Pos{"b": {4, 2}, "c": {5, 1}}},
		{"entities", "a &lt; b and &#xe4; &gt; c", "a < b and ä > c", map[string]model.Pos{"<": {3, 28}, "b": {3, 33}, "ä": {3, 39}, ">": {3, 46}, "c": {3, 51}}},
		{"an entity that is a line", "a&#10;b", "a\nb", map[string]model.Pos{"b": {3, 32}}},
		{"white space as entities", "&#32; &#9;a", "a", map[string]model.Pos{"a": {3, 36}}},
		{"CDATA", "<![CDATA[a < b]]> + c", "a < b + c", map[string]model.Pos{"a": {3, 35}, "b": {3, 39}, "c": {3, 46}}},
		{"a comment", "a <!-- no\n -->+ c", "a + c", map[string]model.Pos{"a": {3, 26}, "+": {4, 5}, "c": {4, 7}}},
		{"nothing", " ", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := good(t, decision("<literalExpression><text>"+c.text+"</text></literalExpression>")).Decisions[0].Logic.Text
			if text.S != c.s || text.At(0) != text.Pos {
				t.Errorf("%q at %v", text.S, text.Pos)
			}
			for part, want := range c.places {
				if got := text.At(strings.Index(text.S, part)); got != want {
					t.Errorf("%s is at %v, not at %v", part, got, want)
				}
			}
		})
	}
}

func TestWhatTheSuiteHolds(t *testing.T) {
	dir := suites.Dir(t, "dmn_tck", "TestCases")
	find := func(name string) *model.Definitions {
		found, err := filepath.Glob(filepath.Join(dir, "*", "*", name))
		if err != nil || len(found) != 1 {
			t.Fatalf("%s: %v %v", name, found, err)
		}
		return read(t, found[0])
	}
	d := find("0091-local-hrefs.dmn")
	if n := d.Decisions[1].Needs; len(n) != 3 || n[2].Kind != "knowledge" || n[2].Href != "http://www.montera.com.au/spec/DMN/0091-local-hrefs#_bkm_001" {
		t.Errorf("%+v", n)
	}
	if b := d.BKMs[0]; b.Name != "bkm_001" || b.Logic.Kind != model.Function || b.Logic.FunctionKind != "FEEL" || b.Logic.Body.Text.S != `"bkm_001"` || b.Logic.Body.Text.Pos != (model.Pos{Line: 23, Col: 23}) {
		t.Errorf("%+v", b)
	}
	kinds := map[model.Kind]int{}
	policies := map[string]int{}
	for _, path := range files(t, dir) {
		walk(reflect.ValueOf(read(t, path)), func(v any) {
			switch v := v.(type) {
			case model.Expr:
				kinds[v.Kind]++
			case model.Table:
				policies[v.HitPolicy+" "+v.Aggregation]++
			}
		})
	}
	for _, k := range []model.Kind{model.Literal, model.Context, model.Invocation, model.Function, model.Relation, model.Conditional, model.Filter, model.DecisionTable} {
		if kinds[k] == 0 {
			t.Errorf("no %v in the suite", k)
		}
	}
	if policies["COLLECT MAX"] == 0 || policies["UNIQUE "] == 0 || policies["OUTPUT ORDER "] == 0 {
		t.Error(policies)
	}
}

// walk calls f with every struct of a model.
func walk(v reflect.Value, f func(any)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			walk(v.Elem(), f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), f)
		}
	case reflect.Struct:
		f(v.Interface())
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				walk(v.Field(i), f)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(file("")))
	f.Add([]byte(decision("<literalExpression><text> a &lt;\r b<![CDATA[ < \r\n]]><!-- -->&#10;&amp;&#x10FFFF;</text></literalExpression>")))
	f.Add([]byte(decision("<decisionTable hitPolicy='C+'><input><inputExpression><text>a</text></inputExpression></input><output/><rule><inputEntry><text>&gt; 1</text></inputEntry><outputEntry/></rule></decisionTable>")))
	f.Add([]byte(decision("<context><contextEntry><variable name='a'/><filter><in><list/></in><match><relation><row/></relation></match></filter></contextEntry></context>")))
	f.Add([]byte("\xef\xbb\xbf" + file("<import namespace='urn:x'/><itemDefinition><typeRef>a:b</typeRef></itemDefinition>")))
	f.Add([]byte(file("<decision xmlns:p='urn:n' name='a'><informationRequirement><requiredInput href='urn:n#a'/></informationRequirement></decision>") + "<"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, errs := model.Read("f", data, model.Limits{Bytes: 1 << 16, Depth: 50, Elements: 1000})
		if d == nil || len(errs) > 50 {
			t.Fatalf("%d mistakes", len(errs))
		}
		lines := bytes.Split(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), []byte("\n"))
		for i, e := range errs {
			if e.Msg == "" || e.Line > len(lines) || i > 0 && (e.Line < errs[i-1].Line || e.Line == errs[i-1].Line && e.Col < errs[i-1].Col) {
				t.Errorf("%d: %v", i, e)
			}
		}
		// Every character of a text stands where it says, as itself or as an entity.
		walk(reflect.ValueOf(d), func(v any) {
			text, ok := v.(model.Text)
			if !ok || text.S == "" {
				return
			}
			for i, r := range text.S {
				p := text.At(i)
				if p.Line < 1 || p.Line > len(lines) || p.Col < 1 {
					t.Fatalf("%q[%d] at %v", text.S, i, p)
				}
				line := lines[p.Line-1]
				for range p.Col - 1 {
					_, size := utf8.DecodeRune(line)
					line = line[size:]
				}
				if there, _ := utf8.DecodeRune(line); there != r && there != '&' && r != '\n' {
					t.Fatalf("%q[%d] at %v: there is %q in %q", text.S, i, p, there, data)
				}
			}
		})
	})
}

func BenchmarkRead(b *testing.B) {
	rule := "<rule id='r%d'><inputEntry><text>[%d..%d]</text></inputEntry><inputEntry><text>&lt; 18</text></inputEntry><outputEntry><text>%d</text></outputEntry></rule>\n"
	for _, n := range []int{12, 1000} {
		var s strings.Builder
		s.WriteString("<decisionTable>")
		s.WriteString(strings.Repeat("<input><inputExpression><text>a</text></inputExpression></input>", 2) + "<output name='o'/>")
		for i := range n {
			fmt.Fprintf(&s, rule, i, i, i+1, i)
		}
		s.WriteString("</decisionTable>")
		data := []byte(decision(s.String()))
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, errs := model.Read("f", data, model.Limits{}); errs != nil {
					b.Fatal(errs[0])
				}
			}
		})
	}
}
