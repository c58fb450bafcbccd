// SPDX-License-Identifier: EUPL-1.2

package xdatenfelder_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"mercator/internal/suites"
	"mercator/lang/form"
	"mercator/lang/xdatenfelder"
)

var now = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func read(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func parse(t testing.TB, file string) *xdatenfelder.Message {
	t.Helper()
	m, err := xdatenfelder.Read(filepath.Base(file), read(t, file))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func lists(t testing.TB, folder string) xdatenfelder.Lists {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "C*_genericode.xml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no code lists in %s: %v", folder, err)
	}
	var out xdatenfelder.Lists
	for _, f := range files {
		l, err := xdatenfelder.ReadCodeList(f, read(t, f))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, l)
	}
	return out
}

func imported(t testing.TB, m *xdatenfelder.Message, l xdatenfelder.Lists) (*form.Form, []xdatenfelder.Finding) {
	t.Helper()
	data, findings, err := xdatenfelder.Import(m, l)
	if err != nil {
		t.Fatal(err)
	}
	f, err := form.Parse("application.form", data)
	if err != nil {
		t.Fatal(err)
	}
	return f, findings
}

// What the files of the suites are taken for, and why they are refused.
var verdicts = map[string]string{
	"v2/data-field-rule.xml":          "",
	"v2/data-group-rule.xml":          "",
	"v2/duplicate-optional-value.xml": "15:9: <beschreibung> is there twice in <stammdatenschema>: expected one",
	"v2/duplicate-required-value.xml": "13:9: <name> is there twice in <stammdatenschema>: expected one",
	"v2/label.xml":                    "",
	"v2/minimal.xml":                  "",
	"v2/rule.xml":                     "",
	"v2/select.xml":                   "",
	"v2/simple.xml":                   "",
	"v2/unknown-namespace.xml":        `2:1: the namespace "urn:xoev-de:fim:standard:xdatenfelder_unknown" is not known`,
	"v3/duplicate-id-node.xml":        "11:13: <id> is there twice in <identifikation>: expected one",
	"v3/empty-id-node.xml":            "10:13: <id> is empty: expected a text",
	"v3/input.xml":                    "",
	"v3/invalid-freigabestatus.xml":   `18:13: "10" is no freigabestatus: expected 1, 2, 3, 4, 5, 6, 7, 8`,
	"v3/missing-id-node.xml":          "9:9: <id> is missing in <identifikation>",
	"v3/simple.xml":                   "",
	"v3/unexpected-node.xml":          "11:13: <unknown> is not expected in <identifikation>: expected id, version",
	"v3/unknown-namespace.xml":        `2:1: the namespace "urn:xoev-de:fim:standard:xdatenfelder_unknown" is not known`,
}

// The suite has a part of the files; the rest lies beside it among the standards.
func verdictFiles(t testing.TB) map[string]string {
	out := map[string]string{}
	suite := suites.Dir(t, "fim", "xdatenfelder_parser_tests")
	standards := filepath.Join(filepath.Dir(filepath.Dir(filepath.Dir(suite))), "standards", "fim")
	for _, v := range []string{"2", "3"} {
		for _, dir := range []string{filepath.Join(suite, "v"+v+"-data"), filepath.Join(standards, "xdf"+v+"-testdata")} {
			files, _ := filepath.Glob(filepath.Join(dir, "*.xml")) // the pattern is well-formed
			for _, f := range files {
				out[f] = "v" + v + "/" + filepath.Base(f)
			}
		}
	}
	return out
}

