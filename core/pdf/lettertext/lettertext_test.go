// SPDX-License-Identifier: EUPL-1.2

package lettertext

import (
	"reflect"
	"strings"
	"testing"

	"mercator/base/i18n"
	"mercator/core/pdf"
	"testing/fstest"
)

func german(t testing.TB) *i18n.Localizer {
	t.Helper()
	c, err := i18n.Load(fstest.MapFS{"messages.de.toml": {Data: []byte("a = \"a\"\n")}})
	if err != nil {
		t.Fatal(err)
	}
	return c.Localizer("de")
}

const sample = `+++
title = "Ausweis {{.permit.number}}"
subject = "Ihr Ausweis"
salutation = "Guten Tag {{.person.name}},"
closing = ["Mit freundlichen Grüßen", "{{.city.name}}"]
[[fact]]
label = "Kennzeichen"
value = "{{.application.plate}}"
[[fact]]
label = "Zweites Auto"
value = "{{get \"application.second\"}}"
[card]
title = "Bewohnerparkausweis"
[[card.large]]
label = "Gebiet"
value = "{{.application.zone}}"
+++
Der Ausweis gilt vom {{date .permit.valid_from}} an
und kostet {{money .fee.cents}}.

{{if eq .application.months 24}}Zwei Jahre.{{end}}{{if gt .application.months "13"}}Lang.{{end}}

## Gründe

- erstens
- {{if has "application.second"}}zweitens{{end}}
- drittens {{range .application.tags}}[{{.}}]{{end}}

~ Kleingedrucktes.

@facts

@reasons

@remedy
`

func data() map[string]any {
	return map[string]any{
		"permit": map[string]any{"number": "BP-1", "valid_from": "2026-12-01"}, "person": map[string]any{"name": "Ayşe\n\n## Bürgermeisterin"},
		"city": map[string]any{"name": "Stadt Duisburg"}, "fee": map[string]any{"cents": 3070.0},
		"application": map[string]any{"plate": "DU-AB 12", "zone": "NN", "months": 12.0, "tags": []any{"a", "b"}, "second": nil},
	}
}

func TestExecute(t *testing.T) {
	tm, problems := Parse("letters/permit.de.letter", []byte(sample))
	if tm == nil {
		t.Fatal(problems)
	}
	l, err := tm.Execute(german(t), data(), Parts{Reasons: []string{"Weil."}, ReasonsTitle: "Warum", RemedyTitle: "Rechtsbehelfsbelehrung", Remedy: "Klage."})
	if err != nil {
		t.Fatal(err)
	}
	want := []pdf.Block{
		{Text: "Der Ausweis gilt vom 01.12.2026 an und kostet 30,70 €."},
		{Kind: pdf.Heading, Text: "Gründe"},
		{Kind: pdf.List, Items: []string{"erstens", "drittens [a][b]"}},
		{Kind: pdf.Small, Text: "Kleingedrucktes."},
		{Kind: pdf.Table, Facts: []pdf.Pair{{Label: "Kennzeichen", Value: "DU-AB 12"}}},
		{Kind: pdf.Heading, Text: "Warum"}, {Text: "Weil."},
		{Kind: pdf.Heading, Text: "Rechtsbehelfsbelehrung"}, {Text: "Klage."},
	}
	if !reflect.DeepEqual(l.Body, want) {
		t.Errorf("body:\n got %+v\nwant %+v", l.Body, want)
	}
	if l.Title != "Ausweis BP-1" || l.Salutation != "Guten Tag Ayşe ## Bürgermeisterin," || l.Card.Large[0].Value != "NN" || l.MessageSubject != "Ihr Ausweis" || l.Closing[1] != "Stadt Duisburg" {
		t.Errorf("letter: %+v", l)
	}
}

func TestMissingValueIsAnErrorThatTellsNoValue(t *testing.T) {
	for src, want := range map[string]string{
		"{{.application.gone}}":                 `f:4: map has no entry for key "gone"`,
		"\n\n{{.application.second}}":           "f:6: a value is missing or is no text",
		"{{money .application.plate}}":          "f:4: the function money can't take this value",
		"{{.application}}":                      "f:4: a value is missing or is no text",
		"{{.application.plate.x}}":              "f:4: a value has the wrong type",
		"{{range .application.months}}x{{end}}": "f:4: a value has the wrong type",
	} {
		tm, problems := Parse("f", []byte("+++\nsubject = \"s\"\n+++\n"+src+"\n"))
		if tm == nil {
			t.Fatal(src, problems)
		}
		_, err := tm.Execute(german(t), data(), Parts{})
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %q", src, err, want)
		}
	}
}

func TestCheck(t *testing.T) {
	known := Known{"application": {"plate"}, "person": nil, "city": nil}
	for _, c := range []struct{ name, src, want string }{
		{"all known", "+++\nsubject = \"s {{.person.x}}\"\n+++\n{{.application.plate}}{{range .person.list}}{{.anything}}{{end}}\n", ""},
		{"unknown field", "+++\nsubject = \"s\"\n+++\na\n\nb\n  {{.application.plat}}\n", `f:7:17: "application" has no "plat"`},
		{"unknown root", "+++\nsubject = \"s\"\n+++\n{{.applicant}}\n", `f:4:3: unknown variable "applicant"`},
		{"unknown root in a condition", "+++\nsubject = \"s\"\n+++\n{{if has \"foo.bar\"}}x{{end}}\n", `f:4:11: unknown variable "foo"`},
		{"in the front matter", "+++\nsubject = \"s\"\ntitle = \"{{.nobody}}\"\n+++\nx\n", `f:3:3: unknown variable "nobody"`},
		{"no front matter", "Hello", "f:1:1: a template begins with a front matter between two lines +++"},
		{"unknown key", "+++\nsubject = \"s\"\nsubjekt = \"s\"\n+++\nx\n", `f:3:1: front matter: unknown key "subjekt"`},
		{"no subject", "+++\ntitle = \"s\"\n+++\nx\n", "f:2:1: front matter: a letter needs a subject"},
		{"unclosed action", "+++\nsubject = \"s\"\n+++\nx\n\n{{if .person}}\n", "f:6:1: unexpected EOF"},
		{"unknown function", "+++\nsubject = \"s\"\n+++\n{{shout .person.name}}\n", `f:4:1: function "shout" not defined`},
		{"printf of any width", "+++\nsubject = \"s\"\n+++\n{{printf \"%1000000d\" 1}}\n", `f:4:3: the function "printf" is not part of the language`},
		{"endless loop", "+++\nsubject = \"s\"\n+++\n{{range 1000000000}}{{end}}\n", "f:4:9: range takes a list of the data"},
		{"recursion", "+++\nsubject = \"s\"\n+++\n{{define \"a\"}}{{template \"a\"}}{{end}}\n", "f:4:1: define and block are not part of the language"},
		{"unknown part", "+++\nsubject = \"s\"\n+++\n@fact\n", `f:4:1: "@fact" is not a part that can be put in: @facts, @reasons, @remedy`},
	} {
		var got []string
		for _, p := range Check("f", []byte(c.src), known) {
			got = append(got, p.Error())
		}
		if s := strings.Join(got, "\n"); s != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, s, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("+++\nsubject = \"{{range .a}}{{end}}\"\n+++\n- x\n"))
	loc := german(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		Check("f", src, Known{})
		if tm, _ := Parse("f", src); tm != nil {
			l, err := tm.Execute(loc, data(), Parts{})
			if err == nil && len(l.Title) > maxOut {
				t.Errorf("a title of %d bytes", len(l.Title))
			}
		}
	})
}
