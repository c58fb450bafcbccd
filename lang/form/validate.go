// SPDX-License-Identifier: EUPL-1.2

package form

import (
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"unicode/utf8"

	"mercator/base/person"
	"mercator/lang/feel"

	"github.com/cockroachdb/apd/v3"
)

// Validate says what is wrong with the whole form; nothing: it can be submitted.
func (f *Form) Validate(a Answers, ctx Context) []FieldError { return f.Eval(a, ctx).Validate("") }

// Validate says what is wrong with one page, or with all of them ("").
func (v *View) Validate(page string) []FieldError {
	var errs []FieldError
	for _, p := range v.Form.pages {
		if page != "" && p.ID != page {
			continue
		}
		each(v.Page(p.ID), func(it *Item) {
			if e, wrong := v.verdict(it); wrong {
				errs = append(errs, e)
			}
			if it.Type != "dynamiclist" {
				return
			}
			rows, _ := get(v.in, it.Name).([]any)
			if more := len(rows) - len(it.Rows); more > 0 { // none is handed over without the others
				errs = append(errs, FieldError{Key: it.Name, Msg: MoreRowsMsg, Args: []any{"n", more, "max", MaxRows}})
			}
		})
	}
	return errs
}

// check holds one item against its rules. It also puts the value of a choice
// into the type that its option has.
func (v *View) check(it *Item) (FieldError, bool) {
	if !it.Asked() && !it.Elsewhere {
		return FieldError{}, false
	}
	fail := func(msg string, args ...any) (FieldError, bool) {
		return FieldError{Key: it.Name, Msg: "form.error." + msg, Args: args}, true
	}
	if it.Raw != "" {
		_, _, err := it.Field.parse(it.Name, url.Values{it.Name: {it.Raw}}, v.ctx)
		var pr *person.Problem
		if errors.As(err, &pr) {
			return FieldError{Key: it.Name, Msg: pr.Msg, Args: pr.Args, Raw: it.Raw}, true
		}
		// It has become readable by now, but nobody has confirmed that reading.
		return FieldError{Key: it.Name, Msg: "form.error.form", Raw: it.Raw}, true
	}
	if empty(it.Value) {
		if !it.Required {
			return FieldError{}, false
		}
		switch it.Type {
		case "checkbox":
			return fail("consent")
		case "radio", "select", "checklist", "taglist":
			if len(it.Options) == 0 {
				return fail("noOptions")
			}
			return fail("choose")
		case "filepicker":
			return fail("file")
		}
		return fail("required")
	}
	switch it.Type {
	case "radio", "select":
		if !hasOption(it.Options, optionText(it.Value)) {
			return fail("option")
		}
	case "checklist", "taglist":
		l, ok := it.Value.([]any)
		if !ok {
			return fail("option")
		}
		for _, x := range l {
			if !hasOption(it.Options, optionText(x)) {
				return fail("option")
			}
		}
	case "checkbox":
		if _, ok := it.Value.(bool); !ok {
			return fail("form")
		}
	case "filepicker":
		if l, ok := it.Value.([]any); !ok || !it.Multiple && len(l) > 1 {
			return fail("oneFile")
		}
	case "number":
		s := optionText(it.Value)
		lo, hi := v.bound(it, it.Min, it.minExpr), v.bound(it, it.Max, it.maxExpr)
		if it.Kind == "money" {
			s = cents(s)
		}
		switch {
		case !isNumber(s):
			return fail("form")
		case isNumber(lo) && compareNumbers(s, lo) < 0:
			return fail("min", "min", lo)
		case isNumber(hi) && compareNumbers(s, hi) > 0:
			return fail("max", "max", hi)
		}
	case "datetime":
		s, ok := it.Value.(string)
		if !ok {
			return fail("form")
		}
		// Legal days as text sort as days.
		if lo := v.bound(it, "", it.minExpr); lo != "" && s < lo {
			return fail("dateMin", "date", lo)
		}
		if hi := v.bound(it, "", it.maxExpr); hi != "" && s > hi {
			return fail("dateMax", "date", hi)
		}
	case "textfield", "textarea":
		s, ok := it.Value.(string)
		switch m, isMap := it.Value.(map[string]any); {
		case isMap && it.Kind == "position" && (optionText(m["address"]) != "" || isNumber(optionText(m["lat"])) && isNumber(optionText(m["lon"]))):
			s, ok = optionText(m["address"]), true
		case isMap && it.Kind == "signature" && optionText(m["name"]) == "":
			return fail("required")
		case isMap && it.Kind == "signature" && m["confirmed"] != true:
			return fail("signature")
		case isMap && it.Kind == "signature":
			s, ok = optionText(m["name"]), true
		}
		if !ok {
			if it.Kind == "money" && isNumber(optionText(it.Value)) {
				break
			}
			return fail("form")
		}
		switch n := utf8.RuneCountInString(s); {
		case it.MinLength > 0 && n < it.MinLength:
			return fail("short", "min", it.MinLength)
		case n > it.limit():
			return FieldError{Key: it.Name, Msg: "person.tooLong", Args: []any{"max", it.limit()}}, true
		case it.Pattern != nil && !it.Pattern.MatchString(s):
			return fail("pattern")
		case it.Listed && len(it.Options) == 0:
			return fail("noOptions")
		case it.Listed && !hasOption(it.Options, s):
			if near := nearest(s, it.Options); near != "" {
				return fail("near", "near", near)
			}
			return fail("listed")
		}
	}
	if it.Field.check != nil {
		if ok, is := v.eval(it.Field.check, it.row).(bool); is && !ok {
			return fail("check")
		}
	}
	return FieldError{}, false
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case bool:
		return !v
	case []any:
		return len(v) == 0
	}
	return false
}

