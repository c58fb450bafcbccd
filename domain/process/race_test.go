// SPDX-License-Identifier: EUPL-1.2

package process_test

import (
	"context"
	"testing"
	"time"

	"mercator/core/access/accesstest"
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
