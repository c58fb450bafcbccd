// SPDX-License-Identifier: EUPL-1.2

package person

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// ParsePlate takes a German number plate in any usual writing ("du ab 123",
// "DU-AB123E", "DU:AB-123") and gives "DU-AB 123" or "DU-AB 123E". Without a sign
// between them it can't be told which letters name the town; home lists the codes
// that are then tried first. What stays unclear is asked, not guessed.
func ParsePlate(s string, home ...string) (string, error) {
	if len(s) > 60 {
		return "", problem("person.plate.form")
	}
	s = strings.TrimSpace(strings.ToUpper(norm.NFC.String(s)))
	if s == "" {
		return "", nil
	}
	// Cut into runs of letters and digits; whatever stands between them separates.
	var runs []string
	last := rune(0)
	for _, r := range s {
		kind := rune(0)
		switch {
		case r >= '0' && r <= '9':
			kind = '0'
		case r >= 'A' && r <= 'Z', r == 'Ä', r == 'Ö', r == 'Ü':
			kind = 'A'
		case r == '-', r == ':', r == '.', r == '·', r == '/', r == '*', r == '–', r == '‑', unicode.IsSpace(r):
		default:
			return "", problem("person.plate.character", "character", printable(r))
		}
		if kind != 0 && kind == last {
			runs[len(runs)-1] += string(r)
		} else if kind != 0 {
			runs = append(runs, string(r))
		}
		last = kind
	}
	var area, mid, digits, suffix string
	switch {
	case len(runs) > 0 && len(runs[len(runs)-1]) == 1 && (runs[len(runs)-1] == "E" || runs[len(runs)-1] == "H") && len(runs) >= 3:
		suffix = runs[len(runs)-1]
		runs = runs[:len(runs)-1]
	}
	switch {
	case len(runs) == 3 && isDigits(runs[2]) && !isDigits(runs[1]) && !isDigits(runs[0]):
		area, mid, digits = runs[0], runs[1], runs[2]
	case len(runs) == 2 && isDigits(runs[1]) && !isDigits(runs[0]):
		digits = runs[1]
		var err error
		if area, mid, err = splitPlate([]rune(runs[0]), home); err != nil {
			return "", err
		}
	default:
		return "", problem("person.plate.form")
	}
	na, nm := len([]rune(area)), len([]rune(mid))
	switch {
	case na > 3 || nm > 2 || len(mid) != nm || len(digits) > 4: // umlauts name towns, but never follow
		return "", problem("person.plate.form")
	case digits[0] == '0':
		return "", problem("person.plate.zero")
	case na+nm+len(digits)+len(suffix) > 8: // FZV annex 4: eight signs in all
		return "", problem("person.plate.tooLong")
	}
	return area + "-" + mid + " " + digits + suffix, nil
}

func isDigits(s string) bool { return s[0] >= '0' && s[0] <= '9' }

func splitPlate(l []rune, home []string) (area, mid string, err error) {
	n := len(l)
	for _, h := range home {
		h := []rune(strings.ToUpper(h))
		if rest := n - len(h); rest >= 1 && rest <= 2 && string(l[:len(h)]) == string(h) {
			return string(h), string(l[len(h):]), nil
		}
	}
	switch n {
	case 2:
		return string(l[:1]), string(l[1:]), nil
	case 5:
		return string(l[:3]), string(l[3:]), nil
	case 3, 4:
		return "", "", problem("person.plate.unclear")
	}
	return "", "", problem("person.plate.form")
}

func printable(r rune) string {
	if unicode.IsGraphic(r) && !unicode.Is(unicode.Mn, r) {
		return string(r)
	}
	return "�"
}
