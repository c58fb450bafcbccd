// SPDX-License-Identifier: EUPL-1.2

package form_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"mercator/lang/form"
)

// flats is a form of buildings with flats with people: a rule in an inner row reads its own row, the rows around it and the whole.
const flats = `
{"type":"dynamiclist","path":"houses","label":"Häuser","id":"houses","defaultRepetitions":1,"components":[
	{"type":"textfield","key":"street","label":"Straße"},
	{"type":"group","path":"land","components":[{"type":"number","key":"area","label":"Fläche"}]},
	{"type":"dynamiclist","path":"parts.flats","label":"Wohnungen","defaultRepetitions":2,"components":[
		{"type":"number","key":"rooms","label":"Zimmer","validate":{"required":true}},
		{"type":"textfield","key":"lift","label":"Aufzug","conditional":{"hide":"=street = null or rooms < 3"}},
		{"type":"dynamiclist","path":"people","label":"Personen","defaultRepetitions":0,"components":[
			{"type":"textfield","key":"name","label":"Name","validate":{"required":true},"properties":{"type":"name"}},
			{"type":"expression","key":"said","expression":"=name + \" in \" + string(rooms) + \" rooms of \" + string(count(houses))"}]},
		{"type":"expression","key":"crowd","expression":"=count(people)"}]},
	{"type":"expression","key":"people","expression":"=sum(parts.flats.crowd)"}]},
{"type":"expression","key":"all","expression":"=sum(houses.people)"},
{"type":"textfield","key":"other","label":"Daneben"}`

func TestListsInListsKnowTheirRowTheRowsAroundItAndTheWhole(t *testing.T) {
	f := mustParse(t, flats)
	ctx := form.Context{Lang: "de", Today: today}
	equal(t, "at first", names(f.Eval(nil, ctx).Page("form"), true), []string{"houses.0.street", "houses.0.land.area", "houses.0.parts.flats.0.rooms", "houses.0.parts.flats.1.rooms", "other"})
	a, errs := f.Take(map[string]any{"houses": []any{
		map[string]any{"street": "Am Markt", "land": map[string]any{"area": json.Number("90")}, "parts": map[string]any{"flats": []any{
			map[string]any{"rooms": json.Number("3"), "lift": "ja", "people": []any{map[string]any{"name": "Anna"}, map[string]any{"name": "Ben"}}},
			map[string]any{"rooms": json.Number("1"), "people": []any{map[string]any{"name": "Cem"}}}}}},
		map[string]any{"parts": map[string]any{"flats": []any{map[string]any{"rooms": json.Number("4"), "people": []any{}}}}}}}, ctx)
	equal(t, "errors", keys(errs), []string{})
	s, _ := json.Marshal(f.Eval(a, ctx).Submission())
	equal(t, "submission", string(s), `{"all":3,"houses":[{"land":{"area":90},"parts":{"flats":[`+
		`{"crowd":2,"lift":"ja","people":[{"name":"Anna","said":"Anna in 3 rooms of 2"},{"name":"Ben","said":"Ben in 3 rooms of 2"}],"rooms":3},`+
		`{"crowd":1,"people":[{"name":"Cem","said":"Cem in 1 rooms of 2"}],"rooms":1}]},"people":3,"street":"Am Markt"},`+
		`{"land":{"area":null},"parts":{"flats":[{"crowd":0,"people":[],"rooms":4}]},"people":0,"street":null}],"other":null}`)
	_, errs = f.Take(map[string]any{"houses": []any{map[string]any{"parts": map[string]any{"flats": []any{map[string]any{"people": []any{map[string]any{"name": "☃"}}}}}}}}, ctx)
	equal(t, "wrong", keys(errs), []string{"houses.0.parts.flats.0.rooms required", "houses.0.parts.flats.0.people.0.name person.character"})
}

