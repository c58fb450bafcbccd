// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"cmp"
	"time"

	"github.com/cockroachdb/apd/v3"
)

// ---- properties ---------------------------------------------------------------------------------------------------

// property is a property of a date, a time, a date and time or a duration (DMN 1.5, tables 65 and 66). val is nil where the value
// has none (the offset of a local time), ok is false where its type has none. The components of a negative duration are
// negative.
func property(v any, name string) (val any, ok bool) {
	switch v := v.(type) {
	case Date:
		return dateProperty(v, name)
	case Time:
		off := int64(v.zone.offset)
		if v.zone.region != nil {
			off = int64(v.zone.region.standard)
		}
		return clockProperty(v.ns, v.zone, off, name)
	case DateTime:
		if val, ok := dateProperty(v.date, name); ok {
			return val, true
		}
		off := int64(v.zone.offset)
		if v.zone.region != nil && name == "time offset" {
			off = int64(v.zone.offsetOfWall(v.wall()))
		}
		return clockProperty(v.ns, v.zone, off, name)
	case Months:
		switch name {
		case "years":
			return apd.New(int64(v/12), 0), true
		case "months":
			return apd.New(int64(v%12), 0), true
		}
	case Span:
		return v.property(name)
	}
	return nil, false
}

func dateProperty(d Date, name string) (any, bool) {
	switch name {
	case "year":
		return apd.New(int64(d.year), 0), true
	case "month":
		return apd.New(int64(d.month), 0), true
	case "day":
		return apd.New(int64(d.day), 0), true
	case "weekday":
		return apd.New(d.isoWeekday(), 0), true
	}
	return nil, false
}

func clockProperty(ns int64, z Zone, off int64, name string) (any, bool) {
	sec := ns / nsPerSecond
	switch name {
	case "hour":
		return apd.New(sec/3600, 0), true
	case "minute":
		return apd.New(sec/60%60, 0), true
	case "second":
		return secondsNumber(sec%60, ns%nsPerSecond), true
	case "time offset":
		if z.IsLocal() {
			return nil, true
		}
		return Span{sec: off}, true
	case "timezone":
		if z.region == nil {
			return nil, true
		}
		return z.region.name, true
	}
	return nil, false
}

func (s Span) property(name string) (any, bool) {
	sign := int64(1)
	if s.sec < 0 {
		s, sign = s.neg(), -1
	}
	switch name {
	case "days":
		return apd.New(sign*(s.sec/secPerDay), 0), true
	case "hours":
		return apd.New(sign*(s.sec/3600%24), 0), true
	case "minutes":
		return apd.New(sign*(s.sec/60%60), 0), true
	case "seconds":
		return secondsNumber(sign*(s.sec%60), sign*int64(s.ns)), true
	}
	return nil, false
}

// secondsNumber is a number of seconds with its fraction, without zeros at the end.
func secondsNumber(sec, ns int64) *apd.Decimal {
	if ns == 0 {
		return apd.New(sec, 0)
	}
	v, exp := sec*nsPerSecond+ns, int32(-9)
	for v%10 == 0 {
		v /= 10
		exp++
	}
	return apd.New(v, exp)
}

// ---- addition and subtraction -------------------------------------------------------------------------------------

// addTemporal adds (DMN 1.5, table 57). The result is nil where the table has no row, or the sum is out of range.
func addTemporal(a, b any) any {
	switch a := a.(type) {
	case Date:
		switch b := b.(type) {
		case Months:
			return boxed(a.addMonths(b))
		case Span:
			return boxed(a.addSpan(b))
		}
	case Time:
		if b, ok := b.(Span); ok {
			return a.addSpan(b)
		}
	case DateTime:
		switch b := b.(type) {
		case Months:
			return boxed(a.addMonths(b))
		case Span:
			return boxed(a.addSpan(b))
		}
	case Months:
		switch b := b.(type) {
		case Date:
			return boxed(b.addMonths(a))
		case DateTime:
			return boxed(b.addMonths(a))
		case Months:
			return boxed(a.add(b))
		}
	case Span:
		switch b := b.(type) {
		case Date:
			return boxed(b.addSpan(a))
		case Time:
			return b.addSpan(a)
		case DateTime:
			return boxed(b.addSpan(a))
		case Span:
			return boxed(a.add(b))
		}
	}
	return nil
}

