// SPDX-License-Identifier: EUPL-1.2

package intake_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"mercator/base/fault"
	"mercator/core/access/accesstest"
	"mercator/domain/intake"
	"mercator/domain/intake/intaketest"
	"mercator/lang/form"
)

// rowsOfFiles asks for files in a group, in a group with a path, and in rows three deep.
const rowsOfFiles = `
	{"type":"group","id":"g_plain","label":"Ohne Pfad","properties":{"page":"proof"},"components":[{"type":"filepicker","id":"f_plain","key":"plain","label":"Blatt","multiple":true}]},
	{"type":"group","id":"g_papers","path":"papers","label":"Papiere","properties":{"page":"proof"},"components":[{"type":"filepicker","id":"f_lease","key":"lease","label":"Mietvertrag","multiple":true}]},
	{"type":"dynamiclist","id":"l_homes","path":"homes","label":"Wohnungen","isRepeating":true,"allowAddRemove":true,"defaultRepetitions":2,"properties":{"page":"proof"},"components":[
		{"type":"textfield","id":"f_where","key":"where","label":"Wo"},
		{"type":"filepicker","id":"f_plan","key":"plan","label":"Grundriss"},
		{"type":"dynamiclist","id":"l_people","path":"people","label":"Personen","isRepeating":true,"allowAddRemove":true,"defaultRepetitions":1,"components":[
			{"type":"filepicker","id":"f_card","key":"card","label":"Ausweis","multiple":true},
			{"type":"dynamiclist","id":"l_cars","path":"cars","label":"Autos","isRepeating":true,"allowAddRemove":true,"defaultRepetitions":0,"components":[
				{"type":"group","id":"g_car","path":"car","label":"Auto","components":[{"type":"filepicker","id":"f_papers","key":"paper","label":"Fahrzeugschein","multiple":true}]}]}]}]},`

// sheetOf is a PDF that is like no other.
func sheetOf(n int) string { return strings.Replace(lease, "/Page", "/Page /N "+strconv.Itoa(n), 1) }

