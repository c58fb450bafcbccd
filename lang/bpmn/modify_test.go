// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const (
	twoSteps = `<bpmn:startEvent id="s"/>` + `<bpmn:userTask id="a"/><bpmn:userTask id="b"/><bpmn:endEvent id="e"/>` +
		`<bpmn:boundaryEvent id="late" attachedToRef="a" cancelActivity="false"><bpmn:timerEventDefinition><bpmn:timeDuration>P1D</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent><bpmn:endEvent id="e2"/>`
	twoFlows = "s>a;a>b;b>e;late>e2"
	inSub    = `<bpmn:startEvent id="s"/><bpmn:userTask id="a"/><bpmn:userTask id="z"/><bpmn:endEvent id="e"/>
<bpmn:subProcess id="sub"><bpmn:extensionElements><zeebe:ioMapping><zeebe:input source="=key" target="k"/></zeebe:ioMapping></bpmn:extensionElements>
 <bpmn:startEvent id="ss"/><bpmn:userTask id="b"/><bpmn:userTask id="c"/><bpmn:endEvent id="se"/>
 <bpmn:subProcess id="ev" triggeredByEvent="true"><bpmn:startEvent id="evs" isInterrupting="true"><bpmn:messageEventDefinition messageRef="m_paid"/></bpmn:startEvent><bpmn:userTask id="d"/><bpmn:sequenceFlow id="q1" sourceRef="evs" targetRef="d"/></bpmn:subProcess>
 <bpmn:sequenceFlow id="g1" sourceRef="ss" targetRef="b"/><bpmn:sequenceFlow id="g2" sourceRef="b" targetRef="c"/><bpmn:sequenceFlow id="g3" sourceRef="c" targetRef="se"/></bpmn:subProcess>
<bpmn:boundaryEvent id="out" attachedToRef="sub"><bpmn:timerEventDefinition><bpmn:timeDuration>P1D</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>`
	inSubFlows = "s>a;a>sub;sub>z;z>e;out>z"
)

// modify does instructions that have to be done.
func (pl *player) modify(list ...Instruction) { pl.t.Helper(); pl.do(Modify{list}) }

// refused does instructions that mustn't be done.
func (pl *player) refused(rule string, list ...Instruction) {
	pl.t.Helper()
	_, cmds, err := Step(pl.p, pl.s, epoch, Modify{list})
	var r *Refused
	if !errors.As(err, &r) || r.Rule != rule || len(cmds) > 0 || r.Error() == "" {
		pl.t.Fatalf("got %v, want it refused: %s", err, rule)
	}
}

func (pl *player) active(want ...string) {
	pl.t.Helper()
	if got := pl.s.Active(); fmt.Sprint(got) != fmt.Sprint(want) {
		pl.t.Fatalf("active: %v, want %v", got, want)
	}
}

// at is the token at an element.
func (pl *player) tokenAt(el string) string {
	pl.t.Helper()
	for _, t := range pl.s.Tokens {
		if t.Element == el {
			return t.ID
		}
	}
	pl.t.Fatalf("no token is at %s", el)
	return ""
}

func (pl *player) said(want ...string) {
	pl.t.Helper()
	var got []string
	for _, c := range pl.cmds {
		got = append(got, strings.TrimPrefix(fmt.Sprintf("%T", c), "bpmn."))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		pl.t.Fatalf("commands: %v, want %v", got, want)
	}
}

