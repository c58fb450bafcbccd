// SPDX-License-Identifier: EUPL-1.2

package casefile_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/bus"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/casefile"
)

type room struct {
	t     *testing.T
	db    *store.DB
	file  *casefile.File
	check *access.Checker
}

func open(t *testing.T, db *store.DB) *room {
	t.Helper()
	outbox, err := bus.New(bus.Config{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	return &room{t: t, db: db, check: accesstest.AllowAll(t, db), file: &casefile.File{DB: db, Outbox: outbox, Now: func() time.Time { now = now.Add(time.Second); return now }}}
}

func rooms() []store.Migrations {
	return []store.Migrations{audit.Migrations(), bus.Migrations(), casefile.Migrations()}
}

func (r *room) write(f func(tx *store.Tx) error) error {
	return r.db.Write(context.Background(), f)
}

func (r *room) begin(who access.Actor, origin string) (casefile.Case, bool, error) {
	ctx := context.Background()
	g := accesstest.Grant(r.t, r.check, access.Request{Actor: who, Action: access.Submit, Resource: "case", Owner: who.ID})
	var c casefile.Case
	var fresh bool
	err := r.write(func(tx *store.Tx) error {
		var err error
		o := casefile.Opening{Service: "s", Version: "v", Office: "32", Person: who.ID, PersonName: who.Name, Channel: "online", Lang: "de", Origin: origin, Application: json.RawMessage(`{"a":1}`)}
		if who.Kind == access.Machine {
			o.Client = who.ID
		}
		c, fresh, err = r.file.Open(ctx, tx, g, o)
		return err
	})
	return c, fresh, err
}

// One origin, one case, however often it is sent; nobody meets another's case by it.
func TestOneCaseForEachOrigin(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		r := open(t, db)
		first, fresh, err := r.begin(accesstest.Anna(), "draft-1")
		if err != nil || !fresh {
			t.Fatalf("%v %v", fresh, err)
		}
		again, fresh, err := r.begin(accesstest.Anna(), "draft-1")
		if err != nil || fresh || again.ID != first.ID {
			t.Errorf("the second time: %v %v %v", again.ID == first.ID, fresh, err)
		}
		if _, _, err := r.begin(accesstest.Bora(), "draft-1"); !fault.Is(err, fault.NotFound) {
			t.Errorf("somebody else with the same origin: %v", err)
		}
	})
}

// The query itself keeps others out, even when a policy lets everything pass.
func TestOnlyTheirOwn(t *testing.T) {
	ctx := context.Background()
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		r := open(t, db)
		var annas []casefile.Case
		for i := range 5 {
			c, _, err := r.begin(accesstest.Anna(), fmt.Sprint("a", i))
			if err != nil {
				t.Fatal(err)
			}
			annas = append(annas, c)
		}
		if _, _, err := r.begin(accesstest.Bora(), "b"); err != nil {
			t.Fatal(err)
		}
		machine := access.Actor{Kind: access.Machine, ID: "erp", Office: "32"}
		if _, _, err := r.begin(machine, "m"); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			who  access.Actor
			sees bool
			list int
		}{
			{accesstest.Anna(), true, 5}, {accesstest.Bora(), false, 1}, {accesstest.Clerk("32"), true, 7}, {accesstest.Clerk("21"), false, 0}, {machine, false, 1},
		} {
			read := accesstest.Grant(t, r.check, access.Request{Actor: c.who, Action: access.Read, Resource: "case"})
			_, err := r.file.Get(ctx, read, annas[0].ID)
			if c.sees && err != nil || !c.sees && !fault.Is(err, fault.NotFound) {
				t.Errorf("%s of %s reads Anna's case: %v", c.who.Kind, c.who.Office, err)
			}
			list := accesstest.Grant(t, r.check, access.Request{Actor: c.who, Action: access.List, Resource: "case"})
			var seen []string
			var after casefile.After
			for {
				page, err := r.file.List(ctx, list, after, 2)
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range page {
					seen = append(seen, x.ID)
					after = casefile.After{OpenedAt: x.OpenedAt, ID: x.ID}
				}
				if len(page) < 2 {
					break
				}
			}
			if len(seen) != c.list {
				t.Errorf("%s of %s lists %d cases, want %d", c.who.Kind, c.who.Office, len(seen), c.list)
			}
		}
		if _, err := r.file.Get(ctx, access.Grant{}, annas[0].ID); err == nil {
			t.Error("a case was read without a grant")
		}
	})
}

// A closed case doesn't change any more, and what is internal stays with the office.
func TestTheFile(t *testing.T) {
	ctx := context.Background()
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		r := open(t, db)
		c, _, err := r.begin(accesstest.Anna(), "d")
		if err != nil {
			t.Fatal(err)
		}
		err = r.write(func(tx *store.Tx) error {
			if err := r.file.SetStatus(ctx, tx, c.ID, casefile.Text{"de": "In Prüfung"}); err != nil {
				return err
			}
			if err := r.file.AddEntry(ctx, tx, casefile.Entry{CaseID: c.ID, Kind: casefile.Note, Title: casefile.Text{"de": "Vermerk"}, Internal: true}); err != nil {
				return err
			}
			if err := r.file.AddRuling(ctx, tx, casefile.Ruling{CaseID: c.ID, Decision: "eligibility", Outcome: json.RawMessage(`"yes"`), Rules: []casefile.Rule{{ID: "r1", Law: "§ 45 StVO"}}}); err != nil {
				return err
			}
			if err := r.file.SetOutcome(ctx, tx, c.ID, casefile.Granted); err != nil {
				return err
			}
			return r.file.Close(ctx, tx, c.ID)
		})
		if err != nil {
			t.Fatal(err)
		}
		for name, change := range map[string]func(tx *store.Tx) error{
			"outcome":     func(tx *store.Tx) error { return r.file.SetOutcome(ctx, tx, c.ID, casefile.Refused) },
			"application": func(tx *store.Tx) error { return r.file.SetApplication(ctx, tx, c.ID, json.RawMessage(`{}`)) },
		} {
			if err := r.write(change); !fault.Is(err, fault.Conflict) {
				t.Errorf("%s of a closed case: %v", name, err)
			}
		}
		if err := r.write(func(tx *store.Tx) error { return r.file.Close(ctx, tx, c.ID) }); err != nil {
			t.Errorf("closing twice: %v", err)
		}
		for who, want := range map[access.Kind]int{access.Resident: 2, access.Clerk: 3} {
			actor := accesstest.Anna()
			if who == access.Clerk {
				actor = accesstest.Clerk("32")
			}
			g := accesstest.Grant(t, r.check, access.Request{Actor: actor, Action: access.Read, Resource: "case"})
			got, err := r.file.Get(ctx, g, c.ID)
			if err != nil || got.State != casefile.Closed || got.Outcome != casefile.Granted || got.Status.For("tr") != "In Prüfung" {
				t.Fatalf("%+v %v", got, err)
			}
			entries, err := r.file.Entries(ctx, g, got)
			if err != nil || len(entries) != want {
				t.Errorf("%s sees %d entries, want %d: %v", who, len(entries), want, err)
			}
			rulings, err := r.file.Rulings(ctx, g, got)
			if err != nil || len(rulings) != 1 || rulings[0].Rules[0].Law != "§ 45 StVO" {
				t.Errorf("%+v %v", rulings, err)
			}
		}
	})
}
