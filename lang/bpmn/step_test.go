// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// model wraps elements into a file.
func model(body string) []byte {
	return []byte(`<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<bpmn:message id="m_paid" name="paid"><bpmn:extensionElements><zeebe:subscription correlationKey="=key"/></bpmn:extensionElements></bpmn:message>
<bpmn:error id="e_full" errorCode="full"/><bpmn:escalation id="x_late" escalationCode="late"/>
<bpmn:signal id="g_storm" name="storm"/>
<bpmn:process id="p" isExecutable="true">` + body + `</bpmn:process></bpmn:definitions>`)
}

// flow writes flows such as "a>b b>c[=x = 1] ".
func flows(spec string) string {
	var b strings.Builder
	for i, f := range strings.Split(spec, ";") {
		f = strings.TrimSpace(f)
		cond := ""
		if at := strings.IndexByte(f, '['); at >= 0 {
			cond = `<bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">` + strings.TrimSuffix(f[at+1:], "]") + `</bpmn:conditionExpression>`
			f = f[:at]
		}
		from, to, _ := strings.Cut(f, ">")
		fmt.Fprintf(&b, `<bpmn:sequenceFlow id="f%d_%s_%s" sourceRef="%s" targetRef="%s">%s</bpmn:sequenceFlow>`, i, from, to, from, to, cond)
	}
	return b.String()
}

func job(id string, inner ...string) string {
	return `<bpmn:serviceTask id="` + id + `"><bpmn:extensionElements><zeebe:taskDefinition type="` + id + `"/>` + strings.Join(inner, "") + `</bpmn:extensionElements></bpmn:serviceTask>`
}

// player plays a model by hand.
type player struct {
	t    *testing.T
	p    *Process
	s    State
	cmds []Command
}

var epoch = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

func load(t *testing.T, body string) *Process {
	t.Helper()
	d, err := Parse("test.bpmn", model(body))
	if err != nil {
		t.Fatal(err)
	}
	return d.Processes[0]
}

func play(t *testing.T, body string, vars map[string]any) *player {
	t.Helper()
	pl := &player{t: t, p: load(t, body)}
	pl.do(Start{Vars: vars})
	return pl
}

func (pl *player) do(ev Event) {
	pl.t.Helper()
	before, _ := json.Marshal(pl.s)
	s, cmds, err := Step(pl.p, pl.s, epoch, ev)
	if err != nil {
		pl.t.Fatalf("%T: %v", ev, err)
	}
	if after, _ := json.Marshal(pl.s); string(before) != string(after) {
		pl.t.Fatalf("%T changed the state it was given", ev)
	}
	pl.s, pl.cmds = s, cmds
}

// at is the token at the element that waits.
func (pl *player) at(element string) string {
	pl.t.Helper()
	for _, t := range pl.s.Tokens {
		if t.Element == element && t.Wait != ForScope {
			return t.ID
		}
	}
	pl.t.Fatalf("no token at %q; they are at %v", element, pl.s.Active())
	return ""
}

func (pl *player) is(active ...string) {
	pl.t.Helper()
	got := pl.s.Active()
	slices.Sort(got)
	slices.Sort(active)
	if !slices.Equal(got, active) {
		pl.t.Fatalf("active: got %v, want %v", got, active)
	}
}

func (pl *player) completed() {
	pl.t.Helper()
	if pl.s.Status != Completed || len(pl.s.Tokens) != 0 || len(pl.s.Scopes) != 1 {
		b, _ := json.Marshal(pl.s)
		pl.t.Fatalf("not complete: %s", b)
	}
}

// got tells whether a command of the type came out of the last step.
func got[C Command](pl *player) (C, bool) {
	for _, c := range pl.cmds {
		if c, ok := c.(C); ok {
			return c, true
		}
	}
	var zero C
	return zero, false
}

