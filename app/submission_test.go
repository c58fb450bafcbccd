// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/pdf/pdfacheck"
	"mercator/core/sign"
	"mercator/core/store"
	"mercator/domain/casefile"
	"mercator/domain/intake"
	"mercator/lang/form"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// kept are the sets that a case's file has, with their contents, as the person reads them.
func (o *onceHouse) kept(a access.Actor, caseID string) (casefile.Case, []casefile.Submission, []map[casefile.SubmissionPart][]byte) {
	o.t.Helper()
	ctx := context.Background()
	g, err := o.access.Permit(ctx, access.Request{Actor: a, Action: access.Read, Resource: "case", Purpose: "own data", Case: caseID, Owner: a.ID})
	if err != nil {
		o.t.Fatal(err)
	}
	c, err := o.cases.Get(ctx, g, caseID)
	if err != nil {
		o.t.Fatal(err)
	}
	list, err := o.cases.Submissions(ctx, g, c)
	if err != nil {
		o.t.Fatal(err)
	}
	var contents []map[casefile.SubmissionPart][]byte
	for _, s := range list {
		m := map[casefile.SubmissionPart][]byte{}
		for _, f := range s.Files {
			b, err := o.cases.OpenSubmission(ctx, g, c, s.Revision, f.Part)
			if err != nil {
				o.t.Fatal(err)
			}
			if hashOf(b) != f.Hash || int64(len(b)) != f.Size {
				o.t.Errorf("%s of submission %d isn't what its hash and size say", f.Part, s.Revision)
			}
			m[f.Part] = b
		}
		contents = append(contents, m)
	}
	return c, list, contents
}

