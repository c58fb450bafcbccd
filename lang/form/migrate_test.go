// SPDX-License-Identifier: EUPL-1.2

package form_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"mercator/lang/form"

	"pgregory.net/rapid"
)

func fields(parts ...string) string {
	return `{"type":"default","components":[` + strings.Join(parts, ",") + `]}`
}

func rule(t *testing.T, old, now string, values map[string]any) form.MigrationRule {
	t.Helper()
	return form.MigrationRule{Old: old, New: now, Values: values}
}

func TestAnswersAreCarriedOver(t *testing.T) {
	old := formOf(t, fields(
		`{"type":"textfield","key":"shop","label":"Laden"}`,
		`{"type":"textfield","key":"card","label":"Karte"}`,
		`{"type":"radio","key":"legal","label":"Rechtsform","values":[{"value":"gmbh","label":"GmbH"},{"value":"sole","label":"Allein"},{"value":"kgaa","label":"KGaA"}]}`,
		`{"type":"number","key":"full","label":"Vollzeit"}`, `{"type":"number","key":"part","label":"Teilzeit"}`,
		`{"type":"textfield","key":"start","label":"Beginn"}`,
		`{"type":"textfield","key":"address","label":"Anschrift"}`,
		`{"type":"checkbox","key":"sure","label":"Alles stimmt","properties":{"type":"consent"}}`,
		`{"type":"textfield","key":"gone","label":"Faxnummer"}`))
	now := formOf(t, fields(
		`{"type":"textfield","key":"business","label":"Betrieb"}`,
		`{"type":"dynamiclist","path":"cards","label":"Karten","components":[{"type":"textfield","key":"number","label":"Nummer"}]}`,
		`{"type":"radio","key":"legal","label":"Rechtsform","values":[{"value":"company","label":"Gesellschaft"},{"value":"sole","label":"Allein"}]}`,
		`{"type":"number","key":"staff","label":"Beschäftigte","validate":{"required":true}}`,
		`{"type":"datetime","subtype":"date","key":"start","dateLabel":"Beginn"}`,
		`{"type":"group","path":"address","label":"Anschrift","components":[{"type":"textfield","key":"street","label":"Straße"}]}`,
		`{"type":"checkbox","key":"sure","label":"Alles stimmt und ist vollständig","properties":{"type":"consent"}}`,
		`{"type":"textfield","key":"fresh","label":"Steuernummer","validate":{"required":true}}`))
	staff, err := form.MigrationRuleOf("staff", "=full + part")
	if err != nil {
		t.Fatal(err)
	}
	rules := []form.MigrationRule{rule(t, "shop", "business", nil), rule(t, "card", "cards.0.number", nil),
		rule(t, "legal", "legal", map[string]any{"gmbh": "company"}), staff}
	before := form.Filled{Answers: parseJSON(t, `{"shop":"Rad & Tat","card":"HWK 12","legal":"gmbh","full":2,"part":3,"start":"3.5.2027","address":"Kantstraße 3","sure":true,"gone":"0203 1"}`),
		Raw: map[string]string{"part": "drei"}}
	after := form.Migrate(old, now, before, rules, form.Context{Lang: "de"})
	want := parseJSON(t, `{"business":"Rad & Tat","cards":[{"number":"HWK 12"}],"legal":"company","staff":5,"start":"2027-05-03"}`)
	if !sameJSON(after.Answers, want) {
		t.Errorf("answers %v, want %v", toJSON(after.Answers), toJSON(want))
	}
	for name, h := range map[string]form.Held{"gone": {Value: "0203 1", Label: "Faxnummer"}, "address": {Value: "Kantstraße 3", Label: "Anschrift"},
		"sure": {Value: true, Label: "Alles stimmt"}, "part": {Value: json.Number("3"), Raw: "drei", Label: "Teilzeit"},
		"start": {Value: "3.5.2027", At: "start", Became: "2027-05-03", Label: "Beginn"}, "legal": {Value: "gmbh", At: "legal", Became: "company", Label: "Rechtsform"}} {
		if !reflect.DeepEqual(after.Kept[name], h) {
			t.Errorf("%s is kept as %+v, want %+v", name, after.Kept[name], h)
		}
	}
	// What the person is told: in the words of the form, with what they had answered.
	loc := localizer(t, "de")
	v := now.Eval(after.Answers, form.Context{Raw: after.Raw})
	var words []string
	for _, d := range form.Concerns(old, v, after.Kept, rules) {
		words = append(words, d.Words(loc))
	}
	wantWords := []string{"Wird nicht mehr gefragt: „Vollzeit“. Ihre Antwort war: 2", "Wird nicht mehr gefragt: „Teilzeit“. Ihre Antwort war: 3",
		"Wird nicht mehr gefragt: „Anschrift“. Ihre Antwort war: Kantstraße 3", "„Alles stimmt und ist vollständig“ fragen wir jetzt anders. Ihre Antwort war: Ja",
		"Wird nicht mehr gefragt: „Faxnummer“. Ihre Antwort war: 0203 1", "Neue Frage: „Straße“", "Neue Frage, die beantwortet werden muss: „Steuernummer“"}
	if !slices.Equal(words, wantWords) {
		t.Errorf("told\n%s, want\n%s", strings.Join(words, "\n"), strings.Join(wantWords, "\n"))
	}
	// Back to the version before: all of it is there, word for word.
	back := form.Migrate(now, old, after, nil, form.Context{Lang: "de"})
	if !sameJSON(back.Answers, before.Answers) || !maps.Equal(back.Raw, before.Raw) {
		t.Errorf("back: %s %v, want %s %v\nkept %+v", toJSON(back.Answers), back.Raw, toJSON(before.Answers), before.Raw, back.Kept)
	}
	// What was changed meanwhile counts.
	after.Answers["business"] = "Rad & Rat"
	after.Answers["legal"] = "sole"
	back = form.Migrate(now, old, after, nil, form.Context{Lang: "de"})
	if back.Answers["shop"] != "Rad & Rat" || back.Answers["legal"] != "sole" || back.Answers["card"] != "HWK 12" {
		t.Errorf("changed meanwhile: %s", toJSON(back.Answers))
	}
}

