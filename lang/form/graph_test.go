// SPDX-License-Identifier: EUPL-1.2

package form_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"mercator/lang/form"

	"pgregory.net/rapid"
)

// anyForm draws a form whose fields read each other in every way that a form can:
// also in circles, over groups and in the rows of a list.
func anyForm(t *rapid.T) (*form.Form, []string) {
	n := rapid.IntRange(2, 9).Draw(t, "fields")
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("f%d", i))
	}
	names = append(names, "g.a", "g.b")
	condition := func(label string, among []string) string {
		x, y := rapid.SampledFrom(among).Draw(t, label+" x"), rapid.SampledFrom(among).Draw(t, label+" y")
		return strings.NewReplacer("X", x, "Y", y).Replace(rapid.SampledFrom([]string{"X = true", `Y = \"a\" and X = null`, "X = Y", `X != \"b\" or Y = true`,
			"count(list) > 1 and X = null", "sum(list.fee) > 2 or X = true", "g = null or X = null", "X = null", "house.on and X = true", `count(list[x = \"a\"]) > 0 and X = null`,
			"count(list.inn) > 1 and X = null", `count(list[count(inn[p = \"a\"]) > 0]) > 0 and X = null`}).Draw(t, label))
	}
	var parts []string
	field := func(key, label string, among []string, computes []string) string {
		extra := ""
		if rapid.IntRange(0, 2).Draw(t, label+" hides") > 0 {
			extra += fmt.Sprintf(`,"conditional":{"hide":"=%s"}`, condition(label+" hide", among))
		}
		props := `"page":"p"`
		if rapid.Bool().Draw(t, label+" checks") {
			props += fmt.Sprintf(`,"check":"=%s"`, condition(label+" check", among))
		}
		switch rapid.IntRange(0, 5).Draw(t, label+" type") {
		case 0:
			return fmt.Sprintf(`{"type":"checkbox","key":%q,"label":"L"%s,"properties":{%s}}`, key, extra, props)
		case 1:
			return fmt.Sprintf(`{"type":"radio","key":%q,"label":"L","validate":{"required":true},"values":[{"value":"a"},{"value":"b"}]%s,"properties":{%s}}`, key, extra, props)
		case 2:
			return fmt.Sprintf(`{"type":"select","key":%q,"label":"L","valuesExpression":"=if %s then [\"a\",\"b\"] else [\"b\"]"%s,"properties":{%s}}`, key, condition(label+" options", among), extra, props)
		case 3:
			return fmt.Sprintf(`{"type":"textfield","key":%q,"label":"L","defaultValue":"=if %s then \"a\" else null"%s,"properties":{%s}}`, key, condition(label+" default", among), extra, props)
		case 4:
			if len(computes) > 0 {
				return fmt.Sprintf(`{"type":"expression","key":%q,"expression":"=if %s then \"a\" else null"%s,"properties":{"page":"p","label":"L"}}`, key, condition(label+" computes", computes), extra)
			}
		}
		return fmt.Sprintf(`{"type":"textfield","key":%q,"label":"L"%s,"properties":{%s}}`, key, extra, props)
	}
	for i := range n {
		parts = append(parts, field(names[i], names[i], names, names[:i]))
	}
	parts = append(parts, fmt.Sprintf(`{"type":"text","id":"say","text":"{{ %s }}","properties":{"page":"p"}}`, condition("say", names)))
	hide := ""
	if rapid.Bool().Draw(t, "group hides") {
		hide = fmt.Sprintf(`,"conditional":{"hide":"=%s"}`, condition("group", names))
	}
	parts = append(parts, fmt.Sprintf(`{"type":"group","id":"grp","path":"g","properties":{"page":"p"}%s,"components":[%s,%s]}`, hide, field("a", "g.a", names, nil), field("b", "g.b", names, nil)))
	hide = ""
	if rapid.Bool().Draw(t, "list hides") {
		hide = fmt.Sprintf(`,"conditional":{"hide":"=%s"}`, condition("list", names))
	}
	inRow := append([]string{"x", "y"}, names...)
	inner := append([]string{"p", "q"}, inRow...)
	hideIn := ""
	if rapid.Bool().Draw(t, "inner list hides") {
		hideIn = fmt.Sprintf(`,"conditional":{"hide":"=%s"}`, condition("inner list", inRow))
	}
	in := fmt.Sprintf(`{"type":"dynamiclist","path":"inn","defaultRepetitions":%d%s,"components":[%s,{"type":"group","path":"h","components":[%s]},{"type":"expression","key":"far","expression":"=if p = x then count(inn) else count(list)"}]}`,
		rapid.IntRange(0, 2).Draw(t, "inner rows"), hideIn, field("p", "p", inner, nil), field("q", "q", inner, nil))
	parts = append(parts, fmt.Sprintf(`{"type":"dynamiclist","path":"list","defaultRepetitions":%d,"properties":{"page":"p"}%s,"components":[%s,%s,{"type":"expression","key":"fee","expression":"=if x = y then 1 else 2"},%s]}`,
		rapid.IntRange(0, 2).Draw(t, "rows"), hide, field("x", "x", inRow, nil), field("y", "y", inRow, nil), in))
	f, err := form.Parse("any.form", []byte(`{"type":"default","components":[`+strings.Join(parts, ",")+`]}`))
	if err != nil {
		if strings.Contains(err.Error(), "in a circle") {
			t.Skip("computed in a circle: refused")
		}
		t.Fatalf("%v\n%s", err, strings.Join(parts, ",\n"))
	}
	return f, names
}

