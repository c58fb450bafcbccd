// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// undoable is a job with a handler that undoes it.
func undoable(id string) string {
	return job(id) + fmt.Sprintf(`<bpmn:boundaryEvent id="b_%[1]s" attachedToRef="%[1]s"><bpmn:compensateEventDefinition/></bpmn:boundaryEvent><bpmn:association id="as_%[1]s" sourceRef="b_%[1]s" targetRef="undo_%[1]s"/>`, id) +
		strings.Replace(job("undo_"+id), "<bpmn:serviceTask", `<bpmn:serviceTask isForCompensation="true"`, 1)
}

const undoAll = `<bpmn:compensateEventDefinition/>`

func undoOf(id string) string { return `<bpmn:compensateEventDefinition activityRef="` + id + `"/>` }

func throwing(id, def string) string {
	return `<bpmn:intermediateThrowEvent id="` + id + `">` + def + `</bpmn:intermediateThrowEvent>`
}

func subProcess(id, body string) string {
	return `<bpmn:subProcess id="` + id + `">` + body + `</bpmn:subProcess>`
}

// jobDone does the job that waits at the element.
func (pl *player) jobDone(element string, vars map[string]any) {
	pl.t.Helper()
	pl.do(JobDone{Token: pl.at(element), Vars: vars})
}

