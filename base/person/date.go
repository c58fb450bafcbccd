// SPDX-License-Identifier: EUPL-1.2

package person

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// DateRule says which dates are meant and allowed.
type DateRule struct {
	// Today is the legal day in the town; two-digit years are read from it.
	Today time.Time
	// Past: a day that has been (a birth). It turns "90" into 1990, never 2090.
	Past bool
	// Partial: the day, or day and month, may be unknown (births in some
	// registers): "1950", "00.00.1950", "5.1950". Gives "1950" or "1950-05".
	Partial bool
}

// ParseDate takes a day as people write it ("3.5.90", "03051990", "3. Mai 1990",
// "3 Mayıs 1990", "1990-05-03", "3/5/1990") and gives "1990-05-03". Day comes
// before month in every language: the readers live in Germany.
func ParseDate(s string, rule DateRule) (string, error) {
	if len(s) > 120 {
		return "", problem("person.date.form")
	}
	s = strings.TrimSpace(strings.ToLower(norm.NFC.String(s)))
	if s == "" {
		return "", nil
	}
	var parts []string // numbers as typed, months as "m5"
	for rest := s; rest != ""; {
		var n int
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		if n > 0 {
			parts, rest = append(parts, rest[:n]), rest[n:]
			continue
		}
		word := strings.IndexFunc(rest, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.Is(unicode.Mn, r) })
		if word < 0 {
			word = len(rest)
		}
		if word > 0 {
			w := rest[:word]
			rest = rest[word:]
			if m := monthOf(w); m > 0 {
				parts = append(parts, "m"+strconv.Itoa(m))
			} else if w != "den" && w != "der" && w != "of" && w != "st" && w != "nd" && w != "rd" && w != "th" && !isWeekday(w) {
				return "", problem("person.date.form")
			}
			continue
		}
		r := []rune(rest)[0]
		if !unicode.IsSpace(r) && !strings.ContainsRune(".,-/–‑", r) {
			return "", problem("person.date.form")
		}
		rest = rest[len(string(r)):]
	}
	var y, m, d string
	switch {
	case len(parts) == 1 && len(parts[0]) == 8:
		p := parts[0]
		d, m, y = p[:2], p[2:4], p[4:]
		if century := p[4:6]; (p[:2] == "19" || p[:2] == "20") && century != "19" && century != "20" {
			y, m, d = p[:4], p[4:6], p[6:] // 19900503
		}
	case len(parts) == 1 && len(parts[0]) == 6 && parts[0][0] != 'm':
		d, m, y = parts[0][:2], parts[0][2:4], parts[0][4:]
	case len(parts) == 1 && len(parts[0]) == 4 && rule.Partial:
		y = parts[0]
	case len(parts) == 2 && rule.Partial && len(parts[1]) == 4:
		m, y = parts[0], parts[1]
	case len(parts) == 2 && rule.Partial && len(parts[0]) == 4:
		y, m = parts[0], parts[1]
	case len(parts) == 3 && len(parts[0]) == 4 && parts[0][0] != 'm':
		y, m, d = parts[0], parts[1], parts[2]
	case len(parts) == 3 && parts[0][0] == 'm': // May 3, 1990
		m, d, y = parts[0], parts[1], parts[2]
	case len(parts) == 3:
		d, m, y = parts[0], parts[1], parts[2]
	case len(parts) == 2:
		return "", problem("person.date.year")
	default:
		return "", problem("person.date.form")
	}
	return dateOf(y, m, d, rule)
}

