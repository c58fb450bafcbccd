// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// gen writes random block-structured models: what is split is joined again, so that
// every run has to end, whatever the order of events.
type gen struct {
	t      *rapid.T
	n      int
	nodes  strings.Builder
	flows  strings.Builder
	called *[]string    // the processes that are called, each with all its elements
	joins  *[][2]string // splits with their joins
}

// inner writes what is inside a sub-process.
func (g *gen) inner() *gen {
	return &gen{t: g.t, n: g.n, called: g.called, joins: g.joins}
}

func (g *gen) id(kind string) string {
	g.n++
	return fmt.Sprintf("%s%d", kind, g.n)
}

func (g *gen) flow(from, to, cond string) string {
	id := g.id("f")
	if cond != "" {
		cond = "<bpmn:conditionExpression>" + cond + "</bpmn:conditionExpression>"
	}
	fmt.Fprintf(&g.flows, `<bpmn:sequenceFlow id="%s" sourceRef="%s" targetRef="%s">%s</bpmn:sequenceFlow>`, id, from, to, cond)
	return id
}

// block writes one block and gives its first and last element.
func (g *gen) block(depth int) (first, last string) {
	kinds := []string{"job", "user", "task", "throw", "timer", "message", "signal", "condition", "script"}
	if depth > 0 {
		kinds = append(kinds, "seq", "xor", "and", "or", "sub", "multi", "timeout", "remind", "branch", "error", "terminate", "listen", "escalate", "undo", "loop", "adhoc", "call")
	}
	switch kind := rapid.SampledFrom(kinds).Draw(g.t, "kind"); kind {
	case "job":
		id := g.id("a")
		g.nodes.WriteString(job(id))
		return id, id
	case "user":
		id := g.id("u")
		fmt.Fprintf(&g.nodes, `<bpmn:userTask id="%s"/>`, id)
		return id, id
	case "task":
		id := g.id("t")
		fmt.Fprintf(&g.nodes, `<bpmn:task id="%s"/>`, id)
		return id, id
	case "throw":
		id := g.id("m")
		fmt.Fprintf(&g.nodes, `<bpmn:intermediateThrowEvent id="%s"/>`, id)
		return id, id
	case "script":
		id := g.id("x")
		fmt.Fprintf(&g.nodes, `<bpmn:scriptTask id="%s"><bpmn:extensionElements><zeebe:script expression="=key" resultVariable="r"/></bpmn:extensionElements></bpmn:scriptTask>`, id)
		return id, id
	case "condition":
		id := g.id("c")
		fmt.Fprintf(&g.nodes, `<bpmn:intermediateCatchEvent id="%s">%s</bpmn:intermediateCatchEvent>`, id, onYes)
		return id, id
	case "timer", "message", "signal":
		id := g.id("c")
		def := afterDay
		if kind == "signal" {
			def = onStorm
		}
		if kind == "message" {
			def = onPaid
		}
		fmt.Fprintf(&g.nodes, `<bpmn:intermediateCatchEvent id="%s">%s</bpmn:intermediateCatchEvent>`, id, def)
		return id, id
	case "seq":
		a, b := g.block(depth - 1)
		c, d := g.block(depth - 1)
		g.flow(b, c, "")
		return a, d
	case "xor", "and", "or":
		tag := map[string]string{"xor": "exclusiveGateway", "and": "parallelGateway", "or": "inclusiveGateway"}[kind]
		split, join := g.id("g"), g.id("g")
		def := ""
		n := rapid.IntRange(2, 3).Draw(g.t, "branches")
		for i := range n {
			a, b := g.block(depth - 1)
			cond := ""
			if kind != "and" && i > 0 {
				cond = "=" + rapid.SampledFrom([]string{"yes", "no"}).Draw(g.t, "cond")
			}
			f := g.flow(split, a, cond)
			if kind != "and" && i == 0 {
				def = fmt.Sprintf(` default="%s"`, f)
			}
			g.flow(b, join, "")
		}
		fmt.Fprintf(&g.nodes, `<bpmn:%s id="%s"%s/><bpmn:%s id="%s"/>`, tag, split, def, tag, join)
		if kind != "xor" {
			*g.joins = append(*g.joins, [2]string{split, join})
		}
		return split, join
	case "undo":
		// Something is done, perhaps in a sub-process, and undone by an event behind it.
		a, x := g.id("a"), g.id("x")
		first, last := a, a
		switch rapid.SampledFrom([]string{"job", "sub", "event"}).Draw(g.t, "undone") {
		case "job":
			g.nodes.WriteString(undoable(a))
		case "sub":
			id, s, e := g.id("s"), g.id("e"), g.id("e")
			in := g.inner()
			b, z := in.block(depth - 1)
			in.flow(s, a, "")
			in.flow(a, b, "")
			in.flow(z, e, "")
			in.nodes.WriteString(undoable(a))
			g.n = in.n
			fmt.Fprintf(&g.nodes, `<bpmn:subProcess id="%s"><bpmn:startEvent id="%s"/>%s<bpmn:endEvent id="%s"/>%s</bpmn:subProcess>`, id, s, in.nodes.String(), e, in.flows.String())
			first, last = id, id
		case "event":
			id, s, e, es, st := g.id("s"), g.id("e"), g.id("e"), g.id("s"), g.id("e")
			in := g.inner()
			in.nodes.WriteString(undoable(a))
			in.flow(s, a, "")
			in.flow(a, e, "")
			sub := in.inner()
			b, z := sub.block(depth - 1)
			y := sub.id("y")
			sub.flow(st, b, "")
			sub.flow(z, y, "")
			fmt.Fprintf(&sub.nodes, `<bpmn:endEvent id="%s">%s</bpmn:endEvent>`, y, undoAll)
			g.n = sub.n
			fmt.Fprintf(&g.nodes, `<bpmn:subProcess id="%s"><bpmn:startEvent id="%s"/>%s<bpmn:endEvent id="%s"/>%s<bpmn:subProcess id="%s" triggeredByEvent="true"><bpmn:startEvent id="%s">%s</bpmn:startEvent>%s%s</bpmn:subProcess></bpmn:subProcess>`,
				id, s, in.nodes.String(), e, in.flows.String(), es, st, undoAll, sub.nodes.String(), sub.flows.String())
			first, last = id, id
		}
		b, z := g.block(depth - 1)
		g.flow(last, b, "")
		g.flow(z, x, "")
		fmt.Fprintf(&g.nodes, `<bpmn:intermediateThrowEvent id="%s"><bpmn:compensateEventDefinition waitForCompletion="%t"/></bpmn:intermediateThrowEvent>`, x, rapid.Bool().Draw(g.t, "waits"))
		return first, x
	case "loop":
		return g.sub(depth, fmt.Sprintf(`<bpmn:standardLoopCharacteristics testBefore="%t" loopMaximum="%d"><bpmn:loopCondition>=loopCounter &lt; 2</bpmn:loopCondition></bpmn:standardLoopCharacteristics>`,
			rapid.Bool().Draw(g.t, "before"), rapid.IntRange(1, 3).Draw(g.t, "rounds")))
	case "adhoc":
		id := g.id("h")
		in := g.inner()
		var ids []string
		for range rapid.IntRange(1, 3).Draw(g.t, "activities") {
			s, _ := in.sub(depth, "")
			ids = append(ids, fmt.Sprintf("%q", s))
		}
		g.n = in.n
		cond := rapid.SampledFrom([]string{"", "<bpmn:completionCondition>=yes</bpmn:completionCondition>"}).Draw(g.t, "until")
		fmt.Fprintf(&g.nodes, `<bpmn:adHocSubProcess id="%s" ordering="%s" cancelRemainingInstances="%t"><bpmn:extensionElements><zeebe:adHoc activeElementsCollection='=[%s]'/></bpmn:extensionElements>%s%s%s</bpmn:adHocSubProcess>`, id,
			rapid.SampledFrom([]string{"Parallel", "Sequential"}).Draw(g.t, "ordering"), rapid.Bool().Draw(g.t, "rest"), strings.Join(ids, ","), in.nodes.String(), in.flows.String(), cond)
		return id, id
	case "call":
		id, q, s, e := g.id("k"), g.id("q"), g.id("e"), g.id("e")
		in := g.inner()
		a, z := in.block(depth - 1)
		in.flow(s, a, "")
		in.flow(z, e, "")
		g.n = in.n
		*g.called = append(*g.called, fmt.Sprintf(`<bpmn:process id="%s" isExecutable="true"><bpmn:startEvent id="%s"/>%s<bpmn:endEvent id="%s"/>%s</bpmn:process>`, q, s, in.nodes.String(), e, in.flows.String()))
		fmt.Fprintf(&g.nodes, `<bpmn:callActivity id="%s" calledElement="%s"/>`, id, q)
		return id, id
	case "branch":
		gw, join := g.id("g"), g.id("g")
		fmt.Fprintf(&g.nodes, `<bpmn:eventBasedGateway id="%s"/><bpmn:exclusiveGateway id="%s"/>`, gw, join)
		for _, def := range []string{afterDay, onPaid} {
			c := g.id("c")
			fmt.Fprintf(&g.nodes, `<bpmn:intermediateCatchEvent id="%s">%s</bpmn:intermediateCatchEvent>`, c, def)
			a, b := g.block(depth - 1)
			g.flow(gw, c, "")
			g.flow(c, a, "")
			g.flow(b, join, "")
		}
		return gw, join
	case "error", "escalate":
		// A sub-process that ends in an error, or escalates on its way; what handles it goes on outside.
		id, s, e, b := g.id("s"), g.id("e"), g.id("e"), g.id("b")
		in := g.inner()
		a, z := in.block(depth - 1)
		if kind == "escalate" {
			x := in.id("x")
			fmt.Fprintf(&in.nodes, `<bpmn:intermediateThrowEvent id="%s">%s</bpmn:intermediateThrowEvent><bpmn:endEvent id="%s"/>`, x, onLate, e)
			in.flow(s, x, "")
			in.flow(x, a, "")
		} else {
			fmt.Fprintf(&in.nodes, `<bpmn:endEvent id="%s">%s</bpmn:endEvent>`, e, onFull)
			in.flow(s, a, "")
		}
		in.flow(z, e, "")
		g.n = in.n
		fmt.Fprintf(&g.nodes, `<bpmn:subProcess id="%s"><bpmn:startEvent id="%s"/>%s%s</bpmn:subProcess>`, id, s, in.nodes.String(), in.flows.String())
		out, last := g.block(depth - 1)
		g.flow(b, out, "")
		if kind == "escalate" && rapid.Bool().Draw(g.t, "beside") {
			g.nodes.WriteString(boundary(b, id, onLate, false))
			return id, id
		}
		join := g.id("g")
		fmt.Fprintf(&g.nodes, `<bpmn:exclusiveGateway id="%s"/>`, join)
		def := onAny
		if kind == "escalate" {
			def = onLate
		}
		g.nodes.WriteString(boundary(b, id, def, true))
		g.flow(last, join, "")
		g.flow(id, join, "")
		return id, join
	case "terminate":
		id, s, fork, e, stop := g.id("s"), g.id("e"), g.id("g"), g.id("e"), g.id("e")
		in := g.inner()
		fmt.Fprintf(&in.nodes, `<bpmn:startEvent id="%s"/><bpmn:parallelGateway id="%s"/><bpmn:endEvent id="%s"/><bpmn:endEvent id="%s"><bpmn:terminateEventDefinition/></bpmn:endEvent>`, s, fork, e, stop)
		in.flow(s, fork, "")
		for _, end := range []string{e, stop} {
			a, z := in.block(depth - 1)
			in.flow(fork, a, "")
			in.flow(z, end, "")
		}
		g.n = in.n
		fmt.Fprintf(&g.nodes, `<bpmn:subProcess id="%s">%s%s</bpmn:subProcess>`, id, in.nodes.String(), in.flows.String())
		return id, id
	case "listen":
		// A sub-process with an event sub-process.
		id, s, e, es, st := g.id("s"), g.id("e"), g.id("e"), g.id("s"), g.id("e")
		in := g.inner()
		a, z := in.block(depth - 1)
		in.flow(s, a, "")
		in.flow(z, e, "")
		sub := in.inner()
		x, _ := sub.block(depth - 1)
		sub.flow(st, x, "")
		g.n = sub.n
		def := rapid.SampledFrom([]string{onPaid, afterDay, thrice, onStorm, onYes, onNo}).Draw(g.t, "on")
		fmt.Fprintf(&g.nodes, `<bpmn:subProcess id="%s"><bpmn:startEvent id="%s"/>%s<bpmn:endEvent id="%s"/>%s<bpmn:subProcess id="%s" triggeredByEvent="true"><bpmn:startEvent id="%s" isInterrupting="%t">%s</bpmn:startEvent>%s%s</bpmn:subProcess></bpmn:subProcess>`,
			id, s, in.nodes.String(), e, in.flows.String(), es, st, rapid.Bool().Draw(g.t, "interrupting"), def, sub.nodes.String(), sub.flows.String())
		return id, id
	case "sub":
		return g.sub(depth, "")
	case "multi":
		return g.sub(depth, `<bpmn:multiInstanceLoopCharacteristics isSequential="`+fmt.Sprint(rapid.Bool().Draw(g.t, "seq"))+`"><bpmn:extensionElements><zeebe:loopCharacteristics inputCollection="=list" inputElement="x"/></bpmn:extensionElements></bpmn:multiInstanceLoopCharacteristics>`)
	default: // timeout, remind
		id, end := g.sub(depth, "")
		b := g.id("b")
		out, last := g.block(depth - 1)
		if kind == "timeout" {
			join := g.id("g")
			g.nodes.WriteString(boundary(b, id, afterDay, true))
			fmt.Fprintf(&g.nodes, `<bpmn:exclusiveGateway id="%s"/>`, join)
			g.flow(b, out, "")
			g.flow(last, join, "")
			g.flow(end, join, "")
			return id, join
		}
		g.nodes.WriteString(boundary(b, id, thrice, false))
		g.flow(b, out, "")
		return id, end
	}
}

