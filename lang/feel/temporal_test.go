// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/apd/v3"
)

// lit reads a temporal literal of a test.
func lit(t testing.TB, s string) any {
	t.Helper()
	v, ok := ParseTemporal(s)
	if !ok {
		t.Fatalf("%q is no temporal literal", s)
	}
	return v
}

// num reads a number of a test.
func numberOf(t testing.TB, s string) *apd.Decimal {
	t.Helper()
	d, _, err := apd.NewFromString(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// shown is how a test writes a value.
func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return v
	case *apd.Decimal:
		return v.Text('f')
	case interface{ String() string }:
		return v.String()
	}
	return "?"
}

// operand is a literal of a test: a number, null, or a temporal value.
func operand(t testing.TB, s string) any {
	t.Helper()
	if s == "null" {
		return nil
	}
	if v, ok := ParseTemporal(s); ok {
		return v
	}
	return numberOf(t, s)
}

func TestTemporalText(t *testing.T) {
	for _, c := range []struct{ in, kind, want string }{
		{"2017-12-31", "date", "2017-12-31"},
		{"-2017-01-01", "date", "-2017-01-01"},
		{"999999999-12-31", "date", "999999999-12-31"},
		{"-999999999-12-31", "date", "-999999999-12-31"},
		{"0000-02-29", "date", "0000-02-29"}, // XML Schema 1.1 has a year 0, and it is a leap year
		{"0998-12-31", "date", "0998-12-31"},
		{"2000-02-29", "date", "2000-02-29"},
		{"2012-12-25T", "date", ""},
		{"", "date", ""},
		{"2012/12/25", "date", ""},
		{"9999999999-12-25", "date", ""},
		{"1000000000-12-25", "date", ""},
		{"2017-13-10", "date", ""},
		{"2017-00-10", "date", ""},
		{"2017-12-32", "date", ""},
		{"2017-12-00", "date", ""},
		{"2017-02-29", "date", ""},
		{"1900-02-29", "date", ""},
		{"998-12-31", "date", ""},
		{"01211-12-31", "date", ""},
		{"2012T-12-2511:00:00Z", "date", ""},
		{"+2012-12-02", "date", ""},
		{"2017-1-1", "date", ""},
		{" 2017-01-01", "date", ""},
		{"2017-01-01Z", "date", "2017-01-01"}, // in the lexical space of the standard, which has no zone in its value
		{"2017-01-01+02:00", "date", "2017-01-01"},
		{"2017-01-01@Europe/Berlin", "date", ""},
		{"2017-01-01+2:00", "date", ""},
		{"2017-01-01x", "date", ""},
		{"--2017-01-01", "date", ""},
		{"２０１７-01-01", "date", ""},

		{"01:02:03", "time", "01:02:03"},
		{"11:22:33.444", "time", "11:22:33.444"},
		{"11:22:33.500", "time", "11:22:33.5"},
		{"11:22:33.123456789", "time", "11:22:33.123456789"},
		{"11:22:33.1234567899", "time", "11:22:33.123456789"}, // finer than a nanosecond is cut off
		{"23:59:00Z", "time", "23:59:00Z"},
		{"23:00:50z", "time", "23:00:50Z"}, // the standard's own example of is()
		{"11:22:33-00:00", "time", "11:22:33Z"},
		{"13:20:00+02:00", "time", "13:20:00+02:00"},
		{"13:20:00-14:00", "time", "13:20:00-14:00"},
		{"11:59:45+02:45:55", "time", "11:59:45+02:45:55"},
		{"00:01:00@Etc/UTC", "time", "00:01:00@Etc/UTC"},
		{"00:01:00@Europe/Paris", "time", "00:01:00@Europe/Paris"},
		{"00:01:00@America/Argentina/Buenos_Aires", "time", "00:01:00@America/Argentina/Buenos_Aires"},
		{"24:00:00", "time", "00:00:00"},
		{"24:00:00.000", "time", "00:00:00"},
		{"24:00:00.0000000000001", "time", ""},
		{"23:59:60", "time", ""},
		{"24:00:01", "time", ""},
		{"24:01:00", "time", ""},
		{"25:00:00", "time", ""},
		{"00:60:00", "time", ""},
		{"7:00:00", "time", ""},
		{"07:1:00", "time", ""},
		{"07:01:2", "time", ""},
		{"07:20", "time", ""},
		{"07:01:02.", "time", ""},
		{"13:20:00@xyz/abc", "time", ""},
		{"13:20:00@", "time", ""},
		{"13:20:00@Local", "time", ""},
		{"13:20:00@localtime", "time", ""},
		{"13:20:00@posix/Europe/Paris", "time", ""},
		{"13:20:00@Europe/../Europe/Paris", "time", ""},
		{"13:20:00@/etc/passwd", "time", ""},
		{"13:20:00@Europe", "time", ""},
		{"13:20:00+19:00", "time", ""},
		{"13:20:00+14:01", "time", ""},
		{"13:20:00+5:00", "time", ""},
		{"13:20:00+05:60", "time", ""},
		{"13:20:00+02:00@Europe/Paris", "time", ""},
		{"13:20:00@Europe/Paris+02:00", "time", ""},
		{"11:30:00T", "time", ""},
		{"T11:30:00", "time", ""},

		{"2012-12-24", "datetime", "2012-12-24T00:00:00"},
		{"2017-12-31T11:22:33.567Z", "datetime", "2017-12-31T11:22:33.567Z"},
		{"-99999-12-31T11:22:33", "datetime", "-99999-12-31T11:22:33"},
		{"2017-08-10T10:20:00@Europe/Paris", "datetime", "2017-08-10T10:20:00@Europe/Paris"},
		{"999999999-12-31T23:59:59.999999999@Europe/Paris", "datetime", "999999999-12-31T23:59:59.999999999@Europe/Paris"},
		{"-999999999-12-31T23:59:59.999999999+02:00", "datetime", "-999999999-12-31T23:59:59.999999999+02:00"},
		{"2021-12-31T24:00:00", "datetime", "2022-01-01T00:00:00"},
		{"999999999-12-31T24:00:00", "datetime", ""},
		{"2012-03-07Z", "datetime", "2012-03-07T00:00:00Z"}, // the standard's own example of a property
		{"2012-03-07-05:00", "datetime", "2012-03-07T00:00:00-05:00"},
		{"2012-03-07@Europe/Berlin", "datetime", ""},
		{"2012-03-07ZT10:00:00", "datetime", ""},
		{"2012-12-24T", "datetime", ""},
		{"2012-12-24t10:00:00", "datetime", ""},
		{"2012-12-24 10:00:00", "datetime", ""},
		{"11:00:00", "datetime", ""},
		{"2011-12-0310:15:30", "datetime", ""},
		{"2011-12-03T10:15:30+01:00@Europe/Paris", "datetime", ""},
		{"2017-12-31T24:00:01", "datetime", ""},
		{"2017-12-31T13:20:00+05:0", "datetime", ""},
		{"2017-13-0T11:22:33", "datetime", ""},
		{"+99999-12-01T11:22:33", "datetime", ""},

		{"P1D", "duration", "P1D"},
		{"PT1000M0.999999999S", "duration", "PT16H40M0.999999999S"},
		{"P1DT2H3M4.123456789S", "duration", "P1DT2H3M4.123456789S"},
		{"PT0.999S", "duration", "PT0.999S"},
		{"PT0.S", "duration", "PT0S"}, // not XML Schema's, but the suite's
		{"P0D", "duration", "PT0S"},
		{"-P0D", "duration", "PT0S"},
		{"-PT1H2M", "duration", "-PT1H2M"},
		{"-PT0.5S", "duration", "-PT0.5S"},
		{"-P1DT0.000000001S", "duration", "-P1DT0.000000001S"},
		{"PT240H", "duration", "P10D"},
		{"P2DT274M", "duration", "P2DT4H34M"},
		{"P999999999D", "duration", "P999999999D"},
		{"P1Y27M", "duration", "P3Y3M"},
		{"P0Y", "duration", "P0M"},
		{"-P100M", "duration", "-P8Y4M"},
		{"P999999999M", "duration", "P83333333Y3M"},
		{"-P99999999Y", "duration", "-P99999999Y"},
		{"P", "duration", ""},
		{"-P", "duration", ""},
		{"PT", "duration", ""},
		{"P1DT", "duration", ""},
		{"P0", "duration", ""},
		{"1Y", "duration", ""},
		{"P1H", "duration", ""},
		{"P1S", "duration", ""},
		{"PT1D", "duration", ""},
		{"P1M1Y", "duration", ""},
		{"P1D1D", "duration", ""},
		{"PT1S1M", "duration", ""},
		{"PT1.5M", "duration", ""},
		{"PT.5S", "duration", ""},
		{"PT1.", "duration", ""},
		{"P1Y1D", "duration", ""}, // neither of FEEL's two types
		{"P1MT1M", "duration", ""},
		{"+P1D", "duration", ""},
		{"P-1D", "duration", ""},
		{"p1d", "duration", ""},
		{"P1W", "duration", ""},
		{"P99999999999999999999Y", "duration", ""},
		{"P99999999999999999999D", "duration", ""},
	} {
		var got any
		var ok bool
		switch c.kind {
		case "date":
			got, ok = ParseDate(c.in)
		case "time":
			got, ok = ParseTime(c.in)
		case "datetime":
			got, ok = ParseDateTime(c.in)
		case "duration":
			got, ok = ParseDuration(c.in)
		}
		if ok != (c.want != "") || ok && shown(got) != c.want {
			t.Errorf("%s(%q) = %s, %v; want %q", c.kind, c.in, shown(got), ok, c.want)
		}
		// An at literal takes the same texts; only a date is a date there.
		if v, ok := ParseTemporal(c.in); c.kind != "datetime" || strings.Contains(c.in, "T") {
			if ok != (c.want != "") || ok && shown(v) != c.want {
				t.Errorf("@%q = %s, %v; want %q", c.in, shown(v), ok, c.want)
			}
		}
	}
	if _, ok := ParseTemporal("foo"); ok {
		t.Error(`@"foo" is a value`)
	}
}

