// SPDX-License-Identifier: EUPL-1.2

package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"mercator/adapter/api"
	"mercator/adapter/webhook"
	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/bus"
	"mercator/core/job"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/casefile"
	"mercator/domain/notice"
	"mercator/domain/process"
	"mercator/domain/service"
	"mercator/lang/bpmn"
)

func rooms() []store.Migrations {
	return []store.Migrations{audit.Migrations(), job.Migrations(), bus.Migrations(), service.Migrations(), casefile.Migrations(), process.Migrations(), webhook.Migrations(), api.Migrations()}
}

// callers are by token.
var callers = map[string]access.Actor{
	"kfz":    {Kind: access.Machine, ID: "kfz", Name: "kfz", Roles: []string{"cases:read", "cases:submit", "webhooks:write"}, Level: access.Substantial},
	"other":  {Kind: access.Machine, ID: "other", Name: "other", Roles: []string{"cases:read", "cases:submit", "webhooks:write"}, Level: access.Substantial},
	"reader": {Kind: access.Machine, ID: "reader", Name: "reader", Roles: []string{"cases:read"}, Level: access.Substantial},
	"clerk":  {Kind: access.Clerk, ID: "s1", Name: "S. Eins", Office: "32", Roles: []string{"clerk", "tasks:read", "tasks:write"}, Level: access.Substantial},
	// Who acts for another over the interface: no token makes such a caller (identity.TestBearer), and if one did, it's refused.
	"acting": {Kind: access.Machine, ID: "kfz", Name: "kfz", Roles: []string{"cases:read", "cases:submit", "webhooks:write"}, Level: access.Substantial, Mandate: "m", For: "anna"},
	"deputy": {Kind: access.Clerk, ID: "s1", Name: "S. Eins", Office: "32", Roles: []string{"clerk", "tasks:read", "tasks:write"}, Level: access.Substantial, Mandate: "m", For: "s2"},
	"office": {Kind: access.Clerk, ID: "s2", Name: "S. Zwei", Office: "21", Roles: []string{"clerk", "tasks:read", "tasks:write"}, Level: access.Substantial},
}

type house struct {
	t      testing.TB
	db     *store.DB
	url    string
	cases  *casefile.File
	engine *process.Engine
	jobs   *job.Queue
	api    *api.API
	mu     sync.Mutex
	slow   chan struct{}
	opened int
}

