// SPDX-License-Identifier: EUPL-1.2

package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"mercator/adapter/api"
	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/core/vault"
	"mercator/core/vault/vaulttest"
	"mercator/domain/casefile"
	"mercator/domain/register"
	"mercator/domain/register/registertest"
)

// programs are callers by token.
var programs = map[string]access.Actor{
	"keeper": {Kind: access.Machine, ID: "keeper", Name: "keeper", Office: "36", Roles: []string{"registers:read", "registers:write", "register:vehicles", "register:parking_zones"}},
	"reader": {Kind: access.Machine, ID: "reader", Name: "reader", Roles: []string{"registers:read", "register:vehicles", "register:residents"}},
	"narrow": {Kind: access.Machine, ID: "narrow", Name: "narrow", Roles: []string{"registers:read", "register:parking_zones"}},
	"writer": {Kind: access.Machine, ID: "writer", Name: "writer", Roles: []string{"registers:write", "register:vehicles"}, Office: "32"},
	"zones":  {Kind: access.Machine, ID: "zones", Name: "zones", Roles: []string{"registers:write", "register:parking_zones"}, Office: "32"},
}

const why = "purpose=Halteranfrage&basis=%C2%A7%2039%20StVG"
const because = why + "&reason=Zulassung"

func openRegisters(t testing.TB, db *store.DB) *house {
	t.Helper()
	h := &house{t: t, db: db}
	checker := accesstest.House(t, db)
	regs := registertest.Open(t, db).Registers()
	svc, err := register.New(register.Config{DB: db, Vault: vaulttest.Open(t, db), Registers: regs, Seen: checker.Seen})
	must(t, err)
	words, err := i18n.Load(api.Messages(), register.Messages())
	must(t, err)
	h.cases = &casefile.File{DB: db, Now: time.Now}
	h.api, err = api.New(api.Config{DB: db, Key: make([]byte, 32), PublicURL: "https://duisburg.example", Words: words, Access: checker, Registers: svc, PerMinute: 10_000_000,
		Authenticate: func(r *http.Request) (access.Actor, error) {
			a, ok := programs[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
			if !ok {
				return a, fault.New(fault.Unauthenticated, "test", "")
			}
			return a, nil
		}})
	must(t, err)
	server := httptest.NewServer(h.api)
	t.Cleanup(server.Close)
	h.url = server.URL
	return h
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var registerRooms = []store.Migrations{audit.Migrations(), vault.Migrations(), register.Migrations(), casefile.Migrations(), api.Migrations()}

func car(plate, holder string) string {
	return fmt.Sprintf(`{"plate":%q,"holder":%q,"make":"Opel","model":"Astra","fuel":"diesel","emission_class":"Euro 5","first_registration":"2014-02-11"}`, plate, holder)
}

const vehicles = "/api/v1/registers/vehicles"

// at is the address of a vehicle; what follows is the query.
func at(plate, query string) string {
	return vehicles + "/records/" + url.PathEscape(plate) + "?" + query
}

func TestARecordIsMadeReadChangedAndEndedByPrograms(t *testing.T) {
	storetest.Each(t, registerRooms, func(t *testing.T, db *store.DB) {
		h := openRegisters(t, db)
		made := h.call("keeper", "PUT", at("DU-AB 1", because), car("DU-AB 1", "p1"), "If-None-Match", "*")
		if made.status != 201 || made.header.Get("ETag") == "" || strings.Contains(made.header.Get("Location"), "DU-AB") {
			t.Fatalf("%d %s %s", made.status, made.body, made.header.Get("Location"))
		}
		byID := made.header.Get("Location") + "?" + why
		got := h.call("reader", "GET", byID, "")
		data, _ := got.data["data"].(map[string]any)
		if got.status != 200 || data["plate"] != "DU-AB 1" || data["holder"] != "p1" || got.data["version"] != 1.0 {
			t.Fatalf("%d %s", got.status, got.body)
		}
		tag := got.header.Get("ETag")
		if same := h.call("reader", "GET", at("DU-AB 1", why), "", "If-None-Match", `"x", `+tag); same.status != 304 || same.body != "" || same.header.Get("ETag") != tag {
			t.Errorf("unchanged: %d %q", same.status, same.body)
		}
		if less := h.call("reader", "GET", at("DU-AB 1", why+"&fields=make"), ""); less.status != 200 || fmt.Sprint(less.data["data"]) != "map[make:Opel]" || less.header.Get("ETag") == tag {
			t.Errorf("%d %s", less.status, less.body)
		}
		for _, x := range []struct {
			method, query, body string
			header              []string
			status              int
		}{
			{"PUT", because, car("DU-AB 1", "p1"), nil, 428},
			{"PUT", because, car("DU-AB 1", "p1"), []string{"If-None-Match", "*"}, 412},
			{"PUT", because, car("DU-AB 1", "p1"), []string{"If-Match", `"9-9-abc"`}, 412},
			{"PUT", because, car("DU-AB 1", "p1"), []string{"If-Match", "W/" + tag}, 412},
			{"PUT", because, car("DU-AB 1", "p1"), []string{"If-Match", "*"}, 412},
			{"PUT", because, car("DU-AB 1", "p1"), []string{"If-Match", tag, "If-None-Match", "*"}, 428},
			{"PUT", because, car("DU-AB 1", "p2"), []string{"If-Match", tag}, 422},
			{"PUT", because, car("DU-AB 2", "p1"), []string{"If-Match", tag}, 422},
			{"PUT", because, `{"plate":"DU-AB 1"}`, []string{"If-Match", tag}, 422},
			{"PUT", because, `[1]`, []string{"If-Match", tag}, 422},
			{"PUT", because, car("DU-AB 1", "p1"), []string{"If-Match", tag, "Content-Type", "text/plain"}, 415},
			{"PUT", why, car("DU-AB 1", "p1"), []string{"If-Match", tag}, 422},
			{"PUT", "reason=x", car("DU-AB 1", "p1"), []string{"If-Match", tag}, 422},
			{"PUT", because + "&validFrom=2026-02-31", car("DU-AB 1", "p1"), []string{"If-Match", tag}, 422},
			{"PUT", because + "&validFrom=2026-02-03&validTo=2026-02-03", strings.Replace(car("DU-AB 1", "p1"), "Opel", "Ford", 1), []string{"If-Match", tag}, 422},
			{"PATCH", because, `{"make":"Ford"}`, []string{"Content-Type", "application/merge-patch+json"}, 428},
			{"PATCH", because, `{"make":"Ford"}`, []string{"If-Match", tag}, 415},
			{"PATCH", because, `{"holder":"p2"}`, []string{"If-Match", tag, "Content-Type", "application/merge-patch+json"}, 422},
			{"PATCH", because, `{"plate":"DU-X 1"}`, []string{"If-Match", tag, "Content-Type", "application/merge-patch+json"}, 422},
			{"PATCH", because, `{"version":7}`, []string{"If-Match", tag, "Content-Type", "application/merge-patch+json"}, 422},
			{"PATCH", because, `{"Make":"Ford"}`, []string{"If-Match", tag, "Content-Type", "application/merge-patch+json"}, 422},
			{"PATCH", because, `{"make":null}`, []string{"If-Match", tag, "Content-Type", "application/merge-patch+json"}, 422},
			{"PATCH", because, `{"make":"Opel","make":"Ford"}`, []string{"If-Match", tag, "Content-Type", "application/merge-patch+json"}, 422},
			{"DELETE", because, "", nil, 428},
			{"DELETE", because, "", []string{"If-Match", `"1-2"`}, 412},
		} {
			r := h.call("keeper", x.method, at("DU-AB 1", x.query), x.body, x.header...)
			if r.status != x.status || r.data["detail"] == nil || strings.Contains(r.body, "Opel") || strings.HasPrefix(fmt.Sprint(r.data["detail"]), "api.") {
				t.Errorf("%s %s %s %v: %d %s", x.method, x.query, x.body, x.header, r.status, r.body)
			}
		}
		changed := h.call("keeper", "PATCH", at("DU-AB 1", because), `{"make":"Ford","model":"Focus"}`, "If-Match", tag, "Content-Type", "application/merge-patch+json")
		if changed.status != 204 {
			t.Fatalf("%d %s", changed.status, changed.body)
		}
		// The tag of a change serves for the next one, and the one of before doesn't.
		if r := h.call("keeper", "PATCH", at("DU-AB 1", because), `{"model":"Ka"}`, "If-Match", tag, "Content-Type", "application/merge-patch+json"); r.status != 412 {
			t.Errorf("stale: %d", r.status)
		}
		if r := h.call("keeper", "PATCH", at("DU-AB 1", because+"&validFrom=2099-01-01"), `{"model":"Ka"}`, "If-Match", changed.header.Get("ETag"), "Content-Type", "application/merge-patch+json"); r.status != 204 {
			t.Errorf("%d %s", r.status, r.body)
		}
		for query, model := range map[string]string{"": "Focus", "&valid=2099-05-01": "Ka", "&valid=2099-05-01&known=" + url.QueryEscape(time.Now().Add(time.Hour).Format(time.RFC3339)): "Ka"} {
			r := h.call("reader", "GET", at("DU-AB 1", why+query), "")
			if d, _ := r.data["data"].(map[string]any); d["model"] != model {
				t.Errorf("%s: %d %s", query, r.status, r.body)
			}
		}
		if r := h.call("reader", "GET", at("DU-AB 1", why+"&valid=2001-01-01"), ""); r.status != 404 {
			t.Errorf("before there was anything: %d", r.status)
		}
		versions := h.call("reader", "GET", vehicles+"/records/DU-AB%201/versions?"+why, "")
		items := asList(versions.data["items"])
		if len(items) != 3 || items[0].(map[string]any)["reason"] != "Zulassung" || items[0].(map[string]any)["by"] != "machine" {
			t.Errorf("%s", versions.body)
		}
		now := h.call("reader", "GET", at("DU-AB 1", why), "")
		if r := h.call("keeper", "DELETE", at("DU-AB 1", because), "", "If-Match", now.header.Get("ETag")); r.status != 204 {
			t.Errorf("%d %s", r.status, r.body)
		}
		if r := h.call("reader", "GET", at("DU-AB 1", why), ""); r.status != 404 {
			t.Errorf("it has ended: %d %s", r.status, r.body)
		}
		// Ended, it can be made again, of somebody else, too.
		if r := h.call("keeper", "PUT", at("DU-AB 1", because), car("DU-AB 1", "p1"), "If-None-Match", "*"); r.status != 201 {
			t.Errorf("again: %d %s", r.status, r.body)
		}
	})
}

// Whoever may not know learns nothing from how the answer to a record that there is
// differs from the one to a record that there isn't.
func TestWhatIsDeniedAndWhatIsntThereAnswerAlike(t *testing.T) {
	storetest.Each(t, registerRooms, func(t *testing.T, db *store.DB) {
		h := openRegisters(t, db)
		if r := h.call("keeper", "PUT", at("DU-AB 1", because), car("DU-AB 1", "p1"), "If-None-Match", "*"); r.status != 201 {
			t.Fatal(r.body)
		}
		plain := func(a answer) string {
			return fmt.Sprint(a.status, a.header.Get("Content-Type"), a.header.Get("ETag"), a.header.Get("Cache-Control"), a.body)
		}
		for _, token := range []string{"", "narrow", "writer", "keeper"} {
			for _, x := range [][]string{
				{"GET", why, ""}, {"GET", "", ""}, {"GET", why + "&fields=make", ""}, {"GET", why + "&valid=2020-01-01", ""}, {"GET", why, "", "If-None-Match", "*"},
				{"PUT", because, car("DU-AB 1", "p1"), "If-Match", `"1-1"`}, {"DELETE", because, "", "If-Match", `"1-1"`},
				{"PATCH", because, `{"model":"X"}`, "If-Match", `"1-1"`, "Content-Type", "application/merge-patch+json"},
			} {
				if token == "keeper" { // may know
					continue
				}
				there := h.call(token, x[0], at("DU-AB 1", x[1]), x[2], x[3:]...)
				not := h.call(token, x[0], at("DU-ZZ 9", x[1]), strings.ReplaceAll(x[2], "DU-AB 1", "DU-ZZ 9"), x[3:]...)
				if plain(there) != plain(not) || there.status < 400 {
					t.Errorf("%q %v:\n%s\n%s", token, x, plain(there), plain(not))
				}
			}
		}
	})
}

func TestAPublicRegisterIsForEverybody(t *testing.T) {
	storetest.Each(t, registerRooms, func(t *testing.T, db *store.DB) {
		h := openRegisters(t, db)
		const zones = "/api/v1/registers/parking_zones"
		for i := range 5 {
			body := fmt.Sprintf(`{"code":"Z%d","name":"Zone %d","quarter":"505","spaces":%d,"hours":"9-20","streets":["Kantstraße"]}`, i, i, i+1)
			if r := h.call("zones", "PUT", fmt.Sprintf("%s/records/Z%d?%s", zones, i, because), body, "If-None-Match", "*"); r.status != 201 || r.header.Get("Location") != fmt.Sprintf("%s/records/Z%d", zones, i) {
				t.Fatal(r.status, r.body)
			}
		}
		var codes []string
		for next := ""; ; {
			r := h.call("", "GET", zones+"/records?limit=2&fields=code&after="+url.QueryEscape(next), "")
			if r.status != 200 || !strings.HasPrefix(r.header.Get("Cache-Control"), "public") {
				t.Fatal(r.status, r.body)
			}
			for _, x := range asList(r.data["items"]) {
				codes = append(codes, fmt.Sprint(x.(map[string]any)["data"]))
			}
			if next, _ = r.data["next"].(string); next == "" {
				break
			}
		}
		if want := []string{"map[code:Z0]", "map[code:Z1]", "map[code:Z2]", "map[code:Z3]", "map[code:Z4]"}; !slices.Equal(codes, want) {
			t.Errorf("%v", codes)
		}
		one := h.call("", "GET", zones+"/records/Z1", "")
		if one.status != 200 || one.data["data"].(map[string]any)["spaces"] != 2.0 || one.header.Get("ETag") == "" || strings.Contains(one.body, "reason") {
			t.Errorf("%d %s", one.status, one.body)
		}
		if v := h.call("", "GET", zones+"/records/Z1/versions", ""); v.status != 200 || strings.Contains(v.body, "Zulassung") {
			t.Errorf("%d %s", v.status, v.body)
		}
		ld := h.call("", "GET", zones+"/records/Z1", "", "Accept", "application/ld+json")
		if ld.header.Get("Content-Type") != "application/ld+json" || ld.data["@id"] != "https://duisburg.example"+zones+"/records/Z1" ||
			ld.data["quarter"] != "https://duisburg.example/api/v1/registers/districts/records/505" || ld.data["@context"] != "https://duisburg.example"+zones+"/context.jsonld" {
			t.Errorf("%s", ld.body)
		}
		context := h.call("", "GET", zones+"/context.jsonld", "")
		terms, _ := context.data["@context"].(map[string]any)
		if quarter, _ := terms["quarter"].(map[string]any); quarter["@type"] != "@id" || quarter["@id"] != "https://duisburg.example"+zones+"#quarter" {
			t.Errorf("%s", context.body)
		}
		feed := h.call("", "GET", zones+"/changes?since=2", "")
		if items := asList(feed.data["items"]); feed.status != 200 || len(items) != 3 || items[0].(map[string]any)["id"] != "Z2" || feed.data["next"] != 5.0 {
			t.Errorf("%s", feed.body)
		}
		if r := h.call("", "PUT", zones+"/records/Z9?"+because, "{}", "If-None-Match", "*"); r.status != 401 {
			t.Errorf("anybody writes: %d", r.status)
		}
	})
}

// Every declared register has its addresses; what it is, anybody may know.
func TestEveryRegisterIsDescribed(t *testing.T) {
	h := openRegisters(t, storetest.SQLite(t, registerRooms))
	list := asList(h.call("", "GET", "/api/v1/registers", "").data["items"])
	if len(list) < 9 {
		t.Fatalf("%d registers", len(list))
	}
	for _, x := range list {
		id := fmt.Sprint(x.(map[string]any)["id"])
		at := "/api/v1/registers/" + id
		d := h.call("", "GET", at, "", "Accept-Language", "tr")
		schema, context := h.call("", "GET", at+"/schema.json", ""), h.call("", "GET", at+"/context.jsonld", "")
		if d.status != 200 || len(asList(d.data["fields"])) == 0 || schema.data["properties"] == nil || context.data["@context"] == nil {
			t.Errorf("%s: %d %d %d", id, d.status, schema.status, context.status)
		}
		for _, f := range asList(d.data["fields"]) {
			name := fmt.Sprint(f.(map[string]any)["name"])
			shows := f.(map[string]any)["shows"] != nil // of another register: its schema has it
			if context.data["@context"].(map[string]any)[name] == nil || (schema.data["properties"].(map[string]any)[name] == nil) != shows {
				t.Errorf("%s.%s isn't in context or schema", id, name)
			}
		}
	}
	if r := h.call("", "GET", "/api/v1/registers/residents", "", "Accept-Language", "tr"); r.data["title"] != "Nüfus kayıt sistemi" {
		t.Errorf("%v", r.data["title"])
	}
	for _, id := range []string{"none", "..", "vehicles%00", "VEHICLES", "vehicles%2Frecords"} {
		if r := h.call("reader", "GET", "/api/v1/registers/"+id+"/records?"+why, ""); r.status != 404 {
			t.Errorf("%s: %d", id, r.status)
		}
	}
}

func TestABatchHappensWholeOrNotAtAll(t *testing.T) {
	storetest.Each(t, registerRooms, func(t *testing.T, db *store.DB) {
		h := openRegisters(t, db)
		batch := func(changes ...string) answer {
			return h.call("keeper", "POST", vehicles+"/records:batch?"+because, `{"changes":[`+strings.Join(changes, ",")+`]}`)
		}
		made := batch(`{"key":"DU-A 1","record":`+car("DU-A 1", "p1")+`}`, `{"key":"DU-A 2","record":`+car("DU-A 2", "p2")+`}`)
		records := asList(made.data["records"])
		if made.status != 200 || len(records) != 2 {
			t.Fatalf("%d %s", made.status, made.body)
		}
		tag := func(i int) string { return fmt.Sprint(records[i].(map[string]any)["etag"]) }
		list := func() int {
			return len(asList(h.call("reader", "GET", vehicles+"/records?"+why, "").data["items"]))
		}
		wrong := batch(
			`{"key":"DU-A 3","record":`+car("DU-A 3", "p3")+`}`,
			fmt.Sprintf(`{"key":"DU-A 1","ifMatch":%q,"patch":{"make":"Ford"}}`, tag(0)),
			fmt.Sprintf(`{"key":"DU-A 2","ifMatch":%q,"patch":{"holder":"p9"}}`, tag(1)),
			`{"key":"DU-A 4","record":{"plate":"DU-A 4"}}`,
			`{"key":"DU-A 5","ifMatch":"\"1-1\"","end":true}`,
		)
		var at []string
		for _, e := range asList(wrong.data["errors"]) {
			place, _, _ := strings.Cut(fmt.Sprint(e.(map[string]any)["location"]), "]")
			if !slices.Contains(at, place) {
				at = append(at, place)
			}
		}
		if wrong.status != 422 || !slices.Equal(at, []string{"body.changes[2", "body.changes[3", "body.changes[4"}) || list() != 2 {
			t.Errorf("%d %s, %d records", wrong.status, wrong.body, list())
		}
		if r := h.call("reader", "GET", at2("DU-A 1"), ""); !strings.Contains(r.body, "Opel") {
			t.Errorf("half of a batch has happened: %s", r.body)
		}
		done := batch(fmt.Sprintf(`{"key":"DU-A 1","ifMatch":%q,"patch":{"make":"Ford"}}`, tag(0)), fmt.Sprintf(`{"key":"DU-A 2","ifMatch":%q,"end":true}`, tag(1)))
		if done.status != 200 || list() != 1 {
			t.Errorf("%d %s, %d records", done.status, done.body, list())
		}
		many := make([]string, 201)
		for i := range many {
			many[i] = fmt.Sprintf(`{"key":"K%d","record":{}}`, i)
		}
		for name, body := range map[string]string{"many": `{"changes":[` + strings.Join(many, ",") + `]}`, "none": `{"changes":[]}`, "more": `{"changes":[{"key":"A","record":{}}],"x":1}`,
			"two": `{"changes":[{"key":"A","record":{},"patch":{}}]}`, "twice": `{"changes":[{"key":"A","record":{}},{"key":"A","record":{}}]}`, "deep": `{"changes":` + strings.Repeat("[", 3000) + strings.Repeat("]", 3000) + `}`,
			"patch": `{"changes":[{"key":"A","patch":{}}]}`, "list": `[]`, "cut": `{"changes":[{`, "utf8": "{\"changes\":[{\"key\":\"\xff\",\"record\":{}}]}", "nul": `{"changes":[{"key":"A","record":{"plate":"\u0000"}}]}`} {
			if r := h.call("keeper", "POST", vehicles+"/records:batch?"+because, body); r.status != 422 || r.data["detail"] == nil {
				t.Errorf("%s: %d %.300s", name, r.status, r.body)
			}
		}
		if r := h.call("keeper", "POST", vehicles+"/records:batch?"+because, `{"changes":["`+strings.Repeat("x", 2<<20)+`"]}`); r.status != 413 {
			t.Errorf("huge: %d %.200s", r.status, r.body)
		}
		// Sent again under its key, a batch happens once.
		body := `{"changes":[{"key":"DU-A 7","record":` + car("DU-A 7", "p7") + `}]}`
		for range 2 {
			if r := h.call("keeper", "POST", vehicles+"/records:batch?"+because, body, "Idempotency-Key", "b1"); r.status != 200 {
				t.Errorf("%d %s", r.status, r.body)
			}
		}
	})
}

func at2(plate string) string { return at(plate, why) }

func TestChangesAreTakenUpWhereTheyWereLeft(t *testing.T) {
	storetest.Each(t, registerRooms, func(t *testing.T, db *store.DB) {
		h := openRegisters(t, db)
		for i := range 4 {
			plate := fmt.Sprintf("DU-C %d", i+1)
			if r := h.call("keeper", "PUT", at(plate, because), car(plate, "p1"), "If-None-Match", "*"); r.status != 201 {
				t.Fatal(r.body)
			}
		}
		since := 0.0
		var seen []string
		for range 10 {
			r := h.call("reader", "GET", fmt.Sprintf("%s/changes?limit=3&since=%v&%s", vehicles, since, why), "")
			if r.status != 200 || strings.Contains(r.body, "DU-C") || strings.Contains(r.body, `"p1"`) {
				t.Fatalf("%d %s", r.status, r.body)
			}
			for _, x := range asList(r.data["items"]) {
				seen = append(seen, fmt.Sprint(x.(map[string]any)["position"]))
			}
			if r.data["next"] == since {
				break
			}
			since = r.data["next"].(float64)
		}
		if !slices.Equal(seen, []string{"1", "2", "3", "4"}) {
			t.Errorf("%v", seen)
		}
		full := h.call("reader", "GET", vehicles+"/changes?since=3&fields=plate&"+why, "")
		if !strings.Contains(full.body, `{"plate":"DU-C 4"}`) {
			t.Errorf("%s", full.body)
		}
		for query, status := range map[string]int{"since=99&" + why: 422, "since=-1&" + why: 422, "since=x&" + why: 422, "": 422, "fields=nothing&" + why: 422} {
			if r := h.call("reader", "GET", vehicles+"/changes?"+query, ""); r.status != status {
				t.Errorf("%s: %d %s", query, r.status, r.body)
			}
		}
		for token, status := range map[string]int{"": 401, "narrow": 403, "writer": 403} {
			if r := h.call(token, "GET", vehicles+"/changes?"+why, ""); r.status != status {
				t.Errorf("%q: %d %s", token, r.status, r.body)
			}
		}
	})
}

// What comes from outside is never taken for more than it is.
func TestHostileQueriesAreRefused(t *testing.T) {
	storetest.Each(t, registerRooms, func(t *testing.T, db *store.DB) {
		h := openRegisters(t, db)
		if r := h.call("keeper", "PUT", at("DU-AB 1", because), car("DU-AB 1", "p1"), "If-None-Match", "*"); r.status != 201 {
			t.Fatal(r.body)
		}
		for _, q := range []string{"fields=data", "fields=plate,%27", "fields=plate%3Bholder", "fields=Plate", "fields=person", "fields=$.plate", "fields=pl%C2%ADate",
			"after=x", "after=eyJpIjoicDEifQ.AAAA", "limit=0", "limit=100000", "limit=-1", "offset=1", "text=%00", "filter=%00", "after=%FF", "sort=%00",
			"case=1%27%20OR%201%3D1"} {
			r := h.call("reader", "GET", vehicles+"/records?"+why+"&"+q, "")
			if r.status != 422 && r.status != 400 || strings.Contains(r.body, "DU-AB") {
				t.Errorf("%s: %d %s", q, r.status, r.body)
			}
		}
		for _, key := range []string{"%00", "~", "~x", "~~", "%FF", "..%2F..", "DU-AB%201%27%20OR%20%271", strings.Repeat("x", 399), "DU%E2%80%8B-AB%201"} {
			if r := h.call("reader", "GET", vehicles+"/records/"+key+"?"+why, ""); r.status != 404 {
				t.Errorf("%s: %d %s", key, r.status, r.body)
			}
		}
		for _, long := range []string{"purpose=" + strings.Repeat("x", 600) + "&basis=y", "purpose=" + strings.Repeat("%C3%A4", 300) + "&basis=y", "purpose=+&basis=+", "purpose=a%0Ab&basis=y"} {
			if r := h.call("reader", "GET", vehicles+"/records?"+long, ""); r.status != 422 {
				t.Errorf("%.30s: %d %s", long, r.status, r.body)
			}
		}
		if r := h.call("reader", "GET", vehicles+"/records?"+why, ""); r.status != 200 || len(asList(r.data["items"])) != 1 || strings.HasPrefix(r.header.Get("Cache-Control"), "public") {
			t.Errorf("%d %s", r.status, r.body)
		}
		var n int
		must(t, db.QueryRow(t.Context(), "SELECT COUNT(*) FROM audit_entry WHERE purpose = 'Halteranfrage'").Scan(&n))
		if n == 0 {
			t.Error("nothing is on record")
		}
	})
}

func TestTheDocumentDescribesTheRegisters(t *testing.T) {
	h := openRegisters(t, storetest.SQLite(t, registerRooms))
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string           `json:"operationId"`
			Security    []map[string]any `json:"security"`
			Parameters  []struct {
				Name string `json:"name"`
			} `json:"parameters"`
			RequestBody struct {
				Content map[string]any `json:"content"`
			} `json:"requestBody"`
			Responses map[string]struct {
				Content map[string]any `json:"content"`
			} `json:"responses"`
		} `json:"paths"`
	}
	must(t, json.Unmarshal([]byte(h.call("", "GET", "/api/openapi.json", "").body), &doc))
	one := doc.Paths["/registers/{register}/records/{key}"]
	for method, content := range map[string]string{"put": "application/json", "patch": "application/merge-patch+json"} {
		if one[method].RequestBody.Content[content] == nil || len(one[method].RequestBody.Content) != 1 {
			t.Errorf("%s takes %v", method, one[method].RequestBody.Content)
		}
		for _, code := range []string{"412", "428", "422"} {
			if one[method].Responses[code].Content["application/problem+json"] == nil {
				t.Errorf("%s doesn't tell of %s", method, code)
			}
		}
	}
	for _, form := range []string{"application/json", "application/ld+json"} {
		if one["get"].Responses["200"].Content[form] == nil {
			t.Errorf("get doesn't tell of %s", form)
		}
	}
	if _, ok := one["get"].Responses["304"]; !ok || len(one["get"].Security) != 2 {
		t.Errorf("%v", one["get"])
	}
	var said []string
	for _, p := range one["get"].Parameters {
		said = append(said, p.Name)
	}
	for _, name := range []string{"purpose", "basis", "case", "valid", "known", "fields", "If-None-Match"} {
		if !slices.Contains(said, name) {
			t.Errorf("get has no parameter %s", name)
		}
	}
	if doc.Paths["/registers/{register}/records:batch"]["post"].OperationID != "change-records" {
		t.Error("no batch")
	}
}

