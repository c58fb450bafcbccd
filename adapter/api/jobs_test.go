// SPDX-License-Identifier: EUPL-1.2

package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/bus"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/casefile"
	"mercator/domain/process"
	"mercator/lang/bpmn"
)

const printing = `<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0">
<bpmn:error id="e" errorCode="no-paper"/>
<bpmn:process id="printing" isExecutable="true">
 <bpmn:startEvent id="start"/>
 <bpmn:serviceTask id="print"><bpmn:extensionElements><zeebe:taskDefinition type="external.print" retries="2"/>
  <zeebe:ioMapping><zeebe:input source="=letter" target="text"/><zeebe:output source="=sheets" target="sheets"/></zeebe:ioMapping></bpmn:extensionElements></bpmn:serviceTask>
 <bpmn:boundaryEvent id="empty" attachedToRef="print"><bpmn:errorEventDefinition errorRef="e"/></bpmn:boundaryEvent>
 <bpmn:endEvent id="end"/><bpmn:endEvent id="given_up"/>
 <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="print"/><bpmn:sequenceFlow id="f2" sourceRef="print" targetRef="end"/>
 <bpmn:sequenceFlow id="f3" sourceRef="empty" targetRef="given_up"/>
</bpmn:process></bpmn:definitions>`

func init() {
	worker := func(id, office string, roles ...string) access.Actor {
		return access.Actor{Kind: access.Machine, ID: id, Name: id, Office: office, Roles: append(roles, "jobs:work"), Level: access.Substantial}
	}
	callers["printer"] = worker("printer", "", "job:external.print")
	callers["printer2"] = worker("printer2", "", "job:external.print")
	callers["elsewhere"] = worker("elsewhere", "21", "job:external.print")
	callers["scanner"] = worker("scanner", "", "job:external.scan")
}

// begin begins a case that prints a letter.
func (h *house) begin(caseID string) {
	h.t.Helper()
	def, err := bpmn.Parse("printing.bpmn", []byte(printing))
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.db.Write(h.t.Context(), func(tx *store.Tx) error {
		_, err := h.engine.Start(h.t.Context(), tx, def, process.StartParams{CaseID: caseID, CaseRef: caseID, Label: "Anna", Service: "printing", Version: "v1", Office: "32",
			Vars: map[string]any{"letter": "Sehr geehrte Frau Müller", "income": 1234}, Actor: accesstest.Anna()})
		return err
	}); err != nil {
		h.t.Fatal(err)
	}
}

// take takes at most n jobs.
func (h *house) take(token string, n, wait int) []map[string]any {
	h.t.Helper()
	a := h.call(token, "POST", "/api/v1/jobs/activations", fmt.Sprintf(`{"types":["external.print"],"max":%d,"waitSeconds":%d}`, n, wait))
	if a.status != 200 {
		h.t.Errorf("take: %d %s", a.status, a.body)
		return nil
	}
	var out []map[string]any
	for _, x := range a.data["items"].([]any) {
		out = append(out, x.(map[string]any))
	}
	return out
}

func (h *house) job(token string, j map[string]any, what, more string) int {
	h.t.Helper()
	return h.call(token, "POST", fmt.Sprintf("/api/v1/jobs/%s/%s", j["id"], what), fmt.Sprintf(`{"lock":%q%s}`, j["lock"], more)).status
}

func (h *house) view(caseID string) process.Instance {
	h.t.Helper()
	v, err := h.engine.View(h.t.Context(), caseID)
	if err != nil {
		h.t.Fatal(err)
	}
	return v
}

