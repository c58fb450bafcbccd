// SPDX-License-Identifier: EUPL-1.2

package form_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"mercator/lang/form"
)

// TestChecksFindWhatCannotBeMeant: each finding, and beside it what looks alike and is right.
func TestChecksFindWhatCannotBeMeant(t *testing.T) {
	yes := `{"type":"checkbox","key":"yes","label":"Ja"},{"type":"radio","key":"way","label":"Weg","values":[{"value":"a"},{"value":"b"}]},{"type":"number","key":"n","label":"N"},`
	for _, c := range []struct{ name, bad, want, good string }{
		{"unknown name in a group", `{"type":"group","path":"g","components":[{"type":"number","key":"a","label":"A"}]},{"type":"expression","key":"e","expression":"=g.b"}`, `the variable "g.b" is not known`,
			`{"type":"group","path":"g","components":[{"type":"number","key":"a","label":"A"}]},{"type":"expression","key":"e","expression":"=g.a"}`},
		{"unknown name in a list", `{"type":"dynamiclist","path":"l","components":[{"type":"number","key":"a","label":"A"}]},{"type":"expression","key":"e","expression":"=sum(l.b)"}`, `the variable "l.b" is not known`,
			`{"type":"dynamiclist","path":"l","components":[{"type":"number","key":"a","label":"A"}]},{"type":"expression","key":"e","expression":"=sum(l.a) + count(l)"}`},
		{"register that isn't fetched", yes + `{"type":"textfield","key":"x","label":"X","conditional":{"hide":"=registers.dog.name = null"}}`, `the service doesn't fetch "dog.name"`,
			yes + `{"type":"textfield","key":"x","label":"X","conditional":{"hide":"=registers.resident.street = null"}}`},
		{"contradicting conditions", yes + `{"type":"textfield","key":"x","label":"X","conditional":{"hide":"=way != \"a\" or yes != true or way = \"a\" and yes = true"}}`, "x: nobody can ever see this",
			yes + `{"type":"textfield","key":"x","label":"X","conditional":{"hide":"=way != \"a\" or yes != true"}}`},
		{"contradicting conditions of field and group", yes + `{"type":"group","id":"g","conditional":{"hide":"=way != \"a\""},"components":[{"type":"textfield","key":"x","label":"X","conditional":{"hide":"=way = \"a\""}}]}`, "x: nobody can ever see this",
			yes + `{"type":"group","id":"g","conditional":{"hide":"=way != \"a\""},"components":[{"type":"textfield","key":"x","label":"X","conditional":{"hide":"=yes = true"}}]}`},
		{"by way of what is computed", yes + `{"type":"expression","key":"e","expression":"=way = \"a\""},{"type":"textfield","key":"x","label":"X","conditional":{"hide":"=e or way != \"a\""}}`, "x: nobody can ever see this",
			yes + `{"type":"expression","key":"e","expression":"=way = \"a\""},{"type":"textfield","key":"x","label":"X","conditional":{"hide":"=e or way = null"}}`},
		{"a value that no option has", yes + `{"type":"textfield","key":"x","label":"X","conditional":{"hide":"=way = \"c\""}}`, "x: its condition never hides it",
			yes + `{"type":"textfield","key":"x","label":"X","conditional":{"hide":"=way = \"b\""}}`},
		{"what depends on a number isn't decided", yes + `{"type":"textfield","key":"x","label":"X","conditional":{"hide":"=nobody"}}`, `the variable "nobody" is not known`,
			yes + `{"type":"textfield","key":"x","label":"X","conditional":{"hide":"=n > 3 or way = \"a\""}}`},
		{"conditions in a circle", `{"type":"checkbox","key":"a","label":"A","conditional":{"hide":"=b = true"}},{"type":"checkbox","key":"b","label":"B","conditional":{"hide":"=a = true"}}`, "a, b: their conditions read each other's answers in a circle",
			`{"type":"checkbox","key":"a","label":"A"},{"type":"checkbox","key":"b","label":"B","conditional":{"hide":"=a = true"}}`},
		{"a condition that reads what it hides", `{"type":"checkbox","key":"a","label":"A","conditional":{"hide":"=a = true"}}`, "a: its condition reads what it hides",
			yes + `{"type":"checkbox","key":"a","label":"A","conditional":{"hide":"=yes = true"}}`},
		{"an option that check refuses", `{"type":"radio","key":"r","label":"R","values":[{"value":"a"},{"value":"b"}],"properties":{"check":"=r != \"b\"","message.check":"Nein."}}`, `r: the option "b" can never be chosen`,
			yes + `{"type":"radio","key":"r","label":"R","values":[{"value":"a"},{"value":"b"}],"properties":{"check":"=r != \"b\" or yes = true","message.check":"Nein."}}`},
		{"no option at all", yes + `{"type":"select","key":"s","label":"S","valuesExpression":"=if yes then [] else []"}`, "s: there is never anything to choose from",
			yes + `{"type":"select","key":"s","label":"S","valuesExpression":"=if yes then [1] else []"}`},
		{"a pattern longer than the field", `{"type":"textfield","key":"p","label":"P","validate":{"maxLength":4,"pattern":"[A-Z]{2}\\d{3,}"}}`, "p: pattern takes 5 or more characters",
			`{"type":"textfield","key":"p","label":"P","validate":{"maxLength":5,"pattern":"[A-Z]{2}\\d{3,}"}}`},
		{"a pattern shorter than the field", `{"type":"textfield","key":"p","label":"P","validate":{"minLength":4,"pattern":"(AB|C)?D"}}`, "p: pattern takes 1 to 3 characters",
			`{"type":"textfield","key":"p","label":"P","validate":{"minLength":3,"pattern":"(AB|C)?D"}}`},
		{"more characters than the field takes", `{"type":"textfield","key":"p","label":"P","validate":{"minLength":501}}`, "minLength 501 is more than the 500",
			`{"type":"textarea","key":"p","label":"P","validate":{"minLength":501}}`},
		{"no whole number in between", `{"type":"number","key":"p","label":"P","decimalDigits":0,"validate":{"min":1.2,"max":1.8}}`, "no number with 0 decimal places",
			`{"type":"number","key":"p","label":"P","decimalDigits":1,"validate":{"min":1.2,"max":1.8}}`},
		{"days the wrong way round", `{"type":"datetime","subtype":"date","key":"d","label":"D","properties":{"min":"=today() + duration(\"P3M\")","max":"=today()"}}`, "d: min is greater than max on every day",
			`{"type":"datetime","subtype":"date","key":"d","label":"D","properties":{"min":"=today()","max":"=today() + duration(\"P3M\")"}}`},
		{"a default that isn't an option", `{"type":"radio","key":"r","label":"R","defaultValue":"c","values":[{"value":"a"}]}`, `r: its defaultValue "c" isn't a right answer`,
			`{"type":"radio","key":"r","label":"R","defaultValue":"a","values":[{"value":"a"}]}`},
		{"personal data without a purpose", `{"type":"textfield","key":"p","label":"P","properties":{"type":"phone"}}`, "p: personal data is asked",
			`{"type":"textfield","key":"p","label":"P","properties":{"type":"phone","why":"Für Rückfragen."}},{"type":"textfield","key":"q","label":"Q","properties":{"type":"email"}}`},
		{"a page that asks nothing", yes + `{"type":"text","id":"t","text":"Nur Text","properties":{"page":"empty"}}`, `page "empty" asks nothing`,
			yes + `{"type":"text","id":"t","text":"Nur Text"}`},
		{"a text that is missing", `{"type":"textfield","key":"p"}`, `field "p" has no label`, `{"type":"textfield","key":"p","label":"P"}`},
	} {
		find := func(src string) string {
			var got []string
			for _, x := range mustParse(t, src).Check(form.CheckOptions{KnownNames: []string{"registers"}, RegisterFields: []string{"resident.street"}, Purposes: true}) {
				if !strings.Contains(x.Msg, "has no title") {
					got = append(got, x.Msg)
				}
			}
			return strings.Join(got, "\n")
		}
		if got := find(c.bad); !strings.Contains(got, c.want) {
			t.Errorf("%s: not found: %s\n%s", c.name, c.want, got)
		}
		if got := find(c.good); got != "" {
			t.Errorf("%s: a false alarm:\n%s", c.name, got)
		}
	}
}

