// SPDX-License-Identifier: EUPL-1.2

package catalogue

import (
	"strings"
	"testing"

	"mercator/base/person"
)

// The word lists hold words as they are looked up: folded, and stems as stems.
func TestTheWordListsAreInTheFormThatIsLookedUp(t *testing.T) {
	for _, list := range []string{stopwords, parts} {
		for _, w := range strings.Fields(list) {
			if person.Fold(w) != w {
				t.Errorf("%q is looked up as %q", w, person.Fold(w))
			}
		}
	}
	for _, w := range strings.Fields("Anmelden Anmeldung Ummeldung ändern Änderung verlängern Ausweis Schein Karte Formular Termin dringend Stadt Bescheinigung Urkunde licence permit başvuru bezahlen") {
		if !weak(person.Fold(w)) {
			t.Errorf("%q is weak, its stem is %q", w, stem(person.Fold(w)))
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(everyday), "\n") {
		w, rest, ok := strings.Cut(line, "=")
		if !ok || person.Fold(w) != w || person.Fold(rest) != rest || len(aliases(w)) == 0 {
			t.Errorf("alias %q", line)
		}
	}
}

func TestFormsOfAWordMeet(t *testing.T) {
	for _, group := range []string{"anmelden anmeldung anmeldungen anmelde", "ausweis ausweise ausweisen", "gewerbe gewerbes", "parken park parkt parking", "permit permits"} {
		words := strings.Fields(group)
		for _, w := range words[1:] {
			if stem(w) != stem(words[0]) {
				t.Errorf("%s: %s, but %s: %s", words[0], stem(words[0]), w, stem(w))
			}
		}
	}
}

func TestCompoundsAreCutWhereTheyJoin(t *testing.T) {
	x := NewIndex(nil)
	for w, want := range map[string]string{
		"anwohnerparkplatz": "anwohner parkplatz", "bewohnerparkausweis": "bewohner park ausweis", "gewerbeanmeldung": "gewerbe anmeldung",
		"geburtsurkunde": "geburt urkunde", "hundesteuer": "hunde steuer", "strassenverkehrsamt": "strass verkehr amt", "parken": "", "xyzzyqwert": "",
	} {
		if got := strings.Join(x.split(w), " "); got != want {
			t.Errorf("%s: %q, want %q", w, got, want)
		}
	}
}

func TestDistanceCountsSlips(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"parken", "parken", 0}, {"parken", "praken", 1}, {"parken", "parkn", 1}, {"parken", "parkken", 1}, {"parken", "packen", 1}, {"parken", "pakern", 2}, {"parken", "hund", 3}, {"", "ab", 2}} {
		if got := distance(c.a, c.b, 2); got != c.want {
			t.Errorf("%s %s: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
