// SPDX-License-Identifier: EUPL-1.2

package sheet

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mercator/base/i18n"
	"mercator/base/person"
	"mercator/core/pdf"
	"mercator/core/pdf/pdfacheck"
	"mercator/lang/form"
)

const example = `{"type": "default", "id": "example", "components": [
{"type": "text", "text": "# Haushalt", "properties": {"page": "home"}},
{"type": "text", "text": "Bitte **genau** lesen.\n\n1. Erstens\n2. Zweitens\n\n[Satzung](https://example.org/s)<script>alert(1)</script>"},
{"type": "html", "content": "<p>Nur <b>Text</b></p><script>alert(2)</script>"},
{"type": "textfield", "key": "street", "label": "Straße", "description": "Nur die Straße", "validate": {"required": true}, "properties": {"type": "street", "register": "resident.street", "why": "Damit wir wissen, wohin.", "label.tr": "Cadde"}},
{"type": "textfield", "key": "city", "label": "Ort", "properties": {"register": "resident.city"}},
{"type": "dynamiclist", "path": "children", "label": "Kinder", "components": [
  {"type": "textfield", "key": "name", "label": "Name"}, {"type": "checkbox", "key": "school", "label": "Geht zur Schule"}]},
{"type": "group", "label": "Auto", "conditional": {"hide": "=street = null"}, "components": [{"type": "select", "key": "fuel", "label": "Kraftstoff", "values": [{"label": "Strom", "value": "e"}, {"label": "Benzin", "value": "b"}]}]},
{"type": "textarea", "key": "more", "label": "Noch etwas?"},
{"type": "filepicker", "key": "proof", "label": "Nachweis", "multiple": true},
{"type": "expression", "key": "sum", "label": "Summe", "expression": "=1 + 1"}
]}`

func words(t *testing.T) *i18n.Catalogue {
	t.Helper()
	c, err := i18n.Load(messages, form.Messages, person.Messages)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// lines writes parts so that a test can be read.
func lines(parts []pdf.SheetPart) string {
	var b strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&b, "== %s\n", p.Title)
		for _, it := range p.Items {
			switch {
			case it.Heading != "":
				fmt.Fprintf(&b, "-- %s\n", it.Heading)
			case it.Label == "":
				fmt.Fprintf(&b, "%s\n", strings.ReplaceAll(it.Text, "\n", "|"))
			default:
				fmt.Fprintf(&b, "%s", it.Label)
				for _, x := range []string{it.Help, it.Why, strings.ReplaceAll(it.Value, "\n", "|"), it.Source} {
					if x != "" {
						fmt.Fprintf(&b, " / %s", x)
					}
				}
				for _, c := range it.Choices {
					fmt.Fprintf(&b, " [%s]%s", map[bool]string{true: "x"}[c.Ticked], c.Label)
				}
				if it.Lines > 0 {
					fmt.Fprintf(&b, " ___%d", it.Lines)
				}
				b.WriteString("\n")
			}
		}
	}
	return b.String()
}