func TestRowsOfEveryListComeAndGoWithWhatIsPosted(t *testing.T) {
	f := mustParse(t, flats)
	ctx := form.Context{Lang: "de", Today: today}
	post := func(a form.Answers, raw map[string]string, button, name string, pairs ...string) (form.Answers, map[string]string, *form.View, string) {
		t.Helper()
		in := url.Values{button: {name}}
		for i := 0; i < len(pairs); i += 2 {
			in.Add("_f", pairs[i])
			in.Set(pairs[i], pairs[i+1])
		}
		now := ctx
		now.Raw = raw
		a, raw, _ = f.DecodeAll([]string{"form"}, in, a, raw, now)
		now.Raw = raw
		v := f.Eval(a, now)
		return a, raw, v, f.Pressed([]string{"form"}, in).Goes(v)
	}
	// What was shown without having been answered stays.
	a, raw, v, at := post(nil, nil, "_add", "houses.0.parts.flats", "houses.0.parts.flats.0.rooms", "2", "houses.0.parts.flats.1.rooms", "viele")
	equal(t, "a third flat", at, "houses.0.parts.flats.2")
	equal(t, "asked", names(v.Page("form"), true), []string{"houses.0.street", "houses.0.land.area", "houses.0.parts.flats.0.rooms", "houses.0.parts.flats.1.rooms", "houses.0.parts.flats.2.rooms", "other"})
	equal(t, "typed", raw, map[string]string{"houses.0.parts.flats.1.rooms": "viele"})
	// The page as a browser sends it, all of its fields with it: the row is gone all the same, what stood behind it moves up.
	a, raw, v, at = post(a, raw, "_remove", "houses.0.parts.flats.0", "houses.0.parts.flats.0.rooms", "2", "houses.0.parts.flats.1.rooms", "viele", "houses.0.parts.flats.2.rooms", "5")
	equal(t, "what took its place", at, "houses.0.parts.flats.0")
	equal(t, "typed", raw, map[string]string{"houses.0.parts.flats.0.rooms": "viele"})
	it, _, _ := v.Item("houses.0.parts.flats.0.rooms")
	equal(t, "its words", it.Raw, "viele")
	it, _, _ = v.Item("houses.0.parts.flats.1.rooms")
	equal(t, "the third", it.Value, json.Number("5"))
	a, raw, _, at = post(a, raw, "_add", "houses.0.parts.flats.1.people", "houses.0.street", "Am Markt")
	equal(t, "a person", at, "houses.0.parts.flats.1.people.0")
	a, raw, _, at = post(a, raw, "_add", "houses")
	equal(t, "a second house", at, "houses.1")
	a, raw, v, at = post(a, raw, "_remove", "houses.0")
	equal(t, "the second house is the first", []any{at, raw}, []any{"houses.0", map[string]string{}})
	equal(t, "asked", names(v.Page("form"), true), []string{"houses.0.street", "houses.0.land.area", "houses.0.parts.flats.0.rooms", "houses.0.parts.flats.1.rooms", "other"})
	a, _, _, _ = post(a, raw, "_remove", "houses.0.parts.flats.1")
	a, _, v, at = post(a, raw, "_remove", "houses.0.parts.flats.0")
	equal(t, "none is left", []any{at, names(v.Page("form"), true)}, []any{"houses.0.parts.flats", []string{"houses.0.street", "houses.0.land.area", "other"}})
	for _, name := range []string{"houses.0", "houses.0.parts.flats.*", "houses.*.parts.flats", "houses.0.parts.flats.0.rooms", "houses.07.parts.flats", "other", "nothing", strings.Repeat("a.0.", 1000)} {
		b, _, _, at := post(a, nil, "_add", name)
		equal(t, "no list: "+name, []any{at, b}, []any{"", a})
	}
}

