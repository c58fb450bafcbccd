// SPDX-License-Identifier: EUPL-1.2

package form_test

import (
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"mercator/base/i18n"
	"mercator/internal/suites"
	"mercator/lang/form"

	"github.com/BurntSushi/toml"
)

// fieldTable is testdata/fields.toml.
type fieldTable struct {
	kinds   map[string]kindTable
	hostile map[string]string
}

type kindTable struct {
	Component map[string]any `toml:"component"`
	Good      [][2]string    `toml:"good"`
	Odd       [][2]string    `toml:"odd"`
	Wrong     [][2]string    `toml:"wrong"`
}

func readFields(t testing.TB) fieldTable {
	t.Helper()
	var raw map[string]toml.Primitive
	md, err := toml.DecodeFile("testdata/fields.toml", &raw)
	if err != nil {
		t.Fatal(err)
	}
	out := fieldTable{map[string]kindTable{}, map[string]string{}}
	for name, p := range raw {
		if name == "hostile" {
			var all []struct {
				What, Text, Hex string
				Times           int
			}
			if err := md.PrimitiveDecode(p, &all); err != nil {
				t.Fatal(err)
			}
			for _, h := range all {
				s := strings.Repeat(h.Text, max(1, h.Times))
				if h.Hex != "" {
					b, err := hex.DecodeString(h.Hex)
					if err != nil {
						t.Fatal(err)
					}
					s = string(b)
				}
				out.hostile[h.What] = s
			}
			continue
		}
		var k kindTable
		if err := md.PrimitiveDecode(p, &k); err != nil {
			t.Fatal(name, err)
		}
		out.kinds[name] = k
	}
	return out
}

// form is a page with a field of the kind and another beside it.
func (k kindTable) form(t testing.TB) *form.Form {
	t.Helper()
	c := maps.Clone(k.Component)
	c["key"], c["label"] = "field", "Feld"
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return mustParse(t, string(b)+`,{"type":"textfield","key":"other","label":"Daneben"}`)
}

var fieldVars = map[string]any{"streets": []any{
	map[string]any{"value": "Königstraße", "label": "Königstraße"}, map[string]any{"value": "Düsseldorfer Straße", "label": "Düsseldorfer Straße"},
	map[string]any{"value": "Kantstraße", "label": "Kantstraße"}}}

// typeIn posts a text into the field, and one into the field beside it.
func typeIn(t testing.TB, f *form.Form, s string) (form.Answers, []form.FieldError, form.Context) {
	t.Helper()
	ctx := form.Context{Lang: "de", Today: today, Vars: fieldVars}
	a, errs := f.Decode("form", url.Values{"_f": {"field", "other"}, "field": {s}, "field.confirm": {"true"}, "other": {"bleibt"}}, nil, ctx)
	if a["other"] != "bleibt" {
		t.Errorf("%.60q in one field takes %v from the other", s, a["other"])
	}
	for _, e := range errs {
		if e.Key != "field" {
			t.Errorf("%.60q in one field is an error at %s", s, e.Key)
		}
	}
	return a, errs, ctx
}

func stored(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case map[string]any:
		b, _ := json.Marshal(v)
		return string(b)
	}
	return form.Option{Value: v}.OptionText()
}