func TestAnOptionThatIsGoneIsTold(t *testing.T) {
	old := formOf(t, fields(`{"type":"radio","key":"legal","label":"Rechtsform","values":[{"value":"kgaa","label":"KGaA"},{"value":"sole","label":"Allein"}]}`,
		`{"type":"checklist","key":"days","label":"Tage","values":[{"value":"mo","label":"Montag"},{"value":"su","label":"Sonntag"}]}`, `{"type":"textfield","key":"note","label":"Bemerkung"}`))
	now := formOf(t, fields(`{"type":"radio","key":"legal","label":"Rechtsform","validate":{"required":true},"values":[{"value":"sole","label":"Allein"}]}`,
		`{"type":"checklist","key":"days","label":"Tage","values":[{"value":"mo","label":"Montag"}]}`, `{"type":"textfield","key":"note","label":"Was noch?"}`))
	after := form.Migrate(old, now, form.Filled{Answers: parseJSON(t, `{"legal":"kgaa","days":["su"],"note":"x"}`)}, nil, form.Context{})
	if len(after.Answers) != 1 || after.Answers["note"] != "x" {
		t.Errorf("%s", toJSON(after.Answers))
	}
	var words []string
	for _, d := range form.Concerns(old, now.Eval(after.Answers, form.Context{}), after.Kept, nil) {
		words = append(words, d.Words(localizer(t, "de")))
	}
	if want := []string{"„Rechtsform“: Ihre Antwort gibt es dort nicht mehr: KGaA. Bitte wählen Sie neu.", "„Tage“: Ihre Antwort gibt es dort nicht mehr: Sonntag. Bitte wählen Sie neu.",
		"Muss jetzt beantwortet werden: „Rechtsform“", "„Bemerkung“ heißt jetzt „Was noch?“"}; !slices.Equal(words, want) {
		t.Errorf("%q, want %q", words, want)
	}
	// Nothing of it concerns who has answered nothing but what must be answered now.
	if got := form.Concerns(old, now.Eval(nil, form.Context{}), nil, nil); len(got) != 1 || got[0].Msg != "form.changed.required" {
		t.Errorf("%+v", got)
	}
}