// checkSet holds a set against what it has to be: data by the schema of the form, a PDF/A, and a signature that binds both.
func (o *onceHouse) checkSet(c casefile.Case, s casefile.Submission, set map[casefile.SubmissionPart][]byte) (text string) {
	o.t.Helper()
	version, err := o.services.Version(context.Background(), c.Service, c.Version)
	if err != nil {
		o.t.Fatal(err)
	}
	schema, err := version.Form.Schema()
	if err != nil {
		o.t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		o.t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("form.json", doc); err != nil {
		o.t.Fatal(err)
	}
	data, err := jsonschema.UnmarshalJSON(bytes.NewReader(set[casefile.Data]))
	if err != nil {
		o.t.Fatal(err)
	}
	if err := compiler.MustCompile("form.json").Validate(data); err != nil {
		o.t.Errorf("the data aren't what the schema says: %v", err)
	}
	for _, f := range pdfacheck.Check(set[casefile.Paper]) {
		o.t.Error(f)
	}
	payload, _, err := sign.Verify(SubmissionType, set[casefile.Signed], o.signer.Keys())
	if err != nil {
		o.t.Fatal(err)
	}
	var signed SignedSubmission
	if err := json.Unmarshal(payload, &signed); err != nil {
		o.t.Fatal(err)
	}
	if signed.Number != c.Ref || signed.Revision != s.Revision || !signed.ReceivedAt.Equal(s.At) || !bytes.Equal(signed.Data, set[casefile.Data]) ||
		signed.DataHash != hashOf(set[casefile.Data]) || signed.PaperHash != hashOf(set[casefile.Paper]) || signed.SchemaHash != hashOf(schema) {
		o.t.Errorf("signed is %+v", signed)
	}
	if text, err = pdfacheck.Text(set[casefile.Paper]); err != nil {
		o.t.Fatal(err)
	}
	return text
}

// An application is kept as data, as paper in the language that it was filled in, and signed, in the transaction that opens its
// case; again it is the same case and receipt. A correction makes a second set and leaves the first. All of it goes with the case.
func TestWhatIsSubmittedIsKept(t *testing.T) {
	ctx := context.Background()
	eachOnceHouse(t, contentDir, func(t *testing.T, o *onceHouse) {
		anna, _ := o.resident("anna-schmidt")
		d, err := o.intake.Start(ctx, anna, "resident-parking-permit")
		if err != nil {
			t.Fatal(err)
		}
		if err := o.intake.Consent(ctx, anna, d.ID, true); err != nil {
			t.Fatal(err)
		}
		for _, pg := range []url.Values{
			{"vehicle": {"DU-AS 1988"}}, {"zone": {"NN"}, "valid_from": {"1.12.2026"}, "months": {"6"}}, {"declared": {"true"}},
		} {
			page := map[bool]string{true: "vehicle"}[pg.Has("vehicle")]
			if pg.Has("zone") {
				page = "permit"
			} else if pg.Has("declared") {
				page = "declare"
			}
			for name := range pg {
				pg.Add(form.PostedField, name)
			}
			if errs, err := o.intake.Save(ctx, anna, d.ID, page, pg, "en"); err != nil || len(errs) > 0 {
				t.Fatal(page, errs, err)
			}
		}
		id, errs, err := o.intake.Submit(ctx, anna, d.ID, "en")
		if err != nil || len(errs) > 0 {
			t.Fatal(errs, err)
		}
		again, _, err := o.intake.Submit(ctx, anna, d.ID, "en")
		if err != nil || again != id {
			t.Fatalf("submitted again: %s %v", again, err)
		}
		c, list, sets := o.kept(anna, id)
		if len(list) != 1 || len(list[0].Files) != 3 || !list[0].At.Equal(c.OpenedAt) || list[0].Lang != "en" {
			t.Fatalf("kept are %+v", list)
		}
		text := o.checkSet(c, list[0], sets[0])
		for _, want := range []string{c.Ref, "DU-AS 1988", "ticked:", "From the register:", "(UTC+01:00)"} {
			if !strings.Contains(text, want) {
				t.Errorf("the paper lacks %q:\n%s", want, text)
			}
		}
		// The postbox has the receipt, once.
		g, err := o.own(ctx, anna, access.List, "message")
		if err != nil {
			t.Fatal(err)
		}
		messages, err := o.postbox.OfCase(ctx, g, id)
		if err != nil {
			g, err = o.own(ctx, anna, access.Read, "message")
			if err == nil {
				messages, err = o.postbox.OfCase(ctx, g, id)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		receipts := 0
		for _, m := range messages {
			if strings.HasSuffix(m.Link, "/receipt") && strings.Contains(m.Body.For("de"), list[0].Hash()) && strings.Contains(m.Body.For("tr"), c.Ref) {
				receipts++
			}
		}
		if receipts != 1 {
			t.Errorf("%d receipts in the postbox, want 1: %+v", receipts, messages)
		}

		// Somebody else reads none of it.
		mehmet, _ := o.resident("mehmet-yilmaz")
		mg, err := o.access.Permit(ctx, access.Request{Actor: mehmet, Action: access.Read, Resource: "case", Purpose: "own data", Case: id, Owner: mehmet.ID})
		if err == nil {
			if _, err = o.cases.Get(ctx, mg, id); !fault.Is(err, fault.NotFound) {
				t.Errorf("Mehmet gets Anna's case: %v", err)
			}
		}

		// A correction, as a clerk asks for it.
		if err := o.db.Write(ctx, func(tx *store.Tx) error { return o.intake.Correction(ctx, tx, id, anna.ID, "months", "Bitte prüfen") }); err != nil {
			t.Fatal(err)
		}
		open, err := o.intake.Corrections(ctx, anna, id)
		if err != nil || len(open) != 1 {
			t.Fatal(open, err)
		}
		if errs, err := o.intake.Correct(ctx, anna, open[0].ID, url.Values{"months": {"12"}, form.PostedField: {"months"}}, "de"); err != nil || len(errs) > 0 {
			t.Fatal(errs, err)
		}
		c, list, after := o.kept(anna, id)
		if len(list) != 2 || list[1].Revision != 2 || len(list[1].Files) != 3 {
			t.Fatalf("kept are %+v", list)
		}
		for part, b := range sets[0] {
			if !bytes.Equal(b, after[0][part]) {
				t.Errorf("the first %s has changed with the correction", part)
			}
		}
		if text := o.checkSet(c, list[1], after[1]); !strings.Contains(text, "Aus dem Register:") || bytes.Equal(after[0][casefile.Data], after[1][casefile.Data]) {
			t.Errorf("the second set is %s", text)
		}

		// What was changed in the database isn't given out.
		if err := o.db.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE casefile_submission SET content = $2 WHERE case_id = $1 AND revision = 2 AND kind = 'data'", id, []byte("{}"))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		cg, err := o.access.Permit(ctx, access.Request{Actor: anna, Action: access.Read, Resource: "case", Purpose: "own data", Case: id, Owner: anna.ID})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.cases.OpenSubmission(ctx, cg, c, 2, casefile.Data); !fault.Is(err, fault.Internal) {
			t.Errorf("a changed file is given out: %v", err)
		}
		o.verifyOutside(t, sets[0])
		// It goes with the case.
		if err := o.db.Write(ctx, func(tx *store.Tx) error {
			for _, table := range []string{"casefile_entry", "casefile_decision"} {
				if _, err := tx.Exec(ctx, "DELETE FROM "+table+" WHERE case_id = $1", id); err != nil {
					return err
				}
			}
			_, err := tx.Exec(ctx, "DELETE FROM casefile_case WHERE id = $1", id)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := o.db.QueryRow(ctx, "SELECT COUNT(*) FROM casefile_submission WHERE case_id = $1", id).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d files are left of a case that is gone: %v", n, err)
		}
	})
}

// verifyOutside checks a set as somebody does who has nothing but the files and the city's address.
func (o *onceHouse) verifyOutside(t *testing.T, set map[casefile.SubmissionPart][]byte) {
	t.Helper()
	dir := t.TempDir()
	file := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	mux := http.NewServeMux()
	for _, m := range o.keyMounts() {
		mux.Handle(m.Pattern, m.Handler)
	}
	city := httptest.NewServer(mux)
	defer city.Close()
	signed, paper, data := file("application.jws.json", set[casefile.Signed]), file("application.pdf", set[casefile.Paper]), file("application.json", set[casefile.Data])
	other := file("other.pdf", append(slices.Clone(set[casefile.Paper]), '\n'))
	forged := file("forged.json", bytes.Replace(set[casefile.Signed], []byte(`"payload":"`), []byte(`"payload":"e30`), 1))
	for _, x := range []struct {
		want int
		args []string
	}{
		{0, []string{"verify", signed, "--url", city.URL, "--pdf", paper, "--data", data}},
		{1, []string{"verify", signed, "--url", city.URL, "--pdf", other}},
		{1, []string{"verify", forged, "--url", city.URL}},
		{1, []string{"verify", data, "--url", city.URL}},
		{2, []string{"verify", signed}},
		{0, []string{"schema", "resident-parking-permit"}},
		{1, []string{"schema", "no-such-service"}},
	} {
		var out, errs bytes.Buffer
		if got := FormCommand(t.Context(), x.args, &out, &errs); got != x.want {
			t.Errorf("form %v: %d, want %d: %s%s", x.args, got, x.want, out.String(), errs.String())
		}
	}
}

// A clerk types in a paper: only with a code that the city has printed, one paper gives one draft and one case, whoever scans it
// how often, in the version and language that was printed, and on record as on paper.
func TestPaperAtTheCounter(t *testing.T) {
	ctx := context.Background()
	eachOnceHouse(t, contentDir, func(t *testing.T, o *onceHouse) {
		clerk := access.Actor{Kind: access.Clerk, ID: "petra", Name: "Petra", Office: "32", Roles: []string{"counter"}, Level: access.High, Door: access.DoorDesk}
		colleague, elsewhere := clerk, clerk
		colleague.ID, colleague.Name = "sven", "Sven"
		elsewhere.ID, elsewhere.Office = "ute", "21"
		s, _, code, err := o.intake.PaperForm(ctx, "identity-card", "tr")
		if err != nil {
			t.Fatal(err)
		}
		if _, _, other, _ := o.intake.PaperForm(ctx, "identity-card", "tr"); other == code {
			t.Error("two copies have one code")
		}
		anna, resident := o.resident("anna-schmidt")
		if _, err := o.intake.OpenPaper(ctx, anna, code); !fault.Is(err, fault.Denied) {
			t.Errorf("a resident opens the counter: %v", err)
		}
		for _, bad := range []string{"", "x", strings.Repeat("A", 24), code[:23], code + "2", code[:23] + string(rune('A'+(code[23]-'A'+1)%8)), strings.Repeat("9", 500)} {
			if bad == code {
				continue
			}
			if _, err := o.intake.OpenPaper(ctx, clerk, bad); !fault.Is(err, fault.Invalid) {
				t.Errorf("the code %q: %v", bad, err)
			}
		}
		id, err := o.intake.OpenPaper(ctx, clerk, strings.ToLower(intake.ShowCode(code)))
		if err != nil {
			t.Fatal(err)
		}
		if again, err := o.intake.OpenPaper(ctx, colleague, code); err != nil || again != id {
			t.Errorf("scanned again: %s, want %s: %v", again, id, err)
		}
		if _, err := o.intake.OpenPaper(ctx, elsewhere, code); !fault.Is(err, fault.Conflict) {
			t.Errorf("another office takes the same paper: %v", err)
		}
		if _, _, err := o.intake.Paper(ctx, elsewhere, id); !fault.Is(err, fault.NotFound) {
			t.Errorf("another office reads it: %v", err)
		}
		errs, err := o.intake.SavePaper(ctx, clerk, id, url.Values{"who.given_names": {"Nobody"}, "reason": {"expires"}, "place": {"centre"}, "birth_date": {"kein Datum"},
			form.PostedField: {"reason", "place", "birth_date", "declared"}})
		if err != nil || len(errs) == 0 {
			t.Fatal(errs, err)
		}
		p, _, err := o.intake.Paper(ctx, colleague, id)
		if err != nil || p.Typed.Raw["birth_date"] != "kein Datum" || p.Lang != "tr" || p.Version != s.Version {
			t.Fatalf("what was typed is %+v %v", p, err)
		}
		if _, errs, err := o.intake.SubmitPaper(ctx, clerk, id); err != nil || len(errs) < 3 {
			t.Fatalf("half a paper is handed over: %v %v", errs, err)
		}
		var sealed []byte
		if err := o.db.QueryRow(ctx, "SELECT sealed FROM intake_paper WHERE id = $1", id).Scan(&sealed); err != nil || bytes.Contains(sealed, []byte("Nobody")) || len(sealed) == 0 {
			t.Errorf("what was typed lies open: %q %v", sealed, err)
		}
		birth := resident.BirthDate
		post := url.Values{"who.given_names": {resident.GivenNames}, "who.family_name": {resident.FamilyName}, "who.birth_date": {birth},
			"birth_date": {birth}, "declared": {"true"}, form.PostedField: {"birth_date", "declared"}}
		if errs, err := o.intake.SavePaper(ctx, clerk, id, post); err != nil || len(errs) > 0 {
			t.Fatal(errs, err)
		}
		caseID, errs, err := o.intake.SubmitPaper(ctx, clerk, id)
		if err != nil || len(errs) > 0 {
			t.Fatal(errs, err)
		}
		if again, _, err := o.intake.SubmitPaper(ctx, colleague, id); err != nil || again != caseID {
			t.Errorf("handed over again: %s, want %s: %v", again, caseID, err)
		}
		c, list, sets := o.kept(anna, caseID)
		if c.Channel != "paper" || c.Lang != "tr" || c.Person != anna.ID || c.Version != s.Version || len(list) != 1 {
			t.Errorf("the case is %+v", c)
		}
		if text := o.checkSet(c, list[0], sets[0]); !strings.Contains(text, "işaretli") {
			t.Errorf("the paper isn't in Turkish:\n%s", text)
		}
		if p, _, err = o.intake.Paper(ctx, clerk, id); err != nil || len(p.Typed.Answers) > 0 {
			t.Errorf("what was typed is still there: %+v %v", p, err)
		}
		r, err := o.intake.PaperReceipt(ctx, p)
		if err != nil || r.Number != c.Ref || r.Hash != list[0].Hash() {
			t.Errorf("the receipt is %+v %v", r, err)
		}
	})
}
