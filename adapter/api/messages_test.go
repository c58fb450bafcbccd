// SPDX-License-Identifier: EUPL-1.2

package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
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

const lost = `<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0">
<bpmn:message id="m" name="property.found"/><bpmn:message id="c" name="property.claimed"><bpmn:extensionElements><zeebe:subscription correlationKey="=key"/></bpmn:extensionElements></bpmn:message><bpmn:signal id="s" name="storm"/>
<bpmn:process id="lost" isExecutable="true">
 <bpmn:startEvent id="found"><bpmn:messageEventDefinition messageRef="m"/></bpmn:startEvent>
 <bpmn:startEvent id="alarm"><bpmn:signalEventDefinition signalRef="s"/></bpmn:startEvent>
 <bpmn:startEvent id="high"><bpmn:conditionalEventDefinition><bpmn:condition>=level &gt; 3</bpmn:condition></bpmn:conditionalEventDefinition></bpmn:startEvent>
 <bpmn:receiveTask id="claimed" messageRef="c"/><bpmn:endEvent id="end"/>
 <bpmn:sequenceFlow id="f1" sourceRef="found" targetRef="claimed"/><bpmn:sequenceFlow id="f2" sourceRef="alarm" targetRef="claimed"/>
 <bpmn:sequenceFlow id="f3" sourceRef="high" targetRef="claimed"/><bpmn:sequenceFlow id="f4" sourceRef="claimed" targetRef="end"/>
</bpmn:process></bpmn:definitions>`

func init() {
	sender := func(id, office string, roles ...string) {
		callers[id] = access.Actor{Kind: access.Machine, ID: id, Name: id, Office: office, Roles: roles, Level: access.Substantial}
	}
	sender("tram", "", "messages:write", "message:property.found", "message:property.claimed", "cases:read", "signals:write", "signal:storm", "conditions:write")
	sender("blind", "", "messages:write", "message:property.found")
	sender("elsewhere-m", "21", "messages:write", "message:property.found")
	sender("grants-only", "", "message:property.found", "cases:write", "jobs:work", "signals:write", "conditions:write")
}

// openByEvent opens the case of a process that begins by itself; whose it is the event says.
func (h *house) openByEvent(ctx context.Context, tx *store.Tx, o process.Occasion) (process.StartParams, error) {
	g, err := accesstest.House(h.t, h.db).PermitTx(ctx, tx, access.Request{Actor: access.SystemActor("process"), Action: access.Submit, Resource: "case", Purpose: o.Service, Service: o.Service, Office: o.Office})
	if err != nil {
		return process.StartParams{}, err
	}
	person, _ := o.Vars["person"].(string)
	c, _, err := h.cases.Open(ctx, tx, g, casefile.Opening{Service: o.Service, Version: o.Version, Office: o.Office, Person: person, Client: o.Sender, Channel: casefile.Event, Lang: "de", Origin: o.Origin})
	return process.StartParams{CaseID: c.ID, CaseRef: c.Ref, Label: o.Service, Vars: map[string]any{"key": c.ID}}, err
}