func TestCompensation(t *testing.T) {
	t.Run("the last first, each once", func(t *testing.T) {
		pl := play(t, `<bpmn:startEvent id="s"/>`+undoable("a")+undoable("b")+job("c")+throwing("x", undoAll)+throwing("y", undoAll)+`<bpmn:endEvent id="e"/>`+
			flows("s>a;a>b;b>c;c>x;x>y;y>e"), nil)
		for _, id := range []string{"a", "b", "c"} {
			pl.jobDone(id, nil)
		}
		pl.is("x", "undo_b")
		pl.jobDone("undo_b", nil)
		pl.is("x", "undo_a")
		pl.jobDone("undo_a", nil)
		pl.completed()
	})
	t.Run("what wasn't done isn't undone", func(t *testing.T) {
		pl := play(t, `<bpmn:startEvent id="s"/><bpmn:parallelGateway id="g"/>`+undoable("a")+undoable("b")+throwing("x", undoAll)+`<bpmn:endEvent id="e"/>`+
			flows("s>g;g>a;g>b;a>x;x>e"), nil)
		pl.jobDone("a", nil)
		pl.is("x", "b", "undo_a")
		pl.jobDone("undo_a", nil)
		pl.is("b")
	})
	t.Run("only the activity that is named", func(t *testing.T) {
		pl := play(t, `<bpmn:startEvent id="s"/>`+undoable("a")+undoable("b")+throwing("x", undoOf("a"))+job("c")+`<bpmn:endEvent id="e">`+undoAll+`</bpmn:endEvent>`+
			flows("s>a;a>b;b>x;x>c;c>e"), nil)
		pl.jobDone("a", nil)
		pl.jobDone("b", nil)
		pl.is("x", "undo_a")
		pl.jobDone("undo_a", nil)
		pl.jobDone("c", nil)
		pl.is("e", "undo_b")
		pl.jobDone("undo_b", nil)
		pl.completed()
	})
	t.Run("without waiting", func(t *testing.T) {
		pl := play(t, `<bpmn:startEvent id="s"/>`+undoable("a")+throwing("x", `<bpmn:compensateEventDefinition waitForCompletion="false"/>`)+job("c")+`<bpmn:endEvent id="e"/>`+
			flows("s>a;a>x;x>c;c>e"), nil)
		pl.jobDone("a", nil)
		pl.is("x", "c", "undo_a")
		pl.jobDone("c", nil)
		pl.is("x", "undo_a")
		pl.jobDone("undo_a", nil)
		pl.completed()
	})
	t.Run("a sub-process that is complete is undone inside, with its variables", func(t *testing.T) {
		in := `<bpmn:startEvent id="is"/>` + undoable("a") + undoable("b") + `<bpmn:endEvent id="ie"/>` + flows("is>a;a>b;b>ie")
		in = strings.Replace(in, "<bpmn:startEvent", `<bpmn:extensionElements><zeebe:ioMapping><zeebe:input source="=1" target="n"/></zeebe:ioMapping></bpmn:extensionElements><bpmn:startEvent`, 1)
		pl := play(t, `<bpmn:startEvent id="s"/>`+subProcess("sub", in)+throwing("x", undoAll)+`<bpmn:endEvent id="e"/>`+flows("s>sub;sub>x;x>e"), nil)
		pl.jobDone("a", map[string]any{"n": 7.0})
		pl.jobDone("b", nil)
		pl.is("x", "sub", "undo_b")
		if c, ok := got[CreateJob](pl); !ok || c.Vars["n"] != 7.0 {
			t.Errorf("the handler sees %v, want n = 7 as at the end of the sub-process", c.Vars)
		}
		pl.jobDone("undo_b", nil)
		pl.jobDone("undo_a", nil)
		pl.completed()
	})
	t.Run("each item of a multi-instance", func(t *testing.T) {
		in := `<bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements><zeebe:loopCharacteristics inputCollection="=list" inputElement="x"/></bpmn:extensionElements></bpmn:multiInstanceLoopCharacteristics>` +
			`<bpmn:startEvent id="is"/>` + undoable("a") + `<bpmn:endEvent id="ie"/>` + flows("is>a;a>ie")
		pl := play(t, `<bpmn:startEvent id="s"/>`+subProcess("sub", in)+throwing("y", undoAll)+`<bpmn:endEvent id="e"/>`+flows("s>sub;sub>y;y>e"), map[string]any{"list": []any{"p", "q"}})
		pl.jobDone("a", nil)
		pl.jobDone("a", nil)
		var seen []string
		for range 2 {
			c, _ := got[CreateJob](pl)
			seen = append(seen, fmt.Sprint(c.Element, c.Vars["x"]))
			pl.jobDone("undo_a", nil)
		}
		if !slices.Equal(seen, []string{"undo_aq", "undo_ap"}) {
			t.Errorf("undone: %v", seen)
		}
		pl.completed()
	})
	t.Run("an event sub-process undoes the sub-process", func(t *testing.T) {
		in := `<bpmn:startEvent id="is"/>` + undoable("a") + `<bpmn:endEvent id="ie"/>` +
			`<bpmn:subProcess id="ev" triggeredByEvent="true"><bpmn:startEvent id="es"><bpmn:compensateEventDefinition/></bpmn:startEvent>` + job("back") + throwing("et", undoAll) + `<bpmn:endEvent id="ee"/>` + flows("es>back;back>et;et>ee") + `</bpmn:subProcess>` + flows("is>a;a>ie")
		pl := play(t, `<bpmn:startEvent id="s"/>`+subProcess("sub", in)+throwing("x", undoAll)+`<bpmn:endEvent id="e"/>`+flows("s>sub;sub>x;x>e"), nil)
		pl.jobDone("a", nil)
		pl.is("x", "sub", "ev", "back")
		pl.jobDone("back", nil)
		pl.is("x", "sub", "ev", "et", "undo_a")
		pl.jobDone("undo_a", nil)
		pl.completed()
	})
	t.Run("an event sub-process for an error undoes what is around it", func(t *testing.T) {
		pl := play(t, `<bpmn:startEvent id="s"/>`+undoable("a")+job("b")+`<bpmn:endEvent id="e"/>`+
			`<bpmn:subProcess id="ev" triggeredByEvent="true"><bpmn:startEvent id="es">`+onFull+`</bpmn:startEvent><bpmn:endEvent id="ee">`+undoAll+`</bpmn:endEvent>`+flows("es>ee")+`</bpmn:subProcess>`+flows("s>a;a>b;b>e"), nil)
		pl.jobDone("a", nil)
		pl.do(BpmnError{Token: pl.at("b"), Code: "full"})
		pl.is("ev", "ee", "undo_a")
		pl.jobDone("undo_a", nil)
		pl.completed()
	})
	t.Run("cancelling leaves nothing behind", func(t *testing.T) {
		in := `<bpmn:startEvent id="is"/>` + undoable("a") + throwing("x", undoAll) + `<bpmn:endEvent id="ie"/>` + flows("is>a;a>x;x>ie")
		pl := play(t, `<bpmn:startEvent id="s"/>`+subProcess("sub", in)+boundary("late", "sub", afterDay, true)+`<bpmn:endEvent id="e"/>`+flows("s>sub;sub>e;late>e"), nil)
		pl.jobDone("a", nil)
		pl.is("sub", "x", "undo_a")
		pl.do(TimerFired{Token: pl.at("late")})
		if _, ok := got[CancelJob](pl); !ok {
			t.Error("the job of the handler isn't taken back")
		}
		pl.completed()
	})
}