// Where each question says why it is asked, only its group can say it for a question.
func TestEachQuestionSaysWhyItIsAsked(t *testing.T) {
	for src, want := range map[string]string{
		`{"type":"textfield","key":"dog","label":"Hund"}`: "dog: say in the property",
		`{"type":"textfield","key":"a","label":"A","properties":{"why":"Darum."}},{"type":"radio","key":"b","label":"B","values":[{"value":"x"}]}`:                             "b: say in the property",
		`{"type":"checkbox","key":"yes","label":"Ja","properties":{"type":"consent"}}`:                                                                                         "yes: say in the property",
		`{"type":"dynamiclist","path":"l","properties":{"why":"Darum."},"components":[{"type":"number","key":"n","label":"N"}]}`:                                               "l.*.n: say in the property",
		`{"type":"textfield","key":"dog","label":"Hund","properties":{"why":"Darum."}}`:                                                                                        "",
		`{"type":"textfield","key":"dog","label":"Hund","readonly":true}`:                                                                                                      "",
		`{"type":"group","id":"g","properties":{"why":"Darum."},"components":[{"type":"group","id":"h","components":[{"type":"textfield","key":"street","label":"Straße"}]}]}`: "",
		`{"type":"text","id":"t","text":"Guten Tag"},{"type":"number","key":"n","label":"N","properties":{"why":"Darum."}},{"type":"expression","key":"e","expression":"=n"}`:  "",
	} {
		got := ""
		for _, x := range mustParse(t, src).Check(form.CheckOptions{Reasons: true}) {
			if strings.Contains(x.Msg, "why") {
				got += x.Msg + "\n"
			}
		}
		if want == "" && got != "" || !strings.Contains(got, want) || strings.Count(got, "\n") > 1 {
			t.Errorf("%s: %q, want %q", src, got, want)
		}
	}
}

