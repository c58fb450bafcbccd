// SPDX-License-Identifier: EUPL-1.2

package casefileweb

import (
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/bus"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/casefile"
	"mercator/domain/service"
	"mercator/lang/bpmn"
	"mercator/lang/form"
	"mercator/web"
	"mercator/web/assets"
	"mercator/web/ui"
	"mercator/web/webtest"
)

// tasks is a worklist in memory: the desk's side of the contract, without a process behind it.
type tasks struct {
	mu   sync.Mutex
	list []*Task
	done map[string]map[string]any
}

func (t *tasks) find(g access.Grant, id string) (*Task, error) {
	for _, x := range t.list {
		if x.ID == id && x.Office == g.Actor().Office {
			return x, nil
		}
	}
	return nil, fault.New(fault.NotFound, "tasks", "")
}

func (t *tasks) fits(g access.Grant, f Filter, x *Task) bool {
	if x.Office != g.Actor().Office || x.Open == (f.Which == "done") || !strings.Contains(x.CaseRef, f.Search) || f.Service != "" && x.Service != f.Service {
		return false
	}
	switch f.Which {
	case "free":
		return x.Assignee == ""
	case "mine":
		return x.Assignee == g.Actor().ID
	case "due":
		return x.Due.Before(testNow)
	}
	return true
}

func (t *tasks) Worklist(_ context.Context, g access.Grant, f Filter, after After, n int) ([]Task, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []Task
	for _, x := range t.list {
		if t.fits(g, f, x) && (after.ID == "" || x.Due.After(after.Due) || x.Due.Equal(after.Due) && x.ID > after.ID) && len(out) < n {
			out = append(out, *x)
		}
	}
	return out, nil
}

func (t *tasks) Counts(_ context.Context, g access.Grant) (Counts, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := Counts{Services: map[string]int{}}
	for _, x := range t.list {
		if t.fits(g, Filter{}, x) {
			c.All++
			c.Services[x.Service]++
		}
		if t.fits(g, Filter{Which: "free"}, x) {
			c.Free++
		}
		if t.fits(g, Filter{Which: "mine"}, x) {
			c.Mine++
		}
		if t.fits(g, Filter{Which: "due"}, x) {
			c.Due++
		}
	}
	return c, nil
}

func (t *tasks) Task(_ context.Context, g access.Grant, id string) (Task, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	x, err := t.find(g, id)
	if err != nil {
		return Task{}, err
	}
	return *x, nil
}

func (t *tasks) OfCase(_ context.Context, g access.Grant, caseID string) ([]Task, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []Task
	for _, x := range t.list {
		if x.CaseID == caseID && x.Office == g.Actor().Office {
			out = append(out, *x)
		}
	}
	return out, nil
}

func (t *tasks) Claim(_ context.Context, g access.Grant, id string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	x, err := t.find(g, id)
	if err != nil {
		return err
	}
	if x.Assignee != "" && x.Assignee != g.Actor().ID {
		return fault.New(fault.Conflict, "tasks.claim", "")
	}
	x.Assignee, x.AssigneeName, x.Revision = g.Actor().ID, g.Actor().Name, x.Revision+1
	return nil
}

func (t *tasks) Release(_ context.Context, g access.Grant, id string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	x, err := t.find(g, id)
	if err != nil {
		return err
	}
	if x.Assignee != g.Actor().ID {
		return fault.New(fault.Conflict, "tasks.release", "")
	}
	x.Assignee, x.AssigneeName = "", ""
	return nil
}

func (t *tasks) Complete(_ context.Context, g access.Grant, id string, revision int64, vars map[string]any) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	x, err := t.find(g, id)
	if err != nil {
		return err
	}
	if x.Assignee != g.Actor().ID || !x.Open || x.Revision != revision {
		return fault.New(fault.Conflict, "tasks.complete", "")
	}
	x.Open, x.Done, x.Revision = false, testNow, x.Revision+1
	t.done[id] = vars
	return nil
}

var testNow = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// house is the pages over a real registry, with cases of Anna at office 32.
type house struct {
	t        testing.TB
	site     *web.Site
	cfg      Config
	tasks    *tasks
	free     *freeParts
	asked    []string
	db       *store.DB
	cases    []casefile.Case
	services *service.Catalog
}

