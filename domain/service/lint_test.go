// SPDX-License-Identifier: EUPL-1.2

package service_test

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"mercator/domain/service"
)

// broken is the parking permit with one text replaced by another in one file; an
// empty old text takes the file out.
func broken(t *testing.T, file, old, with string) fs.FS {
	t.Helper()
	out := fstest.MapFS{}
	src := os.DirFS(root + "/resident-parking-permit")
	if err := fs.WalkDir(src, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(src, name)
		out[name] = &fstest.MapFile{Data: b}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if old == "" {
		delete(out, file)
		return out
	}
	text := string(out[file].Data)
	if !strings.Contains(text, old) {
		t.Fatalf("%s doesn't hold %q", file, old)
	}
	out[file] = &fstest.MapFile{Data: []byte(strings.Replace(text, old, with, 1))}
	return out
}

// Every mistake that an author can make is named with its file and, where it has
// one, its line.
func TestMistakesAreNamed(t *testing.T) {
	for _, c := range []struct{ name, file, old, with, want string }{
		{"an unknown key", "service.toml", `office = "32"`, "office = \"32\"\ncolour = \"blue\"", "service.toml:6: unknown key \"colour\""},
		{"a syntax error", "service.toml", `office = "32"`, `office = 32"`, "service.toml:5:"},
		{"a LeiKa key that is too short", "service.toml", "99108001001000", "991", "leika \"991\" must have 14 digits"},
		{"an unknown trust level", "service.toml", `trust = "substantial"`, `trust = "much"`, "service.toml:6: unknown trust level"},
		{"a missing translation", "service.toml", `tr = "Mahalle sakini park kartı"`, `tr = ""`, "title has no text in tr"},
		{"a fee without its decision", "service.toml", `decision = "fee"`, `decision = "price"`, `no .dmn file has the decision "price"`},
		{"a form that is no JSON", "application.form", `"schemaVersion": 18,`, `"schemaVersion" 18,`, "application.form"},
		{"no form", "application.form", "", "", "application.form: missing"},
		{"a process that isn't there", "service.toml", `process = "resident-parking-permit"`, `process = "nothing"`, "no process with the id"},
		{"a variable that nobody sets", "process.bpmn", "=eligibility.result", "=eligibilty.result", "process.bpmn:"},
		{"a decision that isn't there", "process.bpmn", `decisionId="eligibility"`, `decisionId="entitlement"`, `no .dmn file has the decision "entitlement"`},
		{"a task form that isn't there", "process.bpmn", `formId="decision"`, `formId="verdict"`, "the package has no form verdict.form"},
		{"work that the kernel doesn't do", "process.bpmn", `type="payment.request"`, `type="payment.steal"`, `the kernel has no task type "payment.steal"`},
		{"a write without its key", "service.toml", `key = '="BP-" + case.ref'`, "", `service.toml:153: [[write]] parking_permits: key and fields belong together`},
		{"a write that can't be read", "service.toml", `plate = '=application.plate'`, `plate = '=application.'`, `service.toml:153: [[write]] parking_permits: fields.plate:`},
		{"a write of what isn't asked", "service.toml", `plate = '=application.plate'`, `plate = '=application.licence'`, `service.toml:153: [[write]] parking_permits: application.form has no field "licence"`},
		{"a write that stands twice", "process.bpmn", `<zeebe:output source="=record" target="permit" />`, `<zeebe:input source="=case.ref" target="key" /><zeebe:output source="=record" target="permit" />`, "stands either in its [[write]]"},
		{"a register that the case may not write", "process.bpmn", `value="parking_permits"`, `value="residents"`, `no [[write]] for the register "residents"`},
		{"a letter that isn't there", "letters/permit.tr.letter", "", "", "letters/permit.tr.letter is missing"},
		{"a milestone that is silent in English", "process.bpmn", `name="text.en" value="Please pay the fee."`, `name="text.en" value=""`, "the property text.en is missing"},
		{"a question without a reason of its own", "application.form", `"why": "Von diesem Tag an gilt der Ausweis.", "why.en": "The permit holds from this day on.", "why.tr": "Kart bu günden itibaren geçerlidir.", "why.de-simple": "Ab diesem Tag gilt der Ausweis.", `, "", `valid_from: say in the property "why"`},
		{"a field that nobody uses", "application.form", `"key": "declared", "label"`, `"key": "shoe_size", "label"`, "scenarios/01-at-once.toml"},
		{"an element that isn't executed", "process.bpmn", "<bpmn:exclusiveGateway id=\"entitled\"", "<bpmn:complexGateway id=\"entitled\"", "process.bpmn"},
		{"a call of a process that isn't there", "process.bpmn", "<bpmn:exclusiveGateway id=\"entitled\"", "<bpmn:callActivity id=\"hear\" calledElement=\"hearing\"/><bpmn:exclusiveGateway id=\"entitled\"", `"hear" calls the process "hearing", which isn't there`},
		{"a rule without its paragraph", "fee.dmn", "<text>Nummer 265 der Anlage zu § 1 GebOSt</text>", "<text></text>", `has no annotation "law"`},
		{"an expression that can't be read", "fee.dmn", "<text>3070</text>", "<text>30 70 +</text>", "fee.dmn:"},
		{"a rule that reads what isn't there", "eligibility.dmn", "<text>address_zone != null</text>", "<text>adress_zone != null</text>", "eligibility.dmn:10:141: nothing here is called “adress_zone”: expected “address_zone”"},
		{"a function that isn't there", "fee.dmn", "number(application.months)", "nummer(application.months)", "there is no function “nummer”: expected “number”"},
		{"a rule of the wrong type", "fee.dmn", "<text>3070</text>", "<text>\"3070\"</text>", "the output is a string, the column “cents” wants a number"},
		{"a cell that can never match", "fee.dmn", "<inputEntry id=\"fee_r2_i0\"><text>12</text>", "<inputEntry id=\"fee_r2_i0\"><text>\"12\"</text>", "“\"12\"” is a string, the input is a number"},
		{"a table with a gap", "fee.dmn", "<text>6, 12, 24</text>", "<text>6, 12, 18, 24</text>", "has no rule for Monate = 18: expected a rule, or a default output"},
		{"a table whose rules overlap", "fee.dmn", "<inputEntry id=\"fee_r2_i0\"><text>12</text>", "<inputEntry id=\"fee_r2_i0\"><text>6, 12</text>", "both match Monate = 6, and only one may (UNIQUE)"},
		{"data that nothing uses", "service.toml", `["plate", "make"]`, `["plate", "make", "fuel"]`, `service.toml:123: [[data]] vehicles reads "fuel", and no form, rule, step or letter uses it`},
		{"evidence that isn't read", "service.toml", `fields = ["plate", "make"]`, "fields = [\"plate\", \"make\"]\nevidence = [\"colour\"]", `service.toml:123: [[data]] vehicles: evidence names "colour"`},
		{"data without a basis", "service.toml", `basis = "§ 35 Absatz 1 Nummer 3 StVG"`, "", "service.toml:123: [[data]] needs register, as, fields and basis"},
		{"data without a purpose", "service.toml", `de-simple = "Wir sehen nach, welche Autos Ihnen gehören."`, "", "service.toml:123: [[data]] vehicles: purpose has no text in de-simple"},
		{"a rule that reads what isn't declared", "eligibility.dmn", `registers.resident.city = "Duisburg"`, `registers.resident.nationality = "Duisburg"`, `eligibility.dmn:13: registers.resident.nationality is read here, and [[data]] resident doesn't name the field`},
		{"a rule that reads a register in secret", "eligibility.dmn", `registers.resident.city = "Duisburg"`, `registers.tax.debts = 0`, `eligibility.dmn:13: registers.tax is read here, and no [[data]] says`},
		{"asking anyway without a reason", "service.toml", `de-simple = "Ein Firmen-Auto gehört nicht Ihnen. Darum fragen wir nach dem Kenn-Zeichen."`, "", `[[ask_anyway]] other_plate: reason has no text in de-simple`},
		{"asking anyway without a basis", "service.toml", "field = \"other_plate\"\nbasis = \"§ 45 Absatz 1b Satz 1 Nummer 2a StVO\"", `field = "other_plate"`, `[[ask_anyway]] needs field, reason and basis`},
		{"a scenario with an unknown key", "scenarios/01-at-once.toml", `consent = true`, "consent = true\nmood = 3", "scenarios/01-at-once.toml:6: unknown key"},
		{"a scenario on no day", "scenarios/01-at-once.toml", `2026-12-01"`, `soon"`, "is not a day like"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := service.Parse("resident-parking-permit", broken(t, c.file, c.old, c.with))
			var got []string
			var pe *service.ParseError
			switch {
			case errors.As(err, &pe):
				for _, p := range pe.Problems {
					got = append(got, p.String())
				}
			case err != nil:
				t.Fatal(err)
			default:
				for _, p := range service.Lint(s, nil) {
					got = append(got, p.String())
				}
			}
			if all := strings.Join(got, "\n"); !strings.Contains(all, c.want) {
				t.Errorf("%q is not named in:\n%s", c.want, all)
			}
		})
	}
}

