// SPDX-License-Identifier: EUPL-1.2

package process

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/lang/bpmn"
)

// Operators work with grants for the resource "process"; who reads the values of
// variables has one for "process:variables" as well.
const (
	resource     = "process"
	varsResource = "process:variables"
)

// maxReason bounds what an operator writes about a change.
const maxReason = 500

// What the pure engine says of changes, for doors that know no language.
type (
	Instruction = bpmn.Instruction
	Verb        = bpmn.Verb
	Problem     = bpmn.Problem
	Mapping     = bpmn.Migration
)

// Modification is a change of a running instance by hand.
type Modification struct {
	Instance     string
	Revision     int64 // of the instance as the operator saw it
	Instructions []bpmn.Instruction
	Reason       string // why; it is on record
}

// Modified is a modification that was done.
type Modified struct {
	At           time.Time
	By           string
	Reason       string
	Instructions []bpmn.Instruction // the values of variables are left out
}

// Ask is something that an instance asks for, or no longer does.
type Ask struct {
	What    string `json:"what"` // "task", "job", "timer", "message", "signal", "decision", "milestone", "incident"
	Element string `json:"element"`
	Gone    bool   `json:"gone,omitempty"` // taken back
}

// Foreseen is what a modification would do at first; what service tasks and decisions
// then bring about is not foreseen.
type Foreseen struct {
	Before []string `json:"before"` // elements with tokens
	After  []string `json:"after"`
	Asks   []Ask    `json:"asks,omitempty"`
	Ends   bool     `json:"ends,omitempty"` // the instance would be complete
}

// Detail is an instance as an operator works with it.
type Detail struct {
	Instance
	Revision int64
	Tokens   []TokenInfo
	Scopes   []ScopeInfo
	Modified []Modified
}

// TokenInfo is a token of an instance.
type TokenInfo struct {
	ID, Element string
	Scope       int
	Wait        bpmn.Wait
	Item        int    // which item of a list it runs for, from 1
	Reason      string // of an incident
	Watches     bool   // it only listens
}

// ScopeInfo is a scope of an instance.
type ScopeInfo struct {
	ID, Parent int
	Element    string         // the sub-process; "" for the process
	Names      []string       // of its variables
	Vars       map[string]any // their values, for who may see them
}

// CaseOf is the case of an instance and its service. No grant: who calls needs it to ask for one.
func (e *Engine) CaseOf(ctx context.Context, instance string) (Ref, error) {
	r, err := store.One(ctx, e.db, scanRow, readInstance, instance)
	return r.Ref, fault.Wrap("process.caseOf", err)
}

// InstanceOf is the instance of a case. No grant: it says nothing but that there is one.
func (e *Engine) InstanceOf(ctx context.Context, caseID string) (string, error) {
	r, err := store.One(ctx, e.db, scanRow, instanceOfCase, caseID)
	return r.InstanceID, fault.Wrap("process.instanceOf", err)
}

// Inspect shows an instance to an operator. The values of variables are shown to a
// grant for "process:variables" only.
func (e *Engine) Inspect(ctx context.Context, g access.Grant, instance string) (Detail, error) {
	const op = "process.inspect"
	if err := g.Must(access.Read, resource); err != nil {
		return Detail{}, err
	}
	r, err := store.One(ctx, e.db, scanRow, readInstance, instance)
	if err != nil {
		return Detail{}, fault.Wrap(op, err)
	}
	if err := ofGrant(op, g, r.Ref); err != nil {
		return Detail{}, err
	}
	v, err := e.viewOf(ctx, r)
	if err != nil {
		return Detail{}, err
	}
	d := Detail{Instance: v, Revision: r.revision}
	element := map[string]string{}
	for _, t := range r.state.Tokens {
		element[t.ID] = t.Element
		d.Tokens = append(d.Tokens, TokenInfo{ID: t.ID, Element: t.Element, Scope: t.Scope, Wait: t.Wait, Item: t.Item, Reason: t.Reason, Watches: t.Wait == bpmn.Watching})
	}
	for _, sc := range r.state.Scopes {
		x := ScopeInfo{ID: sc.ID, Parent: sc.Parent, Element: element[sc.Token], Names: slices.Sorted(maps.Keys(sc.Vars))}
		if g.Request().Resource == varsResource {
			x.Vars = sc.Vars
		}
		d.Scopes = append(d.Scopes, x)
	}
	d.Modified, err = store.All(ctx, e.db, scanModified, modificationsOf, r.InstanceID)
	return d, fault.Wrap(op, err)
}

