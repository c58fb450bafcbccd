// SPDX-License-Identifier: EUPL-1.2

package person

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// registerKinds are the registers that the courts keep (§ 3 HRV, § 10 GenG, § 55 BGB,
// § 3 PartGG, § 707 BGB): as people write them, and as they are written.
var registerKinds = [...][2]string{{"hrb", "HRB"}, {"hra", "HRA"}, {"gnr", "GnR"}, {"gsr", "GsR"}, {"vr", "VR"}, {"pr", "PR"}}

// ParseRegisterNumber takes the number under which a company, cooperative,
// partnership or association is registered, with the court ("HRB 12345, Amtsgericht
// Duisburg", "AG Duisburg hrb12345", "Duisburg HRB 12345 B"), and gives "Amtsgericht
// Duisburg, HRB 12345". Each court counts by itself: without it the number names nobody.
func ParseRegisterNumber(s string) (string, error) {
	s, err := ParseText(s, 120)
	if err != nil || s == "" {
		return "", err
	}
	var kind, digits, suffix string
	var court []string
	// Cut where letters and digits meet ("HRB12345"), and at white space and signs.
	var words []string
	last := rune(0)
	for _, r := range s {
		class := ' '
		switch {
		case unicode.IsDigit(r):
			class = '0'
		case unicode.IsLetter(r) || unicode.Is(unicode.Mn, r) || r == '-' || r == '.' && last == 'a' || r == '’' || r == '\'':
			class = 'a'
		}
		if class != ' ' && class == last {
			words[len(words)-1] += string(r)
		} else if class != ' ' {
			words = append(words, string(r))
		}
		last = class
	}
words:
	for _, w := range words {
		low := strings.ToLower(strings.Trim(w, ".-"))
		if low == "" || low == "nr" || low == "nummer" {
			continue
		}
		for _, k := range registerKinds {
			if low != k[0] {
				continue
			}
			if kind != "" { // two numbers in one field
				return "", problem("person.registerNumber.form")
			}
			kind = k[1]
			continue words
		}
		switch {
		case allDigits(w):
			if digits += w; suffix != "" || len(court) > 0 && kind == "" { // a second number, or one that no kind stands before
				return "", problem("person.registerNumber.form")
			}
		case digits != "" && suffix == "" && len(w) <= 2 && w == strings.ToUpper(w) && w != "AG": // HRB 12345 B
			suffix = w
		case low == "amtsgericht" || low == "ag" || low == "registergericht" || low == "handelsregister" || low == "vereinsregister" || low == "beim" || low == "des":
		default:
			if w == low && !strings.Contains(" am an der im in ob a. i. v. ", " "+w+" ") { // "duisburg"
				r, n := utf8.DecodeRuneInString(w)
				w = string(unicode.ToUpper(r)) + w[n:]
			}
			court = append(court, w)
		}
	}
	digits = strings.TrimLeft(digits, "0")
	switch {
	case kind == "" || digits == "" || len(digits) > 7:
		return "", problem("person.registerNumber.form")
	case len(court) == 0:
		return "", problem("person.registerNumber.court")
	}
	out := "Amtsgericht " + strings.Join(court, " ") + ", " + kind + " " + digits
	if suffix != "" {
		out += " " + suffix
	}
	return out, nil
}
