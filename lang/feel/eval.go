// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/cockroachdb/apd/v3"
)

// --- computing

// context34 is IEEE 754 decimal128.
var context34 = func() *apd.Context {
	c := apd.BaseContext.WithPrecision(34)
	c.MaxExponent, c.MinExponent = 6144, -6143
	c.Traps = apd.DefaultTraps &^ (apd.Inexact | apd.Rounded | apd.Subnormal | apd.Underflow)
	return c
}()

// decimal reads a number within decimal128; anything else is not one.
func decimal(s string) (*apd.Decimal, bool) {
	if len(s) > 200 {
		return nil, false
	}
	d, cond, err := context34.NewFromString(s)
	if err != nil || cond.Overflow() || d.Form != apd.Finite {
		return nil, false
	}
	return d, true
}

func integer(v any) (int64, bool) {
	d, ok := v.(*apd.Decimal)
	if !ok {
		return 0, false
	}
	n, err := d.Int64()
	return n, err == nil
}

func compare(op string, a, b any) any {
	if op == "=" {
		return equal(a, b)
	}
	if op == "!=" {
		if v, ok := equal(a, b).(bool); ok {
			return !v
		}
		return nil
	}
	var c int
	switch x := a.(type) {
	case *apd.Decimal:
		y, ok := b.(*apd.Decimal)
		if !ok {
			return nil
		}
		c = x.Cmp(y)
	case string:
		y, ok := b.(string)
		if !ok {
			return nil
		}
		c = strings.Compare(x, y)
	case Date:
		y, ok := b.(Date)
		if !ok {
			return nil
		}
		c = x.T.Compare(y.T)
	case DateTime:
		y, ok := b.(DateTime)
		if !ok {
			return nil
		}
		c = x.T.Compare(y.T)
	case Months:
		y, ok := b.(Months)
		if !ok {
			return nil
		}
		c = int(x) - int(y)
	case Span:
		y, ok := b.(Span)
		if !ok {
			return nil
		}
		switch {
		case x < y:
			c = -1
		case x > y:
			c = 1
		}
	default:
		return nil
	}
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

func equal(a, b any) any {
	switch x := a.(type) {
	case nil:
		return b == nil
	case *apd.Decimal:
		if y, ok := b.(*apd.Decimal); ok {
			return x.Cmp(y) == 0
		}
	case string:
		if y, ok := b.(string); ok {
			return x == y
		}
	case bool:
		if y, ok := b.(bool); ok {
			return x == y
		}
	case Date, DateTime, Months, Span:
		if v := compare("<=", a, b); v != nil {
			return v == true && compare(">=", a, b) == true
		}
	case []any:
		if y, ok := b.([]any); ok {
			if len(x) != len(y) {
				return false
			}
			for i := range x {
				if equal(x[i], y[i]) != true {
					return false
				}
			}
			return true
		}
	case map[string]any:
		if y, ok := b.(map[string]any); ok {
			if len(x) != len(y) {
				return false
			}
			for k := range x {
				if v, ok := y[k]; !ok || equal(x[k], v) != true {
					return false
				}
			}
			return true
		}
	}
	if b == nil {
		return false
	}
	return nil
}

func arithmetic(op string, a, b any) any {
	switch x := a.(type) {
	case *apd.Decimal:
		y, ok := b.(*apd.Decimal)
		if !ok {
			if m, ok := b.(Months); ok && op == "-" && x.IsZero() {
				return -m
			}
			if m, ok := b.(Span); ok && op == "-" && x.IsZero() {
				return -m
			}
			return nil
		}
		out := new(apd.Decimal)
		var err error
		switch op {
		case "+":
			_, err = context34.Add(out, x, y)
		case "-":
			_, err = context34.Sub(out, x, y)
		case "*":
			_, err = context34.Mul(out, x, y)
		case "/":
			if y.IsZero() {
				return nil
			}
			_, err = context34.Quo(out, x, y)
		case "**":
			_, err = context34.Pow(out, x, y)
		}
		if err != nil {
			return nil
		}
		if out.Form == apd.Finite {
			out.Reduce(out)
		}
		return out
	case string:
		if y, ok := b.(string); ok && op == "+" {
			return x + y
		}
	case Date:
		switch y := b.(type) {
		case Months:
			return Date{addMonths(x.T, sign(op)*int(y))}
		case Span:
			t := x.T.Add(time.Duration(sign(op)) * time.Duration(y))
			return Date{time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)}
		case Date:
			if op == "-" {
				return Span(x.T.Sub(y.T))
			}
		}
	case DateTime:
		switch y := b.(type) {
		case Months:
			return DateTime{addMonths(x.T, sign(op)*int(y))}
		case Span:
			return DateTime{x.T.Add(time.Duration(sign(op)) * time.Duration(y))}
		case DateTime:
			if op == "-" {
				return Span(x.T.Sub(y.T))
			}
		}
	case Months:
		if y, ok := b.(Months); ok {
			return x + Months(sign(op)*int(y))
		}
	case Span:
		if y, ok := b.(Span); ok {
			return x + Span(sign(op))*y
		}
	}
	return nil
}

func sign(op string) int {
	if op == "-" {
		return -1
	}
	return 1
}

// addMonths keeps the day, or takes the last of the month.
func addMonths(t time.Time, n int) time.Time {
	first := time.Date(t.Year(), t.Month()+time.Month(n), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}

var months = regexp.MustCompile(`^(-)?P(?:(\d+)Y)?(?:(\d+)M)?$`)
var span = regexp.MustCompile(`^(-)?P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$`)

func temporal(s string) any {
	if t, err := time.Parse("2006-01-02", s); err == nil {
		return Date{t}
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			return DateTime{t}
		}
	}
	if m := months.FindStringSubmatch(s); m != nil && len(s) > 2 {
		n := atoi(m[2])*12 + atoi(m[3])
		if m[1] != "" {
			n = -n
		}
		return Months(n)
	}
	if m := span.FindStringSubmatch(s); m != nil && len(s) > 2 {
		var sec float64
		fmt.Sscan(m[5], &sec)
		d := time.Duration(atoi(m[2]))*24*time.Hour + time.Duration(atoi(m[3]))*time.Hour + time.Duration(atoi(m[4]))*time.Minute + time.Duration(sec*float64(time.Second))
		if m[1] != "" {
			d = -d
		}
		return Span(d)
	}
	return nil
}

func atoi(s string) int {
	n := 0
	fmt.Sscan(s, &n)
	return n
}

func listOf(args []any) []any {
	if len(args) == 1 {
		if l, ok := args[0].([]any); ok {
			return l
		}
	}
	return args
}
