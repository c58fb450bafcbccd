// SPDX-License-Identifier: EUPL-1.2

package intake_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/store"
	"mercator/domain/intake"
	"mercator/domain/intake/intaketest"
	"mercator/domain/service"
	"mercator/lang/form"

	"pgregory.net/rapid"
)

const (
	moving = "change-of-address"
	dog    = "dog-registration"
	care   = "child-care-place"
)

// moved begins "I have moved" with these services besides the change of address.
func moved(t testing.TB, h *intaketest.House, a access.Actor, services ...string) *intake.Bundled {
	t.Helper()
	b := must[intake.Bundle](t)(h.Intake.StartEvent(t.Context(), a, "moved"))
	wanted := map[string]bool{parking: false, dog: false, care: false}
	for _, s := range services {
		wanted[s] = true
	}
	if err := h.Intake.Choose(t.Context(), a, b.ID, wanted); err != nil {
		t.Fatal(err)
	}
	return bundled(t, h, a, b.ID)
}

func bundled(t testing.TB, h *intaketest.House, a access.Actor, id string) *intake.Bundled {
	t.Helper()
	return must[*intake.Bundled](t)(h.Intake.Bundled(t.Context(), a, id, "de"))
}

func partOf(t testing.TB, w *intake.Bundled, service string) *intake.Filling {
	t.Helper()
	for _, f := range w.Parts {
		if f.Service.ID == service {
			return f
		}
	}
	t.Fatalf("%s isn't part of it", service)
	return nil
}

