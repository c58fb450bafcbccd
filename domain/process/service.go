// SPDX-License-Identifier: EUPL-1.2

package process

import (
	"context"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/lang/bpmn"
)

// View is where a case stands, for the diagram and the timeline. It holds no
// variables; whoever shows it has read the case with a grant.
func (e *Engine) View(ctx context.Context, caseID string) (Instance, error) {
	const op = "process.view"
	r, err := store.One(ctx, e.db, scanRow, instanceOfCase, caseID)
	if err != nil {
		return Instance{}, fault.Wrap(op, err)
	}
	return e.viewOf(ctx, r)
}

func (e *Engine) viewOf(ctx context.Context, r row) (Instance, error) {
	const op = "process.view"
	v := Instance{Ref: r.Ref, Status: r.state.Status, Process: r.process, Active: r.state.Active()}
	var err error
	if v.Model, v.Linked, err = e.process(ctx, e.db, &r); err != nil {
		return Instance{}, err
	}
	if v.Steps, err = store.All(ctx, e.db, scanStep, historyOf, r.InstanceID); err != nil {
		return Instance{}, fault.Wrap(op, err)
	}
	if v.Incidents, err = store.All(ctx, e.db, scanIncident, incidentsOf, r.InstanceID); err != nil {
		return Instance{}, fault.Wrap(op, err)
	}
	seen := map[string]bool{}
	for _, st := range v.Steps {
		for _, t := range st.Trace {
			if t.What == "out" && !seen[t.Element] {
				seen[t.Element] = true
				v.Done = append(v.Done, t.Element)
			}
		}
	}
	return v, nil
}

// Drawing is the diagram of a case with its tokens as SVG; desc is what a screen reader says.
func (v Instance) Drawing(desc string) []byte {
	return bpmn.SVG(v.Model, v.Process, bpmn.Drawing{Active: v.Active, Done: v.Done, Desc: desc})
}

// Outline is where a case stands as a list, in the order in which its process is walked.
func (v Instance) Outline() []bpmn.Line { return bpmn.Outline(v.Linked, v.Active, v.Done) }

// Source is the file of a model by its hash, for whoever works at the desk: it holds the
// rules of the town and no data of any case.
func (e *Engine) Source(ctx context.Context, a access.Actor, hash string) ([]byte, error) {
	const op = "process.source"
	if a.Kind != access.Clerk {
		return nil, fault.New(fault.Denied, op, "")
	}
	source, err := store.One(ctx, e.db, func(s store.Scanner) ([]byte, error) {
		var file string
		var b []byte
		return b, s.Scan(&file, &b)
	}, readModel, hash)
	return source, fault.Wrap(op, err)
}

// Cancel ends the process of a case where it stands, and takes its tasks, timers and jobs away.
func (e *Engine) Cancel(ctx context.Context, tx *store.Tx, caseID string, who access.Actor) error {
	return e.ofCase(ctx, tx, "process.cancel", caseID, who, bpmn.Cancel{})
}

// SetVars changes variables of the process of a case, after a correction for instance.
func (e *Engine) SetVars(ctx context.Context, tx *store.Tx, caseID string, who access.Actor, vars map[string]any) error {
	vars, err := plain(vars)
	if err != nil {
		return fault.Wrap("process.setVars", err)
	}
	return e.ofCase(ctx, tx, "process.setVars", caseID, who, bpmn.SetVars{Vars: vars})
}

func (e *Engine) ofCase(ctx context.Context, tx *store.Tx, op, caseID string, who access.Actor, ev bpmn.Event) error {
	r, err := store.One(ctx, tx, scanRow, instanceOfCase, caseID)
	if err != nil {
		return fault.Wrap(op, err)
	}
	return stale(op, e.step(ctx, tx, r.InstanceID, who, ev))
}

// VarsOf are the variables of the process of a case, for other rooms in their own steps. No grant: it shows them to nobody.
func (e *Engine) VarsOf(ctx context.Context, q store.Q, caseID string) (map[string]any, error) {
	r, err := store.One(ctx, q, scanRow, instanceOfCase, caseID)
	if err != nil {
		return nil, fault.Wrap("process.varsOf", err)
	}
	return r.state.Vars(), nil
}

// Incidents are the open incidents, oldest first; after is the id of the last one of the page before.
func (e *Engine) Incidents(ctx context.Context, after string, n int) ([]Incident, error) {
	out, err := store.All(ctx, e.db, scanIncident, openIncidents, after, min(max(n, 1), maxPage))
	return out, fault.Wrap("process.incidents", err)
}
