// SPDX-License-Identifier: EUPL-1.2

package sample

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// Resident is a person of the demo city, with the fields of the register residents.
type Resident struct {
	ID             string `json:"id"`
	GivenNames     string `json:"given_names"`
	FamilyName     string `json:"family_name"`
	BirthDate      string `json:"birth_date"`
	Nationality    string `json:"nationality"`
	Street         string `json:"street"`
	HouseNumber    string `json:"house_number"`
	Postcode       string `json:"postcode"`
	City           string `json:"city"`
	Quarter        string `json:"quarter"`
	ResidenceSince string `json:"residence_since"`
}

// Value is a field's text.
func (r *Resident) Value(field string) string {
	switch field {
	case "id":
		return r.ID
	case "given_names":
		return r.GivenNames
	case "family_name":
		return r.FamilyName
	case "birth_date":
		return r.BirthDate
	case "street":
		return r.Street
	case "quarter":
		return r.Quarter
	}
	return ""
}

// Vehicle is a car, with the fields of the register vehicles.
type Vehicle struct {
	Plate             string `json:"plate"`
	Holder            string `json:"holder"`
	Make              string `json:"make"`
	Model             string `json:"model"`
	Fuel              string `json:"fuel"`
	EmissionClass     string `json:"emission_class"`
	FirstRegistration string `json:"first_registration"`
}

// Value is a field's text.
func (v *Vehicle) Value(field string) string {
	switch field {
	case "plate":
		return v.Plate
	case "holder":
		return v.Holder
	}
	return ""
}

// Person is a resident with their vehicles.
type Person struct {
	Resident Resident
	Vehicles []Vehicle
}

// NamedPerson is one whom demo accounts and tests know by login.
type NamedPerson struct {
	Login    string // of the demo's identity provider
	Language string // that the person reads
	Level    string // trust level of their account: basic, substantial, high
	Story    string // what they are for
	Person
}

// Generator makes people. It is safe for concurrent use.
type Generator struct {
	city  *City
	seed  uint64
	today time.Time
	named []NamedPerson
	taken map[string]bool // names with birth dates of the named
}

// NewGenerator makes the people of a city. today is the day on which the demo city
// begins: people are born before it, and Jonas moved in three weeks earlier.
func NewGenerator(c *City, seed uint64, today time.Time) (*Generator, error) {
	g := &Generator{city: c, seed: seed, today: today.UTC().Truncate(24 * time.Hour), taken: map[string]bool{}}
	var err error
	if g.named, err = g.makeNamed(); err != nil {
		return nil, err
	}
	for _, n := range g.named {
		g.taken[n.Resident.GivenNames+"|"+n.Resident.FamilyName+"|"+n.Resident.BirthDate] = true
	}
	return g, nil
}

// Named are the people whom demo accounts and tests know, in a fixed order.
func (g *Generator) Named() []NamedPerson { return g.named }

// Find is a named person by login.
func (g *Generator) Find(login string) (NamedPerson, bool) {
	for _, n := range g.named {
		if n.Login == login {
			return n, true
		}
	}
	return NamedPerson{}, false
}

func (g *Generator) makeNamed() ([]NamedPerson, error) {
	day := func(ago int) string { return g.today.AddDate(0, 0, -ago).Format(time.DateOnly) }
	type home struct{ street, number, since string }
	list := []struct {
		login, lang, level, story   string
		given, family, born, nation string
		home                        home
		cars                        []Vehicle
	}{
		{"anna-schmidt", "de", "substantial", "lives in a parking zone, one car: nothing in her way", "Anna", "Schmidt", "1988-04-12", "DE",
			home{"Kantstraße", "14", "2016-03-01"},
			[]Vehicle{{"DU-AS 1988", "", "Volkswagen", "Golf", "petrol", "Euro 6", "2019-05-20"}}},
		{"mehmet-yilmaz", "de", "substantial", "lives outside every parking zone, one car: the desk decides", "Mehmet", "Yılmaz", "1979-11-03", "TR",
			home{"Rolandsweg", "27", "2009-08-15"},
			[]Vehicle{{"DU-MY 79", "", "Opel", "Astra", "diesel", "Euro 5", "2014-02-11"}}},
		{"elif-kaya", "tr", "substantial", "reads Turkish, lives in a zone, two cars", "Elif", "Kaya", "1992-07-25", "TR",
			home{"Lindengasse", "5", "2020-10-01"},
			[]Vehicle{{"DU-EK 92", "", "Renault", "Clio", "hybrid", "Euro 6", "2022-03-30"}, {"DU-EK 925E", "", "Fiat", "500", "electric", "Elektro", "2023-09-04"}}},
		{"jonas-weber", "de", "substantial", "no car, moved in three weeks before the demo began", "Jonas", "Weber", "2001-01-30", "DE",
			home{"Einsteinstraße", "9", day(21)}, nil},
		{"sofia-rossi", "en", "basic", "her account has trust level basic until she steps up", "Sofia", "Rossi", "1995-09-17", "IT",
			home{"Mercatorplatz", "3", "2018-05-01"},
			[]Vehicle{{"DU-SR 95", "", "Fiat", "Panda", "petrol", "Euro 6", "2018-06-08"}}},
	}
	var out []NamedPerson
	for i, n := range list {
		s, ok := g.street(n.home.street)
		if !ok {
			return nil, fmt.Errorf("sample: %s lives in %s, which streets.csv lacks", n.login, n.home.street)
		}
		p := NamedPerson{Login: n.login, Language: n.lang, Level: n.level, Story: n.story}
		p.Resident = Resident{ID: PersonID(i), GivenNames: n.given, FamilyName: n.family, BirthDate: n.born, Nationality: n.nation,
			Street: s.Name, HouseNumber: n.home.number, Postcode: s.Postcode, City: g.city.Info.Place, Quarter: s.Quarter, ResidenceSince: n.home.since}
		for _, v := range n.cars {
			v.Holder = p.Resident.ID
			p.Vehicles = append(p.Vehicles, v)
		}
		out = append(out, p)
	}
	return out, nil
}

