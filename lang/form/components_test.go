// SPDX-License-Identifier: EUPL-1.2

package form_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mercator/internal/suites"
	"mercator/lang/form"
)

// what describes an item in a line: its type, its name, and what it shows.
func what(it *form.Item, l func(form.Item) string) string {
	s := it.Type
	if it.Name != "" {
		s += " " + it.Name
	}
	if it.Value != nil {
		s += "=" + l(*it)
	}
	for _, o := range it.Options {
		s += " |" + o.Label.For("de")
	}
	if t := it.Text.For("de"); t != "" {
		s += fmt.Sprintf(" %q", t)
	}
	if x := it.Shown; x != nil {
		for _, c := range x.Columns {
			s += " /" + c.Label.For("de")
		}
		for _, r := range x.Rows {
			s += fmt.Sprint(" ", r)
		}
		if len(x.URL) > 30 {
			x.URL = x.URL[:30]
		}
		s += " " + x.URL
		for _, d := range x.Documents {
			s += fmt.Sprintf(" <%s %s %s>", d.Name, d.Type, d.Field)
		}
	}
	return strings.TrimRight(s, " ")
}

// Each component of form-js, in a file as the editor writes it.
func TestEveryComponentOfTheEditorIsReadAndShown(t *testing.T) {
	want := map[string][]string{
		"textfield":   {"textfield ref"},
		"number":      {"number area=12"},
		"datetime":    {"datetime begin", "datetime clock", "datetime meeting", "datetime preset=01.12.2026"},
		"checkbox":    {"checkbox agreed"},
		"checklist":   {"checklist days |Montag |Dienstag"},
		"radio":       {"radio fresh=Nein |Ja |Nein"},
		"select":      {"select street |Königstraße |Düsseldorfer Straße |Kantstraße", "select street2 |Königstraße |Düsseldorfer Straße |Kantstraße"},
		"taglist":     {"taglist tags |laut |hell"},
		"textarea":    {"textarea reasons"},
		"group":       {"group", "textfield address.city", "group", "textfield address.extra"},
		"dynamiclist": {"dynamiclist children", "textfield children.0.name"},
		"table":       {"table /Kennzeichen /Sitze [DU-AB 1 4] [DU-AB 2 <nil>]", "table /Kfz [DU-AB 1] [DU-AB 2]"},
		"expression":  {"expression sum=2"},
		"image":       {`image "Wappen der Stadt" data:image/png;base64,iVBORw0K`, `image "<b>Welt</b>" data:image/gif;base64,AAAA`},
		"text":        {`text "# Hallo\n\nGuten Tag, **<b>Welt</b>**."`, `text "Wort: <b>Welt</b>"`},
		"html":        {`html "<p onclick=\"x()\">Guten <b>Tag</b>, &lt;b&gt;Welt&lt;/b&gt;.</p><script>alert(1)</script>"`},
		"separator":   {"separator"}, "spacer": {"spacer"},
		"filepicker":      {"filepicker proof=foto.png"},
		"documentPreview": {"filepicker proof=foto.png", "documentPreview  <foto.png image/png proof>", "documentPreview  <Bescheid.pdf application/pdf >"},
		"iframe":          {"iframe https://example.org/map"},
		"button":          {"button", "button"},
	}
	ctx := form.Context{Lang: "de", Today: today, Vars: map[string]any{
		"streets": fieldVars["streets"], "word": "<b>Welt</b>", "picture": "data:image/gif;base64,AAAA", "columns": []any{map[string]any{"key": "plate", "label": "Kfz"}},
		"vehicles":  []any{map[string]any{"plate": "DU-AB 1", "seats": json.Number("4")}, map[string]any{"plate": "DU-AB 2"}},
		"documents": []any{map[string]any{"documentId": "1", "metadata": map[string]any{"fileName": "Bescheid.pdf", "contentType": "application/pdf"}}, "nonsense"},
	}}
	answers := form.Answers{"proof": []any{map[string]any{"name": "foto.png", "hash": "ab", "type": "image/png", "size": json.Number("3")}}}
	files, err := filepath.Glob("testdata/components/*.form")
	if err != nil || len(files) != len(want) {
		t.Fatalf("%d files for %d components: %v", len(files), len(want), err)
	}
	l := localizer(t, "de")
	for _, file := range files {
		kind := strings.TrimSuffix(filepath.Base(file), ".form")
		f := load(t, file)
		if f.SchemaVersion != 19 {
			t.Errorf("%s: schema version %d", kind, f.SchemaVersion)
		}
		var got []string
		v := f.Eval(answers, ctx)
		form.Each(v.Page("form"), func(it *form.Item) {
			got = append(got, what(it, func(it form.Item) string { return form.Format(it, l) }))
		})
		if !slices.Equal(got, want[kind]) {
			t.Errorf("%s:\n got %q\nwant %q", kind, got, want[kind])
		}
		v.Validate("")
		v.Submission()
	}
}