func TestOnPaper(t *testing.T) {
	f, err := form.Parse("example.form", []byte(example))
	if err != nil {
		t.Fatal(err)
	}
	loc := words(t).Localizer("de")
	hash := strings.Repeat("ab", 32)
	answers := form.Answers{"street": "Königstraße", "city": "Moers", "fuel": "b",
		"children": []any{map[string]any{"name": "Ada", "school": true}, map[string]any{"name": "Can"}},
		"proof":    []any{map[string]any{"name": "vertrag.pdf", "hash": hash, "type": "application/pdf", "size": json.Number("2048")}}}
	registers := map[string]any{"resident": map[string]any{"street": "Königstraße", "city": "Duisburg"}}
	v := f.Eval(answers, form.Context{Vars: map[string]any{"registers": registers}, Lang: "de"})
	got := lines(Answered(v, loc, FromRegisters(registers, func(as string) string { return "Melderegister (" + as + ")" })))
	want := `== Haushalt
Bitte genau lesen.|1. Erstens|2. Zweitens|Satzung (https://example.org/s)alert(1)
Nur Text
Straße / Nur die Straße / Königstraße / Aus dem Register: Melderegister (resident)
Ort / Moers
-- Kinder, Eintrag 1
Name / Ada
Geht zur Schule [x]Ja
-- Kinder, Eintrag 2
Name / Can
Geht zur Schule []Ja
-- Auto
Kraftstoff []Strom [x]Benzin
Noch etwas? / keine Angabe
Nachweis / vertrag.pdf (application/pdf, 2 kB)|SHA-256: ` + hash + `
Summe / 2 / Daraus berechnet
`
	if got = strings.ReplaceAll(got, "\u00a0", " "); got != want {
		t.Errorf("answered:\n%s\nwant:\n%s", got, want)
	}
	got = lines(Empty(f, nil, words(t).Localizer("tr")))
	for _, want := range []string{"== Başvuran kim?", "Cadde / Nur die Straße / Neden soruyoruz: Damit wir wissen, wohin. ___1", "kayıt 3",
		"Kraftstoff (isteğe bağlı) / Yalnızca sizin için geçerliyse doldurun. []Strom []Benzin", "Noch etwas? (isteğe bağlı) ___5", "Nachweis (isteğe bağlı) []Ekte", "İmza ___2"} {
		if !strings.Contains(got, want) {
			t.Errorf("the empty form lacks %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "Summe") {
		t.Error("somebody is to compute by hand")
	}
}

// Rows of lists within lists have headings of their own; what follows in a row stands under its heading once more.
func TestListsInListsOnPaper(t *testing.T) {
	f, err := form.Parse("nested.form", []byte(`{"type":"default","components":[{"type":"dynamiclist","path":"houses","label":"Haushalte","properties":{"row":"Haushalt"},"components":[
		{"type":"dynamiclist","path":"people","label":"Personen","properties":{"row":"Person"},"components":[{"type":"textfield","key":"name","label":"Name"}]},
		{"type":"textfield","key":"city","label":"Ort"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	loc := words(t).Localizer("de")
	v := f.Eval(form.Answers{"houses": []any{map[string]any{"city": "Moers", "people": []any{map[string]any{"name": "Ada"}, map[string]any{"name": "Can"}}}, map[string]any{"people": []any{}}}}, form.Context{Lang: "de"})
	got := lines(Answered(v, loc, func(*form.Item) string { return "" }))
	want := `== 
-- Haushalt 1
-- Person 1 von Haushalt 1
Name / Ada
-- Person 2 von Haushalt 1
Name / Can
-- Haushalt 1
Ort / Moers
-- Haushalt 2
Personen / keine Angabe
Ort / keine Angabe
`
	if got != want {
		t.Errorf("answered:\n%s\nwant:\n%s", got, want)
	}
	got = lines(Empty(f, nil, loc))
	for i := range emptyRows {
		for j := range emptyRows {
			if row := fmt.Sprintf("-- Person %d von Haushalt %d\nName (freiwillig) ___1\n", j+1, i+1); !strings.Contains(got, row) {
				t.Errorf("the empty form lacks %q:\n%s", row, got)
			}
		}
	}
}

// Every form of content/ can be printed in every language, as PDF/A.
func TestEveryFormCanBePrinted(t *testing.T) {
	r, err := pdf.New(pdf.Config{})
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../../content/services/*/application.form")
	if err != nil || len(files) == 0 {
		t.Fatal("no forms", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f, err := form.Parse(file, data)
		if err != nil {
			t.Fatal(err)
		}
		for _, lang := range []string{"de", "en", "tr"} {
			b, err := r.Sheet(pdf.Sheet{Lang: lang, Title: f.ID, Created: time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC), Sender: pdf.Sender{Name: "Stadt"}, Parts: Empty(f, nil, words(t).Localizer(lang))})
			if err != nil {
				t.Fatalf("%s in %s: %v", file, lang, err)
			}
			for _, problem := range pdfacheck.Check(b) {
				t.Errorf("%s in %s: %v", file, lang, problem)
			}
		}
	}
}