func TestWhatPeopleTypeIntoEachKindOfField(t *testing.T) {
	table := readFields(t)
	cat := localizers(t)
	if len(table.kinds) < 28 {
		t.Fatalf("only %d kinds", len(table.kinds))
	}
	for _, name := range slices.Sorted(maps.Keys(table.kinds)) {
		k := table.kinds[name]
		f := k.form(t)
		for _, c := range slices.Concat(k.Good, k.Odd) {
			a, errs, ctx := typeIn(t, f, c[0])
			if len(errs) > 0 || stored(a["field"]) != c[1] {
				t.Errorf("%s %q: %s %v, want %s", name, c[0], stored(a["field"]), keys(errs), c[1])
				continue
			}
			it, _, _ := f.Eval(a, ctx).Item("field")
			if form.Format(it, cat["de"]) == "" {
				t.Errorf("%s %q: nobody can read it", name, c[0])
			}
			if it.Type == "checkbox" {
				continue
			}
			again, errs, _ := typeIn(t, f, form.EditText(it, cat["de"]))
			if len(errs) > 0 || stored(again["field"]) != c[1] {
				t.Errorf("%s %q: shown as %q, which is read as %s %v", name, c[0], form.EditText(it, cat["de"]), stored(again["field"]), keys(errs))
			}
			// Programs may say the same.
			taken, errs := f.Take(map[string]any{"field": c[0], "other": "bleibt"}, ctx)
			if it.Kind == "signature" {
				taken, errs = f.Take(map[string]any{"field": map[string]any{"name": c[0]}, "other": "bleibt"}, ctx)
			}
			if len(errs) > 0 || stored(taken["field"]) != c[1] {
				t.Errorf("%s %q of a program: %s %v", name, c[0], stored(taken["field"]), keys(errs))
			}
			taken, errs = f.Take(map[string]any{"field": a["field"]}, ctx)
			if len(errs) > 0 || stored(taken["field"]) != c[1] {
				t.Errorf("%s %s given back by a program: %s %v", name, c[1], stored(taken["field"]), keys(errs))
			}
		}
		for _, c := range k.Wrong {
			a, errs, ctx := typeIn(t, f, c[0])
			if len(errs) != 1 || errs[0].Msg != c[1] {
				t.Errorf("%s %q: %s %v, want %s", name, c[0], stored(a["field"]), errs, c[1])
				continue
			}
			kept := errs[0].Raw
			if kept == "" {
				kept = stored(a["field"]) // a value that is wrong, not one that can't be read
			}
			if kept != c[0] && a["field"] == nil {
				t.Errorf("%s %q: kept as %q", name, c[0], kept)
			}
			for lang, l := range cat {
				if s := f.ErrorText(errs[0], l); s == "" || strings.Contains(s, "{") || s == errs[0].Msg {
					t.Errorf("%s %q in %s: %q", name, c[0], lang, s)
				}
			}
			if errs[0].Raw != "" { // the next visit shows it, with its error
				ctx.Raw = map[string]string{"field": errs[0].Raw}
				if e := f.Eval(a, ctx).Validate(""); len(e) != 1 || e[0].Raw != c[0] {
					t.Errorf("%s %q: on the next visit %v", name, c[0], e)
				}
			}
		}
	}
}

func localizers(t testing.TB) map[string]*i18n.Localizer {
	return map[string]*i18n.Localizer{"de": localizer(t, "de"), "en": localizer(t, "en"), "tr": localizer(t, "tr")}
}