func anyValue(t *rapid.T, label string) any {
	return rapid.SampledFrom([]any{nil, true, false, "a", "b", "c"}).Draw(t, label)
}

// seen is all that a person can notice of an item.
type seen struct {
	Value   any
	Raw     string
	Options []form.Option
	Text    form.Text
	Error   string
}

func look(v *form.View) map[string]seen {
	out := map[string]seen{}
	wrong := map[string]string{}
	for _, e := range v.Validate("") {
		wrong[e.Key] = e.Msg
	}
	for _, p := range v.Form.Pages() {
		form.Each(v.Page(p.ID), func(it *form.Item) {
			name := it.Name
			if name == "" {
				name = it.ID
			}
			if name != "" && it.Type != "dynamiclist" && it.Type != "group" {
				out[name] = seen{it.Value, it.Raw, it.Options, it.Text, wrong[it.Name]}
			}
		})
	}
	return out
}

func asJSON(t *rapid.T, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestAnySequenceOfChangesIsLikeBeginningAnew: whatever was answered before, the form
// is what its answers make of it, and what has changed is told.
func TestAnySequenceOfChangesIsLikeBeginningAnew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, names := anyForm(t)
		ctx := form.Context{Lang: "de", Today: today, Vars: map[string]any{"house": map[string]any{"on": rapid.Bool().Draw(t, "on")}}}
		h := f.NewHistory(nil, ctx)
		v := h.View()
		before := look(v)
		views := []string{asJSON(t, before)}
		for range rapid.IntRange(1, 8).Draw(t, "changes") {
			var changes []form.Change
			switch rapid.IntRange(0, 5).Draw(t, "how") {
			case 0: // rows come and go
				rows := []any{}
				for range rapid.IntRange(0, 3).Draw(t, "rows") {
					row := map[string]any{"x": anyValue(t, "x"), "y": anyValue(t, "y")}
					if rapid.Bool().Draw(t, "inner given") {
						inner := []any{}
						for range rapid.IntRange(0, 2).Draw(t, "inner rows") {
							inner = append(inner, map[string]any{"p": anyValue(t, "p"), "h": map[string]any{"q": anyValue(t, "q")}})
						}
						row["inn"] = inner
					}
					rows = append(rows, row)
				}
				a := form.Answers(maps.Clone(v.Answers()))
				if a == nil {
					a = form.Answers{}
				}
				a["list"] = rows
				changes = h.Add(a, nil)
			case 1: // something that can't be read
				name := rapid.SampledFrom(names).Draw(t, "raw")
				a := form.Answers(maps.Clone(v.Answers()))
				if !strings.Contains(name, ".") {
					delete(a, name)
				}
				changes = h.Add(a, map[string]string{name: "\u202e"})
			case 2:
				changes = h.Go(rapid.IntRange(0, h.Len()-1).Draw(t, "back"))
			case 3:
				changes = v.Change(rapid.SampledFrom([]string{"list.0.x", "list.0.y", "list.1.x", "list.0.inn.0.p", "list.0.inn.1.h.q", "list.1.inn.0.p"}).Draw(t, "cell"), anyValue(t, "to"))
				h.Add(v.Answers(), v.Raw())
			default:
				changes = v.Change(rapid.SampledFrom(names).Draw(t, "name"), anyValue(t, "to"))
				h.Add(v.Answers(), v.Raw())
			}
			ctx.Raw = v.Raw()
			fresh := f.Eval(v.Answers(), ctx)
			after := look(v)
			if got, want := asJSON(t, after), asJSON(t, look(fresh)); got != want {
				t.Fatalf("after changes:\n%s\nanew:\n%s", got, want)
			}
			if got, want := asJSON(t, v.Submission()), asJSON(t, fresh.Submission()); got != want {
				t.Fatalf("submitted after changes:\n%s\nanew:\n%s", got, want)
			}
			told := map[string]bool{}
			for _, c := range changes {
				told[c.Name] = true
			}
			for _, name := range slices.Sorted(maps.Keys(union(before, after))) {
				if asJSON(t, before[name]) != asJSON(t, after[name]) && before[name].Raw == after[name].Raw && !told[name] && !told["list"] {
					t.Fatalf("%s: %s became %s, and nobody is told: %v", name, asJSON(t, before[name]), asJSON(t, after[name]), changes)
				}
			}
			before = after
			views = append(views[:h.At()], asJSON(t, after))
			for len(views) < h.Len() { // it went back: what comes after is still to come
				h.Go(len(views))
				views = append(views, asJSON(t, look(v)))
			}
			h.Go(h.Len() - 1)
			before = look(v)
		}
		for at := range h.Len() { // back to any moment
			h.Go(at)
			got := asJSON(t, look(v))
			ctx.Raw = v.Raw()
			if want := asJSON(t, look(f.Eval(v.Answers(), ctx))); got != want {
				t.Fatalf("moment %d after changes:\n%s\nanew:\n%s", at, got, want)
			}
			if got != views[at] {
				t.Fatalf("moment %d was\n%s\nand is now\n%s", at, views[at], got)
			}
		}
	})
}

