// SPDX-License-Identifier: EUPL-1.2

package intake_test

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/store"
	"mercator/domain/intake"
	"mercator/domain/intake/intaketest"
)

// workshop is a life event of two services that are begun without signing in, and one between them that isn't.
func workshop(t testing.TB, h *intaketest.House) {
	t.Helper()
	text := `{ de = "A", en = "A", tr = "A", de-simple = "A" }`
	if err := h.Catalog.LoadEvents(fstest.MapFS{"workshop/event.toml": {Data: []byte("id = \"workshop\"\ntitle = " + text + "\nsummary = " + text + `
[[service]]
id = "change-of-address"
[[service]]
id = "resident-parking-permit"
question = ` + text + `
[[service]]
id = "business-registration"
question = ` + text + `
[[same]]
fields = ["change-of-address.new_street", "resident-parking-permit.street", "business-registration.street"]
afresh = true
[[same]]
fields = ["change-of-address.new_house_number", "resident-parking-permit.house_number", "business-registration.house_number"]
afresh = true
[[same]]
fields = ["resident-parking-permit.postcode", "business-registration.postcode"]
afresh = true
`)}}); err != nil {
		t.Fatal(err)
	}
}

// chosen begins the workshop with these services; a guest begins it in their browser.
func chosen(t testing.TB, h *intaketest.House, a access.Actor, services ...string) *intake.Bundled {
	t.Helper()
	var b intake.Bundle
	if a.Kind == intake.Guest {
		b = must[intake.Bundle](t)(h.Intake.StartEventGuest(t.Context(), a, "workshop", "192.0.2.1"))
	} else {
		b = must[intake.Bundle](t)(h.Intake.StartEvent(t.Context(), a, "workshop"))
	}
	if err := h.Intake.Choose(t.Context(), a, b.ID, map[string]bool{parking: slices.Contains(services, parking), trade: slices.Contains(services, trade)}); err != nil {
		t.Fatal(err)
	}
	return bundled(t, h, a, b.ID)
}

func browser() access.Actor {
	guest, _ := intake.GuestOf(intake.NewGuest())
	return guest
}

