// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"mercator/core/access"
	"mercator/core/sign"
	"mercator/domain/casefile"
	"mercator/domain/postbox"
)

// Who has signed, when and what is kept with the application: on its paper, in the signed file, in the file that the desk reads. Both
// sides learn in their postboxes what has become of a signature. A correction afterwards is by the owner alone, and carries none.
func TestSignaturesAreKept(t *testing.T) {
	ctx := context.Background()
	eachOnceHouse(t, contentDir, func(t *testing.T, o *onceHouse) {
		elif, _ := o.resident("elif-kaya")
		jonas, _ := o.resident("jonas-weber")
		subjects := func(a access.Actor) (out []string) {
			t.Helper()
			g, err := o.own(ctx, a, access.List, "message")
			if err != nil {
				t.Fatal(err)
			}
			list, err := o.postbox.List(ctx, g, postbox.After{}, 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range list {
				out = append(out, m.Subject["de"])
			}
			return out
		}
		d, err := o.intake.Start(ctx, elif, "identity-card")
		if err != nil {
			t.Fatal(err)
		}
		if err := o.intake.Consent(ctx, elif, d.ID, false); err != nil {
			t.Fatal(err)
		}
		save := func(page string, post url.Values) {
			t.Helper()
			if errs, err := o.intake.Save(ctx, elif, d.ID, page, post, "tr"); err != nil || len(errs) > 0 {
				t.Fatal(page, errs, err)
			}
		}
		save("card", url.Values{"_f": {"reason", "place"}, "reason": {"lost"}, "place": {"centre"}})
		save("person", url.Values{"_f": {"birth_date"}, "birth_date": {"4.5.2013"}})
		save("declare", url.Values{"_f": {"declared"}, "declared": {"true"}})
		code, err := o.intake.InviteToSign(ctx, elif, d.ID, "custody")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.intake.Help(ctx, jonas, code); err != nil {
			t.Fatal(err)
		}
		signs := func() (hash string) {
			t.Helper()
			x, err := o.intake.Draft(ctx, jonas, d.ID)
			if err != nil {
				t.Fatal(err)
			}
			f, err := o.intake.Fill(ctx, jonas, x, "de")
			if err != nil {
				t.Fatal(err)
			}
			if hash, err = o.intake.HashToSign(ctx, f); err != nil {
				t.Fatal(err)
			}
			if err := o.intake.Sign(ctx, jonas, d.ID, hash, "de"); err != nil {
				t.Fatal(err)
			}
			return hash
		}
		signs()
		save("card", url.Values{"_f": {"place"}, "place": {"hamborn"}})
		hash := signs()
		for who, want := range map[*access.Actor][]string{&elif: {"Ihr Antrag ist unterschrieben: Personalausweis neu ausstellen", "Eine Unterschrift gilt nicht mehr: Personalausweis neu ausstellen"},
			&jonas: {"Ihre Unterschrift gilt nicht mehr: Personalausweis neu ausstellen"}} {
			got := subjects(*who)
			for _, w := range want {
				if !slices.Contains(got, w) {
					t.Errorf("%s wasn't told %q: %q", who.Name, w, got)
				}
			}
		}
		id, errs, err := o.intake.Submit(ctx, elif, d.ID, "tr")
		if err != nil || len(errs) > 0 {
			t.Fatal(errs, err)
		}
		c, list, sets := o.kept(elif, id)
		if len(list) != 1 {
			t.Fatalf("%d sets", len(list))
		}
		text := strings.Join(strings.Fields(o.checkSet(c, list[0], sets[0])), "")
		for _, want := range []string{jonas.Name, "Velayet sahibi kişinin başvurusu", hash} {
			if !strings.Contains(text, strings.ReplaceAll(want, " ", "")) {
				t.Errorf("the paper lacks %q", want)
			}
		}
		payload, _, err := sign.Verify(SubmissionType, sets[0][casefile.Signed], o.signer.Keys())
		if err != nil {
			t.Fatal(err)
		}
		var signed SignedSubmission
		if err := json.Unmarshal(payload, &signed); err != nil {
			t.Fatal(err)
		}
		if x := signed.Signatures; len(x) != 1 || x[0].Name != jonas.Name || x[0].Part != "custody" || x[0].DataHash != signed.DataHash || x[0].DataHash != hash || x[0].At.IsZero() || x[0].Declares == "" {
			t.Errorf("signed: %+v", x)
		}
		clerk := access.Actor{Kind: access.Clerk, ID: "petra", Name: "Petra", Office: c.Office, Roles: []string{"clerk"}, Level: access.High, Door: access.DoorDesk}
		g, err := o.access.Permit(ctx, access.Request{Actor: clerk, Action: access.Read, Resource: "case", Purpose: "case work", Case: id, Office: c.Office})
		if err != nil {
			t.Fatal(err)
		}
		x, err := o.cases.Get(ctx, g, id)
		if err != nil {
			t.Fatal(err)
		}
		entries, err := o.cases.Entries(ctx, g, x)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(entries, func(e casefile.Entry) bool {
			return e.ActorName == jonas.Name && e.Title["de"] == "Antrag der sorgeberechtigten Person" && strings.Contains(e.Body["de"], hash)
		}) {
			t.Errorf("the desk doesn't see who signed: %+v", entries)
		}
		// Jonas has no way to the case.
		if g, err := o.access.Permit(ctx, access.Request{Actor: jonas, Action: access.Read, Resource: "case", Purpose: "own data", Case: id, Owner: jonas.ID}); err == nil {
			if _, err := o.cases.Get(ctx, g, id); err == nil {
				t.Error("who signed reads the case")
			}
		}
	})
}