func TestTemporalArithmetic(t *testing.T) {
	for _, c := range []struct{ a, op, b, want string }{
		{"2021-01-12T10:10:10+11:00", "+", "P1DT1H", "2021-01-13T11:10:10+11:00"},
		{"2021-01-01T10:10:10", "+", "-P1D", "2020-12-31T10:10:10"},
		{"2021-01-01T24:00:00", "+", "-PT1S", "2021-01-01T23:59:59"},
		{"2021-01-12T10:10:10@Australia/Melbourne", "+", "P1DT1H", "2021-01-13T11:10:10@Australia/Melbourne"},
		{"-2021-01-01T10:10:10+11:00", "+", "-P1D", "-2022-12-31T10:10:10+11:00"},
		{"-2021-01-01T10:10:10@Australia/Melbourne", "-", "P1M", "-2022-12-01T10:10:10@Australia/Melbourne"},
		{"2021-01-01T10:10:10.25", "-", "PT0.5S", "2021-01-01T10:10:09.75"},
		{"P1M", "+", "2021-01-31", "2021-02-28"}, // the day is clamped
		{"2020-02-29", "+", "P1Y", "2021-02-28"},
		{"2021-03-31", "-", "P1M", "2021-02-28"},
		{"2021-01-01", "+", "PT36H", "2021-01-02"},
		{"2021-01-02", "-", "PT1S", "2021-01-01"},
		{"2021-01-02", "-", "-PT25H", "2021-01-03"},
		{"2020-03-01", "-", "PT24H", "2020-02-29"},
		{"0001-01-01", "-", "P1D", "0000-12-31"},
		{"999999999-12-31", "+", "P1D", "null"},
		{"999999999-12-31", "+", "P1M", "null"},
		{"-999999999-01-01", "-", "P1D", "null"},
		{"999999999-12-31T23:59:59", "+", "PT1S", "null"},
		{"2021-01-01", "+", "P9999999999D", "27381091-01-26"},
		// The night of 28 March 2021 has no half past two in Berlin, that of 31 October has it twice.
		{"2021-03-28T01:30:00@Europe/Berlin", "+", "PT1H", "2021-03-28T03:30:00@Europe/Berlin"},
		{"2021-03-27T12:00:00@Europe/Berlin", "+", "P1D", "2021-03-28T13:00:00@Europe/Berlin"},
		{"2021-03-28T03:30:00@Europe/Berlin", "-", "2021-03-28T01:30:00@Europe/Berlin", "PT1H"},
		{"2021-10-31T03:00:00@Europe/Berlin", "-", "2021-10-31T02:30:00@Europe/Berlin", "PT1H30M"},
		{"2021-03-28T02:30:00@Europe/Berlin", "-", "2021-03-28T03:30:00@Europe/Berlin", "PT0S"},

		{"10:15:00", "+", "PT1H", "11:15:00"},
		{"P1D", "+", "10:15:00+11:00", "10:15:00+11:00"},
		{"10:15:00@Australia/Melbourne", "+", "-PT11H", "23:15:00@Australia/Melbourne"},
		{"23:59:59.9", "+", "PT0.2S", "00:00:00.1"},
		{"10:10:10", "-", "11:10:10", "-PT1H"},
		{"10:10:10+11:00", "-", "09:10:10Z", "-PT10H"},
		{"10:10:10@Australia/Melbourne", "-", "09:10:10@Australia/Melbourne", "PT1H"},
		{"10:10:10", "-", "09:10:10Z", "null"},

		{"2021-01-02", "-", "1995-01-01", "P9498D"},
		{"2021-01-02T10:10:10@Europe/Paris", "-", "2021-01-01T10:10:10@Asia/Dhaka", "P1DT5H"},
		{"2021-01-02T10:10:10@Europe/Paris", "-", "2021-01-01", "P1DT9H10M10S"},
		{"2021-01-02", "-", "2021-01-01T10:10:10@Australia/Melbourne", "P1DT49M50S"},
		{"2021-01-02", "-", "2021-01-02T00:00:00Z", "PT0S"},
		{"2021-01-02", "-", "2021-01-01T10:10:10", "null"},
		{"2021-01-02T10:10:10+02:00", "-", "2021-01-01T10:10:10", "null"},
		{"999999999-12-31", "-", "-999999999-01-01", "P730484999633D"},
		{"2016-12-24T23:59:00-08:00", "-", "2015-12-24T00:00:01-01:00", "P367DT6H58M59S"},

		{"P1Y", "+", "-P2M", "P10M"},
		{"-P1Y", "-", "-P2M", "-P10M"},
		{"-P1D", "-", "PT2H", "-P1DT2H"},
		{"PT0.3S", "-", "PT0.4S", "-PT0.1S"},
		{"P13DT2H14S", "+", "P367DT6H58M59S", "P380DT8H59M13S"},
		{"P1D", "+", "P1Y", "null"},
		{"P1Y", "-", "P1D", "null"},
		{"10:10:10", "+", "P1Y", "null"},
		{"2021-01-01", "+", "2021-01-01", "null"},
		{"2021-01-01", "+", "10", "null"},
		{"P1D", "-", "2021-01-01", "null"},
		{"P1D", "+", "null", "null"},

		{"P1D", "*", "10", "P10D"},
		{"-P1D", "*", "-10", "P10D"},
		{"P4DT1H", "*", "1.5", "P6DT1H30M"},
		{"PT0.4S", "*", "-3", "-PT1.2S"},
		{"PT0.000000001S", "*", "0.5", "PT0S"},
		{"PT0.000000003S", "*", "-0.5", "-PT0.000000001S"},
		{"P1D", "*", "0", "PT0S"},
		{"P1D", "*", "1E+3", "P1000D"},
		{"P999999999D", "*", "10000000000", "null"},
		{"P1D", "*", "1E+6000", "null"},
		{"P1D", "*", "1E-6000", "PT0S"},
		{"P1D", "*", "NaN", "null"},
		{"P1Y11M", "*", "-2.5", "-P4Y9M"},
		{"P2M", "*", "1.5", "P3M"},
		{"P99999999Y", "*", "99999999999999", "null"},
		{"10:10:10", "*", "2", "null"},
		{"P10Y11M", "/", "2.5", "P4Y4M"},
		{"P10Y11M", "/", "-2.5", "-P4Y4M"},
		{"P10DT23H", "/", "2.5", "P4DT9H12M"},
		{"P10Y", "/", "0", "null"},
		{"P10D", "/", "0.0", "null"},
		{"P10D", "/", "Infinity", "null"},
		{"P10Y", "/", "P5Y", "2"},
		{"P100D", "/", "P5D", "20"},
		{"P1D", "/", "P3D", "0.3333333333333333333333333333333333"},
		{"PT1S", "/", "PT0.5S", "2"},
		{"P10D", "/", "P0D", "null"},
		{"P10D", "/", "P1Y", "null"},
		{"P10D", "/", "2021-01-01", "null"},
	} {
		a, b := operand(t, c.a), operand(t, c.b)
		var got any
		switch c.op {
		case "+":
			got = addTemporal(a, b)
			if back := addTemporal(b, a); back != got {
				t.Errorf("%s + %s = %s, but the other way %s", c.a, c.b, shown(got), shown(back))
			}
		case "-":
			got = subTemporal(a, b)
		case "*":
			got = mulTemporal(a, b.(*apd.Decimal))
		case "/":
			got = divTemporal(a, b)
		}
		if shown(got) != c.want {
			t.Errorf("%s %s %s = %s, want %s", c.a, c.op, c.b, shown(got), c.want)
		}
	}
	for in, want := range map[string]string{
		"P1D": "-P1D", "-P1Y": "P1Y", "PT0.1S": "-PT0.1S", "P0M": "P0M", "2021-01-01": "null", "10:10:10": "null",
	} {
		if got := negTemporal(lit(t, in)); shown(got) != want {
			t.Errorf("-%s = %s, want %s", in, shown(got), want)
		}
	}
}

