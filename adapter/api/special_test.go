// SPDX-License-Identifier: EUPL-1.2

package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mercator/adapter/api"
	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/core/vault/vaulttest"
	"mercator/domain/register"
)

// A field of a special category (Art. 9 GDPR) leaves the API to a program of the office that keeps it, bound to its certificate,
// for a person in an open case of theirs. To everybody else it isn't there, in no reading path.
func TestASpecialCategoryLeavesToWhoIsBoundToACertificate(t *testing.T) {
	storetest.Each(t, registerRooms, func(t *testing.T, db *store.DB) {
		dir := t.TempDir()
		must(t, os.CopyFS(dir, os.DirFS("../../content/registers")))
		files := map[string]string{}
		for name, text := range allotments {
			files[name] = strings.NewReplacer(`"note": {`, `"health": {"type": "string", "maxLength": 200}, "note": {`).Replace(text)
		}
		files["register.toml"] += `
[[field]]
name = "health"
class = "special"
source = "own"
title = { de = "Behinderung", en = "Disability", tr = "Engel" }
`
		for name, text := range files {
			name = filepath.Join(dir, "allotments", name)
			must(t, os.MkdirAll(filepath.Dir(name), 0o755))
			must(t, os.WriteFile(name, []byte(text), 0o644))
		}
		defs, err := register.Load(os.DirFS(dir))
		must(t, err)
		d, _ := defs.Get("allotments")
		open, closed, other, away, none := ident.New(), ident.New(), ident.New(), ident.New(), ident.New()
		cases := map[string]access.CaseFacts{
			open:   {Open: true, Office: "36", Persons: []string{"p1"}},
			closed: {Office: "36", Persons: []string{"p1"}},
			other:  {Open: true, Office: "36", Persons: []string{"p2"}},
			away:   {Open: true, Office: "32", Persons: []string{"p1"}},
		}
		checker := accesstest.HouseWith(t, access.Config{DB: db,
			Classify: func(_ string, fields []string) (out []string) {
				for _, f := range d.Fields {
					if len(fields) == 0 || strings.Contains(" "+strings.Join(fields, " ")+" ", " "+f.Name+" ") {
						out = append(out, string(f.Class))
					}
				}
				return out
			},
			Keeper: func(string) string { return d.Office },
			Case: func(_ context.Context, _ store.Q, id string) (access.CaseFacts, bool, error) {
				c, ok := cases[id]
				return c, ok, nil
			}})
		svc, err := register.New(register.Config{DB: db, Vault: vaulttest.Open(t, db), Registers: defs, Seen: checker.Seen, Linked: checker.Permit})
		must(t, err)
		words, err := i18n.Load(api.Messages(), register.Messages())
		must(t, err)
		roles := []string{"registers:read", "registers:write", "register:allotments"}
		who := map[string]access.Actor{
			"bound":    {Kind: access.Machine, ID: "bound", Name: "bound", Office: "36", Roles: roles, Certificate: "print"},
			"unbound":  {Kind: access.Machine, ID: "unbound", Name: "unbound", Office: "36", Roles: roles},
			"stranger": {Kind: access.Machine, ID: "stranger", Name: "stranger", Office: "32", Roles: roles, Certificate: "print"},
		}
		h := &house{t: t, db: db}
		h.api, err = api.New(api.Config{DB: db, Key: make([]byte, 32), PublicURL: "https://duisburg.example", Words: words, Access: checker, Registers: svc,
			Authenticate: func(r *http.Request) (access.Actor, error) {
				a, ok := who[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
				if !ok {
					return a, fault.New(fault.Unauthenticated, "test", "")
				}
				return a, nil
			}})
		must(t, err)
		server := httptest.NewServer(h.api)
		t.Cleanup(server.Close)
		h.url = server.URL

		const plot, secret = "/api/v1/registers/allotments/records/A-7?", "gehörlos"
		record := `{"plot":"A-7","tenant":"p1","size":240,"soil":"loam","since":"2019-04-01","health":"` + secret + `"}`
		for _, program := range []string{"bound", "unbound"} { // that a program writes it nobody has permitted
			if r := h.call(program, "PUT", plot+because, record, "If-None-Match", "*"); r.status != 404 {
				t.Fatalf("%d %s", r.status, r.body)
			}
		}
		g := accesstest.Grant(t, checker, access.Request{Actor: access.SystemActor("test"), Action: access.Change, Resource: register.Resource("allotments"), Purpose: "test", Basis: "§ 1 BKleingG", Subjects: []string{"p1"}})
		must(t, db.Write(t.Context(), func(tx *store.Tx) error {
			return svc.Put(t.Context(), tx, g, "allotments", "A-7", json.RawMessage(record), register.Why{Reason: "test"})
		}))
		if r := h.call("bound", "GET", plot+why+"&fields=plot,health&case="+open, ""); r.status != 200 || !strings.Contains(r.body, secret) {
			t.Errorf("the keeper for an open case: %d %s", r.status, r.body)
		}
		if r := h.call("unbound", "GET", plot+why+"&fields=plot,note&case="+open, ""); r.status != 200 {
			t.Errorf("what isn't special needs no certificate: %d %s", r.status, r.body)
		}
		for _, c := range [][2]string{{"unbound", open}, {"stranger", open}, {"stranger", away}, {"bound", ""}, {"bound", closed}, {"bound", other}, {"bound", away}, {"bound", none}} {
			for _, path := range []string{
				plot + why + "&fields=health&case=" + c[1],
				plot + why + "&case=" + c[1],
				plot + why + "&valid=2024-05-03&fields=health&case=" + c[1],
				strings.Replace(plot, "?", "/versions?", 1) + why + "&fields=health&case=" + c[1],
				"/api/v1/registers/allotments/records?" + why + "&fields=plot,health&case=" + c[1],
				"/api/v1/registers/allotments/records?" + why + "&fields=plot&filter=health%20IS%20NOT%20NULL&case=" + c[1],
				"/api/v1/registers/allotments/changes?" + why + "&fields=health&case=" + c[1],
			} {
				if r := h.call(c[0], "GET", path, ""); strings.Contains(r.body, secret) || strings.Contains(path, "filter=") && strings.Contains(r.body, "A-7") {
					t.Errorf("%s, case %q: %s: %d %s", c[0], c[1], path, r.status, r.body)
				}
			}
		}
	})
}
