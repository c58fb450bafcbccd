// SPDX-License-Identifier: EUPL-1.2

package intake_test

import (
	"net/url"
	"strings"
	"testing"
	"testing/fstest"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/store"
	"mercator/domain/intake"
	"mercator/domain/intake/intaketest"
	"mercator/lang/form"
)

// What life events, forms that change, help and the counter do to each other.

// What was declared isn't declared of other words, and nothing is handed over before its owner has seen what is different.
func TestADeclarationInABundleIsOfTheWordsThatWereSeen(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		w := moved(t, h, anna, dog)
		if err := h.Intake.ConsentAll(ctx, anna, w.Bundle.ID, true); err != nil {
			t.Fatal(err)
		}
		answerAll(t, h, anna, w.Bundle.ID)
		if d := partOf(t, bundled(t, h, anna, w.Bundle.ID), dog).Draft; d.Answers["declared"] != true {
			t.Fatalf("not declared: %v", d.Answers)
		}
		change(t, h, dog, "Meine Angaben sind richtig und vollständig.", "Ich hafte für alles, was der Hund tut.")
		f := partOf(t, bundled(t, h, anna, w.Bundle.ID), dog)
		if f.Draft.Answers["declared"] == true || f.Draft.Answers["dog_name"] != "Bello" || len(f.Changes) == 0 {
			t.Errorf("%v, told of %v", f.Draft.Answers, f.Changes)
		}
		if _, err := h.Intake.SubmitAll(ctx, anna, w.Bundle.ID, "de"); message(err) != "intake.lookAgain" {
			t.Errorf("handed over unseen: %v", err)
		}
		if err := h.Intake.Told(ctx, anna, f.Draft.ID, f.Draft.Since); err != nil {
			t.Fatal(err)
		}
		if errs, err := h.Intake.SubmitAll(ctx, anna, w.Bundle.ID, "de"); err != nil || len(errs) != 1 || errs[0].Error.Key != "declared" {
			t.Errorf("handed over undeclared: %v %v", errs, err)
		}
	})
}

// What who helps, or a clerk, changes while its owner looks at all answers isn't handed over before they have seen it.
func TestNobodyHandsOverWhatSomebodyElseHasJustChanged(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, bora, clerk := t.Context(), accesstest.Anna(), accesstest.Bora(), accesstest.Clerk("32")
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, parking))
		if err := h.Intake.Consent(ctx, anna, d.ID, true); err != nil {
			t.Fatal(err)
		}
		fill(t, h, anna, d.ID)
		atCounter(t, h, clerk, anna, d.ID)
		shown := func() string {
			t.Helper()
			x := must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
			return must[*intake.Filling](t)(h.Intake.Fill(ctx, anna, x, "de")).Shown()
		}
		seen := shown()
		save(t, h, clerk, d, "", post("months", "24"))
		if _, _, err := h.Intake.SubmitSeen(ctx, anna, d.ID, seen, "de"); message(err) != "intake.check.meanwhile" {
			t.Errorf("handed over unseen: %v", err)
		}
		if id, errs, err := h.Intake.SubmitSeen(ctx, anna, d.ID, shown(), "de"); err != nil || len(errs) > 0 || id == "" {
			t.Errorf("%s %v", keys(errs), err)
		}
		w := moved(t, h, anna, dog)
		id := w.Bundle.ID
		if err := h.Intake.ConsentAll(ctx, anna, id, true); err != nil {
			t.Fatal(err)
		}
		answerAll(t, h, anna, id)
		must[string](t)(h.Intake.Help(ctx, bora, must[string](t)(h.Intake.InviteToEvent(ctx, anna, id))))
		seen = bundled(t, h, anna, id).Shown()
		save(t, h, bora, partOf(t, w, dog).Draft, "dog", post("dog_name", "Waldi"))
		if _, err := h.Intake.SubmitAllSeen(ctx, anna, id, seen, "de"); message(err) != "intake.check.meanwhile" {
			t.Errorf("handed over unseen: %v", err)
		}
		if errs, err := h.Intake.SubmitAllSeen(ctx, anna, id, bundled(t, h, anna, id).Shown(), "de"); err != nil || len(errs) > 0 {
			t.Errorf("%v %v", errs, err)
		}
	})
}

