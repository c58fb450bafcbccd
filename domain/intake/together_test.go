// SPDX-License-Identifier: EUPL-1.2

package intake_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/store"
	"mercator/domain/intake"
	"mercator/domain/intake/intaketest"
	"mercator/lang/form"
)

// atCounter opens a draft at the counter.
func atCounter(t testing.TB, h *intaketest.House, clerk, a access.Actor, draft string) string {
	t.Helper()
	id := must[string](t)(h.Intake.BeginTogether(t.Context(), clerk))
	x := must[intake.AtCounter](t)(h.Intake.AtCounter(t.Context(), clerk, id))
	if err := h.Intake.Join(t.Context(), a, x.Code, draft); err != nil {
		t.Fatal(err)
	}
	return id
}

func TestTogetherAtTheCounter(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, bora, clerk := t.Context(), accesstest.Anna(), accesstest.Bora(), accesstest.Clerk("32")
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking))
		other := must[intake.Draft](t)(h.Intake.Start(ctx, anna, card))
		id := must[string](t)(h.Intake.BeginTogether(ctx, clerk))
		x := must[intake.AtCounter](t)(h.Intake.AtCounter(ctx, clerk, id))
		if !x.Waiting() || len(x.Code) != 8 || must[intake.AtCounter](t)(h.Intake.AtCounter(ctx, clerk, "")).Code != x.Code {
			t.Fatalf("%+v", x)
		}
		stored := must[[]string](t)(store.All(ctx, h.DB, func(s store.Scanner) (c string, err error) { return c, s.Scan(&c) }, "-- test.codes\nSELECT code FROM intake_invitation"))
		if len(stored) != 1 || strings.Contains(stored[0], x.Code) {
			t.Errorf("stored: %q", stored)
		}
		colleague := clerk
		colleague.ID = "clerk-2"
		elsewhere := clerk
		elsewhere.Office = "33"
		for what, a := range map[string]access.Actor{"a colleague": colleague, "at another office": elsewhere, "a resident": anna} {
			if _, err := h.Intake.AtCounter(ctx, a, id); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", what, err)
			}
		}
		must[int64](t)(h.Intake.Sweep(ctx)) // which leaves what waits
		if _, dd, err := h.Intake.Together(ctx, clerk, id, ""); err != nil || dd.ID != "" {
			t.Errorf("before anybody is there: %v", err)
		}
		if _, err := h.Intake.Draft(ctx, clerk, d.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("before anybody is there: %v", err)
		}
		for _, wrong := range []string{"", "x", "00000000", strings.Repeat("A", 1<<16), x.Code + "A"} {
			if err := h.Intake.Join(ctx, anna, wrong, d.ID); !fault.Is(err, fault.NotFound) {
				t.Errorf("code %.10q: %v", wrong, err)
			}
		}
		guest, _ := intake.GuestOf(intake.NewGuest())
		acting := bora
		acting.Mandate, acting.For = "m", anna.ID
		for what, a := range map[string]access.Actor{"a guest": guest, "for somebody else": acting, "the clerk": clerk} {
			if err := h.Intake.Join(ctx, a, x.Code, d.ID); !fault.Is(err, fault.Denied) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if err := h.Intake.Join(ctx, bora, x.Code, d.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("somebody else's draft: %v", err)
		}
		weak := anna
		weak.Level = access.Basic
		if err := h.Intake.Join(ctx, weak, x.Code, d.ID); !fault.Is(err, fault.StepUp) {
			t.Errorf("below the trust level of the service: %v", err)
		}
		// As people type it.
		if err := h.Intake.Join(ctx, anna, strings.ToLower(x.Code[:4]+" "+x.Code[4:]), d.ID); err != nil {
			t.Fatal(err)
		}
		if err := h.Intake.Join(ctx, anna, x.Code, other.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("the code twice: %v", err)
		}
		y, seen, err := h.Intake.Together(ctx, clerk, id, "")
		if err != nil || seen.ID != d.ID || y.OwnerName != anna.Name || seen.OwnerName != anna.Name {
			t.Fatalf("%+v %v", seen, err)
		}
		for what, a := range map[string]access.Actor{"a colleague": colleague, "at another office": elsewhere} {
			if _, _, err := h.Intake.Together(ctx, a, id, ""); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", what, err)
			}
			if _, err := h.Intake.Draft(ctx, a, d.ID); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if _, err := h.Intake.Draft(ctx, clerk, other.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("another draft of hers: %v", err)
		}
		// What the clerk fills in is theirs until she changes it; what she does, they see.
		save(t, h, clerk, d, "", url.Values{"_f": {"given_names", "family_name"}, "given_names": {"Ana"}, "family_name": {"Schmidt"}})
		if x := must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID)); x.Answers["given_names"] != "Ana" || x.Filled["given_names"] != clerk.Name || x.Helper != "" {
			t.Errorf("%+v", x)
		}
		save(t, h, anna, d, "person", url.Values{"_f": {"given_names"}, "given_names": {"Anna"}})
		if _, x, err := h.Intake.LookAtCounter(ctx, clerk, id, ""); err != nil || x.Answers["given_names"] != "Anna" || x.Filled["given_names"] != "" || x.Filled["family_name"] != clerk.Name {
			t.Errorf("%+v %v", x, err)
		}
		if _, _, err := h.Intake.Submit(ctx, clerk, d.ID, "de"); !fault.Is(err, fault.Denied) {
			t.Errorf("submits: %v", err)
		}
		if err := h.Intake.Consent(ctx, clerk, d.ID, true); !fault.Is(err, fault.Denied) || h.Fetched.Load() != 0 {
			t.Errorf("consents: %v", err)
		}
		if _, err := h.Intake.Save(ctx, clerk, d.ID, "", url.Values{"_f": {"declared"}, "declared": {"true"}}, "de"); !fault.Is(err, fault.Denied) {
			t.Errorf("declares for her: %v", err)
		}
		if err := h.Intake.Discard(ctx, clerk, d.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("discards: %v", err)
		}
		if _, err := h.Intake.Invite(ctx, clerk, d.ID); !fault.Is(err, fault.Denied) {
			t.Errorf("invites: %v", err)
		}
		if list := must[[]intake.Invitation](t)(h.Intake.Invitations(ctx, anna, d.ID)); len(list) != 0 {
			t.Errorf("among those who help: %+v", list)
		}
		on := map[string]string{}
		for _, e := range must[[]audit.Entry](t)((&audit.Ledger{DB: h.DB}).ForPerson(ctx, anna.ID, "", 50)) {
			on[e.ActorID+" "+e.Action+" "+e.Resource+" "+e.Outcome] = e.Purpose
		}
		for _, want := range []string{" read together ", " change together "} {
			if on[clerk.ID+want+audit.Permitted] != parking {
				t.Errorf("on record with the owner: %v", on)
			}
		}
		// She ends it.
		now, ok, err := h.Intake.WithClerk(ctx, anna, must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID)))
		if err != nil || !ok || now.ClerkName != clerk.Name || now.Office != "32" {
			t.Fatalf("%+v %v %v", now, ok, err)
		}
		if err := h.Intake.EndInvitation(ctx, bora, now.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("ended by a stranger: %v", err)
		}
		if err := h.Intake.EndInvitation(ctx, anna, now.ID); err != nil {
			t.Fatal(err)
		}
		over(t, h, clerk, id, d.ID)
	})
}

