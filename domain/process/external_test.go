// SPDX-License-Identifier: EUPL-1.2

package process_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
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

// prints prints a letter for each of the items; how often a letter is tried the case says itself.
const prints = `<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0">
<bpmn:process id="prints" isExecutable="true">
 <bpmn:startEvent id="start"/>
 <bpmn:serviceTask id="print"><bpmn:extensionElements><zeebe:taskDefinition type="external.print" retries="=tries"/>
  <zeebe:ioMapping><zeebe:input source="=item" target="letter"/><zeebe:output source="=letter" target="printed"/></zeebe:ioMapping></bpmn:extensionElements>
  <bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements><zeebe:loopCharacteristics inputCollection="=items" inputElement="item"/></bpmn:extensionElements></bpmn:multiInstanceLoopCharacteristics>
 </bpmn:serviceTask>
 <bpmn:endEvent id="end"/>
 <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="print"/><bpmn:sequenceFlow id="f2" sourceRef="print" targetRef="end"/>
</bpmn:process></bpmn:definitions>`

func printer(id string) access.Actor {
	return access.Actor{Kind: access.Machine, ID: id, Name: id, Roles: []string{"jobs:work", "job:external.print"}, Level: access.Substantial}
}

func (h *house) startPrints(caseID string, items int, tries string) {
	h.t.Helper()
	def, err := bpmn.Parse("prints.bpmn", []byte(prints))
	if err != nil {
		h.t.Fatal(err)
	}
	list := make([]any, items)
	for i := range list {
		list[i] = fmt.Sprintf("%s/%d", caseID, i)
	}
	h.write(func(tx *store.Tx) error {
		_, err := h.engine.Start(h.t.Context(), tx, def, process.StartParams{CaseID: caseID, CaseRef: caseID, Service: "prints", Version: "v1", Office: "32",
			Vars: map[string]any{"items": list, "tries": tries}})
		return err
	})
}

func (h *house) jobGrant(a access.Actor) access.Grant {
	h.t.Helper()
	return accesstest.Grant(h.t, h.check, access.Request{Actor: a, Action: access.Change, Resource: "job"})
}

func (h *house) setTries(caseID, tries string) {
	h.t.Helper()
	h.write(func(tx *store.Tx) error {
		return h.engine.SetVars(h.t.Context(), tx, caseID, accesstest.Clerk("32"), map[string]any{"tries": tries})
	})
}

func TestExternalWork(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := openHouse(t, db)
		g := h.jobGrant(printer("p1"))
		take := func(n int) []process.ExternalJob {
			t.Helper()
			list, err := h.engine.TakeJobs(t.Context(), g, process.Take{N: n, Lock: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			return list
		}

		// Whoever takes work and falls silent has used up a try; after the last one an operator looks at it.
		h.startPrints("c1", 1, "2")
		for i := range 2 {
			if l := take(5); len(l) != 1 || l[0].Attempt != i+1 || l[0].Retries != 2-i {
				t.Fatalf("%d: %+v", i, l)
			}
			h.pass(2 * time.Minute)
		}
		if l := take(5); len(l) != 0 {
			t.Errorf("tried once too often: %+v", l)
		}
		h.until("incident", func() bool { return h.incidents == 1 })
		list, err := h.engine.Incidents(t.Context(), "", 10)
		if err != nil || len(list) != 1 || list[0].Reason != "tried 2 times, the last time whoever took it let the lock run out" {
			t.Fatalf("%+v %v", list, err)
		}
		h.write(func(tx *store.Tx) error {
			return h.engine.Retry(t.Context(), tx, accesstest.Clerk("32"), list[0].ID)
		})
		l := take(5)
		if len(l) != 1 || l[0].Retries != 2 || fmt.Sprint(l[0].Vars) != "map[item:c1/0 letter:c1/0 loopCounter:1]" {
			t.Fatalf("after the operator's retry: %+v", l)
		}
		if err := h.engine.FinishJob(t.Context(), g, l[0].ID, l[0].Lock, nil); err != nil {
			t.Fatal(err)
		}

		// Work that can't be given to anybody is an incident, and doesn't keep the others waiting.
		h.startPrints("c2", 1, "2")
		h.startPrints("c3", 1, "2")
		h.setTries("c2", "many")
		if l := take(5); len(l) != 1 || l[0].CaseID != "c3" {
			t.Fatalf("beside work that can't be given: %+v", l)
		}
		h.until("incident", func() bool { return h.incidents == 2 })
		if list, err = h.engine.Incidents(t.Context(), "", 10); err != nil || len(list) != 1 || list[0].CaseID != "c2" || !strings.HasPrefix(list[0].Reason, "the work can't be given to anybody with the variables as they are") {
			t.Fatalf("%+v %v", list, err)
		}

		// What can't be put on record isn't given, and stays for others.
		h.startPrints("c4", 1, "2")
		_, err = h.engine.TakeJobs(t.Context(), g, process.Take{N: 1, Record: func(context.Context, *store.Tx, process.ExternalJob) error {
			return fault.New(fault.Denied, "test", "")
		}})
		if l := take(5); !fault.Is(err, fault.Denied) || len(l) != 1 || l[0].CaseID != "c4" || l[0].Attempt != 1 {
			t.Errorf("without a record: %v %+v", err, l)
		}

		// The end of the house answers those who wait.
		waited := make(chan error)
		go func() {
			_, err := h.engine.TakeJobs(context.Background(), g, process.Take{N: 1, Wait: 15 * time.Second})
			waited <- err
		}()
		h.engine.EndWaiting()
		if err := <-waited; err != nil {
			t.Error(err)
		}
	})
}