func TestWhatAClerkSavesFollowsTheFormToo(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, clerk := t.Context(), accesstest.Anna(), accesstest.Clerk("32")
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, trade))
		if err := h.Intake.Consent(ctx, anna, d.ID, false); err != nil {
			t.Fatal(err)
		}
		save(t, h, anna, d, "business", url.Values{"_f": {"business_name"}, "business_name": {"Rad & Tat"}})
		first := must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		atCounter(t, h, clerk, anna, d.ID)
		enact(t, h, "[[step]]\nfrom = [\""+first.Version+"\"]\n[[step.rule]]\nold = \"business_name\"\nnew = \"trade_name\"\n", `"key": "business_name"`, `"key": "trade_name"`)
		save(t, h, clerk, d, "activity", url.Values{"_f": {"activity"}, "activity": {"Fahrräder"}})
		d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		if d.Answers["trade_name"] != "Rad & Tat" || d.Answers["activity"] != "Fahrräder" || d.Since != first.Version {
			t.Errorf("%v, since %q", d.Answers, d.Since)
		}
	})
}

// Who helps with one application isn't let into what the life event that takes it in writes there.
func TestHelpEndsWhereALifeEventTakesADraftIn(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, bora := t.Context(), accesstest.Anna(), accesstest.Bora()
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, dog))
		must[string](t)(h.Intake.Help(ctx, bora, must[string](t)(h.Intake.Invite(ctx, anna, d.ID))))
		must[intake.Draft](t)(h.Intake.Draft(ctx, bora, d.ID))
		w := moved(t, h, anna, dog)
		if partOf(t, w, dog).Draft.ID != d.ID {
			t.Fatal("it wasn't taken in")
		}
		choose := func(wanted bool) {
			t.Helper()
			if err := h.Intake.Choose(ctx, anna, w.Bundle.ID, map[string]bool{dog: wanted}); err != nil {
				t.Fatal(err)
			}
		}
		choose(false)
		if err := h.Intake.ConsentAll(ctx, anna, w.Bundle.ID, true); err != nil {
			t.Fatal(err)
		}
		answerAll(t, h, anna, w.Bundle.ID)
		if rests := must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID)); rests.Answers["street"] != nil {
			t.Errorf("what rests has learned %v", rests.Answers)
		}
		if errs, err := h.Intake.SubmitAll(ctx, anna, w.Bundle.ID, "de"); err != nil || len(errs) > 0 {
			t.Fatalf("%v %v", errs, err)
		}
		if must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID)).Bundle != "" {
			t.Error("it wasn't released")
		}
		if _, err := h.Intake.Draft(ctx, bora, d.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("the helper is back: %v", err)
		}
	})
}

// What is thrown away with a life event takes nothing from what was handed over by itself meanwhile.
func TestTheConsentOfWhatWasHandedOverStays(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		w := moved(t, h, anna, dog)
		if err := h.Intake.ConsentAll(ctx, anna, w.Bundle.ID, true); err != nil {
			t.Fatal(err)
		}
		answerAll(t, h, anna, w.Bundle.ID)
		d := partOf(t, bundled(t, h, anna, w.Bundle.ID), dog).Draft
		if err := h.Intake.Choose(ctx, anna, w.Bundle.ID, map[string]bool{dog: false}); err != nil {
			t.Fatal(err)
		}
		if err := h.Intake.Consent(ctx, anna, d.ID, true); err != nil {
			t.Fatal(err)
		}
		caseID, errs, err := h.Intake.Submit(ctx, anna, d.ID, "de")
		if err != nil || len(errs) > 0 {
			t.Fatalf("%v %v", errs, err)
		}
		if err := h.Intake.DiscardBundle(ctx, anna, w.Bundle.ID); err != nil {
			t.Fatal(err)
		}
		if !must[bool](t)(h.Intake.Consented(ctx, h.DB, caseID, anna.ID)) {
			t.Error("the case has lost its consent")
		}
	})
}

