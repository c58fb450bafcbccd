// SPDX-License-Identifier: EUPL-1.2

package intake_test

import (
	"net/url"
	"slices"
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

// records are the accesses of an actor that are on record with a person.
func records(t testing.TB, h *intaketest.House, person, actor string) (out []string) {
	t.Helper()
	for _, e := range must[[]audit.Entry](t)((&audit.Ledger{DB: h.DB}).ForPerson(t.Context(), person, "", 200)) {
		if e.ActorID == actor && e.Outcome == audit.Permitted {
			out = append(out, e.Action+" "+e.Service)
		}
	}
	return out
}

func TestSomebodyHelpsWithALifeEvent(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, bora := t.Context(), accesstest.Anna(), accesstest.Bora()
		// What she has begun alone stays hers alone until she takes it in.
		alone := must[intake.Draft](t)(h.Intake.Start(ctx, anna, care))
		save(t, h, anna, alone, "child", post("child_given_names", "Lea"))
		w := moved(t, h, anna, parking, dog)
		id := w.Bundle.ID
		if err := h.Intake.ConsentAll(ctx, anna, id, false); err != nil {
			t.Fatal(err)
		}
		code := must[string](t)(h.Intake.InviteToEvent(ctx, anna, id))
		if x := must[intake.Invitation](t)(h.Intake.Invited(ctx, bora, code)); x.Event != "moved" || x.Draft != "" || x.OwnerName != anna.Name {
			t.Errorf("%+v", x)
		}
		if _, err := h.Intake.Bundled(ctx, bora, id, "de"); !fault.Is(err, fault.NotFound) {
			t.Errorf("before it is taken up: %v", err)
		}
		if _, err := h.Intake.InviteToEvent(ctx, bora, id); !fault.Is(err, fault.NotFound) {
			t.Errorf("invited by a stranger: %v", err)
		}
		if d := must[string](t)(h.Intake.Help(ctx, bora, code)); d != "" {
			t.Errorf("into the draft %s", d)
		}
		if l := must[[]intake.Invitation](t)(h.Intake.Helping(ctx, bora)); len(l) != 1 || l[0].Bundle != id || l[0].Event != "moved" || l[0].OwnerName != anna.Name {
			t.Errorf("helping with %+v", l)
		}
		weak := bora
		weak.Level = access.Basic
		if _, err := h.Intake.Bundled(ctx, weak, id, "de"); !fault.Is(err, fault.StepUp) {
			t.Errorf("without a second factor: %v", err)
		}
		carl := access.Actor{Kind: access.Resident, ID: "person-carl", Name: "Carl Peters", Level: access.Substantial}
		for _, d := range w.Parts {
			if _, err := h.Intake.Draft(ctx, carl, d.Draft.ID); !fault.Is(err, fault.NotFound) {
				t.Errorf("a stranger reads %s: %v", d.Service.ID, err)
			}
		}
		// All its drafts, each on record by its service; nothing that the owner has begun alone.
		if theirs := bundled(t, h, bora, id); len(theirs.Parts) != 3 || theirs.Bundle.Helper != bora.ID || partOf(t, theirs, dog).Draft.OwnerName != anna.Name {
			t.Errorf("%+v", theirs.Bundle)
		}
		seen := records(t, h, anna.ID, bora.ID)
		for _, s := range []string{moving, parking, dog} {
			if !slices.Contains(seen, "read "+s) {
				t.Errorf("on record: %v", seen)
			}
		}
		if _, err := h.Intake.Draft(ctx, bora, alone.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("what was begun alone: %v", err)
		}
		// What is written is in all drafts, marked wherever it is asked.
		first := partOf(t, w, moving).Draft
		save(t, h, bora, first, "new", post("new_street", "Müllerstraße", "new_house_number", "12a"))
		save(t, h, bora, partOf(t, w, parking).Draft, "address", post("postcode", "47169"))
		if !slices.Contains(records(t, h, anna.ID, bora.ID), "change "+moving) {
			t.Errorf("on record: %v", records(t, h, anna.ID, bora.ID))
		}
		w = bundled(t, h, anna, id)
		if d, other := partOf(t, w, moving).Draft, partOf(t, w, dog).Draft; d.Answers["new_street"] != "Müllerstraße" || d.Filled["new_street"] != bora.Name || d.Helper != "" ||
			other.Answers["street"] != "Müllerstraße" || other.Filled["street"] != bora.Name || other.Filled["postcode"] != bora.Name {
			t.Errorf("%v %v\n%v %v", d.Answers, d.Filled, other.Answers, other.Filled)
		}
		save(t, h, anna, partOf(t, w, parking).Draft, "address", post("postcode", "47170"))
		w = bundled(t, h, anna, id)
		if d, other := partOf(t, w, parking).Draft, partOf(t, w, dog).Draft; d.Filled["postcode"] != "" || other.Filled["postcode"] != "" || other.Answers["postcode"] != "47170" {
			t.Errorf("marked though the owner wrote it: %v %v", d.Filled, other.Filled)
		}
		// Nothing that is the owner's.
		part := partOf(t, w, dog).Draft
		_, _, alone1 := h.Intake.Submit(ctx, bora, part.ID, "de")
		_, all := h.Intake.SubmitAll(ctx, bora, id, "de")
		_, on := h.Intake.Invite(ctx, bora, part.ID)
		for what, err := range map[string]error{"submit": all, "submit one": alone1, "consent": h.Intake.ConsentAll(ctx, bora, id, true), "pass on": on} {
			if !fault.Is(err, fault.Denied) {
				t.Errorf("%s: %v", what, err)
			}
		}
		for what, err := range map[string]error{"choose": h.Intake.Choose(ctx, bora, id, map[string]bool{dog: false}), "discard": h.Intake.DiscardBundle(ctx, bora, id)} {
			if !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if err := h.Intake.Discard(ctx, bora, part.ID); err == nil {
			t.Error("a part is thrown away")
		}
		if _, err := h.Intake.Invite(ctx, anna, part.ID); message(err) != "intake.bundle.noHelp" {
			t.Errorf("to help with a part: %v", err)
		}
		// What she takes out is none of the helper's business; what she takes in is, with what was typed alone.
		choose := func(service string, wanted bool) {
			t.Helper()
			if err := h.Intake.Choose(ctx, anna, id, map[string]bool{service: wanted}); err != nil {
				t.Fatal(err)
			}
		}
		choose(dog, false)
		if _, err := h.Intake.Draft(ctx, bora, part.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("what rests: %v", err)
		}
		if _, err := h.Intake.Save(ctx, bora, part.ID, "dog", post("dog_name", "Rex"), "de"); !fault.Is(err, fault.NotFound) {
			t.Errorf("what rests: %v", err)
		}
		choose(care, true)
		if theirs := bundled(t, h, bora, id); len(theirs.Parts) != 2 { // the helper begins nothing, and takes nothing in
			t.Errorf("%d parts", len(theirs.Parts))
		}
		if d := must[intake.Draft](t)(h.Intake.Draft(ctx, anna, alone.ID)); d.Bundle != "" {
			t.Error("a helper's look has taken in what the owner has begun alone")
		}
		bundled(t, h, anna, id)
		if d := partOf(t, bundled(t, h, bora, id), care).Draft; d.ID != alone.ID || d.Answers["child_given_names"] != "Lea" {
			t.Errorf("%+v", d)
		}
		// It ends at the owner's word, for all of it.
		l := must[[]intake.Invitation](t)(h.Intake.Invitations(ctx, anna, id))
		if len(l) != 1 || l[0].HelperName != bora.Name {
			t.Fatalf("%+v", l)
		}
		if err := h.Intake.EndInvitation(ctx, anna, l[0].ID); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Intake.Bundled(ctx, bora, id, "de"); !fault.Is(err, fault.NotFound) {
			t.Errorf("afterwards: %v", err)
		}
		if _, err := h.Intake.Save(ctx, bora, first.ID, "new", post("new_street", "X"), "de"); !fault.Is(err, fault.NotFound) {
			t.Errorf("afterwards: %v", err)
		}
	})
}