// Two nodes work off one database while cases change and end: each letter is printed
// once, nothing is lost, nobody is told of anything but work that isn't theirs.
func TestTwoNodesShareTheWork(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		a, b := openHouse(t, db), openHouse(t, db)
		nodes := []*house{a, b}
		const cases, letters = 8, 6
		for i := range cases {
			nodes[i%2].startPrints(fmt.Sprint("c", i), letters, "3")
		}
		var mu sync.Mutex
		done := map[string]int{}
		cancelled := map[string]bool{"c0": true, "c1": true}
		var wg sync.WaitGroup
		for n := range 6 {
			h, g := nodes[n%2], nodes[n%2].jobGrant(printer(fmt.Sprint("p", n)))
			wg.Go(func() {
				for idle := 0; idle < 3; {
					list, err := h.engine.TakeJobs(context.Background(), g, process.Take{N: 3})
					if err != nil {
						t.Error(err)
						return
					}
					if len(list) == 0 {
						idle++
						time.Sleep(5 * time.Millisecond)
					}
					for _, j := range list {
						err := h.engine.FinishJob(context.Background(), g, j.ID, j.Lock, nil)
						switch {
						case err == nil:
							mu.Lock()
							done[fmt.Sprint(j.Vars["letter"])]++
							mu.Unlock()
						case !fault.Is(err, fault.Conflict) || !cancelled[j.CaseID]:
							t.Errorf("%s: %v", j.CaseID, err)
						}
					}
				}
			})
		}
		for n, h := range nodes { // the cases change under way, from both nodes
			wg.Go(func() {
				for i := range 3 * cases {
					id := fmt.Sprint("c", 2+(i+n)%(cases-2))
					err := db.Write(context.Background(), func(tx *store.Tx) error {
						return h.engine.SetVars(context.Background(), tx, id, accesstest.Clerk("32"), map[string]any{fmt.Sprint("n", n): i})
					})
					if err != nil && !fault.Is(err, fault.Conflict) { // it is complete
						t.Errorf("%s changes: %v", id, err)
					}
				}
			})
		}
		for id := range cancelled {
			wg.Go(func() {
				if err := db.Write(context.Background(), func(tx *store.Tx) error {
					return a.engine.Cancel(context.Background(), tx, id, accesstest.Clerk("32"))
				}); err != nil && !fault.Is(err, fault.Conflict) {
					t.Errorf("%s is cancelled: %v", id, err)
				}
			})
		}
		wg.Wait()
		for i := range cases {
			id := fmt.Sprint("c", i)
			v := a.view(id)
			want := bpmn.Completed
			if cancelled[id] && v.Status == bpmn.Cancelled {
				want = bpmn.Cancelled
			}
			ended := 0
			for _, s := range v.Steps {
				if s.Event == "JobDone" {
					ended++
				}
			}
			got := 0
			for k := range letters {
				n := done[fmt.Sprintf("%s/%d", id, k)]
				if n > 1 || n == 0 && want == bpmn.Completed {
					t.Errorf("letter %s/%d was printed %d times", id, k, n)
				}
				got += n
			}
			if v.Status != want || ended != got {
				t.Errorf("%s is %s with %d steps for %d letters", id, v.Status, ended, got)
			}
		}
	})
}

// Two steps that wait for each other's instance: PostgreSQL ends one of them, which is
// done again, and both happen.
func TestStepsThatWaitForEachOther(t *testing.T) {
	db := storetest.Postgres(t, rooms())
	a, b := openHouse(t, db), openHouse(t, db)
	a.start("c1", "unclear")
	b.start("c2", "unclear")
	var both sync.WaitGroup
	both.Add(2)
	var tries atomic.Int64
	var wg sync.WaitGroup
	for n, h := range []*house{a, b} {
		first, second := fmt.Sprint("c", 1+n), fmt.Sprint("c", 2-n)
		wg.Go(func() {
			met := false
			if err := db.Write(context.Background(), func(tx *store.Tx) error {
				tries.Add(1)
				set := func(id string) error {
					return h.engine.SetVars(context.Background(), tx, id, accesstest.Clerk("32"), map[string]any{fmt.Sprint("by", n): true})
				}
				if err := set(first); err != nil {
					return err
				}
				if !met {
					met = true
					both.Done()
					both.Wait() // now each has what the other wants
				}
				return set(second)
			}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if tries.Load() < 3 {
		t.Errorf("%d tries: nobody stood in anybody's way, so this test shows nothing", tries.Load())
	}
	for _, id := range []string{"c1", "c2"} {
		vars, err := a.engine.VarsOf(t.Context(), db, id)
		if err != nil || vars["by0"] != true || vars["by1"] != true {
			t.Errorf("%s: %v %v", id, vars, err)
		}
		steps := 0
		for _, s := range a.view(id).Steps {
			if s.Event == "SetVars" {
				steps++
			}
		}
		if steps != 2 {
			t.Errorf("%s: %d steps on record, want 2", id, steps)
		}
	}
}