func post(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v["_f"] = append(v["_f"], pairs[i])
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// answerAll answers every question of a bundle that is asked.
func answerAll(t testing.TB, h *intaketest.House, a access.Actor, id string) {
	t.Helper()
	day := func(n int) string { return h.Now().AddDate(0, 0, n).Format("2.1.2006") }
	known := map[string]string{
		"new_street": "Müllerstraße", "new_house_number": "12a", "moved_in": day(-3), "landlord_code": "WG-1", "declared": "true",
		"given_names": "Anna", "family_name": "Schmidt", "birth_date": "12.4.1988", "city": "Duisburg", "postcode": "47169",
		"vehicle": "DU-AB 123", "zone": "DE1", "valid_from": day(7), "months": "12", "other_plate": "DU AB 123",
		"dog_name": "Bello", "breed": "Dackel", "large": "no", "listed": "no", "kept_since": day(-30), "benefit": "no",
		"child_given_names": "Lea", "child_family_name": "Schmidt", "child_birth_date": "3.5.2024", "care_kind": "either", "hours": "35", "care_from": day(200),
	}
	for range 20 {
		w := bundled(t, h, a, id)
		place, ok := w.Resume()
		if !ok {
			return
		}
		p := url.Values{}
		for _, e := range place.Part.Validate(place.Page) {
			p["_f"] = append(p["_f"], e.Key)
			if p.Set(e.Key, known[e.Key]); known[e.Key] == "" {
				t.Fatalf("%s asks for %s", place.Part.Service.ID, e.Key)
			}
		}
		if len(p) == 0 { // nothing typed yet
			p = post("new_street", known["new_street"])
		}
		save(t, h, a, place.Part.Draft, place.Page, p)
	}
	t.Fatalf("there is always something left: %v", bundled(t, h, a, id).Validate())
}

func TestALifeEventAsksOnceAndOpensAllCases(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		w := moved(t, h, anna, parking, dog)
		id := w.Bundle.ID
		if again := must[intake.Bundle](t)(h.Intake.StartEvent(ctx, anna, "moved")); again.ID != id {
			t.Error("starting again doesn't go on with the bundle")
		}
		if len(w.Parts) != 3 || !w.Unasked() || w.Undecided() {
			t.Fatalf("%d parts", len(w.Parts))
		}
		if _, err := h.Intake.SubmitAll(ctx, anna, id, "de"); !fault.Is(err, fault.Conflict) {
			t.Errorf("submitted without having seen the data notice: %v", err)
		}
		if err := h.Intake.ConsentAll(ctx, anna, id, true); err != nil {
			t.Fatal(err)
		}
		// The registers know the old address: the move changes it, so it is asked, and once.
		w = bundled(t, h, anna, id)
		var asked []string
		for _, p := range w.Places() {
			asked = append(asked, p.Part.Service.ID+" "+p.Page)
		}
		if got := strings.Join(asked, ", "); got != "change-of-address new, change-of-address landlord, change-of-address declare, "+
			"resident-parking-permit address, resident-parking-permit vehicle, resident-parking-permit permit, resident-parking-permit declare, "+
			"dog-registration dog, dog-registration reduction, dog-registration declare" {
			t.Errorf("asked: %s", got)
		}
		if it, _, _ := partOf(t, w, parking).View.Item("street"); !it.Elsewhere || it.Known || it.Asked() {
			t.Error("the street is asked again")
		}
		if it, _, _ := partOf(t, w, parking).View.Item("postcode"); !it.Asked() {
			t.Error("the postcode of the old address counts")
		}
		answerAll(t, h, anna, id)
		var wg sync.WaitGroup
		for range 6 { // many fingers
			wg.Go(func() {
				if errs, err := h.Intake.SubmitAll(ctx, anna, id, "de"); err != nil || len(errs) > 0 {
					t.Errorf("%v %v", errs, err)
				}
			})
		}
		wg.Wait()
		cases := h.Cases(t)
		if len(cases) != 3 {
			t.Fatalf("%d cases", len(cases))
		}
		for _, c := range cases[1:] {
			if c["street"] != "Müllerstraße" || c["house_number"] != "12a" || c["postcode"] != "47169" || c["city"] != "Duisburg" || c["given_names"] != "Anna" {
				t.Errorf("application: %v", c)
			}
		}
		if cases[0]["new_street"] != "Müllerstraße" || cases[1]["residence_since"] != cases[0]["moved_in"] {
			t.Errorf("applications: %v %v", cases[0], cases[1])
		}
		w = bundled(t, h, anna, id)
		handed := must[[]intake.Handed](t)(h.Intake.Handed(ctx, w))
		if w.Bundle.State != intake.Submitted || len(handed) != 3 || handed[1].Service.ID != parking || handed[1].CaseID != cases[1]["_id"] {
			t.Errorf("handed over: %+v", handed)
		}
		if l := must[[]intake.Bundle](t)(h.Intake.Bundles(ctx, anna)); len(l) != 0 {
			t.Errorf("still begun: %v", l)
		}
		if got := must[[]intake.Consent](t)(h.Intake.Consents(ctx, anna, "", 10)); len(got) != 3 || got[0].CaseID == "" {
			t.Errorf("consents: %+v", got)
		}
	})
}

func TestABundleIsItsOwnersAlone(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, bora := t.Context(), accesstest.Anna(), accesstest.Bora()
		id := moved(t, h, anna, dog).Bundle.ID
		_, read := h.Intake.Bundled(ctx, bora, id, "de")
		_, submit := h.Intake.SubmitAll(ctx, bora, id, "de")
		for what, err := range map[string]error{"read": read, "submit": submit, "choose": h.Intake.Choose(ctx, bora, id, map[string]bool{dog: false}),
			"consent": h.Intake.ConsentAll(ctx, bora, id, true), "discard": h.Intake.DiscardBundle(ctx, bora, id)} {
			if !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if l := must[[]intake.Bundle](t)(h.Intake.Bundles(ctx, bora)); len(l) != 0 {
			t.Errorf("listed: %v", l)
		}
		if _, err := h.Intake.Bundled(ctx, anna, "no id", "de"); !fault.Is(err, fault.NotFound) {
			t.Errorf("no id: %v", err)
		}
		if _, err := h.Intake.StartEvent(ctx, anna, "no-event"); !fault.Is(err, fault.NotFound) {
			t.Errorf("no event: %v", err)
		}
		if _, err := h.Intake.StartEvent(ctx, accesstest.Clerk("32"), "moved"); !fault.Is(err, fault.Denied) {
			t.Errorf("a clerk: %v", err)
		}
	})
}

