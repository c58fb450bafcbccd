// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	_ "time/tzdata" // regions don't depend on what the host has installed

	"github.com/cockroachdb/apd/v3"
)

// The bounds of what a temporal value may hold. They are wide enough for every value of the standard's data types that
// the official suite names, and narrow enough that no sum of two of them leaves an int64.
const (
	maxYear     = 999_999_999           // DMN 1.5, 10.3.2.3.5
	maxMonths   = 1_000_000_000_000_000 // of a years and months duration
	maxSpanSec  = 1_000_000_000_000_000_000
	maxOffset   = 14 * 3600 // XML Schema 1.1, 3.3.7.2: +14:00 to -14:00
	nsPerSecond = 1_000_000_000
	secPerDay   = 86_400
	nsPerDay    = secPerDay * nsPerSecond
)

// Zone tells how a wall clock relates to universal time: not at all (the zero value, a local time), by a fixed offset
// (XML Schema 1.1, 3.3.7: Z, ±hh:mm), or by the rules of a region of the IANA time zone database (DMN 1.5, 10.3.4.1:
// @Europe/Berlin). Two zones are equal as Go values if they are written the same way.
type Zone struct {
	region *region // interned, so that Go's == compares names
	offset int32   // seconds east of Greenwich, if fixed
	fixed  bool
}

// region is one named zone. There is one *region for each name in a process.
type region struct {
	name string
	loc  *time.Location
	// standard is the offset outside of summer time, for a time of day that has no date (see Time).
	standard int32
}

// maxRegions bounds the cache: the database knows about 600 names.
const maxRegions = 2048

// regions caches the regions that were asked for and exist; a name that doesn't exist is never stored. It is the one
// variable of this package that changes: reading zone rules anew for each literal would cost a thousand times more, and
// the interned pointers make Zone a comparable value.
var regions struct {
	byName sync.Map // string → *region
	count  atomic.Int32
}

// findRegion gives the region with that name in the IANA database.
func findRegion(name string) (*region, bool) {
	if r, ok := regions.byName.Load(name); ok {
		return r.(*region), true
	}
	if !regionName(name) || regions.count.Load() >= maxRegions {
		return nil, false
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, false
	}
	// Two days half a year apart: the smaller offset is the one outside of summer time. Fixed days, so that a value
	// means the same tomorrow.
	jan, jul := offsetAt(loc, 1_704_067_200), offsetAt(loc, 1_719_792_000)
	// The name is copied: it may be a slice of a large document.
	name = strings.Clone(name)
	r, loaded := regions.byName.LoadOrStore(name, &region{name: name, loc: loc, standard: min(jan, jul)})
	if !loaded {
		regions.count.Add(1)
	}
	return r.(*region), true
}

// regionName keeps out what time.LoadLocation would take and the database doesn't have: the empty name, "Local", the
// host's own files (posix/…, right/…, localtime) and paths.
func regionName(s string) bool {
	if len(s) < 2 || len(s) > 64 || s[0] < 'A' || s[0] > 'Z' || s == "Local" || s == "Factory" {
		return false
	}
	for i := 1; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '+', c == '-':
		case c == '/' && s[i-1] != '/' && i < len(s)-1:
		default:
			return false
		}
	}
	return true
}

// offsetAt is the offset of a location at an instant.
func offsetAt(loc *time.Location, unix int64) int32 {
	_, off := time.Unix(unix, 0).In(loc).Zone()
	return int32(off)
}

// IsLocal tells that the value has neither offset nor region.
func (z Zone) IsLocal() bool { return !z.fixed && z.region == nil }

// Region is the name in the IANA database, or "" for a local or fixed zone.
func (z Zone) Region() string {
	if z.region == nil {
		return ""
	}
	return z.region.name
}

