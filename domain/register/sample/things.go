// SPDX-License-Identifier: EUPL-1.2

package sample

import (
	"cmp"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"mercator/base/person"
	"mercator/domain/register"
)

// maxHousehold is how many of those who live at one address make one household.
const maxHousehold = 4

// furnished is how many of the residents have a house, a household and perhaps a business: enough for
// every screen, and few enough that a large demo city starts soon.
const furnished = 5000

// trades are what the organisations of the demo do: word for the name, what the register says.
var trades = [...]struct{ name, says string }{
	{"Elektrotechnik", "Planung und Bau elektrischer Anlagen"}, {"Spedition", "Spedition und Lagerei"}, {"Metallbau", "Herstellung von Metallkonstruktionen"},
	{"Gebäudereinigung", "Reinigung von Gebäuden"}, {"Gartenbau", "Garten- und Landschaftsbau"}, {"Softwarehaus", "Entwicklung von Software"},
	{"Pflegedienst", "Ambulante Pflege"}, {"Druckerei", "Herstellung von Druckerzeugnissen"}, {"Bäckerei", "Herstellung und Verkauf von Backwaren"},
	{"Hafenlogistik", "Umschlag und Lagerung von Gütern"},
}

var forms = [...]struct{ code, short, register string }{
	{"gmbh", "GmbH", "HRB"}, {"gmbh", "GmbH", "HRB"}, {"kg", "KG", "HRA"}, {"ag", "AG", "HRB"}, {"ohg", "OHG", "HRA"}, {"eg", "eG", "GnR"}, {"ev", "e. V.", "VR"},
}

var eateries = [...]struct{ kind, name string }{
	{"restaurant", "Gasthaus"}, {"restaurant", "Ristorante"}, {"cafe", "Café"}, {"pub", "Schänke"}, {"snack", "Imbiss"}, {"restaurant", "Lokanta"},
}

type address struct {
	ID          string          `json:"id"`
	Street      string          `json:"street"`
	HouseNumber string          `json:"house_number"`
	Postcode    string          `json:"postcode"`
	City        string          `json:"city"`
	Quarter     string          `json:"quarter"`
	Building    string          `json:"building"`
	Zone        string          `json:"zone,omitempty"`
	Place       json.RawMessage `json:"place,omitempty"`
}

type building struct {
	ID        string          `json:"id"`
	Function  string          `json:"function"`
	Storeys   int             `json:"storeys"`
	YearBuilt int             `json:"year_built"`
	Footprint int             `json:"footprint"`
	Monument  bool            `json:"monument"`
	Quarter   string          `json:"quarter"`
	Place     json.RawMessage `json:"place,omitempty"`
}

// things are houses, households, organisations, businesses, restaurants and licences around the first n
// residents, in a fixed order: with more residents it goes on where it ended with fewer. All of it is made up.
func (g *Generator) things(n int) iter.Seq[register.Item] {
	return func(yield func(register.Item) bool) {
		item := func(reg string, v any) bool { return yield(register.Item{Register: reg, Data: marshal(v)}) }
		living := map[string]int{} // by address
		streets := map[string]Street{}
		for _, s := range g.city.Streets {
			streets[s.Name] = s
		}
		middle := g.city.middles()
		for i := range min(n, furnished) {
			p := g.Person(i).Resident
			r := rand.New(rand.NewPCG(g.seed^0x7468696e6773, uint64(i)))
			at := strings.ReplaceAll(person.Fold(p.Street), " ", "-") + "-" + strings.ToLower(p.HouseNumber)
			before, there := living[at]
			living[at]++
			if !there {
				b, a := g.house(r, p, streets[p.Street], at, middle[p.Quarter])
				if !item("buildings", b) || !item("addresses", a) {
					return
				}
			}
			role := "member"
			if before%maxHousehold == 0 {
				role = "reference"
			}
			if !item("households", map[string]any{"id": "HP-" + strconv.Itoa(i+1), "household": fmt.Sprintf("H-%s-%d", at, before/maxHousehold+1), "person": p.ID,
				"role": role, "address": at, "since": p.ResidenceSince}) {
				return
			}
			for _, x := range g.trade(r, i, p, at) {
				if !item(x.reg, x.data) {
					return
				}
			}
		}
	}
}

func (g *Generator) house(r *rand.Rand, p Resident, s Street, at string, middle *[2]float64) (building, address) {
	b := building{ID: "B-" + at, Function: "1000", Storeys: 1 + r.IntN(6), YearBuilt: 1880 + r.IntN(140), Footprint: 60 + r.IntN(400), Quarter: p.Quarter}
	switch k := r.IntN(100); {
	case k < 15:
		b.Function = "1100"
	case k < 18:
		b.Function = "2000"
	}
	b.Monument = b.YearBuilt < 1915 && r.IntN(4) == 0
	if middle != nil {
		// Near the middle of the quarter: no list of the city's houses with their places is ours to pass on.
		b.Place = marshal(map[string]any{"type": "Point", "coordinates": []float64{
			math.Round((middle[0]+(r.Float64()-.5)*.006)*1e6) / 1e6, math.Round((middle[1]+(r.Float64()-.5)*.004)*1e6) / 1e6}})
	}
	a := address{ID: at, Street: p.Street, HouseNumber: p.HouseNumber, Postcode: p.Postcode, City: p.City, Quarter: p.Quarter, Building: b.ID, Place: b.Place}
	if s.Zone != nil {
		a.Zone = *s.Zone
	}
	return b, a
}