func TestModifyMovesAndCancels(t *testing.T) {
	pl := play(t, twoSteps+flows(twoFlows), nil)
	a := pl.tokenAt("a")
	pl.cmds = nil
	pl.modify(Instruction{Do: MoveToken, Token: a, Element: "b"})
	pl.active("b")
	pl.said("CancelTask", "CancelTimer", "Left", "Entered", "CreateUserTask")
	if l, ok := pl.cmds[2].(Left); !ok || !l.Cancelled || l.Element != "a" {
		t.Fatalf("got %+v", pl.cmds[2])
	}
	pl.modify(Instruction{Do: AddToken, Element: "a"}, Instruction{Do: CancelToken, Token: pl.tokenAt("b")})
	pl.active("a")
	pl.modify(Instruction{Do: MoveToken, Token: pl.tokenAt("a"), Element: "e"})
	if pl.s.Status != Completed {
		t.Fatalf("status %s", pl.s.Status)
	}
	if _, _, err := Step(pl.p, pl.s, epoch, Modify{[]Instruction{{Do: AddToken, Element: "a"}}}); !errors.Is(err, ErrNoToken) {
		t.Fatalf("an instance that is over was changed: %v", err)
	}
}

func TestModifyRefusals(t *testing.T) {
	pl := play(t, twoSteps+flows(twoFlows), map[string]any{"x": 1.0})
	a := pl.tokenAt("a")
	for rule, in := range map[string]Instruction{
		"no-token":     {Do: CancelToken, Token: "t99"},
		"watcher":      {Do: CancelToken, Token: pl.tokenAt("late")},
		"no-element":   {Do: AddToken, Element: "nowhere"},
		"boundary":     {Do: AddToken, Element: "late"},
		"no-flow":      {Do: AddToken, Element: "b", Flow: "f0_s_a"},
		"no-scope":     {Do: AddToken, Element: "b", Scope: 7},
		"no-verb":      {Do: "jump", Token: a},
		"vars":         {Do: AddToken, Element: "b", Vars: map[string]any{"x": 1}},
		"nothing-left": {Do: CancelToken, Token: a},
	} {
		pl.refused(rule, in)
	}
	pl.refused("how-many")
	pl.refused("how-many", slices.Repeat([]Instruction{{Do: AddToken, Element: "b"}}, maxInstructions+1)...)
	pl.refused("vars", Instruction{Do: ChangeVars})
	pl.refused("vars", Instruction{Do: ChangeVars, Vars: map[string]any{"n": json.Number("1e999")}})
	// All or nothing: the second instruction can't be done, so the first isn't either.
	pl.refused("no-token", Instruction{Do: AddToken, Element: "b"}, Instruction{Do: CancelToken, Token: "t99"})
	pl.refused("no-token", Instruction{Do: CancelToken, Token: a}, Instruction{Do: MoveToken, Token: a, Element: "b"})
}

func TestModifyVars(t *testing.T) {
	pl := play(t, inSub+flows(inSubFlows), map[string]any{"key": "k1", "x": 1.0})
	pl.modify(Instruction{Do: MoveToken, Token: pl.tokenAt("a"), Element: "c"})
	scope := pl.s.Token(pl.tokenAt("c")).Scope
	pl.modify(
		Instruction{Do: ChangeVars, Vars: map[string]any{"x": 2}},
		Instruction{Do: ChangeVars, Scope: scope, Vars: map[string]any{"x": 3}},
		Instruction{Do: ChangeVars, Token: pl.tokenAt("c"), Vars: map[string]any{"x": 4}})
	if pl.s.Vars()["x"] != 2.0 || pl.s.Scopes[1].Vars["x"] != 3.0 || pl.s.Scopes[1].Vars["k"] != "k1" {
		t.Fatalf("scopes %+v %+v", pl.s.Scopes[0], pl.s.Scopes[1])
	}
	if v := pl.s.Visible(pl.tokenAt("c"))["x"]; v != 4.0 {
		t.Fatalf("the token sees %v", v)
	}
	pl.refused("no-scope", Instruction{Do: ChangeVars, Scope: 9, Vars: map[string]any{"x": 1}})
}

