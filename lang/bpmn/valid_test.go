// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"errors"
	"strings"
	"testing"
)

const (
	otherMessage = `<bpmn:messageEventDefinition messageRef="m_other"/>`
	onTrue       = `<bpmn:conditionalEventDefinition><bpmn:condition>=x</bpmn:condition></bpmn:conditionalEventDefinition>`
	onLink       = `<bpmn:linkEventDefinition name="L"/>`
	anyLate      = `<bpmn:escalationEventDefinition/>`
	begin        = `<bpmn:startEvent id="s"/>`
	finish       = `<bpmn:endEvent id="e"/>`
)

func catching(id, def string) string {
	return `<bpmn:intermediateCatchEvent id="` + id + `">` + def + `</bpmn:intermediateCatchEvent>`
}

func starting(id, def string, interrupts bool) string {
	flag := ""
	if !interrupts {
		flag = ` isInterrupting="false"`
	}
	return `<bpmn:startEvent id="` + id + `"` + flag + `>` + def + `</bpmn:startEvent>`
}

func byEvent(id, body string) string {
	return `<bpmn:subProcess id="` + id + `" triggeredByEvent="true">` + body + `</bpmn:subProcess>`
}

// What the standard allows and forbids between elements: tiny models with their verdicts, ""
// for those that load.
func TestValid(t *testing.T) {
	sub := subProcess("a", begin2+`<bpmn:endEvent id="ie"/>`+flows("is>ie"))
	two := func(host, d1, d2 string, interrupts bool) string {
		return begin + host + boundary("b1", "a", d1, interrupts) + boundary("b2", "a", d2, interrupts) + finish + `<bpmn:endEvent id="e1"/><bpmn:endEvent id="e2"/>` + flows("s>a;a>e;b1>e1;b2>e2")
	}
	subs := func(s1, s2 string) string {
		return begin + finish + flows("s>e") + byEvent("x1", s1) + byEvent("x2", s2)
	}
	gateway := func(targets, links string) string {
		return begin + `<bpmn:eventBasedGateway id="g"/>` + targets + finish + flows("s>g;"+links)
	}
	receive := func(id, inner string) string {
		return `<bpmn:receiveTask id="` + id + `" messageRef="m_paid">` + inner + `</bpmn:receiveTask>`
	}
	undone := `<bpmn:task id="u" isForCompensation="true"/>`
	wired := `<bpmn:association id="as" sourceRef="b" targetRef="u"/>`
	for _, c := range []struct{ name, body, rule, says string }{
		// Events of one activity.
		{"two errors of two codes", two(job("a"), onFull, onAny, true), "", ""},
		{"two errors of one code", two(job("a"), onFull, onFull, true), "ambiguous", `"b1" and "b2" on "a" wait for the same, error full`},
		{"two that take every error", two(job("a"), onAny, onAny, true), "ambiguous", "every error"},
		{"two escalations of one code", two(sub, onLate, onLate, false), "ambiguous", "escalation late"},
		{"two that take every escalation", two(sub, anyLate, anyLate, true), "ambiguous", "every escalation"},
		{"one escalation and all of them", two(sub, onLate, anyLate, true), "ambiguous", "takes every escalation"},
		{"two messages of one name", two(job("a"), onPaid, onPaid, true), "ambiguous", "message paid"},
		{"two messages", two(job("a"), onPaid, otherMessage, true), "", ""},
		{"two timers", two(job("a"), afterDay, afterDay, false), "", ""},
		{"two conditions", two(job("a"), onTrue, onTrue, false), "", ""},
		{"two of a signal, which interrupt", two(job("a"), onStorm, onStorm, true), "ambiguous", "signal storm"},
		{"two of a signal, which don't", two(job("a"), onStorm, onStorm, false), "", ""},
		{"two handlers of a compensation", begin + job("a") + boundary("b", "a", undoAll, true) + boundary("b2", "a", undoAll, true) + undone + wired +
			`<bpmn:association id="as2" sourceRef="b2" targetRef="u"/>` + finish + flows("s>a;a>e"), "ambiguous", "compensation"},
		{"an escalation of a task", begin + job("a") + boundary("b", "a", onLate, true) + finish + flows("s>a;a>e;b>e"), "flow", "only a sub-process or a call activity"},
		{"an escalation of a sub-process", begin + sub + boundary("b", "a", onLate, true) + finish + flows("s>a;a>e;b>e"), "", ""},
		{"an escalation of a call", begin + `<bpmn:callActivity id="a" calledElement="q"/>` + boundary("b", "a", onLate, true) + finish + flows("s>a;a>e;b>e"), "", ""},
		{"an escalation of an ad-hoc sub-process", begin + `<bpmn:adHocSubProcess id="a"><bpmn:task id="i"/></bpmn:adHocSubProcess>` + boundary("b", "a", onLate, true) + finish + flows("s>a;a>e;b>e"), "", ""},
		{"an event on an event", begin + catching("a", afterDay) + boundary("b", "a", onFull, true) + finish + flows("s>a;a>e;b>e"), "reference", "not an activity"},
		{"an event on nothing", begin + finish + boundary("b", "", afterDay, true) + flows("s>e;b>e"), "reference", "attached to nothing"},
		{"an event on what isn't there", begin + finish + boundary("b", "x", afterDay, true) + flows("s>e;b>e"), "reference", "not an element of this process"},
		{"an event on a task of another scope", begin + subProcess("a", begin2+`<bpmn:task id="i"/>`+flows("is>i")) + boundary("b", "i", afterDay, true) + finish + flows("s>a;a>e;b>e"), "reference", "another scope"},
		{"an event on an event sub-process", begin + finish + flows("s>e;b>e") + byEvent("a", starting("x", onFull, true)) + boundary("b", "a", afterDay, true), "flow", "can have none"},
		{"a flow to a boundary event", begin + job("a") + boundary("b", "a", afterDay, true) + finish + flows("s>a;a>b;b>e"), "flow", "can't go"},
		{"an error that doesn't interrupt", begin + job("a") + boundary("b", "a", onFull, false) + finish + flows("s>a;a>e;b>e"), "incomplete", "always interrupts"},
		{"a boundary event that waits for nothing", begin + job("a") + boundary("b", "a", "", true) + finish + flows("s>a;a>e;b>e"), "incomplete", "waits for nothing"},
		{"a boundary event that waits for the end of all", begin + job("a") + boundary("b", "a", `<bpmn:terminateEventDefinition/>`, true) + finish + flows("s>a;a>e;b>e"), "incomplete", "can't wait for terminate"},
		{"a timer of two kinds", begin + catching("a", `<bpmn:timerEventDefinition><bpmn:timeDate>2026-12-01T00:00:00Z</bpmn:timeDate><bpmn:timeDuration>P1D</bpmn:timeDuration></bpmn:timerEventDefinition>`) + finish + flows("s>a;a>e"), "timer", "one of them"},

		// Event sub-processes of one scope.
		{"event sub-processes of two errors", subs(starting("y1", onFull, true), starting("y2", onAny, true)), "", ""},
		{"event sub-processes of one error", subs(starting("y1", onFull, true), starting("y2", onFull, true)), "ambiguous", "error full"},
		{"event sub-processes of every error", subs(starting("y1", onAny, true), starting("y2", onAny, true)), "ambiguous", "every error"},
		{"event sub-processes of one escalation", subs(starting("y1", onLate, false), starting("y2", onLate, false)), "ambiguous", "escalation late"},
		{"event sub-processes of one escalation and all", subs(starting("y1", onLate, false), starting("y2", anyLate, false)), "ambiguous", "takes every escalation"},
		{"event sub-processes of one message", subs(starting("y1", onPaid, true), starting("y2", onPaid, true)), "ambiguous", "message paid"},
		{"event sub-processes of two messages", subs(starting("y1", onPaid, true), starting("y2", otherMessage, true)), "", ""},
		{"event sub-processes of a signal, which interrupt", subs(starting("y1", onStorm, true), starting("y2", onStorm, false)), "ambiguous", "signal storm"},
		{"event sub-processes of a signal, which don't", subs(starting("y1", onStorm, false), starting("y2", onStorm, false)), "", ""},
		{"an event sub-process with two starts", subs(starting("y1", onStorm, true)+starting("y3", onPaid, true), starting("y2", onFull, true)), "incomplete", "2 start events"},
		{"an event sub-process without a trigger", subs(starting("y1", "", true), starting("y2", onFull, true)), "incomplete", "waits for nothing"},
		{"an event sub-process that listens for an error on the side", subs(starting("y1", onFull, false), starting("y2", onPaid, true)), "incomplete", "always interrupts"},
		{"an event sub-process for each of a list", begin + finish + flows("s>e") + byEvent("x", starting("y", onPaid, true)+eachOf("=[1]")), "flow", "can't be repeated"},
		{"an event sub-process with inputs", begin + finish + flows("s>e") + byEvent("x", `<bpmn:extensionElements><zeebe:ioMapping><zeebe:input source="=1" target="n"/></zeebe:ioMapping></bpmn:extensionElements>`+starting("y", onPaid, true)), "mapping", "its start event can have outputs"},
		{"an event sub-process that undoes", begin + finish + flows("s>e") + strings.Replace(byEvent("x", starting("y", onPaid, true)), "triggered", `isForCompensation="true" triggered`, 1), "flow", "can't be a compensation handler"},
		{"a flow to an event sub-process", begin + finish + byEvent("x", starting("y", onPaid, true)) + flows("s>x;x>e"), "flow", "can't go"},

		// Starts and ends.
		{"two starts without a trigger", begin + `<bpmn:startEvent id="s2"/>` + finish + flows("s>e;s2>e"), "start", "one is enough"},
		{"starts of two messages", starting("s", onPaid, true) + starting("s2", otherMessage, true) + finish + flows("s>e;s2>e"), "", ""},
		{"starts of one message", starting("s", onPaid, true) + starting("s2", onPaid, true) + finish + flows("s>e;s2>e"), "ambiguous", "both begin the process with the message paid"},
		{"a start of a message with an expression", starting("s", `<bpmn:messageEventDefinition messageRef="m_calc"/>`, true) + finish + flows("s>e"), "expression", "nothing to work it out"},
		{"a start of a signal with a fixed expression", starting("s", `<bpmn:signalEventDefinition signalRef="g_calc"/>`, true) + finish + flows("s>e"), "", ""},
		{"a start of a signal with variables", starting("s", `<bpmn:signalEventDefinition signalRef="g_vars"/>`, true) + finish + flows("s>e"), "expression", "nothing to work it out"},
		{"starts of one signal", starting("s", onStorm, true) + starting("s2", onStorm, true) + finish + flows("s>e;s2>e"), "ambiguous", "signal storm"},
		{"starts of two timers", starting("s", thrice, true) + starting("s2", thrice, true) + finish + flows("s>e;s2>e"), "", ""},
		{"a start of an error", starting("s", onFull, true) + finish + flows("s>e"), "incomplete", "for event sub-processes"},
		{"a flow to a start", begin + job("a") + flows("s>a;a>s"), "flow", "can't go"},
		{"a flow from an end", begin + finish + job("a") + flows("s>e;e>a"), "flow", "can't go"},
		{"a condition behind a start", begin + finish + flows("s>e[=x]"), "flow", "can't have a condition"},
		{"a sub-process with two starts", begin + subProcess("a", begin2+`<bpmn:startEvent id="is2"/>`) + flows("s>a"), "incomplete", "2 start events"},
		{"a sub-process without a start", begin + subProcess("a", `<bpmn:task id="i"/>`) + flows("s>a"), "incomplete", "0 start events"},
		{"a sub-process that starts with a timer", begin + subProcess("a", starting("i", afterDay, true)) + flows("s>a"), "incomplete", "only an event sub-process may"},
		{"an error without a code", begin + `<bpmn:endEvent id="a">` + onAny + `</bpmn:endEvent>` + flows("s>a"), "incomplete", "an error without a code"},
		{"an escalation without a code", begin + throwing("a", anyLate) + finish + flows("s>a;a>e"), "incomplete", "an escalation without a code"},
		{"an error in between", begin + throwing("a", onFull) + finish + flows("s>a;a>e"), "incomplete", "for end events"},
		{"a timer at the end", begin + `<bpmn:endEvent id="a">` + afterDay + `</bpmn:endEvent>` + flows("s>a"), "incomplete", "can't bring about"},
		{"an error waited for in between", begin + catching("a", onFull) + finish + flows("s>a;a>e"), "incomplete", "nothing that can happen"},

		// Links.
		{"a link", begin + throwing("a", onLink) + catching("b", onLink) + finish + flows("s>a;b>e"), "", ""},
		{"two ways into a link", begin + `<bpmn:parallelGateway id="g"/>` + throwing("a", onLink) + throwing("a2", onLink) + catching("b", onLink) + finish + flows("s>g;g>a;g>a2;b>e"), "", ""},
		{"a link with two ends", begin + throwing("a", onLink) + catching("b", onLink) + catching("b2", onLink) + finish + flows("s>a;b>e;b2>e"), "ambiguous", "both the end of the link"},
		{"a link to nowhere", begin + throwing("a", onLink) + flows("s>a"), "incomplete", "not there"},
		{"a link into another scope", begin + throwing("a", onLink) + subProcess("x", begin2+catching("b", onLink)) + flows("s>a"), "incomplete", "not there"},
		{"a link from nowhere", begin + finish + catching("b", onLink) + `<bpmn:endEvent id="e2"/>` + flows("s>e;b>e2"), "incomplete", "begins nowhere"},
		{"a link without a name", begin + throwing("a", `<bpmn:linkEventDefinition/>`) + catching("b", `<bpmn:linkEventDefinition/>`) + finish + flows("s>a;b>e"), "incomplete", "without a name"},
		{"a flow from the beginning of a link", begin + throwing("a", onLink) + catching("b", onLink) + finish + flows("s>a;a>e;b>e"), "flow", "beginning of a link"},
		{"a flow to the end of a link", begin + throwing("a", onLink) + catching("b", onLink) + finish + `<bpmn:parallelGateway id="g"/>` + flows("s>g;g>a;g>b;b>e"), "flow", "end of a link"},

		// Event-based gateways.
		{"two events", gateway(catching("a", onPaid)+catching("b", afterDay), "g>a;g>b;a>e;b>e"), "", ""},
		{"an event and a receive task", gateway(receive("a", "")+catching("b", afterDay), "g>a;g>b;a>e;b>e"), "", ""},
		{"a message event and a receive task", gateway(receive("a", "")+catching("b", otherMessage), "g>a;g>b;a>e;b>e"), "flow", "one kind or the other"},
		{"one branch", gateway(catching("a", onPaid), "g>a;a>e"), "flow", "one branch"},
		{"no branch", gateway("", "g>e"), "incomplete", "waits for no message"},
		{"a task as a branch", gateway(job("a")+catching("b", afterDay), "g>a;g>b;a>e;b>e"), "incomplete", "waits for no message"},
		{"a link as a branch", gateway(throwing("x", onLink)+catching("a", onLink)+catching("b", afterDay), "g>a;g>b;a>e;b>e"), "incomplete", "waits for no message"},
		{"a receive task with a boundary event", gateway(receive("a", "")+boundary("x", "a", afterDay, true)+catching("b", afterDay), "g>a;g>b;a>e;b>e;x>e"), "incomplete", "boundary events"},
		{"another way to a branch", gateway(catching("a", onPaid)+catching("b", afterDay)+job("c"), "g>a;g>b;a>c;c>b;b>e"), "flow", "another sequence flow"},
		{"a condition on a branch", gateway(catching("a", onPaid)+catching("b", afterDay), "g>a[=x];g>b;a>e;b>e"), "flow", "can't have a condition"},
		{"one message twice", gateway(catching("a", onPaid)+catching("b", onPaid), "g>a;g>b;a>e;b>e"), "ambiguous", "message paid"},
		{"one signal twice", gateway(catching("a", onStorm)+catching("b", onStorm), "g>a;g>b;a>e;b>e"), "ambiguous", "signal storm"},

		// Flows.
		{"a condition at a parallel gateway", begin + `<bpmn:parallelGateway id="g"/>` + finish + flows("s>g;g>e[=x]"), "flow", "can't have a condition"},
		{"a default flow of a parallel gateway", begin + `<bpmn:parallelGateway id="g" default="f1_g_e"/>` + finish + flows("s>g;g>e"), "flow", "can't have a default flow"},
		{"a default flow of an event", strings.Replace(begin, `"s"`, `"s" default="f0_s_e"`, 1) + finish + flows("s>e"), "flow", "can't have a default flow"},
		{"a default flow of another element", begin + `<bpmn:exclusiveGateway id="g" default="f0_s_g"/>` + finish + flows("s>g;g>e"), "reference", "doesn't leave it"},
		{"a default flow with a condition", begin + `<bpmn:exclusiveGateway id="g" default="f1_g_e"/>` + finish + `<bpmn:endEvent id="e2"/>` + flows("s>g;g>e[=x];g>e2[=y]"), "flow", "has a condition"},
		{"a flow into a sub-process", begin + subProcess("a", begin2+`<bpmn:task id="i"/>`+flows("is>i")) + flows("s>i"), "reference", "crosses the border"},
		{"a flow without a target", begin + `<bpmn:sequenceFlow id="f" sourceRef="s"/>`, "reference", "has no targetRef"},
		{"a flow to what isn't there", begin + `<bpmn:sequenceFlow id="f" sourceRef="s" targetRef="x"/>`, "reference", "not an element of this process"},

		// Inputs and outputs.
		{"outputs of a boundary event", begin + job("a") + boundaryWith("b", "a", mapped("output")+afterDay) + finish + flows("s>a;a>e;b>e"), "", ""},
		{"inputs of a boundary event", begin + job("a") + boundaryWith("b", "a", mapped("input")+afterDay) + finish + flows("s>a;a>e;b>e"), "mapping", "can't have inputs"},
		{"inputs of the start of an event sub-process", begin + finish + flows("s>e") + byEvent("x", starting("y", mapped("input")+onPaid, true)), "mapping", "can't have inputs"},
		{"inputs of an error", begin + `<bpmn:endEvent id="a">` + mapped("input") + onFull + `</bpmn:endEvent>` + flows("s>a"), "", ""},
		{"outputs of an error", begin + `<bpmn:endEvent id="a">` + mapped("output") + onFull + `</bpmn:endEvent>` + flows("s>a"), "mapping", "can't have outputs"},
		{"outputs of a gateway", begin + `<bpmn:parallelGateway id="g">` + mapped("output") + `</bpmn:parallelGateway>` + finish + flows("s>g;g>e"), "mapping", "can't have inputs and outputs"},
		{"inputs of a branch", gateway(catching("a", mapped("input")+onPaid)+catching("b", afterDay), "g>a;g>b;a>e;b>e"), "mapping", "can't have inputs"},
		{"outputs of a branch", gateway(catching("a", mapped("output")+onPaid)+catching("b", afterDay), "g>a;g>b;a>e;b>e"), "", ""},

		// Compensation.
		{"a handler", begin + job("a") + boundary("b", "a", undoAll, true) + undone + wired + finish + flows("s>a;a>e"), "", ""},
		{"a handler with a flow", begin + job("a") + boundary("b", "a", undoAll, true) + undone + wired + finish + flows("s>a;a>e;u>e"), "incomplete", "no sequence flow"},
		{"a compensation event with a flow", begin + job("a") + boundary("b", "a", undoAll, true) + undone + wired + finish + flows("s>a;a>e;b>e"), "incomplete", "no sequence flow leads away"},
		{"a handler that isn't one", begin + job("a") + boundary("b", "a", undoAll, true) + `<bpmn:task id="u"/>` + wired + finish + flows("s>a;a>e"), "incomplete", "isForCompensation"},
		{"a compensation event without an association", begin + job("a") + boundary("b", "a", undoAll, true) + undone + finish + flows("s>a;a>e"), "incomplete", "association"},

		// Lanes and data.
		{"one lane", begin + finish + flows("s>e") + `<bpmn:laneSet id="ls"><bpmn:lane id="l1" name="A"><bpmn:flowNodeRef>e</bpmn:flowNodeRef></bpmn:lane></bpmn:laneSet>`, "", ""},
		{"two lanes", begin + finish + flows("s>e") + `<bpmn:laneSet id="ls"><bpmn:lane id="l1" name="A"><bpmn:flowNodeRef>e</bpmn:flowNodeRef></bpmn:lane><bpmn:lane id="l2" name="B"><bpmn:flowNodeRef>e</bpmn:flowNodeRef></bpmn:lane></bpmn:laneSet>`, "ambiguous", "who is responsible"},
		{"a lane within a lane", begin + finish + flows("s>e") + `<bpmn:laneSet id="ls"><bpmn:lane id="l1" name="A"><bpmn:flowNodeRef>e</bpmn:flowNodeRef><bpmn:childLaneSet id="c"><bpmn:lane id="l2" name="B"><bpmn:flowNodeRef>e</bpmn:flowNodeRef></bpmn:lane></bpmn:childLaneSet></bpmn:lane></bpmn:laneSet>`, "", ""},
		{"data that is there", begin + `<bpmn:task id="a"><bpmn:dataInputAssociation><bpmn:sourceRef>d</bpmn:sourceRef></bpmn:dataInputAssociation></bpmn:task><bpmn:dataObject id="d"/>` + finish + flows("s>a;a>e"), "", ""},
		{"data that isn't", begin + `<bpmn:task id="a"><bpmn:dataInputAssociation><bpmn:sourceRef>d</bpmn:sourceRef></bpmn:dataInputAssociation></bpmn:task>` + finish + flows("s>a;a>e"), "reference", "which is not there"},
		{"data that is calculated", begin + `<bpmn:task id="a"><bpmn:dataInputAssociation><bpmn:assignment/></bpmn:dataInputAssociation></bpmn:task>` + finish + flows("s>a;a>e"), "unsupported", "assignments"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := strings.Replace(string(model(c.body)), "<bpmn:error", `<bpmn:message id="m_calc" name="=&quot;a&quot;"/><bpmn:signal id="g_calc" name="=&quot;a&quot;+&quot;b&quot;"/><bpmn:signal id="g_vars" name="=a+b"/><bpmn:message id="m_other" name="other"><bpmn:extensionElements><zeebe:subscription correlationKey="=key"/></bpmn:extensionElements></bpmn:message><bpmn:error`, 1)
			verdict(t, []byte(data), c.rule, c.says)
		})
	}
}