// Of many who have seen the same state and change it at once, one does and the others are
// told: nobody overwrites what they haven't seen.
func TestOfManyAtOnceOneChangesTheRecord(t *testing.T) {
	storetest.Each(t, registerRooms, func(t *testing.T, db *store.DB) {
		h := openRegisters(t, db)
		if r := h.call("keeper", "PUT", at("DU-AB 1", because), car("DU-AB 1", "p1"), "If-None-Match", "*"); r.status != 201 {
			t.Fatal(r.body)
		}
		const rounds, many = 5, 8
		for round := range rounds {
			tag := h.call("reader", "GET", at("DU-AB 1", why), "").header.Get("ETag")
			var wg sync.WaitGroup
			var got [many]int
			for i := range many {
				wg.Go(func() {
					body := fmt.Sprintf(`{"model":"M%d-%d"}`, round, i)
					got[i] = h.call("keeper", "PATCH", at("DU-AB 1", because), body, "If-Match", tag, "Content-Type", "application/merge-patch+json").status
				})
			}
			wg.Wait()
			slices.Sort(got[:])
			if want := [many]int{204, 412, 412, 412, 412, 412, 412, 412}; got != want {
				t.Errorf("round %d: %v", round, got)
			}
		}
		// Of many who make the same new record, one does.
		var wg sync.WaitGroup
		var got [many]int
		for i := range many {
			wg.Go(func() {
				got[i] = h.call("keeper", "PUT", at("DU-NE 1", because), car("DU-NE 1", "p1"), "If-None-Match", "*").status
			})
		}
		wg.Wait()
		slices.Sort(got[:])
		if got[0] != 201 || got[1] != 412 || got[many-1] != 412 {
			t.Errorf("new: %v", got)
		}
		if v := h.call("reader", "GET", vehicles+"/records/DU-AB%201/versions?"+why, ""); len(asList(v.data["items"])) != 1+rounds {
			t.Errorf("%d versions", len(asList(v.data["items"])))
		}
	})
}

