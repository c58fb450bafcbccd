// SPDX-License-Identifier: EUPL-1.2

package person

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// State is a state that somebody can be a national of. Two entries are none: "XA"
// (staatenlos) and "XX" (ungeklärt), as the registers have them.
type State struct {
	Code   string // ISO 3166-1, two letters: what is stored
	Alpha3 string // as passports have it
	Key    string // of the Staats- und Gebietssystematik, as XÖV messages have it
	Names  map[string]string
	words  map[string]bool // what people write for it, folded
}

//go:embed states.tsv
var statesFile string

// states is read when somebody first asks for it.
var states = sync.OnceValue(func() []State {
	var out []State
	for line := range strings.Lines(statesFile) {
		c := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(c) < 7 {
			continue // the head
		}
		s := State{Code: c[0], Alpha3: c[1], Key: c[2], Names: map[string]string{"de": c[3], "en": c[5], "tr": c[6]}, words: map[string]bool{}}
		for _, w := range []string{c[0], c[1], c[3], c[5], c[6]} {
			s.words[Fold(w)] = true
		}
		for _, w := range strings.Split(c[4], "/") {
			for _, end := range [...]string{"", "e", "er", "es"} { // "deutsche", "Deutscher"
				s.words[Fold(w)+end] = true
			}
		}
		if len(c) > 7 {
			for _, w := range strings.Split(c[7], "/") {
				s.words[Fold(w)] = true
			}
		}
		out = append(out, s)
	}
	return out
})

// Name is the state's name in a language, else in German.
func (s State) Name(lang string) string {
	if n := s.Names[lang]; n != "" {
		return n
	}
	return s.Names["de"]
}

// States are all states, sorted by their names in the language; what is no state stands last.
func States(lang string) []State {
	out := slices.Clone(states())
	fold := make(map[string]string, len(out))
	for _, s := range out {
		fold[s.Code] = Fold(s.Name(lang))
		if s.Code == "XA" || s.Code == "XX" {
			fold[s.Code] = "zzz " + fold[s.Code]
		}
	}
	slices.SortFunc(out, func(a, b State) int { return strings.Compare(fold[a.Code], fold[b.Code]) })
	return out
}

// StateOf finds a state by its code of two letters.
func StateOf(code string) (State, bool) {
	for _, s := range states() {
		if s.Code == code {
			return s, true
		}
	}
	return State{}, false
}

// ParseNationality takes a nationality as people write it ("deutsch", "türkische", "Türkei",
// "Turkey", "TR", "TUR") and gives the code of the state.
func ParseNationality(s string) (string, error) {
	if len(s) > 200 {
		return "", problem("person.nationality")
	}
	if !utf8.ValidString(s) {
		return "", problem("person.encoding")
	}
	want := Fold(s)
	if want == "" {
		if strings.TrimSpace(s) != "" {
			return "", problem("person.nationality")
		}
		return "", nil
	}
	// "Deutscher", "türkische Staatsangehörigkeit": what it ends in says nothing.
	for _, w := range [...]string{" staatsangehoerigkeit", " staatsbuergerschaft", " staatsangehoeriger", " staatsangehoerige"} {
		want = strings.TrimSuffix(want, w)
	}
	for _, st := range states() {
		if st.words[want] {
			return st.Code, nil
		}
	}
	return "", problem("person.nationality")
}

// FormatNationality is the name of the state in the reader's language.
func FormatNationality(code, lang string) string {
	if s, ok := StateOf(code); ok {
		return s.Name(lang)
	}
	return code
}
