// SPDX-License-Identifier: EUPL-1.2

package register_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"mercator/core/access"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/register"
)

// packages are two registers of the city, changed by replacements "file: old => new".
func packages(t testing.TB, replacements ...string) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	for _, id := range []string{"residents", "districts", "vehicles"} {
		for _, name := range []string{"register.toml", "schema.json", "codes/fuel.toml"} {
			text, err := os.ReadFile("../../content/registers/" + id + "/" + name)
			if os.IsNotExist(err) {
				continue
			}
			must(t, err)
			out[id+"/"+name] = &fstest.MapFile{Data: text}
		}
	}
	for _, r := range replacements {
		name, change, _ := strings.Cut(r, ": ")
		old, fresh, ok := strings.Cut(change, " => ")
		file := out[name]
		if !ok || file == nil || !strings.Contains(string(file.Data), old) {
			t.Fatalf("the replacement %q fits nothing", r)
		}
		file.Data = []byte(strings.Replace(string(file.Data), old, fresh, 1))
	}
	return out
}

const newField = `[[field]]
name = "colour"
class = "personal"
source = "own"
title = { de = "Farbe", en = "Colour", tr = "Renk" }

[[field]]
name = "plate"`

const modelSchema = "    \"model\": {\n      \"type\": \"string\",\n      \"minLength\": 1,\n      \"maxLength\": 120\n    },\n"

func add(register, field, schema string, more ...string) []string {
	return append([]string{
		register + "/register.toml: [[field]]\nname = \"plate\" => " + field,
		register + `/schema.json: "properties": { => "properties": {` + schema + ",",
	}, more...)
}

