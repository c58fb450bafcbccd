// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"fmt"
	"strings"
)

// What BPMN 2.0.2 forbids between elements, beside what an element needs by itself
// (needs): events that nothing tells apart, links, event-based gateways, flows over
// borders. Whatever other engines refuse for the same reason is refused here as well, so
// that no model means one thing there and another here.

// valid holds the elements of a process to each other.
func (b *builder) valid(p *Process) {
	b.starts(p.children(nil))
	b.eventSubs(p.children(nil))
	b.linked(p.children(nil))
	for _, e := range p.Elements {
		b.boundary(e)
		b.between(e)
		if e.Scope() {
			b.eventSubs(e.Children)
			b.linked(e.Children)
		}
	}
}

// strict refuses what the standard forbids although its meaning is plain; where a model of
// Camunda 7 has it, which executes it so, it is a warning.
func (b *builder) strict(at Pos, e *Element, rule, format string, args ...any) {
	if b.juel && b.camunda {
		b.warn(at, e.ID, rule, format, args...)
	} else {
		b.refuse(at, e, rule, format, args...)
	}
}

// catches says what an event waits for, "" where that can be there twice: two timers or
// two conditions are two events.
func (e *Element) catches() string {
	switch {
	case e.Kind == ReceiveTask || e.Trigger == Message:
		if e.MessageName != nil && e.Key != nil {
			return "message " + e.MessageName.Src + " of " + e.Key.Src
		}
	case e.Trigger == Signal:
		if e.SignalName != nil {
			return "signal " + e.SignalName.Src
		}
	case e.Trigger == ErrorEvent, e.Trigger == Escalation:
		if e.Code == "" {
			return "every " + string(e.Trigger)
		}
		return string(e.Trigger) + " " + e.Code
	case e.Trigger == Compensate:
		return "compensation"
	}
	return ""
}

// apart refuses events of one place of which nothing says which one happens.
func (b *builder) apart(events []*Element, where string) {
	first := map[string]*Element{}
	var all, some *Element // escalations with and without a code
	for _, e := range events {
		if e.Trigger == Escalation {
			if e.Code == "" {
				all = e
			} else {
				some = e
			}
		}
		what := e.catches()
		if what == "" {
			continue
		}
		o := first[what]
		if o == nil {
			first[what] = e
			continue
		}
		// A signal is for everybody, so two that interrupt nothing both happen.
		if e.Trigger == Signal && e.Kind != CatchEvent && !e.Interrupting && !o.Interrupting {
			continue
		}
		b.refuse(e.Pos, e, "ambiguous", "%q and %q %s wait for the same, %s: nothing says which of them it is for", o.ID, e.ID, where, short(what))
	}
	if all != nil && some != nil {
		b.refuse(all.Pos, all, "ambiguous", "%q takes every escalation, and %q %s one of them: nothing says which of them it is for", all.ID, some.ID, where)
	}
}

// starts looks at the start events of a process.
func (b *builder) starts(children []*Element) {
	first := map[string]*Element{}
	for _, e := range children {
		if e.Kind != StartEvent {
			continue
		}
		name := ""
		switch {
		case e.Trigger == Message && e.MessageName != nil:
			name = "message " + e.MessageName.Src
		case e.Trigger == Signal && e.SignalName != nil:
			name = "signal " + e.SignalName.Src
		default:
			continue
		}
		for _, x := range []*Expr{e.MessageName, e.SignalName} {
			if x != nil && !x.Static() && (e.Trigger == Message || len(x.Names()) > 0) {
				b.refuse(x.Pos, e, "expression", "%q begins the process with the %s whose name is the expression %q: before it has begun there is nothing to work it out", e.ID, e.Trigger, short(x.Src))
			}
		}
		if o := first[name]; o != nil {
			b.refuse(e.Pos, e, "ambiguous", "%q and %q both begin the process with the %s: nothing says which of them it is for", o.ID, e.ID, short(name))
		} else {
			first[name] = e
		}
	}
}

// eventSubs looks at the event sub-processes of one scope.
func (b *builder) eventSubs(children []*Element) {
	var events []*Element
	for _, e := range children {
		if !e.ByEvent {
			continue
		}
		for _, c := range e.Children {
			if c.Kind == StartEvent {
				events = append(events, c)
			}
		}
	}
	b.apart(events, "of event sub-processes side by side")
}

