// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"fmt"
	"time"
)

// Begin is a start event at which something begins a process, with what it waits for.
type Begin struct {
	Element  string
	Trigger  Trigger // Message, Signal, Timer or Conditional
	Name     string  // of the message or signal
	Source   string  // of a timer or condition, as it is written
	Kind     TimerKind
	Value    string // of a timer, worked out
	Business bool
}

// Begins are the start events of the process that wait for something, in the order of
// the file. Nothing has happened yet, so what they wait for knows no variables.
func (p *Process) Begins(now time.Time) ([]Begin, error) {
	r := blank(p, nil, now)
	var out []Begin
	for _, el := range p.children(nil) {
		if el.Kind != StartEvent || !listens(el.Trigger) {
			continue
		}
		b := Begin{Element: el.ID, Trigger: el.Trigger}
		var err error
		switch el.Trigger {
		case Message:
			b.Name, err = r.text(el.MessageName, 0, nil)
		case Signal:
			b.Name, err = r.text(el.SignalName, 0, nil)
		case Conditional:
			b.Source = el.Condition.Src
		case Timer:
			b.Source, b.Kind, b.Business = el.TimerValue.Src, el.TimerKind, el.Business
			if b.Value, err = r.text(el.TimerValue, 0, nil); err == nil {
				err = CheckTimer(b.Kind, b.Value)
			}
		}
		if err == nil && b.Name == "" && (b.Trigger == Message || b.Trigger == Signal) {
			err = fmt.Errorf("the name of the %s is empty", b.Trigger)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: start event %q: %w", el.Pos.Line, el.ID, err)
		}
		out = append(out, b)
	}
	return out, nil
}

// Plain reports whether the process has a start event without a trigger: somebody can begin it.
func (p *Process) Plain() bool { return p.start(nil) != nil }

// Holds reports whether the condition of a start event is true for the variables. One
// that can't be evaluated isn't.
func (p *Process) Holds(element string, vars map[string]any, now time.Time) bool {
	el := p.byID[element]
	if el == nil || el.Kind != StartEvent || el.Trigger != Conditional {
		return false
	}
	v, err := blank(p, vars, now).eval(el.Condition, 0, nil)
	yes, ok := v.(bool)
	return err == nil && ok && yes
}

// blank is a process that has not begun.
func blank(p *Process, vars map[string]any, now time.Time) *run {
	return &run{p: p, s: State{Scopes: []*Scope{{ID: 0, Parent: -1, Vars: vars}}}, now: now}
}

// Times is how often a cycle fires; -1: for ever.
func Times(cycle string) (int, error) {
	c, err := parseCycle(cycle)
	return c.n, err
}