func open(t testing.TB, db *store.DB, perMinute int) *house {
	t.Helper()
	ctx := context.Background()
	h := &house{t: t, db: db}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	checker := accesstest.House(t, db)
	q, err := job.NewQueue(job.Config{DB: db})
	must(err)
	o, err := bus.New(bus.Config{DB: db})
	must(err)
	h.cases = &casefile.File{DB: db, Outbox: o, Now: time.Now}
	h.jobs = q
	h.engine, err = process.New(process.Config{DB: db, Jobs: q, Now: time.Now, Zone: time.UTC, Hooks: process.Hooks{Open: h.openByEvent}})
	must(err)
	must(q.Register(h.engine.Workers()...))
	services := service.NewCatalog(db, time.Now)
	must(services.Load(ctx, os.DirFS("../../content/services")))
	hooks, err := webhook.NewService(webhook.Config{DB: db, Jobs: q, Key: make([]byte, 32)})
	must(err)
	words, err := i18n.Load(api.Messages(), webhook.Messages(), process.Messages)
	must(err)
	h.api, err = api.New(api.Config{DB: db, Key: make([]byte, 32), PublicURL: "https://duisburg.example", Issuer: "https://id.duisburg.example", Contact: "it@duisburg.example", Words: words, PerMinute: perMinute,
		Authenticate: func(r *http.Request) (access.Actor, error) {
			a, ok := callers[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
			if !ok {
				return a, fault.New(fault.Unauthenticated, "test", "")
			}
			return a, nil
		},
		Access: checker, Services: services, Cases: h.cases, Tasks: h.engine,
		Check: func(_ context.Context, code string) (notice.Validity, i18n.Text, string, string, error) {
			if code == "GOOD" {
				return notice.Valid, i18n.Plain("Ausweis"), "2026-01-01", "2026-12-31", nil
			}
			return notice.Unknown, nil, "", "", nil
		},
		Submit: func(ctx context.Context, a access.Actor, s api.Submission) (r api.Receipt, problems []api.FieldProblem, err error) {
			if h.slow != nil {
				<-h.slow
			}
			x, ok := services.Current(s.Service)
			if !ok {
				return r, nil, fault.New(fault.NotFound, "test", "")
			}
			if s.Answers["zone"] == "wrong" {
				return r, []api.FieldProblem{{Field: "zone", Detail: "There is no such zone."}}, nil
			}
			if s.Answers["zone"] == "broken" {
				return r, nil, fault.Internalf("test", "the person Erika Mustermann broke it")
			}
			application, err := json.Marshal(s.Answers)
			if err != nil {
				return r, nil, err
			}
			err = db.Write(ctx, func(tx *store.Tx) error {
				g, err := checker.PermitTx(ctx, tx, access.Request{Actor: a, Action: access.Submit, Resource: "case", Purpose: x.ID, Service: x.ID, Office: x.Office})
				if err != nil {
					return err
				}
				c, fresh, err := h.cases.Open(ctx, tx, g, casefile.Opening{Service: x.ID, Version: x.Version, Office: x.Office, Person: "p1", PersonName: s.Person.GivenNames + " " + s.Person.FamilyName,
					Client: a.ID, Channel: "api", Lang: s.Lang, Origin: s.Origin, Application: application})
				if fresh {
					tx.AfterCommit(func() { h.mu.Lock(); h.opened++; h.mu.Unlock() })
				}
				r = api.Receipt{CaseID: c.ID, Number: c.Ref, At: c.OpenedAt, Hash: "h-" + c.ID}
				return err
			})
			return r, nil, err
		},
		Complete: func(ctx context.Context, a access.Actor, id string, revision int64, answers map[string]any, _ string) ([]api.FieldProblem, error) {
			return nil, db.Write(ctx, func(tx *store.Tx) error {
				g, err := checker.PermitTx(ctx, tx, access.Request{Actor: a, Action: access.Decide, Resource: "task", Purpose: "test", Office: a.Office})
				if err != nil {
					return err
				}
				_, err = h.engine.Complete(ctx, tx, g, id, revision, answers)
				return err
			})
		},
		More: []func(api.Room){func(r api.Room) { hooks.Operations(r.API, r.Caller, r.Fail) }},
	})
	must(err)
	server := httptest.NewServer(h.api)
	t.Cleanup(server.Close)
	h.url = server.URL
	return h
}

type answer struct {
	status int
	header http.Header
	body   string
	data   map[string]any
}

func (h *house) call(token, method, path, body string, header ...string) answer {
	h.t.Helper()
	req, err := http.NewRequest(method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Error(err)
		return answer{}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Error(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(b)}
	json.Unmarshal(b, &a.data)
	return a
}

const erika = `{"service":"resident-parking","lang":"de","person":{"givenNames":"Erika","familyName":"Mustermann","birthDate":"1990-01-31"},"answers":{"zone":"%s"}}`

func application(zone string) string {
	return strings.Replace(fmt.Sprintf(erika, zone), "resident-parking", serviceID, 1)
}

// serviceID is any service of the house.
var serviceID = func() string {
	folders, _ := os.ReadDir("../../content/services")
	for _, f := range folders {
		if strings.Contains(f.Name(), "parking") {
			return f.Name()
		}
	}
	return "none"
}()

func TestASubmissionHappensOnce(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := open(t, db, 0)
		first := h.call("kfz", "POST", "/api/v1/cases", application("A"), "Idempotency-Key", "k1")
		if first.status != 201 || first.data["caseId"] == nil || first.data["number"] == "" || first.data["receivedAt"] == nil || first.data["hash"] != "h-"+fmt.Sprint(first.data["caseId"]) || first.header.Get("Location") != "/api/v1/cases/"+fmt.Sprint(first.data["caseId"]) {
			t.Fatalf("%d %s", first.status, first.body)
		}
		again := h.call("kfz", "POST", "/api/v1/cases", application("A"), "Idempotency-Key", "k1")
		if again.status != 201 || again.body != first.body || again.header.Get("Idempotency-Replayed") != "true" || again.header.Get("Location") != first.header.Get("Location") {
			t.Errorf("again: %d %s", again.status, again.body)
		}
		if other := h.call("kfz", "POST", "/api/v1/cases", application("B"), "Idempotency-Key", "k1"); other.status != 422 || other.data["type"] != "urn:mercator:fault:invalid" {
			t.Errorf("another request with the key: %d %s", other.status, other.body)
		}
		if other := h.call("other", "POST", "/api/v1/cases", application("A"), "Idempotency-Key", "k1"); other.status != 201 || other.data["caseId"] == first.data["caseId"] {
			t.Errorf("another client's key: %d %s", other.status, other.body)
		}
		if r := h.call("kfz", "POST", "/api/v1/cases", application("A")); r.status != 422 {
			t.Errorf("without a key: %d %s", r.status, r.body)
		}
		if r := h.call("kfz", "POST", "/api/v1/cases", application("A"), "Idempotency-Key", "with space"); r.status != 422 {
			t.Errorf("a bad key: %d %s", r.status, r.body)
		}
		// A failure is not kept: the key may be tried again.
		if r := h.call("kfz", "POST", "/api/v1/cases", application("broken"), "Idempotency-Key", "k2"); r.status != 500 || strings.Contains(r.body, "Erika") {
			t.Errorf("broken: %d %s", r.status, r.body)
		}
		if r := h.call("kfz", "POST", "/api/v1/cases", application("A"), "Idempotency-Key", "k2"); r.status != 201 {
			t.Errorf("after a failure: %d %s", r.status, r.body)
		}
		// Many at the same time: one case.
		before := h.opened
		h.slow = make(chan struct{})
		var wg sync.WaitGroup
		got := make(chan answer, 20)
		for range 20 {
			wg.Go(func() {
				got <- h.call("kfz", "POST", "/api/v1/cases", application("A"), "Idempotency-Key", "k3")
			})
		}
		busy := 0
		for range 19 {
			if (<-got).status == 409 {
				busy++
			}
		}
		close(h.slow)
		wg.Wait()
		if last := <-got; last.status != 201 || busy != 19 || h.opened != before+1 {
			t.Errorf("%d, %d were told to wait, %d cases", last.status, busy, h.opened-before)
		}
		h.slow = nil
		// Answers are sealed.
		var kept int
		if err := db.QueryRow(context.Background(), "SELECT COUNT(*) FROM api_idempotency WHERE answer <> '' AND state = 'done'").Scan(&kept); err != nil || kept != 4 {
			t.Errorf("%d answers are kept, %v", kept, err)
		}
	})
}

