// SPDX-License-Identifier: EUPL-1.2

package sample_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/base/person"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/core/vault"
	"mercator/core/vault/vaulttest"
	"mercator/domain/register"
	"mercator/domain/register/sample"
)

var today = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

var rooms = []store.Migrations{audit.Migrations(), vault.Migrations(), register.Migrations()}

func city(t testing.TB) (*sample.City, *sample.Generator) {
	t.Helper()
	c, err := sample.LoadCity(os.DirFS("../../../content/city"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := sample.NewGenerator(c, 1, today)
	if err != nil {
		t.Fatal(err)
	}
	return c, g
}

func office(t testing.TB, db *store.DB) (*register.Service, access.Grant) {
	t.Helper()
	regs, err := register.Load(os.DirFS("../../../content/registers"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := register.New(register.Config{DB: db, Vault: vaulttest.Open(t, db), Registers: regs})
	if err != nil {
		t.Fatal(err)
	}
	g := accesstest.Grant(t, accesstest.AllowAll(t, db), access.Request{
		Actor: access.SystemActor("demo"), Action: access.Change, Resource: "register", Purpose: "demo data",
	})
	return s, g
}

func TestTheCityIsWhole(t *testing.T) {
	c, _ := city(t)
	districts, quarters := 0, 0
	for _, d := range c.Districts {
		if d.Parent == nil {
			districts++
		} else {
			quarters++
		}
	}
	if districts != 7 || quarters != 46 {
		t.Errorf("%d districts and %d quarters, Duisburg has 7 and 46", districts, quarters)
	}
	seen := map[string]bool{}
	for _, s := range c.Streets {
		if seen[s.Name] {
			t.Errorf("%s is there twice: a street's name must tell its zone", s.Name)
		}
		seen[s.Name] = true
	}
	for _, z := range c.Zones {
		for _, s := range z.Streets {
			if !seen[s] {
				t.Errorf("zone %s holds %s, which is no street", z.Code, s)
			}
		}
	}
	offices := map[string]bool{}
	for _, o := range c.Offices {
		offices[o.ID] = true
	}
	for _, s := range c.Staff {
		if !offices[s.Office] {
			t.Errorf("%s works at office %s, which isn't there", s.ID, s.Office)
		}
	}
}

func TestTheOutlinesBelongToTheCity(t *testing.T) {
	c, _ := city(t)
	names := map[string]string{"000": c.Info.Place}
	for _, d := range c.Districts {
		names[d.Number] = d.Name
	}
	text, err := os.ReadFile("../../../content/city/districts.geojson")
	if err != nil {
		t.Fatal(err)
	}
	var outlines struct {
		Attribution string
		Features    []struct {
			Properties struct{ Number, Name string }
			Geometry   struct {
				Type        string
				Coordinates [][][][2]float64
			}
		}
	}
	if err := json.Unmarshal(text, &outlines); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(outlines.Attribution, "OpenStreetMap contributors") || len(outlines.Features) != 23 {
		t.Errorf("attribution %q, %d outlines", outlines.Attribution, len(outlines.Features))
	}
	for _, f := range outlines.Features {
		if names[f.Properties.Number] != f.Properties.Name || f.Geometry.Type != "MultiPolygon" {
			t.Errorf("outline %+v is not %q", f.Properties, names[f.Properties.Number])
		}
		for _, polygon := range f.Geometry.Coordinates {
			for _, ring := range polygon {
				if len(ring) < 4 || ring[0] != ring[len(ring)-1] {
					t.Errorf("%s: a ring isn't closed", f.Properties.Name)
				}
				for _, p := range ring {
					if p[0] < 6.6 || p[0] > 6.9 || p[1] < 51.3 || p[1] > 51.6 {
						t.Fatalf("%s: %v lies outside the city", f.Properties.Name, p)
					}
				}
			}
		}
	}
	for _, file := range []string{"ODbL-1.0-OpenStreetMap.txt", "CC-BY-3.0-DE-Vornamen-Berlin.txt"} {
		if _, err := os.Stat("../../../content/city/licences/" + file); err != nil {
			t.Error(err)
		}
	}
}

func TestTheNamedPeopleAreWhoTheirStoriesSay(t *testing.T) {
	c, g := city(t)
	zone := func(street string) string {
		for _, s := range c.Streets {
			if s.Name == street && s.Zone != nil {
				return *s.Zone
			}
		}
		return ""
	}
	for _, c := range []struct {
		login  string
		inZone bool
		cars   int
		level  string
	}{
		{"anna-schmidt", true, 1, "substantial"},
		{"mehmet-yilmaz", false, 1, "substantial"},
		{"elif-kaya", true, 2, "substantial"},
		{"jonas-weber", true, 0, "substantial"},
		{"sofia-rossi", true, 1, "basic"},
	} {
		p, ok := g.Find(c.login)
		if !ok {
			t.Errorf("%s is missing", c.login)
			continue
		}
		if in := zone(p.Resident.Street) != ""; in != c.inZone || len(p.Vehicles) != c.cars || p.Level != c.level {
			t.Errorf("%s: in a zone %v, %d cars, level %s", c.login, in, len(p.Vehicles), p.Level)
		}
	}
	anna, _ := g.Find("anna-schmidt")
	if anna.Resident.BirthDate != "1988-04-12" || anna.Vehicles[0].Plate != "DU-AS 1988" {
		t.Errorf("Anna is %+v", anna.Person)
	}
	jonas, _ := g.Find("jonas-weber")
	if jonas.Resident.ResidenceSince != "2026-11-02" {
		t.Errorf("Jonas moved in on %s, want three weeks before the demo began", jonas.Resident.ResidenceSince)
	}
}

func TestPeopleAreAlwaysTheSameAndFitTheRegisters(t *testing.T) {
	_, g := city(t)
	_, again := city(t)
	s, _ := office(t, storetest.SQLite(t, rooms))
	ids, plates := map[string]bool{}, map[string]bool{}
	given := map[string]bool{}
	cars := 0
	for i := range 20000 {
		p := g.Person(i)
		if i%97 == 0 {
			if q := again.Person(i); q.Resident != p.Resident {
				t.Fatalf("person %d is once %+v and once %+v", i, p.Resident, q.Resident)
			}
		}
		if ids[p.Resident.ID] || !ident.Valid(p.Resident.ID) {
			t.Fatalf("id of person %d: %q", i, p.Resident.ID)
		}
		ids[p.Resident.ID] = true
		given[p.Resident.GivenNames] = true
		for _, v := range p.Vehicles {
			cars++
			if plates[v.Plate] {
				t.Fatalf("plate %s is there twice", v.Plate)
			}
			plates[v.Plate] = true
			if n, err := person.ParsePlate(v.Plate, "DU"); err != nil || n != v.Plate {
				t.Fatalf("plate %q reads as %q, %v", v.Plate, n, err)
			}
		}
		if r := p.Resident; r.ResidenceSince < r.BirthDate || r.ResidenceSince > "2026-11-23" {
			t.Fatalf("%+v", r)
		}
		if i < 2000 {
			if err := s.Check("residents", p.Resident); err != nil {
				t.Fatalf("%+v: %v", p.Resident, errors.Unwrap(err))
			}
			if _, err := person.ParseName(p.Resident.FamilyName); err != nil {
				t.Fatalf("family name %q: %v", p.Resident.FamilyName, err)
			}
			for _, v := range p.Vehicles {
				if err := s.Check("vehicles", v); err != nil {
					t.Fatalf("%+v: %v", v, errors.Unwrap(err))
				}
			}
		}
	}
	if len(given) < 1000 || cars < 8000 || cars > 14000 {
		t.Errorf("20,000 people have %d given names and %d cars", len(given), cars)
	}
	if a, b := g.Person(499_999), g.Person(499_998); a.Resident.ID <= b.Resident.ID {
		t.Error("ids don't rise")
	}
}

func TestTheDemoCityIsLoadedOnceAndGoesOnWhereItWas(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		c, g := city(t)
		s, grant := office(t, db)
		load := func(n int) (calls, last int) {
			err := sample.Load(ctx, sample.Loading{City: c, Generator: g, Registers: s, Grant: grant, Residents: n,
				Progress: func(done, total int) { calls++; last = done }})
			if err != nil {
				t.Fatal(err)
			}
			return calls, last
		}
		if calls, last := load(600); calls < 2 || last != 600 {
			t.Errorf("progress: %d calls, the last says %d", calls, last)
		}
		first, err := s.Loaded(ctx, "sample.people")
		if err != nil {
			t.Fatal(err)
		}
		load(600) // the next start
		load(900) // a larger city
		more, err := s.Loaded(ctx, "sample.people")
		if err != nil || more <= first {
			t.Errorf("%d records, then %d, %v", first, more, err)
		}
		for _, n := range g.Named() {
			id, err := s.MatchPerson(ctx, n.Resident.GivenNames, n.Resident.FamilyName, n.Resident.BirthDate)
			if err != nil || id != n.Resident.ID {
				t.Errorf("%s is matched with %q, %v", n.Login, id, err)
			}
		}
		if _, err := s.MatchPerson(ctx, "Anna", "Schmidt", "1988-04-13"); !fault.Is(err, fault.NotFound) {
			t.Errorf("a wrong birth date: %v", err)
		}
		if zones, err := s.List(ctx, "parking_zones"); err != nil || len(zones) != len(c.Zones) {
			t.Errorf("%d zones, %v", len(zones), err)
		}
		street, ok, err := s.Lookup(ctx, nil, "streets", "name", "kantstr.")
		if err != nil || !ok || street["zone"] != "NN" {
			t.Errorf("Kantstraße: %v %v %v", street, ok, err)
		}
	})
}

func TestALoadThatBreaksOffGoesOnWhereItWas(t *testing.T) {
	c, g := city(t)
	s, grant := office(t, storetest.SQLite(t, rooms))
	const n = 13000 // more than one batch
	ctx, stop := context.WithCancel(t.Context())
	load := sample.Loading{City: c, Generator: g, Registers: s, Grant: grant, Residents: n, Progress: func(int, int) { stop() }}
	if err := sample.Load(ctx, load); err == nil {
		t.Fatal("the load wasn't broken off")
	}
	half, err := s.Loaded(t.Context(), "sample.people")
	if err != nil || half == 0 {
		t.Fatalf("%d records, %v", half, err)
	}
	load.Progress = nil
	if err := sample.Load(t.Context(), load); err != nil {
		t.Fatal(err)
	}
	want := 0
	for i := range n {
		want += 1 + len(g.Person(i).Vehicles)
	}
	all, err := s.Loaded(t.Context(), "sample.people")
	if err != nil || all != want || half >= all {
		t.Errorf("%d records after the break, %d in the end, want %d; %v", half, all, want, err)
	}
	for _, i := range []int{0, half / 2, n - 1} {
		r := g.Person(i).Resident
		if id, err := s.MatchPerson(t.Context(), r.GivenNames, r.FamilyName, r.BirthDate); err != nil || id != r.ID {
			t.Errorf("person %d: %q, %v", i, id, err)
		}
	}
}

func TestAStreetThatMovesToAnotherZoneDoesSoAtTheNextStart(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		c, _ := city(t)
		s, grant := office(t, db)
		zone := func() any {
			m, ok, err := s.Lookup(ctx, nil, "streets", "name", "Kantstraße")
			if err != nil || !ok {
				t.Fatal(ok, err)
			}
			return m["zone"]
		}
		for range 2 {
			if err := sample.InstallCity(ctx, c, s, grant); err != nil {
				t.Fatal(err)
			}
		}
		if zone() != "NN" {
			t.Errorf("zone %v", zone())
		}
		for i := range c.Streets {
			if c.Streets[i].Name == "Kantstraße" {
				c.Streets[i].Zone = nil
			}
		}
		if err := sample.InstallCity(ctx, c, s, grant); err != nil {
			t.Fatal(err)
		}
		if zone() != nil {
			t.Errorf("zone %v after the change", zone())
		}
	})
}

