// SPDX-License-Identifier: EUPL-1.2

package intake_test

import (
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/store"
	"mercator/domain/intake"
	"mercator/domain/intake/intaketest"
)

func TestSomebodyHelps(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, bora := t.Context(), accesstest.Anna(), accesstest.Bora()
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking))
		code := must[string](t)(h.Intake.Invite(ctx, anna, d.ID))
		if _, err := h.Intake.Draft(ctx, bora, d.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("before the invitation is taken up: %v", err)
		}
		stored := must[[]string](t)(store.All(ctx, h.DB, func(s store.Scanner) (string, error) {
			var c string
			var b []byte
			err := s.Scan(&c, &b)
			return c + string(b), err
		}, "-- test.invitations\nSELECT code, names FROM intake_invitation"))
		if len(stored) != 1 || strings.Contains(stored[0], code) || strings.Contains(stored[0], "Anna") {
			t.Errorf("stored: %q", stored)
		}
		if _, err := h.Intake.Help(ctx, anna, code); !fault.Is(err, fault.Conflict) {
			t.Errorf("one's own: %v", err)
		}
		for _, wrong := range []string{"", "x", intake.NewGuest(), strings.Repeat("a", 1<<16)} {
			if _, err := h.Intake.Help(ctx, bora, wrong); !fault.Is(err, fault.NotFound) {
				t.Errorf("code %.10q: %v", wrong, err)
			}
		}
		acting := bora
		acting.Mandate, acting.For = "m", "person-x"
		if _, err := h.Intake.Help(ctx, acting, code); !fault.Is(err, fault.Denied) {
			t.Errorf("for somebody else: %v", err)
		}
		// Two with one link: one helps.
		carl := access.Actor{Kind: access.Resident, ID: "person-carl", Name: "Carl Peters", Level: access.Substantial}
		var wg sync.WaitGroup
		var first atomic.Value
		var n atomic.Int32
		for _, a := range []access.Actor{bora, carl, bora, carl} {
			wg.Go(func() {
				if id, err := h.Intake.Help(ctx, a, code); err == nil && id == d.ID {
					first.Store(a)
					n.Add(1)
				} else if !fault.Is(err, fault.NotFound) {
					t.Errorf("%v", err)
				}
			})
		}
		wg.Wait()
		if n.Load() != 1 {
			t.Fatalf("%d help", n.Load())
		}
		helper := first.Load().(access.Actor)
		other := carl
		if helper.ID == carl.ID {
			other = bora
		}
		if _, err := h.Intake.Draft(ctx, other, d.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("who came second: %v", err)
		}
		weak := helper
		weak.Level = access.Basic
		if _, err := h.Intake.Draft(ctx, weak, d.ID); !fault.Is(err, fault.StepUp) {
			t.Errorf("without a second factor: %v", err)
		}
		// Filling in, marked; nothing that is the owner's.
		save(t, h, helper, d, "person", url.Values{"_f": {"given_names", "family_name"}, "given_names": {"Ana"}, "family_name": {"Schmidt"}})
		if x := must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID)); x.Answers["given_names"] != "Ana" || x.Filled["given_names"] != helper.Name || x.Filled["family_name"] != helper.Name || x.Helper != "" {
			t.Errorf("%+v", x)
		}
		save(t, h, anna, d, "person", url.Values{"_f": {"given_names", "family_name"}, "given_names": {"Anna"}, "family_name": {"Schmidt"}})
		if x := must[intake.Draft](t)(h.Intake.Draft(ctx, helper, d.ID)); x.Answers["given_names"] != "Anna" || x.Filled["given_names"] != "" || x.Filled["family_name"] != helper.Name ||
			x.Helper != helper.ID || x.OwnerName != anna.Name {
			t.Errorf("%+v", x)
		}
		if err := h.Intake.Consent(ctx, helper, d.ID, true); !fault.Is(err, fault.Denied) || h.Fetched.Load() != 0 {
			t.Errorf("consents: %v", err)
		}
		if _, _, err := h.Intake.Submit(ctx, helper, d.ID, "de"); !fault.Is(err, fault.Denied) {
			t.Errorf("submits: %v", err)
		}
		if err := h.Intake.Discard(ctx, helper, d.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("discards: %v", err)
		}
		if _, err := h.Intake.Invite(ctx, helper, d.ID); !fault.Is(err, fault.Denied) {
			t.Errorf("passes it on: %v", err)
		}
		if l := must[[]intake.Draft](t)(h.Intake.Drafts(ctx, helper)); len(l) != 0 {
			t.Errorf("among the helper's own: %v", l)
		}
		if l := must[[]intake.Invitation](t)(h.Intake.Helping(ctx, helper)); len(l) != 1 || l[0].OwnerName != anna.Name || l[0].Draft != d.ID {
			t.Errorf("helping with %+v", l)
		}
		entries := must[[]audit.Entry](t)((&audit.Ledger{DB: h.DB}).ForPerson(ctx, anna.ID, "", 50))
		seen := map[string]bool{}
		for _, e := range entries {
			seen[e.ActorID+" "+e.Action+" "+e.Resource+" "+e.Outcome] = true
		}
		if !seen[helper.ID+" read invitation "+audit.Permitted] || !seen[helper.ID+" change invitation "+audit.Permitted] {
			t.Errorf("on record with the owner: %v", seen)
		}
		// It ends at the owner's word; nobody else's.
		l := must[[]intake.Invitation](t)(h.Intake.Invitations(ctx, anna, d.ID))
		if len(l) != 1 || !l[0].Taken() || l[0].HelperName != helper.Name {
			t.Fatalf("%+v", l)
		}
		if err := h.Intake.EndInvitation(ctx, other, l[0].ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("ended by a stranger: %v", err)
		}
		if err := h.Intake.EndInvitation(ctx, anna, l[0].ID); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Intake.Draft(ctx, helper, d.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("afterwards: %v", err)
		}
		if _, err := h.Intake.Save(ctx, helper, d.ID, "person", url.Values{"_f": {"given_names"}, "given_names": {"X"}}, "de"); !fault.Is(err, fault.NotFound) {
			t.Errorf("afterwards: %v", err)
		}
	})
}

