// SPDX-License-Identifier: EUPL-1.2

package person

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// ParsePhone takes a phone number in any usual writing ("0203 / 283-0",
// "+49 (0)203 2830", "0049 203 2830") and gives it in the international form
// E.164. A number without a country is a German one; it needs its area code.
func ParsePhone(s string) (string, error) {
	if len(s) > 80 {
		return "", problem("person.phone.form")
	}
	t := strings.ReplaceAll(strings.TrimSpace(s), "(0)", "")
	var b strings.Builder
	for i, r := range t {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == '+' && (i == 0 || b.Len() == 0):
			b.WriteString("00")
		case unicode.IsSpace(r), r == '-', r == '/', r == '(', r == ')', r == '.', r == 0x2013, r == 0x2011:
		default:
			return "", problem("person.phone.form")
		}
	}
	d := b.String()
	switch {
	case d == "" && t == "":
		return "", nil
	case strings.HasPrefix(d, "00"):
		d = d[2:]
		d = strings.TrimPrefix(d, "00") // "+00 49"
		if rest, ok := strings.CutPrefix(d, "490"); ok {
			if strings.HasPrefix(rest, "0") { // no area code begins with it
				return "", problem("person.phone.form")
			}
			d = "49" + rest
		}
	case strings.HasPrefix(d, "0"):
		d = "49" + d[1:]
	default:
		return "", problem("person.phone.areaCode")
	}
	if len(d) < 7 || len(d) > 15 || d[0] == '0' {
		return "", problem("person.phone.form")
	}
	return "+" + d, nil
}

// FormatPhone sets the country code of a number apart.
func FormatPhone(s string) string {
	for _, c := range [...]string{"+49", "+90", "+31", "+32", "+33", "+43", "+41", "+48", "+44", "+39", "+34"} {
		if rest, ok := strings.CutPrefix(s, c); ok {
			return c + " " + rest
		}
	}
	return s
}

// ParseEmail takes an e-mail address as people have them: no quoted local parts,
// no address literals. The domain is stored in lower case.
func ParseEmail(s string) (string, error) {
	if len(s) > 1000 {
		return "", problem("person.email.form")
	}
	s = strings.TrimSpace(s)
	s = strings.TrimPrefix(strings.TrimPrefix(s, "mailto:"), "<")
	s = strings.TrimSuffix(s, ">")
	if s == "" {
		return "", nil
	}
	local, domain, ok := strings.Cut(s, "@")
	switch {
	case !ok:
		return "", problem("person.email.at")
	case strings.Contains(domain, "@") || local == "" || len(local) > 64 || !utf8.ValidString(s):
		return "", problem("person.email.form")
	}
	if local[0] == '.' || local[len(local)-1] == '.' || strings.Contains(local, "..") {
		return "", problem("person.email.form")
	}
	for _, r := range local {
		if r < 0x80 && !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~.", r) ||
			r >= 0x80 && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return "", problem("person.email.form")
		}
	}
	ascii, err := idna.Lookup.ToASCII(strings.ToLower(domain))
	if err != nil || len(local)+1+len(ascii) > 254 {
		return "", problem("person.email.domain")
	}
	labels := strings.Split(ascii, ".")
	if len(labels) < 2 {
		return "", problem("person.email.domain")
	}
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
			return "", problem("person.email.domain")
		}
		for i := range len(l) {
			if c := l[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return "", problem("person.email.domain")
			}
		}
	}
	if tld := labels[len(labels)-1]; len(tld) < 2 || allDigits(tld) {
		return "", problem("person.email.domain")
	}
	return local + "@" + strings.ToLower(domain), nil
}

// ParsePostcode takes a German postcode: five digits, "D-" before it left out.
func ParsePostcode(s string) (string, error) {
	if len(s) > 40 {
		return "", problem("person.postcode")
	}
	t := strings.ToUpper(strings.Join(strings.Fields(s), ""))
	t = strings.TrimPrefix(strings.TrimPrefix(t, "DE-"), "D-")
	if t == "" {
		return "", nil
	}
	if len(t) != 5 || !allDigits(t) || t[:2] == "00" {
		return "", problem("person.postcode")
	}
	return t, nil
}
