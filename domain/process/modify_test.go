// SPDX-License-Identifier: EUPL-1.2

package process_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/process"
	"mercator/lang/bpmn"
)

func operator() access.Actor {
	return access.Actor{Kind: access.Clerk, ID: "operator-1", Name: "Olga Betrieb", Office: "17", Roles: []string{"operator"}}
}

// operates is a grant of an operator for a case.
func (h *house) operates(action, caseID string) access.Grant {
	h.t.Helper()
	return accesstest.Grant(h.t, h.check, access.Request{Actor: operator(), Action: action, Resource: "process", Case: caseID})
}

func (h *house) inspect(caseID, instance string) process.Detail {
	h.t.Helper()
	d, err := h.engine.Inspect(h.t.Context(), h.operates(access.Read, caseID), instance)
	if err != nil {
		h.t.Fatal(err)
	}
	return d
}

func tokenAt(t testing.TB, d process.Detail, element string) string {
	t.Helper()
	for _, x := range d.Tokens {
		if x.Element == element {
			return x.ID
		}
	}
	t.Fatalf("no token is at %s: %+v", element, d.Tokens)
	return ""
}

func (h *house) modify(caseID string, m process.Modification) error {
	g := h.operates(access.Change, caseID)
	return h.db.Write(h.t.Context(), func(tx *store.Tx) error { return h.engine.Modify(h.t.Context(), tx, g, m) })
}

func wantFault(t testing.TB, err error, kind fault.Kind, key string) {
	t.Helper()
	if got, _ := fault.Message(err); !fault.Is(err, kind) || key != "" && got != key {
		t.Fatalf("got %v (%s), want %s %s", err, got, kind, key)
	}
}

func eachHouse(t *testing.T, run func(t *testing.T, h *house)) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) { run(t, openHouse(t, db)) })
}

func TestModify(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		id := h.start("c1", "manual")
		h.at("c1", "review")
		d := h.inspect("c1", id)
		if d.CaseID != "c1" || len(d.Scopes) != 1 || d.Scopes[0].Vars != nil || !slices.Contains(d.Scopes[0].Names, "zone") {
			t.Fatalf("detail %+v", d)
		}
		seen, err := h.engine.Inspect(t.Context(), accesstest.Grant(t, h.check, access.Request{Actor: operator(), Action: access.Read, Resource: "process:variables", Case: "c1"}), id)
		if err != nil || seen.Scopes[0].Vars["zone"] != "manual" {
			t.Fatalf("%v: variables %+v", err, seen.Scopes[0].Vars)
		}
		move := process.Modification{Instance: id, Revision: d.Revision, Reason: "Papierakte liegt vor", Instructions: []bpmn.Instruction{
			{Do: bpmn.ChangeVars, Vars: map[string]any{"note": "secret", "payment": map[string]any{"id": "p9"}}},
			{Do: bpmn.MoveToken, Token: tokenAt(t, d, "review"), Element: "paid"}}}

		// What would be done is said, and nothing is done.
		f, err := h.engine.Foresee(t.Context(), h.operates(access.Read, "c1"), move)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(f); got != "{[review] [paid] [{task review true} {timer remind true} {timer unpaid false} {message paid false}] false}" {
			t.Fatalf("foreseen %s", got)
		}
		h.at("c1", "review")

		if err := h.modify("c1", move); err != nil {
			t.Fatal(err)
		}
		h.at("c1", "paid")
		wantFault(t, h.modify("c1", move), fault.Conflict, "process.moved")
		if open := h.worklist(accesstest.Clerk("32"), process.Filter{}); len(open) != 0 {
			t.Fatalf("the task is still there: %+v", open)
		}
		d = h.inspect("c1", id)
		last := d.Steps[len(d.Steps)-1]
		if last.Event != "Modify" || last.ActorID != "operator-1" || len(d.Modified) != 1 || d.Modified[0].Reason != move.Reason || d.Modified[0].By != "Olga Betrieb" {
			t.Fatalf("history %+v, on record %+v", last, d.Modified)
		}
		if vars := d.Modified[0].Instructions[0].Vars; len(vars) != 2 || vars["note"] != nil {
			t.Fatalf("a value is on record: %v", vars)
		}
		h.message("c1") // and the subscription is one like any other
		h.until("completed", func() bool { return h.completed == 1 })
		wantFault(t, h.modify("c1", process.Modification{Instance: id, Revision: h.inspect("c1", id).Revision, Reason: "x", Instructions: []bpmn.Instruction{{Do: bpmn.AddToken, Element: "review"}}}), fault.Conflict, "process.over")
	})
}

