// SPDX-License-Identifier: EUPL-1.2

package intakeweb

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"mercator/lang/form"
	"mercator/web/ui"
)

// written renders the blocks of a form as a page does.
func written(t *testing.T, kit *ui.Kit, blocks []block) string {
	t.Helper()
	var b strings.Builder
	for _, bl := range blocks {
		if bl.Legend != "" {
			b.WriteString("<h2>" + bl.Legend + "</h2>")
		}
		b.WriteString(string(bl.HTML))
		for _, c := range []ui.Component{bl.Item} {
			if c != nil {
				s, err := kit.Render(c)
				if err != nil {
					t.Fatal(err)
				}
				b.WriteString(string(s))
			}
		}
		if bl.Why != nil {
			s, err := kit.Render(*bl.Why)
			if err != nil {
				t.Fatal(err)
			}
			b.WriteString(string(s))
		}
		b.WriteString(written(t, kit, bl.Blocks))
	}
	return b.String()
}

// A select that its author calls searchable and ticks that are too many for one glance can be typed for, others stay as they are.
func TestManyOptionsCanBeTypedFor(t *testing.T) {
	loc := catalogue(t).Localizer("de")
	kit, err := ui.NewKit(ui.Config{Loc: loc})
	if err != nil {
		t.Fatal(err)
	}
	values := func(n int) string {
		var out []string
		for i := range n {
			out = append(out, fmt.Sprintf(`{"value":"v%d","label":"L%d"}`, i, i))
		}
		return strings.Join(out, ",")
	}
	for component, want := range map[string]string{
		`"type":"select","searchable":true,"values":[` + values(3) + `]`: ` data-search data-found="Treffer: {n}"`,
		`"type":"select","values":[` + values(30) + `]`:                  "",
		`"type":"taglist","values":[` + values(13) + `]`:                 ` data-filter="Liste eingrenzen" data-found="Treffer: {n}"`,
		`"type":"taglist","values":[` + values(12) + `]`:                 "",
		`"type":"checklist","values":[` + values(13) + `]`:               "",
	} {
		f, err := form.Parse("x", []byte(`{"type":"default","components":[{"key":"x","label":"X",`+component+`}]}`))
		if err != nil {
			t.Fatal(err)
		}
		b := builder{form: f, loc: loc}
		got := written(t, kit, b.blocks(f.Eval(nil, form.Context{Lang: "de"}).Page("form")))
		if typed := strings.Contains(got, "data-search") || strings.Contains(got, "data-filter"); typed != (want != "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q is missing or too much in\n%s", component, want, got)
		}
	}
}

