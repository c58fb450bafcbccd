// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// become migrates an instance of a player to another version; it has to go.
func (pl *player) become(body string, m Migration) Outcome {
	pl.t.Helper()
	to := load(pl.t, body)
	before, _ := json.Marshal(pl.s)
	s, cmds, out, err := Migrate(pl.p, to, pl.s, epoch, m)
	if err != nil || len(out.Problems) > 0 {
		pl.t.Fatalf("error %v, problems %+v", err, out.Problems)
	}
	if after, _ := json.Marshal(pl.s); string(before) != string(after) {
		pl.t.Fatal("the migration changed the state it was given")
	}
	pl.p, pl.s, pl.cmds = to, s, cmds
	return out
}

// stays has a problem and changes nothing.
func (pl *player) stays(rule, body string, m Migration) Problem {
	pl.t.Helper()
	before, _ := json.Marshal(pl.s)
	s, cmds, out, err := Migrate(pl.p, load(pl.t, body), pl.s, epoch, m)
	after, _ := json.Marshal(s)
	if err != nil || len(cmds) > 0 || string(before) != string(after) || len(out.Problems) == 0 || out.Problems[0].Rule != rule || out.Problems[0].Text == "" {
		pl.t.Fatalf("error %v, problems %+v, want %q", err, out.Problems, rule)
	}
	return out.Problems[0]
}

func whats(out Outcome) string {
	var list []string
	for _, c := range out.Changes {
		list = append(list, c.What+":"+c.Element)
	}
	return strings.Join(list, " ")
}

func wantChanges(t *testing.T, out Outcome, want string) {
	t.Helper()
	if got := whats(out); got != want {
		t.Fatalf("changes %q, want %q", got, want)
	}
}

const v1Flows = "s>a;a>e"

func v1(inner string) string {
	return `<bpmn:startEvent id="s"/>` + inner + `<bpmn:endEvent id="e"/>` + flows(v1Flows)
}

func TestMigrateElements(t *testing.T) {
	user := func(id string) string { return `<bpmn:userTask id="` + id + `"/>` }
	renamed := strings.ReplaceAll(v1(user("b")), `Ref="a"`, `Ref="b"`)
	pl := play(t, v1(user("a")), nil)
	p := pl.stays("gone", renamed, Migration{})
	if p.Element != "a" || p.Token != pl.tokenAt("a") {
		t.Fatalf("problem %+v", p)
	}
	pl.stays("kind", v1(job("a")), Migration{})
	pl.stays("multi", v1(`<bpmn:userTask id="a"><bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements><zeebe:loopCharacteristics inputCollection="=list"/></bpmn:extensionElements></bpmn:multiInstanceLoopCharacteristics></bpmn:userTask>`), Migration{})
	pl.stays("scope", `<bpmn:startEvent id="s"/><bpmn:subProcess id="sub"><bpmn:startEvent id="ss"/>`+user("a")+`<bpmn:endEvent id="se"/><bpmn:sequenceFlow id="x1" sourceRef="ss" targetRef="a"/><bpmn:sequenceFlow id="x2" sourceRef="a" targetRef="se"/></bpmn:subProcess><bpmn:endEvent id="e"/>`+flows("s>sub;sub>e"), Migration{})
	out := pl.become(renamed, Migration{Map: map[string]string{"a": "b"}})
	wantChanges(t, out, "moved:b task:b")
	if out.Changes[1].Old != "element" || fmt.Sprint(out.Before, out.After) != "[a] [b]" || out.Moves {
		t.Fatalf("outcome %+v", out)
	}
	pl.said("UpdateUserTask")
	pl.do(TaskDone{Token: pl.tokenAt("b")})
	if pl.s.Status != Completed {
		t.Fatal("it didn't go on in the new version")
	}
	if _, _, _, err := Migrate(pl.p, pl.p, pl.s, epoch, Migration{}); !errors.Is(err, ErrNoToken) {
		t.Fatalf("an instance that is over was migrated: %v", err)
	}
}

func TestMigrateTask(t *testing.T) {
	task := func(form, due string) string {
		return v1(`<bpmn:userTask id="a" name="Review"><bpmn:extensionElements><zeebe:formDefinition formId="` + form + `"/><zeebe:taskSchedule dueDate="` + due + `"/></bpmn:extensionElements></bpmn:userTask>`)
	}
	pl := play(t, task("one", "P3D"), nil)
	wantChanges(t, pl.become(task("one", "P3D"), Migration{}), "")
	out := pl.become(task("two", "P5D"), Migration{})
	wantChanges(t, out, "task:a")
	c, ok := pl.cmds[0].(UpdateUserTask)
	if !ok || c.Form != "two" || c.Due != "P5D" || c.Token != pl.tokenAt("a") || out.Changes[0].Old != "form due" {
		t.Fatalf("command %+v, outcome %+v", pl.cmds[0], out)
	}
	pl.stays("expression", task("two", "=[1]"), Migration{})
}