func TestALifeEventTogetherAtTheCounter(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, bora, clerk := t.Context(), accesstest.Anna(), accesstest.Bora(), accesstest.Clerk("32")
		alone := must[intake.Draft](t)(h.Intake.Start(ctx, anna, care))
		w := moved(t, h, anna, dog, parking)
		bundle := w.Bundle.ID
		if err := h.Intake.ConsentAll(ctx, anna, bundle, false); err != nil {
			t.Fatal(err)
		}
		id := must[string](t)(h.Intake.BeginTogether(ctx, clerk))
		code := must[intake.AtCounter](t)(h.Intake.AtCounter(ctx, clerk, id)).Code
		weak := anna
		weak.Level = access.Basic
		if err := h.Intake.JoinEvent(ctx, weak, code, bundle); !fault.Is(err, fault.StepUp) {
			t.Errorf("below the level of its services: %v", err)
		}
		if err := h.Intake.JoinEvent(ctx, bora, code, bundle); !fault.Is(err, fault.NotFound) {
			t.Errorf("somebody else's: %v", err)
		}
		if err := h.Intake.Join(ctx, anna, code, partOf(t, w, dog).Draft.ID); message(err) != "intake.bundle.noHelp" {
			t.Errorf("one part: %v", err)
		}
		if err := h.Intake.JoinEvent(ctx, anna, code, bundle); err != nil {
			t.Fatal(err)
		}
		// One draft of it at a time, each on record by its service; nothing else of hers.
		x, first, err := h.Intake.Together(ctx, clerk, id, "")
		if err != nil || len(x.Parts) != 3 || x.Waiting() || first.Service != moving || first.OwnerName != anna.Name || first.Kind != intake.Together {
			t.Fatalf("%+v %+v %v", x, first, err)
		}
		_, animal, err := h.Intake.Together(ctx, clerk, id, dog)
		if err != nil || animal.Service != dog {
			t.Fatalf("%+v %v", animal, err)
		}
		if _, other, err := h.Intake.Together(ctx, clerk, id, care); err != nil || other.Service != moving {
			t.Errorf("what isn't part of it: %+v %v", other, err)
		}
		if _, err := h.Intake.Draft(ctx, clerk, alone.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("what she has begun alone: %v", err)
		}
		if seen := records(t, h, anna.ID, clerk.ID); !slices.Contains(seen, "read "+moving) || !slices.Contains(seen, "read "+dog) || slices.Contains(seen, "read "+parking) {
			t.Errorf("on record: %v", seen)
		}
		save(t, h, clerk, first, "", post("new_street", "Müllerstraße", "new_house_number", "12a"))
		w = bundled(t, h, anna, bundle)
		if d := partOf(t, w, dog).Draft; d.Answers["street"] != "Müllerstraße" || d.Filled["street"] != clerk.Name || partOf(t, w, moving).Draft.Filled["new_street"] != clerk.Name {
			t.Errorf("%v %v", d.Answers, d.Filled)
		}
		// What the person declares and decides is theirs.
		if _, err := h.Intake.Save(ctx, clerk, first.ID, "", post("declared", "true"), "de"); message(err) != "intake.together.declares" {
			t.Errorf("declares for her: %v", err)
		}
		_, submit := h.Intake.SubmitAll(ctx, clerk, bundle, "de")
		for what, err := range map[string]error{"submits": submit, "consents": h.Intake.ConsentAll(ctx, clerk, bundle, true)} {
			if !fault.Is(err, fault.Denied) {
				t.Errorf("%s: %v", what, err)
			}
		}
		for what, err := range map[string]error{"chooses": h.Intake.Choose(ctx, clerk, bundle, map[string]bool{dog: false}), "discards": h.Intake.DiscardBundle(ctx, clerk, bundle)} {
			if !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if err := h.Intake.Choose(ctx, anna, bundle, map[string]bool{dog: false}); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Intake.Draft(ctx, clerk, animal.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("what rests: %v", err)
		}
		// A colleague, another office, and after the hour: nothing.
		colleague, elsewhere := clerk, clerk
		colleague.ID, elsewhere.Office = "clerk-2", "33"
		for what, a := range map[string]access.Actor{"a colleague": colleague, "at another office": elsewhere} {
			if _, err := h.Intake.Bundled(ctx, a, bundle, "de"); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", what, err)
			}
			if _, err := h.Intake.Draft(ctx, a, first.ID); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", what, err)
			}
		}
		now, ok, err := h.Intake.WithClerk(ctx, anna, partOf(t, w, moving).Draft)
		if err != nil || !ok || now.ClerkName != clerk.Name {
			t.Fatalf("%+v %v %v", now, ok, err)
		}
		h.SetNow(h.Now().Add(time.Hour))
		over(t, h, clerk, id, first.ID)
		if _, err := h.Intake.Bundled(ctx, clerk, bundle, "de"); !fault.Is(err, fault.NotFound) {
			t.Errorf("after the hour: %v", err)
		}
	})
}

