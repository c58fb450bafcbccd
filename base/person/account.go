// SPDX-License-Identifier: EUPL-1.2

package person

import (
	"strings"
	"unicode"
)

// ibanLength is the length of an account number by country (ISO 13616 registry,
// countries of the SEPA area).
func ibanLength(country string) int {
	const table = "AD24AL28AT20BE16BG22CH21CY28CZ24DE22DK18EE20ES24FI18FR27GB22GI23GR27HR21HU28IE22IS26IT27" +
		"LI21LT20LU20LV21MC27MD24ME22MK19MT31NL18NO15PL28PT25RO24RS22SE24SI19SK24SM27TR26VA22"
	for i := 0; i < len(table); i += 4 {
		if table[i:i+2] == country {
			return int(table[i+2]-'0')*10 + int(table[i+3]-'0')
		}
	}
	return 0
}

// ParseIBAN takes an international account number with any spacing and gives it
// without. Length and check digits must be right.
func ParseIBAN(s string) (string, error) {
	if len(s) > 120 {
		return "", problem("person.iban.length", "country", "DE", "want", 22, "have", len(s))
	}
	var b strings.Builder
	for _, r := range strings.ToUpper(s) {
		switch {
		case r >= '0' && r <= '9', r >= 'A' && r <= 'Z':
			b.WriteRune(r)
		case unicode.IsSpace(r), r == '-', r == '.', r == ':', r == 0x200b, r == 0xfeff:
		default:
			return "", problem("person.iban.character", "character", printable(r))
		}
	}
	t := strings.TrimPrefix(b.String(), "IBAN")
	if t == "" {
		return "", nil
	}
	if len(t) < 4 || allDigits(t[:1]) || allDigits(t[1:2]) {
		return "", problem("person.iban.country")
	}
	want := ibanLength(t[:2])
	switch {
	case want == 0:
		return "", problem("person.iban.country")
	case len(t) != want:
		return "", problem("person.iban.length", "country", t[:2], "want", want, "have", len(t))
	}
	rest := 0
	for i := range len(t) {
		c := t[(i+4)%len(t)]
		if c >= 'A' {
			rest = (rest*100 + int(c-'A') + 10) % 97
		} else {
			rest = (rest*10 + int(c-'0')) % 97
		}
	}
	if rest != 1 || !allDigits(t[2:4]) {
		return "", problem("person.iban.check")
	}
	return t, nil
}

// FormatIBAN writes an account number in groups of four.
func FormatIBAN(s string) string {
	var b strings.Builder
	for i, r := range s {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// ParseTaxID takes the tax identification number of a person (§ 139b AO): eleven
// digits, the last of which checks the others (ISO 7064, MOD 11,10).
func ParseTaxID(s string) (string, error) {
	if len(s) > 80 {
		return "", problem("person.taxID.form")
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case unicode.IsSpace(r), r == '-', r == '/', r == '.':
		default:
			return "", problem("person.taxID.form")
		}
	}
	t := b.String()
	switch {
	case t == "":
		return "", nil
	case len(t) != 11 || t[0] == '0':
		return "", problem("person.taxID.form")
	}
	p := 10
	for i := range 10 {
		sum := (int(t[i]-'0') + p) % 10
		if sum == 0 {
			sum = 10
		}
		p = sum * 2 % 11
	}
	if check := (11 - p) % 10; check != int(t[10]-'0') {
		return "", problem("person.taxID.check")
	}
	return t, nil
}

// FormatTaxID writes a tax number as the letters of the tax office do: 12 345 678 901.
func FormatTaxID(s string) string {
	if len(s) != 11 {
		return s
	}
	return s[:2] + " " + s[2:5] + " " + s[5:8] + " " + s[8:]
}