// subTemporal subtracts (DMN 1.5, table 57). A date beside a date and time is its midnight in universal time (10.3.2.3.5).
// The result is nil where the table has no row, where one operand is local and the other is not, or out of range.
func subTemporal(a, b any) any {
	switch a := a.(type) {
	case Date:
		switch b := b.(type) {
		case Date:
			return Span{sec: (a.epochDay() - b.epochDay()) * secPerDay}
		case DateTime:
			return boxed(a.midnight().sub(b))
		case Months:
			return boxed(a.addMonths(-b))
		case Span:
			return boxed(a.addSpan(b.neg()))
		}
	case Time:
		switch b := b.(type) {
		case Time:
			if a.zone.IsLocal() == b.zone.IsLocal() {
				return SpanOf(time.Duration(a.universal() - b.universal()))
			}
		case Span:
			return a.addSpan(b.neg())
		}
	case DateTime:
		switch b := b.(type) {
		case Date:
			return boxed(a.sub(b.midnight()))
		case DateTime:
			return boxed(a.sub(b))
		case Months:
			return boxed(a.addMonths(-b))
		case Span:
			return boxed(a.addSpan(b.neg()))
		}
	case Months:
		if b, ok := b.(Months); ok {
			return boxed(a.add(-b))
		}
	case Span:
		if b, ok := b.(Span); ok {
			return boxed(a.add(b.neg()))
		}
	}
	return nil
}

// boxed is FEEL's null if the value is none.
func boxed[T any](v T, ok bool) any {
	if !ok {
		return nil
	}
	return v
}

// midnight is the date as a date and time (DMN 1.5, 10.3.2.3.5): 00:00:00 in universal time.
func (d Date) midnight() DateTime { return DateTime{date: d, zone: Zone{fixed: true}} }

// addMonths goes to the same day of another month, or to its last day if that has fewer. Table 57 alone would make it the
// null of date(2021, 2, 31); as in XML Schema 1.1 (E.3.3) and the law of deadlines (§ 188 (3) BGB) it is the last day.
func (d Date) addMonths(m Months) (Date, bool) {
	if m < -maxMonths || m > maxMonths {
		return Date{}, false
	}
	y, m0 := floorDiv(int64(d.year)*12+int64(d.month)-1+int64(m), 12)
	if y < -maxYear || y > maxYear {
		return Date{}, false
	}
	day := min(int64(d.day), daysInMonth(y, m0+1))
	return Date{int32(y), uint8(m0 + 1), uint8(day)}, true
}

// addSpan is the day that the date's midnight comes to.
func (d Date) addSpan(s Span) (Date, bool) {
	days, _ := floorDiv(s.sec, secPerDay)
	return dateOfEpochDay(d.epochDay() + days)
}

// addSpan goes around the clock.
func (t Time) addSpan(s Span) Time {
	_, sec := floorDiv(s.sec, secPerDay)
	_, ns := floorDiv(t.ns+sec*nsPerSecond+int64(s.ns), nsPerDay)
	return Time{ns, t.zone}
}

func (d DateTime) addMonths(m Months) (DateTime, bool) {
	date, ok := d.date.addMonths(m)
	return DateTime{date, d.ns, d.zone}, ok
}

// addSpan moves the instant, so that a day in which a region turns its clocks has 23 or 25 hours.
func (d DateTime) addSpan(s Span) (DateTime, bool) {
	carry, ns := floorDiv(d.ns%nsPerSecond+int64(s.ns), nsPerSecond)
	if d.zone.region == nil {
		return ofWall(d.wall()+s.sec+carry, ns, d.zone)
	}
	sec, _ := d.instant()
	sec += s.sec + carry
	return ofWall(sec+int64(offsetAt(d.zone.region.loc, sec)), ns, d.zone)
}

// sub is the time between two instants, or between two wall clocks without a zone.
func (d DateTime) sub(e DateTime) (Span, bool) {
	if d.zone.IsLocal() != e.zone.IsLocal() {
		return Span{}, false
	}
	ds, dn := d.instant()
	es, en := e.instant()
	return Span{ds, int32(dn)}.add(Span{es, int32(en)}.neg())
}

func (m Months) add(n Months) (Months, bool) {
	if m < -maxMonths || m > maxMonths || n < -maxMonths || n > maxMonths {
		return 0, false
	}
	sum := m + n
	return sum, sum >= -maxMonths && sum <= maxMonths
}