func TestModifyRefusals(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		id := h.start("c1", "manual")
		h.start("c2", "manual")
		d := h.inspect("c1", id)
		one := func(in bpmn.Instruction) process.Modification {
			return process.Modification{Instance: id, Revision: d.Revision, Reason: "Grund", Instructions: []bpmn.Instruction{in}}
		}
		good := one(bpmn.Instruction{Do: bpmn.AddToken, Element: "paid"})
		err := h.modify("c1", one(bpmn.Instruction{Do: bpmn.AddToken, Element: "nowhere"}))
		wantFault(t, err, fault.Invalid, "process.modify.no-element")
		var r *bpmn.Refused
		if !errors.As(err, &r) || r.At != 1 {
			t.Fatalf("%v", err)
		}
		wantFault(t, h.modify("c1", one(bpmn.Instruction{Do: bpmn.CancelToken, Token: tokenAt(t, d, "review")})), fault.Invalid, "process.modify.nothing-left")
		wantFault(t, h.modify("c2", good), fault.NotFound, "") // a grant for another case
		without := good
		without.Reason = " "
		wantFault(t, h.modify("c1", without), fault.Invalid, "process.needReason")
		without.Reason = strings.Repeat("x", 501)
		wantFault(t, h.modify("c1", without), fault.Invalid, "process.longReason")
		read := h.operates(access.Read, "c1")
		err = h.db.Write(t.Context(), func(tx *store.Tx) error { return h.engine.Modify(t.Context(), tx, read, good) })
		wantFault(t, err, fault.Internal, "") // a grant to read changes nothing
		if _, err := h.engine.Inspect(t.Context(), h.grant(accesstest.Clerk("32"), access.Read), id); !fault.Is(err, fault.Internal) {
			t.Fatalf("a grant for tasks showed a process: %v", err)
		}
		if got := h.inspect("c1", id); got.Revision != d.Revision || len(got.Modified) != 0 || len(got.Steps) != len(d.Steps) {
			t.Fatalf("a refusal left something behind: %+v", got)
		}
		if err := h.modify("c1", good); err != nil {
			t.Fatal(err)
		}
		h.at("c1", "review", "paid")
	})
}

// A token with an incident that is moved away takes its incident with it.
func TestModifyResolvesIncidents(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.requestErr = fault.New(fault.Invalid, "test", "")
		id := h.start("c1", "granted")
		h.at("c1", "request")
		d := h.inspect("c1", id)
		if len(d.Incidents) != 1 {
			t.Fatalf("%d incidents", len(d.Incidents))
		}
		if err := h.modify("c1", process.Modification{Instance: id, Revision: d.Revision, Reason: "bar bezahlt", Instructions: []bpmn.Instruction{
			{Do: bpmn.ChangeVars, Vars: map[string]any{"payment": map[string]any{"id": "bar"}}},
			{Do: bpmn.MoveToken, Token: tokenAt(t, d, "request"), Element: "issue"}}}); err != nil {
			t.Fatal(err)
		}
		h.until("completed", func() bool { return h.completed == 1 && h.issued == 1 })
		if d = h.inspect("c1", id); len(d.Incidents) != 0 {
			t.Fatalf("incidents are left: %+v", d.Incidents)
		}
	})
}

// Two operators who change the same instance at once: one is first, the other is told.
func TestModifyAtOnce(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		id := h.start("c1", "manual")
		d := h.inspect("c1", id)
		errs := make(chan error, 4)
		for range 4 {
			go func() {
				errs <- h.db.Write(t.Context(), func(tx *store.Tx) error {
					g, err := h.check.PermitTx(t.Context(), tx, access.Request{Actor: operator(), Action: access.Change, Resource: "process", Case: "c1", Purpose: "test"})
					if err != nil {
						return err
					}
					return h.engine.Modify(t.Context(), tx, g, process.Modification{Instance: id, Revision: d.Revision, Reason: "x", Instructions: []bpmn.Instruction{{Do: bpmn.AddToken, Element: "paid"}}})
				})
			}()
		}
		done := 0
		for range 4 {
			select {
			case err := <-errs:
				if err == nil {
					done++
				} else if !fault.Is(err, fault.Conflict) {
					t.Errorf("got %v", err)
				}
			case <-time.After(time.Minute):
				t.Fatal("stuck")
			}
		}
		if done != 1 || len(h.inspect("c1", id).Modified) != 1 {
			t.Fatalf("%d were first", done)
		}
	})
}
