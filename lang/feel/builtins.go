// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cockroachdb/apd/v3"
)

// builtin is a built-in function with the number of arguments that it takes.
type builtin struct {
	min, max int
	f        func([]any) any
}

func (b builtin) takes() string {
	switch {
	case b.max == many:
		return fmt.Sprintf("%d or more", b.min)
	case b.min == b.max:
		return fmt.Sprint(b.min)
	}
	return fmt.Sprintf("%d to %d", b.min, b.max)
}

const many = 1000

var builtins = map[string]builtin{
	"not": {1, 1, func(a []any) any {
		if b, ok := a[0].(bool); ok {
			return !b
		}
		return nil
	}},
	"count": {1, many, func(a []any) any {
		if a[0] == nil {
			return nil
		}
		return apd.New(int64(len(listOf(a))), 0)
	}},
	"string": {1, 1, func(a []any) any {
		if a[0] == nil {
			return nil
		}
		return toString(a[0])
	}},
	"number": {1, 1, func(a []any) any {
		switch v := a[0].(type) {
		case *apd.Decimal:
			return v
		case string:
			if d, ok := decimal(v); ok {
				return d
			}
			return nil
		}
		return nil
	}},
	"date": {1, 3, func(a []any) any {
		if len(a) == 3 {
			y, ok1 := integer(a[0])
			m, ok2 := integer(a[1])
			d, ok3 := integer(a[2])
			if ok1 && ok2 && ok3 && y >= -999_999 && y <= 999_999 && m >= 1 && m <= 12 && d >= 1 && d <= 31 {
				return Date{time.Date(int(y), time.Month(m), int(d), 0, 0, 0, 0, time.UTC)}
			}
			return nil
		}
		if len(a) != 1 {
			return nil
		}
		switch v := a[0].(type) {
		case Date:
			return v
		case DateTime:
			return Date{time.Date(v.T.Year(), v.T.Month(), v.T.Day(), 0, 0, 0, 0, time.UTC)}
		case string:
			if d, ok := temporal(v).(Date); ok {
				return d
			}
		}
		return nil
	}},
	"date and time": {1, 1, func(a []any) any {
		if s, ok := a[0].(string); ok {
			if d, ok := temporal(s).(DateTime); ok {
				return d
			}
		}
		return nil
	}},
	"duration": {1, 1, func(a []any) any {
		if s, ok := a[0].(string); ok {
			switch v := temporal(s).(type) {
			case Months, Span:
				return v
			}
		}
		return nil
	}},
	"contains": {2, 2, func(a []any) any {
		x, ok1 := a[0].(string)
		y, ok2 := a[1].(string)
		if ok1 && ok2 {
			return strings.Contains(x, y)
		}
		return nil
	}},
	"upper case": {1, 1, func(a []any) any {
		if s, ok := a[0].(string); ok {
			return strings.ToUpper(s)
		}
		return nil
	}},
	"lower case": {1, 1, func(a []any) any {
		if s, ok := a[0].(string); ok {
			return strings.ToLower(s)
		}
		return nil
	}},
	"string length": {1, 1, func(a []any) any {
		if s, ok := a[0].(string); ok {
			return apd.New(int64(utf8.RuneCountInString(s)), 0)
		}
		return nil
	}},
	"list contains": {2, 2, func(a []any) any {
		l, ok := a[0].([]any)
		if !ok {
			return nil
		}
		for _, x := range l {
			if equal(x, a[1]) == true {
				return true
			}
		}
		return false
	}},
	"sum": {1, many, func(a []any) any {
		var out any = apd.New(0, 0)
		for _, x := range listOf(a) {
			out = arithmetic("+", out, x)
		}
		return out
	}},
	"concatenate": {1, many, func(a []any) any {
		out := []any{}
		for _, x := range a {
			if l, ok := x.([]any); ok {
				out = append(out, l...)
			} else {
				out = append(out, x)
			}
		}
		return out
	}},
}
