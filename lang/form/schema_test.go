// SPDX-License-Identifier: EUPL-1.2

package form

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"
)

// compileSchema reads a form's schema as a program outside does.
func compileSchema(t interface{ Fatalf(string, ...any) }, f *Form) *jsonschema.Schema {
	b, err := f.Schema()
	if err != nil {
		t.Fatalf("schema of %s: %v", f.File, err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatalf("schema of %s is no JSON: %v", f.File, err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("form.json", doc); err != nil {
		t.Fatalf("schema of %s: %v", f.File, err)
	}
	s, err := c.Compile("form.json")
	if err != nil {
		t.Fatalf("schema of %s: %v\n%s", f.File, err, b)
	}
	return s
}

// held holds a submission against a schema, as JSON.
func held(s *jsonschema.Schema, a Answers) error {
	b, err := json.Marshal(a)
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// good is an answer that a field takes, or nil.
func good(it *Item) any {
	switch it.Type {
	case "checkbox":
		return true
	case "radio", "select":
		if len(it.Options) > 0 {
			return it.Options[0].Value
		}
	case "checklist", "taglist":
		if len(it.Options) > 0 {
			return []any{it.Options[0].Value}
		}
	case "number":
		if it.Min != "" {
			return json.Number(it.Min)
		}
		return json.Number("3")
	}
	if it.Pattern != nil {
		for _, x := range []string{"L01X00T47", "WG-2026-4711", "123456", "ABC"} {
			if it.Pattern.MatchString(x) {
				return x
			}
		}
	}
	switch it.Kind {
	case "name":
		return "Ayşe Łukasiewicz"
	case "birthdate":
		return "1988-04-12"
	case "date":
		return "2026-11-23"
	case "time":
		return "14:30"
	case "datetime":
		return "2026-12-01T14:30"
	case "street":
		return "Königstraße"
	case "house_number":
		return "12a"
	case "postcode":
		return "47051"
	case "plate":
		return "DU-AB 123"
	case "email":
		return "a@example.org"
	case "money":
		return json.Number("123450")
	}
	switch {
	case it.Type == "filepicker" && it.Required:
		return []any{map[string]any{"id": "01a22d8b-8e83-7a9b-8b3a-759e9e909b0f", "name": "a.pdf", "hash": strings.Repeat("0", 64), "type": "application/pdf", "size": json.Number("3"), "pages": json.Number("1")}}
	case it.Pattern != nil:
		return strings.Repeat("1", it.limit())
	case it.Input() && it.Type != "filepicker":
		return strings.Repeat("a", max(3, it.MinLength))
	}
	return nil
}

// Every form of content/: filled in so far that it may be submitted, its submission is what its schema says, and one with
// a name that the form doesn't have, or a text where there is a number, isn't.
func TestSubmissionsOfContentFitTheirSchema(t *testing.T) {
	files, err := filepath.Glob("../../content/services/*/*.form")
	if err != nil || len(files) == 0 {
		t.Fatal("no forms", err)
	}
	lists := map[string]any{}
	for _, name := range []string{"zones", "streets"} {
		lists[name] = []any{map[string]any{"value": "DE1", "label": "Dellviertel 1"}}
	}
	registers := map[string]any{"resident": map[string]any{"given_names": "Anna", "family_name": "Schmidt", "birth_date": "1988-04"},
		"vehicles": []any{map[string]any{"plate": "DU-AB 123", "make": "VW", "model": "Golf"}}}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Parse(file, data)
		if err != nil {
			t.Fatal(err)
		}
		s := compileSchema(t, f)
		for _, regs := range []any{nil, registers} {
			ctx := Context{Vars: map[string]any{"lists": lists, "registers": regs}, Lang: "de", Today: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), Prefill: true}
			a := Answers{}
			for range 4 { // an answer brings up a question
				for _, e := range f.Validate(a, ctx) {
					it, _, ok := f.Eval(a, ctx).Item(e.Key)
					if !ok { // another answer has hidden it
						continue
					}
					set(a, e.Key, good(&it))
				}
			}
			if errs := f.Validate(a, ctx); len(errs) > 0 {
				t.Fatalf("%s can't be filled in: %+v", file, errs)
			}
			sub := f.Eval(a, ctx).Submission()
			if err := held(s, sub); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			sub["nobody_asks_this"] = "x"
			if held(s, sub) == nil {
				t.Errorf("%s: a name that the form doesn't have passes", file)
			}
			delete(sub, "nobody_asks_this")
			for name, fd := range f.keys {
				if fd.Type == "checkbox" && sub[name] != nil {
					sub[name] = "yes"
					if held(s, sub) == nil {
						t.Errorf("%s: a text passes where a box is ticked: %s", file, name)
					}
					break
				}
			}
		}
	}
}

// drawForm draws a form with groups, lists, conditions and every kind of input.
func drawForm(t *rapid.T) []byte {
	n := 0
	var comps func(depth, lists int) []any
	comps = func(depth, lists int) []any {
		var out []any
		for range rapid.IntRange(1, 5).Draw(t, "fields") {
			n++
			key := fmt.Sprintf("k%d", n)
			c := map[string]any{"key": key, "label": "Feld " + key, "id": key}
			validate := map[string]any{"required": rapid.Bool().Draw(t, "required")}
			if rapid.IntRange(0, 3).Draw(t, "hide") == 0 {
				c["conditional"] = map[string]any{"hide": rapid.SampledFrom([]string{"=k1 = true", "=k1 = null", "=true"}).Draw(t, "when")}
			}
			typ := rapid.SampledFrom([]string{"textfield", "textarea", "number", "datetime", "checkbox", "checklist", "radio", "select", "taglist", "expression", "group", "dynamiclist", "text"}).Draw(t, "type")
			c["type"] = typ
			switch typ {
			case "textfield":
				if k := rapid.SampledFrom([]string{"", "name", "money", "street", "postcode", "email"}).Draw(t, "kind"); k != "" {
					c["properties"] = map[string]any{"type": k}
				}
			case "number":
				if rapid.Bool().Draw(t, "whole") {
					c["decimalDigits"] = 0
				}
				validate["min"] = rapid.IntRange(-3, 3).Draw(t, "min")
			case "datetime":
				c["subtype"] = rapid.SampledFrom([]string{"date", "time", "datetime"}).Draw(t, "subtype")
			case "checklist", "radio", "select", "taglist":
				c["values"] = []any{map[string]any{"label": "Eins", "value": "one"}, map[string]any{"label": "Zwei", "value": 2}}
			case "expression":
				c["expression"] = rapid.SampledFrom([]string{"=1 + 1", "=\"a\"", "=null"}).Draw(t, "expression")
			case "group", "dynamiclist":
				if depth == 0 || typ == "dynamiclist" && lists == MaxLists {
					c["type"] = "checkbox"
					break
				}
				delete(c, "key")
				if typ == "dynamiclist" || rapid.Bool().Draw(t, "path") {
					c["path"] = key
				}
				if typ == "dynamiclist" {
					lists++
				}
				c["components"] = comps(depth-1, lists)
				if typ == "dynamiclist" {
					lists--
				}
			case "text":
				delete(c, "key")
				c["text"] = "Text"
			}
			c["validate"] = validate
			out = append(out, c)
		}
		return out
	}
	b, err := json.Marshal(map[string]any{"type": "default", "schemaVersion": 16, "id": "drawn", "components": comps(3, 0)})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What a drawn form lets somebody submit, its schema lets pass.
func TestSubmissionsOfDrawnFormsFitTheirSchema(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := drawForm(t)
		f, err := Parse("drawn.form", data)
		if err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		s := compileSchema(t, f)
		ctx := Context{Lang: "de", Today: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), Prefill: true}
		a := Answers{}
		v := f.Eval(a, ctx)
		for _, p := range f.Pages() {
			Each(v.Page(p.ID), func(it *Item) {
				if it.Input() && rapid.Bool().Draw(t, "answered") {
					set(a, it.Name, good(it))
				}
			})
		}
		for range 6 {
			v := f.Eval(a, ctx)
			for _, e := range v.Validate("") {
				it, _, _ := v.Item(e.Key)
				set(a, e.Key, good(&it))
			}
		}
		v = f.Eval(a, ctx)
		if len(v.Validate("")) > 0 {
			t.Skip("it contradicts itself")
		}
		if err := held(s, v.Submission()); err != nil {
			b, _ := json.Marshal(v.Submission())
			t.Fatalf("%v\n%s\n%s", err, b, data)
		}
	})
}