func TestCasesAreTheClientsOwn(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := open(t, db, 0)
		ids := map[string]bool{}
		for i := range 5 {
			r := h.call("kfz", "POST", "/api/v1/cases", application("A"), "Idempotency-Key", fmt.Sprint("k", i))
			ids[fmt.Sprint(r.data["caseId"])] = true
		}
		seen, after := map[string]bool{}, ""
		for pages := 0; pages < 5; pages++ {
			r := h.call("kfz", "GET", "/api/v1/cases?limit=2&after="+after, "")
			items, _ := r.data["items"].([]any)
			for _, x := range items {
				id := fmt.Sprint(x.(map[string]any)["id"])
				if seen[id] || !ids[id] {
					t.Errorf("%s comes twice or isn't ours", id)
				}
				seen[id] = true
			}
			if after, _ = r.data["next"].(string); after == "" {
				break
			}
		}
		if len(seen) != 5 {
			t.Errorf("%d cases of 5", len(seen))
		}
		var id string
		for id = range ids {
			break
		}
		r := h.call("kfz", "GET", "/api/v1/cases/"+id, "")
		if r.status != 200 || r.data["applicant"] != "Erika Mustermann" || r.data["application"].(map[string]any)["zone"] != "A" || r.data["state"] != "open" {
			t.Errorf("%d %s", r.status, r.body)
		}
		if r := h.call("kfz", "GET", "/api/v1/cases/"+id+"/events", ""); r.status != 200 || len(r.data["items"].([]any)) == 0 {
			t.Errorf("%d %s", r.status, r.body)
		}
		foreign := h.call("other", "GET", "/api/v1/cases/"+id, "")
		missing := h.call("other", "GET", "/api/v1/cases/0190b2a0-0000-7000-8000-000000000000", "")
		if foreign.status != 404 || foreign.body != missing.body {
			t.Errorf("somebody else's case: %d %s, one that isn't there: %s", foreign.status, foreign.body, missing.body)
		}
		if r := h.call("other", "GET", "/api/v1/cases", ""); r.status != 200 || len(r.data["items"].([]any)) != 0 {
			t.Errorf("somebody else's list: %s", r.body)
		}
		// Every look is on record.
		var n int
		if err := db.QueryRow(context.Background(), "SELECT COUNT(*) FROM audit_entry WHERE actor_id = 'kfz' AND door = 'api'").Scan(&n); err != nil || n < 5 {
			t.Errorf("%d entries in the ledger, %v", n, err)
		}
	})
}

