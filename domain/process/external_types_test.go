// SPDX-License-Identifier: EUPL-1.2

package process_test

import (
	"fmt"
	"testing"
	"time"

	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/process"
)

func TestExternalTypes(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := openHouse(t, db)
		see := func(a access.Actor, action, resource string) []process.ExternalType {
			t.Helper()
			g := accesstest.Grant(t, h.check, access.Request{Actor: a, Action: action, Resource: resource})
			list, err := h.engine.ExternalTypes(t.Context(), g)
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		operator := func() []process.ExternalType { return see(incidentOperator(), access.List, "incident") }
		told := func(x process.ExternalType) string {
			age := time.Duration(-1)
			if !x.Oldest.IsZero() {
				age = h.clock().Sub(x.Oldest)
			}
			var clients []string
			for _, c := range x.Clients {
				clients = append(clients, c.Client)
			}
			return fmt.Sprintf("%s waiting %d since %s locked %d failed %d by %v clients %v", x.Type, x.Waiting, age, x.Locked, x.Failed, x.Holders, clients)
		}
		if l := operator(); len(l) != 0 {
			t.Errorf("%+v", l)
		}
		h.startPrints("c1", 2, "3")
		h.pass(time.Hour)
		h.startPrints("c2", 3, "3")
		if l := operator(); len(l) != 1 || told(l[0]) != "external.print waiting 5 since 1h0m0s locked 0 failed 0 by [] clients []" {
			t.Errorf("%s", told(l[0]))
		}
		p1, p2 := printer("p1"), printer("p2")
		g1, g2 := h.jobGrant(p1), h.jobGrant(p2)
		take := func(g access.Grant, n int) []process.ExternalJob {
			t.Helper()
			l, err := h.engine.TakeJobs(t.Context(), g, process.Take{N: n, Lock: 10 * time.Minute})
			if err != nil || len(l) != n {
				t.Fatal(err, len(l))
			}
			return l
		}
		first := take(g1, 3) // both of c1 and one of c2
		take(g2, 1)
		if l := operator(); told(l[0]) != "external.print waiting 1 since 0s locked 4 failed 0 by [{p1 3} {p2 1}] clients [p1 p2]" {
			t.Errorf("%s", told(l[0]))
		}
		if err := h.engine.FailJob(t.Context(), g1, first[0].ID, first[0].Lock, process.Failure{Reason: "jam", Pause: time.Hour}); err != nil {
			t.Fatal(err)
		}
		if l := operator(); told(l[0]) != "external.print waiting 2 since 1h0m0s locked 3 failed 1 by [{p1 2} {p2 1}] clients [p1 p2]" {
			t.Errorf("%s", told(l[0]))
		}
		h.pass(11 * time.Minute) // the locks have run out: whoever asks may have it
		if l := operator(); told(l[0]) != "external.print waiting 5 since 1h11m0s locked 0 failed 1 by [] clients [p1 p2]" {
			t.Errorf("%s", told(l[0]))
		}
		// A program sees its own types, and nobody else; tied to another office, nothing of this one.
		if l := see(p1, access.Read, "job"); len(l) != 1 || told(l[0]) != "external.print waiting 5 since 1h11m0s locked 0 failed 1 by [] clients []" {
			t.Errorf("%+v", l)
		}
		other := printer("p3")
		other.Office = "21"
		if l := see(other, access.Read, "job"); len(l) != 1 || told(l[0]) != "external.print waiting 0 since -1ns locked 0 failed 0 by [] clients []" {
			t.Errorf("%+v", l)
		}
		scan := printer("p4")
		scan.Roles = []string{"jobs:work", "job:external.scan"}
		if l := see(scan, access.Read, "job"); len(l) != 1 || l[0].Type != "external.scan" {
			t.Errorf("%+v", l)
		}
		numbers, err := h.engine.WorkNumbers(t.Context())
		if err != nil || len(numbers) != 1 || told(numbers[0]) != "external.print waiting 5 since 1h11m0s locked 0 failed 1 by [] clients []" {
			t.Errorf("%v %+v", err, numbers)
		}
		// A million would be counted as far as this.
		h.write(func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `INSERT INTO process_work (id, instance_id, token, type, office, retries, attempt, due_at, lock, worker, created_at)
				WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
				SELECT 'x' || CAST(i AS TEXT), 'x' || CAST(i AS TEXT), 't', 'external.much', '32', 3, 1, 1, '', '', 1 FROM n`)
			return err
		})
		if x := operator()[0]; x.Type != "external.much" || !x.More || x.Waiting != process.WorkCountLimit || x.Failed != process.WorkCountLimit {
			t.Errorf("%+v", x)
		}
	})
}