func TestStandardLoop(t *testing.T) {
	loop := func(attrs, cond string) string {
		return strings.Replace(job("a"), "</bpmn:serviceTask>", `<bpmn:standardLoopCharacteristics `+attrs+`>`+cond+`</bpmn:standardLoopCharacteristics></bpmn:serviceTask>`, 1)
	}
	while := func(c string) string {
		return `<bpmn:loopCondition>=` + strings.ReplaceAll(c, "<", "&lt;") + `</bpmn:loopCondition>`
	}
	for _, c := range []struct {
		name, attrs, cond string
		rounds            int
	}{
		{"after, as long as the condition is true", "", while(`n < 3`), 3},
		{"after: once at least", "", while(`false`), 1},
		{"before: not at all", `testBefore="true"`, while(`n < 0`), 0},
		{"before", `testBefore="true"`, while(`n < 2`), 2},
		{"at most", `loopMaximum="2"`, while(`true`), 2},
		{"so often", `loopMaximum="4"`, "", 4},
		{"by its counter", "", while(`loopCounter < 3`), 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			pl := play(t, `<bpmn:startEvent id="s"/>`+loop(c.attrs, c.cond)+`<bpmn:endEvent id="e"/>`+flows("s>a;a>e"), map[string]any{"n": 0.0})
			rounds := 0
			for pl.s.Status == Running && rounds < 10 {
				job, _ := got[CreateJob](pl)
				rounds++
				if job.Vars["loopCounter"] != float64(rounds) {
					t.Errorf("loopCounter is %v in round %d", job.Vars["loopCounter"], rounds)
				}
				pl.do(JobDone{Token: job.Token, Vars: map[string]any{"n": float64(rounds)}})
			}
			pl.completed()
			if rounds != c.rounds || rounds > 0 && pl.s.Vars()["n"] != float64(rounds) {
				t.Errorf("%d rounds, want %d; n is %v", rounds, c.rounds, pl.s.Vars()["n"])
			}
		})
	}
}

func TestAdHoc(t *testing.T) {
	adHoc := func(attrs, ext, cond string) string {
		if cond != "" {
			cond = `<bpmn:completionCondition>` + cond + `</bpmn:completionCondition>`
		}
		return `<bpmn:startEvent id="s"/><bpmn:adHocSubProcess id="h" ` + attrs + `><bpmn:extensionElements><zeebe:adHoc ` + ext + `/></bpmn:extensionElements>` +
			job("a") + job("b") + job("c") + flows("b>c") + cond + `</bpmn:adHocSubProcess><bpmn:endEvent id="e"/>` + `<bpmn:sequenceFlow id="in" sourceRef="s" targetRef="h"/><bpmn:sequenceFlow id="out" sourceRef="h" targetRef="e"/>`
	}
	list := `activeElementsCollection="=list" outputCollection="all" outputElement="=r"`
	vars := map[string]any{"list": []any{"a", "b"}}
	t.Run("the list begins, all have to end", func(t *testing.T) {
		pl := play(t, adHoc("", list, ""), vars)
		pl.is("h", "a", "b")
		pl.jobDone("b", map[string]any{"r": "one"})
		pl.jobDone("c", nil)
		pl.is("h", "a")
		pl.jobDone("a", map[string]any{"r": "two"})
		pl.completed()
		if got := fmt.Sprint(pl.s.Vars()["all"]); got != "[one two]" {
			t.Errorf("collected: %s", got)
		}
	})
	t.Run("an empty list", func(t *testing.T) {
		play(t, adHoc("", list, ""), map[string]any{"list": []any{}}).completed()
	})
	t.Run("one after the other", func(t *testing.T) {
		pl := play(t, adHoc(`ordering="Sequential"`, list, ""), vars)
		pl.is("h", "a")
		pl.jobDone("a", nil)
		pl.is("h", "b")
		pl.jobDone("b", nil)
		pl.jobDone("c", nil)
		pl.completed()
	})
	t.Run("a condition that is true cancels the rest", func(t *testing.T) {
		pl := play(t, adHoc("", list, "=enough"), map[string]any{"list": []any{"a", "b"}, "enough": false})
		pl.jobDone("a", map[string]any{"enough": true})
		pl.completed()
	})
	t.Run("or waits for it", func(t *testing.T) {
		pl := play(t, adHoc(`cancelRemainingInstances="false"`, list, "=enough"), map[string]any{"list": []any{"a", "b"}, "enough": false})
		pl.jobDone("a", map[string]any{"enough": true})
		pl.is("h", "b")
		pl.jobDone("b", nil)
		pl.jobDone("c", nil)
		pl.completed()
	})
	t.Run("who leads the case chooses", func(t *testing.T) {
		pl := play(t, adHoc("", "", "=enough"), map[string]any{"enough": false})
		pl.is("h")
		h := pl.s.Tokens[0].ID
		for _, ids := range [][]string{nil, {"c"}, {"nowhere"}, {"h"}} {
			if _, _, err := Step(pl.p, pl.s, epoch, Activate{Token: h, Elements: ids}); err == nil {
				t.Errorf("%v begins", ids)
			}
		}
		pl.do(Activate{Token: h, Elements: []string{"a"}})
		pl.jobDone("a", nil)
		pl.is("h")
		pl.do(Activate{Token: h, Elements: []string{"a", "b"}})
		pl.is("h", "a", "b")
		pl.do(Conclude{Token: h})
		pl.completed()
	})
	t.Run("a list that names nothing", func(t *testing.T) {
		pl := play(t, adHoc("", list, ""), map[string]any{"list": []any{"c"}})
		i, ok := got[Incident](pl)
		if !ok || !strings.Contains(i.Reason, `"c"`) {
			t.Fatalf("no incident that names it: %v", pl.cmds)
		}
		pl.do(SetVars{Vars: map[string]any{"list": []any{"a"}}})
		pl.do(Retry{Token: i.Token})
		pl.jobDone("a", nil)
		pl.completed()
	})
}