func TestMigrateJob(t *testing.T) {
	pl := play(t, v1(job("a")), nil)
	wantChanges(t, pl.become(v1(job("a")), Migration{}), "")
	other := v1(strings.Replace(job("a"), `type="a"`, `type="b"`, 1))
	wantChanges(t, pl.become(other, Migration{}), "job:a")
	pl.said("CancelJob", "CreateJob")
	// A send task is done by a job as well.
	wantChanges(t, pl.become(strings.ReplaceAll(other, "serviceTask", "sendTask"), Migration{}), "")
	pl.stays("expression", v1(strings.Replace(job("a"), `type="a"`, `type="=[1]"`, 1)), Migration{})
	wantChanges(t, pl.become(strings.ReplaceAll(other, "serviceTask", "businessRuleTask"), Migration{}), "")
	pl.stays("work", v1(`<bpmn:businessRuleTask id="a"><bpmn:extensionElements><zeebe:calledDecision decisionId="d" resultVariable="r"/></bpmn:extensionElements></bpmn:businessRuleTask>`), Migration{})
}

func TestMigrateTimer(t *testing.T) {
	timer := func(d string) string {
		return v1(`<bpmn:intermediateCatchEvent id="a"><bpmn:timerEventDefinition><bpmn:timeDuration>` + d + `</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>`)
	}
	pl := play(t, timer("P3D"), nil)
	out := pl.become(timer("P5D"), Migration{})
	wantChanges(t, out, "timer-kept:a")
	if out.Changes[0].Old != "duration P3D" || out.Changes[0].New != "duration P5D" || len(pl.cmds) > 0 {
		t.Fatalf("outcome %+v, commands %+v", out, pl.cmds)
	}
	wantChanges(t, pl.become(timer("P7D"), Migration{Rearm: true}), "timer-rearmed:a")
	pl.said("CancelTimer", "SetTimer")
	wantChanges(t, pl.become(timer("P7D"), Migration{Rearm: true}), "")
	pl.stays("trigger", v1(`<bpmn:intermediateCatchEvent id="a">`+onPaid+`</bpmn:intermediateCatchEvent>`), Migration{})
}