func (g *Generator) street(name string) (Street, bool) {
	for _, s := range g.city.Streets {
		if s.Name == name {
			return s, true
		}
	}
	return Street{}, false
}

// PersonID is the id of person number i: a UUID of version 8, in rising order, so
// that a bulk load appends to the index instead of scattering over it.
func PersonID(i int) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[0:8], uint64(i)<<16)
	binary.BigEndian.PutUint64(b[8:16], mix(uint64(i)))
	b[6] = 0x80
	b[7] = 0
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[0:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// mix spreads a number over 64 bits (splitmix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Person is person number i, from 0.
func (g *Generator) Person(i int) Person {
	if i < len(g.named) {
		return g.named[i].Person
	}
	for attempt := uint64(0); ; attempt++ {
		p := g.invent(i, rand.New(rand.NewPCG(g.seed+attempt<<32, uint64(i))))
		r := p.Resident
		if !g.taken[r.GivenNames+"|"+r.FamilyName+"|"+r.BirthDate] {
			return p
		}
	}
}

// origins are where names come from, with their share in a thousand (roughly that of
// a city of the Ruhr), the list of given names that goes with them, and nationalities.
var origins = [...]struct {
	name, given string
	share       int
	nations     []string
}{
	{"german", "german", 620, []string{"DE"}},
	{"particle", "german", 20, []string{"DE", "NL", "BE"}},
	{"turkish", "turkish", 140, []string{"TR"}},
	{"polish", "polish", 80, []string{"PL"}},
	{"arabic", "arabic", 60, []string{"SY", "MA", "LB", "IQ"}},
	{"other", "other", 80, []string{"IT", "BG", "RO", "RS", "HR", "GR", "UA", "XK"}},
}

// A share of the people of other origins has German nationality, in percent.
const naturalised = 45

func (g *Generator) invent(i int, r *rand.Rand) Person {
	c := g.city
	age := drawAge(r)
	born := g.today.AddDate(-age, 0, -1-r.IntN(365))
	sex := r.IntN(2)
	n := r.IntN(1000)
	origin := 0
	for n >= origins[origin].share {
		n -= origins[origin].share
		origin++
	}
	from := origins[origin]
	var names *weighted
	switch mixed := c.adults["german"]; {
	case age < 25:
		names = &c.given[sex]
	case r.IntN(100) < 20:
		names = &mixed[sex]
	default:
		both := c.adults[from.given]
		names = &both[sex]
	}
	given := names.values[names.draw(r.IntN(names.total()))]
	if r.IntN(100) < 22 {
		if second := names.values[names.draw(r.IntN(names.total()))]; second != given {
			given += " " + second
		}
	}
	f := c.family[from.name]
	family := f.values[f.draw(r.IntN(f.total()))]
	if r.IntN(100) < 4 && age > 25 {
		f2 := c.family["german"]
		if second := f2.values[f2.draw(r.IntN(f2.total()))]; second != family {
			family += "-" + second
		}
	}
	nation := "DE"
	if origin > 0 && r.IntN(100) >= naturalised {
		nation = from.nations[r.IntN(len(from.nations))]
	}
	s := c.Streets[c.homes.draw(r.IntN(c.homes.total()))]
	house := strconv.Itoa(s.First + r.IntN(s.Last-s.First+1))
	if r.IntN(10) == 0 {
		house += string(rune('a' + r.IntN(4)))
	}
	lived := r.IntN(min(int(g.today.Sub(born).Hours()/24), 40*365) + 1)
	p := Person{Resident: Resident{
		ID: PersonID(i), GivenNames: given, FamilyName: family, BirthDate: born.Format(time.DateOnly), Nationality: nation,
		Street: s.Name, HouseNumber: house, Postcode: s.Postcode, City: c.Info.Place, Quarter: s.Quarter,
		ResidenceSince: g.today.AddDate(0, 0, -lived).Format(time.DateOnly),
	}}
	if age >= 18 {
		switch k := r.IntN(100); {
		case k < 46:
			p.Vehicles = []Vehicle{g.car(i, 0, p.Resident.ID, r)}
		case k < 52:
			p.Vehicles = []Vehicle{g.car(i, 0, p.Resident.ID, r), g.car(i, 1, p.Resident.ID, r)}
		}
	}
	return p
}

// drawAge is roughly the age structure of a large German city.
func drawAge(r *rand.Rand) int {
	switch k := r.IntN(100); {
	case k < 18:
		return r.IntN(18)
	case k < 44:
		return 18 + r.IntN(22)
	case k < 79:
		return 40 + r.IntN(25)
	case k < 94:
		return 65 + r.IntN(15)
	}
	return 80 + r.IntN(20)
}

var cars = [...]struct{ brand, model string }{
	{"Volkswagen", "Golf"}, {"Volkswagen", "Polo"}, {"Volkswagen", "Passat"}, {"Volkswagen", "Tiguan"}, {"Opel", "Corsa"}, {"Opel", "Astra"},
	{"Ford", "Fiesta"}, {"Ford", "Focus"}, {"Ford", "Kuga"}, {"Škoda", "Octavia"}, {"Škoda", "Fabia"}, {"Audi", "A3"}, {"Audi", "A4"},
	{"BMW", "3er"}, {"BMW", "1er"}, {"Mercedes-Benz", "C-Klasse"}, {"Mercedes-Benz", "A-Klasse"}, {"Renault", "Clio"}, {"Renault", "Mégane"},
	{"Toyota", "Yaris"}, {"Toyota", "Corolla"}, {"Hyundai", "i20"}, {"Kia", "Ceed"}, {"Fiat", "500"}, {"Peugeot", "208"}, {"Citroën", "C3"},
	{"Seat", "Ibiza"}, {"Dacia", "Sandero"}, {"Nissan", "Qashqai"}, {"Mazda", "3"}, {"Tesla", "Model 3"}, {"Mini", "Cooper"},
}

func (g *Generator) car(i, k int, holder string, r *rand.Rand) Vehicle {
	kind := cars[r.IntN(len(cars))]
	age := r.IntN(18 * 365)
	first := g.today.AddDate(0, 0, -age)
	v := Vehicle{Plate: g.plate(i, k), Holder: holder, Make: kind.brand, Model: kind.model, FirstRegistration: first.Format(time.DateOnly)}
	y := first.Year()
	switch n := r.IntN(100); {
	case kind.brand == "Tesla" || n < 6 && y >= 2018:
		v.Fuel, v.EmissionClass = "electric", "Elektro"
	case n < 16 && y >= 2015:
		v.Fuel = "hybrid"
	case n < 45:
		v.Fuel = "diesel"
	case n < 47:
		v.Fuel = "gas"
	default:
		v.Fuel = "petrol"
	}
	if v.EmissionClass == "" {
		switch {
		case y >= 2015:
			v.EmissionClass = "Euro 6"
		case y >= 2011:
			v.EmissionClass = "Euro 5"
		default:
			v.EmissionClass = "Euro 4"
		}
	}
	return v
}

// plateLetters leaves out B, G, I, K, O, Q, S and Y: the plates of the named people
// hold one of them, so that nobody else gets theirs.
const plateLetters = "ACDEFHJLMNPRTUVWXZ"

// plate numbers the cars without a repeat, two numbers a person: one or two letters
// with 1 to 9999 are enough for 1.7 million people.
func (g *Generator) plate(i, k int) string {
	n := i*2 + k
	number := 1 + n%9999
	n /= 9999
	letters := string(plateLetters[n%len(plateLetters)])
	if n /= len(plateLetters); n > 0 {
		n--
		letters += string(plateLetters[n%len(plateLetters)])
	}
	return g.city.Info.Plate + "-" + letters + " " + strconv.Itoa(number)
}

func (r *Resident) json() json.RawMessage { return marshal(r) }
func (v *Vehicle) json() json.RawMessage  { return marshal(v) }