type thing struct {
	reg  string
	data any
}

// trade is what a few of the residents run. The named people run nothing: their stories say what they have.
func (g *Generator) trade(r *rand.Rand, i int, p Resident, at string) (out []thing) {
	born, err := time.Parse(time.DateOnly, p.BirthDate)
	if i < len(g.named) || err != nil || born.AddDate(20, 0, 0).After(g.today) {
		return nil
	}
	grown := max(1, int(g.today.Sub(born.AddDate(20, 0, 0)).Hours()/24))
	day := g.today.AddDate(0, 0, -1-r.IntN(min(grown, 20*365))).Format(time.DateOnly)
	t := trades[r.IntN(len(trades))]
	if i%20 == 7 {
		f := forms[r.IntN(len(forms))]
		out = append(out, thing{"organisations", map[string]any{"id": "O-" + strconv.Itoa(i+1), "name": t.name + " " + p.Street + " " + f.short, "legal_form": f.code,
			"lei": lei(i), "register_court": "Amtsgericht " + g.city.Info.Place, "register_kind": f.register, "register_number": strconv.Itoa(900_000 + i),
			"activity": t.says, "founded": day, "employees": 1 + r.IntN(80), "address": at}})
	}
	number := fmt.Sprintf("GW-%06d", i+1)
	business := func(name, activity string) thing {
		return thing{"businesses", map[string]any{"number": number, "person": p.ID, "name": name, "legal_form": "Einzelunternehmen", "activity": activity,
			"street": p.Street, "house_number": p.HouseNumber, "postcode": p.Postcode, "start_date": day}}
	}
	switch i % 30 {
	case 11:
		out = append(out, business(t.name+" "+p.Street, t.says))
	case 12:
		e := eateries[r.IntN(len(eateries))]
		name, licence := e.name+" "+p.Street+" "+p.HouseNumber, fmt.Sprintf("ER-%06d", i+1)
		alcohol := e.kind == "pub" || e.kind == "restaurant" && r.IntN(4) > 0
		data := map[string]any{"number": fmt.Sprintf("GA-%06d", i+1), "person": p.ID, "business": number, "name": name, "kind": e.kind, "seats": 8 + r.IntN(90),
			"outdoor_seats": r.IntN(40), "alcohol": alcohol, "address": at}
		out = append(out, business(name, "Gaststätte"))
		if alcohol { // § 2 GastG: who serves none needs no licence
			data["licence"] = licence
			out = append(out, thing{"licences", map[string]any{"number": licence, "person": p.ID, "business": number, "kind": "restaurant", "state": "valid", "issued": day,
				"conditions": []string{"Außenbewirtschaftung bis 22 Uhr"}}})
		}
		out = append(out, thing{"restaurants", data})
	}
	return out
}

// lei is an identifier in the form of ISO 17442 with right check digits; no issuer has the prefix 0000.
func lei(i int) string {
	s := fmt.Sprintf("000000DEMO%08d", i)
	rest := 0
	for _, c := range s + "00" {
		if n := strings.IndexRune("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", c); n < 10 {
			rest = (rest*10 + n) % 97
		} else {
			rest = (rest*100 + n) % 97
		}
	}
	return fmt.Sprintf("%s%02d", s, 98-rest)
}

// middles are the middles of the quarters: of their own outline, else of their district's.
func (c *City) middles() map[string]*[2]float64 {
	own := map[string]*[2]float64{}
	for _, d := range c.Districts {
		own[d.Number] = middleOf(d.Area)
	}
	out := map[string]*[2]float64{}
	for _, d := range c.Districts {
		if d.Parent != nil {
			out[d.Number] = cmp.Or(own[d.Number], own[*d.Parent])
		}
	}
	return out
}

// middleOf is the middle of the corners of a geometry; nil: it has none.
func middleOf(geometry json.RawMessage) *[2]float64 {
	var g struct {
		Coordinates any `json:"coordinates"`
	}
	if json.Unmarshal(geometry, &g) != nil {
		return nil
	}
	var sum [2]float64
	n := 0.0
	var walk func(v any)
	walk = func(v any) {
		list, _ := v.([]any)
		if len(list) == 2 {
			x, ok1 := list[0].(float64)
			y, ok2 := list[1].(float64)
			if ok1 && ok2 {
				sum[0], sum[1], n = sum[0]+x, sum[1]+y, n+1
				return
			}
		}
		for _, x := range list {
			walk(x)
		}
	}
	walk(g.Coordinates)
	if n == 0 {
		return nil
	}
	return &[2]float64{sum[0] / n, sum[1] / n}
}