func TestMigrateMessage(t *testing.T) {
	catch := v1(`<bpmn:intermediateCatchEvent id="a">` + onPaid + `</bpmn:intermediateCatchEvent>`)
	pl := play(t, catch, map[string]any{"key": "k", "other": "o"})
	wantChanges(t, pl.become(catch, Migration{}), "")
	// The message has another key in the new version.
	d, err := Parse("x.bpmn", []byte(strings.Replace(string(model(catch)), `"=key"`, `"=other"`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	_, cmds, out, err := Migrate(pl.p, d.Processes[0], pl.s, epoch, Migration{})
	if err != nil || len(cmds) != 2 || cmds[1].(Subscribe).Key != "o" {
		t.Fatalf("error %v, commands %+v, outcome %+v", err, cmds, out)
	}
	wantChanges(t, out, "resubscribed:a")
	signal := v1(`<bpmn:intermediateCatchEvent id="a">` + onStorm + `</bpmn:intermediateCatchEvent>`)
	pl = play(t, signal, nil)
	if d, err = Parse("x.bpmn", []byte(strings.Replace(string(model(signal)), `name="storm"`, `name="flood"`, 1))); err != nil {
		t.Fatal(err)
	}
	_, cmds, _, err = Migrate(pl.p, d.Processes[0], pl.s, epoch, Migration{})
	if err != nil || len(cmds) != 2 || cmds[1].(AwaitSignal).Signal != "flood" {
		t.Fatalf("error %v, commands %+v", err, cmds)
	}
}

func TestMigrateBoundary(t *testing.T) {
	plain := v1(`<bpmn:userTask id="a"/>`)
	late := func(id, def string) string {
		return boundary(id, "a", def, false) + `<bpmn:endEvent id="e_` + id + `"/><bpmn:sequenceFlow id="to_e_` + id + `" sourceRef="` + id + `" targetRef="e_` + id + `"/>`
	}
	one := plain + late("late", afterDay)
	pl := play(t, plain, map[string]any{"key": "k"})
	wantChanges(t, pl.become(one, Migration{}), "armed:late")
	pl.said("SetTimer")
	w := pl.tokenAt("late")
	wantChanges(t, pl.become(one, Migration{}), "")
	// It has happened: it isn't armed again, whatever the version.
	pl.do(TimerFired{Token: w})
	wantChanges(t, pl.become(one+late("paid", onPaid), Migration{}), "armed:paid")
	wantChanges(t, pl.become(one, Migration{}), "disarmed:paid")
	pl.said("Unsubscribe")
	// Of another kind it is another event.
	wantChanges(t, pl.become(plain+late("late", onStorm), Migration{}), "armed:late")
	out := pl.become(plain+late("late2", onStorm), Migration{Map: map[string]string{"late": "late2"}})
	wantChanges(t, out, "")
	if pl.tokenAt("late2") == "" || len(pl.cmds) > 0 {
		t.Fatal("a mapped boundary event doesn't listen any more")
	}
	wantChanges(t, pl.become(plain, Migration{}), "disarmed:late2")
	pl.said("ForgetSignal")
	if len(pl.s.Tokens) != 1 {
		t.Fatalf("left behind: %d tokens", len(pl.s.Tokens))
	}
	pl = play(t, plain, nil)
	pl.stays("expression", plain+late("paid", onPaid), Migration{}) // nothing says which key
}

func TestMigrateEventSubProcess(t *testing.T) {
	plain := v1(`<bpmn:userTask id="a"/>`)
	sub := func(id, def string, interrupting bool) string {
		return fmt.Sprintf(`<bpmn:subProcess id="%s" triggeredByEvent="true"><bpmn:startEvent id="%s_s" isInterrupting="%t">%s</bpmn:startEvent><bpmn:userTask id="%s_u"/><bpmn:sequenceFlow id="%s_f" sourceRef="%s_s" targetRef="%s_u"/></bpmn:subProcess>`, id, id, interrupting, def, id, id, id, id)
	}
	pl := play(t, plain, map[string]any{"key": "k"})
	wantChanges(t, pl.become(plain+sub("x", onPaid, true), Migration{}), "armed:x_s")
	pl.do(MessageReceived{Token: pl.tokenAt("x_s")})
	pl.active("x", "x_u")
	// What was interrupted gets no new listener.
	wantChanges(t, pl.become(plain+sub("x", onPaid, true)+sub("y", onStorm, false), Migration{}), "")
	pl = play(t, plain+sub("x", onPaid, true), map[string]any{"key": "k"})
	wantChanges(t, pl.become(plain, Migration{}), "disarmed:x_s")
	pl.said("Unsubscribe")
	// A condition that is true at once happens at once.
	out := pl.become(plain+sub("z", strings.Replace(onYes, "=yes", "=true", 1), false), Migration{})
	if !out.Moves || fmt.Sprint(out.After) != "[a z z_u]" {
		t.Fatalf("outcome %+v", out)
	}
}

func TestMigrateGateways(t *testing.T) {
	three := `<bpmn:startEvent id="s"/><bpmn:parallelGateway id="fork"/><bpmn:userTask id="a"/><bpmn:userTask id="b"/><bpmn:parallelGateway id="join"/><bpmn:userTask id="z"/><bpmn:endEvent id="e"/>`
	pl := play(t, three+flows("s>fork;fork>a;fork>b;a>join;b>join;join>z;z>e"), nil)
	pl.do(TaskDone{Token: pl.tokenAt("a")})
	// Another id for the flow from the same element is no obstacle.
	wantChanges(t, pl.become(three+flows("s>fork;fork>b;fork>a;b>join;a>join;join>z;z>e"), Migration{}), "")
	pl.stays("flow", three+flows("s>fork;fork>b;fork>a;b>join;fork>join;join>z;z>e;a>e"), Migration{})
	// With only one flow left, there is nothing to wait for.
	out := pl.become(three+flows("s>fork;fork>b;fork>a;a>join;join>z;z>e;b>e"), Migration{})
	wantChanges(t, out, "join:join")
	if !out.Moves {
		t.Fatal("a join fired, but nothing is said to have moved")
	}
	pl.active("z", "b")

	branch := func(more string) string {
		return `<bpmn:startEvent id="s"/><bpmn:eventBasedGateway id="gw"/><bpmn:intermediateCatchEvent id="c1">` + onPaid + `</bpmn:intermediateCatchEvent><bpmn:intermediateCatchEvent id="c2">` + more + `</bpmn:intermediateCatchEvent><bpmn:endEvent id="e"/>` + flows("s>gw;gw>c1;gw>c2;c1>e;c2>e")
	}
	pl = play(t, branch(afterDay), map[string]any{"key": "k"})
	wantChanges(t, pl.become(branch(onStorm), Migration{}), "disarmed:c2 armed:c2")
	pl.do(SignalReceived{Token: pl.tokenAt("c2")})
	if pl.s.Status != Completed || len(pl.s.Tokens) != 0 {
		t.Fatalf("status %s, %d tokens", pl.s.Status, len(pl.s.Tokens))
	}
}

func TestMigrateIncident(t *testing.T) {
	script := func(src string) string {
		return v1(`<bpmn:scriptTask id="a"><bpmn:extensionElements><zeebe:script expression="` + src + `" resultVariable="r"/></bpmn:extensionElements></bpmn:scriptTask>`)
	}
	pl := play(t, v1(strings.Replace(job("a"), `type="a"`, `type="=[1]"`, 1)), nil)
	pl.active("a")
	// The mistake is mended in the new version: the retry goes on.
	pl.become(v1(job("a")), Migration{})
	pl.do(Retry{Token: pl.tokenAt("a")})
	pl.do(JobDone{Token: pl.tokenAt("a")})
	if pl.s.Status != Completed {
		t.Fatal("not completed")
	}
	pl = play(t, v1(job("a")), nil)
	pl.stays("kind", script("=1"), Migration{})
}

func TestMigrationIDs(t *testing.T) {
	m := Migration{Map: map[string]string{"call": "anruf", "call/x": "y"}}
	for old, want := range map[string]string{"a": "a", "call": "anruf", "call/b": "anruf/b", "call/b/c": "anruf/b/c", "call/x": "y", "callx": "callx"} {
		if got := m.id(old); got != want {
			t.Errorf("%s becomes %s, want %s", old, got, want)
		}
	}
}

func TestCompare(t *testing.T) {
	from := load(t, twoSteps+flows(twoFlows))
	to := load(t, strings.NewReplacer(`"P1D`, `"P2D`, `<bpmn:userTask id="b"/>`, `<bpmn:userTask id="b" name="B"/><bpmn:userTask id="c"/>`, "P1D", "P2D").Replace(twoSteps)+flows("s>a;a>c;c>b;b>e;late>e2"))
	var got []string
	for _, d := range Compare(from, to, Migration{}) {
		got = append(got, d.Element+">"+d.To+fmt.Sprint(d.Fields)+d.Rule)
	}
	if s := strings.Join(got, " "); s != "a>a[ways] b>b[name] late>late[timer] >c[]" {
		t.Fatal(s)
	}
	if d := Compare(from, load(t, strings.ReplaceAll(twoSteps, "userTask", "manualTask")+flows(twoFlows)), Migration{}); len(d) != 2 || d[0].Rule != "kind" {
		t.Fatalf("%+v", d)
	}
}

// An instance that becomes one of the same version stays what it is; with other ids
// for everything it is the same under other names, and back again; and of another
// model it becomes a sound instance or stays what it is.
func TestMigrateProperties(t *testing.T) {
	listeners := regexp.MustCompile(`(?s)(<bpmn:(?:boundaryEvent|startEvent) [^>/]*>)<bpmn:\w+EventDefinition.*?(?:</bpmn:\w+EventDefinition>|/>)`)
	ids := regexp.MustCompile(`\b(id|sourceRef|targetRef|attachedToRef|default)="(\w+)"`)
	rapid.Check(t, func(t *rapid.T) {
		body := randomModel(t)
		there, back := Migration{Map: map[string]string{}}, Migration{Map: map[string]string{}}
		renamed := ids.ReplaceAllStringFunc(body, func(s string) string {
			m := ids.FindStringSubmatch(s)
			there.Map[m[2]], back.Map[m[2]+"_2"] = m[2]+"_2", m[2]
			return m[1] + `="` + m[2] + `_2"`
		})
		process := func(body string) *Process { return linked(t, body) }
		w := &world{t: t, p: process(body), owed: open{}}
		w.do(Start{Vars: worldVars()})
		for range rapid.IntRange(0, 8).Draw(t, "steps") {
			if w.s.Status == Running {
				w.next()
			}
		}
		if w.s.Status != Running {
			return
		}
		p, old := w.p, encode(t, w.s)
		migrate := func(to *Process, m Migration) bool {
			s, cmds, out, err := Migrate(w.p, to, w.s, epoch, m)
			if err != nil {
				t.Fatal(err)
			}
			if len(out.Problems) > 0 {
				if len(cmds) > 0 || encode(t, s) != encode(t, w.s) {
					t.Fatal("a problem, and yet something was done")
				}
				return false
			}
			w.p = to
			w.hold(s, cmds)
			return true
		}
		if !migrate(p, Migration{}) || encode(t, w.s) != old {
			t.Fatalf("to the same version:\n%s\n%s", old, encode(t, w.s))
		}
		// What names an element in another way isn't renamed.
		if strings.Contains(body, "callActivity") || strings.Contains(body, "adHoc") || strings.Contains(body, "activityRef") {
			renamed, there, back = body, Migration{}, Migration{}
		}
		if !migrate(process(renamed), there) || !migrate(p, back) || encode(t, w.s) != old {
			t.Fatalf("there and back:\n%s\n%s", old, encode(t, w.s))
		}
		// The same model with other events at boundaries and in event sub-processes.
		changed := listeners.ReplaceAllStringFunc(body, func(s string) string {
			if strings.Contains(s, "compensate") || rapid.Bool().Draw(t, "stays") {
				return s
			}
			m := listeners.FindStringSubmatch(s)
			return m[1] + rapid.SampledFrom([]string{afterDay, onPaid, onStorm, onNo, onYes}).Draw(t, "event")
		})
		if !migrate(process(changed), Migration{Rearm: rapid.Bool().Draw(t, "rearm")}) {
			t.Fatal("other listeners are no obstacle")
		}
		for range rapid.IntRange(0, 5).Draw(t, "between") {
			if w.s.Status == Running {
				w.next()
			}
		}
		if w.s.Status == Running {
			migrate(process(randomModel(t)), Migration{Rearm: rapid.Bool().Draw(t, "rearm")})
		}
		for range rapid.IntRange(0, 20).Draw(t, "more") {
			if w.s.Status == Running {
				w.next()
			}
		}
		if w.s.Status == Running {
			w.do(Cancel{})
		}
		if len(w.owed) != 0 || len(w.s.Tokens) != 0 || len(w.s.Scopes) != 1 {
			t.Fatalf("left behind: %v %s", w.owed, encode(t, w.s))
		}
	})
}

// What was done and could be undone must not become what can't.
func TestMigrateCompensation(t *testing.T) {
	body := func(a string) string {
		return `<bpmn:startEvent id="s"/>` + a + `<bpmn:userTask id="z"/><bpmn:intermediateThrowEvent id="x">` + undoAll + `</bpmn:intermediateThrowEvent><bpmn:endEvent id="e"/>` + flows("s>a;a>z;z>x;x>e")
	}
	pl := play(t, body(undoable("a")), nil)
	pl.become(body(job("a")), Migration{}) // nothing was done yet
	pl = play(t, body(undoable("a")), nil)
	pl.do(JobDone{Token: pl.tokenAt("a")})
	if p := pl.stays("compensation", body(job("a")), Migration{}); p.To != "a" {
		t.Fatalf("%+v", p)
	}
	renamed := strings.NewReplacer("s>a;a>z", "s>b;b>z").Replace("s>a;a>z;z>x;x>e")
	pl.become(`<bpmn:startEvent id="s"/>`+undoable("b")+`<bpmn:userTask id="z"/><bpmn:intermediateThrowEvent id="x">`+undoAll+`</bpmn:intermediateThrowEvent><bpmn:endEvent id="e"/>`+flows(renamed), Migration{Map: map[string]string{"a": "b"}})
	pl.do(TaskDone{Token: pl.tokenAt("z")})
	pl.active("x", "undo_b")
}

// What is yet to begin in an ad-hoc sub-process begins under its new id.
func TestMigrateAdHoc(t *testing.T) {
	body := func(last string) string {
		return `<bpmn:startEvent id="s"/><bpmn:adHocSubProcess id="h" ordering="Sequential"><bpmn:extensionElements><zeebe:adHoc activeElementsCollection='=["o","q"]'/></bpmn:extensionElements><bpmn:userTask id="o"/><bpmn:userTask id="` + last + `"/></bpmn:adHocSubProcess><bpmn:endEvent id="e"/>` + flows("s>h;h>e")
	}
	pl := play(t, body("q"), nil)
	pl.active("h", "o")
	pl.stays("gone", body("r"), Migration{})
	pl.become(body("r"), Migration{Map: map[string]string{"q": "r"}})
	pl.do(TaskDone{Token: pl.tokenAt("o")})
	pl.active("h", "r")
}
