// SPDX-License-Identifier: EUPL-1.2

package process

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/lang/bpmn"
)

// maxBegin bounds how many activities are begun at once.
const maxBegin = 100

// AdHoc is an ad-hoc sub-process that runs: the office that leads it chooses what begins in it.
type AdHoc struct {
	Ref
	Office     string // that leads it
	Revision   int64  // of the instance: who acts names it
	Token      string
	Element    string
	Name       string
	Item       int  // which item or round it runs for, from 1
	Ends       bool // a condition of the model says when it is complete: nobody concludes it
	Sequential bool // one activity at a time; the others wait for their turn
	Activities []AdHocActivity
}

// AdHocActivity can begin in an ad-hoc sub-process.
type AdHocActivity struct {
	Element, Name    string
	Running, Waiting int
}

// AdHocTurn is what is done in an ad-hoc sub-process.
type AdHocTurn struct {
	Instance, Token string
	Revision        int64    // of the instance as it was seen
	Elements        []string // the activities to begin
}

// leads is the office that leads an element: what its property "office" or its lane
// ("office:32") says, or that of a sub-process around it, else the office of the case.
// A user task has candidate groups for this, a sub-process has none.
func leads(r *row, el *bpmn.Element) string {
	for ; el != nil; el = el.Parent {
		if o := el.Property("office"); o != "" {
			return o
		}
		if o, ok := strings.CutPrefix(el.Lane, "office:"); ok && o != "" {
			return o
		}
	}
	return r.Office
}

// AdHocs are the ad-hoc sub-processes of an instance that run and that the actor's office
// leads. The grant names the case: it is one for its tasks, or a clerk's who reads the case.
func (e *Engine) AdHocs(ctx context.Context, g access.Grant, instance string) ([]AdHoc, error) {
	const op = "process.adHocs"
	a := g.Actor()
	if a.Kind != access.Clerk || a.Office == "" || g.Must(access.Read, "case") != nil {
		var err error
		if a, err = clerk(op, g, access.Read, access.List, access.Change); err != nil {
			return nil, err
		}
	}
	r, err := store.One(ctx, e.db, scanRow, readInstance, instance)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	if err := ofGrant(op, g, r.Ref); err != nil {
		return nil, err
	}
	_, proc, err := e.process(ctx, e.db, &r)
	if err != nil {
		return nil, err
	}
	var out []AdHoc
	for _, run := range proc.AdHoc(r.state) {
		x := AdHoc{Ref: r.Ref, Office: leads(&r, run.Element), Revision: r.revision, Token: run.Token, Element: run.Element.ID, Name: called(run.Element),
			Item: run.Item, Ends: run.Element.AdHoc.Until != nil, Sequential: run.Element.AdHoc.Sequential}
		if x.Office != a.Office {
			continue
		}
		for _, c := range run.Choices {
			x.Activities = append(x.Activities, AdHocActivity{Element: c.Element.ID, Name: called(c.Element), Running: c.Running, Waiting: c.Waiting})
		}
		out = append(out, x)
	}
	return out, nil
}

// called is the name of an element, or its id.
func called(el *bpmn.Element) string {
	if el.Name != "" {
		return el.Name
	}
	return el.ID
}

// BeginAdHoc begins activities of an ad-hoc sub-process that the actor's office leads.
func (e *Engine) BeginAdHoc(ctx context.Context, tx *store.Tx, g access.Grant, t AdHocTurn) error {
	const op = "process.beginAdHoc"
	return e.adHoc(ctx, tx, op, g, t, func(run bpmn.AdHocRun) (bpmn.Event, error) {
		if len(t.Elements) == 0 {
			return nil, fault.New(fault.Invalid, op, "process.adHoc.none")
		}
		if len(t.Elements) > maxBegin {
			return nil, fault.New(fault.Invalid, op, "process.adHoc.tooMany", "n", maxBegin)
		}
		for _, id := range t.Elements {
			if !slices.ContainsFunc(run.Choices, func(c bpmn.AdHocChoice) bool { return c.Element.ID == id }) {
				return nil, fault.New(fault.Invalid, op, "process.adHoc.unknown", "element", brief(id), "name", called(run.Element))
			}
		}
		return bpmn.Activate{Token: t.Token, Elements: t.Elements}, nil
	})
}

// brief is an id as a message may repeat it.
func brief(id string) string {
	r := []rune(id)
	return string(r[:min(len(r), 60)])
}

// ConcludeAdHoc completes an ad-hoc sub-process that the actor's office leads, unless the
// model has a condition for that; what still runs in it is cancelled.
func (e *Engine) ConcludeAdHoc(ctx context.Context, tx *store.Tx, g access.Grant, t AdHocTurn) error {
	const op = "process.concludeAdHoc"
	return e.adHoc(ctx, tx, op, g, t, func(run bpmn.AdHocRun) (bpmn.Event, error) {
		if run.Element.AdHoc.Until != nil {
			return nil, fault.New(fault.Conflict, op, "process.adHoc.condition", "name", called(run.Element))
		}
		return bpmn.Conclude{Token: t.Token}, nil
	})
}

func (e *Engine) adHoc(ctx context.Context, tx *store.Tx, op string, g access.Grant, t AdHocTurn, event func(bpmn.AdHocRun) (bpmn.Event, error)) error {
	a, err := clerk(op, g, access.Change)
	if err != nil {
		return err
	}
	r, err := store.One(ctx, tx, scanRow, e.text(lockSQLite, lockPostgres), t.Instance)
	if err != nil {
		return fault.Wrap(op, err)
	}
	if err := ofGrant(op, g, r.Ref); err != nil {
		return err
	}
	_, proc, err := e.process(ctx, tx, &r)
	if err != nil {
		return err
	}
	if r.state.Status != bpmn.Running {
		return fault.New(fault.Conflict, op, "process.over")
	}
	list := proc.AdHoc(r.state)
	i := slices.IndexFunc(list, func(x bpmn.AdHocRun) bool { return x.Token == t.Token })
	if i < 0 {
		return noAdHoc(op, proc, &r, a, t.Token)
	}
	if leads(&r, list[i].Element) != a.Office {
		return fault.New(fault.NotFound, op, "")
	}
	if r.revision != t.Revision {
		return fault.New(fault.Conflict, op, "process.moved")
	}
	ev, err := event(list[i])
	if err != nil {
		return err
	}
	s := &stepping{e: e, tx: tx, row: &r, proc: proc, actor: a}
	err = s.run(ctx, ev)
	if errors.Is(err, bpmn.ErrNoToken) {
		return fault.Because(fault.Conflict, op, "process.adHoc.ended", err)
	}
	return fault.Wrap(op, err)
}

// noAdHoc says why there is no ad-hoc sub-process at a token: it has ended, an incident
// stops it, or there never was such a token.
func noAdHoc(op string, proc *bpmn.Process, r *row, a access.Actor, token string) error {
	if t := r.state.Token(token); t != nil && t.Wait == bpmn.ForOperator {
		if el := proc.Element(t.Element); el != nil && el.Kind == bpmn.AdHoc && leads(r, el) == a.Office {
			return fault.New(fault.Conflict, op, "process.adHoc.held")
		}
	}
	n, err := strconv.Atoi(strings.TrimPrefix(token, "t"))
	if err != nil || n < 1 || n > r.state.Seq || !strings.HasPrefix(token, "t") {
		return fault.New(fault.NotFound, op, "")
	}
	return fault.New(fault.Conflict, op, "process.adHoc.ended")
}