// known is a register about persons as its package declares it.
var known = []service.Known{
	{Register: "residents", Field: "given_names", Title: service.Text{"de": "Vornamen", "en": "Given names"}},
	{Register: "residents", Field: "birth_date", Title: service.Text{"de": "Geburtsdatum", "en": "Date of birth", "tr": "Doğum tarihi"}, Synonyms: []string{"geboren am", "dob"}},
	{Register: "vehicles", Field: "plate", Title: service.Text{"de": "Kennzeichen", "en": "Number plate"}},
	{Register: "dogs", Field: "chip", Title: service.Text{"de": "Straße des Hundes", "en": "Dog's street"}},
	{Register: "parking_permits", Field: "valid_from", Title: service.Text{"de": "Gültig ab", "en": "Valid from"}},
}

// What a register knows isn't asked, whatever the field is called; a prefilled field, one
// that says why, and what the register gets from this very service are asked.
func TestAFormThatAsksForWhatARegisterKnowsIsRefused(t *testing.T) {
	for _, c := range []struct{ name, file, old, with, want string }{
		{"as it is", "fee.dmn", "<text>3070</text>", "<text>3070</text>", ""},
		{"by its key", "application.form", `"register": "resident.birth_date", `, "", `application.form:16:5: "birth_date" asks for what the register residents knows (birth_date)`},
		{"by its key, written otherwise", "application.form", `"key": "given_names", "label": "Vornamen", "validate": { "required": true, "maxLength": 80 },
      "properties": { "page": "person", "type": "name", "register": "resident.given_names", "autocomplete": "given-name",
        "label.en": "Given names"`, `"key": "givenNames", "label": "Rufen", "validate": { "required": true, "maxLength": 80 },
      "properties": { "page": "person", "type": "name", "autocomplete": "given-name",
        "label.en": "Call"`, `asks for what the register residents knows (given_names)`},
		{"by its German label, folded", "application.form", `"label": "Straße", "validate": { "required": true, "maxLength": 80 },
      "properties": { "page": "address", "type": "street", "register": "resident.street",`, `"label": "Ihre STRASSE des Hundes:", "validate": { "required": true, "maxLength": 80 },
      "properties": { "page": "address", "type": "street",`, `"street" asks for what the register dogs knows (chip)`},
		{"by its English label", "application.form", `"register": "resident.city", "autocomplete": "address-level2", "label.en": "Town"`, `"label.en": "Your dog's street"`, `"city" asks for what the register dogs knows (chip)`},
		{"by what the browser is told, under another name", "application.form", `"key": "birth_date", "subtype": "date", "dateLabel": "Geburtsdatum", "label": "Geburtsdatum", "validate": { "required": true },
      "properties": { "page": "person", "type": "birthdate", "register": "resident.birth_date",`, `"key": "born", "subtype": "date", "dateLabel": "Tag", "label": "Wann war es?", "validate": { "required": true },
      "properties": { "page": "person", "type": "birthdate",`, `"born" asks for what the register residents knows (birth_date)`},
		{"by what people call it", "application.form", `"key": "birth_date", "subtype": "date", "dateLabel": "Geburtsdatum", "label": "Geburtsdatum", "validate": { "required": true },
      "properties": { "page": "person", "type": "birthdate", "register": "resident.birth_date", "autocomplete": "bday",
        "label.en": "Date of birth", "label.tr": "Doğum tarihi",`, `"key": "tag", "subtype": "date", "dateLabel": "Tag", "label": "Geboren am?", "validate": { "required": true },
      "properties": { "page": "person", "type": "date",
        "label.en": "When", "label.tr": "Ne zaman",`, `"tag" asks for what the register residents knows (birth_date)`},
		{"by a key that people call it", "application.form", `"key": "birth_date", "subtype": "date", "dateLabel": "Geburtsdatum", "label": "Geburtsdatum", "validate": { "required": true },
      "properties": { "page": "person", "type": "birthdate", "register": "resident.birth_date", "autocomplete": "bday",
        "label.en": "Date of birth", "label.tr": "Doğum tarihi",`, `"key": "DOB", "subtype": "date", "dateLabel": "Tag", "label": "Wann?", "validate": { "required": true },
      "properties": { "page": "person", "type": "date",
        "label.en": "When", "label.tr": "Ne zaman",`, `"DOB" asks for what the register residents knows (birth_date)`},
		{"by a path", "application.form", `"key": "birth_date", "subtype": "date", "dateLabel": "Geburtsdatum", "label": "Geburtsdatum", "validate": { "required": true },
      "properties": { "page": "person", "type": "birthdate", "register": "resident.birth_date", "autocomplete": "bday",
        "label.en": "Date of birth", "label.tr": "Doğum tarihi",`, `"key": "person.birthDate", "subtype": "date", "dateLabel": "Tag", "label": "Wann?", "validate": { "required": true },
      "properties": { "page": "person", "type": "date",
        "label.en": "When", "label.tr": "Ne zaman",`, `"person.birthDate" asks for what the register residents knows (birth_date)`},
		{"a register that isn't read", "service.toml", `field = "other_plate"`, `field = "zone"`, `"other_plate" asks for what the register vehicles knows (plate)`},
		{"a reason for nothing", "service.toml", `field = "other_plate"`, `field = "zone"`, `[[ask_anyway]] "zone": no register knows this`},
		{"a reason for a field that isn't there", "service.toml", `field = "other_plate"`, `field = "colour"`, `[[ask_anyway]]: application.form has no field "colour"`},
		{"a reason where nothing is asked", "service.toml", `field = "other_plate"`, `field = "birth_date"`, `[[ask_anyway]] "birth_date": the field is filled in from the register`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := service.Parse("resident-parking-permit", broken(t, c.file, c.old, c.with))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range service.Once(s, known) {
				got = append(got, p.String())
			}
			if all := strings.Join(got, "\n"); !strings.Contains(all, c.want) || c.want == "" && all != "" {
				t.Errorf("%q is not named in:\n%s", c.want, all)
			}
		})
	}
}