// TestNobodyActsForAnotherOverTheInterface: a caller who brings a mandate gets nothing, where the same caller without one does.
func TestNobodyActsForAnotherOverTheInterface(t *testing.T) {
	h := open(t, storetest.SQLite(t, rooms()), 0)
	for _, c := range []struct{ who, without, method, path, body string }{
		{"acting", "kfz", "GET", "/api/v1/cases", ""},
		{"acting", "kfz", "POST", "/api/v1/cases", application("A")},
		{"deputy", "clerk", "GET", "/api/v1/tasks", ""},
	} {
		opened := h.opened
		if r := h.call(c.who, c.method, c.path, c.body, "Idempotency-Key", "acting"); r.status != 403 || h.opened != opened {
			t.Errorf("%s %s as %s: %d %s", c.method, c.path, c.who, r.status, r.body)
		}
		if r := h.call(c.without, c.method, c.path, c.body, "Idempotency-Key", "without"); r.status >= 300 {
			t.Errorf("%s %s as %s: %d %s", c.method, c.path, c.without, r.status, r.body)
		}
	}
}

func TestBadRequestsGetAProblemAndChangeNothing(t *testing.T) {
	db := storetest.SQLite(t, rooms())
	h := open(t, db, 0)
	for _, c := range []struct {
		name, token, method, path, body string
		header                          []string
		status                          int
	}{
		{"nobody", "", "GET", "/api/v1/cases", "", nil, 401},
		{"a forged token", "forged", "GET", "/api/v1/cases", "", nil, 401},
		{"a forged token on a public operation", "forged", "GET", "/api/v1/services", "", nil, 401},
		{"a scope that is missing", "reader", "POST", "/api/v1/cases", application("A"), []string{"Idempotency-Key", "a"}, 403},
		{"a scope that is missing for webhooks", "reader", "GET", "/api/v1/webhooks", "", nil, 403},
		{"no such path", "kfz", "GET", "/api/v1/nothing", "", nil, 404},
		{"no such version", "kfz", "GET", "/api/v2/cases", "", nil, 404},
		{"no such case", "kfz", "GET", "/api/v1/cases/../../etc/passwd", "", nil, 404},
		{"an id that is none", "kfz", "GET", "/api/v1/cases/'%20OR%201=1", "", nil, 404},
		{"an unknown parameter", "kfz", "GET", "/api/v1/cases?offset=3", "", nil, 422},
		{"a forged place", "kfz", "GET", "/api/v1/cases?after=AAAA", "", nil, 422},
		{"too many at once", "kfz", "GET", "/api/v1/cases?limit=1000000", "", nil, 422},
		{"half a document", "kfz", "POST", "/api/v1/cases", `{"service":`, []string{"Idempotency-Key", "b"}, 400},
		{"nothing", "kfz", "POST", "/api/v1/cases", "", []string{"Idempotency-Key", "c"}, 400},
		{"a field too many", "kfz", "POST", "/api/v1/cases", strings.Replace(application("A"), `"lang"`, `"admin":true,"lang"`, 1), []string{"Idempotency-Key", "d"}, 422},
		{"a field of the wrong kind", "kfz", "POST", "/api/v1/cases", strings.Replace(application("A"), `"Erika"`, `7`, 1), []string{"Idempotency-Key", "e"}, 422},
		{"a date that is none", "kfz", "POST", "/api/v1/cases", strings.Replace(application("A"), `1990-01-31`, `1990-02-31`, 1), []string{"Idempotency-Key", "f"}, 422},
		{"another language of media", "kfz", "POST", "/api/v1/cases", "<a/>", []string{"Idempotency-Key", "g", "Content-Type", "text/xml"}, 415},
		{"too large", "kfz", "POST", "/api/v1/cases", `{"x":"` + strings.Repeat("a", 2<<20) + `"}`, []string{"Idempotency-Key", "h"}, 413},
		{"too large without a key", "kfz", "POST", "/api/v1/services/" + serviceID + "/fee-evaluations", `{"x":"` + strings.Repeat("a", 2<<20) + `"}`, nil, 413},
		{"an unknown service", "kfz", "POST", "/api/v1/cases", strings.Replace(application("A"), serviceID, "nothing", 1), []string{"Idempotency-Key", "i"}, 404},
		{"an inner address for a webhook", "kfz", "POST", "/api/v1/webhooks", `{"url":"https://169.254.169.254/","types":["eu.mercator."]}`, nil, 422},
	} {
		r := h.call(c.token, c.method, c.path, c.body, c.header...)
		if r.status != c.status || r.header.Get("Content-Type") != "application/problem+json" || r.data["status"] != float64(c.status) || r.data["title"] == nil {
			t.Errorf("%s: %d, want %d: %s %.300s", c.name, r.status, c.status, r.header.Get("Content-Type"), r.body)
		}
		if r.header.Get("API-Version") == "" {
			t.Errorf("%s: no API-Version", c.name)
		}
		if c.status == 401 && r.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: no WWW-Authenticate", c.name)
		}
	}
	if h.opened != 0 {
		t.Errorf("%d cases were opened", h.opened)
	}
	r := h.call("kfz", "POST", "/api/v1/cases", application("wrong"), "Idempotency-Key", "z")
	if r.status != 422 || !strings.Contains(r.body, "body.answers.zone") || !strings.Contains(r.body, "There is no such zone.") {
		t.Errorf("wrong answers: %d %s", r.status, r.body)
	}
	r = h.call("kfz", "GET", "/api/v1/cases?after=AAAA", "", "Accept-Language", "tr")
	if !strings.Contains(fmt.Sprint(r.data["detail"]), "next değerini") {
		t.Errorf("not in Turkish: %s", r.body)
	}
}