// A sub-process begins around an element that is added, listens as one that was
// begun by its start event, and goes when the last token in it is cancelled.
func TestModifyInsideSubProcess(t *testing.T) {
	pl := play(t, inSub+flows(inSubFlows), map[string]any{"key": "k1"})
	pl.cmds = nil
	pl.modify(Instruction{Do: AddToken, Element: "c"})
	pl.active("a", "sub", "c")
	pl.said("Entered", "SetTimer", "Subscribe", "Entered", "CreateUserTask")
	sub := pl.s.Token(pl.tokenAt("c")).Scope
	pl.modify(Instruction{Do: AddToken, Element: "b", Scope: sub})
	if len(pl.s.Scopes) != 2 {
		t.Fatal("the sub-process that runs wasn't taken")
	}
	pl.refused("scope", Instruction{Do: AddToken, Element: "z", Scope: sub})
	// The event sub-process begins beside the others although its event would interrupt them.
	pl.modify(Instruction{Do: AddToken, Element: "ev"})
	pl.active("a", "sub", "c", "b", "ev", "d")
	// Moved inside: the token stays in its run, although there are two.
	pl.modify(Instruction{Do: AddToken, Element: "sub"})
	pl.refused("which-scope", Instruction{Do: AddToken, Element: "c"})
	pl.modify(Instruction{Do: MoveToken, Token: pl.tokenAt("d"), Element: "c"}, Instruction{Do: CancelToken, Token: pl.tokenAt("c")})
	if got := pl.s.Token(pl.tokenAt("c")).Scope; got != sub {
		t.Fatalf("the token is in scope %d, was in %d", got, sub)
	}
	// Everything inside cancelled: the sub-process goes with its watchers.
	var all []Instruction
	for _, tk := range pl.s.Tokens {
		if tk.Scope == sub && tk.Wait != Watching {
			all = append(all, Instruction{Do: CancelToken, Token: tk.ID})
		}
	}
	pl.modify(all...)
	for _, tk := range pl.s.Tokens {
		if tk.Scope == sub {
			t.Fatalf("left behind: %+v", tk)
		}
	}
	if n := len(pl.s.Scopes); n != 2 {
		t.Fatalf("%d scopes, want the process and the other run", n)
	}
}

func TestModifyRefusesASubProcessThatCantBegin(t *testing.T) {
	pl := play(t, strings.Replace(inSub, `source="=key"`, `source="=key + 1"`, 1)+flows(inSubFlows), nil)
	pl.do(SetVars{map[string]any{"key": ""}}) // the message of the event sub-process has no key
	pl.refused("inputs", Instruction{Do: AddToken, Element: "c"})
}

func TestModifyItems(t *testing.T) {
	for _, sequential := range []string{"true", "false"} {
		multi := `<bpmn:multiInstanceLoopCharacteristics isSequential="` + sequential + `"><bpmn:extensionElements><zeebe:loopCharacteristics inputCollection="=list" inputElement="x" outputCollection="out" outputElement="=x"/></bpmn:extensionElements></bpmn:multiInstanceLoopCharacteristics>`
		body := `<bpmn:startEvent id="s"/><bpmn:subProcess id="sub">` + multi + `<bpmn:startEvent id="ss"/><bpmn:userTask id="a"/><bpmn:endEvent id="se"/><bpmn:sequenceFlow id="g1" sourceRef="ss" targetRef="a"/><bpmn:sequenceFlow id="g2" sourceRef="a" targetRef="se"/></bpmn:subProcess><bpmn:userTask id="z"/><bpmn:endEvent id="e"/>`
		pl := play(t, body+flows("s>sub;sub>z;z>e"), map[string]any{"list": []any{"p", "q"}})
		if sequential == "false" {
			pl.refused("which-scope", Instruction{Do: AddToken, Element: "a"})
		}
		// The item is over when its last token is cancelled; the activity goes on with the others.
		pl.modify(Instruction{Do: CancelToken, Token: pl.tokenAt("a")})
		pl.do(TaskDone{Token: pl.tokenAt("a")})
		pl.active("z")
		if got := fmt.Sprint(pl.s.Vars()["out"]); got != "[<nil> q]" {
			t.Fatalf("sequential %s: results %s", sequential, got)
		}
		pl.refused("each-item", Instruction{Do: AddToken, Element: "a"})
	}
}

