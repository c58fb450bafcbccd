// SPDX-License-Identifier: EUPL-1.2

package processweb

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/identity"
	"mercator/core/job"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/process"
	"mercator/domain/service"
	"mercator/lang/bpmn"
	"mercator/web"
	"mercator/web/webtest"
)

// grant is what an operator has to look at processes.
func (d *desktop) grant() access.Grant {
	d.t.Helper()
	return accesstest.Grant(d.t, accesstest.House(d.t, d.db), access.Request{Actor: d.actor, Action: access.Read, Resource: "process"})
}

type desktop struct {
	t        *testing.T
	site     *web.Site
	db       *store.DB
	engine   *process.Engine
	service  *service.Service
	actor    access.Actor
	instance string
}

func newDesk(t *testing.T) *desktop {
	t.Helper()
	d := &desktop{t: t, actor: access.Actor{Kind: access.Clerk, ID: "operator-1", Name: "Olga Betrieb", Office: "10", Roles: []string{"operator"}, Level: access.Substantial}}
	d.db = storetest.SQLite(t, []store.Migrations{audit.Migrations(), job.Migrations(), service.Migrations(), process.Migrations()})
	queue, err := job.NewQueue(job.Config{DB: d.db})
	if err != nil {
		t.Fatal(err)
	}
	if d.engine, err = process.New(process.Config{DB: d.db, Jobs: queue}); err != nil {
		t.Fatal(err)
	}
	services := service.NewCatalog(d.db, time.Now)
	if err := services.Load(t.Context(), os.DirFS("../../../content/services")); err != nil {
		t.Fatal(err)
	}
	d.service = services.All()[0]
	cat, err := i18n.Load(append(web.Messages(), Messages(), process.Messages)...)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range cat.Missing() {
		if strings.Contains(m, "processweb.") || strings.Contains(m, "process.") {
			t.Error(m)
		}
	}
	tmpl, err := web.NewTemplates(web.TemplateConfig{Catalogue: cat})
	if err != nil {
		t.Fatal(err)
	}
	view, err := web.NewView[page](tmpl, templateFS, "templates/page.html")
	if err != nil {
		t.Fatal(err)
	}
	webtest.CheckView(t, "page.html", view.Template("de"), web.Page[page]{})
	mounts, err := Mounts(Config{Templates: tmpl, DB: d.db, Engine: d.engine, Services: services, Access: accesstest.House(t, d.db), Actor: identity.Require,
		Find: func(ctx context.Context, ref string) (string, error) {
			if ref == "2026-R1" {
				return d.engine.InstanceOf(ctx, "c1")
			}
			return "", nil
		},
		Owner: func(context.Context, string) (string, error) { return "person-1", nil }})
	if err != nil {
		t.Fatal(err)
	}
	d.site, err = web.New(web.Config{Catalogue: cat, Templates: tmpl, City: web.City{Product: "Mercator", Name: "Duisburg"},
		Middleware: []func(http.Handler) http.Handler{func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				h.ServeHTTP(w, identity.With(r, identity.Session{Actor: d.actor}))
			})
		}}}, mounts)
	if err != nil {
		t.Fatal(err)
	}
	// The version before: the same elements, but a task of the old process is gone from the new one.
	def, err := bpmn.Parse("old.bpmn", []byte(`<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"><bpmn:process id="old" isExecutable="true">
<bpmn:startEvent id="s"/><bpmn:userTask id="first" name="Erst &lt;b&gt;dies&lt;/b&gt;"/><bpmn:userTask id="second" name="Dann das"/><bpmn:endEvent id="e"/>
<bpmn:sequenceFlow id="f1" sourceRef="s" targetRef="first"/><bpmn:sequenceFlow id="f2" sourceRef="first" targetRef="second"/><bpmn:sequenceFlow id="f3" sourceRef="second" targetRef="e"/></bpmn:process></bpmn:definitions>`))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.db.Write(t.Context(), func(tx *store.Tx) error {
		d.instance, err = d.engine.Start(t.Context(), tx, def, process.StartParams{CaseID: "c1", CaseRef: "2026-R1", Label: "Anna Müller", Service: d.service.ID, Version: "v0", Office: "32",
			Vars: map[string]any{"street": "Geheimweg 3"}, Actor: accesstest.Anna()})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *desktop) get(path string, status int) string {
	d.t.Helper()
	return d.send(httptest.NewRequest(http.MethodGet, "http://city.example"+path, nil), status)
}

func (d *desktop) post(path string, status int, values ...string) string {
	d.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(values); i += 2 {
		form.Set(values[i], values[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, "http://city.example"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return d.send(r, status)
}

// send gives the page, or where it leads to.
func (d *desktop) send(r *http.Request, status int) string {
	d.t.Helper()
	w := httptest.NewRecorder()
	d.site.ServeHTTP(w, r)
	resp := w.Result()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	if resp.StatusCode != status {
		d.t.Fatalf("%s %s: %d, want %d\n%s", r.Method, r.URL, resp.StatusCode, status, b)
	}
	if status == http.StatusSeeOther {
		return resp.Header.Get("Location")
	}
	return string(b)
}

func has(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, x := range texts {
		if !strings.Contains(page, x) {
			t.Fatalf("the page doesn't say %q:\n%s", x, page)
		}
	}
}

func TestChangeByHand(t *testing.T) {
	d := newDesk(t)
	if to := d.get("/desk/processes?q=2026-R1", 303); to != "/desk/processes/"+d.instance {
		t.Fatalf("leads to %s", to)
	}
	has(t, d.get("/desk/processes?q=nothing", 200), "kein Prozess gefunden", "/desk/migrations/new?service="+d.service.ID)
	path := "/desk/processes/" + d.instance
	shown := d.get(path, 200)
	has(t, shown, "2026-R1", "street", "Dann das", "Erst &lt;b&gt;dies")
	if strings.Contains(shown, "Geheimweg") || strings.Contains(shown, "Müller") {
		t.Fatal("the page shows data of the case")
	}
	has(t, d.get(path+"?values", 200), "Geheimweg 3")
	token := regexp.MustCompile(`<option value="(t\d+)"`).FindStringSubmatch(shown)[1]

	has(t, d.post(path, 200, "what", "more", "rows", "1", "revision", "1"), "Anweisung 2")
	move := []string{"rows", "1", "revision", "1", "i0.do", "move", "i0.token", token, "i0.element", "second", "reason", "weil"}
	preview := d.post(path, 200, append(move, "what", "preview")...)
	has(t, preview, "Danach steht der Prozess bei: Dann das", "Aufgabe entfällt: Erst", "Neue Aufgabe: Dann das", `value="do"`)
	if got, err := d.engine.View(t.Context(), "c1"); err != nil || got.Active[0] != "first" {
		t.Fatalf("%v: a preview changed the process: %v", err, got.Active)
	}
	has(t, d.post(path, 422, "rows", "1", "revision", "1", "i0.do", "cancel", "i0.token", token, "what", "preview"), "brechen Sie ihn ab")
	has(t, d.post(path, 422, "rows", "1", "revision", "1", "i0.do", "set", "i0.vars", "x=1", "what", "preview"), "kein JSON-Objekt")
	has(t, d.post(path, 422, "rows", "1", "revision", "1", "i0.do", "move", "i0.token", token, "i0.element", "second", "what", "do"), "warum Sie eingreifen")
	if to := d.post(path, 303, append(move, "what", "do")...); to != path+"?done" {
		t.Fatalf("leads to %s", to)
	}
	has(t, d.get(path+"?done", 200), "ausgeführt und festgehalten", "weil", "Olga Betrieb", "versetzt")
	has(t, d.post(path, 409, append(move, "what", "do")...), "inzwischen weitergegangen")
	has(t, d.get(path, 200), "Verlauf der Schritte", "antragstellende Person", "abgebrochen", "läuft")
	d.get(path+"?steps=nonsense", 422)

	d.actor.Roles = []string{"clerk"}
	d.get(path, 403)
	d.post(path, 403, append(move, "what", "do")...)
	d.get("/desk/processes", 403)
	d.actor.Roles = []string{"operator"}
	d.actor.ID = "person-1" // their own matter
	d.post(path, 403, append(move, "what", "do")...)
	d.get("/desk/processes/nothing", 404)
}

func TestMigrate(t *testing.T) {
	d := newDesk(t)
	planning := "/desk/migrations/new?service=" + d.service.ID
	has(t, d.get(planning, 200), "Was seit Version v0 anders ist", "Erst &lt;b&gt;dies", "map.first", "Fristen neu beginnen")
	has(t, d.post("/desk/migrations/new", 422, "service", d.service.ID), "warum Sie eingreifen")
	to := d.post("/desk/migrations/new", 303, "service", d.service.ID, "reason", "Neue Fassung")
	has(t, d.get(to, 200), "geht nicht", "Ordnen Sie es zu", "Neue Fassung")
	// With a mapping to a task of the new version it goes.
	proc, _ := d.service.Process.Process(d.service.ProcessID)
	target := ""
	for _, el := range proc.Elements {
		if el.Kind == bpmn.UserTask && el.Parent == nil {
			target = el.ID
		}
	}
	to = d.post("/desk/migrations/new", 303, "service", d.service.ID, "reason", "Neue Fassung", "map.first", target)
	has(t, d.get(to, 200), "geprobt", "Jetzt überführen", "ändert sich")
	if next := d.post(to+"/run", 303); next != to {
		t.Fatalf("leads to %s", next)
	}
	has(t, d.get(to, 200), "läuft im Hintergrund")
	has(t, d.post(to+"/run", 409), "in einem anderen Stand")
	d.post(to+"/stop", 303)
	d.post(to+"/nothing", 404)
	d.get("/desk/migrations/new?service=nothing", 404)
	d.actor.Roles = []string{"clerk", "head"}
	d.get(to, 403)
	d.post(to+"/undo", 403)
	d.get(planning, 403)
}
