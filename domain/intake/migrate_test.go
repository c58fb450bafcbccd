// SPDX-License-Identifier: EUPL-1.2

package intake_test

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/base/person"
	"mercator/core/access/accesstest"
	"mercator/domain/intake"
	"mercator/domain/intake/intaketest"
	"mercator/lang/form"
)

// enact puts another version of the business registration into force: with these changes of its form, and these rules.
func enact(t *testing.T, h *intaketest.House, rules string, changes ...string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(intaketest.Root(), "content", "services"))); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, trade, "application.form")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(text, changes[i]) {
			t.Fatalf("the form has no %q", changes[i])
		}
		text = strings.ReplaceAll(text, changes[i], changes[i+1])
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if rules != "" {
		if err := os.WriteFile(filepath.Join(dir, trade, "migrate.toml"), []byte(rules), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Catalog.Load(t.Context(), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
}

func words(t *testing.T, f *intake.Filling) []string {
	t.Helper()
	c, err := i18n.Load(form.Messages, person.Messages)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, d := range f.Changes {
		out = append(out, d.Words(c.Localizer("de")))
	}
	return out
}

func TestADraftFollowsTheFormByRule(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, trade))
		if err := h.Intake.Consent(ctx, anna, d.ID, false); err != nil {
			t.Fatal(err)
		}
		save(t, h, anna, d, "business", url.Values{"_f": {"legal_form", "business_name", "business_postcode"}, "legal_form": {"gbr"}, "business_name": {"Rad & Tat"}, "business_postcode": {"keine"}})
		save(t, h, anna, d, "activity", url.Values{"_f": {"activity", "employees", "craft"}, "activity": {"Fahrräder"}, "employees": {"3"}, "craft": {"true"}})
		first := must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))

		// The name is called otherwise, the legal form has one option less, nobody asks about employees any more.
		rules := "[[step]]\nfrom = [\"" + first.Version + "\"]\n[[step.rule]]\nold = \"business_name\"\nnew = \"trade_name\"\n"
		enact(t, h, rules, `"key": "business_name"`, `"key": "trade_name"`, `"key": "employees"`, `"key": "apprentices"`, `"value": "gbr"`, `"value": "partnership"`)
		d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		if d.Answers["trade_name"] != "Rad & Tat" || d.Answers["business_name"] != nil || d.Answers["legal_form"] != nil || d.Answers["activity"] != "Fahrräder" || d.Raw["business_postcode"] != "keine" {
			t.Errorf("carried over: %v %v", d.Answers, d.Raw)
		}
		f := must[*intake.Filling](t)(h.Intake.Fill(ctx, anna, d, "de"))
		want := []string{"Ihre Antwort gibt es dort nicht mehr: Gesellschaft bürgerlichen Rechts", "Wird nicht mehr gefragt: „Zahl der Beschäftigten", "Neue Frage"}
		got := words(t, f)
		for _, w := range want {
			if !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, w) }) {
				t.Errorf("%q isn't told: %q", w, got)
			}
		}
		// It isn't handed over before she has seen that.
		if _, _, err := h.Intake.Submit(ctx, anna, d.ID, "de"); !fault.Is(err, fault.Conflict) {
			t.Errorf("submitted unseen: %v", err)
		}
		// A page of the version before comes in late: nothing of it is lost.
		save(t, h, anna, d, "business", url.Values{"_f": {"business_name", "employees"}, "business_name": {"Rad & Rat"}, "employees": {"vier"}})
		d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		if d.Answers["trade_name"] != "Rad & Rat" || d.Kept["employees"].Raw != "vier" {
			t.Errorf("sent late: %v, kept %+v", d.Answers, d.Kept)
		}
		if strings.Contains(rows(t, h), "Rad &") || strings.Contains(rows(t, h), "vier") {
			t.Error("what is kept stands in the database in the clear")
		}
		if err := h.Intake.Told(ctx, anna, d.ID, "another version"); err != nil {
			t.Fatal(err)
		}
		told := func() bool {
			d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
			return len(must[*intake.Filling](t)(h.Intake.Fill(ctx, anna, d, "de")).Changes) == 0
		}
		if told() {
			t.Error("told of another version, and it counts")
		}
		if err := h.Intake.Told(ctx, anna, d.ID, d.Since); err != nil {
			t.Fatal(err)
		}
		if !told() {
			t.Error("told twice")
		}

		// The version before comes into force again.
		enact(t, h, "")
		d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		if d.Version != first.Version || d.Answers["business_name"] != "Rad & Rat" || d.Answers["legal_form"] != "gbr" || d.Raw["employees"] != "vier" {
			t.Errorf("back in %s: %v %v, kept %+v", d.Version, d.Answers, d.Raw, d.Kept)
		}
	})
}