func TestStraight(t *testing.T) {
	pl := play(t, `<bpmn:startEvent id="s"/>`+
		`<bpmn:intermediateThrowEvent id="m" name="Arrived"/>`+
		job("work", `<zeebe:ioMapping><zeebe:input source="=case.id" target="in.id"/><zeebe:output source="=result" target="decision.outcome"/></zeebe:ioMapping>`)+
		`<bpmn:endEvent id="e"/>`+flows("s>m;m>work;work>e"),
		map[string]any{"case": map[string]any{"id": "c1"}, "decision": map[string]any{"by": "Ada"}})
	if m, ok := got[Milestone](pl); !ok || m.Name != "Arrived" {
		t.Fatalf("milestone: %+v", pl.cmds)
	}
	j, _ := got[CreateJob](pl)
	if j.Type != "work" || j.Vars["in"].(map[string]any)["id"] != "c1" || j.Vars["case"] == nil {
		t.Fatalf("job: %+v", j)
	}
	pl.do(JobDone{Token: j.Token, Vars: map[string]any{"result": "granted", "other": 1.0}})
	pl.completed()
	d := pl.s.Vars()["decision"].(map[string]any)
	if d["outcome"] != "granted" || d["by"] != "Ada" {
		t.Errorf("output mapping: %v", d)
	}
	if _, ok := pl.s.Vars()["other"]; ok {
		t.Error("what no output mapping names must not leave the task")
	}
	if _, ok := pl.s.Vars()["in"]; ok {
		t.Error("an input is local")
	}
	if f, ok := got[Finished](pl); !ok || f.Vars["decision"] == nil {
		t.Error("no Finished")
	}
	if _, _, err := Step(pl.p, pl.s, epoch, JobDone{Token: j.Token}); !errors.Is(err, ErrNoToken) {
		t.Errorf("a second completion: %v", err)
	}
}

func TestGateways(t *testing.T) {
	const xor = `<bpmn:startEvent id="s"/><bpmn:exclusiveGateway id="g" default="f2_g_b"/>`
	body := xor + job("a") + job("b") + `<bpmn:endEvent id="e"/>` + flows(`s>g;g>a[=x = "yes"];g>b;a>e;b>e`)
	for x, want := range map[string]string{"yes": "a", "no": "b"} {
		play(t, body, map[string]any{"x": x}).is(want)
	}
	t.Run("no way out is an incident, and a retry helps", func(t *testing.T) {
		pl := play(t, `<bpmn:startEvent id="s"/><bpmn:exclusiveGateway id="g"/>`+job("a")+job("b")+flows(`s>g;g>a[=x = "a"];g>b[=x = "b"]`), map[string]any{"x": "c"})
		i, ok := got[Incident](pl)
		if !ok || !strings.Contains(i.Reason, "default") {
			t.Fatalf("%+v", pl.cmds)
		}
		pl.do(SetVars{map[string]any{"x": "b"}})
		pl.do(Retry{Token: i.Token})
		pl.is("b")
	})
	t.Run("parallel", func(t *testing.T) {
		pl := play(t, `<bpmn:startEvent id="s"/><bpmn:parallelGateway id="g"/><bpmn:parallelGateway id="j"/>`+job("a")+job("b")+job("c")+flows("s>g;g>a;g>b;a>j;b>j;j>c"), nil)
		pl.is("a", "b")
		pl.do(JobDone{Token: pl.at("b")})
		pl.is("a", "j")
		pl.do(JobDone{Token: pl.at("a")})
		pl.is("c")
		pl.do(JobDone{Token: pl.at("c")})
		pl.completed()
	})
	t.Run("inclusive waits for those under way only", func(t *testing.T) {
		pl := play(t, `<bpmn:startEvent id="s"/><bpmn:inclusiveGateway id="g" default="f3_g_c"/><bpmn:inclusiveGateway id="j"/>`+job("a")+job("b")+job("c")+job("d")+
			flows(`s>g;g>a[=x = 1];g>b[=y = 1];g>c;a>j;b>j;c>j;j>d`), map[string]any{"x": 1.0, "y": 1.0})
		pl.is("a", "b")
		pl.do(JobDone{Token: pl.at("a")})
		pl.is("b", "j")
		pl.do(JobDone{Token: pl.at("b")})
		pl.is("d")
	})
	t.Run("event-based", func(t *testing.T) {
		body := `<bpmn:startEvent id="s"/><bpmn:eventBasedGateway id="g"/>` +
			`<bpmn:intermediateCatchEvent id="m"><bpmn:messageEventDefinition messageRef="m_paid"/></bpmn:intermediateCatchEvent>` +
			`<bpmn:intermediateCatchEvent id="t"><bpmn:timerEventDefinition><bpmn:timeDuration>P3D</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>` +
			job("a") + job("b") + flows("s>g;g>m;g>t;m>a;t>b")
		pl := play(t, body, map[string]any{"key": "k"})
		pl.is("g")
		sub, _ := got[Subscribe](pl)
		timer, _ := got[SetTimer](pl)
		if sub.Key != "k" || sub.Message != "paid" || timer.Value != "P3D" {
			t.Fatalf("%+v", pl.cmds)
		}
		pl.do(MessageReceived{Token: sub.Token, Vars: map[string]any{"sum": 5.0}})
		pl.is("a")
		if c, ok := got[CancelTimer](pl); !ok || c.Token != timer.Token {
			t.Errorf("the timer of the other branch stays: %+v", pl.cmds)
		}
		if pl.s.Vars()["sum"] != 5.0 {
			t.Error("the message's variables are lost")
		}
		if _, _, err := Step(pl.p, pl.s, epoch, TimerFired{Token: timer.Token}); !errors.Is(err, ErrNoToken) {
			t.Errorf("the timer came too late: %v", err)
		}
	})
}

