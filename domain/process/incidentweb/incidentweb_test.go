// SPDX-License-Identifier: EUPL-1.2

package incidentweb

import (
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/identity"
	"mercator/core/job"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/process"
	"mercator/lang/bpmn"
	"mercator/web"
	"mercator/web/webtest"
)

const model = `<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0">
<bpmn:process id="p" isExecutable="true">
 <bpmn:startEvent id="start"/>
 <bpmn:subProcess id="sub" name="Bescheid erstellen"><bpmn:startEvent id="s2"/>
  <bpmn:serviceTask id="print" name="Bescheid drucken"><bpmn:extensionElements><zeebe:taskDefinition type="print"/></bpmn:extensionElements></bpmn:serviceTask>
  <bpmn:endEvent id="e2"/><bpmn:sequenceFlow id="f3" sourceRef="s2" targetRef="print"/><bpmn:sequenceFlow id="f4" sourceRef="print" targetRef="e2"/></bpmn:subProcess>
 <bpmn:endEvent id="end"/>
 <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="sub"/><bpmn:sequenceFlow id="f2" sourceRef="sub" targetRef="end"/>
</bpmn:process></bpmn:definitions>`

// desk is the operator's desk; print fails as say says.
type desk struct {
	t      testing.TB
	site   *web.Site
	db     *store.DB
	engine *process.Engine
	jobs   *job.Queue
	actor  access.Actor
	say    atomic.Value // func(caseID string) string
}

func operator() access.Actor {
	return access.Actor{Kind: access.Clerk, ID: "op", Name: "Sven Kramer", Office: "10", Roles: []string{"operator"}, Level: access.Substantial}
}

func open(t testing.TB, db *store.DB) *desk {
	t.Helper()
	d := &desk{t: t, db: db, actor: operator()}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	d.jobs, err = job.NewQueue(job.Config{DB: db})
	must(err)
	d.engine, err = process.New(process.Config{DB: db, Jobs: d.jobs, Handlers: []process.Handler{{Type: "print",
		Inline: func(_ context.Context, _ *store.Tx, w process.Work) (map[string]any, error) {
			if why := d.say.Load().(func(string) string)(w.CaseID); why != "" {
				return nil, fault.Because(fault.Invalid, "print", "", fmt.Errorf("%s", why))
			}
			return nil, nil
		}}}})
	must(err)
	must(d.jobs.Register(d.engine.Workers()...))
	cat, err := i18n.Load(append(web.Messages(), Messages(), process.Messages)...)
	must(err)
	for _, m := range cat.Missing() {
		if strings.Contains(m, "incidentweb.") {
			t.Error(m)
		}
	}
	tmpl, err := web.NewTemplates(web.TemplateConfig{Catalogue: cat})
	must(err)
	mounts, err := Mounts(Config{Templates: tmpl, Processes: d.engine, Access: accesstest.House(t, db), Actor: identity.Require,
		Service: func(string, string) string { return "Bewohnerparkausweis" }, Element: func(string, string) string { return "Bescheid drucken" },
		Person: func(_ context.Context, caseID string) (string, error) {
			if caseID == "c0" {
				return accesstest.Anna().ID, nil
			}
			return "", nil
		}})
	must(err)
	d.site, err = web.New(web.Config{Catalogue: cat, Templates: tmpl, Middleware: []func(http.Handler) http.Handler{
		func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if d.actor.ID != "" {
					r = identity.With(r, identity.Session{Actor: d.actor})
				}
				next.ServeHTTP(w, r)
			})
		},
	}}, mounts)
	must(err)
	return d
}

func (d *desk) begin(n int, say func(string) string) {
	d.t.Helper()
	d.say.Store(say)
	def, err := bpmn.Parse("p.bpmn", []byte(model))
	if err != nil {
		d.t.Fatal(err)
	}
	for i := range n {
		if err := d.db.Write(d.t.Context(), func(tx *store.Tx) error {
			_, err := d.engine.Start(d.t.Context(), tx, def, process.StartParams{CaseID: fmt.Sprint("c", i), CaseRef: fmt.Sprintf("32-2026-%05d", i), Label: "Anna", Service: "permit", Version: "v1", Office: "32"})
			return err
		}); err != nil {
			d.t.Fatal(err)
		}
	}
}

