// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"mercator/base/caldate"
	"mercator/lang/bpmn"
	"mercator/lang/bpmn/play"
	"mercator/lang/dmn"
	"mercator/lang/dmn/tck"
)

// checkBPMN are the mistakes and warnings of a file.
func checkBPMN(file string, data []byte) (errs, warnings []string) {
	d, err := bpmn.Parse(file, data)
	if err != nil {
		return strings.Split(err.Error(), "\n"), nil
	}
	for _, x := range bpmn.Check(d, bpmn.Known{}) {
		if x.Severity == bpmn.Error {
			errs = append(errs, x.String())
		} else {
			warnings = append(warnings, x.String())
		}
	}
	return errs, warnings
}

// simulateBPMN plays a process in memory and prints each step as a line of JSON, the
// last one how it ended.
func simulateBPMN(file, process, context, answers, at, state string, w io.Writer) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	d, err := bpmn.Parse(file, data)
	if err != nil {
		return err
	}
	p, err := chosen(d, process)
	if err != nil {
		return err
	}
	if p, err = p.Link(func(id string) *bpmn.Process {
		called, _ := d.Process(id)
		return called
	}); err != nil {
		return err
	}
	vars, err := readJSON(context)
	if err != nil {
		return err
	}
	calendar, err := caldate.New(state)
	if err != nil {
		return fmt.Errorf("--state: %w", err)
	}
	o := play.Options{Now: time.Now().Truncate(time.Second), Calendar: calendar, Decide: decideBeside(file)}
	if at != "" {
		if o.Now, err = time.Parse(time.RFC3339, at); err != nil {
			return fmt.Errorf("--at %q: want an instant such as 2026-12-01T09:00:00+01:00", at)
		}
	}
	if answers != "" {
		b, err := os.ReadFile(answers)
		if err != nil {
			return err
		}
		if o.Answers, err = play.ReadAnswers(b); err != nil {
			return fmt.Errorf("%s: %w", answers, err)
		}
	}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	outcome, err := play.Run(p, vars, o, func(s play.Step) error { return out.Encode(s) })
	if err != nil {
		return err
	}
	if err := out.Encode(outcome); err != nil {
		return err
	}
	if outcome.Outcome == "incident" {
		var where []string
		for _, t := range outcome.Waiting {
			if t.Reason != "" {
				where = append(where, t.Element+": "+t.Reason)
			}
		}
		return errors.New(strings.Join(where, "\n"))
	}
	return nil
}

// chosen is the process with the id, or the executable one that no other of the file calls.
func chosen(d *bpmn.Definitions, id string) (*bpmn.Process, error) {
	var called, free []string
	for _, p := range d.Processes {
		called = append(called, p.Calls()...)
	}
	for _, p := range d.Processes {
		if p.Executable && !slices.Contains(called, p.ID) {
			free = append(free, p.ID)
		}
	}
	if id == "" && len(free) == 1 {
		id = free[0]
	}
	switch p, ok := d.Process(id); {
	case ok && p.Executable:
		return p, nil
	case ok:
		return nil, fmt.Errorf("%s: process %q isn't marked executable (isExecutable=\"true\")", d.File, p.ID)
	case id != "":
		return nil, fmt.Errorf("%s has no process %q", d.File, id)
	case len(free) == 0:
		return nil, fmt.Errorf("%s has no process that is marked executable (isExecutable=\"true\")", d.File)
	}
	return nil, fmt.Errorf("%s has several processes: choose one with --process: %s", d.File, strings.Join(free, ", "))
}

// decideBeside makes decisions of the .dmn files in the folder of a process.
func decideBeside(file string) func(time.Time, string, map[string]any) (any, bool, error) {
	files, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "*.dmn")) // the pattern is well-formed
	var defs []*dmn.Definitions
	read := false
	return func(now time.Time, decision string, vars map[string]any) (any, bool, error) {
		if !read {
			read = true
			for _, f := range files {
				b, err := os.ReadFile(f)
				if err != nil {
					return nil, false, err
				}
				if d, err := dmn.ParseWith(f, b, dmn.Options{Lenient: true, Import: tck.Beside(f)}); err == nil {
					defs = append(defs, d)
				}
			}
		}
		for _, d := range defs {
			for _, x := range d.Decisions() {
				if x.ID == decision || x.Name == decision {
					r, err := d.Evaluate(x.Name, vars, dmn.EvalOptions{Now: now})
					if err != nil {
						return nil, true, err
					}
					return r.Value, true, nil
				}
			}
		}
		return nil, false, nil
	}
}
