// SPDX-License-Identifier: EUPL-1.2

package form

import (
	"net/url"
	"testing"
)

func TestWhatIsAnsweredElsewhere(t *testing.T) {
	f, err := Parse("test.form", []byte(`{"type": "default", "components": [
{"type": "textfield", "id": "a", "key": "street", "label": "Straße", "validate": {"required": true, "maxLength": 10}, "properties": {"page": "p", "register": "resident.street"}},
{"type": "textfield", "id": "b", "key": "note", "label": "Hinweis", "conditional": {"hide": "=street != \"Kantstraße\""}, "properties": {"page": "p"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	ctx := Context{Vars: map[string]any{"registers": map[string]any{"resident": map[string]any{"street": "Alte Gasse"}}}, Prefill: true}
	ctx.Elsewhere = map[string]any{"street": "Kantstraße"}
	v := f.Eval(Answers{"street": "Anders"}, ctx)
	it, _, _ := v.Item("street")
	if it.Value != "Kantstraße" || !it.Elsewhere || it.Known || it.Asked() || v.Submission()["street"] != "Kantstraße" {
		t.Errorf("the answer: %+v", it)
	}
	if _, _, ok := v.Item("note"); !ok {
		t.Error("a condition doesn't see it")
	}
	out, _ := f.Decode("p", url.Values{PostedField: {"street", "note"}, "street": {"Falsch"}, "note": {"x"}}, Answers{}, ctx)
	if out["street"] != nil || out["note"] != "x" {
		t.Errorf("taken from a post: %v", out)
	}
	for value, want := range map[any]string{"Kantstraße 1234": "person.tooLong", nil: "form.error.required", "Kantstraße": ""} {
		ctx.Elsewhere["street"] = value
		got := ""
		for _, e := range f.Validate(nil, ctx) {
			got += e.Msg
		}
		if got != want {
			t.Errorf("%v: %q, want %q", value, got, want)
		}
	}
	ctx.Elsewhere, ctx.Afresh = nil, map[string]bool{"street": true}
	if it, _, _ := f.Eval(Answers{}, ctx).Item("street"); !it.Asked() || it.Value != nil {
		t.Errorf("what a register knows no more: %+v", it)
	}
}