func (d *desk) do(method, path string, form url.Values) (int, string, string) {
	d.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Accept-Language", "de")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	d.site.ServeHTTP(w, r)
	body, _ := io.ReadAll(w.Body)
	return w.Code, string(body), w.Header().Get("Location")
}

func (d *desk) sees(path string, want ...string) string {
	d.t.Helper()
	status, body, _ := d.do(http.MethodGet, path, nil)
	for _, s := range want {
		if status != 200 || !strings.Contains(body, s) {
			d.t.Errorf("%s (%d) lacks %q:\n%s", path, status, s, body)
		}
	}
	return body
}

func ok(string) string { return "" }

func locked(id string) string {
	return fmt.Sprintf("Konto 4711-%s von \"Anna Müller\" ist gesperrt", id)
}

var groupLink = regexp.MustCompile(`href="(/desk/incidents/group\?[^"]+)"`)

func TestIncidents(t *testing.T) {
	storetest.Each(t, []store.Migrations{audit.Migrations(), job.Migrations(), process.Migrations()}, func(t *testing.T, db *store.DB) {
		d := open(t, db)
		d.sees("/desk/incidents", "Es gibt keine offenen Störungen.")
		d.begin(60, locked)
		body := d.sees("/desk/incidents", "Bescheid drucken", "Bewohnerparkausweis", "Konto … von … ist gesperrt", ">60<")
		if strings.Contains(body, "Anna") || strings.Contains(body, "4711") {
			t.Error("the groups quote data of cases")
		}
		m := groupLink.FindStringSubmatch(body)
		if m == nil {
			t.Fatal(body)
		}
		group := html.UnescapeString(m[1])
		body = d.sees(group, "32-2026-00000", "4711-c0", "Anna Müller", "Alle offenen dieser Gruppe", `rel="next"`)
		ids := regexp.MustCompile(`name="incident" value="([^"]+)"`).FindAllStringSubmatch(body, -1)
		if len(ids) != pageSize {
			t.Fatalf("%d on the page", len(ids))
		}
		next := regexp.MustCompile(`rel="next" href="([^"]+)"`).FindStringSubmatch(body)
		if next == nil || strings.Count(d.sees(html.UnescapeString(next[1])), `name="incident"`) != 10 {
			t.Error("the second page")
		}

		// One: reason, place, what happened; it fails again with another reason, then it goes on.
		one := "/desk/incidents/" + ids[0][1]
		d.sees(one, "Konto 4711-c0", "Bescheid drucken", "Bescheid erstellen", "offen", "Erneut versuchen", "<svg", "Begonnen")
		d.say.Store(func(string) string { return "Papier ist leer" })
		status, _, to := d.do(http.MethodPost, one, nil)
		if status != 303 || !strings.HasSuffix(to, "?again") || strings.Contains(to, ids[0][1]) {
			t.Fatalf("%d %s", status, to)
		}
		d.sees(to, "Der Schritt ist wieder gescheitert", "Papier ist leer", "Erneut versucht")
		if body := d.sees(one, "erledigt", "Sven Kramer"); strings.Contains(body, `method="post" action="/desk/incidents/`) {
			t.Error("a resolved incident can be tried again")
		}
		if _, _, to := d.do(http.MethodPost, one, nil); !strings.HasSuffix(to, "?gone") {
			t.Errorf("twice: %s", to)
		}
		d.say.Store(ok)
		if _, _, to = d.do(http.MethodPost, strings.TrimSuffix(to, "?again"), nil); !strings.HasSuffix(to, "?done") {
			t.Errorf("%s", to)
		}
		d.sees(to, "Der Vorgang ist weitergegangen.")

		// Some, and all.
		q, _ := url.ParseQuery(group[strings.Index(group, "?")+1:])
		form := func(do string, ids ...string) url.Values {
			return url.Values{"service": q["service"], "element": q["element"], "cause": q["cause"], "do": {do}, "incident": ids}
		}
		if status, body, _ := d.do(http.MethodPost, "/desk/incidents/group", form("some")); status != 422 || !strings.Contains(body, "keine Störung ausgewählt") || !strings.Contains(body, "32-2026-00001") {
			t.Errorf("nothing chosen: %d", status)
		}
		status, _, to = d.do(http.MethodPost, "/desk/incidents/group", form("some", ids[1][1], ids[2][1]))
		if status != 303 {
			t.Fatal(status)
		}
		d.sees(to, "0 von 2 versucht", "Stand neu abfragen", "eine Auswahl")
		d.drain()
		d.sees(to, "2 von 2 versucht", "Alle sind versucht", "Sven Kramer")
		d.say.Store(func(id string) string {
			if id == "c9" {
				return locked(id)
			}
			return ""
		})
		_, _, to = d.do(http.MethodPost, "/desk/incidents/group", form("all"))
		d.drain()
		d.sees(to, "57 von 57 versucht", "einige ohne Erfolg")
		d.sees("/desk/incidents", ">1<", "fertig, mit neuen Störungen", "57 von 57 versucht")
		d.say.Store(ok)
		d.do(http.MethodPost, "/desk/incidents/group", form("all"))
		d.drain()
		if status, body, _ := d.do(http.MethodPost, "/desk/incidents/group", form("all")); status != 409 || !strings.Contains(body, "nicht mehr offen") {
			t.Errorf("an empty group: %d\n%s", status, body)
		}

		// Anna sees that her case was looked at, and why.
		checker := accesstest.House(t, db)
		own := accesstest.Grant(t, checker, access.Request{Actor: accesstest.Anna(), Action: access.Read, Resource: "ledger", Owner: accesstest.Anna().ID})
		entries, err := checker.WhoRead(t.Context(), own, "", 50)
		actions := map[string]bool{}
		for _, e := range entries {
			if e.ActorID != "op" || e.Purpose != purpose || e.Outcome != audit.Permitted {
				t.Errorf("%+v", e)
			}
			actions[e.Action] = true
		}
		if err != nil || !actions[access.List] || !actions[access.Read] || !actions[access.Change] {
			t.Errorf("on record: %v %v", actions, err)
		}

		// Nobody else.
		for _, a := range []access.Actor{accesstest.Anna(), accesstest.Clerk("32"), {Kind: access.Clerk, ID: "a", Office: "30", Roles: []string{"auditor"}, Level: access.Substantial}} {
			d.actor = a
			for _, path := range []string{"/desk/incidents", group, one, to} {
				if status, body, _ := d.do(http.MethodGet, path, nil); status != 403 || strings.Contains(body, "4711") {
					t.Errorf("%s at %s: %d", a.ID, path, status)
				}
			}
			for _, path := range []string{"/desk/incidents/group", one} {
				if status, _, _ := d.do(http.MethodPost, path, form("all")); status != 403 {
					t.Errorf("%s tries again at %s: %d", a.ID, path, status)
				}
			}
		}
		d.actor = operator()
		for _, path := range []string{"/desk/incidents/x", "/desk/incidents/retries/x", "/desk/incidents/01a22156-d7ac-7557-987e-7d27b50b40d9"} {
			if status, _, _ := d.do(http.MethodGet, path, nil); status != 404 {
				t.Errorf("%s: %d", path, status)
			}
		}
	})
}

