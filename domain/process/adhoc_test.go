// SPDX-License-Identifier: EUPL-1.2

package process_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/process"
	"mercator/lang/bpmn"
)

// opinions has an ad-hoc sub-process that office 32 leads, though the case is office 31's.
const opinions = `<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0">
<bpmn:process id="opinions" isExecutable="true">
 <bpmn:laneSet id="lanes"><bpmn:lane id="l" name="office:32"><bpmn:flowNodeRef>hear</bpmn:flowNodeRef></bpmn:lane></bpmn:laneSet>
 <bpmn:startEvent id="start"/>
 <bpmn:adHocSubProcess id="hear" name="Opinions"%s>
  <bpmn:userTask id="fire" name="Fire service"><bpmn:extensionElements><zeebe:assignmentDefinition candidateGroups="office:32"/></bpmn:extensionElements></bpmn:userTask>
  <bpmn:userTask id="trees" name="Trees"><bpmn:extensionElements><zeebe:assignmentDefinition candidateGroups="office:32"/></bpmn:extensionElements></bpmn:userTask>
  <bpmn:userTask id="after" name="After the trees"/><bpmn:sequenceFlow id="g" sourceRef="trees" targetRef="after"/>%s
 </bpmn:adHocSubProcess>
 <bpmn:userTask id="decide" name="Decide"><bpmn:extensionElements><zeebe:assignmentDefinition candidateGroups="office:32"/></bpmn:extensionElements></bpmn:userTask>
 <bpmn:endEvent id="end"/>
 <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="hear"/><bpmn:sequenceFlow id="f2" sourceRef="hear" targetRef="decide"/><bpmn:sequenceFlow id="f3" sourceRef="decide" targetRef="end"/>
</bpmn:process></bpmn:definitions>`