// What may change under records, and what may not, as a table: the same says the dry run, the command and the start.
func TestAPackageChangesOnlyAsItsRecordsAllow(t *testing.T) {
	cases := []struct {
		name    string
		changes []string // of the files
		says    string   // what is told of the change
		stuck   string   // what stands in the way; "": nothing
		records int
	}{
		{"a new field that needn't be there", add("vehicles", newField, `"colour": {"type": "string"}`), "new field colour", "", 0},
		{"a new field that must be there", add("vehicles", newField, `"colour": {"type": "string"}`, `vehicles/schema.json: "required": [ => "required": ["colour",`),
			"new field colour, which every record must have", "colour: want a value: it is missing", 3},
		{"a new index", []string{`residents/register.toml: name = "nationality" => name = "nationality"` + "\nsearch = \"exact\""}, "index exact", "", 0},
		{"a field that needn't be there any more", []string{`residents/schema.json: "nationality",` + "\n => \n"}, "needn't have it", "", 0},
		{"a wider schema", []string{`residents/schema.json: "maxLength": 2, => "maxLength": 3,`}, "schema is another", "", 0},
		{"a narrower schema that all keep", []string{`residents/schema.json: "maxLength": 10, => "maxLength": 9,`}, "schema is another", "", 0},
		{"a narrower schema that one breaks", []string{`residents/schema.json: "maxLength": 10, => "maxLength": 3,`}, "schema is another", "house_number: want at most 3 characters", 1},
		{"a code list with more codes", []string{`vehicles/codes/fuel.toml: [[code]] => [[code]]` + "\ncode = \"hydrogen\"\ntitle = { de = \"Wasserstoff\" }\n\n[[code]]"}, "new codes: hydrogen", "", 0},
		{"a code list without one that nobody has", []string{`vehicles/codes/fuel.toml: code = "gas" => code = "lpg"`}, "codes that are gone: gas", "", 0},
		{"a code list without one that is used", []string{`vehicles/codes/fuel.toml: code = "diesel" => code = "heavy-oil"`}, "codes that are gone: diesel", "fuel: want a code of urn:de:duisburg:codelist:fuel: ", 2},
		{"a field that is gone", []string{"vehicles/register.toml: [[field]]\nname = \"model\"\nclass = \"personal\"\nsource = \"own\"\ntitle = { de = \"Modell\", en = \"Model\", tr = \"Model\" } => ",
			"vehicles/schema.json: " + modelSchema + " => ", `vehicles/schema.json:     "model",` + "\n => "},
			"field model is gone", "field model is gone, and the record has it", 3},
		{"another key", []string{`vehicles/register.toml: key = "plate" => key = "model"`}, "key: model, was plate", "the key of a register that has records can't change", 3},
		{"about somebody else", []string{`vehicles/register.toml: person = "holder" => person = "make"`}, "person: make", "whom the records of a register are about", 3},
		{"a class that stores it otherwise", []string{"residents/register.toml: name = \"nationality\"\nclass = \"personal\" => name = \"nationality\"\nclass = \"internal\""}, "class: internal, was personal", "would be stored sealed instead of open", 2},
		{"a class that doesn't", []string{"residents/register.toml: name = \"nationality\"\nclass = \"personal\" => name = \"nationality\"\nclass = \"special\""}, "class: special", "", 0},
		{"another office", []string{`vehicles/register.toml: office = "36" => office = "32"`}, "office: 32, was 36", "", 0},
		{"a comment", []string{`vehicles/register.toml: id = " => # why` + "\nid = \""}, "comments", "", 0},
	}
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		shelf := &register.Shelf{DB: db, Vault: h.vault, Now: time.Now}
		_, steps, err := shelf.Settle(t.Context(), packages(t), "system:start")
		if err != nil || len(steps) != 3 || !steps[0].New {
			t.Fatalf("the first start: %+v, %v", steps, err)
		}
		long := resident("p2", "Elif", "Kaya", "1992-07-25")
		long["house_number"] = "1234a"
		for _, r := range []map[string]any{resident("p1", "Anna", "Schmidt", "1988-04-12"), long} {
			must(t, h.put(t, "residents", r["id"].(string), r, register.Why{}))
		}
		petrol := car("DU-AB 3", "p2")
		petrol["fuel"] = "petrol"
		for _, r := range []map[string]any{car("DU-AB 1", "p1"), car("DU-AB 2", "p2"), petrol} {
			must(t, h.put(t, "vehicles", r["holder"].(string), r, register.Why{}))
		}
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				folder := packages(t, c.changes...)
				steps, err := shelf.Apply(t.Context(), folder, "", "command:test", true)
				if err != nil || len(steps) != 1 {
					t.Fatalf("%+v, %v", steps, err)
				}
				s := steps[0]
				if !strings.Contains(strings.Join(s.Changes, "\n"), c.says) {
					t.Errorf("it says %q, want %q", s.Changes, c.says)
				}
				i := slices.IndexFunc(s.Obstacles, func(o register.Obstacle) bool { return strings.Contains(o.Rule, c.stuck) })
				switch {
				case c.stuck == "" && len(s.Obstacles) > 0:
					t.Errorf("in the way: %+v", s.Obstacles)
				case c.stuck != "" && (i < 0 || s.Obstacles[i].Records != c.records || len(s.Obstacles[i].IDs) != c.records):
					t.Errorf("in the way: %+v, want %q and %d", s.Obstacles, c.stuck, c.records)
				}
				if strings.Contains(fmt.Sprint(s.Obstacles), "DU-AB") {
					t.Errorf("an obstacle tells a number plate: %+v", s.Obstacles)
				}
				if list, err := shelf.Versions(t.Context(), s.Register); err != nil || len(list) != 1 {
					t.Errorf("a dry run has stored something: %+v, %v", list, err)
				}
			})
		}
	})
}