func mapped(kind string) string {
	return `<bpmn:extensionElements><zeebe:ioMapping><zeebe:` + kind + ` source="=1" target="n"/></zeebe:ioMapping></bpmn:extensionElements>`
}

func boundaryWith(id, host, inner string) string {
	return `<bpmn:boundaryEvent id="` + id + `" attachedToRef="` + host + `">` + inner + `</bpmn:boundaryEvent>`
}

const begin2 = `<bpmn:startEvent id="is"/>`

// eachOf makes an activity run for each item of a list.
func eachOf(list string) string {
	return `<bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements><zeebe:loopCharacteristics inputCollection="` + list + `"/></bpmn:extensionElements></bpmn:multiInstanceLoopCharacteristics>`
}

// verdict holds a file to a finding, or to none.
func verdict(t *testing.T, data []byte, rule, says string) {
	t.Helper()
	_, err := Parse("x.bpmn", data)
	if rule == "" {
		if err != nil {
			t.Errorf("refused: %v", err)
		}
		return
	}
	var all Findings
	if !errors.As(err, &all) {
		t.Fatalf("loads, or %v", err)
	}
	for _, f := range all {
		if f.Rule == rule && strings.Contains(f.Text, says) && f.Line > 0 && f.Col > 0 {
			return
		}
	}
	t.Errorf("got %v", err)
}