type actorKey struct{}

func newHouse(t testing.TB, cases int) *house {
	t.Helper()
	ctx := t.Context()
	db := storetest.SQLite(t, []store.Migrations{audit.Migrations(), bus.Migrations(), casefile.Migrations(), service.Migrations()})
	h := &house{t: t, db: db, tasks: &tasks{done: map[string]map[string]any{}}, free: &freeParts{rev: 1}}
	h.services = service.NewCatalog(db, func() time.Time { return testNow })
	if err := h.services.Load(ctx, os.DirFS("../../../content/services")); err != nil {
		t.Fatal(err)
	}
	outbox, err := bus.New(bus.Config{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	clock := testNow
	file := &casefile.File{DB: db, Outbox: outbox, Now: func() time.Time { clock = clock.Add(time.Second); return clock }}
	checker := accesstest.Discreet(t, db)
	cat, err := i18n.Load(append(web.Messages(), Messages(), form.Messages)...)
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := web.NewTemplates(web.TemplateConfig{Catalogue: cat})
	if err != nil {
		t.Fatal(err)
	}
	h.cfg = Config{
		Templates: tmpl, Cases: file, Services: h.services, Access: checker, Tasks: h.tasks, Now: func() time.Time { return testNow },
		Actor: func(r *http.Request, least access.Level) (access.Actor, error) {
			a, ok := r.Context().Value(actorKey{}).(access.Actor)
			if !ok {
				return a, fault.New(fault.Unauthenticated, "test", "", "level", least)
			}
			if a.Level < least {
				return a, fault.New(fault.StepUp, "test", "", "level", least)
			}
			return a, nil
		},
		Office: func(id string) i18n.Text { return i18n.Plain("Bürger- und Ordnungsamt") },
		Documents: func(context.Context, access.Grant, string) ([]Document, error) {
			return []Document{{ID: "d", Title: i18n.Plain("Bewohnerparkausweis"), At: testNow, Href: "/documents/d", Size: 48_000, State: "valid"}, {ID: "e", Title: i18n.Plain("Bescheid"), At: testNow, Href: "/documents/e"}}, nil
		},
		Messages: func(context.Context, access.Grant, string) ([]Message, error) {
			return []Message{{At: testNow, From: "office", Subject: i18n.Plain("Ihr Ausweis"), Body: i18n.Plain("Er liegt bei.")}}, nil
		},
		Payment: func(context.Context, access.Grant, string) (Payment, bool, error) {
			return Payment{Href: "/pay/1", Cents: 3000}, true, nil
		},
		Corrections: func(context.Context, access.Grant, string) ([]Correction, error) {
			return []Correction{{Label: i18n.Plain("Kennzeichen"), Message: i18n.Plain("Das Kennzeichen passt nicht."), Href: "/cases/1/correct"}}, nil
		},
		Ask: func(_ context.Context, _ access.Grant, _ casefile.Case, field, message string) error {
			h.asked = append(h.asked, field+": "+message)
			return nil
		},
		Write: func(_ context.Context, _ access.Grant, _ casefile.Case, subject, body string) error {
			h.asked = append(h.asked, subject+"; "+body)
			return nil
		},
		Diagram: func(ctx context.Context, _ access.Grant, c casefile.Case, loc *i18n.Localizer) ([]ui.Component, error) {
			s, err := h.services.Version(ctx, c.Service, c.Version)
			if err != nil {
				return nil, err
			}
			svg := bpmn.SVG(s.Process, s.ProcessID, bpmn.Drawing{Active: []string{"review"}, Done: []string{"start", "received", "eligibility", "in_review"}, Title: s.Title.For(loc.Lang())})
			return []ui.Component{ui.Figure{SVG: template.HTML(svg), Title: "Prozess", Text: "Wartet auf: Anmeldung prüfen."}}, nil
		},
		Free: h.free,
		Steps: func(_ context.Context, _ access.Grant, _ casefile.Case, _ *i18n.Localizer, path, after string) (ui.Component, error) {
			return ui.Details{Summary: "Verlauf der Schritte", Open: after != "", Items: []ui.Component{ui.Table{Caption: "Verlauf", CaptionHidden: true, Columns: []ui.Column{{Label: "Schritt"}, {Label: "Wer"}},
				Rows: []ui.Row{{Cells: []ui.Cell{{Text: "Anmeldung prüfen"}, {Text: "Frau Schmitz"}}}}}, ui.Pagination{Next: path + "?steps=x"}}}, nil
		},
		ApplicationPDF: func(id string) string { return "/desk/cases/" + id + "/application.pdf" },
	}
	anna := accesstest.Anna()
	for i := range cases {
		svc, application := "business-registration", `{"business_name":"Kiosk am Markt","activity":"Einzelhandel mit Zeitungen"}`
		if i%3 == 2 {
			svc, application = "resident-parking-permit", `{"plate":"DU-AB 123"}`
		}
		s, ok := h.services.Current(svc)
		if !ok {
			t.Fatalf("no service %s", svc)
		}
		err := db.Write(ctx, func(tx *store.Tx) error {
			g, err := checker.PermitTx(ctx, tx, access.Request{Actor: anna, Action: access.Submit, Resource: "case", Purpose: svc, Owner: anna.ID})
			if err != nil {
				return err
			}
			c, _, err := file.Open(ctx, tx, g, casefile.Opening{Service: svc, Version: s.Version, Office: "32", Person: anna.ID, PersonName: anna.Name,
				Channel: "online", Lang: "de", Origin: ident.New(), Application: json.RawMessage(application)})
			if err != nil {
				return err
			}
			h.cases = append(h.cases, c)
			if err := file.SetStatus(ctx, tx, c.ID, casefile.Text{"de": "Das Gewerbeamt prüft Ihre Anmeldung.", "en": "The trade office is checking your registration.", "tr": "İnceleniyor."}); err != nil {
				return err
			}
			return file.AddRuling(ctx, tx, casefile.Ruling{CaseID: c.ID, Decision: "eligibility", Name: "Voraussetzungen", Outcome: json.RawMessage(`{"ok":false}`),
				Rules: []casefile.Rule{{ID: "r1", Law: "§ 14 Absatz 1 GewO", Text: casefile.Text{"de": "Das Gewerbe ist anzuzeigen.", "en": "The business has to be notified.", "tr": "İşyeri bildirilmelidir."}}}})
		})
		if err != nil {
			t.Fatal(err)
		}
		c := h.cases[i]
		h.tasks.list = append(h.tasks.list, &Task{ID: ident.New(), CaseID: c.ID, CaseRef: c.Ref, Service: svc, Version: s.Version, Office: "32", Form: "decision", Open: true,
			Name: i18n.Text{"de": "Anmeldung prüfen"}, Due: testNow.Add(time.Duration(i-1) * 24 * time.Hour)})
	}
	if cases > 0 {
		h.free.caseID = h.cases[0].ID
	}
	h.start(cat, tmpl)
	return h
}

func (h *house) start(cat *i18n.Catalogue, tmpl *web.Templates) {
	h.t.Helper()
	ms, err := Mounts(h.cfg)
	if err != nil {
		h.t.Fatal(err)
	}
	site, err := web.New(web.Config{Catalogue: cat, Templates: tmpl, City: web.City{Product: "Mercator", Name: "Stadt Duisburg"},
		Log:    slog.New(slog.NewTextHandler(h.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
		Limits: map[string]web.Rate{},
		Nav: map[web.ShellKind][]web.NavItem{
			web.PortalShell: {{ID: "cases", Key: "casefileweb.cases", Href: "/cases"}},
			web.DeskShell:   {{ID: "work", Key: "casefileweb.work", Href: "/desk"}}},
		Viewer: func(r *http.Request) (web.Viewer, bool) {
			a, ok := r.Context().Value(actorKey{}).(access.Actor)
			return web.Viewer{Name: a.Name, Kind: string(a.Kind)}, ok
		}}, ms)
	if err != nil {
		h.t.Fatal(err)
	}
	h.site = site
}

// as answers a request of somebody; form nil is a GET.
func (h *house) as(a access.Actor, path string, form url.Values) *httptest.ResponseRecorder {
	h.t.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	r := httptest.NewRequestWithContext(context.WithValue(h.t.Context(), actorKey{}, a), method, path, body)
	r.Header.Set("Accept", "text/html")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	h.site.ServeHTTP(w, r)
	return w
}

func (h *house) sees(a access.Actor, path string, want ...string) string {
	h.t.Helper()
	w := h.as(a, path, nil)
	if w.Code != 200 {
		h.t.Fatalf("%s as %s: %d\n%s", path, a.Name, w.Code, w.Body)
	}
	for _, s := range want {
		if !strings.Contains(w.Body.String(), s) {
			h.t.Errorf("%s lacks %q:\n%s", path, s, w.Body)
		}
	}
	return w.Body.String()
}

func clerk(n string) access.Actor {
	c := accesstest.Clerk("32")
	c.ID, c.Name = "staff-"+n, "Frau "+n
	return c
}

func TestResident(t *testing.T) {
	h := newHouse(t, 25)
	anna, bora := accesstest.Anna(), accesstest.Bora()
	first := h.sees(anna, "/cases", "Meine Vorgänge", h.cases[24].Ref)
	if strings.Contains(first, h.cases[0].Ref) || !strings.Contains(first, "after=") {
		t.Error("the list is not cut into pages")
	}
	last := h.cases[24-pageSize+1]
	second := h.sees(anna, "/cases?after="+place(last.OpenedAt, last.ID)+"&trail=0", h.cases[0].Ref, `rel="prev"`)
	if strings.Contains(second, last.Ref) {
		t.Error("the second page repeats the first's last row")
	}
	id := h.cases[0].ID
	h.sees(anna, "/cases/"+id, h.cases[0].Ref, "Das Gewerbeamt prüft Ihre Anmeldung.", "§ 14 Absatz 1 GewO", "Das Gewerbe ist anzuzeigen.", "Noch zu bezahlen: 30,00", "/pay/1", "Kiosk am Markt", "/documents/d", "Bürger- und Ordnungsamt")
	for path, want := range map[string]int{"/cases/" + id: 404, "/cases/" + ident.New(): 404, "/cases/x": 404} {
		if w := h.as(bora, path, nil); w.Code != want {
			t.Errorf("%s as another resident: %d, want %d", path, w.Code, want)
		}
	}
	low := anna
	low.Level = access.Basic
	if w := h.as(low, "/cases/"+id, nil); w.Code != 303 || !strings.Contains(w.Header().Get("Location"), "level=substantial") {
		t.Errorf("a low trust level is not asked to step up: %d %s", w.Code, w.Header().Get("Location"))
	}
	if w := h.as(clerk("Schmitz"), "/cases", nil); w.Code != 403 {
		t.Errorf("a clerk at the residents' pages: %d", w.Code)
	}
	if w := h.as(anna, "/desk", nil); w.Code != 403 {
		t.Errorf("a resident at the desk: %d", w.Code)
	}
}

func TestDesk(t *testing.T) {
	h := newHouse(t, 45)
	a, b := clerk("Schmitz"), clerk("Kaya")
	h.sees(a, "/desk", "Arbeitsliste", `>Alle <span class="m-filter__count">45</span>`, `>Freie <span class="m-filter__count">45</span>`, `>Überfällige <span class="m-filter__count">1</span>`, h.cases[0].Ref, "Anna Schmidt")
	h.sees(a, "/desk?show=due", h.cases[0].Ref, "überfällig")
	if w := h.as(accesstest.Clerk("21"), "/desk/cases/"+h.cases[0].ID, nil); w.Code != 404 {
		t.Errorf("a clerk of another office: %d", w.Code)
	}

	task := h.tasks.list[0]
	self := "/desk/tasks/" + task.ID
	back := "/desk?show=free#t-" + task.ID
	withBack := self + "?back=" + url.QueryEscape(back)
	h.sees(a, withBack, "Aufgabe übernehmen", `href="/desk?show=free#t-`+task.ID)
	if w := h.as(a, self+"/claim", url.Values{"back": {back}}); w.Code != 303 || w.Header().Get("Location") != withBack {
		t.Fatalf("claim: %d %s", w.Code, w.Header().Get("Location"))
	}
	w := h.as(b, self+"/claim", url.Values{})
	if w.Code != 303 || !strings.Contains(w.Header().Get("Location"), "taken") || task.Assignee != a.ID {
		t.Fatalf("a task was snatched: %d %s, with %s", w.Code, w.Header().Get("Location"), task.Assignee)
	}
	h.sees(b, w.Header().Get("Location"), "bearbeitet schon Frau Schmitz")
	if w := h.as(b, self, url.Values{"outcome": {"granted"}}); w.Code != 303 || !task.Open {
		t.Errorf("somebody else completed the task: %d", w.Code)
	}
	h.sees(a, self, "Entscheidung abschließen", `value="granted"`, `name="reason"`)

	w = h.as(a, self, url.Values{"_revision": {"1"}, "_f": {"outcome", "reason"}, "outcome": {"refused"}, "reason": {""}, "back": {back}})
	if w.Code != 422 || !strings.Contains(w.Body.String(), `href="#f-reason"`) || !task.Open {
		t.Errorf("a refusal without reasons: %d\n%s", w.Code, w.Body)
	}
	if w := h.as(a, self, url.Values{"_revision": {"0"}, "_f": {"outcome"}, "outcome": {"granted"}}); w.Code != 303 && w.Code != 422 || !task.Open {
		t.Errorf("a decision on an older state: %d", w.Code)
	}
	w = h.as(a, self, url.Values{"_revision": {"1"}, "_f": {"outcome", "reason"}, "outcome": {"refused"}, "reason": {"Der Betrieb liegt nicht in Duisburg."}, "back": {back}})
	if w.Code != 303 || w.Header().Get("Location") != back || task.Open {
		t.Fatalf("complete: %d %s\n%s", w.Code, w.Header().Get("Location"), w.Body)
	}
	if got := fmt.Sprint(h.tasks.done[task.ID]); got != "map[outcome:refused reason:Der Betrieb liegt nicht in Duisburg.]" {
		t.Errorf("the decision reached the process as %s", got)
	}
	if w := h.as(a, self, url.Values{"outcome": {"granted"}}); w.Code != 303 || !strings.Contains(w.Header().Get("Location"), "changed") {
		t.Errorf("a task was completed twice: %d", w.Code)
	}
	h.sees(a, self, "Diese Aufgabe ist erledigt.")
	h.sees(a, "/desk?show=done", h.cases[0].Ref, "erledigt")
	if found := h.sees(a, "/desk?q="+h.cases[3].Ref, h.cases[3].Ref); strings.Contains(found, h.cases[4].Ref) {
		t.Error("a search for a file number finds others")
	}

	before := h.as(a, "/desk/live", nil).Body.String()
	if w := h.as(b, "/desk/tasks/"+h.tasks.list[1].ID+"/claim", url.Values{}); w.Code != 303 {
		t.Fatal(w.Code)
	}
	if after := h.as(a, "/desk/live", nil).Body.String(); after == before || !strings.Contains(after, `"version"`) {
		t.Errorf("the live hint does not change: %s", after)
	}
}

// Who works for the city is a person, too, and takes no task of their own case (§ 20 VwVfG).
func TestNobodyTakesATaskOfTheirOwn(t *testing.T) {
	h := newHouse(t, 1)
	herself := clerk("Schmidt")
	herself.Self = h.cases[0].Person
	at := "/desk/tasks/" + h.tasks.list[0].ID + "/claim"
	if w := h.as(herself, at, url.Values{}); w.Code != 403 {
		t.Errorf("her own: %d", w.Code)
	}
	if h.tasks.list[0].Assignee != "" {
		t.Error("she has it")
	}
	if w := h.as(clerk("Kaya"), at, url.Values{}); w.Code != 303 {
		t.Errorf("somebody else: %d", w.Code)
	}
}

func TestAsk(t *testing.T) {
	h := newHouse(t, 1)
	a, path := clerk("Schmitz"), "/desk/cases/"+h.cases[0].ID+"/ask"
	h.sees(a, path, "Um Korrektur einer Angabe bitten", `value="business_name"`)
	for name, f := range map[string]url.Values{
		"nothing":          {"what": {"ask"}},
		"an unknown field": {"what": {"ask"}, "field": {"person.id"}, "message": {"x"}},
		"no words":         {"what": {"ask"}, "field": {"business_name"}, "message": {" "}},
		"no subject":       {"what": {"write"}, "body": {"x"}},
		"too many words":   {"what": {"write"}, "subject": {"x"}, "body": {strings.Repeat("ü", maxAsk+1)}},
	} {
		if w := h.as(a, path, f); w.Code != 422 || len(h.asked) > 0 {
			t.Errorf("%s: %d %v", name, w.Code, h.asked)
		}
	}
	w := h.as(a, path, url.Values{"what": {"ask"}, "field": {"business_name"}, "message": {"Bitte mit Rechtsform."}})
	if w.Code != 303 || len(h.asked) != 1 || h.asked[0] != "business_name: Bitte mit Rechtsform." {
		t.Fatalf("%d %v", w.Code, h.asked)
	}
	h.sees(a, w.Header().Get("Location"), "Ihre Nachricht ist verschickt")
	if w := h.as(accesstest.Clerk("21"), path, url.Values{"what": {"ask"}, "field": {"business_name"}, "message": {"x"}}); w.Code != 404 {
		t.Errorf("a clerk of another office: %d", w.Code)
	}
}

func TestMessagesComplete(t *testing.T) {
	cat, err := i18n.Load(append(web.Messages(), Messages())...)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range cat.Missing() {
		t.Error(m)
	}
}

func TestTemplatesFitTheirData(t *testing.T) {
	cat, err := i18n.Load(append(web.Messages(), Messages())...)
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := web.NewTemplates(web.TemplateConfig{Catalogue: cat})
	if err != nil {
		t.Fatal(err)
	}
	check[casesPage](t, tmpl, "cases")
	check[casePage](t, tmpl, "case")
	check[workPage](t, tmpl, "work")
	check[deskPage](t, tmpl, "desk")
	check[taskPage](t, tmpl, "task")
	check[askPage](t, tmpl, "ask")
}

func check[T any](t *testing.T, tmpl *web.Templates, name string) {
	t.Helper()
	v, err := web.NewView[T](tmpl, templateFS, "templates/"+name+".html")
	if err != nil {
		t.Fatal(err)
	}
	webtest.CheckView(t, name, v.Template("de"), web.Page[T]{})
}

// TestBrowser looks at every page with axe. MERCATOR_SHOTS names a folder for pictures.
func TestBrowser(t *testing.T) {
	if set, err := assets.Load(); err != nil || !set.Built() {
		if os.Getenv("MERCATOR_NEED_BROWSER") != "" {
			t.Fatal("the assets are not built")
		}
		t.Skip("the assets are not built: go run ./web/assets/build")
	}
	b := webtest.Open(t)
	h := newHouse(t, 25)
	srv, as := h.serve()
	mine := h.tasks.list[1]
	mine.Assignee, mine.AssigneeName = clerk("Schmitz").ID, "Frau Schmitz"
	pages := []struct {
		name, path string
		who        access.Actor
	}{
		{"cases", "/cases", accesstest.Anna()}, {"case", "/cases/" + h.cases[0].ID, accesstest.Anna()},
		{"desk", "/desk", clerk("Schmitz")}, {"desk-case", "/desk/cases/" + h.cases[0].ID, clerk("Schmitz")},
		{"desk-task", "/desk/tasks/" + mine.ID, clerk("Schmitz")}, {"desk-free", "/desk/tasks/" + h.tasks.list[0].ID, clerk("Schmitz")},
		{"desk-ask", "/desk/cases/" + h.cases[0].ID + "/ask", clerk("Schmitz")},
	}
	for _, p := range pages {
		as(p.who)
		for _, look := range []struct {
			lang  string
			width int
		}{{"de", 320}, {"tr", 360}, {"en", 1280}} {
			width := look.width
			what := fmt.Sprintf("%s at %d px in %s", p.name, width, look.lang)
			b.Width(width)
			b.Go(srv.URL + p.path + "?lang=" + look.lang)
			b.NoSidewaysScroll(what)
			b.Axe(what)
			b.SmallTargets(what)
			if dir := os.Getenv("MERCATOR_SHOTS"); dir != "" {
				b.Screenshot(filepath.Join(dir, fmt.Sprintf("%s-%d-%s.png", p.name, width, look.lang)))
			}
		}
	}
}

// serve lets a browser in, as whoever was named last.
func (h *house) serve() (srv *httptest.Server, as func(access.Actor)) {
	var who atomic.Pointer[access.Actor]
	srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.site.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), actorKey{}, *who.Load())))
	}))
	h.t.Cleanup(srv.Close)
	return srv, func(a access.Actor) { who.Store(&a) }
}

