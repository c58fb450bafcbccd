// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"fmt"
	"slices"
	"strings"
)

// Known is what Check may take for granted about the variables of a process.
type Known struct {
	// Names are the variables that a process begins with; nil: variables are not checked.
	Names []string
	// Results are the variables that the work of an element brings back: fields of its
	// form, results of its job. Not ok: unknown, its outputs are not checked.
	Results func(e *Element) (names []string, ok bool)
}

// Check looks for mistakes in the executable processes of a file that loads, in the order of their places.
func Check(d *Definitions, k Known) []Finding {
	c := &checker{d: d, k: k}
	c.out = append(c.out, d.Warnings...)
	for _, p := range d.Processes {
		c.p = p
		if !p.Executable {
			c.add(Warning, p.Pos, p.ID, "not-executable", "process %q isn't marked executable (isExecutable=\"true\"): it is only drawn", p.ID)
			for _, e := range p.Elements {
				if e.Unchecked != "" {
					c.add(Warning, e.Pos, e.ID, "not-executed", "%s", e.Unchecked)
				}
			}
			continue
		}
		c.reach()
		c.flows()
		c.loops()
		if k.Names != nil {
			c.names()
		}
		c.sound(nil)
		for _, e := range p.Elements {
			if e.Scope() {
				c.sound(e)
			}
		}
	}
	slices.SortStableFunc(c.out, func(a, b Finding) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Col - b.Col
	})
	return c.out
}

type checker struct {
	d    *Definitions
	k    Known
	p    *Process
	out  []Finding
	work int // what the sound-check has done so far, in elements looked at
}

func (c *checker) add(s Severity, at Pos, element, rule, format string, args ...any) {
	c.out = append(c.out, Finding{c.d.File, at.Line, at.Col, s, rule, element, fmt.Sprintf(format, args...)})
}

// next are the elements where a token can come to right after e.
func (p *Process) next(e *Element) []*Element {
	var out []*Element
	for _, f := range e.Out {
		out = append(out, f.To)
	}
	for _, b := range e.Boundary {
		out = append(out, b)
		if b.Handler != nil {
			out = append(out, b.Handler)
		}
	}
	if e.Kind == ThrowEvent && e.Trigger == Link {
		if t := e.linked; t != nil {
			out = append(out, t)
		}
	}
	return out
}

// reach finds what no token comes to, and what no token gets away from.
func (c *checker) reach() {
	seen := map[*Element]bool{}
	var todo []*Element
	add := func(es ...*Element) {
		for _, e := range es {
			if !seen[e] {
				seen[e] = true
				todo = append(todo, e)
			}
		}
	}
	begin := func(of *Element) {
		adHoc := of != nil && of.Kind == AdHoc
		for _, e := range c.p.children(of) {
			if e.Kind == StartEvent || e.ByEvent || adHoc && len(e.In) == 0 && e.Kind != BoundaryEvent && !e.ForCompensation {
				add(e)
			}
		}
	}
	begin(nil)
	for len(todo) > 0 {
		e := todo[0]
		todo = todo[1:]
		add(c.p.next(e)...)
		if e.Scope() {
			begin(e)
		}
	}
	// Backwards from wherever a token may end.
	ends := map[*Element]bool{}
	for _, e := range c.p.Elements {
		if len(e.Out) == 0 && !(e.Kind == ThrowEvent && e.Trigger == Link) {
			ends[e] = true
			todo = append(todo, e)
		}
	}
	before := map[*Element][]*Element{}
	for _, e := range c.p.Elements {
		for _, n := range c.p.next(e) {
			before[n] = append(before[n], e)
		}
	}
	for len(todo) > 0 {
		e := todo[0]
		todo = todo[1:]
		for _, b := range before[e] {
			if !ends[b] {
				ends[b] = true
				todo = append(todo, b)
			}
		}
	}
	for _, e := range c.p.Elements {
		switch {
		case !seen[e]:
			c.add(Error, e.Pos, e.ID, "unreachable", "<%s> %q can't be reached from a start event", e.Kind, e.ID)
		case !ends[e]:
			c.add(Error, e.Pos, e.ID, "endless", "from <%s> %q no end can be reached", e.Kind, e.ID)
		case len(e.Out) == 0 && e.Kind != EndEvent && !e.ByEvent && !e.ForCompensation && e.Trigger != Compensate && !(e.Parent != nil && e.Parent.Kind == AdHoc) && !(e.Kind == ThrowEvent && e.Trigger == Link):
			c.add(Warning, e.Pos, e.ID, "dead-end", "<%s> %q has no outgoing flow: draw an end event", e.Kind, e.ID)
		}
	}
}

// flows looks at conditions.
func (c *checker) flows() {
	for _, e := range c.p.Elements {
		conditions := 0
		for _, f := range e.Out {
			if f.Condition != nil {
				conditions++
			}
		}
		gateway := e.Kind == ExclusiveGateway || e.Kind == InclusiveGateway
		if conditions > 0 && e.Default == nil && (gateway || conditions == len(e.Out)) {
			c.add(Warning, e.Pos, e.ID, "no-default", "<%s> %q has no default flow: when no condition is true, the case stops", e.Kind, e.ID)
		}
		if gateway && len(e.Out) == 1 && conditions == 1 {
			c.add(Warning, e.Out[0].Pos, e.ID, "condition", "the only flow out of <%s> %q has a condition", e.Kind, e.ID)
		}
	}
}

