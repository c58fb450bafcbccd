// SPDX-License-Identifier: EUPL-1.2

package catalogue_test

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"mercator/domain/catalogue"
)

// names reads a list of names of services, one a line.
func names(t testing.TB, file string) []catalogue.Doc {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []catalogue.Doc
	for s := bufio.NewScanner(f); s.Scan(); {
		if line := s.Text(); !strings.HasPrefix(line, "#") {
			out = append(out, catalogue.Doc{ID: line, Texts: []catalogue.DocText{{Kind: catalogue.Title, Text: line}}})
		}
	}
	return out
}

// own are the services of content/services, read without their forms.
func own(t testing.TB) []catalogue.Doc {
	t.Helper()
	var out []catalogue.Doc
	for _, id := range []string{"resident-parking-permit", "business-registration"} {
		var s struct {
			Synonyms       []string
			Title, Summary map[string]string
		}
		if _, err := toml.DecodeFile("../../content/services/"+id+"/service.toml", &s); err != nil {
			t.Fatal(err)
		}
		d := catalogue.Doc{ID: id}
		for _, t := range s.Title {
			d.Texts = append(d.Texts, catalogue.DocText{Kind: catalogue.Title, Text: t})
		}
		for _, t := range s.Synonyms {
			d.Texts = append(d.Texts, catalogue.DocText{Kind: catalogue.Synonym, Text: t})
		}
		for _, t := range s.Summary {
			d.Texts = append(d.Texts, catalogue.DocText{Kind: catalogue.Body, Text: t})
		}
		out = append(out, d)
	}
	return out
}

// realServices are 560 services of Berlin, 294 of the national list, and our own.
func realServices(t testing.TB) []catalogue.Doc {
	docs := append(names(t, "testdata/services_berlin.txt"), names(t, "testdata/services_leika.txt")...)
	return append(docs, own(t)...)
}

func top(hits []catalogue.Hit, n int) (out []string) {
	for _, h := range hits[:min(n, len(hits))] {
		out = append(out, fmt.Sprintf("%.2f %s", h.Score, h.ID))
	}
	return out
}

func TestOurServicesAreFoundByWhatPeopleCallThem(t *testing.T) {
	// Berlin's and the national list's entries of the same two services are left out.
	docs := slices.DeleteFunc(realServices(t), func(d catalogue.Doc) bool {
		return strings.Contains(d.ID, "ewohnerparkausweis") || strings.HasPrefix(d.ID, "Gewerbe - Anmeldung") || strings.HasPrefix(d.ID, "Gewerbe Anmeldung")
	})
	x := catalogue.NewIndex(docs)
	for want, queries := range map[string][]string{
		"resident-parking-permit": {
			"Bewohnerparkausweis", "bewohnerparkausweiss", "Bewonerparkausweis", "bewohner parkausweis", "Bewohner-Park-Ausweis",
			"Anwohnerparken", "anwohnerparkn", "Anwohner parken", "ANWOHNERPARKAUSWEIS", "parkausweis", "Park Ausweis", "parkausweiss", "pakrausweis",
			"Parkplatz vor der Tür", "parkplatz vor der tuer", "Parkplatz vor dem Haus", "parken vor dem haus", "Parkberechtigung für Bewohner",
			"Parkplakette", "Parkausweis für Anwohner beantragen", "Wo kann ich einen Anwohnerparkausweis beantragen?",
			"Anwohnerparkplätze", "Bewohnerparkzone",
			"resident parking", "parking permit", "residents parking", "park outside my house", "resident parkng permit",
			"park izni", "park kartı", "park karti", "PARK İZNİ", "otopark izni", "mahalle sakini park kartı",
		},
		"business-registration": {
			"Gewerbeanmeldung", "gewerbeanmeldug", "gewerbe anmelden", "Gewerbe anmelden", "firma gründen", "selbstständig machen", "ich will mich selbständig machen", "Gewerbeschein", "register a business", "business registration", "trade licence", "işyeri kaydı",
		},
	} {
		for _, q := range queries {
			if hits := x.Search(q, 10); len(hits) == 0 || hits[0].ID != want {
				t.Errorf("%q finds %v, want %s first", q, top(hits, 3), want)
			}
		}
	}
}