// A declaration in the rows of a list or in a group is the person's to give as one that stands for itself; what stands beside it is
// for the clerk to fill in.
func TestAClerkDeclaresNothingInAListOrAGroup(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, clerk := t.Context(), accesstest.Anna(), accesstest.Clerk("32")
		change(t, h, parking, `"components": [`, `"components": [
			{ "type": "dynamiclist", "id": "drivers", "path": "drivers", "label": "Wer fährt", "properties": { "page": "person" }, "components": [
				{ "type": "textfield", "key": "driver", "label": "Name" },
				{ "type": "checkbox", "key": "agrees", "label": "Ist einverstanden", "properties": { "type": "consent" } } ] },
			{ "type": "group", "id": "keeper", "path": "keeper", "label": "Halterin oder Halter", "properties": { "page": "person" }, "components": [
				{ "type": "textfield", "key": "firm", "label": "Firma" },
				{ "type": "checkbox", "key": "allows", "label": "Ist einverstanden", "properties": { "type": "consent" } } ] },`)
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking))
		save(t, h, anna, d, "person", post("drivers.0.driver", "Anna", "drivers.0.agrees", "true", "keeper.firm", "Rad GmbH"))
		if d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID)); declares(d) != "[map[agrees:true driver:Anna]] map[firm:Rad GmbH]" {
			t.Fatal(declares(d))
		}
		atCounter(t, h, clerk, anna, d.ID)
		// Neither given nor taken back, in a row that is there or in a new one.
		for _, in := range []url.Values{
			{"_f": {"drivers.0.driver", "drivers.0.agrees"}, "drivers.0.driver": {"Anna"}},
			{"_f": {"drivers.0.driver", "drivers.0.agrees", "drivers.1.driver", "drivers.1.agrees"}, "drivers.0.driver": {"Anna"}, "drivers.0.agrees": {"true"},
				"drivers.1.driver": {"Emil"}, "drivers.1.agrees": {"true"}},
			{"_f": {"keeper.firm", "keeper.allows"}, "keeper.firm": {"Rad GmbH"}, "keeper.allows": {"true"}},
		} {
			if _, err := h.Intake.Save(ctx, clerk, d.ID, "", in, "de"); message(err) != "intake.together.declares" {
				t.Errorf("%v: %v", in, err)
			}
		}
		save(t, h, clerk, d, "", url.Values{"_f": {"drivers.0.driver", "drivers.0.agrees", "keeper.firm"}, "drivers.0.driver": {"Anna Schmidt"}, "drivers.0.agrees": {"true"}, "keeper.firm": {"Rad AG"}})
		if d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID)); declares(d) != "[map[agrees:true driver:Anna Schmidt]] map[firm:Rad AG]" {
			t.Error(declares(d))
		}
	})
}

