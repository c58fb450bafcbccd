// SPDX-License-Identifier: EUPL-1.2

package caldate

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// States are the German states by their codes (ISO 3166-2:DE without "DE-").
var States = []string{"BB", "BE", "BW", "BY", "HB", "HE", "HH", "MV", "NI", "NW", "RP", "SH", "SL", "SN", "ST", "TH"}

// feast is a public holiday: on a day of the year, or so many days after Easter Sunday.
type feast struct {
	name   string
	month  time.Month // 0: Easter counts
	day    int        // of the month, or after Easter
	states string     // where; "": everywhere
	from   int        // first year, 0: always
	until  int        // last year, 0: still
}

var feasts = []feast{
	{name: "Neujahr", month: 1, day: 1},
	{name: "Heilige Drei Könige", month: 1, day: 6, states: "BW BY ST"},
	{name: "Internationaler Frauentag", month: 3, day: 8, states: "BE", from: 2019},
	{name: "Internationaler Frauentag", month: 3, day: 8, states: "MV", from: 2023},
	{name: "Karfreitag", day: -2},
	{name: "Ostersonntag", day: 0, states: "BB"},
	{name: "Ostermontag", day: 1},
	{name: "Tag der Arbeit", month: 5, day: 1},
	{name: "75. Jahrestag der Befreiung", month: 5, day: 8, states: "BE", from: 2020, until: 2020},
	{name: "80. Jahrestag der Befreiung", month: 5, day: 8, states: "BE", from: 2025, until: 2025},
	{name: "Christi Himmelfahrt", day: 39},
	{name: "Pfingstsonntag", day: 49, states: "BB"},
	{name: "Pfingstmontag", day: 50},
	{name: "75. Jahrestag des Aufstandes vom 17. Juni 1953", month: 6, day: 17, states: "BE", from: 2028, until: 2028},
	{name: "Fronleichnam", day: 60, states: "BW BY HE NW RP SL"},
	{name: "Mariä Himmelfahrt", month: 8, day: 15, states: "SL"},
	{name: "Weltkindertag", month: 9, day: 20, states: "TH", from: 2019},
	{name: "Tag der Deutschen Einheit", month: 10, day: 3, from: 1990},
	{name: "Reformationstag", month: 10, day: 31, states: "BB MV SN ST TH"},
	{name: "Reformationstag", month: 10, day: 31, states: "HB HH NI SH", from: 2018},
	{name: "Reformationstag", month: 10, day: 31, states: "BE BW BY HB HE HH NI NW RP SH SL", from: 2017, until: 2017},
	{name: "Allerheiligen", month: 11, day: 1, states: "BW BY NW RP SL"},
	{name: "1. Weihnachtstag", month: 12, day: 25},
	{name: "2. Weihnachtstag", month: 12, day: 26},
}

// Calendar knows the business days of a town. It doesn't change and is safe to share.
type Calendar struct {
	state  string
	closed map[string]bool // "12-24", or "2026-02-16"
}

// New makes the calendar of a state and the days on which the town is closed beside its
// holidays: each year ("12-24") or once ("2026-02-16").
func New(state string, closed ...string) (*Calendar, error) {
	if !slices.Contains(States, state) {
		return nil, fmt.Errorf("%q is no German state: want one of %s", state, strings.Join(States, ", "))
	}
	c := &Calendar{state: state, closed: map[string]bool{}}
	for _, day := range closed {
		_, err := time.Parse(time.DateOnly, day)
		if len(day) == len("12-24") {
			_, err = time.Parse(time.DateOnly, "2024-"+day) // a leap year: 02-29 is a day
		}
		if err != nil {
			return nil, fmt.Errorf("%q is no day: want one such as 12-24 or 2026-02-16", day)
		}
		c.closed[day] = true
	}
	return c, nil
}

// Easter is Easter Sunday of a year of the Gregorian calendar (the rule of Gauß with
// Lichtenberg's corrections).
func Easter(year int) time.Time {
	k := year / 100
	m := 15 + (3*k+3)/4 - (8*k+13)/25
	s := 2 - (3*k+3)/4
	a := year % 19
	d := (19*a + m) % 30
	r := (d + a/11) / 29
	og := 21 + d - r
	sz := 7 - (year+year/4+s)%7
	oe := 7 - (og-sz)%7
	return time.Date(year, 3, og+oe, 0, 0, 0, 0, time.UTC)
}

// Holiday is the name of the public holiday on a day, or "". The names are those of the
// acts, in German.
func (c *Calendar) Holiday(day time.Time) string {
	y, m, d := day.Date()
	date := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	fromEaster := int(date.Sub(Easter(y)) / (24 * time.Hour))
	for _, f := range feasts {
		if f.month == 0 && f.day != fromEaster || f.month != 0 && (f.month != m || f.day != d) ||
			f.states != "" && !strings.Contains(f.states, c.state) || f.from > y || f.until != 0 && f.until < y {
			continue
		}
		return f.name
	}
	// Buß- und Bettag: the Wednesday before 23 November.
	if c.state == "SN" && m == 11 && d >= 16 && d <= 22 && date.Weekday() == time.Wednesday {
		return "Buß- und Bettag"
	}
	return ""
}

// Business reports whether a day is a business day.
func (c *Calendar) Business(day time.Time) bool {
	if w := day.Weekday(); w == time.Saturday || w == time.Sunday {
		return false
	}
	return !c.closed[day.Format("01-02")] && !c.closed[day.Format(time.DateOnly)] && c.Holiday(day) == ""
}

// Next is t, or the same time of the next business day (§ 193 BGB, § 31 (3) VwVfG).
func (c *Calendar) Next(t time.Time) time.Time {
	for !c.Business(t) {
		t = t.AddDate(0, 0, 1)
	}
	return t
}

// Add is n business days after t, before it for a negative n, at the same time of day.
// The day of t isn't counted (§ 187 (1) BGB); 0 is Next.
func (c *Calendar) Add(t time.Time, n int) time.Time {
	step := 1
	if n < 0 {
		step, n = -1, -n
	}
	if n == 0 {
		return c.Next(t)
	}
	for n > 0 {
		if t = t.AddDate(0, 0, step); c.Business(t) {
			n--
		}
	}
	return t
}
