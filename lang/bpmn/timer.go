// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// TimerKind says what a timer's value is.
type TimerKind string

// The kinds of timer.
const (
	Date     TimerKind = "date"     // an ISO 8601 instant or day
	Duration TimerKind = "duration" // an ISO 8601 duration: P3D, PT15M
	Cycle    TimerKind = "cycle"    // R5/PT1H, R/P1D
)

// period is an ISO 8601 duration.
type period struct {
	months, days int
	weeks        int // … of which in weeks
	d            time.Duration
	neg          bool
}

func parsePeriod(s string) (period, error) {
	var p period
	bad := fmt.Errorf("%q is not a duration such as P3D or PT15M", short(s))
	rest, ok := strings.CutPrefix(s, "-")
	p.neg = ok
	rest, ok = strings.CutPrefix(rest, "P")
	if !ok || rest == "" || len(rest) > 40 {
		return p, bad
	}
	inTime := false
	order := "YMWD"
	for rest != "" {
		if rest[0] == 'T' && !inTime {
			inTime, order, rest = true, "HMS", rest[1:]
			if rest == "" {
				return p, bad
			}
			continue
		}
		i := 0
		for i < len(rest) && (rest[i] >= '0' && rest[i] <= '9' || rest[i] == '.') {
			i++
		}
		if i == 0 || i == len(rest) {
			return p, bad
		}
		at := strings.IndexByte(order, rest[i])
		if at < 0 {
			return p, bad
		}
		order = order[at+1:]
		num, unit := rest[:i], rest[i]
		rest = rest[i+1:]
		if inTime && unit == 'S' {
			f, err := strconv.ParseFloat(num, 64)
			if err != nil || f > 1e9 {
				return p, bad
			}
			p.d += time.Duration(f * float64(time.Second)).Round(time.Microsecond)
			continue
		}
		n, err := strconv.Atoi(num)
		if err != nil || n > 1_000_000 {
			return p, bad
		}
		switch {
		case inTime && unit == 'H':
			p.d += time.Duration(n) * time.Hour
		case inTime:
			p.d += time.Duration(n) * time.Minute
		case unit == 'Y':
			p.months += 12 * n
		case unit == 'M':
			p.months += n
		case unit == 'W':
			p.days += 7 * n
			p.weeks += n
		default:
			p.days += n
		}
	}
	if p.months > 12*1000 || p.days > 400_000 {
		return p, bad
	}
	return p, nil
}