func TestTemporalComparison(t *testing.T) {
	for _, c := range []struct{ a, want, b, is string }{
		{"2018-12-08", "=", "2018-12-08", "is"},
		{"2018-12-08", "<", "2018-12-09", ""},
		{"-0001-12-08", "<", "0000-01-01", ""},
		{"2018-12-08", "null", "2018-12-08T00:00:00Z", ""},
		{"2018-12-08", "null", "P1D", ""},
		{"10:30:05", "<", "10:30:05.1", ""},
		{"10:30:00+01:00", "=", "09:30:00Z", ""},
		{"23:00:50z", "=", "23:00:50+00:00", "is"},
		{"23:00:50Z", "=", "23:00:50", ""}, // the local one takes the zone of the other; is() tells them apart
		{"10:30:00+05:00", "<", "10:30:01", ""},
		{"10:30:00@Europe/Berlin", "=", "10:30:00", ""},
		{"10:30:00@Etc/UTC", "=", "10:30:00Z", ""},
		{"10:30:00@Europe/Berlin", "=", "10:30:00@Europe/Paris", ""},
		{"10:30:00@Europe/Berlin", "=", "10:30:00@Europe/Berlin", "is"},
		{"2018-12-08T10:30:08", "=", "2018-12-08T10:30:08.000", "is"},
		{"2018-12-08T10:30:08", "=", "2018-12-08T10:30:08Z", ""},
		{"2018-12-08T10:30:08", "<", "2018-12-08T10:30:09-11:00", ""},
		{"2018-12-08T10:30:08@Europe/Berlin", "<", "2018-12-08T10:30:09", ""},
		{"2018-12-08T10:30:08+01:00", "<", "2018-12-08T10:30:08Z", ""},
		{"2018-12-08T10:30:00@Europe/Berlin", "=", "2018-12-08T09:30:00Z", ""},
		{"2018-06-08T10:30:00@Europe/Berlin", "=", "2018-06-08T08:30:00@Etc/UTC", ""},
		{"2018-12-08T24:00:00", "=", "2018-12-09T00:00:00", "is"},
		{"P1Y", "=", "P12M", "is"},
		{"P1Y", "null", "P365D", ""},
		{"P0M", "null", "PT0S", ""},
		{"P1D", "=", "PT24H", "is"},
		{"-PT0.5S", "<", "-PT0.4S", ""},
		{"-PT1.5S", "<", "-PT1S", ""},
	} {
		a, b := lit(t, c.a), lit(t, c.b)
		check := func(a, b any, want int) {
			t.Helper()
			got, ok := compareTemporal(a, b)
			if ok != (c.want != "null") || ok && got != want {
				t.Errorf("compare(%s, %s) = %d, %v; want %s", shown(a), shown(b), got, ok, c.want)
			}
			if eq, ok2 := equalTemporal(a, b); ok2 != ok || eq != (ok && want == 0) {
				t.Errorf("equal(%s, %s) = %v, %v", shown(a), shown(b), eq, ok2)
			}
		}
		want := 0
		if c.want == "<" {
			want = -1
		}
		check(a, b, want)
		check(b, a, -want)
		if got := isTemporal(a, b); got != (c.is == "is") {
			t.Errorf("is(%s, %s) = %v", c.a, c.b, got)
		}
	}
	if isTemporal("a", "a") || isTemporal(nil, nil) {
		t.Error("is() holds for what is no temporal value")
	}
}