func BenchmarkPerson(b *testing.B) {
	_, g := city(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		g.Person(i)
	}
}

func BenchmarkLoadResidents(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { benchmarkLoad(b, storetest.SQLite(b, rooms)) })
	b.Run("postgres", func(b *testing.B) { benchmarkLoad(b, storetest.Postgres(b, rooms)) })
}

func benchmarkLoad(b *testing.B, db *store.DB) {
	c, g := city(b)
	s, grant := office(b, db)
	b.ResetTimer()
	if err := sample.Load(b.Context(), sample.Loading{City: c, Generator: g, Registers: s, Grant: grant, Residents: b.N}); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "residents/s")
}

// Every register of the city has records in the demo, and what a record links to is there.
func TestEveryRegisterHasSamplesWhoseLinksLeadSomewhere(t *testing.T) {
	c, g := city(t)
	db := storetest.SQLite(t, rooms)
	s, grant := office(t, db)
	load := sample.Loading{City: c, Generator: g, Registers: s, Grant: grant, Residents: 100}
	for range 2 { // a city that grows
		if err := sample.Load(t.Context(), load); err != nil {
			t.Fatal(err)
		}
		load.Residents = 200
	}
	checker := accesstest.AllowAll(t, db)
	all := map[string]map[string]map[string]any{} // register, key
	for _, d := range s.Registers().All() {
		all[d.ID] = map[string]map[string]any{}
		grant := accesstest.Grant(t, checker, access.Request{Actor: access.SystemActor("test"), Action: access.List, Resource: register.Resource(d.ID),
			Purpose: "test", Basis: "test", Office: d.Office, Fields: d.FieldNames()})
		if err := s.Export(t.Context(), grant, d.ID, checker.Seen, func(list []map[string]any) error {
			for _, r := range list {
				all[d.ID][r[d.Key].(string)] = r
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if len(all[d.ID]) == 0 && d.ID != "parking_permits" { // they come of cases
			t.Errorf("%s has no record", d.ID)
		}
	}
	for _, d := range s.Registers().All() {
		for key, r := range all[d.ID] {
			for _, f := range d.Fields {
				to, ok := r[f.Name].(string)
				if f.Link != "" && !f.View() && ok && all[f.Link][to] == nil {
					t.Errorf("%s %s: %s leads to %s %q, which isn't there", d.ID, key, f.Name, f.Link, to)
				}
			}
		}
	}
	if n := len(all["households"]); n != 200 {
		t.Errorf("%d of 200 residents belong to a household", n)
	}
	for _, o := range all["organisations"] {
		rest := 0
		for _, c := range o["lei"].(string) {
			n := int(c - '0')
			if c >= 'A' {
				rest, n = rest*10, int(c-'A')+10
			}
			rest = (rest*10 + n) % 97
		}
		if rest != 1 {
			t.Errorf("the check digits of %v are wrong: %d", o["lei"], rest)
		}
	}
}