// Rows move, a declaration doesn't: the clerk can't put one person's in the place of another's, and adds and takes away rows beside it.
func TestAClerkMovesNoDeclarationToAnotherRow(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, clerk := t.Context(), accesstest.Anna(), accesstest.Clerk("32")
		change(t, h, parking, `"components": [`, `"components": [
			{ "type": "dynamiclist", "id": "homes", "path": "homes", "label": "Haushalte", "allowAddRemove": true, "properties": { "page": "person" }, "components": [
				{ "type": "textfield", "key": "name", "label": "Name" },
				{ "type": "dynamiclist", "id": "drivers", "path": "drivers", "label": "Wer fährt", "allowAddRemove": true, "components": [
					{ "type": "textfield", "key": "driver", "label": "Name" },
					{ "type": "checkbox", "key": "agrees", "label": "Ist einverstanden", "properties": { "type": "consent" } } ] } ] },`)
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking))
		const a, b = "homes.0.drivers.0.", "homes.0.drivers.1."
		save(t, h, anna, d, "person", post("homes.0.name", "Unten", a+"driver", "Anna", a+"agrees", "true", b+"driver", "Emil"))
		atCounter(t, h, clerk, anna, d.ID)
		swapped := url.Values{"_f": {a + "agrees", b + "agrees"}, b + "agrees": {"true"}}
		if _, err := h.Intake.Save(ctx, clerk, d.ID, "", swapped, "de"); message(err) != "intake.together.declares" {
			t.Errorf("moves a declaration: %v", err)
		}
		swapped.Set(form.RemoveRow, "homes.0.drivers.1")
		if _, err := h.Intake.Save(ctx, clerk, d.ID, "", swapped, "de"); message(err) != "intake.together.declares" {
			t.Errorf("takes one away as it moves: %v", err)
		}
		for _, press := range []url.Values{
			{form.RemoveRow: {"homes.0.drivers.0"}}, // Anna's
			{form.RemoveRow: {"homes.0"}},
		} {
			if _, err := h.Intake.Save(ctx, clerk, d.ID, "", press, "de"); message(err) != "intake.together.declares" {
				t.Errorf("%v: %v", press, err)
			}
		}
		for _, press := range []url.Values{
			{form.AddRow: {"homes"}},
			{form.AddRow: {"homes.1.drivers"}},
			{"_f": {"homes.1.drivers.0.driver", "homes.1.drivers.0.agrees"}, "homes.1.drivers.0.driver": {"Ida"}},
			{form.RemoveRow: {"homes.0.drivers.1"}}, // Emil's, who has declared nothing
			{form.RemoveRow: {"homes.1"}},
		} {
			if _, err := h.Intake.Save(ctx, clerk, d.ID, "", press, "de"); err != nil {
				t.Errorf("%v: %v", press, err)
			}
		}
		if d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID)); fmt.Sprint(d.Answers["homes"]) != "[map[drivers:[map[agrees:true driver:Anna]] name:Unten]]" {
			t.Error(d.Answers["homes"])
		}
		// What the person declares in the second row stays hers when the clerk takes the first away.
		save(t, h, anna, d, "person", post(a+"driver", "Anna", a+"agrees", "", b+"driver", "Emil", b+"agrees", "true"))
		if _, err := h.Intake.Save(ctx, clerk, d.ID, "", url.Values{form.RemoveRow: {"homes.0.drivers.0"}}, "de"); err != nil {
			t.Error(err)
		}
		if d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID)); fmt.Sprint(d.Answers["homes"]) != "[map[drivers:[map[agrees:true driver:Emil]] name:Unten]]" {
			t.Error(d.Answers["homes"])
		}
	})
}