// linked looks at the links of one scope.
func (b *builder) linked(children []*Element) {
	first := map[string]*Element{}
	thrown := map[string]bool{}
	for _, e := range children {
		if e.Kind == ThrowEvent && e.Trigger == Link {
			thrown[e.LinkName] = true
		}
	}
	for _, e := range children {
		if e.Trigger != Link {
			continue
		}
		if e.LinkName == "" {
			b.refuse(e.Pos, e, "incomplete", "<%s> %q is a link without a name", e.Kind, e.ID)
			continue
		}
		if e.Kind != CatchEvent {
			continue
		}
		switch o := first[e.LinkName]; {
		case o != nil:
			b.refuse(e.Pos, e, "ambiguous", "%q and %q are both the end of the link %q: there can be one", o.ID, e.ID, short(e.LinkName))
		case !thrown[e.LinkName]:
			b.refuse(e.Pos, e, "incomplete", "<%s> %q is the end of the link %q, which begins nowhere in the same scope", e.Kind, e.ID, short(e.LinkName))
		}
		first[e.LinkName] = e
	}
}

// link finds the catching end of each link: the first of its name in the scope.
func (p *Process) link() {
	type key struct {
		scope *Element
		name  string
	}
	ends := map[key]*Element{}
	for _, e := range p.Elements {
		if k := (key{e.Parent, e.LinkName}); e.Kind == CatchEvent && e.Trigger == Link && ends[k] == nil {
			ends[k] = e
		}
	}
	for _, e := range p.Elements {
		if e.Kind == ThrowEvent && e.Trigger == Link {
			e.linked = ends[key{e.Parent, e.LinkName}]
		}
	}
}

// boundary looks at the boundary events of an activity.
func (b *builder) boundary(e *Element) {
	b.apart(e.Boundary, fmt.Sprintf("on %q", e.ID))
	for _, x := range e.Boundary {
		switch {
		case e.ByEvent:
			b.refuse(x.Pos, x, "flow", "boundary event %q is attached to the event sub-process %q, which can have none", x.ID, e.ID)
		case x.Trigger == Escalation && e.Kind != SubProcess && e.Kind != AdHoc && e.Kind != Transaction && e.Kind != CallActivity:
			b.refuse(x.Pos, x, "flow", "%q waits for an escalation of <%s> %q: only a sub-process or a call activity can bring one about here", x.ID, e.Kind, e.ID)
		}
	}
}

// between looks at an element and what leads to it and away from it.
func (b *builder) between(e *Element) {
	bad := func(format string, args ...any) { b.refuse(e.Pos, e, "flow", format, args...) }
	switch {
	case e.Kind == ThrowEvent && e.Trigger == Link && len(e.Out) > 0:
		bad("%q is the beginning of a link: no sequence flow can lead away from it", e.ID)
	case e.Kind == CatchEvent && e.Trigger == Link && len(e.In) > 0:
		bad("%q is the end of a link: no sequence flow can lead to it", e.ID)
	case (e.Kind == ThrowEvent || e.Kind == EndEvent) && (e.Trigger == ErrorEvent || e.Trigger == Escalation) && e.Code == "" && e.Unchecked == "":
		b.refuse(e.Pos, e, "incomplete", "<%s> %q brings about an %s without a code", e.Kind, e.ID, e.Trigger)
	case e.ByEvent && (e.Multi != nil || e.Loop != nil):
		bad("the event sub-process %q can't be repeated: its event says how often it runs", e.ID)
	case e.ByEvent && e.ForCompensation:
		bad("the event sub-process %q can't be a compensation handler", e.ID)
	case e.ByEvent && len(e.Inputs)+len(e.Outputs) > 0:
		b.refuse(e.Pos, e, "mapping", "the event sub-process %q can't have inputs and outputs: its start event can have outputs", e.ID)
	case (e.Kind == BoundaryEvent || e.Kind == StartEvent && e.Parent != nil && e.Parent.ByEvent) && len(e.Inputs) > 0:
		b.refuse(e.Inputs[0].Pos, e, "mapping", "<%s> %q can't have inputs: it can have outputs", e.Kind, e.ID)
	case e.Kind == EndEvent && e.Trigger == ErrorEvent && len(e.Outputs) > 0:
		b.refuse(e.Outputs[0].Pos, e, "mapping", "<%s> %q throws an error and can't have outputs: it can have inputs", e.Kind, e.ID)
	case gateway(e) && len(e.Inputs)+len(e.Outputs) > 0:
		b.refuse(e.Pos, e, "mapping", "<%s> %q can't have inputs and outputs", e.Kind, e.ID)
	case e.Kind == EventBasedGateway:
		if len(e.Out) == 1 {
			b.strict(e.Pos, e, "flow", "<%s> %q has one branch: it needs two to choose from", e.Kind, e.ID)
		}
		var messages, tasks *Element
		var targets []*Element
		for _, f := range e.Out {
			to := f.To
			targets = append(targets, to)
			switch {
			case to.Kind == ReceiveTask:
				tasks = to
			case to.Trigger == Message:
				messages = to
			}
			if to.Kind == CatchEvent && len(to.Inputs) > 0 {
				b.refuse(to.Inputs[0].Pos, to, "mapping", "<%s> %q is a branch of an event-based gateway and can't have inputs: it can have outputs", to.Kind, to.ID)
			}
			if len(to.In) > 1 {
				bad("<%s> %q leads to %q, to which another sequence flow leads as well", e.Kind, e.ID, to.ID)
			}
		}
		if messages != nil && tasks != nil {
			bad("<%s> %q leads to the message event %q and to the receive task %q: the standard allows one kind or the other", e.Kind, e.ID, messages.ID, tasks.ID)
		}
		b.apart(targets, fmt.Sprintf("after %q", e.ID))
	}
}