func TestTheTraceSaysWhy(t *testing.T) {
	f, ctx := parking(t), consented()
	v := f.Eval(form.Answers{"vehicle": "DU-AB 123", "months": "7", "valid_from": "2026-11-01"}, ctx)
	var b bytes.Buffer
	for _, tr := range v.Trace() {
		if err := tr.Print(&b); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{
		`given_names: known = "Ayşe" (register)`,
		`vehicle: shown = "DU-AB 123" (typed)` + "\n" + `    hide: registers = null or count(registers.vehicles) = 0 or other_vehicle = true → false  [other_vehicle = null, registers = `,
		"other_plate: hidden\n    hide: not(registers = null or count(registers.vehicles) = 0 or other_vehicle = true) → ",
		`plate: shown = "DU-AB 123" (computed)`,
		`valid_from: shown = "2026-11-01" (typed), wrong: form.error.dateMin` + "\n" + `    min: today() → "2026-11-23"  [today() = "2026-11-23"]`,
		`months: shown = "7" (typed), wrong: form.error.option`,
		"city: known", "    options: lists.zones → [{\"label\":\"Dellviertel 1\",\"value\":\"DE1\"},{\"label\":\"Hochfeld 2\",\"value\":\"HO2\"}]  [lists.zones = ",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("not told: %s\n%s", want, b.String())
		}
	}
	f = mustParse(t, `{"type":"checkbox","key":"on","label":"A"},{"type":"group","id":"box","conditional":{"hide":"=on != true"},"components":[
		{"type":"textfield","key":"x","label":"X","defaultValue":"=\"a\""}]}`)
	tr := f.Eval(nil, form.Context{}).Trace()
	equal(t, "hidden by", []any{tr[2].Name, tr[2].State, tr[2].HiddenBy}, []any{"x", form.IsHidden, "box"})
}

