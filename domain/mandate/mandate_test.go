// SPDX-License-Identifier: EUPL-1.2

package mandate

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"mercator/core/access"
)

var berlin = func() *time.Location {
	z, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	return z
}()

func contentRules(t testing.TB) *Rules {
	t.Helper()
	r, err := LoadRules(os.DirFS("../../content/city"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestKinds is what the city's kinds can be, as the law has it.
func TestKinds(t *testing.T) {
	r := contentRules(t)
	most := []string{Read, Fill, Submit, Messages, Registers} // rights over the data are for those who stand in by law
	for _, c := range []struct {
		id, basis, given, confirm string
		actions                   []string
		all                       bool
	}{
		{"parent", "§§ 1626, 1629 BGB", "office", "office", Actions(), true},
		{"guardian", "§§ 1814, 1815, 1823 BGB", "office", "office", Actions(), true},
		{"authorised", "§ 14 VwVfG NRW", "person", "delegate", most, true},
		{"association", "§ 14 VwVfG NRW, § 7 RDG", "person", "office", []string{Read, Fill, Submit, Messages}, false},
		{"interpreter", "§ 23 VwVfG NRW", "person", "delegate", []string{Read, Fill}, false},
		{"tax-adviser", "§ 80 AO, § 3 StBerG", "person", "delegate", most, false},
	} {
		k, ok := r.Kind(c.id)
		if !ok || k.Basis != c.basis || k.Given != c.given || k.Confirm != c.confirm || !slices.Equal(k.Actions, c.actions) || k.All != c.all {
			t.Errorf("%s: %+v", c.id, k)
		}
	}
	if k, _ := r.Kind("parent"); k.Until != "18" {
		t.Error("parents act beyond the eighteenth birthday")
	}
}

func TestRulesRefuse(t *testing.T) {
	const good = `id = "a"
basis = "§ 14 VwVfG"
given = "person"
confirm = "delegate"
actions = ["read"]
longest = 10
title = { de = "a", en = "a", tr = "a" }
text = { de = "a", en = "a", tr = "a" }
`
	head := "[deputies]\nlongest = 9\n"
	load := func(text string) error {
		_, err := LoadRules(fstest.MapFS{"mandates.toml": {Data: []byte(text)}})
		return err
	}
	if err := load(head + "[[kind]]\n" + good); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"there twice":             head + "[[kind]]\n" + good + "[[kind]]\n" + good,
		"longest is needed":       head + "[[kind]]\n" + strings.Replace(good, "longest = 10\n", "", 1),
		"no action \"decide\"":    head + "[[kind]]\n" + strings.Replace(good, `"read"`, `"decide"`, 1),
		"unknown key":             head + "[[kind]]\n" + good + "color = 1\n",
		"legal basis":             head + "[[kind]]\n" + strings.Replace(good, `"§ 14 VwVfG"`, `""`, 1),
		"offices are needed":      head + "[[kind]]\n" + strings.Replace(good, `"delegate"`, `"office"`, 1),
		"until is 18":             head + "[[kind]]\n" + good + "until = \"18\"\n",
		"text is missing in tr":   head + "[[kind]]\n" + strings.Replace(good, `en = "a", tr = "a" }`, `en = "a" }`, 1),
		"[deputies]: longest":     "[[kind]]\n" + good,
		"given is person or offi": head + "[[kind]]\n" + strings.Replace(good, `given = "person"`, `given = "anybody"`, 1),
	} {
		if err := load(text); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAdulthood(t *testing.T) {
	for birth, want := range map[string]string{
		"2008-11-29": "2026-11-29T00:00:00+01:00",
		"2008-07-01": "2026-07-01T00:00:00+02:00",
		"2008-02-29": "2026-03-01T00:00:00+01:00",
		"2010-02-29": "",
		"2006-02-28": "2024-02-28T00:00:00+01:00",
	} {
		got, err := adulthood(birth, berlin)
		if want == "" {
			if err == nil {
				t.Errorf("%s is no day", birth)
			}
			continue
		}
		if err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%s: %v %v", birth, got, err)
		}
	}
}

func TestCodes(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		c := newCode()
		if plain := strings.ReplaceAll(c, "-", ""); len(plain) != codeLength || seen[c] || codeHash(c) == "" {
			t.Fatalf("code %q", c)
		}
		seen[c] = true
		// As people type it.
		if typed := strings.ToLower(strings.ReplaceAll(c, "-", "  ")); codeHash(typed) != codeHash(c) {
			t.Errorf("%q isn't %q", typed, c)
		}
	}
	if codeHash("OIL00-00000-00000-00000-00000-0") != codeHash("0110000000000000000000 0000") {
		t.Error("what is mistaken for another isn't put right")
	}
	for _, bad := range []string{"", "A", strings.Repeat("A", 27), strings.Repeat("U", 26), strings.Repeat("ſ", 26), strings.Repeat("A", 300), "%' OR 1=1 --"} {
		if codeHash(bad) != "" {
			t.Errorf("%q is no code", bad)
		}
	}
}

func TestGift(t *testing.T) {
	r := contentRules(t)
	today := time.Date(2026, 11, 28, 0, 0, 0, 0, berlin)
	known := func(kind, id string) bool {
		return kind == "service" && (id == "dog-tax" || id == "parking") || kind == "topic" && (id == "taxes" || id == "mobility")
	}
	base := Gift{Services: []string{"dog-tax"}, Actions: []string{Read, Fill}, From: "2026-11-28", Until: "2027-03-31"}
	for _, c := range []struct {
		name, kind string
		change     func(g *Gift)
		want       string // the problem, "field msg"; empty: none
	}{
		{"as it should be", "authorised", nil, ""},
		{"everything", "authorised", func(g *Gift) { g.All, g.Services = true, nil }, ""},
		{"an interpreter for everything", "interpreter", func(g *Gift) { g.All, g.Services = true, nil }, "scope mandate.notAll"},
		{"an interpreter who submits", "interpreter", func(g *Gift) { g.Actions = []string{Fill, Submit} }, "actions mandate.foreignAction"},
		{"an association that sees registers", "association", func(g *Gift) { g.Actions = []string{Fill, Registers} }, "actions mandate.foreignAction"},
		{"a tax adviser for taxes", "tax-adviser", nil, ""},
		{"a tax adviser for parking", "tax-adviser", func(g *Gift) { g.Services = []string{"parking"} }, "scope mandate.foreignScope"},
		{"a tax adviser for mobility", "tax-adviser", func(g *Gift) { g.Services, g.Topics = nil, []string{"mobility"} }, "scope mandate.foreignScope"},
		{"a service that isn't there", "authorised", func(g *Gift) { g.Services = []string{"no-such"} }, "scope mandate.foreignScope"},
		{"nothing", "authorised", func(g *Gift) { g.Services = nil }, "scope mandate.noScope"},
		{"no action", "authorised", func(g *Gift) { g.Actions = nil }, "actions mandate.noAction"},
		{"an action of nobody", "authorised", func(g *Gift) { g.Actions = []string{"decide"} }, "actions mandate.foreignAction"},
		{"submitting without filling in", "authorised", func(g *Gift) { g.Actions = []string{Submit} }, "actions mandate.submitNeedsFill"},
		{"yesterday", "authorised", func(g *Gift) { g.From = "2026-11-27" }, "from mandate.past"},
		{"in two years", "authorised", func(g *Gift) { g.From, g.Until = "2028-11-28", "2028-12-01" }, "from mandate.farAway"},
		{"ends before it begins", "authorised", func(g *Gift) { g.Until = "2026-11-27" }, "until mandate.endsBefore"},
		{"one day", "authorised", func(g *Gift) { g.Until = "2026-11-28" }, ""},
		{"as long as can be", "interpreter", func(g *Gift) { g.Until = "2027-11-28" }, ""},
		{"a day longer", "interpreter", func(g *Gift) { g.Until = "2027-11-29" }, "until mandate.tooLong"},
		{"no day", "authorised", func(g *Gift) { g.Until = "2027-02-29" }, "until mandate.noDate"},
	} {
		k, _ := r.Kind(c.kind)
		g := base
		if c.change != nil {
			c.change(&g)
		}
		within := func(id string) bool { return len(k.Topics) == 0 || id == "dog-tax" }
		_, _, problems := g.check(k, today, known, within)
		got := ""
		if len(problems) > 0 {
			got = problems[0].Field + " " + problems[0].Msg
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestFacts holds that a kind as it is now bounds what was once given.
func TestFacts(t *testing.T) {
	r := contentRules(t)
	services := func(topic string) []string {
		return map[string][]string{"taxes": {"dog-tax"}, "business": {"trade"}, "mobility": {"parking"}}[topic]
	}
	for _, c := range []struct {
		name string
		m    Mandate
		want access.Mandate
	}{
		{"an interpreter whose row says more than an interpreter may", Mandate{ID: "m", Kind: "interpreter", Principal: "p", All: true, Services: []string{"parking"}, Actions: Actions()},
			access.Mandate{ID: "m", Kind: "interpreter", Person: "p", Actions: []string{Read, Fill}, Services: []string{"parking"}}},
		{"topics are the services that they have now", Mandate{ID: "m", Kind: "authorised", Principal: "p", Topics: []string{"mobility", "taxes"}, Services: []string{"dog-tax"}, Actions: []string{Read}},
			access.Mandate{ID: "m", Kind: "authorised", Person: "p", Actions: []string{Read}, Services: []string{"dog-tax", "parking"}}},
		{"a tax adviser stays with taxes and trade", Mandate{ID: "m", Kind: "tax-adviser", Principal: "p", All: true, Topics: []string{"mobility", "business"}, Services: []string{"parking", "dog-tax"}, Actions: []string{Submit}},
			access.Mandate{ID: "m", Kind: "tax-adviser", Person: "p", Actions: []string{Submit}, Services: []string{"dog-tax", "trade"}}},
	} {
		k, _ := r.Kind(c.m.Kind)
		got := c.m.Facts(k, services)
		if got.All != c.want.All || got.Person != c.want.Person || !slices.Equal(got.Actions, c.want.Actions) || !slices.Equal(got.Services, c.want.Services) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}
