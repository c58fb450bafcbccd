// SPDX-License-Identifier: EUPL-1.2

package person

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxName bounds a name, in characters; the XÖV name types take no more.
const MaxName = 120

// ParseName takes the name of a natural person: every letter of DIN 91379 and the
// signs of its group N1, in normalisation form C, with single spaces. A name that
// was typed with other quotation marks or dashes is put right instead of refused.
func ParseName(s string) (string, error) { return latin(s, MaxName, nameSigns) }

// ParseText takes one line of the wider kind of name: a street, a place, a company.
func ParseText(s string, maxRunes int) (string, error) {
	return latin(s, maxRunes, nameSigns, textSigns)
}

func latin(s string, maxRunes int, signs ...*unicode.RangeTable) (string, error) {
	// Bounded before it is normalised: a letter of the norm has at most three code points.
	if len(s) > maxRunes*12 {
		return "", problem("person.tooLong", "max", maxRunes)
	}
	if !utf8.ValidString(s) {
		return "", problem("person.encoding")
	}
	s = tidy(norm.NFC.String(s))
	if utf8.RuneCountInString(s) > maxRunes {
		return "", problem("person.tooLong", "max", maxRunes)
	}
	for i := 0; i < len(s); {
		if n := sequence(s[i:]); n > 0 {
			i += n
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if !unicode.Is(letters, r) && !unicode.In(r, signs...) {
			if unicode.IsGraphic(r) && !unicode.Is(unicode.Mn, r) {
				return "", problem("person.character", "character", string(r))
			}
			return "", problem("person.invisible")
		}
		i += n
	}
	if s != "" && !strings.ContainsFunc(s, unicode.IsLetter) && len(signs) == 1 {
		return "", problem("person.name.noLetter")
	}
	return s, nil
}

// sequence is the length of the combined letter that s begins with, 0 if none.
func sequence(s string) int {
	// All sequences have a mark (or a letter for K͟H) as second code point; most
	// text is decided by that.
	_, n := utf8.DecodeRuneInString(s)
	r, _ := utf8.DecodeRuneInString(s[n:])
	if r < 0x300 || r > 0x36f {
		return 0
	}
	best := 0
	for _, q := range sequences {
		if len(q) > best && strings.HasPrefix(s, q) {
			best = len(q)
		}
	}
	return best
}

// tidy makes single spaces of any white space, and puts right what keyboards and
// word processors make of an apostrophe or a hyphen.
func tidy(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case r == 0x200b, r == 0xfeff, r == 0xad, r == 0x2060: // invisible, come along with copied text
			continue
		case r == 0x2010, r == 0x2011, r == 0x2012, r == 0x2013, r == 0x2212:
			r = '-'
		case r == 0x2018, r == 0x201b:
			r = 0x2019
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Fold is the form of a name that is searched and compared: lower case, without
// marks, umlauts and ß written out, signs left out. "Müller-Çelik" and "mueller celik" are equal.
func Fold(s string) string {
	if len(s) > 4096 {
		s = s[:4096]
	}
	var b strings.Builder
	space := false
	put := func(t string) {
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteString(t)
	}
	for _, r := range norm.NFC.String(s) {
		r = unicode.ToLower(r)
		switch r {
		case 'ä', 'æ':
			put("ae")
			continue
		case 'ö', 'ø', 'œ':
			put("oe")
			continue
		case 'ü':
			put("ue")
			continue
		case 'ß', 'ẞ':
			put("ss")
			continue
		case 'þ':
			put("th")
			continue
		case 'ð', 'đ':
			put("d")
			continue
		case 'ł':
			put("l")
			continue
		case 'ı', 'ɨ':
			put("i")
			continue
		case 'ħ':
			put("h")
			continue
		case 'ŋ':
			put("n")
			continue
		case 'ŧ':
			put("t")
			continue
		case 'ə', 'ǝ':
			put("e")
			continue
		case 'ʒ':
			put("z")
			continue
		case 'ĸ':
			put("k")
			continue
		}
		if r > 0x7f {
			for _, d := range norm.NFD.String(string(r)) {
				switch {
				case unicode.Is(unicode.Mn, d):
				case unicode.IsLetter(d) || unicode.IsDigit(d):
					put(string(unicode.ToLower(d)))
				case r != 0x2019 && r != 0xb4:
					space = true
				}
			}
			continue
		}
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			put(string(r))
		case r != '\'':
			space = true
		}
	}
	return b.String()
}

// ParseStreet takes the name of a street; "str." at its end is written out, as the
// registers do.
func ParseStreet(s string) (string, error) {
	s, err := ParseText(s, 55) // String.Latin length of the address types of XInneres
	if err != nil {
		return "", err
	}
	for _, a := range [...][2]string{{"str.", "straße"}, {"Str.", "Straße"}} {
		if rest, ok := strings.CutSuffix(s, a[0]); ok {
			return rest + a[1], nil
		}
	}
	return s, nil
}

// ParseHouseNumber takes "12a", "12 A", "12 - 14" and gives "12a", "12-14".
func ParseHouseNumber(s string) (string, error) {
	s, err := ParseText(s, 20)
	if err != nil || s == "" {
		return s, err
	}
	s = strings.ToLower(strings.ReplaceAll(s, " ", ""))
	if s[0] < '1' || s[0] > '9' {
		return "", problem("person.houseNumber")
	}
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') && r != '-' && r != '/' && r != '.' && r != '½' && r != ',' {
			return "", problem("person.houseNumber")
		}
	}
	return s, nil
}
