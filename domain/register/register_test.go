// SPDX-License-Identifier: EUPL-1.2

package register_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/core/vault"
	"mercator/core/vault/vaulttest"
	"mercator/domain/register"
	"mercator/lang/cql2"
)

var rooms = []store.Migrations{audit.Migrations(), vault.Migrations(), register.Migrations()}

func declared(t testing.TB) *register.Registers {
	t.Helper()
	regs, err := register.Load(os.DirFS("../../content/registers"))
	if err != nil {
		t.Fatal(err)
	}
	return regs
}

type house struct {
	*register.Service
	db        *store.DB
	checker   *access.Checker
	vault     *vault.Vault
	published []register.Changed
}

func open(t testing.TB, db *store.DB) *house {
	h := &house{db: db, checker: accesstest.AllowAll(t, db), vault: vaulttest.Open(t, db)}
	var err error
	h.Service, err = register.New(register.Config{DB: db, Vault: h.vault, Registers: declared(t),
		Publish: func(_ context.Context, _ *store.Tx, c register.Changed) error {
			h.published = append(h.published, c)
			return nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) grant(t testing.TB, r access.Request) access.Grant {
	if r.Actor.ID == "" {
		r.Actor = access.SystemActor("process")
	}
	return accesstest.Grant(t, h.checker, r)
}

// find is a search for one value: what holds now and is the grant's.
func (h *house) find(t testing.TB, g access.Grant, reg, field, value string, fields []string) (list []map[string]any, err error) {
	t.Helper()
	text, ok := cql2.Quote(value)
	if !ok {
		t.Fatalf("%q can't be asked for", value)
	}
	page, err := h.Search(t.Context(), g, reg, register.Query{Filter: field + " = " + text, Fields: fields})
	for _, r := range page.Records {
		m, err := r.All()
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, err
}

func (h *house) put(t testing.TB, reg, owner string, data map[string]any, why register.Why) error {
	g := h.grant(t, access.Request{Action: access.Change, Resource: register.Resource(reg), Owner: owner})
	return h.db.Write(t.Context(), func(tx *store.Tx) error {
		return h.Put(t.Context(), tx, g, reg, "", data, why)
	})
}

func resident(id, given, family, born string) map[string]any {
	return map[string]any{"id": id, "given_names": given, "family_name": family, "birth_date": born, "nationality": "DE",
		"street": "Kantstraße", "house_number": "14", "postcode": "47057", "city": "Duisburg", "quarter": "505", "residence_since": "2016-03-01"}
}

func car(plate, holder string) map[string]any {
	return map[string]any{"plate": plate, "holder": holder, "make": "Opel", "model": "Astra", "fuel": "diesel",
		"emission_class": "Euro 5", "first_registration": "2014-02-11"}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestARecordKeepsEveryVersionWithWhoWhyAndCase(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		must(t, h.put(t, "vehicles", "", car("DU-AB 1", "p1"), register.Why{Reason: "registered", Case: "c1"}))
		must(t, h.put(t, "vehicles", "", car("DU-AB 1", "p1"), register.Why{Reason: "said twice", Case: "c1"}))
		sold := car("DU-AB 1", "p2")
		must(t, h.put(t, "vehicles", "", sold, register.Why{Who: "clerk:petra", Reason: "sold", Case: "c2"}))

		fields := []string{"plate", "make"}
		g := h.grant(t, access.Request{Action: access.Read, Resource: "register:vehicles", Owner: "p2", Fields: fields})
		r, err := h.Get(t.Context(), g, "vehicles", "DU-AB 1")
		must(t, err)
		if r.Version != 2 || r.ChangedBy != "clerk:petra" || r.Reason != "sold" || r.Case != "c2" {
			t.Errorf("the record is %+v", r)
		}
		if string(r.Data) != `{"make":"Opel","plate":"DU-AB 1"}` {
			t.Errorf("a grant for plate and make shows %s", r.Data)
		}
		// The new holder doesn't see who held it before, somebody with a grant for both does.
		if hist, err := h.History(t.Context(), g, "vehicles", "DU-AB 1"); err != nil || len(hist) != 1 {
			t.Errorf("history for the holder: %v %v", hist, err)
		}
		both := h.grant(t, access.Request{Action: access.Read, Resource: "register:vehicles", Subjects: []string{"p1", "p2"}, Fields: fields})
		hist, err := h.History(t.Context(), both, "vehicles", "DU-AB 1")
		must(t, err)
		if len(hist) != 2 || hist[1].Reason != "registered" || hist[1].ChangedBy != "system:process" {
			t.Errorf("history: %+v", hist)
		}
		id := hist[0].ID // not the plate: events hold no personal data
		if want := []register.Changed{{Register: "vehicles", ID: id, Version: 1, Case: "c1"}, {Register: "vehicles", ID: id, Version: 2, Case: "c2"}}; !slices.Equal(h.published, want) || strings.Contains(id, "DU") {
			t.Errorf("published %+v", h.published)
		}
		// The index follows: the car is p2's now.
		for person, n := range map[string]int{"p1": 0, "p2": 1} {
			g := h.grant(t, access.Request{Action: access.Read, Resource: "register:vehicles", Owner: person, Fields: fields})
			list, err := h.Fetch(t.Context(), g, register.Use{Register: "vehicles", Person: person, Fields: fields})
			if err != nil || len(list.([]any)) != n {
				t.Errorf("%s has %v, %v", person, list, err)
			}
		}
	})
}

func TestAGrantShowsWhatItNamesAndNothingElse(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		must(t, h.put(t, "residents", "", resident("p1", "Anna", "Schmidt", "1988-04-12"), register.Why{}))
		must(t, h.put(t, "residents", "", resident("p2", "Mehmet", "Yılmaz", "1979-11-03"), register.Why{}))
		base := access.Request{Actor: access.Actor{Kind: access.Resident, ID: "p1"}, Action: access.Read, Resource: "register:residents",
			Owner: "p1", Fields: []string{"given_names", "family_name", "street"}}
		use := register.Use{Register: "residents", Person: "p1", Fields: []string{"given_names", "street"}, One: true}
		got, err := h.Fetch(t.Context(), h.grant(t, base), use)
		must(t, err)
		if want := (map[string]any{"given_names": "Anna", "street": "Kantstraße"}); !maps.Equal(got.(map[string]any), want) {
			t.Errorf("got %v, want %v", got, want)
		}
		for name, c := range map[string]struct {
			grant func(r *access.Request)
			use   func(u *register.Use)
			want  fault.Kind
		}{
			"a field that the grant doesn't name": {use: func(u *register.Use) { u.Fields = []string{"given_names", "birth_date"} }, want: fault.Denied},
			"another person":                      {use: func(u *register.Use) { u.Person = "p2" }, want: fault.Denied},
			"another register":                    {grant: func(r *access.Request) { r.Resource = "register:vehicles" }, want: fault.Internal},
			"a grant to change":                   {grant: func(r *access.Request) { r.Action = access.Change }, want: fault.Internal},
			"a field that isn't declared":         {use: func(u *register.Use) { u.Fields = []string{"data"} }, want: fault.Internal},
			"no fields":                           {use: func(u *register.Use) { u.Fields = nil }, want: fault.Internal},
			"an unknown register":                 {use: func(u *register.Use) { u.Register = "aliens" }, want: fault.NotFound},
		} {
			r, u := base, use
			if c.grant != nil {
				c.grant(&r)
			}
			if c.use != nil {
				c.use(&u)
			}
			if got, err := h.Fetch(t.Context(), h.grant(t, r), u); fault.KindOf(err) != c.want || got != nil {
				t.Errorf("%s: got %v, %v, want %s", name, got, err, c.want)
			}
		}
		if _, err := h.Fetch(t.Context(), access.Grant{}, use); err == nil {
			t.Error("no grant at all is taken")
		}
		if _, err := h.Get(t.Context(), h.grant(t, base), "residents", "p2"); !fault.Is(err, fault.Denied) {
			t.Errorf("another's record by key: %v", err)
		}
		if found, err := h.find(t, h.grant(t, base), "residents", "family_name", "yilmaz", []string{"street"}); err != nil || len(found) != 0 {
			t.Errorf("another's record by search: %v, %v", found, err)
		}
		if found, err := h.find(t, h.grant(t, base), "residents", "family_name", "SCHMIDT", []string{"street"}); err != nil || len(found) != 1 {
			t.Errorf("the own record by search: %v, %v", found, err)
		}
		if _, _, err := h.Lookup(t.Context(), nil, "residents", "family_name", "Schmidt"); !fault.Is(err, fault.Denied) {
			t.Errorf("a personal register looked up without a grant: %v", err)
		}
		if _, err := h.List(t.Context(), "residents"); !fault.Is(err, fault.Denied) {
			t.Errorf("a personal register listed: %v", err)
		}
	})
}

func TestWhatBreaksTheSchemaIsRefusedAndTheErrorHoldsNoData(t *testing.T) {
	h := open(t, storetest.SQLite(t, rooms))
	ok := resident("p1", "Anna", "Schmidt", "1988-04-12")
	for name, change := range map[string]func(m map[string]any){
		"a field that isn't declared": func(m map[string]any) { m["admin"] = true },
		"a missing field":             func(m map[string]any) { delete(m, "street") },
		"a day that doesn't exist":    func(m map[string]any) { m["birth_date"] = "1988-02-30" },
		"a number for a name":         func(m map[string]any) { m["family_name"] = 7 },
		"a postcode of four digits":   func(m map[string]any) { m["postcode"] = "4705" },
		"no key":                      func(m map[string]any) { m["id"] = "" },
	} {
		m := maps.Clone(ok)
		change(m)
		err := h.put(t, "residents", "", m, register.Why{})
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		} else if s := err.Error(); strings.Contains(s, "Schmidt") || strings.Contains(s, "1988") || strings.Contains(s, "4705 ") {
			t.Errorf("%s: the error tells personal data: %s", name, s)
		}
	}
	if err := h.put(t, "residents", "p2", ok, register.Why{}); !fault.Is(err, fault.Denied) {
		t.Errorf("a case of p2 writes the record of p1: %v", err)
	}
	big := maps.Clone(ok)
	big["family_name"] = strings.Repeat("x", 300<<10)
	if err := h.put(t, "residents", "", big, register.Why{}); !fault.Is(err, fault.TooLarge) {
		t.Errorf("300 kB: %v", err)
	}
}

