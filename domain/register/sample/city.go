// SPDX-License-Identifier: EUPL-1.2

package sample

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"

	"mercator/base/fault"

	"github.com/BurntSushi/toml"
)

// Text is a text in several languages.
type Text = map[string]string

// City is what content/city tells about the town.
type City struct {
	Info      Info
	Offices   []Office
	Staff     []Staff
	Districts []District
	Streets   []Street
	Zones     []Zone

	given  [2]weighted            // children's names by sex, published counts
	adults map[string][2]weighted // adults' names by origin and sex
	family map[string]*weighted   // by origin
	homes  weighted               // index into Streets, by number of houses
}

// Info is the city itself.
type Info struct {
	ID          string   `toml:"id"`
	Name        string   `toml:"name"`
	Place       string   `toml:"place"`
	Key         string   `toml:"key"`
	Plate       string   `toml:"plate"`
	TimeZone    string   `toml:"time_zone"`
	State       string   `toml:"state"`  // whose public holidays count (base/caldate)
	Closed      []string `toml:"closed"` // days without business beside them
	Street      string   `toml:"street"`
	HouseNumber string   `toml:"house_number"`
	Postcode    string   `toml:"postcode"`
	Phone       string   `toml:"phone"`
	PhoneShort  string   `toml:"phone_short"`
	Email       string   `toml:"email"`
	Website     string   `toml:"website"`
	Court       string   `toml:"court"`
	Hours       Text     `toml:"hours"`
}

// Office is an office of the city.
type Office struct {
	ID          string `toml:"id" json:"id"`
	Short       string `toml:"short" json:"short"`
	Name        Text   `toml:"name" json:"name"`
	Parent      string `toml:"parent" json:"-"`
	Street      string `toml:"street" json:"street"`
	HouseNumber string `toml:"house_number" json:"house_number"`
	Postcode    string `toml:"postcode" json:"postcode"`
	Phone       string `toml:"phone" json:"phone"`
	Email       string `toml:"email" json:"email"`
	Hours       Text   `toml:"hours" json:"hours"`
}

// Staff is a member of an office; the id is the login.
type Staff struct {
	ID         string   `toml:"id" json:"id"`
	GivenName  string   `toml:"given_name" json:"given_name"`
	FamilyName string   `toml:"family_name" json:"family_name"`
	Office     string   `toml:"office" json:"office"`
	Roles      []string `toml:"roles" json:"roles"`
	Room       string   `toml:"room" json:"room"`
	Phone      string   `toml:"phone" json:"phone"`
	// Person is who they are in the register of residents; empty: nobody has said so.
	Person string `toml:"person" json:"person,omitempty"`
}

// District is a district or, with a parent, a quarter.
type District struct {
	Number string  `json:"number"`
	Kind   string  `json:"kind"`
	Name   string  `json:"name"`
	Parent *string `json:"parent"`
	// Area is its GeoJSON geometry, where districts.geojson has it.
	Area json.RawMessage `json:"area,omitempty"`
}

// Street is a street with its house numbers and the parking zone it lies in.
type Street struct {
	Name     string  `json:"name"`
	Quarter  string  `json:"quarter"`
	Postcode string  `json:"postcode"`
	First    int     `json:"first_number"`
	Last     int     `json:"last_number"`
	Zone     *string `json:"zone"`
}

// Zone is a resident parking zone.
type Zone struct {
	Code    string   `toml:"code" json:"code"`
	Name    string   `toml:"name" json:"name"`
	Quarter string   `toml:"quarter" json:"quarter"`
	Spaces  int      `toml:"spaces" json:"spaces"`
	Hours   string   `toml:"hours" json:"hours"`
	Streets []string `toml:"streets" json:"streets"`
}

// weighted draws texts by their weight.
type weighted struct {
	values []string
	upTo   []int // running totals
}

func (w *weighted) add(v string, weight int) {
	total := weight
	if n := len(w.upTo); n > 0 {
		total += w.upTo[n-1]
	}
	w.values = append(w.values, v)
	w.upTo = append(w.upTo, total)
}

func (w *weighted) total() int {
	if len(w.upTo) == 0 {
		return 0
	}
	return w.upTo[len(w.upTo)-1]
}

// draw gives the place of the n-th of all weights.
func (w *weighted) draw(n int) int {
	i, found := slices.BinarySearch(w.upTo, n)
	if found {
		i++
	}
	return i
}

const maxCityFile = 8 << 20

// LoadCity reads content/city.
func LoadCity(fsys fs.FS) (*City, error) {
	const op = "sample.loadCity"
	c := &City{}
	var org struct {
		City   Info     `toml:"city"`
		Office []Office `toml:"office"`
		Staff  []Staff  `toml:"staff"`
	}
	if _, err := toml.DecodeFS(fsys, "organisation.toml", &org); err != nil {
		return nil, fault.Because(fault.Internal, op, "", fmt.Errorf("organisation.toml: %w", err))
	}
	c.Info, c.Offices, c.Staff = org.City, org.Office, org.Staff
	var zones struct {
		Zone []Zone `toml:"zone"`
	}
	if _, err := toml.DecodeFS(fsys, "parking_zones.toml", &zones); err != nil {
		return nil, fault.Because(fault.Internal, op, "", fmt.Errorf("parking_zones.toml: %w", err))
	}
	c.Zones = zones.Zone
	for _, read := range []func(fs.FS) error{c.readDistricts, c.readStreets, c.readNames} {
		if err := read(fsys); err != nil {
			return nil, fault.Wrap(op, err)
		}
	}
	return c, c.check()
}

