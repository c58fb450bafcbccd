// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"fmt"
	"strings"
)

// maxElements bounds a process with all that it calls.
const maxElements = 50_000

// prefix is what the ids of the elements of a called process begin with: the path of the
// call. "/" is in no id of a file.
func prefix(call string) string {
	if i := strings.LastIndexByte(call, '/'); i >= 0 {
		return call[:i+1]
	}
	return ""
}

// Calls are the ids of the processes that p calls itself, once each, in the order of the file.
func (p *Process) Calls() []string {
	var out []string
	seen := map[string]bool{}
	for _, e := range p.Elements {
		if e.Kind == CallActivity && e.Call != nil && !e.Call.linked && !seen[e.Call.Process] {
			seen[e.Call.Process] = true
			out = append(out, e.Call.Process)
		}
	}
	return out
}

// Link gives p with the processes that it calls inside its call activities, however deep:
// one definition for Step, whose parts can't change under a running instance. Their
// elements have the id of the call before their own: "Call_1/Task_1". called finds a
// process by its id; nil refuses the call, as do a process that isn't executable, has no
// start event without a trigger, or calls itself. p isn't changed.
func (p *Process) Link(called func(id string) *Process) (*Process, error) {
	if len(p.Calls()) == 0 {
		return p, nil
	}
	l := &linker{called: called, out: &Process{
		ID: p.ID, Name: p.Name, Pos: p.Pos, Executable: p.Executable, Lanes: p.Lanes, Data: p.Data,
		byID: map[string]*Element{}, flowByID: map[string]*Flow{}, file: p.file,
	}}
	l.graft(p, nil, []string{p.ID})
	if len(l.bad) > 0 {
		return nil, l.bad
	}
	return l.out, nil
}

type linker struct {
	called func(id string) *Process
	out    *Process
	bad    Findings
}

// graft copies the elements of src into a call, or into the process for nil.
func (l *linker) graft(src *Process, call *Element, path []string) {
	pre := ""
	if call != nil {
		pre = call.ID + "/"
	}
	if len(l.out.Elements)+len(src.Elements) > maxElements {
		l.refuse(src, call, "too-large", "with all that it calls, the process has more than %d elements", maxElements)
		return
	}
	copies := map[*Element]*Element{nil: nil}
	from := len(l.out.Elements)
	for _, e := range src.Elements {
		c := *e
		c.ID = pre + e.ID
		copies[e] = &c
		l.out.byID[c.ID] = &c
		l.out.Elements = append(l.out.Elements, &c)
	}
	flows := map[*Flow]*Flow{nil: nil}
	for _, f := range src.Flows {
		c := *f
		c.ID, c.From, c.To = pre+f.ID, copies[f.From], copies[f.To]
		flows[f] = &c
		l.out.flowByID[c.ID] = &c
		l.out.Flows = append(l.out.Flows, &c)
	}
	elements := func(list []*Element) []*Element {
		var out []*Element
		for _, e := range list {
			out = append(out, copies[e])
		}
		return out
	}
	through := func(list []*Flow) []*Flow {
		var out []*Flow
		for _, f := range list {
			out = append(out, flows[f])
		}
		return out
	}
	grafted := l.out.Elements[from:len(l.out.Elements):len(l.out.Elements)]
	for _, c := range grafted {
		c.Parent, c.Host, c.Handler, c.Compensated = copies[c.Parent], copies[c.Host], copies[c.Handler], copies[c.Compensated]
		c.linked = copies[c.linked]
		c.Children, c.Boundary = elements(c.Children), elements(c.Boundary)
		c.In, c.Out, c.Default = through(c.In), through(c.Out), flows[c.Default]
		if call != nil && c.Parent == nil {
			c.Parent = call
			call.Children = append(call.Children, c)
		}
	}
	for _, c := range grafted {
		if c.Kind == CallActivity && c.Call != nil {
			l.call(src, c, path)
		}
	}
}

func (l *linker) call(src *Process, c *Element, path []string) {
	id := c.Call.Process
	for i, x := range path {
		if x == id {
			l.refuse(src, c, "recursion", "%q calls itself: %s", id, strings.Join(append(path[i:len(path):len(path)], id), " → "))
			return
		}
	}
	p := l.called(id)
	switch {
	case p == nil:
		l.refuse(src, c, "call", "%q calls the process %q, which isn't there", c.ID, id)
	case !p.Executable:
		l.refuse(src, c, "call", "%q calls the process %q, which isn't marked executable", c.ID, id)
	case p.start(nil) == nil:
		l.refuse(src, c, "call", "%q calls the process %q, which has no start event without a trigger", c.ID, id)
	default:
		call := *c.Call
		call.linked = true
		c.Call = &call
		l.graft(p, c, append(path[:len(path):len(path)], id))
	}
}

func (l *linker) refuse(src *Process, e *Element, rule, format string, args ...any) {
	if len(l.bad) < maxFindings {
		at, id := src.Pos, src.ID
		if e != nil {
			at, id = e.Pos, e.ID
		}
		l.bad = append(l.bad, Finding{src.file, at.Line, at.Col, Error, rule, id, fmt.Sprintf(format, args...)})
	}
}