// What a body says beyond the declared fields is refused by its name, and what names the
// record or its person never changes.
func TestWhatABodyMayNotSetIsRefusedByName(t *testing.T) {
	h := openRegisters(t, storetest.SQLite(t, registerRooms))
	if r := h.call("keeper", "PUT", at("DU-AB 1", because), car("DU-AB 1", "p1"), "If-None-Match", "*"); r.status != 201 {
		t.Fatal(r.body)
	}
	before := h.call("reader", "GET", at("DU-AB 1", why), "")
	tag := before.header.Get("ETag")
	for _, name := range []string{"id", "version", "person", "register", "validFrom", "changedBy", "reason", "caseId", "__proto__", "Make", "make ", "ma\u0301ke", "plate", "holder", "holder_street", "$set"} {
		body := `{"make":"Ford","` + name + `":"x"}`
		plain := strings.ReplaceAll(name, "\\u0301", "\u0301")
		r := h.call("keeper", "PATCH", at("DU-AB 1", because), body, "If-Match", tag, "Content-Type", "application/merge-patch+json")
		if r.status != 422 || !strings.Contains(fmt.Sprint(r.data["detail"]), plain) {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
		whole := strings.Replace(car("DU-AB 1", "p1"), "{", `{"`+name+`":"x",`, 1)
		if r := h.call("keeper", "PUT", at("DU-AB 1", because), whole, "If-Match", tag); r.status != 422 {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
		r = h.call("keeper", "POST", vehicles+"/records:batch?"+because, fmt.Sprintf(`{"changes":[{"key":"DU-AB 1","ifMatch":%q,"patch":%s}]}`, tag, body))
		if r.status != 422 || !strings.Contains(r.body, "body.changes[0]") {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	if r := h.call("keeper", "POST", vehicles+"/records:batch?"+because, fmt.Sprintf(`{"changes":[{"key":"DU-AB 1","ifMatch":%q,"patch":{},"version":9}]}`, tag)); r.status != 422 || !strings.Contains(r.body, "version") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if after := h.call("reader", "GET", at("DU-AB 1", why), ""); after.body != before.body {
		t.Errorf("%s", after.body)
	}
}

// fuzzed calls the API without a network.
func (h *house) fuzzed(method, path, body string, header ...string) (int, string, http.Header) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer keeper")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.api.ServeHTTP(w, r)
	return w.Code, w.Body.String(), w.Header()
}

// held are the records that there are, as a text, and the tag of the first.
func (h *house) held(t *testing.T) (records []map[string]any, tag string) {
	t.Helper()
	status, body, _ := h.fuzzed("GET", vehicles+"/records?limit=200&"+why, "")
	var list struct {
		Items []struct {
			ETag string         `json:"etag"`
			Data map[string]any `json:"data"`
		} `json:"items"`
	}
	if err := json.Unmarshal([]byte(body), &list); err != nil || status != 200 {
		t.Fatalf("%d %v %s", status, err, body)
	}
	for _, x := range list.Items {
		if x.Data["plate"] == "DU-AB 1" {
			tag = x.ETag
		}
		records = append(records, x.Data)
	}
	return records, tag
}

// whole holds that records are what their register says: declared fields and no others,
// whose they were.
func whole(t *testing.T, what string, records []map[string]any) {
	t.Helper()
	fields := []string{"plate", "holder", "make", "model", "fuel", "emission_class", "first_registration"}
	for _, r := range records {
		for name := range r {
			if !slices.Contains(fields, name) && !strings.HasPrefix(name, "holder_") {
				t.Fatalf("%s made a field %q", what, name)
			}
		}
		if r["plate"] == "DU-AB 1" && r["holder"] != "p1" {
			t.Fatalf("%s gave the car to %v", what, r["holder"])
		}
	}
}

// FuzzPatch: whatever a patch says, a record stays of its key, its person and its fields,
// and who sends it is answered, not failed.
func FuzzPatch(f *testing.F) {
	h := openRegisters(f, storetest.SQLite(f, registerRooms))
	if r := h.call("keeper", "PUT", at("DU-AB 1", because), car("DU-AB 1", "p1"), "If-None-Match", "*"); r.status != 201 {
		f.Fatal(r.body)
	}
	for _, s := range []string{`{}`, `{"make":"Ford"}`, `{"make":null}`, `{"holder":"p2"}`, `{"holder":null}`, `{"plate":"X"}`, `{"x":{"y":[1e400]}}`, `{"make":{"a":null}}`, `{"make":"a","make":"b"}`, "{\"make\":\"\\ud800\"}", `[]`, `null`, `{"holder_street":"x"}`, `{"fuel":"water"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, patch string) {
		_, tag := h.held(t)
		status, body, _ := h.fuzzed("PATCH", at("DU-AB 1", because), patch, "If-Match", tag, "Content-Type", "application/merge-patch+json")
		if status != 204 && status != 400 && status != 422 && status != 413 {
			t.Fatalf("%q: %d %s", patch, status, body)
		}
		records, _ := h.held(t)
		if len(records) != 1 {
			t.Fatalf("%q: %d records", patch, len(records))
		}
		whole(t, patch, records)
	})
}

// FuzzBatch: a batch happens whole or not at all, whatever it says.
func FuzzBatch(f *testing.F) {
	h := openRegisters(f, storetest.SQLite(f, registerRooms))
	if r := h.call("keeper", "PUT", at("DU-AB 1", because), car("DU-AB 1", "p1"), "If-None-Match", "*"); r.status != 201 {
		f.Fatal(r.body)
	}
	for _, s := range []string{`{"changes":[]}`, `{"changes":[{"key":"DU-AB 1","ifMatch":"TAG","patch":{"make":"Ford"}}]}`, `{"changes":[{"key":"DU-AB 1","ifMatch":"TAG","patch":{"holder":"p2"}}]}`,
		`{"changes":[{"key":"DU-AB 1","ifMatch":"TAG","record":{}},{"key":"A","record":` + car("A", "p2") + `}]}`, `{"changes":[{"key":"~x","record":{}}]}`, `{"changes":{}}`,
		`{"changes":[{"key":"A","end":true,"ifMatch":"TAG"},{"key":"A","end":true,"ifMatch":"TAG"}]}`, `{"changes":[{"key":"B","record":` + car("A", "p2") + `}]}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		before, tag := h.held(t)
		text = strings.ReplaceAll(text, `"TAG"`, strconv.Quote(tag))
		status, body, _ := h.fuzzed("POST", vehicles+"/records:batch?"+because, text, "Content-Type", "application/json")
		if status != 200 && status != 400 && status != 422 && status != 413 && status != 404 {
			t.Fatalf("%q: %d %s", text, status, body)
		}
		after, _ := h.held(t)
		whole(t, text, after)
		if status != 200 && fmt.Sprint(before) != fmt.Sprint(after) {
			t.Fatalf("%q was refused and has changed %v to %v", text, before, after)
		}
	})
}

// FuzzRecordQuery: whatever a program writes behind the question mark or as the key of a record, it gets no error of ours, and who
// may not see vehicles sees none.
func FuzzRecordQuery(f *testing.F) {
	h := openRegisters(f, storetest.SQLite(f, registerRooms))
	if r := h.call("keeper", "PUT", at("DU-AB 1", because), car("DU-AB 1", "p1"), "If-None-Match", "*"); r.status != 201 {
		f.Fatal(r.body)
	}
	for _, q := range []string{"filter=plate%20LIKE%20%27DU-%25%27&sort=-plate&limit=3", "fields=plate,holder", "fields=$.plate", "after=eyJpIjoicDEifQ.AAAA", "text=Opel", "filter=%00", "sort=%FF",
		"limit=-1&limit=2", "purpose=x&basis=y&case=1", "filter=plate='DU-AB%201';DROP", "%zz", "fields=pl%C2%ADate&fields=plate", "filter=" + url.QueryEscape("make = 'Opel' OR holder IS NULL")} {
		f.Add(q, "DU-AB 1")
	}
	f.Add("", "~x")
	f.Add("validAt=now&knownAt=2026", "..%2f")
	f.Fuzz(func(t *testing.T, query, key string) {
		for _, path := range []string{vehicles + "/records", vehicles + "/records/" + key, vehicles + "/records/" + key + "/versions"} {
			for _, program := range []string{"reader", "narrow", ""} {
				r := httptest.NewRequest("GET", vehicles, nil)
				r.URL.Path, r.URL.RawPath, r.URL.RawQuery = path, "", why+"&"+query
				r.Header.Set("Authorization", "Bearer "+program)
				w := httptest.NewRecorder()
				h.api.ServeHTTP(w, r)
				if w.Code >= 500 {
					t.Fatalf("%s %s?%s: %d %s", program, path, query, w.Code, w.Body)
				}
				if program != "reader" && (w.Code < 300 || strings.Contains(w.Body.String(), `"p1"`)) {
					t.Fatalf("%s sees %s?%s: %d %s", program, path, query, w.Code, w.Body)
				}
			}
		}
	})
}