func TestTemporalProperties(t *testing.T) {
	for _, c := range []struct{ v, name, want string }{
		{"2018-12-10", "year", "2018"},
		{"2018-12-10", "month", "12"},
		{"2018-12-10", "day", "10"},
		{"2018-12-10", "weekday", "1"},
		{"2018-12-16", "weekday", "7"},
		{"-0044-03-15", "year", "-44"},
		{"2018-12-10", "hour", "none"},
		{"2018-12-10", "timezone", "none"},
		{"2018-12-10T10:30:01", "weekday", "1"},
		{"2018-12-10T10:30:01", "hour", "10"},
		{"2018-12-10T10:30:01", "minute", "30"},
		{"2018-12-10T10:30:01", "second", "1"},
		{"2018-12-10T10:30:01.250", "second", "1.25"},
		{"2018-12-10T10:30:00+05:00", "time offset", "PT5H"},
		{"2018-12-10T10:30:00", "time offset", "null"},
		{"2018-12-10T10:30:00@Etc/UTC", "timezone", "Etc/UTC"},
		{"2018-12-10T10:30:00@Europe/Berlin", "time offset", "PT1H"},
		{"2018-07-10T10:30:00@Europe/Berlin", "time offset", "PT2H"},
		{"2018-12-10T10:30:00+05:00", "timezone", "null"},
		{"2018-12-10T10:30:00", "timezone", "null"},
		{"10:30:00-05:00", "time offset", "-PT5H"},
		{"10:30:00@Australia/Melbourne", "time offset", "PT10H"},
		{"10:30:00", "time offset", "null"},
		{"10:30:00", "timezone", "null"},
		{"10:30:00", "year", "none"},
		{"P1Y2M", "years", "1"},
		{"P2M", "years", "0"},
		{"-P1Y2M", "months", "-2"},
		{"P1Y", "days", "none"},
		{"P1Y", "seconds", "none"},
		{"P1D", "years", "none"},
		{"P1DT2H3M4.5S", "days", "1"},
		{"P1DT2H3M4.5S", "hours", "2"},
		{"P1DT2H3M4.5S", "minutes", "3"},
		{"P1DT2H3M4.5S", "seconds", "4.5"},
		{"-P1DT2H3M4.5S", "days", "-1"},
		{"-P1DT2H3M4.5S", "seconds", "-4.5"},
		{"PT0S", "seconds", "0"},
	} {
		got, ok := property(lit(t, c.v), c.name)
		s := shown(got)
		if !ok {
			s = "none"
		}
		if s != c.want {
			t.Errorf("%s.%s = %s, want %s", c.v, c.name, s, c.want)
		}
	}
	if _, ok := property("text", "year"); ok {
		t.Error("a text has a year")
	}
}