func TestFilesStandInGroupsAndRows(t *testing.T) {
	withQuestions(t, rowsOfFiles, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		h.Scanner(clean)
		d := start(t, h, anna)
		up := func(field string, n int) {
			t.Helper()
			if err := h.Intake.Upload(ctx, anna, d.ID, field, fmt.Sprintf("%d.pdf", n), strings.NewReader(sheetOf(n))); err != nil {
				t.Fatalf("%s: %v", field, err)
			}
		}
		// has are the files that answers and uploads name, which have to be the same.
		has := func() string {
			t.Helper()
			x := must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
			f := must[*intake.Filling](t)(h.Intake.Fill(ctx, anna, x, "de"))
			var answers, kept []string
			form.Each(f.View.Page("proof"), func(it *form.Item) {
				for _, file := range intake.Files(it.Value) {
					if it.Type == "filepicker" {
						answers = append(answers, it.Name+"="+strings.TrimSuffix(file.Name, ".pdf"))
						_, r, err := h.Intake.OpenFile(ctx, anna, d.ID, it.Name, file.Hash, intake.Original)
						if err != nil {
							t.Errorf("%s: %v", it.Name, err)
							continue
						}
						b, _ := io.ReadAll(r)
						r.Close()
						if !bytes.Contains(b, []byte("/N "+strings.TrimSuffix(file.Name, ".pdf"))) {
							t.Errorf("%s is another file", file.Name)
						}
					}
				}
			})
			for _, u := range must[[]intake.Upload](t)(h.Intake.Uploads(ctx, anna, x)) {
				if u.Whole() {
					kept = append(kept, u.Field+"="+strings.TrimSuffix(u.Name, ".pdf"))
				}
			}
			slices.Sort(answers)
			slices.Sort(kept)
			if !slices.Equal(answers, kept) {
				t.Errorf("answers %v, uploads %v", answers, kept)
			}
			return strings.Join(answers, " ")
		}
		save := func(post url.Values) {
			t.Helper()
			if errs, err := h.Intake.Save(ctx, anna, d.ID, "proof", post, "de"); err != nil || len(errs) > 0 {
				t.Fatalf("%v %v", errs, err)
			}
		}
		up("plain", 1)
		up("papers.lease", 2)
		up("homes.0.plan", 3) // a row that the list begins with
		up("homes.1.people.0.card", 4)
		for _, field := range []string{"homes.2.plan", "homes.0.people.1.card", "homes.0.people.0.cars.0.car.paper", "homes.*.plan", "homes.0", "papers", "homes.0.where"} {
			if err := h.Intake.Upload(ctx, anna, d.ID, field, "x.pdf", strings.NewReader(lease)); err == nil {
				t.Errorf("%s: a file where no row is", field)
			}
		}
		x := must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		if rows, _ := x.Answers["homes"].([]any); len(rows) != 2 {
			t.Errorf("%d rows of the two that the list begins with", len(rows))
		}
		save(url.Values{form.AddRow: {"homes"}})
		save(url.Values{form.AddRow: {"homes.1.people"}})
		save(url.Values{form.AddRow: {"homes.1.people.0.cars"}})
		save(url.Values{form.AddRow: {"homes.1.people.0.cars"}})
		up("homes.1.people.0.cars.0.car.paper", 5)
		up("homes.1.people.0.cars.1.car.paper", 6)
		up("homes.1.people.0.cars.1.car.paper", 7)
		up("homes.1.people.1.card", 8)
		up("homes.2.plan", 9)
		save(url.Values{form.PostedField: {"homes.1.where", "homes.2.plan"}, "homes.1.where": {"Rheinstraße"}, "homes.2.plan": {"forged"}})
		all := "homes.0.plan=3 homes.1.people.0.card=4 homes.1.people.0.cars.0.car.paper=5 homes.1.people.0.cars.1.car.paper=6 homes.1.people.0.cars.1.car.paper=7 homes.1.people.1.card=8 homes.2.plan=9 papers.lease=2 plain=1"
		if got := has(); got != all {
			t.Fatalf("has\n%s, want\n%s", got, all)
		}
		// One file has the place of another where a question takes one.
		up("homes.2.plan", 10)
		// A file that is coming moves with its row.
		coming := must[intake.Upload](t)(h.Intake.BeginUpload(ctx, anna, d.ID, intake.NewUpload{Field: "homes.1.people.0.cars.1.car.paper", Name: "11.pdf", Size: int64(len(sheetOf(11)))}))
		lost := must[intake.Upload](t)(h.Intake.BeginUpload(ctx, anna, d.ID, intake.NewUpload{Field: "homes.0.plan", Name: "12.pdf", Size: int64(len(sheetOf(12)))}))
		save(url.Values{form.RemoveRow: {"homes.1.people.0.cars.0"}}) // the third list
		save(url.Values{form.RemoveRow: {"homes.0"}})                 // the first
		if _, err := h.Intake.Receive(ctx, anna, d.ID, lost.ID, 0, strings.NewReader(sheetOf(12)), nil); !fault.Is(err, fault.NotFound) {
			t.Errorf("a file of a row that is gone: %v", err)
		}
		if _, err := h.Intake.Receive(ctx, anna, d.ID, coming.ID, 0, strings.NewReader(sheetOf(11)), nil); err != nil {
			t.Fatal(err)
		}
		moved := "homes.0.people.0.card=4 homes.0.people.0.cars.0.car.paper=11 homes.0.people.0.cars.0.car.paper=6 homes.0.people.0.cars.0.car.paper=7 homes.0.people.1.card=8 homes.1.plan=10 papers.lease=2 plain=1"
		if got := has(); got != moved {
			t.Fatalf("has\n%s, want\n%s", got, moved)
		}
		if l := inDrawer(t, h); len(l) != 8 {
			t.Errorf("%d files for eight answers: what went with its row is kept", len(l))
		}
		x = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		for _, f := range intake.Files(form.At(x.Answers, "homes.0.people.0.cars.0.car.paper")) {
			if f.Name == "7.pdf" {
				if err := h.Intake.RemoveFile(ctx, anna, d.ID, "homes.0.people.0.cars.0.car.paper", f.Hash); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := h.Intake.RemoveFile(ctx, anna, d.ID, "papers.lease", intake.Files(form.At(x.Answers, "papers.lease"))[0].Hash); err != nil {
			t.Fatal(err)
		}
		want := "homes.0.people.0.card=4 homes.0.people.0.cars.0.car.paper=11 homes.0.people.0.cars.0.car.paper=6 homes.0.people.1.card=8 homes.1.plan=10 plain=1"
		if got := has(); got != want {
			t.Fatalf("has\n%s, want\n%s", got, want)
		}
		if _, err := h.Intake.Draft(ctx, accesstest.Bora(), d.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("a neighbour: %v", err)
		}
		// Handed over: the case has what the answers name.
		now := h.Now().AddDate(0, 0, 2).Format("02.01.2006")
		if err := h.Intake.Consent(ctx, anna, d.ID, true); err != nil {
			t.Fatal(err)
		}
		answers := map[string]string{"vehicle": "DU-AB 123", "zone": "DE1", "valid_from": now, "months": "12", "declared": "true"}
		f := must[*intake.Filling](t)(h.Intake.Fill(ctx, anna, must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID)), "de"))
		for name, a := range answers {
			if _, err := h.Intake.Save(ctx, anna, d.ID, f.Service.Form.Field(name).Page, url.Values{form.PostedField: {name}, name: {a}}, "de"); err != nil {
				t.Fatal(err)
			}
		}
		caseID, errs, err := h.Intake.Submit(ctx, anna, d.ID, "de")
		if err != nil || len(errs) > 0 {
			t.Fatal(keys(errs), err)
		}
		var there []string
		for _, u := range must[[]intake.Upload](t)(h.Intake.CaseFiles(ctx, caseGrant(t, h, caseID), caseID)) {
			there = append(there, u.Field+"="+strings.TrimSuffix(u.Name, ".pdf"))
		}
		slices.Sort(there)
		if got := strings.Join(there, " "); got != want {
			t.Errorf("the case has\n%s, want\n%s", got, want)
		}
		b, _ := json.Marshal(h.Cases(t)[0]["homes"])
		if !strings.Contains(string(b), `"name":"11.pdf"`) || strings.Contains(string(b), "12.pdf") {
			t.Errorf("%s", b)
		}
	})
}