func TestALifeEventBegunWithoutSigningInBecomesOnePersons(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, bora := t.Context(), accesstest.Anna(), accesstest.Bora()
		workshop(t, h)
		guest := browser()
		w := chosen(t, h, guest, parking, trade)
		id := w.Bundle.ID
		if again := must[intake.Bundle](t)(h.Intake.StartEventGuest(ctx, guest, "workshop", "192.0.2.1")); again.ID != id {
			t.Error("starting again doesn't go on with it")
		}
		if len(w.Parts) != 2 || len(w.Waiting) != 1 || w.Waiting[0].ID != parking || w.Trust() != access.Substantial {
			t.Fatalf("%d parts, waiting: %v", len(w.Parts), w.Waiting)
		}
		if _, err := h.Intake.StartEvent(ctx, guest, "workshop"); !fault.Is(err, fault.Denied) {
			t.Errorf("past the bounds: %v", err)
		}
		first := partOf(t, w, moving).Draft
		save(t, h, guest, first, "new", post("new_street", "Müllerstraße", "new_house_number", "12a", "moved_in", "neulich"))
		save(t, h, guest, partOf(t, w, trade).Draft, "business", post("business_name", "Bello"))
		if strings.Contains(rows(t, h), "Bello") {
			t.Error("stands in the database")
		}
		if d := partOf(t, bundled(t, h, guest, id), trade).Draft; d.Answers["street"] != "Müllerstraße" {
			t.Errorf("asked once: %v", d.Answers)
		}
		// Nothing that needs a person.
		if err := h.Intake.ConsentAll(ctx, guest, id, true); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("consent: %v", err)
		}
		if _, err := h.Intake.SubmitAll(ctx, guest, id, "de"); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("submit: %v", err)
		}
		if _, err := h.Intake.Claim(ctx, anna, guest, first.ID); message(err) != "intake.bundle.together" {
			t.Errorf("one part claimed alone: %v", err)
		}
		// Nobody else's.
		stranger, _ := intake.GuestOf(intake.NewGuest())
		for _, a := range []access.Actor{stranger, anna, bora} {
			if _, err := h.Intake.Bundled(ctx, a, id, "de"); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s reads it: %v", a.ID, err)
			}
		}
		if _, err := h.Intake.ClaimBundle(ctx, bora, stranger, id); !fault.Is(err, fault.NotFound) {
			t.Errorf("claimed with another token: %v", err)
		}
		acting := anna
		acting.Mandate, acting.For = "m", bora.ID
		if _, err := h.Intake.ClaimBundle(ctx, acting, guest, id); !fault.Is(err, fault.Denied) {
			t.Errorf("claimed for somebody else: %v", err)
		}
		// Two at once: one has all of it, the other nothing.
		var wg sync.WaitGroup
		var won atomic.Value
		var n atomic.Int32
		for _, a := range []access.Actor{anna, bora, anna, bora} {
			wg.Go(func() {
				b, err := h.Intake.ClaimBundle(ctx, a, guest, id)
				if err == nil && b.ID == id && b.Owner == a.ID && b.Choices[trade] && b.Choices[parking] {
					won.Store(a)
					n.Add(1)
				} else if !fault.Is(err, fault.NotFound) {
					t.Errorf("%s: %v", a.ID, err)
				}
			})
		}
		wg.Wait()
		if n.Load() != 1 {
			t.Fatalf("%d have it", n.Load())
		}
		owner := won.Load().(access.Actor)
		w = bundled(t, h, owner, id)
		if len(w.Parts) != 3 || len(w.Waiting) != 0 || !w.Unasked() {
			t.Fatalf("%d parts after the sign-in", len(w.Parts))
		}
		d := partOf(t, w, moving).Draft
		if d.ID != first.ID || d.Answers["new_house_number"] != "12a" || d.Raw["moved_in"] != "neulich" || partOf(t, w, trade).Draft.Answers["business_name"] != "Bello" ||
			partOf(t, w, parking).Draft.Answers["street"] != "Müllerstraße" {
			t.Errorf("lost: %+v", d)
		}
		if !w.Bundle.ExpiresAt.After(h.Now().AddDate(0, 0, 59)) {
			t.Errorf("it goes at %s", w.Bundle.ExpiresAt)
		}
		if _, err := h.Intake.Bundled(ctx, guest, id, "de"); !fault.Is(err, fault.NotFound) {
			t.Errorf("still the browser's: %v", err)
		}
		if n := must[int](t)(store.One(ctx, h.DB, func(s store.Scanner) (n int, err error) { return n, s.Scan(&n) }, "-- test.keys\nSELECT COUNT(*) FROM vault_key WHERE subject = $1", "drafts/"+guest.ID)); n != 0 {
			t.Error("the browser's key stays")
		}
	})
}

// Whoever has begun the life event at home and again in another browser has one afterwards, with what was written in either.
func TestALifeEventOfABrowserJoinsTheOneThatWasBegun(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		workshop(t, h)
		mine := chosen(t, h, anna, parking)
		if err := h.Intake.ConsentAll(ctx, anna, mine.Bundle.ID, false); err != nil {
			t.Fatal(err)
		}
		save(t, h, anna, partOf(t, mine, moving).Draft, "new", post("new_street", "Königstraße", "new_house_number", "3"))
		save(t, h, anna, partOf(t, mine, parking).Draft, "address", post("postcode", "47051"))
		guest := browser()
		w := chosen(t, h, guest, trade)
		save(t, h, guest, partOf(t, w, moving).Draft, "new", post("new_street", "Müllerstraße"))
		save(t, h, guest, partOf(t, w, trade).Draft, "home", post("postcode", "47169"))
		b := must[intake.Bundle](t)(h.Intake.ClaimBundle(ctx, anna, guest, w.Bundle.ID))
		if b.ID != mine.Bundle.ID || !b.Choices[parking] || !b.Choices[trade] {
			t.Errorf("%+v", b)
		}
		w = bundled(t, h, anna, b.ID)
		first, permit, firm := partOf(t, w, moving), partOf(t, w, parking), partOf(t, w, trade)
		if len(w.Parts) != 3 || first.Draft.Answers["new_street"] != "Müllerstraße" || first.Draft.Answers["new_house_number"] != "3" || firm.Draft.Answers["street"] != "Müllerstraße" ||
			permit.Draft.Answers["postcode"] != "47169" || firm.Draft.Answers["postcode"] != "47169" {
			t.Errorf("%v\n%v\n%v", first.Draft.Answers, permit.Draft.Answers, firm.Draft.Answers)
		}
		// What was written before stands beside it, where it is asked.
		if r := first.Rivalries(""); len(r) != 1 || r[0].Rival.Value != "Königstraße" {
			t.Errorf("%+v", r)
		}
		if r := permit.Rivalries(""); len(r) != 1 || r[0].Rival.Value != "47051" {
			t.Errorf("%+v", r)
		}
		if r := firm.Rivalries(""); len(r) != 0 {
			t.Errorf("asked to decide twice: %+v", r)
		}
		if l := must[[]intake.Bundle](t)(h.Intake.Bundles(ctx, anna)); len(l) != 1 {
			t.Errorf("%d are begun", len(l))
		}
	})
}

