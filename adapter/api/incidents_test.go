// SPDX-License-Identifier: EUPL-1.2

package api_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"mercator/core/access"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/lang/bpmn"
)

func init() {
	m := func(id, office string, roles ...string) access.Actor {
		return access.Actor{Kind: access.Machine, ID: id, Name: id, Office: office, Roles: roles, Level: access.Substantial}
	}
	callers["monitor"] = m("monitor", "", "incidents:read")
	callers["fixer"] = m("fixer", "", "incidents:write")
	callers["fixer21"] = m("fixer21", "21", "incidents:write")
	callers["fixer32"] = m("fixer32", "32", "incidents:write")
}

func TestIncidents(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		h := open(t, db, 0)
		const many = 7
		for i := range many {
			h.begin(fmt.Sprint("c", i))
		}
		failAll := func(reason string) {
			t.Helper()
			for i, j := range h.take("printer", 100, 0) {
				if got := h.job("printer", j, "failure", fmt.Sprintf(`,"reason":"%s %d","retries":0`, reason, i)); got != 204 {
					t.Fatalf("failure: %d", got)
				}
			}
		}
		failAll("jam in tray")

		for token, want := range map[string]int{"": 401, "printer": 403, "kfz": 403, "clerk": 403, "monitor": 200, "fixer21": 200} {
			if a := h.call(token, "GET", "/api/v1/incident-groups", ""); a.status != want {
				t.Errorf("%q lists groups: %d %s", token, a.status, a.body)
			}
		}
		groups := func(token string) []any {
			t.Helper()
			return h.call(token, "GET", "/api/v1/incident-groups", "").data["items"].([]any)
		}
		if l := groups("fixer21"); len(l) != 0 {
			t.Errorf("another office sees %v", l)
		}
		l := groups("monitor")
		if len(l) != 1 {
			t.Fatalf("%v", l)
		}
		g := l[0].(map[string]any)
		if g["count"] != float64(many) || g["cause"] != "tried … times, the last error: jam in tray …" || g["service"] != "printing" || g["element"] != "print" {
			t.Fatalf("%v", g)
		}
		query := "?" + url.Values{"service": {"printing"}, "element": {"print"}, "cause": {fmt.Sprint(g["cause"])}}.Encode()
		var ids []string
		for next := ""; ; {
			a := h.call("monitor", "GET", "/api/v1/incidents"+query+"&limit=3&after="+next, "")
			if a.status != 200 {
				t.Fatal(a.status, a.body)
			}
			for _, x := range a.data["items"].([]any) {
				ids = append(ids, fmt.Sprint(x.(map[string]any)["id"]))
			}
			if a.data["next"] == nil {
				break
			}
			next = fmt.Sprint(a.data["next"])
		}
		if len(ids) != many {
			t.Fatalf("%d incidents on the pages", len(ids))
		}
		one := h.call("fixer32", "GET", "/api/v1/incidents/"+ids[0], "")
		if one.status != 200 || one.data["reason"] != "tried 1 times, the last error: jam in tray 0" || one.data["ref"] != "c0" || one.data["office"] != "32" {
			t.Errorf("%d %v", one.status, one.data)
		}
		for token, want := range map[string]int{"monitor": 403, "fixer21": 404, "fixer32": 200} {
			if a := h.call(token, "POST", "/api/v1/incidents/"+ids[0]+"/retry", ""); a.status != want {
				t.Errorf("%s retries: %d %s", token, a.status, a.body)
			}
		}
		if a := h.call("fixer", "POST", "/api/v1/incidents/"+ids[0]+"/retry", ""); a.status != 409 {
			t.Errorf("twice: %d", a.status)
		}
		if a := h.call("fixer", "GET", "/api/v1/incidents/"+ids[0], ""); a.data["resolvedBy"] != "fixer32" {
			t.Errorf("%v", a.data)
		}

		// Some, then the whole group.
		for _, body := range []string{`{}`, `{"service":"printing"}`, fmt.Sprintf(`{"service":"printing","element":"print","incidents":[%q]}`, ids[1]), `{"incidents":["x"]}`} {
			if a := h.call("fixer", "POST", "/api/v1/incident-retries", body); a.status != 422 {
				t.Errorf("%s: %d %s", body, a.status, a.body)
			}
		}
		if a := h.call("fixer21", "POST", "/api/v1/incident-retries", `{"service":"printing","element":"print","cause":"tried … times, the last error: jam in tray …"}`); a.status != 409 {
			t.Errorf("another office's group: %d %s", a.status, a.body)
		}
		finish := func(body string) map[string]any {
			t.Helper()
			a := h.call("fixer", "POST", "/api/v1/incident-retries", body)
			if a.status != 202 || a.data["state"] != "running" {
				t.Fatalf("%d %s", a.status, a.body)
			}
			if err := h.jobs.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			return h.call("monitor", "GET", a.header.Get("Location"), "").data
		}
		if b := finish(fmt.Sprintf(`{"incidents":[%q,%q]}`, ids[0], ids[1])); b["state"] != "done" || b["total"] != 2.0 || b["resolved"] != 1.0 || b["gone"] != 1.0 || b["by"] != "fixer" {
			t.Errorf("%v", b)
		}
		if b := finish(fmt.Sprintf(`{"service":"printing","element":"print","cause":%q}`, g["cause"])); b["state"] != "done" || b["total"] != float64(many-2) || b["resolved"] != float64(many-2) {
			t.Errorf("%v", b)
		}
		if l := groups("monitor"); len(l) != 0 {
			t.Errorf("left: %v", l)
		}

		// What is tried again and fails again is a new incident with the new reason.
		failAll("no toner")
		if l := groups("monitor"); len(l) != 1 || !strings.Contains(fmt.Sprint(l[0]), "no toner") || l[0].(map[string]any)["count"] != float64(many) {
			t.Errorf("%v", l)
		}
		v := h.view("c0")
		if s := v.Steps[1]; s.Event != "JobFailed" || s.ActorID != "printer" || v.Steps[2].Event != "Retry" || v.Steps[2].ActorID != "fixer32" || v.Status != bpmn.Running {
			t.Errorf("on record: %+v", v.Steps)
		}
	})
}