// What the processes of the two services write, as their record.write tasks build it.
func TestTheRecordsThatCasesWriteAreTaken(t *testing.T) {
	h := open(t, storetest.SQLite(t, rooms))
	must(t, h.put(t, "parking_permits", "p1", map[string]any{"number": "BP-2026-000001", "person": "p1", "plate": "DU-AS 1988", "zone": "NN",
		"valid_from": "2026-12-01", "valid_until": "2027-11-30", "case": "c1"}, register.Why{Case: "c1"}))
	must(t, h.put(t, "businesses", "p1", map[string]any{"number": "GW-2026-000001", "person": "p1", "name": "Anna Schmidt Fahrräder", "legal_form": "sole",
		"activity": "Einzelhandel mit Fahrrädern", "street": "Kantstraße", "house_number": "14", "postcode": "47057", "start_date": "2026-12-01", "case": "c1"},
		register.Why{Case: "c1"}))
	held, err := h.OwnData(t.Context(), h.checker.Permit, access.Actor{Kind: access.Resident, ID: "p1", Level: access.Substantial})
	must(t, err)
	if len(held) != 2 {
		t.Fatalf("%d registers hold something, want 2", len(held))
	}
	got, err := held[1].Records[0].All()
	must(t, err)
	for field, want := range map[string]string{"number": "BP-2026-000001", "plate": "DU-AS 1988", "zone": "NN", "valid_from": "2026-12-01", "valid_until": "2027-11-30", "case": "c1"} {
		if got[field] != want {
			t.Errorf("%s is %v, want %s", field, got[field], want)
		}
	}
}