func TestVerdicts(t *testing.T) {
	seen := map[string]bool{}
	for file, name := range verdictFiles(t) {
		t.Run(strings.Join(strings.Split(file, string(filepath.Separator))[len(strings.Split(file, string(filepath.Separator)))-2:], "/"), func(t *testing.T) {
			want, known := verdicts[name]
			if !known {
				t.Fatalf("no verdict on %s", name)
			}
			seen[name] = true
			m, err := xdatenfelder.Read("x.xml", read(t, file))
			if want != "" {
				if err == nil || !strings.HasPrefix(err.Error(), "x.xml:"+want) || strings.Contains(err.Error(), "\n") {
					t.Fatalf("got %v, want only %s", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			f, _ := imported(t, m, nil)
			if _, fields, _ := m.Counts(); fields > 0 && !strings.HasSuffix(name, "label.xml") {
				for _, x := range f.Check(form.CheckOptions{}) {
					t.Error(x)
				}
			}
		})
	}
	if len(seen) < 12 {
		t.Errorf("only %d files were read", len(seen))
	}
}

// What xmllint counts in both exports: count(//*[local-name()='datenfeld']) and so on.
func TestMutterschutz(t *testing.T) {
	dir := suites.Dir(t, "fim", "fim_mutterschutz_real")
	first := filepath.Join(dir, "S00000094V1.0_xdf2.xml")
	second := filepath.Join(filepath.Dir(filepath.Dir(filepath.Dir(dir))), "standards", "fim",
		"xdf2-xprozess-S00000094-mutterschutz", "editor-export-187k", "S00000094V1.0_xdf2.xml")
	translated := map[string]int{}
	for _, file := range []string{first, second} {
		if _, err := os.Stat(file); err != nil && file == second {
			t.Log("the second export isn't here")
			continue
		}
		m := parse(t, file)
		groups, fields, rules := m.Counts()
		if groups != 16 || fields != 44 || rules != 13 {
			t.Errorf("%s: %d groups, %d fields, %d rules; want 16, 44, 13", file, groups, fields, rules)
		}
		counts := map[string]int{}
		var visit func(e *xdatenfelder.Element)
		visit = func(e *xdatenfelder.Element) {
			for _, c := range e.Children {
				counts[c.Count.String()]++
				visit(c.Element)
			}
		}
		visit(m.Root)
		if counts["0:1"] != 28 || counts["1:1"] != 31 || counts["2:5"] != 1 || len(counts) != 3 {
			t.Errorf("%s: counts %v; want 28 times 0:1, 31 times 1:1, once 2:5", file, counts)
		}
		f, findings := imported(t, m, lists(t, dir))
		for _, x := range f.Check(form.CheckOptions{}) {
			t.Errorf("%s: %s", file, x)
		}
		// Every id, count and rule is in the form, word for word.
		ids, texts := map[string]int{}, map[string]string{}
		var look func(fields []*form.Field)
		look = func(fields []*form.Field) {
			for _, x := range fields {
				if (x.Props["xdf.copy"] == "" || x.Props["xdf.copy"] == "1") && (x.Props["xdf.part"] == "" || x.Props["xdf.part"] == "1") {
					ids[x.Props["xdf"]]++
				}
				for k, v := range x.Props {
					if strings.HasPrefix(k, "xdf.rule.") {
						texts[k] = v
					}
				}
				look(x.Children)
			}
		}
		look(f.Fields)
		noted := 0
		var all func(e *xdatenfelder.Element)
		all = func(e *xdatenfelder.Element) {
			if ids[e.ID] == 0 {
				t.Errorf("%s: %s isn't in the form", file, e.ID)
			}
			ids[e.ID]--
			for _, r := range e.Rules {
				if got := texts["xdf.rule."+r.ID]; got != r.Text || got == "" {
					t.Errorf("%s: rule %s is %q in the form, want %q", file, r.ID, got, r.Text)
				}
				if texts["xdf.rule."+r.ID+".state"] == "translated" {
					translated[file]++
				} else {
					noted++
				}
			}
			for _, c := range e.Children {
				all(c.Element)
			}
		}
		all(m.Root)
		if noted != len(findings) {
			t.Errorf("%s: %d rules are noted, but there are %d findings: %v", file, noted, len(findings), findings)
		}
		if want := map[string]int{first: 9, second: 4}[file]; translated[file] != want {
			t.Errorf("%s: %d rules translated, want %d", file, translated[file], want)
		}
	}
}

func mutterschutz(t testing.TB) *form.Form {
	dir := suites.Dir(t, "fim", "fim_mutterschutz_real")
	f, _ := imported(t, parse(t, filepath.Join(dir, "S00000094V1.0_xdf2.xml")), lists(t, dir))
	return f
}

const complete = `{
 "arbeitgeber_juristische_person_anzeige_s": {
  "eingetragener_name_organisationsname": "Krankenhaus Süd gGmbH",
  "anschrift_inland": {"auswahl_anschrift_inland_strassenanschri": "anschrift_inland_strassenanschrift",
   "anschrift_inland_strassenanschrift": {"strasse": "Hauptstraße", "hausnummer": "12 a", "postleitzahl": "47051", "ort": "Duisburg"}},
  "kommunikation_einverstaendnis_e_mail_per": {"telefon": "0203 2830"},
  "ansprechpartner_ohne_funktion_einverstae": {"familienname": "Łukaszewska", "kommunikation_einverstaendnis_e_mail": {"telefon": "0203 2830"}}},
 "persoenliche_informationen_schwangere_st": {
  "familienname": "Çelik", "vornamen": "Nurşen",
  "geburtsdatum_teilbekannt": {"jahr": 1995},
  "anschrift_inland_oder_ausland_mit_frage": {"abfrage_anschrift_inland_oder_ausland": "002",
   "anschrift_ausland": {"staat": "163", "anschriftzone": {"zeileanschrift_1": "Atatürk Cad. 1", "zeileanschrift_2": "İzmir"}}},
  "status_frau_schwanger_stillend": "001", "voraussichtlicher_entbindungstermin": "3.5.2027"},
 "beschaeftigungsverhaeltnis_frau": "001",
 "informationen_zur_beabsichtigten_beschae": {"sonn_und_feiertagsarbeit_mutterschutz": "false", "nachtarbeit_mutterschutz": "true", "mutterschutz_getaktete_arbeit": "false"}
}`

func answers(t testing.TB, change map[string]any) map[string]any {
	t.Helper()
	var a map[string]any
	d := json.NewDecoder(strings.NewReader(complete))
	d.UseNumber()
	if err := d.Decode(&a); err != nil {
		t.Fatal(err)
	}
	for name, v := range change {
		m := a
		parts := strings.Split(name, ".")
		for _, p := range parts[:len(parts)-1] {
			next, _ := m[p].(map[string]any)
			if next == nil {
				next = map[string]any{}
				m[p] = next
			}
			m = next
		}
		if last := parts[len(parts)-1]; v == nil {
			delete(m, last)
		} else {
			m[last] = v
		}
	}
	return a
}

// The rules of the law, as the imported form holds them.
func TestMutterschutzIsFilledIn(t *testing.T) {
	f := mutterschutz(t)
	const employer, woman = "arbeitgeber_juristische_person_anzeige_s.", "persoenliche_informationen_schwangere_st."
	const abroad = woman + "anschrift_inland_oder_ausland_mit_frage."
	for _, c := range []struct {
		name   string
		change map[string]any
		wrong  []string
	}{
		{"complete", nil, nil},
		{"no name (1:1)", map[string]any{woman + "familienname": nil}, []string{woman + "familienname"}},
		{"pregnant without the day (R00000042)", map[string]any{woman + "voraussichtlicher_entbindungstermin": nil}, []string{woman + "voraussichtlicher_entbindungstermin"}},
		{"has given birth (R00000044)", map[string]any{woman + "status_frau_schwanger_stillend": "002"}, []string{woman + "entbindungstermin"}},
		{"neither street nor box (R60000019)", map[string]any{employer + "anschrift_inland.auswahl_anschrift_inland_strassenanschri": nil},
			[]string{employer + "anschrift_inland.auswahl_anschrift_inland_strassenanschri"}},
		{"in Germany (R60000020)", map[string]any{abroad + "abfrage_anschrift_inland_oder_ausland": "001"},
			[]string{abroad + "anschrift_inland.auswahl_anschrift_inland_strassenanschri"}},
		{"e-mail without consent (R00001224)", map[string]any{employer + "kommunikation_einverstaendnis_e_mail_per.e_mail_personalangelegenheit": "a@example.org"},
			[]string{employer + "kommunikation_einverstaendnis_e_mail_per.einverstaendnis_e_mail"}},
		{"day without month (R60000023)", map[string]any{woman + "geburtsdatum_teilbekannt.tag_ohne_monat_und_jahr": json.Number("3")},
			[]string{woman + "geburtsdatum_teilbekannt.tag_ohne_monat_und_jahr"}},
		{"32nd of a month", map[string]any{woman + "geburtsdatum_teilbekannt.tag_ohne_monat_und_jahr": json.Number("32"), woman + "geburtsdatum_teilbekannt.monat": json.Number("3")},
			[]string{woman + "geburtsdatum_teilbekannt.tag_ohne_monat_und_jahr"}},
		{"one line of an address (2:5)", map[string]any{abroad + "anschrift_ausland.anschriftzone.zeileanschrift_2": nil},
			[]string{abroad + "anschrift_ausland.anschriftzone.zeileanschrift_2"}},
		{"postcode that there isn't", map[string]any{employer + "anschrift_inland.anschrift_inland_strassenanschrift.postleitzahl": "00123"},
			[]string{employer + "anschrift_inland.anschrift_inland_strassenanschrift.postleitzahl"}},
		{"code that there isn't", map[string]any{"beschaeftigungsverhaeltnis_frau": "009"}, []string{"beschaeftigungsverhaeltnis_frau"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, errs := f.Take(answers(t, c.change), form.Context{Lang: "de", Today: now})
			wrong := map[string]bool{}
			for _, e := range errs {
				wrong[e.Key] = true
			}
			var got []string
			for k := range wrong {
				got = append(got, k)
			}
			slices.Sort(got)
			if !slices.Equal(got, c.wrong) {
				t.Errorf("wrong are %q, want %q: %v", got, c.wrong, errs)
			}
		})
	}
}

// short is a version as version 2 writes it.
func short(version string) string {
	if strings.Count(version, ".") == 2 {
		return strings.TrimSuffix(version, ".0")
	}
	return version
}

// outline is what both directions have to keep, with ids as version 2 writes them.
func outline(m *xdatenfelder.Message) []string {
	var out []string
	var visit func(depth int, e *xdatenfelder.Element)
	visit = func(depth int, e *xdatenfelder.Element) {
		note := strings.Repeat(" ", depth)
		words := func(s string) string { return strings.Join(strings.Fields(s), " ") }
		if e.Kind == xdatenfelder.Field {
			note += e.Input + " " + e.Type + " "
			l := e.Limits
			note += strings.Join([]string{l.MinLength, l.MaxLength, l.MinValue, l.MaxValue, l.Pattern}, "|")
			if e.Codes != nil {
				note += " " + e.Codes.VersionURI + " " + e.Codes.URI + " " + e.Codes.Version
			}
			note += fmt.Sprint(" ", e.Values, e.MediaTypes, e.MaxSize, e.Content, e.CodeKey, e.NameKey)
		}
		out = append(out, fmt.Sprint(note, xdatenfelder.ShortID(e.ID), " ", short(e.Version), " ", e.Art, " ", words(e.Name), " | ", words(e.Label), " | ",
			words(e.Help), " | ", words(e.OutputHelp), " | ", words(strings.Join(e.Basis, " ")), " | ", words(e.Definition), " | ", words(e.Description)))
		rules := slices.Clone(e.Rules)
		slices.SortFunc(rules, func(a, b xdatenfelder.Rule) int { return strings.Compare(a.ID, b.ID) })
		for _, r := range rules {
			out = append(out, note+" rule "+xdatenfelder.ShortID(r.ID)+" "+short(r.Version)+" "+words(r.Name)+" "+words(r.Text)+" "+words(r.Script))
		}
		for _, c := range e.Children {
			out = append(out, strings.Repeat(" ", depth)+c.Count.String()+" "+words(strings.Join(c.Basis, " ")))
			visit(depth+1, c.Element)
		}
	}
	visit(0, m.Root)
	return out
}

func TestRoundTrip(t *testing.T) {
	dir := suites.Dir(t, "fim", "fim_mutterschutz_real")
	m := parse(t, filepath.Join(dir, "S00000094V1.0_xdf2.xml"))
	f, _ := imported(t, m, lists(t, dir))
	out, findings := xdatenfelder.Export(f, now)
	if len(findings) > 0 {
		t.Errorf("findings: %v", findings)
	}
	file := xdatenfelder.Write(out)
	again, err := xdatenfelder.Read("out.xml", file)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, outline(m), outline(again))
	// And once more, of version 3: nothing changes any more.
	f, _ = imported(t, again, lists(t, dir))
	third, _ := xdatenfelder.Export(f, now)
	if b := xdatenfelder.Write(third); !bytes.Equal(b, file) {
		compare(t, strings.Split(string(file), "\n"), strings.Split(string(b), "\n"))
	}
}

func compare(t *testing.T, want, got []string) {
	t.Helper()
	for i := range max(len(want), len(got)) {
		a, b := "", ""
		if i < len(want) {
			a = want[i]
		}
		if i < len(got) {
			b = got[i]
		}
		if a != b {
			t.Errorf("line %d\n got %s\nwant %s", i, b, a)
			return
		}
	}
}

// schema3 is a schema of version 3, field3 and group3 are what stands in it.
func schema3(body string) string {
	return `<xdf:xdatenfelder.stammdatenschema.0102 xmlns:xdf="` + xdatenfelder.Namespace3 + `"><xdf:header><xdf:nachrichtID>1</xdf:nachrichtID>` +
		`<xdf:erstellungszeitpunkt>2026-01-01T00:00:00Z</xdf:erstellungszeitpunkt></xdf:header><xdf:stammdatenschema>` + base3("S00000000001", "Test") +
		`<xdf:bezeichnung>Test</xdf:bezeichnung>` + body + `</xdf:stammdatenschema></xdf:xdatenfelder.stammdatenschema.0102>`
}

func base3(id, name string) string {
	return `<xdf:identifikation><xdf:id>` + id + `</xdf:id><xdf:version>1.0.0</xdf:version></xdf:identifikation><xdf:name>` + name +
		`</xdf:name><xdf:freigabestatus><code>6</code></xdf:freigabestatus><xdf:letzteAenderung>2026-01-01T00:00:00Z</xdf:letzteAenderung>`
}

func field3(count, id, name, input, typ, more string) string {
	return `<xdf:struktur><xdf:anzahl>` + count + `</xdf:anzahl><xdf:enthaelt><xdf:datenfeld>` + base3(id, name) + `<xdf:bezeichnungEingabe>` + name +
		`</xdf:bezeichnungEingabe><xdf:schemaelementart><code>RNG</code></xdf:schemaelementart><xdf:feldart><code>` + input + `</code></xdf:feldart><xdf:datentyp><code>` + typ +
		`</code></xdf:datentyp>` + more + `</xdf:datenfeld></xdf:enthaelt></xdf:struktur>`
}

func group3(count, id, name, more string) string {
	return `<xdf:struktur><xdf:anzahl>` + count + `</xdf:anzahl><xdf:enthaelt><xdf:datenfeldgruppe>` + base3(id, name) + `<xdf:bezeichnungEingabe>` + name +
		`</xdf:bezeichnungEingabe><xdf:schemaelementart><code>RNG</code></xdf:schemaelementart>` + more + `</xdf:datenfeldgruppe></xdf:enthaelt></xdf:struktur>`
}

// Every kind of field and count of version 3, to a form and back.
func TestKinds(t *testing.T) {
	const text = "text"
	src := schema3(field3("1:1", "F00000000001", "Name", "input", "text_latin", `<xdf:praezisierung minLength="2" maxLength="40" pattern="[^0-9]+"/>`) +
		field3("0:1", "F00000000002", "Tag", "input", "date", `<xdf:praezisierung minValue="2026-01-01" maxValue="2027-12-31"/>`) +
		field3("0:1", "F00000000003", "Uhrzeit", "input", "time", "") +
		field3("0:1", "F00000000004", "Zeitpunkt", "input", "datetime", "") +
		field3("1:1", "F00000000005", "Ja oder nein", "input", "bool", "") +
		field3("0:1", "F00000000006", "Zahl", "input", "num", `<xdf:praezisierung minValue="-1.5" maxValue="2"/>`) +
		field3("0:1", "F00000000007", "Anzahl", "input", "num_int", `<xdf:praezisierung minValue="0"/>`) +
		field3("0:1", "F00000000008", "Betrag", "input", "num_currency", "") +
		field3("0:*", "F00000000009", "Anlagen", "input", "file", `<xdf:maxSize>10</xdf:maxSize><xdf:mediaType>application/pdf</xdf:mediaType><xdf:mediaType>image/png</xdf:mediaType>`) +
		field3("0:1", "F00000000010", "Bild", "input", "obj", "") +
		field3("1:1", "F00000000011", "Hinweis", "label", text, `<xdf:inhalt>= {{ kein }} &lt;b&gt;Ausdruck&lt;/b&gt;</xdf:inhalt>`) +
		field3("1:1", "F00000000012", "Still", "hidden", text, `<xdf:inhalt>a "b" \ c</xdf:inhalt>`) +
		field3("1:1", "F00000000013", "Fest", "locked", text, `<xdf:inhalt>fest</xdf:inhalt>`) +
		field3("1:1", "F00000000014", "Wahl", "select", text, `<xdf:werte><xdf:wert><xdf:code>1</xdf:code><xdf:name>eins</xdf:name></xdf:wert><xdf:wert><xdf:code>2</xdf:code><xdf:name>zwei</xdf:name></xdf:wert></xdf:werte>`) +
		field3("0:*", "F00000000015", "Mehrere", "select", text, `<xdf:werte><xdf:wert><xdf:code>a</xdf:code><xdf:name>A</xdf:name></xdf:wert></xdf:werte>`) +
		field3("0:*", "F00000000016", "Telefon", "input", text, "") +
		group3("1:*", "G00000000001", "Kind", field3("1:1", "F00000000017", "Vorname", "input", text, "")+field3("0:3", "F00000000018", "Staat", "input", text, "")) +
		group3("0:1", "G00000000002", "Halter", field3("1:1", "F00000000019", "Vorname", "input", text, "")) +
		group3("1:1", "G00000000003", "Zahlweg", `<xdf:art><code>X</code></xdf:art>`+field3("1:1", "F00000000020", "IBAN", "input", text, "")+field3("1:1", "F00000000021", "Karte", "input", text, "")))
	m, err := xdatenfelder.Read("x.xml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	f, findings := imported(t, m, nil)
	for _, x := range f.Check(form.CheckOptions{}) {
		t.Error(x)
	}
	for _, want := range []string{"F00000000009: the form doesn't hold the size", "F00000000010: a fixed object"} {
		if !slices.ContainsFunc(findings, func(x xdatenfelder.Finding) bool { return strings.Contains(x.Msg, want) }) {
			t.Errorf("no finding %q in %v", want, findings)
		}
	}
	for name, want := range map[string]string{
		"name": "textfield text", "tag": "datetime date", "uhrzeit": "datetime time", "zeitpunkt": "datetime datetime", "ja_oder_nein": "radio radio",
		"zahl": "number number", "anzahl": "number number", "betrag": "number money", "anlagen": "filepicker file", "still": "expression expression",
		"fest": "textfield text", "wahl": "radio radio", "mehrere": "checklist checklist", "telefon": "dynamiclist dynamiclist", "kind": "dynamiclist dynamiclist",
		"kind.*.staat_3": "textfield text", "halter_angeben": "checkbox checkbox", "zahlweg.auswahl_iban": "radio radio",
	} {
		if x := f.Field(name); x == nil || x.Type+" "+x.Kind != want {
			t.Errorf("%s is %+v, want %s", name, x, want)
		}
	}
	out, more := xdatenfelder.Export(f, now)
	if len(more) > 0 {
		t.Errorf("findings of the export: %v", more)
	}
	again, err := xdatenfelder.Read("out.xml", xdatenfelder.Write(out))
	if err != nil {
		t.Fatal(err)
	}
	want := outline(m)
	for i, l := range want {
		want[i] = strings.ReplaceAll(l, "{{ kein }}", "{ { kein }}") // a form would read an expression
	}
	compare(t, want, outline(again))
}

// Every letter of DIN 91379 survives both ways.
func TestLetters(t *testing.T) {
	var set struct {
		Chars []struct {
			CP string `xml:"cp"`
		} `xml:"char"`
		Sequences []struct {
			CP string `xml:"cp"`
		} `xml:"sequence"`
	}
	if err := xml.Unmarshal(read(t, suites.Dir(t, "fim", "din91379", "latinchars.xml")), &set); err != nil {
		t.Fatal(err)
	}
	in := ""
	n := 0
	for _, c := range append(set.Chars, set.Sequences...) {
		letter := ""
		for _, h := range strings.Fields(c.CP) {
			v, err := strconv.ParseInt(h, 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			letter += string(rune(v))
		}
		// Signs of XML, line ends and spaces at an edge aren't letters of a name.
		if strings.TrimSpace(letter) != "" && !strings.ContainsAny(letter, "<&>\x00") {
			in += html.EscapeString(letter)
			n++
		}
	}
	if n < 600 {
		t.Fatalf("only %d letters", n)
	}
	m, err := xdatenfelder.Read("x.xml", []byte(schema3(field3("1:1", "F00000000001", in, "input", "text", ""))))
	if err != nil {
		t.Fatal(err)
	}
	f, _ := imported(t, m, nil)
	out, _ := xdatenfelder.Export(f, now)
	again, err := xdatenfelder.Read("x.xml", xdatenfelder.Write(out))
	if err != nil {
		t.Fatal(err)
	}
	if got := again.Root.Children[0].Label; got != html.UnescapeString(in) {
		t.Errorf("the letters have changed: %q", got)
	}
}

// A form of Mercator that FIM doesn't know gets provisional ids, and says so.
func TestExportOfOwnForms(t *testing.T) {
	files, err := filepath.Glob("../../content/services/*/application.form")
	if err != nil || len(files) == 0 {
		t.Fatal("no forms", err)
	}
	for _, file := range files {
		f, err := form.Parse(file, read(t, file))
		if err != nil {
			t.Fatal(err)
		}
		m, findings := xdatenfelder.Export(f, now)
		again, err := xdatenfelder.Read("out.xml", xdatenfelder.Write(m))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		compare(t, outline(m), outline(again))
		provisional := 0
		for _, x := range findings {
			if strings.Contains(x.Msg, "provisional") {
				provisional++
			}
		}
		if groups, fields, _ := m.Counts(); provisional < groups+fields {
			t.Errorf("%s: %d elements, but %d findings about ids", file, groups+fields, provisional)
		}
		if _, fields, _ := m.Counts(); fields == 0 {
			t.Errorf("%s: no fields", file)
		}
	}
}

func TestHostile(t *testing.T) {
	deep := strings.Repeat("<a>", 200) + strings.Repeat("</a>", 200)
	nested := field3("1:1", "F1", "x", "input", "text", "")
	for range 45 {
		nested = group3("1:1", "G1", "g", nested)
	}
	for _, c := range []struct{ name, src, want string }{
		{"empty", "", "1:1: the file holds no XML element"},
		{"no XML", "Guten Tag", "text outside of the root element"},
		{"entities", `<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>`, "1:1: document types and entities are not read"},
		{"unknown entity", `<x>&lol;</x>`, "not well-formed XML"},
		{"deep", deep, "nested deeper than 120"},
		{"wide", "<a>" + strings.Repeat("<b/>", 200_001) + "</a>", "more than 200000 elements"},
		{"large", strings.Repeat(" ", xdatenfelder.MaxBytes+1), "larger than"},
		{"Latin-1", "<a>\xe4</a>", "not UTF-8"},
		{"encoding", `<?xml version="1.0" encoding="ISO-8859-1"?><a/>`, "save the file as UTF-8"},
		{"other message", `<dokumentsteckbrief.0101 xmlns="` + xdatenfelder.Namespace3 + `"/>`, "holds no fields: expected the message"},
		{"count", schema3(field3("5:2", "F1", "x", "input", "text", "")), `"5:2" is no count: expected min:max`},
		{"datentyp", schema3(field3("1:1", "F1", "x", "input", "colour", "")), `"colour" is no datentyp: expected text, date`},
		{"nested groups", schema3(nested), "nested deeper than"},
		{"no code", schema3(strings.ReplaceAll(field3("1:1", "F1", "x", "input", "text", ""), "<code>RNG</code>", "RNG")), "<schemaelementart> holds one <code>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := xdatenfelder.Read("x.xml", []byte(c.src))
			if err == nil || !strings.HasPrefix(err.Error(), "x.xml:") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %.300v, want %s", err, c.want)
			}
		})
	}
}

// What is there several times in what is there several times, to a form and back.
func TestListsInLists(t *testing.T) {
	src := schema3(group3("1:*", "G00000000001", "Haushalt", field3("1:1", "F00000000001", "Ort", "input", "text", "")+
		group3("0:1", "G00000000002", "Wohnung", group3("0:*", "G00000000003", "Bewohner", field3("1:1", "F00000000002", "Name", "input", "text", "")+
			field3("0:*", "F00000000003", "Telefon", "input", "text", "")+
			group3("0:*", "G00000000004", "Einkommen", field3("1:1", "F00000000004", "Betrag", "input", "num_currency", "")+field3("0:*", "F00000000005", "Monat", "input", "text", ""))))))
	m, err := xdatenfelder.Read("x.xml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	f, findings := imported(t, m, nil)
	for name, want := range map[string]string{"haushalt.*.ort": "textfield", "haushalt.*.wohnung.bewohner": "dynamiclist", "haushalt.*.wohnung.bewohner.*.telefon.*.telefon": "textfield",
		"haushalt.*.wohnung.bewohner.*.einkommen.*.betrag": "number", "haushalt.*.wohnung.bewohner.*.einkommen.*.monat_5": "textfield"} {
		if x := f.Field(name); x == nil || x.Type != want {
			t.Errorf("%s is %+v, want %s, of %q", name, x, want, f.Names())
		}
	}
	if len(findings) != 1 || !strings.Contains(findings[0].Msg, "F00000000005: is there 0:* times inside of 3 lists: the form asks for it 5 times") {
		t.Errorf("findings %v", findings)
	}
	out, _ := xdatenfelder.Export(f, now)
	again, err := xdatenfelder.Read("out.xml", xdatenfelder.Write(out))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, outline(m), outline(again))
}

// Lists deeper than forms have them are shown as copies: of copies of copies there would be more than any memory holds.
func TestCopiesOfCopies(t *testing.T) {
	nested := field3("0:1", "F1", "x", "input", "text", "")
	for range 20 {
		nested = group3("0:*", "G1", "g", nested)
	}
	m, err := xdatenfelder.Read("x.xml", []byte(schema3(nested)))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = xdatenfelder.Import(m, nil)
	if err == nil || !strings.Contains(err.Error(), ": the schema makes a form of more than 1048576 bytes") {
		t.Error(err)
	}
}

func TestCodeLists(t *testing.T) {
	list := func(columns, rows string) string {
		return `<gc:CodeList xmlns:gc="` + xdatenfelder.Genericode + `"><Identification><ShortName>L</ShortName><Version>2</Version><CanonicalUri>urn:l</CanonicalUri>` +
			`<CanonicalVersionUri>urn:l_2</CanonicalVersionUri></Identification><ColumnSet>` + columns + `</ColumnSet><SimpleCodeList>` + rows + `</SimpleCodeList></gc:CodeList>`
	}
	const columns = `<Column Id="a"><ShortName>Nummer</ShortName></Column><Column Id="b"><ShortName>Text</ShortName></Column><Column Id="c"><ShortName>Name</ShortName></Column><Key Id="k"><ColumnRef Ref="a"/></Key>`
	const rows = `<Row><Value><SimpleValue>1</SimpleValue></Value><Value ColumnRef="c"><SimpleValue>eins</SimpleValue></Value></Row>`
	l, err := xdatenfelder.ReadCodeList("c.xml", []byte(list(columns, rows)))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(l.Codes("", "", "")); got != "[{1 eins }]" {
		t.Error(got)
	}
	if got := fmt.Sprint(l.Codes("Name", "a", "")); got != "[{eins 1 }]" {
		t.Error(got)
	}
	all := xdatenfelder.Lists{l}
	for ref, want := range map[xdatenfelder.CodesRef]bool{
		{VersionURI: "urn:l_2"}: true, {URI: "urn:l"}: true, {URI: "urn:l", Version: "2"}: true, {URI: "urn:l", Version: "1"}: false, {ID: "C1"}: false,
	} {
		if got := all.Find(ref) != nil; got != want {
			t.Errorf("%+v: %v", ref, got)
		}
	}
	for src, want := range map[string]string{
		`<a/>`:                    "1:1: <a> in the namespace \"\" is no code list",
		list("", rows):            "<ColumnSet> has no <Column>",
		list(columns, "<Zeile/>"): "<Zeile> is not expected in <SimpleCodeList>: expected Row",
		list(columns, `<Row><Value ColumnRef="z"/></Row>`): `the column "z" isn't in the <ColumnSet>`,
	} {
		if _, err := xdatenfelder.ReadCodeList("c.xml", []byte(src)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// Limits that a form can't hold are told, and lose nothing.
func TestLimitsThatAreNoted(t *testing.T) {
	for more, want := range map[string]string{
		`<xdf:praezisierung pattern="(?=a)b"/>`:              `pattern "(?=a)b" is kept as a note`,
		`<xdf:praezisierung minLength="5" maxLength="2"/>`:   "it is greater than maxLength",
		`<xdf:praezisierung maxLength="viel"/>`:              "a whole number from 0 to 20000 is expected",
		`<xdf:praezisierung maxLength="99999999999999999"/>`: "a whole number from 0 to 20000 is expected",
		`<xdf:praezisierung maxLength="0"/>`:                 "nothing could be entered",
		`<xdf:praezisierung minValue="3"/>`:                  `minValue "3" is kept as a note`,
	} {
		m, err := xdatenfelder.Read("x.xml", []byte(schema3(field3("1:1", "F00000000001", "x", "input", "text", more))))
		if err != nil {
			t.Fatal(err)
		}
		f, findings := imported(t, m, nil)
		if len(findings) != 1 || !strings.Contains(findings[0].Msg, want) {
			t.Errorf("%s: %v, want %s", more, findings, want)
		}
		out, _ := xdatenfelder.Export(f, now)
		compare(t, outline(m), outline(out))
	}
}

func FuzzImport(f *testing.F) {
	f.Add([]byte(schema3(field3("0:*", "F00000000001", "Name", "input", "text", "") + group3("0:1", "G1", "G", field3("1:1", "F2", "x", "select", "text", "")))))
	suite := filepath.Join("..", "..", "..", "shared", "suites", "fim")
	for _, pattern := range []string{"xdatenfelder_parser_tests/*/*.xml", "fim_mutterschutz_real/C0*.xml"} {
		files, _ := filepath.Glob(filepath.Join(suite, pattern)) // the pattern is well-formed
		for _, file := range files {
			f.Add(read(f, file))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if l, err := xdatenfelder.ReadCodeList("c.xml", data); err == nil {
			l.Codes("", "", "")
		}
		m, err := xdatenfelder.Read("x.xml", data)
		if err != nil {
			return
		}
		src, _, err := xdatenfelder.Import(m, nil)
		if err != nil {
			return
		}
		fm, err := form.Parse("x.form", src)
		if err != nil {
			t.Fatalf("the form isn't read: %v", err)
		}
		out, _ := xdatenfelder.Export(fm, now)
		if _, err := xdatenfelder.Read("x.xml", xdatenfelder.Write(out)); err != nil {
			t.Fatalf("what was written isn't read: %v", err)
		}
	})
}