func TestAHostilePostOfNestedRowsIsBoundedAndAnswered(t *testing.T) {
	f := mustParse(t, flats)
	ctx := form.Context{Lang: "de", Today: today}
	in := url.Values{"other": {"bleibt"}, "_f": {"other"}}
	for i := range 30 {
		for j := range 30 {
			name := fmt.Sprintf("houses.%d.parts.flats.%d.people.99.name", i, j)
			in.Add("_f", name)
			in.Set(name, "Anna")
		}
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	a, errs := f.Decode("form", in, nil, ctx)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 32<<20 {
		t.Errorf("%d MB", used>>20)
	}
	equal(t, "beside it", a["other"], "bleibt")
	if len(errs) == 0 || errs[0].Msg != "form.error.rows" || f.Field(errs[0].Key) == nil {
		t.Errorf("%v", keys(errs))
	}
	v := f.Eval(a, ctx)
	count := map[string]int{}
	form.Each(v.Page("form"), func(it *form.Item) {
		if it.Type == "dynamiclist" {
			count[it.Field.Name] += len(it.Rows)
		}
	})
	for list, n := range count {
		if n > form.MaxRows {
			t.Errorf("%d rows of %s", n, list)
		}
	}
	// A program's millions are refused, too, and answers that are stored already are shown as far as that.
	people := make([]any, 1000)
	for i := range people {
		people[i] = map[string]any{"name": "Anna"}
	}
	flat := make([]any, 100)
	for i := range flat {
		flat[i] = map[string]any{"rooms": json.Number("1"), "people": people}
	}
	house := make([]any, 100)
	for i := range house {
		house[i] = map[string]any{"parts": map[string]any{"flats": flat}}
	}
	runtime.ReadMemStats(&before)
	_, errs = f.Take(map[string]any{"houses": house}, ctx)
	n := len(f.Eval(form.Answers{"houses": house}, ctx).Page("form"))
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 || len(errs) == 0 || n == 0 {
		t.Errorf("%d MB, %v", used>>20, keys(errs))
	}
}

// TestAPageTakesNoMoreRowsThanCanBePosted: who adds rows can send the page.
func TestAPageTakesNoMoreRowsThanCanBePosted(t *testing.T) {
	var parts []string
	for i := range 12 {
		parts = append(parts, fmt.Sprintf(`{"type":"textfield","key":"f%d","label":"F"}`, i))
	}
	f := mustParse(t, `{"type":"dynamiclist","path":"a","label":"A","defaultRepetitions":0,"components":[{"type":"dynamiclist","path":"b","label":"B","components":[`+strings.Join(parts, ",")+`]}]}`)
	ctx := form.Context{Lang: "de", Today: today}
	var a form.Answers
	var errs []form.FieldError
	n := 0
	for len(errs) == 0 && n < 200 {
		a, errs = f.Decode("form", url.Values{"_add": {"a"}}, a, ctx)
		n++
	}
	equal(t, "told", keys(errs), []string{"a rows"})
	v := f.Eval(a, ctx)
	equal(t, "fields", len(names(v.Page("form"), true)), 492)
	it, _, _ := v.Item("a")
	equal(t, "no button", it.Full, true)
}

// TestWhatStandsInARowIsCalledByItsRows: on the page, in errors, in the summary and in the words of a difference.
func TestWhatStandsInARowIsCalledByItsRows(t *testing.T) {
	src := `{"type":"dynamiclist","path":"a","label":"Haushalte","properties":{"row":"Haushalt","label.en":"Households","row.en":"Household"},"components":[
		{"type":"dynamiclist","path":"b","label":"Personen","properties":{%s},"components":[{"type":"textfield","key":"name","label":"Name","validate":{"required":true}}]}]}`
	f := mustParse(t, fmt.Sprintf(src, `"row":"Person","row.en":"Person"`))
	de, en := localizer(t, "de"), localizer(t, "en")
	v := f.Eval(form.Answers{"a": []any{map[string]any{}, map[string]any{"b": []any{map[string]any{"name": "Anna"}, map[string]any{}}}}}, form.Context{Lang: "de"})
	var got []string
	for _, s := range v.Summary(de) {
		for _, r := range s.Rows {
			got = append(got, r.Label)
		}
	}
	equal(t, "summary", got, []string{"Person 1 von Haushalt 1: Name", "Person 1 von Haushalt 2: Name", "Person 2 von Haushalt 2: Name"})
	errs := v.Validate("")
	equal(t, "error", f.ErrorText(errs[1], de), "Bitte füllen Sie das Feld „Person 2 von Haushalt 2: Name“ aus.")
	equal(t, "away from its field", f.SummaryText(form.FieldError{Key: "a.1.b.1.name", Msg: "person.character"}, en)[:32], "Person 2 of Household 2: Name: T")
	it, _, _ := v.Item("a.1.b")
	equal(t, "list and row", []string{it.Place().Title(de), it.RowAt(0).Title(en), it.RowAt(1).Name()}, []string{"Haushalt 2: Personen", "Person 1 of Household 2", "a.1.b.1"})
	was := mustParse(t, fmt.Sprintf(src, ``))
	it, _, _ = was.Eval(nil, form.Context{}).Item("a.0.b")
	equal(t, "without a name of its own", it.RowAt(0).Title(de), "Personen, Eintrag 1 von Haushalt 1")
	now := mustParse(t, strings.Replace(fmt.Sprintf(src, ``), `"label":"Name","validate":{"required":true}`, `"label":"Rufname"`, 1))
	got = nil
	for _, d := range form.Diff(was, now) {
		got = append(got, d.Words(de))
	}
	equal(t, "difference", got, []string{"„Name“ heißt jetzt „Haushalte › Personen › Rufname“", "„Haushalte › Personen › Rufname“ ist jetzt freiwillig"})
}

// TestNestedAnswersMoveToANewVersion: each row of each row is read the way its field takes it now, and back.
func TestNestedAnswersMoveToANewVersion(t *testing.T) {
	src := `{"type":"dynamiclist","path":"a","label":"A","components":[{"type":"dynamiclist","path":"b","label":"B","components":[%s]}]}`
	old := mustParse(t, fmt.Sprintf(src, `{"type":"textfield","key":"n","label":"Anzahl"}`))
	now := mustParse(t, fmt.Sprintf(src, `{"type":"number","key":"n","label":"Anzahl"}`))
	gone := mustParse(t, `{"type":"textfield","key":"x","label":"X"}`)
	a := form.Answers{"a": []any{map[string]any{"b": []any{map[string]any{"n": "1,5"}, map[string]any{"n": "drei"}}}}}
	ctx := form.Context{Lang: "de", Today: today}
	m := form.Migrate(old, now, form.Filled{Answers: a}, nil, ctx)
	b, _ := json.Marshal(m.Answers)
	equal(t, "read anew", string(b), `{"a":[{"b":[{"n":1.5},{}]}]}`)
	equal(t, "kept", m.Kept["a.0.b.1.n"].Value, "drei")
	back := form.Migrate(now, old, m, nil, ctx)
	b, _ = json.Marshal(back.Answers)
	equal(t, "and back", string(b), `{"a":[{"b":[{"n":"1,5"},{"n":"drei"}]}]}`)
	m = form.Migrate(old, gone, form.Filled{Answers: a}, nil, ctx)
	d := form.Concerns(old, gone.Eval(m.Answers, ctx), m.Kept, nil)
	equal(t, "told", d[0].Words(localizer(t, "de")), "Wird nicht mehr gefragt: „A“. Ihre Antwort war: (1,5; drei)")
}

// TestOnlyTheFieldAskedForIsTaken: where one field may be corrected, rows neither come nor go.
func TestOnlyTheFieldAskedForIsTaken(t *testing.T) {
	f := mustParse(t, flats)
	a := form.Answers{"other": "x", "houses": []any{map[string]any{"street": "A"}}}
	got, _ := f.Decode("form", url.Values{"_f": {"other"}, "other": {"y"}, "_remove": {"houses.0"}}, a, form.Context{Lang: "de", Today: today, Only: "other"})
	b, _ := json.Marshal(got)
	equal(t, "taken", string(b), `{"houses":[{"street":"A"}],"other":"y"}`)
}

// TestAnInnerRowSettlesAlone: an answer in one row has nothing evaluated in the others that don't read it.
func TestAnInnerRowSettlesAlone(t *testing.T) {
	f := mustParse(t, `{"type":"dynamiclist","path":"a","components":[
		{"type":"textfield","key":"s","label":"S"},
		{"type":"dynamiclist","path":"b","components":[
			{"type":"textfield","key":"x","label":"X"},
			{"type":"textfield","key":"y","label":"Y","conditional":{"hide":"=x = \"n\""}},
			{"type":"textfield","key":"z","label":"Z","conditional":{"hide":"=s = \"n\""}}]}]}`)
	var rows []any
	for range 10 {
		var inner []any
		for range 10 {
			inner = append(inner, map[string]any{"x": "y"})
		}
		rows = append(rows, map[string]any{"s": "y", "b": inner})
	}
	v := f.Eval(form.Answers{"a": rows}, form.Context{})
	equal(t, "at first", v.Evaluated(), 200)
	changes := v.Change("a.3.b.7.x", "n")
	equal(t, "one row", v.Evaluated(), 201)
	var told []string
	for _, c := range changes {
		told = append(told, c.String())
	}
	equal(t, "told", told, []string{"a has another value", "a.3.b has another value", "a.3.b.7.x has another value", "a.3.b.7.y vanishes"})
	v.Change("a.3.s", "n")
	equal(t, "the ten rows in it", v.Evaluated(), 211)
}

func TestListsAreNestedThreeDeepAtMost(t *testing.T) {
	src := `{"type":"textfield","key":"x","label":"X"}`
	for i := range 4 {
		_, err := form.Parse("t.form", []byte(`{"type":"default","components":[`+src+`]}`))
		if err != nil {
			t.Fatal(i, err)
		}
		src = fmt.Sprintf(`{"type":"dynamiclist","path":"l%d","label":"L","components":[%s]}`, i, src)
	}
	_, err := form.Parse("t.form", []byte(`{"type":"default","components":[`+src+`]}`))
	if err == nil || !strings.Contains(err.Error(), "no more than 3 deep") {
		t.Error(err)
	}
}

// FuzzRows: whatever names and buttons are posted, a list has no more rows than it may, what was typed is told or kept, and the
// view of the answers is the one that its changes lead to.
func FuzzRows(f *testing.F) {
	pf := mustParse(f, flats)
	ctx := form.Context{Lang: "de", Today: today}
	for _, s := range []string{"_add=houses", "_add=houses.0.parts.flats&_f=houses.0.parts.flats.1.rooms&houses.0.parts.flats.1.rooms=x",
		"_remove=houses.0.parts.flats.0&_f=houses.0.parts.flats.1.people.3.name&houses.0.parts.flats.1.people.3.name=Anna", "_f=houses.99.parts.flats.99.people.99.name&_add=houses.99.parts.flats.99.people",
		"_remove=houses.0.parts.flats.5&_add=houses.5.parts.flats.5.people"} {
		f.Add(s, "_remove=houses.0")
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		var a form.Answers
		raw := map[string]string{}
		v := pf.Eval(nil, ctx)
		for _, body := range []string{first, second} {
			in, err := url.ParseQuery(body)
			if err != nil {
				return
			}
			now := ctx
			now.Raw = raw
			a, raw, _ = pf.DecodeAll([]string{"form"}, in, a, raw, now)
			v.Update(a, raw)
			now.Raw = raw
			fresh := pf.Eval(a, now)
			b, err1 := json.Marshal(v.Submission())
			c, err2 := json.Marshal(fresh.Submission())
			if err1 != nil || err2 != nil || string(b) != string(c) {
				t.Fatalf("%v %v\n%s\n%s", err1, err2, b, c)
			}
			count := map[*form.Field]int{}
			form.Each(v.Page("form"), func(it *form.Item) {
				if it.Type == "dynamiclist" {
					count[it.Field] += len(it.Rows)
				}
			})
			for l, n := range count {
				if n > form.MaxRows {
					t.Fatalf("%d rows of %s", n, l.Name)
				}
			}
			for name := range raw {
				if p, ok := pf.Place(name); !ok || p.Name() != name {
					t.Fatalf("kept under %q", name)
				}
			}
		}
	})
}
