// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"errors"
	"strings"
	"testing"
)

// c7 wraps elements into a file of Camunda 7.
func c7(body string) []byte {
	return []byte(`<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<error id="e" errorCode="full"/><signal id="g" name="storm ${kind}"/>
<process id="p" isExecutable="true">` + body + `</process></definitions>`)
}

func c7flows(spec string) string { return strings.ReplaceAll(flows(spec), "bpmn:", "") }

func playC7(t *testing.T, body string, vars map[string]any) *player {
	t.Helper()
	d, err := Parse("c7.bpmn", c7(body))
	if err != nil {
		t.Fatal(err)
	}
	pl := &player{t: t, p: d.Processes[0]}
	pl.do(Start{Vars: vars})
	return pl
}

// A model of Camunda 7 runs as it does there.
func TestCamunda7Runs(t *testing.T) {
	t.Run("conditions, assignment, form", func(t *testing.T) {
		body := `<startEvent id="s"/><exclusiveGateway id="g1" default="f2_g1_b"/>
<userTask id="a" camunda:assignee="${clerk.id}" camunda:candidateGroups="a, b" camunda:formKey="f" camunda:dueDate="${due}">
<extensionElements><camunda:formData><camunda:formField id="x" type="string"/></camunda:formData></extensionElements>
<potentialOwner><resourceAssignmentExpression><formalExpression>user(u1), group(g1), g2</formalExpression></resourceAssignmentExpression></potentialOwner></userTask>
<endEvent id="b"/>` + c7flows("s>g1;g1>a[${amount > 100 and !vip}];g1>b")
		pl := playC7(t, body, map[string]any{"amount": 200.0, "vip": false, "clerk": map[string]any{"id": "k1"}, "due": "2026-04-01"})
		c, ok := got[CreateUserTask](pl)
		if !ok || c.Assignee != "k1" || strings.Join(c.Groups, "|") != "a|b" || strings.Join(c.Users, "|") != "u1" || c.Form != "f" || c.Due != "2026-04-01" {
			t.Fatalf("%+v", c)
		}
		playC7(t, body, map[string]any{"amount": 50.0, "vip": false}).completed()
	})
	t.Run("parameters and what comes back", func(t *testing.T) {
		pl := playC7(t, `<startEvent id="s"/><serviceTask id="a" camunda:type="external" camunda:topic="fetch"><extensionElements><camunda:inputOutput>
<camunda:inputParameter name="url">https://x/${id}</camunda:inputParameter>
<camunda:inputParameter name="list"><camunda:list><camunda:value>a</camunda:value><camunda:value>${id + 1}</camunda:value></camunda:list></camunda:inputParameter>
<camunda:inputParameter name="map"><camunda:map><camunda:entry key="k">=v</camunda:entry><camunda:entry key="n" /></camunda:map></camunda:inputParameter>
<camunda:inputParameter name="calc"><camunda:script scriptFormat="feel">id * 2</camunda:script></camunda:inputParameter>
<camunda:inputParameter name="sign">= not feel</camunda:inputParameter>
<camunda:inputParameter name="none"/>
<camunda:outputParameter name="status">${answer.code}</camunda:outputParameter>
</camunda:inputOutput></extensionElements></serviceTask><userTask id="b"/>`+c7flows("s>a;a>b"), map[string]any{"id": 7.0})
		c, _ := got[CreateJob](pl)
		if c.Type != "fetch" || c.Vars["url"] != "https://x/7" || c.Vars["calc"] != 14.0 || c.Vars["sign"] != "= not feel" {
			t.Fatalf("%+v", c)
		}
		if l := c.Vars["list"].([]any); l[0] != "a" || l[1] != 8.0 {
			t.Fatalf("%v", l)
		}
		if m := c.Vars["map"].(map[string]any); m["k"] != "=v" || m["n"] != nil || len(m) != 2 {
			t.Fatalf("%v", m)
		}
		if v, ok := c.Vars["none"]; v != nil || !ok {
			t.Fatalf("none: %v", v)
		}
		// Beside the output, what the work brought back is set in the process; what is local stays local.
		pl.do(JobDone{Token: pl.at("a"), Vars: map[string]any{"answer": map[string]any{"code": "ok"}, "url": "changed"}})
		if v := pl.s.Vars(); v["status"] != "ok" || v["answer"] == nil || v["url"] != nil {
			t.Fatalf("%v", v)
		}
	})
	t.Run("calculated tasks, scripts, decisions", func(t *testing.T) {
		pl := playC7(t, `<startEvent id="s"/><serviceTask id="a" camunda:expression="${x + 1}" camunda:resultVariable="y"/>
<serviceTask id="b" camunda:expression="${true}"/><scriptTask id="c" scriptFormat="juel" camunda:resultVariable="z"><script>${y gt 3 ? 'high' : 'low'}</script></scriptTask>
<businessRuleTask id="d" camunda:decisionRef="fee" camunda:resultVariable="fees" camunda:mapDecisionResult="collectEntries"/><userTask id="u"/>`+c7flows("s>a;a>b;b>c;c>d;d>u"), map[string]any{"x": 3.0})
		if v := pl.s.Vars(); v["y"] != 4.0 || v["z"] != "high" {
			t.Fatalf("%v", v)
		}
		pl.do(Decided{Token: pl.at("d"), Value: 5.0})
		if l, ok := pl.s.Vars()["fees"].([]any); !ok || len(l) != 1 || l[0] != 5.0 {
			t.Fatalf("%v", pl.s.Vars())
		}
	})
	t.Run("for each", func(t *testing.T) {
		pl := playC7(t, `<startEvent id="s"/><userTask id="a" camunda:assignee="${who}"><multiInstanceLoopCharacteristics isSequential="true" camunda:collection="people" camunda:elementVariable="who">
<completionCondition>${stop}</completionCondition></multiInstanceLoopCharacteristics></userTask>
<userTask id="b" name="n"><multiInstanceLoopCharacteristics><loopCardinality>${n}</loopCardinality></multiInstanceLoopCharacteristics></userTask>`+c7flows("s>a;a>b"),
			map[string]any{"people": []any{"x", "y", "z"}, "n": 2.0, "stop": false})
		c, _ := got[CreateUserTask](pl)
		if c.Assignee != "x" {
			t.Fatalf("%+v", c)
		}
		pl.do(TaskDone{Token: pl.at("a"), Vars: map[string]any{"last": "x"}})
		if pl.s.Vars()["last"] != "x" {
			t.Fatalf("what an instance brings back is set in the process: %v", pl.s.Vars())
		}
		pl.do(TaskDone{Token: pl.at("a"), Vars: map[string]any{"stop": true}})
		pl.is("b")
		n := 0
		for _, c := range pl.cmds {
			if _, ok := c.(CreateUserTask); ok {
				n++
			}
		}
		if n != 2 {
			t.Fatalf("%d tasks", n)
		}
	})
	t.Run("errors and signals", func(t *testing.T) {
		pl := playC7(t, `<startEvent id="s"/><serviceTask id="a" camunda:type="external" camunda:topic="t"/>
<boundaryEvent id="b1" attachedToRef="a"><errorEventDefinition errorRef="e" camunda:errorCodeVariable="code"/></boundaryEvent>
<boundaryEvent id="b2" attachedToRef="a"><errorEventDefinition errorRef="undeclared"/></boundaryEvent>
<intermediateThrowEvent id="t1"><signalEventDefinition signalRef="g"><extensionElements><camunda:in sourceExpression="${code}" target="what"/></extensionElements></signalEventDefinition></intermediateThrowEvent>
<userTask id="u1"/><userTask id="u2"/>`+c7flows("s>a;b1>t1;t1>u1;b2>u2"), map[string]any{"kind": "big"})
		start := pl.s
		pl.do(BpmnError{Token: pl.at("a"), Code: "full", Vars: map[string]any{"more": 1.0}})
		if v := pl.s.Vars(); v["code"] != "full" || v["more"] != 1.0 {
			t.Fatalf("%v", v)
		}
		if c, _ := got[Broadcast](pl); c.Signal != "storm big" || c.Vars["what"] != "full" || len(c.Vars) != 1 {
			t.Fatalf("%+v", c)
		}
		pl.s = start
		pl.do(BpmnError{Token: pl.at("a"), Code: "undeclared"})
		pl.is("u2")
	})
	t.Run("kin", func(t *testing.T) {
		for _, ns := range []string{"http://activiti.org/bpmn", "http://flowable.org/bpmn", "http://operaton.org/schema/1.0/bpmn"} {
			doc := strings.Replace(string(c7(`<startEvent id="s"/><userTask id="a" camunda:assignee="${x}"/>`+c7flows("s>a"))), nsCamunda, ns, 1)
			d, err := Parse("x.bpmn", []byte(doc))
			if err != nil {
				t.Fatal(err)
			}
			if a := d.Processes[0].Element("a").Assignee; a == nil || a.Src != "x" || a.Static() {
				t.Errorf("%s: %+v", ns, a)
			}
			if _, err := Parse("x.bpmn", []byte(strings.Replace(doc, "camunda:assignee", "camunda:class", 1))); err == nil {
				t.Errorf("%s: a class is passed over", ns)
			}
		}
	})
}

