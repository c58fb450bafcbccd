// SPDX-License-Identifier: EUPL-1.2

package person_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mercator/base/person"
	"mercator/internal/suites"
)

func TestNamesSoundAsThePublishedRulesSay(t *testing.T) {
	for name, want := range map[string]string{
		"Wikipedia": "3412", "Müller-Lüdenscheidt": "65752682", "Breschnew": "17863", "Müller": "657", "Schmidt": "862",
		"Schneider": "8627", "Fischer": "387", "Weber": "317", "Wagner": "3467", "Becker": "147", "Hoffmann": "0366",
		"Schäfer": "837", "Mönchengladbach": "664645214", "Deutsch": "28", "Deutz": "28", "Hamburg": "06174", "Hannover": "0637",
		"Christstollen": "478256", "Xanthippe": "48621", "Zacharias": "8478", "Holzbau": "0581", "Matsch": "68", "Matz": "68",
		"Arbeitsamt": "071862", "Eberhard": "01772", "Eberhardt": "01772", "Celsius": "8588", "Ace": "08", "shch": "84", "xch": "484",
		"Heithabu": "021", "Pharma": "376", "Weiß": "38", "H": "", "": "", "123": "", "Łukasz": "548",
	} {
		if got := person.Phonetic(name); got != want {
			t.Errorf("%s sounds like %q, want %q", name, got, want)
		}
	}
	for _, alike := range []string{"Meier Maier Mayer Meyer Mayr", "Schmidt Schmitt Schmied SCHMIT", "Müller Mueller Miller Möller", "Philipp Filip", "Jansen Janßen Janzen"} {
		names := strings.Fields(alike)
		for _, n := range names {
			if person.Phonetic(n) != person.Phonetic(names[0]) {
				t.Errorf("%s is %s, %s is %s", n, person.Phonetic(n), names[0], person.Phonetic(names[0]))
			}
		}
	}
}

// Real family names, the odd ones too: how they are written (case, umlauts) doesn't change
// how they sound, and a code has only digits, the 0 only in front, none twice in a row.
func TestEveryFamilyNameHasOneSound(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(suites.Dir(t, "names_addresses", "familiennamen"), "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	n := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range strings.Split(string(text), "\n") {
			name = strings.TrimSpace(name)
			code := person.Phonetic(name)
			if code != person.Phonetic(strings.ToUpper(name)) || code != person.Phonetic(person.Fold(name)) {
				t.Errorf("%q sounds in three ways", name)
			}
			if strings.Trim(code, "012345678") != "" || strings.LastIndexByte(code, '0') > 0 {
				t.Errorf("%q has the code %q", name, code)
			}
			if code != "" {
				n++
			}
		}
	}
	if n < 3000 {
		t.Errorf("only %d names", n)
	}
}