func scanModified(s store.Scanner) (Modified, error) {
	var m Modified
	var at int64
	var text string
	if err := s.Scan(&at, &m.By, &m.Reason, &text); err != nil {
		return m, err
	}
	m.At = store.Time(at)
	return m, json.Unmarshal([]byte(text), &m.Instructions)
}

// ofGrant holds a grant against the case that it was given for.
func ofGrant(op string, g access.Grant, r Ref) error {
	if c := g.Request().Case; c != r.CaseID {
		return fault.New(fault.NotFound, op, "")
	}
	return nil
}

// check reads what the operator wants and makes its values plain.
func (m *Modification) check(op string) error {
	list := make([]bpmn.Instruction, len(m.Instructions))
	for i, in := range m.Instructions {
		if in.Vars != nil {
			vars, err := plain(in.Vars)
			if err != nil {
				return fault.Because(fault.Invalid, op, "process.modify.vars", err, "n", i+1, "token", in.Token, "element", in.Element)
			}
			in.Vars = vars
		}
		list[i] = in
	}
	m.Instructions = list
	return nil
}

func checkReason(op, reason string) error {
	switch n := len([]rune(strings.TrimSpace(reason))); {
	case n == 0:
		return fault.New(fault.Invalid, op, "process.needReason")
	case n > maxReason:
		return fault.New(fault.Invalid, op, "process.longReason", "n", maxReason)
	}
	return nil
}

// refusal is what the pure engine says to a modification as a fault.
func refusal(op string, err error) error {
	var r *bpmn.Refused
	switch {
	case errors.As(err, &r):
		return fault.Because(fault.Invalid, op, "process.modify."+r.Rule, err, "n", r.At, "token", r.Token, "element", r.Element)
	case errors.Is(err, bpmn.ErrNoToken):
		return fault.Because(fault.Conflict, op, "process.over", err)
	}
	return fault.Wrap(op, err)
}

// Foresee says what a modification would do; nothing happens.
func (e *Engine) Foresee(ctx context.Context, g access.Grant, m Modification) (Foreseen, error) {
	const op = "process.foresee"
	if err := g.Must(access.Read, resource); err != nil {
		return Foreseen{}, err
	}
	if err := m.check(op); err != nil {
		return Foreseen{}, err
	}
	r, err := store.One(ctx, e.db, scanRow, readInstance, m.Instance)
	if err != nil {
		return Foreseen{}, fault.Wrap(op, err)
	}
	if err := ofGrant(op, g, r.Ref); err != nil {
		return Foreseen{}, err
	}
	if r.revision != m.Revision {
		return Foreseen{}, fault.New(fault.Conflict, op, "process.moved")
	}
	_, proc, err := e.process(ctx, e.db, &r)
	if err != nil {
		return Foreseen{}, err
	}
	state, cmds, err := bpmn.Step(proc, r.state, e.now().In(e.zone), bpmn.Modify{Instructions: m.Instructions})
	if err != nil {
		return Foreseen{}, refusal(op, err)
	}
	return Foreseen{Before: r.state.Active(), After: state.Active(), Asks: asks(r.state, cmds), Ends: state.Status != bpmn.Running}, nil
}

