// SPDX-License-Identifier: EUPL-1.2

package form_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mercator/base/i18n"
	"mercator/base/person"
	"mercator/internal/suites"
	"mercator/lang/form"
)

func localizer(t testing.TB, lang string) *i18n.Localizer {
	t.Helper()
	cat, err := i18n.Load(form.Messages, person.Messages)
	if err != nil {
		t.Fatal(err)
	}
	return cat.Localizer(lang)
}

func parking(t testing.TB) *form.Form {
	t.Helper()
	return load(t, "../../content/services/resident-parking-permit/application.form")
}

func load(t testing.TB, file string) *form.Form {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	f, err := form.Parse(filepath.Base(file), data)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func mustParse(t testing.TB, components string) *form.Form {
	t.Helper()
	f, err := form.Parse("test.form", []byte(`{"type":"default","id":"t","components":[`+components+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

var today = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

var zones = []any{map[string]any{"value": "DE1", "label": "Dellviertel 1"}, map[string]any{"value": "HO2", "label": "Hochfeld 2"}}

func consented() form.Context {
	return form.Context{Lang: "de", Today: today, Prefill: true, Vars: map[string]any{
		"lists": map[string]any{"zones": zones},
		"registers": map[string]any{
			"resident": map[string]any{"given_names": "Ayşe", "family_name": "Yılmaz", "birth_date": "1988-04-12", "street": "Musfeldstraße",
				"house_number": "12", "postcode": "47053", "city": "Duisburg", "residence_since": "2019-05-01"},
			"vehicles": []any{map[string]any{"plate": "DU-AB 123", "make": "VW", "model": "Golf"}},
		},
	}}
}

func refused() form.Context {
	return form.Context{Lang: "de", Today: today, Prefill: true, Vars: map[string]any{"lists": map[string]any{"zones": zones}, "registers": nil}}
}

func names(items []form.Item, asked bool) []string {
	var out []string
	form.Each(items, func(it *form.Item) {
		if it.Input() && it.Asked() == asked {
			out = append(out, it.Name)
		}
	})
	return out
}

func keys(errs []form.FieldError) []string {
	var out []string
	for _, e := range errs {
		out = append(out, e.Key+" "+strings.TrimPrefix(e.Msg, "form.error."))
	}
	return out
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprintf("%v", got), fmt.Sprintf("%v", want); g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func TestWhatTheRegisterKnowsIsNotAsked(t *testing.T) {
	f := parking(t)
	v := f.Eval(nil, consented())
	equal(t, "asked of the person", names(v.Page("person"), true), []string{})
	equal(t, "known of the person", names(v.Page("person"), false), []string{"given_names", "family_name", "birth_date"})
	equal(t, "asked about the car", names(v.Page("vehicle"), true), []string{"vehicle", "other_vehicle"})

	v = f.Eval(nil, refused())
	equal(t, "asked of the person who said no", names(v.Page("person"), true), []string{"given_names", "family_name", "birth_date"})
	equal(t, "asked about the car", names(v.Page("vehicle"), true), []string{"other_plate"})
}

func TestTheJourneyThroughTheParkingForm(t *testing.T) {
	f, ctx := parking(t), consented()
	a, errs := f.Decode("vehicle", url.Values{"_f": {"vehicle", "other_vehicle"}, "vehicle": {"DU-AB 123"}}, nil, ctx)
	equal(t, "errors", keys(errs), []string{})
	equal(t, "plate on the permit", f.Eval(a, ctx).Submission()["plate"], "DU-AB 123")

	// The other car: the plate is asked for, the register's car no longer counts.
	a, errs = f.Decode("vehicle", url.Values{"_f": {"vehicle", "other_vehicle"}, "vehicle": {"DU-AB 123"}, "other_vehicle": {"true"}}, a, ctx)
	equal(t, "errors", keys(errs), []string{})
	v := f.Eval(a, ctx)
	equal(t, "asked now", names(v.Page("vehicle"), true), []string{"other_vehicle", "other_plate"})
	equal(t, "page is wrong", keys(v.Validate("vehicle")), []string{"other_plate required"})
	a, errs = f.Decode("vehicle", url.Values{"_f": {"other_vehicle", "other_plate"}, "other_vehicle": {"true"}, "other_plate": {"e m 77"}}, a, ctx)
	equal(t, "errors", keys(errs), []string{})
	equal(t, "plate on the permit", f.Eval(a, ctx).Submission()["plate"], "E-M 77")

	a, errs = f.Decode("permit", url.Values{"_f": {"zone", "valid_from", "months"}, "zone": {"DE1"}, "valid_from": {"22.11.2026"}, "months": {"7"}}, a, ctx)
	equal(t, "errors", keys(errs), []string{"valid_from dateMin", "months option"})
	l := localizer(t, "de")
	equal(t, "in words", f.ErrorText(errs[0], l), "Bei „Gültig ab“ ist das früheste mögliche Datum der 23.11.2026.")
	a, errs = f.Decode("permit", url.Values{"_f": {"zone", "valid_from", "months"}, "zone": {"DE1"}, "valid_from": {"1. Dezember 26"}, "months": {"12"}}, a, ctx)
	equal(t, "errors", keys(errs), []string{})
	equal(t, "still missing", keys(f.Validate(a, ctx)), []string{"declared consent"})
	a, _ = f.Decode("declare", url.Values{"_f": {"declared"}, "declared": {"true"}}, a, ctx)
	equal(t, "complete", keys(f.Validate(a, ctx)), []string{})

	s := f.Eval(a, ctx).Submission()
	b, _ := json.Marshal(s)
	equal(t, "submission", string(b), `{"birth_date":"1988-04-12","city":"Duisburg","declared":true,"family_name":"Yılmaz","given_names":"Ayşe","house_number":"12",`+
		`"months":"12","other_plate":"E-M 77","other_vehicle":true,"plate":"E-M 77","postcode":"47053","residence_since":"2019-05-01","street":"Musfeldstraße","valid_from":"2026-12-01","zone":"DE1"}`)

	var lines []string
	for _, sec := range f.Eval(a, ctx).Summary(localizer(t, "tr")) {
		for _, r := range sec.Rows {
			lines = append(lines, r.Label+"="+r.Value)
		}
	}
	for _, want := range []string{"Ad=Ayşe", "Doğum tarihi=1988-04-12", "Süre=12 ay", "Park bölgesi=Dellviertel 1"} {
		if want == "Doğum tarihi=1988-04-12" {
			want = "Doğum tarihi=12.04.1988"
		}
		if !slices.Contains(lines, want) {
			t.Errorf("the summary lacks %q: %q", want, lines)
		}
	}
}

func TestWhatIsNotAskedIsNotTaken(t *testing.T) {
	f, ctx := parking(t), consented()
	a, errs := f.Decode("person", url.Values{"given_names": {"Mallory"}, "_f": {"given_names", "plate", "declared", "nobody"}, "plate": {"B-IG 1"}, "declared": {"true"}}, nil, ctx)
	if len(a) != 0 || len(errs) != 0 {
		t.Errorf("a register's field, a computed one, another page's and an unknown one: %v %v", a, errs)
	}
	a, _ = f.Decode("vehicle", url.Values{"_f": {"other_plate", "vehicle"}, "other_plate": {"B-IG 1"}, "vehicle": {"DU-AB 123"}}, nil, ctx)
	s := f.Eval(a, ctx).Submission()
	if _, ok := s["other_plate"]; ok || s["plate"] != "DU-AB 123" {
		t.Errorf("a hidden field that was sent anyway counts: %v", s)
	}
	if a["other_plate"] != "B-IG 1" {
		t.Error("what was typed is lost")
	}
}

func TestNothingTypedIsLost(t *testing.T) {
	f, ctx := parking(t), refused()
	a, errs := f.Decode("person", url.Values{"_f": {"given_names", "family_name", "birth_date"},
		"given_names": {"Иван"}, "family_name": {"Müller"}, "birth_date": {"irgendwann"}}, form.Answers{"given_names": "Alt"}, ctx)
	equal(t, "errors", keys(errs), []string{"given_names person.character", "birth_date person.date.form"})
	equal(t, "words kept", []string{errs[0].Raw, errs[1].Raw}, []string{"Иван", "irgendwann"})
	equal(t, "answers", a, form.Answers{"family_name": "Müller"})
	ctx.Raw = map[string]string{"given_names": "Иван", "birth_date": "irgendwann"}
	v := f.Eval(a, ctx)
	equal(t, "still wrong when all is checked", keys(v.Validate("person")), []string{"given_names person.character", "birth_date person.date.form"})
	it, page, ok := v.Item("birth_date")
	if !ok || page != "person" || form.EditText(it, localizer(t, "de")) != "irgendwann" {
		t.Errorf("the field shows %q", form.EditText(it, localizer(t, "de")))
	}
}

func TestOneFieldIsCorrected(t *testing.T) {
	f, ctx := parking(t), consented()
	ctx.Only, ctx.Prefill = "street", false
	a := form.Answers{"street": "Falschweg", "house_number": "12", "zone": "DE1"}
	v := f.Eval(a, ctx)
	var all []string
	for _, p := range v.Pages() {
		all = append(all, names(v.Page(p.ID), true)...)
	}
	equal(t, "asked", all, []string{"street"})
	b, errs := f.Decode("address", url.Values{"_f": {"street", "house_number"}, "street": {"Königstr."}, "house_number": {"99"}}, a, ctx)
	equal(t, "errors", keys(errs), []string{})
	equal(t, "answers", b, form.Answers{"street": "Königstraße", "house_number": "12", "zone": "DE1"})
	equal(t, "old answers", a["street"], "Falschweg")
}

func TestEveryKindOfField(t *testing.T) {
	f := mustParse(t, `
	{"type":"textfield","key":"plain","label":"Text","validate":{"minLength":2,"maxLength":5}},
	{"type":"textfield","key":"code","label":"Code","validate":{"pattern":"[A-Z]{2}\\d"}},
	{"type":"textfield","key":"fee","label":"Betrag","properties":{"type":"money"}},
	{"type":"number","key":"n","label":"Zahl","decimalDigits":0,"validate":{"min":0,"max":10}},
	{"type":"number","key":"price","label":"Preis","decimalDigits":2,"validate":{"max":"=limit"}},
	{"type":"datetime","key":"at","subtype":"datetime","dateLabel":"Wann"},
	{"type":"datetime","key":"time","subtype":"time","timeLabel":"Uhrzeit"},
	{"type":"checklist","key":"days","label":"Tage","values":[{"label":"Montag","value":1},{"label":"Dienstag","value":2}]},
	{"type":"select","key":"n2","label":"Anzahl","values":[{"label":"eins","value":1},{"label":"ja","value":true}]},
	{"type":"textarea","key":"text","label":"Mehr"},
	{"type":"textfield","key":"mail","label":"Post","validate":{"validationType":"email"}},
	{"type":"textfield","key":"end","label":"Ende","properties":{"check":"=end != plain","message.check":"Nicht gleich."}}`)
	ctx := form.Context{Lang: "de", Today: today, Vars: map[string]any{"limit": json.Number("99.5")}}
	for _, c := range []struct{ key, in, want, err string }{
		{"plain", " ab ", "ab", ""},
		{"plain", "a", "a", "short"},
		{"plain", "abcdef", "<nil>", "person.tooLong"},
		{"plain", "<b>'", "<b>'", ""},
		{"plain", "a\u202eb", "<nil>", "person.invisible"},
		{"code", "AB1", "AB1", ""},
		{"code", "AB1x", "AB1x", "pattern"},
		{"fee", "1.234,50 €", "123450", ""},
		{"n", "7", "7", ""},
		{"n", "11", "11", "max"},
		{"n", "-1", "-1", "min"},
		{"n", "7,5", "<nil>", "whole"},
		{"price", "99,50", "99.50", ""},
		{"price", "99,51", "99.51", "max"},
		{"price", "1,234567", "<nil>", "decimals"},
		{"at", "3.5.27 14:30", "2027-05-03T14:30", ""},
		{"at", "3.5.27", "<nil>", "dateTime"},
		{"time", "9.30 Uhr", "09:30", ""},
		{"days", "2", "[2]", ""},
		{"days", "3", "[3]", "option"},
		{"n2", "1", "1", ""},
		{"n2", "true", "true", ""},
		{"n2", "zwei", "zwei", "option"},
		{"text", "eins\r\nzwei\tdrei ", "eins\nzwei\tdrei", ""},
		{"text", strings.Repeat("ä", 20_001), "<nil>", "person.tooLong"},
		{"mail", "a@b", "<nil>", "person.email.domain"},
		{"end", "x", "x", ""},
	} {
		a, errs := f.Decode("form", url.Values{"_f": {c.key}, c.key: {c.in}}, nil, ctx)
		got := strings.TrimPrefix(strings.Join(keys(errs), ","), c.key+" ")
		if fmt.Sprint(a[c.key]) != c.want || got != c.err {
			t.Errorf("%s %.40q: %v %q, want %s %q", c.key, c.in, a[c.key], got, c.want, c.err)
		}
	}
	a, errs := f.Decode("form", url.Values{"_f": {"plain", "end"}, "plain": {"xx"}, "end": {"xx"}}, nil, ctx)
	equal(t, "check", keys(errs), []string{"end check"})
	equal(t, "check in the author's words", f.ErrorText(errs[0], localizer(t, "en")), "Nicht gleich.")
	if a["n2"] != nil {
		t.Error("what wasn't posted has changed")
	}
	typed, _ := f.Decode("form", url.Values{"_f": {"n2"}, "n2": {"1"}}, nil, ctx)
	if _, ok := typed["n2"].(json.Number); !ok {
		t.Errorf("a choice has the type of its option, not %T", typed["n2"])
	}
}

func TestTodayIsTheDayThatTheCallerGives(t *testing.T) {
	f := mustParse(t, `{"type":"datetime","key":"from","subtype":"date","dateLabel":"Ab","properties":{"min":"=today()","max":"=today() + duration(\"P3M\")"}},
	{"type":"expression","key":"said","expression":"=\"today() is a text\""},
	{"type":"expression","key":"day","expression":"=string(today())"}`)
	for _, c := range []struct{ day, in, want string }{
		{"2026-11-23", "22.11.2026", "from dateMin"}, {"2026-11-23", "23.11.2026", ""}, {"2026-11-23", "24.2.2027", "from dateMax"},
		{"1999-12-31", "31.12.1999", ""}, {"2040-02-29", "1.3.40", ""}, {"2040-02-29", "28.2.40", "from dateMin"},
	} {
		day, err := time.Parse(time.DateOnly, c.day)
		if err != nil {
			t.Fatal(err)
		}
		a, errs := f.Decode("form", url.Values{"_f": {"from"}, "from": {c.in}}, nil, form.Context{Lang: "de", Today: day})
		equal(t, c.day+" "+c.in, strings.Join(keys(errs), ","), c.want)
		s := f.Eval(a, form.Context{Today: day}).Submission()
		equal(t, "computed", []any{s["day"], s["said"]}, []any{c.day, "today() is a text"})
	}
}

func TestListsOfRows(t *testing.T) {
	f := mustParse(t, `{"type":"dynamiclist","path":"children","label":"Kinder","defaultRepetitions":1,"components":[
		{"type":"textfield","key":"name","label":"Name","validate":{"required":true},"properties":{"type":"name"}},
		{"type":"checkbox","key":"school","label":"Schule"},
		{"type":"textfield","key":"which","label":"Welche","validate":{"required":true},"conditional":{"hide":"=school != true"}}]},
		{"type":"expression","key":"count","expression":"=count(children)","properties":{"label":"Anzahl"}}`)
	ctx := form.Context{Lang: "de", Today: today}
	v := f.Eval(nil, ctx)
	equal(t, "first row", names(v.Page("form"), true), []string{"children.0.name", "children.0.school"})
	a, errs := f.Decode("form", url.Values{"_f": {"children.0.name", "children.0.school"}, "children.0.name": {"Ali"}, "children.0.school": {"true"}, "_add": {"children"}}, nil, ctx)
	equal(t, "errors", keys(errs), []string{})
	v = f.Eval(a, ctx)
	equal(t, "second row", names(v.Page("form"), true), []string{"children.0.name", "children.0.school", "children.0.which", "children.1.name", "children.1.school"})
	equal(t, "wrong", keys(v.Validate("")), []string{"children.0.which required", "children.1.name required"})
	a, _ = f.Decode("form", url.Values{"_remove": {"children.1"}, "_f": {"children.0.which"}, "children.0.which": {"GGS"}}, a, ctx)
	s, _ := json.Marshal(f.Eval(a, ctx).Submission())
	equal(t, "submission", string(s), `{"children":[{"name":"Ali","school":true,"which":"GGS"}],"count":1}`)
	for range 300 {
		a, _ = f.Decode("form", url.Values{"_add": {"children"}, "_f": {"children.999.name"}, "children.999.name": {"X"}}, a, ctx)
	}
	if n := len(a["children"].([]any)); n > form.MaxRows {
		t.Errorf("%d rows", n)
	}
}

func TestAnswersOfPrograms(t *testing.T) {
	f := mustParse(t, `
	{"type":"textfield","key":"fee","label":"Betrag","properties":{"type":"money"}},
	{"type":"number","key":"n","label":"Zahl"},
	{"type":"checkbox","key":"yes","label":"Ja"},
	{"type":"textfield","key":"why","label":"Warum","validate":{"required":true},"conditional":{"hide":"=yes != true"}},
	{"type":"checklist","key":"days","label":"Tage","values":[{"label":"Montag","value":1},{"label":"Dienstag","value":2}]},
	{"type":"dynamiclist","path":"children","label":"Kinder","components":[{"type":"textfield","key":"name","label":"Name","properties":{"type":"name"}}]},
	{"type":"textfield","key":"plate","label":"Kennzeichen","properties":{"type":"plate"}}`)
	ctx := form.Context{Lang: "de", Today: today}
	a, errs := f.Take(map[string]any{"fee": json.Number("123450"), "n": json.Number("1.234"), "yes": true, "why": "so", "days": []any{json.Number("2")},
		"children": []any{map[string]any{"name": "Ali"}, map[string]any{"name": "Ece"}}, "plate": "du ab 123"}, ctx)
	equal(t, "errors", keys(errs), []string{})
	b, _ := json.Marshal(f.Eval(a, ctx).Submission())
	equal(t, "submission", string(b), `{"children":[{"name":"Ali"},{"name":"Ece"}],"days":[2],"fee":123450,"n":1.2340,"plate":"DU-AB 123","why":"so","yes":true}`)
	_, errs = f.Take(map[string]any{"yes": true, "plaet": "x", "fee": map[string]any{"x": 1}, "children": "none", "plate": []any{"☃"}}, ctx)
	equal(t, "errors", keys(errs), []string{"children unknown", "plaet unknown", "fee person.money.form", "why required", "plate person.plate.character"})
}

func TestAuthorsMistakesAreNamedWithTheirPlace(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{`{`, "t.form:1:2: a member's name"},
		{`[]`, "a form is a JSON object"},
		{`{"type":"default"}`, "has a list \"components\""},
		{`{"type":"default","components":[],"components":[]}`, "there twice"},
		{`{"type":"default","components":[{"type":"textfield","key":"a"},` + "\n" + `{"type":"textfield","key":"a"}]}`, "t.form:2:1: key \"a\" is already the key of the field in line 1"},
		{`{"type":"default","components":[{"type":"blink"}]}`, "component \"blink\" is not known"},
		{`{"type":"default","components":[{"type":"textfield"}]}`, "has a \"key\""},
		{`{"type":"default","components":[{"type":"textfield","key":"a.b-c"}]}`, "letters, digits and _ only"},
		{`{"type":"default","components":[{"type":"number","key":"a","properties":{"type":"plate"}}]}`, "type \"plate\" of a number is not known"},
		{`{"type":"default","components":[{"type":"number","key":"a","validate":{"min":5,"max":1}}]}`, "nothing can be entered"},
		{`{"type":"default","components":[{"type":"textfield","key":"a","validate":{"pattern":"("}}]}`, "no regular expression"},
		{`{"type":"default","components":[{"type":"select","key":"a"}]}`, "has \"values\""},
		{`{"type":"default","components":[{"type":"select","key":"a","values":[{"value":"x"},{"value":"x"}]}]}`, "there twice"},
		{`{"type":"default","components":[{"type":"expression","key":"a","expression":"=b"},{"type":"expression","key":"b","expression":"=a"}]}`, "in a circle"},
		{`{"type":"default","components":[{"type":"textfield","key":"a","conditional":{"hide":"=a +"}}]}`, "t.form:1:"},
		{`{"type":"default","components":[{"type":"textfield","key":"a","properties":{"page":1}}]}`, "is a text in quotation marks"},
	} {
		_, err := form.Parse("t.form", []byte(c.src))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.src, err, c.want)
		}
	}
}

func TestCheckFindsWhatAnAuthorForgets(t *testing.T) {
	f := mustParse(t, `
	{"type":"text","id":"t","text":"Seite","properties":{"page":"a","text.en":"Page"}},
	{"type":"textfield","key":"familyName","label":"Name","properties":{"label.en":"Name","label.tr":"Ad"}},
	{"type":"textfield","key":"born","label":"Geburt","properties":{"label.en":"Birth","label.tr":"Doğum","autocomplete":"bday","why":"Das Alter zählt.","why.en":"Age counts.","why.tr":"Yaş önemlidir."}},
	{"type":"textfield","key":"other","label":"Anderes","conditional":{"hide":"=nobody = 1"},"properties":{"label.en":"Other","label.tr":"Diğer","register":"resident.shoe"}},
	{"type":"textfield","key":"never","label":"Nie","conditional":{"hide":"=1 = 1"},"properties":{"label.en":"Never","label.tr":"Hiç","lable.en":"x"}},
	{"type":"textfield","key":"self","label":"Selbst","conditional":{"hide":"=self = null"},"properties":{"label.en":"Self","label.tr":"Kendi"}}`)
	var got []string
	for _, x := range f.Check(form.CheckOptions{KnownNames: []string{"registers"}, RegisterFields: []string{"resident.family_name", "resident.birth_date"}, Languages: []string{"en", "tr"}}) {
		got = append(got, x.String())
	}
	all := strings.Join(got, "\n")
	for _, want := range []string{
		"t: text is missing in tr", `familyName: the register knows this as "resident.family_name"`, `born: the register knows this as "resident.birth_date"`,
		`other: the variable "nobody" is not known`, `other: the service doesn't fetch "resident.shoe"`, "never: nobody can ever see this",
		`never: property "lable.en" is not known`, "self: is hidden until it is answered",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("not found: %s\n%s", want, all)
		}
	}
	if len(got) != 8 {
		t.Errorf("%d findings:\n%s", len(got), all)
	}
}

func TestTheFormsOfTheHouseAreInOrder(t *testing.T) {
	files, err := filepath.Glob("../../content/services/*/application.form")
	if err != nil || len(files) == 0 {
		t.Fatal("no forms", err)
	}
	for _, file := range files {
		f := load(t, file)
		known := []string{"vehicles.plate", "vehicles.make"}
		for _, p := range f.Pages() {
			for _, fd := range p.Fields {
				if fd.Register != "" {
					known = append(known, fd.Register)
				}
			}
		}
		for _, x := range f.Check(form.CheckOptions{KnownNames: []string{"registers", "lists", "person", "service"}, RegisterFields: known, Languages: []string{"en", "tr"}}) {
			t.Error(file, x)
		}
	}
}

func TestTheJSONReaderAgreesWithTheParsingSuite(t *testing.T) {
	dir := suites.Dir(t, "json_parsing/test_parsing")
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	// A value of the suite stands where the form ignores it.
	n := 0
	for _, e := range files {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		src := slices.Concat([]byte(`{"type":"default","components":[],"x":`), data, []byte("}"))
		_, perr := form.Parse(e.Name(), src)
		switch {
		case e.Name()[0] == 'y':
			n++
			// Names that are there twice and numbers without end are refused on purpose.
			if perr != nil && !strings.Contains(perr.Error(), "there twice") && !strings.Contains(perr.Error(), "60 signs") && !strings.Contains(perr.Error(), "surrogate") {
				t.Errorf("%s: %v", e.Name(), perr)
			}
		case e.Name()[0] == 'n':
			n++
			if perr == nil && json.Valid(src) == false {
				t.Errorf("%s is taken", e.Name())
			}
		}
	}
	if n < 190 {
		t.Fatalf("only %d files", n)
	}
}

func TestHostileStringsAreKeptAsTheyAre(t *testing.T) {
	data, err := os.ReadFile(suites.Dir(t, "sec_payloads/blns/blns.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	f := mustParse(t, `{"type":"textarea","key":"text","label":"Text"}`)
	ctx := form.Context{Lang: "de", Today: today}
	kept, plain := 0, strings.NewReplacer("\u200b", "", "\ufeff", "", "\u2060", "", "\r\n", "\n", "\r", "\n")
	for _, s := range all {
		a, errs := f.Decode("form", url.Values{"text": {s}}, nil, ctx)
		if len(errs) > 0 {
			if errs[0].Raw != s {
				t.Errorf("%q is lost", s)
			}
			continue
		}
		want := strings.TrimSpace(plain.Replace(s))
		if got, _ := a["text"].(string); got != want {
			t.Errorf("%q became %q", s, got)
		}
		kept++
	}
	if kept < 400 {
		t.Errorf("only %d of %d strings are taken as text", kept, len(all))
	}
}

func TestEveryErrorHasItsTextInEveryLanguage(t *testing.T) {
	cat, err := i18n.Load(form.Messages, person.Messages)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range cat.Missing() {
		t.Error(p)
	}
	for _, src := range []string{"validate.go", "decode.go"} {
		data, err := os.ReadFile(src)
		if err != nil {
			t.Fatal(err)
		}
		for _, mark := range []string{`fail("`, `Msg: "form.error.`} {
			for _, part := range strings.Split(string(data), mark)[1:] {
				key, _, _ := strings.Cut(part, `"`)
				if key != "" && !cat.Has("form.error."+key) {
					t.Errorf("%s: form.error.%s has no text", src, key)
				}
			}
		}
	}
}

func TestAnErrorJoinsAllMistakes(t *testing.T) {
	_, err := form.Parse("t.form", []byte(`{"type":"default","components":[{"type":"a"},{"type":"b"}]}`))
	if err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Fatalf("%v", err)
	}
	var e *form.Error
	if !errors.As(err, &e) || e.Line != 1 {
		t.Fatalf("%v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, file := range []string{"../../content/services/resident-parking-permit/application.form", "../../content/services/business-registration/application.form"} {
		if data, err := os.ReadFile(file); err == nil {
			f.Add(data)
		}
	}
	f.Add([]byte(`{"type":"default","components":[{"type":"dynamiclist","path":"a","components":[{"type":"group","path":"b","components":[{"type":"textfield","key":"c"}]}]}]}`))
	f.Add([]byte(`{"type":"default","components":[{"type":"dynamiclist","path":"a","components":[{"type":"dynamiclist","path":"b","components":[{"type":"dynamiclist","path":"c.d","components":[{"type":"select","key":"e","valuesExpression":"=a.b"}]}]}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := form.Parse("fuzz.form", data)
		if err != nil {
			return
		}
		p.Check(form.CheckOptions{Languages: []string{"en"}})
		v := p.Eval(nil, form.Context{Today: today})
		v.Validate("")
		v.Submission()
		for _, pg := range v.Pages() {
			p.Decode(pg.ID, url.Values{"_f": p.Names()}, nil, form.Context{Today: today})
		}
	})
}

func FuzzDecode(f *testing.F) {
	pf := parking(f)
	ctx := refused()
	f.Add("vehicle", "_f=other_plate&other_plate=du+ab+123")
	f.Add("person", "given_names=A&birth_date.day=3&birth_date.month=5&birth_date.year=90")
	f.Add("permit", "zone=DE1&months=12&valid_from=1.12.26")
	f.Fuzz(func(t *testing.T, page, body string) {
		in, err := url.ParseQuery(body)
		if err != nil {
			return
		}
		a, errs := pf.Decode(page, in, nil, ctx)
		b, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > 4*len(body)*6+2000 {
			t.Fatalf("%d bytes became %d", len(body), len(b))
		}
		wrong := map[string]bool{}
		for _, e := range errs {
			wrong[e.Key] = true
		}
		// What was taken without an error stays right when all is checked.
		for _, e := range pf.Validate(a, ctx) {
			if _, typed := a[e.Key]; typed && !wrong[e.Key] {
				t.Fatalf("%s: %s was taken and is now %s", body, e.Key, e.Msg)
			}
		}
	})
}

func BenchmarkDecodePage(b *testing.B) {
	f, ctx := parking(b), consented()
	in := url.Values{"_f": {"zone", "valid_from", "months"}, "zone": {"DE1"}, "valid_from": {"1.12.2026"}, "months": {"12"}}
	b.ReportAllocs()
	for b.Loop() {
		f.Decode("permit", in, nil, ctx)
	}
}

func BenchmarkSubmission(b *testing.B) {
	f, ctx := parking(b), consented()
	a := form.Answers{"vehicle": "DU-AB 123", "zone": "DE1", "valid_from": "2026-12-01", "months": "12", "declared": true}
	b.ReportAllocs()
	for b.Loop() {
		v := f.Eval(a, ctx)
		if errs := v.Validate(""); len(errs) > 0 {
			b.Fatal(errs)
		}
		v.Submission()
	}
}

// BenchmarkSixtyFields is a page of 60 fields, a third of them with conditions: read, checked, shown.
func BenchmarkSixtyFields(b *testing.B) {
	var parts []string
	in := url.Values{}
	for i := range 60 {
		hide := ""
		if i%3 == 2 {
			hide = fmt.Sprintf(`"conditional":{"hide":"=f%d = \"x\""},`, i-1)
		}
		parts = append(parts, fmt.Sprintf(`{"type":"textfield","key":"f%d","label":"Feld %d",%s"validate":{"required":true,"maxLength":80},"properties":{"type":"name"}}`, i, i, hide))
		in.Add("_f", fmt.Sprint("f", i))
		in.Set(fmt.Sprint("f", i), "Müller-Lüdenscheidt")
	}
	f := mustParse(b, strings.Join(parts, ","))
	ctx := form.Context{Lang: "de", Today: today}
	b.ReportAllocs()
	for b.Loop() {
		a, errs := f.Decode("form", in, nil, ctx)
		if len(errs) > 0 {
			b.Fatal(errs)
		}
		f.Eval(a, ctx).Page("form")
	}
}