func TestADraftOfABundleIsntHandedOverAlone(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		w := moved(t, h, anna, dog)
		if err := h.Intake.ConsentAll(ctx, anna, w.Bundle.ID, true); err != nil {
			t.Fatal(err)
		}
		answerAll(t, h, anna, w.Bundle.ID)
		d := partOf(t, w, dog).Draft
		if _, _, err := h.Intake.Submit(ctx, anna, d.ID, "de"); message(err) != "intake.bundle.together" {
			t.Errorf("submitted alone: %v", err)
		}
		if err := h.Intake.Discard(ctx, anna, d.ID); message(err) != "intake.bundle.together" {
			t.Errorf("discarded alone: %v", err)
		}
		// What is asked elsewhere isn't taken from a post that sends it all the same.
		save(t, h, anna, d, "address", post("street", "Königstraße"))
		if s := bundled(t, h, anna, w.Bundle.ID); partOf(t, s, moving).Draft.Answers["new_street"] != "Müllerstraße" || partOf(t, s, dog).Draft.Answers["street"] != "Müllerstraße" {
			t.Error("a later form has changed the answer of the first")
		}
		if len(h.Cases(t)) != 0 {
			t.Error("a case was opened")
		}
		// The service by itself is another application.
		if single := must[intake.Draft](t)(h.Intake.Start(ctx, anna, dog)); single.ID == d.ID || len(single.Answers) > 0 {
			t.Errorf("begun alone: %+v", single)
		}
		if l := must[[]intake.Draft](t)(h.Intake.Drafts(ctx, anna)); len(l) != 1 || l[0].Bundle != "" {
			t.Errorf("drafts: %+v", l)
		}
	})
}

func TestAllOrNoneIsHandedOver(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		id := moved(t, h, anna, parking, dog).Bundle.ID
		if err := h.Intake.ConsentAll(ctx, anna, id, true); err != nil {
			t.Fatal(err)
		}
		answerAll(t, h, anna, id)
		h.FailService.Store(dog) // the last of them
		if _, err := h.Intake.SubmitAll(ctx, anna, id, "de"); !fault.Is(err, fault.Unavailable) {
			t.Errorf("a case that doesn't open: %v", err)
		}
		if w := bundled(t, h, anna, id); len(h.Cases(t)) != 0 || w.Bundle.State != intake.Open || len(w.Validate()) > 0 {
			t.Errorf("%d cases, the bundle is %s, wrong: %v", len(h.Cases(t)), w.Bundle.State, w.Validate())
		}
		h.FailService.Store("")
		if errs, err := h.Intake.SubmitAll(ctx, anna, id, "de"); err != nil || len(errs) > 0 || len(h.Cases(t)) != 3 {
			t.Errorf("%v %v", errs, err)
		}
	})
}