// hostileTexts are those of the table and of the suites.
func hostileTexts(t testing.TB) map[string]string {
	t.Helper()
	out := readFields(t).hostile
	dir := suites.Dir(t, "sec_payloads")
	data, err := os.ReadFile(filepath.Join(dir, "blns/blns.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(p) != ".txt" {
			return err
		}
		b, err := os.ReadFile(p)
		for i, line := range strings.Split(string(b), "\n") {
			if i%7 == 0 { // a part of some ten thousand lines, the same each time
				all = append(all, line)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		out["suite "+s] = s
	}
	return out
}

// TestHostileTextInEveryField: an error at the field with the words kept, or a value that
// can be shown; never more memory than the bounds say, never a change to another field.
func TestHostileTextInEveryField(t *testing.T) {
	table, hostile := readFields(t), hostileTexts(t)
	if len(hostile) < 1000 {
		t.Fatalf("only %d texts", len(hostile))
	}
	l := localizer(t, "de")
	tried, taken := 0, 0
	for name, k := range table.kinds {
		f := k.form(t)
		for what, s := range hostile {
			tried++
			a, errs, ctx := typeIn(t, f, s)
			b, err := json.Marshal(a["field"])
			if err != nil {
				t.Fatalf("%s, %.60s: %v", name, what, err)
			}
			if len(b) > 8*form.MaxText {
				t.Errorf("%s, %.60s: %d bytes are stored", name, what, len(b))
			}
			if len(errs) > 0 {
				raw := errs[0].Raw
				if c := k.Component["type"]; c == "radio" || c == "select" { // nobody types into them
					raw = s
				}
				if len(errs[0].Raw) > 4*form.MaxText || raw != s && a["field"] == nil && len(s) <= 4*form.MaxText {
					t.Errorf("%s, %.60s: %.60q is kept", name, what, raw)
				}
				if text := f.ErrorText(errs[0], l); text == "" || len(text) > 600 {
					t.Errorf("%s, %.60s: says %q", name, what, text)
				}
				continue
			}
			if a["field"] == nil || a["field"] == false {
				continue
			}
			taken++
			v := stored(a["field"])
			if !utf8.ValidString(v) || strings.ContainsFunc(v, func(r rune) bool {
				return unicode.IsControl(r) && r != '\n' && r != '\t' || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
			}) {
				t.Errorf("%s, %.60s: stored as %.80q", name, what, v)
			}
			if again := f.Eval(a, ctx).Validate(""); len(again) > 0 {
				t.Errorf("%s, %.60s: taken, and wrong at the end: %v", name, what, keys(again))
			}
		}
	}
	t.Logf("%d texts in %d kinds of fields: %d of %d taken", len(hostile), len(table.kinds), taken, tried)
}

// TestManyItems: lists of thousands are refused or bounded, as a post and as a program's answer.
func TestManyItems(t *testing.T) {
	f := mustParse(t, `{"type":"checklist","key":"days","label":"Tage","values":[{"label":"Montag","value":"1"},{"label":"Dienstag","value":"2"}]},
		{"type":"taglist","key":"nations","label":"Staaten","properties":{"type":"nationality"}},
		{"type":"dynamiclist","path":"children","label":"Kinder","components":[{"type":"textfield","key":"name","label":"Name"}]},
		{"type":"textfield","key":"other","label":"Daneben"}`)
	ctx := form.Context{Lang: "de", Today: today}
	many := make([]string, 100_000)
	for i := range many {
		many[i] = strconv.Itoa(i)
	}
	rows, list := make([]any, 100_000), make([]any, 100_000)
	for i := range rows {
		rows[i], list[i] = map[string]any{"name": "X"}, many[i]
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	a, errs := f.Decode("form", url.Values{"_f": {"days", "other"}, "days": many, "other": {"bleibt"}}, nil, ctx)
	equal(t, "a post of thousands", keys(errs), []string{"days option"})
	equal(t, "the field beside it", a["other"], "bleibt")
	a, errs = f.Take(map[string]any{"days": list, "children": rows, "other": "bleibt"}, ctx)
	equal(t, "the field beside it", a["other"], "bleibt")
	if !slices.Contains(keys(errs), "children rows") || !slices.Contains(keys(errs), "days option") {
		t.Errorf("a program's thousands: %v", keys(errs))
	}
	if n := len(a["children"].([]any)); n > form.MaxRows {
		t.Errorf("%d rows", n)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
		t.Errorf("%d MB for lists of 100000", used>>20)
	}
	a, errs = f.Decode("form", url.Values{"_f": {"nations"}, "nations": {"TR", "DE"}}, nil, ctx)
	equal(t, "two nationalities", []any{a["nations"], keys(errs)}, []any{[]any{"TR", "DE"}, []string(nil)})
}

func TestASignatureCountsWhenItIsMeant(t *testing.T) {
	f := mustParse(t, `{"type":"textfield","key":"sign","label":"Unterschrift","validate":{"required":true},"properties":{"type":"signature"}}`)
	ctx := form.Context{Lang: "de", Today: today}
	post := func(v url.Values) (form.Answers, []form.FieldError) {
		v.Set("_f", "sign")
		return f.Decode("form", v, nil, ctx)
	}
	a, errs := post(url.Values{"sign": {"Anna Schmidt"}, "sign.drawing": {"M1 1L2 2"}})
	equal(t, "without the tick", []any{keys(errs), stored(a["sign"])}, []any{[]string{"sign signature"}, `{"confirmed":false,"drawing":"M1 1L2 2","name":"Anna Schmidt"}`})
	equal(t, "still without it", keys(f.Eval(a, ctx).Validate("")), []string{"sign signature"})
	_, errs = post(url.Values{"sign.confirm": {"true"}})
	equal(t, "a tick without a name", keys(errs), []string{"sign required"})
	a, errs = post(url.Values{"sign.drawing": {"M1 1L2 2"}, "sign.confirm": {"true"}})
	equal(t, "drawn without a name", []any{keys(errs), stored(a["sign"])}, []any{[]string{"sign required"}, `{"confirmed":true,"drawing":"M1 1L2 2","name":""}`})
	_, errs = post(url.Values{"sign": {"Anna 2"}, "sign.confirm": {"true"}})
	equal(t, "no name", []any{keys(errs), errs[0].Raw}, []any{[]string{"sign person.character"}, "Anna 2"})
	a, errs = post(url.Values{"sign": {"Anna Schmidt"}, "sign.confirm": {"true"}, "sign.drawing": {"M10 20L30 40L600 200M0 0"}})
	equal(t, "drawn", []any{keys(errs), stored(a["sign"])}, []any{[]string(nil), `{"confirmed":true,"drawing":"M10 20L30 40L600 200M0 0","name":"Anna Schmidt"}`})
	for _, bad := range []string{"M601 0", "L1 1", "M1 1 2", "M1 1Z", `M1 1"><script>`, "M-1 1", "M1.5 1", "M1", "M1 ", "M00001 1", "M1 1" + strings.Repeat("L1 1", form.MaxDrawing/4)} {
		if form.IsDrawing(bad) {
			t.Errorf("%.30q is taken as a drawing", bad)
		}
	}
	a, errs = post(url.Values{"sign": {"Anna Schmidt"}, "sign.confirm": {"true"}, "sign.drawing": {"url(https://example.org)"}})
	equal(t, "no drawing", []any{keys(errs), stored(a["sign"])}, []any{[]string(nil), `{"confirmed":true,"name":"Anna Schmidt"}`})
}

// FuzzTake: whatever a program sends, what is taken without an error stays right, and nothing grows.
func FuzzTake(f *testing.F) {
	var parts []string
	for name, k := range readFields(f).kinds {
		c := maps.Clone(k.Component)
		c["key"], c["label"] = name, name
		b, err := json.Marshal(c)
		if err != nil {
			f.Fatal(err)
		}
		parts = append(parts, string(b))
	}
	slices.Sort(parts)
	parts = append(parts, `{"type":"checklist","key":"days","label":"Tage","values":[{"label":"Montag","value":1}]}`,
		`{"type":"dynamiclist","path":"rows","label":"Zeilen","components":[{"type":"textfield","key":"name","label":"Name"},{"type":"group","path":"g","components":[{"type":"number","key":"n","label":"n"}]},
			{"type":"dynamiclist","path":"inner","label":"Innen","components":[{"type":"textfield","key":"name","label":"Name","properties":{"type":"name"}}]}]}`)
	pf := mustParse(f, strings.Join(parts, ","))
	ctx := form.Context{Lang: "de", Today: today, Vars: fieldVars}
	for _, s := range []string{`{"name":"Anna","money":123450,"number":1.234,"days":[1]}`, `{"position":{"lat":51.4,"lon":6.7},"signature":{"name":"Anna","drawing":"M1 1"}}`,
		`{"rows":[{"name":"a","g":{"n":1}},null,3]}`, `{"rows":[{"inner":[{"name":"Anna"},{"name":7}]},{"inner":{"3":{"name":"Ben"}}}]}`, `{"rows":{"9":{"inner":{"9":{"name":"Ben"}}}}}`, `{"position":{"lat":{},"lon":[]},"consent":"x","choice":["1"],"plate":true}`, `{"rows":{"0":{"name":"x"}},"days":{"a":1}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var in map[string]any
		d := json.NewDecoder(strings.NewReader(string(body)))
		d.UseNumber()
		if len(body) > 1<<20 || d.Decode(&in) != nil {
			return
		}
		a, errs := pf.Take(in, ctx)
		b, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > 30*len(body)+4000 {
			t.Fatalf("%d bytes became %d", len(body), len(b))
		}
		wrong := map[string]bool{}
		for _, e := range errs {
			wrong[e.Key] = true
		}
		for _, e := range pf.Validate(a, ctx) {
			if !wrong[e.Key] {
				t.Fatalf("%s: %s is %s", body, e.Key, e.Msg)
			}
		}
	})
}