// add counts days and months in the calendar of t's zone: P1D over the change to
// summer time is the same hour of the next day. A month's last day stays its last.
func (p period) add(t time.Time) time.Time {
	sign := 1
	if p.neg {
		sign = -1
	}
	if p.months != 0 {
		day := t.Day()
		first := time.Date(t.Year(), t.Month()+time.Month(sign*p.months), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
		last := time.Date(first.Year(), first.Month()+1, 0, 0, 0, 0, 0, t.Location()).Day()
		if day > last {
			day = last
		}
		t = time.Date(first.Year(), first.Month(), day, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	}
	return t.AddDate(0, 0, sign*p.days).Add(time.Duration(sign) * p.d)
}

// cycle is an ISO 8601 repeating interval.
type cycle struct {
	n     int // how often; -1: for ever
	every period
	start string // when it fires first, or ""
}

// parseCycle reads "R5/PT1H" and "R/2027-01-01T06:00/P1Y".
func parseCycle(s string) (cycle, error) {
	c := cycle{n: -1}
	bad := fmt.Errorf("%q is not a cycle such as R5/PT1H, R/P1D or R/2027-01-01T06:00/P1Y", short(s))
	if n := len(strings.Fields(s)); n >= 5 && n <= 7 {
		return cycle{}, fmt.Errorf("%q is a cron expression, which is not read: write a cycle such as R/P1W, or a condition of the calendar into the process", short(s))
	}
	rest, ok := strings.CutPrefix(s, "R")
	if !ok {
		return cycle{}, bad
	}
	count, every, ok := strings.Cut(rest, "/")
	if !ok {
		return cycle{}, bad
	}
	if count != "" && count != "-1" {
		v, err := strconv.Atoi(count)
		if err != nil || v < 1 || v > 1_000_000 {
			return cycle{}, bad
		}
		c.n = v
	}
	if start, p, ok := strings.Cut(every, "/"); ok {
		at, err := parseInstant(start, time.UTC)
		if err != nil {
			return cycle{}, bad
		}
		if at.Year() < 1970 || at.Year() > 2200 { // it is counted from there
			return cycle{}, fmt.Errorf("%q: a cycle begins between 1970 and 2200", short(s))
		}
		c.start, every = start, p
	}
	var err error
	if c.every, err = parsePeriod(every); err != nil {
		return cycle{}, bad
	}
	if p := c.every; p.neg || p.months == 0 && p.days == 0 && p.d < time.Second {
		return cycle{}, fmt.Errorf("%q: a cycle shorter than a second", short(s))
	}
	return c, nil
}

// next is when a cycle fires after from.
func (c cycle) next(from time.Time) (time.Time, error) {
	if c.start == "" {
		return c.every.add(from), nil
	}
	start, err := parseInstant(c.start, from.Location())
	if err != nil || start.After(from) {
		return start, err
	}
	// Counted from the start, so that the last day of a month stays the last one: about
	// how often, and then exactly.
	const day, month = 86_400, 2_629_746 // seconds
	each := c.every.months*month + c.every.days*day + int(c.every.d/time.Second)
	n := max(int(from.Unix()-start.Unix())/each-2, 0)
	for n > 0 && c.every.times(n).add(start).After(from) {
		n--
	}
	for {
		if t := c.every.times(n).add(start); t.After(from) {
			return t, nil
		}
		n++
	}
}

// times is a period n times over.
func (p period) times(n int) period {
	p.months, p.days, p.weeks, p.d = p.months*n, p.days*n, p.weeks*n, p.d*time.Duration(n)
	return p
}

var instantLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00"}
var localLayouts = []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"}

func parseInstant(s string, loc *time.Location) (time.Time, error) {
	s, _, _ = strings.Cut(s, "@") // FEEL writes a zone's name behind the instant
	for _, l := range instantLayouts {
		if t, err := time.Parse(l, s); err == nil {
			return t, nil
		}
	}
	for _, l := range localLayouts {
		if t, err := time.ParseInLocation(l, s, loc); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a date such as 2026-03-01 or 2026-03-01T12:00:00Z", short(s))
}

// CheckTimer reports whether a timer's value can be read.
func CheckTimer(kind TimerKind, value string) error {
	_, err := DueAt(kind, value, time.Unix(0, 0).UTC())
	return err
}

// DueAt is when a timer that is set at from fires (a cycle: the first time, and each
// next time from the one before). Days and months are those of from's zone.
func DueAt(kind TimerKind, value string, from time.Time) (time.Time, error) {
	value = strings.TrimSpace(value)
	switch kind {
	case Date:
		return parseInstant(value, from.Location())
	case Duration:
		p, err := parsePeriod(value)
		if err != nil {
			return time.Time{}, err
		}
		return p.add(from), nil
	case Cycle:
		c, err := parseCycle(value)
		if err != nil {
			return time.Time{}, err
		}
		return c.next(from)
	}
	return time.Time{}, fmt.Errorf("unknown kind of timer %q", kind)
}

// Calendar knows the business days of a place (base/caldate).
type Calendar interface {
	// Business reports whether the day of t is a business day.
	Business(t time.Time) bool
}

// everyDay is a calendar without days off.
type everyDay struct{}

func (everyDay) Business(time.Time) bool { return true }

// maxBusinessDays bounds how far is counted day by day.
const maxBusinessDays = 4000

// BusinessDueAt is DueAt for a timer that counts in business days (the property
// "calendar" is "business"): the days of a duration or cycle are business days, and what
// would end on another day ends with the next business day (§ 193 BGB, § 31 (3) VwVfG), at
// the same time of day. Years, months, weeks and hours are those of the calendar.
func BusinessDueAt(kind TimerKind, value string, from time.Time, cal Calendar) (time.Time, error) {
	value = strings.TrimSpace(value)
	var p period
	var err error
	switch kind {
	case Duration:
		p, err = parsePeriod(value)
	case Cycle:
		var c cycle
		if c, err = parseCycle(value); err == nil && c.start != "" {
			return c.business(from, cal)
		}
		p = c.every
	default:
		t, err := DueAt(kind, value, from)
		if err != nil {
			return t, err
		}
		return nextBusiness(t, cal)
	}
	if err != nil {
		return time.Time{}, err
	}
	return p.business(value, from, cal)
}

// business counts the days of the period in business days.
func (p period) business(value string, from time.Time, cal Calendar) (time.Time, error) {
	days := p.days - 7*p.weeks
	if days > maxBusinessDays {
		return time.Time{}, fmt.Errorf("%q: more than %d business days", short(value), maxBusinessDays)
	}
	p.days = 7 * p.weeks
	t := p.add(from)
	step := 1
	if p.neg {
		step = -1
	}
	for i := 0; days > 0; i++ {
		if i > 10*maxBusinessDays {
			return time.Time{}, errNoBusiness
		}
		if t = t.AddDate(0, 0, step); cal.Business(t) {
			days--
		}
	}
	return nextBusiness(t, cal)
}

// business is next in business days: from the start on, one after the other.
func (c cycle) business(from time.Time, cal Calendar) (time.Time, error) {
	start, err := parseInstant(c.start, from.Location())
	if err != nil {
		return start, err
	}
	if t, err := nextBusiness(start, cal); err != nil || t.After(from) {
		return t, err
	}
	if c.every.days == 7*c.every.weeks { // of the calendar, and put off to a business day
		for at := from; ; {
			next, err := c.next(at)
			if err != nil {
				return next, err
			}
			if t, err := nextBusiness(next, cal); err != nil || t.After(from) {
				return t, err
			}
			at = next
		}
	}
	t := start
	for range maxBusinessDays {
		if t, err = c.every.business(c.start, t, cal); err != nil || t.After(from) {
			return t, err
		}
	}
	return t, fmt.Errorf("%q: the start is more than %d times ago", short(c.start), maxBusinessDays)
}

var errNoBusiness = errors.New("the calendar has no business days")

func nextBusiness(t time.Time, c Calendar) (time.Time, error) {
	for range 1000 {
		if c.Business(t) {
			return t, nil
		}
		t = t.AddDate(0, 0, 1)
	}
	return t, errNoBusiness
}