func TestAClientHasALimit(t *testing.T) {
	db := storetest.SQLite(t, rooms())
	h := open(t, db, 20)
	codes := map[int]int{}
	for range 10 {
		codes[h.call("kfz", "GET", "/api/v1/cases", "").status]++
	}
	if codes[200] < 2 || codes[429] < 5 {
		t.Errorf("%v", codes)
	}
	if r := h.call("other", "GET", "/api/v1/cases", ""); r.status != 200 {
		t.Errorf("another client: %d", r.status)
	}
}

func TestServicesFeesAndCodesAreOpenToAll(t *testing.T) {
	db := storetest.SQLite(t, rooms())
	h := open(t, db, 0)
	if r := h.call("", "GET", "/api/v1/services", ""); r.status != 200 || len(r.data["items"].([]any)) < 2 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	r := h.call("", "GET", "/api/v1/services/"+serviceID, "", "Accept-Language", "en")
	form, _ := r.data["form"].(map[string]any)
	if r.status != 200 || form["components"] == nil || r.data["title"] == "" || len(r.data["fees"].([]any)) == 0 {
		t.Errorf("%d %.300s", r.status, r.body)
	}
	fee := h.call("", "POST", "/api/v1/services/"+serviceID+"/fee-evaluations", `{"answers":{"months":12}}`)
	if cents, _ := fee.data["cents"].(float64); fee.status != 200 || cents <= 0 {
		t.Errorf("%d %s", fee.status, fee.body)
	}
	if r := h.call("", "GET", "/api/v1/verifications/GOOD", ""); r.status != 200 || r.data["validity"] != "valid" || r.data["validUntil"] != "2026-12-31" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := h.call("", "GET", "/api/v1/verifications/BAD", ""); r.status != 200 || r.data["validity"] != "unknown" {
		t.Errorf("%d %s", r.status, r.body)
	}
}

const model = `<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0">
<bpmn:process id="p" isExecutable="true"><bpmn:startEvent id="start"/>
<bpmn:userTask id="review" name="Prüfen"><bpmn:extensionElements><zeebe:userTask/><zeebe:assignmentDefinition candidateGroups="office:32"/></bpmn:extensionElements></bpmn:userTask>
<bpmn:endEvent id="end"/><bpmn:sequenceFlow id="a" sourceRef="start" targetRef="review"/><bpmn:sequenceFlow id="b" sourceRef="review" targetRef="end"/></bpmn:process></bpmn:definitions>`