// Whoever helps, or looks at a draft at the counter, opens a file where the field that holds it is shown to them, and nowhere else.
func TestAFileIsShownWithItsField(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, bora, clerk := t.Context(), accesstest.Anna(), accesstest.Bora(), accesstest.Clerk("32")
		h.Scanner(clean)
		text := `{ de = "A", en = "A", tr = "A", de-simple = "A" }`
		if err := h.Catalog.LoadEvents(fstest.MapFS{"test/event.toml": {Data: []byte("id = \"test\"\ntitle = " + text + "\nsummary = " + text + `
[[service]]
id = "change-of-address"
[[service]]
id = "dog-registration"
when = '=answers.change_of_address.landlord_code = "Hund"'
`)}}); err != nil {
			t.Fatal(err)
		}
		b := must[intake.Bundle](t)(h.Intake.StartEvent(ctx, anna, "test"))
		first := partOf(t, bundled(t, h, anna, b.ID), moving).Draft
		save(t, h, anna, first, "landlord", post("landlord_code", "Hund"))
		if err := h.Intake.ConsentAll(ctx, anna, b.ID, false); err != nil {
			t.Fatal(err)
		}
		d := partOf(t, bundled(t, h, anna, b.ID), dog).Draft
		save(t, h, anna, d, "reduction", post("benefit", "yes"))
		if err := h.Intake.Upload(ctx, anna, d.ID, "benefit_notice", "a.pdf", strings.NewReader(lease)); err != nil {
			t.Fatal(err)
		}
		hash := intake.Files(must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID)).Answers["benefit_notice"])[0].Hash
		coming := must[intake.Upload](t)(h.Intake.BeginUpload(ctx, anna, d.ID, intake.NewUpload{Field: "benefit_notice", Name: "b.pdf", Size: 99}))
		must[string](t)(h.Intake.Help(ctx, bora, must[string](t)(h.Intake.InviteToEvent(ctx, anna, b.ID))))
		begun := must[string](t)(h.Intake.BeginTogether(ctx, clerk))
		at := must[intake.AtCounter](t)(h.Intake.AtCounter(ctx, clerk, begun))
		if err := h.Intake.JoinEvent(ctx, anna, at.Code, b.ID); err != nil {
			t.Fatal(err)
		}
		look := func(when string, shown bool) {
			t.Helper()
			for _, a := range []access.Actor{bora, clerk} {
				_, r, err := h.Intake.OpenFile(ctx, a, d.ID, "benefit_notice", hash, intake.Original)
				if err == nil {
					r.Close()
				}
				if shown != (err == nil) || err != nil && !fault.Is(err, fault.NotFound) {
					t.Errorf("%s, %s: %v", when, a.Name, err)
				}
				if shown {
					continue
				}
				_, begins := h.Intake.BeginUpload(ctx, a, d.ID, intake.NewUpload{Field: "benefit_notice", Name: "c.pdf", Size: 99})
				for what, err := range map[string]error{"begins": begins, "drops": h.Intake.DropUpload(ctx, a, d.ID, coming.ID), "removes": h.Intake.RemoveFile(ctx, a, d.ID, "benefit_notice", hash)} {
					if !fault.Is(err, fault.NotFound) {
						t.Errorf("%s, %s %s: %v", when, a.Name, what, err)
					}
				}
			}
			if _, r, err := h.Intake.OpenFile(ctx, anna, d.ID, "benefit_notice", hash, intake.Original); err != nil {
				t.Errorf("%s, its owner: %v", when, err)
			} else {
				r.Close()
			}
		}
		look("shown", true)
		save(t, h, anna, d, "reduction", post("benefit", "no"))
		look("the question isn't asked", false)
		save(t, h, anna, d, "reduction", post("benefit", "yes"))
		save(t, h, anna, first, "landlord", post("landlord_code", "Katze"))
		look("the service isn't part of it", false)
		save(t, h, anna, first, "landlord", post("landlord_code", "Hund"))
		look("shown again", true)
	})
}