func TestCallActivity(t *testing.T) {
	call := func(id, process, attrs string, inner ...string) string {
		return `<bpmn:callActivity id="` + id + `"><bpmn:extensionElements><zeebe:calledElement processId="` + process + `" ` + attrs + `/>` + strings.Join(inner, "") + `</bpmn:extensionElements></bpmn:callActivity>`
	}
	called := func(id, body string) *Process {
		p := load(t, body)
		p.ID = id
		return p
	}
	simple := called("child", `<bpmn:startEvent id="s"/>`+job("a")+`<bpmn:endEvent id="e"/>`+flows("s>a;a>e"))
	lib := func(ps ...*Process) func(string) *Process {
		return func(id string) *Process {
			for _, p := range ps {
				if p.ID == id {
					return p
				}
			}
			return nil
		}
	}
	linked := func(t *testing.T, body string, ps ...*Process) *player {
		t.Helper()
		p, err := load(t, body).Link(lib(ps...))
		if err != nil {
			t.Fatal(err)
		}
		return &player{t: t, p: p}
	}
	around := func(c string) string {
		return `<bpmn:startEvent id="s"/>` + c + `<bpmn:endEvent id="e"/>` + flows("s>k;k>e")
	}
	t.Run("runs and brings back what was set", func(t *testing.T) {
		pl := linked(t, around(call("k", "child", "")), simple)
		pl.do(Start{Vars: map[string]any{"x": 1.0, "y": 2.0}})
		pl.is("k", "k/a")
		job, _ := got[CreateJob](pl)
		if job.Vars["x"] != 1.0 || job.Element != "k/a" {
			t.Errorf("the called process sees %v", job.Vars)
		}
		pl.jobDone("k/a", map[string]any{"r": 5.0, "y": 3.0})
		pl.completed()
		if v := pl.s.Vars(); v["r"] != 5.0 || v["y"] != 3.0 {
			t.Errorf("brought back: %v", v)
		}
	})
	t.Run("what is written inside stays inside until the end", func(t *testing.T) {
		two := called("child", `<bpmn:startEvent id="s"/>`+job("a")+job("b")+`<bpmn:endEvent id="e"/>`+flows("s>a;a>b;b>e"))
		pl := linked(t, around(call("k", "child", `propagateAllChildVariables="false"`)), two)
		pl.do(Start{Vars: map[string]any{"y": 2.0}})
		pl.jobDone("k/a", map[string]any{"y": 3.0})
		if job, _ := got[CreateJob](pl); job.Vars["y"] != 3.0 || pl.s.Vars()["y"] != 2.0 {
			t.Errorf("inside %v, outside %v", job.Vars, pl.s.Vars())
		}
		pl.jobDone("k/b", nil)
		pl.completed()
		if pl.s.Vars()["y"] != 2.0 {
			t.Errorf("brought back: %v", pl.s.Vars())
		}
	})
	t.Run("only what the mappings give", func(t *testing.T) {
		io := `<zeebe:ioMapping><zeebe:input source="=x + 1" target="n"/><zeebe:output source="=r" target="result"/></zeebe:ioMapping>`
		pl := linked(t, around(call("k", "child", `propagateAllParentVariables="false"`, io)), simple)
		pl.do(Start{Vars: map[string]any{"x": 1.0}})
		if job, _ := got[CreateJob](pl); len(job.Vars) != 1 || job.Vars["n"] != 2.0 {
			t.Errorf("the called process sees %v", job.Vars)
		}
		pl.jobDone("k/a", map[string]any{"r": 5.0})
		pl.completed()
		if v := pl.s.Vars(); len(v) != 2 || v["result"] != 5.0 {
			t.Errorf("brought back: %v", v)
		}
	})
	t.Run("calls that call, for each item", func(t *testing.T) {
		middle := called("middle", around(call("k", "child", "")))
		many := strings.Replace(call("k", "middle", ""), "</bpmn:callActivity>", `<bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements><zeebe:loopCharacteristics inputCollection="=[1,2]" inputElement="i" outputCollection="out" outputElement="=r"/></bpmn:extensionElements></bpmn:multiInstanceLoopCharacteristics></bpmn:callActivity>`, 1)
		pl := linked(t, around(many), middle, simple)
		pl.do(Start{})
		pl.is("k", "k/k", "k/k/a")
		pl.jobDone("k/k/a", map[string]any{"r": "p"})
		pl.jobDone("k/k/a", map[string]any{"r": "q"})
		pl.completed()
		if fmt.Sprint(pl.s.Vars()["out"]) != "[p q]" {
			t.Errorf("collected: %v", pl.s.Vars())
		}
	})
	t.Run("an error comes out", func(t *testing.T) {
		fails := called("child", `<bpmn:startEvent id="s"/>`+job("a")+`<bpmn:endEvent id="e">`+onFull+`</bpmn:endEvent>`+flows("s>a;a>e"))
		pl := linked(t, around(call("k", "child", ""))+boundary("b", "k", onFull, true)+`<bpmn:task id="t"/><bpmn:endEvent id="e2"/>`+flows("b>t;t>e2"), fails)
		pl.do(Start{})
		pl.jobDone("k/a", nil)
		pl.completed()
	})
	t.Run("cancelling takes the called process away", func(t *testing.T) {
		pl := linked(t, around(call("k", "child", ""))+boundary("b", "k", afterDay, true)+`<bpmn:endEvent id="e2"/>`+flows("b>e2"), simple)
		pl.do(Start{})
		pl.do(TimerFired{Token: pl.at("b")})
		if _, ok := got[CancelJob](pl); !ok {
			t.Error("the job isn't taken back")
		}
		pl.completed()
	})
	t.Run("a called process can be compensated", func(t *testing.T) {
		undo := called("child", `<bpmn:startEvent id="s"/>`+undoable("a")+`<bpmn:endEvent id="e"/>`+flows("s>a;a>e"))
		pl := linked(t, `<bpmn:startEvent id="s"/>`+call("k", "child", "")+throwing("x", undoOf("k"))+`<bpmn:endEvent id="e"/>`+flows("s>k;k>x;x>e"), undo)
		pl.do(Start{})
		pl.jobDone("k/a", nil)
		pl.is("x", "k", "k/undo_a")
		pl.jobDone("k/undo_a", nil)
		pl.completed()
	})
	t.Run("refused", func(t *testing.T) {
		self := called("p", around(call("k", "p", "")))
		a, b := called("a", around(call("k", "b", ""))), called("b", around(call("k", "a", "")))
		for _, c := range []struct {
			p    *Process
			says string
		}{
			{self, "calls itself: p → p"}, {a, "calls itself: a → b → a"}, {called("x", around(call("k", "nobody", ""))), "isn't there"},
		} {
			if _, err := c.p.Link(lib(self, a, b)); err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "test.bpmn:6:") {
				t.Errorf("%s: %v, want %q", c.p.ID, err, c.says)
			}
		}
		// Twice twice twice … is bounded.
		var ps []*Process
		for i := range 30 {
			ps = append(ps, called(fmt.Sprint("q", i), `<bpmn:startEvent id="s"/>`+call("k", fmt.Sprint("q", i+1), "")+call("l", fmt.Sprint("q", i+1), "")+`<bpmn:endEvent id="e"/>`+flows("s>k;k>l;l>e")))
		}
		ps = append(ps, called("q30", `<bpmn:startEvent id="s"/>`))
		if _, err := ps[0].Link(lib(ps...)); err == nil || !strings.Contains(err.Error(), "50000 elements") {
			t.Errorf("%.200v", err)
		}
	})
	t.Run("what isn't linked stops with a reason", func(t *testing.T) {
		pl := play(t, around(call("k", "child", "")), nil)
		if i, ok := got[Incident](pl); !ok || !strings.Contains(i.Reason, "child") {
			t.Error(pl.cmds)
		}
	})
}

