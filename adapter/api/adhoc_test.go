// SPDX-License-Identifier: EUPL-1.2

package api_test

import (
	"fmt"
	"testing"

	"mercator/core/access"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/process"
	"mercator/lang/bpmn"
)

func TestAdHoc(t *testing.T) {
	callers["programme"] = access.Actor{Kind: access.Machine, ID: "programme", Name: "programme", Office: "32", Roles: []string{"tasks:write"}, Level: access.Substantial}
	callers["onlooker"] = access.Actor{Kind: access.Machine, ID: "onlooker", Name: "onlooker", Office: "32", Roles: []string{"tasks:read"}, Level: access.Substantial}
	callers["programme21"] = access.Actor{Kind: access.Machine, ID: "programme21", Name: "programme21", Office: "21", Roles: []string{"tasks:write"}, Level: access.Substantial}
	callers["nowhere"] = access.Actor{Kind: access.Machine, ID: "nowhere", Name: "nowhere", Roles: []string{"tasks:write"}, Level: access.Substantial}
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := open(t, db, 0)
		def, err := bpmn.Parse("p.bpmn", []byte(`<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"><bpmn:process id="p" isExecutable="true">
<bpmn:startEvent id="s"/><bpmn:adHocSubProcess id="hear" name="Opinions"><bpmn:userTask id="fire" name="Fire service"/><bpmn:userTask id="trees" name="Trees"/></bpmn:adHocSubProcess><bpmn:endEvent id="e"/>
<bpmn:sequenceFlow id="f1" sourceRef="s" targetRef="hear"/><bpmn:sequenceFlow id="f2" sourceRef="hear" targetRef="e"/></bpmn:process></bpmn:definitions>`))
		if err != nil {
			t.Fatal(err)
		}
		var id string
		if err := db.Write(t.Context(), func(tx *store.Tx) error {
			id, err = h.engine.Start(t.Context(), tx, def, process.StartParams{CaseID: "c1", CaseRef: "R1", Label: "A", Service: serviceID, Version: "v1", Office: "32"})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		path := "/api/v1/instances/" + id + "/ad-hoc"
		call := func(token, method, path, body string, want int) map[string]any {
			t.Helper()
			a := h.call(token, method, path, body)
			if a.status != want {
				t.Fatalf("%s: %s %s: %d %s, want %d", token, method, path, a.status, a.body, want)
			}
			return a.data
		}
		call("monitor", "GET", path, "", 403)
		call("nowhere", "GET", path, "", 403)
		call("programme", "GET", "/api/v1/instances/nothing/ad-hoc", "", 404)
		if l := call("programme21", "GET", path, "", 200)["items"].([]any); len(l) != 0 {
			t.Errorf("another office sees %v", l)
		}
		x := call("onlooker", "GET", path, "", 200)["items"].([]any)[0].(map[string]any)
		if x["name"] != "Opinions" || x["revision"] != 1.0 || len(x["activities"].([]any)) != 2 {
			t.Fatalf("%v", x)
		}
		at := path + "/" + fmt.Sprint(x["token"])
		fire := `{"revision":1,"elements":["fire"]}`
		call("onlooker", "POST", at+"/activations", fire, 403)
		call("programme21", "POST", at+"/activations", fire, 404)
		call("programme", "POST", at+"/activations", `{"revision":1,"elements":[]}`, 422)
		call("programme", "POST", at+"/activations", `{"revision":1,"elements":["s"]}`, 422)
		call("programme", "POST", at+"/activations", `{"revision":7,"elements":["fire"]}`, 409)
		call("programme", "POST", path+"/t99/activations", fire, 404)
		call("programme", "POST", at+"/activations", fire, 204)
		call("programme", "POST", at+"/conclusion", `{"revision":1}`, 409)
		call("programme21", "POST", at+"/conclusion", `{"revision":2}`, 404)
		call("clerk", "POST", at+"/conclusion", `{"revision":2}`, 204)
		call("clerk", "POST", at+"/conclusion", `{"revision":3}`, 409)
	})
}