func boundary(id, host, def string, interrupting bool) string {
	return fmt.Sprintf(`<bpmn:boundaryEvent id="%s" attachedToRef="%s" cancelActivity="%t">%s</bpmn:boundaryEvent>`, id, host, interrupting, def)
}

const (
	afterDay = `<bpmn:timerEventDefinition><bpmn:timeDuration>P1D</bpmn:timeDuration></bpmn:timerEventDefinition>`
	thrice   = `<bpmn:timerEventDefinition><bpmn:timeCycle>R3/PT1H</bpmn:timeCycle></bpmn:timerEventDefinition>`
	onFull   = `<bpmn:errorEventDefinition errorRef="e_full"/>`
	onAny    = `<bpmn:errorEventDefinition/>`
	onLate   = `<bpmn:escalationEventDefinition escalationRef="x_late"/>`
	onStorm  = `<bpmn:signalEventDefinition signalRef="g_storm"/>`
	onPaid   = `<bpmn:messageEventDefinition messageRef="m_paid"/>`
)

func TestBoundary(t *testing.T) {
	t.Run("an interrupting timer takes the task away", func(t *testing.T) {
		pl := play(t, `<bpmn:startEvent id="s"/><bpmn:userTask id="u" name="Check"><bpmn:extensionElements><zeebe:assignmentDefinition candidateGroups="office:32, office:33"/></bpmn:extensionElements></bpmn:userTask>`+
			boundary("b", "u", afterDay, true)+job("late")+flows("s>u;b>late"), nil)
		task, ok := got[CreateUserTask](pl)
		if !ok || !slices.Equal(task.Groups, []string{"office:32", "office:33"}) || task.Priority != 50 {
			t.Fatalf("%+v", task)
		}
		timer, _ := got[SetTimer](pl)
		pl.do(TimerFired{Token: timer.Token})
		pl.is("late")
		if c, ok := got[CancelTask](pl); !ok || c.Token != task.Token {
			t.Errorf("%+v", pl.cmds)
		}
		if _, ok := got[CancelTimer](pl); ok {
			t.Error("a timer that fired isn't cancelled")
		}
		pl.do(JobDone{Token: pl.at("late")})
		pl.completed()
	})
	t.Run("a cycle reminds three times", func(t *testing.T) {
		pl := play(t, `<bpmn:startEvent id="s"/>`+job("a")+boundary("b", "a", thrice, false)+`<bpmn:intermediateThrowEvent id="remind"/>`+flows("s>a;b>remind"), nil)
		timer, _ := got[SetTimer](pl)
		for i := range 3 {
			pl.do(TimerFired{Token: timer.Token})
			if again, ok := got[SetTimer](pl); ok != (i < 2) || ok && (!again.Again || again.Token != timer.Token) {
				t.Fatalf("time %d: %+v", i, pl.cmds)
			}
			if _, ok := got[Milestone](pl); !ok {
				t.Fatalf("time %d: nothing happened", i)
			}
		}
		pl.is("a")
		pl.do(JobDone{Token: pl.at("a")})
		pl.completed()
	})
	t.Run("done in time takes the timer back", func(t *testing.T) {
		pl := play(t, `<bpmn:startEvent id="s"/>`+job("a")+boundary("b", "a", afterDay, true)+boundary("m", "a", onPaid, false)+job("x")+job("y")+flows("s>a;b>x;m>y"), map[string]any{"key": 7.0})
		sub, _ := got[Subscribe](pl)
		if sub.Key != "7" {
			t.Errorf("key %q", sub.Key)
		}
		pl.do(MessageReceived{Token: sub.Token})
		pl.is("a", "y")
		if again, ok := got[Subscribe](pl); !ok || again.Token != sub.Token {
			t.Errorf("a message that doesn't interrupt may come again: %+v", pl.cmds)
		}
		pl.do(JobDone{Token: pl.at("a")})
		if _, ok := got[CancelTimer](pl); !ok {
			t.Error("the timer stays")
		}
		if _, ok := got[Unsubscribe](pl); !ok {
			t.Error("the subscription stays")
		}
	})
	t.Run("errors find the nearest handler, a code before any code", func(t *testing.T) {
		body := `<bpmn:startEvent id="s"/><bpmn:subProcess id="sub"><bpmn:startEvent id="s2"/>` + job("a") + boundary("any", "a", onAny, true) + boundary("full", "a", onFull, true) +
			job("x") + `<bpmn:endEvent id="bad">` + onFull + `</bpmn:endEvent>` + flows("s2>a;any>x;full>bad") + `</bpmn:subProcess>` +
			boundary("outer", "sub", onFull, true) + job("y") + strings.ReplaceAll(flows("s>sub;outer>y"), `id="f`, `id="o`)
		pl := play(t, body, nil)
		pl.is("sub", "a")
		pl.do(BpmnError{Token: pl.at("a"), Code: "other"})
		pl.is("sub", "x")
		pl = play(t, body, nil)
		pl.do(BpmnError{Token: pl.at("a"), Code: "full"})
		pl.is("y")
		if len(pl.s.Scopes) != 1 {
			t.Errorf("the sub-process stays: %+v", pl.s.Scopes)
		}
	})
	t.Run("an error nobody handles is an incident", func(t *testing.T) {
		pl := play(t, `<bpmn:startEvent id="s"/>`+job("a")+flows("s>a"), nil)
		pl.do(BpmnError{Token: pl.at("a"), Code: "full"})
		if _, ok := got[Incident](pl); !ok {
			t.Fatal("no incident")
		}
		pl.do(Retry{Token: pl.at("a")})
		if _, ok := got[CreateJob](pl); !ok {
			t.Error("no new job")
		}
	})
	t.Run("escalation goes on beside", func(t *testing.T) {
		pl := play(t, `<bpmn:startEvent id="s"/><bpmn:subProcess id="sub"><bpmn:startEvent id="s2"/><bpmn:intermediateThrowEvent id="esc">`+onLate+`</bpmn:intermediateThrowEvent>`+job("a")+flows("s2>esc;esc>a")+`</bpmn:subProcess>`+
			boundary("b", "sub", onLate, false)+job("boss")+strings.ReplaceAll(flows("s>sub;b>boss"), `id="f`, `id="o`), nil)
		pl.is("sub", "a", "boss")
	})
}

