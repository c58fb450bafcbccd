// SPDX-License-Identifier: EUPL-1.2

package dmn

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"mercator/lang/feel"
)

const services = "../../content/services/"

func read(t testing.TB, name string) *Definitions {
	t.Helper()
	b, err := os.ReadFile(services + name)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Parse(name, b)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The table of fees, as a clerk reads it.
func TestFees(t *testing.T) {
	d := read(t, "resident-parking-permit/fee.dmn")
	for months, want := range map[string]string{"6": "1535", "12": "3070", "24": "6140", "7": "null"} {
		r, err := d.Decide("fee", map[string]any{"application": map[string]any{"months": months}})
		if err != nil {
			t.Fatal(err)
		}
		got := "null"
		if m, ok := r.Value.(map[string]any); ok {
			b, _ := json.Marshal(m["cents"])
			got = string(b)
			if rules := r.Trace[0].Rules; len(rules) != 1 || rules[0].Annotations[0].Name != "law" || !strings.Contains(rules[0].Annotations[0].Text, "GebOSt") {
				t.Errorf("%s months: %+v", months, rules)
			}
		}
		if got != want {
			t.Errorf("%s months cost %s, want %s", months, got, want)
		}
	}
}

func TestWhoIsEntitled(t *testing.T) {
	d := read(t, "resident-parking-permit/eligibility.dmn")
	anna := map[string]any{"resident": map[string]any{"city": "Duisburg"}, "vehicles": []any{map[string]any{"plate": "DU-AS 1988"}}}
	zone := map[string]any{"code": "NN"}
	for _, c := range []struct {
		name                 string
		registers, zone      any
		wish, plate, outcome string
	}{
		{"lives in the zone, own car", anna, zone, "NN", "DU-AS 1988", "entitled"},
		{"another zone", anna, zone, "AL", "DU-AS 1988", "wrong_zone"},
		{"no zone at all", anna, nil, "AL", "DU-AS 1988", "no_zone"},
		{"somebody else's car", anna, zone, "NN", "DU-XX 1", "other_vehicle"},
		{"typed by hand", nil, zone, "NN", "DU-AS 1988", "by_hand"},
		{"lives elsewhere", map[string]any{"resident": map[string]any{"city": "Essen"}, "vehicles": []any{}}, zone, "NN", "DU-AS 1988", "not_main_residence"},
	} {
		r, err := d.Decide("eligibility", map[string]any{"registers": c.registers, "address_zone": c.zone, "application": map[string]any{"zone": c.wish, "plate": c.plate}})
		if err != nil {
			t.Fatal(err)
		}
		if m, _ := r.Value.(map[string]any); m["reason"] != c.outcome {
			t.Errorf("%s: %v, want %s", c.name, r.Value, c.outcome)
		}
	}
}

func TestMistakesOfAFile(t *testing.T) {
	b, err := os.ReadFile(services + "resident-parking-permit/fee.dmn")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for old, bad := range map[string]string{"<text>3070</text>": "<text>30 70 +</text>", "<text>12</text>": "<text>12,</text>", "</definitions>": "", "<outputEntry id=\"fee_r1_o1\"><text>\"Bewohnerparkausweis 6 Monate\"</text></outputEntry>": ""} {
		if !strings.Contains(text, old) {
			t.Fatalf("no %q", old)
		}
		if _, err := Parse("fee.dmn", []byte(strings.Replace(text, old, bad, 1))); err == nil || !strings.Contains(err.Error(), "fee.dmn") {
			t.Errorf("%q instead of %q: %v", bad, old, err)
		}
	}
	law := "<annotationEntry><text>Nummer 265 der Anlage zu § 1 GebOSt</text></annotationEntry>"
	silent, err := Parse("fee.dmn", []byte(strings.Replace(text, law, "<annotationEntry><text></text></annotationEntry>", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if found := silent.Check(CheckOptions{Annotations: []string{"law", "de"}}); len(found) != 1 || found[0].Line == 0 || !strings.Contains(found[0].Msg, `no annotation "law"`) {
		t.Errorf("a rule without its paragraph: %+v", found)
	}
	d := read(t, "resident-parking-permit/fee.dmn")
	if _, err := d.Decide("nothing", nil); err == nil {
		t.Error("a decision that isn't there was made")
	}
}

// Places are those in the file, whatever XML makes of a text.
func TestPlacesOfMistakes(t *testing.T) {
	text := "<definitions xmlns=\"https://www.omg.org/spec/DMN/20230324/MODEL/\" name=\"m\" namespace=\"urn:m\">\n" +
		"<inputData id=\"n\" name=\"Größe\"><variable name=\"Größe\" typeRef=\"number\"/></inputData>\n" +
		"<decision id=\"d\" name=\"d\"><informationRequirement><requiredInput href=\"#n\"/></informationRequirement>\n" +
		"<literalExpression><text>Größe &lt; 5 and\n\tGröße &gt; fuenf</text></literalExpression></decision>\n" +
		"<decision id=\"e\" name=\"e\"><literalExpression><text><![CDATA[ 1 < ]]></text></literalExpression></decision>\n</definitions>"
	_, err := Parse("m.dmn", []byte(text))
	if err == nil || err.Error() != "m.dmn:5:13: nothing here is called “fuenf”\nm.dmn:6:65: the expression ends too early: expected a value" {
		t.Errorf("%v", err)
	}
	_, err = Parse("m.dmn", []byte(strings.Replace(text, "1 < ", "1 < 2", 1)))
	var e *feel.Error
	if !errors.As(err, &e) || err.Error() != "m.dmn:5:13: nothing here is called “fuenf”" || e.Show() != "m.dmn:5:13: nothing here is called “fuenf”\n     Größe > fuenf\n             ^" {
		t.Errorf("%v\n%s", err, e.Show())
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"resident-parking-permit/fee.dmn", "resident-parking-permit/eligibility.dmn"} {
		b, err := os.ReadFile(services + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Parse("fuzz.dmn", data)
		if err != nil {
			return
		}
		for _, x := range d.Decisions() {
			d.Decide(x.ID, map[string]any{"application": map[string]any{"months": "6"}})
		}
	})
}
