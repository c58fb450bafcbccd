// SPDX-License-Identifier: EUPL-1.2

package intake

import (
	"maps"
	"net/url"
	"strconv"
	"testing"
	"time"

	"mercator/core/access"
	"mercator/domain/service"
	"mercator/lang/form"
)

// What is kept by name beside the answers goes and moves up with the rows, at every level.
func TestWhatIsKeptBesideTheAnswersMovesWithTheRows(t *testing.T) {
	f, err := form.Parse("rows.form", []byte(`{"type":"default","components":[{"type":"dynamiclist","path":"a","label":"A","components":[
		{"type":"dynamiclist","path":"b","label":"B","components":[{"type":"textfield","key":"x","label":"X","properties":{"type":"birthdate"}}]}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	fctx := form.Context{Lang: "de", Today: time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)}
	pages := []string{"form"}
	d := Draft{Helper: "h", Answers: form.Answers{"a": []any{map[string]any{"b": []any{map[string]any{"x": "1990-01-01"}, map[string]any{}, map[string]any{"x": "1992-01-01"}}}}},
		Raw:    map[string]string{"a.0.b.1.x": "unlesbar"},
		Rivals: map[string]Rival{"a.0.b.0.x": {Value: "1980-01-01"}, "a.0.b.2.x": {Value: "1982-01-01"}},
		Filled: map[string]string{"a.0.b.0.x": "Elif", "a.0.b.2.x": "Elif"},
		Kept:   map[string]form.Held{"a.0.b.2.x": {Value: "1.1.92", At: "a.0.b.2.x"}, "old": {Value: "weg", At: "a.0.b.0.x"}, "older": {Value: "ohne Platz"}}}
	press := func(name string, fields ...string) {
		t.Helper()
		post := url.Values{form.RemoveRow: {name}}
		for i := 0; i < len(fields); i += 2 {
			post.Add(form.PostedField, fields[i])
			post.Set(fields[i], fields[i+1])
		}
		before := d
		if errs := form.Told(merge(&service.Service{Form: f}, &d, pages, post, fctx)); len(errs) > 0 && errs[0].Raw == "" {
			t.Errorf("%v", errs)
		}
		note(f, access.Actor{Name: "Elif"}, &before, &d, pages, fctx)
	}
	press("a.0.b.0", "a.0.b.0.x", "1.1.1990", "a.0.b.1.x", "unlesbar", "a.0.b.2.x", "1.1.1992")
	if !maps.Equal(d.Raw, map[string]string{"a.0.b.0.x": "unlesbar"}) || len(d.Rivals) != 1 || d.Rivals["a.0.b.1.x"].Value != "1982-01-01" {
		t.Errorf("typed %v, rivals %v", d.Raw, d.Rivals)
	}
	if !maps.Equal(d.Filled, map[string]string{"a.0.b.1.x": "Elif"}) {
		t.Errorf("filled in by a helper: %v", d.Filled)
	}
	if len(d.Kept) != 2 || d.Kept["a.0.b.1.x"].At != "a.0.b.1.x" || d.Kept["older"].Value != "ohne Platz" {
		t.Errorf("kept: %v", d.Kept)
	}
	press("a.0")
	if len(d.Raw)+len(d.Rivals)+len(d.Filled) > 0 || len(d.Kept) != 1 {
		t.Errorf("left behind: %v %v %v %v", d.Raw, d.Rivals, d.Filled, d.Kept)
	}
}

// Rows of two drafts that became one may be more than a list takes: all are there, nothing is handed over without those that aren't shown,
// and they come into sight as others are taken away.
func TestJoinedRowsBeyondTheLimitAreThere(t *testing.T) {
	f, err := form.Parse("rows.form", []byte(`{"type":"default","components":[{"type":"dynamiclist","path":"a","label":"A","isRepeating":true,"allowAddRemove":true,"components":[
		{"type":"dynamiclist","path":"b","label":"B","isRepeating":true,"allowAddRemove":true,"components":[{"type":"textfield","key":"x","label":"X"}]}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	list := func(of string, n int) map[string]any {
		rows := make([]any, n)
		for i := range rows {
			rows[i] = map[string]any{"x": of + strconv.Itoa(i)}
		}
		return map[string]any{"b": rows}
	}
	d := Draft{Answers: form.Answers{"a": []any{list("one ", 60), list("one ", 1)}}}
	join(f, &d, Draft{Answers: form.Answers{"a": []any{list("one ", 1), list("two ", 70)}}})
	fctx := form.Context{Lang: "de"}
	look := func() (there, shown int, errs []form.FieldError) {
		v := f.Eval(d.Answers, fctx)
		form.Each(v.Page("form"), func(it *form.Item) {
			if it.Input() {
				shown++
			}
		})
		for i := range 2 {
			rows, _ := form.At(d.Answers, "a."+strconv.Itoa(i)+".b").([]any)
			there += len(rows)
		}
		return there, shown, v.Validate("")
	}
	if there, shown, errs := look(); there != 130 || shown != form.MaxRows || len(errs) != 1 || errs[0].Key != "a.1.b" || errs[0].Msg != form.MoreRowsMsg || errs[0].Args[1] != 30 {
		t.Errorf("%d, %d shown, %v", there, shown, errs)
	}
	for i := range 30 {
		post := url.Values{form.RemoveRow: {"a.0.b.0"}, form.PostedField: {"a.1.b.39.x"}, "a.1.b.39.x": {"anew " + strconv.Itoa(i)}}
		if errs := form.Told(merge(&service.Service{Form: f}, &d, []string{"form"}, post, fctx)); len(errs) > 0 {
			t.Fatal(errs)
		}
		if got := form.At(d.Answers, "a.1.b.39.x"); got != "anew "+strconv.Itoa(i) {
			t.Fatalf("what was typed isn't taken: %v", got)
		}
	}
	if there, shown, errs := look(); there != 100 || shown != 100 || len(errs) != 0 || form.At(d.Answers, "a.1.b.69.x") != "two 69" {
		t.Errorf("%d, %d shown, %v", there, shown, errs)
	}
	if full := merge(&service.Service{Form: f}, &d, []string{"form"}, url.Values{form.AddRow: {"a.0.b"}}, fctx); len(full) != 1 || full[0].Msg != form.RowsMsg {
		t.Errorf("one more: %v", full)
	}
}