// A version that the house doesn't know (a copy from elsewhere) carries over by name and tells nothing.
func TestADraftOfAnUnknownVersionIsGoneOnWith(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, trade))
		if err := h.Intake.Consent(ctx, anna, d.ID, false); err != nil {
			t.Fatal(err)
		}
		save(t, h, anna, d, "business", url.Values{"_f": {"business_name"}, "business_name": {"Rad & Tat"}})
		exec(t, h, "-- test.version\nUPDATE intake_draft SET version = 'ffffffffffffffff' WHERE id = $1", d.ID)
		d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		f := must[*intake.Filling](t)(h.Intake.Fill(ctx, anna, d, "de"))
		if d.Answers["business_name"] != "Rad & Tat" || len(f.Changes) > 0 {
			t.Errorf("%v %q", d.Answers, words(t, f))
		}
	})
}

func TestATopicIsDoneWhenItWasSent(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		// The page about the business asks nothing that must be answered.
		enact(t, h, "", `"required": true`, `"required": false`)
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, trade))
		if err := h.Intake.Consent(ctx, anna, d.ID, false); err != nil {
			t.Fatal(err)
		}
		state := func() string {
			d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
			for _, x := range must[*intake.Filling](t)(h.Intake.Fill(ctx, anna, d, "de")).Topics() {
				if x.Page.ID == "business" {
					return x.State
				}
			}
			return ""
		}
		if s := state(); s != form.ToDo {
			t.Errorf("nobody has looked at it: %s", s)
		}
		if err := h.Intake.Sent(ctx, accesstest.Bora(), d.ID, "business"); !fault.Is(err, fault.NotFound) {
			t.Errorf("a neighbour: %v", err)
		}
		if err := h.Intake.Sent(ctx, anna, d.ID, "nowhere"); err != nil || state() != form.ToDo {
			t.Errorf("a page that there isn't: %v %s", err, state())
		}
		if err := h.Intake.Sent(ctx, anna, d.ID, "business"); err != nil || state() != form.Done {
			t.Errorf("sent: %v %s", err, state())
		}
		// What was written in two places isn't done.
		save(t, h, anna, d, "business", url.Values{"_f": {"business_name"}, "business_name": {"A"}})
		seen := must[*intake.Filling](t)(h.Intake.Fill(ctx, anna, must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID)), "de")).Seen("business")
		save(t, h, anna, d, "business", url.Values{"_f": {"business_name"}, "business_name": {"B"}})
		save(t, h, anna, d, "business", url.Values{"_f": {"business_name"}, "business_name": {"C"}, intake.SeenField: {seen}})
		if s := state(); s != form.Begun {
			t.Errorf("two devices have written: %s", s)
		}
	})
}

// Two drafts of the version before, one of a guest, become one under the form in force: the answers of both are carried over first.
func TestDraftsOfAnOlderVersionBecomeOne(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna := t.Context(), accesstest.Anna()
		mine := must[intake.Draft](t)(h.Intake.Start(ctx, anna, trade))
		if err := h.Intake.Consent(ctx, anna, mine.ID, false); err != nil {
			t.Fatal(err)
		}
		save(t, h, anna, mine, "business", url.Values{"_f": {"business_name"}, "business_name": {"Rad & Tat"}})
		save(t, h, anna, mine, "activity", url.Values{"_f": {"employees"}, "employees": {"3"}})
		guest, _ := intake.GuestOf(intake.NewGuest())
		d := must[intake.Draft](t)(h.Intake.StartGuest(ctx, guest, trade, "192.0.2.1"))
		save(t, h, guest, d, "business", url.Values{"_f": {"business_name"}, "business_name": {"Rad & Rat"}})
		if err := h.Intake.Sent(ctx, guest, d.ID, "activity"); err != nil {
			t.Fatal(err)
		}
		enact(t, h, "[[step]]\n[[step.rule]]\nold = \"business_name\"\nnew = \"trade_name\"\n", `"key": "business_name"`, `"key": "trade_name"`, `"key": "employees"`, `"key": "apprentices"`)
		one := must[intake.Draft](t)(h.Intake.Claim(ctx, anna, guest, d.ID))
		if one.ID != mine.ID || one.Answers["trade_name"] != "Rad & Rat" || one.Rivals["trade_name"].Value != "Rad & Tat" || one.Kept["employees"].Label != "Zahl der Beschäftigten" || !slices.Contains(one.Sent, "activity") {
			t.Errorf("%v, rivals %v, kept %v, sent %v", one.Answers, one.Rivals, one.Kept, one.Sent)
		}
		if f := must[*intake.Filling](t)(h.Intake.Fill(ctx, anna, one, "de")); len(f.Changes) == 0 {
			t.Error("nothing is told")
		}
	})
}