// waits reports whether a token stops at e for something from outside.
func (e *Element) waits() bool {
	switch e.Kind {
	case UserTask, ReceiveTask, EventBasedGateway, ServiceTask, SendTask, SubProcess, AdHoc, CallActivity, EndEvent:
		return true
	case CatchEvent:
		return e.Trigger != Link
	case ScriptTask, BusinessRuleTask:
		return false
	}
	return e.JobType != nil
}

// loops finds circles without a wait state.
func (c *checker) loops() {
	const grey, black = 1, 2
	color := map[*Element]int{}
	var path []*Element
	var found bool
	var visit func(e *Element, depth int)
	visit = func(e *Element, depth int) {
		if found || e.waits() || color[e] == black || depth > 5000 {
			return
		}
		if color[e] == grey {
			i := slices.Index(path, e)
			names := make([]string, 0, len(path)-i+1)
			for _, x := range append(slices.Clone(path[i:]), e) {
				names = append(names, x.ID)
			}
			c.add(Warning, e.Pos, e.ID, "loop", "a loop that waits for nothing: %s", strings.Join(names, " → "))
			found = true
			return
		}
		color[e] = grey
		path = append(path, e)
		for _, n := range c.p.next(e) {
			visit(n, depth+1)
		}
		path = path[:len(path)-1]
		color[e] = black
	}
	for _, e := range c.p.Elements {
		visit(e, 0)
	}
}

// maxGuesses bounds for how many unknown names the one that was meant is looked for.
const maxGuesses = 50

// names finds variables that nothing has set. It doesn't follow the order of the
// flow: a variable that anything in the process sets counts as known everywhere.
func (c *checker) names() {
	known := set(c.k.Names)
	guesses := maxGuesses
	open := map[*Element]bool{} // brings back we don't know what
	results := map[*Element][]string{}
	for _, e := range c.p.Elements {
		if e.ResultVar != "" && len(e.Outputs) == 0 {
			known[e.ResultVar] = true
		}
		for _, m := range e.Outputs {
			known[m.Target[0]] = true
		}
		if e.Multi != nil && e.Multi.Result != "" {
			known[e.Multi.Result] = true
		}
		if e.AdHoc != nil && e.AdHoc.Result != "" {
			known[e.AdHoc.Result] = true
		}
		if e.Kind == StartEvent && e.Parent == nil && e.Trigger == Conditional { // it begins by data that are told
			for _, n := range e.Condition.Names() {
				known[n] = true
			}
		}
		if brings(e) {
			names, ok := []string(nil), false
			if c.k.Results != nil {
				names, ok = c.k.Results(e)
			}
			results[e] = names
			open[e] = !ok
			if len(e.Outputs) == 0 {
				for _, n := range names {
					known[n] = true
				}
			}
		}
	}
	for _, e := range c.p.Elements {
		local := map[string]bool{}
		for x := e; x != nil; x = x.Parent { // what is local to the sub-processes around it
			if x.Multi != nil {
				local[x.Multi.Item] = true
			}
			if x.repeats() {
				local["loopCounter"] = true
			}
			for _, m := range x.Inputs {
				if x != e {
					local[m.Target[0]] = true
				}
			}
		}
		look := func(x *Expr) {
			if x == nil {
				return
			}
			for _, n := range x.Names() {
				if !known[n] && !local[n] {
					meant := ""
					if guesses > 0 {
						guesses--
						meant = guess(n, known)
					}
					c.add(Error, x.Pos, e.ID, "unknown-name", "%q: the variable %q is set nowhere%s", e.ID, n, meant)
				}
			}
		}
		if e.Multi != nil {
			look(e.Multi.Collection)
		}
		if e.Loop != nil {
			look(e.Loop.While)
		}
		if e.AdHoc != nil {
			look(e.AdHoc.Begin)
			look(e.AdHoc.Until)
		}
		for _, m := range e.Inputs {
			look(m.Source)
			local[m.Target[0]] = true
		}
		for _, x := range []*Expr{e.MessageName, e.Key, e.SignalName, e.Condition, e.TimerValue, e.JobType, e.Decision, e.Script, e.Assignee, e.Groups, e.Users, e.Due, e.FollowUp, e.Priority} {
			look(x)
		}
		for _, f := range e.Out {
			look(f.Condition)
		}
		if !open[e] {
			if e.ResultVar != "" {
				local[e.ResultVar] = true
			}
			for _, n := range results[e] {
				local[n] = true
			}
			if !e.Scope() {
				for _, m := range e.Outputs {
					look(m.Source)
				}
			}
		}
	}
}

// brings reports whether an element brings back variables from outside.
func brings(e *Element) bool {
	return e.Kind == UserTask || e.Kind == CallActivity || e.Kind == AdHoc || e.JobType != nil || e.Kind == ReceiveTask || e.Trigger == Message || e.Trigger == Signal || e.Trigger == ErrorEvent || e.Trigger == Escalation ||
		e.Kind == StartEvent && e.Parent == nil && e.Trigger == Conditional
}

// guess names the known variable that was probably meant.
func guess(n string, known map[string]bool) string {
	best, at := "", 3
	for k := range known {
		if d := distance(n, k); d < at || d == at && best != "" && k < best {
			best, at = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (meant %q?)", best)
}

// distance is how many letters have to change.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 99
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		prev := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			prev, row[j+1] = row[j+1], min(prev+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
