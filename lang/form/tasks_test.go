// SPDX-License-Identifier: EUPL-1.2

package form_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"mercator/lang/form"

	"pgregory.net/rapid"
)

// A long form: who, a partner if there is one, a shop whose kind decides about the oven, what may be left empty, and the promise.
const longSource = `{"type":"default","properties":{"tasks":"list"},"components":[
	{"type":"textfield","key":"name","label":"Name","validate":{"required":true},"properties":{"page":"who","section":"Über Sie"}},
	{"type":"checkbox","key":"pair","label":"Zu zweit","properties":{"page":"who"}},
	{"type":"textfield","key":"partner","label":"Partner","validate":{"required":true},"conditional":{"hide":"=pair != true"},"properties":{"page":"partner"}},
	{"type":"radio","key":"kind","label":"Art","validate":{"required":true},"values":[{"value":"shop"},{"value":"bakery"}],"properties":{"page":"shop","section":"Über den Laden"}},
	{"type":"expression","key":"bakes","expression":"=kind = \"bakery\"","properties":{"page":"shop"}},
	{"type":"group","label":"Ofen","properties":{"page":"oven"},"conditional":{"hide":"=bakes != true"},"components":[{"type":"number","key":"degrees","label":"Grad","validate":{"required":true}}]},
	{"type":"textfield","key":"more","label":"Sonst noch","properties":{"page":"more"}},
	{"type":"checkbox","key":"promise","label":"Stimmt","validate":{"required":true},"properties":{"page":"promise","after":"who partner shop oven more","type":"consent"}}]}`

func TestATopicHasTheStateThatItsAnswersGiveIt(t *testing.T) {
	f := formOf(t, longSource)
	if !f.TaskList() {
		t.Error("no list of topics, though the author asks for one")
	}
	for _, c := range []struct {
		answers string
		sent    string
		want    string
	}{
		// Whether there is a partner and an oven isn't known yet.
		{`{}`, "", "who todo, partner waits(who), shop todo, oven waits(shop), more todo, promise waits(who partner shop oven more)"},
		{`{"pair":false}`, "", "who begun, partner unneeded, shop todo, oven waits(shop), more todo, promise waits(who shop oven more)"},
		{`{"name":"A","pair":true}`, "", "who done, partner todo, shop todo, oven waits(shop), more todo, promise waits(partner shop oven more)"},
		// In any order.
		{`{"kind":"bakery"}`, "", "who todo, partner waits(who), shop done, oven todo, more todo, promise waits(who partner oven more)"},
		// A box that was left alone: the page is done, so it means no.
		{`{"name":"A"}`, "", "who done, partner unneeded, shop todo, oven waits(shop), more todo, promise waits(shop oven more)"},
		// What may be left empty is done when it was sent, or answered.
		{`{"name":"A","pair":false,"kind":"shop"}`, "more", "who done, partner unneeded, shop done, oven unneeded, more done, promise todo"},
		{`{"name":"A","pair":false,"kind":"shop","more":"x"}`, "", "who done, partner unneeded, shop done, oven unneeded, more done, promise todo"},
		{`{"name":"A","pair":false,"kind":"bakery","degrees":200,"promise":true}`, "more", "who done, partner unneeded, shop done, oven done, more done, promise done"},
		// Sent, and yet wrong: begun, whatever was answered.
		{`{}`, "shop", "who todo, partner waits(who), shop begun, oven waits(shop), more todo, promise waits(who partner shop oven more)"},
	} {
		v := f.Eval(parseJSON(t, c.answers), form.Context{})
		var got []string
		for _, x := range v.Topics(strings.Fields(c.sent)) {
			s := x.Page.ID + " " + x.State
			if len(x.For) > 0 {
				var first []string
				for _, p := range x.For {
					first = append(first, p.ID)
				}
				s += "(" + strings.Join(first, " ") + ")"
			}
			got = append(got, s)
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%s, sent %q:\n%s, want\n%s", c.answers, c.sent, s, c.want)
		}
	}
	if s := f.Page("oven").Section["de"]; s != "Über den Laden" {
		t.Errorf("section %q", s)
	}
}

