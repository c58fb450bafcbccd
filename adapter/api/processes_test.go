// SPDX-License-Identifier: EUPL-1.2

package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"mercator/core/access"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/process"
	"mercator/lang/bpmn"
)

func TestProcesses(t *testing.T) {
	callers["operations"] = access.Actor{Kind: access.Machine, ID: "operations", Name: "operations", Roles: []string{"processes:write"}, Level: access.Substantial}
	callers["watcher"] = access.Actor{Kind: access.Machine, ID: "watcher", Name: "watcher", Roles: []string{"processes:read"}, Level: access.Substantial}
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := open(t, db, 0)
		def, err := bpmn.Parse("p.bpmn", []byte(`<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"><bpmn:process id="p" isExecutable="true">
<bpmn:startEvent id="s"/><bpmn:userTask id="a"/><bpmn:userTask id="b"/><bpmn:endEvent id="e"/>
<bpmn:sequenceFlow id="f1" sourceRef="s" targetRef="a"/><bpmn:sequenceFlow id="f2" sourceRef="a" targetRef="b"/><bpmn:sequenceFlow id="f3" sourceRef="b" targetRef="e"/></bpmn:process></bpmn:definitions>`))
		if err != nil {
			t.Fatal(err)
		}
		var id string
		if err := db.Write(t.Context(), func(tx *store.Tx) error {
			id, err = h.engine.Start(t.Context(), tx, def, process.StartParams{CaseID: "c1", CaseRef: "R1", Label: "A", Service: serviceID, Version: "old", Office: "32", Vars: map[string]any{"x": 1}})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		call := func(token, method, path string, body any, status int) map[string]any {
			t.Helper()
			text := ""
			if body != nil {
				b, err := json.Marshal(body)
				if err != nil {
					t.Fatal(err)
				}
				text = string(b)
			}
			a := h.call(token, method, "/api/v1"+path, text)
			if a.status != status {
				t.Fatalf("%s %s: %d %s, want %d", method, path, a.status, a.body, status)
			}
			return a.data
		}
		seen := call("watcher", http.MethodGet, "/instances/"+id, nil, 200)
		if fmt.Sprint(seen["active"], " ", seen["revision"]) != "[a] 1" || strings.Contains(fmt.Sprint(seen), `"x":1`) {
			t.Fatalf("%v", seen)
		}
		token := seen["tokens"].([]any)[0].(map[string]any)["id"]
		wish := map[string]any{"revision": 1, "reason": "test", "preview": true, "instructions": []any{map[string]any{"do": "move", "token": token, "element": "b"}}}
		call("reader", http.MethodPost, "/instances/"+id+"/modifications", wish, 403)
		call("watcher", http.MethodPost, "/instances/"+id+"/modifications", wish, 403)
		if out := call("operations", http.MethodPost, "/instances/"+id+"/modifications", wish, 200); fmt.Sprint(out["done"], " ", out["after"]) != "false [b]" {
			t.Fatalf("%v", out)
		}
		wish["preview"] = false
		if out := call("operations", http.MethodPost, "/instances/"+id+"/modifications", wish, 200); fmt.Sprint(out["done"], " ", out["after"]) != "true [b]" {
			t.Fatalf("%v", out)
		}
		call("operations", http.MethodPost, "/instances/"+id+"/modifications", wish, 409)
		wish["revision"], wish["instructions"] = 2, []any{map[string]any{"do": "add", "element": "nowhere"}}
		call("operations", http.MethodPost, "/instances/"+id+"/modifications", wish, 422)
		call("operations", http.MethodGet, "/instances/nothing", nil, 404)

		// What it did: the token was moved by hand, by whom isn't told.
		path := "/instances/" + id + "/history"
		call("reader", http.MethodGet, path, nil, 403)
		call("watcher", http.MethodGet, path+"?after=x", nil, 422)
		var told []string
		for next := ""; ; {
			out := call("watcher", http.MethodGet, path+"?limit=2&after="+next, nil, 200)
			for _, x := range out["items"].([]any) {
				x := x.(map[string]any)
				if x["took"] == nil || x["seconds"] == nil || x["began"] == nil {
					t.Errorf("%v", x)
				}
				told = append(told, fmt.Sprint(x["element"], " ", x["state"], " ", x["by"]))
			}
			if out["next"] == nil {
				break
			}
			next = fmt.Sprint(out["next"])
		}
		if fmt.Sprint(told) != "[s done <nil> a cancelled machine b running <nil>]" {
			t.Errorf("%q", told)
		}
		heat := call("watcher", http.MethodGet, "/services/"+serviceID+"/heat", nil, 200)
		if heat["version"] != "old" || heat["cases"] != 1.0 || len(heat["elements"].([]any)) != 3 {
			t.Errorf("%v", heat)
		}
		call("watcher", http.MethodGet, "/services/"+serviceID+"/heat?version=none", nil, 404)
		call("reader", http.MethodGet, "/services/"+serviceID+"/heat", nil, 403)

		running := call("watcher", http.MethodGet, "/services/"+serviceID+"/running", nil, 200)
		if fmt.Sprint(running["items"].([]any)[0].(map[string]any)["version"]) != "old" {
			t.Fatalf("%v", running)
		}
		// The service's own process has other elements: the rehearsal names the problem.
		m := call("operations", http.MethodPost, "/migrations", map[string]any{"service": serviceID, "reason": "test"}, 201)
		if fmt.Sprint(m["state"], " ", m["seen"], " ", m["problems"]) != "rehearsed 1 1" {
			t.Fatalf("%v", m)
		}
		path = "/migrations/" + fmt.Sprint(m["id"])
		call("watcher", http.MethodPost, path+"/run", nil, 403)
		call("operations", http.MethodPost, path+"/undo", nil, 409)
		if m = call("operations", http.MethodPost, path+"/run", nil, 200); m["state"] != "running" {
			t.Fatalf("%v", m)
		}
		if m = call("operations", http.MethodPost, path+"/stop", nil, 200); m["state"] != "done" {
			t.Fatalf("%v", m)
		}
		call("watcher", http.MethodGet, path+"/instances?state=problem", nil, 200)
	})
}