func TestAPersonIsMatchedOnlyIfNobodyElseCanBeMeant(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		for _, r := range []map[string]any{
			resident("p1", "Mehmet", "Yılmaz", "1979-11-03"), resident("p2", "Jürgen Karl", "Weiß-Müller", "1950-01-01"),
			resident("p3", "Anna", "Schmidt", "1990-05-05"), resident("p4", "ANNA", "Schmidt", "1990-05-05"),
		} {
			must(t, h.put(t, "residents", "", r, register.Why{}))
		}
		for _, c := range []struct {
			given, family, born, want string
			kind                      fault.Kind
		}{
			{"Mehmet", "Yılmaz", "1979-11-03", "p1", ""},
			{"MEHMET", "YILMAZ", "1979-11-03", "p1", ""},
			{"Juergen  Karl", "Weiss Mueller", "1950-01-01", "p2", ""},
			{"Jürgen", "Weiß-Müller", "1950-01-01", "", fault.NotFound},
			{"Mehmet", "Yılmaz", "1979-11-04", "", fault.NotFound},
			{"Anna", "Schmidt", "1990-05-05", "", fault.NotFound},
			{"", "Yılmaz", "1979-11-03", "", fault.NotFound},
			{"Mehmet", "Yılmaz", "", "", fault.NotFound},
			{"Mehmet|yilmaz", "1979-11-03", "", "", fault.NotFound},
		} {
			got, err := h.MatchPerson(t.Context(), c.given, c.family, c.born)
			if got != c.want || fault.KindOf(err) != c.kind {
				t.Errorf("%s %s %s: %q, %v", c.given, c.family, c.born, got, err)
			}
		}
		// A marriage: the old name finds nobody any more.
		must(t, h.put(t, "residents", "", resident("p1", "Mehmet", "Kaya", "1979-11-03"), register.Why{Reason: "marriage"}))
		if _, err := h.MatchPerson(t.Context(), "Mehmet", "Yılmaz", "1979-11-03"); !fault.Is(err, fault.NotFound) {
			t.Errorf("the old name: %v", err)
		}
		if id, err := h.MatchPerson(t.Context(), "Mehmet", "Kaya", "1979-11-03"); err != nil || id != "p1" {
			t.Errorf("the new name: %q %v", id, err)
		}
	})
}