// offsetOfWall is the offset for a wall clock, given as if it were universal time. Where a region's clocks are turned
// forward the wall clock that is skipped counts with the offset before, where they are turned back the one that comes
// twice is the first: neither the standard nor XML Schema says so, but java.time, on which the suite grew up, does.
func (z Zone) offsetOfWall(wall int64) int32 {
	if z.region == nil {
		return z.offset
	}
	before := offsetAt(z.region.loc, wall-secPerDay)
	after := offsetAt(z.region.loc, wall+secPerDay)
	if before == after || offsetAt(z.region.loc, wall-int64(before)) == before {
		return before
	}
	if offsetAt(z.region.loc, wall-int64(after)) == after {
		return after
	}
	return before
}

// appendTo writes the zone as it stands behind a time.
func (z Zone) appendTo(b []byte) []byte {
	switch {
	case z.region != nil:
		return append(append(b, '@'), z.region.name...)
	case !z.fixed:
		return b
	case z.offset == 0:
		return append(b, 'Z')
	}
	off := z.offset
	if off < 0 {
		b, off = append(b, '-'), -off
	} else {
		b = append(b, '+')
	}
	b = appendTwo(b, off/3600)
	b = appendTwo(append(b, ':'), off/60%60)
	if off%60 != 0 {
		b = appendTwo(append(b, ':'), off%60)
	}
	return b
}

// Date is FEEL's date (DMN 1.5, 10.3.2.3.5): a day of the proleptic Gregorian calendar without a zone, year 0 being the
// year before year 1 (XML Schema 1.1, 3.3.9).
type Date struct {
	year       int32
	month, day uint8
}

// Year is the year, negative before year 0.
func (d Date) Year() int { return int(d.year) }

// Month is the month of the year.
func (d Date) Month() time.Month { return time.Month(d.month) }

// Day is the day of the month.
func (d Date) Day() int { return int(d.day) }

// Time is FEEL's time (DMN 1.5, 10.3.2.3.4): a time of day with nanoseconds. A time with a region has no date that would
// tell its offset; it counts with the region's offset outside of summer time.
type Time struct {
	ns   int64 // since midnight, 0 to nsPerDay-1
	zone Zone
}

// Zone is the zone of the time.
func (t Time) Zone() Zone { return t.zone }

// DateTime is FEEL's date and time (DMN 1.5, 10.3.2.3.6): a wall clock and its zone.
type DateTime struct {
	date Date
	ns   int64
	zone Zone
}

// Zone is the zone of the date and time.
func (d DateTime) Zone() Zone { return d.zone }

// Date is the day that the wall clock shows.
func (d DateTime) Date() Date { return d.date }

// Instant is the point in time; ok is false for a local value, which is none.
func (d DateTime) Instant() (t time.Time, ok bool) {
	if d.zone.IsLocal() {
		return time.Time{}, false
	}
	sec, ns := d.instant()
	return time.Unix(sec, ns), true
}

// Months is FEEL's years and months duration (DMN 1.5, 10.3.2.3.8; XML Schema 1.1, 3.4.26) as a number of months.
type Months int64

// Span is FEEL's days and time duration (DMN 1.5, 10.3.2.3.7; XML Schema 1.1, 3.4.27) in nanoseconds: seconds rounded
// down, and the rest, so that the fields compare in order.
type Span struct {
	sec int64
	ns  int32 // 0 to nsPerSecond-1
}

// SpanOf turns a duration of Go into one of FEEL.
func SpanOf(d time.Duration) Span {
	sec, ns := floorDiv(int64(d), nsPerSecond)
	return Span{sec, int32(ns)}
}

// Seconds are the whole seconds of a duration.
func (s Span) Seconds() int64 { return s.sec }

// floorDiv divides and rounds down; the rest is never negative. b must be positive.

func floorDiv(a, b int64) (q, r int64) {
	q, r = a/b, a%b
	if r < 0 {
		q, r = q-1, r+b
	}
	return q, r
}

// ---- calendar -----------------------------------------------------------------------------------------------------

func leapYear(y int64) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }

func daysInMonth(y, m int64) int64 {
	switch m {
	case 2:
		if leapYear(y) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// epochDay counts the days since 1970-01-01. The year is taken to begin in March, so that the leap day is its last.
func (d Date) epochDay() int64 {
	y, m := int64(d.year), int64(d.month)
	if m <= 2 {
		y--
		m += 12
	}
	century400, yoe := floorDiv(y, 400)
	doy := (153*(m-3)+2)/5 + int64(d.day) - 1
	return century400*146_097 + yoe*365 + yoe/4 - yoe/100 + doy - 719_468
}

// dateOfEpochDay is the day that many days after 1970-01-01.
func dateOfEpochDay(n int64) (Date, bool) {
	if n < -366*(maxYear+1971) || n > 366*maxYear {
		return Date{}, false // far outside; the exact test is at the end
	}
	era, doe := floorDiv(n+719_468, 146_097)
	yoe := (doe - doe/1460 + doe/36_524 - doe/146_096) / 365
	y := yoe + era*400
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d := doy - (153*mp+2)/5 + 1
	m := mp + 3
	if m > 12 {
		m -= 12
		y++
	}
	if y < -maxYear || y > maxYear {
		return Date{}, false
	}
	return Date{int32(y), uint8(m), uint8(d)}, true
}

// isoWeekday is 1 for Monday to 7 for Sunday.
func (d Date) isoWeekday() int64 {
	_, r := floorDiv(d.epochDay()+3, 7)
	return r + 1
}

func (d Date) yearDay() int64 {
	return d.epochDay() - Date{d.year, 1, 1}.epochDay() + 1
}

// isoWeek is the week of ISO 8601: it belongs to the year that its Thursday lies in.
func (d Date) isoWeek() int64 {
	thursday, ok := dateOfEpochDay(d.epochDay() + 4 - d.isoWeekday())
	if !ok { // the last days that can be written: the Thursday lies in the next year
		return 1
	}
	return (thursday.yearDay()-1)/7 + 1
}

// wall is the wall clock in seconds, as if it were universal time.
func (d DateTime) wall() int64 { return d.date.epochDay()*secPerDay + d.ns/nsPerSecond }

// instant is the point in time in seconds since 1970 and nanoseconds. A local value counts as if it were universal.
func (d DateTime) instant() (sec, ns int64) {
	sec = d.wall()
	return sec - int64(d.zone.offsetOfWall(sec)), d.ns % nsPerSecond
}

// ofWall is the inverse of wall.
func ofWall(sec, ns int64, z Zone) (DateTime, bool) {
	day, rest := floorDiv(sec, secPerDay)
	date, ok := dateOfEpochDay(day)
	return DateTime{date, rest*nsPerSecond + ns, z}, ok
}

// universal is the time of day in nanoseconds as it counts in comparisons (DMN 1.5, 10.3.2.3.4, value_t): seconds since
// midnight less the offset, not wrapped around.
func (t Time) universal() int64 {
	off := t.zone.offset
	if t.zone.region != nil {
		off = t.zone.region.standard
	}
	return t.ns - int64(off)*nsPerSecond
}

// ---- making values ------------------------------------------------------------------------------------------------

// NewDate makes a date from numbers (DMN 1.5, 10.3.4.1, date(year, month, day)). ok is false if there is no such day.
func NewDate(year, month, day int64) (d Date, ok bool) {
	if year < -maxYear || year > maxYear || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month) {
		return Date{}, false
	}
	return Date{int32(year), uint8(month), uint8(day)}, true
}

// NewTime makes a time from numbers (DMN 1.5, 10.3.4.1, time(hour, minute, second, offset)). A nil offset gives a local
// time; an offset is whole seconds, at most 14 hours. Digits of the second beyond the nanosecond are cut off.
func NewTime(hour, minute int64, second *apd.Decimal, offset *Span) (t Time, ok bool) {
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 || second == nil {
		return Time{}, false
	}
	if second.Form != apd.Finite || second.Negative && !second.IsZero() {
		return Time{}, false
	}
	ns, ok := scaledInt64(second, 9)
	if !ok || ns >= 60*nsPerSecond {
		return Time{}, false
	}
	var z Zone
	if offset != nil {
		if offset.ns != 0 || offset.sec < -maxOffset || offset.sec > maxOffset {
			return Time{}, false
		}
		z = Zone{offset: int32(offset.sec), fixed: true}
	}
	return Time{(hour*3600+minute*60)*nsPerSecond + ns, z}, true
}

// NewDateTime joins a date and a time (DMN 1.5, 10.3.4.1, date and time(date, time)); the zone is that of the time.
func NewDateTime(d Date, t Time) DateTime { return DateTime{d, t.ns, t.zone} }

// fromGoTime is now(): the wall clock in the region of t's location if that is one, else with its offset.
func fromGoTime(t time.Time) DateTime {
	_, off := t.Zone()
	var z Zone
	if name := t.Location().String(); name != "UTC" {
		// A location made by time.FixedZone may bear any name, also that of a region with other rules.
		if r, ok := findRegion(name); ok && offsetAt(r.loc, t.Unix()) == int32(off) {
			z = Zone{region: r}
		}
	}
	if z.region == nil {
		if off < -maxOffset || off > maxOffset {
			off = 0
		}
		z = Zone{offset: int32(off), fixed: true}
	}
	// A time.Time can be further away than a FEEL date; now never is.
	d, _ := ofWall(t.Unix()+int64(off), int64(t.Nanosecond()), z)
	return d
}

// ---- reading ------------------------------------------------------------------------------------------------------

// scanTwo reads two digits at i.
func scanTwo(s string, i int) (v int64, ok bool) {
	if i+2 > len(s) {
		return 0, false
	}
	a, b := s[i]-'0', s[i+1]-'0'
	return int64(a)*10 + int64(b), a <= 9 && b <= 9
}

// scanDigits reads digits from i on and stops behind them. fits is false if they are more than 18 significant ones.
func scanDigits(s string, i int) (v int64, end int, fits bool) {
	fits = true
	for ; i < len(s); i++ {
		c := s[i] - '0'
		if c > 9 {
			break
		}
		if v >= maxSpanSec/10 {
			fits = false
			continue
		}
		v = v*10 + int64(c)
	}
	return v, i, fits
}

// scanFraction reads the digits behind a point as nanoseconds; what is finer is cut off.
func scanFraction(s string, i int) (ns int64, end int) {
	unit := int64(nsPerSecond / 10)
	for ; i < len(s); i++ {
		c := s[i] - '0'
		if c > 9 {
			break
		}
		ns += int64(c) * unit
		unit /= 10
	}
	return ns, i
}

// scanDate reads a date at the beginning of s (XML Schema 1.1, 3.3.9, without a zone): four digits of the year at least,
// no zero in front of more, no plus sign.
func scanDate(s string) (d Date, end int, ok bool) {
	i := 0
	negative := len(s) > 0 && s[0] == '-'
	if negative {
		i = 1
	}
	year, j, fits := scanDigits(s, i)
	if n := j - i; n < 4 || n > 9 || !fits || n > 4 && s[i] == '0' {
		return Date{}, 0, false
	}
	if len(s) < j+6 || s[j] != '-' || s[j+3] != '-' {
		return Date{}, 0, false
	}
	month, ok1 := scanTwo(s, j+1)
	day, ok2 := scanTwo(s, j+4)
	if !ok1 || !ok2 {
		return Date{}, 0, false
	}
	if negative {
		year = -year
	}
	d, ok = NewDate(year, month, day)
	return d, j + 6, ok
}

// scanTime reads a time with its zone, which ends s (XML Schema 1.1, 3.3.8; DMN 1.5, 10.3.4.1 for @). nextDay is true
// for 24:00:00.
func scanTime(s string) (t Time, nextDay, ok bool) {
	if len(s) < 8 || s[2] != ':' || s[5] != ':' {
		return Time{}, false, false
	}
	hour, ok1 := scanTwo(s, 0)
	minute, ok2 := scanTwo(s, 3)
	second, ok3 := scanTwo(s, 6)
	if !ok1 || !ok2 || !ok3 || hour > 24 || minute > 59 || second > 59 {
		return Time{}, false, false
	}
	ns, i := int64(0), 8
	if i < len(s) && s[i] == '.' {
		var end int
		if ns, end = scanFraction(s, i+1); end == i+1 {
			return Time{}, false, false
		}
		// 24:00:00.0 is the end of the day, 24:00:00.00…01 is nothing, however small the rest.
		if hour == 24 {
			for _, c := range []byte(s[i+1 : end]) {
				if c != '0' {
					return Time{}, false, false
				}
			}
		}
		i = end
	}
	if hour == 24 {
		if minute != 0 || second != 0 {
			return Time{}, false, false
		}
		hour, nextDay = 0, true
	}
	z, ok := scanZone(s[i:])
	return Time{(hour*3600+minute*60+second)*nsPerSecond + ns, z}, nextDay, ok
}

// scanZone reads what stands behind a time. The small z is none of XML Schema, but of the standard's own examples (DMN
// 1.5, table 77, is); seconds of an offset are there because time(h, m, s, offset) can make them and string() writes them.
func scanZone(s string) (z Zone, ok bool) {
	if s == "" {
		return Zone{}, true
	}
	switch s[0] {
	case 'Z', 'z':
		return Zone{fixed: true}, len(s) == 1
	case '@':
		r, ok := findRegion(s[1:])
		return Zone{region: r}, ok
	case '+', '-':
		if len(s) != 6 && len(s) != 9 || s[3] != ':' {
			return Zone{}, false
		}
		hour, ok1 := scanTwo(s, 1)
		minute, ok2 := scanTwo(s, 4)
		second, ok3 := int64(0), true
		if len(s) == 9 {
			second, ok3 = scanTwo(s, 7)
			ok3 = ok3 && s[6] == ':'
		}
		off := hour*3600 + minute*60 + second
		if !ok1 || !ok2 || !ok3 || minute > 59 || second > 59 || off > maxOffset {
			return Zone{}, false
		}
		if s[0] == '-' {
			off = -off
		}
		return Zone{offset: int32(off), fixed: true}, true
	}
	return Zone{}, false
}

// ParseDate reads a date: -?yyyy-mm-dd and nothing, Z or ±hh:mm (DMN 1.5, 10.3.4.1, date string; XML Schema 1.1, 3.3.9).
// A date of FEEL has no zone (10.3.2.3.5), so the zone is dropped.
func ParseDate(s string) (d Date, ok bool) {
	d, end, ok := scanDate(s)
	if !ok || end == len(s) {
		return d, ok
	}
	_, ok = scanDateZone(s[end:])
	return d, ok
}

// scanDateZone reads the zone of a date, which can't be a region.
func scanDateZone(s string) (z Zone, ok bool) {
	if s[0] == '@' {
		return Zone{}, false
	}
	return scanZone(s)
}

// ParseTime reads a time: hh:mm:ss(.s+)? and nothing, Z, ±hh:mm or @Region (DMN 1.5, 10.3.4.1, time string; XML Schema 1.1, 3.3.8).
// 24:00:00 is midnight.
func ParseTime(s string) (t Time, ok bool) {
	t, _, ok = scanTime(s)
	return t, ok
}

// ParseDateTime reads a date and time, as ParseDate and ParseTime with a T between (DMN 1.5, 10.3.4.1, date time string; XML
// Schema 1.1, 3.3.7). A date alone is its midnight, local or in its zone. 24:00:00 is midnight of the next day.
func ParseDateTime(s string) (dt DateTime, ok bool) {
	d, end, ok := scanDate(s)
	if !ok || end == len(s) {
		return DateTime{date: d}, ok
	}
	if s[end] != 'T' {
		z, ok := scanDateZone(s[end:])
		return DateTime{date: d, zone: z}, ok
	}
	return scanClock(d, s[end:])
}

// scanClock reads what stands behind the date of a date and time, a T and the time.
func scanClock(d Date, s string) (dt DateTime, ok bool) {
	t, nextDay, ok := scanTime(s[1:])
	if ok && nextDay {
		d, ok = dateOfEpochDay(d.epochDay() + 1)
	}
	return DateTime{d, t.ns, t.zone}, ok
}

// ParseDuration reads a duration and gives a Months or a Span (DMN 1.5, 10.3.4.1; XML Schema 1.1, 3.4.26 and 27).
// One with both months and days is neither.
func ParseDuration(s string) (v any, ok bool) {
	months, span, kind := scanDuration(s)
	switch kind {
	case 'M':
		return months, true
	case 'S':
		return span, true
	}
	return nil, false
}

// scanDuration tells by its kind which of the values it has read: M, S or, for none, 0.
func scanDuration(s string) (months Months, span Span, kind byte) {
	i := 0
	negative := len(s) > 0 && s[0] == '-'
	if negative {
		i = 1
	}
	if i >= len(s) || s[i] != 'P' {
		return 0, Span{}, 0
	}
	i++
	// Each component may come once, in the order of this string; the T stands before the last three.
	const order = "YMDTHMS"
	next, mon, sec, ns := 0, int64(0), int64(0), int64(0)
	for i < len(s) {
		if s[i] == 'T' {
			if next > 3 || i+1 == len(s) {
				return 0, Span{}, 0
			}
			next = 4
			i++
			continue
		}
		v, end, fits := scanDigits(s, i)
		if end == i || end == len(s) || !fits {
			return 0, Span{}, 0
		}
		i = end
		fraction := s[i] == '.'
		if fraction {
			// XML Schema asks for a digit behind the point; the suite has "PT0.S".
			if ns, i = scanFraction(s, i+1); i == len(s) {
				return 0, Span{}, 0
			}
		}
		at, last := next, 2
		if next > 3 {
			last = 6
		}
		for at <= last && order[at] != s[i] {
			at++
		}
		if at > last || fraction && at != 6 {
			return 0, Span{}, 0
		}
		unit, limit, sum := int64(1), int64(maxSpanSec), &sec
		switch at {
		case 0:
			unit, limit, sum = 12, maxMonths, &mon
		case 1:
			limit, sum = maxMonths, &mon
		case 2:
			unit = secPerDay
		case 4:
			unit = 3600
		case 5:
			unit = 60
		}
		// Below the limit each, so the sum of two can't overflow.
		if v > limit/unit || *sum+v*unit > limit {
			return 0, Span{}, 0
		}
		*sum += v * unit
		if at <= 1 {
			if kind == 'S' {
				return 0, Span{}, 0
			}
			kind = 'M'
		} else {
			if kind == 'M' {
				return 0, Span{}, 0
			}
			kind = 'S'
		}
		next = at + 1
		i++
	}
	if negative {
		return Months(-mon), Span{sec, int32(ns)}.neg(), kind
	}
	return Months(mon), Span{sec, int32(ns)}, kind
}

// ParseTemporal reads the text of an at literal, @"…" (DMN 1.5, grammar rule 65): a Date, Time, DateTime, Months
// or Span.
func ParseTemporal(s string) (v any, ok bool) {
	if len(s) < 3 {
		return nil, false
	}
	switch {
	case s[0] == 'P' || s[0] == '-' && s[1] == 'P':
		return ParseDuration(s)
	case s[2] == ':':
		if t, ok := ParseTime(s); ok {
			return t, true
		}
		return nil, false
	}
	d, end, ok := scanDate(s)
	if !ok {
		return nil, false
	}
	if end == len(s) {
		return d, true
	}
	if s[end] != 'T' {
		_, ok := scanDateZone(s[end:])
		return boxed(d, ok), ok
	}
	dt, ok := scanClock(d, s[end:])
	if !ok {
		return nil, false
	}
	return dt, true
}

// ---- writing ------------------------------------------------------------------------------------------------------

func appendTwo[T int32 | int64 | uint8](b []byte, v T) []byte {
	return append(b, '0'+byte(v/10%10), '0'+byte(v%10))
}

// appendFraction writes nanoseconds behind a point, without zeros at the end.
func appendFraction(b []byte, ns int64) []byte {
	if ns == 0 {
		return b
	}
	b = append(b, '.')
	for unit := int64(nsPerSecond / 10); ns > 0; unit /= 10 {
		b = append(b, '0'+byte(ns/unit))
		ns %= unit
	}
	return b
}

// AppendTo appends what String gives.
func (d Date) AppendTo(b []byte) []byte {
	y := int64(d.year)
	if y < 0 {
		b, y = append(b, '-'), -y
	}
	if y < 10_000 {
		b = appendTwo(appendTwo(b, y/100), y%100)
	} else {
		b = strconv.AppendInt(b, y, 10)
	}
	b = appendTwo(append(b, '-'), d.month)
	return appendTwo(append(b, '-'), d.day)
}

// String is the canonical form of FEEL's string() (DMN 1.5, 10.3.4.1; XML Schema 1.1, 3.3.9.2).
func (d Date) String() string { return string(d.AppendTo(make([]byte, 0, 16))) }

// AppendTo appends what String gives.
func (t Time) AppendTo(b []byte) []byte {
	sec := t.ns / nsPerSecond
	b = appendTwo(b, sec/3600)
	b = appendTwo(append(b, ':'), sec/60%60)
	b = appendTwo(append(b, ':'), sec%60)
	return t.zone.appendTo(appendFraction(b, t.ns%nsPerSecond))
}

// String is the canonical form of FEEL's string() (DMN 1.5, 10.3.4.1; XML Schema 1.1, 3.3.8.2), a region behind @.
func (t Time) String() string { return string(t.AppendTo(make([]byte, 0, 48))) }

// AppendTo appends what String gives.
func (d DateTime) AppendTo(b []byte) []byte {
	return Time{d.ns, d.zone}.AppendTo(append(d.date.AppendTo(b), 'T'))
}

// String is the canonical form of FEEL's string() (DMN 1.5, 10.3.4.1; XML Schema 1.1, 3.3.7.2), a region behind @.
func (d DateTime) String() string { return string(d.AppendTo(make([]byte, 0, 64))) }

// AppendTo appends what String gives.
func (m Months) AppendTo(b []byte) []byte {
	v := uint64(m)
	if m < 0 {
		b, v = append(b, '-'), -v
	}
	b = append(b, 'P')
	if v >= 12 {
		b = append(strconv.AppendUint(b, v/12, 10), 'Y')
	}
	if v%12 != 0 || v == 0 {
		b = append(strconv.AppendUint(b, v%12, 10), 'M')
	}
	return b
}

// String is the canonical form of FEEL's string() (XML Schema 1.1, E.3.3): P1Y2M, P0M.
func (m Months) String() string { return string(m.AppendTo(make([]byte, 0, 24))) }

// AppendTo appends what String gives.
func (s Span) AppendTo(b []byte) []byte {
	if s.sec < 0 {
		b, s = append(b, '-'), s.neg()
	}
	b = append(b, 'P')
	if s.sec >= secPerDay {
		b = append(strconv.AppendInt(b, s.sec/secPerDay, 10), 'D')
	}
	rest := s.sec % secPerDay
	if rest == 0 && s.ns == 0 {
		if s.sec == 0 {
			b = append(b, "T0S"...)
		}
		return b
	}
	b = append(b, 'T')
	if rest >= 3600 {
		b = append(strconv.AppendInt(b, rest/3600, 10), 'H')
	}
	if rest/60%60 != 0 {
		b = append(strconv.AppendInt(b, rest/60%60, 10), 'M')
	}
	if rest%60 != 0 || s.ns != 0 {
		b = strconv.AppendInt(b, rest%60, 10)
		b = append(appendFraction(b, int64(s.ns)), 'S')
	}
	return b
}

// String is the canonical form of FEEL's string() (XML Schema 1.1, E.3.3): P1DT2H3M4.5S, PT0S.
func (s Span) String() string { return string(s.AppendTo(make([]byte, 0, 40))) }