func (g *gen) sub(depth int, inner string) (string, string) {
	id, s, e := g.id("s"), g.id("e"), g.id("e")
	in := g.inner()
	a, b := in.block(depth - 1)
	in.flow(s, a, "")
	in.flow(b, e, "")
	g.n = in.n
	fmt.Fprintf(&g.nodes, `<bpmn:subProcess id="%s">%s<bpmn:startEvent id="%s"/>%s<bpmn:endEvent id="%s"/>%s</bpmn:subProcess>`, id, inner, s, in.nodes.String(), e, in.flows.String())
	return id, id
}

const (
	onYes = `<bpmn:conditionalEventDefinition><bpmn:condition>=yes</bpmn:condition></bpmn:conditionalEventDefinition>`
	onNo  = `<bpmn:conditionalEventDefinition><bpmn:condition>=no</bpmn:condition></bpmn:conditionalEventDefinition>`
)

// open is what the outside owes an instance, by token.
type open map[string]string

func (o open) take(t *rapid.T, cmds []Command) {
	add := func(token, what string) {
		if old, ok := o[token]; ok {
			t.Fatalf("token %s asks for %s while %s is open", token, what, old)
		}
		o[token] = what
	}
	drop := func(token, what string) {
		if o[token] != what {
			t.Fatalf("token %s takes back %s, open is %q", token, what, o[token])
		}
		delete(o, token)
	}
	for _, c := range cmds {
		switch c := c.(type) {
		case CreateJob:
			add(c.Token, "job")
		case CreateUserTask:
			add(c.Token, "task")
		case SetTimer:
			add(c.Token, "timer")
		case Subscribe:
			add(c.Token, "message")
		case AwaitSignal:
			add(c.Token, "signal")
		case ForgetSignal:
			drop(c.Token, "signal")
		case CancelJob:
			drop(c.Token, "job")
		case CancelTask:
			drop(c.Token, "task")
		case CancelTimer:
			drop(c.Token, "timer")
		case Unsubscribe:
			drop(c.Token, "message")
		case Incident:
			t.Fatalf("incident at %s: %s", c.Element, c.Reason)
		}
	}
}

