// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"slices"
	"testing"
	"time"

	"mercator/core/access"
	"mercator/core/audit"
	"mercator/core/store"
	"mercator/domain/casefile"
)

// A card is kept five years after it expired, then the house erases it by itself, on the next day and once; not while a case of
// the person works with that register. The person reads in "my data" that it was erased, and why.
func TestTheHouseErasesWhatIsOver(t *testing.T) {
	ctx := context.Background()
	eachOnceHouse(t, contentDir, func(t *testing.T, o *onceHouse) {
		anna, _ := o.resident("anna-schmidt")
		o.card("T11111111", anna.ID, "2027-03-31")
		cards := func() (n int) {
			t.Helper()
			if err := o.db.QueryRow(ctx, "SELECT COUNT(*) FROM register_record WHERE register = 'identity_documents' AND person = $1", anna.ID).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		// at is the work of a day, as a running house does it.
		at := func(now time.Time) int {
			t.Helper()
			*o.clock = now
			run, stop := context.WithCancel(ctx)
			ended := make(chan error, 1)
			go func() { ended <- o.keepRetention(run) }()
			for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
				if err := o.jobs.Drain(ctx); err != nil {
					t.Fatal(err)
				}
				if done, err := o.registers.ForgotToday(ctx); err != nil || time.Since(began) > 30*time.Second {
					t.Fatalf("the work of the day isn't done: %v", err)
				} else if done {
					break
				}
			}
			stop()
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			return cards()
		}
		if n := cards(); n != 2 {
			t.Fatalf("%d cards before, want the one of the sample, which expires earlier, and this one", n)
		}
		if n := at(time.Date(2032, 3, 31, 23, 59, 0, 0, o.zone)); n != 1 {
			t.Errorf("%d cards on the last day of the second, want 1", n)
		}
		var c casefile.Case
		if err := o.db.Write(ctx, func(tx *store.Tx) error {
			s, ok := o.services.Current("identity-card")
			if !ok {
				t.Fatal("there is no such service")
			}
			g, err := o.access.PermitTx(ctx, tx, access.Request{Actor: access.SystemActor("process"), Action: access.Submit, Resource: "case", Purpose: s.ID, Basis: s.Basis(),
				Service: s.ID, Office: s.Office, Owner: anna.ID})
			if err != nil {
				return err
			}
			c, _, err = o.cases.Open(ctx, tx, g, casefile.Opening{Service: s.ID, Version: s.Version, Office: s.Office, Person: anna.ID, PersonName: "Anna", Channel: casefile.Event, Lang: "de",
				Origin: "test", Application: []byte("{}")})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if n := at(time.Date(2032, 4, 1, 0, 1, 0, 0, o.zone)); n != 1 {
			t.Errorf("%d cards, want 1: a case works with it", n)
		}
		if err := o.db.Write(ctx, func(tx *store.Tx) error { return o.cases.Close(ctx, tx, c.ID) }); err != nil {
			t.Fatal(err)
		}
		o.restart()
		if n := at(time.Date(2032, 4, 2, 0, 1, 0, 0, o.zone)); n != 0 {
			t.Errorf("%d cards are left after the case", n)
		}
		g, err := o.own(ctx, anna, access.Read, "ledger")
		if err != nil {
			t.Fatal(err)
		}
		list, err := o.access.WhoRead(ctx, g, "", 200)
		if err != nil {
			t.Fatal(err)
		}
		erased := slices.DeleteFunc(list, func(e audit.Entry) bool { return e.Action != access.Erase })
		if len(erased) != 2 || erased[0].Resource != "register:identity_documents" || erased[0].Purpose != "retention" || erased[0].Basis != "§ 23 Absatz 4 PAuswG" {
			t.Errorf("on record: %+v", erased)
		}
	})
}