// What is asked of somebody else, or of a person where a register knows a thing, is no register's of the applicant; beside each, what
// differs from it in nothing else and is.
func TestOnlyWhatIsAskedOfTheApplicantIsKnown(t *testing.T) {
	known := append(slices.Clone(known), service.Known{Register: "restaurants", Field: "name", Title: service.Text{"de": "Name", "en": "Name", "tr": "Ad"}, Thing: true})
	for i := range known {
		known[i].Thing = known[i].Register != "residents"
	}
	for _, c := range []struct{ field, want string }{
		{`{ "type": "textfield", "id": "x", "key": "name", "label": "Name", "properties": { "page": "person", "type": "name" } }`, ""},
		{`{ "type": "textfield", "id": "x", "key": "name", "label": "Name", "properties": { "page": "person", "type": "company" } }`, "restaurants knows (name)"},
		{`{ "type": "group", "id": "g", "path": "child", "components": [{ "type": "textfield", "id": "x", "key": "name", "label": "Name des Kindes", "properties": { "page": "person", "type": "name" } }] }`, ""},
		{`{ "type": "group", "id": "g", "path": "child", "components": [{ "type": "datetime", "subtype": "date", "id": "x", "key": "birth_date", "label": "Geburtsdatum", "properties": { "page": "person", "type": "birthdate", "autocomplete": "section-child bday" } }] }`, ""},
		{`{ "type": "group", "id": "g", "path": "child", "components": [{ "type": "datetime", "subtype": "date", "id": "x", "key": "birth_date", "label": "Geburtsdatum", "properties": { "page": "person", "type": "birthdate" } }] }`, "residents knows (birth_date)"},
		{`{ "type": "dynamiclist", "id": "l", "path": "children", "label": "Kinder", "components": [{ "type": "textfield", "id": "x", "key": "given_names", "label": "Vornamen", "properties": { "page": "person", "type": "name" } }] }`, ""},
		{`{ "type": "dynamiclist", "id": "l", "path": "cars", "label": "Autos", "components": [{ "type": "textfield", "id": "x", "key": "plate", "label": "Kennzeichen", "properties": { "page": "person", "type": "plate" } }] }`, "vehicles knows (plate)"},
	} {
		first := `{ "type": "text", "id": "t_address"`
		s, err := service.Parse("resident-parking-permit", broken(t, "application.form", first, c.field+",\n"+first))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range service.Once(s, known) {
			got = append(got, p.String())
		}
		if all := strings.Join(got, "\n"); !strings.Contains(all, c.want) || c.want == "" && all != "" {
			t.Errorf("%s\n%q is not named in: %s", c.field, c.want, all)
		}
	}
}