// A call activity says in the zeebe form which process it calls and what goes in and out.
func TestCamunda7Calls(t *testing.T) {
	root, _, bad := readXML(c7(`<callActivity id="a" calledElement="${which}" camunda:calledElementBinding="latest"><extensionElements>
<camunda:in source="x" target="y"/><camunda:in businessKey="#{execution.processBusinessKey}"/><camunda:out variables="all"/></extensionElements></callActivity>`))
	if bad != nil {
		t.Fatal(bad)
	}
	b := &builder{d: &Definitions{}, p: &Process{Executable: true}, warned: map[string]bool{}}
	b.dialect(root)
	n := root.first(nsBPMN, "process").first(nsBPMN, "callActivity")
	b.vendor(n, &Element{ID: "a", Kind: CallActivity})
	called := n.ext("calledElement")
	if len(b.findings) > 0 || called == nil || called.attr("processId") != "=which" || called.attr("propagateAllParentVariables") != "false" ||
		called.attr("propagateAllChildVariables") != "true" || called.attr("bindingType") != "latest" {
		t.Fatalf("%v %+v", b.findings, called)
	}
	in := n.ext("ioMapping").all(nsZeebe, "input")
	if len(in) != 1 || in[0].attr("source") != "=x" || in[0].attr("target") != "y" {
		t.Fatalf("%+v", in)
	}
}