func TestTasksAreClaimedAndCompleted(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := open(t, db, 0)
		ctx := context.Background()
		def, err := bpmn.Parse("p.bpmn", []byte(model))
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Write(ctx, func(tx *store.Tx) error {
			_, err := h.engine.Start(ctx, tx, def, process.StartParams{CaseID: "c1", CaseRef: "2026-AAAA-BBBB", Label: "Erika", Service: serviceID, Version: "1", Office: "32"})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		r := h.call("clerk", "GET", "/api/v1/tasks?filter=free", "")
		items, _ := r.data["items"].([]any)
		if r.status != 200 || len(items) != 1 {
			t.Fatalf("%d %s", r.status, r.body)
		}
		id := fmt.Sprint(items[0].(map[string]any)["id"])
		path := "/api/v1/tasks/" + id
		if r := h.call("office", "GET", path, ""); r.status != 404 {
			t.Errorf("another office: %d %s", r.status, r.body)
		}
		if r := h.call("office", "POST", path+"/claim", ""); r.status != 404 {
			t.Errorf("another office: %d %s", r.status, r.body)
		}
		claimed := h.call("clerk", "POST", path+"/claim", "", "Idempotency-Key", "x")
		if claimed.status != 200 || claimed.data["assignee"] != "S. Eins" {
			t.Fatalf("%d %s", claimed.status, claimed.body)
		}
		if r := h.call("clerk", "POST", path+"/completion", `{"revision":99,"answers":{}}`); r.status != 409 {
			t.Errorf("an old revision: %d %s", r.status, r.body)
		}
		body := fmt.Sprintf(`{"revision":%v,"answers":{"outcome":"granted"}}`, claimed.data["revision"])
		if r := h.call("clerk", "POST", path+"/completion", body, "Idempotency-Key", "y"); r.status != 204 {
			t.Errorf("%d %s", r.status, r.body)
		}
		if r := h.call("clerk", "POST", path+"/completion", body, "Idempotency-Key", "y"); r.status != 204 || r.header.Get("Idempotency-Replayed") == "" {
			t.Errorf("again: %d %s", r.status, r.body)
		}
		if r := h.call("clerk", "GET", "/api/v1/tasks", ""); len(r.data["items"].([]any)) != 0 {
			t.Errorf("still there: %s", r.body)
		}
	})
}