func dateOf(ys, ms, ds string, rule DateRule) (string, error) {
	y, err1 := strconv.Atoi(ys)
	m, err2 := strconv.Atoi(strings.TrimPrefix("0"+ms, "0m"))
	d, err3 := strconv.Atoi("0" + ds)
	if err1 != nil || err2 != nil || err3 != nil || len(ys) == 1 || len(ys) == 3 || len(ys) > 4 || len(ds) > 2 || len(ms) > 3 {
		return "", problem("person.date.form")
	}
	if len(ys) == 2 {
		now := rule.Today.Year()
		y += now / 100 * 100
		if rule.Past && y > now || !rule.Past && y > now+20 {
			y -= 100
		}
	}
	if y < 1850 || y > 2199 {
		return "", problem("person.date.yearRange", "year", strconv.Itoa(y))
	}
	if rule.Partial && (d == 0 || m == 0) {
		switch {
		case m == 0 && d == 0:
			if rule.Past && y > rule.Today.Year() {
				return "", problem("person.date.future")
			}
			return pad(y, 4), nil
		case m >= 1 && m <= 12:
			return pad(y, 4) + "-" + pad(m, 2), nil
		}
	}
	if m < 1 || m > 12 {
		return "", problem("person.date.month", "month", strconv.Itoa(m))
	}
	day := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if d < 1 || day.Day() != d {
		return "", problem("person.date.day", "day", strconv.Itoa(d))
	}
	if rule.Past && day.Format(time.DateOnly) > rule.Today.Format(time.DateOnly) {
		return "", problem("person.date.future")
	}
	return day.Format(time.DateOnly), nil
}

func pad(n, width int) string {
	s := strconv.Itoa(n)
	return strings.Repeat("0", max(0, width-len(s))) + s
}

// monthOf knows the months in German, English and Turkish, also cut short.
func monthOf(w string) int {
	if len(w) < 3 {
		return 0
	}
	w = Fold(w)
	for _, names := range [...]string{
		"januar februar maerz april mai juni juli august september oktober november dezember",
		"january february march april may june july august september october november december",
		"ocak subat mart nisan mayis haziran temmuz agustos eylul ekim kasim aralik",
		"jaenner feber mrz apr mai jun jul aug sept okt nov dez",
	} {
		for i, name := range strings.Fields(names) {
			if strings.HasPrefix(name, w) || Fold(name) == w {
				return i + 1
			}
		}
	}
	// Turkish ü, ğ, ş fold in the German way: eylül becomes eyluel, ağu agu.
	switch {
	case strings.HasPrefix("eyluel", w):
		return 9
	}
	return 0
}

func isWeekday(w string) bool {
	w = Fold(w)
	for _, d := range strings.Fields("montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag mo di mi do fr sa so monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun") {
		if d == w {
			return true
		}
	}
	return false
}

// ParseTime takes a time of day ("9", "9:30", "09.30 Uhr", "930", "2:15 pm") and gives "09:30".
func ParseTime(s string) (string, error) {
	if len(s) > 60 {
		return "", problem("person.time")
	}
	t := strings.ToLower(strings.Join(strings.Fields(s), ""))
	t = strings.TrimSuffix(strings.TrimSuffix(t, "uhr"), "h")
	if t == "" {
		return "", nil
	}
	pm := strings.HasSuffix(t, "pm")
	am := strings.HasSuffix(t, "am")
	t = strings.TrimSuffix(strings.TrimSuffix(t, "pm"), "am")
	t = strings.NewReplacer(".", ":", "h", ":", "uhr", ":").Replace(t)
	hs, ms, _ := strings.Cut(t, ":")
	ms = strings.TrimSuffix(ms, ":00")
	if ms == "" && len(hs) >= 3 {
		hs, ms = hs[:len(hs)-2], hs[len(hs)-2:]
	}
	if ms == "" {
		ms = "00"
	}
	if !allDigits(hs) || !allDigits(ms) || len(hs) > 2 || len(ms) != 2 {
		return "", problem("person.time")
	}
	h, _ := strconv.Atoi(hs)
	m, _ := strconv.Atoi(ms)
	if (pm || am) && (h < 1 || h > 12) {
		return "", problem("person.time")
	}
	if pm && h < 12 {
		h += 12
	}
	if am && h == 12 {
		h = 0
	}
	if h > 23 || m > 59 {
		return "", problem("person.time")
	}
	return pad(h, 2) + ":" + pad(m, 2), nil
}