func TestTemporalConstructors(t *testing.T) {
	for _, c := range []struct {
		y, m, d int64
		want    string
	}{
		{2017, 12, 31, "2017-12-31"}, {-2017, 1, 1, "-2017-01-01"}, {999999999, 12, 31, "999999999-12-31"},
		{2017, 13, 31, ""}, {2017, 12, 32, ""}, {2017, -8, 2, ""}, {2017, 8, -2, ""}, {-1000999999, 12, 1, ""},
		{2021, 2, 29, ""}, {math.MaxInt64, 1, 1, ""}, {math.MinInt64, 1, 1, ""}, {2020, math.MaxInt64, 1, ""},
	} {
		if d, ok := NewDate(c.y, c.m, c.d); ok != (c.want != "") || ok && d.String() != c.want {
			t.Errorf("date(%d, %d, %d) = %s, %v; want %q", c.y, c.m, c.d, d, ok, c.want)
		}
	}
	for _, c := range []struct {
		h, m           int64
		s, offset, out string
	}{
		{12, 0, "0", "", "12:00:00"},
		{12, 59, "01.3", "-PT1H", "12:59:01.3-01:00"},
		{11, 59, "45", "-PT0H", "11:59:45Z"},
		{11, 59, "0", "PT2H1M0S", "11:59:00+02:01"},
		{11, 59, "45", "-PT2H45M55S", "11:59:45-02:45:55"},
		{11, 59, "59.9999999999", "", "11:59:59.999999999"},
		{11, 59, "4.5E+1", "", "11:59:45"},
		{24, 59, "45", "", ""}, {-24, 59, "45", "", ""}, {23, 60, "45", "", ""}, {23, 59, "60", "", ""},
		{23, 59, "-1", "", ""}, {23, 59, "NaN", "", ""}, {23, 59, "1E+99999", "", ""}, {24, 0, "0", "", ""},
		{12, 0, "0", "PT14H1S", ""}, {12, 0, "0", "PT0.5S", ""}, {12, 0, "0", "P999999D", ""},
	} {
		var off *Span
		if c.offset != "" {
			s := lit(t, c.offset).(Span)
			off = &s
		}
		if v, ok := NewTime(c.h, c.m, numberOf(t, c.s), off); ok != (c.out != "") || ok && v.String() != c.out {
			t.Errorf("time(%d, %d, %s, %s) = %s, %v; want %q", c.h, c.m, c.s, c.offset, v, ok, c.out)
		}
	}
	if _, ok := NewTime(1, 1, nil, nil); ok {
		t.Error("time(1, 1, null) is a value")
	}
	dt := NewDateTime(lit(t, "2017-09-05").(Date), lit(t, "09:15:30.5@Europe/Paris").(Time))
	if got := dt.String(); got != "2017-09-05T09:15:30.5@Europe/Paris" {
		t.Errorf("date and time(date, time) = %s", got)
	}
	if got := SpanOf(-1500 * time.Millisecond).String(); got != "-PT1.5S" {
		t.Errorf("SpanOf = %s", got)
	}
}

