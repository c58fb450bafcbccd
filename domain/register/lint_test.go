// SPDX-License-Identifier: EUPL-1.2

package register_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mercator/domain/register"
)

// Every kind of mistake is found, with the file and the place in it. A case is replacements in the packages of
// the city, and what lint must say.
func TestLintFindsEveryKindOfMistake(t *testing.T) {
	const toml, schema, codes = "vehicles/register.toml: ", "vehicles/schema.json: ", "vehicles/codes/fuel.toml: "
	cases := []struct {
		name    string
		changes []string
		want    string
	}{
		{"no TOML", []string{toml + `key = "plate" => key = plate`}, "vehicles/register.toml: toml: line 5"},
		{"an unknown key", []string{toml + `basis = => bassis =`}, "vehicles/register.toml: unknown key bassis"},
		{"another id", []string{toml + `id = "vehicles" => id = "cars"`}, `vehicles/register.toml: id "cars" must be the folder's name`},
		{"nobody answers", []string{toml + `office = "36" => office = ""`}, "vehicles/register.toml: office and basis are needed"},
		{"no law", []string{toml + `basis = "§§ 32, 33 StVG" => basis = ""`}, "vehicles/register.toml: office and basis are needed"},
		{"a title in two languages", []string{toml + `tr = "Araç sicili" => # tr`}, "vehicles/register.toml: title lacks its text in tr"},
		{"a field's title in two languages", []string{toml + `en = "Make", => `}, "vehicles/register.toml: field make lacks its text in en"},
		{"a field's name", []string{toml + `name = "model" => name = "Model No"`}, `vehicles/register.toml: field name "Model No"`},
		{"a field twice", []string{toml + `name = "model" => name = "make"`}, "vehicles/register.toml: field make is declared twice"},
		{"a class", []string{toml + `class = "personal" => class = "secret"`}, `vehicles/register.toml: field plate has class "secret"`},
		{"something personal in public", []string{"districts/register.toml: class = \"public\" => class = \"personal\""}, "districts/register.toml: field number is personal in a public register"},
		{"a person in public", []string{"districts/register.toml: public = true => public = true\nperson = \"name\""}, "districts/register.toml: a public register is about nobody"},
		{"a way to search", []string{toml + `search = ["plate", "prefix"] => search = "guess"`}, `vehicles/register.toml: field plate has search "guess"`},
		{"two ways to compare", []string{toml + `search = ["plate", "prefix"] => search = ["plate", "exact"]`}, "vehicles/register.toml: field plate is searched as plate and as exact"},
		{"a prefix of nothing", []string{toml + `search = ["plate", "prefix"] => search = "prefix"`}, "vehicles/register.toml: field plate is searched by prefix, and needs"},
		{"an order of what is personal", []string{toml + `search = ["plate", "prefix"] => search = "range"`}, `vehicles/register.toml: field plate is personal, and search = "range" would keep it readable`},
		{"sounds of a special category", []string{"residents/register.toml: name = \"birth_date\"\nclass = \"personal\" => name = \"birth_date\"\nclass = \"special\""}, "residents/register.toml: field birth_date is of a special category"},
		{"a date that is none", []string{toml + "name = \"make\" => name = \"make\"\nsearch = \"date\""}, "vehicles/register.toml: field make is searched as a date"},
		{"a place that is none", []string{"districts/register.toml: geometry = true => "}, "districts/register.toml: field area is searched by place, and isn't declared as a geometry"},
		{"a geometry of text", []string{toml + "name = \"make\" => name = \"make\"\ngeometry = true"}, "vehicles/register.toml: field make is a geometry, so its schema must be an object"},
		{"a key that is no field", []string{toml + `key = "plate" => key = "number"`}, `vehicles/register.toml: key "number" is no field`},
		{"a person that is no field", []string{toml + `person = "holder" => person = "owner"`}, `vehicles/register.toml: person "owner" is no field`},
		{"a match that is no field", []string{`residents/register.toml: match = ["given_names", => match = ["first_names",`}, `residents/register.toml: match "first_names" is no field`},
		{"a link to nowhere", []string{toml + `link = "residents" => link = "people"`}, `vehicles/register.toml: field holder links to register "people", which isn't declared`},
		{"no source", []string{toml + `source = "own" => source = ""`}, "vehicles/register.toml: field plate lacks its source"},
		{"a source that is none", []string{toml + `source = "own" => source = "kba"`}, `vehicles/register.toml: field plate has the source "kba"`},
		{"a source without a title", []string{toml + "[keep] => [sources.kba]\nurl = \"https://www.kba.de\"\n\n[keep]"}, "vehicles/register.toml: source kba lacks its title in de"},
		{"a unit of text", []string{toml + "name = \"make\" => name = \"make\"\nunit = \"km\""}, "vehicles/register.toml: field make has the unit km"},
		{"codes that aren't there", []string{toml + `codes = "fuel.toml" => codes = "drive.toml"`}, "vehicles/codes/drive.toml: "},
		{"codes from elsewhere", []string{toml + `codes = "fuel.toml" => codes = "../../../etc/passwd"`}, `vehicles/register.toml: codes "../../../etc/passwd"`},
		{"a code list without a name", []string{codes + `urn = "urn:de:duisburg:codelist:fuel" => urn = ""`}, "vehicles/codes/fuel.toml: urn and version are needed"},
		{"a code twice", []string{codes + `code = "gas" => code = "diesel"`}, `vehicles/codes/fuel.toml: code "diesel" is empty or there twice`},
		{"a code without a title", []string{codes + `de = "Gas", => `}, "vehicles/codes/fuel.toml: code gas lacks its title in de"},
		{"a day that is none", []string{codes + "code = \"gas\" => code = \"gas\"\nvalid_from = \"31.12.2026\""}, `vehicles/codes/fuel.toml: code gas: "31.12.2026" is no day`},
		{"a code that ends before it begins", []string{codes + "code = \"gas\" => code = \"gas\"\nvalid_from = \"2026-01-01\"\nvalid_until = \"2025-01-01\""}, "vehicles/codes/fuel.toml: code gas ends before it begins"},
		{"a retention rule without a time", []string{toml + `period = "P1Y" => period = "soon"`}, `vehicles/register.toml: keep.period "soon"`},
		{"a retention rule without a law", []string{toml + `basis = "§ 44 StVG" => basis = ""`}, "vehicles/register.toml: keep.basis is missing"},
		{"a retention rule of no date", []string{toml + `after = "ended" => after = "make"`}, `vehicles/register.toml: keep.after "make"`},
		{"a view of half", []string{toml + `shows = "street" => `}, "vehicles/register.toml: field holder_street needs both through"},
		{"a view through no link", []string{toml + `through = "holder" => through = "make"`}, `vehicles/register.toml: field holder_street goes through "make"`},
		{"a view of nothing", []string{toml + `shows = "street" => shows = "garden"`}, "vehicles/register.toml: field holder_street shows residents.garden"},
		{"a view of another class", []string{toml + "name = \"holder_street\"\nclass = \"personal\" => name = \"holder_street\"\nclass = \"public\""}, "vehicles/register.toml: field holder_street is public, and residents.street is personal"},
		{"no JSON", []string{schema + `"type": "object", => "type": "object"`}, "vehicles/schema.json: "},
		{"no schema", []string{schema + `"type": "string" => "type": "text"`}, "vehicles/schema.json: "},
		{"a property without a field", []string{schema + `"properties": { => "properties": { "nick": {"type": "string"},`}, "vehicles/schema.json: property nick is not declared"},
		{"a field without a property", []string{toml + `name = "make" => name = "brand"`}, "vehicles/schema.json: field brand of register.toml is missing"},
		{"an open schema", []string{schema + `"additionalProperties": false => "additionalProperties": true`}, "vehicles/schema.json: additionalProperties must be false"},
		{"a schema from the network", []string{schema + `"properties": { => "allOf": [{"$ref": "https://example.org/x.json"}], "properties": {`}, "vehicles/schema.json: "},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, f := range packages(t, c.changes...) {
				must(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700))
				must(t, os.WriteFile(filepath.Join(dir, name), f.Data, 0o600))
			}
			list, err := register.Lint(dir)
			must(t, err)
			found := 0
			for _, line := range list {
				if strings.HasPrefix(line, dir+"/"+c.want) {
					found++
				}
			}
			if found != 1 {
				t.Errorf("lint says %q, want once %q", list, c.want)
			}
			folder, _, _ := strings.Cut(c.want, "/")
			one, err := register.Lint(filepath.Join(dir, folder))
			if err != nil || len(one) == 0 {
				t.Errorf("the package alone: %q, %v", one, err)
			}
			for _, line := range list {
				if !strings.HasPrefix(line, dir+"/"+folder+"/") {
					t.Errorf("blamed too: %s", line)
				}
			}
		})
	}
}