func (s Span) add(t Span) (Span, bool) {
	carry, ns := floorDiv(int64(s.ns)+int64(t.ns), nsPerSecond)
	sum := Span{s.sec + t.sec + carry, int32(ns)}
	return sum, sum.inRange()
}

func (s Span) inRange() bool { return s.sec >= -maxSpanSec && s.sec <= maxSpanSec }

func (s Span) neg() Span {
	if s.ns == 0 {
		return Span{sec: -s.sec}
	}
	return Span{-s.sec - 1, nsPerSecond - s.ns}
}

// negTemporal is the duration with the other sign (DMN 1.5, table 62), nil for anything else.
func negTemporal(v any) any {
	switch v := v.(type) {
	case Months:
		return -v
	case Span:
		return v.neg()
	}
	return nil
}

// ---- multiplication and division ----------------------------------------------------------------------------------

// exact is a context in which no product of a duration (28 digits) and a FEEL number (34) is rounded, and no quotient is
// rounded before the digits that count.
func exact() apd.Context {
	return apd.Context{Precision: 100, MaxExponent: apd.MaxExponent, MinExponent: apd.MinExponent, Rounding: apd.RoundDown}
}

// truncated is the integer part of d in place; ok is false if it isn't finite or has more than 30 digits.
func truncated(d *apd.Decimal) bool {
	if d.Form != apd.Finite {
		return false
	}
	switch digits := d.NumDigits() + int64(d.Exponent); {
	case d.IsZero() || digits <= 0:
		d.SetInt64(0)
		return true
	case digits > 30:
		return false
	}
	c := exact()
	_, err := c.Quantize(d, d, 0)
	return err == nil && d.Form == apd.Finite
}

// scaledInt64 is the integer part of d·10^shift. ok is false if it is no int64.
func scaledInt64(d *apd.Decimal, shift int32) (v int64, ok bool) {
	if d.Form != apd.Finite || d.Exponent > apd.MaxExponent-shift {
		return 0, false
	}
	var t apd.Decimal
	t.Set(d)
	t.Exponent += shift
	if !truncated(&t) || !t.Coeff.IsInt64() {
		return 0, false
	}
	v = t.Coeff.Int64()
	if t.Negative {
		v = -v
	}
	return v, true
}

// smallInt is n as an int64 if it is written as an integer below 10^9, for the short way.
func smallInt(n *apd.Decimal) (v int64, ok bool) {
	if n.Form != apd.Finite || n.Exponent != 0 || !n.Coeff.IsInt64() {
		return 0, false
	}
	v = n.Coeff.Int64()
	if v > nsPerSecond {
		return 0, false
	}
	if n.Negative {
		v = -v
	}
	return v, true
}

// decimal is the duration in nanoseconds.
func (s Span) decimal() *apd.Decimal {
	d := new(apd.Decimal)
	d.Coeff.SetInt64(s.sec)
	d.Coeff.Mul(&d.Coeff, apd.NewBigInt(nsPerSecond))
	d.Coeff.Add(&d.Coeff, apd.NewBigInt(int64(s.ns)))
	if d.Coeff.Sign() < 0 {
		d.Coeff.Abs(&d.Coeff)
		d.Negative = true
	}
	return d
}

// spanOfDecimal is the inverse, digits beyond the nanosecond cut off.
func spanOfDecimal(d *apd.Decimal) (Span, bool) {
	if !truncated(d) {
		return Span{}, false
	}
	var sec, ns apd.BigInt
	sec.QuoRem(&d.Coeff, apd.NewBigInt(nsPerSecond), &ns)
	if !sec.IsInt64() {
		return Span{}, false
	}
	s := Span{sec.Int64(), int32(ns.Int64())}
	if d.Negative {
		s = s.neg()
	}
	return s, s.inRange()
}

func monthsOfDecimal(d *apd.Decimal) (Months, bool) {
	v, ok := scaledInt64(d, 0)
	return Months(v), ok && v >= -maxMonths && v <= maxMonths
}

