// SPDX-License-Identifier: EUPL-1.2

package service_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"mercator/domain/service"
)

func TestScenariosOfALifeEventAreHeldAgainstIt(t *testing.T) {
	c := loaded(t)
	if err := c.LoadEvents(os.DirFS("../../content/events")); err != nil {
		t.Fatal(err)
	}
	e, _ := c.Event("moved")
	good := `title = "A"
person = "anna-schmidt"
today = "2026-12-01"
wanted = ["dog-registration"]
[answers.change-of-address]
new_street = "Kantstraße"
[expect]
services = ["change-of-address", "dog-registration"]
[expect.once]
"change-of-address.new_street" = ["dog-registration.street"]
[expect.cases.dog-registration]
street = "Kantstraße"
`
	read := func(text string) ([]service.EventScenario, string) {
		list, problems := service.EventScenarios(e, fstest.MapFS{"scenarios/a.toml": {Data: []byte(text)}}, c.Current)
		return list, fmt.Sprint(problems)
	}
	list, problems := read(good)
	if problems != "[]" || len(list) != 1 || list[0].File != "a.toml" || list[0].Expect.Cases["dog-registration"]["street"] != "Kantstraße" || list[0].Answers["change-of-address"]["new_street"] != "Kantstraße" {
		t.Fatalf("%s %+v", problems, list)
	}
	for _, x := range []struct{ old, new, says string }{
		{`title = "A"`, ``, "needs title, person and expect.services"},
		{`2026-12-01`, `1.12.2026`, "is not a day"},
		{`wanted = ["dog-registration"]`, `wanted = ["change-of-address"]`, "a.toml:4: change-of-address is part of it without being asked for"},
		{`wanted = ["dog-registration"]`, `wanted = ["identity-card"]`, `"identity-card" isn't a service of the event`},
		{`services = ["change-of-address", "dog-registration"]`, `services = ["nothing"]`, `"nothing" isn't a service`},
		{`new_street = "Kantstraße"`, `old_street = "Kantstraße"`, `a.toml:6: the form of change-of-address has no field "old_street"`},
		{`["dog-registration.street"]`, `["dog-registration.strasse"]`, `the form of dog-registration has no field "strasse"`},
		{`["dog-registration.street"]`, `["street"]`, `"street" isn't a service`},
		{"\nstreet = ", "\nstrasse = ", `a.toml:12: the form of dog-registration has no field "strasse"`},
		{`[expect]`, "[expect]\nsurprise = 1", `unknown key "expect.surprise"`},
		{`title = "A"`, `title = `, "a.toml:1"},
	} {
		if _, problems := read(strings.Replace(good, x.old, x.new, 1)); !strings.Contains(problems, x.says) {
			t.Errorf("%s: %s, want %s", x.new, problems, x.says)
		}
	}

	got := service.EventRun{Services: []string{"change-of-address", "dog-registration"}, Once: map[string][]string{"change-of-address.new_street": {"dog-registration.street"}},
		Cases: map[string]map[string]any{"dog-registration": {"street": "Kantstraße"}}}
	if bad := list[0].Compare(got); len(bad) != 0 {
		t.Errorf("as expected: %v", bad)
	}
	got.Services, got.Cases = []string{"change-of-address"}, nil
	got.Once = map[string][]string{"change-of-address.moved_in": {"dog-registration.kept_since"}}
	if bad := fmt.Sprint(list[0].Compare(got)); !strings.Contains(bad, "applied for: [change-of-address], want [change-of-address dog-registration]") || !strings.Contains(bad, "dog-registration has no case") ||
		!strings.Contains(bad, "change-of-address.new_street is asked for [], too, want [dog-registration.street]") || !strings.Contains(bad, "change-of-address.moved_in is asked once") {
		t.Error(bad)
	}
	got.Cases = map[string]map[string]any{"dog-registration": {"street": "Müllerstraße"}}
	if bad := fmt.Sprint(list[0].Compare(got)); !strings.Contains(bad, `the case of dog-registration has street: "Müllerstraße", want "Kantstraße"`) {
		t.Error(bad)
	}
}