func TestAStreetIsFoundHoweverItIsWritten(t *testing.T) {
	h := open(t, storetest.SQLite(t, rooms))
	street := func(name string, zone any) map[string]any {
		return map[string]any{"name": name, "quarter": "505", "postcode": "47057", "first_number": 1, "last_number": 80, "zone": zone}
	}
	must(t, h.put(t, "streets", "", street("Kantstraße", "NN"), register.Why{}))
	must(t, h.put(t, "streets", "", street("Robert-Koch-Straße", nil), register.Why{}))
	for in, want := range map[string]string{
		"Kantstraße": "Kantstraße", "kantstrasse": "Kantstraße", "KANTSTR.": "Kantstraße", "Kantstr": "Kantstraße", "Kant Straße": "Kantstraße",
		"Robert Koch Str.": "Robert-Koch-Straße", "Kantweg": "", "": "", "%": "",
	} {
		m, ok, err := h.Lookup(t.Context(), nil, "streets", "name", in)
		if err != nil || ok != (want != "") || ok && m["name"] != want {
			t.Errorf("%q finds %v, %v", in, m, err)
		}
	}
	m, _, _ := h.Lookup(t.Context(), nil, "streets", "name", "Robert-Koch-Straße")
	if z, there := m["zone"]; z != nil || !there {
		t.Errorf("a street outside every zone has zone %v", z)
	}
}

func TestMyDataIsAllThatTheRegistersHoldAboutMe(t *testing.T) {
	h := open(t, storetest.SQLite(t, rooms))
	must(t, h.put(t, "residents", "", resident("p1", "Elif", "Kaya", "1992-07-25"), register.Why{}))
	must(t, h.put(t, "vehicles", "", car("DU-EK 1", "p1"), register.Why{}))
	must(t, h.put(t, "vehicles", "", car("DU-EK 2", "p1"), register.Why{}))
	must(t, h.put(t, "vehicles", "", car("DU-XX 3", "p2"), register.Why{}))
	var asked []string
	permit := func(ctx context.Context, r access.Request) (access.Grant, error) {
		asked = append(asked, r.Resource)
		return h.checker.Permit(ctx, r)
	}
	held, err := h.OwnData(t.Context(), permit, access.Actor{Kind: access.Resident, ID: "p1", Level: access.Substantial})
	must(t, err)
	got := map[string]int{}
	for _, x := range held {
		got[x.Register.ID] = len(x.Records)
		for _, r := range x.Records {
			var m map[string]any
			must(t, json.Unmarshal(r.Data, &m))
			if m["id"] != "p1" && m["holder"] != "p1" {
				t.Errorf("somebody else's record: %v", m)
			}
		}
	}
	if fmt.Sprint(got) != "map[residents:1 vehicles:2]" {
		t.Errorf("held: %v", got)
	}
	if !slices.Contains(asked, "register:businesses") || slices.Contains(asked, "register:streets") {
		t.Errorf("asked for %v: every register about persons, and no other", asked)
	}
}