func TestModifyJoins(t *testing.T) {
	body := `<bpmn:startEvent id="s"/><bpmn:parallelGateway id="fork"/><bpmn:userTask id="a"/><bpmn:userTask id="b"/><bpmn:parallelGateway id="join"/><bpmn:userTask id="z"/><bpmn:endEvent id="e"/>`
	pl := play(t, body+flows("s>fork;fork>a;fork>b;a>join;b>join;join>z;z>e"), nil)
	// Both come over different flows: the join fires.
	pl.modify(Instruction{Do: MoveToken, Token: pl.tokenAt("a"), Element: "join"}, Instruction{Do: MoveToken, Token: pl.tokenAt("b"), Element: "join"})
	pl.active("z")
	pl.modify(Instruction{Do: AddToken, Element: "join", Flow: "f4_b_join"})
	pl.active("z", "join")
	pl.modify(Instruction{Do: AddToken, Element: "join", Flow: "f4_b_join"}) // a second one over the same flow waits
	pl.active("z", "join")
	pl.modify(Instruction{Do: AddToken, Element: "join"}) // over the one that has brought none
	if n := len(pl.s.Tokens); n != 3 {
		t.Fatalf("%d tokens, want two at z and one at the join: %s", n, pl.s.Active())
	}
	pl.refused("full", Instruction{Do: AddToken, Element: "join"}, Instruction{Do: AddToken, Element: "join"})
}

// Whatever is changed by hand, and when: what the outside owes is exactly what tokens
// wait for, a refusal changes nothing, a replay gives the same bytes, and cancelling
// leaves nothing behind.
func TestModifyProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.do(Start{Vars: worldVars()})
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			if w.s.Status != Running {
				break
			}
			if rapid.IntRange(0, 2).Draw(t, "modify") == 0 {
				w.try(w.modification())
				continue
			}
			if !w.next() {
				w.try(w.modification())
			}
		}
		w.finish()
	})
}

// world is an instance of a random model with what the outside owes it.
type world struct {
	t    *rapid.T
	p    *Process
	s    State
	owed open
	log  []Event
}

func worldVars() map[string]any {
	return map[string]any{"key": "k", "yes": true, "no": false, "list": []any{"a", "b"}}
}

func randomModel(t *rapid.T) string {
	g := &gen{t: t, called: &[]string{}, joins: &[][2]string{}}
	a, b := g.block(rapid.IntRange(1, 4).Draw(t, "depth"))
	g.flow("start", a, "")
	g.flow(b, "end", "")
	body := `<bpmn:startEvent id="start"/>` + g.nodes.String() + `<bpmn:endEvent id="end"/>` + g.flows.String()
	if len(*g.called) > 0 { // the file ends with the end of a process
		body += "</bpmn:process>" + strings.TrimSuffix(strings.Join(*g.called, ""), "</bpmn:process>")
	}
	return body
}

