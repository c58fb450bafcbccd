// SPDX-License-Identifier: EUPL-1.2

package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"mercator/adapter/api"
	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/identity"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/core/vault/vaulttest"
	"mercator/domain/register"
	"mercator/domain/register/bulk"
	"mercator/domain/register/registerweb"
	"mercator/web"
)

// allotments is a register that no line of Go knows.
var allotments = map[string]string{
	"register.toml": `id = "allotments"
office = "36"
basis = "§ 1 BKleingG"
key = "plot"
person = "tenant"
title = { de = "Kleingartenregister", en = "Register of allotments", tr = "Hobi bahçesi sicili" }
purpose = { de = "Wissen, wer welchen Garten pachtet", en = "To know who leases which garden", tr = "Hangi bahçeyi kimin kiraladığını bilmek" }
retention = { de = "Bis zum Ende der Pacht", en = "Until the lease ends", tr = "Kira bitene kadar" }

[[field]]
name = "plot"
class = "internal"
source = "own"
search = "exact"
title = { de = "Parzelle", en = "Plot", tr = "Parsel" }

[[field]]
name = "tenant"
class = "personal"
source = "residents"
link = "residents"
title = { de = "Pächterin oder Pächter", en = "Tenant", tr = "Kiracı" }

[[field]]
name = "size"
class = "internal"
source = "own"
unit = "m2"
search = "range"
title = { de = "Größe", en = "Size", tr = "Büyüklük" }

[[field]]
name = "soil"
class = "internal"
source = "own"
codes = "soil.toml"
search = "exact"
title = { de = "Boden", en = "Soil", tr = "Toprak" }

[[field]]
name = "since"
class = "personal"
source = "own"
search = "date"
title = { de = "Pacht seit", en = "Leased since", tr = "Kira başlangıcı" }

[[field]]
name = "place"
class = "internal"
source = "own"
geometry = true
search = "geo"
title = { de = "Lage", en = "Place", tr = "Konum" }

[[field]]
name = "note"
class = "personal"
source = "own"
search = "text"
title = { de = "Bemerkung", en = "Note", tr = "Not" }
`,
	"schema.json": `{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "additionalProperties": false,
"required": ["plot", "tenant", "size", "soil", "since"],
"properties": {"plot": {"type": "string", "maxLength": 20}, "tenant": {"type": "string", "maxLength": 64}, "size": {"type": "integer", "minimum": 1},
"soil": {"type": "string"}, "since": {"type": "string", "format": "date"}, "place": {"type": "object"}, "note": {"type": "string", "maxLength": 200}}}`,
	"codes/soil.toml": `urn = "urn:de:duisburg:codeliste:boden"
version = "1"
title = { de = "Bodenarten", en = "Soils", tr = "Topraklar" }

[[code]]
code = "loam"
title = { de = "Lehm", en = "Loam", tr = "Balçık" }

[[code]]
code = "sand"
title = { de = "Sand", en = "Sand", tr = "Kum" }
`,
}