func TestTemporalConversions(t *testing.T) {
	for _, c := range []struct{ v, date, time, dateTime string }{
		{"2017-08-10", "2017-08-10", "00:00:00Z", "2017-08-10T00:00:00Z"},
		{"2017-08-10T10:20:00@Europe/Paris", "2017-08-10", "10:20:00@Europe/Paris", "2017-08-10T10:20:00@Europe/Paris"},
		{"10:20:00-01:00", "null", "10:20:00-01:00", "null"},
		{"P1D", "null", "null", "null"},
	} {
		v := lit(t, c.v)
		if d, tm, dt := shown(toDate(v)), shown(toTime(v)), shown(toDateTime(v)); d != c.date || tm != c.time || dt != c.dateTime {
			t.Errorf("%s: date %s, time %s, date and time %s", c.v, d, tm, dt)
		}
	}
	for _, c := range []struct{ from, to, want string }{
		{"2015-12-24T00:00:01-01:00", "2016-12-24T23:59:00-08:00", "P1Y"},
		{"2011-12-22", "2013-08-24", "P1Y8M"},
		{"2013-08-24", "2011-12-22", "-P1Y8M"},
		{"2021-01-31", "2021-02-28", "P0M"},
		{"2021-02-28", "2021-01-31", "P0M"},
		{"2021-03-31", "2021-02-28", "-P1M"},
		{"2021-01-15", "2021-02-15T00:00:00", "P1M"},
		{"-999999999-01-01", "999999999-12-31", "P1999999998Y11M"},
		{"2021-01-15", "10:00:00", "null"},
	} {
		if got := shown(yearsMonthsBetween(lit(t, c.from), lit(t, c.to))); got != c.want {
			t.Errorf("from %s to %s: %s, want %s", c.from, c.to, got, c.want)
		}
	}
}

