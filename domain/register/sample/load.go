// SPDX-License-Identifier: EUPL-1.2

package sample

import (
	"context"
	"encoding/json"
	"iter"
	"strconv"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/domain/register"
)

// Loading is what Load needs.
type Loading struct {
	City      *City
	Generator *Generator
	Registers *register.Service
	Grant     access.Grant // to change "register"
	Residents int
	// Progress is told after each batch how many residents are stored.
	Progress func(done, total int)
}

// Load fills the registers: the city's own, then residents and their vehicles, then the houses
// and households that they live in and what a few of them run. What
// is already there stays, so it can be called at every start; after a crash it goes
// on where it was.
func Load(ctx context.Context, l Loading) error {
	const op = "sample.load"
	if err := InstallCity(ctx, l.City, l.Registers, l.Grant); err != nil {
		return fault.Wrap(op, err)
	}
	why := register.Why{Reason: "demo data"}
	stored := l.persons()
	err := l.Registers.Load(ctx, l.Grant, register.Loading{
		Name: "sample.people", Records: l.Generator.records(l.Residents), Why: why,
		Progress: func(done int) {
			if l.Progress != nil {
				l.Progress(stored(done), l.Residents)
			}
		},
	})
	if err != nil {
		return fault.Wrap(op, err)
	}
	if err := l.Registers.Load(ctx, l.Grant, register.Loading{Name: "sample.staff", Records: l.Generator.staff(), Why: why}); err != nil {
		return fault.Wrap(op, err)
	}
	if err := l.Registers.Load(ctx, l.Grant, register.Loading{Name: "sample.things", Records: l.Generator.things(l.Residents), Why: why}); err != nil {
		return fault.Wrap(op, err)
	}
	if err := l.Registers.Load(ctx, l.Grant, register.Loading{Name: "sample.documents", Records: l.Generator.documents(l.Residents), Why: why}); err != nil {
		return fault.Wrap(op, err)
	}
	if l.Progress != nil {
		l.Progress(l.Residents, l.Residents)
	}
	return nil
}

// InstallCity brings the city's own registers (offices, staff, districts, streets,
// zones) up to what the files say: at every start, in a demo or not. What the files
// no longer name stays.
func InstallCity(ctx context.Context, c *City, registers *register.Service, g access.Grant) error {
	return fault.Wrap("sample.installCity", registers.Load(ctx, g, register.Loading{
		Name: "city", Records: c.records(), Why: register.Why{Reason: "content/city"}, Update: true,
	}))
}

// persons turns a number of records into a number of residents, at the average
// rate of cars.
func (l Loading) persons() func(records int) int {
	sample := min(l.Residents, 2000)
	records := 0
	for i := range sample {
		records += 1 + len(l.Generator.Person(i).Vehicles)
	}
	last := 0
	return func(n int) int {
		if records > 0 {
			last = max(last, min(l.Residents, n*sample/records))
		}
		return last
	}
}

// records are the city's own registers.
func (c *City) records() iter.Seq[register.Item] {
	return func(yield func(register.Item) bool) {
		item := func(reg string, v any) bool { return yield(register.Item{Register: reg, Data: marshal(v)}) }
		for _, o := range c.Offices {
			var parent *string
			if o.Parent != "" {
				parent = &o.Parent
			}
			if !item("offices", struct {
				Office
				Parent *string `json:"parent"`
			}{o, parent}) {
				return
			}
		}
		for _, s := range c.Staff {
			if !item("staff", s) {
				return
			}
		}
		for _, d := range c.Districts {
			if !item("districts", d) {
				return
			}
		}
		for _, s := range c.Streets {
			if !item("streets", s) {
				return
			}
		}
		for _, z := range c.Zones {
			if !item("parking_zones", z) {
				return
			}
		}
	}
}

// staff are those among the residents who work for the city, so that a clerk can meet a colleague, or themself, in a register.
func (g *Generator) staff() iter.Seq[register.Item] {
	return func(yield func(register.Item) bool) {
		for i, s := range g.city.Staff {
			if s.Person == "" {
				continue
			}
			street := g.city.Streets[i*7%len(g.city.Streets)]
			r := Resident{ID: s.Person, GivenNames: s.GivenName, FamilyName: s.FamilyName, BirthDate: g.today.AddDate(-30-i, -i, -i).Format(time.DateOnly), Nationality: "DE",
				Street: street.Name, HouseNumber: strconv.Itoa(street.First), Postcode: street.Postcode, City: g.city.Info.Place, Quarter: street.Quarter, ResidenceSince: "2015-06-01"}
			if !yield(item("residents", r.json(), r.Value)) {
				return
			}
		}
	}
}

// records are n residents, each followed by their vehicles.
func (g *Generator) records(n int) iter.Seq[register.Item] {
	return func(yield func(register.Item) bool) {
		for i := range n {
			p := g.Person(i)
			if !yield(item("residents", p.Resident.json(), p.Resident.Value)) {
				return
			}
			for k := range p.Vehicles {
				if !yield(item("vehicles", p.Vehicles[k].json(), p.Vehicles[k].Value)) {
					return
				}
			}
		}
	}
}

func item(reg string, data json.RawMessage, value func(string) string) register.Item {
	return register.Item{Register: reg, Data: data, Value: value}
}