// A row goes while files come into the rows behind it: whatever comes first, each file is where its answer is, in the row that it was sent for.
func TestARowGoesWhileFilesCome(t *testing.T) {
	withQuestions(t, rowsOfFiles, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		h.Scanner(clean)
		for round := range 5 {
			d := start(t, h, anna)
			save := func(post url.Values) {
				if _, err := h.Intake.Save(ctx, anna, d.ID, "proof", post, "de"); err != nil {
					t.Error(err)
				}
			}
			save(url.Values{form.PostedField: {"homes.0.where", "homes.1.where"}, "homes.0.where": {"vorn"}, "homes.1.where": {"hinten"}})
			u := must[intake.Upload](t)(h.Intake.BeginUpload(ctx, anna, d.ID, intake.NewUpload{Field: "homes.1.people.0.card", Name: "1.pdf", Size: int64(len(sheetOf(round)))}))
			var wg sync.WaitGroup
			wg.Go(func() {
				if _, err := h.Intake.Receive(ctx, anna, d.ID, u.ID, 0, strings.NewReader(sheetOf(round)), nil); err != nil && !fault.Is(err, fault.Conflict) {
					t.Error(err)
				}
			})
			wg.Go(func() { save(url.Values{form.RemoveRow: {"homes.0"}}) })
			wg.Wait()
			x := must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
			if _, err := h.Intake.ReadUpload(ctx, anna, d.ID, u.ID); err != nil { // taken now if it wasn't
				t.Error(err)
			}
			x = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
			l := must[[]intake.Upload](t)(h.Intake.Uploads(ctx, anna, x))
			if len(l) != 1 || l[0].Field != "homes.0.people.0.card" || len(intake.Files(form.At(x.Answers, l[0].Field))) != 1 || form.At(x.Answers, "homes.0.where") != "hinten" {
				t.Errorf("%+v %v", l, x.Answers)
			}
			if err := h.Intake.Discard(ctx, anna, d.ID); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A file that a page sends on which another row stood at the number goes to the row that was meant; where that has gone, its sender is told.
func TestAFileGoesToTheRowThatWasMeant(t *testing.T) {
	withQuestions(t, rowsOfFiles, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		h.Scanner(clean)
		d := start(t, h, anna)
		now := func() intake.Draft { return must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID)) }
		press := func(button, name string) {
			t.Helper()
			save(t, h, anna, d, "proof", url.Values{button: {name}})
		}
		for range 3 {
			press(form.AddRow, "homes.1.people")
		}
		press(form.AddRow, "homes")
		shown := now().Rows()
		press(form.RemoveRow, "homes.1.people.0")
		press(form.RemoveRow, "homes.0")
		press(form.RemoveRow, "homes.0.people.0") // that was homes.1.people.1
		send := func(rows, field string, n int) string {
			err := h.Intake.UploadFrom(ctx, anna, d.ID, intake.NewUpload{Field: field, Name: fmt.Sprintf("%d.pdf", n), Rows: rows}, strings.NewReader(sheetOf(n)))
			return message(err)
		}
		for i, x := range []struct{ rows, field, to, msg string }{
			{shown, "plain", "plain", ""},
			{shown, "papers.lease", "papers.lease", ""},
			{shown, "homes.0.plan", "", "intake.file.rowGone"},
			{shown, "homes.1.plan", "homes.0.plan", ""},
			{shown, "homes.1.people.0.card", "", "intake.file.rowGone"},
			{shown, "homes.1.people.1.card", "", "intake.file.rowGone"},
			{shown, "homes.1.people.3.card", "homes.0.people.1.card", ""},
			{shown, "homes.2.plan", "homes.1.plan", ""},
			{shown, "homes.2.people.0.card", "homes.1.people.0.card", ""},
			{now().Rows(), "homes.0.people.0.card", "homes.0.people.0.card", ""},
			{"99", "homes.0.plan", "", "intake.file.rowGone"},
			{"-1", "homes.0.plan", "", "intake.file.rowGone"},
			{"x", "homes.0.plan", "", "intake.file.rowGone"},
			{strings.Repeat("9", 1<<16), "homes.0.plan", "", "intake.file.rowGone"},
		} {
			if msg := send(x.rows, x.field, i); msg != x.msg {
				t.Errorf("%s: %q", x.field, msg)
			}
			if x.to == "" {
				continue
			}
			if files := intake.Files(form.At(now().Answers, x.to)); len(files) == 0 || files[len(files)-1].Name != fmt.Sprintf("%d.pdf", i) {
				t.Errorf("%s: %s has %v", x.field, x.to, files)
			}
		}
		// More than a draft remembers.
		for range 201 {
			press(form.AddRow, "homes")
			press(form.RemoveRow, "homes.2")
		}
		if msg := send(shown, "homes.2.plan", 50); msg != "intake.file.rowGone" {
			t.Errorf("from a page of long ago: %q", msg)
		}
		last := now().Rows()
		press(form.RemoveRow, "homes.0")
		if msg := send(last, "homes.1.plan", 51); msg != "" || len(intake.Files(form.At(now().Answers, "homes.0.plan"))) != 1 {
			t.Errorf("%q %v", msg, now().Answers)
		}
	})
}