// A city that offers two services doesn't answer with them to every question.
func TestWhatTheCityDoesNotOfferIsNotFound(t *testing.T) {
	x := catalogue.NewIndex(own(t))
	for _, q := range []string{"Personalausweis beantragen", "Hund anmelden", "Führerschein verlängern", "Geburtsurkunde", "Wohngeld", "Sperrmüll",
		"Reisepass", "Hochzeit", "dog licence", "Kita Platz", "pasaport", "Fischereischein", "Baugenehmigung"} {
		if hits := x.Search(q, 5); len(hits) > 0 {
			t.Errorf("%q finds %v", q, top(hits, 2))
		}
	}
	for q, want := range map[string]string{"Gewerbe anmelden": "business-registration", "gewrbe anmelden": "business-registration", "anmelden Gewerbe online": "business-registration",
		"Parkplatz reservieren": "resident-parking-permit", "Anwohnerparkausweis verlängern": "resident-parking-permit", "parken": "resident-parking-permit",
		"neuer Parkausweis": "resident-parking-permit", "park": "resident-parking-permit", "parking": "resident-parking-permit"} {
		if hits := x.Search(q, 5); len(hits) == 0 || hits[0].ID != want {
			t.Errorf("%q finds %v, want %s", q, top(hits, 2), want)
		}
	}
}

func TestRealServicesAreFound(t *testing.T) {
	docs := append(names(t, "testdata/services_berlin.txt"), names(t, "testdata/services_leika.txt")...)
	x := catalogue.NewIndex(docs)
	first := 0
	cases := []struct{ query, want string }{ // want: how the name begins
		{"Anwohnerparkausweis", "Anwohner -/Bewohnerparkausweis - Antragstellung/ Umschreibung/Verlängerung"},
		{"bewohnerparkausweiss", "Anwohner -/Bewohnerparkausweis - Antragstellung/ Umschreibung/Verlängerung"},
		{"gewerbe anmelden", "Gewerbe - Anmeldung"},
		{"Gewerbeanmeldung", "Gewerbe - Anmeldung"},
		{"gewerbanmeldung", "Gewerbe - Anmeldung"},
		{"gewerbe abmelden", "Gewerbe - Abmeldung"},
		{"Gewerbeummeldung", "Gewerbe - Ummeldung"},
		{"Personalausweis", "Personalausweis beantragen"},
		{"personalausweiss beantragen", "Personalausweis beantragen"},
		{"perso", "Personalausweis beantragen"},
		{"Reisepass", "Reisepass beantragen"},
		{"reisepas beantragn", "Reisepass beantragen"},
		{"Reisepass verloren", "Reisepassverlust"},
		{"Kinderreisepass", "Kinderreisepass beantragen / verlängern / aktualisieren"},
		{"Führungszeugnis", "Führungszeugnis"},
		{"fuehrungszeugnis", "Führungszeugnis"},
		{"Fuhrungszeugnis", "Führungszeugnis"},
		{"polizeiliches führungszeugniss", "Führungszeugnis"},
		{"wohnung anmelden", "Anmeldung einer Wohnung"},
		{"Wohnung abmelden", "Abmeldung einer Wohnung"},
		{"Hund anmelden", "Hund anmelden"},
		{"hundesteuer", "Hundesteuer - Hund abmelden"},
		{"Hunde abmelden", "Hundesteuer - Hund abmelden"},
		{"Elterngeld", "Elterngeld"},
		{"elternegld", "Elterngeld"},
		{"Geburtsurkunde", "Geburtsurkunde – Ausstellung"},
		{"Gebursturkunde", "Geburtsurkunde – Ausstellung"},
		{"Kita Gutschein", "Kita-Gutschein"},
		{"kitagutschein", "Kita-Gutschein"},
		{"internationaler Führerschein", "Internationaler Führerschein"},
		{"Führerschein verloren", "Ersatzführerschein nach Verlust/Diebstahl"},
		{"Saisonkennzeichen", "Saisonkennzeichen für KFZ beantragen"},
		{"Wunschkennzeichen", "Kraftfahrzeugkennzeichen auf Wunsch ändern"},
		{"Kennzeichen reservieren", "Kraftfahrzeugkennzeichen reservieren"},
		{"Sperrmüll", "Sperrmüll (illegal) - Entsorgung"},
		{"Fundbüro", "Fundsachen"},
		{"fundsachen", "Fundsachen"},
		{"Wohngeld", "Wohngeld"},
		{"Meldebescheinigung", "Meldebescheinigung beantragen"},
		{"Schwerbehindertenausweis", "Schwerbehindertenausweis"},
		{"Schwerbehinderten Parkausweis", "Parkausweis für Schwerbehinderte Ausstellung"},
		{"Handwerker Parkausweis", "Handwerkerparkausweis - Ausnahmegenehmigung Parken für Handwerksbetriebe"},
		{"Zweitwohnungssteuer", "Zweitwohnungsteuer - Festsetzung"},
		{"heiraten", "Eheschließung"},
		{"Auto Kennzeichen gestohlen", "Kraftfahrzeugkennzeichen wegen Diebstahl ersetzen"},
	}
	in3 := 0
	asked := 0
	for _, c := range cases {
		hits := x.Search(c.query, 20)
		asked++
		place := -1
		for i, h := range hits {
			if strings.HasPrefix(h.ID, c.want) {
				place = i
				break
			}
		}
		if place == 0 {
			first++
		}
		if place >= 0 && place < 3 {
			in3++
		} else {
			t.Errorf("%q: %q is at place %d behind %q", c.query, c.want, place+1, top(hits, 4))
		}
	}
	t.Logf("%d of %d first, %d among the first three, in %d services", first, asked, in3, len(docs))
	if first*100 < asked*75 {
		t.Errorf("only %d of %d are first", first, asked)
	}
}

