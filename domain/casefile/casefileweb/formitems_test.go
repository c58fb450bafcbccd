// SPDX-License-Identifier: EUPL-1.2

package casefileweb

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mercator/base/i18n"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/store"
	"mercator/domain/casefile"
	"mercator/web/webtest"
)

const allComponents = `{"type":"default","components":[
	{"type":"text","id":"t","text":"Alles","properties":{"page":"all"}},
	{"type":"textfield","key":"name","label":"Name"},
	{"type":"group","path":"flat","label":"Wohnung","components":[
		{"type":"textfield","key":"street","label":"Straße"},
		{"type":"group","label":"Im Haus","components":[{"type":"number","key":"floor","label":"Stock"}]}]},
	{"type":"dynamiclist","path":"kids","label":"Kind","components":[{"type":"textfield","key":"first","label":"Vorname"},
		{"type":"dynamiclist","path":"pets","label":"Tier","defaultRepetitions":0,"components":[{"type":"textfield","key":"call","label":"Rufname"}]},{"type":"textfield","key":"school","label":"Schule"}]},
	{"type":"table","id":"tbl","label":"Übersicht","dataSource":"=kids","columns":[{"key":"first","label":"Wer"}]},
	{"type":"filepicker","key":"proof","label":"Nachweis","multiple":true},
	{"type":"documentPreview","id":"docs","label":"Vorschau","dataSource":"=proof"},
	{"type":"textfield","key":"sign","label":"Unterschrift","properties":{"type":"signature"}}]}`

// withForms puts a version of the business registration into force that has these forms, and opens a case of it with its task.
func (h *house) withForms(application, decision, answers string) (casefile.Case, *Task) {
	h.t.Helper()
	dir := h.t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../../content/services")); err != nil {
		h.t.Fatal(err)
	}
	for name, text := range map[string]string{"application.form": application, "decision.form": decision} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, "business-registration", name), []byte(text), 0o600); err != nil {
			h.t.Fatal(err)
		}
	}
	ctx := h.t.Context()
	if err := h.services.Load(ctx, os.DirFS(dir)); err != nil {
		h.t.Fatal(err)
	}
	s, _ := h.services.Current("business-registration")
	anna := accesstest.Anna()
	var c casefile.Case
	if err := h.db.Write(ctx, func(tx *store.Tx) error {
		g, err := h.cfg.Access.PermitTx(ctx, tx, access.Request{Actor: anna, Action: access.Submit, Resource: "case", Purpose: s.ID, Owner: anna.ID})
		if err != nil {
			return err
		}
		c, _, err = h.cfg.Cases.Open(ctx, tx, g, casefile.Opening{Service: s.ID, Version: s.Version, Office: "32", Person: anna.ID, PersonName: anna.Name,
			Channel: "online", Lang: "de", Origin: ident.New(), Application: json.RawMessage(answers)})
		return err
	}); err != nil {
		h.t.Fatal(err)
	}
	task := &Task{ID: ident.New(), CaseID: c.ID, CaseRef: c.Ref, Service: s.ID, Version: s.Version, Office: "32", Form: "decision", Open: true, Name: i18n.Text{"de": "Prüfen"}, Due: testNow}
	h.tasks.list = append(h.tasks.list, task)
	return c, task
}

func TestTheDeskShowsWhatWasFilledInAsItWas(t *testing.T) {
	h := newHouse(t, 0)
	upload := ident.New()
	c, _ := h.withForms(allComponents, "", `{"name":"Anna <b>","flat":{"street":"Kantstraße","floor":3},"kids":[{"first":"Ada"},{"first":"Bo","school":"Realschule","pets":[{"call":"Rex"},{"call":"Mia"}]}],
		"proof":[{"id":"`+upload+`","name":"karte.pdf","hash":"abc","type":"application/pdf","size":7}],"sign":{"name":"Anna Schmidt","confirmed":true,"drawing":"M10 10L20 20"}}`)
	body := h.sees(clerk("Schmitz"), "/desk/cases/"+c.ID, "Anna &lt;b&gt;", ">Wohnung<", ">Im Haus<", "Kind, Eintrag 1", "Kind, Eintrag 2", "Übersicht", `d="M10 10L20 20"`,
		`aria-label="Unterschrift: gezeichnete Unterschrift"`, "Anna Schmidt", `href="/desk/cases/`+c.ID+`/files/`+upload+`"`, "Vorschau")
	for first, then := range map[string]string{">Wohnung<": "Kantstraße", "Kantstraße": ">Im Haus<", "Kind, Eintrag 1": "Ada", "Kind, Eintrag 2": "Bo", "Tier, Eintrag 1 von Kind, Eintrag 2": "Rex", "Tier, Eintrag 2 von Kind, Eintrag 2": "Realschule"} {
		if i, j := strings.Index(body, first), strings.LastIndex(body, then); i < 0 || j < i {
			t.Errorf("%q doesn't stand before %q", first, then)
		}
	}
	// Whoever applied sees their own, at their own address.
	h.sees(accesstest.Anna(), "/cases/"+c.ID, `href="/cases/`+c.ID+`/files/`+upload+`"`, `d="M10 10L20 20"`)
	// What isn't strokes isn't drawn, and what isn't an upload isn't linked.
	c, _ = h.withForms(allComponents, "", `{"sign":{"name":"A","confirmed":true,"drawing":"M1 1\" onload=\"x"},"proof":[{"id":"../../x","name":"<x>","hash":"h"}]}`)
	if body := h.sees(clerk("Schmitz"), "/desk/cases/"+c.ID, "&lt;x&gt;"); strings.Contains(body, "onload") || strings.Contains(body, "../../x") {
		t.Error("what a program has sent comes through")
	}
}