func TestTheChoiceOfServicesLosesNothing(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		// What was begun alone comes along.
		alone := must[intake.Draft](t)(h.Intake.Start(ctx, anna, dog))
		save(t, h, anna, alone, "dog", post("dog_name", "Bello"))
		b := must[intake.Bundle](t)(h.Intake.StartEvent(ctx, anna, "moved"))
		w := bundled(t, h, anna, b.ID)
		if !w.Undecided() || len(w.Parts) != 1 {
			t.Fatalf("%d parts before anything is chosen", len(w.Parts))
		}
		if _, err := h.Intake.SubmitAll(ctx, anna, b.ID, "de"); !fault.Is(err, fault.Conflict) {
			t.Errorf("submitted undecided: %v", err)
		}
		w = moved(t, h, anna, dog)
		if d := partOf(t, w, dog).Draft; d.ID != alone.ID || d.Answers["dog_name"] != "Bello" {
			t.Errorf("the draft begun alone: %+v", d)
		}
		if err := h.Intake.ConsentAll(ctx, anna, b.ID, true); err != nil {
			t.Fatal(err)
		}
		save(t, h, anna, partOf(t, w, moving).Draft, "new", post("new_street", "Müllerstraße"))
		w = moved(t, h, anna)
		if len(w.Parts) != 1 {
			t.Fatal("a service that isn't wanted is part of it")
		}
		resting := must[intake.Draft](t)(h.Intake.Draft(ctx, anna, alone.ID))
		if resting.Registers != nil || resting.Consent != intake.Unasked || resting.Answers["dog_name"] != "Bello" {
			t.Errorf("what rests: %+v", resting)
		}
		save(t, h, anna, partOf(t, w, moving).Draft, "new", post("new_street", "Königstraße"))
		w = moved(t, h, anna, parking, dog)
		if d := partOf(t, w, dog).Draft; d.ID != alone.ID || d.Answers["dog_name"] != "Bello" || d.Answers["street"] != "Königstraße" {
			t.Errorf("taken in again: %+v", d.Answers)
		}
		if !w.Unasked() {
			t.Error("the consent of a service that was taken out holds")
		}
		// Handed over without it, it stands for itself again.
		moved(t, h, anna)
		if err := h.Intake.ConsentAll(ctx, anna, b.ID, false); err != nil {
			t.Fatal(err)
		}
		answerAll(t, h, anna, b.ID)
		if errs, err := h.Intake.SubmitAll(ctx, anna, b.ID, "de"); err != nil || len(errs) > 0 || len(h.Cases(t)) != 1 {
			t.Fatalf("%v %v", errs, err)
		}
		l := must[[]intake.Draft](t)(h.Intake.Drafts(ctx, anna))
		if !slices.ContainsFunc(l, func(d intake.Draft) bool {
			return d.ID == alone.ID && d.Bundle == "" && d.Answers["dog_name"] == "Bello"
		}) {
			t.Errorf("drafts afterwards: %+v", l)
		}
	})
}

func TestABundleLivesAndGoesAsOne(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		begun := h.Now()
		w := moved(t, h, anna, parking, dog)
		id, first := w.Bundle.ID, partOf(t, w, moving).Draft
		h.SetNow(begun.AddDate(0, 0, 40))
		save(t, h, anna, first, "new", post("new_street", "Müllerstraße"))
		h.SetNow(begun.AddDate(0, 0, 70)) // the others were changed 70 days ago, the first 30
		if w = bundled(t, h, anna, id); len(w.Parts) != 3 {
			t.Error("a part has expired before the others")
		}
		h.SetNow(begun.AddDate(0, 0, 95))
		if must[int64](t)(h.Intake.Sweep(ctx)); len(h.Warned()) != 1 {
			t.Errorf("warned: %v", h.Warned())
		}
		h.SetNow(begun.AddDate(0, 0, 101))
		if n := must[int64](t)(h.Intake.Sweep(ctx)); n != 3 {
			t.Errorf("%d expired", n)
		}
		if _, err := h.Intake.Bundled(ctx, anna, id, "de"); !fault.Is(err, fault.NotFound) {
			t.Errorf("an expired bundle: %v", err)
		}
		// Thrown away, and erased.
		w = moved(t, h, anna, dog)
		if err := h.Intake.DiscardBundle(ctx, anna, w.Bundle.ID); err != nil {
			t.Fatal(err)
		}
		w2 := moved(t, h, anna, dog)
		if w2.Bundle.ID == w.Bundle.ID || partOf(t, w2, dog).Draft.ID == partOf(t, w, dog).Draft.ID {
			t.Error("what was thrown away is there")
		}
		if err := h.DB.Write(ctx, func(tx *store.Tx) error { return h.Intake.Forget(ctx, tx, anna.ID) }); err != nil {
			t.Fatal(err)
		}
		n := must[int](t)(store.One(ctx, h.DB, func(s store.Scanner) (n int, err error) { return n, s.Scan(&n) }, "-- test.left\nSELECT (SELECT COUNT(*) FROM intake_bundle) + (SELECT COUNT(*) FROM intake_draft)"))
		if n != 0 {
			t.Errorf("%d rows are left of somebody who was erased", n)
		}
	})
}