func TestWebhooksAtTheAPI(t *testing.T) {
	db := storetest.SQLite(t, rooms())
	h := open(t, db, 0)
	r := h.call("kfz", "POST", "/api/v1/webhooks", `{"url":"https://example.org/hook","types":["eu.mercator.case."]}`, "Idempotency-Key", "w")
	if r.status != 201 || !strings.HasPrefix(fmt.Sprint(r.data["secret"]), "whsec_") {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if again := h.call("kfz", "POST", "/api/v1/webhooks", `{"url":"https://example.org/hook","types":["eu.mercator.case."]}`, "Idempotency-Key", "w"); again.body != r.body {
		t.Errorf("again: %s", again.body)
	}
	path := r.header.Get("Location")
	if r := h.call("kfz", "PATCH", path, `{"active":false}`); r.status != 200 || r.data["state"] != "paused" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := h.call("kfz", "GET", "/api/v1/webhooks", ""); r.status != 200 || len(r.data["items"].([]any)) != 1 || strings.Contains(r.body, "whsec_") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := h.call("kfz", "GET", path+"/deliveries", ""); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if rotated := h.call("kfz", "POST", path+"/secret", ""); rotated.status != 200 || rotated.data["secret"] == r.data["secret"] {
		t.Errorf("%d %s", rotated.status, rotated.body)
	}
	if r := h.call("other", "DELETE", path, ""); r.status != 404 {
		t.Errorf("somebody else: %d", r.status)
	}
	if r := h.call("kfz", "DELETE", path, ""); r.status != 204 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// The rules of the Dutch government for APIs (Logius API Design Rules 2), which can be
// read off the document; there is no German set.
func TestTheDocumentKeepsTheDesignRules(t *testing.T) {
	db := storetest.SQLite(t, rooms())
	h := open(t, db, 0)
	r := h.call("", "GET", "/api/openapi.json", "")
	if r.status != 200 || !strings.HasPrefix(fmt.Sprint(r.data["openapi"]), "3.1") {
		t.Fatalf("%d %.200s", r.status, r.body)
	}
	if bytes.Contains([]byte(r.body), []byte("$schema")) {
		t.Error("answers would carry $schema")
	}
	info := r.data["info"].(map[string]any)
	contact := info["contact"].(map[string]any)
	for _, k := range []string{"name", "url", "email"} {
		if contact[k] == nil {
			t.Errorf("contact without %s", k)
		}
	}
	if !regexp.MustCompile(`^\d+\.\d+\.\d+$`).MatchString(fmt.Sprint(info["version"])) {
		t.Errorf("version %v", info["version"])
	}
	server := fmt.Sprint(r.data["servers"].([]any)[0].(map[string]any)["url"])
	if !strings.HasSuffix(server, "/v1") || !strings.HasPrefix(server, "https://") {
		t.Errorf("server %s", server)
	}
	scheme := r.data["components"].(map[string]any)["securitySchemes"].(map[string]any)["oauth2"].(map[string]any)
	if scheme["openIdConnectUrl"] != "https://id.duisburg.example/.well-known/openid-configuration" || !strings.Contains(fmt.Sprint(scheme["description"]), "cases:submit") {
		t.Errorf("%v", scheme)
	}
	kebab := regexp.MustCompile(`^(/([a-z0-9-]+([:.][a-z]+)?|\{[a-z][A-Za-z0-9]*\}))+$`)
	camel := regexp.MustCompile(`^[a-z][A-Za-z0-9]*$`)
	operations := map[string]bool{}
	for path, item := range r.data["paths"].(map[string]any) {
		if !kebab.MatchString(path) {
			t.Errorf("path %s", path)
		}
		for method, x := range item.(map[string]any) {
			op := x.(map[string]any)
			name := fmt.Sprint(op["operationId"])
			if operations[name] || op["summary"] == nil {
				t.Errorf("%s %s: operationId %s twice or no summary", method, path, name)
			}
			operations[name] = true
			declared := map[string]bool{}
			for _, p := range asList(op["parameters"]) {
				p := p.(map[string]any)
				declared[fmt.Sprint(p["in"], " ", p["name"])] = true
				if p["in"] == "query" && !camel.MatchString(fmt.Sprint(p["name"])) {
					t.Errorf("%s: parameter %v", name, p["name"])
				}
			}
			for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
				if !declared["path "+m[1]] {
					t.Errorf("%s: the parameter %s isn't described", name, m[1])
				}
			}
			if method == "post" && op["security"] != nil && !declared["header Idempotency-Key"] {
				t.Errorf("%s: no Idempotency-Key", name)
			}
			for code, x := range op["responses"].(map[string]any) {
				resp := x.(map[string]any)
				headers, _ := resp["headers"].(map[string]any)
				if headers["API-Version"] == nil {
					t.Errorf("%s %s: no API-Version header", name, code)
				}
				content, _ := resp["content"].(map[string]any)
				if (code[0] == '4' || code[0] == '5') && content["application/problem+json"] == nil {
					t.Errorf("%s %s: not a problem document", name, code)
				}
			}
			// What needs a token says that it may be refused.
			if op["security"] != nil {
				for _, code := range []string{"400", "401", "403", "429"} {
					if op["responses"].(map[string]any)[code] == nil {
						t.Errorf("%s: %s isn't described", name, code)
					}
				}
			}
		}
	}
	for name, x := range r.data["components"].(map[string]any)["schemas"].(map[string]any) {
		if !regexp.MustCompile(`^[A-Z][A-Za-z0-9]*$`).MatchString(name) {
			t.Errorf("schema %s", name)
		}
		properties, _ := x.(map[string]any)["properties"].(map[string]any)
		for p := range properties {
			if !camel.MatchString(p) {
				t.Errorf("schema %s: property %s", name, p)
			}
		}
	}
	for _, name := range []string{"submit-application", "list-cases", "get-case", "list-case-events", "list-tasks", "claim-task", "complete-task", "verify-document",
		"list-services", "get-service", "evaluate-fee", "create-webhook", "change-webhook", "delete-webhook"} {
		if !operations[name] {
			t.Errorf("no operation %s", name)
		}
	}
	if out := os.Getenv("MERCATOR_OPENAPI_OUT"); out != "" {
		if err := os.WriteFile(out, []byte(r.body), 0o600); err != nil {
			t.Error(err)
		}
	}
}

func asList(v any) []any {
	l, _ := v.([]any)
	return l
}
