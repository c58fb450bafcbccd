// SPDX-License-Identifier: EUPL-1.2

package process_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/process"
)

func incidentOperator() access.Actor {
	return access.Actor{Kind: access.Clerk, ID: "op", Name: "Olga Petrova", Office: "10", Roles: []string{"operator"}, Level: access.Substantial}
}

func (h *house) incidentGrant(a access.Actor, action, office string) access.Grant {
	h.t.Helper()
	return accesstest.Grant(h.t, h.check, access.Request{Actor: a, Action: action, Resource: "incident", Office: office})
}

func (h *house) groups(office string) []process.GroupCount {
	h.t.Helper()
	list, err := h.engine.IncidentGroups(h.t.Context(), h.incidentGrant(incidentOperator(), access.List, office))
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

// broken lets requests fail with the words that say returns; nil ends it.
func (h *house) broken(say func(caseID string) string) {
	h.request = func(_ context.Context, _ *store.Tx, w process.Work) error {
		if say == nil || say(w.CaseID) == "" {
			return nil
		}
		return fault.Because(fault.Invalid, "test", "", fmt.Errorf("%s", say(w.CaseID)))
	}
}

func TestIncidents(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := openHouse(t, db)
		read, list, change := h.incidentGrant(incidentOperator(), access.Read, ""), h.incidentGrant(incidentOperator(), access.List, ""), h.incidentGrant(incidentOperator(), access.Change, "")
		if got := h.groups(""); len(got) != 0 {
			t.Fatalf("%+v", got)
		}
		h.broken(func(id string) string {
			if strings.HasPrefix(id, "b") {
				return "no account for Anna"
			}
			return fmt.Sprintf("the account 4711-%s of \"Anna Müller\" is locked", id)
		})
		const many = 120
		for i := range many {
			h.start(fmt.Sprint("a", i), "granted")
		}
		h.start("b1", "granted")
		got := h.groups("")
		if len(got) != 2 || got[0].N != many || got[1].N != 1 || got[0].Service != "permit" || got[0].Element != "request" {
			t.Fatalf("%+v", got)
		}
		if c := got[0].Cause; strings.Contains(c, "4711") || strings.Contains(c, "Anna") || !strings.Contains(c, "the account … of … is locked") {
			t.Errorf("the cause is %q", c)
		}
		if len(h.groups("31")) != 2 || len(h.groups("99")) != 0 {
			t.Error("the office of the grant doesn't hold")
		}

		// The pages of a group, each incident once.
		seen := map[string]bool{}
		var first process.OpenIncident
		for after := ""; ; {
			page, err := h.engine.GroupIncidents(t.Context(), list, got[0].IncidentGroup, after, 50)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			for _, i := range page {
				if first.ID == "" {
					first = i
				}
				seen[i.ID] = true
				after = i.ID
			}
		}
		if len(seen) != many || first.CaseRef == "" || first.Office != "31" || !strings.Contains(first.Reason, "4711") {
			t.Errorf("%d incidents, %+v", len(seen), first)
		}
		if i, err := h.engine.Incident(t.Context(), read, first.ID); err != nil || i.Group() != got[0].IncidentGroup {
			t.Errorf("%+v %v", i, err)
		}
		if _, err := h.engine.Incident(t.Context(), h.incidentGrant(incidentOperator(), access.Read, "99"), first.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("an incident of another office: %v", err)
		}
		if v, err := h.engine.IncidentPlace(t.Context(), read, first.ID); err != nil || fmt.Sprint(v.Active) != "[request]" {
			t.Errorf("%v %v", v.Active, err)
		}

		// One that fails again is a new incident with the new reason, and it is on record who tried.
		h.broken(func(string) string { return "now the account is gone" })
		again, err := h.engine.RetryIncident(t.Context(), change, first.ID)
		if err != nil || again == "" {
			t.Fatalf("%q %v", again, err)
		}
		if i, err := h.engine.Incident(t.Context(), read, again); err != nil || !strings.Contains(i.Reason, "now the account is gone") || i.InstanceID != first.InstanceID {
			t.Errorf("%+v %v", i, err)
		}
		if i, err := h.engine.Incident(t.Context(), read, first.ID); err != nil || i.ResolvedBy != "op" || i.ResolvedAt.IsZero() {
			t.Errorf("%+v %v", i, err)
		}
		if _, err := h.engine.RetryIncident(t.Context(), change, first.ID); !fault.Is(err, fault.Conflict) {
			t.Errorf("tried twice: %v", err)
		}
		v := h.view(first.CaseID)
		if s := v.Steps[len(v.Steps)-1]; s.Event != "Retry" || s.ActorID != "op" || s.ActorKind != string(access.Clerk) {
			t.Errorf("on record: %+v", s)
		}

		// A selection: what isn't open any more has no turn, the others have one.
		h.broken(nil)
		page, err := h.engine.GroupIncidents(t.Context(), list, got[0].IncidentGroup, "", 2)
		if err != nil {
			t.Fatal(err)
		}
		ended := func(b process.BulkRetry) process.BulkRetry {
			t.Helper()
			h.until("the retry ends", func() bool {
				b, err = h.engine.BulkRetryOf(context.Background(), list, b.ID)
				return err != nil || b.State == process.Retried
			})
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		b, err := h.engine.RetryIncidents(t.Context(), change, process.IncidentGroup{}, []string{page[1].ID, first.ID, page[0].ID, page[0].ID})
		if err != nil {
			t.Fatal(err)
		}
		if b = ended(b); b.Total != 3 || b.Resolved != 2 || b.Gone != 1 || b.Tried() != 3 || b.By.ID != "op" {
			t.Errorf("%+v", b)
		}
		h.at(page[0].CaseID, "paid")

		// All of a group: what fails again, and what can't be tried at all, doesn't keep the others from their turn.
		h.broken(func(id string) string {
			if strings.HasSuffix(id, "9") {
				return fmt.Sprintf("the account 4712-%s of \"Anna Müller\" is locked", id) // the same group again
			}
			return ""
		})
		fails := h.request
		h.request = func(ctx context.Context, tx *store.Tx, w process.Work) error {
			if w.CaseID == "a50" {
				return fmt.Errorf("no space left")
			}
			return fails(ctx, tx, w)
		}
		if b, err = h.engine.RetryIncidents(t.Context(), change, got[0].IncidentGroup, nil); err != nil || b.Total != many-3 {
			t.Fatalf("%+v %v", b, err)
		}
		if b = ended(b); b.Again != 12 || b.Failed != 1 || b.Resolved != many-3-13 || b.Gone != 0 {
			t.Errorf("%+v", b)
		}
		if now := h.groups(""); len(now) != 3 || now[0].N != 13 {
			t.Errorf("left: %+v", now)
		}
		recent, err := h.engine.BulkRetries(t.Context(), list, 10)
		if err != nil || len(recent) != 2 || recent[0].ID != b.ID {
			t.Errorf("%+v %v", recent, err)
		}
		if _, err := h.engine.BulkRetryOf(t.Context(), h.incidentGrant(incidentOperator(), access.List, "99"), b.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("a retry of another office's: %v", err)
		}

		// What isn't there, and what nobody has granted.
		if _, err := h.engine.RetryIncidents(t.Context(), change, process.IncidentGroup{Service: "x"}, nil); !fault.Is(err, fault.Conflict) {
			t.Errorf("an empty group: %v", err)
		}
		if _, err := h.engine.RetryIncidents(t.Context(), change, process.IncidentGroup{}, []string{"x"}); !fault.Is(err, fault.Invalid) {
			t.Errorf("no id: %v", err)
		}
		if _, err := h.engine.RetryIncidents(t.Context(), list, got[0].IncidentGroup, nil); err == nil {
			t.Error("a grant to look retries")
		}
		if _, err := h.engine.IncidentGroups(t.Context(), h.grant(accesstest.Clerk("32"), access.List)); err == nil {
			t.Error("a grant for tasks shows incidents")
		}
	})
}