// Every service is found by its own name, and by it with one slip in its longest word.
func TestEveryServiceIsFoundByItsNameInSpiteOfASlip(t *testing.T) {
	docs := realServices(t)
	x := catalogue.NewIndex(docs)
	found, slipped, total := 0, 0, 0
	for i, d := range docs {
		name := d.Texts[0].Text
		total++
		if in(x.Search(name, 5), d.ID) {
			found++
		}
		words := strings.Fields(name)
		long := 0
		for j := range words {
			if len(words[j]) > len(words[long]) {
				long = j
			}
		}
		r := []rune(words[long])
		if len(r) < 5 {
			slipped++
			continue
		}
		k := 1 + i%(len(r)-3)
		r[k], r[k+1] = r[k+1], r[k]
		words[long] = string(r)
		if in(x.Search(strings.Join(words, " "), 5), d.ID) {
			slipped++
		}
	}
	t.Logf("%d services: %d by name, %d with a slip", total, found, slipped)
	if found*100 < total*99 || slipped*100 < total*95 {
		t.Errorf("of %d services %d are found by name and %d with a slip", total, found, slipped)
	}
}

func in(hits []catalogue.Hit, id string) bool {
	for _, h := range hits {
		if h.ID == id {
			return true
		}
	}
	return false
}

func TestNonsenseFindsNothing(t *testing.T) {
	x := catalogue.NewIndex(realServices(t))
	for _, q := range []string{"", "   ", "xyzzyqwrt", "%", "' OR 1=1 --", "der die das ???", "日本語", "\x00\xff", "zzzzzzzzzzzzzzzz"} {
		if hits := x.Search(q, 5); len(hits) > 0 {
			t.Errorf("%q finds %v", q, top(hits, 3))
		}
	}
	if hits := catalogue.NewIndex(nil).Search("parken", 5); len(hits) != 0 {
		t.Errorf("an empty index finds %v", hits)
	}
}

func FuzzSearch(f *testing.F) {
	x := catalogue.NewIndex(realServices(f))
	for _, q := range []string{"Bewohnerparkausweis", "park ausweis", "a b c d e f g h i j k l m n o p", strings.Repeat("parkausweis", 30), "\xff", "İIıi"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, q string) {
		hits := x.Search(q, 10)
		if len(hits) > 10 {
			t.Fatalf("%d hits", len(hits))
		}
		for i, h := range hits {
			if h.Score <= 0 || h.Score > 1.01 || i > 0 && h.Score > hits[i-1].Score {
				t.Fatalf("%q: scores %v", q, hits)
			}
		}
	})
}

func BenchmarkSearch(b *testing.B) {
	x := catalogue.NewIndex(realServices(b))
	for _, q := range []string{"parkausweis", "bewonerparkausweiss", "Wo kann ich einen Anwohnerparkausweis beantragen?"} {
		b.Run(q, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				x.Search(q, 20)
			}
		})
	}
}

func BenchmarkNewIndex(b *testing.B) {
	docs := realServices(b)
	for b.Loop() {
		catalogue.NewIndex(docs)
	}
}