func hasOption(options []Option, s string) bool {
	for _, o := range options {
		if optionText(o.Value) == s {
			return true
		}
	}
	return false
}

// nearest is the suggestion that differs least from a text, "" if none is like it.
func nearest(s string, options []Option) string {
	want, best, least := []rune(person.Fold(s)), "", 3 // at most two letters
	if len(want) < 4 || len(want) > 60 {
		return ""
	}
	for _, o := range options {
		text := optionText(o.Value)
		if d := distance(want, []rune(person.Fold(text)), least); d < least {
			best, least = text, d
		}
	}
	return best
}

// distance counts the letters to change, to add and to leave out (Levenshtein), up to a bound.
func distance(a, b []rune, bound int) int {
	if len(a)-len(b) >= bound || len(b)-len(a) >= bound {
		return bound
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		diagonal, least := row[0], i+1
		row[0] = i + 1
		for j, y := range b {
			cost := diagonal
			if x != y {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
			least = min(least, cost)
		}
		if least >= bound {
			return bound
		}
	}
	return row[len(b)]
}

func isNumber(s string) bool {
	if s == "" || len(s) > 60 {
		return false
	}
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

// cents turns a number of cents into the euro that bounds are written in.
func cents(s string) string {
	d, _, err := apd.NewFromString(s)
	if err != nil {
		return ""
	}
	d.Exponent -= 2
	return d.Text('f')
}

// compareNumbers compares exactly; what is no number is equal to everything.
func compareNumbers(a, b string) int {
	x, _, err1 := apd.NewFromString(a)
	y, _, err2 := apd.NewFromString(b)
	if err1 != nil || err2 != nil || x.Form != apd.Finite || y.Form != apd.Finite ||
		x.Exponent > 400 || x.Exponent < -400 || y.Exponent > 400 || y.Exponent < -400 {
		return 0
	}
	return x.Cmp(y)
}

// bound is a limit as a number or a legal day; "" where there is none.
func (v *View) bound(it *Item, fixed string, expr *feel.Program) string {
	if fixed != "" {
		return fixed
	}
	switch val := v.eval(expr, it.row).(type) {
	case string:
		return val
	case json.Number:
		return val.String()
	case float64, int, int64:
		return optionText(val)
	}
	return ""
}
