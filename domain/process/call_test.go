// SPDX-License-Identifier: EUPL-1.2

package process_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

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

const deadline = `<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0">
<bpmn:process id="deadline" isExecutable="true">
 <bpmn:startEvent id="start"/>
 <bpmn:userTask id="hear"><bpmn:extensionElements><zeebe:taskSchedule dueDate="P3D"/><zeebe:properties><zeebe:property name="calendar" value="business"/></zeebe:properties></bpmn:extensionElements></bpmn:userTask>
 <bpmn:boundaryEvent id="late" attachedToRef="hear"><bpmn:extensionElements><zeebe:properties><zeebe:property name="calendar" value="business"/></zeebe:properties></bpmn:extensionElements><bpmn:timerEventDefinition><bpmn:timeDuration>P5D</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>
 <bpmn:endEvent id="end"/><bpmn:endEvent id="over"/>
 <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="hear"/><bpmn:sequenceFlow id="f2" sourceRef="hear" targetRef="end"/><bpmn:sequenceFlow id="f3" sourceRef="late" targetRef="over"/>
</bpmn:process></bpmn:definitions>`

// Due dates and timers count in the business days of the state: over Easter.
func TestBusinessDays(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := openHouse(t, db)
		h.pass(time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC).Sub(h.clock())) // Wednesday before Easter
		var err error
		if h.def, err = bpmn.Parse("deadline.bpmn", []byte(deadline)); err != nil {
			t.Fatal(err)
		}
		h.start("c1", "")
		task := h.worklist(accesstest.Clerk("31"), process.Filter{})[0]
		if got := task.Due.Format(time.DateOnly); got != "2026-04-08" {
			t.Errorf("due on %s, want three business days after 1 April", got)
		}
		h.pass(9*24*time.Hour - time.Minute) // 10 April: the fifth
		time.Sleep(100 * time.Millisecond)
		h.at("c1", "hear")
		h.pass(2 * time.Minute)
		h.until("over", func() bool { return h.completed == 1 })
	})
}

// The heat map pairs what was entered with what was left, case by case.
func TestHeat(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := openHouse(t, db)
		for _, id := range []string{"c1", "c2", "c3"} {
			h.start(id, "check")
		}
		clerk := accesstest.Clerk("32")
		grant := h.grant(clerk, access.Decide)
		for i, task := range h.worklist(clerk, process.Filter{})[:2] {
			h.pass(time.Duration(i+1) * time.Hour)
			h.write(func(tx *store.Tx) error {
				_, err := h.engine.Complete(t.Context(), tx, grant, task.ID, task.Revision, map[string]any{"outcome": "granted"})
				return err
			})
		}
		g := accesstest.Grant(t, h.check, access.Request{Actor: clerk, Action: access.Read, Resource: "process"})
		models, err := h.engine.Models(t.Context(), g, "permit")
		if err != nil || len(models) != 1 || models[0].Version != "v1" {
			t.Fatalf("%+v %v", models, err)
		}
		heat, err := h.engine.Heat(t.Context(), g, "permit", models[0])
		if err != nil || heat.Cases != 3 {
			t.Fatalf("%+v %v", heat, err)
		}
		for _, e := range heat.Elements {
			switch e.Element {
			case "review":
				if e.Done != 2 || e.Now != 1 || e.Median != 3*time.Hour || e.Longest != 3*time.Hour {
					t.Errorf("%+v", e)
				}
			case "received":
				if e.Done != 3 || e.Now != 0 || e.Median != 0 {
					t.Errorf("%+v", e)
				}
			}
		}
	})
}