// check holds the files against each other.
func (c *City) check() error {
	const op = "sample.checkCity"
	zones := map[string]Zone{}
	for _, z := range c.Zones {
		zones[z.Code] = z
	}
	quarters := map[string]bool{}
	for _, d := range c.Districts {
		quarters[d.Number] = d.Parent != nil
	}
	for _, s := range c.Streets {
		if !quarters[s.Quarter] {
			return fault.Internalf(op, "streets.csv: %s lies in %s, which is no quarter", s.Name, s.Quarter)
		}
		if s.Zone == nil {
			continue
		}
		if z, ok := zones[*s.Zone]; !ok || !slices.Contains(z.Streets, s.Name) {
			return fault.Internalf(op, "streets.csv: %s lies in zone %s, parking_zones.toml doesn't say so", s.Name, *s.Zone)
		}
	}
	if c.homes.total() == 0 {
		return fault.Internalf(op, "streets.csv names no street")
	}
	for _, o := range origins {
		names := c.adults[o.given]
		if c.family[o.name] == nil || names[male].total() == 0 || names[female].total() == 0 || c.given[male].total() == 0 || c.given[female].total() == 0 {
			return fault.Internalf(op, "the name lists lack names of origin %s or %s", o.name, o.given)
		}
	}
	return nil
}

// rows reads a CSV file with a header of the given columns.
func rows(fsys fs.FS, name string, columns ...string) ([][]string, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() > maxCityFile {
		return nil, fmt.Errorf("%s: larger than %d bytes", name, maxCityFile)
	}
	r := csv.NewReader(f)
	r.FieldsPerRecord = len(columns)
	all, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(all) == 0 || !slices.Equal(all[0], columns) {
		return nil, fmt.Errorf("%s: the first line must be %v", name, columns)
	}
	return all[1:], nil
}

func (c *City) readDistricts(fsys fs.FS) error {
	list, err := rows(fsys, "districts.csv", "number", "kind", "name", "parent")
	for _, r := range list {
		d := District{Number: r[0], Kind: r[1], Name: r[2]}
		if r[3] != "" {
			d.Parent = &r[3]
		}
		c.Districts = append(c.Districts, d)
	}
	if err != nil {
		return err
	}
	text, err := fs.ReadFile(fsys, "districts.geojson")
	if errors.Is(err, fs.ErrNotExist) {
		return nil // a town need not draw its map
	}
	if err != nil {
		return err
	}
	if len(text) > maxCityFile {
		return fmt.Errorf("districts.geojson: larger than %d bytes", maxCityFile)
	}
	var areas struct {
		Features []struct {
			Properties struct {
				Number string `json:"number"`
			} `json:"properties"`
			Geometry json.RawMessage `json:"geometry"`
		} `json:"features"`
	}
	if err := json.Unmarshal(text, &areas); err != nil {
		return fmt.Errorf("districts.geojson: %w", err)
	}
	for _, f := range areas.Features {
		for i := range c.Districts {
			if c.Districts[i].Number == f.Properties.Number {
				c.Districts[i].Area = f.Geometry
			}
		}
	}
	return nil
}

func (c *City) readStreets(fsys fs.FS) error {
	list, err := rows(fsys, "streets.csv", "name", "quarter", "postcode", "first_number", "last_number", "zone")
	for i, r := range list {
		first, err1 := strconv.Atoi(r[3])
		last, err2 := strconv.Atoi(r[4])
		if err1 != nil || err2 != nil || first < 1 || last < first {
			return fmt.Errorf("streets.csv:%d: house numbers %s to %s", i+2, r[3], r[4])
		}
		s := Street{Name: r[0], Quarter: r[1], Postcode: r[2], First: first, Last: last}
		if r[5] != "" {
			s.Zone = &r[5]
		}
		c.homes.add(s.Name, last-first+1)
		c.Streets = append(c.Streets, s)
	}
	return err
}

// Sexes of the name lists.
const (
	male = iota
	female
)

func (c *City) readNames(fsys fs.FS) error {
	weight := func(file string, line int, sex, n string) (int, int, error) {
		w, err := strconv.Atoi(n)
		i := slices.Index([]string{"m", "f"}, sex)
		if err != nil || w < 1 || i < 0 {
			return 0, 0, fmt.Errorf("%s:%d: want m or f, and a count", file, line+2)
		}
		return i, w, nil
	}
	const children, adults, family = "names/given_names.csv", "names/given_names_adult.csv", "names/family_names.csv"
	list, err := rows(fsys, children, "name", "sex", "count")
	if err != nil {
		return err
	}
	for i, r := range list {
		sex, n, err := weight(children, i, r[1], r[2])
		if err != nil {
			return err
		}
		c.given[sex].add(r[0], n)
	}
	if list, err = rows(fsys, adults, "name", "sex", "origin", "weight"); err != nil {
		return err
	}
	c.adults = map[string][2]weighted{}
	for i, r := range list {
		sex, n, err := weight(adults, i, r[1], r[3])
		if err != nil {
			return err
		}
		both := c.adults[r[2]]
		both[sex].add(r[0], n)
		c.adults[r[2]] = both
	}
	if list, err = rows(fsys, family, "name", "origin", "weight"); err != nil {
		return err
	}
	c.family = map[string]*weighted{}
	for i, r := range list {
		_, n, err := weight(family, i, "m", r[2])
		if err != nil {
			return err
		}
		if c.family[r[1]] == nil {
			c.family[r[1]] = &weighted{}
		}
		c.family[r[1]].add(r[0], n)
	}
	return nil
}

// marshal writes what can always be written: plain structs of texts.
func marshal(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("sample: " + err.Error())
	}
	return b
}
