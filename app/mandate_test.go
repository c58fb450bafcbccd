// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"io"
	"slices"
	"testing"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/audit"
	"mercator/domain/mandate"
)

// TestMandatesInMyData: a person finds in "my data" every mandate of theirs, given and received, page by page, and by name who
// acted for them; who acts for somebody gets nothing of all that, neither theirs nor their own.
func TestMandatesInMyData(t *testing.T) {
	ctx := context.Background()
	h := testHouse(t, t.TempDir(), "")
	defer h.Close()
	people, err := h.loadSample(ctx, 10, time.Now(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	resident := func(login, name string) access.Actor {
		n, ok := people.generator.Find(login)
		if !ok {
			t.Fatal(login)
		}
		return access.Actor{Kind: access.Resident, ID: n.Resident.ID, Name: name, Level: access.Substantial}
	}
	anna, mehmet := resident("anna-schmidt", "Anna Schmidt"), resident("mehmet-yilmaz", "Mehmet Yılmaz")
	today := h.mandates.Today()
	give := func(from, to access.Actor) mandate.Mandate {
		t.Helper()
		_, code, problems, err := h.mandates.Give(ctx, from, mandate.Gift{Kind: "authorised", All: true, Actions: mandate.Actions(),
			From: today.Format(time.DateOnly), Until: today.AddDate(0, 0, 30).Format(time.DateOnly)})
		if err != nil || len(problems) > 0 {
			t.Fatal(problems, err)
		}
		m, err := h.mandates.Redeem(ctx, to, code, "")
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	var want []string
	var m mandate.Mandate
	for range 3 {
		m = give(anna, mehmet)
		want = append([]string{"/mandates/" + m.ID}, want...)
	}
	var received []string
	for range 2 {
		received = append([]string{"/mandates/" + give(mehmet, anna).ID}, received...)
	}
	want = append(want, received...)

	words, err := h.catalogue()
	if err != nil {
		t.Fatal(err)
	}
	loc := words.Localizer("de")
	for _, n := range []int{1, 2, 3, 4, 100} {
		var got []string
		for after := ""; ; {
			part, err := h.heldMandates(ctx, anna, loc, after, n)
			if err != nil {
				t.Fatal(err)
			}
			for _, it := range part.Items {
				got = append(got, it.Href)
			}
			if part.Next == "" || len(got) > len(want) {
				break
			}
			after = part.Next
		}
		if !slices.Equal(got, want) {
			t.Errorf("in pages of %d: %v, want %v", n, got, want)
		}
	}

	acting := mehmet
	acting.Mandate, acting.For, acting.ForName = m.ID, anna.ID, anna.Name
	if _, err := h.intake.Start(ctx, acting, "change-of-address"); err != nil {
		t.Fatal(err)
	}
	g, err := h.own(ctx, anna, access.Read, "ledger")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := h.access.WhoReadWhere(ctx, g, "", audit.Narrow{Resource: "draft"}, 10)
	if err != nil || len(entries) == 0 {
		t.Fatalf("what was done for her isn't told: %v", err)
	}
	for _, e := range entries {
		if e.ActorName != mehmet.Name || e.Mandate != m.ID {
			t.Errorf("%+v", e)
		}
	}

	for _, r := range []struct{ action, resource string }{{access.Read, "ledger"}, {access.List, "payment"}, {access.Read, "payment"}, {access.List, "mandate"}, {access.Change, "payment"}} {
		for _, owner := range []string{anna.ID, mehmet.ID} {
			_, err := h.access.Permit(ctx, access.Request{Actor: acting, Action: r.action, Resource: r.resource, Purpose: "own data", Basis: "Art. 15 DSGVO", Owner: owner})
			if !fault.Is(err, fault.Denied) {
				t.Errorf("who acts for her may %s %s of %s: %v", r.action, r.resource, owner, err)
			}
		}
	}
	for _, holder := range h.holders(words) {
		part, err := holder.List(ctx, acting, "de", "", 10)
		if !fault.Is(err, fault.Denied) || len(part.Items) > 0 {
			t.Errorf("%s: who acts for her is shown %d things in my data: %v", holder.ID, len(part.Items), err)
		}
	}
}