func TestWhatALaterFormRefusesIsSaidWhereItIsAsked(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		anna := accesstest.Anna()
		change(t, h, parking, `"maxLength": 10`, `"maxLength": 2`) // of the house number
		w := moved(t, h, anna, parking)
		save(t, h, anna, partOf(t, w, moving).Draft, "new", post("new_street", "Müllerstraße", "new_house_number", "12a"))
		w = bundled(t, h, anna, w.Bundle.ID)
		if errs := keys(partOf(t, w, moving).Validate("new")); errs != "moved_in required, new_house_number person.tooLong" {
			t.Errorf("on the page that asks: %s", errs)
		}
		if errs := keys(partOf(t, w, parking).Validate("")); strings.Contains(errs, "house_number") {
			t.Errorf("where it isn't asked: %s", errs)
		}
	})
}

// change loads the services with one form changed: a new version of it.
func change(t *testing.T, h *intaketest.House, service, old, new string) {
	t.Helper()
	changeFile(t, h, service, "application.form", old, new)
}

// changeFile loads the services with one file changed.
func changeFile(t *testing.T, h *intaketest.House, service, name, old, new string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "services")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(intaketest.Root(), "content", "services"))); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, service, name)
	data := must[[]byte](t)(os.ReadFile(file))
	if !strings.Contains(string(data), old) {
		t.Fatalf("%s isn't in %s", old, name)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(data), old, new, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := h.Catalog.Load(t.Context(), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
}

func TestAFormOfABundleChangesMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		w := moved(t, h, anna, parking, dog)
		if err := h.Intake.ConsentAll(ctx, anna, w.Bundle.ID, true); err != nil {
			t.Fatal(err)
		}
		answerAll(t, h, anna, w.Bundle.ID)
		// The question that was shared asks for something else now: it is asked again, and the rest stays.
		change(t, h, dog, `"type": "postcode"`, `"type": "name"`)
		w = bundled(t, h, anna, w.Bundle.ID)
		if it, _, _ := partOf(t, w, dog).View.Item("postcode"); !it.Asked() {
			t.Error("a question that is another one is taken as answered")
		}
		if d := partOf(t, w, dog).Draft; d.Answers["dog_name"] != "Bello" || d.Answers["street"] != "Müllerstraße" {
			t.Errorf("lost: %v", d.Answers)
		}
		if err := h.Catalog.Load(ctx, os.DirFS(filepath.Join(intaketest.Root(), "content", "services"))); err != nil {
			t.Fatal(err)
		}
		// The event is gone: its drafts stand for themselves.
		if err := h.Catalog.LoadEvents(fstest.MapFS{}); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Intake.Bundled(ctx, anna, w.Bundle.ID, "de"); message(err) != "intake.bundle.gone" {
			t.Errorf("the event is gone: %v", err)
		}
		if l := must[[]intake.Draft](t)(h.Intake.Drafts(ctx, anna)); len(l) != 3 {
			t.Errorf("%d drafts", len(l))
		}
		if _, errs, err := h.Intake.Submit(ctx, anna, partOf(t, w, dog).Draft.ID, "de"); err != nil || len(errs) > 0 {
			t.Errorf("handed over alone: %v %v", errs, err)
		}
		if err := h.Intake.Discard(ctx, anna, partOf(t, w, parking).Draft.ID); err != nil {
			t.Errorf("thrown away alone: %v", err)
		}
	})
}

