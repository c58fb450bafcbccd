// SPDX-License-Identifier: EUPL-1.2

package pdf

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"mercator/core/pdf/pdfacheck"
)

func sheet() Sheet {
	return Sheet{
		Lang: "tr", Title: "Sakin park izni", Created: time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC),
		Sender: Sender{Name: "Stadt Duisburg", Office: "Ordnungsamt"}, Facts: []Pair{{"Dosya numarası", "2026-ABCD-2345"}},
		Intro: "Lütfen okunaklı yazın.", Code: &SheetCode{Content: "ABCDEFGHJKLMNPQR23456789", Alt: "Formun kodu", Lead: "Kod", Text: "ABCD EFGH JKLM NPQR 2345 6789"},
		Parts: []SheetPart{
			{Title: "Kişi", Items: []SheetItem{
				{Label: "Soyadı", Help: "Kimlikteki gibi", Why: "Kim olduğunuzu bilmek için", Value: "Łukasiewicz-Ḩorváth", Source: "Kayıttan: nüfus"},
				{Heading: "1. çocuk"}, {Text: "Arada bir metin"}, {Label: "Adı", Lines: 1},
			}},
			{Title: "Süre", Items: []SheetItem{{Label: "Ne kadar?", Choices: []Choice{{"6 ay", false}, {"12 ay", true}}}}},
		},
		Note: "Son not", PageOf: "Sayfa {page} / {pages}", Ticked: "seçildi:", Unticked: "seçilmedi:",
	}
}

func TestSheet(t *testing.T) {
	r := renderer(t)
	a, err := r.Sheet(sheet())
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.Sheet(sheet())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Error("the same sheet gives two different files")
	}
	conforms(t, a)
	text, err := pdfacheck.Text(a)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Sakin park izni", "2026-ABCD-2345", "Łukasiewicz-Ḩorváth", "Kimlikteki gibi", "Kayıttan: nüfus", "1. çocuk", "12 ay", "Sayfa 1 / 1", "ABCD EFGH"} {
		if !strings.Contains(text, want) {
			t.Errorf("the file's text lacks %q:\n%s", want, text)
		}
	}
	keep(t, "sheet.pdf", a)
}

// A sheet of many pages is one; one that would never end is refused.
func TestSheetIsBounded(t *testing.T) {
	r := renderer(t)
	s := sheet()
	for range 1000 {
		s.Parts[0].Items = append(s.Parts[0].Items, SheetItem{Label: "Question", Value: strings.Repeat("word ", 50), Lines: 2})
	}
	data, err := r.Sheet(s)
	if err != nil {
		t.Fatal(err)
	}
	conforms(t, data)
	if n := bytes.Count(data, []byte("/Type /Page ")); n < 50 {
		t.Errorf("1000 questions on %d pages", n)
	}
	for range 40 {
		s.Parts = append(s.Parts, s.Parts[0])
	}
	if _, err := r.Sheet(s); err == nil {
		t.Error("40,000 questions are printed")
	}
	s = sheet()
	s.Parts[0].Items[0].Value = strings.Repeat("x", MaxText*4+1)
	if _, err := r.Sheet(s); err == nil {
		t.Error("an answer without end is printed")
	}
}

func BenchmarkSheet(b *testing.B) {
	r := renderer(b)
	s := sheet()
	s.Code = nil
	for range 20 {
		s.Parts[0].Items = append(s.Parts[0].Items, SheetItem{Label: "Straße", Help: "Nur die Straße", Value: "Königstraße"})
	}
	for b.Loop() {
		if _, err := r.Sheet(s); err != nil {
			b.Fatal(err)
		}
	}
}
