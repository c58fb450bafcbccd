// SPDX-License-Identifier: EUPL-1.2

package form

import (
	"encoding/json"
	"net/url"
	"sort"
	"strconv"
)

// Take reads all answers at once as JSON, as programs and scenarios give them, by
// the same rules as a posted page. Texts may be in any usual notation; numbers and
// truth values may be JSON's. A name that the form doesn't ask for is an error:
// a program that misspells a field must learn it.
func (f *Form) Take(in map[string]any, ctx Context) (Answers, []FieldError) {
	posts := map[string]url.Values{}
	var errs []FieldError
	var a Answers
	rows := rowCount{}
	var put func(name string, v any)
	put = func(name string, v any) {
		if len(errs) > MaxPosted {
			return
		}
		fd := f.Field(name)
		switch x := v.(type) {
		case map[string]any:
			if fd != nil && (fd.Kind == "position" || fd.Kind == "signature") {
				break // their values have parts
			}
			if fd == nil || fd.Type == "dynamiclist" {
				for _, k := range sortedKeys(x) {
					put(name+"."+k, x[k])
				}
				return
			}
		case []any:
			if fd != nil && fd.Type == "dynamiclist" {
				fit := min(len(x), MaxRows-rows[fd])
				if rows[fd] += fit; fit < len(x) {
					errs = append(errs, FieldError{Key: name, Msg: RowsMsg})
				}
				if a == nil {
					a = Answers{}
				}
				set(a, name, make([]any, fit)) // as many as were given, whatever the list begins with
				for i, row := range x[:fit] {
					put(name+"."+strconv.Itoa(i), row)
				}
				return
			}
		}
		if fd == nil || !fd.Input() || fd.Type == "filepicker" {
			errs = append(errs, FieldError{Key: name, Msg: "form.error.unknown", Args: []any{"name", clip(name)}})
			return
		}
		p := posts[fd.Page]
		if p == nil {
			p = url.Values{}
			posts[fd.Page] = p
		}
		p.Add(PostedField, name)
		switch x := v.(type) {
		case nil:
		case map[string]any:
			switch fd.Kind {
			case "position":
				p.Set(name, position(x).String())
			case "signature": // who gives one means it, unless they say otherwise
				p.Set(name, optionText(x["name"]))
				if x["confirmed"] != false {
					p.Set(name+Confirm, "true")
				}
				p.Set(name+Drawing, optionText(x["drawing"]))
			default:
				p.Set(name, optionText(x))
			}
		case []any:
			for i, y := range x {
				if i > MaxOptions { // no form offers as many: the list is refused, not cut
					errs = append(errs, FieldError{Key: name, Msg: "form.error.option"})
					break
				}
				p.Add(name, optionText(y))
			}
		default:
			p.Set(name, typed(fd, x))
		}
	}
	for _, k := range sortedKeys(in) {
		put(k, in[k])
	}
	for range 2 { // what another page shows or hides is known in the second round
		errs := map[string]FieldError{}
		for _, pg := range f.pages {
			if post := posts[pg.ID]; post != nil {
				var wrong []FieldError
				a, wrong = f.Decode(pg.ID, post, a, ctx)
				for _, e := range wrong {
					errs[e.Key] = e
				}
			}
		}
		raw := map[string]string{}
		for k, e := range errs {
			if e.Raw != "" {
				raw[k] = e.Raw
			}
		}
		ctx.Raw = raw
	}
	seen := map[string]bool{}
	for _, e := range errs {
		seen[e.Key] = true
	}
	for _, e := range f.Eval(a, ctx).Validate("") {
		if !seen[e.Key] {
			errs = append(errs, e)
		}
	}
	return a, errs
}

// typed writes a JSON value the way the field's parser reads it in the language.
func typed(fd *Field, v any) string {
	s := optionText(v)
	if _, isText := v.(string); isText {
		return s
	}
	if _, isBool := v.(bool); isBool || !isNumber(s) {
		return s
	}
	switch fd.Kind {
	case "money":
		if n, err := json.Number(s).Int64(); err == nil {
			s = cents(strconv.FormatInt(n, 10))
		}
	case "number":
	default:
		return s
	}
	// Three digits after a sign could be thousands: a fourth makes it decimals.
	for i := range len(s) {
		if s[i] == '.' && len(s)-i == 4 {
			s += "0"
		}
	}
	return s
}

func clip(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:80])
	}
	return s
}

func sortedKeys(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