// Who has filled in what, and what was written elsewhere, goes with the answers when a rule moves a list or a field of a row.
func TestMarksFollowTheRows(t *testing.T) {
	each(t, func(t *testing.T, h *intaketest.House) {
		ctx, anna, bora := t.Context(), accesstest.Anna(), accesstest.Bora()
		question := func(list string) string {
			return `"components": [{"type":"dynamiclist","id":"l_x","path":"` + list + `","label":"Filialen","isRepeating":true,"allowAddRemove":true,"defaultRepetitions":2,"properties":{"page":"business"},"components":[
				{"type":"textfield","id":"f_x","key":"where","label":"Wo"},{"type":"textfield","id":"f_y","key":"since","label":"Seit"}]},`
		}
		enact(t, h, "", `"components": [`, question("branches"), `"key": "business_name"`, `"key": "trade_name"`)
		d := must[intake.Draft](t)(h.Intake.Start(ctx, anna, trade))
		if err := h.Intake.Consent(ctx, anna, d.ID, false); err != nil {
			t.Fatal(err)
		}
		must[string](t)(h.Intake.Help(ctx, bora, must[string](t)(h.Intake.Invite(ctx, anna, d.ID))))
		save(t, h, bora, d, "business", post("branches.0.where", "Marxloh", "branches.1.where", "Ruhrort"))
		fill := func() *intake.Filling {
			return must[*intake.Filling](t)(h.Intake.Fill(ctx, anna, must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID)), "de"))
		}
		seen := fill().Seen("business")
		save(t, h, anna, d, "business", post("branches.1.since", "2020"))
		late := post("branches.1.since", "2021")
		late.Set(intake.SeenField, seen)
		save(t, h, anna, d, "business", late)
		first := must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		if first.Filled["branches.1.where"] != bora.Name || first.Rivals["branches.1.since"].Value != "2020" {
			t.Fatalf("%v %v", first.Filled, first.Rivals)
		}
		seen = fill().Seen("business")
		enact(t, h, "[[step]]\nfrom = [\""+first.Version+"\"]\n[[step.rule]]\nold = \"branches\"\nnew = \"shops\"\n", `"components": [`, question("shops"), `"key": "business_name"`, `"key": "trade_name"`)
		d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		if d.Filled["shops.0.where"] != bora.Name || d.Filled["shops.1.where"] != bora.Name || d.Rivals["shops.1.since"].Value != "2020" {
			t.Errorf("%v %v", d.Filled, d.Rivals)
		}
		if x := must[intake.Draft](t)(h.Intake.Draft(ctx, bora, d.ID)); len(must[*intake.Filling](t)(h.Intake.Fill(ctx, anna, x, "de")).Rivalries("business")) != 1 {
			t.Error("what was written elsewhere isn't shown")
		}
		// A page of the version before comes in late, and a row of it goes.
		stale := post("branches.0.where", "Marxloh", "branches.1.where", "Rheinhausen")
		stale.Set(intake.SeenField, seen)
		stale.Set(form.RemoveRow, "branches.0")
		save(t, h, anna, d, "business", stale)
		d = must[intake.Draft](t)(h.Intake.Draft(ctx, anna, d.ID))
		if rows, _ := d.Answers["shops"].([]any); len(rows) != 1 || form.At(d.Answers, "shops.0.where") != "Rheinhausen" || form.At(d.Answers, "shops.0.since") != "2021" ||
			d.Filled["shops.0.where"] != "" || d.Rivals["shops.0.since"].Value != "2020" || len(d.Kept) > 1 {
			t.Errorf("%v, filled %v, rivals %v, kept %v", d.Answers, d.Filled, d.Rivals, d.Kept)
		}
	})
}