// What was taken out of a life event before the sign-in, and rests, answers nothing in what is left of it, and is kept.
func TestWhatRestsHasNoSayAtTheSignIn(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		workshop(t, h)
		guest := browser()
		w := chosen(t, h, guest, trade)
		first := partOf(t, w, moving).Draft
		save(t, h, guest, first, "new", post("new_street", "Müllerstraße"))
		save(t, h, guest, partOf(t, w, trade).Draft, "business", post("business_name", "Bello"))
		chosen(t, h, guest)
		save(t, h, guest, first, "new", post("new_street", ""))
		b := must[intake.Bundle](t)(h.Intake.ClaimBundle(ctx, anna, guest, w.Bundle.ID))
		if d := partOf(t, bundled(t, h, anna, b.ID), moving).Draft; d.Answers["new_street"] != nil {
			t.Errorf("what was taken back is there: %v", d.Answers)
		}
		if d := partOf(t, chosen(t, h, anna, trade), trade).Draft; d.Answers["business_name"] != "Bello" {
			t.Errorf("lost: %v", d.Answers)
		}
	})
}

func TestALifeEventAsksToSignInWhereAServiceDoes(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx := t.Context()
		for event, a := range map[string]access.Actor{"nothing": browser(), "moved": accesstest.Anna()} {
			if _, err := h.Intake.StartEventGuest(ctx, a, event, "192.0.2.1"); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s by a %s: %v", event, a.Kind, err)
			}
		}
		must[intake.Bundle](t)(h.Intake.StartEventGuest(ctx, browser(), "moved", "192.0.2.1"))
		changeFile(t, h, moving, "service.toml", "start = \"anonymous\"", "")
		if _, err := h.Intake.StartEventGuest(ctx, browser(), "moved", "192.0.2.1"); !fault.Is(err, fault.NotFound) {
			t.Errorf("what is always part of it asks to sign in: %v", err)
		}
	})
}

func TestLifeEventsOfGuestsAreBounded(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx := t.Context()
		workshop(t, h)
		for range 13 { // with two drafts each
			chosen(t, h, browser(), trade)
		}
		must[intake.Bundle](t)(h.Intake.StartEventGuest(ctx, browser(), "workshop", "192.0.2.1"))
		last := browser()
		if _, err := h.Intake.StartEventGuest(ctx, last, "workshop", "192.0.2.1"); !fault.Is(err, fault.TooMany) {
			t.Errorf("without a bound: %v", err)
		}
		if _, err := h.Intake.StartGuest(ctx, last, trade, "192.0.2.1"); !fault.Is(err, fault.TooMany) {
			t.Errorf("a single one: %v", err)
		}
		must[intake.Bundle](t)(h.Intake.StartEventGuest(ctx, last, "workshop", "192.0.2.2"))
		h.SetNow(h.Now().AddDate(0, 0, 2))
		must[int64](t)(h.Intake.Sweep(ctx))
		if n := must[int](t)(store.One(ctx, h.DB, func(s store.Scanner) (n int, err error) { return n, s.Scan(&n) },
			"-- test.left\nSELECT (SELECT COUNT(*) FROM intake_bundle) + (SELECT COUNT(*) FROM intake_draft)")); n != 0 {
			t.Errorf("%d rows stay", n)
		}
	})
}