func TestAConditionOffersAService(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		text := `{ de = "A", en = "A", tr = "A", de-simple = "A" }`
		if err := h.Catalog.LoadEvents(fstest.MapFS{"test/event.toml": {Data: []byte("id = \"test\"\ntitle = " + text + "\nsummary = " + text + `
[[service]]
id = "change-of-address"
[[service]]
id = "dog-registration"
question = ` + text + `
when = '=answers.change_of_address.landlord_code = "Hund"'
[[service]]
id = "resident-parking-permit"
when = "=registers.resident.street = \"Musfeldstraße\""
`)}}); err != nil {
			t.Fatal(err)
		}
		b := must[intake.Bundle](t)(h.Intake.StartEvent(ctx, anna, "test"))
		parts := func() string {
			w := bundled(t, h, anna, b.ID)
			var out []string
			for _, f := range w.Parts {
				out = append(out, f.Service.ID)
			}
			return fmt.Sprint(out, len(w.Offers))
		}
		if got := parts(); got != "[change-of-address] 0" {
			t.Errorf("at the beginning: %s", got)
		}
		save(t, h, anna, partOf(t, bundled(t, h, anna, b.ID), moving).Draft, "landlord", post("landlord_code", "Hund"))
		if got := parts(); got != "[change-of-address] 1" {
			t.Errorf("offered by an answer: %s", got)
		}
		if err := h.Intake.ConsentAll(ctx, anna, b.ID, true); err != nil {
			t.Fatal(err)
		}
		if got := parts(); got != "[change-of-address resident-parking-permit] 1" {
			t.Errorf("by what a register knows: %s", got)
		}
	})
}

// A shared answer is the same in all drafts, in whatever order what is saved where.
func TestASharedAnswerIsTheSameInAllDrafts(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx := t.Context()
		run := 0
		rapid.Check(t, func(r *rapid.T) {
			run++
			anna := accesstest.Anna()
			anna.ID = fmt.Sprintf("person-%d-%s", run, t.Name())
			h.Move(anna.ID, "Musfeldstraße")
			b, err := h.Intake.StartEvent(ctx, anna, "moved")
			if err != nil {
				r.Fatal(err)
			}
			event, _ := h.Catalog.Event("moved")
			texts := rapid.SampledFrom([]string{"", "Müllerstraße", "Königstraße", "12a", "47169", "475", "1.11.2026", "31.31.2026", "gestern", "Duisburg", "Anna", "yes", "no"})
			fields := []string{"new_street", "new_house_number", "moved_in", "street", "house_number", "postcode", "residence_since", "given_names", "family_name", "city", "benefit"}
			for range rapid.IntRange(1, 8).Draw(r, "steps") {
				switch rapid.SampledFrom([]string{"choose", "consent", "save", "save", "save"}).Draw(r, "what") {
				case "choose":
					err = h.Intake.Choose(ctx, anna, b.ID, map[string]bool{parking: rapid.Bool().Draw(r, parking), dog: rapid.Bool().Draw(r, dog), care: rapid.Bool().Draw(r, care)})
				case "consent":
					err = h.Intake.ConsentAll(ctx, anna, b.ID, rapid.Bool().Draw(r, "yes"))
				default:
					w, e := h.Intake.Bundled(ctx, anna, b.ID, "de")
					if e != nil {
						r.Fatal(e)
					}
					f := w.Parts[rapid.IntRange(0, len(w.Parts)-1).Draw(r, "part")]
					field := rapid.SampledFrom(fields).Draw(r, "field")
					page := f.Service.Form.Pages()[0].ID
					if _, err = h.Intake.Save(ctx, anna, f.Draft.ID, page, post(field, texts.Draw(r, "text")), "de"); err == nil {
						stored(r, h, anna, event.Shared(h.Catalog.Current), w)
					}
				}
				if err != nil && !fault.Is(err, fault.NotFound) {
					r.Fatal(err)
				}
				w, err := h.Intake.Bundled(ctx, anna, b.ID, "de")
				if err != nil {
					r.Fatal(err)
				}
				same(r, event.Shared(h.Catalog.Current), w)
				f := w.Parts[rapid.IntRange(0, len(w.Parts)-1).Draw(r, "alone")]
				alone, err := h.Intake.FillAlone(ctx, anna, f.Draft, "de")
				if err != nil {
					r.Fatal(err)
				}
				for _, pg := range f.View.Pages() {
					if got, want := shown(alone.View.Page(pg.ID)), shown(f.View.Page(pg.ID)); got != want || alone.Seen(pg.ID) != f.Seen(pg.ID) {
						r.Fatalf("%s, page %s by itself is %s, with all others %s", f.Service.ID, pg.ID, got, want)
					}
				}
			}
		})
	})
}