func TestDifferencesInWords(t *testing.T) {
	old := mustParse(t, `{"type":"textfield","key":"plate","label":"Kennzeichen","properties":{"label.en":"number plate","label.tr":"plaka"}},
		{"type":"radio","key":"months","label":"Dauer","values":[{"label":"6 Monate","value":6},{"label":"12 Monate","value":12}]},
		{"type":"number","key":"n","label":"Anzahl","validate":{"max":3}},{"type":"textfield","key":"gone","label":"Fax"},
		{"type":"textfield","key":"same","label":"Gleich","conditional":{"hide":"=n > 1"}}`)
	now := mustParse(t, `{"type":"textfield","key":"plate","label":"Kennzeichen","validate":{"required":true},"properties":{"label.en":"number plate","label.tr":"plaka"}},
		{"type":"radio","key":"months","label":"Gültigkeit","values":[{"label":"12 Monate","value":12},{"label":"24 Monate","value":24}]},
		{"type":"number","key":"n","label":"Anzahl","validate":{"max":5},"conditional":{"hide":"=plate = null"}},
		{"type":"textfield","key":"same","label":"Gleich","conditional":{"hide":"= n>1"}},
		{"type":"textfield","key":"new","label":"E-Mail","validate":{"required":true}}`)
	say := func(lang string) []string {
		var out []string
		for _, d := range form.Diff(old, now) {
			out = append(out, d.Words(localizer(t, lang)))
		}
		return out
	}
	equal(t, "German", strings.Join(say("de"), "\n"), strings.Join([]string{"„Fax“ gibt es nicht mehr", "„Kennzeichen“ ist jetzt Pflicht", "„Dauer“ heißt jetzt „Gültigkeit“",
		"„Gültigkeit“ bietet „6 Monate“ nicht mehr an", "„Gültigkeit“ bietet jetzt auch „24 Monate“ an", "„Anzahl“ ist jetzt höchstens 5", "„Anzahl“ wird jetzt ausgeblendet, wenn: plate = null",
		"Neu und Pflicht: „E-Mail“"}, "\n"))
	equal(t, "English", say("en")[1], "“number plate” is now required")
	equal(t, "Turkish", say("tr")[1], "“plaka” artık zorunlu")
	for _, file := range []string{"resident-parking-permit", "business-registration"} {
		f := load(t, "../../content/services/"+file+"/application.form")
		equal(t, "against itself", form.Diff(f, load(t, "../../content/services/"+file+"/application.form")), "[]")
	}
}

func TestCoverageTellsWhatNoScenarioTouched(t *testing.T) {
	f := mustParse(t, `{"type":"checkbox","key":"on","label":"A"},{"type":"number","key":"n","label":"N","validate":{"max":3},"conditional":{"hide":"=on != true"}},
		{"type":"radio","key":"r","label":"R","values":[{"value":"a"},{"value":"b"}],"properties":{"check":"=r = \"a\"","message.check":"x"}}`)
	c := form.NewCoverage(f)
	left := func() string {
		var out []string
		for _, o := range c.Untouched() {
			out = append(out, o.String())
		}
		return strings.Join(out, ", ")
	}
	c.Add(f.Eval(form.Answers{"r": "a"}, form.Context{}))
	equal(t, "untouched", left(), "n: hide shown, n: max kept, n: max broken, r: option b, r: check broken")
	c.Add(f.Eval(form.Answers{"r": "b", "on": true, "n": number(4)}, form.Context{}))
	equal(t, "untouched", left(), "n: max kept")
	seen, all := c.Touched()
	equal(t, "figure", fmt.Sprint(seen, all), "7 8")
	c.Add(f.Eval(form.Answers{"on": true, "n": number(3)}, form.Context{}))
	equal(t, "untouched", left(), "")
}

func number(n int) json.Number { return json.Number(strconv.Itoa(n)) }