// TestDecideWithoutScript is a clerk's work on a narrow screen with scripts
// switched off: from the filtered list to the decision and back to the same list.
func TestDecideWithoutScript(t *testing.T) {
	b := webtest.Open(t)
	h := newHouse(t, 4)
	srv, as := h.serve()
	as(clerk("Schmitz"))
	task := h.tasks.list[1]
	b.Width(360)
	b.Script(false)
	b.Go(srv.URL + "/desk?show=free&service=business-registration&lang=de")
	b.Go(srv.URL + "/desk?show=free&service=business-registration")
	b.Run(chromedp.Click(`#t-` + task.ID + ` a`))
	b.WaitText("Aufgabe übernehmen")
	b.Run(chromedp.Click(`form[action$="/claim"] button`))
	b.WaitText("Entscheidung abschließen")
	b.Run(chromedp.Click(`input[name="outcome"][value="refused"]`), chromedp.Click(`form[action="/desk/tasks/`+task.ID+`"] button[type="submit"]`))
	b.WaitText("Bitte prüfen Sie Ihre Angaben")
	b.Run(chromedp.SendKeys(`textarea[name="reason"]`, "Der Betrieb liegt nicht in Duisburg."), chromedp.Click(`form[action="/desk/tasks/`+task.ID+`"] button[type="submit"]`))
	b.WaitText("Überfällige")
	where, err := chromedp.Run(b.Context(), chromedp.Location())
	if err != nil {
		t.Fatal(err)
	}
	if want := srv.URL + "/desk?service=business-registration&show=free#t-" + task.ID; where != want {
		t.Errorf("the clerk ends at %s, want %s", where, want)
	}
	if fmt.Sprint(h.tasks.done[task.ID]["outcome"]) != "refused" {
		t.Errorf("decided: %v", h.tasks.done[task.ID])
	}
}