// What a version of the form doesn't ask any more isn't written by who might not have filled it in when it did: it would come back with
// that version.
func TestNobodyKeepsForOthersWhatIsntTheirs(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, bora, clerk := t.Context(), accesstest.Anna(), accesstest.Bora(), accesstest.Clerk("32")
		d := child(t, h, anna)
		must[string](t)(h.Intake.Help(ctx, bora, must[string](t)(h.Intake.InviteToSign(ctx, anna, d.ID, "custody"))))
		atCounter(t, h, clerk, anna, d.ID)
		change(t, h, card, `"key": "declared"`, `"key": "declared_anew"`)
		kept := func() form.Held {
			t.Helper()
			return must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID)).Kept["declared"]
		}
		for _, a := range []access.Actor{bora, clerk} {
			if _, err := h.Intake.Save(ctx, a, d.ID, "card", post("declared", "false"), "de"); !fault.Is(err, fault.Denied) {
				t.Errorf("%s: %v", a.Name, err)
			}
			if k := kept(); k.Value != true || k.Raw != "" {
				t.Errorf("%s writes what is kept of the declaration: %+v", a.Name, k)
			}
		}
		save(t, h, anna, d, "card", post("declared", "false"))
		if k := kept(); k.Raw != "false" {
			t.Errorf("its owner's: %+v", k)
		}
	})
}

// A correction is of a row that the application has.
func TestACorrectionIsOfARowThatIsThere(t *testing.T) {
	list := func(path string) string {
		return `{"type":"dynamiclist","id":"l_` + path + `","path":"` + path + `","label":"Garagen","isRepeating":true,"allowAddRemove":true,"defaultRepetitions":2,"properties":{"page":"vehicle"},"components":[
			{"type":"textfield","id":"f_` + path + `","key":"where","label":"Wo"}]},`
	}
	withQuestions(t, list("garages")+list("none"), func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		d := start(t, h, anna)
		if err := h.Intake.Consent(ctx, anna, d.ID, true); err != nil {
			t.Fatal(err)
		}
		fill(t, h, anna, d.ID)
		save(t, h, anna, d, "vehicle", post("garages.0.where", "Marxloh", "garages.1.where", "Ruhrort"))
		for range 2 {
			save(t, h, anna, d, "vehicle", url.Values{form.RemoveRow: {"none.0"}})
		}
		id, errs, err := h.Intake.Submit(ctx, anna, d.ID, "de")
		if err != nil || len(errs) > 0 {
			t.Fatal(keys(errs), err)
		}
		ask := func(field string) error {
			return h.DB.Write(ctx, func(tx *store.Tx) error { return h.Intake.Correction(ctx, tx, id, anna.ID, field, "Wo?") })
		}
		for _, field := range []string{"garages.2.where", "garages.99.where", "garages.100.where", "garages.*.where", "garages.-1.where", "garages.01.where", "garages.0", "garages", "garages.where", "none.0.where"} {
			if err := ask(field); message(err) != "intake.correction.noField" {
				t.Errorf("%s: %v", field, err)
			}
		}
		if err := ask("garages.1.where"); err != nil {
			t.Fatal(err)
		}
		c := must[[]intake.Correction](t)(h.Intake.Corrections(ctx, anna, id))[0]
		if errs, err := h.Intake.Correct(ctx, anna, c.ID, post("garages.1.where", "Homberg"), "de"); err != nil || len(errs) > 0 {
			t.Fatal(errs, err)
		}
		if rows, _ := h.Cases(t)[0]["garages"].([]any); len(rows) != 2 || rows[1].(map[string]any)["where"] != "Homberg" {
			t.Errorf("%v", h.Cases(t)[0])
		}
		if none, there := h.Cases(t)[0]["none"].([]any); !there || len(none) != 0 {
			t.Errorf("rows that were taken away are back: %v", h.Cases(t)[0])
		}
	})
}