func TestDataObjects(t *testing.T) {
	p := load(t, `<bpmn:startEvent id="s"/><bpmn:dataObject id="d"/><bpmn:dataObjectReference id="file" name="Application" dataObjectRef="d"><bpmn:dataState name="checked"/></bpmn:dataObjectReference>`+
		`<bpmn:task id="a"><bpmn:dataInputAssociation id="i"><bpmn:sourceRef>file</bpmn:sourceRef></bpmn:dataInputAssociation><bpmn:dataOutputAssociation id="o"><bpmn:targetRef>file</bpmn:targetRef></bpmn:dataOutputAssociation></bpmn:task>`+flows("s>a"))
	if !slices.Contains(p.Data, DataObject{"file", "Application", "checked"}) || !slices.Equal(p.Element("a").Reads, []string{"file"}) || !slices.Equal(p.Element("a").Writes, []string{"file"}) {
		t.Errorf("%v %v %v", p.Data, p.Element("a").Reads, p.Element("a").Writes)
	}
}

func TestStartedBySignalOrCondition(t *testing.T) {
	p := load(t, `<bpmn:startEvent id="s">`+onStorm+`</bpmn:startEvent><bpmn:startEvent id="c">`+onYes+`</bpmn:startEvent>`+job("a")+flows("s>a;c>a"))
	for _, id := range []string{"s", "c"} {
		pl := &player{t: t, p: p}
		pl.do(Start{Element: id})
		pl.is("a")
	}
}