// Whatever a package holds, reading it ends in a service or in an error.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"service.toml", "application.form", "process.bpmn", "fee.dmn"} {
		b, err := os.ReadFile(root + "/resident-parking-permit/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(name, b)
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		if !fs.ValidPath(name) {
			return
		}
		s, err := service.Parse("resident-parking-permit", fstest.MapFS{name: {Data: data}})
		if err == nil {
			service.Lint(s, nil)
		}
	})
}

// What leads drafts of older versions to the form in force is held to that form, as far as the package alone can tell.
func TestMigrationRulesAreHeldToTheForm(t *testing.T) {
	for _, c := range []struct{ rules, want string }{
		{"[[step]]\n[[step.rule]]\nold = \"number_plate\"\nnew = \"other_plate\"\n", ""},
		{"[[step]]\nfrom = [\"0123456789abcdef\"]\n[[step.rule]]\nold = \"a\"\nnew = \"b\"\n[[step]]\n[[step.rule]]\nold = \"b\"\nnew = \"other_plate\"\n", ""},
		{"[[step]]\n[[step.rule]]\nold = \"a\"\nnew = \"nothing\"\n", `migrate.toml:2: new "nothing": application.form has no such question`},
		{"[[step]]\n[[step.rule]]\nold = \"given_names\"\nnew = \"other_plate\"\n", `old "given_names": application.form still asks this`},
		{"[[step]]\nfrom = [\"v1\"]\n[[step.rule]]\nold = \"a\"\nnew = \"other_plate\"\n", `migrate.toml:1: from "v1" is no version of a package`},
		{"[[step]]\nfrom = [\"0123456789abcdef\", \"0123456789abcdef\"]\n[[step.rule]]\nold = \"a\"\nnew = \"other_plate\"\n", `stands in two steps`},
		{"[[step]]\n", "a step has at least one [[step.rule]]"},
		{"[[step]]\n[[step.rule]]\nold = \"months\"\nnew = \"months\"\nvalues = { \"3\" = 7 }\n", `"7" isn't an option of "months"`},
		{"[[step]]\n[[step.rule]]\nold = \"months\"\nnew = \"months\"\nvalues = { \"6\" = 12 }\n", `"6" is an option of "months": say in from`},
		{"[[step]]\n[[step.rule]]\nold = \"months\"\nnew = \"months\"\n", `old and new are the same`},
		{"[[step]]\n[[step.rule]]\nold = \"a\"\nnew = \"other_plate\"\nvalue = \"=b\"\n", `either old, the name that the answer had, or value`},
		{"[[step]]\n[[step.rule]]\nnew = \"other_plate\"\nvalue = \"=1 +\"\n", `"other_plate": value:`},
		{"[[step]]\ncolour = 1\n[[step.rule]]\nold = \"a\"\nnew = \"other_plate\"\n", `migrate.toml:2: unknown key "step.colour"`},
		{"[[step]\n", "migrate.toml:2: expected end of table"},
	} {
		files := broken(t, "service.toml", "office", "office").(fstest.MapFS)
		files["migrate.toml"] = &fstest.MapFile{Data: []byte(c.rules)}
		s, err := service.Parse("resident-parking-permit", files)
		var got []string
		var pe *service.ParseError
		if errors.As(err, &pe) {
			for _, p := range pe.Problems {
				got = append(got, p.String())
			}
		} else {
			for _, p := range service.Lint(s, nil) {
				if p.File == "migrate.toml" {
					got = append(got, p.String())
				}
			}
		}
		if all := strings.Join(got, "\n"); c.want == "" && all != "" || !strings.Contains(all, c.want) {
			t.Errorf("%s\n%q, want %q", c.rules, all, c.want)
		}
	}
}

