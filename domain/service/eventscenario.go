// SPDX-License-Identifier: EUPL-1.2

package service

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// EventScenario is a life event applied for by one person, from the choice of services until each has its case, as scenarios/*.toml
// beside event.toml says it. mercator service test plays it with the real kernel.
type EventScenario struct {
	File    string                    `toml:"-"`
	Title   string                    `toml:"title"`
	Person  string                    `toml:"person"` // a named person of the sample city
	Today   string                    `toml:"today"`
	Consent bool                      `toml:"consent"` // yes to the registers
	Wanted  []string                  `toml:"wanted"`  // of the services that are offered; the others aren't wanted
	Answers map[string]map[string]any `toml:"answers"` // by service and field, as they are typed
	Expect  EventExpect               `toml:"expect"`
}

// EventExpect is what has to come of it.
type EventExpect struct {
	Services []string                  `toml:"services"` // what is applied for, in the event's order
	Once     map[string][]string       `toml:"once"`     // all that is asked for several services: question → where else its answer counts (service.field)
	Cases    map[string]map[string]any `toml:"cases"`    // what the case of a service has of the answers, by field
}

// EventScenarios reads the scenarios of a life event in the order of their names.
func EventScenarios(e *Event, fsys fs.FS, current func(id string) (*Service, bool)) ([]EventScenario, []Problem) {
	var out []EventScenario
	free := func(k toml.Key) bool {
		return k[0] == "answers" && len(k) > 2 || k[0] == "expect" && len(k) > 3 && k[1] == "cases"
	}
	problems := eachScenario(fsys, "scenarios", free, func(name string, data []byte, sc EventScenario, bad told) {
		sc.File = name
		if sc.Title == "" || sc.Person == "" || len(sc.Expect.Services) == 0 {
			bad(0, "a scenario needs title, person and expect.services")
		}
		if _, err := time.Parse(time.DateOnly, sc.Today); err != nil {
			bad(lineOf(data, "today"), "today %q is not a day like 2026-12-01", sc.Today)
		}
		part := func(key, id string) bool {
			_, ok := e.Part(id)
			if !ok {
				bad(lineOf(data, key), "%q isn't a service of the event", id)
			}
			return ok
		}
		field := func(key, id, name string) {
			if s, ok := current(id); part(key, id) && ok && s.Form.Field(name) == nil {
				bad(lineOf(data, name), "the form of %s has no field %q", id, name)
			}
		}
		for _, id := range sc.Expect.Services {
			part("services", id)
		}
		for _, id := range sc.Wanted {
			if p, _ := e.Part(id); part("wanted", id) && !p.Asked() {
				bad(lineOf(data, "wanted"), "%s is part of it without being asked for", id)
			}
		}
		for _, list := range []map[string]map[string]any{sc.Answers, sc.Expect.Cases} {
			for _, id := range slices.Sorted(maps.Keys(list)) {
				for _, name := range slices.Sorted(maps.Keys(list[id])) {
					field(id, id, name)
				}
			}
		}
		for _, asked := range slices.Sorted(maps.Keys(sc.Expect.Once)) {
			for _, q := range append([]string{asked}, sc.Expect.Once[asked]...) {
				id, name, _ := strings.Cut(q, ".")
				field("once", id, name)
			}
		}
		out = append(out, sc)
	})
	return out, problems
}

// EventRun is what came of a scenario.
type EventRun struct {
	Services []string
	Once     map[string][]string
	Cases    map[string]map[string]any
}

// Compare tells what is different from what the scenario expects.
func (sc EventScenario) Compare(got EventRun) (bad []error) {
	want := sc.Expect
	if !slices.Equal(got.Services, want.Services) {
		bad = append(bad, fmt.Errorf("applied for: %v, want %v", got.Services, want.Services))
	}
	for _, asked := range slices.Sorted(maps.Keys(got.Once)) {
		if want.Once != nil && want.Once[asked] == nil {
			bad = append(bad, fmt.Errorf("%s is asked once for %v, too, which expect.once doesn't say", asked, got.Once[asked]))
		}
	}
	for _, asked := range slices.Sorted(maps.Keys(want.Once)) {
		a, b := slices.Sorted(slices.Values(got.Once[asked])), slices.Sorted(slices.Values(want.Once[asked]))
		if !slices.Equal(a, b) {
			bad = append(bad, fmt.Errorf("%s is asked for %v, too, want %v", asked, a, b))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(want.Cases)) {
		if got.Cases[id] == nil {
			bad = append(bad, fmt.Errorf("%s has no case", id))
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(want.Cases[id])) {
			a, err := json.Marshal(got.Cases[id][name])
			b, err2 := json.Marshal(want.Cases[id][name])
			if err != nil || err2 != nil || !bytes.Equal(a, b) {
				bad = append(bad, fmt.Errorf("the case of %s has %s: %s, want %s", id, name, a, b))
			}
		}
	}
	return bad
}

// EventOutcome is one thing that can come of a service of a life event: whether its condition holds, and whether it is wanted.
type EventOutcome struct{ Service, What, Is string }

func (o EventOutcome) String() string { return o.Service + ": " + o.What + ": " + o.Is }

// EventCoverage collects which outcomes came about in scenarios.
type EventCoverage struct {
	all  []EventOutcome
	seen map[EventOutcome]bool
}

// NewEventCoverage begins with none.
func NewEventCoverage(e *Event) *EventCoverage {
	c := &EventCoverage{seen: map[EventOutcome]bool{}}
	for _, p := range e.Parts {
		if p.when != nil {
			c.all = append(c.all, EventOutcome{p.Service, "when", "holds"}, EventOutcome{p.Service, "when", "doesn't hold"})
		}
		if p.Asked() {
			c.all = append(c.all, EventOutcome{p.Service, "question", "yes"}, EventOutcome{p.Service, "question", "no"})
		}
	}
	return c
}

// Held notes whether the condition of a service held.
func (c *EventCoverage) Held(service string, holds bool) {
	c.seen[EventOutcome{service, "when", map[bool]string{true: "holds", false: "doesn't hold"}[holds]}] = true
}

// Answered notes what was said to the question for a service.
func (c *EventCoverage) Answered(service string, wanted bool) {
	c.seen[EventOutcome{service, "question", map[bool]string{true: "yes", false: "no"}[wanted]}] = true
}

// Untouched are the outcomes that no scenario has brought about, of all.
func (c *EventCoverage) Untouched() (untouched []EventOutcome, all int) {
	for _, o := range c.all {
		if !c.seen[o] {
			untouched = append(untouched, o)
		}
	}
	return untouched, len(c.all)
}