func TestScopes(t *testing.T) {
	sub := `<bpmn:startEvent id="s"/><bpmn:subProcess id="sub"><bpmn:extensionElements><zeebe:ioMapping><zeebe:input source="=big" target="small"/><zeebe:output source="=small" target="out"/></zeebe:ioMapping></bpmn:extensionElements><bpmn:startEvent id="s2"/>` +
		`<bpmn:parallelGateway id="g"/>` + job("a") + job("b") + `<bpmn:endEvent id="t"><bpmn:terminateEventDefinition/></bpmn:endEvent>` + flows("s2>g;g>a;g>b;b>t") + `</bpmn:subProcess>` +
		boundary("b1", "sub", afterDay, true) + job("after") + job("late") + strings.ReplaceAll(flows("s>sub;sub>after;b1>late"), `id="f`, `id="o`)
	t.Run("all done", func(t *testing.T) {
		pl := play(t, sub, map[string]any{"big": 1.0})
		pl.do(JobDone{Token: pl.at("a"), Vars: map[string]any{"small": 2.0}})
		pl.is("sub", "b")
		pl.do(JobDone{Token: pl.at("b")})
		pl.is("after")
		if v := pl.s.Vars(); v["out"] != 2.0 || v["small"] != nil {
			t.Errorf("variables %v", v)
		}
	})
	t.Run("terminate ends the sub-process only", func(t *testing.T) {
		pl := play(t, sub, nil)
		pl.do(JobDone{Token: pl.at("b")})
		pl.is("after")
		if _, ok := got[CancelJob](pl); !ok {
			t.Error("the other job stays")
		}
	})
	t.Run("a boundary event takes all of it away", func(t *testing.T) {
		pl := play(t, sub, nil)
		timer := ""
		for _, tk := range pl.s.Tokens {
			if tk.Element == "b1" {
				timer = tk.ID
			}
		}
		pl.do(TimerFired{Token: timer})
		pl.is("late")
		n := 0
		for _, c := range pl.cmds {
			if _, ok := c.(CancelJob); ok {
				n++
			}
		}
		if n != 2 || len(pl.s.Scopes) != 1 {
			t.Errorf("%d jobs cancelled, scopes %v", n, pl.s.Scopes)
		}
	})
	t.Run("event sub-process", func(t *testing.T) {
		for _, interrupting := range []bool{true, false} {
			pl := play(t, `<bpmn:startEvent id="s"/>`+job("a")+`<bpmn:subProcess id="es" triggeredByEvent="true"><bpmn:startEvent id="es_s" isInterrupting="`+fmt.Sprint(interrupting)+`">`+onPaid+`</bpmn:startEvent>`+job("in")+flows("es_s>in")+`</bpmn:subProcess>`+
				strings.ReplaceAll(flows("s>a"), `id="f`, `id="o`), map[string]any{"key": "k"})
			s, _ := got[Subscribe](pl)
			pl.do(MessageReceived{Token: s.Token, Vars: map[string]any{"v": 1.0}})
			if interrupting {
				pl.is("es", "in")
			} else {
				pl.is("a", "es", "in")
				pl.do(JobDone{Token: pl.at("a")})
			}
			pl.do(JobDone{Token: pl.at("in")})
			pl.completed()
		}
	})
	t.Run("cancel leaves nothing", func(t *testing.T) {
		pl := play(t, sub, nil)
		pl.do(Cancel{})
		if len(pl.s.Tokens) != 0 || len(pl.s.Scopes) != 1 || pl.s.Status != Cancelled {
			t.Errorf("%+v", pl.s)
		}
	})
}