// The policies of the house let the registers be used as the rooms use them, and
// not otherwise.
func TestThePoliciesOfTheHouseFitTheOffice(t *testing.T) {
	db := storetest.SQLite(t, rooms)
	checker := accesstest.House(t, db)
	h := open(t, db)
	must(t, h.put(t, "residents", "", resident("p1", "Elif", "Kaya", "1992-07-25"), register.Why{}))
	elif := access.Actor{Kind: access.Resident, ID: "p1", Level: access.Substantial}
	held, err := h.OwnData(t.Context(), checker.Permit, elif)
	if err != nil || len(held) != 1 {
		t.Errorf("own data: %v, %v", held, err)
	}
	weak := elif
	weak.Level = access.Basic
	if _, err := h.OwnData(t.Context(), checker.Permit, weak); !fault.Is(err, fault.StepUp) {
		t.Errorf("own data at trust level basic: %v, want a step-up", err)
	}
	fields := []string{"given_names", "street"}
	g, err := checker.Permit(t.Context(), access.Request{Actor: elif, Action: access.Read, Resource: register.Resource("residents"), Owner: "p1",
		Purpose: "resident-parking-permit", Service: "resident-parking-permit", Basis: "§ 34 Absatz 1 BMG", Fields: fields, Subjects: []string{"p1"}})
	must(t, err)
	if got, err := h.Fetch(t.Context(), g, register.Use{Register: "residents", Person: "p1", Fields: fields, One: true}); err != nil || got == nil {
		t.Errorf("a service's fetch: %v, %v", got, err)
	}
	if _, err := checker.Permit(t.Context(), access.Request{Actor: access.SystemActor("demo"), Action: access.Change, Resource: "register",
		Purpose: "demo data", Basis: "demo"}); err != nil {
		t.Errorf("loading the demo: %v", err)
	}
	if _, err := checker.Permit(t.Context(), access.Request{Actor: access.SystemActor("process"), Action: access.Change, Resource: register.Resource("parking_permits"),
		Purpose: "resident-parking-permit", Basis: "§ 45 StVO", Owner: "p1", Case: "c1"}); err != nil {
		t.Errorf("a process writes a permit: %v", err)
	}
}

func TestAMistakeInAPackageIsNamed(t *testing.T) {
	good, err := os.ReadFile("../../content/registers/districts/register.toml")
	must(t, err)
	schema, err := os.ReadFile("../../content/registers/districts/schema.json")
	must(t, err)
	for name, c := range map[string]struct{ old, new, oldSchema, newSchema, want string }{
		"another id":          {old: `id = "districts"`, new: `id = "quarters"`, want: "must be the folder's name"},
		"a typo":              {old: "basis =", new: "bassis =", want: "unknown key bassis"},
		"an unknown class":    {old: `class = "public"`, new: `class = "secret"`, want: `has class "secret"`},
		"a key without field": {old: `key = "number"`, new: `key = "code"`, want: `key "code" is no field`},
		"a link to nowhere":   {old: `link = "districts"`, new: `link = "moons"`, want: `register "moons"`},
		"undeclared property": {oldSchema: `"name": {`, newSchema: `"nick": {"type":"string"}, "name": {`, want: "property nick is not declared"},
		"an open schema":      {oldSchema: `"additionalProperties": false`, newSchema: `"additionalProperties": true`, want: "additionalProperties must be false"},
		"a schema from the network": {oldSchema: `"name": {`, newSchema: `"name": {"$ref": "https://example.org/x.json",`,
			want: "may not refer to"},
	} {
		fsys := fstest.MapFS{
			"districts/register.toml": {Data: []byte(strings.Replace(string(good), c.old, c.new, 1))},
			"districts/schema.json":   {Data: []byte(strings.Replace(string(schema), c.oldSchema, c.newSchema, 1))},
		}
		if _, err := register.Load(fsys); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// FuzzLoad feeds packages that nobody would write: they are refused, and nothing breaks.
func FuzzLoad(f *testing.F) {
	for _, id := range []string{"districts", "residents"} {
		a, err := os.ReadFile("../../content/registers/" + id + "/register.toml")
		must(f, err)
		b, err := os.ReadFile("../../content/registers/" + id + "/schema.json")
		must(f, err)
		f.Add(a, b)
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		regs, err := register.Load(fstest.MapFS{"residents/register.toml": {Data: a}, "residents/schema.json": {Data: b}})
		if (regs == nil) == (err == nil) {
			t.Fatalf("registers %v, error %v", regs, err)
		}
	})
}

func BenchmarkFetch(b *testing.B) {
	h := open(b, storetest.SQLite(b, rooms))
	for i := range 2000 {
		must(b, h.put(b, "vehicles", "", car(fmt.Sprintf("DU-X %d", i+1), fmt.Sprintf("p%d", i)), register.Why{}))
	}
	fields := []string{"plate", "make", "model"}
	g := h.grant(b, access.Request{Action: access.Read, Resource: "register:vehicles", Owner: "p77", Fields: fields})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Fetch(b.Context(), g, register.Use{Register: "vehicles", Person: "p77", Fields: fields}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPut(b *testing.B) {
	h := open(b, storetest.SQLite(b, rooms))
	g := h.grant(b, access.Request{Action: access.Change, Resource: "register:vehicles"})
	for i := 0; b.Loop(); i++ {
		if err := h.db.Write(b.Context(), func(tx *store.Tx) error {
			return h.Put(b.Context(), tx, g, "vehicles", "", car(fmt.Sprintf("DU-X %d", i%9999+1), fmt.Sprint(i)), register.Why{})
		}); err != nil {
			b.Fatal(err)
		}
	}
}