func encode(t *rapid.T, s State) string {
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// joins holds each join against its split when nothing was cancelled: what follows a
// join is entered as often as what is before its split.
func joins(t *rapid.T, p *Process, pairs [][2]string, entered map[string]int) {
	for _, e := range p.Elements {
		for _, x := range pairs {
			if e.ID != x[0] && !strings.HasSuffix(e.ID, "/"+x[0]) {
				continue
			}
			join := p.Element(strings.TrimSuffix(e.ID, x[0]) + x[1])
			if len(join.Out) == 0 { // the end of what a boundary event began
				continue
			}
			next := join.Out[0].To
			if next.Scope() || next.repeats() || next.Trigger == Compensate {
				continue // is entered anew for a round, or to be undone
			}
			if len(next.In) == 1 && entered[next.ID] != entered[e.ID] {
				t.Fatalf("%s was split %d times, behind its join %s went on %d times", e.ID, entered[e.ID], join.ID, entered[next.ID])
			}
		}
	}
}

// Whatever the model and the order of events: what the outside owes is exactly what
// tokens wait for, the state survives its serialisation, a replay gives the same
// bytes, every instance ends with nothing left, and so does one that is cancelled.
//
// A few thousand models run each time; -rapid.checks=300000 runs as many as you like.
func TestProperties(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		n := "5000"
		if testing.Short() {
			n = "500"
		}
		flag.Set("rapid.checks", n)
		defer flag.Set("rapid.checks", f.DefValue)
	}
	rapid.Check(t, func(t *rapid.T) {
		g := &gen{t: t, called: &[]string{}, joins: &[][2]string{}}
		a, b := g.block(rapid.IntRange(1, 4).Draw(t, "depth"))
		g.flow("start", a, "")
		g.flow(b, "end", "")
		body := `<bpmn:startEvent id="start"/>` + g.nodes.String() + `<bpmn:endEvent id="end"/>` + g.flows.String()
		if len(*g.called) > 0 { // the file ends with the end of a process
			body += "</bpmn:process>" + strings.TrimSuffix(strings.Join(*g.called, ""), "</bpmn:process>")
		}
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
		for _, f := range Check(d, Known{}) {
			if f.Rule == "deadlock" || f.Rule == "unreachable" || f.Rule == "endless" {
				t.Fatalf("a sound model is called unsound: %s", f)
			}
		}
		cancelAt := rapid.IntRange(0, 40).Draw(t, "cancel")
		owed := open{}
		entered, left, cancelled := map[string]int{}, map[string]int{}, false
		var log []Event
		s := State{}
		do := func(ev Event) {
			next, cmds, err := Step(p, s, epoch, ev)
			if err != nil {
				t.Fatalf("%T %+v: %v", ev, ev, err)
			}
			log = append(log, ev)
			owed.take(t, cmds)
			for _, c := range cmds {
				switch c := c.(type) {
				case Entered:
					entered[c.Element]++
				case Left:
					if c.Cancelled {
						cancelled = true
					}
					left[c.Element]++
				}
			}
			s = next
			waiting := open{}
			ids := map[string]bool{}
			for _, tk := range s.Tokens {
				if ids[tk.ID] {
					t.Fatalf("two tokens have the id %s", tk.ID)
				}
				ids[tk.ID] = true
				switch tk.Wait {
				case ForJob, ForTask, ForTimer, ForMessage, ForSignal:
					waiting[tk.ID] = string(tk.Wait)
				case Watching:
					if p.Element(tk.Element).Trigger == Conditional {
						continue // asks nobody
					}
					waiting[tk.ID] = string(p.Element(tk.Element).Trigger)
				case Moving:
					t.Fatalf("token %s waits for nothing at %s", tk.ID, tk.Element)
				}
			}
			if fmt.Sprint(waiting) != fmt.Sprint(owed) {
				t.Fatalf("tokens wait for %v, asked for was %v", waiting, owed)
			}
			text := encode(t, s)
			var back State
			if err := json.Unmarshal([]byte(text), &back); err != nil || encode(t, back) != text {
				t.Fatalf("the state changes when it is stored: %v", err)
			}
			s = back
		}
		do(Start{Vars: map[string]any{"key": "k", "yes": true, "no": false, "list": []any{"a", "b"}}})
		for i := 0; s.Status == Running; i++ {
			if i > 100_000 {
				t.Fatal("doesn't end")
			}
			if i == cancelAt && i > 30 {
				do(Cancel{})
				break
			}
			if len(owed) == 0 {
				t.Fatalf("nothing is under way, but the instance isn't complete: %v", s.Active())
			}
			tokens := make([]string, 0, len(owed))
			for id := range owed {
				tokens = append(tokens, id)
			}
			slices.Sort(tokens)
			id := tokens[rapid.IntRange(0, len(tokens)-1).Draw(t, "event")]
			what := owed[id]
			delete(owed, id)
			switch what {
			case "job":
				do(JobDone{Token: id, Vars: map[string]any{"r": "done"}})
			case "task":
				do(TaskDone{Token: id})
			case "timer":
				do(TimerFired{Token: id})
			case "message":
				do(MessageReceived{Token: id})
			case "signal":
				do(SignalReceived{Token: id})
			}
		}
		if len(owed) != 0 || len(s.Tokens) != 0 || len(s.Scopes) != 1 {
			t.Fatalf("left behind: %v %s", owed, encode(t, s))
		}
		for id, n := range entered {
			if left[id] != n {
				t.Fatalf("%s was entered %d times and left %d times", id, n, left[id])
			}
		}
		if !cancelled && !strings.Contains(body, "terminateEventDefinition") { // that cancels without a trace what is on its way to an element
			joins(t, p, *g.joins, entered)
		}
		again := State{}
		for _, ev := range log {
			if again, _, err = Step(p, again, epoch, ev); err != nil {
				t.Fatal(err)
			}
		}
		if encode(t, again) != encode(t, s) {
			t.Fatalf("the replay differs:\n%s\n%s", encode(t, s), encode(t, again))
		}
	})
}