func TestForEach(t *testing.T) {
	body := func(seq bool, until string) string {
		return `<bpmn:startEvent id="s"/><bpmn:serviceTask id="a"><bpmn:extensionElements><zeebe:taskDefinition type="a"/></bpmn:extensionElements>` +
			fmt.Sprintf(`<bpmn:multiInstanceLoopCharacteristics isSequential="%t"><bpmn:extensionElements><zeebe:loopCharacteristics inputCollection="=list" inputElement="x" outputCollection="all" outputElement="=r"/></bpmn:extensionElements>%s</bpmn:multiInstanceLoopCharacteristics>`, seq, until) +
			`</bpmn:serviceTask>` + flows("s>a")
	}
	items := map[string]any{"list": []any{"p", "q", "r"}}
	t.Run("parallel", func(t *testing.T) {
		pl := play(t, body(false, ""), items)
		var jobs []CreateJob
		for _, c := range pl.cmds {
			if j, ok := c.(CreateJob); ok {
				jobs = append(jobs, j)
			}
		}
		if len(jobs) != 3 || jobs[2].Vars["x"] != "r" {
			t.Fatalf("%+v", jobs)
		}
		for _, i := range []int{2, 0, 1} {
			pl.do(JobDone{Token: jobs[i].Token, Vars: map[string]any{"r": float64(i)}})
		}
		pl.completed()
		if fmt.Sprint(pl.s.Vars()["all"]) != "[0 1 2]" {
			t.Errorf("%v", pl.s.Vars())
		}
	})
	t.Run("one after the other", func(t *testing.T) {
		pl := play(t, body(true, ""), items)
		for i := range 3 {
			pl.do(JobDone{Token: pl.at("a"), Vars: map[string]any{"r": float64(i)}})
		}
		pl.completed()
	})
	t.Run("until", func(t *testing.T) {
		pl := play(t, body(false, `<bpmn:completionCondition>=r = "stop"</bpmn:completionCondition>`), items)
		pl.do(JobDone{Token: pl.at("a"), Vars: map[string]any{"r": "go"}})
		pl.is("a")
		pl.do(JobDone{Token: pl.at("a"), Vars: map[string]any{"r": "stop"}})
		pl.completed()
	})
	t.Run("none", func(t *testing.T) {
		play(t, body(false, ""), map[string]any{"list": []any{}}).completed()
	})
}

