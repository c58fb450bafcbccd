// SPDX-License-Identifier: EUPL-1.2

package process_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"mercator/core/access/accesstest"
	"mercator/core/job"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/process"
	"mercator/lang/bpmn"
)

// A message comes in the moment in which the instance that waits for it goes another way:
// the next one who waits gets it, else it is kept.
func TestAMessageWhoseReceiverLeaves(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := openHouse(t, db)
		const both = "the same key"
		start := func(caseID string) {
			t.Helper()
			h.write(func(tx *store.Tx) error {
				_, err := h.engine.Start(t.Context(), tx, h.def, process.StartParams{CaseID: caseID, Office: "31",
					Vars: map[string]any{"zone": "granted", "case": map[string]any{"id": both}}})
				return err
			})
		}
		// leave cancels a case while a message for it is on its way.
		leave := func(caseID string) {
			t.Helper()
			leaving, told := make(chan bool, 10), make(chan error, 1)
			go func() {
				<-leaving
				told <- h.db.Write(context.Background(), func(tx *store.Tx) error {
					return h.engine.Message(context.Background(), tx, "payment.paid", both, nil)
				})
			}()
			h.write(func(tx *store.Tx) error {
				err := h.engine.Cancel(t.Context(), tx, caseID, accesstest.Anna())
				leaving <- true
				time.Sleep(200 * time.Millisecond) // the message has seen who waits, and waits for him
				return err
			})
			if err := <-told; err != nil {
				t.Fatal(err)
			}
		}
		kept := func(want int) {
			t.Helper()
			var n int
			if err := db.QueryRow(t.Context(), "SELECT count(*) FROM process_message").Scan(&n); err != nil || n != want {
				t.Errorf("%d messages are kept, want %d; %v", n, want, err)
			}
		}
		start("c1")
		start("c2")
		leave("c1")
		kept(0)
		h.until("completed", func() bool { return h.completed == 1 })
		if v := h.view("c2"); v.Status != bpmn.Completed {
			t.Errorf("c2 is %s", v.Status)
		}
		start("c3")
		leave("c3")
		kept(1)
		start("c4")
		h.until("completed", func() bool { return h.completed == 2 })
	})
}

const slow = `<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0">
<bpmn:process id="slow" isExecutable="true">
 <bpmn:startEvent id="start"/>
 <bpmn:serviceTask id="ask"><bpmn:extensionElements><zeebe:taskDefinition type="ask"/></bpmn:extensionElements></bpmn:serviceTask>
 <bpmn:boundaryEvent id="late" attachedToRef="ask" cancelActivity="false"><bpmn:timerEventDefinition><bpmn:timeDuration>PT0.2S</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>
 <bpmn:intermediateThrowEvent id="patience" name="patience"/><bpmn:endEvent id="end"/><bpmn:endEvent id="end2"/>
 <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="ask"/><bpmn:sequenceFlow id="f2" sourceRef="ask" targetRef="end"/>
 <bpmn:sequenceFlow id="f3" sourceRef="late" targetRef="patience"/><bpmn:sequenceFlow id="f4" sourceRef="patience" targetRef="end2"/>
</bpmn:process></bpmn:definitions>`

// A service outside doesn't answer, and more cases ask it than are worked on at once: the
// timers fire all the same.
func TestASilentServiceHoldsUpNoTimer(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
		defer cancel()
		queue, err := job.NewQueue(job.Config{DB: db})
		if err != nil {
			t.Fatal(err)
		}
		fired, answer := make(chan string, 100), make(chan bool)
		engine, err := process.New(process.Config{DB: db, Jobs: queue,
			Handlers: []process.Handler{{Type: "ask", Async: func(context.Context, process.Work) (process.Effect, error) {
				<-answer
				return nil, nil
			}}},
			Hooks: process.Hooks{Milestone: func(_ context.Context, tx *store.Tx, c process.Ref, name string, _ map[string]string) error {
				tx.AfterCommit(func() { fired <- c.CaseID })
				return nil
			}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := queue.Register(engine.Workers()...); err != nil {
			t.Fatal(err)
		}
		def, err := bpmn.Parse("slow.bpmn", []byte(slow))
		if err != nil {
			t.Fatal(err)
		}
		const cases = 12
		for i := range cases {
			if err := db.Write(ctx, func(tx *store.Tx) error {
				_, err := engine.Start(ctx, tx, def, process.StartParams{CaseID: fmt.Sprint("c", i)})
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		ended := make(chan bool)
		go func() { queue.Run(ctx); close(ended) }()
		for i := range cases {
			select {
			case <-fired:
			case <-ctx.Done():
				t.Errorf("only %d of %d timers fired", i, cases)
			}
			if t.Failed() {
				break
			}
		}
		close(answer)
		cancel()
		<-ended
	})
}