// A folder under content/registers is a register with its addresses, its place in the
// document, its screens and its export: nobody writes Go for it.
func TestANewRegisterIsThereWithoutGo(t *testing.T) {
	storetest.Each(t, registerRooms, func(t *testing.T, db *store.DB) {
		dir := t.TempDir()
		must(t, os.CopyFS(dir, os.DirFS("../../content/registers")))
		for name, text := range allotments {
			name = filepath.Join(dir, "allotments", name)
			must(t, os.MkdirAll(filepath.Dir(name), 0o755))
			must(t, os.WriteFile(name, []byte(text), 0o644))
		}
		if wrong, err := register.Lint(dir); err != nil || len(wrong) > 0 {
			t.Fatalf("lint: %v %v", wrong, err)
		}
		broken := filepath.Join(dir, "allotments", "register.toml")
		must(t, os.WriteFile(broken, []byte(strings.Replace(allotments["register.toml"], `search = "range"`, `search = "smell"`, 1)), 0o644))
		if wrong, _ := register.Lint(dir); len(wrong) != 1 || !strings.Contains(wrong[0], "smell") {
			t.Errorf("lint says of a mistake: %v", wrong)
		}
		must(t, os.WriteFile(broken, []byte(allotments["register.toml"]), 0o644))

		defs, err := register.Load(os.DirFS(dir))
		must(t, err)
		checker := accesstest.House(t, db)
		svc, err := register.New(register.Config{DB: db, Vault: vaulttest.Open(t, db), Registers: defs, Seen: checker.Seen, Linked: checker.Permit})
		must(t, err)
		words, err := i18n.Load(append(web.Messages(), api.Messages(), register.Messages(), registerweb.Messages())...)
		must(t, err)
		program := access.Actor{Kind: access.Machine, ID: "gardens", Name: "gardens", Office: "36", Roles: []string{"registers:read", "registers:write", "register:allotments"}}
		h := &house{t: t, db: db}
		h.api, err = api.New(api.Config{DB: db, Key: make([]byte, 32), PublicURL: "https://duisburg.example", Words: words, Access: checker, Registers: svc,
			Authenticate: func(*http.Request) (access.Actor, error) { return program, nil }})
		must(t, err)
		server := httptest.NewServer(h.api)
		t.Cleanup(server.Close)
		h.url = server.URL

		// The API.
		const gardens = "/api/v1/registers/allotments"
		record := `{"plot":"A-7","tenant":"p1","size":240,"soil":"loam","since":"2019-04-01","place":{"type":"Point","coordinates":[6.76,51.43]},"note":"mit Laube"}`
		put := h.call("gardens", "PUT", gardens+"/records/A-7?"+because, record, "If-None-Match", "*")
		if put.status != 201 {
			t.Fatalf("%d %s", put.status, put.body)
		}
		other := strings.NewReplacer("A-7", "A-8", "240", "90", "loam", "sand", "p1", "p2", "6.76", "7.9", "mit Laube", "am Bach").Replace(record)
		if r := h.call("gardens", "PUT", gardens+"/records/A-8?"+because, other, "If-None-Match", "*"); r.status != 201 {
			t.Fatalf("%d %s", r.status, r.body)
		}
		if r := h.call("gardens", "PATCH", gardens+"/records/A-7?"+because, `{"soil":"mud"}`, "If-Match", put.header.Get("ETag"), "Content-Type", "application/merge-patch+json"); r.status != 422 || !strings.Contains(r.body, "body.soil") {
			t.Errorf("a code that isn't in the list: %d %s", r.status, r.body)
		}
		for _, q := range []string{"filter=size%3E100", "filter=soil%3D%27loam%27", "filter=since%3DDATE(%272019-04-01%27)%20AND%20size%3E100", "text=laube", "filter=S_DWITHIN(place,POINT(6.76%2051.43),500)", "sort=-size&limit=1"} {
			r := h.call("gardens", "GET", gardens+"/records?fields=plot,size,soil,since,place,note&"+why+"&"+q, "")
			if items := asList(r.data["items"]); r.status != 200 || len(items) != 1 || !strings.Contains(r.body, "A-7") {
				t.Errorf("%s: %d %s", q, r.status, r.body)
			}
		}
		about := h.call("gardens", "GET", gardens, "", "Accept-Language", "de")
		if !strings.Contains(about.body, "Kleingartenregister") || !strings.Contains(about.body, `"unit":"m2"`) || !strings.Contains(about.body, gardens+"/codes/soil") {
			t.Errorf("%s", about.body)
		}
		if codes := h.call("gardens", "GET", gardens+"/codes/soil", "", "Accept-Language", "de"); codes.status != 200 || !strings.Contains(codes.body, "Lehm") {
			t.Errorf("%d %s", codes.status, codes.body)
		}
		if r := h.call("gardens", "GET", gardens+"/codes/size", ""); r.status != 404 {
			t.Errorf("codes of what has none: %d", r.status)
		}
		if r := h.call("gardens", "GET", gardens+"/changes?"+why, ""); len(asList(r.data["items"])) != 2 {
			t.Errorf("%s", r.body)
		}
		if r := h.call("gardens", "GET", gardens+"/context.jsonld", ""); !strings.Contains(r.body, "allotments#soil") {
			t.Errorf("%s", r.body)
		}

		// The document.
		var doc struct {
			Paths map[string]map[string]struct {
				Parameters []struct {
					Name   string `json:"name"`
					Schema struct {
						Enum []string `json:"enum"`
					} `json:"schema"`
				} `json:"parameters"`
				RequestBody struct {
					Content map[string]struct {
						Schema map[string]any `json:"schema"`
					} `json:"content"`
				} `json:"requestBody"`
			} `json:"paths"`
			Components struct {
				Schemas map[string]struct {
					Title      string         `json:"title"`
					Properties map[string]any `json:"properties"`
				} `json:"schemas"`
			} `json:"components"`
		}
		must(t, json.Unmarshal([]byte(h.call("gardens", "GET", "/api/openapi.json", "").body), &doc))
		if s := doc.Components.Schemas["Register-allotments"]; s.Title != "Register of allotments" || s.Properties["soil"] == nil {
			t.Errorf("the document has %v for the register", s)
		}
		one := doc.Paths["/registers/{register}/records/{key}"]["put"]
		if one.RequestBody.Content["application/json"].Schema["$ref"] != "#/components/schemas/RegisterData" {
			t.Errorf("a record is put as %v", one.RequestBody.Content)
		}
		for _, p := range one.Parameters {
			if p.Name == "register" && !strings.Contains(fmt.Sprint(p.Schema.Enum), "allotments") {
				t.Errorf("the document knows the registers %v", p.Schema.Enum)
			}
		}

		// The screens.
		tmpl, err := web.NewTemplates(web.TemplateConfig{Catalogue: words})
		must(t, err)
		mounts, err := registerweb.Mounts(registerweb.Config{Templates: tmpl, DB: db, Registers: svc, Access: checker, Actor: identity.Require,
			Case: func(context.Context, string) (string, string, string, error) {
				return "", "", "", fault.New(fault.NotFound, "test", "")
			}})
		must(t, err)
		site, err := web.New(web.Config{Catalogue: words, Templates: tmpl, Middleware: []func(http.Handler) http.Handler{func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(w, identity.With(r, identity.Session{Actor: accesstest.Clerk("36")}))
			})
		}}}, mounts)
		must(t, err)
		do := func(method, path string, form url.Values) (int, string, string) {
			r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
			r.Header.Set("Accept", "text/html")
			r.Header.Set("Accept-Language", "de")
			if method == http.MethodPost {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			w := httptest.NewRecorder()
			site.ServeHTTP(w, r)
			return w.Code, html.UnescapeString(w.Body.String()), w.Header().Get("Location")
		}
		page := func(path string, want ...string) string {
			t.Helper()
			status, body, _ := do(http.MethodGet, path, nil)
			for _, s := range want {
				if status != 200 || !strings.Contains(body, s) {
					t.Errorf("%s: %d lacks %q\n%.5000s", path, status, s, body)
				}
			}
			return body
		}
		const desk = "/desk/registers/allotments"
		page("/desk/registers", "Kleingartenregister")
		page(desk+"?"+why, "Parzelle", "Größe (m2)", `name="f.size.from"`, `name="f.since.from.day"`, `name="f.place.lon"`, `name="text"`, "Lehm", "Größe, absteigend")
		for _, q := range []string{"f.size.from=100", "f.soil=loam", "text=laube", "f.place.lon=6.76&f.place.lat=51.43&f.place.metres=500", "f.since.from=2019-04-01&f.plot=A-7", "sort=-size&f.plot=A-7"} {
			if body := page(desk+"?"+why+"&go=1&"+q, "A-7", "Lehm"); strings.Contains(body, "A-8") {
				t.Errorf("%s finds what it doesn't ask for", q)
			}
		}
		link := regexp.MustCompile(desk + `/records/[^?"]+`).FindString(page(desk+"?"+why+"&go=1&f.plot=A-7", "A-7"))
		page(link+"?"+why, "240", "Lehm", "01.04.2019", "mit Laube")
		edit := page(link+"/edit?"+why, `name="f.soil"`, `name="f.size"`)
		mark := regexp.MustCompile(`name="mark" value="([^"]+)"`).FindStringSubmatch(edit)
		if mark == nil {
			t.Fatal(edit)
		}
		status, body, to := do(http.MethodPost, link+"/edit?"+why, url.Values{"mark": {mark[1]}, "f.size": {"250"}, "f.soil": {"sand"}, "f.since": {"2019-04-01"},
			"f.place": {`{"type":"Point","coordinates":[6.76,51.43]}`}, "f.note": {"mit Laube"}, "reason": {"Neu vermessen"}})
		if status != 303 {
			t.Fatalf("%d %.4000s", status, body)
		}
		page(to, "250", "Sand", "Neu vermessen")
		page(link+"/versions?"+why, "Lehm", "Sand", "geändert", "gleich")

		// The export.
		var out bytes.Buffer
		g := accesstest.Grant(t, checker, access.Request{Actor: access.SystemActor("test"), Action: access.List, Resource: register.Resource("allotments"), Purpose: "test", Basis: "test", Fields: []string{"plot", "size"}})
		if n, err := bulk.Export(t.Context(), bulk.Giving{Registers: svc, Register: "allotments", Format: "csv", Grant: g, Seen: checker.Seen}, &out); err != nil || n != 2 || !strings.Contains(out.String(), `"A-7",250`) {
			t.Errorf("%d %v %s", n, err, out.String())
		}
	})
}
