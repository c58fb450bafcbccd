// SPDX-License-Identifier: EUPL-1.2

package intake_test

import (
	"testing"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/domain/intake"
	"mercator/domain/intake/intaketest"
)

// empowered is Bora, who acts for Anna under a mandate of these actions.
func empowered(h *intaketest.House, id string, actions ...string) access.Actor {
	anna, bora := accesstest.Anna(), accesstest.Bora()
	h.Empower(bora.ID, access.Mandate{ID: id, Kind: "authorised", Person: anna.ID, Actions: actions, Services: []string{parking}})
	bora.Mandate, bora.For, bora.ForName = id, anna.ID, anna.Name
	return bora
}

// TestADelegateAppliesForAnother: the application, the case and the consent are the person's, who acted is on record, and what
// isn't done for anybody else is refused.
func TestADelegateAppliesForAnother(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, bora := t.Context(), accesstest.Anna(), accesstest.Bora()
		acting := empowered(h, "mandate-1", "fill", "submit", "registers")
		consents := func(a access.Actor) []intake.Consent {
			t.Helper()
			return must[[]intake.Consent](t)(h.Intake.Consents(ctx, a, "", 50))
		}

		d := must[intake.Draft](t)(h.Intake.Start(ctx, acting, parking))
		if d.Owner != anna.ID || d.Mandate != "mandate-1" || d.By != bora.Name {
			t.Fatalf("%+v", d)
		}
		if own := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking)); own.ID == d.ID {
			t.Error("who acts for her goes on with what she has typed herself")
		}
		if _, err := h.Intake.Draft(ctx, bora, d.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("the delegate has her draft as their own: %v", err)
		}
		agree := func(a access.Actor, id string) {
			t.Helper()
			if err := h.Intake.Consent(ctx, a, id, true); err != nil {
				t.Fatal(err)
			}
		}
		agree(acting, d.ID)
		if list := consents(bora); len(list) != 0 {
			t.Errorf("the consent is the delegate's: %+v", list)
		}
		if list := consents(anna); len(list) != 1 || list[0].Owner != anna.ID || list[0].Mandate != "mandate-1" || list[0].By != bora.Name || list[0].Withdrawn() {
			t.Fatalf("%+v", list)
		}

		// What is thrown away takes its consent along at once.
		if err := h.Intake.Discard(ctx, acting, d.ID); err != nil {
			t.Fatal(err)
		}
		if list := consents(anna); len(list) != 1 || !list[0].Withdrawn() {
			t.Errorf("the consent outlives its draft: %+v", list)
		}

		// What is handed over takes its consent along to the case, and she takes it back.
		d = must[intake.Draft](t)(h.Intake.Start(ctx, acting, parking))
		agree(acting, d.ID)
		fill(t, h, acting, d.ID)
		caseID, errs, err := h.Intake.Submit(ctx, acting, d.ID, "de")
		if err != nil || len(errs) > 0 {
			t.Fatal(errs, err)
		}
		var person string
		if err := h.DB.QueryRow(ctx, "SELECT person FROM cases_case").Scan(&person); err != nil || person != anna.ID {
			t.Errorf("the case is of %q: %v", person, err)
		}
		list := consents(anna)
		if len(list) != 2 || list[0].CaseID != caseID || list[0].Withdrawn() {
			t.Fatalf("the case has no consent: %+v", list)
		}
		holds := func(want bool) {
			t.Helper()
			if ok, err := h.Intake.Consented(ctx, h.DB, caseID, anna.ID); ok != want || err != nil {
				t.Errorf("the case may read: %v %v, want %v", ok, err, want)
			}
		}
		holds(true)
		for who, a := range map[string]access.Actor{"acting": acting, "in their own right": bora} {
			if err := h.Intake.Withdraw(ctx, a, list[0].ID); err == nil {
				t.Errorf("the delegate, %s, takes her consent back", who)
			}
		}
		if _, err := h.Intake.Consents(ctx, acting, "", 50); !fault.Is(err, fault.Denied) {
			t.Errorf("who acts for another is shown consents: %v", err)
		}
		holds(true)
		if err := h.Intake.Withdraw(ctx, anna, list[0].ID); err != nil {
			t.Fatal(err)
		}
		holds(false)
		if told := h.Told(t); len(told) != 1 {
			t.Errorf("the file was told %v", told)
		}

		// The ledger says who acted, under what, and that it's about her.
		entries := must[[]audit.Entry](t)((&audit.Ledger{DB: h.DB}).UnderMandate(ctx, "mandate-1", anna.ID, "g", 200))
		did := map[string]bool{}
		for _, e := range entries {
			if e.ActorID != bora.ID || e.ActorName != bora.Name || e.Mandate != "mandate-1" {
				t.Errorf("%+v", e)
			}
			did[e.Action+" "+e.Resource] = true
		}
		for _, want := range []string{"change draft", "submit case", "read register:residents"} {
			if !did[want] {
				t.Errorf("%q is not on record: %v", want, did)
			}
		}
	})
}

// TestADelegateWithoutRegisters: where the mandate doesn't cover what registers hold, nothing is read, no consent is given, and
// a draft into which the person has let them be read is closed to the delegate.
func TestADelegateWithoutRegisters(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		acting := empowered(h, "mandate-2", "fill", "submit")
		d := must[intake.Draft](t)(h.Intake.Start(ctx, acting, parking))
		if err := h.Intake.Consent(ctx, acting, d.ID, true); !fault.Is(err, fault.Denied) {
			t.Errorf("registers are read: %v", err)
		}
		if h.Fetched.Load() != 0 || len(must[[]intake.Consent](t)(h.Intake.Consents(ctx, anna, "", 9))) != 0 {
			t.Error("something was read, or agreed to")
		}
		if err := h.Intake.Consent(ctx, acting, d.ID, false); err != nil {
			t.Errorf("without registers it doesn't go on: %v", err)
		}
		if err := h.Intake.Consent(ctx, anna, d.ID, true); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Intake.Draft(ctx, acting, d.ID); !fault.Is(err, fault.Denied) {
			t.Errorf("the delegate sees what registers hold: %v", err)
		}
	})
}

// TestAMandateEndsWhileSomebodyFillsIn: nothing of what is done after the revocation stays, and the person goes on with the draft.
func TestAMandateEndsWhileSomebodyFillsIn(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		acting := empowered(h, "mandate-3", "fill", "submit")
		d := must[intake.Draft](t)(h.Intake.Start(ctx, acting, parking))
		if err := h.Intake.Consent(ctx, acting, d.ID, false); err != nil {
			t.Fatal(err)
		}
		h.Empower(acting.ID, access.Mandate{ID: "mandate-3"})
		if _, err := h.Intake.Draft(ctx, acting, d.ID); !fault.Is(err, fault.Denied) {
			t.Errorf("reads: %v", err)
		}
		if err := h.Intake.Discard(ctx, acting, d.ID); !fault.Is(err, fault.Denied) {
			t.Errorf("throws away: %v", err)
		}
		if _, _, err := h.Intake.Submit(ctx, acting, d.ID, "de"); !fault.Is(err, fault.Denied) {
			t.Errorf("hands over: %v", err)
		}
		if _, err := h.Intake.Start(ctx, acting, parking); !fault.Is(err, fault.Denied) {
			t.Errorf("begins: %v", err)
		}
		if got := must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID)); got.State != intake.Open {
			t.Errorf("%+v", got)
		}
		if len(h.Cases(t)) != 0 {
			t.Error("a case")
		}
	})
}
