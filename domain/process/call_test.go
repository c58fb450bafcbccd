// SPDX-License-Identifier: EUPL-1.2

package process_test

import (
	"fmt"
	"strings"
	"testing"

	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/process"
	"mercator/lang/bpmn"
)

const caller = `<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0">
<bpmn:process id="objection" isExecutable="true">
 <bpmn:startEvent id="start"/>
 <bpmn:callActivity id="hear"><bpmn:extensionElements><zeebe:calledElement processId="hearing"/></bpmn:extensionElements></bpmn:callActivity>
 <bpmn:endEvent id="end"/>
 <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="hear"/>
 <bpmn:sequenceFlow id="f2" sourceRef="hear" targetRef="end"/>
</bpmn:process></bpmn:definitions>`

// hearing has a task for the office; then it says which version it is.
func hearing(version string) string {
	return `<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0">
<bpmn:process id="hearing" isExecutable="true">
 <bpmn:startEvent id="start"/>
 <bpmn:userTask id="ask" name="Ask"><bpmn:extensionElements><zeebe:assignmentDefinition candidateGroups="office:32"/></bpmn:extensionElements></bpmn:userTask>
 <bpmn:scriptTask id="say"><bpmn:extensionElements><zeebe:script expression="=&quot;` + version + `&quot;" resultVariable="heard"/></bpmn:extensionElements></bpmn:scriptTask>
 <bpmn:endEvent id="end"/>
 <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="ask"/>
 <bpmn:sequenceFlow id="f2" sourceRef="ask" targetRef="say"/>
 <bpmn:sequenceFlow id="f3" sourceRef="say" targetRef="end"/>
</bpmn:process></bpmn:definitions>`
}

// A case keeps the version of what its process calls that was in force when it began,
// over a restart and whatever is published meanwhile.
func TestCalledProcessIsPinned(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		parse := func(file, text string) *bpmn.Definitions {
			d, err := bpmn.Parse(file, []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		def := parse("objection.bpmn", caller)
		begin := func(h *house, caseID string, called *bpmn.Definitions) error {
			return db.Write(t.Context(), func(tx *store.Tx) error {
				_, err := h.engine.Start(t.Context(), tx, def, process.StartParams{CaseID: caseID, CaseRef: "R-" + caseID, Label: "Anna Müller", Service: "objection", Version: "v1", Office: "32",
					Called: func(string) *bpmn.Definitions { return called }, Vars: map[string]any{}, Actor: accesstest.Anna()})
				return err
			})
		}
		h := openHouse(t, db)
		if err := begin(h, "c0", nil); err == nil || !strings.Contains(fmt.Sprint(err), "hearing") {
			t.Fatalf("a call of nothing begins: %v", err)
		}
		if err := begin(h, "c1", parse("hearing.bpmn", hearing("old"))); err != nil {
			t.Fatal(err)
		}
		h.at("c1", "hear", "hear/ask")
		h.stop()

		h = openHouse(t, db) // a restart: nothing is in memory
		if err := begin(h, "c2", parse("hearing.bpmn", hearing("new"))); err != nil {
			t.Fatal(err)
		}
		clerk := accesstest.Clerk("32")
		for _, task := range h.worklist(clerk, process.Filter{}) {
			if task.Name != "Ask" || task.Element != "hear/ask" {
				t.Fatalf("task %+v", task)
			}
			grant := h.grant(clerk, access.Decide)
			h.write(func(tx *store.Tx) error {
				_, err := h.engine.Complete(t.Context(), tx, grant, task.ID, task.Revision, nil)
				return err
			})
		}
		for caseID, want := range map[string]string{"c1": "old", "c2": "new"} {
			vars, err := h.engine.VarsOf(t.Context(), db, caseID)
			if err != nil || vars["heard"] != want {
				t.Errorf("%s: %v %v, want %s", caseID, vars, err, want)
			}
			if v := h.view(caseID); v.Status != bpmn.Completed || v.Linked.Element("hear/ask").Name != "Ask" {
				t.Errorf("%s: %s", caseID, v.Status)
			}
		}
	})
}
