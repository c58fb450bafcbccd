// SPDX-License-Identifier: EUPL-1.2

package form

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

const translatable = `{ "type": "default", "components": [
  { "type": "text", "id": "t", "text": "Wo wohnen Sie?", "properties": { "page": "a", "text.en": "Where do you live?" } },
  { "type": "textfield", "id": "f", "key": "street", "label": "Straße",
    "properties": {
      "page": "a",
      "label.en": "Street", "label.tr": "Sokak",
      "help": "Ohne \"Hausnummer\"", "help.en": "Without the number",
      "message.required": "Welche Straße?", "message.required.en": "Which street?"
    } },
  { "type": "radio", "key": "months", "label": "Wie lange", "values": [ { "label": "Kurz", "value": "ein halbes" } ],
    "properties": { "page": "a", "label.en": "How long", "value.ein halbes.en": "Short" } }
] }`

func translated(t *testing.T, src string, langs, fields []string) (string, int) {
	t.Helper()
	out, n, err := Translated("a.form", []byte(src), langs, fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(out), n
}

func parse(t *testing.T, src string) *Form {
	t.Helper()
	f, err := Parse("a.form", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A German text that changes makes its translations old, and only its own.
func TestOutdated(t *testing.T) {
	marked, n := translated(t, translatable, nil, nil)
	if n != 4 {
		t.Errorf("%d marks, want 4: en of three fields, tr of one", n)
	}
	if again, n := translated(t, marked, nil, nil); n != 0 || again != marked {
		t.Errorf("marked twice, %d marks are new", n)
	}
	tests := []struct {
		from, to string
		want     map[string][]string // by field and language
	}{
		{`"Straße"`, `"Straße"`, nil},
		{`"Straße"`, `"Straße (amtlich)"`, map[string][]string{"street en": {"label"}, "street tr": {"label"}}},
		{`Ohne \"Hausnummer\"`, `Mit Hausnummer`, map[string][]string{"street en": {"help"}}},
		{`"Welche Straße?"`, `"In welcher?"`, map[string][]string{"street en": {"message.required"}}},
		{`"Kurz"`, `"Lang"`, map[string][]string{"months en": {"value.ein halbes"}}},
		{`"Wo wohnen Sie?"`, `"Wo   wohnen Sie?\n"`, nil},
	}
	for _, tt := range tests {
		src := strings.Replace(marked, tt.from, tt.to, 1)
		f := parse(t, src)
		for _, name := range []string{"street", "months"} {
			for _, lang := range []string{"de", "en", "tr"} {
				var got []string
				for _, x := range f.Field(name).Outdated(lang) {
					got = append(got, x.Name)
				}
				if want := tt.want[name+" "+lang]; !slices.Equal(got, want) {
					t.Errorf("%s to %s: %s in %s: %v, want %v", tt.from, tt.to, name, lang, got, want)
				}
			}
		}
		old := 0
		for _, x := range f.Check(CheckOptions{Marked: true}) {
			if strings.Contains(x.Msg, "older") {
				old++
			}
			if strings.Contains(x.Msg, "doesn't say") || strings.Contains(x.Msg, "not known") {
				t.Error(x)
			}
		}
		want := 0
		for _, names := range tt.want {
			want += len(names)
		}
		if old != want {
			t.Errorf("%s to %s: %d findings, want %d", tt.from, tt.to, old, want)
		}
	}
	if f := parse(t, strings.Replace(marked, "Wo wohnen", "Wo leben", 1)); !f.Pages()[0].Outdated("en") || f.Pages()[0].Outdated("tr") {
		t.Error("the title of the page")
	}
}

// Marks are set where the author says so, and the rest of the file stays as it is laid out.
func TestTranslated(t *testing.T) {
	part, n := translated(t, translatable, []string{"en"}, []string{"street"})
	if n != 1 || strings.Contains(part, "source.tr") || strings.Count(part, "source.en") != 1 {
		t.Errorf("one language of one field:\n%s", part)
	}
	if !strings.Contains(part, "\n      \"message.required\": \"Welche Straße?\", \"message.required.en\": \"Which street?\", \"source.en\": ") {
		t.Errorf("the layout:\n%s", part)
	}
	var unmarked []string
	for line := range strings.Lines(part) {
		if i := strings.Index(line, `, "source.en"`); i >= 0 {
			line = line[:i] + "\n"
		}
		unmarked = append(unmarked, line)
	}
	if got := strings.Join(unmarked, ""); got != translatable {
		t.Errorf("more has changed than marks:\n%s", got)
	}
	for _, x := range parse(t, translatable).Check(CheckOptions{}) {
		if strings.Contains(x.Msg, "doesn't say") {
			t.Errorf("asked for marks that nobody wants: %v", x)
		}
	}
	if _, _, err := Translated("a.form", []byte(translatable), nil, []string{"nobody"}); err == nil {
		t.Error("a field that there isn't")
	}
	if _, _, err := Translated("a.form", []byte("{"), nil, nil); err == nil {
		t.Error("no form")
	}
}

// Marking leaves a form that reads the same but for its marks, whatever the form.
func FuzzTranslated(f *testing.F) {
	f.Add([]byte(translatable))
	f.Fuzz(func(t *testing.T, src []byte) {
		if _, err := Parse("a.form", src); err != nil {
			return
		}
		out, n, err := Translated("a.form", src, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 && !bytes.Equal(out, src) {
			t.Fatal("changed, but no mark is new")
		}
		if len(out) > MaxSource {
			return
		}
		again, n, err := Translated("a.form", out, nil, nil)
		if err != nil || n != 0 || !bytes.Equal(again, out) {
			t.Fatalf("marked twice: %d, %v\n%s", n, err, out)
		}
	})
}