// Two nodes and two operators retry the same group at once: each incident has its turn once.
func TestTwoRetriesOfAGroup(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		a, b := openHouse(t, db), openHouse(t, db)
		var fixed atomic.Bool
		var tries sync.Map
		for _, h := range []*house{a, b} {
			h.request = func(_ context.Context, tx *store.Tx, w process.Work) error {
				if !fixed.Load() {
					return fault.New(fault.Invalid, "test", "")
				}
				tx.AfterCommit(func() {
					n, _ := tries.LoadOrStore(w.CaseID, new(atomic.Int64))
					n.(*atomic.Int64).Add(1)
				})
				return nil
			}
		}
		const many = 60
		for i := range many {
			a.start(fmt.Sprint("a", i), "granted")
		}
		group := a.groups("")[0].IncidentGroup
		fixed.Store(true)
		var bulk [2]process.BulkRetry
		for n, h := range []*house{a, b} {
			var err error
			if bulk[n], err = h.engine.RetryIncidents(t.Context(), h.incidentGrant(incidentOperator(), access.Change, ""), group, nil); err != nil {
				t.Fatal(err)
			}
		}
		resolved := 0
		for _, x := range bulk {
			var err error
			g := a.incidentGrant(incidentOperator(), access.List, "")
			a.until("the retry ends", func() bool {
				x, err = a.engine.BulkRetryOf(context.Background(), g, x.ID)
				return err != nil || x.State == process.Retried
			})
			if err != nil || x.Failed != 0 || x.Again != 0 {
				t.Errorf("%+v %v", x, err)
			}
			resolved += x.Resolved
		}
		if resolved != many {
			t.Errorf("%d of %d went on", resolved, many)
		}
		for i := range many {
			n, ok := tries.Load(fmt.Sprint("a", i))
			if !ok || n.(*atomic.Int64).Load() != 1 {
				t.Errorf("a%d had not one turn", i)
			}
		}
	})
}

// Incidents from before causes were masked quote their reasons: they are masked once, in pieces.
func TestOldCausesAreMasked(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := openHouse(t, db)
		h.broken(func(id string) string { return "the account of \"Anna Müller\" is locked, says case " + id })
		const many = 503
		for i := range many {
			h.start(fmt.Sprint("a", i), "granted")
		}
		h.write(func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), "UPDATE process_incident SET cause = substr(reason, 1, 200), masked = 0")
			return err
		})
		if got := h.groups(""); len(got) < 2 || !strings.Contains(got[0].Cause, "Anna") {
			t.Fatalf("%d groups: the test has no old causes", len(got))
		}
		for range 2 {
			if err := h.engine.MaskCauses(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := h.groups(""); len(got) != 1 || got[0].N != many || strings.Contains(got[0].Cause, "Anna") {
			t.Errorf("%+v", got)
		}
	})
}