// What stands outside of the process, or in several.
func TestValidFile(t *testing.T) {
	file := func(root, processes string) []byte {
		return []byte(`<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL">` + root + processes + `</definitions>`)
	}
	process := func(id, inner string) string {
		return `<process id="` + id + `" isExecutable="true"><startEvent id="s_` + id + `"/>` + inner + `</process>`
	}
	pools := `<collaboration id="c"><participant id="pa" processRef="a"/><participant id="pb" processRef="b"/><messageFlow id="mf" sourceRef="FROM" targetRef="TO"/></collaboration>`
	between := func(from, to string) []byte {
		return file(strings.NewReplacer("FROM", from, "TO", to).Replace(pools), process("a", `<task id="t_a"/>`)+process("b", `<task id="t_b"/>`))
	}
	for _, c := range []struct {
		name       string
		data       []byte
		rule, says string
	}{
		{"a message flow between pools", between("t_a", "t_b"), "", ""},
		{"a message flow to a pool", between("t_a", "pb"), "", ""},
		{"a message flow in a pool", between("t_a", "s_a"), "flow", "connects two pools"},
		{"a message flow from a pool to itself", between("t_b", "pb"), "flow", "connects two pools"},
		{"two signals of one name", file(`<signal id="x" name="storm"/><signal id="y" name="storm"/>`, process("a", "")), "ambiguous", "told apart by their names"},
		{"two signals", file(`<signal id="x" name="storm"/><signal id="y" name="flood"/>`, process("a", "")), "", ""},
		{"two messages of one id", file(`<message id="x" name="m"/><message id="x" name="n"/>`, process("a", "")), "duplicate-id", "already in line"},
		{"two processes of one id", file("", process("a", "")+process("a", "")), "duplicate-id", "already in line"},
		{"a flow between processes", file("", process("a", `<sequenceFlow id="f" sourceRef="s_a" targetRef="s_b"/>`)+process("b", "")), "reference", "not an element of this process"},
		{"a boundary event on a task of another process", file("", process("a", `<boundaryEvent id="x" attachedToRef="t_b"><timerEventDefinition><timeDuration>P1D</timeDuration></timerEventDefinition></boundaryEvent>`)+process("b", `<task id="t_b"/>`)), "reference", "not an element of this process"},
		{"the same in a drawing", file("", `<process id="a"><boundaryEvent id="x" attachedToRef="t_b"/><sequenceFlow id="f" sourceRef="x" targetRef="t_b"/></process><process id="b"><task id="t_b"/></process>`), "", ""},
	} {
		t.Run(c.name, func(t *testing.T) { verdict(t, c.data, c.rule, c.says) })
	}
}

