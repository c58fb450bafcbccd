// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"io"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
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
	authorised, _ := h.mandates.Rules().Kind("authorised")
	give := func(from, to access.Actor) mandate.Mandate {
		t.Helper()
		_, code, problems, err := h.mandates.Give(ctx, from, mandate.Gift{Kind: "authorised", All: true, Actions: authorised.Actions,
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

// A guardian whose mandate says so uses the rights over the ward's data as the ward could, and it is on record who did under which
// mandate; what is the ward's alone, and what is the guardian's own, isn't shown, and nothing is erased for somebody else.
func TestAGuardianUsesTheRightsOfTheWard(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		c := newCockpit(t, dsn)
		people, err := c.h.loadSample(ctx, 20, time.Now(), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		who := func(key string) mandate.Person {
			n, ok := people.generator.Find(key)
			if !ok {
				t.Fatal(key)
			}
			return mandate.Person{Given: n.Resident.GivenNames, Family: n.Resident.FamilyName, Birth: n.Resident.BirthDate}
		}
		today := c.h.mandates.Today()
		clerk := access.Actor{Kind: access.Clerk, ID: "petra.lehmann", Name: "Petra Lehmann", Office: "32", Roles: []string{"clerk"}, Level: access.Substantial}
		m, problems, err := c.h.mandates.Enter(ctx, clerk, mandate.Legal{Kind: "guardian", Principal: who("anna-schmidt"), Delegate: who("mehmet-yilmaz"), All: true, Proof: "Betreuerausweis",
			From: today.Format(time.DateOnly), Until: today.AddDate(1, 0, 0).Format(time.DateOnly)})
		if err != nil || len(problems) > 0 {
			t.Fatal(problems, err)
		}
		w := httptest.NewRecorder()
		session, err := c.h.sessions.SignIn(ctx, w, httptest.NewRequest("GET", "/", nil), c.mehmet, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := c.h.sessions.Act(ctx, session, m.ID); err != nil {
			t.Fatal(err)
		}
		by := w.Result().Cookies()[0]
		for path, want := range map[string][]string{
			"/my-data":                                  {"Kantstraße", "DU-AS 1988", "/my-data/copy.pdf"},
			"/my-data/copy.json":                        {"Kantstraße", `"person": "` + m.PrincipalName + `"`},
			"/my-data/reads":                            {"Mehmet"},
			"/my-data/given.csv":                        {"holder,item"},
			"/my-data/copy.pdf":                         {"%PDF"},
			"/my-data/held/register:vehicles":           {"DU-AS 1988"},
			"/my-data/registers/residents/" + c.annaRow: {"Angabe berichtigen"},
		} {
			code, body, _ := c.call(t, by, path, nil)
			for _, x := range want {
				if code != 200 || !strings.Contains(body, x) {
					t.Errorf("%s: %d, without %q", path, code, x)
				}
			}
			if strings.Contains(body, c.otherRow) || strings.Contains(body, "/my-data/consents") || strings.Contains(body, "/my-data/held/mandate") {
				t.Errorf("%s shows what is Mehmet's, or Anna's alone", path)
			}
		}
		for _, path := range []string{"/my-data/consents", "/my-data/ledger.json", "/my-data/held/payment", "/my-data/registers/residents/" + c.otherRow} {
			if code, _, _ := c.call(t, by, path, nil); code != 403 && code != 404 {
				t.Errorf("%s: %d", path, code)
			}
		}
		// A correction begins, and is Anna's.
		code, _, next := c.call(t, by, "/my-data/registers/residents/"+c.annaRow, url.Values{"what": {"field"}, "field": {"family_name"}})
		if code != 303 || !strings.HasPrefix(next, "/apply/") {
			t.Errorf("a correction: %d %q", code, next)
		}
		acts := c.mehmet
		acts.Mandate, acts.For, acts.ForName = m.ID, c.anna.ID, m.PrincipalName
		if d, err := c.h.intake.Start(ctx, acts, "data-access"); err != nil || d.Owner != c.anna.ID {
			t.Errorf("access: %+v %v", d, err)
		}
		if _, err := c.h.intake.Start(ctx, acts, "data-erasure"); !fault.Is(err, fault.Denied) {
			t.Error("erasure for somebody else:", err)
		}
		// On record: Anna's data, read by Mehmet under the mandate.
		g, err := c.h.own(ctx, c.anna, access.Read, "ledger")
		if err != nil {
			t.Fatal(err)
		}
		entries, err := c.h.access.WhoRead(ctx, g, "", audit.MaxPage)
		if err != nil || !slices.ContainsFunc(entries, func(e audit.Entry) bool {
			return e.Resource == "register:residents" && e.Mandate == m.ID && e.ActorName == c.mehmet.Name
		}) {
			t.Errorf("who read: %+v %v", entries, err)
		}
		// With the mandate its rights end.
		if err := c.h.mandates.End(ctx, clerk, m.ID, "Aufhebung"); err != nil {
			t.Fatal(err)
		}
		if code, body, _ := c.call(t, by, "/my-data", nil); code == 200 || strings.Contains(body, "Kantstraße") {
			t.Errorf("after its end: %d", code)
		}
	})
}
