// SPDX-License-Identifier: EUPL-1.2

package service_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/service"
)

func loaded(t *testing.T) *service.Catalog {
	t.Helper()
	c := service.NewCatalog(storetest.SQLite(t, []store.Migrations{service.Migrations()}), time.Now)
	if err := c.Load(context.Background(), os.DirFS(root)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEventsOfTheCityHoldTogether(t *testing.T) {
	c := loaded(t)
	if err := c.LoadEvents(os.DirFS("../../content/events")); err != nil {
		t.Fatal(err)
	}
	e, ok := c.Event("moved")
	if !ok || len(c.Events()) == 0 {
		t.Fatal("there is no event \"moved\"")
	}
	groups := map[string]bool{}
	for _, g := range e.Shared(c.Current) {
		groups[fmt.Sprint(g.Questions, g.Afresh)] = true
	}
	for _, want := range []string{
		"[change-of-address.moved_in resident-parking-permit.residence_since] true",
		// Named nowhere: both are filled from the same field of the same register.
		"[resident-parking-permit.given_names dog-registration.given_names] false",
		"[resident-parking-permit.city dog-registration.city] false",
	} {
		found := false
		for g := range groups {
			found = found || g == want || strings.HasPrefix(g, strings.TrimSuffix(want[:strings.Index(want, "]")], "]")+" ") && strings.HasSuffix(g, want[strings.Index(want, "]"):])
		}
		if !found {
			t.Errorf("%s isn't among %v", want, groups)
		}
	}
}

const goodEvent = `id = "test"
title = { de = "A", en = "A", tr = "A", de-simple = "A" }
summary = { de = "A", en = "A", tr = "A", de-simple = "A" }
[[service]]
id = "change-of-address"
[[service]]
id = "resident-parking-permit"
question = { de = "A", en = "A", tr = "A", de-simple = "A" }
when = "=answers.change_of_address.new_street != null"
[[same]]
fields = ["change-of-address.new_street", "resident-parking-permit.street"]
`

func TestAnEventWithAMistakeIsNamed(t *testing.T) {
	c := loaded(t)
	parse := func(text string) error {
		_, err := service.ParseEvent("test", fstest.MapFS{"event.toml": {Data: []byte(text)}}, c.Current)
		return err
	}
	if err := parse(goodEvent); err != nil {
		t.Fatal(err)
	}
	for _, m := range []struct{ old, new, want string }{
		{`id = "test"`, `id = "other"`, "must be the name of the folder"},
		{`tr = "A", de-simple = "A" }` + "\nsummary", `de-simple = "A" }` + "\nsummary", "title has no text in tr"},
		{`question = { de = "A", en = "A", tr = "A", de-simple = "A" }`, `question = { de = "A" }`, "question has no text in en"},
		{`id = "change-of-address"`, `id = "flying-permit"`, "the city has no such service"},
		{`id = "resident-parking-permit"`, `id = "data-rectification"`, "it isn't applied for by itself"},
		{`id = "resident-parking-permit"`, `id = "change-of-address"`, "stands here twice"},
		{`"resident-parking-permit.street"`, `"resident-parking-permit.nothing"`, "the form has no such field"},
		{`"resident-parking-permit.street"`, `"identity-card.street"`, "the event doesn't hold that service"},
		{`"resident-parking-permit.street"`, `"resident-parking-permit.zone"`, "one is a textfield, the other a select"},
		{`"resident-parking-permit.street"`, `"resident-parking-permit.postcode"`, "one asks for a street, the other for a postcode"},
		{`"resident-parking-permit.street"`, `"resident-parking-permit.declared"`, "each service's own"},
		{`"resident-parking-permit.street"`, `"change-of-address.landlord_code"`, "two questions of one service"},
		{`, "resident-parking-permit.street"`, ``, "at least two fields"},
		{`answers.change_of_address.new_street`, `answers.change_of_address.shoe_size`, "the form has no such field"},
		{`answers.change_of_address.new_street`, `answers.resident_parking_permit.zone`, "no service before this one"},
		{`answers.change_of_address.new_street`, `person.name`, "when reads person.name"},
		{`"=answers`, `"answers`, "an expression begins with"},
		{`!= null"`, `!= "`, "when:"},
		{`[[same]]`, "[[same]]\nfresh = true", "unknown key"},
		{`id = "test"`, `id = "test`, "event.toml:1"},
	} {
		text := strings.Replace(goodEvent, m.old, m.new, 1)
		if text == goodEvent {
			t.Fatalf("%q isn't in the event", m.old)
		}
		if err := parse(text); err == nil || !strings.Contains(err.Error(), m.want) {
			t.Errorf("%s: want %q, have %v", m.new, m.want, err)
		}
	}
	if _, err := service.ParseEvent("test", fstest.MapFS{"event.toml": {Data: []byte(goodEvent)}, "more.bpmn": {Data: []byte("x")}}, c.Current); err == nil {
		t.Error("an event with another file is taken")
	}
}

func TestAnEventWithAMistakeDoesntCloseTheOneBefore(t *testing.T) {
	c := loaded(t)
	folder := func(text string) fstest.MapFS { return fstest.MapFS{"test/event.toml": {Data: []byte(text)}} }
	changes := 0
	c.OnChange(func() { changes++ })
	if err := c.LoadEvents(folder(goodEvent)); err != nil {
		t.Fatal(err)
	}
	before, _ := c.Event("test")
	if err := c.LoadEvents(folder(strings.Replace(goodEvent, "change-of-address", "nothing", 1))); err == nil {
		t.Error("a mistake isn't told")
	}
	if now, _ := c.Event("test"); now != before {
		t.Error("the event before isn't in force")
	}
	if err := c.LoadEvents(fstest.MapFS{}); err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Event("test"); ok || changes != 3 {
		t.Errorf("an event whose folder is gone is offered; %d changes told", changes)
	}
}

// Who looks at one form of a life event needs those before it that ask what it asks or that a condition reads, and no others.
func TestWhatAFormOfAnEventDependsOn(t *testing.T) {
	c := loaded(t)
	text := `{ de = "A", en = "A", tr = "A", de-simple = "A" }`
	event := func(services string) *service.Event {
		t.Helper()
		e, err := service.ParseEvent("test", fstest.MapFS{"event.toml": {Data: []byte("id = \"test\"\ntitle = " + text + "\nsummary = " + text + "\n" + services)}}, c.Current)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	part := func(id, when string) string {
		if when != "" {
			when = "when = '" + when + "'\n"
		}
		return "[[service]]\nid = \"" + id + "\"\n" + when
	}
	move, dog, defect, firm := "change-of-address", "dog-registration", "report-defect", "business-registration"
	same := "[[same]]\nfields = [\"change-of-address.new_street\", \"dog-registration.street\"]\nafresh = true\n"
	for _, x := range []struct{ parts, of, want string }{
		{part(move, "") + part(dog, "") + part(defect, ""), move, "change-of-address"},
		{part(move, "") + part(dog, "") + part(defect, ""), defect, "report-defect"},
		{part(move, "") + part(defect, "") + part(dog, "") + same, dog, "change-of-address dog-registration"},
		{part(move, "") + part(defect, "") + part(firm, "=answers.report_defect.spot = \"x\""), firm, "business-registration report-defect"},
		{part(move, "") + part(defect, "") + part(firm, "=registers.resident.street = \"x\""), firm, "business-registration change-of-address report-defect"},
		// What a needed form needs is needed, too.
		{part(move, "") + part(dog, "") + part(defect, "=answers.dog_registration.dog_name = \"x\"") + same, defect, "change-of-address dog-registration report-defect"},
		{part(move, "") + part(dog, ""), firm, ""},
	} {
		e := event(x.parts)
		var got []string
		for id, need := range e.Before(x.of, e.Shared(c.Current)) {
			if need {
				got = append(got, id)
			}
		}
		slices.Sort(got)
		if strings.Join(got, " ") != x.want {
			t.Errorf("%s of %s: %v, want %s", x.of, x.parts, got, x.want)
		}
	}
}
