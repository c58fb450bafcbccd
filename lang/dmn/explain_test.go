// SPDX-License-Identifier: EUPL-1.2

package dmn

import (
	"strings"
	"testing"
	"time"

	"mercator/base/i18n"
)

const residence = `<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20230324/MODEL/" id="d" name="residence" namespace="urn:residence">
  <inputData id="since" name="since"><variable name="since" typeRef="date"/></inputData>
  <inputData id="day" name="day"><variable name="day" typeRef="date"/></inputData>
  <inputData id="student" name="student"><variable name="student" typeRef="boolean"/></inputData>
  <decision id="weeks" name="Wochen am Ort"><variable name="weeks" typeRef="number"/>
    <informationRequirement><requiredInput href="#since"/></informationRequirement><informationRequirement><requiredInput href="#day"/></informationRequirement>
    <literalExpression><text>floor((day - since) / duration("P7D"))</text></literalExpression></decision>
  <decision id="entitled" name="Anspruch"><variable name="entitled" typeRef="string"/>
    <informationRequirement><requiredDecision href="#weeks"/></informationRequirement><informationRequirement><requiredInput href="#student"/></informationRequirement>
    <decisionTable hitPolicy="UNIQUE">
      <input label="Wochen am Ort"><inputExpression typeRef="number"><text>weeks</text></inputExpression></input>
      <input label="Studium"><inputExpression typeRef="boolean"><text>student</text></inputExpression></input>
      <output name="result" typeRef="string"/><annotation name="law"/><annotation name="de"/><annotation name="en"/><annotation name="tr"/>
      <rule id="r1"><inputEntry><text>&gt;= 12</text></inputEntry><inputEntry><text>true</text></inputEntry><outputEntry><text>"yes"</text></outputEntry>
        <annotationEntry><text>§ 3 Abs. 1</text></annotationEntry><annotationEntry><text>Sie wohnen lange genug hier.</text></annotationEntry><annotationEntry><text>You have lived here long enough.</text></annotationEntry><annotationEntry><text>Yeterince uzun süredir buradasınız.</text></annotationEntry></rule>
      <rule id="r2"><inputEntry><text>&lt; 12</text></inputEntry><inputEntry><text>true</text></inputEntry><outputEntry><text>"no"</text></outputEntry>
        <annotationEntry><text>§ 3 Abs. 2</text></annotationEntry><annotationEntry><text>Sie wohnen noch keine zwölf Wochen hier.</text></annotationEntry><annotationEntry><text>You haven't lived here for twelve weeks.</text></annotationEntry><annotationEntry><text>On iki haftadır burada değilsiniz.</text></annotationEntry></rule>
      <rule id="r3"><inputEntry><text>-</text></inputEntry><inputEntry><text>false</text></inputEntry><outputEntry><text>"no"</text></outputEntry>
        <annotationEntry><text>§ 3 Abs. 3</text></annotationEntry><annotationEntry><text>Nur für Studierende.</text></annotationEntry><annotationEntry><text>Students only.</text></annotationEntry><annotationEntry><text>Sadece öğrenciler için.</text></annotationEntry></rule>
    </decisionTable></decision>
</definitions>`

func localizer(t *testing.T, lang string) *i18n.Localizer {
	t.Helper()
	c, err := i18n.Load(Messages)
	if err != nil {
		t.Fatal(err)
	}
	if m := c.Missing(); len(m) > 0 {
		t.Errorf("missing messages: %v", m)
	}
	return c.Localizer(lang)
}

func parsed(t *testing.T, text string) *Definitions {
	t.Helper()
	d, err := Parse("test.dmn", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A decision says why, down to what it rests on.
func TestExplain(t *testing.T) {
	d := parsed(t, residence)
	r, err := d.Decide("entitled", map[string]any{"since": "2026-09-21", "day": "2026-11-23", "student": true})
	if err != nil {
		t.Fatal(err)
	}
	for lang, want := range map[string]string{
		"de": "Anspruch: no\nRegel 2 trifft zu: Wochen am Ort ist 9 (verlangt: < 12), Studium ist ja (verlangt: true).\nGrund: Sie wohnen noch keine zwölf Wochen hier.\nRechtsgrundlage: § 3 Abs. 2\nWochen am Ort: 9\nDas ist berechnet, nicht aus einer Tabelle.",
		"en": "Anspruch: no\nRule 2 applies: Wochen am Ort is 9 (required: < 12), Studium is yes (required: true).\nReason: You haven't lived here for twelve weeks.\nLegal basis: § 3 Abs. 2\nWochen am Ort: 9\nThis is computed, not taken from a table.",
		"tr": "Anspruch: no\n2. kural geçerli: Wochen am Ort: 9 (istenen: < 12), Studium: evet (istenen: true).\nGerekçe: On iki haftadır burada değilsiniz.\nYasal dayanak: § 3 Abs. 2\nWochen am Ort: 9\nBu sonuç bir tablodan alınmadı, hesaplandı.",
	} {
		if got := strings.Join(r.Explain(localizer(t, lang)), "\n"); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", lang, got, want)
		}
	}
	// Where there is no answer the explanation says what was missing.
	r, err = d.Decide("entitled", map[string]any{"day": "2026-11-23", "student": true})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(r.Explain(localizer(t, "en")), "\n"); r.Value != nil || !strings.Contains(got, "No rule applies") || !strings.Contains(got, "something is missing in “day - since” (line 8") {
		t.Errorf("%v: %s", r.Value, got)
	}
}

// The smallest change of one input that changes the answer, or that there is none.
func TestCounterfactuals(t *testing.T) {
	d := parsed(t, residence)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name    string
		in      map[string]any
		fixed   []string
		de      string
		changes int
	}{
		{"three weeks short", map[string]any{"since": "2026-09-21", "day": "2026-11-23", "student": true}, []string{"student"},
			"Läge since um 3 Wochen früher (31.08.2026 statt 21.09.2026): yes.\nLäge day um 3 Wochen später (14.12.2026 statt 23.11.2026): yes.", 2},
		{"no student", map[string]any{"since": "2026-01-05", "day": "2026-11-23", "student": false}, nil, "Mit Studium = ja statt nein: yes.", 1},
		{"two things are missing", map[string]any{"since": "2026-11-02", "day": "2026-11-23", "student": false}, nil, "Keine einzelne Änderung an den Angaben würde die Antwort ändern.", 0},
	} {
		got, err := d.Counterfactuals("entitled", c.in, CounterOptions{Now: now, Fixed: c.fixed})
		if err != nil {
			t.Fatal(err)
		}
		if s := strings.Join(got.Explain(localizer(t, "de")), "\n"); s != c.de || len(got.Changes) != c.changes || !got.Complete {
			t.Errorf("%s: %s (%+v)", c.name, s, got)
		}
	}
	fee := read(t, "resident-parking-permit/fee.dmn")
	got, err := fee.Counterfactuals("fee", map[string]any{"application": map[string]any{"months": "12"}}, CounterOptions{Now: now})
	if err != nil || len(got.Changes) != 2 || got.Changes[0].To != "24" || got.Changes[1].To != "6" {
		t.Errorf("%+v %v", got, err)
	}
	// The search is bounded, and says so.
	if got, err = d.Counterfactuals("entitled", map[string]any{"since": "2026-09-21", "day": "2026-11-23", "student": true}, CounterOptions{Tries: 3}); err != nil || got.Complete {
		t.Errorf("%+v %v", got, err)
	}
}