func TestSignals(t *testing.T) {
	pl := play(t, `<bpmn:startEvent id="s"/>`+job("a")+boundary("b", "a", onStorm, true)+`<bpmn:intermediateThrowEvent id="warn">`+onStorm+`</bpmn:intermediateThrowEvent><bpmn:intermediateCatchEvent id="c">`+onStorm+`</bpmn:intermediateCatchEvent>`+flows("s>a;b>warn;warn>c"), nil)
	w, ok := got[AwaitSignal](pl)
	if !ok || w.Signal != "storm" {
		t.Fatalf("%+v", pl.cmds)
	}
	pl.do(SignalReceived{Token: w.Token, Vars: map[string]any{"wind": 11.0}})
	if b, ok := got[Broadcast](pl); !ok || b.Signal != "storm" || pl.s.Vars()["wind"] != 11.0 {
		t.Fatalf("%+v", pl.cmds)
	}
	pl.is("c")
	pl.do(Cancel{})
	if _, ok := got[ForgetSignal](pl); !ok {
		t.Error("somebody still waits for the signal")
	}
}

func TestConditions(t *testing.T) {
	when := `<bpmn:conditionalEventDefinition><bpmn:condition>=x = 1</bpmn:condition></bpmn:conditionalEventDefinition>`
	pl := play(t, `<bpmn:startEvent id="s"/>`+job("a")+boundary("b", "a", when, false)+`<bpmn:intermediateThrowEvent id="m"/><bpmn:intermediateCatchEvent id="c">`+when+`</bpmn:intermediateCatchEvent>`+flows("s>a;a>c;b>m"), nil)
	for i, x := range []float64{0, 1, 1, 0, 1} { // it happens each time that it becomes true
		pl.do(SetVars{map[string]any{"x": x}})
		if _, ok := got[Milestone](pl); ok != (i == 1 || i == 4) {
			t.Errorf("change %d: %+v", i, pl.cmds)
		}
	}
	pl.do(SetVars{map[string]any{"x": 2.0}})
	pl.do(JobDone{Token: pl.at("a")})
	pl.is("c")
	pl.do(SetVars{map[string]any{"x": 1.0}})
	pl.completed()
}

func TestEndlessLoop(t *testing.T) {
	pl := play(t, `<bpmn:startEvent id="s"/><bpmn:task id="a"/><bpmn:exclusiveGateway id="g" default="f2_g_a"/><bpmn:endEvent id="e"/>`+flows("s>a;a>g;g>a;g>e[=x = 1]"), nil)
	if i, ok := got[Incident](pl); !ok || !strings.Contains(i.Reason, "endless") {
		t.Errorf("%+v", i)
	}
}

func BenchmarkStep(b *testing.B) {
	d, err := Parse("test.bpmn", model(`<bpmn:startEvent id="s"/>`+job("a")+`<bpmn:exclusiveGateway id="g" default="f3_g_e"/><bpmn:endEvent id="e"/>`+flows(`s>a;a>g;g>a[=x = "again"];g>e`)))
	if err != nil {
		b.Fatal(err)
	}
	p := d.Processes[0]
	vars := map[string]any{"x": "no", "application": map[string]any{"name": "Ada", "months": 12.0}}
	b.ReportAllocs()
	for b.Loop() {
		s, _, err := Step(p, State{}, epoch, Start{Vars: vars})
		if err != nil {
			b.Fatal(err)
		}
		if s, _, err = Step(p, s, epoch, JobDone{Token: s.Tokens[0].ID, Vars: map[string]any{"r": 1.0}}); err != nil || s.Status != Completed {
			b.Fatal(err, s.Status)
		}
	}
}