// asks are what commands ask for and take back; before is the state that they come from.
func asks(before bpmn.State, cmds []bpmn.Command) []Ask {
	var out []Ask
	made := map[string]string{}
	gone := func(what, token string) {
		el := made[token]
		if t := before.Token(token); t != nil {
			el = t.Element
		}
		out = append(out, Ask{what, el, true})
	}
	add := func(what, token, element string) {
		made[token] = element
		out = append(out, Ask{what, element, false})
	}
	for _, c := range cmds {
		switch c := c.(type) {
		case bpmn.CreateUserTask:
			add("task", c.Token, c.Element)
		case bpmn.CreateJob:
			add("job", c.Token, c.Element)
		case bpmn.Decide:
			add("decision", c.Token, c.Element)
		case bpmn.SetTimer:
			add("timer", c.Token, c.Element)
		case bpmn.Subscribe:
			add("message", c.Token, c.Element)
		case bpmn.AwaitSignal:
			add("signal", c.Token, c.Element)
		case bpmn.Milestone:
			add("milestone", "", c.Element)
		case bpmn.Incident:
			add("incident", "", c.Element)
		case bpmn.CancelTask:
			gone("task", c.Token)
		case bpmn.CancelJob:
			gone("job", c.Token)
		case bpmn.CancelTimer:
			gone("timer", c.Token)
		case bpmn.Unsubscribe:
			gone("message", c.Token)
		case bpmn.ForgetSignal:
			gone("signal", c.Token)
		}
	}
	return out
}

// Modify changes a running instance by hand: all of it or nothing. An instance that
// has moved since the operator saw it is a Conflict. Who did it, when, what and why is
// on record with the instance; the grant is in the ledger.
func (e *Engine) Modify(ctx context.Context, tx *store.Tx, g access.Grant, m Modification) error {
	const op = "process.modify"
	if err := g.Must(access.Change, resource); err != nil {
		return err
	}
	if err := checkReason(op, m.Reason); err != nil {
		return err
	}
	if err := m.check(op); err != nil {
		return err
	}
	r, err := store.One(ctx, tx, scanRow, e.text(lockSQLite, lockPostgres), m.Instance)
	if err != nil {
		return fault.Wrap(op, err)
	}
	if err := ofGrant(op, g, r.Ref); err != nil {
		return err
	}
	if r.revision != m.Revision {
		return fault.New(fault.Conflict, op, "process.moved")
	}
	_, proc, err := e.process(ctx, tx, &r)
	if err != nil {
		return err
	}
	s := &stepping{e: e, tx: tx, row: &r, proc: proc, actor: g.Actor()}
	if err := s.run(ctx, bpmn.Modify{Instructions: m.Instructions}); err != nil {
		return refusal(op, err)
	}
	if err := s.incidents(ctx); err != nil {
		return fault.Wrap(op, err)
	}
	list := slices.Clone(m.Instructions)
	for i := range list {
		if list[i].Vars != nil {
			names := make(map[string]any, len(list[i].Vars))
			for name := range list[i].Vars {
				names[name] = nil
			}
			list[i].Vars = names
		}
	}
	b, err := json.Marshal(list)
	if err != nil {
		return fault.Wrap(op, err)
	}
	a := g.Actor()
	_, err = tx.Exec(ctx, insertModification, ident.New(), r.InstanceID, store.Micros(e.now()), string(a.Kind), a.ID, a.Name, strings.TrimSpace(m.Reason), string(b))
	return fault.Wrap(op, err)
}

// incidents resolves those whose token is gone or goes on, and moves those along
// whose token is at another element.
func (s *stepping) incidents(ctx context.Context) error {
	list, err := store.All(ctx, s.tx, scanIncident, incidentsOf, s.row.InstanceID)
	if err != nil {
		return err
	}
	for _, i := range list {
		t := s.row.state.Token(i.Token)
		switch {
		case t == nil || t.Wait != bpmn.ForOperator:
			_, err = s.tx.Exec(ctx, resolveIncident, i.ID, store.Micros(s.e.now()), s.actor.ID, s.actor.Name)
		case t.Element != i.Element:
			_, err = s.tx.Exec(ctx, moveIncident, i.ID, t.Element)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