func TestInvitationsEnd(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, bora := t.Context(), accesstest.Anna(), accesstest.Bora()
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking))
		// Withdrawn, too old, of a draft that is gone.
		code := must[string](t)(h.Intake.Invite(ctx, anna, d.ID))
		if err := h.Intake.EndInvitation(ctx, anna, must[[]intake.Invitation](t)(h.Intake.Invitations(ctx, anna, d.ID))[0].ID); err != nil {
			t.Fatal(err)
		}
		old := must[string](t)(h.Intake.Invite(ctx, anna, d.ID))
		taken := must[string](t)(h.Intake.Invite(ctx, anna, d.ID))
		if _, err := h.Intake.Help(ctx, bora, taken); err != nil {
			t.Fatal(err)
		}
		h.SetNow(h.Now().AddDate(0, 0, 4))
		young := must[string](t)(h.Intake.Invite(ctx, anna, d.ID))
		for what, c := range map[string]string{"withdrawn": code, "old": old, "used": taken} {
			if _, err := h.Intake.Invited(ctx, bora, c); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", what, err)
			}
		}
		for range 6 {
			must[string](t)(h.Intake.Invite(ctx, anna, d.ID))
		}
		if _, err := h.Intake.Invite(ctx, anna, d.ID); !fault.Is(err, fault.Conflict) {
			t.Errorf("the eleventh: %v", err)
		}
		if err := h.Intake.Discard(ctx, anna, d.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Intake.Draft(ctx, bora, d.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("of a draft that is gone: %v", err)
		}
		if _, err := h.Intake.Invited(ctx, bora, young); !fault.Is(err, fault.NotFound) {
			t.Errorf("of a draft that is gone: %v", err)
		}
		must[int64](t)(h.Intake.Sweep(ctx))
		if n := must[int](t)(store.One(ctx, h.DB, func(s store.Scanner) (n int, err error) { return n, s.Scan(&n) }, "-- test.count\nSELECT COUNT(*) FROM intake_invitation")); n != 0 {
			t.Errorf("%d stay", n)
		}
	})
}