// week has a weekend and one day off.
type week struct{ off string }

func (w week) Business(t time.Time) bool {
	return t.Weekday() != time.Saturday && t.Weekday() != time.Sunday && t.Format(time.DateOnly) != w.off
}

type never struct{}

func (never) Business(time.Time) bool { return false }

func TestBusinessTimers(t *testing.T) {
	from := time.Date(2026, 3, 5, 17, 0, 0, 0, time.UTC) // a Thursday; the Monday after it is off
	for _, c := range []struct {
		kind        TimerKind
		value, want string
	}{
		{Duration, "P1D", "2026-03-06T17:00"}, {Duration, "P2D", "2026-03-10T17:00"}, {Duration, "P5D", "2026-03-13T17:00"}, {Duration, "P1W", "2026-03-12T17:00"},
		{Duration, "P1M", "2026-04-06T17:00"}, {Duration, "P2DT8H", "2026-03-11T01:00"}, {Duration, "PT24H", "2026-03-06T17:00"}, {Duration, "PT48H", "2026-03-10T17:00"},
		{Date, "2026-03-07", "2026-03-10T00:00"}, {Date, "2026-03-06T12:00:00Z", "2026-03-06T12:00"}, {Cycle, "R3/P3D", "2026-03-11T17:00"}, {Duration, "-P1D", "2026-03-04T17:00"},
	} {
		got, err := BusinessDueAt(c.kind, c.value, from, week{"2026-03-09"})
		if err != nil || got.Format("2006-01-02T15:04") != c.want {
			t.Errorf("%s: got %s %v, want %s", c.value, got.Format("2006-01-02T15:04"), err, c.want)
		}
	}
	for _, bad := range []string{"P5000D", "soon"} {
		if _, err := BusinessDueAt(Duration, bad, from, week{}); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
	if _, err := BusinessDueAt(Duration, "P1D", from, never{}); err == nil {
		t.Error("a calendar without business days comes to an end")
	}
	prop := `<bpmn:extensionElements><zeebe:properties><zeebe:property name="calendar" value="business"/></zeebe:properties></bpmn:extensionElements>`
	pl := play(t, `<bpmn:startEvent id="s"/><bpmn:intermediateCatchEvent id="c">`+prop+afterDay+`</bpmn:intermediateCatchEvent><bpmn:userTask id="u">`+prop+`</bpmn:userTask>`+flows("s>c;c>u"), nil)
	if c, ok := got[SetTimer](pl); !ok || !c.Business {
		t.Errorf("%+v", c)
	}
	pl.do(TimerFired{Token: pl.at("c")})
	if c, ok := got[CreateUserTask](pl); !ok || !c.Business {
		t.Errorf("%+v", c)
	}
}