func union(a, b map[string]seen) map[string]seen {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// TestOneChangeEvaluatesWhatDependsOnItAndNothingElse counts.
func TestOneChangeEvaluatesWhatDependsOnItAndNothingElse(t *testing.T) {
	var parts []string
	for i := range 500 {
		hide := ""
		if i > 0 {
			hide = fmt.Sprintf(`,"conditional":{"hide":"=f%d = \"x\""}`, i/10*10-btoi(i%10 == 0)*10)
		}
		parts = append(parts, fmt.Sprintf(`{"type":"textfield","key":"f%d","label":"L"%s}`, i, hide))
	}
	f := mustParse(t, strings.Join(parts, ","))
	v := f.Eval(nil, form.Context{Lang: "de", Today: today})
	equal(t, "evaluated at first", v.Evaluated(), 499)
	v.Page("form")
	v.Change("f485", "x")
	equal(t, "nobody reads f485", v.Evaluated(), 499)
	changes := v.Change("f490", "x")
	equal(t, "nine read f490", v.Evaluated(), 508)
	equal(t, "changes", len(changes), 10)
	// Each f…0 is hidden by the one before it: the change of the first goes through
	// the whole chain, but only as far as something changes.
	v.Change("f490", nil)
	n := v.Evaluated()
	v.Change("f0", "x")
	equal(t, "f1 to f9 and f10", v.Evaluated()-n, 10)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestALongChainOfConditionsSettles(t *testing.T) {
	var parts []string
	for i := range 30 {
		hide := ""
		if i > 0 {
			hide = fmt.Sprintf(`,"conditional":{"hide":"=f%d = \"x\""}`, i-1)
		}
		parts = append([]string{fmt.Sprintf(`{"type":"textfield","key":"f%d","label":"L"%s}`, i, hide)}, parts...) // the last first
	}
	f := mustParse(t, strings.Join(parts, ","))
	a := form.Answers{}
	for i := range 30 {
		a[fmt.Sprint("f", i)] = "x"
	}
	var shown []string
	for name, val := range f.Eval(a, form.Context{}).Submission() {
		if val == "x" {
			shown = append(shown, name)
		}
	}
	equal(t, "every second one", len(shown), 15)
}

func TestACircleThatContradictsItselfEndsAndHidesNothing(t *testing.T) {
	f := mustParse(t, `{"type":"textfield","key":"a","label":"A","conditional":{"hide":"=b = \"x\""}},
	{"type":"textfield","key":"b","label":"B","conditional":{"hide":"=a = null"}},
	{"type":"textfield","key":"c","label":"C","conditional":{"hide":"=a = null"}}`)
	// a is shown, so b is shown, so a is hidden, so b is hidden, so a is shown …
	v := f.Eval(form.Answers{"a": "1", "b": "x"}, form.Context{})
	equal(t, "shown", names(v.Page("form"), true), []string{"a", "b", "c"})
	v.Change("b", "y")
	equal(t, "no contradiction any more", names(v.Page("form"), true), []string{"a", "b", "c"})
	for _, tr := range v.Trace() {
		if tr.Contradicts {
			t.Errorf("%s is said to contradict itself", tr.Name)
		}
	}
	v.Change("b", "x")
	if tr := v.Trace(); !tr[0].Contradicts || !tr[1].Contradicts || tr[2].Contradicts {
		t.Errorf("%+v", tr)
	}
	v.Change("a", nil)
	equal(t, "without a", names(v.Page("form"), true), []string{"a"})
}

func TestHiddenAnswersOfARowDoNotCount(t *testing.T) {
	f := mustParse(t, `{"type":"dynamiclist","path":"rows","components":[
		{"type":"checkbox","key":"paid","label":"P"},
		{"type":"number","key":"fee","label":"S","conditional":{"hide":"=paid != true"}},
		{"type":"expression","key":"twice","expression":"=2 * fee"}]},
		{"type":"expression","key":"total","expression":"=sum(rows.fee)"},
		{"type":"expression","key":"doubled","expression":"=sum(rows.twice)"}`)
	rows := []any{map[string]any{"paid": true, "fee": json.Number("3")}, map[string]any{"paid": true, "fee": json.Number("4")}}
	v := f.Eval(form.Answers{"rows": rows}, form.Context{})
	equal(t, "both", []any{v.Submission()["total"], v.Submission()["doubled"]}, []any{"7", "14"})
	v.Change("rows.1.paid", false)
	s, _ := json.Marshal(v.Submission())
	equal(t, "one", string(s), `{"doubled":null,"rows":[{"fee":3,"paid":true,"twice":6},{"paid":false,"twice":null}],"total":null}`)
}