// mulTemporal multiplies a duration by a number (DMN 1.5, table 59). What is finer than a month or a nanosecond is cut off,
// towards zero. The result is nil for other types and out of range.
func mulTemporal(v any, n *apd.Decimal) any {
	if n == nil || n.Form != apd.Finite {
		return nil
	}
	k, small := smallInt(n)
	c := exact()
	var d apd.Decimal
	switch v := v.(type) {
	case Months:
		if small && v >= -nsPerSecond && v <= nsPerSecond {
			return boxed(v.scaled(k))
		}
		if _, err := c.Mul(&d, apd.New(int64(v), 0), n); err != nil {
			return nil
		}
		return boxed(monthsOfDecimal(&d))
	case Span:
		if small && v.sec >= -nsPerSecond && v.sec <= nsPerSecond {
			carry, ns := floorDiv(int64(v.ns)*k, nsPerSecond)
			s := Span{v.sec*k + carry, int32(ns)}
			return boxed(s, s.inRange())
		}
		if _, err := c.Mul(&d, v.decimal(), n); err != nil {
			return nil
		}
		return boxed(spanOfDecimal(&d))
	}
	return nil
}

func (m Months) scaled(k int64) (Months, bool) {
	p := m * Months(k)
	return p, p >= -maxMonths && p <= maxMonths
}

// divTemporal divides a duration by a number, which gives a duration as mulTemporal does, or by one of its kind, which gives
// a number of 34 digits (DMN 1.5, table 59). The result is nil for other types, a division by zero and out of range.
func divTemporal(a, b any) any {
	switch b := b.(type) {
	case *apd.Decimal:
		if b == nil || b.Form != apd.Finite || b.IsZero() {
			return nil
		}
		return divByNumber(a, b)
	case Months:
		if a, ok := a.(Months); ok && b != 0 {
			return ratio(apd.New(int64(a), 0), apd.New(int64(b), 0))
		}
	case Span:
		if a, ok := a.(Span); ok && b != (Span{}) {
			if a.ns == 0 && b.ns == 0 {
				return ratio(apd.New(a.sec, 0), apd.New(b.sec, 0))
			}
			return ratio(a.decimal(), b.decimal())
		}
	}
	return nil
}

func divByNumber(v any, n *apd.Decimal) any {
	c := exact()
	var d apd.Decimal
	switch v := v.(type) {
	case Months:
		if k, small := smallInt(n); small {
			return v / Months(k)
		}
		if _, err := c.Quo(&d, apd.New(int64(v), 0), n); err != nil {
			return nil
		}
		return boxed(monthsOfDecimal(&d))
	case Span:
		if _, err := c.Quo(&d, v.decimal(), n); err != nil {
			return nil
		}
		return boxed(spanOfDecimal(&d))
	}
	return nil
}

// ratio divides as FEEL's numbers do (DMN 1.5, 10.3.2.3.1: decimal128), without zeros at the end.
func ratio(a, b *apd.Decimal) any {
	c := apd.Context{Precision: 34, MaxExponent: 6144, MinExponent: -6143, Rounding: apd.RoundHalfEven}
	d := new(apd.Decimal)
	if _, err := c.Quo(d, a, b); err != nil || d.Form != apd.Finite {
		return nil
	}
	d.Reduce(d)
	// An integer is written as one: 20 and not 2E+1.
	if d.Exponent > 0 {
		if _, err := c.Quantize(d, d, 0); err != nil {
			return nil
		}
	}
	return d
}

// ---- comparison ---------------------------------------------------------------------------------------------------

// compareTemporal orders two values of one type (DMN 1.5, tables 52 to 54). If one of two times, or of two dates and times, is
// local and the other is not, the local one counts in the zone of the other. ok is false if the types differ.
func compareTemporal(a, b any) (c int, ok bool) {
	switch a := a.(type) {
	case Date:
		if b, ok := b.(Date); ok {
			return a.compare(b), true
		}
	case Time:
		if b, ok := b.(Time); ok {
			if a.zone.IsLocal() != b.zone.IsLocal() {
				return cmp.Compare(a.ns, b.ns), true
			}
			return cmp.Compare(a.universal(), b.universal()), true
		}
	case DateTime:
		if b, ok := b.(DateTime); ok {
			return a.compare(b), true
		}
	case Months:
		if b, ok := b.(Months); ok {
			return cmp.Compare(a, b), true
		}
	case Span:
		if b, ok := b.(Span); ok {
			if c := cmp.Compare(a.sec, b.sec); c != 0 {
				return c, true
			}
			return cmp.Compare(a.ns, b.ns), true
		}
	}
	return 0, false
}

func (d Date) compare(e Date) int {
	a := int64(d.year)<<16 | int64(d.month)<<8 | int64(d.day)
	b := int64(e.year)<<16 | int64(e.month)<<8 | int64(e.day)
	return cmp.Compare(a, b)
}