// Help ends with the life event: what is handed over and what stands for itself again is nobody else's to see.
func TestHelpEndsWithTheLifeEvent(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, bora := t.Context(), accesstest.Anna(), accesstest.Bora()
		w := moved(t, h, anna, dog)
		id := w.Bundle.ID
		must[string](t)(h.Intake.Help(ctx, bora, must[string](t)(h.Intake.InviteToEvent(ctx, anna, id))))
		young := must[string](t)(h.Intake.InviteToEvent(ctx, anna, id))
		rests := partOf(t, w, dog).Draft
		if err := h.Intake.Choose(ctx, anna, id, map[string]bool{dog: false}); err != nil {
			t.Fatal(err)
		}
		if err := h.Intake.ConsentAll(ctx, anna, id, false); err != nil {
			t.Fatal(err)
		}
		answerAll(t, h, bora, id) // all of it, by who helps
		if errs, err := h.Intake.SubmitAll(ctx, anna, id, "de"); err != nil || len(errs) > 0 {
			t.Fatalf("%v %v", errs, err)
		}
		if d := must[intake.Draft](t)(h.Intake.Draft(ctx, anna, rests.ID)); d.Bundle != "" {
			t.Error("what rested isn't released")
		}
		_, whole := h.Intake.Bundled(ctx, bora, id, "de")
		_, draft := h.Intake.Draft(ctx, bora, rests.ID)
		_, code := h.Intake.Invited(ctx, bora, young)
		_, again := h.Intake.InviteToEvent(ctx, anna, id)
		if !fault.Is(whole, fault.NotFound) || !fault.Is(draft, fault.NotFound) || !fault.Is(code, fault.NotFound) || !fault.Is(again, fault.Conflict) {
			t.Errorf("%v\n%v\n%v\n%v", whole, draft, code, again)
		}
		must[int64](t)(h.Intake.Sweep(ctx))
		if n := must[int](t)(store.One(ctx, h.DB, func(s store.Scanner) (n int, err error) { return n, s.Scan(&n) }, "-- test.count\nSELECT COUNT(*) FROM intake_invitation")); n != 0 {
			t.Errorf("%d invitations stay", n)
		}
	})
}
