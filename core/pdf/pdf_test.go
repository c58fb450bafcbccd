// SPDX-License-Identifier: EUPL-1.2

package pdf

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func permit() Letter {
	return Letter{
		Lang: "de", Created: time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC),
		Sender: Sender{Name: "Stadt Duisburg", Office: "Ordnungsamt", ReturnLine: "Stadt Duisburg · Burgplatz 19 · 47051 Duisburg",
			Footer: []string{"Stadt Duisburg\nBurgplatz 19\n47051 Duisburg", "Telefon 0203 94000\nBehördennummer 115", "service@stadt.example", "Montag bis Freitag\n8 bis 18 Uhr"}},
		To:         []string{"Frau", "Ayşe Łukasiewicz-Ḩorváth", "Königstraße 63", "47051 Duisburg"},
		Info:       []Pair{{"Aktenzeichen", "32-2026-004711"}, {"Amt", "Ordnungsamt (32)"}, {"Auskunft", "Service-Center"}, {"Telefon", "0203 94000"}, {"Datum", "23.11.2026"}},
		Subject:    "Ihr Bewohnerparkausweis BP-32-2026-004711",
		Salutation: "Guten Tag Ayşe Łukasiewicz-Ḩorváth,",
		Body: []Block{
			{Kind: Paragraph, Text: "auf Ihren Antrag vom 23.11.2026 erteilen wir Ihnen die Ausnahmegenehmigung, in dem unten genannten Bewohnerparkgebiet ohne Parkschein und ohne Höchstparkdauer zu parken. Ein Anspruch auf einen bestimmten Stellplatz besteht nicht."},
			{Kind: Heading, Text: "Gründe"},
			{Kind: Paragraph, Text: "Sie wohnen mit Hauptwohnung im Parkgebiet 3 und ein Auto ist auf Sie zugelassen (§ 45 Absatz 1b Satz 1 Nummer 2a StVO). Die Gebühr von 30,00 € ist bezahlt (Nummer 265 der Anlage zu § 1 GebOSt)."},
			{Kind: List, Items: []string{"Legen Sie den Ausweis gut lesbar hinter die Windschutzscheibe.", "Wenn Sie umziehen oder das Auto wechseln, wird er ungültig."}},
			{Kind: Heading, Text: "Rechtsbehelfsbelehrung"},
			{Kind: Paragraph, Text: "Gegen diesen Bescheid können Sie innerhalb eines Monats nach Bekanntgabe Klage beim Verwaltungsgericht Düsseldorf erheben."},
		},
		Closing: []string{"Mit freundlichen Grüßen", "Stadt Duisburg", "Dieser Bescheid wurde automatisch erlassen und ist ohne Unterschrift gültig (§ 35a, § 37 Absatz 5 VwVfG NRW)."},
		Card: &Card{Title: "Bewohnerparkausweis", Issuer: "Stadt Duisburg · Ordnungsamt", Large: []Pair{{"Parkgebiet", "3"}, {"Kennzeichen", "DU-MK 4711"}},
			Facts: []Pair{{"Nummer", "BP-32-2026-004711"}, {"Gültig", "01.12.2026 bis 30.11.2027"}}, QR: "https://portal.duisburg.example/v/4M7K-2QXA-9TRD-WZ5H-3B8N", QRAlt: "QR-Code zur Prüfung der Gültigkeit",
			QRText: []string{"Gültigkeit prüfen:", "portal.duisburg.example/v/4M7K2QXA9TRDWZ5H3B8N"}, Cut: "Hier ausschneiden"},
		PageOf: "Seite {page} von {pages}",
	}
}

func renderer(t testing.TB) *Renderer {
	t.Helper()
	r, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestLetter(t *testing.T) {
	r := renderer(t)
	a, err := r.Letter(permit())
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.Letter(permit())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Error("the same letter gives two different files")
	}
	if n := bytes.Count(a, []byte("/Type /Page ")); n != 1 {
		t.Errorf("letter and card take %d pages, not one", n)
	}
	text := textOf(t, a)
	for _, want := range []string{"Ayşe Łukasiewicz-Ḩorváth", "Königstraße 63", "DU-MK 4711", "Seite 1 von 1", "Rechtsbehelfsbelehrung"} {
		if text != "" && !strings.Contains(text, want) {
			t.Errorf("the file's text lacks %q:\n%s", want, text)
		}
	}
	if dir := os.Getenv("MERCATOR_KEEP_PDF"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "permit.pdf"), a, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// textOf is the text that a reader gets out of a file, "" where no such reader is installed.
func textOf(t *testing.T, data []byte) string {
	t.Helper()
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		return ""
	}
	cmd := exec.Command(tool, "-layout", "-", "-")
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("pdftotext: %v", err)
	}
	return string(out)
}

func BenchmarkLetter(b *testing.B) {
	r := renderer(b)
	l := permit()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Letter(l); err != nil {
			b.Fatal(err)
		}
	}
}
