// SPDX-License-Identifier: EUPL-1.2

package intake_test

import (
	"testing"
	"time"

	"mercator/base/fault"
	"mercator/core/access/accesstest"
	"mercator/domain/intake"
	"mercator/domain/intake/intaketest"
)

// TestAConsentIsTakenBack: what was agreed to is on record, can be taken back by whoever gave it, and then nothing is
// read again, neither for the draft nor for its case.
func TestAConsentIsTakenBack(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, bora := t.Context(), accesstest.Anna(), accesstest.Bora()
		list := func() []intake.Consent {
			t.Helper()
			return must[[]intake.Consent](t)(h.Intake.Consents(ctx, anna, "", 50))
		}
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking))
		if len(list()) != 0 {
			t.Error("a consent before anybody was asked")
		}
		agree := func(yes bool) {
			t.Helper()
			if err := h.Intake.Consent(ctx, anna, d.ID, yes); err != nil {
				t.Fatal(err)
			}
		}
		agree(true)
		first := list()
		if len(first) != 1 || first[0].Withdrawn() || len(first[0].Uses) != 2 || first[0].Uses[0].Basis == "" || first[0].Draft != d.ID {
			t.Fatalf("%+v", first)
		}
		if err := h.Intake.Withdraw(ctx, bora, first[0].ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("somebody else takes it back: %v", err)
		}
		for range 2 { // twice does no harm
			if err := h.Intake.Withdraw(ctx, anna, first[0].ID); err != nil {
				t.Fatal(err)
			}
		}
		d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		if d.Consent != intake.No || d.Registers != nil {
			t.Errorf("the draft keeps what it had fetched: %+v", d)
		}
		read := h.Fetched.Load()
		h.SetNow(h.Now().Add(48 * time.Hour))
		if _, _, err := h.Intake.Refresh(ctx, anna, d); err != nil || h.Fetched.Load() != read {
			t.Errorf("it reads again: %v", err)
		}
		agree(true)
		fill(t, h, anna, d.ID)
		caseID, errs, err := h.Intake.Submit(ctx, anna, d.ID, "de")
		if err != nil || len(errs) > 0 {
			t.Fatal(errs, err)
		}
		all := list()
		if len(all) != 2 || all[0].CaseID != caseID || all[0].Withdrawn() || !all[1].Withdrawn() {
			t.Fatalf("%+v", all)
		}
		holds := func(person string, want bool) {
			t.Helper()
			if ok, err := h.Intake.Consented(ctx, h.DB, caseID, person); ok != want || err != nil {
				t.Errorf("the case may read: %v %v, want %v", ok, err, want)
			}
		}
		holds(anna.ID, true)
		holds(bora.ID, false)
		if err := h.Intake.Withdraw(ctx, anna, all[0].ID); err != nil {
			t.Fatal(err)
		}
		holds(anna.ID, false)
		if n := len(h.Told(t)); n != 1 {
			t.Errorf("the file was told %d times", n)
		}

		// A consent ends with its draft.
		d = must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking))
		agree(true)
		if err := h.Intake.Discard(ctx, anna, d.ID); err != nil {
			t.Fatal(err)
		}
		d = must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking))
		agree(true)
		h.SetNow(h.Now().Add(100 * 24 * time.Hour))
		must[int64](t)(h.Intake.Sweep(ctx))
		for _, c := range list() {
			if !c.Withdrawn() {
				t.Errorf("it holds though its draft is gone: %+v", c)
			}
		}
		h.SetNow(h.Now().Add(4 * 366 * 24 * time.Hour))
		must[int64](t)(h.Intake.Sweep(ctx))
		if n := len(list()); n != 0 {
			t.Errorf("%d consents are kept for ever", n)
		}
	})
}