func TestTemporalCalendar(t *testing.T) {
	for _, c := range []struct{ v, yearDay, weekday, month, week string }{
		{"1970-01-01", "1", "Thursday", "January", "1"},
		{"2019-12-31", "365", "Tuesday", "December", "1"},
		{"2020-12-31T10:10:10", "366", "Thursday", "December", "53"},
		{"2019-09-17", "260", "Tuesday", "September", "38"},
		{"2021-01-03", "3", "Sunday", "January", "53"},
		{"2005-01-01", "1", "Saturday", "January", "53"},
		{"999999999-12-31", "365", "Friday", "December", "52"},
		{"P1D", "null", "null", "null", "null"},
	} {
		v := lit(t, c.v)
		y, w, m, k := shown(dayOfYear(v)), shown(dayOfWeek(v)), shown(monthOfYear(v)), shown(weekOfYear(v))
		if y != c.yearDay || w != c.weekday || m != c.month || k != c.week {
			t.Errorf("%s: day %s, %s, %s, week %s; want %v", c.v, y, w, m, k, c)
		}
	}
}

// Go's calendar and ours agree over eight hundred years, and every day has its neighbours.
func TestCalendarAgainstGo(t *testing.T) {
	day := time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC)
	for n := day.Unix() / secPerDay; n < 160_000; n++ {
		d, ok := dateOfEpochDay(n)
		y, m, dd := day.Date()
		_, week := day.ISOWeek()
		if !ok || d.Year() != y || d.Month() != m || d.Day() != dd || d.epochDay() != n || d.yearDay() != int64(day.YearDay()) ||
			d.isoWeek() != int64(week) || d.isoWeekday()%7 != int64(day.Weekday()) {
			t.Fatalf("day %d is %s, Go says %s", n, d, day)
		}
		day = day.AddDate(0, 0, 1)
	}
	for _, s := range []string{"-999999999-01-01", "999999999-12-31", "-0001-02-28", "0000-02-29"} {
		d := lit(t, s).(Date)
		if back, ok := dateOfEpochDay(d.epochDay()); !ok || back != d {
			t.Errorf("%s comes back as %s, %v", d, back, ok)
		}
	}
	for _, n := range []int64{math.MinInt64, math.MaxInt64, 366 * maxYear, -366 * maxYear} {
		if d, ok := dateOfEpochDay(n); ok {
			t.Errorf("day %d is %s", n, d)
		}
	}
}

func TestNow(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 7, 1, 12, 0, 0, 5e8, time.UTC)
	for _, c := range []struct {
		loc  *time.Location
		want string
	}{
		{berlin, "2026-07-01T14:00:00.5@Europe/Berlin"},
		{time.UTC, "2026-07-01T12:00:00.5Z"},
		{time.FixedZone("", -3600), "2026-07-01T11:00:00.5-01:00"},
		{time.FixedZone("Europe/Berlin", 60), "2026-07-01T12:01:00.5+00:01"}, // named like a region, but none
		{time.FixedZone("far", 90_000), "2026-07-01T12:00:00.5Z"},
	} {
		got := fromGoTime(at.In(c.loc))
		if got.String() != c.want {
			t.Errorf("now in %s: %s, want %s", c.loc, got, c.want)
		}
		if back, ok := got.Instant(); !ok || !back.Equal(at) {
			t.Errorf("now in %s is another instant: %s", c.loc, back)
		}
	}
	if _, ok := lit(t, "2026-07-01T12:00:00").(DateTime).Instant(); ok {
		t.Error("a local date and time is an instant")
	}
}