func TestJobs(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := open(t, db, 0)
		h.begin("c1")
		for token, want := range map[string]int{"scanner": 403, "kfz": 403, "": 401} {
			if a := h.call(token, "POST", "/api/v1/jobs/activations", `{"types":["external.print"]}`); a.status != want {
				t.Errorf("%q takes work: %d %s", token, a.status, a.body)
			}
		}
		if l := h.take("elsewhere", 10, 0); len(l) != 0 {
			t.Errorf("another office is given %v", l)
		}
		l := h.take("printer", 10, 0)
		if len(l) != 1 || len(h.take("printer2", 10, 0)) != 0 {
			t.Fatalf("taken: %v, and again", l)
		}
		j := l[0]
		if fmt.Sprint(j["variables"]) != "map[text:Sehr geehrte Frau Müller]" || j["type"] != "external.print" || j["attempt"] != 1.0 || j["retries"] != 2.0 {
			t.Errorf("given: %v; want only what the input mapping gives", j)
		}
		// The lock is the right to end it.
		if a := h.job("printer2", j, "completion", ""); a != 409 {
			t.Errorf("somebody else ends it: %d", a)
		}
		if a := h.job("printer", map[string]any{"id": j["id"], "lock": "guess"}, "completion", ""); a != 409 {
			t.Errorf("a guessed lock ends it: %d", a)
		}
		if a := h.job("printer", j, "extension", `,"lockSeconds":120`); a != 200 {
			t.Errorf("extension: %d", a)
		}
		if a := h.job("printer", j, "completion", `,"variables":{"sheets":2}`); a != 204 {
			t.Errorf("completion: %d", a)
		}
		if a := h.job("printer", j, "completion", `,"variables":{"sheets":2}`); a != 409 {
			t.Errorf("twice: %d", a)
		}
		if v := h.view("c1"); v.Status != bpmn.Completed || v.Steps[len(v.Steps)-1].ActorID != "printer" {
			t.Errorf("%s by %+v", v.Status, v.Steps)
		}
		if vars, err := h.engine.VarsOf(t.Context(), db, "c1"); err != nil || vars["sheets"] != 2.0 {
			t.Errorf("%v %v", vars, err)
		}

		// It fails, is tried again after a pause, and is an incident in the end.
		h.begin("c2")
		j = h.take("printer", 1, 0)[0]
		if a := h.job("printer", j, "failure", `,"reason":"jam","pauseSeconds":1`); a != 204 {
			t.Errorf("failure: %d", a)
		}
		if l := h.take("printer", 1, 0); len(l) != 0 {
			t.Error("there was no pause")
		}
		l = h.take("printer2", 1, 5)
		if len(l) != 1 || l[0]["attempt"] != 2.0 || l[0]["retries"] != 1.0 {
			t.Fatalf("after the pause: %v", l)
		}
		if a := h.job("printer2", l[0], "failure", `,"reason":"jam again"`); a != 204 {
			t.Errorf("failure: %d", a)
		}
		incidents, err := h.engine.Incidents(t.Context(), "", 10)
		if err != nil || len(incidents) != 1 || incidents[0].Element != "print" || incidents[0].Reason != "tried 2 times, the last error: jam again" {
			t.Fatalf("%v %v", incidents, err)
		}
		if err := db.Write(t.Context(), func(tx *store.Tx) error {
			return h.engine.Retry(t.Context(), tx, accesstest.Clerk("32"), incidents[0].ID)
		}); err != nil {
			t.Fatal(err)
		}
		j = h.take("printer", 1, 0)[0]
		if a := h.job("printer", j, "error", `,"code":"no-paper"`); a != 204 {
			t.Errorf("error: %d", a)
		}
		if v := h.view("c2"); v.Status != bpmn.Completed || v.Done[len(v.Done)-1] != "given_up" {
			t.Errorf("%s %v", v.Status, v.Done)
		}

		// A case that is cancelled takes its work away.
		h.begin("c3")
		j = h.take("printer", 1, 0)[0]
		if err := db.Write(t.Context(), func(tx *store.Tx) error {
			return h.engine.Cancel(t.Context(), tx, "c3", accesstest.Clerk("32"))
		}); err != nil {
			t.Fatal(err)
		}
		if a := h.job("printer", j, "completion", ""); a != 409 {
			t.Errorf("of a cancelled case: %d", a)
		}

		// Who waits is woken; a lock that runs out gives the work to somebody else.
		got := make(chan []map[string]any)
		go func() { got <- h.take("printer", 1, 10) }()
		time.Sleep(50 * time.Millisecond)
		began := time.Now()
		h.begin("c4")
		if l := <-got; len(l) != 1 || time.Since(began) > 5*time.Second {
			t.Errorf("waited for: %v", l)
		}

		// Many cases, many workers: each is done once.
		for i := range 40 {
			h.begin(fmt.Sprint("m", i))
		}
		var mu sync.Mutex
		seen := map[string]int{}
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				for {
					l := h.take([]string{"printer", "printer2"}[w%2], 3, 0)
					if len(l) == 0 {
						return
					}
					for _, j := range l {
						if h.job([]string{"printer", "printer2"}[w%2], j, "completion", "") == 204 {
							mu.Lock()
							seen[fmt.Sprint(j["caseId"])]++
							mu.Unlock()
						}
					}
				}
			})
		}
		wg.Wait()
		for i := range 40 {
			if n := seen[fmt.Sprint("m", i)]; n != 1 {
				t.Errorf("m%d was done %d times", i, n)
			}
		}
	})
}