// linked is the first process of a file with what it calls.
func linked(t *rapid.T, body string) *Process {
	d, err := Parse("random.bpmn", model(body))
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.Processes[0].Link(func(id string) *Process {
		p, _ := d.Process(id)
		return p
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newWorld(t *rapid.T) *world {
	return &world{t: t, p: linked(t, randomModel(t)), owed: open{}}
}

// do takes an event that has to be taken.
func (w *world) do(ev Event) {
	if err := w.take(ev); err != nil {
		w.t.Fatalf("%T %+v: %v", ev, ev, err)
	}
}

// try takes an event that may be refused.
func (w *world) try(ev Event) {
	before := encode(w.t, w.s)
	err := w.take(ev)
	var r *Refused
	if err == nil {
		return
	}
	if !errors.As(err, &r) || r.Rule == "" || r.Text == "" {
		w.t.Fatalf("%+v: %v", ev, err)
	}
	if encode(w.t, w.s) != before {
		w.t.Fatalf("a refusal changed the state")
	}
}

func (w *world) take(ev Event) error {
	s, cmds, err := Step(w.p, w.s, epoch, ev)
	if err != nil {
		if encode(w.t, s) != encode(w.t, w.s) || len(cmds) > 0 {
			w.t.Fatal("an error with a change")
		}
		return err
	}
	w.log = append(w.log, ev)
	w.hold(s, cmds)
	return nil
}

// hold looks at a new state and what it asks for.
func (w *world) hold(s State, cmds []Command) {
	t := w.t
	// By hand, a process can be brought to where it can't go on: incidents are no mistake here.
	w.owed.take(t, slices.DeleteFunc(slices.Clone(cmds), func(c Command) bool { _, ok := c.(Incident); return ok }))
	waiting := open{}
	ids := map[string]bool{}
	scopes := map[int]bool{}
	for _, sc := range s.Scopes {
		scopes[sc.ID] = true
		if sc.ID != 0 && (s.Token(sc.Token) == nil || !scopes[sc.Parent]) {
			t.Fatalf("scope %d belongs to nothing", sc.ID)
		}
	}
	for _, tk := range s.Tokens {
		if ids[tk.ID] {
			t.Fatalf("two tokens have the id %s", tk.ID)
		}
		ids[tk.ID] = true
		if !scopes[tk.Scope] || w.p.Element(tk.Element) == nil || tk.Owner != "" && s.Token(tk.Owner) == nil {
			t.Fatalf("token %+v belongs to nothing", tk)
		}
		switch tk.Wait {
		case ForJob, ForTask, ForTimer, ForMessage, ForSignal:
			waiting[tk.ID] = string(tk.Wait)
		case Watching:
			if w.p.Element(tk.Element).Trigger != Conditional {
				waiting[tk.ID] = string(w.p.Element(tk.Element).Trigger)
			}
		case Moving:
			t.Fatalf("token %s waits for nothing at %s", tk.ID, tk.Element)
		}
	}
	if fmt.Sprint(waiting) != fmt.Sprint(w.owed) {
		t.Fatalf("tokens wait for %v, asked for was %v", waiting, w.owed)
	}
	text := encode(t, s)
	var back State
	if err := json.Unmarshal([]byte(text), &back); err != nil || encode(t, back) != text {
		t.Fatalf("the state changes when it is stored: %v", err)
	}
	w.s = back
}

// next lets something happen that the instance waits for.
func (w *world) next() bool {
	if len(w.owed) == 0 {
		return false
	}
	var tokens []string
	for id := range w.owed {
		tokens = append(tokens, id)
	}
	slices.Sort(tokens)
	id := rapid.SampledFrom(tokens).Draw(w.t, "event")
	what := w.owed[id]
	delete(w.owed, id)
	switch what {
	case "job":
		w.do(JobDone{Token: id, Vars: map[string]any{"r": "done"}})
	case "task":
		w.do(TaskDone{Token: id})
	case "timer":
		w.do(TimerFired{Token: id})
	case "message":
		w.do(MessageReceived{Token: id})
	case "signal":
		w.do(SignalReceived{Token: id})
	}
	return true
}

func (w *world) modification() Modify {
	var m Modify
	t := w.t
	for range rapid.IntRange(1, 3).Draw(t, "instructions") {
		in := Instruction{Do: rapid.SampledFrom([]Verb{AddToken, MoveToken, CancelToken, ChangeVars}).Draw(t, "do")}
		if in.Do != AddToken && len(w.s.Tokens) > 0 && (in.Do != ChangeVars || rapid.Bool().Draw(t, "local")) {
			in.Token = rapid.SampledFrom(w.s.Tokens).Draw(t, "token").ID
		}
		if in.Do == AddToken || in.Do == MoveToken {
			in.Element = rapid.SampledFrom(w.p.Elements).Draw(t, "element").ID
		}
		if in.Do == AddToken || in.Do == ChangeVars && in.Token == "" {
			in.Scope = rapid.SampledFrom(w.s.Scopes).Draw(t, "scope").ID
		}
		if in.Do == ChangeVars {
			in.Vars = map[string]any{rapid.SampledFrom([]string{"yes", "no"}).Draw(t, "name"): rapid.Bool().Draw(t, "value")}
		}
		m.Instructions = append(m.Instructions, in)
	}
	return m
}

// finish cancels what still runs; nothing is left, and the log gives the same state.
func (w *world) finish() {
	if w.s.Status == Running {
		w.do(Cancel{})
	}
	if len(w.owed) != 0 || len(w.s.Tokens) != 0 || len(w.s.Scopes) != 1 {
		w.t.Fatalf("left behind: %v %s", w.owed, encode(w.t, w.s))
	}
	again := State{}
	var err error
	for _, ev := range w.log {
		if again, _, err = Step(w.p, again, epoch, ev); err != nil {
			w.t.Fatal(err)
		}
	}
	if encode(w.t, again) != encode(w.t, w.s) {
		w.t.Fatalf("the replay differs:\n%s\n%s", encode(w.t, w.s), encode(w.t, again))
	}
}

// What undoes something is left to the engine; a loop and an ad-hoc sub-process take a
// cancelled round or activity as over; a called process begins around an element.
func TestModifyStructures(t *testing.T) {
	pl := play(t, `<bpmn:startEvent id="s"/>`+undoable("a")+`<bpmn:intermediateThrowEvent id="x">`+undoAll+`</bpmn:intermediateThrowEvent><bpmn:userTask id="z"/><bpmn:endEvent id="e"/>`+flows("s>a;a>x;x>z;z>e"), nil)
	pl.refused("compensation", Instruction{Do: AddToken, Element: "undo_a"})
	pl.do(JobDone{Token: pl.tokenAt("a")})
	undoing := pl.tokenAt("undo_a")
	pl.refused("undoing", Instruction{Do: CancelToken, Token: undoing})
	pl.modify(Instruction{Do: MoveToken, Token: pl.tokenAt("x"), Element: "z"})
	pl.active("z")

	pl = play(t, `<bpmn:startEvent id="s"/><bpmn:userTask id="a"><bpmn:standardLoopCharacteristics loopMaximum="2"/></bpmn:userTask><bpmn:userTask id="z"/><bpmn:endEvent id="e"/>`+flows("s>a;a>z;z>e"), nil)
	round := func() string {
		for _, tk := range pl.s.Tokens {
			if tk.Item > 0 {
				return tk.ID
			}
		}
		t.Fatal("no round runs")
		return ""
	}
	pl.modify(Instruction{Do: CancelToken, Token: round()})
	pl.modify(Instruction{Do: CancelToken, Token: round()})
	pl.active("z")

	pl = play(t, `<bpmn:startEvent id="s"/><bpmn:userTask id="a"/><bpmn:adHocSubProcess id="h"><bpmn:userTask id="o"/><bpmn:userTask id="q"/></bpmn:adHocSubProcess><bpmn:endEvent id="e"/>`+flows("s>a;a>h;h>e"), nil)
	pl.modify(Instruction{Do: MoveToken, Token: pl.tokenAt("a"), Element: "q"})
	pl.active("h", "q")
	pl.modify(Instruction{Do: AddToken, Element: "o"}, Instruction{Do: CancelToken, Token: pl.tokenAt("q")})
	pl.active("h", "o")
	pl.do(TaskDone{Token: pl.tokenAt("o")})
	if pl.s.Status != Completed {
		t.Fatal("the ad-hoc sub-process isn't complete")
	}
}