func TestAdHoc(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := openHouse(t, db)
		begin := func(caseID, attrs, inside string) string {
			t.Helper()
			def, err := bpmn.Parse("opinions.bpmn", []byte(fmt.Sprintf(opinions, attrs, inside)))
			if err != nil {
				t.Fatal(err)
			}
			id := ""
			h.write(func(tx *store.Tx) error {
				id, err = h.engine.Start(t.Context(), tx, def, process.StartParams{CaseID: caseID, CaseRef: "R1", Label: "Anna Müller", Service: "s", Version: "v1", Office: "31", Vars: map[string]any{}, Actor: accesstest.Anna()})
				return err
			})
			return id
		}
		clerk := accesstest.Clerk("32")
		grant := func(a access.Actor, action, caseID string) access.Grant {
			return accesstest.Grant(t, h.check, access.Request{Actor: a, Action: action, Resource: "task", Case: caseID, Office: a.Office})
		}
		look := func(id, caseID string) []process.AdHoc {
			t.Helper()
			list, err := h.engine.AdHocs(t.Context(), grant(clerk, access.Read, caseID), id)
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		do := func(fn func(tx *store.Tx) error) error { return db.Write(t.Context(), fn) }
		turn := func(a access.Actor, caseID string, x process.AdHocTurn) error {
			g := grant(a, access.Change, caseID)
			return do(func(tx *store.Tx) error { return h.engine.BeginAdHoc(t.Context(), tx, g, x) })
		}
		conclude := func(a access.Actor, caseID string, x process.AdHocTurn) error {
			g := grant(a, access.Change, caseID)
			return do(func(tx *store.Tx) error { return h.engine.ConcludeAdHoc(t.Context(), tx, g, x) })
		}
		said := func(err error, kind fault.Kind, key string) {
			t.Helper()
			if got, _ := fault.Message(err); !fault.Is(err, kind) || key != "" && got != key {
				t.Errorf("%v, want %v %s", err, kind, key)
			}
		}
		id := begin("c1", "", "")
		list := look(id, "c1")
		if len(list) != 1 || list[0].Name != "Opinions" || list[0].Office != "32" || list[0].Ends || len(list[0].Activities) != 2 || list[0].Activities[0].Name != "Fire service" || list[0].Activities[1].Element != "trees" {
			t.Fatalf("%+v", list)
		}
		x := process.AdHocTurn{Instance: id, Token: list[0].Token, Revision: list[0].Revision}

		// Nobody else's: neither the office of the case, nor a grant for another case.
		if l, err := h.engine.AdHocs(t.Context(), grant(accesstest.Clerk("31"), access.Read, "c1"), id); err != nil || len(l) != 0 {
			t.Errorf("%v %+v", err, l)
		}
		_, err := h.engine.AdHocs(t.Context(), grant(clerk, access.Read, "c2"), id)
		said(err, fault.NotFound, "")
		x.Elements = []string{"fire"}
		said(turn(accesstest.Clerk("31"), "c1", x), fault.NotFound, "")
		said(turn(clerk, "c2", x), fault.NotFound, "")

		// What can't be, and why.
		wrong := x
		wrong.Elements = nil
		said(turn(clerk, "c1", wrong), fault.Invalid, "process.adHoc.none")
		wrong.Elements = []string{"after"} // comes after the trees
		said(turn(clerk, "c1", wrong), fault.Invalid, "process.adHoc.unknown")
		wrong.Elements = strings.Split(strings.Repeat("fire,", 101), ",")
		said(turn(clerk, "c1", wrong), fault.Invalid, "process.adHoc.tooMany")
		wrong = x
		wrong.Revision++
		said(turn(clerk, "c1", wrong), fault.Conflict, "process.moved")
		for _, token := range []string{"", "t", "t99", "x1", "t-1"} {
			wrong = x
			wrong.Token = token
			said(turn(clerk, "c1", wrong), fault.NotFound, "")
		}

		// Two colleagues at once: one begins, the other is told to look again.
		var wg sync.WaitGroup
		var mu sync.Mutex
		ok, moved := 0, 0
		for _, a := range []access.Actor{clerk, colleague()} {
			g := grant(a, access.Change, "c1")
			wg.Go(func() {
				both := x
				both.Elements = []string{"fire", "trees"}
				err := do(func(tx *store.Tx) error { return h.engine.BeginAdHoc(t.Context(), tx, g, both) })
				mu.Lock()
				defer mu.Unlock()
				switch key, _ := fault.Message(err); {
				case err == nil:
					ok++
				case key == "process.moved":
					moved++
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if ok != 1 || moved != 1 {
			t.Fatalf("%d began, %d were told that it moved", ok, moved)
		}
		list = look(id, "c1")
		if a := list[0].Activities; a[0].Running != 1 || a[1].Running != 1 {
			t.Errorf("%+v", a)
		}
		h.finish(clerk, "c1", "fire")
		list = look(id, "c1")
		x.Revision, x.Elements = list[0].Revision, nil
		if err := conclude(clerk, "c1", x); err != nil {
			t.Fatal(err)
		}
		h.at("c1", "decide")
		if got := h.worklist(clerk, process.Filter{}); len(got) != 1 || got[0].Element != "decide" {
			t.Errorf("%+v", got)
		}
		said(turn(clerk, "c1", x), fault.Conflict, "process.adHoc.ended")
		said(conclude(clerk, "c1", x), fault.Conflict, "process.adHoc.ended")
		h.finish(clerk, "c1", "decide")
		said(conclude(clerk, "c1", x), fault.Conflict, "process.over")
		g := accesstest.Grant(t, h.check, access.Request{Actor: incidentOperator(), Action: access.Read, Resource: "process", Case: "c1"})
		page, err := h.engine.History(t.Context(), g, id, "", 100)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Join(told(page), "\n")
		for _, want := range []string{"hear 0h done by clerk " + clerk.Name, "fire 0h done by clerk " + clerk.Name, "trees 0h cancelled by clerk " + clerk.Name} {
			if !strings.Contains(lines, want) {
				t.Errorf("no %q in\n%s", want, lines)
			}
		}

		// The model says when it is complete: nobody else does. One after the other, the rest waits.
		id = begin("c3", ` ordering="Sequential"`, `<bpmn:completionCondition>=enough = true</bpmn:completionCondition>`)
		list = look(id, "c3")
		x = process.AdHocTurn{Instance: id, Token: list[0].Token, Revision: list[0].Revision, Elements: []string{"fire", "fire", "trees"}}
		if !list[0].Ends || !list[0].Sequential {
			t.Errorf("%+v", list[0])
		}
		said(conclude(clerk, "c3", x), fault.Conflict, "process.adHoc.condition")
		if err := turn(clerk, "c3", x); err != nil {
			t.Fatal(err)
		}
		if a := look(id, "c3")[0].Activities; a[0].Running != 1 || a[0].Waiting != 1 || a[1].Waiting != 1 {
			t.Errorf("%+v", a)
		}
	})
}