func gateway(e *Element) bool {
	switch e.Kind {
	case ExclusiveGateway, ParallelGateway, InclusiveGateway, EventBasedGateway, ComplexGateway:
		return true
	}
	return false
}

// messageFlows looks at the message flows, now that all processes are there: each connects two pools.
func (b *builder) messageFlows(flows []*node) {
	if len(flows) == 0 {
		return
	}
	of := map[string]*Process{}
	for _, p := range b.d.Processes {
		of[p.ID] = p
		for _, e := range p.Elements {
			of[e.ID] = p
		}
	}
	for _, pool := range b.d.pools {
		of[pool.id] = of[pool.process]
	}
	for _, n := range flows {
		from, to := local(n.attr("sourceRef")), local(n.attr("targetRef"))
		if p := of[from]; p != nil && p == of[to] {
			b.p = p
			b.refuse(n.pos, p.byID[from], "flow", "message flow %q leads from %q to %q of the same process: a message flow connects two pools", n.attr("id"), from, to)
			b.p = nil
		}
	}
}

// lanesApart refuses elements that two lanes side by side claim: nothing says who is responsible.
func (b *builder) lanesApart(set *node) {
	in := map[string]string{}
	for _, l := range set.all(nsBPMN, "lane") {
		name := l.attr("name")
		if name == "" {
			name = l.attr("id")
		}
		for _, r := range l.all(nsBPMN, "flowNodeRef") {
			id := r.content()
			if o, ok := in[id]; ok && o != name && b.p.byID[id] != nil {
				b.refuse(r.pos, b.p.byID[id], "ambiguous", "%q is in the lane %q and in the lane %q: nothing says who is responsible", id, short(o), short(name))
			}
			in[id] = name
		}
		if c := l.first(nsBPMN, "childLaneSet"); c != nil {
			b.lanesApart(c)
		}
	}
}

// dataRef refuses data that is not in the file.
func (b *builder) dataRef(e *Element, n *node, ref string) {
	if id := local(strings.TrimSpace(ref)); id != "" && !b.all[id] {
		b.refuse(n.pos, e, "reference", "%q reads or writes the data %q, which is not there", e.ID, short(id))
	}
}

// oneName refuses two signals of one name in a file that executes something: here, as in
// other engines, a signal is known by its name.
func (b *builder) oneName(root *node) {
	first := map[string]string{}
	for _, n := range root.all(nsBPMN, "signal") {
		name := n.attr("name")
		if o, ok := first[name]; ok && name != "" {
			for _, p := range root.all(nsBPMN, "process") {
				if p.yes("isExecutable") {
					b.bad(n.pos, n.attr("id"), "ambiguous", "the signals %q and %q have one name, %q: signals are told apart by their names", o, n.attr("id"), short(name))
					break
				}
			}
		} else {
			first[name] = n.attr("id")
		}
	}
}