func (d *desk) drain() {
	d.t.Helper()
	if err := d.jobs.Drain(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

// offer makes work for programs outside, n of each type; one of the first is taken.
func (d *desk) offer(n int, types ...string) {
	d.t.Helper()
	for i, typ := range types {
		def, err := bpmn.Parse("x.bpmn", []byte(strings.Replace(model, `type="print"`, `type="`+typ+`"`, 1)))
		if err != nil {
			d.t.Fatal(err)
		}
		for k := range n {
			if err := d.db.Write(d.t.Context(), func(tx *store.Tx) error {
				_, err := d.engine.Start(d.t.Context(), tx, def, process.StartParams{CaseID: fmt.Sprint("x", i, k), CaseRef: "R", Label: "Anna", Service: "permit", Version: "v2", Office: "32"})
				return err
			}); err != nil {
				d.t.Fatal(err)
			}
		}
	}
	printer := access.Actor{Kind: access.Machine, ID: "druckstrasse", Name: "druckstrasse", Roles: []string{"jobs:work", "job:" + types[0]}, Level: access.Substantial}
	g := accesstest.Grant(d.t, accesstest.House(d.t, d.db), access.Request{Actor: printer, Action: access.Change, Resource: "job"})
	if l, err := d.engine.TakeJobs(d.t.Context(), g, process.Take{N: 1}); err != nil || len(l) != 1 {
		d.t.Fatal(err, l)
	}
}

func TestExternalWork(t *testing.T) {
	storetest.Each(t, []store.Migrations{audit.Migrations(), job.Migrations(), process.Migrations()}, func(t *testing.T, db *store.DB) {
		d := open(t, db)
		if code, _, body := page(d, "/desk/external"); code != 200 || !strings.Contains(body, "noch keines gekommen") && !strings.Contains(body, "es ist noch keines") {
			t.Errorf("%d %s", code, body)
		}
		d.offer(2, "external.print", "external.scan")
		code, _, body := page(d, "/desk/external")
		if code != 200 || strings.Count(body, "nimmt niemand") != 1 || !strings.Contains(body, "external.scan“ nimmt niemand") || !strings.Contains(body, "job:external.scan") || !strings.Contains(body, "druckstrasse: 1") {
			t.Errorf("%d %s", code, body)
		}
		d.actor.Roles = []string{"clerk"}
		if code, _, _ := page(d, "/desk/external"); code != 403 {
			t.Errorf("a clerk: %d", code)
		}
	})
}

func page(d *desk, path string) (int, string, string) {
	code, body, to := d.do(http.MethodGet, path, nil)
	return code, to, body
}

func TestTemplates(t *testing.T) {
	cat, err := i18n.Load(append(web.Messages(), Messages())...)
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := web.NewTemplates(web.TemplateConfig{Catalogue: cat})
	if err != nil {
		t.Fatal(err)
	}
	check(t, tmpl, "groups.html", groupsPage{})
	check(t, tmpl, "group.html", groupPage{})
	check(t, tmpl, "one.html", onePage{})
	check(t, tmpl, "retry.html", retryPage{})
	check(t, tmpl, "external.html", externalPage{})
}

func check[T any](t *testing.T, tmpl *web.Templates, name string, _ T) {
	t.Helper()
	v, err := web.NewView[T](tmpl, templateFS, "templates/"+name)
	if err != nil {
		t.Fatal(err)
	}
	webtest.CheckView(t, name, v.Template("de"), web.Page[T]{})
}

// TestIncidentsInABrowser looks at every page on a phone and at a desk, with axe and without scripts.
// $MERCATOR_SHOTS names a folder for pictures of them.
func TestIncidentsInABrowser(t *testing.T) {
	b := webtest.Open(t)
	d := open(t, storetest.SQLite(t, []store.Migrations{audit.Migrations(), job.Migrations(), process.Migrations()}))
	d.begin(8, func(id string) string {
		if id > "c5" {
			return "die Schnittstelle des Kassenverfahrens antwortet nicht: dial tcp: lookup kasse-verbindungsserver.rechenzentrum.example: no such host"
		}
		return locked(id)
	})
	d.offer(3, "external.print", "external.a-very-long-name-of-work-that-nobody-takes")
	server := httptest.NewServer(d.site)
	t.Cleanup(server.Close)
	_, body, _ := d.do(http.MethodGet, "/desk/incidents", nil)
	m := groupLink.FindStringSubmatch(body)
	if m == nil {
		t.Fatal(body)
	}
	group := html.UnescapeString(m[1])
	_, body, _ = d.do(http.MethodGet, group, nil)
	id := regexp.MustCompile(`name="incident" value="([^"]+)"`).FindStringSubmatch(body)[1]
	d.say.Store(ok)
	q, _ := url.ParseQuery(group[strings.Index(group, "?")+1:])
	q.Set("do", "some")
	q.Set("incident", id)
	_, _, running := d.do(http.MethodPost, "/desk/incidents/group", q)
	for _, script := range []bool{true, false} {
		b.Script(script)
		for _, width := range []int{320, 1280} {
			b.Width(width)
			for name, path := range map[string]string{"groups": "/desk/incidents", "group": group, "one": "/desk/incidents/" + id, "retry": running, "external": "/desk/external"} {
				what := fmt.Sprintf("%s-%d", name, width)
				b.Go(server.URL + path + map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")] + "lang=de")
				if dir := os.Getenv("MERCATOR_SHOTS"); dir != "" && script {
					b.Screenshot(filepath.Join(dir, "incidents-"+what+".png"))
				}
				if !script { // what there is to do is there without
					if text := b.Text(); name == "group" && !strings.Contains(text, "Ausgewählte erneut versuchen") {
						t.Errorf("without scripts: %s", text)
					}
					continue
				}
				b.NoSidewaysScroll(what)
				b.SmallTargets(what)
				b.Axe(what)
			}
		}
	}
}
