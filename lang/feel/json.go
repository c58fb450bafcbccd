// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/cockroachdb/apd/v3"
	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// FromJSON makes a FEEL value of JSON data (maps, slices, texts, booleans, numbers as
// json.Number, float64 or int). What is a FEEL value already stays what it is.
// Dates are texts in JSON and stay texts: date() reads them, or a typed variable does.
func FromJSON(v any) Value {
	switch v := v.(type) {
	case nil, bool, string, *apd.Decimal, *Context, *Range, *Function, Date, Time, DateTime, Span, Months:
		return v
	}
	return (&reader{}).value(v, 0)
}

// reader makes values; objects with the same names share their shape.
type reader struct {
	last  *shape
	known map[string]*shape
}

func (r *reader) value(v any, depth int) Value {
	if depth > maxNest {
		return nil
	}
	switch v := v.(type) {
	case json.Number:
		if d, ok := signed(v.String()); ok {
			return d
		}
		return nil
	case float64:
		return fromFloat(v)
	case float32:
		return fromFloat(float64(v))
	case int:
		return small(int64(v))
	case int32:
		return small(int64(v))
	case int64:
		return small(v)
	case uint64:
		d, _ := parseNumber(strconv.FormatUint(v, 10))
		return d
	case []any:
		out := make([]Value, len(v))
		for i := range v {
			out[i] = r.value(v[i], depth+1)
		}
		return out
	case []map[string]any:
		out := make([]Value, len(v))
		for i := range v {
			out[i] = r.value(v[i], depth+1)
		}
		return out
	case []string:
		out := make([]Value, len(v))
		for i := range v {
			out[i] = v[i]
		}
		return out
	case map[string]any:
		if s := r.last; s != nil && len(s.names) == len(v) {
			vals := make([]Value, len(v))
			same := true
			for i, n := range s.names {
				x, ok := v[n]
				if !ok {
					same = false
					break
				}
				vals[i] = r.value(x, depth+1)
			}
			if same {
				r.last = s
				return &Context{s, vals}
			}
		}
		names := make([]string, 0, len(v))
		for n := range v {
			names = append(names, n)
		}
		slices.Sort(names)
		vals := make([]Value, len(names))
		for i, n := range names {
			vals[i] = r.value(v[n], depth+1)
		}
		s := r.shape(names)
		r.last = s
		return &Context{s, vals}
	case map[string]string:
		m := make(map[string]any, len(v))
		for n, s := range v {
			m[n] = s
		}
		return r.value(m, depth)
	}
	if kindOf(v) == KindUnknown {
		return nil
	}
	return v
}

func (r *reader) shape(names []string) *shape {
	k := ""
	for _, n := range names {
		k += n + "\x00"
	}
	if s, ok := r.known[k]; ok {
		return s
	}
	s := newShape(names)
	if r.known == nil {
		r.known = map[string]*shape{}
	}
	r.known[k] = s
	return s
}

// ToJSON makes JSON data of a FEEL value: numbers in full precision as json.Number;
// dates, times, durations, ranges and functions as texts; contexts as maps.
func ToJSON(v Value) any {
	switch v := v.(type) {
	case *apd.Decimal:
		return json.Number(numberText(v))
	case []Value:
		out := make([]any, len(v))
		for i := range v {
			out[i] = ToJSON(v[i])
		}
		return out
	case *Context:
		out := make(map[string]any, len(v.vals))
		for i, n := range v.shape.names {
			out[n] = ToJSON(v.vals[i])
		}
		return out
	case nil, bool, string:
		return v
	}
	return Text(v)
}

// AppendJSON writes a value as JSON, entries in their order.
func AppendJSON(b []byte, v Value) []byte {
	switch v := v.(type) {
	case []Value:
		b = append(b, '[')
		for i, x := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = AppendJSON(b, x)
		}
		return append(b, ']')
	case *Context:
		b = append(b, '{')
		for i, n := range v.shape.names {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendText(b, n), ':')
			b = AppendJSON(b, v.vals[i])
		}
		return append(b, '}')
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case *apd.Decimal:
		return append(b, numberText(v)...)
	}
	return appendText(b, Text(v))
}

func appendText(b []byte, s string) []byte {
	t, err := json.Marshal(s)
	if err != nil {
		return append(b, `""`...)
	}
	return append(b, t...)
}

// upper and lower follow the full case mapping of Unicode, without a language.
func upper(s string) string {
	if ascii(s) {
		return moved(s, 'a', 'z', -32)
	}
	return cases.Upper(language.Und).String(s)
}

func lower(s string) string {
	if ascii(s) {
		return moved(s, 'A', 'Z', 32)
	}
	return cases.Lower(language.Und).String(s)
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// moved moves the letters of a range.
func moved(s string, from, to byte, by int8) string {
	b := []byte(s)
	for i, c := range b {
		if c >= from && c <= to {
			b[i] = byte(int8(c) + by)
		}
	}
	return string(b)
}