func TestEveryComponentIsShown(t *testing.T) {
	loc := catalogue(t).Localizer("de")
	kit, err := ui.NewKit(ui.Config{Loc: loc})
	if err != nil {
		t.Fatal(err)
	}
	vars := map[string]any{"word": `<b>"Welt"</b>`, "picture": "https://example.org/spy.gif", "columns": []any{map[string]any{"key": "plate", "label": "Kfz"}},
		"streets":  []any{map[string]any{"value": "Königstraße", "label": "Königstraße"}},
		"vehicles": []any{map[string]any{"plate": "DU-AB 1", "seats": json.Number("4")}}}
	answers := form.Answers{"proof": []any{map[string]any{"name": "foto.png", "hash": "ab", "type": "image/png"}, map[string]any{"name": "b.pdf", "hash": "cd", "type": "application/pdf"}}}
	for kind, want := range map[string][]string{
		"textfield":       {`>32-<`, `>/26<`, `id="f-ref"`, `aria-describedby="f-ref-prefix f-ref-suffix f-ref-hint"`, "Damit finden wir den Vorgang.", "Wofür wir die Angabe verwenden: Prüfen", "Wie lange wir sie aufbewahren: Fünf Jahre"},
		"number":          {`>m²<`, `inputmode="decimal"`},
		"datetime":        {`id="f-begin"`, `id="f-clock"`, `id="f-meeting"`, `value="1.12.2026"`},
		"taglist":         {`type="checkbox"`, "laut"},
		"table":           {`<th class="kern-table__header" scope="col" role="columnheader">Kennzeichen</th>`, "DU-AB 1", "Kfz", "<caption"},
		"image":           {`alt="Wappen der Stadt"`, `src="data:image/png;base64,`},
		"text":            {"<strong>"},
		"html":            {"<p>Guten <b>Tag</b>, &lt;b&gt;&#34;Welt&#34;&lt;/b&gt;.</p>"},
		"documentPreview": {`href="/apply/d1/file/proof/ab"`, `src="/apply/d1/file/proof/ab" alt="foto.png"`, `href="/apply/d1/file/proof/cd"`, "Ihre Dateien", "Noch keine Datei."},
		"iframe":          {`href="https://example.org/map"`, "example.org)"},
		"group":           {"<h2>Anschrift</h2>", `id="f-address-city"`},
		"dynamiclist":     {`id="f-children-0-name"`, "Weiteren Eintrag hinzufügen"},
		"filepicker":      {`type="file"`, "multiple"},
		"button":          {},
	} {
		data, err := os.ReadFile("../../../lang/form/testdata/components/" + kind + ".form")
		if err != nil {
			t.Fatal(err)
		}
		f, err := form.Parse(kind, data)
		if err != nil {
			t.Fatal(err)
		}
		b := builder{form: f, loc: loc, draft: "d1", source: func(s string) string { return s }, use: "Prüfen", keep: "Fünf Jahre"}
		blocks := b.blocks(f.Eval(answers, form.Context{Lang: "de", Today: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), Vars: vars}).Page("form"))
		var flat strings.Builder
		flat.WriteString(written(t, kit, blocks))
		var buttons func(bs []block)
		buttons = func(bs []block) {
			for _, x := range bs {
				if x.Button != nil {
					flat.WriteString(x.Button.Text)
				}
				buttons(x.Blocks)
			}
		}
		buttons(blocks)
		got := flat.String()
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s lacks %s:\n%s", kind, w, got)
			}
		}
		for _, never := range []string{"<script", "onclick", "<iframe", "<embed", "spy.gif", "<b>\"Welt"} {
			if strings.Contains(got, never) {
				t.Errorf("%s has %s:\n%s", kind, never, got)
			}
		}
		if kind == "button" && len(blocks) > 0 {
			t.Errorf("a button does something: %s", got)
		}
	}
}

// The name of a signature that is too long is told to be and stands there whole: no browser cuts it.
func TestALongSignatureIsNotCut(t *testing.T) {
	loc := catalogue(t).Localizer("de")
	kit, err := ui.NewKit(ui.Config{Loc: loc})
	if err != nil {
		t.Fatal(err)
	}
	f, err := form.Parse("sign.form", []byte(`{"type":"default","components":[{"type":"textfield","id":"f","key":"sign","label":"Unterschrift","properties":{"type":"signature"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	ctx := form.Context{Lang: "de"}
	for name, msg := range map[string]string{strings.Repeat("Ä", 120): "", strings.Repeat("A\u0308", 120): "", strings.Repeat("Ä", 121): "person.tooLong"} {
		answers, raw, errs := f.DecodeAll([]string{"form"}, url.Values{"_f": {"sign"}, "sign": {name}, "sign" + form.Confirm: {"true"}}, nil, nil, ctx)
		if got := append(errs, form.FieldError{})[0].Msg; got != msg {
			t.Errorf("%d characters: %q", len([]rune(name)), got)
		}
		ctx.Raw = raw
		b := builder{form: f, loc: loc, errs: errorTexts(f, errs, loc)}
		got := written(t, kit, b.blocks(f.Eval(answers, ctx).Page("form")))
		if !strings.Contains(got, `value="`+norm.NFC.String(name)+`"`) || strings.Contains(got, "maxlength") {
			t.Errorf("it is cut: %s", got)
		}
		if msg != "" && !strings.Contains(got, "120") {
			t.Errorf("nobody says how long it may be: %s", got)
		}
	}
}