// FuzzParseTemporal: no text makes the readers panic, what is read is written so that it reads the same, and no
// operation on two values panics.
func FuzzParseTemporal(f *testing.F) {
	for _, s := range []string{
		"2017-12-31", "-999999999-12-31T23:59:59.999999999+02:00", "24:00:00", "11:59:45-02:45:55", "10:00:00@Europe/Berlin",
		"2021-03-28T02:30:00@Europe/Berlin", "P1Y2M", "-P1DT2H3M4.5S", "PT0.S", "P999999999999999999D", "0000-02-29",
	} {
		f.Add(s, "P1D", "2.5")
		f.Add(s, s, "-1E+30")
	}
	f.Fuzz(func(t *testing.T, a, b, n string) {
		x, ok := ParseTemporal(a)
		ParseDate(a)
		ParseTime(a)
		ParseDateTime(a)
		ParseDuration(a)
		if !ok {
			return
		}
		text := shown(x)
		if again, ok := ParseTemporal(text); !ok || !isTemporal(x, again) {
			t.Fatalf("%q reads as %s, which reads as %s", a, text, shown(again))
		}
		y, ok := ParseTemporal(b)
		if !ok {
			return
		}
		for _, v := range []any{
			addTemporal(x, y), subTemporal(x, y), negTemporal(x), divTemporal(x, y), yearsMonthsBetween(x, y),
			toDate(x), toTime(x), toDateTime(x), weekOfYear(x), dayOfYear(x), dayOfWeek(x), monthOfYear(x),
		} {
			// What is computed can be written and read again, too.
			switch v.(type) {
			case Date, Time, DateTime, Months, Span:
				if again, ok := ParseTemporal(shown(v)); !ok || !isTemporal(v, again) {
					t.Fatalf("a result of %s and %s reads as %s: %s", text, shown(y), shown(again), shown(v))
				}
			}
		}
		c, ok := compareTemporal(x, y)
		if d, ok2 := compareTemporal(y, x); ok != ok2 || c != -d {
			t.Fatalf("%s and %s compare %d, the other way %d", text, shown(y), c, d)
		}
		for _, name := range []string{"year", "weekday", "hour", "second", "time offset", "timezone", "years", "days", "seconds"} {
			property(x, name)
		}
		if len(n) > 40 {
			return
		}
		if num, _, err := apd.NewFromString(n); err == nil {
			mulTemporal(x, num)
			divTemporal(x, num)
			NewTime(1, 2, num, nil)
		}
	})
}

var sinkAny any // keeps the compiler from dropping what a benchmark computes
var sinkInt int

func BenchmarkTemporalParse(b *testing.B) {
	for _, s := range []string{"2017-12-31", "2017-12-31T11:22:33.5+01:00", "2017-12-31T11:22:33@Europe/Berlin", "P1DT2H3M4.5S"} {
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sinkAny, _ = ParseTemporal(s)
			}
		})
	}
}

func BenchmarkTemporalCompare(b *testing.B) {
	for _, c := range [][2]string{
		{"2017-12-31", "2017-12-30"},
		{"2017-12-31T11:22:33", "2017-12-31T11:22:34"},
		{"2017-12-31T11:22:33+01:00", "2017-12-31T11:22:34Z"},
		{"2017-12-31T11:22:33@Europe/Berlin", "2017-12-31T11:22:34@Europe/Berlin"},
		{"P1D", "PT1S"},
	} {
		b.Run(c[0], func(b *testing.B) {
			x, y := lit(b, c[0]), lit(b, c[1])
			b.ReportAllocs()
			for b.Loop() {
				sinkInt, _ = compareTemporal(x, y)
			}
		})
	}
}

func BenchmarkTemporalAdd(b *testing.B) {
	for _, c := range [][2]string{
		{"2017-12-31", "P30D"},
		{"2017-12-31", "P1Y2M"},
		{"2017-12-31T11:22:33", "PT36H"},
		{"2017-12-31T11:22:33@Europe/Berlin", "PT36H"},
	} {
		b.Run(c[0]+"+"+c[1], func(b *testing.B) {
			x, y := lit(b, c[0]), lit(b, c[1])
			b.ReportAllocs()
			for b.Loop() {
				sinkAny = addTemporal(x, y)
			}
		})
	}
}

func BenchmarkTemporalString(b *testing.B) {
	v := lit(b, "2017-12-31T11:22:33.5+01:00").(DateTime)
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		buf = v.AppendTo(buf[:0])
	}
}
