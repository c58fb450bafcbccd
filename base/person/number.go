// SPDX-License-Identifier: EUPL-1.2

package person

import (
	"math"
	"strconv"
	"strings"
	"unicode"
)

// ParseDecimal takes a number in the notations of German, Turkish and English
// ("1.234,50", "1,234.50", "1 234,5", "−3") and gives it with a point and without
// grouping ("1234.50"). One sign with exactly three digits after it ("1.234")
// groups thousands if lang writes it so, else it is the decimal sign.
func ParseDecimal(s, lang string) (string, error) {
	if len(s) > 80 {
		return "", problem("person.number.form")
	}
	var b strings.Builder
	for _, r := range strings.TrimSpace(s) {
		switch {
		case unicode.IsSpace(r), r == '\'', r == 0x2019: // grouping only
		case r == 0x2212, r == 0x2013:
			b.WriteByte('-')
		default:
			b.WriteRune(r)
		}
	}
	t := b.String()
	if t == "" {
		return "", nil
	}
	sign := ""
	switch t[0] {
	case '-':
		sign, t = "-", t[1:]
	case '+':
		t = t[1:]
	}
	dots, commas := strings.Count(t, "."), strings.Count(t, ",")
	group, decimal := ".", ","
	if lang == "en" {
		group, decimal = ",", "."
	}
	switch {
	case dots > 0 && commas > 0: // the last one is the decimal sign
		group, decimal = ".", ","
		if strings.LastIndex(t, ".") > strings.LastIndex(t, ",") {
			group, decimal = ",", "."
		}
	case dots+commas == 1 && strings.Contains(t, group):
		if whole, frac, _ := strings.Cut(t, group); len(frac) != 3 || whole == "0" || whole == "" || len(whole) > 3 {
			group, decimal = decimal, group
		}
	case dots > 1:
		group, decimal = ".", ","
	case commas > 1:
		group, decimal = ",", "."
	}
	whole, frac, hasFrac := strings.Cut(t, decimal)
	if strings.Contains(whole, group) {
		parts := strings.Split(whole, group)
		for i, p := range parts {
			if len(p) != 3 && (i > 0 || len(p) == 0 || len(p) > 3) {
				return "", problem("person.number.form")
			}
		}
		whole = strings.Join(parts, "")
	}
	if hasFrac && frac == "" {
		hasFrac = false
	}
	if whole == "" && hasFrac {
		whole = "0"
	}
	if !allDigits(whole) || hasFrac && !allDigits(frac) {
		return "", problem("person.number.form")
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if len(whole) > 15 || len(frac) > 15 {
		return "", problem("person.number.tooBig")
	}
	if hasFrac {
		whole += "." + frac
	}
	if sign != "" && strings.Trim(whole, "0.") == "" {
		sign = ""
	}
	return sign + whole, nil
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// ParseMoney takes an amount in euro ("1.234,50 €", "EUR 12,-", "12.5") and gives
// cents; ok is false for an empty text.
func ParseMoney(s, lang string) (cents int64, ok bool, err error) {
	if len(s) > 80 {
		return 0, false, problem("person.money.form")
	}
	t := strings.TrimSpace(s)
	for _, u := range [...]string{"€", "EUR", "Euro", "euro", "eur", "Eur", "EURO"} {
		t = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(t, u), u))
	}
	for _, z := range [...]string{",-", ",–", ",—", ".-", ".–", ",--"} {
		t = strings.TrimSuffix(t, z)
	}
	if t == "" {
		if strings.TrimSpace(s) != "" {
			return 0, false, problem("person.money.form")
		}
		return 0, false, nil
	}
	d, err := ParseDecimal(t, lang)
	if err != nil || d == "" {
		return 0, false, problem("person.money.form")
	}
	whole, frac, _ := strings.Cut(d, ".")
	if frac = strings.TrimRight(frac, "0"); len(frac) > 2 {
		return 0, false, problem("person.money.cents")
	}
	n, err := strconv.ParseInt(whole+(frac + "00")[:2], 10, 64)
	if err != nil || n > math.MaxInt64/2 || n < math.MinInt64/2 {
		return 0, false, problem("person.money.form")
	}
	return n, true, nil
}