// stored holds the drafts of a bundle against each other as they are in the database, where nobody has looked at them since.
func stored(t *rapid.T, h *intaketest.House, a access.Actor, groups []service.Shared, w *intake.Bundled) {
	for _, g := range groups {
		var seen []string
		for _, q := range g.Questions {
			for _, f := range w.Parts {
				if it, _, _ := f.View.Item(q.Field); f.Service.ID != q.Service || it.Known {
					continue
				}
				d, err := h.Intake.Draft(t.Context(), a, f.Draft.ID)
				if err != nil {
					t.Fatal(err)
				}
				seen = append(seen, fmt.Sprintf("%v %q", d.Answers[q.Field], d.Raw[q.Field]))
			}
		}
		if all := fmt.Sprint(seen); len(slices.Compact(seen)) > 1 {
			t.Fatalf("%v: stored as %s", g.Questions, all)
		}
	}
}

func same(t *rapid.T, groups []service.Shared, w *intake.Bundled) {
	for _, g := range groups {
		var seen []string
		asked := 0
		for _, q := range g.Questions {
			for _, f := range w.Parts {
				if f.Service.ID != q.Service {
					continue
				}
				it, _, ok := f.View.Item(q.Field)
				if !ok {
					continue
				}
				if it.Asked() {
					asked++
				}
				seen = append(seen, fmt.Sprint(it.Value))
			}
		}
		if slices.Sort(seen); asked > 1 || len(slices.Compact(seen)) > 1 {
			t.Fatalf("%v: asked %d times, the values are %v", g.Questions, asked, seen)
		}
	}
}

func TestAFileIsGivenOnce(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		w := moved(t, h, anna, dog, care)
		id := w.Bundle.ID
		if err := h.Intake.ConsentAll(ctx, anna, id, true); err != nil {
			t.Fatal(err)
		}
		save(t, h, anna, partOf(t, w, dog).Draft, "reduction", post("benefit", "yes"))
		first := partOf(t, w, dog).Draft
		files := func(service, field string) []intake.FileRef {
			return intake.Files(partOf(t, bundled(t, h, anna, id), service).Draft.Answers[field])
		}
		upload := func(name, content string) {
			t.Helper()
			if err := h.Intake.Upload(ctx, anna, first.ID, "benefit_notice", name, strings.NewReader(content)); err != nil {
				t.Fatal(err)
			}
		}
		upload("bescheid.pdf", lease)
		a, b := files(dog, "benefit_notice"), files(care, "benefit_notice")
		if len(a) != 1 || len(b) != 1 || a[0].Hash != b[0].Hash || a[0].ID == b[0].ID {
			t.Fatalf("files: %+v %+v", a, b)
		}
		if got := inDrawer(t, h); len(got) != 1 {
			t.Errorf("the content lies there %d times", len(got))
		}
		if it, _, _ := partOf(t, bundled(t, h, anna, id), care).View.Item("benefit_notice"); !it.Elsewhere {
			t.Error("the file is asked for again")
		}
		// Each draft has it, and nobody else.
		d := partOf(t, w, care).Draft
		_, r, err := h.Intake.OpenFile(ctx, anna, d.ID, "benefit_notice", b[0].Hash, intake.Original)
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		if _, _, err := h.Intake.OpenFile(ctx, accesstest.Bora(), d.ID, "benefit_notice", b[0].Hash, intake.Original); !fault.Is(err, fault.NotFound) {
			t.Errorf("somebody else opens it: %v", err)
		}
		upload("foto.jpg", photo(t))
		if err := h.Intake.RemoveFile(ctx, anna, first.ID, "benefit_notice", a[0].Hash); err != nil {
			t.Fatal(err)
		}
		if b = files(care, "benefit_notice"); len(b) != 1 || b[0].Name != "foto.jpg" {
			t.Errorf("taken out of one: %+v", b)
		}
		if got := inDrawer(t, h); len(got) != 3 { // a picture, its preview and its PDF
			t.Errorf("in the drawer: %v", got)
		}
		// The service that gave it is taken out: the other still has it.
		if w = moved(t, h, anna, care); len(intake.Files(partOf(t, w, care).Draft.Answers["benefit_notice"])) != 1 {
			t.Error("the file went with the service it was given for")
		}
		moved(t, h, anna, dog, care)
		if err := h.Intake.ConsentAll(ctx, anna, id, true); err != nil {
			t.Fatal(err)
		}
		answerAll(t, h, anna, id)
		if errs, err := h.Intake.SubmitAll(ctx, anna, id, "de"); err != nil || len(errs) > 0 {
			t.Fatalf("%v %v", errs, err)
		}
		n := must[int](t)(store.One(ctx, h.DB, func(s store.Scanner) (n int, err error) { return n, s.Scan(&n) },
			"-- test.uploads\nSELECT COUNT(DISTINCT case_id) FROM intake_upload WHERE case_id <> '' AND state = 'kept'"))
		if n != 2 {
			t.Errorf("%d cases have the file", n)
		}
		h.SetNow(h.Now().Add(400 * 24 * time.Hour))
		must[int64](t)(h.Intake.Sweep(ctx))
		if got := inDrawer(t, h); len(got) != 3 {
			t.Errorf("what the cases have: %v", got)
		}
	})
}