func (d DateTime) compare(e DateTime) int {
	switch {
	case d.zone.IsLocal():
		d.zone = e.zone
	case e.zone.IsLocal():
		e.zone = d.zone
	}
	if d.zone == e.zone && d.zone.region == nil {
		if c := d.date.compare(e.date); c != 0 {
			return c
		}
		return cmp.Compare(d.ns, e.ns)
	}
	if d == e {
		return 0
	}
	ds, dn := d.instant()
	es, en := e.instant()
	if c := cmp.Compare(ds, es); c != 0 {
		return c
	}
	return cmp.Compare(dn, en)
}

// equalTemporal is FEEL's = on two values of one type (DMN 1.5, table 53): the same instant, however it is written. ok is
// false where compareTemporal has no answer.
func equalTemporal(a, b any) (eq, ok bool) {
	c, ok := compareTemporal(a, b)
	return ok && c == 0, ok
}

// isTemporal is FEEL's is() (DMN 1.5, 10.3.4.6): the same type and value, its zone written alike. Z and +00:00 are one.
func isTemporal(a, b any) bool {
	switch a := a.(type) {
	case Date:
		b, ok := b.(Date)
		return ok && a == b
	case Time:
		b, ok := b.(Time)
		return ok && a == b
	case DateTime:
		b, ok := b.(DateTime)
		return ok && a == b
	case Months:
		b, ok := b.(Months)
		return ok && a == b
	case Span:
		b, ok := b.(Span)
		return ok && a == b
	}
	return false
}

// ---- conversions and calendar functions ---------------------------------------------------------------------------

// toDate is date(from) for a date or a date and time (DMN 1.5, 10.3.4.1), nil for anything else.
func toDate(v any) any {
	switch v := v.(type) {
	case Date:
		return v
	case DateTime:
		return v.date
	}
	return nil
}

// toTime is time(from) for a time, a date and time or a date, whose time is 00:00:00Z (DMN 1.5, 10.3.4.1), nil for anything
// else.
func toTime(v any) any {
	switch v := v.(type) {
	case Time:
		return v
	case DateTime:
		return Time{v.ns, v.zone}
	case Date:
		return Time{zone: Zone{fixed: true}}
	}
	return nil
}

// toDateTime is the implicit conversion of a date to its midnight in universal time (DMN 1.5, 10.3.2.9.4); a date and time
// stays what it is, anything else is nil.
func toDateTime(v any) any {
	switch v := v.(type) {
	case DateTime:
		return v
	case Date:
		return v.midnight()
	}
	return nil
}

// dayOf is the day of a date or a date and time.
func dayOf(v any) (Date, bool) {
	switch v := v.(type) {
	case Date:
		return v, true
	case DateTime:
		return v.date, true
	}
	return Date{}, false
}

// yearsMonthsBetween is years and months duration(from, to) (DMN 1.5, 10.3.4.1): the full months between two days, negative
// if to is before from. Times of day and zones don't count.
func yearsMonthsBetween(from, to any) any {
	a, ok1 := dayOf(from)
	b, ok2 := dayOf(to)
	if !ok1 || !ok2 {
		return nil
	}
	m := (int64(b.year)-int64(a.year))*12 + int64(b.month) - int64(a.month)
	switch {
	case m > 0 && b.day < a.day:
		m--
	case m < 0 && b.day > a.day:
		m++
	}
	return Months(m)
}

// dayOfYear is day of year(date), 1 to 366 (DMN 1.5, 10.3.4.8).
func dayOfYear(v any) any {
	d, ok := dayOf(v)
	if !ok {
		return nil
	}
	return apd.New(d.yearDay(), 0)
}

// dayOfWeek is day of week(date): "Monday" to "Sunday" (DMN 1.5, 10.3.4.8).
func dayOfWeek(v any) any {
	d, ok := dayOf(v)
	if !ok {
		return nil
	}
	return time.Weekday(d.isoWeekday() % 7).String()
}

// monthOfYear is month of year(date): "January" to "December" (DMN 1.5, 10.3.4.8).
func monthOfYear(v any) any {
	d, ok := dayOf(v)
	if !ok {
		return nil
	}
	return d.Month().String()
}

// weekOfYear is week of year(date): the week of ISO 8601, 1 to 53 (DMN 1.5, 10.3.4.8).
func weekOfYear(v any) any {
	d, ok := dayOf(v)
	if !ok {
		return nil
	}
	return apd.New(d.isoWeek(), 0)
}
