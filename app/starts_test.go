// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mercator/core/access"
	"mercator/core/config"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/casefile"
	"mercator/domain/notice"
	"mercator/domain/process"
	"mercator/domain/service"
	"mercator/lang/bpmn"
)

// startsContent is the content of the city with services that begin by themselves.
func startsContent(t *testing.T) string {
	t.Helper()
	content := filepath.Join(t.TempDir(), "content")
	copyTree(t, contentDir, content)
	dirs, err := os.ReadDir("testdata/services")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		copyTree(t, "testdata/services/"+d.Name(), filepath.Join(content, "services", d.Name()))
	}
	return content
}

// Services that begin by themselves need no form and nothing that applicants have to know;
// they lint clean and are played through like others.
func TestServicesThatBeginByThemselves(t *testing.T) {
	content := startsContent(t)
	engines := map[string]func(t *testing.T) config.Database{
		"sqlite": func(*testing.T) config.Database { return config.Database{} },
		"postgres": func(t *testing.T) config.Database {
			return config.Database{Engine: "postgres", DSN: config.Literal(storetest.PostgresDSN(t))}
		},
	}
	for _, id := range []string{"parking-check", "found-property", "charging-point"} {
		dir := filepath.Join(content, "services", id)
		s, err := service.Parse(id, os.DirFS(dir))
		if err != nil {
			t.Fatal(err)
		}
		if !s.Internal {
			t.Errorf("%s is for the public", id)
		}
		for _, p := range append(service.Lint(s, notice.Lint(s)), lintAgainst(os.DirFS(content), s)...) {
			t.Errorf("%s: %s", id, p)
		}
		list, problems := service.Scenarios(s)
		if len(problems) > 0 || len(list) == 0 {
			t.Fatalf("%s: %d scenarios, %v", id, len(list), problems)
		}
		for name, database := range engines {
			t.Run(id+"/"+name, func(t *testing.T) {
				for _, sc := range list {
					if err := play(context.Background(), content, s, sc, database(t), nil); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}

	// Mistakes in such a package are named.
	for _, m := range []struct{ file, from, to, want string }{
		{"process.bpmn", `name="property.found"`, ``, "has no message with a name"},
		{"process.bpmn", `<bpmn:startEvent id="begin"`, `<bpmn:startEvent id="also" /><bpmn:sequenceFlow id="f9" sourceRef="also" targetRef="look" /><bpmn:startEvent id="begin"`, "missing: a service has a form"},
		{"process.bpmn", `<bpmn:startEvent id="begin"`, `<bpmn:startEvent id="also" /><bpmn:sequenceFlow id="f9" sourceRef="also" targetRef="look" /><bpmn:startEvent id="begin"`, "audience is missing"},
		{"process.bpmn", `source="=thing"`, `source="=case.id"`, ""},
		{"process.bpmn", `source="=note"`, `source="=thing2"`, "thing2"},
		{"scenarios/01-a-bag.toml", `message = "property.found"`, ``, "needs title, person (or [begin])"},
		{"scenarios/01-a-bag.toml", `key = `, "signal = \"x\"\nkey = ", "[begin] is one of"},
	} {
		dir := filepath.Join(t.TempDir(), "found-property")
		copyTree(t, "testdata/services/found-property", dir)
		name := filepath.Join(dir, m.file)
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(strings.Replace(string(text), m.from, m.to, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		var said strings.Builder
		ok := lintPackage(dir, &said)
		if ok != (m.want == "") || !strings.Contains(said.String(), m.want) {
			t.Errorf("%s for %s: %s, want %q", m.to, m.from, said.String(), m.want)
		}
	}
}

// A message opens a case about nobody, or about a person whom the registers know; the
// desk works with it, and the ledger says that the house has opened it and why.
func TestACaseThatAMessageHasBegun(t *testing.T) {
	ctx := context.Background()
	dir, content := t.TempDir(), startsContent(t)
	h := testHouse(t, dir, content)
	people, err := h.loadSample(ctx, 10, time.Now(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	anna, _ := people.generator.Find("anna-schmidt")
	send := func(h *House, n process.Note) process.Delivery {
		t.Helper()
		var out process.Delivery
		n.Record = func(context.Context, *store.Tx, process.Ref) error { return nil }
		if err := h.db.Write(ctx, func(tx *store.Tx) error {
			var err error
			out, err = h.engine.Deliver(ctx, tx, n)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return out
	}
	bag := send(h, process.Note{Name: "property.found", Key: "a", Vars: map[string]any{"thing": "Handtasche", "place": "Linie 901", "secret": "x",
		"case": map[string]any{"id": "forged"}, "person": map[string]any{"given_names": "Nie", "family_name": "Gesehen", "birth_date": "1950-01-01"}}})
	if bag.Fate != process.Begun || bag.Case.Label != "Fundanzeige" {
		t.Fatalf("%+v", bag)
	}
	c, err := h.cases.Peek(ctx, h.db, bag.Case.CaseID)
	if err != nil || c.Person != "" || c.PersonName != "" || c.Channel != casefile.Event || c.Service != "found-property" || string(c.Application) != "{}" {
		t.Errorf("%+v %v", c, err)
	}
	vars, err := h.engine.VarsOf(ctx, h.db, c.ID)
	if err != nil || vars["thing"] != "Handtasche" || vars["secret"] != nil || vars["case"].(map[string]any)["ref"] != c.Ref ||
		vars["person"].(map[string]any)["family_name"] != "Gesehen" || vars["person"].(map[string]any)["id"] != "" {
		t.Errorf("%v %v", vars, err)
	}
	r := anna.Resident
	known := send(h, process.Note{Name: "property.found", Key: "b", Vars: map[string]any{"person": map[string]any{"given_names": r.GivenNames, "family_name": r.FamilyName, "birth_date": r.BirthDate}}})
	if c, err := h.cases.Peek(ctx, h.db, known.Case.CaseID); err != nil || c.Person != r.ID || known.Case.Label != c.PersonName {
		t.Errorf("%+v %v", c, err)
	}

	// Of the house's own motion, on the basis of the service.
	var kind, purpose, basis, rule string
	if err := h.db.QueryRow(ctx, "SELECT actor_kind, purpose, basis, rule FROM audit_entry WHERE action = 'submit' AND service = 'found-property' ORDER BY id LIMIT 1").Scan(&kind, &purpose, &basis, &rule); err != nil || kind != "system" || purpose != "found-property" || basis != "§ 965 BGB" || rule != "system" {
		t.Errorf("on record: %s %s %s %s %v", kind, purpose, basis, rule, err)
	}

	// The pages of the desk and the portal.
	cookie := func(a access.Actor) *http.Cookie {
		w := httptest.NewRecorder()
		if _, err := h.sessions.SignIn(ctx, w, httptest.NewRequest("GET", "/", nil), a, ""); err != nil {
			t.Fatal(err)
		}
		return w.Result().Cookies()[0]
	}
	clerk := cookie(access.Actor{Kind: access.Clerk, ID: "s1", Name: "Cem", Office: "32", Roles: []string{"clerk"}, Level: access.Substantial})
	resident := cookie(access.Actor{Kind: access.Resident, ID: r.ID, Name: "Anna Schmidt", Level: access.High})
	get := func(c *http.Cookie, path string) (int, string) {
		w := httptest.NewRecorder()
		q := httptest.NewRequest("GET", "http://127.0.0.1"+path, nil)
		q.AddCookie(c)
		h.site.ServeHTTP(w, q)
		return w.Code, w.Body.String()
	}
	tasks, err := h.engine.TasksOf(ctx, h.db, c.ID)
	if err != nil || len(tasks) != 1 {
		t.Fatalf("%v %v", tasks, err)
	}
	for path, want := range map[string]string{
		"/desk": c.Ref, "/desk/cases/" + c.ID: "Niemand (von Amts wegen)", "/desk/tasks/" + tasks[0].ID: "Fundsache verwahren", "/desk/cases/" + c.ID + "/application.pdf": "%PDF",
	} {
		if code, body := get(clerk, path); code != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d, without %q", path, code, want)
		}
	}
	if code, body := get(clerk, "/desk/cases/"+c.ID); code != 200 || strings.Contains(body, "/ask") || !strings.Contains(body, "Von Amts wegen begonnen") || !strings.Contains(body, "von Amts wegen") {
		t.Errorf("the file: %d\n%s", code, body)
	}
	if code, _ := get(clerk, "/desk/cases/"+c.ID+"/ask"); code != 404 {
		t.Errorf("nobody can be asked: %d", code)
	}
	if code, body := get(resident, "/cases"); code != 200 || strings.Contains(body, c.Ref) || !strings.Contains(body, known.Case.CaseRef) {
		t.Errorf("my cases: %d", code)
	}
	if code, _ := get(resident, "/cases/"+known.Case.CaseID); code != 200 {
		t.Errorf("Anna's case: %d", code)
	}
	if code, _ := get(resident, "/cases/"+c.ID); code != 404 {
		t.Errorf("nobody's case is Anna's: %d", code)
	}
	for _, path := range []string{"/services/found-property", "/api/v1/services/found-property"} {
		if code, _ := get(resident, path); code != 404 {
			t.Errorf("%s: %d", path, code)
		}
	}
	if _, body := get(resident, "/services"); strings.Contains(body, "found-property") || !strings.Contains(body, "resident-parking-permit") {
		t.Error("an internal service is in the catalogue")
	}
	if _, err := h.intake.Start(ctx, access.Actor{Kind: access.Resident, ID: r.ID, Level: access.High}, "found-property"); err == nil {
		t.Error("somebody applies for an internal service")
	}
	// What a letter or a bill is for needs somebody.
	if _, err := h.taskMessage(ctx, process.Work{Ref: bag.Case}); err == nil || !strings.Contains(err.Error(), "nobody whom the registers know") {
		t.Errorf("a letter to nobody: %v", err)
	}
	if err := h.db.Write(ctx, func(tx *store.Tx) error {
		_, err := h.taskPayment(ctx, tx, process.Work{Ref: bag.Case, Vars: map[string]any{"amount": 100.0}})
		return err
	}); err == nil || !strings.Contains(err.Error(), "nobody whom the registers know") {
		t.Errorf("a bill for nobody: %v", err)
	}

	// A package with a mistake changes nothing: the version before it goes on listening.
	name := filepath.Join(content, "services", "found-property", "process.bpmn")
	if err := os.WriteFile(name, []byte("<broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.Close()
	h = testHouse(t, dir, content)
	if out := send(h, process.Note{Name: "property.found", Key: "c"}); out.Fate != process.Begun || out.Case.Version != c.Version {
		t.Errorf("%+v", out)
	}
	// Another package can't take its message away …
	other := filepath.Join(content, "services", "found-also")
	copyTree(t, "testdata/services/found-property", other)
	head, err := os.ReadFile(filepath.Join(other, "service.toml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(other, "service.toml"), []byte(strings.Replace(string(head), `id = "found-property"`, `id = "found-also"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := h.loadServices(ctx); err == nil || !strings.Contains(err.Error(), `the message "property.found" begins cases of the service found-property already`) {
		t.Errorf("%v", err)
	}
	// … and a withdrawn one listens no more, also without a restart.
	if err := os.RemoveAll(other); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Dir(name)); err != nil {
		t.Fatal(err)
	}
	if err := h.loadServices(ctx); err != nil {
		t.Fatal(err)
	}
	h.listen(ctx)
	if out := send(h, process.Note{Name: "property.found", Key: "d"}); out.Fate != process.Kept {
		t.Errorf("%+v", out)
	}
	// Its cases go on.
	if v, err := h.engine.View(ctx, c.ID); err != nil || v.Status != bpmn.Running {
		t.Errorf("%+v %v", v.Status, err)
	}
	h.Close()
}