func declares(d intake.Draft) string { return fmt.Sprint(d.Answers["drivers"], d.Answers["keeper"]) }

// over holds that a clerk has no way to a draft any more.
func over(t testing.TB, h *intaketest.House, clerk access.Actor, id, draft string) {
	t.Helper()
	_, _, err := h.Intake.Together(t.Context(), clerk, id, "")
	_, _, look := h.Intake.LookAtCounter(t.Context(), clerk, id, "")
	_, read := h.Intake.Draft(t.Context(), clerk, draft)
	_, write := h.Intake.Save(t.Context(), clerk, draft, "", url.Values{"_f": {"given_names"}, "given_names": {"X"}}, "de")
	for what, err := range map[string]error{"opens": err, "looks": look, "reads": read, "writes": write} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("afterwards the clerk still %s: %v", what, err)
		}
	}
}

func TestItEndsAtTheCounter(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, bora, clerk := t.Context(), accesstest.Anna(), accesstest.Bora(), accesstest.Clerk("32")
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking))
		// At the clerk's word.
		id := atCounter(t, h, clerk, anna, d.ID)
		colleague := clerk
		colleague.ID = "clerk-2"
		if err := h.Intake.EndTogether(ctx, colleague, id); err != nil {
			t.Fatal(err)
		}
		if _, _, err := h.Intake.Together(ctx, clerk, id, ""); err != nil {
			t.Errorf("ended by a colleague: %v", err)
		}
		if err := h.Intake.EndTogether(ctx, clerk, id); err != nil {
			t.Fatal(err)
		}
		over(t, h, clerk, id, d.ID)
		// With the next person at the counter; and somebody else at another one takes her over.
		id = atCounter(t, h, clerk, anna, d.ID)
		theirs := must[intake.Draft](t)(h.Intake.Start(ctx, bora, parking))
		next := atCounter(t, h, clerk, bora, theirs.ID)
		over(t, h, clerk, id, d.ID)
		atCounter(t, h, colleague, bora, theirs.ID)
		over(t, h, clerk, next, theirs.ID)
		// After an hour, and a code after ten minutes.
		id = atCounter(t, h, clerk, anna, d.ID)
		h.SetNow(h.Now().Add(59 * time.Minute))
		if _, _, err := h.Intake.Together(ctx, clerk, id, ""); err != nil {
			t.Errorf("within the hour: %v", err)
		}
		h.SetNow(h.Now().Add(time.Minute))
		over(t, h, clerk, id, d.ID)
		id = must[string](t)(h.Intake.BeginTogether(ctx, clerk))
		code := must[intake.AtCounter](t)(h.Intake.AtCounter(ctx, clerk, id)).Code
		h.SetNow(h.Now().Add(10 * time.Minute))
		if err := h.Intake.Join(ctx, anna, code, d.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("a code of ten minutes ago: %v", err)
		}
		// With the draft.
		id = atCounter(t, h, clerk, anna, d.ID)
		if err := h.Intake.Discard(ctx, anna, d.ID); err != nil {
			t.Fatal(err)
		}
		over(t, h, clerk, id, d.ID)
		d = child(t, h, bora)
		save(t, h, bora, d, "person", url.Values{"_f": {"birth_date"}, "birth_date": {"1.2.1990"}})
		id = atCounter(t, h, clerk, bora, d.ID)
		if _, errs, err := h.Intake.Submit(ctx, bora, d.ID, "de"); err != nil || len(errs) > 0 {
			t.Fatal(errs, err)
		}
		over(t, h, clerk, id, d.ID)
		h.SetNow(h.Now().Add(2 * time.Hour))
		must[int64](t)(h.Intake.Sweep(ctx))
		// Two of hers with colleague's are of drafts that are there; what is over and has none is gone.
		if n := must[int](t)(store.One(ctx, h.DB, func(s store.Scanner) (n int, err error) { return n, s.Scan(&n) }, "-- test.count\nSELECT COUNT(*) FROM intake_invitation WHERE draft = ''")); n != 0 {
			t.Errorf("%d codes stay", n)
		}
	})
}

func TestWhoIsntLetInAtTheCounter(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking))
		looker := accesstest.Clerk("32")
		looker.Roles = []string{"intern"}
		nowhere := accesstest.Clerk("")
		for what, a := range map[string]access.Actor{"who only looks in": looker, "of no office": nowhere, "a resident": anna} {
			if _, err := h.Intake.BeginTogether(ctx, a); !fault.Is(err, fault.Denied) {
				t.Errorf("%s: %v", what, err)
			}
		}
		// Nobody is clerk in their own matter.
		self := accesstest.Clerk("32")
		self.Self = anna.ID
		id := atCounter(t, h, self, anna, d.ID)
		if _, _, err := h.Intake.Together(ctx, self, id, ""); !fault.Is(err, fault.Denied) {
			t.Errorf("their own draft: %v", err)
		}
		if _, err := h.Intake.Save(ctx, self, d.ID, "", url.Values{"_f": {"given_names"}, "given_names": {"X"}}, "de"); !fault.Is(err, fault.Denied) {
			t.Errorf("their own draft: %v", err)
		}
	})
}