// A lock that has run out ends nothing, and whoever asks next has the work.
func TestALockRunsOut(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := open(t, db, 0)
		h.begin("c1")
		a := h.call("printer", "POST", "/api/v1/jobs/activations", `{"lockSeconds":1}`)
		j := a.data["items"].([]any)[0].(map[string]any)
		l := h.take("printer2", 1, 5)
		if len(l) != 1 || l[0]["id"] != j["id"] || l[0]["attempt"] != 2.0 {
			t.Fatalf("after the lock: %v", l)
		}
		for _, what := range []string{"completion", "failure", "extension", "error"} {
			more := map[string]string{"failure": `,"reason":"x"`, "extension": `,"lockSeconds":9`, "error": `,"code":"x"`}[what]
			if got := h.job("printer", j, what, more); got != 409 {
				t.Errorf("%s with a lost lock: %d", what, got)
			}
		}
		if got := h.job("printer2", l[0], "completion", ""); got != 204 {
			t.Errorf("completion: %d", got)
		}
	})
}

// The same over NATS: with the same rights, at one's own subjects and inbox only.
func TestJobsOverNATS(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := open(t, db, 0)
		server, err := bus.StartNATS(bus.NATSConfig{Dir: t.TempDir(), Listen: "127.0.0.1:0", Token: "r", Workers: map[string]string{"printer": "p", "other": "o"}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(server.Close)
		if err := h.api.ServeNATS(server.Conn(), []string{"printer", "other"}); err != nil {
			t.Fatal(err)
		}
		connect := func(user, password, inbox string) *nats.Conn {
			c, err := nats.Connect("nats://"+server.Addr().String(), nats.UserInfo(user, password), nats.CustomInboxPrefix(inbox), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(c.Close)
			return c
		}
		ask := func(c *nats.Conn, token, subject, body string) (string, map[string]any) {
			m := &nats.Msg{Subject: subject, Data: []byte(body), Header: nats.Header{}}
			if token != "" {
				m.Header.Set("Authorization", "Bearer "+token)
			}
			a, err := c.RequestMsg(m, 3*time.Second)
			if err != nil {
				return err.Error(), nil
			}
			var data map[string]any
			json.Unmarshal(a.Data, &data)
			return a.Header.Get("Status"), data
		}
		c := connect("printer", "p", "_INBOX_printer")
		h.begin("c1")
		for token, want := range map[string]string{"": "401", "nobody": "401", "scanner": "403"} {
			if got, data := ask(c, token, "mercator.jobs.printer.activations", `{"types":["external.print"]}`); got != want {
				t.Errorf("%q: %s %v", token, got, data)
			}
		}
		status, data := ask(c, "printer", "mercator.jobs.printer.activations", `{"waitSeconds":1}`)
		if status != "200" || len(data["items"].([]any)) != 1 {
			t.Fatalf("%s %v", status, data)
		}
		j := data["items"].([]any)[0].(map[string]any)
		if status, data := ask(c, "printer", fmt.Sprintf("mercator.jobs.printer.%s.completion", j["id"]), fmt.Sprintf(`{"lock":%q}`, j["lock"])); status != "204" {
			t.Errorf("%s %v", status, data)
		}
		if v := h.view("c1"); v.Status != bpmn.Completed {
			t.Error(v.Status)
		}
		// Nobody speaks at another's subject, hears at another's inbox, or has an answer sent elsewhere.
		o := connect("other", "o", "_INBOX_other")
		if status, _ := ask(o, "printer", "mercator.jobs.printer.activations", `{}`); !strings.Contains(status, "timeout") && !strings.Contains(status, "ermission") {
			t.Errorf("another's subject: %s", status)
		}
		heard, err := o.SubscribeSync("_INBOX_printer.>")
		if err == nil {
			o.Flush()
			ask(c, "printer", "mercator.jobs.printer.activations", `{}`)
			if m, err := heard.NextMsg(200 * time.Millisecond); err == nil {
				t.Errorf("another hears %s", m.Data)
			}
		}
		spy, err := server.Conn().SubscribeSync("mercator.events.>")
		if err != nil {
			t.Fatal(err)
		}
		c.PublishRequest("mercator.jobs.printer.activations", "mercator.events.false", []byte(`{}`))
		c.Flush()
		if m, err := spy.NextMsg(300 * time.Millisecond); err == nil {
			t.Errorf("an answer became an event: %s", m.Data)
		}
	})
}

// Which variables a program was given of a case, the person whose case it is can read.
func TestWhatAProgramIsGivenIsOnRecord(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := open(t, db, 0)
		checker := accesstest.House(t, db)
		var c casefile.Case
		if err := db.Write(t.Context(), func(tx *store.Tx) error {
			g, err := checker.PermitTx(t.Context(), tx, access.Request{Actor: accesstest.Anna(), Action: access.Submit, Resource: "case", Purpose: "printing", Owner: accesstest.Anna().ID})
			if err != nil {
				return err
			}
			c, _, err = h.cases.Open(t.Context(), tx, g, casefile.Opening{Service: "printing", Version: "v1", Office: "32", Person: accesstest.Anna().ID, PersonName: "Anna", Channel: "web", Lang: "de",
				Origin: "o1", Application: []byte(`{}`)})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		h.begin(c.ID)
		if l := h.take("printer", 1, 0); len(l) != 1 {
			t.Fatalf("%v", l)
		}
		own := accesstest.Grant(t, checker, access.Request{Actor: accesstest.Anna(), Action: access.Read, Resource: "ledger", Owner: accesstest.Anna().ID})
		entries, err := checker.WhoRead(t.Context(), own, "", 10)
		if err != nil || len(entries) != 1 || entries[0].ActorID != "printer" || entries[0].Resource != "job:external.print" || entries[0].Case != c.ID || fmt.Sprint(entries[0].Fields) != "[text]" {
			t.Errorf("%+v %v", entries, err)
		}
	})
}

func TestJobTypes(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := open(t, db, 0)
		h.begin("c1")
		h.begin("c2")
		h.take("printer", 1, 0)
		for token, want := range map[string]int{"": 401, "reader": 403, "kfz": 403, "monitor": 200, "printer": 200, "scanner": 200, "fixer21": 200} {
			if a := h.call(token, "GET", "/api/v1/jobs/types", ""); a.status != want {
				t.Errorf("%q: %d %s", token, a.status, a.body)
			}
		}
		first := func(token string) map[string]any {
			t.Helper()
			l := h.call(token, "GET", "/api/v1/jobs/types", "").data["items"].([]any)
			if len(l) != 1 {
				t.Fatalf("%s sees %v", token, l)
			}
			return l[0].(map[string]any)
		}
		x := first("monitor")
		if x["type"] != "external.print" || x["waiting"] != 1.0 || x["locked"] != 1.0 || x["oldest"] == nil || !strings.Contains(fmt.Sprint(x["clients"]), "printer") || !strings.Contains(fmt.Sprint(x["holders"]), "printer") {
			t.Errorf("%v", x)
		}
		if x = first("printer2"); x["waiting"] != 1.0 || x["clients"] != nil || x["holders"] != nil {
			t.Errorf("%v", x)
		}
		if x = first("elsewhere"); x["waiting"] != 0.0 || x["locked"] != 0.0 {
			t.Errorf("another office sees %v", x)
		}
		if l := h.call("fixer21", "GET", "/api/v1/jobs/types", "").data["items"].([]any); len(l) != 1 || l[0].(map[string]any)["waiting"] != 0.0 {
			t.Errorf("the operators of another office see %v", l) // a program for all offices has come
		}
		if x = first("scanner"); x["type"] != "external.scan" {
			t.Errorf("%v", x)
		}
	})
}