// The life of a package: applied, waiting, in force; refused at the start if somebody has written meanwhile what it refuses; and
// the folder that still has the old version doesn't bring it back.
func TestAnAppliedPackageComesIntoForceAtTheNextStart(t *testing.T) {
	storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		shelf := &register.Shelf{DB: db, Vault: h.vault, Now: time.Now}
		start := func(folder fstest.MapFS) (*register.Registers, []register.Step) {
			t.Helper()
			regs, steps, err := shelf.Settle(t.Context(), folder, "system:start")
			must(t, err)
			return regs, steps
		}
		has := func(regs *register.Registers, field string) bool {
			d, _ := regs.Get("vehicles")
			_, ok := d.Field(field)
			return ok
		}
		old := packages(t)
		start(old)
		must(t, h.put(t, "vehicles", "p1", car("DU-AB 1", "p1"), register.Why{}))

		wide := packages(t, add("vehicles", newField, `"colour": {"type": "string"}`)...)
		steps, err := shelf.Apply(t.Context(), wide, "vehicles", "command:test", false)
		if err != nil || len(steps) != 1 || steps[0].Version != 2 {
			t.Fatalf("%+v, %v", steps, err)
		}
		if regs, err := shelf.InForce(t.Context(), old); err != nil || has(regs, "colour") {
			t.Errorf("in force before the start, %v", err)
		}
		if steps, err := shelf.Apply(t.Context(), wide, "", "command:test", false); err != nil || len(steps) != 0 {
			t.Errorf("again: %+v, %v", steps, err)
		}
		regs, steps := start(old)
		if !has(regs, "colour") || len(steps) != 1 || len(steps[0].Obstacles) != 0 {
			t.Errorf("the start after it: %+v", steps)
		}
		if regs, steps := start(old); !has(regs, "colour") || len(steps) != 0 {
			t.Errorf("the next start: the folder's old version is back: %+v", steps)
		}

		// Narrow while nobody breaks it; then somebody does.
		narrow := packages(t, add("vehicles", newField, `"colour": {"type": "string"}`, `vehicles/codes/fuel.toml: code = "petrol" => code = "otto"`)...)
		if steps, err := shelf.Apply(t.Context(), narrow, "", "command:test", false); err != nil || len(steps[0].Obstacles) != 0 {
			t.Fatalf("%+v, %v", steps, err)
		}
		petrol := car("DU-AB 2", "p2")
		petrol["fuel"] = "petrol"
		must(t, h.put(t, "vehicles", "p2", petrol, register.Why{}))
		regs, steps = start(old)
		if len(steps) != 1 || len(steps[0].Obstacles) != 1 || steps[0].Obstacles[0].Records != 1 {
			t.Errorf("the start took it: %+v", steps)
		}
		d, _ := regs.Get("vehicles")
		if _, ok := d.CodeList("fuel").Has("petrol"); !ok || !has(regs, "colour") {
			t.Error("the version before doesn't stay")
		}

		// Who is gone doesn't stand in the way.
		erase := h.grant(t, access.Request{Action: access.Erase, Resource: "register", Owner: "p2", Subjects: []string{"p2"}})
		must(t, db.Write(t.Context(), func(tx *store.Tx) error {
			_, err := h.Erase(t.Context(), tx, erase, "p2", register.Erasure{Rule: "test", Who: "test"})
			return err
		}))
		if _, steps = start(old); len(steps) != 1 || len(steps[0].Obstacles) != 0 {
			t.Errorf("the start after the erasure: %+v", steps)
		}

		// What will be so stands in the way as what is so.
		later := car("DU-AB 3", "p3")
		later["model"] = "A long name"
		must(t, h.put(t, "vehicles", "p3", later, register.Why{From: time.Now().AddDate(1, 0, 0)}))
		short := packages(t, append(add("vehicles", newField, `"colour": {"type": "string"}`, `vehicles/codes/fuel.toml: code = "petrol" => code = "otto"`),
			"vehicles/schema.json: "+modelSchema+" => "+strings.Replace(modelSchema, "120", "5", 1))...)
		_, steps = start(short)
		if len(steps) != 1 || len(steps[0].Obstacles) != 1 || !strings.HasPrefix(steps[0].Obstacles[0].Rule, "model: ") || steps[0].Obstacles[0].Records != 1 {
			t.Errorf("what will be so: %+v", steps)
		}
	})
}

// A folder that is gone leaves its register as long as there are records.
func TestARegisterStaysWithItsRecords(t *testing.T) {
	h := open(t, storetest.SQLite(t, rooms))
	shelf := &register.Shelf{DB: h.db, Vault: h.vault, Now: time.Now}
	_, _, err := shelf.Settle(t.Context(), packages(t), "system:start")
	must(t, err)
	without := packages(t)
	for name := range without {
		if strings.HasPrefix(name, "vehicles/") {
			delete(without, name)
		}
	}
	regs, _, err := shelf.Settle(t.Context(), without, "system:start")
	must(t, err)
	if _, ok := regs.Get("vehicles"); ok {
		t.Error("a register without folder and records is there")
	}
	must(t, h.put(t, "vehicles", "p1", car("DU-AB 1", "p1"), register.Why{}))
	regs, _, err = shelf.Settle(t.Context(), without, "system:start")
	must(t, err)
	if _, ok := regs.Get("vehicles"); !ok {
		t.Error("a register with records is gone with its folder")
	}
}