func TestWhatMakesNoSenseInAPublicFormIsRefusedClearly(t *testing.T) {
	for _, c := range []struct{ component, want string }{
		{`{"type":"image","source":"https://example.org/x.png","alt":"x"}`, "another place would learn who fills it in"},
		{`{"type":"image","source":"data:text/html,<script>","alt":"x"}`, "another place would learn"},
		{`{"type":"image","source":"/assets/../../etc","alt":"x"}`, "another place would learn"},
		{`{"type":"image"}`, `an image has a "source"`},
		{`{"type":"iframe","url":"javascript:alert(1)"}`, "begins with https://"},
		{`{"type":"iframe","url":"http://example.org"}`, "begins with https://"},
		{`{"type":"iframe"}`, `an iframe has a "url"`},
		{`{"type":"table","dataSource":"=x"}`, `"columns" or a "columnsExpression"`},
		{`{"type":"table","columns":[{"key":"a","label":"A"}]}`, `a table has a "dataSource"`},
		{`{"type":"table","dataSource":"=x","columns":[{"label":"A"}]}`, `a column has a "key"`},
		{`{"type":"documentPreview","label":"x"}`, `a documentPreview has a "dataSource"`},
		{`{"type":"textfield","key":"a","label":"=b"}`, "a label can't be an expression"},
		{`{"type":"textfield","key":"a","label":"A","readonly":"=b"}`, "readonly can't be an expression"},
		{`{"type":"text","text":"{{#loop x}}y{{/loop}}"}`, "no {{#if}} and {{#loop}}"},
		{`{"type":"textfield","key":"a","label":"A","properties":{"listed":"true"}}`, `the list in "suggest"`},
		{`{"type":"textfield","key":"a","label":"A","properties":{"type":"spell"}}`, `type "spell" of a textfield is not known`},
		{`{"type":"hologram","key":"a"}`, `component "hologram" is not known`},
	} {
		_, err := form.Parse("t.form", []byte(`{"type":"default","components":[`+c.component+`]}`))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "t.form:1:") {
			t.Errorf("%s: %v", c.component, err)
		}
	}
	// What is only known when the form is filled in shows nothing.
	f := mustParse(t, `{"type":"image","source":"=x","alt":"a"},{"type":"iframe","url":"=x"},{"type":"table","columns":[{"key":"a"}],"dataSource":"=x"},{"type":"documentPreview","dataSource":"=x"}`)
	for _, x := range []any{nil, "javascript:alert(1)", "https://a@example.org\n", json.Number("3"), []any{nil, json.Number("1"), []any{}}, map[string]any{"a": "b"}} {
		form.Each(f.Eval(nil, form.Context{Vars: map[string]any{"x": x}}).Page("form"), func(it *form.Item) {
			if it.Shown == nil || it.Shown.URL != "" || len(it.Shown.Rows) > 0 || len(it.Shown.Documents) > 0 {
				t.Errorf("%v in a %s shows %+v", x, it.Type, it.Shown)
			}
		})
	}
}

// Forms that others have drawn are read, or refused with the place of what isn't understood.
func TestFormsOfOthersAreReadOrRefusedWithTheirPlace(t *testing.T) {
	dir := suites.Dir(t, "bpmn_exec")
	read, refused := 0, map[string]int{}
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(p) != ".form" {
			return err
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		_, perr := form.Parse("f", data)
		if perr == nil {
			read++
			return nil
		}
		for line := range strings.Lines(perr.Error()) {
			if !strings.HasPrefix(line, "f:") {
				t.Errorf("%s: %s has no place", p, line)
			}
			parts := strings.SplitN(line, ": ", 2)
			refused[parts[len(parts)-1]]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d read; refused: %v", read, refused)
	if read < 1 {
		t.Error("none is read")
	}
}