// What would mean something else here is refused by name, at its place.
func TestCamunda7Refused(t *testing.T) {
	task := func(attrs, inner string) string {
		return `<startEvent id="s"/>` + "\n" + `<userTask id="a" ` + attrs + `>` + inner + `</userTask>` + c7flows("s>a")
	}
	ext := func(s string) string { return `<extensionElements>` + s + `</extensionElements>` }
	for _, c := range []struct {
		name, body, says string
		line, col        int
	}{
		{"method", task(`camunda:assignee="${users.find(x)}"`, ""), `"users.find" is a method of Java`, 5, 48},
		{"class", `<startEvent id="s"/><serviceTask id="a" camunda:class="org.X"/>` + c7flows("s>a"), `"org.X" is a Java class or bean`, 4, 0},
		{"bean", `<startEvent id="s"/><serviceTask id="a" camunda:delegateExpression="${x}"/>` + c7flows("s>a"), `camunda:delegateExpression`, 4, 0},
		{"listener", task("", ext(`<camunda:taskListener event="create" class="x"/>`)), `camunda:taskListener runs the Java class or bean "x"`, 5, 0},
		{"listener of a flow", `<startEvent id="s"/><task id="a"/><sequenceFlow id="f" sourceRef="s" targetRef="a">` + ext(`<camunda:executionListener event="take" class="x"/>`) + `</sequenceFlow>`, `camunda:executionListener runs`, 4, 0},
		{"initiator", `<startEvent id="s" camunda:initiator="me"/>`, `camunda:initiator`, 4, 0},
		{"groovy", task("", ext(`<camunda:inputOutput><camunda:inputParameter name="x"><camunda:script scriptFormat="groovy">1</camunda:script></camunda:inputParameter></camunda:inputOutput>`)), `written in "groovy"`, 5, 0},
		{"script elsewhere", task("", ext(`<camunda:inputOutput><camunda:inputParameter name="x"><camunda:script scriptFormat="feel" resource="x"/></camunda:inputParameter></camunda:inputOutput>`)), `not in the file`, 5, 0},
		{"parameters that would see each other", task("", ext(`<camunda:inputOutput><camunda:inputParameter name="x">1</camunda:inputParameter><camunda:inputParameter name="y">${x}</camunda:inputParameter></camunda:inputOutput>`)), `another parameter hides`, 5, 0},
		{"output of an end", `<startEvent id="s"/><endEvent id="a">` + ext(`<camunda:inputOutput><camunda:outputParameter name="x">1</camunda:outputParameter></camunda:inputOutput>`) + `</endEvent>` + c7flows("s>a"), `not allowed at end events`, 4, 0},
		{"parameters of a gateway", `<startEvent id="s"/><exclusiveGateway id="a">` + ext(`<camunda:inputOutput/>`) + `</exclusiveGateway>` + c7flows("s>a"), `not allowed at <exclusiveGateway>`, 4, 0},
		{"which error", `<startEvent id="s"/><task id="t"/><boundaryEvent id="b" attachedToRef="t"><errorEventDefinition camunda:errorCodeVariable="x"/></boundaryEvent>` + c7flows("s>t"), `takes every code`, 4, 0},
		{"message of an error", `<startEvent id="s"/><task id="t"/><boundaryEvent id="b" attachedToRef="t"><errorEventDefinition errorRef="e" camunda:errorMessageVariable="x"/></boundaryEvent>` + c7flows("s>t"), `errorMessageVariable`, 4, 0},
		{"list of results", `<startEvent id="s"/><businessRuleTask id="a" camunda:decisionRef="d" camunda:resultVariable="r"/>` + c7flows("s>a"), `list of contexts`, 4, 0},
		{"condition that counts again", `<startEvent id="s"/><userTask id="t"/><boundaryEvent id="b" attachedToRef="t" cancelActivity="false"><conditionalEventDefinition><condition>${x}</condition></conditionalEventDefinition></boundaryEvent>` + c7flows("s>t"), `at each change of a variable`, 4, 0},
		{"instances counted", task("", `<multiInstanceLoopCharacteristics camunda:collection="l"><completionCondition>${nrOfCompletedInstances == 1}</completionCondition></multiInstanceLoopCharacteristics>`), `is not counted here`, 5, 0},
		{"cron", `<startEvent id="s"><timerEventDefinition><timeCycle>0 0 9 ? * MON</timeCycle></timerEventDefinition></startEvent>`, `cron`, 4, 0},
		{"groovy condition", `<startEvent id="s"/><exclusiveGateway id="g"/><task id="a"/><sequenceFlow id="f" sourceRef="g" targetRef="a"><conditionExpression language="groovy">x == ${y}</conditionExpression></sequenceFlow>` + c7flows("s>g"), `written in "groovy"`, 4, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("x.bpmn", c7(c.body))
			var all Findings
			if !errors.As(err, &all) {
				t.Fatalf("loads, or %v", err)
			}
			for _, f := range all {
				if strings.Contains(f.Text, c.says) && f.Line == c.line && (c.col == 0 || f.Col == c.col) {
					return
				}
			}
			t.Errorf("got %v", err)
		})
	}
}

// Some tools forget to declare prefixes that have no effect.
func TestIdlePrefix(t *testing.T) {
	doc := strings.Replace(string(c7(`<startEvent id="s"/>`)), `<definitions `, `<definitions modeler:executionPlatform="x" `, 1)
	doc = strings.Replace(doc, `xmlns:xsi="`+nsXSI+`"`, `xsi:schemaLocation="a b"`, 1)
	d, err := Parse("x.bpmn", []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, w := range d.Warnings {
		texts = append(texts, w.Text)
	}
	if s := strings.Join(texts, "\n"); !strings.Contains(s, `"modeler" is not declared`) || !strings.Contains(s, `xmlns:xsi="`+nsXSI+`"`) {
		t.Error(s)
	}
	if _, err := Parse("x.bpmn", []byte(strings.Replace(doc, "modeler:", "zeebe:", 1))); err == nil || !strings.Contains(err.Error(), nsZeebe) {
		t.Error(err)
	}
}