// listen has the service lost begin by itself.
func (h *house) listen() {
	h.t.Helper()
	def, err := bpmn.Parse("lost.bpmn", []byte(lost))
	if err == nil {
		err = h.engine.Deploy(h.t.Context(), []process.Deployment{{Service: "lost", Version: "v1", Office: "32", Def: def, Process: "lost"}})
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

func TestMessages(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := open(t, db, 0)
		h.listen()
		const path = "/api/v1/messages"
		is := func(what string, a answer, status int, want string) {
			t.Helper()
			if got := fmt.Sprint(a.data["outcome"]); a.status != status || status == 200 && got != want {
				t.Errorf("%s: %d %s, want %d %s", what, a.status, a.body, status, want)
			}
		}
		// Who may.
		for token, want := range map[string]int{"": 401, "kfz": 403, "clerk": 403, "printer": 403, "grants-only": 403} {
			is(token, h.call(token, "POST", path, `{"name":"property.found"}`), want, "")
		}
		is("a name that wasn't granted", h.call("blind", "POST", path, `{"name":"payment.paid","key":"x"}`), 403, "")
		if a := h.call("blind", "POST", path, `{"name":"payment.paid"}`); !strings.Contains(a.body, "payment.paid") {
			t.Errorf("it doesn't say what isn't granted: %s", a.body)
		}

		// It begins a case, of which only who may read cases is told.
		a := h.call("tram", "POST", path, fmt.Sprintf(`{"name":"property.found","key":"k1","variables":{"thing":"bag","person":%q}}`, accesstest.Anna().ID))
		is("the first", a, 200, "begun")
		id := fmt.Sprint(a.data["caseId"])
		if c := h.call("tram", "GET", "/api/v1/cases/"+id, ""); c.status != 200 || c.data["ref"] != a.data["ref"] || c.data["channel"] != "event" {
			t.Errorf("its case: %d %s", c.status, c.body)
		}
		blind := h.call("blind", "POST", path, `{"name":"property.found"}`)
		if is("without a key", blind, 200, "begun"); blind.data["ref"] != nil || blind.data["caseId"] != nil {
			t.Errorf("a client that may not read cases is told %s", blind.body)
		}
		is("the same key while it runs", h.call("tram", "POST", path, `{"name":"property.found","key":"k1","id":"m2"}`), 200, "kept")
		if a := h.call("tram", "POST", path, `{"name":"property.found","key":"k1","id":"m2"}`); a.data["repeated"] != true || a.data["outcome"] != "kept" {
			t.Errorf("the same id: %s", a.body)
		}
		is("not to be kept", h.call("tram", "POST", path, `{"name":"property.found","key":"k1","timeToLiveSeconds":0}`), 200, "unwanted")
		is("another office's service", h.call("elsewhere-m", "POST", path, `{"name":"property.found","key":"k9"}`), 200, "kept")
		is("a case that waits", h.call("tram", "POST", path, fmt.Sprintf(`{"name":"property.claimed","key":%q}`, id)), 200, "taken")
		if v := h.view(id); v.Status != bpmn.Completed || v.Steps[len(v.Steps)-1].ActorID != "tram" {
			t.Errorf("%s by %+v", v.Status, v.Steps[len(v.Steps)-1])
		}
		is("nobody wants it", h.call("tram", "POST", path, `{"name":"property.claimed"}`), 404, "")

		// The person whose case it is finds both.
		checker := accesstest.House(t, db)
		own := accesstest.Grant(t, checker, access.Request{Actor: accesstest.Anna(), Action: access.Read, Resource: "ledger", Owner: accesstest.Anna().ID})
		entries, err := checker.WhoRead(t.Context(), own, "", 10)
		var seen []string
		for _, e := range entries {
			if e.ActorID == "tram" && e.Case == id && e.Action == "change" {
				seen = append(seen, e.Resource)
			}
		}
		if err != nil || fmt.Sprint(seen) != "[event:message:property.claimed event:message:property.found]" {
			t.Errorf("on record: %v %v", seen, err)
		}

		// What is too much or too long is refused.
		for _, body := range []string{`{}`, `{"name":""}`, `{"name":"` + strings.Repeat("x", 201) + `"}`, `{"name":"` + strings.Repeat("ü", 200) + `"}`, `{"name":"property.found","timeToLiveSeconds":-1}`,
			`{"name":"property.found","timeToLiveSeconds":99999999}`, `{"name":"property.found","key":"` + strings.Repeat("ü", 150) + `"}`, `{"name":"property.found","more":1}`,
			`{"name":"\u0000"}`, `{"name":"property.found","key":"a\u0000b"}`, `{"name":"property.found","key":"a","id":"\u0000"}`, `{"name":"property.found","key":"a\nb"}`} {
			is(body[:min(len(body), 60)], h.call("tram", "POST", path, body), 422, "")
		}
		is("too much data", h.call("tram", "POST", path, `{"name":"property.found","variables":{"x":"`+strings.Repeat("x", 300<<10)+`"}}`), 413, "")
	})
}