func TestATaskHasAllComponents(t *testing.T) {
	h := newHouse(t, 0)
	_, task := h.withForms("", strings.ReplaceAll(allComponents, `"page":"all"`, `"page":"decision"`), `{"business_name":"Kiosk"}`)
	a := clerk("Schmitz")
	self := "/desk/tasks/" + task.ID
	if w := h.as(a, self+"/claim", url.Values{}); w.Code != 303 {
		t.Fatal(w.Code)
	}
	h.sees(a, self, "Wohnung", "Im Haus", "Kind, Eintrag 1", `name="kids.0.first"`, `name="sign.drawing"`, `name="_add" value="kids"`, "Übersicht")
	post := url.Values{"_revision": {"1"}, "_f": {"name", "flat.street", "flat.floor", "kids.0.first", "sign"}, "name": {"x"}, "flat.street": {"Kantstraße"}, "flat.floor": {"3"}, "kids.0.first": {"Ada"}, "_add": {"kids"}}
	w := h.as(a, self, post)
	if body := w.Body.String(); w.Code != 200 || !task.Open || !strings.Contains(body, "Kind, Eintrag 2") || !strings.Contains(body, `value="Ada"`) || !strings.Contains(body, `value="Kantstraße"`) {
		t.Fatalf("an entry more: %d, open %v\n%s", w.Code, task.Open, body)
	}
	post.Set("_add", "kids.1.pets")
	post.Set("kids.1.first", "Bo")
	post["_f"] = append(post["_f"], "kids.1.first")
	w = h.as(a, self, post)
	if body := w.Body.String(); !strings.Contains(body, `id="f-kids-1-pets-0" tabindex="-1" autofocus><legend class="kern-label kern-label--large">Tier, Eintrag 1 von Kind, Eintrag 2</legend>`) ||
		!strings.Contains(body, `name="_remove" value="kids.1.pets.0"`) {
		t.Fatalf("a row within a row:\n%s", body)
	}
	post.Del("_add")
	post.Set("kids.1.pets.0.call", "Rex")
	post["_f"] = append(post["_f"], "kids.1.pets.0.call")
	post.Set("sign", "Petra Schmitz")
	post.Set("sign.confirm", "true")
	post.Set("sign.drawing", "M1 1L2 2")
	if w := h.as(a, self, post); w.Code != 303 || task.Open {
		t.Fatalf("complete: %d\n%s", w.Code, w.Body)
	}
	got, err := json.Marshal(h.tasks.done[task.ID])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"kids":[{"first":"Ada","pets":[],"school":null},{"first":"Bo","pets":[{"call":"Rex"}],"school":null}]`, `"floor":3`, `"drawing":"M1 1L2 2"`} {
		if !strings.Contains(string(got), want) {
			t.Errorf("%s lacks %s", got, want)
		}
	}
}

func TestTheDeskShowsAllComponentsInABrowser(t *testing.T) {
	h := newHouse(t, 0)
	c, task := h.withForms(allComponents, strings.ReplaceAll(allComponents, `"page":"all"`, `"page":"decision"`),
		`{"name":"Anna","flat":{"street":"Kantstraße","floor":3},"kids":[{"first":"Ada"}],"sign":{"name":"Anna Schmidt","confirmed":true,"drawing":"M10 10L200 100L300 20"}}`)
	a := clerk("Schmitz")
	task.Assignee = a.ID
	h.seen(t, a, "/desk/cases/"+c.ID, "/desk/tasks/"+task.ID)
}

// seen looks at pages on a narrow screen in a real browser.
func (h *house) seen(t *testing.T, a access.Actor, paths ...string) {
	b := webtest.Open(t)
	srv, as := h.serve()
	as(a)
	b.Width(320)
	for _, p := range paths {
		b.Go(srv.URL + p)
		b.Axe(p)
		b.NoSidewaysScroll(p)
		if dir := os.Getenv("MERCATOR_SHOTS"); dir != "" {
			b.Screenshot(filepath.Join(dir, "desk"+strings.ReplaceAll(p, "/", "-")+".png"))
		}
	}
}
