// SPDX-License-Identifier: EUPL-1.2

package process_test

import (
	"context"
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

// branches has two ways at once, a list, a call and a task that is cancelled.
const branches = `<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0">
<bpmn:process id="branches" isExecutable="true">
 <bpmn:startEvent id="start" name="Begin"/><bpmn:parallelGateway id="fork"/>
 <bpmn:userTask id="left" name="Left"/><bpmn:userTask id="then" name="Then"/>
 <bpmn:userTask id="each" name="Each"><bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements><zeebe:loopCharacteristics inputCollection="=[1,2]" inputElement="x"/></bpmn:extensionElements></bpmn:multiInstanceLoopCharacteristics></bpmn:userTask>
 <bpmn:parallelGateway id="join"/>
 <bpmn:callActivity id="hear" name="Hearing"><bpmn:extensionElements><zeebe:calledElement processId="hearing"/></bpmn:extensionElements></bpmn:callActivity>
 <bpmn:userTask id="late" name="Late"/><bpmn:boundaryEvent id="expired" attachedToRef="late"><bpmn:timerEventDefinition><bpmn:timeDuration>P3D</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>
 <bpmn:serviceTask id="odd"><bpmn:extensionElements><zeebe:taskDefinition type="payment.request"/></bpmn:extensionElements></bpmn:serviceTask>
 <bpmn:endEvent id="end"/><bpmn:endEvent id="end2"/>
 <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="fork"/>
 <bpmn:sequenceFlow id="f2" sourceRef="fork" targetRef="left"/><bpmn:sequenceFlow id="f3" sourceRef="left" targetRef="then"/><bpmn:sequenceFlow id="f4" sourceRef="then" targetRef="join"/>
 <bpmn:sequenceFlow id="f5" sourceRef="fork" targetRef="each"/><bpmn:sequenceFlow id="f6" sourceRef="each" targetRef="join"/>
 <bpmn:sequenceFlow id="f7" sourceRef="join" targetRef="hear"/><bpmn:sequenceFlow id="f8" sourceRef="hear" targetRef="late"/>
 <bpmn:sequenceFlow id="f9" sourceRef="late" targetRef="end"/><bpmn:sequenceFlow id="f10" sourceRef="expired" targetRef="odd"/><bpmn:sequenceFlow id="f11" sourceRef="odd" targetRef="end2"/>
</bpmn:process></bpmn:definitions>`

// finish ends the open task of a case at an element.
func (h *house) finish(a access.Actor, caseID, element string) {
	h.t.Helper()
	for _, x := range h.worklist(a, process.Filter{}) {
		if x.CaseID == caseID && x.Element == element {
			g := h.grant(a, access.Decide)
			h.write(func(tx *store.Tx) error {
				_, err := h.engine.Complete(h.t.Context(), tx, g, x.ID, x.Revision, nil)
				return err
			})
			return
		}
	}
	h.t.Fatalf("no open task at %s", element)
}

// told is a history in short: element, hours it took, state, who.
func told(h process.History) []string {
	var out []string
	for _, s := range h.Stays {
		who := string(s.By)
		if s.ByName != "" {
			who += " " + s.ByName
		}
		out = append(out, fmt.Sprintf("%s %dh %s by %s", s.Element, int(s.Took(h.At).Hours()), s.State, who))
	}
	return out
}

func TestHistory(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := openHouse(t, db)
		parse := func(text string) *bpmn.Definitions {
			d, err := bpmn.Parse("x.bpmn", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		called := parse(hearing("v1"))
		var id string
		h.write(func(tx *store.Tx) error {
			var err error
			id, err = h.engine.Start(t.Context(), tx, parse(branches), process.StartParams{CaseID: "c1", CaseRef: "R1", Label: "Anna Müller", Service: "s", Version: "v1", Office: "32",
				Called: func(string) *bpmn.Definitions { return called }, Vars: map[string]any{}, Actor: accesstest.Anna()})
			return err
		})
		clerk := accesstest.Clerk("32")
		read := func(after string, n int) process.History {
			t.Helper()
			g := accesstest.Grant(t, h.check, access.Request{Actor: incidentOperator(), Action: access.Read, Resource: "process", Case: "c1"})
			got, err := h.engine.History(t.Context(), g, id, after, n)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		h.pass(2 * time.Hour)
		h.finish(clerk, "c1", "each")
		h.pass(time.Hour)
		h.finish(colleague(), "c1", "left")
		h.finish(clerk, "c1", "each")
		h.pass(time.Hour)
		h.finish(clerk, "c1", "then")
		h.pass(24 * time.Hour)
		h.finish(colleague(), "c1", "hear/ask")
		tasks := h.worklist(clerk, process.Filter{})
		if len(tasks) != 1 {
			t.Fatalf("%+v", tasks)
		}
		if _, err := h.engine.Claim(t.Context(), h.grant(clerk, access.Change), tasks[0].ID); err != nil {
			t.Fatal(err)
		}
		h.pass(5 * time.Hour)
		want := []string{
			"start 0h done by resident", "fork 0h done by system",
			"left 3h done by clerk " + colleague().Name, "each 3h done by system", "each 2h done by clerk " + clerk.Name, "each 3h done by clerk " + clerk.Name,
			"then 1h done by clerk " + clerk.Name, "join 1h done by system", "join 0h done by system",
			"hear 24h done by system", "hear/start 0h done by system", "hear/ask 24h done by clerk " + colleague().Name,
			"hear/say 0h done by system", "hear/end 0h done by system", "late 5h running by clerk " + clerk.Name,
		}
		got := read("", 100)
		if lines := told(got); !slices.Equal(sorted(lines), sorted(want)) || got.Next != "" {
			t.Errorf("got\n%s\nwant\n%s\nnext %s", strings.Join(lines, "\n"), strings.Join(want, "\n"), got.Next)
		}
		for _, s := range got.Stays {
			if s.Element == "hear/ask" && (s.Name != "Ask" || s.Within != "Hearing") {
				t.Errorf("%+v", s)
			}
			if s.Token == "" || s.Began.IsZero() {
				t.Errorf("%+v", s)
			}
		}
		// The same in pages of any size, each stay once and complete on whichever page it begins.
		for _, n := range []int{1, 2, 5, 7} {
			var lines []string
			for after := ""; ; {
				page := read(after, n)
				lines = append(lines, told(page)...)
				if len(page.Stays) > n {
					t.Fatalf("%d stays on a page of %d", len(page.Stays), n)
				}
				if page.Next == "" {
					break
				}
				after = page.Next
			}
			if !slices.Equal(lines, told(got)) {
				t.Errorf("in pages of %d:\n%s", n, strings.Join(lines, "\n"))
			}
		}

		// Cancelled by its deadline, then stopped, then mended.
		h.request = func(_ context.Context, _ *store.Tx, _ process.Work) error {
			return fault.New(fault.Invalid, "test", "")
		}
		h.pass(4 * 24 * time.Hour)
		h.until("the deadline", func() bool { return h.incidents == 1 })
		h.pass(time.Hour)
		lines := told(read("", 100))
		if lines = lines[len(lines)-3:]; fmt.Sprint(lines) != "[late 101h cancelled by system expired 0h done by system odd 1h incident by ]" {
			t.Errorf("%q", lines)
		}
		h.request = nil
		open, err := h.engine.Incidents(t.Context(), "", 1)
		if err != nil || len(open) != 1 {
			t.Fatal(open, err)
		}
		if _, err := h.engine.RetryIncident(t.Context(), h.incidentGrant(incidentOperator(), access.Change, ""), open[0].ID); err != nil {
			t.Fatal(err)
		}
		list := read("", 100).Stays
		if odd := list[len(list)-2]; odd.Element != "odd" || odd.Incidents != 1 || odd.State != process.StayDone {
			t.Errorf("%+v", odd)
		}
		for _, s := range list {
			if s.State == process.StayRunning || s.Ended.IsZero() {
				t.Errorf("the instance is over, but %+v", s)
			}
		}

		// Who may: the clerk of the case's office for the case that the grant names; an operator for the instance's case.
		own := func(a access.Actor, caseID string) access.Grant {
			return accesstest.Grant(t, h.check, access.Request{Actor: a, Action: access.Read, Resource: "case", Case: caseID})
		}
		if page, err := h.engine.CaseHistory(t.Context(), own(clerk, "c1"), "c1", "", 100); err != nil || len(page.Stays) != len(list) {
			t.Errorf("%v %d", err, len(page.Stays))
		}
		if _, err := h.engine.CaseHistory(t.Context(), own(accesstest.Clerk("21"), "c1"), "c1", "", 100); !fault.Is(err, fault.NotFound) {
			t.Errorf("another office: %v", err)
		}
		for _, g := range []access.Grant{own(clerk, "c2"), own(accesstest.Anna(), "c1")} {
			if _, err := h.engine.CaseHistory(t.Context(), g, "c1", "", 100); !fault.Is(err, fault.Denied) {
				t.Errorf("%v", err)
			}
		}
		g := accesstest.Grant(t, h.check, access.Request{Actor: incidentOperator(), Action: access.Read, Resource: "process", Case: "c2"})
		if _, err := h.engine.History(t.Context(), g, id, "", 1); !fault.Is(err, fault.NotFound) {
			t.Errorf("a grant for another case: %v", err)
		}
		g = accesstest.Grant(t, h.check, access.Request{Actor: incidentOperator(), Action: access.Read, Resource: "process", Case: "c1"})
		for _, after := range []string{"x", ".1", id + ".", id + ".-1", id} {
			if _, err := h.engine.History(t.Context(), g, id, after, 1); !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", after, err)
			}
		}
		var names int
		if err := db.QueryRow(t.Context(), "SELECT count(*) FROM process_history WHERE actor_kind = 'resident' AND actor_name <> ''").Scan(&names); err != nil || names != 0 {
			t.Errorf("%v: %d steps keep the name of a resident", err, names)
		}
	})
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// A case that goes round for years: a page costs the same wherever it is, and nothing is lost.
func TestLongHistory(t *testing.T) {
	db := storetest.SQLite(t, rooms())
	h := openHouse(t, db)
	def, err := bpmn.Parse("round.bpmn", []byte(`<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"><bpmn:process id="round" isExecutable="true">
<bpmn:startEvent id="s"/><bpmn:subProcess id="sub"><bpmn:startEvent id="i"/><bpmn:userTask id="a"/><bpmn:exclusiveGateway id="x"/><bpmn:sequenceFlow id="g1" sourceRef="i" targetRef="x"/><bpmn:sequenceFlow id="g2" sourceRef="x" targetRef="a"/><bpmn:sequenceFlow id="g3" sourceRef="a" targetRef="x"/></bpmn:subProcess>
<bpmn:sequenceFlow id="f" sourceRef="s" targetRef="sub"/></bpmn:process></bpmn:definitions>`))
	if err != nil {
		t.Fatal(err)
	}
	var id string
	h.write(func(tx *store.Tx) error {
		id, err = h.engine.Start(t.Context(), tx, def, process.StartParams{CaseID: "c1", CaseRef: "R1", Service: "s", Version: "v1", Office: "32", Actor: accesstest.Anna()})
		return err
	})
	const rounds = 700
	for range rounds {
		h.finish(accesstest.Clerk("32"), "c1", "a")
	}
	g := accesstest.Grant(t, h.check, access.Request{Actor: incidentOperator(), Action: access.Read, Resource: "process", Case: "c1"})
	n := map[process.StayState]int{}
	seen := map[string]bool{}
	for after := ""; ; {
		page, err := h.engine.History(t.Context(), g, id, after, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range page.Stays {
			if seen[s.Place] {
				t.Fatalf("%s twice", s.Place)
			}
			seen[s.Place] = true
			n[s.State]++
		}
		if page.Next == "" {
			break
		}
		after = page.Next
	}
	if n[process.StayRunning] != 2 || n[process.StayDone] != 3+2*rounds {
		t.Errorf("%v", n)
	}
}