func TestSignalsAndConditions(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := open(t, db, 0)
		h.listen()
		for _, x := range []struct {
			token, path, body string
			status            int
			want              string
		}{
			{"", "signals", `{"name":"storm"}`, 401, ""},
			{"blind", "signals", `{"name":"storm"}`, 403, ""},
			{"grants-only", "signals", `{"name":"storm"}`, 403, ""}, // the scope, but not the name
			{"tram", "signals", `{"name":"flood"}`, 403, ""},
			{"tram", "signals", `{"name":"storm","variables":{"level":"red"}}`, 200, "map[begins:1 waited:0]"},
			{"blind", "conditions", `{"variables":{"level":5}}`, 403, ""},
			{"tram", "conditions", `{"variables":{"level":5}}`, 200, "map[begins:1]"},
			{"tram", "conditions", `{"variables":{"level":1}}`, 200, "map[begins:0]"},
			{"tram", "conditions", `{}`, 422, ""},
		} {
			a := h.call(x.token, "POST", "/api/v1/"+x.path, x.body)
			delete(a.data, "$schema")
			if a.status != x.status || x.status == 200 && fmt.Sprint(a.data) != x.want {
				t.Errorf("%s %s %s: %d %s", x.token, x.path, x.body, a.status, a.body)
			}
		}
		if err := h.jobs.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := db.QueryRow(t.Context(), "SELECT count(*) FROM casefile_case WHERE channel = 'event'").Scan(&n); err != nil || n != 2 {
			t.Errorf("%d cases, want 2; %v", n, err)
		}
	})
}

// Two programs with one key at once: one case begins.
func TestMessagesAtOnce(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := open(t, db, 0)
		h.listen()
		var wg sync.WaitGroup
		var mu sync.Mutex
		got := map[string]int{}
		for i := range 20 {
			wg.Go(func() {
				a := h.call([]string{"tram", "blind"}[i%2], "POST", "/api/v1/messages", `{"name":"property.found","key":"k"}`)
				mu.Lock()
				got[fmt.Sprint(a.status, a.data["outcome"])]++
				mu.Unlock()
			})
		}
		wg.Wait()
		if fmt.Sprint(got) != "map[200begun:1 200kept:19]" {
			t.Errorf("%v", got)
		}
	})
}

// A program that floods the house is held, and its other work isn't.
func TestAFloodOfMessagesIsHeld(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := open(t, db, 1000)
		h.listen()
		var held atomic.Int64
		var all sync.WaitGroup
		for range 60 { // at once: a slow machine would be given new allowance between them
			all.Go(func() {
				if a := h.call("blind", "POST", "/api/v1/messages", `{"name":"property.found"}`); a.status == 429 {
					if held.Add(1); a.header.Get("Retry-After") == "" {
						t.Error("it doesn't say when to try again")
					}
				}
			})
		}
		all.Wait()
		if held.Load() == 0 {
			t.Error("a flood isn't held")
		}
		if a := h.call("tram", "POST", "/api/v1/messages", `{"name":"property.found"}`); a.status != 200 {
			t.Errorf("another program is held with it: %d", a.status)
		}
	})
}

// The same over NATS.
func TestMessagesOverNATS(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := open(t, db, 0)
		h.listen()
		server, err := bus.StartNATS(bus.NATSConfig{Dir: t.TempDir(), Listen: "127.0.0.1:0", Token: "r", Workers: map[string]string{"tram": "p", "other": "o"}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(server.Close)
		if err := h.api.ServeNATS(server.Conn(), []string{"tram", "other"}); err != nil {
			t.Fatal(err)
		}
		ask := func(user, password, subject, body string) (string, map[string]any) {
			c, err := nats.Connect("nats://"+server.Addr().String(), nats.UserInfo(user, password), nats.CustomInboxPrefix("_INBOX_"+user), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			m := &nats.Msg{Subject: subject, Data: []byte(body), Header: nats.Header{"Authorization": {"Bearer tram"}}}
			a, err := c.RequestMsg(m, 3*time.Second)
			if err != nil {
				return err.Error(), nil
			}
			var data map[string]any
			json.Unmarshal(a.Data, &data)
			return a.Header.Get("Status"), data
		}
		if status, data := ask("tram", "p", "mercator.send.tram.messages", `{"name":"property.found","key":"k"}`); status != "200" || data["outcome"] != "begun" {
			t.Errorf("%s %v", status, data)
		}
		if status, data := ask("tram", "p", "mercator.send.tram.signals", `{"name":"storm"}`); status != "200" || data["begins"] != 1.0 {
			t.Errorf("%s %v", status, data)
		}
		if status, data := ask("tram", "p", "mercator.send.tram.cases", `{}`); status != "404" {
			t.Errorf("another path: %s %v", status, data)
		}
		if status, data := ask("other", "o", "mercator.send.tram.messages", `{"name":"property.found"}`); !strings.Contains(status, "timeout") && !strings.Contains(status, "ermission") {
			t.Errorf("another's subject: %s %v", status, data)
		}
	})
}
