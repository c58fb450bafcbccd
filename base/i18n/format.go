// SPDX-License-Identifier: EUPL-1.2

package i18n

import (
	"strconv"
	"strings"
	"time"
)

// format is how a language writes, after CLDR 47.
type format struct {
	group, decimal string
	months         [12]string
	monthsShort    [12]string
	weekdays       [7]string // Sunday first, as time.Weekday
	date           string    // {d} {dd} {mm} {month} {mon} {y}
	dateLong       string
	money          string // {n}
	clock          string // appended to a time
	dateTimeJoin   string
	percent        string
}

func formatOf(lang string) format {
	switch {
	case lang == "en":
		return format{
			group: ",", decimal: ".",
			months:      [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
			monthsShort: [12]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec"},
			weekdays:    [7]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
			// The month by name: 03/04 means two different days to two readers of English.
			date: "{d} {mon} {y}", dateLong: "{d} {month} {y}", money: "€{n}", dateTimeJoin: ", ", percent: "{n}%",
		}
	case lang == "tr":
		return format{
			group: ".", decimal: ",",
			months:      [12]string{"Ocak", "Şubat", "Mart", "Nisan", "Mayıs", "Haziran", "Temmuz", "Ağustos", "Eylül", "Ekim", "Kasım", "Aralık"},
			monthsShort: [12]string{"Oca", "Şub", "Mar", "Nis", "May", "Haz", "Tem", "Ağu", "Eyl", "Eki", "Kas", "Ara"},
			weekdays:    [7]string{"Pazar", "Pazartesi", "Salı", "Çarşamba", "Perşembe", "Cuma", "Cumartesi"},
			date:        "{dd}.{mm}.{y}", dateLong: "{d} {month} {y}", money: "€{n}", dateTimeJoin: " ", percent: "%{n}",
		}
	}
	return format{
		group: ".", decimal: ",",
		months:      [12]string{"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"},
		monthsShort: [12]string{"Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez."},
		weekdays:    [7]string{"Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"},
		date:        "{dd}.{mm}.{y}", dateLong: "{d}. {month} {y}", money: "{n}\u00a0€", clock: "\u00a0Uhr", dateTimeJoin: ", ", percent: "{n}\u00a0%",
	}
}

// Date writes a day in short: 23.11.2026, 23 Nov 2026. It takes a time.Time, a
// text YYYY-MM-DD, or anything whose String is one (a legal date); what is no
// date is returned as text, an empty one as "".
func (l *Localizer) Date(v any) string { return l.date(l.format.date, v) }

// DateLong writes a day with the month's name: 23. November 2026.
func (l *Localizer) DateLong(v any) string { return l.date(l.format.dateLong, v) }

// Weekday is the day's name: Montag.
func (l *Localizer) Weekday(v any) string {
	d, ok := dayOf(v)
	if !ok {
		return ""
	}
	return l.format.weekdays[d.Weekday()]
}

// Month is the name of a month, 1 to 12.
func (l *Localizer) Month(m int) string {
	if m < 1 || m > 12 {
		return ""
	}
	return l.format.months[m-1]
}

// Time writes a time of day: 14:05 Uhr. The caller chooses the time zone.
func (l *Localizer) Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("15:04") + l.format.clock
}

// DateTime writes an instant: 23.11.2026, 14:05 Uhr.
func (l *Localizer) DateTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return l.Date(t) + l.format.dateTimeJoin + l.Time(t)
}

func (l *Localizer) date(pattern string, v any) string {
	d, ok := dayOf(v)
	if !ok {
		return textOf(v)
	}
	y, m, day := d.Date()
	r := strings.NewReplacer("{dd}", pad2(day), "{d}", strconv.Itoa(day), "{mm}", pad2(int(m)),
		"{month}", l.format.months[m-1], "{mon}", l.format.monthsShort[m-1], "{y}", strconv.Itoa(y))
	return r.Replace(pattern)
}

func dayOf(v any) (time.Time, bool) {
	if t, ok := v.(time.Time); ok {
		return t, !t.IsZero()
	}
	t, err := time.Parse(time.DateOnly, textOf(v))
	return t, err == nil
}

func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case time.Time: // only the zero time gets here
		return ""
	case interface{ String() string }:
		return v.String()
	}
	return ""
}

func pad2(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

// Number writes a whole number with its thousands grouped.
func (l *Localizer) Number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + l.format.group + digits[i:]
	}
	return sign + digits
}

// Decimal writes a decimal number that is given with a point ("1234.5").
func (l *Localizer) Decimal(s string) string {
	whole, frac, has := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return s
	}
	out := l.Number(n)
	if n == 0 && strings.HasPrefix(whole, "-") {
		out = "-" + out
	}
	if has {
		out += l.format.decimal + frac
	}
	return out
}

// Money writes an amount of euro cents: 1.234,50 €, €1,234.50.
func (l *Localizer) Money(cents int64) string {
	sign := ""
	abs := uint64(cents)
	if cents < 0 {
		sign, abs = "-", -uint64(cents)
	}
	n := l.Number(int64(abs/100)) + l.format.decimal + pad2(int(abs%100))
	return sign + strings.Replace(l.format.money, "{n}", n, 1)
}

// Percent writes a share of a hundred.
func (l *Localizer) Percent(n int) string {
	return strings.Replace(l.format.percent, "{n}", l.Number(int64(n)), 1)
}

// Bytes writes the size of a file: 1,4 MB.
func (l *Localizer) Bytes(n int64) string {
	const nbsp = "\u00a0"
	switch {
	case n < 1000:
		return l.Number(n) + nbsp + "B"
	case n < 1_000_000:
		return l.Number((n+500)/1000) + nbsp + "kB"
	}
	tenths := (n + 50_000) / 100_000
	return l.Number(tenths/10) + l.format.decimal + strconv.FormatInt(tenths%10, 10) + nbsp + "MB"
}