// TestLiveHint: the list says that it is out of date, and changes nothing by itself.
func TestLiveHint(t *testing.T) {
	if set, err := assets.Load(); err != nil || !set.Built() {
		t.Skip("the assets are not built: go run ./web/assets/build")
	}
	b := webtest.Open(t)
	h := newHouse(t, 3)
	srv, as := h.serve()
	as(clerk("Schmitz"))
	b.Width(1280)
	b.Go(srv.URL + "/desk")
	hidden := `document.querySelector("[data-live-hint]").hidden`
	ask := `document.dispatchEvent(new Event("visibilitychange"))`
	webtest.Eval[bool](b, ask)
	if !webtest.Eval[bool](b, hidden) {
		t.Fatal("the hint shows although nothing has changed")
	}
	h.as(clerk("Kaya"), "/desk/tasks/"+h.tasks.list[0].ID+"/claim", url.Values{})
	webtest.Eval[bool](b, ask)
	b.Run(chromedp.Poll[chromedp.Void]("!" + hidden))
}

func BenchmarkWorklist(b *testing.B) {
	h := newHouse(b, 25)
	for b.Loop() {
		if w := h.as(clerk("Schmitz"), "/desk", nil); w.Code != 200 {
			b.Fatal(w.Code)
		}
	}
}

func BenchmarkCases(b *testing.B) {
	h := newHouse(b, 25)
	for b.Loop() {
		if w := h.as(accesstest.Anna(), "/cases", nil); w.Code != 200 {
			b.Fatal(w.Code)
		}
	}
}

func BenchmarkCase(b *testing.B) {
	h := newHouse(b, 1)
	for b.Loop() {
		if w := h.as(accesstest.Anna(), "/cases/"+h.cases[0].ID, nil); w.Code != 200 {
			b.Fatal(w.Code)
		}
	}
}