// A draft begins at the step that names its version and goes through those behind it; one that no step names, through those for all.
func TestADraftGoesThroughTheStepsFromItsVersionOn(t *testing.T) {
	files := broken(t, "service.toml", "office", "office").(fstest.MapFS)
	files["migrate.toml"] = &fstest.MapFile{Data: []byte(`
[[step]]
from = ["1111111111111111"]
[[step.rule]]
old = "a"
new = "b"
[[step]]
from = ["2222222222222222", "2222222222222223"]
[[step.rule]]
old = "b"
new = "c"
[[step]]
[[step.rule]]
old = "c"
new = "other_plate"
`)}
	s, err := service.Parse("resident-parking-permit", files)
	if err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]string{"1111111111111111": "a b c", "2222222222222223": "b c", "3333333333333333": "c"} {
		var got []string
		for _, r := range s.MigrationRules(version) {
			got = append(got, r.Old)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", version, got, want)
		}
	}
}

func TestAServiceSaysHowLongWhatIsEnteredIsKept(t *testing.T) {
	s, err := service.Parse("resident-parking-permit", broken(t, "service.toml", "office", "office"))
	if err != nil {
		t.Fatal(err)
	}
	said := func() bool {
		return slices.ContainsFunc(service.Lint(s, nil), func(p service.Problem) bool { return strings.HasPrefix(p.Msg, "retention is missing") })
	}
	if said() {
		t.Error("it says so, and is asked for it")
	}
	if s.Retention = nil; !said() {
		t.Error("it says nothing, and isn't asked for it")
	}
}