// anyQuestion draws a question of a name, and answers that it can have.
func anyQuestion(t *rapid.T, key string) (source string, values []any) {
	switch rapid.SampledFrom([]string{"text", "number", "money", "checkbox", "radio", "date", "list", "group", "checklist", "plate"}).Draw(t, key+" kind") {
	case "number":
		return fmt.Sprintf(`{"type":"number","key":%q,"label":"L"}`, key), []any{json.Number("7"), json.Number("1.5"), json.Number("1234.567")}
	case "money":
		return fmt.Sprintf(`{"type":"textfield","key":%q,"label":"L","properties":{"type":"money"}}`, key), []any{json.Number("1250"), json.Number("7")}
	case "checkbox":
		return fmt.Sprintf(`{"type":"checkbox","key":%q,"label":"L"}`, key), []any{true, false}
	case "radio":
		var options []string
		n := rapid.IntRange(1, 4).Draw(t, key+" options")
		for i := range n {
			options = append(options, fmt.Sprintf(`{"value":"o%d"}`, i))
			values = append(values, fmt.Sprintf("o%d", i))
		}
		return fmt.Sprintf(`{"type":%q,"key":%q,"label":"L","values":[%s]}`, rapid.SampledFrom([]string{"radio", "select"}).Draw(t, key+" look"), key, strings.Join(options, ",")), values
	case "checklist":
		return fmt.Sprintf(`{"type":"checklist","key":%q,"label":"L","values":[{"value":"a"},{"value":"b"}]}`, key), []any{[]any{"a"}, []any{"b", "a"}}
	case "date":
		return fmt.Sprintf(`{"type":"datetime","subtype":"date","key":%q,"dateLabel":"L"}`, key), []any{"2027-05-03"}
	case "plate":
		return fmt.Sprintf(`{"type":"textfield","key":%q,"label":"L","properties":{"type":"plate"}}`, key), []any{"DU-AB 123"}
	case "list":
		return fmt.Sprintf(`{"type":"dynamiclist","path":%q,"label":"L","components":[{"type":"textfield","key":"x","label":"X"}]}`, key), []any{[]any{map[string]any{"x": "one"}, map[string]any{"x": "two"}}}
	case "group":
		return fmt.Sprintf(`{"type":"group","path":%q,"label":"L","components":[{"type":"textfield","key":"x","label":"X"}]}`, key), []any{map[string]any{"x": "in a group"}}
	}
	return fmt.Sprintf(`{"type":"textfield","key":%q,"label":"L"}`, key), []any{"word", "3.5.2027", "DU-AB 123", "7", "o1"}
}

// No answer that both versions can hold is lost, and on the way back to the version before nothing is, whatever the two ask and
// whatever rules lead from one to the other.
func TestNothingIsLostBetweenVersions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := []string{"a", "b", "c", "d", "e"}
		draw := func(version string) (*form.Form, map[string]string, map[string][]any) {
			sources, values := map[string]string{}, map[string][]any{}
			var parts []string
			for _, k := range keys {
				if rapid.IntRange(0, 3).Draw(t, version+" has "+k) > 0 {
					sources[k], values[k] = anyQuestion(t, k)
					parts = append(parts, sources[k])
				}
			}
			if len(parts) == 0 {
				t.Skip("asks nothing")
			}
			f, err := form.Parse("f.form", []byte(fields(parts...)))
			if err != nil {
				t.Fatal(err)
			}
			return f, sources, values
		}
		old, oldSources, values := draw("old")
		now, nowSources, _ := draw("now")
		a := form.Answers{}
		for _, k := range slices.Sorted(maps.Keys(values)) {
			if rapid.Bool().Draw(t, "answers "+k) {
				a[k] = rapid.SampledFrom(values[k]).Draw(t, "answer "+k)
			}
		}
		var rules []form.MigrationRule
		moved := map[string]bool{}
		for _, k := range keys {
			to := rapid.SampledFrom(keys).Draw(t, "to")
			if rapid.Bool().Draw(t, "rule for "+k) && oldSources[k] != "" && nowSources[k] == "" && nowSources[to] != "" && !strings.Contains(nowSources[to], `"path"`) {
				rules = append(rules, form.MigrationRule{Old: k, New: to})
				moved[to] = true
			}
		}
		was := toJSON(a)
		after := form.Migrate(old, now, form.Filled{Answers: a}, rules, form.Context{Lang: "de"})
		if toJSON(a) != was {
			t.Fatalf("the answers that were given have changed: %s, were %s", toJSON(a), was)
		}
		for k, v := range a {
			if oldSources[k] == nowSources[k] && !sameJSON(after.Answers[k], v) {
				t.Fatalf("%s is asked by both in the same way and lost: %s, was %s; rules %v", k, toJSON(after.Answers), was, rules)
			}
		}
		// Each answer is where its field is, or kept.
		for k, v := range a {
			here := sameJSON(after.Answers[k], v)
			held := false
			for name, h := range after.Kept {
				held = held || strings.Split(name, ".")[0] == k && (sameJSON(h.Value, v) || strings.Contains(toJSON(v), toJSON(h.Value)))
			}
			if !here && !held {
				t.Fatalf("%s = %s is neither answered nor kept: %s, kept %s", k, toJSON(v), toJSON(after.Answers), toJSON(after.Kept))
			}
		}
		back := form.Migrate(now, old, after, nil, form.Context{Lang: "de"})
		if !sameJSON(back.Answers, a) {
			t.Fatalf("back: %s, was %s\nbetween %s\nkept %s\nold %v\nnow %v\nrules %v", toJSON(back.Answers), was, toJSON(after.Answers), toJSON(after.Kept), oldSources, nowSources, rules)
		}
	})
}

func toJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func sameJSON(a, b any) bool { return toJSON(a) == toJSON(b) }

// What is declared in a row counts for its words wherever the list goes, and when what was kept is given back.
func TestWhatIsDeclaredInRowsCountsForItsWords(t *testing.T) {
	list := func(path, words string) string {
		return `{"type":"dynamiclist","path":"` + path + `","label":"Personen","components":[{"type":"textfield","key":"name","label":"Name"},
			{"type":"group","path":"says","label":"Erklärung","components":[{"type":"checkbox","key":"sure","label":"` + words + `","properties":{"type":"consent"}}]},
			{"type":"dynamiclist","path":"cars","label":"Autos","components":[{"type":"textfield","key":"plate","label":"Kennzeichen"},{"type":"textfield","key":"sign","label":"` + words + `","properties":{"type":"signature"}}]}]}`
	}
	v := func(parts ...string) *form.Form {
		return formOf(t, fields(append(parts, `{"type":"textfield","key":"note","label":"Bemerkung"}`)...))
	}
	const all = `{"persons":[{"name":"Ada","says":{"sure":true},"cars":[{"plate":"DU-A 1","sign":{"name":"Ada","confirmed":true}}]}]}`
	const undeclared = `[{"name":"Ada","cars":[{"plate":"DU-A 1"}]}]`
	first, same, other, without, again := v(list("persons", "Stimmt")), v(list("people", "Stimmt")), v(list("people", "Ich hafte")), v(), v(list("persons", "Ich bürge"))
	move := []form.MigrationRule{rule(t, "persons", "people", nil)}
	ctx := form.Context{Lang: "de"}
	answers := func(what string, d form.Filled, want string) {
		t.Helper()
		if !sameJSON(d.Answers, parseJSON(t, want)) {
			t.Errorf("%s: %s, kept %s", what, toJSON(d.Answers), toJSON(d.Kept))
		}
	}
	before := form.Filled{Answers: parseJSON(t, all)}
	answers("the same words", form.Migrate(first, same, before, move, ctx), strings.Replace(all, "persons", "people", 1))
	moved := form.Migrate(first, other, before, move, ctx)
	answers("other words", moved, `{"people":`+undeclared+`}`)
	answers("other words and back", form.Migrate(other, first, moved, nil, ctx), all)
	answers("third words", form.Migrate(other, again, moved, nil, ctx), `{"persons":`+undeclared+`}`)
	held := form.Migrate(first, without, before, nil, ctx)
	answers("not asked", held, `{}`)
	answers("asked again", form.Migrate(without, first, held, nil, ctx), all)
	answers("asked again in other words", form.Migrate(without, again, held, nil, ctx), `{"persons":`+undeclared+`}`)
	// So it is with one that stands in no row.
	one := func(words string) *form.Form {
		return formOf(t, fields(`{"type":"checkbox","key":"sure","label":"`+words+`","properties":{"type":"consent"}}`, `{"type":"textfield","key":"note","label":"Bemerkung"}`))
	}
	d := form.Migrate(one("A"), one("B"), form.Filled{Answers: parseJSON(t, `{"sure":true}`)}, nil, ctx)
	answers("B", d, `{}`)
	answers("C after B", form.Migrate(one("B"), one("C"), d, nil, ctx), `{}`)
	answers("A after B", form.Migrate(one("B"), one("A"), d, nil, ctx), `{"sure":true}`)
}
