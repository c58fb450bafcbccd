// SPDX-License-Identifier: EUPL-1.2

package caldate

import (
	"testing"
	"time"
)

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestEaster(t *testing.T) {
	for _, s := range []string{"1818-03-22", "1943-04-25", "1954-04-18", "1981-04-19", "2000-04-23", "2008-03-23", "2016-03-27", "2019-04-21", "2024-03-31", "2025-04-20", "2026-04-05", "2027-03-28", "2038-04-25", "2049-04-18", "2076-04-19"} {
		if got := Easter(day(s).Year()).Format(time.DateOnly); got != s {
			t.Errorf("Easter is on %s, got %s", s, got)
		}
	}
}

func TestHolidays(t *testing.T) {
	// NW in 2026, as the state publishes them.
	nw, err := New("NW")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"2026-01-01": "Neujahr", "2026-04-03": "Karfreitag", "2026-04-06": "Ostermontag", "2026-05-01": "Tag der Arbeit", "2026-05-14": "Christi Himmelfahrt",
		"2026-05-25": "Pfingstmontag", "2026-06-04": "Fronleichnam", "2026-10-03": "Tag der Deutschen Einheit", "2026-11-01": "Allerheiligen", "2026-12-25": "1. Weihnachtstag", "2026-12-26": "2. Weihnachtstag"}
	for d := day("2026-01-01"); d.Year() == 2026; d = d.AddDate(0, 0, 1) {
		if got := nw.Holiday(d); got != want[d.Format(time.DateOnly)] {
			t.Errorf("%s: got %q, want %q", d.Format(time.DateOnly), got, want[d.Format(time.DateOnly)])
		}
	}
	for _, c := range []struct{ state, day, name string }{
		{"SN", "2026-11-18", "Buß- und Bettag"}, {"SN", "2022-11-16", "Buß- und Bettag"}, {"NW", "2026-11-18", ""}, {"BE", "2026-03-08", "Internationaler Frauentag"}, {"BE", "2018-03-08", ""},
		{"MV", "2022-03-08", ""}, {"MV", "2023-03-08", "Internationaler Frauentag"}, {"NW", "2017-10-31", "Reformationstag"}, {"NW", "2018-10-31", ""}, {"HH", "2018-10-31", "Reformationstag"},
		{"TH", "2026-09-20", "Weltkindertag"}, {"BB", "2026-05-24", "Pfingstsonntag"}, {"BE", "2025-05-08", "80. Jahrestag der Befreiung"}, {"BE", "2026-05-08", ""}, {"BY", "2026-01-06", "Heilige Drei Könige"}, {"SL", "2026-08-15", "Mariä Himmelfahrt"},
	} {
		x, err := New(c.state)
		if err != nil {
			t.Fatal(err)
		}
		if got := x.Holiday(day(c.day)); got != c.name {
			t.Errorf("%s %s: got %q, want %q", c.state, c.day, got, c.name)
		}
	}
}

func TestBusinessDays(t *testing.T) {
	c, err := New("NW", "12-24", "12-31", "2026-02-16")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		from string
		n    int
		want string
	}{
		{"2026-11-27", 1, "2026-11-30"},  // over a weekend
		{"2026-04-01", 2, "2026-04-07"},  // over Easter
		{"2026-12-23", 1, "2026-12-28"},  // over Christmas and a day on which the town is closed
		{"2026-12-30", 1, "2027-01-04"},  // over the turn of the year
		{"2026-02-13", 1, "2026-02-17"},  // closed once
		{"2026-06-03", 5, "2026-06-11"},  // over Fronleichnam
		{"2026-10-03", 0, "2026-10-05"},  // a holiday on a Saturday: the next business day
		{"2026-11-30", 0, "2026-11-30"},  // a business day stays
		{"2026-11-30", -1, "2026-11-27"}, // backwards
		{"2026-11-28", -1, "2026-11-27"},
	} {
		if got := c.Add(day(x.from), x.n).Format(time.DateOnly); got != x.want {
			t.Errorf("%d business days after %s: got %s, want %s", x.n, x.from, got, x.want)
		}
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	// The time of day stays, over the change to winter time too.
	if got := c.Add(time.Date(2026, 10, 23, 17, 30, 0, 0, berlin), 1); got.Format(time.RFC3339) != "2026-10-26T17:30:00+01:00" {
		t.Errorf("got %s", got.Format(time.RFC3339))
	}
}

func TestRefused(t *testing.T) {
	for _, c := range [][]string{{"XX"}, {""}, {"NW", "24.12."}, {"NW", "13-01"}, {"NW", "2026-02-30"}} {
		if _, err := New(c[0], c[1:]...); err == nil {
			t.Errorf("%v is taken", c)
		}
	}
}