// Rules are held to the older version that they are for, if somebody has it.
func TestRulesAreHeldToTheVersionBefore(t *testing.T) {
	before, err := service.Parse("resident-parking-permit", broken(t, "application.form", `"key": "other_plate"`, `"key": "number_plate"`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		rules, want string
		gone        []string
	}{
		{"", "", []string{"number_plate"}},
		{"[[step]]\nfrom = [\"" + before.Version + "\"]\n[[step.rule]]\nold = \"number_plate\"\nnew = \"other_plate\"\n", "", nil},
		{"[[step]]\nfrom = [\"" + before.Version + "\"]\n[[step.rule]]\nold = \"plate_number\"\nnew = \"other_plate\"\n", `migrate.toml:3: old "plate_number": version ` + before.Version + ` doesn't ask this`, []string{"number_plate"}},
		{"[[step]]\nfrom = [\"1111111111111111\"]\n[[step.rule]]\nold = \"number_plate\"\nnew = \"other_plate\"\n", "no step names the version " + before.Version, []string{"number_plate"}},
		{"[[step]]\nfrom = [\"" + before.Version + "\"]\n[[step.rule]]\nnew = \"other_plate\"\nvalue = \"=number_plate\"\n", "", nil},
		{"[[step]]\nfrom = [\"" + before.Version + "\"]\n[[step.rule]]\nnew = \"other_plate\"\nvalue = \"=licence\"\n", `value reads "licence"`, []string{"number_plate"}},
	} {
		files := broken(t, "service.toml", "office", "office").(fstest.MapFS)
		if c.rules != "" {
			files["migrate.toml"] = &fstest.MapFile{Data: []byte(c.rules)}
		}
		now, err := service.Parse("resident-parking-permit", files)
		if err != nil {
			t.Fatal(err)
		}
		problems, gone := service.Since(before, now)
		var got []string
		for _, p := range problems {
			got = append(got, p.String())
		}
		if all := strings.Join(got, "\n"); c.want == "" && all != "" || !strings.Contains(all, c.want) || !slices.Equal(gone, c.gone) {
			t.Errorf("%s\n%q and %v gone, want %q and %v", c.rules, all, gone, c.want, c.gone)
		}
	}
}
