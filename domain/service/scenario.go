// SPDX-License-Identifier: EUPL-1.2

package service

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"

	"github.com/BurntSushi/toml"
)

// Scenario is a service played through from the first answer to the end, as
// mercator service test does it with the real kernel and a clock of its own.
type Scenario struct {
	File    string            `toml:"-"`
	Title   string            `toml:"title"`
	Person  string            `toml:"person"`  // a named person of the sample city
	Begin   Begin             `toml:"begin"`   // what begins the case instead of an application
	About   map[string]string `toml:"about"`   // of a service that is about something: register and field of a record of theirs
	Offered string            `toml:"offered"` // the [[watch]] that has prepared the application, before the person asked
	Today   string            `toml:"today"`
	Consent bool              `toml:"consent"` // yes to the registers
	Answers map[string]any    `toml:"answers"`
	Cosign  map[string]string `toml:"cosign"` // who signs: the id of a [[cosign]] → a named person of the sample city
	Steps   []Step            `toml:"step"`
	Expect  Expect            `toml:"expect"`
}

// Begin is what begins a case by itself: exactly one of Message, Signal, Condition and Wait is set.
type Begin struct {
	Message   string         `toml:"message"`
	Signal    string         `toml:"signal"`
	Condition bool           `toml:"condition"` // the variables are told
	Wait      string         `toml:"wait"`      // … until the time has come: P365D
	Key       string         `toml:"key"`       // of the message
	Variables map[string]any `toml:"variables"`
}

func (b Begin) kinds() int {
	n := 0
	for _, set := range []bool{b.Message != "", b.Signal != "", b.Condition, b.Wait != ""} {
		if set {
			n++
		}
	}
	return n
}

// Given reports whether something begins the case.
func (b Begin) Given() bool { return b.kinds() > 0 }

// Step is what somebody does next: exactly one of its fields is set, and Answers with Task.
type Step struct {
	Pay     int64          `toml:"pay"`  // cents that are expected to be due; they are paid
	Task    string         `toml:"task"` // id of the user task that a clerk completes
	Answers map[string]any `toml:"answers"`
	Wait    string         `toml:"wait"` // an ISO 8601 duration of days: P31D
}

// Expect is how the case has to end.
type Expect struct {
	Outcome   string            `toml:"outcome"`
	Status    string            `toml:"status"`    // the last milestone in German; "" isn't checked
	Documents []string          `toml:"documents"` // templates of the letters, in order
	Records   []string          `toml:"records"`   // registers that have a record of the case
	Rules     map[string]string `toml:"rules"`     // decision → the law of the rule that fired
	Shows     map[string]string `toml:"shows"`     // "register.field" → what one of the person's records shows then
}

// told says what is wrong with a file; line 0: with all of it.
type told func(line int, format string, args ...any)

// eachScenario reads the TOML files of a folder in the order of their names and hands over those that can be read. free are keys
// below which anything may stand.
func eachScenario[T any](files fs.FS, folder string, free func(toml.Key) bool, take func(name string, data []byte, sc T, bad told)) []Problem {
	names, err := fs.Glob(files, folder+"/*.toml")
	if err != nil {
		return []Problem{{File: folder, Msg: err.Error()}}
	}
	var problems []Problem
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			problems = append(problems, Problem{File: name, Msg: err.Error()})
			continue
		}
		problems = append(problems, oneScenario(name, data, free, take)...)
	}
	return problems
}

// oneScenario is eachScenario for one text.
func oneScenario[T any](name string, data []byte, free func(toml.Key) bool, take func(name string, data []byte, sc T, bad told)) []Problem {
	var problems []Problem
	bad := func(line int, format string, args ...any) {
		problems = append(problems, Problem{File: name, Line: line, Msg: fmt.Sprintf(format, args...)})
	}
	var sc T
	meta, err := toml.Decode(string(data), &sc)
	var pe toml.ParseError
	switch {
	case errors.As(err, &pe):
		bad(pe.Position.Line, "%s", pe.Message)
		return problems
	case err != nil:
		bad(0, "%v", err)
		return problems
	}
	for _, k := range meta.Undecoded() {
		if !free(k) {
			bad(lineOf(data, k[len(k)-1]), "unknown key %q", k.String())
		}
	}
	take(path.Base(name), data, sc, bad)
	return problems
}

// Scenarios reads the scenarios of a package in the order of their names.
func Scenarios(s *Service) ([]Scenario, []Problem) {
	var out []Scenario
	variables := func(k toml.Key) bool { return len(k) > 2 && k[0] == "begin" && k[1] == "variables" }
	problems := eachScenario(s.Files, "scenarios", variables, func(name string, data []byte, sc Scenario, bad told) {
		sc.File = name
		if sc.Title == "" || sc.Person == "" && !sc.Begin.Given() || sc.Expect.Outcome == "" {
			bad(0, "a scenario needs title, person (or [begin]) and expect.outcome")
		}
		if sc.Begin.kinds() > 1 || sc.Begin.Given() && (len(sc.Answers) > 0 || sc.Consent || sc.Person != "") {
			bad(lineOf(data, "begin"), "[begin] is one of message, signal, condition and wait, and takes the place of person, consent and answers")
		}
		if !sc.Begin.Given() && s.Internal {
			bad(lineOf(data, "person"), "nobody applies for this service: say in [begin] what begins a case")
		}
		if sc.Offered != "" && !slices.ContainsFunc(s.Watches, func(w Watch) bool { return w.ID == sc.Offered && w.Opens == Offer }) {
			bad(lineOf(data, "offered"), "no [[watch]] %q offers an application", sc.Offered)
		}
		if _, err := time.Parse(time.DateOnly, sc.Today); err != nil {
			bad(lineOf(data, "today"), "today %q is not a day like 2026-12-01", sc.Today)
		}
		for _, st := range sc.Steps {
			n := 0
			for _, set := range []bool{st.Pay != 0, st.Task != "", st.Wait != ""} {
				if set {
					n++
				}
			}
			if n != 1 {
				bad(lineOf(data, "step"), "a step is one of pay, task and wait")
			}
		}
		if (s.About == "field" || s.About == "record") && sc.About["register"] == "" {
			bad(0, "the service is about a %s: say in [about] of which register", s.About)
		}
		for id := range sc.Cosign {
			if _, ok := s.Cosign(id); !ok {
				bad(lineOf(data, id), "the package has no [[cosign]] %q", id)
			}
		}
		for key := range sc.Answers {
			if s.Form.Field(key) == nil {
				bad(lineOf(data, key), "application.form has no field %q", key)
			}
		}
		out = append(out, sc)
	})
	return out, problems
}