// What is plain in models of Camunda 7, which executes it, is read there and warned of.
func TestStrict(t *testing.T) {
	for _, body := range []string{
		`<startEvent id="s" camunda:asyncBefore="true"/><endEvent id="z"/>` + c7flows("s>z[${x}]"),
		`<startEvent id="s" camunda:asyncBefore="true"/><eventBasedGateway id="g"/><intermediateCatchEvent id="a"><signalEventDefinition signalRef="g0"/></intermediateCatchEvent><endEvent id="z"/>` + c7flows("s>g;g>a;a>z"),
	} {
		d, err := Parse("x.bpmn", []byte(strings.Replace(string(c7(body)), `<signal id="g"`, `<signal id="g0"`, 1)))
		if err != nil {
			t.Error(err)
			continue
		}
		found := false
		for _, w := range d.Warnings {
			found = found || w.Rule == "flow"
		}
		if !found {
			t.Errorf("no warning: %v", d.Warnings)
		}
	}
}

// What both ends of a link put out is there afterwards.
func TestLinkOutputs(t *testing.T) {
	out := func(name string) string {
		return `<bpmn:extensionElements><zeebe:ioMapping><zeebe:output source="=&quot;` + name + `&quot;" target="` + name + `"/></zeebe:ioMapping></bpmn:extensionElements>`
	}
	pl := play(t, begin+throwing("a", out("thrown")+onLink)+catching("b", out("caught")+onLink)+job("c")+flows("s>a;b>c"), nil)
	pl.is("c")
	if v := pl.s.Vars(); v["thrown"] != "thrown" || v["caught"] != "caught" {
		t.Errorf("%v", v)
	}
}
