// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// elsewhere are what other languages call the functions and types of FEEL.
var elsewhere = map[string]string{
	"upper": "upper case", "uppercase": "upper case", "toUpperCase": "upper case", "lower": "lower case", "lowercase": "lower case", "toLowerCase": "lower case",
	"len": "string length” or “count", "length": "string length” or “count", "size": "count", "round": "round half up” or “decimal", "ceil": "ceiling", "trunc": "round down", "truncate": "round down",
	"mod": "modulo", "avg": "mean", "average": "mean", "pow": "**", "power": "**", "substr": "substring", "concat": "concatenate” or “+", "join": "string join", "indexOf": "index of", "startsWith": "starts with",
	"endsWith": "ends with", "includes": "contains” or “list contains", "isNull": "= null", "is null": "= null", "isnull": "= null", "ifnull": "if", "coalesce": "if", "unique": "distinct values", "datetime": "date and time",
	"dateTime": "date and time", "toString": "string", "str": "string", "int": "number", "integer": "number", "float": "number", "double": "number", "decimal": "number", "long": "number", "bool": "boolean", "text": "string",
	"String": "string", "Number": "number", "Boolean": "boolean", "duration": "days and time duration” or “years and months duration", "TRUE": "true", "True": "true", "FALSE": "false", "False": "false", "NULL": "null", "Null": "null",
	"nil": "null", "None": "null", "undefined": "null",
}

// nearest is what a name of another language is called here, or else near.
func nearest(name string, among []string) string {
	if n, ok := elsewhere[name]; ok {
		return "“" + n + "”"
	}
	return near(name, among)
}

// near names what could have been meant: the closest of some names.
func near(name string, among []string) string {
	best, at := 3, -1
	if len(name) < 4 {
		best = 2
	}
	for i, n := range among {
		if d := distance(name, n, best); d < best {
			best, at = d, i
		}
	}
	if at < 0 {
		return ""
	}
	return quote(among[at])
}

// distance is Levenshtein's, as far as it is below a bound.
func distance(a, b string, bound int) int {
	x, y := []rune(a), []rune(b)
	if len(x)-len(y) >= bound || len(y)-len(x) >= bound || len(x) > 200 || len(y) > 200 {
		return bound
	}
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range x {
		prev := row[0]
		row[0] = i + 1
		for j, s := range y {
			d := prev
			if r != s {
				d++
			}
			prev = row[j+1]
			row[j+1] = min(d, prev+1, row[j]+1)
		}
	}
	return min(row[len(y)], bound)
}

// Error is a mistake in an expression, for its author.
type Error struct {
	File      string
	Line, Col int    // 1-based, in characters
	Expr      string // the line of the expression
	Caret     int    // where in Expr, in characters from 0
	Msg       string // one sentence in plain words
	Expected  string // what was expected, or ""
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Col, e.Msg)
	if e.Line == 0 {
		s = e.Msg
		if e.File != "" {
			s = e.File + ": " + s
		}
	}
	if e.Expected != "" {
		s += ": expected " + e.Expected
	}
	return s
}

// Show is the error with the expression and a caret under the place.
func (e *Error) Show() string {
	if e.Expr == "" {
		return e.Error()
	}
	return e.Error() + "\n    " + e.Expr + "\n    " + strings.Repeat(" ", e.Caret) + "^"
}

// Errors are all mistakes of an expression or a file, at most maxErrors.
type Errors []*Error

func (e Errors) Error() string {
	var b strings.Builder
	for i, x := range e {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(x.Error())
	}
	return b.String()
}

// Unwrap lets errors.As find the single ones.
func (e Errors) Unwrap() []error {
	out := make([]error, len(e))
	for i, x := range e {
		out[i] = x
	}
	return out
}

// Each are the mistakes that an error of this package is made of.
func Each(err error) []*Error {
	var all Errors
	var one *Error
	switch {
	case errors.As(err, &all):
		return all
	case errors.As(err, &one):
		return []*Error{one}
	case err != nil:
		return []*Error{{Msg: err.Error()}}
	}
	return nil
}

// Sorted are the mistakes in the order of their places.
func (e Errors) Sorted() Errors {
	out := slices.Clone(e)
	slices.SortStableFunc(out, func(a, b *Error) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, a.Col-b.Col)
	})
	return out
}

func (e Errors) err() error {
	switch len(e) {
	case 0:
		return nil
	case 1:
		return e[0]
	}
	return e
}

func errorAt(a at, msg, expected string) *Error {
	e := &Error{Msg: msg, Expected: expected}
	if a.src == nil {
		return e
	}
	e.File = a.src.file
	e.Line, e.Col = a.src.place(a.off)
	text, off := a.src.text, min(a.off, len(a.src.text))
	start := strings.LastIndexByte(text[:off], '\n') + 1
	end := len(text)
	if k := strings.IndexByte(text[off:], '\n'); k >= 0 {
		end = off + k
	}
	for start < off && off-start > 120 { // a long line: what is around the place
		start += 40
	}
	for start < off && !utf8Start(text, start) {
		start++
	}
	if end-off > 120 {
		end = off + 120
		for !utf8Start(text, end) {
			end--
		}
	}
	e.Expr = strings.ReplaceAll(text[start:end], "\t", " ")
	e.Caret = len([]rune(text[start:off]))
	return e
}

func utf8Start(s string, i int) bool { return i >= len(s) || s[i]&0xC0 != 0x80 }