func TestALongFormHasAListUnlessItsAuthorSaysOtherwise(t *testing.T) {
	source := func(pages int, tasks string) []byte {
		var parts []string
		for i := range pages {
			parts = append(parts, fmt.Sprintf(`{"type":"textfield","key":"k%d","label":"L","properties":{"page":"p%d"}}`, i, i))
		}
		return fmt.Appendf(nil, `{"type":"default","properties":{"tasks":%q},"components":[%s]}`, tasks, strings.Join(parts, ","))
	}
	for _, c := range []struct {
		pages int
		tasks string
		want  bool
	}{{7, "", false}, {8, "", true}, {8, "pages", false}, {2, "list", true}} {
		if got := formOf(t, string(source(c.pages, c.tasks))).TaskList(); got != c.want {
			t.Errorf("%d pages, %q: %v", c.pages, c.tasks, got)
		}
	}
	if _, err := form.Parse("f.form", source(2, "maybe")); err == nil || !strings.Contains(err.Error(), `"maybe"`) {
		t.Errorf("%v", err)
	}
}

func TestWhatAListOfTopicsCantBeIsFound(t *testing.T) {
	f := formOf(t, `{"type":"default","components":[
		{"type":"textfield","key":"a","label":"A","properties":{"page":"a","after":"b"}},
		{"type":"textfield","key":"b","label":"B","properties":{"page":"b","after":"a nowhere"}},
		{"type":"textfield","key":"c","label":"C","properties":{"page":"b","section":"Zu spät"}}]}`)
	all := fmt.Sprint(f.Check(form.CheckOptions{}))
	for _, want := range []string{`page "a" comes after "b", which stands behind it`, `after "nowhere", which isn't a page`, `c: property "section" stands at the first component`} {
		if !strings.Contains(all, want) {
			t.Errorf("%q isn't found in\n%s", want, all)
		}
	}
}

// Whatever a form looks like and whatever is answered: while a topic isn't done there is one that can be gone on with.
func TestThereIsAlwaysATopicToGoOnWith(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 7).Draw(t, "pages")
		var parts []string
		for i := range n {
			extra, after := "", ""
			if rapid.Bool().Draw(t, "hides") {
				extra = fmt.Sprintf(`,"conditional":{"hide":"=k%d = true"}`, rapid.IntRange(0, n-1).Draw(t, "by"))
			}
			if i > 0 && rapid.Bool().Draw(t, "after") {
				after = fmt.Sprintf(`,"after":"p%d"`, rapid.IntRange(0, i-1).Draw(t, "page"))
			}
			parts = append(parts, fmt.Sprintf(`{"type":"checkbox","key":"k%d","label":"L","validate":{"required":%v}%s,"properties":{"page":"p%d"%s}}`, i, rapid.Bool().Draw(t, "required"), extra, i, after))
		}
		f, err := form.Parse("f.form", []byte(`{"type":"default","properties":{"tasks":"list"},"components":[`+strings.Join(parts, ",")+`]}`))
		if err != nil {
			t.Fatal(err)
		}
		a := form.Answers{}
		for i := range n {
			if rapid.Bool().Draw(t, "answered") {
				a[fmt.Sprintf("k%d", i)] = rapid.Bool().Draw(t, "answer")
			}
		}
		topics := f.Eval(a, form.Context{}).Topics(nil)
		open, ready := 0, 0
		for _, x := range topics {
			switch x.State {
			case form.Waits:
				open++
			case form.ToDo, form.Begun:
				open++
				ready++
			}
		}
		if open > 0 && ready == 0 {
			t.Fatalf("%s\n%v: everything waits", strings.Join(parts, ",\n"), a)
		}
	})
}

func formOf(t *testing.T, source string) *form.Form {
	t.Helper()
	f, err := form.Parse("f.form", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func parseJSON(t *testing.T, s string) map[string]any {
	t.Helper()
	out := map[string]any{}
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return out
}