func TestADelegateMovesWithinTheMandate(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		empower := func(services ...string) access.Actor {
			bora := accesstest.Bora()
			h.Empower(bora.ID, access.Mandate{ID: "mandate-1", Kind: "authorised", Person: anna.ID, Actions: []string{"fill", "submit", "registers"}, Services: services})
			bora.Mandate, bora.For, bora.ForName = "mandate-1", anna.ID, anna.Name
			return bora
		}
		if _, err := h.Intake.StartEvent(ctx, empower(dog), "moved"); !fault.Is(err, fault.Denied) {
			t.Errorf("begun beyond the mandate: %v", err)
		}
		acting := empower(moving, dog)
		w := moved(t, h, acting, dog)
		if own := moved(t, h, anna, dog); own.Bundle.ID == w.Bundle.ID || partOf(t, own, dog).Draft.ID == partOf(t, w, dog).Draft.ID {
			t.Error("who acts for her goes on with what she has begun herself")
		}
		if _, err := h.Intake.Bundled(ctx, accesstest.Bora(), w.Bundle.ID, "de"); !fault.Is(err, fault.NotFound) {
			t.Errorf("the delegate has it as their own: %v", err)
		}
		if err := h.Intake.Choose(ctx, acting, w.Bundle.ID, map[string]bool{parking: true}); !fault.Is(err, fault.Denied) {
			t.Errorf("a service beyond the mandate: %v", err)
		}
		if err := h.Intake.ConsentAll(ctx, acting, w.Bundle.ID, true); err != nil {
			t.Fatal(err)
		}
		answerAll(t, h, acting, w.Bundle.ID)
		if errs, err := h.Intake.SubmitAll(ctx, acting, w.Bundle.ID, "de"); err != nil || len(errs) > 0 || len(h.Cases(t)) != 2 {
			t.Errorf("handed over: %v %v", errs, err)
		}
		h.Empower(acting.ID, access.Mandate{ID: "mandate-1"})
		if _, err := h.Intake.Bundled(ctx, acting, w.Bundle.ID, "de"); !fault.Is(err, fault.Denied) {
			t.Errorf("the receipt after the mandate has ended: %v", err)
		}
	})
}

// shown is what a page asks and shows, in words that can be compared.
func shown(items []form.Item) string {
	var out []string
	form.Each(items, func(it *form.Item) {
		out = append(out, fmt.Sprint(it.Type, it.Name, it.Value, it.Raw, it.Known, it.Elsewhere, it.Options, it.Text, it.Full, len(it.Rows)))
	})
	return strings.Join(out, " ")
}
