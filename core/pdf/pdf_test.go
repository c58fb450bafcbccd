// SPDX-License-Identifier: EUPL-1.2

package pdf

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/image/font/gofont/goregular"

	"mercator/base/person"
	"mercator/core/pdf/pdfacheck"
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
	conforms(t, a)
	if n := bytes.Count(a, []byte("/Type /Page ")); n != 1 {
		t.Errorf("letter and card take %d pages, not one", n)
	}
	text := textOf(t, a)
	for _, want := range []string{"Ayşe Łukasiewicz-Ḩorváth", "Königstraße 63", "DU-MK 4711", "Seite 1 von 1", "Rechtsbehelfsbelehrung"} {
		if text != "" && !strings.Contains(text, want) {
			t.Errorf("the file's text lacks %q:\n%s", want, text)
		}
	}
	ours, err := pdfacheck.Text(a)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Ayşe Łukasiewicz-Ḩorváth", "Königstraße 63", "DU-MK 4711", "Seite 1 von 1", "Rechtsbehelfsbelehrung"} {
		if !strings.Contains(ours, want) {
			t.Errorf("our own reader's text lacks %q:\n%s", want, ours)
		}
	}
	keep(t, "permit.pdf", a)
}

// conforms holds a file against PDF/A-2b as far as we can check it.
func conforms(t *testing.T, data []byte) {
	t.Helper()
	for _, f := range pdfacheck.Check(data) {
		t.Error(f)
	}
	for _, tool := range [][]string{{"qpdf", "--check"}} {
		if _, err := exec.LookPath(tool[0]); err != nil {
			continue
		}
		file := filepath.Join(t.TempDir(), "x.pdf")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(tool[0], tool[1], file).CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%.2000s", tool, err, out)
		}
	}
}

func isName(s string) bool {
	_, err := person.ParseName(s)
	return err == nil
}

// din91379 are the letters of names in German registers: single ones and sequences.
func din91379() (out []string) {
	for r := rune(0x20); r < 0x1f00; r++ {
		if !unicode.Is(unicode.Mn, r) && unicode.IsPrint(r) && isName(string([]rune{'A', r, 'a'})) {
			out = append(out, string(r))
		}
	}
	for base := 'A'; base <= 'z'; base++ {
		for m := rune(0x300); m < 0x370; m++ {
			if s := string([]rune{base, m}); isName(s) {
				out = append(out, s)
			}
		}
	}
	return out
}

func TestEveryNameInGermanRegistersCanBePrinted(t *testing.T) {
	r := renderer(t)
	all := din91379()
	if len(all) < 500 {
		t.Fatalf("only %d letters", len(all))
	}
	for i, fc := range r.faces {
		for _, s := range all {
			cs := fc.shape(s)
			said := ""
			for _, c := range cs {
				said += c.text
				if c.gid == 0 {
					t.Errorf("face %d has nothing for %q", i, s)
				}
				if q, _ := fc[c.font].glyph('?'); c.gid == q {
					t.Errorf("face %d shows %q as a question mark", i, s)
				}
				for _, m := range c.marks {
					if markPlace(m) == placeNone {
						t.Errorf("%q: the mark %U isn't drawn", s, m)
					}
				}
			}
			if len(cs) == 0 {
				t.Errorf("%q vanishes", s)
			}
		}
	}
	l := permit()
	l.Card, l.Body = nil, nil
	for i := 0; i < len(all); i += 60 {
		l.Body = append(l.Body, Block{Text: strings.Join(all[i:min(i+60, len(all))], " ")})
	}
	data, err := r.Letter(l)
	if err != nil {
		t.Fatal(err)
	}
	conforms(t, data)
	keep(t, "din91379.pdf", data)
}

func keep(t *testing.T, name string, data []byte) {
	t.Helper()
	if dir := os.Getenv("MERCATOR_KEEP_PDF"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLongLetterAndFacts(t *testing.T) {
	r := renderer(t)
	l := permit()
	for range 12 {
		l.Body = append(l.Body, Block{Text: strings.Repeat("Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz und noch ein Wort. ", 8)},
			Block{Kind: Table, Facts: []Pair{{"Sehr lange Bezeichnung einer Angabe im Antrag", strings.Repeat("x", 300)}, {"leer", ""}}})
	}
	data, err := r.Letter(l)
	if err != nil {
		t.Fatal(err)
	}
	conforms(t, data)
	keep(t, "long.pdf", data)
	a := Sheet{Lang: "de", Title: "Kopie meiner Daten", Created: l.Created, Sender: l.Sender, Facts: []Pair{{"Stand", "2026-11-30"}}, PageOf: l.PageOf, Note: "Für Ihre Unterlagen."}
	for range 20 {
		a.Parts = append(a.Parts, SheetPart{Title: "Zur Person", Facts: []Pair{{"Vorname", "Ayşe"}, {"Anmerkung", "Zeile 1\nZeile 2 عربى"}}})
	}
	if data, err = r.Sheet(a); err != nil {
		t.Fatal(err)
	}
	conforms(t, data)
	keep(t, "facts.pdf", data)
}

func TestTooLargeIsRefused(t *testing.T) {
	r := renderer(t)
	for name, change := range map[string]func(*Letter){
		"a text without end":  func(l *Letter) { l.Body = []Block{{Text: strings.Repeat("a", 1<<20)}} },
		"too many blocks":     func(l *Letter) { l.Body = make([]Block, MaxBlocks+1) },
		"too many pages":      func(l *Letter) { l.Body = slices.Repeat([]Block{{Text: strings.Repeat("a ", MaxText)}}, 60) },
		"an address of seven": func(l *Letter) { l.To = make([]string, 7) },
		"a long QR code":      func(l *Letter) { l.Card.QR = strings.Repeat("a", 1000) },
	} {
		l := permit()
		change(&l)
		if _, err := r.Letter(l); err == nil {
			t.Errorf("%s was set", name)
		}
	}
}

func FuzzFont(f *testing.F) {
	f.Add(goregular.TTF[:2000])
	f.Add(goregular.TTF)
	f.Fuzz(func(t *testing.T, data []byte) {
		font, err := LoadFont(data)
		if err != nil {
			return
		}
		used := map[uint16]bool{}
		for _, r := range "Aäß?" {
			if g, ok := font.glyph(r); ok {
				used[g] = true
				font.box(g)
			}
		}
		if len(font.subset(used)) > maxFont*2 {
			t.Error("a subset larger than the font")
		}
	})
}

func FuzzText(f *testing.F) {
	f.Add("Ayşe Łukasiewicz-Ḩorváth K\u0315 \u00ad \xff", 10.0)
	r := renderer(f)
	f.Fuzz(func(t *testing.T, s string, w float64) {
		if w < 1 || w > 200 || len(s) > 2000 {
			return
		}
		r.faces[0].wrap(s, 10, w)
		l := Letter{Title: s, Subject: s, To: []string{s}}
		data, err := r.Letter(l)
		if err == nil && len(pdfacheck.Check(data)) > 0 {
			t.Errorf("%q: %v", s, pdfacheck.Check(data))
		}
	})
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
